"""Rasters that strangers send: read, checked and copied in a child process before anything else opens
them.

The first bytes are looked at here; GDAL sees the file in the child alone (`_raster_reader`). What
comes back is what the layer is and a tiled copy, proved cell for cell to hold the same.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gis_data import children, rasters
from gis_data.rasters import RasterInfo, RasterRefused

READER = "gis_data._raster_reader"
# The child stops itself long before; this is for one that has lost its own clock.
WALL_SECONDS = 3 * 3600.0
FILE_BYTES_MAX = 3 * 2**30
ANSWER_BYTES_MAX = 2**20


@dataclass(frozen=True, slots=True)
class Received:
    """A raster as the child read it.

    codes : the values that occur, sorted, where they were asked for
    copy : the tiled copy; it goes with the folder it lies in unless it is moved away
    copy_differs : in what the copy differs from the file, None if in nothing
    """

    info: RasterInfo
    codes: list[float] | None
    copy: Path
    copy_sha256: str
    copy_differs: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and how: for the record.

    network : how the reader was kept from it, see ``children.isolation``
    """

    layers: list[Received]
    network: str


@contextmanager
def received(
    paths: Sequence[Path],
    folder: Path,
    *,
    crs: str | None = None,
    codes_most: int | None = None,
) -> Iterator[Reading]:
    """Give what the rasters are, each with its tiled copy below ``folder``.

    Parameters
    ----------
    crs : coordinate system for rasters that name none
    codes_most : list the values that occur, up to so many and one

    Raises
    ------
    RasterRefused
        A raster cannot be used; nothing of it is left.
    """
    places = [rasters.plain_file(path) for path in paths]
    if any(place.stat().st_size > FILE_BYTES_MAX for place in places):
        raise RasterRefused(
            "too_large", f"文件超过 {FILE_BYTES_MAX / 2**30:g} GB。请裁切或压缩后再交。"
        )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".received-") as staging:
        request = {"paths": [str(place) for place in places], "crs": crs, "codes_most": codes_most}
        said = json.loads(_answer(request, Path(staging)))
        if "refused" in said:
            raise RasterRefused(*said["refused"])
        yield Reading(
            [
                Received(
                    info=RasterInfo(**one["info"] | {"transform": tuple(one["info"]["transform"])}),
                    codes=one["codes"],
                    copy=Path(staging) / one["copy"],
                    copy_sha256=one["copy_sha256"],
                    copy_differs=one["copy_differs"],
                )
                for one in said["layers"]
            ],
            children.isolation()[1],
        )


def _answer(request: Mapping[str, object], staging: Path) -> bytes:
    try:
        return children.answer(
            READER, request, folder=staging, wall_seconds=WALL_SECONDS, bytes_max=ANSWER_BYTES_MAX
        )
    except children.Stopped as stopped:
        if stopped.why == "died":
            raise RasterRefused(
                "broken", "这份影像读不下去，已停止，没有登记。请用原软件重新导出后再交。"
            ) from stopped
        raise RasterRefused(
            "too_slow", "读这份影像用的时间或内存超过限额，已停止，没有登记。请裁切后再交。"
        ) from stopped

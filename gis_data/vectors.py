"""Reading land from files of strangers.

GeoJSON, GeoPackage, shapefile (bare or zipped), KML, KMZ, GPX, GeoParquet, and tables with outlines in
them as CSV or .xlsx.

The file is parsed in a child process with limits and, where the system allows it, without a network;
what comes back is outlines exactly as read and plain values. Each row of the file gives one ``Row``,
also one without an outline or with a broken one: nothing is left out and nothing is repaired.
"""

import hashlib
import json
import math
import stat
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

from gis_data import _geojson, _rows, _wkb, children, geometry, map_offsets
from gis_data._tables import ROLES
from gis_data.refusals import FileRefused, Question, Refusal

BYTES_MAX = 256 * 2**20
ROWS_MAX = 200_000
# What a file may cost is limited by the processor's time (`_reader`); this is for one that only waits,
# and leaves room on a machine that does much else at once.
WALL_SECONDS = 40.0
WALL_SECONDS_MB = 1.0
# The reader stops itself below this (`_reader.ANSWER_BYTES_MAX`).
ANSWER_BYTES_MAX = 300 * 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    polygon : MultiPolygon in the file's own coordinates, two-dimensional, vertices untouched; None if
        the row has no outline or ``problem`` says why it could not be read
    questions : what only the reader saw, such as a track that was closed
    unclosed : where all that is wrong is a ring that does not come back to its start, the outline
        with that edge added: for ``repairs`` to offer, never taken by itself
    unclosed_sha256 : of the rings as they were read
    """

    row: int  # from 0
    polygon: Any | None
    attributes: dict[str, str | int | float | None]
    problem: Refusal | None = None
    questions: tuple[Question, ...] = ()
    unclosed: Any | None = None
    unclosed_sha256: str = ""


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file as read.

    crs : of the outlines as read; WGS 84 where they are on a web map's offset
    offset : the web map's offset that a person named; the outlines are still those of the map
    network : how the reader was kept from it, see ``children.isolation``
    """

    rows: list[Row]
    crs: pyproj.CRS
    crs_source: str  # "file", "given", or "default" (GeoJSON that names none)
    encoding: str
    fields: list[str]
    driver: str
    sha256: str
    network: str
    offset: map_offsets.Offset | None = None

    @property
    def crs_name(self) -> str:
        """What the record says of the coordinate system."""
        if self.offset:
            return f"{self.offset} → WGS 84 换算"
        code, datum = self.crs.to_epsg(), str((self.crs.geodetic_crs or self.crs).name)
        datum = "CGCS2000" if "China Geodetic Coordinate System 2000" in datum else datum
        return f"EPSG:{code}（{datum}）" if code else str(self.crs.name)

    def to_4490(self, polygons: geometry.Polygons) -> geometry.Polygons:
        """Return polygons in the file's own coordinates moved to EPSG:4490, vertex by vertex."""
        if self.offset:
            return map_offsets.converted(polygons, self.offset)
        return geometry.to_4490(polygons, self.crs)


def read(
    path: str | Path,
    *,
    crs: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    outline: Mapping[str, str] | None = None,
    row_limit: int = ROWS_MAX,
) -> VectorFile:
    """Return the rows of the file.

    Parameters
    ----------
    crs : coordinate system such as ``EPSG:4490``, for a file that names none; or ``GCJ-02`` or
        ``BD-09`` for outlines traced on a web map, which call themselves WGS 84 or nothing
    encoding : of the text of a shapefile, such as ``GBK``; wins over what the file says
    layer : name of the layer where a GeoPackage, a workbook or an archive holds several
    outline : for a table, role -> column where the names do not tell: ``wkt``; ``vertices``; or
        ``parcel``, ``part``, ``ring``, ``order``, ``x`` (east) and ``y`` (north)

    Raises
    ------
    FileRefused
        The file as a whole cannot be taken; its code says why.
    """
    paths = _paths(path)
    offset = map_offsets.named(crs) if crs else None
    _refuse_roles(outline)
    given = geometry.crs_of(crs) if crs and not offset else None
    with tempfile.TemporaryDirectory(prefix="sinks-read-") as staging:
        header, blob = _in_child(
            {
                "paths": {part: str(place) for part, place in paths.items()},
                "encoding": encoding,
                "layer": layer,
                "outline": dict(outline) if outline else None,
                "row_limit": row_limit,
                "staging": staging,
            }
        )
    rows = _rows_of(header["rows"], blob)
    if header["crs"] and (said := map_offsets.named(header["crs"])):
        # A table can say so itself, in its column for the system.
        header, offset = header | {"crs": None}, offset or said
    found, source = _offset_crs(header, offset) if offset else _crs(header, given, rows)
    return VectorFile(
        rows=rows,
        crs=found,
        crs_source=source,
        encoding=header["encoding"],
        fields=header["fields"],
        driver=header["driver"],
        sha256=header["sha256"],
        network=children.isolation()[1],
        offset=offset,
    )


def drawn(geojson: Mapping[str, Any]) -> VectorFile:
    """Return a drawn GeoJSON geometry or Feature as a file of one row, on WGS 84.

    The drawing comes from our own map and is small, so it is read in this process.
    """
    feature = geojson
    if geojson.get("type") != "Feature":
        feature = {"type": "Feature", "properties": None, "geometry": dict(geojson)}
    raw = _geojson.row_of(dict(feature))
    problem = Refusal(*raw.problem) if raw.problem else None
    polygon = shapely.from_wkb(raw.wkb) if raw.wkb else None
    row = Row(0, polygon, raw.attributes, problem)
    if raw.unclosed:
        row = _with_unclosed(row, raw.unclosed)
    crs = geometry.crs_of("EPSG:4326")
    fields = list(raw.attributes)
    return VectorFile([row], crs, "default", "UTF-8", fields, "GeoJSON", "", "not used")


def outline_columns(said: str | None) -> dict[str, str] | None:
    """Role -> column of ``parcel=宗地,x=E,y=N``; a word without ``=`` is refused as an unknown role."""
    if not said or not said.strip():
        return None
    pairs = (pair.partition("=") for pair in said.replace("，", ",").split(","))
    return {role.strip(): column.strip() for role, _, column in pairs}


def _refuse_roles(outline: Mapping[str, str] | None) -> None:
    if unknown := set(outline or {}) - ROLES.keys():
        raise FileRefused(
            "outline_columns", f"没有“{min(unknown)[:20]}”这种列。可指明：{'、'.join(ROLES)}。"
        )


def _paths(path: str | Path) -> dict[str, Path]:
    """Return the file, or the parts of a bare shapefile, after looking that they are plain files."""
    try:
        place = Path(path).absolute()
        status = place.stat()
    except (OSError, ValueError) as error:
        raise FileRefused("not_found", f"没有这个文件：{str(path)[:100]!r}。") from error
    if not stat.S_ISREG(status.st_mode):
        raise FileRefused("not_a_file", f"不是文件：{str(path)[:100]!r}。")
    if status.st_size == 0:
        raise FileRefused("broken", "文件是空的。")
    if place.suffix.lower() in (".shx", ".dbf", ".prj", ".cpg"):
        raise FileRefused("unknown_format", "请给出 .shp 文件，其余文件放在同一文件夹。")
    paths = {"shp": place}
    if place.suffix.lower() == ".shp":
        for sibling in place.parent.iterdir():
            part = sibling.suffix.lower().lstrip(".")
            if sibling.stem == place.stem and part in ("shx", "dbf", "prj", "cpg"):
                paths[part] = sibling
    if sum(part.stat().st_size for part in paths.values() if part.is_file()) > BYTES_MAX:
        raise FileRefused(
            "too_large", f"文件超过 {BYTES_MAX // 2**20} MB。请分成几份，或改用 GeoPackage。"
        )
    return paths


def _in_child(request: dict[str, Any]) -> tuple[dict[str, Any], memoryview]:
    """Return the answer of the reader: its header and the geometries."""
    size_bytes = sum(Path(part).stat().st_size for part in request["paths"].values())
    wall_seconds = WALL_SECONDS + WALL_SECONDS_MB * size_bytes / 2**20
    try:
        data = children.answer(
            "gis_data._reader",
            request,
            folder=Path(request["staging"]),
            wall_seconds=wall_seconds,
            bytes_max=ANSWER_BYTES_MAX,
        )
    except children.Stopped as stopped:
        if stopped.why == "wall":
            raise FileRefused(
                "too_slow", f"读这份文件超过 {wall_seconds:.0f} 秒，已停止。"
            ) from stopped
        if stopped.why == "limit":
            raise FileRefused(
                "too_slow", "读这份文件用的时间或内存超过限额，已停止。请分成几份。"
            ) from stopped
        raise FileRefused(
            "broken", "这份文件读不下去，已停止。请用原软件重新导出后再交。"
        ) from stopped
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8 : 8 + size])
    if "refused" in header:
        raise FileRefused(*header["refused"])
    return header, memoryview(data)[8 + size :]


def _rows_of(headers: list[Any], blob: memoryview) -> list[Row]:
    wkbs: list[bytes | None] = []
    unclosed: dict[int, bytes] = {}
    at = 0
    for number, (size, unclosed_size, *_) in enumerate(headers):
        wkbs.append(bytes(blob[at : at + size]) or None)
        at += size
        if unclosed_size:
            unclosed[number] = bytes(blob[at : at + unclosed_size])
            at += unclosed_size
    rows = [
        Row(
            number,
            polygon,
            attributes,
            Refusal(*problem) if problem else None,
            tuple(Question(*question) for question in questions),
        )
        for number, ((_, _, attributes, problem, questions), polygon) in enumerate(
            zip(headers, shapely.from_wkb(np.array(wkbs, dtype=object)), strict=True)
        )
    ]
    for number, wkb in unclosed.items():
        rows[number] = _with_unclosed(rows[number], wkb)
    return rows


def _with_unclosed(row: Row, wkb: bytes) -> Row:
    """Return the row with what it would be if its rings were closed, and the hash of what was read."""
    closed = _rows.multipolygon_wkb(_rows.closed(_wkb.polygons(wkb)))
    return replace(
        row, unclosed=shapely.from_wkb(closed), unclosed_sha256=hashlib.sha256(wkb).hexdigest()
    )


def bounds_of(rows: list[Row]) -> tuple[float, float, float, float]:
    """Return west, south, east, north of all outlines; NaN if there is none."""
    outlines = [row.polygon for row in rows if row.polygon is not None]
    if not outlines:
        return math.nan, math.nan, math.nan, math.nan
    bounds = shapely.total_bounds(outlines)
    west, south, east, north = (float(number) for number in bounds)
    return west, south, east, north


def _offset_crs(header: dict[str, Any], offset: map_offsets.Offset) -> tuple[pyproj.CRS, str]:
    """Return WGS 84, which the coordinates of a web map call themselves."""
    text = header["crs"]
    map_offsets.refuse_other_system(
        geometry.crs_of(text) if text and text.strip() else None, offset
    )
    return geometry.crs_of("EPSG:4326"), "given"


def _crs(
    header: dict[str, Any], given: pyproj.CRS | None, rows: list[Row]
) -> tuple[pyproj.CRS, str]:
    """Return the coordinate system and where it is from: the file, the caller, or the format."""
    text = header["crs"]
    if text is None or not text.strip():
        if given is not None:
            return given, "given"
        bounds = bounds_of(rows)
        hint = (
            geometry.crs_hint(bounds)
            if math.isfinite(sum(bounds))
            else "请问明坐标系，填成 EPSG:编号。"
        )
        raise FileRefused("crs_missing", f"文件没有写明坐标系。{hint}")
    if header["crs_by_default"]:
        return (given, "given") if given is not None else (geometry.crs_of(text), "default")
    found = geometry.crs_of(text)
    if given is None or given == found:
        return found, "file"
    if not geometry.datum_is_known(found):
        return given, "given"
    raise FileRefused(
        "crs_conflict",
        f"文件自带坐标系“{found.name}”，与给出的“{given.name}”不同。请核对；以文件为准时，坐标系不要填。",
    )

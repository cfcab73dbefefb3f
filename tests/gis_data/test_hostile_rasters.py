"""Layers that strangers made to cost, to mislead or to read elsewhere: a named refusal, no trace."""

import os
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import Affine

from gis_data import rasters
from gis_data.rasters import RasterRefused

GRID = Affine(10.0, 0.0, 461_000.0, 0.0, -10.0, 3_390_000.0)
ONES = np.ones((32, 32), dtype=np.float32)
MEMORY_GROWTH_KB_MAX = 1_000_000
CPU_S_MAX = 10.0


def write(path: Path, values: np.ndarray, **profile: Any) -> Path:
    bands = values if values.ndim == 3 else values[None]
    options: dict[str, Any] = {"crs": "EPSG:4549", "transform": GRID, **profile}
    with rasterio.open(
        path, "w", driver="GTiff", count=bands.shape[0], height=bands.shape[1],
        width=bands.shape[2], dtype=bands.dtype.name, **options,
    ) as layer:  # fmt: skip
        layer.write(bands)
    return path


def zeros(path: Path, side: int, **profile: Any) -> Path:
    """A float32 layer of nothing but zeros, which are not even stored."""
    rasterio.open(
        path, "w", driver="GTiff", count=1, height=side, width=side, dtype="float32",
        crs="EPSG:4549", transform=GRID, SPARSE_OK=True, **profile,
    ).close()  # fmt: skip
    return path


def one_tile_of_256_mb(path: Path) -> Path:
    return write(
        path, np.zeros((16_384, 16_384), np.uint8), tiled=True, blockxsize=16_384,
        blockysize=16_384, compress="deflate",
    )  # fmt: skip


def tiles_that_share_their_bytes(path: Path) -> Path:
    """All 1,849 tiles of 512 x 512 point to the bytes of the first, which deflate a megabyte."""
    write(path, np.zeros((512, 512), np.float32), tiled=True, blockxsize=512, blockysize=512,
          compress="deflate")  # fmt: skip
    count, content = 43 * 43, bytearray(path.read_bytes())
    at = struct.unpack_from("<I", content, 4)[0]
    entries = struct.unpack_from("<H", content, at)[0]
    for entry in range(at + 2, at + 2 + 12 * entries, 12):
        tag, _, _, value = struct.unpack_from("<HHII", content, entry)
        if tag in (256, 257):
            struct.pack_into("<HHII", content, entry, tag, 4, 1, 43 * 512)
        if tag in (324, 325):
            # One tile has its place and length in the entry itself; many stand in an array.
            struct.pack_into("<HHII", content, entry, tag, 4, count, len(content))
            content += struct.pack("<I", value) * count
    path.write_bytes(content)
    return path


def scaled(path: Path, scale: float, offset: float) -> Path:
    write(path, ONES.astype(np.int16))
    with rasterio.open(path, "r+") as layer:
        layer.scales, layer.offsets = (scale,), (offset,)
    return path


def two_images(path: Path) -> Path:
    write(path, ONES)
    with rasterio.open(
        path, "w", driver="GTiff", APPEND_SUBDATASET=True, count=1, height=32, width=32,
        dtype="float32", crs="EPSG:4549", transform=GRID,
    ) as second:  # fmt: skip
        second.write(9 * ONES, 1)
    return path


def control_points_only(path: Path) -> Path:
    corners = [(0, 0, 461_000, 3_390_000), (0, 32, 461_320, 3_390_000), (32, 0, 461_000, 3_389_680)]
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=32, width=32, dtype="float32"
    ) as layer:
        layer.write(ONES, 1)
        layer.gcps = ([GroundControlPoint(*corner) for corner in corners], CRS.from_epsg(4549))
    return path


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(write(path.with_name("inside.tif"), ONES), "inside.tif")
    return path


def next_image_is_the_first(path: Path) -> Path:
    """The chain of images turns in a circle."""
    content = bytearray(write(path, ONES).read_bytes())
    at = struct.unpack_from("<I", content, 4)[0]
    entries = struct.unpack_from("<H", content, at)[0]
    struct.pack_into("<I", content, at + 2 + 12 * entries, at)
    path.write_bytes(content)
    return path


HOSTILE: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "a tile as large as the layer": ("block_too_large", one_tile_of_256_mb),
    "deflated zeros": ("expands", lambda p: zeros(p, 22_000, tiled=True, compress="deflate")),
    "sparse": ("expands", lambda p: zeros(p, 22_000)),
    "tiles that share their bytes": ("expands", tiles_that_share_their_bytes),
    "scale NaN": ("scale", lambda p: scaled(p, float("nan"), 0.0)),
    "scale infinite": ("scale", lambda p: scaled(p, float("inf"), 0.0)),
    "scale zero": ("scale", lambda p: scaled(p, 0.0, 5.0)),
    "offset NaN": ("scale", lambda p: scaled(p, 1.0, float("nan"))),
    "two images": ("several_images", two_images),
    "control points": ("no_georeference", control_points_only),
    "complex": ("not_a_quantity", lambda p: write(p, ONES.astype(np.complex128))),
    "too exact": ("inexact", lambda p: write(p, np.full((32, 32), 2**53 + 1, np.int64))),
    "unsigned to the brim": ("inexact", lambda p: write(p, np.full((8, 8), 2**64 - 1, np.uint64))),
    "a picture": ("lossy", lambda p: write(p, ONES.astype(np.uint8), compress="jpeg")),
    "metres called degrees": ("crs_mismatch", lambda p: write(p, ONES, crs="EPSG:4326")),
    "no zone prefix": ("crs_mismatch", lambda p: write(p, ONES, crs="EPSG:4528")),
    "far beyond the earth": (
        "crs_mismatch",
        lambda p: write(p, ONES, transform=Affine(10.0, 0.0, 1e15, 0.0, -10.0, 1e15)),
    ),
    "cells of nothing": (
        "crs_mismatch",
        lambda p: write(p, ONES, transform=Affine(1e-300, 0.0, 461_000, 0.0, -1e-300, 3_390_000)),
    ),
    "cells without end": (
        "crs_mismatch",
        lambda p: write(p, ONES, transform=Affine(1e300, 0.0, 461_000, 0.0, -1e300, 3_390_000)),
    ),
    "zip named tif": ("unknown_format", zipped),
}


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_layer_is_refused_by_name_at_little_cost(name: str, tmp_path: Path) -> None:
    code, make = HOSTILE[name]
    path = make(tmp_path / "a.tif")
    before, bytes_before = sorted(os.listdir(tmp_path)), path.read_bytes()
    used = resource.getrusage(resource.RUSAGE_SELF)
    with pytest.raises(RasterRefused) as refused:
        rasters.inspect(path)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    assert refused.value.code == code and refused.value.message.endswith("。")
    assert spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime < CPU_S_MAX
    assert spent.ru_maxrss - used.ru_maxrss < MEMORY_GROWTH_KB_MAX
    assert sorted(os.listdir(tmp_path)) == before and path.read_bytes() == bytes_before


def test_a_chain_of_images_that_turns_in_a_circle_ends(tmp_path: Path) -> None:
    path = next_image_is_the_first(tmp_path / "a.tif")
    try:
        assert rasters.inspect(path).mean == 1.0
    except RasterRefused as refused:
        assert refused.code in ("several_images", "broken")


def test_a_link_is_followed_to_a_layer_and_to_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", ONES)
    for name, target in (("layer", path), ("secret", "/etc/passwd"), ("device", "/dev/zero")):
        (tmp_path / f"{name}.tif").symlink_to(target)
    assert rasters.inspect(tmp_path / "layer.tif").mean == 1.0
    for name, code in (("secret", "unknown_format"), ("device", "not_a_file")):
        with pytest.raises(RasterRefused) as refused:
            rasters.inspect(tmp_path / f"{name}.tif")
        assert refused.value.code == code


def test_overviews_masks_and_descriptions_of_a_stranger_beside_a_layer_are_not_read(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.tif", np.full((512, 512), 50.0, np.float32))
    stranger = write(tmp_path / "b.tif", np.full((512, 512), 900.0, np.float32))
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(stranger, "r+") as layer:
        layer.build_overviews([2, 4])
    (tmp_path / "b.tif.ovr").rename(tmp_path / "a.tif.ovr")
    write(tmp_path / "a.tif.msk", np.zeros((512, 512), np.uint8))
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><NoDataValue>50</NoDataValue><Scale>10</Scale>"
        "</PAMRasterBand></PAMDataset>"
    )
    info = rasters.inspect(path)
    assert (info.mean, info.valid_share, info.nodata, info.scale) == (50.0, 1.0, None, 1.0)
    with rasters.opened(path) as layer:
        assert set(layer.overview(64).ravel()) == {50.0}


def test_a_large_tile_is_gone_through_in_windows_of_bounded_size(tmp_path: Path) -> None:
    path = zeros(tmp_path / "a.tif", 5_600, tiled=True, blockxsize=5_600, blockysize=5_600)
    with rasters.opened(path) as layer:
        places = list(layer.windows())
    assert max(rows * cols for _, _, rows, cols in places) <= 2 * rasters.WINDOW_CELLS
    seen = np.zeros((5_600, 5_600), np.uint8)
    for row, col, rows, cols in places:
        seen[row : row + rows, col : col + cols] += 1
    assert (seen == 1).all()


def test_colours_of_a_palette_change_no_code(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    codes = np.arange(64, dtype=np.uint8).reshape(8, 8)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=8, width=8, dtype="uint8", crs="EPSG:4549",
        transform=GRID, photometric="palette",
    ) as layer:  # fmt: skip
        layer.write(codes, 1)
        layer.write_colormap(1, {code: (255 - code, 0, 0, 255) for code in range(64)})
    assert rasters.distinct_values(path) == [float(code) for code in range(64)]

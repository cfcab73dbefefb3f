"""Reading raster layers: GeoTIFF only, of known size, north up, in a known coordinate system.

A layer is opened with one named driver and without looking at the files beside it, so that no
description renamed .tif can read another file or ask a server. Nothing here warps a layer: cells are
taken where they are.
"""

import hashlib
import math
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from gis_data import geometry
from gis_data.refusals import FileRefused

BYTES_MAX = 2 * 2**30  # width x height x bands x bytes of an uploaded layer
BYTES_READ_MAX = 64 * 2**30  # of a layer that is only read through windows
BANDS_MAX = 32
# One tile or strip is decoded whole; GDAL keeps it, so that windows within it cost no second time.
BLOCK_BYTES_MAX = 128 * 2**20
# A file that unpacks to more than this and so many times its size holds hardly anything but one value.
EXPANDED_BYTES_MAX = 512 * 2**20
EXPANSION_MAX = 500
# Every whole number below this is a float64; above, sums would be of other numbers than the file's.
WHOLE_NUMBER_MAX = 2**53
# Compressions made for pictures: what they give back is not what was measured.
PICTURE_COMPRESSIONS = ("jpeg", "webp", "jxl", "jpegxl", "jpeg2000")
SIDE_MAX = 400_000
WINDOW_CELLS = 4_000_000
GDAL_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",  # Statistics would be written beside the file and read from there.
    "GDAL_NUM_THREADS": "1",
}
_MAGIC = (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+")


class RasterRefused(Exception):
    """The layer cannot be used. ``code`` is for programs, ``message`` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Layer:
    """An open band of a layer. Row 0, column 0 has its upper left corner at (left, top)."""

    dataset: Any
    band: int
    crs: pyproj.CRS
    left: float
    top: float
    cell_width: float
    cell_height: float  # positive
    width: int
    height: int

    @property
    def unpacked_bytes(self) -> int:
        """Bytes of all bands without compression."""
        item = np.dtype(self.dataset.dtypes[0]).itemsize
        return int(self.width * self.height * self.dataset.count * item)

    def values(self, row: int, col: int, rows: int, cols: int) -> NDArray[np.float64]:
        """Return a window that lies in the layer as real values, NaN where there is no data."""
        return self._real(self._masked(window=Window(col, row, cols, rows)))

    def values_and_infinite(
        self, row: int, col: int, rows: int, cols: int
    ) -> tuple[NDArray[np.float64], int]:
        """Return the same with the number of cells that are called data and are not finite."""
        masked = self._masked(window=Window(col, row, cols, rows))
        return self._real(masked), int(np.isinf(masked.compressed()).sum())

    def overview(self, side_max: int) -> NDArray[np.float64]:
        """Return the whole layer in at most ``side_max`` cells a side, nearest cell, for looking."""
        shrink = max(1.0, max(self.width, self.height) / side_max)
        shape = max(1, round(self.height / shrink)), max(1, round(self.width / shrink))
        return self._real(self._masked(out_shape=shape))

    def cell_size_m(self, row: float) -> tuple[float, float]:
        """Return width and height [m] of a cell in the row, along the ellipsoid or the grid."""
        if not self.crs.is_geographic:
            unit_m = self.crs.axis_info[0].unit_conversion_factor
            return self.cell_width * unit_m, self.cell_height * unit_m
        latitude = self.top - (row + 0.5) * self.cell_height
        sides = pyproj.Geod(ellps="GRS80").inv(
            [0.0, 0.0],
            [latitude, latitude - self.cell_height / 2],
            [self.cell_width, 0.0],
            [latitude, latitude + self.cell_height / 2],
        )[2]
        return float(sides[0]), float(sides[1])

    def _masked(self, **place: Any) -> Any:
        try:
            return self.dataset.read(self.band, masked=True, **place)
        except RasterioError as error:
            raise RasterRefused(
                "broken", "影像读到一半出错，文件不完整或已损坏。请重新导出或重新传送。"
            ) from error

    def _real(self, masked: Any) -> NDArray[np.float64]:
        values = masked.data.astype(np.float64)
        scale = self.dataset.scales[self.band - 1]
        offset = self.dataset.offsets[self.band - 1]
        if scale != 1.0 or offset != 0.0:
            values = values * scale + offset
        values[np.ma.getmaskarray(masked) | ~np.isfinite(values)] = np.nan
        return np.asarray(values)

    def windows(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (row, col, rows, cols) windows that cover the layer, whole blocks at a time."""
        block_rows, block_cols = self.dataset.block_shapes[self.band - 1]
        cols = min(
            self.width, max(block_cols, WINDOW_CELLS // block_rows // block_cols * block_cols)
        )
        rows = min(self.height, max(block_rows, WINDOW_CELLS // cols // block_rows * block_rows))
        if rows * cols > 2 * WINDOW_CELLS:  # Blocks as large as a layer are gone through in parts.
            cols = min(cols, WINDOW_CELLS)
            rows = max(1, WINDOW_CELLS // cols)
        for row in range(0, self.height, rows):
            for col in range(0, self.width, cols):
                yield row, col, min(rows, self.height - row), min(cols, self.width - col)


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """What a layer is.

    mean : plain mean of the valid cells, not weighted by their areas
    valid_share : part of the cells that hold a value
    infinite : number of cells that hold no finite number and are not marked as nodata
    whole_numbers : every value is a whole number
    """

    width: int
    height: int
    bands: int
    band: int
    dtype: str
    crs: str
    transform: tuple[float, float, float, float, float, float]
    nodata: float | None
    unit: str
    description: str
    scale: float
    offset: float
    minimum: float | None
    maximum: float | None
    mean: float | None
    valid_share: float
    infinite: int
    whole_numbers: bool
    sha256: str


@contextmanager
def opened(
    path: str | Path, *, crs: str | None = None, band: int = 1, bytes_max: int = BYTES_READ_MAX
) -> Iterator[Layer]:
    """Give the band of a GeoTIFF.

    Parameters
    ----------
    crs : coordinate system for a layer that names none

    Raises
    ------
    RasterRefused
        With the code that says why.
    """
    place = plain_file(path)
    # The absolute name, so that no word in it can be taken for the prefix of a driver.
    with rasterio.Env(**GDAL_OPTIONS):
        try:
            dataset = rasterio.open(str(place), driver="GTiff")
        except RasterioError as error:
            raise RasterRefused(
                "broken", "不是完整的 GeoTIFF，打不开。请重新导出或重新传送。"
            ) from error
        with dataset:
            _check_size(dataset, band, bytes_max)
            _check_grid(dataset)
            _check_values(dataset, band)
            grid = dataset.transform
            system = _crs(dataset, crs)
            _check_place(dataset, system)
            yield Layer(
                dataset=dataset,
                band=band,
                crs=system,
                left=grid.c,
                top=grid.f,
                cell_width=grid.a,
                cell_height=-grid.e,
                width=dataset.width,
                height=dataset.height,
            )


def inspect(path: str | Path, *, crs: str | None = None, band: int = 1) -> RasterInfo:
    """Return what the band of a layer is, after reading every cell of it.

    Raises
    ------
    RasterRefused
        The layer cannot be used.
    """
    with opened(path, crs=crs, band=band, bytes_max=BYTES_MAX) as layer:
        _refuse_bomb(layer, path)
        low, high, total, count = math.inf, -math.inf, 0.0, 0
        infinite, whole_numbers = 0, True
        for place in layer.windows():
            window, here = layer.values_and_infinite(*place)
            infinite += here
            values = window[np.isfinite(window)]
            whole_numbers = whole_numbers and bool((values == np.rint(values)).all())
            if values.size:
                _refuse_inexact(layer, values)
                low, high = min(low, float(values.min())), max(high, float(values.max()))
                with np.errstate(over="ignore"):  # An endless mean is refused by its variable.
                    total, count = total + float(values.sum()), count + values.size
        dataset = layer.dataset
        return RasterInfo(
            width=layer.width,
            height=layer.height,
            bands=dataset.count,
            band=band,
            dtype=dataset.dtypes[band - 1],
            crs=crs_name(layer.crs),
            transform=tuple(dataset.transform)[:6],
            nodata=dataset.nodatavals[band - 1],
            unit=dataset.units[band - 1] or "",
            description=dataset.descriptions[band - 1] or "",
            scale=dataset.scales[band - 1],
            offset=dataset.offsets[band - 1],
            minimum=low if count else None,
            maximum=high if count else None,
            mean=total / count if count else None,
            valid_share=count / (layer.width * layer.height),
            infinite=infinite,
            whole_numbers=whole_numbers,
            sha256=sha256_of(path),
        )


def crs_name(crs: pyproj.CRS) -> str:
    """Return ``EPSG:n`` where the system has a number, else its WKT."""
    number = crs.to_epsg()
    return f"EPSG:{number}" if number else str(crs.to_wkt())


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of the bytes of a file."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def same_grid(one: Layer, other: Layer) -> bool:
    """Return whether two layers have the same cells in the same places, to a millionth of a cell."""
    tolerance_x, tolerance_y = 1e-6 * one.cell_width, 1e-6 * one.cell_height
    return (
        (one.width, one.height) == (other.width, other.height)
        and (one.crs == other.crs or one.crs.equals(other.crs, ignore_axis_order=True))
        and abs(one.left - other.left) <= tolerance_x
        and abs(one.top - other.top) <= tolerance_y
        # At the far edge a difference of the cell size has added up.
        and abs(one.cell_width - other.cell_width) * one.width <= tolerance_x
        and abs(one.cell_height - other.cell_height) * one.height <= tolerance_y
    )


def distinct_values(path: str | Path, *, crs: str | None = None, most: int = 256) -> list[float]:
    """Return the values that occur in the layer, sorted; no more than the first ``most`` + 1."""
    found = np.empty(0)
    with opened(path, crs=crs, bytes_max=BYTES_MAX) as layer:
        for place in layer.windows():
            window = layer.values(*place)
            found = np.union1d(found, window[np.isfinite(window)])
            if found.size > most:
                break
    return [float(value) for value in found[: most + 1]]


def difference(path: str | Path, copy: str | Path, *, crs: str | None = None) -> str | None:
    """Return in what a copy differs from a layer, or None if every cell of it is the same.

    Held against each other: coordinate system, grid, type, nodata, scales, offsets, and for all
    bands the stored number of every cell, bit for bit, and whether it counts as data.
    """
    with opened(path, crs=crs, bytes_max=BYTES_MAX) as one, opened(copy) as other:
        first, second = one.dataset, other.dataset
        for name in ("count", "dtypes", "scales", "offsets", "width", "height", "transform"):
            if getattr(first, name) != getattr(second, name):
                return name
        if repr(first.nodata) != repr(second.nodata):  # NaN is not equal to itself.
            return "nodata"
        if not one.crs.equals(other.crs, ignore_axis_order=True):
            return "crs"
        for row, col, rows, cols in one.windows():
            window = Window(col, row, cols, rows)
            if first.read(window=window).tobytes() != second.read(window=window).tobytes():
                return "values"
            if not np.array_equal(
                first.read_masks(window=window), second.read_masks(window=window)
            ):
                return "mask"
    return None


def to_cog(path: str | Path, out: str | Path, *, crs: str | None = None) -> str:
    """Write all bands as a tiled, deflated GeoTIFF with overviews, and return its SHA-256.

    Cells, nodata and grid stay as they are; a coordinate system that was given is written into the
    copy. ``out`` appears whole or not at all.

    Raises
    ------
    RasterRefused
        The layer cannot be used.
    """
    out = Path(out)
    with (
        tempfile.TemporaryDirectory(dir=out.parent, prefix=".cog-") as staging,
        opened(path, crs=crs, bytes_max=BYTES_MAX) as layer,
    ):
        tiled, cog = Path(staging) / "tiled.tif", Path(staging) / "cog.tif"
        _write_tiled(layer, tiled)
        rasterio.shutil.copy(
            str(tiled),
            str(cog),
            driver="COG",
            compress="DEFLATE",
            blocksize=512,
            overview_resampling="nearest",
        )
        digest = sha256_of(cog)
        os.replace(cog, out)
    return digest


def _write_tiled(layer: Layer, out: Path) -> None:
    source = layer.dataset
    profile = {
        "driver": "GTiff",
        "width": layer.width,
        "height": layer.height,
        "count": source.count,
        "dtype": source.dtypes[0],
        "crs": rasterio.crs.CRS.from_user_input(crs_name(layer.crs)),
        "transform": source.transform,
        "nodata": source.nodata,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
        "bigtiff": "if_safer",
    }
    with rasterio.open(str(out), "w", **profile) as target:
        target.descriptions, target.units = source.descriptions, source.units
        target.scales, target.offsets = source.scales, source.offsets
        internal_mask = any(
            rasterio.enums.MaskFlags.per_dataset in flags
            and rasterio.enums.MaskFlags.alpha not in flags
            for flags in source.mask_flag_enums
        )
        for row, col, rows, cols in layer.windows():
            window = Window(col, row, cols, rows)
            target.write(source.read(window=window), window=window)
            if internal_mask:
                target.write_mask(source.dataset_mask(window=window), window=window)


def plain_file(path: str | Path) -> Path:
    """Return the absolute name of a file that begins as a TIFF does; GDAL has not seen it.

    Raises
    ------
    RasterRefused
        ``not_found``, ``not_a_file`` or ``unknown_format``.
    """
    try:
        place = Path(path).absolute()
        status = place.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RasterRefused("not_a_file", f"不是文件：{str(path)[:100]!r}。")
        with place.open("rb") as stream:
            magic = stream.read(4)
    except (OSError, ValueError) as error:
        raise RasterRefused("not_found", f"没有这个文件：{str(path)[:100]!r}。") from error
    if magic not in _MAGIC:
        raise RasterRefused("unknown_format", "不是 GeoTIFF 影像（文件头不对）。只收 GeoTIFF。")
    return place


def _check_size(dataset: Any, band: int, bytes_max: int) -> None:
    if dataset.count > BANDS_MAX:
        raise RasterRefused(
            "too_many_bands", f"影像有 {dataset.count} 个波段，最多 {BANDS_MAX} 个。"
        )
    if not 1 <= band <= dataset.count:
        raise RasterRefused("no_band", f"没有第 {band} 波段，影像共有 {dataset.count} 个波段。")
    if any(dtype.startswith("complex") for dtype in dataset.dtypes):
        raise RasterRefused("not_a_quantity", "影像的值是复数，不是一个量。")
    if len(set(dataset.dtypes)) > 1:
        raise RasterRefused("mixed_types", "各波段的数据类型不同。")
    item = np.dtype(dataset.dtypes[0]).itemsize
    size = dataset.width * dataset.height * dataset.count * item
    block_rows, block_cols = dataset.block_shapes[band - 1]
    if size > bytes_max or max(dataset.width, dataset.height) > SIDE_MAX:
        raise RasterRefused(
            "too_large",
            f"影像 {dataset.width} × {dataset.height} × {dataset.count} 波段，解开有 "
            f"{size / 2**30:.1f} GB，限 {bytes_max / 2**30:g} GB。请裁切后再交。",
        )
    if block_rows * block_cols * item > BLOCK_BYTES_MAX:
        raise RasterRefused(
            "block_too_large",
            f"影像的一个分块有 {block_cols} × {block_rows} 个像元，解开有 "
            f"{block_rows * block_cols * item / 2**20:.0f} MB，限 {BLOCK_BYTES_MAX / 2**20:g} MB。"
            "请另存为小分块（如 512 × 512）的 GeoTIFF 再交。",
        )


def _check_grid(dataset: Any) -> None:
    grid = dataset.transform
    numbers = tuple(grid)[:6]
    if not all(map(math.isfinite, numbers)) or grid.is_identity:
        raise RasterRefused("no_georeference", "影像没有写明位置（没有地理参照）。")
    if grid.b != 0.0 or grid.d != 0.0:
        raise RasterRefused("rotated", "影像是旋转的。请先转正（北向上）再交；系统不重采样。")
    if grid.a <= 0.0 or grid.e >= 0.0:
        raise RasterRefused("south_up", "影像不是北向上。请先翻正再交；系统不重采样。")


def _crs(dataset: Any, given: str | None) -> pyproj.CRS:
    try:
        if dataset.crs:
            return geometry.crs_of(dataset.crs.to_wkt())
        if given:
            return geometry.crs_of(given)
    except FileRefused as error:
        raise RasterRefused(error.code, error.message) from error
    raise RasterRefused(
        "crs_missing", "影像没有写明坐标系。请问明后填成 EPSG:编号，例如 EPSG:4549。"
    )


def _refuse_bomb(layer: Layer, path: str | Path) -> None:
    """Refuse a small file that unpacks to an enormous layer of hardly anything but one value."""
    held, size = Path(path).stat().st_size, layer.unpacked_bytes
    if size > EXPANDED_BYTES_MAX and size > EXPANSION_MAX * held:
        raise RasterRefused(
            "expands",
            f"文件只有 {held / 2**20:.1f} MB，解开有 {size / 2**30:.1f} GB，几乎全是同一个值。"
            "请裁切到有数据的范围再交。",
        )


def _refuse_inexact(layer: Layer, values: NDArray[np.float64]) -> None:
    if layer.dataset.dtypes[layer.band - 1] in ("int64", "uint64") and (
        np.abs(values).max() >= WHOLE_NUMBER_MAX
    ):
        raise RasterRefused(
            "inexact",
            "影像里有达到 2 的 53 次方的整数，计算时会变成别的数。请换算成较小的单位再交。",
        )


def _check_values(dataset: Any, band: int) -> None:
    """Refuse numbers that would not be those of the file, and a file of several images."""
    scale, offset = dataset.scales[band - 1], dataset.offsets[band - 1]
    if not (math.isfinite(scale) and math.isfinite(offset)) or scale == 0.0:
        raise RasterRefused(
            "scale",
            f"影像写明的比例系数 {scale:g}、偏移 {offset:g} 不能用来换算。请改正比例系数再交。",
        )
    compression = dataset.compression.name.lower() if dataset.compression else ""
    if compression in PICTURE_COMPRESSIONS:
        raise RasterRefused(
            "lossy",
            f"影像按图片压缩（{compression}），值已不是原来的值。请用无损压缩（如 DEFLATE）重新导出。",
        )
    if dataset.subdatasets:
        raise RasterRefused(
            "several_images",
            f"文件里有 {len(dataset.subdatasets)} 幅影像，不知用哪一幅。请把要用的一幅另存后再交。",
        )


def _check_place(dataset: Any, crs: pyproj.CRS) -> None:
    """Refuse a grid that does not lie where its coordinate system has places."""
    left, bottom, right, top = dataset.bounds
    if crs.is_geographic:
        # Some global layers run from 0 to 360 degrees, or half a cell over the edge.
        fits = -361.0 <= left < right <= 361.0 and -91.0 <= bottom < top <= 91.0
    else:
        way = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
        x, y = (left + right) / 2, (bottom + top) / 2
        back = way.transform(*way.transform(x, y), direction="INVERSE")
        # A place off the map of a projection comes back as another one, or not at all.
        span = max(right - left, top - bottom)
        fits = math.dist(back, (x, y)) <= max(1e-3 * span, 1.0) and span > 0.0
    if not fits:
        raise RasterRefused(
            "crs_mismatch",
            f"影像的坐标（{left:g}, {bottom:g}）至（{right:g}, {top:g}）不在它写明的坐标系里。"
            "请核对坐标系，例如经纬度与平面坐标、带号。",
        )

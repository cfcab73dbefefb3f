"""Reading a layer in strips of whole blocks, each block decoded once, one strip ahead.

A layer of any size goes through the memory of two strips. While one is worked on, a thread reads the
next; the blocks that no parcel touches are left alone. Values stay in the layer's own type until the
cells that are wanted are gathered: 108 million cells are read, and an eighth of them is used.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from gis_data import rasters
from gis_data.compiled import compiled
from gis_data.rasters import Layer, RasterRefused

STRIP_ROWS = 512
STRIP_CELLS = 2**21  # What is read is then still in the cache of the processor when it is used.
# GDAL would keep a twentieth of the memory in blocks that are never asked for again.
CACHE_BYTES = 64 * 2**20
# GDAL takes real numbers for nodata that differ from it by less than this part of it, be they float32
# or float64: 2 x FLT_EPSILON x |a + b| (ARE_REAL_EQUAL; measured with GDAL 3.10).
NEAR = 4 * float(np.finfo(np.float32).eps)

Floats = NDArray[np.float64]
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a layer is cut: strip s is rows s x rows onwards, piece c of it columns c x cols onwards."""

    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Area:
    """A window of the layer, with the spans of columns in it that hold wanted blocks."""

    row: int
    col: int
    rows: int
    cols: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """The cells of an area as they are stored; ``mask`` is 0 where there is no value.

    nodata : the open interval of numbers that stand for no value; NaN if none does
    """

    values: NDArray[Any]
    mask: NDArray[np.uint8] | None
    nodata: tuple[float, float]
    scale: float
    offset: float

    @property
    def is_plain(self) -> bool:
        """Return whether the values stand as float32 with no mask, scale or offset."""
        plain = self.mask is None and self.scale == 1.0 and self.offset == 0.0
        return plain and self.values.dtype == np.float32

    def gathered(self, index: Places) -> Floats:
        """Return the values at places of the area counted row by row; NaN where there is none.

        index : -1 for a cell outside the layer
        """
        values = np.empty(len(index))
        _gather(self.values, index, self.nodata, self.scale, self.offset, values)
        if self.mask is not None:
            values[self.mask[np.maximum(index, 0)] == 0] = np.nan
        return values


def tiling(layer: Layer) -> Tiling:
    """Return how the layer is cut: whole blocks, and the same for every set of parcels."""
    block_rows, block_cols = layer.dataset.block_shapes[layer.band - 1]
    rows = max(block_rows, STRIP_ROWS // block_rows * block_rows)
    if rows * layer.width <= STRIP_CELLS:
        return Tiling(rows, layer.width)
    if block_cols >= layer.width:
        fitting = STRIP_CELLS // layer.width // block_rows * block_rows
        return Tiling(max(block_rows, min(rows, fitting)), layer.width)
    return Tiling(rows, max(block_cols, STRIP_CELLS // rows // block_cols * block_cols))


def area_of(layer: Layer, rows: tuple[int, int], first_col: Any, past_col: Any) -> Area | None:
    """Return the smallest area of whole blocks that holds boxes of cells, as far as they lie in the layer.

    Parameters
    ----------
    rows : first and past-last row of all boxes
    first_col, past_col : (k,) columns of each box
    """
    block_rows, block_cols = layer.dataset.block_shapes[layer.band - 1]
    top = max(rows[0], 0) // block_rows * block_rows
    bottom = min(-(-rows[1] // block_rows) * block_rows, layer.height)
    first = np.clip(first_col, 0, layer.width)
    past = np.clip(past_col, 0, layer.width)
    inside = past > first
    if bottom <= top or not inside.any():
        return None
    blocks = -(-layer.width // block_cols)
    change = np.zeros(blocks + 1, dtype=np.int64)
    np.add.at(change, first[inside] // block_cols, 1)
    np.add.at(change, (past[inside] - 1) // block_cols + 1, -1)
    wanted = np.concatenate([[False], np.cumsum(change[:-1]) > 0, [False]])
    edges = np.flatnonzero(wanted[1:] != wanted[:-1]).reshape(-1, 2) * block_cols
    spans = tuple((int(a), min(int(b), layer.width)) for a, b in edges)
    left, right = spans[0][0], spans[-1][1]
    return Area(top, left, bottom - top, right - left, spans)


def ahead(layers: Sequence[Layer], areas: Sequence[Area | None]) -> Iterator[list[Strip] | None]:
    """Yield the strips of all layers for one area after the other; None for what lies outside.

    A strip's memory is used again for the one after the next.
    """
    readers = [_Reader(layer) for layer in layers]
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as thread:

        def start(number: int) -> Future[list[Strip] | None] | None:
            if number >= len(areas):
                return None
            return thread.submit(_read_all, readers, areas[number], number % 2)

        coming = start(0)
        for number in range(len(areas)):
            assert coming is not None
            strips = coming.result()
            coming = start(number + 1)
            yield strips


def _read_all(readers: list["_Reader"], area: Area | None, turn: int) -> list[Strip] | None:
    if area is None:
        return None
    with rasterio.Env(**rasters.GDAL_OPTIONS, GDAL_CACHEMAX=CACHE_BYTES):
        return [reader.read(area, turn) for reader in readers]


class _Reader:
    """Reads areas of a layer into one of two pieces of memory."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        dataset, at = layer.dataset, layer.band - 1
        self._dtype = np.dtype(dataset.dtypes[at])
        flags = dataset.mask_flag_enums[at]
        self._masked = not set(flags) <= {MaskFlags.all_valid, MaskFlags.nodata}
        nodata = dataset.nodatavals[at] if MaskFlags.nodata in flags else None
        self._nodata = _about(nodata, near=NEAR if self._dtype.kind == "f" else 0.0)
        self._memory = [np.empty(0, dtype=self._dtype)] * 2

    def read(self, area: Area, turn: int) -> Strip:
        dataset, band = self._layer.dataset, self._layer.band
        size = area.rows * area.cols
        if self._memory[turn].size < size:
            self._memory[turn] = np.empty(size, dtype=self._dtype)
        flat = self._memory[turn][:size]
        grid = flat.reshape(area.rows, area.cols)
        mask = None
        try:
            for first, past in area.spans:
                window = Window(first, area.row, past - first, area.rows)
                if past - first == area.cols:
                    dataset.read(band, window=window, out=grid)
                else:
                    held = dataset.read(band, window=window)
                    grid[:, first - area.col : past - area.col] = held
            if self._masked:
                window = Window(area.col, area.row, area.cols, area.rows)
                mask = dataset.read_masks(band, window=window).ravel()
        except RasterioError as error:
            raise RasterRefused(
                "broken", "影像读到一半出错，文件不完整或已损坏。请重新导出或重新传送。"
            ) from error
        return Strip(
            flat, mask, self._nodata,
            float(dataset.scales[band - 1]), float(dataset.offsets[band - 1]),
        )  # fmt: skip


def _about(nodata: float | None, *, near: float) -> tuple[float, float]:
    if nodata is None or math.isnan(nodata):  # NaN is no value in any case.
        return math.nan, math.nan
    width = max(near * abs(nodata), 5e-324)
    return (
        min(nodata - width, math.nextafter(nodata, -math.inf)),
        max(nodata + width, math.nextafter(nodata, math.inf)),
    )


@compiled
def _gather(
    values: Any,
    index: Places,
    nodata: tuple[float, float],
    scale: float,
    offset: float,
    out: Floats,
) -> None:
    scaled = scale != 1.0 or offset != 0.0
    for k in range(len(index)):
        if index[k] < 0:
            out[k] = np.nan
            continue
        value = float(values[index[k]])
        if nodata[0] < value < nodata[1]:
            value = np.nan
        elif scaled:
            value = value * scale + offset
        out[k] = value if np.isfinite(value) else np.nan

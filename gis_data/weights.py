"""What every cell counts for every parcel: a sparse matrix of areas, made once and used for many layers.

The parcels are cut at the strips of the layer, so that memory is bounded and a strip is read once. The
pieces of a strip that are worked on together are a batch; the matrix of a batch is a block. The sums of
a parcel are the sums of its pieces in the order of rows: they depend on the layer and the parcel, never
on the other parcels, on the number of workers or on which thread was faster.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gis_data import cell_areas, coverage, rasters, strips
from gis_data.cell_areas import Table
from gis_data.compiled import compiled
from gis_data.outlines import Outlines
from gis_data.rasters import Layer, RasterRefused
from gis_data.strips import Area

Engine = Literal["own", "exactextract"]
BATCH_CELLS = 128 * 1024  # What is worked on stays in the processor's cache.
FORMAT = 1  # of the files of kept weights

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]


class CoverageDiffers(Exception):
    """The covered parts of the cells do not add up to the area of the parcel."""

    code = "coverage_differs"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Block:
    """The cells of k pieces of parcels: those of piece i are ``start[i]:start[i + 1]``.

    parcel : (k,)
    index : (n,) place in the strip's area, row by row; -1 outside the layer
    area_ha : (n,) ellipsoidal area of the cell inside the parcel [ha]
    covered_cells : (k,) sum of the covered parts
    """

    parcel: Indices
    start: Indices
    index: Places
    area_ha: Floats
    covered_cells: Floats


@dataclass(frozen=True, slots=True)
class Chunk:
    """Pieces of parcels in one strip: (k, 7) as ``coverage.covered`` takes them, in batches."""

    area: Area | None
    batches: list[Indices]


@dataclass(frozen=True, slots=True)
class BatchCells:
    """The cells of the pieces of a batch, by their rows and columns in the layer."""

    pieces: Indices
    start: Indices
    row: Places
    col: Places
    share: Floats
    area_ha: Floats


def chunks(layer: Layer, parcels: Outlines) -> list[Chunk]:
    """Return the work, strip by strip from north to south."""
    cut = strips.tiling(layer)
    pieces = _bands(_pieces(parcels, cut), BATCH_CELLS)
    if len(pieces) == 0:
        return []
    strip, part = pieces[:, 1] // cut.rows, pieces[:, 5] // cut.cols
    place = (strip - strip.min()) * (np.ptp(part) + 1) + part - part.min()
    # Within a strip from west to east, so that what is read lies near what was read before.
    beside = pieces[:, 3] // 256
    beside = beside - beside.min()
    order = np.argsort(place * (beside.max() + 1) + beside, kind="stable")
    pieces, place = pieces[order], place[order]
    ends = np.flatnonzero(np.diff(place)) + 1
    found = []
    for held in np.split(pieces, ends):
        first, past = np.maximum(held[:, 3], held[:, 5]), np.minimum(held[:, 4], held[:, 6])
        rows = (int(held[:, 1].min()), int(held[:, 2].max()))
        found.append(Chunk(strips.area_of(layer, rows, first, past), _batches(held)))
    return found


def _pieces(parcels: Outlines, cut: strips.Tiling) -> Indices:
    """Return the parcels cut at the strips and at the columns where strips are parted."""
    west, north, east, south = parcels.boxes.T
    pieces = np.column_stack([np.arange(len(west)), north, south, west, east, west, east])
    for size, low in ((cut.rows, 1), (cut.cols, 5)):
        first = pieces[:, low] // size
        count = (pieces[:, low + 1] - 1) // size - first + 1
        if (count > 1).any():
            pieces = np.repeat(pieces, count, axis=0)
        ordinal = np.arange(len(pieces)) - np.repeat(np.cumsum(count) - count, count)
        edge = (np.repeat(first, count) + ordinal) * size
        pieces[:, low] = np.maximum(pieces[:, low], edge)
        pieces[:, low + 1] = np.minimum(pieces[:, low + 1], edge + size)
    return pieces


def _bands(pieces: Indices, cells_max: int) -> Indices:
    """Return the pieces with those that are too large for a batch cut into bands of rows."""
    large = coverage.boxes_cells(pieces) > cells_max
    if not large.any():
        return pieces
    found: list[Indices] = []
    for piece in pieces[large]:
        rows = max(1, cells_max // int(piece[4] - piece[3] + 1))
        tops = np.arange(piece[1], piece[2], rows)
        bands = np.repeat(piece[None], len(tops), axis=0)
        bands[:, 1], bands[:, 2] = tops, np.minimum(tops + rows, piece[2])
        found.append(bands)
    return np.concatenate([pieces[~large], *found])


def _batches(pieces: Indices) -> list[Indices]:
    end = np.cumsum(coverage.boxes_cells(pieces))
    batches, first = [], 0
    while first < len(pieces):
        before = int(end[first - 1]) if first else 0
        past = max(first + 1, int(np.searchsorted(end, before + BATCH_CELLS, side="right")))
        batches.append(pieces[first:past])
        first = past
    return batches


class Builder:
    """Makes the cells and the blocks of one layer's parcels."""

    def __init__(self, layer: Layer, parcels: Outlines, engine: Engine) -> None:
        self.parcels = parcels
        self.engine = engine
        self.workspace = coverage.Workspace()
        self._tables = cell_areas.tables(layer)
        self._moved = parcels.moved_polygons() if engine == "exactextract" else None

    def table(self, chunk: Chunk) -> Table:
        """Return the areas of the cells under the pieces of a chunk; ask in the order of the work."""
        return self._tables(np.concatenate(chunk.batches))

    def cells(self, pieces: Indices, table: Table) -> BatchCells:
        """Return the cells under the pieces; they lie in memory that the next call uses again."""
        p = self.parcels
        if self._moved is None:
            start, row, col, share = coverage.covered(
                p.xy, p.ring_start, p.parcel_ring, p.ring_sign, pieces, self.workspace
            )
        else:
            start, row, col, share = coverage.covered_by_exactextract(self._moved, pieces)
        area_ha = cell_areas.weighed(row, col, share, table)
        return BatchCells(pieces, start, row, col, share, area_ha)

    def blocks(self, chunk: Chunk) -> Iterator[Block]:
        """Yield what the cells under the pieces of a chunk count, batch after batch."""
        table = self.table(chunk)
        for pieces in chunk.batches:
            yield self._block(pieces, chunk.area, table)

    def _block(self, pieces: Indices, area: Area | None, table: Table) -> Block:
        held = self.cells(pieces, table)
        covered_cells = _piece_sums(held.start, held.share)
        index = self.places(held, area)
        return Block(pieces[:, 0], held.start, index, held.area_ha, covered_cells)

    def places(self, cells: BatchCells, area: Area | None) -> Places:
        """Return the places of the cells in the area; -1 outside it."""
        if area is None:
            return np.full(len(cells.row), -1, dtype=np.int32)
        return _indexed(cells.row, cells.col, area.row, area.rows, area.col, area.cols)


def check_coverage(parcels: Outlines, covered_cells: Floats, engine: Engine) -> None:
    """Hold the sum of the covered parts against the area of each outline.

    The own engine is exact in float64; what it leaves out are parts below ``coverage.SHARE_MIN``.
    exactextract's parts are float32.

    Raises
    ------
    CoverageDiffers
        By more than 1e-8 of the area and 1e-6 of a cell (exactextract: 1e-5 and 1e-4).
    """
    relative, cells = (1e-8, 1e-6) if engine == "own" else (1e-5, 1e-4)
    difference = np.abs(covered_cells - parcels.area_cells)
    wrong = np.flatnonzero(~(difference <= relative * parcels.area_cells + cells))
    if len(wrong):
        first = int(wrong[0])
        raise CoverageDiffers(
            f"{len(wrong)} 个地块的像元覆盖份额之和与图形面积不符，第一个是第 {first} 行（行号从 0 起）："
            f"{covered_cells[first]:.9g} 与 {parcels.area_cells[first]:.9g} 个像元。"
            "没有写出任何结果，请把图形交给系统维护人员核查。"
        )


@dataclass(frozen=True, slots=True)
class Weights:
    """The matrix of all parcels on one grid, in memory; it can be kept in a folder.

    key : hash of the grid, of the outlines and of what made it
    grid : the cells it is for, in words that are equal for equal cells
    count : number of parcels
    areas, blocks : strip after strip, the blocks of each
    """

    key: str
    grid: str
    count: int
    areas: list[Area | None]
    blocks: list[list[Block]]

    @property
    def covered_cells(self) -> Floats:
        """Return the sum of the covered parts of each parcel."""
        total = np.zeros(self.count)
        for held in self.blocks:
            for block in held:
                np.add.at(total, block.parcel, block.covered_cells)
        return total


def built(layer: Layer, parcels: Outlines, engine: Engine) -> Weights:
    """Return the weights of the parcels on the layer's grid.

    Raises
    ------
    CoverageDiffers
    """
    builder = Builder(layer, parcels, engine)
    work = chunks(layer, parcels)
    found = [list(builder.blocks(chunk)) for chunk in work]
    key, areas = key_of(layer, parcels, engine), [chunk.area for chunk in work]
    weights = Weights(key, grid_of(layer), len(parcels.boxes), areas, found)
    check_coverage(parcels, weights.covered_cells, engine)
    return weights


def kept(layer: Layer, parcels: Outlines, engine: Engine, folder: Path) -> Weights:
    """Return the weights from the folder, or make them and keep them there.

    The name of the file is the hash of the grid, the outlines and the engine, so that it never answers
    for others; one that cannot be read to its end is made again.
    """
    path = folder / f"{key_of(layer, parcels, engine)}.npz"
    if path.is_file():
        try:
            return _loaded(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)
    found = built(layer, parcels, engine)
    folder.mkdir(parents=True, exist_ok=True)
    _save(found, path)
    return found


def key_of(layer: Layer, parcels: Outlines, engine: Engine) -> str:
    """Return the hash of the cells of the layer, of how it is cut, of the outlines and the engine."""
    cut = strips.tiling(layer)
    made = [FORMAT, engine, BATCH_CELLS, cut.rows, cut.cols, *_block_shape(layer)]
    digest = hashlib.sha256(json.dumps([grid_of(layer), *made]).encode())
    for column in (parcels.xy, parcels.ring_start, parcels.parcel_ring, parcels.ring_sign):
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


def grid_of(layer: Layer) -> str:
    """Return the cells of a layer in words: coordinate system, size, corner and cell to the last bit."""
    numbers = (layer.left, layer.top, layer.cell_width, layer.cell_height)
    shape = [layer.width, layer.height, *(float(number).hex() for number in numbers)]
    return json.dumps([rasters.crs_name(layer.crs), *shape])


def refuse_other_grid(kept: Weights, layer: Layer) -> None:
    """Refuse a layer whose cells are not those the weights were made for, to the last bit."""
    if grid_of(layer) != kept.grid:
        raise RasterRefused("other_grid", "这个图层的格网与权重所依的格网不同，无法逐像元对应。")


def _block_shape(layer: Layer) -> tuple[int, int]:
    rows, cols = layer.dataset.block_shapes[layer.band - 1]
    return int(rows), int(cols)


def _save(weights: Weights, path: Path) -> None:
    blocks = [block for held in weights.blocks for block in held]
    shape = {
        "grid": weights.grid,
        "count": weights.count,
        "areas": [
            area and [area.row, area.col, area.rows, area.cols, area.spans]
            for area in weights.areas
        ],
        "blocks": [len(held) for held in weights.blocks],
        "pieces": [len(block.parcel) for block in blocks],
    }
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(block, name) for block in blocks] or [np.empty(0)])
        for name in ("parcel", "start", "index", "area_ha", "covered_cells")
    }
    handle, staged = tempfile.mkstemp(dir=path.parent, prefix=".weights-", suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, shape=np.frombuffer(json.dumps(shape).encode(), np.uint8), **columns)
        os.replace(staged, path)
    finally:
        Path(staged).unlink(missing_ok=True)  # Gone by its new name, unless something failed.


def _loaded(path: Path) -> Weights:
    with np.load(path, allow_pickle=False) as held:
        columns = {name: held[name] for name in held.files}
    shape = json.loads(columns["shape"].tobytes())
    areas = [
        area
        and Area(
            area[0], area[1], area[2], area[3], tuple((first, past) for first, past in area[4])
        )
        for area in shape["areas"]
    ]
    blocks = list(_blocks(columns, shape["blocks"], shape["pieces"]))
    return Weights(path.stem, shape["grid"], shape["count"], areas, blocks)


def _blocks(columns: dict[str, Any], counts: list[int], pieces: list[int]) -> Iterator[list[Block]]:
    piece, cell, number = 0, 0, 0
    for count in counts:
        held = []
        for size in pieces[number : number + count]:
            # Every block has one more start than it has pieces.
            start = columns["start"][piece + number : piece + number + size + 1]
            own = slice(piece, piece + size)
            cells = slice(cell, cell + int(start[-1]))
            held.append(
                Block(
                    columns["parcel"][own],
                    start,
                    columns["index"][cells],
                    columns["area_ha"][cells],
                    columns["covered_cells"][own],
                )
            )
            piece, cell, number = piece + size, cell + int(start[-1]), number + 1
        yield held


@compiled
def _piece_sums(start: Indices, values: Floats) -> Floats:
    sums = np.zeros(len(start) - 1)
    for piece in range(len(sums)):
        for k in range(start[piece], start[piece + 1]):
            sums[piece] += values[k]
    return sums


@compiled
def _indexed(row: Places, col: Places, top: int, rows: int, left: int, cols: int) -> Places:
    index = np.empty(len(row), dtype=np.int32)
    for k in range(len(row)):
        down, right = row[k] - top, col[k] - left
        index[k] = down * cols + right if 0 <= down < rows and 0 <= right < cols else -1
    return index

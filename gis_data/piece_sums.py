"""The sums of pieces of parcels in a strip: from blocks of weights, or at once.

At once no cell is written down: covered part, area, value and sums are taken in one pass, which is what
makes a layer cost little more than its reading. It is the same arithmetic in the same order as from
blocks, and gives the same bits.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_data import coverage
from gis_data.compiled import compiled
from gis_data.coverage import SHARE_MIN, add_piece
from gis_data.strips import Strip
from gis_data.weights import Block, Builder, Chunk

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]


class StderrMissing(Exception):
    """Cells hold a value and no standard error: their sum would claim what is not known."""

    code = "stderr_missing"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class PieceSums:
    """The sums of k pieces of parcels, in the order in which they are added up.

    parcel : (k,)
    numbers : (k, 7) covered cells, area, area with a value, total, standard error, least, greatest
    """

    parcel: Indices
    numbers: Floats


def of_chunk(builder: Builder, chunk: Chunk, strip: list[Strip] | None) -> Iterator[PieceSums]:
    """Yield the sums of the pieces of a chunk, batch after batch.

    strip : the values, then the standard errors if there are any; None outside the layer
    """
    if strip is None or len(strip) > 1 or builder.engine != "own" or not strip[0].is_plain:
        for block in builder.blocks(chunk):
            yield of_block(block, strip)
        return
    assert chunk.area is not None
    area, parcels, table, held = chunk.area, builder.parcels, builder.table(chunk), strip[0]
    for pieces in chunk.batches:
        builder.workspace.hold(int(coverage.boxes_cells(pieces).max()))
        numbers = _at_once(
            parcels.xy, parcels.ring_start, parcels.parcel_ring, parcels.ring_sign, pieces,
            builder.workspace.change, *table,
            held.values, (area.row, area.col, area.rows, area.cols), held.nodata,
        )  # fmt: skip
        yield PieceSums(pieces[:, 0], numbers)


def of_block(block: Block, strip: list[Strip] | None) -> PieceSums:
    """Return the sums of the pieces of a block.

    Raises
    ------
    StderrMissing
    """
    if strip is not None and len(strip) == 1 and strip[0].is_plain:
        numbers = _of_values(
            block.start, block.index, block.area_ha, strip[0].values, strip[0].nodata
        )
        numbers[:, 0] = block.covered_cells
        return PieceSums(block.parcel, numbers)
    values, stderr = gathered(block.index, strip)
    numbers = _of_cells(block.start, values, values if stderr is None else stderr, block.area_ha)
    numbers[:, 0] = block.covered_cells
    return PieceSums(block.parcel, numbers)


def gathered(index: Places, strip: list[Strip] | None) -> tuple[Floats, Floats | None]:
    """Return (values, standard errors) of the cells; NaN where there is none.

    Raises
    ------
    StderrMissing
        A cell holds a value and no standard error, or a negative one.
    """
    if strip is None:
        return np.full(len(index), np.nan), None
    values = strip[0].gathered(index)
    if len(strip) == 1:
        return values, None
    stderr = strip[1].gathered(index)
    valid = np.isfinite(values)
    missing = int((valid & ~np.isfinite(stderr)).sum())
    if missing:
        raise StderrMissing(f"地块下有 {missing} 个像元有数值而没有标准误，合计的误差无从得知。")
    if (stderr[valid] < 0.0).any():
        raise StderrMissing("标准误影像里有负数，不是标准误。")
    return values, stderr


@compiled
def _of_cells(start: Indices, values: Floats, stderr: Floats, area_ha: Floats) -> Floats:
    numbers = np.zeros((len(start) - 1, 7))
    for piece in range(len(numbers)):
        area, valid, total, error, least, greatest = 0.0, 0.0, 0.0, 0.0, np.inf, -np.inf
        for k in range(start[piece], start[piece + 1]):
            value, weight = values[k], area_ha[k]
            area += weight
            if value == value:
                valid += weight
                total += value * weight
                error += stderr[k] * weight
                least, greatest = min(least, value), max(greatest, value)
        numbers[piece, 1], numbers[piece, 2], numbers[piece, 3] = area, valid, total
        numbers[piece, 4], numbers[piece, 5], numbers[piece, 6] = error, least, greatest
    return numbers


@compiled
def _of_values(
    start: Indices,
    index: Places,
    area_ha: Floats,
    values: NDArray[np.float32],
    nodata: tuple[float, float],
) -> Floats:
    """Return what ``_of_cells`` does without standard errors, from the values of a plain strip."""
    numbers = np.zeros((len(start) - 1, 7))
    above, below = nodata
    for piece in range(len(numbers)):
        area, valid, total, least, greatest = 0.0, 0.0, 0.0, np.inf, -np.inf
        for k in range(start[piece], start[piece + 1]):
            weight = area_ha[k]
            area += weight
            if index[k] < 0:
                continue
            value = float(values[index[k]])
            if not (above < value < below) and math.isfinite(value):
                valid += weight
                total += value * weight
                least, greatest = min(least, value), max(greatest, value)
        numbers[piece, 1], numbers[piece, 2], numbers[piece, 3] = area, valid, total
        numbers[piece, 5], numbers[piece, 6] = least, greatest
    return numbers


@compiled
def _at_once(
    xy: Floats,
    ring_start: Indices,
    parcel_ring: Indices,
    ring_sign: Floats,
    pieces: Indices,
    change: Floats,
    ha: Floats,
    first_row: int,
    first_node: int,
    node_of_col: float,
    values: NDArray[np.float32],
    window: tuple[int, int, int, int],
    nodata: tuple[float, float],
) -> Floats:
    numbers = np.zeros((len(pieces), 7))
    top, left, rows, cols = window
    above, below = nodata
    for piece in range(len(pieces)):
        west = pieces[piece, 3]
        first_col, past_col = max(pieces[piece, 5], west), min(pieces[piece, 6], pieces[piece, 4])
        width = add_piece(xy, ring_start, parcel_ring, ring_sign, pieces, piece, change)
        covered, area, valid, total, least, greatest = 0.0, 0.0, 0.0, 0.0, np.inf, -np.inf
        for row in range(pieces[piece, 1], pieces[piece, 2]):
            place = (row - pieces[piece, 1]) * width - west
            line, at = row - first_row, (row - top) * cols - left
            inside, col = 0.0, west
            while col < first_col:
                inside += change[place + col]
                col += 1
            while col < past_col:
                # As far as one pair of nodes goes, and all in the layer or all outside.
                node = math.floor((col + 0.5) * node_of_col)
                end = past_col
                while node_of_col > 0.0 and math.floor((end - 0.5) * node_of_col) > node:
                    end = col + (end - col) // 2
                in_layer = 0 <= row - top < rows and left <= col < left + cols
                if col < left:
                    end = min(end, left)
                elif in_layer:
                    end = min(end, left + cols)
                at_node = ha[line, node - first_node]
                rise = ha[line, node - first_node + 1] - at_node
                for here in range(col, end):
                    inside += change[place + here]
                    if inside > SHARE_MIN:
                        share = min(inside, 1.0)
                        weight = share * (at_node + rise * ((here + 0.5) * node_of_col - node))
                        covered += share
                        area += weight
                        if in_layer:
                            value = float(values[at + here])
                            if not (above < value < below) and math.isfinite(value):
                                valid += weight
                                total += value * weight
                                least, greatest = min(least, value), max(greatest, value)
                col = end
        numbers[piece, 0], numbers[piece, 1], numbers[piece, 2] = covered, area, valid
        numbers[piece, 3], numbers[piece, 5], numbers[piece, 6] = total, least, greatest
    return numbers

"""The part of each cell inside each parcel, exactly, in float64.

As font rasterisers do: every piece of an edge inside one cell adds to that cell the signed area to its
right and to all cells right of it its height; sums along the rows give the covered parts. The work
goes with the edges and the cells of the boxes, and a cell is found whatever the order of the rings.
Rings must not cross themselves or each other.

Coordinates are in cells from the layer's upper left corner: x to the right, y downwards.
"""

import math
from typing import Any

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray

from gis_data.compiled import compiled

SHARE_MIN = 1e-9  # Below this a covered part is the rounding of a corner on a grid line.

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]
Cells = tuple[Indices, Places, Places, Floats]


class Workspace:
    """Memory for ``covered``, used again for every batch of pieces."""

    def __init__(self) -> None:
        self.change = np.empty(0)
        self.row = np.empty(0, dtype=np.int32)
        self.col = np.empty(0, dtype=np.int32)
        self.share = np.empty(0)

    def hold(self, box: int, cells: int = 0) -> None:
        """Make room for a box of so many cells, and for so many cells of all boxes together."""
        if len(self.change) < box + 1:
            self.change = np.empty(box + 1)
        if len(self.row) < cells:
            self.row, self.col = np.empty(cells, dtype=np.int32), np.empty(cells, dtype=np.int32)
            self.share = np.empty(cells)


def boxes_cells(pieces: Indices) -> Indices:
    """Return the cells in the boxes of pieces, with the one more that every row of a box takes."""
    return (pieces[:, 2] - pieces[:, 1]) * (pieces[:, 4] - pieces[:, 3] + 1)


def covered(
    xy: Floats,
    ring_start: Indices,
    parcel_ring: Indices,
    ring_sign: Floats,
    pieces: Indices,
    workspace: Workspace,
) -> Cells:
    """Return (start, row, col, share): cells ``start[k]:start[k + 1]`` are those of piece k.

    Parameters
    ----------
    xy : (v, 2) vertices of all rings, the first of a ring repeated as its last
    ring_start, parcel_ring : where rings begin among vertices, and parcels among rings
    ring_sign : (r,) 1 where area lies to the right of the ring's downward edges, else -1
    pieces : (k, 7) parcel, first and past-last row, first and past-last column of its box, first and
        past-last column that are wanted
    workspace : the cells that are returned lie in it until it is used again
    """
    cells = boxes_cells(pieces)
    workspace.hold(int(cells.max()), int(cells.sum()))
    w = workspace
    start = np.empty(len(pieces) + 1, dtype=np.int64)
    _cover(
        xy, ring_start, parcel_ring, ring_sign, pieces,
        w.change, start, w.row, w.col, w.share,
    )  # fmt: skip
    held = int(start[-1])
    return start, w.row[:held], w.col[:held], w.share[:held]


@compiled
def _cover(
    xy: Floats,
    ring_start: Indices,
    parcel_ring: Indices,
    ring_sign: Floats,
    pieces: Indices,
    change: Floats,
    start: Indices,
    out_row: Places,
    out_col: Places,
    out_share: Floats,
) -> None:
    found = 0
    start[0] = 0
    for piece in range(len(pieces)):
        top, bottom, west = pieces[piece, 1], pieces[piece, 2], pieces[piece, 3]
        first_col, past_col = pieces[piece, 5], min(pieces[piece, 6], pieces[piece, 4])
        width = add_piece(xy, ring_start, parcel_ring, ring_sign, pieces, piece, change)
        for row in range(top, bottom):
            place = (row - top) * width - west
            inside = 0.0
            for col in range(west, past_col):
                inside += change[place + col]
                if inside > SHARE_MIN and col >= first_col:
                    out_row[found] = row
                    out_col[found] = col
                    out_share[found] = min(inside, 1.0)
                    found += 1
        start[piece + 1] = found


@compiled
def add_piece(
    xy: Floats,
    ring_start: Indices,
    parcel_ring: Indices,
    ring_sign: Floats,
    pieces: Indices,
    piece: int,
    change: Floats,
) -> int:
    """Set ``change`` to what the covered parts change by along the rows of a piece's box.

    Returns the cells that a row of the box has in it: one more takes what runs out to the right.
    """
    parcel, top, bottom = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
    west, width = pieces[piece, 3], pieces[piece, 4] - pieces[piece, 3] + 1
    change[: (bottom - top) * width + 1] = 0.0
    for ring in range(parcel_ring[parcel], parcel_ring[parcel + 1]):
        sign = ring_sign[ring]
        first = ring_start[ring]
        x0, y0 = xy[first, 0], xy[first, 1]
        for i in range(first + 1, ring_start[ring + 1]):
            x1, y1 = xy[i, 0], xy[i, 1]
            if y0 < y1:
                _add_edge(x0, y0, x1, y1, sign, top, bottom, west, width, change)
            elif y1 < y0:
                _add_edge(x1, y1, x0, y0, -sign, top, bottom, west, width, change)
            x0, y0 = x1, y1
    return width


@compiled
def _add_edge(
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    sign: float,
    top: int,
    bottom: int,
    west: int,
    width: int,
    change: Floats,
) -> None:
    """Add an edge that runs downwards, y0 < y1, as far as it lies between the rows."""
    if y1 <= top or y0 >= bottom:
        return
    slope = (x1 - x0) / (y1 - y0)
    x_min, x_max = min(x0, x1), max(x0, x1)
    x, y = x0, y0
    if y < top:
        x, y = min(max(x0 + (top - y0) * slope, x_min), x_max), float(top)
    row, end = math.floor(y), min(y1, float(bottom))
    while y < end:
        next_x, next_y = x1, y1
        if row + 1.0 < y1:
            next_y = row + 1.0
            next_x = min(max(x0 + (next_y - y0) * slope, x_min), x_max)
        _add_to_row(x, next_x, sign * (next_y - y), (row - top) * width - west, change)
        x, y, row = next_x, next_y, row + 1


@compiled
def _add_to_row(x0: float, x1: float, height: float, place: int, change: Floats) -> None:
    left, right = min(x0, x1), max(x0, x1)
    col, last = math.floor(left), math.floor(right)
    if col == last:
        past = height * (0.5 * (left + right) - col)
        change[place + col] += height - past
        change[place + col + 1] += past
        return
    each = height / (right - left)
    while col <= last:
        cut = min(right, col + 1.0)
        part = (cut - left) * each
        past = part * (0.5 * (left + cut) - col)
        change[place + col] += part - past
        change[place + col + 1] += past
        left, col = cut, col + 1


def covered_by_exactextract(polygons: NDArray[np.object_], pieces: Indices) -> Cells:
    """Return what ``covered`` does from exactextract's own traversal, whose shares are float32.

    Parameters
    ----------
    polygons : the parcels in cells from the upper left corner, y downwards
    """
    start, rows, cols, shares = [0], [], [], []
    for parcel, top, bottom, west, east, first_col, last_col in pieces.tolist():
        first_col, last_col = max(west, first_col), min(east, last_col)
        grid = np.broadcast_to(np.float32(1.0), (bottom - top, last_col - first_col))
        source = NumPyRasterSource(grid, xmin=first_col, ymin=-bottom, xmax=last_col, ymax=-top)
        upright = shapely.transform(polygons[parcel], _upside_down)
        feature = {
            "type": "Feature",
            "properties": {},
            "geometry": shapely.geometry.mapping(upright),
        }
        held = exact_extract(source, [feature], ["cell_id", "coverage"])[0]["properties"]
        row, col = np.divmod(np.asarray(held["cell_id"], dtype=np.int64), last_col - first_col)
        start.append(start[-1] + len(row))
        rows.append(row + top)
        cols.append(col + first_col)
        shares.append(np.asarray(held["coverage"], dtype=np.float64))
    return (
        np.array(start),
        np.concatenate(rows).astype(np.int32),
        np.concatenate(cols).astype(np.int32),
        np.concatenate(shares),
    )


def _upside_down(xy: Any) -> Any:
    return xy * (1.0, -1.0)

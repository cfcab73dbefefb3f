"""The area of the cells of a layer on the GRS80 ellipsoid.

Of a geographic layer it is a closed formula of the latitude. Of a projected one it is the area of the
cell times the scale of the projection there, from the derivatives of the way to EPSG:4490 (so that a
datum is allowed for as well) at the nodes of a lattice of 1 km and linear between them: the scale is
so smooth that this is right to 3e-8. The lattice hangs on the layer, not on the parcels, so a cell has
one area in whatever company.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gis_data import geometry
from gis_data.compiled import compiled
from gis_data.outlines import unit_m
from gis_data.rasters import Layer

LATTICE_M = 1_000.0

GRS80_A_M = 6378137.0
GRS80_F = 1 / 298.257222101
GRS80_E2 = GRS80_F * (2 - GRS80_F)

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]


def weigher(layer: Layer) -> Callable[[Places, Places, Floats, Indices], Floats]:
    """Return a function of (row, col, share, pieces) that gives share x area of the cell [ha].

    pieces : (k, 7) boxes in which the cells lie, as ``coverage.covered`` takes them
    """
    if geometry.is_land_crs(layer.crs):
        return _Zones(layer).areas_ha
    return _Lattice(layer).areas_ha


class _Zones:
    """Cells between parallels."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def areas_ha(self, row: Places, col: Places, share: Floats, pieces: Indices) -> Floats:
        first, last = int(pieces[:, 1].min()), int(pieces[:, 2].max())
        layer = self._layer
        latitude = np.radians(layer.top - np.arange(first, last + 1) * layer.cell_height)
        zone_m2 = -np.diff(_zone_m2(latitude))
        cell_ha = zone_m2 * math.radians(layer.cell_width) / geometry.M2_PER_HA
        return _of_rows(row, share, first, cell_ha)


def _zone_m2(latitude: Floats) -> Floats:
    """Return the area between the equator and the latitude [rad], of one radian of longitude [m2]."""
    sine = np.sin(latitude)
    e = math.sqrt(GRS80_E2)
    b2 = GRS80_A_M**2 * (1 - GRS80_E2)
    return np.asarray(b2 / 2 * (sine / (1 - GRS80_E2 * sine**2) + np.arctanh(e * sine) / e))


class _Lattice:
    """Scales of a projection at nodes, each asked of PROJ once while pieces come in their order."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._spacing = LATTICE_M / unit_m(layer.crs)
        self._first = (0, 0)
        self._scale = np.empty((0, 0))

    def areas_ha(self, row: Places, col: Places, share: Floats, pieces: Indices) -> Floats:
        layer = self._layer
        steps = (layer.cell_height / self._spacing, layer.cell_width / self._spacing)
        box = np.column_stack([pieces[:, 1], pieces[:, 2] - 1, pieces[:, 3], pieces[:, 4] - 1])
        nodes = np.floor((box + 0.5) * [steps[0], steps[0], steps[1], steps[1]]).astype(np.int64)
        nodes[:, [1, 3]] += 1
        self._hold(nodes)
        cell_ha = layer.cell_width * layer.cell_height / geometry.M2_PER_HA
        return _of_lattice(row, col, share, steps, self._first, self._scale, cell_ha)

    def _hold(self, nodes: Indices) -> None:
        """Know the scale at nodes from and to the row and column of each line of ``nodes``."""
        first = (int(nodes[:, 0].min()), int(nodes[:, 2].min()))
        size = (int(nodes[:, 1].max()) + 1 - first[0], int(nodes[:, 3].max()) + 1 - first[1])
        scale = np.full(size, np.nan)
        # What the last batch knew and this one shares is kept.
        down, right = first[0] - self._first[0], first[1] - self._first[1]
        known = self._scale[max(down, 0) :, max(right, 0) :]
        down, right = max(-down, 0), max(-right, 0)
        kept = scale[down : down + known.shape[0], right : right + known.shape[1]]
        kept[:] = known[: kept.shape[0], : kept.shape[1]]
        needed = np.zeros(size, dtype=np.bool_)
        _mark(nodes, first, needed)
        i, j = np.nonzero(needed & np.isnan(scale))
        if len(i):
            scale[i, j] = self._scale_at(i + first[0], j + first[1])
        self._first, self._scale = first, scale

    def _scale_at(self, i: Indices, j: Indices) -> Floats:
        """Return m2 on the ellipsoid for each square unit of the layer's coordinates at the nodes."""
        x, y = self._layer.left + j * self._spacing, self._layer.top - i * self._spacing
        step = self._spacing / 10
        transform = geometry.transformer_to_4490(self._layer.crs).transform
        degrees = np.array(
            transform(
                np.concatenate([x + step, x - step, x, x]),
                np.concatenate([y, y, y + step, y - step]),
            )
        ).reshape(2, 4, -1)
        east, west, north, south = degrees[:, 0], degrees[:, 1], degrees[:, 2], degrees[:, 3]
        by_x, by_y = np.radians(east - west) / (2 * step), np.radians(north - south) / (2 * step)
        sine2 = np.sin(np.radians((east[1] + west[1]) / 2)) ** 2
        meridian = GRS80_A_M * (1 - GRS80_E2) / (1 - GRS80_E2 * sine2) ** 1.5
        normal = GRS80_A_M / np.sqrt(1 - GRS80_E2 * sine2)
        turned = np.abs(by_x[0] * by_y[1] - by_x[1] * by_y[0])
        return np.asarray(turned * meridian * normal * np.sqrt(1 - sine2))


@compiled
def _of_rows(row: Places, share: Floats, first: int, cell_ha: Floats) -> Floats:
    area_ha = np.empty(len(row))
    for k in range(len(row)):
        area_ha[k] = share[k] * cell_ha[row[k] - first]
    return area_ha


@compiled
def _mark(nodes: Indices, first: tuple[int, int], needed: NDArray[np.bool_]) -> None:
    for k in range(len(nodes)):
        for i in range(nodes[k, 0] - first[0], nodes[k, 1] - first[0] + 1):
            for j in range(nodes[k, 2] - first[1], nodes[k, 3] - first[1] + 1):
                needed[i, j] = True


@compiled
def _of_lattice(
    row: Places,
    col: Places,
    share: Floats,
    steps: tuple[float, float],
    first: tuple[int, int],
    scale: Floats,
    cell_ha: float,
) -> Floats:
    area_ha = np.empty(len(row))
    height, width = steps
    last_row, i, j, v = row[0] - 1 if len(row) else 0, 0, 0, 0.0
    west, east = 0.0, 0.0
    for k in range(len(row)):
        right = (col[k] + 0.5) * width
        if row[k] != last_row or not j <= right < j + 1:
            # Cells come row by row: most have the lattice square of the one before.
            last_row = row[k]
            down = (last_row + 0.5) * height
            i, j = int(np.floor(down)), int(np.floor(right))
            v = down - i
            up, left = i - first[0], j - first[1]
            west = cell_ha * (scale[up, left] * (1 - v) + scale[up + 1, left] * v)
            east = cell_ha * (scale[up, left + 1] * (1 - v) + scale[up + 1, left + 1] * v)
        u = right - j
        area_ha[k] = share[k] * (west * (1 - u) + east * u)
    return area_ha

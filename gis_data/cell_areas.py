"""The area of the cells of a layer on the GRS80 ellipsoid.

Of a geographic layer it is a closed formula of the latitude. Of a projected one it is the area of the
cell times the scale of the projection there, from the derivatives of the way to EPSG:4490 (so that a
datum is allowed for as well) at the nodes of a lattice of 2 km and linear between them: the scale is
so smooth that this is right to 3e-8. The lattice hangs on the layer, not on the parcels, so a cell has
one area in whatever company.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis_data import geometry
from gis_data.compiled import compiled
from gis_data.outlines import unit_m
from gis_data.rasters import Layer

LATTICE_M = 2_000.0

GRS80_A_M = 6378137.0
GRS80_F = 1 / 298.257222101
GRS80_E2 = GRS80_F * (2 - GRS80_F)

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]


class Table(NamedTuple):
    """Areas of whole cells of some rows: linear in the column between the nodes of a lattice.

    ha : (rows, nodes) area of a cell of the row, were it at the node [ha]
    first_row, first_node : what its first row and column stand for
    node_of_col : nodes for each column; 0 where the area is one along the row
    """

    ha: Floats
    first_row: int
    first_node: int
    node_of_col: float


def tables(layer: Layer) -> Callable[[Indices], Table]:
    """Return a function that gives the areas of the cells in boxes (k, 7), as ``coverage`` has them."""
    if geometry.is_land_crs(layer.crs):
        return lambda pieces: _zones(layer, pieces)
    return _Lattice(layer).table


def weighed(row: Places, col: Places, share: Floats, table: Table) -> Floats:
    """Return share x area of the cells [ha]."""
    return _weighed(row, col, share, *table)


def _zones(layer: Layer, pieces: Indices) -> Table:
    """Return the areas of cells between parallels."""
    first, last = int(pieces[:, 1].min()), int(pieces[:, 2].max())
    latitude = np.radians(layer.top - np.arange(first, last + 1) * layer.cell_height)
    zone_m2 = -np.diff(_zone_m2(latitude))
    cell_ha = zone_m2 * math.radians(layer.cell_width) / geometry.M2_PER_HA
    return Table(np.column_stack([cell_ha, cell_ha]), first, 0, 0.0)


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
        self._transform = geometry.transformer_to_4490(layer.crs).transform
        self._first = (0, 0)
        self._scale = np.empty((0, 0))

    def table(self, pieces: Indices) -> Table:
        layer = self._layer
        steps = (layer.cell_height / self._spacing, layer.cell_width / self._spacing)
        box = np.column_stack([pieces[:, 1], pieces[:, 2] - 1, pieces[:, 3], pieces[:, 4] - 1])
        nodes = np.floor((box + 0.5) * [steps[0], steps[0], steps[1], steps[1]]).astype(np.int64)
        nodes[:, [1, 3]] += 1
        self._hold(nodes)
        first, past = int(pieces[:, 1].min()), int(pieces[:, 2].max())
        down = (np.arange(first, past) + 0.5) * steps[0]
        i = np.floor(down)
        v = (down - i)[:, None]
        upper = i.astype(np.int64) - self._first[0]
        cell_ha = layer.cell_width * layer.cell_height / geometry.M2_PER_HA
        ha = cell_ha * (self._scale[upper] * (1 - v) + self._scale[upper + 1] * v)
        return Table(ha, first, self._first[1], steps[1])

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
        step = self._spacing / 20
        degrees = np.array(
            self._transform(
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
def _mark(nodes: Indices, first: tuple[int, int], needed: NDArray[np.bool_]) -> None:
    for k in range(len(nodes)):
        for i in range(nodes[k, 0] - first[0], nodes[k, 1] - first[0] + 1):
            for j in range(nodes[k, 2] - first[1], nodes[k, 3] - first[1] + 1):
                needed[i, j] = True


@compiled
def _weighed(
    row: Places,
    col: Places,
    share: Floats,
    ha: Floats,
    first_row: int,
    first_node: int,
    node_of_col: float,
) -> Floats:
    area_ha = np.empty(len(row))
    for k in range(len(row)):
        at = (col[k] + 0.5) * node_of_col
        node = math.floor(at)
        u, line = at - node, row[k] - first_row
        at_node = ha[line, node - first_node]
        rise = ha[line, node - first_node + 1] - at_node
        area_ha[k] = share[k] * (at_node + rise * u)
    return area_ha

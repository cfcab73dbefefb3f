"""The cells of a raster layer under a parcel, and their sums.

A cell counts by the part of it inside the parcel, exactly, so neighbours share no area and the parts
of a parcel add up to the whole. The area of a cell is that on the GRS80 ellipsoid; the area of a cell
under a parcel is its covered part times that. The layer is never warped: the parcel is moved into the
layer's coordinates, vertex by vertex.

Edges are straight in the coordinates the parcel is given in, as RFC 7946 and Simple Features say, and
its vertices are moved without adding any: between vertices 300 m apart the two straight lines differ by
about 1 mm at 31 N. Only where a parcel has an edge longer than 2 km (5 cm, the boundary-point error of
a cadastral survey) are its edges split into pieces of 200 m before they are moved, which leaves less
than 1e-7 of its area. Where both systems are the same nothing is split.

The covered part of a boundary cell is planar, as exactextract has it: within one cell the ellipsoidal
area per degree changes by tan(latitude) x cell height, 1e-5 for 90 m cells and half of that of single
boundary cells is what the sum of the cells may differ from the geodesic area of the parcel.

Two engines give the covered parts: ``own``, an accumulation of signed areas along the edges in float64,
and ``exactextract``. Values, areas and sums are the same code for both.
"""

import csv
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyproj
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from pyproj.enums import TransformDirection

from gis_data import geometry, rasters, vectors
from gis_data.rasters import Layer, RasterRefused
from gis_data.refusals import FileRefused

Engine = Literal["own", "exactextract"]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

CELLS_MAX = 2_000_000_000  # in the box of one parcel
CELLS_HELD_MAX = 50_000_000  # under one parcel, where every cell is handed out
CHUNK_CELLS = 2_000_000
LONG_EDGE_M = 2_000.0
PIECE_M = 200.0
LATTICE_M = 1_000.0
SHARE_MIN = 1e-9  # Below this a covered part is the rounding of a corner on a grid line.
METRES_PER_DEGREE = 111_320.0

GRS80_A_M = 6378137.0
GRS80_F = 1 / 298.257222101
GRS80_E2 = GRS80_F * (2 - GRS80_F)


class TooManyCells(Exception):
    """The parcel is too large for cells this small."""

    code = "too_many_cells"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ParcelRefused(Exception):
    """An outline is no area, or has no place in the layer's coordinates."""

    code = "parcel_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StderrMissing(Exception):
    """Cells hold a value and no standard error: their sum would claim what is not known."""

    code = "stderr_missing"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class ZonalCells:
    """The n cells under one parcel, also those without a value or outside the layer.

    values : (n,) NaN where there is none
    area_ha : (n,) ellipsoidal area of the cell inside the parcel [ha]
    share : (n,) part of the cell inside the parcel
    stderr : (n,) one standard deviation, in the unit of the values; None if no layer of it was given
    row, col : (n,) place in the layer; below 0 or past its size where the parcel leaves the layer
    x, y : (n,) centre of the cell in the layer's coordinates
    valid : (n,) whether the cell holds a value
    """

    values: Floats
    area_ha: Floats
    share: Floats
    stderr: Floats | None
    row: Indices
    col: Indices
    x: Floats
    y: Floats
    valid: NDArray[np.bool_]

    @property
    def parcel_area_ha(self) -> float:
        """Return the area of all cells, with a value or not [ha]."""
        return float(self.area_ha.sum())

    @property
    def valid_share(self) -> float:
        """Return the part of the parcel's area that holds values."""
        whole = self.area_ha.sum()
        return float(self.area_ha[self.valid].sum() / whole) if whole else 0.0


@dataclass(frozen=True, slots=True)
class ParcelSummary:
    """The sums of one parcel.

    mean : area-weighted mean of the cells that hold a value; None if none does
    total : sum of value x ha over those cells, so that of the covered part alone
    stderr : standard error of ``total``, the errors of all cells taken as fully correlated; None if
        no layer of standard errors was given or no cell holds a value
    """

    area_ha: float
    valid_share: float
    mean: float | None
    total: float | None
    stderr: float | None


def cells(
    raster_path: str | Path,
    polygon: Any,
    *,
    polygon_crs: str = geometry.CRS_LAND,
    band: int = 1,
    crs: str | None = None,
    stderr_path: str | Path | None = None,
    stderr_band: int = 1,
    engine: Engine = "own",
) -> ZonalCells:
    """Return the cells of the layer under one valid Polygon or MultiPolygon.

    Parameters
    ----------
    crs : coordinate system of a layer that names none

    Raises
    ------
    RasterRefused
        The layer cannot be used, or the layer of standard errors has another grid.
    StderrMissing
        A cell under the parcel holds a value and no standard error.
    TooManyCells
        More than ``CELLS_HELD_MAX`` cells.
    """
    with _layers(raster_path, band, crs, stderr_path, stderr_band) as (layer, stderr_layer):
        moved = _in_layer(np.array([polygon], dtype=object), geometry.crs_of(polygon_crs), layer)
        chunks: list[ZonalCells] = []
        held = 0
        for _, part in _chunks(layer, stderr_layer, moved, engine):
            held += part.values.size
            if held > CELLS_HELD_MAX:
                raise TooManyCells(f"地块下超过 {CELLS_HELD_MAX} 个像元，一次放不下。请拆分地块。")
            chunks.append(part)
    return _joined(chunks, with_stderr=stderr_layer is not None)


def summaries(
    raster_path: str | Path,
    polygons: Sequence[Any] | geometry.Polygons,
    *,
    polygon_crs: str = geometry.CRS_LAND,
    band: int = 1,
    crs: str | None = None,
    stderr_path: str | Path | None = None,
    stderr_band: int = 1,
    engine: Engine = "own",
) -> list[ParcelSummary]:
    """Return the sums of each of n valid polygons, in their order. Errors as in ``cells``."""
    array = np.asarray(polygons, dtype=object)
    with _layers(raster_path, band, crs, stderr_path, stderr_band) as (layer, stderr_layer):
        moved = _in_layer(array, geometry.crs_of(polygon_crs), layer)
        sums = np.zeros((4, len(array)))  # area, area with a value, total, standard error
        for parcel, part in _chunks(layer, stderr_layer, moved, engine):
            valid, area_ha = part.valid, part.area_ha
            held = (area_ha, area_ha * valid, np.where(valid, part.values, 0.0) * area_ha)
            for line, weights in enumerate(held):
                sums[line] += np.bincount(parcel, weights, minlength=len(array))
            if part.stderr is not None:
                weights = np.where(valid, part.stderr, 0.0) * area_ha
                sums[3] += np.bincount(parcel, weights, minlength=len(array))
    has_stderr = stderr_path is not None
    return [_summary(*map(float, column), has_stderr=has_stderr) for column in sums.T]


def _summary(
    area_ha: float, valid_ha: float, total: float, stderr: float, *, has_stderr: bool
) -> ParcelSummary:
    if valid_ha == 0.0:  # No value is not a value of nought.
        return ParcelSummary(area_ha, 0.0, None, None, None)
    return ParcelSummary(
        area_ha=area_ha,
        valid_share=valid_ha / area_ha,
        mean=total / valid_ha,
        total=total,
        stderr=stderr if has_stderr else None,
    )


@contextmanager
def _layers(
    path: str | Path,
    band: int,
    crs: str | None,
    stderr_path: str | Path | None,
    stderr_band: int,
) -> Iterator[tuple[Layer, Layer | None]]:
    """Give the layer and that of its standard errors, which must have the same cells."""
    with ExitStack() as stack:
        layer = stack.enter_context(rasters.opened(path, crs=crs, band=band))
        if stderr_path is None:
            yield layer, None
            return
        stderr_layer = stack.enter_context(rasters.opened(stderr_path, crs=crs, band=stderr_band))
        if not rasters.same_grid(layer, stderr_layer):
            raise RasterRefused("other_grid", "标准误影像与数值影像的格网不同，无法逐像元对应。")
        yield layer, stderr_layer


def _in_layer(polygons: geometry.Polygons, crs: pyproj.CRS, layer: Layer) -> geometry.Polygons:
    """Return the polygons in cells from the layer's upper left corner: x to the right, y downwards."""
    refusals = (geometry.outline_refusal(polygon) for polygon in polygons)
    broken = [(number, refusal) for number, refusal in enumerate(refusals) if refusal]
    if broken:
        number, refusal = broken[0]
        raise ParcelRefused(
            f"{len(broken)} 个地块的图形不能计算，第一个是第 {number} 行（行号从 0 起）：{refusal.message}"
        )
    same = crs == layer.crs or (geometry.is_land_crs(crs) and geometry.is_land_crs(layer.crs))
    if not same:
        polygons = geometry.to_4490(_long_edges_split(polygons, crs), crs)
        if not geometry.is_land_crs(layer.crs):
            transformer = geometry.transformer_to_4490(layer.crs)
            polygons = geometry.transformed(
                polygons,
                lambda x, y: transformer.transform(x, y, direction=TransformDirection.INVERSE),
            )
    moved = geometry.transformed(
        geometry.transformed(polygons, lambda x, y: (x - layer.left, layer.top - y)),
        lambda x, y: (x / layer.cell_width, y / layer.cell_height),
    )
    if not np.isfinite(shapely.bounds(moved)).all() or not shapely.is_valid(moved).all():
        raise ParcelRefused("有地块在影像的坐标系里没有位置。请核对地块与影像的坐标系。")
    return moved


def _long_edges_split(polygons: geometry.Polygons, crs: pyproj.CRS) -> geometry.Polygons:
    xy, owner = shapely.get_coordinates(polygons, return_index=True)
    unit_m = _unit_m(crs)
    step = np.diff(xy, axis=0) * unit_m
    if crs.is_geographic:
        step[:, 0] *= np.cos(np.radians(xy[:-1, 1]))
    # The step from one ring to the next is no edge; that of a parcel with far parts costs nothing.
    long = (np.hypot(step[:, 0], step[:, 1]) > LONG_EDGE_M) & (owner[1:] == owner[:-1])
    chosen = np.unique(owner[1:][long])
    split = polygons.copy()
    split[chosen] = shapely.segmentize(polygons[chosen], PIECE_M / unit_m)
    return split


def _chunks(
    layer: Layer, stderr_layer: Layer | None, polygons: geometry.Polygons, engine: Engine
) -> Iterator[tuple[Indices, ZonalCells]]:
    """Yield pieces of bounded size: the number of the parcel of each cell, and the cells."""
    bounds = shapely.bounds(polygons).reshape(-1, 4)
    boxes = np.column_stack([np.floor(bounds[:, :2]), np.ceil(bounds[:, 2:])]).astype(np.int64)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    count = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    if (count > CELLS_MAX).any():
        raise TooManyCells(
            f"一个地块的范围内有 {count.max()} 个像元，最多 {CELLS_MAX} 个。请拆分地块。"
        )
    covered = _covered_own if engine == "own" else _covered_exactextract
    for members, batch_boxes in _batches(boxes, count):
        member, row, col, share = covered(polygons[members], batch_boxes)
        yield members[member], _cells(layer, stderr_layer, row, col, share)


def _batches(boxes: Indices, count: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield parcels near each other with their boxes; one too large for a batch comes in strips."""
    order = np.lexsort((boxes[:, 0], boxes[:, 1] // 256))
    batch: list[int] = []
    held = 0
    for parcel in order.tolist():
        if batch and held + count[parcel] > CHUNK_CELLS:
            yield np.array(batch), boxes[batch]
            batch, held = [], 0
        if count[parcel] <= CHUNK_CELLS:
            batch.append(parcel)
            held += int(count[parcel])
            continue
        west, north, east, south = boxes[parcel].tolist()
        rows = max(1, CHUNK_CELLS // (east - west))
        for row in range(north, south, rows):
            yield np.array([parcel]), np.array([[west, row, east, min(south, row + rows)]])
    if batch:
        yield np.array(batch), boxes[batch]


def _covered_own(
    polygons: geometry.Polygons, boxes: Indices
) -> tuple[Indices, Indices, Indices, Floats]:
    """Return (member, row, col, share) of the cells of each polygon in its box of cells.

    As font rasterisers do: every piece of an edge inside one cell adds to that cell the signed area
    to its right and to all cells right of it its height; sums along the rows give the covered parts.
    Rings must not cross themselves or each other.
    """
    member, piece_x, piece_y, height = _pieces(polygons, boxes)
    columns = boxes[:, 2] - boxes[:, 0] + 1  # One more takes what runs out to the right.
    starts = np.concatenate([[0], np.cumsum(columns * (boxes[:, 3] - boxes[:, 1]))])
    col = np.clip(np.floor(piece_x).astype(np.int64), boxes[member, 0], boxes[member, 2])
    row = np.clip(np.floor(piece_y).astype(np.int64), boxes[member, 1], boxes[member, 3] - 1)
    flat = starts[member] + (row - boxes[member, 1]) * columns[member] + col - boxes[member, 0]
    past = height * (piece_x - col)
    change = np.bincount(flat, height - past, minlength=int(starts[-1]) + 1)
    change += np.bincount(flat + 1, past, minlength=int(starts[-1]) + 1)
    share = np.cumsum(change[:-1])
    on_edge = np.zeros(len(share), dtype=bool)
    on_edge[flat] = True
    # A cell that no edge enters is whole or empty; what it differs from that is rounding.
    share = np.where(on_edge, share, np.rint(share))
    kept = np.flatnonzero(share > SHARE_MIN)
    member = np.searchsorted(starts, kept, side="right") - 1
    row, col = np.divmod(kept - starts[member], columns[member])
    return member, row + boxes[member, 1], col + boxes[member, 0], np.minimum(share[kept], 1.0)


def _pieces(polygons: geometry.Polygons, boxes: Indices) -> tuple[Indices, Floats, Floats, Floats]:
    """Return (member, middle x, middle y, height) of the edges cut at every line of the grid.

    Shells run so that their left side goes downwards, to positive height.
    """
    parts, part_member = shapely.get_parts(polygons, return_index=True)
    oriented = shapely.orient_polygons(parts, exterior_cw=True)
    rings, ring_part = shapely.get_rings(oriented, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    start, step = xy[edge], xy[edge + 1] - xy[edge]
    member = part_member[ring_part[ring[edge]]]
    # From where to where the edge runs within the rows of its box, as shares of its length.
    # A level edge adds no area and yet makes the cells it runs through partly covered: it stays.
    level = step[:, 1] == 0.0
    to_rows = boxes[member][:, [1, 3]] - start[:, [1]]
    at_rows = to_rows / np.where(level, 1.0, step[:, 1])[:, None]
    first = np.where(level, 0.0, np.clip(at_rows.min(axis=1), 0.0, 1.0))
    last = np.where(level, 1.0, np.clip(at_rows.max(axis=1), 0.0, 1.0))
    inside = np.where(level, (to_rows[:, 0] <= 0.0) & (to_rows[:, 1] >= 0.0), last > first)
    start, step, member = start[inside], step[inside], member[inside]
    first, last = first[inside], last[inside]
    numbers = np.arange(len(member))
    owners, cuts = [numbers, numbers], [first, last]
    for axis in (0, 1):
        owner, cut = _crossings(start[:, axis], step[:, axis], first, last)
        owners.append(owner)
        cuts.append(cut)
    owner, cut = np.concatenate(owners), np.concatenate(cuts)
    order = np.lexsort((cut, owner))
    owner, cut = owner[order], cut[order]
    joined = np.flatnonzero(owner[1:] == owner[:-1])
    owner, length = owner[joined], cut[joined + 1] - cut[joined]
    middle = start[owner] + (0.5 * (cut[joined + 1] + cut[joined]))[:, None] * step[owner]
    return member[owner], middle[:, 0], middle[:, 1], length * step[owner, 1]


def _crossings(start: Floats, step: Floats, first: Floats, last: Floats) -> tuple[Indices, Floats]:
    """Return (edge, share of its length) where edges cross the lines at whole numbers."""
    a, b = start + first * step, start + last * step
    low = np.floor(np.minimum(a, b)).astype(np.int64) + 1
    count = np.maximum(np.ceil(np.maximum(a, b)).astype(np.int64) - low, 0)
    owner = np.repeat(np.arange(len(start)), count)
    ordinal = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    share = (low[owner] + ordinal - start[owner]) / step[owner]  # No crossing where step is 0.
    return owner, np.clip(share, first[owner], last[owner])


def _covered_exactextract(
    polygons: geometry.Polygons, boxes: Indices
) -> tuple[Indices, Indices, Indices, Floats]:
    """Return (member, row, col, share) as ``_covered_own``, from exactextract's own traversal."""
    found: list[tuple[Indices, Indices, Indices, Floats]] = []
    for member, (polygon, box) in enumerate(zip(polygons, boxes.tolist(), strict=True)):
        west, north, east, south = box
        grid = np.broadcast_to(np.float32(1.0), (south - north, east - west))
        source = NumPyRasterSource(grid, xmin=west, ymin=-south, xmax=east, ymax=-north)
        upright = shapely.transform(polygon, lambda xy: xy * (1.0, -1.0))
        feature = {
            "type": "Feature",
            "properties": {},
            "geometry": shapely.geometry.mapping(upright),
        }
        held = exact_extract(source, [feature], ["cell_id", "coverage"])[0]["properties"]
        row, col = np.divmod(np.asarray(held["cell_id"], dtype=np.int64), east - west)
        share = np.asarray(held["coverage"], dtype=np.float64)
        found.append((np.full(len(row), member), row + north, col + west, share))
    member_, row, col, share = (np.concatenate(column) for column in zip(*found, strict=True))
    return member_, row, col, share


def _cells(
    layer: Layer, stderr_layer: Layer | None, row: Indices, col: Indices, share: Floats
) -> ZonalCells:
    values = _values(layer, row, col)
    valid = np.isfinite(values)
    stderr = None
    if stderr_layer is not None:
        stderr = _values(stderr_layer, row, col)
        missing = int((valid & ~np.isfinite(stderr)).sum())
        if missing:
            raise StderrMissing(
                f"地块下有 {missing} 个像元有数值而没有标准误，合计的误差无从得知。"
            )
        if (stderr[valid] < 0.0).any():
            raise StderrMissing("标准误影像里有负数，不是标准误。")
    x: Floats = layer.left + (col.astype(np.float64) + 0.5) * layer.cell_width
    y: Floats = layer.top - (row.astype(np.float64) + 0.5) * layer.cell_height
    area_ha: Floats = share * _cell_area_ha(layer, row, x, y)
    return ZonalCells(values, area_ha, share, stderr, row, col, x, y, valid)


def _values(layer: Layer, row: Indices, col: Indices) -> Floats:
    """Return the values of the cells, each block of the layer read about once; NaN outside it."""
    values = np.full(len(row), np.nan)
    block_rows = layer.dataset.block_shapes[layer.band - 1][0]
    strip_rows = max(block_rows, 512 // block_rows * block_rows)
    inside = np.flatnonzero((row >= 0) & (row < layer.height) & (col >= 0) & (col < layer.width))
    order = inside[np.argsort(row[inside] // strip_rows, kind="stable")]
    strips = row[order] // strip_rows
    for members in np.split(order, np.flatnonzero(np.diff(strips)) + 1):
        if len(members) == 0:
            continue
        top, left = int(row[members].min()), int(col[members].min())
        rows = int(row[members].max()) + 1 - top
        cols = int(col[members].max()) + 1 - left
        window = layer.values(top, left, rows, cols)
        values[members] = window[row[members] - top, col[members] - left]
    return values


def _cell_area_ha(layer: Layer, row: Indices, x: Floats, y: Floats) -> Floats:
    """Return the area of whole cells on the GRS80 ellipsoid [ha]."""
    if geometry.is_land_crs(layer.crs):
        rows, which = np.unique(row, return_inverse=True)
        north = np.radians(layer.top - rows * layer.cell_height)
        south = np.radians(layer.top - (rows + 1) * layer.cell_height)
        zone_m2 = _zone_m2(north) - _zone_m2(south)
        return (zone_m2 * math.radians(layer.cell_width) / geometry.M2_PER_HA)[which]
    cell = layer.cell_width * layer.cell_height
    return cell * _areal_scale(layer, x, y) / geometry.M2_PER_HA


def _zone_m2(latitude: Floats) -> Floats:
    """Return the area between the equator and the latitude [rad], of one radian of longitude [m2]."""
    sine = np.sin(latitude)
    e = math.sqrt(GRS80_E2)
    b2 = GRS80_A_M**2 * (1 - GRS80_E2)
    return np.asarray(b2 / 2 * (sine / (1 - GRS80_E2 * sine**2) + np.arctanh(e * sine) / e))


def _areal_scale(layer: Layer, x: Floats, y: Floats) -> Floats:
    """Return m2 on the ellipsoid for each square unit of the layer's coordinates at the points.

    From the derivatives of the way to EPSG:4490, so that a datum is allowed for as well, at the nodes
    of a lattice of 1 km and linear between them: the scale is so smooth that this is right to 3e-8.
    The lattice hangs on the layer, not on the parcels, so a cell has one area in whatever company.
    """
    unit_m = _unit_m(layer.crs)
    spacing, step = LATTICE_M / unit_m, LATTICE_M / 10 / unit_m
    right, down = (x - layer.left) / spacing, (layer.top - y) / spacing
    j, i = np.floor(right), np.floor(down)
    squares = i.astype(np.int64) * 2**32 + j.astype(np.int64)
    _, first, which = np.unique(squares, return_index=True, return_inverse=True)
    corner = [
        _areal_scale_at(
            layer,
            layer.left + (j[first] + east) * spacing,
            layer.top - (i[first] + south) * spacing,
            step,
        )[which]
        for south in (0, 1)
        for east in (0, 1)
    ]
    u, v = right - j, down - i
    upper = corner[0] * (1 - u) + corner[1] * u
    lower = corner[2] * (1 - u) + corner[3] * u
    return np.asarray(upper * (1 - v) + lower * v)


def _unit_m(crs: pyproj.CRS) -> float:
    return METRES_PER_DEGREE if crs.is_geographic else crs.axis_info[0].unit_conversion_factor


def _areal_scale_at(layer: Layer, x: Floats, y: Floats, step: float) -> Floats:
    transform = geometry.transformer_to_4490(layer.crs).transform
    east, west = np.array(transform(x + step, y)), np.array(transform(x - step, y))
    north, south = np.array(transform(x, y + step)), np.array(transform(x, y - step))
    by_x, by_y = np.radians(east - west) / (2 * step), np.radians(north - south) / (2 * step)
    latitude = np.radians((east[1] + west[1]) / 2)
    sine2 = np.sin(latitude) ** 2
    meridian = GRS80_A_M * (1 - GRS80_E2) / (1 - GRS80_E2 * sine2) ** 1.5
    normal = GRS80_A_M / np.sqrt(1 - GRS80_E2 * sine2)
    turned = np.abs(by_x[0] * by_y[1] - by_x[1] * by_y[0])
    return np.asarray(turned * meridian * normal * np.cos(latitude))


def _joined(chunks: list[ZonalCells], *, with_stderr: bool) -> ZonalCells:
    names = ("values", "area_ha", "share", "row", "col", "x", "y", "valid")
    held = {name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names}
    stderrs = [chunk.stderr for chunk in chunks if chunk.stderr is not None]
    return ZonalCells(stderr=np.concatenate(stderrs) if with_stderr else None, **held)


def zonal_csv(
    layer: str | Path,
    parcels_path: str | Path,
    out: str | Path,
    *,
    id_column: str | None = None,
    crs: str | None = None,
    band: int = 1,
    stderr: str | None = None,
    engine: Engine = "own",
) -> int:
    """Write ``id,area_ha,valid_share,mean,total,stderr`` of every parcel and return their number.

    A number that does not exist is left empty. The file appears whole or not at all.

    Parameters
    ----------
    id_column : field that names the parcels; the number of the row from 0 if None
    crs : coordinate system of the layer if it names none, and of the parcels if they name none
    stderr : ``FILE``, ``FILE:band``, or ``:band`` for a band of the layer itself

    Raises
    ------
    FileRefused, RasterRefused, ParcelRefused, StderrMissing, TooManyCells
    """
    parcels = _parcels(parcels_path, crs)
    if id_column is not None and id_column not in parcels.fields:
        raise FileRefused(
            "id_column", f"没有字段“{id_column}”。有：{'、'.join(parcels.fields)[:200]}。"
        )
    for row in parcels.rows:
        if row.problem:
            raise ParcelRefused(f"第 {row.row} 行（行号从 0 起）：{row.problem.message}")
    stderr_path, stderr_band = _stderr_source(stderr, layer)
    polygons = np.empty(len(parcels.rows), dtype=object)
    polygons[:] = [row.polygon for row in parcels.rows]
    lines = summaries(
        layer,
        polygons,
        polygon_crs=rasters.crs_name(parcels.crs),
        band=band,
        crs=crs,
        stderr_path=stderr_path,
        stderr_band=stderr_band,
        engine=engine,
    )
    ids = [row.attributes[id_column] if id_column else row.row for row in parcels.rows]
    _write(Path(out), ids, lines)
    return len(lines)


def _parcels(path: str | Path, crs: str | None) -> vectors.VectorFile:
    """Return the parcels; ``crs`` is used only where the file leaves their coordinates open."""
    try:
        parcels = vectors.read(path)
    except FileRefused as error:
        if error.code != "crs_missing" or crs is None:
            raise
        return vectors.read(path, crs=crs)
    # GeoJSON that names no system is longitude and latitude, unless its numbers cannot be that.
    west, south, east, north = vectors.bounds_of(parcels.rows)
    on_globe = west >= -180 and east <= 180 and south >= -90 and north <= 90
    if parcels.crs_source == "default" and crs is not None and not on_globe:
        return vectors.read(path, crs=crs)
    return parcels


def _stderr_source(stderr: str | None, layer: str | Path) -> tuple[str | Path | None, int]:
    if stderr is None:
        return None, 1
    name, colon, band = stderr.rpartition(":")
    if colon and band.isascii() and band.isdigit():
        return name or layer, int(band)
    return stderr, 1


def _write(out: Path, ids: Sequence[Any], lines: Sequence[ParcelSummary]) -> None:
    handle, staged = tempfile.mkstemp(dir=out.absolute().parent, prefix=".zonal-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["id", "area_ha", "valid_share", "mean", "total", "stderr"])
            for name, line in zip(ids, lines, strict=True):
                numbers = (line.area_ha, line.valid_share, line.mean, line.total, line.stderr)
                writer.writerow(
                    [_no_formula(name), *("" if n is None else repr(n) for n in numbers)]
                )
        os.chmod(staged, 0o644)
        os.replace(staged, out)
    finally:
        Path(staged).unlink(missing_ok=True)  # Gone by its new name, unless something failed.


def _no_formula(name: Any) -> Any:
    """Return the name so that a spreadsheet does not run it."""
    if isinstance(name, str) and name[:1] in tuple("=+-@\t\r\n＝＋－＠"):
        return "'" + name
    return name

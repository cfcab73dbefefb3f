"""Parcels as rings of vertices in the cells of a layer: moved, and proved to be areas.

The layer is never warped: the parcel is moved into the layer's coordinates, vertex by vertex.

Edges are straight in the coordinates the parcel is given in, as RFC 7946 and Simple Features say, and
its vertices are moved without adding any: between vertices 300 m apart the two straight lines differ by
about 1 mm at 31 N. Only where a parcel has an edge longer than 2 km (5 cm, the boundary-point error of
a cadastral survey) are its edges split into pieces of 200 m before they are moved, which leaves less
than 1e-7 of its area. Where both systems are the same nothing is split.

GEOS takes 5 us to prove one outline valid, more than measuring it. Most outlines can be seen to be
valid at once, no two edges of theirs touching but in the vertex they share; the others go to GEOS.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.enums import TransformDirection

from gis_data import geometry, patches
from gis_data.compiled import compiled
from gis_data.rasters import Layer

CELLS_MAX = 2_000_000_000  # in the box of one parcel
COLUMNS_MAX = 20_000_000  # of the box of one parcel: a row of it is held in memory
EDGES_SEEN_MAX = 200  # Of an outline with more, GEOS is the faster judge.
LONG_EDGE_M = 2_000.0
PIECE_M = 200.0
METRES_PER_DEGREE = 111_320.0

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True)
class Outlines:
    """n parcels in cells from the layer's upper left corner: x to the right, y downwards.

    polygons : (n,) as they were given
    xy : (v, 2) vertices of all rings, the first of a ring repeated as its last
    ring_start : (r + 1,) where rings begin among the vertices
    parcel_ring : (n + 1,) where parcels begin among the rings
    ring_sign : (r,) 1 where area lies to the right of the ring's downward edges, else -1
    boxes : (n, 4) first column and row, past-last column and row
    area_cells : (n,) area of the outline, in cells
    """

    polygons: geometry.Polygons
    xy: Floats
    ring_start: Indices
    parcel_ring: Indices
    ring_sign: Floats
    boxes: Indices
    area_cells: Floats

    def chosen(self, parcels: Indices) -> "Outlines":
        """Return some of the parcels, in the order of ``parcels``."""
        rings = _spans(self.parcel_ring, parcels)
        vertices = _spans(self.ring_start, rings)
        return Outlines(
            self.polygons[parcels],
            self.xy[vertices],
            _starts(np.diff(self.ring_start)[rings]),
            _starts(np.diff(self.parcel_ring)[parcels]),
            self.ring_sign[rings],
            self.boxes[parcels],
            self.area_cells[parcels],
        )

    def moved_polygons(self) -> geometry.Polygons:
        """Return the parcels as shapely geometries in cells."""
        return np.asarray(shapely.set_coordinates(self.polygons.copy(), self.xy), dtype=object)


def in_layer(polygons: geometry.Polygons, crs: pyproj.CRS, layer: Layer) -> Outlines:
    """Return the polygons in the layer's cells.

    Raises
    ------
    ParcelRefused
        An outline is no area, or has no place in the layer's coordinates.
    TooManyCells
        More than ``CELLS_MAX`` cells in the box of a parcel.
    """
    kinds = shapely.get_type_id(polygons)
    if not ((kinds == 3) | (kinds == 6)).all() or shapely.is_empty(polygons).any():
        _refuse_broken(polygons)
    same = crs == layer.crs or (geometry.is_land_crs(crs) and geometry.is_land_crs(layer.crs))
    xy, ring_start, parcel_ring, ring_part, is_hole = _rings(polygons, kinds)
    if same:
        _into_cells(xy, layer.left, layer.top, layer.cell_width, layer.cell_height)
    else:
        long = _with_long_edges(xy, ring_start, parcel_ring, crs)
        if len(long):
            polygons = polygons.copy()
            polygons[long] = shapely.segmentize(polygons[long], PIECE_M / unit_m(crs))
            xy, ring_start, parcel_ring, ring_part, is_hole = _rings(polygons, kinds)
        patch = patches.PATCH_DEGREES if crs.is_geographic else patches.PATCH_M / unit_m(crs)
        xy = patches.moved(xy, _way(crs, layer), patch)
    ring_sign, bounds, area_cells, seen = _examined(
        xy, ring_start, parcel_ring, ring_part, is_hole, EDGES_SEEN_MAX
    )
    boxes = _boxes(bounds)
    found = Outlines(polygons, xy, ring_start, parcel_ring, ring_sign, boxes, area_cells)
    unseen = np.flatnonzero(~seen)
    if len(unseen):
        if not shapely.is_valid(polygons[unseen]).all():
            _refuse_broken(polygons)
        placed = np.isfinite(bounds[unseen]).all()
        if not placed or not shapely.is_valid(found.chosen(unseen).moved_polygons()).all():
            raise ParcelRefused("有地块在影像的坐标系里没有位置。请核对地块与影像的坐标系。")
    _refuse_too_large(bounds)
    return found


def unit_m(crs: pyproj.CRS) -> float:
    """Return the metres in one unit of the system's coordinates, of latitude where these are angles."""
    return METRES_PER_DEGREE if crs.is_geographic else crs.axis_info[0].unit_conversion_factor


def _refuse_broken(polygons: geometry.Polygons) -> None:
    refusals = (geometry.outline_refusal(polygon) for polygon in polygons)
    broken = [(number, refusal) for number, refusal in enumerate(refusals) if refusal]
    if broken:
        number, refusal = broken[0]
        raise ParcelRefused(
            f"{len(broken)} 个地块的图形不能计算，第一个是第 {number} 行（行号从 0 起）：{refusal.message}"
        )


def _refuse_too_large(bounds: Floats) -> None:
    wide, high = (bounds[:, 2:] - bounds[:, :2] + 1.0).T
    too_large = (wide * high > CELLS_MAX) | (wide > COLUMNS_MAX)
    if too_large.any():
        count = float((wide * high)[too_large].max())
        raise TooManyCells(
            f"一个地块的范围内约有 {count:.3g} 个像元，最多 {CELLS_MAX} 个。请拆分地块。"
        )


def _boxes(bounds: Floats) -> Indices:
    # Where bounds are no numbers or too far off the parcel is refused before its box is used.
    near = np.nan_to_num(np.clip(bounds, -(2.0**52), 2.0**52))
    boxes = np.column_stack([np.floor(near[:, :2]), np.ceil(near[:, 2:])]).astype(np.int64)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes


def _to_cells(layer: Layer, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return (x - layer.left) / layer.cell_width, (layer.top - y) / layer.cell_height


def _way(crs: pyproj.CRS, layer: Layer) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    """Return the way from coordinates in ``crs`` to cells of the layer, by way of EPSG:4490."""
    source = None if geometry.is_land_crs(crs) else geometry.transformer_to_4490(crs)
    target = None if geometry.is_land_crs(layer.crs) else geometry.transformer_to_4490(layer.crs)

    def to_cells(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        if source is not None:
            x, y = source.transform(x, y)
        if target is not None:
            x, y = target.transform(x, y, direction=TransformDirection.INVERSE)
        return _to_cells(layer, x, y)

    return to_cells


def _with_long_edges(
    xy: Floats, ring_start: Indices, parcel_ring: Indices, crs: pyproj.CRS
) -> Indices:
    """Return the parcels that have an edge longer than ``LONG_EDGE_M``."""
    longest = _longest_edges(xy, ring_start, unit_m(crs), crs.is_geographic)
    rings = np.flatnonzero(longest > LONG_EDGE_M)
    return np.unique(np.searchsorted(parcel_ring, rings, side="right") - 1)


def _rings(
    polygons: geometry.Polygons, kinds: Indices
) -> tuple[Floats, Indices, Indices, Indices, Flags]:
    """Return (xy, ring_start, parcel_ring, part of each ring, whether it is a hole).

    kinds : (n,) shapely's number of each type

    Parts are numbered within their parcel. Taking parcels apart into objects costs more than
    measuring them: it is done only for those that have more than one ring.
    """
    xy = shapely.get_coordinates(polygons)
    # Of a multipolygon shapely counts no interior rings.
    points = shapely.get_num_coordinates(polygons)
    several = np.flatnonzero((kinds == 6) | (shapely.get_num_interior_rings(polygons) > 0))
    parts, part_parcel = shapely.get_parts(polygons[several], return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    ring_parcel = part_parcel[ring_part]
    count = np.ones(len(polygons), dtype=np.int64)
    count[several] = np.bincount(ring_parcel, minlength=len(several))
    parcel_ring = _starts(count)
    places = _spans(parcel_ring, several)
    vertices = np.zeros(int(parcel_ring[-1]), dtype=np.int64)
    vertices[parcel_ring[:-1]] = points
    vertices[places] = shapely.get_num_coordinates(rings)
    part = np.zeros(len(vertices), dtype=np.int64)
    first_part = np.searchsorted(part_parcel, np.arange(len(several)))
    part[places] = ring_part - first_part[ring_parcel]
    is_hole = np.zeros(len(vertices), dtype=bool)
    is_hole[places[1:]] = ring_part[1:] == ring_part[:-1]
    return xy, _starts(vertices), parcel_ring, part, is_hole


def _starts(counts: Indices) -> Indices:
    return np.concatenate([[0], np.cumsum(counts)])


def _spans(starts: Indices, chosen: Indices) -> Indices:
    """Return the places ``starts[k]:starts[k + 1]`` of every chosen k, one after the other."""
    counts = starts[chosen + 1] - starts[chosen]
    offsets = np.repeat(starts[chosen] - _starts(counts)[:-1], counts)
    return offsets + np.arange(len(offsets))


@compiled
def _into_cells(xy: Floats, left: float, top: float, width: float, height: float) -> None:
    for i in range(len(xy)):
        xy[i, 0], xy[i, 1] = (xy[i, 0] - left) / width, (top - xy[i, 1]) / height


@compiled
def _longest_edges(xy: Floats, ring_start: Indices, unit_m: float, geographic: bool) -> Floats:
    longest = np.zeros(len(ring_start) - 1)
    for ring in range(len(longest)):
        shrink = 1.0
        if geographic:
            shrink = np.cos(np.radians(xy[ring_start[ring], 1]))
        for i in range(ring_start[ring], ring_start[ring + 1] - 1):
            x, y = (xy[i + 1, 0] - xy[i, 0]) * shrink, xy[i + 1, 1] - xy[i, 1]
            longest[ring] = max(longest[ring], np.sqrt(x * x + y * y) * unit_m)
    return longest


@compiled
def _examined(
    xy: Floats,
    ring_start: Indices,
    parcel_ring: Indices,
    ring_part: Indices,
    is_hole: Flags,
    edges_max: int,
) -> tuple[Floats, Floats, Floats, Flags]:
    """Return (sign of each ring, bounds and area of each parcel, whether it is seen to be valid)."""
    count = len(parcel_ring) - 1
    sign = np.ones(len(ring_start) - 1)
    bounds, area, seen = np.empty((count, 4)), np.zeros(count), np.zeros(count, dtype=np.bool_)
    boxes = np.empty((len(sign), 4))
    edge_boxes, edge_vertex = np.empty((4, edges_max)), np.empty(edges_max, dtype=np.int64)
    for parcel in range(count):
        first, last = parcel_ring[parcel], parcel_ring[parcel + 1]
        for ring in range(first, last):
            double_area = _ring_double_area(xy, ring_start[ring], ring_start[ring + 1])
            _ring_box(xy, ring_start[ring], ring_start[ring + 1], boxes, ring)
            # Shells count positive whichever way they run, holes negative.
            sign[ring] = -1.0 if (double_area > 0.0) != is_hole[ring] else 1.0
            area[parcel] += -0.5 * abs(double_area) if is_hole[ring] else 0.5 * abs(double_area)
        for side in range(4):
            bounds[parcel, side] = boxes[first, side]
            for ring in range(first + 1, last):
                if side < 2:
                    bounds[parcel, side] = min(bounds[parcel, side], boxes[ring, side])
                else:
                    bounds[parcel, side] = max(bounds[parcel, side], boxes[ring, side])
        if ring_start[last] - ring_start[first] <= edges_max:
            seen[parcel] = _rings_stand_apart(
                xy, ring_start, first, last, ring_part, is_hole, boxes
            ) and _edges_stand_apart(xy, ring_start, first, last, edge_boxes, edge_vertex)
    return sign, bounds, area, seen


@compiled
def _ring_double_area(xy: Floats, start: int, end: int) -> float:
    """Return twice the signed area, taken about the first vertex so that no digits are lost."""
    x, y, total = xy[start, 0], xy[start, 1], 0.0
    for i in range(start, end - 1):
        total += (xy[i, 0] - x) * (xy[i + 1, 1] - y) - (xy[i + 1, 0] - x) * (xy[i, 1] - y)
    return total


@compiled
def _ring_box(xy: Floats, start: int, end: int, boxes: Floats, ring: int) -> None:
    left, upper, right, lower = xy[start, 0], xy[start, 1], xy[start, 0], xy[start, 1]
    finite = 0.0
    for i in range(start, end):
        x, y = xy[i, 0], xy[i, 1]
        finite += (x - x) + (y - y)  # NaN as soon as one vertex is not finite.
        left, upper = min(left, x), min(upper, y)
        right, lower = max(right, x), max(lower, y)
    boxes[ring, 0], boxes[ring, 1] = left + finite, upper + finite
    boxes[ring, 2], boxes[ring, 3] = right + finite, lower + finite


@compiled
def _rings_stand_apart(
    xy: Floats,
    ring_start: Indices,
    first: int,
    last: int,
    ring_part: Indices,
    is_hole: Flags,
    boxes: Floats,
) -> bool:
    """Return whether holes lie in their shell and apart, and parts apart, if no edges touch.

    For holes and parts, by their boxes: False says nothing.
    """
    shell = first
    for ring in range(first, last):
        if not is_hole[ring]:
            shell = ring
        elif not _contains(xy, ring_start[shell], ring_start[shell + 1], ring_start[ring]):
            return False
        for other in range(first, ring):
            same_part = ring_part[other] == ring_part[ring]
            if same_part and is_hole[ring] and not is_hole[other]:
                continue
            if not (
                boxes[ring, 0] > boxes[other, 2]
                or boxes[other, 0] > boxes[ring, 2]
                or boxes[ring, 1] > boxes[other, 3]
                or boxes[other, 1] > boxes[ring, 3]
            ):
                return False
    return True


@compiled
def _contains(xy: Floats, start: int, end: int, point: int) -> bool:
    """Return whether it is certain that the vertex ``point`` lies within the ring."""
    x, y = xy[point]
    inside = False
    for i in range(start, end - 1):
        if (xy[i, 1] > y) != (xy[i + 1, 1] > y):
            side = _side(xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1], x, y)
            if side == 0:
                return False
            if (side > 0) == (xy[i + 1, 1] > xy[i, 1]):
                inside = not inside
    return inside


@compiled
def _edges_stand_apart(
    xy: Floats, ring_start: Indices, first: int, last: int, boxes: Floats, vertex: Indices
) -> bool:
    """Return whether it is certain that edges touch only in the vertex that neighbours share.

    boxes, vertex : memory for the box and the first vertex of every edge
    """
    count = 0
    for ring in range(first, last):
        start, end = ring_start[ring], ring_start[ring + 1]
        ring_first = count
        for i in range(start, end - 1):
            following = i + 2 if i + 2 < end else start + 1
            if not _goes_on(xy, i, following):
                return False
            left, right = min(xy[i, 0], xy[i + 1, 0]), max(xy[i, 0], xy[i + 1, 0])
            upper, lower = min(xy[i, 1], xy[i + 1, 1]), max(xy[i, 1], xy[i + 1, 1])
            neighbours = int(i > start) + int(i > start and i == end - 2)
            near = 0
            for j in range(count):  # Without a branch, so that several are compared at once.
                near += (
                    (boxes[0, j] <= right)
                    & (boxes[2, j] >= left)
                    & (boxes[1, j] <= lower)
                    & (boxes[3, j] >= upper)
                )
            if near > neighbours:
                for j in range(count):
                    if j >= ring_first and (j == count - 1 or (j == ring_first and i == end - 2)):
                        continue
                    if (
                        boxes[0, j] <= right
                        and boxes[2, j] >= left
                        and boxes[1, j] <= lower
                        and boxes[3, j] >= upper
                        and not _on_one_side(xy, i, vertex[j])
                        and not _on_one_side(xy, vertex[j], i)
                    ):
                        return False
            boxes[0, count], boxes[1, count] = left, upper
            boxes[2, count], boxes[3, count] = right, lower
            vertex[count] = i
            count += 1
    return True


@compiled
def _goes_on(xy: Floats, i: int, following: int) -> bool:
    """Return whether it is certain that the edge from vertex i to the next is not run back over."""
    ax, ay = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
    bx, by = xy[following, 0] - xy[i + 1, 0], xy[following, 1] - xy[i + 1, 1]
    left, right = ax * by, ay * bx
    if abs(left - right) > 4e-16 * (abs(left) + abs(right)):
        return True
    return ax * bx + ay * by > 0.0  # Straight on; False where an edge has no length.


@compiled
def _on_one_side(xy: Floats, i: int, k: int) -> bool:
    """Return whether it is certain that the edge at k lies on one side of the line of that at i."""
    x0, y0, x1, y1 = xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1]
    first = _side(x0, y0, x1, y1, xy[k, 0], xy[k, 1])
    return first != 0 and first == _side(x0, y0, x1, y1, xy[k + 1, 0], xy[k + 1, 1])


@compiled
def _side(x0: float, y0: float, x1: float, y1: float, x: float, y: float) -> int:
    """Return on which side of the line the point (x, y) lies; 0 where rounding could decide.

    The bound is that of Shewchuk (1997), Adaptive Precision Floating-Point Arithmetic, ccwerrboundA.
    """
    left = (x0 - x) * (y1 - y)
    right = (y0 - y) * (x1 - x)
    turn = left - right
    if abs(turn) > 3.3306690738754716e-16 * (abs(left) + abs(right)):
        return 1 if turn > 0.0 else -1
    return 0

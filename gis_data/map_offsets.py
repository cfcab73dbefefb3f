"""The offsets of Chinese web maps: GCJ-02 (Amap, Tencent) and BD-09 (Baidu), and the way back.

Outlines traced on these maps lie 300 to 700 m from where the land is, and pass every rule of form. They
are converted to WGS 84 when a person says which they are, and never by themselves; ``suspected`` is
for a file that says nothing and would fit far better converted. The exact offset is not published: the
formula is the one in public use, an approximation of it, so what was converted is no survey.

Source of the formulas: github.com/wandergis/coordtransform, after github.com/googollee/eviltransform.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gis_data import geometry
from gis_data.refusals import FileRefused, Question

Offset = Literal["GCJ-02", "BD-09"]
NAMES: dict[str, Offset] = {
    **dict.fromkeys(("gcj-02", "gcj02", "gcj", "火星坐标"), "GCJ-02"),
    **dict.fromkeys(("bd-09", "bd09", "bd09ll", "百度坐标"), "BD-09"),
}

# The spheroid of Krasovsky 1940, on which the formula was written down.
_RADIUS_M = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BAIDU = np.pi * 3000.0 / 180.0
# Where the maps are shifted; beyond it they are not, and neither is anything here.
WEST, SOUTH, EAST, NORTH = 72.004, 0.8293, 137.8347, 55.8271
_ROUNDS = 30
_CLOSE_DEGREES = 1e-12

# What counts as a vertex on a neighbour's boundary, and how plain the better fit has to be.
ON_BOUNDARY_M = 1.5
VERTICES_MIN = 12
VERTICES_MAX = 20_000
PARCELS_MAX = 2_000  # more tell no more
FIT_SHARE_MIN = 0.3
FIT_TIMES_MIN = 3.0
OUTSIDE_SHARE_MIN = 0.05
_COMPASS = 8

Degrees = NDArray[np.float64]
Move = Callable[[Degrees, Degrees], tuple[Degrees, Degrees]]


def named(text: str) -> Offset | None:
    """Return the offset that a person named in place of a coordinate system; None if it is none."""
    return NAMES.get(text.strip().lower().replace("_", "-").replace(" ", ""))


def to_gcj02(longitude: Degrees, latitude: Degrees) -> tuple[Degrees, Degrees]:
    """Return where GCJ-02 shows a place of WGS 84 [degrees]."""
    x, y = longitude - 105.0, latitude - 35.0
    waves = 20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)
    north = (
        -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
        + (waves + 20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
        + (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    )  # fmt: skip
    east = (
        300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
        + (waves + 20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
        + (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    )  # fmt: skip
    phi = np.radians(latitude)
    magic = 1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian_m = _RADIUS_M * (1.0 - _ECCENTRICITY_SQUARED) / (magic * np.sqrt(magic))
    parallel_m = _RADIUS_M / np.sqrt(magic) * np.cos(phi)
    return longitude + np.degrees(east / parallel_m), latitude + np.degrees(north / meridian_m)


def to_bd09(longitude: Degrees, latitude: Degrees) -> tuple[Degrees, Degrees]:
    """Return where BD-09 shows a place of WGS 84 [degrees]."""
    x, y = to_gcj02(longitude, latitude)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BAIDU)
    turn = np.arctan2(y, x) + 0.000003 * np.cos(x * _BAIDU)
    return radius * np.cos(turn) + 0.0065, radius * np.sin(turn) + 0.006


FORWARD: dict[Offset, Move] = {"GCJ-02": to_gcj02, "BD-09": to_bd09}


def to_wgs84(offset: Offset, longitude: Degrees, latitude: Degrees) -> tuple[Degrees, Degrees]:
    """Return the places of WGS 84 that the map shows at these [degrees], within 1e-9 degrees.

    The formula has no inverse that can be written down; a place is moved until the map shows it where
    it was read. Beyond ``WEST`` .. ``NORTH`` the answer is inf: nothing is shifted there.
    """
    forward = FORWARD[offset]
    x, y = np.array(longitude, dtype=float), np.array(latitude, dtype=float)
    inside = (x > WEST) & (x < EAST) & (y > SOUTH) & (y < NORTH)
    found_x, found_y = x.copy(), y.copy()
    found_x[~inside] = found_y[~inside] = np.inf
    target_x, target_y = x[inside], y[inside]
    at_x, at_y = target_x.copy(), target_y.copy()
    for _ in range(_ROUNDS):
        shown_x, shown_y = forward(at_x, at_y)
        off_x, off_y = target_x - shown_x, target_y - shown_y
        at_x, at_y = at_x + off_x, at_y + off_y
        if max(np.abs(off_x).max(initial=0.0), np.abs(off_y).max(initial=0.0)) < _CLOSE_DEGREES:
            break
    found_x[inside], found_y[inside] = at_x, at_y
    return found_x, found_y


def converted(polygons: geometry.Polygons, offset: Offset) -> geometry.Polygons:
    """Return the polygons moved from the map's offset to WGS 84, vertex by vertex."""
    return geometry.transformed(polygons, lambda x, y: to_wgs84(offset, x, y))


def refuse_other_system(crs: pyproj.CRS | None, offset: Offset) -> None:
    """Refuse a file that names a system which cannot be a web map's in disguise.

    Raises
    ------
    FileRefused
        ``crs_conflict``: GCJ-02 and BD-09 are degrees that call themselves WGS 84 or CGCS2000.
    """
    if crs is not None and not geometry.is_land_crs(crs):
        raise FileRefused(
            "crs_conflict",
            f"文件自带坐标系“{crs.name}”，与给出的 {offset} 不同。{offset} 只能是经纬度。"
            "请核对；以文件为准时，坐标系不要填。",
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """How well outlines lie to what is known.

    outside_share : part of their area outside all districts
    on_boundary_share : part of their vertices on a boundary of the neighbours; NaN without neighbours
    """

    outside_share: float
    on_boundary_share: float


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What to ask about a file. ``every_row``: of all its rows, or only of those outside the city."""

    question: Question
    every_row: bool


def suspected(
    polygons_4490: geometry.Polygons,
    outside: Callable[[geometry.Polygons], NDArray[np.float64]],
    neighbours_4490: geometry.Polygons | None = None,
) -> Suspicion | None:
    """Return what to ask about a file that would fit far better if it were GCJ-02 or BD-09.

    Two things tell: registered neighbours whose boundaries the corners meet once they are converted
    and at no other shift of that length, and land that comes back into the city. Without either,
    nothing does, and nothing is asked. The outline of the city is generalised, so land at its border
    tells little: only the rows outside are asked about then.

    Parameters
    ----------
    polygons_4490 : the outlines of the file as they would be taken
    outside : gives the part of each polygon's area outside all districts
    neighbours_4490 : outlines already registered around the file
    """
    if len(polygons_4490) == 0:
        return None
    polygons_4490 = polygons_4490[:: -(-len(polygons_4490) // PARCELS_MAX)]
    as_is = fit(polygons_4490, None, outside, neighbours_4490)
    fits = {offset: fit(polygons_4490, offset, outside, neighbours_4490) for offset in FORWARD}
    by_edges = [
        (one.on_boundary_share, offset)
        for offset, one in fits.items()
        if _edges_tell(polygons_4490, offset, as_is, one, neighbours_4490)
    ]
    if by_edges:
        share, offset = max(by_edges)
        text = f"换算后有 {share:.0%} 的界址点落在已登记地块的边界上，现在只有 {as_is.on_boundary_share:.0%}"
        return Suspicion(_question(offset, text), every_row=True)
    share, offset = min((one.outside_share, offset) for offset, one in fits.items())
    if as_is.outside_share < OUTSIDE_SHARE_MIN or share >= as_is.outside_share / 4:
        return None
    text = f"现在有 {as_is.outside_share:.0%} 的面积在湖州市各区县之外，换算后只有 {share:.0%}"
    return Suspicion(_question(offset, text), every_row=False)


def _question(offset: Offset, text: str) -> Question:
    code, maps = ("maybe_gcj02", "高德、腾讯") if offset == "GCJ-02" else ("maybe_bd09", "百度")
    return Question(
        code,
        f"这份文件可能是 {offset} 坐标（{maps}地图的偏移坐标），位置相差几百米：{text}。"
        f"请向制图人核实；确是 {offset} 的，坐标系填 {offset} 重新导入。",
    )


def fit(
    polygons_4490: geometry.Polygons,
    offset: Offset | None,
    outside: Callable[[geometry.Polygons], NDArray[np.float64]],
    neighbours_4490: geometry.Polygons | None = None,
) -> Fit:
    """Return how well the outlines lie as they are, or converted from the offset."""
    moved = converted(polygons_4490, offset) if offset else polygons_4490
    there = np.isfinite(shapely.bounds(moved)).all(axis=1)
    area = shapely.area(moved[there])
    share = outside(moved[there])
    outside_share = float((share * area).sum() / area.sum()) if area.sum() > 0 else 1.0
    return Fit(outside_share, _on_boundary_share(moved[there], neighbours_4490))


def _on_boundary_share(
    polygons: geometry.Polygons,
    neighbours: geometry.Polygons | None,
    shift_m: tuple[float, float] = (0.0, 0.0),
) -> float:
    """Return the part of the vertices that lie on a neighbour's boundary after the shift [m]."""
    if neighbours is None or len(neighbours) == 0 or len(polygons) == 0:
        return float("nan")
    metric = geometry.metric_crs(anywhere=False)
    xy = shapely.get_coordinates(geometry.to_metric(polygons, metric)) + np.array(shift_m)
    step = max(1, len(xy) // VERTICES_MAX)
    xy = xy[::step]
    if len(xy) < VERTICES_MIN:
        return float("nan")
    lines = shapely.boundary(geometry.to_metric(neighbours, metric))
    points = shapely.points(xy)
    near, _ = shapely.STRtree(lines).query(points, predicate="dwithin", distance=ON_BOUNDARY_M)
    return len(np.unique(near)) / len(points)


def _edges_tell(
    polygons: geometry.Polygons,
    offset: Offset,
    as_is: Fit,
    moved: Fit,
    neighbours: geometry.Polygons | None,
) -> bool:
    """Return whether the corners meet the neighbours by the conversion and not by any such shift.

    Where parcels are small and many, corners lie on some boundary by chance; as many do after a shift
    of the same length in another direction, and then the fit says nothing.
    """
    share = moved.on_boundary_share
    if not share >= max(FIT_SHARE_MIN, FIT_TIMES_MIN * as_is.on_boundary_share):
        return False
    east_m, north_m = _shift_m(polygons, offset)
    for turn in np.arange(1, _COMPASS) * (2 * np.pi / _COMPASS):
        cos, sin = float(np.cos(turn)), float(np.sin(turn))
        shift_m = (east_m * cos - north_m * sin, east_m * sin + north_m * cos)
        if share < FIT_TIMES_MIN * _on_boundary_share(polygons, neighbours, shift_m):
            return False
    return True


def _shift_m(polygons: geometry.Polygons, offset: Offset) -> tuple[float, float]:
    """Return how far the conversion moves the first vertex, east and north [m]."""
    here = shapely.points(shapely.get_coordinates(polygons)[:1])
    both = np.concatenate([here, converted(here, offset)])
    xy = shapely.get_coordinates(geometry.to_metric(both, geometry.metric_crs(anywhere=False)))
    return float(xy[1, 0] - xy[0, 0]), float(xy[1, 1] - xy[0, 1])

"""The districts of Huzhou, and how land lies to them.

The outline is generalised (see ``districts/SOURCE.md``): it says which district a parcel is in and
whether it is plainly elsewhere, and settles no boundary.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_data import geometry

HUZHOU = Path(__file__).with_name("districts") / "huzhou.geojson"
NAMES_EN = {
    "330502": "Wuxing",
    "330503": "Nanxun",
    "330521": "Deqing",
    "330522": "Changxing",
    "330523": "Anji",
}
# Land this far outside may still be inside the true boundary, or belong to a parcel that is.
NEAR_M = 2_500.0
# Beyond this many degrees from the city Gauss-Kruger coordinates of zone 40 lose their meaning.
NEAR_DEGREES = 3.0


@dataclass(frozen=True, slots=True)
class District:
    """A district by its GB/T 2260 code. polygon : Polygon or MultiPolygon in EPSG:4490"""

    code: str
    name_zh: str
    name_en: str
    polygon: Any


@dataclass(frozen=True, slots=True)
class Placement:
    """How each of n polygons lies to the districts.

    distance_m : (n,) distance to the nearest district [m], 0 where it touches one; inf where it is
        further than a few degrees
    outside_share : (n,) part of the area outside all districts
    beyond_share : (n,) part of the area more than ``NEAR_M`` from every district
    codes : the district that holds most of it; outside all the nearest one within ``NEAR_M``, else None
    """

    distance_m: NDArray[np.float64]
    outside_share: NDArray[np.float64]
    beyond_share: NDArray[np.float64]
    codes: list[str | None]


@functools.lru_cache(maxsize=4)
def load(path: Path = HUZHOU) -> tuple[District, ...]:
    """Return the districts of a GeoJSON file with ``district_adcode`` and ``district_name``."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        District(
            code=str(feature["properties"]["district_adcode"]),
            name_zh=feature["properties"]["district_name"],
            name_en=NAMES_EN.get(str(feature["properties"]["district_adcode"]), ""),
            polygon=shapely.from_geojson(json.dumps(feature["geometry"])),
        )
        for feature in document["features"]
    )


DISTRICTS = load()


def place(polygons_4490: geometry.Polygons, path: Path = HUZHOU) -> Placement:
    """Return how valid polygons lie to the districts, measured in EPSG:4549."""
    count = len(polygons_4490)
    distance_m = np.full(count, np.inf)
    outside_share = np.ones(count)
    beyond_share = np.ones(count)
    codes: list[str | None] = [None] * count
    placement = Placement(distance_m, outside_share, beyond_share, codes)
    if count == 0:
        return placement
    districts, metric, city, about = _metric(path)
    bounds = shapely.bounds(polygons_4490)
    west, south, east, north = shapely.total_bounds([d.polygon for d in load(path)])
    near = np.flatnonzero(
        (bounds[:, 2] > west - NEAR_DEGREES)
        & (bounds[:, 0] < east + NEAR_DEGREES)
        & (bounds[:, 3] > south - NEAR_DEGREES)
        & (bounds[:, 1] < north + NEAR_DEGREES)
        # A polygon as large as this is no parcel, and its far end has no place in zone 40.
        & (bounds[:, 2] - bounds[:, 0] < 4 * NEAR_DEGREES)
    )
    if len(near) == 0:
        return placement
    moved = geometry.to_metric(polygons_4490[near], metric)
    for share, land in ((outside_share, city), (beyond_share, about)):
        inside = shapely.covers(land, moved)
        share[near[inside]] = 0.0
        # Cut only what lies across; what is wholly outside keeps its 1.
        across = np.flatnonzero(~inside & shapely.intersects(land, moved))
        left = shapely.difference(moved[across], land)
        share[near[across]] = shapely.area(left) / shapely.area(moved[across])
    touching = shapely.intersects(city, moved)
    distance_m[near[touching]] = 0.0
    distance_m[near[~touching]] = shapely.distance(moved[~touching], city)
    _name(codes, near, moved, districts)
    for row, polygon in zip(near.tolist(), moved, strict=True):
        if codes[row] is None and distance_m[row] <= NEAR_M:
            # A boundary that was drawn roughly: the county it belongs to is the one beside it.
            codes[row] = min(districts, key=lambda one: shapely.distance(one[1], polygon))[0]
    return placement


def district_of(polygon_4490: Any) -> str | None:
    """Return the code of the polygon's district, as `Placement.codes`."""
    return place(np.array([polygon_4490], dtype=object)).codes[0]


@functools.lru_cache(maxsize=4)
def _metric(path: Path) -> tuple[list[tuple[str, Any]], Any, Any, Any]:
    """Return (code, polygon) of each district in EPSG:4549, the CRS, the city, the city and about."""
    metric = geometry.metric_crs(anywhere=False)
    polygons = np.array([district.polygon for district in load(path)], dtype=object)
    moved = geometry.to_metric(polygons, metric)
    codes = [district.code for district in load(path)]
    city = shapely.union_all(moved)
    about = shapely.buffer(city, NEAR_M, quad_segs=64)
    # Here and not where they are used, since threads share them from here on.
    shapely.prepare([city, about])
    return list(zip(codes, moved, strict=True)), metric, city, about


def _name(
    codes: list[str | None],
    near: NDArray[np.intp],
    moved: geometry.Polygons,
    districts: list[tuple[str, Any]],
) -> None:
    rows, found = shapely.STRtree([p for _, p in districts]).query(moved, predicate="intersects")
    several = np.bincount(rows, minlength=len(moved))[rows] > 1
    most: dict[int, float] = {}
    for row, number, shares in zip(rows.tolist(), found.tolist(), several.tolist(), strict=True):
        code, polygon = districts[number]
        # Cut only where more than one district can claim it: most parcels lie in one.
        shared_m2 = shapely.intersection(moved[row], polygon).area if shares else np.inf
        if shared_m2 > most.get(row, 0.0):
            most[row] = shared_m2
            codes[near[row]] = code

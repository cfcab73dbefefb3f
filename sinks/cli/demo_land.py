"""Invented land for the demonstration: outlines, plots and damaged sites from fixed seeds.

The places are real villages of Huzhou, the outlines are not: cells of a Voronoi diagram about
jittered seeds, bent by a smooth field that moves shared borders together, so that neighbours touch
and do not overlap. Nothing here describes anybody's land.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, Polygon

from gis_data import geometry
from methodologies import moso_stand_v1
from sinks.land.parcels import SinkType
from sinks.measurement.plots import CulmCount

SEED = 20261123
PLOT_AREA_M2 = 400.0
# Outlines of real surveys come with centimetres.
DEGREE_DECIMALS = 7
BEND_VERTEX_M = 15.0
# Wavelength and amplitude of the two bends [m]; steeper ones would fold an outline over itself.
BENDS_M = ((260.0, 11.0), (95.0, 3.5))

Points = NDArray[np.float64]  # shape (n, 2)


@dataclass(frozen=True, slots=True)
class Village:
    """A village with some parcels of one type about a point.

    longitude, latitude : the middle of its parcels; area_ha : mean area of a parcel; stretch :
    length over width of the grid of seeds; jitter : share of the spacing; bend : share of the
    full bends; gap_m : path between parcels, 0 where they share a border
    """

    key: str
    township: str
    name: str
    sink_type: SinkType
    longitude: float
    latitude: float
    count: int
    area_ha: float
    stretch: float = 1.0
    jitter: float = 0.30
    bend: float = 1.0
    gap_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Outline:
    """One parcel to draw; ``declared_area_m2`` is what its invented certificate says."""

    village: Village
    name: str
    boundary: MultiPolygon
    declared_area_m2: float


def _bamboo(
    key: str, township: str, name: str, longitude: float, latitude: float, count: int
) -> Village:
    return Village(key, township, name, SinkType.BAMBOO, longitude, latitude, count, 6.0)


def _wetland(
    key: str, township: str, name: str, longitude: float, latitude: float, count: int
) -> Village:
    return Village(
        key, township, name, SinkType.WETLAND, longitude, latitude, count, 4.5, gap_m=3.0
    )


def _farmland(
    key: str, township: str, name: str, longitude: float, latitude: float, count: int
) -> Village:
    return Village(
        key, township, name, SinkType.FARMLAND, longitude, latitude, count, 2.4,
        stretch=2.2, jitter=0.06, bend=0.12, gap_m=1.5,
    )  # fmt: skip


def _tea(
    key: str, township: str, name: str, longitude: float, latitude: float, count: int
) -> Village:
    return Village(
        key, township, name, SinkType.TEA, longitude, latitude, count, 1.6,
        stretch=1.5, jitter=0.22, bend=0.5, gap_m=2.0,
    )  # fmt: skip


VILLAGES = {
    village.key: village
    for village in (
        # On the biomass maps (demo_layers).
        _bamboo("daxi", "天荒坪镇", "大溪村", 119.585, 30.478, 13),
        _bamboo("yucun", "天荒坪镇", "余村", 119.603, 30.515, 12),
        _bamboo("henglu", "天荒坪镇", "横路村", 119.628, 30.535, 12),
        _bamboo("liujiatang", "上墅乡", "刘家塘村", 119.560, 30.535, 10),
        _bamboo("hengxiwu", "孝丰镇", "横溪坞村", 119.520, 30.600, 10),
        _bamboo("tongli", "报福镇", "统里村", 119.480, 30.520, 10),
        _bamboo("shiling", "报福镇", "石岭村", 119.472, 30.480, 8),
        _bamboo("xiayang", "孝丰镇", "夏阳村", 119.500, 30.575, 10),
        _bamboo("jingxi", "报福镇", "景溪村", 119.505, 30.497, 8),
        _bamboo("dazhuyuan", "灵峰街道", "大竹园村", 119.652, 30.605, 8),
        _bamboo("luocun", "上墅乡", "罗村", 119.545, 30.508, 10),
        _bamboo("baishuiwan", "天荒坪镇", "白水湾村", 119.648, 30.560, 9),
        _bamboo("jianshan", "灵峰街道", "剑山村", 119.622, 30.622, 8),
        _bamboo("laoshikan", "孝丰镇", "老石坎村", 119.478, 30.555, 8),
        # Off the maps.
        _bamboo("xiantan", "莫干山镇", "仙潭村", 119.900, 30.560, 10),
        _bamboo("laoling", "莫干山镇", "劳岭村", 119.872, 30.580, 8),
        _bamboo("houwu", "莫干山镇", "后坞村", 119.845, 30.600, 8),
        _wetland("tangjing", "下渚湖街道", "塘泾村", 120.035, 30.515, 12),
        _wetland("hemu", "下渚湖街道", "和睦村", 120.065, 30.535, 12),
        _wetland("xianshan", "泗安镇", "仙山村", 119.655, 30.905, 8),
        _wetland("tuying", "太湖街道", "图影村", 119.965, 30.995, 8),
        _farmland("morong", "双林镇", "莫蓉村", 120.310, 30.780, 12),
        _farmland("digang", "和孚镇", "荻港村", 120.190, 30.755, 12),
        _farmland("yinjiawei", "八里店镇", "尹家圩村", 120.175, 30.835, 12),
        _farmland("shangqiang", "埭溪镇", "上强村", 119.985, 30.690, 12),
        _tea("huangdu", "溪龙乡", "黄杜村", 119.735, 30.690, 14),
        _tea("xilong", "溪龙乡", "溪龙村", 119.765, 30.705, 10),
        _tea("hongmiao", "梅溪镇", "红庙村", 119.800, 30.755, 8),
        _tea("guzhu", "水口乡", "顾渚村", 119.860, 31.075, 10),
        _tea("fangyi", "小浦镇", "方一村", 119.815, 31.020, 8),
    )
}


def outlines(key: str) -> list[Outline]:
    """The parcels of a village, nearest to its middle first; the same at every call."""
    village = VILLAGES[key]
    random = np.random.default_rng([SEED, *key.encode()])
    compartment = int(random.integers(1, 12))
    found = []
    for number, cell in enumerate(_cells(village, random), start=1):
        boundary = _to_land(cell)
        declared_m2 = geometry.area_m2(boundary) * float(random.normal(1.0, 0.012))
        found.append(
            Outline(
                village,
                f"{village.name} {compartment:02d}-{number:03d} {_unit(village.sink_type)}",
                boundary,
                round(declared_m2 / geometry.M2_PER_MU, 1) * geometry.M2_PER_MU,
            )
        )
    return found


def cells(village: Village) -> list[MultiPolygon]:
    """Outlines about a village that are no parcels: the shapes of a county's map."""
    random = np.random.default_rng([SEED, *village.key.encode()])
    return [_to_land(cell) for cell in _cells(village, random)]


def widened(boundary: MultiPolygon, width_m: float) -> MultiPolygon:
    """The outline drawn too large by so many metres, into whatever lies beside it."""
    metric = shapely.transform(boundary.geoms[0], _to_metric().transform, interleaved=False)
    return _to_land(metric.buffer(width_m).simplify(1.0))


def site(longitude: float, latitude: float, area_ha: float, seed: int) -> MultiPolygon:
    """A rounded patch about a point, as an appraiser walks round burnt or cut bamboo."""
    random = np.random.default_rng([SEED, seed])
    east_m, north_m = _to_metric().transform(longitude, latitude)
    return _to_land(_blob(random, float(east_m), float(north_m), area_ha * 10_000))


def plot_points(boundaries: list[MultiPolygon], count: int, seed: int) -> list[Point]:
    """Random places for sample plots (EPSG:4490), 25 m inside the outlines, area-weighted."""
    random = np.random.default_rng([SEED, seed])
    inner = shapely.union_all(
        [
            shapely.transform(item, _to_metric().transform, interleaved=False).buffer(-25.0)
            for item in boundaries
        ]
    )
    west, south, east, north = inner.bounds
    found: list[Point] = []
    while len(found) < count:
        point = Point(random.uniform(west, east), random.uniform(south, north))
        if inner.contains(point):
            longitude, latitude = _from_metric().transform(point.x, point.y)
            found.append(Point(round(longitude, 7), round(latitude, 7)))
    return found


def culms(agb_t_ha: float, slope_deg: float, dbh_mean_cm: float) -> tuple[list[CulmCount], float]:
    """Culms of a plot whose biomass comes near a figure [t/ha], and what it comes to.

    Diameters in classes of 1 cm about the mean, four ages in du; then single culms of the commonest
    class until the next would go beyond.
    """
    area_ha = moso_stand_v1.horizontal_area_ha(PLOT_AREA_M2, slope_deg)
    shares = {
        (dbh_cm, age_du): math.exp(-0.5 * ((dbh_cm - dbh_mean_cm) / 1.4) ** 2) * age_share
        for dbh_cm in range(6, 14)
        for age_du, age_share in ((1, 0.28), (2, 0.32), (3, 0.26), (4, 0.14))
    }
    kg = {key: moso_stand_v1.culm_agb_kg(float(key[0]), key[1]) for key in shares}
    wanted_kg = agb_t_ha * 1000.0 * area_ha
    scale = wanted_kg / sum(shares[key] * kg[key] for key in shares)
    counts = {key: math.floor(shares[key] * scale) for key in shares}
    held_kg = sum(counts[key] * kg[key] for key in counts)
    for key in sorted(shares, key=lambda key: (-shares[key], key)) * 40:
        if held_kg + kg[key] / 2 > wanted_kg:
            break
        counts[key] += 1
        held_kg += kg[key]
    rows = [
        CulmCount(dbh_cm=Decimal(dbh_cm), count=count, age_du=age_du)
        for (dbh_cm, age_du), count in counts.items()
        if count
    ]
    return rows, held_kg / 1000.0 / area_ha


def _cells(village: Village, random: np.random.Generator) -> list[Polygon]:
    east_m, north_m = _to_metric().transform(village.longitude, village.latitude)
    mean_m2 = village.area_ha * 10_000
    land = _blob(random, float(east_m), float(north_m), village.count * mean_m2 * 1.25)
    seeds = _seeds(village, random, land, math.sqrt(mean_m2))
    diagram = shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=land.buffer(500))
    inside = shapely.intersection(shapely.get_parts(diagram), land)
    whole = [cell for cell in inside if cell.geom_type == "Polygon" and cell.area > 0.4 * mean_m2]
    middle = Point(east_m, north_m)
    whole.sort(key=lambda cell: cell.centroid.distance(middle))
    bend = _bend(random, village.bend)
    found = []
    for cell in whole[: village.count]:
        bent = shapely.transform(cell.segmentize(BEND_VERTEX_M), bend)
        if village.gap_m:
            bent = bent.buffer(-village.gap_m).simplify(0.3)
        assert bent.geom_type == "Polygon" and bent.is_valid
        found.append(bent)
    assert len(found) == village.count, f"{village.key}: {len(found)}"
    return found


def _seeds(
    village: Village, random: np.random.Generator, land: Polygon, spacing_m: float
) -> list[tuple[float, float]]:
    """Jittered seeds of a stretched and turned grid that covers the land."""
    step_x = spacing_m * math.sqrt(village.stretch)
    step_y = spacing_m / math.sqrt(village.stretch)
    turn = random.uniform(0.0, math.pi)
    middle = land.centroid
    reach = math.ceil(math.hypot(*np.ptp(land.exterior.coords, axis=0)) / min(step_x, step_y) / 1.5)
    seeds = []
    for row in range(-reach, reach + 1):
        for col in range(-reach, reach + 1):
            # Every second row is moved by half a step: cells like bricks, not like graph paper.
            x = (col + 0.5 * (row % 2) + random.uniform(-1, 1) * village.jitter) * step_x
            y = (row + random.uniform(-1, 1) * village.jitter) * step_y
            seeds.append(
                (
                    middle.x + x * math.cos(turn) - y * math.sin(turn),
                    middle.y + x * math.sin(turn) + y * math.cos(turn),
                )
            )
    return seeds


def _blob(random: np.random.Generator, east_m: float, north_m: float, area_m2: float) -> Polygon:
    radius_m = math.sqrt(area_m2 / math.pi)
    waves = [(2, 0.14), (3, 0.09), (5, 0.05)]
    phases = random.uniform(0.0, 2 * math.pi, len(waves))
    ring = []
    for angle in np.linspace(0.0, 2 * math.pi, 96, endpoint=False):
        wobble = sum(a * math.sin(n * angle + p) for (n, a), p in zip(waves, phases, strict=True))
        reach_m = radius_m * (1.0 + wobble)
        ring.append((east_m + reach_m * math.cos(angle), north_m + reach_m * math.sin(angle)))
    return Polygon(ring)


def _bend(random: np.random.Generator, share: float) -> Callable[[Points], Points]:
    """A smooth field that moves points; the same point always to the same place."""
    waves = [
        (2 * math.pi / wavelength, share * amplitude, random.uniform(0.0, 2 * math.pi, 4))
        for wavelength, amplitude in BENDS_M
    ]

    def bend(points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        dx, dy = np.zeros_like(x), np.zeros_like(y)
        for k, amplitude, phase in waves:
            dx += amplitude * np.sin(k * y + phase[0]) * np.cos(0.6 * k * x + phase[1])
            dy += amplitude * np.sin(k * x + phase[2]) * np.cos(0.6 * k * y + phase[3])
        return np.column_stack((x + dx, y + dy))

    return bend


def _to_land(metric: Polygon) -> MultiPolygon:
    moved = shapely.transform(metric, _from_metric().transform, interleaved=False)
    rounded = shapely.transform(moved, lambda points: np.round(points, DEGREE_DECIMALS))
    assert rounded.is_valid
    return MultiPolygon([rounded])


def _unit(sink_type: SinkType) -> str:
    return {SinkType.WETLAND: "湿地斑块", SinkType.FARMLAND: "田块", SinkType.TEA: "茶园"}.get(
        sink_type, "小班"
    )


@cache
def _to_metric() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(geometry.CRS_LAND, geometry.CRS_METRIC, always_xy=True)


@cache
def _from_metric() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(geometry.CRS_METRIC, geometry.CRS_LAND, always_xy=True)

"""Areas, coordinate systems and the checks of one outline.

Land is held as MULTIPOLYGON in EPSG:4490 (CGCS2000), longitude first. Its area is that of the figure
on the GRS80 ellipsoid with geodesic edges, in m2: never a projected area, never the sphere. A broken
outline is refused with the place where it is broken; nothing here repairs one, because the way of the
repair alone moves the area by a quarter.
"""

import hashlib
import itertools
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import pyproj.network
import shapely
from numpy.typing import NDArray

from gis_data.refusals import FileRefused, Refusal

# A grid file must never be fetched in the middle of a transformation.
pyproj.network.set_network_enabled(False)

MU_PER_HA = 15  # 1 ha = 15 亩 exactly.
M2_PER_HA = 10_000
M2_PER_MU = M2_PER_HA / MU_PER_HA

CRS_LAND = "EPSG:4490"
CRS_METRIC = "EPSG:4549"  # CGCS2000 / 3-degree Gauss-Kruger CM 120E: one for the whole registry.
GRS80 = pyproj.Geod(ellps="GRS80")

AREA_M2_MIN = 0.01  # Below this an outline is a line.
WKT_CHARACTERS_MAX = 16_384

Polygons = NDArray[np.object_]  # shape (n,): shapely Polygon or MultiPolygon.

_REASONS_ZH = {
    "Self-intersection": "边界自相交",
    "Ring Self-intersection": "环与自身相接或重叠",
    "Hole lies outside shell": "洞在外环之外",
    "Holes are nested": "洞中有洞",
    "Interior is disconnected": "内部被割断",
    "Nested shells": "一个部分套在另一个部分之内",
    "Duplicate Rings": "有重复的环",
    "Too few points in geometry component": "点数太少，不成面",
    "Invalid Coordinate": "坐标不是有限数",
    "Ring is not closed": "环没有闭合",
}


def areas_m2(polygons_4490: Sequence[Any] | Polygons) -> NDArray[np.float64]:
    """Return the area of each polygon on the GRS80 ellipsoid, holes taken out [m2].

    Parameters
    ----------
    polygons_4490 : (n,) valid Polygon or MultiPolygon, longitude and latitude in degrees
    """
    polygons = np.asarray(polygons_4490, dtype=object)
    parts, part_polygon = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    area_m2 = np.zeros(len(polygons))
    if len(rings) == 0:
        return area_m2
    xy, point_ring = shapely.get_coordinates(rings, return_index=True)
    starts = np.searchsorted(point_ring, np.arange(len(rings) + 1))
    longitudes, latitudes = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    ring_m2 = np.empty(len(rings))
    for ring, (start, end) in enumerate(itertools.pairwise(starts)):
        # The last position repeats the first; Geod closes the ring itself.
        ring_m2[ring] = abs(
            GRS80.polygon_area_perimeter(longitudes[start : end - 1], latitudes[start : end - 1])[0]
        )
    is_shell = np.r_[True, ring_part[1:] != ring_part[:-1]]
    np.add.at(area_m2, part_polygon[ring_part], np.where(is_shell, ring_m2, -ring_m2))
    return area_m2


def area_m2(polygon_4490: Any) -> float:
    """Return the area of one polygon on the GRS80 ellipsoid, holes taken out [m2]."""
    return float(areas_m2([polygon_4490])[0])


def geometry_sha256(polygon: Any) -> str:
    """Return the SHA-256 of the outline as read: two-dimensional little-endian MULTIPOLYGON WKB.

    Order and number of vertices count: it says that nothing was touched, not that two are alike.
    """
    return geometry_sha256s(np.array([as_multipolygon(polygon)], dtype=object))[0]


def geometry_sha256s(multipolygons: Polygons) -> list[str]:
    """Return ``geometry_sha256`` of each of many two-dimensional MultiPolygons."""
    many = shapely.to_wkb(multipolygons, byte_order=1, output_dimension=2)
    return [hashlib.sha256(wkb).hexdigest() for wkb in many]


def as_multipolygon(polygon: Any) -> Any:
    """Return the Polygon or MultiPolygon as two-dimensional MultiPolygon, vertices untouched."""
    flat = shapely.force_2d(polygon)
    return flat if flat.geom_type == "MultiPolygon" else shapely.MultiPolygon([flat])


@lru_cache(maxsize=64)
def crs_of(text: str) -> pyproj.CRS:
    """Return the coordinate system named by ``EPSG:n``, its URN, ``CRS84``, WKT or PROJJSON.

    PROJ strings are not taken: they can name files and servers.

    Raises
    ------
    FileRefused
        ``crs_unknown``: not understood. ``crs_refused``: understood, but land in it cannot be put in
        its place without parameters that only the survey office holds.
    """
    text = text.strip().lstrip("\ufeff")
    # The version stands between two colons: one that may be left out would eat the code's first digit.
    code = re.fullmatch(r"(?:(?:urn:(?:x-)?ogc:def:crs:)?EPSG:(?:[\d.]*:)?)?(\d{4,6})", text, re.I)
    try:
        if code:
            crs = pyproj.CRS.from_epsg(int(code[1]))
        elif re.fullmatch(r"(?:urn:ogc:def:crs:)?OGC:[\d.]*:?CRS84|CRS84", text, re.I):
            crs = pyproj.CRS.from_epsg(4326)
        elif re.match(r"[A-Z]{4,}[A-Z_0-9]*\s*\[|\{", text) and len(text) <= WKT_CHARACTERS_MAX:
            # PROJJSON begins with a brace.
            crs = pyproj.CRS.from_json(text) if text[0] == "{" else pyproj.CRS.from_wkt(text)
            if crs.is_bound and crs.source_crs is not None:
                crs = crs.source_crs  # TOWGS84 beside a system says nothing about the system.
            known = crs.to_epsg()
            crs = pyproj.CRS.from_epsg(known) if known else crs
        else:
            raise FileRefused("crs_unknown", _crs_unknown(text))
    except pyproj.exceptions.CRSError as error:
        raise FileRefused("crs_unknown", _crs_unknown(text)) from error
    _refuse_crs(crs)
    return crs


def _crs_unknown(text: str) -> str:
    return f"看不懂坐标系“{text[:60]}”。请用 EPSG 编号给出，例如 EPSG:4490 或 EPSG:4549。"


def _refuse_crs(crs: pyproj.CRS) -> None:
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if not (crs.is_geographic or crs.is_projected) or crs.is_bound:
        raise FileRefused(
            "crs_refused",
            f"坐标系“{crs.name}”不是平面或经纬度坐标系。请改用 EPSG:4490 或 EPSG:4549。",
        )
    if crs.is_geographic and not all(
        math.isclose(axis.unit_conversion_factor, math.radians(1)) for axis in crs.axis_info[:2]
    ):
        # pyproj takes the numbers for degrees whatever the system says they are.
        raise FileRefused(
            "crs_refused",
            f"坐标系“{crs.name}”的单位是{crs.axis_info[0].unit_name}，不是度。请转换后再交。",
        )
    assert crs.geodetic_crs is not None and crs.ellipsoid is not None
    datum = crs.geodetic_crs.datum.name if crs.geodetic_crs.datum else crs.geodetic_crs.name
    words = f"{crs.name} {crs.geodetic_crs.name} {datum}".lower()
    for name, title in (
        ("xian", "西安 80"),
        ("beijing", "北京 54"),
        ("西安", "西安 80"),
        ("北京", "北京 54"),
    ):
        if name in words:
            raise FileRefused(
                "crs_refused",
                f"文件是{title}坐标系（{crs.name}）。转到 CGCS2000 要用测绘部门掌握的本地七参数，"
                "不能猜。请由测绘部门转换为 CGCS2000（EPSG:4490 或 EPSG:4549）后再交。",
            )
    if not datum_is_known(crs) and not math.isclose(
        crs.ellipsoid.semi_major_metre, 6378137.0, abs_tol=1.0
    ):
        raise FileRefused(
            "crs_refused",
            f"坐标系“{crs.name}”没有写明大地基准，其椭球（{crs.ellipsoid.name}）也不是 CGCS2000 的。"
            "位置可能差几十到几百米。请转换为 CGCS2000 后再交。",
        )


def datum_is_known(crs: pyproj.CRS) -> bool:
    """Return whether the coordinate system says which datum it is on."""
    geodetic = crs.geodetic_crs
    if geodetic is None:
        return False
    name = (geodetic.datum.name if geodetic.datum else geodetic.name).lower()
    return "unknown" not in name and "not specified" not in name and "unnamed" not in name


def is_land_crs(crs: pyproj.CRS) -> bool:
    """Return whether coordinates in this system are taken as EPSG:4490 as they stand.

    WGS 84 longitude and latitude are: the two agree within decimetres.
    """
    return bool(crs.is_geographic) and crs.to_epsg() in (4490, 4326)


@lru_cache(maxsize=64)
def transformer_to_4490(crs: pyproj.CRS) -> pyproj.Transformer:
    """Return the transformation from ``crs`` to longitude and latitude taken as EPSG:4490.

    Other datums go by way of WGS 84: straight to 4490 PROJ knows no parameters for them and would
    leave out the datum shift (100 m and more) without a word.
    """
    geodetic = crs.geodetic_crs
    target = CRS_LAND if geodetic is not None and geodetic.to_epsg() == 4490 else "EPSG:4326"
    return pyproj.Transformer.from_crs(crs, target, always_xy=True)


def to_4490(polygons: Sequence[Any] | Polygons, crs: pyproj.CRS) -> Polygons:
    """Return the polygons in EPSG:4490, vertex by vertex; a point that has no place there is inf."""
    array = np.asarray(polygons, dtype=object)
    if is_land_crs(crs):
        return array
    return transformed(array, transformer_to_4490(crs).transform)


def transformed(polygons: Polygons, transform: Any) -> Polygons:
    """Return the polygons with ``transform(xs, ys)`` applied to their vertices."""
    moved = shapely.transform(polygons, transform, interleaved=False)
    return np.asarray(moved, dtype=object)


def metric_crs(*, anywhere: bool, longitude: float = 0.0, latitude: float = 0.0) -> pyproj.CRS:
    """Return the coordinate system in which tolerances are measured, in metres.

    One for the whole registry (EPSG:4549), since pieces in two systems cannot see each other. With
    ``anywhere`` a Lambert azimuthal equal-area one about the given place.
    """
    if not anywhere:
        return pyproj.CRS.from_user_input(CRS_METRIC)
    return pyproj.CRS.from_proj4(
        f"+proj=laea +lat_0={latitude:.6f} +lon_0={longitude:.6f} +ellps=GRS80 +units=m +no_defs"
    )


def to_metric(polygons_4490: Polygons, crs: pyproj.CRS) -> Polygons:
    """Return the polygons in the metric coordinate system of ``metric_crs``."""
    assert crs.geodetic_crs is not None
    transformer = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    return transformed(polygons_4490, transformer.transform)


def outline_refusal(polygon: Any) -> Refusal | None:
    """Return why this outline, in whatever coordinates it was read, is no area; None if it is one."""
    if polygon is None:
        return Refusal("empty", "这一行没有图形。")
    if polygon.geom_type not in ("Polygon", "MultiPolygon"):
        return Refusal("not_an_area", f"图形是 {polygon.geom_type}，不是面。地块必须是面。")
    if polygon.is_empty:
        return Refusal("empty", "这一行的图形是空的。")
    if not np.isfinite(shapely.get_coordinates(polygon, include_z=polygon.has_z)).all():
        return Refusal("not_finite", "坐标里有 NaN 或无穷大。请检查导出这份文件的软件。")
    if not shapely.is_valid(polygon):
        return Refusal("invalid", _invalid_zh(polygon))
    return None


def outline_refusals(polygons: Polygons) -> list[Refusal | None]:
    """Return ``outline_refusal`` of each of many, quickly where most are areas."""
    area = np.isin(shapely.get_type_id(polygons), (3, 6))
    # A coordinate that is no number makes an outline invalid; a height that is none does not.
    plain = area & ~shapely.is_empty(polygons) & ~shapely.has_z(polygons)
    plain[plain] = shapely.is_valid(polygons[plain])
    found: list[Refusal | None] = [None] * len(polygons)
    for index in np.flatnonzero(~plain):
        found[index] = outline_refusal(polygons[index])
    return found


def _invalid_zh(polygon: Any) -> str:
    reason = str(shapely.is_valid_reason(polygon))
    words, _, place = reason.partition("[")
    text = _REASONS_ZH.get(words.strip(), words.strip())
    at = f"，位置 {place.rstrip(']')}" if place else ""
    return f"图形不合规：{text}{at}。请在原软件里改正；系统不代为修补，修补会改变面积。"


def range_refusal(polygon_4490: Any, source_bounds: Sequence[float]) -> Refusal | None:
    """Return why the outline is not on the map, its area being that of no real place."""
    west, south, east, north = polygon_4490.bounds
    on_globe = west >= -180 and east <= 180 and south >= -90 and north <= 90
    if not on_globe:  # Also true of NaN and inf, which compare false.
        return Refusal(
            "out_of_range",
            f"坐标 {_place(source_bounds)} 不在这个坐标系里。{crs_hint(source_bounds)}",
        )
    if east - west >= 180:
        return Refusal("out_of_range", "图形跨过了 180 度经线，面积无法确定。请在 180 度处断开。")
    return None


def range_refusals(
    polygons_4490: Polygons, source_bounds: NDArray[np.float64]
) -> list[Refusal | None]:
    """Return ``range_refusal`` of each of many; ``source_bounds`` has shape (n, 4)."""
    west, south, east, north = shapely.bounds(polygons_4490).T
    on_globe = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    plain = on_globe & (east < west + 180)
    found: list[Refusal | None] = [None] * len(polygons_4490)
    for index in np.flatnonzero(~plain):
        found[index] = range_refusal(polygons_4490[index], source_bounds[index].tolist())
    return found


def _place(bounds: Sequence[float]) -> str:
    return f"({bounds[0]:.10g}, {bounds[1]:.10g})"


def _zone_code(x: float) -> int | None:
    """Return the EPSG code of the CGCS2000 zone whose number stands before an easting, if one does.

    Source: EPSG 4491 to 4501 are the 6-degree zones 13 to 23, 4513 to 4533 the 3-degree ones 25 to 45.
    """
    zone, easting_m = divmod(x, 1e6)
    if not 1e5 < easting_m < 9e5:
        return None
    if 13 <= zone <= 23:
        return 4491 + int(zone) - 13
    return 4513 + int(zone) - 25 if 25 <= zone <= 45 else None


def crs_hint(bounds: Sequence[float]) -> str:
    """Return which coordinate system the numbers look like, as advice; it is never acted on."""
    x, y = bounds[0], bounds[1]
    if not all(math.isfinite(number) for number in bounds):
        return "坐标里有 NaN 或无穷大。"
    if 27 <= x <= 32 and 118 <= y <= 123:
        return "看来经度和纬度写反了：应先经度，后纬度。"
    if abs(x) <= 180 and abs(y) <= 90:
        return "看来是经纬度：坐标系填 EPSG:4490（CGCS2000）或 EPSG:4326（WGS 84）。"
    if 2e6 < y < 6e6 and 1e5 < x < 9e5:
        return "看来是不带带号的高斯-克吕格坐标：中央经线 120 度的 CGCS2000，坐标系填 EPSG:4549。"
    if 2e6 < y < 6e6 and (code := _zone_code(x)):
        return f"看来是带号为 {x // 1e6:.0f} 的高斯-克吕格坐标：CGCS2000 的，坐标系填 EPSG:{code}。"
    return "请向制图单位问明坐标系，填成 EPSG:编号。"

"""Areas and coordinate systems against numbers that are known from elsewhere."""

import math

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_data import geometry
from gis_data.refusals import FileRefused

ANJI = (119.60, 30.63)
STEP = 1 / 1125


def star(x: float, y: float, radii: list[float], degrees: float = 0.002) -> shapely.Polygon:
    turn = np.linspace(0.0, 2.0 * math.pi, len(radii), endpoint=False)
    r = np.array(radii) * degrees
    return shapely.Polygon(np.column_stack([x + r * np.cos(turn), y + r * np.sin(turn)]))


def test_the_area_of_a_cell_of_the_court_map_is_known_to_the_dm2() -> None:
    cell = shapely.box(119.9, 30.9, 119.9 + STEP, 30.9 + STEP)
    assert geometry.area_m2(cell) == pytest.approx(8374.777, abs=0.001)


def test_a_hole_is_taken_out_and_parts_are_added() -> None:
    outer = shapely.box(119.6, 30.6, 119.61, 30.61)
    hole = shapely.box(119.602, 30.602, 119.604, 30.604)
    donut = shapely.difference(outer, hole)
    both = shapely.MultiPolygon([donut, hole])
    assert geometry.area_m2(donut) == pytest.approx(
        geometry.area_m2(outer) - geometry.area_m2(hole), rel=1e-12
    )
    assert geometry.area_m2(both) == pytest.approx(geometry.area_m2(outer), rel=1e-12)


@given(st.lists(st.floats(0.2, 1.0), min_size=3, max_size=30), st.floats(-60, 60))
def test_areas_of_many_are_those_of_pyproj_one_by_one(radii: list[float], latitude: float) -> None:
    polygon = star(100.0, latitude, radii)
    expected = abs(pyproj.Geod(ellps="GRS80").geometry_area_perimeter(polygon)[0])
    many = geometry.areas_m2([polygon, shapely.MultiPolygon([polygon])])
    assert many == pytest.approx([expected, expected], rel=1e-9, abs=1e-6)


def test_the_way_a_ring_runs_does_not_change_its_area() -> None:
    polygon = star(*ANJI, [1.0, 0.5, 0.8, 0.3, 0.9])
    assert geometry.area_m2(polygon.reverse()) == pytest.approx(
        geometry.area_m2(polygon), rel=1e-12
    )


def test_fifteen_mu_are_one_hectare() -> None:
    assert geometry.M2_PER_MU * geometry.MU_PER_HA == 10_000


@pytest.mark.parametrize("code", ["EPSG:28992", "EPSG:32648", "EPSG:4549", "EPSG:31287", "4490"])
def test_a_code_keeps_all_its_digits(code: str) -> None:
    assert geometry.crs_of(code).to_epsg() == int(code.rpartition(":")[2])


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("urn:ogc:def:crs:EPSG::4549", 4549),
        ("urn:ogc:def:crs:EPSG:9.9.1:28992", 28992),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
        ("epsg:4528", 4528),
    ],
)
def test_names_of_the_ogc_are_understood(name: str, number: int) -> None:
    assert geometry.crs_of(name).to_epsg() == number


def test_esri_names_of_cgcs2000_are_recognised() -> None:
    esri = pyproj.CRS.from_epsg(4549).to_wkt("WKT1_ESRI")
    assert geometry.crs_of(esri).to_epsg() == 4549


@pytest.mark.parametrize("code", ["EPSG:4610", "EPSG:4214", "EPSG:2384", "EPSG:2437", "EPSG:4978"])
def test_old_chinese_datums_and_geocentric_systems_are_refused_with_the_reason(code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        geometry.crs_of(code)
    assert refused.value.code == "crs_refused"


@pytest.mark.parametrize("text", ["+proj=longlat +nadgrids=/etc/passwd", "", "EPSG:1", "WGS84x"])
def test_what_is_no_name_of_a_system_is_not_handed_to_proj(text: str) -> None:
    with pytest.raises(FileRefused) as refused:
        geometry.crs_of(text)
    assert refused.value.code == "crs_unknown"


def test_wgs84_coordinates_are_taken_as_they_stand() -> None:
    polygon = star(*ANJI, [1.0, 0.7, 0.9])
    (moved,) = geometry.to_4490([polygon], geometry.crs_of("EPSG:4326"))
    assert moved.equals_exact(polygon, 0.0)


def test_the_dutch_datum_shift_is_not_left_out() -> None:
    """Amersfoort tower: RD (155000, 463000) is 52.15517 N, 5.38721 E on WGS 84, 0.9 km otherwise."""
    square = shapely.box(155000, 463000, 155010, 463010)
    (moved,) = geometry.to_4490([square], geometry.crs_of("EPSG:28992"))
    assert moved.bounds[:2] == pytest.approx((5.387206, 52.155172), abs=2e-5)


def test_gauss_kruger_there_and_back_is_the_same_place() -> None:
    polygon = np.array([star(*ANJI, [1.0, 0.7, 0.9])], dtype=object)
    for code in ("EPSG:4549", "EPSG:4528"):
        crs = pyproj.CRS.from_user_input(code)
        there = geometry.to_metric(polygon, crs)
        back = geometry.to_4490(there, crs)
        assert shapely.hausdorff_distance(polygon[0], back[0]) < 1e-11


def test_the_hash_is_of_the_two_dimensional_multipolygon_as_read() -> None:
    flat = shapely.Polygon([(0, 0), (1, 0), (1, 1)])
    high = shapely.Polygon([(0, 0, 5), (1, 0, 5), (1, 1, 5)])
    turned = shapely.Polygon([(1, 0), (1, 1), (0, 0)])
    assert geometry.geometry_sha256(flat) == geometry.geometry_sha256(high)
    assert geometry.geometry_sha256(flat) == geometry.geometry_sha256(shapely.MultiPolygon([flat]))
    assert geometry.geometry_sha256(flat) != geometry.geometry_sha256(turned)


HOLE_OUTSIDE = shapely.Polygon(
    [(0, 0), (10, 0), (10, 10), (0, 10)], [[(20, 20), (22, 20), (22, 22), (20, 22)]]
)
WOUND_TWICE = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)] * 2)
BOWTIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
HOLE_IS_SHELL = shapely.Polygon(
    [(0, 0), (10, 0), (10, 10), (0, 10)], [[(0, 0), (10, 0), (10, 10), (0, 10)]]
)
TOUCHING_ITSELF = shapely.Polygon([(0, 0), (10, 0), (10, 10), (5, 5), (5, 0), (2, 5), (0, 10)])
LINE = shapely.Polygon([(0, 0), (10, 0), (5, 0)])


@pytest.mark.parametrize(
    "polygon", [HOLE_OUTSIDE, WOUND_TWICE, BOWTIE, HOLE_IS_SHELL, TOUCHING_ITSELF, LINE]
)
def test_a_broken_outline_is_refused_with_its_place_and_left_as_it_is(
    polygon: shapely.Polygon,
) -> None:
    before = shapely.to_wkb(polygon)
    refusal = geometry.outline_refusal(polygon)
    assert refusal is not None and refusal.code == "invalid"
    assert "位置" in refusal.message
    assert shapely.to_wkb(polygon) == before


@pytest.mark.parametrize(
    ("outline", "code"),
    [
        (None, "empty"),
        (shapely.Polygon(), "empty"),
        (shapely.Point(1, 2), "not_an_area"),
        (shapely.LineString([(0, 0), (1, 1)]), "not_an_area"),
        (shapely.GeometryCollection([shapely.box(0, 0, 1, 1)]), "not_an_area"),
        (shapely.Polygon([(0, 0, math.nan), (1, 0, 1), (1, 1, 1)]), "not_finite"),
    ],
)
def test_what_is_no_area_is_refused(outline: shapely.Geometry | None, code: str) -> None:
    refusal = geometry.outline_refusal(outline)
    assert refusal is not None and refusal.code == code


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((119.6, 30.6, 119.7, 30.7), "EPSG:4490"),
        ((461000.0, 3390000.0, 462000.0, 3391000.0), "EPSG:4549"),
        ((40461000.0, 3390000.0, 40462000.0, 3391000.0), "EPSG:4528"),
        ((30.6, 119.6, 30.7, 119.7), "写反"),
    ],
)
def test_the_advice_says_which_system_the_numbers_look_like(
    bounds: tuple[float, ...], words: str
) -> None:
    assert words in geometry.crs_hint(bounds)


def test_an_outline_over_the_date_line_is_refused() -> None:
    across = shapely.Polygon([(179.9, 0), (-179.9, 0), (-179.9, 0.1), (179.9, 0.1)])
    refusal = geometry.range_refusal(across, across.bounds)
    assert refusal is not None and refusal.code == "out_of_range"

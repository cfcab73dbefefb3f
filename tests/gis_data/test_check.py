"""The checks of rows: what is taken, what is asked, and the shape of the answer."""

import json
import math
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis_data import check, districts, geometry, vectors
from gis_data.refusals import FileRefused

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
X, Y = 461_000.0, 3_390_000.0  # in Anji, EPSG:4549


def file_of(
    folder: Path, *outlines: shapely.Geometry, crs: int = 4549, **columns: list[object]
) -> vectors.VectorFile:
    table = columns or {"n": list(range(len(outlines)))}
    gpd.GeoDataFrame(table, geometry=list(outlines), crs=crs).to_file(folder / "a.gpkg")
    return vectors.read(folder / "a.gpkg")


def codes(report: check.CheckReport) -> list[list[str]]:
    return [[question.code for question in row.questions] for row in report.accepted]


def box(width: float, height: float, x: float = X, y: float = Y) -> shapely.Polygon:
    return shapely.box(x, y, x + width, y + height)


def test_a_plain_parcel_is_taken_without_a_question(tmp_path: Path) -> None:
    read = file_of(tmp_path, box(100, 100))
    (row,) = check.check_rows(read, sink_type="bamboo").accepted
    assert row.questions == [] and row.district_code == "330523"
    assert row.boundary_4490.geom_type == "MultiPolygon" and not row.boundary_4490.has_z
    assert row.area_m2 == geometry.area_m2(row.boundary_4490) == pytest.approx(10_000, rel=2e-4)
    assert row.geometry_sha256 == geometry.geometry_sha256(read.rows[0].polygon)


def test_the_smallest_parcel_without_a_question_is_one_mu(tmp_path: Path) -> None:
    side = (geometry.M2_PER_MU) ** 0.5
    read = file_of(tmp_path, box(side * 1.001, side), box(side * 0.997, side, x=X + 100))
    assert codes(check.check_rows(read, sink_type="tea")) == [[], ["small"]]


def test_a_strip_that_loses_half_when_half_a_metre_is_taken_off_is_thin(tmp_path: Path) -> None:
    """Of a strip w wide, w - 1 m is left: half of it where w is 2 m, its ends aside."""
    read = file_of(tmp_path, box(2.01, 2000), box(1.99, 2000, x=X + 50))
    for anywhere in (False, True):
        report = check.check_rows(read, sink_type="tea", anywhere=anywhere)
        assert codes(report) == [[], ["thin"]]


def test_a_comb_of_strips_is_thin_as_a_whole(tmp_path: Path) -> None:
    comb = shapely.MultiPolygon([box(1.5, 500, x=X + 3 * i) for i in range(200)])
    assert codes(check.check_rows(file_of(tmp_path, comb), sink_type="tea")) == [["thin"]]


def test_land_near_the_districts_is_asked_about_and_land_beyond_is_refused(tmp_path: Path) -> None:
    city = districts._metric(districts.HUZHOU)[2]
    edge = shapely.get_coordinates(city)
    tip = edge[edge[:, 1].argmin()]  # the southernmost point: all is to its north
    at = [
        shapely.box(tip[0] - 50, tip[1] - d - 100, tip[0] + 50, tip[1] - d) for d in (5, 2300, 2600)
    ]
    partly = shapely.box(tip[0] - 50, tip[1] - 50, tip[0] + 50, tip[1] + 50)
    report = check.check_rows(file_of(tmp_path, *at, partly), sink_type="bamboo")
    assert codes(report) == [["near_outside"], ["near_outside"], ["near_outside"]]
    assert [(row.row, row.code) for row in report.refused] == [(2, "outside_districts")]
    assert (
        check.check_rows(vectors.read(tmp_path / "a.gpkg"), sink_type="tea", anywhere=True).refused
        == []
    )


def test_a_county_next_door_is_not_taken_because_it_touches(tmp_path: Path) -> None:
    neighbour = shapely.box(120.3, 30.0, 121.5, 30.9)
    (refused,) = check.check_rows(file_of(tmp_path, neighbour, crs=4490), sink_type="tea").refused
    assert refused.code == "outside_districts"


def test_the_same_outline_again_is_asked_about(tmp_path: Path) -> None:
    moved = box(100, 100, x=X + 0.3)
    read = file_of(tmp_path, box(100, 100), moved, box(100, 100))
    assert codes(check.check_rows(read, sink_type="tea")) == [[], [], ["duplicate"]]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("MIAN_JI", 1.0, None),
        ("MIAN_JI", 1.02, "declared_area"),
        ("MIAN_JI", 1.06, "declared_area_over_5"),
        ("MIAN_JI", 0.94, "declared_area_over_5"),
        ("面积_亩", 15.0, None),
        ("面积（亩）", "１５．０", None),
        ("面积(亩)", "1,5", "declared_area"),
        ("面积(亩)", "15亩", None),
        ("面积(亩)", "1公顷", "declared_area"),
        ("面积_平方米", "10,000", None),
        ("area_m2", 10_000.0, None),
        ("MIAN_JI", "约一公顷", "declared_area"),
        ("MIAN_JI", None, None),
        ("面积", 77.0, None),
    ],
)
def test_the_area_on_paper_is_compared_in_its_own_unit(
    field: str, value: object, code: str | None, tmp_path: Path
) -> None:
    read = file_of(tmp_path, box(100, 100), **{field: [value]})
    assert codes(check.check_rows(read, sink_type="tea")) == [[code] if code else []]


def test_a_field_that_does_not_tell_its_unit_is_used_only_with_one(tmp_path: Path) -> None:
    read = file_of(tmp_path, box(100, 100), 面积=[20.0])
    with pytest.raises(FileRefused) as refused:
        check.check_rows(read, sink_type="tea", declared_area_field="面积")
    assert refused.value.code == "declared_area_field"
    report = check.check_rows(read, sink_type="tea", declared_area_field="面积:mu")
    assert codes(report) == [["declared_area_over_5"]]
    assert report.accepted[0].declared_area_m2 == pytest.approx(20 * 10_000 / 15)


def test_the_answer_has_the_shape_that_others_rely_on(tmp_path: Path) -> None:
    bowtie = shapely.Polygon([(X, Y), (X + 9, Y + 9), (X + 9, Y), (X, Y + 9)])
    read = file_of(tmp_path, box(100, 100), bowtie, box(5, 5))
    answer = json.loads(json.dumps(check.check_rows(read, sink_type="tea").to_json()))
    assert set(answer) == {"rows", "accepted", "refused", "questioned", "file", "overlap_checked"}
    assert answer["rows"] == 3 and answer["file"] is None and answer["overlap_checked"] is False
    assert [set(row) for row in answer["accepted"]] == [{"row", "area_m2"}] * 2
    assert [(row["row"], row["code"]) for row in answer["refused"]] == [(1, "invalid")]
    assert [(row["row"], row["code"]) for row in answer["questioned"]] == [(2, "small")]
    nothing = check.refused_file(FileRefused("broken", "why")).to_json()
    assert nothing["rows"] == 0 and nothing["file"] == {"code": "broken", "message": "why"}


def test_a_drawn_outline_goes_the_same_way() -> None:
    ring = [[119.6, 30.63], [119.601, 30.63], [119.601, 30.631], [119.6, 30.631], [119.6, 30.63]]
    drawn = vectors.drawn({"type": "Polygon", "coordinates": [ring]})
    (row,) = check.check_rows(drawn, sink_type="bamboo").accepted
    assert row.district_code == "330523"
    bad = vectors.drawn({"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}})
    assert check.check_rows(bad, sink_type="bamboo").refused[0].code == "not_an_area"


def test_a_sink_type_that_does_not_exist_is_a_fault_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mangrove"):
        check.check_rows(file_of(tmp_path, box(100, 100)), sink_type="mangrove")


def test_each_district_is_where_it_should_be() -> None:
    assert [d.code for d in districts.DISTRICTS] == [
        "330502",
        "330503",
        "330521",
        "330522",
        "330523",
    ]
    for district in districts.DISTRICTS:
        assert (
            districts.district_of(district.polygon.representative_point().buffer(0.001))
            == district.code
        )
    whole = geometry.areas_m2([d.polygon for d in districts.DISTRICTS]).sum()
    assert whole == pytest.approx(5_815.33e6, rel=1e-5)  # yearbooks say 5,820 km2


def test_ten_thousand_parcels_are_checked_in_seconds(tmp_path: Path) -> None:
    turn = np.linspace(0, 2 * np.pi, 33, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn)]) * 50
    outlines = [
        shapely.Polygon(circle + np.array([X + 120 * (i % 100), Y + 120 * (i // 100)]))
        for i in range(10_000)
    ]
    gpd.GeoDataFrame(geometry=outlines, crs=4549).to_file(tmp_path / "a.geojson")
    started = time.process_time()
    report = check.check_rows(vectors.read(tmp_path / "a.geojson"), sink_type="bamboo")
    assert len(report.accepted) == 10_000
    assert time.process_time() - started < 15.0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample data is not here")
def test_the_real_wetlands_are_taken_anywhere_and_refused_in_huzhou() -> None:
    read = vectors.read(SHARED / "mecklenburg_wetlands" / "wetlands.geojson")
    anywhere = check.check_rows(read, sink_type="wetland", anywhere=True)
    assert len(anywhere.accepted) == 2015
    small = [row for row in anywhere.accepted if row.area_m2 < geometry.M2_PER_MU]
    assert sum("small" in row for row in codes(anywhere)) == len(small) == 577
    here = check.check_rows(read, sink_type="wetland")
    assert {row.code for row in here.refused} == {"outside_districts"} and len(here.refused) == 2015


def test_parts_that_a_hair_keeps_apart_are_refused_where_they_cross_in_metres() -> None:
    """A border along a meridian with a vertex on one side only: straight in degrees, not in metres."""
    border = 119.6605118216247
    beyond = math.nextafter(border, 180.0)
    west = shapely.Polygon(
        [(119.658, 30.62), (border, 30.62), (border, 30.6203), (border, 30.622), (119.658, 30.622)]
    )
    east = shapely.Polygon(
        [(beyond, 30.6209), (119.662, 30.62), (119.662, 30.622), (beyond, 30.6225)]
    )
    parts = shapely.MultiPolygon([west, east])
    assert parts.is_valid
    drawn = vectors.drawn(json.loads(shapely.to_geojson(parts)))
    [refused] = check.check_rows(drawn, sink_type="other").refused
    assert refused.code == "crossed_in_metres"
    apart = shapely.MultiPolygon([west, shapely.affinity.translate(east, 1e-6)])
    drawn = vectors.drawn(json.loads(shapely.to_geojson(apart)))
    assert check.check_rows(drawn, sink_type="other").refused == []

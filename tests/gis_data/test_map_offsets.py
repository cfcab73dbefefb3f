"""GCJ-02 and BD-09: there and back, and when a file is suspected of them."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_data import check, districts, geometry, map_offsets, vectors
from gis_data.refusals import FileRefused

X, Y = 461_000.0, 3_390_000.0  # in Anji, EPSG:4549


def degrees(outlines_m: list[shapely.Geometry]) -> geometry.Polygons:
    return geometry.to_4490(np.array(outlines_m, dtype=object), geometry.crs_of("EPSG:4549"))


def shifted(polygons: geometry.Polygons, offset: map_offsets.Offset) -> geometry.Polygons:
    return geometry.transformed(polygons, map_offsets.FORWARD[offset])


def written(folder: Path, polygons: geometry.Polygons) -> Path:
    features = [
        {"type": "Feature", "properties": {"n": i}, "geometry": json.loads(shapely.to_geojson(p))}
        for i, p in enumerate(polygons)
    ]
    path = folder / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def fields(seed: int, count: int = 12) -> list[shapely.Geometry]:
    """Land cut up as it is: uneven fields that share their borders."""
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(30, 140, count)) + X
    y = np.cumsum(rng.uniform(30, 140, count)) + Y
    xs, ys = np.meshgrid(x, y)
    xs, ys = xs + rng.normal(0, 8, xs.shape), ys + rng.normal(0, 8, ys.shape)
    return [
        shapely.Polygon([(xs[i + a, j + b], ys[i + a, j + b]) for a, b in ((0, 0), (0, 1), (1, 1), (1, 0))])
        for i in range(count - 1)
        for j in range(count - 1)
    ]  # fmt: skip


def test_a_place_known_from_the_source_of_the_formula() -> None:
    """wgs84togcj02(116.404, 39.915) and gcj02tobd09 of the same numbers, from its README."""
    at = np.array([116.404]), np.array([39.915])
    assert np.concatenate(map_offsets.to_gcj02(*at)) == pytest.approx(
        [116.41024449916938, 39.91640428150164], abs=1e-12
    )
    back = map_offsets.to_wgs84("GCJ-02", *at)
    assert np.concatenate(map_offsets.to_bd09(*back)) == pytest.approx(
        [116.41036949371029, 39.92133699351021], abs=1e-9
    )


def test_the_offset_at_huzhou_is_about_half_a_kilometre() -> None:
    here = degrees([shapely.Point(X, Y)])
    there = geometry.to_metric(shifted(here, "GCJ-02"), geometry.metric_crs(anywhere=False))[0]
    assert there.distance(shapely.Point(X, Y)) == pytest.approx(541, abs=25)


@pytest.mark.parametrize("offset", map_offsets.FORWARD)
@given(longitude=st.floats(73.0, 135.0), latitude=st.floats(3.0, 53.0))
def test_the_way_back_ends_where_it_began(
    offset: map_offsets.Offset, longitude: float, latitude: float
) -> None:
    x, y = np.array([longitude]), np.array([latitude])
    back_x, back_y = map_offsets.to_wgs84(offset, *map_offsets.FORWARD[offset](x, y))
    assert abs(back_x[0] - longitude) < 1e-9 and abs(back_y[0] - latitude) < 1e-9


@pytest.mark.parametrize("offset", map_offsets.FORWARD)
def test_a_file_is_converted_when_a_person_says_so(
    offset: map_offsets.Offset, tmp_path: Path
) -> None:
    true = degrees([shapely.box(X, Y, X + 100, Y + 100)])
    on_map = shifted(true, offset)
    read = vectors.read(written(tmp_path, on_map), crs=offset.lower())
    assert read.offset == offset and read.crs_source == "given"
    assert read.crs_name == f"{offset} → WGS 84 换算"
    (row,) = check.check_rows(read, sink_type="bamboo").accepted
    assert (
        np.abs(shapely.get_coordinates(row.boundary_4490) - shapely.get_coordinates(true[0])).max()
        < 1e-7
    )
    assert row.area_m2 == pytest.approx(geometry.area_m2(true[0]), rel=1e-5)
    assert row.geometry_sha256 == geometry.geometry_sha256(read.rows[0].polygon)
    assert read.rows[0].polygon.equals(on_map[0]), "the outline as read is kept"


def test_an_offset_given_for_a_surveyed_file_is_refused(tmp_path: Path) -> None:
    document = {"type": "Polygon", "coordinates": [[[X, Y], [X + 9, Y], [X + 9, Y + 9], [X, Y]]]}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({
        "type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "EPSG:4549"}},
        "features": [{"type": "Feature", "properties": {}, "geometry": document}],
    }))  # fmt: skip
    with pytest.raises(FileRefused) as refused:
        vectors.read(path, crs="GCJ-02")
    assert refused.value.code == "crs_conflict"


def test_places_abroad_are_not_shifted_and_not_taken(tmp_path: Path) -> None:
    paris = np.array([shapely.box(2.3, 48.8, 2.31, 48.81)], dtype=object)
    read = vectors.read(written(tmp_path, paris), crs="GCJ-02")
    report = check.check_rows(read, sink_type="bamboo", anywhere=True)
    assert [row.code for row in report.refused] == ["out_of_range"]


# Suspicion


def codes_of(path: Path, neighbours: geometry.Polygons | None) -> set[str]:
    report = check.check_rows(vectors.read(path), sink_type="tea", neighbours_4490=neighbours)
    assert report.accepted
    found = [
        {q.code for q in row.questions if q.code.startswith("maybe_")} for row in report.accepted
    ]
    assert all(codes == found[0] for codes in found)
    return found[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("offset", [None, *map_offsets.FORWARD])
def test_neighbours_tell_which_offset_a_file_has(
    seed: int, offset: map_offsets.Offset | None, tmp_path: Path
) -> None:
    parcels = degrees(fields(seed))
    rng = np.random.default_rng(seed)
    mine = rng.random(len(parcels)) < 0.5
    sent = shifted(parcels[mine], offset) if offset else parcels[mine]
    expected = {None: set(), "GCJ-02": {"maybe_gcj02"}, "BD-09": {"maybe_bd09"}}[offset]
    assert codes_of(written(tmp_path, sent), parcels[~mine]) == expected


@pytest.mark.parametrize("seed", range(5))
def test_unrelated_land_among_many_small_neighbours_raises_no_alarm(
    seed: int, tmp_path: Path
) -> None:
    small = [
        shapely.box(X + 12 * i, Y + 12 * j, X + 12 * i + 12, Y + 12 * j + 12)
        for i in range(60)
        for j in range(60)
    ]
    assert codes_of(written(tmp_path, degrees(fields(seed))), degrees(small)) == set()
    other = degrees(fields(seed + 100))
    assert codes_of(written(tmp_path, degrees(fields(seed))), other) == set()


def test_land_that_comes_back_into_the_city_is_asked_about(tmp_path: Path) -> None:
    city = districts._metric(districts.HUZHOU)[2]
    coordinates = shapely.get_coordinates(city)
    east = coordinates[coordinates[:, 0].argmax()]
    inside = shapely.intersection(shapely.Point(east).buffer(200), city.buffer(-5))
    boundary = shapely.Polygon(max(shapely.get_parts(inside), key=shapely.area).exterior)
    honest = degrees([boundary])
    report = check.check_rows(vectors.read(written(tmp_path, honest)), sink_type="tea")
    assert not {"maybe_gcj02"} & {q.code for q in report.accepted[0].questions}
    sent = vectors.read(written(tmp_path, shifted(honest, "GCJ-02")))
    (row,) = check.check_rows(sent, sink_type="tea").accepted
    assert {"near_outside"} < {q.code for q in row.questions}
    assert {q.code for q in row.questions} & {"maybe_gcj02", "maybe_bd09"}

"""Laws of drawing sample plots, and way points read back."""

import math
from itertools import combinations

import numpy as np
import pytest
import shapely
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as some
from shapely import MultiPolygon

from gis_data import _gpx, geometry, sample_points, way_points
from gis_data.sample_points import NoRoom
from tests import world

METRIC = geometry.metric_crs(anywhere=False)
seeds = some.text("0123456789abcdef", min_size=8, max_size=8)


def metric(places: tuple[sample_points.Place, ...]) -> list[shapely.Point]:
    points = np.array([shapely.Point(place) for place in places], dtype=object)
    return list(geometry.to_metric(points, METRIC))


def squares(places: tuple[sample_points.Place, ...], side_m: float) -> list[shapely.Polygon]:
    half = side_m / 2
    return [shapely.box(p.x - half, p.y - half, p.x + half, p.y + half) for p in metric(places)]


def star(x_m: float, y_m: float, radii_m: list[float]) -> MultiPolygon:
    """A parcel with corners that go in and out."""
    turn = np.linspace(0.0, 2.0 * math.pi, len(radii_m), endpoint=False)
    ring = np.column_stack(
        [world.EAST_M + x_m + radii_m * np.cos(turn), world.NORTH_M + y_m + radii_m * np.sin(turn)]
    )
    return world.to_4490(shapely.Polygon(ring))


@settings(max_examples=40)
@given(
    seed=seeds,
    radii=some.lists(some.floats(60.0, 200.0), min_size=5, max_size=12),
    area_m2=some.sampled_from((100.0, 400.0, 600.0)),
    grid=some.booleans(),
)
def test_every_plot_lies_whole_within_one_parcel_and_no_two_share_land(
    seed: str, radii: list[float], area_m2: float, grid: bool
) -> None:
    land = [star(0, 0, radii), star(420, 30, radii[::-1])]
    within = sample_points.frame(land, area_m2)
    draw = sample_points.on_a_grid if grid else sample_points.at_random
    drawn = draw(within, 8, seed=seed, stream="A")
    assert len(drawn.places) == 8 if not grid else len(drawn.places) >= 8
    outlines = geometry.to_metric(np.array(land, dtype=object), METRIC)
    footprints = squares(drawn.places, math.sqrt(area_m2))
    for footprint in footprints:
        assert sum(outline.covers(footprint) for outline in outlines) == 1
    for one, other in combinations(footprints, 2):
        # Squares on a grid as close as their side touch: rounding to a centimetre is not overlap.
        assert one.intersection(other).area < 0.02 * math.sqrt(area_m2)


@given(seed=seeds, other=seeds)
def test_the_same_seed_gives_the_same_places_and_another_seed_or_stratum_others(
    seed: str, other: str
) -> None:
    within = sample_points.frame([world.land(0, 0, 400, 300)], 400.0)
    for draw in (sample_points.at_random, sample_points.on_a_grid):
        first = draw(within, 5, seed=seed, stream="A")
        assert draw(within, 5, seed=seed, stream="A") == first
        assert draw(within, 5, seed=seed, stream="B").places != first.places
        if other != seed:
            assert draw(within, 5, seed=other, stream="A").places != first.places


def test_a_place_can_be_computed_by_hand_from_the_seed() -> None:
    """What the design's text says: SHA-256 of seed, stratum and counter; part, then x, then y."""
    drawn = sample_points.at_random(
        sample_points.frame([world.land(0, 0, 400, 300)], 400.0), 1, seed="00ff", stream="A"
    )
    [place] = metric(drawn.places)
    # echo -n 00ff/A/1 | sha256sum, the first 53 bits over 2**53; the same of 00ff/A/2.
    across, along = 0.9278018539, 0.5572735657
    inner = 20 / math.sqrt(2) + sample_points.SLACK_M
    assert place.x == pytest.approx(world.EAST_M + inner + across * (400 - 2 * inner), abs=0.02)
    assert place.y == pytest.approx(world.NORTH_M + inner + along * (300 - 2 * inner), abs=0.02)


@given(seed=seeds, count=some.integers(4, 30))
def test_the_places_of_a_grid_are_whole_spacings_apart(seed: str, count: int) -> None:
    within = sample_points.frame([world.land(0, 0, 300, 260), world.land(700, 90, 200, 300)], 400.0)
    drawn = sample_points.on_a_grid(within, count, seed=seed, stream="A")
    assert drawn.spacing_m is not None and drawn.spacing_m >= 20.0
    first, *others = metric(drawn.places)
    for other in others:
        for apart_m in (other.x - first.x, other.y - first.y):
            steps = apart_m / drawn.spacing_m
            assert steps == pytest.approx(round(steps), abs=0.03 / drawn.spacing_m)


def test_over_many_seeds_each_parcel_has_its_share_of_the_places() -> None:
    land = [world.land(0, 0, 300, 300), world.land(600, 0, 120, 120)]
    within = sample_points.frame(land, 400.0)
    share = within.parts[1].area / within.reach_m2
    for draw, tolerance in ((sample_points.at_random, 4.0), (sample_points.on_a_grid, 4.0)):
        places = [
            point
            for seed in range(300)
            for point in metric(draw(within, 4, seed=str(seed), stream="A").places)
        ]
        second = sum(point.x > world.EAST_M + 500 for point in places)
        spread = math.sqrt(share * (1 - share) / len(places))
        assert abs(second / len(places) - share) < tolerance * spread


def test_a_place_in_a_parcel_of_any_shape_is_equally_likely_everywhere() -> None:
    """An L fills half of its box; its arms must not draw more than their land."""
    corner = shapely.union_all([shapely.box(0, 0, 400, 80), shapely.box(0, 80, 80, 400)])
    shifted = shapely.affinity.translate(corner, world.EAST_M, world.NORTH_M)
    within = sample_points.frame([world.to_4490(shifted)], 100.0)
    [part] = within.parts
    lower = part.intersection(shapely.box(*part.bounds[:3], world.NORTH_M + 80)).area / part.area
    places = [
        metric(sample_points.at_random(within, 1, seed=str(seed), stream="A").places)[0]
        for seed in range(800)
    ]
    found = sum(point.y < world.NORTH_M + 80 for point in places) / len(places)
    assert abs(found - lower) < 4 * math.sqrt(lower * (1 - lower) / len(places))


def test_land_too_narrow_or_too_small_is_refused_and_what_cannot_be_reached_is_told() -> None:
    strip = sample_points.frame([world.land(0, 0, 400, 20)], 400.0)
    assert strip.parts == () and strip.land_m2 == pytest.approx(8000, rel=1e-3)
    small = sample_points.frame([world.land(0, 0, 60, 60)], 400.0)
    for draw in (sample_points.at_random, sample_points.on_a_grid):
        with pytest.raises(NoRoom):
            draw(strip, 1, seed="1", stream="A")
        with pytest.raises(NoRoom, match="50"):
            draw(small, 50, seed="1", stream="A")
    wide = sample_points.frame([world.land(0, 0, 200, 200)], 400.0)
    assert wide.reach_m2 / wide.land_m2 == pytest.approx((1 - 2 * 14.19 / 200) ** 2, rel=1e-3)


def test_way_points_are_read_back_by_name_and_place() -> None:
    points = [
        way_points.WayPoint("1A001", 119.1234567, 30.7654321, "层 A <一类> & 竹林"),
        way_points.WayPoint("1A002", 119.2, 30.6),
    ]
    content = way_points.gpx(points, title='项目 "甲" & 乙')
    rows = _gpx.read(content, row_limit=10).rows
    assert [row.attributes["name"] for row in rows] == ["1A001", "1A002"]
    assert rows[0].attributes["desc"] == "层 A <一类> & 竹林"
    read = [
        (float(node.get("lon")), float(node.get("lat")))
        for node in ElementTree.fromstring(content)
        if node.tag.endswith("wpt")
    ]
    assert read == [(119.1234567, 30.7654321), (119.2, 30.6)]

"""Ten thousand parcels: counted, paged, searched and drawn by the database, and little comes back."""

import json
import math
import time

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import parcel_list, parcel_search
from sinks.land.parcel_search import Wanted
from tests import world

COUNT = 10_000
ACROSS = 100
STEP_M = 70
FILL = """
WITH cells AS (
  SELECT n, CAST(:x AS float) + (n % :across) * :step AS x, CAST(:y AS float) + (n / :across) * :step AS y
  FROM generate_series(0, :count - 1) n),
made AS (
  INSERT INTO parcel (code, sink_type, status, name, township, district_code, created_by_id)
  SELECT '330523-ZL-9' || lpad(n::text, 5, '0'), 'bamboo',
    CASE WHEN n % 2 = 0 THEN 'draft' ELSE 'submitted' END, '小班 ' || n,
    CASE WHEN n < :count / 4 THEN '天荒坪镇' ELSE '报福镇' END, '330523', :person
  FROM cells RETURNING id, code),
versions AS (
  INSERT INTO parcel_version (parcel_id, boundary, area_m2, geometry_sha256, source_name, valid_from,
    created_by_id)
  SELECT m.id, ST_Multi(ST_Transform(ST_MakeEnvelope(c.x, c.y, c.x + 60, c.y + 60, 4549), 4490)), 3600,
    md5(n::text), '测试', now(), :person
  FROM made m JOIN cells c ON m.code = '330523-ZL-9' || lpad(c.n::text, 5, '0'))
INSERT INTO parcel_right (parcel_id, party_id, kind, share, certificate_kind, certificate_no, added_by_id)
SELECT id, :village, 'land_use', 1, 'real_estate', '证' || code, :person FROM made
"""


def fill(session: Session, officer: Actor, count: int) -> None:
    """A grid of parcels of 60 x 60 m, 10 m apart, half drafts and half submitted."""
    session.execute(
        text(FILL),
        {"x": world.EAST_M + 10_000, "y": world.NORTH_M, "step": STEP_M, "across": ACROSS,
         "count": count, "person": officer.person_id, "village": world.village_id(session)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def many(engine: sa.Engine, people: dict[str, Actor]) -> dict[str, Actor]:
    with db.transaction(people["officer"], bind=engine) as session:
        fill(session, people["officer"], COUNT)
    return people


@pytest.fixture
def looking(many: dict[str, Actor], engine: sa.Engine):
    """A transaction of an officer."""
    with db.transaction(many["officer"], bind=engine) as session:
        yield session


def place(column: int, row: int) -> tuple[float, float]:
    """Longitude and latitude of the middle of a parcel of the grid."""
    return world.TO_4490.transform(
        world.EAST_M + 10_000 + column * STEP_M + 30, world.NORTH_M + row * STEP_M + 30
    )


def test_they_are_counted_by_state_and_given_page_by_page(looking: Session) -> None:
    assert parcel_search.counts(looking, Wanted()) == {"draft": 5_000, "submitted": 5_000}
    assert parcel_search.counts(looking, Wanted(status="draft", township="天荒坪镇")) == {
        "draft": 1_250
    }
    last = parcel_search.ids(looking, Wanted(), limit=400, offset=9_800)
    rows = parcel_list.rows(looking, ids=last)
    assert [row.id for row in rows] == last and len(last) == 200
    assert rows[-1].code == "330523-ZL-909999"
    assert parcel_search.townships(looking, "330523") == ["天荒坪镇", "报福镇"]
    assert parcel_search.townships(looking, "330521") == []


@pytest.mark.parametrize(
    ("typed", "count"),
    [("909999", 1), ("小班 77", 111), ("天荒坪", 2_500), (world.VILLAGE, 10_000), ("100%", 0)],
)
def test_what_is_typed_is_looked_for_in_code_name_township_and_holder(
    looking: Session, typed: str, count: int
) -> None:
    assert sum(parcel_search.counts(looking, Wanted(search=typed)).values()) == count


def test_a_person_without_a_role_finds_no_holders(
    many: dict[str, Actor], engine: sa.Engine
) -> None:
    with db.transaction(bind=engine) as session:
        assert parcel_search.counts(session, Wanted(search=world.VILLAGE)) == {}
        assert sum(parcel_search.counts(session, Wanted(search="909999")).values()) == 1


def test_a_county_on_one_tile_is_a_few_thousand_points_and_a_street_is_outlines(
    looking: Session,
) -> None:
    longitude, latitude = place(50, 50)
    zoom_9, zoom_17 = (tile_of(longitude, latitude, zoom) for zoom in (9, 17))
    far = json.loads(parcel_search.tile(looking, Wanted(), *zoom_9))
    assert 0 < len(far) < COUNT / 2 and all(isinstance(row[2][0], int) for row in far)
    assert {row[0] for row in far} == {0, 1}
    near = json.loads(parcel_search.tile(looking, Wanted(), *zoom_17))
    assert 4 <= len(near) < 50 and all(len(row[2][0]) >= 5 for row in near)
    drafts = json.loads(parcel_search.tile(looking, Wanted(status="draft"), *zoom_17))
    assert {row[0] for row in drafts} == {0} and len(drafts) < len(near)


def tile_of(longitude: float, latitude: float, zoom: int) -> tuple[int, int, int]:
    column = int((longitude + 180) / 360 * 2**zoom)
    angle = math.radians(latitude)
    row = int((1 - math.asinh(math.tan(angle)) / math.pi) / 2 * 2**zoom)
    return zoom, column, row


def test_a_click_finds_the_parcel_under_it_or_the_nearest_that_is_looked_for(
    looking: Session,
) -> None:
    wanted = Wanted()
    [found] = parcel_list.rows(looking, ids=[parcel_search.at(looking, wanted, *place(7, 0)) or 0])
    assert found.code == "330523-ZL-900007"
    even = parcel_search.at(looking, Wanted(status="draft"), *place(7, 0))
    [found] = parcel_list.rows(looking, ids=[even or 0])
    assert found.code in ("330523-ZL-900006", "330523-ZL-900008")
    assert parcel_search.at(looking, wanted, 119.3, 31.0) is None


def test_the_nearest_come_first_and_reach_no_further_than_asked(looking: Session) -> None:
    longitude, latitude = place(50, 50)
    box = (longitude, latitude, longitude, latitude)
    nearest = parcel_search.nearest(looking, box, limit=9)
    codes = {row.code[-5:] for row in parcel_list.rows(looking, ids=nearest)}
    assert codes == {
        f"{100 * (50 + up) + 50 + right:05}" for up in (-1, 0, 1) for right in (-1, 0, 1)
    }
    others = parcel_search.nearest(looking, box, limit=9, but_not=nearest[:1])
    assert nearest[0] not in others


def test_every_question_is_answered_within_a_second(looking: Session) -> None:
    longitude, latitude = place(50, 50)
    asked = {
        "counts": lambda: parcel_search.counts(looking, Wanted()),
        "search": lambda: parcel_search.counts(looking, Wanted(search="小班 77")),
        "page": lambda: parcel_list.rows(
            looking, ids=parcel_search.ids(looking, Wanted(), limit=400, offset=9_000)
        ),
        "bounds": lambda: parcel_search.bounds(looking, Wanted()),
        "far": lambda: parcel_search.tile(looking, Wanted(), *tile_of(longitude, latitude, 9)),
        "near": lambda: parcel_search.tile(looking, Wanted(), *tile_of(longitude, latitude, 15)),
        "click": lambda: parcel_search.at(looking, Wanted(), longitude, latitude),
    }
    took_s = {}
    for name, ask in asked.items():
        ask()
        start = time.perf_counter()
        ask()
        took_s[name] = time.perf_counter() - start
    print({name: round(seconds * 1000) for name, seconds in took_s.items()})
    assert max(took_s.values()) < 1.0, took_s

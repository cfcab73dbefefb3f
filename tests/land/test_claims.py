"""No land twice, for any two people at the same instant."""

import threading
import time
from collections.abc import Iterator
from datetime import date

import pytest
import shapely
import sqlalchemy as sa
from shapely import MultiPolygon, Polygon
from shapely.geometry import box
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.land import claims, land_audit, marks, parcels
from tests import world

RACES = 100


def test_overlap_deeper_than_a_metre_is_refused_and_names_the_parcel_in_the_way(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.enrolled(session, people, world.land(0, 0, 200, 200))
    second = world.reviewed(session, people, world.land(198, 0, 200, 200))
    with pytest.raises(claims.LandTaken) as refusal:
        claims.enrol(session, people["officer2"], second)
    code = session.get_one(parcels.Parcel, first).code
    assert code in refusal.value.message
    assert [item.code for item in refusal.value.in_the_way] == [code]
    assert refusal.value.in_the_way[0].shared_m2 == pytest.approx(400, rel=0.01)
    assert "23P01" not in refusal.value.message


def test_neighbours_that_touch_or_share_a_sliver_are_both_enrolled(
    session: Session, people: dict[str, Actor]
) -> None:
    ids = [
        world.enrolled(session, people, world.land(east_m, 0, 200, 200))
        for east_m in (0, 200, 399.2)
    ]
    statuses = session.scalars(select(parcels.Parcel.status).where(parcels.Parcel.id.in_(ids)))
    assert statuses.all() == [parcels.Status.ENROLLED] * 3
    standing = select(func.count()).where(
        claims.LandClaim.parcel_id.in_(ids), claims.LandClaim.ends_on.is_(None)
    )
    assert session.scalar(standing) == 3


def test_a_parcel_fills_the_hole_of_another_but_not_more(
    session: Session, people: dict[str, Actor]
) -> None:
    outer = box(world.EAST_M, world.NORTH_M, world.EAST_M + 300, world.NORTH_M + 300)
    hole = box(world.EAST_M + 100, world.NORTH_M + 100, world.EAST_M + 200, world.NORTH_M + 200)
    ring = [world.TO_4490.transform(x, y) for x, y in outer.exterior.coords]
    inner = [world.TO_4490.transform(x, y) for x, y in hole.exterior.coords]
    around = world.enrolled(session, people, MultiPolygon([Polygon(ring, [inner])]))
    inside = world.enrolled(session, people, world.land(100, 100, 100, 100))
    too_big = world.reviewed(session, people, world.land(95, 95, 110, 110))
    with pytest.raises(claims.LandTaken):
        claims.enrol(session, people["officer2"], too_big)
    found = session.scalars(select(claims.LandClaim.parcel_id))
    assert {around, inside} <= set(found) and too_big not in set(found)


def test_strips_that_vanish_under_erosion_are_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    strip = world.reviewed(session, people, world.land(0, 0, 1.5, 900))
    with pytest.raises(Conflict) as refusal:
        claims.enrol(session, people["officer2"], strip)
    assert refusal.value.code == "too_thin"


def test_a_comb_of_strips_over_a_neighbour_is_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    """Strips narrower than the tolerance, all hanging on a broad parcel of one's own."""
    world.enrolled(session, people, world.land(0, 0, 200, 200))
    body = box(world.EAST_M, world.NORTH_M + 200, world.EAST_M + 200, world.NORTH_M + 400)
    teeth = [
        box(
            world.EAST_M + 2.2 * n,
            world.NORTH_M,
            world.EAST_M + 2.2 * n + 0.98,
            world.NORTH_M + 201,
        )
        for n in range(90)
    ]
    comb = world.to_4490(shapely.union_all([body, *teeth]))
    parcel_id = world.reviewed(session, people, comb)
    with pytest.raises(Conflict) as refusal:
        claims.enrol(session, people["officer2"], parcel_id)
    assert refusal.value.code in ("too_thin", "slivers")


def test_slivers_that_add_up_are_refused(session: Session, people: dict[str, Actor]) -> None:
    world.enrolled(session, people, world.land(0, 0, 400, 200))
    # 0.9 m along 400 m is 360 m2 of somebody else's land.
    parcel_id = world.reviewed(session, people, world.land(0, 199.1, 400, 200))
    with pytest.raises(Conflict) as refusal:
        claims.enrol(session, people["officer2"], parcel_id)
    assert refusal.value.code == "slivers"


def test_less_than_one_mu_is_stored_and_never_enrolled(
    session: Session, people: dict[str, Actor]
) -> None:
    small = world.reviewed(session, people, world.land(0, 0, 25, 25))
    with pytest.raises(Conflict) as refusal:
        claims.enrol(session, people["officer2"], small)
    assert refusal.value.code in ("too_small", "marked")


def test_land_is_free_again_after_withdrawal_but_not_for_the_days_before(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.enrolled(session, people, world.land(0, 0, 200, 200))
    claims.cover(session, people["clerk"], first, date(2023, 1, 1))
    claims.withdraw(session, people["officer"], first, "农户退出")
    # Not the same outline: that would be a re-registration, which two people have to confirm.
    second = world.enrolled(session, people, world.land(0, 0, 220, 220))
    with pytest.raises(claims.LandTaken):
        claims.cover(session, people["clerk"], second, date(2024, 1, 1))


def test_a_stored_parcel_may_overlap_and_both_are_marked(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.draft(session, people, world.land(0, 0, 200, 200))
    second = world.draft(session, people, world.land(100, 0, 200, 200))
    for parcel_id, other in ((first, second), (second, first)):
        [mark] = marks.open_marks(session, parcel_id)
        assert (mark.code, mark.other_parcel_id) == ("overlap", other)
        assert mark.area_m2 == pytest.approx(20_000, rel=0.01)


def test_the_program_cannot_write_the_pieces_itself(session: Session) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        session.execute(text("DELETE FROM land_claim_piece"))


def test_the_whole_set_counts_no_land_twice(session: Session, people: dict[str, Actor]) -> None:
    for column in range(4):
        world.enrolled(session, people, world.land(100 * column, 0, 100, 100))
    assert land_audit.double_counted_m2(session) < 1.0


@pytest.fixture
def pairs(engine: sa.Engine, people: dict[str, Actor]) -> Iterator[list[tuple[int, int]]]:
    """Reviewed parcels in pairs that overlap by half, ready to be enrolled."""
    with db.transaction(people["officer"], bind=engine) as session:
        yield_ = [
            tuple(
                world.reviewed(
                    session, people,
                    world.land(300 * (n % 10) + shift, 3000 + 150 * (n // 10), 100, 100),
                )
                for shift in (0, 50)
            )
            for n in range(RACES)
        ]  # fmt: skip
    yield yield_


def test_of_two_that_enrol_the_same_land_at_once_one_waits_and_is_refused(
    engine: sa.Engine, people: dict[str, Actor], pairs: list[tuple[int, int]]
) -> None:
    """In each of the pairs the first holds its transaction open, the second is seen waiting for it
    in pg_locks, then the first commits and the second is refused."""
    both = 0
    for first, second in pairs:
        outcome: list[str] = []
        with db.transaction(people["officer2"], bind=engine) as holder:
            claims.enrol(holder, people["officer2"], first)
            rival = threading.Thread(target=_enrol, args=(engine, people, second, outcome))
            rival.start()
            _wait_for_a_waiter(engine)
            assert not outcome
        rival.join()
        both += outcome != ["land_taken"]
    assert both == 0


def _enrol(engine: sa.Engine, people: dict[str, Actor], parcel_id: int, outcome: list[str]) -> None:
    try:
        with db.transaction(people["officer2"], bind=engine) as session:
            claims.enrol(session, people["officer2"], parcel_id)
        outcome.append("enrolled")
    except Conflict as error:
        outcome.append(error.code)


def _wait_for_a_waiter(engine: sa.Engine) -> None:
    """Until some backend waits for a lock; a rival that does not wait fails the test by itself."""
    with engine.connect() as connection:
        for _ in range(2000):
            waiting = connection.execute(
                text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            ).scalar_one()
            connection.rollback()
            if waiting:
                return
            time.sleep(0.002)
    raise AssertionError("nobody waited: the two did not meet")

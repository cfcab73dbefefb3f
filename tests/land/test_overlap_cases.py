"""Land in question is kept, marked, decided by two people, and credits nothing meanwhile."""

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.land import claims, land_audit, marks, overlap_cases, parcel_outlines, parcels
from tests import world
from tests.land.test_claims import _wait_for_a_waiter


def refused(session: Session, people: dict[str, Actor], parcel_id: int) -> claims.NeedsDecision:
    with pytest.raises(claims.NeedsDecision) as refusal:
        claims.enrol(session, people["officer2"], parcel_id)
    return refusal.value


def decided(session: Session, people: dict[str, Actor], case_id: int, outcome: str) -> None:
    overlap_cases.propose(
        session, people["officer"], case_id, outcome=outcome, reason="现场复测，见附件"
    )
    overlap_cases.decide(session, people["registrar"], case_id, accept=True, reason="同意")


def two_that_overlap(session: Session, people: dict[str, Actor]) -> tuple[int, int, int]:
    """An enrolled parcel, a later one over half of it, and the case between them."""
    first = world.enrolled(session, people, world.land(0, 0, 200, 200))
    second = world.reviewed(session, people, world.land(100, 0, 200, 200))
    assert refused(session, people, second).code == "land_taken"
    return first, second, overlap_cases.open_for(session, people["officer2"], second).id


def test_a_refused_enrolment_opens_one_case_that_shows_both_outlines_and_the_shared_land(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second, case_id = two_that_overlap(session, people)
    assert overlap_cases.open_for(session, people["officer2"], second).id == case_id
    found = overlap_cases.view(session, case_id)
    assert found.case.kind == "overlap" and found.parcel.parcel_id == second
    assert [side.parcel_id for side in found.others] == [first]
    assert found.case.shared_m2 == pytest.approx(20_000, rel=0.01)
    assert found.shared["type"] in ("Polygon", "MultiPolygon")


def test_while_a_case_is_open_neither_of_the_two_is_credited(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second, case_id = two_that_overlap(session, people)
    for parcel_id in (first, second):
        assert marks.doubts(session, parcel_id)
    with pytest.raises(marks.InDoubt) as refusal:
        claims.enrol(session, people["officer2"], second)
    assert f"第 {case_id} 号" in refusal.value.message
    with pytest.raises(sa.exc.IntegrityError, match="a doubt is open"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO parcel_credit (parcel_id, pool, vintage, programme, round_id, amount_kg)"
                " VALUES (:first, 'biomass', 2024, 'HZ', 1, 5)"
            ),
            {"first": first},
        )


def test_two_people_decide_and_neither_of_them_drew_the_land(
    session: Session, people: dict[str, Actor]
) -> None:
    _, _, case_id = two_that_overlap(session, people)
    with pytest.raises(NotPermitted):
        overlap_cases.propose(session, people["clerk"], case_id, outcome="other_stands", reason="x")
    with pytest.raises(Conflict, match="没有等待决定"):
        overlap_cases.decide(session, people["registrar"], case_id, accept=True, reason="x")
    overlap_cases.propose(
        session, people["registrar"], case_id, outcome="other_stands", reason="先登记"
    )
    with pytest.raises(NotPermitted, match="另一人"):
        overlap_cases.decide(session, people["registrar"], case_id, accept=True, reason="x")
    with pytest.raises(NotPermitted):
        overlap_cases.decide(session, people["officer2"], case_id, accept=True, reason="x")
    overlap_cases.decide(session, people["registrar2"], case_id, accept=False, reason="请补测")
    assert overlap_cases.locked(session, case_id).status == "open"


def test_deep_overlap_is_never_within_accuracy(session: Session, people: dict[str, Actor]) -> None:
    _, _, case_id = two_that_overlap(session, people)
    with pytest.raises(Invalid) as refusal:
        overlap_cases.propose(
            session, people["officer"], case_id, outcome="within_accuracy", reason="x"
        )
    assert refusal.value.code == "outcome"


def test_the_earlier_stands_and_the_later_is_sent_back(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second, case_id = two_that_overlap(session, people)
    decided(session, people, case_id, "other_stands")
    assert session.get_one(parcels.Parcel, second).status == "draft"
    assert session.get_one(parcels.Parcel, first).status == "enrolled"
    assert marks.doubts(session, first) == []


def test_the_later_stands_so_the_earlier_is_suspended_and_cannot_be_resumed_as_it_was(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second, case_id = two_that_overlap(session, people)
    decided(session, people, case_id, "parcel_stands")
    assert session.get_one(parcels.Parcel, first).status == "suspended"
    with pytest.raises(Conflict, match="让出"):
        parcels.resume(session, people["officer"], first, "想恢复")
    assert refused(session, people, second).code == "land_taken"  # No outcome overrides the ground.
    claims.withdraw(session, people["officer"], first, "按决定退出")
    claims.enrol(session, people["officer2"], second)
    assert land_audit.audit(session).double_counted == []


def test_a_case_lapses_when_the_later_is_redrawn(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second, case_id = two_that_overlap(session, people)
    parcel_outlines.redraw(
        session, people["officer"], second, boundary=world.land(200, 0, 200, 200)
    )
    session.expire_all()
    assert overlap_cases.locked(session, case_id).status == "lapsed"
    assert marks.doubts(session, first) == []
    with pytest.raises(sa.exc.IntegrityError, match="stays closed"), session.begin_nested():
        session.execute(
            text("UPDATE overlap_case SET status = 'open' WHERE id = :id"), {"id": case_id}
        )


def test_the_outline_of_a_withdrawn_parcel_needs_the_link_of_a_re_registration(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.enrolled(session, people, world.land(0, 0, 200, 200))
    claims.withdraw(session, people["officer"], first, "农户退出")
    again = world.reviewed(session, people, world.land(0.5, 0, 200, 200))
    refusal = refused(session, people, again)
    assert refusal.code == "duplicate"
    assert session.get_one(parcels.Parcel, first).code in refusal.message
    case_id = overlap_cases.open_for(session, people["officer2"], again).id
    decided(session, people, case_id, "reregistration")
    claims.enrol(session, people["officer2"], again)
    assert [case.id for case in overlap_cases.of_parcel(session, first)] == [case_id]


def test_slivers_that_two_people_find_within_accuracy_go_to_the_earlier_parcel(
    session: Session, people: dict[str, Actor]
) -> None:
    world.enrolled(session, people, world.land(0, 0, 400, 200))
    later = world.reviewed(session, people, world.land(0, 199.1, 400, 200))
    assert refused(session, people, later).code == "slivers"
    case_id = overlap_cases.open_for(session, people["officer2"], later).id
    decided(session, people, case_id, "within_accuracy")
    claims.enrol(session, people["officer2"], later)
    claim = session.get_one(claims.LandClaim, later)
    area_m2 = parcels.present_version(session, later).area_m2
    assert area_m2 - claim.creditable_area_m2 == pytest.approx(360, rel=0.01)


def test_a_small_sliver_is_taken_from_the_later_parcel_only(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.enrolled(session, people, world.land(0, 0, 200, 200))
    touching = world.enrolled(session, people, world.land(200, 0, 200, 200))
    later = world.enrolled(session, people, world.land(399.2, 0, 200, 200))
    for parcel_id, less_m2 in ((first, 0.0), (touching, 0.0), (later, 160.0)):
        claim = session.get_one(claims.LandClaim, parcel_id)
        area_m2 = parcels.present_version(session, parcel_id).area_m2
        assert area_m2 - claim.creditable_area_m2 == pytest.approx(less_m2, rel=0.01), parcel_id
    assert session.get_one(claims.LandClaim, first).creditable_area_m2 == (
        parcels.present_version(session, first).area_m2
    )


def test_claims_are_made_in_read_committed_only(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"], bind=engine) as session:
        parcel_id = world.reviewed(session, people, world.land(9_000, 0, 100, 100))
    level = engine.execution_options(isolation_level="SERIALIZABLE")
    with (
        pytest.raises(sa.exc.DBAPIError, match="READ COMMITTED only"),
        db.transaction(people["officer2"], bind=level) as session,
    ):
        claims.enrol(session, people["officer2"], parcel_id)


def test_of_two_whose_slivers_add_up_only_together_the_second_waits_and_is_refused(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    """The middle parcel shares 0.36 % with each side: alone with one it is within the limit, and
    neither side's transaction would see the other's without the lock on the ground."""
    with db.transaction(people["officer"], bind=engine) as session:
        left = world.enrolled(session, people, world.land(12_000, 0, 200, 200))
        right = world.reviewed(session, people, world.land(12_398.56, 0, 200, 200))
        middle = world.reviewed(session, people, world.land(12_199.28, 0, 200, 200))
    assert left
    outcome: list[str] = []

    def rival() -> None:
        try:
            with db.transaction(people["officer2"], bind=engine) as session:
                claims.enrol(session, people["officer2"], middle)
            outcome.append("enrolled")
        except claims.NeedsDecision as error:
            outcome.append(error.code)

    with db.transaction(people["officer2"], bind=engine) as holder:
        claims.enrol(holder, people["officer2"], right)
        thread = threading.Thread(target=rival)
        thread.start()
        _wait_for_a_waiter(engine)
        assert not outcome
    thread.join()
    assert outcome == ["slivers"]

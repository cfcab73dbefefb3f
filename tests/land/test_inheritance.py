"""Children of a split or a merge: attributes and consents of the parents, and what is not guessed."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from sinks.cooperative import parcel_history
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.land import attributes, consents, inheritance, marks, parcels, succession
from tests import world
from tests.land.test_consents import consent
from tests.land.test_succession import halves

CERTIFICATE = {"number": "LCT-2025-007", "body": "中国茶叶学会"}


def tea(session: Session, people: dict[str, Actor], x_m: float, **certificate: Any) -> int:
    """An enrolled tea garden 200 m wide; with a certificate where one is given."""
    parcel_id = world.enrolled(session, people, world.land(x_m, 0, 200, 400), sink_type="tea")
    if certificate:
        record(session, people, parcel_id, certificate)
    return parcel_id


def record(
    session: Session, people: dict[str, Actor], parcel_id: int, value: dict[str, Any],
    *, kind: str = "tea_certification", valid_from: date | None = None, review: bool = True,
) -> int:  # fmt: skip
    row = attributes.record(
        session, people["officer"], parcel_id=parcel_id, kind=kind, value=value,
        valid_from=valid_from or db.today(session) - timedelta(days=30),
        valid_to=date(2040, 1, 1) if kind == "tea_certification" else None,
        document_name="证书.pdf", document=str(value).encode(),
    )  # fmt: skip
    if review:
        attributes.review(session, people["officer2"], row.id)
    return row.id


def child_of(session: Session, people: dict[str, Actor], ids: list[int]) -> tuple[int, int]:
    """The succession that merges the parcels, and its child."""
    row = succession.merge(session, people["officer"], ids, reason="并户", name="合")
    [child] = succession.of_side(session, row.id, "child")
    return row.id, child


def test_every_piece_has_the_certificate_with_the_parents_paper_when_it_is_reviewed(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400), sink_type="tea")
    given = record(session, people, parent, CERTIFICATE)
    consent_id = consent(session, people["officer"], [parent]).id
    row = succession.split(
        session, people["officer"], parent, halves(session, parent), reason="分户"
    )
    children = succession.of_side(session, row.id, "child")
    paper = session.get_one(attributes.ParcelAttribute, given)
    for child in children:
        assert attributes.present(session, child) == {}
        [taken] = attributes.of_parcel(session, child)
        assert taken.succession_id == row.id and taken.reviewed_at is None
        assert (taken.value, taken.valid_to) == (paper.value, paper.valid_to)
        assert taken.document_id == paper.document_id
        assert [found.id for found, _ in consents.of_parcel(session, child)] == [consent_id]
    succession.review(session, people["officer2"], row.id)
    for child in children:
        assert attributes.present(session, child)["tea_certification"].value == paper.value
        assert marks.doubts(session, child) == []
        told = "\n".join(one.text for one in parcel_history.history(session, child, names=True))
        code = session.get_one(parcels.Parcel, parent).code
        assert f"承接属性，待复核（承接 {code}；LCT-2025-007，中国茶叶学会）" in told
        assert f"承接集体同意（承接 {code}）" in told
    assert attributes.present(session, parent)  # The parent's own stays as it was.


def test_the_present_and_the_coming_attribute_are_both_taken_over(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400), sink_type="tea")
    later = db.today(session) + timedelta(days=60)
    record(session, people, parent, CERTIFICATE)
    record(session, people, parent, CERTIFICATE | {"number": "LCT-2027-001"}, valid_from=later)
    row = succession.split(
        session, people["officer"], parent, halves(session, parent), reason="分户"
    )
    succession.review(session, people["officer2"], row.id)
    for child in succession.of_side(session, row.id, "child"):
        assert attributes.present(session, child)["tea_certification"].value["number"] == (
            "LCT-2025-007"
        )
        assert attributes.present(session, child, later)["tea_certification"].value["number"] == (
            "LCT-2027-001"
        )


def test_parents_alike_give_it_from_the_later_day_and_name_both(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second = tea(session, people, 0), tea(session, people, 200)
    day = db.today(session)
    record(session, people, first, CERTIFICATE, valid_from=day - timedelta(days=90))
    record(session, people, second, CERTIFICATE, valid_from=day - timedelta(days=20))
    succession_id, child = child_of(session, people, [first, second])
    [taken] = attributes.of_parcel(session, child)
    assert taken.valid_from == day - timedelta(days=20)
    succession.review(session, people["officer2"], succession_id)
    told = "\n".join(one.text for one in parcel_history.history(session, child, names=True))
    for parent in (first, second):
        assert session.get_one(parcels.Parcel, parent).code in told
    assert marks.doubts(session, child) == []


@pytest.mark.parametrize("other", [{}, CERTIFICATE | {"number": "LCT-2024-999"}])
def test_parents_that_differ_leave_the_child_marked_until_an_officer_states_it(
    session: Session, people: dict[str, Actor], other: dict[str, str]
) -> None:
    first, second = tea(session, people, 0, **CERTIFICATE), tea(session, people, 200, **other)
    succession_id, child = child_of(session, people, [first, second])
    assert attributes.of_parcel(session, child) == []
    succession.review(session, people["officer2"], succession_id)
    [doubt] = marks.doubts(session, child)
    assert "LCT-2025-007" in doubt and (other.get("number", "没有") in doubt)
    with pytest.raises(marks.InDoubt):
        marks.refuse_in_doubt(session, child)
    record(session, people, child, CERTIFICATE)
    assert marks.doubts(session, child) == []
    [mark] = [
        one for one in session.query(marks.ParcelMark).filter_by(parcel_id=child)
        if one.code == "inherit_tea_certification"
    ]  # fmt: skip
    assert mark.closed_by_id == people["officer2"].person_id and "LCT-2025-007" in (
        mark.closed_reason or ""
    )


def test_that_neither_paper_holds_for_the_whole_is_stated_by_another_officer(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second = tea(session, people, 0, **CERTIFICATE), tea(session, people, 200)
    succession_id, child = child_of(session, people, [first, second])
    succession.review(session, people["officer2"], succession_id)
    [mark] = marks.open_marks(session, child)
    marks.close_mark(session, people["officer2"], mark.id, "合并后不再申请认证")
    assert marks.doubts(session, child) == [] and attributes.of_parcel(session, child) == []


def test_a_resolution_about_one_of_the_parents_does_not_carry_the_other(
    session: Session, people: dict[str, Actor]
) -> None:
    ids = [tea(session, people, 0), tea(session, people, 200)]
    consent(session, people["officer"], ids[:1])
    _, child = child_of(session, people, ids)
    assert consents.of_parcel(session, child) == []
    assert "inherit_consent" in {mark.code for mark in marks.open_marks(session, child)}


def test_an_attribute_that_waits_for_its_review_is_settled_first(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400), sink_type="tea")
    record(session, people, parent, CERTIFICATE, review=False)
    with pytest.raises(Conflict) as refusal:
        succession.split(session, people["officer"], parent, halves(session, parent), reason="x")
    assert refusal.value.code == "attribute_waiting"


def test_a_wetland_keeps_its_class_so_that_a_split_does_not_end_its_crediting(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400), sink_type="wetland")
    record(session, people, parent, {"code": "1106"}, kind="land_class")
    row = succession.split(
        session, people["officer"], parent, halves(session, parent), reason="分户"
    )
    succession.review(session, people["officer2"], row.id)
    for child in succession.of_side(session, row.id, "child"):
        assert attributes.present(session, child)["land_class"].value["code"] == "1106"
        assert inheritance.unreviewed(session, row.id, child) == []

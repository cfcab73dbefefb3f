"""Objections to a notice: who reads what, what waits for the answer, and what spam meets."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.crediting import objections, projects, rounds, verification
from sinks.crediting.objections import Objection, Objector
from tests import world

WORDS = "这片竹林有一半在我家承包地里，请核实边界。"


def objected(session: Session, round_id: int, *, origin: str = "x", words: str = WORDS) -> int:
    db.act_as(session, None)
    return rounds.object_to(
        session, round_id, name="王小竹", contact="138 0000 0000", words=words, origin_hash=origin
    )


@pytest.fixture
def noticed(session: Session, people: dict[str, Actor], tmp_path: Path) -> int:
    """A round before the public."""
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    rounds.publish(session, people["clerk"], story.round_id)
    return story.round_id


def test_a_round_waits_for_the_answer_to_an_objection(
    session: Session, people: dict[str, Actor], noticed: int
) -> None:
    given = objected(session, noticed)
    db.act_as(session, people["verifier"])
    with pytest.raises(Conflict) as refusal:
        verification.begin(session, people["verifier"], noticed)
    assert refusal.value.code == "objection_open"
    db.act_as(session, people["registrar"])
    for name in ("clerk", "verifier", "auditor"):
        with pytest.raises(NotPermitted):
            rounds.answer_objection(
                session, people[name], given, words="查无此事", outcome="dismissed"
            )
    rounds.answer_objection(
        session, people["registrar"], given, words="经实地核对不重叠", outcome="dismissed"
    )
    with pytest.raises(NotFound):  # Once.
        rounds.answer_objection(session, people["authority"], given, words="x", outcome="upheld")
    db.act_as(session, people["verifier"])
    assert verification.begin(session, people["verifier"], noticed).status == ("under_verification")


def test_an_objection_that_is_upheld_ends_the_notice_and_the_round_is_measured_anew(
    session: Session, people: dict[str, Actor], noticed: int
) -> None:
    given = objected(session, noticed)
    db.act_as(session, people["authority"])
    rounds.answer_objection(
        session, people["authority"], given, words="边界确有出入", outcome="upheld"
    )
    assert rounds.get(session, noticed).status == "measured"
    db.act_as(session, people["clerk"])
    rounds.measure(session, people["clerk"], noticed)
    assert rounds.publish(session, people["clerk"], noticed).status == "public_notice"


def test_a_project_waits_too_and_goes_back_to_a_draft(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [parcel_id])
    project = projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
    )
    about = {"name": "王小竹", "contact": "地址", "words": WORDS, "origin_hash": "x"}
    with pytest.raises(Conflict) as early:
        projects.object_to(session, project.id, **about)
    assert early.value.code == "no_notice"
    projects.publish(session, people["clerk"], project.id)
    given = projects.object_to(session, project.id, **about)
    with pytest.raises(Conflict) as refusal:
        projects.validate(session, people["verifier"], project.id, "同意")
    assert refusal.value.code == "objection_open"
    rounds.answer_objection(session, people["registrar"], given, words="属实", outcome="upheld")
    assert project.status == "draft"


def test_who_objected_is_read_by_those_who_answer_and_nobody_else(
    session: Session, people: dict[str, Actor], noticed: int
) -> None:
    objected(session, noticed)
    seen = {}
    for name in (None, "clerk", "verifier", "officer", "authority", "registrar", "auditor"):
        db.act_as(session, people[name] if name else None)
        session.expunge_all()
        texts = session.scalars(sa.select(Objection.text)).all()
        names = session.scalars(sa.select(Objector.name)).all()
        seen[name] = (len(texts), len(names))
    assert seen == {
        None: (0, 0), "clerk": (1, 0), "verifier": (1, 0), "officer": (1, 0),
        "authority": (1, 1), "registrar": (1, 1), "auditor": (1, 1),
    }  # fmt: skip


def test_a_burst_from_one_place_is_refused_and_others_are_not(
    session: Session, people: dict[str, Actor], noticed: int
) -> None:
    for _ in range(objections.PER_ORIGIN_HOUR_MAX):
        objected(session, noticed)
    with pytest.raises(Conflict) as refusal:
        objected(session, noticed)
    assert refusal.value.code == "too_many"
    assert objected(session, noticed, origin="y")


@pytest.mark.parametrize("words", ["", "太短", "长" * 2001])
def test_an_objection_without_a_reason_or_without_end_is_refused(
    session: Session, people: dict[str, Actor], noticed: int, words: str
) -> None:
    with pytest.raises(Invalid):
        objected(session, noticed, words=words)


def test_an_objection_is_only_ever_answered(
    session: Session, people: dict[str, Actor], noticed: int
) -> None:
    objected(session, noticed)
    db.act_as(session, people["registrar"])
    for change in ("UPDATE objection SET text = 'x'", "DELETE FROM objector"):
        with pytest.raises(sa.exc.DBAPIError), session.begin_nested():
            session.execute(sa.text(change))

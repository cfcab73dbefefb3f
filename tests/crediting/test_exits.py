"""A parcel leaves a project when its contract has lapsed or it has left the register, and not before."""

import threading
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.cooperative import contracts, parcel_history
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.crediting import exits, issuance, openings, projects, rounds
from sinks.land import claims
from tests import world


def lapse(session: Session, contract_id: int) -> None:
    """Let the term of a contract end today."""
    session.execute(
        text("UPDATE contract SET term_to = current_date WHERE id = :id"), {"id": contract_id}
    )
    session.expire_all()


def refused(session: Session, actor: Actor, project_id: int, parcel_id: int) -> str:
    with pytest.raises((Conflict, NotFound, NotPermitted)) as refusal:
        exits.leave(session, actor, project_id, parcel_id, reason="合同到期")
    return refusal.value.code


def two_in_a_project(session: Session, people: dict[str, Actor]) -> tuple[int, list[int], int]:
    """A project over two contracts of one parcel each; project, parcels, the first's contract."""
    ids = [world.enrolled(session, people, world.land(500 * n, 0, 400, 400)) for n in range(2)]
    first, _ = (world.contracted(session, people, [one]) for one in ids)
    return world.registered_project(session, people, ids), ids, first


def test_land_that_stands_and_is_the_owners_stays(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    project_id, ids, _ = two_in_a_project(session, people)
    assert refused(session, people["clerk"], project_id, ids[0]) == "still_held"
    assert exits.may_leave(session, people["clerk"].party_id, project_id) == []
    assert refused(session, people["officer"], project_id, ids[0]) == "role"


def test_a_lapsed_contract_lets_the_parcel_leave_and_the_next_round_leaves_it_out(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    project_id, ids, contract_id = two_in_a_project(session, people)
    layers = world.two_layers(session, people, tmp_path)
    world.add_plots(session, people, project_id, 30)
    lapse(session, contract_id)
    assert [one for one, _ in exits.may_leave(session, people["clerk"].party_id, project_id)] == (
        ids[:1]
    )
    with pytest.raises(Invalid):
        exits.leave(session, people["clerk"], project_id, ids[0], reason=" ")
    exits.leave(session, people["clerk"], project_id, ids[0], reason="收储合同期满未续")
    assert [one.parcel_id for one in projects.members(session, project_id)] == ids[1:]
    [gone] = exits.of_project(session, project_id)
    assert (gone.parcel_id, gone.reason) == (ids[0], "收储合同期满未续")
    row = openings.by_layers(
        session, people["clerk"], project_id, layer_start_id=layers.start_id,
        layer_end_id=layers.end_id, facts=world.MANAGED,
    )  # fmt: skip
    assert [one.parcel_id for one in rounds.round_parcels(session, row.id)] == ids[1:]
    told = [one.text for one in parcel_history.history(session, ids[0], names=False)]
    assert any("退出项目（收储合同期满未续" in one for one in told)
    assert refused(session, people["clerk"], project_id, ids[0]) == "member"


def test_a_parcel_that_left_the_register_leaves_the_project_and_a_new_one_may_take_it(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    project_id, ids, _ = two_in_a_project(session, people)
    claims.withdraw(session, people["officer"], ids[0], "改作他用")
    exits.leave(session, people["clerk"], project_id, ids[0], reason="地块已退出")
    assert [one.parcel_id for one in projects.members(session, project_id)] == ids[1:]


def test_a_round_that_is_not_issued_keeps_the_parcel(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    lapse(session, story.contract_id)
    parcel_id = story.parcel_ids[0]
    assert refused(session, people["clerk"], story.project_id, parcel_id) == "in_open_round"
    with (
        pytest.raises(sa.exc.IntegrityError, match="a round that is not issued"),
        session.begin_nested(),
    ):
        session.execute(
            text(
                "UPDATE project_parcel SET left_at = now(), left_by_id = :who, left_reason = 'x'"
                " WHERE parcel_id = :id"
            ),
            {"id": parcel_id, "who": people["clerk"].person_id},
        )
    issuance.issue(
        session, people["registrar"], story.round_id,
        contract_of=contracts.holders(session, story.round_id),
    )  # fmt: skip
    exits.leave(session, people["clerk"], story.project_id, parcel_id, reason="合同到期")
    # What it earned stays with it.
    assert sum(one.amount_kg for one in issuance.credits_of_parcel(session, parcel_id)) > 0


def test_an_exit_is_never_undone_and_no_round_takes_the_parcel_back(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    project_id, ids, contract_id = two_in_a_project(session, people)
    lapse(session, contract_id)
    exits.leave(session, people["clerk"], project_id, ids[0], reason="合同到期")
    for change in (
        "SET left_at = NULL, left_by_id = NULL, left_reason = NULL",
        "SET stratum = 'B'",
    ):
        with pytest.raises(sa.exc.DBAPIError), session.begin_nested():
            session.execute(
                text(f"UPDATE project_parcel {change} WHERE parcel_id = :id"), {"id": ids[0]}
            )
    session.execute(
        text("UPDATE contract SET term_to = '2043-01-01' WHERE id = :id"), {"id": contract_id}
    )
    found = world.two_layers(session, people, tmp_path)
    row = rounds.MonitoringRound(
        project_id=project_id, period_start=date(2023, 1, 1), period_end=date(2025, 1, 1),
        layer_start_id=found.start_id, layer_end_id=found.end_id,
        opened_by_id=people["clerk"].person_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    with pytest.raises(sa.exc.IntegrityError, match="has left the project"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO round_parcel (round_id, parcel_id, version_id, stratum)"
                " SELECT :round, parcel_id, id, 'A' FROM parcel_version WHERE parcel_id = :id"
            ),
            {"round": row.id, "id": ids[0]},
        )


def test_a_round_that_opens_at_the_same_instant_waits_and_leaves_the_parcel_out(
    engine: sa.Engine, people: dict[str, Actor], tmp_path: Path
) -> None:
    with db.transaction(people["registrar"], bind=engine) as session:
        world.policies_in_force(session, people)
        project_id, ids, contract_id = two_in_a_project(session, people)
        found = world.two_layers(session, people, tmp_path)
        world.add_plots(session, people, project_id, 30)
        lapse(session, contract_id)
    opened: list[list[int]] = []

    def open_round() -> None:
        with db.transaction(people["clerk"], bind=engine) as session:
            row = openings.by_layers(
                session, people["clerk"], project_id, layer_start_id=found.start_id,
                layer_end_id=found.end_id, facts=world.MANAGED,
            )  # fmt: skip
            opened.append([one.parcel_id for one in rounds.round_parcels(session, row.id)])

    rival = threading.Thread(target=open_round)
    with db.transaction(people["clerk"], bind=engine) as session:
        exits.leave(session, people["clerk"], project_id, ids[0], reason="合同到期")
        rival.start()
        world.wait_until_blocked(engine)
    rival.join(60)
    assert opened == [ids[1:]]

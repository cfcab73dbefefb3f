"""The whole way of a number, through the functions that the screens and the command line call."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from sinks.cooperative import balance, contracts
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, NotPermitted
from sinks.core.policies import PolicyMissing
from sinks.crediting import certificates, issuance, ledger, rounds
from sinks.land import claims, parcels
from sinks.measurement import runs
from tests import world


def issue(session: Session, people: dict[str, Actor], story: world.Story) -> issuance.Issued:
    return issuance.issue(
        session, people["registrar"], story.round_id,
        contract_of=contracts.holders(session, story.round_id),
    )  # fmt: skip


def test_land_becomes_serial_blocks_that_the_public_can_check(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    issued = issue(session, people, story)
    result = rounds.runs.get(session, rounds.get(session, story.round_id).run_id).result
    # 32 ha x about 8 Mg/ha x 1.37 x 0.47 x 44/12: some 600 t.
    assert 500 < result["gross_co2_t"] < 700
    assert issued.holders_kg + issued.buffer_kg + issued.remainder_kg == issuance.whole_kg(
        result["net_co2_t"]
    )
    assert issued.buffer_kg + 10 * 2 > 0.1 * 1000 * result["net_co2_t"] - 1
    [line] = balance.lines(session, people["clerk"].party_id)
    assert line.held_kg == issued.holders_kg
    assert line.issued_kg == line.held_kg + (result["issuable_kg"] - issued.holders_kg)
    assert ledger.verify_ledger(session).broken == []
    paper = certificates.certify_holding(session, people["clerk"], line.account_id)
    answer = certificates.check(session, paper.number.lower())
    assert answer.genuine and answer.held_kg == issued.holders_kg
    forged = paper.number[:-1] + ("A" if paper.number[-1] != "A" else "B")
    assert not certificates.check(session, forged).genuine


def test_measuring_again_gives_the_stored_numbers(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    again = rounds.remeasure(session, story.round_id)
    assert again.same_input and again.same_result


def test_the_four_people_are_four(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    both = Actor(
        people["authority"].person_id, "x", people["authority"].party_id, "x",
        frozenset({"registrar", "authority"}),
    )  # fmt: skip
    with pytest.raises(NotPermitted):
        issuance.issue(session, both, story.round_id, contract_of={})


def test_nothing_is_issued_twice(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    issue(session, people, story)
    with pytest.raises(Conflict):
        issue(session, people, story)


def test_a_fresh_registry_measures_and_names_what_it_must_decide(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    with pytest.raises(PolicyMissing) as refusal:
        rounds.publish(session, people["clerk"], story.round_id)
    assert "deduction.moso-mgmt" in refusal.value.keys
    assert "buffer_share.moso-mgmt" in refusal.value.keys


def test_land_withdrawn_since_the_round_opened_is_debited_and_suspended_land_stops_it(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    gone, suspended = story.parcel_ids
    parcels.suspend(session, people["officer"], suspended, "争议")
    with pytest.raises(Conflict) as refusal:
        issue(session, people, story)
    assert refusal.value.code == "parcel_not_standing"
    parcels.step(session, people["officer"], suspended, parcels.Status.ENROLLED)
    claims.withdraw(session, people["officer"], gone, "农户退出")
    issued = issue(session, people, story)
    [kg] = [
        item.issuable_kg
        for item in runs.parcels_of(session, rounds.get(session, story.round_id).run_id or 0)
        if item.parcel_id == gone
    ]
    assert issued.withheld_kg == kg > 0
    assert issuance.credits_of_parcel(session, gone) == []
    assert ledger.verify_ledger(session).broken == []

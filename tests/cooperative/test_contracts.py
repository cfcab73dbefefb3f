"""Collection contracts: what they refuse, and that an estimate is never a credit."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.cooperative import balance, contracts
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted, SinksError
from sinks.crediting import issuance, ledger
from sinks.land import parcels
from tests import world


def draft(
    session: Session, people: dict[str, Actor], parcel_ids: list[int], **given: Any
) -> contracts.Contract:
    wanted = {
        "number": "AJ-2026-001", "counterparty_id": world.village_id(session),
        "parcel_ids": parcel_ids, "term_from": date(2026, 1, 1), "term_to": date(2036, 1, 1),
        "fee_fen_mu_year": 1693, "net_share": Decimal("0.8"), "estimate_kg": 200_000,
        "exit_clause": "提前一年书面通知可退出。",
    }  # fmt: skip
    return contracts.draft(session, people["clerk"], **(wanted | given))


def test_a_second_clerk_signs_and_the_parcels_are_under_contract(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    contract = draft(session, people, [parcel_id])
    with pytest.raises(NotPermitted):
        contracts.sign(session, people["clerk"], contract.id)
    contracts.sign(session, people["clerk2"], contract.id)
    standing = contracts.of_parcel(session, parcel_id)
    assert standing is not None and standing.id == contract.id


def test_an_estimate_is_no_block_and_no_balance(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    contracts.sign(session, people["clerk2"], draft(session, people, [parcel_id]).id)
    [line] = balance.lines(session, people["clerk"].party_id)
    assert line.estimate_kg == 200_000
    assert line.issued_kg == line.held_kg == 0 and line.account_id is None
    assert line.why == "地块尚未进入任何监测期"
    assert ledger.accounts(session, party_id=people["clerk"].party_id) == []
    assert session.execute(text("SELECT count(*) FROM block")).scalar_one() == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"exit_clause": " "}, "contract"),
        ({"term_to": date(2025, 1, 1)}, "term"),
        ({"net_share": Decimal("1.01")}, "terms"),
        # 16 ha are 240 mu; more than 2 t a mu and year for ten years is a mistaken unit.
        ({"estimate_kg": 24_500 * 240 * 10}, "estimate"),
        ({"term_to": date(2061, 1, 1)}, "right_too_short"),
        ({"number": ""}, "contract"),
    ],
)
def test_terms_that_cannot_be_are_refused(
    session: Session, people: dict[str, Actor], given: dict[str, Any], code: str
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    with pytest.raises(SinksError) as refusal:
        draft(session, people, [parcel_id], **given)
    assert refusal.value.code == code


def test_only_who_holds_a_reviewed_right_brings_a_parcel_in(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    with pytest.raises(Conflict) as refusal:
        draft(session, people, [parcel_id], counterparty_id=people["verifier"].party_id)
    assert refusal.value.code == "no_right"


def test_a_parcel_is_under_one_contract(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    first = draft(session, people, [parcel_id])
    second = draft(session, people, [parcel_id], number="AJ-2026-002")
    contracts.sign(session, people["clerk2"], first.id)
    with pytest.raises(Conflict):
        contracts.sign(session, people["clerk2"], second.id)


def test_a_draft_parcel_is_not_collected(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = world.reviewed(session, people, world.land(0, 0, 400, 400))
    with pytest.raises(Conflict) as refusal:
        draft(session, people, [parcel_id])
    assert refusal.value.code == "not_enrolled"


def test_a_number_is_used_once(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    draft(session, people, [parcel_id])
    with pytest.raises(Conflict):
        draft(session, people, [parcel_id])


def test_empty_parcels_are_refused(session: Session, people: dict[str, Actor]) -> None:
    with pytest.raises(Invalid):
        draft(session, people, [])


def test_land_without_a_contract_has_a_line_of_its_own(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    contracted, *_ = story.parcel_ids
    # Only one of the two parcels is handed over as contracted.
    holder = contracts.holders(session, story.round_id)[contracted]
    issued = issuance.issue(
        session, people["registrar"], story.round_id, contract_of={contracted: holder}
    )
    with_contract, without = balance.lines(session, people["clerk"].party_id)
    assert without.contract_id is None and without.held_kg > 0
    assert with_contract.held_kg + without.held_kg == issued.holders_kg
    for line in (with_contract, without):
        assert line.issued_kg == line.held_kg + line.remainder_kg


def test_what_was_taken_up_before_the_term_is_not_the_cooperatives(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    assert set(contracts.holders(session, story.round_id)) == set(story.parcel_ids)
    contract = session.get_one(contracts.Contract, story.contract_id)
    contract.term_from = date(2024, 1, 1)  # The round began on 1 January 2023.
    session.flush()
    assert contracts.holders(session, story.round_id) == {}


def test_a_suspended_parcel_is_not_signed_back_into_credit(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    contract = draft(session, people, [parcel_id])
    parcels.suspend(session, people["registrar"], parcel_id, "争议")
    with pytest.raises(Conflict) as refusal:
        contracts.sign(session, people["clerk2"], contract.id)
    assert refusal.value.code == "not_enrolled"

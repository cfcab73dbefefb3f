"""Collection contracts that end: what stays theirs, and land that is collected anew."""

import threading
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import func, text
from sqlalchemy.orm import Session

from sinks.cooperative import balance, contracts, parcel_history
from sinks.core import audit, db
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted, SinksError
from sinks.crediting import exits, issuance, ledger, projects
from sinks.land import parcels
from tests import world


def drafted(
    session: Session, people: dict[str, Actor], parcel_ids: list[int], number: str, start: date
) -> contracts.Contract:
    return contracts.draft(
        session, people["clerk"], number=number, counterparty_id=world.village_id(session),
        parcel_ids=parcel_ids, term_from=start, term_to=date(2043, 1, 1), fee_fen_mu_year=1693,
        net_share=Decimal("0.8"), estimate_kg=1000, exit_clause="提前一年书面通知可退出。",
    )  # fmt: skip


def lapse(session: Session, contract_id: int, day: date) -> None:
    """Let the term be over, which no function can do to a signed contract."""
    session.get_one(contracts.Contract, contract_id).term_to = day
    session.flush()


def status_of(session: Session, parcel_id: int) -> str:
    return session.get_one(parcels.Parcel, parcel_id, populate_existing=True).status


def code_of(refusal: pytest.ExceptionInfo[SinksError]) -> str:
    return refusal.value.code


def test_a_lapsed_contract_ends_with_its_term_and_the_land_is_collected_anew(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    first = world.contracted(session, people, [parcel_id])
    lapse(session, first, date(2026, 1, 1))
    row = contracts.end(session, people["clerk"], first, reason=" 期满 ")
    assert (row.status, row.ended_on, row.end_reason) == ("closed", date(2026, 1, 1), "期满")
    assert status_of(session, parcel_id) == "enrolled"
    assert contracts.of_parcel(session, parcel_id) is None
    event = audit.history(session, f"contract:{first}")[-1]
    assert event.action == "contract.end" and event.detail["reason"] == "期满"

    with pytest.raises(Conflict) as refusal:
        drafted(session, people, [parcel_id], "续-1", date(2025, 12, 31))
    assert code_of(refusal) == "contract_days" and "2026-01-01" in refusal.value.message
    second = drafted(session, people, [parcel_id], "续-1", date(2026, 1, 1))
    contracts.sign(session, people["clerk2"], second.id)
    standing = contracts.of_parcel(session, parcel_id)
    assert standing is not None and standing.id == second.id
    told = [event.text for event in parcel_history.history(session, parcel_id, names=True)]
    assert any("已于 2026-01-01 终止：期满" in one for one in told)


def test_before_its_term_is_over_a_contract_ends_today(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    contract_id = world.contracted(session, people, [parcel_id])
    day = today(session)
    assert contracts.end(session, people["clerk2"], contract_id, reason="协商").ended_on == day
    owner = people["clerk"].party_id

    def held(first: date, after: date) -> bool:
        return bool(session.scalar(func.parcel_held_by(parcel_id, owner, first, after)))

    assert held(date(2023, 1, 1), day) and not held(date(2023, 1, 1), day + timedelta(days=1))
    assert not held(day, day + timedelta(days=1))


@pytest.mark.parametrize(
    "who, reason, code",
    [("clerk", " ", "reason"), ("verifier", "期满", "role"), ("officer", "期满", "role")],
)
def test_only_the_cooperative_ends_it_and_says_why(
    session: Session, people: dict[str, Actor], who: str, reason: str, code: str
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    contract_id = world.contracted(session, people, [parcel_id])
    with pytest.raises((Invalid, NotPermitted)) as refusal:
        contracts.end(session, people[who], contract_id, reason=reason)
    assert code_of(refusal) == code and status_of(session, parcel_id) == "under_contract"


def test_a_draft_and_an_ended_contract_do_not_end(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    draft = drafted(session, people, [parcel_id], "A-1", date(2023, 1, 1))
    for _ in range(2):
        with pytest.raises(Conflict) as refusal:
            contracts.end(session, people["clerk"], draft.id, reason="x")
        assert code_of(refusal) == "step"
        if draft.status == "drafted":
            contracts.sign(session, people["clerk2"], draft.id)
            contracts.end(session, people["clerk"], draft.id, reason="x")
    with pytest.raises(NotFound):
        contracts.end(session, people["clerk"], 10**9, reason="x")


def test_a_suspended_parcel_stays_suspended_and_is_enrolled_when_it_is_taken_up_again(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    contract_id = world.contracted(session, people, [parcel_id])
    parcels.suspend(session, people["registrar"], parcel_id, "争议")
    contracts.end(session, people["clerk"], contract_id, reason="协商")
    assert status_of(session, parcel_id) == "suspended"
    parcels.resume(session, people["registrar"], parcel_id, "已解决")
    assert status_of(session, parcel_id) == "enrolled"


def test_what_was_issued_stays_and_the_parcel_may_leave_the_project(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story, issued = world.issued_round(session, people, tmp_path)
    [before] = balance.lines(session, people["clerk"].party_id)
    contracts.end(session, people["clerk"], story.contract_id, reason="协商解除")
    [after] = balance.lines(session, people["clerk"].party_id)
    assert after.held_kg == before.held_kg == issued.holders_kg and after.status == "closed"
    assert after.measured_kg == before.measured_kg > 0
    exits.leave(
        session, people["clerk"], story.project_id, story.parcel_ids[0], reason="合同已终止"
    )
    # A second contract over the same land starts from nothing.
    second = drafted(session, people, story.parcel_ids, "续-2", today(session))
    contracts.sign(session, people["clerk2"], second.id)
    new, old = balance.lines(session, people["clerk"].party_id)
    assert (new.measured_kg, new.issued_kg, new.held_kg) == (0, 0, 0)
    assert new.why == "地块尚未进入任何监测期" and old.held_kg == before.held_kg


def test_a_round_of_days_under_the_contract_is_issued_to_it_after_its_end(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)  # 2023 and 2024.
    contracts.end(session, people["clerk"], story.contract_id, reason="期满")
    holders = contracts.holders(session, story.round_id)
    assert set(holders) == set(story.parcel_ids)
    issued = issuance.issue(session, people["registrar"], story.round_id, contract_of=holders)
    [line] = balance.lines(session, people["clerk"].party_id)
    assert line.held_kg == issued.holders_kg > 0
    assert ledger.accounts(session, party_id=people["clerk"].party_id)


def test_a_contract_does_not_end_inside_a_round_that_is_not_issued(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    session.execute(
        text("UPDATE monitoring_round SET period_end = current_date + 30 WHERE id = :id"),
        {"id": story.round_id},
    )
    with pytest.raises(Conflict) as refusal:
        contracts.end(session, people["clerk"], story.contract_id, reason="协商")
    assert code_of(refusal) == "round_open"
    assert session.get_one(contracts.Contract, story.contract_id).status == "signed"
    assert status_of(session, story.parcel_ids[0]) == "under_contract"


def test_the_database_holds_no_parcel_under_two_contracts_for_a_day(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    first = world.contracted(session, people, [parcel_id])
    contracts.end(session, people["clerk"], first, reason="协商")
    second = drafted(session, people, [parcel_id], "B-1", today(session))
    forged = text("UPDATE contract SET term_from = '2024-01-01', status = 'signed' WHERE id = :id")
    with (
        pytest.raises(sa.exc.IntegrityError, match="contract_parcel_days"),
        session.begin_nested(),
    ):
        session.execute(forged, {"id": second.id})
    second.term_from = date(2024, 1, 1)
    with pytest.raises(Conflict) as refusal:
        contracts.sign(session, people["clerk2"], second.id)
    assert code_of(refusal) == "contract_days"


def test_of_two_contracts_signed_at_once_over_one_parcel_one_waits_and_is_refused(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    """Signed as a program would that knows nothing of parcels: the database alone holds them apart."""
    with db.transaction(people["registrar"]) as session:
        parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
        one, other = (
            drafted(session, people, [parcel_id], number, start).id
            for number, start in (("甲", date(2023, 1, 1)), ("乙", date(2030, 1, 1)))
        )
    signed = text("UPDATE contract SET status = 'signed' WHERE id = :id")
    refused: list[str | None] = []

    def second() -> None:
        try:
            with db.transaction(people["clerk2"]) as later:
                later.execute(signed, {"id": other})
        except sa.exc.IntegrityError as error:
            refused.append(db.constraint_of(error))

    with db.transaction(people["clerk"]) as session:
        session.execute(signed, {"id": one})
        thread = threading.Thread(target=second)
        thread.start()
        world.wait_until_blocked(engine)
    thread.join()
    assert refused == ["contract_parcel_days"]


def test_a_round_opened_while_the_contract_ends_waits_and_is_then_refused(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["registrar"]) as session:
        parcel_id = world.enrolled(session, people, world.land(600, 0, 400, 400))
        contract_id = world.contracted(session, people, [parcel_id])
        project_id = projects.create(
            session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
        ).id
        day = today(session)
    held: list[bool] = []

    def freeze() -> None:
        """As opening a round does: the parcels first, then whether their sink is the owner's."""
        with db.transaction(people["clerk2"]) as later:
            parcels.locked(later, parcel_id)
            try:
                projects.refuse_unheld(
                    later, people["clerk"].party_id, [parcel_id], date(2023, 1, 1),
                    day + timedelta(days=30),
                )  # fmt: skip
                held.append(True)
            except Conflict as refusal:
                held.append(refusal.code != "not_held")

    with db.transaction(people["clerk"]) as session:
        contracts.end(session, people["clerk"], contract_id, reason="协商")
        thread = threading.Thread(target=freeze)
        thread.start()
        world.wait_until_blocked(engine)
    thread.join()
    assert held == [False] and project_id

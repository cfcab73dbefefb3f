"""Whatever is done to the ledger, in whatever order: kilograms are conserved, nobody overdraws,
retired is final, serials tile their batch."""

import uuid
from typing import ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid
from sinks.crediting import ledger
from sinks.crediting.ledger import AccountKind, Batch, Block, BlockState

UNIT_KG = 10


class LedgerMachine(RuleBasedStateMachine):
    """Issue, move, reserve, release, retire, repeat; refusals included."""

    engine: sa.Engine
    people: dict[str, Actor]
    round_id: int
    project_id: int
    posted: ClassVar[set[str]] = set()  # The reasons of what was posted, in every run.

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint")
        db.act_as(self.session, self.people["registrar"])
        self.retired_before = 0
        self.sequence = 0
        self.done: list[tuple[uuid.UUID, int, int, int]] = []

    @initialize()
    def open_accounts(self) -> None:
        party_id = self.people["clerk"].party_id
        other_id = self.people["verifier"].party_id
        self.source = ledger.account(self.session, AccountKind.ISSUANCE).id
        self.holders = [
            ledger.account(self.session, AccountKind.HOLDING, party_id=party_id).id,
            ledger.account(self.session, AccountKind.HOLDING, party_id=other_id).id,
        ]
        self.retired = ledger.account(self.session, AccountKind.RETIRED).id

    @rule(units=st.integers(1, 50), holder=st.integers(0, 1))
    def issue(self, units: int, holder: int) -> None:
        self.sequence += 1
        batch = Batch(
            project_id=self.project_id, round_id=self.round_id, vintage=2020 + self.sequence % 5,
            sequence=self.sequence, unit_kg=UNIT_KG, units=units,
        )  # fmt: skip
        self.session.add(batch)
        self.session.flush()
        transfer_id = uuid.uuid4()
        account_id = self.holders[holder]
        ledger.post(
            self.session, None, id=transfer_id, debit_id=self.source, credit_id=account_id,
            amount_kg=units * UNIT_KG, reason="issue",
        )  # fmt: skip
        self.session.add(
            Block(
                batch_id=batch.id, units=Range(1, units + 1), account_id=account_id,
                origin_id=account_id, state=BlockState.HELD, transfer_id=transfer_id,
            )
        )  # fmt: skip
        self.session.flush()

    @rule(units=st.integers(0, 60), holder=st.integers(0, 1))
    def move(self, units: int, holder: int) -> None:
        move_id = uuid.uuid4()
        from_id, to_id = self.holders[holder], self.holders[1 - holder]
        if self._move(move_id, from_id, to_id, units, BlockState.HELD):
            self.done.append((move_id, from_id, to_id, units))

    @rule(units=st.integers(1, 60), holder=st.integers(0, 1))
    def retire(self, units: int, holder: int) -> None:
        self._move(uuid.uuid4(), self.holders[holder], self.retired, units, BlockState.RETIRED)

    @rule(units=st.integers(1, 60))
    def bring_back_what_was_retired(self, units: int) -> None:
        before = self._total_retired()
        if before:
            assert not self._move(
                uuid.uuid4(), self.retired, self.holders[0], units, BlockState.HELD,
                from_state=BlockState.RETIRED,
            )  # fmt: skip

    @rule()
    def say_the_last_move_again(self) -> None:
        if self.done:
            before = ledger.units_by_state(self.session, self.holders[0])
            move_id, from_id, to_id, units = self.done[-1]
            self._move(move_id, from_id, to_id, units, BlockState.HELD)
            assert ledger.units_by_state(self.session, self.holders[0]) == before

    @rule(units=st.integers(1, 60), holder=st.integers(0, 1), release=st.booleans())
    def reserve_or_release(self, units: int, holder: int, release: bool) -> None:
        states = (BlockState.HELD, BlockState.RESERVED)
        from_state, to_state = states[::-1] if release else states
        try:
            with self.session.begin_nested():
                ledger.change_state(
                    self.session, account_id=self.holders[holder], units=units,
                    from_state=from_state, to_state=to_state, case_id=None,
                )  # fmt: skip
        except Conflict as refusal:
            assert refusal.code == "too_few_units"

    def _move(
        self, id: uuid.UUID, from_id: int, to_id: int, units: int, to_state: BlockState,
        from_state: BlockState = BlockState.HELD,
    ) -> bool:  # fmt: skip
        try:
            with self.session.begin_nested():
                ledger.move_units(
                    self.session, None, id=id, from_id=from_id, to_id=to_id, units=units,
                    from_state=from_state, to_state=to_state, reason="move",
                )  # fmt: skip
            return True
        except (Conflict, Invalid):
            return False

    def _total_retired(self) -> int:
        return self.session.get_one(ledger.Account, self.retired, populate_existing=True).balance_kg

    @invariant()
    def everything_holds(self) -> None:
        assert ledger.verify_ledger(self.session).broken == []
        self.posted.update(self.session.scalars(sa.select(ledger.Transfer.reason)))

    @invariant()
    def retirement_never_shrinks(self) -> None:
        if hasattr(self, "retired"):
            now = self._total_retired()
            assert now >= self.retired_before
            self.retired_before = now

    def teardown(self) -> None:
        self.session.close()
        self.outer.rollback()
        self.connection.close()


@pytest.fixture(scope="module")
def ground(engine: sa.Engine, people: dict[str, Actor]) -> tuple[int, int]:
    """A project and a round to issue under."""
    from datetime import date

    from sinks.crediting.projects import Project
    from sinks.crediting.rounds import MonitoringRound
    from sinks.measurement.layers import Layer

    with db.transaction(people["registrar"], bind=engine) as session:
        project = Project(
            name="p", sink_type="bamboo", district_code="330523", sequence=1,
            method_id="moso-mgmt/1", owner_id=people["clerk"].party_id,
            proposed_by_id=people["clerk"].person_id, baseline_basis="steady_state",
            baseline_co2_t_ha_year=0.0, baseline_u90=0.0,
        )  # fmt: skip
        session.add(project)
        found = [
            Layer(
                name="l", variable="agb", kind="value", unit="Mg/ha", epoch=date(2020 + n, 1, 1),
                phase="on", crs="EPSG:4549", crs_given=False, resolution="20", nodata=None,
                sha256=str(n) * 64, licence="x", source="x",
                person_id=people["officer"].person_id,
            )
            for n in range(2)
        ]  # fmt: skip
        session.add_all(found)
        session.flush()
        row = MonitoringRound(
            project_id=project.id, period_start=date(2020, 1, 1), period_end=date(2021, 1, 1),
            layer_start_id=found[0].id, layer_end_id=found[1].id,
            opened_by_id=people["clerk"].person_id,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return project.id, row.id


def test_the_ledger_holds_under_any_order_of_operations(
    engine: sa.Engine, people: dict[str, Actor], ground: tuple[int, int]
) -> None:
    LedgerMachine.engine, LedgerMachine.people = engine, people
    LedgerMachine.project_id, LedgerMachine.round_id = ground
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(max_examples=30, stateful_step_count=20, deadline=None),
    )
    assert LedgerMachine.posted == {"issue", "move"}


def _account(session: Session, people: dict[str, Actor], units: int) -> int:
    """A holding account with some units, and the transfer that brought them."""
    account = ledger.account(session, AccountKind.HOLDING, party_id=people["clerk"].party_id)
    source = ledger.account(session, AccountKind.ISSUANCE)
    ledger.post(
        session, None, id=uuid.uuid4(), debit_id=source.id, credit_id=account.id,
        amount_kg=units, reason="r",
    )  # fmt: skip
    return account.id


def test_an_id_used_for_something_else_is_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    account_id = _account(session, people, 100)
    target = ledger.account(session, AccountKind.RETIRED).id
    transfer_id = uuid.uuid4()
    wanted = {"id": transfer_id, "debit_id": account_id, "credit_id": target, "reason": "x"}
    first = ledger.post(session, None, amount_kg=40, **wanted)
    assert ledger.post(session, None, amount_kg=40, **wanted).id == first.id
    with pytest.raises(Conflict) as refusal:
        ledger.post(session, None, amount_kg=41, **wanted)
    assert refusal.value.code == "id_used"
    session.expire_all()
    assert session.get_one(ledger.Account, account_id).balance_kg == 60


def test_an_overdraft_is_refused_by_the_database(
    session: Session, people: dict[str, Actor]
) -> None:
    account_id = _account(session, people, 100)
    target = ledger.account(session, AccountKind.RETIRED).id
    with pytest.raises(Conflict) as refusal:
        ledger.post(
            session, None, id=uuid.uuid4(), debit_id=account_id, credit_id=target,
            amount_kg=101, reason="x",
        )  # fmt: skip
    assert refusal.value.code == "overdraft"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfer SET amount_kg = 1",
        "DELETE FROM transfer",
        "TRUNCATE transfer CASCADE",
        "UPDATE account SET balance_kg = 5",
        "DELETE FROM audit_event",
        "UPDATE audit_event SET action = 'x'",
        "UPDATE block SET state = 'held'",
        "DELETE FROM certificate",
        "INSERT INTO land_claim_piece VALUES (1, '((0,0),(1,1),(1,0))', daterange('2020-1-1', null))",
        "SET ROLE sinks_owner",
        "ALTER TABLE transfer DISABLE TRIGGER ALL",
    ],
)
def test_history_cannot_be_changed_by_the_program(session: Session, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        session.execute(text(statement))


def test_opening_an_account_with_a_balance_gives_an_empty_one(
    session: Session, people: dict[str, Actor]
) -> None:
    row = ledger.Account(
        kind=AccountKind.HOLDING, party_id=people["verifier"].party_id, balance_kg=1_000_000
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    assert row.balance_kg == 0


def test_two_that_spend_the_same_units_at_once_do_not_both_succeed(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    import threading

    with db.transaction(people["clerk"], bind=engine) as session:
        account_id = _account(session, people, 100)
        target = ledger.account(session, AccountKind.RETIRED).id
    outcome: list[str] = []

    def spend() -> None:
        try:
            with db.transaction(people["clerk"], bind=engine) as rival:
                ledger.post(
                    rival, None, id=uuid.uuid4(), debit_id=account_id, credit_id=target,
                    amount_kg=80, reason="rival",
                )  # fmt: skip
            outcome.append("spent")
        except Conflict as error:
            outcome.append(error.code)

    with db.transaction(people["clerk"], bind=engine) as holder:
        ledger.post(
            holder, None, id=uuid.uuid4(), debit_id=account_id, credit_id=target, amount_kg=80,
            reason="holder",
        )  # fmt: skip
        thread = threading.Thread(target=spend)
        thread.start()
        with engine.connect() as watcher:
            while not watcher.execute(
                text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            ).scalar_one():
                watcher.rollback()
        assert not outcome
    thread.join()
    assert outcome == ["overdraft"]

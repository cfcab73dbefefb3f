"""The ledger: accounts, transfers in kilograms, and serial blocks.

Two records of one truth. Transfers are double entry in bigint kg CO2e, append-only, with ids the
caller makes. Blocks are ranges of serial units; a movement closes a block and opens the blocks that
tile it. What an account holds in blocks, times the unit, is what it holds in kilograms; only the
remainder account holds kilograms without serials. The database posts balances itself (a trigger
on `transfer`), refuses overdraft, and lets nothing leave a retired account.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import INT8RANGE, ExcludeConstraint, Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core.actor import Actor
from sinks.core.db import Base, Key, RecordedAt, constraint_of
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.crediting import serials
from sinks.crediting.projects import Project
from sinks.crediting.serials import Serial
from sinks.land import parcels

ACCOUNT_LOCK = 7200


class AccountKind(StrEnum):
    ISSUANCE = "issuance"  # Where units come from; the only account below zero.
    HOLDING = "holding"  # A party's, one for each contract, so that each kilogram has its land.
    BUFFER = "buffer"
    REMAINDER = "remainder"  # Kilograms below one unit.
    RETIRED = "retired"


class BlockState(StrEnum):
    HELD = "held"
    RESERVED = "reserved"
    BUFFER = "buffer"
    RETIRED = "retired"


class Account(Base):
    """An account. ``balance_kg`` is kept by the trigger on `transfer` and by nothing else."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("kind = 'issuance' or balance_kg >= 0", name="no_overdraft"),
        Index(
            "account_one_each", "kind", text("coalesce(party_id, 0)"),
            text("coalesce(contract_id, 0)"), text("coalesce(project_id, 0)"), unique=True,
        ),
    )  # fmt: skip

    id: Mapped[Key]
    kind: Mapped[str]
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", use_alter=True))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    balance_kg: Mapped[int] = mapped_column(server_default="0")
    recorded_at: Mapped[RecordedAt]


class Transfer(Base):
    """``amount_kg`` leaves the debit account and enters the credit account. Never changed."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("amount_kg > 0", name="amount_positive"),
        CheckConstraint("debit_id <> credit_id", name="two_accounts"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    debit_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    credit_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    amount_kg: Mapped[int]
    reason: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class Batch(Base):
    """Units of one project and vintage, issued at once."""

    __tablename__ = "batch"
    __table_args__ = (
        CheckConstraint("unit_kg > 0 and units >= 0", name="amounts"),
        UniqueConstraint("project_id", "vintage", "sequence"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"))
    vintage: Mapped[int]
    sequence: Mapped[int]
    unit_kg: Mapped[int]
    units: Mapped[int]
    recorded_at: Mapped[RecordedAt]


class Block(Base):
    """A range of units of a batch in one account and state. Only ``live`` ever changes, to false."""

    __tablename__ = "block"
    __table_args__ = (
        ExcludeConstraint(
            ("batch_id", "="), ("units", "&&"), where=text("live"), name="no_serial_twice"
        ),
        CheckConstraint("not isempty(units)", name="not_empty"),
    )

    id: Mapped[Key]
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), index=True)
    units: Mapped[Range[int]] = mapped_column(INT8RANGE)  # [first, last + 1)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    # The account it was issued to: through every split it tells whose land it came from.
    origin_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    state: Mapped[str]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("court_case.id", use_alter=True))
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("transfer.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("block.id"))
    live: Mapped[bool] = mapped_column(server_default=text("true"))
    recorded_at: Mapped[RecordedAt]

    @property
    def first(self) -> int:
        return int(self.units.lower or 0)

    @property
    def last(self) -> int:
        return int(self.units.upper or 0) - 1

    @property
    def count(self) -> int:
        return self.last - self.first + 1


# The units of a block, in queries.
BLOCK_UNITS = func.upper(Block.units, type_=BigInteger) - func.lower(Block.units, type_=BigInteger)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement on an account; ``change_kg`` is positive when it came in."""

    at: datetime
    reason: str
    change_kg: int
    balance_kg: int


@dataclass(frozen=True, slots=True)
class Check:
    """Result of `verify_ledger`: the sentences that say what does not hold; none is good."""

    transfers: int
    blocks: int
    broken: list[str]


def account(
    session: Session,
    kind: AccountKind,
    *,
    party_id: int | None = None,
    contract_id: int | None = None,
    project_id: int | None = None,
) -> Account:
    """The account of this kind and owner, opened when first needed."""
    query = select(Account).where(
        Account.kind == kind,
        Account.party_id.is_not_distinct_from(party_id),
        Account.contract_id.is_not_distinct_from(contract_id),
        Account.project_id.is_not_distinct_from(project_id),
    )
    found = session.scalar(query)
    if found is not None:
        return found
    row = Account(kind=kind, party_id=party_id, contract_id=contract_id, project_id=project_id)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        if constraint_of(error) != "account_one_each":
            raise
        return session.scalars(query).one()  # Somebody else opened it a moment ago.
    return row


def post(
    session: Session,
    actor: Actor | None,
    *,
    id: UUID,
    debit_id: int,
    credit_id: int,
    amount_kg: int,
    reason: str,
) -> Transfer:
    """Record a transfer once. The same ``id`` again with the same content gives the first one.

    Raises
    ------
    Conflict
        The debited account holds too little or is a retirement account, or the id was used for
        something else.
    """
    if amount_kg <= 0 or isinstance(amount_kg, float):
        raise Invalid("划转数量应为正整数千克。", code="amount")
    wanted = (debit_id, credit_id, amount_kg, reason)
    earlier = session.get(Transfer, id)
    if earlier is None:
        earlier = _insert(session, actor, id, wanted)
    if (earlier.debit_id, earlier.credit_id, earlier.amount_kg, earlier.reason) != wanted:
        raise Conflict("这个划转编号已用于另一笔内容不同的划转。", code="id_used")
    return earlier


def _insert(
    session: Session, actor: Actor | None, id: UUID, wanted: tuple[int, int, int, str]
) -> Transfer:
    debit_id, credit_id, amount_kg, reason = wanted
    row = Transfer(
        id=id,
        debit_id=debit_id,
        credit_id=credit_id,
        amount_kg=amount_kg,
        reason=reason,
        person_id=actor.person_id if actor else None,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        match constraint_of(error):
            case "transfer_pkey":
                return session.get_one(Transfer, id, populate_existing=True)
            case "account_no_overdraft_check":
                held = session.scalar(select(Account.balance_kg).where(Account.id == debit_id))
                raise Conflict(
                    f"账户余额 {held:,} kg，不足 {amount_kg:,} kg。", code="overdraft"
                ) from error
            case "retired_is_final":
                raise Conflict("已注销的碳汇量不能再划转。", code="retired") from error
            case "transfer_debit_id_fkey" | "transfer_credit_id_fkey":
                raise NotFound("没有这个账户。", code="account") from error
            case _:
                raise
    return row


def hold_accounts(session: Session, *account_ids: int) -> None:
    """Make this transaction the only one that moves blocks of these accounts.

    A row lock is not enough: after waiting for it, a query still sees the blocks as they were
    before the other's split, and would miss the children.
    """
    for account_id in sorted(set(account_ids)):
        session.execute(
            text("SELECT pg_advisory_xact_lock(:space, :id)"),
            {"space": ACCOUNT_LOCK, "id": account_id},
        )


def move_units(
    session: Session,
    actor: Actor,
    *,
    id: UUID,
    from_id: int,
    to_id: int,
    units: int,
    from_state: BlockState,
    to_state: BlockState,
    reason: str,
    case_id: int | None = None,
) -> list[Block]:
    """Move units to another account, oldest first, with the transfer of their kilograms.

    Takes the head of the oldest block, so that what was retired stays compact and readable.
    The same ``id`` again gives the blocks of the first time.

    Raises
    ------
    Conflict
        The account holds fewer units in that state.
    """
    hold_accounts(session, from_id, to_id)
    if session.get(Transfer, id) is not None:
        return _of_transfer(session, id)
    taken = _take(session, from_id, units, from_state, case_id)
    amount_kg = sum(count * unit_kg for _, count, unit_kg in taken)
    post(
        session, actor, id=id, debit_id=from_id, credit_id=to_id, amount_kg=amount_kg,
        reason=reason,
    )  # fmt: skip
    return [_cut(session, block, count, to_id, to_state, case_id, id) for block, count, _ in taken]


def change_state(
    session: Session,
    *,
    account_id: int,
    units: int,
    from_state: BlockState,
    to_state: BlockState,
    case_id: int | None,
) -> list[Block]:
    """Put units of one account into another state (reserve, release); no kilogram moves."""
    hold_accounts(session, account_id)
    taken = _take(session, account_id, units, from_state, case_id)
    return [
        _cut(session, block, count, account_id, to_state, case_id, None)
        for block, count, _ in taken
    ]


def _take(
    session: Session, account_id: int, units: int, state: BlockState, case_id: int | None
) -> list[tuple[Block, int, int]]:
    """Blocks to take the units from, oldest vintage first: (block, units of it, unit_kg)."""
    if units <= 0:
        raise Invalid("数量应为正整数个登记单位。", code="units")
    query = (
        select(Block, Batch)
        .join(Batch, Batch.id == Block.batch_id)
        .where(Block.account_id == account_id, Block.state == state, Block.live)
        .order_by(Batch.vintage, Batch.id, func.lower(Block.units))
    )
    if state == BlockState.RESERVED:
        query = query.where(Block.case_id == case_id)
    taken, left = [], units
    for block, batch in session.execute(query):
        if left == 0:
            break
        count = min(left, block.count)
        taken.append((block, count, batch.unit_kg))
        left -= count
    if left:
        raise Conflict(f"可用 {units - left} 个登记单位，不足 {units} 个。", code="too_few_units")
    return taken


def _cut(
    session: Session,
    block: Block,
    count: int,
    to_id: int,
    to_state: BlockState,
    case_id: int | None,
    transfer_id: UUID | None,
) -> Block:
    """Close a block and open the blocks that tile it: the head that moves, the tail that stays."""
    block.live = False
    session.flush()
    split = block.first + count
    head = Block(
        batch_id=block.batch_id,
        units=Range(block.first, split),
        account_id=to_id,
        origin_id=block.origin_id,
        state=to_state,
        case_id=case_id,
        transfer_id=transfer_id,
        parent_id=block.id,
    )
    session.add(head)
    session.flush()  # One by one: SQLAlchemy 2.1.9 cannot insert several rows with a range at once.
    if split <= block.last:
        session.add(
            Block(
                batch_id=block.batch_id,
                units=Range(split, block.last + 1),
                account_id=block.account_id,
                origin_id=block.origin_id,
                state=block.state,
                case_id=block.case_id,
                parent_id=block.id,
            )
        )
    session.flush()
    return head


def _of_transfer(session: Session, transfer_id: UUID) -> list[Block]:
    query = select(Block).where(Block.transfer_id == transfer_id).order_by(Block.id)
    return list(session.scalars(query))


def serial_of(session: Session, block: Block) -> str:
    """The printed serial of a block."""
    batch = session.get_one(Batch, block.batch_id)
    project = session.get_one(Project, batch.project_id)
    return serials.format_serial(
        Serial(
            programme=serials.PROGRAMME,
            county_code=project.district_code,
            type_code=parcels.TYPE_CODES[parcels.SinkType(project.sink_type)],
            project=project.sequence,
            vintage=batch.vintage,
            batch=batch.sequence,
            first=block.first,
            last=block.last,
        )
    )


def units_by_state(session: Session, account_id: int) -> dict[str, int]:
    """Kilograms in live blocks of an account, by state."""
    query = (
        select(Block.state, func.sum(BLOCK_UNITS * Batch.unit_kg))
        .join(Batch, Batch.id == Block.batch_id)
        .where(Block.account_id == account_id, Block.live)
        .group_by(Block.state)
    )
    return {state: int(amount_kg) for state, amount_kg in session.execute(query)}


def blocks_of(session: Session, account_id: int) -> list[tuple[Block, Batch]]:
    """Live blocks of an account, oldest vintage first."""
    query = (
        select(Block, Batch)
        .join(Batch, Batch.id == Block.batch_id)
        .where(Block.account_id == account_id, Block.live)
        .order_by(Batch.vintage, Batch.id, func.lower(Block.units))
    )
    return [(block, batch) for block, batch in session.execute(query)]


def accounts(session: Session, *, party_id: int | None = None) -> list[Account]:
    """Accounts of a party, or all, in the order they were opened."""
    query = select(Account).order_by(Account.id)
    if party_id is not None:
        query = query.where(Account.party_id == party_id)
    return list(session.scalars(query))


def statement(session: Session, account_id: int) -> list[StatementLine]:
    """Every movement on an account with the balance after it, oldest first."""
    query = (
        select(Transfer)
        .where((Transfer.debit_id == account_id) | (Transfer.credit_id == account_id))
        .order_by(Transfer.recorded_at, Transfer.id)
    )
    lines, balance_kg = [], 0
    for row in session.scalars(query):
        change_kg = row.amount_kg if row.credit_id == account_id else -row.amount_kg
        balance_kg += change_kg
        lines.append(StatementLine(row.recorded_at, row.reason, change_kg, balance_kg))
    return lines


def verify_ledger(session: Session) -> Check:
    """Count everything again from the journal and the blocks, and say what does not hold."""
    broken = []
    for sentence, query in CHECKS.items():
        broken += [f"{sentence}：{dict(row._mapping)}" for row in session.execute(text(query))]
    return Check(
        session.scalar(select(func.count()).select_from(Transfer)) or 0,
        session.scalar(select(func.count()).select_from(Block)) or 0,
        broken,
    )


CHECKS = {
    "余额与流水不符": """
        SELECT a.id, a.balance_kg, coalesce(sum(CASE WHEN t.credit_id = a.id THEN t.amount_kg
               ELSE -t.amount_kg END), 0) AS journal_kg
        FROM account a LEFT JOIN transfer t ON a.id IN (t.debit_id, t.credit_id)
        GROUP BY a.id HAVING a.balance_kg <> coalesce(sum(CASE WHEN t.credit_id = a.id
               THEN t.amount_kg ELSE -t.amount_kg END), 0)""",
    "全部账户合计不为零": "SELECT sum(balance_kg) AS kg FROM account HAVING sum(balance_kg) <> 0",
    "编号段与余额不符": """
        SELECT a.id, a.balance_kg, coalesce(sum((upper(b.units) - lower(b.units)) * t.unit_kg), 0)
               AS blocks_kg
        FROM account a LEFT JOIN block b ON b.account_id = a.id AND b.live
             LEFT JOIN batch t ON t.id = b.batch_id
        WHERE a.kind NOT IN ('issuance', 'remainder') GROUP BY a.id
        HAVING a.balance_kg <> coalesce(sum((upper(b.units) - lower(b.units)) * t.unit_kg), 0)""",
    "编号段没有铺满批次": """
        SELECT t.id, t.units, coalesce(sum(upper(b.units) - lower(b.units)), 0) AS in_blocks
        FROM batch t LEFT JOIN block b ON b.batch_id = t.id AND b.live GROUP BY t.id
        HAVING t.units <> coalesce(sum(upper(b.units) - lower(b.units)), 0)""",
    "签发超过核证": """
        SELECT m.id, sum(t.amount_kg) AS issued_kg, (r.result_json::jsonb ->> 'net_co2_t') AS net_t
        FROM monitoring_round m JOIN run r ON r.id = m.run_id
             JOIN transfer t ON t.reason LIKE 'round ' || m.id || ':%'
             JOIN account a ON a.id = t.debit_id AND a.kind = 'issuance'
        GROUP BY m.id, r.result_json
        HAVING sum(t.amount_kg) > (r.result_json::jsonb ->> 'net_co2_t')::numeric * 1000 + 0.001""",
    "注销账户有支出": """
        SELECT t.id FROM transfer t JOIN account a ON a.id = t.debit_id WHERE a.kind = 'retired'""",
}

"""Collection contracts (碳汇收储): a cooperative collects the sink of parcels for a term and a price.

The estimated quantity of a contract is never a credit: it is no block, cannot be sold or retired,
and is shown apart. Land transfer money and collection money are different streams; only the
latter stands here.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, func, select, text
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, refused_in_words, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party
from sinks.crediting import rounds
from sinks.land import parcels, rights
from sinks.land.parcels import Status as ParcelStatus


class Status(StrEnum):
    DRAFTED = "drafted"
    SIGNED = "signed"
    CLOSED = "closed"


# A published figure of 24.5 t a mu and year contradicts the measured 0.39 t; whoever types more
# than this has mistaken a unit (court-market-finance specification, 3.1).
ESTIMATE_T_MU_YEAR_MAX = Decimal(2)


class Contract(Base):
    """One collection contract. Prices are fen; the estimate is kilograms that nobody may retire."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("term_to > term_from", name="term"),
        CheckConstraint("estimate_kg >= 0 and fee_fen_mu_year >= 0", name="amounts"),
        CheckConstraint("net_share > 0 and net_share <= 1", name="net_share"),
        CheckConstraint("signed_by_id <> drafted_by_id", name="two_clerks"),
        CheckConstraint(
            "(status = 'closed') = (ended_on is not null)"
            " and (ended_on is null) = (ended_by_id is null)"
            " and (ended_on is null) = (end_reason is null) and ended_on <= term_to",
            name="ended_whole",
        ),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    cooperative_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    counterparty_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    term_from: Mapped[date]
    term_to: Mapped[date]
    fee_fen_mu_year: Mapped[int]
    # Share of the net revenue that goes to the counterparty.
    net_share: Mapped[Decimal] = mapped_column(Numeric(5, 4))
    estimate_kg: Mapped[int]
    exit_clause: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=Status.DRAFTED.value)
    drafted_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    signed_on: Mapped[date | None]
    recorded_at: Mapped[RecordedAt]
    ended_on: Mapped[date | None]  # The first day it holds nothing any more.
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    end_reason: Mapped[str | None]


class ContractParcel(Base):
    """A parcel under a contract; under one at a time, and under one for any day."""

    __tablename__ = "contract_parcel"
    __table_args__ = (
        Index(
            "contract_parcel_one_standing", "parcel_id",
            unique=True, postgresql_where=text("standing"),
        ),
        ExcludeConstraint(("parcel_id", "="), ("period", "&&"), name="contract_parcel_days"),
    )  # fmt: skip

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    standing: Mapped[bool]
    # Written by the database from the contract: null while it is drafted.
    period: Mapped[Range[date] | None] = mapped_column(DATERANGE)


def draft(
    session: Session,
    actor: Actor,
    *,
    number: str,
    counterparty_id: int,
    parcel_ids: list[int],
    term_from: date,
    term_to: date,
    fee_fen_mu_year: int,
    net_share: Decimal,
    estimate_kg: int,
    exit_clause: str,
) -> Contract:
    """Draft a contract over enrolled parcels.

    Raises
    ------
    Invalid
        An empty field, a term that runs backwards, an estimate beyond reason.
    Conflict
        A parcel is not enrolled, is under another contract on a day of the term, or the counterparty
        holds no reviewed right on it, or one that ends before the term.
    """
    actor.require(Role.COOPERATIVE)
    if not number.strip() or not exit_clause.strip() or not parcel_ids:
        raise Invalid("合同编号、退出条款和地块都要填写。", code="contract")
    if term_to <= term_from:
        raise Invalid("合同期限的终止日应晚于起始日。", code="term")
    if not 0 < net_share <= 1 or estimate_kg < 0 or fee_fen_mu_year < 0:
        raise Invalid("分成比例应在 0 到 1 之间，价格和预估量不能为负。", code="terms")
    area_m2 = 0.0
    for parcel_id in sorted(parcel_ids):
        area_m2 += _refuse_unfit(session, parcel_id, counterparty_id, term_to)
    _refuse_taken(session, parcel_ids, term_from, term_to)
    _refuse_unreasonable(estimate_kg, area_m2, term_from, term_to)
    row = Contract(
        number=number.strip(),
        cooperative_id=actor.party_id,
        counterparty_id=counterparty_id,
        term_from=term_from,
        term_to=term_to,
        fee_fen_mu_year=fee_fen_mu_year,
        net_share=net_share,
        estimate_kg=estimate_kg,
        exit_clause=exit_clause.strip(),
        drafted_by_id=actor.person_id,
    )
    used = Conflict(f"合同编号 {row.number} 已被使用。", code="contract_number")
    with refused_in_words(session, {"contract_number_key": used}):
        session.add(row)
    session.add_all(
        ContractParcel(contract_id=row.id, parcel_id=parcel_id, standing=False)
        for parcel_id in parcel_ids
    )
    session.flush()
    audit.record(
        session, actor, "contract.draft", f"contract:{row.id}", {"parcels": len(parcel_ids)}
    )
    return row


def _refuse_unfit(session: Session, parcel_id: int, counterparty_id: int, term_to: date) -> float:
    """Refuse a parcel that this counterparty cannot bring in for this term; give its area [m2]."""
    parcel = parcels.locked(session, parcel_id)
    if parcel.status != ParcelStatus.ENROLLED:
        raise Conflict(
            f"{parcel.code} 现为“{parcels.STATUS_ZH[ParcelStatus(parcel.status)]}”，"
            "只有已入库、未签合同的地块可以收储。",
            code="not_enrolled",
        )
    held = [
        row for row, _ in rights.of_parcel(session, parcel_id)
        if row.party_id == counterparty_id and row.reviewed_at
    ]  # fmt: skip
    if not held:
        raise Conflict(f"对方在 {parcel.code} 上没有已审的权利。", code="no_right")
    if all(row.term_to and row.term_to < term_to for row in held):
        raise Conflict(f"{parcel.code} 的权利在合同期满前到期。", code="right_too_short")
    return parcels.present_version(session, parcel_id).area_m2


def _refuse_taken(session: Session, parcel_ids: list[int], start: date, end: date) -> None:
    """Refuse a term with a day on which another contract holds one of the parcels."""
    taken = session.execute(
        select(
            parcels.Parcel.code,
            func.lower(ContractParcel.period),
            func.upper(ContractParcel.period),
        )
        .join(parcels.Parcel, parcels.Parcel.id == ContractParcel.parcel_id)
        .where(
            ContractParcel.parcel_id.in_(parcel_ids),
            ContractParcel.period.overlaps(Range(start, end)),
        )
        .order_by(parcels.Parcel.code)
        .limit(1)
    ).one_or_none()
    if taken:
        code, taken_from, taken_to = taken
        raise Conflict(
            f"{code} 在 {taken_from} 至 {taken_to}（不含末日）已由另一份收储合同收储。"
            f"新合同的期限不能含有这些日子。",
            code="contract_days",
        )


def _refuse_unreasonable(estimate_kg: int, area_m2: float, start: date, end: date) -> None:
    mu_years = Decimal(area_m2) * 15 / 10_000 * Decimal((end - start).days) / Decimal("365.25")
    if Decimal(estimate_kg) / 1000 > ESTIMATE_T_MU_YEAR_MAX * mu_years:
        raise Invalid(
            f"预估量超过每亩每年 {ESTIMATE_T_MU_YEAR_MAX} 吨，请检查单位（千克、吨）。",
            code="estimate",
        )


def sign(session: Session, actor: Actor, contract_id: int) -> Contract:
    """A second clerk of the cooperative records that both sides have signed on paper."""
    actor.require(Role.COOPERATIVE)
    row = session.get(Contract, contract_id, with_for_update=True, populate_existing=True)
    if row is None or row.cooperative_id != actor.party_id:
        raise NotFound("没有这份合同。", code="contract")
    if row.status != Status.DRAFTED:
        raise Conflict("合同已签订或已结束。", code="step")
    if row.drafted_by_id == actor.person_id:
        raise NotPermitted("起草人不能登记签订，须由另一位经办复核。", code="two_people")
    for member in members(session, contract_id):
        parcel = parcels.locked(session, member.parcel_id)
        if parcel.status != ParcelStatus.ENROLLED:
            raise Conflict(
                f"{parcel.code} 现为“{parcels.STATUS_ZH[ParcelStatus(parcel.status)]}”，合同不能签订。",
                code="not_enrolled",
            )
    taken = Conflict(
        "合同中有地块在这个期限内已由另一份收储合同收储，不能签订。请改期限重新起草。",
        code="contract_days",
    )
    with refused_in_words(session, {"contract_parcel_days": taken}):
        row.status, row.signed_by_id = Status.SIGNED, actor.person_id
        row.signed_on = today(session)
    for member in members(session, contract_id):
        parcels.step(
            session, actor, member.parcel_id, ParcelStatus.UNDER_CONTRACT,
            {"contract": row.number},
        )  # fmt: skip
        member.standing = True
    session.flush()
    audit.record(session, actor, "contract.sign", f"contract:{contract_id}", {})
    return row


def end(session: Session, actor: Actor, contract_id: int, *, reason: str) -> Contract:
    """A clerk of the cooperative records that a signed contract has ended, and why.

    It ends with its term where that is over, else today. Its parcels are enrolled again and may be
    collected anew for the days after; what was issued stays, and so do the days before.

    Raises
    ------
    Conflict
        ``step``: the contract is not signed. ``round_open``: a round that goes beyond its end has
        not been issued.
    """
    actor.require(Role.COOPERATIVE)
    if not reason.strip():
        raise Invalid("请写明合同终止的原因。", code="reason")
    row = session.get(Contract, contract_id, with_for_update=True, populate_existing=True)
    if row is None or row.cooperative_id != actor.party_id:
        raise NotFound("没有这份合同。", code="contract")
    if row.status != Status.SIGNED:
        raise Conflict("合同尚未签订，或已经终止。", code="step")
    standing = [member for member in members(session, contract_id) if member.standing]
    for member in standing:
        # A round takes its parcels in by the same lock: the one waits and then sees the other.
        parcels.locked(session, member.parcel_id)
    unissued = Conflict(
        "合同的地块在尚未签发的监测期中，监测期超出合同终止日。请先办完该监测期，再终止合同。",
        code="round_open",
    )
    with refused_in_words(session, {"contract_round_open": unissued}):
        row.status, row.ended_on = Status.CLOSED, min(row.term_to, today(session))
        row.ended_by_id, row.end_reason = actor.person_id, reason.strip()
    detail = {"contract": row.number, "reason": row.end_reason}
    for member in standing:
        member.standing = False
        parcels.leave_contract(session, actor, member.parcel_id, detail)
    session.flush()
    audit.record(
        session, actor, "contract.end", f"contract:{contract_id}",
        {"reason": row.end_reason, "ended_on": row.ended_on.isoformat()},
    )  # fmt: skip
    return row


def members(session: Session, contract_id: int) -> list[ContractParcel]:
    """The parcels of a contract."""
    query = select(ContractParcel).where(ContractParcel.contract_id == contract_id)
    return list(session.scalars(query.order_by(ContractParcel.parcel_id)))


def holders(session: Session, round_id: int) -> dict[int, tuple[int, int]]:
    """Parcel id -> (contract id, cooperative's party id), for the round's parcels that one contract
    held for its whole period: what was taken up before its term or after its end is not the
    cooperative's, and what was taken up while it stood is, also when it has ended since."""
    row = rounds.get(session, round_id)
    parcel_ids = [member.parcel_id for member in rounds.round_parcels(session, round_id)]
    rows = session.execute(
        select(ContractParcel.parcel_id, Contract.id, Contract.cooperative_id)
        .join(Contract, Contract.id == ContractParcel.contract_id)
        .where(
            ContractParcel.parcel_id.in_(parcel_ids),
            ContractParcel.period.contains(Range(row.period_start, row.period_end)),
        )
    )
    return {parcel_id: (contract_id, party_id) for parcel_id, contract_id, party_id in rows}


def of_parcel(session: Session, parcel_id: int) -> Contract | None:
    """The contract that stands over a parcel, or None."""
    return session.scalar(
        select(Contract)
        .join(ContractParcel, ContractParcel.contract_id == Contract.id)
        .where(ContractParcel.parcel_id == parcel_id, ContractParcel.standing)
    )


def listing(
    session: Session, *, party_id: int | None = None, search: str = "", limit: int | None = None
) -> list[tuple[Contract, Party]]:
    """Contracts with their counterparties, newest first; of one cooperative if named.

    search : in the number or the counterparty's name
    """
    query = (
        select(Contract, Party)
        .join(Party, Party.id == Contract.counterparty_id)
        .order_by(Contract.id.desc())
        .limit(limit)
    )
    if party_id is not None:
        query = query.where(Contract.cooperative_id == party_id)
    if search:
        query = query.where(
            Contract.number.icontains(search, autoescape=True)
            | Party.name.icontains(search, autoescape=True)
        )
    return [(row, party) for row, party in session.execute(query)]


def count(session: Session, *, party_id: int | None = None) -> int:
    """How many contracts there are; of one cooperative if named."""
    query = select(func.count()).select_from(Contract)
    if party_id is not None:
        query = query.where(Contract.cooperative_id == party_id)
    return session.scalar(query) or 0


def extents(session: Session, contract_ids: list[int]) -> dict[int, tuple[int, float]]:
    """Contract id -> how many parcels it names, and their land as it is drawn now [m2]."""
    rows = session.execute(
        select(ContractParcel.contract_id, func.count(), func.sum(parcels.ParcelVersion.area_m2))
        .join(parcels.ParcelVersion, parcels.ParcelVersion.parcel_id == ContractParcel.parcel_id)
        .where(
            ContractParcel.contract_id.in_(contract_ids), parcels.ParcelVersion.valid_to.is_(None)
        )
        .group_by(ContractParcel.contract_id)
    )
    found = {contract_id: (number, float(area_m2)) for contract_id, number, area_m2 in rows}
    return {contract_id: found.get(contract_id, (0, 0.0)) for contract_id in contract_ids}

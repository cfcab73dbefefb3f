"""Issuance: a recorded round becomes serial blocks, once.

A quantity becomes an integer here and nowhere else, rounded down to kilograms; the buffer's part
is rounded up; what is below one unit goes to the remainder account of its contract. Each contract
gets its own range of serials, so that every kilogram can be followed back to its land.

The vintage is the calendar year in which the carbon was taken up. A round over several years is
split by days; the parts are whole kilograms and add up to the whole (largest remainder). A parcel
is credited once for a pool and a day (`no_credit_twice`), so that rounds may meet on any day.
"""

import dataclasses
import math
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import CheckConstraint, ForeignKey, func, select
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, Session, mapped_column

from methodologies import catalogue
from sinks.core import audit, policies
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, refused_in_words
from sinks.core.errors import Conflict, NotPermitted
from sinks.crediting import ledger, projects, round_policies, rounds
from sinks.crediting.ledger import AccountKind, Batch, Block, BlockState
from sinks.crediting.rounds import MonitoringRound
from sinks.land import marks, parcels
from sinks.measurement import runs
from sinks.measurement.runs import Run

NAMESPACE = UUID("5f0d0f3e-7a55-4b11-9a3f-2f0a1d3c7b10")


class ParcelCredit(Base):
    """What one parcel was credited for one pool and the days of one year: no day twice, across
    all programmes."""

    __tablename__ = "parcel_credit"
    __table_args__ = (
        ExcludeConstraint(
            ("parcel_id", "="), ("pool", "="), ("period", "&&"), name="no_credit_twice"
        ),
        CheckConstraint(
            "not isempty(period) and period <@ daterange(make_date(vintage::int, 1, 1),"
            " make_date(vintage::int + 1, 1, 1))",
            name="within_vintage",
        ),
    )

    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    pool: Mapped[str] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"), primary_key=True)
    vintage: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[Range[date]] = mapped_column(DATERANGE)
    programme: Mapped[str]
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", use_alter=True))
    amount_kg: Mapped[int]


@dataclass(frozen=True, slots=True)
class Line:
    """The kilograms of one vintage for one holder (a contract, or the owner without one)."""

    vintage: int
    contract_id: int | None
    party_id: int
    amount_kg: int


@dataclass(frozen=True, slots=True)
class Issued:
    """What an issuance did [kg CO2e].

    withheld_kg : measured on parcels that were withdrawn since the round opened; never issued
    """

    holders_kg: int
    buffer_kg: int
    remainder_kg: int
    withheld_kg: int


def issue(
    session: Session, actor: Actor, round_id: int, *, contract_of: dict[int, tuple[int, int]]
) -> Issued:
    """Issue a recorded round as serial blocks.

    contract_of : parcel id -> (contract id, party that holds it); parcels without one belong to
        the project's owner. The cooperative's room gives it (`contracts.holders`).

    Raises
    ------
    PolicyMissing
        Names what the registrar has still to decide.
    Conflict
        The run used other policy values than those in force, refuses, or leaves nothing; a parcel
        was credited for a day of the period before, or its sink is not the owner's any more.
    NotPermitted
        One of the other three people of the claim.
    """
    actor.require(Role.REGISTRAR)
    row = rounds.locked(session, round_id)
    if actor.person_id in (row.proposed_by_id, row.verified_by_id, row.recorded_by_id):
        raise NotPermitted("申报、核证、备案与签发须由四个不同的人办理。", code="four_people")
    values = {
        key: policy.value
        for key, policy in policies.in_force(
            session, *required_policies(rounds.method_of(session, row))
        ).items()
    }
    run = runs.get(session, row.run_id or 0)
    _refuse_unissuable(session, run, values)
    kg_by_parcel = {item.parcel_id: item.issuable_kg for item in runs.parcels_of(session, run.id)}
    # Held, so that two rounds of one project do not number the same batch.
    project = projects.locked(session, row.project_id)
    buffer_kg = whole_kg(run.result["net_co2_t"]) - sum(kg_by_parcel.values())
    standing = {
        parcel_id: amount_kg
        for parcel_id, amount_kg in kg_by_parcel.items()
        if _stands(session, parcel_id)
    }
    if not sum(standing.values()):
        raise Conflict("本监测期的地块都已退出，没有可签发的量。", code="nothing_to_issue")
    projects.refuse_unheld(
        session, project.owner_id, list(standing), row.period_start, row.period_end
    )
    # What is withheld has no part in the buffer either.
    buffer_kg = buffer_kg * sum(standing.values()) // sum(kg_by_parcel.values())
    # After every refusal and before every consequence.
    rounds.mark_issued(session, actor, row)
    withheld_kg = sum(kg_by_parcel.values()) - sum(standing.values())
    lines = _credit_parcels(session, row, project.owner_id, standing, contract_of)
    by_vintage = _split(buffer_kg, shares_of(vintages(row.period_start, row.period_end)))
    totals = _post(session, actor, row, int(values["unit_kg"]), lines, by_vintage)
    issued = Issued(totals["holders"], totals["buffer"], totals["remainder"], withheld_kg)
    audit.record(session, actor, "round.issued", f"round:{round_id}", dataclasses.asdict(issued))
    return issued


def required_policies(method_id: str) -> tuple[str, ...]:
    """The keys of every policy that has to be in force before a round by this method is issued."""
    keys = (*round_policies.needed(method_id).values(), "notice_days.round")
    if catalogue.method(method_id).by_round != "records":
        return (*keys, "plot_days_max")
    return keys


def whole_kg(co2_t: float) -> int:
    """Round down to whole kilograms: the ledger never creates what was not measured.

    The 1e-6 kg are the noise of the multiplication, not a quantity.
    """
    return math.floor(round(co2_t * 1000.0, 6))


def _refuse_unissuable(session: Session, run: Run, values: dict[str, Any]) -> None:
    if not run.policies_in_force:
        raise Conflict("核算时有政策尚未生效，请重新核算、公示并核证。", code="remeasure")
    result = run.result
    if result["refusals"]:
        reasons = "；".join(item["message"] for item in result["refusals"])
        raise Conflict(f"核算结果不能签发：{reasons}", code="refused_by_method")
    used = run.input["policy"]
    for name, key in round_policies.POLICIES_OF[run.method_id].items():
        if used[name] != values[key]:
            raise Conflict(
                f"政策“{policies.KINDS[key].title_zh}”在核算后已改变，请重新核算。",
                code="remeasure",
            )
    for name, key in round_policies.where_decided(run.method_id).items():
        row = policies.find(session, key)
        if used.get(name) != (None if row is None else row.value):
            raise Conflict(
                f"政策“{policies.KINDS[key].title_zh}”在核算后已改变，请重新核算。",
                code="remeasure",
            )
    if result["issuable_kg"] <= 0:
        raise Conflict(
            "扣减不确定性和缓冲后没有可签发的量。常见原因：样地太少，或两期生物量之差小于其误差。",
            code="nothing_to_issue",
        )


def vintages(start: date, end: date) -> dict[int, tuple[date, date]]:
    """The part [first, after) of each calendar year in [start, end): the vintage is the year of
    removal."""
    found = {}
    for year in range(start.year, end.year + 1):
        first, after = max(start, date(year, 1, 1)), min(end, date(year + 1, 1, 1))
        if after > first:
            found[year] = (first, after)
    return found


def shares_of(periods: dict[int, tuple[date, date]]) -> dict[int, Fraction]:
    """The share of each vintage in all the days together."""
    days = {year: (after - first).days for year, (first, after) in periods.items()}
    return {year: Fraction(count, sum(days.values())) for year, count in days.items()}


def _split(amount_kg: int, shares: dict[int, Fraction]) -> dict[int, int]:
    """Integer parts by share, exact in sum; the odd kilograms to the largest remainders, ties to
    the earlier year."""
    exact = {year: amount_kg * share for year, share in shares.items()}
    parts = {year: math.floor(value) for year, value in exact.items()}
    odd = amount_kg - sum(parts.values())
    for year in sorted(exact, key=lambda year: (parts[year] - exact[year], year))[:odd]:
        parts[year] += 1
    return parts


def _credit_parcels(
    session: Session,
    row: MonitoringRound,
    owner_id: int,
    kg_by_parcel: dict[int, int],
    contract_of: dict[int, tuple[int, int]],
) -> list[Line]:
    """Write down each parcel's credit, and give the sums by vintage and holder."""
    sums: dict[tuple[int, int, int], int] = {}
    periods = vintages(row.period_start, row.period_end)
    shares = shares_of(periods)
    pool = catalogue.method(rounds.method_of(session, row)).pool
    twice = Conflict(
        "有地块在本监测期的某些日子里、同一碳库已计入过，不能重复计入。", code="credited_twice"
    )
    with refused_in_words(session, {"no_credit_twice": twice}):
        for parcel_id, amount_kg in kg_by_parcel.items():
            contract_id, party_id = contract_of.get(parcel_id, (0, owner_id))
            for vintage, part_kg in _split(amount_kg, shares).items():
                key = (vintage, contract_id, party_id)
                sums[key] = sums.get(key, 0) + part_kg
                session.add(
                    ParcelCredit(
                        parcel_id=parcel_id,
                        pool=pool,
                        round_id=row.id,
                        vintage=vintage,
                        period=Range(*periods[vintage]),
                        programme="HZ",
                        contract_id=contract_id or None,
                        amount_kg=part_kg,
                    )
                )
    return [
        Line(vintage, contract_id or None, party_id, amount_kg)
        for (vintage, contract_id, party_id), amount_kg in sorted(sums.items())
    ]


def _stands(session: Session, parcel_id: int) -> bool:
    """Whether a parcel may still be credited. One withdrawn since the round opened is debited:
    its kilograms stay in the run and are never issued.

    Raises
    ------
    Conflict
        The parcel is suspended or in doubt: what it earns is not settled, so nothing of the round
        is issued.
    """
    parcel = parcels.locked(session, parcel_id)
    if parcel.status == parcels.Status.SUSPENDED:
        raise Conflict(
            f"地块 {parcel.code} 已暂停，恢复或退出之后才能签发本监测期。",
            code="parcel_not_standing",
        )
    if parcel.status != parcels.Status.WITHDRAWN:
        marks.refuse_in_doubt(session, parcel_id)
    return parcel.status != parcels.Status.WITHDRAWN


def _post(
    session: Session,
    actor: Actor,
    row: MonitoringRound,
    unit_kg: int,
    lines: list[Line],
    buffer_kg: dict[int, int],
) -> dict[str, int]:
    """Post every vintage; give the kilograms that went to holders, buffer and remainders."""
    totals = {"holders": 0, "buffer": 0, "remainder": 0}
    source = ledger.account(session, AccountKind.ISSUANCE)
    for vintage, vintage_buffer_kg in buffer_kg.items():
        mine = [line for line in lines if line.vintage == vintage]
        units = sum(line.amount_kg // unit_kg for line in mine) + vintage_buffer_kg // unit_kg
        batch = Batch(
            project_id=row.project_id,
            round_id=row.id,
            vintage=vintage,
            sequence=_next_batch(session, row.project_id, vintage),
            unit_kg=unit_kg,
            units=units,
        )
        session.add(batch)
        session.flush()
        buffer = Line(vintage, None, 0, vintage_buffer_kg)
        first = 1
        for line in (*mine, buffer):
            first = _post_line(session, actor, row, batch, source.id, line, first, totals)
    return totals


def _post_line(
    session: Session,
    actor: Actor,
    row: MonitoringRound,
    batch: Batch,
    source_id: int,
    line: Line,
    first: int,
    totals: dict[str, int],
) -> int:
    """Post one holder's units and remainder; give the next free unit of the batch."""
    is_buffer = line.party_id == 0
    units, rest_kg = divmod(line.amount_kg, batch.unit_kg)
    name = "buffer" if is_buffer else f"contract {line.contract_id or 0}"
    if is_buffer:
        target = ledger.account(session, AccountKind.BUFFER, project_id=row.project_id)
    else:
        target = ledger.account(
            session, AccountKind.HOLDING, party_id=line.party_id, contract_id=line.contract_id
        )
    if units:
        transfer_id = uuid5(NAMESPACE, f"{row.id}/{batch.vintage}/{name}")
        ledger.post(
            session, actor, id=transfer_id, debit_id=source_id, credit_id=target.id,
            amount_kg=units * batch.unit_kg,
            reason=f"round {row.id}: {batch.vintage} {name}",
        )  # fmt: skip
        session.add(
            Block(
                batch_id=batch.id,
                units=Range(first, first + units),
                account_id=target.id,
                origin_id=target.id,
                state=BlockState.BUFFER if is_buffer else BlockState.HELD,
                transfer_id=transfer_id,
            )
        )
        totals["buffer" if is_buffer else "holders"] += units * batch.unit_kg
    if rest_kg:
        remainder = ledger.account(
            session, AccountKind.REMAINDER, party_id=line.party_id or None,
            contract_id=line.contract_id, project_id=row.project_id,
        )  # fmt: skip
        ledger.post(
            session, actor, id=uuid5(NAMESPACE, f"{row.id}/{batch.vintage}/{name}/rest"),
            debit_id=source_id, credit_id=remainder.id, amount_kg=rest_kg,
            reason=f"round {row.id}: {batch.vintage} {name} below one unit",
        )  # fmt: skip
        totals["remainder"] += rest_kg
    session.flush()
    return first + units


def _next_batch(session: Session, project_id: int, vintage: int) -> int:
    last = session.scalar(
        select(func.max(Batch.sequence)).where(
            Batch.project_id == project_id, Batch.vintage == vintage
        )
    )
    return (last or 0) + 1


def credits_of_parcel(session: Session, parcel_id: int) -> list[ParcelCredit]:
    """What a parcel has been credited, in order of time."""
    query = select(ParcelCredit).where(ParcelCredit.parcel_id == parcel_id)
    return list(session.scalars(query.order_by(ParcelCredit.period)))


def batches_of_round(session: Session, round_id: int) -> list[Batch]:
    """The batches a round was issued as."""
    query = select(Batch).where(Batch.round_id == round_id).order_by(Batch.vintage)
    return list(session.scalars(query))

"""What runs out: rights on parcels and collection contracts whose term ends soon, in one list.

A contract over land whose right has run out collects from somebody who has nothing left to give
(农村土地承包法 38: no longer than what is left of the contracted term).
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cooperative.contracts import Contract, ContractParcel, Status
from sinks.core.actor import Actor, Role
from sinks.core.db import today
from sinks.core.errors import Invalid
from sinks.core.people import Party, PartyKind, masked
from sinks.land import rights
from sinks.land.parcels import Parcel

MONTHS = 12
MONTHS_MAX = 600
# Who reads the names of households written out; the others read them masked.
READS_NAMES = frozenset({Role.OFFICER, Role.COOPERATIVE, Role.AUDITOR})
READERS = (Role.OFFICER, Role.COOPERATIVE, Role.AUTHORITY, Role.REGISTRAR, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class Expiring:
    """One term that ends. ``term_to`` is the first day it no longer holds.

    what : ``right`` or ``contract``; paper : the number of its certificate or of the contract
    title : the kind of right; None for a contract
    """

    what: str
    paper: str
    title: str | None
    parcel_ids: tuple[int, ...]
    parcel_codes: tuple[str, ...]
    party_name: str
    term_to: date
    days_left: int


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last of a shorter one."""
    if not 0 <= months <= MONTHS_MAX:
        raise Invalid(f"月数应在 0 到 {MONTHS_MAX} 之间。", code="months")
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def listing(session: Session, actor: Actor, months: int = MONTHS) -> list[Expiring]:
    """Rights and signed contracts that end within so many months, or have ended, soonest first."""
    actor.require(*READERS)
    day = today(session)
    until = months_after(day, months)
    found = [
        Expiring(
            "right", row.certificate_no, rights.RIGHT_ZH[row.kind], (row.parcel_id,), (row.code,),
            _name(actor, row.party_name, row.party_kind), row.term_to, (row.term_to - day).days,
        )
        for row in rights.expiring(session, until)
    ]  # fmt: skip
    contracts = session.execute(
        select(Contract, Party)
        .join(Party, Party.id == Contract.counterparty_id)
        .where(Contract.term_to <= until, Contract.status == Status.SIGNED)
    ).all()
    for contract, party in contracts:
        members = session.execute(
            select(Parcel.id, Parcel.code)
            .join(ContractParcel, ContractParcel.parcel_id == Parcel.id)
            .where(ContractParcel.contract_id == contract.id)
            .order_by(Parcel.code)
        ).all()
        found.append(
            Expiring(
                "contract", contract.number, None, tuple(one.id for one in members),
                tuple(one.code for one in members), _name(actor, party.name, party.kind),
                contract.term_to, (contract.term_to - day).days,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (one.term_to, one.what, one.paper))


def _name(actor: Actor, name: str, kind: str) -> str:
    if kind == PartyKind.HOUSEHOLD and not actor.roles & READS_NAMES:
        return masked(name)
    return name

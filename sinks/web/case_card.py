"""The file of a court case: all that its screen shows, read in one transaction, as plain values.

Row-level security has decided before who sees the case at all; here the defendant's name is masked
for everybody but the court, and the documents on file are listed.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cooperative.contracts import Contract
from sinks.core import audit, people
from sinks.core.actor import Actor, Role
from sinks.core.documents import Document
from sinks.core.errors import NotFound
from sinks.core.people import Party, masked
from sinks.crediting import ledger
from sinks.crediting.ledger import Account, AccountKind, BlockState
from sinks.restoration import cases
from sinks.restoration.cases import CaseLock, CourtCase


@dataclass(frozen=True, slots=True)
class Site:
    """The damaged site; ``boundary`` is GeoJSON."""

    area_m2: float
    boundary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The signed assessment, whole."""

    input: dict[str, Any]
    result: dict[str, Any]
    basis: str
    layer_sha256: str | None
    signed_by: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """The decision: the units to retire, and apart from them the duty to restore."""

    decision_kind: str
    decided_on: date
    effective_on: date
    legal_basis: str
    quantity_kg: int
    price_fen_t: int | None
    restoration_duty: str
    restoration_done: bool
    kind_exception: str | None


@dataclass(frozen=True, slots=True)
class Paper:
    """A document on file."""

    id: int
    kind: str
    name: str
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A case. ``steps`` gives the moment of each step taken, by the name of its audit action."""

    id: int
    case_no: str
    court: str
    defendant: str
    cause: str
    damage: str
    status: str
    appraiser: str | None
    seller: str | None
    steps: dict[str, datetime]
    site: Site | None
    assessment: Assessment | None
    order: Order | None
    locked_kg: int
    papers: list[Paper]
    certificate_no: str | None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list."""

    id: int
    case_no: str
    court: str
    defendant: str
    cause: str
    status: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Supply:
    """A holding account that could serve an order: what it holds, in which unit, of which contract."""

    account_id: int
    contract_no: str | None
    held_kg: int
    unit_kg: int


def listing(session: Session, actor: Actor) -> list[CaseLine]:
    """The cases this person takes part in, newest first."""
    return [
        CaseLine(
            row.id, row.case_no, _name(session, row.court_id) or "", _defendant(row, actor),
            row.cause, row.status, row.recorded_at,
        )
        for row in cases.listing(session)
    ]  # fmt: skip


def card(session: Session, actor: Actor, case_id: int) -> CaseCard:
    """One case.

    Raises
    ------
    NotFound
        No such case, or this person takes no part in it.
    """
    row = session.get(CourtCase, case_id)
    if row is None:
        raise NotFound("没有这个案件。", code="case")
    site = cases.site_of(session, case_id)
    lock = session.get(CaseLock, case_id)
    certificate = cases.certificate_of(session, case_id)
    return CaseCard(
        id=row.id,
        case_no=row.case_no,
        court=_name(session, row.court_id) or "",
        defendant=_defendant(row, actor),
        cause=row.cause,
        damage=row.damage,
        status=row.status,
        appraiser=_name(session, row.appraiser_id),
        seller=_name(session, row.seller_id),
        steps={event.action: event.at for event in audit.history(session, f"case:{case_id}")},
        site=Site(site.area_m2, dict(cases.site_boundary(site).__geo_interface__))
        if site
        else None,
        assessment=_assessment(session, case_id),
        order=_order(session, case_id),
        locked_kg=lock.units * lock.unit_kg if lock else 0,
        papers=_papers(session, case_id),
        certificate_no=certificate.number if certificate else None,
    )


def supplies(session: Session, party_id: int) -> list[Supply]:
    """Holding accounts of a party that hold something, by contract."""
    numbers = {row.id: row.number for row in session.execute(select(Contract.id, Contract.number))}
    found = []
    for account in ledger.accounts(session, party_id=party_id):
        if account.kind == AccountKind.HOLDING and (supply := _supply(session, account, numbers)):
            found.append(supply)
    return found


def _supply(session: Session, account: Account, numbers: dict[int, str]) -> Supply | None:
    held = [
        (block, batch) for block, batch in ledger.blocks_of(session, account.id)
        if block.state == BlockState.HELD
    ]  # fmt: skip
    if not held:
        return None
    return Supply(
        account.id,
        numbers.get(account.contract_id or 0),
        sum(block.count * batch.unit_kg for block, batch in held),
        held[0][1].unit_kg,
    )


def _defendant(row: CourtCase, actor: Actor) -> str:
    mine = Role.COURT in actor.roles and row.court_id == actor.party_id
    return row.defendant if mine else masked(row.defendant)


def _name(session: Session, party_id: int | None) -> str | None:
    return session.get_one(Party, party_id).name if party_id else None


def _assessment(session: Session, case_id: int) -> Assessment | None:
    row = cases.assessment_of(session, case_id)
    if row is None:
        return None
    signed_by = people.name_of(session, row.signed_by_id)
    return Assessment(
        row.input, row.result, row.basis, row.layer_sha256, signed_by, row.recorded_at
    )


def _order(session: Session, case_id: int) -> Order | None:
    row = cases.order_of(session, case_id)
    if row is None:
        return None
    return Order(
        row.decision_kind, row.decided_on, row.effective_on, row.legal_basis, row.quantity_kg,
        row.price_fen_t, row.restoration_duty, row.restoration_done, row.kind_exception,
    )  # fmt: skip


def _papers(session: Session, case_id: int) -> list[Paper]:
    query = select(Document).where(Document.subject == f"case:{case_id}").order_by(Document.id)
    return [Paper(row.id, row.kind, row.name, row.recorded_at) for row in session.scalars(query)]

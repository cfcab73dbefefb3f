"""The card of a parcel: all that its screen shows, read in one transaction, as plain values.

Names of households are written out for those who work with them; others read a masked name.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cooperative import contracts
from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.errors import NotFound
from sinks.core.people import Party, PartyKind, masked
from sinks.crediting import issuance, projects, rounds
from sinks.land import marks, parcel_list, rights
from sinks.land.parcel_list import ParcelRow
from sinks.land.parcels import Parcel, ParcelVersion
from sinks.land.rights import CertificateKind, RightKind
from sinks.measurement import runs

# Who draws, reviews, contracts, verifies and audits reads whose land it is.
READS_NAMES = frozenset({Role.OFFICER, Role.COOPERATIVE, Role.VERIFIER, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Holder:
    """One right on the parcel. ``reviewed_at`` is None until a second officer has accepted it."""

    right_id: int
    party_name: str
    kind: RightKind
    share: Decimal
    certificate_kind: CertificateKind
    certificate_no: str
    term_from: date | None
    term_to: date | None
    reviewed_at: datetime | None
    added_by_id: int


@dataclass(frozen=True, slots=True)
class Mark:
    """An open doubt. ``other_code`` names the parcel it is shared with."""

    mark_id: int
    code: str
    message: str
    other_id: int | None
    other_code: str | None
    area_m2: float | None


@dataclass(frozen=True, slots=True)
class Version:
    """An outline the parcel has or had, as areas [m2] and dates."""

    area_m2: float
    declared_area_m2: float | None
    source_name: str
    geometry_sha256: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the newest run gave the parcel: its share of the net change [tCO2e].

    round_co2_t, round_stderr_co2_t : the whole round, before deduction, with one standard deviation
    map_agb_t_ha_start, map_agb_t_ha_end, valid_share : None where it was measured by records
    in_force : whether every policy it was calculated with is in force
    """

    co2_t: float
    issuable_kg: int
    period_start: date
    period_end: date
    round_id: int
    round_status: str
    round_co2_t: float
    round_stderr_co2_t: float | None
    round_parcels: int
    project_id: int
    project_name: str
    stratum: str
    map_agb_t_ha_start: float | None
    map_agb_t_ha_end: float | None
    valid_share: float | None
    method_id: str
    measured_at: datetime
    in_force: bool


@dataclass(frozen=True, slots=True)
class Collected:
    """The contract that stands over the parcel."""

    contract_id: int
    number: str
    term_to: date


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the parcel."""

    action: str
    at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ParcelCard:
    """A parcel and everything about it that this person may read."""

    row: ParcelRow
    created_by_id: int
    marks: list[Mark]
    holders: list[Holder]
    contract: Collected | None
    measurement: Measurement | None
    credits_kg: dict[int, int]
    versions: list[Version]
    events: list[Event]


def card(session: Session, actor: Actor, parcel_id: int) -> ParcelCard:
    """The card of one parcel, or NotFound."""
    found = parcel_list.rows(session, ids=[parcel_id])
    if not found:
        raise NotFound("没有这个地块。", code="parcel")
    contract = contracts.of_parcel(session, parcel_id)
    credits_kg: dict[int, int] = {}
    for credit in issuance.credits_of_parcel(session, parcel_id):
        credits_kg[credit.vintage] = credits_kg.get(credit.vintage, 0) + credit.amount_kg
    return ParcelCard(
        row=found[0],
        created_by_id=session.get_one(Parcel, parcel_id).created_by_id,
        marks=_marks(session, parcel_id),
        holders=_holders(session, actor, parcel_id),
        contract=Collected(contract.id, contract.number, contract.term_to) if contract else None,
        measurement=_measurement(session, parcel_id),
        credits_kg=credits_kg,
        versions=_versions(session, parcel_id),
        events=[
            Event(event.action, event.at, event.detail)
            for event in audit.history(session, f"parcel:{parcel_id}")
        ],
    )


def _marks(session: Session, parcel_id: int) -> list[Mark]:
    shown = []
    for mark in marks.open_marks(session, parcel_id):
        other = session.get(Parcel, mark.other_parcel_id) if mark.other_parcel_id else None
        shown.append(
            Mark(
                mark.id, mark.code, mark.message, mark.other_parcel_id,
                other.code if other else None, mark.area_m2,
            )
        )  # fmt: skip
    return shown


def _holders(session: Session, actor: Actor, parcel_id: int) -> list[Holder]:
    return [
        Holder(
            right_id=right.id,
            party_name=name_for(actor, party),
            kind=RightKind(right.kind),
            share=right.share,
            certificate_kind=CertificateKind(right.certificate_kind),
            certificate_no=right.certificate_no,
            term_from=right.term_from,
            term_to=right.term_to,
            reviewed_at=right.reviewed_at,
            added_by_id=right.added_by_id,
        )
        for right, party in rights.of_parcel(session, parcel_id)
    ]


def name_for(actor: Actor, party: Party) -> str:
    """The name of a party as this person may read it."""
    if party.kind == PartyKind.HOUSEHOLD and not actor.roles & READS_NAMES:
        return masked(party.name)
    return party.name


def _measurement(session: Session, parcel_id: int) -> Measurement | None:
    latest = runs.latest_of_parcel(session, parcel_id)
    if latest is None:
        return None
    run, share, period_end = latest
    monitoring = rounds.get(session, run.round_id)
    project = session.get_one(projects.Project, monitoring.project_id)
    result = run.result
    return Measurement(
        co2_t=share.co2_t,
        issuable_kg=share.issuable_kg,
        period_start=monitoring.period_start,
        period_end=period_end,
        round_id=monitoring.id,
        round_status=monitoring.status,
        round_co2_t=result["gross_co2_t"],
        round_stderr_co2_t=result["stderr_co2_t"],
        round_parcels=len(runs.parcels_of(session, run.id)),
        project_id=project.id,
        project_name=project.name,
        stratum=share.stratum,
        map_agb_t_ha_start=share.map_agb_t_ha_start,
        map_agb_t_ha_end=share.map_agb_t_ha_end,
        valid_share=share.valid_share,
        method_id=run.method_id,
        measured_at=run.recorded_at,
        in_force=run.policies_in_force,
    )


def _versions(session: Session, parcel_id: int) -> list[Version]:
    query = (
        select(ParcelVersion)
        .where(ParcelVersion.parcel_id == parcel_id)
        .order_by(ParcelVersion.valid_from.desc())
    )
    return [
        Version(
            row.area_m2, row.declared_area_m2, row.source_name, row.geometry_sha256,
            row.valid_from, row.valid_to,
        )
        for row in session.scalars(query)
    ]  # fmt: skip

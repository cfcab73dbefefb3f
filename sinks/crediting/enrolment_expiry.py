"""Expiry: an enrolment that nothing is built on ends, so that nobody sits on land.

Proven is a parcel under a signed contract, or one that a round has measured. The others keep their
outline and their reviewed papers and go back to reviewed; their land is free from that day on, and
who still means it enrols again if nobody else has. Time spent suspended does not expire: a dispute
is not the holder's idleness.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sinks.core import audit, policies
from sinks.core.actor import Actor, Role
from sinks.core.db import today
from sinks.crediting.rounds import RoundParcel
from sinks.land import claims, parcels
from sinks.land.parcels import Parcel, Status
from sinks.measurement.runs import RunParcel

POLICY = "enrolment_expiry_days"
WARNING_DAYS = 60


@dataclass(frozen=True, slots=True)
class Unproven:
    """An enrolled parcel that nothing is built on yet, and the day its enrolment ends."""

    parcel_id: int
    code: str
    name: str
    enrolled_on: date
    expires_on: date


def unproven(session: Session, *, within_days: int = WARNING_DAYS) -> list[Unproven]:
    """Enrolments that end within so many days unless they are proven, the next one first.

    Empty while the registrar has not put the policy in force: then nothing expires.
    """
    row = policies.find(session, POLICY)
    if row is None:
        return []
    entered = (
        select(func.max(audit.AuditEvent.at))
        .where(
            audit.AuditEvent.subject == func.concat("parcel:", Parcel.id),
            audit.AuditEvent.action == f"parcel.{Status.ENROLLED}",  # Resuming writes it anew.
        )
        .scalar_subquery()
    )
    measured = select(RunParcel.parcel_id).where(RunParcel.parcel_id == Parcel.id).exists()
    # Being measured now: a round has taken it up, and would lose it half-way.
    frozen = select(RoundParcel.parcel_id).where(RoundParcel.parcel_id == Parcel.id).exists()
    found = session.execute(
        select(Parcel.id, Parcel.code, Parcel.name, entered)
        .where(Parcel.status == Status.ENROLLED, ~measured, ~frozen)
        .order_by(entered)
    )
    last = today(session) + timedelta(days=within_days)
    return [
        Unproven(parcel_id, code, name, _day(at), _day(at) + timedelta(days=int(row.value)))
        for parcel_id, code, name, at in found
        if at is not None and _day(at) + timedelta(days=int(row.value)) <= last
    ]


def _day(at: datetime) -> date:
    # The connection speaks the office's time, so this is the office's day.
    return at.date()


def expire(session: Session, actor: Actor | None) -> list[Unproven]:
    """End the enrolments that were not proven in time; give which.

    actor : an officer or registrar; None for the registry's own daily round

    Raises
    ------
    PolicyMissing
        The registrar has not decided after how many days.
    """
    if actor is not None:
        actor.require(Role.OFFICER, Role.REGISTRAR, Role.ADMIN)
    days = int(policies.in_force(session, POLICY)[POLICY].value)
    ended = []
    for item in unproven(session, within_days=0):
        parcel = parcels.locked(session, item.parcel_id)
        if parcel.status != Status.ENROLLED:
            continue  # A contract was signed while we waited for the row.
        parcels.expire_enrolment(session, actor, parcel, {"days": days})
        claims.end(session, parcel.id)
        ended.append(item)
    return ended

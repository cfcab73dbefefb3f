"""Parcels that leave a project: the contract has lapsed, or the parcel is no longer in the register.

The owner does it, with the reason. What the register holds and the owner may credit stays: a project
that could drop what grows badly would show only what grows well. Nor does a parcel leave while a
round that is not issued has it; there it is debited, not forgotten. The row stays with its dates.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.core import audit
from sinks.core.actor import Actor
from sinks.core.db import now
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.crediting import projects
from sinks.crediting.projects import ProjectParcel
from sinks.crediting.rounds import MonitoringRound, RoundParcel, Status
from sinks.land import parcels
from sinks.land.parcels import Parcel


@dataclass(frozen=True, slots=True)
class Exit:
    """A parcel that has left a project."""

    parcel_id: int
    code: str
    stratum: str
    left_at: datetime
    reason: str


def leave(
    session: Session, actor: Actor, project_id: int, parcel_id: int, *, reason: str
) -> ProjectParcel:
    """Take a parcel out of a project of the actor's party; rounds opened from now leave it out.

    Raises
    ------
    Conflict
        The parcel stands in the register and its sink is the owner's today (``still_held``), or a
        round that is not issued has it (``in_open_round``).
    """
    project = projects.owned(session, actor, project_id)
    if not reason.strip():
        raise Invalid("请写明地块退出项目的原因。", code="reason")
    parcel = parcels.locked(session, parcel_id)
    row = session.get(
        ProjectParcel, (project_id, parcel_id), with_for_update=True, populate_existing=True
    )
    if row is None or row.left_at is not None:
        raise NotFound(f"地块 {parcel.code} 不在这个项目中，或已退出。", code="member")
    if parcel.status in parcels.CLAIMING and projects.held_today(
        session, project.owner_id, [parcel_id]
    ):
        raise Conflict(
            f"地块 {parcel.code} 仍在库，碳汇仍由项目业主掌握，不能退出项目：项目不得只留长势好的地块。"
            "须先终止合同，或由林业员办理地块退出。",
            code="still_held",
        )
    if open_round := _open_round(session, project_id, parcel_id):
        raise Conflict(
            f"地块 {parcel.code} 已冻结在监测期 {open_round.period_start} 至 {open_round.period_end} 中，"
            "该监测期签发之后才能退出项目。",
            code="in_open_round",
        )
    row.left_at, row.left_by_id, row.left_reason = now(session), actor.person_id, reason.strip()
    session.flush()
    detail = {"project": project.code, "reason": row.left_reason}
    audit.record(
        session, actor, "project.parcel_left", f"project:{project_id}",
        {**detail, "parcel": parcel.code},
    )  # fmt: skip
    audit.record(session, actor, "project.leave", f"parcel:{parcel_id}", detail)
    return row


def _open_round(session: Session, project_id: int, parcel_id: int) -> MonitoringRound | None:
    return session.scalar(
        select(MonitoringRound)
        .join(RoundParcel, RoundParcel.round_id == MonitoringRound.id)
        .where(
            RoundParcel.parcel_id == parcel_id, MonitoringRound.project_id == project_id,
            MonitoringRound.status != Status.ISSUED,
        )
        .limit(1)
    )  # fmt: skip


def may_leave(session: Session, owner_id: int, project_id: int) -> list[tuple[int, str]]:
    """(id, code) of the members that nothing but an open round would keep from leaving."""
    rows = session.execute(
        select(Parcel.id, Parcel.code, Parcel.status)
        .join(ProjectParcel, ProjectParcel.parcel_id == Parcel.id)
        .where(ProjectParcel.project_id == project_id, ProjectParcel.left_at.is_(None))
        .order_by(Parcel.code)
    ).all()
    held = projects.held_today(
        session, owner_id, [row.id for row in rows if row.status in parcels.CLAIMING]
    )  # fmt: skip
    return [(row.id, row.code) for row in rows if row.id not in held]


def of_project(session: Session, project_id: int) -> list[Exit]:
    """The parcels that have left a project, in the order in which they left."""
    rows = session.execute(
        select(ProjectParcel, Parcel.code)
        .join(Parcel, Parcel.id == ProjectParcel.parcel_id)
        .where(ProjectParcel.project_id == project_id, ProjectParcel.left_at.is_not(None))
        .order_by(ProjectParcel.left_at, ProjectParcel.parcel_id)
    )
    return [
        Exit(row.parcel_id, code, row.stratum, row.left_at, row.left_reason)
        for row, code in rows
        if row.left_at is not None and row.left_reason is not None
    ]

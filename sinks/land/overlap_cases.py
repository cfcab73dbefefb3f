"""Overlap cases: land that two have claimed, or that was here before, decided by two people.

A case opens when an enrolment is refused for its land (or another programme's claim arrives over
land of the register). While it is open the later parcel cannot enrol, and with land shared deeper
than the tolerance the earlier one is not credited either. One person proposes an outcome with its
reason, a registrar who is another one decides. No outcome overrides the constraint: where both claim
the same ground, one of them has to be redrawn or leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy import CheckConstraint, ForeignKey, Index, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.land import claims, parcels
from sinks.land.claims import InTheWay
from sinks.land.parcels import Parcel, ParcelVersion, Status
from sinks.land.programme_claims import ProgrammeClaim

KIND_ZH = MappingProxyType(
    {
        "overlap": "重叠超过 1 米宽",
        "slivers": "窄条重叠合计超限",
        "duplicate": "与曾经入库的地块同形",
        "programme": "与其他机制的项目重叠",
    }
)
OUTCOME_ZH = MappingProxyType(
    {
        "parcel_stands": "以后报地块的边界为准",
        "other_stands": "以先有一方的边界为准",
        "both_redrawn": "双方都重新勾绘",
        "within_accuracy": "在测量精度之内，窄条归先登记的一方",
        "reregistration": "同一块地重新登记",
    }
)
STATUS_ZH = MappingProxyType(
    {"open": "待处理", "proposed": "待决定", "decided": "已决定", "lapsed": "已失去对象"}
)
# Outcomes that make sense for each kind. Land shared deeper than the tolerance is no accuracy.
OUTCOMES = MappingProxyType(
    {
        "overlap": ("parcel_stands", "other_stands", "both_redrawn"),
        "slivers": ("within_accuracy", "parcel_stands", "other_stands", "both_redrawn"),
        "duplicate": ("reregistration", "other_stands"),
        "programme": ("parcel_stands", "other_stands"),
    }
)
OPEN = ("open", "proposed")


class OverlapCase(Base):
    """Land in question: of ``parcel_id`` (the later one), with those of `OverlapCaseOther`."""

    __tablename__ = "overlap_case"
    __table_args__ = (
        CheckConstraint("kind in ('overlap','slivers','duplicate','programme')", name="kind"),
        CheckConstraint("status in ('open','proposed','decided','lapsed')", name="status"),
        CheckConstraint(
            "outcome in ('parcel_stands','other_stands','both_redrawn','within_accuracy',"
            "'reregistration')",
            name="outcome",
        ),
        CheckConstraint("decided_by_id <> proposed_by_id", name="two_people"),
        CheckConstraint(
            "(status <> 'proposed' or proposed_by_id is not null) and (status <> 'decided' or"
            " (proposed_by_id is not null and decided_by_id is not null and outcome is not null))",
            name="steps_have_people",
        ),
        Index(
            "overlap_case_one_open", "parcel_id", "kind",
            unique=True, postgresql_where=text("status in ('open','proposed')"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    kind: Mapped[str]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("parcel_version.id"))
    shared_m2: Mapped[float]
    status: Mapped[str] = mapped_column(server_default="open")
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    outcome: Mapped[str | None]
    proposal_reason: Mapped[str | None]
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]


class OverlapCaseOther(Base):
    """The other side of a case: a parcel with its outline then, or a claim of a programme."""

    __tablename__ = "overlap_case_other"
    __table_args__ = (
        CheckConstraint("num_nonnulls(parcel_id, programme_claim_id) = 1", name="one_other"),
    )

    id: Mapped[Key]
    case_id: Mapped[int] = mapped_column(ForeignKey("overlap_case.id"), index=True)
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"), index=True)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("parcel_version.id"))
    programme_claim_id: Mapped[int | None] = mapped_column(ForeignKey("programme_claim.id"))
    shared_m2: Mapped[float]


@dataclass(frozen=True, slots=True)
class Side:
    """One outline of a case; ``boundary`` is GeoJSON. ``parcel_id`` is None for a programme's."""

    parcel_id: int | None
    code: str
    status: str
    area_m2: float
    shared_m2: float
    boundary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What stands in the row of a case, to be read after the transaction."""

    id: int
    kind: str
    status: str
    shared_m2: float
    outcome: str | None
    proposal_reason: str | None
    proposed_by_id: int | None
    decision_reason: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as it is listed and mapped: the later parcel, the others, and the land they share."""

    case: CaseFacts
    parcel: Side
    others: list[Side]
    shared: dict[str, Any]


def open_for(session: Session, actor: Actor, parcel_id: int) -> OverlapCase:
    """Open the case of an enrolment that was refused for its land, or give the one that is open.

    Called after the refusal, in a transaction of its own: the refusal undoes everything else.

    Raises
    ------
    Conflict
        Nothing stands in the way any more.
    """
    actor.require(Role.OFFICER)
    kind, others = _in_the_way(session, parcel_id)
    return opened(session, actor, kind, parcel_id, others)


def _in_the_way(session: Session, parcel_id: int) -> tuple[str, list[InTheWay]]:
    sharing = claims.sharing(session, parcel_id)
    if deep := [one for one in sharing if one.deep]:
        return "overlap", deep
    if alike := claims.shaped_like(session, parcel_id):
        return "duplicate", alike
    if sharing:
        return "slivers", sharing
    raise Conflict("这块地与别的地块已没有重叠，请重新办理入库。", code="no_overlap")


def opened(
    session: Session, actor: Actor, kind: str, parcel_id: int, others: Sequence[InTheWay]
) -> OverlapCase:
    """The open case of this kind about a parcel; a new one when there is none."""
    # In the order of their ids, as every function that holds several parcels.
    for one in sorted({parcel_id, *(other.parcel_id for other in others if other.parcel_id)}):
        parcels.locked(session, one)
    row = session.scalar(
        select(OverlapCase).where(
            OverlapCase.parcel_id == parcel_id, OverlapCase.kind == kind,
            OverlapCase.status.in_(OPEN),
        )
    )  # fmt: skip
    if row is not None:
        return row
    row = OverlapCase(
        kind=kind,
        parcel_id=parcel_id,
        version_id=parcels.present_version(session, parcel_id).id,
        shared_m2=sum(other.shared_m2 for other in others),
        opened_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    session.add_all(
        OverlapCaseOther(
            case_id=row.id, parcel_id=other.parcel_id, version_id=other.version_id,
            programme_claim_id=other.programme_claim_id, shared_m2=other.shared_m2,
        )
        for other in others
    )  # fmt: skip
    session.flush()
    audit.record(
        session, actor, "overlap.open", f"overlap:{row.id}",
        {"kind": kind, "parcel": parcel_id, "others": [other.code for other in others]},
    )  # fmt: skip
    return row


def propose(
    session: Session, actor: Actor, case_id: int, *, outcome: str, reason: str
) -> OverlapCase:
    """Propose how the case ends. It binds nobody until a registrar decides."""
    actor.require(Role.OFFICER, Role.REGISTRAR)
    row = locked(session, case_id)
    if row.status not in OPEN:
        raise Conflict(f"第 {case_id} 号争议已经了结。", code="step")
    if outcome not in OUTCOMES[row.kind]:
        may = "、".join(f"{OUTCOME_ZH[one]}（{one}）" for one in OUTCOMES[row.kind])
        raise Invalid(f"“{KIND_ZH[row.kind]}”只能这样处理：{may}。", code="outcome")
    if not reason.strip():
        raise Invalid("请写明依据。", code="reason")
    at = now(
        session
    )  # Asked first: a query sends what was changed, and the row would be half a step.
    row.outcome, row.proposal_reason, row.status = outcome, reason.strip(), "proposed"
    row.proposed_by_id, row.proposed_at = actor.person_id, at
    _note(session, actor, row, "propose", {"outcome": outcome, "reason": row.proposal_reason})
    return row


def decide(
    session: Session, actor: Actor, case_id: int, *, accept: bool, reason: str
) -> OverlapCase:
    """A registrar accepts the proposal, which takes effect at once, or sends it back.

    Raises
    ------
    NotPermitted
        The proposer, or one who drew the land in question.
    """
    actor.require(Role.REGISTRAR)
    row = locked(session, case_id)
    if row.status != "proposed":
        raise Conflict(f"第 {case_id} 号争议没有等待决定的处理意见。", code="step")
    if actor.person_id == row.proposed_by_id:
        raise NotPermitted("提出处理意见的人不能决定，须由另一人办理。", code="two_people")
    if actor.person_id in _drew(session, row):
        raise NotPermitted("勾绘过争议地块的人不能决定。", code="drew_it")
    if not reason.strip():
        raise Invalid("请写明决定的理由。", code="reason")
    if not accept:
        row.status, row.outcome, row.proposal_reason = "open", None, None
        row.proposed_by_id = row.proposed_at = None
        _note(session, actor, row, "send_back", {"reason": reason.strip()})
        return row
    at = now(session)
    row.status, row.decision_reason = "decided", reason.strip()
    row.decided_by_id, row.decided_at = actor.person_id, at
    _note(session, actor, row, "decide", {"outcome": row.outcome, "reason": row.decision_reason})
    _take_effect(session, actor, row)
    return row


def _drew(session: Session, row: OverlapCase) -> set[int]:
    ids = [
        row.version_id,
        *(one.version_id for one in others_of(session, row.id) if one.version_id),
    ]
    return set(
        session.scalars(select(ParcelVersion.created_by_id).where(ParcelVersion.id.in_(ids)))
    )


def _take_effect(session: Session, actor: Actor, row: OverlapCase) -> None:
    """Send back or suspend whoever has to give way."""
    detail: dict[str, Any] = {
        "reason": f"第 {row.id} 号重叠争议：{OUTCOME_ZH[str(row.outcome)]}",
        "overlap": row.id,
    }
    if row.outcome in ("other_stands", "both_redrawn"):
        _give_way(session, actor, row.parcel_id, detail)
    if row.outcome in ("parcel_stands", "both_redrawn"):
        for other in others_of(session, row.id):
            if other.parcel_id is not None:
                _give_way(session, actor, other.parcel_id, detail)
            elif other.programme_claim_id is not None and row.outcome == "parcel_stands":
                claim = session.get_one(ProgrammeClaim, other.programme_claim_id)
                claim.status, claim.ended_reason = "ended", str(detail["reason"])
                session.flush()
                audit.record(
                    session, actor, "programme_claim.end", f"programme_claim:{claim.id}", detail
                )
    session.flush()


def _give_way(session: Session, actor: Actor, parcel_id: int, detail: dict[str, Any]) -> None:
    """What is not enrolled goes back to be redrawn; what is keeps its land and earns nothing."""
    status = Status(parcels.locked(session, parcel_id).status)
    if status in (Status.SUBMITTED, Status.RIGHTS_REVIEWED):
        parcels.step(session, actor, parcel_id, Status.DRAFT, detail)
    elif status in (Status.ENROLLED, Status.UNDER_CONTRACT):
        parcels.step(session, actor, parcel_id, Status.SUSPENDED, detail)


def _note(
    session: Session, actor: Actor, row: OverlapCase, action: str, detail: dict[str, Any]
) -> None:
    session.flush()
    audit.record(session, actor, f"overlap.{action}", f"overlap:{row.id}", detail)


def locked(session: Session, case_id: int) -> OverlapCase:
    """The case, held until the transaction ends."""
    row = session.get(OverlapCase, case_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("没有这个重叠争议。", code="overlap")
    return row


def others_of(session: Session, case_id: int) -> list[OverlapCaseOther]:
    """The other side of a case."""
    query = select(OverlapCaseOther).where(OverlapCaseOther.case_id == case_id)
    return list(session.scalars(query.order_by(OverlapCaseOther.id)))


def listing(session: Session, *, open_only: bool = False) -> list[tuple[OverlapCase, str]]:
    """Cases with the code of the later parcel, newest first."""
    query = (
        select(OverlapCase, Parcel.code)
        .join(Parcel, Parcel.id == OverlapCase.parcel_id)
        .order_by(OverlapCase.id.desc())
    )
    if open_only:
        query = query.where(OverlapCase.status.in_(OPEN))
    return [(row, code) for row, code in session.execute(query)]


def of_parcel(session: Session, parcel_id: int) -> list[OverlapCase]:
    """Cases in which a parcel is one of the sides, oldest first."""
    as_other = select(OverlapCaseOther.case_id).where(OverlapCaseOther.parcel_id == parcel_id)
    query = select(OverlapCase).where(
        or_(OverlapCase.parcel_id == parcel_id, OverlapCase.id.in_(as_other))
    )
    return list(session.scalars(query.order_by(OverlapCase.id)))


def view(session: Session, case_id: int) -> CaseView:
    """A case with the outlines as they were when it opened."""
    row = session.get(OverlapCase, case_id)
    if row is None:
        raise NotFound("没有这个重叠争议。", code="overlap")
    later = session.get_one(ParcelVersion, row.version_id)
    outline = parcels.boundary_of(later)
    sides, shared = [], None
    for other in others_of(session, case_id):
        if other.version_id is not None:
            version = session.get_one(ParcelVersion, other.version_id)
            theirs, area_m2 = parcels.boundary_of(version), version.area_m2
            parcel = session.get_one(Parcel, version.parcel_id)
            code, status = parcel.code, parcel.status
        else:
            claim = session.get_one(ProgrammeClaim, other.programme_claim_id)
            theirs, area_m2 = to_shape(claim.boundary), claim.area_m2
            code, status = f"{claim.programme} {claim.external_id}", claim.status
        sides.append(Side(other.parcel_id, code, status, area_m2, other.shared_m2, mapping(theirs)))
        common = outline.intersection(theirs)
        shared = common if shared is None else shared.union(common)
    mine = session.get_one(Parcel, row.parcel_id)
    return CaseView(
        CaseFacts(
            row.id,
            row.kind,
            row.status,
            row.shared_m2,
            row.outcome,
            row.proposal_reason,
            row.proposed_by_id,
            row.decision_reason,
            row.decided_at,
        ),
        Side(mine.id, mine.code, mine.status, later.area_m2, row.shared_m2, mapping(outline)),
        sides,
        mapping(shared if shared is not None else outline),
    )

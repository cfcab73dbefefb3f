"""Doubts that stand in the way of a parcel: it is kept, and earns nothing until they are settled.

Storable is not creditable: a parcel that overlaps another, or differs from its certificate, is
kept and marked (`ParcelMark`) and earns nothing until the mark is closed.

The database refuses the same by itself (`land_in_doubt`): a claim that begins and a credit, whoever
writes. Here the refusal gets its words.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.land import parcels
from sinks.land.parcels import Parcel

DECLARED_AREA_DIFFERENCE_SHARE_MAX = 0.05  # 森林资源规划设计调查: area error of a 小班, 5 %.


class ParcelMark(Base):
    """A doubt about a parcel. While it is open the parcel earns nothing."""

    __tablename__ = "parcel_mark"

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    code: Mapped[str]  # overlap, declared_area, near_outside, small, thin, succession, inherit_*
    other_parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    area_m2: Mapped[float | None]
    message: Mapped[str]
    recorded_at: Mapped[RecordedAt]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_reason: Mapped[str | None]


# Marks that forbid enrolment and credit. An overlap is refused by the database itself (`claims.py`);
# the database holds the same list (`land_in_doubt`).
# ``inherit_*``: the parents of a merge differed in what a parcel has once (`inheritance.py`).
INHERIT_MARKS = (
    "inherit_tea_certification", "inherit_land_class", "inherit_wetland", "inherit_consent",
)  # fmt: skip
BLOCKING_MARKS = ("declared_area", "small", "succession", *INHERIT_MARKS)


def overlap_mark(
    parcel_id: int, other_parcel_id: int, other_code: str, shared_m2: float
) -> dict[str, Any]:
    """The mark on a parcel that shares land with another, deeper than the tolerance."""
    return {
        "parcel_id": parcel_id,
        "code": "overlap",
        "other_parcel_id": other_parcel_id,
        "area_m2": shared_m2,
        "message": f"与 {other_code} 重叠 {shared_m2:,.1f} 平方米",
    }


def declared_area_mark(
    parcel_id: int, area_m2: float, declared_area_m2: float | None
) -> dict[str, Any] | None:
    """The mark on a parcel whose papers say another area than its outline has; None within 5 %."""
    if not declared_area_m2 or (
        abs(area_m2 - declared_area_m2) <= DECLARED_AREA_DIFFERENCE_SHARE_MAX * declared_area_m2
    ):
        return None
    return {
        "parcel_id": parcel_id,
        "code": "declared_area",
        "area_m2": area_m2 - declared_area_m2,
        "message": (
            f"图上面积 {area_m2:,.0f} 平方米与申报 {declared_area_m2:,.0f} 平方米"
            f"相差 {abs(area_m2 / declared_area_m2 - 1):.1%}，超过 5%"
        ),
    }


def open_marks(session: Session, parcel_id: int) -> list[ParcelMark]:
    """The doubts that still stand."""
    query = select(ParcelMark).where(
        ParcelMark.parcel_id == parcel_id, ParcelMark.closed_at.is_(None)
    )
    return list(session.scalars(query.order_by(ParcelMark.id)))


def close_mark(session: Session, actor: Actor, mark_id: int, reason: str) -> None:
    """Settle a doubt. An overlap is settled only by redrawing or withdrawing one of the two.

    Raises
    ------
    NotPermitted
        The officer who drew the parcel may not settle the doubt about it.
    """
    actor.require(Role.OFFICER)
    mark = session.get(ParcelMark, mark_id, with_for_update=True, populate_existing=True)
    if mark is None or mark.closed_at:
        raise NotFound("没有这条待处理的标记。", code="mark")
    if mark.code == "overlap":
        raise Conflict("重叠须通过重新勾绘或退出其中一块来解决。", code="overlap")
    if mark.code == "succession":
        raise Conflict("拆分、合并后的权属须整体复核，请在“复核拆并”中办理。", code="succession")
    drew_id = parcels.present_version(session, mark.parcel_id).created_by_id
    if actor.person_id in (session.get_one(Parcel, mark.parcel_id).created_by_id, drew_id):
        raise NotPermitted("勾绘人不能自行消除存疑标记，须由另一位林业员办理。", code="two_people")
    if not reason.strip():
        raise Invalid("请写明依据。", code="reason")
    mark.closed_at, mark.closed_by_id, mark.closed_reason = (
        now(session), actor.person_id, reason.strip(),
    )  # fmt: skip
    audit.record(
        session, actor, "parcel.mark_closed", f"parcel:{mark.parcel_id}",
        {"mark": mark.code, "reason": reason},
    )  # fmt: skip


def close_with_outline(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Close the doubts about an outline that is no more, on the neighbours' side too."""
    query = select(ParcelMark).where(
        ParcelMark.closed_at.is_(None),
        (ParcelMark.parcel_id == parcel_id) | (ParcelMark.other_parcel_id == parcel_id),
        ParcelMark.code.not_in(INHERIT_MARKS),  # No outline settles what the parents differed in.
    )
    for mark in session.scalars(query):
        mark.closed_at, mark.closed_by_id, mark.closed_reason = (
            now(session), actor.person_id, reason,
        )  # fmt: skip


class InDoubt(Conflict):
    """A doubt about the parcel is open; names each."""

    def __init__(self, code: str, reasons: list[str]) -> None:
        super().__init__(
            f"地块 {code} 有存疑未处理：{'；'.join(one.rstrip('。') for one in reasons)}。处理之前不能入库，也不计入任何量。",
            code="marked",
        )


def doubts(session: Session, parcel_id: int) -> list[str]:
    """What forbids enrolment and credit of a parcel now, in sentences; empty when nothing does."""
    found = [
        mark.message for mark in open_marks(session, parcel_id)
        if mark.code in BLOCKING_MARKS
    ]  # fmt: skip
    cases = session.scalars(
        text(
            """
            SELECT c.id FROM overlap_case c WHERE c.status IN ('open', 'proposed')
              AND (c.parcel_id = :parcel_id OR (c.kind = 'overlap' AND EXISTS (
                SELECT FROM overlap_case_other o WHERE o.case_id = c.id AND o.parcel_id = :parcel_id)))
            ORDER BY c.id
            """
        ),
        {"parcel_id": parcel_id},
    )
    return found + [f"第 {case_id} 号重叠争议尚待两人处理" for case_id in cases]


def refuse_in_doubt(session: Session, parcel_id: int) -> None:
    """Refuse while a doubt that blocks is open.

    Raises
    ------
    InDoubt
        Names each doubt.
    """
    if reasons := doubts(session, parcel_id):
        raise InDoubt(session.get_one(Parcel, parcel_id).code, reasons)


def settle(session: Session, actor: Actor, parcel_id: int, code: str, reason: str) -> None:
    """Close the open marks of a code, because what they asked for has been done by two people."""
    for mark in open_marks(session, parcel_id):
        if mark.code == code:
            mark.closed_at, mark.closed_by_id, mark.closed_reason = (
                now(session), actor.person_id, reason,
            )  # fmt: skip

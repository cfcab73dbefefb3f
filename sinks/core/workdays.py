"""Working days: notices run on them, and the State Council moves them every year (调休)."""

from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, refused_in_words
from sinks.core.errors import Conflict, Invalid


class DayKind(StrEnum):
    REST = "rest"  # A weekday off.
    WORK = "work"  # A Saturday or Sunday worked in exchange.


class Holiday(Base):
    """One day that differs from the plain week."""

    __tablename__ = "holiday"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str]
    note: Mapped[str]


class CalendarMissing(Conflict):
    """The year's calendar has not been loaded, so working days cannot be counted."""


def load(session: Session, actor: Actor, days: dict[date, DayKind], note: str) -> None:
    """Put the published calendar of a year in place (the notice's number goes into ``note``)."""
    actor.require(Role.REGISTRAR, Role.ADMIN)
    if not days:
        raise Invalid("没有读到任何日期。", code="calendar_empty")
    busy = Conflict("另一人刚刚导入了同样的日期，请查看后再导入。", code="calendar_busy")
    with refused_in_words(session, {"holiday_pkey": busy}):
        for day, kind in days.items():
            session.merge(Holiday(day=day, kind=kind, note=note))
    audit.record(
        session, actor, "calendar.load", "calendar",
        {"days": len(days), "years": sorted({day.year for day in days}), "note": note},
    )  # fmt: skip


def after(session: Session, start: date, working_days: int) -> date:
    """The first date on which ``working_days`` full working days have passed since ``start``.

    The day of publication does not count (民法典 201). Zero days end on the day itself.

    Raises
    ------
    CalendarMissing
        A year that is counted through has no calendar.
    """
    day, left = start, working_days
    while left > 0:
        day += timedelta(days=1)
        if _is_working(session, day):
            left -= 1
    return day + timedelta(days=1) if working_days else start


def _is_working(session: Session, day: date) -> bool:
    first, last = date(day.year, 1, 1), date(day.year, 12, 31)
    loaded = session.scalar(select(Holiday.day).where(Holiday.day.between(first, last)).limit(1))
    if loaded is None:
        raise CalendarMissing(
            f"{day.year} 年的节假日安排尚未导入，无法计算工作日。请登记机构先在“设置”中导入。",
            code="calendar_missing",
        )
    marked = session.get(Holiday, day)
    return day.weekday() < 5 if marked is None else marked.kind == DayKind.WORK

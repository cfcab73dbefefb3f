"""Working days: worked dates, moved days, and a year without a calendar."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from sinks.core import workdays
from sinks.core.actor import Actor
from sinks.core.errors import NotPermitted
from sinks.core.workdays import CalendarMissing, DayKind


@pytest.fixture
def calendar(session: Session, people: dict[str, Actor]) -> Session:
    """A year in which Thursday 1 October 2026 to the 7th is off and Saturday the 10th is worked."""
    days = {date(2026, 10, day): DayKind.REST for day in range(1, 8)}
    workdays.load(session, people["registrar"], days | {date(2026, 10, 10): DayKind.WORK}, "测试")
    return session


def test_the_day_of_publication_does_not_count(calendar: Session) -> None:
    # Published Monday 7 September: 8, 9, 10, 11, 14, 15, 16 are the seven days, over on the 17th.
    assert workdays.after(calendar, date(2026, 9, 7), 7) == date(2026, 9, 17)


def test_holidays_are_skipped_and_the_saturday_in_exchange_counts(calendar: Session) -> None:
    # 8 and 9 October (Thursday, Friday), Saturday the 10th: three days, over on the 11th.
    assert workdays.after(calendar, date(2026, 9, 30), 3) == date(2026, 10, 11)


def test_no_days_end_at_once(session: Session) -> None:
    assert workdays.after(session, date(2026, 9, 7), 0) == date(2026, 9, 7)


def test_a_year_without_a_calendar_is_not_guessed(calendar: Session) -> None:
    with pytest.raises(CalendarMissing):
        workdays.after(calendar, date(2026, 12, 31), 1)


def test_only_the_registrar_loads_a_calendar(session: Session, people: dict[str, Actor]) -> None:
    with pytest.raises(NotPermitted):
        workdays.load(session, people["clerk"], {date(2026, 1, 1): DayKind.REST}, "x")

"""Once a day the registry ends idle enrolments and audits the land, and the log says so."""

from sqlalchemy.orm import Session

from sinks.cli import nightly
from sinks.core import audit
from sinks.core.actor import Actor
from tests import world


def test_the_daily_round_is_done_once_and_written_down(
    session: Session, people: dict[str, Actor]
) -> None:
    world.enrolled(session, people, world.land(0, 0, 200, 200))
    found = nightly.once_a_day(session)
    assert found is not None and found.ok and found.claims == 1
    assert nightly.once_a_day(session) is None
    [event] = audit.history(session, "land")
    assert event.person_id is None and event.detail["ok"] is True

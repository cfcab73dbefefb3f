"""Ticks: which parts of a claim a verifier has looked at, kept while the work goes on.

They help the verifier and bind nobody; the statement is what counts. The subject names the run, so
that what was measured again has to be seen again.
"""

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, RecordedAt
from sinks.core.errors import Invalid

FIELD_LENGTH_MAX = 40


class SeenTick(Base):
    """One part of a project or run that one verifier has seen."""

    __tablename__ = "seen_tick"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)  # e.g. run:12, project:3
    field: Mapped[str] = mapped_column(primary_key=True)
    recorded_at: Mapped[RecordedAt]


def seen(session: Session, actor: Actor, subject: str) -> set[str]:
    """The parts that this person has ticked."""
    query = select(SeenTick.field).where(
        SeenTick.person_id == actor.person_id, SeenTick.subject == subject
    )
    return set(session.scalars(query))


def mark(session: Session, actor: Actor, subject: str, field: str, *, ticked: bool) -> None:
    """Tick a part, or take the tick back."""
    actor.require(Role.VERIFIER)
    if not 0 < len(field) <= FIELD_LENGTH_MAX:
        raise Invalid("没有这一项。", code="field")
    row = session.get(SeenTick, (actor.person_id, subject, field))
    if ticked == (row is not None):
        return
    if row is None:
        session.add(SeenTick(person_id=actor.person_id, subject=subject, field=field))
    else:
        session.delete(row)
    session.flush()
    audit.record(session, actor, "tick.mark", subject, {"field": field, "ticked": ticked})

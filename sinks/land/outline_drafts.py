"""The outline that a person is drawing, kept until it is saved or left: one a person.

A browser forgets everything when its page is loaded again. Nothing here is land, nothing is checked,
and nobody but the person reads it (row security).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core.actor import Actor, Role
from sinks.core.db import Base


class OutlineDraft(Base):
    """What the drawing page held at the last stroke; only that page reads what is in it."""

    __tablename__ = "outline_draft"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    sketch: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )


def keep(session: Session, actor: Actor, sketch: dict[str, Any]) -> None:
    """Put the sketch in the place of the one before."""
    actor.require(Role.OFFICER)
    row = insert(OutlineDraft).values(person_id=actor.person_id, sketch=sketch)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["person_id"],
            set_={"sketch": row.excluded.sketch, "recorded_at": func.clock_timestamp()},
        )
    )


def of_person(session: Session, actor: Actor) -> dict[str, Any] | None:
    """The sketch this person was at, or None."""
    return session.scalar(
        select(OutlineDraft.sketch).where(OutlineDraft.person_id == actor.person_id)
    )


def discard(session: Session, actor: Actor) -> None:
    """Forget the sketch: it is saved, or the person leaves it."""
    session.execute(delete(OutlineDraft).where(OutlineDraft.person_id == actor.person_id))

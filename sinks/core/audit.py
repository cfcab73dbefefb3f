"""The audit log: one row for each change, append-only, sealed into one hash chain.

A row is written in the transaction of the change and carries the hash of its own content (made by
the database). A sealer chains rows afterwards, in the order of sealing: a chain extended inside
every transaction would make all of them wait for one another. Rows not yet sealed are shown as
such by `verify`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core.actor import Actor
from sinks.core.db import Base, Key, RecordedAt

SEAL_LOCK = 7100


class AuditEvent(Base):
    """What happened, who did it, to what. ``leaf_hash`` is set by the database."""

    __tablename__ = "audit_event"

    id: Mapped[Key]
    at: Mapped[RecordedAt]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    xid: Mapped[str] = mapped_column(server_default=text("pg_current_xact_id()::text"))
    leaf_hash: Mapped[str] = mapped_column(server_default="")


class AuditSeal(Base):
    """The place of an event in the chain."""

    __tablename__ = "audit_seal"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id"), unique=True)
    chain_hash: Mapped[str]
    at: Mapped[RecordedAt]


@dataclass(frozen=True, slots=True)
class ChainState:
    """Result of `verify`: ``broken`` names the first sequence number that does not hold."""

    sealed: int
    unsealed: int
    broken: int | None
    head: str | None
    checked_at: datetime


def record(
    session: Session, actor: Actor | None, action: str, subject: str, detail: dict[str, Any]
) -> None:
    """Write down a change, in the transaction that makes it. No personal data in ``detail``:
    an append-only log cannot forget."""
    session.add(
        AuditEvent(
            person_id=actor.person_id if actor else None,
            action=action,
            subject=subject,
            detail=detail,
        )
    )
    session.flush()


def seal(session: Session) -> int:
    """Chain every event whose transaction is over; give how many were sealed.

    A number from a sequence is not commit order: an event of a transaction that is still open, or
    older than one, waits for the next time.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEAL_LOCK})
    last = session.execute(
        select(AuditSeal.seq, AuditSeal.chain_hash).order_by(AuditSeal.seq.desc()).limit(1)
    ).one_or_none()
    seq, head = (last.seq, last.chain_hash) if last else (0, "")
    waiting = session.execute(
        text(
            "SELECT id, leaf_hash FROM audit_event e"
            " WHERE NOT EXISTS (SELECT FROM audit_seal s WHERE s.event_id = e.id)"
            " AND xid::xid8 < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY id"
        )
    ).all()
    sealed = []
    for event_id, leaf_hash in waiting:
        seq, head = seq + 1, _link(head, leaf_hash)
        sealed.append({"seq": seq, "event_id": event_id, "chain_hash": head})
    if sealed:  # An import of a whole county leaves hundreds of thousands at once.
        session.execute(insert(AuditSeal), sealed)
    return len(waiting)


def verify(session: Session) -> ChainState:
    """Recompute every leaf and the whole chain from the stored rows."""
    rows = session.execute(
        text(
            "SELECT s.seq, s.chain_hash, e.leaf_hash, audit_leaf(e) AS recomputed"
            " FROM audit_seal s LEFT JOIN audit_event e ON e.id = s.event_id ORDER BY s.seq"
        )
    )
    head, expected, broken = "", 1, None
    for seq, chain_hash, leaf_hash, recomputed in rows:
        head = _link(head, leaf_hash or "")
        if broken is None and (seq != expected or leaf_hash != recomputed or chain_hash != head):
            broken = expected
        expected += 1
    events = session.scalar(select(func.count()).select_from(AuditEvent)) or 0
    checked_at = session.execute(select(func.clock_timestamp())).scalar_one()
    return ChainState(expected - 1, events - (expected - 1), broken, head or None, checked_at)


def history(session: Session, subject: str) -> list[AuditEvent]:
    """What happened to one thing, oldest first."""
    query = select(AuditEvent).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
    return list(session.scalars(query))


def _link(head: str, leaf_hash: str) -> str:
    return hashlib.sha256(f"{head}|{leaf_hash}".encode()).hexdigest()

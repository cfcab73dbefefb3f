"""Objections (异议): what anybody says against a project or a round while it is before the public.

An objection is answered by the authority or the registrar. Until every one is, neither a validation
nor a verification goes on; one that is upheld ends the notice, and the owner starts anew. Who
objected is kept from the public, from owner and verifier alike: only those who answer read the
name and the way to reach it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted

TEXT_LENGTH_MIN, TEXT_LENGTH_MAX = 10, 2000
NAME_LENGTH_MAX, CONTACT_LENGTH_MAX = 100, 200
# Bounds against spam, far above what a village would send in earnest.
PER_ORIGIN_HOUR_MAX, PER_DAY_MAX = 5, 200


class Outcome(StrEnum):
    DISMISSED = "dismissed"
    UPHELD = "upheld"


OUTCOME_ZH = {Outcome.DISMISSED: "不成立", Outcome.UPHELD: "成立"}


class Objection(Base):
    """An objection to one notice, and its answer. Only the answer is ever added, once."""

    __tablename__ = "objection"
    __table_args__ = (
        CheckConstraint("(project_id is null) <> (round_id is null)", name="one_notice"),
        CheckConstraint(
            "(answered_at is null) = (answered_by_id is null)"
            " and (answered_at is null) = (answer is null)"
            " and (answered_at is null) = (outcome is null)",
            name="answered_whole",
        ),
        CheckConstraint(f"length(text) <= {TEXT_LENGTH_MAX}", name="text_length"),
    )
    # The public may write a row that it may not read back.
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 (read by SQLAlchemy)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"), index=True)
    round_id: Mapped[int | None] = mapped_column(ForeignKey("monitoring_round.id"), index=True)
    text: Mapped[str]
    recorded_at: Mapped[RecordedAt]
    answer: Mapped[str | None]
    outcome: Mapped[str | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]


class Objector(Base):
    """Who objected and how to reach them; row-level security shows it to those who answer."""

    __tablename__ = "objector"

    objection_id: Mapped[int] = mapped_column(
        ForeignKey("objection.id"), primary_key=True, autoincrement=False
    )
    name: Mapped[str]
    contact: Mapped[str]


class ObjectionOrigin(Base):
    """A keyed hash of where an objection came from, kept to slow down whoever sends many."""

    __tablename__ = "objection_origin"

    id: Mapped[Key]
    origin_hash: Mapped[str]
    recorded_at: Mapped[RecordedAt]


def file(
    session: Session,
    *,
    project_id: int | None = None,
    round_id: int | None = None,
    name: str,
    contact: str,
    words: str,
    origin_hash: str,
) -> int:
    """Put an objection on file; its number. The room that runs the notice has checked it is open.

    Raises
    ------
    Invalid
        A field is empty or too long.
    Conflict
        ``too_many``: from this place within the hour, or from everywhere today.
    """
    name, contact, words = name.strip(), contact.strip(), words.strip()
    if not (0 < len(name) <= NAME_LENGTH_MAX and 0 < len(contact) <= CONTACT_LENGTH_MAX):
        raise Invalid("请填写姓名和联系方式，以便答复；两者都不公开。", code="objector")
    if not TEXT_LENGTH_MIN <= len(words) <= TEXT_LENGTH_MAX:
        raise Invalid(
            f"请写明异议的理由，{TEXT_LENGTH_MIN} 到 {TEXT_LENGTH_MAX} 个字。",
            code="objection_text",
        )
    _refuse_many(session, origin_hash)
    session.add(ObjectionOrigin(origin_hash=origin_hash))
    number = session.execute(text("SELECT nextval('objection_seq')")).scalar_one()
    session.add(Objection(id=number, project_id=project_id, round_id=round_id, text=words))
    session.flush()
    session.add(Objector(objection_id=number, name=name, contact=contact))
    session.flush()
    subject = f"project:{project_id}" if project_id else f"round:{round_id}"
    audit.record(session, None, "objection.file", subject, {"objection": number})
    return int(number)


def _refuse_many(session: Session, origin_hash: str) -> None:
    # One at a time, so that a burst is counted; it holds no longer than this short transaction.
    session.execute(text("SELECT pg_advisory_xact_lock(7500)"))
    at = now(session)
    today = select(func.count()).where(ObjectionOrigin.recorded_at > at - timedelta(days=1))
    from_here = select(func.count()).where(
        ObjectionOrigin.origin_hash == origin_hash,
        ObjectionOrigin.recorded_at > at - timedelta(hours=1),
    )
    if (session.scalar(from_here) or 0) >= PER_ORIGIN_HOUR_MAX or (
        session.scalar(today) or 0
    ) >= PER_DAY_MAX:
        raise Conflict(
            "提交得太频繁，未收下。请一小时后再试，或书面交给登记机构。", code="too_many"
        )


def refuse_open(
    session: Session, *, project_id: int | None = None, round_id: int | None = None
) -> None:
    """Refuse to go on while an objection to this notice waits for its answer."""
    query = select(func.count()).where(
        Objection.project_id.is_not_distinct_from(project_id),
        Objection.round_id.is_not_distinct_from(round_id),
        Objection.answered_at.is_(None),
    )
    if count := session.scalar(query):
        raise Conflict(
            f"公示期内收到的异议还有 {count} 件未答复，主管部门或登记机构答复之后才能继续。",
            code="objection_open",
        )


def locked(session: Session, objection_id: int) -> Objection:
    """An objection that waits for its answer, held until the transaction ends."""
    row = session.get(Objection, objection_id, with_for_update=True, populate_existing=True)
    if row is None or row.answered_at:
        raise NotFound("没有这件待答复的异议。", code="objection")
    return row


def answer(
    session: Session, actor: Actor, row: Objection, *, words: str, outcome: str, owner_id: int
) -> None:
    """Answer an objection. The words are public; whether the notice ends is the caller's.

    owner_id : the party whose notice it is, which does not answer for itself
    """
    actor.require(Role.AUTHORITY, Role.REGISTRAR)
    if actor.party_id == owner_id:
        raise NotPermitted("业主不能答复对自己的异议。", code="own_notice")
    if outcome not in list(Outcome) or not words.strip():
        raise Invalid("请选择异议是否成立，并写明答复。", code="answer")
    at = now(session)  # Asked first: a query sends what was changed, half an answer.
    row.answer, row.outcome = words.strip()[:TEXT_LENGTH_MAX], outcome
    row.answered_by_id, row.answered_at = actor.person_id, at
    session.flush()
    subject = f"project:{row.project_id}" if row.project_id else f"round:{row.round_id}"
    audit.record(
        session, actor, "objection.answer", subject, {"objection": row.id, "outcome": outcome}
    )


def listing(session: Session) -> list[tuple[Objection, Objector | None]]:
    """Objections, those without an answer first, then the newest; with who objected as far as
    this person may read it."""
    query = (
        select(Objection, Objector)
        .outerjoin(Objector, Objector.objection_id == Objection.id)
        .order_by(Objection.answered_at.is_not(None), Objection.id.desc())
    )
    return [(row, who) for row, who in session.execute(query)]

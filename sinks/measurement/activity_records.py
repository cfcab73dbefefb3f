"""Activity records: what was done on a parcel in a year, by kind, with its evidence.

A record is never changed. A correction follows the record that it corrects and both are kept; a
correction without values says that there was no such thing. Evidence is any number of documents on
file for a record, and may come later than the record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from methodologies import activity
from methodologies.base import MethodInputInvalid
from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, refused_in_words, today
from sinks.core.documents import Document
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.land import parcels
from sinks.measurement import activity_words

SUBJECT = "activity_record"


class ActivityRecord(Base):
    """One record; of a parcel, year, kind and slot exactly one stands: that nobody corrected."""

    __tablename__ = "activity_record"
    __table_args__ = (
        CheckConstraint(f"year between {activity.YEAR_MIN} and {activity.YEAR_MAX}", name="year"),
        CheckConstraint("supersedes_id is not null or values is not null", name="first_has_values"),
        UniqueConstraint("id", "parcel_id", "year", "kind", "slot"),
        # A correction is of the same parcel, year, kind and slot.
        ForeignKeyConstraint(
            ["supersedes_id", "parcel_id", "year", "kind", "slot"],
            ["activity_record.id", "activity_record.parcel_id", "activity_record.year",
             "activity_record.kind", "activity_record.slot"],
            name="activity_record_supersedes_fkey",
        ),
        UniqueConstraint("supersedes_id", name="activity_record_corrected_once"),
        Index(
            "activity_record_first", "parcel_id", "year", "kind", "slot", unique=True,
            postgresql_where=text("supersedes_id IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    year: Mapped[int]
    kind: Mapped[str]
    slot: Mapped[str]
    values: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    supersedes_id: Mapped[int | None]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


@dataclass(frozen=True, slots=True)
class Line:
    """A record as lists show it: whether it stands, and its evidence on file."""

    record: ActivityRecord
    parcel_code: str
    superseded: bool
    evidence: list[Document]


def add(
    session: Session,
    actor: Actor,
    *,
    parcel_id: int,
    year: int,
    kind: str,
    values: Mapping[str, Any],
    correcting: bool = False,
) -> ActivityRecord:
    """Write down a record of a parcel and a year.

    correcting : the record that stands in its place is corrected by this one

    Raises
    ------
    Invalid
        The kind is unknown, a value is missing or wrong, or the year is in the future.
    Conflict
        There is such a record already (and `correcting` was not said), or none to correct.
    NotPermitted
        The parcel's sink is not the actor's party's; officers write for every parcel.
    """
    _refuse_anothers(session, actor, parcel_id)
    try:
        checked = activity.parse(kind, year, values)
    except MethodInputInvalid as error:
        raise Invalid(activity_words.refusal_words(error), code="record_values") from error
    if year > today(session).year:
        raise Invalid("记录的年份不能在将来。", code="future")
    stored = checked.model_dump(mode="json")
    before = _standing_in(session, parcel_id, year, kind, checked.slot)
    held = before is not None and before.values is not None
    where = f"{activity_words.KINDS[kind][0]} {year} 年 {activity_words.value_words(checked.slot)}"
    if held and not correcting:
        raise Conflict(f"该地块已有这条记录（{where}）；如为更正，请选“更正”。", code="record_held")
    if correcting and not held:
        raise Conflict(f"没有可以更正的记录（{where}）。", code="no_record")
    return _store(session, actor, parcel_id, year, kind, checked.slot, stored, before)


def withdraw(session: Session, actor: Actor, record_id: int) -> ActivityRecord:
    """Say that there was no such thing: a correction without values. The record itself is kept."""
    row = get(session, record_id)
    _refuse_anothers(session, actor, row.parcel_id)
    before = _standing_in(session, row.parcel_id, row.year, row.kind, row.slot)
    if before is None or before.id != row.id or row.values is None:
        raise Conflict("这条记录已被更正，请撤销现行的一条。", code="record_superseded")
    return _store(session, actor, row.parcel_id, row.year, row.kind, row.slot, None, row)


def _store(
    session: Session,
    actor: Actor,
    parcel_id: int,
    year: int,
    kind: str,
    slot: str,
    values: dict[str, Any] | None,
    before: ActivityRecord | None,
) -> ActivityRecord:
    row = ActivityRecord(
        parcel_id=parcel_id, year=year, kind=kind, slot=slot, values=values,
        supersedes_id=before.id if before else None, person_id=actor.person_id,
    )  # fmt: skip
    meanwhile = Conflict("别人刚写下了同一条记录，请刷新后核对。", code="record_held")
    said = {"activity_record_first": meanwhile, "activity_record_corrected_once": meanwhile}
    with refused_in_words(session, said):
        session.add(row)
    audit.record(
        session, actor, "activity.record", f"parcel:{parcel_id}",
        {"record": row.id, "kind": kind, "year": year, "slot": slot,
         "supersedes": row.supersedes_id, "withdrawn": values is None},
    )  # fmt: skip
    return row


def add_evidence(
    session: Session, actor: Actor, record_id: int, *, name: str, content: bytes
) -> Document:
    """Put a document on file as evidence of a record."""
    row = get(session, record_id)
    _refuse_anothers(session, actor, row.parcel_id)
    return documents.file(
        session, actor, kind="activity_evidence", name=name, content=content,
        subject=f"{SUBJECT}:{row.id}",
    )  # fmt: skip


def _refuse_anothers(session: Session, actor: Actor, parcel_id: int) -> None:
    """Refuse records on land whose sink is not the actor's; officers write for every parcel."""
    actor.require(Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER)
    if session.get(parcels.Parcel, parcel_id) is None:
        raise NotFound("没有这个地块。", code="parcel")
    if Role.OFFICER in actor.roles:
        return
    day = today(session)
    if not session.scalar(
        select(func.parcel_held_by(parcel_id, actor.party_id, day, func.date(day) + 1))
    ):
        raise NotPermitted(
            "只有林业员，或以收储合同、完整权利掌握该地块碳汇的单位，可以登记其活动记录。",
            code="not_held",
        )


def _standing_in(
    session: Session, parcel_id: int, year: int, kind: str, slot: str
) -> ActivityRecord | None:
    later = aliased(ActivityRecord)
    return session.scalar(
        select(ActivityRecord).where(
            ActivityRecord.parcel_id == parcel_id,
            ActivityRecord.year == year,
            ActivityRecord.kind == kind,
            ActivityRecord.slot == slot,
            ~select(later.id).where(later.supersedes_id == ActivityRecord.id).exists(),
        )
    )


def get(session: Session, record_id: int) -> ActivityRecord:
    """One record, or NotFound."""
    row = session.get(ActivityRecord, record_id)
    if row is None:
        raise NotFound("没有这条活动记录。", code="record")
    return row


def standing(session: Session, parcel_ids: Iterable[int], kind: str) -> list[ActivityRecord]:
    """The records of a kind that count: neither corrected nor withdrawn; by parcel and year."""
    later = aliased(ActivityRecord)
    query = select(ActivityRecord).where(
        ActivityRecord.parcel_id.in_(list(parcel_ids)),
        ActivityRecord.kind == kind,
        ActivityRecord.values.is_not(None),
        ~select(later.id).where(later.supersedes_id == ActivityRecord.id).exists(),
    )
    return list(
        session.scalars(
            query.order_by(ActivityRecord.parcel_id, ActivityRecord.year, ActivityRecord.slot)
        )
    )


def listing(session: Session, parcel_ids: Iterable[int]) -> list[Line]:
    """Every record of these parcels, corrected ones too: newest year first, then as written."""
    query = (
        select(ActivityRecord, parcels.Parcel.code)
        .join(parcels.Parcel, parcels.Parcel.id == ActivityRecord.parcel_id)
        .where(ActivityRecord.parcel_id.in_(list(parcel_ids)))
        .order_by(
            ActivityRecord.year.desc(), parcels.Parcel.code, ActivityRecord.kind,
            ActivityRecord.slot, ActivityRecord.id.desc(),
        )
    )  # fmt: skip
    rows = list(session.execute(query))
    corrected = {row.supersedes_id for row, _ in rows}
    filed = evidence_of(session, [row.id for row, _ in rows])
    return [Line(row, code, row.id in corrected, filed.get(row.id, [])) for row, code in rows]


def evidence_of(session: Session, record_ids: Iterable[int]) -> dict[int, list[Document]]:
    """Record id -> its evidence on file, oldest first; records without any are left out."""
    subjects = {f"{SUBJECT}:{record_id}": record_id for record_id in record_ids}
    query = select(Document).where(Document.subject.in_(subjects)).order_by(Document.id)
    found: dict[int, list[Document]] = {}
    for row in session.scalars(query):
        found.setdefault(subjects[row.subject], []).append(row)
    return found

"""Staging: a file is read and checked into rows that a person looks at before any becomes land.

A batch holds one file as it was read with certain options. Its rows are accepted, questioned or
refused; questions are answered in bulk by their code, with a reason; offered repairs are accepted one
by one. Nothing here is land: `imports.commit` makes parcels of the rows that are taken, all at once.
The rows survive a refresh, a crash and another day; a discarded batch keeps its record, not its rows.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import vectors
from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, SinksError
from sinks.land import parcels

# As much as the reader of files takes.
FILE_BYTES_MAX = vectors.BYTES_MAX


class State(StrEnum):
    READING = "reading"
    STAGED = "staged"
    COMMITTED = "committed"
    DISCARDED = "discarded"
    REFUSED = "refused"


class RowState(StrEnum):
    ACCEPTED = "accepted"
    QUESTIONED = "questioned"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read. Empty means: as the file says.

    outline : role -> column of a table whose names do not tell where its outlines are
    mapping : meaning -> column; None takes the one saved for such files, else what the names say
    named : meaning -> column that go before the mapping
    """

    sink_type: str
    crs: str = ""
    encoding: str = ""
    layer: str = ""
    source: str = ""
    outline: Mapping[str, str] | None = None
    mapping: Mapping[str, str] | None = None
    named: Mapping[str, str] = field(default_factory=dict)


class ImportBatch(Base):
    """One file as it was read.

    reading : format, coordinate system and where it is from, encoding, how the network was cut,
        columns, first values; counts : rows by state, questions by code; answers : code -> take,
        reason, person
    """

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint(
            "state in ('reading','staged','committed','discarded','refused')", name="state"
        ),
        CheckConstraint("(state = 'committed') = (import_id is not null)", name="committed"),
    )

    id: Mapped[Key]
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    file_name: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    sink_type: Mapped[str]
    options: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(server_default="")
    mapping: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default=State.READING.value)
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    reading: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    answers: Mapped[dict[str, Any]]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    import_id: Mapped[int | None] = mapped_column(ForeignKey("land_import.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]


class ImportRow(Base):
    """One row of a file. ``taken`` is None while a question is open; the outline of a refused row is
    as it was read, for the map alone. The attributes may name households."""

    __tablename__ = "import_row"
    __table_args__ = (
        CheckConstraint("state in ('accepted','questioned','refused')", name="state"),
        CheckConstraint("term_to is null or term_to > term_from", name="term"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"), primary_key=True)
    row_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # From 0.
    state: Mapped[str]
    taken: Mapped[bool | None]
    boundary: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4490, spatial_index=True)
    )
    boundary_sha256: Mapped[str | None]
    source_sha256: Mapped[str | None]  # Of the outline as it was read, before any transformation.
    area_m2: Mapped[float | None]
    declared_area_m2: Mapped[float | None]
    district_code: Mapped[str | None]
    name: Mapped[str] = mapped_column(server_default="")
    township: Mapped[str] = mapped_column(server_default="")
    certificate_no: Mapped[str] = mapped_column(server_default="")
    term_from: Mapped[date | None]
    term_to: Mapped[date | None]
    attributes: Mapped[dict[str, Any]]
    messages: Mapped[list[Any]]  # code, message
    repair: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    repair_boundary: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4490, spatial_index=False)
    )
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_reason: Mapped[str | None]


def upload(
    session: Session, actor: Actor, *, file_name: str, content: bytes, options: Options
) -> ImportBatch:
    """Put a file on file, to be read.

    Raises
    ------
    Invalid
        No such sink type, an empty file or one too large.
    """
    actor.require(Role.OFFICER)
    _refuse_type(options.sink_type)
    document = documents.file(
        session, actor, kind="land_import", name=file_name, content=content,
        subject=f"import:{hashlib.sha256(content).hexdigest()[:12]}", bytes_max=FILE_BYTES_MAX,
    )  # fmt: skip
    batch = ImportBatch(
        document_id=document.id,
        file_name=file_name[:200],
        sha256=document.sha256,
        reading={},
        counts={},
        answers={},
        person_id=actor.person_id,
        **_kept(options),
    )
    session.add(batch)
    session.flush()
    audit.record(
        session, actor, "import.upload", f"import_batch:{batch.id}", {"sha256": batch.sha256}
    )
    return batch


def _refuse_type(sink_type: str) -> None:
    if sink_type not in list(parcels.SinkType):
        raise Invalid(f"没有这种类型：{sink_type}。", code="sink_type")


def _kept(options: Options) -> dict[str, Any]:
    """The options as a batch holds them; the mapping is settled when the columns are known."""
    return {
        "sink_type": options.sink_type,
        "source": options.source.strip()[:100],
        "options": {
            "crs": options.crs,
            "encoding": options.encoding,
            "layer": options.layer,
            "outline": None if options.outline is None else dict(options.outline),
            "mapping": None if options.mapping is None else dict(options.mapping),
            "named": dict(options.named),
        },
        "mapping": {},
    }


def options_of(batch: ImportBatch) -> Options:
    """How a batch was asked to be read."""
    return Options(sink_type=batch.sink_type, source=batch.source, **batch.options)


def open_batch(session: Session, actor: Actor, sha256: str) -> ImportBatch | None:
    """The batch of this very file that this person has not decided about yet."""
    return session.scalar(
        select(ImportBatch)
        .where(
            ImportBatch.sha256 == sha256,
            ImportBatch.person_id == actor.person_id,
            ImportBatch.state.in_((State.READING, State.STAGED)),
        )
        .order_by(ImportBatch.id.desc())
        .limit(1)
    )


def committed(session: Session, sha256: str) -> ImportBatch | None:
    """The batch by which this very file was imported."""
    return session.scalar(
        select(ImportBatch).where(
            ImportBatch.sha256 == sha256, ImportBatch.state == State.COMMITTED
        )
    )


def reread(session: Session, actor: Actor, batch_id: int, options: Options) -> ImportBatch:
    """Have a batch read again with other options; its rows and the answers about them go."""
    actor.require(Role.OFFICER)
    _refuse_type(options.sink_type)
    batch = locked(session, batch_id, State.STAGED, State.REFUSED, State.READING)
    session.execute(text("DELETE FROM import_row WHERE batch_id = :id"), {"id": batch_id})
    for name, value in _kept(options).items():
        setattr(batch, name, value)
    batch.state, batch.reading, batch.counts, batch.answers = State.READING, {}, {}, {}
    batch.error_code = batch.error = None
    audit.record(session, actor, "import.reread", f"import_batch:{batch_id}", {})
    return batch


def refuse(session: Session, actor: Actor, batch_id: int, refusal: SinksError) -> None:
    """Write down that the file of a batch cannot be read, and why; other options may be tried."""
    batch = locked(session, batch_id, State.READING)
    batch.state, batch.error_code, batch.error = State.REFUSED, refusal.code, refusal.message
    batch.job_id = None
    audit.record(
        session, actor, "import.refused", f"import_batch:{batch_id}", {"code": refusal.code}
    )


def json_text(value: Any) -> str:
    """JSON as a column of the database takes it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def count(session: Session, batch: ImportBatch) -> None:
    """Bring the batch's counts up to date: rows by state, rows taken and open, questions by code."""
    states = session.execute(
        select(ImportRow.state, ImportRow.taken, func.count())
        .where(ImportRow.batch_id == batch.id)
        .group_by(ImportRow.state, ImportRow.taken)
    ).all()
    rows: Counter[str] = Counter()
    for state, taken, count in states:
        rows[state] += count
        rows["taken" if taken else "open" if taken is None else "left"] += count
    codes = session.execute(
        text(
            "SELECT m->>'code', r.state, count(DISTINCT r.row_no)"
            " FROM import_row r, jsonb_array_elements(r.messages) m"
            " WHERE r.batch_id = :id GROUP BY 1, 2 ORDER BY 3 DESC"
        ),
        {"id": batch.id},
    ).all()
    batch.counts = {
        "rows": {"all": sum(count for _, _, count in states), **rows},
        "questions": {code: n for code, state, n in codes if state == RowState.QUESTIONED},
        "refusals": {code: n for code, state, n in codes if state == RowState.REFUSED},
    }


def get(session: Session, batch_id: int) -> ImportBatch:
    """A batch."""
    batch = session.get(ImportBatch, batch_id, populate_existing=True)
    if batch is None:
        raise NotFound("没有这个暂存的导入。", code="import_batch")
    return batch


def locked(session: Session, batch_id: int, *states: State) -> ImportBatch:
    """A batch in one of the states, held until the transaction ends."""
    batch = session.get(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None:
        raise NotFound("没有这个暂存的导入。", code="import_batch")
    if batch.state not in states:
        raise Conflict(
            f"这个导入现为“{STATE_ZH[State(batch.state)]}”，不能再这样办理。", code="import_state"
        )
    return batch


STATE_ZH = {
    State.READING: "正在读取",
    State.STAGED: "已暂存，待提交",
    State.COMMITTED: "已提交",
    State.DISCARDED: "已放弃",
    State.REFUSED: "读不了",
}


def to_json(session: Session, batch_id: int) -> dict[str, Any]:
    """The shape that ``land check|import --json`` print, of what is staged."""
    rows = session.execute(
        select(ImportRow.row_no, ImportRow.state, ImportRow.area_m2, ImportRow.messages)
        .where(ImportRow.batch_id == batch_id)
        .order_by(ImportRow.row_no)
    ).all()
    said: dict[str, list[dict[str, Any]]] = {RowState.REFUSED: [], RowState.QUESTIONED: []}
    for row_no, state, _, messages in rows:
        said.get(state, []).extend({"row": row_no, **message} for message in messages)
    return {
        "rows": len(rows),
        "accepted": [
            {"row": row_no, "area_m2": area_m2}
            for row_no, state, area_m2, _ in rows
            if state != RowState.REFUSED
        ],
        "refused": said[RowState.REFUSED],
        "questioned": said[RowState.QUESTIONED],
        "file": None,
        "overlap_checked": True,
    }


def listing(session: Session, *, limit: int = 50) -> list[ImportBatch]:
    """Batches, newest first."""
    return list(session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc()).limit(limit)))


def discard(session: Session, actor: Actor, batch_id: int, reason: str) -> None:
    """Give a batch up. That it was there, and what was in it by number, is kept; its rows are not:
    they may name households, and nothing will come of them."""
    actor.require(Role.OFFICER)
    batch = locked(session, batch_id, State.STAGED, State.REFUSED, State.READING)
    if not reason.strip():
        raise Invalid("请写明放弃的原因。", code="reason")
    session.execute(text("DELETE FROM import_row WHERE batch_id = :id"), {"id": batch_id})
    batch.reading = {key: value for key, value in batch.reading.items() if key != "first"}
    batch.state, batch.decided_by_id, batch.decided_at = (
        State.DISCARDED, actor.person_id, now(session),
    )  # fmt: skip
    audit.record(
        session, actor, "import.discard", f"import_batch:{batch_id}", {"reason": reason.strip()}
    )

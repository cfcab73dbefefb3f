"""Staging: a file is read and checked into rows that a person looks at before any becomes land.

A batch holds one file as it was read with certain options. Its rows are accepted, questioned or
refused; questions are answered in bulk by their code, with a reason; offered repairs are accepted one
by one. Nothing here is land: `imports.commit` makes parcels of the rows that are taken, all at once.
The rows survive a refresh, a crash and another day; a discarded batch keeps its record, not its rows.
"""

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import check, columns, geometry, vectors
from gis_data.check import CheckedRow, CheckReport
from gis_data.refusals import FileRefused
from gis_data.vectors import VectorFile
from sinks.core import audit, db, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.documents import Document
from sinks.core.errors import Conflict, Invalid, NotFound, SinksError
from sinks.core.jobs import Progress
from sinks.land import column_mappings, overlaps, parcels

# As much as the reader of files takes.
FILE_BYTES_MAX = vectors.BYTES_MAX
NAME_CHARACTERS_MAX, TOWNSHIP_CHARACTERS_MAX, CERTIFICATE_CHARACTERS_MAX = 100, 50, 100
CHUNK = 2_000
# What a parcel takes from the columns; the others stay with the row as they are.
TAKEN_OVER = (
    "name", "compartment", "subcompartment", "parcel_no", "township", "certificate_no",
)  # fmt: skip


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

    mapping : meaning -> column; None takes the one saved for such files, else what the names say
    named : meaning -> column that go before the mapping
    """

    sink_type: str
    crs: str = ""
    encoding: str = ""
    layer: str = ""
    source: str = ""
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
    attributes: Mapped[dict[str, Any]]
    messages: Mapped[list[Any]]  # code, message
    repair: Mapped[dict[str, Any] | None]
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


def stage(
    session: Session, actor: Actor, *, file_name: str, content: bytes, options: Options
) -> ImportBatch:
    """Read and check a file in this very transaction: for small files and the command line.

    Raises
    ------
    Invalid
        The file cannot be read as land; its code says why.
    """
    batch = upload(session, actor, file_name=file_name, content=content, options=options)
    fill(session, actor, batch.id, examine(session, batch.id))
    return batch


@dataclass(frozen=True, slots=True)
class Examined:
    """A file as read and checked, with the meaning of its columns."""

    read: VectorFile
    report: CheckReport
    mapping: dict[str, str]


def examine(session: Session, batch_id: int) -> Examined:
    """Read and check the file of a batch. Writes nothing.

    Raises
    ------
    Invalid
        The file cannot be read as land, or not by the mapping that was given.
    """
    batch = get(session, batch_id)
    content = documents.content_of(session.get_one(Document, batch.document_id))
    options = options_of(batch)
    read = _read(batch.file_name, content, options)
    mapping = _mapping(session, options, read.fields)
    return Examined(read, _report(read, options, mapping), mapping)


def examine_apart(actor: Actor, batch_id: int) -> Examined:
    """As `examine`, with no transaction open while a large file is read."""
    with db.transaction(actor) as session:
        batch = get(session, batch_id)
        file_name, options = batch.file_name, options_of(batch)
        content = documents.content_of(session.get_one(Document, batch.document_id))
    read = _read(file_name, content, options)
    with db.transaction(actor) as session:
        mapping = _mapping(session, options, read.fields)
    return Examined(read, _report(read, options, mapping), mapping)


def _read(file_name: str, content: bytes, options: Options) -> VectorFile:
    # The reader looks at the content; the ending only tells parts of a shapefile apart.
    ending = re.sub(r"[^.a-z0-9]", "", Path(file_name).suffix.lower())[:10]
    with tempfile.TemporaryDirectory(prefix="sinks-import-") as folder:
        path = Path(folder) / f"upload{ending}"
        path.write_bytes(content)
        try:
            return vectors.read(
                path, crs=options.crs or None, encoding=options.encoding or None,
                layer=options.layer or None,
            )  # fmt: skip
        except FileRefused as error:
            raise Invalid(error.message, code=error.code) from error


def _report(read: VectorFile, options: Options, mapping: Mapping[str, str]) -> CheckReport:
    try:
        return check.check_rows(
            read, sink_type=options.sink_type, declared_area_field=mapping.get("declared_area")
        )
    except FileRefused as error:
        raise Invalid(error.message, code=error.code) from error


def _mapping(session: Session, options: Options, fields: list[str]) -> dict[str, str]:
    """The mapping given, else the one saved for such files, else what the names say."""
    if options.mapping is not None:
        chosen = dict(options.mapping)
    elif saved := column_mappings.find(session, fields, options.source):
        chosen = dict(saved.mapping)
    else:
        chosen = column_mappings.suggested(fields)
    chosen |= options.named
    column_mappings.refuse_unknown(chosen, fields)
    return chosen


def fill(
    session: Session,
    actor: Actor,
    batch_id: int,
    found: Examined,
    progress: Progress | None = None,
) -> ImportBatch:
    """Write down what was found in a file: one row for each of its rows."""
    actor.require(Role.OFFICER)
    batch = locked(session, batch_id, State.READING)
    progress = progress or Progress()
    asked = _overlaps(session, found.report.accepted, progress)
    total, done = found.report.rows, 0
    waiting: list[dict[str, Any]] = []
    for row in _rows(batch, found, asked):
        waiting.append(row)
        if len(waiting) == CHUNK:
            _write(session, batch_id, waiting)
            done += len(waiting)
            waiting.clear()
            progress.step("写入暂存", done, total)
    _write(session, batch_id, waiting)
    read = found.read
    batch.mapping = found.mapping
    batch.reading = {
        "driver": read.driver, "crs": read.crs.name, "crs_source": read.crs_source,
        "encoding": read.encoding, "network": read.network, "fields": read.fields,
        "first": [_plain(row.attributes) for row in read.rows[:8]],
    }  # fmt: skip
    batch.state, batch.job_id = State.STAGED, None
    count(session, batch)
    audit.record(
        session, actor, "import.stage", f"import_batch:{batch_id}",
        {"rows": total, "network": read.network, "counts": batch.counts["rows"]},
    )  # fmt: skip
    return batch


def refuse(session: Session, actor: Actor, batch_id: int, refusal: SinksError) -> None:
    """Write down that the file of a batch cannot be read, and why; other options may be tried."""
    batch = locked(session, batch_id, State.READING)
    batch.state, batch.error_code, batch.error = State.REFUSED, refusal.code, refusal.message
    batch.job_id = None
    audit.record(
        session, actor, "import.refused", f"import_batch:{batch_id}", {"code": refusal.code}
    )


def _overlaps(
    session: Session, accepted: list[CheckedRow], progress: Progress
) -> dict[int, list[dict[str, str]]]:
    """Row -> what it shares with the register and with other rows, as questions."""
    found: dict[int, list[dict[str, str]]] = {}
    outlines = np.array([row.boundary_4490 for row in accepted], dtype=object)
    rows = [row.row for row in accepted]
    progress.step("与登记簿比对重叠", 0, len(rows))
    for row, code, shared_m2 in overlaps.with_register(session, rows, outlines):
        found.setdefault(row, []).append(
            _overlap(f"与已登记的地块 {code} 重叠 {shared_m2:,.1f} 平方米")
        )
    progress.step("比对各行之间的重叠", 0, len(rows))
    for first, second, shared_m2 in overlaps.among_themselves(outlines):
        found.setdefault(rows[first], []).append(
            _overlap(f"与本文件第 {rows[second]} 行（从 0 起）重叠约 {shared_m2:,.1f} 平方米")
        )
    return found


def _overlap(what: str) -> dict[str, str]:
    return {
        "code": "overlap",
        "message": f"{what}，最宽处超过 {parcels.OVERLAP_WIDTH_M_MAX:g} 米。可以存为草稿，修正前不能入库。",
    }


def _rows(
    batch: ImportBatch, found: Examined, asked: Mapping[int, list[dict[str, str]]]
) -> Iterator[dict[str, Any]]:
    """What is written down of each row of the file."""
    accepted = {row.row: row for row in found.report.accepted}
    for item in found.report.refused:
        source = found.read.rows[item.row]
        yield {
            **_said(batch, source.attributes, found.mapping, item.row)[0],
            "row_no": item.row, "state": RowState.REFUSED, "taken": False,
            "wkb": _drawable(source.polygon, found.read),
            "messages": [{"code": item.code, "message": item.message}],
        }  # fmt: skip
    for number, row in accepted.items():
        said, doubts = _said(batch, row.attributes, found.mapping, number)
        messages = [
            *({"code": one.code, "message": one.message} for one in row.questions),
            *doubts,
            *asked.get(number, ()),
        ]
        yield {
            **said,
            "row_no": number,
            "state": RowState.QUESTIONED if messages else RowState.ACCEPTED,
            "taken": None if messages else True,
            "wkb": shapely.to_wkb(row.boundary_4490),
            "boundary_sha256": geometry.geometry_sha256(row.boundary_4490),
            "source_sha256": row.geometry_sha256,
            "area_m2": row.area_m2,
            "declared_area_m2": row.declared_area_m2,
            "district_code": row.district_code,
            "messages": messages,
        }


def _said(
    batch: ImportBatch,
    attributes: Mapping[str, Any],
    mapping: Mapping[str, str],
    row: int,
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What a row says about itself by the mapping, and what of it could not be read."""
    told = {meaning: mapping[meaning] for meaning in TAKEN_OVER if meaning in mapping}
    normal = columns.apply(told, attributes)
    values = normal.values
    number = "-".join(
        str(values[one]) for one in ("compartment", "subcompartment") if values.get(one)
    )
    name = str(values.get("name") or number or values.get("parcel_no") or "").strip()
    said = {
        "name": (name or f"{batch.file_name} 第 {row + 1} 行")[:NAME_CHARACTERS_MAX],
        "township": str(values.get("township") or "")[:TOWNSHIP_CHARACTERS_MAX],
        "certificate_no": str(values.get("certificate_no") or "")[:CERTIFICATE_CHARACTERS_MAX],
        "attributes": _plain(attributes),
    }
    return said, [{"code": one.code, "message": one.message} for one in normal.questions]


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON holds them: a number that is none is said as text."""
    return {
        key: str(value) if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in attributes.items()
    }


def _drawable(polygon: Any, read: VectorFile) -> bytes | None:
    """The outline of a refused row, where it has a place on the map."""
    if polygon is None or polygon.is_empty:
        return None
    moved = geometry.to_4490(np.array([geometry.as_multipolygon(polygon)]), read.crs)[0]
    on_globe = np.array([-180.0, -90.0, -180.0, -90.0]), np.array([180.0, 90.0, 180.0, 90.0])
    bounds = np.array(moved.bounds)
    if not bool(np.all((bounds >= on_globe[0]) & (bounds <= on_globe[1]))):
        return None
    return shapely.to_wkb(moved)


def json_text(value: Any) -> str:
    """JSON as a column of the database takes it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


WRITE = """
INSERT INTO import_row (batch_id, row_no, state, taken, boundary, boundary_sha256, source_sha256,
  area_m2, declared_area_m2, district_code, name, township, certificate_no, attributes, messages)
SELECT :batch_id, row_no, state, taken, ST_GeomFromWKB(wkb, 4490), boundary_sha256, source_sha256,
  area_m2, declared_area_m2, district_code, name, township, certificate_no,
  attributes::jsonb, messages::jsonb
FROM unnest(CAST(:row_no AS bigint[]), CAST(:state AS text[]), CAST(:taken AS boolean[]),
  CAST(:wkb AS bytea[]), CAST(:boundary_sha256 AS text[]), CAST(:source_sha256 AS text[]),
  CAST(:area_m2 AS float8[]), CAST(:declared_area_m2 AS float8[]), CAST(:district_code AS text[]),
  CAST(:name AS text[]), CAST(:township AS text[]), CAST(:certificate_no AS text[]),
  CAST(:attributes AS text[]), CAST(:messages AS text[]))
  AS sent(row_no, state, taken, wkb, boundary_sha256, source_sha256, area_m2, declared_area_m2,
    district_code, name, township, certificate_no, attributes, messages)
"""
SENT = (
    "row_no", "state", "taken", "wkb", "boundary_sha256", "source_sha256", "area_m2",
    "declared_area_m2", "district_code", "name", "township", "certificate_no",
)  # fmt: skip


def _write(session: Session, batch_id: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        sent: dict[str, Any] = {key: [row.get(key) for row in rows] for key in SENT}
        for key in ("attributes", "messages"):
            sent[key] = [json_text(row[key]) for row in rows]
        session.execute(text(WRITE), {"batch_id": batch_id, **sent})


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

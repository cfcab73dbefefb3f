"""Imports: the rows of a staged file become draft parcels, in one transaction, once.

Parcels, versions, rights, marks and the audit rows of each are written set by set, with the same
content as `parcel_outlines.create` and `rights.add` give one by one.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, refused_in_words
from sinks.core.errors import Conflict, Invalid
from sinks.core.jobs import Progress
from sinks.core.people import Party
from sinks.land import marks, parcel_outlines, parcels, rights, staging
from sinks.land.marks import ParcelMark
from sinks.land.staging import ImportBatch, State

COMMIT_LOCK = 7400
# Somebody else may be committing the same hundred thousand rows.
WAIT_FOR_OTHER = "15min"
# Questions that become another mark, or none: overlap and declared area are marked from what is
# stored, and of two equal outlines the overlap tells.
NOT_MARKED = ("overlap", "duplicate", "declared_area", "declared_area_over_5", "repaired")


class LandImport(Base):
    """A file that was imported, and what became of its rows."""

    __tablename__ = "land_import"

    id: Mapped[Key]
    file_name: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)
    sink_type: Mapped[str]
    rows: Mapped[int]
    accepted: Mapped[int]
    questioned: Mapped[int]
    refused: Mapped[list[Any]]  # row, code, message
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


def of_file(session: Session, sha256: str) -> LandImport | None:
    """The import of this very file, if there was one."""
    return session.scalar(select(LandImport).where(LandImport.sha256 == sha256))


def commit(
    session: Session,
    actor: Actor,
    batch_id: int,
    *,
    owner_id: int,
    progress: Progress | None = None,
) -> LandImport:
    """Store the taken rows as draft parcels, each with the owner's right to be reviewed.

    All of it or nothing. The same file a second time changes nothing and gives the first import.

    Raises
    ------
    Conflict
        A question is open, or the batch is committed or discarded already.
    Invalid
        No row is taken, or the owner is unknown.
    """
    actor.require(Role.OFFICER)
    progress = progress or Progress()
    sha256 = staging.get(session, batch_id).sha256
    earlier = _first_or_wait(session, sha256)
    if earlier is not None:
        if staging.get(session, batch_id).state == State.STAGED:
            staging.discard(session, actor, batch_id, f"同一文件已在第 {earlier.id} 号导入中")
        return earlier
    batch = staging.locked(session, batch_id, State.STAGED)
    _refuse_unready(session, batch, owner_id)
    count = batch.counts["rows"]["taken"]
    marked = _write(session, actor, batch, owner_id, progress, count)
    row = LandImport(
        file_name=batch.file_name,
        sha256=sha256,
        sink_type=batch.sink_type,
        rows=batch.counts["rows"]["all"],
        accepted=count,
        questioned=_taken_with_questions(session, batch_id),
        refused=_not_taken(session, batch_id),
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    # At once: asking the database for the time would send the first half of it.
    batch.decided_at, batch.decided_by_id, batch.state, batch.import_id = (
        now(session), actor.person_id, State.COMMITTED, row.id,
    )  # fmt: skip
    audit.record(
        session, actor, "land.import", f"import:{row.id}",
        {"sha256": sha256, "batch": batch_id, "accepted": count, "marks": marked,
         "refused": len(row.refused), "answers": batch.answers},
    )  # fmt: skip
    return row


def _write(
    session: Session,
    actor: Actor,
    batch: ImportBatch,
    owner_id: int,
    progress: Progress,
    count: int,
) -> int:
    """Write parcels, rights and marks, each in one statement; gives how many marks there are."""
    started_at = now(session)
    progress.step("写入地块", 0, count)
    with refused_in_words(session, parcel_outlines.CROSSED):
        session.execute(text(PARCELS), _values(batch, actor, started_at))
    progress.step("写入权利", 0, count)
    session.execute(
        text(RIGHTS), {**_values(batch, actor, started_at), "owner": owner_id,
                       "pending": rights.CERTIFICATE_PENDING},
    )  # fmt: skip
    progress.step("核对重叠和申报面积", 0, count)
    marked = _mark(session, batch)
    progress.step("写入记录", count, count)
    return marked


def _first_or_wait(session: Session, sha256: str) -> LandImport | None:
    """The earlier import of the file. Two people with one file at one instant: the second waits here
    and finds the first one's import."""
    session.execute(text(f"SET LOCAL lock_timeout = '{WAIT_FOR_OTHER}'"))
    session.execute(
        text("SELECT pg_advisory_xact_lock(:lock, hashtext(:sha256))"),
        {"lock": COMMIT_LOCK, "sha256": sha256},
    )
    session.execute(text("SET LOCAL lock_timeout = '10s'"))
    return of_file(session, sha256)


def _refuse_unready(session: Session, batch: ImportBatch, owner_id: int) -> None:
    if session.get(Party, owner_id) is None:
        raise Invalid("请选择权利人。", code="owner")
    rows = batch.counts["rows"]
    if rows.get("open"):
        raise Conflict(
            f"还有 {rows['open']} 行的疑问没有答复。请按疑问逐类写明收下或不收，再提交。",
            code="questions_open",
        )
    if not rows.get("taken"):
        raise Invalid("没有一行可以导入，请按提示修正后再试。", code="nothing_accepted")


def _values(batch: ImportBatch, actor: Actor, at: datetime) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "sha256": batch.sha256,
        "file": batch.file_name,
        "sink_type": batch.sink_type,
        "type_code": parcels.TYPE_CODES[parcels.SinkType(batch.sink_type)],
        "person": actor.person_id,
        "at": at,
    }


# The version names file and row, and so ties the parcel to what was staged. The ids are drawn first:
# the planner has no figures about rows just made, and would compare each with each to join them.
PARCELS = """
WITH taken AS MATERIALIZED (
  SELECT nextval(pg_get_serial_sequence('parcel', 'id')) AS id,
    district_code || '-' || :type_code || '-'
      || lpad(nextval('parcel_code_seq')::text, 6, '0') AS code, ordered.*
  FROM (SELECT row_no, name, township, district_code, boundary, boundary_sha256, area_m2,
          declared_area_m2, repair
        FROM import_row WHERE batch_id = :batch AND taken ORDER BY row_no) ordered),
made AS (
  INSERT INTO parcel (id, code, sink_type, name, township, district_code, created_by_id)
  OVERRIDING SYSTEM VALUE
  SELECT id, code, :sink_type, name, township, district_code, :person FROM taken),
versions AS (
  INSERT INTO parcel_version (parcel_id, boundary, area_m2, declared_area_m2, geometry_sha256,
    source_name, source_sha256, source_row, valid_from, created_by_id)
  SELECT id, boundary, area_m2, declared_area_m2, boundary_sha256, :file, :sha256, row_no, :at,
    :person
  FROM taken)
INSERT INTO audit_event (person_id, action, subject, detail)
SELECT :person, 'parcel.create', 'parcel:' || id,
  jsonb_build_object('code', code, 'source', CAST(:file AS text), 'row', row_no)
  || CASE WHEN repair ? 'accepted' THEN jsonb_build_object('repair', jsonb_build_object(
       'before', repair->'sha256_before', 'after', repair->'sha256_after',
       'area_m2_before', repair->'area_m2_before', 'area_m2_after', repair->'area_m2_after'))
     ELSE '{}' END
FROM taken
"""
RIGHTS = """
WITH added AS (
  INSERT INTO parcel_right (parcel_id, party_id, kind, share, certificate_kind, certificate_no,
    term_from, term_to, added_by_id)
  SELECT v.parcel_id, :owner, 'land_use', 1,
    CASE WHEN r.certificate_no LIKE '%林证%' THEN 'forest_right' ELSE 'real_estate' END,
    coalesce(nullif(r.certificate_no, ''), :pending), r.term_from, r.term_to, :person
  FROM import_row r JOIN parcel_version v
    ON v.source_sha256 = :sha256 AND v.source_row = r.row_no AND v.valid_from = :at
  WHERE r.batch_id = :batch AND r.taken ORDER BY r.row_no
  RETURNING id, parcel_id, kind)
INSERT INTO audit_event (person_id, action, subject, detail)
SELECT :person, 'right.add', 'parcel:' || parcel_id, jsonb_build_object('kind', kind, 'id', id)
FROM added ORDER BY id
"""
# Each pair once: among the new parcels the earlier row first, with the older ones all. Most pairs
# only touch; to see that costs a third of cutting them. Written with coalesce, the end of a version
# is not looked up by its index, which the planner would read whole for each new parcel.
OVERLAPS = """
WITH fresh AS MATERIALIZED (
  SELECT parcel_id, boundary_m FROM parcel_version
  WHERE source_sha256 = :sha256 AND valid_to IS NULL)
SELECT f.parcel_id, mine.code, v.parcel_id, p.code,
  ST_Area(ST_Transform(s.g, 4490)::geography) AS shared_m2
FROM fresh f
JOIN parcel mine ON mine.id = f.parcel_id
JOIN parcel_version v ON v.boundary_m && f.boundary_m
  AND coalesce(v.valid_to, 'infinity') = 'infinity' AND v.parcel_id <> f.parcel_id
  AND (v.parcel_id > f.parcel_id OR v.source_sha256 IS DISTINCT FROM :sha256)
  AND ST_Relate(v.boundary_m, f.boundary_m, 'T********')
JOIN parcel p ON p.id = v.parcel_id AND p.status <> 'withdrawn',
LATERAL (SELECT ST_CollectionExtract(
  ST_Intersection(v.boundary_m, f.boundary_m), 3) AS g OFFSET 0) s
WHERE NOT ST_IsEmpty(s.g) AND NOT ST_IsEmpty(ST_Buffer(s.g, -:half_width))
"""


def _mark(session: Session, batch: ImportBatch) -> int:
    """Write down every doubt about the new parcels, as `parcel_outlines.create` does for one parcel;
    gives how many."""
    found: list[dict[str, Any]] = []
    pairs = session.execute(
        text(OVERLAPS),
        {"sha256": batch.sha256, "half_width": parcels.OVERLAP_WIDTH_M_MAX / 2},
    )
    for mine, my_code, theirs, their_code, shared_m2 in pairs:
        found.append(marks.overlap_mark(mine, theirs, their_code, shared_m2))
        found.append(marks.overlap_mark(theirs, mine, my_code, shared_m2))
    doubtful = session.execute(
        text(
            "SELECT v.parcel_id, v.area_m2, v.declared_area_m2, r.messages"
            " FROM import_row r JOIN parcel_version v"
            "   ON v.source_sha256 = :sha256 AND v.source_row = r.row_no AND v.valid_to IS NULL"
            " WHERE r.batch_id = :batch AND r.taken AND r.state = 'questioned' ORDER BY r.row_no"
        ),
        {"sha256": batch.sha256, "batch": batch.id},
    )
    for parcel_id, area_m2, declared_area_m2, messages in doubtful:
        if mark := marks.declared_area_mark(parcel_id, area_m2, declared_area_m2):
            found.append(mark)
        found += [
            {"parcel_id": parcel_id, "code": one["code"], "message": one["message"]}
            for one in messages
            if one["code"] not in NOT_MARKED
        ]
    for first in range(0, len(found), 1000):
        session.execute(
            insert(ParcelMark),
            [_EMPTY_MARK | mark for mark in found[first : first + 1000]],
        )
    return len(found)


_EMPTY_MARK: dict[str, Any] = {"other_parcel_id": None, "area_m2": None}


def _taken_with_questions(session: Session, batch_id: int) -> int:
    return session.execute(
        text(
            "SELECT count(*) FROM import_row"
            " WHERE batch_id = :id AND taken AND state = 'questioned'"
        ),
        {"id": batch_id},
    ).scalar_one()


def _not_taken(session: Session, batch_id: int) -> list[dict[str, Any]]:
    """The rows that did not become parcels, each with its first reason."""
    rows = session.execute(
        text(
            "SELECT row_no, state, messages->0->>'code', messages->0->>'message', decided_reason"
            " FROM import_row WHERE batch_id = :id AND NOT taken ORDER BY row_no"
        ),
        {"id": batch_id},
    )
    return [
        {"row": row, "code": code, "message": message}
        if state == staging.RowState.REFUSED
        else {"row": row, "code": "left_out", "message": reason or f"未收：{message}"}
        for row, state, code, message, reason in rows
    ]


def parcel_ids(session: Session, import_id: int) -> list[int]:
    """The parcels an import has made, in the order of its rows."""
    return list(
        session.scalars(
            text(
                "SELECT v.parcel_id FROM land_import i"
                " JOIN parcel_version v ON v.source_sha256 = i.sha256"
                " WHERE i.id = :id ORDER BY v.source_row"
            ),
            {"id": import_id},
        )
    )


def listing(session: Session) -> list[LandImport]:
    """Imports, newest first."""
    return list(session.scalars(select(LandImport).order_by(LandImport.id.desc())))

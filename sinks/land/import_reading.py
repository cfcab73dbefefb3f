"""Reading a staged file: its rows as the database holds them, with their questions and offered repairs.

The file is read and checked by `gis_data`; here the columns get their meaning, and the rows are held
against one another and against the register.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gis_data import check, columns, geometry, repairs, vectors, workbooks
from gis_data.check import CheckedRow, CheckReport
from gis_data.refusals import FileRefused, Question
from gis_data.vectors import VectorFile
from sinks.core import audit, db, documents
from sinks.core.actor import Actor, Role
from sinks.core.documents import Document
from sinks.core.errors import Invalid
from sinks.core.jobs import Progress
from sinks.land import column_mappings, overlaps, parcels, staging
from sinks.land.staging import ImportBatch, ImportRow, Options, RowState, State

NAME_CHARACTERS_MAX, TOWNSHIP_CHARACTERS_MAX, CERTIFICATE_CHARACTERS_MAX = 100, 50, 100
CHUNK = 2_000
# Registered outlines that a file is held against for a web map's offset; more tell no more.
NEIGHBOURS_MAX = 500
# What a parcel takes from the columns; the others stay with the row as they are.
TAKEN_OVER = (
    "name", "compartment", "subcompartment", "parcel_no", "township", "certificate_no",
    "term_from", "term_to",
)  # fmt: skip


def stage(
    session: Session, actor: Actor, *, file_name: str, content: bytes, options: Options
) -> ImportBatch:
    """Read and check a file in this very transaction: for small files and the command line.

    Raises
    ------
    Invalid
        The file cannot be read as land; its code says why.
    """
    batch = staging.upload(session, actor, file_name=file_name, content=content, options=options)
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
    batch = staging.get(session, batch_id)
    content = documents.content_of(session.get_one(Document, batch.document_id))
    options = staging.options_of(batch)
    read = _read(batch.file_name, content, options)
    mapping = _mapping(session, options, read.fields)
    return Examined(read, _report(read, options, mapping, _around(session, read)), mapping)


def examine_apart(actor: Actor, batch_id: int) -> Examined:
    """As `examine`, with no transaction open while a large file is read."""
    with db.transaction(actor) as session:
        batch = staging.get(session, batch_id)
        file_name, options = batch.file_name, staging.options_of(batch)
        content = documents.content_of(session.get_one(Document, batch.document_id))
    read = _read(file_name, content, options)
    with db.transaction(actor) as session:
        mapping, around = _mapping(session, options, read.fields), _around(session, read)
    return Examined(read, _report(read, options, mapping, around), mapping)


def _read(file_name: str, content: bytes, options: Options) -> VectorFile:
    # The reader looks at the content; the ending only tells parts of a shapefile apart.
    ending = re.sub(r"[^.a-z0-9]", "", Path(file_name).suffix.lower())[:10]
    with tempfile.TemporaryDirectory(prefix="sinks-import-") as folder:
        path = Path(folder) / f"upload{ending}"
        path.write_bytes(content)
        try:
            return vectors.read(
                path, crs=options.crs or None, encoding=options.encoding or None,
                layer=options.layer or None, outline=options.outline,
            )  # fmt: skip
        except FileRefused as error:
            raise Invalid(error.message, code=error.code) from error


def _around(session: Session, read: VectorFile) -> geometry.Polygons | None:
    """Registered outlines around the file, by which a web map's offset shows; None without any."""
    bounds = vectors.bounds_of(read.rows)
    if not np.isfinite(bounds).all():
        return None
    frame = read.to_4490(np.array([shapely.MultiPolygon([shapely.box(*bounds)])], dtype=object))
    if not np.isfinite(frame[0].bounds).all():
        return None
    found = session.scalars(
        text(
            "SELECT ST_AsBinary(boundary) FROM parcel_version WHERE valid_to IS NULL"
            " AND boundary && ST_MakeEnvelope(:west, :south, :east, :north, 4490) LIMIT :most"
        ),
        dict(zip(("west", "south", "east", "north"), frame[0].bounds, strict=True))
        | {"most": NEIGHBOURS_MAX},
    ).all()
    return np.array(shapely.from_wkb([bytes(one) for one in found]), dtype=object)


def _report(
    read: VectorFile,
    options: Options,
    mapping: Mapping[str, str],
    around: geometry.Polygons | None = None,
) -> CheckReport:
    try:
        return check.check_rows(
            read, sink_type=options.sink_type, declared_area_field=mapping.get("declared_area"),
            neighbours_4490=around,
        )  # fmt: skip
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
    batch = staging.locked(session, batch_id, State.READING)
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
        "driver": read.driver, "crs": read.crs_name, "crs_source": read.crs_source,
        "encoding": read.encoding, "network": read.network, "fields": read.fields,
        "first": [_plain(row.attributes) for row in read.rows[:8]],
    }  # fmt: skip
    batch.state, batch.job_id = State.STAGED, None
    staging.count(session, batch)
    audit.record(
        session, actor, "import.stage", f"import_batch:{batch_id}",
        {"rows": total, "network": read.network, "counts": batch.counts["rows"]},
    )  # fmt: skip
    return batch


def error_workbook(actor: Actor, batch_id: int) -> bytes:
    """The rows of the file as an Excel workbook: refusals red, questions amber, each with its comment."""
    actor.require(Role.OFFICER)
    found = examine_apart(actor, batch_id)
    with db.transaction(actor) as session:
        staged = session.execute(
            select(ImportRow.row_no, ImportRow.messages).where(ImportRow.batch_id == batch_id)
        ).all()
    shared = {
        number: [
            Question(one["code"], one["message"]) for one in messages if one["code"] == "overlap"
        ]
        for number, messages in staged
    }
    return workbooks.errors(found.read, found.report, found.mapping, also=shared)


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
            _overlap(f"与本文件第 {rows[second] + 1} 行重叠约 {shared_m2:,.1f} 平方米")
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
    offered = _repairs(batch, found)
    for item in found.report.refused:
        source = found.read.rows[item.row]
        yield {
            **_said(batch, source.attributes, found.mapping, item.row)[0],
            "row_no": item.row, "state": RowState.REFUSED, "taken": False,
            "wkb": _drawable(source.polygon, found.read),
            "messages": [{"code": item.code, "message": item.message}],
            **offered.get(item.row, {}),
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
    doubts = [{"code": one.code, "message": one.message} for one in normal.questions]
    term = [
        day if isinstance(day := values.get(one), date) else None
        for one in ("term_from", "term_to")
    ]
    if term[0] and term[1] and term[1] <= term[0]:
        doubts.append(
            {
                "code": "term_order",
                "message": f"期限止 {term[1]} 不晚于期限起 {term[0]}。"
                "收下则两个日期都不记，请在权属中按证书补录。",
            }
        )
        term = [None, None]
    said = {
        "name": (name or f"{batch.file_name} 第 {row + 1} 行")[:NAME_CHARACTERS_MAX],
        "township": str(values.get("township") or "")[:TOWNSHIP_CHARACTERS_MAX],
        "certificate_no": str(values.get("certificate_no") or "")[:CERTIFICATE_CHARACTERS_MAX],
        "term_from": term[0],
        "term_to": term[1],
        "attributes": _plain(attributes),
    }
    return said, doubts


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON holds them: a number that is none is said as text."""
    return {
        key: str(value) if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in attributes.items()
    }


def _repairs(batch: ImportBatch, found: Examined) -> dict[int, dict[str, Any]]:
    """Row -> the repair that is offered for it: an outline that the checks would take as it is, both
    areas and both hashes beside it. Of two ways that agree within the limit, the smaller land."""
    offers = {
        one.row: (one, min(one.repairs, key=lambda way: way.area_m2))
        for one in repairs.offers(found.read, found.report)
        if one.refusal is None
    }
    if not offers:
        return {}
    rows = [row for row in found.read.rows if row.row in offers]
    mended = repairs.repaired(
        replace(found.read, rows=rows),
        {number: way.method for number, (_, way) in offers.items()},
    )
    report = _report(mended, staging.options_of(batch), found.mapping)
    return {
        row.row: {
            "repair_wkb": shapely.to_wkb(row.boundary_4490),
            "repair": {
                "method": offers[row.row][1].method,
                "area_m2_before": offers[row.row][0].source_area_m2,
                "area_m2_after": row.area_m2,
                "sha256_before": offers[row.row][0].source_sha256,
                "sha256_after": geometry.geometry_sha256(row.boundary_4490),
                "district_code": row.district_code,
                "declared_area_m2": row.declared_area_m2,
                "questions": [{"code": one.code, "message": one.message} for one in row.questions],
            },
        }
        for row in report.accepted
    }


def _drawable(polygon: Any, read: VectorFile) -> bytes | None:
    """The outline of a refused row, where it has a place on the map."""
    if polygon is None or polygon.is_empty:
        return None
    moved = read.to_4490(np.array([geometry.as_multipolygon(polygon)], dtype=object))[0]
    if geometry.range_refusal(moved, polygon.bounds) is not None:
        return None
    return shapely.to_wkb(moved)


WRITE = """
INSERT INTO import_row (batch_id, row_no, state, taken, boundary, boundary_sha256, source_sha256,
  area_m2, declared_area_m2, district_code, name, township, certificate_no, term_from, term_to,
  attributes, messages, repair_boundary, repair)
SELECT :batch_id, row_no, state, taken, ST_GeomFromWKB(wkb, 4490), boundary_sha256, source_sha256,
  area_m2, declared_area_m2, district_code, name, township, certificate_no, term_from, term_to,
  attributes::jsonb, messages::jsonb, ST_GeomFromWKB(repair_wkb, 4490), repair::jsonb
FROM unnest(CAST(:row_no AS bigint[]), CAST(:state AS text[]), CAST(:taken AS boolean[]),
  CAST(:wkb AS bytea[]), CAST(:boundary_sha256 AS text[]), CAST(:source_sha256 AS text[]),
  CAST(:area_m2 AS float8[]), CAST(:declared_area_m2 AS float8[]), CAST(:district_code AS text[]),
  CAST(:name AS text[]), CAST(:township AS text[]), CAST(:certificate_no AS text[]),
  CAST(:term_from AS date[]), CAST(:term_to AS date[]),
  CAST(:attributes AS text[]), CAST(:messages AS text[]), CAST(:repair_wkb AS bytea[]),
  CAST(:repair AS text[]))
  AS sent(row_no, state, taken, wkb, boundary_sha256, source_sha256, area_m2, declared_area_m2,
    district_code, name, township, certificate_no, term_from, term_to, attributes, messages,
    repair_wkb, repair)
"""
SENT = (
    "row_no", "state", "taken", "wkb", "boundary_sha256", "source_sha256", "area_m2",
    "declared_area_m2", "district_code", "name", "township", "certificate_no", "term_from",
    "term_to", "repair_wkb",
)  # fmt: skip


def _write(session: Session, batch_id: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        sent: dict[str, Any] = {key: [row.get(key) for row in rows] for key in SENT}
        for key in ("attributes", "messages", "repair"):
            sent[key] = [staging.json_text(row[key]) if row.get(key) else None for row in rows]
        sent["messages"] = [said or "[]" for said in sent["messages"]]
        sent["attributes"] = [said or "{}" for said in sent["attributes"]]
        session.execute(text(WRITE), {"batch_id": batch_id, **sent})

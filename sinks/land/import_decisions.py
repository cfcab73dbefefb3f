"""Decisions about staged rows: questions answered in bulk, rows left out, offered repairs accepted.

An answer says that somebody has looked: the row becomes a draft, with its doubts marked on the parcel
as on any other. It does not settle them; a second officer does (`marks.close_mark`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import now
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.land import staging
from sinks.land.staging import ImportBatch, ImportRow, RowState, State

REPAIRED = "repaired"

# A row is taken when each of its questions was answered so, and left out when one says so. A row that
# somebody has left out by itself stays out.
DECIDE = """
UPDATE import_row r SET taken = d.taken
FROM (SELECT r.row_no,
        CASE WHEN bool_or(a.take IS FALSE) THEN false WHEN bool_and(a.take) THEN true END AS taken
      FROM import_row r, jsonb_array_elements(r.messages) m
      LEFT JOIN jsonb_to_recordset(CAST(:answers AS jsonb)) AS a(code text, take boolean)
        ON a.code = m->>'code'
      WHERE r.batch_id = :id AND r.state = 'questioned' GROUP BY r.row_no) d
WHERE r.batch_id = :id AND r.row_no = d.row_no AND r.decided_reason IS NULL
  AND r.taken IS DISTINCT FROM d.taken
"""


def answer(
    session: Session, actor: Actor, batch_id: int, codes: Sequence[str], *, take: bool, reason: str
) -> ImportBatch:
    """Answer every question of these codes: take the rows as drafts, or leave them out.

    Raises
    ------
    Invalid
        No reason, or no question of such a code in the batch.
    """
    actor.require(Role.OFFICER)
    batch = staging.locked(session, batch_id, State.STAGED)
    if not reason.strip():
        raise Invalid("请写明依据：为什么收下，或为什么不收。", code="reason")
    unknown = [code for code in codes if code not in batch.counts["questions"]]
    if unknown or not codes:
        raise Invalid(f"这个导入里没有这种疑问：{'、'.join(unknown)}。", code="question")
    said = {
        "take": take, "reason": reason.strip()[:500], "person_id": actor.person_id,
        "at": now(session).isoformat(),
    }  # fmt: skip
    batch.answers = {**batch.answers, **dict.fromkeys(codes, said)}
    _decide(session, batch)
    audit.record(
        session, actor, "import.answer", f"import_batch:{batch_id}",
        {"codes": list(codes), "take": take, "reason": reason.strip()},
    )  # fmt: skip
    return batch


def _decide(session: Session, batch: ImportBatch) -> None:
    answers = [{"code": code, "take": one["take"]} for code, one in batch.answers.items()]
    session.flush()
    session.execute(
        text(DECIDE).bindparams(answers=staging.json_text(answers), id=batch.id)
    )  # fmt: skip
    staging.count(session, batch)


def leave_out(
    session: Session, actor: Actor, batch_id: int, row_no: int, *, reason: str
) -> ImportBatch:
    """Leave one row out of the import, whatever its questions; it is told among the refused."""
    actor.require(Role.OFFICER)
    batch = staging.locked(session, batch_id, State.STAGED)
    row = _row(session, batch_id, row_no)
    if not reason.strip():
        raise Invalid("请写明为什么不收这一行。", code="reason")
    if row.state == RowState.REFUSED:
        raise Conflict("这一行本来就不能导入。", code="row_refused")
    row.taken, row.decided_by_id, row.decided_reason = (
        False, actor.person_id, reason.strip()[:500],
    )  # fmt: skip
    staging.count(session, batch)
    audit.record(
        session, actor, "import.leave_out", f"import_batch:{batch_id}",
        {"row": row_no, "reason": reason.strip()},
    )  # fmt: skip
    return batch


def _row(session: Session, batch_id: int, row_no: int) -> ImportRow:
    row = session.get(ImportRow, (batch_id, row_no), populate_existing=True)
    if row is None:
        raise NotFound(f"这个导入没有第 {row_no + 1} 行。", code="row")
    return row


def accept_repair(
    session: Session, actor: Actor, batch_id: int, row_no: int, *, reason: str
) -> dict[str, Any]:
    """Take the offered outline in place of the broken one; gives the record with both areas and both
    hashes. The row is questioned then, so that the repair is answered for like any doubt.

    Raises
    ------
    Conflict
        No repair is offered for this row.
    """
    actor.require(Role.OFFICER)
    batch = staging.locked(session, batch_id, State.STAGED)
    row = _row(session, batch_id, row_no)
    if row.repair is None or row.repair_boundary is None or row.state != RowState.REFUSED:
        raise Conflict("这一行没有可以接受的修复。", code="no_repair")
    if not reason.strip():
        raise Invalid("请写明为什么接受修复后的边界。", code="reason")
    offered = row.repair
    row.repair = {
        **offered, "accepted": True, "person_id": actor.person_id, "at": now(session).isoformat(),
        "reason": reason.strip()[:500],
    }  # fmt: skip
    row.state, row.boundary = RowState.QUESTIONED, row.repair_boundary
    row.boundary_sha256, row.source_sha256 = offered["sha256_after"], offered["sha256_before"]
    row.area_m2, row.district_code = offered["area_m2_after"], offered["district_code"]
    row.declared_area_m2 = offered["declared_area_m2"]
    row.taken, row.decided_by_id = True, actor.person_id
    row.messages = [
        {
            "code": REPAIRED,
            "message": f"边界已按提供的修复接受：原 {offered['area_m2_before']:,.1f} 平方米，"
            f"修复后 {offered['area_m2_after']:,.1f} 平方米。",
        },
        *offered["questions"],
    ]
    session.flush()
    batch.answers = {
        **batch.answers,
        REPAIRED: {
            "take": True, "reason": "逐行接受", "person_id": actor.person_id,
            "at": now(session).isoformat(),
        },
    }  # fmt: skip
    _decide(session, batch)
    audit.record(
        session, actor, "import.repair", f"import_batch:{batch_id}",
        {
            "row": row_no, "before": offered["sha256_before"], "after": offered["sha256_after"],
            "area_m2_before": offered["area_m2_before"], "area_m2_after": offered["area_m2_after"],
        },
    )  # fmt: skip
    return row.repair

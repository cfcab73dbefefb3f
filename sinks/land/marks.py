"""Doubts that stand in the way of a parcel: it is kept, and earns nothing until they are settled.

The database refuses the same by itself (`land_in_doubt`): a claim that begins and a credit, whoever
writes. Here the refusal gets its words.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core.errors import Conflict
from sinks.land import parcels
from sinks.land.parcels import Parcel


class InDoubt(Conflict):
    """A doubt about the parcel is open; names each."""

    def __init__(self, code: str, reasons: list[str]) -> None:
        super().__init__(
            f"地块 {code} 有存疑未处理：{'；'.join(one.rstrip('。') for one in reasons)}。处理之前不能入库，也不计入任何量。",
            code="marked",
        )


def doubts(session: Session, parcel_id: int) -> list[str]:
    """What forbids enrolment and credit of a parcel now, in sentences; empty when nothing does."""
    found = [
        mark.message for mark in parcels.open_marks(session, parcel_id)
        if mark.code in parcels.BLOCKING_MARKS
    ]  # fmt: skip
    cases = session.scalars(
        text(
            """
            SELECT c.id FROM overlap_case c WHERE c.status IN ('open', 'proposed')
              AND (c.parcel_id = :parcel_id OR (c.kind = 'overlap' AND EXISTS (
                SELECT FROM overlap_case_other o WHERE o.case_id = c.id AND o.parcel_id = :parcel_id)))
            ORDER BY c.id
            """
        ),
        {"parcel_id": parcel_id},
    )
    return found + [f"第 {case_id} 号重叠争议尚待两人处理" for case_id in cases]


def refuse_in_doubt(session: Session, parcel_id: int) -> None:
    """Refuse while a doubt that blocks is open.

    Raises
    ------
    InDoubt
        Names each doubt.
    """
    if reasons := doubts(session, parcel_id):
        raise InDoubt(session.get_one(Parcel, parcel_id).code, reasons)

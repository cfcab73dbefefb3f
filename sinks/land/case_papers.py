"""Files of an overlap case: photos, old certificates, surveys. Filed once, never changed.

They name households, so those who decide about land read them and nobody else; the database keeps
the rows from others as well (policy on ``document``).
"""

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.core import documents, people
from sinks.core.actor import Actor, Role
from sinks.core.documents import Document
from sinks.core.errors import Conflict, Invalid
from sinks.land import overlap_cases

KIND_ZH = MappingProxyType(
    {
        "photo": "现场照片",
        "certificate": "旧证书",
        "survey": "测绘成果",
        "agreement": "协议",
        "other": "其他",
    }
)
PREFIX = "overlap_"
READERS = frozenset({Role.OFFICER, Role.REGISTRAR, Role.AUDITOR})
# One case is not a store of files: what two people can look through.
PAPERS_MAX = 50


@dataclass(frozen=True, slots=True)
class CasePaper:
    """A file of a case as it is listed; ``kind`` of `KIND_ZH`."""

    document_id: int
    kind: str
    name: str
    sha256: str
    size_bytes: int
    filed_by: str
    recorded_at: datetime


def attach(
    session: Session, actor: Actor, case_id: int, *, kind: str, name: str, content: bytes
) -> Document:
    """Put a file to a case that is still open; the same file once.

    Raises
    ------
    Conflict
        The case is closed (its files are what was decided on), it has this very file, or too many.
    """
    actor.require(Role.OFFICER, Role.REGISTRAR)
    row = overlap_cases.locked(session, case_id)
    if row.status not in overlap_cases.OPEN:
        raise Conflict(f"第 {case_id} 号争议已经了结，不再收文件。", code="step")
    if kind not in KIND_ZH:
        may = "、".join(f"{word}（{code}）" for code, word in KIND_ZH.items())
        raise Invalid(f"请选择文件的种类：{may}。", code="paper_kind")
    held = of_case(session, actor, case_id)
    if len(held) >= PAPERS_MAX:
        raise Conflict(f"一个争议最多附 {PAPERS_MAX} 份文件，请合并后再附。", code="papers_many")
    filed = documents.file(
        session, actor, kind=PREFIX + kind, name=name, content=content, subject=_subject(case_id)
    )
    if filed.sha256 in {one.sha256 for one in held}:
        raise Conflict("这份文件已经附在这个争议上。", code="paper_known")
    return filed


def of_case(session: Session, actor: Actor, case_id: int) -> list[CasePaper]:
    """The files of a case, oldest first; none for those who may not read them."""
    if not actor.roles & READERS:
        return []
    rows = session.scalars(
        select(Document).where(Document.subject == _subject(case_id)).order_by(Document.id)
    )
    return [
        CasePaper(
            row.id, row.kind.removeprefix(PREFIX), row.name, row.sha256, row.size_bytes,
            people.name_of(session, row.person_id), row.recorded_at,
        )
        for row in rows
    ]  # fmt: skip


def _subject(case_id: int) -> str:
    return f"overlap:{case_id}"

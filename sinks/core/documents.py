"""Documents: evidence and papers, stored once under their SHA-256, never changed."""

import hashlib
import secrets
from pathlib import Path

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, settings
from sinks.core.actor import Actor
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Invalid, NotFound

BYTES_MAX = 50 * 1024 * 1024


class Document(Base):
    """What was filed: its kind, its name as given, its hash."""

    __tablename__ = "document"

    id: Mapped[Key]
    kind: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    size_bytes: Mapped[int]
    subject: Mapped[str] = mapped_column(index=True)  # e.g. case:3
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


def file(
    session: Session,
    actor: Actor | None,
    *,
    kind: str,
    name: str,
    content: bytes,
    subject: str,
    bytes_max: int = BYTES_MAX,
) -> Document:
    """Store a document and put it on file. The bytes are written before the row commits."""
    if not content or len(content) > bytes_max:
        raise Invalid(f"文件为空或超过 {bytes_max // 2**20} MB。", code="document_size")
    sha256 = hashlib.sha256(content).hexdigest()
    path = path_of(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Written aside and renamed: a crash leaves no half a document under a good name.
        part = path.with_suffix(f".{secrets.token_hex(8)}.part")
        part.write_bytes(content)
        part.replace(path)
    row = Document(
        kind=kind,
        name=name[:200],
        sha256=sha256,
        size_bytes=len(content),
        subject=subject,
        person_id=actor.person_id if actor else None,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "document.file", subject, {"kind": kind, "sha256": sha256})
    return row


def content_of(document: Document) -> bytes:
    """The bytes of a document.

    Raises
    ------
    NotFound
        The file is gone from the disk, or is no longer what was filed.
    """
    path = path_of(document.sha256)
    content = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(content).hexdigest() != document.sha256:
        raise NotFound("存档文件缺失或已被改动，请从备份恢复。", code="document_lost")
    return content


def path_of(sha256: str) -> Path:
    """Where a document of this hash lies."""
    return settings.load().documents_dir / sha256[:2] / sha256

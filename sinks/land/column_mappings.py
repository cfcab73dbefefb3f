"""What the columns of a source mean, as a person has settled it once; the next file finds it again.

A mapping belongs to a source (who sends such files) and to the set of columns of its files. Earlier
mappings stay on file; the newest holds.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import columns
from gis_data.refusals import FileRefused
from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Invalid


class ColumnMapping(Base):
    """Meaning -> column, for files of one source with these columns."""

    __tablename__ = "column_mapping"

    id: Mapped[Key]
    source: Mapped[str]
    fields_sha256: Mapped[str] = mapped_column(index=True)
    fields: Mapped[list[Any]]
    mapping: Mapped[dict[str, Any]]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


def save(
    session: Session,
    actor: Actor,
    *,
    source: str,
    fields: Sequence[str],
    mapping: Mapping[str, str],
) -> ColumnMapping:
    """Keep what the columns of this source mean.

    Raises
    ------
    Invalid
        No name of the source, no such meaning or column, or an area without a unit.
    """
    actor.require(Role.OFFICER)
    if not source.strip():
        raise Invalid("请填写来源名称，如“安吉县林业局 二类调查”。", code="source")
    refuse_unknown(mapping, fields)
    row = ColumnMapping(
        source=source.strip()[:100],
        fields_sha256=fields_sha256(fields),
        fields=sorted(fields),
        mapping=dict(mapping),
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, actor, "column_mapping.save", f"column_mapping:{row.id}",
        {"source": row.source, "mapping": row.mapping},
    )  # fmt: skip
    return row


def refuse_unknown(mapping: Mapping[str, str], fields: Sequence[str]) -> None:
    """Refuse a mapping that this file cannot be read by."""
    try:
        columns.refuse_unknown(mapping, fields)
    except FileRefused as error:
        raise Invalid(error.message, code=error.code) from error


def find(session: Session, fields: Sequence[str], source: str = "") -> ColumnMapping | None:
    """The newest mapping for files with these columns, of this source where one is named."""
    query = select(ColumnMapping).where(ColumnMapping.fields_sha256 == fields_sha256(fields))
    if source:
        query = query.where(ColumnMapping.source == source)
    return session.scalar(query.order_by(ColumnMapping.id.desc()).limit(1))


def sources(session: Session) -> list[str]:
    """The sources that have a mapping, by name."""
    return sorted(set(session.scalars(select(ColumnMapping.source))))


def suggested(fields: Sequence[str]) -> dict[str, str]:
    """What the names of the columns say by themselves; an area only where its unit is known."""
    mapping = columns.suggest(fields)
    if ":" not in mapping.get("declared_area", ":"):
        del mapping["declared_area"]
    return mapping


def fields_sha256(fields: Sequence[str]) -> str:
    """Names a set of columns, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(fields), ensure_ascii=False).encode()).hexdigest()

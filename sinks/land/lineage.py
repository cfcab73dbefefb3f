"""Who came from whom: the tables of splits and merges (`succession.py` makes them)."""

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from sinks.core.db import Base, Key, RecordedAt


class Kind(StrEnum):
    SPLIT = "split"
    MERGE = "merge"


KIND_ZH = MappingProxyType({Kind.SPLIT: "拆分", Kind.MERGE: "合并"})


class Succession(Base):
    """One split or merge: who did it and why, and the officer who reviewed what was copied."""

    __tablename__ = "succession"
    __table_args__ = (
        CheckConstraint("kind in ('split','merge')", name="kind"),
        CheckConstraint("reviewed_by_id <> person_id", name="second_officer"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    reason: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[datetime | None]


class SuccessionParcel(Base):
    """A parcel of a succession with its outline then; ``side`` is parent or child."""

    __tablename__ = "succession_parcel"
    __table_args__ = (
        CheckConstraint("side in ('parent','child')", name="side"),
        Index("succession_parcel_once", "parcel_id", "side", unique=True),
    )

    succession_id: Mapped[int] = mapped_column(ForeignKey("succession.id"), primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("parcel_version.id"))
    side: Mapped[str]

"""Who came from whom: the tables of splits and merges (`succession.py` makes them)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import CheckConstraint, ForeignKey, Index, extract, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from sinks.core.db import Base, Key, RecordedAt
from sinks.land.parcels import Parcel, ParcelVersion


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


@dataclass(frozen=True, slots=True)
class Parent:
    """A parcel that another came from.

    area_share : of the child, by the outlines at the merge; 1 for a piece of it
    until_year : the year in which it ended
    """

    parcel_id: int
    code: str
    area_share: float
    until_year: int


def lineage(session: Session, parcel_ids: Iterable[int]) -> dict[int, list[Parent]]:
    """Parcel id -> the parcels it came from, for these parcels and all that stood before them."""
    found: dict[int, list[Parent]] = {}
    asked = set(parcel_ids)
    while asked:
        level = _parents(session, asked)
        found |= level
        asked = {one.parcel_id for parents in level.values() for one in parents} - found.keys()
    return found


def _parents(session: Session, child_ids: Iterable[int]) -> dict[int, list[Parent]]:
    child, parent = aliased(SuccessionParcel), aliased(SuccessionParcel)
    query = (
        select(
            child.parcel_id, Succession.kind, extract("year", Succession.recorded_at),
            Parcel.id, Parcel.code, ParcelVersion.area_m2,
        )
        .join(Succession, Succession.id == child.succession_id)
        .join(parent, parent.succession_id == child.succession_id)
        .join(Parcel, Parcel.id == parent.parcel_id)
        .join(ParcelVersion, ParcelVersion.id == parent.version_id)
        .where(child.side == "child", parent.side == "parent", child.parcel_id.in_(child_ids))
        .order_by(child.parcel_id, Parcel.id)
    )  # fmt: skip
    rows = list(session.execute(query))
    whole_m2: dict[int, float] = {}
    for child_id, *_, area_m2 in rows:
        whole_m2[child_id] = whole_m2.get(child_id, 0.0) + area_m2
    found: dict[int, list[Parent]] = {}
    for child_id, kind, year, parcel_id, code, area_m2 in rows:
        share = 1.0 if kind == Kind.SPLIT else area_m2 / whole_m2[child_id]
        found.setdefault(child_id, []).append(Parent(parcel_id, code, share, int(year)))
    return found

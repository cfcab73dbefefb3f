"""Activity records of land that was split or merged: read through the lineage, never copied.

A record speaks of every hectare of its parcel. It holds for each piece of a split, and for its part
of a merge, up to the year in which the parcel ended. What is written down for a parcel itself, for
a kind and year, takes the place of what those before it have. Whether the parts of a merge were
farmed alike is asked where they become the input of a method (`methodologies.schedules.joined`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from methodologies import activity
from sinks.land import lineage, parcels
from sinks.land.lineage import Parent
from sinks.measurement import activity_records
from sinks.measurement.activity_records import ActivityRecord


@dataclass(frozen=True, slots=True)
class Counted:
    """A record that counts for a parcel.

    parcel_code : of the parcel it was written down for, this one or one before it
    area_share : of the parcel it counts for
    """

    record: ActivityRecord
    parcel_code: str
    area_share: float


def ancestors(session: Session, parcel_ids: Iterable[int]) -> list[int]:
    """Ids of the parcels that stood before these."""
    found = lineage.lineage(session, parcel_ids)
    return sorted({one.parcel_id for parents in found.values() for one in parents})


def standing(
    session: Session, parcel_ids: Sequence[int], kinds: Sequence[str], *, before_year: int
) -> dict[int, list[Counted]]:
    """Parcel id -> the standing records that count for it in the years before one."""
    everywhere = [*parcel_ids, *ancestors(session, parcel_ids)]
    records = [
        record
        for kind in kinds
        for record in activity_records.standing(session, everywhere, kind)
        if record.year < before_year
    ]
    return counted(session, parcel_ids, records)


def counted(
    session: Session, parcel_ids: Sequence[int], records: Sequence[ActivityRecord]
) -> dict[int, list[Counted]]:
    """Parcel id -> those of the given records that count for it, in their order, its own first."""
    before = lineage.lineage(session, parcel_ids)
    codes = parcels.codes_of(session, parcel_ids)
    by_parcel: dict[int, list[ActivityRecord]] = {}
    for record in records:
        by_parcel.setdefault(record.parcel_id, []).append(record)
    return {
        parcel_id: _once(_counted(Parent(parcel_id, codes[parcel_id], 1.0, activity.YEAR_MAX),
                                  before, by_parcel))
        for parcel_id in parcel_ids
    }  # fmt: skip


def _counted(
    here: Parent,
    before: Mapping[int, Sequence[Parent]],
    by_parcel: Mapping[int, Sequence[ActivityRecord]],
) -> list[Counted]:
    own = [
        Counted(record, here.code, here.area_share)
        for record in by_parcel.get(here.parcel_id, [])
        if record.year <= here.until_year
    ]
    places = {_place(one) for one in own}
    taken_over = [
        one
        for parent in before.get(here.parcel_id, [])
        for one in _counted(
            replace(
                parent,
                area_share=here.area_share * parent.area_share,
                until_year=min(here.until_year, parent.until_year),
            ),
            before,
            by_parcel,
        )
        if _place(one) not in places
    ]
    return own + taken_over


def _place(one: Counted) -> tuple[str, int | None]:
    is_yearly = activity.KINDS[one.record.kind].IS_YEARLY
    return one.record.kind, one.record.year if is_yearly else None


def _once(found: Sequence[Counted]) -> list[Counted]:
    """Each record once: the pieces of a split that were merged again bring it twice."""
    joined: dict[int, Counted] = {}
    for one in found:
        held = joined.get(one.record.id)
        share = one.area_share + (held.area_share if held else 0.0)
        joined[one.record.id] = replace(one, area_share=share)
    return list(joined.values())

"""The activity records that a round has frozen, and the evidence they need before it is published."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core.db import Base
from sinks.core.errors import Conflict
from sinks.land import parcels
from sinks.measurement import activity_lineage, activity_records
from sinks.measurement.activity_records import ActivityRecord
from sinks.measurement.record_runs import FrozenRecord


class RoundRecord(Base):
    """An activity record that the round counts, as it stood when the round opened."""

    __tablename__ = "round_record"

    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"), primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("activity_record.id"), primary_key=True)


def freeze(
    session: Session,
    round_id: int,
    parcel_ids: Sequence[int],
    *,
    kinds: Sequence[str],
    before_year: int,
) -> int:
    """Freeze the standing records of these kinds up to the end of a round, those of the parcels
    before them too; how many there are."""
    counting = activity_lineage.standing(session, parcel_ids, kinds, before_year=before_year)
    ids = {one.record.id for counted in counting.values() for one in counted}
    session.add_all(RoundRecord(round_id=round_id, record_id=one) for one in sorted(ids))
    session.flush()
    return len(ids)


def of_round(session: Session, round_id: int) -> list[ActivityRecord]:
    """The records that a round has frozen, by parcel and year."""
    query = (
        select(ActivityRecord)
        .join(RoundRecord, RoundRecord.record_id == ActivityRecord.id)
        .where(RoundRecord.round_id == round_id)
        .order_by(ActivityRecord.parcel_id, ActivityRecord.year, ActivityRecord.slot)
    )
    return list(session.scalars(query))


def by_parcel(
    session: Session, round_id: int, parcel_ids: Sequence[int]
) -> dict[int, list[FrozenRecord]]:
    """Parcel id -> the frozen records that count for it, as a measurement reads them."""
    counting = activity_lineage.counted(session, parcel_ids, of_round(session, round_id))
    return {
        parcel_id: [
            FrozenRecord(
                record_id=one.record.id,
                parcel_code=one.parcel_code,
                area_share=one.area_share,
                year=one.record.year,
                kind=one.record.kind,
                values=dict(one.record.values or {}),
            )
            for one in counted
        ]
        for parcel_id, counted in counting.items()
    }


def refuse_without_evidence(session: Session, round_id: int) -> None:
    """Refuse while a frozen record has no document on file; the sentence names the first ones."""
    records = of_round(session, round_id)
    filed = activity_records.evidence_of(session, [one.id for one in records])
    if bare := [one for one in records if one.id not in filed]:
        codes = parcels.codes_of(session, [one.parcel_id for one in bare])
        named = "、".join(f"{codes[one.parcel_id]}（{one.year} 年）" for one in bare[:5])
        raise Conflict(
            f"{len(bare)} 条活动记录没有依据材料：{named}{'等' if len(bare) > 5 else ''}。"
            "请在“活动记录”中补交后再公示。",
            code="evidence_missing",
        )

"""A batch of char is counted once: what lies on all parcels together is no more than was delivered.

Records say of each batch how much was delivered and how much of it lies on their parcel. Before a
round counts a batch, all records of it in the register are held together, those that other rounds
have frozen with those that stand, whoever wrote them.
"""

import math
import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session, aliased

from methodologies.activity import BiocharBatch
from sinks.core.errors import Conflict
from sinks.crediting import round_records
from sinks.crediting.round_records import RoundRecord
from sinks.land import parcels
from sinks.land.parcels import ParcelVersion
from sinks.measurement.activity_records import ActivityRecord

KIND = "biochar_batch"
# Held to the end of the transaction, so that of two rounds one sees what the other has frozen.
LOCK = 7310
# Of the batch itself, whichever parcel it lies on.
OF_THE_BATCH = (
    "feedstock", "process", "temperature_c", "h_corg", "c_share", "delivered_t_dm",
    "production_co2e_t",
)  # fmt: skip
# Noise of the multiplication by the area.
NOISE_T = 1e-9


def refuse_overdrawn(session: Session, round_id: int) -> None:
    """Refuse a round that counts a batch of which more is written down than was delivered, or which
    is not written down alike everywhere.

    Raises
    ------
    Conflict
        Names the batch, the masses and the parcels.
    """
    counted = {_named(row) for row in round_records.of_round(session, round_id) if row.kind == KIND}
    if not counted:
        return
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    by_batch: dict[str, list[tuple[ActivityRecord, bool]]] = {}
    for row, stands in _everywhere(session):
        by_batch.setdefault(_named(row), []).append((row, stands))
    for name in sorted(counted):
        _refuse(session, by_batch[name])


def _refuse(session: Session, found: Sequence[tuple[ActivityRecord, bool]]) -> None:
    records = [record for record, _ in found]
    rows = [BiocharBatch.model_validate(record.values) for record in records]
    standing = [row for row, (_, stands) in zip(rows, found, strict=True) if stands]
    codes = parcels.codes_of(session, [record.parcel_id for record in records])
    named = "、".join(sorted({codes[record.parcel_id] for record in records}))
    if len({row.model_dump_json(include=set(OF_THE_BATCH)) for row in standing}) > 1:
        raise Conflict(
            f"生物炭批次 {rows[0].batch} 的原料、工艺、检测、交付量或排放在 {named} 上登记得不一样："
            "同一批只有一种，请按交付单更正。",
            code="char_batch",
        )
    laid_t = _laid_t(session, records, rows)
    delivered_t = standing[0].delivered_t_dm
    if laid_t > delivered_t + NOISE_T:
        raise Conflict(
            f"生物炭批次 {rows[0].batch} 交付 {delivered_t:g} 吨，登记施用的合计 {laid_t:.6g} 吨"
            f"（{named}）：同一批不能计两次，请核对施用量（每公顷用量乘地块面积，宜舍不宜入）。",
            code="char_batch",
        )


def _laid_t(
    session: Session, records: Sequence[ActivityRecord], rows: Sequence[BiocharBatch]
) -> float:
    """The mass on all parcels [t]; of a record that was corrected the more of what a round has
    frozen and what stands."""
    areas_ha = _areas_ha(session, {record.parcel_id for record in records})
    most: dict[tuple[int, int, str], float] = {}
    for record, row in zip(records, rows, strict=True):
        place = record.parcel_id, record.year, record.slot
        most[place] = max(most.get(place, 0.0), row.applied_t_dm_ha * areas_ha[record.parcel_id])
    return math.fsum(most.values())


def _areas_ha(session: Session, parcel_ids: set[int]) -> dict[int, float]:
    """The area of the newest outline of each parcel, one that has ended too."""
    newest = select(func.max(ParcelVersion.id)).where(ParcelVersion.parcel_id.in_(parcel_ids))
    query = select(ParcelVersion.parcel_id, ParcelVersion.area_m2).where(
        ParcelVersion.id.in_(newest.group_by(ParcelVersion.parcel_id))
    )
    return {parcel_id: area_m2 / 10_000 for parcel_id, area_m2 in session.execute(query)}


def _everywhere(session: Session) -> list[tuple[ActivityRecord, bool]]:
    """Every record of char that stands or that a round has frozen, and whether it stands."""
    later = aliased(ActivityRecord)
    stands = ~select(later.id).where(later.supersedes_id == ActivityRecord.id).exists()
    query = select(ActivityRecord, stands).where(
        ActivityRecord.kind == KIND,
        ActivityRecord.values.is_not(None),
        or_(
            stands,
            select(RoundRecord.record_id)
            .where(RoundRecord.record_id == ActivityRecord.id)
            .exists(),
        ),
    )
    return [(row, bool(held)) for row, held in session.execute(query.order_by(ActivityRecord.id))]


def _named(record: ActivityRecord) -> str:
    """The batch of a record, written in one way: marks and spaces make no other batch."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", record.slot)).casefold()

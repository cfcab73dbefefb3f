"""What a round by records has frozen, and the method's input from it: no layer, no plot.

Each stratum is one input of the method; the strata's results are joined (`methodologies.by_stratum`).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from methodologies import activity, from_records, schedules
from methodologies.activity_record import Practice
from methodologies.base import MethodInputInvalid
from sinks.core.errors import Conflict


@dataclass(frozen=True, slots=True)
class FrozenRecord:
    """A record as the round froze it; `values` as stored.

    parcel_code : of the parcel it was written down for; area_share : of the parcel it counts for
    """

    record_id: int
    parcel_code: str
    area_share: float
    year: int
    kind: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedParcel:
    """A parcel as the round froze it, with its records."""

    parcel_id: int
    code: str
    stratum: str
    area_m2: float
    records: list[FrozenRecord]


@dataclass(frozen=True, slots=True)
class FrozenByRecords:
    """All that a round by records has frozen, and the policies to calculate with.

    policy : what the method asks for by its names, and `carried_debit_kg` of the project
    """

    round_id: int
    method_id: str
    period_start: date
    period_end: date
    practice_from_year: int
    parcels: list[RecordedParcel]
    policy: dict[str, Any]


class RecordsRefused(Conflict):
    """Records lack or differ, so that the method has no input."""


def document(frozen: FrozenByRecords) -> dict[str, Any]:
    """The input of every stratum, with the parcels and the records that each rests on.

    Raises
    ------
    RecordsRefused
        Names strata, parcels and years.
    """
    try:
        years = schedules.years_of(frozen.period_start, frozen.period_end)
        strata = [
            from_records.stratum_document(
                frozen.method_id, name,
                [_field(parcel) for parcel in frozen.parcels if parcel.stratum == name],
                practice_from_year=frozen.practice_from_year, years=years,
                policy={**frozen.policy, "carried_debit_kg": 0},
            )
            for name in sorted({parcel.stratum for parcel in frozen.parcels})
        ]  # fmt: skip
    except MethodInputInvalid as error:
        raise RecordsRefused(str(error), code="records") from error
    return {
        "period": {"start": frozen.period_start.isoformat(), "end": frozen.period_end.isoformat()},
        "practice_from_year": frozen.practice_from_year,
        "strata": strata,
        "parcels": [
            {
                "id": str(parcel.parcel_id),
                "stratum": parcel.stratum,
                "area_ha": parcel.area_m2 / 10_000,
                "records": [record.record_id for record in parcel.records],
            }
            for parcel in frozen.parcels
        ],
        "policy": frozen.policy,
    }


def _field(parcel: RecordedParcel) -> schedules.Field:
    by_year: dict[int, dict[str, schedules.Part]] = {}
    statements: list[schedules.Statement] = []
    for one in parcel.records:
        row = activity.parse(one.kind, one.year, one.values)
        if isinstance(row, Practice):
            part = schedules.Part(one.parcel_code, one.area_share, {})
            parts = by_year.setdefault(one.year, {})
            parts.setdefault(one.parcel_code, part).records[f"{one.kind} {row.slot}"] = row
        else:
            statements.append(schedules.Statement(one.parcel_code, one.area_share, one.year, row))
    return schedules.Field(
        parcel.code,
        parcel.area_m2 / 10_000,
        {
            year: schedules.joined(parcel.code, year, list(parts.values()))
            for year, parts in by_year.items()
        },
        tuple(statements),
    )

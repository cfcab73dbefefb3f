"""What a round by records has frozen, and the method's input from it: no layer, no plot.

Each stratum is one input of the method; the strata's results are joined (`methodologies.by_stratum`).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from methodologies import activity, from_records
from methodologies.base import MethodInputInvalid
from sinks.core.errors import Conflict


@dataclass(frozen=True, slots=True)
class FrozenRecord:
    """A record as the round froze it; `values` as stored."""

    record_id: int
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
        years = from_records.years_of(frozen.period_start, frozen.period_end)
        strata = [
            {
                "id": name,
                "input": from_records.stratum_input(
                    frozen.method_id, name,
                    [_field(parcel) for parcel in frozen.parcels if parcel.stratum == name],
                    practice_from_year=frozen.practice_from_year, years=years,
                    policy={**frozen.policy, "carried_debit_kg": 0},
                ),
            }
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


def _field(parcel: RecordedParcel) -> from_records.Field:
    found: dict[int, dict[str, activity.Record]] = {}
    for one in parcel.records:
        row = activity.parse(one.kind, one.year, one.values)
        found.setdefault(one.year, {})[row.slot] = row
    return from_records.Field(parcel.code, parcel.area_m2 / 10_000, found)

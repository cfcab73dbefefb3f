"""What the fields of a stratum did, year by year: the look-back before the project, and the round.

The baseline is the schedule of the years before the project, repeated year by year: project year i
stands against look-back year i modulo their number. The look-back years are all those on record
before the project began, without a gap, so that nobody chooses the good ones. The parcels of a
stratum share one practice in every year; a difference is refused by name, never averaged away.
Yields may differ and are averaged by area.

Sources: method text 1.3 (baseline schedule, look-back), 2.7 (gates); Verra VM0051 as transcribed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from methodologies.activity import Harvested, SoilClass
from methodologies.base import MethodInputInvalid

NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class Field:
    """A parcel of a stratum: its public code, frozen area, and its records by year and slot.

    soils : what is stated about its soil, each with the share of the parcel that it is stated for
    """

    code: str
    area_ha: float
    records: Mapping[int, Mapping[str, Harvested]]
    soils: tuple[tuple[SoilClass, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A year's records, by slot, of a share of a parcel: of one of those that were merged into it,
    or of the whole."""

    code: str
    area_share: float
    records: dict[str, Harvested]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The records of a stratum, one side against the other, year by year.

    rows : by year, the records that all its fields share
    lookback_years : the years before the project, oldest first; years : those of the round
    yield_before_t_ha, yield_t_ha : a year's, of the look-back and of the round
    """

    fields: tuple[Field, ...]
    rows: Mapping[int, tuple[Harvested, ...]]
    practice_from_year: int
    lookback_years: range
    years: range
    yield_before_t_ha: float
    yield_t_ha: float

    @property
    def area_ha(self) -> float:
        """Return the area of all fields [ha]."""
        return math.fsum(field.area_ha for field in self.fields)

    @property
    def lookback(self) -> list[tuple[Harvested, ...]]:
        """Return the records of the years before the project, oldest first."""
        return self.at(self.lookback_years)

    @property
    def baseline(self) -> list[tuple[Harvested, ...]]:
        """Return the records that stand against those of `project`, in its order."""
        return self.at(self.repeated(self.years))

    @property
    def project(self) -> list[tuple[Harvested, ...]]:
        """Return the records of the years of the round."""
        return self.at(self.years)

    def at(self, years: Iterable[int]) -> list[tuple[Harvested, ...]]:
        """Return the records of some years, in their order."""
        return [self.rows[year] for year in years]

    def repeated(self, years: Iterable[int]) -> list[int]:
        """Return the look-back year that stands against each year since the practice began."""
        count = len(self.lookback_years)
        return [self.lookback_years[(year - self.practice_from_year) % count] for year in years]


def years_of(start: date, end: date) -> range:
    """Return the calendar years of [start, end).

    Raises
    ------
    MethodInputInvalid
        Not whole years: a record is of a year, and half of it belongs to nobody.
    """
    if (start.month, start.day, end.month, end.day) != (1, 1, 1, 1) or end <= start:
        raise MethodInputInvalid(
            "按记录核算的监测期须为整年：自某年 1 月 1 日起，至以后某年 1 月 1 日止（不含当日）。"
        )
    return range(start.year, end.year)


def joined(code: str, year: int, parts: Sequence[Part]) -> Mapping[str, Harvested]:
    """Return the records of a parcel and year from those of its parts, the yields weighted by area.

    Raises
    ------
    MethodInputInvalid
        A part has no record of the year, or was farmed in another way; it is named.
    """
    first, whole = parts[0], math.fsum(part.area_share for part in parts)
    if whole < 1.0 - 1e-9:  # The 1e-9 are the noise of the division of areas.
        raise MethodInputInvalid(
            f"地块 {code} 由几块合并而来，{year} 年只有 {_named([p.code for p in parts])} 有记录，没有"
            f"承接：请为 {code} 补录该年的记录。"
        )
    if others := [part.code for part in parts[1:] if _alike(part.records) != _alike(first.records)]:
        raise MethodInputInvalid(
            f"地块 {code} 由几块合并而来，{_named(others)} 在 {year} 年的记录与 {first.code} 不同，没有"
            f"承接：请按实际为 {code} 登记该年的记录。"
        )
    if len(parts) == 1:
        return first.records
    return {
        slot: row.model_copy(update={row.YIELD_FIELD: _part_yield_t_ha(parts, slot) / whole})
        for slot, row in first.records.items()
    }


def _part_yield_t_ha(parts: Sequence[Part], slot: str) -> float:
    return math.fsum(part.area_share * part.records[slot].harvest_t_ha for part in parts)


def _alike(records: Mapping[str, Harvested]) -> list[dict[str, Any]]:
    """Return the practice of a year: every field but the yield."""
    return [
        records[slot].model_dump(exclude={records[slot].YIELD_FIELD}) for slot in sorted(records)
    ]


def schedule(
    stratum: str,
    fields: Sequence[Field],
    *,
    practice_from_year: int,
    years: range,
    counting: range,
) -> Schedule:
    """Return what a stratum did.

    counting : the years since the practice began that the method reads, those of the round in them

    Raises
    ------
    MethodInputInvalid
        Records of a year that counts, or of the look-back, lack or differ.
    """
    if years.start < practice_from_year:
        raise MethodInputInvalid(f"监测期早于措施开始的年份 {practice_from_year}。")
    before = _lookback(stratum, fields, practice_from_year)
    needed = [*before, *counting]
    _refuse_missing(stratum, fields, needed)
    _refuse_differing(stratum, fields, needed)
    return Schedule(
        fields=tuple(fields),
        rows={year: _rows(fields[0].records, year) for year in needed},
        practice_from_year=practice_from_year,
        lookback_years=before,
        years=years,
        yield_before_t_ha=_yield_t_ha(fields, before),
        yield_t_ha=_yield_t_ha(fields, years),
    )


def _lookback(stratum: str, fields: Sequence[Field], practice_from_year: int) -> range:
    on_record = {year for f in fields for year in f.records if year < practice_from_year}
    if not on_record:
        raise MethodInputInvalid(
            f"层 {stratum} 没有 {practice_from_year} 年以前的记录，无从确定基线；请补录回溯期各年的记录。"
        )
    return range(min(on_record), practice_from_year)


def _refuse_missing(stratum: str, fields: Sequence[Field], years: Sequence[int]) -> None:
    lacking = {f.code: [year for year in years if not f.records.get(year)] for f in fields}
    if named := [
        f"{code}（{'、'.join(map(str, missing))} 年）"
        for code, missing in lacking.items()
        if missing
    ]:
        raise MethodInputInvalid(
            f"层 {stratum} 缺少记录：{_named(named)}。回溯期和监测期的每一年都须有记录，请补录。"
        )


def _refuse_differing(stratum: str, fields: Sequence[Field], years: Sequence[int]) -> None:
    for year in years:
        first = _alike(fields[0].records[year])
        if others := [f.code for f in fields[1:] if _alike(f.records[year]) != first]:
            raise MethodInputInvalid(
                f"层 {stratum} 中 {_named(others)} 在 {year} 年的记录与 {fields[0].code} 不同。"
                "同一层的地块做法须相同：请核对记录，或把它们分到另一层。"
            )


def _rows(records: Mapping[int, Mapping[str, Harvested]], year: int) -> tuple[Harvested, ...]:
    return tuple(records[year][slot] for slot in sorted(records[year]))


def _yield_t_ha(fields: Sequence[Field], years: Sequence[int]) -> float:
    """Return the yearly yield [t/ha], seasons added, parcels weighted by area."""
    harvested = math.fsum(
        field.area_ha * row.harvest_t_ha
        for field in fields
        for year in years
        for row in _rows(field.records, year)
    )
    return harvested / math.fsum(field.area_ha for field in fields) / len(years)


def _named(words: Sequence[str]) -> str:
    more = f" 等 {len(words)} 块" if len(words) > NAMED_MAX else ""
    return "、".join(words[:NAMED_MAX]) + more

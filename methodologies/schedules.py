"""What the fields of a stratum did, year by year: the look-back before the project, and the round.

The baseline is the schedule of the years before the project, repeated year by year: project year i
stands against look-back year i modulo their number. The look-back years are all those on record
before the project began, without a gap, so that nobody chooses the good ones. The parcels of a
stratum share one practice in every year; a difference is refused by name, never averaged away.
Yields, where a practice has any, may differ and are averaged by area.

Sources: method text 1.3 (baseline schedule, look-back), 2.7 (gates); Verra VM0051 as transcribed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from methodologies.activity_record import Harvested, Practice, Record
from methodologies.base import MethodInputInvalid

NAMED_MAX = 5
RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated of a share of a parcel from a year on, until it is stated anew.

    code : of the parcel it was written down for, this one or one before it
    """

    code: str
    area_share: float
    from_year: int
    row: Record


@dataclass(frozen=True, slots=True)
class Field:
    """A parcel of a stratum: its public code, frozen area, its records by year and place within the
    year (kind and slot), and what is stated of it."""

    code: str
    area_ha: float
    records: Mapping[int, Mapping[str, Practice]]
    statements: tuple[Statement, ...] = ()

    def stated(self, kind: type[RecordT], year: int) -> list[tuple[RecordT, float]]:
        """Return what of a kind holds in a year, each with its share of the parcel: of each parcel
        that stated it, what it stated last."""
        said = [s for s in self.statements if isinstance(s.row, kind) and s.from_year <= year]
        newest = {s.code: s.from_year for s in sorted(said, key=lambda s: s.from_year)}
        return [
            (s.row, s.area_share)
            for s in said
            if s.from_year == newest[s.code] and isinstance(s.row, kind)
        ]


@dataclass(frozen=True, slots=True)
class Part:
    """A year's records, by place, of a share of a parcel: of one of those that were merged into it,
    or of the whole."""

    code: str
    area_share: float
    records: dict[str, Practice]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The records of a stratum, one side against the other, year by year.

    rows : by year, the records that all its fields share
    lookback_years : the years before the project, oldest first; none where there need be none
    years : those of the round
    """

    stratum: str
    fields: tuple[Field, ...]
    rows: Mapping[int, tuple[Practice, ...]]
    practice_from_year: int
    lookback_years: range
    years: range

    @property
    def yield_before_t_ha(self) -> float:
        """Return the yield of a year of the look-back [t/ha]."""
        return _yield_t_ha(self.fields, self.lookback_years)

    @property
    def yield_t_ha(self) -> float:
        """Return the yield of a year of the round [t/ha]."""
        return _yield_t_ha(self.fields, self.years)

    @property
    def area_ha(self) -> float:
        """Return the area of all fields [ha]."""
        return math.fsum(field.area_ha for field in self.fields)

    @property
    def lookback(self) -> list[tuple[Practice, ...]]:
        """Return the records of the years before the project, oldest first."""
        return self.at(self.lookback_years)

    @property
    def baseline(self) -> list[tuple[Practice, ...]]:
        """Return the records that stand against those of `project`, in its order."""
        return self.at(self.repeated(self.years))

    @property
    def project(self) -> list[tuple[Practice, ...]]:
        """Return the records of the years of the round."""
        return self.at(self.years)

    def at(self, years: Iterable[int]) -> list[tuple[Practice, ...]]:
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


def joined(code: str, year: int, parts: Sequence[Part]) -> Mapping[str, Practice]:
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
    return {place: _joined(row, place, parts, whole) for place, row in first.records.items()}


def _joined(row: Practice, place: str, parts: Sequence[Part], whole: float) -> Practice:
    if not isinstance(row, Harvested):
        return row
    found = [(part.records[place], part.area_share) for part in parts]
    yielded = math.fsum(
        one.harvest_t_ha * share for one, share in found if isinstance(one, Harvested)
    )
    return row.model_copy(update={row.YIELD_FIELD: yielded / whole})


def _alike(records: Mapping[str, Practice]) -> list[dict[str, Any]]:
    """Return the practice of a year, by place."""
    return [{"place": place, **records[place].way} for place in sorted(records)]


def schedule(
    stratum: str,
    fields: Sequence[Field],
    *,
    practice_from_year: int,
    years: range,
    counting: range,
    has_lookback: bool = True,
) -> Schedule:
    """Return what a stratum did.

    counting : the years since the practice began that the method reads, those of the round in them
    has_lookback : False where the method takes nothing from the years before

    Raises
    ------
    MethodInputInvalid
        Records of a year that counts, or of the look-back, lack or differ.
    """
    if years.start < practice_from_year:
        raise MethodInputInvalid(f"监测期早于措施开始的年份 {practice_from_year}。")
    before = _lookback(stratum, fields, practice_from_year) if has_lookback else range(0)
    needed = [*before, *counting]
    _refuse_missing(stratum, fields, needed)
    _refuse_differing(stratum, fields, needed)
    return Schedule(
        stratum=stratum,
        fields=tuple(fields),
        rows={year: _rows(fields[0].records, year) for year in needed},
        practice_from_year=practice_from_year,
        lookback_years=before,
        years=years,
    )


def has_records_before(fields: Sequence[Field], year: int) -> bool:
    """Return whether any field has a record of an earlier year."""
    return any(one < year for field in fields for one in field.records)


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


def _rows(records: Mapping[int, Mapping[str, Practice]], year: int) -> tuple[Practice, ...]:
    return tuple(records[year][place] for place in sorted(records[year]))


def _yield_t_ha(fields: Sequence[Field], years: Sequence[int]) -> float:
    """Return the yearly yield [t/ha], seasons added, parcels weighted by area."""
    harvested = math.fsum(
        field.area_ha * row.harvest_t_ha
        for field in fields
        for year in years
        for row in _rows(field.records, year)
        if isinstance(row, Harvested)
    )
    return harvested / math.fsum(field.area_ha for field in fields) / len(years)


def _named(words: Sequence[str]) -> str:
    more = f" 等 {len(words)} 块" if len(words) > NAMED_MAX else ""
    return "、".join(words[:NAMED_MAX]) + more

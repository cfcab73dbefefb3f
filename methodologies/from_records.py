"""From activity records to the input of a method: baseline before the project, project in the round.

The baseline is the schedule of the years before the project, repeated year by year: project year i
stands against look-back year i modulo their number. The look-back years are all those on record
before the project began, without a gap, so that nobody chooses the good ones. The parcels of a
stratum share one practice in every year; a difference is refused by name, never averaged away.
Yields may differ and are averaged by area.

Sources: method text 1.3 (baseline schedule, look-back), 2.7 (gates); Verra VM0051 as transcribed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from methodologies.activity import Farmed, NitrogenYear, PaddySeason, Record, ResidueBurning
from methodologies.base import MethodInputInvalid

# Not practice: what the field gave differs between neighbours who farm alike.
YIELD_FIELD = "yield_t_ha"
NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class Field:
    """A parcel of a stratum: its public code, frozen area, and its records by year and slot."""

    code: str
    area_ha: float
    records: Mapping[int, Mapping[str, Record]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The records of a stratum, one side against the other, year by year.

    lookback : the years before the project, oldest first; baseline : those of them that stand
    against `project`, the years of the round, in its order
    """

    area_ha: float
    lookback: tuple[tuple[Record, ...], ...]
    baseline: tuple[tuple[Record, ...], ...]
    project: tuple[tuple[Record, ...], ...]
    yield_change_share: float


@dataclass(frozen=True, slots=True)
class Assembly:
    """How a method is fed: the kind of record it reads, and its input from a schedule."""

    kind: str
    document: Callable[[Schedule], dict[str, Any]]


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


def stratum_input(
    method_id: str,
    stratum: str,
    fields: Sequence[Field],
    *,
    practice_from_year: int,
    years: range,
    policy: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the method's input for one stratum.

    practice_from_year : the first year of the project's practice; the look-back ends before it

    Raises
    ------
    MethodInputInvalid
        Records are missing or differ between parcels; the sentence names stratum, parcels, years.
    """
    assembly = ASSEMBLIES[method_id]
    found = schedule(stratum, fields, practice_from_year=practice_from_year, years=years)
    rows = [row for side in (found.lookback, found.project) for year in side for row in year]
    given = assembly.document(found)
    gates = {
        "mineral_soil": all(isinstance(row, Farmed) and row.mineral_soil for row in rows),
        "lookback_years": len(found.lookback),
        "yield_change_share": found.yield_change_share,
        "practice_change_share": given.pop("practice_change_share"),
    }
    return {"area_ha": found.area_ha, **given, "gates": gates, "policy": dict(policy)}


def schedule(
    stratum: str, fields: Sequence[Field], *, practice_from_year: int, years: range
) -> Schedule:
    """Return what a stratum did, year by year; MethodInputInvalid where records lack or differ."""
    if years.start < practice_from_year:
        raise MethodInputInvalid(f"监测期早于措施开始的年份 {practice_from_year}。")
    before = _lookback(stratum, fields, practice_from_year)
    _refuse_missing(stratum, fields, [*before, *years])
    _refuse_differing(stratum, fields, [*before, *years])
    first = fields[0].records
    paired = [before[(year - practice_from_year) % len(before)] for year in years]
    earlier = _yield_t_ha(fields, before)
    return Schedule(
        area_ha=math.fsum(field.area_ha for field in fields),
        lookback=tuple(_rows(first, year) for year in before),
        baseline=tuple(_rows(first, year) for year in paired),
        project=tuple(_rows(first, year) for year in years),
        yield_change_share=(_yield_t_ha(fields, years) - earlier) / earlier,
    )


def _lookback(stratum: str, fields: Sequence[Field], practice_from_year: int) -> list[int]:
    on_record = {year for f in fields for year in f.records if year < practice_from_year}
    if not on_record:
        raise MethodInputInvalid(
            f"层 {stratum} 没有 {practice_from_year} 年以前的记录，无从确定基线；请补录回溯期各年的记录。"
        )
    return list(range(min(on_record), practice_from_year))


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
        first = _practice(fields[0], year)
        if others := [f.code for f in fields[1:] if _practice(f, year) != first]:
            raise MethodInputInvalid(
                f"层 {stratum} 中 {_named(others)} 在 {year} 年的记录与 {fields[0].code} 不同。"
                "同一层的地块做法须相同：请核对记录，或把它们分到另一层。"
            )


def _practice(field: Field, year: int) -> list[dict[str, Any]]:
    return [row.model_dump(exclude={YIELD_FIELD}) for row in _rows(field.records, year)]


def _rows(records: Mapping[int, Mapping[str, Record]], year: int) -> tuple[Record, ...]:
    return tuple(records[year][slot] for slot in sorted(records[year]))


def _yield_t_ha(fields: Sequence[Field], years: Sequence[int]) -> float:
    """Return the yearly yield [t/ha], seasons added, parcels weighted by area."""
    harvested = math.fsum(
        field.area_ha * row.yield_t_ha
        for field in fields
        for year in years
        for row in _rows(field.records, year)
        if isinstance(row, Farmed)
    )
    return harvested / math.fsum(field.area_ha for field in fields) / len(years)


def _named(words: Sequence[str]) -> str:
    more = f" 等 {len(words)} 块" if len(words) > NAMED_MAX else ""
    return "、".join(words[:NAMED_MAX]) + more


def relative_change(before: float, after: float) -> float:
    """Return |after - before| / before; 1 where something began that was not there."""
    if before == after:
        return 0.0
    return abs(after - before) / before if before else 1.0


def _paddy(found: Schedule) -> dict[str, Any]:
    seasons = {
        side: [row for year in rows for row in year if isinstance(row, PaddySeason)]
        for side, rows in (
            ("lookback", found.lookback), ("baseline", found.baseline), ("project", found.project),
        )
    }  # fmt: skip
    return {
        "region": "east_asia",  # Where Huzhou lies.
        "baseline": [_season(row) for row in seasons["baseline"]],
        "project": [_season(row) for row in seasons["project"]],
        "lookback_water_regimes": [row.water_regime for row in seasons["lookback"]],
        "continuous_evidence": all(row.irrigation_log for row in seasons["lookback"]),
        "practice_change_share": _paddy_change(seasons["baseline"], seasons["project"]),
    }


# Organic matter of a season by the kinds of the method.
AMENDMENTS = ("straw_lt30d", "straw_gt30d", "compost", "farmyard_manure", "green_manure")


def _season(row: PaddySeason) -> dict[str, Any]:
    amounts = {kind: getattr(row, f"{kind}_t_ha") for kind in AMENDMENTS}
    return {
        "water_regime": row.water_regime,
        "preseason": row.preseason,
        "sow_date": row.sow_date.isoformat(),
        "harvest_date": row.harvest_date.isoformat(),
        "amendments": [{"kind": kind, "t_ha": t_ha} for kind, t_ha in amounts.items() if t_ha],
        "n_kg_ha": row.n_kg_ha,
        "aeration_days": row.aeration_days,
    }


def _paddy_change(before: Sequence[PaddySeason], after: Sequence[PaddySeason]) -> float:
    """Return how far water or organic matter has changed: 1 for another water regime."""
    if [row.water_regime for row in before] != [row.water_regime for row in after]:
        return 1.0
    return max(
        relative_change(
            math.fsum(getattr(row, f"{kind}_t_ha") for row in before),
            math.fsum(getattr(row, f"{kind}_t_ha") for row in after),
        )
        for kind in AMENDMENTS
    )


def _nitrogen(found: Schedule) -> dict[str, Any]:
    sides = {"baseline": found.baseline, "project": found.project}
    totals = {side: _nitrogen_total(rows) for side, rows in sides.items()}
    before, after = totals["baseline"], totals["project"]
    amounts = ("synthetic_n_kg_ha", "organic_n_kg_ha", "residue_n_kg_ha", "urea_share")
    changed = max(relative_change(before[key], after[key]) for key in amounts)
    if before["land"] != after["land"]:
        changed = 1.0
    return {**totals, "practice_change_share": changed}


def _nitrogen_total(rows: Sequence[Sequence[Record]]) -> dict[str, Any]:
    """Return the nitrogen of all years of a side together, per hectare."""
    years = [row for year in rows for row in year if isinstance(row, NitrogenYear)]
    lands = {row.land for row in years}
    if len(lands) > 1:
        raise MethodInputInvalid(
            "回溯期或监测期内的土地水分类别不止一种，氧化亚氮须分期核算：请把监测期分开。"
        )
    synthetic = math.fsum(row.synthetic_n_kg_ha for row in years)
    urea = math.fsum(row.synthetic_n_kg_ha * row.urea_share for row in years)
    return {
        "synthetic_n_kg_ha": synthetic,
        "urea_share": min(1.0, urea / synthetic) if synthetic else 0.0,
        "organic_n_kg_ha": math.fsum(row.organic_n_kg_ha for row in years),
        "residue_n_kg_ha": math.fsum(row.residue_n_kg_ha for row in years),
        "land": lands.pop(),
    }


def _burning(found: Schedule) -> dict[str, Any]:
    before, after = (
        math.fsum(
            row.burnt_t_dm_ha for year in rows for row in year if isinstance(row, ResidueBurning)
        )
        for rows in (found.baseline, found.project)
    )
    return {
        "burnt_t_dm_ha_baseline": before,
        "burnt_t_dm_ha_project": after,
        "practice_change_share": relative_change(before, after),
    }


ASSEMBLIES: Mapping[str, Assembly] = {
    "paddy-ch4/1": Assembly("paddy_season", _paddy),
    "n2o/1": Assembly("nitrogen", _nitrogen),
    "residue-burning/1": Assembly("residue_burning", _burning),
}

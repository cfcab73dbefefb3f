"""From activity records to the input of a method: baseline before the project, project in the round.

Each method by records has an assembly: the kinds of records it reads, and its input from a
stratum's schedule (`schedules.py`). Nothing is added that no record says.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from methodologies import schedules, wetland_from_records
from methodologies.activity import (
    BiocharBatch,
    Farmed,
    NitrogenYear,
    PaddySeason,
    ResidueBurning,
    SoilClass,
    SoilManagement,
    TeaNitrogen,
)
from methodologies.activity_record import Practice
from methodologies.base import MethodInputInvalid
from methodologies.farmland_soc_v1_input import Practices, input_level
from methodologies.schedules import Field, Schedule

# Decisions that the registry keeps as a word and a method asks as a truth.
YES_OR_NO = frozenset({"issue_tier1"})
# Shares are read off maps to a few digits.
SHARE_TOLERANCE = 1e-4
# Land uses on which tillage and input do not act (`farmland_soc_v1`, IPCC Table 5.5).
UNMANAGED = ("paddy", "set_aside", "native")


@dataclass(frozen=True, slots=True)
class Assembly:
    """How a method is fed: the kinds of records it reads, and its input from a schedule.

    since_practice : every year since the practice began counts, not those of the round alone
    of_one_year : the method's input is of one year; a round of several has one input a year
    lookback : whether there have to be years before the practice, or may be, or are not asked for
    """

    kinds: tuple[str, ...]
    document: Callable[[Schedule], dict[str, Any]]
    since_practice: bool = False
    of_one_year: bool = False
    lookback: Literal["needed", "if_any", "none"] = "needed"


def stratum_document(
    method_id: str,
    stratum: str,
    fields: Sequence[Field],
    *,
    practice_from_year: int,
    years: range,
    policy: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a stratum of a round's document: {id, input}, or {id, by_year: [{year, input}]} by a
    method whose input is of one year.

    Raises
    ------
    MethodInputInvalid
        As `stratum_input`.
    """

    def of(some: range) -> dict[str, Any]:
        return stratum_input(
            method_id, stratum, fields, practice_from_year=practice_from_year, years=some,
            policy=policy,
        )  # fmt: skip

    if not ASSEMBLIES[method_id].of_one_year:
        return {"id": stratum, "input": of(years)}
    each = [{"year": year, "input": of(range(year, year + 1))} for year in years]
    return {"id": stratum, "by_year": each}


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
    counting = range(practice_from_year, years.stop) if assembly.since_practice else years
    has_lookback = assembly.lookback == "needed" or (
        assembly.lookback == "if_any" and schedules.has_records_before(fields, practice_from_year)
    )
    found = schedules.schedule(
        stratum, fields, practice_from_year=practice_from_year, years=years, counting=counting,
        has_lookback=has_lookback,
    )  # fmt: skip
    return {**assembly.document(found), "policy": method_policy(policy)}


def method_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return policies as the methods read them: what the registry decides as yes or no is a truth."""
    return {
        name: value == "yes" if name in YES_OR_NO and isinstance(value, str) else value
        for name, value in policy.items()
    }


def relative_change(before: float, after: float) -> float:
    """Return |after - before| / before; 1 where something began that was not there."""
    if before == after:
        return 0.0
    return abs(after - before) / before if before else 1.0


def _gates(found: Schedule, practice_change_share: float) -> dict[str, Any]:
    """Return what every farmland method asks before it issues (`farmland_v1.Gates`)."""
    rows = [row for side in (found.lookback, found.project) for year in side for row in year]
    before, after = found.yield_before_t_ha, found.yield_t_ha
    # Land that bore nothing before cannot bear less.
    changed = (after - before) / before if before else float(after > 0.0)
    return {
        "mineral_soil": all(isinstance(row, Farmed) and row.mineral_soil for row in rows),
        "lookback_years": len(found.lookback),
        "yield_change_share": changed,
        "practice_change_share": practice_change_share,
    }


def _paddy(found: Schedule) -> dict[str, Any]:
    seasons = {
        side: [row for year in rows for row in year if isinstance(row, PaddySeason)]
        for side, rows in (
            ("lookback", found.lookback), ("baseline", found.baseline), ("project", found.project),
        )
    }  # fmt: skip
    return {
        "area_ha": found.area_ha,
        "region": "east_asia",  # Where Huzhou lies.
        "baseline": [_season(row) for row in seasons["baseline"]],
        "project": [_season(row) for row in seasons["project"]],
        "lookback_water_regimes": [row.water_regime for row in seasons["lookback"]],
        "continuous_evidence": all(row.irrigation_log for row in seasons["lookback"]),
        "gates": _gates(found, _paddy_change(seasons["baseline"], seasons["project"])),
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
    return {"area_ha": found.area_ha, **totals, "gates": _gates(found, changed)}


def _nitrogen_total(rows: Sequence[Sequence[Practice]]) -> dict[str, Any]:
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
        "area_ha": found.area_ha,
        "burnt_t_dm_ha_baseline": before,
        "burnt_t_dm_ha_project": after,
        "gates": _gates(found, relative_change(before, after)),
    }


def _tea(found: Schedule) -> dict[str, Any]:
    """Return the input of the tea method, which takes means itself: every year as it was."""
    return {
        "period": {"start": f"{found.years.start}-01-01", "end": f"{found.years.stop}-01-01"},
        "area_ha": found.area_ha,
        "baseline_records": _tea_years(found.lookback_years, found.lookback),
        "project_records": _tea_years(found.years, found.project),
        "yield_baseline_t_ha": found.yield_before_t_ha,
        "yield_project_t_ha": found.yield_t_ha,
    }


def _tea_years(years: range, rows: Sequence[Sequence[Practice]]) -> list[dict[str, Any]]:
    return [
        {
            "year": year,
            "synthetic_n_kg_ha": row.synthetic_n_kg_ha,
            "organic_n_kg_ha": row.organic_n_kg_ha,
            "urea_t_ha": row.urea_t_ha,
        }
        for year, found in zip(years, rows, strict=True)
        for row in found
        if isinstance(row, TeaNitrogen)
    ]


def _soil(found: Schedule) -> dict[str, Any]:
    """Return the input of the Tier 1 method: stocks move on from where each way of farming left
    them, so every year since the first on record counts."""
    since = range(found.practice_from_year, found.years.stop)
    before = list(zip(found.lookback_years, found.lookback, strict=True))
    baseline, project = (_managed(rows) for rows in (found.baseline, found.project))
    classes = _soil_classes(found.fields, found.years.stop - 1)
    if any(row["soil"] == "WET" for row in classes) and any(
        one.land_use == "paddy" for one in _managed(found.rows.values())
    ):
        raise MethodInputInvalid("水田的土壤按其下的矿质土类登记，不得用湿地土类；请更正土壤类别。")
    return {
        "classes": classes,
        "years": {"start": found.years.start, "end": found.years.stop},
        "baseline": _regimes([*before, *zip(since, found.at(found.repeated(since)), strict=True)]),
        "project": _regimes([*before, *zip(since, found.at(since), strict=True)]),
        "committed_years": min(
            soil.kept_years
            for f in found.fields
            for soil, _ in f.stated(SoilClass, found.years.stop - 1)
        ),
        "gates": _gates(found, float([_way(r) for r in baseline] != [_way(r) for r in project])),
        "imported": [
            {"mass_t": row.imported_t_ha * found.area_ha, "c_share": row.imported_c_share}
            for row in project
            if row.imported_t_ha
        ],
    }


def _managed(rows: Iterable[Sequence[Practice]]) -> list[SoilManagement]:
    return [row for year in rows for row in year if isinstance(row, SoilManagement)]


def _regimes(dated: Sequence[tuple[int, Sequence[Practice]]]) -> list[dict[str, Any]]:
    """Return the ways of farming, each from its first year; like years one after the other are one
    way, or the stock would begin its twenty years anew."""
    found: list[dict[str, Any]] = []
    last: dict[str, Any] | None = None
    for year, rows in dated:
        for row in _managed([rows]):
            if (way := _way(row)) != last:
                found.append({"from_year": year, **way})
                last = way
    return found


def _way(row: SoilManagement) -> dict[str, Any]:
    """Return what of a year decides the stock."""
    if row.land_use in UNMANAGED:
        return {"land_use": row.land_use}
    level = input_level(
        Practices(
            residue_removed=row.residue_removed,
            animal_manure=row.animal_manure,
            low_residue_crop=row.low_residue_crop,
            bare_fallow=row.bare_fallow,
            nitrogen=row.nitrogen,
            carbon_raising=row.carbon_raising,
        )
    )
    return {"land_use": row.land_use, "tillage": row.tillage, "input_level": level}


def _soil_classes(fields: Sequence[Field], year: int) -> list[dict[str, Any]]:
    """Return the area of each class under all fields: classes are added up, never averaged."""
    areas: dict[tuple[str, str], list[float]] = {}
    for field in fields:
        soils = field.stated(SoilClass, year)
        whole = math.fsum(soil.area_share * share for soil, share in soils)
        if abs(whole - 1.0) > SHARE_TOLERANCE:
            raise MethodInputInvalid(
                f"地块 {field.code} 各土壤类别的面积份额合计为 {whole:.4g}，应为 1：请登记或更正"
                "“土壤类别”，并附依据。"
            )
        for soil, share in soils:
            area_ha = field.area_ha * soil.area_share * share / whole
            areas.setdefault((soil.climate, soil.soil), []).append(area_ha)
    return [
        {"area_ha": math.fsum(found), "climate": climate, "soil": soil}
        for (climate, soil), found in sorted(areas.items())
    ]


def _char(found: Schedule) -> dict[str, Any]:
    """Return the chars of the one year of `found`; a batch's emissions by the part that lies here."""
    rows = [row for year in found.project for row in year if isinstance(row, BiocharBatch)]
    mass_t = {row.batch: row.applied_t_dm_ha * found.area_ha for row in rows}
    emitted = [
        None
        if row.production_co2e_t is None
        else row.production_co2e_t * mass_t[row.batch] / row.delivered_t_dm
        for row in rows
    ]
    known = [one for one in emitted if one is not None]
    of_batch = ("feedstock", "process", "temperature_c", "h_corg", "c_share", "delivery_record",
                "producer_certificate", "paddy", "paddy_ch4_measured")  # fmt: skip
    return {
        "batches": [
            {
                "id": row.batch,
                "mass_t_dm": mass_t[row.batch],
                **{name: getattr(row, name) for name in of_batch},
            }
            for row in rows
        ],
        "mineral_soil": all(row.mineral_soil for row in rows),
        "production_emissions_co2e_t": math.fsum(known) if len(known) == len(rows) else None,
    }


ASSEMBLIES: Mapping[str, Assembly] = {
    "paddy-ch4/1": Assembly(("paddy_season",), _paddy),
    "n2o/1": Assembly(("nitrogen",), _nitrogen),
    "residue-burning/1": Assembly(("residue_burning",), _burning),
    "tea-n2o/1": Assembly(("tea_nitrogen",), _tea),
    "farmland-soc/1": Assembly(("soil_management", "soil_class"), _soil, since_practice=True),
    "biochar/1": Assembly(("biochar_batch",), _char, of_one_year=True, lookback="none"),
    "wetland-balance/1": Assembly(
        wetland_from_records.KINDS, wetland_from_records.document, of_one_year=True,
        lookback="if_any",
    ),
}  # fmt: skip

"""From the records of a wetland to the input of wetland-balance/1 of one year.

What the land is, year by year, against what it was before the project; measured gases, burial, wood
and herbs by class of land; conditions and assessed uncertainties as they are stated. Without years
before the project there is no baseline, and the method gives the balance alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, get_args

from methodologies import farmland_v1, inputs
from methodologies.activity_record import Practice
from methodologies.base import MethodInputInvalid
from methodologies.schedules import RecordT, Schedule
from methodologies.wetland_activity import (
    OnWetland,
    WetlandActivity,
    WetlandBurial,
    WetlandErrors,
    WetlandGas,
    WetlandHerb,
    WetlandLand,
    WetlandWood,
)
from methodologies.wetland_balance_v1 import HERB_YEARS
from methodologies.wetland_balance_v1_input import OPEN_WATER, Pool, Unit

KINDS = (
    "wetland_land", "wetland_gas", "wetland_burial", "wetland_wood", "wetland_herb",
    "wetland_activity", "wetland_errors",
)  # fmt: skip
# Units go by these names in results and refusals.
CLASS_ZH: Mapping[str, str] = MappingProxyType(
    {
        "natural_lake": "湖泊水面",
        "river": "河流水面",
        "reservoir": "水库水面",
        "pond": "坑塘水面",
        "ditch": "沟渠",
        "marsh": "草本沼泽",
        "swamp": "森林沼泽",
        "paddy": "水田",
    }
)
# Shares are read off maps to a few digits.
SHARE_TOLERANCE = 1e-4
Rows = Sequence[Practice]
DatedRows = Sequence[tuple[int, Rows]]


def document(found: Schedule) -> dict[str, Any]:
    """Return the input of the one year of `found`.

    Raises
    ------
    MethodInputInvalid
        Classes of land do not make up the parcel, a measurement is of no class that is there, a
        statement lacks or differs between parcels, a pool is counted in some years only, or what
        the land is said to have been is not what the years before say.
    """
    year = found.years.start
    before = list(zip(found.lookback_years, found.lookback, strict=True))
    if before and len(before) < farmland_v1.LOOKBACK_YEARS_MIN:
        raise MethodInputInvalid(
            f"层 {found.stratum} 的回溯期只有 {len(before)} 年，基线须有至少 "
            f"{farmland_v1.LOOKBACK_YEARS_MIN} 年的记录：请补录；没有基线的，不登记回溯期，只给出收支。"
        )
    [now] = found.project
    _refuse_one_sided(found.stratum, [*before, (year, now)])
    baseline: list[dict[str, Any]] | None = None
    was: Rows = ()
    if before:
        [stands_against] = found.repeated(found.years)
        was = found.rows[stands_against]
        baseline = _units(found, stands_against, was)
        _refuse_other_past(found, year, now)
    if year >= found.practice_from_year + HERB_YEARS:
        _refuse_herbs_again(found.stratum, year, now, was)
    activity = _alike(found, WetlandActivity, year, "湿地措施与条件")
    errors = _alike(found, WetlandErrors, year, "湿地误差评定")
    return {
        "units": _units(found, year, now),
        "baseline_units": baseline,
        "activity": {
            "kind": activity.activity,
            # No round opens on land whose sink is not its owner's by a reviewed right or contract.
            "title_clear": True,
            **activity.model_dump(exclude={"activity", "owed_area_share"}),
        },
        # Alike on all parcels: kilograms are shared out by area, and owed land must get none.
        "owed_area_ha": found.area_ha * activity.owed_area_share,
        "u95_share": {
            pool: u95
            for pool in get_args(Pool)
            if (u95 := getattr(errors, f"{pool}_u95_share")) is not None
        },
    }


def _refuse_other_past(found: Schedule, year: int, now: Rows) -> None:
    """Refuse land that was wetted from cropland by the project where the years before say that it
    all was water or paddy: its soil has no default gain."""
    wetted = any(
        isinstance(row, WetlandLand)
        and row.former_use == "cultivated"
        and row.rewetted_in_year is not None
        and row.rewetted_in_year >= found.practice_from_year
        for row in now
    )
    were = {
        row.land_class for rows in found.lookback for row in rows if isinstance(row, WetlandLand)
    }
    if wetted and were <= {*OPEN_WATER, "ditch", "paddy"}:
        raise MethodInputInvalid(
            f"层 {found.stratum} 在 {year} 年写明由旱作耕地复湿，回溯期的地类却是"
            f"{'、'.join(CLASS_ZH[one] for one in sorted(were))}：请按实际更正复湿前的用途。"
        )


def _refuse_herbs_again(stratum: str, year: int, now: Rows, was: Rows) -> None:
    """Refuse herbs that would bring something in more years than a change is spread over: the
    project's gain, and what the stand would have lost without it."""
    gains = any(isinstance(row, WetlandHerb) and row.stand_change_share > 0.0 for row in now)
    losses = any(isinstance(row, WetlandHerb) and row.stand_change_share < 0.0 for row in was)
    if gains or losses:
        raise MethodInputInvalid(
            f"层 {stratum} 在 {year} 年仍登记草丛面积的持久{'增加' if gains else '减少（基线）'}：自措施"
            f"开始起只分 {HERB_YEARS} 年计入一次，以后各年须按 0 登记。"
        )


def _alike(found: Schedule, kind: type[RecordT], year: int, title: str) -> RecordT:
    """Return what all parcels of the stratum state in a year, which has to be the same."""
    first: RecordT | None = None
    for field in found.fields:
        said = field.stated(kind, year)
        if math.fsum(share for _, share in said) < 1.0 - 1e-9:
            raise MethodInputInvalid(
                f"地块 {field.code} 没有 {year} 年的“{title}”：请登记并附依据。"
            )
        for row, _ in said:
            first = first or row
            if row != first:
                raise MethodInputInvalid(
                    f"层 {found.stratum} 中 {field.code} 在 {year} 年的“{title}”与 "
                    f"{found.fields[0].code} 不同：请核对，或把它们分到另一层。"
                )
    assert first is not None  # A stratum has a field, and its statement is whole.
    return first


def _units(found: Schedule, year: int, rows: Rows) -> list[dict[str, Any]]:
    """Return the classes of land of a year as units of the method."""
    lands = [row for row in rows if isinstance(row, WetlandLand)]
    whole = math.fsum(land.area_share for land in lands)
    if abs(whole - 1.0) > SHARE_TOLERANCE:
        raise MethodInputInvalid(
            f"层 {found.stratum} 在 {year} 年各湿地地类的面积份额合计为 {whole:.4g}，应为 1："
            "请登记或更正“湿地地类”。"
        )
    known = {land.land_class for land in lands}
    measured = {row.land_class for row in rows if isinstance(row, OnWetland)}
    if lost := [name for code, name in CLASS_ZH.items() if code in measured - known]:
        raise MethodInputInvalid(
            f"层 {found.stratum} 在 {year} 年有“{'、'.join(lost)}”的实测记录，却没有这一湿地地类：请核对。"
        )
    return [
        _unit(year, land, found.area_ha * land.area_share / whole, _measured(rows, land))
        for land in lands
    ]


def _measured(rows: Rows, land: WetlandLand) -> dict[str, Any]:
    """Return what was measured on a class of land, by the names of the method's unit."""
    found: dict[str, Any] = {}
    for row in rows:
        if isinstance(row, OnWetland) and row.land_class == land.land_class:
            found.update(_parts(row))
    return found


def _parts(row: OnWetland) -> Mapping[str, Any]:
    match row:
        case WetlandGas():
            ch4 = {
                "kg_ha_year": row.ch4_kg_ha, "campaigns": row.ch4_campaigns,
                "ebullition": row.ch4_ebullition,
            }  # fmt: skip
            doc = {"mg_l": row.doc_mg_l, "depth_m": row.water_depth_m}
            return {
                "ch4_measured": None if row.ch4_kg_ha is None else ch4,
                "n2o_kg_ha": row.n2o_kg_ha,
                "doc": None if row.doc_mg_l is None else doc,
            }
        case WetlandBurial():
            return {"burial": row.model_dump(exclude={"land_class"})}
        case WetlandWood():
            return {
                "wood": {
                    "agb_t_ha_start": row.wood_agb_t_ha_start,
                    "agb_t_ha_end": row.wood_agb_t_ha_end,
                    "years": float(row.wood_year_end - row.wood_year_start),
                    "root_ratio": row.root_ratio,
                    "carbon_fraction": row.carbon_fraction,
                }
            }
        case WetlandHerb():
            return {"herb": row}
    return {}


def _unit(
    year: int, land: WetlandLand, area_ha: float, measured: Mapping[str, Any]
) -> dict[str, Any]:
    herb = measured.get("herb")
    unit = {
        "id": CLASS_ZH[land.land_class],
        "area_ha": area_ha,
        **land.model_dump(
            exclude={"area_share", "rewetted_in_year", "former_use", "soc_ref_t_ha"}
        ),
        **measured,
        "rewetted": None if land.rewetted_in_year is None else {
            # The year of the rewetting is its first.
            "year_since_rewetting": year - land.rewetted_in_year + 1,
            "soc_ref_t_ha": land.soc_ref_t_ha,
            "former_use": land.former_use,
        },
        "herb": None if herb is None else {
            "delta_area_ha": herb.stand_change_share * area_ha,
            "agb_t_ha": herb.herb_agb_t_ha,
            "bgb_t_ha": herb.herb_bgb_t_ha,
            "species": herb.species,
        },
    }  # fmt: skip
    inputs.parse(Unit, unit)  # Now, and not when the round is measured.
    return unit


def _refuse_one_sided(stratum: str, dated: DatedRows) -> None:
    """Refuse a pool that some years state and others, where the land could have it, do not: what is
    left out would be taken for nought, and the difference for a gain."""
    for what, lacking in _one_sided(dated):
        years = "、".join(map(str, lacking))
        raise MethodInputInvalid(
            f"层 {stratum} 有的年份登记了“{what}”，{years} 年却没有：回溯期与监测期须都登记，没有的写 0。"
        )


def _one_sided(dated: DatedRows) -> Iterator[tuple[str, list[int]]]:
    every = tuple(CLASS_ZH)
    pools: Sequence[tuple[str, type[OnWetland], Sequence[str]]] = (
        ("湿地沉积埋藏", WetlandBurial, [c for c in every if c != "paddy"]),
        ("湿地木本", WetlandWood, [c for c in every if c not in OPEN_WATER]),
        ("湿地草本", WetlandHerb, every),
    )
    for what, kind, classes in pools:
        if any(isinstance(row, kind) for _, rows in dated for row in rows):
            lacking = [year for year, rows in dated if _lacks(rows, kind, classes)]
            if lacking:
                yield what, lacking
    measured = [
        (year, any(isinstance(r, WetlandGas) and r.n2o_kg_ha is not None for r in rows))
        for year, rows in dated
    ]
    if any(has for _, has in measured) and (lacking := [y for y, has in measured if not has]):
        yield "湿地气体实测”的“氧化亚氮", lacking


def _lacks(rows: Rows, kind: type[OnWetland], classes: Sequence[str]) -> bool:
    """Return whether a class of land that could have the pool has no record of it."""
    stated = {row.land_class for row in rows if isinstance(row, kind)}
    return any(
        isinstance(row, WetlandLand) and row.land_class in classes and row.land_class not in stated
        for row in rows
    )

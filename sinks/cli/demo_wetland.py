"""The demonstration's wetland: fish ponds given back to marsh, with records, measured and before the
public.

Its balance is a source of methane; what is credited is that the ponds gave off more.
"""

from datetime import date
from typing import Any

from sinks.cli import demo_records
from sinks.cli.demo_people import MARK, Stage
from sinks.cli.demo_register import MANAGERS, Land
from sinks.crediting import openings, rounds
from sinks.measurement import activity_records

METHOD_ID = "wetland-balance/1"
VILLAGE, CLERK, PARCELS = "tangjing", "clerk3", 3
LOOKBACK_YEARS, PRACTICE_FROM_YEAR = (2022, 2023, 2024), 2025
STATEMENT = "演示：经现场核查，项目符合方法学适用条件，边界、权属、水文监测与活动记录一致。"
# Of the ponds by year, and of the marsh [kg CH4/ha]; invented, of the size that is published.
POND_CH4_KG_HA = {2022: 566.0, 2023: 611.0, 2024: 587.0}
MARSH_CH4_KG_HA = 248.0
ACTIVITY = {
    "activity": "restoration", "hydrology_monitored": True, "required_by_permit": False,
    "owed_area_share": 0.0, "peat_extraction": False, "drains_other_wetland": False,
    "invasive_species": False,
}  # fmt: skip
TERMS = ("wood", "herb", "burial", "soil", "ch4", "n2o", "flood_co2")
ASSESSED = {"ch4": 0.45, "n2o": 0.9}


def add(stage: Stage, land: Land) -> None:
    """Write the records with their evidence, and take project and round to the public notice."""
    _, first = MANAGERS[VILLAGE]
    parcel_ids = land.parcel_ids[VILLAGE][first : first + PARCELS]
    for parcel_id in parcel_ids:
        _write(stage, parcel_id)
    project_id = demo_records.registered(
        stage, CLERK, parcel_ids, name="塘泾村退塘还湿项目", method_id=METHOD_ID,
        stratum="退塘还湿", practice_from_year=PRACTICE_FROM_YEAR, filing="湖湿碳备",
        statement=STATEMENT,
    )  # fmt: skip
    with stage.acting(CLERK) as (session, actor):
        round_id = openings.by_records(
            session, actor, project_id, period_start=date(PRACTICE_FROM_YEAR, 1, 1),
            period_end=date(PRACTICE_FROM_YEAR + 1, 1, 1),
        ).id  # fmt: skip
        rounds.measure(session, actor, round_id)
        rounds.publish(session, actor, round_id)


def _write(stage: Stage, parcel_id: int) -> None:
    errors = {f"{term}_u95_share": ASSESSED.get(term) for term in TERMS}
    rows: list[tuple[str, int, dict[str, Any]]] = [
        ("wetland_activity", PRACTICE_FROM_YEAR, ACTIVITY),
        ("wetland_errors", PRACTICE_FROM_YEAR, errors),
    ]
    for year in (*LOOKBACK_YEARS, PRACTICE_FROM_YEAR):
        rows += [("wetland_land", year, _land(year)), ("wetland_gas", year, _gases(year))]
    with stage.acting(CLERK) as (session, actor):
        for kind, year, values in rows:
            row = activity_records.add(
                session, actor, parcel_id=parcel_id, year=year, kind=kind, values=values
            )
            activity_records.add_evidence(
                session, actor, row.id, name=f"湿地监测 {year}{MARK}.txt",
                content=f"{MARK}监测报告，虚构：地块 {parcel_id}，{year} 年。".encode(),
            )  # fmt: skip


def _land(year: int) -> dict[str, Any]:
    restored = year >= PRACTICE_FROM_YEAR
    return {
        "land_class": "marsh" if restored else "pond", "area_share": 1.0,
        "climate": "warm_temperate_moist", "origin": "created" if restored else "natural",
        "flooded_years": None, "dam_outlet": False, "trophic_state": None, "organic_soil": None,
        "aquaculture": not restored, "rewetted_in_year": None, "former_use": None,
        "soc_ref_t_ha": None,
    }  # fmt: skip


def _gases(year: int) -> dict[str, Any]:
    restored = year >= PRACTICE_FROM_YEAR
    return {
        "land_class": "marsh" if restored else "pond",
        "ch4_kg_ha": MARSH_CH4_KG_HA if restored else POND_CH4_KG_HA[year],
        "ch4_campaigns": 12, "ch4_ebullition": True, "n2o_kg_ha": 0.4 if restored else 1.9,
        "doc_mg_l": None, "water_depth_m": None,
    }  # fmt: skip

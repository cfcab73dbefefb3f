"""The demonstration's round by records: three paddies that went over to alternate wetting and drying.

Measured and in public notice, so that a visitor sees what is counted without a map and a plot.
"""

from datetime import date
from typing import Any

from sinks.cli.demo_people import MARK, Stage
from sinks.cli.demo_register import MANAGERS, Land
from sinks.core import db
from sinks.crediting import openings, projects, rounds
from sinks.measurement import activity_records

METHOD_ID = "paddy-ch4/1"
VILLAGE, CLERK = "morong", "clerk5"
LOOKBACK_YEARS, PRACTICE_FROM_YEAR = (2022, 2023, 2024), 2025
STATEMENT = "演示：经现场核查，项目符合方法学适用条件，边界、权属与活动记录一致。"
# Of each field, in the order of the parcels [t/ha]: neighbours farm alike and harvest unlike.
YIELDS_T_HA = (8.1, 7.9, 8.3)


def add(stage: Stage, land: Land) -> None:
    """Write the records with their evidence, and take project and round to the public notice."""
    _, first = MANAGERS[VILLAGE]
    parcel_ids = land.parcel_ids[VILLAGE][first:]
    for parcel_id, yield_t_ha in zip(parcel_ids, YIELDS_T_HA, strict=True):
        _write(stage, parcel_id, yield_t_ha)
    project_id = registered(
        stage, CLERK, parcel_ids, name="莫蓉村稻田间歇灌溉减排项目", method_id=METHOD_ID,
        stratum="单季稻", practice_from_year=PRACTICE_FROM_YEAR, filing="湖农碳备",
        statement=STATEMENT,
    )  # fmt: skip
    with stage.acting(CLERK) as (session, actor):
        round_id = openings.by_records(
            session, actor, project_id, period_start=date(PRACTICE_FROM_YEAR, 1, 1),
            period_end=date(PRACTICE_FROM_YEAR + 1, 1, 1),
        ).id  # fmt: skip
        rounds.measure(session, actor, round_id)
        rounds.publish(session, actor, round_id)


def _write(stage: Stage, parcel_id: int, yield_t_ha: float) -> None:
    with stage.acting(CLERK) as (session, actor):
        for year in (*LOOKBACK_YEARS, PRACTICE_FROM_YEAR):
            row = activity_records.add(
                session, actor, parcel_id=parcel_id, year=year, kind="paddy_season",
                values=_season(year, yield_t_ha),
            )  # fmt: skip
            activity_records.add_evidence(
                session, actor, row.id, name=f"农事记录 {year}{MARK}.txt",
                content=f"{MARK}农事记录，虚构：地块 {parcel_id}，{year} 年单季稻。".encode(),
            )  # fmt: skip


def _season(year: int, yield_t_ha: float) -> dict[str, Any]:
    changed = year >= PRACTICE_FROM_YEAR
    return {
        "mineral_soil": True, "yield_t_ha": yield_t_ha, "crop": "single",
        "water_regime": "multiple_drainage_awd" if changed else "single_drainage",
        "preseason": "nonflooded_gt180d", "sow_date": f"{year}-06-12",
        "harvest_date": f"{year}-10-18", "aeration_days": 8.0 if changed else 6.0,
        "irrigation_log": True, "straw_lt30d_t_ha": 4.5, "straw_gt30d_t_ha": 0.0,
        "compost_t_ha": 0.0, "farmyard_manure_t_ha": 0.0, "green_manure_t_ha": 0.0,
        "n_kg_ha": 210.0,
    }  # fmt: skip


def registered(
    stage: Stage, clerk: str, parcel_ids: list[int], *, name: str, method_id: str, stratum: str,
    practice_from_year: int, filing: str, statement: str,
) -> int:  # fmt: skip
    """A project by records, published, validated and registered; its id."""
    with stage.acting(clerk) as (session, actor):
        project_id = projects.create(
            session, actor, name=f"{name}{MARK}", method_id=method_id,
            strata=dict.fromkeys(parcel_ids, stratum), practice_from_year=practice_from_year,
            demonstration=True,
        ).id  # fmt: skip
        projects.publish(session, actor, project_id)
    with stage.acting("verifier2") as (session, actor):
        projects.validate(session, actor, project_id, statement)
    with stage.acting("authority1") as (session, actor):
        projects.register(
            session, actor, project_id, f"演示{filing}〔{db.today(session).year}〕1号"
        )
    return project_id

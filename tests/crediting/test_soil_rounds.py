"""Soil carbon of dry farmland by records: an estimate that is shown, and earns nothing by default."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.crediting import issuance, openings, rounds, run_report, what_if
from sinks.crediting.rounds import MonitoringRound
from sinks.land import parcels
from sinks.measurement import activity_records, runs
from sinks.measurement.record_runs import RecordsRefused
from tests import world
from tests.crediting.test_record_rounds import words_of

# F-1, t CO2/ha and year.
F1_CO2_T_HA = 1.98757


def write(
    session: Session,
    people: dict[str, Actor],
    parcel_id: int,
    kind: str,
    year: int,
    **values: object,
) -> None:
    row = activity_records.add(
        session, people["officer"], parcel_id=parcel_id, year=year, kind=kind, values=values
    )
    activity_records.add_evidence(
        session, people["officer"], row.id, name="依据.pdf", content=f"{row.id}".encode()
    )


def managed(session: Session, people: dict[str, Actor], parcel_id: int) -> None:
    """F-1: until 2024 full tillage without residues, in 2025 reduced tillage and a cover crop."""
    for year in (2022, 2023, 2024, 2025):
        after = year == 2025
        write(
            session, people, parcel_id, "soil_management", year, mineral_soil=True, yield_t_ha=6.0,
            land_use="long_term_cultivated", tillage="reduced" if after else "full",
            residue_removed=not after, animal_manure=False, low_residue_crop=False,
            bare_fallow=False, nitrogen=True, carbon_raising=after, imported_t_ha=0.0,
            imported_c_share=None,
        )  # fmt: skip


def stated(session: Session, people: dict[str, Actor], parcel_id: int, **shares: float) -> None:
    for soil, area_share in shares.items():
        write(
            session, people, parcel_id, "soil_class", 2021, climate="warm_temperate_moist",
            soil=soil, area_share=area_share, kept_years=5,
        )  # fmt: skip


def farm(session: Session, people: dict[str, Actor], **policies: object) -> world.Farm:
    """Two fields of clay farmed as in F-1."""
    world.policies_in_force(session, people, unit_kg=1, **policies)
    parcel_ids = [
        world.enrolled(
            session, people, world.land(400 * number, 1200, 380, 200), name=f"地-{number}",
            sink_type="farmland",
        )
        for number in range(2)
    ]  # fmt: skip
    world.contracted(session, people, parcel_ids)
    for parcel_id in parcel_ids:
        managed(session, people, parcel_id)
    project_id = world.record_project(session, people, parcel_ids, "farmland-soc/1", 2025)
    return world.Farm(project_id, parcel_ids)


def to_record(session: Session, people: dict[str, Actor], row: MonitoringRound) -> None:
    world.recorded(session, people, row.id, f"湖农碳备〔2026〕{row.id}号")


def test_a_round_is_measured_and_shown_and_gives_nothing_with_the_reason_in_words(
    session: Session, people: dict[str, Actor]
) -> None:
    story = farm(session, people)
    for parcel_id in story.parcel_ids:
        stated(session, people, parcel_id, HAC=1.0)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    measured = runs.parcels_of(session, run.id)
    area_ha = sum(one.area_ha for one in measured)
    assert run.result["gross_co2_t"] == pytest.approx(F1_CO2_T_HA * area_ha, rel=1e-5)
    assert run.result["issuable_kg"] == 0 and {one.issuable_kg for one in measured} == {0}
    [refusal] = run.result["refusals"]
    assert refusal["code"] == "TIER1_ESTIMATE"
    document = words_of(run_report.report(session, people["auditor"], row.id))
    assert "只是估计" in document and "高活性黏土" in document and "None" not in document
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result
    to_record(session, people, row)
    with pytest.raises(Conflict) as refused:
        issuance.issue(session, people["registrar"], row.id, contract_of={})
    assert refused.value.code == "refused_by_method" and "估计" in refused.value.message
    _, [allowed] = what_if.under_policies(
        session, people["clerk"], row.id, [{"issue_tier1": "yes"}]
    )
    assert allowed.result is not None and allowed.result["issuable_kg"] > 0


def test_where_the_registrar_lets_estimates_be_issued_they_are_soil_with_their_buffer(
    session: Session, people: dict[str, Actor]
) -> None:
    story = farm(session, people, **{"issue_tier1.farmland-soc": "yes"})
    for parcel_id in story.parcel_ids:
        stated(session, people, parcel_id, HAC=1.0)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    assert run.result["refusals"] == []
    to_record(session, people, row)
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    net_kg = run.result["net_co2_t"] * 1000
    assert issued.holders_kg == pytest.approx(0.9 * net_kg, abs=1)
    assert issued.buffer_kg == pytest.approx(0.1 * net_kg, abs=1)
    credits = issuance.credits_of_parcel(session, story.parcel_ids[0])
    assert {(one.vintage, one.pool) for one in credits} == {(2025, "soil")}


def test_the_classes_under_each_parcel_count_by_their_area(
    session: Session, people: dict[str, Actor]
) -> None:
    story = farm(session, people)
    first, second = story.parcel_ids
    stated(session, people, first, HAC=0.6, LAC=0.4)
    stated(session, people, second, LAC=1.0)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    areas = {one.parcel_id: one.area_ha for one in runs.parcels_of(session, run.id)}
    # F-1 in proportion to the reference stocks, 64 and 55 t C/ha.
    per_ha = {"HAC": F1_CO2_T_HA, "LAC": F1_CO2_T_HA * 55 / 64}
    expected = areas[first] * (0.6 * per_ha["HAC"] + 0.4 * per_ha["LAC"])
    expected += areas[second] * per_ha["LAC"]
    assert run.result["gross_co2_t"] == pytest.approx(expected, rel=1e-5)


def test_a_parcel_whose_soil_nobody_has_stated_is_named(
    session: Session, people: dict[str, Actor]
) -> None:
    story = farm(session, people)
    first, second = story.parcel_ids
    stated(session, people, first, HAC=1.0)
    with pytest.raises(RecordsRefused) as refusal:
        openings.by_records(
            session, people["clerk"], story.project_id, period_start=date(2025, 1, 1),
            period_end=date(2026, 1, 1),
        )  # fmt: skip
    code = session.get_one(parcels.Parcel, second).code
    assert code in refusal.value.message and "土壤类别" in refusal.value.message

"""Wetlands by records: the balance is shown, its difference from what was before is issued."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from sinks.cooperative import parcel_history
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.crediting import issuance, openings, rounds, run_report
from sinks.land import parcels
from sinks.measurement import activity_records, runs
from sinks.measurement.record_runs import RecordsRefused
from tests import world
from tests.crediting.test_record_rounds import words_of

# W-3: (598.05 - 235) kg CH4 at 28, in t CO2e per hectare and year.
W3_T_HA = (598.05 - 235) * 28 / 1000


def area_ha(session: Session, run_id: int) -> float:
    return sum(one.area_ha for one in runs.parcels_of(session, run_id))


def test_a_restored_marsh_goes_from_its_records_to_issued_kilograms_through_four_people(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, unit_kg=1, gwp_set="ar5")
    story = world.restored_marsh(session, people)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    result = run.result
    assert result["gross_co2_t"] == pytest.approx(W3_T_HA * area_ha(session, run.id), rel=1e-6)
    assert result["refusals"] == [] and result["buffer_co2_t"] == 0.0
    # The larger of Verra's rule and 15 %.
    assert result["deduction_share"] == pytest.approx(0.15)
    assert result["intermediate"]["abs_co2e_t"]["total"] < 0 < result["net_co2_t"]
    world.recorded(session, people, row.id, "湖湿碳备〔2026〕1号")
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    assert issued.holders_kg + issued.remainder_kg == result["issuable_kg"] > 0
    credits = [
        one for parcel_id in story.parcel_ids
        for one in issuance.credits_of_parcel(session, parcel_id)
    ]  # fmt: skip
    # All pools and gases of the land together: no other part of it may be credited again.
    assert {(one.vintage, one.pool) for one in credits} == {(2025, "all")}
    assert sum(one.amount_kg for one in credits) == result["issuable_kg"]
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result
    told = parcel_history.history(session, story.parcel_ids[0], names=False)
    assert any("各碳库与气体合计" in event.text for event in told)


def test_two_years_are_each_years_result_added_and_both_are_vintages(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, unit_kg=1, gwp_set="ar5")
    story = world.restored_marsh(session, people, count=1, since=2024)
    row = openings.by_records(
        session, people["clerk"], story.project_id, period_start=date(2024, 1, 1),
        period_end=date(2026, 1, 1),
    )  # fmt: skip
    run = rounds.measure(session, people["clerk"], row.id)
    hectares = area_ha(session, run.id)
    assert run.result["gross_co2_t"] == pytest.approx(2 * W3_T_HA * hectares, rel=1e-6)
    [stratum] = run.result["intermediate"]["strata"]
    assert [year["id"] for year in stratum["result"]["by_year"]] == ["2024", "2025"]
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result
    world.recorded(session, people, row.id, "湖湿碳备〔2026〕3号")
    issuance.issue(session, people["registrar"], row.id, contract_of={})
    credits = issuance.credits_of_parcel(session, story.parcel_ids[0])
    assert {one.vintage for one in credits} == {2024, 2025}


def test_without_records_of_the_years_before_there_is_a_balance_and_nothing_to_issue(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, unit_kg=1, gwp_set="ar5")
    story = world.restored_marsh(session, people, count=1, lookback=False)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    balance = run.result["intermediate"]
    assert balance["mode"] == "ABS" and run.result["issuable_kg"] == 0
    per_ha = balance["abs_co2e_t"]["total"] / area_ha(session, run.id)
    assert per_ha == pytest.approx(-235 * 28 / 1000)
    world.recorded(session, people, row.id, "湖湿碳备〔2026〕2号")
    with pytest.raises(Conflict) as refused:
        issuance.issue(session, people["registrar"], row.id, contract_of={})
    assert refused.value.code == "nothing_to_issue"


def test_the_report_prints_balance_records_and_no_english_name(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, gwp_set="ar5")
    story = world.restored_marsh(session, people, count=1)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    document = words_of(run_report.report(session, people["auditor"], row.id))
    assert "None" not in document and "坑塘水面" in document and "草本沼泽" in document
    for name in ("baseline_units", "abs_co2e_t", "land_class", "units", "u95_share", "ebullition"):
        assert name not in document, name
    total = run.result["intermediate"]["abs_co2e_t"]["total"]
    assert f"{total:.10g}" in document


def test_a_marsh_whose_year_nobody_wrote_down_is_named_and_nothing_is_opened(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    story = world.restored_marsh(session, people)
    lost = story.parcel_ids[1]
    [_, _, _, row] = activity_records.standing(session, [lost], "wetland_land")
    activity_records.withdraw(session, people["clerk"], row.id)
    with pytest.raises(RecordsRefused) as refusal, session.begin_nested():
        world.open_2025(session, people, story)
    code = session.get_one(parcels.Parcel, lost).code
    assert code in refusal.value.message and "2025" in refusal.value.message
    assert rounds.of_project(session, story.project_id) == []

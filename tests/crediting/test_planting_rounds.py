"""Planting by rounds: bamboo from bare plots to issued kilograms, and statements that do not hold."""

import io
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.orm import Session

from methodologies.base import MethodInputInvalid
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.crediting import (
    issuance,
    openings,
    plot_findings,
    projects,
    rounds,
    run_report,
    second_measurements,
    stated_facts,
)
from sinks.measurement import activity_records, plots, runs
from tests import world

# Table E1: a culm of 6 cm and 1 du.
CULM_KG = 6.0326
# Method text 2.5, T4: 1,500 kg N are 12.9858 t CO2e (IPCC 2019, wet, AR6).
N2O_T_PER_KG_N = 12.9858 / 1500
COUNTS = [60, 62, 64, 61, 63, 62]


def open_2023(
    session: Session, people: dict[str, Actor], project_id: int, **facts: object
) -> rounds.MonitoringRound:
    return world.open_2023(session, people, project_id, {**world.QUIET_PERIOD, **facts})


def evidenced(session: Session, people: dict[str, Actor], round_id: int) -> None:
    rounds.add_evidence(session, people["clerk"], round_id, name="施肥记录.pdf", content=b"x")


def test_planted_bamboo_goes_from_bare_plots_to_issued_kilograms_through_four_people(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, baseline__forest="steady_state")
    story = world.planted(session, people)
    world.young_plots(session, people, story.project_id, {2023: [0] * 6, 2025: COUNTS})
    row = open_2023(
        session, people, story.project_id, fertiliser_n_kg_project=600.0, leakage_co2e_t=5.0
    )
    run = rounds.measure(session, people["clerk"], row.id)
    result, steps = run.result, run.result["intermediate"]
    area_ha = sum(one.area_ha for one in runs.parcels_of(session, run.id))
    delta = 62 * CULM_KG / 1000 / 0.04
    assert steps["delta_agb_t_ha"] == pytest.approx(delta, rel=1e-4)
    per_ha = 1.37 * 0.47 * 44 / 12
    assert result["gross_co2_t"] == pytest.approx(delta * per_ha * area_ha, rel=1e-4)
    # Six plots that agree: u90 under 10 %, nothing is taken off; then emissions and leakage whole.
    assert steps["u90"] < 0.1 and result["deduction_share"] == 0.0
    assert result["net_co2_t"] == pytest.approx(
        result["gross_co2_t"] - 600 * N2O_T_PER_KG_N - 5.0, rel=1e-4
    )
    assert result["refusals"] == [] and run.input["phase_start"] == run.input["phase_end"] == "off"
    assert run.layer_sha256 == []
    assert {one.map_agb_t_ha_start for one in runs.parcels_of(session, run.id)} == {None}

    with pytest.raises(Conflict) as refusal:
        rounds.publish(session, people["clerk"], row.id)
    assert refusal.value.code == "evidence_missing"
    evidenced(session, people, row.id)
    world.recorded(session, people, row.id, "湖林碳备〔2026〕7号")
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    shared = sum(one.issuable_kg for one in runs.parcels_of(session, run.id))
    assert shared == result["issuable_kg"] and issued.withheld_kg == 0
    # The remainder is of holders and buffer both, less than a unit of 10 kg for each of them.
    assert 0 <= shared - issued.holders_kg < 20
    total_kg = issued.holders_kg + issued.buffer_kg + issued.remainder_kg
    assert total_kg == pytest.approx(1000 * result["net_co2_t"], abs=2)
    credits = [
        one for parcel_id in story.parcel_ids
        for one in issuance.credits_of_parcel(session, parcel_id)
    ]  # fmt: skip
    assert {(one.vintage, one.pool) for one in credits} == {(2023, "biomass"), (2024, "biomass")}
    assert sum(one.amount_kg for one in credits) == shared
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result
    pdf = run_report.report(session, people["registrar"], row.id, None, "pdf")
    words = "".join(
        "".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages
    )
    assert "用材林" in words and "封顶" in words


def test_credits_end_at_the_target_and_earlier_rounds_count_towards_it(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, baseline__forest="steady_state", unit_kg=1)
    story = world.planted(session, people, target_agb_t_ha=12.0, credited_elsewhere_co2_t=10.0)
    later = [one + 60 for one in COUNTS]
    world.young_plots(session, people, story.project_id, {2021: [0] * 6, 2023: COUNTS, 2025: later})
    first = openings.by_plots(
        session, people["clerk"], story.project_id, period_start=date(2021, 1, 1),
        period_end=date(2023, 1, 1), facts=world.QUIET_PERIOD,
    )  # fmt: skip
    one = rounds.measure(session, people["clerk"], first.id)
    second = open_2023(session, people, story.project_id)
    two = rounds.measure(session, people["clerk"], second.id)
    whole = 12.0 * one.result["intermediate"]["area_ha"] * 1.37 * 0.47 * 44 / 12
    assert two.result["intermediate"]["saturation_remaining_co2_t"] == pytest.approx(
        whole - 10.0 - one.result["net_co2_t"]
    )
    assert one.result["net_co2_t"] + two.result["net_co2_t"] == pytest.approx(whole - 10.0)
    assert "SATURATED" in {item["code"] for item in two.result["warnings"]}
    # The second was measured on what the first then was.
    for round_id in (first.id, second.id):
        again = rounds.remeasure(session, round_id)
        assert again.same_input and again.same_result


def test_a_second_round_is_measured_again_when_the_first_has_changed(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, baseline__forest="steady_state")
    story = world.planted(session, people)
    later = [one + 60 for one in COUNTS]
    world.young_plots(session, people, story.project_id, {2021: [0] * 6, 2023: COUNTS, 2025: later})
    second = open_2023(session, people, story.project_id)
    rounds.measure(session, people["clerk"], second.id)
    evidenced(session, people, second.id)
    first = openings.by_plots(
        session, people["clerk"], story.project_id, period_start=date(2021, 1, 1),
        period_end=date(2023, 1, 1), facts=world.QUIET_PERIOD,
    )  # fmt: skip
    rounds.measure(session, people["clerk"], first.id)
    with pytest.raises(Conflict) as refusal:
        rounds.publish(session, people["clerk"], second.id)
    assert refusal.value.code == "remeasure"
    rounds.measure(session, people["clerk"], second.id)
    assert rounds.publish(session, people["clerk"], second.id).status == "public_notice"


def test_two_layers_corrected_by_plots_measure_planting_too(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people, baseline__forest="steady_state")
    story = world.planted(session, people, target_agb_t_ha=100.0)
    world.add_plots(session, people, story.project_id, 12)
    found = world.two_layers(session, people, tmp_path)
    row = openings.by_layers(
        session, people["clerk"], story.project_id, layer_start_id=found.start_id,
        layer_end_id=found.end_id, facts=world.QUIET_PERIOD,
    )  # fmt: skip
    run = rounds.measure(session, people["clerk"], row.id)
    [stratum] = run.result["intermediate"]["strata"]
    assert stratum["mode"] == "model_assisted" and len(run.layer_sha256) == 4
    assert run.input["saturation"]["target_agb_t_ha"] == 100.0
    assert run.result["issuable_kg"] > 0
    assert rounds.remeasure(session, row.id).same_result


@pytest.mark.parametrize("name", list(world.PLANTED))
def test_a_project_states_every_fact_or_is_not_made(
    session: Session, people: dict[str, Actor], name: str
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    world.contracted(session, people, [parcel_id])
    facts = {key: value for key, value in world.PLANTED.items() if key != name}
    with pytest.raises(MethodInputInvalid, match=name):
        projects.create(
            session, people["clerk"], name="x", method_id="moso-aff/1",
            strata={parcel_id: "A"}, facts=facts,
        )  # fmt: skip


@pytest.mark.parametrize("name", list(world.QUIET_PERIOD))
def test_a_round_states_every_amount_or_is_not_opened(
    session: Session, people: dict[str, Actor], name: str
) -> None:
    story = world.planted(session, people, registered=False)
    world.young_plots(session, people, story.project_id, {2023: [0] * 6, 2025: COUNTS})
    facts = {key: value for key, value in world.QUIET_PERIOD.items() if key != name}
    with pytest.raises(MethodInputInvalid, match=name):
        openings.by_plots(
            session, people["clerk"], story.project_id, period_start=date(2023, 1, 1),
            period_end=date(2025, 1, 1), facts=facts,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"forest_category": "economic"}, "经济林"),
        ({"nonforest_years": 2.0}, "不符合森林定义"),
        ({"scattered_trees_removed": True}, "散生木"),
        ({"shrub_removal_share": 0.3}, "灌木"),
    ],
)
def test_a_project_that_states_what_the_method_excludes_is_not_made(
    session: Session, people: dict[str, Actor], facts: dict[str, object], rule: str
) -> None:
    with pytest.raises(Conflict) as refusal:
        world.planted(session, people, registered=False, **facts)
    assert refusal.value.code == "ineligible" and rule in refusal.value.message


def test_the_land_has_a_reviewed_class_and_was_no_wetland(
    session: Session, people: dict[str, Actor]
) -> None:
    story = world.planted(session, people, classed=None, registered=False)
    world.young_plots(session, people, story.project_id, {2023: [0] * 6, 2025: COUNTS})
    with pytest.raises(Conflict) as refusal, session.begin_nested():
        open_2023(session, people, story.project_id)
    assert refusal.value.code == "land_class_missing"
    world.land_class(session, people, story.parcel_ids[0], "0307")
    world.land_class(session, people, story.parcel_ids[1], "1108")
    with pytest.raises(Conflict) as refusal, session.begin_nested():
        open_2023(session, people, story.project_id)
    assert refusal.value.code == "ineligible" and "不得为湿地" in refusal.value.message


def test_a_statement_of_nothing_is_refused_where_the_records_tell_of_a_fire_or_of_fertiliser(
    session: Session, people: dict[str, Actor]
) -> None:
    story = world.planted(session, people, registered=False)
    world.young_plots(session, people, story.project_id, {2023: [0] * 6, 2025: COUNTS})
    activity_records.add(
        session, people["clerk"], parcel_id=story.parcel_ids[0], year=2024, kind="fire",
        values={"on": "2024-04-05", "note": "清明", "burnt_share": 0.1},
    )  # fmt: skip
    with pytest.raises(Conflict, match="林火") as refusal, session.begin_nested():
        open_2023(session, people, story.project_id)
    assert refusal.value.code == "unstated"
    fires = [{"area_ha": 1.6, "agb_t_ha": 4.0}]
    activity_records.add(
        session, people["clerk"], parcel_id=story.parcel_ids[0], year=2023, kind="tending",
        values={"on": "2023-03-05", "note": "春肥", "work": "fertilising"},
    )  # fmt: skip
    with pytest.raises(Conflict, match="施肥"), session.begin_nested():
        open_2023(session, people, story.project_id, fires=fires)
    row = open_2023(session, people, story.project_id, fires=fires, urea_t_project=0.2)
    # How much of a stand burns is the registrar's factor: without it nothing is issued.
    run = rounds.measure(session, people["clerk"], row.id)
    assert "FACTOR_MISSING" in {item["code"] for item in run.result["refusals"]}
    assert run.result["issuable_kg"] == 0


def test_plots_speak_for_their_own_dates_and_phase(
    session: Session, people: dict[str, Actor]
) -> None:
    story = world.planted(session, people, registered=False)
    world.young_plots(session, people, story.project_id, {2023: [0] * 6, 2025: COUNTS})
    # Visits on 5 January are no measurement of a period that begins in March.
    with pytest.raises((Conflict, MethodInputInvalid)), session.begin_nested():
        openings.by_plots(
            session, people["clerk"], story.project_id, period_start=date(2023, 3, 1),
            period_end=date(2025, 3, 1), facts=world.QUIET_PERIOD,
        )  # fmt: skip
    assert rounds.of_project(session, story.project_id) == []
    [plot, *_] = plots.of_project(session, story.project_id)
    plots.add_visit(
        session, people["clerk"], plot.id, measured_on=date(2025, 1, 2), phase="on",
        culms=world.culms_of_agb(9, 400),
    )  # fmt: skip
    with pytest.raises(Conflict) as refusal, session.begin_nested():
        open_2023(session, people, story.project_id)
    assert refusal.value.code == "phases"


def test_facts_are_the_planting_methods_alone_and_stated_anew_only_in_a_draft(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, baseline__forest="steady_state")
    story = world.planted(session, people, registered=False)
    project_id = story.project_id
    first = stated_facts.of_project(session, project_id)
    projects.restate(
        session, people["clerk"], project_id, {**world.PLANTED, "target_agb_t_ha": 30.0}
    )
    second = stated_facts.of_project(session, project_id)
    assert first and second and second.id > first.id and second.values["target_agb_t_ha"] == 30.0
    with pytest.raises(Conflict) as refusal:
        projects.publish(session, people["clerk"], project_id)
    assert refusal.value.code == "evidence_missing"
    with pytest.raises(NotPermitted):
        projects.add_evidence(session, people["officer"], project_id, name="x", content=b"x")
    projects.add_evidence(session, people["clerk"], project_id, name="x", content=b"x")
    projects.publish(session, people["clerk"], project_id)
    with pytest.raises(Conflict) as refusal:
        projects.restate(session, people["clerk"], project_id, world.PLANTED)
    assert refusal.value.code == "step"
    other = world.enrolled(session, people, world.land(0, 900, 300, 300), name="旧-1")
    world.contracted(session, people, [other])
    with pytest.raises(Invalid):
        projects.create(
            session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={other: "A"},
            facts=world.PLANTED,
        )  # fmt: skip
    with pytest.raises(Invalid):
        projects.create(
            session, people["clerk"], name="x", method_id="moso-aff/1", strata={other: "A"}
        )


def test_the_weakest_baseline_of_planting_is_a_decision_of_its_own(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    with pytest.raises(Conflict) as refusal:
        world.planted(session, people)
    assert refusal.value.code == "baseline"


def test_the_database_keeps_every_statement_as_it_was(
    session: Session, people: dict[str, Actor]
) -> None:
    story = world.planted(session, people, registered=False)
    world.young_plots(session, people, story.project_id, {2023: [0] * 6, 2025: COUNTS})
    open_2023(session, people, story.project_id)
    for statement in ("UPDATE project_facts SET values = '{}'", "DELETE FROM round_facts"):
        with (
            pytest.raises(sa.exc.DatabaseError, match=r"append-only|permission denied"),
            session.begin_nested(),
        ):
            session.execute(text(statement))


def test_a_bare_plot_measured_again_with_bamboo_on_it_is_a_finding(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    story = world.planted(session, people, registered=False)
    world.young_plots(session, people, story.project_id, {2023: [0] * 3})
    second_measurements.draw(session, people["verifier"], story.project_id)
    [line] = second_measurements.listing(session, story.project_id)
    with pytest.raises(Invalid):
        second_measurements.measure(
            session, people["verifier"], story.project_id, line.code,
            measured_on=date(2023, 2, 1), culms=[],
        )  # fmt: skip
    found = second_measurements.measure(
        session, people["verifier"], story.project_id, line.code, measured_on=date(2023, 2, 1),
        culms=world.culms_of_agb(9, 400),
    )  # fmt: skip
    assert found.first == 0.0 and found.difference_share == 1.0
    codes = {one.code for one in plot_findings.of_project(session, story.project_id)}
    assert "second_differs" in codes

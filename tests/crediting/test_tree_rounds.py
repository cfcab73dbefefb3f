"""Planted forest by plots: what is stated, what the crews found, and what it comes to."""

import math
from datetime import date

import pytest
from sqlalchemy.orm import Session

from methodologies import forest_aff_v1
from methodologies.base import MethodInputInvalid
from methodologies.plot_readings import Reading, StandVolume, TeaShoots, Trees
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid
from sinks.crediting import issuance, openings, projects, rounds, run_report
from sinks.measurement import runs
from tests import world

CONDITIONS = {
    name: world.PLANTED[name]
    for name in (
        "forest_category", "start_year", "nonforest_years", "scattered_trees_removed",
        "shrub_removal_share",
    )
}  # fmt: skip
NO_NUMBERS = dict.fromkeys(("wood_density_t_m3", "bef", "root_ratio", "carbon_fraction"))
FIR = {"id": "A", "route": "bef", "species": "chinese_fir", **NO_NUMBERS}
OAK = {"id": "B", "route": "stand_equation", "species": "oak", **NO_NUMBERS}
MIXED = {"id": "B", "route": "allometry", "species": None, **NO_NUMBERS}
# Whole fir, t CO2 a cubic metre: WD 0.307, BEF 1.634, R 0.246, CF 0.520 (AR-CM-001).
FIR_CO2_T_M3 = 0.307 * 1.634 * 1.246 * 0.520 * 44 / 12


def volumes(*pairs: tuple[float, float]) -> list[tuple[Reading, ...]]:
    return [(StandVolume(volume_m3_ha=a), StandVolume(volume_m3_ha=b)) for a, b in pairs]


def trees(count: int, dbh_cm: float) -> Trees:
    row = {"species": "枫香", "dbh_cm": dbh_cm, "wood_density_g_cm3": 0.45, "count": count}
    return Trees.model_validate({"trees": [row] if count else []})


def forest(
    session: Session,
    people: dict[str, Actor],
    *strata: dict[str, object],
    registered: bool = False,
) -> world.Farm:
    names = [str(row["id"]) for row in strata]
    return world.stated_project(
        session, people, "forest-aff/1", {**CONDITIONS, "strata": list(strata)},
        strata=(names[0], names[-1]), sink_type="other", registered=registered,
    )  # fmt: skip


def opened(
    session: Session, people: dict[str, Actor], project_id: int, **facts: object
) -> rounds.MonitoringRound:
    return world.open_2023(session, people, project_id, {**world.QUIET_PERIOD, **facts})


def test_planted_trees_go_from_two_surveys_to_issued_kilograms_through_four_people(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, baseline__forest="steady_state", unit_kg=1)
    story = forest(session, people, FIR, MIXED, registered=True)
    grown = [(trees(40, 8.0), trees(40, 10.5)), (trees(40, 8.0), trees(40, 10.5))]
    grown += [(trees(42, 8.0), trees(42, 10.5))]
    pairs = [(20.0, 40.0), (22.0, 42.5), (18.0, 37.5)]
    world.read_plots(session, people, story.project_id, {"A": volumes(*pairs), "B": grown})
    row = opened(session, people, story.project_id, leakage_co2e_t=1.0)
    run = rounds.measure(session, people["clerk"], row.id)
    result, steps = run.result, run.result["intermediate"]

    # By hand: fir gains 20 m3/ha; of the trees a plot of 600 m2 gains by AGB = 0.3 rho D^(7/3).
    fir, mixed = steps["strata"]
    assert fir["delta_co2_t_ha"] == pytest.approx(20.0 * FIR_CO2_T_M3, rel=1e-9)

    def stock(dbh_cm: float, count: int) -> float:
        agb = count * 0.3 * 0.45 * dbh_cm ** (7 / 3) / 1000 / 0.06
        bgb = math.exp(-1.085 + 0.9256 * math.log(agb))
        return (agb + bgb) * 0.47 * 44 / 12

    by_count = {count: stock(10.5, count) - stock(8.0, count) for count in (40, 42)}
    by_hand = (2 * by_count[40] + by_count[42]) / 3
    assert mixed["delta_co2_t_ha"] == pytest.approx(by_hand, rel=1e-4)
    areas = {one.stratum: one.area_ha for one in runs.parcels_of(session, run.id)}
    gross = fir["delta_co2_t_ha"] * areas["A"] + mixed["delta_co2_t_ha"] * areas["B"]
    assert result["gross_co2_t"] == pytest.approx(gross, rel=1e-12)
    assert result["net_co2_t"] == pytest.approx(
        gross * (1 - result["deduction_share"]) - 1.0, rel=1e-9
    )
    assert result["refusals"] == []

    # The method alone, on what the round has kept, gives the same.
    given = {name: part for name, part in run.input.items() if name != "parcels"}
    assert forest_aff_v1.run(given)["issuable_kg"] == result["issuable_kg"]
    # Each stratum has the part of the whole that it has grown.
    shared = {one.stratum: one.co2_t for one in runs.parcels_of(session, run.id)}
    assert shared["A"] / shared["B"] == pytest.approx(
        fir["delta_co2_t_ha"] * areas["A"] / (mixed["delta_co2_t_ha"] * areas["B"])
    )
    assert sum(shared.values()) == pytest.approx(result["net_co2_t"])

    rounds.add_evidence(session, people["clerk"], row.id, name="记录.pdf", content=b"x")
    world.recorded(session, people, row.id, "湖林碳备〔2026〕8号")
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    kilograms = [one.issuable_kg for one in runs.parcels_of(session, run.id)]
    assert sum(kilograms) == result["issuable_kg"]
    assert issued.holders_kg == result["issuable_kg"] and issued.withheld_kg == 0
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result
    html = run_report.report(session, people["registrar"], row.id, None, "html").decode()
    assert "chinese_fir" in html or "杉木" in html


def test_trees_that_were_not_there_at_the_start_are_all_growth(
    session: Session, people: dict[str, Actor]
) -> None:
    story = forest(session, people, {**MIXED, "id": "A"})
    pairs = [(trees(0, 0.0), trees(count, 6.0)) for count in (50, 52, 54)]
    world.read_plots(session, people, story.project_id, {"A": pairs})
    run = rounds.measure(session, people["clerk"], opened(session, people, story.project_id).id)
    rows = run.result["intermediate"]["plots"]
    assert [row["co2_t_ha_start"] for row in rows] == [0.0, 0.0, 0.0]
    assert all(row["co2_t_ha_end"] > 0 for row in rows)


def test_a_stratum_with_its_own_numbers_is_reckoned_by_them(
    session: Session, people: dict[str, Actor]
) -> None:
    own = {**FIR, "species": None, "wood_density_t_m3": 0.4, "bef": 1.5, "root_ratio": 0.2,
           "carbon_fraction": 0.5}  # fmt: skip
    story = forest(session, people, own)
    pairs = volumes((20.0, 40.0), (22.0, 42.0), (18.0, 38.0))
    world.read_plots(session, people, story.project_id, {"A": pairs})
    run = rounds.measure(session, people["clerk"], opened(session, people, story.project_id).id)
    [row] = run.result["intermediate"]["strata"]
    assert row["delta_co2_t_ha"] == pytest.approx(20 * 0.4 * 1.5 * 1.2 * 0.5 * 44 / 12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"route": "stand_equation", "species": None}, "林分类型"),
        ({"route": "bef", "species": None}, "木材密度"),
        ({"species": "bamboo"}, "参数表中没有"),
        ({"route": "allometry"}, "此处不填"),
        ({"route": "stand_equation", "species": "oak", "root_ratio": 0.3}, "根茎比"),
    ],
)
def test_a_route_that_cannot_be_reckoned_is_refused_when_the_project_is_made(
    session: Session, people: dict[str, Actor], change: dict[str, object], words: str
) -> None:
    with pytest.raises(MethodInputInvalid, match=words):
        forest(session, people, {**FIR, **change})


def test_the_statement_speaks_of_every_stratum_and_of_no_other(
    session: Session, people: dict[str, Actor]
) -> None:
    with pytest.raises(Conflict) as refusal:
        world.stated_project(
            session, people, "forest-aff/1", {**CONDITIONS, "strata": [FIR]}, strata=("A", "B"),
            sink_type="other", registered=False,
        )  # fmt: skip
    assert refusal.value.code == "strata" and "A、B" in str(refusal.value)


def test_plots_that_were_read_otherwise_than_the_route_asks_are_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    story = forest(session, people, FIR)
    pairs = [(trees(40, 8.0), trees(40, 9.0))] * 3
    world.read_plots(session, people, story.project_id, {"A": pairs})
    with pytest.raises(MethodInputInvalid, match="测法不符"):
        opened(session, people, story.project_id)


@pytest.mark.parametrize("method_id", ["forest-aff/1", "moso-aff/1"])
def test_what_was_read_on_another_land_is_no_plot_of_the_method(
    session: Session, people: dict[str, Actor], method_id: str
) -> None:
    """Trees taken for no culms would be a bare plot, and tea a forest without trees."""
    if method_id == "forest-aff/1":
        story, read = forest(session, people, FIR), TeaShoots(agb_t_ha=12.0, above_plane_share=0.2)
    else:
        story, read = world.planted(session, people, registered=False), trees(9, 8.0)
    with pytest.raises(Conflict, match="不能登记"):
        world.read_plots(session, people, story.project_id, {"A": [(read, read)]})


def test_maps_made_for_forests_do_not_measure_a_method_that_reads_none(
    session: Session, people: dict[str, Actor]
) -> None:
    story = forest(session, people, FIR)
    with pytest.raises(Invalid) as refusal:
        openings.by_layers(
            session, people["clerk"], story.project_id, layer_start_id=1, layer_end_id=2,
            facts=world.QUIET_PERIOD,
        )  # fmt: skip
    assert refusal.value.code == "method"


def test_a_loss_is_carried_and_a_second_round_pays_it(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, baseline__forest="steady_state", unit_kg=1)
    story = forest(session, people, FIR)
    falling = [tuple(StandVolume(volume_m3_ha=v + n) for v in (40.0, 30.0, 60.0)) for n in range(3)]
    world.read_plots(
        session, people, story.project_id, {"A": falling}, years=(2021, 2023, 2025)
    )  # fmt: skip
    first = openings.by_plots(
        session, people["clerk"], story.project_id, period_start=date(2021, 1, 1),
        period_end=date(2023, 1, 1), facts=world.QUIET_PERIOD,
    )  # fmt: skip
    one = rounds.measure(session, people["clerk"], first.id)
    second = opened(session, people, story.project_id)
    two = rounds.measure(session, people["clerk"], second.id)
    assert one.result["net_co2_t"] < 0 and one.result["issuable_kg"] == 0
    debit_kg = one.result["intermediate"]["debit_carried_forward_kg"]
    assert two.input["policy"]["carried_debit_kg"] == debit_kg > 0
    assert two.result["net_co2_t"] == pytest.approx(
        two.result["intermediate"]["net_before_debit_co2_t"] - debit_kg / 1000
    )


def test_without_the_registrars_decision_on_the_baseline_a_project_is_not_published(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, baseline__forest="control_plots")
    story = forest(session, people, FIR)
    projects.add_evidence(
        session, people["clerk"], story.project_id, name="作业设计.pdf", content=b"x"
    )
    with pytest.raises(Conflict) as refusal:
        projects.publish(session, people["clerk"], story.project_id)
    assert refusal.value.code == "baseline"

"""Tea gardens by plots: the frame below the pruning plane and the roots, less what was cut."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from methodologies import tea_perennial_v1
from methodologies.base import MethodInputInvalid
from methodologies.plot_readings import Reading, TeaShoots
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.crediting import issuance, openings, rounds
from sinks.measurement import activity_records, runs
from tests import world

QUIET: dict[str, object] = {"prunings": [], "cleared_area_ha": 0.0, "cleared_c_t_ha": 0.0}
HEAVY = {"day": "2024-05-20", "kind": "heavy", "area_ha": 2.0, "agb_removed_t_ha": 4.0,
         "seen_by_plots": False}  # fmt: skip


def shoots(*pairs: tuple[float, float]) -> list[tuple[Reading, ...]]:
    return [
        tuple(TeaShoots(agb_t_ha=agb, above_plane_share=0.25) for agb in pair) for pair in pairs
    ]


PAIRS = shoots((12.0, 14.0), (12.2, 14.3), (11.8, 13.8), (12.1, 14.2))


def garden(
    session: Session,
    people: dict[str, Actor],
    planted_year: int = 2013,
    *,
    registered: bool = False,
) -> world.Farm:
    return world.stated_project(
        session, people, "tea-perennial/1",
        {"strata": [{"id": "A", "planted_year": planted_year}]}, sink_type="tea", classed=None,
        registered=registered,
    )  # fmt: skip


def opened(
    session: Session, people: dict[str, Actor], project_id: int, **facts: object
) -> rounds.MonitoringRound:
    return world.open_2023(session, people, project_id, {**QUIET, **facts})


def test_a_garden_goes_from_two_surveys_to_issued_kilograms_through_four_people(
    session: Session, people: dict[str, Actor]
) -> None:
    # A garden of 15 years and more may stand at a baseline of nought.
    world.policies_in_force(session, people, baseline__tea="steady_state", unit_kg=1)
    story = garden(session, people, 2008, registered=True)
    world.read_plots(session, people, story.project_id, {"A": PAIRS})
    row = opened(session, people, story.project_id, prunings=[HEAVY])
    run = rounds.measure(session, people["clerk"], row.id)
    result = run.result
    [stratum] = run.input["strata"]
    assert (stratum["age_years_start"], stratum["age_years_end"]) == (15, 17)
    assert run.input["baseline_basis"] == "mature_zero"
    # By hand: frame 75 % of the shoots and the roots of the mature equation, x CF x 44/12.
    steps = result["intermediate"]["plots"][0]
    for when, agb in (("start", 12.0), ("end", 14.0)):
        assert steps[when]["frame_t_ha"] == pytest.approx(0.75 * agb)
    change = (
        steps["end"]["frame_t_ha"] + steps["end"]["bgb_t_ha"]
        - steps["start"]["frame_t_ha"] - steps["start"]["bgb_t_ha"]
    )  # fmt: skip
    assert steps["co2_t_ha_end"] - steps["co2_t_ha_start"] == pytest.approx(change * 0.47 * 44 / 12)
    loss = 2.0 * 4.0 * 0.47 * 44 / 12
    assert result["net_co2_t"] == pytest.approx(
        result["gross_co2_t"] * (1 - result["deduction_share"]) - loss
    )
    given = {name: part for name, part in run.input.items() if name != "parcels"}
    assert tea_perennial_v1.run(given)["issuable_kg"] == result["issuable_kg"] > 0

    with pytest.raises(Conflict) as refusal:
        rounds.publish(session, people["clerk"], row.id)
    assert refusal.value.code == "evidence_missing"
    rounds.add_evidence(session, people["clerk"], row.id, name="修剪记录.pdf", content=b"x")
    world.recorded(session, people, row.id, "湖茶碳备〔2026〕8号")
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    kilograms = [one.issuable_kg for one in runs.parcels_of(session, run.id)]
    assert issued.holders_kg == sum(kilograms) == result["issuable_kg"]
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result


def test_a_young_garden_without_controls_is_measured_and_not_issued(
    session: Session, people: dict[str, Actor]
) -> None:
    story = garden(session, people, 2013)
    world.read_plots(session, people, story.project_id, {"A": PAIRS})
    run = rounds.measure(session, people["clerk"], opened(session, people, story.project_id).id)
    assert "BASELINE_NOT_ZERO" in {row["code"] for row in run.result["refusals"]}


def test_growth_past_the_greatest_age_is_not_counted(
    session: Session, people: dict[str, Actor]
) -> None:
    story = garden(session, people, 1999)
    world.read_plots(session, people, story.project_id, {"A": PAIRS})
    run = rounds.measure(session, people["clerk"], opened(session, people, story.project_id).id)
    # Of the two years from 24 to 26 one is before the 25th.
    assert [row["counted_share_of_gain"] for row in run.result["intermediate"]["plots"]] == [
        0.5
    ] * 4


def test_land_cleared_for_a_garden_takes_what_stood_on_it(
    session: Session, people: dict[str, Actor]
) -> None:
    story = garden(session, people, 2008)
    world.read_plots(session, people, story.project_id, {"A": PAIRS})
    row = opened(session, people, story.project_id, cleared_area_ha=3.0, cleared_c_t_ha=20.0)
    result = rounds.measure(session, people["clerk"], row.id).result
    [lost] = [part for part in result["components"] if part["pool"] == "conversion"]
    assert lost["co2e_t"] == pytest.approx(-3.0 * 20.0 * 44 / 12)


def test_a_garden_planted_within_the_period_has_no_age_at_its_start(
    session: Session, people: dict[str, Actor]
) -> None:
    story = garden(session, people, 2024)
    world.read_plots(session, people, story.project_id, {"A": PAIRS})
    with pytest.raises(MethodInputInvalid, match="2024 年才种植"):
        opened(session, people, story.project_id)


def test_pruning_on_record_that_is_not_stated_is_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    story = garden(session, people, 2008)
    world.read_plots(session, people, story.project_id, {"A": PAIRS})
    activity_records.add(
        session, people["clerk"], parcel_id=story.parcel_ids[0], year=2024, kind="tending",
        values={"on": "2024-05-20", "note": "重修剪", "work": "pruning"},
    )  # fmt: skip
    with pytest.raises(Conflict) as refusal, session.begin_nested():
        opened(session, people, story.project_id)
    assert refusal.value.code == "unstated" and "修剪" in str(refusal.value)
    opened(session, people, story.project_id, prunings=[HEAVY])


@pytest.mark.parametrize("name", list(QUIET))
def test_a_round_states_every_field(session: Session, people: dict[str, Actor], name: str) -> None:
    story = garden(session, people, 2008)
    world.read_plots(session, people, story.project_id, {"A": PAIRS})
    facts = {key: value for key, value in QUIET.items() if key != name}
    with pytest.raises(MethodInputInvalid, match=name):
        openings.by_plots(
            session, people["clerk"], story.project_id, period_start=date(2023, 1, 1),
            period_end=date(2025, 1, 1), facts=facts,
        )  # fmt: skip

"""Monitoring rounds: notices that have to run out, findings, and people who may not do two things."""

import math
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core import people as book
from sinks.core import policies, workdays
from sinks.core.actor import Actor, Role
from sinks.core.db import today
from sinks.core.errors import Conflict, NotPermitted
from sinks.core.workdays import DayKind
from sinks.crediting import issuance, openings, projects, rounds, verification
from sinks.measurement import layers, plots, runs
from tests import world


def calendar(session: Session, people: dict[str, Actor]) -> None:
    """This year and the next have a calendar, with one day off each."""
    year = today(session).year
    days = {date(one, 1, 1): DayKind.REST for one in (year, year + 1)}
    workdays.load(session, people["registrar"], days, "测试")


def test_seven_days_of_notice_refuse_verification_until_they_are_over(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    calendar(session, people)
    world.policies_in_force(session, people, notice_days__round=7)
    story = world.measured_round(session, people, tmp_path)
    row = rounds.publish(session, people["clerk"], story.round_id)
    assert row.notice_ends_on is not None and (row.notice_ends_on - today(session)).days >= 8
    with pytest.raises(Conflict) as refusal:
        verification.begin(session, people["verifier"], story.round_id)
    assert refusal.value.code == "notice_running"
    assert str(row.notice_ends_on) in refusal.value.message


def test_a_project_waits_for_its_notice_too(session: Session, people: dict[str, Actor]) -> None:
    calendar(session, people)
    world.policies_in_force(session, people, notice_days__project=7)
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [parcel_id])
    project = projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
    )
    projects.publish(session, people["clerk"], project.id)
    with pytest.raises(Conflict) as refusal:
        projects.validate(session, people["verifier"], project.id, "同意")
    assert refusal.value.code == "notice_running"


def test_without_a_calendar_seven_working_days_are_not_guessed(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people, notice_days__round=7)
    story = world.measured_round(session, people, tmp_path)
    with pytest.raises(Conflict) as refusal:
        rounds.publish(session, people["clerk"], story.round_id)
    assert refusal.value.code == "calendar_missing"


def test_a_finding_goes_back_to_the_owner_and_verification_waits_for_the_answer(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    rounds.publish(session, people["clerk"], story.round_id)
    verification.begin(session, people["verifier"], story.round_id)
    finding = verification.raise_finding(
        session, people["verifier"], story.round_id, field="plots", words="P03 位置不符"
    )
    with pytest.raises(Conflict):
        verification.verify(session, people["verifier"], story.round_id, "通过")
    # The owner may measure again during findings; both runs are kept.
    rounds.measure(session, people["clerk"], story.round_id)
    assert len(runs.of_round(session, story.round_id)) == 2
    with pytest.raises(NotPermitted):
        verification.answer_finding(session, people["verifier"], finding.id, "自答")
    verification.answer_finding(session, people["clerk"], finding.id, "已更正")
    assert (
        verification.verify(session, people["verifier"], story.round_id, "通过").status
        == "verified"
    )


def test_the_database_itself_refuses_one_person_for_two_steps(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    statement = text("UPDATE monitoring_round SET issued_by_id = recorded_by_id WHERE id = :id")
    with pytest.raises(sa.exc.IntegrityError, match="four_people"), session.begin_nested():
        session.execute(statement, {"id": story.round_id})
    with pytest.raises(sa.exc.IntegrityError, match="decided step"), session.begin_nested():
        session.execute(
            text("UPDATE monitoring_round SET verified_by_id = :person WHERE id = :id"),
            {"person": people["auditor"].person_id, "id": story.round_id},
        )


def test_the_database_itself_refuses_a_verifier_of_the_owners_own_house(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    rounds.publish(session, people["clerk"], story.round_id)
    with pytest.raises(sa.exc.IntegrityError, match="not independent"), session.begin_nested():
        session.execute(
            text("UPDATE monitoring_round SET verified_by_id = :person WHERE id = :id"),
            {"person": people["clerk2"].person_id, "id": story.round_id},
        )


def test_a_verifier_under_common_control_is_refused_in_words(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    rounds.publish(session, people["clerk"], story.round_id)
    session.get_one(book.Party, people["verifier"].party_id).controlled_by_id = people[
        "clerk"
    ].party_id
    session.flush()
    with pytest.raises(NotPermitted) as refusal:
        verification.begin(session, people["verifier"], story.round_id)
    assert refusal.value.code == "not_independent"


def test_a_run_on_suggestions_is_kept_and_never_published(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    [run] = runs.of_round(session, story.round_id)
    assert not run.policies_in_force and run.result["issuable_kg"] > 0
    world.policies_in_force(session, people)
    with pytest.raises(Conflict) as refusal:
        rounds.publish(session, people["clerk"], story.round_id)
    assert refusal.value.code == "remeasure"


def test_a_policy_changed_after_measuring_stops_the_issuance(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    row = policies.propose(
        session, people["registrar"], key="buffer_share.moso-mgmt", value=0.2, legal_basis="x"
    )
    policies.approve(session, people["registrar2"], row.id, valid_from=today(session))
    with pytest.raises(Conflict) as refusal:
        issuance.issue(session, people["registrar"], story.round_id, contract_of={})
    assert refusal.value.code == "remeasure"
    assert rounds.get(session, story.round_id).status == "recorded"


def test_plots_measured_after_opening_do_not_change_the_round(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    [plot, *_] = plots.of_project(session, story.project_id)
    plots.add_visit(
        session, people["clerk"], plot.id, measured_on=date(2025, 1, 1), phase="on",
        culms=world.culms_of_agb(200, 400),
    )  # fmt: skip
    again = rounds.remeasure(session, story.round_id)
    assert again.same_input and again.same_result


def test_a_raster_alone_earns_nothing_on_one_parcel_and_says_why(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    world.contracted(session, people, [parcel_id])
    project_id = world.registered_project(session, people, [parcel_id])
    found = world.two_layers(session, people, tmp_path)
    row = openings.by_layers(
        session, people["clerk"], project_id, layer_start_id=found.start_id,
        layer_end_id=found.end_id, facts=world.MANAGED,
    )  # fmt: skip
    result = rounds.measure(session, people["clerk"], row.id).result
    assert result["gross_co2_t"] > 100 and result["issuable_kg"] == 0
    assert "RASTER_ONLY" in {item["code"] for item in result["warnings"]}


def test_two_rounds_of_one_project_do_not_share_days(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    row = rounds.get(session, story.round_id)
    with pytest.raises(Conflict) as refusal:
        openings.by_layers(
            session, people["clerk"], story.project_id, layer_start_id=row.layer_start_id,
            layer_end_id=row.layer_end_id, facts=world.MANAGED,
        )  # fmt: skip
    assert refusal.value.code == "period"


def test_a_vintage_is_the_year_of_removal_by_days() -> None:
    shares = issuance.shares_of(issuance.vintages(date(2022, 12, 1), date(2024, 12, 1)))
    assert {year: share * 731 for year, share in shares.items()} == {2022: 31, 2023: 365, 2024: 335}
    assert issuance._split(100, shares) == {2022: 4, 2023: 50, 2024: 46}


def test_the_auditor_writes_nothing(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    assert people["auditor"].roles == {Role.AUDITOR}
    for step in (rounds.publish, rounds.measure, verification.begin):
        with pytest.raises(NotPermitted):
            step(session, people["auditor"], story.round_id)


def test_plots_visited_years_away_from_the_layers_do_not_count(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    near = plots.sample(session, story.project_id, date(2023, 1, 1), date(2025, 1, 1), days_max=183)
    far = plots.sample(session, story.project_id, date(1999, 1, 1), date(2025, 1, 1), days_max=183)
    assert (len(near), len(far)) == (30, 0)


def test_anothers_project_takes_no_plots(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    other = Actor(
        people["verifier"].person_id,
        "x",
        people["verifier"].party_id,
        "x",
        frozenset({"cooperative"}),
    )
    with pytest.raises(NotPermitted):
        plots.add_plot(
            session, other, project_id=story.project_id, stratum="A", code="EVIL",
            longitude=119.6, latitude=30.6, area_m2=400,
        )  # fmt: skip


def test_a_statement_on_a_run_that_was_replaced_is_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    rounds.publish(session, people["clerk"], story.round_id)
    verification.begin(session, people["verifier"], story.round_id)
    run_id = rounds.get(session, story.round_id).run_id or 0
    with pytest.raises(Conflict) as refusal:
        verification.verify(session, people["verifier"], story.round_id, "通过", run_id=run_id + 1)
    assert refusal.value.code == "measured_again"


def test_what_an_earlier_round_lost_is_taken_from_the_next(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path, term_from=date(2021, 1, 1))
    before = rounds.run_of(session, rounds.get(session, story.round_id))
    assert before.input["policy"]["carried_debit_kg"] == 0
    earlier = layers.add(
        session, people["officer"], world.biomass(tmp_path / "2021.tif", 63.0, seed=3),
        stderr_path=world.biomass(tmp_path / "se.tif", 9.0, seed=4, noise=0.5),
        name="地上生物量 2021", variable="agb", unit="Mg/ha", epoch=date(2021, 1, 1), phase="on",
        licence="CC0", source="测试合成",
    )  # fmt: skip
    for plot in plots.of_project(session, story.project_id):
        plots.add_visit(
            session, people["clerk"], plot.id, measured_on=date(2021, 1, 5), phase="on",
            culms=world.culms_of_agb(63.0, 400),
        )  # fmt: skip
    row = rounds.get(session, story.round_id)
    lost = openings.by_layers(
        session, people["clerk"], story.project_id,
        layer_start_id=earlier.id, layer_end_id=row.layer_start_id or 0, facts=world.MANAGED,
    )  # fmt: skip
    loss = rounds.measure(session, people["clerk"], lost.id).result
    debit_kg = loss["intermediate"]["debit_carried_forward_kg"]
    assert loss["issuable_kg"] == 0 and debit_kg == -math.floor(1000 * loss["net_co2_t"]) > 0

    with pytest.raises(Conflict) as refusal, session.begin_nested():
        rounds.publish(session, people["clerk"], story.round_id)
    assert refusal.value.code == "remeasure"
    run = rounds.measure(session, people["clerk"], story.round_id)
    assert run.input["policy"]["carried_debit_kg"] == debit_kg
    assert run.result["net_co2_t"] == pytest.approx(before.result["net_co2_t"] - debit_kg / 1000)
    for stored in (before, run):  # Each with the debit that it was measured with.
        again = rounds.remeasure(session, story.round_id, stored.id)
        assert again.same_input and again.same_result

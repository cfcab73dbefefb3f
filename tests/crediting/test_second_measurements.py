"""Second measurements: drawn by the registry, blind, saved once, and told where they differ."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party
from sinks.crediting import (
    openings,
    plot_findings,
    projects,
    rounds,
    run_report,
    sample_designs,
    second_measurements,
    verification,
)
from sinks.measurement import plots
from sinks.measurement.plots import CulmCount
from tests import world


def culms(count: int, age_years: int | None = None) -> list[CulmCount]:
    """So many culms of 10 cm: 13.8191 kg each at 2 du (2 or 3 years)."""
    return [CulmCount(Decimal("10.0"), count, None if age_years else 2, age_years)]


def codes(session: Session, project_id: int) -> list[str]:
    return [one.code for one in plot_findings.of_project(session, project_id)]


@pytest.fixture
def project_id(session: Session, people: dict[str, Actor]) -> int:
    """Eleven plots of 400 m2 with 100 culms of 2 du each, visited once."""
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    world.contracted(session, people, [parcel_id])
    project_id = projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
    ).id
    for number in range(11):
        longitude, latitude = world.TO_4490.transform(
            world.EAST_M + 30 + 30 * number, world.NORTH_M + 50
        )
        plot = plots.add_plot(
            session, people["clerk"], project_id=project_id, stratum="A", code=f"P{number:02d}",
            longitude=longitude, latitude=latitude, area_m2=400,
        )  # fmt: skip
        plots.add_visit(
            session, people["clerk"], plot.id, measured_on=date(2025, 1, 5), phase="on",
            culms=culms(100),
        )  # fmt: skip
    return project_id


def measured(
    session: Session, actor: Actor, project_id: int, code: str, found: list[CulmCount]
) -> second_measurements.SecondLine:
    return second_measurements.measure(
        session, actor, project_id, code, measured_on=date(2025, 2, 1), culms=found
    )


def test_a_tenth_of_eleven_plots_are_two_and_the_draw_comes_out_again(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    row = second_measurements.draw(session, people["verifier"], project_id)
    lines = second_measurements.listing(session, project_id)
    assert len(lines) == 2 and len({line.code for line in lines}) == 2
    assert second_measurements.redrawn(session, row.id)
    assert all(line.first is None and line.first_on is None for line in lines)
    with pytest.raises(Conflict) as refusal:
        second_measurements.draw(session, people["verifier"], project_id)
    assert refusal.value.code == "draw_stands"


def test_all_plots_are_drawn_where_the_policy_says_all(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    world.policies_in_force(session, people, remeasure_share=1.0)
    second_measurements.draw(session, people["verifier"], project_id)
    assert len(second_measurements.listing(session, project_id)) == 11


def test_a_verifier_sees_nothing_of_the_first_before_the_second_is_saved(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    verifier = people["verifier"]
    assert second_measurements.blind(session, verifier, project_id)
    for name in ("clerk", "officer", "auditor", "registrar"):
        assert not second_measurements.blind(session, people[name], project_id)
    second_measurements.draw(session, verifier, project_id)
    first, second = (one.code for one in second_measurements.listing(session, project_id))
    line = measured(session, verifier, project_id, first, culms(100))
    assert line.first == pytest.approx(100 * 13.8191 / 1000 / 0.04, rel=1e-5)
    assert line.difference_share == 0.0
    assert second_measurements.blind(session, verifier, project_id)
    with pytest.raises(Conflict) as refusal:
        second_measurements.refuse_blind(session, verifier, project_id)
    assert refusal.value.code == "blind"
    measured(session, verifier, project_id, second, culms(100))
    assert not second_measurements.blind(session, verifier, project_id)


def test_a_difference_beyond_the_tolerance_is_a_finding_with_both_numbers(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    world.policies_in_force(session, people, remeasure_tolerance_share=0.10)
    second_measurements.draw(session, people["verifier"], project_id)
    assert "second_missing" in codes(session, project_id)
    first, second = (one.code for one in second_measurements.listing(session, project_id))
    # 10 % more is within; the ages are given in years and make the same du.
    measured(session, people["verifier"], project_id, first, culms(110, age_years=3))
    measured(session, people["verifier"], project_id, second, culms(88))
    found = [
        one for one in plot_findings.of_project(session, project_id)
        if one.code.startswith("second")
    ]  # fmt: skip
    assert [(one.code, one.plots) for one in found] == [("second_differs", (second,))]
    for part in ("34.55 吨/公顷", "30.40 吨/公顷", "-12.0%", "政策的 10%"):
        assert part in found[0].message, found[0].message


def test_a_correction_afterwards_does_not_make_the_difference_vanish(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    second_measurements.draw(session, people["verifier"], project_id)
    first, second = second_measurements.listing(session, project_id)
    for line in (first, second):
        measured(session, people["verifier"], project_id, line.code, culms(50))
    plots.add_visit(
        session, people["clerk"], first.plot_id, measured_on=date(2025, 1, 5), phase="on",
        culms=culms(50),
    )  # fmt: skip
    assert codes(session, project_id).count("second_differs") == 2
    # The correction is of a visit that has been through: it blinds nobody again.
    assert not second_measurements.blind(session, people["verifier"], project_id)
    with pytest.raises(Conflict) as refusal:
        second_measurements.draw(session, people["verifier"], project_id)
    assert refusal.value.code == "no_new_visits"


def test_a_later_visit_asks_for_a_further_draw(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    verifier = people["verifier"]
    second_measurements.draw(session, verifier, project_id)
    for line in second_measurements.listing(session, project_id):
        measured(session, verifier, project_id, line.code, culms(100))
    plot = plots.of_project(session, project_id)[0]
    plots.add_visit(
        session, people["clerk"], plot.id, measured_on=date(2026, 1, 5), phase="on",
        culms=culms(120),
    )  # fmt: skip
    assert second_measurements.blind(session, verifier, project_id)
    assert second_measurements.draw(session, verifier, project_id).number == 2


def test_a_second_measurement_is_saved_once_and_of_drawn_plots_alone(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    verifier = people["verifier"]
    second_measurements.draw(session, verifier, project_id)
    drawn = {one.code for one in second_measurements.listing(session, project_id)}
    other = next(f"P{n:02d}" for n in range(11) if f"P{n:02d}" not in drawn)
    with pytest.raises(NotFound):
        measured(session, verifier, project_id, other, culms(100))
    code = min(drawn)
    for wrong in ([], [CulmCount(Decimal("10.0"), 4)], [CulmCount(Decimal("1.0"), 4, 2)]):
        with pytest.raises(Invalid):
            measured(session, verifier, project_id, code, wrong)
    measured(session, verifier, project_id, code, culms(100))
    with pytest.raises(Conflict) as refusal:
        measured(session, verifier, project_id, code, culms(101))
    assert refusal.value.code == "measured_already"
    with pytest.raises(Invalid) as future:
        second_measurements.measure(
            session, verifier, project_id, max(drawn), measured_on=date(2999, 1, 1),
            culms=culms(1),
        )  # fmt: skip
    assert future.value.code == "future" and today(session) < date(2999, 1, 1)


def test_the_owners_house_and_who_is_no_verifier_measure_nothing_a_second_time(
    session: Session, people: dict[str, Actor], project_id: int
) -> None:
    for name in ("clerk", "officer", "registrar"):
        with pytest.raises(NotPermitted):
            second_measurements.draw(session, people[name], project_id)
    verifier = session.get_one(Party, people["verifier"].party_id)
    verifier.controlled_by_id = people["clerk"].party_id
    session.flush()
    with pytest.raises(NotPermitted) as refusal:
        second_measurements.draw(session, people["verifier"], project_id)
    assert refusal.value.code == "not_independent"


def test_a_project_without_visits_has_nothing_to_measure_again(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [parcel_id])
    empty = projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
    ).id
    assert not second_measurements.blind(session, people["verifier"], empty)
    with pytest.raises(Conflict) as refusal:
        second_measurements.draw(session, people["verifier"], empty)
    assert refusal.value.code == "no_visits"


def test_the_report_of_a_run_waits_until_the_verifier_has_measured(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    with pytest.raises(Conflict) as refusal:
        run_report.report(session, people["verifier"], story.round_id)
    assert refusal.value.code == "blind"
    assert run_report.report(session, people["clerk"], story.round_id).startswith(b"%PDF")
    rounds.publish(session, people["clerk"], story.round_id)
    verification.begin(session, people["verifier"], story.round_id)
    verification.verify(session, people["verifier"], story.round_id, "核证通过")
    # What is verified is verified: nothing of it is hidden any more.
    assert run_report.report(session, people["verifier"], story.round_id).startswith(b"%PDF")


def drawn_round(session: Session, people: dict[str, Actor], folder: Path) -> world.Story:
    """A round under verification whose ten plots the registry has drawn, visited at both dates."""
    world.policies_in_force(session, people)
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    contract_id = world.contracted(session, people, [parcel_id])
    project_id = world.registered_project(session, people, [parcel_id])
    design = sample_designs.draw(
        session, people["clerk"], project_id, kind=sample_designs.Kind.RANDOM, plot_area_m2=400,
        numbers=sample_designs.stated({"A": 10}),
    )  # fmt: skip
    for number, point in enumerate(sample_designs.points(session, design.id)):
        plot = plots.add_plot(
            session, people["clerk"], project_id=project_id, stratum="A", code=point.code,
            longitude=point.longitude, latitude=point.latitude, area_m2=400,
        )  # fmt: skip
        for day, count in ((date(2023, 1, 5), 160), (date(2025, 1, 5), 183 + number % 2)):
            plots.add_visit(
                session, people["clerk"], plot.id, measured_on=day, phase="on", culms=culms(count)
            )
    found = world.two_layers(session, people, folder)
    row = openings.by_layers(
        session, people["clerk"], project_id, layer_start_id=found.start_id,
        layer_end_id=found.end_id, facts=world.MANAGED,
    )  # fmt: skip
    rounds.measure(session, people["clerk"], row.id)
    rounds.add_evidence(session, people["clerk"], row.id, name="记录.pdf", content=b"x")
    rounds.publish(session, people["clerk"], row.id)
    verification.begin(session, people["verifier"], row.id)
    return world.Story(project_id, row.id, [parcel_id], contract_id)


def test_a_round_of_a_drawn_sample_is_not_verified_before_its_second_measurements(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = drawn_round(session, people, tmp_path)
    verifier = people["verifier"]

    def refused() -> str:
        with pytest.raises(Conflict) as refusal:
            verification.verify(session, verifier, story.round_id, "核证通过")
        assert refusal.value.code == "second_missing"
        return refusal.value.message

    every = [plot.code for plot in plots.of_project(session, story.project_id)]
    said = refused()
    assert "10 个样地" in said and all(code in said for code in every)
    second_measurements.draw(session, verifier, story.project_id)
    [line] = second_measurements.listing(session, story.project_id)
    said = refused()
    assert line.code in said and not any(code in said for code in every if code != line.code)
    assert rounds.get(session, story.round_id).status == "under_verification"
    measured(session, verifier, story.project_id, line.code, culms(183))
    # A visit for the next round asks for a draw of its own, and does not hold this round up.
    plots.add_visit(
        session, people["clerk"], line.plot_id, measured_on=date(2026, 1, 5), phase="on",
        culms=culms(190),
    )  # fmt: skip
    row = verification.verify(session, verifier, story.round_id, "核证通过")
    assert row.status == "verified"

"""Second measurements of trees, of stand volume and of tea: of the kind of the first, with units."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from methodologies.plot_readings import Reading, StandVolume, TeaShoots, TreeGroup, Trees
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.crediting import plot_findings, second_measurements
from sinks.measurement import plots
from sinks.measurement.plots import CulmCount
from tests import world


def trees(count: int) -> Trees:
    """So many of 20 cm and 0.5 g/cm3: 0.3 x 0.5 x 20^(7/3) = 162.87 kg each."""
    if not count:
        return Trees(trees=[])
    return Trees(
        trees=[TreeGroup(species="木荷", dbh_cm=20.0, wood_density_g_cm3=0.5, count=count)]
    )


def drawn(
    session: Session, people: dict[str, Actor], method_id: str, reading: Reading,
    slope_deg: float = 0.0,
) -> int:  # fmt: skip
    """A project with one plot of 400 m2, read once and drawn to be read again."""
    project_id = world.read_project(session, people, method_id)
    longitude, latitude = world.place(0)
    plot = plots.add_plot(
        session, people["clerk"], project_id=project_id, stratum="A", code="P0",
        longitude=longitude, latitude=latitude, area_m2=400, slope_deg=slope_deg,
    )  # fmt: skip
    plots.add_reading(
        session, people["clerk"], plot.id, measured_on=date(2024, 3, 1), reading=reading
    )
    second_measurements.draw(session, people["verifier"], project_id)
    return project_id


def again(
    session: Session, people: dict[str, Actor], project_id: int, reading: Reading
) -> second_measurements.SecondLine:
    return second_measurements.measure(
        session, people["verifier"], project_id, "P0", measured_on=date(2024, 3, 20),
        reading=reading,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method_id", "first", "second", "slope_deg", "numbers", "said"),
    [
        # 10 x 162.87 kg on 0.04 ha, or at 30 degrees on 0.034641 ha.
        ("forest-aff/1", trees(10), trees(12), 0.0, (40.72, 48.86, 0.2),
         "地上生物量：初测（2024-03-01）40.72 吨/公顷，复测（2024-03-20）48.86 吨/公顷，相差 +20.0%"),
        ("forest-aff/1", trees(10), trees(12), 30.0, (47.015, 56.418, 0.2), "47.02 吨/公顷"),
        ("forest-aff/1", trees(0), trees(12), 0.0, (0, 48.86, 1), "初测（2024-03-01）0.00 吨/公顷"),
        ("forest-aff/1", StandVolume(volume_m3_ha=80), StandVolume(volume_m3_ha=60), 30.0,
         (80, 60, -0.25),
         "蓄积：初测（2024-03-01）80.00 立方米/公顷，复测（2024-03-20）60.00 立方米/公顷，相差 -25.0%"),
        ("tea-perennial/1", TeaShoots(agb_t_ha=12.1, above_plane_share=0.3),
         TeaShoots(agb_t_ha=15.125, above_plane_share=0.9), 30.0, (12.1, 15.125, 0.25),
         "地上生物量：初测（2024-03-01）12.10 吨/公顷"),
    ],
)  # fmt: skip
def test_both_numbers_stand_with_their_unit_and_a_difference_is_a_finding(
    session: Session,
    people: dict[str, Actor],
    method_id: str,
    first: Reading,
    second: Reading,
    slope_deg: float,
    numbers: tuple[float, float, float],
    said: str,
) -> None:
    project_id = drawn(session, people, method_id, first, slope_deg)
    [line] = second_measurements.listing(session, project_id)
    assert (line.kind, line.first, line.second) == (first.KIND, None, None)
    line = again(session, people, project_id, second)
    assert line.unit == first.UNIT
    found = (line.first, line.second, line.difference_share)
    assert found == pytest.approx(numbers, abs=5e-3)
    [finding] = [
        one for one in plot_findings.of_project(session, project_id)
        if one.code == "second_differs"
    ]  # fmt: skip
    assert said in finding.message


def test_the_same_reading_is_no_finding_and_shows_the_verifier_the_first(
    session: Session, people: dict[str, Actor]
) -> None:
    project_id = drawn(session, people, "forest-aff/1", StandVolume(volume_m3_ha=80))
    assert second_measurements.blind(session, people["verifier"], project_id)
    line = again(session, people, project_id, StandVolume(volume_m3_ha=80))
    assert line.difference_share == 0.0
    assert not second_measurements.blind(session, people["verifier"], project_id)
    codes = {one.code for one in plot_findings.of_project(session, project_id)}
    assert "second_differs" not in codes and "second_missing" not in codes


def test_a_second_measurement_of_another_kind_is_refused_in_words(
    session: Session, people: dict[str, Actor]
) -> None:
    project_id = drawn(session, people, "forest-aff/1", trees(10))
    culms = [CulmCount(Decimal("10.0"), 100, 2)]
    shoots = TeaShoots(agb_t_ha=12.1, above_plane_share=0.3)
    for given in (
        {"culms": culms},
        {"bare": True},
        {"reading": StandVolume(volume_m3_ha=80)},
        {"reading": shoots},
        {"reading": trees(10), "culms": culms},
        {"reading": trees(10), "bare": True},
    ):
        with pytest.raises(Invalid) as refusal:
            second_measurements.measure(
                session, people["verifier"], project_id, "P0", measured_on=date(2024, 3, 20),
                **given,
            )  # fmt: skip
        assert refusal.value.code == "second_kind"
        assert "初测是每木检尺，复测也须只填每木检尺" in refusal.value.message
    again(session, people, project_id, trees(10))


def test_bamboo_is_measured_again_culm_by_culm_alone(
    session: Session, people: dict[str, Actor]
) -> None:
    story = world.planted(session, people, registered=False)
    world.young_plots(session, people, story.project_id, {2023: [60]})
    second_measurements.draw(session, people["verifier"], story.project_id)
    [line] = second_measurements.listing(session, story.project_id)
    assert (line.kind, line.unit) == ("culms", "t/ha")
    for reading in (trees(10), trees(0)):
        with pytest.raises(Invalid, match="复测也须只填竹株"):
            second_measurements.measure(
                session, people["verifier"], story.project_id, line.code,
                measured_on=date(2023, 2, 1), reading=reading,
            )  # fmt: skip

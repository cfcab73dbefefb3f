"""The variogram of an error layer in a round: used, kept with the run, and used again."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from gis_data import zonal
from methodologies import statistics
from sinks.core.actor import Actor
from sinks.crediting import openings, projects, rounds
from sinks.measurement import layers, runs, variograms
from sinks.measurement.variograms import Given
from tests import world

SAID = Given(150.0, 0.2, "30 个样地残差，2025 年拟合")


def round_of(
    session: Session, people: dict[str, Actor], folder: Path, strata: dict[int, str]
) -> tuple[int, world.Layers]:
    """A round without plots, so that the maps alone speak."""
    project = projects.create(
        session, people["clerk"], name="只有图", method_id="moso-mgmt/1", strata=strata
    )
    found = world.two_layers(session, people, folder)
    row = openings.by_layers(
        session, people["clerk"], project.id, layer_start_id=found.start_id,
        layer_end_id=found.end_id, facts=world.MANAGED,
    )  # fmt: skip
    return row.id, found


@pytest.fixture
def parcel_ids(session: Session, people: dict[str, Actor]) -> list[int]:
    world.policies_in_force(session, people)
    enrolled = [
        world.enrolled(session, people, world.land(x, 0, 400, 400), name=f"0{x}") for x in (0, 400)
    ]
    world.contracted(session, people, enrolled)
    return enrolled


def give(session: Session, people: dict[str, Actor], *layer_ids: int) -> None:
    for layer_id in layer_ids:
        layers.give_variogram(session, people["officer"], layer_id, SAID)


def stderr_by_pairs(session: Session, layer_id: int, outlines: list) -> float:
    """The standard error of the mean over all outlines, pair by pair."""
    row = layers.get(session, layer_id)
    stderr_path = layers.path_of(layers.stderr_of(session, row))
    parts = [zonal.cells(layers.path_of(row), one, stderr_path=stderr_path) for one in outlines]
    place = {}
    for part in parts:
        for x, y, ha, se in zip(part.x, part.y, part.area_ha, part.stderr, strict=True):
            place[x, y] = place.get((x, y), 0.0) + ha * se
    x_m, y_m = np.array(list(place)).T
    variance = statistics.zonal_sum_variance(
        np.array(list(place.values())), np.ones(len(place)), x_m=x_m, y_m=y_m,
        correlation_length_m=SAID.range_m, nugget=SAID.nugget_share,
    )  # fmt: skip
    return variance**0.5 / sum(part.parcel_area_ha for part in parts)


def test_the_error_of_a_stratum_is_that_of_all_pairs_of_its_cells(
    session: Session, people: dict[str, Actor], tmp_path: Path, parcel_ids: list[int]
) -> None:
    round_id, found = round_of(session, people, tmp_path, dict.fromkeys(parcel_ids, "A"))
    before = rounds.measure(session, people["clerk"], round_id)
    give(session, people, found.start_id, found.end_id)
    after = rounds.measure(session, people["clerk"], round_id)
    [full], [less] = before.input["strata"], after.input["strata"]
    outlines = [world.land(x, 0, 400, 400) for x in (0, 400)]
    for date_, layer_id in (("start", found.start_id), ("end", found.end_id)):
        key = f"map_stderr_t_ha_{date_}"
        assert less[key] == pytest.approx(stderr_by_pairs(session, layer_id, outlines), rel=1e-6)
        assert less[key] < 0.7 * full[key]
        assert full[key] == pytest.approx(9.0, abs=0.05)
    assert after.result["gross_co2_t"] == before.result["gross_co2_t"]
    assert after.result["stderr_co2_t"] < before.result["stderr_co2_t"]


def test_stored_runs_are_reproduced_whatever_is_recorded_later(
    session: Session, people: dict[str, Actor], tmp_path: Path, parcel_ids: list[int]
) -> None:
    round_id, found = round_of(session, people, tmp_path, dict.fromkeys(parcel_ids, "A"))
    before = rounds.measure(session, people["clerk"], round_id)
    assert before.map_error is None
    give(session, people, found.start_id)
    one_date = rounds.measure(session, people["clerk"], round_id)
    assert one_date.map_error == {"start": SAID.as_dict(), "end": None}
    give(session, people, found.end_id)
    both = rounds.measure(session, people["clerk"], round_id)
    layers.give_variogram(session, people["officer"], found.end_id, Given(9_000.0, 0.0, "改"))
    session.expire_all()
    for run in (before, one_date, both):
        again = rounds.remeasure(session, round_id, run.id)
        assert again.same_input and again.same_result
    assert len({run.input_json for run in (before, one_date, both)}) == 3


def test_a_run_with_plots_says_the_same_with_a_variogram_and_without(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Corrected by plots, the result holds the error of the plots, not that of the map."""
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    before = runs.get(session, rounds.get(session, story.round_id).run_id)
    row = rounds.get(session, story.round_id)
    give(session, people, row.layer_start_id, row.layer_end_id)
    after = rounds.measure(session, people["clerk"], story.round_id)
    assert after.map_error is not None and after.input_json != before.input_json
    assert after.result == before.result


def test_strata_correlate_by_what_the_variogram_says(
    session: Session, people: dict[str, Actor], tmp_path: Path, parcel_ids: list[int]
) -> None:
    strata = dict(zip(parcel_ids, ("A", "B"), strict=True))
    round_id, found = round_of(session, people, tmp_path, strata)
    before = rounds.measure(session, people["clerk"], round_id)
    assert "map_strata_correlation" not in before.input["policy"]
    give(session, people, found.start_id, found.end_id)
    after = rounds.measure(session, people["clerk"], round_id)
    share = after.input["policy"]["map_strata_correlation"]
    assert 0.02 < share < 0.5
    # The variance by this one share is not below that of all cells of both strata together.
    outlines = [world.land(x, 0, 400, 400) for x in (0, 400)]
    for date_, layer_id in (("start", found.start_id), ("end", found.end_id)):
        halves = [0.5 * one[f"map_stderr_t_ha_{date_}"] for one in after.input["strata"]]
        variance = share * sum(halves) ** 2 + (1 - share) * sum(one * one for one in halves)
        whole = stderr_by_pairs(session, layer_id, outlines)
        assert whole**2 * (1 - 1e-6) <= variance < 1.05 * whole**2
    again = rounds.remeasure(session, round_id, after.id)
    assert again.same_input and again.same_result


def test_parcels_on_cells_without_a_value_take_their_own_error_for_those(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    found = world.two_layers(session, people, tmp_path)
    row = layers.get(session, found.start_id)
    outline = world.land(0, 0, 200, 200)
    [errors] = variograms.errors_under(
        layers.path_of(row), layers.path_of(layers.stderr_of(session, row)), [outline], [8.0],
        crs=None,
    )  # fmt: skip
    # Said to be 8 ha where the cells make 4: every cell speaks for twice its area.
    assert errors.spread.sum() == pytest.approx(8.0 * 9.0, rel=0.03)
    full = variograms.stderr_of_sum([errors], None)
    assert full == pytest.approx(errors.spread.sum())
    assert variograms.stderr_of_sum([errors], SAID) < full
    assert (errors.cell_width_m, errors.cell_height_m) == (20.0, 20.0)


def test_only_biomass_opens_a_round(
    session: Session, people: dict[str, Actor], tmp_path: Path, parcel_ids: list[int]
) -> None:
    from sinks.core.errors import Invalid

    found = world.two_layers(session, people, tmp_path)
    heights = layers.add(
        session, people["officer"], world.biomass(tmp_path / "h.tif", 12, seed=9), name="高度",
        variable="canopy_height", unit="m", epoch=date(2025, 1, 1), phase="on", licence="CC0",
        source="测试",
    )  # fmt: skip
    project = projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1",
        strata=dict.fromkeys(parcel_ids, "A"),
    )  # fmt: skip
    error_layer = layers.get(session, found.end_id).stderr_layer_id
    for wrong in (heights.id, error_layer):
        with pytest.raises(Invalid) as refusal:
            openings.by_layers(
                session, people["clerk"], project.id, layer_start_id=found.start_id,
                layer_end_id=wrong, facts=world.MANAGED,
            )  # fmt: skip
        assert refusal.value.code == "layers"


def test_what_a_run_keeps_of_a_variogram_is_json(session: Session) -> None:
    assert json.loads(json.dumps(SAID.as_dict())) == SAID.as_dict()

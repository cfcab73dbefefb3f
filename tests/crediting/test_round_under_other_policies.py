"""A round under other policies: beside the run, from its frozen input, and nothing kept of it."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from methodologies import deductions
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.crediting import rounds, what_if
from sinks.measurement import runs
from tests import world


def test_a_round_under_other_policies_is_shown_and_not_kept(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    before = [run.id for run in runs.of_round(session, story.round_id)]
    run, (same, flat, dearer) = what_if.under_policies(
        session, people["verifier"], story.round_id,
        [{}, {"deduction": "flat"}, {"deduction": "flat", "buffer_share": 0.5}],
    )  # fmt: skip
    assert same.result == run.result
    assert flat.result is not None and dearer.result is not None
    expected, _ = deductions.deduct(run.result["gross_co2_t"], 1.0, "flat")
    assert flat.result["net_co2_t"] == pytest.approx(expected)
    assert dearer.result["buffer_co2_t"] == pytest.approx(expected / 2)
    assert [one.id for one in runs.of_round(session, story.round_id)] == before
    assert rounds.run_of(session, rounds.get(session, story.round_id)).id == run.id


def test_a_policy_the_run_does_not_know_is_refused_by_name(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    with pytest.raises(Invalid, match="tillage"):
        what_if.under_policies(session, people["clerk"], story.round_id, [{"tillage": "no"}])

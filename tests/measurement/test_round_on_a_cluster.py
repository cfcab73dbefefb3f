"""A round measured by the office's Dask cluster is the round measured here, to the last byte."""

from pathlib import Path

import pytest
from distributed import LocalCluster
from sqlalchemy.orm import Session

from gis_data.zonal_dask import ClusterRefused
from sinks.core.actor import Actor
from sinks.crediting import rounds
from tests import world


def test_a_cluster_measures_what_one_machine_does(
    session: Session, people: dict[str, Actor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.policies_in_force(session, people)
    story = world.measured_round(session, people, tmp_path)
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        monkeypatch.setenv("SINKS_DASK_SCHEDULER", cluster.scheduler_address)
        again = rounds.remeasure(session, story.round_id)
    assert again.same_input and again.same_result
    monkeypatch.setenv("SINKS_DASK_SCHEDULER", "no-address")
    with pytest.raises(ClusterRefused):  # Asked for, so never quietly done without it.
        rounds.remeasure(session, story.round_id)

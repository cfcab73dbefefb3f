"""Imports as jobs: killed half-way and taken up again, cancelled, refused; the end is the same."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import text

from sinks.core import db, jobs
from sinks.core.actor import Actor
from sinks.core.jobs import Cancelled, Job, Progress, State
from sinks.core.settings import ROOT
from sinks.land import bulk, import_decisions, import_jobs, import_reading, imports, staging
from sinks.land.bulk import Step
from sinks.land.staging import Options
from tests import world
from tests.land.test_staging import collection, crossed, squares

COUNT = bulk.PORTION + 20
SECONDS_MAX = 120.0
WORKER = [sys.executable, "-m", "sinks.cli.main", "jobs", "work"]


@pytest.fixture(autouse=True)
def quiet(engine: sa.Engine) -> Iterator[None]:
    yield
    with db.transaction() as session:
        session.execute(
            text(
                "UPDATE job SET state = 'cancelled', ended_at = clock_timestamp()"
                " WHERE ended_at IS NULL"
            )
        )


def batch_of(people: dict[str, Actor], content: bytes) -> int:
    with db.transaction(people["officer"]) as session:
        batch = import_reading.stage(
            session, people["officer"], file_name="小班.geojson", content=content,
            options=Options("bamboo"),
        )  # fmt: skip
        if codes := list(batch.counts["questions"]):
            import_decisions.answer(
                session, people["officer"], batch.id, codes, take=True, reason="试验"
            )
        return batch.id


def one(sql: str, **values: Any) -> Any:
    with db.transaction() as session:
        return session.execute(text(sql), values).scalar_one()


def job(job_id: int) -> Job:
    with db.transaction() as session:
        found = session.get_one(Job, job_id)
        session.expunge(found)
        return found


def killed_when(condition: Callable[[], bool]) -> None:
    """A worker of its own process, killed as hard as can be once the condition holds."""
    worker = subprocess.Popen(WORKER, cwd=ROOT, env=os.environ.copy(), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + SECONDS_MAX
    try:
        while not condition():
            assert worker.poll() is None, "the worker ended by itself"
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.005)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


def done_by_another() -> None:
    """The next worker: waits out the statement of the dead one, which ends with its connection."""
    deadline = time.monotonic() + SECONDS_MAX
    while not jobs.work(import_jobs.HANDLERS, once=True):
        assert time.monotonic() < deadline, "nobody took the job up"
        time.sleep(0.05)


def test_a_commit_killed_half_way_leaves_nothing_and_the_next_worker_writes_it_once(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    officer = people["officer"]
    batch_id = batch_of(people, squares(COUNT, x_m=0))
    with db.transaction(officer) as session:
        job_id = import_jobs.queue_commit(
            session, officer, batch_id, world.village_id(session)
        ).id  # fmt: skip
    killed_when(lambda: job(job_id).phase == "写入权利")
    assert one("SELECT count(*) FROM parcel") == 0
    assert job(job_id).state == State.RUNNING
    done_by_another()
    assert (job(job_id).state, job(job_id).attempt) == (State.DONE, 2)
    for sql in (
        "SELECT count(*) FROM parcel", "SELECT count(*) FROM parcel_version",
        "SELECT count(*) FROM audit_event WHERE action = 'parcel.create'",
        "SELECT count(*) FROM audit_event WHERE action = 'right.add'",
    ):  # fmt: skip
        assert one(sql) == COUNT, sql
    assert one("SELECT count(*) FROM land_import") == 1


def test_an_enrolment_killed_half_way_goes_on_with_the_parcels_that_are_left(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    second = people["officer2"]
    [import_id] = [one("SELECT max(id) FROM land_import")]
    assert bulk.take(people["officer"], import_id, Step.SUBMIT).taken == COUNT
    assert bulk.take(second, import_id, Step.REVIEW).taken == COUNT
    with db.transaction(second) as session:
        job_id = import_jobs.queue_step(session, second, import_id, Step.ENROL).id
    enrolled = "SELECT count(*) FROM parcel WHERE status = 'enrolled'"
    killed_when(lambda: one(enrolled) >= bulk.PORTION)
    done_by_another()
    found = job(job_id)
    assert (found.state, found.result and found.result["refused"]) == (State.DONE, [])
    # As in a run that nothing disturbs: each parcel enrolled once, with its claim and its record.
    assert one(enrolled) == COUNT
    assert one("SELECT count(*) FROM land_claim") == COUNT
    assert one("SELECT count(DISTINCT parcel_id) FROM land_claim_piece") == COUNT
    assert one(
        "SELECT count(*) FROM (SELECT subject FROM audit_event WHERE action = 'parcel.enrolled'"
        " GROUP BY subject HAVING count(*) = 1) once"
    ) == COUNT  # fmt: skip


class CancelledAt(Progress):
    """A person who cancels when the work has come to a phase."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase = phase

    def step(self, phase: str, done: int = 0, total: int | None = None) -> None:
        if phase == self.phase:
            raise Cancelled("已按要求取消，没有留下任何改动。", code="cancelled")


@pytest.mark.parametrize("phase", ["写入地块", "写入权利", "核对重叠和申报面积", "写入记录"])
def test_a_commit_cancelled_at_any_step_leaves_nothing(
    engine: sa.Engine, people: dict[str, Actor], phase: str
) -> None:
    batch_id = batch_of(people, squares(3, x_m=20_000))
    before = one("SELECT count(*) FROM parcel")
    with pytest.raises(Cancelled):
        import_jobs.commit(
            people["officer"],
            {"batch_id": batch_id, "owner_id": one("SELECT min(id) FROM party")},
            CancelledAt(phase),
        )
    assert one("SELECT count(*) FROM parcel") == before
    with db.transaction(people["officer"]) as session:
        assert staging.get(session, batch_id).state == staging.State.STAGED
        staging.discard(session, people["officer"], batch_id, "试验")


def test_a_file_is_read_by_the_worker_and_found_staged(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    officer = people["officer"]
    with db.transaction(officer) as session:
        batch = staging.upload(
            session, officer, file_name="大.geojson", content=squares(30, x_m=30_000),
            options=Options("bamboo"),
        )  # fmt: skip
        job_id, batch_id = import_jobs.queue_read(session, officer, batch).id, batch.id
    assert jobs.work(import_jobs.HANDLERS, once=True) == 1
    assert job(job_id).state == State.DONE
    with db.transaction(officer) as session:
        batch = staging.get(session, batch_id)
        assert (batch.state, batch.counts["rows"]["all"]) == (staging.State.STAGED, 30)
        assert batch.reading["network"] in ("cut", "driver list only")


def test_a_file_that_is_no_land_leaves_a_refused_batch_that_can_be_read_in_another_way(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    officer = people["officer"]
    with db.transaction(officer) as session:
        batch = staging.upload(
            session, officer, file_name="x.geojson", content=b'{"type": "nothing"}',
            options=Options("bamboo"),
        )  # fmt: skip
        job_id, batch_id = import_jobs.queue_read(session, officer, batch).id, batch.id
    jobs.work(import_jobs.HANDLERS, once=True)
    assert job(job_id).state == State.REFUSED
    with db.transaction(officer) as session:
        batch = staging.get(session, batch_id)
        assert (batch.state, batch.error) == (staging.State.REFUSED, job(job_id).error)
        staging.discard(session, officer, batch_id, "不是地块")


def test_the_same_import_is_not_written_twice_by_a_job_that_runs_again(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    officer = people["officer"]
    content = collection(crossed(40_000, 0.05))
    batch_id = batch_of(people, content)
    with db.transaction(officer) as session:
        import_decisions.accept_repair(session, officer, batch_id, 0, reason="手抖")
        owner_id = world.village_id(session)
    arguments = {"batch_id": batch_id, "owner_id": owner_id}
    first = import_jobs.commit(officer, arguments, Progress())
    assert import_jobs.commit(officer, arguments, Progress()) == first
    with db.transaction(officer) as session:
        assert len(imports.parcel_ids(session, first["import"])) == 1

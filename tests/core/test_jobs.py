"""Long work: done once, taken up after a death, stopped when asked, on behalf of whoever asked for it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from sinks.core import audit, db, jobs, people
from sinks.core.actor import Actor, Role
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.jobs import Job, Progress, State
from sinks.core.settings import ROOT
from tests import world

SECONDS_MAX = 60.0


@pytest.fixture(scope="module")
def who(engine: sa.Engine) -> dict[str, Actor]:
    with db.transaction() as session:
        return world.actors(session)


@pytest.fixture(autouse=True)
def quiet(engine: sa.Engine) -> Iterator[None]:
    """Every test begins with an empty queue."""
    yield
    with db.transaction() as session:
        session.execute(
            sa.text(
                "UPDATE job SET state = 'cancelled', ended_at = clock_timestamp()"
                " WHERE ended_at IS NULL"
            )
        )


def queued(
    who: dict[str, Actor], kind: str = "test", login: str = "officer", **arguments: Any
) -> int:
    with db.transaction(who[login]) as session:
        return jobs.enqueue(
            session, who[login], kind=kind, title="试验", arguments=arguments
        ).id  # fmt: skip


def job(job_id: int) -> Job:
    with db.transaction() as session:
        found = session.get_one(Job, job_id)
        session.expunge(found)
        return found


def wait_for(condition: Callable[[], bool], ended: Callable[[], object]) -> None:
    """Until it comes about; an error once what should bring it about has ended without it."""
    while not condition():
        assert not ended() or condition(), "it did not come about"
        threading.Event().wait(0.02)


def test_a_job_is_done_once_and_keeps_its_result(engine: sa.Engine, who: dict[str, Actor]) -> None:
    seen: list[tuple[int, dict[str, Any]]] = []

    def handler(actor: Actor, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        seen.append((actor.person_id, arguments))
        progress.step("计数", 3, 4)
        return {"counted": 4}

    job_id = queued(who, number=7)
    assert jobs.work({"test": handler}, once=True) == 1
    assert jobs.work({"test": handler}, once=True) == 0
    assert seen == [(who["officer"].person_id, {"number": 7})]
    found = job(job_id)
    assert (found.state, found.result, found.attempt) == (State.DONE, {"counted": 4}, 1)
    with db.transaction(who["auditor"]) as session:
        actions = [event.action for event in audit.history(session, f"job:{job_id}")]
    assert actions == ["job.queue", "job.done"]


def test_a_refusal_is_told_in_words_and_jobs_of_other_kinds_are_left_alone(
    engine: sa.Engine, who: dict[str, Actor]
) -> None:
    def handler(*_: object) -> dict[str, Any]:
        raise Invalid("这份文件不能用。", code="broken")

    mine, other = queued(who), queued(who, kind="other")
    assert jobs.work({"test": handler}, once=True) == 1
    assert (job(mine).state, job(mine).error_code, job(mine).error) == (
        State.REFUSED, "broken", "这份文件不能用。",
    )  # fmt: skip
    assert job(other).state == State.QUEUED


def test_roles_are_those_of_the_moment_the_job_runs(
    engine: sa.Engine, who: dict[str, Actor]
) -> None:
    def handler(actor: Actor, *_: object) -> dict[str, Any]:
        actor.require(Role.OFFICER)
        return {}

    job_id = queued(who, login="officer2")
    with db.transaction(who["admin"]) as session:
        grant = session.scalars(
            sa.select(people.RoleGrant).where(
                people.RoleGrant.person_id == who["officer2"].person_id,
                people.RoleGrant.revoked_at.is_(None),
            )
        ).one()
        people.revoke(session, who["admin"], grant.id)
    jobs.work({"test": handler}, once=True)
    assert (job(job_id).state, job(job_id).error_code) == (State.REFUSED, "role")


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_has_ended_is_not(
    engine: sa.Engine, who: dict[str, Actor]
) -> None:
    job_id = queued(who)
    with db.transaction(who["officer"]) as session:
        assert jobs.cancel(session, who["officer"], job_id).state == State.CANCELLED
    assert jobs.work({"test": lambda *_: {}}, once=True) == 0
    with db.transaction(who["officer"]) as session, pytest.raises(Conflict, match="不能再取消"):
        jobs.cancel(session, who["officer"], job_id)


def test_a_running_job_hears_the_cancel_and_what_it_had_not_committed_is_gone(
    engine: sa.Engine, who: dict[str, Actor]
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def handler(actor: Actor, _: dict[str, Any], progress: Progress) -> dict[str, Any]:
        with db.transaction(actor) as session:
            people.add_party(session, actor, kind="village", name="取消时写了一半")
            reached.set()
            assert go_on.wait(SECONDS_MAX)
            progress.step("写入")
        return {}

    job_id = queued(who)
    worker = threading.Thread(target=jobs.work, args=({"test": handler},), kwargs={"once": True})
    worker.start()
    assert reached.wait(SECONDS_MAX)
    with db.transaction(who["officer"]) as session:
        assert jobs.cancel(session, who["officer"], job_id).state == State.RUNNING
    go_on.set()
    worker.join(SECONDS_MAX)
    assert job(job_id).state == State.CANCELLED
    with db.transaction(who["officer"]) as session:
        names = session.scalars(sa.select(people.Party.name)).all()
    assert "取消时写了一半" not in names


def test_two_workers_never_hold_one_job(engine: sa.Engine, who: dict[str, Actor]) -> None:
    running, go_on = threading.Event(), threading.Event()
    done: list[int] = []

    def slow(_: Actor, arguments: dict[str, Any], __: Progress) -> dict[str, Any]:
        running.set()
        assert go_on.wait(SECONDS_MAX)
        done.append(arguments["n"])
        return {}

    def quick(_: Actor, arguments: dict[str, Any], __: Progress) -> dict[str, Any]:
        done.append(arguments["n"])
        return {}

    queued(who, n=1)
    first = threading.Thread(target=jobs.work, args=({"test": slow},), kwargs={"once": True})
    first.start()
    assert running.wait(SECONDS_MAX)
    queued(who, n=2)
    # The second worker finds the first job running, its worker alive, and passes it by.
    assert jobs.work({"test": quick}, once=True) == 1
    assert done == [2]
    go_on.set()
    first.join(SECONDS_MAX)
    assert done == [2, 1]


WORKER = """
import sys, time
from sinks.core import jobs
def handler(actor, arguments, progress):
    progress.step("等着")
    time.sleep(600)
    return {}
jobs.work({"test": handler})
"""


def test_a_job_whose_worker_was_killed_is_taken_up_by_the_next(
    engine: sa.Engine, who: dict[str, Actor]
) -> None:
    job_id = queued(who)
    worker = subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=os.environ.copy())
    try:
        wait_for(lambda: job(job_id).phase == "等着", ended=lambda: worker.poll() is not None)
        assert jobs.work({"test": lambda *_: {}}, once=True) == 0  # Its worker lives.
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    # The statement of the dead worker ends with its connection; then its job is free.
    wait_for(
        lambda: jobs.work({"test": lambda *_: {"by": "the next"}}, once=True) == 1,
        ended=lambda: job(job_id).state != State.RUNNING,
    )
    found = job(job_id)
    assert (found.state, found.attempt, found.result) == (State.DONE, 2, {"by": "the next"})


def test_a_job_that_ends_every_worker_is_given_up_in_words(
    engine: sa.Engine, who: dict[str, Actor]
) -> None:
    def fault(*_: object) -> dict[str, Any]:
        raise ZeroDivisionError

    job_id = queued(who)
    for _ in range(jobs.ATTEMPTS_MAX):
        with pytest.raises(ZeroDivisionError):
            jobs.work({"test": fault}, once=True)
        assert job(job_id).state == State.RUNNING
    assert jobs.work({"test": fault}, once=True) == 1
    assert job(job_id).state == State.FAILED
    assert "中断" in (job(job_id).error or "")


def test_what_has_ended_is_not_changed_and_others_do_not_see_it(
    engine: sa.Engine, who: dict[str, Actor]
) -> None:
    job_id = queued(who)
    jobs.work({"test": lambda *_: {}}, once=True)
    with (
        db.transaction(who["officer"]) as session,
        pytest.raises(sa.exc.IntegrityError, match="is not changed"),
    ):
        session.execute(sa.text("UPDATE job SET state = 'queued' WHERE id = :id"), {"id": job_id})
    with db.transaction(who["clerk"]) as session:
        with pytest.raises(NotFound):
            jobs.get(session, who["clerk"], job_id)
        with pytest.raises(NotFound):
            jobs.cancel(session, who["clerk"], job_id)
        assert jobs.listing(session, who["clerk"], everybody=True) == []
    waiting = queued(who)
    with db.transaction(who["auditor"]) as session:
        assert jobs.get(session, who["auditor"], waiting).id == waiting
        with pytest.raises(NotPermitted):
            jobs.cancel(session, who["auditor"], waiting)

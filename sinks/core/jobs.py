"""Jobs: long work as rows of a table, done by a worker process beside the app.

A worker holds an advisory lock of the database for the job it does. The lock goes with its
connection, so a running job that nobody holds is a dead worker's and is taken up again: no clock
decides that. The work itself commits when it sees fit; a handler that is called a second time goes
on from what it committed. The rooms above bring the handlers; this one knows none of them.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, db, people
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Conflict, NotFound, SinksError

JOB_LOCK = 7300
# A fault, or a job that takes more memory than there is, ends the worker; it must not do so for ever.
ATTEMPTS_MAX = 3
IDLE_SECONDS = 0.5
RECENT_DAYS = 3
# Progress is for the eyes: more often than this nobody sees it.
PROGRESS_SECONDS = 0.25


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


STATE_ZH = {
    State.QUEUED: "排队",
    State.RUNNING: "办理中",
    State.DONE: "已完成",
    State.REFUSED: "未办理",
    State.FAILED: "出错",
    State.CANCELLED: "已取消",
}
ENDED = (State.DONE, State.REFUSED, State.FAILED, State.CANCELLED)


class Job(Base):
    """One piece of long work: what, for whom, how far. ``total`` is unknown while it is None."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(
            "state in ('queued','running','done','refused','failed','cancelled')", name="state"
        ),
        CheckConstraint(
            "(state in ('queued','running')) = (ended_at is null)", name="ended"
        ),
    )  # fmt: skip

    id: Mapped[Key]
    kind: Mapped[str]
    title: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[str] = mapped_column(server_default=State.QUEUED.value)
    cancel_asked: Mapped[bool] = mapped_column(server_default=text("false"))
    phase: Mapped[str] = mapped_column(server_default="")
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]
    heartbeat_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Cancelled(SinksError):
    """The person does not want the job any more. What was not committed is not done."""


class Progress:
    """How far a job has come, as its handler tells it; the place where a cancel is heard."""

    def __init__(self, connection: sa.Connection | None = None, job_id: int = 0) -> None:
        self._connection, self._job_id = connection, job_id
        self._phase, self._next_at = "", 0.0

    def step(self, phase: str, done: int = 0, total: int | None = None) -> None:
        """Write down how far the job is.

        Raises
        ------
        Cancelled
            The person has asked for it. Raise it inside the transaction: it is rolled back.
        """
        if self._connection is None:
            return
        if phase == self._phase and time.monotonic() < self._next_at:
            return
        self._phase, self._next_at = phase, time.monotonic() + PROGRESS_SECONDS
        with self._connection.begin():
            asked = self._connection.execute(
                text(
                    "UPDATE job SET phase = :phase, done = :done, total = :total,"
                    " heartbeat_at = clock_timestamp() WHERE id = :id RETURNING cancel_asked"
                ),
                {"phase": phase, "done": done, "total": total, "id": self._job_id},
            ).scalar_one()
        if asked:
            raise Cancelled("已按要求取消，没有留下任何改动。", code="cancelled")


Handler = Callable[[Actor, dict[str, Any], Progress], dict[str, Any]]


def enqueue(
    session: Session, actor: Actor, *, kind: str, title: str, arguments: dict[str, Any]
) -> Job:
    """Put a job in the queue; a worker does it on behalf of this person.

    title : shown in lists of jobs to everybody, so without names of households
    """
    job = Job(kind=kind, title=title[:200], arguments=arguments, person_id=actor.person_id)
    session.add(job)
    session.flush()
    audit.record(session, actor, "job.queue", f"job:{job.id}", {"kind": kind})
    return job


def get(session: Session, actor: Actor, job_id: int) -> Job:
    """A job, to the person it is for, an administrator or an auditor."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is None or not _may_see(actor, job):
        raise NotFound("没有这项任务。", code="job")
    return job


def _may_see(actor: Actor, job: Job) -> bool:
    return job.person_id == actor.person_id or bool(actor.roles & {Role.ADMIN, Role.AUDITOR})


def listing(session: Session, actor: Actor, *, everybody: bool = False) -> list[Job]:
    """The person's jobs, newest first; an administrator's or auditor's ``everybody``: all."""
    query = select(Job).order_by(Job.id.desc()).limit(200)
    if not (everybody and actor.roles & {Role.ADMIN, Role.AUDITOR}):
        query = query.where(Job.person_id == actor.person_id)
    return list(session.scalars(query))


def recent(session: Session, actor: Actor) -> list[Job]:
    """The person's jobs that are open, or ended within RECENT_DAYS, newest first."""
    since = db.now(session) - timedelta(days=RECENT_DAYS)
    return [
        job for job in listing(session, actor) if job.ended_at is None or job.ended_at > since
    ]  # fmt: skip


def cancel(session: Session, actor: Actor, job_id: int) -> Job:
    """Ask that a job be not done. One that waits ends now, one that runs at its next step.

    Raises
    ------
    Conflict
        It has ended already.
    """
    get(session, actor, job_id)
    job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.person_id != actor.person_id:
        actor.require(Role.ADMIN)
    if job.ended_at is not None:
        raise Conflict(f"这项任务{STATE_ZH[State(job.state)]}，不能再取消。", code="job_ended")
    job.cancel_asked = True
    if job.state == State.QUEUED:
        job.state, job.ended_at = State.CANCELLED, db.now(session)
    audit.record(session, actor, "job.cancel", f"job:{job_id}", {})
    return job


def work(handlers: Mapping[str, Handler], *, once: bool = False) -> int:
    """Do the jobs that wait, one after another; give how many were done.

    handlers : kind of job -> what does it; jobs of other kinds are left to other workers
    once : come back when nothing waits, instead of waiting for more
    """
    count = 0
    with db.engine().connect() as connection:
        while True:
            job_id = _take(connection, list(handlers))
            if job_id is None:
                if once:
                    return count
                time.sleep(IDLE_SECONDS)
                continue
            try:
                _run(connection, job_id, handlers)
            finally:
                if not connection.closed and not connection.invalidated:
                    _release(connection, job_id)
            count += 1


def _take(connection: sa.Connection, kinds: list[str]) -> int | None:
    """Take the oldest job that nobody does, and hold it; None when there is none."""
    with connection.begin():
        job_id = connection.execute(
            text(
                """
                SELECT id FROM job j
                WHERE ended_at IS NULL AND kind = ANY(:kinds)
                  AND (state = 'queued' OR NOT EXISTS (
                    SELECT FROM pg_locks l
                    WHERE l.locktype = 'advisory' AND l.classid = :lock AND l.objid = j.id
                      AND l.database = (SELECT oid FROM pg_database
                                        WHERE datname = current_database())))
                ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
                """
            ),
            {"kinds": kinds, "lock": JOB_LOCK},
        ).scalar_one_or_none()
        if job_id is None or not _hold(connection, job_id):
            return None
        connection.execute(
            text(
                "UPDATE job SET state = 'running', attempt = attempt + 1,"
                " heartbeat_at = clock_timestamp() WHERE id = :id"
            ),
            {"id": job_id},
        )
        return job_id


def _hold(connection: sa.Connection, job_id: int) -> bool:
    held = text("SELECT pg_try_advisory_lock(:lock, CAST(:id AS int))")
    return bool(connection.execute(held, {"lock": JOB_LOCK, "id": job_id}).scalar_one())


def _release(connection: sa.Connection, job_id: int) -> None:
    with connection.begin():
        connection.execute(
            text("SELECT pg_advisory_unlock(:lock, CAST(:id AS int))"),
            {"lock": JOB_LOCK, "id": job_id},
        )


def _run(connection: sa.Connection, job_id: int, handlers: Mapping[str, Handler]) -> None:
    """Do a job that is held, and write down how it ended. A fault is not caught: it ends the worker,
    loudly, and the job is taken up again until ATTEMPTS_MAX."""
    with db.transaction() as session:
        job = session.get_one(Job, job_id)
        kind, arguments, attempt, person_id = job.kind, job.arguments, job.attempt, job.person_id
    if attempt > ATTEMPTS_MAX:
        message = f"连续 {ATTEMPTS_MAX} 次办到一半中断，已停办。请联系管理员查看日志。"
        _end(job_id, person_id, State.FAILED, code="interrupted", message=message)
        return
    progress = Progress(connection, job_id)
    try:
        with db.transaction() as session:
            # Roles as they are now: what was allowed when the job was queued may be so no more.
            actor = people.actor_of(session, person_id)
        progress.step("开始")
        result = handlers[kind](actor, arguments, progress)
    except Cancelled:
        _end(job_id, person_id, State.CANCELLED)
    except SinksError as refusal:
        _end(job_id, person_id, State.REFUSED, code=refusal.code, message=refusal.message)
    except KeyboardInterrupt:
        _put_back(job_id)
        raise
    else:
        _end(job_id, person_id, State.DONE, result=result)


def _put_back(job_id: int) -> None:
    """The worker is being stopped: the job goes on with the next one, and this was no attempt."""
    with db.transaction() as session:
        session.execute(
            sa.update(Job)
            .where(Job.id == job_id, Job.ended_at.is_(None))
            .values(state=State.QUEUED, attempt=Job.attempt - 1)
        )


def _end(
    job_id: int,
    person_id: int,
    state: State,
    *,
    result: dict[str, Any] | None = None,
    code: str | None = None,
    message: str | None = None,
) -> None:
    with db.transaction() as session:
        session.execute(
            sa.update(Job)
            .where(Job.id == job_id)
            .values(
                state=state, result=result, error_code=code, error=message,
                phase="", ended_at=func.clock_timestamp(), heartbeat_at=func.clock_timestamp(),
            )
        )  # fmt: skip
        session.add(
            audit.AuditEvent(
                person_id=person_id, action=f"job.{state}", subject=f"job:{job_id}",
                detail={"code": code} if code else {},
            )
        )  # fmt: skip

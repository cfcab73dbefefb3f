"""`sinks jobs`: long work that waits, runs or has ended; and the worker that does it."""

import signal
from typing import Annotated, Any

import typer

from sinks.cli import _database, _out
from sinks.cli._out import Json
from sinks.core import jobs
from sinks.core.jobs import Handler, Job
from sinks.land import import_jobs

app = typer.Typer()

# The one place that knows the long work of all rooms.
HANDLERS: dict[str, Handler] = {**import_jobs.HANDLERS}
JobArgument = Annotated[int, typer.Argument(metavar="JOB", help="任务编号，见 list")]


@app.command("list")
def list_jobs(
    everybody: Annotated[bool, typer.Option("--all", help="所有人的任务（管理员、审计）")] = False,
    as_json: Json = False,
) -> None:
    """列出任务，新的在前。"""
    with _database.acting() as (session, actor):
        rows = [shown(job) for job in jobs.listing(session, actor, everybody=everybody)]
    text = _out.table(
        ("编号", "任务", "状态", "进度"),
        [
            (row["id"], row["title"], jobs.STATE_ZH[jobs.State(row["state"])], _progress(row))
            for row in rows
        ],
        empty="没有任务。",
    )
    _out.give({"jobs": rows}, text, as_json=as_json)


@app.command()
def show(job: JobArgument, as_json: Json = False) -> None:
    """一项任务：状态、进度、结果或未办的原因。"""
    with _database.acting() as (session, actor):
        row = shown(jobs.get(session, actor, job))
    _out.give(row, _text(row), as_json=as_json)


@app.command()
def cancel(job: JobArgument, as_json: Json = False) -> None:
    """取消一项任务：排队的立即取消，办理中的在下一步停下，不留下改动。"""
    with _database.acting() as (session, actor):
        row = shown(jobs.cancel(session, actor, job))
    _out.give(row, _text(row), as_json=as_json)


@app.command()
def work(
    once: Annotated[bool, typer.Option("--once", help="没有等待的任务时结束")] = False,
    as_json: Json = False,
) -> None:
    """办理等待的任务，直到 Ctrl-C。各项任务以提交人的名义办理，角色到时再查。

    `sinks up` 会自己启动一个；可以另开几个。
    """
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    with _database.public():  # Refuses when the database is away or of another version.
        pass
    try:
        count = jobs.work(HANDLERS, once=once)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    _out.give({"worked": count}, f"办理了 {count} 项任务。", as_json=as_json)


def shown(job: Job) -> dict[str, Any]:
    """A job as a program reads it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "cancel_asked": job.cancel_asked,
        "phase": job.phase,
        "done": job.done,
        "total": job.total,
        "attempt": job.attempt,
        "result": job.result,
        "error": {"code": job.error_code, "message": job.error} if job.error_code else None,
        "recorded_at": job.recorded_at,
        "heartbeat_at": job.heartbeat_at,
        "ended_at": job.ended_at,
    }


def _progress(row: dict[str, Any]) -> str:
    if row["ended_at"] or not row["phase"]:
        return ""
    return f"{row['phase']} {row['done']:,}/{row['total']:,}" if row["total"] else row["phase"]


def _text(row: dict[str, Any]) -> str:
    said = f"{row['id']}  {row['title']}  {jobs.STATE_ZH[jobs.State(row['state'])]}"
    if row["error"]:
        return f"{said}\n{row['error']['message']}"
    return f"{said}  {_progress(row)}".rstrip()


def _as_ctrl_c(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt

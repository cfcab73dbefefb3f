"""Long work on the screen: a bar that moves, a button to cancel, and how it ended."""

from typing import Any

import streamlit as st

from pages import _kit, _session, _words
from pages._words import t
from sinks.core import db, jobs
from sinks.core.actor import Actor
from sinks.core.jobs import Job, State

WORDS = {
    State.QUEUED: ("排队", "Waiting", _words.GREY),
    State.RUNNING: ("办理中", "Running", _words.BLUE),
    State.DONE: ("已完成", "Done", _words.GREEN),
    State.REFUSED: ("未办理", "Not done", _words.AMBER),
    State.FAILED: ("出错", "Failed", _words.RED),
    State.CANCELLED: ("已取消", "Cancelled", _words.GREY),
}
SECONDS = 1.0
SHOWN = 8


def chip(job: Job) -> _kit.Html:
    """The state of a job."""
    zh, en, colour = WORDS[State(job.state)]
    return _kit.chip(t(zh, en), colour)


@st.fragment(run_every=SECONDS)
def watch(person: Actor, job_id: int) -> None:
    """Show how far a job is, again every second; when it has ended, run the whole page again."""
    with db.transaction(person) as session:
        job = jobs.get(session, person, job_id)
        seen = _seen(job)
    if seen["ended"]:
        st.rerun(scope="app")
    share = seen["done"] / seen["total"] if seen["total"] else 0.0
    count = f" {seen['done']:,} / {seen['total']:,}" if seen["total"] else ""
    waits = t("等待后台办理……", "Waiting for the worker …")
    st.progress(min(share, 1.0), text=_session.plain(f"{seen['phase'] or waits}{count}"))
    if seen["cancel_asked"]:
        st.caption(t("正在取消……", "Being cancelled …"))
    elif st.button(t("取消", "Cancel"), key=f"job.{job_id}.cancel"):
        with _session.explained(), db.transaction(person) as session:
            jobs.cancel(session, person, job_id)


def _seen(job: Job) -> dict[str, Any]:
    return {
        "ended": job.ended_at is not None,
        "done": job.done,
        "total": job.total,
        "phase": job.phase,
        "cancel_asked": job.cancel_asked,
    }


def mine(person: Actor) -> None:
    """The person's jobs of these days; nothing where there is none."""
    with db.transaction(person) as session:
        found = jobs.recent(session, person)[:SHOWN]
        rows = [
            {
                "title": job.title, "state": chip(job), "said": job.error or "", "id": job.id,
                "open": job.ended_at is None,
            }
            for job in found
        ]  # fmt: skip
    if not rows:
        return
    st.subheader(t("我的后台任务", "My long work"))
    for row in rows:
        if row["open"]:
            st.caption(_session.plain(str(row["title"])))
            watch(person, int(str(row["id"])))
    ended = [row for row in rows if not row["open"]]
    if ended:
        _kit.table(
            ended,
            [
                _kit.Column("title", t("任务", "Work")),
                _kit.Column("state", t("状态", "State")),
                _kit.Column("said", t("说明", "Note"), wraps=True),
            ],
        )

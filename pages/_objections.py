"""Objections to notices, and the answers of those who decide: a part of the filing page."""

from dataclasses import dataclass

import streamlit as st

from pages import _kit, _land, _words
from pages._session import explained, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.crediting import objections, projects, rounds
from sinks.crediting.objections import Outcome

ANSWERING = {Role.AUTHORITY, Role.REGISTRAR}
OUTCOMES = {
    Outcome.DISMISSED: ("不成立", "dismissed", _words.GREY),
    Outcome.UPHELD: ("成立，公示终止", "upheld, the notice ends", _words.RED),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One objection as this person may read it."""

    id: int
    about: str
    address: str
    received: str
    text: str
    who: str
    answer: str | None
    outcome: str | None


def lines(me: Actor) -> list[Line]:
    """Every objection, those that wait first."""
    with db.transaction(me) as session:
        found = []
        for row, who in objections.listing(session):
            its_round = rounds.get(session, row.round_id) if row.round_id else None
            project_id = its_round.project_id if its_round else row.project_id or 0
            project = session.get_one(projects.Project, project_id)
            period = f" {its_round.period_start} – {its_round.period_end}" if its_round else ""
            found.append(
                Line(
                    row.id, f"{project.name}{period}",
                    f"/projects?project={project_id}"
                    + (f"&round={row.round_id}" if row.round_id else ""),
                    _land.moment(row.recorded_at), row.text,
                    f"{who.name}，{who.contact}" if who else t("（不公开）", "(not shown)"),
                    row.answer, row.outcome,
                )
            )  # fmt: skip
        return found


def show(me: Actor) -> None:
    """Each objection with its answer, or the form to answer it."""
    found = lines(me)
    if not found:
        _kit.empty(
            t(
                "没有收到异议。公众在公开的“公示”页面提出的异议会出现在这里。",
                "No objections. What the public sends from the notices page appears here.",
            )
        )
    for one in found:
        with st.container(border=True, key=f"objection-{one.id}"):
            _kit.heading(t(f"异议 {one.id}", f"Objection {one.id}"), *_chips(one))
            _kit.facts(
                [
                    (t("公示事项", "Notice"), _kit.link(one.about, one.address)),
                    (t("收到", "Received"), one.received),
                    (t("异议人", "From"), one.who),
                    (t("理由", "Reason"), one.text),
                    *([(t("答复", "Answer"), one.answer)] if one.answer else []),
                ]
            )
            if one.answer is None and me.roles & ANSWERING:
                _answer_form(me, one)


def _chips(one: Line) -> list[_kit.Html]:
    if one.outcome is None:
        return [_kit.chip(t("待答复", "Waits"), _words.AMBER)]
    zh, en, colour = OUTCOMES[Outcome(one.outcome)]
    return [_kit.chip(t(zh, en), colour)]


def _answer_form(me: Actor, one: Line) -> None:
    outcome = st.radio(
        t("异议是否成立", "Does it stand?"), list(OUTCOMES), index=None, horizontal=True,
        format_func=lambda code: t(*OUTCOMES[code][:2]), key=f"objection.outcome.{one.id}",
    )  # fmt: skip
    words = st.text_area(
        t("答复（业主和核证机构可见，请勿写异议人的姓名）", "Answer (owner and verifier read it)"),
        key=f"objection.words.{one.id}", max_chars=objections.TEXT_LENGTH_MAX,
    )  # fmt: skip
    if st.button(
        t("答复", "Answer"), key=f"objection.send.{one.id}", type="primary",
        disabled=not (outcome and words.strip()),
    ):  # fmt: skip
        with explained():
            with db.transaction(me) as session:
                rounds.answer_objection(session, me, one.id, words=words, outcome=str(outcome))
            say_done(t(f"异议 {one.id} 已答复。", f"Objection {one.id} is answered."))

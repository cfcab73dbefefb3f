"""Page: verification. The claim left, findings right; submitted only when every part was seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from pages import (
    _kit,
    _land,
    _maps,
    _second_measurement,
    _session,
    _statements,
    _why,
    _why_errors,
    _why_story,
    _words,
)
from pages._kit import Column
from pages._project_card import Card, RoundLine, load_card
from pages._session import explained, plain, say_done
from pages._why_story import Story
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.crediting import projects, rounds, ticks, verification
from sinks.crediting.rounds import Status

WAITING = (Status.PUBLIC_NOTICE, Status.UNDER_VERIFICATION, Status.FINDINGS)
DONE = (Status.VERIFIED, Status.RECORDED, Status.ISSUED)
# In the narrow column a number must not hide behind the edge: words run over several lines.
WRAPPED = """<style>
.st-key-claim .sinks-table th, .st-key-claim .sinks-table td { padding: 5px 8px; font-size: .86rem; }
.st-key-claim .sinks-table td:not(.n) { white-space: normal; }
</style>"""
# What a verifier has to have seen before a project is validated.
PROJECT_FIELDS: Mapping[str, tuple[str, str]] = {
    "parcels": ("地块、权属与边界", "Parcels, rights and outlines"),
    "method": ("方法的适用条件", "Conditions of the method"),
    "strata": ("分层", "Strata"),
    "baseline": ("基准线依据", "What the baseline rests on"),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A project or a round in the queue."""

    kind: str  # project or round
    id: int
    title: str
    owner: str
    status: str
    notice_ends_on: date | None


def queue(me: Actor) -> list[Waiting]:
    """What waits for a verifier, and below it what has been verified."""
    with db.transaction(me) as session:
        known = {project.id: (project, owner.name) for project, owner in projects.listing(session)}
        found = [
            Waiting(
                "project", row.id, f"{row.code} {row.name}", owner, row.status, row.notice_ends_on
            )
            for row, owner in known.values()
            if row.status == projects.Status.PUBLIC_NOTICE
        ]
        for row in rounds.in_status(session, *WAITING, *DONE):
            project, owner = known[row.project_id]
            title = f"{project.name} · {row.period_start} → {row.period_end}"
            found.append(Waiting("round", row.id, title, owner, row.status, row.notice_ends_on))
    return sorted(found, key=lambda one: one.status in DONE)


def show_queue(me: Actor) -> None:
    """The queue, each line leading to its work."""
    found = queue(me)
    if not found:
        _kit.empty(
            t(
                "没有待核证的项目或监测期。公示期满的会出现在这里。",
                "Nothing to verify. What has passed its notice appears here.",
            )
        )
        return
    _kit.table(
        [
            {
                "title": _kit.link(
                    t("审定 · ", "Validate · ") + one.title if one.kind == "project"
                    else t("核证 · ", "Verify · ") + one.title,
                    f"/verification?{one.kind}={one.id}",
                ),
                "owner": one.owner,
                "state": _kit.state_chip(
                    _words.PROJECT if one.kind == "project" else _words.ROUND, one.status
                ),
                "until": one.notice_ends_on,
            }
            for one in found
        ],
        [
            Column("title", t("事项", "Item")),
            Column("owner", t("申报人", "Owner")),
            Column("state", t("状态", "State")),
            Column("until", t("公示至", "Notice until")),
        ],
    )  # fmt: skip


def show_project(me: Actor, card: Card) -> None:
    """A project to validate: what it claims left, the opinion right."""
    _kit.heading(f"{card.code} {card.name}", _kit.state_chip(_words.PROJECT, card.status))
    left, right = st.columns([3, 2])
    with left:
        _maps.show_map(
            f"validate-{card.id}", [_land.feature(row) for row in card.parcels], height=360,
            legend=_land.legend(card.parcels), around=_land.county_outlines(),
            basemaps=_land.basemaps(), review_number=_land.review_number(),
        )  # fmt: skip
        _kit.facts(
            [
                (t("项目业主", "Owner"), card.owner),
                (t("面积", "Area"), _words.mu_ha(card.area_m2)),
                (t("地块", "Parcels"), len(card.parcels)),
                (t("层", "Strata"), "、".join(sorted(set(card.strata.values())))),
                (t("样地", "Plots"), len(card.plots)),
                (t("方法", "Method"), card.method_id),
                (t("基准线", "Baseline"), card.baseline),
                (t("公示至", "Notice until"), card.notice_ends_on),
            ]
        )
        if card.stated is not None:
            _statements.show([card.stated])
        _kit.table(
            [
                {"code": row.code, "name": row.name, "stratum": card.strata[row.id],
                 "area": _words.mu(row.area_m2),
                 "state": _kit.state_chip(_words.PARCEL, row.status)}
                for row in card.parcels
            ],
            [
                Column("code", t("地块", "Parcel")), Column("name", t("名称", "Name")),
                Column("stratum", t("层", "Stratum")),
                Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
                Column("state", t("状态", "State")),
            ],
        )  # fmt: skip
    with right:
        if Role.VERIFIER not in me.roles or card.status != projects.Status.PUBLIC_NOTICE:
            _kit.empty(t("只供查看。", "To look at only."))
            return
        seen = tick_all(me, f"project:{card.id}", PROJECT_FIELDS)
        statement = st.text_area(
            t("审定意见", "Opinion"), key=f"validate.{card.id}.words", height=160
        )
        sentence = t(
            f"将以“{me.party_name}”的名义审定项目“{card.name}”，并提交主管部门备案。提交后不能撤回。",
            f"Project “{card.name}” is validated in the name of {me.party_name} and goes to the "
            "authority. This cannot be taken back.",
        )
        if _kit.confirm(
            f"validate.{card.id}", sentence, t("提交审定意见", "Submit the opinion"),
            disabled=not (seen and statement.strip()),
        ):  # fmt: skip
            with explained():
                with db.transaction(me) as session:
                    projects.validate(session, me, card.id, statement)
                say_done(t("已审定。", "Validated."))


def tick_all(me: Actor, subject: str, fields: Mapping[str, tuple[str, str]]) -> bool:
    """A box for each part that has to be seen; whether all are ticked."""
    st.caption(t("逐项查看后勾选，全部勾选才能提交。", "Tick each part once seen; all are needed."))
    kept = ticked(me, subject)
    return all([tick(me, subject, field, t(*words), kept) for field, words in fields.items()])


def ticked(me: Actor, subject: str) -> set[str]:
    """The parts of a project or run that this person has ticked before."""
    with db.transaction(me) as session:
        return ticks.seen(session, me, subject)


def tick(me: Actor, subject: str, field: str, label: str, kept: set[str]) -> bool:
    """One box, kept in the registry: a closed browser loses no work."""
    key = f"seen.{subject}.{field}"

    def keep() -> None:
        with explained(), db.transaction(me) as session:
            ticks.mark(session, me, subject, field, ticked=bool(st.session_state[key]))

    return st.checkbox(label, value=field in kept, key=key, on_change=keep)


def show_round(me: Actor, card: Card, row: RoundLine) -> None:
    """A round: the claim left, part by part, findings and statement right."""
    _kit.heading(f"{card.name} · {row.title}", _kit.state_chip(_words.ROUND, row.status))
    st.caption(f"{card.code} · {card.owner}")
    story = _why_story.load(me, row.id)
    if story is None:
        _kit.empty(t("这个监测期还没有核算。", "This round has not been measured yet."))
        return
    _why.show_result(story)
    working = Role.VERIFIER in me.roles and row.status in (
        Status.UNDER_VERIFICATION,
        Status.FINDINGS,
    )
    if card.plots:
        with st.expander(
            t("样地抽样与盲测复测", "The sample, and the blind second measurement"),
            expanded=working,
        ):
            _second_measurement.show(me, card.id, row.id, working=working)
    left, right = st.columns([3, 2])
    with left:
        st.subheader(t("申报内容", "The claim"))
        st.html(WRAPPED)
        with st.container(key="claim"):
            seen = show_claim(me, story, row, ticking=working)
    with right:
        st.subheader(t("核证发现", "Findings"))
        show_findings(row)
        if Role.VERIFIER in me.roles:
            act(me, row, story, seen=seen)
    if st.toggle(t("看像元、复算", "Cells, and measure again"), key=f"deep.{row.id}"):
        _why.show_reasons(me, story)


def show_claim(me: Actor, story: Story, row: RoundLine, *, ticking: bool) -> bool:
    """Each part of the claim in a fold of its own; whether every one was ticked as seen."""
    parts: Mapping[str, Callable[[Story], None]] = {
        "parcels": _why.show_parcels,
        "layers": _why.show_layers,
        "plots": _why.show_plots,
        "records": _why.show_records,
        "facts": _why.show_stated,
        "quantity": _why.show_steps,
        "deduction": _why_errors.show_errors,
        "factors": _why.show_factors,
        "policies": _why.show_policies,
        "notices": _show_notices,
    }
    seen = []
    # Named after the run: what was measured again has to be seen again.
    subject = f"run:{story.run_id}"
    kept = ticked(me, subject) if ticking else set()
    for field, show in ((field, parts[field]) for field in _why.fields_of(story)):
        pinned = [item for item in row.findings if item.field == field]
        label = _why.field_word(field)
        if pinned:
            label += t(f" · 整改项 {len(pinned)}", f" · {len(pinned)} findings")
        done = st.session_state.get(f"seen.{subject}.{field}", field in kept)
        with st.expander(f"{label}{' ✓' if done else ''}"):
            show(story)
            if ticking:
                seen.append(tick(me, subject, field, t("已查看", "Seen"), kept))
    return ticking and all(seen)


def _show_notices(story: Story) -> None:
    if not story.result["warnings"] and not story.result["refusals"]:
        st.write(t("没有提醒，也没有拒绝。", "None."))
    for notice in story.result["refusals"]:
        st.error(plain(notice["message"]))
    for notice in story.result["warnings"]:
        st.warning(plain(notice["message"]))


def show_findings(row: RoundLine) -> None:
    """Findings with their answers, oldest first."""
    if not row.findings:
        st.caption(t("还没有提出整改。", "None raised."))
    for item in row.findings:
        with st.container(border=True, key=f"finding-{item.id}"):
            chip = (
                _kit.chip(t("已答复", "answered"), _words.GREEN)
                if item.answer
                else _kit.chip(t("待业主答复", "with the owner"), _words.AMBER)
            )
            _kit.heading(_why.field_word(item.field), chip)
            st.write(plain(item.text))
            if item.answer:
                st.caption(t("答复：", "Answer: ") + plain(item.answer))


def act(me: Actor, row: RoundLine, story: Story, *, seen: bool) -> None:
    """What the verifier can do now."""
    if row.status == Status.PUBLIC_NOTICE:
        st.caption(t(f"公示至 {row.notice_ends_on}。", f"On notice until {row.notice_ends_on}."))
        if st.button(t("受理核证", "Take it up"), key=f"begin.{row.id}", type="primary"):
            with explained():
                with db.transaction(me) as session:
                    verification.begin(session, me, row.id)
                say_done(t("已受理，开始核证。", "Taken up."))
        return
    if row.status not in (Status.UNDER_VERIFICATION, Status.FINDINGS):
        if row.statement:
            _kit.facts([(t("核证意见", "Statement"), row.statement)])
        return
    finding_form(me, row, _why.fields_of(story))
    if row.status == Status.FINDINGS:
        st.info(
            t(
                "整改项全部答复后才能提交核证意见；业主重新核算的，须重新逐项查看。",
                "Every finding has to be answered first; a new run has to be seen anew.",
            )
        )
        return
    verify_form(me, row, story, seen=seen)


def finding_form(me: Actor, row: RoundLine, fields: Sequence[str]) -> None:
    """Pin a finding to a part of the claim."""
    with st.form(f"finding.{row.id}", clear_on_submit=True):
        field = st.selectbox(
            t("针对", "About"), list(fields), format_func=_why.field_word,
            key=f"finding.{row.id}.field",
        )  # fmt: skip
        words = st.text_area(t("发现的问题", "What was found"), key=f"finding.{row.id}.words")
        sent = st.form_submit_button(t("提出整改", "Raise the finding"))
    if sent:
        with explained():
            with db.transaction(me) as session:
                verification.raise_finding(session, me, row.id, field=field, words=words)
            say_done(t("已提出整改，退回业主答复。", "Raised; the owner answers it."))


def verify_form(me: Actor, row: RoundLine, story: Story, *, seen: bool) -> None:
    """The statement, open only when every part of the claim was seen."""
    statement = st.text_area(t("核证意见", "Statement"), key=f"verify.{row.id}.words", height=140)
    if not seen:
        st.caption(
            t(
                "左侧各项全部勾选“已查看”后才能提交。",
                "Tick every part on the left as seen first.",
            )
        )
    result: dict[str, Any] = story.result
    sentence = t(
        f"将以“{me.party_name}”的名义核证：净碳汇量 {result['net_co2_t']:,.3f} 吨，"
        f"可签发 {result['issuable_kg']:,} 千克。提交后不能撤回，交主管部门备案。",
        f"Verified in the name of {me.party_name}: net {result['net_co2_t']:,.3f} t, "
        f"{result['issuable_kg']:,} kg issuable. This cannot be taken back.",
    )
    if _kit.confirm(
        f"verify.{row.id}", sentence, t("提交核证意见", "Submit the statement"),
        disabled=not (seen and statement.strip()),
    ):  # fmt: skip
        with explained():
            with db.transaction(me) as session:
                verification.verify(session, me, row.id, statement, run_id=story.run_id)
            say_done(t("已核证，等待主管部门备案。", "Verified; the authority records it next."))


def _asked(me: Actor) -> tuple[Card, RoundLine | None] | None:
    """The project, and the round if one is named, that the address asks for."""
    named, by_round = (st.query_params.get(name, "") for name in ("project", "round"))
    if by_round.isdigit():
        with explained(), db.transaction(me) as session:
            named = str(rounds.get(session, int(by_round)).project_id)
    if not named.isdigit():
        return None
    card = load_card(me, int(named))
    if card is None:
        return None
    return card, next((row for row in card.rounds if str(row.id) == by_round), None)


def main() -> None:
    """The queue, or the item that is asked for."""
    me = _session.page(t("核证", "Verification"), Role.VERIFIER, Role.COOPERATIVE, Role.DEVELOPER)
    asked = _asked(me)
    if asked is None:
        show_queue(me)
        return
    if st.button(t("← 核证事项", "← All items"), key="back", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    card, row = asked
    if row is None:
        show_project(me, card)
    else:
        show_round(me, card, row)


main()

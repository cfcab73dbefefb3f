"""The monitoring rounds of a project: open, measure, publish, answer, and every run."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import streamlit as st

from methodologies import catalogue
from pages import _kit, _layer_card, _statements, _why, _why_story, _words
from pages._kit import Column
from pages._project_card import Card, RoundLine, RunLine
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import openings, projects, rounds, verification
from sinks.measurement import layers

# While the owner may measure, and file what is missing.
MEASURED = (rounds.Status.OPEN, rounds.Status.MEASURED, rounds.Status.FINDINGS)


def show_rounds(me: Actor, card: Card) -> None:
    """The rounds of a project, one at a time, newest first."""
    if not card.rounds:
        _kit.empty(
            t(
                "还没有监测期。登记好各年的活动记录后开启；开启时冻结地块和记录。",
                "No rounds yet. Open one once the records are in; parcels and records are frozen then.",
            )
            if card.by_records
            else t(
                "还没有监测期。样地两期都调查后填报本期事实并开启；开启时冻结地块、样地和填报。",
                "No rounds yet. State the period and open one once plots are visited twice.",
            )
            if card.stated is not None
            else t(
                "还没有监测期。选好期初、期末两期图层后开启；开启时冻结地块、图层和样地。",
                "No rounds yet. Open one over two layers; parcels, layers and plots are frozen then.",
            )
        )
    else:
        newest = list(reversed(card.rounds))
        asked = st.query_params.get("round", "")
        first = next((n for n, row in enumerate(newest) if str(row.id) == asked), 0)
        chosen = newest[first]
        if len(newest) > 1:
            chosen = st.selectbox(
                t("监测期", "Round"), newest, index=first, key=f"round.{card.id}",
                format_func=lambda row: f"{row.title} · {_words.ROUND[row.status].word}",
            )  # fmt: skip
        show_round(me, card, chosen)
    if card.mine and card.status != projects.Status.REJECTED:
        with st.expander(t("开启新的监测期", "Open a new round"), expanded=not card.rounds):
            if card.by_records:
                open_by_records(me, card)
            else:
                open_stated(me, card)


def open_by_records(me: Actor, card: Card) -> None:
    """Choose whole years and freeze."""
    this_year = date.today().year
    first = max([row.period_end.year for row in card.rounds], default=card.practice_from_year)
    left, right = st.columns(2)
    start = left.number_input(
        t("起始年（自 1 月 1 日）", "First year"), min_value=card.practice_from_year,
        max_value=this_year, value=min(first or this_year, this_year), step=1, key="open.first",
    )  # fmt: skip
    end = right.number_input(
        t("终止年（含，至 12 月 31 日）", "Last year, included"), min_value=int(start),
        max_value=this_year, value=int(start), step=1, key="open.last",
    )  # fmt: skip
    period_start, period_end = date(int(start), 1, 1), date(int(end) + 1, 1, 1)
    sentence = t(
        f"将开启 {period_start} 至 {period_end}（不含当日）的监测期，冻结 {len(card.parcels)} 块地和现有的"
        "活动记录。冻结之后补充、更正的记录和修改的边界不再影响这个监测期。",
        f"A round from {period_start} to {period_end} opens: {len(card.parcels)} parcels and the "
        "records on file are frozen.",
    )
    confirm_opening(
        me, card, sentence, True,
        lambda session: openings.by_records(
            session, me, card.id, period_start=period_start, period_end=period_end
        ),
    )  # fmt: skip


def open_stated(me: Actor, card: Card) -> None:
    """State what happened in the period, choose dates or layers, and freeze."""
    facts = _statements.ask_period_facts(f"open.{card.id}", card.method_id)
    by_round = catalogue.method(card.method_id).by_round
    if by_round == "map_and_plots":
        open_form(me, card, facts)
        return
    bamboo = card.sink_type == "bamboo"
    how = "plots" if by_round == "plots" else st.radio(
        t("核算用", "Measured by"), ["plots", "maps"], horizontal=True, key="open.how",
        format_func=lambda one: t("只用样地", "plots alone") if one == "plots"
        else t("样地校正两期图层", "two layers corrected by plots"),
        help=t("新造幼林一般只用样地：为成林制作的生物量图看不准幼竹。",
               "Young stands by plots alone: maps made for forests do not see them."),
    )  # fmt: skip
    if how == "maps":
        open_form(me, card, facts)
        return
    left, right = st.columns(2)
    start = left.date_input(
        t("起始日", "Start"), value=None, key="open.start-day", format="YYYY-MM-DD"
    )
    end = right.date_input(
        t("终止日（不含当日）", "End, not included"), value=None, key="open.end-day",
        format="YYYY-MM-DD",
    )  # fmt: skip
    st.caption(
        t(
            "只计入在起始日、终止日前后 31 天内各调查过一次的样地；两个日期须相隔 2 年的整数倍（大小年）。",
            "Plots visited within 31 days of both dates count; the dates are pairs of years apart.",
        )
        if bamboo
        else t(
            "只计入在起始日、终止日前后 31 天内各调查过一次的样地。",
            "Plots visited within 31 days of both dates count.",
        )
    )
    sentence = t(
        f"将开启 {start} 至 {end}（不含当日）的监测期，冻结 {len(card.parcels)} 块地、样地、项目事实和本期填报。"
        "冻结之后都不能再改。",
        f"A round from {start} to {end} opens: parcels, plots and statements are frozen for good.",
    )
    ready = _statements.complete(facts) and bool(start and end)
    confirm_opening(
        me, card, sentence, ready,
        lambda session: openings.by_plots(
            session, me, card.id, period_start=start, period_end=end, facts=facts
        ),
    )  # fmt: skip


def open_form(me: Actor, card: Card, facts: Mapping[str, Any]) -> None:
    """Choose two layers and freeze, with what is stated of the period."""
    with db.transaction(me) as session:
        known = {
            layer.id: (
                layer.epoch,
                f"{layer.name} · {layer.epoch} · {t(*_layer_card.PHASES[layer.phase])}",
            )
            for layer in layers.listing(session, variable="agb")
        }
    if len(known) < 2:
        _kit.empty(
            t(
                "至少需要两期地上生物量图层。请先在“图层”中登记。",
                "Two layers of biomass are needed. Register them first.",
            )
        )
        return
    by_date = sorted(known, key=lambda layer_id: known[layer_id][0])
    left, right = st.columns(2)
    start = left.selectbox(
        t("期初图层", "Layer at start"), by_date, format_func=lambda one: known[one][1],
        key="open.start",
    )  # fmt: skip
    end = right.selectbox(
        t("期末图层", "Layer at end"), by_date, index=len(by_date) - 1,
        format_func=lambda one: known[one][1], key="open.end",
    )  # fmt: skip
    twice = sum(len(plot.visited_on) > 1 for plot in card.plots)
    sentence = t(
        f"将开启 {known[start][0]} 至 {known[end][0]} 的监测期，冻结 {len(card.parcels)} 块地、两期图层和 "
        f"{twice} 个两期都调查过的样地。冻结之后，补充的样地和修改的边界不再影响这个监测期。",
        f"A round from {known[start][0]} to {known[end][0]} opens: {len(card.parcels)} parcels, two "
        f"layers and {twice} plots visited twice are frozen.",
    )
    ready = _statements.complete(facts)
    confirm_opening(
        me, card, sentence, ready,
        lambda session: openings.by_layers(
            session, me, card.id, layer_start_id=start, layer_end_id=end, facts=facts
        ),
    )  # fmt: skip


def confirm_opening(
    me: Actor, card: Card, sentence: str, ready: bool,
    open_round: Callable[[Any], rounds.MonitoringRound],
) -> None:  # fmt: skip
    """Say what is frozen, open the round on the second press, and lead to it."""
    if _kit.confirm(
        f"open.{card.id}", sentence, t("开启监测期", "Open the round"), disabled=not ready
    ):
        with explained():
            with db.transaction(me) as session:
                round_id = open_round(session).id
            st.query_params["round"] = str(round_id)
            say_done(t("监测期已开启，可以核算。", "The round is open and can be measured."))


def show_round(me: Actor, card: Card, row: RoundLine) -> None:
    """One round: where it stands, what to do, its runs, and why the number."""
    _kit.heading(row.title, _kit.state_chip(_words.ROUND, row.status))
    _kit.timeline(row.steps)
    if row.filing_no:
        _kit.facts([(t("碳汇量备案号", "Filing number"), row.filing_no)])
    if row.status == rounds.Status.PUBLIC_NOTICE:
        st.caption(t(f"公示至 {row.notice_ends_on}。", f"On notice until {row.notice_ends_on}."))
    if row.statement:
        st.caption(t("核证意见：", "Verifier's statement: ") + plain(row.statement))
    show_left_out(me, card, row)
    _statements.show_round(me, row.id, mine=card.mine and row.status in MEASURED)
    show_findings(me, card, row)
    if card.mine:
        act_on_round(me, card, row)
    if not row.runs:
        _kit.empty(t("尚未核算。", "Not measured yet."))
        return
    run_id = show_runs(row)
    story = _why_story.load(me, row.id, run_id)
    if story is None:
        return
    _why.show_result(story)
    if st.toggle(
        t("为什么这个数", "Why this number"), value="why" in st.query_params, key=f"why.{row.id}"
    ):
        _why.show_reasons(me, story)
    else:
        _why.show_notices(story)


def show_left_out(me: Actor, card: Card, row: RoundLine) -> None:
    """The project's parcels that this round does not have: nobody should have to miss them."""
    with db.transaction(me) as session:
        held = {one.parcel_id for one in rounds.round_parcels(session, row.id)}
    codes = [parcel.code for parcel in card.parcels if parcel.id not in held]
    gone = [one for one in card.left if one.left_at <= row.opened_at]
    if gone:
        said = "；".join(f"{one.code}（{one.reason}）" for one in gone)
        st.warning(
            plain(
                t(
                    f"{len(gone)} 块地在开启前已退出项目，本监测期不含：{said}。",
                    f"{len(gone)} parcels had left the project before this round opened: {said}.",
                )
            )
        )
    if codes:
        named = "、".join(codes[:5]) + (f" 等 {len(codes)} 块" if len(codes) > 5 else "")
        st.warning(
            t(
                f"本监测期不含项目的 {len(codes)} 块地：{named}。开启时它们暂停、已退出，或有存疑、争议未决；"
                "什么也不计入。详见地块卡。",
                f"{len(codes)} parcels of the project are not in this round: {', '.join(codes[:5])}. They "
                "were suspended, withdrawn or in doubt when it opened, and earn nothing.",
            )
        )


def show_runs(row: RoundLine) -> int:
    """Every run, also those not submitted; the id of the one to look at."""
    _kit.table(
        [
            {
                "at": run.at, "by": run.by, "net": f"{run.net_t:,.2f}", "kg": run.issuable_kg,
                "state": _run_chip(run, submitted=run.id == row.run_id),
            }
            for run in row.runs
        ],
        [
            Column("at", t("核算时间", "Measured at")),
            Column("by", t("核算人", "By")),
            Column("net", t("净碳汇量", "Net"), "tCO₂e", number=True),
            Column("kg", t("可签发", "Issuable"), "kg CO₂e", number=True),
            Column("state", t("用途", "Use")),
        ],
    )  # fmt: skip
    if len(row.runs) == 1:
        return row.runs[0].id
    labels = {run.id: f"{run.at} · {run.issuable_kg:,} kg" for run in row.runs}
    return st.selectbox(
        t("查看哪一次核算", "Which run"), list(labels), format_func=labels.__getitem__,
        index=list(labels).index(row.run_id) if row.run_id in labels else 0, key=f"run.{row.id}",
    )  # fmt: skip


def _run_chip(run: RunLine, *, submitted: bool) -> _kit.Html:
    if run.refusals:
        return _kit.chip(t("方法拒绝签发", "refused by the method"), _words.RED)
    if not run.in_force:
        return _kit.chip(t("用了建议值，仅供查看", "suggested values, to look at"), _words.AMBER)
    if submitted:
        return _kit.chip(t("本期采用", "the one that counts"), _words.GREEN)
    return _kit.chip(t("留存", "kept"), _words.GREY)


def act_on_round(me: Actor, card: Card, row: RoundLine) -> None:
    """Measure and publish, as far as the round's state allows it."""
    if row.status in MEASURED:
        word = t("核算", "Measure") if not row.runs else t("重新核算", "Measure again")
        if st.button(
            word, key=f"measure.{row.id}", type="primary" if not row.runs else "secondary"
        ):
            with explained():
                with (
                    st.spinner(t("正在核算……", "Measuring…")),
                    db.transaction(me) as session,
                ):
                    kg = rounds.measure(session, me, row.id).result["issuable_kg"]
                say_done(t(f"已核算：可签发 {kg:,} kg。", f"Measured: {kg:,} kg issuable."))
    if row.status == rounds.Status.MEASURED:
        newest = row.runs[0]
        sentence = t(
            f"将公示{row.title}的核算结果：净碳汇量 {newest.net_t:,.2f} 吨，可签发 {newest.issuable_kg:,} 千克。"
            "公示后不能再改（核证要求整改时除外），由核证机构核证。",
            f"The result of {row.title} goes on notice: net {newest.net_t:,.2f} t, "
            f"{newest.issuable_kg:,} kg issuable. It cannot be changed after that.",
        )
        if _kit.confirm(
            f"publish-round.{row.id}", sentence, t("公示核算结果", "Publish the result")
        ):
            with explained():
                with db.transaction(me) as session:
                    ends_on = rounds.publish(session, me, row.id).notice_ends_on
                say_done(t(f"已公示，至 {ends_on}。", f"On notice until {ends_on}."))


def show_findings(me: Actor, card: Card, row: RoundLine) -> None:
    """The verifier's findings with their answers; the owner answers the open ones."""
    for item in row.findings:
        with st.container(border=True, key=f"finding-{item.id}"):
            state = (
                _kit.chip(t("已答复", "answered"), _words.GREEN)
                if item.answer
                else _kit.chip(t("待答复", "open"), _words.AMBER)
            )
            _kit.heading(t("整改项", "Finding") + f" · {_why.field_word(item.field)}", state)
            st.write(plain(item.text))
            if item.answer:
                st.caption(t("答复：", "Answer: ") + plain(item.answer))
            elif card.mine:
                answer = st.text_area(t("整改情况", "What was done"), key=f"answer.{item.id}")
                if st.button(t("答复", "Answer"), key=f"answer-send.{item.id}", type="primary"):
                    with explained():
                        with db.transaction(me) as session:
                            verification.answer_finding(session, me, item.id, answer)
                        say_done(t("已答复。", "Answered."))

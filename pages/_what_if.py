"""What a run's amount hangs on, and what it would be under other policies."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from methodologies import by_stratum, catalogue, deductions
from methodologies import what_if as movements
from methodologies.what_if import Outcome
from pages import _kit, _words
from pages._kit import Column
from pages._session import explained, plain
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import run_bars, what_if
from sinks.measurement.runs import Run


def show_policies(me: Actor, method_id: str, round_id: int, run_id: int) -> None:
    """Choose other decisions and see the same input under them, beside the run."""
    key = f"whatif.{run_id}"
    rules = _rules_of(method_id)
    chosen = st.multiselect(
        t("扣减规则", "Deduction rules"), rules, default=rules, key=f"{key}.rules",
        format_func=lambda rule: deductions.find(rule).title_zh,
    )  # fmt: skip
    percent = st.number_input(
        t("缓冲比例（%，不填为本次的）", "Buffer (%, empty for this run's)"),
        min_value=0.0, max_value=99.0, value=None, step=1.0, key=f"{key}.buffer",
    )  # fmt: skip
    buffer = {} if percent is None else {"buffer_share": percent / 100.0}
    if not chosen:
        _kit.empty(t("请至少选择一种扣减规则。", "Choose at least one rule."))
        return
    with explained(), db.transaction(me) as session:
        run, found = what_if.under_policies(
            session, me, round_id, [{"deduction": rule, **buffer} for rule in chosen], run_id
        )
        rows = [_policy_row(one, run) for one in found]
        now = _this_run(run)
    _kit.table(
        [now, *rows],
        [
            Column("what", t("扣减规则", "Rule")),
            Column("buffer_share", t("缓冲比例", "Buffer"), number=True),
            Column("taken", t("扣减", "Taken off"), number=True),
            Column("net", t("净量", "Net"), "tCO₂e", number=True),
            Column("issuable", t("可签发", "Issuable"), "kg", number=True),
            Column("change", t("与本次相差", "Against this run"), "kg", number=True),
            Column("why", t("说明", "Note")),
        ],
    )
    st.caption(
        t(
            "同一份固定的输入，只换政策重新计算；不存档，不能据此公示或签发。采用哪一种由登记机构以政策公布。",
            "The same frozen input under other policies: kept nowhere, nothing can be issued from "
            "it. Which one holds is the registrar's to publish.",
        )
    )


def _rules_of(method_id: str) -> list[str]:
    """The deduction rules that the method's own input takes."""
    for part in catalogue.method(method_id).schema()["$defs"].values():
        if (rule := part["properties"].get("deduction")) is not None:
            return list(rule["enum"])
    return []


def _this_run(run: Run) -> dict[str, Any]:
    policy = run.input["policy"]
    rule = deductions.find(policy["deduction"]).title_zh
    return {
        "what": t(f"本次：{rule}", f"This run: {rule}"),
        **_amounts(run.result),
        "change": "0",
        "why": "",
    }


def _policy_row(one: Outcome, run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {"what": deductions.find(one.changes["deduction"]).title_zh}
    if one.result is None:
        return {**row, "why": plain(one.refusal or "")}
    return {
        **row,
        **_amounts(one.result),
        "change": f"{one.result['issuable_kg'] - run.result['issuable_kg']:+,}",
        "why": plain("；".join(refusal["message"] for refusal in one.result["refusals"])),
    }


def _amounts(result: Mapping[str, Any]) -> dict[str, Any]:
    share = result["intermediate"].get("buffer_share")
    return {
        "buffer_share": None if share is None else _words.share(share),
        "taken": _words.share(result["deduction_share"]),
        "net": f"{result['net_co2_t']:,.3f}",
        "issuable": f"{result['issuable_kg']:,}",
    }


def show_swings(method_id: str, given: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """What each pool brings, and how far factors and measured numbers move the net amount."""
    _kit.heading(t("各部分的贡献", "What each part brings"))
    _kit.bars(run_bars.parts(result))
    _kit.heading(t("哪些数最要紧", "Which numbers matter most"))
    with st.spinner(t("正在逐个试算……", "Trying one after the other…")):
        found = run_bars.swings(by_stratum.of_round(method_id), given, result)
    if not found:
        _kit.empty(t("没有一个数会改变净量。", "No number changes the net amount."))
        return
    _kit.bars(found)
    net, step = result["net_co2_t"], movements.INPUT_STEP_SHARE
    st.caption(
        t(
            f"净量现为 {net:,.3f} tCO₂e。因子各减、加一个标准差，实测数各减、加 {step:.0%}"
            "（同一列的数一起变），其余不变，重新计算。",
            f"The net amount is {net:,.3f} tCO₂e. Factors are moved by one standard deviation, "
            f"measured numbers by {step:.0%}, down and up, all else as it is.",
        )
    )

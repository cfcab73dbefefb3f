"""Why this number, in a round by records: strata, the method's numbers in each, and the records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages import _kit, _words
from pages._kit import Column
from pages._words import t
from sinks.crediting import balances, round_records
from sinks.crediting.run_words import LABELS
from sinks.land import parcels
from sinks.measurement import activity_records, activity_words


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """A frozen record as the claim shows it."""

    id: int
    code: str
    year: int
    words: str
    evidence: tuple[tuple[int, str, str], ...]  # document id, name, sha256


def load(session: Any, round_id: int) -> list[RecordFacts]:
    """The frozen records of a round."""
    rows = round_records.of_round(session, round_id)
    codes = parcels.codes_of(session, [row.parcel_id for row in rows])
    filed = activity_records.evidence_of(session, [row.id for row in rows])
    return [
        RecordFacts(
            row.id,
            codes[row.parcel_id],
            row.year,
            activity_words.values_words(
                row.kind, row.values or {}, english=_words.lang() == "en", short=True
            ),
            tuple((one.id, one.name, one.sha256) for one in filed.get(row.id, [])),
        )
        for row in rows
    ]


def equation(result: Mapping[str, Any]) -> str:
    """The amount on one line: the strata added up."""
    strata = result["intermediate"]["strata"]
    parts = " + ".join(
        f"{row['gross_co2_t']:,.3f}（{t('层', 'stratum')} {row['id']}）" for row in strata
    )
    return f"{result['gross_co2_t']:,.3f} tCO₂e = {parts}"


def steps(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """From the sum of the strata to whole kilograms, one row a step."""
    m = result["intermediate"]
    rows = [
        (t("各层之和", "Sum of the strata"), "", result["gross_co2_t"], "tCO₂e"),
        (
            t("扣减不确定性后", "After the deduction"),
            t("各层按各自的不确定性扣减", "each stratum by its own uncertainty"),
            m["conservative_co2_t"],
            "tCO₂e",
        ),
        (
            t("减新增排放、泄漏", "Less added emissions, leakage"),
            t("按均值全额扣除", "taken in full"),
            m["net_before_debit_co2_t"] - m["conservative_co2_t"],
            "tCO₂e",
        ),
        (
            t("减上期结转", "Less debit carried"),
            "" if m["carried_debit_kg"] else t("没有结转", "none carried"),
            -m["carried_debit_kg"] / 1000,
            "tCO₂e",
        ),
        (t("净量", "Net"), "", result["net_co2_t"], "tCO₂e"),
        (
            t("减缓冲", "Less buffer"),
            "" if result["buffer_co2_t"] else t("减排不计缓冲", "reductions bear no buffer"),
            -result["buffer_co2_t"],
            "tCO₂e",
        ),
    ]
    found = [
        {"name": name, "formula": said, "value": f"{value or 0.0:,.3f}", "unit": unit}
        for name, said, value, unit in rows
    ]
    issuable = {
        "name": t("可签发", "Issuable"), "formula": t("向下取整到千克", "rounded down to kg"),
        "value": f"{result['issuable_kg']:,}", "unit": "kg CO₂e",
    }  # fmt: skip
    return [*found, issuable]


def show_strata(result: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """What each stratum brings, and the method's own numbers for the one chosen."""
    strata = result["intermediate"]["strata"]
    areas: dict[str, float] = {}
    for parcel in given["parcels"]:
        areas[parcel["stratum"]] = areas.get(parcel["stratum"], 0.0) + parcel["area_ha"]
    _kit.table(
        [
            {
                "id": row["id"],
                "area": f"{areas[row['id']] * 15:,.2f}",
                "gross": f"{row['gross_co2_t']:,.3f}",
                "stderr": None if row["stderr_co2_t"] is None else f"{row['stderr_co2_t']:,.3f}",
                "taken": _words.share(row["deduction_share"]),
                "net": f"{row['net_co2_t']:,.3f}",
            }
            for row in strata
        ],
        [
            Column("id", t("层", "Stratum")),
            Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
            Column("gross", t("估计量", "Estimate"), "tCO₂e", number=True),
            Column("stderr", t("标准误", "Std. error"), "tCO₂e", number=True),
            Column("taken", t("扣减", "Taken off"), number=True),
            Column("net", t("净量", "Net"), "tCO₂e", number=True),
        ],
    )
    names = [row["id"] for row in strata]
    chosen = names[0]
    if len(names) > 1:
        chosen = st.selectbox(t("看一层的各个数", "Numbers of one stratum"), names)
    row = next(row for row in strata if row["id"] == chosen)
    with st.expander(t(f"层 {chosen} 的中间结果", f"Intermediate numbers of stratum {chosen}")):
        _kit.table(
            [{"name": name, "value": value} for name, value in _flat(row["result"])],
            [
                Column("name", t("名称", "Name")),
                Column("value", t("数值", "Value"), number=True),
            ],
        )


def show_balance(result: Mapping[str, Any]) -> None:
    """What the land takes up and gives off, beside the difference that can be credited."""
    terms = balances.of(result)
    if not terms:
        return
    names = {**activity_words.BALANCE_TERMS, "total": ("合计", "Total")}
    _kit.heading(t("收支与增量", "Balance and difference"))
    _kit.table(
        [
            {
                "name": t(*names[term.name]),
                "balance": f"{term.balance:+,.3f}",
                "baseline": None if term.baseline is None else f"{term.baseline:+,.3f}",
                "delta": None if term.delta is None else f"{term.delta:+,.3f}",
            }
            for term in terms
        ],
        [
            Column("name", t("分量", "Term")),
            Column("balance", t("收支（ABS）", "Balance (ABS)"), "tCO₂e", number=True),
            Column("baseline", t("基线收支", "Baseline"), "tCO₂e", number=True),
            Column("delta", t("增量（DELTA）", "Difference (DELTA)"), "tCO₂e", number=True),
        ],
    )
    st.caption(
        t(
            "吸收为正，排放为负。收支（ABS）只供了解，从不签发；能签发的只有项目比基线多出的增量"
            "（DELTA），没有基线就没有增量。",
            "Removal is positive. The balance (ABS) is information and never issued; only what the "
            "project adds to the baseline (DELTA) can be.",
        )
    )


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Every named number, those inside others with the names of both."""
    for name, value in values.items():
        label = f"{before}{LABELS.get(name, name)}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{label} · ")
        elif isinstance(value, list):
            for number, item in enumerate(value, start=1):
                if isinstance(item, Mapping):
                    yield from _flat(item, f"{label} {number} · ")
        elif isinstance(value, float):
            yield label, f"{value:,.6g}"
        else:
            yield label, activity_words.value_words(value, english=_words.lang() == "en")


def show_records(records: Sequence[RecordFacts]) -> None:
    """The records that the round froze, each with its evidence."""
    _kit.table(
        [
            {
                "code": row.code,
                "year": str(row.year),
                "words": row.words,
                "evidence": evidence_chip(row.evidence),
            }
            for row in records
        ],
        [
            Column("code", t("地块", "Parcel")),
            Column("year", t("年份", "Year")),
            Column("words", t("记录", "Record"), wraps=True),
            Column("evidence", t("依据", "Evidence")),
        ],
    )


def evidence_chip(documents: Sequence[tuple[int, str, str]]) -> _kit.Html:
    """The evidence of a record, or that there is none."""
    if not documents:
        return _kit.chip(t("没有依据", "no evidence"), _words.RED)
    return _kit.beside(
        *(
            _kit.link(f"{name} {sha256[:8]}…", f"/documents/{key}")
            for key, name, sha256 in documents
        )
    )


def why_nothing(result: Mapping[str, Any]) -> str:
    """Why nothing is left to issue; empty where the refusals say it."""
    if result["refusals"]:
        return ""
    if result["intermediate"]["mode"] == "ABS":
        return t(
            "没有回溯期的记录，或只是保护现状：只有收支（ABS），没有可签发的增量（DELTA）。",
            "No years before the project, or protection alone: a balance, and nothing to issue.",
        )
    net = result["net_co2_t"]
    if net < 0:
        return t(
            f"扣减后净量为 {net:,.3f} 吨：没有净减排或净增汇，负值结转抵减以后各期。",
            f"The net is {net:,.3f} t: nothing was gained, and the debit is carried forward.",
        )
    return t("扣减后不足 1 千克，没有可签发的量。", "Less than a kilogram is left after deduction.")

"""Page: policies, people and roles, the working-day calendar, the office's maps."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from pages import _accounts, _kit, _land, _session, _words
from pages._kit import Column
from pages._policy_words import value_words
from pages._session import explained, say_done
from pages._words import t
from sinks.core import db, people, policies, settings, workdays
from sinks.core.actor import Actor, Role
from sinks.core.errors import Invalid
from sinks.core.workdays import DayKind

DAY_KINDS: Mapping[str, DayKind] = {
    "rest": DayKind.REST, "休": DayKind.REST, "放假": DayKind.REST,
    "work": DayKind.WORK, "班": DayKind.WORK, "上班": DayKind.WORK,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One row of the policies."""

    id: int
    key: str
    value: Any
    legal_basis: str
    demonstration: bool
    proposed_by: str | None
    proposed_by_id: int | None
    approved_by: str | None
    valid_from: date | None
    valid_to: date | None


def policy_lines(me: Actor) -> list[PolicyLine]:
    """Every row of every policy, newest first within its key."""
    with db.transaction(me) as session:
        return [
            PolicyLine(
                row.id, row.key, row.value, row.legal_basis, row.demonstration,
                people.name_of(session, row.proposed_by_id) if row.proposed_by_id else None,
                row.proposed_by_id,
                people.name_of(session, row.approved_by_id) if row.approved_by_id else None,
                row.valid_from, row.valid_to,
            )
            for row in policies.listing(session)
        ]  # fmt: skip


def show_policies(me: Actor) -> None:
    """What is decided, what is only suggested, and what waits for the second person."""
    lines = policy_lines(me)
    with db.transaction(me) as session:
        today = db.today(session)
    _kit.table(
        [_policy_row(kind, lines, today) for kind in policies.KINDS.values()],
        [
            Column("title", t("政策", "Policy")),
            Column("now", t("现行", "In force"), number=True),
            Column("unit", t("单位", "Unit")),
            Column("state", t("状态", "State")),
            Column("suggested", t("建议值", "Suggested"), number=True),
            Column("basis", t("依据", "Legal basis")),
        ],
    )
    st.caption(
        t(
            "每一项都由一人提出、另一人批准，自今天或以后生效，不溯及既往。没有生效的政策，核算可用建议值查看，但不能签发。",
            "One person proposes, another approves, from today on, never backwards. Without a policy "
            "in force a run may look at the suggestion, and nothing is issued.",
        )
    )
    if me.roles & {Role.REGISTRAR, Role.ADMIN}:
        for line in lines:
            if line.proposed_by and not line.valid_from:
                approve_policy(me, line, today)
        propose_form(me)
    with st.expander(t("历次决定", "History")):
        show_history([line for line in lines if line.valid_from])


def _in_force(lines: list[PolicyLine], key: str, today: date) -> PolicyLine | None:
    return next(
        (
            line for line in lines
            if line.key == key and line.valid_from and line.valid_from <= today
            and (line.valid_to is None or line.valid_to > today)
        ),
        None,
    )  # fmt: skip


def _policy_row(kind: policies.Kind, lines: list[PolicyLine], today: date) -> dict[str, Any]:
    now = _in_force(lines, kind.key, today)
    coming = next(
        (
            line
            for line in lines
            if line.key == kind.key and line.valid_from and line.valid_from > today
        ),
        None,
    )
    waiting = any(
        line.key == kind.key and line.proposed_by and not line.valid_from for line in lines
    )
    if now is not None:
        chip = _kit.chip(t(f"{now.valid_from} 起生效", f"since {now.valid_from}"), _words.GREEN)
    elif coming is not None:
        chip = _kit.chip(
            t(f"将于 {coming.valid_from} 生效", f"from {coming.valid_from}"), _words.BLUE
        )
    elif waiting:
        chip = _kit.chip(t("待第二人批准", "waits for approval"), _words.AMBER)
    else:
        chip = _kit.chip(t("未决定（只有建议）", "undecided"), _words.GREY)
    if now is not None and now.demonstration:
        chip = _kit.Html(f"{chip} {_kit.chip(t('演示', 'demo'), _words.AMBER)}")
    return {
        "title": t(kind.title_zh, kind.title_en),
        "now": value_words(now.value) if now else None,
        "unit": kind.unit,
        "state": chip,
        "suggested": value_words(kind.suggested),
        "basis": now.legal_basis if now else kind.source,
    }


def approve_policy(me: Actor, line: PolicyLine, today: date) -> None:
    """A proposal, for a second person."""
    kind = policies.KINDS[line.key]
    title = t(kind.title_zh, kind.title_en)
    with st.container(border=True, key=f"policy-{line.id}"):
        _kit.facts(
            [
                (t("待批准", "Waits"), f"{title} = {value_words(line.value)} {kind.unit}"),
                (t("依据", "Legal basis"), line.legal_basis),
                (t("提出人", "Proposed by"), line.proposed_by),
            ]
        )
        if line.proposed_by_id == me.person_id:
            st.caption(t("您提出的，须由另一人批准。", "Yours; another person approves it."))
            return
        valid_from = st.date_input(
            t("生效日期", "In force from"),
            value=today,
            min_value=today,
            key=f"policy.{line.id}.from",
        )
        sentence = t(
            f"将使“{title} = {value_words(line.value)} {kind.unit}”自 {valid_from} 起生效；同日起原有的值失效。",
            f"“{title} = {value_words(line.value)} {kind.unit}” holds from {valid_from}; the value before ends.",
        )
        if _kit.confirm(f"policy.{line.id}", sentence, t("批准", "Approve")):
            with explained():
                with db.transaction(me) as session:
                    policies.approve(session, me, line.id, valid_from=valid_from)
                say_done(t(f"已批准：{title}。", f"Approved: {title}."))


def propose_form(me: Actor) -> None:
    """Propose a value in one's own name."""
    st.subheader(t("提出政策", "Propose a value"))
    key = st.selectbox(
        t("政策", "Policy"), list(policies.KINDS), key="propose.key",
        format_func=lambda one: t(policies.KINDS[one].title_zh, policies.KINDS[one].title_en),
    )  # fmt: skip
    kind = policies.KINDS[key]
    left, right = st.columns([1, 2])
    with left:
        value = ask_value(kind)
    basis = right.text_input(
        t("法律或文件依据（必填）", "Legal basis (required)"), key="propose.basis",
        placeholder=t("例：湖林〔2026〕12号第三条", "e.g. the order and its article"),
    )  # fmt: skip
    demonstration = st.checkbox(t("仅供演示", "For demonstration only"), key="propose.demo")
    ready = value is not None and bool(basis.strip())
    if st.button(t("提出", "Propose"), key="propose.send", type="primary", disabled=not ready):
        with explained():
            with db.transaction(me) as session:
                policies.propose(
                    session, me, key=key, value=value, legal_basis=basis,
                    demonstration=demonstration,
                )  # fmt: skip
            say_done(t("已提出，等待另一人批准。", "Proposed; another person approves it."))


def ask_value(kind: policies.Kind) -> Any:
    """The value, as its kind takes it; nothing is filled in."""
    help_ = (
        t(f"{value_words(None)}（{kind.source}）", value_words(None))
        if kind.suggested is None
        else t(
            f"建议 {value_words(kind.suggested)}（{kind.source}）",
            f"suggested {value_words(kind.suggested)}",
        )
    )
    label = t("值", "Value") + (f"（{kind.unit}）" if kind.unit else "")
    if kind.choices is not None:
        return st.selectbox(
            label, kind.choices, index=None, key=f"propose.{kind.key}", help=help_,
            format_func=value_words,
            placeholder=t("请选择", "Choose"),
        )  # fmt: skip
    if isinstance(kind.suggested, int):
        return st.number_input(
            label, value=None, step=1, min_value=int(kind.low or 0),
            max_value=int(kind.high) if kind.high is not None else None,
            key=f"propose.{kind.key}", help=help_,
        )  # fmt: skip
    return st.number_input(
        label, value=None, step=0.01, min_value=float(kind.low or 0), max_value=kind.high,
        key=f"propose.{kind.key}", help=help_,
    )  # fmt: skip


def show_history(lines: list[PolicyLine]) -> None:
    """Every decision with its dates and its two people."""
    if not lines:
        st.caption(t("还没有决定。", "None yet."))
        return
    _kit.table(
        [
            {
                "title": t(policies.KINDS[line.key].title_zh, policies.KINDS[line.key].title_en),
                "value": value_words(line.value), "from": line.valid_from,
                "to": line.valid_to or t("至今", "now"),
                "by": f"{line.proposed_by} → {line.approved_by}", "basis": line.legal_basis,
            }
            for line in lines
        ],
        [
            Column("title", t("政策", "Policy")),
            Column("value", t("值", "Value"), number=True),
            Column("from", t("自", "From")),
            Column("to", t("至", "To")),
            Column("by", t("提出 → 批准", "Proposed → approved")),
            Column("basis", t("依据", "Legal basis")),
        ],
    )  # fmt: skip


def show_calendar(me: Actor) -> None:
    """Load the published holidays of a year; notices are counted in working days."""
    st.caption(
        t(
            "公示期按工作日计算。每年国务院办公厅公布放假安排后，把放假和调休上班的日期导入一次。"
            "CSV 三列：day（2026-10-01）、kind（rest 放假 或 work 调休上班）、note（通知文号）。",
            "Notices run on working days. CSV: day (2026-10-01), kind (rest or work), note.",
        )
    )
    if not me.roles & {Role.REGISTRAR, Role.ADMIN}:
        _kit.empty(t("由登记机构或管理员导入。", "Loaded by the registrar or an administrator."))
        return
    file = st.file_uploader(t("放假安排", "Holidays"), type=["csv"], key="calendar.file")
    if file is None:
        return
    with explained():
        days = read_calendar(file.getvalue())
        rest = sum(kind == DayKind.REST for kind, _ in days.values())
        st.success(
            t(
                f"读到 {len(days)} 天：放假 {rest} 天，调休上班 {len(days) - rest} 天。",
                f"{len(days)} days read: {rest} rest, {len(days) - rest} work.",
            )
        )
        if st.button(t("导入", "Load"), key="calendar.send", type="primary"):
            with db.transaction(me) as session:
                for note in sorted({said for _, said in days.values()}):
                    workdays.load(
                        session, me,
                        {day: kind for day, (kind, said) in days.items() if said == note}, note,
                    )  # fmt: skip
            say_done(t(f"已导入 {len(days)} 天。", f"{len(days)} days are loaded."))


def read_calendar(content: bytes) -> dict[date, tuple[DayKind, str]]:
    """Days with their kind and note from a CSV with the columns day, kind, note.

    Raises
    ------
    Invalid
        Not UTF-8 text, a column is missing, or a row is wrong; the row is named.
    """
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        if not {"day", "kind", "note"} <= set(rows.fieldnames or ()):
            raise Invalid("表头应有 day、kind、note 三列。", code="calendar_columns")
        found: dict[date, tuple[DayKind, str]] = {}
        for number, row in enumerate(rows, start=2):
            kind, note = DAY_KINDS.get((row["kind"] or "").strip()), (row["note"] or "").strip()
            try:
                day = date.fromisoformat((row["day"] or "").strip())
            except ValueError as error:
                raise Invalid(
                    f"第 {number} 行：日期应写作 2026-10-01。", code="calendar_row"
                ) from error
            if kind is None or not note:
                raise Invalid(
                    f"第 {number} 行：kind 应为 rest 或 work，note 要填。", code="calendar_row"
                )
            if day in found:
                raise Invalid(f"第 {number} 行：{day} 出现两次。", code="calendar_row")
            found[day] = (kind, note)
    except UnicodeDecodeError as error:
        raise Invalid("文件不是 UTF-8 编码的 CSV。", code="calendar_encoding") from error
    if not found:
        raise Invalid("没有读到任何日期。", code="calendar_empty")
    return found


def show_office() -> None:
    """What the office has set outside the program, to read."""
    now = settings.load()
    _kit.facts(
        [
            (t("天地图", "Tianditu"), now.tianditu_url or t("未设置", "not set")),
            (t("天地图密钥", "Its key"),
             t("已设置（不显示）", "set (not shown)") if now.tianditu_key else t("未设置", "not set")),
            (t("本地底图（GeoTIFF）", "Own base map (GeoTIFF)"),
             now.basemap_cog.name if now.basemap_cog else t("未设置", "not set")),
            (t("现有底图", "Base maps in use"),
             "、".join(one["name"] for one in _land.basemaps()) or t("无，只显示县区界", "none")),
            (t("审图号", "Map review number"), now.map_review_number or t("未设置", "not set")),
            (t("公开网址（印在证书上）", "Public address (on certificates)"),
             now.public_url or t("未设置", "not set")),
        ]
    )  # fmt: skip
    st.caption(
        t(
            "底图由运行环境设置（SINKS_TIANDITU_URL、SINKS_BASEMAP_COG 等），此处只读。",
            "Set in the environment (SINKS_TIANDITU_URL, SINKS_BASEMAP_COG); read-only here.",
        )
    )


def main() -> None:
    """One part at a time; people only for those who look after them."""
    me = _session.page(t("设置", "Settings"))
    parts = {
        "policies": t("政策", "Policies"),
        "calendar": t("工作日历", "Calendar"),
        "office": t("底图与网址", "Maps and address"),
    }
    if me.roles & {Role.ADMIN, Role.AUDITOR}:
        parts = {"people": t("人员与角色", "People and roles"), **parts}
    part = st.segmented_control(
        t("内容", "Part"), list(parts), default=next(iter(parts)), key="settings.part",
        format_func=parts.__getitem__, label_visibility="collapsed", required=True,
    )  # fmt: skip
    if part == "people":
        _accounts.show_people(me)
    elif part == "calendar":
        show_calendar(me)
    elif part == "office":
        show_office()
    else:
        show_policies(me)


main()

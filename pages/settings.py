"""Page: people and roles, policies, the working-day calendar, one's password, the office's maps."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from pages import _kit, _land, _session, _words
from pages._kit import Column
from pages._session import explained, say_done
from pages._why import value_words
from pages._words import t
from sinks.core import db, people, policies, settings, workdays
from sinks.core.actor import DECIDING_ROLES, Actor, Role
from sinks.core.errors import Invalid
from sinks.core.people import PartyKind
from sinks.core.workdays import DayKind

PARTIES: Mapping[str, tuple[str, str]] = {
    PartyKind.COOPERATIVE: ("两山合作社", "Cooperative"),
    PartyKind.VILLAGE: ("村集体", "Village collective"),
    PartyKind.HOUSEHOLD: ("农户", "Household"),
    PartyKind.ENTERPRISE: ("企业", "Enterprise"),
    PartyKind.AGENCY: ("机关", "Agency"),
    PartyKind.VERIFIER: ("核证机构", "Verifier"),
    PartyKind.SURVEY: ("林业调查机构", "Survey institute"),
    PartyKind.COURT: ("法院", "Court"),
    PartyKind.PROCURATORATE: ("检察院", "Procuratorate"),
    PartyKind.REGISTRY: ("登记机构", "Registry"),
}
DAY_KINDS: Mapping[str, DayKind] = {
    "rest": DayKind.REST, "休": DayKind.REST, "放假": DayKind.REST,
    "work": DayKind.WORK, "班": DayKind.WORK, "上班": DayKind.WORK,
}  # fmt: skip
GENERATED = "settings.generated"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role of a person; not in force while it waits for a second administrator."""

    id: int
    role: str
    in_force: bool
    granted_by_id: int | None


@dataclass(frozen=True, slots=True)
class Account:
    """A person with their party and roles."""

    id: int
    login: str
    name: str
    party: str
    active: bool
    grants: list[Grant]


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


def accounts(me: Actor) -> list[Account]:
    """Every account."""
    with db.transaction(me) as session:
        return [
            Account(
                person.id, person.login, person.name, party.name, person.active,
                [Grant(row.id, row.role, row.in_force, row.granted_by_id) for row in grants],
            )
            for person, party, grants in people.people(session)
        ]  # fmt: skip


def show_people(me: Actor) -> None:
    """Accounts and roles; what waits for the second administrator comes first."""
    found = accounts(me)
    _kit.table(
        [
            {
                "login": one.login, "name": one.name, "party": one.party,
                "roles": _kit.Html(" ".join(_role_chip(grant) for grant in one.grants)) or None,
                "active": t("在用", "active") if one.active else t("停用", "closed"),
            }
            for one in found
        ],
        [
            Column("login", t("登录名", "Login")),
            Column("name", t("姓名", "Name")),
            Column("party", t("单位", "Of")),
            Column("roles", t("角色", "Roles")),
            Column("active", t("状态", "State")),
        ],
    )  # fmt: skip
    if Role.ADMIN not in me.roles:
        return
    approve_grants(me, found)
    grant_form(me, found)
    revoke_form(me, found)
    with st.expander(t("添加单位", "Add a party")):
        party_form(me)
    with st.expander(t("添加人员", "Add a person"), expanded=GENERATED in st.session_state):
        person_form(me)


def _role_chip(grant: Grant) -> _kit.Html:
    word = t(*_words.ROLES[grant.role])
    if grant.in_force:
        return _kit.chip(word, _words.GREEN)
    return _kit.chip(t(f"{word}（待第二人批准）", f"{word} (waits)"), _words.AMBER)


def approve_grants(me: Actor, found: list[Account]) -> None:
    """Grants that wait for a second administrator."""
    for one in found:
        for grant in one.grants:
            if grant.in_force:
                continue
            word = t(*_words.ROLES[grant.role])
            with st.container(border=True, key=f"grant-{grant.id}"):
                st.write(
                    _session.plain(
                        t(f"待批准：{one.name}（{one.party}）任{word}。",
                          f"Waits: {one.name} ({one.party}) as {word}.")
                    )
                )  # fmt: skip
                sentence = t(
                    f"将批准{one.name}的“{word}”角色，立即生效。此角色能对他人的碳汇量作出决定。",
                    f"{one.name} gets the role {word} at once and decides over other people's tonnes.",
                )
                if _kit.confirm(f"approve.{grant.id}", sentence, t("批准授权", "Approve")):
                    with explained():
                        with db.transaction(me) as session:
                            people.approve_grant(session, me, grant.id)
                        say_done(
                            t(f"已批准：{one.name} {word}。", f"Approved: {one.name}, {word}.")
                        )


def grant_form(me: Actor, found: list[Account]) -> None:
    """Grant a role to somebody else."""
    st.subheader(t("授予角色", "Grant a role"))
    others = {
        one.id: f"{one.name}（{one.login} · {one.party}）"
        for one in found
        if one.id != me.person_id
    }
    left, right = st.columns(2)
    person_id = left.selectbox(
        t("人员", "Person"), list(others), index=None, format_func=others.__getitem__,
        key="grant.person", placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    role = right.selectbox(
        t("角色", "Role"), list(Role), index=None, key="grant.role",
        format_func=lambda one: t(*_words.ROLES[one]), placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    if role in DECIDING_ROLES:
        st.caption(
            t(
                "核证、备案、登记角色须由另一位管理员批准后才生效。",
                "Verifier, authority and registrar take a second administrator.",
            )
        )
    ready = person_id is not None and role is not None
    if st.button(t("授予", "Grant"), key="grant.send", type="primary", disabled=not ready):
        if person_id is None or role is None:
            return
        with explained():
            with db.transaction(me) as session:
                in_force = people.grant(session, me, person_id, role).in_force
            say_done(
                t("已授予，立即生效。", "Granted.") if in_force
                else t("已提出，等待另一位管理员批准。", "Waits for a second administrator.")
            )  # fmt: skip


def revoke_form(me: Actor, found: list[Account]) -> None:
    """Take a role back."""
    standing = {
        grant.id: f"{one.name} · {t(*_words.ROLES[grant.role])}"
        for one in found for grant in one.grants
    }  # fmt: skip
    with st.expander(t("收回角色", "Take a role back")):
        chosen = st.selectbox(
            t("哪一项", "Which"), list(standing), index=None, key="revoke.grant",
            format_func=standing.__getitem__, placeholder=t("请选择", "Choose"),
        )  # fmt: skip
        sentence = t(
            f"将立即收回：{standing.get(chosen or 0, '')}。",
            f"Taken back at once: {standing.get(chosen or 0, '')}.",
        )
        if _kit.confirm("revoke", sentence, t("收回", "Take back"), disabled=chosen is None):
            with explained():
                with db.transaction(me) as session:
                    people.revoke(session, me, chosen or 0)
                say_done(t("已收回。", "Taken back."))


def party_form(me: Actor) -> None:
    """A new party."""
    left, middle, right = st.columns([2, 3, 2])
    kind = left.selectbox(
        t("类别", "Kind"), list(PARTIES), format_func=lambda one: t(*PARTIES[one]), key="party.kind"
    )
    name = middle.text_input(t("名称", "Name"), key="party.name", max_chars=200)
    district = right.selectbox(
        t("县区", "County"), list(_words.DISTRICTS), index=None, key="party.district",
        format_func=lambda code: _words.word(_words.DISTRICTS, code),
        placeholder=t("（不限）", "(any)"),
    )  # fmt: skip
    if st.button(t("添加单位", "Add"), key="party.send", type="primary"):
        with explained():
            with db.transaction(me) as session:
                people.add_party(session, me, kind=kind, name=name, district_code=district)
            say_done(t(f"已添加 {name}。", f"{name} is added."))


def person_form(me: Actor) -> None:
    """A new account with a generated password, shown once."""
    if GENERATED in st.session_state:
        login, password = st.session_state[GENERATED]
        st.success(t(f"账号 {login} 的初始密码（只显示这一次，请当面交给本人）：",
                     f"First password of {login}, shown this once:"))  # fmt: skip
        st.code(password, language=None)
        if st.button(t("已抄下", "Noted"), key="person.noted"):
            del st.session_state[GENERATED]
            st.rerun()
    with db.transaction(me) as session:
        known = {
            party.id: f"{party.name}（{t(*PARTIES[party.kind])}）"
            for party in people.parties(session)
            if party.kind != PartyKind.HOUSEHOLD
        }
    left, right = st.columns(2)
    login = left.text_input(
        t("登录名", "Login"),
        key="person.login",
        help=t("小写字母开头", "begins with a small letter"),
    )
    name = right.text_input(t("姓名", "Name"), key="person.name", max_chars=50)
    party_id = left.selectbox(
        t("单位", "Of"), list(known), index=None, format_func=known.__getitem__,
        key="person.party", placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    identity = right.text_input(
        t("身份证号（只存散列，用来防止一人两号）", "Identity number (only its hash is kept)"),
        key="person.identity", type="password",
    )  # fmt: skip
    ready = bool(login.strip() and name.strip() and party_id)
    if st.button(t("添加人员", "Add"), key="person.send", type="primary", disabled=not ready):
        password = people.generated_password()
        with explained():
            with db.transaction(me) as session:
                people.add_person(
                    session, me, login=login.strip(), name=name.strip(), party_id=party_id or 0,
                    password=password, identity_number=identity.strip() or None,
                )  # fmt: skip
            st.session_state[GENERATED] = (login.strip(), password)
            say_done(t(f"已添加 {name}。", f"{name} is added."))


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
    help_ = t(
        f"建议 {value_words(kind.suggested)}（{kind.source}）",
        f"suggested {value_words(kind.suggested)}",
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


def show_password(me: Actor) -> None:
    """Change one's own password."""
    with st.form("password", clear_on_submit=True):
        old = st.text_input(t("原密码", "Old password"), type="password", key="password.old")
        new = st.text_input(
            t(f"新密码（至少 {people.PASSWORD_LENGTH_MIN} 个字符）", "New password"), type="password",
            key="password.new",
        )  # fmt: skip
        again = st.text_input(t("再输入一次", "Once more"), type="password", key="password.again")
        sent = st.form_submit_button(t("修改密码", "Change"), type="primary")
    if not sent:
        return
    if new != again:
        st.error(t("两次输入的新密码不同，没有修改。", "The two new passwords differ."))
        return
    with explained():
        with db.transaction(me) as session:
            people.change_password(session, me, old, new)
        say_done(t("密码已修改，请用新密码登录。", "The password is changed; sign in again."))


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
        "password": t("我的密码", "My password"),
        "office": t("底图与网址", "Maps and address"),
    }
    if me.roles & {Role.ADMIN, Role.AUDITOR}:
        parts = {"people": t("人员与角色", "People and roles"), **parts}
    part = st.segmented_control(
        t("内容", "Part"), list(parts), default=next(iter(parts)), key="settings.part",
        format_func=parts.__getitem__, label_visibility="collapsed", required=True,
    )  # fmt: skip
    if part == "people":
        show_people(me)
    elif part == "calendar":
        show_calendar(me)
    elif part == "password":
        show_password(me)
    elif part == "office":
        show_office()
    else:
        show_policies(me)


main()

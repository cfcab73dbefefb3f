"""Accounts and roles: what an administrator does for people, on the settings page."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from pages import _kit, _session, _words
from pages._kit import Column
from pages._session import explained, say_done
from pages._words import t
from sinks.core import db, people
from sinks.core.actor import DECIDING_ROLES, Actor, Role
from sinks.core.people import PartyKind

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
    show_generated()
    approve_grants(me, found)
    grant_form(me, found)
    revoke_form(me, found)
    reset_form(me, found)
    with st.expander(t("添加单位", "Add a party")):
        party_form(me)
    with st.expander(t("添加人员", "Add a person")):
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


def reset_form(me: Actor, found: list[Account]) -> None:
    """A one-time password for somebody who has forgotten theirs."""
    names = {
        one.id: f"{one.name}（{one.login}，{one.party}）" for one in found if one.id != me.person_id
    }
    with st.expander(t("重设密码", "Reset a password")):
        chosen = st.selectbox(
            t("谁的密码", "Whose"), list(names), index=None, key="reset.person",
            format_func=names.__getitem__, placeholder=t("请选择", "Choose"),
        )  # fmt: skip
        sentence = t(
            f"将为{names.get(chosen or 0, '')}生成一次性密码，其所有登录立即结束。核证、备案、签发和管理的角色"
            "须由另一位管理员重新批准。",
            f"A one-time password for {names.get(chosen or 0, '')}; every session ends at once. Roles "
            "that verify, record, issue or administer wait for a second administrator again.",
        )
        if _kit.confirm("reset", sentence, t("重设密码", "Reset"), disabled=chosen is None):
            password = people.generated_password()
            with explained():
                with db.transaction(me) as session:
                    login = people.reset_password(session, me, chosen or 0, password).login
                st.session_state[GENERATED] = (login, password)
                say_done(t("密码已重设。", "The password is reset."))


def show_generated() -> None:
    """The password that was just made, until somebody says it is noted."""
    if GENERATED not in st.session_state:
        return
    login, password = st.session_state[GENERATED]
    st.success(t(f"账号 {login} 的一次性密码（只显示这一次，请当面交给本人；首次登录须改成自己的）：",
                 f"One-time password of {login}, shown this once; its owner replaces it:"))  # fmt: skip
    st.code(password, language=None)
    if st.button(t("已抄下", "Noted"), key="person.noted"):
        del st.session_state[GENERATED]
        st.rerun()


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
    """A new account with a generated password."""
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

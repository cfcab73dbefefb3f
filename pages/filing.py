"""Page: public notices, filing by the authority, and issuance by the registrar."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from pages import _kit, _land, _objections, _policy_words, _session, _why, _why_story, _words
from pages._kit import Column
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.cooperative import contracts
from sinks.core import db, people, policies
from sinks.core.actor import Actor, Role
from sinks.crediting import issuance, ledger, projects, rounds
from sinks.crediting.ledger import AccountKind
from sinks.measurement import runs

READERS = (
    Role.AUTHORITY, Role.REGISTRAR, Role.VERIFIER, Role.COOPERATIVE, Role.DEVELOPER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """A project or a round that stands on this page."""

    kind: str  # project or round
    id: int
    project_id: int
    code: str
    title: str
    owner: str
    status: str
    published_on: str | None
    notice_ends_on: date | None
    statement: str | None
    filing_no: str | None
    issuable_kg: int | None

    @property
    def chip(self) -> _kit.Html:
        return _kit.state_chip(
            _words.PROJECT if self.kind == "project" else _words.ROUND, self.status
        )


@dataclass(frozen=True, slots=True)
class Serials:
    """Where a part of an issuance lies: the account, its serial, what it amounts to."""

    vintage: int
    holder: str
    serial: str
    units: int
    amount_kg: int
    state: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an issuance would do, to the kilogram, with the numbers it would give out."""

    issued: issuance.Issued
    serials: list[Serials]


class _NothingKept(Exception):
    """Ends the transaction of a rehearsal, so that the database undoes all of it."""


def items(me: Actor) -> list[Item]:
    """Every project and round, newest first."""
    with db.transaction(me) as session:
        found = []
        for project, owner in projects.listing(session):
            found.append(
                Item(
                    "project", project.id, project.id, project.code, project.name, owner.name,
                    project.status, _land.day(project.published_at) if project.published_at else None,
                    project.notice_ends_on, project.validation_statement, project.filing_no, None,
                )
            )  # fmt: skip
            for row in rounds.of_project(session, project.id):
                verified = row.status == rounds.Status.VERIFIED
                run = runs.get(session, row.run_id) if verified and row.run_id else None
                found.append(
                    Item(
                        "round", row.id, project.id, project.code,
                        f"{project.name} · {row.period_start} → {row.period_end}", owner.name,
                        row.status, _land.day(row.published_at) if row.published_at else None,
                        row.notice_ends_on, row.verification_statement, row.filing_no,
                        run.result["issuable_kg"] if run else None,
                    )
                )  # fmt: skip
        return found


def show_notices(me: Actor, found: list[Item]) -> None:
    """Running and past notices with the day they end."""
    published = [one for one in found if one.published_on is not None]
    if not published:
        _kit.empty(t("没有公示过的项目或监测期。", "Nothing has been put on notice."))
        return
    with db.transaction(me) as session:
        today = db.today(session)
    _kit.table(
        [
            {
                "title": _kit.link(one.title, _address(one)),
                "owner": one.owner,
                "to": one.notice_ends_on,
                "left": _days_left(one, today),
                "state": one.chip,
            }
            for one in published
        ],
        [
            Column("title", t("公示事项", "Notice")),
            Column("owner", t("申报人", "Owner")),
            Column("to", t("届满", "Until")),
            Column("left", t("期限", "Time left")),
            Column("state", t("状态", "State")),
        ],
    )


def _address(one: Item) -> str:
    return f"/projects?project={one.project_id}" + (
        f"&round={one.id}" if one.kind == "round" else ""
    )


def _days_left(one: Item, today: date) -> str:
    if one.notice_ends_on is None:
        return "—"
    days = (one.notice_ends_on - today).days
    if days <= 0:
        return t("已届满", "over")
    return t(f"还有 {days} 天", f"{days} days")


def show_filing(me: Actor, found: list[Item]) -> None:
    """What the authority files: validated projects and verified rounds."""
    waiting = [
        one for one in found
        if (one.kind, one.status) in (
            ("project", projects.Status.UNDER_VALIDATION), ("round", rounds.Status.VERIFIED),
        )
    ]  # fmt: skip
    if not waiting:
        _kit.empty(
            t(
                "没有待备案的事项。审定后的项目和核证后的监测期会出现在这里。",
                "Nothing to file. Validated projects and verified rounds appear here.",
            )
        )
    for one in waiting:
        file_one(me, one)


def file_one(me: Actor, one: Item) -> None:
    """The claim's facts and the number under which the authority files it."""
    what = t("项目备案", "Register the project") if one.kind == "project" else t(
        "碳汇量备案", "Record the quantity"
    )  # fmt: skip
    with st.container(border=True, key=f"file-{one.kind}-{one.id}"):
        _kit.heading(f"{one.code} {one.title}", one.chip)
        _kit.facts(
            [
                (t("申报人", "Owner"), one.owner),
                (t("公示", "Notice"), f"{one.published_on} → {one.notice_ends_on}"),
                (t("审定意见", "Validation") if one.kind == "project" else t("核证意见", "Statement"),
                 one.statement),
                *(
                    [(t("可签发", "Issuable"), _words.kilograms(one.issuable_kg))]
                    if one.issuable_kg is not None else []
                ),
                (t("详情", "Details"), _kit.link(t("查看全部内容和算式", "The whole claim"), _address(one))),
            ]
        )  # fmt: skip
        if Role.AUTHORITY not in me.roles:
            return
        number = st.text_input(
            t("备案号", "Filing number"), key=f"number.{one.kind}.{one.id}",
            placeholder="湖林碳备〔2026〕1号",
        )  # fmt: skip
        sentence = t(
            f"将以备案号“{number.strip()}”办理{what}：{one.title}。备案后不能撤回。",
            f"Filed under “{number.strip()}”: {one.title}. This cannot be taken back.",
        )
        if _kit.confirm(f"file.{one.kind}.{one.id}", sentence, what, disabled=not number.strip()):
            with explained():
                with db.transaction(me) as session:
                    if one.kind == "project":
                        projects.register(session, me, one.id, number)
                    else:
                        rounds.record(session, me, one.id, number)
                say_done(t(f"已备案：{number.strip()}。", f"Filed: {number.strip()}."))


def show_issuance(me: Actor, found: list[Item]) -> None:
    """Recorded rounds to issue, and what has been issued."""
    waiting = [one for one in found if one.kind == "round" and one.status == rounds.Status.RECORDED]
    done = [one for one in found if one.kind == "round" and one.status == rounds.Status.ISSUED]
    if not waiting:
        _kit.empty(
            t(
                "没有待签发的监测期。主管部门备案后的碳汇量会出现在这里。",
                "Nothing to issue. Recorded quantities appear here.",
            )
        )
    for one in waiting:
        with st.container(border=True, key=f"issue-{one.id}"):
            _kit.heading(f"{one.code} {one.title}", one.chip)
            show_one_issuance(me, one)
    for one in done:
        with st.expander(f"{one.code} {plain(one.title)} · {_words.ROUND['issued'].word}"):
            show_serials(serials_of(me, one.id))


def show_one_issuance(me: Actor, one: Item) -> None:
    """Policies, preview, and the one step that cannot be undone."""
    story = _why_story.load(me, one.id)
    if story is None:
        return
    _kit.facts(
        [
            (t("碳汇量备案号", "Filing number"), one.filing_no),
            (t("核证意见", "Statement"), one.statement),
            (t("详情", "Details"), _kit.link(t("为什么这个数", "Why this number"), _address(one))),
        ]
    )
    _why.show_result(story)
    missing = show_required_policies(me, story.method_id)
    if missing:
        st.error(
            t("不能签发，尚未决定：", "Not issuable, undecided: ") + plain("、".join(missing)),
            icon=":material/block:",
        )
        return
    if Role.REGISTRAR not in me.roles:
        return
    preview = None
    with explained():
        preview = rehearse(me, one.id)
    if preview is None:
        return
    show_preview(preview)
    issued = preview.issued
    sentence = t(
        f"将签发 {_words.kilograms(issued.holders_kg)} 到持有人账户，"
        f"{_words.kilograms(issued.buffer_kg)} 到缓冲池，尾差 {_words.kilograms(issued.remainder_kg)}。"
        "编号即时生成并写入台账，不能撤销，也不能重签。",
        f"{_words.kilograms(issued.holders_kg)} go to the holders, "
        f"{_words.kilograms(issued.buffer_kg)} to the buffer, "
        f"{_words.kilograms(issued.remainder_kg)} to the remainder. Serials are made and written "
        "into the ledger at once. This cannot be undone or done again.",
    )
    if _kit.confirm(f"issue.{one.id}", sentence, t("登记签发", "Issue")):
        with explained():
            with db.transaction(me) as session:
                done = _issue(session, me, one.id)
            say_done(t(f"已签发 {done.holders_kg:,} kg。", f"{done.holders_kg:,} kg are issued."))


def _issue(session: Any, me: Actor, round_id: int) -> issuance.Issued:
    return issuance.issue(session, me, round_id, contract_of=contracts.holders(session, round_id))


def rehearse(me: Actor, round_id: int) -> Preview:
    """Issue inside a transaction that is always undone, and tell what it did.

    The very function that will issue, so that the preview cannot say something else; its refusals
    are those that pressing the button would meet.
    """
    found = None
    with suppress(_NothingKept), db.transaction(me) as session:
        issued = _issue(session, me, round_id)
        found = Preview(issued, _serials(session, round_id))
        raise _NothingKept
    assert found is not None
    return found


def show_preview(preview: Preview) -> None:
    """What will be issued, by vintage and holder."""
    issued = preview.issued
    left, middle, right = st.columns(3)
    with left:
        _kit.metric_big(
            f"{issued.holders_kg:,}", "kg CO₂e", title=t("将入持有人账户", "To the holders")
        )
    with middle:
        _kit.metric_big(f"{issued.buffer_kg:,}", "kg CO₂e", title=t("将入缓冲池", "To the buffer"))
    with right:
        _kit.metric_big(
            f"{issued.remainder_kg:,}", "kg CO₂e",
            t("不足一个登记单位的零头，记在各合同名下", "below one unit, kept for each contract"),
            title=t("尾差", "Remainder"),
        )  # fmt: skip
    if issued.withheld_kg:
        withheld = _words.kilograms(issued.withheld_kg)
        st.warning(
            t(
                f"开启监测期之后退出的地块核减 {withheld}，不签发给任何人。",
                f"{withheld} were measured on land withdrawn since; they are issued to nobody.",
            )
        )
    st.caption(t("预演：以下编号在签发时生成。", "Preview: the serials to be made."))
    show_serials(preview.serials)


def show_required_policies(me: Actor, method_id: str) -> list[str]:
    """Policies that issuance needs, with their dates; the names of those not in force."""
    rows, missing = [], []
    with db.transaction(me) as session:
        for key in issuance.required_policies(method_id):
            kind, row = policies.KINDS[key], policies.find(session, key)
            if row is None:
                missing.append(t(kind.title_zh, kind.title_en))
            rows.append(_policy_row(kind, row))
    with st.expander(
        t(
            f"所需政策：{len(rows) - len(missing)} 项已生效，{len(missing)} 项未决定",
            f"Policies: {len(rows) - len(missing)} in force, {len(missing)} undecided",
        ),
        expanded=bool(missing),
    ):
        _kit.table(
            rows,
            [
                Column("title", t("政策", "Policy")),
                Column("value", t("值", "Value"), number=True),
                Column("state", t("状态", "State")),
                Column("basis", t("依据", "Legal basis")),
            ],
        )
    return missing


def _policy_row(kind: policies.Kind, row: policies.Policy | None) -> dict[str, Any]:
    if row is None:
        chip = _kit.chip(t("未决定", "undecided"), _words.RED)
        return {"title": t(kind.title_zh, kind.title_en), "state": chip}
    chip = _kit.chip(t(f"{row.valid_from} 起生效", f"since {row.valid_from}"), _words.GREEN)
    return {
        "title": t(kind.title_zh, kind.title_en),
        "value": f"{_policy_words.value_words(row.value)} {kind.unit}",
        "state": chip,
        "basis": row.legal_basis,
    }


def serials_of(me: Actor, round_id: int) -> list[Serials]:
    """The blocks that a round was issued as, where they are now."""
    with db.transaction(me) as session:
        return _serials(session, round_id)


def _serials(session: Any, round_id: int) -> list[Serials]:
    batches = {batch.id for batch in issuance.batches_of_round(session, round_id)}
    names = {party.id: party.name for party in people.parties(session)}
    numbers = {row.id: row.number for row, _ in contracts.listing(session)}
    found = []
    for account in ledger.accounts(session):
        holder = _holder(account, names, numbers)
        for block, batch in ledger.blocks_of(session, account.id):
            if batch.id in batches:
                found.append(
                    Serials(
                        batch.vintage, holder, ledger.serial_of(session, block), block.count,
                        block.count * batch.unit_kg, block.state,
                    )
                )  # fmt: skip
    return sorted(found, key=lambda one: (one.vintage, one.serial))


def _holder(account: ledger.Account, names: Mapping[int, str], numbers: Mapping[int, str]) -> str:
    if account.kind == AccountKind.BUFFER:
        return t("缓冲池", "Buffer")
    if account.kind == AccountKind.RETIRED:
        return t("注销账户", "Retired")
    name = names.get(account.party_id or 0, "—")
    number = numbers.get(account.contract_id or 0)
    return f"{name} · {t('合同', 'contract')} {number}" if number else name


def show_serials(found: list[Serials]) -> None:
    """Serials by vintage and holder."""
    _kit.table(
        [
            {
                "vintage": str(one.vintage), "holder": one.holder, "serial": one.serial,
                "units": one.units, "kg": one.amount_kg,
                "state": _kit.state_chip(_words.BLOCK, one.state),
            }
            for one in found
        ],
        [
            Column("vintage", t("年份", "Vintage")),
            Column("holder", t("账户", "Account")),
            Column("serial", t("编号", "Serial")),
            Column("units", t("单位数", "Units"), number=True),
            Column("kg", t("数量", "Amount"), "kg CO₂e", number=True),
            Column("state", t("状态", "State")),
        ],
    )  # fmt: skip


def main() -> None:
    """Notices, filing, issuance; each role lands on its own."""
    me = _session.page(t("公示与备案", "Notice and filing"), *READERS)
    parts = {
        "notice": t("公示", "Notices"),
        "filing": t("备案", "Filing"),
        "issuance": t("登记签发", "Issuance"),
        "objections": t("异议", "Objections"),
    }
    mine = "notice"
    if Role.REGISTRAR in me.roles:
        mine = "issuance"
    elif Role.AUTHORITY in me.roles:
        mine = "filing"
    part = st.segmented_control(
        t("内容", "Part"), list(parts), default=mine, format_func=parts.__getitem__,
        key="filing.part", label_visibility="collapsed", required=True,
    )  # fmt: skip
    found = items(me)
    if part == "filing":
        show_filing(me, found)
    elif part == "issuance":
        show_issuance(me, found)
    elif part == "objections":
        _objections.show(me)
    else:
        show_notices(me, found)


main()

"""Page: the ledger of carbon-sink quantities, from mu to what is held, locked and retired."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages import _kit, _land, _session, _words
from pages._kit import Column
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.cooperative import balance, contracts
from sinks.core import audit, db, people
from sinks.core.actor import Actor, Role
from sinks.core.people import PartyKind, masked
from sinks.crediting import certificates, ledger, projects
from sinks.crediting.certificates import CertificateKind
from sinks.crediting.ledger import AccountKind, BlockState

OWNERS = {Role.COOPERATIVE, Role.DEVELOPER}
SUPERVISORS = {Role.REGISTRAR, Role.AUDITOR}
KINDS: Mapping[str, tuple[str, str]] = {
    AccountKind.HOLDING: ("持有账户", "Holding"),
    AccountKind.BUFFER: ("缓冲池", "Buffer"),
    AccountKind.REMAINDER: ("尾差账户", "Remainder"),
    AccountKind.RETIRED: ("注销账户", "Retired"),
    AccountKind.ISSUANCE: ("签发源", "Issuance"),
}
CERTIFICATES: Mapping[str, tuple[str, str]] = {
    CertificateKind.HOLDING: ("持有证书", "Holding"),
    CertificateKind.RETIREMENT: ("注销证书", "Retirement"),
}
# Twelve columns beside the menu of a 1280 px screen: narrower cells, names on two lines.
TIGHT = """<style>
.st-key-balance .sinks-table th, .st-key-balance .sinks-table td { padding: 6px 6px; font-size: .82rem; }
.st-key-balance .sinks-table td:nth-child(-n+2) { white-space: normal; min-width: 5.5em; }
</style>"""
# The amounts of a line that add up across contracts; the estimate never does.
SUMMED = (
    "measured_kg", "verified_kg", "recorded_kg", "issued_kg", "held_kg", "reserved_kg",
    "retired_kg", "remainder_kg",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account with the name a person knows it by."""

    id: int
    kind: str
    owner: str
    contract: str | None
    project: str | None
    balance_kg: int

    @property
    def title(self) -> str:
        contract = self.contract
        if self.kind == AccountKind.HOLDING:
            contract = self.contract or t("未签收储合同的地块", "land without a contract")
        parts = (t(*KINDS[self.kind]), self.owner, contract, self.project)
        return " · ".join(part for part in parts if part)


def accounts(me: Actor, *, party_id: int | None) -> list[AccountLine]:
    """Accounts of a party, or all; what is held comes first."""
    with db.transaction(me) as session:
        names = {party.id: _name(party) for party in people.parties(session)}
        numbers = {row.id: row.number for row, _ in contracts.listing(session)}
        titles = {project.id: project.name for project, _ in projects.listing(session)}
        found = [
            AccountLine(
                row.id, row.kind, names.get(row.party_id or 0, ""),
                numbers.get(row.contract_id or 0), titles.get(row.project_id or 0), row.balance_kg,
            )
            for row in ledger.accounts(session, party_id=party_id)
        ]  # fmt: skip
    return sorted(found, key=lambda one: list(KINDS).index(one.kind))


def _name(party: people.Party) -> str:
    return masked(party.name) if party.kind == PartyKind.HOUSEHOLD else party.name


def show_balance(me: Actor) -> None:
    """One line a contract; estimates stand hatched and are added to nothing."""
    with db.transaction(me) as session:
        lines = balance.lines(session, me.party_id)
    if not lines:
        _kit.empty(
            t(
                "还没有收储合同。在“收储合同”中起草并签订后，这里逐份列出每一千克的来处和去处。",
                "No contracts yet. Draft and sign one; each kilogram is then followed here.",
            )
        )
        return
    rows = [_balance_row(line) for line in lines]
    total: dict[str, Any] = {"number": t("合计（不含预估量）", "Total (no estimates)")}
    total |= {key: sum(getattr(line, key) for line in lines) for key in SUMMED}
    total["area"] = _words.mu(sum(line.area_m2 for line in lines))
    st.html(TIGHT)
    with st.container(key="balance"):
        _kit.table(
            [*rows, total],
            [
                Column("number", t("合同", "Contract")),
                Column("counterparty", t("对方", "Counterparty")),
                Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
                Column(
                    "estimate",
                    t("预估量", "Estimate"),
                    t("未核证 kg", "not verified, kg"),
                    number=True,
                ),
                Column("measured_kg", t("已核算", "Measured"), "kg", number=True),
                Column("verified_kg", t("已核证", "Verified"), "kg", number=True),
                Column("recorded_kg", t("已备案", "Recorded"), "kg", number=True),
                Column("issued_kg", t("已签发", "Issued"), "kg", number=True),
                Column("held_kg", t("持有", "Held"), "kg", number=True),
                Column("reserved_kg", t("锁定", "Locked"), "kg", number=True),
                Column("retired_kg", t("注销", "Retired"), "kg", number=True),
                Column("remainder_kg", t("尾差", "Remainder"), "kg", number=True),
            ],
        )
    st.caption(
        t(
            "已签发 = 持有 + 锁定 + 注销 + 尾差（另有缓冲池）。预估量来自合同约定，未经核证，不是碳汇量，不能使用，也不参与合计。",
            "Issued = held + locked + retired + remainder (the buffer stands apart). Estimates are "
            "what a contract expects: not verified, not usable, added to nothing.",
        )
    )
    waiting = [line for line in lines if line.why]
    if waiting:
        st.subheader(t("为什么是零", "Why a zero"))
        _kit.facts([(line.number, line.why) for line in waiting])


def _balance_row(line: balance.Line) -> dict[str, Any]:
    row: dict[str, Any] = {key: getattr(line, key) for key in SUMMED}
    return row | {
        "number": line.number,
        "counterparty": line.counterparty,
        "area": _words.mu(line.area_m2),
        "estimate": _kit.chip(f"{line.estimate_kg:,}", _words.GREY, hatched=True),
    }


def show_account(me: Actor, found: list[AccountLine], *, key: str) -> None:
    """One account: serials it holds, its movements, and a certificate of it."""
    if not found:
        return
    labels = {one.id: one.title for one in found}
    chosen = st.selectbox(
        t("账户", "Account"), list(labels), format_func=labels.__getitem__, key=f"{key}.account"
    )
    if chosen is None:
        return
    with db.transaction(me) as session:
        movements = ledger.statement(session, chosen)
        blocks = [
            {
                "serial": ledger.serial_of(session, block),
                "vintage": str(batch.vintage),
                "units": block.count,
                "unit": batch.unit_kg,
                "kg": block.count * batch.unit_kg,
                "state": _kit.state_chip(_words.BLOCK, block.state),
                "why": _kit.link(
                    t("为什么", "Why"),
                    f"/projects?project={batch.project_id}&round={batch.round_id}&why=1",
                ),
            }
            for block, batch in ledger.blocks_of(session, chosen)
        ]
        held_kg = ledger.units_by_state(session, chosen).get(BlockState.HELD, 0)
    show_blocks(blocks)
    show_statement(movements)
    one = next(item for item in found if item.id == chosen)
    if one.kind == AccountKind.HOLDING and me.roles & (OWNERS | {Role.REGISTRAR}):
        certify(me, one, held_kg)


def show_blocks(rows: list[dict[str, Any]]) -> None:
    """The serials of an account, each with the way back to its land."""
    st.subheader(t("编号段", "Serials"))
    if not rows:
        st.caption(t("没有编号段。", "None."))
        return
    _kit.table(
        rows,
        [
            Column("serial", t("编号", "Serial")),
            Column("vintage", t("年份", "Vintage")),
            Column("units", t("单位数", "Units"), number=True),
            Column("unit", t("每单位", "A unit"), "kg", number=True),
            Column("kg", t("数量", "Amount"), "kg CO₂e", number=True),
            Column("state", t("状态", "State")),
            Column("why", t("来历", "Origin")),
        ],
    )


def show_statement(movements: list[ledger.StatementLine]) -> None:
    """Every movement of an account with the balance after it."""
    st.subheader(t("流水", "Statement"))
    if not movements:
        st.caption(t("没有变动。", "None."))
        return
    _kit.table(
        [
            {
                "at": _land.moment(line.at),
                "reason": reason_words(line.reason),
                "change": f"{line.change_kg:+,}",
                "balance": line.balance_kg,
            }
            for line in movements
        ],
        [
            Column("at", t("时间", "At")),
            Column("reason", t("事由", "Reason")),
            Column("change", t("变动", "Change"), "kg CO₂e", number=True),
            Column("balance", t("余额", "Balance"), "kg CO₂e", number=True),
        ],
    )


def reason_words(reason: str) -> str:
    """A transfer's reason as a person reads it."""
    issued = re.fullmatch(r"round \d+: (\d{4}) (buffer|contract \d+)( below one unit)?", reason)
    if issued:
        words = t(f"{issued[1]} 年份签发", f"issued, vintage {issued[1]}")
        if issued[2] == "buffer":
            words += t("，缓冲池", ", buffer")
        return words + (t("，不足一个单位的零头", ", below one unit") if issued[3] else "")
    if re.fullmatch(r"court case \d+", reason):
        return t("司法案件注销（替代履行）", "retired for a court case")
    return reason


def certify(me: Actor, one: AccountLine, held_kg: int) -> None:
    """A certificate of what the account holds now."""
    if not held_kg:
        st.caption(t("账户没有持有的碳汇量，不能出具持有证书。", "Nothing held to certify."))
        return
    sentence = t(
        f"将为“{one.title}”出具持有证书：{_words.kilograms(held_kg)}，其中已有持有证书的除外。"
        "证书编号公开可查，出具后不能收回；碳汇量以后转出、预留或注销的，证书即告终止。",
        f"A certificate of {_words.kilograms(held_kg)} for “{one.title}”, less what has its "
        "certificate already. Anybody can check its number; it ends when its units move.",
    )
    if _kit.confirm(f"certify.{one.id}", sentence, t("出具持有证书", "Issue a certificate")):
        with explained():
            with db.transaction(me) as session:
                paper = certificates.certify_holding(session, me, one.id)
                number, amount = paper.number, _words.kilograms(int(paper.public["amount_kg"]))
            say_done(
                t(f"已出具证书 {number}：{amount}。", f"Certificate {number} is issued: {amount}.")
            )


def show_certificates(me: Actor) -> None:
    """Certificates with their papers: one's own party's, or all for those who supervise."""
    with db.transaction(me) as session:
        rows = [
            {
                "number": row.number,
                "kind": t(*CERTIFICATES[row.kind]),
                "of": row.public.get("holder") or row.public.get("case_no", ""),
                "kg": int(row.public["amount_kg"]),
                "at": _land.moment(row.recorded_at),
                "pdf": _kit.link(t("下载 PDF", "PDF"), f"/certificates/{row.number}.pdf"),
                "check": _kit.link(t("公开查验", "Check"), f"/public/check?number={row.number}"),
            }
            for row in certificates.listing(session)
            if me.roles & SUPERVISORS or row.public.get("holder") == me.party_name
        ]
    st.subheader(t("证书", "Certificates"))
    if not rows:
        st.caption(t("还没有证书。", "None yet."))
        return
    _kit.table(
        rows,
        [
            Column("number", t("编号", "Number")),
            Column("kind", t("种类", "Kind")),
            Column("of", t("持有人或案号", "Holder or case")),
            Column("kg", t("数量", "Amount"), "kg CO₂e", number=True),
            Column("at", t("出具时间", "Issued at")),
            Column("pdf", t("文件", "Paper")),
            Column("check", t("查验", "Check")),
        ],
    )


def show_everything(me: Actor) -> None:
    """All accounts, and the proof that they are in order."""
    found = accounts(me, party_id=None)
    if not found:
        _kit.empty(
            t("台账还是空的：尚未签发任何碳汇量。", "The ledger is empty: nothing is issued.")
        )
    else:
        _kit.table(
            [
                {"kind": t(*KINDS[one.kind]), "owner": one.owner, "contract": one.contract,
                 "project": one.project, "kg": one.balance_kg}
                for one in found
            ],
            [
                Column("kind", t("账户", "Account")),
                Column("owner", t("持有人", "Holder")),
                Column("contract", t("合同", "Contract")),
                Column("project", t("项目", "Project")),
                Column("kg", t("余额", "Balance"), "kg CO₂e", number=True),
            ],
        )  # fmt: skip
        st.caption(
            t(
                "签发源为负数，等于其余账户之和：全部账户合计恒为零。",
                "Issuance stands below zero by what all others hold: together they are nought.",
            )
        )
    if st.button(t("核对台账", "Verify the ledger"), key="verify", type="primary"):
        with db.transaction(me) as session:
            check = ledger.verify_ledger(session)
            chain = audit.verify(session)
        say_check(check)
        say_chain(chain)
    show_account(me, found, key="all")


def say_check(check: ledger.Check) -> None:
    """The result of counting the ledger again, in words."""
    if check.broken:
        st.error(t("台账不符，请停止办理并查明：", "The ledger does not hold:"))
        for sentence in check.broken:
            st.error(plain(sentence))
        return
    st.success(
        t(
            f"台账相符 ✓  {check.transfers:,} 笔划转、{check.blocks:,} 个编号段：余额与流水一致，编号段铺满批次、"
            "无重号，签发不超过核证量，全部账户合计为零。",
            f"The ledger holds ✓  {check.transfers:,} transfers, {check.blocks:,} blocks.",
        )
    )


def say_chain(chain: audit.ChainState) -> None:
    """The state of the audit log's chain, in words."""
    if chain.broken is not None:
        st.error(
            t(
                f"审计日志在第 {chain.broken} 条之后被改动过，请立即告知审计。",
                f"The audit log does not hold from number {chain.broken} on.",
            )
        )
        return
    st.success(
        t(
            f"审计日志完好 ✓  {chain.sealed:,} 条已封入链，{chain.unsealed:,} 条待封。"
            + (f"链尾 {chain.head[:16]}…" if chain.head else ""),
            f"The audit log holds ✓  {chain.sealed:,} events sealed, {chain.unsealed:,} waiting.",
        )
    )


def main() -> None:
    """A cooperative's own ledger; all of it for the registrar and the auditor."""
    me = _session.page(t("碳汇量台账", "Ledger"), *OWNERS, Role.REGISTRAR)
    if me.roles & OWNERS:
        show_balance(me)
        mine = [
            one for one in accounts(me, party_id=me.party_id) if one.kind == AccountKind.HOLDING
        ]
        show_account(me, mine, key="mine")
    if me.roles & SUPERVISORS:
        show_everything(me)
    show_certificates(me)


main()

"""收储合同: a cooperative drafts a contract over enrolled parcels; a second clerk signs it."""

from dataclasses import dataclass
from datetime import date

import streamlit as st

from pages import _kit, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.cooperative import contracts
from sinks.core import db, people
from sinks.core.actor import Actor, Role
from sinks.core.errors import Invalid
from sinks.land import parcel_list
from sinks.land.parcel_list import ParcelRow
from sinks.web import collection, typed
from sinks.web.collection import Collectable

CHOICE = "contracts.choice"


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract as its list and its card show it."""

    id: int
    number: str
    counterparty: str
    cooperative: str
    term_from: date
    term_to: date
    fee_fen_mu_year: int
    net_share: str
    estimate_kg: int
    exit_clause: str
    status: str
    drafted_by_id: int
    drafted_by: str
    signed_by: str
    signed_on: date | None
    parcels: list[ParcelRow]

    @property
    def area_m2(self) -> float:
        return sum(row.area_m2 for row in self.parcels)


def listed(person: Actor) -> list[Listed]:
    """The contracts of the person's cooperative; every one for an auditor."""
    party_id = None if Role.AUDITOR in person.roles else person.party_id
    with db.transaction(person) as session:
        known = {party.id: party.name for party in people.parties(session)}
        return [
            Listed(
                id=row.id,
                number=row.number,
                counterparty=party.name,
                cooperative=known[row.cooperative_id],
                term_from=row.term_from,
                term_to=row.term_to,
                fee_fen_mu_year=row.fee_fen_mu_year,
                net_share=_words.share(row.net_share),
                estimate_kg=row.estimate_kg,
                exit_clause=row.exit_clause,
                status=row.status,
                drafted_by_id=row.drafted_by_id,
                drafted_by=people.name_of(session, row.drafted_by_id),
                signed_by=people.name_of(session, row.signed_by_id),
                signed_on=row.signed_on,
                parcels=parcel_list.rows(
                    session, ids=[one.parcel_id for one in contracts.members(session, row.id)]
                ),
            )
            for row, party in contracts.listing(session, party_id=party_id)
        ]


def the_list(rows: list[Listed]) -> None:
    """The contracts as a table."""
    _kit.table(
        [
            {
                "number": row.number,
                "counterparty": row.counterparty,
                "parcels": len(row.parcels),
                "area": _words.mu(row.area_m2),
                "until": str(row.term_to),
                "fee": _words.money(row.fee_fen_mu_year),
                "share": row.net_share,
                "estimate": estimate_chip(row.estimate_kg),
                "state": _kit.state_chip(_words.CONTRACT, row.status),
            }
            for row in rows
        ],
        [
            Column("number", t("合同编号", "Number")),
            Column("state", t("状态", "State")),
            Column("counterparty", t("对方", "Counterparty")),
            Column("parcels", t("地块", "Parcels"), number=True),
            Column("area", t("面积", "Area"), unit=t("亩", "mu"), number=True),
            Column("until", t("期限至", "Until")),
            Column("fee", t("价格", "Fee"), unit=t("每亩每年", "a mu and year"), number=True),
            Column("share", t("对方分成", "Their share"), number=True),
            Column(
                "estimate", t("预估量", "Estimate"), unit=t("未核证", "not verified"), number=True
            ),
        ],
    )


def estimate_chip(amount_kg: int) -> _kit.Html:
    """An estimated amount, hatched so that nobody takes it for a verified one."""
    return _kit.chip(
        _words.estimate(amount_kg).split(" tCO₂e")[0] + " tCO₂e", _words.GREY, hatched=True
    )


def the_card(person: Actor, row: Listed) -> None:
    """One contract, and the second clerk's signature."""
    _kit.heading(row.number, _kit.state_chip(_words.CONTRACT, row.status))
    left, right = st.columns([3, 2])
    with left:
        _kit.facts(
            [
                (t("合作社", "Cooperative"), row.cooperative),
                (t("对方", "Counterparty"), row.counterparty),
                (
                    t("期限", "Term"),
                    t(
                        f"{row.term_from} 至 {row.term_to}（不含末日）",
                        f"{row.term_from} until {row.term_to}",
                    ),
                ),
                (t("面积", "Area"), _words.mu_ha(row.area_m2)),
                (
                    t("价格", "Fee"),
                    t(
                        f"{_words.money(row.fee_fen_mu_year)} / 亩·年",
                        f"{_words.money(row.fee_fen_mu_year)} a mu and year",
                    ),
                ),
                (t("对方分净收益", "Their share of the net"), row.net_share),
                (t("退出条款", "Exit clause"), row.exit_clause),
                (t("起草", "Drafted by"), row.drafted_by),
                (t("复核签订", "Signed"), f"{row.signed_by} {row.signed_on or ''}".strip()),
            ]
        )
    with right:
        number, unit, *_ = _words.estimate(row.estimate_kg).split(" ", 2)
        _kit.metric_big(
            number, unit,
            t("合同预估，不是碳汇量：不能签发、出售或注销", "of the contract: no credit, never sold"),
            title=t("整个期限合计", "Over the whole term"), estimated=True,
        )  # fmt: skip
        sign(person, row)
    _kit.table(
        [
            {
                "code": _kit.link(one.code, f"/parcels?id={one.id}"),
                "name": one.name,
                "area": _words.mu(one.area_m2),
                "state": _kit.state_chip(_words.PARCEL, one.status),
            }
            for one in row.parcels
        ],
        [
            Column("code", t("地块", "Parcel")),
            Column("name", t("名称", "Name")),
            Column("area", t("面积", "Area"), unit=t("亩", "mu"), number=True),
            Column("state", t("状态", "State")),
        ],
    )


def sign(person: Actor, row: Listed) -> None:
    """The step of a drafted contract."""
    if row.status != contracts.Status.DRAFTED or Role.COOPERATIVE not in person.roles:
        return
    if row.drafted_by_id == person.person_id:
        st.info(
            t(
                "您是起草人，须由本社另一位经办复核后登记签订。",
                "You drafted it: another clerk of the cooperative records its signing.",
            )
        )
        return
    sentence = t(
        f"确认双方已在纸面合同 {row.number} 上签字：{len(row.parcels)} 块、{_words.mu(row.area_m2)} 亩、"
        f"{_words.money(row.fee_fen_mu_year)}/亩·年、对方分成 {row.net_share}。登记后这些地块即为已签合同，条款不能再改。",
        f"Both sides have signed {row.number} on paper. Its {len(row.parcels)} parcels are then "
        "under contract and its terms fixed.",
    )
    if _kit.confirm(f"contract.sign.{row.id}", sentence, t("登记签订", "Record the signing")):
        with _session.explained():
            with db.transaction(person) as session:
                contracts.sign(session, person, row.id)
            _session.say_done(t(f"合同 {row.number} 已签订。", f"Contract {row.number} is signed."))


def the_form(person: Actor) -> None:
    """Draft a contract over parcels that one counterparty can bring in."""
    with db.transaction(person) as session:
        found = collection.collectable(session)
    holders: dict[int, str] = {item.party_id: item.party_name for item in found}
    if not holders:
        _kit.empty(
            t(
                "没有可以收储的地块：地块要先由林业员审查权属并入库。",
                "Nothing to collect yet: parcels are reviewed and enrolled by the officers first.",
            )
        )
        return
    mount = st.session_state.get("contracts.mount", 0)
    number_column, party_column = st.columns(2)
    number = number_column.text_input(
        t("合同编号", "Number"), key=f"contracts.number.{mount}", max_chars=60,
        placeholder="AJ-2026-001",
    )  # fmt: skip
    party_id = party_column.selectbox(
        t("对方（持有已审权利）", "Counterparty (with a reviewed right)"), list(holders),
        key="contracts.party", format_func=holders.__getitem__, index=None,
        placeholder=t("选择，或输入名称查找", "choose, or type a name"),
    )  # fmt: skip
    if party_id is None:
        st.caption(t("先选择对方，再选它的地块。", "Choose the counterparty, then its parcels."))
        return
    chosen = choose_parcels([item for item in found if item.party_id == party_id])
    terms(person, mount, number, party_id, chosen)


def choose_parcels(mine: list[Collectable]) -> list[Collectable]:
    """The parcels of the contract, out of those the counterparty holds."""
    by_id = {item.parcel_id: item for item in mine}

    def shown(parcel_id: int) -> str:
        item = by_id[parcel_id]
        also = (
            t(f"，已在草稿 {item.drafted_in} 中", f", in draft {item.drafted_in}")
            if item.drafted_in
            else ""
        )
        return f"{item.code} {item.name}（{_words.mu(item.area_m2)} 亩{also}）"

    chosen = [
        by_id[parcel_id]
        for parcel_id in st.multiselect(
            t("地块", "Parcels"),
            list(by_id),
            key=f"contracts.parcels.{mine[0].party_id}",
            default=[item.parcel_id for item in mine if not item.drafted_in],
            format_func=shown,
            placeholder=t("选择地块", "choose"),
        )
    ]
    area_m2 = sum(item.area_m2 for item in chosen)
    st.caption(
        t(
            f"已选 {len(chosen)} 块，合计 {_words.mu_ha(area_m2)}。",
            f"{len(chosen)} parcels, {_words.mu_ha(area_m2)}.",
        )
    )
    return chosen


def terms(person: Actor, mount: int, number: str, party_id: int, chosen: list[Collectable]) -> None:
    """Term, price, share, estimate, exit; and the button that drafts."""
    from_column, to_column, fee_column, share_column = st.columns(4)
    term_from = from_column.date_input(
        t("期限自", "From"), key=f"contracts.from.{mount}", value="today"
    )
    term_to = to_column.date_input(
        t("期限至（不含）", "Until"),
        key=f"contracts.to.{mount}",
        value=None,
        max_value="2199-12-31",
    )
    fee = fee_column.text_input(
        t("价格（元/亩·年）", "Fee (CNY a mu and year)"), key=f"contracts.fee.{mount}",
        placeholder="12.50",
    )  # fmt: skip
    net_share = share_column.text_input(
        t("对方分净收益的份额", "Their share of the net"), key=f"contracts.share.{mount}",
        placeholder="70%",
    )  # fmt: skip
    estimate = st.text_input(
        t("预估量（吨 CO₂e，整个期限，未核证）", "Estimate over the term (t CO₂e, not verified)"),
        key=f"contracts.estimate.{mount}", placeholder="120",
        help=t(
            "只供合同双方参考，不会成为碳汇量。实测毛竹林每亩每年约 0.4 吨。",
            "For the two sides only; it never becomes a credit.",
        ),
    )  # fmt: skip
    exit_clause = st.text_area(
        t("退出条款", "Exit clause"), key=f"contracts.exit.{mount}", height=90,
        placeholder=t("例如：任何一方提前六个月书面通知可以退出；已签发的碳汇量按本合同分成。", ""),
    )  # fmt: skip
    if st.button(t("起草合同", "Draft"), key="contracts.draft", type="primary"):
        with _session.explained():
            if term_to is None:
                raise Invalid(t("请填写合同期限的终止日。", "Until when?"), code="term")
            with db.transaction(person) as session:
                row = contracts.draft(
                    session, person, number=number, counterparty_id=party_id,
                    parcel_ids=[item.parcel_id for item in chosen], term_from=term_from,
                    term_to=term_to, fee_fen_mu_year=typed.fen(fee),
                    net_share=typed.contract_share(net_share),
                    estimate_kg=typed.kilograms(estimate), exit_clause=exit_clause,
                )  # fmt: skip
                drafted = row.id
            st.session_state["contracts.mount"] = mount + 1
            st.session_state["contracts.wanted"] = drafted
            _session.say_done(
                t(
                    f"合同 {number.strip()} 已起草，等另一位经办复核签订。",
                    f"Contract {number.strip()} is drafted, for another clerk to sign.",
                )
            )


def main() -> None:
    """Show the contracts, one of them whole, and the form for a new one."""
    person = _session.page(t("收储合同", "Contracts"), Role.COOPERATIVE)
    rows = listed(person)
    if rows:
        the_list(rows)
        by_id = {row.id: row for row in rows}
        wanted = st.session_state.pop("contracts.wanted", None)
        if wanted in by_id:
            st.session_state[CHOICE] = wanted
        chosen = st.selectbox(
            t("查看合同", "Look at"), list(by_id), index=None, key=CHOICE,
            format_func=lambda one: f"{by_id[one].number} {by_id[one].counterparty}",
            placeholder=t("选择一份合同", "choose one"),
        )  # fmt: skip
        if chosen:
            the_card(person, by_id[chosen])
    else:
        _kit.empty(t("还没有合同。在下面起草第一份。", "No contracts yet. Draft the first below."))
    if Role.COOPERATIVE in person.roles:
        st.subheader(t("起草新合同", "Draft a contract"))
        the_form(person)


main()

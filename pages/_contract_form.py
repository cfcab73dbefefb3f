"""Drafting a collection contract: the counterparty, its parcels, the terms."""

import streamlit as st

from pages import _basket, _kit, _session, _words
from pages._basket import Line
from pages._words import t
from sinks.cooperative import contracts
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.web import collection, project_land, typed
from sinks.web.collection import LISTED_MAX, Collectable, Counterparty


def the_form(person: Actor) -> None:
    """Draft a contract over parcels that one counterparty can bring in."""
    with db.transaction(person) as session:
        count, offered = collection.counterparties(session)
    if not count:
        _kit.empty(
            t(
                "没有可以收储的地块：地块要先由林业员审查权属并入库。",
                "Nothing to collect yet: parcels are reviewed and enrolled by the officers first.",
            )
        )
        return
    if count > len(offered):
        offered = narrowed(person, count)
    mount = st.session_state.get("contracts.mount", 0)
    number_column, party_column = st.columns(2)
    number = number_column.text_input(
        t("合同编号", "Number"), key=f"contracts.number.{mount}", max_chars=60,
        placeholder="AJ-2026-001",
    )  # fmt: skip
    names = {one.party_id: one for one in offered}
    party_id = party_column.selectbox(
        t("对方（持有已审权利）", "Counterparty (with a reviewed right)"), list(names),
        key="contracts.party", index=None,
        format_func=lambda one: t(
            f"{names[one].name}（{names[one].parcels} 块）",
            f"{names[one].name} ({names[one].parcels} parcels)",
        ),
        placeholder=t("选择，或输入名称查找", "choose, or type a name"),
    )  # fmt: skip
    if party_id is None:
        st.caption(t("先选择对方，再选它的地块。", "Choose the counterparty, then its parcels."))
        return
    terms(person, mount, number, party_id, choose_parcels(person, party_id))


def narrowed(person: Actor, count: int) -> list[Counterparty]:
    """The counterparties that what is typed leaves, where there are more than a box lists."""
    search = st.text_input(
        t("找对方", "Find the counterparty"), key="contracts.find", max_chars=100,
        placeholder=t("村名、户名，或其地块的编号、乡镇", "its name, or a code or township of its land"),
    ).strip()  # fmt: skip
    with db.transaction(person) as session:
        found, offered = collection.counterparties(session, search)
    st.caption(
        t(
            f"可收储的对方共 {count:,} 个，找到 {found:,} 个，列出 {len(offered)} 个。",
            f"{count:,} counterparties; {found:,} found, {len(offered)} listed.",
        )
    )
    return offered


def choose_parcels(person: Actor, party_id: int) -> list[int]:
    """The parcels of the contract, out of those the counterparty holds."""
    with db.transaction(person) as session:
        held = collection.extent(session, party_id)
        few = collection.listed(session, party_id) if held.count <= LISTED_MAX else []
    if few:
        return one_by_one(party_id, few)

    def find(search: str) -> tuple[int, float, list[Line]]:
        with db.transaction(person) as session:
            extent = collection.extent(session, party_id, search, undrafted=True)
            lines = collection.listed(session, party_id, search)
        return extent.count, extent.area_m2, [
            Line(one.parcel_id, one.code, one.name, one.township, one.area_m2)
            for one in lines if not one.drafted_in
        ]  # fmt: skip

    def ids_of(search: str) -> list[int]:
        with db.transaction(person) as session:
            return collection.parcel_ids(session, party_id, search)

    chosen = list(
        _basket.choose(f"contracts.parcels.{party_id}", find=find, ids_of=ids_of, grouped=False)
    )
    with db.transaction(person) as session:
        say_chosen(len(chosen), project_land.area_m2(session, chosen))
    return chosen


def one_by_one(party_id: int, mine: list[Collectable]) -> list[int]:
    """The same from a short list, where all that no draft names are chosen from the start."""
    by_id = {item.parcel_id: item for item in mine}

    def shown(parcel_id: int) -> str:
        item = by_id[parcel_id]
        also = (
            t(f"，已在草稿 {item.drafted_in} 中", f", in draft {item.drafted_in}")
            if item.drafted_in
            else ""
        )
        return f"{item.code} {item.name}（{_words.mu(item.area_m2)} {t('亩', 'mu')}{also}）"

    chosen = st.multiselect(
        t("地块", "Parcels"),
        list(by_id),
        key=f"contracts.parcels.{party_id}",
        default=[item.parcel_id for item in mine if not item.drafted_in],
        format_func=shown,
        placeholder=t("选择地块", "choose"),
    )
    say_chosen(len(chosen), sum(by_id[parcel_id].area_m2 for parcel_id in chosen))
    return chosen


def say_chosen(count: int, area_m2: float) -> None:
    """How much the contract is over."""
    st.caption(
        t(
            f"已选 {count:,} 块，合计 {_words.mu_ha(area_m2)}。",
            f"{count:,} parcels, {_words.mu_ha(area_m2)}.",
        )
    )


def terms(person: Actor, mount: int, number: str, party_id: int, chosen: list[int]) -> None:
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
        placeholder=t(
            "例如：任何一方提前六个月书面通知可以退出；已签发的碳汇量按本合同分成。",
            "e.g. either side may leave with six months' notice; what was issued is shared by this.",
        ),
    )  # fmt: skip
    if st.button(t("起草合同", "Draft"), key="contracts.draft", type="primary"):
        with _session.explained():
            if term_to is None:
                raise Invalid(t("请填写合同期限的终止日。", "Until when?"), code="term")
            with db.transaction(person) as session:
                row = contracts.draft(
                    session, person, number=number, counterparty_id=party_id,
                    parcel_ids=chosen, term_from=term_from,
                    term_to=term_to, fee_fen_mu_year=typed.fen(fee),
                    net_share=typed.contract_share(net_share),
                    estimate_kg=typed.kilograms(estimate), exit_clause=exit_clause,
                )  # fmt: skip
                drafted = row.id
            st.session_state["contracts.mount"] = mount + 1
            st.session_state.pop(f"contracts.parcels.{party_id}.held", None)
            st.session_state["contracts.wanted"] = drafted
            _session.say_done(
                t(
                    f"合同 {number.strip()} 已起草，等另一位经办复核签订。",
                    f"Contract {number.strip()} is drafted, for another clerk to sign.",
                )
            )

"""收储合同: a cooperative drafts a contract over enrolled parcels; a second clerk signs it; it ends."""

from dataclasses import dataclass
from datetime import date

import streamlit as st

from pages import _contract_form, _kit, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.cooperative import contracts
from sinks.core import db, people
from sinks.core.actor import Actor, Role
from sinks.land import parcel_list, parcel_search
from sinks.land.parcel_search import Wanted
from sinks.web.collection import LISTED_MAX

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
    ended_on: date | None
    ended_by: str
    end_reason: str
    parcels: int
    area_m2: float


def listed(person: Actor) -> list[Listed]:
    """The contracts of the person's cooperative; every one for an auditor. The newest, and what was
    typed finds the others."""
    party_id = None if Role.AUDITOR in person.roles else person.party_id
    with db.transaction(person) as session:
        total = contracts.count(session, party_id=party_id)
        search = ""
        if total > LISTED_MAX:
            search = st.text_input(
                t(f"找合同（共 {total:,} 份，列出 {LISTED_MAX} 份）", f"Find one of {total:,} contracts"),
                key="contracts.search", max_chars=100,
                placeholder=t("合同编号、对方", "number, counterparty"),
            ).strip()  # fmt: skip
        found = contracts.listing(session, party_id=party_id, search=search, limit=LISTED_MAX)
        extents = contracts.extents(session, [row.id for row, _ in found])
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
                ended_on=row.ended_on,
                ended_by=people.name_of(session, row.ended_by_id),
                end_reason=row.end_reason or "",
                parcels=extents[row.id][0],
                area_m2=extents[row.id][1],
            )
            for row, party in found
        ]


def the_list(rows: list[Listed]) -> None:
    """The contracts as a table."""
    _kit.table(
        [
            {
                "number": row.number,
                "counterparty": row.counterparty,
                "parcels": row.parcels,
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
                *ended_facts(row),
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
        end(person, row)
    the_parcels(person, row)


def ended_facts(row: Listed) -> list[tuple[str, str]]:
    """When and why the contract ended, if it has."""
    if row.ended_on is None:
        return []
    return [
        (t("终止", "Ended"), f"{row.ended_on} {row.ended_by}"),
        (t("终止原因", "Why it ended"), row.end_reason),
    ]


def the_parcels(person: Actor, row: Listed) -> None:
    """The parcels of the contract; of many, the first, and those that what is typed finds."""
    wanted = ""
    if row.parcels > LISTED_MAX:
        wanted = st.text_input(
            t("找合同中的地块", "Find a parcel of it"), key=f"contracts.in.{row.id}", max_chars=100,
            placeholder=t("编号、名称、乡镇、权利人", "code, name, township, holder"),
        ).strip()  # fmt: skip
    with db.transaction(person) as session:
        ids = tuple(one.parcel_id for one in contracts.members(session, row.id))
        found = parcel_search.ids(session, Wanted(search=wanted, ids=ids), limit=LISTED_MAX)
        rows = parcel_list.rows(session, ids=found, simplify_degrees=1.0)
    _kit.table(
        [
            {
                "code": _kit.link(one.code, f"/parcels?id={one.id}"),
                "name": one.name,
                "area": _words.mu(one.area_m2),
                "state": _kit.state_chip(_words.PARCEL, one.status),
            }
            for one in rows
        ],
        [
            Column("code", t("地块", "Parcel")),
            Column("name", t("名称", "Name")),
            Column("area", t("面积", "Area"), unit=t("亩", "mu"), number=True),
            Column("state", t("状态", "State")),
        ],
    )
    if row.parcels > len(rows):
        st.caption(
            t(
                f"合同共 {row.parcels:,} 块，列出 {len(rows)} 块。",
                f"{row.parcels:,} parcels, {len(rows)} listed.",
            )
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
        f"确认双方已在纸面合同 {row.number} 上签字：{row.parcels} 块、{_words.mu(row.area_m2)} 亩、"
        f"{_words.money(row.fee_fen_mu_year)}/亩·年、对方分成 {row.net_share}。登记后这些地块即为已签合同，条款不能再改。",
        f"Both sides have signed {row.number} on paper. Its {row.parcels} parcels are then "
        "under contract and its terms fixed.",
    )
    if _kit.confirm(f"contract.sign.{row.id}", sentence, t("登记签订", "Record the signing")):
        with _session.explained():
            with db.transaction(person) as session:
                contracts.sign(session, person, row.id)
            _session.say_done(t(f"合同 {row.number} 已签订。", f"Contract {row.number} is signed."))


def end(person: Actor, row: Listed) -> None:
    """The last step of a signed contract: its term is over, or the sides have ended it before."""
    if row.status != contracts.Status.SIGNED or Role.COOPERATIVE not in person.roles:
        return
    with db.transaction(person) as session:
        ends_on = min(row.term_to, db.today(session))
    lapsed = ends_on == row.term_to
    if lapsed:
        st.warning(t(f"合同已于 {row.term_to} 期满。", f"The term was over on {row.term_to}."))
    with st.expander(t("终止合同", "End the contract"), expanded=lapsed):
        reason = st.text_input(
            t("终止原因", "Why"), key=f"contracts.end.why.{row.id}", max_chars=500,
            placeholder=t(
                "例如：期满；双方协商解除，解除协议编号", "e.g. its term is over; both sides agree"
            ),
        )  # fmt: skip
        sentence = t(
            f"合同 {row.number} 自 {ends_on} 起终止，不能撤回：{row.parcels} 块地恢复为已入库，可以另签合同；"
            "已签发的碳汇量和终止日以前的期间仍属本合同。",
            f"{row.number} ends on {ends_on} for good: its {row.parcels} parcels may be collected anew. "
            "What was issued stays, and so do the days before.",
        )
        if _kit.confirm(f"contract.end.{row.id}", sentence, t("终止合同", "End it")):
            with _session.explained():
                with db.transaction(person) as session:
                    contracts.end(session, person, row.id, reason=reason)
                _session.say_done(
                    t(f"合同 {row.number} 已终止。", f"Contract {row.number} has ended.")
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
        _contract_form.the_form(person)


main()

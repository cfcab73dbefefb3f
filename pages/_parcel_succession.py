"""On the card of a parcel: where it came from and what became of it; split, merge, transfer, review."""

from collections.abc import Callable

import streamlit as st

from pages import _history_words, _kit, _land, _parcel_draw, _parcel_split, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.cooperative import land_changes, parcel_history
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.core.db import Session
from sinks.land import (
    gaps,
    overlap_cases,
    parcel_list,
    parcel_outlines,
    parcel_search,
    rights,
    succession,
    transfers,
)
from sinks.land.parcel_search import Wanted
from sinks.land.parcels import Status
from sinks.land.succession import Relative
from sinks.land.transfers import Passed
from sinks.web import typed
from sinks.web.parcel_card import READS_NAMES, Holder, ParcelCard

# Whoever merges means neighbours.
MERGE_OFFERED = 50
ENDING = (Status.DRAFT, Status.SUBMITTED, Status.RIGHTS_REVIEWED)


def show(person: Actor, card: ParcelCard) -> None:
    """Show the kin of a parcel, its cases, and what this person can do about either."""
    parcel_id, status = card.row.id, Status(card.row.status)
    with db.transaction(person) as session:
        before, after = (
            succession.parents(session, parcel_id),
            succession.children(session, parcel_id),
        )
        made = succession.made_by(session, parcel_id)
        cases = [
            (case.id, case.kind) for case in overlap_cases.of_parcel(session, parcel_id)
            if case.status in overlap_cases.OPEN
        ]  # fmt: skip
        moves = transfers.of_parcel(session, parcel_id, names=bool(person.roles & READS_NAMES))
        review_id = (
            made.id
            if made
            and made.reviewed_at is None
            and made.person_id != person.person_id
            and any(mark.code == succession.MARK for mark in card.marks)
            else None
        )
    _kin(t("由此而来", "Came from"), before)
    _kin(t("现为", "Became"), after)
    for case_id, kind in cases:
        said = t(
            f"第 {case_id} 号重叠争议（{overlap_cases.KIND_ZH[kind]}）未了结",
            f"Overlap case {case_id} is open",
        )
        st.html(f"<p>{_kit.link(said, f'/overlaps?case={case_id}')}</p>")
    officer = Role.OFFICER in person.roles
    if officer and review_id is not None:
        _review(person, card, review_id)
    _moves(person, moves)
    if officer and status not in (Status.WITHDRAWN, Status.SUSPENDED):
        _split(card)
        _merge(person, card)
        _transfer(person, card)
    if officer and status in ENDING:
        _gaps(person, card)


def _kin(word: str, relatives: list[Relative]) -> None:
    if relatives:
        links = " ".join(_kit.link(one.code, f"/parcels?id={one.parcel_id}") for one in relatives)
        kind = _words.word(_words.SUCCESSIONS, relatives[0].kind)
        st.html(f"<p>{word}（{kind}，{_land.day(relatives[0].at)}）：{links}</p>")


def _review(person: Actor, card: ParcelCard, succession_id: int) -> None:
    papers = "；".join(f"{one.party_name} {one.certificate_no}" for one in card.holders)
    if _kit.confirm(
        f"succession.{succession_id}",
        t(
            f"确认已核对承接的权属：{papers or '（无）'}，以及承接的属性。复核后各块按新边界计入。",
            f"You have checked the rights and attributes that were carried over: {papers or '(none)'}.",
        ),
        t("复核拆并权属", "Review the rights"),
    ):
        with _session.explained():
            with db.transaction(person) as session:
                land_changes.review(session, person, succession_id)
            _session.say_done(t("拆并后的权属已复核。", "The rights are reviewed."))


def _split(card: ParcelCard) -> None:
    if st.button(t("沿线拆分", "Split along a line"), key=f"split.begin.{card.row.id}"):
        _parcel_split.begin(card.row)
        st.rerun()


def _merge(person: Actor, card: ParcelCard) -> None:
    with st.expander(t("与相邻地块合并", "Merge with others")):
        with db.transaction(person) as session:
            alike = Wanted(card.row.sink_type, card.row.status, card.row.district_code)
            around = parcel_search.nearest(
                session, _parcel_draw.bounds_of([card.row.boundary]), limit=MERGE_OFFERED,
                wanted=alike, but_not=[card.row.id],
            )  # fmt: skip
            rows = {row.id: row for row in parcel_list.rows(session, ids=around)}
        codes = {one: f"{rows[one].code} {rows[one].name}" for one in around}
        chosen = st.multiselect(
            t(f"一并合并的地块（由近到远列 {len(codes)} 块）", "Parcels to merge with, the nearest first"),
            list(codes), key=f"merge.with.{card.row.id}",
            format_func=codes.__getitem__, placeholder=t("输入编号查找", "type a code"),
        )  # fmt: skip
        name = st.text_input(
            t("合并后的名称", "Name"), value=card.row.name, key=f"merge.name.{card.row.id}"
        )
        reason = st.text_input(t("合并原因", "Reason"), key=f"merge.why.{card.row.id}")
        if chosen and _kit.confirm(
            f"merge.{card.row.id}",
            t(
                f"{len(chosen) + 1} 块地今天起退出，由一块新地块承接；权属由另一位林业员复核之前不计入任何量。",
                f"{len(chosen) + 1} parcels leave today and one takes their place.",
            ),
            t("合并", "Merge"),
        ):
            with _session.explained():
                with db.transaction(person) as session:
                    row = land_changes.merge(
                        session, person, [card.row.id, *chosen], reason=reason, name=name
                    )
                    [child_id] = succession.of_side(session, row.id, "child")
                st.session_state["parcels.wanted"] = child_id
                _session.say_done(t("已合并，等另一位林业员复核权属。", "Merged."))


def _transfer(person: Actor, card: ParcelCard) -> None:
    held = [one for one in card.holders if one.reviewed_at is not None]
    if not held:
        return
    with st.expander(t("权属转移", "Transfer a right")):
        key = f"transfer.{card.row.id}"
        one: Holder = st.selectbox(
            t("转移的权利", "Right"), held, key=f"{key}.right",
            format_func=lambda item: f"{item.party_name} {_land.right_word(item.kind)}",
        )  # fmt: skip
        choice = _land.choose_party(person, key, t("新权利人", "New holder"))
        paper = st.selectbox(
            t("证书种类", "Paper"), list(rights.CERTIFICATE_ZH), key=f"{key}.paper",
            format_func=_land.paper_word,
        )  # fmt: skip
        number = st.text_input(t("新证书或合同编号", "Number"), key=f"{key}.number", max_chars=100)
        share = st.text_input(
            t("转移的份额", "Share"), value=f"{one.share.normalize():f}", key=f"{key}.share",
            help=t("写 1、0.5、1/3 或 50%", "1, 0.5, 1/3, 50%"),
        )  # fmt: skip
        day_column, end_column = st.columns(2)
        on = day_column.date_input(t("转移日期", "On"), key=f"{key}.on", max_value="today")
        until = end_column.date_input(
            t("期限至（可不填）", "Until"), value=None, key=f"{key}.to", max_value="2199-12-31"
        )
        reason = st.text_input(t("依据（流转合同、继承、判决等）", "Ground"), key=f"{key}.why")
        if st.button(t("录入转移", "File it"), key=f"{key}.file", type="primary"):
            with _session.explained():
                with db.transaction(person) as session:
                    transfers.propose(
                        session, person, right_id=one.right_id,
                        party_id=choice.settled(session, person), certificate_kind=paper,
                        certificate_no=number, transferred_on=on, reason=reason,
                        share=typed.share(share), term_to=until,
                    )  # fmt: skip
                _session.say_done(t("转移已录入，等另一位林业员复核。", "Filed for review."))


def _moves(person: Actor, moves: list[Passed]) -> None:
    for one in moves:
        right = _land.right_word(rights.RightKind(one.kind))
        said = t(
            f"{one.transferred_on}：{right}由 {one.before} 转给 {one.after}（{one.certificate_no}）",
            f"{one.transferred_on}: {right} from {one.before} to {one.after} ({one.certificate_no})",
        )
        if one.accepted is None and Role.OFFICER in person.roles:
            st.info(_session.plain(t(f"待复核 {said}", f"To review: {said}")))
            if one.proposed_by_id != person.person_id:
                _decide(person, one.transfer_id, said)
        elif one.accepted:
            _note(person, one.transfer_id, said)


def _decide(person: Actor, transfer_id: int, said: str) -> None:
    yes, no = st.columns(2)
    with yes:
        if _kit.confirm(f"transfer.accept.{transfer_id}", said, t("复核通过", "Accept")):
            _do(
                person, lambda session: land_changes.accept_transfer(session, person, transfer_id),
                t("转移已生效，合同和项目方已告知。", "The transfer is in force."),
            )  # fmt: skip
    with no:
        reason = st.text_input(t("不同意的原因", "Why not"), key=f"transfer.no.{transfer_id}")
        if st.button(t("不同意", "Refuse"), key=f"transfer.refuse.{transfer_id}"):
            _do(
                person, lambda session: transfers.refuse(session, person, transfer_id, reason),
                t("已退回。", "Refused."),
            )  # fmt: skip


def _note(person: Actor, transfer_id: int, said: str) -> None:
    with db.transaction(person) as session:
        mine = transfers.unseen(session, person, transfer_id)
    if mine:
        st.warning(_session.plain(t(f"权利人已变更。{said}", f"The holder has changed. {said}")))
        if st.button(t("知悉", "Noted"), key=f"transfer.seen.{transfer_id}"):
            _do(
                person, lambda session: transfers.take_note(session, person, transfer_id),
                t("已知悉。", "Noted."),
            )  # fmt: skip


def _gaps(person: Actor, card: ParcelCard) -> None:
    with db.transaction(person) as session:
        found = gaps.gaps(session, card.row.id)
    for gap in found:
        st.warning(
            t(
                f"与 {gap.code} 之间有宽不足 1 米、长 {gap.length_m:,.0f} 米的缝。是否同一条边界？"
                f"贴合后面积由 {_words.mu(card.row.area_m2)} 亩变为"
                f" {_words.mu(card.row.area_m2 + gap.area_m2)} 亩。",
                f"A gap of less than 1 m along {gap.length_m:,.0f} m lies between this and {gap.code}."
                f" Closed, the area goes from {_words.mu(card.row.area_m2)} to"
                f" {_words.mu(card.row.area_m2 + gap.area_m2)} mu.",
            )
        )
        if st.button(
            t(f"贴合到 {gap.code} 的边界", f"Snap to {gap.code}"), key=f"snap.{gap.parcel_id}"
        ):
            _do(
                person,
                lambda session, gap=gap: parcel_outlines.redraw(
                    session, person, card.row.id, boundary=gap.snapped
                ),
                t("已存为新边界，原边界保留在版本中。", "Saved as a new outline."),
            )


def history(person: Actor, parcel_id: int) -> None:
    """Everything that happened to the parcel, newest first."""
    with db.transaction(person) as session:
        told = parcel_history.history(session, parcel_id, names=bool(person.roles & READS_NAMES))
    with st.expander(t(f"经过（{len(told)}）", f"History ({len(told)})")):
        _kit.table(
            [
                {"at": _land.moment(one.at), "what": _history_words.words(one)}
                for one in reversed(told)
            ],
            [Column("at", t("时间", "When")), Column("what", t("经过", "What"), wraps=True)],
        )


def _do(person: Actor, deed: Callable[[Session], object], said: str) -> None:
    with _session.explained():
        with db.transaction(person) as session:
            deed(session)
        _session.say_done(said)

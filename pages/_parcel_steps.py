"""What a person can do with a parcel now, by its state and by who did the step before."""

from collections.abc import Callable

import streamlit as st

from pages import _kit, _land, _parcel_draw, _session
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.core.db import Session
from sinks.core.errors import Invalid
from sinks.land import claims, marks, overlap_cases, parcels, rights
from sinks.land.parcels import Status
from sinks.web import typed
from sinks.web.parcel_card import Holder, Mark, ParcelCard

Deed = Callable[[Session], None]


def show(person: Actor, card: ParcelCard) -> None:
    """Show the steps open to this person, the next one first."""
    officer = Role.OFFICER in person.roles
    status = Status(card.row.status)
    if officer:
        match status:
            case Status.DRAFT:
                _draft(person, card)
            case Status.SUBMITTED:
                _review(person, card)
            case Status.RIGHTS_REVIEWED:
                _enrol(person, card)
        _doubts(person, card)
    if officer and status in (Status.DRAFT, Status.SUBMITTED):
        _rights(person, card)
    if officer and status in (Status.SUBMITTED, Status.RIGHTS_REVIEWED):
        _return(person, card)
    if officer or Role.REGISTRAR in person.roles:
        _leave(person, card, status)


def _do(person: Actor, deed: Deed, said: str) -> None:
    """Do it in one transaction; say so when it is kept, or why it was refused."""
    with _session.explained():
        with db.transaction(person) as session:
            deed(session)
        _session.say_done(said)


def _draft(person: Actor, card: ParcelCard) -> None:
    code, parcel_id = card.row.code, card.row.id
    redraw, submit = st.columns(2)
    if redraw.button(t("重新勾绘", "Redraw"), key=f"redraw.{parcel_id}", width="stretch"):
        _parcel_draw.begin(person, "draw", card.row)
        st.rerun()
    if submit.button(
        t("报送审查", "Submit"), key=f"submit.{parcel_id}", type="primary", width="stretch"
    ):
        _do(
            person, lambda session: parcels.submit(session, person, parcel_id),
            t(f"{code} 已报送，等另一位林业员审查。", f"{code} is submitted for review."),
        )  # fmt: skip


def _review(person: Actor, card: ParcelCard) -> None:
    code, parcel_id = card.row.code, card.row.id
    if person.person_id in {card.created_by_id, *(one.added_by_id for one in card.holders)}:
        st.info(
            t(
                "这块地由您勾绘或录入权属，须由另一位林业员审查。",
                "You drew it or entered its rights: another officer reviews it.",
            )
        )
        return
    papers = "；".join(f"{one.party_name} {one.certificate_no}" for one in card.holders)
    sentence = t(
        f"确认已核对 {code} 的权属材料：{papers or '（无）'}。通过后材料不能再改。",
        f"You have checked the papers of {code}: {papers or '(none)'}. They are fixed then.",
    )
    if _kit.confirm(f"review.{parcel_id}", sentence, t("审查通过", "Accept")):
        _do(
            person, lambda session: rights.review(session, person, parcel_id),
            t(f"{code} 的权属材料已审。", f"The papers of {code} are accepted."),
        )  # fmt: skip


def _enrol(person: Actor, card: ParcelCard) -> None:
    code, parcel_id = card.row.code, card.row.id
    sentence = t(
        f"{code} 入库后，这片土地自今天起归在这块地名下，别的地块不能再占，边界也不能再改。",
        f"From today the land belongs to {code} alone and its outline is fixed.",
    )
    if _kit.confirm(f"enrol.{parcel_id}", sentence, t("入库", "Enrol")):
        with _session.explained():
            try:
                with db.transaction(person) as session:
                    claims.enrol(session, person, parcel_id)
            except claims.NeedsDecision as refusal:
                # The refusal has undone everything; the case is kept by itself.
                with db.transaction(person) as session:
                    case_id = overlap_cases.open_for(session, person, parcel_id).id
                st.html(
                    f"<p>{_kit.link(t(f'第 {case_id} 号重叠争议', f'Case {case_id}'), f'/overlaps?case={case_id}')}</p>"
                )
                raise refusal
            _session.say_done(t(f"{code} 已入库。", f"{code} is enrolled."))


def _return(person: Actor, card: ParcelCard) -> None:
    code, parcel_id = card.row.code, card.row.id
    with st.expander(t("退回补正", "Send back")):
        reason = st.text_input(
            t("退回原因", "What has to be mended"), key=f"return.why.{parcel_id}"
        )
        if st.button(t("退回为草稿", "Send back"), key=f"return.{parcel_id}"):
            _do(
                person,
                lambda session: parcels.return_to_draft(session, person, parcel_id, reason),
                t(f"{code} 已退回。", f"{code} is sent back."),
            )


def _doubts(person: Actor, card: ParcelCard) -> None:
    """Doubts that another officer than the one who drew can settle with a reason."""
    for mark in card.marks:
        if mark.code not in ("overlap", "succession") and card.created_by_id != person.person_id:
            _doubt(person, mark)


def _doubt(person: Actor, mark: Mark) -> None:
    with st.expander(_session.plain(t(f"消除存疑：{mark.message}", f"Settle: {mark.message}"))):
        reason = st.text_input(t("依据", "On what ground"), key=f"mark.why.{mark.mark_id}")
        if st.button(t("消除这条存疑", "Settle it"), key=f"mark.{mark.mark_id}"):
            _do(
                person,
                lambda session: marks.close_mark(session, person, mark.mark_id, reason),
                t("存疑已消除，依据已记入档案。", "The doubt is settled and the ground kept."),
            )


def _rights(person: Actor, card: ParcelCard) -> None:
    # A parcel without holders can go nowhere, so the way on stands open.
    with st.expander(t("增改权属", "Add or remove rights"), expanded=not card.holders):
        for one in card.holders:
            if one.reviewed_at is None:
                _remove_right(person, one)
        _right_form(person, card, f"right.{card.row.id}")


def _remove_right(person: Actor, one: Holder) -> None:
    kind = _land.right_word(one.kind)
    label = t(f"删去 {one.party_name} 的{kind}", f"Remove: {kind}, {one.party_name}")
    if st.button(_session.plain(label), key=f"right.remove.{one.right_id}", type="tertiary"):
        _do(
            person, lambda session: rights.remove(session, person, one.right_id),
            t("已删去这条权属记录。", "The right is removed."),
        )  # fmt: skip


def _right_form(person: Actor, card: ParcelCard, key: str) -> None:
    choice = _land.choose_party(person, key, t("权利人", "Holder"))
    kind = st.selectbox(
        t("权利种类", "Right"), list(rights.RIGHT_ZH), index=1, key=f"{key}.right",
        format_func=_land.right_word,
    )  # fmt: skip
    paper = st.selectbox(
        t("证书种类", "Paper"), list(rights.CERTIFICATE_ZH), key=f"{key}.paper",
        format_func=_land.paper_word,
    )  # fmt: skip
    number = st.text_input(t("证书或合同编号", "Number"), key=f"{key}.number", max_chars=100)
    if number.strip() and rights.looks_unusual(paper, number.strip()):
        st.warning(
            t(
                "编号与这种证书常见的写法不同，请对照原件。确实如此可以照存。",
                "The number is not in the usual form of this paper. Check it; it can be kept.",
            )
        )
    unit_no = st.text_input(
        t("不动产单元号（28 位，可不填）", "Unit number, 28 characters, if any"), key=f"{key}.unit",
        max_chars=60, placeholder="330523 001002 JE00012 L00010001",
    )  # fmt: skip
    share = st.text_input(
        t("份额", "Share"),
        value="1",
        key=f"{key}.share",
        help=t("写 1、0.5、1/3 或 50%", "1, 0.5, 1/3, 50%"),
    )
    start, end = st.columns(2)
    term_from = start.date_input(t("期限自（可不填）", "From"), value=None, key=f"{key}.from")
    term_to = end.date_input(
        t("期限至（可不填）", "To"), value=None, key=f"{key}.to", max_value="2199-12-31"
    )
    if st.button(t("录入权属", "Enter"), key=f"{key}.add", type="primary"):
        _do(
            person,
            lambda session: _add_right(
                session,
                person,
                card,
                choice,
                kind,
                paper,
                number,
                unit_no,
                share,
                (term_from, term_to),
            ),
            t("权属已录入，等另一位林业员审查。", "The right is entered, for another's review."),
        )


def _add_right(
    session: Session, person: Actor, card: ParcelCard, choice: _land.PartyChoice,
    kind: str, paper: str, number: str, unit_no: str, share: str, term: tuple,
) -> None:  # fmt: skip
    rights.add(
        session, person, parcel_id=card.row.id, party_id=choice.settled(session, person),
        kind=kind, certificate_kind=paper, certificate_no=number, unit_no=unit_no,
        share=typed.share(share),
        term_from=term[0], term_to=term[1],
    )  # fmt: skip


def _leave(person: Actor, card: ParcelCard, status: Status) -> None:
    """Suspending, resuming and withdrawing, each with a reason, each asked once more."""
    code, parcel_id = card.row.code, card.row.id
    can_suspend = Status.SUSPENDED in parcels.NEXT[status]
    if Status.WITHDRAWN not in parcels.NEXT[status]:
        return
    title = t("暂停或退出", "Suspend or withdraw") if can_suspend else t("退出", "Withdraw")
    if status == Status.SUSPENDED:
        title = t("恢复或退出", "Resume or withdraw")
    with st.expander(title):
        reason = st.text_input(t("原因", "Reason"), key=f"leave.why.{parcel_id}")
        if status == Status.SUSPENDED and st.button(t("恢复", "Resume"), key=f"resume.{parcel_id}"):
            _do(
                person,
                lambda session: parcels.resume(session, person, parcel_id, _given(reason)),
                t(f"{code} 已恢复。", f"{code} is resumed."),
            )
        if can_suspend and _kit.confirm(
            f"suspend.{parcel_id}",
            t(
                f"{code} 暂停后不再计入新的量，土地仍在它名下。",
                f"{code} earns nothing while suspended; its land stays claimed.",
            ),
            t("暂停", "Suspend"),
        ):
            _do(
                person,
                lambda session: parcels.suspend(session, person, parcel_id, _given(reason)),
                t(f"{code} 已暂停。", f"{code} is suspended."),
            )
        if _kit.confirm(
            f"withdraw.{parcel_id}",
            t(
                f"{code} 自今天起退出登记簿，不能恢复；已经计入的量不受影响。",
                f"{code} leaves the register today, for good. What was credited stays.",
            ),
            t("退出", "Withdraw"),
        ):
            _do(
                person,
                lambda session: claims.withdraw(session, person, parcel_id, _given(reason)),
                t(f"{code} 已退出。", f"{code} is withdrawn."),
            )


def _given(reason: str) -> str:
    if not reason.strip():
        raise Invalid(t("请写明原因。", "Please give the reason."), code="reason")
    return reason.strip()

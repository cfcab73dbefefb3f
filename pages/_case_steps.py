"""The steps of a court case, one decision each: by the court, the seller and the registrar."""

from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from pages import _kit, _words
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.core import db, people
from sinks.core.actor import Actor
from sinks.restoration import case_units, cases, loss_formulas
from sinks.restoration.cases import Damage
from sinks.web import case_card
from sinks.web.case_card import CaseCard

UPLOADS = ["pdf", "jpg", "jpeg", "png", "doc", "docx", "ofd", "txt"]


def whole(typed: float | None, times: int) -> int | None:
    """A typed decimal times 100 or 1000 as an integer, exactly; None if it has more decimals."""
    if typed is None:
        return None
    value = Decimal(repr(typed)) * times
    return int(value) if value == value.to_integral_value() else None


def price_fen(quantity_kg: int, price_fen_t: int) -> int:
    """The price of a quantity, half a fen up."""
    return loss_formulas.cost_fen(quantity_kg, price_fen_t)


def request(me: Actor, card: CaseCard) -> None:
    """The court asks a survey institute for a measurement."""
    st.subheader(t("委托测算", "Ask for a measurement"))
    with db.transaction(me) as session:
        known = {party.id: party.name for party in people.parties(session, "survey")}
    if not known:
        _kit.empty(t("登记簿中还没有林业调查机构，请管理员添加。", "No survey institute yet."))
        return
    appraiser_id = st.selectbox(
        t("林业调查机构", "Survey institute"), list(known), index=None, key="request.to",
        format_func=known.__getitem__, placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    letter = st.text_area(
        t("委托测算函（可修改）", "Letter (editable)"), key="request.letter", height=260,
        value=_letter(card),
    )  # fmt: skip
    sentence = t(
        f"将委托“{known.get(appraiser_id or 0, '')}”测算本案，并把委托函归档。委托后该机构能看到本案。",
        f"{known.get(appraiser_id or 0, '')} is asked to measure and will see this case.",
    )
    if _kit.confirm(
        f"request.{card.id}", sentence, t("委托测算", "Send the request"),
        disabled=appraiser_id is None or not letter.strip(),
    ):  # fmt: skip
        with explained():
            with db.transaction(me) as session:
                cases.request_measurement(
                    session, me, card.id, appraiser_id=appraiser_id or 0, letter=letter
                )
            say_done(t("已委托测算。", "Requested."))


def _letter(card: CaseCard) -> str:
    return (
        f"委托测算函\n\n本院审理的{card.case_no}{card.cause}一案，需查明生态环境损害所致碳汇损失。"
        "现委托贵机构：\n一、勘查并勾绘受损地范围；\n二、测算受损前后单位面积碳储量及其误差；\n"
        "三、说明年净碳汇量、恢复年数、恢复过程、折现率及其依据；\n"
        "四、写明所用计算方法及同一裁判责令原地恢复的份额 φ 的取值理由；\n"
        f"五、出具测算意见并签署。\n\n{card.court}"
    )


def consent(me: Actor, card: CaseCard) -> None:
    """The party's request and the claimant's consent go on file."""
    st.subheader(t("申请与同意", "Request and consent"))
    st.caption(
        t(
            "替代履行须由当事人申请（法释〔2022〕16号第二十条），并附原告或检察机关的意见。两份材料缺一不可。",
            "A party must ask for substitution, and the claimant's or prosecutor's view is filed.",
        )
    )
    asked = st.file_uploader(
        t("当事人申请书", "The party's request"), type=UPLOADS, key="consent.request"
    )
    agreed = st.file_uploader(t("同意意见", "The consent"), type=UPLOADS, key="consent.consent")
    sentence = t(
        f"将归档“{asked.name if asked else ''}”和“{agreed.name if agreed else ''}”，归档后不能更换。",
        "Both files go on record and cannot be exchanged.",
    )
    if _kit.confirm(
        f"consent.{card.id}", sentence, t("归档", "File both"), disabled=not (asked and agreed)
    ):
        if asked is None or agreed is None:
            return
        with explained():
            with db.transaction(me) as session:
                cases.file_consent(
                    session, me, card.id, request=(asked.name, asked.getvalue()),
                    consent=(agreed.name, agreed.getvalue()),
                )  # fmt: skip
            say_done(t("申请与同意已归档。", "Filed."))


def order(me: Actor, card: CaseCard) -> None:
    """The clerk writes down the decision; the quantity is the court's own."""
    st.subheader(t("登记决定", "Record the decision"))
    with db.transaction(me) as session:
        sellers = {party.id: party.name for party in people.parties(session, "cooperative")}
        today = db.today(session)
    left, middle, right = st.columns(3)
    kind = left.selectbox(
        t("文书种类", "Kind"), cases.DECISION_KINDS, index=None, key="order.kind",
        placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    decided_on = middle.date_input(
        t("作出日期", "Decided on"),
        value=None,
        max_value=today,
        key="order.decided",
        format="YYYY-MM-DD",
    )
    effective_on = right.date_input(
        t("生效日期", "In effect on"), value=None, key="order.effective", format="YYYY-MM-DD"
    )
    basis = st.selectbox(
        t("法律依据", "Legal basis"), cases.LEGAL_BASES[Damage(card.damage)], index=None,
        key="order.basis", placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    quantity_kg, price_fen_t = _quantity_and_price(card)
    seller_id = st.selectbox(
        t("出让碳汇量的合作社", "Seller"), list(sellers), index=None, key="order.seller",
        format_func=sellers.__getitem__, placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    duty = st.text_area(
        t("修复义务（单独履行，不因认购而免除；没有则写“无”）", "Duty to restore (apart; “none” if none)"),
        key="order.duty", placeholder="补植毛竹 3 年，验收单位……",
    )  # fmt: skip
    exception = st.text_input(
        t(
            "碳汇与受损类型不同质时的例外理由（同质不填）",
            "Reason for an exception of kind (if any)",
        ),
        key="order.exception",
    )
    paper = st.file_uploader(
        t("文书（可不传）", "The decision itself (optional)"), type=UPLOADS, key="order.document"
    )
    values: dict[str, Any] = {
        "document": (paper.name, paper.getvalue()) if paper else None,
        "decision_kind": kind, "decided_on": decided_on, "effective_on": effective_on,
        "legal_basis": basis, "quantity_kg": quantity_kg, "seller_id": seller_id,
        "restoration_duty": duty.strip(), "price_fen_t": price_fen_t,
        "kind_exception": exception.strip() or None,
    }  # fmt: skip
    send_order(me, card, values, seller=sellers.get(seller_id or 0, ""))


def _quantity_and_price(card: CaseCard) -> tuple[int | None, int | None]:
    """Kilograms to retire and fen per tonne, as the court writes them; the appraisal stands beside."""
    tonnes, price = st.columns(2)
    quantity_kg = whole(
        tonnes.number_input(
            t("认购数量（吨，由法院确定）", "To retire (t, set by the court)"), value=None,
            min_value=0.0, format="%.3f", key="order.tonnes",
        ), 1000,
    )  # fmt: skip
    tonnes.caption(appraised_words(card))
    price_fen_t = whole(
        price.number_input(
            t("单价（元/吨，可不填）", "Price (CNY/t, optional)"), value=None, min_value=0.0,
            format="%.2f", key="order.price",
        ), 100,
    )  # fmt: skip
    return quantity_kg, price_fen_t


def appraised_words(card: CaseCard) -> str:
    """What the appraisal says, beside the court's own field."""
    result = card.assessment.result if card.assessment else {}
    if result.get("quantity_kg") is not None:
        shown = _words.tonnes(result["quantity_kg"])
        return t(f"测算意见：{shown}，供参考", f"The appraisal says {shown}")
    if result.get("habitat_ha") is not None:
        shown = _words.mu_ha(result["habitat_ha"] * 10_000)
        return t(f"测算意见为修复面积 {shown}，没有吨数", f"The appraisal says {shown} of habitat")
    return ""


def send_order(me: Actor, card: CaseCard, values: dict[str, Any], *, seller: str) -> None:
    """The text for the decision, and the one press that records it."""
    optional = ("price_fen_t", "kind_exception", "document")
    ready = all(value for name, value in values.items() if name not in optional)
    if ready:
        appraised = card.assessment.result.get("quantity_kg") if card.assessment else None
        if appraised is not None and appraised != values["quantity_kg"]:
            st.warning(
                t(
                    f"与测算意见的 {_words.tonnes(appraised)} 不同；以法院确定的数量为准，请核对后登记。",
                    f"This differs from the appraisal's {_words.tonnes(appraised)}.",
                )
            )
        st.text_area(
            t("文段（可编辑、复制到文书，不存档）", "Text for the decision (editable, not stored)"),
            value=paragraph(card, values, seller), key=f"order.text.{values['quantity_kg']}",
            height=150,
        )  # fmt: skip
    sentence = t(
        f"将登记{values['decision_kind']}：认购 {_words.tonnes(values['quantity_kg'] or 0)}，由“{seller}”出让；"
        f"修复义务“{values['restoration_duty']}”另行履行。登记后不能修改。",
        f"Recorded: {_words.tonnes(values['quantity_kg'] or 0)} to retire, sold by {seller}; the duty "
        "to restore stands apart. It cannot be changed afterwards.",
    )
    if _kit.confirm(f"order.{card.id}", sentence, t("登记决定", "Record"), disabled=not ready):
        with explained():
            with db.transaction(me) as session:
                cases.record_order(session, me, card.id, **values)
            say_done(t("决定已登记。", "The decision is recorded."))


def paragraph(card: CaseCard, values: dict[str, Any], seller: str) -> str:
    """A paragraph for the decision, to be edited by the court."""
    decided: date = values["decided_on"]
    return (
        f"（{values['decision_kind']}，{decided:%Y年%m月%d日}）{card.defendant}应向{seller}认购经核证、备案的"
        f"碳汇量 {_words.tonnes(values['quantity_kg'])}，并由登记机构注销，用于替代履行生态环境损害赔偿责任"
        f"（{values['legal_basis']}）。前款认购不免除修复义务：{values['restoration_duty']}。"
    )


def lock(me: Actor, card: CaseCard) -> None:
    """The seller puts units aside for the case."""
    assert card.order is not None
    st.subheader(t("锁定碳汇量", "Lock units"))
    with db.transaction(me) as session:
        found = case_card.supplies(session, me.party_id)
    if not found:
        _kit.empty(
            t(
                "本社没有持有的碳汇量。签发后才能锁定。",
                "The cooperative holds nothing to lock.",
            )
        )
        return
    wanted = card.order.quantity_kg
    chosen = st.selectbox(
        t("从哪个账户锁定", "From which account"), found, index=None, key="lock.account",
        format_func=_supply_words, placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    if chosen is None:
        return
    locked_kg = -(-wanted // chosen.unit_kg) * chosen.unit_kg
    if locked_kg > chosen.held_kg:
        st.warning(t("这个账户持有的量不足。", "This account holds too little."))
    sentence = t(
        f"将从“{_supply_words(chosen)}”的账户锁定 {_words.kilograms(locked_kg)}（按登记单位 {chosen.unit_kg:,} kg "
        f"取整，不少于裁判的 {_words.kilograms(wanted)}）给{card.case_no}。锁定后不能用于别处。",
        f"{_words.kilograms(locked_kg)} of “{_supply_words(chosen)}” are locked for "
        f"{card.case_no} and serve nothing else.",
    )
    if _kit.confirm(f"lock.{card.id}", sentence, t("锁定", "Lock")):
        with explained():
            with db.transaction(me) as session:
                case_units.lock_units(session, me, card.id, account_id=chosen.account_id)
            say_done(t(f"已锁定 {locked_kg:,} kg。", f"{locked_kg:,} kg are locked."))


def _supply_words(one: case_card.Supply) -> str:
    whose = (
        t(f"合同 {one.contract_no}", f"contract {one.contract_no}")
        if one.contract_no
        else t("未签收储合同的地块", "land without a contract")
    )
    held = _words.kilograms(one.held_kg)
    return t(f"{whose} · 持有 {held}", f"{whose} · holds {held}")


def pay(me: Actor, card: CaseCard) -> None:
    """The payment voucher goes on file."""
    st.subheader(t("付款凭证", "Payment voucher"))
    voucher = st.file_uploader(t("价款支付凭证", "Voucher"), type=UPLOADS, key="pay.file")
    sentence = t(
        f"将归档付款凭证“{voucher.name if voucher else ''}”，案件转登记机构注销。",
        "The voucher goes on file and the registrar retires next.",
    )
    if _kit.confirm(f"pay.{card.id}", sentence, t("归档凭证", "File it"), disabled=voucher is None):
        if voucher is None:
            return
        with explained():
            with db.transaction(me) as session:
                case_units.record_payment(
                    session, me, card.id, voucher=(voucher.name, voucher.getvalue())
                )
            say_done(t("付款凭证已归档。", "Filed."))


def retire(me: Actor, card: CaseCard) -> None:
    """The registrar retires what is locked, once and for good."""
    st.subheader(t("注销", "Retire"))
    sentence = t(
        f"将注销为{card.case_no}锁定的 {_words.kilograms(card.locked_kg)}，用于替代履行生态环境损害赔偿责任。"
        "注销不可恢复：此后这些编号不能再转让、抵押或用于任何用途。",
        f"{_words.kilograms(card.locked_kg)} locked for {card.case_no} are retired. This cannot be "
        "undone: the serials serve nothing ever after.",
    )
    if _kit.confirm(f"retire.{card.id}", sentence, t("注销", "Retire")):
        with explained():
            with db.transaction(me) as session:
                case_units.retire(session, me, card.id)
            say_done(t(f"已注销 {card.locked_kg:,} kg。", f"{card.locked_kg:,} kg are retired."))


def certify(me: Actor, card: CaseCard) -> None:
    """The registrar's paper of the retirement."""
    st.subheader(t("出具注销证书", "Certificate"))
    sentence = t(
        f"将为{card.case_no}出具注销证书（{_words.kilograms(card.locked_kg)}）。证书公开可查，不显示被告人全名。",
        f"A certificate for {card.case_no}; anybody can check it; the name is masked.",
    )
    if _kit.confirm(f"certify.{card.id}", sentence, t("出具证书", "Issue the certificate")):
        with explained():
            with db.transaction(me) as session:
                number = case_units.certify(session, me, card.id).number
            say_done(t(f"已出具证书 {number}。", f"Certificate {number} is issued."))


def confirm(me: Actor, card: CaseCard) -> None:
    """The court confirms performance."""
    st.subheader(t("确认履行", "Confirm"))
    assert card.order is not None
    sentence = t(
        f"将确认{card.case_no}的认购部分（{_words.kilograms(card.locked_kg)}）已履行。修复义务不在其内，仍按裁判履行。",
        f"The retirement for {card.case_no} is confirmed as performed; the duty to restore is not.",
    )
    st.caption(plain(sentence))
    if _kit.confirm(f"confirm.{card.id}", sentence, t("确认履行", "Confirm")):
        with explained():
            with db.transaction(me) as session:
                cases.confirm(session, me, card.id)
            say_done(t("已确认。", "Confirmed."))

"""Page: restoration ordered by a court. Six steps, one decision at a time, each by its own office.

The court asks and decides; the appraiser measures and signs; the registry computes and retires;
none of them does another's part.
"""

import html
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages import _appraisal, _case_steps, _kit, _land, _maps, _session, _words
from pages._kit import Column
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.core import db, people
from sinks.core.actor import Actor, Role
from sinks.core.errors import Invalid
from sinks.restoration import case_number, cases
from sinks.restoration.cases import Damage, Status
from sinks.web import case_card
from sinks.web.case_card import CaseCard

READERS = (
    Role.COURT, Role.PROSECUTOR, Role.APPRAISER, Role.COOPERATIVE, Role.REGISTRAR,
)  # fmt: skip
DAMAGES: Mapping[str, tuple[str, str]] = {
    Damage.FOREST: ("森林（含竹林）", "Forest (bamboo included)"),
    Damage.WETLAND: ("湿地", "Wetland"),
    Damage.OTHER: ("其他", "Other"),
}
# (audit action that ends the step, Chinese, English)
STEPS = (
    ("case.open", "案件", "Case"),
    ("case.request", "委托测算函", "Request"),
    ("case.sign", "测算意见", "Appraisal"),
    ("case.consent", "申请与同意", "Request and consent"),
    ("case.order", "决定", "Decision"),
    ("case.confirm", "履行", "Performance"),
)
PAPERS: Mapping[str, tuple[str, str]] = {
    "letter": ("委托测算函", "Letter of request"),
    "request": ("当事人申请", "Party's request"),
    "consent": ("同意意见", "Consent"),
    "order": ("裁判文书", "Decision"),
    "payment": ("付款凭证", "Payment voucher"),
}
WARNINGS = "case.warnings"


def show_list(me: Actor) -> None:
    """Cases this person takes part in, and a new one for the court."""
    with db.transaction(me) as session:
        found = case_card.listing(session, me)
    if found:
        _kit.table(
            [
                {
                    "no": _kit.link(row.case_no, f"/restoration?case={row.id}"),
                    "court": row.court, "defendant": row.defendant, "cause": row.cause,
                    "state": _kit.state_chip(_words.CASE, row.status),
                    "at": _land.day(row.opened_at),
                }
                for row in found
            ],
            [
                Column("no", t("案号", "Case")),
                Column("court", t("法院", "Court")),
                Column("defendant", t("被告人", "Defendant")),
                Column("cause", t("案由", "Cause")),
                Column("state", t("状态", "State")),
                Column("at", t("立案登记", "Opened")),
            ],
        )  # fmt: skip
    else:
        _kit.empty(
            t(
                "没有您参与的案件。案件由法院登记；受委托测算、出让碳汇量的单位在被指定后能看到案件。",
                "No case you take part in. The court opens cases; others see them once named.",
            )
        )
    if Role.COURT in me.roles:
        st.subheader(t("登记新案件", "Open a case"))
        open_form(me)


def open_form(me: Actor) -> None:
    """Open a case; what is odd about its number is said at once and refuses nothing."""
    number = st.text_input(
        t("案号", "Case number"), key="open.no", placeholder="（2026）浙0591刑初12号"
    )
    if number.strip():
        try:
            for warning in case_number.court_warnings(case_number.parse(number)):
                st.warning(plain(warning))
        except Invalid as error:
            st.error(plain(error.message))
    left, middle, right = st.columns([2, 3, 2])
    defendant = left.text_input(t("被告人", "Defendant"), key="open.defendant")
    cause = middle.text_input(t("案由", "Cause"), key="open.cause", placeholder="非法占用农用地罪")
    damage = right.selectbox(
        t("损害类型", "Damage"), list(DAMAGES), index=None, key="open.damage",
        format_func=lambda code: t(*DAMAGES[code]), placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    with db.transaction(me) as session:
        prosecutors = {one.id: one.name for one in people.parties(session, "procuratorate")}
    prosecutor_id = st.selectbox(
        t("参加诉讼的检察院（可不选；选后可查看本案）", "Procuratorate (optional; may read the case)"),
        list(prosecutors), index=None, key="open.prosecutor",
        format_func=prosecutors.__getitem__, placeholder=t("没有", "none"),
    )  # fmt: skip
    if st.button(t("登记案件", "Open the case"), key="open.send", type="primary"):
        with explained():
            with db.transaction(me) as session:
                row, warnings = cases.open_case(
                    session, me, case_no=number, defendant=defendant, cause=cause,
                    damage=damage or "", prosecutor_id=prosecutor_id,
                )  # fmt: skip
                case_id, case_no = row.id, row.case_no
            st.session_state[WARNINGS] = (case_id, warnings)
            st.query_params["case"] = str(case_id)
            say_done(t(f"已登记案件 {case_no}。", f"Case {case_no} is opened."))


def show_case(me: Actor, card: CaseCard) -> None:
    """Steps across the top, facts at the left, the one thing to decide at the right."""
    if st.button(t("← 全部案件", "← All cases"), key="back", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    show_steps(card)
    case_id, warnings = st.session_state.get(WARNINGS, (None, []))
    if case_id == card.id:
        for warning in warnings:
            st.warning(plain(warning))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        show_facts(card)
    with right:
        decide(me, card)
    if card.assessment is not None:
        with st.expander(t("测算明细：每一步算式", "The appraisal, step by step")):
            _appraisal.show_result(card.assessment.result)
            _kit.facts(
                [
                    (t("存量数据来源", "Source of the stock"), card.assessment.basis),
                    (t("签署", "Signed"), f"{card.appraiser} · {card.assessment.signed_by} · "
                     f"{_land.moment(card.assessment.signed_at)}"),
                    (t("图层指纹", "Layer hash"), card.assessment.layer_sha256),
                ]
            )  # fmt: skip
    show_papers(card)


def show_steps(card: CaseCard) -> None:
    """The six steps; the last says how far performance has come."""
    performing = {
        Status.LOCKED: t("已锁定", "locked"), Status.PAID: t("已付款", "paid"),
        Status.RETIRED: t("已注销", "retired"), Status.CERTIFIED: t("已出证", "certified"),
    }  # fmt: skip
    events: list[tuple[str, str | None]] = []
    for number, (action, zh, en) in enumerate(STEPS, start=1):
        at = card.steps.get(action)
        word = f"{number} {t(zh, en)}"
        if action == "case.confirm" and at is None and card.status in performing:
            word += f"（{performing[Status(card.status)]}）"
        events.append((word, _land.day(at) if at else None))
    _kit.timeline(events)


def show_facts(card: CaseCard) -> None:
    """What is settled about the case, in one place that does not move."""
    _kit.heading(card.case_no, _kit.state_chip(_words.CASE, card.status))
    pairs: list[tuple[str, Any]] = [
        (t("法院", "Court"), card.court),
        (t("被告人", "Defendant"), card.defendant),
        (t("案由", "Cause"), card.cause),
        (t("损害类型", "Damage"), t(*DAMAGES[card.damage])),
        (t("调查机构", "Appraiser"), card.appraiser),
    ]
    if card.site:
        pairs.append((t("受损地", "Site"), _words.mu_ha(card.site.area_m2)))
    if card.assessment:
        pairs += _appraisal.result_facts(card.assessment.result)
    if card.order:
        order = card.order
        pairs += [
            (t("文书", "Decision"), f"{order.decision_kind} · {order.decided_on}"),
            (t("生效", "In effect"), order.effective_on),
            (t("依据", "Legal basis"), order.legal_basis),
            (t("认购（由法院确定）", "To retire (set by the court)"), _words.tonnes(order.quantity_kg)),
            (t("出让合作社", "Seller"), card.seller),
        ]  # fmt: skip
        if order.price_fen_t:
            amount_fen = _case_steps.price_fen(order.quantity_kg, order.price_fen_t)
            pairs.append(
                (t("价款", "Price"),
                 f"{_words.money(order.price_fen_t)}/t × {_words.tonnes(order.quantity_kg)} = "
                 f"{_words.money(amount_fen)}")
            )  # fmt: skip
        if order.kind_exception:
            pairs.append((t("异质例外理由", "Exception of kind"), order.kind_exception))
        if card.locked_kg:
            pairs.append((t("已锁定或注销", "Locked or retired"), _words.kilograms(card.locked_kg)))
    _kit.facts(pairs)
    if card.order:
        _duty(card)
    if card.site and card.status != Status.REQUESTED:
        _maps.show_map(
            f"case-{card.id}",
            [{
                "type": "Feature", "geometry": card.site.boundary,
                "properties": {"id": 1, "label": t("受损地", "Site"), "state_colour": _words.RED},
            }],
            height=280, basemaps=_land.basemaps(), review_number=_land.review_number(),
        )  # fmt: skip


def _duty(card: CaseCard) -> None:
    """The duty to restore, on a line of its own: nothing that is retired ends it."""
    assert card.order is not None
    label = t(
        "修复义务（单独履行，不因认购而免除）",
        "Duty to restore (apart; retirement does not end it)",
    )
    st.html(
        f'<p class="sinks-sentence">{html.escape(label)}：{html.escape(card.order.restoration_duty)}</p>'
    )


def decide(me: Actor, card: CaseCard) -> None:
    """The one decision that is open, for whoever takes it; a sentence for everybody else."""
    court = Role.COURT in me.roles and card.court == me.party_name
    appraiser = Role.APPRAISER in me.roles and card.appraiser == me.party_name
    seller = Role.COOPERATIVE in me.roles and card.seller == me.party_name
    registrar = Role.REGISTRAR in me.roles
    turns = {
        Status.OPENED: (court, _case_steps.request, t("法院委托测算", "the court's request")),
        Status.REQUESTED: (appraiser, _appraisal.show,
                           t("调查机构勾绘、测算并签署", "the appraiser's measurement")),
        Status.APPRAISED: (court, _case_steps.consent,
                           t("法院归档申请与同意", "the court to file request and consent")),
        Status.CONSENTED: (court, _case_steps.order, t("法院登记决定", "the court's decision")),
        Status.ORDERED: (seller, _case_steps.lock, t("合作社锁定碳汇量", "the seller's lock")),
        Status.LOCKED: (seller, _case_steps.pay, t("合作社归档付款凭证", "the payment voucher")),
        Status.PAID: (registrar, _case_steps.retire, t("登记机构注销", "the registrar to retire")),
        Status.RETIRED: (registrar, _case_steps.certify, t("登记机构出证", "the certificate")),
        Status.CERTIFIED: (court, _case_steps.confirm, t("法院确认履行", "the court to confirm")),
    }  # fmt: skip
    turn = turns.get(Status(card.status))
    if turn is None:
        st.success(
            t(
                "认购部分已履行完毕并经法院确认。修复义务仍按裁判另行履行。",
                "The retirement is performed and confirmed. The duty to restore stands apart.",
            )
        )
    elif turn[0]:
        turn[1](me, card)
    else:
        _kit.empty(t(f"等待{turn[2]}。", f"Waiting for {turn[2]}."))
    if card.certificate_no:
        certificate_links(me, card.certificate_no)


def certificate_links(me: Actor, number: str) -> None:
    """The certificate's paper and its public check."""
    st.subheader(t("注销证书", "Certificate"))
    readers = {Role.COURT, Role.PROSECUTOR, Role.COOPERATIVE, Role.REGISTRAR, Role.AUDITOR}
    _kit.facts(
        [
            (t("编号", "Number"), number),
            *(
                [(t("文件", "Paper"),
                  _kit.link(t("下载 PDF", "PDF"), f"/certificates/{number}.pdf"))]
                if me.roles & readers else []
            ),
            (t("公开查验", "Public check"),
             _kit.link(t("查验", "Check"), f"/public/check?number={number}")),
        ]
    )  # fmt: skip
    st.caption(
        t(
            "证书仅证明碳汇已核销，不证明修复义务已履行，不得用于抵销或宣传。",
            "It proves retirement only, not restoration; no use for offsetting or advertising.",
        )
    )


def show_papers(card: CaseCard) -> None:
    """What is on file in the case."""
    if not card.papers:
        return
    st.subheader(t("附件清单", "On file"))
    _kit.table(
        [
            {
                "kind": t(*PAPERS[paper.kind]) if paper.kind in PAPERS else paper.kind,
                "name": _kit.link(paper.name, f"/documents/{paper.id}"),
                "at": _land.moment(paper.filed_at),
            }
            for paper in card.papers
        ],
        [
            Column("kind", t("材料", "Document")),
            Column("name", t("文件", "File")),
            Column("at", t("归档时间", "Filed at")),
        ],
    )


def main() -> None:
    """The case that is asked for, or all of them."""
    me = _session.page(t("司法修复", "Restoration"), *READERS)
    asked = st.query_params.get("case", "")
    if not asked.isdigit():
        show_list(me)
        return
    card = None
    with explained(), db.transaction(me) as session:
        card = case_card.card(session, me, int(asked))
    if card is not None:
        show_case(me, card)


main()

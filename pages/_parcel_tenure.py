"""On the card of a parcel: what maps say about it, its attributes, the consent of its collective."""

import html
from datetime import date, timedelta
from typing import Any

import streamlit as st

from pages import _kit, _land, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.land import attributes, consents
from sinks.land.attributes import LAND_CLASSES, TIERS, AttributeKind
from sinks.land.eligibility import Finding, Step, Verdict
from sinks.land.parcels import SinkType, Status
from sinks.web import parcel_tenure
from sinks.web.parcel_card import ParcelCard
from sinks.web.parcel_tenure import Attribute, Consent, Tenure

VERDICTS: dict[str, tuple[str, str, str]] = {
    Verdict.UNDECIDED: ("待决定", "Undecided", _words.AMBER),
    Verdict.UNCHECKED: ("未导入，未核查", "Not imported, unchecked", _words.AMBER),
    Verdict.ALLOWED: ("涉及", "Concerned", _words.BLUE),
    Verdict.CLEAR: ("不涉及", "Clear", _words.GREEN),
}
STATES: dict[str, tuple[str, str, str]] = {
    "waiting": ("待复核", "Waits for review", _words.AMBER),
    "accepted": ("已复核", "Accepted", _words.GREEN),
    "refused": ("不予认可", "Refused", _words.RED),
}
KINDS: dict[str, tuple[str, str]] = {
    AttributeKind.TEA_CERTIFICATION: ("生态低碳茶认证", "Eco low-carbon tea certificate"),
    AttributeKind.LAND_CLASS: ("地类（国土三调）", "Land class (national survey)"),
    AttributeKind.WETLAND: ("湿地名录", "Listed wetland"),
}
BODIES: dict[str, tuple[str, str]] = {
    consents.Body.MEMBERS: ("成员大会", "All members"),
    consents.Body.REPRESENTATIVES: ("代表会议", "Representatives"),
}
# Which attributes a parcel of a type can have.
KINDS_OF = {
    SinkType.TEA: (AttributeKind.TEA_CERTIFICATION, AttributeKind.LAND_CLASS),
    SinkType.WETLAND: (AttributeKind.LAND_CLASS, AttributeKind.WETLAND),
}
# Whose work it is to read the files behind an attribute or a consent.
READS_FILES = frozenset({Role.OFFICER, Role.REGISTRAR, Role.AUDITOR})


def _asked_by_merge(card: ParcelCard) -> bool:
    """Whether the parents of a merge differed in their consents, and one has to be stated."""
    return any(mark.code == "inherit_consent" for mark in card.marks)


def _inherited() -> str:
    return t(
        "（承接自原地块，证明文件同原地块）", " (taken over from the parent, with its evidence)"
    )


def show(person: Actor, card: ParcelCard) -> None:
    """Show all of it, and to officers the forms."""
    with db.transaction(person) as session:
        found = parcel_tenure.read(session, card.row.id)
    printed = _kit.link(
        t("打印地块图（A4，PDF）", "Map on paper (A4, PDF)"), f"/parcel-map/{card.row.id}.pdf"
    )
    _kit.facts([(t("纸质图", "On paper"), printed)])
    _evidence(found)
    _constraints(found.findings)
    _attributes(person, card, found.attributes)
    if found.needs_consent or found.consents or _asked_by_merge(card):
        _consents(person, card, found)
    if found.source is not None:
        with st.expander(t("取自县图", "From the county's map")):
            _kit.facts(
                [
                    (t("底图", "Map"), found.source.layer_name),
                    (t("图形编号", "Shape"), found.source.shape_no),
                    *list(found.source.attributes.items())[:20],
                ]
            )


def _evidence(found: Tenure) -> None:
    """Which paper is followed where several speak of one right, and 不动产单元号."""
    for one in found.followed:
        if one.weaker:
            weaker = "、".join(_land.paper_word(paper) for paper in one.weaker)
            st.caption(
                t(
                    f"{_land.right_word(one.kind)}：以{_land.paper_word(one.paper)}为准，优先于{weaker}。",
                    f"{_land.right_word(one.kind)}: {_land.paper_word(one.paper)} is followed before {weaker}.",
                )
            )
    for unit_no, question in found.unit_nos:
        st.caption(_session.plain(f"{t('不动产单元号', 'Unit number')} {unit_no}"))
        if question:
            st.warning(question)


def chip(table: dict[str, tuple[str, str, str]], code: str) -> _kit.Html:
    """A chip of one of the tables above."""
    zh, en, colour = table[code]
    return _kit.chip(t(zh, en), colour)


def _verdict(one: Finding) -> _kit.Html:
    """The chip of a finding: what it stops, or that it stops nothing."""
    if one.verdict == Verdict.BARRED:
        words = (
            ("不能入库", "Not enrolled") if one.step == Step.ENROL else ("不能计入", "Not credited")
        )
        return _kit.chip(t(*words), _words.RED)
    if one.verdict == Verdict.ALLOWED and one.under is None:
        return _kit.chip(t("符合", "Fits"), _words.GREEN)
    return chip(VERDICTS, one.verdict)


def _constraints(findings: list[Finding]) -> None:
    stopped = [one for one in findings if one.verdict in (Verdict.BARRED, Verdict.UNDECIDED)]
    for one in stopped:
        st.html(f"<p>{_verdict(one)} {html.escape(one.message)}</p>")
    unchecked = sum(one.verdict == Verdict.UNCHECKED for one in findings)
    title = t("管控核查", "Constraints")
    if unchecked:
        title += t(f"（{unchecked} 类未核查）", f" ({unchecked} unchecked)")
    with st.expander(title):
        _kit.table(
            [
                {
                    "what": one.title,
                    "verdict": _verdict(one),
                    "area": f"{one.under.shared_m2:,.0f}" if one.under else _nought(one),
                    "share": f"{one.under.share:.1%}" if one.under else _nought(one),
                }
                for one in findings
            ],
            [
                Column("what", t("种类", "Kind")),
                Column("verdict", t("结果", "Outcome")),
                Column("area", t("占用", "Shared"), unit="m²", number=True),
                Column("share", t("占比", "Share"), number=True),
            ],
        )
        for one in findings:
            if one.under is not None:
                shapes = "、".join(one.under.shape_nos[:6])
                more = t("等", " …") if len(one.under.shape_nos) > 6 else ""
                st.caption(
                    _session.plain(
                        f"{one.title}：{one.under.layer_name}（{one.under.as_of}），"
                        f"{t('图形', 'shapes')} {shapes}{more}。{one.source}"
                    )
                )


def _nought(one: Finding) -> str | None:
    """Nought only where a map was looked at; a dash where nobody has imported one."""
    return "0" if one.verdict == Verdict.CLEAR else None


def _attributes(person: Actor, card: ParcelCard, rows: list[Attribute]) -> None:
    officer = Role.OFFICER in person.roles
    kinds = KINDS_OF.get(SinkType(card.row.sink_type), (AttributeKind.LAND_CLASS,))
    if not rows and not officer:
        return
    waiting = sum(row.state == "waiting" for row in rows)
    title = t(f"属性与认证（{len(rows)}）", f"Attributes ({len(rows)})")
    if waiting:
        title += t(f"，{waiting} 条待复核", f", {waiting} to review")
    with st.expander(title):
        if rows:
            _kit.table(
                [
                    {
                        "kind": t(*KINDS[row.kind]),
                        "said": row.said + (_inherited() if row.taken_over else ""),
                        "term": f"{row.valid_from} {t('至', 'to')} {row.valid_to or '…'}",
                        "state": chip(STATES, row.state),
                        "paper": _paper(person, row.document_id),
                        "why": row.refused_reason,
                    }
                    for row in rows
                ],
                [
                    Column("kind", t("种类", "Kind")),
                    Column("said", t("内容", "Value"), wraps=True),
                    Column("term", t("有效期", "Term")),
                    Column("state", t("状态", "State")),
                    Column("paper", t("证明", "Evidence")),
                    Column("why", t("原因", "Reason"), wraps=True),
                ],
            )
        if officer:
            for row in rows:
                if row.state == "waiting":
                    _decide(person, row)
            if card.row.status != Status.WITHDRAWN:
                _attribute_form(person, card.row.id, kinds)


def _paper(person: Actor, document_id: int) -> str:
    if person.roles & READS_FILES:
        return _kit.link(t("文件", "File"), f"/documents/{document_id}")
    return t("已存档", "on file")


def _decide(person: Actor, row: Attribute) -> None:
    if row.recorded_by_id == person.person_id:
        st.caption(
            t("您录入的这条由另一位林业员复核。", "Another officer reviews what you entered.")
        )
        return
    said = f"{t(*KINDS[row.kind])}：{row.said}"
    reason = st.text_input(
        t("不予认可的原因（认可不填）", "Reason, if refused"),
        key=f"attribute.why.{row.attribute_id}",
    )
    accept, refuse = st.columns(2)
    if accept.button(
        t("认可", "Accept"), key=f"attribute.accept.{row.attribute_id}", type="primary",
        width="stretch",
    ):  # fmt: skip
        _do(
            person, lambda session: attributes.review(session, person, row.attribute_id),
            t(f"{said} 已复核。", f"{said}: accepted."),
        )  # fmt: skip
    if refuse.button(
        t("不予认可", "Refuse"), key=f"attribute.refuse.{row.attribute_id}", width="stretch"
    ):
        _do(
            person, lambda session: attributes.refuse(session, person, row.attribute_id, reason),
            t(f"{said} 不予认可。", f"{said}: refused."),
        )  # fmt: skip


def _do(person: Actor, deed: Any, said: str) -> None:
    with _session.explained():
        with db.transaction(person) as session:
            deed(session)
        _session.say_done(said)


def _attribute_form(person: Actor, parcel_id: int, kinds: tuple[AttributeKind, ...]) -> None:
    key = f"attribute.{parcel_id}"
    st.markdown(f"**{t('录入属性', 'Enter an attribute')}**")
    kind = st.selectbox(
        t("种类", "Kind"), kinds, key=f"{key}.kind", format_func=lambda one: t(*KINDS[one])
    )
    value = _value(key, kind)
    start, end = st.columns(2)
    valid_from = start.date_input(t("自", "From"), value=None, key=f"{key}.from")
    valid_to = end.date_input(
        t("至（不含，可不填）", "To (exclusive)"),
        value=None,
        key=f"{key}.to",
        max_value="2199-12-31",
    )
    paper = st.file_uploader(t("证明文件", "Evidence"), key=f"{key}.file")
    if st.button(
        t("录入", "Enter"), key=f"{key}.add", disabled=paper is None or valid_from is None
    ):
        assert paper is not None and valid_from is not None
        _do(
            person,
            lambda session: attributes.record(
                session, person, parcel_id=parcel_id, kind=kind, value=value,
                valid_from=valid_from, valid_to=valid_to, document_name=paper.name,
                document=paper.getvalue(),
            ),
            t("属性已录入，等另一位林业员复核。", "Entered, for another officer's review."),
        )  # fmt: skip


def _value(key: str, kind: AttributeKind) -> dict[str, Any]:
    match kind:
        case AttributeKind.TEA_CERTIFICATION:
            return {
                "number": st.text_input(t("证书编号", "Number"), key=f"{key}.number"),
                "body": st.text_input(t("认证机构", "Body"), key=f"{key}.body"),
            }
        case AttributeKind.LAND_CLASS:
            code = st.selectbox(
                t("地类", "Class"), list(LAND_CLASSES), index=None, key=f"{key}.code",
                format_func=lambda one: f"{one} {LAND_CLASSES[one].name}",
                placeholder=t("选择三调地类", "choose the class"),
            )  # fmt: skip
            return {"code": code}
        case AttributeKind.WETLAND:
            legal = st.toggle(t("列入湿地名录", "On a list of wetlands"), key=f"{key}.legal")
            if not legal:
                return {"legal_wetland": False}
            tier = st.selectbox(
                t("等级", "Tier"), list(TIERS), key=f"{key}.tier", format_func=TIERS.__getitem__
            )
            number = st.text_input(t("名录和编号", "List and number"), key=f"{key}.list")
            return {"legal_wetland": True, "tier": tier, "list_no": number}


def _consents(person: Actor, card: ParcelCard, found: Tenure) -> None:
    standing = [one for one in found.consents if one.retracted_reason is None]
    if found.needs_consent and not standing:
        st.warning(
            t(
                "这块地只有集体所有的证据：审查前须有三分之二以上成员或代表同意并公示的记录（森林法第十八条）。",
                "Only the collective's ownership is on file: the consent of two thirds, published, "
                "has to be there before the review (Forest Law, art. 18).",
            )
        )
    with st.expander(t(f"集体同意（{len(found.consents)}）", f"Consent ({len(found.consents)})")):
        for one in found.consents:
            _consent(person, one)
        open_ = card.row.status in (Status.DRAFT, Status.SUBMITTED) or _asked_by_merge(card)
        if Role.OFFICER in person.roles and open_ and found.collectives:
            _consent_form(person, card.row.id, found.collectives)


def _consent(person: Actor, one: Consent) -> None:
    share = one.in_favour / one.entitled
    pairs: list[tuple[str, Any]] = [
        (t("集体", "Collective"), one.collective + (_inherited() if one.taken_over else "")),
        (
            t("表决", "Vote"),
            t(
                f"{t(*BODIES[one.body])}应到 {one.entitled}，到会 {one.present}，同意 {one.in_favour}（{share:.1%}）",
                f"{t(*BODIES[one.body])}: {one.entitled} entitled, {one.present} present, "
                f"{one.in_favour} in favour ({share:.1%})",
            ),
        ),
        (t("通知、开会", "Called, met"), f"{one.meeting_notice_on}，{one.met_on}"),
        (
            t("公示", "Published"),
            t(
                f"{one.published_from} 至 {one.published_to - timedelta(days=1)}"
                f"（{(one.published_to - one.published_from).days} 天），{one.published_where}",
                f"{one.published_from} to {one.published_to - timedelta(days=1)} "
                f"({(one.published_to - one.published_from).days} days), {one.published_where}",
            ),
        ),
    ]
    if person.roles & READS_FILES:
        files = [_kit.link(name, f"/documents/{number}") for name, number in one.documents]
        pairs.append((t("文件", "Files"), _kit.beside(*files)))
    if one.retracted_reason:
        pairs.append((t("已撤回", "Retracted"), one.retracted_reason))
    _kit.facts(pairs)
    if one.retracted_reason is None and Role.OFFICER in person.roles:
        reason = st.text_input(
            t("录错时撤回的原因", "Reason, to retract it"), key=f"consent.why.{one.consent_id}"
        )
        if reason.strip() and st.button(
            t("撤回这份记录", "Retract it"), key=f"consent.retract.{one.consent_id}"
        ):
            _do(
                person, lambda session: consents.retract(session, person, one.consent_id, reason),
                t("记录已撤回，仍保留在档。", "Retracted, and kept on file."),
            )  # fmt: skip


def _consent_form(person: Actor, parcel_id: int, collectives: tuple[tuple[int, str], ...]) -> None:
    key = f"consent.{parcel_id}"
    st.markdown(f"**{t('录入集体同意', 'Enter a consent')}**")
    names = dict(collectives)
    collective_id = st.selectbox(
        t("作出决议的集体", "Collective"),
        list(names),
        key=f"{key}.of",
        format_func=names.__getitem__,
    )
    body = st.selectbox(
        t("由谁表决", "Who voted"), list(BODIES), key=f"{key}.body",
        format_func=lambda one: t(*BODIES[one]),
    )  # fmt: skip
    counts = [
        column.number_input(word, min_value=0, step=1, key=f"{key}.{name}")
        for column, name, word in zip(
            st.columns(3), ("entitled", "present", "favour"),
            (t("应到人数", "Entitled"), t("到会人数", "Present"), t("同意人数", "In favour")),
            strict=True,
        )
    ]  # fmt: skip
    first, second = st.columns(2), st.columns(2)
    days: list[date | None] = [
        column.date_input(word, value=None, key=f"{key}.{name}")
        for column, name, word in zip(
            (*first, *second), ("notice", "met", "from", "to"),
            (t("会议通知日", "Called on"), t("开会日", "Met on"), t("公示首日", "Published from"),
             t("公示末日", "Published to, inclusive")),
            strict=True,
        )
    ]  # fmt: skip
    where = st.text_input(t("公示地点或方式", "Where it was published"), key=f"{key}.where")
    papers = [
        st.file_uploader(word, key=f"{key}.file.{name}")
        for name, word in (
            ("resolution", t("决议文件", "Resolution")), ("vote", t("表决记录", "Count of votes")),
            ("proof", t("公示证明（照片等）", "Proof of publication")),
        )
    ]  # fmt: skip
    ready = all(day is not None for day in days) and all(paper is not None for paper in papers)
    if st.button(t("录入集体同意", "Enter the consent"), key=f"{key}.add", disabled=not ready):
        notice_on, met_on, start, end = (day for day in days if day is not None)
        resolution, vote, proof = (
            consents.Paper(paper.name, paper.getvalue()) for paper in papers if paper is not None
        )
        _do(
            person,
            lambda session: consents.record(
                session, person, collective_id=collective_id, parcel_ids=[parcel_id], body=body,
                entitled_count=int(counts[0]), present_count=int(counts[1]),
                in_favour_count=int(counts[2]), meeting_notice_on=notice_on, met_on=met_on,
                published_from=start, published_to=end + timedelta(days=1), published_where=where,
                resolution=resolution, vote=vote, notice=proof,
            ),
            t("集体同意已录入。", "The consent is entered."),
        )  # fmt: skip

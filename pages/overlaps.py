"""重叠与争议: land that two have claimed, worked by two people; land of other programmes."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import streamlit as st

from gis_data import check, vectors
from gis_data.refusals import FileRefused
from pages import _kit, _land, _maps, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.core.errors import Invalid
from sinks.land import case_papers, overlap_cases, programme_claims, programme_imports
from sinks.land.overlap_cases import CaseFacts, CaseView, Side

CHOICE = "overlaps.choice"
PROGRAMMES = ("浙林碳普惠", "CCER", "VCS")


def cases(person: Actor) -> None:
    """The cases, and the one that is chosen."""
    everything = st.toggle(t("连同已了结的", "Closed ones too"), key="overlaps.all")
    with db.transaction(person) as session:
        rows = [
            {
                "id": row.id, "kind": row.kind, "code": code, "shared": row.shared_m2,
                "status": row.status, "at": row.recorded_at,
            }
            for row, code in overlap_cases.listing(session, open_only=not everything)
        ]  # fmt: skip
    if not rows:
        _kit.empty(
            t(
                "没有待处理的重叠争议。入库时因土地被拒的，会在这里开立。",
                "No overlap case is open. One opens when an enrolment is refused for its land.",
            )
        )
        return
    _kit.table(
        [
            {
                "id": _kit.link(str(row["id"]), f"/overlaps?case={row['id']}"),
                "kind": _words.word(_words.OVERLAPS, row["kind"]),
                "code": row["code"],
                "shared": f"{row['shared']:,.1f}",
                "state": _kit.state_chip(_words.OVERLAP_CASE, row["status"]),
                "at": _land.day(row["at"]),
            }
            for row in rows
        ],
        [
            Column("id", t("编号", "No.")),
            Column("kind", t("种类", "Kind")),
            Column("code", t("后报地块", "Later parcel")),
            Column("shared", t("重叠", "Shared"), unit=t("平方米", "m²"), number=True),
            Column("state", t("状态", "State")),
            Column("at", t("开立", "Opened")),
        ],
    )
    ids = [row["id"] for row in rows]
    asked = st.query_params.get("case", "")
    if CHOICE not in st.session_state and asked.isdecimal() and int(asked) in ids:
        st.session_state[CHOICE] = int(asked)
    if st.session_state.get(CHOICE) not in ids:
        st.session_state[CHOICE] = ids[0]
    labels = {
        row["id"]: t(f"第 {row['id']} 号 {row['code']}", f"No. {row['id']} {row['code']}")
        for row in rows
    }
    chosen = st.selectbox(
        t("查看", "Look at"), ids, key=CHOICE, format_func=lambda one: labels.get(one, str(one))
    )
    with db.transaction(person) as session:
        found = overlap_cases.view(session, chosen)
    one_case(person, found)


def one_case(person: Actor, found: CaseView) -> None:
    """Both outlines with the shared land, and what this person can do."""
    row = found.case
    left, right = st.columns([3, 2])
    with left:
        features = [
            _outline(1, found.parcel, t("后报", "later"), _words.BLUE),
            *(
                _outline(number, side, t("先有", "earlier"), _words.GREEN)
                for number, side in enumerate(found.others, 2)
            ),
            {
                "type": "Feature", "geometry": found.shared,
                "properties": {
                    "id": 0, "label": t("重叠部分", "Shared land"), "state_colour": _words.RED,
                },
            },
        ]  # fmt: skip
        _maps.show_map(
            f"overlap-{row.id}", features, height=460, basemaps=_land.basemaps(),
            review_number=_land.review_number(),
            legend=[
                (t("后报地块", "Later parcel"), _words.BLUE, False),
                (t("先有一方", "Earlier"), _words.GREEN, False),
                (t("重叠部分", "Shared land"), _words.RED, False),
            ],
        )  # fmt: skip
    with right:
        _facts(found)
        if row.status in overlap_cases.OPEN and person.roles & {Role.OFFICER, Role.REGISTRAR}:
            _propose(person, row)
        if row.status == "proposed" and Role.REGISTRAR in person.roles:
            _decide(person, row)
    if person.roles & case_papers.READERS:
        _papers(person, row)


def _papers(person: Actor, row: CaseFacts) -> None:
    """The files of the case with their fingerprints, and the way to add one."""
    with db.transaction(person) as session:
        held = case_papers.of_case(session, person, row.id)
    st.subheader(t(f"文件（{len(held)}）", f"Files ({len(held)})"))
    if held:
        _kit.table(
            [
                {
                    "kind": _words.word(_words.CASE_PAPERS, one.kind),
                    "name": _kit.link(one.name, f"/documents/{one.document_id}"),
                    "size": f"{one.size_bytes / 1024:,.0f}",
                    "by": one.filed_by,
                    "at": _land.moment(one.recorded_at),
                    "sha256": one.sha256,
                }
                for one in held
            ],
            [
                Column("kind", t("种类", "Kind")),
                Column("name", t("文件", "File"), wraps=True),
                Column("size", t("大小", "Size"), unit="KB", number=True),
                Column("by", t("录入人", "Filed by")),
                Column("at", t("录入时间", "Filed at")),
                Column("sha256", "SHA-256", wraps=True),
            ],
        )
    if row.status not in overlap_cases.OPEN or not person.roles & {Role.OFFICER, Role.REGISTRAR}:
        return
    with st.expander(t("附文件（照片、旧证书、测绘成果）", "Add a file"), expanded=not held):
        kind = st.selectbox(
            t("种类", "Kind"), list(case_papers.KIND_ZH), key=f"paper.kind.{row.id}",
            format_func=lambda one: _words.word(_words.CASE_PAPERS, one),
        )  # fmt: skip
        file = st.file_uploader(t("文件", "File"), key=f"paper.file.{row.id}.{len(held)}")
        st.caption(
            t(
                "录入后不能改、不能删；林业员、登记机构和审计可以查看。",
                "Filed for good; officers, the registrar and the auditor can read it.",
            )
        )
        pressed = st.button(
            t("附上", "Add"), key=f"paper.add.{row.id}", type="primary", disabled=file is None
        )
        if file is not None and pressed:
            with _session.explained():
                with db.transaction(person) as session:
                    case_papers.attach(
                        session, person, row.id, kind=kind, name=file.name, content=file.getvalue()
                    )
                _session.say_done(t("文件已附上。", "The file is added."))


def _outline(number: int, side: Side, word: str, colour: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": side.boundary,
        "properties": {"id": number, "label": f"{side.code} · {word}", "state_colour": colour},
    }


def _facts(found: CaseView) -> None:
    row = found.case
    _kit.heading(
        t(f"第 {row.id} 号争议", f"Case {row.id}"),
        _kit.state_chip(_words.OVERLAP_CASE, row.status),
    )
    pairs: list[tuple[str, Any]] = [
        (t("种类", "Kind"), _words.word(_words.OVERLAPS, row.kind)),
        (t("后报地块", "Later parcel"), _named(found.parcel)),
        *((t("先有一方", "Earlier"), _named(side)) for side in found.others),
        (t("重叠合计", "Shared"), t(f"{row.shared_m2:,.1f} 平方米", f"{row.shared_m2:,.1f} m²")),
    ]
    if row.outcome:
        pairs.append((t("处理意见", "Proposal"), _words.word(_words.OUTCOMES, row.outcome)))
        pairs.append((t("依据", "Ground"), row.proposal_reason))
    if row.decided_at:
        pairs.append((t("决定", "Decision"), f"{_land.day(row.decided_at)} {row.decision_reason}"))
    _kit.facts(pairs)
    st.caption(
        t(
            "了结之前，后报地块不能入库；重叠超过 1 米宽的，双方都不计入任何量。",
            "Until it is closed the later parcel cannot enrol; with land shared deeper than a metre "
            "neither side is credited.",
        )
    )


def _named(side: Side) -> _kit.Html:
    name = _kit.link(side.code, f"/parcels?id={side.parcel_id}") if side.parcel_id else side.code
    return _kit.beside(name, f"{_words.mu(side.area_m2)} {t('亩', 'mu')}")


def _propose(person: Actor, row: CaseFacts) -> None:
    with st.expander(t("提出处理意见", "Propose"), expanded=row.status == "open"):
        outcome = st.radio(
            t("处理意见", "Outcome"), overlap_cases.OUTCOMES[row.kind], key=f"outcome.{row.id}",
            format_func=lambda one: _words.word(_words.OUTCOMES, one),
        )  # fmt: skip
        reason = st.text_area(t("依据（复测、图件、协议）", "Ground"), key=f"ground.{row.id}")
        if st.button(t("提出", "Propose"), key=f"propose.{row.id}", type="primary"):
            with _session.explained():
                with db.transaction(person) as session:
                    overlap_cases.propose(session, person, row.id, outcome=outcome, reason=reason)
                _session.say_done(
                    t("已提出，待登记机构另一人决定。", "Proposed; a registrar decides.")
                )


def _decide(person: Actor, row: CaseFacts) -> None:
    if row.proposed_by_id == person.person_id:
        st.info(t("意见由您提出，须由另一人决定。", "You proposed it: another person decides."))
        return
    reason = st.text_area(t("决定的理由", "Reason"), key=f"reason.{row.id}")
    word = _words.word(_words.OUTCOMES, str(row.outcome))
    if _kit.confirm(
        f"decide.{row.id}",
        t(
            f"同意“{word}”。须让出土地的一方立即退回草稿或暂停，不能由一人恢复。",
            f"You accept “{word}”. Who has to give way is sent back or suspended at once.",
        ),
        t("同意", "Accept"),
    ):
        _close(person, row.id, accept=True, reason=reason)
    if st.button(t("不同意，退回重提", "Send back"), key=f"back.{row.id}"):
        _close(person, row.id, accept=False, reason=reason)


def _close(person: Actor, case_id: int, *, accept: bool, reason: str) -> None:
    with _session.explained():
        with db.transaction(person) as session:
            overlap_cases.decide(session, person, case_id, accept=accept, reason=reason)
        _session.say_done(t("已决定。", "Decided.") if accept else t("已退回。", "Sent back."))


def programmes(person: Actor) -> None:
    """Land of other programmes: the list with its map, ending one, importing."""
    with db.transaction(person) as session:
        rows = programme_claims.listing(session)
    if not rows:
        _kit.empty(
            t(
                "还没有导入其他机制的项目边界。导入后，这些土地在其计入期内不能再入库。",
                "No land of another programme is imported yet.",
            )
        )
    else:
        _kit.table(
            [
                {
                    "programme": row.programme, "number": row.external_id, "name": row.name,
                    "pool": _words.word(_words.POOLS, row.pool),
                    "period": f"{row.starts_on} – {row.ends_on or '…'}",
                    "area": _words.mu(row.area_m2),
                    "state": _kit.state_chip(_words.PROGRAMME_CLAIM, row.status),
                }
                for row in rows
            ],
            [
                Column("programme", t("机制", "Programme")),
                Column("number", t("项目编号", "Number")),
                Column("name", t("名称", "Name")),
                Column("pool", t("碳库", "Pool")),
                Column("period", t("计入期", "Period")),
                Column("area", t("面积", "Area"), unit=t("亩", "mu"), number=True),
                Column("state", t("状态", "State")),
            ],
        )  # fmt: skip
        _maps.show_map(
            "programmes", [_claimed(row) for row in rows[: _land.FEATURES_MAX]], height=380,
            around=_land.county_outlines(), basemaps=_land.basemaps(),
            review_number=_land.review_number(),
        )  # fmt: skip
    if person.roles & {Role.OFFICER, Role.REGISTRAR}:
        _import(person)
        _end(person, [row for row in rows if row.status != "ended"])


def _claimed(row: programme_claims.ClaimRow) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": row.boundary,
        "properties": {
            "id": row.id,
            "label": f"{row.programme} {row.external_id} {row.name}",
            "state_colour": _words.PROGRAMME_CLAIM[row.status].colour,
        },
    }


def _import(person: Actor) -> None:
    with st.expander(t("导入其他机制的项目边界", "Import land of another programme")):
        file = st.file_uploader(
            t("边界文件（GeoJSON、GPKG、压缩的 SHP、KML）", "Outlines"), key="programmes.file"
        )
        programme = st.selectbox(
            t("机制", "Programme"), PROGRAMMES, key="programmes.name", accept_new_options=True
        )
        number = st.text_input(t("项目编号", "Project number"), key="programmes.number")
        pool = st.selectbox(
            t("碳库（不清楚选“全部”）", "Pool"), programme_claims.POOLS, key="programmes.pool",
            format_func=lambda one: _words.word(_words.POOLS, one),
        )  # fmt: skip
        start, end = st.columns(2)
        starts_on = start.date_input(t("计入期自", "From"), value=None, key="programmes.from")
        ends_on = end.date_input(
            t("计入期至（不含，可不填）", "Until"), value=None, key="programmes.to",
            max_value="2199-12-31",
        )  # fmt: skip
        pressed = st.button(t("导入", "Import"), key="programmes.import", type="primary")
        if file is not None and pressed:
            with _session.explained():
                if starts_on is None:
                    raise Invalid(t("请填写计入期。", "Please give the period."), code="period")
                _commit(
                    person, file.name, file.getvalue(), str(programme), number, pool, starts_on,
                    ends_on,
                )  # fmt: skip


def _commit(
    person: Actor, file_name: str, content: bytes, programme: str, number: str, pool: str,
    starts_on: date, ends_on: date | None,
) -> None:  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="sinks-programme-") as folder:
        path = Path(folder) / f"upload{Path(file_name).suffix.lower()}"
        path.write_bytes(content)
        try:
            read = vectors.read(path)
        except FileRefused as error:
            raise Invalid(error.message, code=error.code) from error
    report = check.check_rows(read, sink_type="other")
    with db.transaction(person) as session:
        done = programme_imports.commit(
            session, person, report=report, file_name=file_name, content=content,
            sha256=read.sha256, programme=programme, starts_on=starts_on, ends_on=ends_on,
            pool=pool, external_id=number,
        )  # fmt: skip
    _session.say_done(
        t(
            f"已导入 {len(done.claim_ids)} 块（已有 {done.known} 块，不可用 {len(report.refused)} 行），"
            f"与已入库地块重叠，开立争议 {len(done.case_ids)} 个。",
            f"{len(done.claim_ids)} imported, {done.known} known, {len(report.refused)} refused,"
            f" {len(done.case_ids)} cases opened.",
        )
    )


def _end(person: Actor, rows: list[programme_claims.ClaimRow]) -> None:
    if not rows:
        return
    with st.expander(t("终止一条占用", "End a claim")):
        labels = {row.id: f"{row.programme} {row.external_id} {row.name}" for row in rows}
        chosen = st.selectbox(
            t("占用", "Claim"), list(labels), key="programmes.end", format_func=labels.__getitem__
        )
        reason = st.text_input(t("依据", "Ground"), key="programmes.end.why")
        if _kit.confirm(
            "programmes.end.do",
            t(f"{labels[chosen]} 不再占用土地。", f"{labels[chosen]} no longer claims its land."),
            t("终止", "End"),
        ):
            with _session.explained():
                with db.transaction(person) as session:
                    programme_claims.end(session, person, chosen, reason)
                _session.say_done(t("已终止。", "Ended."))


def main() -> None:
    """The cases, or the land of other programmes."""
    person = _session.page(
        t("重叠与争议", "Overlaps"), Role.OFFICER, Role.REGISTRAR, Role.AUTHORITY, Role.VERIFIER
    )
    parts = {
        "cases": t("重叠争议", "Overlap cases"),
        "programmes": t("其他机制占用", "Other programmes"),
    }
    # Not tabs: a map that is begun on a hidden one has no size.
    part = st.segmented_control(
        t("看什么", "Part"), list(parts), default="cases", key="overlaps.part", required=True,
        format_func=parts.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    if part == "programmes":
        programmes(person)
    else:
        cases(person)


main()

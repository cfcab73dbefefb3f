"""One staged import on the screen: what was read, what is asked, what may be mended, and the commit."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages import _import_columns, _import_steps, _jobs, _kit, _land, _session, _tile_map, _words
from pages._kit import Column
from pages._words import t
from sinks.core import db, jobs
from sinks.core.actor import Actor
from sinks.land import (
    import_decisions,
    import_jobs,
    import_reading,
    import_views,
    staging,
)
from sinks.land.import_views import RowView
from sinks.land.staging import ImportBatch, Options, RowState, State

ROWS_SHOWN_MAX = 200
FILE_REREAD_AT_ONCE_ROWS = 2_000
COLOURS = (_words.GREEN, _words.AMBER, _words.RED, _words.GREY)
STATES = {
    RowState.ACCEPTED: ("可以导入", "accepted", _words.GREEN),
    RowState.QUESTIONED: ("有疑问", "questioned", _words.AMBER),
    RowState.REFUSED: ("不能导入", "refused", _words.RED),
}
BATCH_STATES = {
    State.READING: ("正在读取", "Being read", _words.BLUE),
    State.STAGED: ("待核对提交", "To look at", _words.AMBER),
    State.COMMITTED: ("已提交", "Committed", _words.GREEN),
    State.DISCARDED: ("已放弃", "Discarded", _words.GREY),
    State.REFUSED: ("读不了", "Cannot be read", _words.RED),
}
CODES = {
    "overlap": ("与别的地块重叠", "Overlaps other land"),
    "declared_area": ("申报面积与图上相差 1%–5%，或读不成数", "Declared area differs by 1–5 %"),
    "declared_area_over_5": ("申报面积与图上相差超过 5%", "Declared area differs by more than 5 %"),
    "near_outside": ("有部分在区县界线之外", "Partly outside the districts"),
    "small": ("不足 1 亩", "Below one mu"),
    "thin": ("太窄", "Too thin"),
    "duplicate": ("与另一行图形相同", "Same outline as another row"),
    "datum_unknown": ("大地基准不明", "Datum unknown"),
    "code_was_number": ("编号存成了数字", "A code was stored as a number"),
    "unread_term_from": ("期限起读不成日期", "Start of the term is no date"),
    "unread_term_to": ("期限止读不成日期", "End of the term is no date"),
    "term_order": ("期限止不晚于期限起", "The term ends before it begins"),
    "maybe_gcj02": ("可能是高德坐标（GCJ-02）", "May be on the GCJ-02 offset"),
    "maybe_bd09": ("可能是百度坐标（BD-09）", "May be on the BD-09 offset"),
    "closed_by_reader": ("轨迹由读取时闭合", "A track closed on reading"),
    import_decisions.REPAIRED: ("边界按修复接受", "Repaired outline accepted"),
}
SOURCES = {
    "file": ("文件写明", "as the file says"),
    "given": ("由您给出", "as you gave it"),
    "default": ("该格式的规定", "by the format"),
}


def page(person: Actor, batch_id: int, options: Callable[..., Options]) -> None:
    """Show a batch as far as it has come."""
    with db.transaction(person) as session:
        batch = staging.get(session, batch_id)
        session.expunge(batch)
    state = State(batch.state)
    zh, en, colour = BATCH_STATES[state]
    _kit.heading(batch.file_name, _kit.chip(t(zh, en), colour))
    if batch.job_id is not None and state in (State.READING, State.STAGED) and _runs(person, batch):
        st.write(
            t(
                "文件较大，由后台办理；可以离开本页，稍后再来。",
                "The worker is at it; you may leave.",
            )
        )
        _jobs.watch(person, batch.job_id)
        return
    if state is State.COMMITTED:
        _committed(person, batch)
        return
    if state is State.DISCARDED:
        _kit.empty(t("这个文件已放弃，没有导入。", "This file was discarded."))
        return
    if state is State.STAGED:
        _staged(person, batch)
    elif batch.error:
        st.error(_session.plain(batch.error))
    _again(person, batch, options)
    _give_up(person, batch)


def _runs(person: Actor, batch: ImportBatch) -> bool:
    """Whether the job of the batch is still to end; one that was refused is told here."""
    assert batch.job_id is not None
    with db.transaction(person) as session:
        if batch.person_id != person.person_id:
            return batch.state == State.READING
        job = jobs.get(session, person, batch.job_id)
        if job.error:
            st.error(_session.plain(job.error))
        return job.ended_at is None


def _staged(person: Actor, batch: ImportBatch) -> None:
    _counts(batch)
    names(person, batch)
    _map(person, batch)
    questions(person, batch)
    mended(person, batch)
    _problems(person, batch)
    if (chosen := _import_columns.mapping(person, batch)) is not None:
        with _session.explained():
            reread(person, batch, chosen)
    _import_steps.commit(person, batch)


def _counts(batch: ImportBatch) -> None:
    """How many rows are good, questioned, refused, and how the file was read."""
    rows = batch.counts["rows"]
    good, doubtful, bad, taken = st.columns(4)
    with good:
        _kit.metric_big(f"{rows.get('accepted', 0):,}", t("行可以导入", "rows accepted"))
    with doubtful:
        _kit.metric_big(
            f"{rows.get('questioned', 0):,}", t("行有疑问", "rows questioned"),
            t(f"{rows.get('open', 0):,} 行待答复", f"{rows.get('open', 0):,} to answer"),
        )  # fmt: skip
    with bad:
        _kit.metric_big(f"{rows.get('refused', 0):,}", t("行不能导入", "rows refused"))
    with taken:
        _kit.metric_big(
            f"{rows.get('taken', 0):,}",
            t("行已导入", "rows were taken")
            if batch.state == State.COMMITTED
            else t("行将导入", "rows will be taken"),
            t(f"全部 {rows['all']:,} 行", f"of {rows['all']:,}"),
        )  # fmt: skip
    read = batch.reading
    source = t(*SOURCES[read["crs_source"]])
    network = (
        t("读取时断开了网络", "read without a network")
        if read["network"] == "cut"
        else t("读取时只允许两种驱动", "read with two drivers only")
    )
    st.caption(
        _session.plain(
            t(
                f"格式 {read['driver']}；坐标系 {read['crs']}（{source}）；文字编码 {read['encoding']}；"
                f"{network}；文件 SHA-256 {batch.sha256[:16]}…",
                f"Format {read['driver']}; {read['crs']} ({source}); text {read['encoding']}; "
                f"{network}; SHA-256 {batch.sha256[:16]}…",
            )
        )
    )


def names(person: Actor, batch: ImportBatch) -> None:
    """The first names as they were read, so that a wrong encoding or column is seen at once."""
    with db.transaction(person) as session:
        first = import_views.first_rows(session, batch.id)
    said = "、".join(row.name for row in first)
    st.caption(_session.plain(t(f"前几行的名称：{said}", f"First names: {said}")))


def _map(person: Actor, batch: ImportBatch) -> None:
    with db.transaction(person) as session:
        bounds = import_views.bounds(session, batch.id)
    version = hashlib.sha256(staging.json_text([batch.counts, batch.answers]).encode()).hexdigest()[
        :8
    ]
    clicked = _tile_map.tile_map(
        f"imports-map-{batch.id}",
        f"/tiles/import/{batch.id}/{{z}}/{{x}}/{{y}}.json?v={version}",
        import_views.TILE_UNITS,
        COLOURS,
        bounds=bounds,
        around=_land.county_outlines(),
        basemaps=_land.basemaps(),
        height=460,
        review_number=_land.review_number(),
        legend=[
            *((t(zh, en), colour, False) for zh, en, colour in STATES.values()),
            (t("不收", "left out"), _words.GREY, False),
        ],
    )
    if clicked:
        with db.transaction(person) as session:
            row = import_views.row_at(session, batch.id, *clicked)
        st.session_state["imports.row"] = (batch.id, row)
    held = st.session_state.get("imports.row")
    if held and held[0] == batch.id and held[1] is not None:
        _card(person, batch, held[1])
    else:
        st.caption(t("点图上的地块，看这一行的内容。", "Click an outline to read its row."))


def _card(person: Actor, batch: ImportBatch, row: RowView) -> None:
    """The row under the finger."""
    zh, en, colour = STATES[RowState(row.state)]
    with st.container(border=True):
        _kit.heading(
            t(f"第 {row.row + 1} 行 {row.name}", f"Row {row.row + 1} {row.name}"),
            _kit.chip(t(zh, en), colour),
        )
        facts: list[tuple[str, Any]] = []
        if row.area_m2:
            facts.append((t("图上面积", "Area"), _words.mu_ha(row.area_m2)))
        if row.declared_area_m2:
            facts.append((t("申报面积", "Declared"), _words.mu_ha(row.declared_area_m2)))
        facts += [(t(zh, en), one["message"]) for one in row.messages]
        facts += [
            (_land.field_word(key), value) for key, value in list(row.attributes.items())[:20]
        ]
        _kit.facts(facts)
        if row.state == RowState.REFUSED or row.decided_reason:
            return
        reason = st.text_input(
            t("不收这一行的原因", "Why this row is left out"), key=f"imports.out.{row.row}"
        )
        if st.button(t("不收这一行", "Leave this row out"), key=f"imports.leave.{row.row}"):
            with _session.explained():
                with db.transaction(person) as session:
                    import_decisions.leave_out(session, person, batch.id, row.row, reason=reason)
                del st.session_state["imports.row"]
                _session.say_done(
                    t(f"第 {row.row + 1} 行不收。", f"Row {row.row + 1} is left out.")
                )


def code_word(code: str) -> str:
    """What is asked, in words."""
    return t(*CODES[code]) if code in CODES else code


def questions(person: Actor, batch: ImportBatch) -> None:
    """The questions by their kind, with one answer for all rows of a kind."""
    asked: dict[str, int] = batch.counts["questions"]
    if not asked:
        return
    st.subheader(t("疑问：逐类答复", "Questions, answered by kind"))
    _kit.table(
        [
            {"code": code_word(code), "count": count, **_answer(batch.answers.get(code))}
            for code, count in asked.items()
        ],
        [
            Column("code", t("疑问", "Question")),
            Column("count", t("行数", "Rows"), number=True),
            Column("answer", t("答复", "Answer")),
            Column("reason", t("依据", "Reason"), wraps=True),
        ],
    )
    st.caption(
        t(
            "收下的行存为草稿，疑问标在地块上，由另一位林业员核实后才消除；重叠的修正前不能入库。",
            "Rows that are taken become drafts with the doubt marked on them, for a second officer.",
        )
    )
    waiting = [code for code in asked if code not in batch.answers]
    codes = st.multiselect(
        t("哪几类", "Which kinds"), list(asked), default=waiting, format_func=code_word,
        # Read or answered again, other kinds wait.
        key=f"imports.codes.{batch.id}.{'.'.join(waiting)}",
        placeholder=t("选择一类或几类", "Choose one or more"),
    )  # fmt: skip
    reason = st.text_input(
        t("依据", "Reason"), key=f"imports.reason.{batch.id}",
        placeholder=t("如：与纸质小班图核对无误", "e.g. compared with the paper map"),
    )  # fmt: skip
    yes, no = st.columns(2)
    take = yes.button(
        t("收下这些行", "Take these rows"), key="imports.take", type="primary", width="stretch"
    )
    leave = no.button(t("不收这些行", "Leave these rows out"), key="imports.leave", width="stretch")
    if take or leave:
        with _session.explained():
            with db.transaction(person) as session:
                import_decisions.answer(session, person, batch.id, codes, take=take, reason=reason)
            _session.say_done(t("已答复。", "Answered."))


def _answer(answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        return {"answer": _kit.chip(t("待答复", "open"), _words.AMBER), "reason": ""}
    word = (
        _kit.chip(t("收下", "taken"), _words.GREEN)
        if answer["take"]
        else _kit.chip(t("不收", "left out"), _words.GREY)
    )
    return {"answer": word, "reason": answer["reason"]}


def mended(person: Actor, batch: ImportBatch) -> None:
    """The repairs that are offered, each with both areas and both hashes."""
    with db.transaction(person) as session:
        offered = import_views.repairs(session, batch.id)
    if not offered:
        return
    st.subheader(t("可以修复的行", "Rows that could be mended"))
    st.caption(
        t(
            "修复前后面积相差不到千分之一才会提供。是否接受由您决定；原图与修复后的指纹都会留存。",
            "Offered only where the area stays within a thousandth. Both hashes are kept.",
        )
    )
    _kit.table(
        [
            {
                "row": row.row + 1,
                "name": row.name,
                "before": f"{row.repair['area_m2_before']:,.1f}",
                "after": f"{row.repair['area_m2_after']:,.1f}",
                "hashes": f"{row.repair['sha256_before'][:12]} → {row.repair['sha256_after'][:12]}",
                "state": t("已接受", "accepted") if row.repair.get("accepted") else "",
            }
            for row in offered
            if row.repair
        ],
        [
            Column("row", t("行", "Row"), number=True),
            Column("name", t("名称", "Name")),
            Column("before", t("原面积", "Area before"), unit="m²", number=True),
            Column("after", t("修复后", "After"), unit="m²", number=True),
            Column("hashes", t("图形指纹", "Hashes")),
            Column("state", t("决定", "Decision")),
        ],
    )
    waiting = {row.row: row for row in offered if row.state == RowState.REFUSED}
    if not waiting:
        return
    row_column, reason_column = st.columns([1, 2])
    chosen = row_column.selectbox(
        t("行", "Row"), list(waiting), key="imports.repair.row",
        format_func=lambda one: f"{one + 1} · {waiting[one].name}",
    )  # fmt: skip
    reason = reason_column.text_input(t("依据", "Reason"), key="imports.repair.reason")
    if st.button(t("接受这一行的修复", "Accept this repair"), key="imports.repair.accept"):
        with _session.explained():
            with db.transaction(person) as session:
                import_decisions.accept_repair(session, person, batch.id, chosen, reason=reason)
            _session.say_done(t("已接受修复。", "The repair is accepted."))


def _problems(person: Actor, batch: ImportBatch) -> None:
    """The rows that somebody has to look at, as a table and as files."""
    with db.transaction(person) as session:
        found = import_views.rows(session, batch.id, limit=ROWS_SHOWN_MAX)
    if not found:
        return
    total = batch.counts["rows"].get("refused", 0) + batch.counts["rows"].get("questioned", 0)
    with st.expander(t(f"要看的 {total:,} 行", f"{total:,} rows to look at"), expanded=total <= 30):
        rows_table(found)
        if total > len(found):
            st.caption(
                t(
                    f"表中只列前 {len(found)} 行，全部在下载的清单里。",
                    f"The first {len(found)}; the list below has all.",
                )
            )
    stem = Path(batch.file_name).stem
    left, right = st.columns(2)
    # Made when they are asked for: a county's list is long.
    left.download_button(
        t("下载清单（CSV）", "Download the list (CSV)"), lambda: _list(person, batch.id),
        f"{stem}-检查结果.csv", "text/csv", key="imports.list", width="stretch", on_click="ignore",
    )  # fmt: skip
    right.download_button(
        t("下载可改的表（Excel，错处标红）", "Download a workbook to mend (Excel)"),
        lambda: import_reading.error_workbook(person, batch.id), f"{stem}-待修正.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        key="imports.workbook", width="stretch", on_click="ignore",
    )  # fmt: skip


def _list(person: Actor, batch_id: int) -> bytes:
    with db.transaction(person) as session:
        return import_views.problems_csv(session, batch_id)


def rows_table(found: list[RowView]) -> None:
    """Rows with what is wrong or asked."""
    _kit.table(
        [
            {
                "row": row.row + 1,
                "name": row.name,
                "verdict": _kit.chip(t(*STATES[RowState(row.state)][:2]),
                                     STATES[RowState(row.state)][2]),
                "message": "".join(one["message"] for one in row.messages),
            }
            for row in found
        ],
        [
            Column("row", t("行", "Row"), number=True),
            Column("name", t("名称", "Name")),
            Column("verdict", t("结果", "Outcome")),
            Column("message", t("原因和怎么办", "Why, and what to do"), wraps=True),
        ],
    )  # fmt: skip


def reread(person: Actor, batch: ImportBatch, options: Options) -> None:
    """Have the file read again, at once where it is small."""
    with db.transaction(person) as session:
        small = (batch.counts.get("rows") or {}).get("all", 0) <= FILE_REREAD_AT_ONCE_ROWS
        row = staging.reread(session, person, batch.id, options)
        if small and batch.counts:
            import_reading.fill(
                session, person, batch.id, import_reading.examine(session, batch.id)
            )
        else:
            import_jobs.queue_read(session, person, row)
    _session.say_done(t("已重新读取。", "Read again."))


def _again(person: Actor, batch: ImportBatch, options: Callable[..., Options]) -> None:
    with st.expander(
        t("换一种读法（类型、坐标系、编码、图层）", "Read it in another way"),
        expanded=batch.state == State.REFUSED,
    ):
        before = staging.options_of(batch)
        chosen = options(f"imports.again.{batch.id}", before)
        if st.button(t("重新读取", "Read again"), key="imports.reread"):
            with _session.explained():
                reread(person, batch, replace(chosen, mapping=before.mapping, named=before.named))


def _give_up(person: Actor, batch: ImportBatch) -> None:
    with st.expander(t("放弃这个文件", "Discard this file")):
        reason = st.text_input(t("原因", "Reason"), key="imports.discard.reason")
        if _kit.confirm(
            "imports.discard",
            t(
                f"将放弃 {batch.file_name}：暂存的行会删去，只留下“曾经上传、已放弃”的记录。",
                f"{batch.file_name} will be discarded; only the record of it is kept.",
            ),
            t("放弃", "Discard"),
        ):
            with _session.explained():
                with db.transaction(person) as session:
                    staging.discard(session, person, batch.id, reason)
                del st.query_params["batch"]
                _session.say_done(t("已放弃。", "Discarded."))


def _committed(person: Actor, batch: ImportBatch) -> None:
    """What became of it, and the next steps of its parcels."""
    _counts(batch)
    assert batch.import_id is not None
    _import_steps.of_import(person, batch.import_id)
    with db.transaction(person) as session:
        found = import_views.rows(
            session, batch.id, states=(RowState.REFUSED,), limit=ROWS_SHOWN_MAX
        )
    if found:
        st.subheader(t("没有导入的行", "Rows that were not imported"))
        rows_table(found)

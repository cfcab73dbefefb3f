"""导入: a file of outlines is read into a staging room, looked at, answered for; then it becomes drafts.

What is staged is kept by the server: whoever closes the page finds it again here, on another day too.
"""

import hashlib
from typing import Any

import streamlit as st

from gis_data import vectors, workbooks
from pages import _import_batch, _import_steps, _jobs, _kit, _land, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.land import column_mappings, import_jobs, import_reading, imports, staging
from sinks.land.staging import Options, State

# Smaller files are read while the person waits; larger ones by the worker.
READ_AT_ONCE_BYTES = 2 * 2**20
ENCODINGS = ("", "UTF-8", "GB18030", "GBK", "Big5")
KINDS = (
    "GeoJSON、GPKG、KML/KMZ、GPX、CSV、XLSX、GeoParquet，或打成 zip 的 Shapefile",
    "GeoJSON, GPKG, KML/KMZ, GPX, CSV, XLSX, GeoParquet, or a zipped shapefile",
)


def options(key: str, before: Options | None = None) -> Options:
    """The fields that say how to read a file."""
    before = before or Options("bamboo")
    types = list(_words.SINK_TYPES)
    kind_column, source_column = st.columns(2)
    sink_type = kind_column.selectbox(
        t("地块类型", "Type of land"), types, key=f"{key}.type", index=types.index(before.sink_type),
        format_func=lambda code: _words.word(_words.SINK_TYPES, code),
    )  # fmt: skip
    source = source_column.text_input(
        t("来源（为它存过的字段对应会自动套用）", "Source, whose saved columns are used again"),
        value=before.source, key=f"{key}.source", placeholder="安吉县林业局 二类调查",
    )  # fmt: skip
    with st.expander(
        t(
            "坐标系、文字编码、图层、边界所在的列",
            "Coordinate system, encoding, layer, outline columns",
        ),
        expanded=bool(before.crs or before.encoding or before.layer or before.outline),
    ):
        crs_column, encoding_column, layer_column = st.columns(3)
        crs = crs_column.text_input(
            t("坐标系（文件没有写明时才填）", "Coordinate system, if the file names none"),
            value=before.crs, key=f"{key}.crs", placeholder="EPSG:4490",
            help=t(
                "从高德、腾讯地图描的填 GCJ-02，从百度地图描的填 BD-09，系统换算成 WGS 84 并记录。",
                "GCJ-02 or BD-09 for outlines traced on such a web map; they are converted.",
            ),
        )  # fmt: skip
        encoding = encoding_column.selectbox(
            t("文字编码", "Encoding"), ENCODINGS, key=f"{key}.encoding",
            index=ENCODINGS.index(before.encoding) if before.encoding in ENCODINGS else 0,
            format_func=lambda one: one or t("按文件所写", "as the file says"),
            help=t("名称成了乱码时改选 GB18030", "for names that read as nonsense"),
        )  # fmt: skip
        layer = layer_column.text_input(
            t("图层名（有几个图层时）", "Layer, where there are several"),
            value=before.layer, key=f"{key}.layer",
        )  # fmt: skip
        columns = st.text_input(
            t("表格里边界所在的列（列名认不出时才填）", "Outline columns of a table, if not recognised"),
            value=",".join(f"{role}={name}" for role, name in (before.outline or {}).items()),
            key=f"{key}.outline", placeholder="parcel=宗地,order=序号,x=东坐标,y=北坐标",
            help=t(
                "WKT 填 wkt=列名；一格写完全部拐点填 vertices=列名；一行一个拐点填 parcel、order、x（东）、y（北）。",
                "wkt=…, or vertices=…, or one corner a row: parcel, order, x (east), y (north).",
            ),
        )  # fmt: skip
    return Options(
        sink_type, crs.strip(), encoding, layer.strip(), source.strip(),
        vectors.outline_columns(columns),
    )  # fmt: skip


def upload(person: Actor) -> None:
    """Take a file and have it read."""
    with db.transaction(person) as session:
        known = column_mappings.sources(session)
    mount = st.session_state.get("imports.mount", 0)
    file = st.file_uploader(t("小班或图斑文件：" + KINDS[0], KINDS[1]), key=f"imports.file.{mount}")
    # Made when it is asked for.
    st.download_button(
        t("下载 Excel 填报表", "Download the Excel form"), workbooks.template,
        t("地块填报表.xlsx", "land-form.xlsx"), key="imports.form", on_click="ignore",
        mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        icon=":material/table:",
    )  # fmt: skip
    chosen = options("imports")
    if known:
        st.caption(
            _session.plain(
                t(f"存过字段对应的来源：{'、'.join(known)}", f"Known sources: {', '.join(known)}")
            )
        )
    pressed = st.button(
        t("读取并检查", "Read and check"), key="imports.read", type="primary", disabled=file is None
    )
    if file is None or not pressed:
        return
    with _session.explained(), st.spinner(t("正在读取并检查……", "Reading and checking …")):
        batch_id = read(person, file.name, file.getvalue(), chosen)
        if batch_id is not None:
            st.session_state["imports.mount"] = mount + 1
            show(batch_id)


def read(person: Actor, file_name: str, content: bytes, chosen: Options) -> int | None:
    """Stage the file and give its batch; None when it was imported before."""
    sha256 = hashlib.sha256(content).hexdigest()
    with db.transaction(person) as session:
        if earlier := imports.of_file(session, sha256):
            st.info(
                t(
                    f"这个文件已于 {_land.moment(earlier.recorded_at)} 导入过（第 {earlier.id} 号），不会重复导入。",
                    f"This file was imported on {_land.moment(earlier.recorded_at)} already.",
                )
            )
            return None
        # Whoever uploads the file again finds what was staged of it.
        held = staging.open_batch(session, person, sha256)
        if held is not None and staging.options_of(held) == chosen:
            return held.id
        if len(content) <= READ_AT_ONCE_BYTES:
            batch = import_reading.stage(
                session, person, file_name=file_name, content=content, options=chosen
            )
        else:
            batch = staging.upload(
                session, person, file_name=file_name, content=content, options=chosen
            )
            import_jobs.queue_read(session, person, batch)
        return batch.id


def show(batch_id: int) -> None:
    """Run the page again with this batch open."""
    st.query_params["batch"] = str(batch_id)
    st.rerun()


def staged(person: Actor) -> None:
    """What waits to be looked at, and what was given up."""
    with db.transaction(person) as session:
        rows: list[dict[str, Any]] = [
            {
                "id": batch.id,
                "at": _land.moment(batch.recorded_at),
                "file": batch.file_name,
                "type": _words.word(_words.SINK_TYPES, batch.sink_type),
                "rows": batch.counts.get("rows", {}).get("all"),
                "open": batch.counts.get("rows", {}).get("open", 0),
                "state": _kit.chip(t(*_import_batch.BATCH_STATES[State(batch.state)][:2]),
                                   _import_batch.BATCH_STATES[State(batch.state)][2]),
                "waits": batch.state in (State.READING, State.STAGED, State.REFUSED),
            }
            for batch in staging.listing(session)
            if batch.state != State.COMMITTED
        ]  # fmt: skip
    if not rows:
        return
    st.subheader(t("暂存的文件", "Staged files"))
    _kit.table(
        rows,
        [
            Column("id", t("批次", "Batch"), number=True),
            Column("at", t("时间", "When")),
            Column("file", t("文件", "File")),
            Column("type", t("类型", "Type")),
            Column("rows", t("行数", "Rows"), number=True),
            Column("open", t("疑问未答", "Unanswered"), number=True),
            Column("state", t("状态", "State")),
        ],
    )
    waiting = {row["id"]: f"{row['id']} · {row['file']}" for row in rows if row["waits"]}
    if waiting:
        column, button = st.columns([3, 1], vertical_alignment="bottom")
        chosen = column.selectbox(
            t("继续办理", "Go on with"), list(waiting), key="imports.resume",
            format_func=lambda one: waiting[one],
        )  # fmt: skip
        if button.button(t("打开", "Open"), key="imports.open", width="stretch"):
            show(chosen)


def history(person: Actor) -> None:
    """The imports so far, and the steps that can be taken with all parcels of one."""
    st.subheader(t("导入记录", "Imports so far"))
    with db.transaction(person) as session:
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "at": _land.moment(row.recorded_at),
                "file": row.file_name,
                "type": _words.word(_words.SINK_TYPES, row.sink_type),
                "rows": row.rows,
                "accepted": row.accepted,
                "questioned": row.questioned,
                "refused": len(row.refused),
            }
            for row in imports.listing(session)
        ]
    if not rows:
        _kit.empty(
            t(
                "还没有导入过文件。在上面交一个文件；手里没有图的，下载 Excel 填报表，填好拐点坐标再交。",
                "Nothing has been imported yet. Hand in a file above, or fill in the Excel form.",
            )
        )
        return
    _kit.table(
        rows,
        [
            Column("id", t("编号", "No."), number=True),
            Column("at", t("时间", "When")),
            Column("file", t("文件", "File")),
            Column("type", t("类型", "Type")),
            Column("rows", t("行数", "Rows"), number=True),
            Column("accepted", t("已导入", "Imported"), number=True),
            Column("questioned", t("有疑问", "Questioned"), number=True),
            Column("refused", t("未导入", "Refused"), number=True),
        ],
    )
    names = {row["id"]: f"{row['id']} · {row['file']}" for row in rows}
    chosen = st.selectbox(
        t("办理一个导入的全部地块", "All parcels of one import"), list(names), index=None,
        key="imports.of", format_func=lambda one: names[one],
        placeholder=t("选择一个导入", "choose an import"),
    )  # fmt: skip
    if chosen is not None:
        _import_steps.of_import(person, chosen)


def main() -> None:
    """A batch that is open, or the field for a new file and what there was before."""
    person = _session.page(t("导入", "Import"), Role.OFFICER)
    wanted = st.query_params.get("batch", "")
    if wanted.isdecimal():
        if st.button(t("返回导入列表", "Back to all imports"), icon=":material/arrow_back:"):
            del st.query_params["batch"]
            st.rerun()
        with _session.explained():
            _import_batch.page(person, int(wanted), options)
        return
    upload(person)
    staged(person)
    history(person)
    _jobs.mine(person)


main()

"""导入: a file of outlines is read and checked first; then its good rows become drafts, once."""

import csv
import hashlib
import io
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from gis_data import check, geometry, vectors
from gis_data.check import CheckReport
from gis_data.vectors import VectorFile
from pages import _kit, _land, _maps, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.land import imports, parcels

CHECKED = "imports.checked"
ROWS_SHOWN_MAX = 200
NAMES_SHOWN = 8
# Each accepted row is held against the register one by one; more rows are told at the import.
OVERLAP_ROWS_MAX = 500
ENCODINGS = ("", "UTF-8", "GB18030", "GBK", "Big5")
UNITS = {"mu": ("亩", "mu"), "ha": ("公顷", "ha"), "m2": ("平方米", "m²")}
ACCEPTED, QUESTIONED, REFUSED = _words.GREEN, _words.AMBER, _words.RED


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read. Empty means: as the file says."""

    sink_type: str
    crs: str
    encoding: str
    layer: str
    declared: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A file as read and checked. ``overlaps``: row -> what it shares with the register."""

    key: tuple[str, Options]
    content: bytes
    file_name: str
    read: VectorFile
    report: CheckReport
    overlaps: dict[int, str]


def options(fields: list[str]) -> Options:
    """The fields that say how to read the file."""
    kind_column, crs_column, encoding_column = st.columns(3)
    sink_type = kind_column.selectbox(
        t("地块类型", "Type of land"), list(_words.SINK_TYPES), key="imports.type",
        format_func=lambda code: _words.word(_words.SINK_TYPES, code),
    )  # fmt: skip
    crs = crs_column.text_input(
        t("坐标系（文件没有写明时才填）", "Coordinate system, if the file names none"),
        key="imports.crs", placeholder="EPSG:4490",
    )  # fmt: skip
    encoding = encoding_column.selectbox(
        t("文字编码", "Encoding"), ENCODINGS, key="imports.encoding",
        format_func=lambda one: one or t("按文件所写", "as the file says"),
        help=t("下面的名称成了乱码时改选 GB18030", "for names that read as nonsense"),
    )  # fmt: skip
    with st.expander(t("更多：图层名、申报面积字段", "More: layer, field of the declared area")):
        layer = st.text_input(
            t("图层名（文件里有几个图层时）", "Layer, where there are several"), key="imports.layer"
        )
        field_column, unit_column = st.columns([2, 1])
        field = field_column.selectbox(
            t("申报面积字段", "Field of the declared area"), ["", *fields], key="imports.declared",
            format_func=lambda one: one or t("自动识别", "find it"),
        )  # fmt: skip
        unit = unit_column.selectbox(
            t("单位", "Unit"), list(UNITS), key="imports.unit", disabled=not field,
            format_func=lambda one: t(*UNITS[one]),
        )  # fmt: skip
    return Options(
        sink_type, crs.strip(), encoding, layer.strip(), f"{field}:{unit}" if field else ""
    )


def checked(person: Actor, file_name: str, content: bytes, chosen: Options) -> Checked | None:
    """The file, read and checked with these options; once for the same file and options."""
    key = (hashlib.sha256(content).hexdigest(), chosen)
    held = st.session_state.get(CHECKED)
    if held is not None and held.key == key:
        return held
    st.session_state.pop(CHECKED, None)
    with _session.explained(), st.spinner(t("正在读取并检查……", "Reading and checking …")):
        # The reader looks at the content; the ending only tells parts of a shapefile apart.
        ending = re.sub(r"[^.a-z0-9]", "", Path(file_name).suffix.lower())[:10]
        with tempfile.TemporaryDirectory(prefix="sinks-import-") as folder:
            path = Path(folder) / f"upload{ending}"
            path.write_bytes(content)
            read = vectors.read(
                path, crs=chosen.crs or None, encoding=chosen.encoding or None,
                layer=chosen.layer or None,
            )  # fmt: skip
        report = check.check_rows(
            read, sink_type=chosen.sink_type, declared_area_field=chosen.declared or None
        )
        done = Checked(key, content, file_name, read, report, overlaps_of(person, report))
        st.session_state[CHECKED] = done
        return done
    return None


def overlaps_of(person: Actor, report: CheckReport) -> dict[int, str]:
    """What the accepted rows share with parcels of the register, wider than the tolerance."""
    found = {}
    with db.transaction(person) as session:
        for row in report.accepted[:OVERLAP_ROWS_MAX]:
            deep = [
                other for other in parcels.neighbours(session, row.boundary_4490) if other.deep
            ]  # fmt: skip
            if deep:
                found[row.row] = "；".join(
                    f"与 {other.code} 重叠 {other.shared_m2:,.1f} 平方米" for other in deep
                )
    return found


def verdicts(found: Checked) -> list[dict[str, Any]]:
    """One entry for each row that somebody has to look at: refused first, then questioned."""
    rows = [
        {"row": item.row, "verdict": "refused", "code": item.code, "message": item.message}
        for item in found.report.refused
    ]
    for item in found.report.accepted:
        rows += [
            {"row": item.row, "verdict": "questioned", "code": one.code, "message": one.message}
            for one in item.questions
        ]
        if item.row in found.overlaps:
            rows.append(
                {
                    "row": item.row, "verdict": "questioned", "code": "overlap",
                    "message": f"{found.overlaps[item.row]}。可以存为草稿，修正前不能入库。",
                }
            )  # fmt: skip
    return rows


def name_of(found: Checked, row: int, name_field: str) -> str:
    """What the row calls itself, as the file has it."""
    attributes = found.read.rows[row].attributes
    fields = (name_field,) if name_field else imports.NAME_FIELDS
    return next((str(attributes[one]) for one in fields if attributes.get(one)), "")


def counts(found: Checked, asked: set[int]) -> None:
    """How many rows are good, questioned, refused."""
    good, doubtful, bad = st.columns(3)
    with good:
        _kit.metric_big(str(len(found.report.accepted)), t("行可以导入", "rows accepted"))
    with doubtful:
        _kit.metric_big(
            str(len(asked)), t("行其中有疑问", "of them questioned"),
            t("会导入，需核对", "imported, to be looked at"),
        )  # fmt: skip
    with bad:
        _kit.metric_big(
            str(len(found.report.refused)), t("行不能导入", "rows refused"),
            t("请在原文件里修正后另行导入", "mend them in the file and import it again"),
        )  # fmt: skip
    source = {
        "file": t("文件写明", "as the file says"),
        "given": t("由您给出", "as you gave it"),
        "default": t("该格式的规定", "by the format"),
    }[found.read.crs_source]
    st.caption(
        _session.plain(
            t(
                f"格式 {found.read.driver}；坐标系 {found.read.crs.name}（{source}）；文字编码 {found.read.encoding}。",
                f"Format {found.read.driver}; {found.read.crs.name} ({source}); text {found.read.encoding}.",
            )
        )
    )


def features(found: Checked, asked: set[int], name_field: str) -> list[dict[str, Any]]:
    """Outlines for the map, the ones to look at first. Refused ones only where they can be drawn."""
    shown = [
        _feature(
            found, item.row, found.read.rows[item.row].polygon, REFUSED, name_field, moved=False
        )
        for item in found.report.refused
    ]
    shown += [
        _feature(
            found,
            item.row,
            item.boundary_4490,
            QUESTIONED if item.row in asked else ACCEPTED,
            name_field,
        )
        for item in sorted(found.report.accepted, key=lambda item: item.row not in asked)
    ]
    return [one for one in shown if one is not None][: _land.FEATURES_MAX]


def _feature(
    found: Checked, row: int, polygon: Any, colour: str, name_field: str, *, moved: bool = True
) -> dict[str, Any] | None:
    if polygon is None:
        return None
    if not moved:
        polygon = geometry.to_4490(np.array([polygon], dtype=object), found.read.crs)[0]
        west, south, east, north = polygon.bounds
        city = _maps.HUZHOU
        # Elsewhere, or nowhere: it would draw the map away from the land.
        if not (city[0] <= west <= east <= city[2] and city[1] <= south <= north <= city[3]):
            return None
    return {
        "type": "Feature", "geometry": polygon.__geo_interface__,
        "properties": {
            "id": row, "state_colour": colour,
            "label": t(f"第 {row + 1} 行 ", f"row {row + 1} ") + name_of(found, row, name_field),
        },
    }  # fmt: skip


def problems(found: Checked, entries: list[dict[str, Any]], name_field: str) -> None:
    """The rows that somebody has to look at, as a table and as a file."""
    if not entries:
        return
    words = {
        "refused": _kit.chip(t("不能导入", "refused"), REFUSED),
        "questioned": _kit.chip(t("有疑问", "questioned"), QUESTIONED),
    }
    _kit.table(
        [
            {
                "row": entry["row"] + 1,
                "name": name_of(found, entry["row"], name_field),
                "verdict": words[entry["verdict"]],
                "message": entry["message"],
                "code": entry["code"],
            }
            for entry in entries[:ROWS_SHOWN_MAX]
        ],
        [
            Column("row", t("行", "Row"), number=True),
            Column("name", t("名称", "Name")),
            Column("verdict", t("结果", "Outcome")),
            Column("message", t("原因和怎么办", "Why, and what to do"), wraps=True),
            Column("code", t("代码", "Code")),
        ],
    )
    if len(entries) > ROWS_SHOWN_MAX:
        st.caption(
            t(
                f"表中只列前 {ROWS_SHOWN_MAX} 条，全部在下载的清单里。",
                f"The first {ROWS_SHOWN_MAX}; the list below has all.",
            )
        )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["行", "名称", "结果", "代码", "原因"])
    for entry in entries:
        writer.writerow(
            [
                _plain_cell(str(entry["row"] + 1)),
                _plain_cell(name_of(found, entry["row"], name_field)),
                "不能导入" if entry["verdict"] == "refused" else "有疑问",
                entry["code"],
                _plain_cell(entry["message"]),
            ]
        )
    st.download_button(
        t("下载清单（CSV）", "Download the list (CSV)"),
        # The mark at the start makes Excel read it as UTF-8.
        ("\ufeff" + text.getvalue()).encode(), f"{Path(found.file_name).stem}-检查结果.csv", "text/csv",
        key="imports.list",
    )  # fmt: skip


def _plain_cell(text: str) -> str:
    # A spreadsheet would take a cell that begins so for a formula.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def commit(person: Actor, found: Checked, name_field: str) -> None:
    """Whose land it is, and the button that imports."""
    choice = _land.choose_party(
        person, "imports.owner", t("权利人（所有行）", "Holder of all rows")
    )
    st.caption(
        t(
            "权证号从“权证号”“林权证号”“不动产权证号”字段读取；没有的记为待补，补录后才能审查。",
            "Certificate numbers come from the file's own fields; a missing one has to be entered later.",
        )
    )
    count = len(found.report.accepted)
    if st.button(
        t(f"导入 {count} 行为草稿", f"Import {count} rows as drafts"), key="imports.commit",
        type="primary", disabled=not count,
    ):  # fmt: skip
        with _session.explained():
            with db.transaction(person) as session:
                row = imports.commit(
                    session, person, report=found.report, file_name=found.file_name,
                    content=found.content, sha256=found.read.sha256 or found.key[0],
                    sink_type=found.key[1].sink_type, owner_id=choice.settled(session, person),
                    name_field=name_field or None,
                )  # fmt: skip
                accepted = row.accepted
            del st.session_state[CHECKED]
            st.session_state["imports.mount"] = st.session_state.get("imports.mount", 0) + 1
            _session.say_done(
                t(
                    f"已导入 {accepted} 块地，均为草稿。",
                    f"{accepted} parcels are imported as drafts.",
                )
            )


def preview(person: Actor, found: Checked) -> None:
    """What would be imported, before anything is."""
    entries = verdicts(found)
    asked = {entry["row"] for entry in entries if entry["verdict"] == "questioned"}
    counts(found, asked)
    name_field = st.selectbox(
        t("名称取自字段", "Names come from the field"), ["", *found.read.fields], key="imports.name",
        format_func=lambda one: one or t("自动识别", "find it"),
    )  # fmt: skip
    names = [name_of(found, row.row, name_field) for row in found.read.rows[:NAMES_SHOWN]]
    said = "、".join(name or t("（无）", "(none)") for name in names)
    st.caption(_session.plain(t(f"前几行的名称：{said}", f"First names: {said}")))
    shown = features(found, asked, name_field)
    if shown:
        _maps.show_map(
            "imports-map", shown, around=_land.county_outlines(), height=460,
            basemaps=_land.basemaps(), review_number=_land.review_number(),
            legend=[
                (t("可以导入", "accepted"), ACCEPTED, False),
                (t("有疑问", "questioned"), QUESTIONED, False),
                (t("不能导入", "refused"), REFUSED, False),
            ],
        )  # fmt: skip
        if len(found.read.rows) > len(shown):
            st.caption(
                t(
                    f"图上画了 {len(shown)} 行，共 {len(found.read.rows)} 行；"
                    "画不出或远在湖州以外的不画。",
                    f"{len(shown)} of {len(found.read.rows)} rows are drawn.",
                )
            )
    problems(found, entries, name_field)
    with db.transaction(person) as session:
        earlier = {row.sha256: row.recorded_at for row in imports.listing(session)}
    sha256 = found.read.sha256 or found.key[0]
    if sha256 in earlier:
        st.info(
            t(
                f"这个文件已于 {_land.moment(earlier[sha256])} 导入过，不会重复导入。",
                f"This file was imported on {_land.moment(earlier[sha256])} already.",
            )
        )
        return
    commit(person, found, name_field)


def history(person: Actor) -> None:
    """The imports so far."""
    st.subheader(t("导入记录", "Imports so far"))
    with db.transaction(person) as session:
        rows: list[dict[str, Any]] = [
            {
                "at": _land.moment(row.recorded_at),
                "file": row.file_name,
                "type": _words.word(_words.SINK_TYPES, row.sink_type),
                "rows": row.rows,
                "accepted": row.accepted,
                "questioned": row.questioned,
                "refused": len(row.refused),
                "id": row.id,
                "why": list(row.refused),
            }
            for row in imports.listing(session)
        ]
    if not rows:
        _kit.empty(t("还没有导入过文件。", "Nothing has been imported yet."))
        return
    _kit.table(
        rows,
        [
            Column("at", t("时间", "When")),
            Column("file", t("文件", "File")),
            Column("type", t("类型", "Type")),
            Column("rows", t("行数", "Rows"), number=True),
            Column("accepted", t("已导入", "Imported"), number=True),
            Column("questioned", t("有疑问", "Questioned"), number=True),
            Column("refused", t("未导入", "Refused"), number=True),
        ],
    )
    for row in rows:
        if row["why"]:
            with st.expander(
                _session.plain(
                    t(
                        f"{row['file']}：未导入的 {row['refused']} 行",
                        f"{row['file']}: {row['refused']} rows refused",
                    )
                )
            ):
                _kit.table(
                    [
                        {"row": one["row"] + 1, "message": one["message"]}
                        for one in row["why"][:ROWS_SHOWN_MAX]
                    ],
                    [
                        Column("row", t("行", "Row"), number=True),
                        Column("message", t("原因和怎么办", "Why, and what to do"), wraps=True),
                    ],
                )


def main() -> None:
    """Take a file, show what is in it, import what is good."""
    person = _session.page(t("导入", "Import"), Role.OFFICER)
    upload = st.file_uploader(
        t(
            "小班或图斑文件：GeoJSON、GPKG、KML/KMZ，或打成 zip 的 Shapefile",
            "GeoJSON, GPKG, KML/KMZ, or a zipped shapefile",
        ),
        key=f"imports.file.{st.session_state.get('imports.mount', 0)}",
    )  # fmt: skip
    held = st.session_state.get(CHECKED)
    chosen = options(held.read.fields if held else [])
    if upload is not None:
        found = checked(person, upload.name, upload.getvalue(), chosen)
    else:
        # Whoever comes back from another page finds the file gone from the field, not from here.
        found = held if held is not None and held.key[1] == chosen else None
    if found is not None:
        preview(person, found)
    history(person)


main()

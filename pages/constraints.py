"""管控图层: maps of the county that land is held against, which of them are there and which are not."""

import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import streamlit as st

from gis_data import districts
from pages import _kit, _land, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.land import constraint_layers
from sinks.land.constraint_layers import CITY_CODE, KIND_ZH, LayerKind

KINDS_EN = {
    LayerKind.PUBLIC_WELFARE_FOREST: "Public-welfare forest",
    LayerKind.NATURAL_FOREST: "Natural forest",
    LayerKind.PROTECTED_AREA: "Protected areas",
    LayerKind.ECOLOGICAL_REDLINE: "Ecological redline",
    LayerKind.BASIC_FARMLAND: "Permanent basic farmland",
    LayerKind.COMPARTMENT: "Compartments",
    LayerKind.CADASTRE: "Cadastre",
}
MAY_IMPORT = frozenset({Role.OFFICER, Role.REGISTRAR})
ENCODINGS = ("", "UTF-8", "GB18030", "GBK")


def word(kind: str) -> str:
    """A kind of layer as a person reads it."""
    return t(KIND_ZH[LayerKind(kind)], KINDS_EN[LayerKind(kind)])


def matrix(person: Actor) -> None:
    """What is there for which district; what is missing is unchecked, not nought."""
    with db.transaction(person) as session:
        covered = {
            key: (row.name, row.as_of) for key, row in constraint_layers.coverage(session).items()
        }
    rows: list[dict[str, Any]] = []
    for kind in LayerKind:
        row: dict[str, Any] = {"kind": word(kind)}
        for district in districts.DISTRICTS:
            found = covered.get((kind, district.code))
            row[district.code] = (
                _kit.chip(str(found[1]), _words.GREEN)
                if found
                else _kit.chip(t("未导入", "Not imported"), _words.AMBER)
            )
        rows.append(row)
    _kit.table(
        rows,
        [
            Column("kind", t("图层", "Layer")),
            *(
                Column(one.code, t(one.name_zh, one.name_en or one.name_zh))
                for one in districts.DISTRICTS
            ),
        ],
    )
    st.caption(
        t(
            "绿色为在用图层的日期。未导入的区县，地块卡片写“未导入，未核查”，不作“不涉及”。",
            "Green: the date of the map in force. Where none is imported, land is unchecked, not clear.",
        )
    )


def listing(person: Actor) -> None:
    """Every map that was imported, with where it is from."""
    with db.transaction(person) as session:
        rows = [
            {
                "kind": word(row.kind),
                "name": row.name,
                "as_of": row.as_of,
                "where": "、".join(
                    _words.word(_words.DISTRICTS, code) for code in row.district_codes
                ),
                "shapes": row.shapes,
                "refused": len(row.refused) or None,
                "state": _kit.chip(t("在用", "In force"), _words.GREEN)
                if row.superseded_by_id is None
                else _kit.chip(t("已被取代", "Superseded"), _words.GREY),
                "source": row.source,
                "licence": row.licence,
                "left_out": "、".join(row.fields_left_out),
                "hash": row.sha256[:12],
                "at": _land.moment(row.recorded_at),
            }
            for row in constraint_layers.listing(session)
        ]
    if not rows:
        _kit.empty(
            t(
                "还没有导入任何图层：所有地块都未核查。",
                "No map is imported: all land is unchecked.",
            )
        )
        return
    _kit.table(
        rows,
        [
            Column("kind", t("种类", "Kind")),
            Column("name", t("名称", "Name")),
            Column("as_of", t("日期", "As of")),
            Column("where", t("完整覆盖", "Covers wholly"), wraps=True),
            Column("shapes", t("图形", "Shapes"), number=True),
            Column("refused", t("未读入", "Refused"), number=True),
            Column("state", t("状态", "State")),
            Column("source", t("来源", "Source"), wraps=True),
            Column("licence", t("许可", "Licence"), wraps=True),
            Column("left_out", t("未存的个人信息字段", "Personal fields left out"), wraps=True),
            Column("hash", t("指纹", "Fingerprint")),
            Column("at", t("导入时间", "Imported")),
        ],
    )


def form(person: Actor) -> None:
    """The fields of a new map; everything about it has to be said."""
    mount = st.session_state.get("constraints.mount", 0)
    upload = st.file_uploader(
        t("图层文件（GeoJSON、GPKG、KML，或打成 zip 的 Shapefile）", "GeoJSON, GPKG, KML or zipped shapefile"),
        key=f"constraints.file.{mount}",
    )  # fmt: skip
    kind_column, name_column = st.columns(2)
    kind = kind_column.selectbox(
        t("种类", "Kind"), list(LayerKind), key="constraints.kind", format_func=word
    )
    name = name_column.text_input(
        t("名称", "Name"),
        key="constraints.name",
        placeholder="安吉县公益林落界 2025",
        max_chars=100,
    )
    source_column, licence_column = st.columns(2)
    source = source_column.text_input(
        t("来源单位和文件", "Source"), key="constraints.source", max_chars=200
    )
    licence = licence_column.text_input(
        t("许可或使用依据", "Licence"), key="constraints.licence", max_chars=200
    )
    day_column, where_column = st.columns(2)
    as_of = day_column.date_input(t("图层的日期", "As of"), value=None, key="constraints.as_of")
    codes = {CITY_CODE: t("全市", "the whole city")} | {
        one.code: t(one.name_zh, one.name_en or one.name_zh) for one in districts.DISTRICTS
    }
    chosen = where_column.multiselect(
        t("完整覆盖的区县", "Districts it covers wholly"), list(codes), key="constraints.districts",
        format_func=codes.__getitem__, placeholder=t("选择区县", "Choose districts"),
        help=t("只覆盖一部分的不要选：没画到的地方会被当作“不涉及”",
               "not one it covers in part: what it leaves out would count as clear"),
    )  # fmt: skip
    crs_column, encoding_column, field_column = st.columns(3)
    crs = crs_column.text_input(
        t("坐标系（文件没写时）", "CRS, if the file names none"), key="constraints.crs",
        placeholder="EPSG:4490",
    )  # fmt: skip
    encoding = encoding_column.selectbox(
        t("文字编码", "Encoding"), ENCODINGS, key="constraints.encoding",
        format_func=lambda one: one or t("按文件所写", "as the file says"),
    )  # fmt: skip
    number_field = field_column.text_input(
        t("编号字段（可不填）", "Field of the number"),
        key="constraints.field",
        placeholder="XIAO_BAN",
    )
    if upload is None or as_of is None:
        st.caption(
            t("先选图层文件，填图层的日期。", "Choose the file and give the date of the map first.")
        )
    if st.button(
        t("导入并启用", "Import and put in force"), key="constraints.import", type="primary",
        disabled=upload is None or as_of is None,
    ):  # fmt: skip
        assert upload is not None and as_of is not None
        _import(
            person, upload.name, upload.getvalue(), as_of=as_of, kind=kind, name=name,
            source=source, licence=licence, district_codes=chosen, crs=crs.strip() or None,
            encoding=encoding or None, shape_no_field=number_field.strip() or None,
        )  # fmt: skip


def _import(person: Actor, file_name: str, content: bytes, *, as_of: date, **facts: Any) -> None:
    with _session.explained(), st.spinner(t("正在读取……", "Reading …")):
        # The reader looks at the content; the ending only tells parts of a shapefile apart.
        ending = re.sub(r"[^.a-z0-9]", "", Path(file_name).suffix.lower())[:10]
        with tempfile.TemporaryDirectory(prefix="sinks-constraint-") as folder:
            path = Path(folder) / f"upload{ending}"
            path.write_bytes(content)
            with db.transaction(person) as session:
                row = constraint_layers.add(
                    session, person, path, file_name=file_name, as_of=as_of, **facts
                )
                shapes, refused = row.shapes, len(row.refused)
        st.session_state["constraints.mount"] = st.session_state.get("constraints.mount", 0) + 1
        missing = (
            t(f"，{refused} 个未能读入，那里仍未核查", f", {refused} refused") if refused else ""
        )
        _session.say_done(t(f"已导入 {shapes} 个图形{missing}。", f"{shapes} shapes{missing}."))


def main() -> None:
    """Show what there is, then the form."""
    person = _session.page(
        t("管控图层", "Constraint layers"), Role.OFFICER, Role.REGISTRAR, Role.VERIFIER,
        Role.AUTHORITY, Role.COOPERATIVE,
    )  # fmt: skip
    matrix(person)
    if person.roles & MAY_IMPORT:
        with st.expander(t("导入图层", "Import a map"), icon=":material/upload_file:"):
            form(person)
    st.subheader(t("导入过的图层", "Maps so far"))
    listing(person)


main()

"""图层: the raster maps that measuring reads, one of them at a time, and the form that adds one."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages import _kit, _layer_card, _layer_strip, _session, _words
from pages._kit import Column
from pages._layer_card import PHASES, phase_chip, unit_word, variable_word
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.measurement import layers, variables, variograms
from sinks.measurement.variables import VARIABLES


def the_list(person: Actor) -> dict[int, str]:
    """Every layer, newest first; their names by id."""
    with db.transaction(person) as session:
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "title": row.name,
                "name": _kit.link(row.name, f"/layers?layer={row.id}"),
                "variable": variable_word(row.variable),
                "unit": unit_word(row.unit),
                "epoch": str(row.epoch),
                # The turn of bamboo says nothing about classes.
                "phase": phase_chip(row.phase) if row.unit is not None else None,
                "crs": _layer_card.crs_word(row.crs)
                + (t("（另行给出）", " (given)") if row.crs_given else ""),
                "resolution": _layer_card.resolution_word(row),
                "stderr": _error_chip(
                    row.stderr_layer_id is not None,
                    variograms.newest(session, row.stderr_layer_id),
                )
                if row.unit is not None
                else None,
                "licence": row.licence,
                "demonstration": row.demonstration,
            }
            for row in layers.listing(session)
        ]
    if not rows:
        _kit.empty(
            t(
                "还没有图层。核算要用前后两期地上生物量图，请在下面登记。",
                "No layers yet. Measuring needs biomass maps of two dates; add them below.",
            )
        )
        return {}
    if any(row["demonstration"] for row in rows):
        _kit.band(
            t("表中有合成的演示图层，不是观测结果", "Some layers are synthetic, not observations")
        )
        for row in rows:
            if row["demonstration"]:
                row["name"] = _kit.beside(
                    _kit.chip(t("合成", "synthetic"), _words.AMBER), row["name"]
                )
    _kit.table(
        rows,
        [
            Column("name", t("名称", "Name")),
            Column("variable", t("变量", "Variable")),
            Column("unit", t("单位", "Unit")),
            Column("epoch", t("日期", "Date")),
            Column("phase", t("大小年", "Phase")),
            Column("stderr", t("误差", "Errors")),
            Column("licence", t("许可", "Licence")),
            Column("resolution", t("分辨率", "Resolution")),
            Column("crs", t("坐标系", "Coordinate system")),
        ],
    )
    return {row["id"]: f"{row['title']} · {row['epoch']}" for row in rows}


def _error_chip(has_stderr: bool, variogram: variograms.LayerVariogram | None) -> _kit.Html:
    if not has_stderr:
        return _kit.chip(t("无误差图层", "no error layer"), _words.GREY)
    if variogram is None:
        return _kit.chip(t("完全相关", "fully correlated"), _words.BLUE)
    return _kit.chip(
        t(f"变程 {variogram.range_m:g} 米", f"range {variogram.range_m:g} m"), _words.GREEN
    )


def choose(known: dict[int, str]) -> int | None:
    """The layer to look at, as a link or the box has it."""
    asked = st.query_params.get("layer", "")
    wanted = int(asked) if asked.isdecimal() and len(asked) < 18 else None
    ids = list(known)
    chosen = st.selectbox(
        t("看一个图层", "Look at a layer"), ids, key="layers.choice",
        index=ids.index(wanted) if wanted in known else None, format_func=known.__getitem__,
        placeholder=t("点上面的名称，或在这里选", "click a name above, or choose here"),
    )  # fmt: skip
    if chosen:
        st.query_params["layer"] = str(chosen)
    return chosen


def the_form(person: Actor) -> None:
    """Add a layer."""
    variable = st.selectbox(
        t("变量", "Variable"), list(VARIABLES), key="layers.variable",
        format_func=lambda one: f"{variable_word(one)} · {unit_word(VARIABLES[one].unit)}",
    )  # fmt: skip
    what = VARIABLES[variable]
    mount = st.session_state.get("layers.mount", 0)
    value_column, second_column = st.columns(2)
    value = value_column.file_uploader(
        t(f"{what.zh}（{unit_word(what.unit)}），GeoTIFF", f"GeoTIFF [{unit_word(what.unit)}]"),
        key=f"layers.value.{mount}",
    )
    with second_column:
        stderr, legend_text = _legend_or_errors(what, mount)
    st.caption(
        t(
            "更大的文件请用命令行登记：sinks layers add。",
            "Larger files are added on the command line: sinks layers add.",
        )
    )
    name_column, date_column, phase_column = st.columns([2, 1, 1])
    name = name_column.text_input(t("名称", "Name"), key=f"layers.name.{mount}", max_chars=100)
    epoch = date_column.date_input(
        t("代表日期", "Date it stands for"), value=None, key=f"layers.epoch.{mount}",
        min_value=date(1980, 1, 1), max_value="today",
    )  # fmt: skip
    phase = phase_column.selectbox(
        t("大小年", "Phase"), list(PHASES), index=3, key="layers.phase",
        format_func=lambda one: t(*PHASES[one]),
    )  # fmt: skip
    source = st.text_input(t("来源（谁、用什么做的）", "Source"), key=f"layers.source.{mount}")
    licence_column, crs_column = st.columns(2)
    licence = licence_column.text_input(t("使用许可", "Licence"), key=f"layers.licence.{mount}")
    crs = crs_column.text_input(
        t("坐标系（文件没有写明时才填）", "Coordinate system, if the file names none"),
        key=f"layers.crs.{mount}", placeholder="EPSG:4490",
    )  # fmt: skip
    if st.button(t("检查并登记", "Check and add"), key="layers.add", type="primary"):
        if value is None or epoch is None or not name.strip():
            st.error(
                t(
                    "**没有办成。** 请交图层文件，并填写名称和代表日期。",
                    "File, name and date, please.",
                )
            )
            return
        add(
            person, value, stderr, name=name, variable=variable, legend_text=legend_text,
            epoch=epoch, phase=phase, licence=licence, source=source, crs=crs.strip() or None,
        )  # fmt: skip


def _legend_or_errors(what: variables.Variable, mount: int) -> tuple[UploadedFile | None, str]:
    """Classes need a legend; values may have a layer of their errors."""
    if what.is_classes:
        return None, st.text_area(
            t("图例：每行 代码,中文名,英文名", "Legend: code,中文,English on each line"),
            key=f"layers.legend.{mount}", placeholder=what.legend_example,
        )  # fmt: skip
    stderr = st.file_uploader(
        t("标准误图层（可不交），同一格网", "Standard error (optional), same grid"),
        key=f"layers.stderr.{mount}",
    )
    st.caption(
        t(
            f"值应在 {what.low:g} 到 {what.high:g} 之间，全图平均不超过 {what.mean_max:g}；"
            f"依据：{what.band_source}。",
            f"Values between {what.low:g} and {what.high:g}, the mean of all at most "
            f"{what.mean_max:g}. Source: {what.band_source}.",
        )
    )
    return stderr, ""


def add(
    person: Actor,
    value: UploadedFile,
    stderr: UploadedFile | None,
    *,
    name: str,
    variable: str,
    legend_text: str,
    epoch: date,
    phase: str,
    licence: str,
    source: str,
    crs: str | None,
) -> None:
    """Check and keep the files, in one transaction."""
    what = VARIABLES[variable]
    with _session.explained():
        legend = variables.legend_of(legend_text) if what.is_classes else None
        with tempfile.TemporaryDirectory(prefix="sinks-layer-") as folder:
            path = Path(folder) / "value.tif"
            path.write_bytes(value.getvalue())
            stderr_path = None
            if stderr is not None:
                stderr_path = Path(folder) / "stderr.tif"
                stderr_path.write_bytes(stderr.getvalue())
            with (
                st.spinner(t("正在检查每个像元……", "Looking at every cell …")),
                db.transaction(person) as session,
            ):
                layers.add(
                    session, person, path, name=name, variable=variable, unit=what.unit,
                    epoch=epoch, phase=phase, licence=licence, source=source, crs=crs,
                    stderr_path=stderr_path, legend=legend,
                )  # fmt: skip
        st.session_state["layers.mount"] = st.session_state.get("layers.mount", 0) + 1
        _session.say_done(t(f"图层“{name.strip()}”已登记。", f"The layer {name.strip()} is added."))


def main() -> None:
    """Show the layers, one of them, a parcel through all of them and, to those who may, the form."""
    person = _session.page(
        t("图层", "Layers"), Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER, Role.VERIFIER,
        Role.AUTHORITY, Role.REGISTRAR,
    )  # fmt: skip
    known = the_list(person)
    chosen = choose(known) if known else None
    if chosen is not None:
        _layer_card.show(person, chosen)
    if known:
        st.subheader(t("一块地的历史", "A parcel through the years"))
        _layer_strip.show(person)
    if person.roles & set(layers.MAY_ADD):
        with st.expander(t("登记新的图层", "Add a layer")):
            the_form(person)


main()

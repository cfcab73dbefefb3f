"""图层: the raster maps that measuring reads, and the form that adds one."""

import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages import _kit, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.measurement import layers

# A moso stand grows by turns: what a map of one year shows depends on the year's turn.
PHASES: dict[str, tuple[str, str]] = {
    "on": ("大年", "on-year"),
    "off": ("小年", "off-year"),
    "mixed": ("大小年混合", "mixed"),
    "unknown": ("不明", "unknown"),
}


def the_list(person: Actor) -> None:
    """Every layer, newest first."""
    with db.transaction(person) as session:
        rows: list[dict[str, Any]] = [
            {
                "name": row.name,
                "variable": layers.VARIABLES[row.variable][0],
                "unit": row.unit,
                "epoch": str(row.epoch),
                "phase": t(*PHASES[row.phase]),
                "crs": crs_word(row.crs) + (t("（另行给出）", " (given)") if row.crs_given else ""),
                "resolution": row.resolution,
                "stderr": t("有", "yes") if row.stderr_layer_id else t("无", "no"),
                "licence": row.licence,
                "source": row.source,
                "sha": row.sha256[:12],
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
        return
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
            Column("resolution", t("分辨率", "Resolution")),
            Column("stderr", t("误差图层", "Error layer")),
            Column("crs", t("坐标系", "Coordinate system")),
        ],
    )
    with st.expander(t("来源、许可与文件指纹", "Source, licence and fingerprint")):
        _kit.table(
            rows,
            [
                Column("name", t("名称", "Name")),
                Column("source", t("来源", "Source"), wraps=True),
                Column("licence", t("许可", "Licence"), wraps=True),
                Column("sha", "SHA-256"),
            ],
        )


def crs_word(crs: str) -> str:
    """A coordinate system's number, or the name within its WKT."""
    name = re.match(r'\w+\["([^"]{1,60})"', crs)
    return name[1] if name else crs[:60]


def the_form(person: Actor) -> None:
    """Add a layer."""
    variable = next(iter(layers.VARIABLES))
    if len(layers.VARIABLES) > 1:
        variable = st.selectbox(
            t("变量", "Variable"), list(layers.VARIABLES), key="layers.variable",
            format_func=lambda one: layers.VARIABLES[one][0],
        )  # fmt: skip
    title, unit, _ = layers.VARIABLES[variable]
    mount = st.session_state.get("layers.mount", 0)
    value_column, stderr_column = st.columns(2)
    value = value_column.file_uploader(
        t(f"{title}（{unit}），GeoTIFF", f"GeoTIFF [{unit}]"), key=f"layers.value.{mount}"
    )
    stderr = stderr_column.file_uploader(
        t("标准误图层（可不交），同一格网", "Standard error (optional), same grid"),
        key=f"layers.stderr.{mount}",
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
            person, value, stderr, name=name, variable=variable, unit=unit, epoch=epoch, phase=phase,
            licence=licence, source=source, crs=crs.strip() or None,
        )  # fmt: skip


def add(
    person: Actor,
    value: UploadedFile,
    stderr: UploadedFile | None,
    *,
    name: str,
    variable: str,
    unit: str,
    epoch: date,
    phase: str,
    licence: str,
    source: str,
    crs: str | None,
) -> None:
    """Check and keep the files, in one transaction."""
    with _session.explained():
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
                    session, person, path, name=name, variable=variable, unit=unit, epoch=epoch,
                    phase=phase, licence=licence, source=source, crs=crs, stderr_path=stderr_path,
                )  # fmt: skip
        st.session_state["layers.mount"] = st.session_state.get("layers.mount", 0) + 1
        _session.say_done(t(f"图层“{name.strip()}”已登记。", f"The layer {name.strip()} is added."))


def main() -> None:
    """Show the layers and, to those who may, the form."""
    person = _session.page(
        t("图层", "Layers"), Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER, Role.VERIFIER
    )
    the_list(person)
    if person.roles & {Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER}:
        with st.expander(t("登记新的图层", "Add a layer")):
            the_form(person)


main()

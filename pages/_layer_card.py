"""One layer: what is known of it, its picture, and how its errors correlate."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import streamlit as st

from gis_data import geometry
from pages import _kit, _land, _maps, _pixels, _session, _words
from pages._kit import Html
from pages._words import t
from sinks.core import db, people
from sinks.core.actor import Actor
from sinks.measurement import cells, layers, variograms
from sinks.measurement.layers import Layer
from sinks.measurement.variables import VARIABLES, Legend
from sinks.measurement.variograms import Given

# A moso stand grows by turns: what a map of one year shows depends on the year's turn.
PHASES: dict[str, tuple[str, str]] = {
    "on": ("大年", "on-year"),
    "off": ("小年", "off-year"),
    "mixed": ("花年", "mixed"),
    "unknown": ("大小年不明", "phase unknown"),
}
PHASE_COLOURS = {
    "on": _words.GREEN, "off": _words.BLUE, "mixed": _words.AMBER, "unknown": _words.GREY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayerCard:
    """One layer with what stands beside its row."""

    id: int
    name: str
    variable: str
    unit: str | None
    facts: list[tuple[str, str]]
    phase: str
    demonstration: bool
    has_stderr: bool
    variogram: Given | None
    classes: Legend | None
    grid: cells.CellGrid


def phase_chip(phase: str) -> Html:
    """The phase of the two-year cycle as a chip."""
    return _kit.chip(t(*PHASES[phase]), PHASE_COLOURS[phase])


def variable_word(key: str) -> str:
    """The name of a variable."""
    return t(VARIABLES[key].zh, VARIABLES[key].en)


def unit_word(unit: str | None) -> str:
    """A unit as it is written on the screen."""
    if unit is None:
        return t("类别", "classes")
    return t("比例 0–1", "share 0–1") if unit == "1" else unit


def load(me: Actor, layer_id: int) -> LayerCard:
    """Everything the card shows."""
    with db.transaction(me) as session:
        row = layers.get(session, layer_id)
        variogram = variograms.given_of(variograms.newest(session, row.stderr_layer_id))
        return LayerCard(
            id=row.id,
            name=row.name,
            variable=row.variable,
            unit=row.unit,
            facts=_facts(row, people.name_of(session, row.person_id), row.recorded_at),
            phase=row.phase,
            demonstration=row.demonstration,
            has_stderr=row.stderr_layer_id is not None,
            variogram=variogram,
            classes=row.classes,
            grid=_preview(row.kept_sha256, row),
        )


@st.cache_data(max_entries=20, show_spinner=False)
def _preview(kept_sha256: str, _row: Layer) -> cells.CellGrid:
    # A file is known by its hash, so what was seen of it once is what would be seen again.
    return cells.preview(_row)


def _facts(row: Layer, person: str, at: datetime) -> list[tuple[str, str]]:
    values = "—"
    if row.minimum is not None and row.maximum is not None and row.unit is not None:
        values = f"{row.minimum:g} – {row.maximum:g} {unit_word(row.unit)}"
    nodata = row.nodata or t("未设", "none")
    if row.scale is not None and (row.scale, row.scale_offset) != (1.0, 0.0):
        nodata += t(
            f" · 比例 {row.scale:g}，偏移 {row.scale_offset:g}",
            f" · scale {row.scale:g}, offset {row.scale_offset:g}",
        )
    cover = "—" if row.valid_share is None else _words.share(row.valid_share)
    return [
        (t("变量", "Variable"), f"{variable_word(row.variable)} · {unit_word(row.unit)}"),
        (t("代表日期", "Date"), str(row.epoch)),
        (t("值的范围", "Range of values"), values),
        (t("有值像元", "Cells with a value"), cover),
        (t("无值与比例", "Nodata and scale"), nodata),
        (
            t("坐标系", "Coordinate system"),
            crs_word(row.crs) + (t("（另行给出）", " (given)") if row.crs_given else ""),
        ),
        (t("分辨率", "Resolution"), resolution_word(row)),
        (t("来源", "Source"), row.source),
        (t("许可", "Licence"), row.licence),
        (t("原文件指纹", "SHA-256 of the file"), row.sha256),
        (
            t("存档影像指纹", "SHA-256 as kept"),
            row.cog_sha256 or t("原样保存", "kept as it came"),
        ),
        (t("登记", "Added"), f"{person} · {_land.moment(at)}"),
    ]


def resolution_word(row: Layer) -> str:
    """Width and height of a cell with the unit of the coordinate system."""
    system = geometry.crs_of(row.crs)
    if system.is_geographic:
        return f"{row.resolution}°"
    unit = system.axis_info[0].unit_name
    return f"{row.resolution} {t('米', 'm') if unit == 'metre' else unit}"


def crs_word(crs: str) -> str:
    """A coordinate system's number, or the name within its WKT."""
    head, bracket, rest = crs.partition('["')
    return rest.partition('"')[0][:60] if bracket and head.isalpha() else crs[:60]


def show(me: Actor, layer_id: int) -> None:
    """The card of one layer."""
    with _session.explained():
        card = load(me, layer_id)
        chips = [phase_chip(card.phase)] if card.unit is not None else []
        if card.demonstration:
            chips.append(_kit.chip(t("合成", "synthetic"), _words.AMBER))
        _kit.heading(card.name, *chips)
        left, right = st.columns([3, 2])
        with left:
            _picture(card)
        with right:
            _kit.facts(card.facts)
        _errors(me, card)


def _picture(card: LayerCard) -> None:
    west, south, east, north = card.grid.bounds
    frame = {
        "type": "Polygon",
        "coordinates": [
            [[west, south], [east, south], [east, north], [west, north], [west, south]]
        ],
    }
    values, word = card.grid.values, variable_word(card.variable)
    if card.classes is None:
        scale = _pixels.scale_of(values[np.isfinite(values)])
        drawn = (
            _pixels.ramp_pixels(values, scale),
            _pixels.ramp_legend(word, unit_word(card.unit), scale),
        )
    else:
        colours = _pixels.class_colours(list(card.classes))
        drawn = (
            _pixels.class_pixels(values, colours),
            _pixels.class_legend(
                [(f"{code} {t(*card.classes[code])}", colour) for code, colour in colours.items()]
            ),
        )
    _maps.cells_map(
        f"layer-{card.id}", frame, values, card.grid.bounds, unit_word(card.unit), word,
        drawn=drawn, basemaps=_land.basemaps(),
        review_number=_land.review_number(),
    )  # fmt: skip
    st.caption(
        t(
            "预览隔若干个像元取一个，只供查看；核算用全部像元。",
            "The preview shows some cells only; measuring reads all of them.",
        )
    )


def variogram_words(given: Given | None) -> str:
    """How errors correlate, in a sentence."""
    if given is None:
        return t(
            "没有登记变差函数：按误差完全相关合计（最保守）。",
            "No variogram: errors are added up as fully correlated (the most cautious).",
        )
    return t(
        f"误差按指数模型相关：ρ(d) = {1 - given.nugget_share:g} · exp(−d / {given.range_m:g} m)，"
        f"块金比例 {given.nugget_share:g}。来源：{given.source}",
        f"Errors correlate as ρ(d) = {1 - given.nugget_share:g} · exp(−d / {given.range_m:g} m), "
        f"nugget share {given.nugget_share:g}. Source: {given.source}",
    )


def _errors(me: Actor, card: LayerCard) -> None:
    if card.unit is None:
        return
    said = (
        variogram_words(card.variogram)
        if card.has_stderr
        else t(
            "没有误差图层：单凭这幅图估不出不确定性。",
            "No error layer: the map alone cannot say how uncertain it is.",
        )
    )
    _kit.facts([(t("误差", "Errors"), said)])
    if not card.has_stderr or not me.roles & set(layers.MAY_ADD):
        return
    with st.expander(t("登记误差的变差函数", "Record a variogram of the errors")):
        range_column, nugget_column = st.columns(2)
        range_m = range_column.number_input(
            t("变程 L（米）：相关性降到 1/e 的距离", "Range L [m]: where correlation is 1/e"),
            min_value=1.0, max_value=1e6, value=None, key=f"variogram.range.{card.id}",
        )  # fmt: skip
        nugget = nugget_column.number_input(
            t("块金比例（0–1）", "Nugget share (0–1)"), min_value=0.0, max_value=1.0, value=None,
            key=f"variogram.nugget.{card.id}",
        )  # fmt: skip
        source = st.text_input(
            t("来源：由哪些样地残差、何时拟合", "Source: fitted to which residuals, when"),
            key=f"variogram.source.{card.id}", max_chars=300,
        )  # fmt: skip
        st.caption(
            t(
                "只影响今后的核算；已存的核算按当时的登记复算。",
                "Only new runs use it; stored runs keep what they used.",
            )
        )
        if st.button(t("登记", "Record"), key=f"variogram.save.{card.id}", type="primary"):
            with _session.explained():
                if range_m is None or nugget is None:
                    st.error(
                        t("**没有办成。** 请填写变程和块金比例。", "Range and nugget, please.")
                    )
                    return
                with db.transaction(me) as session:
                    layers.give_variogram(session, me, card.id, Given(range_m, nugget, source))
                _session.say_done(t("变差函数已登记。", "The variogram is recorded."))

"""The plots of a project: what is on file, one more by hand, or many from a table."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _kit, _layer_card, _plot_entry, _plot_photos, _sample_design
from pages._kit import Column
from pages._plot_entry import AGES, COLUMNS
from pages._project_card import Card
from pages._session import explained, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.crediting import plot_intake
from sinks.crediting.sample_views import PointLine
from sinks.measurement import plot_kinds, plot_table, plots
from sinks.measurement.plot_columns import Found
from sinks.measurement.plot_kinds import CULMS
from sinks.measurement.plot_table import PlotTable, Row


def show_plots(me: Actor, card: Card) -> None:
    """The sample, the plots with their visits, their photos: one part at a time."""
    parts: Mapping[str, str] = {
        "visits": t("样地与调查", "Plots and visits"),
        "design": t("抽样", "Sample"),
        "photos": t("照片", "Photos"),
    }
    part = st.segmented_control(
        t("样地内容", "Part of plots"), list(parts), default="visits", key="plots.part",
        format_func=parts.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    if part == "design":
        _sample_design.show(me, card)
    elif part == "photos":
        _plot_photos.show(me, card)
    else:
        show_visits(me, card)


def show_visits(me: Actor, card: Card) -> None:
    """Plots on file, and how to add some."""
    designs, found, _ = _sample_design.load(me, card.id)
    if not designs and not card.plots:
        st.info(
            t(
                "外业之前请先在“抽样”中抽取样地：不是系统抽取的样地会在核证页上逐一列出。",
                "Draw the sample first: plots that were not drawn are told to the verifier.",
            )
        )
    _sample_design.show_findings(found)
    show_table(card)
    if not card.mine:
        return
    how = st.segmented_control(
        t("登记样地", "Add plots"), ["file", "form"], default="file", key="plots.how",
        format_func=lambda one: {
            "file": t("从表格导入", "From a table"), "form": t("逐个填写", "One by one")
        }[one],
    )  # fmt: skip
    if how == "form":
        plot_form(me, card, _sample_design.unvisited(designs))
    else:
        import_plots(me, card)


def show_table(card: Card) -> None:
    """The plots on file with their visits."""
    if card.plots:
        _kit.table(
            [
                {
                    "code": plot.code, "stratum": plot.stratum,
                    "place": f"{plot.longitude:.6f}, {plot.latitude:.6f}",
                    "area": f"{plot.area_m2:g}", "slope": f"{plot.slope_deg:g}",
                    "visits": "；".join(
                        str(day) if found is None else t(f"{day}（{found.zh}）", f"{day} ({found.en})")
                        for day, found in itertools.zip_longest(plot.visited_on, plot.found)
                    ),
                }
                for plot in card.plots
            ],
            [
                Column("code", t("样地", "Plot")),
                Column("stratum", t("层", "Stratum")),
                Column("place", t("经纬度", "Longitude, latitude")),
                Column("area", t("面积", "Area"), "m²", number=True),
                Column("slope", t("坡度", "Slope"), "°", number=True),
                Column("visits", t("调查", "Visits")),
            ],
        )  # fmt: skip
        once = sum(len(plot.visited_on) < 2 for plot in card.plots)
        if once:
            st.info(
                t(
                    f"{once} 个样地只调查过一次，说明不了变化，开启监测期时不计入。",
                    f"{once} plots have one visit only and say nothing about change.",
                )
            )
    else:
        _kit.empty(
            t(
                "还没有样地。没有样地的监测期通常没有可签发的量：请按层布设固定样地，两期都调查。",
                "No plots yet. Without plots a round mostly earns nothing.",
            )
        )


def store_plots(me: Actor, card: Card, table: PlotTable, *, correcting: bool) -> None:
    """Store a table in one transaction and say how much it was."""
    with explained():
        with db.transaction(me) as session:
            stored = plot_intake.store(session, me, card.id, table, correcting=correcting)
        zh, en = plot_kinds.counted(stored.kind, stored.count)
        say_done(
            t(
                f"已登记 {stored.plots} 个新样地、{stored.visits} 次调查、{zh}。",
                f"{stored.plots} new plots, {stored.visits} visits, {en} stored.",
            )
        )


def import_plots(me: Actor, card: Card) -> None:
    """Plots and what was found on them from a table; nothing is stored while a row is wrong."""
    kinds = wanted_kinds(me, card)
    zh, en = (
        mark.join(COLUMNS[kind][place] for kind in kinds)
        for place, mark in enumerate(("；或", "; or "))
    )
    st.caption(
        t(
            "CSV 或 XLSX，每行写 plot 样地、stratum 层、lon 经度、lat 纬度、area_m2 面积、slope_deg 坡度、"
            f"date 日期，再写{zh}。",
            f"CSV or XLSX: plot, stratum, lon, lat, area_m2, slope_deg, date; then {en}.",
        )
    )
    file = st.file_uploader(
        t("样地表", "Table of plots"), type=["csv", "xlsx"], key=f"plots.file.{card.id}"
    )
    correcting = st.checkbox(
        t("作为更正（同一天已有调查时，以本表为准）", "As a correction of visits of the same date"),
        key="plots.correcting",
    )
    if file is None:
        return
    table = None
    with explained():
        read = plot_table.parse(file.name, file.getvalue())
        plot_kinds.refuse(card.method_id, read.kind)
        table = read
    if table is None:
        return
    if table.errors:
        st.error(
            t(
                f"{len(table.errors)} 行需修正，整表未导入。改好后重新选择文件。",
                f"{len(table.errors)} rows to mend; nothing was stored.",
            )
        )
        _kit.table(
            [
                {"row": error.number, "what": error.message}
                for error in table.errors[: plot_table.ERRORS_SHOWN_MAX]
            ],
            [Column("row", t("行", "Row"), number=True), Column("what", t("问题", "Problem"))],
        )
        return
    zh, en = plot_kinds.counted(table.kind, table.count)
    st.success(
        t(
            f"读到 {table.plots} 个样地、{table.visits} 次调查、{zh}，没有发现问题。",
            f"{table.plots} plots, {table.visits} visits, {en} read.",
        )
    )
    if st.button(t("全部登记", "Store all"), key="plots.commit", type="primary"):
        store_plots(me, card, table, correcting=correcting)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plot stands, as typed; numbers are None while they are not."""

    code: str
    stratum: str
    longitude: float | None
    latitude: float | None
    area_m2: float | None
    slope_deg: float | None


def plot_form(me: Actor, card: Card, drawn: Mapping[str, PointLine]) -> None:
    """One visit of one plot, typed."""
    known = {plot.code: plot for plot in card.plots}
    kind = choose_kind(me, card)
    with st.form("plot"):
        chosen = st.selectbox(
            t("样地", "Plot"), [*drawn, "", *known], key="plot.known",
            format_func=lambda code: (
                t(f"{code}（抽取，待调查）", f"{code} (drawn, to visit)") if code in drawn
                else code or t("＋ 新样地（不是系统抽取的）", "+ a new plot (not drawn)")
            ),
            help=t("抽取的样地：编号和层已定，填实测的经纬度、面积和坡度。再次调查已有样地时，只需选样地、"
                   "日期，并填写测到的数。",
                   "A drawn plot: type where it was measured. For another visit of a plot: choose "
                   "it, the date, and what was found."),
        )  # fmt: skip
        place = ask_place(card)
        measured_on, phase, age = ask_visit(kind)
        entry = _plot_entry.ask(kind, "plot.{}")
        sent = st.form_submit_button(t("登记", "Store"), type="primary")
    if not sent:
        return
    if point := drawn.get(chosen):
        place = replace(place, code=point.code, stratum=point.stratum)
    elif plot := known.get(chosen):
        place = Place(
            plot.code, plot.stratum, plot.longitude, plot.latitude, plot.area_m2, plot.slope_deg
        )
    if measured_on is None:
        st.error(t("请填写调查日期。", "The date is needed."))
    elif phase is None or (kind == CULMS and age is None and not entry.bare):
        st.error(t("请选择大小年和竹龄单位。", "The phase and the unit of the ages are needed."))
    else:
        with explained():
            rows = typed_rows(place, measured_on, phase, entry.lines(age) or [None])
            store_plots(me, card, PlotTable(kind, rows, []), correcting=False)


def wanted_kinds(me: Actor, card: Card) -> list[str]:
    """How the project's plots are measured."""
    with db.transaction(me) as session:
        return plot_intake.kinds(session, card.id)


def choose_kind(me: Actor, card: Card) -> str:
    """How the plot is measured; asked where the strata differ in it."""
    kinds = wanted_kinds(me, card)
    if len(kinds) == 1:
        return kinds[0]
    return st.radio(
        t("测什么（同一层只用一种）", "What is measured (one way in a stratum)"), kinds,
        format_func=_plot_entry.name, horizontal=True, key="plot.kind",
    )  # fmt: skip


def ask_place(card: Card) -> Place:
    """Fields for where a new plot stands."""
    code, stratum = st.columns(2)
    code_typed = code.text_input(
        t("新样地编号（抽取的不填）", "Code of a new plot"), key="plot.code"
    )
    stratum_chosen = stratum.selectbox(
        t("层（抽取的不用选）", "Stratum"), sorted(set(card.strata.values())), key="plot.stratum"
    )
    lon, lat, area, slope = st.columns(4)
    return Place(
        code_typed.strip(),
        stratum_chosen,
        lon.number_input(t("实测经度", "Longitude"), value=None, format="%.7f", key="plot.lon"),
        lat.number_input(t("实测纬度", "Latitude"), value=None, format="%.7f", key="plot.lat"),
        area.number_input(
            t("面积（m²）", "Area (m²)"), value=None, key="plot.area",
            help=t("沿坡面量的面积；坡度大于 10% 时由系统换算成水平面积。",
                   "Along the slope; above 10 % it is turned into the horizontal area."),
        ),
        slope.number_input(t("坡度（度）", "Slope (°)"), value=None, key="plot.slope"),
    )  # fmt: skip


def ask_visit(kind: str) -> tuple[date | None, str | None, str | None]:
    """Fields for the date, and of bamboo for the phase and the unit of the ages; nothing is taken
    for granted."""
    if kind != CULMS:
        return ask_day(st.container()), plots.NO_PHASE, None
    day, phase, age = st.columns(3)
    choose = t("请选择", "Choose")
    return (
        ask_day(day),
        phase.selectbox(
            t("大小年", "Phase"), list(_layer_card.PHASES), index=None, key="plot.phase",
            format_func=lambda one: t(*_layer_card.PHASES[one]), placeholder=choose,
        ),
        age.selectbox(
            t("竹龄单位", "Age in"), list(AGES), index=None, key="plot.age",
            format_func=lambda one: t(*AGES[one]), placeholder=choose,
        ),
    )  # fmt: skip


def ask_day(where: DeltaGenerator) -> date | None:
    """The field for the date of a visit."""
    typed: date | None = where.date_input(
        t("调查日期", "Date"), value=None, key="plot.date", format="YYYY-MM-DD"
    )
    return typed


def typed_rows(
    place: Place, measured_on: date, phase: str, found: Sequence[Found | None]
) -> list[Row]:
    """The visit as lines of a table, so that one check serves both ways of entering.

    Raises
    ------
    Invalid
        The place is not complete.
    """
    longitude, latitude, area_m2 = place.longitude, place.latitude, place.area_m2
    slope_deg = place.slope_deg
    if (
        longitude is None
        or latitude is None
        or area_m2 is None
        or slope_deg is None
        or not place.code
    ):
        raise Invalid("编号、经纬度、面积和坡度都要填写；平地的坡度填 0。", code="plot")
    return [
        Row(
            1, place.code, place.stratum, longitude, latitude, area_m2, slope_deg,
            measured_on, phase, group,
        )
        for group in found
    ]  # fmt: skip

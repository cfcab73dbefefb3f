"""The sample of a project on the screen: drawn, on the map, taken along as GPX, told in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages import _kit, _land, _maps, _words
from pages._kit import Column
from pages._project_card import Card
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.core import db, policies
from sinks.core.actor import Actor, Role
from sinks.crediting import plot_findings, sample_designs, sample_views
from sinks.crediting.plot_findings import PlotFinding
from sinks.crediting.sample_designs import Kind, Numbers
from sinks.crediting.sample_views import DesignLine, PointLine

KINDS: Mapping[str, tuple[str, str]] = {
    Kind.RANDOM: ("分层简单随机", "Stratified random"),
    Kind.SYSTEMATIC: ("分层系统（方格网）", "Stratified systematic (grid)"),
}
PLOT_AREA_M2 = 400.0


def load(me: Actor, project_id: int) -> tuple[list[DesignLine], list[PlotFinding], float]:
    """The designs, what the registry finds about the plots, and the distance allowed [m]."""
    with db.transaction(me) as session:
        most_m, _ = policies.value_or_suggestion(session, "plot_position_max_m")
        return (
            sample_views.listing(session, project_id),
            plot_findings.of_project(session, project_id),
            float(most_m),
        )


def show(me: Actor, card: Card) -> None:
    """Every design, newest first, and the way to draw one."""
    designs, found, most_m = load(me, card.id)
    if not designs:
        _kit.empty(
            t(
                "还没有抽样。外业之前由登记簿抽取样地位置：设计、日期和种子就此存档，任何人都能复算，谁也不能挑选。",
                "No sample yet. The registry draws the places before anybody goes out: design, date "
                "and seed are kept, anybody can compute them again, nobody can choose.",
            )
        )
    show_findings(found)
    for design in reversed(designs):
        show_design(card, design, most_m)
    if card.mine or Role.OFFICER in me.roles:
        # Where a sample stands, a further one is the exception.
        title = t("再抽一次", "A further draw") if designs else t("抽取样地", "Draw plots")
        with st.expander(title, expanded=not designs):
            draw_form(me, card)


def show_findings(found: Sequence[PlotFinding]) -> None:
    """What the registry itself finds, for owner and verifier alike."""
    for one in found:
        st.warning(plain(one.message), icon=":material/search:")


def show_design(card: Card, design: DesignLine, most_m: float) -> None:
    """One design: its map, its numbers, its places, its text."""
    visited = sum(point.visited_on is not None for point in design.points)
    chips = [_kit.chip(t(*KINDS[design.kind]), _words.BLUE)]
    if design.superseded:
        chips.append(_kit.chip(t("地块已变，由下一次抽样接替", "land has changed"), _words.GREY))
    _kit.heading(
        t(
            f"第 {design.number} 次抽样 {design.drawn_on}",
            f"Draw {design.number} {design.drawn_on}",
        ),
        *chips,
    )
    left, right = st.columns([3, 2])
    with left:
        _maps.show_map(
            f"sample-{design.id}",
            [
                *(_land.feature(row) for row in card.parcels),
                *(_point_feature(point, design.plot_area_m2, most_m) for point in design.points),
            ],
            height=420,
            legend=[
                *_land.legend(card.parcels),
                (t("待调查", "To visit"), _words.VIOLET, False),
                (t("已调查", "Visited"), _words.BLUE, False),
                (t("偏离位置", "Off its place"), _words.RED, False),
            ],
            around=_land.county_outlines(), basemaps=_land.basemaps(),
            review_number=_land.review_number(),
        )  # fmt: skip
    with right:
        _kit.facts(
            [
                (t("样地", "Plots"), t(f"{len(design.points)} 个，已调查 {visited} 个",
                                       f"{len(design.points)}, {visited} visited")),
                (t("样地面积", "Plot area"), f"{design.plot_area_m2:g} m²"),
                (t("抽样人", "Drawn by"), design.drawn_by),
                *((t("层", "Stratum") + f" {one.stratum}", _stratum_words(one))
                  for one in design.strata),
                (t("种子", "Seed"), f"{design.seed[:16]}…"),
            ]
        )  # fmt: skip
        st.download_button(
            t("下载 GPX（手持机航点）", "Download GPX way points"),
            sample_views.gpx(design, project_code=card.code),
            f"{card.code}-{design.number}.gpx", "application/gpx+xml",
            key=f"sample.gpx.{design.id}", width="stretch",
        )  # fmt: skip
    with st.expander(t("设计说明（供核证）与位置表", "The design in words, and its places")):
        for paragraph in sample_views.statement(design, project_code=card.code):
            st.markdown(plain(paragraph))
        st.download_button(
            t("下载设计文本（种子由它和随机数得出）", "The text the seed comes from"),
            design.design_json, f"{card.code}-{design.number}.json", "application/json",
            key=f"sample.text.{design.id}",
        )  # fmt: skip
        _points_table(design)


def _stratum_words(one: sample_views.StratumLine) -> str:
    grid = (
        ""
        if one.spacing_m is None
        else t(f"，格网 {one.spacing_m:g} m", f", grid {one.spacing_m:g} m")
    )
    return t(
        f"{one.drawn} 个 / {one.land_m2 / 10_000:.2f} 公顷{grid}",
        f"{one.drawn} on {one.land_m2 / 10_000:.2f} ha{grid}",
    )


def _points_table(design: DesignLine) -> None:
    _kit.table(
        [
            {
                "code": point.code, "stratum": point.stratum,
                "lon": f"{point.longitude:.7f}", "lat": f"{point.latitude:.7f}",
                "visited": point.visited_on,
                "distance": None if point.distance_m is None else f"{point.distance_m:.1f}",
            }
            for point in design.points
        ],
        [
            Column("code", t("样地", "Plot")),
            Column("stratum", t("层", "Stratum")),
            Column("lon", t("经度", "Longitude"), "°", number=True),
            Column("lat", t("纬度", "Latitude"), "°", number=True),
            Column("visited", t("首次调查", "First visit")),
            Column("distance", t("离抽取位置", "Off its place"), "m", number=True),
        ],
    )  # fmt: skip


def _point_feature(point: PointLine, plot_area_m2: float, most_m: float) -> dict[str, Any]:
    colour = _words.VIOLET
    if point.visited_on is not None:
        colour = _words.RED if (point.distance_m or 0.0) > most_m else _words.BLUE
    return {
        "type": "Feature",
        "geometry": sample_views.square(point, plot_area_m2),
        "properties": {
            "id": f"point-{point.code}",
            "label": t(f"样地 {point.code} · 层 {point.stratum}", f"Plot {point.code}"),
            "state_colour": colour,
        },
    }


def draw_form(me: Actor, card: Card) -> None:
    """Kind, plot area, numbers; asked once, for it is drawn for good."""
    strata = sorted(set(card.strata.values()))
    left, right = st.columns(2)
    kind = left.selectbox(
        t("方式", "Way"), list(KINDS), format_func=lambda one: t(*KINDS[one]), key="sample.kind"
    )
    area_m2 = right.number_input(
        t("样地面积（m²）", "Plot area (m²)"), min_value=25.0, max_value=10_000.0,
        value=PLOT_AREA_M2, key="sample.area",
    )  # fmt: skip
    how = st.segmented_control(
        t("样地数", "Numbers"), ["stated", "needed"], default="stated", key="sample.how",
        format_func=lambda one: {
            "stated": t("直接给定", "As stated"), "needed": t("按精度计算", "For a precision")
        }[one],
    )  # fmt: skip
    numbers = _stated(strata) if how != "needed" else _needed(me, card, strata, area_m2)
    if numbers is None:
        return
    said = "、".join(f"{stratum} {count} 个" for stratum, count in sorted(numbers.plots.items()))
    sentence = t(
        f"将为项目“{card.name}”抽取样地：{said}（{t(*KINDS[kind])}，{area_m2:g} 平方米）。"
        "位置由登记簿当场随机抽取并存档，抽取后不能挑选、不能重抽。",
        f"Plots of “{card.name}” are drawn now and kept: they can neither be chosen nor drawn again.",
    )
    if _kit.confirm("sample.draw", sentence, t("抽取样地", "Draw")):
        with explained():
            with db.transaction(me) as session:
                row = sample_designs.draw(
                    session, me, card.id, kind=Kind(kind), plot_area_m2=area_m2, numbers=numbers
                )
                count = len(sample_designs.points(session, row.id))
            say_done(t(f"已抽取 {count} 个样地。", f"{count} plots are drawn."))


def _stated(strata: Sequence[str]) -> Numbers:
    columns = st.columns(max(2, min(4, len(strata))))
    return sample_designs.stated(
        {
            stratum: int(
                columns[place % len(columns)].number_input(
                    t(f"层 {stratum} 的样地数", f"Plots in {stratum}"), min_value=1, value=10,
                    step=1, key=f"sample.count.{stratum}",
                )
            )
            for place, stratum in enumerate(strata)
        }
    )  # fmt: skip


def _needed(me: Actor, card: Card, strata: Sequence[str], area_m2: float) -> Numbers | None:
    """Numbers from mean and spread of each stratum; None while they are not typed."""
    st.caption(
        t(
            "各层地上生物量的均值与标准差取自以往样地或图层；按 90% 置信计算总数，内曼分配到各层。",
            "Mean and spread of each stratum from earlier plots or a map; Neyman allocation.",
        )
    )
    precision = st.number_input(
        t("相对精度（%）", "Precision (%)"), min_value=1.0, max_value=100.0, value=10.0,
        key="sample.precision",
    )  # fmt: skip
    mean: dict[str, float | None] = {}
    sd: dict[str, float | None] = {}
    for stratum in strata:
        left, right = st.columns(2)
        mean[stratum] = left.number_input(
            t(f"层 {stratum} 均值（t/ha）", f"Mean of {stratum} (t/ha)"), min_value=0.1,
            value=None, key=f"sample.mean.{stratum}",
        )  # fmt: skip
        sd[stratum] = right.number_input(
            t(f"层 {stratum} 标准差（t/ha）", f"Spread of {stratum} (t/ha)"), min_value=0.0,
            value=None, key=f"sample.sd.{stratum}",
        )  # fmt: skip
    given = {name: value for name, value in mean.items() if value is not None}
    spread = {name: value for name, value in sd.items() if value is not None}
    if len(given) < len(strata) or len(spread) < len(strata):
        return None
    numbers = None
    with explained(), db.transaction(me) as session:
        numbers = sample_designs.needed(
            session, card.id, mean_t_ha=given, sd_t_ha=spread, plot_area_m2=area_m2,
            precision=precision / 100,
        )  # fmt: skip
    if numbers is not None:
        said = "、".join(f"{name} {count}" for name, count in sorted(numbers.plots.items()))
        st.info(t(f"需要样地：{said}。", f"Plots needed: {said}."))
    return numbers


def unvisited(designs: Sequence[DesignLine]) -> dict[str, PointLine]:
    """Drawn places that nobody has measured yet, by code."""
    return {
        point.code: point
        for design in designs
        if not design.superseded
        for point in design.points
        if point.visited_on is None
    }

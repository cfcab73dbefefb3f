"""Why this number: from the batch down to the cells of one parcel, each line opening the next.

Shown by the pages of projects, verification and filing alike, so that whoever proposes, verifies,
records and issues looks at the same claim.
"""

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import streamlit as st

from methodologies import catalogue, factors
from pages import _kit, _land, _maps, _what_if, _words
from pages._kit import Column
from pages._layer_card import PHASES, variogram_words
from pages._session import explained, plain
from pages._words import t
from sinks.core import db, people, policies
from sinks.core.actor import Actor
from sinks.crediting import issuance, projects, rounds, run_bars
from sinks.land import parcel_list
from sinks.measurement import cells, layers, runs
from sinks.measurement.variograms import Given

MODES: Mapping[str, tuple[str, str]] = {
    "model_assisted": ("图上差 + 样地校正", "map change corrected by plots"),
    "plots": ("只用样地", "plots alone"),
    "raster": ("只用两期图", "maps alone"),
}
# The values of policies that are words and not numbers.
VALUES: Mapping[str, tuple[str, str]] = {
    "ar_tool14": ("AR-TOOL14 分级扣减", "AR-TOOL14"),
    "ar_cm": ("AR-CM 分级扣减", "AR-CM"),
    "gs403": ("GS 403 扣减", "GS 403"),
    "proportional": ("随地上部分按比例", "proportional"),
    "none": ("增加不计、减少照计", "gains not counted"),
    "area": ("按面积", "by area"),
    "map_change": ("按图上变化", "by map change"),
    "ar5": ("IPCC AR5", "IPCC AR5"),
    "ar6": ("IPCC AR6", "IPCC AR6"),
    "steady_state": ("稳定状态", "steady state"),
    "trend": ("趋势", "trend"),
    "control_plots": ("对照样地", "control plots"),
    "poe": ("按超越概率扣减", "probability of exceedance"),
    "poe_flat": ("按超越概率、不少于 15 %", "exceedance, at least 15 %"),
    "flat": ("固定扣减 15 %", "flat 15 %"),
    "on": ("计入", "on"),
    "off": ("不计入", "off"),
    "yes": ("签发", "yes"),
    "no": ("不签发", "no"),
    "control": ("对照样点", "control points"),
    "zero": ("取零", "nought"),
    "comonotonic": ("同田同向", "together"),
    "independent": ("相互独立", "independent"),
    "never": ("不计", "never"),
    "once_5_years": ("五年内计一次", "once over 5 years"),
}
# What a verifier has to have seen, and pins a finding to.
FIELDS: Mapping[str, tuple[str, str]] = {
    "parcels": ("地块与边界", "Parcels and outlines"),
    "layers": ("图层", "Layers"),
    "plots": ("样地与竹株", "Plots and culms"),
    "quantity": ("碳汇量与算式", "Quantity and equation"),
    "deduction": ("不确定性与扣减", "Uncertainty and deduction"),
    "factors": ("因子", "Factors"),
    "policies": ("政策", "Policies"),
    "notices": ("提醒与拒绝", "Warnings and refusals"),
}


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer as the claim names it."""

    id: int
    name: str
    epoch: date
    phase: str
    resolution: str
    sha256: str
    has_stderr: bool


@dataclass(frozen=True, slots=True)
class ParcelFacts:
    """A parcel of the round and what the run gives it."""

    id: int
    code: str
    name: str
    stratum: str
    area_ha: float
    map_start: float
    map_end: float
    valid_share: float
    co2_t: float
    issuable_kg: int


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A policy value the run calculated with, and what is in force today."""

    title: str
    used: Any
    now: Any
    since: date | None
    legal_basis: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """A round and one of its runs, as plain values."""

    round_id: int
    status: str
    project_id: int
    project_code: str
    project_name: str
    method_id: str
    demonstration: bool
    period_start: date
    period_end: date
    start: LayerFacts
    end: LayerFacts
    batches: list[tuple[str, int, int]]  # name, units, unit_kg
    run_id: int
    submitted: bool
    run_at: datetime
    run_by: str
    code_version: str
    factor_hash: str
    layer_sha256: list[str]
    policies_in_force: bool
    map_error: dict[str, Any] | None
    input_json: str
    result_json: str
    input: dict[str, Any]
    result: dict[str, Any]
    parcels: list[ParcelFacts]
    policies: list[PolicyFacts]


def field_word(field: str) -> str:
    """The word of a part of the claim; one that is no longer in the list as it was written."""
    return t(*FIELDS[field]) if field in FIELDS else field


def load(me: Actor, round_id: int, run_id: int | None = None) -> Story | None:
    """The round with its submitted (newest) run, or the one named; None when it has none yet."""
    with db.transaction(me) as session:
        row = rounds.get(session, round_id)
        chosen = run_id or row.run_id
        known = {run.id: run for run in runs.of_round(session, round_id)}
        if chosen is None or chosen not in known:
            return None
        run = known[chosen]
        project = next(item for item, _ in projects.listing(session) if item.id == row.project_id)
        return Story(
            round_id=row.id,
            status=row.status,
            project_id=project.id,
            project_code=project.code,
            project_name=project.name,
            method_id=project.method_id,
            demonstration=project.demonstration,
            period_start=row.period_start,
            period_end=row.period_end,
            start=_layer(layers.get(session, row.layer_start_id)),
            end=_layer(layers.get(session, row.layer_end_id)),
            batches=[
                (f"{project.code}-{batch.vintage}-{batch.sequence:02d}", batch.units, batch.unit_kg)
                for batch in issuance.batches_of_round(session, row.id)
            ],
            run_id=run.id,
            submitted=run.id == row.run_id,
            run_at=run.recorded_at,
            run_by=people.name_of(session, run.person_id),
            code_version=run.code_version,
            factor_hash=run.factor_hash,
            layer_sha256=list(run.layer_sha256),
            policies_in_force=run.policies_in_force,
            map_error=run.map_error,
            input_json=run.input_json,
            result_json=run.result_json,
            input=run.input,
            result=run.result,
            parcels=_parcels(session, run.id),
            policies=_policies(session, run.input["policy"]),
        )


def _layer(layer: layers.Layer) -> LayerFacts:
    return LayerFacts(
        layer.id, layer.name, layer.epoch, layer.phase, layer.resolution, layer.sha256,
        layer.stderr_layer_id is not None,
    )  # fmt: skip


def _parcels(session: Any, run_id: int) -> list[ParcelFacts]:
    given = runs.parcels_of(session, run_id)
    named = {row.id: row for row in parcel_list.rows(session, ids=[row.parcel_id for row in given])}
    return [
        ParcelFacts(
            row.parcel_id, named[row.parcel_id].code, named[row.parcel_id].name, row.stratum,
            row.area_ha, row.map_agb_t_ha_start, row.map_agb_t_ha_end, row.valid_share, row.co2_t,
            row.issuable_kg,
        )
        for row in given
    ]  # fmt: skip


def _policies(session: Any, used: Mapping[str, Any]) -> list[PolicyFacts]:
    found = []
    for name, key in rounds.METHOD_POLICIES.items():
        now = policies.find(session, key)
        kind = policies.KINDS[key]
        found.append(
            PolicyFacts(
                t(kind.title_zh, kind.title_en),
                used[name],
                now.value if now else None,
                now.valid_from if now else None,
                now.legal_basis if now else None,
            )
        )
    return found


def show(me: Actor, round_id: int, run_id: int | None = None) -> None:
    """Show the whole claim: result, chain, equation, and one part at a time below."""
    story = load(me, round_id, run_id)
    if story is None:
        _kit.empty(t("这个监测期还没有核算。", "This round has not been measured yet."))
        return
    show_result(story)
    show_reasons(me, story)


def show_reasons(me: Actor, story: Story) -> None:
    """Everything behind the three numbers."""
    _chain(story)
    _said(f"{t('算式', 'Equation')}  {equation(story.result)}")
    show_notices(story)
    show_steps(story)
    parts = {
        t("层与样地", "Strata and plots"): show_plots,
        t("地块与像元", "Parcels and cells"): lambda story: _show_cells(me, story),
        t("误差来自哪里", "Where the error comes from"): show_errors,
        t("什么最要紧", "What matters most"): lambda story: _what_if.show_swings(
            story.method_id, story.input, story.result
        ),
        t("换一种政策", "Under other policies"): lambda story: _what_if.show_policies(
            me, story.method_id, story.round_id, story.run_id
        ),
        t("因子", "Factors"): show_factors,
        t("政策", "Policies"): show_policies,
        t("复算", "Measure again"): lambda story: _show_again(me, story),
    }
    key = f"why.{story.round_id}.{story.run_id}"
    chosen = st.segmented_control(
        t("细看", "Look closer"), list(parts), default=next(iter(parts)), key=f"{key}.part",
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen:
        parts[chosen](story)


def show_steps(story: Story) -> None:
    """From the change per hectare to whole kilograms."""
    _kit.table(
        steps(story.result),
        [
            Column("name", t("步骤", "Step")),
            Column("value", t("结果", "Result"), number=True),
            Column("unit", t("单位", "Unit")),
            Column("formula", t("怎么算", "How")),
        ],
    )


def show_layers(story: Story) -> None:
    """The two layers that the round froze."""
    _kit.facts(
        [
            (t("期初图层", "Layer at start"), _layer_words(story.start)),
            (t("期末图层", "Layer at end"), _layer_words(story.end)),
        ]
    )


def show_result(story: Story) -> None:
    """The three numbers: gross, net, and what may be issued."""
    result = story.result
    gross, net, issuable = st.columns(3)
    spread = result["stderr_co2_t"]
    with gross:
        _kit.metric_big(
            _n(result["gross_co2_t"], 2), "tCO₂e",
            t("标准误未知", "standard error unknown") if spread is None
            else t(f"± {_n(spread, 2)}（一个标准误）", f"± {_n(spread, 2)} (one standard error)"),
            title=t("估计的碳汇量", "Estimated removal"),
        )  # fmt: skip
    with net:
        _kit.metric_big(
            _n(result["net_co2_t"], 2), "tCO₂e",
            t(f"已扣 {_words.share(result['deduction_share'])}，缓冲前",
              f"after {_words.share(result['deduction_share'])} off, before buffer"),
            title=t("净碳汇量", "Net removal"),
        )  # fmt: skip
    with issuable:
        _kit.metric_big(
            f"{result['issuable_kg']:,}", "kg CO₂e",
            t(f"缓冲池另存 {_n(result['buffer_co2_t'], 2)} t",
              f"{_n(result['buffer_co2_t'], 2)} t go to the buffer"),
            title=t("可签发", "Issuable"),
        )  # fmt: skip


def show_notices(story: Story) -> None:
    """Refusals and warnings in words, and why nothing is left when nothing is."""
    for notice in story.result["refusals"]:
        st.error(plain(notice["message"]), icon=":material/block:")
    if story.result["issuable_kg"] == 0 and (said := why_nothing(story.result)):
        st.info(plain(said), icon=":material/help:")
    if not story.policies_in_force:
        st.warning(
            t(
                "这次核算用了尚未生效的建议值，只供查看，不能据此公示或签发。",
                "This run used suggested values not in force: to look at, not to publish or issue.",
            )
        )
    if warnings := story.result["warnings"]:
        with st.expander(t(f"提醒 {len(warnings)} 条", f"{len(warnings)} warnings")):
            for notice in warnings:
                st.warning(plain(notice["message"]))


def equation(result: Mapping[str, Any]) -> str:
    """The removal on one line with its own numbers, as architecture and paper write it."""
    middle = result["intermediate"]
    whole = f"{_n(result['gross_co2_t'], 1)} t = ( {_change_words(middle)} )"
    whole += (
        f" × (1 + {_g(middle['r'])}) × {_g(middle['cf'])} × 44/12 × {_n(middle['area_ha'], 2)} ha"
    )
    taken = middle["deduction_of_half_width"]
    if middle["u90"] is not None and taken is not None:
        whole += t(
            f"；不确定性扣减 = 半宽的 {_words.share(taken)} × U {_words.share(middle['u90'])}",
            f"; deduction = {_words.share(taken)} of the half-width × U {_words.share(middle['u90'])}",
        )
    return whole


def _change_words(middle: Mapping[str, Any]) -> str:
    strata = middle["strata"]
    if all(row["mode"] == "model_assisted" for row in strata):
        mapped = math.fsum(row["weight"] * row["map_delta_t_ha"] for row in strata)
        error = math.fsum(row["weight"] * row["mean_e_t_ha"] for row in strata)
        sign = "−" if error < 0 else "+"
        return (
            f"{_n(mapped, 4)} {t('图上差', 'map change')} {sign} "
            f"{_n(abs(error), 4)} {t('样地校正', 'plot correction')}"
        )
    if len({row["mode"] for row in strata}) == 1:
        return f"{_n(middle['delta_agb_t_ha'], 4)} {t(*MODES[strata[0]['mode']])}"
    return f"{_n(middle['delta_agb_t_ha'], 4)} {t('各层加权', 'strata, weighted')}"


def steps(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """From the change per hectare to whole kilograms, one row a step."""
    m = result["intermediate"]
    delta, hw = m["delta_agb_t_ha"], m["half_width_t_ha"]
    rows = [
        (t("每公顷变化 ΔAGB", "Change ΔAGB"), _change_words(m), _n(delta, 4), "t/ha"),
        (
            t("估计的碳汇量", "Estimated removal"),
            f"{_n(delta, 4)} × (1 + {_g(m['r'])}) × {_g(m['cf'])} × 44/12 × {_n(m['area_ha'], 4)}",
            _n(result["gross_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("90% 置信半宽", "Half-width at 90 %"),
            t("误差无从估计", "error unknown")
            if hw is None
            else f"t = {_n(m['t90'], 3)} × {t('标准误', 'standard error')} {_n(m['se_t_ha'], 4)}",
            _n(hw, 4),
            "t/ha",
        ),
        (
            t("扣减不确定性后", "After the deduction"),
            _deduction_words(m),
            _n(m["conservative_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("减基线", "Less baseline"),
            _if_any(m["baseline_co2_t"], t("基线取零", "baseline of nought")),
            _n(-m["baseline_conservative_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("减排放", "Less emissions"),
            value_words(m["gwp_set"])
            if m["emissions_co2e_t"]
            else t("没有申报排放", "none declared"),
            _n(-m["emissions_co2e_t"], 3),
            "tCO₂e",
        ),
        (
            t("减泄漏", "Less leakage"),
            _if_any(m["leakage_co2e_t"], t("方法取零", "nought in this method")),
            _n(-m["leakage_co2e_t"], 3),
            "tCO₂e",
        ),
        (
            t("减上期结转", "Less debit carried"),
            _if_any(m["carried_debit_kg"], t("没有结转", "none carried")),
            _n(-m["carried_debit_kg"] / 1000, 3),
            "tCO₂e",
        ),
        (t("净碳汇量", "Net removal"), "", _n(result["net_co2_t"], 3), "tCO₂e"),
        (
            t("存入缓冲池", "To the buffer"),
            f"× {_words.share(m['buffer_share'])}",
            _n(result["buffer_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("可签发", "Issuable"),
            t("向下取整到千克，只在这里取整一次", "rounded down to kilograms, once"),
            f"{result['issuable_kg']:,}",
            "kg CO₂e",
        ),
    ]
    return [
        {"name": name, "formula": formula, "value": value, "unit": unit}
        for name, formula, value, unit in rows
    ]


def _if_any(value: float, nought: str) -> str:
    return f"{value:,.3f}" if value else nought


def _deduction_words(middle: Mapping[str, Any]) -> str:
    taken, hw = middle["deduction_of_half_width"], middle["half_width_t_ha"]
    if taken is None or hw is None:
        return value_words(middle["deduction_policy"])
    delta, kept = middle["delta_agb_t_ha"], middle["conservative_delta_agb_t_ha"]
    words = (
        f"{value_words(middle['deduction_policy'])}：{_n(delta, 4)} − {_words.share(taken)} × "
        f"{_n(hw, 4)} = {_n(delta - taken * hw, 4)} t/ha"
    )
    if delta > 0 and delta - taken * hw < kept:
        words += t(f"，取 {_n(kept, 4)}", f", taken as {_n(kept, 4)}")
    return words


def why_nothing(result: Mapping[str, Any]) -> str:
    """Why a measured change leaves nothing to issue; empty where the refusals say it."""
    m = result["intermediate"]
    delta, hw = m["delta_agb_t_ha"], m["half_width_t_ha"]
    if delta <= 0:
        return t(
            f"两期之间每公顷地上生物量变化为 {_n(delta, 2)} 吨，没有增加，所以没有可签发的量。",
            f"Biomass changed by {_n(delta, 2)} t/ha between the dates: nothing was gained.",
        )
    said = ""
    if hw is not None and m["conservative_delta_agb_t_ha"] <= 0:
        said = t(
            f"每公顷增加 {_n(delta, 2)} 吨，而它的 90% 置信半宽是 {_n(hw, 2)} 吨：增加的量与误差分不开，"
            "扣减后取零。",
            f"The gain is {_n(delta, 2)} t/ha and its 90 % half-width {_n(hw, 2)} t/ha: the gain "
            "cannot be told from the error, and nothing is left after the deduction.",
        )
    if all(row["mode"] == "raster" for row in m["strata"]):
        said += t(
            "这里只有两期图、没有样地。同一张图上的误差往往一起偏高或偏低，地块再大也不会互相抵消，"
            "所以单凭两期图，一块地几乎总是得不到碳汇量。按层布设样地后，误差由样地的离散程度决定，"
            "样地越多越小。",
            " Only two maps and no plots: errors of one map lean the same way and do not cancel "
            "under a parcel, however large, so maps alone almost never earn anything on one parcel. "
            "With plots in each stratum the error is that of the plots, and shrinks with their number.",
        )
    return said


def show_plots(story: Story) -> None:
    """Strata with their samples, and each plot: on the ground and on the map."""
    _kit.table(
        [
            {
                "id": row["id"],
                "mode": t(*MODES[row["mode"]]),
                "n": row["n"],
                "area": _n(row["area_ha"], 2),
                "map": _n(row["map_delta_t_ha"], 3),
                "e": _n(row["mean_e_t_ha"], 3),
                "delta": _n(row["delta_agb_t_ha"], 3),
                "se": _n(row["se_t_ha"], 3),
            }
            for row in story.result["intermediate"]["strata"]
        ],
        [
            Column("id", t("层", "Stratum")),
            Column("mode", t("算法", "Estimator")),
            Column("n", t("样地", "Plots"), number=True),
            Column("area", t("面积", "Area"), "ha", number=True),
            Column("map", t("图上差", "Map change"), "t/ha", number=True),
            Column("e", t("样地校正", "Correction"), "t/ha", number=True),
            Column("delta", t("变化", "Change"), "t/ha", number=True),
            Column("se", t("标准误", "Std. error"), "t/ha", number=True),
        ],
    )
    mapped = {
        (stratum["id"], plot["id"]): plot
        for stratum in story.input["strata"]
        for plot in stratum["plots"]
    }
    found = [
        _plot_row(plot, mapped[(plot["stratum"], plot["id"])])
        for plot in story.result["intermediate"]["plot_agb_t_ha"]
    ]
    if not found:
        _kit.empty(
            t(
                "这个监测期没有样地。在“样地”中登记两期都调查过的样地，再重新开启监测期。",
                "No plots in this round. Add plots visited at both dates before opening a round.",
            )
        )
        return
    _kit.table(
        found,
        [
            Column("id", t("样地", "Plot")),
            Column("stratum", t("层", "Stratum")),
            Column("culms", t("竹株", "Culms")),
            Column("start", t("实测期初", "Measured, start"), "t/ha", number=True),
            Column("end", t("实测期末", "Measured, end"), "t/ha", number=True),
            Column("change", t("实测变化", "Measured change"), "t/ha", number=True),
            Column("map", t("图上变化", "Map change"), "t/ha", number=True),
            Column("error", t("差", "Error"), "t/ha", number=True),
        ],
    )


def _plot_row(plot: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    change = plot["agb_t_ha_end"] - plot["agb_t_ha_start"]
    start, end = given.get("map_agb_t_ha_start"), given.get("map_agb_t_ha_end")
    mapped = None if start is None or end is None else end - start
    counts = [
        sum(culm["count"] for culm in given.get(key) or []) for key in ("culms_start", "culms_end")
    ]
    return {
        "id": plot["id"],
        "stratum": plot["stratum"],
        "culms": f"{counts[0]:,} → {counts[1]:,}",
        "start": _n(plot["agb_t_ha_start"], 2),
        "end": _n(plot["agb_t_ha_end"], 2),
        "change": _n(change, 2),
        "map": _n(mapped, 2),
        "error": None if mapped is None else _n(change - mapped, 2),
    }


def show_parcels(story: Story) -> None:
    """What the run gives each parcel."""
    _kit.table(
        [
            {
                "code": row.code,
                "name": row.name,
                "stratum": row.stratum,
                "area": _n(row.area_ha * 15, 2),
                "start": _n(row.map_start, 2),
                "end": _n(row.map_end, 2),
                "valid": _words.share(row.valid_share),
                "kg": row.issuable_kg,
            }
            for row in story.parcels
        ],
        [
            Column("code", t("地块", "Parcel")),
            Column("name", t("名称", "Name")),
            Column("stratum", t("层", "Stratum")),
            Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
            Column("start", t("图上期初", "Map, start"), "t/ha", number=True),
            Column("end", t("图上期末", "Map, end"), "t/ha", number=True),
            Column("valid", t("有效像元", "Valid cells"), number=True),
            Column("kg", t("分得", "Given"), "kg CO₂e", number=True),
        ],
    )


def _show_cells(me: Actor, story: Story) -> None:
    show_parcels(story)
    labels = {row.id: f"{row.code} {row.name}" for row in story.parcels}
    parcel_id = st.selectbox(
        t("看一块地的像元", "Cells of one parcel"), list(labels), format_func=labels.__getitem__,
        key=f"why.{story.run_id}.parcel",
    )  # fmt: skip
    what = {
        "start": t(f"期初 {story.start.epoch}", f"Start {story.start.epoch}"),
        "end": t(f"期末 {story.end.epoch}", f"End {story.end.epoch}"),
        "difference": t("两期之差", "Difference"),
    }
    shown = st.radio(
        t("哪一期", "Which date"), list(what), format_func=what.__getitem__, horizontal=True,
        index=2, key=f"why.{story.run_id}.date", label_visibility="collapsed",
    )  # fmt: skip
    if parcel_id is None:
        return
    with explained():
        with db.transaction(me) as session:
            policy, _ = rounds.calculating_policies(session)
            frozen = rounds.frozen(session, rounds.get(session, story.round_id), policy)
            outline = next(row.boundary for row in frozen.parcels if row.parcel_id == parcel_id)
            grids = cells.cells_under(session, story.start.id, story.end.id, outline)
        grid = grids[shown]
        _maps.cells_map(
            f"cells-{story.run_id}-{parcel_id}-{shown}",
            dict(outline.__geo_interface__),
            grid.values,
            grid.bounds,
            "t/ha",
            t("地上生物量", "Above-ground biomass") + " · " + what[shown],
            basemaps=_land.basemaps(),
            review_number=_land.review_number(),
        )
        st.caption(
            t(
                f"地块下共 {grid.cells} 个像元，{_words.share(grid.valid_share)} 的面积有值；边界像元按落在"
                "地块内的部分计入。",
                f"{grid.cells} cells, {_words.share(grid.valid_share)} of the area with a value; cells "
                "on the edge count by the part inside.",
            )
        )


def show_errors(story: Story) -> None:
    """How much of the variance each source brings."""
    _kit.bars(run_bars.errors(story.result))
    middle = story.result["intermediate"]
    sources = [
        (t("抽样与图层", "Sampling and map"), middle["stderr_sampling_co2_t"]),
        (t("根茎比 R", "Root:shoot ratio R"), middle["stderr_r_co2_t"]),
        (t("含碳率 CF", "Carbon fraction CF"), middle["stderr_cf_co2_t"]),
    ]
    total = math.fsum(value * value for _, value in sources if value is not None)
    _kit.table(
        [
            {
                "source": name,
                "stderr": _n(value, 3),
                "share": _words.share(value * value / total)
                if value is not None and total
                else None,
            }
            for name, value in sources
        ],
        [
            Column("source", t("误差来自", "Source")),
            Column("stderr", t("标准误", "Standard error"), "tCO₂e", number=True),
            Column("share", t("占方差", "Of the variance"), number=True),
        ],
    )
    _kit.facts(map_error_facts(story))
    st.caption(
        t(
            "扣减只看抽样误差（90% 置信）。地块边界、竹株方程本身的误差不在其中。",
            "The deduction uses the sampling error (90 %). Errors of boundaries and of the culm "
            "equation itself are not in it.",
        )
    )


def map_error_facts(story: Story) -> list[tuple[str, str]]:
    """How the errors of the cells of the two maps were added up, or why they were not."""
    if all(row["mode"] != "raster" for row in story.result["intermediate"]["strata"]):
        return [
            (
                t("图层误差", "Errors of the maps"),
                t(
                    "有样地校正：误差按样地估计，图层误差不进入结果。",
                    "Corrected by plots: the error is theirs, that of the maps is not in the result.",
                ),
            )
        ]
    said = story.map_error or {}
    facts = [
        (word, variogram_words(Given(**said[date_]) if said.get(date_) else None))
        for date_, word in (
            ("start", t("期初图层误差", "Errors of the map at start")),
            ("end", t("期末图层误差", "Errors of the map at end")),
        )
    ]
    if len(story.result["intermediate"]["strata"]) > 1:
        share = story.input["policy"].get("map_strata_correlation", 1.0)
        facts.append(
            (
                t("层与层之间", "Between strata"),
                t(f"误差相关系数 {share:.3g}", f"errors correlate by {share:.3g}"),
            )
        )
    return facts


def show_factors(story: Story) -> None:
    """The factors of the method with unit and source; a changed table is said aloud."""
    ids = catalogue.method(story.method_id).factor_ids
    if factors.factor_hash(ids) != story.factor_hash:
        st.warning(
            t(
                "因子表在这次核算之后改过：下表是现在的数值，核算时的数值见复算一栏的因子指纹。",
                "The factor tables have changed since this run: below are the values of today.",
            )
        )
    _kit.table(
        [_factor_row(factors.factor(factor_id)) for factor_id in ids],
        [
            Column("id", t("因子", "Factor")),
            Column("value", t("数值", "Value"), number=True),
            Column("unit", t("单位", "Unit")),
            Column("spread", t("不确定性", "Uncertainty")),
            Column("trust", t("可信度", "Confidence")),
            Column("source", t("来源", "Source")),
        ],
    )


def _factor_row(factor: factors.Factor) -> dict[str, Any]:
    value = factor.value
    recalled = factor.confidence == factors.MEMORY
    return {
        "id": factor.id,
        "value": t("待登记机构确定", "to be set") if value is None else _short(value),
        "unit": factor.unit,
        "spread": None if factor.uncertainty in (None, 0) else str(factor.uncertainty),
        "trust": _kit.chip(
            t("凭记忆，须核对", "recalled, to check") if recalled else t("已核对", "verified"),
            _words.AMBER if recalled else _words.GREEN,
        ),
        "source": factor.source,
    }


def value_words(value: Any) -> str:
    """A policy's value as a person reads it."""
    if isinstance(value, str):
        return t(*VALUES[value]) if value in VALUES else value
    return f"{value:g}"


def _short(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:g}"
    return t("表", "table") if isinstance(value, Mapping | tuple) else str(value)


def show_policies(story: Story) -> None:
    """The decisions the run calculated with, against those in force today."""
    _kit.table(
        [
            {
                "title": row.title,
                "used": value_words(row.used),
                "now": value_words(row.now) if row.since else None,
                "state": _policy_chip(row),
                "basis": row.legal_basis,
            }
            for row in story.policies
        ],
        [
            Column("title", t("政策", "Policy")),
            Column("used", t("核算时用", "Used"), number=True),
            Column("now", t("现行", "In force"), number=True),
            Column("state", t("状态", "State")),
            Column("basis", t("依据", "Legal basis")),
        ],
    )


def _policy_chip(row: PolicyFacts) -> _kit.Html:
    if row.since is None:
        return _kit.chip(t("只有建议值", "suggestion only"), _words.AMBER)
    if row.used != row.now:
        return _kit.chip(t("核算后已变", "changed since"), _words.RED)
    return _kit.chip(t(f"{row.since} 起生效", f"in force since {row.since}"), _words.GREEN)


def _show_again(me: Actor, story: Story) -> None:
    result_sha256 = runs.sha256_of_text(story.result_json)
    _kit.facts(
        [
            (t("核算于", "Measured"), f"{_land.moment(story.run_at)} · {story.run_by}"),
            (t("程序版本", "Code version"), story.code_version),
            (t("因子指纹", "Factor hash"), story.factor_hash),
            (t("图层指纹", "Layer hashes"), "  ".join(item[:16] for item in story.layer_sha256)),
            (t("输入指纹", "Input SHA-256"), runs.sha256_of_text(story.input_json)),
            (t("结果指纹", "Result SHA-256"), result_sha256),
            (
                t("命令行复算", "On the command line"),
                f"sinks round remeasure {story.round_id} --run {story.run_id}",
            ),
        ]
    )
    if st.button(t("复算", "Measure again"), key=f"why.{story.run_id}.again", type="primary"):
        with explained():
            with (
                st.spinner(t("正在从冻结的输入重新核算……", "Measuring again…")),
                db.transaction(me) as session,
            ):
                again = rounds.remeasure(session, story.round_id, story.run_id)
            if again.same_input and again.same_result:
                st.success(
                    t(
                        f"一致 ✓  从冻结的地块、图层和样地重新核算，结果与存档逐字节相同（{again.now_sha256[:16]}…）。",
                        f"Same ✓  Measured again from what was frozen: byte for byte the same ({again.now_sha256[:16]}…).",
                    )
                )
            else:
                st.error(
                    t(
                        f"不一致。输入{'相同' if again.same_input else '不同'}；存档结果 {again.stored_sha256}，"
                        f"现在 {again.now_sha256}。各数最大相对差 {again.largest_difference:.1e}，可签发量存档 "
                        f"{again.stored_issuable_kg:,} kg、现在 {again.now_issuable_kg:,} kg。程序版本存档 "
                        f"{again.stored_code}、现在 {again.now_code}。请停止办理并告知登记机构。",
                        f"Not the same. Stored {again.stored_sha256}, now {again.now_sha256}: numbers "
                        f"differ by up to {again.largest_difference:.1e}, issuable "
                        f"{again.stored_issuable_kg:,} and {again.now_issuable_kg:,} kg; program "
                        f"{again.stored_code} and {again.now_code}. Stop here and tell the registrar.",
                    )
                )
    _kit.facts(
        [
            (
                t("核算报告", "Report"),
                _kit.beside(
                    _kit.link(
                        t(
                            "下载 PDF（全部输入、因子、方程和中间结果）",
                            "PDF: inputs, factors, equations, steps",
                        ),
                        f"/rounds/{story.round_id}/report.pdf?run={story.run_id}",
                    ),
                    _kit.link(
                        t("网页", "as a page"),
                        f"/rounds/{story.round_id}/report.html?run={story.run_id}",
                    ),
                ),
            )
        ]
    )
    name = f"{story.project_code}-{story.period_start}-{story.period_end}-run{story.run_id}"
    left, right = st.columns(2)
    left.download_button(
        t("下载方法的输入（JSON）", "The method's input (JSON)"), story.input_json,
        f"{name}-input.json", "application/json", width="stretch",
    )  # fmt: skip
    right.download_button(
        t("下载结果（JSON）", "The result (JSON)"), story.result_json,
        f"{name}-result.json", "application/json", width="stretch",
    )  # fmt: skip
    st.caption(
        t(
            f"任何人可用下载的输入独立复算：sinks methods run {story.method_id} --input 文件名",
            f"Anybody can run the input: sinks methods run {story.method_id} --input FILE",
        )
    )


def _chain(story: Story) -> None:
    """Batch → round → strata → parcels, as one line."""
    if story.batches:
        names = "、".join(name for name, _, _ in story.batches)
        batch = t(f"批次 {names}", f"Batch {names}")
    else:
        batch = t("批次（尚未签发）", "Batch (not issued)")
    strata = "；".join(
        t(
            f"层 {row['id']}（{_count(story, row['id'])} 块, {_n(row['area_ha'], 1)} ha, {row['n']} 样地）",
            f"stratum {row['id']} ({_count(story, row['id'])} parcels, {_n(row['area_ha'], 1)} ha, {row['n']} plots)",
        )
        for row in story.result["intermediate"]["strata"]
    )
    links = [
        batch,
        t(f"监测期 {story.period_start} 至 {story.period_end}",
          f"round {story.period_start} to {story.period_end}"),
        strata,
        t(f"{len(story.parcels)} 块地", f"{len(story.parcels)} parcels"),
    ]  # fmt: skip
    st.html(f"<p>{' → '.join(html.escape(link) for link in links)}</p>")
    show_layers(story)


def _count(story: Story, stratum: str) -> int:
    return sum(row.stratum == stratum for row in story.parcels)


def _layer_words(layer: LayerFacts) -> str:
    error = (
        t("有误差图层", "with error layer")
        if layer.has_stderr
        else t("无误差图层", "no error layer")
    )
    return (
        f"{layer.name} · {layer.epoch} · {t(*PHASES[layer.phase])} · {layer.resolution} · {error}"
    )


def _said(text: str) -> None:
    st.html(f'<p class="sinks-sentence">{html.escape(text)}</p>')


def _n(value: float | None, places: int) -> str:
    """A number for reading; a dash where there is none, and no "-0.00"."""
    if value is None:
        return "—"
    return f"{value if round(value, places) else 0.0:,.{places}f}"


def _g(value: float) -> str:
    return f"{value:g}"

"""Why this number: from the batch down to the cells of one parcel, each line opening the next.

Shown by the pages of projects, verification and filing alike, so that whoever proposes, verifies,
records and issues looks at the same claim.
"""

import html
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import streamlit as st

from methodologies import catalogue, factors
from pages import (
    _kit,
    _land,
    _maps,
    _policy_words,
    _statements,
    _what_if,
    _why_again,
    _why_equation,
    _why_errors,
    _why_plots,
    _why_records,
    _why_story,
    _words,
)
from pages._kit import Column
from pages._layer_card import PHASES
from pages._session import explained, plain
from pages._why_story import LayerFacts, PolicyFacts, Story
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import round_policies, rounds
from sinks.measurement import cells

# What a verifier has to have seen, and pins a finding to.
FIELDS: Mapping[str, tuple[str, str]] = {
    "parcels": ("地块与边界", "Parcels and outlines"),
    "layers": ("图层", "Layers"),
    "plots": ("样地与竹株", "Plots and culms"),
    "records": ("活动记录与依据", "Records and evidence"),
    "facts": ("填报事实与依据", "What is stated, with evidence"),
    "quantity": ("碳汇量与算式", "Quantity and equation"),
    "deduction": ("不确定性与扣减", "Uncertainty and deduction"),
    "factors": ("因子", "Factors"),
    "policies": ("政策", "Policies"),
    "notices": ("提醒与拒绝", "Warnings and refusals"),
}


# What is counted, where it is not removal alone: by the pool of the method.
AMOUNTS: Mapping[str, tuple[str, str]] = {
    "non_co2": ("减排量", "reduction"),
    "all": ("减排增汇量", "reduction and removal"),
}


def fields_of(story: Story) -> tuple[str, ...]:
    """The parts of this claim: plots, layers if it has any, and what is stated; or records."""
    without = {"layers", "plots"} if story.by_records else {"records"}
    if story.start is None:
        without.add("layers")
    if not story.stated:
        without.add("facts")
    return tuple(field for field in FIELDS if field not in without)


def _way(story: Story) -> ModuleType:
    """How results of its kind are told."""
    return {"records": _why_records, "plots": _why_plots}.get(story.by_round, _why_equation)


def field_word(field: str) -> str:
    """The word of a part of the claim; one that is no longer in the list as it was written."""
    return t(*FIELDS[field]) if field in FIELDS else field


def show(me: Actor, round_id: int, run_id: int | None = None) -> None:
    """Show the whole claim: result, chain, equation, and one part at a time below."""
    story = _why_story.load(me, round_id, run_id)
    if story is None:
        _kit.empty(t("这个监测期还没有核算。", "This round has not been measured yet."))
        return
    show_result(story)
    show_reasons(me, story)


def show_reasons(me: Actor, story: Story) -> None:
    """Everything behind the three numbers."""
    _chain(story)
    _said(f"{t('算式', 'Equation')}  {_way(story).equation(story.result)}")
    show_notices(story)
    show_steps(story)
    if story.by_records:
        _why_records.show_balance(story.result)
        first = {
            t("各层的数", "Strata"): _why_errors.show_errors,
            t("活动记录", "Records"): show_records,
            t("地块", "Parcels"): show_parcels,
        }
    else:
        first = {
            t("层与样地", "Strata and plots"): show_plots,
            **({t("填报事实", "Statements"): show_stated} if story.stated else {}),
            t("地块", "Parcels")
            if story.start is None
            else t("地块与像元", "Parcels and cells"): lambda story: _show_cells(me, story),
            t("误差来自哪里", "Where the error comes from"): _why_errors.show_errors,
        }
    parts = {
        **first,
        t("什么最要紧", "What matters most"): lambda story: _what_if.show_swings(
            story.method_id, story.input, story.result
        ),
        t("换一种政策", "Under other policies"): lambda story: _what_if.show_policies(
            me, story.method_id, story.round_id, story.run_id
        ),
        t("因子", "Factors"): show_factors,
        t("政策", "Policies"): show_policies,
        t("复算", "Measure again"): lambda story: _why_again.show_again(me, story),
    }
    key = f"why.{story.round_id}.{story.run_id}"
    chosen = st.segmented_control(
        t("细看", "Look closer"), list(parts), default=next(iter(parts)), key=f"{key}.part",
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen:
        parts[chosen](story)


def show_steps(story: Story) -> None:
    """From the change per hectare, or the sum of the strata, to whole kilograms."""
    _kit.table(
        _way(story).steps(story.result),
        [
            Column("name", t("步骤", "Step")),
            Column("value", t("结果", "Result"), number=True),
            Column("unit", t("单位", "Unit")),
            Column("formula", t("怎么算", "How")),
        ],
    )


def show_layers(story: Story) -> None:
    """The two layers that the round froze, if it has any."""
    if story.start is None or story.end is None:
        return
    _kit.facts(
        [
            (t("期初图层", "Layer at start"), _layer_words(story.start)),
            (t("期末图层", "Layer at end"), _layer_words(story.end)),
        ]
    )


def show_result(story: Story) -> None:
    """The three numbers: gross, net, and what may be issued."""
    result = story.result
    zh, en = AMOUNTS.get(story.pool, ("碳汇量", "removal"))
    gross, net, issuable = st.columns(3)
    spread = result["stderr_co2_t"]
    with gross:
        _kit.metric_big(
            _words.number(result["gross_co2_t"], 2), "tCO₂e",
            t("标准误未知", "standard error unknown") if spread is None
            else t(f"± {_words.number(spread, 2)}（一个标准误）", f"± {_words.number(spread, 2)} (one standard error)"),
            title=t(f"估计的{zh}", f"Estimated {en}"),
        )  # fmt: skip
    with net:
        _kit.metric_big(
            _words.number(result["net_co2_t"], 2), "tCO₂e",
            t(f"已扣 {_words.share(result['deduction_share'])}，缓冲前",
              f"after {_words.share(result['deduction_share'])} off, before buffer"),
            title=t(f"净{zh}", f"Net {en}"),
        )  # fmt: skip
    with issuable:
        _kit.metric_big(
            f"{result['issuable_kg']:,}", "kg CO₂e",
            t(f"缓冲池另存 {_words.number(result['buffer_co2_t'], 2)} t",
              f"{_words.number(result['buffer_co2_t'], 2)} t go to the buffer"),
            title=t("可签发", "Issuable"),
        )  # fmt: skip


def show_notices(story: Story) -> None:
    """Refusals and warnings in words, and why nothing is left when nothing is."""
    for notice in story.result["refusals"]:
        st.error(plain(notice["message"]), icon=":material/block:")
    if story.result["issuable_kg"] == 0 and (said := _way(story).why_nothing(story.result)):
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


def show_plots(story: Story) -> None:
    """Strata with their samples, and each plot: on the ground and, if there is one, on the map."""
    if story.by_round != "plots":
        _show_bamboo_plots(story)
        return
    _why_plots.show_strata(story.result)
    if story.blind:
        _why_again.say_blind()
        return
    _why_plots.show_plots(story.result, story.input)


def _show_bamboo_plots(story: Story) -> None:
    corrected = [
        Column("map", t("图上差", "Map change"), "t/ha", number=True),
        Column("e", t("样地校正", "Correction"), "t/ha", number=True),
    ]
    _kit.table(
        [
            {
                "id": row["id"],
                "mode": t(*_why_equation.MODES[row["mode"]]),
                "n": row["n"],
                "area": _words.number(row["area_ha"], 2),
                "map": _words.number(row["map_delta_t_ha"], 3),
                "e": _words.number(row["mean_e_t_ha"], 3),
                "delta": _words.number(row["delta_agb_t_ha"], 3),
                "se": _words.number(row["se_t_ha"], 3),
            }
            for row in story.result["intermediate"]["strata"]
        ],
        [
            Column("id", t("层", "Stratum")),
            Column("mode", t("算法", "Estimator")),
            Column("n", t("样地", "Plots"), number=True),
            Column("area", t("面积", "Area"), "ha", number=True),
            *([] if story.start is None else corrected),
            Column("delta", t("变化", "Change"), "t/ha", number=True),
            Column("se", t("标准误", "Std. error"), "t/ha", number=True),
        ],
    )
    if story.blind:
        _why_again.say_blind()
        return
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
    on_maps = [
        Column("map", t("图上变化", "Map change"), "t/ha", number=True),
        Column("error", t("差", "Error"), "t/ha", number=True),
    ]
    _kit.table(
        found,
        [
            Column("id", t("样地", "Plot")),
            Column("stratum", t("层", "Stratum")),
            Column("culms", t("竹株", "Culms")),
            Column("start", t("实测期初", "Measured, start"), "t/ha", number=True),
            Column("end", t("实测期末", "Measured, end"), "t/ha", number=True),
            Column("change", t("实测变化", "Measured change"), "t/ha", number=True),
            *([] if story.start is None else on_maps),
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
        "start": _words.number(plot["agb_t_ha_start"], 2),
        "end": _words.number(plot["agb_t_ha_end"], 2),
        "change": _words.number(change, 2),
        "map": _words.number(mapped, 2),
        "error": None if mapped is None else _words.number(change - mapped, 2),
    }


def show_records(story: Story) -> None:
    """The activity records that the round froze."""
    _why_records.show_records(story.records)


def show_stated(story: Story) -> None:
    """What project and round have stated, and what the register says of the land."""
    _statements.show(story.stated)


def show_parcels(story: Story) -> None:
    """What the run gives each parcel; what lay under it on the maps, where there are maps."""
    on_maps = [
        Column("start", t("图上期初", "Map, start"), "t/ha", number=True),
        Column("end", t("图上期末", "Map, end"), "t/ha", number=True),
        Column("valid", t("有效像元", "Valid cells"), number=True),
    ]
    _kit.table(
        [
            {
                "code": row.code,
                "name": row.name,
                "stratum": row.stratum,
                "area": _words.number(row.area_ha * 15, 2),
                "start": _words.number(row.map_start, 2),
                "end": _words.number(row.map_end, 2),
                "valid": None if row.valid_share is None else _words.share(row.valid_share),
                "kg": row.issuable_kg,
            }
            for row in story.parcels
        ],
        [
            Column("code", t("地块", "Parcel")),
            Column("name", t("名称", "Name")),
            Column("stratum", t("层", "Stratum")),
            Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
            *([] if story.start is None else on_maps),
            Column("kg", t("分得", "Given"), "kg CO₂e", number=True),
        ],
    )


def _show_cells(me: Actor, story: Story) -> None:
    show_parcels(story)
    if story.start is None or story.end is None:
        return
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
            policy, _ = round_policies.calculating(session, story.method_id)
            frozen = rounds.frozen_by_plots(session, rounds.get(session, story.round_id), policy)
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
                "used": _policy_words.value_words(row.used),
                "now": _policy_words.value_words(row.now) if row.since else None,
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


def _chain(story: Story) -> None:
    """Batch → round → strata → parcels, as one line."""
    if story.batches:
        names = "、".join(name for name, _, _ in story.batches)
        batch = t(f"批次 {names}", f"Batch {names}")
    else:
        batch = t("批次（尚未签发）", "Batch (not issued)")
    strata = "；".join(
        t(
            f"层 {row['id']}（{_count(story, row['id'])} 块）",
            f"stratum {row['id']} ({_count(story, row['id'])} parcels)",
        )
        if story.by_records
        else t(
            f"层 {row['id']}（{_count(story, row['id'])} 块, {_words.number(row['area_ha'], 1)} ha, {row['n']} 样地）",
            f"stratum {row['id']} ({_count(story, row['id'])} parcels, {_words.number(row['area_ha'], 1)} ha, {row['n']} plots)",
        )
        for row in story.result["intermediate"]["strata"]
    )
    links = [
        batch,
        t(f"监测期 {story.period_start} 至 {story.period_end}",
          f"round {story.period_start} to {story.period_end}"),
        strata,
        t(f"{len(story.parcels)} 块地", f"{len(story.parcels)} parcels"),
        *([t(f"{len(story.records)} 条活动记录", f"{len(story.records)} records")]
          if story.by_records else []),
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

"""The appraiser's step: draw the site, state the facts, see every step of the loss, and sign.

No fact is filled in by the program: method, φ, years and rate have no default, because the methods
differ by a factor of four on one site.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import streamlit as st

from pages import _case_steps, _kit, _land, _maps, _words
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.core import db, policies
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.land import parcel_outlines
from sinks.measurement import layers
from sinks.restoration import case_measurement, cases, loss, loss_input
from sinks.web import typed
from sinks.web.case_card import CaseCard

METHODS: Mapping[str, tuple[str, str]] = {
    "M1": ("M1 加和法：存量损失 + 恢复期损失", "M1 additive: stock + interim"),
    "M2": ("M2 资源等值法：损失的吨年 ÷ 一吨碳汇提供的吨年", "M2 resource equivalency"),
    "M3": ("M3 金额法：按金额和单价折算", "M3 money: amount over price"),
    "HEA": ("HEA 生境等值法：应修复的面积", "HEA: hectares of habitat"),
}
RECOVERIES: Mapping[str, tuple[str, str]] = {
    "linear": ("匀速恢复", "linear"),
    "step": ("期末一次恢复", "all at the end"),
    "table": ("按年份额表", "table"),
}

# About 400 m each way: a damaged site and what lies around it.
LOOK_DEGREES = 0.004


@dataclass(frozen=True, slots=True)
class Field:
    """How a fact is typed: its words, and whether it is whole, per cent, or yuan."""

    zh: str
    en: str
    kind: str = "number"
    optional: bool = False


FIELDS: Mapping[str, Field] = {
    "annual_t_ha": Field("年净碳汇量（tCO₂e/公顷·年）", "Annual sink (tCO₂e/ha·yr)"),
    "recovery_years": Field("恢复年数", "Years to recovery", "whole"),
    "discount": Field("年折现率（%）", "Discount (% a year)", "percent"),
    "phi": Field("φ：同一裁判责令原地恢复的存量份额（0–1）", "φ: share regrown on site (0–1)"),
    "horizon_years": Field("一吨碳汇的有效年数 H", "Years one credit lasts, H", "whole"),
    "gain_service": Field("修复地增加的服务份额（0–1）", "Service gained (0–1)"),
    "gain_years": Field("修复地成熟年数", "Years to maturity", "whole"),
    "gain_life_years": Field("修复地有效年数", "Years it lasts", "whole"),
    "amount_fen": Field("金额（元）", "Amount (CNY)", "yuan"),
    "price_fen_t": Field("单价（元/吨）", "Price (CNY/t)", "yuan"),
    "k": Field("裁判倍数 k（由法院定，可不填）", "Multiplier k (the court's)", optional=True),
    "annual_stderr_t_ha": Field(
        "年净碳汇量的标准误（可不填）", "Its standard error", optional=True
    ),
}


def show(me: Actor, card: CaseCard) -> None:
    """Site first, then facts; signing comes last and only with everything in sight."""
    st.subheader(t("一、受损地范围", "1. The site"))
    draw(me, card)
    if card.site is None:
        return
    st.subheader(t("二、测算", "2. The facts"))
    facts, basis, layer_sha256 = ask(me, card)
    st.subheader(t("三、结果与签署", "3. Result and signature"))
    sign(me, card, facts, basis, layer_sha256)


def draw(me: Actor, card: CaseCard) -> None:
    """The outline of the damage, on whosever land it lies; the last one saved counts."""
    how = st.segmented_control(
        t("怎样给出范围", "How"), ["map", "typed"], default="map", key=f"how.{card.id}",
        format_func=lambda one: {
            "map": t("图上勾绘", "Draw"), "typed": t("坐标输入", "Coordinates"),
        }[one],
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    if how == "typed":
        drawn = type_outline(card)
    else:
        stored = card.site.boundary if card.site else None
        drawn = _maps.draw_map(
            f"site-{card.id}", start=stored, around=_land.county_outlines(), height=420,
            bounds=None if stored else ask_place(card),
            basemaps=_land.basemaps(), review_number=_land.review_number(),
        )  # fmt: skip
    if card.site:
        st.caption(
            t("已保存：", "Saved: ") + _words.mu_ha(card.site.area_m2)
            + t("。签署前可以重画。", ". It can be redrawn until signed.")
        )  # fmt: skip
    if drawn is None:
        if card.site is None:
            st.caption(t("给出受损地范围，再保存。", "Give the outline, then save it."))
        return
    with explained():
        boundary = parcel_outlines.parse_boundary(drawn)
        if st.button(t("保存范围", "Save the outline"), key=f"site.{card.id}", type="primary"):
            with db.transaction(me) as session:
                area_m2 = case_measurement.draw_site(session, me, card.id, boundary).area_m2
            say_done(t("已保存：", "Saved: ") + _words.mu_ha(area_m2))


def type_outline(card: CaseCard) -> dict[str, Any] | None:
    """The outline from corners measured in the field, one a line, shown on a map."""
    text = st.text_area(
        t("拐点坐标：每行“经度, 纬度”（CGCS2000，十进制度），空行另起一块",
          "Corners: “longitude, latitude” a line (CGCS2000); an empty line begins another part"),
        key=f"corners.{card.id}", height=160,
    )  # fmt: skip
    if not text.strip():
        return None
    outline = None
    with explained():
        outline = typed.outline(text)
    if outline is not None:
        _maps.show_map(
            f"site-typed-{card.id}",
            [{
                "type": "Feature", "geometry": outline,
                "properties": {"id": 1, "label": t("受损地", "Site"), "state_colour": _words.RED},
            }],
            height=320, basemaps=_land.basemaps(), review_number=_land.review_number(),
        )  # fmt: skip
    return outline


def ask_place(card: CaseCard) -> _maps.Bounds | None:
    """Where to begin looking, from coordinates typed as “longitude, latitude”."""
    text = st.text_input(
        t("定位到（经度, 纬度，可不填）", "Go to (longitude, latitude; optional)"),
        key=f"place.{card.id}", placeholder="119.6123, 30.5123",
    )  # fmt: skip
    if not text.strip():
        return None
    parts = [part for part in re.split(r"[\s,，;；]+", text.strip()) if part]
    try:
        longitude, latitude = (float(part) for part in parts)
    except ValueError:
        longitude, latitude = math.nan, math.nan
    west, south, east, north = _maps.HUZHOU
    if not (west <= longitude <= east and south <= latitude <= north):
        st.error(
            t(
                "应写作“经度, 纬度”，在湖州范围内，例如 119.6123, 30.5123。",
                "Write “longitude, latitude” within Huzhou, e.g. 119.6123, 30.5123.",
            )
        )
        return None
    return (
        longitude - LOOK_DEGREES, latitude - LOOK_DEGREES,
        longitude + LOOK_DEGREES, latitude + LOOK_DEGREES,
    )  # fmt: skip


def ask(me: Actor, card: CaseCard) -> tuple[dict[str, Any], str, str | None]:
    """The facts as typed, where the stock is from, and the hash of the layer if it is from one."""
    method = st.selectbox(
        t("计算方法（必选，无默认）", "Method (no default)"), list(METHODS), index=None,
        format_func=lambda code: t(*METHODS[code]), key=f"method.{card.id}",
        placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    if method is None:
        st.caption(
            t(
                "同一块地，M1 与 M2 可相差数倍；方法由调查机构选定并签署负责。",
                "On one site M1 and M2 differ several times over; the appraiser chooses and signs.",
            )
        )
        return {}, "", None
    facts: dict[str, Any] = {"method": method}
    basis, layer_sha256 = t("金额由裁判确定", "the amount is the court's"), None
    if "delta_c_t_ha" in loss_input.NEEDED[method]:
        stock, basis, layer_sha256 = ask_stock(me, card)
        facts |= stock
    elif method == "HEA":
        basis = st.text_input(t("数据来源", "Source"), key=f"basis.{card.id}")
    names = [*loss_input.NEEDED[method], *(name for name in loss_input.ALSO_USED[method])]
    columns = st.columns(2)
    asked = [name for name in names if name in FIELDS]
    for number, name in enumerate(asked):
        optional = name in loss_input.ALSO_USED[method]
        with columns[number % 2]:
            value = ask_one(card, name, FIELDS[name], optional=optional)
        if value is not None:
            facts[name] = value
    if "recovery" in names and (recovery := ask_recovery(card)) is not None:
        facts["recovery"] = recovery
    if "unit_kg" in names:
        facts["unit_kg"] = registry_unit(me)
    if method == "M1":
        reason = st.text_input(
            t("φ 的取值理由（必填）", "Reason for φ (required)"), key=f"phi.{card.id}",
            placeholder=t("例：裁判另责令补植，原地竹林预计恢复", "e.g. replanting is ordered as well"),
        )  # fmt: skip
        basis = f"{basis}；φ 的理由：{reason.strip()}" if basis and reason.strip() else ""
    return facts, basis, layer_sha256


def ask_stock(me: Actor, card: CaseCard) -> tuple[dict[str, Any], str, str | None]:
    """ΔC with its standard error, from a layer or from the field."""
    source = st.radio(
        t("存量数据来自", "The stock is from"), ["layer", "field"], index=None, horizontal=True,
        key=f"stock.{card.id}",
        format_func=lambda one: {
            "layer": t("生物量图层", "a biomass layer"), "field": t("现场实测", "the field"),
        }[one],
    )  # fmt: skip
    if source == "layer":
        return stock_from_layer(me, card)
    if source == "field":
        left, right = st.columns(2)
        delta = left.number_input(
            t("单位面积碳储量损失 ΔC（吨碳/公顷）", "Loss ΔC (t C/ha)"), value=None, min_value=0.0,
            key=f"delta.{card.id}",
        )  # fmt: skip
        spread = right.number_input(
            t("其标准误（可不填）", "Its standard error (optional)"), value=None, min_value=0.0,
            key=f"delta-se.{card.id}",
        )  # fmt: skip
        basis = st.text_input(
            t("实测依据（必填）", "What it rests on (required)"), key=f"basis.{card.id}",
            placeholder=t("例：2026-03-12 样地调查 6 块，报告号……", "e.g. six plots of 2026-03-12"),
        )  # fmt: skip
        found = {"delta_c_t_ha": delta, "delta_c_stderr_t_ha": spread}
        return {name: value for name, value in found.items() if value is not None}, basis, None
    return {}, "", None


def stock_from_layer(me: Actor, card: CaseCard) -> tuple[dict[str, Any], str, str | None]:
    """The stock before the damage from a layer, less what still stands."""
    with db.transaction(me) as session:
        known = {
            layer.id: f"{layer.name} · {layer.epoch}"
            for layer in layers.listing(session, variable="agb")
        }
    if not known:
        _kit.empty(t("还没有生物量图层，请改用现场实测。", "No layer yet; use the field."))
        return {}, "", None
    layer_id = st.selectbox(
        t("受损之前的图层", "Layer from before the damage"), list(known), index=None,
        format_func=known.__getitem__, key=f"layer.{card.id}", placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    left_over = st.number_input(
        t("受损后仍在的碳储量（吨碳/公顷，全部毁损填 0）", "Stock still standing (t C/ha, 0 if none)"),
        value=None, min_value=0.0, key=f"left.{card.id}",
    )  # fmt: skip
    if layer_id is None or left_over is None:
        return {}, "", None
    figure = None
    with explained(), db.transaction(me) as session:
        site = cases.site_of(session, card.id)
        if site is not None:
            figure = case_measurement.stock_under(session, site, layer_id)
    if figure is None:
        return {}, "", None
    delta = float(Decimal(repr(figure.delta_c_t_ha)) - Decimal(repr(left_over)))
    if delta < 0:
        st.error(
            t(
                f"仍在的碳储量 {left_over:g} 高于图上的 {figure.delta_c_t_ha:.3f} 吨碳/公顷，没有损失可算，请核对。",
                f"{left_over:g} t C/ha still standing is more than the map's {figure.delta_c_t_ha:.3f}.",
            )
        )
        return {}, "", None
    _kit.facts(
        [
            (t("图上地上生物量", "Biomass on the map"), f"{figure.agb_t_ha:.2f} t/ha"),
            (t("折合碳储量", "As carbon"),
             f"{figure.delta_c_t_ha:.3f} tC/ha"
             + (f" ± {figure.stderr_t_ha:.3f}" if figure.stderr_t_ha is not None else "")),
            (t("损失 ΔC", "Loss ΔC"), f"{delta:.3f} tC/ha"),
        ]
    )  # fmt: skip
    found: dict[str, Any] = {"delta_c_t_ha": delta}
    if figure.stderr_t_ha is not None:
        found["delta_c_stderr_t_ha"] = figure.stderr_t_ha
    basis = figure.basis
    if left_over:
        basis += t(f"，扣除仍在的 {left_over:g} 吨碳/公顷", f", less {left_over:g} t C/ha standing")
    return found, basis, figure.layer_sha256


def ask_one(card: CaseCard, name: str, field: Field, *, optional: bool) -> float | int | None:
    """One number as the loss takes it: whole numbers as int, per cent as a share, yuan as fen."""
    key = f"fact.{card.id}.{name}"
    label = t(field.zh, field.en)
    if optional and not field.optional:
        label += t("（可不填）", " (optional)")
    if field.kind == "whole":
        return st.number_input(label, value=None, min_value=0, step=1, key=key)
    value = st.number_input(
        label, value=None, min_value=0.0, key=key,
        format="%.2f" if field.kind == "yuan" else "%.4g",
        step=0.01 if field.kind == "yuan" else 0.1,
    )  # fmt: skip
    if value is None:
        return None
    if field.kind == "yuan":
        fen = _case_steps.whole(value, 100)
        if fen is None:
            st.caption(t("金额写到分为止。", "Two decimals at most."))
        return fen
    if field.kind == "percent":
        return float(Decimal(repr(value)) / 100)
    return float(value)


def ask_recovery(card: CaseCard) -> str | list[list[float]] | None:
    """How recovery runs; a table is typed as “year share”, one a line."""
    chosen = st.radio(
        t("恢复过程", "Recovery"), list(RECOVERIES), index=None, horizontal=True,
        format_func=lambda code: t(*RECOVERIES[code]), key=f"recovery.{card.id}",
    )  # fmt: skip
    if chosen != "table":
        return chosen
    text = st.text_area(
        t("每行“年 份额”，末行为恢复年数和 1", "“year share” a line, ending with the last year and 1"),
        key=f"recovery-table.{card.id}", placeholder="2 0.3\n5 1",
    )  # fmt: skip
    try:
        rows = [
            [float(part) for part in line.split()] for line in text.splitlines() if line.strip()
        ]
    except ValueError:
        st.error(t("份额表每行应为两个数。", "Each line holds two numbers."))
        return None
    return rows or None


def registry_unit(me: Actor) -> int:
    """The registry's unit, for rounding the quantity up to what can be retired."""
    with db.transaction(me) as session:
        unit_kg, in_force = policies.value_or_suggestion(session, "unit_kg")
    st.caption(
        t(f"按登记单位 {unit_kg:,} kg 向上取整。", f"Rounded up to the unit of {unit_kg:,} kg.")
        + ("" if in_force else t("（登记单位尚未生效，按建议值）", " (suggested, not in force)"))
    )
    return int(unit_kg)


def sign(
    me: Actor, card: CaseCard, facts: dict[str, Any], basis: str, layer_sha256: str | None
) -> None:
    """The loss with every step, and the signature."""
    result = None
    if facts and card.site:
        try:
            result = loss.assess({**facts, "area_m2": card.site.area_m2})
        except Invalid as error:
            st.info(plain(error.message))
    if result is None:
        st.caption(
            t("填齐后这里显示每一步算式和区间。", "Every step and the interval appear here.")
        )
        return
    show_result(result)
    if not basis.strip():
        st.info(t("请写明数据来源和 φ 的理由。", "Say what the figures and φ rest on."))
    quantity = result["quantity_kg"]
    outcome = (
        _words.tonnes(quantity) if quantity is not None
        else _words.mu_ha(result["habitat_ha"] * 10_000)
    )  # fmt: skip
    sentence = t(
        f"将以“{me.party_name}”{me.name}的名义签署测算意见：方法 {facts['method']}，结果 {outcome}。"
        "签署后范围和数据都不能再改，交法院。",
        f"Signed in the name of {me.party_name}, {me.name}: method {facts['method']}, {outcome}. "
        "Nothing can be changed afterwards.",
    )
    if _kit.confirm(
        f"sign.{card.id}", sentence, t("签署测算意见", "Sign"), disabled=not basis.strip()
    ):
        with explained():
            with db.transaction(me) as session:
                case_measurement.sign_assessment(
                    session, me, card.id, facts=facts, basis=basis, layer_sha256=layer_sha256
                )
            say_done(t("测算意见已签署。", "Signed."))


def result_facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Stock, interim, loss with its interval, and what it comes to."""
    found = [
        (title, f"{result[key]:,.2f} tCO₂e")
        for key, title in (
            ("stock_t", t("存量损失", "Stock lost")), ("flow_t", t("恢复期损失", "Interim loss")),
            ("loss_t", t("合计损失", "Loss")),
        )
        if result.get(key) is not None
    ]  # fmt: skip
    if result.get("loss_low_t") is not None:
        found.append(
            (t("90% 区间", "90 % interval"),
             f"{result['loss_low_t']:,.1f} – {result['loss_high_t']:,.1f} tCO₂e")
        )  # fmt: skip
    if result.get("quantity_kg") is not None:
        found.append(
            (t("测算应注销量", "Appraised quantity"), _words.tonnes(result["quantity_kg"]))
        )
    if result.get("habitat_ha") is not None:
        found.append(
            (t("应修复面积", "Habitat to restore"), _words.mu_ha(result["habitat_ha"] * 10_000))
        )
    if result.get("amount_fen") is not None:
        found.append((t("测算金额", "Appraised amount"), _words.money(result["amount_fen"])))
    return found


def show_result(result: Mapping[str, Any]) -> None:
    """Numbers first, then every step as a judge can follow it."""
    _kit.facts(result_facts(result))
    for warning in result["warnings"]:
        st.warning(plain(warning))
    # The text repeats the number with its unit; beside a name it can run over several lines.
    _kit.facts([(step["name"], step["text"]) for step in result["steps"]])

"""Carbon removal by managed moso bamboo forest (毛竹林经营碳汇), version 1.

Stock difference over a monitoring round, by stratum: the change seen by the map corrected with the
error found at plots measured twice (model-assisted difference estimator); plots alone where no map
is given; the map alone only where there are no plots. Deduction by the half-width at 90 %
confidence; then baseline, emissions, leakage, saturation, carried debit, buffer; floored to
kilograms once, at the end; shared among parcels to the last kilogram.

Included: above-ground and below-ground biomass of bamboo, N2O and CO2 of added fertiliser, CH4 and
N2O of fire. Excluded: litter, dead wood, shrubs, soil, products, fossil fuel. In the style of
AR-CM-005-V01, whose text was not read; not creditable under the restarted CCER.

Sources: AR-TOOL14 v04.2 (strata, deduction), IPCC 2006/2019 GL Vol. 4 (stock difference, N2O, fire),
Zhou Guomo 2006 (culms), Ouyang et al. 2022 (root:shoot).
Released 2026-11. Frozen: a change of any number or equation is a new module, `moso_mgmt_v2`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from methodologies import (
    added_emissions_v1,
    deductions,
    eligibility,
    factors,
    moso_allocation_v1,
    moso_cross_check_v1,
    moso_losses_v1,
    moso_mgmt_v1_change,
    moso_mgmt_v1_input,
    moso_monte_carlo_v1,
    moso_stand_v1,
)
from methodologies.base import (
    CO2_PER_C,
    Component,
    Method,
    NotIssuable,
    floor_kg,
)
from methodologies.moso_mgmt_v1_change import Change, PlotPair
from methodologies.moso_mgmt_v1_explain import explain
from methodologies.moso_mgmt_v1_input import Round, example, schema
from methodologies.moso_stand_v1 import age_du, culm_agb_kg, plot_agb_t_ha
from methodologies.remarks import Remarks

__all__ = [
    "METHOD",
    "METHOD_ID",
    "age_du",
    "culm_agb_kg",
    "example",
    "explain",
    "plot_agb_t_ha",
    "run",
    "schema",
]

METHOD_ID = "moso-mgmt/1"

# How far the end may lie from an anniversary of the start and still count as the same season; a
# guard rail chosen here while the registrar's season window is not set.
SEASON_TOLERANCE_DAYS = 31
# How far the parcels of a stratum may differ from its area: rounding of areas, nothing more.
PARCEL_AREA_TOLERANCE_SHARE = 0.001

FACTOR_IDS = (
    "const.c_to_co2",
    *moso_stand_v1.CULM_FACTOR_IDS,
    "moso.eq.domain_d",
    moso_stand_v1.AGE_RULE_FACTOR_ID,
    moso_stand_v1.MIN_DBH_FACTOR_ID,
    *eligibility.BAMBOO_FACTOR_IDS,
    "moso.R",
    "moso.CF",
    "moso.bgb_change_mode",
    "moso.phase_step",
    "moso.season_window",
    "moso.qa_agb_band",
    "stat.confidence",
    "stat.precision_target",
    "ded.ar_tool14",
    "ded.ar_cm",
    "ded.gs403.threshold",
    "risk.registry",
    "leakage.moso_mgmt",
    moso_losses_v1.MARKET_FACTOR_ID,
    "raster.rho_t",
    *added_emissions_v1.FACTOR_IDS,
)


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one monitoring round, shaped as `methods run` prints it.

    gross_co2_t is the estimated removal, negative for a loss. deduction_share is the share of
    |gross| taken off. net_co2_t is after deduction, baseline, emissions, leakage, saturation cap and
    carried debit; negative is reported as it is. With any refusal issuable_kg is 0. The same input
    gives the same output to the last bit.

    Raises
    ------
    MethodInputInvalid
        The input is not as `schema` says, or contradicts itself.
    OutOfDomain
        A culm is thinner than 2 cm, or too few plots carry a variance.
    """
    round_ = moso_mgmt_v1_input.parse(data)
    remarks = Remarks()
    found: dict[str, Any] = {}
    if round_.eligibility is None:
        remarks.warn(
            "ELIGIBILITY_NOT_GIVEN",
            f"输入没有适用条件（{eligibility.BAMBOO_SOURCE}），本次计算没有核对；签发前须逐项核对。",
        )
    else:
        checks = eligibility.bamboo_management(round_.eligibility)
        found["eligibility"] = eligibility.apply(checks, remarks)
    return measured(round_, remarks, Variant(METHOD_ID, FACTOR_IDS, intermediate=found))


@dataclass(frozen=True, slots=True)
class Variant:
    """What a method that measures like this one adds to it.

    leakage_co2e_t : emissions elsewhere; None for the factor of moso-mgmt/1
    products_co2_t : change of the product pool, deducted like the biomass
    """

    method_id: str
    factor_ids: tuple[str, ...]
    leakage_co2e_t: float | None = None
    products_co2_t: float = 0.0
    intermediate: Mapping[str, Any] = field(default_factory=dict)


def measured(round_: Round, remarks: Remarks, variant: Variant) -> dict[str, Any]:
    """Return the result of a checked round; `run` without reading the input."""
    _check_phase(round_, remarks)
    _check_areas(round_, remarks)
    _check_biomass_band(round_, remarks)
    pairs = moso_mgmt_v1_change.plot_pairs(round_, remarks)
    change = moso_mgmt_v1_change.estimated(round_, pairs, remarks)

    area_ha = math.fsum(stratum.area_ha for stratum in round_.strata)
    stock = _stock_terms(round_, change, area_ha, remarks)
    conservative, taken = _deducted(round_, change, remarks)
    conservative_co2 = conservative * area_ha * stock.co2_per_agb
    if variant.products_co2_t:
        stock, conservative_co2 = _with_products(stock, conservative_co2, taken, variant)
    balance = _balance(round_, conservative_co2, stock, area_ha, remarks, variant)

    steps = {
        **_intermediate_change(round_, change, conservative, pairs, area_ha),
        **stock.intermediate,
        **balance.intermediate,
    }
    cross_check = moso_cross_check_v1.checked(round_.gain_loss, stock.gross, stock.stderr, remarks)
    factor_hash = factors.factor_hash(variant.factor_ids)
    drawn = moso_monte_carlo_v1.drawn(steps, stock.stderr, factor_hash)
    _warn_on_result(round_, change, remarks)
    # A factor used and not declared would be missing from the hash of the result.
    assert remarks.used <= set(variant.factor_ids), remarks.used - set(variant.factor_ids)
    issuable_kg = 0 if remarks.refusals else floor_kg(balance.net, balance.buffer)
    return {
        "method": variant.method_id,
        "factor_hash": factor_hash,
        "gross_co2_t": stock.gross,
        "stderr_co2_t": stock.stderr,
        "deduction_share": taken,
        "net_co2_t": balance.net,
        "buffer_co2_t": balance.buffer,
        "issuable_kg": issuable_kg,
        "components": [c.as_dict() for c in (*stock.components, *balance.emitted)],
        "intermediate": {
            **steps,
            "monte_carlo": drawn,
            **({} if cross_check is None else {"gain_loss": cross_check}),
            **variant.intermediate,
            **_in_units(issuable_kg, round_.policy.unit_kg),
        },
        "warnings": [notice.as_dict() for notice in remarks.warnings],
        "refusals": [notice.as_dict() for notice in remarks.refusals],
        "allocation": moso_allocation_v1.to_parcels(
            round_, change, balance.net, issuable_kg, stock.co2_per_agb
        ),
    }


def _in_units(issuable_kg: int, unit_kg: int) -> dict[str, int]:
    return {
        "unit_kg": unit_kg,
        "issuable_units": issuable_kg // unit_kg,
        "unit_residue_kg": issuable_kg % unit_kg,
    }


def _check_phase(round_: Round, remarks: Remarks) -> None:
    """Refuse unless both dates are in the same phase and season of the two-year cycle."""
    start, end = round_.phase_start, round_.phase_end
    if start == end == "mixed":
        return
    names = {"on": "大年", "off": "小年", "mixed": "花年", "unknown": "未知"}
    period = round_.period
    step = int(remarks.number("moso.phase_step"))
    cycles = round((period.end - period.start).days / (365.25 * step))
    gap_days = abs((period.end - _anniversary(period.start, cycles * step)).days)
    rule = "大小年规则：两次调查须同为大年或同为小年，且相隔 2 年的整数倍（花年竹林除外）"
    after = "本期结果只作清查，不得签发；请改用同相位的两期数据，或每端取相邻两年的平均。"
    if start != end or start in ("unknown", "mixed"):
        what = f"期初为{names[start]}，期末为{names[end]}"
    elif cycles < 1 or gap_days > SEASON_TOLERANCE_DAYS:
        what = f"{period.start} 至 {period.end} 不是 2 年的整数倍"
    else:
        return
    remarks.refuse("PHASE_MISMATCH", f"{what}。{rule}。{after}")


def _anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        # 29 February has no anniversary in a common year.
        return day.replace(year=day.year + years, day=28)


def _check_areas(round_: Round, remarks: Remarks) -> None:
    """Refuse if the parcels of a stratum are not the stratum: land would earn that is not registered."""
    if not round_.parcels:
        return
    areas: dict[str, list[float]] = {}
    for parcel in round_.parcels:
        areas.setdefault(parcel.stratum, []).append(parcel.area_ha)
    for stratum in round_.strata:
        parcels_ha = math.fsum(areas.get(stratum.id, ()))
        if abs(parcels_ha - stratum.area_ha) > PARCEL_AREA_TOLERANCE_SHARE * stratum.area_ha:
            remarks.refuse(
                "PARCEL_AREA_MISMATCH",
                f"层 {stratum.id} 面积 {stratum.area_ha:g} 公顷，其地块合计 {parcels_ha:g} 公顷，"
                f"相差超过 {100 * PARCEL_AREA_TOLERANCE_SHARE:g} %；请核对地块是否齐全、层面积是否正确。",
            )


def _check_biomass_band(round_: Round, remarks: Remarks) -> None:
    low, high = factors.factor("moso.qa_agb_band").value_range or (0.0, math.inf)
    for kind, rows in (("层", round_.strata), ("地块", round_.parcels)):
        odd = sorted(
            row.id
            for row in rows
            for value in (row.map_agb_t_ha_start, row.map_agb_t_ha_end)
            if value is not None and not low <= value <= high
        )
        if odd:
            remarks.warn(
                "AGB_OUT_OF_BAND",
                f"{kind} {'、'.join(dict.fromkeys(odd))} 的图上平均地上生物量不在 {low:g}–{high:g} 吨/公顷之间，"
                "超出毛竹林常见范围；请核对图层与地类。",
            )


@dataclass(frozen=True, slots=True)
class StockTerms:
    """Gross removal and what it is made of."""

    gross: float
    stderr: float | None
    co2_per_agb: float
    components: tuple[Component, ...]
    intermediate: dict[str, Any]


def _stock_terms(round_: Round, change: Change, area_ha: float, remarks: Remarks) -> StockTerms:
    """Return gross CO2 by pool, errors combined by approach 1 (relative variances added)."""
    mode = remarks.decided(
        round_.policy.bgb_change_mode, "moso.bgb_change_mode", "bgb_change_mode", "none"
    )
    cf, cf_sd = remarks.number("moso.CF"), factors.factor("moso.CF").stderr
    r, r_sd = remarks.number("moso.R"), factors.factor("moso.R").stderr
    # Without proportional change a gain below ground is not counted; a loss always is.
    with_bgb = mode == "proportional" or change.delta < 0.0
    if not with_bgb:
        r, r_sd = 0.0, 0.0
    per_agb = cf * CO2_PER_C
    agb_co2 = change.delta * area_ha * per_agb
    sampling = None if change.estimate is None else change.estimate.stderr * area_ha * per_agb
    r_term, cf_term = agb_co2 * r_sd, agb_co2 * (1.0 + r) * cf_sd / cf
    gross_sampling = None if sampling is None else sampling * (1.0 + r)

    def combined(share: float, extra: float) -> float | None:
        if sampling is None:
            return None
        return math.hypot(sampling * share, agb_co2 * share * cf_sd / cf, extra)

    stderr = None if gross_sampling is None else math.hypot(gross_sampling, r_term, cf_term)
    return StockTerms(
        gross=agb_co2 * (1.0 + r),
        stderr=stderr,
        co2_per_agb=(1.0 + r) * per_agb,
        components=(
            Component("AGB", "CO2", agb_co2, combined(1.0, 0.0)),
            Component("BGB", "CO2", agb_co2 * r, combined(r, r_term)),
        ),
        intermediate={
            "bgb_change_mode": mode,
            "r": r,
            "r_stderr": r_sd,
            "cf": cf,
            "cf_stderr": cf_sd,
            "co2_per_c": CO2_PER_C,
            "co2_per_agb": (1.0 + r) * per_agb,
            "stderr_sampling_co2_t": gross_sampling,
            "stderr_r_co2_t": abs(r_term),
            "stderr_cf_co2_t": abs(cf_term),
        },
    )


def _deducted(round_: Round, change: Change, remarks: Remarks) -> tuple[float, float]:
    """Return the conservative change [t/ha] and the share taken off, by the sampling u90 alone."""
    policy = round_.policy.deduction
    remarks.used.update(deductions.find(policy).factor_ids)
    remarks.used.update(("stat.confidence",))
    if change.estimate is None:
        return min(change.delta, 0.0), 1.0 if change.delta > 0.0 else 0.0
    try:
        return deductions.deduct(change.delta, change.estimate.u90, policy)
    except NotIssuable as refusal:
        remarks.refuse(refusal.code, str(refusal))
    if change.delta > 0.0:
        return 0.0, 1.0
    lowered = change.delta - change.estimate.half_width
    return lowered, change.estimate.u90 if change.delta else 0.0


@dataclass(frozen=True, slots=True)
class Balance:
    """From the conservative removal to what may be issued [tCO2e]."""

    net: float
    buffer: float
    emitted: tuple[Component, ...]
    intermediate: dict[str, Any]


def _with_products(
    stock: StockTerms, conservative_co2: float, taken: float, variant: Variant
) -> tuple[StockTerms, float]:
    """Return gross and conservative removal with the product pool, which bears the same deduction."""
    products = variant.products_co2_t
    component = Component("products", "CO2", products, None)
    with_products = replace(
        stock, gross=stock.gross + products, components=(*stock.components, component)
    )
    return with_products, conservative_co2 + products - abs(products) * min(taken, 1.0)


def _balance(
    round_: Round,
    conservative: float,
    stock: StockTerms,
    area_ha: float,
    remarks: Remarks,
    variant: Variant,
) -> Balance:
    """Return net and buffer: conservative change less baseline, emissions, leakage, debit."""
    policy = round_.policy
    baseline = _conservative_baseline(round_, remarks)
    emitted = added_emissions_v1.components(round_.emissions, round_.policy.gwp_set, remarks)
    # Subtracted from zero, not negated: no emission is 0.0, never -0.0.
    emitted_t = 0.0 - math.fsum(c.co2e_t for c in emitted)
    leakage = variant.leakage_co2e_t
    if leakage is None:
        leakage = remarks.number("leakage.moso_mgmt")
    lost = moso_losses_v1.components(round_, remarks)
    lost_t = 0.0 - math.fsum(c.co2e_t for c in lost)
    uncapped = conservative - baseline - emitted_t - leakage - lost_t
    remaining = _saturation_remaining(round_, stock.co2_per_agb, area_ha)
    capped = uncapped if remaining is None else min(uncapped, remaining)
    if capped < uncapped:
        remarks.warn(
            "SATURATED",
            f"竹林接近目标结构，累计碳汇量封顶，本期由 {uncapped:.3f} 吨减为 {capped:.3f} 吨。",
        )
    net = capped - policy.carried_debit_kg / 1000.0
    share = remarks.decided(policy.buffer_share, "risk.registry", "buffer_share", 0.0)
    buffer = max(0.0, net) * share
    if net < 0.0:
        remarks.warn("NEGATIVE_NET", f"本期净碳汇量为 {net:.3f} 吨（负值），须结转抵减以后各期。")
    return Balance(
        net=net,
        buffer=buffer,
        emitted=(*emitted, *lost),
        intermediate={
            "conservative_co2_t": conservative,
            "baseline_co2_t": round_.baseline_co2_t.co2_t,
            "baseline_u90": round_.baseline_co2_t.u90,
            "baseline_conservative_co2_t": baseline,
            "emissions_co2e_t": emitted_t,
            "gwp_set": policy.gwp_set,
            "leakage_co2e_t": leakage,
            "other_losses_co2_t": lost_t,
            "saturation_remaining_co2_t": remaining,
            "net_before_debit_co2_t": capped,
            "carried_debit_kg": policy.carried_debit_kg,
            "debit_carried_forward_kg": max(0, math.ceil(round(-1000.0 * net, 6))),
            "buffer_share": share,
        },
    )


def _conservative_baseline(round_: Round, remarks: Remarks) -> float:
    given = round_.baseline_co2_t
    if given.co2_t == 0.0:
        remarks.warn(
            "BASELINE_ZERO",
            "基线碳汇量取零：须证明无项目时竹林株数与龄级结构稳定，或以项目外固定对照样地为据。",
        )
    try:
        return deductions.deduct(
            given.co2_t, given.u90, round_.policy.deduction, scenario="baseline"
        )[0]
    except NotIssuable as refusal:
        remarks.refuse(refusal.code, f"基线：{refusal}")
        return given.co2_t + abs(given.co2_t) * given.u90


def _saturation_remaining(round_: Round, co2_per_agb: float, area_ha: float) -> float | None:
    """Return what may still be credited before the target structure is reached [tCO2]."""
    given = round_.saturation
    if given is None:
        return None
    whole = (given.target_agb_t_ha - given.initial_agb_t_ha) * area_ha * co2_per_agb
    return max(0.0, whole - given.credited_before_co2_t)


def _warn_on_result(round_: Round, change: Change, remarks: Remarks) -> None:
    target = factors.number("stat.precision_target")
    if change.estimate is not None:
        remarks.warn_of_skewness(change.estimate)
    if change.estimate is not None and change.estimate.u90 > target:
        u90 = change.estimate.u90
        found = "无穷大" if math.isinf(u90) else f"{100 * u90:.2f} %"
        remarks.warn(
            "PRECISION_NOT_MET",
            f"变化量在 90 % 置信度下的相对不确定性为 {found}，未达 {100 * target:g} % 的精度目标，按规则扣减。",
        )
    remarks.warn_of_recalled()


def _intermediate_change(
    round_: Round,
    change: Change,
    conservative: float,
    pairs: Mapping[str, list[PlotPair]],
    area_ha: float,
) -> dict[str, Any]:
    """Return the named numbers from the plots to the conservative change."""
    estimate = change.estimate
    policy = round_.policy.deduction
    period = round_.period
    u90 = None if estimate is None or math.isinf(estimate.u90) else estimate.u90
    return {
        "area_ha": area_ha,
        "years": (period.end - period.start).days / 365.25,
        "plot_agb_t_ha": [
            {
                "stratum": pair.stratum,
                "id": pair.id,
                "agb_t_ha_start": pair.start,
                "agb_t_ha_end": pair.end,
            }
            for stratum in round_.strata
            for pair in pairs[stratum.id]
        ],
        "strata": [row.as_dict() for row in change.strata],
        "delta_agb_t_ha": change.delta,
        "se_t_ha": None if estimate is None else estimate.stderr,
        "df": None if estimate is None else estimate.df,
        "t90": None if estimate is None else estimate.t90,
        "half_width_t_ha": None if estimate is None else estimate.half_width,
        "u90": u90,
        "deduction_policy": policy,
        "deduction_of_half_width": None if u90 is None else _of_half_width(u90, policy),
        "conservative_delta_agb_t_ha": conservative,
    }


def _of_half_width(u90: float, policy: str) -> float | None:
    try:
        return deductions.share_of_half_width(u90, policy)
    except NotIssuable:
        # The refusal is already among the result's refusals.
        return None


METHOD = Method(
    id=METHOD_ID,
    title_zh="毛竹林经营碳汇",
    title_en="Moso bamboo forest management",
    sink_type="bamboo",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="map_and_plots",
)

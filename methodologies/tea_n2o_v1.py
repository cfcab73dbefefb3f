"""Emission reduction by using less fertiliser in tea gardens (茶园减施氮肥减排), version 1.

A reduction, kept in its own ledger pool, never mixed with removals. A cut is counted by the IPCC wet
factor, an increase by the higher tea factor. Replacing synthetic by organic nitrogen is not counted:
oil cake in place of urea raised N2O (Zhang et al. 2020). The baseline is the mean of the records, at
most the registrar's cap, so that over-fertilising is not rewarded.

Sources: IPCC 2019 Vol. 4 Ch. 11; Wang et al. 2020 (tea factor). Released 2026-11. Frozen: a change is
a new module, `tea_n2o_v2`.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from methodologies import emissions, factors, inputs, propagation, settlement
from methodologies.base import Component, Method
from methodologies.explaining import deduction_text, factor_table
from methodologies.inputs import (
    Amount,
    Area,
    Model,
    Period,
    Settlement,
    Share,
    invalid,
    unique,
)
from methodologies.remarks import Remarks

METHOD_ID = "tea-n2o/1"
CUT_FACTOR_IDS = {
    "ef1_synthetic": "n2o.EF1.synthetic_wet",
    "ef1_organic": "n2o.EF1.organic_wet",
    "ef4": "n2o.EF4.wet",
    "ef5": "n2o.EF5",
    "frac_gasf": "n2o.FracGASF",
    "frac_gasm": "n2o.FracGASM",
    "frac_leach": "n2o.FracLEACH",
}
TEA_EF_ID = "tea.EFd_global"
FACTOR_IDS = (
    *CUT_FACTOR_IDS.values(),
    "n2o.EF1.aggregate",
    "n2o.EF4.aggregate",
    TEA_EF_ID,
    "const.n2o_n_to_n2o",
    "gwp.set",
    "gwp.n2o.ar5",
    "gwp.n2o.ar6",
    *emissions.UREA_FACTOR_IDS,
    "tea.baseline_N_cap",
    "tea.n2o_annual_cn",
    "ded.ar_tool14",
    "ded.ar_cm",
    "ded.gs403.threshold",
)


class Fertiliser(Model):
    """Nitrogen and urea of one year, per hectare."""

    year: Annotated[int, Field(ge=1990, le=2100)]
    synthetic_n_kg_ha: Amount
    organic_n_kg_ha: Amount = 0.0
    urea_t_ha: Amount = 0.0


class Policy(Settlement):
    """The registrar's decisions."""

    baseline_n_cap_kg_ha: (
        Annotated[float, Field(gt=0, description="基线施氮上限，千克/公顷/年")] | None
    ) = None
    min_record_years: Annotated[int, Field(ge=1, description="基线施肥记录最少年数")] = 3
    yield_drop_max_share: Annotated[Share, Field(description="减产超过此比例须核查市场泄漏")] = 0.05


class TeaN2o(Model):
    """Gardens, their fertiliser before and during the project, and their yield."""

    period: Period
    area_ha: Area
    baseline_records: Annotated[list[Fertiliser], Field(min_length=1)]
    project_records: Annotated[
        list[Fertiliser], Field(min_length=1, description="监测期内逐年施肥")
    ]
    yield_baseline_t_ha: Annotated[float, Field(gt=0)]
    yield_project_t_ha: Amount
    policy: Policy

    @model_validator(mode="after")
    def _each_year_once(self) -> "TeaN2o":
        for name, records in (
            ("baseline_records", self.baseline_records),
            ("project_records", self.project_records),
        ):
            unique(f"{name} 的年份", (str(r.year) for r in records))
        first = min(r.year for r in self.project_records)
        if late := [str(r.year) for r in self.baseline_records if r.year >= first]:
            raise invalid(f"基线记录 {'、'.join(late)} 年不早于项目记录的第一年 {first}")
        return self


def n2o_kg(v: Mapping[str, Any], synthetic_n_kg: float, organic_n_kg: float) -> Any:
    """Return N2O [kg]: direct, deposition and leaching; v holds the factors, numbers or arrays."""
    direct = synthetic_n_kg * v["ef1_synthetic"] + organic_n_kg * v["ef1_organic"]
    gas = synthetic_n_kg * v["frac_gasf"] + organic_n_kg * v["frac_gasm"]
    leached = (synthetic_n_kg + organic_n_kg) * v["frac_leach"]
    n2o_n = direct + gas * v["ef4"] + leached * v["ef5"]
    return n2o_n * factors.number("const.n2o_n_to_n2o")


def cuts_and_increases(
    baseline: tuple[float, float], project: tuple[float, float], cap: float | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return (synthetic, organic) nitrogen [kg/ha] cut and counted, and increased and debited.

    The cap lowers the baseline of a cut, both kinds in proportion, never that of an increase. A cut
    of one kind counts only beyond the increase of the other.
    """
    whole = sum(baseline)
    scale = 1.0 if cap is None or whole <= cap else cap / whole
    increase = (max(0.0, project[0] - baseline[0]), max(0.0, project[1] - baseline[1]))
    cut = (
        max(0.0, baseline[0] * scale - project[0] - increase[1]),
        max(0.0, baseline[1] * scale - project[1] - increase[0]),
    )
    return cut, increase


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one monitoring round, shaped as `methods run` prints it."""
    given = inputs.parse(TeaN2o, data)
    remarks = Remarks()
    _check(given, remarks)
    cap = remarks.decided(
        given.policy.baseline_n_cap_kg_ha, "tea.baseline_N_cap", "baseline_n_cap_kg_ha", None
    )
    baseline, project = _mean(given.baseline_records), _mean(given.project_records)
    years = len(given.project_records)
    hectare_years = given.area_ha * years
    cut, increase = cuts_and_increases(baseline[:2], project[:2], cap)
    cut_kg = (cut[0] * hectare_years, cut[1] * hectare_years)
    increase_kg = (increase[0] * hectare_years, increase[1] * hectare_years)
    gwp_set = remarks.decided(given.policy.gwp_set, "gwp.set", "gwp_set", "ar6")
    gwp = emissions.n2o_gwp(gwp_set)
    group, numbers = _reduction(data, cut, hectare_years * gwp / 1000.0, remarks)
    urea_t = max(0.0, project[2] - baseline[2]) * hectare_years
    debit_kg = _tea_n2o_kg(increase_kg, remarks)
    penalties = [Component("fertiliser", "N2O", -debit_kg / 1000.0 * gwp, None)] if debit_kg else []
    if urea_t:
        remarks.used.update(emissions.UREA_FACTOR_IDS)
        penalties.append(Component("urea", "CO2", -emissions.urea_co2_t(urea_t), None))
    intermediate = {
        "ledger": "tea_n2o",
        "mode": "DELTA",
        "area_ha": given.area_ha,
        "years": years,
        "baseline_n_kg_ha": {"synthetic": baseline[0], "organic": baseline[1]},
        "project_n_kg_ha": {"synthetic": project[0], "organic": project[1]},
        "baseline_n_cap_kg_ha": cap,
        "counted_cut_n_kg": {"synthetic": cut_kg[0], "organic": cut_kg[1]},
        "debited_increase_n_kg": {"synthetic": increase_kg[0], "organic": increase_kg[1]},
        "n2o_kg": numbers["n2o_kg_ha_year"] * hectare_years,
        "debit_n2o_kg": debit_kg,
        **numbers,
        "co2e_t_per_year": group.gross_co2e_t / years,
        "co2e_t_by_factor_set": _by_set(cut_kg, gwp),
    }
    claim = settlement.Claim(METHOD_ID, FACTOR_IDS, (group,), intermediate, tuple(penalties))
    return settlement.settle(claim, given.policy, remarks)


def _check(given: TeaN2o, remarks: Remarks) -> None:
    wanted = given.policy.min_record_years
    if len({r.year for r in given.baseline_records}) < wanted:
        remarks.refuse(
            "RECORDS_TOO_SHORT",
            f"基线施肥记录只有 {len(given.baseline_records)} 年，须至少 {wanted} 年（品名、日期、数量）；请补齐。",
        )
    # The end day no longer belongs.
    first, last = given.period.start.year, (given.period.end - timedelta(days=1)).year
    outside = any(not first <= r.year <= last for r in given.project_records)
    if outside or len(given.project_records) != round(given.period.years):
        remarks.refuse(
            "RECORDS_NOT_OF_PERIOD",
            f"监测期为 {given.period.start} 至 {given.period.end}（不含当日），须每年一条施肥记录，"
            f"现有 {len(given.project_records)} 条；多一条就多算一年。请核对年份。",
        )
    drop = 1.0 - given.yield_project_t_ha / given.yield_baseline_t_ha
    limit = given.policy.yield_drop_max_share
    if drop > limit:
        remarks.refuse(
            "YIELD_DROP",
            f"茶叶减产 {drop:.1%}，超过 {limit:.0%}：减少的产量可能由别处多施肥补上，须先作市场泄漏核查。",
        )


def _mean(records: list[Fertiliser]) -> tuple[float, float, float]:
    n = len(records)
    return (
        math.fsum(r.synthetic_n_kg_ha for r in records) / n,
        math.fsum(r.organic_n_kg_ha for r in records) / n,
        math.fsum(r.urea_t_ha for r in records) / n,
    )


def _reduction(
    data: Mapping[str, Any],
    cut_kg_ha: tuple[float, float],
    co2e_t_per_kg_ha: float,
    remarks: Remarks,
) -> tuple[settlement.Group, dict[str, Any]]:
    """Return the counted reduction; its interval by Monte Carlo over the ranges of the factors."""
    organic_only = {"ef1_organic", "frac_gasm"}
    needed = {n for n in CUT_FACTOR_IDS if cut_kg_ha[1] or n not in organic_only}
    remarks.used.update(CUT_FACTOR_IDS[name] for name in needed)
    spreads = {name: propagation.spread(i) for name, i in CUT_FACTOR_IDS.items()}

    def saved_kg_ha(v: Mapping[str, Any]) -> Any:
        return n2o_kg(v, *cut_kg_ha)

    per_ha = float(saved_kg_ha({name: s.value for name, s in spreads.items()}))
    value = per_ha * co2e_t_per_kg_ha
    drawn = None
    if any(cut_kg_ha):
        # N2O is proportional to nitrogen: cuts of one mixture share the draws.
        largest = max(cut_kg_ha)
        mixture = (cut_kg_ha[0] / largest, cut_kg_ha[1] / largest)
        drawn = propagation.simulate_practice(
            lambda v: n2o_kg(v, *mixture),
            spreads,
            {"mixture": mixture},
            factors.factor_hash(FACTOR_IDS),
        ).times(largest * co2e_t_per_kg_ha)
    component = Component("fertiliser", "N2O", value, drawn.sd if drawn else 0.0)
    group = settlement.Group(
        "n2o",
        "reduction",
        (component,),
        drawn.sd if drawn else 0.0,
        drawn.u90 if drawn else 0.0,
    )
    return group, {
        "n2o_kg_ha_year": per_ha,
        "u90": drawn.u90 if drawn else 0.0,
        "monte_carlo": drawn.as_dict() if drawn else None,
    }


def _tea_n2o_kg(n_kg: tuple[float, float], remarks: Remarks) -> float:
    """Return N2O [kg] of nitrogen by the tea factor in place of EF1."""
    if not any(n_kg):
        return 0.0
    tea = remarks.number(TEA_EF_ID)
    v = {name: remarks.number(i) for name, i in CUT_FACTOR_IDS.items()}
    return float(n2o_kg({**v, "ef1_synthetic": tea, "ef1_organic": tea}, *n_kg))


def _by_set(cut_kg: tuple[float, float], gwp: float) -> dict[str, float]:
    """Return the cut by each set of factors [tCO2e], to show what the choice costs."""
    # Shown only: the tea factor is not used for a cut, so it leaves no mark on the run.
    return {
        "wet": emissions.n2o_kg(*cut_kg, "wet") / 1000.0 * gwp,
        "aggregate": emissions.n2o_kg(*cut_kg, "aggregate") / 1000.0 * gwp,
        "tea": _tea_n2o_kg(cut_kg, Remarks()) / 1000.0 * gwp,
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(TeaN2o, METHOD_ID, "茶园减施氮肥减排的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: 10 ha from 450 to 300 kg N/ha, the example of the method text."""
    return {
        "period": {"start": "2025-01-01", "end": "2026-01-01"},
        "area_ha": 10.0,
        "baseline_records": [
            {"year": y, "synthetic_n_kg_ha": 450.0, "organic_n_kg_ha": 0.0, "urea_t_ha": 0.0}
            for y in (2022, 2023, 2024)
        ],
        "project_records": [
            {"year": 2025, "synthetic_n_kg_ha": 300.0, "organic_n_kg_ha": 0.0, "urea_t_ha": 0.0}
        ],
        "yield_baseline_t_ha": 0.45,
        "yield_project_t_ha": 0.45,
        "policy": {
            "deduction": "poe_flat",
            "buffer_share": None,
            "gwp_set": "ar6",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "baseline_n_cap_kg_ha": 450.0,
            "min_record_years": 3,
            "yield_drop_max_share": 0.05,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    found = run(example())["intermediate"]["co2e_t_by_factor_set"]
    return [
        (
            "适用范围",
            "茶园减少氮肥所避免的氧化亚氮排放。这是**减排**，单独记账，不与移除互换，不计缓冲。"
            "须有 3 年以上施肥记录；减产超过 5 % 须核查市场泄漏；基线施氮量不高于登记机构规定的当地推荐量。",
        ),
        (
            "公式",
            "N₂O = [N化·EF1化 + N有·EF1有 +（N化·0.11 + N有·0.21）·EF4 +（N化 + N有）·0.24·EF5]·44/28。\n\n"
            "减施按 IPCC 湿润区 EF1（0.016）计，增施按茶园 EF（0.0231）扣；以有机肥替代化肥不计减排，"
            "增加的有机氮照扣（实测替代后排放上升）。尿素二氧化碳只扣增加。",
        ),
        (
            "计入与不计入",
            "计入直接、沉降和淋溶的氧化亚氮；尿素二氧化碳只计增加。茶树生物量与土壤碳在 `tea-perennial/1`，另账；"
            "肥料生产、加工、包装等上游环节不计。",
        ),
        (
            "算例",
            f"10 公顷，每年由 450 减到 300 kg N/ha（1500 kg N）：湿润区 **{found['wet']:.4f}**（采用）、"
            f"综合 {found['aggregate']:.4f}、茶园 EF {found['tea']:.4f} tCO₂e/年（AR6）。",
        ),
        ("不确定性与扣减", deduction_text("poe_flat") + "不确定性由因子范围作 10 万次抽样得出。"),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="茶园减施氮肥减排",
    title_en="Tea garden fertiliser N2O",
    sink_type="tea",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="records",
    pool="non_co2",
)

"""Soil carbon of dry farmland by Tier 1 (农田土壤有机碳，缺省因子), version 1.

SOC_eq = SOCREF FLU FMG FI [tC/ha, 0-30 cm]; between equilibria the stock moves in 20 years, linearly,
from where it stands. On paddy FMG and FI do not act, so that management of a paddy gives no gain
here. Each combination of climate and soil is computed by itself and weighted by area; averaging
SOCREF first would be wrong. Biochar has its own method and never enters FI.

ABS is the stock path of each side, DELTA project minus baseline; only DELTA can be issued, and of
Tier 1 only if the registrar's policy says so. Sources: IPCC 2006/2019 Vol. 4 eq 2.25, Tables 2.3, 5.5
(2019 values; never mixed with 2006). Released 2026-11. Frozen: a change is `farmland_soc_v2`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from methodologies import factors, farmland_v1, inputs, propagation, settlement
from methodologies.base import CO2_PER_C, Component, Method, MethodInputInvalid, OutOfDomain
from methodologies.explaining import deduction_text, factor_table
from methodologies.farmland_soc_v1_input import (
    COOL_MOIST,
    TROPICAL,
    WARM_DRY,
    WARM_MOIST,
    FarmlandSoc,
    Management,
    SoilClass,
    Years,
    example,
    input_level,
)
from methodologies.propagation import Spread
from methodologies.remarks import Remarks

METHOD_ID = "farmland-soc/1"
# Soils whose reference stock is published, by climate.
REFERENCE_SOILS = {
    WARM_MOIST: ("HAC", "LAC", "SAN", "POD", "VOL", "WET"),
    WARM_DRY: ("HAC", "LAC", "SAN", "WET"),
    COOL_MOIST: ("HAC", "LAC", "SAN", "WET"),
    TROPICAL: ("HAC", "LAC", "SAN", "VOL", "WET"),
}
FACTOR_IDS = (
    *(f"soc_ref.{c}.{soil}" for c, soils in REFERENCE_SOILS.items() for soil in soils),
    f"flu.long_term_cultivated.{WARM_MOIST}",
    f"flu.long_term_cultivated.{WARM_DRY}",
    "flu.long_term_cultivated_iwms.temperate",
    "flu.paddy.all",
    "flu.set_aside.temperate_moist",
    "flu.perennial.temperate",
    "flu.native",
    "fmg.full_tillage",
    f"fmg.reduced_tillage.{WARM_MOIST}",
    f"fmg.no_tillage.{WARM_MOIST}",
    f"fi.low.{WARM_MOIST}",
    "fi.medium",
    f"fi.high_without_manure.{WARM_MOIST}",
    f"fi.high_with_manure.{WARM_MOIST}",
    "soc.transition_period",
    "soc.depth",
    *farmland_v1.DEDUCTION_FACTOR_IDS,
)
_KNOWN = frozenset(FACTOR_IDS)
COMMITTED_YEARS_MIN = 5
# Share of a parcel on valid cells: renormalised above, flagged between, refused below.
VALID_SHARE_FULL, VALID_SHARE_MIN = 0.95, 0.80
DISAGREEMENT = 0.10
SIDES = ("baseline", "project")


def soc_at(year: float, regimes: Sequence[tuple[float, Any]], transition_years: float) -> Any:
    """Return the stock of a year. regimes : (first year, equilibrium), the first one at equilibrium."""
    first, equilibrium = regimes[0]
    stock = equilibrium
    started, start_stock = first, equilibrium
    for from_year, next_equilibrium in regimes[1:]:
        if from_year >= year:
            break
        start_stock = _moved(start_stock, equilibrium, from_year - started, transition_years)
        started, equilibrium = from_year, next_equilibrium
    stock = _moved(start_stock, equilibrium, max(0.0, year - started), transition_years)
    return stock


def _moved(start: Any, equilibrium: Any, years: float, transition_years: float) -> Any:
    return start + (equilibrium - start) * min(years / transition_years, 1.0)


class _Terms:
    """The names of the factors of one class and management; local numbers get names of their own."""

    def __init__(self) -> None:
        self.spreads: dict[str, Spread] = {}
        self.local = False

    def table(self, factor_id: str) -> str:
        if factor_id not in self.spreads:
            if factor_id not in _KNOWN:
                raise OutOfDomain(
                    f"因子表没有 {factor_id}：该气候区、土类与做法的组合没有公布的数值；"
                    "请核对气候区与土类，或填写本地因子。"
                )
            self.spreads.update(farmland_v1.spreads([factor_id]))
        return factor_id

    def own(self, value: float) -> str:
        self.local = True
        name = f"local {value!r}"
        self.spreads[name] = Spread(value)
        return name


def _names(cell: SoilClass, m: Management, terms: _Terms) -> tuple[str, ...]:
    """Return the names whose product is the equilibrium stock."""
    reference = f"soc_ref.{cell.climate}.{cell.soil}"
    names = [terms.table(reference) if cell.soc_ref_t_ha is None else terms.own(cell.soc_ref_t_ha)]
    names.append(terms.own(m.flu) if m.flu is not None else terms.table(_flu(cell, m)))
    if m.land_use in ("paddy", "native", "set_aside"):
        # On paddy IPCC Table 5.5 does not use tillage and input; elsewhere there is neither.
        return tuple(names)
    if m.fmg is not None:
        names.append(terms.own(m.fmg))
    elif m.tillage is not None:
        suffix = "" if m.tillage == "full" else f".{cell.climate}"
        kind = {"full": "full_tillage", "reduced": "reduced_tillage", "none": "no_tillage"}
        names.append(terms.table(f"fmg.{kind[m.tillage]}{suffix}"))
    level = m.input_level if m.practices is None else input_level(m.practices)
    if m.fi is not None:
        names.append(terms.own(m.fi))
    elif level is not None:
        suffix = "" if level == "medium" else f".{cell.climate}"
        names.append(terms.table(f"fi.{level}{suffix}"))
    return tuple(names)


def _flu(cell: SoilClass, m: Management) -> str:
    if m.land_use == "paddy":
        if cell.soil == "WET":
            raise OutOfDomain(
                "水稻土按其下的矿质土类取值，不得用湿地土类：135 × 1.35 没有意义。请改填 HAC、LAC 等。"
            )
        return "flu.paddy.all"
    # Published for a belt of climates; elsewhere the id names the climate, and the table lacks it.
    temperate = "temperate" if cell.climate != TROPICAL else cell.climate
    moist = "temperate_moist" if cell.climate in (WARM_MOIST, COOL_MOIST) else cell.climate
    if m.land_use == "long_term_cultivated" and cell.soil == "WET":
        return f"flu.long_term_cultivated_iwms.{temperate}"
    return {
        "long_term_cultivated": f"flu.long_term_cultivated.{cell.climate}",
        "set_aside": f"flu.set_aside.{moist}",
        "perennial": f"flu.perennial.{temperate}",
        "native": "flu.native",
    }[m.land_use]


# Since which year which factors multiply, by side.
_Sides = tuple[tuple[str, tuple[tuple[float, tuple[str, ...]], ...]], ...]


@dataclass(frozen=True)
class _Scenarios:
    """What the parcel's soil holds on either side, as a function of the factors drawn.

    classes : per class its share of the area and its sides; kinds : the shares of classes of the
        same sides added up, so that ten thousand parcels of one soil are computed once
    """

    classes: Sequence[tuple[float, _Sides]]
    kinds: Mapping[_Sides, float]
    transition_years: float
    area_ha: float

    def soc_t_ha(self, v: Mapping[str, Any], year: float, side: str) -> Any:
        total: Any = 0.0
        for sides, weight in self.kinds.items():
            regimes = [(y, math.prod(v[n] for n in names)) for y, names in dict(sides)[side]]
            total = total + weight * soc_at(year, regimes, self.transition_years)
        return total

    def gained_co2_t_ha(self, v: Mapping[str, Any], years: Years) -> Any:
        """Project minus baseline."""
        gains = {
            side: self.soc_t_ha(v, years.end, side) - self.soc_t_ha(v, years.start, side)
            for side in SIDES
        }
        return (gains["project"] - gains["baseline"]) * CO2_PER_C

    @property
    def practice(self) -> dict[str, Any]:
        """Return what decides the draws; how large the parcel is does not."""
        kinds = [[round(weight, 9), sides] for sides, weight in self.kinds.items()]
        return {"kinds": sorted(kinds, key=str), "transition_years": self.transition_years}


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one parcel over the years, shaped as `methods run` prints it."""
    given = inputs.parse(FarmlandSoc, data)
    remarks = Remarks()
    farmland_v1.check_gates(given.gates, remarks)
    _check(given, remarks)
    terms = _Terms()
    scenarios = _scenarios(given, terms, remarks)
    remarks.used.update(name for name in terms.spreads if not name.startswith("local "))

    _check_start(scenarios, remarks)

    def delta_t_ha(v: Mapping[str, Any]) -> Any:
        return scenarios.gained_co2_t_ha(v, given.years)

    found = propagation.first_order(
        lambda v: delta_t_ha(v) * scenarios.area_ha, farmland_v1.approach1_spreads(terms.spreads)
    )
    drawn = propagation.simulate_practice(
        delta_t_ha,
        terms.spreads,
        {**scenarios.practice, "years": [given.years.start, given.years.end]},
        factors.factor_hash(FACTOR_IDS),
    ).times(scenarios.area_ha)
    if terms.local:
        remarks.warn("LOCAL_FACTORS", "采用了本地因子，其不确定性未给出，不得签发；出处须另附。")
    values = {name: s.value for name, s in terms.spreads.items()}
    claim = settlement.Claim(
        METHOD_ID,
        FACTOR_IDS,
        (_group(found, unknown=terms.local),),
        _intermediate(given, scenarios, values, found, drawn),
        farmland_v1.leakage(given.imported),
        buffer_on="removals",
    )
    return settlement.settle(claim, given.policy, remarks)


def _scenarios(given: FarmlandSoc, terms: _Terms, remarks: Remarks) -> _Scenarios:
    transition_years = remarks.number("soc.transition_period")
    whole_ha = _classes_ha(given)
    area_ha = _area(given, whole_ha, remarks)
    histories = {"baseline": given.baseline, "project": given.project}
    classes: list[tuple[float, _Sides]] = []
    kinds: dict[_Sides, float] = {}
    for cell in given.classes:
        weight = cell.area_ha / whole_ha
        sides = tuple(
            (side, tuple((r.from_year, _names(cell, r, terms)) for r in regimes))
            for side, regimes in histories.items()
        )
        classes.append((weight, sides))
        kinds[sides] = kinds.get(sides, 0.0) + weight
    return _Scenarios(classes, kinds, transition_years, area_ha)


def _check_start(scenarios: _Scenarios, remarks: Remarks) -> None:
    """Refuse where the two sides begin as different land: a low start would make a gain of its own."""
    for sides in scenarios.kinds:
        before, after = (regimes[0][1] for _, regimes in sides)
        if before != after:
            remarks.refuse(
                "START_DIFFERS",
                "基线与项目的第一个做法不同，起点不是同一块地的同一储量；"
                "请把项目开始前的做法写作项目的第一个做法，再写改变后的做法。",
            )
            return


def _classes_ha(given: FarmlandSoc) -> float:
    return math.fsum(c.area_ha for c in given.classes)


def _group(found: propagation.FirstOrder, *, unknown: bool) -> settlement.Group:
    """Return the gain; a factor of the place has no known error, nor has then the whole."""
    stderr, u90 = (None, None) if unknown else (found.stderr, found.u90)
    component = Component("SOC", "CO2", found.value, stderr)
    return settlement.Group("soc", "removal", (component,), stderr, u90)


def _intermediate(
    given: FarmlandSoc,
    scenarios: _Scenarios,
    values: Mapping[str, float],
    found: propagation.FirstOrder,
    drawn: propagation.Simulated,
) -> dict[str, Any]:
    years = given.years.end - given.years.start
    return {
        **_paths(given, values, scenarios),
        "mode": "DELTA",
        "area_ha": scenarios.area_ha,
        "valid_share": _classes_ha(given) / scenarios.area_ha,
        "years": years,
        "co2_t_ha": found.value / scenarios.area_ha,
        "co2_t_ha_year": found.value / scenarios.area_ha / years,
        "u90": found.u90 if math.isfinite(found.u90) else None,
        "u95": found.u95 if math.isfinite(found.u95) else None,
        "uncertainty_shares": dict(found.variance_shares),
        "monte_carlo": drawn.as_dict(),
        "monte_carlo_disagrees": bool(found.stderr)
        and abs(drawn.sd / found.stderr - 1.0) > DISAGREEMENT,
        "classes": _class_rows(given, values, scenarios),
    }


def _check(given: FarmlandSoc, remarks: Remarks) -> None:
    if given.policy.issue_tier1 is not True:
        remarks.refuse(
            "TIER1_ESTIMATE",
            "缺省因子算出的土壤碳只是估计（政策未允许签发，建议不签发）；签发请用实测方法 farmland-soc-measured/1。",
        )
    before = {r.land_use for r in given.baseline}
    if "paddy" not in before and any(r.land_use == "paddy" for r in given.project[1:]):
        remarks.refuse(
            "PADDY_CONVERSION",
            "旱改水不适用：表面的土壤碳增加是分类造成的，而甲烷排放显著上升。",
        )
    if given.committed_years < COMMITTED_YEARS_MIN:
        remarks.refuse(
            "AREA_NOT_KEPT",
            f"种植面积须保持至少 {COMMITTED_YEARS_MIN} 年，现为 {given.committed_years} 年。",
        )


def _area(given: FarmlandSoc, whole: float, remarks: Remarks) -> float:
    """Return the parcel's area; classes are renormalised to it where nodata is small."""
    if given.parcel_area_ha is None:
        return whole
    share = whole / given.parcel_area_ha
    if share > 1.0 + 1e-6:
        raise MethodInputInvalid(
            f"各类面积合计 {whole:g} 公顷，大于地块 {given.parcel_area_ha:g} 公顷。"
        )
    if share < VALID_SHARE_MIN:
        remarks.refuse("UNCOVERED", f"土壤图只覆盖地块的 {share:.1%}，低于 {VALID_SHARE_MIN:.0%}。")
    elif share < VALID_SHARE_FULL:
        remarks.warn("PARTLY_COVERED", f"土壤图覆盖地块的 {share:.1%}，其余按已知部分推算。")
    return given.parcel_area_ha


def _paths(
    given: FarmlandSoc, values: Mapping[str, float], scenarios: _Scenarios
) -> dict[str, Any]:
    """Return the stock path of both sides, ABS: what the land holds under each."""
    years = sorted({given.years.start, given.years.end, *given.report_years})
    return {
        "soc_t_ha": {
            side: [
                {"year": y, "soc_t_ha": float(scenarios.soc_t_ha(values, y, side))} for y in years
            ]
            for side in SIDES
        }
    }


def _class_rows(
    given: FarmlandSoc, values: Mapping[str, float], scenarios: _Scenarios
) -> list[dict[str, Any]]:
    return [
        {
            "soil": cell.soil,
            "climate": cell.climate,
            "weight": weight,
            **{
                f"soc_eq_t_ha_{side}": math.prod(values[n] for n in regimes[-1][1])
                for side, regimes in sides
            },
            **{f"factors_{side}": list(regimes[-1][1]) for side, regimes in sides},
        }
        for cell, (weight, sides) in zip(given.classes, scenarios.classes, strict=True)
    ]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(FarmlandSoc, METHOD_ID, "农田土壤有机碳（缺省因子）的输入")


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    found = run(example())
    steps = found["intermediate"]
    row = steps["classes"][0]
    return [
        (
            "适用范围",
            "旱地矿质土。水田不适用管理因子：秸秆还田、施有机肥在水田的缺省土壤碳增益为**零**，反而增加甲烷，"
            "水田请用实测方法。不得旱改水；减产超过 5 % 不合格；外运来的有机肥扣泄漏。"
            "缺省因子的结果只是估计，是否签发由政策决定（建议否）。",
        ),
        (
            "公式",
            "SOC平衡 = SOC参照·FLU·FMG·FI（tC/ha，0–30 cm）；SOC(y) = SOC起 +（SOC平衡 − SOC起）·min(年数/20, 1)。"
            "换做法时从当时的储量起算；20 年后增益为零。气候与土壤逐类计算再按面积加权，不先平均参照值。",
        ),
        (
            "计入与不计入",
            "计入 0–30 cm 土壤有机碳。甲烷、氧化亚氮、焚烧、生物炭各有方法，不在此重复。ABS 为两种情景的储量路径，"
            "DELTA 为项目减基线，只有 DELTA 可签发。",
        ),
        (
            "算例",
            f"25.6 公顷，全翻、低投入 → 少耕、秸秆还田加绿肥：平衡 {row['soc_eq_t_ha_baseline']:.3f} → "
            f"{row['soc_eq_t_ha_project']:.3f} tC/ha，每年 {steps['co2_t_ha_year']:.5f} tCO₂/ha，全地块 "
            f"{found['gross_co2_t']:.2f} tCO₂/年；95 % 不确定性 {100 * steps['u95']:.2f} %。",
        ),
        (
            "不确定性与扣减",
            deduction_text("poe_flat")
            + "共用的因子只计一次（误差传递法），并列出 10 万次抽样结果。",
        ),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="农田土壤有机碳（缺省因子）",
    title_en="Farmland soil carbon, Tier 1",
    sink_type="farmland",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="records",
    pool="soil",
)

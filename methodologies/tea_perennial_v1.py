"""Carbon removal by tea gardens (茶园生物量碳汇), version 1.

Stock difference of the framework below the pruning plane and of the roots; the canopy above it is
cut and grows again each year and is no removal. Each stratum uses the highest rung it has data for:
plant allometry, stand roots from shoots, age curve, Tier 1. Only the first two, from plots, can be
issued: published stocks of tea differ five-fold. Gains end at the registrar's greatest age.

Soil is computed beside it and belongs to another ledger; shade trees are listed, never counted here.
Sources: method text 2.1-2.6; IPCC 2006 Vol. 4 eq 2.15 (conversion). Not CCER: tea is economic forest.
Released 2026-11. Frozen: a change is a new module, `tea_perennial_v2`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import (
    inputs,
    moso_stand_v1,
    plot_change_v1,
    settlement,
    soil_v1,
    tea_stand_v1,
    trees_v1,
)
from methodologies.base import CO2_PER_C, Component, FactorMissing, Method
from methodologies.explaining import deduction_text, factor_table
from methodologies.factors import factor
from methodologies.forest_aff_v1 import TreeRow
from methodologies.inputs import (
    Amount,
    Area,
    Baseline,
    Day,
    Identifier,
    Model,
    Period,
    Settlement,
    Share,
    invalid,
    unique,
)
from methodologies.plot_change_v1 import PlotCo2, StratumPlots
from methodologies.remarks import Remarks
from methodologies.settlement import Group
from methodologies.soil_v1 import Layer
from methodologies.tea_stand_v1 import Allometry, Bushes

METHOD_ID = "tea-perennial/1"
FACTOR_IDS = (
    *tea_stand_v1.ROOT_FACTOR_IDS,
    *tea_stand_v1.CURVE_FACTOR_IDS,
    *tea_stand_v1.SHRUB_FACTOR_IDS,
    "tea.allometry",
    "tea.pruning_plane",
    "tea.credit_age_max",
    "tea.stock_realised_cn",
    "tree.generic_agb",
    "tree.R_function",
    *plot_change_v1.FACTOR_IDS,
    "ded.ar_tool14",
    "ded.ar_cm",
    "ded.gs403.threshold",
    "risk.registry",
)
# A garden of this age or more may take a baseline of nought (method text 2.3).
BASELINE_ZERO_AGE_YEARS = 15
SOC_DEPTH_CM = 30.0

Shoots = Annotated[float, Field(ge=0, description="地上生物量，吨干物质/公顷")]
Age = Annotated[int, Field(ge=0, le=200, description="园龄，年")]


class TeaPlot(Model):
    """A permanent plot at both dates: shoots per hectare, or bushes with the plot's area.

    above_plane_share : share of above-ground biomass above the pruning plane
    """

    id: Identifier
    agb_t_ha_start: Shoots | None = None
    agb_t_ha_end: Shoots | None = None
    bushes_start: list[Bushes] | None = None
    bushes_end: list[Bushes] | None = None
    area_m2: Annotated[float, Field(gt=0)] | None = None
    slope_deg: Annotated[float, Field(ge=0, le=60)] = 0.0
    above_plane_share_start: Annotated[Share, Field(description="修剪面以上占地上生物量的比例")]
    above_plane_share_end: Annotated[Share, Field(description="修剪面以上占地上生物量的比例")]

    @model_validator(mode="after")
    def _one_measurement(self) -> "TeaPlot":
        shoots = (self.agb_t_ha_start is not None, self.agb_t_ha_end is not None)
        bushes = (self.bushes_start is not None, self.bushes_end is not None)
        mixed = any(shoots) != all(shoots) or any(bushes) != all(bushes)
        if mixed or all(shoots) == all(bushes):
            raise invalid(f"样地 {self.id}：两期地上生物量与两期逐丛测量须且只能填一种")
        if all(bushes) and self.area_m2 is None:
            raise invalid(f"样地 {self.id}：逐丛测量须填样地面积 area_m2")
        return self


class Garden(Model):
    """A stratum of gardens of one age."""

    id: Identifier
    area_ha: Area
    age_years_start: Age
    age_years_end: Age
    crown_cover_start: Share | None = None
    crown_cover_end: Share | None = None
    plots: list[TeaPlot] = Field(default_factory=list)

    @model_validator(mode="after")
    def _whole(self) -> "Garden":
        if (self.crown_cover_start is None) != (self.crown_cover_end is None):
            raise invalid(f"层 {self.id}：两期树冠盖度须同时填写")
        return self


class Pruning(Model):
    """A pruning or replanting. seen_by_plots: the plots were measured again after it."""

    day: Day
    kind: Literal["light", "medium", "heavy", "collar", "replant"]
    area_ha: Area
    agb_removed_t_ha: Amount
    seen_by_plots: Annotated[bool, Field(description="样地复测已反映这次损失")] = False


class Conversion(Model):
    """Land cleared for a new garden, with what stood on it."""

    area_ha: Area
    prior_c_t_ha: Annotated[float, Field(ge=0, description="开垦前的碳储量，吨碳/公顷")]


class Soil(Model):
    """Soil samples of both dates, 0-30 cm and, at the end, deep enough for the same mass."""

    start: Annotated[list[Layer], Field(min_length=1)]
    end: Annotated[list[Layer], Field(min_length=1)]


class Policy(Settlement):
    """The registrar's decisions."""

    min_plots_per_stratum: Annotated[int, Field(ge=2)] = 3
    credit_age_max_years: Annotated[int, Field(ge=1)] | None = None
    pruning_plane_m: Annotated[float, Field(gt=0)] | None = None
    allometry: Allometry | None = None


class TeaRound(Model):
    """One monitoring round of tea gardens."""

    period: Period
    strata: Annotated[list[Garden], Field(min_length=1)]
    prunings: list[Pruning] = Field(default_factory=list)
    conversion: Conversion | None = None
    baseline_basis: Literal["same_age_control", "mature_zero"]
    baseline_co2_t: Baseline
    soil: Soil | None = None
    shade_trees: list[TreeRow] = Field(default_factory=list)
    policy: Policy

    @model_validator(mode="after")
    def _consistent(self) -> "TeaRound":
        unique("层", (s.id for s in self.strata))
        unique("样地", (p.id for s in self.strata for p in s.plots))
        for event in self.prunings:
            if not self.period.start <= event.day < self.period.end:
                raise invalid(f"修剪日 {event.day} 不在监测期内")
        return self


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one monitoring round, shaped as `methods run` prints it.

    Raises
    ------
    FactorMissing
        Bushes were measured and nobody has set the coefficients of the equation.
    OutOfDomain
        Shoots lie outside the equation of roots, or soil was not sampled deep enough.
    """
    given = inputs.parse(TeaRound, data)
    remarks = Remarks()
    policy = given.policy
    age_max = remarks.decided(
        policy.credit_age_max_years, "tea.credit_age_max", "credit_age_max_years", 0
    )
    plane_m = remarks.decided(policy.pruning_plane_m, "tea.pruning_plane", "pruning_plane_m", None)
    _check_baseline(given, remarks)
    groups, steps = [], []
    plotted = [s for s in given.strata if s.plots]
    intermediate: dict[str, Any] = {}
    if plotted:
        strata = [_by_plots(s, policy.allometry, age_max, remarks) for s in plotted]
        change = plot_change_v1.change(
            strata, policy.min_plots_per_stratum, remarks, "frame_plus_roots"
        )
        groups.append(change.group)
        intermediate = dict(change.intermediate)
    for stratum in given.strata:
        if not stratum.plots:
            group, row = _by_default(stratum, age_max, remarks)
            groups.append(group)
            steps.append(row)
    losses = _losses(given, remarks)
    intermediate.update(
        {
            "years": given.period.years,
            "ledger": "tea_biomass",
            "credit_pool": "frame_plus_roots",
            "credit_age_max_years": age_max,
            "pruning_plane_m": plane_m,
            "default_strata": steps,
            "prunings": [_event(event, remarks) for event in given.prunings],
            "soil": None if given.soil is None else soil_change(given.soil.start, given.soil.end),
            "shade_tree_agb_kg": math.fsum(
                t.count * trees_v1.tree_agb_kg(t.dbh_cm, t.wood_density_g_cm3)
                for t in given.shade_trees
            ),
        }
    )
    claim = settlement.Claim(
        METHOD_ID, FACTOR_IDS, tuple(groups), intermediate, losses, given.baseline_co2_t
    )
    return settlement.settle(claim, policy, remarks)


def _check_baseline(given: TeaRound, remarks: Remarks) -> None:
    if given.baseline_basis != "mature_zero":
        return
    young = [s.id for s in given.strata if s.age_years_start < BASELINE_ZERO_AGE_YEARS]
    if young or given.baseline_co2_t.co2_t != 0.0:
        remarks.refuse(
            "BASELINE_NOT_ZERO",
            f"基线取零只限 {BASELINE_ZERO_AGE_YEARS} 年以上的茶园且数值为零；"
            f"层 {'、'.join(young) or '全部'} 须以同龄常规茶园为对照。",
        )


def counted_share(age_start: int, age_end: int, age_max: int) -> float:
    """Return the share of a gain made before the greatest age that is credited."""
    if age_end <= age_max:
        return 1.0
    if age_start >= age_max or age_end <= age_start:
        return 0.0
    return (age_max - age_start) / (age_end - age_start)


def _by_plots(
    stratum: Garden, equation: Allometry | None, age_max: int, remarks: Remarks
) -> StratumPlots:
    """Return the creditable tCO2/ha of each plot: frame below the plane, and roots."""
    remarks.used.update((*tea_stand_v1.ROOT_FACTOR_IDS, "tea.CF"))
    share = counted_share(stratum.age_years_start, stratum.age_years_end, age_max)
    rows = []
    for plot in stratum.plots:
        start = _plot_stock(plot, stratum.age_years_start, "start", equation, remarks)
        end = _plot_stock(plot, stratum.age_years_end, "end", equation, remarks)
        gain = end["creditable_c_t_ha"] - start["creditable_c_t_ha"]
        counted = gain * share if gain > 0.0 else gain
        first = start["creditable_c_t_ha"] * CO2_PER_C
        rows.append(
            PlotCo2(
                plot.id,
                first,
                first + counted * CO2_PER_C,
                {"start": start, "end": end, "counted_share_of_gain": share},
            )
        )
    return StratumPlots(stratum.id, stratum.area_ha, rows)


def _plot_stock(
    plot: TeaPlot,
    age_years: int,
    date: Literal["start", "end"],
    equation: Allometry | None,
    remarks: Remarks,
) -> dict[str, Any]:
    shoots = getattr(plot, f"agb_t_ha_{date}")
    rung = "root_from_shoot"
    if shoots is None:
        rung = "allometry"
        shoots = _bushes_t_ha(plot, getattr(plot, f"bushes_{date}"), equation)
    roots = tea_stand_v1.roots_t_ha(shoots, age_years)
    frame = shoots * (1.0 - getattr(plot, f"above_plane_share_{date}"))
    carbon_fraction = remarks.number("tea.CF")
    return {
        "rung": rung,
        "age_years": age_years,
        "agb_t_ha": shoots,
        "bgb_t_ha": roots,
        "frame_t_ha": frame,
        "c_t_ha": (shoots + roots) * carbon_fraction,
        "creditable_c_t_ha": (frame + roots) * carbon_fraction,
    }


def _bushes_t_ha(plot: TeaPlot, bushes: Sequence[Bushes], equation: Allometry | None) -> float:
    if equation is None:
        raise FactorMissing("tea.allometry", factor("tea.allometry").source)
    assert plot.area_m2 is not None
    area_ha = moso_stand_v1.horizontal_area_ha(plot.area_m2, plot.slope_deg)
    kilograms = math.fsum(b.count * tea_stand_v1.bush_agb_kg(b, equation) for b in bushes)
    return kilograms / 1000.0 / area_ha


def _by_default(stratum: Garden, age_max: int, remarks: Remarks) -> tuple[Group, dict[str, Any]]:
    """Return a stratum without plots by Tier 1 or by the age curve: an inventory, never issued."""
    remarks.refuse(
        "NO_PLOTS",
        f"层 {stratum.id} 没有样地，只能用默认曲线估算；已发表的茶园储量相差五倍，不得据此签发。请布设样地。",
    )
    if stratum.crown_cover_start is not None and stratum.crown_cover_end is not None:
        remarks.used.update(tea_stand_v1.SHRUB_FACTOR_IDS)
        rung = "tier1_shrub"
        (agb_start, start), (agb_end, end) = (
            tea_stand_v1.shrub_stock(cover)
            for cover in (stratum.crown_cover_start, stratum.crown_cover_end)
        )
        biomass = {"agb_t_ha_start": agb_start, "agb_t_ha_end": agb_end}
    else:
        remarks.used.update(tea_stand_v1.CURVE_FACTOR_IDS)
        rung, biomass = "age_curve", {}
        start, end = (
            tea_stand_v1.curve_c_t_ha(age)
            for age in (stratum.age_years_start, stratum.age_years_end)
        )
    share = counted_share(stratum.age_years_start, stratum.age_years_end, age_max)
    gain = end - start
    counted = gain * share if gain > 0.0 else gain
    component = Component("bush", "CO2", counted * stratum.area_ha * CO2_PER_C, None)
    row = {
        "id": stratum.id,
        "rung": rung,
        **biomass,
        "c_t_ha_start": start,
        "c_t_ha_end": end,
        "co2_t_ha_start": start * CO2_PER_C,
        "co2_t_ha_end": end * CO2_PER_C,
        "potential_c_t_ha_end": tea_stand_v1.curve_c_t_ha(stratum.age_years_end, realised=False),
        "counted_share_of_gain": share,
    }
    return Group(f"bush:{stratum.id}", "removal", (component,), None, None), row


def _losses(given: TeaRound, remarks: Remarks) -> tuple[Component, ...]:
    """Return what prunings and clearing took, as negative components."""
    found = [
        Component("pruning", "CO2", -row["loss_co2_t"], None)
        for row in (_event(event, remarks) for event in given.prunings)
        if row["subtracted"]
    ]
    if given.conversion is not None:
        lost = given.conversion.area_ha * given.conversion.prior_c_t_ha * CO2_PER_C
        found.append(Component("conversion", "CO2", -lost, None))
    return tuple(found)


def _event(event: Pruning, remarks: Remarks) -> dict[str, Any]:
    """Return a pruning with its loss, L = A x AGB removed x CF; light pruning changes no stock."""
    light = event.kind == "light"
    removed = 0.0 if light else event.agb_removed_t_ha
    loss = event.area_ha * removed * remarks.number("tea.CF") * CO2_PER_C
    return {
        "day": event.day.isoformat(),
        "kind": event.kind,
        "loss_co2_t": loss,
        "subtracted": not light and not event.seen_by_plots,
    }


def soil_change(start: Sequence[Layer], end: Sequence[Layer]) -> dict[str, float]:
    """Return soil carbon of both dates at 30 cm and at the mass of the first [tC/ha]."""
    soc_start, mass_start = soil_v1.to_depth(start, SOC_DEPTH_CM)
    soc_end, mass_end = soil_v1.to_depth(end, SOC_DEPTH_CM)
    equal = soil_v1.to_mass(end, mass_start)
    return {
        "soc_t_ha_start": soc_start,
        "soc_t_ha_end_fixed_depth": soc_end,
        "mass_t_ha_start": mass_start,
        "mass_t_ha_end": mass_end,
        "soc_t_ha_end": equal,
        "delta_soc_t_ha": equal - soc_start,
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(TeaRound, METHOD_ID, "茶园生物量碳汇一个监测期的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: one stratum with plots, soil and shade trees; invented."""
    plots = [
        {
            "id": f"C{i}",
            "agb_t_ha_start": 11.5 + 0.3 * i,
            "agb_t_ha_end": 15.6 + 0.35 * i,
            "above_plane_share_start": 0.26,
            "above_plane_share_end": 0.25,
        }
        for i in range(1, 7)
    ]
    return {
        "period": {"start": "2021-01-01", "end": "2026-01-01"},
        "strata": [
            {
                "id": "A",
                "area_ha": 80.0,
                "age_years_start": 8,
                "age_years_end": 13,
                "plots": plots,
            }
        ],
        "prunings": [
            {"day": "2023-05-20", "kind": "light", "area_ha": 80.0, "agb_removed_t_ha": 1.2},
            {"day": "2024-05-20", "kind": "heavy", "area_ha": 5.0, "agb_removed_t_ha": 4.0},
        ],
        "conversion": None,
        "baseline_basis": "same_age_control",
        "baseline_co2_t": {"co2_t": 120.0, "u90": 0.10},
        "soil": {
            "start": [
                {"oc_g_kg": 14.0, "bd_g_cm3": 1.20, "thickness_cm": 30.0, "coarse_share": 0.10}
            ],
            "end": [
                {"oc_g_kg": 15.2, "bd_g_cm3": 1.15, "thickness_cm": 30.0, "coarse_share": 0.10},
                {"oc_g_kg": 12.0, "bd_g_cm3": 1.15, "thickness_cm": 10.0, "coarse_share": 0.10},
            ],
        },
        "shade_trees": [{"dbh_cm": 15.0, "wood_density_g_cm3": 0.45, "count": 12}],
        "policy": {
            "deduction": "ar_tool14",
            "buffer_share": 0.10,
            "gwp_set": "ar6",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "min_plots_per_stratum": 3,
            "credit_age_max_years": 25,
            "pruning_plane_m": 0.5,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the examples are computed here and now."""
    return [
        ("适用范围", _SCOPE),
        ("计入与不计入", _POOLS),
        ("公式", _EQUATIONS),
        ("不确定性与扣减", deduction_text("ar_tool14")),
        ("算例", _examples()),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


_SCOPE = """\
茶园属园地、经济林，CCER-14-001 不适用，也没有茶园的 CCER 方法学；本方法（`tea-perennial/1`）只用于本地机制。
生物量与土壤、施肥减排**分账**：移除与减排不可互换。生态低碳茶认证只是地块属性，不产生碳汇量。"""

_POOLS = """\
| 碳库 | 是否计入 |
|---|---|
| 修剪面以下骨架枝干、根 | 计入 |
| 修剪面以上的枝叶、采摘的芽叶 | 不计：年年剪去又长出 |
| 轻修剪 | 储量不变 |
| 中、重修剪，台刈，改植 | 发生日记损失，再生后另计 |
| 开垦森林、竹林新建茶园 | 一次扣除原有储量 |
| 土壤 | 另账 |
| 遮阴树 | 只列出，不重复计 |"""

_EQUATIONS = """\
1. 单丛方程 AGB = a·X^b（X 为 D₀²H、D₀ 或 冠幅₁·冠幅₂·H），对数拟合乘 exp(s²/2)；系数待登记机构取得后填入。
2. 由地上推根：2 年以内 B根 = 0.665·B地上 − 0.217（不小于 0）；3 年以上 B根 = 0.013·B地上² − 0.087·B地上 + 3.269，地上不低于 5 t/ha。
3. 园龄曲线（潜力，按全国实际均值 0.2974 折算）：0、4、15、25 年为 0、18.0、28.45、30.6 tC/ha。只作清查。
4. 灌木缺省：C = 0.47 ×（1 + 0.40）× 0.10 × 61 × 盖度。只作清查。
5. 增长计到政策规定的最大园龄（建议 25 年），损失一直计。"""


def _examples() -> str:
    roots = "、".join(
        f"{b:g} → {tea_stand_v1.roots_t_ha(b, age):.3f}"
        for b, age in ((1.0, 2), (2.0, 2), (10.0, 8), (20.0, 8), (30.0, 20), (40.0, 20))
    )
    biomass, carbon = tea_stand_v1.shrub_stock(0.80)
    curve = "、".join(
        f"{age} 年 {tea_stand_v1.curve_c_t_ha(age, realised=False):.3f}" for age in (5, 10, 20)
    )
    return f"""\
- 由地上推根（t/ha）：{roots}
- 潜力曲线（tC/ha）：{curve}
- 盖度 0.80 的灌木缺省：{biomass:.2f} t/ha，{carbon:.4f} tC/ha，{carbon * CO2_PER_C:.4f} tCO₂/ha
- 遮阴树胸径 15 cm、密度 0.45：{trees_v1.tree_agb_kg(15.0, 0.45):.4f} kg"""


METHOD = Method(
    id=METHOD_ID,
    title_zh="茶园生物量碳汇",
    title_en="Tea garden biomass",
    sink_type="tea",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="plots",
)

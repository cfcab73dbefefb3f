"""Carbon removal by planted forest (造林碳汇), version 1.

Stock difference on plots measured twice, by stratum. A stratum is computed by one route: volume with
expansion factors, the stand equations of Zhejiang, or tree by tree. Then deduction, baseline,
emissions, leakage, buffer; floored to kilograms once.

Included: above-ground and below-ground biomass of trees; fertiliser and fire. Excluded: soil, litter,
dead wood, products (left out as CCER-14-001 does, conservatively).

Sources: CCER-14-001-V01 (conditions as far as read; the accounting frame is recalled), AR-TOOL14
v04.2, Li Yin et al. 2016. Released 2026-11. Frozen: a change is a new module, `forest_aff_v2`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import (
    added_emissions_v1,
    eligibility,
    inputs,
    moso_stand_v1,
    plot_change_v1,
    settlement,
    trees_v1,
)
from methodologies.base import Component, Method
from methodologies.eligibility import Ccer14
from methodologies.explaining import deduction_text, factor_table
from methodologies.inputs import (
    Area,
    Baseline,
    Identifier,
    Model,
    Period,
    Settlement,
    invalid,
    unique,
)
from methodologies.moso_mgmt_v1_input import Emissions
from methodologies.plot_change_v1 import PlotCo2, StratumPlots
from methodologies.remarks import Remarks

METHOD_ID = "forest-aff/1"
FACTOR_IDS = (
    *trees_v1.FACTOR_IDS,
    *plot_change_v1.FACTOR_IDS,
    *added_emissions_v1.FACTOR_IDS,
    *eligibility.CCER14_FACTOR_IDS,
    "ded.ar_tool14",
    "ded.ar_cm",
    "ded.gs403.threshold",
    "risk.registry",
    "risk.ccer14",
)

Volume = Annotated[float, Field(ge=0, description="带皮蓄积，立方米/公顷")]


class TreeRow(Model):
    """Trees of one diameter and density."""

    dbh_cm: Annotated[float, Field(gt=0, description="胸径，厘米")]
    wood_density_g_cm3: Annotated[float, Field(gt=0, lt=2, description="基本密度，克/立方厘米")]
    count: Annotated[int, Field(ge=1)] = 1

    def tree(self) -> trees_v1.Tree:
        """Return the row as trees."""
        return trees_v1.Tree(self.dbh_cm, self.wood_density_g_cm3, self.count)


class TreePlot(Model):
    """A permanent plot at both dates: volume, or trees with the plot's area. No trees: an empty list."""

    id: Identifier
    volume_m3_ha_start: Volume | None = None
    volume_m3_ha_end: Volume | None = None
    trees_start: list[TreeRow] | None = None
    trees_end: list[TreeRow] | None = None
    area_m2: Annotated[float, Field(gt=0, description="样地面积（沿坡面量），平方米")] | None = None
    slope_deg: Annotated[float, Field(ge=0, le=60)] = 0.0

    @model_validator(mode="after")
    def _one_measurement(self) -> "TreePlot":
        volumes = (self.volume_m3_ha_start is not None, self.volume_m3_ha_end is not None)
        trees = (self.trees_start is not None, self.trees_end is not None)
        if all(volumes) == all(trees) or any(volumes) != all(volumes) or any(trees) != all(trees):
            raise invalid(f"样地 {self.id}：两期蓄积与两期每木检尺须且只能填一种，期初期末都要填")
        if all(trees) and self.area_m2 is None:
            raise invalid(f"样地 {self.id}：每木检尺须填样地面积 area_m2")
        return self


class TreeStratum(Model):
    """A stratum, its route, and the numbers the route takes where they are not the table's."""

    id: Identifier
    area_ha: Area
    route: Literal["bef", "stand_equation", "allometry"]
    species: Annotated[str, Field(description="bef：树种；stand_equation：林分类型")] | None = None
    wood_density_t_m3: Annotated[float, Field(gt=0, lt=2)] | None = None
    bef: Annotated[float, Field(ge=1)] | None = None
    root_ratio: Annotated[float, Field(gt=0)] | None = None
    carbon_fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    plots: list[TreePlot]

    @model_validator(mode="after")
    def _fits_route(self) -> "TreeStratum":
        single = self.route == "allometry"
        for plot in self.plots:
            if (plot.trees_start is not None) != single:
                raise invalid(f"层 {self.id} 用 {self.route}，样地 {plot.id} 的测法不符")
        if self.route == "stand_equation" and self.species is None:
            raise invalid(f"层 {self.id}：林分方程须指定林分类型 species")
        return self


class Policy(Settlement):
    """The registrar's decisions."""

    min_plots_per_stratum: Annotated[int, Field(ge=2)] = 3
    min_volume_m3_ha: Annotated[float, Field(ge=0, description="林分方程可用的最小蓄积")] = 10.0


class ForestRound(Model):
    """One monitoring round of a planted forest."""

    period: Period
    eligibility: Ccer14
    strata: Annotated[list[TreeStratum], Field(min_length=1)]
    baseline_co2_t: Baseline
    emissions: Emissions | None = None
    leakage_co2e_t: Annotated[float, Field(ge=0)] = 0.0
    policy: Policy

    @model_validator(mode="after")
    def _ids(self) -> "ForestRound":
        unique("层", (s.id for s in self.strata))
        unique("样地", (p.id for s in self.strata for p in s.plots))
        return self


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one monitoring round, shaped as `methods run` prints it."""
    given = inputs.parse(ForestRound, data)
    remarks = Remarks()
    checks = eligibility.apply(eligibility.ccer14(given.eligibility), remarks)
    eligibility.warn_unread(remarks)
    strata = [plots_co2(s, given.policy.min_volume_m3_ha, remarks) for s in given.strata]
    change = plot_change_v1.change(strata, given.policy.min_plots_per_stratum, remarks)
    if given.baseline_co2_t.co2_t == 0.0:
        remarks.warn("BASELINE_ZERO", "基线碳汇量取零：须证明无项目时地上没有乔木生长。")
    claim = settlement.Claim(
        METHOD_ID,
        FACTOR_IDS,
        (change.group,),
        {"eligibility": checks, "years": given.period.years, **change.intermediate},
        penalties=(
            *added_emissions_v1.components(given.emissions, given.policy.gwp_set, remarks),
            *leakage_components(given.leakage_co2e_t),
        ),
        baseline=given.baseline_co2_t,
    )
    return settlement.settle(claim, given.policy, remarks)


def leakage_components(leakage_co2e_t: float) -> tuple[Component, ...]:
    """Return leakage as a negative component; none if there is none."""
    return (Component("leakage", "CO2e", -leakage_co2e_t, None),) if leakage_co2e_t else ()


def plots_co2(stratum: TreeStratum, volume_min_m3_ha: float, remarks: Remarks) -> StratumPlots:
    """Return the plots of a stratum in tCO2/ha at both dates, with every step between."""
    rows = []
    for plot in stratum.plots:
        start, end = _stocks(stratum, plot, volume_min_m3_ha, remarks)
        steps = {"start": start.as_dict(), "end": end.as_dict(), "route": stratum.route}
        rows.append(PlotCo2(plot.id, start.co2_t_ha, end.co2_t_ha, steps))
    return StratumPlots(stratum.id, stratum.area_ha, rows)


def _stocks(
    stratum: TreeStratum, plot: TreePlot, volume_min_m3_ha: float, remarks: Remarks
) -> tuple[trees_v1.Stock, trees_v1.Stock]:
    if plot.trees_start is not None and plot.trees_end is not None and plot.area_m2 is not None:
        area_ha = moso_stand_v1.horizontal_area_ha(plot.area_m2, plot.slope_deg)
        remarks.used.update(("tree.generic_agb", "tree.R_function"))
        cf = _carbon_fraction(stratum, remarks)
        first, last = (
            trees_v1.by_trees([row.tree() for row in rows], area_ha, stratum.root_ratio, cf)
            for rows in (plot.trees_start, plot.trees_end)
        )
        return first, last
    assert plot.volume_m3_ha_start is not None and plot.volume_m3_ha_end is not None
    volumes = (plot.volume_m3_ha_start, plot.volume_m3_ha_end)
    if stratum.route == "stand_equation":
        assert stratum.species is not None
        remarks.used.add(trees_v1.STAND_TABLE)
        cf = _carbon_fraction(stratum, remarks)
        first, last = (
            trees_v1.by_stand_equation(v, stratum.species, volume_min_m3_ha, cf) for v in volumes
        )
        return first, last
    numbers = trees_v1.expansion(
        stratum.species,
        remarks,
        wood_density_t_m3=stratum.wood_density_t_m3,
        bef=stratum.bef,
        ratio=stratum.root_ratio,
        carbon_fraction=stratum.carbon_fraction,
    )
    first, last = (trees_v1.by_volume(v, numbers) for v in volumes)
    return first, last


def _carbon_fraction(stratum: TreeStratum, remarks: Remarks) -> float:
    if stratum.carbon_fraction is not None:
        return stratum.carbon_fraction
    return remarks.number("tree.CF")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(ForestRound, METHOD_ID, "造林碳汇一个监测期的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: fir by expansion factors, oak by stand equation, trees; invented."""

    def volumes(prefix: str, *pairs: tuple[float, float]) -> list[dict[str, Any]]:
        return [
            {"id": f"{prefix}{i}", "volume_m3_ha_start": first, "volume_m3_ha_end": last}
            for i, (first, last) in enumerate(pairs, start=1)
        ]

    trees = [
        {
            "id": f"T{i}",
            "area_m2": 600.0,
            "trees_start": [{"dbh_cm": 8.0, "wood_density_g_cm3": 0.45, "count": 40 + i}],
            "trees_end": [{"dbh_cm": 10.5, "wood_density_g_cm3": 0.45, "count": 40 + i}],
        }
        for i in range(1, 5)
    ]
    return {
        "period": {"start": "2021-01-01", "end": "2026-01-01"},
        "eligibility": {
            "forest_category": "protection",
            "nonforest_years": 6.0,
            "tenure_documented": True,
            "smallest_parcel_m2": 5000.0,
            "start_year": 2016,
            "wetland": False,
            "scattered_trees_removed": False,
            "shrub_removal_share": 0.05,
        },
        "strata": [
            {
                "id": "fir",
                "area_ha": 60.0,
                "route": "bef",
                "species": "chinese_fir",
                "plots": volumes("F", (80.0, 120.0), (74.0, 112.0), (85.0, 127.0), (79.0, 118.0)),
            },
            {
                "id": "oak",
                "area_ha": 25.0,
                "route": "stand_equation",
                "species": "oak",
                "plots": volumes("O", (40.0, 60.0), (36.0, 57.0), (45.0, 64.0)),
            },
            {"id": "mixed", "area_ha": 15.0, "route": "allometry", "plots": trees},
        ],
        "baseline_co2_t": {"co2_t": 0.0, "u90": 0.0},
        "emissions": {"fertiliser_n_kg_project": 0.0, "fertiliser_n_kg_baseline": 0.0},
        "leakage_co2e_t": 0.0,
        "policy": {
            "deduction": "ar_tool14",
            "buffer_share": 0.10,
            "gwp_set": "ar6",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "min_plots_per_stratum": 3,
            "min_volume_m3_ha": 10.0,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the examples are computed here and now."""
    given = inputs.parse(ForestRound, example())
    rules = eligibility.markdown(eligibility.ccer14(given.eligibility))
    return [
        ("适用范围", f"{_SCOPE}\n\n{rules}"),
        ("计入与不计入", _POOLS),
        ("公式", _EQUATIONS),
        ("不确定性与扣减", deduction_text("ar_tool14")),
        ("算例", _examples()),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


_SCOPE = """\
本方法（`forest-aff/1`）计量新造乔木林的碳汇量，参照 CCER-14-001-V01《造林碳汇》，**不声称符合该方法学**：
后续条件、精度与风险参数未读到原文。核算框架 CDR =（ΔC项目 − ΔC基线）（1 − K风险）凭记忆，须核对。"""

_POOLS = """\
计入乔木地上、地下生物量；土壤、枯落物、枯死木和木产品不计（从严）。施肥、尿素和林火的排放只扣超过基线的部分。"""

_EQUATIONS = """\
- 蓄积扩展法：AGB = V·WD·BEF；BGB = AGB·R；C =（AGB + BGB）·CF；CO₂ = C·44/12。缺省 BEF 1.15、CF 0.47，
  R = exp(−1.085 + 0.9256·ln b)/b，b 为地上生物量（t/ha）。
- 浙江林分方程：B = a·V + b（全树，不再乘根茎比）；蓄积为零记零，低于政策下限（建议 10 m³/ha）拒绝。
- 逐木法：AGB = 0.3·ρ·D^(7/3)（千克；ρ 克/立方厘米，D 厘米），根茎比按林分生物量推算。
- 各样地两期之差先配对，再按层加权（AR-TOOL14 式 5–8、14、15）。"""


def _examples() -> str:
    fir = trees_v1.by_volume(120.0, trees_v1.expansion("chinese_fir", Remarks()))
    stand = trees_v1.by_stand_equation(120.0, "chinese_fir", 10.0, 0.47)
    tree = trees_v1.tree_agb_kg(15.0, 0.45)
    return f"""\
杉木、蓄积 120 m³/ha：

- 扩展因子法：地上 {fir.agb_t_ha:.4f}、全树 {fir.total_t_ha:.4f} t/ha，碳 {fir.c_t_ha:.4f} t/ha，**{fir.co2_t_ha:.4f} tCO₂/ha**
- 林分方程：全树 {stand.total_t_ha:.4f} t/ha，**{stand.co2_t_ha:.4f} tCO₂/ha**（CF 0.47）
- 单株：胸径 15 cm、密度 0.45 g/cm³，地上 {tree:.4f} kg

这些是储量；碳汇量是两期储量之差。"""


METHOD = Method(
    id=METHOD_ID,
    title_zh="造林碳汇",
    title_en="Afforestation",
    sink_type="other",
    credit_class="CCER_eligible",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="plots",
)

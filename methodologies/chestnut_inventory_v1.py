"""Inventory of chestnut orchards (板栗林碳储量清查), version 1. Never credited.

Chestnut is economic forest and excluded by CCER-14-001-V01, so the credit class is inventory_only and
every run refuses issuance. No equation for chestnut was found: the general model 0.3 rho D^(7/3) is
used with a density that the registrar has to set. The Zhejiang stand equations are not offered, as
pruned and grafted orchards have no volume tables.

Sources: CCER-14-001-V01 section 2; Zeng & Tang model (Zeng 2018); AR-TOOL14 v04.2.
Released 2026-11. Frozen: a change is a new module, `chestnut_inventory_v2`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from methodologies import (
    added_emissions_v1,
    inputs,
    moso_stand_v1,
    plot_change_v1,
    settlement,
    trees_v1,
)
from methodologies.base import FactorMissing, Method
from methodologies.explaining import factor_table
from methodologies.factors import factor
from methodologies.inputs import Area, Identifier, Model, Period, Settlement, unique
from methodologies.moso_mgmt_v1_input import Emissions
from methodologies.plot_change_v1 import PlotCo2, StratumPlots
from methodologies.remarks import Remarks

METHOD_ID = "chestnut-inventory/1"
DENSITY_FACTOR_ID = "chestnut.wood_density"
FACTOR_IDS = (
    DENSITY_FACTOR_ID,
    "chestnut.allometry",
    "tree.generic_agb",
    "tree.R_function",
    "tree.CF",
    *plot_change_v1.FACTOR_IDS,
    *added_emissions_v1.FACTOR_IDS,
    "ded.ar_tool14",
    "ded.ar_cm",
    "ded.gs403.threshold",
    "risk.registry",
    "elig.ccer14.economic_forest_excluded",
)


class Trees(Model):
    """Trees of one diameter."""

    dbh_cm: Annotated[float, Field(gt=0, description="胸径，厘米")]
    count: Annotated[int, Field(ge=1)] = 1


class OrchardPlot(Model):
    """A plot with its trees at both dates."""

    id: Identifier
    area_m2: Annotated[float, Field(gt=0, description="样地面积（沿坡面量），平方米")]
    slope_deg: Annotated[float, Field(ge=0, le=60)] = 0.0
    trees_start: list[Trees]
    trees_end: list[Trees]


class OrchardStratum(Model):
    """A stratum of orchards."""

    id: Identifier
    area_ha: Area
    plots: list[OrchardPlot]


class Policy(Settlement):
    """The registrar's decisions."""

    wood_density_g_cm3: (
        Annotated[float, Field(gt=0, lt=2, description="板栗基本密度，克/立方厘米")] | None
    ) = None
    min_plots_per_stratum: Annotated[int, Field(ge=2)] = 3


class Inventory(Model):
    """Orchards at two dates."""

    period: Period
    strata: Annotated[list[OrchardStratum], Field(min_length=1)]
    emissions: Emissions | None = None
    policy: Policy

    @model_validator(mode="after")
    def _ids(self) -> "Inventory":
        unique("层", (s.id for s in self.strata))
        unique("样地", (p.id for s in self.strata for p in s.plots))
        return self


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the change of stock, shaped as `methods run` prints it; issuable_kg is always 0.

    Raises
    ------
    FactorMissing
        The registrar has not set the wood density, and the input gives none.
    """
    given = inputs.parse(Inventory, data)
    density = given.policy.wood_density_g_cm3
    if density is None:
        density = factor(DENSITY_FACTOR_ID).value
    if density is None:
        raise FactorMissing(DENSITY_FACTOR_ID, factor(DENSITY_FACTOR_ID).source)
    remarks = Remarks()
    remarks.refuse(
        "INVENTORY_ONLY",
        "板栗林属经济林，CCER-14-001-V01 不适用；本方法只作清查，任何情况下都不签发。",
    )
    remarks.used.update(("tree.generic_agb", "tree.R_function"))
    strata = [_plots_co2(s, density, remarks) for s in given.strata]
    change = plot_change_v1.change(strata, given.policy.min_plots_per_stratum, remarks)
    claim = settlement.Claim(
        METHOD_ID,
        FACTOR_IDS,
        (change.group,),
        {
            "wood_density_g_cm3": density,
            "years": given.period.years,
            **change.intermediate,
        },
        penalties=added_emissions_v1.components(given.emissions, given.policy.gwp_set, remarks),
    )
    return settlement.settle(claim, given.policy, remarks)


def _plots_co2(stratum: OrchardStratum, density: float, remarks: Remarks) -> StratumPlots:
    carbon_fraction = remarks.number("tree.CF")
    rows = []
    for plot in stratum.plots:
        area_ha = moso_stand_v1.horizontal_area_ha(plot.area_m2, plot.slope_deg)
        start, end = (
            trees_v1.by_trees(
                [trees_v1.Tree(t.dbh_cm, density, t.count) for t in trees],
                area_ha,
                None,
                carbon_fraction,
            )
            for trees in (plot.trees_start, plot.trees_end)
        )
        steps = {"start": start.as_dict(), "end": end.as_dict()}
        rows.append(PlotCo2(plot.id, start.co2_t_ha, end.co2_t_ha, steps))
    return StratumPlots(stratum.id, stratum.area_ha, rows)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(Inventory, METHOD_ID, "板栗林碳储量清查的输入")


def example() -> dict[str, Any]:
    """Return an input that runs. Trees and density are invented: 0.5 g/cm3 is no factor of ours."""
    plots = [
        {
            "id": f"B{i}",
            "area_m2": 600.0,
            "trees_start": [{"dbh_cm": 14.0, "count": 20 + i}],
            "trees_end": [{"dbh_cm": 16.0, "count": 20 + i}],
        }
        for i in range(1, 5)
    ]
    return {
        "period": {"start": "2020-01-01", "end": "2025-01-01"},
        "strata": [{"id": "A", "area_ha": 30.0, "plots": plots}],
        "emissions": {"fertiliser_n_kg_project": 0.0, "fertiliser_n_kg_baseline": 0.0},
        "policy": {
            "deduction": "ar_tool14",
            "buffer_share": 0.10,
            "gwp_set": "ar6",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "wood_density_g_cm3": 0.5,
            "min_plots_per_stratum": 3,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    tree = trees_v1.tree_agb_kg(16.0, 0.5)
    return [
        (
            "适用范围",
            "板栗林属经济林，CCER-14-001-V01 明确排除。本方法（`chestnut-inventory/1`）**只作清查，从不签发**。",
        ),
        (
            "公式",
            "没有找到板栗专用方程，采用通用模型 AGB = 0.3·ρ·D^(7/3)（千克），根茎比按林分生物量推算，CF 0.47。"
            "基本密度 ρ 须由登记机构确定，缺少时拒绝计算。修剪、嫁接的果园没有材积表，不用林分蓄积方程。",
        ),
        (
            "计入与不计入",
            "清查乔木地上、地下生物量；施肥、尿素和林火只列超过基线的部分。土壤、枯落物、果实不计。",
        ),
        ("算例", f"胸径 16 cm、ρ 取 0.5 g/cm³（仅为演示）：单株地上生物量 {tree:.4f} kg。"),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="板栗林碳储量清查（不签发）",
    title_en="Chestnut inventory (never credited)",
    sink_type="other",
    credit_class="inventory_only",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
)

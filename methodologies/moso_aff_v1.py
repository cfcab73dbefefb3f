"""Carbon removal by planted moso bamboo (毛竹造林碳汇), version 1.

Measured like moso-mgmt/1 (plots, map corrected by plots, on/off-year rule, saturation, baseline,
emissions, buffer), under the conditions of CCER-14-001-V01 as far as they were read. Beside it an
ex-ante projection by cohorts, which is never issued, and a pool of products, off by default.

Included: above-ground and below-ground biomass of bamboo, N2O and CO2 of fertiliser, CH4 and N2O of
fire; products if the registrar's policy says so. Excluded: litter, dead wood, soil.

Sources: as moso-mgmt/1; CCER-14-001-V01 (first page and drafters' interview read, the parameter and
monitoring tables not). Released 2026-11. Frozen: a change is a new module, `moso_aff_v2`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from methodologies import (
    eligibility,
    factors,
    inputs,
    moso_mgmt_v1,
    moso_mgmt_v1_input,
    moso_projection_v1,
    moso_stand_v1,
)
from methodologies.base import Method
from methodologies.eligibility import Ccer14
from methodologies.explaining import deduction_text, factor_table
from methodologies.moso_projection_v1 import ProductFlow, Projection
from methodologies.remarks import Remarks

METHOD_ID = "moso-aff/1"
FACTOR_IDS = (
    *moso_mgmt_v1.FACTOR_IDS,
    *eligibility.CCER14_FACTOR_IDS,
    *moso_projection_v1.PRODUCT_FACTOR_IDS,
    "risk.ccer14",
)


class Policy(moso_mgmt_v1_input.Policy):
    """The registrar's decisions; the product pool is off unless switched on."""

    product_pool: Annotated[bool, Field(description="是否计入竹材产品碳库")] = False


class PlantingRound(moso_mgmt_v1_input.Round):
    """A monitoring round of planted bamboo; land without bamboo at the start has 0 t/ha there."""

    eligibility: Annotated[Ccer14, Field(description="CCER-14-001 适用条件")]
    projection: Projection | None = None
    products: list[ProductFlow] = Field(default_factory=list)
    leakage_co2e_t: Annotated[float, Field(ge=0, description="项目边界外增加的排放，吨")] = 0.0
    policy: Policy


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one monitoring round, shaped as `methods run` prints it."""
    round_ = inputs.parse(PlantingRound, data)
    remarks = Remarks()
    found: dict[str, Any] = {
        "eligibility": eligibility.apply(eligibility.ccer14(round_.eligibility), remarks)
    }
    eligibility.warn_unread(remarks)
    if round_.projection is not None:
        found["projection"] = moso_projection_v1.project(round_.projection)
        remarks.used.update(moso_stand_v1.CULM_FACTOR_IDS)
    # While the pool is off, a missing half-life is no reason to refuse.
    judged = remarks if round_.policy.product_pool else Remarks()
    products_co2, rows = moso_projection_v1.products(round_.products, judged)
    if round_.products and not round_.policy.product_pool:
        remarks.warn(
            "PRODUCTS_NOT_COUNTED",
            "竹材产品碳库默认不计入，所列产品只作说明；如要计入须由政策开启。",
        )
    counted = products_co2 if round_.policy.product_pool else 0.0
    variant = moso_mgmt_v1.Variant(
        METHOD_ID,
        FACTOR_IDS,
        leakage_co2e_t=round_.leakage_co2e_t,
        products_co2_t=counted,
        intermediate={**found, "products": rows, "products_co2_t": products_co2},
    )
    return moso_mgmt_v1.measured(round_, remarks, variant)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(PlantingRound, METHOD_ID, "毛竹造林碳汇一个监测期的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: 40 ha planted, 6 plots, two of them culm by culm; invented."""
    return {
        "period": {"start": "2023-01-01", "end": "2027-01-01"},
        "phase_start": "off",
        "phase_end": "off",
        "eligibility": {
            "forest_category": "timber",
            "nonforest_years": 5.0,
            "tenure_documented": True,
            "smallest_parcel_m2": 2600.0,
            "start_year": 2020,
            "wetland": False,
            "scattered_trees_removed": False,
            "shrub_removal_share": 0.10,
        },
        "strata": [{"id": "A", "area_ha": 40.0, "plots": _example_plots()}],
        "parcels": [{"id": "A-1", "stratum": "A", "area_ha": 40.0}],
        "baseline_co2_t": {"co2_t": 0.0, "u90": 0.0},
        "emissions": {"fertiliser_n_kg_project": 600.0, "fertiliser_n_kg_baseline": 0.0},
        "leakage_co2e_t": 0.0,
        "saturation": {
            "target_agb_t_ha": 41.4,
            "initial_agb_t_ha": 0.0,
            "credited_before_co2_t": 380.0,
        },
        "projection": _example_projection(),
        "products": [
            {
                "product": "panels",
                "culm_biomass_t": [5.0, 5.0, 5.0, 5.0],
                "waste_share": 0.4,
                "share": 1.0,
            }
        ],
        "policy": {
            "deduction": "ar_tool14",
            "buffer_share": 0.10,
            "gwp_set": "ar6",
            "unit_kg": 1000,
            "bgb_change_mode": "proportional",
            "allocation": "area",
            "min_plots_per_stratum": 3,
            "carried_debit_kg": 0,
            "product_pool": False,
        },
    }


def _example_plots() -> list[dict[str, Any]]:
    def culms(*rows: tuple[float, int, int]) -> list[dict[str, Any]]:
        return [{"dbh_cm": d, "age_du": a, "count": n} for d, a, n in rows]

    plots: list[dict[str, Any]] = [
        {"id": f"P{i}", "agb_t_ha_start": 4.0 + 0.2 * i, "agb_t_ha_end": 12.5 + 0.35 * i}
        for i in range(1, 5)
    ]
    plots += [
        {
            "id": f"P{i}",
            "area_m2": 400.0,
            "slope_deg": 12.0,
            "culms_start": culms((6.0, 1, 10), (6.0, 2, 18 + i)),
            "culms_end": culms((6.0, 1, 24), (7.0, 2, 30), (7.0, 3, 14 + i)),
        }
        for i in (5, 6)
    ]
    return plots


def _example_projection() -> dict[str, Any]:
    return {
        "initial": {"culms_per_ha": [500.0, 500.0, 500.0, 500.0], "dbh_cm": 9.0},
        "target": {"culms_per_ha": [750.0, 750.0, 750.0, 750.0], "dbh_cm": 10.0},
        "recruits_per_ha": [750.0, 750.0, 750.0],
        "harvest_share": [0.0, 0.0, 0.0, 1.0],
        "mortality_share": [0.0, 0.0, 0.0, 0.0],
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the examples are computed here and now."""
    shared = dict(moso_mgmt_v1.explain())
    planted = inputs.parse(PlantingRound, example())
    return [
        ("适用范围", _SCOPE + eligibility.markdown(eligibility.ccer14(planted.eligibility))),
        ("计入与不计入", _POOLS),
        ("单株生物量方程", shared["单株生物量方程"]),
        ("从样地到碳汇量", shared["从样地到碳汇量"]),
        ("大小年规则", shared["大小年规则"]),
        ("预估与封顶", _projection_text(planted)),
        ("竹材产品（默认不计）", _product_text()),
        ("不确定性与扣减", deduction_text("ar_tool14")),
        ("算例：一个监测期", _round_text()),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


_SCOPE = """\
本方法（`moso-aff/1`）计量新造毛竹林的碳汇量，参照 CCER-14-001-V01《造林碳汇》编写，**不声称符合该方法学**：
只读到首页和起草人访谈，后续条件、精度与风险参数须核对原文。已有的安吉毛竹林、茶园、板栗园都不适用。

"""

_POOLS = """\
| 碳库或排放源 | 是否计入 |
|---|---|
| 竹林地上、地下生物量 | 计入 |
| 竹材产品 | 默认不计，政策可开启 |
| 枯落物、枯死木、土壤 | 不计 |
| 施肥、尿素、林火 | 计入超过基线的部分 |
| 泄漏 | 适用条件成立时为零，否则按填报扣除 |"""


def _projection_text(planted: PlantingRound) -> str:
    assert planted.projection is not None
    found = moso_projection_v1.project(planted.projection)
    return f"""\
每步 2 年（1 度）：N₁(k+1) = R_k，N_(a+1)(k+1) = N_a(k)(1 − h_a)(1 − m_a)。预估只用于规划，不签发。
达到目标结构后 ΔC = 0：累计碳汇量封顶于 C目标 − C初始。

算例：每公顷 2000 株、胸径 9 cm 到 3000 株、10 cm，1–4 度等分：
{found["initial_agb_t_ha"]:.4f} → {found["target_agb_t_ha"]:.4f} t/ha，
**一次性 {found["target_change_co2_t_ha"]:.4f} tCO₂/ha**，此后为零。"""


def _round_text() -> str:
    found = run(example())
    steps = found["intermediate"]
    return f"""\
{steps["area_ha"]:g} 公顷、{len(steps["plot_agb_t_ha"])} 个样地（示例输入）：

- ΔAGB = **{steps["delta_agb_t_ha"]:.4f} t/ha**，标准误 {steps["se_t_ha"]:.4f}，U = {100 * steps["u90"]:.2f} %
- 毛碳汇量 {found["gross_co2_t"]:,.3f} tCO₂，扣减 {100 * found["deduction_share"]:.2f} %，施肥排放 {steps["emissions_co2e_t"]:.3f} t
- 净碳汇量 **{found["net_co2_t"]:,.3f} tCO₂**，缓冲 {found["buffer_co2_t"]:,.3f} t，可签发 {found["issuable_kg"]:,} kg"""


def _product_text() -> str:
    stocks = moso_projection_v1.product_stocks_c_t(
        [1.0] * 10, factors.number("hwp.halflife.panels")
    )
    shown = "、".join(f"第 {y} 年 {stocks[y - 1]:.5f}" for y in (1, 2, 5, 10))
    return f"""\
k = ln2/半衰期；S(y+1) = e⁻ᵏ·S(y) + (1 − e⁻ᵏ)/k·流入。每年流入 1 吨碳的板材：{shown} 吨碳。
竹材产品的半衰期、损耗率尚待登记机构确定，缺少时不得签发。"""


METHOD = Method(
    id=METHOD_ID,
    title_zh="毛竹造林碳汇",
    title_en="Moso bamboo planting",
    sink_type="bamboo",
    credit_class="CCER_eligible",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="planting",
)

"""Residue burning avoided (秸秆禁烧减排), version 1.

CH4 and N2O of burnt residues; their CO2 is not counted, as the crop took it up. The factors carry no
published interval, so only the flat deduction can issue. Sources: IPCC 2006 Vol. 4 eq 2.27, Tables
2.5, 2.6. Released 2026-11. Frozen: a change is `residue_burning_v2`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from methodologies import farmland_v1, inputs, settlement
from methodologies.base import Component, Method
from methodologies.explaining import deduction_text, factor_table
from methodologies.farmland_v1 import Gates
from methodologies.inputs import Amount, Area, Model, Share
from methodologies.paddy_ch4_v1 import CH4_GWP_IDS, N2O_GWP_IDS
from methodologies.remarks import Remarks

METHOD_ID = "residue-burning/1"
GASES = {"CH4": "burn.ch4_crop_residue", "N2O": "burn.n2o_crop_residue"}
FACTOR_IDS = (
    *GASES.values(),
    "burn.combustion_rice",
    "gwp.set",
    *CH4_GWP_IDS.values(),
    *N2O_GWP_IDS.values(),
    *farmland_v1.DEDUCTION_FACTOR_IDS,
)


class ResidueBurning(Model):
    """Residues burnt over the period without and with the project."""

    area_ha: Area
    burnt_t_dm_ha_baseline: Amount
    burnt_t_dm_ha_project: Amount
    combustion_share: Annotated[Share, Field(description="燃烧完全度，空则取水稻 0.80")] | None = (
        None
    )
    gates: Gates = Gates()
    policy: farmland_v1.Policy


def gas_kg_ha(burnt_t_dm_ha: float, combustion_share: float, g_per_kg: float) -> float:
    """Return the gas [kg/ha]: t x share x g/kg is kg."""
    return burnt_t_dm_ha * combustion_share * g_per_kg


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one period, shaped as `methods run` prints it."""
    given = inputs.parse(ResidueBurning, data)
    remarks = Remarks()
    farmland_v1.check_gates(given.gates, remarks)
    gwp_set = remarks.decided(given.policy.gwp_set, "gwp.set", "gwp_set", "ar5")
    gwp = {
        "CH4": remarks.number(CH4_GWP_IDS[gwp_set]),
        "N2O": remarks.number(N2O_GWP_IDS[gwp_set]),
    }
    combustion = given.combustion_share
    if combustion is None:
        combustion = remarks.number("burn.combustion_rice")
    burnt = {"baseline": given.burnt_t_dm_ha_baseline, "project": given.burnt_t_dm_ha_project}
    kilograms = {
        side: {gas: gas_kg_ha(mass, combustion, remarks.number(i)) for gas, i in GASES.items()}
        for side, mass in burnt.items()
    }
    saved = {gas: kilograms["baseline"][gas] - kilograms["project"][gas] for gas in GASES}
    components = tuple(
        Component("residue", gas, saved[gas] * given.area_ha * gwp[gas] / 1000.0, None)
        for gas in GASES
    )
    fallen = burnt["baseline"] >= burnt["project"]
    groups = (settlement.Group("burning", "reduction", components, None, None),) if fallen else ()
    intermediate = {
        "mode": "DELTA",
        "area_ha": given.area_ha,
        "combustion_share": combustion,
        # No interval of these factors is published.
        "u90": None,
        "ch4_kg_ha": {side: kilograms[side]["CH4"] for side in kilograms},
        "n2o_kg_ha": {side: kilograms[side]["N2O"] for side in kilograms},
        "avoided_ch4_kg_ha": saved["CH4"],
        "avoided_n2o_kg_ha": saved["N2O"],
        "avoided_co2e_t_ha": sum(saved[gas] * gwp[gas] for gas in GASES) / 1000.0,
        "abs_co2e_t_ha": {
            side: 0.0 - sum(kilograms[side][gas] * gwp[gas] for gas in GASES) / 1000.0
            for side in kilograms
        },
        "gwp_ch4": gwp["CH4"],
        "gwp_n2o": gwp["N2O"],
    }
    claim = settlement.Claim(
        METHOD_ID,
        FACTOR_IDS,
        groups,
        intermediate,
        () if fallen else components,
        buffer_on="removals",
    )
    return settlement.settle(claim, given.policy, remarks)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(ResidueBurning, METHOD_ID, "秸秆禁烧减排的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: 6 t of straw per hectare no longer burnt, 10 ha."""
    return {
        "area_ha": 10.0,
        "burnt_t_dm_ha_baseline": 6.0,
        "burnt_t_dm_ha_project": 0.0,
        "combustion_share": None,
        "gates": {"mineral_soil": True, "lookback_years": 3},
        "policy": {
            "deduction": "flat",
            "buffer_share": None,
            "gwp_set": "ar5",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    found = run(example())["intermediate"]
    return [
        (
            "适用范围",
            "有记录证明以往焚烧秸秆、现已停止的农田。不得与还田的土壤碳重复依据同一措施夸大。",
        ),
        ("公式", "E = A·M·Cf·Gef·10⁻³；Cf 0.80，CH₄ 2.7、N₂O 0.07 g/kg 干物质。二氧化碳不计。"),
        (
            "计入与不计入",
            "计入甲烷、氧化亚氮。ABS 为各情景排放，DELTA 为基线减项目，只有 DELTA 可签发。",
        ),
        (
            "算例",
            f"少烧 6 t 干秸秆：CH₄ {found['avoided_ch4_kg_ha']:.2f} kg、N₂O {found['avoided_n2o_kg_ha']:.3f} kg，"
            f"合 {found['avoided_co2e_t_ha']:.3f} tCO₂e/ha（AR5）。",
        ),
        (
            "不确定性与扣减",
            deduction_text("flat") + "因子没有公布区间，其他规则无从适用，会拒绝签发。",
        ),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="秸秆禁烧减排",
    title_en="Residue burning avoided",
    sink_type="farmland",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="records",
    pool="non_co2",
)

"""Nitrous oxide of managed soils (农田氧化亚氮), version 1.

Direct, from deposition and from leaching. Only the change between baseline and project enters DELTA:
a fall is a reduction, deducted; a rise is a penalty, taken in full. Sources: IPCC 2019 Vol. 4 Ch. 11,
Tables 11.1, 11.3. Released 2026-11. Frozen: a change is `n2o_v2`.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from methodologies import factors, farmland_v1, inputs, propagation, settlement
from methodologies.base import Component, Method
from methodologies.explaining import deduction_text, factor_table
from methodologies.farmland_v1 import Gates
from methodologies.inputs import Amount, Area, Model, Share
from methodologies.paddy_ch4_v1 import N2O_GWP_IDS
from methodologies.remarks import Remarks

METHOD_ID = "n2o/1"
Land = Literal["wet", "dry", "aggregate", "paddy_continuous", "paddy_drained", "paddy_unknown"]
# Direct factors of synthetic and of other nitrogen.
_DIRECT: Mapping[str, tuple[str, str]] = {
    "wet": ("n2o.ef1.synthetic_wet", "n2o.ef1.other_n_wet"),
    "dry": ("n2o.ef1.dry", "n2o.ef1.dry"),
    "aggregate": ("n2o.ef1.aggregated", "n2o.ef1.aggregated"),
    "paddy_continuous": ("n2o.ef1fr.continuous_flooding", "n2o.ef1fr.continuous_flooding"),
    "paddy_drained": (
        "n2o.ef1fr.single_multiple_drainage",
        "n2o.ef1fr.single_multiple_drainage",
    ),
    "paddy_unknown": ("n2o.ef1fr.aggregated", "n2o.ef1fr.aggregated"),
}
_GASF, _GASF_UREA, _GASM = "n2o.frac_gasf", "n2o.frac_gasf.urea", "n2o.frac_gasm"
# The aggregate deposition factor stands in the other table; the value is that of Table 11.3.
_EF4 = {"dry": "n2o.ef4.dry", "aggregate": "n2o.EF4.aggregate"}
FACTOR_IDS = (
    *sorted({i for pair in _DIRECT.values() for i in pair}),
    "n2o.ef4.wet",
    *_EF4.values(),
    "n2o.ef5",
    _GASF,
    _GASF_UREA,
    _GASM,
    "n2o.frac_leach_wet",
    "const.n2on_to_n2o",
    "gwp.set",
    *N2O_GWP_IDS.values(),
    *farmland_v1.DEDUCTION_FACTOR_IDS,
)


class Nitrogen(Model):
    """Nitrogen of one scenario over the whole period, per hectare."""

    synthetic_n_kg_ha: Amount = 0.0
    urea_share: Annotated[Share, Field(description="化肥氮中尿素的比例（尿素挥发率较高）")] = 0.0
    organic_n_kg_ha: Amount = 0.0
    residue_n_kg_ha: Annotated[float, Field(ge=0, description="秸秆、绿肥等残茬氮")] = 0.0
    land: Land = "wet"


class SoilN2o(Model):
    """Fields without and with the project."""

    area_ha: Area
    baseline: Nitrogen
    project: Nitrogen
    gates: Gates = Gates()
    policy: farmland_v1.Policy


@dataclass(frozen=True, slots=True)
class _Amounts:
    """Nitrogen [kg/ha] that one set of factors holds for; a difference may be negative."""

    land: Land
    synthetic: float
    urea: float
    organic: float
    residue: float

    @classmethod
    def of(cls, n: Nitrogen) -> "_Amounts":
        urea = n.synthetic_n_kg_ha * n.urea_share
        return cls(n.land, n.synthetic_n_kg_ha, urea, n.organic_n_kg_ha, n.residue_n_kg_ha)

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        return self.synthetic, self.urea, self.organic, self.residue


def parts_kg_ha(v: Mapping[str, Any], n: Nitrogen) -> dict[str, Any]:
    """Return N2O [kg/ha] by path; v holds the factors by id, numbers or arrays."""
    return _parts_kg_ha(v, _Amounts.of(n))


def _parts_kg_ha(v: Mapping[str, Any], n: _Amounts) -> dict[str, Any]:
    to_n2o = factors.number("const.n2on_to_n2o")
    synthetic, other = _DIRECT[n.land]
    rest = n.organic + n.residue
    direct = n.synthetic * v[synthetic] + rest * v[other]
    gas = (n.synthetic - n.urea) * v[_GASF] + n.organic * v[_GASM]
    if n.urea:
        gas = gas + n.urea * v[_GASF_UREA]
    # Nothing leaches in a dry climate (IPCC 2019 Table 11.3).
    leached = 0.0 if n.land == "dry" else (n.synthetic + rest) * v["n2o.frac_leach_wet"]
    return {
        "direct": direct * to_n2o,
        "deposition": gas * v[_EF4.get(n.land, "n2o.ef4.wet")] * to_n2o,
        "leaching": leached * v["n2o.ef5"] * to_n2o,
    }


def _fall(baseline: Nitrogen, project: Nitrogen) -> tuple[list[_Amounts], float]:
    """Return what falls from baseline to project, its largest amount as one, and that amount.

    N2O is proportional to nitrogen, so whoever cuts the same kinds in the same proportion shares the
    draws. On one land the fall is a difference, else the one side less the other.
    """
    before, after = _Amounts.of(baseline), _Amounts.of(project)
    left = [-x for x in after.numbers]
    sides = [before.numbers, left]
    if before.land == after.land:
        sides = [[b + a for b, a in zip(before.numbers, left, strict=True)]]
    largest = max(abs(x) for side in sides for x in side) or 1.0
    lands = (before.land, after.land)
    return [
        _Amounts(land, *(x / largest for x in side))
        for land, side in zip(lands, sides, strict=False)
    ], largest


def _zone(land: Land) -> str:
    """Return what a practice does not change: the climate's set of factors, or that it is paddy."""
    return "paddy" if land.startswith("paddy") else land


def _ids(n: Nitrogen) -> set[str]:
    synthetic, other = _DIRECT[n.land]
    ids = {_EF4.get(n.land, "n2o.ef4.wet"), "n2o.ef5", "n2o.frac_leach_wet"}
    ids |= {synthetic, other, _GASF, _GASM}
    return ids | ({_GASF_UREA} if n.urea_share else set())


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one period, shaped as `methods run` prints it."""
    given = inputs.parse(SoilN2o, data)
    remarks = Remarks()
    farmland_v1.check_gates(given.gates, remarks)
    if _zone(given.baseline.land) != _zone(given.project.land):
        remarks.refuse(
            "LAND_DIFFERS",
            f"基线按 {given.baseline.land}、项目按 {given.project.land} 取因子：气候区与水旱不随施肥改变，"
            "换一组因子本身就会算出减排，不得签发；请按同一类填报。",
        )
    gwp_set = remarks.decided(given.policy.gwp_set, "gwp.set", "gwp_set", "ar5")
    gwp = remarks.number(N2O_GWP_IDS[gwp_set])
    ids = sorted(_ids(given.baseline) | _ids(given.project))
    remarks.used.update(ids)
    spreads = farmland_v1.spreads(ids)

    fall, largest_kg_ha = _fall(given.baseline, given.project)

    def fallen_kg_per_kg(v: Mapping[str, Any]) -> Any:
        return sum(sum(_parts_kg_ha(v, n).values()) for n in fall)

    values = {name: s.value for name, s in spreads.items()}
    co2e_t_per_kg_ha = given.area_ha * gwp / 1000.0
    before, after = (sum(parts_kg_ha(values, n).values()) for n in (given.baseline, given.project))
    change = float(before - after) * co2e_t_per_kg_ha
    drawn = propagation.simulate_practice(
        fallen_kg_per_kg,
        spreads,
        {"fall": [asdict(n) for n in fall]},
        factors.factor_hash(FACTOR_IDS),
    ).times(largest_kg_ha * co2e_t_per_kg_ha)
    groups: tuple[settlement.Group, ...] = ()
    penalties: tuple[Component, ...] = ()
    if change >= 0.0:
        component = Component("soil", "N2O", change, drawn.sd)
        groups = (settlement.Group("n2o", "reduction", (component,), drawn.sd, drawn.u90),)
    else:
        penalties = (Component("soil", "N2O", change, drawn.sd),)
    sides = {
        name: {key: float(x) for key, x in parts_kg_ha(values, n).items()}
        for name, n in (("baseline", given.baseline), ("project", given.project))
    }
    totals = {name: math.fsum(parts.values()) for name, parts in sides.items()}
    intermediate = {
        "mode": "DELTA",
        "area_ha": given.area_ha,
        "n2o_kg_ha": {name: {**sides[name], "total": totals[name]} for name in sides},
        "n2o_kg": {name: totals[name] * given.area_ha for name in sides},
        # ABS: what the soil emits under each scenario; never issued.
        "abs_co2e_t_ha": {name: 0.0 - totals[name] * gwp / 1000.0 for name in sides},
        "delta_co2e_t_ha": change / given.area_ha,
        "gwp_n2o": gwp,
        "u90": drawn.u90 if math.isfinite(drawn.u90) else None,
        "monte_carlo": drawn.as_dict(),
    }
    claim = settlement.Claim(
        METHOD_ID, FACTOR_IDS, groups, intermediate, penalties, buffer_on="removals"
    )
    return settlement.settle(claim, given.policy, remarks)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(SoilN2o, METHOD_ID, "农田氧化亚氮的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: the nitrogen of example N-1, synthetic cut from 200 to 150 kg/ha."""
    before = {
        "synthetic_n_kg_ha": 200.0,
        "urea_share": 0.0,
        "organic_n_kg_ha": 60.0,
        "residue_n_kg_ha": 40.0,
        "land": "wet",
    }
    return {
        "area_ha": 30.0,
        "baseline": before,
        "project": {**before, "synthetic_n_kg_ha": 150.0},
        "gates": {"mineral_soil": True, "lookback_years": 3},
        "policy": {
            "deduction": "poe_flat",
            "buffer_share": None,
            "gwp_set": "ar5",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    found = run(example())["intermediate"]
    base = found["n2o_kg_ha"]["baseline"]
    return [
        (
            "适用范围",
            "矿质土农田施氮的氧化亚氮。只计项目与基线之差：减少为减排，增加全额扣除；不变的氮相互抵消。",
        ),
        (
            "公式",
            "直接 =（化肥氮·EF1 +（有机氮 + 残茬氮）·EF1′）·44/28；沉降 =（化肥氮·FracGASF + 有机氮·FracGASM）·EF4·44/28；"
            "淋溶 = 全部氮·FracLEACH·EF5·44/28。淹水稻田用 EF1FR；尿素的挥发率取 0.15。",
        ),
        (
            "计入与不计入",
            "计入直接与间接氧化亚氮；尿素二氧化碳、甲烷、土壤碳另有方法。ABS 为各情景排放，DELTA 为基线减项目。",
        ),
        (
            "算例",
            f"湿润区旱地，化肥 200、有机 60、残茬 40 kg N/ha：直接 {base['direct']:.4f}、沉降 {base['deposition']:.4f}、"
            f"淋溶 {base['leaching']:.4f}，合计 {base['total']:.4f} kg N₂O/ha = "
            f"{-found['abs_co2e_t_ha']['baseline']:.4f} tCO₂e/ha（AR5）。",
        ),
        ("不确定性与扣减", deduction_text("poe_flat")),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="农田氧化亚氮减排",
    title_en="Soil nitrous oxide",
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

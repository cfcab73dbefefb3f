"""Biochar in mineral cropland soil (生物炭), version 1.

dBC = sum of mass FC Fperm 44/12, credited once, in the year of application, on a 100-year basis.
Production emissions are taken off in full; while nobody has given them nothing is issued. Methane of
paddies after application needs measurement.

Sources: IPCC 2019 Vol. 4 Ch. 2 App. 4; Woolf et al. 2021 (H/Corg); VM0044 (0.7 limit). Released
2026-11. Frozen: a change is `biochar_v2`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import factors, farmland_v1, inputs, propagation, settlement
from methodologies.base import CO2_PER_C, Component, Method
from methodologies.explaining import deduction_text, factor_table
from methodologies.inputs import Identifier, Model, Share, invalid, unique
from methodologies.propagation import Spread
from methodologies.remarks import Remarks

METHOD_ID = "biochar/1"
Feedstock = Literal[
    "rice_husk_straw", "herbaceous", "wood", "nut_shells", "animal_manure", "biosolids"
]
PYROLYSIS = (
    "rice_husk_straw",
    "herbaceous",
    "wood",
    "nut_shells",
    "animal_manure",
    "biosolids",
)
GASIFICATION = ("wood", "animal_manure", "rice_husk_straw")
# IPCC 2019 Table 4Ap.2: above 600 deg C, 450-600, 350-450; 600 itself belongs to the middle class.
HOT, WARM, COOL = (f"biochar.fperm100.{c}" for c in ("gt600C", "450_600C", "350_450C"))
FACTOR_IDS = (
    *(f"biochar.fc.pyrolysis.{f}" for f in PYROLYSIS),
    *(f"biochar.fc.gasification.{f}" for f in GASIFICATION),
    HOT,
    WARM,
    COOL,
    "biochar.fperm100.woolf_intercept",
    "biochar.fperm100.woolf_slope",
    "biochar.min_temperature",
    "biochar.max_h_corg",
    "const.c_to_co2",
    *farmland_v1.DEDUCTION_FACTOR_IDS,
)


class Batch(Model):
    """One delivery of char brought to a field."""

    id: Identifier
    mass_t_dm: Annotated[float, Field(gt=0, description="干物质，吨")]
    feedstock: Feedstock
    process: Literal["pyrolysis", "gasification"] = "pyrolysis"
    temperature_c: Annotated[float, Field(gt=0, description="制备温度，℃")]
    h_corg: Annotated[float, Field(gt=0, description="实验室 H/Corg 摩尔比")] | None = None
    c_share: Annotated[Share, Field(description="实验室有机碳含量")] | None = None
    delivery_record: Annotated[bool, Field(description="有交付与施用记录")]
    producer_certificate: Annotated[bool, Field(description="生产方声明不另行申报")]
    paddy: Annotated[bool, Field(description="施入稻田")] = False
    paddy_ch4_measured: bool = False


class Biochar(Model):
    """The chars of one year."""

    batches: Annotated[list[Batch], Field(min_length=1)]
    mineral_soil: bool
    production_emissions_co2e_t: (
        Annotated[float, Field(ge=0, description="制备与运输排放，吨；须填")] | None
    ) = None
    policy: farmland_v1.Policy

    @model_validator(mode="after")
    def _known(self) -> "Biochar":
        unique("批次", (b.id for b in self.batches))
        for batch in self.batches:
            if batch.process == "gasification" and batch.feedstock not in GASIFICATION:
                raise invalid(f"批次 {batch.id}：该原料没有气化炭的含碳因子")
        return self


def permanence_by_h_corg(h_corg: float) -> float:
    """Return the share left after 100 years (Woolf et al. 2021, 14.9 deg C soil), within 0..1.

    The line crosses 1 at H/Corg 0.07: no more can be left than there was.
    """
    intercept = factors.number("biochar.fperm100.woolf_intercept")
    left = intercept + factors.number("biochar.fperm100.woolf_slope") * h_corg
    return min(1.0, max(0.0, left))


def permanence_id(temperature_c: float) -> str:
    """Return the factor of the temperature class; below 350 deg C the lowest, as it is no biochar."""
    if temperature_c > 600.0:
        return HOT
    return WARM if temperature_c >= 450.0 else COOL


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one year, shaped as `methods run` prints it."""
    given = inputs.parse(Biochar, data)
    remarks = Remarks()
    if not given.mineral_soil:
        remarks.refuse("ORGANIC_SOIL", "只适用于矿质土的耕地或草地（IPCC 2019 附录 4）。")
    for batch in given.batches:
        _check(batch, remarks)
    if any(b.c_share is not None or b.h_corg is not None for b in given.batches):
        remarks.warn(
            "LABORATORY_VALUES",
            "采用了实验室含碳量或 H/Corg，其误差未给出、未计入不确定性；检测报告须附，并宜采用不低于 15 % 的扣减。",
        )
    production_t = given.production_emissions_co2e_t
    if production_t is None:
        remarks.refuse(
            "FACTOR_MISSING",
            "制备与运输排放 production_emissions_co2e_t 尚无数值，须由登记机构确定或随批次申报，否则不得签发。",
        )
    spreads: dict[str, Spread] = {}
    names = {b.id: _names(b, spreads, remarks) for b in given.batches}
    mass_t = math.fsum(b.mass_t_dm for b in given.batches)
    kinds = _shares_of_mass(given.batches, names, mass_t)

    def stored_t_per_t(v: Mapping[str, Any]) -> Any:
        return sum(share * v[c] * v[kept] for (c, kept), share in kinds.items()) * CO2_PER_C

    value = mass_t * float(stored_t_per_t({name: s.value for name, s in spreads.items()}))
    unpublished = any(s.shape == "exact" for name, s in spreads.items() if name in FACTOR_IDS)
    drawn = propagation.simulate_practice(
        stored_t_per_t,
        spreads,
        {"shares": sorted((*kind, round(share, 9)) for kind, share in kinds.items())},
        factors.factor_hash(FACTOR_IDS),
    ).times(mass_t)
    sd, u90 = (None, None) if unpublished else (drawn.sd, drawn.u90)
    group = settlement.Group(
        "biochar", "removal", (Component("biochar", "CO2", value, sd),), sd, u90
    )
    rows = [
        {
            "id": b.id,
            "fc": spreads[names[b.id][0]].value,
            "fperm": spreads[names[b.id][1]].value,
            "co2_t": b.mass_t_dm
            * spreads[names[b.id][0]].value
            * spreads[names[b.id][1]].value
            * CO2_PER_C,
        }
        for b in given.batches
    ]
    penalties = (Component("production", "CO2e", -production_t, None),) if production_t else ()
    intermediate = {
        "mode": "DELTA",
        "batches": rows,
        "mass_t_dm": mass_t,
        "u90": u90,
        "monte_carlo": drawn.as_dict(),
    }
    claim = settlement.Claim(
        METHOD_ID, FACTOR_IDS, (group,), intermediate, penalties, buffer_on="removals"
    )
    return settlement.settle(claim, given.policy, remarks)


def _shares_of_mass(
    batches: Sequence[Batch], names: Mapping[str, tuple[str, str]], mass_t: float
) -> dict[tuple[str, str], float]:
    """Return how much of the whole has which carbon content and permanence; the sum is 1."""
    kinds: dict[tuple[str, str], list[float]] = {}
    for batch in batches:
        kinds.setdefault(names[batch.id], []).append(batch.mass_t_dm)
    return {kind: math.fsum(masses) / mass_t for kind, masses in kinds.items()}


def _check(batch: Batch, remarks: Remarks) -> None:
    coolest = remarks.number("biochar.min_temperature")
    loosest = remarks.number("biochar.max_h_corg")
    rows = (
        (
            batch.temperature_c >= coolest,
            "TEMPERATURE",
            f"制备温度 {batch.temperature_c:g} ℃ 低于 {coolest:g} ℃，不属生物炭（IPCC 2019）",
        ),
        (
            batch.h_corg is None or batch.h_corg <= loosest,
            "H_CORG",
            f"H/Corg 超过 {loosest:g}（VM0044）",
        ),
        (batch.delivery_record, "NO_RECORD", "缺交付与施用记录"),
        (batch.producer_certificate, "NO_CERTIFICATE", "缺生产方声明，生产方与田块不得各申报一次"),
        (
            not batch.paddy or batch.paddy_ch4_measured,
            "PADDY_CH4",
            "施入稻田须实测甲烷的变化（VM0051 QA2）",
        ),
    )
    for passed, code, text in rows:
        if not passed:
            remarks.refuse(code, f"批次 {batch.id}：{text}；不得签发。")


def _names(batch: Batch, spreads: dict[str, Spread], remarks: Remarks) -> tuple[str, str]:
    """Return the names of carbon content and permanence, entering their spreads."""
    if batch.c_share is not None:
        carbon = f"laboratory carbon {batch.c_share!r}"
        spreads[carbon] = Spread(batch.c_share)
    else:
        carbon = f"biochar.fc.{batch.process}.{batch.feedstock}"
        spreads[carbon] = _spread(carbon, remarks)
    if batch.h_corg is not None:
        kept = f"permanence at H/Corg {batch.h_corg!r}"
        spreads[kept] = Spread(permanence_by_h_corg(batch.h_corg))
        remarks.used.update(("biochar.fperm100.woolf_intercept", "biochar.fperm100.woolf_slope"))
    else:
        kept = permanence_id(batch.temperature_c)
        spreads[kept] = _spread(kept, remarks)
    return carbon, kept


def _spread(factor_id: str, remarks: Remarks) -> Spread:
    """Return the published spread; exact, and thus not issuable, where none is published."""
    remarks.used.add(factor_id)
    if factors.factor(factor_id).uncertainty is None:
        return propagation.exact(factor_id)
    return propagation.spread(factor_id)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(Biochar, METHOD_ID, "生物炭的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: example B-1 (5 t of rice straw char, 500 deg C)."""
    return {
        "batches": [
            {
                "id": "B-1",
                "mass_t_dm": 5.0,
                "feedstock": "rice_husk_straw",
                "process": "pyrolysis",
                "temperature_c": 500.0,
                "h_corg": None,
                "c_share": None,
                "delivery_record": True,
                "producer_certificate": True,
                "paddy": False,
            }
        ],
        "mineral_soil": True,
        "production_emissions_co2e_t": 0.8,
        "policy": {
            "deduction": "poe_flat",
            "buffer_share": 0.10,
            "gwp_set": "ar5",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    found = run(example())
    return [
        (
            "适用范围",
            "矿质土耕地或草地；制备温度不低于 350 ℃，H/Corg 不高于 0.7；有交付与施用记录；生产方声明不另行申报。"
            "施入稻田须实测甲烷。生物炭不再计入土壤碳的投入水平，避免重复。",
        ),
        (
            "公式",
            "ΔBC = Σ 干重 × FC × Fperm × 44/12，施用当年一次计入，按百年留存。有实验室 H/Corg 时 "
            "Fperm = 1.0445 − 0.6351·H/Corg。制备与运输排放全额扣除。",
        ),
        ("计入与不计入", "计入炭中百年后仍在的碳；不计替代肥料、增产等效应。"),
        (
            "算例",
            f"5 t 稻秆炭、500 ℃：**{found['gross_co2_t']:.3f} tCO₂**；H/Corg 0.4 的留存率 {permanence_by_h_corg(0.4):.4f}。",
        ),
        ("不确定性与扣减", deduction_text("poe_flat")),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="生物炭施用",
    title_en="Biochar",
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

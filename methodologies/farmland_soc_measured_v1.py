"""Measured change of soil carbon on farmland, paddies included (农田土壤有机碳，实测), version 1.

Points sampled twice, compared at equal soil mass, stratified; baseline from control points or, if the
policy says so, nought. Sources: method text 2.2; Verra VM0042 as recalled (30 cm, same month and
laboratory, at most 5 years). Released 2026-11. Frozen: a change is `farmland_soc_measured_v2`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import farmland_v1, inputs, settlement, soil_v1, statistics
from methodologies.base import CO2_PER_C, Component, Method, OutOfDomain
from methodologies.explaining import deduction_text, factor_table
from methodologies.farmland_v1 import Gates, Imported
from methodologies.inputs import Area, Identifier, Model, Period, invalid, unique
from methodologies.remarks import Remarks
from methodologies.soil_v1 import Layer

METHOD_ID = "farmland-soc-measured/1"
FACTOR_IDS = (
    "const.c_to_co2",
    "soc.depth",
    "stat.confidence",
    *farmland_v1.DEDUCTION_FACTOR_IDS,
)
INTERVAL_YEARS_MAX = 5.0
# A revisit a few days before its fifth anniversary is within five years; a week later is not.
_INTERVAL_TOLERANCE_YEARS = 0.02


class Point(Model):
    """A sampling point at both dates, layers from the surface downwards."""

    id: Identifier
    start: Annotated[list[Layer], Field(min_length=1)]
    end: Annotated[list[Layer], Field(min_length=1)]


class Stratum(Model):
    """A stratum with its points, and the control points outside the project."""

    id: Identifier
    area_ha: Area
    points: list[Point]
    control_points: list[Point] = Field(default_factory=list)


class Policy(farmland_v1.Policy):
    """The registrar's decisions."""

    baseline_basis: Literal["control", "zero"] = "control"
    min_points_per_stratum: Annotated[int, Field(ge=2)] = 3


class MeasuredSoc(Model):
    """Farmland sampled at the start and at the end of the period."""

    period: Period
    same_laboratory: Annotated[bool, Field(description="两期同一实验室、同一方法")]
    strata: Annotated[list[Stratum], Field(min_length=1)]
    gates: Gates = Gates()
    imported: list[Imported] = Field(default_factory=list)
    policy: Policy

    @model_validator(mode="after")
    def _consistent(self) -> "MeasuredSoc":
        unique("层", (s.id for s in self.strata))
        unique("样点", (p.id for s in self.strata for p in (*s.points, *s.control_points)))
        if self.policy.baseline_basis == "control":
            for stratum in self.strata:
                if not stratum.control_points:
                    raise invalid(f"层 {stratum.id}：以对照为基线时须有对照样点 control_points")
        return self


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one period, shaped as `methods run` prints it."""
    given = inputs.parse(MeasuredSoc, data)
    remarks = Remarks()
    farmland_v1.check_gates(given.gates, remarks)
    _check(given, remarks)
    depth_cm = remarks.number("soc.depth")
    area_ha = math.fsum(s.area_ha for s in given.strata)
    rows = [_stratum(s, depth_cm, given.policy) for s in given.strata]
    weights = [s.area_ha / area_ha for s in given.strata]
    mean = math.fsum(w * r["delta_soc_t_ha"] for w, r in zip(weights, rows, strict=True))
    variance = math.fsum(w * w * r["se_t_ha"] ** 2 for w, r in zip(weights, rows, strict=True))
    df = sum(r["df"] for r in rows)
    estimate = statistics.Estimate(mean, math.sqrt(variance), df, statistics.t_quantile(df))
    u90 = round(estimate.u90, 12)
    gross, stderr = (x * area_ha * CO2_PER_C for x in (estimate.mean, estimate.stderr))
    group = settlement.Group(
        "soc", "removal", (Component("SOC", "CO2", gross, stderr),), stderr, u90
    )
    intermediate = {
        "mode": "DELTA",
        "area_ha": area_ha,
        "years": given.period.years,
        "baseline_basis": given.policy.baseline_basis,
        "strata": [{**row, "weight": weight} for weight, row in zip(weights, rows, strict=True)],
        "delta_soc_t_ha": mean,
        "se_t_ha": estimate.stderr,
        "df": df,
        "t90": estimate.t90,
        "half_width_t_ha": estimate.half_width,
        "u90": None if math.isinf(u90) else u90,
    }
    claim = settlement.Claim(
        METHOD_ID,
        FACTOR_IDS,
        (group,),
        intermediate,
        farmland_v1.leakage(given.imported),
        buffer_on="removals",
    )
    return settlement.settle(claim, given.policy, remarks)


def _check(given: MeasuredSoc, remarks: Remarks) -> None:
    if not given.same_laboratory:
        remarks.refuse(
            "LABORATORY", "两期须在同一实验室用同一方法测定（VM0042），否则差值含系统误差。"
        )
    if given.period.start.month != given.period.end.month:
        remarks.refuse("SEASON", "两期采样须在同一月份（VM0042）。")
    if given.period.years > INTERVAL_YEARS_MAX + _INTERVAL_TOLERANCE_YEARS:
        remarks.refuse(
            "INTERVAL",
            f"两期相隔 {given.period.years:.1f} 年，不得超过 {INTERVAL_YEARS_MAX:g} 年。",
        )
    minimum = given.policy.min_points_per_stratum
    short = [s.id for s in given.strata if len(s.points) < minimum]
    if short:
        remarks.refuse("TOO_FEW_POINTS", f"层 {'、'.join(short)} 的样点少于 {minimum} 个；请补采。")


def _stratum(stratum: Stratum, depth_cm: float, policy: Policy) -> dict[str, Any]:
    points = [_point(p, depth_cm) for p in stratum.points]
    mean, sd = _mean(stratum.id, points)
    variance, df = sd**2 / len(points), len(points) - 1
    control: list[dict[str, Any]] = []
    control_mean = 0.0
    if policy.baseline_basis == "control":
        control = [_point(p, depth_cm) for p in stratum.control_points]
        control_mean, control_sd = _mean(f"{stratum.id}（对照）", control)
        variance += control_sd**2 / len(control)
        df += len(control) - 1
    return {
        "id": stratum.id,
        "area_ha": stratum.area_ha,
        "points": points,
        "control_points": control,
        "project_change_t_ha": mean,
        "baseline_change_t_ha": control_mean,
        "delta_soc_t_ha": mean - control_mean,
        "se_t_ha": math.sqrt(variance),
        "df": df,
    }


def _mean(name: str, points: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    if len(points) < 2:
        raise OutOfDomain(f"层 {name} 只有 {len(points)} 个样点，无法估计方差；至少需要 2 个。")
    return statistics.mean_and_sd([p["change_t_ha"] for p in points])


def _point(point: Point, depth_cm: float) -> dict[str, Any]:
    """Return a point's stocks: at the start to the depth, at the end to the same mass of fine soil."""
    try:
        start, mass = soil_v1.to_depth(point.start, depth_cm)
        end = soil_v1.to_mass(point.end, mass)
    except OutOfDomain as error:
        raise OutOfDomain(f"样点 {point.id}：{error}") from error
    return {
        "id": point.id,
        "soc_t_ha_start": start,
        "soc_t_ha_end": end,
        "reference_mass_t_ha": mass,
        "change_t_ha": end - start,
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(MeasuredSoc, METHOD_ID, "农田土壤有机碳（实测）的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: 40 ha, 6 points and 4 control points; invented."""

    def point(name: str, oc_start: float, oc_end: float) -> dict[str, Any]:
        deeper = {"oc_g_kg": 9.0, "bd_g_cm3": 1.35, "thickness_cm": 10.0, "coarse_share": 0.03}
        top = {"thickness_cm": 30.0, "coarse_share": 0.03}
        return {
            "id": name,
            "start": [{"oc_g_kg": oc_start, "bd_g_cm3": 1.25, **top}],
            "end": [{"oc_g_kg": oc_end, "bd_g_cm3": 1.22, **top}, deeper],
        }

    return {
        "period": {"start": "2021-11-05", "end": "2026-11-03"},
        "same_laboratory": True,
        "strata": [
            {
                "id": "A",
                "area_ha": 40.0,
                "points": [point(f"P{i}", 17.9 + 0.2 * i, 19.6 + 0.22 * i) for i in range(1, 7)],
                "control_points": [
                    point(f"K{i}", 18.0 + 0.2 * i, 18.3 + 0.2 * i) for i in range(1, 5)
                ],
            }
        ],
        "gates": {"mineral_soil": True, "lookback_years": 3},
        "imported": [{"mass_t": 20.0, "c_share": 0.25}],
        "policy": {
            "deduction": "poe",
            "buffer_share": 0.10,
            "gwp_set": "ar5",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "baseline_basis": "control",
            "min_points_per_stratum": 3,
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    layer = Layer(oc_g_kg=18.5, bd_g_cm3=1.25, thickness_cm=30.0, coarse_share=0.03)
    return [
        (
            "适用范围",
            "水田和旱地的矿质土，采样不浅于 30 cm，每层不少于 3 点，两期同月、同一实验室，相隔不超过 5 年；"
            "减产超过 5 % 不合格；外运来的有机肥扣 0.12 的碳泄漏。",
        ),
        (
            "公式",
            "SOC = Σ 有机碳 × 容重 × 层厚 ×（1 − 石砾）× 0.1（tC/ha）。两期按**等土壤质量**比较：以期初 30 cm 的细土质量为准，"
            "期末按质量内插，须采到 30 cm 以下。变化量逐点配对，按层加权，减去对照样点的变化（建议）或零。",
        ),
        (
            "计入与不计入",
            "只计土壤有机碳；甲烷、氧化亚氮、生物炭另有方法。DELTA 为项目减对照，只有 DELTA 可签发。",
        ),
        ("算例", f"有机碳 18.5 g/kg、容重 1.25、30 cm、石砾 3 %：{layer.c_t_ha:.3f} tC/ha。"),
        ("不确定性与扣减", deduction_text("poe")),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="农田土壤有机碳（实测）",
    title_en="Farmland soil carbon, measured",
    sink_type="farmland",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
)

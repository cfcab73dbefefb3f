"""Change of carbon on plots measured twice, by stratum, and what follows from it; version 1.

Each plot gives tCO2/ha at both dates; the change is paired before its variance is taken and weighted
by area over the strata (AR-TOOL14 v04.2 eq 5-8, 14, 15).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from methodologies import factors, statistics
from methodologies.base import Component, OutOfDomain
from methodologies.remarks import Remarks
from methodologies.settlement import Group

FACTOR_IDS = ("const.c_to_co2", "stat.confidence", "stat.precision_target")


@dataclass(frozen=True, slots=True)
class PlotCo2:
    """One plot [tCO2/ha]; steps are its named numbers for `intermediate`."""

    id: str
    start: float
    end: float
    steps: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StratumPlots:
    """A stratum with its plots."""

    id: str
    area_ha: float
    plots: Sequence[PlotCo2]


@dataclass(frozen=True, slots=True)
class PlotChange:
    """The change over all strata and its numbers."""

    group: Group
    area_ha: float
    intermediate: Mapping[str, Any]


def change(
    strata: Sequence[StratumPlots], minimum: int, remarks: Remarks, pool: str = "biomass"
) -> PlotChange:
    """Return the removal over the period; too few plots for issuance refuse, fewer than 2 raise."""
    for stratum in strata:
        if len(stratum.plots) < 2:
            raise OutOfDomain(
                f"层 {stratum.id} 只有 {len(stratum.plots)} 个样地，无法估计方差；每层至少需要 2 个。"
            )
    short = [f"{s.id}（{len(s.plots)} 个）" for s in strata if len(s.plots) < minimum]
    if short:
        remarks.refuse(
            "TOO_FEW_PLOTS",
            f"层 {'、'.join(short)} 的样地少于每层 {minimum} 个，不得签发；请补设样地。",
        )
    area_ha = math.fsum(s.area_ha for s in strata)
    pairs = [statistics.mean_and_sd([p.end - p.start for p in s.plots]) for s in strata]
    estimate = statistics.stratified_mean(
        [s.area_ha / area_ha for s in strata],
        [mean for mean, _ in pairs],
        [sd for _, sd in pairs],
        [len(s.plots) for s in strata],
    )
    target = factors.number("stat.precision_target")
    # Rounded, so that noise of the last digit puts nothing into the next class.
    u90 = round(estimate.u90, 12)
    if u90 > target:
        shown = "无穷大" if math.isinf(u90) else f"{100 * u90:.2f} %"
        remarks.warn(
            "PRECISION_NOT_MET",
            f"变化量在 90 % 置信度下的相对不确定性为 {shown}，未达 {100 * target:g} % 的精度目标，按规则扣减。",
        )
    gross, stderr = estimate.mean * area_ha, estimate.stderr * area_ha
    component = Component(pool, "CO2", gross, stderr)
    return PlotChange(
        Group(pool, "removal", (component,), stderr, u90),
        area_ha,
        _steps(strata, pairs, estimate, area_ha, u90),
    )


def _steps(
    strata: Sequence[StratumPlots],
    pairs: Sequence[tuple[float, float]],
    estimate: statistics.Estimate,
    area_ha: float,
    u90: float,
) -> dict[str, Any]:
    return {
        "area_ha": area_ha,
        "plots": [
            {
                "stratum": s.id,
                "id": p.id,
                "co2_t_ha_start": p.start,
                "co2_t_ha_end": p.end,
                **p.steps,
            }
            for s in strata
            for p in s.plots
        ],
        "strata": [
            {
                "id": s.id,
                "area_ha": s.area_ha,
                "weight": s.area_ha / area_ha,
                "n": len(s.plots),
                "delta_co2_t_ha": mean,
                "sd_co2_t_ha": sd,
            }
            for s, (mean, sd) in zip(strata, pairs, strict=True)
        ],
        "delta_co2_t_ha": estimate.mean,
        "se_co2_t_ha": estimate.stderr,
        "df": estimate.df,
        "t90": estimate.t90,
        "half_width_co2_t_ha": estimate.half_width,
        "u90": None if math.isinf(u90) else u90,
    }

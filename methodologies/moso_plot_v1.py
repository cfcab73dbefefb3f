"""Standing stock of one moso plot, culm by culm, with its error by Monte Carlo; version 1.

For checking plots and the equation alone. Errors: of each diameter and of each culm, independent;
and one allometric factor shared by all culms, which is the one that does not average out.
"""

import math
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from methodologies import calculation, factors, moso_mgmt_v1_explain, moso_stand_v1
from methodologies.base import CO2_PER_C, OutOfDomain
from methodologies.inputs import Model
from methodologies.moso_mgmt_v1_input import CulmRow
from methodologies.propagation import DRAWS_MIN
from methodologies.remarks import Remarks

METHOD_ID = "moso-plot/1"
CULMS_MAX = 2_000
# Draws at once: with 2,000 culms the largest array is 16 MB.
_BLOCK = 1_000

Cv = Annotated[float, Field(ge=0, le=1)]


class MonteCarlo(Model):
    """Relative standard deviations: of a diameter, of a culm, of the equation as a whole."""

    dbh_cv: Cv
    culm_cv: Cv
    shared_cv: Cv
    draws: Annotated[int, Field(ge=DRAWS_MIN, le=100_000)] = DRAWS_MIN
    seed: Annotated[int, Field(ge=0)] = 20260101


class PlotPolicy(Model):
    """Root ratio and carbon fraction; null takes the registry's factor."""

    root_ratio: Annotated[float, Field(gt=0)] | None = None
    carbon_fraction: Annotated[float, Field(gt=0, le=1)] | None = None


class MosoPlot(Model):
    """A plot with its culms."""

    area_m2: Annotated[float, Field(gt=0, description="样地面积（沿坡面量），平方米")]
    slope_deg: Annotated[float, Field(ge=0, le=60)] = 0.0
    culms: Annotated[list[CulmRow], Field(min_length=1)]
    monte_carlo: MonteCarlo | None = None
    policy: PlotPolicy


def monte_carlo(culms: list[moso_stand_v1.Culms], given: MonteCarlo) -> dict[str, float]:
    """Return mean [kg] and coefficient of variation of the plot's biomass over the draws."""
    dbh = np.repeat([c.dbh_cm for c in culms], [int(c.count) for c in culms])
    du = np.repeat([c.age_du for c in culms], [int(c.count) for c in culms])
    if dbh.size > CULMS_MAX:
        raise OutOfDomain(f"样地有 {dbh.size} 株，模拟上限为 {CULMS_MAX} 株；请缩小样地。")
    a, b, c, d, e, f = (factors.number(i) for i in moso_stand_v1.CULM_FACTOR_IDS)
    by_age = a * (c * du / (d + du)) ** e
    generator = np.random.Generator(np.random.PCG64(given.seed))
    totals = []
    for first in range(0, given.draws, _BLOCK):
        shape = (min(_BLOCK, given.draws - first), dbh.size)
        drawn_dbh = dbh * (1.0 + given.dbh_cv * generator.standard_normal(shape))
        # A diameter many deviations below zero is no culm; its power would be no number.
        one = by_age * np.maximum(drawn_dbh, 0.0) ** b + f
        one *= 1.0 + given.culm_cv * generator.standard_normal(shape)
        shared = 1.0 + given.shared_cv * generator.standard_normal(shape[0])
        totals.append(shared * one.sum(axis=1))
    total = np.concatenate(totals)
    return {
        "mean_kg": float(total.mean()),
        "sd_kg": float(total.std(ddof=1)),
        "cv": float(total.std(ddof=1) / total.mean()),
        "draws": float(given.draws),
    }


def _stock(given: MosoPlot, remarks: Remarks) -> dict[str, Any]:
    culms = [row.culms() for row in given.culms]
    remarks.used.update(moso_stand_v1.CULM_FACTOR_IDS)
    for notice in moso_stand_v1.guard_notices(culms, "样地"):
        remarks.warn(notice.code, notice.message)
    agb = moso_stand_v1.plot_agb_t_ha(culms, given.area_m2, given.slope_deg)
    r, cf = given.policy.root_ratio, given.policy.carbon_fraction
    r = remarks.number("moso.R") if r is None else r
    cf = remarks.number("moso.CF") if cf is None else cf
    area_ha = moso_stand_v1.horizontal_area_ha(given.area_m2, given.slope_deg)
    count = math.fsum(c.count for c in culms)
    mean_dbh = math.fsum(c.count * c.dbh_cm for c in culms) / count
    mean_du = math.fsum(c.count * c.age_du for c in culms) / count
    carbon = agb * (1.0 + r) * cf
    return {
        "culms": [
            {
                "dbh_cm": c.dbh_cm,
                "age_du": c.age_du,
                "count": c.count,
                "agb_kg": moso_stand_v1.culm_agb_kg(c.dbh_cm, c.age_du),
            }
            for c in culms
        ],
        "plot_area_ha": area_ha,
        "culms_per_ha": count / area_ha,
        "plot_agb_kg": agb * area_ha * 1000.0,
        "agb_t_ha": agb,
        "bgb_t_ha": agb * r,
        "agb_c_t_ha": agb * cf,
        "c_t_ha": carbon,
        "co2_t_ha": carbon * CO2_PER_C,
        "r": r,
        "cf": cf,
        # What the forbidden shortcut would give: biased, since the equation is not linear in D.
        "wrong_agb_t_ha_from_means": count
        * moso_stand_v1.culm_agb_kg(mean_dbh, mean_du)
        / 1000.0
        / area_ha,
        "monte_carlo": None if given.monte_carlo is None else monte_carlo(culms, given.monte_carlo),
    }


METHOD = calculation.method(
    METHOD_ID,
    ("毛竹样地储量", "Stock of a moso plot"),
    MosoPlot,
    _stock,
    {
        "area_m2": 400.0,
        "slope_deg": 0.0,
        "culms": [
            {"dbh_cm": c.dbh_cm, "age_du": c.age_du, "count": c.count}
            for c in moso_mgmt_v1_explain.EXAMPLE_CULMS
        ],
        "monte_carlo": {"dbh_cv": 0.02, "culm_cv": 0.12, "shared_cv": 0.0, "draws": 10000},
        "policy": {"root_ratio": None, "carbon_fraction": None},
    },
    "样地内每株代入周国模（2006）单株方程相加，除以水平面积；乘（1 + 根茎比）与含碳率、44/12 得储量。"
    "不得用平均胸径代入。模拟时单株误差相互抵消，方程的共同误差不会抵消。",
    (
        *moso_stand_v1.CULM_FACTOR_IDS,
        moso_stand_v1.AGE_RULE_FACTOR_ID,
        moso_stand_v1.MIN_DBH_FACTOR_ID,
        "moso.R",
        "moso.CF",
    ),
    "bamboo",
)

"""Biomass of moso bamboo (Phyllostachys edulis): culm, plot, stand; version 1.

D is the diameter at breast height [cm], A the age in du: 1 du is a culm's first year, each further
du is two years. M(D, A) is above-ground dry biomass of one culm [kg]: culm, branches and leaves.

Source: Zhou Guomo, 2006, PhD thesis, Zhejiang University (coefficients recalled, not read: see the
factor table). Specific to Zhejiang; elsewhere expect a systematic error of tens of percent.
Released 2026-11. Frozen with `moso_mgmt_v1`: a change of any number is a new module.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from methodologies import factors
from methodologies.base import CO2_PER_C, Notice, OutOfDomain, ha_from_m2

CULM_FACTOR_IDS = tuple(f"moso.eq.{letter}" for letter in "abcdef")
# Thinner culms are not bamboo forest by definition.
MIN_DBH_FACTOR_ID = "elig.bamboo.min_dbh"
AGE_RULE_FACTOR_ID = "moso.age_du_rule"
# Guard rails chosen here, not the author's fitting range, which was not found: see DECISIONS.
GUARD_DU = (1, 5)
# A slope up to 10 % is left uncorrected (BioCarbon Fund Sourcebook); steeper, the horizontal area.
SLOPE_UNCORRECTED = 0.10


@dataclass(frozen=True, slots=True)
class Culms:
    """So many culms of one diameter and age: in a plot, or per hectare of a stand."""

    dbh_cm: float
    age_du: int
    count: float = 1.0


def culm_agb_kg(dbh_cm: float, age_du: float) -> float:
    """Return above-ground dry biomass of one culm [kg].

    Raises
    ------
    OutOfDomain
        The culm is thinner than 2 cm, younger than 1 du, or not a number.
    """
    thinnest = factors.number(MIN_DBH_FACTOR_ID)
    if not thinnest <= dbh_cm < math.inf:
        raise OutOfDomain(
            f"竹株胸径 {dbh_cm} cm 小于 {thinnest:g} cm，按定义不属竹林立竹；请核对胸径单位（cm）或剔除该株。"
        )
    if not 1 <= age_du < math.inf:
        raise OutOfDomain(f"竹龄 {age_du} 度无效，最小为 1 度；请核对度数。")
    a, b, c, d, e, f = (factors.number(i) for i in CULM_FACTOR_IDS)
    return a * dbh_cm**b * (c * age_du / (d + age_du)) ** e + f


def age_du(age_years: int) -> int:
    """Return the age in du of a culm in its 1st, 2nd, ... year: 1 | 2-3 | 4-5 | 6-7 | 8-9."""
    if not 1 <= age_years < math.inf or age_years != int(age_years):
        raise OutOfDomain(f"竹龄 {age_years} 年无效：须为不小于 1 的整数；当年新竹成竹后记 1 年。")
    return int(age_years) // 2 + 1


def stand_agb_t_ha(culms_per_ha: Iterable[Culms]) -> float:
    """Return above-ground biomass of a stand [t/ha] from its culms per hectare."""
    return math.fsum(c.count * culm_agb_kg(c.dbh_cm, c.age_du) for c in culms_per_ha) / 1000.0


def horizontal_area_ha(area_m2: float, slope_deg: float = 0.0) -> float:
    """Return the horizontal area [ha] of a plot whose area was measured along the slope."""
    if not area_m2 > 0.0 or not 0.0 <= slope_deg < 90.0:
        raise OutOfDomain(f"样地面积 {area_m2} m²、坡度 {slope_deg}° 无效；请核对样地记录。")
    slope = math.radians(slope_deg)
    if math.tan(slope) > SLOPE_UNCORRECTED:
        area_m2 *= math.cos(slope)
    return ha_from_m2(area_m2)


def plot_agb_t_ha(culms: Iterable[Culms], area_m2: float, slope_deg: float = 0.0) -> float:
    """Return above-ground biomass of a plot [t/ha], culm by culm.

    Never from the mean diameter: the equation is not linear in D, so that would be biased.
    """
    area_ha = horizontal_area_ha(area_m2, slope_deg)
    return math.fsum(c.count * culm_agb_kg(c.dbh_cm, c.age_du) for c in culms) / 1000.0 / area_ha


def guard_notices(culms: Sequence[Culms], where: str) -> list[Notice]:
    """Return warnings for culms outside the guard rails of the equation."""
    low, high = factors.factor("moso.eq.domain_d").value_range or (0.0, math.inf)
    thick = sum(c.count for c in culms if not low <= c.dbh_cm <= high)
    old = sum(c.count for c in culms if not GUARD_DU[0] <= c.age_du <= GUARD_DU[1])
    notices = []
    if thick:
        text = f"{where}：{thick:g} 株胸径不在 {low:g}–{high:g} cm 之间，单株方程未经该范围验证。"
        notices.append(Notice("CULM_DBH_OUT_OF_GUARD", text))
    if old:
        text = f"{where}：{old:g} 株竹龄不在 {GUARD_DU[0]}–{GUARD_DU[1]} 度之间，单株方程未经该范围验证。"
        notices.append(Notice("CULM_AGE_OUT_OF_GUARD", text))
    return notices


def co2_t_per_agb_t(*, with_bgb: bool = True) -> float:
    """Return tCO2 per tonne of above-ground dry biomass, its below-ground part included or not."""
    root_ratio = factors.number("moso.R") if with_bgb else 0.0
    return (1.0 + root_ratio) * factors.number("moso.CF") * CO2_PER_C

"""Biomass and carbon of tea bushes: the ladder of methods; version 1.

From the best: plant allometry (needs local coefficients), stand roots from stand shoots, the age
curve (potential, scaled to the realised national mean), the Tier 1 shrub share of forest biomass.

Sources: Ma et al. 2025 (roots), Zhang Min et al. 2013 (curve), AR-TOOL14 v04.2 eq 26-27 (shrubs);
coefficients for allometry are to be obtained (Dong et al. 2026). Frozen with its methods.
"""

import math
from typing import Annotated, Literal

from pydantic import Field

from methodologies import factors
from methodologies.base import OutOfDomain
from methodologies.inputs import Model

ROOT_FACTOR_IDS = ("tea.root.young", "tea.root.mature")
CURVE_FACTOR_IDS = ("tea.rate.age1_4", "tea.rate.age5_15", "tea.stock25", "tea.realised_scale")
SHRUB_FACTOR_IDS = ("tea.shrub.R_S", "tea.shrub.BDR_SF", "tea.shrub.b_forest_cn", "tea.CF")
# Ages at which the curve changes its slope; beyond the last it is level (Zhang Min et al. 2013).
_YOUNG_UNTIL, _MATURE_FROM = 2, 3
_CURVE_AGES = (4.0, 15.0, 25.0)
# Below this the mature equation turns upwards again: guard of the factor table.
MATURE_SHOOTS_MIN_T_HA = 5.0


class Allometry(Model):
    """Coefficients of one bush [kg]: a X^b, X by form; exp(s2/2) corrects a fit in logarithms."""

    form: Literal["d0_squared_h", "d0", "crowns_h"]
    a: Annotated[float, Field(gt=0)]
    b: Annotated[float, Field(gt=0)]
    log_residual_sd: Annotated[float, Field(ge=0, description="对数拟合的残差标准差")] = 0.0
    d0_unit: Annotated[Literal["mm", "cm"], Field(description="方程所用基径单位")] = "mm"
    source: Annotated[str, Field(min_length=1, description="系数出处")]


class Bushes(Model):
    """Bushes of one size. Only what the form of the equation needs must be given."""

    d0_mm: Annotated[float, Field(gt=0, description="地径，毫米")] | None = None
    height_cm: Annotated[float, Field(gt=0)] | None = None
    crown1_cm: Annotated[float, Field(gt=0)] | None = None
    crown2_cm: Annotated[float, Field(gt=0)] | None = None
    count: Annotated[int, Field(ge=1)] = 1


def bush_agb_kg(bush: Bushes, equation: Allometry) -> float:
    """Return above-ground dry biomass of one bush [kg]; OutOfDomain if a size is missing."""
    d0 = bush.d0_mm
    if d0 is not None and equation.d0_unit == "cm":
        d0 = d0 / 10.0
    parts: tuple[float | None, ...] = {
        "d0": (d0,),
        "d0_squared_h": (d0, d0, bush.height_cm),
        "crowns_h": (bush.crown1_cm, bush.crown2_cm, bush.height_cm),
    }[equation.form]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        raise OutOfDomain(f"方程形式 {equation.form} 所需的茶树尺寸不全；请补测。")
    return equation.a * math.prod(known) ** equation.b * math.exp(equation.log_residual_sd**2 / 2)


def roots_t_ha(shoots_t_ha: float, age_years: int) -> float:
    """Return below-ground biomass [t/ha] of a stand from its shoots (Ma et al. 2025).

    Raises
    ------
    OutOfDomain
        A stand of 3 years or more with shoots below 5 t/ha: outside the equation.
    """
    if age_years <= _YOUNG_UNTIL:
        slope, intercept = factors.required("tea.root.young")
        return max(0.0, float(slope * shoots_t_ha + intercept))
    if shoots_t_ha < MATURE_SHOOTS_MIN_T_HA:
        raise OutOfDomain(
            f"{age_years} 年生茶园地上生物量 {shoots_t_ha:g} t/ha 低于 {MATURE_SHOOTS_MIN_T_HA:g}，"
            f"超出根系方程范围（{_MATURE_FROM} 年以上）；请核对样地或采用实测根系。"
        )
    c0, c1, c2 = factors.required("tea.root.mature")
    return float(c0 * shoots_t_ha**2 + c1 * shoots_t_ha + c2)


def curve_c_t_ha(age_years: float, *, realised: bool = True) -> float:
    """Return carbon of whole bushes [tC/ha] by age: potential, or scaled to the realised mean."""
    first, second, third = _CURVE_AGES
    rate_young, rate_mature = (factors.number(i) for i in CURVE_FACTOR_IDS[:2])
    at_first = first * rate_young
    at_second = at_first + (second - first) * rate_mature
    last = factors.number("tea.stock25")
    if age_years <= first:
        potential = max(0.0, age_years) * rate_young
    elif age_years <= second:
        potential = at_first + (age_years - first) * rate_mature
    else:
        share = min(1.0, (age_years - second) / (third - second))
        potential = at_second + share * (last - at_second)
    return potential * factors.number("tea.realised_scale") if realised else potential


def shrub_stock(crown_cover_share: float) -> tuple[float, float]:
    """Return above-ground biomass [t/ha] and carbon with roots [tC/ha] of Tier 1 shrubs."""
    ratio, share, forest, carbon_fraction = (factors.number(i) for i in SHRUB_FACTOR_IDS)
    biomass = share * forest * crown_cover_share
    return biomass, carbon_fraction * (1.0 + ratio) * biomass

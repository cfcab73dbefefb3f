"""Greenhouse gases other than stock change: fertiliser N2O, urea CO2, fire CH4 and N2O.

All results are amounts emitted (positive); the caller gives them their sign in a balance.
Sources: IPCC 2019 Refinement Vol. 4 Ch. 11 (eq 11.1, 11.9, 11.10, 11.13) and 2006 GL eq 2.27.
"""

from typing import Literal

from methodologies import factors
from methodologies.base import CO2_PER_C

Climate = Literal["wet", "aggregate"]
GwpSet = Literal["ar5", "ar6"]

# Direct emission of synthetic and of organic N, then of volatilised N. The aggregate set does not
# tell synthetic from organic N. Huzhou lies in the wet zone.
_DIRECT: dict[str, tuple[str, str, str]] = {
    "wet": ("n2o.EF1.synthetic_wet", "n2o.EF1.organic_wet", "n2o.EF4.wet"),
    "aggregate": ("n2o.EF1.aggregate", "n2o.EF1.aggregate", "n2o.EF4.aggregate"),
}
_CH4_GWP: dict[str, str] = {"ar5": "gwp.ch4.ar5", "ar6": "gwp.ch4.ar6_nonfossil"}

UREA_FACTOR_IDS = ("urea.EF",)


def n2o_kg(synthetic_n_kg: float, organic_n_kg: float, climate: Climate = "wet") -> float:
    """Return N2O [kg] from applied N [kg]: direct, from deposition and from leaching."""
    ef1_synthetic, ef1_organic, ef4 = (factors.number(i) for i in _DIRECT[climate])
    volatilised = synthetic_n_kg * factors.number("n2o.FracGASF")
    volatilised += organic_n_kg * factors.number("n2o.FracGASM")
    leached = (synthetic_n_kg + organic_n_kg) * factors.number("n2o.FracLEACH")
    n2o_n = synthetic_n_kg * ef1_synthetic + organic_n_kg * ef1_organic
    n2o_n += volatilised * ef4 + leached * factors.number("n2o.EF5")
    return n2o_n * factors.number("const.n2o_n_to_n2o")


def n2o_factor_ids(synthetic: bool, organic: bool, climate: Climate) -> tuple[str, ...]:
    """Return the factors `n2o_kg` uses for these kinds of N."""
    ef1_synthetic, ef1_organic, ef4 = _DIRECT[climate]
    ids = ["const.n2o_n_to_n2o", ef4, "n2o.EF5", "n2o.FracLEACH"]
    if synthetic:
        ids += [ef1_synthetic, "n2o.FracGASF"]
    if organic:
        ids += [ef1_organic, "n2o.FracGASM"]
    return tuple(ids)


def gwp_factor_ids(gwp_set: GwpSet, *, ch4: bool) -> tuple[str, ...]:
    """Return the factors of the warming potentials of N2O and, if asked, of CH4."""
    return (f"gwp.n2o.{gwp_set}", *((_CH4_GWP[gwp_set],) if ch4 else ()))


def n2o_gwp(gwp_set: GwpSet) -> float:
    """Return kg CO2e per kg N2O."""
    return factors.number(f"gwp.n2o.{gwp_set}")


def ch4_gwp(gwp_set: GwpSet) -> float:
    """Return kg CO2e per kg CH4 of non-fossil origin."""
    return factors.number(_CH4_GWP[gwp_set])


def urea_co2_t(urea_t: float) -> float:
    """Return CO2 [t] released from the carbon of urea [t]."""
    return urea_t * factors.number("urea.EF") * CO2_PER_C


def fire_gas_t(
    area_ha: float, agb_t_ha: float, combustion_factor: float, gas: Literal["ch4", "n2o"]
) -> float:
    """Return the gas [t, not CO2e] of a burn; its CO2 is already in the stock change.

    agb_t_ha : biomass that stood on the burnt area [t/ha]; combustion_factor : share burnt, 0..1
    """
    # ha * t/ha * g/kg = kg; 1e-3 makes tonnes.
    return area_ha * agb_t_ha * combustion_factor * factors.number(f"fire.Gef.{gas}") * 1e-3

"""What every method shares: conversions, refusals, and the shape of a result.

Conventions of the whole package: removal is positive, a loss negative; uncertainty is one standard
deviation; `u90` is the half-width of the two-sided 90 % confidence interval over |mean|; biomass is
dry matter in tonnes. Carbon and CO2 are never both called carbon: `_c_t` is carbon, `_co2_t` is CO2.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

# tCO2 per tC: the molar masses 44 and 12. Never the rounded 3.67.
CO2_PER_C = 44.0 / 12.0
# Exact by definition; 1 mu is 666.67 m2.
MU_PER_HA = 15.0
M2_PER_HA = 10_000.0


class MethodError(Exception):
    """A method cannot answer; the text (Chinese) says what, why and what next."""

    code: ClassVar[str] = "METHOD_ERROR"


class OutOfDomain(MethodError):
    """A value lies outside the range in which the method holds."""

    code = "OUT_OF_DOMAIN"


class MethodInputInvalid(MethodError):
    """The input does not have the shape or the consistency the method asks for."""

    code = "INPUT_INVALID"


class NotIssuable(MethodError):
    """The deduction policy forbids issuance at this precision."""

    code = "NOT_ISSUABLE"


class UnknownMethod(MethodError):
    """No method has this id."""

    code = "UNKNOWN_METHOD"


class UnknownFactor(MethodError):
    """No factor has this id."""

    code = "UNKNOWN_FACTOR"


class FactorMissing(MethodError):
    """A factor is needed whose value the registrar has still to set."""

    code = "FACTOR_MISSING"

    def __init__(self, factor_id: str, reason: str) -> None:
        super().__init__(f"因子 {factor_id} 尚无可用数值：{reason}。请登记机构确定后再核算签发。")
        self.factor_id = factor_id


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning or a refusal: a stable code and a Chinese sentence."""

    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return the notice as JSON takes it."""
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Component:
    """One pool and gas of a result.

    co2e_t : removal positive, emission negative [tCO2e]
    stderr_co2e_t : one standard deviation [tCO2e]; None if the factors publish none
    """

    pool: str
    gas: str
    co2e_t: float
    stderr_co2e_t: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the component as JSON takes it."""
        return {
            "pool": self.pool,
            "gas": self.gas,
            "co2e_t": self.co2e_t,
            "stderr_co2e_t": self.stderr_co2e_t,
        }


@dataclass(frozen=True, slots=True)
class Method:
    """One released version of a method, by its permanent id.

    credit_class : CCER_eligible, local_scheme or inventory_only
    schema, example : JSON Schema of the input, and an input that runs
    run : the input to the result of architecture 7 (`methods run`)
    explain : (heading, markdown) sections in Chinese
    factor_ids : the factors whose hash goes into every result
    by_round : how a monitoring round of the registry feeds it, from two biomass layers and plots
        ("map_and_plots"), from plots, layers if there are any, and stated facts ("planting"), from
        plots and stated facts alone ("plots"), or from activity records ("records"); None: it is
        run by hand
    pool : what a round credits by it, in the words that other programmes' claims use too; "all" by a
        balance of every pool and gas of the land
    """

    id: str
    title_zh: str
    title_en: str
    sink_type: str
    credit_class: str
    factor_ids: tuple[str, ...]
    schema: Callable[[], dict[str, Any]]
    example: Callable[[], dict[str, Any]]
    run: Callable[[Mapping[str, Any]], dict[str, Any]]
    explain: Callable[[], list[tuple[str, str]]]
    by_round: Literal["map_and_plots", "planting", "plots", "records"] | None = None
    pool: Literal["biomass", "soil", "non_co2", "all"] = "biomass"


def ha_from_mu(area_mu: float) -> float:
    """Return hectares; 15 mu are one hectare exactly."""
    return area_mu / MU_PER_HA


def mu_from_ha(area_ha: float) -> float:
    """Return mu; 15 mu are one hectare exactly."""
    return area_ha * MU_PER_HA


def ha_from_m2(area_m2: float) -> float:
    """Return hectares from square metres."""
    return area_m2 / M2_PER_HA


def floor_kg(net_co2_t: float, buffer_co2_t: float) -> int:
    """Return the whole kilograms left after the buffer, rounded down, never below 0.

    Rounded to 1e-6 kg first: representation noise must neither cost nor make a kilogram.
    """
    if not math.isfinite(net_co2_t - buffer_co2_t):
        raise OutOfDomain("净量不是有限的数，无法折成千克；请核对输入的数值与单位。")
    return max(0, math.floor(round(1000.0 * (net_co2_t - buffer_co2_t), 6)))

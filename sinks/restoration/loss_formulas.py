"""The formulas of a loss, in exact arithmetic.

Symbols are those of `loss`. Each year counts at its middle (t − ½), because counting at its beginning
understates the loss. All arithmetic is exact (`Fraction`); only the discount factors are irrational,
and they carry 50 digits. So a quantity of exactly 30 t asks for 30 t and never for 31.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from sinks.restoration.loss_input import Recovery

CO2_PER_C = Fraction(44, 12)


M2_PER_HA = 10_000


DISCOUNT_DIGITS = 50


# Below a milligram a difference is noise of the input (3.00 mu typed as 1999.9999999999998 m2).
NOISE_DIGITS_KG = 6


# Two-sided 90 % of a normal distribution.
Z_90 = 1.645


@dataclass(frozen=True)
class Interval:
    """A loss with one standard deviation and its two-sided 90 % interval [t CO2e]."""

    stderr_t: float
    low_t: float
    high_t: float


class Purchase(NamedTuple):
    """What a sum of money buys: whole units [kg], their cost [fen], the rest [fen]."""

    quantity_kg: int
    cost_fen: int
    residue_fen: int


def exact(number: float | int) -> Fraction:
    """The number as it was written: 0.1 is one tenth, not its nearest binary float."""
    return Fraction(str(number))


def stock_t(area_m2: Fraction, delta_c_t_ha: Fraction) -> Fraction:
    """Stock lost, S = A × ΔC × 44/12 [t CO2e]."""
    return area_m2 / M2_PER_HA * delta_c_t_ha * CO2_PER_C


def recovered_share(recovery: Recovery, recovery_years: int, year: Fraction) -> Fraction:
    """Share (0..1) of what was lost that is back ``year`` years after the damage.

    recovery : "linear", "step", or rows [year, share] that `checked_table` accepts.
    """
    if recovery == "linear":
        return min(Fraction(1), year / recovery_years)
    if recovery == "step":
        return Fraction(1 if year >= recovery_years else 0)
    before_year, before_share = Fraction(0), Fraction(0)
    for row in recovery:
        row_year, row_share = exact(row[0]), exact(row[1])
        if row_year > year:
            run = (year - before_year) / (row_year - before_year)
            return before_share + run * (row_share - before_share)
        before_year, before_share = row_year, row_share
    return before_share


def discount_factors(discount: Fraction, years: int) -> list[Fraction]:
    """(1 + r)^−(t − ½) for t = 1..years: the weight of the middle of each year."""
    if discount == 0:
        return [Fraction(1)] * years
    with localcontext() as context:
        context.prec = DISCOUNT_DIGITS
        growth = 1 + Decimal(discount.numerator) / Decimal(discount.denominator)
        return [Fraction(growth ** (Decimal("0.5") - t)) for t in range(1, years + 1)]


def missing_years(recovery: Recovery, recovery_years: int, discount: Fraction) -> list[Fraction]:
    """(1 − ρ(t−½)) (1+r)^−(t−½) for t = 1..N: what each year of the interim weighs [years]."""
    return [
        (1 - recovered_share(recovery, recovery_years, Fraction(2 * t - 1, 2))) * factor
        for t, factor in enumerate(discount_factors(discount, recovery_years), start=1)
    ]


def flow_t(area_m2: Fraction, annual_t_ha: Fraction, missing: Sequence[Fraction]) -> Fraction:
    """Growth lost until recovery, F = Σ A × a × missing share [t CO2e].

    missing : the terms that `missing_years` gives.
    """
    return area_m2 / M2_PER_HA * annual_t_ha * sum(missing, Fraction(0))


def additive_loss_t(stock: Fraction, flow: Fraction, phi: Fraction) -> Fraction:
    """M1, L = S × (1 − φ) + F [t CO2e].

    phi : share of the stock that the same order makes the debtor regrow on the site; without it
        the stock is charged as gone for ever and grown back at the debtor's cost as well.
    """
    return stock * (1 - phi) + flow


def equivalent_loss_t(
    stock: Fraction, missing: Sequence[Fraction], *, horizon_years: int, discount: Fraction
) -> Fraction:
    """M2 (REA), tonne-years lost over the tonne-years one credit supplies in H years [t CO2e]."""
    supplied_years = sum(discount_factors(discount, horizon_years), Fraction(0))
    return stock * sum(missing, Fraction(0)) / supplied_years


def habitat_ha(area_m2: Fraction, missing: Sequence[Fraction], gained: Fraction) -> Fraction:
    """HEA, hectares of comparable habitat to restore, R = Σ A (1 − x) v ÷ Σ (y − y0) v [ha].

    missing : the terms of `missing_years`; gained : `gained_years` of one restored hectare.
    """
    return area_m2 / M2_PER_HA * sum(missing, Fraction(0)) / gained


def gained_years(service: Fraction, *, years: int, life_years: int, discount: Fraction) -> Fraction:
    """Discounted service-years that one restored hectare adds over its life.

    service : share gained at maturity; years : to maturity, in a straight line (0: at once).
    Restoration begins when the damage was done.
    """
    return sum(
        (
            service * (Fraction(min(2 * t - 1, 2 * years), 2 * years) if years else 1) * factor
            for t, factor in enumerate(discount_factors(discount, life_years), start=1)
        ),
        Fraction(0),
    )


def quantity_kg(loss: Fraction, *, k: Fraction, unit_kg: int) -> int:
    """Whole units that cover k × L [kg], rounded up to the unit; ``loss`` is t CO2e."""
    wanted_kg = round(1000 * k * loss, NOISE_DIGITS_KG)
    return math.ceil(wanted_kg / unit_kg) * unit_kg


def cost_fen(quantity: int, price_fen_t: int) -> int:
    """Price of a quantity [kg] at fen per tonne, half a fen up."""
    return math.floor(Fraction(quantity * price_fen_t, 1000) + Fraction(1, 2))


def money_quantity(amount_fen: int, *, price_fen_t: int, unit_kg: int) -> Purchase:
    """M3, the whole units that a sum buys, rounded down, their cost and what is left over.

    cost + residue is the sum, to the fen; nothing is spent that the sum does not cover.
    """
    bought_kg = amount_fen * 1000 // (price_fen_t * unit_kg) * unit_kg
    cost = cost_fen(bought_kg, price_fen_t)
    return Purchase(bought_kg, cost, amount_fen - cost)


def interval(
    *,
    loss_t: float,
    loss_per_delta_c: float,
    loss_per_annual: float,
    delta_c_stderr_t_ha: float,
    annual_stderr_t_ha: float,
) -> Interval:
    """Standard error and 90 % interval of a loss from the errors of its two measured densities.

    The loss is linear in both, so its standard error is exact when they are independent:
    sqrt((∂L/∂ΔC σ_ΔC)² + (∂L/∂a σ_a)²). The interval is L ± 1.645 standard errors, cut at zero.
    Errors of area, years, discount, φ and k are outside it.

    loss_per_delta_c : t CO2e of loss for one t C/ha; loss_per_annual : for one t CO2e/ha/yr.
    """
    stderr_t = math.hypot(
        loss_per_delta_c * delta_c_stderr_t_ha, loss_per_annual * annual_stderr_t_ha
    )
    return Interval(
        stderr_t, max(0.0, loss_t - Z_90 * stderr_t), max(0.0, loss_t + Z_90 * stderr_t)
    )

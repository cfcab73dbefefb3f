"""Sharing a whole number of kilograms among parcels so that nothing is lost or made."""

import math
from collections.abc import Mapping
from fractions import Fraction

from methodologies.base import MethodInputInvalid


def largest_remainder(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Return whole numbers in proportion to the weights, summing to total exactly.

    Left-over units go to the largest remainders; equal remainders to the lower id. Computed with
    exact fractions, so the result doesn't depend on the order of the parcels or on rounding.

    Raises
    ------
    MethodInputInvalid
        total or a weight is negative, or no weight is above zero while there is something to share.
    """
    if total < 0 or any(not w >= 0.0 or math.isinf(w) for w in weights.values()):
        raise MethodInputInvalid("分配的总量和权重都不得为负。")
    exact = {key: Fraction(weight) for key, weight in weights.items()}
    whole = sum(exact.values(), Fraction(0))
    if whole == 0:
        if total:
            raise MethodInputInvalid(f"有 {total} 待分配，但所有权重为零；请核对地块面积。")
        return dict.fromkeys(weights, 0)
    quotas = {key: total * weight / whole for key, weight in exact.items()}
    shares = {key: math.floor(quota) for key, quota in quotas.items()}
    left = total - sum(shares.values())
    by_remainder = sorted(quotas, key=lambda key: (shares[key] - quotas[key], key))
    for key in by_remainder[:left]:
        shares[key] += 1
    return shares

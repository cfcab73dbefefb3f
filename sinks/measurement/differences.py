"""How far two results stand apart, for a run that is not repeated byte for byte."""

import math
from typing import Any


def largest_relative(one: Any, other: Any) -> float:
    """Return the largest relative difference of any two numbers at the same place of two JSONs.

    Infinite where anything else differs: a word, a list's length, a key.
    """
    if _is_number(one) and _is_number(other):
        if one == other:
            return 0.0
        return abs(one - other) / max(abs(one), abs(other))
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return max((largest_relative(one[key], other[key]) for key in one), default=0.0)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return max(map(largest_relative, one, other), default=0.0)
    return 0.0 if one == other else math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

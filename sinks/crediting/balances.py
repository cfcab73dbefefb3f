"""The balance of a measured wetland (ABS), beside the difference that can be credited (DELTA)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the balance over the whole round [tCO2e], removal positive.

    name : `wood`, `herb`, `burial`, `soil`, `ch4`, `n2o`, `flood_co2`, or `total`
    baseline, delta : None where there is no baseline; delta is of the land that owes nothing
    """

    name: str
    balance: float
    baseline: float | None
    delta: float | None


def of(result: Mapping[str, Any]) -> list[Term]:
    """The balance of a result, the total last; without the terms that are nought on every side.
    Empty where the method gives no balance."""
    middle = result["intermediate"]
    sides = [middle.get(name, {}) for name in ("abs_co2e_t", "baseline_abs_co2e_t", "delta_co2e_t")]
    now, before, difference = sides
    return [
        Term(name, amount, before.get(name), difference.get(name))
        for name, amount in now.items()
        if name == "total" or any(side.get(name) for side in sides)
    ]

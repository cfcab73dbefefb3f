"""What the farmland methods share: gates, leakage of imported organic matter, known spreads; version 1.

Sources: Verra VM0051 v1.1 as transcribed (yield gate, 5 % rule, eq 26), method text 2.7. Frozen with
its methods.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from methodologies import factors, propagation
from methodologies.base import CO2_PER_C, Component
from methodologies.inputs import Amount, Model, Settlement, Share
from methodologies.propagation import Spread
from methodologies.remarks import Remarks

# Share of the imported carbon taken as lost on the field it came from (VM0051 eq 26).
IMPORTED_CARBON_LEAKAGE_SHARE = 0.12
# Of the earlier practice: a smaller change is none; a greater fall of yield shuts the stratum out.
CHANGE_MIN_SHARE = 0.05
YIELD_FALL_MAX_SHARE = 0.05
LOOKBACK_YEARS_MIN = 3
# References by definition, without uncertainty (IPCC 2019 Table 5.5).
REFERENCE_IDS = frozenset({"fmg.full_tillage", "fi.medium", "flu.native", "rice.sfw.upland"})
DEDUCTION_FACTOR_IDS = ("ded.ar_tool14", "ded.ar_cm", "ded.gs403.threshold", "risk.registry")


class Gates(Model):
    """Conditions of every farmland method."""

    mineral_soil: Annotated[bool, Field(description="矿质土（有机土不适用）")] = True
    lookback_years: Annotated[int, Field(ge=0, description="有记录的回溯年数")] = 3
    yield_change_share: Annotated[float, Field(ge=-1, description="产量变化，−0.06 为减产 6 %")] = (
        0.0
    )
    practice_change_share: Annotated[float, Field(ge=0, description="措施相对原做法的变化幅度")] = (
        1.0
    )


class Imported(Model):
    """Manure or compost brought in from elsewhere, over the whole period and area."""

    mass_t: Amount
    c_share: Annotated[Share, Field(description="含碳比例")]


class Policy(Settlement):
    """The registrar's decisions."""


def check_gates(gates: Gates, remarks: Remarks) -> None:
    """Refuse, naming the rule and its source, where a condition does not hold."""
    rows = (
        (
            gates.mineral_soil,
            "ORGANIC_SOIL",
            "有机土（含碳 12 % 以上、厚 10 cm 以上）不适用本方法（IPCC）",
        ),
        (
            gates.lookback_years >= LOOKBACK_YEARS_MIN,
            "LOOKBACK_TOO_SHORT",
            f"基线须有至少 {LOOKBACK_YEARS_MIN} 年且覆盖一个轮作周期的记录（VM0051），现为 {gates.lookback_years} 年",
        ),
        (
            gates.yield_change_share >= -YIELD_FALL_MAX_SHARE,
            "YIELD_FALL",
            f"减产超过 {YIELD_FALL_MAX_SHARE:.0%} 的层不合格（VM0051），现为 {gates.yield_change_share:+.1%}",
        ),
        (
            gates.practice_change_share >= CHANGE_MIN_SHARE,
            "PRACTICE_UNCHANGED",
            f"变化不足原做法 {CHANGE_MIN_SHARE:.0%} 的不算改变（VM0051），现为 {gates.practice_change_share:.1%}",
        ),
    )
    for passed, code, text in rows:
        if not passed:
            remarks.refuse(code, f"{text}；不得签发，请核对记录。")


def leakage(imported: Sequence[Imported]) -> tuple[Component, ...]:
    """Return the leakage of imported organic matter, M x C x 0.12 x 44/12, as a component."""
    carbon = math.fsum(m.mass_t * m.c_share for m in imported)
    if not carbon:
        return ()
    lost = carbon * IMPORTED_CARBON_LEAKAGE_SHARE * CO2_PER_C
    return (Component("leakage", "CO2", -lost, None),)


def spreads(factor_ids: Iterable[str]) -> dict[str, Spread]:
    """Return the distribution of each factor by its id; references, and factors without a published
    interval (see `unpublished`), are exact."""
    listed = list(factor_ids)
    exact = REFERENCE_IDS | set(unpublished(listed))
    return {i: propagation.exact(i) if i in exact else propagation.spread(i) for i in listed}


def unpublished(factor_ids: Iterable[str]) -> list[str]:
    """Return the factors that no interval is published of and that are no references: what hangs
    on them can be shown, and only the flat deduction can issue it."""
    return [
        i
        for i in factor_ids
        if i not in REFERENCE_IDS
        and factors.factor(i).uncertainty is None
        and factors.factor(i).value_range is None
    ]


def approach1_spreads(spreads_by_id: Mapping[str, Spread]) -> dict[str, Spread]:
    """Return the spreads that approach 1 takes: published percentages as 95 % half-widths."""
    found = {}
    for name, spread in spreads_by_id.items():
        if spread.shape == "exact":
            found[name] = spread
        else:
            sd = factors.factor(name).half_width_95 / 1.96
            found[name] = Spread(spread.value, sd, "normal")
    return found

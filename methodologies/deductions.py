"""How much of an estimate is taken off because it is uncertain: policies as data.

A project estimate is lowered, a baseline estimate is raised, by the same amount. A project estimate
above zero never falls below zero this way (imprecision alone makes no debit); an estimated loss is
made larger, since its magnitude may be understated.

Sources: AR-TOOL14 v04.2 App. 2 Table 1; AR-CM-003/005-V01 precision table (recalled, not read);
Gold Standard 403 v2.1 3.11.5; Verra VM0051 (flat 15 % for Tier 1; probability of exceedance eq 38).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from methodologies import factors
from methodologies.base import NotIssuable, OutOfDomain, UnknownMethod

Scenario = Literal["project", "baseline"]
Basis = Literal["half_width", "mean", "excess", "probability"]

# 1.645: the z of 90 % two-sided that VM0051 writes; u90/1.645 is one relative standard deviation.
_Z90 = 1.645
_BOUND_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Step:
    """Up to this u90 the share is taken; `inclusive` says whether the bound itself belongs."""

    u90_max: float
    inclusive: bool
    share: float


@dataclass(frozen=True, slots=True)
class Policy:
    """One deduction policy.

    basis : what `share` is a share of: the half-width, the mean, the points of u90 in excess of the
        step before, or one relative standard deviation ("probability")
    refused_at, refused_inclusive : the u90 from which nothing may be issued; None if never
    factor_ids : the factors the numbers come from; empty if they are written here
    share_min : at least this share of the mean is taken, whatever the steps say
    """

    id: str
    title_zh: str
    basis: Basis
    steps: tuple[Step, ...]
    source: str
    refused_at: float | None = None
    refused_inclusive: bool = False
    factor_ids: tuple[str, ...] = ()
    share_min: float = 0.0


def deduct(
    estimate: float, u90: float, policy: str, scenario: Scenario = "project"
) -> tuple[float, float]:
    """Return the conservative estimate and the share of |estimate| taken off (baseline: put on).

    u90 : relative half-width of the 90 % interval, 0..inf

    Raises
    ------
    NotIssuable
        The policy forbids issuance at this u90.
    OutOfDomain
        u90 is negative or not a number.
    """
    if estimate == 0.0:
        share_of_half_width(u90, policy)
        return 0.0, 0.0
    taken = taken_share(u90, policy)
    if scenario == "baseline":
        return estimate + abs(estimate) * taken, taken
    if estimate > 0.0:
        taken = min(taken, 1.0)
    return estimate - abs(estimate) * taken, taken


def taken_share(u90: float, policy: str) -> float:
    """Return the share of |estimate| that the policy takes, before the floor at zero; may exceed 1."""
    rule = find(policy)
    return max(_by_steps(rule, u90), rule.share_min)


def _by_steps(rule: Policy, u90: float) -> float:
    step = _step(rule, u90)
    if rule.basis == "mean":
        return step.share
    if rule.basis == "excess":
        return step.share * (u90 - _threshold(rule)) if step.share else 0.0
    if rule.basis == "probability":
        return step.share * u90 / _Z90
    return step.share * u90 if step.share else 0.0


def share_of_half_width(u90: float, policy: str) -> float:
    """Return what the policy takes as a share of the half-width; exact for half-width tables."""
    rule = find(policy)
    if rule.basis == "half_width":
        return _step(rule, u90).share
    taken = taken_share(u90, policy)
    if u90 == 0.0 or math.isinf(u90):
        return 0.0
    return taken / u90


def needs_no_u90(policy: str) -> bool:
    """Return whether the policy takes the same share whatever the uncertainty."""
    rule = find(policy)
    return rule.basis == "mean" and len(rule.steps) == 1


def find(policy: str) -> Policy:
    """Return the policy; UnknownMethod, listing the ids, if there is none."""
    try:
        return _BY_ID[policy]()
    except KeyError:
        raise UnknownMethod(
            f"没有名为 {policy} 的扣减规则；可选：{'、'.join(sorted(_BY_ID))}。"
        ) from None


def policies() -> Mapping[str, Policy]:
    """Return all policies by id."""
    return MappingProxyType({policy_id: rule() for policy_id, rule in _BY_ID.items()})


_FLAT = Policy(
    id="flat",
    title_zh="固定扣减 15 %",
    basis="mean",
    steps=(Step(math.inf, True, 0.15),),
    source="Verra VM0051: 15 % for Tier 1, up to 60 000 t a year",
)

# 0.4307 is the normal quantile of 2/3: the estimate is lowered to the value exceeded with that
# probability.
_POE = Policy(
    id="poe",
    title_zh="按超越概率 2/3 扣减",
    basis="probability",
    steps=(Step(0.10, True, 0.0), Step(1.00, True, 0.4307)),
    source="Verra VM0051 eq 38, VT0014",
    refused_at=1.00,
)

# Suggested for Tier 1 factors, whose interval is wide and whose bias is unknown.
_POE_FLAT = replace(
    _POE,
    id="poe_flat",
    title_zh="按超越概率 2/3 扣减，且不少于 15 %",
    source="larger of Verra VM0051 eq 38 and its flat 15 % for Tier 1",
    share_min=0.15,
)


def _ar_tool14() -> Policy:
    found = factors.factor("ded.ar_tool14")
    steps = tuple(
        Step(math.inf if upper is None else upper, True, share)
        for upper, share in factors.required(found.id)
    )
    title = "AR-TOOL14：按置信区间半宽分档扣减"
    return Policy("ar_tool14", title, "half_width", steps, found.source, factor_ids=(found.id,))


def _ar_cm() -> Policy:
    found = factors.factor("ded.ar_cm")
    # The text reads: <= 10 % nothing; > 10 and < 20 %; >= 20 and < 30 %; >= 30 % add plots.
    rows = [(upper, share) for upper, share in factors.required(found.id) if upper is not None]
    steps = tuple(Step(upper, index == 0, share) for index, (upper, share) in enumerate(rows))
    return Policy(
        "ar_cm",
        "AR-CM：按变化量分档扣减，达到 30 % 须增设样地",
        "mean",
        steps,
        found.source,
        refused_at=rows[-1][0],
        refused_inclusive=True,
        factor_ids=(found.id,),
    )


def _gs403() -> Policy:
    found = factors.factor("ded.gs403.threshold")
    steps = (Step(found.number, True, 0.0), Step(math.inf, True, 1.0))
    title = "Gold Standard 403：扣除超出 20 % 的百分点"
    return Policy("gs403", title, "excess", steps, found.source, factor_ids=(found.id,))


_BY_ID: Mapping[str, Callable[[], Policy]] = MappingProxyType(
    {
        "ar_tool14": _ar_tool14,
        "ar_cm": _ar_cm,
        "gs403": _gs403,
        "flat": lambda: _FLAT,
        "poe": lambda: _POE,
        "poe_flat": lambda: _POE_FLAT,
    }
)


def _threshold(rule: Policy) -> float:
    return rule.steps[0].u90_max


def _step(rule: Policy, u90: float) -> Step:
    if not u90 >= 0.0:
        raise OutOfDomain(f"相对不确定性 {u90} 无效：须为 0 或正数（0.15 表示 15 %）。")
    # Rounded, or 8.7 of 58 would be a hair above the 15 % it is and fall into the next class.
    u90 = round(u90, _BOUND_DIGITS)
    limit = rule.refused_at
    if limit is not None and (u90 > limit or (rule.refused_inclusive and u90 == limit)):
        found = "无穷大" if math.isinf(u90) else f"{100 * u90:.1f} %"
        raise NotIssuable(
            f"90 % 置信度下相对不确定性为 {found}，"
            f"{'达到或' if rule.refused_inclusive else ''}超过“{rule.title_zh}”允许的 "
            f"{100 * limit:.0f} %，不得签发；请增设样地、提高精度后重新核算。"
        )
    for step in rule.steps:
        if u90 < step.u90_max or (step.inclusive and u90 == step.u90_max):
            return step
    raise AssertionError(f"deduction policy {rule.id} has no step for u90 {u90}")

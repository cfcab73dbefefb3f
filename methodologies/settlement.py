"""From estimated removals and reductions to whole kilograms, for methods other than moso-mgmt/1.

Each component group (biomass, soil, CH4, N2O, char ...) is deducted by its own uncertainty; penalties
(added emissions, leakage, a stock lost by conversion) are taken in full, never reduced. Then the
baseline, the debit of earlier years, the buffer, and once, at the end, the floor to kilograms. A
negative net is kept as it is and carried forward.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from methodologies import deductions, factors
from methodologies.base import Component, NotIssuable, floor_kg
from methodologies.inputs import Baseline, Settlement
from methodologies.remarks import Remarks

BUFFER_FACTOR_ID = "risk.registry"


@dataclass(frozen=True, slots=True)
class Group:
    """One component group before deduction.

    kind : a removal fills a pool and may be lost again; a reduction is an emission not made
    gross_co2e_t, stderr_co2e_t : estimate and one standard deviation [tCO2e]
    u90 : relative half-width of the 90 % interval; None if the factors publish no spread
    """

    name: str
    kind: Literal["removal", "reduction"]
    components: tuple[Component, ...]
    stderr_co2e_t: float | None
    u90: float | None

    @property
    def gross_co2e_t(self) -> float:
        """Return the sum over the components [tCO2e]."""
        return math.fsum(c.co2e_t for c in self.components)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a method found, ready to be settled.

    penalties : components with negative amounts, taken in full
    buffer_on : "net" takes the buffer from the whole net (forest families), "removals" from what is
        left of the removals alone (farmland and wetland)
    """

    method_id: str
    factor_ids: tuple[str, ...]
    groups: tuple[Group, ...]
    intermediate: Mapping[str, Any]
    penalties: tuple[Component, ...] = ()
    baseline: Baseline | None = None
    cap_co2_t: float | None = None
    buffer_on: Literal["net", "removals"] = "net"


def settle(claim: Claim, policy: Settlement, remarks: Remarks) -> dict[str, Any]:
    """Return the result, shaped as `methods run` prints it.

    gross_co2_t sums the groups before any deduction; deduction_share is what is taken off over
    |gross|; net_co2_t is after deduction, baseline, penalties, cap and carried debit.
    """
    rows = [_deducted(group, policy.deduction, remarks) for group in claim.groups]
    gross = math.fsum(group.gross_co2e_t for group in claim.groups)
    conservative = math.fsum(row["conservative_co2e_t"] for row in rows)
    baseline = _baseline(claim.baseline, policy.deduction, remarks)
    penalties = math.fsum(c.co2e_t for c in claim.penalties)
    before_debit = conservative - baseline + penalties
    if claim.cap_co2_t is not None and before_debit > claim.cap_co2_t:
        remarks.warn(
            "SATURATED",
            f"已近上限，本期由 {before_debit:.3f} 吨减为 {claim.cap_co2_t:.3f} 吨。",
        )
        before_debit = claim.cap_co2_t
    net = before_debit - policy.carried_debit_kg / 1000.0
    if net < 0.0:
        remarks.warn("NEGATIVE_NET", f"本期净量为 {net:.3f} 吨（负值），须结转抵减以后各期。")
    buffer, share = _buffer(claim, rows, net, policy, remarks)
    remarks.warn_of_recalled()
    # A factor used and not declared would be missing from the hash of the result.
    assert remarks.used <= set(claim.factor_ids), remarks.used - set(claim.factor_ids)
    issuable_kg = 0 if remarks.refusals else floor_kg(net, buffer)
    components = [c for group in claim.groups for c in group.components]
    return {
        "method": claim.method_id,
        "factor_hash": factors.factor_hash(claim.factor_ids),
        "gross_co2_t": gross,
        "stderr_co2_t": _stderr(claim.groups),
        "deduction_share": (gross - conservative) / abs(gross) if gross else 0.0,
        "net_co2_t": net,
        "buffer_co2_t": buffer,
        "issuable_kg": issuable_kg,
        "components": [c.as_dict() for c in (*components, *claim.penalties)],
        "intermediate": {
            **claim.intermediate,
            "deduction_policy": policy.deduction,
            "groups": rows,
            "conservative_co2_t": conservative,
            "baseline_conservative_co2_t": baseline,
            "penalties_co2e_t": 0.0 - penalties,
            "net_before_debit_co2_t": before_debit,
            "carried_debit_kg": policy.carried_debit_kg,
            "debit_carried_forward_kg": max(0, math.ceil(round(-1000.0 * net, 6))),
            "gwp_set": policy.gwp_set,
            "buffer_share": share,
            "buffer_on": claim.buffer_on,
            "unit_kg": policy.unit_kg,
            "issuable_units": issuable_kg // policy.unit_kg,
            "unit_residue_kg": issuable_kg % policy.unit_kg,
        },
        "warnings": [notice.as_dict() for notice in remarks.warnings],
        "refusals": [notice.as_dict() for notice in remarks.refusals],
    }


def _deducted(group: Group, policy: str, remarks: Remarks) -> dict[str, Any]:
    """Return the group as it stands in `intermediate`, with its conservative amount."""
    remarks.used.update(deductions.find(policy).factor_ids)
    gross = group.gross_co2e_t
    conservative, u90 = gross, group.u90
    try:
        if u90 is None and not deductions.needs_no_u90(policy):
            remarks.refuse(
                "STDERR_MISSING",
                f"{group.name} 的因子没有公布不确定性，规则 {policy} 无从扣减，不得签发；"
                "请补充不确定性，或由登记机构采用固定扣减 flat。",
            )
            conservative = min(gross, 0.0)
        else:
            conservative, _ = deductions.deduct(gross, u90 or 0.0, policy)
    except NotIssuable as refusal:
        remarks.refuse(refusal.code, f"{group.name}：{refusal}")
        # A loss is enlarged by its half-width; infinite only where there is nothing to enlarge.
        wider = abs(gross) * u90 if u90 is not None and math.isfinite(u90) else 0.0
        conservative = 0.0 if gross > 0.0 else gross - wider
    return {
        "group": group.name,
        "kind": group.kind,
        "gross_co2e_t": gross,
        "stderr_co2e_t": group.stderr_co2e_t,
        "u90": u90 if u90 is None or math.isfinite(u90) else None,
        "deduction_share": (gross - conservative) / abs(gross) if gross else 0.0,
        "conservative_co2e_t": conservative,
    }


def _baseline(given: Baseline | None, policy: str, remarks: Remarks) -> float:
    if given is None:
        return 0.0
    try:
        return deductions.deduct(given.co2_t, given.u90, policy, scenario="baseline")[0]
    except NotIssuable as refusal:
        remarks.refuse(refusal.code, f"基线：{refusal}")
        return given.co2_t + abs(given.co2_t) * given.u90


def _buffer(
    claim: Claim,
    rows: Sequence[Mapping[str, Any]],
    net: float,
    policy: Settlement,
    remarks: Remarks,
) -> tuple[float, float]:
    """Return the buffer [tCO2e], never more than the net, and its share; reductions bear none."""
    removals = [row["conservative_co2e_t"] for row in rows if row["kind"] == "removal"]
    if not removals:
        return 0.0, 0.0
    share = remarks.decided(policy.buffer_share, BUFFER_FACTOR_ID, "buffer_share", 0.0)
    base = net if claim.buffer_on == "net" else math.fsum(removals)
    return min(max(0.0, base) * share, max(0.0, net)), share


def _stderr(groups: Sequence[Group]) -> float | None:
    """Return one standard deviation of the gross, groups independent; None if one is unknown."""
    known = [g.stderr_co2e_t for g in groups if g.stderr_co2e_t is not None]
    return math.hypot(*known) if len(known) == len(groups) else None

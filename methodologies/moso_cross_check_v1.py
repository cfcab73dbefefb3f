"""The gain-loss cross-check of a bamboo round: recruits less harvest beside the stock difference.

The amount is always the stock difference; the other way to it is held against it and never mixed
in (method text 4.2, IPCC eq. 2.7). Frozen with its methods.
"""

import math
from typing import Any

from methodologies.moso_mgmt_v1_input import GainLoss
from methodologies.remarks import Remarks

# Two-sided 95 % of the normal distribution.
Z95 = 1.96


def checked(
    given: GainLoss | None, gross_co2_t: float, stderr_co2_t: float | None, remarks: Remarks
) -> dict[str, Any] | None:
    """Return both ways with the difference that chance allows [tCO2]; None if nothing was given.

    A larger difference warns, and so does one that cannot be judged.
    """
    if given is None:
        return None
    net_co2_t = given.gain_co2_t - given.loss_co2_t
    difference = gross_co2_t - net_co2_t
    allowed = None if stderr_co2_t is None else Z95 * math.hypot(stderr_co2_t, given.stderr_co2_t)
    if allowed is None:
        remarks.warn("GAIN_LOSS_NOT_JUDGED", "储量变化的误差未知，无法与增减量法相互核对。")
    elif abs(difference) > allowed:
        remarks.warn(
            "GAIN_LOSS_DISAGREES",
            f"两期储量之差 {gross_co2_t:.3f} 吨与增减量法 {net_co2_t:.3f} 吨相差 {abs(difference):.3f} 吨，"
            f"超过误差允许的 {allowed:.3f} 吨；请核对样地与采伐记录。",
        )
    return {
        "gain_co2_t": given.gain_co2_t,
        "loss_co2_t": given.loss_co2_t,
        "net_co2_t": net_co2_t,
        "difference_co2_t": difference,
        "allowed_co2_t": allowed,
        "agrees": None if allowed is None else abs(difference) <= allowed,
    }

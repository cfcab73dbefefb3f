"""The gross removal of bamboo by Monte Carlo, beside its analytic error; version 1.

Drawn are the change of above-ground biomass, one root:shoot ratio and one carbon fraction, the same
for both dates (method text 4.6). It decides nothing: deductions take the sampling error alone.
"""

from collections.abc import Mapping
from typing import Any

from methodologies import propagation
from methodologies.base import CO2_PER_C

# Beyond this the draws and the analytic deviation are told apart (method text 4.6).
DISAGREEMENT = 0.10
_NUMBERS = ("delta_agb_t_ha", "se_t_ha", "r", "r_stderr", "cf", "cf_stderr")


def drawn(
    steps: Mapping[str, Any], analytic_sd_co2_t: float | None, factor_hash: str
) -> dict[str, Any] | None:
    """Return the gross removal [tCO2] over 100,000 draws; None where the change has no error.

    steps : the named numbers of the result, with `area_ha` and those of `_NUMBERS`
    """
    if steps["se_t_ha"] is None:
        return None

    def gross_t_ha(v: Mapping[str, Any]) -> Any:
        return v["delta"] * (1.0 + v["r"]) * v["cf"] * CO2_PER_C

    spread = propagation.Spread
    found = propagation.simulate_practice(
        gross_t_ha,
        {
            "delta": spread(steps["delta_agb_t_ha"], steps["se_t_ha"], "normal"),
            "r": spread(steps["r"], steps["r_stderr"], "normal", 0.0),
            "cf": spread(steps["cf"], steps["cf_stderr"], "normal", 0.0, 1.0),
        },
        {name: steps[name] for name in _NUMBERS},
        factor_hash,
        own_draws=True,
    ).times(steps["area_ha"])
    differs = bool(analytic_sd_co2_t and abs(found.sd / analytic_sd_co2_t - 1.0) > DISAGREEMENT)
    return {**found.as_dict(), "analytic_sd": analytic_sd_co2_t, "disagrees": differs}

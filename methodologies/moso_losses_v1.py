"""What a bamboo round loses beside its bamboo: scattered trees, and harvest moved elsewhere; version 1.

Gains of scattered trees are not counted, their losses are (method text 1.3). Where the project takes
fewer culms than the baseline did, others are cut in their place: their carbon, times the registrar's
share of market leakage (method text 1.12; no text gives the share, so without one nothing is issued).
Frozen with its methods.
"""

from methodologies.base import CO2_PER_C, Component
from methodologies.moso_mgmt_v1_input import Round
from methodologies.remarks import Remarks

MARKET_FACTOR_ID = "leakage.market_factor"


def components(round_: Round, remarks: Remarks) -> tuple[Component, ...]:
    """Return the losses as negative components; none where there is none."""
    found = []
    if round_.tree_loss_co2_t:
        found.append(Component("scattered_trees", "CO2", -round_.tree_loss_co2_t, None))
    harvest = round_.harvest
    if harvest is not None and harvest.culms_t_project < harvest.culms_t_baseline:
        # Unknown: all that is not cut here is cut elsewhere, and nothing is issued on it.
        share = remarks.decided(
            round_.policy.market_leakage_share, MARKET_FACTOR_ID, "market_leakage_share", 1.0
        )
        missing_t = harvest.culms_t_baseline - harvest.culms_t_project
        moved = missing_t * remarks.number("moso.CF") * CO2_PER_C * share
        found.append(Component("market_leakage", "CO2", -moved, None))
    return tuple(found)

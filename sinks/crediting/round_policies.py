"""The policies that a round is calculated with, by the names its method reads.

Each is a decision of the registrar, with its date; while one is not in force, the suggested value
serves to measure, and the round cannot be published.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from methodologies import catalogue
from sinks.core import policies

# The policies a measurement of moso-mgmt/1 calculates with, by the names the method reads.
METHOD_POLICIES: Mapping[str, str] = MappingProxyType(
    {
        "deduction": "deduction.moso-mgmt",
        "buffer_share": "buffer_share.moso-mgmt",
        "bgb_change_mode": "bgb_change_mode.moso-mgmt",
        "allocation": "allocation.moso-mgmt",
        "min_plots_per_stratum": "min_plots_per_stratum",
        "gwp_set": "gwp_set",
        "unit_kg": "unit_kg",
    }
)
TIER1 = {"deduction": "deduction.tier1", "gwp_set": "gwp_set", "unit_kg": "unit_kg"}
BY_PLOTS = {
    "deduction": "deduction.forest",
    "buffer_share": "buffer_share.forest",
    "min_plots_per_stratum": "min_plots_per_stratum",
    "gwp_set": "gwp_set",
    "unit_kg": "unit_kg",
}
POLICIES_OF: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "moso-mgmt/1": METHOD_POLICIES,
        # Rounds feed no products, so that the decision on their pool is never asked for.
        "moso-aff/1": {
            **METHOD_POLICIES,
            "deduction": "deduction.forest",
            "buffer_share": "buffer_share.forest",
        },
        "forest-aff/1": {**BY_PLOTS, "min_volume_m3_ha": "min_volume_m3_ha.forest-aff"},
        "tea-perennial/1": {
            **BY_PLOTS,
            "credit_age_max_years": "credit_age_max_years.tea",
            "pruning_plane_m": "pruning_plane_m.tea",
        },
        "paddy-ch4/1": {**TIER1, "water_draws": "water_draws.paddy-ch4"},
        "n2o/1": TIER1,
        "residue-burning/1": {**TIER1, "deduction": "deduction.residue-burning"},
        "farmland-soc/1": {
            **TIER1,
            "buffer_share": "buffer_share.farmland-wetland",
            "issue_tier1": "issue_tier1.farmland-soc",
        },
        "biochar/1": {**TIER1, "buffer_share": "buffer_share.farmland-wetland"},
        "wetland-balance/1": {
            **TIER1,
            "buffer_share": "buffer_share.farmland-wetland",
            "herb_gain": "herb_gain.wetland-balance",
        },
        "tea-n2o/1": {
            **TIER1,
            "baseline_n_cap_kg_ha": "baseline_n_cap_kg_ha.tea-n2o",
            "min_record_years": "min_record_years.tea-n2o",
            "yield_drop_max_share": "yield_drop_max_share.tea-n2o",
        },
    }
)


# Calculated with where the registrar has decided; where not, the method names what it lacks.
WHERE_DECIDED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"moso-mgmt/1": {"market_leakage_share": "market_leakage_share.moso-mgmt"}}
)


def where_decided(method_id: str) -> Mapping[str, str]:
    """The keys of the policies that a measurement uses if they are in force, by their names."""
    return WHERE_DECIDED.get(method_id, {})


def needed(method_id: str) -> Mapping[str, str]:
    """The keys of the policies that a measurement by a method needs, by the names it reads."""
    if catalogue.method(method_id).by_round in ("records", "plots"):
        return POLICIES_OF[method_id]
    return {**POLICIES_OF[method_id], "valid_share_min": "valid_share_min"}


def calculating(session: Session, method_id: str) -> tuple[dict[str, Any], bool]:
    """The policy values by the method's names, and whether every one of them is in force."""
    found = {
        name: policies.value_or_suggestion(session, key) for name, key in needed(method_id).items()
    }
    decided = {
        name: row.value
        for name, key in where_decided(method_id).items()
        if (row := policies.find(session, key)) is not None
    }
    values = {name: value for name, (value, _) in found.items()}
    return {**values, **decided}, all(ok for _, ok in found.values())

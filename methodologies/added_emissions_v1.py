"""Emissions that a project adds: fertiliser N2O, urea CO2, fire CH4 and N2O; version 1.

Frozen with the methods that use it. Sources: as in `emissions`.
"""

import math
from collections.abc import Sequence

from methodologies import emissions
from methodologies.base import Component
from methodologies.moso_mgmt_v1_input import Emissions, Fire
from methodologies.remarks import Remarks

FACTOR_IDS = (
    "const.n2o_n_to_n2o",
    "gwp.set",
    "gwp.n2o.ar5",
    "gwp.n2o.ar6",
    "gwp.ch4.ar5",
    "gwp.ch4.ar6_nonfossil",
    "n2o.EF1.aggregate",
    "n2o.EF1.synthetic_wet",
    "n2o.EF1.organic_wet",
    "n2o.EF4.aggregate",
    "n2o.EF4.wet",
    "n2o.EF5",
    "n2o.FracGASF",
    "n2o.FracGASM",
    "n2o.FracLEACH",
    "urea.EF",
    "fire.Gef.ch4",
    "fire.Gef.n2o",
    "fire.Cf",
)


def components(
    given: Emissions | None, gwp_set: emissions.GwpSet | None, remarks: Remarks
) -> tuple[Component, ...]:
    """Return emissions as negative components: only what exceeds the baseline, kind by kind."""
    if given is None:
        return ()
    synthetic_kg = max(0.0, given.fertiliser_n_kg_project - given.fertiliser_n_kg_baseline)
    organic_kg = max(0.0, given.organic_n_kg_project - given.organic_n_kg_baseline)
    urea_t = max(0.0, given.urea_t_project - given.urea_t_baseline)
    found = []
    gwp: emissions.GwpSet = "ar6"
    if synthetic_kg or organic_kg or given.fires:
        gwp = remarks.decided(gwp_set, "gwp.set", "gwp_set", "ar6")
        remarks.used.update(emissions.gwp_factor_ids(gwp, ch4=bool(given.fires)))
    if synthetic_kg or organic_kg:
        n2o_t = emissions.n2o_kg(synthetic_kg, organic_kg, given.n2o_factors) / 1000.0
        ids = emissions.n2o_factor_ids(synthetic_kg > 0.0, organic_kg > 0.0, given.n2o_factors)
        remarks.used.update(ids)
        found.append(Component("fertiliser", "N2O", -n2o_t * emissions.n2o_gwp(gwp), None))
    if urea_t:
        remarks.used.update(emissions.UREA_FACTOR_IDS)
        found.append(Component("urea", "CO2", -emissions.urea_co2_t(urea_t), None))
    if given.fires:
        found += _fire_components(given.fires, gwp, remarks)
    return tuple(found)


def _fire_components(
    fires: Sequence[Fire], gwp: emissions.GwpSet, remarks: Remarks
) -> list[Component]:
    remarks.used.update(("fire.Gef.ch4", "fire.Gef.n2o"))
    ch4_t, n2o_t = [], []
    for fire in fires:
        # Unknown: all of it burnt, the upper bound, and nothing is issued on it.
        share = remarks.decided(fire.combustion_factor, "fire.Cf", "combustion_factor", 1.0)
        ch4_t.append(emissions.fire_gas_t(fire.area_ha, fire.agb_t_ha, share, "ch4"))
        n2o_t.append(emissions.fire_gas_t(fire.area_ha, fire.agb_t_ha, share, "n2o"))
    return [
        Component("fire", "CH4", -math.fsum(ch4_t) * emissions.ch4_gwp(gwp), None),
        Component("fire", "N2O", -math.fsum(n2o_t) * emissions.n2o_gwp(gwp), None),
    ]

"""Sharing the result of a bamboo round among its parcels; version 1. Frozen with its methods."""

import math
from collections.abc import Mapping
from typing import Any

from methodologies import allocation
from methodologies.moso_mgmt_v1_change import Change, map_change
from methodologies.moso_mgmt_v1_input import Parcel, Round


def to_parcels(
    round_: Round, change: Change, net: float, issuable_kg: int, co2_per_agb: float
) -> list[dict[str, Any]]:
    """Return each parcel's share: strata by their change in the sense of the net, then by policy."""
    if not round_.parcels:
        return []
    sign = -1.0 if net < 0.0 else 1.0
    with_land = {parcel.stratum for parcel in round_.parcels}
    strata = [row for row in change.strata if row.id in with_land]
    strata_weights = _shares(
        {row.id: sign * row.delta * row.area_ha for row in strata},
        {row.id: row.area_ha for row in strata},
    )
    weights: dict[str, float] = {}
    of_stratum: dict[str, list[Parcel]] = {}
    for parcel in round_.parcels:
        of_stratum.setdefault(parcel.stratum, []).append(parcel)
    for row in strata:
        inside = of_stratum[row.id]
        areas = {parcel.id: parcel.area_ha for parcel in inside}
        wanted = areas
        if round_.policy.allocation == "map_change":
            wanted = {
                p.id: sign * p.area_ha * map_change(p.map_agb_t_ha_start, p.map_agb_t_ha_end)
                for p in inside
            }
        for key, share in _shares(wanted, areas).items():
            weights[key] = strata_weights[row.id] * share
    kilograms = allocation.largest_remainder(issuable_kg, weights)
    return [
        {
            "id": parcel.id,
            "area_ha": parcel.area_ha,
            "co2_t": net * weights[parcel.id],
            "issuable_kg": kilograms[parcel.id],
            "map_stderr_co2_t": _parcel_stderr(parcel, co2_per_agb),
        }
        for parcel in round_.parcels
    ]


def _shares(wanted: Mapping[str, float], areas: Mapping[str, float]) -> dict[str, float]:
    """Return shares summing to 1 by what is above zero in `wanted`; by area if nothing is."""
    positive = {key: max(0.0, value) for key, value in wanted.items()}
    chosen = positive if any(positive.values()) else areas
    whole = math.fsum(chosen.values())
    return {key: value / whole for key, value in chosen.items()}


def _parcel_stderr(parcel: Parcel, co2_per_agb: float) -> float | None:
    start, end = parcel.map_stderr_t_ha_start, parcel.map_stderr_t_ha_end
    if start is None or end is None:
        return None
    return math.hypot(start, end) * parcel.area_ha * co2_per_agb

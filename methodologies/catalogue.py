"""The released methods by permanent id. A released version stays here for good, so that every past
claim can be recomputed."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from methodologies import (
    bamboo_management,
    biochar_v1,
    chestnut_inventory_v1,
    farmland_soc_measured_v1,
    farmland_soc_v1,
    forest_aff_v1,
    moso_aff_v1,
    moso_mgmt_v1,
    moso_plot_v1,
    n2o_v1,
    paddy_ch4_v1,
    planting,
    residue_burning_v1,
    stat_raster_v1,
    stat_v1,
    tea_garden,
    tea_n2o_v1,
    tea_perennial_v1,
    wetland_balance_v1,
    wetland_price_v1,
)
from methodologies.base import Method, OutOfDomain, UnknownMethod
from methodologies.statements import PeriodFacts, ProjectFacts

_NOT_FINITE = "输入的数值过大、过小或相差悬殊，算不出有限的结果；请核对单位。"


def _finite(method: Method) -> Method:
    """Return the method with a last check: an input may keep every rule and still leave the range
    of numbers, and such a result is refused as a whole."""

    def run(data: Mapping[str, Any]) -> dict[str, Any]:
        try:
            with np.errstate(all="ignore"):
                found = method.run(data)
        except (OverflowError, ZeroDivisionError) as error:
            raise OutOfDomain(_NOT_FINITE) from error
        try:
            json.dumps(found, allow_nan=False)
        except ValueError as error:
            raise OutOfDomain(_NOT_FINITE) from error
        return found

    return replace(method, run=run)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        m.id: _finite(m)
        for m in (
            moso_mgmt_v1.METHOD,
            moso_aff_v1.METHOD,
            moso_plot_v1.METHOD,
            tea_perennial_v1.METHOD,
            tea_n2o_v1.METHOD,
            forest_aff_v1.METHOD,
            chestnut_inventory_v1.METHOD,
            farmland_soc_v1.METHOD,
            farmland_soc_measured_v1.METHOD,
            paddy_ch4_v1.METHOD,
            n2o_v1.METHOD,
            residue_burning_v1.METHOD,
            biochar_v1.METHOD,
            wetland_balance_v1.METHOD,
            wetland_price_v1.METHOD,
            *stat_v1.METHODS,
            stat_raster_v1.METHOD,
        )
    }
)


# What projects by a method state once; the others are asked for nothing.
STATEMENTS: Mapping[str, type[ProjectFacts]] = MappingProxyType(
    {
        "moso-aff/1": planting.BambooPlanting,
        "forest-aff/1": planting.ForestPlanting,
        "tea-perennial/1": tea_garden.TeaGardens,
    }
)
# What their rounds state of the period; of managed bamboo the rounds alone state anything.
PERIODS: Mapping[str, type[PeriodFacts]] = MappingProxyType(
    {
        "moso-mgmt/1": bamboo_management.ManagementPeriod,
        "moso-aff/1": planting.PlantingPeriod,
        "forest-aff/1": planting.PlantingPeriod,
        "tea-perennial/1": tea_garden.GardenPeriod,
    }
)


def method(method_id: str) -> Method:
    """Return the method; UnknownMethod, listing the ids, if there is none of this id."""
    try:
        return METHODS[method_id]
    except KeyError:
        raise UnknownMethod(
            f"没有名为 {method_id} 的方法；可用的方法：{'、'.join(METHODS)}。"
        ) from None

"""Stock and change of one parcel from the cells of two maps, as a method of its own; version 1.

For checking and screening: it removes nothing. A single parcel seen by a map alone is rarely
significant; its result says how far it is from being so. Sources: as in `raster_stock`.
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from methodologies import calculation, factors, raster_stock
from methodologies.inputs import Amount, Area, Model, invalid
from methodologies.remarks import Remarks

METHOD_ID = "stat-raster/1"
FACTOR_IDS = ("moso.R", "moso.CF", "ded.ar_tool14", "ded.gs403.threshold", "raster.rho_t")
CELLS_MAX = 5_000


class Cell(Model):
    """A cell under the parcel: its area inside, and the map with its deviation at both dates."""

    area_ha: Area
    agb_t_ha_start: Amount
    agb_t_ha_end: Amount
    stderr_t_ha_start: Amount
    stderr_t_ha_end: Amount
    x_m: float | None = None
    y_m: float | None = None


class RasterPolicy(Model):
    """How errors go together, and what is taken off; only policies that always answer."""

    deduction: Literal["ar_tool14", "gs403", "flat"] = "ar_tool14"
    correlation_length_m: Annotated[float, Field(gt=0, description="变程，空则完全相关")] | None = (
        None
    )
    nugget: Annotated[float, Field(ge=0, le=1)] = 0.0
    time_correlation: Annotated[float, Field(ge=-1, le=1, description="两期误差的相关")] = 0.0


class Parcel(Model):
    """The cells of one parcel of bamboo."""

    cells: Annotated[list[Cell], Field(min_length=1, max_length=CELLS_MAX)]
    policy: RasterPolicy

    @model_validator(mode="after")
    def _placed(self) -> "Parcel":
        if self.policy.correlation_length_m is not None and any(
            cell.x_m is None or cell.y_m is None for cell in self.cells
        ):
            raise invalid("给出变程时，每个像元须有投影坐标 x_m、y_m（米）")
        return self


def _calculate(given: Parcel, remarks: Remarks) -> dict[str, Any]:
    def column(name: str) -> Any:
        return np.array([getattr(cell, name) for cell in given.cells], dtype=np.float64)

    remarks.used.update(("moso.R", "moso.CF"))
    rule = given.policy
    found = raster_stock.quantify(
        column("agb_t_ha_start"),
        column("agb_t_ha_end"),
        column("stderr_t_ha_start"),
        column("stderr_t_ha_end"),
        column("area_ha"),
        root_ratio=factors.factor("moso.R"),
        carbon_fraction=factors.factor("moso.CF"),
        x_m=None if rule.correlation_length_m is None else column("x_m"),
        y_m=None if rule.correlation_length_m is None else column("y_m"),
        correlation_length_m=rule.correlation_length_m,
        nugget=rule.nugget,
        time_correlation=rule.time_correlation,
        deduction=rule.deduction,
    )
    # An uncertain zero has no relative half-width.
    finite = {key: value if np.isfinite(value) else None for key, value in found.u90.items()}
    return {
        **asdict(found),
        "u90": finite,
        "deduction_policy": rule.deduction,
        "governing_conservative_co2_t": found.conservative_co2_t[found.governing],
    }


# The parcel R1 of the method text: 3 x 3 cells of 100 m, 18 % error each, half covered at the rim.
_START = (58.0, 62.0, 55.0, 60.0, 65.0, 59.0, 57.0, 61.0, 63.0)
_END = (63.0, 66.0, 58.0, 66.0, 71.0, 62.0, 60.0, 66.0, 69.0)
_COVER_HA = (0.25, 0.5, 0.25, 0.5, 1.0, 0.5, 0.25, 0.5, 0.25)
EXAMPLE: dict[str, Any] = {
    "cells": [
        {
            "area_ha": area_ha,
            "agb_t_ha_start": start,
            "agb_t_ha_end": end,
            "stderr_t_ha_start": 0.18 * start,
            "stderr_t_ha_end": 0.18 * end,
            "x_m": 100.0 * (place % 3),
            "y_m": 100.0 * (place // 3),
        }
        for place, (start, end, area_ha) in enumerate(zip(_START, _END, _COVER_HA, strict=True))
    ],
    "policy": {
        "deduction": "ar_tool14",
        "correlation_length_m": 100.0,
        "nugget": 0.0,
        "time_correlation": 0.0,
    },
}

METHOD = calculation.method(
    METHOD_ID,
    ("两期栅格相减（单个地块）", "Two maps subtracted, one parcel"),
    Parcel,
    _calculate,
    EXAMPLE,
    "B = Σ cₖ·AGBₖ；Var(B) = ΣΣ cᵢcⱼσᵢσⱼρ(dᵢⱼ)，ρ(d) =（1 − 块金）·exp(−d/L)，没有变程时 ρ = 1；"
    "Var(ΔB) = V₁ + V₂ − 2ρₜ√(V₁V₂)；ΔC = ΔB·(1 + R)·CF。三种相关假设并列，`governing` 是据以判断的一种。"
    "单个地块只靠栅格通常扣减为零，签发请按层布设样地。来源：IPCC 2006 第 4 卷式 2.8；Araza 等 2022。",
    FACTOR_IDS,
    "bamboo",
)

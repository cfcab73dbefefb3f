"""Biomass stock and change of one parcel from maps of two dates, with the map's uncertainty.

For inventory and screening: with the pixel errors of today's maps the change of a single parcel is
rarely significant, and the deduction then leaves nothing. Crediting goes by stratum with plots.
Included: above-ground and below-ground biomass. Excluded: litter, dead wood, soil, products.

Sources: stock difference, IPCC 2006 GL Vol. 4 eq 2.8; correlated errors as in `statistics`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from methodologies import deductions, statistics
from methodologies.base import CO2_PER_C, OutOfDomain
from methodologies.factors import Factor

Cells = NDArray[np.float64]  # shape (n,): one entry per raster cell touching the parcel.
Assumption = Literal["independent", "exponential", "full"]


@dataclass(frozen=True, slots=True)
class RasterStock:
    """Totals of a parcel; each mapping goes from the correlation assumption to its number.

    `exponential` is present only if a correlation length was given; `governing` names the
    assumption by which a decision is made. co2_t is positive for a removal; conservative_co2_t is
    after the deduction. Standard errors are one standard deviation of the map error alone; the u90
    include root:shoot ratio and carbon fraction.
    """

    area_ha: float
    agb_t_start: float
    agb_t_end: float
    agb_t_ha_start: float
    agb_t_ha_end: float
    delta_agb_t: float
    stderr_t_start: Mapping[Assumption, float]
    stderr_t_end: Mapping[Assumption, float]
    stderr_delta_t: Mapping[Assumption, float]
    stock_c_t_start: float
    stock_co2_t_start: float
    stock_u90_start: Mapping[Assumption, float]
    delta_c_t: float
    co2_t: float
    u90: Mapping[Assumption, float]
    conservative_co2_t: Mapping[Assumption, float]
    governing: Assumption


def quantify(
    agb_t_ha_start: Cells,
    agb_t_ha_end: Cells,
    stderr_t_ha_start: Cells,
    stderr_t_ha_end: Cells,
    area_ha: Cells,
    *,
    root_ratio: Factor,
    carbon_fraction: Factor,
    x_m: Cells | None = None,
    y_m: Cells | None = None,
    correlation_length_m: float | None = None,
    nugget: float = 0.0,
    time_correlation: float = 0.0,
    deduction: str = "ar_tool14",
) -> RasterStock:
    """Return stock, change and uncertainty of the cells of one parcel.

    Parameters
    ----------
    agb_t_ha_start, agb_t_ha_end : (n,) above-ground dry biomass at each date [t/ha]
    stderr_t_ha_start, stderr_t_ha_end : (n,) one standard deviation of each [t/ha]
    area_ha : (n,) area of the cell inside the parcel [ha]
    x_m, y_m : (n,) cell centres in a metric CRS, needed with a correlation length [m]

    Raises
    ------
    OutOfDomain
        A value is not finite, a biomass, error or area is negative, or no area is left.
    """
    _check(agb_t_ha_start, agb_t_ha_end, stderr_t_ha_start, stderr_t_ha_end, area_ha)
    total = float(area_ha.sum())
    start, end = float(area_ha @ agb_t_ha_start), float(area_ha @ agb_t_ha_end)

    def variances(stderr_t_ha: Cells) -> dict[Assumption, float]:
        return _variances(area_ha, stderr_t_ha, x_m, y_m, correlation_length_m, nugget)

    variance_start, variance_end = variances(stderr_t_ha_start), variances(stderr_t_ha_end)
    stderr_start, stderr_end = _roots(variance_start), _roots(variance_end)
    stderr_delta = _roots(
        {
            key: statistics.difference_variance(
                variance_start[key], variance_end[key], time_correlation
            )
            for key in variance_start
        }
    )
    c_per_agb = (1.0 + root_ratio.number) * carbon_fraction.number
    shared = _shared_errors(root_ratio, carbon_fraction)
    delta, co2 = end - start, (end - start) * c_per_agb * CO2_PER_C
    u90 = {key: _u90(delta, stderr, shared) for key, stderr in stderr_delta.items()}
    return RasterStock(
        area_ha=total,
        agb_t_start=start,
        agb_t_end=end,
        agb_t_ha_start=start / total,
        agb_t_ha_end=end / total,
        delta_agb_t=delta,
        stderr_t_start=stderr_start,
        stderr_t_end=stderr_end,
        stderr_delta_t=stderr_delta,
        stock_c_t_start=start * c_per_agb,
        stock_co2_t_start=start * c_per_agb * CO2_PER_C,
        stock_u90_start={key: _u90(start, s, shared) for key, s in stderr_start.items()},
        delta_c_t=delta * c_per_agb,
        co2_t=co2,
        u90=u90,
        conservative_co2_t={
            key: deductions.deduct(co2, value, deduction)[0] for key, value in u90.items()
        },
        # Without a variogram nothing less than full correlation can be defended.
        governing="full" if correlation_length_m is None else "exponential",
    )


def _roots(variances: Mapping[Assumption, float]) -> dict[Assumption, float]:
    return {key: value**0.5 for key, value in variances.items()}


def _shared_errors(root_ratio: Factor, carbon_fraction: Factor) -> tuple[float, float]:
    """Return the relative errors of (1+R) and CF, which both dates share."""
    return (
        root_ratio.stderr / (1.0 + root_ratio.number),
        carbon_fraction.stderr / carbon_fraction.number,
    )


def _variances(
    area_ha: Cells,
    stderr_t_ha: Cells,
    x_m: Cells | None,
    y_m: Cells | None,
    correlation_length_m: float | None,
    nugget: float,
) -> dict[Assumption, float]:
    found: dict[Assumption, float] = {
        "independent": statistics.independent_sum_variance(area_ha, stderr_t_ha),
        "full": statistics.zonal_sum_variance(area_ha, stderr_t_ha),
    }
    if correlation_length_m is not None:
        found["exponential"] = statistics.zonal_sum_variance(
            area_ha,
            stderr_t_ha,
            x_m=x_m,
            y_m=y_m,
            correlation_length_m=correlation_length_m,
            nugget=nugget,
        )
    return found


def _u90(value: float, stderr: float, shared: tuple[float, float]) -> float:
    # In absolute terms, so that a change of zero has an error too.
    spread = statistics.approach1_product(stderr, *(value * share for share in shared))
    return statistics.relative_half_width(value, statistics.t_quantile(None) * spread)


def _check(*arrays: Cells) -> None:
    if len({array.shape for array in arrays}) != 1:
        raise OutOfDomain("两期生物量、标准差与面积的像元数不一致；请用同一网格重新提取。")
    bad = sum(int((~(np.isfinite(array) & (array >= 0.0))).sum()) for array in arrays)
    if bad:
        raise OutOfDomain(f"有 {bad} 个像元值为负或无效；请先剔除无数据像元并核对单位（t/ha）。")
    if not arrays[-1].sum() > 0.0:
        raise OutOfDomain("像元落在地块内的面积为零；请核对地块与图层的位置。")

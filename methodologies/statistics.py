"""Means, changes and their uncertainty: plots, strata, two dates, and sums over cells.

Sources: CDM AR-TOOL14 v04.2 (equations by number), CDM AR-TOOL03 (number of plots), IPCC 2006 GL
Vol. 1 Ch. 3 (approach 1), model-assisted difference estimator (design-unbiased whatever the error
structure of the map). Half-widths are of the two-sided 90 % interval unless `confidence` says other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from methodologies.base import MethodInputInvalid, OutOfDomain

CONFIDENCE = 0.90
# Exact pairwise sums above this are hours of work; larger parcels are first aggregated in blocks.
PAIRWISE_CELLS_MAX = 20_000
# Fewer plots say nothing of their skewness.
_SKEWNESS_PLOTS_MIN = 20
# Cochran (1977), Sampling Techniques, 2.15: more than 25 G^2 plots, or the interval of t is short. As
# skewness of the mean, G over the root of n, that is a fifth.
_SKEWNESS_OF_MEAN_MAX = 0.2
_ROWS_AT_ONCE = 1_000
_PLOT_ITERATIONS_MAX = 50

Cells = NDArray[np.float64]  # shape (n,): one entry per raster cell touching the parcel.


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error. df is None where the normal distribution is used.

    t90 : the quantile of Student's t, and what `skew_t` adds to it, again by itself in t_added
    """

    mean: float
    stderr: float
    df: int | None
    t90: float
    t_added: float = 0.0

    @property
    def half_width(self) -> float:
        """Return half the 90 % confidence interval, in the unit of the mean."""
        return self.t90 * self.stderr

    @property
    def u90(self) -> float:
        """Return half-width over |mean|: 0 for an exact value, infinite for a zero that is not."""
        return relative_half_width(self.mean, self.half_width)


@dataclass(frozen=True, slots=True)
class DifferenceEstimate:
    """Change of one stratum from a map corrected by its error at the plots.

    mean_error : mean of plot change minus map change; sd_error : its standard deviation (n-1);
    skewness : of the same, as `skewness` gives it
    """

    estimate: Estimate
    mean_error: float
    sd_error: float
    skewness: float
    n: int


@dataclass(frozen=True, slots=True)
class PlotPlan:
    """How many plots, where, and each pass (t, n before rounding up, n) that led there."""

    n: int
    allocation: tuple[int, ...]
    passes: tuple[tuple[float, float, int], ...]

    @property
    def total(self) -> int:
        """Return the plots to lay out: rounding up per stratum may exceed n."""
        return sum(self.allocation)


def relative_half_width(mean: float, half_width: float) -> float:
    """Return half_width/|mean|: 0 if the half-width is 0, infinite if only the mean is 0."""
    if half_width == 0.0:
        return 0.0
    return half_width / abs(mean) if mean != 0.0 else math.inf


def t_quantile(df: int | None, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t; of the normal distribution if df is None."""
    probability = (1.0 + confidence) / 2.0
    if df is None:
        return float(special.ndtri(probability))
    if df < 1:
        raise OutOfDomain(
            f"自由度为 {df}，无法计算置信区间：样地数须多于层数。请在各层补设样地后重新测量。"
        )
    # The function behind scipy.stats.t.ppf; scipy.stats itself doubles the start-up time.
    return float(special.stdtrit(df, probability))


def mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation (n-1); OutOfDomain below two values."""
    if len(values) < 2:
        raise OutOfDomain(f"只有 {len(values)} 个样地，无法估计方差；每层至少需要 2 个。")
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def skewness(values: Sequence[float]) -> float:
    """Return the sample skewness G (adjusted Fisher-Pearson); 0 of fewer than three, or all equal."""
    n = len(values)
    if n < 3:
        return 0.0
    mean, sd = mean_and_sd(values)
    if sd == 0.0:
        return 0.0
    return n / ((n - 1) * (n - 2)) * math.fsum(((v - mean) / sd) ** 3 for v in values)


def skew_t(skewness_of_mean: float, plots: int, confidence: float = CONFIDENCE) -> float:
    """Return what skewed residuals add to Student's t, so that the interval is not too short.

    Few plots lost nearly all and the map did not see it: the 90 % interval of t then holds the truth
    84-89 times of 100 at 20 to 60 plots, since a sample with few of those plots has both a mean too
    high and a standard error too small. Added is the skewness term of the two-sided Edgeworth
    expansion of the studentized mean, z (z^4 + 2 z^2 - 3) / 18 times its squared skewness (Hall 1992,
    The Bootstrap and Edgeworth Expansion, ch. 2), where Cochran's rule says that t does not do.

    skewness_of_mean : third central moment of the estimate over its standard error cubed; for n
        plots of one stratum G over the root of n
    """
    if plots < _SKEWNESS_PLOTS_MIN or abs(skewness_of_mean) <= _SKEWNESS_OF_MEAN_MAX:
        return 0.0
    z = t_quantile(None, confidence)
    return z * (z**4 + 2.0 * z**2 - 3.0) / 18.0 * skewness_of_mean**2


def stratified_mean(
    weights: Sequence[float],
    means: Sequence[float],
    sds: Sequence[float],
    ns: Sequence[int],
    confidence: float = CONFIDENCE,
    *,
    skewnesses: Sequence[float] | None = None,
) -> Estimate:
    """Return the area-weighted mean over strata (AR-TOOL14 eq 14, 15), df = plots - strata.

    weights : A_i/A, summing to 1; sds : sample standard deviation of the plots in each stratum;
    skewnesses : of the same, where the interval is to heed them (`skew_t`)
    """
    if not len(weights) == len(means) == len(sds) == len(ns) > 0:
        raise MethodInputInvalid("各层的权重、均值、标准差和样地数个数不一致；请逐层核对。")
    if abs(math.fsum(weights) - 1.0) > 1e-9:
        raise MethodInputInvalid(f"各层面积权重之和为 {math.fsum(weights)}，应为 1。")
    if min(ns) < 2:
        raise OutOfDomain(f"有的层只有 {min(ns)} 个样地，无法估计方差；每层至少需要 2 个。")
    mean = math.fsum(w * b for w, b in zip(weights, means, strict=True))
    variance = math.fsum(w * w * s * s / n for w, s, n in zip(weights, sds, ns, strict=True))
    df, stderr = sum(ns) - len(ns), math.sqrt(variance)
    added = 0.0
    if skewnesses is not None and stderr > 0.0:
        rows = zip(weights, sds, ns, skewnesses, strict=True)
        third = math.fsum(g * (w * s / stderr) ** 3 / n**2 for w, s, n, g in rows)
        added = skew_t(third, sum(ns), confidence)
    return Estimate(mean, stderr, df, t_quantile(df, confidence) + added, added)


def remeasured_change(
    weights: Sequence[float],
    starts: Sequence[Sequence[float]],
    ends: Sequence[Sequence[float]],
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return the change of plots measured twice (AR-TOOL14 eq 5-8), plots in the same order."""
    pairs = [
        mean_and_sd([e - s for s, e in zip(start, end, strict=True)])
        for start, end in zip(starts, ends, strict=True)
    ]
    return stratified_mean(
        weights,
        [mean for mean, _ in pairs],
        [sd for _, sd in pairs],
        [len(start) for start in starts],
        confidence,
    )


def independent_change(
    stock_start: float, u_start: float, stock_end: float, u_end: float
) -> tuple[float, float]:
    """Return change and its relative half-width from two independent stocks (AR-TOOL14 eq 2)."""
    change = stock_end - stock_start
    return change, relative_half_width(change, math.hypot(u_start * stock_start, u_end * stock_end))


def updated_stock(
    stock_start: float, u_start: float, change: float, u_change: float
) -> tuple[float, float]:
    """Return the later stock and its relative half-width (AR-TOOL14 eq 22, 23).

    The stock at the start is the estimate before any deduction.
    """
    stock_end = stock_start + change
    half_width = math.hypot(u_start * stock_start, u_change * change)
    return stock_end, relative_half_width(stock_end, half_width)


def plots_needed(
    areas_ha: Sequence[float],
    means: Sequence[float],
    sds: Sequence[float],
    plot_area_ha: float,
    precision: float = 0.10,
    minimum: int = 3,
    confidence: float = CONFIDENCE,
) -> PlotPlan:
    """Return the number of plots that reaches the precision, and their Neyman allocation.

    precision : wanted half-width over the mean. The t value depends on n, so n is iterated from the
    normal quantile until it stays; if it alternates between two values the larger one holds.
    """
    total_ha = math.fsum(areas_ha)
    weights = [area / total_ha for area in areas_ha]
    error = precision * abs(math.fsum(w * m for w, m in zip(weights, means, strict=True)))
    if error == 0.0:
        raise OutOfDomain("均值为零，相对精度没有意义；请按绝对误差设计样地。")
    frame = total_ha / plot_area_ha
    spread = math.fsum(w * s for w, s in zip(weights, sds, strict=True))
    if spread == 0.0:
        return PlotPlan(minimum * len(sds), (minimum,) * len(sds), ())
    variance = math.fsum(w * s * s for w, s in zip(weights, sds, strict=True))

    passes: list[tuple[float, float, int]] = []
    t = t_quantile(None, confidence)
    while len(passes) < _PLOT_ITERATIONS_MAX:
        exact = frame * t**2 * spread**2 / (frame * error**2 + t**2 * variance)
        # 1e-9: rounding noise must not ask for one more plot.
        n = max(math.ceil(exact - 1e-9), len(sds) + 1)
        seen = [earlier for _, _, earlier in passes]
        passes.append((t, exact, n))
        if n in seen:
            n = max(n, seen[-1])
            break
        t = t_quantile(n - len(sds), confidence)
    allocation = tuple(
        max(minimum, math.ceil(n * w * s / spread - 1e-9))
        for w, s in zip(weights, sds, strict=True)
    )
    return PlotPlan(n, allocation, tuple(passes))


def difference_estimator(
    map_change: float,
    plot_changes: Sequence[float],
    map_changes_at_plots: Sequence[float],
    confidence: float = CONFIDENCE,
) -> DifferenceEstimate:
    """Return the map's change of one stratum corrected by the plots, with design-based error.

    map_change : mean over the whole stratum [t/ha]; the other two, per plot in the same order [t/ha]
    """
    errors = [p - m for p, m in zip(plot_changes, map_changes_at_plots, strict=True)]
    mean, sd = mean_and_sd(errors)
    n, skewed = len(errors), skewness(errors)
    estimate = stratified_mean(
        [1.0], [map_change + mean], [sd], [n], confidence, skewnesses=[skewed]
    )
    return DifferenceEstimate(estimate, mean, sd, skewed, n)


def approach1_product(*relative: float) -> float:
    """Return the relative uncertainty of a product (IPCC eq 3.1); all on the same basis."""
    return math.hypot(*relative)


def approach1_sum(values: Sequence[float], relative: Sequence[float]) -> float:
    """Return the relative uncertainty of a sum of independent terms (IPCC eq 3.2)."""
    spread = math.hypot(*(v * u for v, u in zip(values, relative, strict=True)))
    return relative_half_width(math.fsum(values), spread)


def independent_sum_variance(area_ha: Cells, stderr_t_ha: Cells) -> float:
    """Return the variance [t2] of a sum over cells with independent errors: a lower bound only."""
    return math.fsum(np.square(area_ha * stderr_t_ha))


def zonal_sum_variance(
    area_ha: Cells,
    stderr_t_ha: Cells,
    *,
    x_m: Cells | None = None,
    y_m: Cells | None = None,
    correlation_length_m: float | None = None,
    nugget: float = 0.0,
    shared_bias_share: float = 0.0,
    total_t: float = 0.0,
) -> float:
    """Return the variance [t2] of the sum of value times area over the cells of a parcel.

    Correlation falls as (1 - nugget) exp(-distance/length), exact over all pairs. Without a length
    (no variogram) the errors are taken as fully correlated, which is the upper bound.

    Parameters
    ----------
    area_ha : (n,) area of the cell inside the parcel [ha]; stderr_t_ha : (n,) one sd [t/ha]
    x_m, y_m : (n,) cell centres in a metric CRS [m]
    shared_bias_share : relative sd of a bias shared by all cells (allometry, calibration)
    total_t : the sum the bias applies to [t]
    """
    spread = area_ha * stderr_t_ha
    bias = (shared_bias_share * total_t) ** 2
    if correlation_length_m is None:
        return math.fsum(spread) ** 2 + bias
    if x_m is None or y_m is None:
        raise MethodInputInvalid("给出了变程却没有像元坐标；请一并给出投影坐标（米）。")
    if correlation_length_m <= 0.0 or not 0.0 <= nugget <= 1.0:
        raise OutOfDomain(
            f"变程 {correlation_length_m} m 须大于 0，块金 {nugget} 须在 0 至 1 之间。"
        )
    if spread.size > PAIRWISE_CELLS_MAX:
        raise OutOfDomain(
            f"像元 {spread.size} 个，逐对计算上限为 {PAIRWISE_CELLS_MAX}；请先按块合并像元。"
        )
    rows = []
    for first in range(0, spread.size, _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        distance = np.hypot(x_m[part, None] - x_m[None, :], y_m[part, None] - y_m[None, :])
        rho = (1.0 - nugget) * np.exp(-distance / correlation_length_m)
        # A cell is fully correlated with itself; the nugget applies between different cells only.
        own = np.arange(first, min(first + _ROWS_AT_ONCE, spread.size))
        rho[own - first, own] = 1.0
        rows.append(float(spread[part] @ (rho @ spread)))
    return math.fsum(rows) + bias


def difference_variance(
    variance_start: float, variance_end: float, time_correlation: float = 0.0
) -> float:
    """Return the variance of end minus start.

    The errors of the two dates are independent by default (AR-TOOL14 eq 2), which is conservative.
    """
    if not -1.0 <= time_correlation <= 1.0:
        raise OutOfDomain(f"两期误差相关系数 {time_correlation} 须在 -1 至 1 之间。")
    covariance = time_correlation * math.sqrt(variance_start * variance_end)
    # Equal variances and correlation 1 give 0 up to rounding, never less.
    return max(0.0, variance_start + variance_end - 2.0 * covariance)

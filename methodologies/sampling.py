"""Means from designs other than stratified random sampling, each with its own error.

Stratified sampling and remeasured plots stand in `statistics`. Systematic: a grid with one random
start; its variance is taken as that of a random sample (never too small on a trend-free forest) and,
beside it, from successive differences. Cluster: whole clusters are measured, the cluster is the unit.
Two phases: a cheap auxiliary value on many units, the exact value on a part of them (AR-TOOL14 v04.2
double sampling, in the regression form of Cochran, Sampling Techniques, 3rd ed., eq 12.51).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from methodologies.base import MethodInputInvalid, OutOfDomain
from methodologies.statistics import CONFIDENCE, Estimate, mean_and_sd, t_quantile


@dataclass(frozen=True, slots=True)
class TwoPhase:
    """The regression estimate and what it is made of."""

    estimate: Estimate
    slope: float
    correlation: float
    mean_first_phase: float


def simple_mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean of a simple random sample, df = n - 1."""
    mean, sd = mean_and_sd(values)
    df = len(values) - 1
    return Estimate(mean, sd / math.sqrt(len(values)), df, t_quantile(df, confidence))


def systematic_mean(
    values: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[Estimate, float]:
    """Return the mean of a systematic sample as if random, and the error by successive differences.

    values : in the order in which the line or grid visits them. The second number is smaller where
    neighbours are alike; it is for information, the first decides.
    """
    estimate = simple_mean(values, confidence)
    steps = math.fsum((b - a) ** 2 for a, b in itertools.pairwise(values))
    return estimate, math.sqrt(steps / (2.0 * (len(values) - 1) * len(values)))


def cluster_mean(clusters: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean over all plots with the clusters as units (ratio to size), df = clusters - 1."""
    if len(clusters) < 2 or any(not cluster for cluster in clusters):
        raise OutOfDomain(
            f"只有 {len(clusters)} 个群（且不得有空群），无法估计方差；至少须有 2 个群。"
        )
    sizes = [len(cluster) for cluster in clusters]
    totals = [math.fsum(cluster) for cluster in clusters]
    m = len(clusters)
    mean = math.fsum(totals) / sum(sizes)
    residual = math.fsum((t - mean * n) ** 2 for t, n in zip(totals, sizes, strict=True))
    stderr = math.sqrt(residual / (m - 1) / m) / (sum(sizes) / m)
    return Estimate(mean, stderr, m - 1, t_quantile(m - 1, confidence))


def two_phase_mean(
    auxiliary: Sequence[float],
    pairs: Sequence[tuple[float, float]],
    confidence: float = CONFIDENCE,
) -> TwoPhase:
    """Return the regression estimate of double sampling, df = pairs - 2.

    auxiliary : the cheap value at every unit of the first phase, those of the second included
    pairs : (cheap, exact) at the units of the second phase
    """
    n, n_first = len(pairs), len(auxiliary)
    if n < 3 or n_first < n:
        raise OutOfDomain(
            f"第二阶段 {n} 个、第一阶段 {n_first} 个：须不少于 3 个且不多于第一阶段。"
        )
    x_mean, x_sd = mean_and_sd([x for x, _ in pairs])
    y_mean, y_sd = mean_and_sd([y for _, y in pairs])
    if x_sd == 0.0:
        raise MethodInputInvalid("第二阶段的辅助变量全都相同，无法回归；请改用简单抽样。")
    products = math.fsum((x - x_mean) * (y - y_mean) for x, y in pairs)
    slope = products / ((n - 1) * x_sd**2)
    first_mean = math.fsum(auxiliary) / n_first
    explained = slope**2 * x_sd**2
    residual = max(0.0, (n - 1) * (y_sd**2 - explained) / (n - 2))
    variance = residual / n + max(0.0, y_sd**2 - residual) / n_first
    correlation = 0.0 if y_sd == 0.0 else products / ((n - 1) * x_sd * y_sd)
    estimate = Estimate(
        y_mean + slope * (first_mean - x_mean),
        math.sqrt(variance),
        n - 2,
        t_quantile(n - 2, confidence),
    )
    return TwoPhase(estimate, slope, correlation, first_mean)

"""The change of above-ground biomass in moso-mgmt/1: by plots, by the map corrected with plots, or by
the map alone. Frozen with the method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from methodologies import moso_mgmt_v1_input, moso_stand_v1, statistics
from methodologies.base import MethodInputInvalid, OutOfDomain
from methodologies.moso_mgmt_v1_input import Round, Stratum
from methodologies.remarks import Remarks

Mode = Literal["model_assisted", "plots", "raster"]


@dataclass(frozen=True, slots=True)
class StratumChange:
    """Change of above-ground biomass of one stratum [t/ha]; None where the mode has no such number."""

    id: str
    area_ha: float
    weight: float
    mode: Mode
    n: int
    map_delta: float | None
    mean_e: float | None
    s_e: float | None
    delta: float
    se: float | None
    skewness: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the row as it stands in `intermediate`."""
        return {
            "id": self.id,
            "area_ha": self.area_ha,
            "weight": self.weight,
            "mode": self.mode,
            "n": self.n,
            "map_delta_t_ha": self.map_delta,
            "mean_e_t_ha": self.mean_e,
            "s_e_t_ha": self.s_e,
            "delta_agb_t_ha": self.delta,
            "se_t_ha": self.se,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """Change over all strata [t/ha]; `estimate` is None if a map came without standard deviation."""

    strata: tuple[StratumChange, ...]
    delta: float
    estimate: statistics.Estimate | None


@dataclass(frozen=True, slots=True)
class PlotPair:
    """Above-ground biomass of one plot at both dates [t/ha]."""

    stratum: str
    id: str
    start: float
    end: float


def plot_pairs(round_: Round, remarks: Remarks) -> dict[str, list[PlotPair]]:
    """Return the plots of each stratum with their biomass, from culms where these were measured."""
    pairs: dict[str, list[PlotPair]] = {}
    thick_or_old: dict[str, list[str]] = {}
    for stratum in round_.strata:
        pairs[stratum.id] = []
        for plot in stratum.plots:
            if plot.agb_t_ha_start is not None and plot.agb_t_ha_end is not None:
                pair = PlotPair(stratum.id, plot.id, plot.agb_t_ha_start, plot.agb_t_ha_end)
            else:
                assert plot.culms_start is not None and plot.culms_end is not None
                assert plot.area_m2 is not None
                rows = (*plot.culms_start, *plot.culms_end)
                remarks.used.update(moso_stand_v1.CULM_FACTOR_IDS)
                if any(row.age_years is not None for row in rows):
                    remarks.used.add(moso_stand_v1.AGE_RULE_FACTOR_ID)
                start, end = (
                    _plot_agb(plot.id, [row.culms() for row in date_rows], plot)
                    for date_rows in (plot.culms_start, plot.culms_end)
                )
                pair = PlotPair(stratum.id, plot.id, start, end)
                for notice in moso_stand_v1.guard_notices([r.culms() for r in rows], plot.id):
                    thick_or_old.setdefault(notice.code, []).append(notice.message)
            pairs[stratum.id].append(pair)
    for code, messages in sorted(thick_or_old.items()):
        remarks.warn(code, f"样地 {' '.join(messages)}")
    return pairs


def _plot_agb(
    plot_id: str, culms: Sequence[moso_stand_v1.Culms], plot: moso_mgmt_v1_input.Plot
) -> float:
    assert plot.area_m2 is not None
    try:
        return moso_stand_v1.plot_agb_t_ha(culms, plot.area_m2, plot.slope_deg)
    except OutOfDomain as error:
        raise OutOfDomain(f"样地 {plot_id}：{error}") from error


def estimated(round_: Round, pairs: Mapping[str, list[PlotPair]], remarks: Remarks) -> Change:
    """Return the change by plots wherever every stratum has enough of them, else by the map alone."""
    minimum = round_.policy.min_plots_per_stratum
    counts = {stratum.id: len(stratum.plots) for stratum in round_.strata}
    short = {key: n for key, n in counts.items() if n < minimum}
    if short and any(counts.values()):
        listed = "、".join(f"{key}（{n} 个）" for key, n in short.items())
        remarks.refuse(
            "TOO_FEW_PLOTS",
            f"层 {listed} 的样地少于每层 {minimum} 个，抽样误差无法可靠估计，不得签发；请补设样地。",
        )
    if min(counts.values()) >= 2:
        return _by_plots(round_, pairs)
    if unmapped := [stratum.id for stratum in round_.strata if not stratum.has_map]:
        raise MethodInputInvalid(
            f"层 {'、'.join(unmapped)} 既无两期图上生物量，样地又不足以估计全部各层；"
            "请补充样地（每层至少 2 个）或图上均值。"
        )
    return _by_map(round_, remarks)


def _by_plots(round_: Round, pairs: Mapping[str, list[PlotPair]]) -> Change:
    area_ha = math.fsum(stratum.area_ha for stratum in round_.strata)
    rows = [_stratum_by_plots(s, pairs[s.id], s.area_ha / area_ha) for s in round_.strata]
    estimate = statistics.stratified_mean(
        [row.weight for row in rows],
        [row.delta for row in rows],
        [row.s_e or 0.0 for row in rows],
        [row.n for row in rows],
        skewnesses=[row.skewness for row in rows],
    )
    return Change(tuple(rows), estimate.mean, estimate)


def _stratum_by_plots(stratum: Stratum, pairs: Sequence[PlotPair], weight: float) -> StratumChange:
    """Return the change of a stratum; without map values the map's change is taken as zero."""
    plot_changes = [pair.end - pair.start for pair in pairs]
    assisted = all(plot.has_map for plot in stratum.plots)
    map_changes = [
        map_change(plot.map_agb_t_ha_start, plot.map_agb_t_ha_end) if assisted else 0.0
        for plot in stratum.plots
    ]
    map_delta = (
        map_change(stratum.map_agb_t_ha_start, stratum.map_agb_t_ha_end) if assisted else 0.0
    )
    found = statistics.difference_estimator(map_delta, plot_changes, map_changes)
    return StratumChange(
        id=stratum.id,
        area_ha=stratum.area_ha,
        weight=weight,
        mode="model_assisted" if assisted else "plots",
        n=found.n,
        map_delta=map_delta if assisted else None,
        mean_e=found.mean_error,
        s_e=found.sd_error,
        delta=found.estimate.mean,
        se=found.estimate.stderr,
        skewness=found.skewness,
    )


def map_change(start: float | None, end: float | None) -> float:
    """Return what the map saw; the input's checks have found both dates."""
    assert start is not None and end is not None
    return end - start


def _by_map(round_: Round, remarks: Remarks) -> Change:
    """Return the change by the map alone, errors shared across strata unless the input says less."""
    remarks.warn(
        "RASTER_ONLY",
        "本期未采用样地校正，只用两期栅格相减。栅格像元误差彼此相关，单凭栅格很难分辨毛竹林每年 1–2 吨/公顷"
        "的真实变化，扣减后通常为零；结果宜作清查与筛查，签发请按层布设样地。",
    )
    area_ha = math.fsum(stratum.area_ha for stratum in round_.strata)
    time_correlation = remarks.number("raster.rho_t")
    rows = [_stratum_by_map(s, s.area_ha / area_ha, time_correlation) for s in round_.strata]
    mean = math.fsum(row.weight * row.delta for row in rows)
    if any(row.se is None for row in rows):
        missing = "、".join(row.id for row in rows if row.se is None)
        remarks.refuse(
            "STDERR_MISSING",
            f"层 {missing} 的图层没有标准差，又没有足够样地，不确定性无从估计，不得签发；"
            "请提供图层标准差，或布设样地。",
        )
        return Change(tuple(rows), mean, None)
    rho = round_.policy.map_strata_correlation
    variance_start = _shared_variance([s.map_stderr_t_ha_start for s in round_.strata], rows, rho)
    variance_end = _shared_variance([s.map_stderr_t_ha_end for s in round_.strata], rows, rho)
    variance = statistics.difference_variance(variance_start, variance_end, time_correlation)
    estimate = statistics.Estimate(mean, math.sqrt(variance), None, statistics.t_quantile(None))
    return Change(tuple(rows), mean, estimate)


def _stratum_by_map(stratum: Stratum, weight: float, time_correlation: float) -> StratumChange:
    delta = map_change(stratum.map_agb_t_ha_start, stratum.map_agb_t_ha_end)
    start, end = stratum.map_stderr_t_ha_start, stratum.map_stderr_t_ha_end
    se = None
    if start is not None and end is not None:
        se = math.sqrt(statistics.difference_variance(start**2, end**2, time_correlation))
    return StratumChange(
        id=stratum.id,
        area_ha=stratum.area_ha,
        weight=weight,
        mode="raster",
        n=len(stratum.plots),
        map_delta=delta,
        mean_e=None,
        s_e=None,
        delta=delta,
        se=se,
    )


def _shared_variance(
    stderrs: Sequence[float | None], rows: Sequence[StratumChange], rho: float
) -> float:
    """Return the variance of the weighted mean when errors of any two strata correlate by rho."""
    terms = [row.weight * (s or 0.0) for row, s in zip(rows, stderrs, strict=True)]
    return rho * math.fsum(terms) ** 2 + (1.0 - rho) * math.fsum(t * t for t in terms)

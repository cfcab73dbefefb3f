"""What a round of plots has frozen, and the method's input from it: with two layers or without.

With layers, parcels and plots are read on both; without, the plots speak alone. A planting method
gets what its project and its round have stated beside them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shapely import MultiPolygon
from sqlalchemy.orm import Session

from gis_data import zonal, zonal_dask
from methodologies.map_error import CellErrors
from sinks.core import settings
from sinks.core.errors import Conflict
from sinks.measurement import layers, plots, variograms
from sinks.measurement.layers import Layer
from sinks.measurement.plots import Sample
from sinks.measurement.variograms import Given


@dataclass(frozen=True, slots=True)
class FrozenParcel:
    """A parcel as the round froze it."""

    parcel_id: int
    stratum: str
    boundary: MultiPolygon
    area_m2: float


@dataclass(frozen=True, slots=True)
class Frozen:
    """All that a round has frozen, and the policies to calculate with.

    phases : at the start and at the end, of bamboo alone
    layers : at the start and at the end of the period; None where the plots speak alone
    stated : the parts of the method's input that are neither plots, maps nor policy
    stated_of_strata : the same, of each stratum
    """

    round_id: int
    method_id: str
    period_start: date
    period_end: date
    phases: tuple[str, str] | None
    parcels: list[FrozenParcel]
    layers: tuple[Layer, Layer] | None
    samples: list[Sample]
    baseline_co2_t_ha_year: float
    baseline_u90: float
    policy: dict[str, Any]
    valid_share_min: float
    stated: dict[str, Any]
    stated_of_strata: dict[str, dict[str, Any]]


Row = tuple[FrozenParcel, zonal.ParcelSummary, zonal.ParcelSummary]


class Uncovered(Conflict):
    """A parcel lies on too few valid cells of a layer."""


@dataclass(frozen=True, slots=True)
class MapError:
    """How the errors of the maps correlate; None at a date: fully."""

    start: Given | None = None
    end: Given | None = None

    def as_dict(self) -> dict[str, Any] | None:
        """What the run keeps; nothing where both dates are fully correlated."""
        if self.start is None and self.end is None:
            return None
        return {
            "start": None if self.start is None else self.start.as_dict(),
            "end": None if self.end is None else self.end.as_dict(),
        }


def map_error_now(session: Session, frozen: Frozen) -> MapError:
    """The variograms recorded for the error layers of the round."""
    return MapError(
        *(
            variograms.given_of(variograms.newest(session, layer.stderr_layer_id))
            for layer in frozen.layers or ()
        )
    )


def document(
    session: Session, frozen: Frozen, map_error: MapError
) -> tuple[dict[str, Any], dict[int, float]]:
    """The method's input, and the share of each parcel on valid cells, where there are maps.

    Raises
    ------
    Uncovered
        Less than the policy's share of a parcel lies on valid cells.
    """
    area_ha = sum(parcel.area_m2 for parcel in frozen.parcels) / 10_000
    found = {
        "period": {
            "start": frozen.period_start.isoformat(), "end": frozen.period_end.isoformat(),
        },
        "baseline_co2_t": {
            "co2_t": frozen.baseline_co2_t_ha_year
            * area_ha
            * (frozen.period_end - frozen.period_start).days
            / 365.25,
            "u90": frozen.baseline_u90,
        },
        "policy": frozen.policy,
        **frozen.stated,
    }  # fmt: skip
    if frozen.phases is not None:
        found["phase_start"], found["phase_end"] = frozen.phases
    if frozen.layers is None:
        return found | _by_plots_alone(session, frozen), {}
    rows = _mapped(session, frozen, frozen.layers)
    found |= {
        "strata": _strata(session, frozen, frozen.layers, rows),
        "parcels": [
            _parcel(parcel)
            | {"map_agb_t_ha_start": first.mean, "map_agb_t_ha_end": last.mean}
            for parcel, first, last in rows
        ],
    }  # fmt: skip
    _correlate(session, frozen, frozen.layers, rows, map_error, found)
    shares = {
        parcel.parcel_id: min(first.valid_share, last.valid_share) for parcel, first, last in rows
    }
    return found, shares


def phases(session: Session, samples: Sequence[Sample]) -> tuple[str, str]:
    """The phases at start and end by the visits themselves, in a round without layers.

    Where no bamboo stood at a date there is no phase: the other date's is taken, and the method
    still asks for years in pairs between them.

    Raises
    ------
    Conflict
        Visits near one date are of different phases, or no bamboo stood at either.
    """
    found = []
    for what, visits in (
        ("期初", [item.start for item in samples]),
        ("期末", [item.end for item in samples]),
    ):
        known = {visit.phase for visit in visits if plots.culms_of(session, visit.id)}
        if len(known) > 1:
            raise Conflict(
                f"{what}各样地的大小年不同；请核对，确属花年竹林的都记为花年。", code="phases"
            )
        found.append(next(iter(known), None))
    start, end = found
    if start is None and end is None:
        raise Conflict("两期样地都没有竹子，没有可核算的量。", code="no_culms")
    return start or end or "", end or start or ""


def _by_plots_alone(session: Session, frozen: Frozen) -> dict[str, Any]:
    return {
        "strata": [
            {
                "id": name,
                "area_ha": sum(one.area_m2 for one in frozen.parcels if one.stratum == name)
                / 10_000,
                **frozen.stated_of_strata.get(name, {}),
                "plots": [
                    _plot(session, item) for item in frozen.samples if item.plot.stratum == name
                ],
            }
            for name in sorted({parcel.stratum for parcel in frozen.parcels})
        ],
        "parcels": [_parcel(parcel) for parcel in frozen.parcels],
    }


def _parcel(parcel: FrozenParcel) -> dict[str, Any]:
    return {
        "id": str(parcel.parcel_id), "stratum": parcel.stratum,
        "area_ha": parcel.area_m2 / 10_000,
    }  # fmt: skip


def _mapped(session: Session, frozen: Frozen, maps: tuple[Layer, Layer]) -> list[Row]:
    outlines = [parcel.boundary for parcel in frozen.parcels]
    at_start, at_end = (_summaries(session, layer, outlines) for layer in maps)
    rows = list(zip(frozen.parcels, at_start, at_end, strict=True))
    _refuse_uncovered(rows, frozen.valid_share_min)
    return rows


def _summaries(
    session: Session, layer: Layer, outlines: list[MultiPolygon]
) -> list[zonal.ParcelSummary]:
    """The sums of a layer under outlines: on this machine, or on the office's cluster, to the same bit."""
    stderr = layers.stderr_of(session, layer)
    stderr_path = layers.path_of(stderr) if stderr else None
    place, crs = layers.path_of(layer), layers.given_crs(layer)
    if (scheduler := settings.load().dask_scheduler) is None:
        return zonal.summaries(place, outlines, crs=crs, stderr_path=stderr_path)
    sums = zonal_dask.sums(scheduler, place, outlines, crs=crs, stderr_path=stderr_path)
    return zonal.summaries_of(sums)


def _refuse_uncovered(rows: list[Row], valid_share_min: float) -> None:
    for parcel, first, last in rows:
        share = min(first.valid_share, last.valid_share)
        if share == 0.0 or share < valid_share_min:
            raise Uncovered(
                f"地块 {parcel.parcel_id} 只有 {share:.1%} 落在图层有效像元上，"
                f"低于 {valid_share_min:.0%}。请换用覆盖该地块的图层，或将其移出项目。",
                code="uncovered",
            )


def _strata(
    session: Session, frozen: Frozen, maps: tuple[Layer, Layer], rows: list[Row]
) -> list[dict[str, Any]]:
    """One entry a stratum: area-weighted map means, fully correlated error, and its plots."""
    found = []
    for name in sorted({parcel.stratum for parcel in frozen.parcels}):
        mine = [row for row in rows if row[0].stratum == name]
        area_ha = sum(parcel.area_m2 for parcel, _, _ in mine) / 10_000

        def mean(
            values: list[tuple[float, float | None]], area_ha: float = area_ha
        ) -> float | None:
            if any(value is None for _, value in values):
                return None
            return sum(area_m2 / 10_000 * (value or 0.0) for area_m2, value in values) / area_ha

        found.append(
            {
                "id": name,
                "area_ha": area_ha,
                "map_agb_t_ha_start": mean([(p.area_m2, first.mean) for p, first, _ in mine]),
                "map_agb_t_ha_end": mean([(p.area_m2, last.mean) for p, _, last in mine]),
                "map_stderr_t_ha_start": mean([(p.area_m2, stderr_mean(f)) for p, f, _ in mine]),
                "map_stderr_t_ha_end": mean([(p.area_m2, stderr_mean(e)) for p, _, e in mine]),
                "plots": _mapped_plots(session, frozen, maps, name),
            }
        )
    return found


def _correlate(
    session: Session,
    frozen: Frozen,
    maps: tuple[Layer, Layer],
    rows: list[Row],
    map_error: MapError,
    document: dict[str, Any],
) -> None:
    """Put the errors of the strata by the variograms into the method's input, where there are any.

    The method correlates any two strata by one share: the larger of the two dates, so that the
    project's variance comes out no smaller than that of all its cells.
    """
    shares = []
    for date_, layer, given in (
        ("start", maps[0], map_error.start),
        ("end", maps[1], map_error.end),
    ):
        if given is None:
            continue
        errors = _errors_by_stratum(session, layer, rows)
        stderrs = {name: variograms.stderr_of_sum(parts, given) for name, parts in errors.items()}
        for stratum in document["strata"]:
            stratum[f"map_stderr_t_ha_{date_}"] = stderrs[stratum["id"]] / stratum["area_ha"]
        everything = [part for parts in errors.values() for part in parts]
        shares.append(
            _strata_correlation(list(stderrs.values()), variograms.stderr_of_sum(everything, given))
        )
    if len(shares) == 2 and len(document["strata"]) > 1:
        document["policy"] = {**frozen.policy, "map_strata_correlation": max(shares)}


def _errors_by_stratum(
    session: Session, layer: Layer, rows: list[Row]
) -> dict[str, list[CellErrors]]:
    stderr = layers.stderr_of(session, layer)
    assert stderr is not None  # A variogram belongs to an error layer.
    parts = variograms.errors_under(
        layers.path_of(layer),
        layers.path_of(stderr),
        [parcel.boundary for parcel, _, _ in rows],
        [parcel.area_m2 / 10_000 for parcel, _, _ in rows],
        crs=layers.given_crs(layer),
    )
    found: dict[str, list[CellErrors]] = {}
    for (parcel, _, _), part in zip(rows, parts, strict=True):
        found.setdefault(parcel.stratum, []).append(part)
    return found


def _strata_correlation(stderrs: list[float], stderr_of_all: float) -> float:
    """The one correlation between any two strata that gives the variance of all their cells."""
    apart = math.fsum(one * one for one in stderrs)
    full = math.fsum(stderrs) ** 2
    if full == apart:
        return 1.0
    return min(1.0, max(0.0, (stderr_of_all**2 - apart) / (full - apart)))


def stderr_mean(summary: zonal.ParcelSummary) -> float | None:
    """Standard error of a parcel's map mean [unit of the layer], errors fully correlated."""
    if summary.stderr is None:
        return None
    return summary.stderr / (summary.area_ha * summary.valid_share)


def _mapped_plots(
    session: Session, frozen: Frozen, maps: tuple[Layer, Layer], stratum: str
) -> list[dict[str, Any]]:
    samples = [item for item in frozen.samples if item.plot.stratum == stratum]
    if not samples:
        return []
    squares = [MultiPolygon([plots.footprint(item.plot)]) for item in samples]
    at_start, at_end = (_summaries(session, layer, squares) for layer in maps)
    return [
        _plot(session, item)
        | {"map_agb_t_ha_start": first.mean, "map_agb_t_ha_end": last.mean}
        for item, first, last in zip(samples, at_start, at_end, strict=True)
    ]  # fmt: skip


def _plot(session: Session, item: Sample) -> dict[str, Any]:
    found = {
        "id": item.plot.code,
        "area_m2": item.plot.area_m2,
        "slope_deg": item.plot.slope_deg,
    }
    for when, visit in (("start", item.start), ("end", item.end)):
        read = plots.reading_of(session, visit.id)
        found |= {f"culms_{when}": _culms(session, visit.id)} if read is None else read.sides(when)
    return found


def _culms(session: Session, visit_id: int) -> list[dict[str, Any]]:
    return [
        {
            "dbh_cm": float(culm.dbh_cm),
            "count": culm.count,
            **({"age_du": culm.age_du} if culm.age_du is not None else {}),
            **({"age_years": culm.age_years} if culm.age_years is not None else {}),
        }
        for culm in plots.culms_of(session, visit_id)
    ]

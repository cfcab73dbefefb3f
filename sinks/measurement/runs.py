"""Runs: frozen parcels, layers and plots go in; a stored, reproducible quantity comes out.

A run keeps the whole input of the method and its whole result as text, with the hash of the
factors, the hashes of the layers and the version of the code. Measuring again from the frozen
inputs must give the same text, byte for byte.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from shapely import MultiPolygon
from sqlalchemy import CheckConstraint, ForeignKey, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

import sinks
from gis_data import zonal, zonal_dask
from methodologies import by_stratum, catalogue
from methodologies.map_error import CellErrors
from sinks.core import audit, settings
from sinks.core.actor import Actor
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Conflict, NotFound
from sinks.measurement import differences, layers, plots, record_runs, variograms
from sinks.measurement.layers import Layer
from sinks.measurement.plots import Sample
from sinks.measurement.record_runs import FrozenByRecords
from sinks.measurement.variograms import Given


class Run(Base):
    """One measurement of a round. Every run is kept, also those not submitted."""

    __tablename__ = "run"

    id: Mapped[Key]
    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"), index=True)
    method_id: Mapped[str]
    factor_hash: Mapped[str]
    layer_sha256: Mapped[list[Any]]
    code_version: Mapped[str]
    input_json: Mapped[str] = mapped_column(Text)
    result_json: Mapped[str] = mapped_column(Text)
    policies_in_force: Mapped[bool]
    # The variograms of the error layers at "start" and "end"; None: fully correlated errors.
    map_error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]

    @property
    def input(self) -> dict[str, Any]:
        return json.loads(self.input_json)

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.result_json)


class RunParcel(Base):
    """What a run gives one parcel."""

    __tablename__ = "run_parcel"
    __table_args__ = (
        CheckConstraint(
            "(map_agb_t_ha_start is null) = (map_agb_t_ha_end is null)"
            " and (map_agb_t_ha_start is null) = (valid_share is null)",
            name="map_whole_or_none",
        ),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    stratum: Mapped[str]
    area_ha: Mapped[float]
    # Null in a round by records.
    map_agb_t_ha_start: Mapped[float | None]
    map_agb_t_ha_end: Mapped[float | None]
    valid_share: Mapped[float | None]
    co2_t: Mapped[float]
    issuable_kg: Mapped[int]


@dataclass(frozen=True, slots=True)
class FrozenParcel:
    """A parcel as the round froze it."""

    parcel_id: int
    stratum: str
    boundary: MultiPolygon
    area_m2: float


@dataclass(frozen=True, slots=True)
class Frozen:
    """All that a round has frozen, and the policies to calculate with."""

    round_id: int
    method_id: str
    parcels: list[FrozenParcel]
    layer_start: Layer
    layer_end: Layer
    samples: list[Sample]
    baseline_co2_t_ha_year: float
    baseline_u90: float
    policy: dict[str, Any]
    valid_share_min: float


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


@dataclass(frozen=True, slots=True)
class Measured:
    """A method's input and result, as canonical JSON, before they are stored."""

    input_json: str
    result_json: str
    valid_share: dict[int, float]


def measure(session: Session, frozen: Frozen | FrozenByRecords, map_error: MapError) -> Measured:
    """Read the layers under the frozen parcels and plots, or the frozen records, and run the
    method. Writes nothing.

    map_error : how to add up the errors of the cells, as a new run finds it (`map_error_now`) or as
        a stored one has used it; nothing in a round by records

    Raises
    ------
    Uncovered
        Less than the policy's share of a parcel lies on valid cells.
    RecordsRefused
        Records lack or differ within a stratum.
    """
    if isinstance(frozen, FrozenByRecords):
        input_json = canonical(record_runs.document(frozen))
        joined = by_stratum.of_round(frozen.method_id).run(json.loads(input_json))
        return Measured(input_json, canonical(joined), {})
    start, end = frozen.layer_start, frozen.layer_end
    outlines = [parcel.boundary for parcel in frozen.parcels]
    at_start = _summaries(session, start, outlines)
    at_end = _summaries(session, end, outlines)
    _refuse_uncovered(frozen, at_start, at_end)
    rows = list(zip(frozen.parcels, at_start, at_end, strict=True))
    area_ha = sum(parcel.area_m2 for parcel in frozen.parcels) / 10_000
    document = {
        "period": {"start": start.epoch.isoformat(), "end": end.epoch.isoformat()},
        "phase_start": start.phase,
        "phase_end": end.phase,
        "strata": _strata(session, frozen, rows),
        "parcels": [
            {
                "id": str(parcel.parcel_id),
                "stratum": parcel.stratum,
                "area_ha": parcel.area_m2 / 10_000,
                "map_agb_t_ha_start": first.mean,
                "map_agb_t_ha_end": last.mean,
            }
            for parcel, first, last in rows
        ],
        "baseline_co2_t": {
            "co2_t": frozen.baseline_co2_t_ha_year
            * area_ha
            * (end.epoch - start.epoch).days
            / 365.25,
            "u90": frozen.baseline_u90,
        },
        "policy": frozen.policy,
    }
    _correlate(session, frozen, rows, map_error, document)
    # The method sees what is stored, so that what is stored is what it saw.
    input_json = canonical(document)
    result = catalogue.method(frozen.method_id).run(json.loads(input_json))
    shares = {
        parcel.parcel_id: min(first.valid_share, last.valid_share) for parcel, first, last in rows
    }
    return Measured(input_json, canonical(result), shares)


def map_error_now(session: Session, frozen: Frozen | FrozenByRecords) -> MapError:
    """The variograms recorded for the error layers of the round."""
    if isinstance(frozen, FrozenByRecords):
        return MapError()
    return MapError(
        *(
            variograms.given_of(variograms.newest(session, layer.stderr_layer_id))
            for layer in (frozen.layer_start, frozen.layer_end)
        )
    )


def _map_error_of(run: Run) -> MapError:
    stored = run.map_error or {}
    return MapError(
        *(Given(**stored[date_]) if stored.get(date_) else None for date_ in ("start", "end"))
    )


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


def _refuse_uncovered(
    frozen: Frozen, at_start: list[zonal.ParcelSummary], at_end: list[zonal.ParcelSummary]
) -> None:
    for parcel, first, last in zip(frozen.parcels, at_start, at_end, strict=True):
        share = min(first.valid_share, last.valid_share)
        if share == 0.0 or share < frozen.valid_share_min:
            raise Uncovered(
                f"地块 {parcel.parcel_id} 只有 {share:.1%} 落在图层有效像元上，"
                f"低于 {frozen.valid_share_min:.0%}。请换用覆盖该地块的图层，或将其移出项目。",
                code="uncovered",
            )


def _strata(
    session: Session,
    frozen: Frozen,
    rows: list[Row],
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
                "plots": _plots(session, frozen, name),
            }
        )
    return found


def _correlate(
    session: Session, frozen: Frozen, rows: list[Row], map_error: MapError, document: dict[str, Any]
) -> None:
    """Put the errors of the strata by the variograms into the method's input, where there are any.

    The method correlates any two strata by one share: the larger of the two dates, so that the
    project's variance comes out no smaller than that of all its cells.
    """
    shares = []
    for date_, layer, given in (
        ("start", frozen.layer_start, map_error.start),
        ("end", frozen.layer_end, map_error.end),
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


def _plots(session: Session, frozen: Frozen, stratum: str) -> list[dict[str, Any]]:
    samples = [item for item in frozen.samples if item.plot.stratum == stratum]
    if not samples:
        return []
    squares = [MultiPolygon([plots.footprint(item.plot)]) for item in samples]
    at_start = _summaries(session, frozen.layer_start, squares)
    at_end = _summaries(session, frozen.layer_end, squares)
    return [
        {
            "id": item.plot.code,
            "area_m2": item.plot.area_m2,
            "slope_deg": item.plot.slope_deg,
            "culms_start": _culms(session, item.start.id),
            "culms_end": _culms(session, item.end.id),
            "map_agb_t_ha_start": first.mean,
            "map_agb_t_ha_end": last.mean,
        }
        for item, first, last in zip(samples, at_start, at_end, strict=True)
    ]


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


def store(
    session: Session, actor: Actor, frozen: Frozen | FrozenByRecords, *, policies_in_force: bool
) -> Run:
    """Measure and keep the run with everything that is needed to repeat it."""
    map_error = map_error_now(session, frozen)
    measured = measure(session, frozen, map_error)
    result = json.loads(measured.result_json)
    run = Run(
        round_id=frozen.round_id,
        method_id=frozen.method_id,
        factor_hash=result["factor_hash"],
        layer_sha256=_layer_hashes(session, frozen),
        code_version=code_version(),
        input_json=measured.input_json,
        result_json=measured.result_json,
        policies_in_force=policies_in_force,
        map_error=map_error.as_dict(),
        person_id=actor.person_id,
    )
    session.add(run)
    session.flush()
    given = {int(row["id"]): row for row in result["allocation"]}
    for row in json.loads(measured.input_json)["parcels"]:
        parcel_id = int(row["id"])
        session.add(
            RunParcel(
                run_id=run.id,
                parcel_id=parcel_id,
                stratum=row["stratum"],
                area_ha=row["area_ha"],
                map_agb_t_ha_start=row.get("map_agb_t_ha_start"),
                map_agb_t_ha_end=row.get("map_agb_t_ha_end"),
                valid_share=measured.valid_share.get(parcel_id),
                co2_t=given[parcel_id]["co2_t"],
                issuable_kg=given[parcel_id]["issuable_kg"],
            )
        )
    session.flush()
    audit.record(
        session, actor, "run.store", f"round:{frozen.round_id}",
        {"run": run.id, "result_sha256": sha256_of_text(measured.result_json)},
    )  # fmt: skip
    return run


def _layer_hashes(session: Session, frozen: Frozen | FrozenByRecords) -> list[str]:
    if isinstance(frozen, FrozenByRecords):
        return []
    hashes = []
    for layer in (frozen.layer_start, frozen.layer_end):
        hashes.append(layer.sha256)
        if (stderr := layers.stderr_of(session, layer)) is not None:
            hashes.append(stderr.sha256)
    return hashes


@dataclass(frozen=True, slots=True)
class Remeasured:
    """Result of measuring again: whether input and result are the stored ones, byte for byte.

    largest_difference : relative, of any number of the results; infinite where more than numbers
        differ. Another version of the program may add up in another order, and differ by 1e-13.
    """

    run_id: int
    same_input: bool
    same_result: bool
    stored_sha256: str
    now_sha256: str
    stored_code: str
    now_code: str
    stored_issuable_kg: int
    now_issuable_kg: int
    largest_difference: float


def remeasure(session: Session, run: Run, frozen: Frozen | FrozenByRecords) -> Remeasured:
    """Measure again from the frozen inputs and hold it against what was stored."""
    again = measure(session, frozen, _map_error_of(run))
    stored, now = run.result, json.loads(again.result_json)
    return Remeasured(
        run.id,
        again.input_json == run.input_json,
        again.result_json == run.result_json,
        sha256_of_text(run.result_json),
        sha256_of_text(again.result_json),
        run.code_version,
        code_version(),
        stored["issuable_kg"],
        now["issuable_kg"],
        differences.largest_relative(stored, now),
    )


def canonical(document: Any) -> str:
    """JSON with sorted keys; numbers as Python writes them, which reads back to the same float."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False)


def sha256_of_text(text: str) -> str:
    """SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def code_version() -> str:
    """The version of the program with a hash of its measuring code."""
    digest = hashlib.sha256()
    for room in ("methodologies", "gis_data", "sinks/measurement"):
        for path in sorted((settings.ROOT / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return f"{sinks.VERSION}+{digest.hexdigest()[:12]}"


def get(session: Session, run_id: int) -> Run:
    """One run, or NotFound."""
    row = session.get(Run, run_id)
    if row is None:
        raise NotFound("没有这次核算。", code="run")
    return row


def of_round(session: Session, round_id: int) -> list[Run]:
    """Every run of a round, newest first."""
    return list(
        session.scalars(select(Run).where(Run.round_id == round_id).order_by(Run.id.desc()))
    )


def parcels_of(session: Session, run_id: int) -> list[RunParcel]:
    """What a run gives each parcel."""
    query = select(RunParcel).where(RunParcel.run_id == run_id).order_by(RunParcel.parcel_id)
    return list(session.scalars(query))


def latest_of_parcel(session: Session, parcel_id: int) -> tuple[Run, RunParcel, date] | None:
    """The newest run that has measured a parcel, with the end of its period."""
    row = session.execute(
        select(Run, RunParcel)
        .join(RunParcel, RunParcel.run_id == Run.id)
        .where(RunParcel.parcel_id == parcel_id)
        .order_by(Run.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return row[0], row[1], date.fromisoformat(row[0].input["period"]["end"])

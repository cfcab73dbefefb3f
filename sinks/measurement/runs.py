"""Runs: frozen parcels, layers and plots go in; a stored, reproducible quantity comes out.

A run keeps the whole input of the method and its whole result as text, with the hash of the
factors, the hashes of the layers and the version of the code. Measuring again from the frozen
inputs must give the same text, byte for byte.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

import sinks
from methodologies import by_stratum
from sinks.core import audit, settings
from sinks.core.actor import Actor
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import NotFound
from sinks.measurement import differences, layers, plot_runs, record_runs
from sinks.measurement.plot_runs import Frozen, MapError
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
    # Null in a round without layers.
    map_agb_t_ha_start: Mapped[float | None]
    map_agb_t_ha_end: Mapped[float | None]
    valid_share: Mapped[float | None]
    co2_t: Mapped[float]
    issuable_kg: Mapped[int]


@dataclass(frozen=True, slots=True)
class Measured:
    """A method's input and result, as canonical JSON, before they are stored."""

    input_json: str
    result_json: str
    valid_share: dict[int, float]


def measure(session: Session, frozen: Frozen | FrozenByRecords, map_error: MapError) -> Measured:
    """Read the layers under the frozen parcels and plots, or the frozen records, and run the
    method. Writes nothing.

    map_error : how to add up the errors of the cells, as a new run finds it
        (`plot_runs.map_error_now`) or as a stored one has used it; nothing without layers

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
    document, shares = plot_runs.document(session, frozen, map_error)
    # The method sees what is stored, so that what is stored is what it saw.
    input_json = canonical(document)
    result = by_stratum.of_round(frozen.method_id).run(json.loads(input_json))
    return Measured(input_json, canonical(result), shares)


def _map_error_of(run: Run) -> MapError:
    stored = run.map_error or {}
    return MapError(
        *(Given(**stored[date_]) if stored.get(date_) else None for date_ in ("start", "end"))
    )


def store(
    session: Session, actor: Actor, frozen: Frozen | FrozenByRecords, *, policies_in_force: bool
) -> Run:
    """Measure and keep the run with everything that is needed to repeat it."""
    map_error = MapError()
    if isinstance(frozen, Frozen):
        map_error = plot_runs.map_error_now(session, frozen)
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
    hashes: list[str] = []
    if isinstance(frozen, FrozenByRecords):
        return hashes
    for layer in frozen.layers or ():
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

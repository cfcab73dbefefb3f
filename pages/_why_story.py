"""What a claim is shown from: a round and one of its runs, read once, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from methodologies import catalogue
from pages import _statements, _why_records
from pages._statements import Stated
from pages._why_records import RecordFacts
from pages._words import t
from sinks.core import db, people, policies
from sinks.core.actor import Actor
from sinks.crediting import issuance, projects, round_policies, rounds, second_measurements
from sinks.land import parcel_list
from sinks.measurement import layers, runs


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer as the claim names it."""

    id: int
    name: str
    epoch: date
    phase: str
    resolution: str
    sha256: str
    has_stderr: bool


@dataclass(frozen=True, slots=True)
class ParcelFacts:
    """A parcel of the round and what the run gives it."""

    id: int
    code: str
    name: str
    stratum: str
    area_ha: float
    map_start: float | None
    map_end: float | None
    valid_share: float | None
    co2_t: float
    issuable_kg: int


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A policy value the run calculated with, and what is in force today."""

    title: str
    used: Any
    now: Any
    since: date | None
    legal_basis: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """A round and one of its runs, as plain values.

    start, end : the layers, if it has any
    records : of a round by records; stated : where the method asks for statements
    """

    round_id: int
    status: str
    project_id: int
    project_code: str
    project_name: str
    method_id: str
    demonstration: bool
    period_start: date
    period_end: date
    start: LayerFacts | None
    end: LayerFacts | None
    records: list[RecordFacts]
    stated: list[Stated]
    batches: list[tuple[str, int, int]]  # name, units, unit_kg
    run_id: int
    submitted: bool
    run_at: datetime
    run_by: str
    code_version: str
    factor_hash: str
    layer_sha256: list[str]
    policies_in_force: bool
    map_error: dict[str, Any] | None
    # Whoever looks has still to measure plots without knowing what is in them.
    blind: bool
    input_json: str
    result_json: str
    input: dict[str, Any]
    result: dict[str, Any]
    parcels: list[ParcelFacts]
    policies: list[PolicyFacts]

    @property
    def by_records(self) -> bool:
        return self.by_round == "records"

    @property
    def by_round(self) -> str:
        """How the method is fed; a round of a method that is fed by hand does not exist."""
        return catalogue.method(self.method_id).by_round or ""

    @property
    def pool(self) -> str:
        """What the round credits by."""
        return catalogue.method(self.method_id).pool


def load(me: Actor, round_id: int, run_id: int | None = None) -> Story | None:
    """The round with its submitted (newest) run, or the one named; None when it has none yet."""
    with db.transaction(me) as session:
        row = rounds.get(session, round_id)
        chosen = run_id or row.run_id
        known = {run.id: run for run in runs.of_round(session, round_id)}
        if chosen is None or chosen not in known:
            return None
        run = known[chosen]
        project = next(item for item, _ in projects.listing(session) if item.id == row.project_id)
        found = [] if row.layer_start_id is None else rounds.layers_of(session, row)
        start, end = [_layer(layer) for layer in found] or (None, None)
        return Story(
            round_id=row.id,
            status=row.status,
            project_id=project.id,
            project_code=project.code,
            project_name=project.name,
            method_id=project.method_id,
            demonstration=project.demonstration,
            period_start=row.period_start,
            period_end=row.period_end,
            start=start,
            end=end,
            records=_why_records.load(session, row.id),
            stated=_statements.of_round(session, row.id),
            batches=[
                (f"{project.code}-{batch.vintage}-{batch.sequence:02d}", batch.units, batch.unit_kg)
                for batch in issuance.batches_of_round(session, row.id)
            ],
            run_id=run.id,
            submitted=run.id == row.run_id,
            run_at=run.recorded_at,
            run_by=people.name_of(session, run.person_id),
            code_version=run.code_version,
            factor_hash=run.factor_hash,
            layer_sha256=list(run.layer_sha256),
            policies_in_force=run.policies_in_force,
            map_error=run.map_error,
            blind=second_measurements.blind(session, me, row.project_id),
            input_json=run.input_json,
            result_json=run.result_json,
            input=run.input,
            result=run.result,
            parcels=_parcels(session, run.id),
            policies=_policies(session, run.method_id, run.input["policy"]),
        )


def _layer(layer: layers.Layer) -> LayerFacts:
    return LayerFacts(
        layer.id, layer.name, layer.epoch, layer.phase, layer.resolution, layer.sha256,
        layer.stderr_layer_id is not None,
    )  # fmt: skip


def _parcels(session: Any, run_id: int) -> list[ParcelFacts]:
    given = runs.parcels_of(session, run_id)
    named = {row.id: row for row in parcel_list.rows(session, ids=[row.parcel_id for row in given])}
    return [
        ParcelFacts(
            row.parcel_id, named[row.parcel_id].code, named[row.parcel_id].name, row.stratum,
            row.area_ha, row.map_agb_t_ha_start, row.map_agb_t_ha_end, row.valid_share, row.co2_t,
            row.issuable_kg,
        )
        for row in given
    ]  # fmt: skip


def _policies(session: Any, method_id: str, used: Mapping[str, Any]) -> list[PolicyFacts]:
    found = []
    for name, key in round_policies.POLICIES_OF[method_id].items():
        now = policies.find(session, key)
        kind = policies.KINDS[key]
        found.append(
            PolicyFacts(
                t(kind.title_zh, kind.title_en),
                used[name],
                now.value if now else None,
                now.valid_from if now else None,
                now.legal_basis if now else None,
            )
        )
    return found

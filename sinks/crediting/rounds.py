"""Monitoring rounds: frozen, measured, published, verified, recorded.

Four different people propose, verify, record and issue; the table refuses anything else
(`monitoring_round_four_people`), whoever writes and from wherever.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from methodologies import catalogue, planting, plot_readings
from methodologies.statements import ProjectFacts, Standing
from sinks.core import audit, policies, workdays
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, refused_in_words, today
from sinks.core.documents import Document
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.crediting import objections, projects, round_policies, round_records, stated_facts
from sinks.land import parcels
from sinks.land.parcels import ParcelVersion
from sinks.measurement import layers, plot_runs, plots, runs
from sinks.measurement.layers import Layer
from sinks.measurement.plot_runs import Frozen, FrozenParcel
from sinks.measurement.record_runs import FrozenByRecords, RecordedParcel
from sinks.measurement.runs import Remeasured, Run


class Status(StrEnum):
    OPEN = "open"
    MEASURED = "measured"
    PUBLIC_NOTICE = "public_notice"
    UNDER_VERIFICATION = "under_verification"
    FINDINGS = "findings"
    VERIFIED = "verified"
    RECORDED = "recorded"
    ISSUED = "issued"


NEXT = MappingProxyType(
    {
        Status.OPEN: {Status.MEASURED},
        Status.MEASURED: {Status.PUBLIC_NOTICE},
        # Back when an objection is upheld.
        Status.PUBLIC_NOTICE: {Status.UNDER_VERIFICATION, Status.MEASURED},
        Status.UNDER_VERIFICATION: {Status.FINDINGS, Status.VERIFIED},
        Status.FINDINGS: {Status.UNDER_VERIFICATION},
        Status.VERIFIED: {Status.RECORDED},
        Status.RECORDED: {Status.ISSUED},
        Status.ISSUED: set(),
    }
)


class MonitoringRound(Base):
    """A period of a project that is measured and credited once."""

    __tablename__ = "monitoring_round"
    __table_args__ = (
        CheckConstraint("period_end > period_start", name="period"),
        CheckConstraint(
            "(layer_start_id is null) = (layer_end_id is null)", name="both_layers_or_none"
        ),
        CheckConstraint(
            "verified_by_id <> proposed_by_id"
            " and recorded_by_id not in (proposed_by_id, verified_by_id)"
            " and issued_by_id not in (proposed_by_id, verified_by_id, recorded_by_id)",
            name="four_people",
        ),
        CheckConstraint(
            "(status not in ('verified','recorded','issued') or verified_by_id is not null)"
            " and (status not in ('recorded','issued') or recorded_by_id is not null)"
            " and (status <> 'issued' or issued_by_id is not null)",
            name="steps_have_people",
        ),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    period_start: Mapped[date]
    period_end: Mapped[date]
    # Null in a round by records, or of plots alone.
    layer_start_id: Mapped[int | None] = mapped_column(ForeignKey("layer.id"))
    layer_end_id: Mapped[int | None] = mapped_column(ForeignKey("layer.id"))
    status: Mapped[str] = mapped_column(server_default=Status.OPEN.value)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", use_alter=True))
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime | None]
    notice_ends_on: Mapped[date | None]
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    verification_statement: Mapped[str | None]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    filing_no: Mapped[str | None] = mapped_column(unique=True)
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    issued_at: Mapped[datetime | None]


class RoundParcel(Base):
    """A parcel of the round, with the outline and the stratum as they were when it opened."""

    __tablename__ = "round_parcel"

    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"), primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("parcel_version.id"))
    stratum: Mapped[str]
    # The outline's area less the slivers of earlier claims; null in rounds opened before it was kept.
    creditable_area_m2: Mapped[float | None]


class RoundPlot(Base):
    """A plot of the round's sample, with the two visits that count."""

    __tablename__ = "round_plot"

    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"), primary_key=True)
    plot_id: Mapped[int] = mapped_column(ForeignKey("plot.id"), primary_key=True)
    visit_start_id: Mapped[int] = mapped_column(ForeignKey("plot_visit.id"))
    visit_end_id: Mapped[int] = mapped_column(ForeignKey("plot_visit.id"))


def add_evidence(
    session: Session, actor: Actor, round_id: int, *, name: str, content: bytes
) -> Document:
    """Put a document on file as evidence of what a planting round states of its period."""
    row = get(session, round_id)
    projects.owned(session, actor, row.project_id)
    if stated_facts.of_round(session, round_id) is None:
        raise NotFound("这个监测期没有填报事实。", code="facts")
    return stated_facts.file_evidence(
        session, actor, stated_facts.ROUND_SUBJECT, round_id, name=name, content=content
    )


def frozen(
    session: Session, row: MonitoringRound, policy: dict[str, Any]
) -> Frozen | FrozenByRecords:
    """What the round froze, with the policies to calculate with."""
    if _by_records(session, row):
        return frozen_by_records(session, row, policy)
    return frozen_by_plots(session, row, policy)


def _by_records(session: Session, row: MonitoringRound) -> bool:
    return catalogue.method(method_of(session, row)).by_round == "records"


def frozen_parcels(
    session: Session, row: MonitoringRound
) -> list[tuple[RoundParcel, ParcelVersion]]:
    """The round's parcels with the outlines that it froze, by parcel."""
    query = (
        select(RoundParcel, ParcelVersion)
        .join(ParcelVersion, ParcelVersion.id == RoundParcel.version_id)
        .where(RoundParcel.round_id == row.id)
        .order_by(RoundParcel.parcel_id)
    )
    return [(member, version) for member, version in session.execute(query)]


def frozen_by_records(
    session: Session, row: MonitoringRound, policy: dict[str, Any]
) -> FrozenByRecords:
    """What a round by records froze. The debit carried is that of `policy`, else the project's."""
    project = session.get_one(projects.Project, row.project_id)
    assert project.practice_from_year is not None  # Asked for when a project by records is made.
    debit_kg = policy.get("carried_debit_kg")
    members = frozen_parcels(session, row)
    parcel_ids = [member.parcel_id for member, _ in members]
    codes = parcels.codes_of(session, parcel_ids)
    records = round_records.by_parcel(session, row.id, parcel_ids)
    return FrozenByRecords(
        round_id=row.id,
        method_id=project.method_id,
        period_start=row.period_start,
        period_end=row.period_end,
        practice_from_year=project.practice_from_year,
        parcels=[
            RecordedParcel(
                member.parcel_id,
                codes[member.parcel_id],
                member.stratum,
                member.creditable_area_m2 or version.area_m2,
                records[member.parcel_id],
            )
            for member, version in members
        ],
        policy={
            **{name: policy[name] for name in round_policies.POLICIES_OF[project.method_id]},
            "carried_debit_kg": carried_debit_kg(session, row) if debit_kg is None else debit_kg,
        },
    )


def carried_debit_kg(session: Session, row: MonitoringRound) -> int:
    """The debit that the project's last measured round before this one has left [kg CO2e]."""
    before = [
        other for other in of_project(session, row.project_id)
        if other.period_end <= row.period_start and other.run_id is not None
    ]  # fmt: skip
    if not before:
        return 0
    last = runs.get(session, before[-1].run_id or 0)
    return int(last.result["intermediate"]["debit_carried_forward_kg"])


def credited_before_co2_t(
    session: Session, row: MonitoringRound, facts: planting.BambooPlanting
) -> float:
    """What counts towards the target structure already, here and elsewhere [tCO2].

    Here: the project's earlier rounds that are measured, and any that has gone on notice; a
    negative round is carried as a debit, not taken back.
    """
    return facts.credited_elsewhere_co2_t + math.fsum(
        max(0.0, runs.get(session, other.run_id).result["net_co2_t"])
        for other in of_project(session, row.project_id)
        if other.id != row.id
        and other.run_id is not None
        and (
            other.period_end <= row.period_start
            or other.status not in (Status.OPEN, Status.MEASURED)
        )
    )


def frozen_by_plots(session: Session, row: MonitoringRound, policy: dict[str, Any]) -> Frozen:
    """What a round of plots froze, with layers or without, and the policies to calculate with.

    What is carried from earlier rounds, the debit and in a planting round what counts towards the
    target, is that of `policy`, else the project's.
    """
    project = session.get_one(projects.Project, row.project_id)
    maps = None if row.layer_start_id is None else layers_of(session, row)
    samples = sample(session, row.id)
    chosen = {
        name: policy[name]
        for name in (
            *round_policies.POLICIES_OF[project.method_id],
            *round_policies.where_decided(project.method_id),
        )
        if name in policy
    }
    debit_kg = policy.get("carried_debit_kg")
    if debit_kg is None:
        debit_kg = carried_debit_kg(session, row)
    found = stated_facts.of_round(session, row.id)
    # Runs of moso-mgmt/1 stored before debits were carried do not name one: nought is left out.
    if debit_kg or found is not None:
        chosen["carried_debit_kg"] = debit_kg
    members = frozen_parcels(session, row)
    stated, of_strata = _stated(session, row, project, policy, {one.stratum for one, _ in members})
    return Frozen(
        round_id=row.id,
        method_id=project.method_id,
        period_start=row.period_start,
        period_end=row.period_end,
        phases=_phases(session, project.method_id, maps, samples),
        parcels=[
            FrozenParcel(
                member.parcel_id,
                member.stratum,
                parcels.boundary_of(version),
                member.creditable_area_m2 or version.area_m2,
            )
            for member, version in members
        ],
        layers=maps,
        samples=samples,
        baseline_co2_t_ha_year=project.baseline_co2_t_ha_year,
        baseline_u90=project.baseline_u90,
        policy=chosen,
        # Not asked for where a method reads no map.
        valid_share_min=float(policy.get("valid_share_min", 1.0)),
        stated=stated,
        stated_of_strata=of_strata,
    )


def _phases(
    session: Session,
    method_id: str,
    maps: tuple[Layer, Layer] | None,
    samples: Sequence[plots.Sample],
) -> tuple[str, str] | None:
    """The phases at start and end, of bamboo alone."""
    if method_id in plot_readings.KINDS_OF:
        return None
    if maps is None:
        return plot_runs.phases(session, samples)
    return maps[0].phase, maps[1].phase


def _stated(
    session: Session,
    row: MonitoringRound,
    project: projects.Project,
    policy: Mapping[str, Any],
    strata: set[str],
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What is stated, as parts of the method's input and of each of its strata."""
    found = stated_facts.of_round(session, row.id)
    if found is None:
        return {}, {}  # A round of managed bamboo from before anything was asked.
    facts = None if found[0] is None else found[0].facts(project.method_id)
    before = policy.get("credited_before_co2_t")
    if before is None:
        before = _counted_before_co2_t(session, row, facts)
    standing = Standing(found[1].land_facts, before, project.baseline_basis)
    of_period = found[1].period_facts(project.method_id).parts(standing)
    if facts is None:
        return of_period, {}
    return (
        {**facts.parts(standing), **of_period},
        {one: facts.of_stratum(one, row.period_start, row.period_end) for one in sorted(strata)},
    )


def _counted_before_co2_t(
    session: Session, row: MonitoringRound, facts: ProjectFacts | None
) -> float:
    if not isinstance(facts, planting.BambooPlanting):
        return 0.0  # Nothing but bamboo has a target structure.
    return credited_before_co2_t(session, row, facts)


def layers_of(session: Session, row: MonitoringRound) -> tuple[Layer, Layer]:
    """The two layers of a round that has them."""
    if row.layer_start_id is None or row.layer_end_id is None:
        raise NotFound("这个监测期没有图层。", code="layers")
    return layers.get(session, row.layer_start_id), layers.get(session, row.layer_end_id)


def sample(session: Session, round_id: int) -> list[plots.Sample]:
    """The plots that the round froze, each with its two visits."""
    rows = session.scalars(
        select(RoundPlot).where(RoundPlot.round_id == round_id).order_by(RoundPlot.plot_id)
    )
    return [
        plots.Sample(
            session.get_one(plots.Plot, row.plot_id),
            session.get_one(plots.PlotVisit, row.visit_start_id),
            session.get_one(plots.PlotVisit, row.visit_end_id),
        )
        for row in rows
    ]


def measure(session: Session, actor: Actor, round_id: int) -> Run:
    """Measure the round with the policies in force, or with the suggestions where none is.

    A run that used a suggestion is kept and shown, and can never be issued from.
    """
    row = locked(session, round_id)
    projects.owned(session, actor, row.project_id)
    if row.status not in (Status.OPEN, Status.MEASURED, Status.FINDINGS):
        raise Conflict("这个监测期已公示，不能再核算（整改时除外）。", code="step")
    policy, all_in_force = round_policies.calculating(session, method_of(session, row))
    run = runs.store(session, actor, frozen(session, row, policy), policies_in_force=all_in_force)
    if row.status == Status.OPEN:
        move(row, Status.MEASURED)
    row.run_id = run.id
    session.flush()
    return run


def method_of(session: Session, row: MonitoringRound) -> str:
    """The id of the method that a round is measured by."""
    return session.get_one(projects.Project, row.project_id).method_id


def remeasure(session: Session, round_id: int, run_id: int | None = None) -> Remeasured:
    """Measure again from the frozen inputs and compare with what was stored. Changes nothing."""
    row = get(session, round_id)
    run = run_of(session, row, run_id)
    policy, _ = round_policies.calculating(session, run.method_id)
    # What was decided since is not what was calculated with.
    for name in round_policies.where_decided(run.method_id):
        policy.pop(name, None)
    stored = {"carried_debit_kg": 0, **policy, **run.input["policy"]}
    if "saturation" in run.input:
        stored["credited_before_co2_t"] = run.input["saturation"]["credited_before_co2_t"]
    return runs.remeasure(session, run, frozen(session, row, stored))


def run_of(session: Session, row: MonitoringRound, run_id: int | None = None) -> Run:
    """The round's submitted (newest) run, or the one named if it is the round's."""
    chosen = run_id or row.run_id
    if chosen is None:
        raise Conflict("这个监测期还没有核算。", code="not_measured")
    run = runs.get(session, chosen)
    if run.round_id != row.id:
        raise NotFound("这个监测期没有这次核算。", code="run")
    return run


def publish(session: Session, actor: Actor, round_id: int) -> MonitoringRound:
    """Submit the measured quantity: public notice for the working days of the policy in force."""
    row = locked(session, round_id)
    project = projects.owned(session, actor, row.project_id)
    run = runs.get(session, row.run_id) if row.run_id else None
    if run is None:
        raise Conflict("请先核算。", code="not_measured")
    if not run.policies_in_force:
        missing = [
            key for key in round_policies.needed(run.method_id).values()
            if policies.find(session, key) is None
        ]  # fmt: skip
        if missing:
            raise policies.PolicyMissing(*missing)
        raise Conflict("这次核算用了当时尚未生效的建议值，请重新核算后再公示。", code="remeasure")
    _refuse_unfounded(session, row, run)
    days = policies.in_force(session, "notice_days.round")["notice_days.round"].value
    projects.begin_crediting(session, actor, project)
    move(row, Status.PUBLIC_NOTICE)
    row.proposed_by_id = actor.person_id
    row.published_at = now(session)
    row.notice_ends_on = workdays.after(session, today(session), int(days))
    note(session, actor, row, "publish", {"run": run.id, "notice_ends_on": str(row.notice_ends_on)})
    return row


def _refuse_unfounded(session: Session, row: MonitoringRound, run: Run) -> None:
    """Refuse to publish what has no evidence, or was measured before an earlier round changed."""
    stated = stated_facts.of_round(session, row.id)
    if _by_records(session, row):
        round_records.refuse_without_evidence(session, row.id)
    elif stated is not None:
        stated_facts.refuse_without_evidence(session, stated_facts.ROUND_SUBJECT, row.id)
        facts = None if stated[0] is None else stated[0].facts(run.method_id)
        before = _counted_before_co2_t(session, row, facts)
        if run.input.get("saturation", {}).get("credited_before_co2_t", 0.0) != before:
            raise Conflict("以前监测期计入的量已改变，请重新核算后再公示。", code="remeasure")
    if run.input["policy"].get("carried_debit_kg", 0) != carried_debit_kg(session, row):
        raise Conflict("以前监测期结转的负值已改变，请重新核算后再公示。", code="remeasure")


def object_to(
    session: Session, round_id: int, *, name: str, contact: str, words: str, origin_hash: str
) -> int:
    """Anybody's objection to a round under notice; its number."""
    row = locked(session, round_id)
    projects.refuse_no_notice(
        session, row.status == Status.PUBLIC_NOTICE, row.published_at, row.notice_ends_on
    )
    return objections.file(
        session, round_id=round_id, name=name, contact=contact, words=words,
        origin_hash=origin_hash,
    )  # fmt: skip


def answer_objection(
    session: Session, actor: Actor, objection_id: int, *, words: str, outcome: str
) -> objections.Objection:
    """The authority or the registrar answers an objection, to a round or to a project.

    One that is upheld ends the notice: the owner measures or drafts anew, and publishes again.
    """
    found = objections.locked(session, objection_id)
    if found.round_id is None:
        projects.answer_objection(session, actor, found, words=words, outcome=outcome)
        return found
    row = locked(session, found.round_id)
    project = session.get_one(projects.Project, row.project_id)
    objections.answer(
        session, actor, found, words=words, outcome=outcome, owner_id=project.owner_id
    )
    if outcome == objections.Outcome.UPHELD and row.status == Status.PUBLIC_NOTICE:
        move(row, Status.MEASURED)
        note(session, actor, row, "notice_ended", {"objection": found.id})
    return found


def record(session: Session, actor: Actor, round_id: int, filing_no: str) -> MonitoringRound:
    """The authority records the verified quantity under its number (碳汇量备案)."""
    actor.require(Role.AUTHORITY)
    row = locked(session, round_id)
    if actor.person_id in (row.proposed_by_id, row.verified_by_id):
        raise NotPermitted("申报、核证与备案须由不同的人办理。", code="four_people")
    if not filing_no.strip():
        raise Invalid("请填写备案号。", code="filing_no")
    used = Conflict(f"备案号 {filing_no.strip()} 已被使用。", code="filing_no")
    with refused_in_words(session, {"monitoring_round_filing_no_key": used}):
        move(row, Status.RECORDED)
        row.recorded_by_id, row.filing_no = actor.person_id, filing_no.strip()
    note(session, actor, row, "record", {"filing_no": row.filing_no})
    return row


def move(row: MonitoringRound, to: Status) -> None:
    """Take the round to its next state; Conflict, naming both, where the order has no such step."""
    if to not in NEXT[Status(row.status)]:
        raise Conflict(
            f"监测期现为“{STATUS_ZH[Status(row.status)]}”，不能变为“{STATUS_ZH[to]}”。", code="step"
        )
    row.status = to


STATUS_ZH = MappingProxyType(
    {
        Status.OPEN: "已开启",
        Status.MEASURED: "已核算",
        Status.PUBLIC_NOTICE: "公示",
        Status.UNDER_VERIFICATION: "核证中",
        Status.FINDINGS: "整改",
        Status.VERIFIED: "已核证",
        Status.RECORDED: "碳汇量备案",
        Status.ISSUED: "登记签发",
    }
)


def mark_issued(session: Session, actor: Actor, row: MonitoringRound) -> None:
    """The last step, taken by `issuance.issue` before anything is posted."""
    # Asked first: a query sends what was changed, and the row would be half a step.
    at = now(session)
    move(row, Status.ISSUED)
    row.issued_by_id, row.issued_at = actor.person_id, at
    note(session, actor, row, "issue", {"run": row.run_id})


def note(
    session: Session, actor: Actor, row: MonitoringRound, action: str, detail: dict[str, Any]
) -> None:
    """Write down in the audit what was done to the round."""
    session.flush()
    audit.record(session, actor, f"round.{action}", f"round:{row.id}", detail)


def locked(session: Session, round_id: int) -> MonitoringRound:
    """The round, held until the transaction ends."""
    row = session.get(MonitoringRound, round_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("没有这个监测期。", code="round")
    return row


def get(session: Session, round_id: int) -> MonitoringRound:
    """One round, or NotFound."""
    row = session.get(MonitoringRound, round_id)
    if row is None:
        raise NotFound("没有这个监测期。", code="round")
    return row


def of_project(session: Session, project_id: int) -> list[MonitoringRound]:
    """Rounds of a project, oldest first."""
    query = select(MonitoringRound).where(MonitoringRound.project_id == project_id)
    return list(session.scalars(query.order_by(MonitoringRound.period_start)))


def in_status(session: Session, *statuses: Status) -> list[MonitoringRound]:
    """Rounds in one of these states, oldest first."""
    query = select(MonitoringRound).where(MonitoringRound.status.in_(statuses))
    return list(session.scalars(query.order_by(MonitoringRound.id)))


def round_parcels(session: Session, round_id: int) -> list[RoundParcel]:
    """The frozen parcels of a round."""
    query = select(RoundParcel).where(RoundParcel.round_id == round_id)
    return list(session.scalars(query.order_by(RoundParcel.parcel_id)))

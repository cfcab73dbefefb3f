"""Opening a monitoring round: its period, and everything that is frozen with it.

A round is opened over two layers, over plots alone, or over activity records; what comes later, a
corrected record, another visit, a changed outline, does not change it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from methodologies import catalogue, from_records, moso_mgmt_v1
from sinks.core import audit, policies
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.core.errors import Conflict, Invalid
from sinks.crediting import (
    char_batches,
    projects,
    round_policies,
    round_records,
    rounds,
    stated_facts,
)
from sinks.crediting.rounds import MonitoringRound, RoundParcel, RoundPlot
from sinks.land import claims, eligibility, marks, parcels
from sinks.measurement import layers, plot_runs, plots, runs


def by_layers(
    session: Session,
    actor: Actor,
    project_id: int,
    *,
    layer_start_id: int,
    layer_end_id: int,
    facts: Mapping[str, Any],
) -> MonitoringRound:
    """Open a round over the period between two layers and freeze parcels, layers and sample.

    A project may measure before it is registered; it may publish only after.

    facts : what is stated of the period (`catalogue.PERIODS`)

    Raises
    ------
    Conflict
        Another round overlaps the period, the land of a parcel was claimed by another during it,
        or its sink is not the owner's for all of it.
    NotEligible
        A constraint under a parcel, or what it is, keeps it from being credited.
    """
    project = projects.owned(session, actor, project_id)
    _refuse_other_measure(project, ("map_and_plots", "planting"))
    start, end = (
        layers.value_layer(session, layer_id, "agb") for layer_id in (layer_start_id, layer_end_id)
    )
    if start.epoch >= end.epoch:
        raise Invalid("请选择先后两个日期的图层。", code="layers")
    row = _opened(session, actor, project, start.epoch, end.epoch, (start.id, end.id))
    _freeze_sample(session, row)
    _freeze_facts(session, actor, row, project.method_id, facts)
    audit.record(
        session, actor, "round.open", f"round:{row.id}",
        {"project": project_id, "layers": [start.sha256, end.sha256]},
    )  # fmt: skip
    return row


def by_plots(
    session: Session,
    actor: Actor,
    project_id: int,
    *,
    period_start: date,
    period_end: date,
    facts: Mapping[str, Any],
) -> MonitoringRound:
    """Open a round over a period and freeze parcels, sample and statement.

    Plots measured near both dates speak alone; a map made for forests sees neither what is young
    nor bushes.

    Raises
    ------
    Conflict
        As `by_layers`; or visits near one date are of different phases, a parcel's land class is
        not on file, or the method does not apply.
    MethodInputInvalid
        The statement is not complete, or a stratum has fewer than two plots.
    """
    project = projects.owned(session, actor, project_id)
    _refuse_other_measure(project, ("planting", "plots"))
    if not period_start < period_end <= today(session):
        raise Invalid("监测期的终止日须晚于起始日，且不在将来。", code="period")
    row = _opened(session, actor, project, period_start, period_end)
    # No layer dates the period: the visits do, by as much as the method lets a season differ.
    _freeze_sample(session, row, moso_mgmt_v1.SEASON_TOLERANCE_DAYS)
    _freeze_facts(session, actor, row, project.method_id, facts)
    policy, _ = round_policies.calculating(session, project.method_id)
    # A round that could never be measured would bar its period for good.
    runs.measure(session, rounds.frozen_by_plots(session, row, policy), plot_runs.MapError())
    audit.record(
        session, actor, "round.open", f"round:{row.id}",
        {"project": project_id, "plots": len(rounds.sample(session, row.id))},
    )  # fmt: skip
    return row


def _freeze_facts(
    session: Session, actor: Actor, row: MonitoringRound, method_id: str, facts: Mapping[str, Any]
) -> None:
    stated = stated_facts.freeze(
        session, actor, row.id, row.project_id, method_id=method_id, period=(row.period_start, row.period_end),
        land={
            member.parcel_id: parcels.boundary_of(version)
            for member, version in rounds.frozen_parcels(session, row)
        },
        values=facts,
    )  # fmt: skip
    rounds.note(session, actor, row, "facts", {"period": stated.period, "land": stated.land})


def by_records(
    session: Session, actor: Actor, project_id: int, *, period_start: date, period_end: date
) -> MonitoringRound:
    """Open a round over whole years and freeze parcels and the activity records that count.

    Records written or corrected afterwards do not change the round.

    Raises
    ------
    Conflict
        As `by_layers`; or records lack or differ within a stratum (`RecordsRefused`), or more of a
        batch of char is written down than was delivered.
    MethodError
        The method does not hold for what is recorded.
    Invalid
        The period is not whole years, has not ended, or begins before the project's practice.
    """
    project = projects.owned(session, actor, project_id)
    _refuse_other_measure(project, ("records",))
    if period_end > today(session):
        raise Invalid("监测期尚未结束，记录还不完整。", code="period")
    if period_end <= period_start:
        raise Invalid("监测期的终止日须晚于起始日。", code="period")
    row = _opened(session, actor, project, period_start, period_end)
    counted = round_records.freeze(
        session, row.id, [one.parcel_id for one in rounds.round_parcels(session, row.id)],
        kinds=from_records.ASSEMBLIES[project.method_id].kinds, before_year=period_end.year,
    )  # fmt: skip
    char_batches.refuse_overdrawn(session, row.id)
    policy, _ = round_policies.calculating(session, project.method_id)
    # A round that could never be measured would bar its period for good.
    runs.measure(session, rounds.frozen_by_records(session, row, policy), plot_runs.MapError())
    audit.record(
        session, actor, "round.open", f"round:{row.id}",
        {"project": project_id, "records": counted},
    )  # fmt: skip
    return row


def _opened(
    session: Session,
    actor: Actor,
    project: projects.Project,
    start: date,
    end: date,
    layer_ids: tuple[int, int] | None = None,
) -> MonitoringRound:
    """A new round with its parcels frozen."""
    _refuse_period(session, project, start, end)
    row = MonitoringRound(
        project_id=project.id,
        period_start=start,
        period_end=end,
        layer_start_id=layer_ids[0] if layer_ids else None,
        layer_end_id=layer_ids[1] if layer_ids else None,
        opened_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    _freeze_parcels(session, actor, row, project.owner_id)
    return row


def _refuse_other_measure(project: projects.Project, wanted: Sequence[str]) -> None:
    if catalogue.method(project.method_id).by_round not in wanted:
        raise Invalid(
            f"方法 {project.method_id} 不是这样核算的：有的按两期图层和样地，有的只按样地，有的按活动记录，"
            "按样地的还须填报本期事实。",
            code="method",
        )


def _refuse_period(session: Session, project: projects.Project, start: date, end: date) -> None:
    for other in rounds.of_project(session, project.id):
        if other.period_start < end and start < other.period_end:
            raise Conflict(
                f"与已有监测期 {other.period_start} 至 {other.period_end} 重叠。", code="period"
            )
    if project.status == projects.Status.REJECTED:
        raise Conflict("项目已被否决。", code="project_rejected")


def _freeze_parcels(session: Session, actor: Actor, row: MonitoringRound, owner_id: int) -> None:
    found = [
        (member, parcels.locked(session, member.parcel_id))
        for member in projects.members(session, row.project_id)
    ]
    # Land that is suspended, withdrawn or in doubt earns nothing; it is not in the round at all.
    standing = [
        (member, parcel) for member, parcel in found
        if parcel.status in (parcels.Status.ENROLLED, parcels.Status.UNDER_CONTRACT)
        and not marks.doubts(session, parcel.id)
    ]  # fmt: skip
    projects.refuse_unheld(
        session, owner_id, [parcel.id for _, parcel in standing], row.period_start, row.period_end
    )
    for member, parcel in standing:
        eligibility.refuse(session, parcel.id, eligibility.Step.CREDIT)
        claim = claims.cover(session, actor, parcel.id, row.period_start)
        session.add(
            RoundParcel(
                round_id=row.id,
                parcel_id=parcel.id,
                version_id=claim.version_id,
                stratum=member.stratum,
                creditable_area_m2=claim.creditable_area_m2,
            )
        )
    session.flush()
    if not session.scalar(select(RoundParcel.parcel_id).where(RoundParcel.round_id == row.id)):
        raise Conflict("项目中没有可以计入的地块。", code="no_parcels")


def _freeze_sample(session: Session, row: MonitoringRound, days_most: int = 366) -> None:
    days_max, _ = policies.value_or_suggestion(session, "plot_days_max")
    for item in plots.sample(
        session, row.project_id, row.period_start, row.period_end,
        days_max=min(int(days_max), days_most),
    ):  # fmt: skip
        session.add(
            RoundPlot(
                round_id=row.id,
                plot_id=item.plot.id,
                visit_start_id=item.start.id,
                visit_end_id=item.end.id,
            )
        )
    session.flush()

"""A project as its card shows it, read in one transaction as plain values."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from methodologies import catalogue
from pages import _land, _statements, _words
from pages._statements import Stated
from pages._words import t
from sinks.core import audit, db, people
from sinks.core.actor import Actor, Role
from sinks.crediting import exits, projects, rounds, second_measurements, verification
from sinks.crediting.exits import Exit
from sinks.crediting.projects import BASIS_ZH, RECORDS
from sinks.land import parcel_list
from sinks.land.parcel_list import ParcelRow
from sinks.measurement import plot_table, runs
from sinks.measurement.plot_table import PlotLine

BASELINES_EN = {
    "steady_state": "stand in a steady state (no change)",
    "trend": "trend of plots or maps over six years or more before the project",
    "control_plots": "permanent control plots outside the project",
    RECORDS: "activity records of the years before the project",
}
ROUND_STEPS = (
    ("round.open", "开启", "Opened"),
    ("run.store", "核算", "Measured"),
    ("round.publish", "公示", "Published"),
    ("round.begin_verification", "受理核证", "Taken up"),
    ("round.verify", "核证", "Verified"),
    ("round.record", "碳汇量备案", "Recorded"),
    ("round.issue", "登记签发", "Issued"),
)


@dataclass(frozen=True, slots=True)
class RunLine:
    """One measurement of a round."""

    id: int
    at: str
    by: str
    net_t: float
    issuable_kg: int
    in_force: bool
    refusals: int


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A verifier's finding and its answer."""

    id: int
    field: str
    text: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A monitoring round as its card shows it."""

    id: int
    status: str
    period_start: date
    period_end: date
    notice_ends_on: date | None
    filing_no: str | None
    statement: str | None
    opened_at: datetime
    steps: list[tuple[str, str | None]]
    run_id: int | None
    runs: list[RunLine]
    findings: list[FindingLine]

    @property
    def title(self) -> str:
        return t(
            f"监测期 {self.period_start} 至 {self.period_end}",
            f"Round {self.period_start} to {self.period_end}",
        )


@dataclass(frozen=True, slots=True)
class Card:
    """A project with all that its card shows.

    stated : of a planting project, what it states of itself
    left : parcels that have left it; may_leave : id and code of those that may, for the owner
    """

    id: int
    code: str
    name: str
    owner: str
    mine: bool
    sink_type: str
    district_code: str
    method_id: str
    status: str
    demonstration: bool
    baseline: str
    practice_from_year: int | None
    stated: Stated | None
    filing_no: str | None
    notice_ends_on: date | None
    statement: str | None
    strata: dict[int, str]
    parcels: list[ParcelRow]
    left: list[Exit]
    may_leave: list[tuple[int, str]]
    plots: list[PlotLine]
    rounds: list[RoundLine]

    @property
    def area_m2(self) -> float:
        return sum(row.area_m2 for row in self.parcels)

    @property
    def by_records(self) -> bool:
        return catalogue.method(self.method_id).by_round == "records"


def load_card(me: Actor, project_id: int) -> Card | None:
    """The project, or None if there is none."""
    with db.transaction(me) as session:
        found = [pair for pair in projects.listing(session) if pair[0].id == project_id]
        if not found:
            return None
        project, owner = found[0]
        members = projects.members(session, project.id)
        return Card(
            id=project.id,
            code=project.code,
            name=project.name,
            owner=owner.name,
            mine=owner.id == me.party_id and bool(me.roles & {Role.COOPERATIVE, Role.DEVELOPER}),
            sink_type=project.sink_type,
            district_code=project.district_code,
            method_id=project.method_id,
            status=project.status,
            demonstration=project.demonstration,
            baseline=_baseline_words(project),
            practice_from_year=project.practice_from_year,
            stated=_statements.of_project(session, project),
            filing_no=project.filing_no,
            notice_ends_on=project.notice_ends_on,
            statement=project.validation_statement,
            strata={member.parcel_id: member.stratum for member in members},
            parcels=parcel_list.rows(session, ids=[member.parcel_id for member in members]),
            left=exits.of_project(session, project.id),
            may_leave=exits.may_leave(session, project.owner_id, project.id),
            plots=plot_table.listing(
                session, project.id, blind=second_measurements.blind(session, me, project.id)
            ),
            rounds=[_round(session, row) for row in rounds.of_project(session, project.id)],
        )


def _baseline_words(project: projects.Project) -> str:
    basis = t(BASIS_ZH[project.baseline_basis], BASELINES_EN[project.baseline_basis])
    if project.practice_from_year is not None:
        since = project.practice_from_year
        return basis + t(f"；措施自 {since} 年起", f"; new practice since {since}")
    if project.baseline_basis == "steady_state":
        return basis
    return (
        f"{basis} · {project.baseline_co2_t_ha_year:g} tCO₂/ha·{t('年', 'yr')} "
        f"± {_words.share(project.baseline_u90)}"
    )


def _round(session: Any, row: rounds.MonitoringRound) -> RoundLine:
    when: dict[str, str] = {}
    for event in audit.history(session, f"round:{row.id}"):
        when[event.action] = _land.day(event.at)
    return RoundLine(
        id=row.id,
        status=row.status,
        period_start=row.period_start,
        period_end=row.period_end,
        notice_ends_on=row.notice_ends_on,
        filing_no=row.filing_no,
        statement=row.verification_statement,
        opened_at=row.recorded_at,
        steps=[(t(zh, en), when.get(action)) for action, zh, en in ROUND_STEPS],
        run_id=row.run_id,
        runs=[
            RunLine(
                run.id, _land.moment(run.recorded_at), people.name_of(session, run.person_id),
                run.result["net_co2_t"], run.result["issuable_kg"], run.policies_in_force,
                len(run.result["refusals"]),
            )
            for run in runs.of_round(session, row.id)
        ],
        findings=[
            FindingLine(item.id, item.field, item.text, item.answer)
            for item in verification.findings(session, row.id)
        ],
    )  # fmt: skip

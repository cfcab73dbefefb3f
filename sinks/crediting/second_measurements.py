"""Second measurements: a part of the visited plots, drawn again, measured by the verifier blind.

The draw freezes for each plot the visit it will be held against, so that no later correction makes
a difference vanish. Until every drawn plot has its second measurement, `blind` says that this
person is not to be shown what the first crew found; whoever shows plots asks it. A second
measurement is saved once: after it the first is on the screen, and a change would not be blind.
"""

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import sample_points
from methodologies import plot_readings
from methodologies.plot_readings import Reading
from sinks.core import audit, people, policies
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, refused_in_words, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.crediting import projects, rounds, sample_designs
from sinks.measurement import plot_comparison, plots
from sinks.measurement.plot_kinds import CULMS, KINDS
from sinks.measurement.plots import CulmCount, Plot, PlotVisit

CODES_SHOWN_MAX = 12
DECIDED = frozenset({rounds.Status.VERIFIED, rounds.Status.RECORDED, rounds.Status.ISSUED})


class SecondDraw(Base):
    """One draw of plots to be measured again."""

    __tablename__ = "second_draw"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    number: Mapped[int]
    draw_json: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str]
    seed: Mapped[str]
    drawn_on: Mapped[date]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class SecondPlot(Base):
    """A plot of a draw, with the visit its second measurement is held against."""

    __tablename__ = "second_plot"

    draw_id: Mapped[int] = mapped_column(ForeignKey("second_draw.id"), primary_key=True)
    plot_id: Mapped[int] = mapped_column(ForeignKey("plot.id"), primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("plot_visit.id"))


class SecondMeasurement(Base):
    """What the verifier found. Saved once, never changed."""

    __tablename__ = "second_measurement"
    __table_args__ = (
        ForeignKeyConstraint(
            ["draw_id", "plot_id"], ["second_plot.draw_id", "second_plot.plot_id"]
        ),
        CheckConstraint("reading is null or culms = '[]'::jsonb", name="culms_or_reading"),
    )

    draw_id: Mapped[int] = mapped_column(primary_key=True)
    plot_id: Mapped[int] = mapped_column(primary_key=True)
    measured_on: Mapped[date]
    # Each {"dbh_cm": "10.2", "age_du": 2, "age_years": null, "count": 14}.
    culms: Mapped[list[Any]]
    # {"kind", "values"} where no culms are counted (`methodologies.plot_readings`).
    reading: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


@dataclass(frozen=True, slots=True)
class SecondLine:
    """A drawn plot: where it stands, how it is measured, and, once measured, both numbers.

    kind : of the first measuring, and so of the second (`plot_kinds.KINDS`)
    first, second : above-ground biomass [t/ha], or volume [m³/ha]: ``unit`` says which
    difference_share : second less first, over the first (over the second where the first found
        nothing); None until it is measured
    """

    draw_id: int
    draw_number: int
    drawn_on: date
    plot_id: int
    code: str
    stratum: str
    longitude: float
    latitude: float
    area_m2: float
    slope_deg: float
    kind: str
    unit: str
    measured_on: date | None
    measured_by: str | None
    first_on: date | None
    first: float | None
    second: float | None
    difference_share: float | None


def draw(session: Session, actor: Actor, project_id: int) -> SecondDraw:
    """Draw plots for the blind second measurement: the policy's share of those visited, one at
    least.

    Raises
    ------
    Conflict
        No plot has been visited, a draw waits for its measurements, or nothing was visited since
        the last one.
    NotPermitted
        The verifier's organisation is the owner's or connected with it.
    """
    _refuse_dependent(session, actor, projects.locked(session, project_id))
    earlier = _draws(session, project_id)
    visits = _last_visits(session, project_id)
    if not visits:
        raise Conflict("本项目还没有调查过的样地，无从复测。", code="no_visits")
    if earlier:
        _refuse_second_draw(session, project_id, earlier[-1])
    share, in_force = policies.value_or_suggestion(session, "remeasure_share")
    # The 1e-9 are the noise of the multiplication, not a plot.
    count = max(1, math.ceil(float(share) * len(visits) - 1e-9))
    text = json.dumps(
        {
            "recipe": sample_designs.RECIPE, "project_id": project_id, "number": len(earlier) + 1,
            "share": share, "share_in_force": in_force, "count": count,
            "visits": {code: visit.id for code, visit in sorted(visits.items())},
        },
        ensure_ascii=False, sort_keys=True, separators=(",", ":"),
    )  # fmt: skip
    nonce = secrets.token_hex(32)
    row = SecondDraw(
        project_id=project_id,
        number=len(earlier) + 1,
        draw_json=text,
        nonce=nonce,
        seed=sample_designs.seed_of(text, nonce),
        drawn_on=today(session),
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    session.add_all(
        SecondPlot(draw_id=row.id, plot_id=visits[code].plot_id, visit_id=visits[code].id)
        for code in sample_points.chosen(sorted(visits), count, seed=row.seed, stream="second")
    )
    session.flush()
    audit.record(
        session, actor, "second.draw", f"project:{project_id}",
        {"draw": row.id, "count": count, "of": len(visits), "seed": row.seed},
    )  # fmt: skip
    return row


def _refuse_dependent(session: Session, actor: Actor, project: projects.Project) -> None:
    actor.require(Role.VERIFIER)
    projects.refuse_connected(session, actor, project)
    if session.scalar(
        select(PlotVisit.id)
        .join(Plot, Plot.id == PlotVisit.plot_id)
        .where(Plot.project_id == project.id, PlotVisit.person_id == actor.person_id)
        .limit(1)
    ):
        raise NotPermitted("登记过本项目样地的人不能办理盲测复测。", code="not_independent")


def _refuse_second_draw(session: Session, project_id: int, last: SecondDraw) -> None:
    if open_plots := _open_codes(session, last):
        raise Conflict(
            f"第 {last.number} 次复测还有 {len(open_plots)} 个样地没有录入，全部录入后才能再抽；"
            "抽样结果不能挑选。",
            code="draw_stands",
        )
    if not unseen(session, project_id):
        raise Conflict("上次复测之后没有新的样地调查，无需再抽。", code="no_new_visits")


def measure(
    session: Session,
    actor: Actor,
    project_id: int,
    code: str,
    *,
    measured_on: date,
    culms: Sequence[CulmCount] = (),
    bare: bool = False,
    reading: Reading | None = None,
) -> SecondLine:
    """Save the second measurement of a drawn plot, and give it beside the first.

    bare : no living culm of 2 cm or more was found
    reading : what was read, where the first crew counted no culms

    Raises
    ------
    NotFound
        The plot is not drawn in a draw that stands.
    Conflict
        It has been measured already.
    Invalid
        It is not measured as the first time.
    """
    project = projects.locked(session, project_id)
    _refuse_dependent(session, actor, project)
    line = line_of(session, project_id, code)
    if measured_on > today(session):
        raise Invalid("调查日期不能在将来。", code="future")
    _refuse_other_kind(line, culms, bare=bare, reading=reading)
    again = Conflict(
        f"样地 {code} 的复测已经录入，不能再改：录入后已能看到初测。", code="measured_already"
    )
    if line.measured_on is not None:
        raise again
    with refused_in_words(session, {"second_measurement_pkey": again}):
        session.add(
            SecondMeasurement(
                draw_id=line.draw_id,
                plot_id=line.plot_id,
                measured_on=measured_on,
                culms=[{**asdict(culm), "dbh_cm": str(culm.dbh_cm)} for culm in culms],
                reading=None if reading is None
                else {"kind": reading.KIND, "values": reading.model_dump(mode="json")},
                person_id=actor.person_id,
            )
        )  # fmt: skip
    audit.record(
        session, actor, "second.measure", f"plot:{line.plot_id}",
        {"draw": line.draw_id, "kind": line.kind, "groups": len(culms)},
    )  # fmt: skip
    return line_of(session, project_id, line.code)


def line_of(session: Session, project_id: int, code: str) -> SecondLine:
    """A plot of the newest draw; NotFound if it is not among them."""
    for line in listing(session, project_id):
        if line.code == code.strip():
            return line
    raise NotFound(f"样地 {code} 不在复测样地中。", code="not_drawn")


def _refuse_other_kind(
    line: SecondLine, culms: Sequence[CulmCount], *, bare: bool, reading: Reading | None
) -> None:
    kind = CULMS if reading is None else reading.KIND
    if kind != line.kind or (reading is not None and (culms or bare)):
        first = KINDS[line.kind].zh
        raise Invalid(f"样地 {line.code} 初测是{first}，复测也须只填{first}。", code="second_kind")
    if reading is None:
        plots.refuse_culms(culms, bare=bare)


def listing(session: Session, project_id: int) -> list[SecondLine]:
    """The plots of the newest draw, by code; the first measurement only beside a second one."""
    found = _draws(session, project_id)
    return _lines(session, found[-1]) if found else []


def all_measured(session: Session, project_id: int) -> list[SecondLine]:
    """Every plot measured a second time, of every draw."""
    return [
        line
        for row in _draws(session, project_id)
        for line in _lines(session, row)
        if line.measured_on is not None
    ]


def blind(session: Session, actor: Actor, project_id: int) -> bool:
    """Whether this person is not to see what the plots' first crew found.

    So it is for verifiers of another organisation from a visit on, until every plot of a draw from
    it is measured a second time, or a round with it is verified.
    """
    if Role.VERIFIER not in actor.roles:
        return False
    project = session.get(projects.Project, project_id)
    if project is None or project.owner_id == actor.party_id:
        return False
    return bool(unseen(session, project_id))


def refuse_blind(session: Session, actor: Actor, project_id: int) -> None:
    """Refuse to give out plot by plot what this person has to measure without knowing."""
    if blind(session, actor, project_id):
        raise Conflict(
            "盲测复测尚未完成，您还不能看到样地的初测数据：请先抽取复测样地并录入复测。",
            code="blind",
        )


def refuse_missing(session: Session, round_id: int, project_id: int) -> None:
    """Refuse while plots of the round wait for the second measurement that the design asks for.

    A plot is through when a draw from its end visit, or from a later one, is measured whole. Only a
    project whose sample the registry has drawn is asked.

    Raises
    ------
    Conflict
        Names the drawn plots that are not measured yet, or the visited ones nobody has drawn from.
    """
    if not sample_designs.of_project(session, project_id):
        return
    query = (
        select(Plot.id, Plot.code, PlotVisit.measured_on)
        .join(rounds.RoundPlot, rounds.RoundPlot.plot_id == Plot.id)
        .join(PlotVisit, PlotVisit.id == rounds.RoundPlot.visit_end_id)
        .where(rounds.RoundPlot.round_id == round_id)
        .order_by(Plot.code)
    )
    draws = _draws(session, project_id)
    through = _through(session, [row for row in draws if not _open_codes(session, row)])
    waiting = [
        code for plot_id, code, day in session.execute(query)
        if through.get(plot_id, date.min) < day
    ]  # fmt: skip
    if not waiting:
        return
    open_codes = _open_codes(session, draws[-1]) if draws else []
    raise Conflict(
        f"盲测复测还没有完成：抽中的样地 {'、'.join(open_codes)} 还没有录入复测，录入后才能核证。"
        if open_codes
        else f"{len(waiting)} 个样地（{_named(waiting)}）的调查还没有抽取盲测复测样地；"
        "请先抽取并录入复测，再核证。",
        code="second_missing",
    )


def _through(session: Session, draws: Sequence[SecondDraw]) -> dict[int, date]:
    """Plot id -> the date of the newest of its visits that one of these draws was made from."""
    ids = {visit_id for row in draws for visit_id in json.loads(row.draw_json)["visits"].values()}
    found: dict[int, date] = {}
    for visit in session.scalars(select(PlotVisit).where(PlotVisit.id.in_(ids))):
        found[visit.plot_id] = max(visit.measured_on, found.get(visit.plot_id, date.min))
    return found


def _named(codes: Sequence[str]) -> str:
    shown = "、".join(codes[:CODES_SHOWN_MAX])
    return shown if len(codes) <= CODES_SHOWN_MAX else f"{shown} 等"


def redrawn(session: Session, draw_id: int) -> bool:
    """Whether the same plots come out again from what is stored. Changes nothing."""
    row = session.get(SecondDraw, draw_id)
    if row is None:
        raise NotFound("没有这次复测抽样。", code="draw")
    given = json.loads(row.draw_json)
    again = sample_points.chosen(
        sorted(given["visits"]), given["count"], seed=row.seed, stream="second"
    )
    stored = set(session.scalars(select(SecondPlot.visit_id).where(SecondPlot.draw_id == row.id)))
    return (
        row.seed == sample_designs.seed_of(row.draw_json, row.nonce)
        and {given["visits"][code] for code in again} == stored
    )


def _draws(session: Session, project_id: int) -> list[SecondDraw]:
    query = select(SecondDraw).where(SecondDraw.project_id == project_id)
    return list(session.scalars(query.order_by(SecondDraw.number)))


def unseen(session: Session, project_id: int) -> list[str]:
    """Codes of plots whose newest visit no finished draw and no verified round has been through.

    A correcting visit of the same date counts as the one it corrects.
    """
    known = set()
    for row in _draws(session, project_id):
        if not _open_codes(session, row):
            known |= set(json.loads(row.draw_json)["visits"].values())
    decided = [row.id for row in rounds.of_project(session, project_id) if row.status in DECIDED]
    for pair in session.execute(
        select(rounds.RoundPlot.visit_start_id, rounds.RoundPlot.visit_end_id).where(
            rounds.RoundPlot.round_id.in_(decided)
        )
    ):
        known |= set(pair)
    through = {
        (visit.plot_id, visit.measured_on)
        for visit in session.scalars(select(PlotVisit).where(PlotVisit.id.in_(known)))
    }
    return [
        code
        for code, visit in _last_visits(session, project_id).items()
        if (visit.plot_id, visit.measured_on) not in through
    ]


def _last_visits(session: Session, project_id: int) -> dict[str, PlotVisit]:
    """Plot code -> its newest visit; of two on one day, the later entry."""
    query = (
        select(Plot.code, PlotVisit)
        .join(PlotVisit, PlotVisit.plot_id == Plot.id)
        .where(Plot.project_id == project_id)
        .order_by(PlotVisit.measured_on, PlotVisit.id)
    )
    return {code: visit for code, visit in session.execute(query)}


def _open_codes(session: Session, row: SecondDraw) -> list[str]:
    return [line.code for line in _lines(session, row) if line.measured_on is None]


def _lines(session: Session, row: SecondDraw) -> list[SecondLine]:
    query = (
        select(
            SecondPlot.visit_id, Plot, func.ST_X(Plot.position), func.ST_Y(Plot.position),
            SecondMeasurement,
        )
        .join(Plot, Plot.id == SecondPlot.plot_id)
        .outerjoin(
            SecondMeasurement,
            (SecondMeasurement.draw_id == SecondPlot.draw_id)
            & (SecondMeasurement.plot_id == SecondPlot.plot_id),
        )
        .where(SecondPlot.draw_id == row.id)
        .order_by(Plot.code)
    )  # fmt: skip
    return [
        _line(session, row, visit_id, plot, (x, y), second)
        for visit_id, plot, x, y, second in session.execute(query)
    ]


def _line(
    session: Session,
    row: SecondDraw,
    visit_id: int,
    plot: Plot,
    place: sample_points.Place,
    second: SecondMeasurement | None,
) -> SecondLine:
    read = plots.reading_of(session, visit_id)
    kind = CULMS if read is None else read.KIND
    first_on = first = again = None
    if second is not None:
        first_on = session.get_one(PlotVisit, visit_id).measured_on
        first = _number(plots.counts_of(session, visit_id) if read is None else read, plot)
        again = _number(_found(second), plot)
    return SecondLine(
        draw_id=row.id,
        draw_number=row.number,
        drawn_on=row.drawn_on,
        plot_id=plot.id,
        code=plot.code,
        stratum=plot.stratum,
        longitude=place[0],
        latitude=place[1],
        area_m2=plot.area_m2,
        slope_deg=plot.slope_deg,
        kind=kind,
        unit=KINDS[kind].unit,
        measured_on=None if second is None else second.measured_on,
        measured_by=None if second is None else people.name_of(session, second.person_id),
        first_on=first_on,
        first=first,
        second=again,
        difference_share=None
        if first is None or again is None
        else plot_comparison.difference_share(first, again),
    )


def _number(found: Sequence[CulmCount] | Reading, plot: Plot) -> float:
    return plot_comparison.number(found, plot.area_m2, plot.slope_deg)


def _found(second: SecondMeasurement) -> Sequence[CulmCount] | Reading:
    if second.reading is not None:
        return plot_readings.reading(second.reading["kind"], second.reading["values"])
    return [
        CulmCount(Decimal(one["dbh_cm"]), one["count"], one["age_du"], one["age_years"])
        for one in second.culms
    ]

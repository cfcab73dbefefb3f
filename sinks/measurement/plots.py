"""Plots: sample plots of a project with their visits, and what each visit found.

A visit is one measuring of a plot at one date: culms, of which it may find none, or where no bamboo
grows one reading. Carbon is computed by the method; nobody types it. Visits are never changed: a
wrong one is followed by a correcting visit of the same date.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import shapely
from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely import Point, Polygon
from sqlalchemy import CheckConstraint, ForeignKey, Numeric, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import geometry
from methodologies import plot_readings
from methodologies.plot_readings import Reading
from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, refused_in_words, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.measurement import plot_kinds

AREA_M2_MIN, AREA_M2_MAX = 25, 10_000
# Years of many and of few shoots are bamboo's alone.
NO_PHASE = "unknown"


class Plot(Base):
    """A sample plot. The horizontal area follows from the slope (slope > 10 %)."""

    __tablename__ = "plot"
    __table_args__ = (
        UniqueConstraint("project_id", "code"),
        CheckConstraint("area_m2 between 25 and 10000", name="area"),
        CheckConstraint("slope_deg >= 0 and slope_deg < 60", name="slope"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    stratum: Mapped[str]
    code: Mapped[str]
    position: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4490), nullable=False)
    area_m2: Mapped[float]
    slope_deg: Mapped[float]
    recorded_at: Mapped[RecordedAt]


class PlotVisit(Base):
    """One measuring of a plot."""

    __tablename__ = "plot_visit"

    id: Mapped[Key]
    plot_id: Mapped[int] = mapped_column(ForeignKey("plot.id"), index=True)
    measured_on: Mapped[date]
    phase: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class Culm(Base):
    """Living culms of one DBH and age in a visit. Age is in du (度) or in years, never both."""

    __tablename__ = "culm"
    __table_args__ = (
        CheckConstraint("dbh_cm >= 2.0 and dbh_cm < 30", name="dbh"),
        CheckConstraint("(age_du is null) <> (age_years is null)", name="one_age"),
        CheckConstraint("count > 0", name="count"),
    )

    id: Mapped[Key]
    visit_id: Mapped[int] = mapped_column(ForeignKey("plot_visit.id"), index=True)
    dbh_cm: Mapped[Decimal] = mapped_column(Numeric(4, 1))
    age_du: Mapped[int | None]
    age_years: Mapped[int | None]
    count: Mapped[int]


class PlotReading(Base):
    """What was found on a plot where no culms are counted (`methodologies.plot_readings`)."""

    __tablename__ = "plot_reading"
    __table_args__ = (CheckConstraint("kind in ('trees', 'volume', 'tea_shoots')", name="kind"),)

    visit_id: Mapped[int] = mapped_column(ForeignKey("plot_visit.id"), primary_key=True)
    kind: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)


@dataclass(frozen=True, slots=True)
class CulmCount:
    """``count`` living culms of one DBH [cm] and one age, in du or in years."""

    dbh_cm: Decimal
    count: int
    age_du: int | None = None
    age_years: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A plot with its two visits, as a round freezes it."""

    plot: Plot
    start: PlotVisit
    end: PlotVisit


def add_plot(
    session: Session,
    actor: Actor,
    *,
    project_id: int,
    stratum: str,
    code: str,
    longitude: float,
    latitude: float,
    area_m2: float,
    slope_deg: float = 0.0,
) -> Plot:
    """Put a sample plot in place."""
    actor.require(Role.DEVELOPER, Role.COOPERATIVE, Role.OFFICER)
    if not (AREA_M2_MIN <= area_m2 <= AREA_M2_MAX and 0 <= slope_deg < 60):
        raise Invalid("样地面积应为 25–10000 平方米，坡度 0–60 度。", code="plot")
    refuse_anothers(session, actor, project_id)
    row = Plot(
        project_id=project_id,
        stratum=stratum,
        code=code,
        position=from_shape(Point(longitude, latitude), srid=4490),
        area_m2=area_m2,
        slope_deg=slope_deg,
    )
    used = Conflict(f"本项目已有样地 {code}。", code="plot_code")
    with refused_in_words(session, {"plot_project_id_code_key": used}):
        session.add(row)
    audit.record(session, actor, "plot.add", f"plot:{row.id}", {"project": project_id})
    return row


def refuse_anothers(session: Session, actor: Actor, project_id: int) -> None:
    """Refuse work on the sample of another party's project; officers work on every one."""
    owner_id = session.scalar(
        text("SELECT owner_id FROM project WHERE id = :id"), {"id": project_id}
    )
    if owner_id is None:
        raise NotFound("没有这个项目。", code="project")
    if owner_id != actor.party_id and Role.OFFICER not in actor.roles:
        raise NotPermitted("只有项目业主可以登记本项目的样地。", code="not_owner")


def method_of(session: Session, project_id: int) -> str:
    """The method of a project."""
    method_id: str | None = session.scalar(
        text("SELECT method_id FROM project WHERE id = :id"), {"id": project_id}
    )
    if method_id is None:
        raise NotFound("没有这个项目。", code="project")
    return method_id


def add_visit(
    session: Session,
    actor: Actor,
    plot_id: int,
    *,
    measured_on: date,
    phase: str,
    culms: list[CulmCount],
    bare: bool = False,
) -> PlotVisit:
    """Write down one measuring of a plot, culm by culm.

    bare : no living culm of 2 cm or more was found, as before bamboo is planted

    Raises
    ------
    Invalid
        No culms and not said to be bare, or both; a DBH below 2 cm (no bamboo forest by
        definition); both ages or none.
    Conflict
        The project's method counts no culms.
    """
    refuse_culms(culms, bare=bare)
    visit = _visited(session, actor, plot_id, measured_on, phase, plot_kinds.CULMS)
    session.add_all(
        Culm(
            visit_id=visit.id,
            dbh_cm=culm.dbh_cm,
            age_du=culm.age_du,
            age_years=culm.age_years,
            count=culm.count,
        )
        for culm in culms
    )
    session.flush()
    audit.record(
        session, actor, "plot.visit", f"plot:{plot_id}", {"visit": visit.id, "rows": len(culms)}
    )
    return visit


def add_reading(
    session: Session, actor: Actor, plot_id: int, *, measured_on: date, reading: Reading
) -> PlotVisit:
    """Write down one measuring of a plot where no culms are counted.

    Raises
    ------
    Conflict
        The project's method does not measure by such a reading.
    """
    visit = _visited(session, actor, plot_id, measured_on, NO_PHASE, reading.KIND)
    session.add(
        PlotReading(visit_id=visit.id, kind=reading.KIND, values=reading.model_dump(mode="json"))
    )
    session.flush()
    audit.record(
        session, actor, "plot.visit", f"plot:{plot_id}", {"visit": visit.id, "kind": reading.KIND}
    )
    return visit


def _visited(
    session: Session, actor: Actor, plot_id: int, measured_on: date, phase: str, kind: str
) -> PlotVisit:
    actor.require(Role.DEVELOPER, Role.COOPERATIVE, Role.OFFICER)
    plot = session.get(Plot, plot_id)
    if plot is None:
        raise NotFound("没有这个样地。", code="plot")
    refuse_anothers(session, actor, plot.project_id)
    plot_kinds.refuse(method_of(session, plot.project_id), kind)
    if measured_on > today(session):
        raise Invalid("调查日期不能在将来。", code="future")
    visit = PlotVisit(
        plot_id=plot_id, measured_on=measured_on, phase=phase, person_id=actor.person_id
    )
    session.add(visit)
    session.flush()
    return visit


def refuse_culms(culms: Sequence[CulmCount], *, bare: bool = False) -> None:
    """Refuse culms that are no bamboo forest's, ages given twice or not at all, and no culms
    unless the plot is said to be bare."""
    if bare and culms:
        raise Invalid("注明没有竹子的样地又填了竹株，请核对。", code="no_culms")
    if not culms and not bare:
        raise Invalid("样地没有任何竹株记录。", code="no_culms")
    for culm in culms:
        if not Decimal(2) <= culm.dbh_cm < 30 or culm.count < 1:
            raise Invalid(f"胸径 {culm.dbh_cm} cm 不在 2–30 cm 内，或株数不对。", code="dbh")
        if (culm.age_du is None) == (culm.age_years is None):
            raise Invalid("年龄按“度”或按“年”填一种，不能都填或都不填。", code="one_age")


def sample(
    session: Session, project_id: int, start_on: date, end_on: date, *, days_max: int
) -> list[Sample]:
    """Plots of a project measured near both dates: the visit nearest to each, by plot code.

    A plot without a visit within ``days_max`` of either date says nothing about the change
    between them and is left out.
    """
    found = []
    query = select(Plot).where(Plot.project_id == project_id).order_by(Plot.code)
    for plot in session.scalars(query):
        visits = list(
            session.scalars(
                select(PlotVisit).where(PlotVisit.plot_id == plot.id).order_by(PlotVisit.id)
            )
        )
        if len({visit.measured_on for visit in visits}) < 2:
            continue
        found.append(Sample(plot, _nearest(visits, start_on), _nearest(visits, end_on)))
    return [
        item
        for item in found
        if item.start.id != item.end.id
        and abs((item.start.measured_on - start_on).days) <= days_max
        and abs((item.end.measured_on - end_on).days) <= days_max
    ]


def _nearest(visits: list[PlotVisit], day: date) -> PlotVisit:
    """The visit nearest to a date; of two on one day, the later entry (the correction)."""
    return min(visits, key=lambda visit: (abs((visit.measured_on - day).days), -visit.id))


def culms_of(session: Session, visit_id: int) -> list[Culm]:
    """The culms of a visit, in the order they were written down."""
    return list(session.scalars(select(Culm).where(Culm.visit_id == visit_id).order_by(Culm.id)))


def reading_of(session: Session, visit_id: int) -> Reading | None:
    """What was read at a visit; None where culms are counted."""
    row = session.get(PlotReading, visit_id)
    return None if row is None else plot_readings.reading(row.kind, row.values)


def visit_on(session: Session, plot_id: int, day: date) -> int:
    """The id of a plot's visit on a day; of two, the later entry."""
    found = session.scalar(
        select(PlotVisit.id)
        .where(PlotVisit.plot_id == plot_id, PlotVisit.measured_on == day)
        .order_by(PlotVisit.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(f"这个样地在 {day} 没有调查。", code="visit")
    return found


def counts_of(session: Session, visit_id: int) -> list[CulmCount]:
    """The culms of a visit as plain values."""
    return [
        CulmCount(culm.dbh_cm, culm.count, culm.age_du, culm.age_years)
        for culm in culms_of(session, visit_id)
    ]


def footprint(plot: Plot) -> Polygon:
    """The square of the plot's area around its position (EPSG:4490), where the map is read."""
    return square(to_shape(plot.position), plot.area_m2)


def square(place: Point, area_m2: float) -> Polygon:
    """The square of an area around a place (both EPSG:4490), sides along the axes of EPSG:4549."""
    metric = geometry.metric_crs(anywhere=False)
    [centre] = geometry.to_metric(np.array([place], dtype=object), metric)
    half_m = math.sqrt(area_m2) / 2
    drawn = shapely.box(centre.x - half_m, centre.y - half_m, centre.x + half_m, centre.y + half_m)
    return geometry.to_4490([drawn], metric)[0]


def of_project(session: Session, project_id: int) -> list[Plot]:
    """Plots of a project, by stratum and code."""
    query = select(Plot).where(Plot.project_id == project_id).order_by(Plot.stratum, Plot.code)
    return list(session.scalars(query))

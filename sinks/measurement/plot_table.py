"""Plot tables: sample plots, their visits and what was found, as an office keeps them, in CSV or XLSX.

The headings tell how the plots were measured (`plot_columns`). `parse` reads and checks and touches
nothing; `commit` stores a table that has no errors, all of it or none. Row numbers are those that a
spreadsheet shows: the heading is row 1.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from shapely import MultiPolygon, Point
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from methodologies import plot_readings
from methodologies.plot_readings import TREE_ROWS_MAX, StandVolume, TeaShoots, TreeGroup, Trees
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid
from sinks.measurement import plot_columns, plot_kinds, plots
from sinks.measurement.office_tables import (
    CellWrong,
    RowError,
    TableRefused,
    day_of,
    lines_of,
    text_of,
)
from sinks.measurement.plot_columns import TITLES, Found, number
from sinks.measurement.plot_kinds import CULMS, KINDS, Amount
from sinks.measurement.plots import Culm, CulmCount, Plot, PlotReading, PlotVisit

ERRORS_SHOWN_MAX = 200
PHASES: Mapping[str, str] = MappingProxyType(
    {
        "on": "on", "大年": "on", "off": "off", "小年": "off", "mixed": "mixed", "花年": "mixed",
        "unknown": "unknown", "未知": "unknown", "不详": "unknown",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``found`` is None where it says that the plot had none."""

    number: int
    plot: str
    stratum: str
    longitude: float
    latitude: float
    area_m2: float
    slope_deg: float
    measured_on: date
    phase: str
    found: Found | None

    @property
    def place(self) -> tuple[str, float, float, float, float]:
        """What has to be the same on every line of one plot."""
        return self.stratum, self.longitude, self.latitude, self.area_m2, self.slope_deg


@dataclass(frozen=True, slots=True)
class PlotTable:
    """A table as read; nothing of it may be stored while there are errors.

    kind : how its plots were measured, for all of them the same
    """

    kind: str
    rows: list[Row]
    errors: list[RowError]

    @property
    def plots(self) -> int:
        return len({row.plot for row in self.rows})

    @property
    def visits(self) -> int:
        return len({(row.plot, row.measured_on) for row in self.rows})

    @property
    def count(self) -> int:
        """Living culms; of another kind the lines."""
        if self.kind != CULMS:
            return len(self.rows)
        return sum(row.found.count for row in self.rows if isinstance(row.found, CulmCount))


@dataclass(frozen=True, slots=True)
class Committed:
    """How much was stored; ``count`` is the table's."""

    plots: int
    visits: int
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A plot with the dates of its visits, for lists and maps; ``square`` is GeoJSON.

    found : what each visit found, in the order of the dates; empty for the blind
    """

    id: int
    code: str
    stratum: str
    longitude: float
    latitude: float
    area_m2: float
    slope_deg: float
    visited_on: tuple[date, ...]
    found: tuple[Amount, ...]
    square: dict[str, Any]


def parse(name: str, content: bytes) -> PlotTable:
    """Read a table of plots from the bytes of a CSV (UTF-8 or GB 18030) or XLSX file.

    Raises
    ------
    TableRefused
        Not such a file, too large, a column is missing, the columns are of several kinds of
        measuring, or there is no line.
    """
    lines = lines_of(name, content)
    kind, columns = plot_columns.columns_of(next(lines, []))
    rows: list[Row] = []
    errors: list[RowError] = []
    for line, cells in enumerate(lines, start=2):
        if not any(text_of(cell) for cell in cells):
            continue
        named = {
            column: cells[place] if place < len(cells) else None
            for column, place in columns.items()
        }
        try:
            rows.append(_row(kind, line, named))
        except CellWrong as wrong:
            errors.append(RowError(line, str(wrong)))
    if not rows and not errors:
        raise TableRefused("表中没有数据行。", code="plot_table_empty")
    errors += _contradictions(kind, rows)
    return PlotTable(kind, rows, sorted(errors, key=lambda error: error.number))


def commit(
    session: Session,
    actor: Actor,
    project_id: int,
    table: PlotTable,
    *,
    land: Sequence[tuple[str, MultiPolygon]],
    correcting: bool = False,
) -> Committed:
    """Store the plots, their visits and what they found, of a table without errors: all or nothing.

    Parameters
    ----------
    land : stratum and outline (EPSG:4490) of each parcel of the project; whoever calls has
        checked that the project is the actor's own
    correcting : a visit on a date that the plot was visited already follows it as its correction

    Raises
    ------
    Invalid
        The table has errors.
    Conflict
        The project's method measures otherwise; a plot lies outside the project or in another
        stratum, contradicts the plot on file, or was visited on that date already; the plots of a
        stratum would be of two kinds, or a species of two densities.
    """
    if table.errors:
        raise Invalid(
            f"有 {len(table.errors)} 行需修正，改好后整表重新导入。", code="plot_table_errors"
        )
    plot_kinds.refuse(plots.method_of(session, project_id), table.kind)
    standing = {plot.code: plot for plot in plots.of_project(session, project_id)}
    by_plot: dict[str, list[Row]] = {}
    for row in table.rows:
        by_plot.setdefault(row.plot, []).append(row)
    added = visits = 0
    for code, rows in by_plot.items():
        refuse_place(rows[0], land)
        plot = standing.get(code)
        if plot is None:
            plot = _add(session, actor, project_id, rows[0])
            added += 1
        else:
            _refuse_other_place(session, plot, rows[0])
        visits += _visit(session, actor, plot, table.kind, rows, correcting=correcting)
    refuse_unlike(session, project_id)
    return Committed(added, visits, table.kind, table.count)


def refuse_place(row: Row, land: Sequence[tuple[str, MultiPolygon]]) -> None:
    """Refuse a plot that does not stand on a parcel of its stratum.

    A plot elsewhere (longitude and latitude exchanged, another village) would correct the map with
    what grows on other land.

    Raises
    ------
    Conflict
        Names the plot and the stratum in which it lies, if any.
    """
    point = Point(row.longitude, row.latitude)
    strata = {stratum for stratum, outline in land if outline.covers(point)}
    if not strata:
        raise Conflict(
            f"样地 {row.plot}（{row.longitude:.6f}, {row.latitude:.6f}）不在项目的任何地块内，"
            "请核对经纬度。",
            code="plot_outside",
        )
    if row.stratum not in strata:
        raise Conflict(
            f"样地 {row.plot} 位于层“{'、'.join(sorted(strata))}”的地块内，表中写的是“{row.stratum}”。",
            code="plot_stratum",
        )


def listing(session: Session, project_id: int, *, blind: bool = False) -> list[PlotLine]:
    """Plots of a project with their visits, by stratum and code.

    blind : for a reader who has still to measure some of them: nothing of what was found
    """
    counted = (
        select(
            Plot.code, PlotVisit.measured_on, func.coalesce(func.sum(Culm.count), 0), PlotReading
        )
        .join(PlotVisit, PlotVisit.plot_id == Plot.id)
        .outerjoin(Culm, Culm.visit_id == PlotVisit.id)
        .outerjoin(PlotReading, PlotReading.visit_id == PlotVisit.id)
        .where(Plot.project_id == project_id)
        .group_by(Plot.code, PlotVisit.id, PlotReading.visit_id)
        .order_by(PlotVisit.measured_on, PlotVisit.id)
    )  # fmt: skip
    visited: dict[str, dict[date, Amount]] = {}
    for code, measured_on, culms, read in session.execute(counted):
        # A later visit of the same date is its correction.
        visited.setdefault(code, {})[measured_on] = (
            Amount(CULMS, int(culms))
            if read is None
            else plot_kinds.amount(plot_readings.reading(read.kind, read.values))
        )
    places = _places(session, Plot.project_id == project_id)
    return [
        PlotLine(
            id=plot.id,
            code=plot.code,
            stratum=plot.stratum,
            longitude=places[plot.id][0],
            latitude=places[plot.id][1],
            area_m2=plot.area_m2,
            slope_deg=plot.slope_deg,
            visited_on=tuple(visited.get(plot.code, {})),
            found=() if blind else tuple(visited.get(plot.code, {}).values()),
            square=dict(plots.footprint(plot).__geo_interface__),
        )
        for plot in plots.of_project(session, project_id)
    ]


def _places(session: Session, which: ColumnElement[bool]) -> dict[int, tuple[float, float]]:
    """Plot id -> longitude and latitude."""
    query = select(Plot.id, func.ST_X(Plot.position), func.ST_Y(Plot.position)).where(which)
    return {plot_id: (x, y) for plot_id, x, y in session.execute(query)}


def _add(session: Session, actor: Actor, project_id: int, row: Row) -> Plot:
    return plots.add_plot(
        session,
        actor,
        project_id=project_id,
        stratum=row.stratum,
        code=row.plot,
        longitude=row.longitude,
        latitude=row.latitude,
        area_m2=row.area_m2,
        slope_deg=row.slope_deg,
    )


def _refuse_other_place(session: Session, plot: Plot, row: Row) -> None:
    longitude, latitude = _places(session, Plot.id == plot.id)[plot.id]
    numbers = {
        "经度": (longitude, row.longitude),
        "纬度": (latitude, row.latitude),
        "面积": (plot.area_m2, row.area_m2),
        "坡度": (plot.slope_deg, row.slope_deg),
    }
    differing = ["层"] if plot.stratum != row.stratum else []
    differing += [
        title for title, (mine, theirs) in numbers.items()
        if not math.isclose(mine, theirs, rel_tol=0.0, abs_tol=1e-7)
    ]  # fmt: skip
    if differing:
        raise Conflict(
            f"样地 {row.plot} 已登记，其{'、'.join(differing)}与表中不同；样地不能移动，请核对或改用新编号。",
            code="plot_moved",
        )


def _visit(
    session: Session, actor: Actor, plot: Plot, kind: str, rows: list[Row], *, correcting: bool
) -> int:
    held = set(session.scalars(select(PlotVisit.measured_on).where(PlotVisit.plot_id == plot.id)))
    dates = sorted({row.measured_on for row in rows})
    for measured_on in dates:
        if measured_on in held and not correcting:
            raise Conflict(
                f"样地 {plot.code} 已有 {measured_on} 的调查；如为更正，请勾选“作为更正”。",
                code="visit_held",
            )
        mine = [row for row in rows if row.measured_on == measured_on]
        culms, reading = plot_columns.measured(
            kind, [row.found for row in mine if row.found is not None]
        )
        if reading is None:
            plots.add_visit(
                session, actor, plot.id, measured_on=measured_on, phase=mine[0].phase,
                culms=culms, bare=not culms,
            )  # fmt: skip
        else:
            plots.add_reading(session, actor, plot.id, measured_on=measured_on, reading=reading)
    return len(dates)


def refuse_unlike(session: Session, project_id: int) -> None:
    """Refuse a sample whose visits, as they stand, cannot be held against each other.

    The plots of a stratum are of one kind, for their mean is one number. A species has one basic
    density, for two of them would let wood grow that is not there.

    Raises
    ------
    Conflict
        Names two plots that differ.
    """
    query = (
        select(Plot, PlotVisit.measured_on, PlotReading)
        .join(PlotVisit, PlotVisit.plot_id == Plot.id)
        .join(PlotReading, PlotReading.visit_id == PlotVisit.id)
        .where(Plot.project_id == project_id)
        .order_by(PlotVisit.id)
    )
    # A later visit of the same date is its correction.
    standing = {(plot.id, day): (plot, day, read) for plot, day, read in session.execute(query)}
    kinds: dict[str, tuple[str, str]] = {}
    densities: dict[str, tuple[float, str]] = {}
    for plot, day, read in standing.values():
        kind, first = kinds.setdefault(plot.stratum, (read.kind, plot.code))
        if kind != read.kind:
            raise Conflict(
                f"层“{plot.stratum}”的样地 {first} 按“{KINDS[kind].zh}”测量，样地 {plot.code} 按"
                f"“{KINDS[read.kind].zh}”；同一层只能用一种，请改用“{KINDS[kind].zh}”，"
                "或把这一层的调查全部更正为另一种。",
                code="plot_kinds_mixed",
            )
        for row in read.values.get("trees", []):
            density, where = densities.setdefault(
                row["species"], (row["wood_density_g_cm3"], f"样地 {plot.code}（{day}）")
            )
            if density != row["wood_density_g_cm3"]:
                raise Conflict(
                    f"{row['species']}的基本密度在{where}是 {density:g}，在样地 {plot.code}（{day}）是 "
                    f"{row['wood_density_g_cm3']:g} g/cm³；一个树种在一个项目中只能用一个值，请核对。",
                    code="wood_density",
                )


def _row(kind: str, line: int, cells: Mapping[str, Any]) -> Row:
    if empty := plot_columns.empty(kind, cells):
        raise CellWrong(f"{'、'.join(empty)}没有填")
    longitude, latitude = number(cells, "lon"), number(cells, "lat")
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise CellWrong(
            f"经纬度 {longitude:g}, {latitude:g} 不在地图上；经度在前，纬度在后，单位为度"
        )
    area_m2, slope_deg = number(cells, "area_m2"), number(cells, "slope_deg")
    if not 25 <= area_m2 <= 10_000:
        raise CellWrong(f"样地面积 {area_m2:g} 平方米不在 25–10000 之间")
    if not 0 <= slope_deg < 60:
        raise CellWrong(f"坡度 {slope_deg:g} 度不在 0–60 之间")
    phase = PHASES.get(text_of(cells["phase"]).lower()) if kind == CULMS else plots.NO_PHASE
    if phase is None:
        raise CellWrong(f"大小年“{text_of(cells['phase'])}”应为大年、小年、花年或未知")
    return Row(
        number=line,
        plot=text_of(cells["plot"])[:40],
        stratum=text_of(cells["stratum"]),
        longitude=longitude,
        latitude=latitude,
        area_m2=area_m2,
        slope_deg=slope_deg,
        measured_on=day_of(cells["date"], TITLES["date"]),
        phase=phase,
        found=None if plot_columns.is_bare(kind, cells) else plot_columns.found(kind, cells),
    )


def _contradictions(kind: str, rows: Sequence[Row]) -> list[RowError]:
    """Lines of one plot, or of one visit, that do not agree with its first line."""
    places: dict[str, Row] = {}
    visits: dict[tuple[str, date], list[Row]] = {}
    densities: dict[str, tuple[float, int]] = {}
    errors = []
    for row in rows:
        first = places.setdefault(row.plot, row)
        said = []
        if first.place != row.place:
            said.append(f"样地 {row.plot} 的层、经纬度、面积或坡度与第 {first.number} 行不同")
        visit = visits.setdefault((row.plot, row.measured_on), [])
        visit.append(row)
        said += _unlike(kind, visit)
        if isinstance(row.found, TreeGroup):
            mine = row.found.wood_density_g_cm3
            density, line = densities.setdefault(row.found.species, (mine, row.number))
            if density != mine:
                said.append(f"{row.found.species}的基本密度与第 {line} 行不同")
        errors += [RowError(row.number, one) for one in said]
    return errors


def _unlike(kind: str, visit: Sequence[Row]) -> list[str]:
    """What the last of a visit's lines says against the first."""
    first, row = visit[0], visit[-1]
    said = []
    if (first.found is None) != (row.found is None):
        stems = "竹子" if kind == CULMS else "树"
        said.append(
            f"样地 {row.plot} 在 {row.measured_on} 既写没有{stems}（0 株）又有{stems}，"
            f"见第 {first.number} 行"
        )
    if first.phase != row.phase:
        said.append(f"样地 {row.plot} 在 {row.measured_on} 的大小年与第 {first.number} 行不同")
    if row is not first and isinstance(row.found, StandVolume | TeaShoots):
        said.append(
            f"样地 {row.plot} 在 {row.measured_on} 的{KINDS[kind].zh}已在第 {first.number} 行；"
            "每次调查写一行"
        )
    if kind == Trees.KIND and len(visit) == TREE_ROWS_MAX + 1:
        said.append(f"样地 {row.plot} 在 {row.measured_on} 超过 {TREE_ROWS_MAX:,} 行，请按胸径归并")
    return said

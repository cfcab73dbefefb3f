"""Plot tables: sample plots, visits and culms as an office keeps them, in CSV or XLSX.

One line is the living culms of one diameter and age, on one plot, at one date; a line with 0 culms,
no diameter and no age says that the plot had none. `parse` reads and
checks and touches nothing; `commit` stores a table that has no errors, all of it or none. Row
numbers are those that a spreadsheet shows: the heading is row 1.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from shapely import MultiPolygon, Point
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid
from sinks.measurement import plots
from sinks.measurement.office_tables import (
    CellWrong,
    RowError,
    TableRefused,
    day_of,
    lines_of,
    text_of,
)
from sinks.measurement.plots import Culm, CulmCount, Plot, PlotVisit

ERRORS_SHOWN_MAX = 200

# Heading (folded) -> column. English as documented, Chinese as offices write it.
HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        heading: column
        for column, headings in {
            "plot": ("plot", "样地", "样地号", "样地编号"),
            "stratum": ("stratum", "层", "层号"),
            "lon": ("lon", "longitude", "经度"),
            "lat": ("lat", "latitude", "纬度"),
            "area_m2": ("area_m2", "面积", "样地面积", "面积m2", "面积(m2)", "面积(平方米)"),
            "slope_deg": ("slope_deg", "坡度", "坡度(度)"),
            "date": ("date", "日期", "调查日期"),
            "phase": ("phase", "大小年"),
            "dbh_cm": ("dbh_cm", "dbh", "胸径", "胸径cm", "胸径(cm)"),
            "age_du": ("age_du", "度", "龄级(度)", "竹龄(度)"),
            "age_years": ("age_years", "年龄", "竹龄(年)"),
            "count": ("count", "株数"),
        }.items()
        for heading in headings
    }
)
REQUIRED = (
    "plot", "stratum", "lon", "lat", "area_m2", "slope_deg", "date", "phase", "dbh_cm", "count",
)  # fmt: skip
PHASES: Mapping[str, str] = MappingProxyType(
    {
        "on": "on", "大年": "on", "off": "off", "小年": "off", "mixed": "mixed", "花年": "mixed",
        "unknown": "unknown", "未知": "unknown", "不详": "unknown",
    }
)  # fmt: skip
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "plot": "样地号", "stratum": "层", "lon": "经度", "lat": "纬度", "area_m2": "样地面积",
        "slope_deg": "坡度", "date": "调查日期", "phase": "大小年", "dbh_cm": "胸径",
        "age_du": "竹龄（度）", "age_years": "竹龄（年）", "count": "株数",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    number: int
    plot: str
    stratum: str
    longitude: float
    latitude: float
    area_m2: float
    slope_deg: float
    measured_on: date
    phase: str
    culms: CulmCount | None

    @property
    def place(self) -> tuple[str, float, float, float, float]:
        """What has to be the same on every line of one plot."""
        return self.stratum, self.longitude, self.latitude, self.area_m2, self.slope_deg


@dataclass(frozen=True, slots=True)
class PlotTable:
    """A table as read; nothing of it may be stored while there are errors."""

    rows: list[Row]
    errors: list[RowError]

    @property
    def plots(self) -> int:
        return len({row.plot for row in self.rows})

    @property
    def visits(self) -> int:
        return len({(row.plot, row.measured_on) for row in self.rows})

    @property
    def culms(self) -> int:
        return sum(row.culms.count for row in self.rows if row.culms is not None)


@dataclass(frozen=True, slots=True)
class Committed:
    """How much was stored."""

    plots: int
    visits: int
    culms: int


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A plot with the dates of its visits, for lists and maps; ``square`` is GeoJSON.

    culms : living culms counted at each visit, in the order of the dates; empty for the blind
    """

    id: int
    code: str
    stratum: str
    longitude: float
    latitude: float
    area_m2: float
    slope_deg: float
    visited_on: tuple[date, ...]
    culms: tuple[int, ...]
    square: dict[str, Any]


def parse(name: str, content: bytes) -> PlotTable:
    """Read a table of plots from the bytes of a CSV (UTF-8 or GB 18030) or XLSX file.

    Raises
    ------
    TableRefused
        Not such a file, too large, a column is missing, or there is no line.
    """
    lines = lines_of(name, content)
    head = next(lines, [])
    columns = _columns(head)
    rows: list[Row] = []
    errors: list[RowError] = []
    for number, cells in enumerate(lines, start=2):
        if not any(text_of(cell) for cell in cells):
            continue
        named = {
            column: cells[place] if place < len(cells) else None
            for column, place in columns.items()
        }
        try:
            rows.append(_row(number, named))
        except CellWrong as wrong:
            errors.append(RowError(number, str(wrong)))
    if not rows and not errors:
        raise TableRefused("表中没有数据行。", code="plot_table_empty")
    errors += _contradictions(rows)
    return PlotTable(rows, sorted(errors, key=lambda error: error.number))


def parse_culms(typed: str, *, age: str) -> list[CulmCount]:
    """Culms typed or pasted one group a line: DBH [cm], age, number of culms.

    age : ``age_du`` or ``age_years``, the meaning of the second number

    Raises
    ------
    Invalid
        Names the line and what is wrong with it.
    """
    found, wrong = [], []
    for number, line in enumerate(typed.splitlines(), start=1):
        parts = [part for part in re.split(r"[\s,;，、；]+", text_of(line)) if part]
        if not parts:
            continue
        try:
            if len(parts) != 3:
                raise CellWrong("应为“胸径 竹龄 株数”三个数")
            found.append(_culms({"dbh_cm": parts[0], age: parts[1], "count": parts[2]}))
        except CellWrong as error:
            wrong.append(f"第 {number} 行：{error}")
    if wrong:
        raise Invalid("；".join(wrong[:5]) + "。", code="culms")
    if not found:
        raise Invalid("请逐行填写竹株：胸径、竹龄、株数。", code="no_culms")
    return found


def commit(
    session: Session,
    actor: Actor,
    project_id: int,
    table: PlotTable,
    *,
    land: Sequence[tuple[str, MultiPolygon]],
    correcting: bool = False,
) -> Committed:
    """Store the plots, visits and culms of a table without errors: all of it or nothing.

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
        A plot lies outside the project or in another stratum, contradicts the plot on file, or was
        visited on that date already.
    """
    if table.errors:
        raise Invalid(
            f"有 {len(table.errors)} 行需修正，改好后整表重新导入。", code="plot_table_errors"
        )
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
        visits += _visit(session, actor, plot, rows, correcting=correcting)
    return Committed(added, visits, table.culms)


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

    blind : for a reader who has still to measure some of them: nothing of what was counted
    """
    counted = (
        select(Plot.code, PlotVisit.measured_on, func.coalesce(func.sum(Culm.count), 0))
        .join(PlotVisit, PlotVisit.plot_id == Plot.id)
        .outerjoin(Culm, Culm.visit_id == PlotVisit.id)
        .where(Plot.project_id == project_id)
        .group_by(Plot.code, PlotVisit.id)
        .order_by(PlotVisit.measured_on, PlotVisit.id)
    )
    visited: dict[str, dict[date, int]] = {}
    for code, measured_on, culms in session.execute(counted):
        # A later visit of the same date is its correction.
        visited.setdefault(code, {})[measured_on] = int(culms)
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
            culms=() if blind else tuple(visited.get(plot.code, {}).values()),
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


def _visit(session: Session, actor: Actor, plot: Plot, rows: list[Row], *, correcting: bool) -> int:
    held = set(session.scalars(select(PlotVisit.measured_on).where(PlotVisit.plot_id == plot.id)))
    dates = sorted({row.measured_on for row in rows})
    for measured_on in dates:
        if measured_on in held and not correcting:
            raise Conflict(
                f"样地 {plot.code} 已有 {measured_on} 的调查；如为更正，请勾选“作为更正”。",
                code="visit_held",
            )
        mine = [row for row in rows if row.measured_on == measured_on]
        culms = [row.culms for row in mine if row.culms is not None]
        plots.add_visit(
            session,
            actor,
            plot.id,
            measured_on=measured_on,
            phase=mine[0].phase,
            culms=culms,
            bare=not culms,
        )
    return len(dates)


def _columns(head: Sequence[Any]) -> dict[str, int]:
    """Column name -> its place in the lines."""
    places: dict[str, int] = {}
    for place, cell in enumerate(head):
        column = HEADINGS.get(re.sub(r"\s", "", text_of(cell)).lower())
        if column in places:
            raise TableRefused(f"表头中“{TITLES[column]}”出现两次。", code="plot_table_columns")
        if column:
            places[column] = place
    missing = [column for column in REQUIRED if column not in places]
    if not ("age_du" in places or "age_years" in places):
        missing.append("age_du")
    if missing:
        named = "、".join(f"{TITLES[column]}（{column}）" for column in missing)
        raise TableRefused(f"表头缺少：{named}。", code="plot_table_columns")
    return places


def _row(number: int, cells: Mapping[str, Any]) -> Row:
    bare = ("dbh_cm",) if _is_bare(cells) else ()
    empty = [
        TITLES[column] for column in REQUIRED
        if not text_of(cells[column]) and column not in bare
    ]  # fmt: skip
    if empty:
        raise CellWrong(f"{'、'.join(empty)}没有填")
    longitude, latitude = _number(cells, "lon"), _number(cells, "lat")
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise CellWrong(
            f"经纬度 {longitude:g}, {latitude:g} 不在地图上；经度在前，纬度在后，单位为度"
        )
    area_m2, slope_deg = _number(cells, "area_m2"), _number(cells, "slope_deg")
    if not 25 <= area_m2 <= 10_000:
        raise CellWrong(f"样地面积 {area_m2:g} 平方米不在 25–10000 之间")
    if not 0 <= slope_deg < 60:
        raise CellWrong(f"坡度 {slope_deg:g} 度不在 0–60 之间")
    phase = PHASES.get(text_of(cells["phase"]).lower())
    if phase is None:
        raise CellWrong(f"大小年“{text_of(cells['phase'])}”应为大年、小年、花年或未知")
    return Row(
        number=number,
        plot=text_of(cells["plot"])[:40],
        stratum=text_of(cells["stratum"]),
        longitude=longitude,
        latitude=latitude,
        area_m2=area_m2,
        slope_deg=slope_deg,
        measured_on=day_of(cells["date"], TITLES["date"]),
        phase=phase,
        culms=None if _is_bare(cells) else _culms(cells),
    )


def _is_bare(cells: Mapping[str, Any]) -> bool:
    """Whether a line says that the plot had no culms: a count of 0, no diameter, no age."""
    typed = ("dbh_cm", "age_du", "age_years")
    return text_of(cells["count"]) in ("0", "0.0") and not any(
        text_of(cells.get(column)) for column in typed
    )


def _culms(cells: Mapping[str, Any]) -> CulmCount:
    typed = text_of(cells["dbh_cm"])
    try:
        dbh_cm = Decimal(typed)
    except InvalidOperation as error:
        raise CellWrong(f"胸径“{typed}”不是数字") from error
    if not dbh_cm.is_finite() or not 2 <= dbh_cm < 30:
        raise CellWrong(f"胸径 {typed} 厘米不在 2–30 之间")
    if dbh_cm != round(dbh_cm, 1):
        raise CellWrong(f"胸径 {typed} 厘米应保留一位小数")
    ages = {
        column: _whole(cells, column)
        for column in ("age_du", "age_years")
        if text_of(cells.get(column))
    }
    if len(ages) != 1:
        raise CellWrong("竹龄按“度”或按“年”填一种，不能都填或都不填")
    return CulmCount(dbh_cm=round(dbh_cm, 1), count=_whole(cells, "count"), **ages)


def _contradictions(rows: Sequence[Row]) -> list[RowError]:
    """Lines of one plot, or of one visit, that do not agree with its first line."""
    places: dict[str, Row] = {}
    phases: dict[tuple[str, date], Row] = {}
    errors = []
    for row in rows:
        first = places.setdefault(row.plot, row)
        if first.place != row.place:
            errors.append(
                RowError(
                    row.number,
                    f"样地 {row.plot} 的层、经纬度、面积或坡度与第 {first.number} 行不同",
                )
            )
        visit = phases.setdefault((row.plot, row.measured_on), row)
        if (visit.culms is None) != (row.culms is None):
            errors.append(
                RowError(
                    row.number,
                    f"样地 {row.plot} 在 {row.measured_on} 既写没有竹子（0 株）又有竹株，见第 {visit.number} 行",
                )
            )
        if visit.phase != row.phase:
            errors.append(
                RowError(
                    row.number,
                    f"样地 {row.plot} 在 {row.measured_on} 的大小年与第 {visit.number} 行不同",
                )
            )
    return errors


def _number(cells: Mapping[str, Any], column: str) -> float:
    typed = text_of(cells[column])
    try:
        value = float(typed)
    except ValueError as error:
        raise CellWrong(f"{TITLES[column]}“{typed}”不是数字") from error
    if not math.isfinite(value):
        raise CellWrong(f"{TITLES[column]}“{typed}”不是数字")
    return value


def _whole(cells: Mapping[str, Any], column: str) -> int:
    value = _number(cells, column)
    if not value.is_integer() or not 1 <= value <= 100_000:
        raise CellWrong(f"{TITLES[column]}“{text_of(cells[column])}”应为不小于 1 的整数")
    return int(value)

"""Outlines in tables of text: well-known text, a list of corners in one cell, or one corner a line.

Which column is which is known by its name or named by the caller; two that could be meant refuse the
file. A ring that does not come back to its start is refused as in every other format. Survey offices
call the northing X and the easting Y: in the plane coordinates of China the two ranges do not meet, so
the numbers tell, and the row is asked about. No formula is worked out, and none stands for a coordinate.
"""

import itertools
import math
import re
import unicodedata
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gis_data import _wkt
from gis_data._rows import (
    FIELDS_MAX,
    Raw,
    RawRow,
    Refused,
    Ring,
    Rings,
    RowProblem,
    Value,
    distinct,
    multipolygon_wkb,
    plain_name,
    plain_text,
    refused_row,
)

HEAD_LINES = 10  # A sheet may begin with its title and a remark.
VERTICES_MAX = 3_000_000
EXAMPLE = "示例"

ROLES: dict[str, tuple[str, ...]] = {
    "wkt": ("边界WKT", "WKT", "wkt_geom", "geometry", "geom", "the_geom", "几何", "图形"),
    "vertices": (
        "边界坐标", "坐标串", "界址点坐标", "拐点坐标", "顶点坐标", "坐标", "vertices", "coordinates",
    ),
    "parcel": (
        "地块编号", "地块号", "地块编码", "宗地号", "宗地编号", "宗地代码", "parcel_no", "parcel_id",
        "parcel", "DKBM", "ZDDM",
    ),
    "part": ("部分", "部件", "部分号", "part"),
    "ring": ("环", "环号", "圈号", "ring"),
    "order": ("点序", "点号", "界址点号", "拐点号", "顶点序号", "order", "point_no", "vertex"),
    "x": ("x", "x坐标", "经度", "横坐标", "东坐标", "lon", "lng", "long", "longitude", "easting"),
    "y": ("y", "y坐标", "纬度", "纵坐标", "北坐标", "lat", "latitude", "northing"),
    "system": ("坐标系", "坐标系统", "crs", "epsg"),
}  # fmt: skip
_ROLE_OF = {plain_name(name): role for role, names in ROLES.items() for name in names}
# Gauss-Krueger in China: northings between the equator and 54 degrees north, eastings within a zone
# of 500 km, or with the number of a zone of 6 (13-23) or 3 degrees (25-45) before them.
NORTHING_M = (1e6, 6.1e6)
EASTING_M = (1e5, 9e5)
ZONE_EASTING_M = (1.31e7, 4.59e7)


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that a formula fills. ``value`` : what the program that saved it had worked out"""

    value: Value


@dataclass(slots=True)
class Table:
    """A table whose head was found. ``columns`` : role -> place of its column"""

    names: list[str]
    columns: dict[str, int]
    lines: list[tuple[int, list[Value | Formula]]]  # number in the file, from 1, and cells

    @property
    def by_vertex(self) -> bool:
        """Whether each line is one corner, and not one parcel."""
        return not self.columns.keys() & {"wkt", "vertices"}


@dataclass(slots=True)
class _Corner:
    line: int
    order: Value
    x: float
    y: float


@dataclass(slots=True)
class _Parcel:
    attributes: dict[str, Value]
    rings: dict[tuple[str, str], list[_Corner]] = field(default_factory=dict)
    problem: RowProblem | None = None
    formulas: list[str] = field(default_factory=list)


def find_head(
    lines: Sequence[tuple[int, list[Value | Formula]]], named: Mapping[str, str] | None
) -> tuple[int, list[str], dict[str, int]] | None:
    """Return place of the head, names and roles of its columns; None if no line is a head of outlines.

    Raises
    ------
    Refused
        ``outline_columns``: two columns could be the same, or one that was named is not there.
    """
    for place, (_, cells) in enumerate(lines[:HEAD_LINES]):
        names = _names(cells)
        roles = _roles(names, named)
        if roles is not None:
            return place, names, roles
    if named:
        shown = "、".join(f"{role}={name}" for role, name in named.items())[:200]
        raise Refused("outline_columns", f"前 {HEAD_LINES} 行里没有给出的列：{shown}。")
    return None


def is_head(lines: Sequence[Sequence[str]], named: Mapping[str, str] | None) -> bool:
    """Return whether one of the lines names the columns of outlines, or all those that were named."""
    wanted = set(named.values()) if named else set()
    for cells in lines:
        roles = {_ROLE_OF.get(plain_name(cell)) for cell in cells}
        if wanted <= set(cells) if wanted else roles & {"wkt", "vertices"} or {"x", "y"} <= roles:
            return True
    return False


def _names(cells: Sequence[Value | Formula]) -> list[str]:
    names: list[str] = []
    for number, cell in enumerate(cells):
        said = cell.value if isinstance(cell, Formula) else cell
        name = "" if said is None else str(said).strip()
        names.append(name or f"column_{number + 1}")
    return distinct(names)


def _roles(names: list[str], named: Mapping[str, str] | None) -> dict[str, int] | None:
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if role := _ROLE_OF.get(plain_name(name)):
            found.setdefault(role, []).append(place)
    if named:
        if not set(named.values()) <= set(names):
            return None
        # What was named decides; of the rest only what goes with it is looked for by name.
        beside = ("parcel", "part", "ring", "order", "system")
        found = {role: at for role, at in found.items() if role in beside}
        found |= {role: [names.index(name)] for role, name in named.items()}
    if not (
        {"wkt"} <= found.keys()
        or {"vertices"} <= found.keys()
        or {"x", "y", "parcel"} <= found.keys()
    ):
        return None
    kind = next((role for role in ("wkt", "vertices") if role in found), None)
    wanted = {kind, "parcel", "system"} if kind else found.keys() - {"wkt", "vertices"}
    for role in wanted & found.keys():
        if len(found[role]) > 1 and (role != "parcel" or not kind):
            shown = "、".join(names[place] for place in found[role])
            raise Refused(
                "outline_columns", f"有几列都可能是“{ROLES[role][0]}”：{shown}。请指明是哪一列。"
            )
    return {role: places[0] for role, places in found.items() if role in wanted}


def table(
    lines: list[tuple[int, list[Value | Formula]]], named: Mapping[str, str] | None
) -> Table | None:
    """Return the table below its head; None if nothing in it is an outline."""
    head = find_head(lines, named)
    if head is None:
        return None
    place, names, roles = head
    if len(names) > FIELDS_MAX:
        raise Refused("broken", f"表有 {len(names)} 列，最多 {FIELDS_MAX} 列。")
    body = [line for line in lines[place + 1 :] if any(cell is not None for cell in line[1])]
    return Table(names, roles, body)


def no_outlines(names: Iterable[str]) -> Refused:
    """Return the refusal of a table without outlines, with what it has instead."""
    roles = {_ROLE_OF.get(plain_name(name)) for name in names}
    points = "有坐标列，但没有地块编号列，只是一个个的点；" if {"x", "y"} <= roles else ""
    return Refused(
        "no_outlines",
        f"表里没有地块的边界：{points}需要一列“边界WKT”或“边界坐标”，或一行一个界址点"
        "（地块编号、点序、x、y）。列名不同时请指明。",
    )


def read(driver: str, encoding: str, tables: Sequence[Table], *, row_limit: int) -> Raw:
    """Return the rows of one table, or of a table of parcels and one of their corners."""
    parcels = [one for one in tables if not one.by_vertex]
    corners = [one for one in tables if one.by_vertex]
    assert len(parcels) <= 1 and len(corners) <= 1
    outlines = _by_vertex(corners[0]) if corners else {}
    count = len(parcels[0].lines) if parcels else len(outlines)
    if count > row_limit:
        raise Refused("too_large", f"文件有 {count} 行，一次最多 {row_limit} 行。请分成几份。")
    systems = {system for one in tables for system in _systems(one)}
    rows: list[RawRow] = []
    if parcels:
        rows += _by_cell(parcels[0], outlines, systems)
    rows += [_row_of(parcel) for parcel in outlines.values()]
    if len(systems) > 1:
        shown = "、".join(sorted(systems))[:100]
        raise Refused("crs_several", f"一份文件只能用一个坐标系，这里有：{shown}。请分成几份。")
    fields = list(dict.fromkeys(name for row in rows for name in row.attributes))
    return Raw(driver, rows, fields, encoding, next(iter(systems), None), False)


def _systems(one: Table) -> set[str]:
    place = one.columns.get("system")
    if place is None:
        return set()
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for _, cells in one.lines:
        said = _cell(cells, place)
        if said is not None:
            text = str(said).strip()
            found[_is_example(one, cells)].add(
                f"EPSG:{text}" if re.fullmatch(r"\d{4,6}", text) else text
            )
    return found[False] or found[True]


def _cell(cells: Sequence[Value | Formula], place: int | None) -> Value:
    """Return what a cell shows, None beyond the end of its line."""
    if place is None or place >= len(cells):
        return None
    cell = cells[place]
    value = cell.value if isinstance(cell, Formula) else cell
    return None if isinstance(value, str) and not value.strip() else value


def _is_example(one: Table, cells: Sequence[Value | Formula]) -> bool:
    return _cell(cells, one.columns.get("parcel")) == EXAMPLE


# One parcel a line


def _by_cell(one: Table, outlines: dict[str, _Parcel], systems: set[str]) -> list[RawRow]:
    """Return the rows of a table of parcels; what they take from ``outlines`` is taken out of it."""
    hidden = {place for role, place in one.columns.items() if role in ("wkt", "vertices", "system")}
    rows = []
    for number, cells in one.lines:
        attributes: dict[str, Value] = {}
        try:
            if len(cells) > len(one.names) and any(c is not None for c in cells[len(one.names) :]):
                raise RowProblem("broken", f"第 {number} 行的格数比表头多，值与列对不上。")
            formulas = _attributes(one, cells, hidden, attributes)
            if _is_example(one, cells):
                raise RowProblem("example", "这是表格自带的示例行，没有导入。")
            rows.append(_with_outline(one, cells, attributes, formulas, outlines, systems))
        except RowProblem as problem:
            rows.append(refused_row(problem, attributes))
    return rows


def _with_outline(
    one: Table,
    cells: Sequence[Value | Formula],
    attributes: dict[str, Value],
    formulas: list[str],
    outlines: dict[str, _Parcel],
    systems: set[str],
) -> RawRow:
    place = one.columns.get("wkt", one.columns.get("vertices"))
    assert place is not None
    said = _cell(cells, place)
    if said is not None and isinstance(cells[place], Formula):
        raise RowProblem("formula", "边界那一格是公式。请粘贴成数值后再交。")
    number = _cell(cells, one.columns.get("parcel"))
    listed = outlines.pop(str(number), None) if number is not None else None
    if listed is not None and said is not None:
        raise RowProblem("two_outlines", f"地块“{str(number)[:40]}”的边界写了两处。请留一处。")
    if listed is not None:
        row = _row_of(listed)
        row.attributes = attributes
        return row
    questions = _formula_questions(formulas)
    if said is None:
        return RawRow(None, attributes, questions=questions)
    if "wkt" in one.columns:
        srid, polygons = _wkt.polygons(str(said))
        if srid:
            systems.add(f"EPSG:{srid}")
    else:
        ring = corners_of(str(said))
        polygons = [[ring]]
        questions += _turned([ring])
    return RawRow(multipolygon_wkb(polygons) if polygons else None, attributes, questions=questions)


def _attributes(
    one: Table, cells: Sequence[Value | Formula], hidden: set[int], into: dict[str, Value]
) -> list[str]:
    """Put the plain values of a line into ``into``, and return the columns that a formula filled."""
    formulas = []
    for place, name in enumerate(one.names):
        if place in hidden:
            continue
        value = _cell(cells, place)
        into[plain_text(name)] = plain_text(value) if isinstance(value, str) else value
        if place < len(cells) and isinstance(cells[place], Formula):
            formulas.append(name)
    return formulas


def _formula_questions(formulas: list[str]) -> list[tuple[str, str]]:
    if not formulas:
        return []
    shown = "、".join(formulas)[:100]
    return [("formula", f"“{shown}”是公式，取的是保存时的结果，系统没有计算。请核对。")]


def corners_of(text: str) -> Ring:
    """Return the ring of ``x y, x y, ...`` or ``x,y; x,y; ...``.

    Raises
    ------
    RowProblem
        ``invalid``: no such list, or one whose pairs cannot be told.
    """
    written = unicodedata.normalize("NFKC", text).replace("、", ",").strip().strip(";,")
    by_line = re.split(r"[;\n\r]+", written)
    pairs = by_line if len(by_line) > 1 else written.split(",")
    ring = array("d")
    for pair in pairs:
        if not pair.strip():
            continue
        numbers = pair.replace(",", " ").split()
        if len(numbers) not in (2, 3) or not all(map(_wkt.is_number, numbers)):
            raise RowProblem(
                "invalid",
                f"边界坐标里的“{pair.strip()[:40]}”不是一对数。写成“x y, x y, …”或“x,y; x,y; …”。",
            )
        ring.extend(map(float, numbers[:2]))
    if not ring:
        raise RowProblem("invalid", "边界坐标里没有点。")
    return ring


# One corner a line


def _by_vertex(one: Table) -> dict[str, _Parcel]:
    """Return the parcels of a table of corners by their number, in the order they first appear."""
    if len(one.lines) > VERTICES_MAX:
        raise Refused("too_large", f"界址点超过 {VERTICES_MAX} 个。请分成几份。")
    roles = {role: place for role, place in one.columns.items() if role not in ("parcel",)}
    constant = set(range(len(one.names))) - set(roles.values())
    first: dict[str, Sequence[Value | Formula]] = {}
    found: dict[str, _Parcel] = {}
    for number, cells in one.lines:
        said = _cell(cells, one.columns["parcel"])
        if said is None:
            raise Refused(
                "vertex_row",
                f"第 {number} 行没有地块编号，不知是哪块地的点。合并的单元格请拆开填满。",
            )
        key = str(said).strip()
        parcel = found.setdefault(key, _Parcel({}))
        start = first.setdefault(key, cells)
        constant -= {place for place in constant if _cell(cells, place) != _cell(start, place)}
        try:
            _add_corner(parcel, number, cells, roles)
        except RowProblem as problem:
            parcel.problem = parcel.problem or problem
    hidden = set(range(len(one.names))) - constant
    for key, parcel in found.items():
        try:
            parcel.formulas = _attributes(one, first[key], hidden, parcel.attributes)
            if key == EXAMPLE:
                raise RowProblem("example", "这是表格自带的示例行，没有导入。")
        except RowProblem as problem:
            parcel.problem = problem
    return found


def _add_corner(
    parcel: _Parcel, number: int, cells: Sequence[Value | Formula], roles: dict[str, int]
) -> None:
    at = []
    for role in ("x", "y"):
        place = roles[role]
        said = _cell(cells, place)
        if place < len(cells) and isinstance(cells[place], Formula):
            raise RowProblem("formula", f"第 {number} 行的坐标是公式。请粘贴成数值后再交。")
        written = unicodedata.normalize("NFKC", str(said)).strip()
        if said is None or not _wkt.is_number(written):
            raise RowProblem("invalid", f"第 {number} 行的坐标“{str(said)[:40]}”不是数。")
        at.append(float(written))
    part, ring = (_label(_cell(cells, roles.get(role))) for role in ("part", "ring"))
    corners = parcel.rings.setdefault((part, ring), [])
    corners.append(_Corner(number, _cell(cells, roles.get("order")), *at))


def _label(said: Value) -> str:
    text = "" if said is None else unicodedata.normalize("NFKC", str(said)).strip()
    return text.removesuffix(".0")


def _row_of(parcel: _Parcel) -> RawRow:
    """Return the row of a parcel whose corners were listed; the first ring of a part is its shell."""
    try:
        if parcel.problem is not None:
            raise parcel.problem
        parts: dict[str, Rings] = {}
        for (part, _), corners in parcel.rings.items():
            parts.setdefault(part, []).append(_in_order(corners))
        polygons = list(parts.values())
        questions = _formula_questions(parcel.formulas)
        questions += _turned([ring for rings in polygons for ring in rings])
        return RawRow(multipolygon_wkb(polygons), parcel.attributes, questions=questions)
    except RowProblem as problem:
        return refused_row(problem, parcel.attributes)


def _in_order(corners: list[_Corner]) -> Ring:
    """Return the ring of corners by their numbers, which have to follow each other by one."""
    ordered = corners
    if any(corner.order is not None for corner in corners):
        numbers = [_order_of(corner) for corner in corners]
        last = corners[-1]
        again = numbers[-1] == numbers[0] and (last.x, last.y) == (corners[0].x, corners[0].y)
        closing = [last] if len(corners) > 1 and again else []
        count = len(corners) - len(closing)
        pairs = sorted(zip(numbers[:count], range(count), strict=True))
        for (before, _), (after, place) in itertools.pairwise(pairs):
            if after != before + 1:
                said = "重复" if after == before else f"缺 {before + 1}"
                raise RowProblem(
                    "vertex_order",
                    f"点序不连续：第 {corners[place].line} 行是 {after}，{said}。少一个点就是另一块地。",
                )
        ordered = [corners[place] for _, place in pairs] + closing
    ring = array("d")
    for corner in ordered:
        ring.extend((corner.x, corner.y))
    return ring


def _order_of(corner: _Corner) -> int:
    """Return the number of a corner: 12 of ``12``, ``12.0`` and ``J12``."""
    found = re.fullmatch(r"\D{0,8}?(\d{1,9})(?:\.0+)?", _label(corner.order))
    if not found:
        raise RowProblem(
            "vertex_order", f"第 {corner.line} 行的点序“{str(corner.order)[:20]}”不是编号。"
        )
    return int(found[1])


def _turned(rings: list[Ring]) -> list[tuple[str, str]]:
    """Turn rings whose first number can only be a northing, in place, and say so."""
    first = [number for ring in rings for number in ring[0::2]]
    second = [number for ring in rings for number in ring[1::2]]
    northing_first = _within(first, NORTHING_M) and (
        _within(second, EASTING_M) or _within(second, ZONE_EASTING_M)
    )
    if not northing_first:
        return []
    for ring in rings:
        ring[0::2], ring[1::2] = ring[1::2], ring[0::2]
    return [
        (
            "axes_by_numbers",
            "按数值看，第一个数（X）是测量上的纵坐标（北），第二个（Y）是横坐标（东），已按此读入。请核对位置。",
        )
    ]


def _within(numbers: list[float], bounds: tuple[float, float]) -> bool:
    return bool(numbers) and all(
        math.isfinite(number) and bounds[0] < number < bounds[1] for number in numbers
    )

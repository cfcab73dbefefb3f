"""What the readers of each format hand over: rows of well-known binary and plain values.

Nothing here needs GDAL, GEOS or numpy: the child process that parses files of strangers loads as
little compiled code as it can.
"""

import math
import re
import struct
import unicodedata
from array import array
from dataclasses import dataclass, field
from typing import TypeAlias

Value = str | int | float | None
Ring: TypeAlias = "array[float]"  # x0, y0, x1, y1, ... as read
Rings: TypeAlias = "list[array[float]]"  # of one polygon, the shell first

TEXT_CHARACTERS_MAX = 10_000
VERTICES_ROW_MAX = 50_000
RINGS_ROW_MAX = 20_000
FIELDS_MAX = 2_046  # what Visual FoxPro allows; more is no table of land


_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


class Refused(Exception):
    """The whole file is refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RowProblem(Exception):
    """One row is refused; the others are read on.

    unclosed : MULTIPOLYGON WKB of the rings as they were read, where all that is wrong with them is
        that one does not come back to its start
    """

    def __init__(self, code: str, message: str, unclosed: bytes | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.unclosed = unclosed


@dataclass(slots=True)
class RawRow:
    """One row of a file. ``wkb`` is None where there is no geometry or ``problem`` says why not.

    questions : code and sentence of what a person has to look at, known only to the reader
    """

    wkb: bytes | None
    attributes: dict[str, Value]
    problem: tuple[str, str] | None = None
    unclosed: bytes | None = None
    questions: list[tuple[str, str]] = field(default_factory=list)


def refused_row(problem: RowProblem, attributes: dict[str, Value]) -> RawRow:
    """Return the row that has this problem, with what was read of it before."""
    return RawRow(None, attributes, (problem.code, problem.message), problem.unclosed)


@dataclass(slots=True)
class Raw:
    """A file as read, its coordinate system still as the text that stands in the file."""

    driver: str
    rows: list[RawRow]
    fields: list[str]
    encoding: str = "UTF-8"
    crs: str | None = None
    crs_by_default: bool = False
    sha256: str = ""


def multipolygon_wkb(polygons: list[Rings]) -> bytes:
    """Return little-endian MULTIPOLYGON WKB.

    Raises
    ------
    RowProblem
        ``invalid``: a ring is not closed or has fewer than four positions. ``not_finite``: NaN or
        infinity. ``too_large``: more vertices or rings than a parcel has.
    """
    rings = [ring for polygon in polygons for ring in polygon]
    if sum(map(len, rings)) > 2 * VERTICES_ROW_MAX or len(rings) > RINGS_ROW_MAX:
        raise RowProblem(
            "too_large",
            f"一个图形最多 {VERTICES_ROW_MAX} 个点、{RINGS_ROW_MAX} 个环，这个图形更多。请拆成多个地块。",
        )
    unclosed = None
    for ring in rings:
        if not all(map(math.isfinite, ring)):
            raise RowProblem("not_finite", "坐标里有 NaN 或无穷大。请检查导出这份文件的软件。")
        if len(ring) < 6 or (len(ring) < 8 and _is_closed(ring)):
            raise RowProblem(
                "invalid", f"一个环只有 {len(ring) // 2} 个点，闭合的环至少要 4 个点。"
            )
        if unclosed is None and not _is_closed(ring):
            unclosed = ring
    if unclosed is not None:
        raise RowProblem(
            "invalid",
            f"环没有闭合：起点 ({unclosed[0]:.10g}, {unclosed[1]:.10g})，终点 ({unclosed[-2]:.10g}, "
            f"{unclosed[-1]:.10g})。系统不代为闭合。",
            unclosed=_packed(polygons),
        )
    return _packed(polygons)


def closed(polygons: list[Rings]) -> list[Rings]:
    """Return the polygons with the start of each unclosed ring repeated at its end."""
    return [
        [ring if _is_closed(ring) else ring + ring[:2] for ring in polygon] for polygon in polygons
    ]


def _is_closed(ring: Ring) -> bool:
    return ring[0] == ring[-2] and ring[1] == ring[-1]


def _packed(polygons: list[Rings]) -> bytes:
    out = [struct.pack("<BII", 1, 6, len(polygons))]
    for polygon in polygons:
        out.append(struct.pack("<BII", 1, 3, len(polygon)))
        for ring in polygon:
            out.append(struct.pack("<I", len(ring) // 2))
            out.append(_little_endian(ring))
    return b"".join(out)


def _little_endian(ring: Ring) -> bytes:
    return struct.pack(f"<{len(ring)}d", *ring)


def distinct(names: list[str]) -> list[str]:
    """Return the names with a number behind each that stood before: a, a_2, a_3."""
    taken = set(names)
    seen: dict[str, int] = {}
    found = []
    for name in names:
        number = seen.get(name, 0) + 1
        shown = name
        while number > 1 and (shown := f"{name}_{number}") in taken:
            number += 1
        seen[name] = number
        taken.add(shown)
        found.append(shown)
    return found


def plain_name(name: str) -> str:
    """Return the name of a column as it is compared: half-width, lower case, letters and digits."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).lower())


def plain_text(text: str) -> str:
    """Return the text if a database and a page can hold it.

    Raises
    ------
    RowProblem
        ``bad_text``: NUL, a lone surrogate, or longer than a field of a parcel is.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        raise RowProblem(
            "bad_text", f"有一个字段长 {len(text)} 字，最多 {TEXT_CHARACTERS_MAX} 字。"
        )
    if _UNKEEPABLE.search(text):
        raise RowProblem("bad_text", "有一个字段含不能保存的字符（NUL 或残缺的编码）。")
    return text

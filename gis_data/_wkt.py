"""Well-known text of areas, read without recursion. Source: OGC 06-103r4, clause 7; SRID of EWKT."""

import re
from array import array

from gis_data._rows import Ring, Rings, RowProblem

_HEAD = re.compile(r"(?:SRID=(\d{4,6});)?([A-Z]{1,30}?)(?:ZM|Z|M)?(EMPTY)?")
_HEAD_CHARACTERS_MAX = 60
_RING = r"\([^()]*\)"
_POLYGON = rf"\(\s*{_RING}(?:\s*,\s*{_RING})*\s*\)"
_BODIES = {
    "POLYGON": re.compile(_POLYGON),
    "MULTIPOLYGON": re.compile(rf"\(\s*{_POLYGON}(?:\s*,\s*{_POLYGON})*\s*\)"),
}
_RINGS, _POLYGONS = re.compile(_RING), re.compile(_POLYGON)
# Python takes more for a number than this: nan, 1_000, digits of other scripts.
_OF_NUMBERS = re.compile(r"[\s0-9.,eE+-]*", re.A)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.A)


def polygons(text: str) -> tuple[str | None, list[Rings]]:
    """Return the number of the coordinate system if one is named, and the rings of each polygon.

    Raises
    ------
    RowProblem
        ``not_an_area``, or ``invalid``: no well-known text.
    """
    head, bracket, rest = text.strip().partition("(")
    found = None
    if len(head) <= _HEAD_CHARACTERS_MAX:
        found = _HEAD.fullmatch("".join(head.split()).upper())
    if not found or bool(found[3]) == bool(bracket):
        raise RowProblem("invalid", f"边界“{text.strip()[:40]}”不是 WKT。")
    srid, kind, empty = found.groups()
    if kind not in _BODIES:
        raise RowProblem("not_an_area", f"图形是 {kind}，不是面。地块必须是面。")
    if empty:
        return srid, []
    body = bracket + rest
    if not _BODIES[kind].fullmatch(body):
        raise RowProblem("invalid", "WKT 的括号不成对，或嵌套的层数不对。")
    parts = _POLYGONS.findall(body) if kind == "MULTIPOLYGON" else [body]
    return srid, [[_ring(ring) for ring in _RINGS.findall(part)] for part in parts]


def _ring(text: str) -> Ring:
    ring = array("d")
    if not _OF_NUMBERS.fullmatch(text, 1, len(text) - 1):
        raise RowProblem("invalid", f"坐标“{text[1:41]}”不是数。")
    for position in text[1:-1].split(","):
        numbers = position.split()
        try:
            if not 2 <= len(numbers) <= 4:
                raise ValueError(position)
            ring.append(float(numbers[0]))
            ring.append(float(numbers[1]))
        except ValueError as error:
            raise RowProblem("invalid", f"坐标“{position.strip()[:40]}”不是数。") from error
    return ring


def is_number(text: str) -> bool:
    """Return whether the text is a finite decimal number; not what Python alone would take for one."""
    return _NUMBER.fullmatch(text) is not None

"""Well-known binary as its bytes say it: Polygon or MultiPolygon, every count held against the length.

What lies about a count is refused before anything is reserved for it, and an unclosed ring, of which
GEOS makes nothing, keeps its positions. Standard library only. Source: OGC 06-103r4, clause 8.2, with
the heights and measures of ISO 19125 and of EWKB.
"""

import math
import struct
import sys
from array import array

from gis_data._rows import RINGS_ROW_MAX, VERTICES_ROW_MAX, Ring, Rings, RowProblem

POLYGON, MULTIPOLYGON = 3, 6
NAMES = {
    1: "Point", 2: "LineString", 4: "MultiPoint", 5: "MultiLineString", 7: "GeometryCollection",
    8: "CircularString", 9: "CompoundCurve", 10: "CurvePolygon", 11: "MultiCurve",
    12: "MultiSurface", 15: "PolyhedralSurface", 16: "TIN", 17: "Triangle",
}  # fmt: skip
Layout = tuple[str, int, bool]  # byte order, numbers in a position, whether one is a height
_EWKB_Z, _EWKB_M, _EWKB_SRID = 0x80000000, 0x40000000, 0x20000000


def polygons(wkb: bytes) -> list[Rings]:
    """Return the rings of each polygon, x and y of each position as they stand.

    Raises
    ------
    RowProblem
        ``not_an_area``, ``broken`` (shorter or longer than it says), ``too_large``, ``not_finite`` (a
        height; it is dropped afterwards, and NaN says that the software was broken).
    """
    try:
        kind, layout, at = _head(wkb, 0)
        found: list[Rings] = []
        if kind == POLYGON:
            at = _polygon(wkb, at, layout, found)
        elif kind == MULTIPOLYGON:
            (count,) = struct.unpack_from(layout[0] + "I", wkb, at)
            at += 4
            if count > RINGS_ROW_MAX:
                raise _too_large()
            for _ in range(count):
                inner, inner_layout, at = _head(wkb, at)
                if inner != POLYGON:
                    raise RowProblem("broken", "MultiPolygon 里有不是面的部分。")
                at = _polygon(wkb, at, inner_layout, found)
        else:
            raise RowProblem(
                "not_an_area", f"图形是 {NAMES.get(kind, str(kind))}，不是面。地块必须是面。"
            )
    except struct.error as error:
        raise RowProblem("broken", "图形的二进制比它自己写的短。") from error
    if at != len(wkb):
        raise RowProblem("broken", "图形的二进制比它自己写的长。")
    return found


def _head(wkb: bytes, at: int) -> tuple[int, Layout, int]:
    """Return kind, how positions are written, and where the body begins."""
    order = {0: ">", 1: "<"}.get(wkb[at] if at < len(wkb) else 2)
    if order is None:
        raise RowProblem("broken", "图形不是 WKB 格式。")
    (word,) = struct.unpack_from(order + "I", wkb, at + 1)
    at += 9 if word & _EWKB_SRID else 5
    iso, kind = divmod(word & 0x0FFFFFFF, 1000)
    if iso > 3:
        raise RowProblem("broken", "图形不是 WKB 格式。")
    heights = bool(word & _EWKB_Z) or iso in (1, 3)
    measures = bool(word & _EWKB_M) or iso in (2, 3)
    return kind, (order, 2 + heights + measures, heights), at


def _polygon(wkb: bytes, at: int, layout: Layout, found: list[Rings]) -> int:
    order, numbers, _ = layout
    (count,) = struct.unpack_from(order + "I", wkb, at)
    at += 4
    if count > RINGS_ROW_MAX:
        raise _too_large()
    rings: Rings = []
    for _ in range(count):
        (points,) = struct.unpack_from(order + "I", wkb, at)
        at += 4
        if points > VERTICES_ROW_MAX:
            raise _too_large()
        end = at + 8 * numbers * points
        if end > len(wkb):
            raise RowProblem("broken", "图形的二进制比它自己写的短。")
        rings.append(_ring(wkb[at:end], layout))
        at = end
    if rings:
        found.append(rings)
    return at


def _ring(body: bytes, layout: Layout) -> Ring:
    order, numbers, heights = layout
    ring = array("d", body)
    if (order == "<") != (sys.byteorder == "little"):
        ring.byteswap()
    if numbers == 2:
        return ring
    if heights and not all(map(math.isfinite, ring[2::numbers])):
        raise RowProblem("not_finite", "高程里有 NaN 或无穷大。请检查导出这份文件的软件。")
    flat = array("d", bytes(16 * (len(ring) // numbers)))
    flat[0::2], flat[1::2] = ring[0::numbers], ring[1::numbers]
    return flat


def _too_large() -> RowProblem:
    return RowProblem(
        "too_large",
        f"一个图形最多 {VERTICES_ROW_MAX} 个点、{RINGS_ROW_MAX} 个环，这个图形更多。请拆成多个地块。",
    )

"""GPX: a track or a route that was walked around a parcel is its outline.

Closing it is what makes an outline of a track, so it is done here and nowhere else: the edge from the
last point to the first is added and asked about with its length, and a walk that did not come back is
refused. A track that breaks off in between is refused too: what lies in the gap was not walked. Way
points are rows without an area. Read with defusedxml, as KML is. Source: GPX 1.1 schema.
"""

import io
import math
from array import array
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from gis_data import _wkt, _xml
from gis_data._rows import (
    Raw,
    RawRow,
    Refused,
    Ring,
    RowProblem,
    Value,
    multipolygon_wkb,
    plain_text,
    refused_row,
)

DEPTH_MAX = 64
GAP_M_MAX = 20.0
GAP_SHARE_MAX = 0.05
RADIUS_M = 6_371_008.8  # mean radius of GRS80: a gap is told to a few thousandths


def read(data: bytes, *, row_limit: int) -> Raw:
    """Return one row for each track, route and way point, in the order of the file."""
    rows: list[RawRow] = []
    depth = 0
    text, encoding = _xml.utf8(data)
    try:
        for event, element in iterparse(io.BytesIO(text), events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            name = _local(element)
            if event == "start":
                if depth == 1 and name != "gpx":
                    raise Refused("unknown_format", f"是 XML，但根是“{name[:40]}”，不是 GPX。")
                if depth > DEPTH_MAX:
                    raise Refused("broken", f"GPX 嵌套超过 {DEPTH_MAX} 层。")
            elif depth == 1 and name in ("trk", "rte", "wpt"):
                rows.append(_row(element, name))
                element.clear()
                if len(rows) > row_limit:
                    raise Refused("too_large", f"文件超过 {row_limit} 行。请分成几份。")
    except DefusedXmlException as error:
        raise Refused("xml_forbidden", "XML 里有 DTD、实体或外部引用，不读。") from error
    except (ParseError, LookupError, ValueError) as error:
        raise Refused("broken", f"不是完整的 GPX：{str(error)[:80]}") from error
    fields = list(dict.fromkeys(name for row in rows for name in row.attributes))
    return Raw("GPX", rows, fields, encoding, "EPSG:4326", False)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _row(element: Element, kind: str) -> RawRow:
    attributes: dict[str, Value] = {}
    try:
        for child in element:
            name = _local(child)
            if name in ("name", "desc", "cmt", "type", "number"):
                attributes[name] = plain_text((child.text or "").strip())
        if kind == "wpt":
            raise RowProblem("not_an_area", "这是一个航点，不是走出来的轮廓。")
        ring = _walked(element, kind)
        questions = _close(ring)
        return RawRow(multipolygon_wkb([[ring]]), attributes, questions=questions)
    except RowProblem as problem:
        return refused_row(problem, attributes)


def _walked(element: Element, kind: str) -> Ring:
    walks = [element]
    if kind == "trk":
        walks = [child for child in element if _local(child) == "trkseg" and len(child)]
    if len(walks) > 1:
        raise RowProblem(
            "track_broken",
            f"轨迹断成 {len(walks)} 段，段与段之间没有走过。请重走或在软件里接好再导出。",
        )
    ring = array("d")
    for point in walks[0] if walks else ():
        if _local(point) not in ("trkpt", "rtept"):
            continue
        written: Any = point.get("lon"), point.get("lat")
        if not all(number is not None and _wkt.is_number(number.strip()) for number in written):
            raise RowProblem("invalid", f"轨迹点 {str(written)[:60]} 没有经度或纬度。")
        ring.extend(map(float, written))
    if len(ring) < 6:
        raise RowProblem("invalid", f"轨迹只有 {len(ring) // 2} 个点，不成面。")
    return ring


def _close(ring: Ring) -> list[tuple[str, str]]:
    """Add the edge back to the start, in place, and ask about it; refuse a walk that did not return."""
    count = len(ring) // 2
    length_m = sum(_distance_m(ring, i, i + 1) for i in range(count - 1))
    gap_m = _distance_m(ring, count - 1, 0)
    if gap_m == 0.0 and ring[:2] == ring[-2:]:
        return []
    if not gap_m <= min(GAP_M_MAX, GAP_SHARE_MAX * length_m):
        raise RowProblem(
            "track_open",
            f"轨迹没有走回起点：相距 {gap_m:.1f} 米，全长 {length_m:.0f} 米。"
            f"最多容许 {GAP_M_MAX:g} 米，且不超过全长的 {GAP_SHARE_MAX:.0%}。",
        )
    ring.extend(ring[:2])
    return [("closed_by_reader", f"轨迹末点离起点 {gap_m:.1f} 米，已连成闭合的轮廓。请核对。")]


def _distance_m(ring: Ring, start: int, end: int) -> float:
    """Return the distance of two points on the sphere [m], by the haversine."""
    x1, y1, x2, y2 = map(
        math.radians, (*ring[2 * start : 2 * start + 2], *ring[2 * end : 2 * end + 2])
    )
    half = math.sin((y2 - y1) / 2) ** 2 + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 2 * RADIUS_M * math.asin(math.sqrt(min(1.0, max(0.0, half))))

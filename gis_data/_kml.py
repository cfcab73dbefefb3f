"""KML, read with defusedxml: every Placemark is a row, its polygons are its geometry.

Document types, entities and external references are refused by the parser. A NetworkLink or overlay
is refused with the file: what it points at is not here, and nothing is fetched.
"""

import io
import math
from array import array
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from gis_data import _xml
from gis_data._rows import (
    Raw,
    RawRow,
    Refused,
    Ring,
    Rings,
    RowProblem,
    Value,
    multipolygon_wkb,
    plain_text,
    refused_row,
)

DEPTH_MAX = 64
_LINKS = {"NetworkLink", "NetworkLinkControl", "GroundOverlay", "ScreenOverlay", "PhotoOverlay"}
_NOT_AREAS = {"Point", "LineString", "LinearRing", "Model", "Track", "MultiTrack"}


def read(data: bytes, *, row_limit: int) -> Raw:
    """Return one row for each Placemark, in the order of the file."""
    rows: list[RawRow] = []
    depth = 0
    text, encoding = _xml.utf8(data)
    try:
        for event, element in iterparse(io.BytesIO(text), events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            name = _local(element)
            if event == "start":
                _may_open(name, depth)
            elif name == "Placemark":
                rows.append(_row(element))
                element.clear()
                if len(rows) > row_limit:
                    raise Refused("too_large", f"文件超过 {row_limit} 行。请分成几份。")
    except DefusedXmlException as error:
        raise Refused("xml_forbidden", "XML 里有 DTD、实体或外部引用，不读。") from error
    except (ParseError, LookupError, ValueError) as error:
        raise Refused("broken", f"不是完整的 KML：{str(error)[:80]}") from error
    fields = list(dict.fromkeys(name for row in rows for name in row.attributes))
    return Raw("KML", rows, fields, encoding, "EPSG:4326", False)


def _may_open(name: str, depth: int) -> None:
    if depth == 1 and name != "kml":
        raise Refused("unknown_format", f"是 XML，但根是“{name[:40]}”，不是 KML。")
    if depth > DEPTH_MAX:
        raise Refused("broken", f"KML 嵌套超过 {DEPTH_MAX} 层。")
    if name in _LINKS:
        raise Refused("kml_link", f"KML 里有 {name}，它指向别处的内容。请只保留地块的面再导出。")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _local(child) == name]


def _row(placemark: Element) -> RawRow:
    attributes: dict[str, Value] = {}
    try:
        attributes = _attributes(placemark)
        polygons: list[Rings] = []
        for child in placemark:
            _collect(child, polygons)
        return RawRow(multipolygon_wkb(polygons) if polygons else None, attributes)
    except RowProblem as problem:
        return refused_row(problem, attributes)


def _collect(element: Element, polygons: list[Rings]) -> None:
    name = _local(element)
    if name == "Polygon":
        polygons.append(_polygon(element))
    elif name == "MultiGeometry":
        for child in element:
            _collect(child, polygons)
    elif name in _NOT_AREAS:
        raise RowProblem("not_an_area", f"图形是 {name}，不是面。地块必须是面。")


def _polygon(element: Element) -> Rings:
    shells = [_ring(b) for boundary in _children(element, "outerBoundaryIs") for b in boundary]
    holes = [_ring(b) for boundary in _children(element, "innerBoundaryIs") for b in boundary]
    if len(shells) != 1:
        raise RowProblem("invalid", f"一个 Polygon 应有一个外环，这里有 {len(shells)} 个。")
    return [*shells, *holes]


def _ring(linear_ring: Element) -> Ring:
    ring = array("d")
    text = " ".join(child.text or "" for child in _children(linear_ring, "coordinates"))
    for position in text.split():
        try:
            numbers = [float(number) for number in position.split(",")]
        except ValueError as error:
            raise RowProblem("invalid", f"坐标“{position[:40]}”不是数。") from error
        if not 2 <= len(numbers) <= 3:
            raise RowProblem("invalid", f"坐标“{position[:40]}”应是“经度,纬度[,高程]”。")
        if not all(map(math.isfinite, numbers)):
            raise RowProblem("not_finite", "坐标里有 NaN 或无穷大。")
        ring.extend(numbers[:2])
    return ring


def _attributes(placemark: Element) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    for name in ("name", "description"):
        for child in _children(placemark, name):
            attributes[name] = plain_text((child.text or "").strip())
    for extended in _children(placemark, "ExtendedData"):
        for data in extended.iter():
            key: Any = data.get("name")
            if key is None or _local(data) not in ("Data", "SimpleData"):
                continue
            held = _children(data, "value")[:1] if _local(data) == "Data" else [data]
            attributes[plain_text(key)] = plain_text((held[0].text or "").strip()) if held else None
    return attributes

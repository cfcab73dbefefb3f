"""GeoJSON, read strictly: what is not plainly an area in RFC 7946 is refused, not guessed.

No NaN, no key twice, no nesting deeper than 32, no address in place of a body. The old ``crs`` member
is honoured; without one the coordinates are WGS 84, as the RFC says.
"""

import json
import re
from array import array
from collections.abc import Iterator
from typing import Any

from gis_data._rows import (
    Raw,
    RawRow,
    Refused,
    Ring,
    RowProblem,
    multipolygon_wkb,
    plain_text,
    refused_row,
)

DEPTH_MAX = 32
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
_BLANKS = re.compile(r"[ \t\n\r]*")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def read(data: bytes, *, row_limit: int) -> Raw:
    """Return the rows of a FeatureCollection, or the one of a Feature or a bare geometry.

    The features are taken one by one: all of them as objects need ten times the room of their text.
    """
    depth = _depth(data)
    if depth > DEPTH_MAX:
        raise Refused("broken", f"JSON 不完整，或嵌套超过 {DEPTH_MAX} 层。")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("encoding", "GeoJSON 必须是 UTF-8 编码。请另存为 UTF-8 后再交。") from error
    try:
        document, features = _parse(_Text(text), row_limit)
    except json.JSONDecodeError as error:
        raise Refused(
            "broken", f"不是完整的 JSON：第 {error.lineno} 行第 {error.colno} 列附近有错。"
        ) from error
    except (RecursionError, ValueError) as error:
        raise Refused("broken", "JSON 里有不能读的数或过深的嵌套。") from error
    crs, by_default = _crs(document)
    rows = _collected(document, features)
    if rows is None:
        rows = [row_of(_feature(document))]
    fields = list(dict.fromkeys(name for row in rows for name in row.attributes))
    return Raw("GeoJSON", rows, fields, "UTF-8", crs, by_default)


def row_of(feature: Any) -> RawRow:
    """Return the row of one Feature, its problem in it if it has one."""
    attributes: dict[str, Any] = {}
    try:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise RowProblem("invalid", "这一行不是 GeoJSON 的 Feature。")
        properties = feature.get("properties")
        if properties is not None and not isinstance(properties, dict):
            raise RowProblem("invalid", "这一行的 properties 不是对象。")
        attributes = {plain_text(k): _value(v) for k, v in (properties or {}).items()}
        if "geometry" not in feature:
            raise RowProblem("invalid", "这一行没有 geometry。")
        geometry = feature["geometry"]
        return RawRow(None if geometry is None else wkb_of(geometry), attributes)
    except RowProblem as problem:
        return refused_row(problem, attributes)


def wkb_of(geometry: Any) -> bytes | None:
    """Return the MULTIPOLYGON WKB of a GeoJSON geometry; None if its coordinates are empty."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise RowProblem("not_an_area", f"图形是 {str(kind)[:40]}，不是面。地块必须是面。")
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list):
        raise RowProblem("invalid", "坐标不是数组。")
    if not any(polygons):
        return None
    if not all(isinstance(rings, list) and rings for rings in polygons):
        raise RowProblem("invalid", "坐标的嵌套层数不对，或有空的部分。")
    return multipolygon_wkb([[_ring(ring) for ring in rings] for rings in polygons])


def _ring(positions: Any) -> Ring:
    if not isinstance(positions, list):
        raise RowProblem("invalid", "坐标的嵌套层数不对。")
    ring = array("d")
    for position in positions:
        # type() and not isinstance(): true and false are integers to Python.
        if (
            not isinstance(position, list)
            or not 2 <= len(position) <= 3
            or not all(type(number) in (int, float) for number in position)
        ):
            raise RowProblem("invalid", "坐标必须是两个或三个数。")
        try:
            ring.append(position[0])
            ring.append(position[1])
        except OverflowError as error:
            raise RowProblem("not_finite", "坐标大得不成数。") from error
        if len(position) == 3 and not -1e6 < position[2] < 1e6:
            raise RowProblem("not_finite", "高程不是有限数。")
    return ring


def _value(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return int(value) if isinstance(value, bool) else value
    if isinstance(value, float):
        if not -1e308 < value < 1e308:
            raise RowProblem("not_finite", "有一个属性是无穷大。")
        return value
    if isinstance(value, str):
        return plain_text(value)
    return plain_text(json.dumps(value, ensure_ascii=False))


class _Text:
    """JSON text, read value by value from ``at``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._decoder = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_unique)

    def next(self) -> str:
        """Return the next character that is no blank, without passing it; empty at the end."""
        blanks = _BLANKS.match(self.text, self.at)
        assert blanks is not None
        self.at = blanks.end()
        return self.text[self.at : self.at + 1]

    def take(self, mark: str) -> None:
        """Pass this character, which has to be next."""
        if self.next() != mark:
            raise json.JSONDecodeError(f"no {mark!r}", self.text, self.at)
        self.at += len(mark)

    def value(self) -> Any:
        """Return the next value and pass it."""
        self.next()
        value, self.at = self._decoder.raw_decode(self.text, self.at)
        return value

    def items(self, start: str, end: str) -> Iterator[None]:
        """Stop before each item of an array or object, which the caller has to pass."""
        self.take(start)
        if self.next() != end:
            yield
            while self.next() != end:
                self.take(",")
                yield
        self.take(end)


def _parse(text: _Text, row_limit: int) -> tuple[Any, list[RawRow] | None]:
    """Return the document, and the rows of its ``features`` where they are a list (it has none then)."""
    rows: list[RawRow] | None = None
    if text.next() != "{":
        document = text.value()
    else:
        members: list[tuple[str, Any]] = []
        for _ in text.items("{", "}"):
            name = text.value()
            if not isinstance(name, str):
                raise json.JSONDecodeError("no name", text.text, text.at)
            text.take(":")
            if name == "features" and text.next() == "[":
                rows = []
                for _ in text.items("[", "]"):
                    rows.append(row_of(text.value()))
                    if len(rows) > row_limit:
                        raise Refused("too_large", f"文件超过 {row_limit} 行。请分成几份。")
            members.append(
                (name, None if name == "features" and rows is not None else text.value())
            )
        document = _unique(members)
    if text.next():
        raise json.JSONDecodeError("more behind the end", text.text, text.at)
    return document, rows


def _depth(data: bytes) -> int:
    """Return how deep the brackets nest, or more than may be where they are not in pairs."""
    brackets = _STRINGS.sub(b"", data).translate(None, _NOT_BRACKETS)
    depth = 0
    while brackets and depth <= DEPTH_MAX:
        depth += 1
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return depth


def _no_constant(name: str) -> Any:
    raise Refused("broken", f"JSON 里有 {name}，这不是数。请检查导出这份文件的软件。")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise Refused("broken", f"同一对象里“{name[:40]}”出现两次，不知该取哪一个。")
        members[name] = value
    return members


def _crs(document: Any) -> tuple[str | None, bool]:
    if not isinstance(document, dict) or "crs" not in document:
        return "EPSG:4326", True
    crs = document["crs"]
    if crs is None:
        return None, False
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(crs, dict) or crs.get("type") != "name" or not isinstance(name, str):
        raise Refused("crs_refused", "crs 不是坐标系的名字。系统不到别处去取坐标系。")
    return name, False


def _collected(document: Any, features: list[RawRow] | None) -> list[RawRow] | None:
    """Return the rows of a FeatureCollection; None if the document is none."""
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        return None
    if features is None:
        raise Refused("broken", "FeatureCollection 没有 features。")
    return features


def _feature(document: Any) -> dict[str, Any]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "Feature":
        return dict(document)
    if kind in ("Polygon", "MultiPolygon"):
        return {"type": "Feature", "properties": None, "geometry": document}
    raise Refused("unknown_format", "是 JSON，但不是 GeoJSON 的 FeatureCollection、Feature 或面。")

"""Shapefiles, read by GDAL from a copy whose table it cannot misread.

GDAL was seen to read GBK as Latin-1 without a word, to fail on a Chinese field name cut inside a
character, to leave out deleted rows, to round long codes, and to cut "10.5" to 10 where the table says
whole numbers. So the encoding is found out here, and in the copy every column is text under a short
name and no row is deleted. Of the outlines GDAL is asked one question more: whether it took every
ring, and none of them for the opposite of what it is. Source: ESRI Shapefile Technical Description,
July 1998; dBase III table.
"""

import itertools
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gis_data import _gdal, _wkb
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
    plain_text,
    refused_row,
)

AREAS = (5, 15, 25)  # Polygon, PolygonZ, PolygonM
OTHERS = {1: "Point", 3: "PolyLine", 8: "MultiPoint", 31: "MultiPatch"}
# dBase language byte -> Python codec. GBK and GB2312 are parts of GB18030.
LANGUAGES = {
    0x4D: "gb18030",
    0x7A: "gb18030",
    0x4F: "cp950",
    0x78: "cp950",
    0x13: "cp932",
    0x4E: "cp949",
}
LANGUAGES |= {0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x58: "cp1252", 0x59: "cp1252"}
ENCODINGS = {
    **dict.fromkeys(("utf-8", "utf8", "65001", "cp65001"), "utf-8"),
    **dict.fromkeys(("gbk", "gb2312", "gb18030", "936", "cp936", "ansi936", "chinese"), "gb18030"),
    **dict.fromkeys(("big5", "950", "cp950", "ansi950"), "cp950"),
    **dict.fromkeys(("iso-8859-1", "iso88591", "88591", "latin1", "latin-1"), "latin-1"),
    **dict.fromkeys(("1252", "cp1252", "ansi1252", "windows-1252"), "cp1252"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the table: where it stands in the record and what kind it is."""

    name: bytes
    kind: str
    start: int
    width: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Table:
    """The table: ``records`` is their bytes, each ``size`` long, behind a head of ``head`` bytes."""

    records: bytes
    size: int
    head: int
    fields: list[Field]


def read(parts: Mapping[str, bytes], *, encoding: str | None, row_limit: int, staging: Path) -> Raw:
    """Return the rows of the shapefile whose ``parts`` are given by ending (shp, shx, dbf, prj, cpg).

    Parameters
    ----------
    staging : folder for the copy that GDAL reads

    Raises
    ------
    Refused
        ``shapefile_part_missing``, ``broken``, ``too_large``, ``encoding``.
    """
    for part in ("shp", "shx", "dbf"):
        if part not in parts:
            raise Refused(
                "shapefile_part_missing",
                f"缺少 .{part} 文件。一份 shapefile 至少要有 .shp、.shx、.dbf，请一起交（可压缩成一个 .zip）。",
            )
    heads = _heads(parts["shx"], parts["shp"])
    if len(heads) > row_limit:
        raise Refused("too_large", f"文件有 {len(heads)} 行，一次最多 {row_limit} 行。请分成几份。")
    table = _table(parts["dbf"])
    marks = table.records[:: table.size]
    if len(marks) != len(heads):
        raise Refused(
            "broken", f".shx 有 {len(heads)} 个图形，.dbf 有 {len(marks)} 行属性，两者对不上。"
        )
    codec = _codec(parts, table.records, table.size, table.fields, encoding)
    names = _names(table.fields, codec)
    outlines, columns = _by_gdal(parts, table, staging, len(heads))
    rows = [
        _row(mark, head, wkb, dict(zip(names, values, strict=True)), table.fields, codec)
        for mark, head, wkb, *values in zip(marks, heads, outlines, *columns, strict=True)
    ]
    crs = parts["prj"].decode("utf-8-sig", "replace").strip() if "prj" in parts else None
    shown = {"gb18030": "GB18030", "utf-8": "UTF-8"}.get(codec, codec)
    return Raw("ESRI Shapefile", rows, names, shown, crs or None, False)


def _heads(shx: bytes, shp: bytes) -> list[tuple[int, int, int]]:
    """Return kind, rings and points that each record of the .shp says it has."""
    for name, data in (("shp", shp), ("shx", shx)):
        if len(data) < 100 or data[:4] != b"\x00\x00\x27\x0a":
            raise Refused("broken", f".{name} 的文件头不对。")
        if 2 * int.from_bytes(data[24:28], "big") > len(data):
            raise Refused("broken", f".{name} 不完整：比文件头里写的短。请重新导出或重新传送。")
    count, rest = divmod(2 * int.from_bytes(shx[24:28], "big") - 100, 8)
    if rest or count < 0:
        raise Refused("broken", ".shx 的长度不对。")
    heads = []
    for offset, length in struct.iter_unpack(">ii", shx[100 : 100 + 8 * count]):
        start, size = 2 * offset + 8, 2 * length
        if offset < 50 or length < 2 or start + size > len(shp):
            raise Refused("broken", ".shx 指到了 .shp 之外。")
        if struct.unpack_from(">i", shp, start - 4)[0] != length:
            raise Refused("broken", ".shx 与 .shp 里写的记录长度不一致。")
        kind = struct.unpack_from("<i", shp, start)[0]
        rings, points = struct.unpack_from("<ii", shp, start + 36) if size >= 44 else (-1, -1)
        heads.append((kind, rings, points))
    return heads


def _table(dbf: bytes) -> Table:
    if len(dbf) < 33:
        raise Refused("broken", ".dbf 太短。")
    count, head, size = struct.unpack_from("<IHH", dbf, 4)
    fields: list[Field] = []
    start = 1
    for at in range(32, min(head, len(dbf)) - 31, 32):
        if dbf[at] == 0x0D:
            break
        name, kind, width, decimals = struct.unpack_from("<11sc4xBB", dbf, at)
        fields.append(Field(name.split(b"\0")[0], kind.decode("latin-1"), start, width, decimals))
        start += width
    # Clipper wrote the width of text beyond 255 in two bytes, which GDAL reads as if it were one.
    wide = [field for field in fields if field.kind == "C" and field.decimals]
    if wide and start != size == start + 256 * sum(field.decimals for field in wide):
        raise Refused("broken", ".dbf 有超过 254 字节的文字字段。请改短，或改用 GeoPackage。")
    size = max(size, 1)  # A table of no fields says 0; each record still has its mark of deletion.
    if len(fields) > FIELDS_MAX or start > size or head + count * size > len(dbf):
        raise Refused("broken", ".dbf 不完整，或字段与记录长度不符。请重新导出或重新传送。")
    return Table(dbf[head : head + count * size], size, head, fields)


def _codec(
    parts: Mapping[str, bytes], table: bytes, size: int, fields: list[Field], encoding: str | None
) -> str:
    """Return the codec of names and text: the one given, else .cpg, language byte, then a test."""
    cpg = parts.get("cpg", b"").decode("ascii", "replace").strip().strip("\ufeff\0")
    said = encoding or cpg
    if said:
        codec = ENCODINGS.get(said.lower().replace(" ", "").replace("_", "-"))
        if codec is None:
            raise Refused(
                "encoding",
                f"不认识文字编码“{said[:40]}”。请把文字编码指定为 GBK 或 UTF-8。",
            )
        if not _decodes(table, size, fields, codec):
            raise Refused(
                "encoding",
                f"文字不是{'给出' if encoding else '.cpg 里写'}的编码“{said[:40]}”。请指定正确的文字编码。",
            )
        return codec
    language = LANGUAGES.get(parts["dbf"][29])
    for codec in (language, "utf-8", "gb18030"):
        if codec and _decodes(table, size, fields, codec):
            return codec
    raise Refused("encoding", "看不出文字编码。请指定一种，例如 GBK。")


def _decodes(table: bytes, size: int, fields: list[Field], codec: str) -> bool:
    """Return whether all names and text are strictly in the codec, a cut last character aside."""
    text = [field for field in fields if field.kind == "C"]
    try:
        for field in fields:
            _decode(field.name, codec)
        for record in range(0, len(table), size):
            for field in text:
                piece = table[record + field.start : record + field.start + field.width]
                if not piece.isascii():
                    _decode(piece.rstrip(b" \0"), codec)
    except UnicodeDecodeError:
        return False
    return True


def _decode(piece: bytes, codec: str) -> str:
    """Return the text; a character that the width of the field cut in two is left out."""
    try:
        return piece.decode(codec)
    except UnicodeDecodeError as error:
        if error.start >= len(piece) - 3 and error.start > 0:
            return piece[: error.start].decode(codec)
        raise


def _names(fields: list[Field], codec: str) -> list[str]:
    said = [_decode(field.name, codec).strip() for field in fields]
    return distinct([name or f"field_{number}" for number, name in enumerate(said)])


def _by_gdal(
    parts: Mapping[str, bytes], table: Table, staging: Path, count: int
) -> tuple[list[bytes | None], list[list[Any]]]:
    """Return the geometry of every record, and every column as its bytes, shown as Latin-1."""
    place = staging / "land.shp"
    place.write_bytes(parts["shp"])
    place.with_suffix(".shx").write_bytes(parts["shx"])
    place.with_suffix(".dbf").write_bytes(_copy_for_gdal(parts["dbf"], table))
    if count == 0:
        return [], [[] for _ in table.fields]
    # Memo, picture, time stamp, binary number: nothing about a parcel is kept in these.
    shown = [f"F{n}" for n, field in enumerate(table.fields) if field.kind in "CNFDL"]
    # As Latin-1 every byte comes through. GDAL's own decoder fails on a file in which the width of a
    # column cut one character of UTF-8 in two.
    numbers, outlines, columns = _gdal.read(place, encoding="ISO-8859-1", columns=shown)
    if numbers != list(range(count)):
        raise Refused("broken", f"文件有 {count} 行，只读出 {len(numbers)} 行。请重新导出。")
    if columns.keys() != set(shown):
        raise Refused("broken", ".dbf 的字段没有全部读出。请重新导出。")
    empty: list[Any] = [None] * count
    return outlines, [columns.get(f"F{n}", empty) for n in range(len(table.fields))]


def _copy_for_gdal(dbf: bytes, table: Table) -> bytes:
    """Return the table with columns of text named F0, F1, ..., and no row marked as deleted."""
    copy = bytearray(dbf)
    copy[29] = 0
    for n in range(len(table.fields)):
        at = 32 + 32 * n
        copy[at : at + 12] = f"F{n}".encode().ljust(11, b"\0") + b"C"
        copy[at + 17] = 0
    end = table.head + len(table.records)
    copy[table.head : end] = table.records.replace(b"\0", b" ")  # GDAL ends a text at NUL.
    copy[table.head : end : table.size] = b" " * (len(table.records) // table.size)
    return bytes(copy)


def _row(
    mark: int,
    head: tuple[int, int, int],
    wkb: bytes | None,
    texts: dict[str, str | None],
    fields: list[Field],
    codec: str,
) -> RawRow:
    attributes: dict[str, Value] = {}
    try:
        for (name, text), field in zip(texts.items(), fields, strict=True):
            attributes[name] = _value(field, text, codec)
        if mark == ord("*"):
            raise RowProblem(
                "deleted", "这一行在 .dbf 里标记为已删除，而图形还在。请整理（Pack）后再交。"
            )
        return RawRow(_outline(wkb, *head), attributes)
    except RowProblem as problem:
        return refused_row(problem, attributes)


def _value(field: Field, shown: str | None, codec: str) -> Value:
    try:
        text = plain_text(_decode((shown or "").encode("latin-1"), codec).strip())
    except UnicodeDecodeError as error:
        raise RowProblem("bad_text", f"有一个字段的文字不是 {codec} 编码。") from error
    if field.kind not in "NF":
        return None if not text or (field.kind == "L" and text == "?") else text
    if not text or set(text) == {"*"}:
        return None  # Stars are how a table says that the number did not fit.
    if text[0] == "0" and text.isdigit() and len(text) > 1:
        return text  # A code: as a number it would lose its zeros.
    try:
        return int(text) if field.decimals == 0 and "." not in text else _finite(text)
    except ValueError:
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _outline(wkb: bytes | None, kind: int, rings: int, points: int) -> bytes | None:
    if kind == 0:
        return None
    if kind not in AREAS:
        name = OTHERS.get(kind % 10, OTHERS.get(kind, str(kind)))
        raise RowProblem("not_an_area", f"图形是 {name}，不是面。地块必须是面。")
    if rings == 0 or points == 0:
        return None
    if wkb is None:
        raise RowProblem("broken", f"图形记录写着 {rings} 个环、{points} 个点，记录里放不下。")
    polygons = _wkb.polygons(wkb)
    taken = [ring for polygon in polygons for ring in polygon]
    taken_points = sum(len(ring) // 2 for ring in taken)
    if (len(taken), taken_points) != (rings, points):
        raise RowProblem(
            "broken",
            f"图形记录写着 {rings} 个环、{points} 个点，只读出 {len(taken)}、{taken_points}。",
        )
    taken_wkb = multipolygon_wkb(polygons)
    if rings > 1:
        _refuse_guessed_rings(polygons)
    return taken_wkb


def _refuse_guessed_rings(polygons: list[Rings]) -> None:
    """Refuse an outline whose rings run otherwise than their places say.

    Shells run clockwise and holes anticlockwise, or a file has it the other way throughout. GDAL goes
    by place alone where the two differ: a hole outside its shell becomes land.
    """
    shells = {_is_anticlockwise(polygon[0]) for polygon in polygons}
    holes = {_is_anticlockwise(hole) for polygon in polygons for hole in polygon[1:]}
    if len(shells) != 1 or shells & holes:
        raise RowProblem(
            "invalid", "环的方向与位置不符：有的洞不在任何外环之内。哪一环是地块，不能猜。"
        )


def _is_anticlockwise(ring: Ring) -> bool:
    """Return which way the ring runs, by its area about its first point."""
    x0, y0 = ring[0], ring[1]
    xs, ys = [x - x0 for x in ring[0::2]], [y - y0 for y in ring[1::2]]
    pairs = zip(itertools.pairwise(xs), itertools.pairwise(ys), strict=True)
    return sum(x1 * y2 - x2 * y1 for (x1, x2), (y1, y2) in pairs) > 0.0

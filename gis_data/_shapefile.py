"""Shapefiles, read byte by byte from their published description.

Not through GDAL, which was seen to read GBK as Latin-1 without a word, to fail on a Chinese field
name cut inside a character, to leave out deleted rows, and to sort rings anew so that a hole outside
its shell becomes land. Source: ESRI Shapefile Technical Description, July 1998; dBase III table.
"""

import itertools
import math
import struct
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from gis_data._rows import (
    FIELDS_MAX,
    Raw,
    RawRow,
    Refused,
    Ring,
    Rings,
    RowProblem,
    Value,
    multipolygon_wkb,
    plain_text,
)

POLYGONS = {5: "Polygon", 15: "PolygonZ", 25: "PolygonM"}
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


def read(parts: Mapping[str, bytes], *, encoding: str | None, row_limit: int) -> Raw:
    """Return the rows of the shapefile whose ``parts`` are given by ending (shp, shx, dbf, prj, cpg).

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
    places = _index(parts["shx"], parts["shp"])
    if len(places) > row_limit:
        raise Refused(
            "too_large", f"文件有 {len(places)} 行，一次最多 {row_limit} 行。请分成几份。"
        )
    table, size, fields = _table(parts["dbf"])
    records = len(table) // size
    if records != len(places):
        raise Refused(
            "broken", f".shx 有 {len(places)} 个图形，.dbf 有 {records} 行属性，两者对不上。"
        )
    codec = _codec(parts, table, size, fields, encoding)
    names = _names(fields, codec)
    rows = [
        _row(parts["shp"], place, table[row * size : (row + 1) * size], fields, names, codec)
        for row, place in enumerate(places)
    ]
    crs = parts["prj"].decode("utf-8-sig", "replace").strip() if "prj" in parts else None
    shown = {"gb18030": "GB18030", "utf-8": "UTF-8"}.get(codec, codec)
    return Raw("ESRI Shapefile", rows, names, shown, crs or None, False)


def _index(shx: bytes, shp: bytes) -> list[tuple[int, int]]:
    """Return (offset, length) in bytes of each record's content in the .shp."""
    for name, data in (("shp", shp), ("shx", shx)):
        if len(data) < 100 or data[:4] != b"\x00\x00\x27\x0a":
            raise Refused("broken", f".{name} 的文件头不对。")
        if 2 * int.from_bytes(data[24:28], "big") > len(data):
            raise Refused("broken", f".{name} 不完整：比文件头里写的短。请重新导出或重新传送。")
    count, rest = divmod(2 * int.from_bytes(shx[24:28], "big") - 100, 8)
    if rest or count < 0:
        raise Refused("broken", ".shx 的长度不对。")
    places = []
    for offset, length in struct.iter_unpack(">ii", shx[100 : 100 + 8 * count]):
        start, size = 2 * offset + 8, 2 * length
        if offset < 50 or length < 2 or start + size > len(shp):
            raise Refused("broken", ".shx 指到了 .shp 之外。")
        if struct.unpack_from(">i", shp, start - 4)[0] != length:
            raise Refused("broken", ".shx 与 .shp 里写的记录长度不一致。")
        places.append((start, size))
    return places


def _table(dbf: bytes) -> tuple[bytes, int, list[Field]]:
    """Return the records, the size of one, and the fields."""
    if len(dbf) < 33:
        raise Refused("broken", ".dbf 太短。")
    count, header, size = struct.unpack_from("<IHH", dbf, 4)
    heads: list[tuple[bytes, bytes, int, int]] = []
    for at in range(32, min(header, len(dbf)) - 31, 32):
        if dbf[at] == 0x0D:
            break
        heads.append(struct.unpack_from("<11sc4xBB", dbf, at))
    # Clipper and FoxPro wrote the width of long text in two bytes; others left rubbish in the second.
    two_bytes = 1 + sum(w + 256 * d * (kind == b"C") for _, kind, w, d in heads) == size
    fields: list[Field] = []
    start = 1
    for name, kind, width, decimals in heads:
        if kind == b"C":
            width, decimals = width + 256 * decimals * two_bytes, 0
        fields.append(Field(name.split(b"\0")[0], kind.decode("latin-1"), start, width, decimals))
        start += width
    size = max(size, 1)  # A table of no fields says 0; each record still has its mark of deletion.
    if len(fields) > FIELDS_MAX or start > size or header + count * size > len(dbf):
        raise Refused("broken", ".dbf 不完整，或字段与记录长度不符。请重新导出或重新传送。")
    return dbf[header : header + count * size], size, fields


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
                f"不认识文字编码“{said[:40]}”。请用 --encoding GBK 或 --encoding UTF-8 给出。",
            )
        if not _decodes(table, size, fields, codec):
            raise Refused(
                "encoding",
                f"文字不是{'给出' if encoding else '.cpg 里写'}的编码“{said[:40]}”。请用 --encoding 给出正确的。",
            )
        return codec
    language = LANGUAGES.get(parts["dbf"][29])
    for codec in (language, "utf-8", "gb18030"):
        if codec and _decodes(table, size, fields, codec):
            return codec
    raise Refused("encoding", "看不出文字编码。请用 --encoding 给出，例如 --encoding GBK。")


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
    names: list[str] = []
    for number, field in enumerate(fields):
        name = _decode(field.name, codec).strip() or f"field_{number}"
        while name in names:
            name += "_"
        names.append(name)
    return names


def _row(
    shp: bytes,
    place: tuple[int, int],
    record: bytes,
    fields: list[Field],
    names: list[str],
    codec: str,
) -> RawRow:
    attributes: dict[str, Value] = {}
    try:
        for name, field in zip(names, fields, strict=True):
            attributes[name] = _value(field, record[field.start : field.start + field.width], codec)
        if record[:1] == b"*":
            raise RowProblem(
                "deleted", "这一行在 .dbf 里标记为已删除，而图形还在。请整理（Pack）后再交。"
            )
        return RawRow(_wkb(shp, *place), attributes)
    except RowProblem as problem:
        return RawRow(None, attributes, (problem.code, problem.message))


def _value(field: Field, piece: bytes, codec: str) -> Value:
    if field.kind == "I" and field.width == 4:
        return int.from_bytes(piece, "little", signed=True)
    if field.kind == "O" and field.width == 8:
        number = struct.unpack("<d", piece)[0]
        return number if math.isfinite(number) else None
    if field.kind not in "CNFDL":
        return None  # Memo, picture, time stamp: nothing about a parcel is kept in these.
    text = plain_text(_decode(piece.rstrip(b" \0"), codec).strip().replace("\0", ""))
    if field.kind not in "NF":
        return None if not text or (field.kind == "L" and text == "?") else text
    if not text or set(text) == {"*"}:
        return None  # Stars are how a table says that the number did not fit.
    try:
        return int(text) if field.decimals == 0 and "." not in text else _finite(text)
    except ValueError:
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _wkb(shp: bytes, start: int, size: int) -> bytes | None:
    kind = struct.unpack_from("<i", shp, start)[0]
    if kind == 0:
        return None
    if kind not in POLYGONS:
        name = OTHERS.get(kind % 10, OTHERS.get(kind, str(kind)))
        raise RowProblem("not_an_area", f"图形是 {name}，不是面。地块必须是面。")
    if size < 44:
        raise RowProblem("broken", "图形记录太短。")
    parts, points = struct.unpack_from("<ii", shp, start + 36)
    xy_at = start + 44 + 4 * parts
    # Both counts are bounded by the record before anything is made of that size.
    if parts < 0 or points < 0 or 44 + 4 * parts + 16 * points > size:
        raise RowProblem("broken", f"图形记录写着 {parts} 个环、{points} 个点，记录里放不下。")
    if parts == 0 or points == 0:
        return None
    first = [*struct.unpack_from(f"<{parts}i", shp, start + 44), points]
    if first[0] != 0 or any(b <= a for a, b in itertools.pairwise(first)):
        raise RowProblem("broken", "图形记录里环的起点不对。")
    if kind == 15:
        z_at = xy_at + 16 * points + 16
        if z_at + 8 * points > start + size:
            raise RowProblem("broken", "图形记录里缺高程。")
        if not all(map(math.isfinite, struct.unpack_from(f"<{points}d", shp, z_at))):
            raise RowProblem("not_finite", "高程里有 NaN 或无穷大。")
    numbers = array("d", struct.unpack_from(f"<{2 * points}d", shp, xy_at))
    rings = [numbers[2 * a : 2 * b] for a, b in itertools.pairwise(first)]
    return multipolygon_wkb(_assembled(rings))


def _assembled(rings: list[Ring]) -> list[Rings]:
    """Return the polygons made of the rings: clockwise shells, each with the holes in it.

    A lone ring is a shell whichever way it runs, and a file may run the other way throughout. Rings
    that fit neither reading are refused: which of them is land would be a guess.
    """
    if len(rings) == 1:
        return [rings]
    turns = [_twice_signed_area(ring) for ring in rings]
    for sense in (-1.0, 1.0):
        shells = [[ring] for ring, turn in zip(rings, turns, strict=True) if turn * sense > 0]
        holes = [ring for ring, turn in zip(rings, turns, strict=True) if turn * sense <= 0]
        if shells and all([_into_shell(hole, shells) for hole in holes]):
            return shells
    raise RowProblem(
        "invalid", "环的方向与位置不符：有的洞不在任何外环之内。哪一环是地块，不能猜。"
    )


def _into_shell(hole: Ring, shells: list[Rings]) -> bool:
    """Put the hole into the smallest shell that holds it; False if none does."""
    holding = [shell for shell in shells if _box_holds(shell[0], hole)]
    if len(holding) > 1:
        holding = [shell for shell in holding if _holds(shell[0], hole)]
    if not holding:
        return False
    # That a hole is in the box of its shell and yet outside it is for the check of validity to say.
    min(holding, key=lambda shell: abs(_twice_signed_area(shell[0]))).append(hole)
    return True


def _holds(shell: Ring, hole: Ring) -> bool:
    # A hole may touch its shell in single points, so one vertex would not do.
    step = 2 * max(1, len(hole) // 32)
    sample = range(0, len(hole) - 2, step)
    return 2 * sum(_inside(shell, hole[i], hole[i + 1]) for i in sample) > len(sample)


def _box_holds(outer: Ring, inner: Ring) -> bool:
    return all(
        min(outer[axis::2]) <= min(inner[axis::2]) and max(inner[axis::2]) <= max(outer[axis::2])
        for axis in (0, 1)
    )


def _inside(ring: Ring, x: float, y: float) -> bool:
    odd = False
    for i in range(0, len(ring) - 2, 2):
        x0, y0, x1, y1 = ring[i : i + 4]
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            odd = not odd
    return odd


def _twice_signed_area(ring: Ring) -> float:
    """Return twice the planar area, positive if the ring runs anticlockwise."""
    x0, y0 = ring[0], ring[1]  # Near the origin, so that large coordinates lose no digits.
    return sum(
        (ring[i] - x0) * (ring[i + 3] - y0) - (ring[i + 2] - x0) * (ring[i + 1] - y0)
        for i in range(0, len(ring) - 2, 2)
    )

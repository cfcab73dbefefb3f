"""Tables as text: comma, semicolon or tab between the cells, in UTF-8, UTF-16 or GB18030.

Every cell is text, so that 0012 stays 0012; whatever a cell begins with, it is no formula here.
"""

import codecs
import csv
import io
from collections.abc import Mapping

from gis_data import _tables
from gis_data._rows import FIELDS_MAX, Raw, Refused, Value
from gis_data._tables import Formula

LINES_MAX = 3_000_001
CELL_CHARACTERS_MAX = 20_000_000  # the text of an outline of 500,000 corners
DELIMITERS = ",;\t"
_HEAD_BYTES = 65_536
_CHUNK_BYTES = 2**20
_NAMES = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB18030"}


def delimiter_of(data: bytes, outline: Mapping[str, str] | None) -> tuple[str, str] | None:
    """Return codec and delimiter if the first lines can be a table of text; None if they cannot.

    The delimiter is the one that makes a head of outlines; the commas within an outline are none.
    """
    codec = codec_of(data)
    if codec is None:
        return None
    head = codecs.getincrementaldecoder(codec)("replace").decode(data[:_HEAD_BYTES])
    if "\0" in head:
        return None
    lines = [line for line in head.splitlines() if line.strip()][: _tables.HEAD_LINES]
    marks = [mark for mark in DELIMITERS if any(mark in line for line in lines)]
    for mark in marks:
        cells = [next(iter(csv.reader([line], delimiter=mark))) for line in lines]
        if _tables.is_head(cells, outline):
            return codec, mark
    return (codec, marks[0]) if marks else None


def codec_of(data: bytes) -> str | None:
    """Return the codec in which the whole text is read: by its mark, else UTF-8, else GB18030."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16" if _decodes(data, "utf-16") else None
    for codec in ("utf-8-sig", "gb18030"):
        if _decodes(data, codec):
            return codec
    return None


def _decodes(data: bytes, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    view = memoryview(data)
    try:
        for start in range(0, len(data), _CHUNK_BYTES):
            decoder.decode(view[start : start + _CHUNK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def read(
    data: bytes,
    codec: str,
    delimiter: str,
    *,
    outline: Mapping[str, str] | None,
    row_limit: int,
) -> Raw:
    """Return the rows of the table."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    stream = io.TextIOWrapper(io.BytesIO(data), encoding=codec, newline="")
    lines: list[tuple[int, list[Value | Formula]]] = []
    try:
        for cells in csv.reader(stream, delimiter=delimiter, strict=True):
            if len(cells) > FIELDS_MAX:
                raise Refused(
                    "broken", f"第 {len(lines) + 1} 行有 {len(cells)} 格，最多 {FIELDS_MAX} 格。"
                )
            lines.append((len(lines) + 1, [cell.strip() or None for cell in cells]))
            if len(lines) > LINES_MAX:
                raise Refused("too_large", f"文件超过 {LINES_MAX - 1} 行。请分成几份。")
    except csv.Error as error:
        raise Refused(
            "broken", f"第 {len(lines) + 1} 行附近的引号或格子有错：{str(error)[:60]}"
        ) from error
    found = _tables.table(lines, outline)
    if found is None:
        raise _tables.no_outlines(str(cell) for _, cells in lines[:1] for cell in cells)
    return _tables.read("CSV", _NAMES[codec], [found], row_limit=row_limit)

"""Workbooks of Excel (.xlsx), read strictly from their XML: values as they were saved, nothing worked out.

A formula is told apart from a value, which the usual readers do not do in one pass; it is never
evaluated. Macros, links to other workbooks and connections refuse the file: nothing here would follow
them, and the next person who opens the file would. Widths and heights that the file claims are not
believed. Source: ECMA-376, part 1, clauses 18.3, 18.4 and 18.8.
"""

import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from gis_data import _tables
from gis_data._rows import FIELDS_MAX, Raw, Refused, Value
from gis_data._tables import Formula, Table

BOOK = "xl/workbook.xml"
ACTIVE = re.compile(
    r"xl/(vbaProject|externalLinks/|connections|activeX/|embeddings/|queryTables/)", re.I
)
LINES_MAX = 1_048_576
STRINGS_MAX = 2_000_000
DEPTH_MAX = 64
# Formats 14-22 and 45-47 are dates and times; 27-36 and 50-58 are those of East Asian Excel.
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}
_SERIAL_MIN, _SERIAL_MAX = 61, 2_958_465  # from 1900-03-01, Excel's leap day behind it, to 9999

Cell = Value | Formula


def read(
    parts: Mapping[str, bytes],
    *,
    layer: str | None,
    outline: Mapping[str, str] | None,
    row_limit: int,
) -> Raw:
    """Return the rows of the sheet that holds outlines, joined with its sheet of corners if it has one.

    Parameters
    ----------
    parts : the XML of the workbook by name
    layer : name of a sheet, where several hold outlines
    """
    for name in parts:
        if ACTIVE.match(name):
            raise Refused(
                "xlsx_active",
                "Excel 文件里有宏、外部链接或数据连接，不读。请另存为普通的 .xlsx 再交。",
            )
    try:
        return _read(parts, layer, outline, row_limit)
    except DefusedXmlException as error:
        raise Refused(
            "xml_forbidden", "Excel 文件的 XML 里有 DTD、实体或外部引用，不读。"
        ) from error
    except (ParseError, LookupError, ValueError, OverflowError) as error:
        raise Refused("broken", f"Excel 文件已损坏：{str(error)[:80]}") from error


def _read(
    parts: Mapping[str, bytes], layer: str | None, outline: Mapping[str, str] | None, row_limit: int
) -> Raw:
    sheets, since_1904 = _sheets(parts)
    if layer is not None:
        if layer not in sheets:
            raise Refused(
                "layer_missing", f"没有工作表“{layer[:40]}”。有：{'、'.join(sheets)[:200]}。"
            )
        sheets = {layer: sheets[layer]}
    strings = _strings(parts.get("xl/sharedStrings.xml", b""))
    formats = _formats(parts.get("xl/styles.xml", b""))
    found: dict[str, Table] = {}
    heads: list[str] = []
    for name, part in sheets.items():
        lines = list(_lines(parts[part], strings, formats, since_1904))
        table = _tables.table(lines, outline if len(sheets) == 1 or _has(lines, outline) else None)
        if table is not None and table.lines:
            found[name] = table
        elif lines:
            heads += [str(cell) for cell in lines[0][1]]
    if not found:
        raise _tables.no_outlines(heads)
    kinds = sorted(table.by_vertex for table in found.values())
    if len(kinds) > 1 and kinds != [False, True]:
        raise Refused(
            "several_layers",
            f"有 {len(found)} 个工作表写着边界，请在“图层名”里写明读哪一个：{'、'.join(found)[:200]}。",
        )
    return _tables.read("XLSX", "UTF-8", list(found.values()), row_limit=row_limit)


def _has(lines: list[tuple[int, list[Cell]]], outline: Mapping[str, str] | None) -> bool:
    said = {str(cell) for _, cells in lines[: _tables.HEAD_LINES] for cell in cells}
    return bool(outline) and set((outline or {}).values()) <= said


def _elements(data: bytes, wanted: set[str]) -> Iterator[Element]:
    """Give the elements of these names as each ends, and forget them after they were looked at."""
    open_elements: list[Element] = []
    for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            open_elements.append(element)
            if len(open_elements) > DEPTH_MAX:
                raise Refused("broken", f"Excel 文件的 XML 嵌套超过 {DEPTH_MAX} 层。")
            continue
        open_elements.pop()
        if _local(element) in wanted:
            yield element
            if open_elements:
                open_elements[-1].clear()


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _attribute(element: Element, name: str) -> str | None:
    """Return an attribute, whatever namespace it has."""
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def _sheets(parts: Mapping[str, bytes]) -> tuple[dict[str, str], bool]:
    """Return the visible sheets with the part that holds each, and whether days count from 1904."""
    targets = {}
    for one in _elements(parts.get("xl/_rels/workbook.xml.rels", b""), {"Relationship"}):
        if one.get("TargetMode") != "External":
            target = str(one.get("Target", ""))
            targets[one.get("Id")] = (
                target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            )
    sheets: dict[str, str] = {}
    since_1904 = False
    for one in _elements(parts[BOOK], {"sheet", "workbookPr"}):
        if _local(one) == "workbookPr":
            since_1904 = one.get("date1904") in ("1", "true")
            continue
        part = targets.get(_relation(one))
        if one.get("state", "visible") == "visible" and part in parts:
            assert part is not None
            sheets[str(one.get("name", ""))] = part
    if not sheets:
        raise Refused("no_layer", "Excel 文件里没有看得见的工作表。")
    return sheets, since_1904


def _relation(sheet: Element) -> str | None:
    for key, value in sheet.items():
        if key.endswith("}id"):
            return str(value)
    return None


def _strings(data: bytes) -> list[str]:
    """Return the texts that cells share, the reading aids of East Asian text left out."""
    strings: list[str] = []
    for item in _elements(data, {"si"}) if data else ():
        strings.append(_text(item))
        if len(strings) > STRINGS_MAX:
            raise Refused("too_large", "Excel 文件里的文字太多。请分成几份。")
    return strings


def _text(item: Element) -> str:
    pieces = []
    for child in item:
        if _local(child) == "t":
            pieces.append(child.text or "")
        elif _local(child) == "r":
            pieces += [run.text or "" for run in child if _local(run) == "t"]
    # Characters that XML cannot hold are written _x000D_.
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), "".join(pieces))


def _formats(data: bytes) -> list[str | bool]:
    """Return for each style whether it shows dates, or how many digits it fills with zeros."""
    codes: dict[int, str] = {}
    styles: list[int] = []
    for one in _elements(data, {"numFmts", "cellXfs"}) if data else ():
        for child in one:
            if _local(one) == "numFmts":
                codes[int(child.get("numFmtId", "0"))] = str(child.get("formatCode", ""))
            else:
                styles.append(int(child.get("numFmtId", "0")))
    return [_format(number, codes.get(number, "")) for number in styles]


def _format(number: int, code: str) -> str | bool:
    if re.fullmatch(r"0{2,20}", code):
        return code
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.', "", code)
    return number in _DATE_FORMATS or bool(re.search(r"[ymdhs年月日]", bare, re.I))


def _lines(
    data: bytes, strings: list[str], formats: list[str | bool], since_1904: bool
) -> Iterator[tuple[int, list[Cell]]]:
    """Give number and cells of each line that has any."""
    number = 0
    for row in _elements(data, {"row"}):
        number = int(row.get("r", number + 1))
        if number > LINES_MAX:
            raise Refused("broken", "Excel 文件的行号超出范围。")
        cells: list[Cell] = []
        for cell in row:
            if _local(cell) != "c":
                continue
            place = _column(cell.get("r"), len(cells))
            value = _value(cell, strings, formats, since_1904)
            if value is None:
                continue
            if place >= FIELDS_MAX:
                raise Refused("broken", f"Excel 文件超过 {FIELDS_MAX} 列。")
            cells += [None] * (place + 1 - len(cells))
            cells[place] = value
        if cells:
            yield number, cells


def _column(reference: str | None, following: int) -> int:
    """Return the column, from 0, of ``BC12``."""
    if reference is None:
        return following
    found = re.fullmatch(r"([A-Z]{1,3})\d{1,7}", reference)
    if not found:
        raise Refused("broken", f"Excel 文件的格子“{reference[:20]}”不成位置。")
    place = 0
    for letter in found[1]:
        place = 26 * place + ord(letter) - 64
    return place - 1


def _value(cell: Element, strings: list[str], formats: list[str | bool], since_1904: bool) -> Cell:
    kind = cell.get("t", "n")
    text, is_formula = None, False
    for child in cell:
        name = _local(child)
        if name == "f":
            is_formula = True
        elif name == "v":
            text = child.text
        elif name == "is":
            text = _text(child)
    value: Value = None
    if text is not None and kind == "s":
        value = strings[int(text)]
    elif text is not None and kind == "n":
        style = int(cell.get("s", "0"))
        value = _number(text.strip(), formats[style] if style < len(formats) else False, since_1904)
    elif text is not None:  # str, inlineStr, d; b is 0 or 1, e is #N/A and its like
        value = {"0": "FALSE", "1": "TRUE"}.get(text, text) if kind == "b" else text
    if isinstance(value, str) and not value.strip():
        value = None
    return Formula(value) if is_formula else value


def _number(text: str, shown: str | bool, since_1904: bool) -> Value:
    if not text:
        return None
    number = float(text)
    whole = number.is_integer() and abs(number) < 2**53
    if isinstance(shown, str):
        return str(int(number)).zfill(len(shown)) if whole and number >= 0 else number
    if shown and (since_1904 or number >= _SERIAL_MIN) and 0 <= number < _SERIAL_MAX:
        moment = _EPOCHS[since_1904] + timedelta(days=number)
        return moment.date().isoformat() if whole else moment.isoformat(timespec="seconds")
    if not -1e308 < number < 1e308:
        raise ValueError("a number that is not finite")
    return int(number) if whole and not re.search(r"[.eE]", text) else number

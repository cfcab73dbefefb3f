"""Tables as an office keeps them, in CSV or XLSX: their lines, and cells as text and dates."""

import codecs
import contextlib
import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl

from sinks.core.errors import Invalid

BYTES_MAX = 20 * 1024 * 1024
# A county's tables are some thousands of lines; this is a wrong file, or one made to fill memory.
ROWS_MAX = 100_000
UNPACKED_BYTES_MAX = 300 * 1024 * 1024
# 杉木 in GBK is ɼľ in UTF-8: letters that nobody here writes, without an ideograph beside them.
MISREAD = re.compile("[\x00-\x7f\u0100-\u07ff]*")
# Day 0 of a spreadsheet's date numbers.
SPREADSHEET_EPOCH = date(1899, 12, 30)


class TableRefused(Invalid):
    """The whole file cannot be read as a table."""


class CellWrong(Exception):
    """One cell that cannot be read; its sentence goes into the row's error."""


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a line, in words; the number is the spreadsheet's."""

    number: int
    message: str


def lines_of(name: str, content: bytes) -> Iterator[list[Any]]:
    """The lines of a CSV (UTF-8 or GB 18030) or XLSX file, the heading first.

    Raises
    ------
    TableRefused
        Not such a file, too large, or (while the lines are read) too many of them.
    """
    if not content or len(content) > BYTES_MAX:
        raise TableRefused(f"文件为空或超过 {BYTES_MAX // 2**20} MB。", code="plot_table_size")
    lines = _xlsx(content) if name.lower().endswith(".xlsx") else _csv(content)
    return _counted(lines)


def _counted(lines: Iterator[list[Any]]) -> Iterator[list[Any]]:
    for number, cells in enumerate(lines):
        if number > ROWS_MAX:
            raise TableRefused(f"超过 {ROWS_MAX:,} 行，请分批导入。", code="plot_table_size")
        yield cells


def _csv(content: bytes) -> Iterator[list[Any]]:
    text = _decoded(content)
    if "\0" in text:
        raise TableRefused("这不是 CSV 文件。请用 CSV 或 XLSX。", code="plot_table_kind")
    separator = "\t" if "\t" in text.split("\n", 1)[0] else ","
    return iter(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


def _decoded(content: bytes) -> str:
    with contextlib.suppress(UnicodeDecodeError):
        text = content.decode("utf-8-sig")
        marked = content.startswith(codecs.BOM_UTF8)
        if marked or text.isascii() or not MISREAD.fullmatch(text):
            return text
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        raise TableRefused(
            "文件既不是 UTF-8 也不是 GBK 编码的 CSV；请另存为 CSV 或 XLSX 再导入。",
            code="plot_table_encoding",
        ) from error


def _xlsx(content: bytes) -> Iterator[list[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > UNPACKED_BYTES_MAX:
            raise TableRefused("文件解开后过大，请分批导入。", code="plot_table_size")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError) as error:
        raise TableRefused("这不是能打开的 XLSX 文件。", code="plot_table_kind") from error
    return (list(cells) for cells in sheet.iter_rows(values_only=True))


def text_of(cell: Any) -> str:
    """A cell as text, with full-width digits and signs made plain."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFKC", str(cell)).strip()


def day_of(cell: Any, title: str) -> date:
    """A date as a spreadsheet or a person writes it: 2024-10-01, 2024.10.1, 20241001, 45566."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    typed = text_of(cell)
    parts = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00:00)?", typed)
    parts = parts or re.fullmatch(r"(\d{4})(\d{2})(\d{2})", typed)
    try:
        if parts:
            return date(int(parts[1]), int(parts[2]), int(parts[3]))
        if re.fullmatch(r"[345]\d{4}", typed):
            return SPREADSHEET_EPOCH + timedelta(days=int(typed))
    except ValueError as error:
        raise CellWrong(f"{title}“{typed}”不是一个日期") from error
    raise CellWrong(f"{title}“{typed}”应写作 2024-10-01")

"""Workbooks for people who keep land in Excel: the empty form, and their rows back with what is wrong.

What a person or a file wrote goes into a cell as text and nothing else: a value that begins with
``=`` is no formula here, in this program or in theirs. Source: OWASP, CSV Injection.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
import shapely
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from gis_data import columns
from gis_data.check import CheckReport
from gis_data.refusals import Question
from gis_data.vectors import VectorFile

CELL_CHARACTERS_MAX = 32_767  # of Excel
ROWS_OF_FORM = 5_000
RED = PatternFill("solid", fgColor="FFC7CE")
AMBER = PatternFill("solid", fgColor="FFEB9C")
HEAD = PatternFill("solid", fgColor="D9E8DC")
TEXT_FORMAT = "@"

LAND_SHEET, VERTEX_SHEET, HELP_SHEET, CODE_SHEET = "地块", "界址点", "填写说明", "代码"
EXAMPLE = "示例"
ROW_COLUMN = "行号"
WKT_COLUMN, SYSTEM_COLUMN, VERTICES_COLUMN = "边界WKT", "坐标系", "边界坐标"
SINK_TYPES_ZH = ("竹林", "湿地", "农田", "茶园", "其他")
ORIGINS_ZH = ("天然", "人工")
LAND_CLASSES_ZH = (
    "乔木林地", "竹林地", "灌木林地", "其他林地", "茶园", "其他园地", "水田", "旱地", "湿地", "其他",
)  # fmt: skip
SPECIES_ZH = (
    "毛竹", "雷竹", "其他竹", "杉木", "马尾松", "湿地松", "柏木", "栎类", "樟树", "枫香", "杨树",
    "其他软阔", "其他硬阔", "针阔混交", "茶", "其他",
)  # fmt: skip
SYSTEMS = ("EPSG:4490", "EPSG:4326", "EPSG:4549", "EPSG:4528", "GCJ-02", "BD-09")

# Column of the form, and the list it is chosen from.
FORM: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("地块编号", ()), ("地块名称", ()), ("类型", SINK_TYPES_ZH), ("区县", ()), ("乡镇", ()), ("村", ()),
    ("林班", ()), ("小班", ()), ("地类", LAND_CLASSES_ZH), ("起源", ORIGINS_ZH), ("优势树种", SPECIES_ZH),
    ("土地权属", ("国有", "集体")), ("权利人", ()), ("权证号", ()), ("面积（亩）", ()), ("期限起", ()),
    ("期限止", ()), (SYSTEM_COLUMN, SYSTEMS), (VERTICES_COLUMN, ()), ("备注", ()),
)  # fmt: skip
EXAMPLE_ROW = (
    "示例", "余村一号竹林", "竹林", "330523", "天荒坪镇", "余村", "0012", "003", "竹林地", "人工", "毛竹",
    "集体", "余村股份经济合作社", "浙（2023）安吉县不动产权第0012345号", "1375.65", "2024-05-01",
    "2054-05-01", "EPSG:4490",
    "119.600 30.630, 119.610 30.630, 119.610 30.638, 119.600 30.638, 119.600 30.630", "本行不导入",
)  # fmt: skip
HELP = (
    "一、一行一块地。灰绿色表头不要改名；用不到的列可以空着。",
    "二、地块编号、林班、小班等编号按文字填写，前面的 0 要保留。",
    f"三、边界有两种写法，选一种：“{VERTICES_COLUMN}”一格写完，点与点用逗号隔开，如“x y, x y, …”，"
    "最后一点与第一点相同；",
    f"　　或在“{VERTEX_SHEET}”表里一行一个界址点，地块编号与“{LAND_SHEET}”表相同，点序从 1 连续编号，"
    "最后一点与第一点相同；有洞的，洞的“环”填 2、3……；不相连的部分，“部分”填 1、2……。",
    "四、坐标系：经纬度用 EPSG:4490；中央经线 120 度、不带带号用 EPSG:4549，带带号 40 用 EPSG:4528。"
    "从高德、腾讯地图描的填 GCJ-02，从百度地图描的填 BD-09。整份文件用一个坐标系。",
    "五、坐标和编号里不要写公式。日期写成 2024-05-01。",
    f"六、“{EXAMPLE}”那一行是样子，不会导入，可以删去。",
)
VERTEX_FORM = ("地块编号", "部分", "环", "点序", "x", "y")


def template() -> bytes:
    """Return the form for outlines and their rights, as an .xlsx file.

    Codes are text cells, so that 0012 stays 0012; lists stand on a hidden sheet; the first row of the
    form is an example, which the reader refuses by its number ``示例``.
    """
    book = openpyxl.Workbook()
    land = book.active
    land.title = LAND_SHEET
    _head(land, [name for name, _ in FORM])
    codes = book.create_sheet(CODE_SHEET)
    codes.sheet_state = "hidden"
    for number, (name, choices) in enumerate(FORM, start=1):
        letter = get_column_letter(number)
        land.column_dimensions[letter].number_format = TEXT_FORMAT
        if choices:
            _write(codes, 1, number, name)
            for row, choice in enumerate(choices, start=2):
                _write(codes, row, number, choice)
            _offer(land, letter, f"'{CODE_SHEET}'!${letter}$2:${letter}${len(choices) + 1}")
        land.column_dimensions[letter].width = 40 if name == VERTICES_COLUMN else 14
    for number, value in enumerate(EXAMPLE_ROW, start=1):
        cell = _write(land, 2, number, value)
        cell.font = Font(italic=True, color="808080")
    vertices = book.create_sheet(VERTEX_SHEET)
    _head(vertices, VERTEX_FORM)
    told = book.create_sheet(HELP_SHEET)
    told.column_dimensions["A"].width = 110
    for number, line in enumerate(HELP, start=1):
        _write(told, number, 1, line).alignment = Alignment(wrap_text=True, vertical="top")
    return _saved(book)


def _offer(sheet: Worksheet, letter: str, source: str) -> None:
    choice = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=True)
    choice.error = "请从下拉列表中选一项。"
    sheet.add_data_validation(choice)
    choice.add(f"{letter}2:{letter}{ROWS_OF_FORM + 1}")


def errors(
    vector_file: VectorFile,
    report: CheckReport,
    mapping: Mapping[str, str] | None = None,
    *,
    also: Mapping[int, Sequence[Question]] | None = None,
) -> bytes:
    """Return the rows of a file as an .xlsx file, each refusal red and each question amber.

    The outlines stand beside them as WKT in their own coordinates, so that the workbook can be put
    right and handed in again; one that is too long for a cell is left to the source.

    Parameters
    ----------
    mapping : meaning -> column, to mark the cell that a problem is about (``columns.suggest``)
    also : row -> what is asked of it besides the report, such as land it shares with others
    """
    mapping = mapping if mapping is not None else columns.suggest(vector_file.fields)
    own = (ROW_COLUMN, "结果", "问题", SYSTEM_COLUMN, WKT_COLUMN)
    fields = [name for name in vector_file.fields if name not in own]
    heads = [*own[:3], *fields, *own[3:]]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = LAND_SHEET
    _head(sheet, heads)
    problems = _problems(report, also or {})
    system = vector_file.offset or _system_name(vector_file)
    for number, row in enumerate(vector_file.rows, start=2):
        found = problems.get(row.row, [])
        refused = any(is_refusal for is_refusal, _, _ in found)
        _write(sheet, number, 1, row.row + 1)
        said = _write(sheet, number, 2, "不可用" if refused else "存疑" if found else "可用")
        told = _write(sheet, number, 3, "".join(message for _, _, message in found))
        for place, name in enumerate(fields, start=4):
            _write(sheet, number, place, row.attributes.get(name))
        _write(sheet, number, len(heads) - 1, system)
        outline = row.polygon if row.polygon is not None else row.unclosed
        text = shapely.to_wkt(outline, rounding_precision=-1) if outline is not None else ""
        _write(sheet, number, len(heads), text if len(text) <= CELL_CHARACTERS_MAX else "")
        for is_refusal, code, message in found:
            cells = {said, told, sheet.cell(number, _place_of(code, heads, mapping))}
            for cell in cells:
                cell.fill = RED if is_refusal or cell.fill == RED else AMBER
            _comment(sheet.cell(number, _place_of(code, heads, mapping)), message)
    return _saved(book)


def _problems(
    report: CheckReport, also: Mapping[int, Sequence[Question]]
) -> dict[int, list[tuple[bool, str, str]]]:
    """Return row -> (is a refusal, code, sentence)."""
    found: dict[int, list[tuple[bool, str, str]]] = {}
    for refused in report.refused:
        found.setdefault(refused.row, []).append((True, refused.code, refused.message))
    for row in report.accepted:
        for asked in row.questions:
            found.setdefault(row.row, []).append((False, asked.code, asked.message))
    for number, questions in also.items():
        found.setdefault(number, []).extend((False, one.code, one.message) for one in questions)
    return found


def _place_of(code: str, heads: Sequence[str], mapping: Mapping[str, str]) -> int:
    """Return the column, from 1, that a problem of this code is about: a value, or the outline."""
    meaning = "declared_area" if code.startswith("declared_area") else code.removeprefix("unread_")
    if meaning in mapping:
        name = columns.column_of(mapping[meaning])[0]
        if name in heads:
            return heads.index(name) + 1
    if code in ("crs_mismatch", "datum_unknown", "out_of_range", "maybe_gcj02", "maybe_bd09"):
        return heads.index(SYSTEM_COLUMN) + 1
    if code in ("bad_text", "deleted"):
        return heads.index(ROW_COLUMN) + 1
    return heads.index(WKT_COLUMN) + 1


def _system_name(vector_file: VectorFile) -> str:
    code = vector_file.crs.to_epsg()
    return f"EPSG:{code}" if code else str(vector_file.crs.name)


def _comment(cell: Cell, message: str) -> None:
    before = f"{cell.comment.text}\n" if cell.comment else ""
    cell.comment = Comment(_kept(before + message), "碳汇登记簿", width=320, height=160)


def _head(sheet: Worksheet, names: Sequence[str]) -> None:
    for number, name in enumerate(names, start=1):
        cell = _write(sheet, 1, number, name)
        cell.font, cell.fill = Font(bold=True), HEAD
        sheet.column_dimensions[get_column_letter(number)].width = max(10, 2 * len(name) + 4)
    sheet.freeze_panes = "A2"


def _write(sheet: Worksheet, row: int, column: int, value: Any) -> Cell:
    """Write a value as text; nothing that a file says becomes a formula or a number."""
    cell: Cell = sheet.cell(row, column)
    if value is not None and value != "":
        cell.value = _kept(str(value))
        cell.data_type = "s"
    cell.number_format = TEXT_FORMAT
    return cell


def _kept(text: str) -> str:
    return str(ILLEGAL_CHARACTERS_RE.sub("�", text))[:CELL_CHARACTERS_MAX]


def _saved(book: Any) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()

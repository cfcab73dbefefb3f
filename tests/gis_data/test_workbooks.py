"""The empty form, and the rows that come back with what is wrong with them."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from gis_data import check, columns, vectors, workbooks

SQUARE = [[119.60, 30.63], [119.61, 30.63], [119.61, 30.64], [119.60, 30.64], [119.60, 30.63]]
BOWTIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "=cmd|'/c calc'!A1", '"=1"']


def land(folder: Path, rows: list[tuple[list[Any], dict[str, Any]]]) -> vectors.VectorFile:
    features = [
        {"type": "Feature", "properties": p, "geometry": {"type": "Polygon", "coordinates": [c]}}
        for c, p in rows
    ]
    (folder / "a.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    return vectors.read(folder / "a.geojson")


def sheet_of(content: bytes, name: str = workbooks.LAND_SHEET) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))[name]


def test_the_form_keeps_codes_as_text_and_offers_lists() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbooks.template()))
    sheet = book[workbooks.LAND_SHEET]
    heads = [cell.value for cell in sheet[1]]
    assert heads == [name for name, _ in workbooks.FORM]
    assert sheet.freeze_panes == "A2"
    for name in ("地块编号", "林班", "小班", "区县"):
        letter = sheet.cell(1, heads.index(name) + 1).column_letter
        assert sheet.column_dimensions[letter].number_format == "@"
    assert book[workbooks.CODE_SHEET].sheet_state == "hidden"
    lists = {str(v.sqref): v.formula1 for v in sheet.data_validations.dataValidation}
    for name, choices in workbooks.FORM:
        letter = sheet.cell(1, heads.index(name) + 1).column_letter
        source = lists.get(f"{letter}2:{letter}{workbooks.ROWS_OF_FORM + 1}")
        assert (source is not None) is bool(choices), name
        if source:
            cells = source.partition("!")[2].replace("$", "")
            assert [row[0].value for row in book[workbooks.CODE_SHEET][cells]] == list(choices)


def test_the_columns_of_the_form_are_known_by_name() -> None:
    mapping = columns.suggest([name for name, _ in workbooks.FORM])
    assert mapping["declared_area"] == "面积（亩）:mu"
    assert {"parcel_no", "name", "sink_type", "county", "compartment", "subcompartment", "holder",
            "certificate_no", "term_from", "term_to", "land_class", "origin", "species"} <= set(mapping)  # fmt: skip


def test_what_is_wrong_is_marked_on_the_persons_own_rows(tmp_path: Path) -> None:
    read = land(tmp_path, [
        (SQUARE, {"小班": "001", "面积（亩）": "1500"}),
        (SQUARE[:2] + [[119.61, 30.6405]] + SQUARE[3:], {"小班": "002", "面积（亩）": "77"}),
        (BOWTIE, {"小班": "003", "面积（亩）": "1"}),
    ])  # fmt: skip
    report = check.check_rows(read, sink_type="tea")
    sheet = sheet_of(workbooks.errors(read, report))
    heads = [cell.value for cell in sheet[1]]
    area, outline = heads.index("面积（亩）") + 1, heads.index(workbooks.WKT_COLUMN) + 1
    red, amber = workbooks.RED.fgColor.rgb, workbooks.AMBER.fgColor.rgb
    assert [sheet.cell(n, 2).value for n in (2, 3, 4)] == ["存疑", "存疑", "不可用"]
    assert sheet.cell(3, area).fill.fgColor.rgb == amber
    assert "相差" in sheet.cell(3, area).comment.text
    assert sheet.cell(4, outline).fill.fgColor.rgb == red
    assert "自相交" in sheet.cell(4, outline).comment.text
    assert [sheet.cell(n, heads.index("小班") + 1).value for n in (2, 3, 4)] == [
        "001",
        "002",
        "003",
    ]
    assert sheet.cell(2, heads.index(workbooks.SYSTEM_COLUMN) + 1).value == "EPSG:4326"


@pytest.mark.parametrize("text", FORMULAS)
def test_no_value_becomes_a_formula(text: str, tmp_path: Path) -> None:
    read = land(tmp_path, [(SQUARE, {"name": text, text: "x"})])
    content = workbooks.errors(read, check.check_rows(read, sink_type="tea"))
    cells = [
        cell for row in sheet_of(content).iter_rows() for cell in row if cell.value is not None
    ]
    assert {cell.data_type for cell in cells} == {"s"}
    assert text.strip() in {str(cell.value).strip() for cell in cells}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_characters_that_xml_cannot_hold_do_not_break_the_workbook(tmp_path: Path) -> None:
    read = land(tmp_path, [(SQUARE, {"name": "a\x01b\x0bc", "long": "长" * 9_000})])
    sheet = sheet_of(workbooks.errors(read, check.check_rows(read, sink_type="tea")))
    assert "a\ufffdb\ufffdc" in [cell.value for cell in sheet[2]]

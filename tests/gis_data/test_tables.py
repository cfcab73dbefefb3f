"""Outlines in tables and tracks: CSV, Excel, GPX and GeoParquet, and what is refused of them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
import shapely

from gis_data import check, columns, geometry, vectors, workbooks
from gis_data.vectors import FileRefused, VectorFile

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample data is not here")
SQUARE = shapely.box(119.60, 30.63, 119.61, 30.64)
DONUT = shapely.difference(SQUARE, shapely.box(119.602, 30.632, 119.604, 30.634))
BOTH = shapely.MultiPolygon([shapely.box(119.7, 30.6, 119.71, 30.61), DONUT])
CORNERS = [(119.60, 30.63), (119.61, 30.63), (119.61, 30.64), (119.60, 30.64), (119.60, 30.63)]
ONE_CELL = ", ".join(f"{x} {y}" for x, y in CORNERS)


def table(
    path: Path, lines: list[list[Any]], *, delimiter: str = ",", encoding: str = "utf-8"
) -> Path:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)
        book.save(path)
        return path
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(lines)
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def read(path: Path, **options: Any) -> VectorFile:
    return vectors.read(path, **{"crs": "EPSG:4490", **options})


def code_of(path: Path, **options: Any) -> str:
    with pytest.raises(FileRefused) as refused:
        read(path, **options)
    assert refused.value.message
    return refused.value.code


def problem_of(path: Path, **options: Any) -> str | None:
    (row,) = read(path, **options).rows
    assert (row.polygon is None) is (row.problem is not None)
    return row.problem.code if row.problem else None


FORMATS = [
    ("a.csv", ",", "utf-8"),
    ("a.csv", ",", "utf-8-sig"),
    ("a.csv", ";", "gb18030"),
    ("a.txt", "\t", "utf-16"),
    ("a.csv", "\t", "gbk"),
    ("a.xlsx", "", ""),
]


@pytest.mark.parametrize(("name", "delimiter", "encoding"), FORMATS)
def test_outlines_as_text_are_the_same_land(
    name: str, delimiter: str, encoding: str, tmp_path: Path
) -> None:
    outlines = [SQUARE, DONUT, BOTH]
    lines = [["小班", "权利人", "边界WKT"]]
    lines += [
        [f"00{n}", "张三、李四", shapely.to_wkt(o, rounding_precision=-1)]
        for n, o in enumerate(outlines)
    ]
    found = read(table(tmp_path / name, lines, delimiter=delimiter, encoding=encoding))
    assert found.driver == ("XLSX" if name == "a.xlsx" else "CSV")
    assert found.fields == ["小班", "权利人"]
    assert [row.attributes for row in found.rows] == [
        {"小班": f"00{n}", "权利人": "张三、李四"} for n in range(3)
    ]
    for row, outline in zip(found.rows, outlines, strict=True):
        assert row.polygon is not None
        assert geometry.geometry_sha256(row.polygon) == geometry.geometry_sha256(outline)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
@pytest.mark.parametrize(
    "text",
    [
        ONE_CELL,
        "; ".join(f"{x},{y}" for x, y in CORNERS),
        "；".join(f"{x}，{y}" for x, y in CORNERS),
        "\n".join(f"{x} {y} 12.5" for x, y in CORNERS),
        ONE_CELL.replace(", ", "、") + "；",
    ],
)
def test_one_cell_of_corners_is_an_outline(name: str, text: str, tmp_path: Path) -> None:
    path = table(tmp_path / name, [["名称", "边界坐标"], ["余村", text]])
    (row,) = read(path).rows
    assert row.polygon is not None and row.polygon.equals(SQUARE)
    assert row.attributes == {"名称": "余村"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (", ".join(f"{x} {y}" for x, y in CORNERS[:-1]), "invalid"),
        ("119.6, 30.6, 119.7, 30.6, 119.7, 30.7", "invalid"),
        ("119.6 30.6, 119.7 nan, 119.7 30.7, 119.6 30.6", "invalid"),
        ("119.6 30.6, 1_197 30.6, 119.7 30.7, 119.6 30.6", "invalid"),
        ("119.6 30.6, 1e999 30.6, 119.7 30.7, 119.6 30.6", "not_finite"),
        ("北侧小路", "invalid"),
        ("119.6 30.6", "invalid"),
    ],
)
def test_a_cell_that_is_no_ring_refuses_its_row(text: str, code: str, tmp_path: Path) -> None:
    assert problem_of(table(tmp_path / "a.csv", [["n", "边界坐标"], ["1", text]])) == code


WKT = [
    ("POLYGON ((119.6 30.6, 119.7 30.6, 119.7 30.7, 119.6 30.6))", None),
    ("multipolygon z (((119.6 30.6 1, 119.7 30.6 1, 119.7 30.7 1, 119.6 30.6 1)))", None),
    ("POLYGON ((119.6 30.6, 119.7 30.6, 119.7 30.7))", "invalid"),
    ("POLYGON ((119.6 30.6, 119.7 30.6, 119.7 30.7, 119.6 30.6)", "invalid"),
    ("POLYGON (119.6 30.6, 119.7 30.6, 119.7 30.7, 119.6 30.6)", "invalid"),
    ("POLYGON ((119.6 NaN, 119.7 30.6, 119.7 30.7, 119.6 NaN))", "invalid"),
    ("POINT (119.6 30.6)", "not_an_area"),
    ("GEOMETRYCOLLECTION (POLYGON EMPTY)", "not_an_area"),
    ("GEOMETRYCOLLECTION (" * 5_000 + ")" * 5_000, "not_an_area"),
    ("POLYGON " + "(" * 200_000, "invalid"),
    ("POLYGON " + "(" * 100_000 + ")" * 100_000, "invalid"),
    ("/etc/passwd", "invalid"),
]


@pytest.mark.parametrize(("text", "code"), WKT, ids=range(len(WKT)))
def test_well_known_text_is_read_strictly(text: str, code: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'n,wkt\n1,"{text}"\n')
    assert problem_of(path) == code


def test_an_empty_outline_is_a_row_without_one(tmp_path: Path) -> None:
    found = read(table(tmp_path / "a.csv", [["n", "wkt"], ["1", "POLYGON EMPTY"], ["2", ""]]))
    report = check.check_rows(found, sink_type="tea")
    assert [(row.row, row.code) for row in report.refused] == [(0, "empty"), (1, "empty")]


# One corner a line

HEAD = ["地块编号", "部分", "环", "点序", "x", "y", "权利人", "边长"]


def listed(number: str, part: int, ring: int, corners: Any, holder: str = "甲") -> list[list[Any]]:
    return [
        [number, part, ring, n, x, y, holder, n * 7]
        for n, (x, y, *_) in enumerate(corners, start=1)
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_corners_listed_one_a_line_are_the_same_land(name: str, tmp_path: Path) -> None:
    lines = [HEAD, *listed("007", 1, 1, SQUARE.exterior.coords)]
    for part, polygon in enumerate(BOTH.geoms, start=1):
        for ring, line in enumerate([polygon.exterior, *polygon.interiors], start=1):
            lines += listed("008", part, ring, line.coords, "乙")
    found = read(table(tmp_path / name, lines))
    assert [row.attributes for row in found.rows] == [
        {"地块编号": "007", "权利人": "甲"},
        {"地块编号": "008", "权利人": "乙"},
    ]
    assert found.rows[0].polygon.equals(SQUARE) and found.rows[1].polygon.equals(BOTH)


def test_the_lines_of_a_sorted_sheet_are_put_back_by_their_numbers(tmp_path: Path) -> None:
    lines = listed("1", 1, 1, SQUARE.exterior.coords)
    shuffled = [lines[i] for i in (3, 0, 4, 2, 1)]
    (row,) = read(table(tmp_path / "a.csv", [HEAD, *shuffled])).rows
    assert list(row.polygon.geoms[0].exterior.coords) == list(SQUARE.exterior.coords)


def test_corner_numbers_may_carry_a_letter_and_end_at_the_first(tmp_path: Path) -> None:
    head = ["宗地号", "界址点号", "经度", "纬度"]
    lines = [["1", f"J{n % 4 + 1}", x, y] for n, (x, y) in enumerate(CORNERS)]
    (row,) = read(table(tmp_path / "a.csv", [head, *lines])).rows
    assert row.polygon.equals(SQUARE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda lines: lines.pop(), "invalid"),
        (lambda lines: lines.pop(2), "vertex_order"),
        (lambda lines: lines[2].__setitem__(3, 2), "vertex_order"),
        (lambda lines: lines[2].__setitem__(3, "西角"), "vertex_order"),
        (lambda lines: lines[2].__setitem__(4, "=A1"), "invalid"),
        (lambda lines: lines[2].__setitem__(4, ""), "invalid"),
    ],
)
def test_a_corner_that_is_missing_or_no_number_refuses_its_parcel(
    change: Any, code: str, tmp_path: Path
) -> None:
    lines = listed("1", 1, 1, SQUARE.exterior.coords)
    change(lines)
    assert problem_of(table(tmp_path / "a.csv", [HEAD, *lines])) == code


def test_a_corner_of_no_parcel_refuses_the_file(tmp_path: Path) -> None:
    lines = listed("1", 1, 1, SQUARE.exterior.coords)
    lines[2][0] = ""
    assert code_of(table(tmp_path / "a.csv", [HEAD, *lines])) == "vertex_row"


@pytest.mark.parametrize(("epsg", "prefix_m"), [(4549, 0), (4528, 40_000_000)])
def test_northings_called_x_are_told_by_their_numbers_and_asked_about(
    epsg: int, prefix_m: float, tmp_path: Path
) -> None:
    west, south = prefix_m + 461_000, 3_390_000
    plane = shapely.box(west, south, west + 100, south + 100)
    turned = [(y, x) for x, y in plane.exterior.coords]
    path = table(tmp_path / "a.csv", [HEAD, *listed("1", 1, 1, turned)])
    found = read(path, crs=f"EPSG:{epsg}")
    assert found.rows[0].polygon.equals(plane)
    (row,) = check.check_rows(found, sink_type="tea").accepted
    assert [question.code for question in row.questions] == ["axes_by_numbers"]
    assert row.area_m2 == pytest.approx(10_000, rel=2e-4)
    with pytest.raises(FileRefused) as refused:
        vectors.read(path)
    assert refused.value.code == "crs_missing" and f"EPSG:{epsg}" in refused.value.message


@pytest.mark.parametrize(
    ("given", "zone_m", "advice"),
    [(4549, 40e6, "4528"), (4528, 0.0, "4549"), (4549, 20e6, "4498"), (4528, 39e6, "4527")],
)
def test_a_zone_before_the_easting_that_is_not_the_systems_is_refused_with_advice(
    given: int, zone_m: float, advice: str, tmp_path: Path
) -> None:
    text = ", ".join(
        f"{zone_m + 461_000 + x} {3_390_000 + y}" for x, y in [(0, 0), (99, 0), (99, 99), (0, 0)]
    )
    found = read(table(tmp_path / "a.csv", [["n", "边界坐标"], ["1", text]]), crs=f"EPSG:{given}")
    (refused,) = check.check_rows(found, sink_type="tea").refused
    assert refused.code in ("out_of_range", "outside_districts", "zero_area")
    assert refused.code != "out_of_range" or f"EPSG:{advice}" in refused.message


# Which column


def test_points_without_a_parcel_are_no_outlines(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [["PLOT", "LAT", "LON"], ["1", "30.6", "119.6"]])
    with pytest.raises(FileRefused) as refused:
        read(path)
    assert refused.value.code == "no_outlines" and "点" in refused.value.message


def test_the_caller_can_name_the_columns(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [["n", "范围"], ["1", ONE_CELL]])
    assert code_of(path) == "no_outlines"
    assert read(path, outline={"vertices": "范围"}).rows[0].polygon.equals(SQUARE)
    assert code_of(path, outline={"vertices": "没有"}) == "outline_columns"
    assert code_of(path, outline={"shape": "范围"}) == "outline_columns"
    head = ["户", "E", "N"]
    path = table(tmp_path / "b.csv", [head, *[["甲", x, y] for x, y in CORNERS]])
    found = read(path, outline={"parcel": "户", "x": "E", "y": "N"})
    assert found.rows[0].polygon.equals(SQUARE) and found.rows[0].attributes == {"户": "甲"}


def test_two_columns_that_could_be_the_outline_need_a_name(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [["wkt", "geometry"], ["POLYGON EMPTY", "POLYGON EMPTY"]])
    assert code_of(path) == "outline_columns"
    assert read(path, outline={"wkt": "geometry"}).fields == ["wkt"]


def test_a_title_above_the_head_is_passed_over(tmp_path: Path) -> None:
    lines = [["安吉县林地小班一览表"], [], ["单位：亩"], ["小班", "边界坐标"], ["0012", ONE_CELL]]
    for name in ("a.csv", "a.xlsx"):
        (row,) = read(table(tmp_path / name, lines)).rows
        assert row.attributes == {"小班": "0012"}


def test_a_line_longer_than_the_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('n,wkt\n1,"POLYGON EMPTY",3\n')
    assert problem_of(path) == "broken"


def test_the_system_may_stand_in_the_table_but_only_one(tmp_path: Path) -> None:
    lines = [
        ["n", "坐标系", "边界坐标"],
        ["1", "EPSG:4490", ONE_CELL],
        ["2", "EPSG:4490", ONE_CELL],
    ]
    found = vectors.read(table(tmp_path / "a.csv", lines))
    assert found.crs.to_epsg() == 4490 and found.crs_source == "file"
    lines[2][1] = "4549"
    assert code_of(table(tmp_path / "a.csv", lines), crs=None) == "crs_several"
    lines = [["n", "坐标系", "边界坐标"], ["1", "GCJ-02", ONE_CELL]]
    found = vectors.read(table(tmp_path / "a.xlsx", lines))
    assert found.offset == "GCJ-02"
    path = table(tmp_path / "a.csv", [["n", "wkt"], ["1", f"SRID=4490;{shapely.to_wkt(SQUARE)}"]])
    assert vectors.read(path).crs.to_epsg() == 4490


# Excel


def book_of(folder: Path, fill: Any) -> Path:
    book = openpyxl.Workbook()
    fill(book)
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def test_values_of_a_workbook_are_those_that_were_typed(tmp_path: Path) -> None:
    import datetime

    def fill(book: Any) -> None:
        sheet = book.active
        sheet.append(["小班", "代码", "面积", "整数", "日期", "时刻", "真", "空", "边界坐标"])
        sheet.append(["0012", 12, 1.5, 7, datetime.date(2024, 5, 1),
                      datetime.datetime(2024, 5, 1, 13, 30), True, None, ONE_CELL])  # fmt: skip
        sheet["B2"].number_format = "0000"

    (row,) = read(book_of(tmp_path, fill)).rows
    assert row.attributes == {
        "小班": "0012", "代码": "0012", "面积": 1.5, "整数": 7, "日期": "2024-05-01",
        "时刻": "2024-05-01T13:30:00", "真": "TRUE", "空": None,
    }  # fmt: skip
    assert columns.day(row.attributes["时刻"]) == datetime.date(2024, 5, 1)


def test_a_formula_is_never_worked_out_and_never_a_corner(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.active.append(["n", "亩", "边界坐标"])
        book.active.append(["1", "=1+1", ONE_CELL])
        book.active.append(["2", 1, f'="{ONE_CELL}"'])

    found = read(book_of(tmp_path, fill))
    assert found.rows[0].attributes["亩"] is None
    assert [question.code for question in found.rows[0].questions] == ["formula"]
    assert found.rows[1].polygon is None


def test_hidden_sheets_are_not_read_and_two_that_fit_need_a_name(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        for name in ("一", "二", "三"):
            sheet = book.active if name == "一" else book.create_sheet()
            sheet.title = name
            sheet.append(["小班", "边界坐标"])
            sheet.append([name, ONE_CELL])
        book["三"].sheet_state = "hidden"

    path = book_of(tmp_path, fill)
    assert code_of(path) == "several_layers"
    assert read(path, layer="二").rows[0].attributes == {"小班": "二"}
    assert code_of(path, layer="三") == "layer_missing"


def test_the_form_filled_in_is_read_and_its_example_is_not_taken(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbooks.template()))
    land, corners = book[workbooks.LAND_SHEET], book[workbooks.VERTEX_SHEET]
    heads = [cell.value for cell in land[1]]
    for row, values in enumerate(
        ({"地块编号": "01", "林班": "0012", "面积（亩）": "1,594", "坐标系": "EPSG:4490"},
         {"地块编号": "02", "林班": "0013", "坐标系": "EPSG:4490", "边界坐标": ONE_CELL}), start=3
    ):  # fmt: skip
        for name, value in values.items():
            land.cell(row, heads.index(name) + 1, value)
    for line in listed("01", 1, 1, DONUT.exterior.coords) + listed(
        "01", 1, 2, DONUT.interiors[0].coords
    ):
        corners.append(line[:6])
    corners.append(["03", 1, 1, 1, 119.6, 30.6])
    book.save(tmp_path / "form.xlsx")
    found = vectors.read(tmp_path / "form.xlsx")
    assert [row.problem.code if row.problem else None for row in found.rows] == [
        "example", None, None, "invalid",
    ]  # fmt: skip
    assert found.crs.to_epsg() == 4490
    assert found.rows[1].polygon.equals(DONUT) and found.rows[2].polygon.equals(SQUARE)
    assert found.rows[1].attributes["林班"] == "0012"
    report = check.check_rows(found, sink_type="bamboo")
    assert [row.row for row in report.accepted] == [1, 2]
    mapping = columns.suggest(found.fields)
    values = columns.apply(mapping, found.rows[1].attributes).values
    assert values["compartment"] == "0012" and values["parcel_no"] == "01"


def test_the_rows_that_came_back_marked_can_be_handed_in_again(tmp_path: Path) -> None:
    lines = [
        ["小班", "边界坐标"],
        ["0012", ONE_CELL],
        ["0013", ONE_CELL.replace("119.61 30.63", "119.6 30.7")],
    ]
    first = read(table(tmp_path / "a.csv", lines))
    report = check.check_rows(first, sink_type="tea")
    (tmp_path / "b.xlsx").write_bytes(workbooks.errors(first, report))
    again = vectors.read(tmp_path / "b.xlsx")
    assert again.crs == first.crs
    for before, after in zip(first.rows, again.rows, strict=True):
        assert geometry.geometry_sha256(after.polygon) == geometry.geometry_sha256(before.polygon)
        assert after.attributes["小班"] == before.attributes["小班"]


def test_a_workbook_of_other_software_is_read_alike(tmp_path: Path) -> None:
    """Texts in the cells themselves, no reference on a cell, runs of rich text and reading aids."""
    book = table(tmp_path / "a.xlsx", [["小班", "边界坐标"], ["0012", ONE_CELL]])
    import zipfile

    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = (
        '<worksheet xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"><sheetData><row>'
        '<c t="inlineStr"><is><t>小班</t></is></c><c t="inlineStr"><is><t>边界坐标</t></is></c></row><row>'
        '<c t="s"><v>0</v></c><c t="str"><v>' + ONE_CELL + "</v></c></row></sheetData></worksheet>"
    )
    strings = (
        '<sst xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"><si><r><t>00</t></r><r><t>12_x0041_</t></r>'
        "<rPh><t>ling</t></rPh></si></sst>"
    )
    parts["xl/worksheets/sheet1.xml"], parts["xl/sharedStrings.xml"] = (
        sheet.encode(),
        strings.encode(),
    )
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    (row,) = read(book).rows
    assert row.attributes == {"小班": "0012A"} and row.polygon.equals(SQUARE)


# GPX


def gpx(*walks: str) -> str:
    return f'<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">{"".join(walks)}</gpx>'


def walk(*segments: Any, kind: str = "trk", name: str = "余村") -> str:
    point = {"trk": "trkpt", "rte": "rtept"}[kind]
    made = [
        "".join(f'<{point} lat="{y}" lon="{x}"><ele>12</ele></{point}>' for x, y in segment)
        for segment in segments
    ]
    inner = "".join(f"<trkseg>{one}</trkseg>" for one in made) if kind == "trk" else "".join(made)
    return f"<{kind}><name>{name}</name>{inner}</{kind}>"


def gpx_rows(folder: Path, *walks: str) -> VectorFile:
    (folder / "a.gpx").write_text(gpx(*walks), encoding="utf-8")
    return vectors.read(folder / "a.gpx")


@pytest.mark.parametrize("kind", ["trk", "rte"])
def test_a_track_that_came_back_is_an_outline(kind: str, tmp_path: Path) -> None:
    found = gpx_rows(tmp_path, walk(CORNERS, kind=kind))
    assert found.driver == "GPX" and found.crs.to_epsg() == 4326
    (row,) = found.rows
    assert row.polygon.equals(SQUARE) and row.attributes == {"name": "余村"} and not row.questions


def test_a_track_that_nearly_came_back_is_closed_and_asked_about(tmp_path: Path) -> None:
    end = (119.60, 30.63 + 10 / 111_195)  # ten metres to the north
    found = gpx_rows(tmp_path, walk([*CORNERS[:-1], end]))
    (row,) = check.check_rows(found, sink_type="tea").accepted
    (question,) = row.questions
    assert question.code == "closed_by_reader" and "10.0 米" in question.message


@pytest.mark.parametrize(
    ("corners", "code"),
    [
        ([*CORNERS[:-1], (119.60, 30.63 + 25 / 111_195)], "track_open"),
        ([(119.6, 30.6), (119.6001, 30.6), (119.6001, 30.6001)], "track_open"),  # 13 m of 20
        (CORNERS[:2], "invalid"),
        ([], "invalid"),
        ([(119.6, "x"), *CORNERS], "invalid"),
    ],
)
def test_a_track_that_is_no_outline_is_refused(corners: Any, code: str, tmp_path: Path) -> None:
    (row,) = gpx_rows(tmp_path, walk(corners)).rows
    assert row.polygon is None and row.problem is not None and row.problem.code == code


def test_a_track_in_two_pieces_and_a_way_point_are_rows_that_are_refused(tmp_path: Path) -> None:
    found = gpx_rows(
        tmp_path, '<wpt lat="30.6" lon="119.6"><name>门</name></wpt>',
        walk(CORNERS[:3], CORNERS[3:]), walk([], CORNERS),
    )  # fmt: skip
    assert [row.problem.code if row.problem else None for row in found.rows] == [
        "not_an_area", "track_broken", None,
    ]  # fmt: skip


# GeoParquet


def frame(crs: Any = 4490) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": ["007", None], "n": [1, 2], "mu": [1.5, float("nan")], "on": [True, False]},
        geometry=[DONUT, BOTH], crs=crs,
    )  # fmt: skip


def regeo(path: Path, change: Any) -> Path:
    """Write the file again with its description of the outlines changed."""
    table = pyarrow.parquet.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    change(geo)
    metadata = {**table.schema.metadata, b"geo": json.dumps(geo).encode()}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), path)
    return path


def test_geoparquet_gives_every_row_and_value(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "a.parquet")
    found = vectors.read(tmp_path / "a.parquet")
    assert (
        found.driver == "GeoParquet" and found.crs.to_epsg() == 4490 and found.crs_source == "file"
    )
    assert [row.attributes for row in found.rows] == [
        {"code": "007", "n": 1, "mu": 1.5, "on": 1},
        {"code": None, "n": 2, "mu": None, "on": 0},
    ]
    assert found.rows[0].polygon.equals(DONUT) and found.rows[1].polygon.equals(BOTH)


def test_the_system_of_geoparquet_is_the_one_it_describes(tmp_path: Path) -> None:
    frame(4490).to_crs(4549).to_parquet(tmp_path / "a.parquet")
    assert vectors.read(tmp_path / "a.parquet").crs.to_epsg() == 4549
    path = regeo(tmp_path / "a.parquet", lambda geo: geo["columns"]["geometry"].pop("crs"))
    assert vectors.read(path).crs_source == "default"
    path = regeo(path, lambda geo: geo["columns"]["geometry"].update(crs=None))
    with pytest.raises(FileRefused) as refused:
        vectors.read(path)
    assert refused.value.code == "crs_missing" and "EPSG:4549" in refused.value.message


def test_a_number_that_does_not_match_its_description_is_not_believed(tmp_path: Path) -> None:
    frame(4490).set_crs(2384, allow_override=True).to_parquet(tmp_path / "a.parquet")
    path = regeo(
        tmp_path / "a.parquet",
        lambda geo: geo["columns"]["geometry"]["crs"].update(
            id={"authority": "EPSG", "code": 4549}
        ),
    )
    with pytest.raises(FileRefused) as refused:
        vectors.read(path)
    assert refused.value.code == "crs_refused"


@needs_shared
def test_the_real_geoparquet_is_what_geopandas_reads() -> None:
    path = SHARED / "field_parcels" / "jp" / "jp_field_polygons_2024.parquet"
    found = vectors.read(path)
    expected = gpd.read_parquet(path)
    assert len(found.rows) == len(expected) == 100
    for row, outline in zip(found.rows, expected.geometry, strict=True):
        assert row.polygon.equals(shapely.force_2d(outline))
    assert [row.attributes["local_government_cd"] for row in found.rows] == list(
        expected["local_government_cd"]
    )
    report = check.check_rows(found, sink_type="farmland", anywhere=True)
    assert len(report.accepted) == 100


@needs_shared
def test_the_plots_of_a_forest_inventory_are_no_outlines() -> None:
    for path in sorted((SHARED / "forest_plots").glob("*.csv")):
        with pytest.raises(FileRefused) as refused:
            vectors.read(path)
        assert refused.value.code == "no_outlines"

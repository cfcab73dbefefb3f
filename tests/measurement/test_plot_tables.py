"""Tables of trees, of stand volume and of tea: read, refused in words, stored and listed."""

import csv
import io
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy.orm import Session

from methodologies.plot_readings import StandVolume, TeaShoots, TreeGroup, Trees
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid
from sinks.crediting import projects
from sinks.measurement import plot_columns, plot_table, plots
from sinks.measurement.office_tables import TableRefused
from sinks.measurement.plot_kinds import Amount
from tests import world

PLACE = "样地号,层,经度,纬度,面积,坡度,日期"
HEADS = {
    "trees": f"{PLACE},树种,胸径,基本密度 g/cm³,株数\n",
    "volume": f"{PLACE},蓄积 m³/ha\n",
    "tea_shoots": f"{PLACE},地上生物量 t/ha,修剪面以上比例\n",
}
ENGLISH = {
    "trees": "species,dbh_cm,wood_density_g_cm3,count",
    "volume": "volume_m3_ha",
    "tea_shoots": "agb_t_ha,above_plane_share",
}
AT = "P1,A,119.6,30.6,400,12,2024-10-01,"
FIR = TreeGroup(species="杉木", dbh_cm=12.2, wood_density_g_cm3=0.307, count=3)


def table(kind: str, *lines: str, encoding: str = "utf-8") -> plot_table.PlotTable:
    content = HEADS[kind] + "".join(f"{line}\n" for line in lines)
    return plot_table.parse("样地.csv", content.encode(encoding))


def test_each_kind_is_read_in_chinese_and_english_in_gbk_and_with_full_width_digits() -> None:
    for kind, line, wanted in (
        ("trees", "杉木,１２.２,0.307,３", FIR),
        ("volume", "８０.５", StandVolume(volume_m3_ha=80.5)),
        ("tea_shoots", "12.1,３０％", TeaShoots(agb_t_ha=12.1, above_plane_share=0.3)),
        ("tea_shoots", "12.1,0.3", TeaShoots(agb_t_ha=12.1, above_plane_share=0.3)),
        ("tea_shoots", "0,33.3%", TeaShoots(agb_t_ha=0, above_plane_share=0.333)),
    ):
        english = plot_table.parse(
            "p.csv",
            f"plot,stratum,lon,lat,area_m2,slope_deg,date,{ENGLISH[kind]}\n{AT}{line}\n".encode(),
        )
        for found in (table(kind, AT + line), table(kind, AT + line, encoding="gb18030"), english):
            assert found.errors == [] and found.kind == kind
            assert (found.plots, found.visits, found.count) == (1, 1, 1)
            assert [row.found for row in found.rows] == [wanted]
            assert found.rows[0].phase == plots.NO_PHASE


def test_a_species_in_gbk_that_is_good_utf_8_as_well_is_read_as_it_was_written() -> None:
    head = f"plot,stratum,lon,lat,area_m2,slope_deg,date,{ENGLISH['trees']}\n"
    content = f"{head}{AT}杉木,12.2,0.307,3\n"
    assert "ɼľ" in content.encode("gbk").decode("utf-8")
    for encoding in ("gbk", "utf-8", "utf-8-sig"):
        [row] = plot_table.parse("p.csv", content.encode(encoding)).rows
        assert row.found == FIR


def test_a_spreadsheets_own_numbers_and_percentages_are_read() -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADS["tea_shoots"].strip().split(","))
    book.active.append(["P1", "A", 119.6, 30.6, 400, 0, date(2024, 10, 1), 12.1, 0.3])
    content = io.BytesIO()
    book.save(content)
    [row] = plot_table.parse("茶.xlsx", content.getvalue()).rows
    assert row.found == TeaShoots(agb_t_ha=12.1, above_plane_share=0.3)
    assert row.measured_on == date(2024, 10, 1)


@pytest.mark.parametrize(
    ("kind", "line", "words"),
    [
        ("trees", ",12.2,0.307,3", "树种没有填"),
        ("trees", "杉木,,0.307,3", "胸径没有填"),
        ("trees", "杉木,12.2,,3", "基本密度没有填"),
        ("trees", "杉木,12.2,0.307,", "株数没有填"),
        ("trees", "杉木,12.25,0.307,3", "一位小数"),
        ("trees", "杉木,0,0.307,3", "胸径：须大于 0"),
        ("trees", "杉木,-12.2,0.307,3", "胸径：须大于 0"),
        ("trees", "杉木,1220,0.307,3", "胸径：须小于 300"),
        ("trees", "杉木,1e400,0.307,3", "胸径“1e400”不是数字"),
        ("trees", "杉木,nan,0.307,3", "胸径“nan”不是数字"),
        ("trees", "杉木,snan,0.307,3", "胸径“snan”不是数字"),
        ("trees", "杉木,1_2,0.307,3", "胸径“1_2”不是数字"),
        ("trees", "杉木,12.2,307,3", "基本密度：须小于 2"),
        ("trees", "杉木,12.2,0.307,1.5", "整数"),
        ("trees", "杉木,12.2,0.307,-1", "整数"),
        ("trees", "杉木,12.2,0.307,1e99", "整数"),
        ("trees", "杉木,12.2,0.307,0", "整数"),
        ("trees", "12.2,12.2,0.307,3", "应为名称"),
        ("trees", "杉" * 51 + ",12.2,0.307,3", "树种"),
        ("volume", "", "蓄积没有填"),
        ("volume", "-0.1", "蓄积：须不小于 0"),
        ("volume", "2001", "蓄积：须不大于 2000"),
        ("volume", "1e99", "数值过大：蓄积"),
        ("volume", "inf", "不是数字"),
        ("volume", "80 方", "不是数字"),
        ("tea_shoots", "12.1,", "修剪面以上比例没有填"),
        ("tea_shoots", ",0.3", "地上生物量没有填"),
        ("tea_shoots", "12.1,30", "写百分号"),
        ("tea_shoots", "12.1,130%", "0–1 之间"),
        ("tea_shoots", "12.1,-0.1", "0–1 之间"),
        ("tea_shoots", "12.1,NaN%", "不是数字"),
        ("tea_shoots", "201,0.3", "地上生物量：须不大于 200"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(kind: str, line: str, words: str) -> None:
    good = {"trees": "杉木,12.2,0.307,3", "volume": "80", "tea_shoots": "12.1,0.3"}[kind]
    found = table(kind, AT + good, AT.replace("P1", "P2") + line)
    assert [error.number for error in found.errors] == [3], found.errors
    assert words in found.errors[0].message


@pytest.mark.parametrize(
    ("kind", "first", "second", "words"),
    [
        ("trees", ",,,0", "杉木,12.2,0.307,3", "既写没有树"),
        ("trees", "杉木,12.2,0.307,3", "杉木,14.0,0.37,1", "杉木的基本密度与第 2 行不同"),
        ("volume", "80", "80", "已在第 2 行"),
        ("tea_shoots", "12.1,0.3", "12.2,0.3", "已在第 2 行"),
    ],
)
def test_lines_of_a_visit_that_contradict_each_other_are_told(
    kind: str, first: str, second: str, words: str
) -> None:
    found = table(kind, AT + first, AT + second)
    assert [error.number for error in found.errors] == [3]
    assert words in found.errors[0].message


def test_a_line_of_0_trees_and_nothing_else_is_a_plot_without_trees() -> None:
    found = table("trees", AT + ",,,0")
    assert found.errors == [] and [row.found for row in found.rows] == [None]
    assert plot_columns.measured("trees", []) == ([], Trees(trees=[]))


def test_no_more_groups_of_trees_than_a_reading_takes() -> None:
    lines = [AT + f"杉木,{tenth / 10},0.307,1" for tenth in range(1, 2002)]
    assert table("trees", *lines[:2000]).errors == []
    [error] = table("trees", *lines).errors
    assert error.number == 2002 and "2,000 行" in error.message


@pytest.mark.parametrize(
    ("columns", "code", "words"),
    [
        ("树种,胸径,基本密度,株数,蓄积", "plot_table_kinds", "几种的列"),
        ("树种,胸径,基本密度,株数,大小年", "plot_table_kinds", "竹株：大小年"),
        ("蓄积,地上生物量,修剪面以上比例", "plot_table_kinds", "茶树地上生物量：地上生物量"),
        ("蓄积,株数", "plot_table_kinds", "请分成几张表"),
        ("胸径,株数", "plot_table_columns", "每木检尺：树种"),
        ("备注", "plot_table_columns", "蓄积：蓄积（volume_m3_ha）"),
        ("树种,胸径,株数", "plot_table_columns", "缺少：基本密度"),
        ("地上生物量", "plot_table_columns", "缺少：修剪面以上比例"),
        # 30 under this heading is a share, and 0.3 under it as well: nobody knows.
        ("地上生物量,修剪面以上比例(%)", "plot_table_columns", "缺少：修剪面以上比例"),
    ],
)
def test_headings_of_several_kinds_or_of_half_a_kind_are_refused_whole(
    columns: str, code: str, words: str
) -> None:
    with pytest.raises(TableRefused) as refusal:
        plot_table.parse("样地.csv", f"{PLACE},{columns}\n{AT}1,2,3,4,5\n".encode())
    assert refusal.value.code == code and words in refusal.value.message


tenths = some.integers(1, 2999).map(lambda one: one / 10)
trees_of_a_plot = some.lists(
    some.builds(
        TreeGroup,
        species=some.sampled_from(["杉木", "马尾松", "Pinus massoniana, Lamb.", "木荷"]),
        dbh_cm=tenths, wood_density_g_cm3=some.just(0.5), count=some.integers(1, 99_999),
    ),
    min_size=1, max_size=5,
)  # fmt: skip
readings = some.one_of(
    trees_of_a_plot,
    some.builds(StandVolume, volume_m3_ha=some.floats(0, 2000)).map(lambda one: [one]),
    some.builds(
        TeaShoots, agb_t_ha=some.floats(0, 200), above_plane_share=some.floats(0, 1)
    ).map(lambda one: [one]),
)  # fmt: skip


@given(readings, some.sampled_from(["utf-8-sig", "gb18030"]))
def test_what_is_written_out_is_what_is_read_back(
    lines: list[TreeGroup | StandVolume | TeaShoots], encoding: str
) -> None:
    kind = "trees" if isinstance(lines[0], TreeGroup) else lines[0].KIND
    columns = plot_columns.MEASURED[kind]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*plot_columns.PLACE, *columns])
    for one in lines:
        values = one.model_dump()
        writer.writerow([*AT.split(",")[:-1], *(values[column] for column in columns)])
    read = plot_table.parse("p.csv", out.getvalue().encode(encoding))
    assert read.errors == [] and read.kind == kind
    assert [row.found for row in read.rows] == lines


@given(trees_of_a_plot)
def test_trees_typed_are_the_trees_read(lines: list[TreeGroup]) -> None:
    text = "\n".join(
        f"{one.species.replace(',', '')} {one.dbh_cm}，{one.wood_density_g_cm3} {one.count}"
        for one in lines
    )
    read = plot_columns.typed("trees", text)
    assert read == [
        one.model_copy(update={"species": one.species.replace(",", "")}) for one in lines
    ]


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("trees", "杉木 12.2 0.307", "第 1 行：应依次为树种、胸径、基本密度、株数，共 4 项"),
        ("trees", "杉木 12.2 0.307 3\n松 x 0.4 1", "第 2 行：胸径“x”不是数字"),
        ("trees", "杉木 12.2 0.5 1,200", "树种“杉木 12.2”应为名称"),
        ("volume", "1,200", "共 1 项"),
        ("volume", "", "请逐行填写蓄积"),
        ("volume", "80 81", "共 1 项"),
        ("tea_shoots", "12.1", "共 2 项"),
        ("culms", "10.2 2 14", "按“度”还是按“年”"),
    ],
)
def test_what_is_typed_wrong_is_named_by_its_line(kind: str, text: str, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        plot_columns.typed(kind, text)
    assert words in refusal.value.message


def stored(
    session: Session, people: dict[str, Actor], project_id: int, kind: str, *lines: str,
    correcting: bool = False,
) -> plot_table.Committed:  # fmt: skip
    """Lines written "plot,date,what was found", at the place of the plot's number."""
    rows = []
    for line in lines:
        code, day, found = line.split(",", 2)
        x, y = world.place(int(code[1:]))
        rows.append(f"{code},A,{x:.7f},{y:.7f},400,0,{day},{found}")
    return plot_table.commit(
        session, people["clerk"], project_id, table(kind, *rows), correcting=correcting,
        land=projects.land_by_stratum(session, project_id),
    )  # fmt: skip


def test_visits_of_each_kind_are_stored_and_listed_and_nothing_is_shown_to_the_blind(
    session: Session, people: dict[str, Actor]
) -> None:
    for method_id, kind, lines, amounts, said in (
        (
            "forest-aff/1", "trees",
            ["P0,2022-01-05,,,,0", "P0,2024-03-01,杉木,12.2,0.307,100",
             "P0,2024-03-01,木荷,8,0.55,12"],
            (Amount("trees", 0), Amount("trees", 112)), "112 株",
        ),
        (
            "forest-aff/1", "volume", ["P0,2022-01-05,0", "P0,2024-03-01,80"],
            (Amount("volume", 0), Amount("volume", 80)), "80.0 m³/ha",
        ),
        (
            "tea-perennial/1", "tea_shoots", ["P0,2022-01-05,11,0.3", "P0,2024-03-01,12.1,30%"],
            (Amount("tea_shoots", 11), Amount("tea_shoots", 12.1)), "12.1 t/ha",
        ),
    ):  # fmt: skip
        with session.begin_nested() as here:
            project_id = world.read_project(session, people, method_id)
            done = stored(session, people, project_id, kind, *lines)
            assert (done.plots, done.visits, done.count) == (1, 2, len(lines))
            [line] = plot_table.listing(session, project_id)
            assert line.visited_on == (date(2022, 1, 5), date(2024, 3, 1))
            assert line.found == amounts and line.found[-1].zh == said
            assert plot_table.listing(session, project_id, blind=True)[0].found == ()
            here.rollback()


def test_what_the_method_does_not_measure_by_is_refused_in_words(
    session: Session, people: dict[str, Actor]
) -> None:
    project_id = world.read_project(session, people, "tea-perennial/1")
    with pytest.raises(Conflict) as refusal:
        stored(session, people, project_id, "volume", "P0,2024-03-01,80")
    assert refusal.value.code == "plot_kind"
    assert "按“茶树地上生物量”测量，不能登记蓄积" in refusal.value.message
    stored(session, people, project_id, "tea_shoots", "P0,2024-03-01,12.1,0.3")
    [plot] = plots.of_project(session, project_id)
    with pytest.raises(Conflict):
        plots.add_visit(
            session, people["clerk"], plot.id, measured_on=date(2024, 3, 2), phase="on",
            culms=world.culms_of_agb(9, 400),
        )  # fmt: skip
    with pytest.raises(Conflict):
        plots.add_reading(
            session, people["clerk"], plot.id, measured_on=date(2024, 3, 2),
            reading=StandVolume(volume_m3_ha=80),
        )  # fmt: skip


def test_a_stratum_keeps_to_one_kind_until_all_of_it_is_corrected(
    session: Session, people: dict[str, Actor]
) -> None:
    project_id = world.read_project(session, people, "forest-aff/1")
    stored(session, people, project_id, "volume", "P0,2024-03-01,80", "P1,2024-03-01,75")
    trees = ["P0,2024-03-01,杉木,12.2,0.307,3", "P1,2024-03-01,杉木,12.0,0.307,4"]
    for lines, correcting in (
        (["P2,2024-03-01,杉木,12.2,0.307,3"], False),
        (["P0,2026-03-01,杉木,12.2,0.307,3"], False),
        (trees[:1], True),
    ):
        with pytest.raises(Conflict) as refusal, session.begin_nested():
            stored(session, people, project_id, "trees", *lines, correcting=correcting)
        assert refusal.value.code == "plot_kinds_mixed" and "层“A”" in refusal.value.message
    stored(session, people, project_id, "trees", *trees, correcting=True)
    first, second = plot_table.listing(session, project_id)
    assert (first.found, second.found) == ((Amount("trees", 3),), (Amount("trees", 4),))


def test_a_species_keeps_its_density_from_one_visit_to_the_next(
    session: Session, people: dict[str, Actor]
) -> None:
    """Denser wood at the end than at the start would be growth that nothing grew."""
    project_id = world.read_project(session, people, "forest-aff/1")
    stored(session, people, project_id, "trees", "P0,2022-01-05,杉木,12.2,0.307,3")
    with pytest.raises(Conflict) as refusal, session.begin_nested():
        stored(session, people, project_id, "trees", "P0,2024-03-01,杉木,12.2,0.37,3")
    assert refusal.value.code == "wood_density"
    assert "0.307" in refusal.value.message and "0.37 " in refusal.value.message
    stored(session, people, project_id, "trees", "P0,2024-03-01,杉木,14.2,0.307,3")

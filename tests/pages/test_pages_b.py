"""The screens of projects, verification, filing, ledger, restoration and settings, against the
database; and the reading of plot tables and cells that they stand on."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import rasterio
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as some
from rasterio.transform import from_origin
from streamlit.testing.v1 import AppTest

from methodologies import moso_mgmt_v1
from pages import _case_steps, _why, _why_equation, _why_errors, _why_story
from sinks.core import db, people, policies
from sinks.core.actor import Actor, Role
from sinks.core.errors import Conflict
from sinks.crediting import certificates, issuance, ledger, openings, projects, rounds, verification
from sinks.measurement import cells, layers, plot_columns, plot_table, plots, runs
from sinks.measurement.plot_kinds import Amount
from sinks.measurement.variograms import Given
from sinks.restoration import case_units, cases
from tests import pages_help, world
from tests.pages_help import calm, confirmed, press, said

HEAD = "plot,stratum,lon,lat,area_m2,slope_deg,date,phase,dbh_cm,age_du,count\n"
LINE = "P1,A,119.6,30.6,400,12,2024-10-01,on,10.2,2,14\n"


@pytest.fixture(scope="module")
def story(
    engine: sa.Engine, who: dict[str, Actor], tmp_path_factory: pytest.TempPathFactory
) -> world.Story:
    """A measured round with plots, every policy in force; its tests take it on, one after another."""
    with db.transaction(who["registrar"]) as session:
        world.policies_in_force(session, who)
        return world.measured_round(session, who, tmp_path_factory.mktemp("layers"))


@pytest.fixture
def screen(who: dict[str, Actor]) -> Iterator[object]:
    """Open a page as a person, at an address."""

    def opened(page: str, login: str, **query: object) -> AppTest:
        at = pages_help.page_of(page, pages_help.token_of(who, login))
        for name, value in query.items():
            at.query_params[name] = str(value)
        return calm(at.run())

    yield opened


# Projects and rounds.


def test_a_table_of_plots_is_read_with_chinese_headings_and_full_width_digits() -> None:
    text = (
        "样地号,层,经度,纬度,面积,坡度,调查日期,大小年,胸径,竹龄（年）,株数\n"
        "Ａ１,一类,119.6,30.6,４００,10,2024.10.1,大年,１０.２,3,14\n"
    )
    for encoding in ("utf-8-sig", "gb18030"):
        table = plot_table.parse("样地.csv", text.encode(encoding))
        assert table.errors == []
        row = table.rows[0]
        assert (row.plot, row.area_m2, row.measured_on, row.phase) == (
            "A1", 400.0, date(2024, 10, 1), "on",
        )  # fmt: skip
        assert row.found == plots.CulmCount(Decimal("10.2"), 14, age_years=3)


def test_a_spreadsheet_is_read_with_its_own_dates() -> None:
    book = openpyxl.Workbook()
    book.active.append(HEAD.strip().split(","))
    book.active.append(["P1", "A", 119.6, 30.6, 400, 0, date(2024, 10, 1), "off", 8.5, 1, 3])
    book.active.append(["P1", "A", 119.6, 30.6, 400, 0, 45566, "off", 10, 2, 4])
    content = io.BytesIO()
    book.save(content)
    table = plot_table.parse("p.xlsx", content.getvalue())
    assert [row.measured_on for row in table.rows] == [date(2024, 10, 1)] * 2
    assert (table.plots, table.visits, table.count) == (1, 1, 7)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("P1,A,119.6,30.6,400,12,2024-10-01,on,10.25,2,14", "一位小数"),
        ("P1,A,119.6,30.6,400,12,2024-10-01,on,1.9,2,14", "不在 2–30"),
        ("P1,A,119.6,30.6,400,12,2024-13-01,on,10,2,14", "不是一个日期"),
        ("P1,A,119.6,30.6,4,12,2024-10-01,on,10,2,14", "不在 25–10000"),
        ("P1,A,119.6,30.6,400,12,2024-10-01,大大年,10,2,14", "大小年"),
        ("P1,A,119.6,30.6,400,12,2024-10-01,on,10,2,1.5", "整数"),
        ("P1,A,119.6,30.6,400,12,2024-10-01,on,10,,3", "竹龄"),
        ("P1,A,nan,30.6,400,12,2024-10-01,on,10,2,3", "不是数字"),
        ("P1,B,119.6,30.6,400,12,2024-10-01,on,10,2,3", "与第 2 行不同"),
    ],
)
def test_a_wrong_row_is_named_by_the_number_a_spreadsheet_shows(line: str, words: str) -> None:
    table = plot_table.parse("p.csv", (HEAD + LINE + line + "\n").encode())
    assert [error.number for error in table.errors] == [3]
    assert words in table.errors[0].message


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("p.csv", b"", "plot_table_size"),
        ("p.csv", HEAD.encode(), "plot_table_empty"),
        ("p.csv", b"plot,lon\nP1,119\n", "plot_table_columns"),
        ("p.xlsx", b"not a zip", "plot_table_kind"),
        ("p.csv", (HEAD.replace("count", "plot") + LINE).encode(), "plot_table_columns"),
    ],
)
def test_what_is_no_table_of_plots_is_refused_whole(name: str, content: bytes, code: str) -> None:
    with pytest.raises(plot_table.TableRefused) as refusal:
        plot_table.parse(name, content)
    assert refusal.value.code == code


@given(some.integers(20, 299), some.integers(1, 9), some.integers(1, 999))
def test_culms_typed_are_the_culms_read(tenths: int, du: int, count: int) -> None:
    dbh = Decimal(tenths) / 10
    read = plot_columns.typed("culms", f"{dbh}，{du} {count}", age="age_du")
    assert read == [plots.CulmCount(round(dbh, 1), count, age_du=du)]


def test_plots_beside_the_project_or_in_another_stratum_are_refused_and_nothing_is_stored(
    who: dict[str, Actor], story: world.Story
) -> None:
    land = [("A", world.land(0, 0, 400, 400))]
    x, y = world.TO_4490.transform(world.EAST_M + 30, world.NORTH_M + 30)
    inside = f"N1,A,{x},{y},400,12,2024-10-01,on,10.2,2,14\n"
    for wrong, code in (
        (f"N2,A,{x + 0.1},{y},400,12,2024-10-01,on,10.2,2,14\n", "plot_outside"),
        (f"N2,B,{x},{y},400,12,2024-10-01,on,10.2,2,14\n", "plot_stratum"),
    ):
        table = plot_table.parse("p.csv", (HEAD + inside + wrong).encode())
        with pytest.raises(Conflict) as refusal, db.transaction(who["clerk"]) as session:
            plot_table.commit(session, who["clerk"], story.project_id, table, land=land)
        assert refusal.value.code == code
    with db.transaction(who["clerk"]) as session:
        assert "N1" not in {line.code for line in plot_table.listing(session, story.project_id)}


def test_a_visit_is_stored_once_unless_it_is_a_correction(
    who: dict[str, Actor], story: world.Story
) -> None:
    land = [("A", world.land(0, 0, 400, 400))]
    x, y = world.TO_4490.transform(world.EAST_M + 200, world.NORTH_M + 390)
    text = HEAD + f"C1,A,{x},{y},400,12,2024-10-01,on,10.2,2,14\n"
    table = plot_table.parse("p.csv", text.encode())
    with db.transaction(who["clerk"]) as session:
        done = plot_table.commit(session, who["clerk"], story.project_id, table, land=land)
    assert (done.plots, done.visits, done.count) == (1, 1, 14)
    with pytest.raises(Conflict) as refusal, db.transaction(who["clerk"]) as session:
        plot_table.commit(session, who["clerk"], story.project_id, table, land=land)
    assert refusal.value.code == "visit_held"
    mended = plot_table.parse("p.csv", text.replace(",14\n", ",15\n").encode())
    with db.transaction(who["clerk"]) as session:
        plot_table.commit(
            session, who["clerk"], story.project_id, mended, land=land, correcting=True
        )
        line = next(
            one for one in plot_table.listing(session, story.project_id) if one.code == "C1"
        )
    assert (line.visited_on, line.found) == ((date(2024, 10, 1),), (Amount("culms", 15),))
    moved = plot_table.parse("p.csv", text.replace(",400,", ",500,").encode())
    with pytest.raises(Conflict) as refusal, db.transaction(who["clerk"]) as session:
        plot_table.commit(session, who["clerk"], story.project_id, moved, land=land)
    assert refusal.value.code == "plot_moved"


def ramp(path: Path, *, crs: str, west: float, north: float, cell: float, add: float) -> Path:
    """Cells whose value is their row times 100, plus their column, plus ``add``."""
    rows, columns = np.indices((60, 60))
    with rasterio.open(
        path, "w", driver="GTiff", width=60, height=60, count=1, dtype="float32", crs=crs,
        transform=from_origin(west, north, cell, cell), nodata=-9999,
    ) as raster:  # fmt: skip
        raster.write((rows * 10 + columns * 0.1 + add).astype("float32"), 1)
    return path


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:4490"])
def test_the_picture_of_cells_shows_each_cell_where_it_lies(
    who: dict[str, Actor], story: world.Story, tmp_path: Path, crs: str
) -> None:
    outline = world.land(40, 40, 100, 60)
    if crs == "EPSG:4549":
        west, north, cell = world.EAST_M, world.NORTH_M + 400, 20.0
    else:
        west, south, _, top = outline.bounds
        west, north, cell = west - 0.001, top + 0.001, 0.0002
    ids = []
    with db.transaction(who["officer"]) as session:
        for number, add in enumerate((0.0, 7.0)):
            path = ramp(
                tmp_path / f"{number}.tif", crs=crs, west=west, north=north, cell=cell, add=add
            )
            ids.append(
                layers.add(
                    session, who["officer"], path, name=f"像元 {crs} {number}", variable="agb",
                    unit="Mg/ha", epoch=date(2010 + number, 1, 1), phase="on", licence="CC0",
                    source="测试",
                ).id
            )  # fmt: skip
        shown = cells.cells_under(session, *ids, outline)
    change = shown["difference"].values
    assert np.nanmin(change) == pytest.approx(7.0) and np.nanmax(change) == pytest.approx(7.0)
    start = shown["start"]
    assert np.isfinite(start.values).sum() == start.cells > 4
    assert start.valid_share == pytest.approx(1.0)
    # Rows grow southwards and columns eastwards, as a person looks at the map.
    rows, columns = np.argwhere(np.isfinite(start.values)).T
    step_down = start.values[rows.max(), columns[rows == rows.max()][0]]
    step_top = start.values[rows.min(), columns[rows == rows.min()][0]]
    assert step_down - step_top == pytest.approx(10 * (rows.max() - rows.min()), abs=2.5)
    west_edge, south_edge, east_edge, north_edge = start.bounds
    o = outline.bounds
    assert west_edge <= o[0] and south_edge <= o[1] and east_edge >= o[2] and north_edge >= o[3]


def test_the_equation_on_the_screen_is_the_result() -> None:
    result = moso_mgmt_v1.run(moso_mgmt_v1.example())
    middle = result["intermediate"]
    value = (
        middle["delta_agb_t_ha"] * (1 + middle["r"]) * middle["cf"] * 44 / 12 * middle["area_ha"]
    )
    assert value == pytest.approx(result["gross_co2_t"])
    shown = {row["name"]: row["value"] for row in _why_equation.steps(result)}
    assert shown["可签发"] == f"{result['issuable_kg']:,}"
    assert shown["净碳汇量"] == f"{result['net_co2_t']:,.3f}"
    assert f"{result['gross_co2_t']:,.1f} t" in _why_equation.equation(result)


def test_a_round_is_shown_under_other_policies_and_with_what_matters_most(
    screen, story: world.Story
) -> None:
    at = screen("projects", "clerk", project=story.project_id, round=story.round_id, why=1)
    [part] = [one for one in at.get("button_group") if "政策" in str(one.options)]
    part.set_value("换一种政策")
    words = said(calm(at.run()))
    assert "本次：AR-TOOL14" in words and "固定扣减 15 %" in words and "15.0%" in words
    [part] = [one for one in at.get("button_group") if "政策" in str(one.options)]
    part.set_value("什么最要紧")
    words = said(calm(at.run()))
    assert "地上生物量 · CO2" in words and "因子 moso.R ± 1 标准差" in words


def test_a_map_alone_says_why_it_earns_nothing() -> None:
    given_ = moso_mgmt_v1.example()
    for stratum in given_["strata"]:
        stratum["plots"] = []
        stratum |= {"map_agb_t_ha_start": 55.0, "map_agb_t_ha_end": 57.0,
                    "map_stderr_t_ha_start": 9.0, "map_stderr_t_ha_end": 9.0}  # fmt: skip
    result = moso_mgmt_v1.run(given_)
    assert result["issuable_kg"] == 0
    words = _why_equation.why_nothing(result)
    assert "分不开" in words and "没有样地" in words


def test_the_error_of_a_map_alone_is_said_with_its_variogram(
    screen, who: dict[str, Actor], story: world.Story, tmp_path: Path
) -> None:
    plots_words = _why_errors.map_error_facts(_why_story.load(who["clerk"], story.round_id))
    assert "图层误差不进入结果" in plots_words[0][1]
    with db.transaction(who["registrar"]) as session:
        parcel_id = world.enrolled(session, who, world.land(3000, 0, 200, 200), name="09-001")
        world.contracted(session, who, [parcel_id])
        project = projects.create(
            session, who["clerk"], name="只有图", method_id="moso-mgmt/1",
            strata={parcel_id: "A"},
        )  # fmt: skip
        first = rounds.get(session, story.round_id)
        row = openings.by_layers(
            session, who["clerk"], project.id, layer_start_id=first.layer_start_id,
            layer_end_id=first.layer_end_id, facts=world.MANAGED,
        )  # fmt: skip
        layers.give_variogram(
            session, who["officer"], first.layer_start_id, Given(300.0, 0.2, "样地残差")
        )
        rounds.measure(session, who["clerk"], row.id)
        round_id, layer_id = row.id, first.layer_start_id
    start, end = _why_errors.map_error_facts(_why_story.load(who["clerk"], round_id))
    assert "exp(−d / 300 m)" in start[1] and "样地残差" in start[1]
    assert "完全相关" in end[1]
    words = said(screen("layers", "officer", layer=layer_id, parcel=parcel_id))
    assert "变程 300 米" in words and "原文件指纹" in words and "data:image/png" in words


def test_the_list_leads_to_the_project_and_the_project_to_its_round(screen, story) -> None:
    words = said(screen("projects", "clerk"))
    assert f"/projects?project={story.project_id}" in words and "安吉毛竹林经营" in words
    at = screen("projects", "clerk", project=story.project_id, round=story.round_id, why=1)
    words = said(at)
    assert "44/12" in words and "图上差 + 样地校正" in words and "已核算" in words


def test_a_round_is_measured_again_and_says_the_same(screen, story) -> None:
    at = screen("projects", "clerk", project=story.project_id, round=story.round_id, why=1)
    with db.transaction() as session:
        run_id = rounds.get(session, story.round_id).run_id
    at.session_state[f"why.{story.round_id}.{run_id}.part"] = "复算"
    calm(at.run())
    at = press(at, f"why.{run_id}.again")
    assert "一致 ✓" in said(at)
    assert f"sinks round remeasure {story.round_id} --run {run_id}" in said(at)


def test_who_is_not_the_owner_gets_no_button_of_the_owner(screen, story) -> None:
    at = screen("projects", "verifier", project=story.project_id, round=story.round_id)
    assert not [one for one in at.button if one.key and one.key.startswith(("measure.", "open."))]


def test_all_free_parcels_of_a_county_become_a_project_and_take_a_table_of_plots(
    screen, who: dict[str, Actor], story: world.Story
) -> None:
    with db.transaction(who["registrar"]) as session:
        mine = world.enrolled(session, who, world.land(1200, 0, 200, 200), name="01-009")
        world.contracted(session, who, [mine])
        # Nobody has contracted this one: it is not offered.
        world.enrolled(session, who, world.land(1500, 0, 200, 200), name="01-010")
    at = screen("projects", "clerk")
    at.checkbox(key="new.all").check()
    calm(at.text_input(key="new.name").set_value("新项目").run())
    at = press(at, "new.create")
    with db.transaction(who["clerk"]) as session:
        project = projects.listing(session)[0][0]
        assert (project.name, project.status) == ("新项目", "draft")
        assert len(projects.members(session, project.id)) == 1
        project_id = project.id
    at = screen("projects", "clerk", project=project_id)
    at.session_state[f"part.{project_id}"] = "plots"
    calm(at.run())
    x, y = world.TO_4490.transform(world.EAST_M + 1300, world.NORTH_M + 100)
    good = HEAD + f"N1,A,{x},{y},400,12,2024-10-01,on,10.2,2,14\n"
    uploader = at.get("file_uploader")[0]
    uploader.set_value(("样地.csv", good.replace(",on,", ",大大年,").encode(), "text/csv"))
    calm(at.run())
    assert "1 行需修正" in said(at) and not [b for b in at.button if b.key == "plots.commit"]
    at.get("file_uploader")[0].set_value(("样地.csv", good.encode(), "text/csv"))
    at = press(calm(at.run()), "plots.commit")
    assert "1 个新样地、1 次调查、14 株竹" in said(at)

    at.session_state["plots.how"] = "form"
    calm(at.run())
    at.selectbox(key="plot.known").set_value("N1")
    at.text_area(key="plot.culms").set_value("10.2 2 16\n8.5 1 2")
    at.date_input(key="plot.date").set_value(date(2026, 10, 1))
    at.selectbox(key="plot.phase").set_value("on")
    at.selectbox(key="plot.age").set_value("age_du")
    send = [one.label for one in at.button].index("登记")
    assert "0 个新样地、1 次调查、18 株竹" in said(calm(at.button[send].click().run()))
    with db.transaction(who["clerk"]) as session:
        line = plot_table.listing(session, project_id)[0]
        assert (line.visited_on, line.found) == (
            (date(2024, 10, 1), date(2026, 10, 1)), (Amount("culms", 14), Amount("culms", 18)),
        )  # fmt: skip


def test_the_owner_publishes_and_the_notice_is_there(screen, who, story) -> None:
    at = screen("projects", "clerk", project=story.project_id, round=story.round_id)
    at = press(at, f"publish-round.{story.round_id}.ask")
    assert "公示后不能再改" in said(at)
    at = press(at, f"publish-round.{story.round_id}.yes")
    assert "已公示" in said(at)
    with db.transaction() as session:
        assert rounds.get(session, story.round_id).status == "public_notice"
    assert "安吉毛竹林经营" in said(screen("filing", "clerk"))


# Verification.


def test_a_verifier_of_the_owners_house_is_refused_in_words(screen, who, story) -> None:
    with db.transaction(who["admin"]) as session:
        verifier = session.get_one(people.Party, who["verifier"].party_id)
        verifier.controlled_by_id = who["clerk"].party_id
    at = press(screen("verification", "verifier", round=story.round_id), f"begin.{story.round_id}")
    assert "受同一控制" in said(at)
    with db.transaction(who["admin"]) as session:
        session.get_one(people.Party, who["verifier"].party_id).controlled_by_id = None
        assert rounds.get(session, story.round_id).status == "public_notice"


def test_a_statement_waits_until_every_part_was_seen_and_every_finding_answered(
    screen, who, story
) -> None:
    at = press(screen("verification", "verifier", round=story.round_id), f"begin.{story.round_id}")
    at.selectbox(key=f"finding.{story.round_id}.field").set_value("plots")
    at.text_area(key=f"finding.{story.round_id}.words").set_value("P03 <b>检尺</b>记录不清")
    at = calm(at.button[[b.label for b in at.button].index("提出整改")].click().run())
    assert "待业主答复" in said(at)
    assert not [one for one in at.button if one.key == f"verify.{story.round_id}.ask"]

    owner = screen("projects", "clerk", project=story.project_id, round=story.round_id)
    with db.transaction() as session:
        finding_id = verification.findings(session, story.round_id)[0].id
    calm(owner.text_area(key=f"answer.{finding_id}").set_value("已补原始记录").run())
    press(owner, f"answer-send.{finding_id}")

    at = screen("verification", "verifier", round=story.round_id)
    calm(at.text_area(key=f"verify.{story.round_id}.words").set_value("属实").run())
    boxes = [one for one in at.checkbox if one.label == "已查看"]
    assert len(boxes) == len(_why.FIELDS) - 1  # "records" are of other rounds.
    for box in boxes[:-1]:
        at.checkbox(key=box.key).check()
    assert calm(at.run()).button(key=f"verify.{story.round_id}.ask").disabled
    calm(at.checkbox(key=boxes[-1].key).check().run())
    assert not at.button(key=f"verify.{story.round_id}.ask").disabled
    confirmed(at, f"verify.{story.round_id}")
    with db.transaction() as session:
        row = rounds.get(session, story.round_id)
        assert (row.status, row.verified_by_id) == ("verified", who["verifier"].person_id)


# Filing and issuance.


def test_the_authority_records_a_verified_round_under_its_number(screen, who, story) -> None:
    at = screen("filing", "authority")
    key = f"file.round.{story.round_id}"
    assert at.button(key=f"{key}.ask").disabled
    calm(at.text_input(key=f"number.round.{story.round_id}").set_value("湖林碳备〔2026〕7号").run())
    confirmed(at, key)
    with db.transaction() as session:
        row = rounds.get(session, story.round_id)
        assert (row.status, row.filing_no) == ("recorded", "湖林碳备〔2026〕7号")


def test_looking_at_an_issuance_issues_nothing(screen, who, story) -> None:
    at = screen("filing", "registrar2")
    words = said(at)
    assert "将入持有人账户" in words and "-2023-01-" in words and "-2024-01-" in words
    with db.transaction(who["registrar"]) as session:
        assert rounds.get(session, story.round_id).status == "recorded"
        assert issuance.batches_of_round(session, story.round_id) == []
        assert ledger.accounts(session) == []


def test_what_is_issued_is_what_was_shown(screen, who, story) -> None:
    at = screen("filing", "registrar")
    shown = [one.body for one in at.get("html") if "sinks-metric" in one.body]
    at = press(at, f"issue.{story.round_id}.ask")
    assert "不能撤销" in said(at)
    press(at, f"issue.{story.round_id}.yes")
    with db.transaction(who["registrar"]) as session:
        found = ledger.accounts(session)
        held = sum(row.balance_kg for row in found if row.kind == "holding")
        buffer = sum(row.balance_kg for row in found if row.kind == "buffer")
        rest = sum(row.balance_kg for row in found if row.kind == "remainder")
        net = runs.get(session, rounds.get(session, story.round_id).run_id or 0).result["net_co2_t"]
    assert f"<b>{held:,}</b>" in shown[3] and f"<b>{buffer:,}</b>" in shown[4]
    assert f"<b>{rest:,}</b>" in shown[5]
    assert held + buffer + rest == issuance.whole_kg(net) and held > 0


def test_without_policies_the_missing_ones_are_named(screen, who, story, monkeypatch) -> None:
    monkeypatch.setattr(policies, "find", lambda session, key, on=None: None)
    at = screen("filing", "registrar")
    assert not [one for one in at.button if one.key and one.key.startswith("issue.")]


# The ledger.


def test_the_balance_never_adds_an_estimate(screen, who, story) -> None:
    at = screen("ledger", "clerk")
    table = next(one.body for one in at.get("html") if "合计（不含预估量）" in one.body)
    total = table[table.index("合计（不含预估量）") :]
    assert "sinks-hatched" in table and "40,000" in table
    assert "40,000" not in total and "—" in total
    with db.transaction(who["clerk"]) as session:
        account = next(
            row for row in ledger.accounts(session, party_id=who["clerk"].party_id)
            if row.kind == "holding"
        )  # fmt: skip
        assert f"{account.balance_kg:,}" in total


def test_the_ledger_is_verified_in_words_and_the_clerk_does_not_see_all_of_it(
    screen, story
) -> None:
    at = press(screen("ledger", "auditor"), "verify")
    assert "台账相符 ✓" in said(at) and "审计日志完好 ✓" in said(at)
    assert not [one for one in screen("ledger", "clerk").button if one.key == "verify"]
    assert "这一页由" in said(screen("ledger", "court"))


def test_a_holding_certificate_can_be_downloaded_and_checked(screen, who, story) -> None:
    with db.transaction(who["clerk"]) as session:
        account_id = next(
            row.id for row in ledger.accounts(session, party_id=who["clerk"].party_id)
            if row.kind == "holding"
        )  # fmt: skip
    at = confirmed(screen("ledger", "clerk"), f"certify.{account_id}")
    with db.transaction(who["clerk"]) as session:
        number = certificates.listing(session)[0].number
        assert certificates.check(session, number).genuine
    assert f"/certificates/{number}.pdf" in said(at)


# Restoration.


@dataclass(frozen=True)
class Case:
    id: int
    no: str


def opened(who: dict[str, Actor], number: int, *, requested: bool = True) -> Case:
    """A case of the court, with the measurement asked for."""
    with db.transaction(who["court"]) as session:
        row, _ = cases.open_case(
            session, who["court"], case_no=f"（2026）浙0591刑初{number}号", defendant="李四光头",
            cause="非法占用农用地罪", damage="forest",
        )  # fmt: skip
        if requested:
            cases.request_measurement(
                session, who["court"], row.id, appraiser_id=who["appraiser"].party_id, letter="函"
            )
        return Case(row.id, row.case_no)


def test_an_odd_court_is_said_before_the_case_is_opened_and_refuses_nothing(screen, who) -> None:
    at = screen("restoration", "court")
    calm(at.text_input(key="open.no").set_value("(2026)浙0523刑初1号").run())
    assert "集中管辖" in said(at)
    at.text_input(key="open.defendant").set_value("张三")
    at.text_input(key="open.cause").set_value("滥伐林木罪")
    at.selectbox(key="open.damage").set_value("forest")
    at = press(calm(at.run()), "open.send")
    assert "（2026）浙0523刑初1号" in said(at)
    with db.transaction(who["court"]) as session:
        assert cases.listing(session)[0].case_no == "（2026）浙0523刑初1号"


def test_a_prosecutors_number_is_no_case_number(screen) -> None:
    at = screen("restoration", "court")
    calm(at.text_input(key="open.no").set_value("湖检刑诉〔2026〕12号").run())
    assert "检察机关的文号" in said(at)


def appraised(screen, who: dict[str, Actor], case: Case) -> AppTest:
    """The appraiser types the corners of two mu and the facts of M1, as far as signing."""
    at = screen("restoration", "appraiser", case=case.id)
    at.session_state[f"how.{case.id}"] = "typed"
    calm(at.run())
    ring = world.land(2000, 2000, 40, 50).geoms[0].exterior.coords
    text = "\n".join(f"{x:.9f}, {y:.9f}" for x, y in ring)
    calm(at.text_area(key=f"corners.{case.id}").set_value(text).run())
    at = press(at, f"site.{case.id}")
    assert not [one for one in at.button if one.key == f"sign.{case.id}.ask"]
    calm(at.selectbox(key=f"method.{case.id}").set_value("M1").run())
    calm(at.radio(key=f"stock.{case.id}").set_value("field").run())
    at.number_input(key=f"delta.{case.id}").set_value(40.0)
    at.number_input(key=f"delta-se.{case.id}").set_value(4.0)
    at.text_input(key=f"basis.{case.id}").set_value("样地调查")
    for name, value in (("annual_t_ha", 5.85), ("recovery_years", 5), ("discount", 3.0),
                        ("price_fen_t", 73.41)):  # fmt: skip
        at.number_input(key=f"fact.{case.id}.{name}").set_value(value)
    at.radio(key=f"recovery.{case.id}").set_value("linear")
    return calm(at.run())


def test_nothing_is_computed_before_phi_is_stated_and_reasoned(screen, who, story) -> None:
    case = opened(who, 31)
    at = appraised(screen, who, case)
    assert "phi" in said(at) and not [one for one in at.button if one.key == f"sign.{case.id}.ask"]
    calm(at.number_input(key=f"fact.{case.id}.phi").set_value(0.0).run())
    assert at.button(key=f"sign.{case.id}.ask").disabled  # φ has no reason yet.


def test_a_case_goes_from_the_outline_to_the_confirmed_retirement(screen, who, story) -> None:
    case = opened(who, 32)
    at = appraised(screen, who, case)
    at.number_input(key=f"fact.{case.id}.phi").set_value(0.0)
    calm(at.text_input(key=f"phi.{case.id}").set_value("原地不再造林").run())
    # 0.2 ha x 40 t C/ha x 44/12 is 29.33 t, and the growth lost in five years 2.78 t.
    assert "29.33 tCO₂e" in said(at) and "2.78 tCO₂e" in said(at) and "90% 区间" in said(at)
    at = confirmed(at, f"sign.{case.id}")
    assert "李*" in said(at) and "李四光头" not in said(at)

    with db.transaction(who["court"]) as session:
        cases.file_consent(
            session, who["court"], case.id, request=("申请.txt", b"1"), consent=("同意.txt", b"2")
        )
    at = screen("restoration", "court", case=case.id)
    assert at.number_input(key="order.tonnes").value is None and "供参考" in said(at)
    yesterday = date.today() - timedelta(days=1)
    at.selectbox(key="order.kind").set_value("判决书")
    at.date_input(key="order.decided").set_value(yesterday)
    at.date_input(key="order.effective").set_value(yesterday)
    at.selectbox(key="order.basis").set_value(cases.FOREST_BASIS)
    at.number_input(key="order.tonnes").set_value(33.0)
    at.number_input(key="order.price").set_value(73.41)
    at.selectbox(key="order.seller").set_value(who["clerk"].party_id)
    at.text_area(key="order.duty").set_value("补植毛竹 3 年")
    at = confirmed(calm(at.run()), f"order.{case.id}")
    assert "2,422.53 元" in said(at) and "不因认购而免除" in said(at)

    at = screen("restoration", "clerk", case=case.id)
    supply = at.selectbox(key="lock.account").options[0]
    calm(at.selectbox(key="lock.account").select(supply).run())
    confirmed(at, f"lock.{case.id}")
    with db.transaction(who["clerk"]) as session:
        case_units.record_payment(session, who["clerk"], case.id, voucher=("凭证.txt", b"3"))
    at = confirmed(screen("restoration", "registrar", case=case.id), f"retire.{case.id}")
    assert "已注销 33,000 kg" in said(at)
    confirmed(at, f"certify.{case.id}")
    at = confirmed(screen("restoration", "court", case=case.id), f"confirm.{case.id}")
    assert "修复义务仍按裁判另行履行" in said(at) and "/certificates/HZC-" in said(at)
    with db.transaction(who["registrar"]) as session:
        retired = ledger.account(session, ledger.AccountKind.RETIRED)
        assert retired.balance_kg == 33_000
        assert ledger.verify_ledger(session).broken == []


def test_a_case_is_nobodys_business_but_the_parties(screen, who) -> None:
    case = opened(who, 33, requested=False)
    assert "没有这个案件" in said(screen("restoration", "appraiser", case=case.id))
    assert case.no not in said(screen("restoration", "clerk"))


@given(some.integers(0, 10**9))
def test_a_typed_amount_becomes_the_integer_it_is(fen: int) -> None:
    assert _case_steps.whole(fen / 100, 100) == fen


def test_a_typed_amount_finer_than_the_unit_is_not_rounded() -> None:
    assert _case_steps.whole(73.415, 100) is None
    assert _case_steps.whole(0.1, 1000) == 100


# Settings.


def test_a_deciding_role_waits_for_the_second_administrator(screen, who) -> None:
    at = screen("settings", "admin")
    at.selectbox(key="grant.person").set_value(who["officer"].person_id)
    at.selectbox(key="grant.role").set_value(Role.VERIFIER)
    at = press(calm(at.run()), "grant.send")
    assert "等待另一位管理员" in said(at)
    with db.transaction(who["admin"]) as session:
        grant = next(
            row for person, _, rows in people.people(session)
            if person.id == who["officer"].person_id for row in rows if row.role == Role.VERIFIER
        )  # fmt: skip
        assert not grant.in_force
        grant_id = grant.id
    mine = confirmed(screen("settings", "admin"), f"approve.{grant_id}")
    assert "没有办成" in said(mine) and "另一位管理员" in said(mine)
    confirmed(screen("settings", "admin2"), f"approve.{grant_id}")
    with db.transaction(who["admin"]) as session:
        assert Role.VERIFIER in people.actor_of(session, who["officer"].person_id).roles


def test_a_policy_is_proposed_by_one_and_approved_by_another(screen, who, story) -> None:
    at = screen("settings", "registrar")
    calm(at.selectbox(key="propose.key").set_value("notice_days.round").run())
    at.number_input(key="propose.notice_days.round").set_value(7)
    at.text_input(key="propose.basis").set_value("湖林〔2026〕1号")
    at = press(calm(at.run()), "propose.send")
    with db.transaction(who["registrar"]) as session:
        row = next(one for one in policies.listing(session) if one.legal_basis == "湖林〔2026〕1号")
        assert row.value == 7 and row.valid_from is None
        row_id = row.id
    assert "须由另一人批准" in said(at)
    assert not [one for one in at.button if one.key == f"policy.{row_id}.ask"]
    confirmed(screen("settings", "registrar2"), f"policy.{row_id}")
    with db.transaction(who["registrar"]) as session:
        assert policies.find(session, "notice_days.round").id == row_id


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"day,kind\n2026-10-01,rest\n", "三列"),
        (b"day,kind,note\n2026/10/01,rest,x\n", "第 2 行"),
        (b"day,kind,note\n2026-10-01,free,x\n", "rest 或 work"),
        (b"day,kind,note\n2026-10-01,rest,x\n2026-10-01,work,x\n", "出现两次"),
    ],
)
def test_a_calendar_that_is_none_is_refused_with_its_row(screen, content, words) -> None:
    at = screen("settings", "registrar")
    at.session_state["settings.part"] = "calendar"
    calm(at.run())
    at.get("file_uploader")[0].set_value(("c.csv", content, "text/csv"))
    assert words in said(calm(at.run()))


def test_an_administrator_hands_out_a_one_time_password(screen, who) -> None:
    at = screen("settings", "admin")
    at.session_state["settings.part"] = "people"
    calm(at.run())
    at.selectbox(key="reset.person").set_value(who["auditor"].person_id)
    at = press(press(calm(at.run()), "reset.ask"), "reset.yes")
    assert "一次性密码" in said(at)
    with db.transaction() as session:
        person = people.check_password(session, "auditor", at.code[0].value)
        assert person.password_one_time


def test_every_page_tells_the_public_to_sign_in() -> None:
    for page in ("projects", "verification", "filing", "ledger", "restoration", "settings"):
        at = calm(pages_help.page_of(page).run())
        assert "请先登录" in said(at) and not at.button

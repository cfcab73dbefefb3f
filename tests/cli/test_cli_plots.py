"""`sinks plots`: drawn, taken along as GPX, visited, measured again, from the command line."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from gis_data import _gpx
from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import projects
from tests import world

HEAD = "plot,stratum,lon,lat,area_m2,slope_deg,date,phase,dbh_cm,age_du,count\n"


@pytest.fixture(scope="module")
def project(engine: sa.Engine, people: dict[str, Actor]) -> str:
    """A project of one stratum without plots; its code."""
    with db.transaction(people["registrar"]) as session:
        parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
        world.contracted(session, people, [parcel_id])
        return projects.create(
            session, people["clerk"], name="抽样", method_id="moso-mgmt/1", strata={parcel_id: "A"}
        ).code


def test_a_sample_goes_from_the_draw_to_the_second_measurement(
    registry, project: str, tmp_path: Path
) -> None:
    words = ("plots", "design", project, "--kind", "systematic")
    assert registry.refused(*words, "--plots", "A=2", by="clerk") == "min_plots"
    assert registry.refused(*words, "--plots", "A", by="clerk") == "numbers"
    assert registry.refused(*words, by="clerk") == "numbers"
    assert registry.refused(*words, "--plots", "A=6", by="verifier") == "role"
    assert (
        registry.refused("plots", "gpx", project, "--out", tmp_path / "x", by="clerk") == "design"
    )
    drawn = registry.done(*words, "--plots", "A=6", by="clerk")
    assert (drawn["number"], drawn["kind"]) == (1, "systematic")
    assert len(drawn["points"]) >= 6 and drawn["strata"][0]["spacing_m"] > 20
    assert registry.refused(*words, "--plots", "A=6", by="clerk") == "draw_stands"

    out = tmp_path / "样地.gpx"
    assert registry.done("plots", "gpx", project, "--out", out, by="clerk")["points"] == len(
        drawn["points"]
    )
    named = [row.attributes["name"] for row in _gpx.read(out.read_bytes(), row_limit=999).rows]
    assert named == [one["code"] for one in drawn["points"]]
    assert registry.done("plots", "redraw", project, by="verifier")["same"] is True

    table = tmp_path / "plots.csv"
    with db.transaction() as session:
        day = db.today(session)
    table.write_text(
        HEAD + "".join(
            f"{one['code']},A,{one['longitude']},{one['latitude']},400,12,{day},on,10.0,2,100\n"
            for one in drawn["points"]
        ),
        encoding="utf-8",
    )  # fmt: skip
    registry.done("round", "plots", "import", drawn["project_id"], table, "--project", by="clerk")
    [missing] = registry.done("plots", "findings", project, by="verifier")["findings"]
    assert missing["code"] == "second_missing"
    shown = registry.done("plots", "list", project, by="verifier")["designs"][0]
    assert {one["visited_on"] for one in shown["points"]} == {day.isoformat()}
    assert max(one["distance_m"] for one in shown["points"]) < 0.05

    listed = ("round", "plots", "list", drawn["project_id"], "--project")
    hidden = registry.done(*listed, by="verifier")["plots"][0]["visits"][0]
    assert hidden["culms"] is None
    assert registry.done(*listed, by="clerk")["plots"][0]["visits"][0]["culms"] == 100
    assert "株" not in registry(*listed, by="verifier").out

    again = registry.done("plots", "second-draw", project, by="verifier")
    [code] = [one["code"] for one in again["plots"]]
    assert again["plots"][0]["first"] is None
    culms = tmp_path / "culms.txt"
    culms.write_text("10.0 3 80\n", encoding="utf-8")
    measure = ("plots", "second-measure", project, code, culms, "--on", day, "--age", "years")
    assert registry.refused(*measure, by="clerk") == "role"
    saved = registry.done(*measure, by="verifier")
    assert saved["difference_share"] == pytest.approx(-0.20)
    assert registry.refused(*measure, by="verifier") == "measured_already"
    [differs] = registry.done("plots", "findings", project, by="verifier")["findings"]
    assert (differs["code"], differs["plots"]) == ("second_differs", [code])
    assert registry.done(*listed, by="verifier")["plots"][0]["visits"][0]["culms"] == 100
    for words in (("list",), ("second-list",), ("findings",), ("photos",)):
        said = registry("plots", *words, project, by="clerk")
        assert said.status == 0 and said.out.strip(), said.err


def test_a_photo_is_filed_with_its_place(registry, project: str, tmp_path: Path) -> None:
    [point, *_] = registry.done("plots", "list", project, by="clerk")["designs"][0]["points"]
    picture = io.BytesIO()
    Image.new("RGB", (30, 20)).save(picture, "JPEG")
    path = tmp_path / "照片.jpg"
    path.write_bytes(picture.getvalue())
    with db.transaction() as session:
        day = db.today(session)
    words = ("plots", "photo", project, point["code"], path, "--on", day)
    assert registry.refused(*words, by="clerk") == "photo_place"
    assert registry.refused(*words[:-1], day - timedelta(days=9), by="clerk") == "visit"
    place = ("--longitude", point["longitude"], "--latitude", point["latitude"])
    assert registry.refused(*words, *place, by="clerk") == "photo_place"
    filed = registry.done(*words, *place, "--at", f"{day - timedelta(days=1)}T10:00:00", by="clerk")
    assert filed["read_from_file"] is False
    [line] = registry.done("plots", "photos", project, by="verifier")["photos"]
    assert line["plot_code"] == point["code"] and line["distance_m"] < 0.05
    assert registry.refused("plots", "photos", project, by="court") == "role"


@pytest.fixture(scope="module")
def forest(engine: sa.Engine, people: dict[str, Actor]) -> int:
    """A project of planted forest without plots; its id."""
    with db.transaction(people["registrar"]) as session:
        return world.read_project(session, people, "forest-aff/1")


def test_trees_come_in_by_a_table_and_are_listed(registry, forest: int, tmp_path: Path) -> None:
    x, y = world.place(0)
    table = tmp_path / "树.csv"
    place = f"T0,A,{x:.7f},{y:.7f},400,0"
    table.write_text(
        "样地号,层,经度,纬度,面积,坡度,日期,树种,胸径,基本密度,株数\n"
        f"{place},2022-01-05,,,,0\n"
        f"{place},2024-03-01,杉木,12.2,0.307,100\n{place},2024-03-01,木荷,8.0,0.55,12\n",
        encoding="gbk",
    )
    words = ("round", "plots", "import", forest, table, "--project")
    stored = registry.done(*words, by="clerk")
    assert stored == {
        "project_id": forest, "plots": 1, "visits": 2, "kind": "trees", "rows": 3,
    }  # fmt: skip
    assert registry.refused(*words, by="clerk") == "visit_held"
    listed = ("round", "plots", "list", forest, "--project")
    [line] = registry.done(*listed, by="clerk")["plots"]
    assert line["visits"][1] == {
        "date": "2024-03-01", "kind": "trees", "amount": 112, "unit": "株", "found": "112 株",
        "culms": None,
    }  # fmt: skip
    assert "2022-01-05（0 株）；2024-03-01（112 株）" in registry(*listed, by="clerk").out
    hidden = registry.done(*listed, by="verifier")["plots"][0]["visits"][1]
    assert {value for name, value in hidden.items() if name != "date"} == {None}
    bamboo = tmp_path / "竹.csv"
    bamboo.write_text(HEAD + f"T1,A,{x},{y},400,0,2024-03-01,on,10.0,2,100\n", encoding="utf-8")
    assert (
        registry.refused("round", "plots", "import", forest, bamboo, "--project", by="clerk")
        == "plot_kind"
    )
    volume = tmp_path / "蓄积.csv"
    volume.write_text(
        f"样地号,层,经度,纬度,面积,坡度,日期,蓄积\n{place},2024-03-02,80\n", encoding="utf-8"
    )
    assert (
        registry.refused("round", "plots", "import", forest, volume, "--project", by="clerk")
        == "plot_route"
    )
    bad = tmp_path / "错.csv"
    bad.write_text(table.read_text("gbk").replace("12.2", "12.25"), encoding="utf-8")
    assert (
        registry.refused("round", "plots", "import", forest, bad, "--project", by="clerk")
        == "plot_table_errors"
    )


def test_trees_are_measured_again_from_a_text_of_trees(
    registry, forest: int, tmp_path: Path
) -> None:
    [drawn] = registry.done("plots", "second-draw", str(forest), by="verifier")["plots"]
    assert (drawn["code"], drawn["kind"], drawn["first"]) == ("T0", "trees", None)
    assert "每木检尺" in registry("plots", "second-list", str(forest), by="verifier").out
    with db.transaction() as session:
        day = db.today(session)
    trees = tmp_path / "复测.txt"
    words = ("plots", "second-measure", str(forest), "T0", trees, "--on", day)
    trees.write_text("10.0 2 100\n", encoding="utf-8")
    assert registry.refused(*words, by="verifier") == "trees"
    trees.write_text("杉木 12.2 0.307 50\n木荷 8.0 0.55 6\n", encoding="utf-8")
    assert registry.refused(*words, "--age", "du", by="verifier") == "age"
    # Half of every group is half of the biomass.
    saved = registry.done(*words, by="verifier")
    assert (saved["kind"], saved["unit"]) == ("trees", "t/ha")
    assert saved["difference_share"] == pytest.approx(-0.5)
    assert saved["first"] == pytest.approx(2 * saved["second"])

"""Commands that need no database: they start fast, load none of it, and keep their shapes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from sinks.cli import main
from tests import world
from tests.cli.cli_help import geojson

ROOT = Path(__file__).parents[2]


def program(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`sinks` as a process of its own, with a data folder in which there is nothing."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("SINKS_")}
    return subprocess.run(
        [sys.executable, "-m", "sinks.cli.main", *words],
        cwd=ROOT, env={**plain, "SINKS_DATA_DIR": str(folder), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ("methods", "list"),
        ("methods", "schema", "moso-mgmt/1"),
        ("restoration", "wetland-fee", "--area-m2", "1.5", "--tier", "national"),
        ("zonal", "--help"),
        ("land", "check", "--help"),
    ],
)
def test_a_command_without_database_loads_nothing_of_it(words: tuple[str, ...]) -> None:
    code = (
        "import sys; from sinks.cli import main; status = main.run(sys.argv[1:]);"
        "loaded = {'sqlalchemy', 'psycopg', 'geoalchemy2'} & set(sys.modules);"
        "sys.exit(9 if loaded else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_methods_list_has_the_agreed_keys(cli) -> None:
    [first, *_] = cli.done("methods", "list")
    assert first["id"] == "moso-mgmt/1"
    assert {"id", "title", "sink_type", "credit_class"} <= first.keys()
    assert first["sink_type"] == "bamboo"


def test_the_printed_example_runs_without_a_database(tmp_path: Path) -> None:
    example = program("methods", "example", "moso-mgmt/1", folder=tmp_path)
    assert example.returncode == 0, example.stderr
    (tmp_path / "in.json").write_text(example.stdout, encoding="utf-8")
    done = program(
        "methods", "run", "moso-mgmt/1", "--input", str(tmp_path / "in.json"), "--json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {
        "method", "factor_hash", "gross_co2_t", "stderr_co2_t", "deduction_share", "net_co2_t",
        "buffer_co2_t", "issuable_kg", "components", "intermediate", "warnings", "refusals",
    } <= result.keys()  # fmt: skip
    assert result["method"] == "moso-mgmt/1"
    assert result["refusals"] == []
    assert result["issuable_kg"] == int(1000 * (result["net_co2_t"] - result["buffer_co2_t"]))


def test_an_input_the_method_does_not_take_is_refused_with_its_code(cli, write) -> None:
    path = write("in.json", {"period": {}})
    assert cli.refused("methods", "run", "moso-mgmt/1", "--input", path) == "INPUT_INVALID"
    assert cli.refused("methods", "run", "moso-mgmt/9", "--input", path) == "UNKNOWN_METHOD"
    assert cli.refused("methods", "run", "moso-mgmt/1", "--input", "no.json") == "not_found"


def test_a_result_that_may_not_be_issued_ends_with_1_and_keeps_its_shape(cli, write) -> None:
    example = cli.done("methods", "example", "moso-mgmt/1")
    example["phase_start"], example["phase_end"] = "on", "off"
    said = cli("methods", "run", "moso-mgmt/1", "--input", write("in.json", example), "--json")
    assert said.status == 1
    assert said.json["issuable_kg"] == 0
    assert said.json["refused"]["code"] == said.json["refusals"][0]["code"]
    assert said.json["net_co2_t"] != 0


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"{", b"[1, 2]", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000]
)
def test_a_file_that_is_no_json_object_is_refused(cli, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in.json"
    path.write_bytes(content)
    assert cli.refused("restoration", "loss", "--input", path) == "bad_json"


def test_the_loss_of_a_site_is_stock_and_flow_by_hand(cli, write) -> None:
    facts = {
        "method": "M1", "area_m2": 2000.0, "delta_c_t_ha": 40.0, "annual_t_ha": 0.0,
        "recovery_years": 10, "recovery": "linear", "discount": 0.0, "phi": 0.0, "k": 1.0,
        "unit_kg": 1000, "price_fen_t": 7341,
    }  # fmt: skip
    answer = cli.done("restoration", "loss", "--input", write("loss.json", facts))
    assert {
        "stock_t", "flow_t", "loss_t", "quantity_kg", "amount_fen", "residue_fen", "habitat_ha",
        "steps",
    } <= answer.keys()  # fmt: skip
    assert answer["loss_t"] == pytest.approx(0.2 * 40 * 44 / 12)  # 29.33 t
    assert answer["quantity_kg"] == 30_000
    assert answer["amount_fen"] == 30 * 7341


def test_a_loss_without_its_facts_is_refused_by_name(cli, write) -> None:
    said = cli("restoration", "loss", "--input", write("loss.json", {"method": "M3"}), "--json")
    assert said.status == 1
    assert said.json["refused"]["code"] == "loss_missing_field"
    assert "amount_fen" in said.json["refused"]["message"]


def test_the_wetland_fee_is_exact_to_the_fen(cli) -> None:
    answer = cli.done("restoration", "wetland-fee", "--area-m2", "1.005", "--tier", "provincial")
    assert answer["rate_fen_m2"] == 20_000
    assert answer["fee_fen"] == 20_100
    assert answer["basis"]
    assert cli.refused("restoration", "wetland-fee", "--area-m2", "5", "--tier", "plain") == (
        "wetland_tier"
    )


def test_land_check_counts_rows_and_says_that_overlap_was_not_checked(tmp_path: Path) -> None:
    outline = world.land(0, 0, 100, 200)
    bow = {"type": "Polygon", "coordinates": [[[119.6, 30.6], [119.61, 30.61], [119.61, 30.6],
                                               [119.6, 30.61], [119.6, 30.6]]]}  # fmt: skip
    document = geojson(outline)
    document["features"].append({"type": "Feature", "properties": {}, "geometry": bow})
    (tmp_path / "land.geojson").write_text(json.dumps(document))
    done = program(
        "land",
        "check",
        str(tmp_path / "land.geojson"),
        "--type",
        "bamboo",
        "--json",
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["rows"] == 2
    assert [row["row"] for row in report["accepted"]] == [0]
    # 100 x 200 m on the Gauss-Krueger plane near its central meridian.
    assert report["accepted"][0]["area_m2"] == pytest.approx(20_000, rel=1e-3)
    assert [(row["row"], row["code"]) for row in report["refused"]] == [(1, "invalid")]
    assert report["file"] is None
    assert report["overlap_checked"] is False
    assert report["questioned"] == []


def test_a_file_that_is_not_land_sets_file_and_ends_with_1(cli, tmp_path: Path) -> None:
    path = tmp_path / "land.geojson"
    path.write_text("nothing")
    said = cli("land", "check", path, "--type", "tea", "--anywhere", "--json")
    assert said.status == 1
    assert said.json["rows"] == 0
    assert said.json["file"]["code"]
    assert cli("land", "check", tmp_path / "no.shp", "--type", "tea", "--json").json["file"][
        "code"
    ] == ("not_found")


def test_land_elsewhere_is_refused_and_taken_with_anywhere(cli, write) -> None:
    far = {
        "type": "Polygon",
        "coordinates": [[[2.0, 48.0], [2.01, 48.0], [2.01, 48.01], [2.0, 48.0]]],
    }
    path = write("far.geojson", {"type": "Feature", "properties": {}, "geometry": far})
    here = cli("land", "check", path, "--type", "other", "--json")
    assert here.status == 1
    assert here.json["refused"][0]["code"] == "outside_districts"
    anywhere = cli("land", "check", path, "--type", "other", "--anywhere", "--json")
    assert anywhere.status == 0
    assert anywhere.json["overlap_checked"] is False


def test_zonal_writes_one_line_a_parcel(cli, write, tmp_path: Path) -> None:
    raster = world.biomass(tmp_path / "agb.tif", 50.0, seed=1, noise=0.0)
    errors = world.biomass(tmp_path / "se.tif", 5.0, seed=2, noise=0.0)
    path = write("land.geojson", geojson(world.land(0, 0, 200, 200), world.land(300, 0, 100, 100)))
    out = tmp_path / "sums.csv"
    done = cli.done(
        "zonal",
        "--layer",
        raster,
        "--parcels",
        path,
        "--out",
        out,
        "--stderr",
        errors,
        "--id",
        "name",
    )
    assert done["rows"] == 2
    header, first, second = out.read_text(encoding="utf-8-sig").splitlines()
    assert header == "id,area_ha,valid_share,mean,total,stderr"
    name, area_ha, share, mean, total, stderr = first.split(",")
    assert name == "小班 0"
    assert float(area_ha) == pytest.approx(4.0, rel=1e-3)
    assert float(share) == pytest.approx(1.0)
    assert float(mean) == pytest.approx(50.0)
    assert float(total) == pytest.approx(50.0 * float(area_ha))
    assert float(stderr) == pytest.approx(5.0 * float(area_ha))
    assert second.startswith("小班 1,")


def test_a_variogram_gives_the_error_of_a_total_between_none_and_full_correlation(
    cli, write, tmp_path: Path
) -> None:
    raster = world.biomass(tmp_path / "agb.tif", 50.0, seed=1, noise=0.0)
    errors = world.biomass(tmp_path / "se.tif", 5.0, seed=2, noise=0.0)
    path = write("land.geojson", geojson(world.land(10, 10, 200, 200), world.land(9e4, 0, 90, 90)))
    out = tmp_path / "sums.csv"
    words = ("zonal", "--layer", raster, "--parcels", path, "--out", out)

    def stderr(*more: object) -> tuple[float, str]:
        cli.done(*words, "--stderr", errors, *more)
        first, second = out.read_text().splitlines()[1:]
        return float(first.split(",")[5]), second.split(",")[5]

    full, outside = stderr()
    assert outside == ""
    assert stderr("--variogram", "1e12,0") == (pytest.approx(full, rel=1e-6), "")
    # Cells of 20 m, each by itself: 10 x 10 whole ones at least, 11 x 11 with the cut ones.
    independent, _ = stderr("--variogram", "0.01,0")
    assert full / 11 < independent < full / 9.5
    between, _ = stderr("--variogram", "60,0.2")
    assert 2 * independent < between < 0.9 * full
    assert cli.refused(*words, "--variogram", "60,0.2") == "stderr"
    assert cli.refused(*words, "--stderr", errors, "--variogram", "60") == "INPUT_INVALID"
    assert cli.refused(*words, "--stderr", errors, "--variogram", "0,0.2") == "OUT_OF_DOMAIN"


def test_a_layer_that_is_no_raster_is_refused_in_words(cli, write, tmp_path: Path) -> None:
    path = write("land.geojson", geojson(world.land(0, 0, 200, 200)))
    out = tmp_path / "sums.csv"
    said = cli("zonal", "--layer", path, "--parcels", path, "--out", out)
    assert said.status == 1
    assert "未办理" in said.err and said.out == ""
    assert not out.exists()


def test_wrong_words_end_with_2_and_one_json_object(cli) -> None:
    for words in (
        ("nothing",),
        ("methods", "run"),
        ("land", "check", "x", "--type", "grass"),
        ("round", "show", "x"),
    ):
        said = cli(*words, "--json")
        assert said.status == 2, words
        assert said.json["refused"]["code"] == "usage"
    assert cli("restoration", "wetland-fee", "--area-m2", "wide", "--tier", "national").status == 2


def test_every_group_shows_its_help_and_every_command_has_json(cli) -> None:
    root = main_commands()
    for path, command in root.items():
        assert "--json" in {name for option in command.params for name in option.opts}, path
        assert command.help, path


def main_commands() -> dict[str, object]:
    """Every command of the whole command line by its words."""
    found: dict[str, object] = {}

    def walk(words: str, command: object) -> None:
        if children := getattr(command, "commands", None):
            for name, child in children.items():
                walk(f"{words} {name}".strip(), child)
        else:
            found[words] = command

    walk("", typer.main.get_command(main.command_line()))
    assert {"land check", "land rights add", "methods run", "round issue", "restoration loss",
            "restoration confirm", "db restore", "calendar load", "zonal", "up"} <= found.keys()  # fmt: skip
    return found


def test_a_database_that_does_not_answer_is_a_refusal_and_not_a_crash(tmp_path: Path) -> None:
    done = program("ledger", "verify", "--json", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["refused"]["code"] == "no_database"
    assert "Traceback" not in done.stderr


def test_a_group_without_a_command_shows_its_help(cli) -> None:
    said = cli("land", "rights")
    assert said.status == 2
    assert said.out == "" and said.err.startswith("Usage: sinks land rights")


def test_the_form_and_the_marked_rows_are_written_as_workbooks(cli, write, tmp_path: Path) -> None:
    form, marked = tmp_path / "form.xlsx", tmp_path / "marked.xlsx"
    assert cli.done("land", "template", "--out", form) == {"file": str(form)}
    bow = {"type": "Polygon", "coordinates": [[[119.6, 30.6], [119.61, 30.61], [119.61, 30.6],
                                               [119.6, 30.61], [119.6, 30.6]]]}  # fmt: skip
    path = write("bow.geojson", {"type": "Feature", "properties": {"n": "=1+1"}, "geometry": bow})
    said = cli("land", "check", path, "--type", "tea", "--errors", marked, "--json")
    assert said.status == 1
    [offer] = said.json["repairs"]
    assert offer["row"] == 0 and offer["offered"] is False and offer["code"] == "area_changes"
    assert form.read_bytes()[:2] == marked.read_bytes()[:2] == b"PK"
    assert cli.refused("land", "template", "--out", tmp_path / "no" / "form.xlsx") == "out_file"


def test_the_columns_of_a_table_can_be_named(cli, tmp_path: Path) -> None:
    corners = [(119.6, 30.6), (119.61, 30.6), (119.61, 30.61), (119.6, 30.6)]
    lines = ["户,E,N", *(f"甲,{x},{y}" for x, y in corners)]
    path = tmp_path / "corners.csv"
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    words = ("land", "check", path, "--type", "tea", "--crs", "EPSG:4490")
    said = cli(*words, "--json")
    assert said.status == 1 and said.json["file"]["code"] == "no_outlines"
    report = cli.done(*words, "--outline", "parcel=户,x=E,y=N")
    assert [row["row"] for row in report["accepted"]] == [0]
    said = cli(*words, "--outline", "户", "--json")
    assert said.json["file"]["code"] == "outline_columns"

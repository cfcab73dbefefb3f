"""A whole import by the command line: staged, committed once, handed in, reviewed, enrolled; jobs."""

from tests import world
from tests.cli.cli_help import geojson

CERTIFICATE = "浙（2024）安吉县不动产权第0007777号"


def test_an_import_goes_its_way_by_its_number(registry, write) -> None:
    rows = geojson(*(world.land(112 * n, 40_000, 100, 100) for n in range(3)))
    for row in rows["features"]:
        row["properties"]["权证号"] = CERTIFICATE
    file = write("bulk.geojson", rows)
    words = ("land", "import", file, "--type", "bamboo")
    staged = registry.done(*words, "--stage", by="officer")
    assert staged["rows"] == 3 and staged["overlap_checked"] is True and "import" not in staged
    assert registry.refused(*words, by="officer") == "owner"
    first = registry.done(*words, "--owner", world.VILLAGE, by="officer")
    again = registry.done(*words, "--owner", world.VILLAGE, by="officer2")
    assert (again["import"], again["already_imported"]) == (first["import"], True)
    assert again["accepted"] == first["accepted"]
    number = first["import"]
    assert registry.refused("land", "submit", by="officer") == "parcel"
    assert registry.done("land", "submit", "--import", number, by="officer")["taken"] == 3
    own = registry("land", "review", "--import", number, "--json", by="officer")
    assert own.status == 1 and {one["code"] for one in own.json["refused"]} == {"two_people"}
    assert registry.done("land", "review", "--import", number, by="officer2")["taken"] == 3
    done = registry.done("land", "enrol", "--import", number, by="officer2")
    assert done == {"import": number, "taken": 3, "refused": [], "elsewhere": 0}
    assert registry.refused("land", "enrol", "--import", 999, by="officer2") == "import"


def test_jobs_are_listed_for_their_person_and_worked_by_the_machine(registry) -> None:
    assert registry.done("jobs", "list", by="officer") == {"jobs": []}
    assert registry.refused("jobs", "show", 1, by="officer") == "job"
    assert registry.refused("jobs", "list") == "not_signed_in"
    assert registry.done("jobs", "work", "--once") == {"worked": 0}


def test_a_table_of_corners_is_imported_by_the_columns_that_are_named(registry, tmp_path) -> None:
    ring = [*world.land(0, 44_000, 100, 100).geoms[0].exterior.coords]
    rows = "".join(f"甲-1,{n},{x:.8f},{y:.8f}\n" for n, (x, y) in enumerate(ring))
    file = tmp_path / "拐点.csv"
    file.write_text("地号,第几点,甲列,乙列\n" + rows)
    words = ("land", "import", file, "--type", "bamboo", "--crs", "EPSG:4490", "--stage")
    assert registry(*words, "--json", by="officer").json["file"]["code"]
    columns = "parcel=地号,order=第几点,x=甲列,y=乙列"
    staged = registry.done(*words, "--outline", columns, by="officer")
    assert staged["rows"] == 1 and round(staged["accepted"][0]["area_m2"]) == 10_000
    assert registry(*words, "--outline", "corner=甲列", "--json", by="officer").json["file"][
        "code"
    ] == "outline_columns"  # fmt: skip


def test_a_staged_import_is_answered_mended_and_committed_by_the_command_line(
    registry, write, tmp_path
) -> None:
    document = geojson(*(world.land(112 * n, 46_000, 100, 100) for n in range(4)))
    for n, feature in enumerate(document["features"]):
        feature["properties"] = {"编码": f"00{n}", "图上": "15 亩" if n else "30 亩"}
    ring = document["features"][3]["geometry"]["coordinates"][0][0]
    spike = [[ring[0][0] + 1e-3, ring[0][1] + 1e-3], ring[0]]
    document["features"][3]["geometry"] = {"type": "Polygon", "coordinates": [[*ring, *spike]]}
    staged = registry.done(
        "land", "import", write("批.geojson", document), "--type", "bamboo", "--stage",
        by="officer",
    )  # fmt: skip
    batch = staged["batch"]
    registry.done(
        "land", "batch", "map", batch, "name=编码", "declared_area=图上:mu", "--source", "乡林站",
        by="officer",
    )  # fmt: skip
    shown = registry.done("land", "batch", "show", batch, by="officer")
    assert shown["mapping"]["name"] == "编码" and shown["questions"] == {"declared_area_over_5": 1}
    [offer] = shown["repairs"]
    assert offer["row"] == 3
    commit = ("land", "batch", "commit", batch, "--owner", world.VILLAGE)
    assert registry.refused(*commit, by="officer") == "questions_open"
    registry.done(
        "land", "batch", "answer", batch, "declared_area_over_5", "--leave", "--reason", "待核",
        by="officer",
    )  # fmt: skip
    assert registry.refused(
        "land", "batch", "repair", batch, 0, "--reason", "x", by="officer"
    ) == "no_repair"  # fmt: skip
    registry.done("land", "batch", "leave-out", batch, 1, "--reason", "已退耕", by="officer")
    workbook = tmp_path / "错误.xlsx"
    registry.done("land", "batch", "errors", batch, "--out", workbook, by="officer")
    assert workbook.stat().st_size > 1_000
    done = registry.done(*commit, by="officer")
    assert done["accepted"] == 1 and done["state"] == "committed"
    other = registry.done(
        "land", "import", write("另.geojson", geojson(world.land(0, 47_000, 100, 100))),
        "--type", "bamboo", "--stage", by="officer",
    )["batch"]  # fmt: skip
    gone = registry.done("land", "batch", "discard", other, "--reason", "错文件", by="officer")
    assert gone["state"] == "discarded"
    listed = registry.done("land", "batch", "list", by="officer")["batches"]
    assert {one["batch"]: one["state"] for one in listed}[other] == "discarded"

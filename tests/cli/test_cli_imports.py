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

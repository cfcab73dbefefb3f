"""Overlap, split, merge, transfer, expiry, history and audit by the command line alone."""

import itertools
import json

import pytest

from sinks.cooperative import contracts
from sinks.core import db
from sinks.crediting import projects
from sinks.land import parcel_list, parcels
from tests import world
from tests.cli.cli_help import geojson

ROWS_M = itertools.count(0, 1_000)  # The land of each test, apart from the others'.


@pytest.fixture
def parcel_codes(registry, engine, people) -> list[str]:
    """Two enrolled neighbours and a reviewed parcel over the first; their codes."""
    y = next(ROWS_M)
    with db.transaction(people["officer"], bind=engine) as session:
        ids = [
            world.enrolled(session, people, world.land(20_000, y, 200, 200)),
            world.enrolled(session, people, world.land(20_200, y, 200, 200)),
            world.reviewed(session, people, world.land(20_000, y + 100, 200, 200)),
        ]
        return [session.get_one(parcels.Parcel, one).code for one in ids]


def test_land_is_split_merged_disputed_and_told_by_the_command_line(
    registry, write, parcel_codes: list[str]
) -> None:
    first, second, later = parcel_codes
    case = registry("land", "enrol", later, "--json", by="officer2")
    assert case.status == 1
    assert case.json["refused"]["code"] == "land_taken"
    case_id = case.json["overlap_case"]
    shown = registry.done("land", "overlaps", "show", case_id, by="officer")
    assert shown["others"][0]["code"] == first and shown["shared"]["type"] == "Polygon"
    assert registry.refused(
        "land", "overlaps", "propose", case_id, "--outcome", "within_accuracy", "--reason", "x",
        by="officer",
    ) == "outcome"  # fmt: skip
    registry.done(
        "land", "overlaps", "propose", case_id, "--outcome", "other_stands", "--reason", "先登记",
        by="officer",
    )  # fmt: skip
    registry.done("land", "overlaps", "decide", case_id, "--reason", "同意", by="registrar")
    assert registry.done("land", "overlaps", "list", by="officer")["cases"] == []

    merged = registry.done(
        "land", "merge", first, second, "--name", "合并地块", "--reason", "同一农户", by="officer"
    )
    assert [one["status"] for one in merged["parents"]] == ["withdrawn", "withdrawn"]
    [whole] = merged["children"]
    registry.done("land", "review-succession", merged["succession"], by="officer2")
    ends = [
        world.TO_4490.transform(world.EAST_M + x, world.NORTH_M + y)
        for x, y in ((20_150, -50), (20_150, 250))
    ]
    line = write("line.geojson", {"type": "LineString", "coordinates": ends})
    dry = registry.done(
        "land", "split", whole["code"], "--line", line, "--reason", "x", "--dry-run", by="officer"
    )
    assert [round(one["area_m2"]) for one in dry["pieces"]] == pytest.approx(
        [29_999, 49_999], abs=3
    )
    done = registry.done(
        "land", "split", whole["code"], "--line", line, "--reason", "分户", by="officer"
    )
    assert len(done["children"]) == 2
    told = registry.done("land", "history", whole["code"], by="officer")["events"]
    assert {"succession", "claim", "right"} <= {event["kind"] for event in told}
    audit = registry.done("land", "audit", by="auditor")
    assert audit["ok"] and audit["double_counted"] == []


def test_a_right_passes_on_and_an_expiry_needs_its_policy(
    registry, parcel_codes: list[str]
) -> None:
    code = parcel_codes[1]
    [right] = registry.done("land", "rights", "list", code, by="officer")["rights"]
    row = registry.done(
        "land", "transfer", "propose", right["id"], "--party", world.HOUSEHOLD,
        "--certificate-kind", "contract", "--certificate", "流转 7", "--on", "2026-02-01",
        "--reason", "流转", by="officer",
    )  # fmt: skip
    assert (
        registry.refused("land", "transfer", "accept", row["transfer"], by="officer")
        == "two_people"
    )
    registry.done("land", "transfer", "accept", row["transfer"], by="officer2")
    [listed] = registry.done("land", "transfer", "list", code, by="officer")["transfers"]
    assert listed["accepted"] is True and listed["to"] == world.HOUSEHOLD
    assert registry.refused("land", "expire", by="officer") == "policy_missing"
    assert registry.done("land", "expire", "--dry-run", by="officer")["expired"] == []


def test_polygons_of_another_programme_are_imported_once(registry, write) -> None:
    file = write("vcs.geojson", geojson(world.land(22_000, 0, 200, 200)))
    words = (
        "land",
        "programme-claims",
        "import",
        file,
        "--programme",
        "VCS",
        "--from",
        "2024-01-01",
    )
    assert registry.refused(*words, by="officer") == "external_id"
    done = registry.done(*words, "--external-id", "VCS-1234", by="officer")
    assert len(done["claims"]) == 1 and json.dumps(done)
    assert registry.done(*words, "--external-id", "VCS-1234", by="officer")["known"] == 1
    [listed] = registry.done("land", "programme-claims", "list", by="officer")["claims"]
    assert (listed["programme"], listed["status"]) == ("VCS", "standing")
    assert registry.refused(
        "land", "programme-claims", "end", listed["id"], "--reason", "x", by="officer"
    ) == "two_people"  # fmt: skip
    registry.done(
        "land", "programme-claims", "end", listed["id"], "--reason", "注销", by="registrar"
    )


def test_files_are_put_to_a_case_and_taken_out_again_by_those_who_decide(
    registry, tmp_path, parcel_codes: list[str]
) -> None:
    case_id = registry("land", "enrol", parcel_codes[2], "--json", by="officer2").json[
        "overlap_case"
    ]
    photo = tmp_path / "界桩.jpg"
    photo.write_bytes(b"a photo")
    attach = ("land", "overlaps", "attach", case_id, photo, "--kind", "photo")
    done = registry.done(*attach, by="officer")
    assert registry.refused(*attach, by="registrar") == "paper_known"
    assert registry.refused(*attach, by="verifier") == "role"
    [shown] = registry.done("land", "overlaps", "show", case_id, by="registrar")["documents"]
    assert (shown["id"], shown["sha256"]) == (done["document"], done["sha256"])
    assert registry.done("land", "overlaps", "show", case_id, by="verifier")["documents"] == []
    copy = tmp_path / "copy.jpg"
    words = ("land", "overlaps", "file", done["document"], "--out", copy)
    assert registry.refused(*words, by="verifier") == "document"
    registry.done(*words, by="registrar")
    assert copy.read_bytes() == b"a photo"


def test_a_parcel_whose_contract_has_lapsed_leaves_its_project(
    registry, engine, people, parcel_codes: list[str]
) -> None:
    code = parcel_codes[1]
    with db.transaction(people["registrar"], bind=engine) as session:
        found = parcel_list.rows(session, search=code)[0].id
        contract_id = world.contracted(session, people, [found])
        project_id = projects.create(
            session, people["clerk"], name="到期", method_id="moso-mgmt/1", strata={found: "A"}
        ).id
    words = ("project", "leave", project_id, code, "--reason", "合同到期")
    assert registry.refused(*words, by="clerk") == "still_held"
    with db.transaction(people["registrar"], bind=engine) as session:
        session.get_one(contracts.Contract, contract_id).term_to = db.today(session)
    assert registry.refused(*words, by="officer") == "role"
    assert registry.done(*words, by="clerk")["code"] == code
    told = registry.done("land", "history", code, by="officer")["events"]
    assert any("退出项目" in event["text"] for event in told)


def test_a_contract_ends_with_its_reason_and_the_land_is_free_again(
    registry, engine, people, parcel_codes: list[str]
) -> None:
    code = parcel_codes[0]
    with db.transaction(people["registrar"], bind=engine) as session:
        found = parcel_list.rows(session, search=code)[0].id
        number = session.get_one(
            contracts.Contract, world.contracted(session, people, [found])
        ).number
    words = ("contract", "end", number, "--reason", "双方协议")

    def status() -> str:
        [shown] = registry.done("land", "list", "--search", code, by="officer")["parcels"]
        return str(shown["status"])

    assert status() == "under_contract"
    assert registry.refused(*words, by="officer") == "role"
    ended = registry.done(*words, by="clerk")
    assert (ended["number"], ended["end_reason"]) == (number, "双方协议")
    assert status() == "enrolled"
    again = registry(*words, "--json", by="clerk")
    assert again.status == 1 and again.json["refused"]["message"]


def test_a_list_of_land_goes_on_where_the_page_before_ended(
    registry, parcel_codes: list[str]
) -> None:
    met: list[str] = []
    after: tuple[str, ...] = ()
    while True:
        page = registry.done("land", "list", "--limit", 2, *after, by="officer")
        assert 0 < len(page["parcels"]) <= 2
        met += [one["code"] for one in page["parcels"]]
        if page["next"] is None:
            break
        assert page["next"] == met[-1]
        after = ("--after", page["next"])
    assert met == sorted(met) and len(met) == page["total"]
    assert set(parcel_codes) <= set(met)

"""Who may do what from the command line: signing in, two people, four people, own affairs."""

import stat
from pathlib import Path

import sqlalchemy as sa

from sinks.cli import _token
from sinks.core import db
from sinks.core.people import LoginFailure
from tests import world
from tests.cli.cli_help import geojson


def test_signing_in_keeps_a_token_that_only_its_owner_reads(registry) -> None:
    said = registry("login", "officer", "--password-stdin", "--json", stdin=world.PASSWORD + "\n")
    assert said.status == 0 and said.json["roles"] == ["officer"]
    assert world.PASSWORD not in said.out + said.err
    place = _token.path()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert place.read_text() not in said.out
    assert registry.done("whoami")["party"] == "安吉县林业局"
    assert registry.done("logout") == {"signed_in": False}
    assert not place.exists()
    assert registry.refused("whoami") == "not_signed_in"


def test_signing_out_ends_the_session_and_not_only_the_file(registry) -> None:
    registry("login", "officer", "--password-stdin", stdin=world.PASSWORD + "\n")
    token = _token.path().read_text()
    registry("logout")
    _token.write(token)
    assert registry.refused("land", "list") == "not_signed_in"


def test_a_wrong_password_is_refused_and_remembered(registry) -> None:
    said = registry("login", "clerk", "--password-stdin", "--json", stdin="wrong password\n")
    assert said.status == 1 and said.json["refused"]["code"] == "login"
    assert not _token.path().exists()
    with db.transaction() as session:
        failures = sa.select(sa.func.count()).where(LoginFailure.login == "clerk")
        assert session.scalar(failures) == 1


def test_nothing_is_written_without_a_name(registry, write, tmp_path: Path) -> None:
    land = write("land.geojson", geojson(world.land(0, 0, 200, 200)))
    for words in (
        ("land", "import", land, "--type", "bamboo", "--owner", world.VILLAGE),
        ("land", "enrol", "1"),
        ("policy", "propose", "unit_kg", "1", "--basis", "x"),
        ("people", "add", "someone", "--name", "某", "--party", "1"),
        ("round", "issue", 1),
        ("restoration", "retire", "1"),
        ("audit", "seal"),
        ("contract", "sign", "1"),
        ("layers", "add", land, "--variable", "agb", "--unit", "Mg/ha", "--date", "2024-12-01"),
        ("certificate", "holding", 1, "--out", tmp_path / "x.pdf"),
    ):
        assert registry.refused(*words) == "not_signed_in", words


def test_an_import_takes_an_officer_and_happens_once(registry, write) -> None:
    land = write("land.geojson", geojson(world.land(0, 0, 200, 200), world.land(100, 0, 200, 200)))
    words = ("land", "import", land, "--type", "bamboo", "--owner", world.VILLAGE)
    assert registry.refused(*words, by="verifier") == "role"
    assert registry.refused(*words[:-1], "无此村", by="officer") == "party"
    assert registry.done("land", "list", by="officer")["parcels"] == []
    done = registry.done(*words, by="officer")
    assert (done["rows"], len(done["accepted"]), done["refused"], done["file"]) == (2, 2, [], None)
    assert done["overlap_checked"] is True
    assert [(row["row"], row["code"]) for row in done["questioned"]] == [
        (0, "overlap"),
        (1, "overlap"),
    ]
    again = registry.done(*words, by="officer")
    assert again["already_imported"] and again["import"] == done["import"]
    rows = registry.done("land", "list", by="officer")["parcels"]
    assert len(rows) == 2 and {row["open_marks"] for row in rows} == {1}
    # A dry run of new land on the same place sees the register.
    near = write("near.geojson", geojson(world.land(190, 0, 300, 100), world.land(600, 0, 50, 50)))
    report = registry.done("land", "check", near, "--type", "bamboo")
    assert report["overlap_checked"] is True
    assert {row["row"] for row in report["questioned"] if row["code"] == "overlap"} == {0}
    assert (
        registry.done("land", "check", near, "--type", "bamboo", "--anywhere")["overlap_checked"]
        is False
    )
    paris = {
        "type": "Polygon",
        "coordinates": [[[2.0, 48.0], [2.1, 48.0], [2.1, 48.1], [2.0, 48.0]]],
    }
    far = registry("land", "check", write("paris.geojson", paris), "--type", "tea", "--json")
    assert far.status == 1 and far.json["accepted"] == [] and far.json["overlap_checked"] is True
    # The two overlap: only the first can ever be enrolled.
    codes = [row["code"] for row in rows]
    registry.done("land", "submit", *codes, by="officer")
    assert registry.refused("land", "review", codes[0], by="officer") == "two_people"
    assert registry.refused("land", "review", codes[0], by="officer2") == "no_certificate"
    assert registry.done("land", "marks", codes[0], by="officer2")["marks"][0]["code"] == "overlap"
    assert registry.refused("land", "enrol", "330523-ZL-999999", by="officer") == "parcel"
    gone = registry.done("land", "withdraw", codes[1], "--reason", "重复", by="officer")
    assert gone["parcels"][0]["status"] == "withdrawn"


def test_a_step_for_several_parcels_is_taken_for_all_or_none(registry, write) -> None:
    land = write(
        "far.geojson", geojson(world.land(3000, 0, 100, 100), world.land(3200, 0, 100, 100))
    )
    registry.done("land", "import", land, "--type", "tea", "--owner", world.VILLAGE, by="officer")
    codes = [
        row["code"]
        for row in registry.done("land", "list", "--type", "tea", by="officer")["parcels"]
    ]
    registry.done("land", "submit", codes[1], by="officer")
    assert registry.refused("land", "submit", *codes, by="officer") == "step"
    rows = registry.done("land", "list", "--type", "tea", by="officer")["parcels"]
    assert [row["status"] for row in rows] == ["draft", "submitted"]


def test_a_policy_takes_two_people(registry) -> None:
    row = registry.done("policy", "propose", "unit_kg", "100", "--basis", "测试", by="registrar")
    assert registry.refused("policy", "approve", row["id"], by="registrar") == "two_people"
    assert registry.refused("policy", "approve", row["id"], by="clerk") == "role"
    assert registry.refused(
        "policy", "approve", row["id"], "--from", "2020-01-01", by="registrar2"
    ) == ("backwards")
    done = registry.done("policy", "approve", row["id"], by="registrar2")
    assert done["value"] == 100 and done["valid_from"]
    assert registry.refused(
        "policy", "propose", "unit_kg", "many", "--basis", "x", by="registrar"
    ) == ("policy_value")
    listed = registry.done("policy", "list")["policies"]
    assert [item["id"] for item in listed if item["key"] == "unit_kg" and item["valid_from"]] == [
        row["id"]
    ]


def test_a_deciding_role_waits_for_a_second_administrator(registry) -> None:
    party = registry.done("people", "add-party", "某核证公司", "--kind", "verifier", by="admin")[
        "id"
    ]
    added = registry.done(
        "people", "add", "newverifier", "--name", "核某", "--party", party, by="admin"
    )
    assert len(added["password"]) == 20
    said = registry("login", "newverifier", "--password-stdin", "--json", stdin=added["password"])
    assert said.json["refused"]["code"] == "password_one_time"
    own = f"{added['password']}\nmy own long words\n"
    assert registry("password", "newverifier", "--password-stdin", stdin=own).status == 0
    said = registry("login", "newverifier", "--password-stdin", stdin="my own long words\n")
    assert said.status == 0
    assert registry.refused("people", "reset-password", "newverifier", by="clerk") == "role"
    given = registry.done("people", "reset-password", "newverifier", by="admin")
    assert len(given["password"]) == 20
    waiting = registry.done("people", "grant", "newverifier", "verifier", by="admin")
    assert waiting["in_force"] is False
    assert (
        registry.refused("people", "approve", waiting["grant"], by="admin") == "two_administrators"
    )
    registry.done("people", "approve", waiting["grant"], by="admin2")
    [row] = [
        p
        for p in registry.done("people", "list", by="auditor")["people"]
        if p["login"] == "newverifier"
    ]
    assert row["grants"] == [{"id": waiting["grant"], "role": "verifier", "in_force": True}]
    assert "password" not in str(row)
    assert registry.refused("people", "list", by="clerk") == "role"
    registry.done("people", "revoke", waiting["grant"], by="admin2")


def test_secrets_come_by_standard_input_one_a_line(registry) -> None:
    words = (
        "--name",
        "农某",
        "--party",
        world.VILLAGE,
        "--password-stdin",
        "--identity-stdin",
        "--json",
    )
    stdin = "a long password\n330523199001011234\n"
    first = registry("people", "add", "first", *words, by="admin", stdin=stdin)
    assert first.status == 0 and "password" not in first.json
    same = registry("people", "add", "second", *words, by="admin", stdin=stdin)
    assert same.status == 1 and same.json["refused"]["code"] == "person_taken"
    weak = registry("people", "add", "third", *words, by="admin", stdin="short\n1\n")
    assert weak.json["refused"]["code"] == "password"


def test_the_public_sees_no_account_and_no_household(registry) -> None:
    balance = registry.done("ledger", "balance")
    assert balance["accounts"] == [] and set(balance["totals_kg"]) == {
        "issuance", "holding", "buffer", "remainder", "retired",
    }  # fmt: skip
    assert registry.refused("people", "parties") == "not_signed_in"
    assert registry.refused("ledger", "statement", 1) == "not_signed_in"
    names = [row["name"] for row in registry.done("people", "parties", by="officer")["parties"]]
    assert world.HOUSEHOLD in names


def test_the_calendar_is_read_whole_or_not_at_all(registry, tmp_path: Path) -> None:
    path = tmp_path / "2027.csv"
    path.write_text("day,kind\n2027-10-01,rest\n2027-10-09,work\n", encoding="utf-8-sig")
    words = ("calendar", "load", path, "--note", "国办发明电〔2026〕1号")
    assert registry.refused(*words, by="clerk") == "role"
    assert registry.done(*words, by="registrar") == {"days": 2, "years": [2027]}
    for content in ("day,kind\n2027-10-01,holiday\n", "day,kind\n2027-10-01,rest\n2027-10-01,work\n",
                    "2027-10-01,rest\n", "day,kind\n2027-10-01\n"):  # fmt: skip
        path.write_text(content)
        assert registry.refused(*words, by="registrar") == "bad_csv", content


def test_a_forged_number_is_refused_and_still_answered(registry) -> None:
    said = registry("certificate", "check", "HZC-2026-000001-00", "--json")
    assert said.status == 1
    assert said.json["genuine"] is False and said.json["refused"]["code"] == "not_genuine"
    assert registry.refused("certificate", "check", "paper.pdf") == "not_found"
    assert "✗" in registry("certificate", "check", "HZC-2026-000001-00").out

"""Tenure from the command line: a consent, a layer, a shape, an attribute, what runs out, the map."""

import json
from datetime import date, timedelta
from pathlib import Path

import pypdf
import pytest
import sqlalchemy as sa

from sinks.core import db, policies
from sinks.core.actor import Actor
from tests import world
from tests.cli.cli_help import Cli, geojson


@pytest.fixture(scope="module")
def decided(engine: sa.Engine, people: dict[str, Actor]) -> None:
    """How long a consent is published, put in force by two registrars."""
    with db.transaction(people["registrar"]) as session:
        policy_id = policies.propose(
            session, people["registrar"], key="consent_publicity_days", value=7, legal_basis="测试"
        ).id
    with db.transaction(people["registrar2"]) as session:
        policies.approve(session, people["registrar2"], policy_id, valid_from=db.today(session))


@pytest.fixture
def ready(registry: Cli, decided: None) -> Cli:
    return registry


def test_collective_land_goes_from_a_county_shape_to_the_register(
    ready: Cli, tmp_path: Path, people: dict[str, Actor]
) -> None:
    cli, today = ready, date.today()
    file = tmp_path / "小班.geojson"
    file.write_text(json.dumps(geojson(world.land(0, 0, 200, 200), world.land(200, 0, 200, 200))))
    described = ("--name", "安吉小班", "--source", "县林业局", "--as-of", "2025-12-31",
                 "--licence", "内部使用", "--district", "330523")  # fmt: skip
    layer = cli.done(
        "land", "constraints", "import", file, "--kind", "compartment", *described, by="officer"
    )
    assert layer["shapes"] == 2 and layer["in_force"] is True
    assert cli.refused(
        "land", "constraints", "import", file, "--kind", "compartment", *described, by="officer"
    ) == "already_imported"  # fmt: skip
    [shape] = cli.done("land", "shapes", "find", "小班 1", "--layer", layer["id"], by="officer")[
        "shapes"
    ]
    middle = [world.TO_4490.transform(world.EAST_M + 300, world.NORTH_M + y) for y in (-50, 250)]
    parcel = cli.done(
        "land", "shapes", "take", shape["id"], "--type", "bamboo", "--line", json.dumps(middle),
        "--part", "a", by="officer",
    )  # fmt: skip
    code = parcel["code"]
    cli.done(
        "land", "rights", "add", code, "--party", world.VILLAGE, "--kind", "land_ownership",
        "--certificate-kind", "real_estate", "--certificate", "浙（2023）安吉县不动产权第0012345号",
        "--unit-no", "330523 001002 JA00012 W00000000", "--term-to",
        (today + timedelta(days=200)).isoformat(), by="officer",
    )  # fmt: skip
    cli.done("land", "submit", code, by="officer")
    assert cli.refused("land", "review", code, by="officer2") == "no_consent"
    paper = tmp_path / "决议.pdf"
    paper.write_bytes(b"paper")
    days = {
        "--meeting-notice-on": 40, "--met-on": 30, "--published-from": 29, "--published-to": 20,
    }  # fmt: skip
    consent = (
        "land", "consent", "record", code, "--collective", world.VILLAGE, "--body", "members",
        "--entitled", 90, "--present", 80, "--published-where", "公开栏",
        *(word for name, ago in days.items() for word in (name, today - timedelta(days=ago))),
        *(word for name in ("--resolution", "--vote", "--notice") for word in (name, paper)),
    )  # fmt: skip
    assert cli.refused(*consent, "--in-favour", 59, by="officer") == "two_thirds"
    cli.done(*consent, "--in-favour", 60, by="officer")
    assert len(cli.done("land", "consent", "list", code, by="officer2")["consents"]) == 1
    cli.done("land", "review", code, by="officer2")
    found = cli.done("land", "constraints", "check", code, by="officer2")["findings"]
    assert {row["verdict"] for row in found} == {"unchecked"}
    cli.done("land", "enrol", code, by="officer2")

    soon = cli.done("land", "expiring", "--months", 12, by="officer")["expiring"]
    assert [(row["parcels"], row["days_left"]) for row in soon] == [([code], 200)]
    assert cli.done("land", "expiring", "--months", 3, by="officer")["expiring"] == []
    out = tmp_path / "map.pdf"
    assert cli.done("land", "map", code, "--out", out, by="officer")["bytes"] > 10_000
    assert code in pypdf.PdfReader(out).pages[0].extract_text()
    assert cli("land", "map", code, "--out", out, by="court").status == 1


def test_an_attribute_counts_when_another_officer_has_accepted_it(
    ready: Cli, tmp_path: Path, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"]) as session:
        parcel_id = world.draft(session, people, world.land(900, 0, 200, 200), sink_type="wetland")
    paper = tmp_path / "三调.pdf"
    paper.write_bytes(b"paper")
    filed = ("land", "attribute", "record", parcel_id, "--kind", "land_class", "--valid-from",
             "2025-01-01", "--document", paper, "--value")  # fmt: skip
    assert ready.refused(*filed, '{"code": "0101"}', by="officer") == "not_wetland"
    assert ready.refused(*filed, "1106", by="officer") == "bad_json"
    row = ready.done(*filed, '{"code": "1106"}', by="officer")["attribute"]
    assert ready.refused("land", "attribute", "review", row, by="officer") == "two_people"
    ready.done("land", "attribute", "review", row, by="officer2")
    [one] = ready.done("land", "attribute", "list", parcel_id, by="officer")["attributes"]
    assert one["accepted"] is True and one["value"] == {"code": "1106", "name": "内陆滩涂"}

"""`sinks records` and a round by records on the command line, from the first record to the report."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from sinks.core import db
from sinks.core.actor import Actor
from sinks.land.parcels import codes_of
from tests import world
from tests.cli.cli_help import Cli

HEAD = "parcel,year,mineral_soil,yield_t_ha,burnt_t_dm_ha\n"


@pytest.fixture(scope="module")
def field(engine: sa.Engine, people: dict[str, Actor]) -> int:
    with db.transaction(people["registrar"]) as session:
        world.policies_in_force(session, people)
        found = world.enrolled(session, people, world.land(0, 0, 300, 300), sink_type="farmland")
        world.contracted(session, people, [found])
        return found


def test_records_are_written_corrected_and_carried_into_a_round(
    registry: Cli, field: int, tmp_path: Path
) -> None:
    table, paper = tmp_path / "焚烧.csv", tmp_path / "记录.pdf"
    listed = registry.done("records", "list", "--parcel", field, by="clerk")
    assert listed == {"records": []}
    project = registry.done(
        "project", "create", "禁烧", "--parcel", f"{field}=A", "--method", "residue-burning/1",
        "--practice-from", 2024, by="clerk",
    )  # fmt: skip
    code = project["code"]
    rows = [f"{field_code(field)},{year},是,6.0,6.0\n" for year in (2021, 2022, 2023)]
    table.write_text(HEAD + "".join(rows), encoding="utf-8")
    paper.write_bytes(b"evidence")
    assert len(registry.done(
        "records", "import", "residue_burning", table, "--evidence", paper, by="clerk"
    )["records"]) == 3  # fmt: skip
    said = registry("records", "import", "residue_burning", table, "--json", by="clerk")
    assert said.status == 1 and len(said.json["errors"]) == 3
    first = registry.done(
        "records", "add", field, "residue_burning", "--year", 2024, "--value", "mineral_soil=是",
        "--value", "yield_t_ha=6", "--value", "burnt_t_dm_ha=1", by="clerk",
    )  # fmt: skip
    second = registry.done(
        "records", "add", field, "residue_burning", "--year", 2024, "--value", "mineral_soil=是",
        "--value", "yield_t_ha=6", "--value", "burnt_t_dm_ha=0", "--correcting", by="clerk",
    )  # fmt: skip
    assert second["supersedes"] == first["id"]
    found = registry.done("records", "list", "--project", code, by="verifier")["records"]
    assert [row["superseded"] for row in found] == [False, True, False, False, False]
    opened = registry.done(
        "round", "open", code, "--start", "2024-01-01", "--end", "2025-01-01", by="clerk"
    )
    run = registry.done("round", "measure", opened["id"], by="clerk")["run"]
    assert run["issuable_kg"] > 0
    assert registry.done("round", "remeasure", opened["id"])["same_result"] is True
    [other] = registry.done(
        "round", "what-if", opened["id"], "--policy", "unit_kg=1", by="clerk"
    )["alternatives"]  # fmt: skip
    assert other["issuable_kg"] == run["issuable_kg"] and other["refusal"] is None
    out = tmp_path / "r.pdf"
    registry.done("round", "report", opened["id"], "--out", out, by="clerk")
    assert out.read_bytes().startswith(b"%PDF")
    assert registry.refused("round", "open", code, by="clerk") == "period_or_layers"


def field_code(parcel_id: int) -> str:
    with db.transaction() as session:
        return codes_of(session, [parcel_id])[parcel_id]


def test_words_that_are_no_record_are_refused(registry: Cli, field: int, tmp_path: Path) -> None:
    add = ("records", "add", field, "residue_burning", "--year", 2020)
    assert registry.refused(*add, "--value", "burnt=1", by="clerk") == "value"
    assert registry.refused(*add, "--value", "yield_t_ha=6", by="clerk") == "record_values"
    assert registry.refused(*add, "--value", "yield_t_ha=viel", by="clerk") == "record_values"
    every = [
        w for v in ("mineral_soil=是", "yield_t_ha=6", "burnt_t_dm_ha=1") for w in ("--value", v)
    ]
    assert registry.refused(*add, *every, by="verifier") == "role"
    empty = tmp_path / "leer.csv"
    assert registry.done("records", "template", "fire", "--out", empty)["kind"] == "fire"
    assert registry.refused("records", "import", "fire", empty, by="clerk") == "plot_table_empty"

"""A planting project on the command line: stated, evidenced, opened by plots, measured."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from sinks.core import db
from sinks.core.actor import Actor
from sinks.land.parcels import codes_of
from tests import world
from tests.cli.cli_help import Cli

HEAD = "plot,stratum,lon,lat,area_m2,slope_deg,date,phase,dbh_cm,age_du,count\n"


@pytest.fixture(scope="module")
def field(engine: sa.Engine, people: dict[str, Actor]) -> str:
    with db.transaction(people["registrar"]) as session:
        world.policies_in_force(session, people, baseline__forest="steady_state")
        found = world.enrolled(session, people, world.land(0, 0, 300, 300))
        world.land_class(session, people, found)
        world.contracted(session, people, [found])
        return codes_of(session, [found])[found]


def test_planting_goes_from_its_statement_to_a_measured_round(
    registry: Cli, field: str, tmp_path: Path
) -> None:
    facts, period = tmp_path / "facts.json", tmp_path / "period.json"
    table, paper = tmp_path / "plots.csv", tmp_path / "设计.pdf"
    facts.write_text(json.dumps({**world.PLANTED, "start_year": None}), encoding="utf-8")
    period.write_text(json.dumps(world.QUIET_PERIOD), encoding="utf-8")
    paper.write_bytes(b"design")
    made = ("project", "create", "造林", "--parcel", f"{field}=A", "--method", "moso-aff/1")
    assert registry.refused(*made, by="clerk") == "facts"
    assert registry.refused(*made, "--facts", facts, by="clerk") == "INPUT_INVALID"
    facts.write_text(json.dumps(world.PLANTED), encoding="utf-8")
    project = registry.done(*made, "--facts", facts, by="clerk")
    code = project["code"]
    facts.write_text(json.dumps({**world.PLANTED, "target_agb_t_ha": 30.0}), encoding="utf-8")
    shown = registry.done("project", "facts", code, "--restate", facts, by="clerk")
    assert shown["facts"]["target_agb_t_ha"] == 30.0 and shown["evidence"] == []
    filed = registry.done("project", "evidence", code, paper, by="clerk")
    shown = registry.done("project", "facts", code, by="verifier")
    assert [one["sha256"] for one in shown["evidence"]] == [filed["sha256"]]

    lines = []
    for number in range(4):
        x, y = world.TO_4490.transform(
            world.EAST_M + 60 + 60 * number, world.NORTH_M + 60 + 10 * number
        )
        place = f"N{number},A,{x:.7f},{y:.7f},400,0"
        lines += [f"{place},2023-01-05,unknown,,,0", f"{place},2025-01-05,off,6.0,1,{60 + number}"]
    table.write_text(HEAD + "\n".join(lines), encoding="utf-8")
    stored = registry.done(
        "round", "plots", "import", project["id"], table, "--project", by="clerk"
    )
    assert (stored["plots"], stored["visits"]) == (4, 8)
    opened = ("round", "open", code, "--start", "2023-01-01", "--end", "2025-01-01")
    assert registry.refused(*opened, by="clerk") == "method"
    row = registry.done(*opened, "--facts", period, by="clerk")
    run = registry.done("round", "measure", row["id"], by="clerk")["run"]
    assert run["issuable_kg"] > 0 and run["refusals"] == []
    assert registry.done("round", "evidence", row["id"], paper, by="clerk")["round"] == row["id"]
    assert registry.done("round", "remeasure", row["id"])["same_result"] is True

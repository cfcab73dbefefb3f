"""The screen of a project out of which a parcel is taken, run against the database."""

# ruff: noqa: F811 (a fixture is imported by its name and asked for by it)

from pathlib import Path

from sqlalchemy import text

from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import openings
from tests import world
from tests.pages.test_pages_b import screen  # noqa: F401 (its fixture)
from tests.pages_help import confirmed, said


def test_the_owner_takes_a_parcel_out_and_the_next_round_says_that_it_is_left_out(
    screen, who: dict[str, Actor], tmp_path: Path
) -> None:
    with db.transaction(who["registrar"]) as session:
        world.policies_in_force(session, who)
        ids = [world.enrolled(session, who, world.land(500 * n, 0, 400, 400)) for n in range(2)]
        lapsing, _ = (world.contracted(session, who, [one]) for one in ids)
        project_id = world.registered_project(session, who, ids)
        world.add_plots(session, who, project_id, 30)
        found = world.two_layers(session, who, tmp_path)
        session.execute(
            text("UPDATE contract SET term_to = current_date WHERE id = :id"), {"id": lapsing}
        )
    at = screen("projects", "verifier", project=project_id)
    assert not [one for one in at.button if one.key == f"leave.{project_id}.ask"]
    at = screen("projects", "clerk", project=project_id)
    assert "合同已到期" in said(at)
    at.text_input(key=f"leave.why.{project_id}").set_value("收储合同期满未续")
    confirmed(at, f"leave.{project_id}")
    assert "已退出项目" in said(at)
    with db.transaction(who["clerk"]) as session:
        round_id = openings.by_layers(
            session, who["clerk"], project_id, layer_start_id=found.start_id,
            layer_end_id=found.end_id, facts=world.MANAGED,
        ).id  # fmt: skip
    at = screen("projects", "clerk", project=project_id, round=round_id)
    assert "已退出项目，本监测期不含" in said(at) and "收储合同期满未续" in said(at)

"""Screens of planting projects: stated field by field, opened by plots, seen by the verifier."""

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import projects, rounds, stated_facts, verification
from tests import world
from tests.pages_help import calm, confirmed, press, said

Screen = Callable[..., AppTest]


@pytest.fixture(scope="module")
def free(engine: sa.Engine, who: dict[str, Actor]) -> int:
    """A parcel in no project, its class of land reviewed, the policies in force."""
    with db.transaction(who["registrar"]) as session:
        world.policies_in_force(session, who, baseline__forest="steady_state")
        parcel_id = world.enrolled(session, who, world.land(2000, 0, 400, 400), name="新-009")
        world.land_class(session, who, parcel_id)
        world.contracted(session, who, [parcel_id])
        return parcel_id


def test_the_owner_states_every_fact_before_the_project_is_made(
    screen: Screen, who: dict[str, Actor], free: int
) -> None:
    at = screen("projects", "clerk")
    at.selectbox(key="new.method").set_value("moso-aff/1")
    at = calm(at.run())
    assert "项目事实" in said(at)
    at.text_input(key="new.name").set_value("新造竹林")
    at.checkbox(key="new.all").check()
    at.selectbox(key="new.category").set_value("timber")
    at.number_input(key="new.start_year").set_value(2021)
    at.number_input(key="new.nonforest").set_value(5.0)
    at.selectbox(key="new.trees").set_value(False)
    at.number_input(key="new.shrubs").set_value(10.0)
    at.number_input(key="new.initial_agb_t_ha").set_value(0.0)
    at.number_input(key="new.target_agb_t_ha").set_value(41.4)
    at = calm(at.run())
    assert at.button(key="new.create").disabled
    at.number_input(key="new.credited_elsewhere_co2_t").set_value(0.0)
    at = calm(at.run())
    at = press(at, "new.create")
    with db.transaction(who["clerk"]) as session:
        [(project, _)] = projects.listing(session)
        row = stated_facts.of_project(session, project.id)
        assert project.method_id == "moso-aff/1"
        assert row is not None and row.values == {**world.PLANTED, "shrub_removal_share": 0.1}
        project_id = project.id
    at = screen("projects", "clerk", project=project_id)
    tables = " ".join(one.body for one in at.get("html"))
    assert "用材林" in tables and "没有依据" in tables and "None" not in tables


def test_a_round_by_plots_is_opened_on_its_statement_and_shown_to_the_verifier(
    screen: Screen, who: dict[str, Actor], free: int
) -> None:
    with db.transaction(who["registrar"]) as session:
        story = world.planted(session, who)
        world.young_plots(session, who, story.project_id, {2023: [0] * 4, 2025: [60, 62, 64, 61]})
    key = f"open.{story.project_id}"
    at = screen("projects", "clerk", project=story.project_id, round=0)
    for name in list(world.QUIET_PERIOD)[:-1]:
        at.number_input(key=f"{key}.{name}").set_value(0.0)
    at.date_input(key="open.start-day").set_value(date(2023, 1, 1))
    at.date_input(key="open.end-day").set_value(date(2025, 1, 1))
    at = calm(at.run())
    assert at.button(key=f"{key}.ask").disabled
    at.selectbox(key=f"{key}.burnt").set_value(False)
    at = confirmed(calm(at.run()), key)
    with db.transaction(who["clerk"]) as session:
        [row] = rounds.of_project(session, story.project_id)
        round_id = row.id
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    at = press(at, f"measure.{round_id}")
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    assert "净碳汇量" in said(at) and "填报为零" in said(at) and "到目标结构的余量" in said(at)
    for part in ("层与样地", "填报事实", "地块", "误差来自哪里", "复算"):
        at = calm(at.segmented_control[-1].set_value(part).run())
        for table in at.get("html"):
            assert "None" not in table.body and "图上" not in table.body
    assert "没有依据材料" in said(confirmed(at, f"publish-round.{round_id}"))
    with db.transaction(who["clerk"]) as session:
        rounds.add_evidence(session, who["clerk"], round_id, name="记录.pdf", content=b"x")
        rounds.publish(session, who["clerk"], round_id)
    with db.transaction(who["verifier"]) as session:
        verification.begin(session, who["verifier"], round_id)
    at = screen("verification", "verifier", round=round_id)
    shown = said(at)
    assert "最小连续地块" in shown and "记录.pdf" in shown

"""Screens of planted forest and of tea gardens: a stratum's route or age, what was cut, the claim."""

from collections.abc import Callable
from datetime import date

from streamlit.testing.v1 import AppTest

from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import projects, rounds, stated_facts
from tests import world
from tests.crediting.test_tea_garden_rounds import PAIRS, garden
from tests.crediting.test_tree_rounds import CONDITIONS, FIR
from tests.pages_help import calm, confirmed, press, said

Screen = Callable[..., AppTest]


def test_a_forest_project_states_the_route_of_each_stratum(
    screen: Screen, who: dict[str, Actor]
) -> None:
    with db.transaction(who["registrar"]) as session:
        parcel_id = world.enrolled(
            session, who, world.land(3000, 0, 400, 400), name="林-001", sink_type="other"
        )
        world.contracted(session, who, [parcel_id])
    at = screen("projects", "clerk")
    at.selectbox(key="new.method").set_value("forest-aff/1")
    at = calm(at.run())
    at.text_input(key="new.name").set_value("新造杉木林")
    at.checkbox(key="new.all").check()
    at = calm(at.run())
    at.selectbox(key="new.category").set_value("timber")
    at.number_input(key="new.start_year").set_value(2021)
    at.number_input(key="new.nonforest").set_value(5.0)
    at.selectbox(key="new.trees").set_value(False)
    at.number_input(key="new.shrubs").set_value(10.0)
    at = calm(at.run())
    assert at.button(key="new.create").disabled
    at.selectbox(key="new.A.route").set_value("bef")
    at = calm(at.run())
    at.selectbox(key="new.A.species").set_value("chinese_fir")
    at = press(calm(at.run()), "new.create")
    with db.transaction(who["clerk"]) as session:
        [(project, _)] = projects.listing(session)
        row = stated_facts.of_project(session, project.id)
        assert row is not None and row.values == {**CONDITIONS, "strata": [FIR]}
        project_id = project.id
    at = screen("projects", "clerk", project=project_id)
    tables = " ".join(one.body for one in at.get("html"))
    assert "层 A：蓄积扩展法，杉木" in tables and "None" not in tables


def test_a_tea_round_states_what_was_cut_and_shows_its_claim(
    screen: Screen, who: dict[str, Actor]
) -> None:
    with db.transaction(who["registrar"]) as session:
        world.policies_in_force(session, who, baseline__tea="steady_state")
        story = garden(session, who, 2008, registered=True)
        world.read_plots(session, who, story.project_id, {"A": PAIRS})
    key = f"open.{story.project_id}"
    at = screen("projects", "clerk", project=story.project_id, round=0)
    at.number_input(key=f"{key}.cleared_area_ha").set_value(0.0)
    at.number_input(key=f"{key}.cleared_c_t_ha").set_value(0.0)
    at.date_input(key="open.start-day").set_value(date(2023, 1, 1))
    at.date_input(key="open.end-day").set_value(date(2025, 1, 1))
    at = calm(at.run())
    assert at.button(key=f"{key}.ask").disabled
    at.number_input(key=f"{key}.prunings").set_value(1)
    at = calm(at.run())
    at.date_input(key=f"{key}.pruning.0.day").set_value(date(2024, 5, 20))
    at.selectbox(key=f"{key}.pruning.0.kind").set_value("heavy")
    at.number_input(key=f"{key}.pruning.0.area").set_value(2.0)
    at.number_input(key=f"{key}.pruning.0.removed").set_value(4.0)
    at = calm(at.run())
    assert at.button(key=f"{key}.ask").disabled
    at.selectbox(key=f"{key}.pruning.0.seen").set_value(False)
    at = confirmed(calm(at.run()), key)
    with db.transaction(who["clerk"]) as session:
        [row] = rounds.of_project(session, story.project_id)
        round_id = row.id
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    press(at, f"measure.{round_id}")
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    assert "净碳汇量" in said(at) and "修剪和开垦的损失" in said(at)
    parts = {"层与样地": "修剪面以上", "填报事实": "重修剪", "地块": "新-001",
             "误差来自哪里": "占方差", "什么最要紧": "", "换一种政策": "", "复算": ""}  # fmt: skip
    for part, words in parts.items():
        at = calm(at.segmented_control[-1].set_value(part).run())
        tables = " ".join(one.body for one in at.get("html"))
        assert words in tables and "None" not in tables and "图上" not in tables

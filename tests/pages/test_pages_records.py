"""Screens of activity records and of rounds by records, against the database."""

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import rounds
from sinks.land import parcels
from sinks.measurement import activity_records
from tests import world
from tests.pages_help import calm, confirmed, said


@pytest.fixture(scope="module")
def story(engine: sa.Engine, who: dict[str, Actor]) -> world.Farm:
    with db.transaction(who["registrar"]) as session:
        world.policies_in_force(session, who)
        return world.paddy_farm(session, who, evidence=False)


def tables(at: AppTest) -> str:
    return " ".join(element.body for element in at.get("html"))


def test_a_record_is_asked_for_field_by_field_and_nothing_is_taken_for_nought(
    screen, who, story
) -> None:
    at = screen("records", "clerk", parcel=story.parcel_ids[0])
    assert "4 条记录没有依据" in said(at) and "单次晒田" in tables(at)
    calm(at.selectbox(key="records.kind").set_value("fire").run())
    at.number_input(key="record.year").set_value(2024)
    at.text_input(key="record.fire.note").set_value("田埂")
    at = calm(at.button[[one.label for one in at.button].index("登记")].click().run())
    assert "过火面积份额" in said(at) and "没有办成" in said(at)
    with db.transaction() as session:
        assert not activity_records.standing(session, story.parcel_ids, "fire")


def test_the_owner_opens_measures_and_may_not_publish_without_evidence(screen, who, story) -> None:
    at = screen("projects", "clerk", project=story.project_id, round=0)
    at.number_input(key="open.first").set_value(2025)
    at = calm(at.run())
    at = confirmed(at, f"open.{story.project_id}")
    with db.transaction() as session:
        [row] = rounds.of_project(session, story.project_id)
        round_id = row.id
        codes = parcels.codes_of(session, story.parcel_ids)
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    at = calm(at.button(key=f"measure.{round_id}").click().run())
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    shown = tables(at) + said(at)
    assert "净减排量" in shown and "None" not in shown and "图上" not in shown
    at = confirmed(at, f"publish-round.{round_id}")
    assert "没有依据材料" in said(at)
    for part in ("活动记录", "地块", "复算"):
        at = calm(at.segmented_control[-1].set_value(part).run())
        assert "None" not in tables(at)
        if part == "地块":
            assert all(code in tables(at) for code in codes.values())

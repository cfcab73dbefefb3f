"""Screens of a round that is an estimate: its number, and why nothing of it is issued."""

import sqlalchemy as sa

from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import rounds
from tests import world
from tests.crediting import test_soil_rounds
from tests.pages_help import calm, said


def test_soil_carbon_is_shown_as_a_removal_with_the_reason_why_it_earns_nothing(
    screen, engine: sa.Engine, who: dict[str, Actor]
) -> None:
    with db.transaction(who["registrar"]) as session:
        story = test_soil_rounds.farm(session, who)
        for parcel_id in story.parcel_ids:
            test_soil_rounds.stated(session, who, parcel_id, HAC=0.7, LAC=0.3)
        row = world.open_2025(session, who, story)
        rounds.measure(session, who["clerk"], row.id)
        round_id = row.id
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    shown = " ".join(element.body for element in at.get("html")) + said(at)
    assert "净碳汇量" in shown and "净减排量" not in shown and "None" not in shown
    assert "只是估计" in shown
    for part in list(at.segmented_control[-1].options):
        at = calm(at.segmented_control[-1].set_value(part).run())
        body = " ".join(element.body for element in at.get("html"))
        assert body and "None" not in body, part

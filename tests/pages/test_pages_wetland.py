"""Screens of a wetland: its records are asked for, its balance is shown beside what is issued."""

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from methodologies import activity
from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import rounds
from sinks.measurement import activity_records, activity_words
from tests import world
from tests.pages_help import calm, said


@pytest.fixture(scope="module")
def story(engine: sa.Engine, who: dict[str, Actor]) -> world.Farm:
    with db.transaction(who["registrar"]) as session:
        world.policies_in_force(session, who, gwp_set="ar5")
        return world.restored_marsh(session, who, count=1)


def shown(at: AppTest) -> str:
    return " ".join(element.body for element in at.get("html")) + said(at)


def test_what_was_measured_on_a_wetland_is_written_down_on_the_form(screen, who, story) -> None:
    [parcel_id] = story.parcel_ids
    at = screen("records", "clerk", parcel=parcel_id)
    assert at.selectbox(key="records.kind").value == "wetland_land"
    calm(at.selectbox(key="records.kind").set_value("wetland_gas").run())
    at.number_input(key="record.year").set_value(2021)
    at.selectbox(key="record.wetland_gas.land_class").set_value("pond")
    at.number_input(key="record.wetland_gas.ch4_kg_ha").set_value(412.5)
    at.number_input(key="record.wetland_gas.ch4_campaigns").set_value(14)
    press = [one.label for one in at.button].index("登记")
    at = calm(at.button[press].click().run())
    # Whether bubbles were caught decides, so that it is not taken for granted.
    assert "测次和是否含冒泡须同时填写" in said(at)
    at.selectbox(key="record.wetland_gas.ch4_ebullition").set_value(True)
    at = calm(at.button[press].click().run())
    with db.transaction(who["clerk"]) as session:
        [row, *_] = activity_records.standing(session, [parcel_id], "wetland_gas")
        assert row.year == 2021 and row.values is not None
        assert row.values["ch4_campaigns"] == 14 and row.values["n2o_kg_ha"] is None
        activity_records.withdraw(session, who["clerk"], row.id)


def test_every_kind_has_a_form_without_a_bare_name_and_says_what_may_stay_empty(
    screen, story
) -> None:
    at = screen("records", "clerk", parcel=story.parcel_ids[0])
    for kind in ("biochar_batch", *(k for k in activity_words.KINDS if k.startswith("wetland_"))):
        at = calm(at.selectbox(key="records.kind").set_value(kind).run())
        labels = [one.label for one in (*at.number_input, *at.selectbox, *at.text_input)]
        assert not [label for label in labels if "_" in label], kind
        said_optional = sum("可不填" in label for label in labels)
        optional = [f for f in activity.KINDS[kind].model_fields if activity.may_be_empty(kind, f)]
        assert said_optional == len(optional), kind


def test_the_round_shows_the_balance_beside_the_difference_that_is_issued(
    screen, engine: sa.Engine, who: dict[str, Actor], story: world.Farm
) -> None:
    with db.transaction(who["registrar"]) as session:
        row = world.open_2025(session, who, story)
        run = rounds.measure(session, who["clerk"], row.id)
        round_id, middle = row.id, run.result["intermediate"]
    at = screen("projects", "clerk", project=story.project_id, round=round_id, why=1)
    seen = shown(at)
    assert "净减排增汇量" in seen and "收支与增量" in seen and "None" not in seen
    assert "收支（ABS）只供了解，从不签发" in seen
    for name in ("abs_co2e_t", "baseline_abs_co2e_t", "delta_co2e_t"):
        assert f"{middle[name]['ch4']:+,.3f}" in seen
    for part in list(at.segmented_control[-1].options):
        at = calm(at.segmented_control[-1].set_value(part).run())
        body = " ".join(element.body for element in at.get("html"))
        assert body and "None" not in body, part

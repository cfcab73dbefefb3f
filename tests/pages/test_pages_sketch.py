"""An outline that is not saved survives the browser that forgets it, for its person alone."""

# ruff: noqa: F811 (a fixture is imported by its name and asked for by it)

import json

from streamlit.testing.v1 import AppTest

from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import outline_drafts, parcel_list
from tests import world
from tests.pages.test_pages_a import screen, tokens  # noqa: F401 (its fixtures)
from tests.pages_help import calm, page_of, press, said


def loaded_anew(tokens: dict[str, str], login: str, **query: str) -> AppTest:
    """The page in a browser that has forgotten everything but its address."""
    at = page_of("parcels", tokens[login])
    for name, value in query.items():
        at.query_params[name] = value
    return calm(at.run())


def held(who: dict[str, Actor], login: str) -> dict | None:
    with db.transaction(who[login]) as session:
        return outline_drafts.of_person(session, who[login])


def test_what_was_typed_is_there_after_a_refresh_and_goes_when_it_is_saved(
    screen, tokens: dict[str, str], who: dict[str, Actor]
) -> None:
    at = press(screen("parcels", "officer"), "parcels.type")
    assert "1" in at.query_params["draw"] and held(who, "officer") is None
    ring = world.land(0, 34_000, 100, 100).geoms[0].exterior.coords
    at.text_area(key="sketch.corners").set_value("\n".join(f"{x:.7f}, {y:.7f}" for x, y in ring))
    at.text_input(key="sketch.name").set_value("横山坞 09-001")
    calm(at.run())
    kept = held(who, "officer")
    assert kept is not None and kept["fields"]["sketch.name"] == "横山坞 09-001"
    assert kept["drawn"]["type"] == "Polygon"

    again = loaded_anew(tokens, "officer", draw="1")
    assert "上次勾绘的轮廓还在" in said(again)
    assert again.text_input(key="sketch.name").value == "横山坞 09-001"
    assert again.text_area(key="sketch.corners").value.startswith("119.")
    press(again, "sketch.save")
    assert held(who, "officer") is None
    with db.transaction(who["officer"]) as session:
        [row] = parcel_list.rows(session, search="横山坞 09-001")
        assert round(row.area_m2) == 10_000


def test_a_redrawn_outline_comes_back_and_may_be_dropped(
    screen, tokens: dict[str, str], who: dict[str, Actor]
) -> None:
    with db.transaction(who["officer"]) as session:
        parcel_id = world.draft(session, who, world.land(0, 35_000, 100, 100))
        larger = json.loads(json.dumps(world.land(0, 35_000, 150, 100).__geo_interface__))
        outline_drafts.keep(
            session, who["officer"],
            {"how": "draw", "parcel_id": parcel_id, "drawn": larger, "fields": {"sketch.name": ""}},
        )  # fmt: skip
    at = loaded_anew(tokens, "officer")
    assert "没有保存的轮廓" in said(at) and "sketch" not in at.session_state
    calm(at.button(key="sketch.resume").click().run())
    sketch = at.session_state["sketch"]
    assert (sketch.parcel_id, sketch.start) == (parcel_id, larger)
    assert not at.button(key="sketch.save").disabled
    at = loaded_anew(tokens, "officer")
    press(at, "sketch.drop")
    assert held(who, "officer") is None and "没有保存的轮廓" not in said(at)


def test_nobody_else_reads_it(tokens: dict[str, str], who: dict[str, Actor]) -> None:
    with db.transaction(who["officer"]) as session:
        outline_drafts.keep(session, who["officer"], {"secret": 1})
    with db.transaction(who["officer2"]) as session:
        assert session.query(outline_drafts.OutlineDraft).count() == 0
        assert outline_drafts.of_person(session, who["officer2"]) is None
    with db.transaction(who["officer"]) as session:
        outline_drafts.discard(session, who["officer"])

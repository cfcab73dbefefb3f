"""The page of the parcels with ten thousand of them, run against the database."""

# ruff: noqa: F811 (a fixture is imported by its name and asked for by it)

import time

import pytest
import sqlalchemy as sa

from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import parcel_search
from sinks.land.parcel_search import Wanted
from sinks.web import parcel_tiles
from tests.land.test_parcel_search import fill
from tests.pages.test_pages_a import screen, tokens  # noqa: F401 (its fixtures)
from tests.pages_help import calm, said


@pytest.fixture(scope="module")
def many(engine: sa.Engine, who: dict[str, Actor]) -> None:
    with db.transaction(who["officer"]) as session:
        fill(session, who["officer"], 10_000)


def test_ten_thousand_are_shown_a_page_at_a_time_within_seconds(screen, many: None) -> None:
    at = screen("parcels", "officer")
    start = time.perf_counter()
    calm(at.run())
    took_s = time.perf_counter() - start
    print(f"a run of the page: {took_s:.2f} s")
    assert took_s < 5.0
    assert "10,000" in at.selectbox(key="parcels.choice").label
    assert len(at.selectbox(key="parcels.choice").options) == 400
    assert "共 10,000 块，25 页" in said(at)
    calm(at.number_input(key="parcels.page").set_value(25).run())
    assert "330523-ZL-909999" in said(at) and "330523-ZL-900000" not in said(at)
    at.text_input(key="parcels.search").set_value("909998")
    calm(at.run())
    assert at.selectbox(key="parcels.choice").options == ["330523-ZL-909998 小班 9998"]
    assert not [one for one in at.number_input if one.key == "parcels.page"]


def test_a_parcel_that_is_on_no_page_yet_has_its_card(
    screen, many: None, who: dict[str, Actor]
) -> None:
    with db.transaction(who["officer"]) as session:
        [last] = parcel_search.ids(session, Wanted(search="909999"), limit=1)
    at = screen("parcels", "officer", parcels__choice=last)
    assert "小班 9999" in said(at)


def test_the_address_of_a_tile_says_what_the_page_looks_for() -> None:
    wanted = Wanted(status="draft", township="天荒坪镇", search="a&b", doubtful=True)
    assert parcel_tiles.query(wanted, "") == (
        "status=draft&township=%E5%A4%A9%E8%8D%92%E5%9D%AA%E9%95%87&search=a%26b&doubtful=1"
    )
    assert parcel_tiles.query(Wanted(ids=(1,)), "mark") == "todo=mark"

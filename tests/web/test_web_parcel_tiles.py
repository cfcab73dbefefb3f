"""Tiles of the parcels, over the wire: the filters of the page, and nothing for those without it."""

import pytest

from sinks.core import db
from sinks.core.actor import Actor
from tests import world
from tests.land.test_parcel_search import tile_of
from tests.web.conftest import Site


@pytest.fixture(scope="module")
def address(site: Site, people: dict[str, Actor]) -> str:
    """The tile over one draft and one enrolled parcel."""
    with db.transaction(people["officer"]) as session:
        world.draft(session, people, world.land(0, 0, 200, 200), name="一号")
        world.enrolled(session, people, world.land(300, 0, 200, 200), name="二号")
    place = world.TO_4490.transform(world.EAST_M + 250, world.NORTH_M + 100)
    zoom, column, row = tile_of(*place, 14)
    return f"/tiles/parcels/{zoom}/{column}/{row}.json"


def test_a_tile_has_what_the_page_looks_for(site: Site, address: str) -> None:
    officer = site.browser("officer")
    assert sorted(row[0] for row in officer.get(address).json()) == [0, 3]
    for asked, kinds in (
        ("status=enrolled", [3]), ("search=一号", [0]), ("sink_type=tea", []), ("doubtful=1", []),
        ("todo=parcel_draft", [0]), ("search=' OR 1=1 --", []),
    ):  # fmt: skip
        assert [row[0] for row in officer.get(f"{address}?{asked}").json()] == kinds, asked


def test_a_tile_is_for_those_who_have_the_page(site: Site, address: str) -> None:
    assert site.browser().get(address).status_code == 401
    assert site.browser("court").get(address).status_code == 401
    assert site.browser("clerk").get(address).status_code == 200
    assert site.browser("officer").get("/tiles/parcels/3/9/9.json").status_code == 404

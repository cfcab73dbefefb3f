"""The page of methods: all are listed, each is told with its factors, none fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from methodologies import catalogue
from sinks.core import db, people
from sinks.core.actor import Actor
from tests import world

PAGE = Path(__file__).parents[2] / "pages" / "methods.py"
SECONDS = 60


@pytest.fixture
def screen(engine: sa.Engine) -> Iterator[object]:
    """Open the page as a cooperative's clerk."""
    with db.transaction() as session:
        who: dict[str, Actor] = world.actors(session)

    def opened(**query: str) -> AppTest:
        at = AppTest.from_file(str(PAGE), default_timeout=SECONDS)
        with db.transaction(who["admin"]) as session:
            person = session.get_one(people.Person, who["clerk"].person_id)
            at.session_state["_test_token"] = people.open_session(session, person, "web")
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception, at.exception
        return at

    yield opened


def test_all_methods_are_listed_with_their_class(screen) -> None:
    body = " ".join(str(one.proto) for one in screen().get("html"))
    for method in catalogue.METHODS.values():
        assert method.id in body


@pytest.mark.parametrize("method_id", ["forest-aff/1", "paddy-ch4/1", "stat-deduction/1"])
def test_a_method_is_told_with_its_example(screen, method_id) -> None:
    at = screen(id=method_id)
    told = " ".join(str(one.value) for one in at.markdown)
    for heading, _ in catalogue.method(method_id).explain():
        assert heading in told
    assert len(at.json) == 2

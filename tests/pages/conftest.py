"""The people in front of the screens."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from sinks.core import db
from sinks.core.actor import Actor
from tests import world
from tests.pages_help import calm, page_of, token_of


@pytest.fixture(scope="module")
def who(engine: sa.Engine) -> dict[str, Actor]:
    with db.transaction() as session:
        return world.actors(session)


@pytest.fixture
def screen(who: dict[str, Actor]) -> Callable[..., AppTest]:
    """Open a page as a person, at an address."""

    def opened(page: str, login: str, **query: object) -> AppTest:
        at = page_of(page, token_of(who, login))
        for name, value in query.items():
            at.query_params[name] = str(value)
        return calm(at.run())

    return opened

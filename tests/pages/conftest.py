"""The people in front of the screens."""

import pytest
import sqlalchemy as sa

from sinks.core import db
from sinks.core.actor import Actor
from tests import world


@pytest.fixture(scope="module")
def who(engine: sa.Engine) -> dict[str, Actor]:
    with db.transaction() as session:
        return world.actors(session)

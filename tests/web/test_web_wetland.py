"""What the public reads of a wetland: the balance of the land, and apart from it the credit."""

import pytest
import sqlalchemy as sa

from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import rounds
from sinks.web import words
from tests import world
from tests.web.conftest import Site


@pytest.mark.parametrize("lookback", [True, False])
def test_the_public_sees_the_balance_as_information_and_the_difference_as_the_credit(
    site: Site, engine: sa.Engine, people: dict[str, Actor], lookback: bool
) -> None:
    with db.transaction(people["registrar"]) as session:
        world.policies_in_force(session, people, gwp_set="ar5", unit_kg=1)
        story = world.restored_marsh(
            session, people, count=1, lookback=lookback, x_m=0 if lookback else 4000
        )
        row = world.open_2025(session, people, story)
        run = rounds.measure(session, people["clerk"], row.id)
        rounds.publish(session, people["clerk"], row.id)
        balance_t = run.result["intermediate"]["abs_co2e_t"]["total"]
        issuable_kg = run.result["issuable_kg"]
    page = site.browser().get(f"/public/project/{story.project_id}").text
    assert "土地本身的收支" in page and "只供了解，不签发" in page
    assert balance_t < 0 and f"{words.measured_t(balance_t)} tCO2e" in page
    assert f"{words.kilograms(issuable_kg)} kg CO2e" in page
    assert (issuable_kg > 0) == lookback

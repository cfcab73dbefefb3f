"""What a verifier has looked at outlives the browser, and is the verifier's own."""

import pytest
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.errors import NotPermitted
from sinks.crediting import ticks


def test_a_tick_is_kept_for_its_person_and_its_run_and_can_be_taken_back(
    session: Session, people: dict[str, Actor]
) -> None:
    verifier = people["verifier"]
    ticks.mark(session, verifier, "run:1", "plots", ticked=True)
    ticks.mark(session, verifier, "run:1", "plots", ticked=True)
    ticks.mark(session, verifier, "run:1", "layers", ticked=True)
    assert ticks.seen(session, verifier, "run:1") == {"plots", "layers"}
    assert ticks.seen(session, verifier, "run:2") == set()
    assert ticks.seen(session, people["auditor"], "run:1") == set()
    ticks.mark(session, verifier, "run:1", "plots", ticked=False)
    assert ticks.seen(session, verifier, "run:1") == {"layers"}
    with pytest.raises(NotPermitted):
        ticks.mark(session, people["clerk"], "run:1", "plots", ticked=True)

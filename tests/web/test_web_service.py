"""What runs beside the requests, also while the database is away."""

import logging
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from sinks.core import audit, db, migrate
from sinks.core.errors import Conflict
from sinks.web import service
from tests.web.conftest import Site

NOWHERE = "postgresql+psycopg://sinks_app@/none?host=/nowhere"


@pytest.fixture
def away(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database does not answer, for as long as the test lasts."""
    with monkeypatch.context() as changed:
        changed.setenv("SINKS_DATABASE_URL", NOWHERE)
        db.engine.cache_clear()
        yield
    db.engine.cache_clear()


def test_health_says_that_all_is_well(site: Site) -> None:
    answer = site.browser().get("/health")
    assert answer.status_code == 200
    found = answer.json()
    assert found["ok"] and found["database"] and found["sealer"]


def test_a_page_says_when_the_database_is_away_and_shows_no_trace(site: Site, away: None) -> None:
    health = site.browser().get("/health")
    assert health.status_code == 503 and health.json()["database"] is False
    for address in ("/public", "/public/projects", "/public/check?number=HZC-2026-000001-T9"):
        answer = site.browser().get(address)
        assert answer.status_code == 503 and answer.headers["retry-after"] == "30"
        assert "暂时没有应答" in answer.text
        assert "Traceback" not in answer.text and "nowhere" not in answer.text


def test_the_program_does_not_start_without_its_database(away: None) -> None:
    with pytest.raises(Conflict, match="sinks up"):
        service.refuse_unready_database()


def test_the_program_does_not_start_on_another_schema(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.refuse_unready_database()
    monkeypatch.setattr(migrate, "head", lambda: "9999")
    with pytest.raises(Conflict, match="9999"):
        service.refuse_unready_database()


def test_the_sealer_seals_what_was_written_and_outlives_an_outage(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    with monkeypatch.context() as changed:
        changed.setenv("SINKS_DATABASE_URL", NOWHERE)
        db.engine.cache_clear()
        sealer = threading.Thread(target=service.seal_until, args=(stop,), kwargs={"every_s": 0.05})
        sealer.start()
        with caplog.at_level(logging.WARNING, logger=service.log.name):
            while "was not sealed" not in caplog.text:
                sealer.join(0.05)
                assert sealer.is_alive()
    db.engine.cache_clear()
    with db.transaction() as session:
        audit.record(session, None, "test.written", "test:1", {})
    unsealed = 1
    while unsealed:
        sealer.join(0.05)
        assert sealer.is_alive()
        with db.transaction() as session:
            state = audit.verify(session)
        unsealed = state.unsealed
    stop.set()
    sealer.join(10)
    assert not sealer.is_alive()
    assert state.unsealed == 0 and state.sealed > 0 and state.broken is None

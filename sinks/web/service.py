"""What runs beside the requests: the check of the schema at start, the sealer, the health answer."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import sinks
from sinks.core import audit, db, migrate
from sinks.core.errors import Conflict
from sinks.web import answers

log = logging.getLogger(__name__)

SEAL_SECONDS = 5.0
SEALER = "audit-sealer"
# A sealing under way is one short transaction.
STOP_SECONDS_MAX = 30.0


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Refuse to start on another schema; seal the audit log for as long as the program runs."""
    await run_in_threadpool(refuse_unready_database)
    stop = threading.Event()
    sealer = threading.Thread(target=seal_until, args=(stop,), name=SEALER, daemon=True)
    sealer.start()
    try:
        yield
    finally:
        stop.set()
        await run_in_threadpool(sealer.join, STOP_SECONDS_MAX)


def refuse_unready_database() -> None:
    """Refuse to work when the database does not answer or has another schema.

    Raises
    ------
    Conflict
        Says which, and the command that helps.
    """
    try:
        with db.engine().connect() as connection:
            migrate.refuse_other_revision(connection)
    except answers.OUTAGES as error:
        raise Conflict(
            "数据库没有应答，登记簿不能启动。请用 sinks up 启动（它会先启动数据库），"
            "或检查 SINKS_DATABASE_URL。",
            code="database_away",
        ) from error


def seal_until(stop: threading.Event, *, every_s: float = SEAL_SECONDS) -> None:
    """Seal what the audit log has gathered, again and again, until ``stop`` is set.

    While the database is away nothing is lost: the rows wait, and are sealed when it is back.
    """
    while not stop.wait(every_s):
        try:
            with db.transaction() as session:
                audit.seal(session)
        except answers.OUTAGES:
            log.warning("the audit log was not sealed: the database is away", exc_info=True)


def health(_request: Request) -> Response:
    """GET /health: 200 when the database answers and the sealer lives, else 503, as JSON."""
    try:
        with db.transaction() as session:
            session.execute(text("SELECT 1"))
        database = True
    except answers.OUTAGES:
        log.warning("health: the database does not answer", exc_info=True)
        database = False
    sealer = any(thread.name == SEALER for thread in threading.enumerate())
    ok = database and sealer
    return JSONResponse(
        {"ok": ok, "database": database, "sealer": sealer, "version": sinks.VERSION},
        status_code=200 if ok else 503,
        headers={"Cache-Control": "no-store"},
    )

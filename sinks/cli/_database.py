"""The registry's database as a command uses it: on behalf of whoever has signed in."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from psycopg import errors as postgres
from sqlalchemy.orm import Session

from sinks.cli import _token
from sinks.core import db, migrate, people
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted, SinksError


class NoDatabase(SinksError):
    """The registry's database does not answer."""


@contextmanager
def public() -> Iterator[Session]:
    """A transaction that sees what the public may see."""
    with _transaction(None) as session:
        yield session


@contextmanager
def reading() -> Iterator[tuple[Session, Actor | None]]:
    """A transaction for looking: as the person who has signed in, as the public when nobody has."""
    actor = actor_of_token() if _token.read() else None
    with _transaction(actor) as session:
        yield session, actor


@contextmanager
def acting() -> Iterator[tuple[Session, Actor]]:
    """A transaction of the person who has signed in.

    Raises
    ------
    NotPermitted
        ``not_signed_in``
    """
    actor = actor_of_token()
    with _transaction(actor) as session:
        yield session, actor


def actor_of_token() -> Actor:
    """The person who has signed in, with the roles in force now.

    Raises
    ------
    NotPermitted
        ``not_signed_in``: nobody has, or the session has ended.
    """
    token = _token.read()
    if token is None:
        raise NotPermitted("请先登录：sinks login 登录名。", code="not_signed_in")
    with _transaction(None) as session:
        actor = people.actor_of_token(session, token)
    if actor is None:
        raise NotPermitted("登录已过期或已退出，请重新运行 sinks login。", code="not_signed_in")
    return actor


@contextmanager
def _transaction(actor: Actor | None) -> Iterator[Session]:
    _refuse_unready(db.engine())
    try:
        with db.transaction(actor) as session:
            yield session
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, postgres.LockNotAvailable):
            raise Conflict(
                "别人正在办理同一件事，请稍后再试。本次没有任何改动。", code="busy"
            ) from error
        raise
    except sa.exc.DataError as error:
        if isinstance(error.orig, postgres.NumericValueOutOfRange):
            raise Invalid(
                "有一个数字超出了登记簿能存的范围。本次没有任何改动。", code="out_of_range"
            ) from error
        raise


def _refuse_unready(engine: sa.Engine) -> None:
    """Refuse before anything is done when no database answers or its schema is another one."""
    try:
        connection = engine.connect()
    except sa.exc.OperationalError as error:
        raise NoDatabase(
            "登记簿的数据库没有应答。请先运行 sinks up，或核对 SINKS_DATABASE_URL。",
            code="no_database",
        ) from error
    with connection:
        migrate.refuse_other_revision(connection)

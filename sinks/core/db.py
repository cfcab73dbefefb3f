"""The database: base class, column types, engine, and the transaction that knows who acts.

Every transaction states its actor to the database (``sinks.person``, ``sinks.roles``,
``sinks.party``); forced row-level security reads them. A transaction that names nobody sees what
the public may see.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, create_engine, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from sinks.core import cluster, settings
from sinks.core.actor import Actor
from sinks.core.errors import SinksError

Key = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
# Always the database's clock: two machines, or a clock set back, must not reorder records.
RecordedAt = Annotated[
    datetime, mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]


class Base(DeclarativeBase):
    """Every table. Constraints are named, because refusals are told apart by their names."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (read by SQLAlchemy as a class attribute)
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        datetime: DateTime(timezone=True),
        int: BigInteger,
    }


def connect(url: str) -> sa.Engine:
    """An engine whose every connection acts as ``sinks_app``, whoever logged in.

    On an office's own server the login may own the tables; without the change of role neither
    row security nor append-only would bind it.
    """
    # pool_pre_ping: after a restart of the database the next click works.
    engine = create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)

    @sa.event.listens_for(engine, "connect")
    def become_app(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE sinks_app")
            cursor.execute("SET lock_timeout = '10s'")
            # The statement of a program that was killed ends with it, and lets go of its locks.
            cursor.execute("SET client_connection_check_interval = '2s'")
            # Dates of notices and papers are those of the office, wherever its server stands.
            cursor.execute("SET TIME ZONE 'Asia/Shanghai'")
        connection.commit()

    return engine


@cache
def engine() -> sa.Engine:
    """The engine of this process."""
    now = settings.load()
    return connect(now.database_url or cluster.Cluster(now.data_dir).app_url)


@contextmanager
def transaction(actor: Actor | None = None, *, bind: sa.Engine | None = None) -> Iterator[Session]:
    """One transaction on behalf of ``actor`` (``None``: the public). All of it is kept, or none."""
    with Session(bind or engine()) as session, session.begin():
        act_as(session, actor)
        yield session


def act_as(session: Session, actor: Actor | None) -> None:
    """Tell the database, for the rest of this transaction, on whose behalf it works."""
    session.execute(
        text(
            "SELECT set_config('sinks.person', :person, true),"
            " set_config('sinks.roles', :roles, true), set_config('sinks.party', :party, true)"
        ),
        {
            "person": str(actor.person_id) if actor else "",
            "roles": ",".join(sorted(actor.roles)) if actor else "public",
            "party": str(actor.party_id) if actor else "",
        },
    )


def today(session: Session) -> date:
    """The date of the database's clock; no decision hangs on the clock of another machine."""
    return session.execute(select_today).scalar_one()


def now(session: Session) -> datetime:
    """The time of the database's clock."""
    return session.execute(select_now).scalar_one()


select_today = sa.select(sa.cast(func.clock_timestamp(), sa.Date))
select_now = sa.select(func.clock_timestamp())


def constraint_of(error: sa.exc.IntegrityError) -> str | None:
    """The name of the constraint that refused, so that only the expected one is translated."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)


@contextmanager
def refused_in_words(session: Session, said: Mapping[str, SinksError]) -> Iterator[None]:
    """Send what is added within to the database, and turn its refusal into words.

    A look beforehand cannot see what somebody else is writing at the same instant; the constraint
    waits for it. Only what stood within is undone.

    said : what to raise, by the name of the constraint that refuses; any other is a fault
    """
    try:
        with session.begin_nested():
            yield
            session.flush()
    except sa.exc.IntegrityError as error:
        refusal = said.get(constraint_of(error) or "")
        if refusal is None:
            raise
        raise refusal from error

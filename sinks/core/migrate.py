"""Migrations: the schema of this program's version, put in place by the owner of the tables."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from sinks.core.errors import Conflict

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
# On an office's own server the two roles may not exist yet; on the private one they do.
ROLES = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sinks_owner') THEN
    CREATE ROLE sinks_owner NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sinks_app') THEN
    CREATE ROLE sinks_app NOLOGIN; END IF;
  IF NOT pg_has_role(current_user, 'sinks_owner', 'member') THEN
    EXECUTE format('GRANT sinks_owner, sinks_app TO %I', current_user); END IF;
END $$
"""
# Only a superuser may create PostGIS; elsewhere the office's administrator has done it before.
EXTENSIONS = """
DO $$ BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    CREATE EXTENSION IF NOT EXISTS postgis; CREATE EXTENSION IF NOT EXISTS btree_gist;
    GRANT CREATE, USAGE ON SCHEMA public TO sinks_owner;
  END IF;
END $$
"""


def upgrade(url: str) -> str:
    """Bring the schema to this program's revision, all of it or nothing; give the revision."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            # Two programs that start at once would migrate at once.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7000)")
            connection.execution_options(no_parameters=True).exec_driver_sql(ROLES)
            connection.execution_options(no_parameters=True).exec_driver_sql(EXTENSIONS)
            connection.exec_driver_sql("SET ROLE sinks_owner")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return revision_of(connection) or ""
    finally:
        engine.dispose()


def revision_of(connection: sa.Connection) -> str | None:
    """The revision a database stands at, or None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision this program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def refuse_other_revision(connection: sa.Connection) -> None:
    """Refuse to work on a schema of another version of the program."""
    found = revision_of(connection)
    if found != head():
        raise Conflict(
            f"数据库的版本是 {found}，本程序需要 {head()}。请运行 sinks db migrate。",
            code="revision",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config

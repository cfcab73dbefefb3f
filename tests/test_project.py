"""What the project as a whole must keep: schema as declared, nothing named that may not be."""

import re
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import sinks.tables
from sinks.core.cluster import Cluster

ROOT = Path(__file__).parents[1]
TEXT = {".py", ".md", ".toml", ".sql", ".html", ".css", ".lock", ".in", ".yaml", ".mako", ""}
# Written in two pieces, so that this file does not hold what it forbids.
FORBIDDEN = (
    "pypi." + "org", "files.python" + "hosted", "registry.npm" + "js", "deb.debian" + ".org",
    "/wo" + "rk/", "farm-" + "studio", "farm-" + "bench",
)  # fmt: skip


def tracked() -> list[Path]:
    """The files git knows; outside a checkout, none can be asked for."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_package_registry_or_a_machine() -> None:
    found = [
        (path.relative_to(ROOT), word)
        for path in tracked()
        if path.suffix in TEXT and "vendor" not in path.parts
        for word in FORBIDDEN
        if word in path.read_text(errors="ignore")
    ]
    assert found == []


def test_every_requirement_is_pinned() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+", line)] == []


def test_migrations_make_the_tables_that_the_models_declare(cluster: Cluster) -> None:
    engine = sa.create_engine(cluster.app_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": _ours, "compare_type": True}
        )
        differences = compare_metadata(context, sinks.tables.metadata)
    engine.dispose()
    assert differences == []


def _ours(thing: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Leave out PostGIS' own tables, the pieces that only a trigger writes, and reflection noise:
    spatial and expression indexes, which Alembic cannot compare."""
    if kind == "table":
        return name not in ("spatial_ref_sys", "land_claim_piece", "alembic_version")
    return kind != "index"


def test_the_tables_have_an_owner_who_cannot_log_in_and_an_app_that_owns_nothing(
    cluster: Cluster,
) -> None:
    engine = sa.create_engine(cluster.app_url)
    with engine.connect() as connection:
        owners = connection.execute(
            sa.text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
                    " AND tablename <> 'spatial_ref_sys'")
        ).scalars().all()  # fmt: skip
        roles = dict(
            connection.execute(
                sa.text("SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'sinks%'")
            ).tuples().all()
        )  # fmt: skip
        superuser = connection.execute(
            sa.text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).scalar_one()
        settings = {
            name: connection.execute(sa.text(f"SHOW {name}")).scalar_one()
            for name in ("listen_addresses", "data_checksums")
        }
    engine.dispose()
    assert owners == ["sinks_owner"]
    assert roles["sinks_owner"] is False and superuser is False
    assert settings == {"listen_addresses": "", "data_checksums": "on"}

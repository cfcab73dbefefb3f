"""A backup restores into an empty registry, whole, or is refused before anything is written."""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sinks.core import cluster as clusters
from sinks.core import db, migrate
from tests import world
from tests.cli.cli_help import Cli


def empty_cluster() -> clusters.Cluster:
    """A running cluster in a folder of its own, with nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="sinks-b", dir="/tmp"))
    folder.chmod(0o755)
    made = clusters.Cluster(folder, durable=False)
    made.start()
    return made


@pytest.fixture
def source() -> Iterator[clusters.Cluster]:
    """A registry with people in it. Not that of the other tests: what is done here stays."""
    made = empty_cluster()
    migrate.upgrade(made.migration_url)
    engine = db.connect(made.app_url)
    with db.transaction(bind=engine) as session:
        world.seed(session)
    engine.dispose()
    yield made
    made.stop()
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def empty() -> Iterator[Path]:
    """The folder of a cluster in which there is nothing."""
    made = empty_cluster()
    yield made.folder
    made.stop()
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def private(cli: Cli, source: clusters.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command line on a private cluster, as an office without a server has it."""
    monkeypatch.delenv("SINKS_DATABASE_URL", raising=False)
    use(source.folder, monkeypatch)
    with db.transaction() as session:
        cli.actors = world.actors(session)
    yield cli
    db.engine().dispose()
    db.engine.cache_clear()


def rewrite_as_owner(folder: Path) -> None:
    """Try, as the owner of the tables, to rewrite the log."""
    owner = sa.create_engine(clusters.Cluster(folder).migration_url)
    with owner.begin() as connection:
        connection.exec_driver_sql("SET ROLE sinks_owner")
        connection.exec_driver_sql("UPDATE audit_event SET action = 'x'")


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line work on the cluster of this folder."""
    monkeypatch.setenv("SINKS_DATA_DIR", str(folder))
    db.engine.cache_clear()


def test_a_backup_restores_whole_or_not_at_all(
    private: Cli, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = world.biomass(tmp_path / "agb.tif", 50.0, seed=3)
    private.done("layers", "add", layer, "--variable", "agb", "--unit", "Mg/ha", "--date",
                 "2024-12-01", "--licence", "CC0", "--source", "测试", by="officer")  # fmt: skip
    tar = tmp_path / "registry.tar"
    manifest = private.done("db", "backup", tar)
    assert (
        manifest["layers"] == 1 and manifest["revision"] == private.done("db", "status")["needed"]
    )
    assert tar.stat().st_mode & 0o077 == 0
    assert private.refused("db", "backup", tar) == "out_exists"
    assert private.refused("db", "restore", tar) == "not_empty"
    before = private.done("db", "verify")

    use(empty, monkeypatch)
    broken = tmp_path / "broken.tar"
    content = bytearray(tar.read_bytes())
    with tarfile.open(tar) as archive:
        content[archive.getmember("database.dump").offset_data + 500] ^= 1
    broken.write_bytes(content)
    assert private.refused("db", "restore", broken) == "backup_damaged"
    assert private.refused("db", "restore", tmp_path / "none.tar") == "not_found"
    assert private.refused("db", "restore", layer) == "not_a_backup"
    assert private.refused("db", "status") == "revision"  # Still empty.
    restored = private.done("db", "restore", tar)
    assert restored["ok"] and restored["restored"]["dump_sha256"] == manifest["dump_sha256"]
    assert restored["audit"]["head"] == before["audit"]["head"] is not None
    assert restored["audit"]["unsealed"] == 0
    assert restored["files"] == {"registered": 1, "broken": []}
    # It is a registry that works: people sign in, and what protects it is there.
    said = private("login", "officer", "--password-stdin", stdin=world.PASSWORD)
    assert said.status == 0, said.err
    with pytest.raises(sa.exc.DBAPIError, match="permission"), db.transaction() as session:
        session.execute(sa.text("UPDATE audit_event SET action = 'x'"))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        rewrite_as_owner(empty)
    next((empty / "layers").glob("*.tif")).write_bytes(b"other")
    lost = private("db", "verify", "--json")
    assert lost.status == 1 and len(lost.json["files"]["broken"]) == 1

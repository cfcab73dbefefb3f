"""A real private PostGIS cluster, migrated once; each test works in a transaction that is undone.

`engine` is a committed database for what needs two connections (races, the app, the command
line): its tests get a copy of the migrated database of their own.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

import sinks.core.people
from sinks.core import cluster as clusters
from sinks.core import db, migrate
from sinks.core.actor import Actor
from tests import world

SHARED = Path(__file__).parents[2] / "shared"
# A law holds or it does not; how long a busy machine takes over it says nothing.
# The same examples in every run, so that what CI says is about the change; `make soak` tries others.
for _name, _same in (("registry", True), ("soak", False)):
    hypothesis.settings.register_profile(
        _name, deadline=None, derandomize=_same, database=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )  # fmt: skip
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "registry"))
# A password is slow to try by design, a quarter of a second; hundreds of the tests' own need not be.
# Commands and the app, run as programs, keep the program's own cost.
sinks.core.people.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[clusters.Cluster]:
    """A throw-away cluster in /tmp: a socket path must stay short."""
    folder = Path(tempfile.mkdtemp(prefix="sinks-t", dir="/tmp"))
    folder.chmod(0o755)
    made = clusters.Cluster(folder, durable=False)
    made.start()
    migrate.upgrade(made.migration_url)
    with db.transaction(bind=db.connect(made.app_url)) as session:
        world.seed(session)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_engine(cluster: clusters.Cluster) -> Iterator[sa.Engine]:
    engine = db.connect(cluster.app_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(
    shared_engine: sa.Engine, data_dir: Path, people: dict[str, Actor]
) -> Iterator[Session]:
    """A session whose commits are savepoints, so that each test leaves nothing behind.

    It acts as the registrar; a test of what others may see calls `db.act_as` itself.
    """
    with shared_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            db.act_as(session, people["registrar"])
            yield session
        outer.rollback()


@pytest.fixture(scope="session")
def people(shared_engine: sa.Engine) -> dict[str, Actor]:
    """One actor for each part in the story, by the names of `world.PEOPLE`."""
    with db.transaction(bind=shared_engine) as session:
        return world.actors(session)


@pytest.fixture(scope="module")
def engine(cluster: clusters.Cluster, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """A database of the module's own, in which commits stay; the program's engine points at it."""
    name = f"m{abs(hash(request.node.nodeid)) % 10**9}"
    admin = f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} TEMPLATE template_sinks OWNER sinks_owner;"
    if not getattr(cluster_templates, "made", False):
        cluster.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'sinks';",
        )
        cluster.sql("postgres", "CREATE DATABASE template_sinks TEMPLATE sinks OWNER sinks_owner;")
        cluster_templates.made = True
    cluster.sql("postgres", admin)
    url = cluster.app_url.replace("@/sinks?", f"@/{name}?")
    before = os.environ.get("SINKS_DATABASE_URL")
    os.environ["SINKS_DATABASE_URL"] = url
    db.engine.cache_clear()
    yield db.engine()
    db.engine().dispose()
    db.engine.cache_clear()
    if before is None:
        del os.environ["SINKS_DATABASE_URL"]
    else:
        os.environ["SINKS_DATABASE_URL"] = before


class cluster_templates:
    """Whether the template of the migrated database was made in this run."""

    made = False


@pytest.fixture(autouse=True, scope="session")
def data_dir() -> Iterator[Path]:
    """Layers and papers of the tests go to a folder that is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="sinks-d", dir="/tmp"))
    os.environ["SINKS_DATA_DIR"] = str(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shared() -> Path:
    """Real data beside the project; absent on a bare clone."""
    if not SHARED.exists():
        pytest.skip("the shared data folder is not beside this clone")
    return SHARED

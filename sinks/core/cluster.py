"""The private PostGIS cluster: made, started and stopped by the program itself.

Unix socket only, peer authentication, data checksums, durable settings. When root starts the
program, the cluster runs as the ``postgres`` user. Three roles: ``sinks_admin`` (superuser, only
the cluster's own OS user), ``sinks_migrator`` (becomes the owner of the tables, who cannot log
in), ``sinks_app`` (what the program uses; no superuser, so row security and append-only hold).
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sinks.core.errors import SinksError

START_SECONDS_MAX = 60
# A Unix socket address holds 107 bytes (unix(7)); the file name takes 20 of them.
SOCKET_DIR_LENGTH_MAX = 85

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
shared_buffers = 256MB
max_connections = 60
idle_in_transaction_session_timeout = '60s'
timezone = 'Asia/Shanghai'
log_statement = 'ddl'
"""
FAST_SETTINGS = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


class ClusterError(SinksError):
    """The private database could not be made or started; the message holds its own words."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A private cluster below ``folder``; ``durable=False`` is for throw-away test data only."""

    folder: Path
    durable: bool = True

    @property
    def pgdata(self) -> Path:
        return self.folder / "pg"

    @property
    def socket_dir(self) -> Path:
        inside = self.folder / "run"
        if len(str(inside)) <= SOCKET_DIR_LENGTH_MAX:
            return inside
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path("/tmp") / f"sinks-{name}"

    @property
    def app_url(self) -> str:
        return f"postgresql+psycopg://sinks_app@/sinks?host={self.socket_dir}"

    @property
    def migration_url(self) -> str:
        return f"postgresql+psycopg://sinks_migrator@/sinks?host={self.socket_dir}"

    def start(self) -> None:
        """Bring the cluster up, making it first if there is none; wait out orphaned processes.

        Raises
        ------
        ClusterError
            PostgreSQL is missing, or did not start within START_SECONDS_MAX.
        """
        with self._one_at_a_time():
            self._make_folders()
            if not (self.pgdata / "PG_VERSION").exists():
                self._initialise()
            if not self.is_running():
                self._start_when_orphans_are_gone()
            self._bootstrap()

    def stop(self) -> None:
        """Stop the cluster; connections in use are closed, what was confirmed stays."""
        if self.is_running():
            self._run("pg_ctl", "-D", str(self.pgdata), "-m", "fast", "-w", "stop")

    def is_running(self) -> bool:
        """Whether a server answers on the socket (a stale pid file does not)."""
        ready = self.command("pg_isready", "-q", "-h", str(self.socket_dir), "-d", "sinks")
        return subprocess.run(ready, cwd="/", check=False).returncode in (0, 1)

    def _make_folders(self) -> None:
        for folder in (self.folder, self.pgdata, self.socket_dir):
            folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            for folder in (self.pgdata, self.socket_dir):
                os.chown(folder, user.pw_uid, user.pw_gid)
        self.pgdata.chmod(0o700)
        self.socket_dir.chmod(0o700)

    def _initialise(self) -> None:
        for leftover in self.pgdata.iterdir():  # A first start that was killed half-way.
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._run(
            "initdb", "-D", str(self.pgdata), "-U", "sinks_admin", "-E", "UTF8",
            "--locale=C.UTF-8", "--data-checksums", "--auth=peer",
        )  # fmt: skip
        settings = SETTINGS.format(socket_dir=self.socket_dir)
        if not self.durable:
            settings += FAST_SETTINGS
        self._append("postgresql.conf", settings)
        self._replace("pg_hba.conf", "local all all peer map=sinks\n")
        person = pwd.getpwuid(os.geteuid()).pw_name
        owner = "postgres" if os.geteuid() == 0 else person
        lines = [f'sinks "{owner}" sinks_admin']
        lines += [f'sinks "{person}" {role}' for role in ("sinks_app", "sinks_migrator")]
        self._replace("pg_ident.conf", "\n".join(lines) + "\n")

    def _append(self, name: str, text: str) -> None:
        with (self.pgdata / name).open("a") as file:
            file.write(text)

    def _replace(self, name: str, text: str) -> None:
        (self.pgdata / name).write_text(text)

    def _start_when_orphans_are_gone(self) -> None:
        """After a kill -9 of the postmaster its children hold the shared memory for a moment, and
        a start in that moment is refused. One try would leave the registry down."""
        log = self.pgdata / "server.log"
        # The socket is named at every start: a folder that was moved or copied would otherwise
        # answer at its old place, and there be taken for the registry it was copied from.
        start = (
            "pg_ctl", "-D", str(self.pgdata), "-l", str(log), "-w", "-t", "30",
            "-o", f"-k '{self.socket_dir}'", "start",
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            done = subprocess.run(
                self.command(*start), cwd="/", capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-1500:] if log.exists() else done.stderr
                raise ClusterError(f"PostgreSQL 没有启动。它的日志：\n{tail}", code="db_start")
            time.sleep(0.5)

    def _bootstrap(self) -> None:
        """Roles, the database and the extensions that only a superuser may create."""
        self.sql(
            "postgres",
            """
            SELECT 'CREATE ROLE sinks_owner NOLOGIN' WHERE NOT EXISTS
                (SELECT FROM pg_roles WHERE rolname = 'sinks_owner')\\gexec
            SELECT 'CREATE ROLE sinks_migrator LOGIN IN ROLE sinks_owner' WHERE NOT EXISTS
                (SELECT FROM pg_roles WHERE rolname = 'sinks_migrator')\\gexec
            SELECT 'CREATE ROLE sinks_app LOGIN' WHERE NOT EXISTS
                (SELECT FROM pg_roles WHERE rolname = 'sinks_app')\\gexec
            SELECT 'CREATE DATABASE sinks OWNER sinks_owner' WHERE NOT EXISTS
                (SELECT FROM pg_database WHERE datname = 'sinks')\\gexec
            """,
        )
        self.sql(
            "sinks",
            """
            SET client_min_messages = warning;
            CREATE EXTENSION IF NOT EXISTS postgis;
            CREATE EXTENSION IF NOT EXISTS btree_gist;
            ALTER SCHEMA public OWNER TO sinks_owner;
            """,
        )

    def sql(self, database: str, text: str) -> None:
        """Run a script as the cluster's superuser, who is not the program's role."""
        self._run(
            "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.socket_dir),
            "-U", "sinks_admin", "-d", database, stdin=text,
        )  # fmt: skip

    def command(self, program: str, *arguments: str) -> list[str]:
        """The words that run one of PostgreSQL's programs as the cluster's own user."""
        binary = binaries() / program
        plain = [str(binary), *arguments]
        if os.geteuid() != 0:
            return plain
        clean = ["env", "-i", "LANG=C.UTF-8", f"PATH={binaries()}:/usr/bin:/bin"]
        return ["runuser", "-u", "postgres", "--", *clean, *plain]

    def _run(self, program: str, *arguments: str, stdin: str | None = None) -> None:
        done = subprocess.run(
            self.command(program, *arguments),
            input=stdin, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ClusterError(f"{program} 失败：{done.stderr or done.stdout}", code="db_start")

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Two `sinks up` in one folder would initialise it twice."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def binaries() -> Path:
    """The folder of the newest installed PostgreSQL's programs.

    Raises
    ------
    ClusterError
        None is installed.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if not found:
        raise ClusterError(
            "没有找到 PostgreSQL。请先运行 make setup（或 apt-get install postgresql-15-postgis-3）。",
            code="db_missing",
        )
    return found[-1].parent

"""`sinks up`: database, migrations, first administrator, demonstration data, app, worker; Ctrl-C stops
all.

What was started is stopped in order: worker and app first, then the private cluster. A kill -9 of this
program takes the app with it (the kernel tells the child); the cluster is adopted by the next start.
"""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cli import nightly
from sinks.core import db, migrate, people, policies, settings
from sinks.core.actor import Role
from sinks.core.cluster import Cluster
from sinks.core.errors import Conflict
from sinks.core.people import Person
from sinks.core.settings import Settings
from sinks.land.parcels import Parcel

APP_SECONDS_MAX = 60
WORKER_PAUSE_SECONDS = 2.0
PR_SET_PDEATHSIG = 1  # prctl(2)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Account:
    """An account with a password that is shown once."""

    login: str
    password: str
    what: str


def up(*, demo: bool, port: int | None, say: Say) -> int:
    """Bring everything up and serve until Ctrl-C; give the exit status."""
    now = settings.load()
    port = port or now.port
    _refuse_taken(port)
    if now.data_dir.parent != settings.ROOT:
        say(f"数据目录：{now.data_dir}")
    cluster = None if now.database_url else Cluster(now.data_dir)
    lock = _only_one(now)
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        prepare(now, cluster, say)
        _compile(say)
        accounts = first_accounts(demo=demo, say=say)
        return _serve(now, port, accounts, say)
    except KeyboardInterrupt:
        return 0
    finally:
        db.engine().dispose()
        if cluster is not None:
            cluster.stop()
            say("已停止。")
        lock.close()


def prepare(now: Settings, cluster: Cluster | None, say: Say) -> None:
    """The database, at this program's revision."""
    if cluster is not None:
        say("启动数据库……")
        cluster.start()
        migrate.upgrade(cluster.migration_url)
    else:
        migrate.upgrade(now.migration_url or now.database_url or "")


def _compile(say: Say) -> None:
    """The measuring loops, so that nobody waits half a minute for the first number."""
    say("准备计算程序（第一次要编译，约半分钟）……")
    from gis_data import zonal

    zonal.warm()


def first_accounts(*, demo: bool, say: Say) -> list[Account]:
    """What an empty registry needs: the suggestions, an administrator, and with ``demo`` its data.

    Gives the accounts that were made now, with passwords that are nowhere stored.
    """
    with db.transaction() as session:
        admin_id = session.scalar(select(Person.id).where(Person.login == "admin"))
        accounts: list[Account] = []
        if admin_id is None:
            policies.seed_suggestions(session)
            password = people.generated_password()
            admin_id = _first_administrator(session, password)
            accounts.append(Account("admin", password, "管理员"))
        empty = session.scalar(select(Parcel.id).limit(1)) is None
    if demo and empty:
        from sinks.cli import demo as demonstration

        say("装入演示数据（约一分钟，只在第一次）……")
        filled = demonstration.fill(admin_id)
        accounts += [
            Account(
                person.login, filled.password, f"{person.name}（{person.role}，{person.party}）"
            )
            for person in filled.people
        ]
    return accounts


def _first_administrator(session: Session, password: str) -> int:
    # Not one-time: nobody chose this password, and only whoever starts the registry sees it.
    party = people.add_party(session, None, kind="registry", name="湖州市碳汇登记机构")
    person = people.add_person(
        session, None, login="admin", name="管理员", party_id=party.id, password=password,
        one_time=False,
    )  # fmt: skip
    people.grant(session, None, person.id, Role.ADMIN)
    return person.id


def _serve(now: Settings, port: int, accounts: list[Account], say: Say) -> int:
    environment = os.environ | {"SINKS_PORT": str(port)}
    app = subprocess.Popen(
        [
            sys.executable, "-m", "streamlit", "run", "app.py",
            "--server.port", str(port), "--logger.level", "warning",
        ],
        # Its banner would stand among ours; what goes wrong it says on standard error.
        stdout=subprocess.DEVNULL,
        cwd=settings.ROOT, env=environment, start_new_session=True, preexec_fn=_die_with_parent,
    )  # fmt: skip
    worker, daily = _Worker(), nightly.Nightly(say)
    try:
        _wait_until_ready(app, port)
        worker.start()
        daily.start()
        _announce(now, port, accounts, say)
        return app.wait()
    finally:
        daily.stop()
        worker.stop()
        app.terminate()
        try:
            app.wait(timeout=10)
        except subprocess.TimeoutExpired:
            app.kill()
            app.wait()


class _Worker:
    """The process that does the long work (`sinks jobs work`), started again whenever it ends."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        self._keeper.start()

    def stop(self) -> None:
        """Stop the worker; what it was at goes on at the next start."""
        with self._one_at_a_time:
            self._stop.set()
            process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _keep(self) -> None:
        while not self._stop.is_set():
            with self._one_at_a_time:
                if self._stop.is_set():
                    return
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "sinks.cli.main", "jobs", "work"],
                    stdout=subprocess.DEVNULL, cwd=settings.ROOT, start_new_session=True,
                    preexec_fn=_die_with_parent,
                )  # fmt: skip
            self._process.wait()
            self._stop.wait(WORKER_PAUSE_SECONDS)


def _announce(now: Settings, port: int, accounts: list[Account], say: Say) -> None:
    if accounts:
        say("")
        say("账号（密码只显示这一次，请记下）：")
        for account in accounts:
            say(f"  {account.login:<14} {account.password}   {account.what}")
        say("")
    say(f"湖州市碳汇登记簿  {now.public_url or f'http://localhost:{port}'}")
    say("公开查询（无需登录）：/public    停止：Ctrl-C")


def _wait_until_ready(app: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + APP_SECONDS_MAX
    while time.monotonic() < deadline:
        if app.poll() is not None:
            raise Conflict("应用没有启动，原因见上面的日志。", code="app_start")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise Conflict(f"应用在 {APP_SECONDS_MAX} 秒内没有就绪。", code="app_start")


def _only_one(now: Settings) -> TextIO:
    """Hold the data folder: of two programs on it, the first to stop would stop the database
    under the other."""
    now.data_dir.mkdir(parents=True, exist_ok=True)
    lock = (now.data_dir / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Conflict(f"登记簿已在运行（数据目录 {now.data_dir}）。", code="running") from error
    return lock


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Conflict(
                f"端口 {port} 已被占用。请换一个：make run PORT=8502，或停止占用它的程序。",
                code="port",
            ) from error


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _as_ctrl_c(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt

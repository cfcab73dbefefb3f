"""Backups: one tar of the database's dump, the layers and the documents; written and read back."""

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from gis_data import rasters
from sinks.cli import _input
from sinks.core import db, migrate, settings
from sinks.core.cluster import Cluster, binaries
from sinks.core.errors import Conflict, Invalid
from sinks.core.settings import Settings

FORMAT = "sinks-backup/1"
DUMP, MANIFEST = "database.dump", "manifest.json"
KINDS = ("layers", "documents")
MANIFEST_BYTES_MAX = 2**20
# Nothing else is ever taken out of a tar: a name could lead out of the folder, a link anywhere.
NAMES = re.compile(
    rf"{re.escape(MANIFEST)}|{re.escape(DUMP)}|layers/[0-9a-f]{{64}}\.tif|documents/[0-9a-f]{{2}}/[0-9a-f]{{64}}"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The database that is backed up or restored, and who may do it there."""

    office: Settings
    cluster: Cluster | None
    migration_url: str

    def command(self, program: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """A PostgreSQL program pointed at this database, with its environment.

        Row security hides rows even from the owner of the tables, so on the private cluster its
        superuser does it; on an office's server the login of SINKS_MIGRATION_URL has to see all.
        """
        if self.cluster is not None:
            local = ("-h", str(self.cluster.socket_dir), "-U", "sinks_admin", "-d", "sinks")
            return self.cluster.command(program, *local, *arguments), dict(os.environ)
        url = sa.make_url(self.migration_url).set(drivername="postgresql")
        # The password goes into the environment: arguments can be read by other users.
        secret = {"PGPASSWORD": str(url.password)} if url.password else {}
        plain = url.set(password=None).render_as_string(hide_password=False)
        return [str(binaries() / program), "-d", plain, *arguments], {**os.environ, **secret}


@contextmanager
def running() -> Iterator[Place]:
    """The registry's database, up; a private cluster that was down is down again afterwards."""
    office = settings.load()
    if office.database_url is not None:
        yield Place(office, None, office.migration_url or office.database_url)
        return
    cluster = Cluster(office.data_dir)
    was_running = cluster.is_running()
    if not was_running:
        cluster.start()
    try:
        yield Place(office, cluster, cluster.migration_url)
    finally:
        if not was_running:
            db.engine().dispose()
            cluster.stop()


def write(place: Place, out: Path) -> dict[str, Any]:
    """Write the backup to a new file that only its owner reads; give its manifest.

    The dump is one snapshot. Layers and documents are written before their rows commit and never
    change, so copying them after the dump leaves no row without its file.
    """
    if out.exists():
        raise Conflict(f"{out} 已存在，请换一个文件名。", code="out_exists")
    part = out.with_name(f"{out.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="sinks-backup-") as folder:
            dump, listed = Path(folder) / DUMP, Path(folder) / MANIFEST
            _dump(place, dump)
            kept = {kind: _files(_root(place.office, kind), kind) for kind in KINDS}
            manifest = {
                "format": FORMAT,
                "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "revision": _revision(place),
                "dump_sha256": rasters.sha256_of(dump),
                **{kind: len(files) for kind, files in kept.items()},
            }
            listed.write_text(json.dumps(manifest), encoding="utf-8")
            members = {MANIFEST: listed, DUMP: dump}
            for kind, files in kept.items():
                root = _root(place.office, kind)
                members |= {f"{kind}/{path.relative_to(root)}": path for path in files}
            _pack(part, members)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Invalid(f"不能写入 {out}：{error.strerror}。", code="out_file") from error
    return manifest


def _pack(out: Path, members: dict[str, Path]) -> None:
    """Write the tar; it names households, so nobody else may read it at any moment."""
    out.unlink(missing_ok=True)  # A leftover would keep its own mode.
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        for name, path in members.items():
            archive.add(path, name)


def _dump(place: Place, out: Path) -> None:
    command, environment = place.command("pg_dump", "--format=custom", "--no-password")
    with out.open("wb") as file:
        _run("pg_dump", command, environment, stdout=file)


def _run(
    name: str,
    command: list[str],
    environment: dict[str, str],
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> None:
    done = subprocess.run(
        command, stdin=stdin or subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
        env=environment, cwd="/", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        words = done.stderr.decode("utf-8", "replace").strip()[-2000:]
        raise Conflict(f"{name} 没有完成，登记簿没有改动。它说：{words}", code=name)


def _revision(place: Place) -> str | None:
    engine = sa.create_engine(place.migration_url)
    try:
        with engine.connect() as connection:
            return migrate.revision_of(connection)
    finally:
        engine.dispose()


def _root(office: Settings, kind: str) -> Path:
    return office.layers_dir if kind == "layers" else office.documents_dir


def _files(root: Path, kind: str) -> list[Path]:
    """The files of a kind below its folder; one that is still being written has another name."""
    return sorted(
        path for path in root.rglob("*")
        if path.is_file() and NAMES.fullmatch(f"{kind}/{path.relative_to(root)}")
    )  # fmt: skip


def changed_files() -> list[Path]:
    """Layers and documents whose bytes are no longer those of their name."""
    office = settings.load()
    found = [path for kind in KINDS for path in _files(_root(office, kind), kind)]
    return [path for path in found if rasters.sha256_of(path) != path.stem]


def read(place: Place, file: Path) -> dict[str, Any]:
    """Restore a backup into an empty registry; give its manifest.

    Raises
    ------
    Conflict
        ``not_empty``, or the database refused the dump.
    Invalid
        ``not_a_backup``, ``backup_damaged``
    """
    if _revision(place) is not None:
        raise Conflict(
            "这里已有登记簿，不能覆盖。请用 SINKS_DATA_DIR 指向一个新目录再恢复。", code="not_empty"
        )
    place.office.data_dir.mkdir(parents=True, exist_ok=True)
    # Beside its goal, so that the files are moved and not copied again.
    with tempfile.TemporaryDirectory(prefix="restore-", dir=place.office.data_dir) as folder:
        manifest = _unpack(file, Path(folder))
        _prove(Path(folder), manifest)
        # Files first: one without a row is harmless, a row without its file is not.
        for kind in KINDS:
            _move_in(Path(folder) / kind, _root(place.office, kind), kind)
        command, environment = place.command(
            "pg_restore", "--single-transaction", "--exit-on-error", "--no-password"
        )
        with (Path(folder) / DUMP).open("rb") as dump:
            _run("pg_restore", command, environment, stdin=dump)
    migrate.upgrade(place.migration_url)
    return manifest


def _unpack(file: Path, folder: Path) -> dict[str, Any]:
    """Unpack the tar and give its manifest."""
    try:
        with tarfile.open(file, mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if NAMES.fullmatch(member.name) else None
                if content is None or not member.isreg():
                    raise Invalid(f"{file} 里有不属于备份的 {member.name!r}。", code="not_a_backup")
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    shutil.copyfileobj(content, out)
    except FileNotFoundError as error:
        raise Invalid(f"没有文件 {file}。", code="not_found") from error
    except tarfile.TarError as error:
        raise Invalid(f"{file} 不是完整的备份：{error}。", code="not_a_backup") from error
    path = folder / MANIFEST
    if not path.is_file() or path.stat().st_size > MANIFEST_BYTES_MAX:
        raise Invalid(f"{file} 不是 sinks db backup 写的文件。", code="not_a_backup")
    manifest = _input.json_object(path)
    if manifest.get("format") != FORMAT or not (folder / DUMP).is_file():
        raise Invalid(f"{file} 不是 {FORMAT} 格式的备份。", code="not_a_backup")
    return manifest


def _prove(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse a backup of which one byte is not what was written."""
    damaged = [] if rasters.sha256_of(folder / DUMP) == manifest.get("dump_sha256") else [DUMP]
    for kind in KINDS:
        files = _files(folder / kind, kind)
        if len(files) != manifest.get(kind):
            damaged.append(f"{kind}（应有 {manifest.get(kind)} 个，实有 {len(files)} 个）")
        damaged += [path.name for path in files if rasters.sha256_of(path) != path.stem]
    if damaged:
        raise Invalid(f"备份已损坏，没有恢复：{'；'.join(damaged[:20])}。", code="backup_damaged")


def _move_in(source: Path, goal: Path, kind: str) -> None:
    for path in _files(source, kind):
        target = goal / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)

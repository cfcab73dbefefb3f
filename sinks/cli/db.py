"""`sinks db`: the state of the database, migrations, backup, restore, verification.

A backup is one tar: the database as pg_dump wrote it, every layer and every document, and a manifest
with the hash of the dump. Layers and documents are named by their own hash, so a restore proves each
byte before it touches the database, and the database takes the dump whole or not at all.
"""

from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from sqlalchemy.orm import Session

from sinks.cli import _backup, _database, _out
from sinks.cli import audit as audit_words
from sinks.cli._out import Json
from sinks.core import audit, db, documents, migrate, settings
from sinks.core.documents import Document
from sinks.crediting import ledger
from sinks.land import land_audit
from sinks.measurement import layers
from sinks.measurement.layers import Layer

app = typer.Typer()


@app.command()
def status(as_json: Json = False) -> None:
    """数据库是否应答、在哪里、是哪个版本。不应答或版本不符时退出状态为 1。"""
    office = settings.load()
    document: dict[str, Any] = {
        "answers": False,
        "database": _place(office),
        "data_dir": office.data_dir,
        "revision": None,
        "needed": migrate.head(),
    }
    try:
        with db.engine().connect() as connection:
            document |= {"answers": True, "revision": migrate.revision_of(connection)}
    except sa.exc.OperationalError:
        message = f"数据库没有应答（{document['database']}）。请运行 sinks up。"
        raise _out.fail(
            _out.refused("no_database", message, document), message, as_json=as_json
        ) from None
    if document["revision"] != document["needed"]:
        message = (
            f"数据库的版本是 {document['revision'] or '空'}，本程序需要 {document['needed']}。"
            "请运行 sinks db migrate。"
        )
        raise _out.fail(_out.refused("revision", message, document), message, as_json=as_json)
    text = f"数据库正常：{document['database']}，版本 {document['revision']}。"
    _out.give(document, text, as_json=as_json)


def _place(office: settings.Settings) -> str:
    """Where the database is, without its password."""
    if office.database_url is None:
        return f"private:{office.data_dir}"
    return sa.make_url(office.database_url).render_as_string(hide_password=True)


@app.command("migrate")
def migrate_schema(as_json: Json = False) -> None:
    """把数据库升到本程序的版本，全部完成或一步不做。"""
    with _backup.running() as place:
        revision = migrate.upgrade(place.migration_url)
    _out.give({"revision": revision}, f"数据库已是版本 {revision}。", as_json=as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="写到这个新文件")],
    as_json: Json = False,
) -> None:
    """备份数据库、图层和文件。备份里有农户和当事人的姓名，文件只许本人读，请妥善保管。"""
    with _backup.running() as place:
        # A log event that is not sealed would wait, after a restore, for the numbers of the old
        # server's transactions.
        with _database.public() as session:
            audit.seal(session)
        manifest = _backup.write(place, file)
    document = {"out": file, **manifest}
    text = f"已备份到 {file}：{manifest['layers']} 个图层、{manifest['documents']} 个文件。"
    _out.give(document, text, as_json=as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="sinks db backup 写的文件")],
    as_json: Json = False,
) -> None:
    """恢复到一个空的登记簿；先核对备份的每个字节，再写，最后核验。"""
    with _backup.running() as place:
        manifest = _backup.read(place, file)
        with _database.public() as session:
            found = _verified(session)
    document = {"restored": manifest, **found}
    if not found["ok"]:
        message = f"已恢复，但核验不符：{_verify_text(found)}"
        raise _out.fail(_out.refused("broken", message, document), message, as_json=as_json)
    text = f"已恢复 {manifest['created_at']} 的备份。{_verify_text(found)}"
    _out.give(document, text, as_json=as_json)


@app.command()
def verify(as_json: Json = False) -> None:
    """核验台账、审计链、土地重叠和存档文件；有不符时退出状态为 1。

    案件的文件只核验登录人能看到的；审计和登记机构看得到全部。
    """
    with _database.reading() as (session, _):
        found = _verified(session)
    if not found["ok"]:
        message = _verify_text(found)
        raise _out.fail(_out.refused("broken", message, found), message, as_json=as_json)
    _out.give(found, _verify_text(found), as_json=as_json)


def _verified(session: Session) -> dict[str, Any]:
    books = ledger.verify_ledger(session)
    chain = audit.verify(session)
    double_m2 = land_audit.double_counted_m2(session)
    wanted = {layers.path_of_sha256(row.kept_sha256) for row in session.scalars(sa.select(Layer))}
    wanted |= {documents.path_of(row) for row in session.scalars(sa.select(Document.sha256))}
    lost = [f"缺失 {path.name}" for path in sorted(wanted) if not path.exists()]
    changed = [f"已改动 {path.name}" for path in _backup.changed_files()]
    return {
        "ok": not books.broken and chain.broken is None and not lost and not changed,
        "ledger": {
            "transfers": books.transfers, "blocks": books.blocks, "broken": books.broken,
        },
        "audit": audit_words.shown(chain),
        "double_counted_m2": double_m2,
        "files": {"registered": len(wanted), "broken": [*lost, *changed]},
    }  # fmt: skip


def _verify_text(found: dict[str, Any]) -> str:
    books, chain, files = found["ledger"], found["audit"], found["files"]
    lines = [
        f"台账 {books['transfers']} 笔："
        + ("相符 ✓" if not books["broken"] else "；".join(books["broken"])),
        f"审计链 {chain['sealed']} 条："
        + ("完整 ✓" if chain["ok"] else f"在第 {chain['broken']} 条断开"),
        f"已入库地块相互重叠合计 {found['double_counted_m2']:,.1f} 平方米（只应有不到 1 米宽的细条）",
        f"图层和文件 {files['registered']} 个："
        + ("齐全 ✓" if not files["broken"] else "；".join(files["broken"][:20])),
    ]
    return "\n".join(lines)

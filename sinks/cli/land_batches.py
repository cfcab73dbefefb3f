"""`sinks land batch`: a staged import looked through, answered, mended and committed, as on its page."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gis_data import columns
from sinks.cli import _database, _names, _out
from sinks.cli._out import Json
from sinks.core.errors import Invalid
from sinks.land import (
    column_mappings,
    import_decisions,
    import_reading,
    import_views,
    imports,
    staging,
)
from sinks.land.staging import ImportBatch, State

app = typer.Typer(
    help="暂存的导入：列出、查看、逐类答复、逐行处理、字段对应、提交、放弃", no_args_is_help=True
)
BatchArgument = Annotated[int, typer.Argument(metavar="BATCH", help="批次编号，见 list")]
RowArgument = Annotated[int, typer.Argument(metavar="ROW", help="行号，从 0 起")]
ReasonOption = Annotated[str, typer.Option(help="依据或原因")]


@app.command("list")
def list_batches(as_json: Json = False) -> None:
    """列出暂存过的文件，新的在前。"""
    with _database.acting() as (session, _):
        rows = [_shown(batch) for batch in staging.listing(session)]
    text = _out.table(
        ("批次", "文件", "类型", "行数", "待答复", "状态"),
        [
            (
                row["batch"], row["file_name"], row["sink_type"], row["rows"].get("all"),
                row["rows"].get("open"), staging.STATE_ZH[State(row["state"])],
            )
            for row in rows
        ],
        empty="没有暂存的文件。",
    )  # fmt: skip
    _out.give({"batches": rows}, text, as_json=as_json)


def _shown(batch: ImportBatch) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "file_name": batch.file_name,
        "sha256": batch.sha256,
        "sink_type": batch.sink_type,
        "state": batch.state,
        "rows": batch.counts.get("rows", {}),
        "questions": batch.counts.get("questions", {}),
        "answers": batch.answers,
        "mapping": batch.mapping,
        "fields": batch.reading.get("fields", []),
        "import": batch.import_id,
    }


@app.command()
def show(batch: BatchArgument, as_json: Json = False) -> None:
    """一个批次：计数、待答复的疑问、字段对应，和每一行的问题与可接受的修复。"""
    with _database.acting() as (session, _):
        row = staging.get(session, batch)
        document = _shown(row) | staging.to_json(session, batch)
        document["counts"] = row.counts.get("rows", {})
        document["repairs"] = [
            {"row": one.row, **(one.repair or {})} for one in import_views.repairs(session, batch)
        ]
    counts = document["counts"]
    lines = [
        f"批次 {batch}  {document['file_name']}  {staging.STATE_ZH[State(document['state'])]}",
        f"可导入 {counts.get('accepted', 0)}，有疑问 {counts.get('questioned', 0)}"
        f"（待答复 {counts.get('open', 0)}），不可导入 {counts.get('refused', 0)}",
        *(f"疑问 {code}：{count} 行" for code, count in document["questions"].items()),
        *(f"第 {one['row']} 行可修复" for one in document["repairs"]),
    ]
    _out.give(document, "\n".join(lines), as_json=as_json)


@app.command()
def answer(
    batch: BatchArgument,
    code: Annotated[list[str], typer.Argument(metavar="CODE...", help="疑问的代码，见 show")],
    reason: ReasonOption,
    take: Annotated[bool, typer.Option("--take/--leave", help="收为草稿，或不收")] = True,
    as_json: Json = False,
) -> None:
    """逐类答复疑问：这些代码的行收为草稿（--take），或不收（--leave）。"""
    with _database.acting() as (session, actor):
        row = import_decisions.answer(session, actor, batch, code, take=take, reason=reason)
        document = _shown(row)
    _give(document, "已答复。", as_json=as_json)


@app.command("leave-out")
def leave_out(
    batch: BatchArgument, row: RowArgument, reason: ReasonOption, as_json: Json = False
) -> None:
    """不收这一行。"""
    with _database.acting() as (session, actor):
        document = _shown(import_decisions.leave_out(session, actor, batch, row, reason=reason))
    _give(document, f"第 {row} 行不收。", as_json=as_json)


@app.command()
def repair(
    batch: BatchArgument, row: RowArgument, reason: ReasonOption, as_json: Json = False
) -> None:
    """接受系统对这一行提供的修复；两个面积、两个指纹都留存。"""
    with _database.acting() as (session, actor):
        record = import_decisions.accept_repair(session, actor, batch, row, reason=reason)
        document = _shown(staging.get(session, batch)) | {"repair": record}
    _give(document, f"第 {row} 行按修复后的边界收下。", as_json=as_json)


@app.command("map")
def map_columns(
    batch: BatchArgument,
    meaning: Annotated[
        list[str],
        typer.Argument(metavar="MEANING=COLUMN...", help="含义：" + "、".join(columns.MEANINGS)),
    ],
    source: Annotated[str, typer.Option(help="来源；此后同一来源、同样列的文件照此读")],
    as_json: Json = False,
) -> None:
    """存下字段对应并照此重新读取；已有的答复随之作废。面积写作 declared_area=列名:mu。"""
    pairs = [one.partition("=") for one in meaning]
    if any(not column for _, _, column in pairs):
        raise Invalid("字段对应写作 含义=列名，如 name=小班号。", code="mapping")
    chosen = {name.strip(): column.strip() for name, _, column in pairs}
    with _database.acting() as (session, actor):
        row = staging.get(session, batch)
        column_mappings.save(
            session, actor, source=source, fields=row.reading.get("fields", []), mapping=chosen
        )
        options = replace(staging.options_of(row), source=source, mapping=chosen)
        staging.reread(session, actor, batch, options)
        row = import_reading.fill(session, actor, batch, import_reading.examine(session, batch))
        document = _shown(row)
    _give(document, "已存下字段对应并重新读取。", as_json=as_json)


@app.command()
def commit(
    batch: BatchArgument,
    owner: Annotated[str, typer.Option(metavar="ID", help="权利人的编号或全名")],
    as_json: Json = False,
) -> None:
    """提交：收下的行成为草稿地块，全部写入或一行不写；疑问须已全部答复。"""
    with _database.acting() as (session, actor):
        done = imports.commit(
            session, actor, batch, owner_id=_names.party_id(session, owner)
        )  # fmt: skip
        document = _shown(staging.get(session, batch))
        document |= {"import": done.id, "accepted": done.accepted}
    _give(
        document, f"已导入 {document['accepted']} 块，第 {document['import']} 号。", as_json=as_json
    )


@app.command()
def discard(batch: BatchArgument, reason: ReasonOption, as_json: Json = False) -> None:
    """放弃一个批次：暂存的行删去，只留下曾经上传、已放弃的记录。"""
    with _database.acting() as (session, actor):
        staging.discard(session, actor, batch, reason)
        document = _shown(staging.get(session, batch))
    _give(document, "已放弃。", as_json=as_json)


@app.command()
def errors(
    batch: BatchArgument,
    out: Annotated[Path, typer.Option(metavar="OUT.xlsx", help="写到哪个文件")],
    as_json: Json = False,
) -> None:
    """另写一份 Excel：原来的行，有问题的格标红并加批注。"""
    with _database.acting() as (_, actor):
        pass
    _out.write_file(out, import_reading.error_workbook(actor, batch))
    _out.give({"batch": batch, "file": str(out)}, f"已写出 {out}。", as_json=as_json)


def _give(document: dict[str, Any], said: str, *, as_json: bool) -> None:
    rows = document["rows"]
    text = f"{said}将导入 {rows.get('taken', 0)} 行，待答复 {rows.get('open', 0)} 行。"
    open_ = document["state"] == State.STAGED
    _out.give(document, text if open_ else said, as_json=as_json)

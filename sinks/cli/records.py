"""`sinks records`: what was done on a parcel in a year, with its evidence."""

from pathlib import Path
from typing import Annotated, Any

import typer

from methodologies import activity
from sinks.cli import _database, _input, _names, _out
from sinks.cli._out import Json
from sinks.core.errors import Invalid
from sinks.crediting import projects
from sinks.measurement import activity_lineage, activity_records, activity_table
from sinks.measurement.activity_records import ActivityRecord, Line
from sinks.measurement.activity_words import KINDS, values_words
from sinks.measurement.office_tables import CellWrong

app = typer.Typer()

KindArgument = Annotated[
    str, typer.Argument(metavar="KIND", help="；".join(f"{k} {zh}" for k, (zh, _) in KINDS.items()))
]
RecordArgument = Annotated[int, typer.Argument(metavar="RECORD", help="记录编号")]
Correcting = Annotated[bool, typer.Option("--correcting", help="更正已有的记录；两条都保留")]
Evidence = Annotated[
    list[Path] | None, typer.Option(help="依据材料（发票、农事记录、照片）；可多次")
]


@app.command()
def add(
    parcel: Annotated[str, typer.Argument(metavar="PARCEL", help="地块编码或 id")],
    kind: KindArgument,
    year: Annotated[int, typer.Option(help="年份")],
    value: Annotated[
        list[str], typer.Option(metavar="FIELD=VALUE", help="各项的值；每一项都要给出，零也要写")
    ],
    correcting: Correcting = False,
    evidence: Evidence = None,
    as_json: Json = False,
) -> None:
    """登记一条活动记录。"""
    files = [_input.named_file(path) for path in evidence or []]
    values = _values(kind, value)
    with _database.acting() as (session, actor):
        row = activity_records.add(
            session, actor, parcel_id=_names.parcel_id(session, parcel), year=year, kind=kind,
            values=values, correcting=correcting,
        )  # fmt: skip
        for name, content in files:
            activity_records.add_evidence(session, actor, row.id, name=name, content=content)
        document = {**_shown(row), "evidence": len(files)}
    _give_one(document, as_json=as_json)


def _values(kind: str, words: list[str]) -> dict[str, Any]:
    if kind not in KINDS:
        raise Invalid(f"没有 {kind} 这种记录；可用：{'、'.join(KINDS)}。", code="record_kind")
    cells: dict[str, str] = {}
    for word in words:
        field, is_given, typed = word.partition("=")
        if not is_given or field not in activity.KINDS[kind].model_fields or field in cells:
            named = "、".join(activity.KINDS[kind].model_fields)
            raise Invalid(f"“{word}”应写作 字段=值，每个字段一次；字段有：{named}。", code="value")
        cells[field] = typed
    try:
        return activity_table.typed_values(kind, cells)
    except CellWrong as wrong:
        raise Invalid(f"{wrong}。", code="record_values") from wrong


@app.command("import")
def import_table(
    kind: KindArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV 或 XLSX，一行一条记录")],
    correcting: Correcting = False,
    evidence: Evidence = None,
    as_json: Json = False,
) -> None:
    """从表格登记活动记录；有一行不对就全都不存。给出的依据归到每一行。"""
    files = [_input.named_file(path) for path in evidence or []]
    table = activity_table.parse(kind, file.name, _input.file_bytes(file))
    try:
        with _database.acting() as (session, actor):
            stored = activity_table.commit(session, actor, table, correcting=correcting)
            for row in stored:
                for name, content in files:
                    activity_records.add_evidence(
                        session, actor, row.id, name=name, content=content
                    )
            ids = [row.id for row in stored]
    except activity_table.RowsRefused as refusal:
        document = {"errors": [{"row": e.number, "message": e.message} for e in refusal.errors]}
        said = "\n".join(f"第 {e.number} 行：{e.message}" for e in refusal.errors[:20])
        raise _out.fail(
            _out.refused(refusal.code, refusal.message, document), said, as_json=as_json
        ) from refusal
    _out.give({"records": ids}, f"已登记 {len(ids)} 条{KINDS[kind][0]}记录。", as_json=as_json)


@app.command()
def template(
    kind: KindArgument,
    out: Annotated[Path, typer.Option(help="CSV 写到这个文件")],
    as_json: Json = False,
) -> None:
    """空表：这种记录的各列。"""
    if kind not in KINDS:
        raise Invalid(f"没有 {kind} 这种记录；可用：{'、'.join(KINDS)}。", code="record_kind")
    _out.write_file(out, activity_table.template(kind))
    _out.give({"kind": kind, "out": out}, f"空表已写到 {out}。", as_json=as_json)


@app.command()
def evidence(
    record: RecordArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    as_json: Json = False,
) -> None:
    """补交一条记录的依据材料。"""
    name, content = _input.named_file(file)
    with _database.acting() as (session, actor):
        row = activity_records.add_evidence(session, actor, record, name=name, content=content)
        document = {"record": record, "document": row.id, "sha256": row.sha256}
    _out.give(document, f"记录 {record} 的依据已存档：{document['sha256']}", as_json=as_json)


@app.command()
def withdraw(record: RecordArgument, as_json: Json = False) -> None:
    """撤销一条记录：并无此事。原记录保留。"""
    with _database.acting() as (session, actor):
        document = _shown(activity_records.withdraw(session, actor, record))
    _give_one(document, as_json=as_json)


@app.command("list")
def list_records(
    parcel: Annotated[
        list[str] | None, typer.Option(metavar="PARCEL", help="地块编码或 id；可多次")
    ] = None,
    project: Annotated[str | None, typer.Option(help="项目编码或 id")] = None,
    as_json: Json = False,
) -> None:
    """列出地块或项目的活动记录，已更正的、拆分合并以前各地块的也在内。"""
    with _database.acting() as (session, _):
        ids = [_names.parcel_id(session, word) for word in parcel or []]
        if project is not None:
            project_id = _names.project_id(session, project)
            ids += [member.parcel_id for member in projects.members(session, project_id)]
        if not ids:
            raise Invalid("请用 --parcel 或 --project 指明地块。", code="parcel")
        ids += activity_lineage.ancestors(session, ids)
        rows = [_shown_line(line) for line in activity_records.listing(session, ids)]
    text = _out.table(
        ("编号", "地块", "年份", "记录", "依据", "状态"),
        [
            (
                row["id"], row["parcel"], row["year"],
                values_words(row["kind"], row["values"]) if row["values"] else "（撤销）",
                len(row["evidence"]) or "没有", "已更正" if row["superseded"] else "",
            )
            for row in rows
        ],
        empty="没有活动记录。",
    )  # fmt: skip
    _out.give({"records": rows}, text, as_json=as_json)


def _shown(row: ActivityRecord) -> dict[str, Any]:
    return {
        "id": row.id,
        "parcel_id": row.parcel_id,
        "year": row.year,
        "kind": row.kind,
        "slot": row.slot,
        "values": row.values,
        "supersedes": row.supersedes_id,
    }


def _shown_line(line: Line) -> dict[str, Any]:
    return {
        **_shown(line.record),
        "parcel": line.parcel_code,
        "superseded": line.superseded,
        "evidence": [
            {"document": one.id, "name": one.name, "sha256": one.sha256} for one in line.evidence
        ],
    }


def _give_one(document: dict[str, Any], *, as_json: bool) -> None:
    said = values_words(document["kind"], document["values"]) if document["values"] else "已撤销"
    follows = f"，更正第 {document['supersedes']} 条" if document["supersedes"] else ""
    _out.give(document, f"记录 {document['id']}{follows}：{said}", as_json=as_json)

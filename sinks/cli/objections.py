"""`sinks objection`: what the public objects to, and the answers."""

from typing import Annotated

import typer

from sinks.cli import _database, _out
from sinks.cli._out import Json
from sinks.crediting import objections, rounds
from sinks.crediting.objections import OUTCOME_ZH, Outcome

app = typer.Typer()


@app.command("list")
def list_objections(as_json: Json = False) -> None:
    """列出异议，待答复的在前；异议人只有主管部门、登记机构和审计看得到。"""
    with _database.acting() as (session, _):
        rows = [
            {
                "id": row.id,
                "project_id": row.project_id,
                "round_id": row.round_id,
                "text": row.text,
                "received_at": row.recorded_at,
                "name": who.name if who else None,
                "contact": who.contact if who else None,
                "outcome": row.outcome,
                "answer": row.answer,
            }
            for row, who in objections.listing(session)
        ]
    text = _out.table(
        ("编号", "项目", "监测期", "异议", "结果"),
        [
            (
                row["id"], row["project_id"], row["round_id"], str(row["text"])[:30],
                OUTCOME_ZH[Outcome(str(row["outcome"]))] if row["outcome"] else "待答复",
            )
            for row in rows
        ],
        empty="没有异议。",
    )  # fmt: skip
    _out.give({"objections": rows}, text, as_json=as_json)


@app.command()
def answer(
    objection_id: Annotated[int, typer.Argument(metavar="ID", help="异议编号")],
    outcome: Annotated[Outcome, typer.Option(help="不成立 dismissed，或成立 upheld（公示终止）")],
    words: Annotated[str, typer.Option("--answer", help="答复，业主和核证机构可见")],
    as_json: Json = False,
) -> None:
    """答复一件异议（主管部门、登记机构）。"""
    with _database.acting() as (session, actor):
        rounds.answer_objection(session, actor, objection_id, words=words, outcome=outcome)
    _out.give(
        {"id": objection_id, "outcome": outcome},
        f"异议 {objection_id} 已答复：{OUTCOME_ZH[outcome]}。", as_json=as_json,
    )  # fmt: skip

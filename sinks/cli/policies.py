"""`sinks policy`: what the registrar decides, proposed by one person and approved by another."""

import json
from typing import Annotated, Any

import typer

from sinks.cli import _database, _input, _out
from sinks.cli._out import Json
from sinks.core import db, policies
from sinks.core.policies import Policy

app = typer.Typer()


@app.command("list")
def list_policies(as_json: Json = False) -> None:
    """列出每项政策的各次取值；没有生效日期的是提议。"""
    with _database.reading() as (session, _):
        rows = [_shown(row) for row in policies.listing(session)]
    text = _out.table(
        ("编号", "政策", "名称", "取值", "生效", "失效", "依据"),
        [
            (
                row["id"], row["key"], row["title"], row["value"], row["valid_from"] or "提议",
                row["valid_to"], row["legal_basis"],
            )
            for row in rows
        ],
        empty="没有政策。",
    )  # fmt: skip
    _out.give({"policies": rows}, text, as_json=as_json)


@app.command()
def propose(
    key: Annotated[str, typer.Argument(help="政策，见 policy list")],
    value: Annotated[str, typer.Argument(help="取值：数字或词")],
    basis: Annotated[str, typer.Option(help="依据：文件名、文号、条款")],
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="演示用；所有纸面文件都会写明")
    ] = False,
    as_json: Json = False,
) -> None:
    """提出一项取值；须由另一人批准才生效。"""
    with _database.acting() as (session, actor):
        row = policies.propose(
            session, actor, key=key, value=_value(value), legal_basis=basis,
            demonstration=demonstration,
        )  # fmt: skip
        document = _shown(row)
    _out.give(document, f"提议 {document['id']} 已写下，待另一人批准。", as_json=as_json)


def _value(text: str) -> Any:
    """A number where the text is one, else the word itself."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) else text


@app.command()
def approve(
    policy: Annotated[int, typer.Argument(metavar="ID", help="提议编号")],
    valid_from: Annotated[
        Any,
        typer.Option(
            "--from", parser=_input.day, metavar="YYYY-MM-DD", help="生效日期；不给则为今天"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """由另一人批准，自某日起生效；不溯及既往。"""
    with _database.acting() as (session, actor):
        row = policies.approve(session, actor, policy, valid_from=valid_from or db.today(session))
        document = _shown(row)
    text = f"{document['title']}（{document['key']}）自 {document['valid_from']} 起为 {document['value']}。"
    _out.give(document, text, as_json=as_json)


def _shown(row: Policy) -> dict[str, Any]:
    return {
        "id": row.id,
        "key": row.key,
        "title": policies.KINDS[row.key].title_zh if row.key in policies.KINDS else row.key,
        "value": row.value,
        "legal_basis": row.legal_basis,
        "demonstration": row.demonstration,
        "proposed": row.proposed_by_id is not None,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
    }

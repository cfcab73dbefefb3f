"""`sinks contract`: collection contracts and the balance of a cooperative."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from sinks.cli import _database, _input, _names, _out
from sinks.cli._out import Json
from sinks.cooperative import balance, contracts
from sinks.core.actor import Actor, Role
from sinks.core.errors import NotPermitted

app = typer.Typer()

STATUS_ZH = {"drafted": "已起草", "signed": "已签订", "closed": "已终止"}


@app.command()
def draft(
    contract_no: Annotated[str, typer.Argument(metavar="NUMBER", help="合同编号")],
    counterparty: Annotated[str, typer.Option(metavar="ID", help="对方的编号或全名")],
    parcel: Annotated[list[str], typer.Option(metavar="PARCEL", help="地块编码或 id；可多次")],
    term_from: Annotated[
        Any, typer.Option("--from", parser=_input.day, metavar="YYYY-MM-DD", help="期限起")
    ],
    term_to: Annotated[
        Any, typer.Option("--to", parser=_input.day, metavar="YYYY-MM-DD", help="期限止（不含）")
    ],
    net_share: Annotated[
        Any, typer.Option(parser=_input.number, metavar="0–1", help="对方在净收益中的份额")
    ],
    exit_clause: Annotated[str, typer.Option(help="退出条款")],
    fee_fen_mu_year: Annotated[int, typer.Option(help="收储价（分/亩·年）")] = 0,
    estimate_kg: Annotated[int, typer.Option(help="预估量（未核证，千克）")] = 0,
    as_json: Json = False,
) -> None:
    """起草收储合同。预估量不是碳汇量，不能出让或注销。"""
    with _database.acting() as (session, actor):
        row = contracts.draft(
            session, actor, number=contract_no,
            counterparty_id=_names.party_id(session, counterparty),
            parcel_ids=[_names.parcel_id(session, name) for name in parcel],
            term_from=term_from, term_to=term_to, fee_fen_mu_year=fee_fen_mu_year,
            net_share=net_share, estimate_kg=estimate_kg, exit_clause=exit_clause,
        )  # fmt: skip
        document = {"id": row.id, "number": row.number, "status": str(row.status or "drafted")}
    _out.give(document, f"合同 {contract_no} 已起草，待另一位经办登记签订。", as_json=as_json)


@app.command()
def sign(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="合同编号或 id")],
    as_json: Json = False,
) -> None:
    """由另一位经办登记双方已在纸上签订。"""
    with _database.acting() as (session, actor):
        row = contracts.sign(session, actor, _names.contract_id(session, contract))
        document = {
            "id": row.id, "number": row.number, "status": row.status, "signed_on": row.signed_on,
        }  # fmt: skip
    _out.give(document, f"合同 {document['number']} 已签订。", as_json=as_json)


@app.command()
def end(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="合同编号或 id")],
    reason: Annotated[str, typer.Option(help="终止原因")],
    as_json: Json = False,
) -> None:
    """终止合同：期满的自期满日起，未期满的自今日起；地块恢复为已入库，可另签合同，已签发的不变。"""
    with _database.acting() as (session, actor):
        row = contracts.end(session, actor, _names.contract_id(session, contract), reason=reason)
        document = {
            "id": row.id, "number": row.number, "status": row.status, "ended_on": row.ended_on,
            "end_reason": row.end_reason,
        }  # fmt: skip
    said = f"合同 {document['number']} 自 {document['ended_on']} 起终止。"
    _out.give(document, said, as_json=as_json)


@app.command("list")
def list_contracts(as_json: Json = False) -> None:
    """列出合同：合作社看本社的，登记机构和审计看全部。"""
    with _database.acting() as (session, actor):
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "number": row.number,
                "counterparty": party.name,
                "status": row.status,
                "term_from": row.term_from,
                "term_to": row.term_to,
                "net_share": float(row.net_share),
                "fee_fen_mu_year": row.fee_fen_mu_year,
                "estimate_kg": row.estimate_kg,
                "ended_on": row.ended_on,
                "end_reason": row.end_reason,
            }
            for row, party in contracts.listing(session, party_id=_own_unless_all(actor))
        ]
    text = _out.table(
        ("编号", "对方", "状态", "期限", "预估量（未核证）"),
        [
            (
                row["number"], row["counterparty"], STATUS_ZH[row["status"]],
                f"{row['term_from']} 至 {row['term_to']}", _out.kg(row["estimate_kg"]),
            )
            for row in rows
        ],
        empty="没有合同。",
    )  # fmt: skip
    _out.give({"contracts": rows}, text, as_json=as_json)


def _own_unless_all(actor: Actor) -> int | None:
    """The party whose contracts this person may read; None for those who read all."""
    return None if actor.roles & {Role.REGISTRAR, Role.AUDITOR} else actor.party_id


@app.command("balance")
def show_balance(
    party: Annotated[str | None, typer.Option(metavar="ID", help="合作社；不给则为本社")] = None,
    as_json: Json = False,
) -> None:
    """合作社的碳汇量：每份合同一行，从面积到持有和注销；为零的写明原因。"""
    with _database.acting() as (session, actor):
        party_id = actor.party_id if party is None else _names.party_id(session, party)
        if _own_unless_all(actor) not in (None, party_id):
            raise NotPermitted("只能查看本合作社的碳汇量。", code="not_own")
        lines = balance.lines(session, party_id)
    text = _out.table(
        ("合同", "对方", "面积", "已核算", "已签发", "持有", "锁定", "注销", "说明"),
        [
            (
                line.number, line.counterparty, _out.mu(line.area_m2), _out.kg(line.measured_kg),
                _out.kg(line.issued_kg), _out.kg(line.held_kg), _out.kg(line.reserved_kg),
                _out.kg(line.retired_kg), line.why,
            )
            for line in lines
        ],
        empty="没有合同。",
    )  # fmt: skip
    document = {"party_id": party_id, "lines": [asdict(line) for line in lines]}
    _out.give(document, text, as_json=as_json)

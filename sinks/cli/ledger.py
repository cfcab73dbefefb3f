"""`sinks ledger`: balances and statements of accounts, and the check that everything adds up."""

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from sinks.cli import _database, _out
from sinks.cli._out import Json
from sinks.core import people
from sinks.core.actor import Actor, Role
from sinks.core.errors import NotFound
from sinks.crediting import ledger
from sinks.crediting.ledger import Account

app = typer.Typer()

READ_ALL = frozenset({Role.REGISTRAR, Role.AUTHORITY, Role.AUDITOR})
KIND_ZH = {
    "issuance": "签发",
    "holding": "持有",
    "buffer": "缓冲",
    "remainder": "余量",
    "retired": "注销",
}
STATE_ZH = {"held": "持有", "reserved": "锁定", "buffer": "缓冲", "retired": "注销"}


@app.command()
def balance(as_json: Json = False) -> None:
    """各类账户合计；登录后再列出本单位的账户（登记机构、主管部门、审计列出全部）。"""
    with _database.reading() as (session, actor):
        everything = ledger.accounts(session)
        totals_kg: dict[str, int] = dict.fromkeys(KIND_ZH, 0)
        for account in everything:
            totals_kg[account.kind] += account.balance_kg
        rows = [_shown(session, account) for account in everything if _may_read(actor, account)]
    document = {"totals_kg": totals_kg, "accounts": rows}
    lines = [f"{KIND_ZH[kind]}  {_out.kg(amount)}" for kind, amount in totals_kg.items()]
    if rows:
        lines += ["", _accounts_text(rows)]
    _out.give(document, "\n".join(lines), as_json=as_json)


def _may_read(actor: Actor | None, account: Account) -> bool:
    if actor is None:
        return False
    return bool(actor.roles & READ_ALL) or account.party_id == actor.party_id


def _shown(session: Session, account: Account) -> dict[str, Any]:
    owner = session.get(people.Party, account.party_id) if account.party_id else None
    return {
        "id": account.id,
        "kind": account.kind,
        "party_id": account.party_id,
        "party": owner.name if owner else None,
        "contract_id": account.contract_id,
        "project_id": account.project_id,
        "balance_kg": account.balance_kg,
        "states_kg": ledger.units_by_state(session, account.id),
    }


def _accounts_text(rows: list[dict[str, Any]]) -> str:
    return _out.table(
        ("账户", "种类", "主体", "合同", "项目", "余额"),
        [
            (
                row["id"], KIND_ZH[row["kind"]], row["party"], row["contract_id"],
                row["project_id"], _out.kg(row["balance_kg"]),
            )
            for row in rows
        ],
        empty="没有账户。",
    )  # fmt: skip


@app.command()
def statement(
    account_id: Annotated[int, typer.Argument(metavar="ACCOUNT", help="账户编号")],
    as_json: Json = False,
) -> None:
    """一个账户的每笔进出和序列号。"""
    with _database.acting() as (session, actor):
        account = session.get(Account, account_id)
        if account is None or not _may_read(actor, account):
            raise NotFound("没有这个账户，或不是本单位的账户。", code="account")
        shown = _shown(session, account)
        lines = [
            {
                "at": line.at,
                "reason": line.reason,
                "change_kg": line.change_kg,
                "balance_kg": line.balance_kg,
            }
            for line in ledger.statement(session, account_id)
        ]
        blocks = [
            {
                "serial": ledger.serial_of(session, block),
                "vintage": batch.vintage,
                "state": block.state,
                "units": block.count,
                "amount_kg": block.count * batch.unit_kg,
            }
            for block, batch in ledger.blocks_of(session, account_id)
        ]
    document = {"account": shown, "lines": lines, "blocks": blocks}
    _out.give(document, _statement_text(lines, blocks), as_json=as_json)


def _statement_text(lines: list[dict[str, Any]], blocks: list[dict[str, Any]]) -> str:
    moves = _out.table(
        ("时间", "事由", "变动", "余额"),
        [
            (
                f"{line['at']:%Y-%m-%d %H:%M}", line["reason"], f"{line['change_kg']:+,} kg",
                _out.kg(line["balance_kg"]),
            )
            for line in lines
        ],
        empty="没有进出。",
    )  # fmt: skip
    serials = _out.table(
        ("序列号", "年份", "状态", "数量"),
        [
            (row["serial"], row["vintage"], STATE_ZH[row["state"]], _out.kg(row["amount_kg"]))
            for row in blocks
        ],
        empty="没有序列号。",
    )
    return f"{moves}\n\n{serials}"


@app.command()
def verify(as_json: Json = False) -> None:
    """从流水和编号段重新点数，不符之处逐条列出；有不符时退出状态为 1。"""
    with _database.public() as session:
        found = ledger.verify_ledger(session)
    document = {
        "ok": not found.broken,
        "transfers": found.transfers,
        "blocks": found.blocks,
        "broken": found.broken,
    }
    text = f"流水 {found.transfers} 笔、编号段 {found.blocks} 个，"
    if not found.broken:
        _out.give(document, f"{text}全部相符 ✓", as_json=as_json)
        return
    message = f"{text}有 {len(found.broken)} 处不符：" + "；".join(found.broken)
    raise _out.fail(_out.refused("ledger_broken", message, document), message, as_json=as_json)

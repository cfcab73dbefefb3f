"""`sinks audit`: the hash chain of the log."""

import typer

from sinks.cli import _database, _out
from sinks.cli._out import Json
from sinks.core import audit
from sinks.core.actor import Role
from sinks.core.audit import ChainState

app = typer.Typer()


@app.command()
def verify(as_json: Json = False) -> None:
    """重算每条日志和整条链；断开时退出状态为 1。无需登录。"""
    with _database.public() as session:
        state = audit.verify(session)
    document = shown(state)
    if state.broken is None:
        _out.give(document, sentence(state), as_json=as_json)
        return
    message = sentence(state)
    raise _out.fail(_out.refused("audit_broken", message, document), message, as_json=as_json)


def shown(state: ChainState) -> dict[str, object]:
    """The state of the chain as JSON."""
    return {
        "ok": state.broken is None,
        "sealed": state.sealed,
        "unsealed": state.unsealed,
        "broken": state.broken,
        "head": state.head,
        "checked_at": state.checked_at,
    }


def sentence(state: ChainState) -> str:
    """The state of the chain in words."""
    waiting = f"，另有 {state.unsealed} 条待封存" if state.unsealed else ""
    if state.broken is not None:
        return f"审计链在第 {state.broken} 条断开（共封存 {state.sealed} 条{waiting}）。请立即告知登记机构。"
    return f"审计链完整 ✓ 已封存 {state.sealed} 条{waiting}，链头 {(state.head or '无')[:16]}"


@app.command()
def seal(as_json: Json = False) -> None:
    """把已结束的日志封进链里（登记机构、管理员、审计）。"""
    with _database.acting() as (session, actor):
        actor.require(Role.REGISTRAR, Role.ADMIN, Role.AUDITOR)
        count = audit.seal(session)
    _out.give({"sealed": count}, f"已封存 {count} 条。", as_json=as_json)

"""Signing in: `sinks login PERSON`, `sinks logout`, `sinks whoami`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from sinks.cli import _database, _input, _out, _token
from sinks.cli._out import Json
from sinks.core import people
from sinks.core.actor import ROLE_ZH, Actor, Role
from sinks.core.errors import NotPermitted

app = typer.Typer()


@app.command()
def login(
    person: Annotated[str, typer.Argument(help="登录名", metavar="PERSON")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="从标准输入读一行作为密码，不提示")
    ] = False,
    as_json: Json = False,
) -> None:
    """登录：此后的命令都以此人的名义办理，12 小时内有效。"""
    typed = _input.secret_line(f"{person} 的密码：", from_stdin=password_stdin)
    with _failures_noted(person), _database.public() as session:
        found = people.check_password(session, person, typed)
        token = people.open_session(session, found, "cli")
        actor = people.actor_of(session, found.id)
    _token.write(token)
    _out.give(_shown(actor), f"已登录：{_sentence(actor)}。", as_json=as_json)


@app.command()
def password(
    person: Annotated[str, typer.Argument(help="登录名", metavar="PERSON")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="从标准输入读两行：原密码、新密码，不提示")
    ] = False,
    as_json: Json = False,
) -> None:
    """换成自己的密码（一次性密码须先换）：此人的所有登录一并结束。"""
    old = _input.secret_line(f"{person} 的原密码：", from_stdin=password_stdin)
    new = _input.secret_line("新密码：", from_stdin=password_stdin)
    with _failures_noted(person), _database.public() as session:
        people.change_password(session, person, old, new)
    _out.give({"login": person}, "密码已修改，请用新密码登录。", as_json=as_json)


@contextmanager
def _failures_noted(login: str) -> Iterator[None]:
    try:
        yield
    except NotPermitted as refusal:
        if refusal.code == "login":
            # A transaction of its own: the failure is remembered although the rest is undone.
            with _database.public() as session:
                people.note_failure(session, login)
        raise


@app.command()
def logout(as_json: Json = False) -> None:
    """退出：此人在所有浏览器和命令行中的登录一并结束。"""
    token = _token.read()
    if token is not None:
        with _database.public() as session:
            people.close_session(session, token)
        _token.forget(token)
    _out.give({"signed_in": False}, "已退出。", as_json=as_json)


@app.command()
def whoami(as_json: Json = False) -> None:
    """现在以谁的名义办理，此人有哪些角色。"""
    actor = _database.actor_of_token()
    _out.give(_shown(actor), _sentence(actor), as_json=as_json)


def _shown(actor: Actor) -> dict[str, object]:
    return {
        "person_id": actor.person_id,
        "name": actor.name,
        "party_id": actor.party_id,
        "party": actor.party_name,
        "roles": sorted(actor.roles),
    }


def _sentence(actor: Actor) -> str:
    roles = "、".join(ROLE_ZH[Role(role)] for role in sorted(actor.roles)) or "尚无角色"
    return f"{actor.name}（{actor.party_name} · {roles}）"

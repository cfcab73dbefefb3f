"""`sinks people`: accounts, roles and parties."""

from typing import Annotated, Any

import typer

from sinks.cli import _database, _input, _names, _out
from sinks.cli._out import Json
from sinks.core import people
from sinks.core.actor import ROLE_ZH, Role
from sinks.core.people import PartyKind

app = typer.Typer()


@app.command("list")
def list_people(as_json: Json = False) -> None:
    """列出账号和角色（管理员、登记机构、审计）。"""
    with _database.acting() as (session, actor):
        actor.require(Role.ADMIN, Role.REGISTRAR, Role.AUDITOR)
        rows = [
            {
                "id": person.id,
                "login": person.login,
                "name": person.name,
                "party_id": party.id,
                "party": party.name,
                "active": person.active,
                "grants": [
                    {"id": row.id, "role": row.role, "in_force": row.in_force} for row in grants
                ],
            }
            for person, party, grants in people.people(session)
        ]
    text = _out.table(
        ("编号", "登录名", "姓名", "主体", "角色"),
        [
            (row["id"], row["login"], row["name"], row["party"], _roles(row["grants"]))
            for row in rows
        ],
        empty="没有账号。",
    )
    _out.give({"people": rows}, text, as_json=as_json)


def _roles(grants: Any) -> str:
    return "、".join(
        ROLE_ZH[Role(row["role"])] + ("" if row["in_force"] else f"（授权 {row['id']} 待批准）")
        for row in grants
    )


@app.command()
def add(
    login: Annotated[str, typer.Argument(help="登录名")],
    name: Annotated[str, typer.Option(help="姓名")],
    party: Annotated[str, typer.Option(metavar="ID", help="所属主体的编号或全名")],
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="密码在标准输入第一行；不给则生成一个，只显示一次"),
    ] = False,
    identity_stdin: Annotated[
        bool,
        typer.Option("--identity-stdin", help="身份证件号在标准输入（密码之后）一行；只存其散列"),
    ] = False,
    as_json: Json = False,
) -> None:
    """添加账号。一位自然人只能有一个账号。"""
    # Neither is ever an argument: other users of the machine can read arguments.
    password = _input.secret_line("", from_stdin=True) if password_stdin else None
    identity = _input.secret_line("", from_stdin=True) if identity_stdin else None
    given = password if password is not None else people.generated_password()
    with _database.acting() as (session, actor):
        row = people.add_person(
            session, actor, login=login, name=name, party_id=_names.party_id(session, party),
            password=given, identity_number=identity,
        )  # fmt: skip
        document: dict[str, Any] = {"id": row.id, "login": row.login}
    text = f"已添加账号 {login}。"
    if password is None:
        document["password"] = given
        text += f"密码（只显示这一次）：{given}"
    _out.give(document, text, as_json=as_json)


@app.command("reset-password")
def reset_password(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="登录名或 id")],
    as_json: Json = False,
) -> None:
    """给忘记密码的人一个一次性密码；决定性的角色须第二位管理员重新批准。"""
    given = people.generated_password()
    with _database.acting() as (session, actor):
        row = people.reset_password(session, actor, _names.person_id(session, person), given)
        document = {"id": row.id, "login": row.login, "password": given}
    _out.give(
        document, f"{document['login']} 的一次性密码（只显示这一次）：{given}", as_json=as_json
    )


@app.command()
def grant(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="登录名或 id")],
    role: Annotated[Role, typer.Argument(help="角色")],
    as_json: Json = False,
) -> None:
    """授予角色；核证、备案、签发的角色须第二位管理员批准。"""
    with _database.acting() as (session, actor):
        row = people.grant(session, actor, _names.person_id(session, person), role)
        document = {"grant": row.id, "role": row.role, "in_force": row.in_force}
    said = "已生效" if document["in_force"] else "待另一位管理员批准"
    _out.give(document, f"授权 {document['grant']}（{ROLE_ZH[role]}）{said}。", as_json=as_json)


@app.command()
def approve(
    grant_id: Annotated[int, typer.Argument(metavar="GRANT", help="授权编号，见 people list")],
    as_json: Json = False,
) -> None:
    """第二位管理员批准一项授权。"""
    with _database.acting() as (session, actor):
        people.approve_grant(session, actor, grant_id)
    _out.give({"grant": grant_id, "in_force": True}, f"授权 {grant_id} 已生效。", as_json=as_json)


@app.command()
def revoke(
    grant_id: Annotated[int, typer.Argument(metavar="GRANT", help="授权编号，见 people list")],
    as_json: Json = False,
) -> None:
    """收回一项授权，立即生效。"""
    with _database.acting() as (session, actor):
        people.revoke(session, actor, grant_id)
    _out.give({"grant": grant_id, "in_force": False}, f"授权 {grant_id} 已收回。", as_json=as_json)


@app.command("parties")
def list_parties(
    kind: Annotated[PartyKind | None, typer.Option(help="种类")] = None, as_json: Json = False
) -> None:
    """列出主体（合作社、村、农户、机构……）。"""
    with _database.acting() as (session, _):
        rows = [
            {"id": row.id, "kind": row.kind, "name": row.name, "district_code": row.district_code}
            for row in people.parties(session, *([kind] if kind else []))
        ]
    text = _out.table(
        ("编号", "种类", "名称", "区县"), [tuple(row.values()) for row in rows], empty="没有主体。"
    )
    _out.give({"parties": rows}, text, as_json=as_json)


@app.command("add-party")
def add_party(
    name: Annotated[str, typer.Argument(help="名称")],
    kind: Annotated[PartyKind, typer.Option(help="种类")],
    district: Annotated[str | None, typer.Option(help="区县代码，如 330523")] = None,
    as_json: Json = False,
) -> None:
    """添加主体。"""
    with _database.acting() as (session, actor):
        row = people.add_party(session, actor, kind=kind, name=name, district_code=district)
        document = {"id": row.id, "kind": row.kind, "name": row.name}
    _out.give(document, f"已添加主体 {document['id']}：{document['name']}。", as_json=as_json)

"""`sinks up`: start everything."""

import sys
from typing import Annotated

import typer

from sinks.cli import _out
from sinks.cli import up as starting
from sinks.cli._out import Json

app = typer.Typer()


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="空的登记簿先装入演示数据")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="端口")] = None,
    as_json: Json = False,
) -> None:
    """启动登记簿：数据库、迁移、后台任务和网页；打印地址，Ctrl-C 停止。"""

    def say(text: str) -> None:
        print(text, file=sys.stderr if as_json else sys.stdout, flush=True)

    status = starting.up(demo=demo, port=port, say=say)
    if as_json:
        _out.give({"exit_status": status}, "", as_json=True)
    raise typer.Exit(status)

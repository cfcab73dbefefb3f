"""`sinks`: which words lead to which module, and how every answer becomes an exit status.

0 done, 1 refused (nothing was changed), 2 wrong usage. Only the module of the command that was
called is imported, so that `methods`, `zonal` and the like start fast and need no database.
"""

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NoReturn

import typer

from gis_data.refusals import FileRefused
from methodologies.base import MethodError
from sinks.cli import _out, _usage
from sinks.core import settings
from sinks.core.errors import SinksError

DONE, REFUSED, WRONG_USAGE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Words:
    """A first word of the command line: its help, and the module that holds it.

    light : second words that are in another module, which needs no database
    """

    help: str
    module: str
    light: dict[str, str] = field(default_factory=dict)


COMMANDS = {
    "up": Words("启动登记簿：数据库、迁移、后台任务和网页", "sinks.cli.start"),
    "login": Words("登录；此后的命令都以此人的名义办理", "sinks.cli.session"),
    "password": Words("换成自己的密码", "sinks.cli.session"),
    "logout": Words("退出", "sinks.cli.session"),
    "whoami": Words("现在以谁的名义办理", "sinks.cli.session"),
    "zonal": Words("地块下的像元统计，写成 CSV（不用数据库）", "sinks.cli.zonal"),
}
GROUPS = {
    "db": Words("数据库：状态、迁移、备份、恢复、核验", "sinks.cli.db"),
    "land": Words(
        "地块：检查、导入、报送、审查、入库、退出；权属、管控图层、地块图",
        "sinks.cli.land",
        {"check": "sinks.cli.land_check", "template": "sinks.cli.land_check"},
    ),
    "jobs": Words("后台任务：列出、查看、取消、办理", "sinks.cli.jobs"),
    "layers": Words("栅格图层：登记、列出", "sinks.cli.layers"),
    "records": Words("活动记录：登记、导入、补依据、撤销、列出", "sinks.cli.records"),
    "methods": Words("方法学：列出、输入结构、示例、计算（不用数据库）", "sinks.cli.methods"),
    "project": Words("项目：建立、公示、审定、备案", "sinks.cli.projects"),
    "round": Words("监测期：从开启、核算、公示、核证、备案到签发", "sinks.cli.rounds"),
    "plots": Words(
        "样地：抽样设计、GPX、自动发现、盲测复测、照片（逐株数据见 sinks round plots）",
        "sinks.cli.plot_designs",
    ),
    "objection": Words("公示期内的异议：列出、答复", "sinks.cli.objections"),
    "contract": Words("碳汇收储合同", "sinks.cli.contracts"),
    "policy": Words("登记机构的政策：提出、批准", "sinks.cli.policies"),
    "people": Words("人员、角色和主体", "sinks.cli.people"),
    "ledger": Words("碳汇量台账：余额、明细、核验", "sinks.cli.ledger"),
    "certificate": Words("证书：查验、出具", "sinks.cli.certificates"),
    "restoration": Words(
        "司法修复：损失计算、湿地恢复费、案件各步",
        "sinks.cli.restoration",
        {"loss": "sinks.cli.loss", "wetland-fee": "sinks.cli.loss"},
    ),
    "audit": Words("审计日志：核验、封存", "sinks.cli.audit"),
    "calendar": Words("工作日历", "sinks.cli.calendar"),
}
# Refusals of rooms that are slow to load; one that is not loaded cannot have refused.
LATER_REFUSALS = {
    "gis_data.rasters": ("RasterRefused",),
    "gis_data.zonal": ("CoverageDiffers", "ParcelRefused", "StderrMissing", "TooManyCells"),
    "gis_data.zonal_dask": ("ClusterRefused",),
}


def main() -> NoReturn:
    """The program `sinks`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name that is no text must not stop an answer half-way.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    settings.keep_compiled_code(settings.data_dir())
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Carry out one command and give its exit status. Every refusal is turned into words here."""
    as_json = "--json" in argv
    command = typer.main.get_command(command_line(argv))
    try:
        status = command.main(args=list(argv), prog_name="sinks", standalone_mode=False)
    except typer.TyperException as misuse:
        message = _usage.in_chinese(misuse.format_message())
        if as_json:
            _out.give(_out.refused("usage", message), "", as_json=True)
        shows_help = message.startswith("Usage:")  # A group without a command.
        sys.stderr.write(
            f"{message}\n" if shows_help else f"用法不对：{message}\n用 --help 查看用法。\n"
        )
        return WRONG_USAGE
    except typer.Abort:
        sys.stderr.write("已取消，没有任何改动。\n")
        return REFUSED
    except _refusals() as refusal:
        code, message = _words(refusal)
        if as_json:
            _out.give(_out.refused(code, message), "", as_json=True)
        else:
            sys.stderr.write(f"未办理（{code}）：{message}\n")
        return REFUSED
    return status if isinstance(status, int) else DONE


def _refusals() -> tuple[type[Exception], ...]:
    """The errors that are refusals in words; everything else is a fault and crashes loudly."""
    found: list[type[Exception]] = [SinksError, FileRefused, MethodError]
    for module, names in LATER_REFUSALS.items():
        if loaded := sys.modules.get(module):
            found += [getattr(loaded, name) for name in names]
    return tuple(found)


def _words(refusal: Any) -> tuple[str, str]:
    """The code and the sentence; the methods' errors are their own sentence."""
    return refusal.code, getattr(refusal, "message", str(refusal))


def command_line(argv: Sequence[str] | None = None) -> typer.Typer:
    """The commands: real those of the module that was called, the others by name and help alone.

    argv : the words of the call; without them (tests, documentation) every command is real
    """
    first, second, *_ = [*(word for word in argv or () if not word.startswith("-")), "", ""]
    root = _group("湖州市碳汇登记簿的命令行。每个命令都可加 --json。")
    called = COMMANDS[first].module if first in COMMANDS else None
    wanted = [words.module for words in COMMANDS.values() if argv is None or words.module == called]
    for module in dict.fromkeys(wanted):
        root.add_typer(import_module(module).app)
    for name, words in COMMANDS.items():
        if words.module not in wanted:
            root.command(name, help=words.help)(_elsewhere)
    for name, words in GROUPS.items():
        group = _group(words.help)
        if argv is None or first == name:
            for module in _modules(words, second):
                group.add_typer(import_module(module).app)
        else:
            group.callback()(_elsewhere)
        root.add_typer(group, name=name)
    return root


def _modules(words: Words, second: str) -> list[str]:
    if second in words.light:
        return [words.light[second]]
    return [words.module, *sorted(set(words.light.values()))]


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def _elsewhere() -> None:
    """Stands for the commands of a module that this call does not need."""
    raise AssertionError("the words of this command were not loaded")


if __name__ == "__main__":
    main()

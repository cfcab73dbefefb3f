"""`sinks calendar`: the published working-day calendar of a year."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from sinks.cli import _database, _input, _out
from sinks.cli._out import Json
from sinks.core import workdays
from sinks.core.errors import Invalid
from sinks.core.workdays import DayKind

app = typer.Typer()


@app.command()
def load(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="两列 day,kind；kind 为 rest 或 work")
    ],
    note: Annotated[str, typer.Option(help="依据的通知（文号）")],
    as_json: Json = False,
) -> None:
    """导入国务院办公厅公布的节假日安排：休息的工作日 rest，上班的周末 work。"""
    days = _days(_input.file_bytes(file))
    with _database.acting() as (session, actor):
        workdays.load(session, actor, days, note)
    years = sorted({day.year for day in days})
    document = {"days": len(days), "years": years}
    named = "、".join(map(str, years))
    _out.give(document, f"已导入 {named} 年的 {len(days)} 天。", as_json=as_json)


def _days(content: bytes) -> dict[date, DayKind]:
    """The days of a CSV with the columns day and kind.

    Raises
    ------
    Invalid
        ``bad_csv``, naming the line: a calendar read wrong would end notices on wrong days.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("日历文件应为 UTF-8。", code="bad_csv") from error
    days: dict[date, DayKind] = {}
    reader = csv.DictReader(io.StringIO(text))
    if not {"day", "kind"} <= set(reader.fieldnames or ()):
        raise Invalid("日历文件的第一行应为 day,kind。", code="bad_csv")
    for row in reader:
        try:
            day, kind = date.fromisoformat(row["day"]), DayKind(row["kind"])
        except (TypeError, ValueError) as error:
            raise Invalid(
                f"日历第 {reader.line_num} 行读不成：{row}。形如 2026-10-01,rest。", code="bad_csv"
            ) from error
        if day in days:
            raise Invalid(f"日历第 {reader.line_num} 行重复：{day}。", code="bad_csv")
        days[day] = kind
    return days

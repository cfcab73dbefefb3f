"""`sinks round plots`: the sample of a round's project, from a table or as it stands."""

import itertools
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from sinks.cli import _database, _input, _out
from sinks.cli._out import Json
from sinks.crediting import plot_intake, rounds, second_measurements
from sinks.measurement import plot_kinds, plot_table
from sinks.measurement.plot_kinds import CULMS, Amount

app = typer.Typer(help="样地：从表格导入、列出", no_args_is_help=True)

ProjectOption = Annotated[
    bool, typer.Option("--project", help="N 是项目的 id，不是监测期的编号（尚未开启监测期时）")
]
NumberArgument = Annotated[int, typer.Argument(metavar="N", help="监测期编号")]


@app.command("import")
def import_plots(
    number: NumberArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV 或 XLSX，表头说明测的是竹株、树、蓄积还是茶")
    ],
    project: ProjectOption = False,
    correcting: Annotated[
        bool, typer.Option("--correcting", help="同一天已有调查时，以本表为准")
    ] = False,
    as_json: Json = False,
) -> None:
    """把样地表登记到监测期的项目；有一行不对就全都不存。已开启的监测期样本不变。

    一行写样地号、层、经度、纬度、面积、坡度、日期，再写一组竹株（大小年、胸径、竹龄、株数）、一组树
    （树种、胸径、基本密度、株数），或一次调查的蓄积（m³/ha），或茶的地上生物量（t/ha）和修剪面以上比例。
    """
    table = plot_table.parse(file.name, _input.file_bytes(file))
    if table.errors:
        document = {"errors": [{"row": one.number, "message": one.message} for one in table.errors]}
        said = "\n".join(f"第 {one.number} 行：{one.message}" for one in table.errors[:20])
        message = f"{len(table.errors)} 行需修正，没有登记任何样地。"
        raise _out.fail(
            _out.refused("plot_table_errors", message, document), f"{message}\n{said}",
            as_json=as_json,
        )  # fmt: skip
    with _database.acting() as (session, actor):
        project_id = number if project else rounds.get(session, number).project_id
        stored = plot_intake.store(session, actor, project_id, table, correcting=correcting)
    _out.give(
        {
            "project_id": project_id, "plots": stored.plots, "visits": stored.visits,
            "kind": stored.kind, "culms" if stored.kind == CULMS else "rows": stored.count,
        },
        f"已登记 {stored.plots} 个新样地、{stored.visits} 次调查、"
        f"{plot_kinds.counted(stored.kind, stored.count)[0]}。",
        as_json=as_json,
    )  # fmt: skip


@app.command("list")
def list_plots(
    number: NumberArgument, project: ProjectOption = False, as_json: Json = False
) -> None:
    """列出样地和每次调查的结果；盲测复测未完成的核证员看不到结果。"""
    with _database.acting() as (session, actor):
        project_id = number if project else rounds.get(session, number).project_id
        blind = second_measurements.blind(session, actor, project_id)
        rows: list[dict[str, Any]] = [
            {
                "id": row.id, "code": row.code, "stratum": row.stratum,
                "longitude": row.longitude, "latitude": row.latitude, "area_m2": row.area_m2,
                "slope_deg": row.slope_deg,
                "visits": [
                    _visit(day, found)
                    for day, found in itertools.zip_longest(row.visited_on, row.found)
                ],
            }
            for row in plot_table.listing(session, project_id, blind=blind)
        ]  # fmt: skip
    text = _out.table(
        ("样地", "层", "经度", "纬度", "调查"),
        [
            (
                row["code"], row["stratum"], f"{row['longitude']:.6f}", f"{row['latitude']:.6f}",
                "；".join(
                    str(one["date"]) if one["found"] is None else f"{one['date']}（{one['found']}）"
                    for one in row["visits"]
                ),
            )
            for row in rows
        ],
        empty="没有样地。",
    )  # fmt: skip
    _out.give({"project_id": project_id, "plots": rows}, text, as_json=as_json)


def _visit(day: date, found: Amount | None) -> dict[str, Any]:
    """A visit with what it found; nothing of it for the blind."""
    return {
        "date": day,
        "kind": None if found is None else found.kind,
        "amount": None if found is None else found.value,
        "unit": None if found is None else found.unit,
        "found": None if found is None else found.zh,
        "culms": found.value if found is not None and found.kind == CULMS else None,
    }

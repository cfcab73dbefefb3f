"""`sinks layers`: raster layers of one variable at one date."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sinks.cli import _database, _input, _out
from sinks.cli._out import Json
from sinks.measurement import layers

app = typer.Typer()

UNSTATED = "未注明"


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="GeoTIFF")],
    variable: Annotated[str, typer.Option(help="变量，如 agb")],
    unit: Annotated[str, typer.Option(help="单位，如 Mg/ha")],
    epoch: Annotated[
        Any, typer.Option("--date", parser=_input.day, metavar="YYYY-MM-DD", help="图层代表的日期")
    ],
    stderr: Annotated[Path | None, typer.Option(help="标准误图层")] = None,
    name: Annotated[str | None, typer.Option(help="名称；不给则用文件名")] = None,
    phase: Annotated[
        Literal["on", "off", "mixed", "unknown"], typer.Option(help="大年、小年、花年、未知")
    ] = "unknown",
    licence: Annotated[str, typer.Option(help="使用许可")] = UNSTATED,
    source: Annotated[str, typer.Option(help="来源")] = UNSTATED,
    crs: Annotated[
        str | None, typer.Option(metavar="EPSG:n", help="文件没有写明时的坐标系")
    ] = None,
    as_json: Json = False,
) -> None:
    """登记一个图层，连同它的标准误图层。"""
    with _database.acting() as (session, actor):
        row = layers.add(
            session, actor, file, name=name or file.stem, variable=variable, unit=unit,
            epoch=epoch, phase=phase, licence=licence, source=source, crs=crs, stderr_path=stderr,
        )  # fmt: skip
        document = _shown(row)
    _out.give(document, f"已登记图层 {document['id']}：{document['name']}。", as_json=as_json)


@app.command("list")
def list_layers(
    variable: Annotated[str | None, typer.Option(help="变量")] = None, as_json: Json = False
) -> None:
    """列出图层，日期新的在前。"""
    with _database.reading() as (session, _):
        rows = [_shown(row) for row in layers.listing(session, variable=variable)]
    text = _out.table(
        ("编号", "名称", "变量", "单位", "日期", "坐标系", "分辨率", "误差图层"),
        [
            (
                row["id"], row["name"], row["variable"], row["unit"], row["date"], row["crs"],
                row["resolution"], row["stderr_layer_id"],
            )
            for row in rows
        ],
        empty="没有图层。",
    )  # fmt: skip
    _out.give({"layers": rows}, text, as_json=as_json)


def _shown(row: layers.Layer) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "variable": row.variable,
        "unit": row.unit,
        "date": row.epoch,
        "phase": row.phase,
        "crs": row.crs,
        "resolution": row.resolution,
        "sha256": row.sha256,
        "licence": row.licence,
        "source": row.source,
        "demonstration": row.demonstration,
        "stderr_layer_id": row.stderr_layer_id,
    }

"""`sinks layers`: raster layers of one variable at one date."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from sqlalchemy.orm import Session

from sinks.cli import _database, _input, _names, _out
from sinks.cli._out import Json
from sinks.core import people
from sinks.land import parcels
from sinks.measurement import layers, variables, variograms

app = typer.Typer()

# The command works without them, as other programs call it; the card then says so.
NOT_SAID = "未注明"
LayerArgument = Annotated[int, typer.Argument(metavar="LAYER", help="图层编号")]
Variogram = Annotated[
    str | None,
    typer.Option(metavar="RANGE_M,NUGGET_SHARE", help="误差的变差函数：变程（米）,块金比例"),
]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="GeoTIFF")],
    variable: Annotated[str, typer.Option(help="变量，如 agb、soc、land_cover")],
    epoch: Annotated[
        Any, typer.Option("--date", parser=_input.day, metavar="YYYY-MM-DD", help="图层代表的日期")
    ],
    unit: Annotated[str | None, typer.Option(help="单位，如 Mg/ha；类别图层没有单位")] = None,
    stderr: Annotated[Path | None, typer.Option(help="标准误图层")] = None,
    variogram: Variogram = None,
    variogram_source: Annotated[str, typer.Option(help="变差函数的来源")] = "",
    legend: Annotated[
        Path | None, typer.Option(help="类别图层的图例：每行 代码,中文名,英文名")
    ] = None,
    name: Annotated[str | None, typer.Option(help="名称；不给则用文件名")] = None,
    phase: Annotated[
        Literal["on", "off", "mixed", "unknown"], typer.Option(help="大年、小年、花年、未知")
    ] = "unknown",
    licence: Annotated[str, typer.Option(help="使用许可")] = NOT_SAID,
    source: Annotated[str, typer.Option(help="来源：谁、用什么做的")] = NOT_SAID,
    crs: Annotated[
        str | None, typer.Option(metavar="EPSG:n", help="文件没有写明时的坐标系")
    ] = None,
    as_json: Json = False,
) -> None:
    """登记一个图层，连同它的标准误图层；登记前逐像元检查，存成分块影像。"""
    with _database.acting() as (session, actor):
        row = layers.add(
            session, actor, file, name=name or file.stem, variable=variable, unit=unit,
            epoch=epoch, phase=phase, licence=licence, source=source, crs=crs, stderr_path=stderr,
            legend=None if legend is None else variables.legend_of(_input.text_file(legend)),
            variogram=None
            if variogram is None
            else variograms.parsed(variogram, variogram_source),
        )  # fmt: skip
        document = _shown(session, row)
    _out.give(document, f"已登记图层 {document['id']}：{document['name']}。", as_json=as_json)


@app.command("list")
def list_layers(
    variable: Annotated[str | None, typer.Option(help="变量")] = None, as_json: Json = False
) -> None:
    """列出图层，日期新的在前。"""
    with _database.reading() as (session, _):
        rows = [_shown(session, row) for row in layers.listing(session, variable=variable)]
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


@app.command()
def show(layer_id: LayerArgument, as_json: Json = False) -> None:
    """一个图层的全部登记内容。"""
    with _database.reading() as (session, _):
        document = _shown(session, layers.get(session, layer_id))
    _out.give(document, _out.indented(document), as_json=as_json)


@app.command("variogram")
def give_variogram(
    layer_id: LayerArgument,
    value: Annotated[
        str, typer.Argument(metavar="RANGE_M,NUGGET_SHARE", help="变程（米）,块金比例")
    ],
    source: Annotated[str, typer.Option(help="来源：由哪些样地残差、何时拟合")],
    as_json: Json = False,
) -> None:
    """登记误差图层的变差函数；新的核算用它，已存的核算不变。"""
    with _database.acting() as (session, actor):
        layers.give_variogram(session, actor, layer_id, variograms.parsed(value, source))
        document = _shown(session, layers.get(session, layer_id))
    _out.give(document, f"已登记图层 {layer_id} 误差的变差函数。", as_json=as_json)


@app.command("series")
def show_series(
    parcel: Annotated[str, typer.Option(help="地块编号")],
    variable: Annotated[str, typer.Option(help="变量")] = "agb",
    as_json: Json = False,
) -> None:
    """一块地下某个变量的各期图层，日期早的在前。"""
    # Dask and xarray behind it take a second to load; no other command waits for them.
    from sinks.measurement import series

    with _database.reading() as (session, _):
        version = parcels.present_version(session, _names.parcel_id(session, parcel))
        rows = [
            _moment(one) for one in series.under(session, parcels.boundary_of(version), variable)
        ]
    text = _out.table(
        ("图层", "日期", "名称", "平均", "单位", "有值面积", "类别"),
        [
            (
                row["layer"], row["date"], row["name"],
                None if row["mean"] is None else f"{row['mean']:,.2f}", row["unit"],
                f"{row['valid_share']:.1%}",
                "、".join(f"{one['zh']} {one['share']:.0%}" for one in row["classes"]) or None,
            )
            for row in rows
        ],
        empty="没有图层。",
    )  # fmt: skip
    _out.give({"parcel": parcel, "variable": variable, "layers": rows}, text, as_json=as_json)


def _moment(one: Any) -> dict[str, Any]:
    return {
        "layer": one.layer_id,
        "name": one.name,
        "date": one.epoch,
        "phase": one.phase,
        "unit": one.unit,
        "area_ha": one.area_ha,
        "valid_share": one.valid_share,
        "mean": one.mean,
        "classes": [
            {"code": c.code, "zh": c.zh, "en": c.en, "area_ha": c.area_ha, "share": c.share}
            for c in one.classes
        ],
    }


def _shown(session: Session, row: layers.Layer) -> dict[str, Any]:
    error_layer_id = row.id if row.kind == "stderr" else row.stderr_layer_id
    variogram = variograms.given_of(variograms.newest(session, error_layer_id))
    return {
        "id": row.id,
        "name": row.name,
        "variable": row.variable,
        "kind": row.kind,
        "unit": row.unit,
        "date": row.epoch,
        "phase": row.phase,
        "crs": row.crs,
        "crs_given": row.crs_given,
        "resolution": row.resolution,
        "nodata": row.nodata,
        "scale": row.scale,
        "offset": row.scale_offset,
        "minimum": row.minimum,
        "maximum": row.maximum,
        "valid_share": row.valid_share,
        "legend": row.legend,
        "sha256": row.sha256,
        "cog_sha256": row.cog_sha256,
        "licence": row.licence,
        "source": row.source,
        "demonstration": row.demonstration,
        "stderr_layer_id": row.stderr_layer_id,
        "variogram": None if variogram is None else variogram.as_dict(),
        "recorded_by": people.name_of(session, row.person_id),
        "recorded_at": row.recorded_at,
    }

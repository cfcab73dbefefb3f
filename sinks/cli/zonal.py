"""`sinks zonal`: the sums of a raster layer under each parcel of a file, as CSV; no database."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from gis_data import zonal
from sinks.cli import _out
from sinks.cli._out import Json

app = typer.Typer()


@app.command("zonal")
def write_sums(
    layer: Annotated[Path, typer.Option(help="栅格图层（GeoTIFF）")],
    parcels: Annotated[Path, typer.Option(help="地块文件")],
    out: Annotated[Path, typer.Option(help="写到这个 CSV")],
    id_column: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="地块编号的字段；不给则用行号，从 0 起"),
    ] = None,
    crs: Annotated[
        str | None, typer.Option(metavar="EPSG:n", help="文件没有写明时的坐标系")
    ] = None,
    band: Annotated[int, typer.Option(min=1, help="波段")] = 1,
    stderr: Annotated[str | None, typer.Option(metavar="FILE[:band]", help="标准误图层")] = None,
    engine: Annotated[Literal["own", "exactextract"], typer.Option(help="计算引擎")] = "own",
    as_json: Json = False,
) -> None:
    """统计每个地块下的像元，写成 CSV：id,area_ha,valid_share,mean,total,stderr。

    total 为有效像元的 值×公顷 之和。
    """
    count = zonal.zonal_csv(
        layer, parcels, out, id_column=id_column, crs=crs, band=band, stderr=stderr, engine=engine
    )
    _out.give({"rows": count, "out": out}, f"已写 {count} 行到 {out}。", as_json=as_json)

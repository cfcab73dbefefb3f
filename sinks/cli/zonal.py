"""`sinks zonal`: the sums of a raster layer under each parcel of a file, as CSV; no database."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from gis_data import zonal_csv
from gis_data.zonal import ZonalCells
from methodologies import map_error
from methodologies.map_error import CellErrors, Variogram
from sinks.cli import _out
from sinks.cli._out import Json
from sinks.core import settings

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
    variogram: Annotated[
        str | None,
        typer.Option(
            metavar="RANGE_M,NUGGET_SHARE",
            help="误差的变差函数：变程（米）,块金比例；不给则 stderr 按误差完全相关合计",
        ),
    ] = None,
    stats: Annotated[
        str, typer.Option(metavar="min,max,q10,...", help="再加这些列；q10 为按面积的第 10 百分位")
    ] = "",
    class_layer: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[:band]", help="分类图层，可重复：再加各类（或各组合）的公顷数"),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="DIR", help="像元权重存在这里，同一格网的下一图层直接用")
    ] = None,
    engine: Annotated[Literal["own", "exactextract"], typer.Option(help="计算引擎")] = "own",
    as_json: Json = False,
) -> None:
    """统计每个地块下的像元，写成 CSV：id,area_ha,valid_share,mean,total,stderr。

    total 为有效像元的 值×公顷 之和。设了 SINKS_DASK_SCHEDULER 则在该 Dask 集群上计算。
    """
    sources = zonal_csv.Sources(
        layer, parcels, id_column=id_column, crs=crs, band=band, stderr=stderr,
        classes=class_layer or (),
    )  # fmt: skip
    model = None if variogram is None else map_error.variogram_of(variogram)
    done = zonal_csv.write(
        sources,
        out,
        stats=[name.strip() for name in stats.split(",") if name.strip()],
        engine=engine,
        weights_dir=weights,
        scheduler=settings.load().dask_scheduler,
        error_of_total=None if model is None else partial(_error_of_total, model),
    )
    document = {"rows": done.rows, "out": out, "columns": done.columns}
    _out.give(document, f"已写 {done.rows} 行到 {out}。", as_json=as_json)


def _error_of_total(model: Variogram, cells: ZonalCells, size_m: tuple[float, float]) -> float:
    assert cells.stderr is not None
    valid = cells.valid
    errors = CellErrors(
        cells.row[valid], cells.col[valid], cells.area_ha[valid] * cells.stderr[valid], *size_m
    )
    return float(map_error.total_variance(errors, model) ** 0.5)

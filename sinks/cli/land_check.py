"""`sinks land check` and `template`: which rows of a file could be taken as land, and the empty form.

Writes nothing into the registry.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gis_data import check as checks
from gis_data import repairs, vectors
from gis_data.check import CheckReport
from gis_data.refusals import FileRefused
from gis_data.vectors import VectorFile
from sinks.cli import _out
from sinks.cli._out import Json
from sinks.core import settings
from sinks.core.cluster import Cluster

app = typer.Typer()

SinkType = Literal["bamboo", "wetland", "farmland", "tea", "other"]

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="GeoJSON、GPKG、SHP、ZIP、KML、KMZ、GPX、CSV、XLSX、GeoParquet"
    ),
]
TypeOption = Annotated[SinkType, typer.Option("--type", metavar="T", help="类型")]
CrsOption = Annotated[
    str | None,
    typer.Option(
        "--crs",
        metavar="EPSG:n|GCJ-02|BD-09",
        help="文件没有写明时的坐标系；从高德、腾讯（GCJ-02）或百度地图（BD-09）描的，换算成 WGS 84",
    ),
]
EncodingOption = Annotated[str | None, typer.Option(help="SHP 的文字编码，如 GBK")]
LayerOption = Annotated[str | None, typer.Option(help="文件有几个图层时的图层名")]
AreaFieldOption = Annotated[
    str | None, typer.Option(metavar="FIELD[:mu|ha|m2]", help="申报面积的字段和单位")
]
OutlineOption = Annotated[
    str | None,
    typer.Option(
        metavar="ROLE=列名,…",
        help="表格里边界所在的列，列名认不出时给出：wkt=…，或 vertices=…，"
        "或 parcel=…,order=…,x=…,y=…（x 为东，y 为北）",
    ),
]


@app.command("check")
def check_file(
    file: FileArgument,
    sink_type: TypeOption,
    crs: CrsOption = None,
    encoding: EncodingOption = None,
    layer: LayerOption = None,
    area_field: AreaFieldOption = None,
    outline: OutlineOption = None,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="不问位置，在当地米制坐标系中量容差；不查重叠")
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option(metavar="OUT.xlsx", help="另写一份 Excel：原来的行，有问题的格标红并加批注"),
    ] = None,
    as_json: Json = False,
) -> None:
    """试读一个文件：哪些行可用、哪些存疑、哪些不可用及原因。登记簿里什么也不写。

    登记簿的数据库有应答时一并查重叠。整份文件读不了，或没有一行可用时，退出状态为 1。
    JSON 里的 repairs 是可以怎样修补不合规的图形；修补要由人决定，这里不做。
    """
    read, report = examined(
        file, sink_type, crs=crs, encoding=encoding, layer=layer, area_field=area_field,
        anywhere=anywhere, outline=outline,
    )  # fmt: skip
    document = report.to_json()
    if read is not None:
        document["repairs"] = [one.to_json() for one in repairs.offers(read, report)]
        if errors is not None:
            # Loaded only where a workbook is wanted: it takes longer than the check of a small file.
            from gis_data import workbooks

            _out.write_file(errors, workbooks.errors(read, report))
    if not anywhere and _database_seems_there():
        # Loaded only now: without a database the check does not need one.
        from sinks.cli import _overlap

        _overlap.add_questions(document, report)
    if document["file"] or not document["accepted"]:
        raise _out.fail(document, text_of(document), as_json=as_json)
    _out.give(document, text_of(document), as_json=as_json)


@app.command("template")
def template(
    out: Annotated[Path, typer.Option(metavar="FILE.xlsx", help="写到哪个文件")],
    as_json: Json = False,
) -> None:
    """写一份填报地块的 Excel 空表：下拉列表、文字格式的编号列、示例行和填写说明。"""
    from gis_data import workbooks

    _out.write_file(out, workbooks.template())
    _out.give({"file": str(out)}, f"已写出 {out}。", as_json=as_json)


def examined(
    file: Path,
    sink_type: str,
    *,
    crs: str | None,
    encoding: str | None,
    layer: str | None,
    area_field: str | None,
    anywhere: bool = False,
    outline: str | None = None,
) -> tuple[VectorFile | None, CheckReport]:
    """The file as read, None when it cannot be, and the report on its rows."""
    try:
        read = vectors.read(
            file, crs=crs, encoding=encoding, layer=layer, outline=vectors.outline_columns(outline)
        )
        report = checks.check_rows(
            read, sink_type=sink_type, anywhere=anywhere, declared_area_field=area_field
        )
    except FileRefused as error:
        return None, checks.refused_file(error)
    return read, report


def _database_seems_there() -> bool:
    """Whether it is worth asking: a database is named, or the private one has a folder to answer in."""
    office = settings.load()
    return office.database_url is not None or os.path.isdir(Cluster(office.data_dir).socket_dir)


def text_of(document: dict[str, Any]) -> str:
    """The report on a file in sentences."""
    if document["file"]:
        return f"文件不能使用（{document['file']['code']}）：{document['file']['message']}"
    area_m2 = sum(row["area_m2"] for row in document["accepted"])
    lines = [
        f"共 {document['rows']} 行：可用 {len(document['accepted'])} 行（{_out.mu(area_m2)}），"
        f"不可用 {len(document['refused'])} 行，存疑 {len(document['questioned'])} 处。"
    ]
    for word, items in (("不可用", document["refused"]), ("存疑", document["questioned"])):
        lines += [
            f"{word}  第 {item['row'] + 1} 行（{item['code']}）：{item['message']}"
            for item in items
        ]
    if not document["overlap_checked"]:
        lines.append("没有查重叠。")
    return "\n".join(lines)

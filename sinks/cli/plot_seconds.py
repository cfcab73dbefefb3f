"""`sinks plots second-…` and `photo…`: blind second measurements, and photos of visits."""

from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cli import _database, _input, _names, _out
from sinks.cli._out import Json
from sinks.core.errors import Invalid, NotFound
from sinks.crediting import second_measurements
from sinks.crediting.second_measurements import SecondLine
from sinks.measurement import plot_columns, plot_photos, plots
from sinks.measurement.plot_kinds import CULMS, KINDS, UNITS_ZH
from sinks.measurement.plot_photos import OFFICE_TIME, Taken
from sinks.measurement.plots import Plot

app = typer.Typer()

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="项目编码或 id")]
PlotArgument = Annotated[str, typer.Argument(metavar="PLOT", help="样地编号")]
DayOption = Annotated[date, typer.Option(parser=_input.day, metavar="YYYY-MM-DD")]


class Age(StrEnum):
    DU = "du"
    YEARS = "years"


@app.command("second-draw")
def second_draw(project: ProjectArgument, as_json: Json = False) -> None:
    """从调查过的样地中抽取盲测复测样地（核证员）。"""
    with _database.acting() as (session, actor):
        project_id = _names.project_id(session, project)
        row = second_measurements.draw(session, actor, project_id)
        lines = second_measurements.listing(session, project_id)
        document = {
            "project_id": project_id, "number": row.number, "draw": row.draw_json,
            "nonce": row.nonce, "seed": row.seed, "plots": [asdict(one) for one in lines],
        }  # fmt: skip
    names = "、".join(one.code for one in lines)
    _out.give(document, f"第 {document['number']} 次复测抽中：{names}。", as_json=as_json)


@app.command("second-list")
def second_list(project: ProjectArgument, as_json: Json = False) -> None:
    """列出复测样地；初测只在复测录入之后显示。"""
    with _database.acting() as (session, _):
        project_id = _names.project_id(session, project)
        lines = second_measurements.listing(session, project_id)
    text = _out.table(
        ("样地", "层", "经度", "纬度", "测什么", "复测日期", "初测", "复测", "相差"),
        [_row(one) for one in lines],
        empty="还没有抽取复测样地。",
    )
    document = {"project_id": project_id, "plots": [asdict(one) for one in lines]}
    _out.give(document, text, as_json=as_json)


@app.command("second-measure")
def second_measure(
    project: ProjectArgument,
    plot: PlotArgument,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="文本，每行“胸径 竹龄 株数”或“树种 胸径 密度 株数”；一行“蓄积”或“地上生物量 比例”",
        ),
    ],
    on: DayOption,
    age: Annotated[Age | None, typer.Option(help="竹龄单位：du 度，years 年")] = None,
    bare: Annotated[
        bool, typer.Option("--bare", help="没有胸径 2 cm 以上的竹，或没有树；此时文本须为空")
    ] = False,
    as_json: Json = False,
) -> None:
    """录入一个样地的盲测复测，与初测同样测；只能录入一次（核证员）。"""
    typed = _input.text_file(file)
    with _database.acting() as (session, actor):
        project_id = _names.project_id(session, project)
        kind = second_measurements.line_of(session, project_id, plot).kind
        lines = (
            [] if bare and not typed.strip()
            else plot_columns.typed(kind, typed, age=age and f"age_{age}")
        )  # fmt: skip
        culms, reading = plot_columns.measured(kind, lines)
        line = second_measurements.measure(
            session, actor, project_id, plot, measured_on=on, culms=culms,
            bare=bare and kind == CULMS, reading=reading,
        )  # fmt: skip
    text = (
        f"样地 {line.code} 的{KINDS[kind].compared_zh}：初测 {line.first:.2f}，复测 {line.second:.2f} "
        f"{UNITS_ZH[line.unit]}，相差 {line.difference_share:+.1%}。"
    )
    _out.give(asdict(line), text, as_json=as_json)


@app.command()
def photo(
    project: ProjectArgument,
    plot: PlotArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="照片：JPEG、PNG、TIFF、WebP")],
    on: DayOption,
    longitude: Annotated[float | None, typer.Option(help="照片里没有位置时填写")] = None,
    latitude: Annotated[float | None, typer.Option(help="照片里没有位置时填写")] = None,
    at: Annotated[
        datetime | None, typer.Option(help="照片里没有时间时填写拍摄时间（北京时间）")
    ] = None,
    as_json: Json = False,
) -> None:
    """为样地在某日的调查存一张照片；位置和时间优先取照片文件里的。"""
    name, content = _input.named_file(file)
    typed = _typed(longitude, latitude, at)
    with _database.acting() as (session, actor):
        visit_id = _visit_id(session, _names.project_id(session, project), plot, on)
        row = plot_photos.add(session, actor, visit_id, name=name, content=content, typed=typed)
        document = {
            "photo": row.id, "visit": visit_id, "document": row.document_id,
            "longitude": row.longitude, "latitude": row.latitude, "taken_at": row.taken_at,
            "read_from_file": row.read_from_file,
        }  # fmt: skip
    source = "照片文件" if document["read_from_file"] else "填写"
    _out.give(
        document, f"已存照片 {document['photo']}（位置和时间来自{source}）。", as_json=as_json
    )


@app.command()
def photos(project: ProjectArgument, as_json: Json = False) -> None:
    """列出项目样地的照片。"""
    with _database.acting() as (session, actor):
        actor.require(*plot_photos.READERS)
        project_id = _names.project_id(session, project)
        lines = plot_photos.listing(session, project_id)
    text = _out.table(
        ("样地", "调查", "拍摄", "离样地", "sha256"),
        [
            (one.plot_code, one.measured_on, one.taken.at, f"{one.distance_m:.0f} m", one.sha256)
            for one in lines
        ],
        empty="没有照片。",
    )
    document = {"project_id": project_id, "photos": [asdict(one) for one in lines]}
    _out.give(document, text, as_json=as_json)


def _row(line: SecondLine) -> tuple[Any, ...]:
    return (
        line.code, line.stratum, f"{line.longitude:.7f}", f"{line.latitude:.7f}",
        KINDS[line.kind].zh, line.measured_on,
        None if line.first is None else f"{line.first:.2f} {line.unit}",
        None if line.second is None else f"{line.second:.2f} {line.unit}",
        None if line.difference_share is None else f"{line.difference_share:+.1%}",
    )  # fmt: skip


def _typed(longitude: float | None, latitude: float | None, at: datetime | None) -> Taken | None:
    if longitude is None and latitude is None and at is None:
        return None
    if longitude is None or latitude is None or at is None:
        raise Invalid("位置和时间要一起填写：--longitude、--latitude、--at。", code="photo_place")
    return Taken(longitude, latitude, at if at.tzinfo else at.replace(tzinfo=OFFICE_TIME))


def _visit_id(session: Session, project_id: int, code: str, on: date) -> int:
    plot_id = session.scalar(
        select(Plot.id).where(Plot.project_id == project_id, Plot.code == code)
    )
    if plot_id is None:
        raise NotFound(f"本项目没有样地 {code}。", code="plot")
    return plots.visit_on(session, plot_id, on)

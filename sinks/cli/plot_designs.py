"""`sinks plots`: the sample of a project, drawn before anybody goes out, and what became of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from sinks.cli import _database, _names, _out, plot_seconds
from sinks.cli._out import Json
from sinks.core.errors import Invalid, NotFound
from sinks.crediting import plot_findings, projects, sample_designs, sample_views
from sinks.crediting.sample_designs import KIND_ZH, Kind, Numbers
from sinks.crediting.sample_views import DesignLine

app = typer.Typer()
app.add_typer(plot_seconds.app)

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="项目编码或 id")]
NumberOption = Annotated[int | None, typer.Option("--number", help="第几次抽样；不给则为最近一次")]


@app.command()
def design(
    project: ProjectArgument,
    kind: Annotated[Kind, typer.Option(help="random 随机，systematic 系统（格网）")] = Kind.RANDOM,
    plot_area_m2: Annotated[float, typer.Option(help="样地面积（平方米）")] = 400.0,
    plots: Annotated[
        list[str] | None, typer.Option(metavar="层=个数", help="各层样地数，每层一次")
    ] = None,
    mean: Annotated[
        list[str] | None, typer.Option(metavar="层=吨/公顷", help="各层生物量均值（按精度计算时）")
    ] = None,
    sd: Annotated[
        list[str] | None, typer.Option(metavar="层=吨/公顷", help="各层标准差（按精度计算时）")
    ] = None,
    precision: Annotated[float, typer.Option(help="相对精度（90% 置信）")] = 0.10,
    as_json: Json = False,
) -> None:
    """抽取样地并存档：先抽样，后外业。样地数由 --plots 给定，或由 --mean、--sd 按精度计算。"""
    with _database.acting() as (session, actor):
        project_id = _names.project_id(session, project)
        row = sample_designs.draw(
            session, actor, project_id, kind=kind, plot_area_m2=plot_area_m2,
            numbers=_numbers(
                session, project_id, plots or [], mean or [], sd or [], plot_area_m2, precision
            ),
        )  # fmt: skip
        line = _chosen(session, project_id, row.number)
        document = _shown(session, project_id, line)
    text = (
        f"第 {line.number} 次抽样：{KIND_ZH[line.kind]}，{len(line.points)} 个样地，种子 {line.seed}。"
        f"\n用 sinks plots gpx {project} --out 文件.gpx 导出位置。"
    )
    _out.give(document, text, as_json=as_json)


def _numbers(
    session: Session,
    project_id: int,
    plots: list[str],
    mean: list[str],
    sd: list[str],
    plot_area_m2: float,
    precision: float,
) -> Numbers:
    if bool(plots) == bool(mean or sd):
        raise Invalid(
            "样地数用 --plots 给定，或用 --mean 和 --sd 按精度计算，二者选一。", code="numbers"
        )
    if plots:
        given = _by_stratum(plots)
        if any(not count.is_integer() for count in given.values()):
            raise Invalid("样地数应为整数。", code="numbers")
        return sample_designs.stated({name: int(count) for name, count in given.items()})
    return sample_designs.needed(
        session, project_id, mean_t_ha=_by_stratum(mean), sd_t_ha=_by_stratum(sd),
        plot_area_m2=plot_area_m2, precision=precision,
    )  # fmt: skip


def _by_stratum(words: list[str]) -> dict[str, float]:
    """Stratum -> number, of words written 层=数."""
    found: dict[str, float] = {}
    for word in words:
        stratum, _, number = word.rpartition("=")
        try:
            value = float(number)
        except ValueError as error:
            raise Invalid(f"“{word}”应写作 层=数，例如 A=12。", code="numbers") from error
        if not stratum or stratum in found or not 0 <= value < 1e6:
            raise Invalid(f"“{word}”应写作 层=数，每层一次，例如 A=12。", code="numbers")
        found[stratum] = value
    return found


@app.command("list")
def list_designs(project: ProjectArgument, as_json: Json = False) -> None:
    """列出项目的每一次抽样、说明文字和各个位置。"""
    with _database.acting() as (session, _):
        project_id = _names.project_id(session, project)
        lines = sample_views.listing(session, project_id)
        shown = [_shown(session, project_id, line) for line in lines]
    text = "\n\n".join(
        "\n".join([*one["statement"], _points_text(line)])
        for one, line in zip(shown, lines, strict=True)
    )
    document = {"project_id": project_id, "designs": shown}
    _out.give(document, text or "还没有抽样。", as_json=as_json)


def _points_text(line: DesignLine) -> str:
    return _out.table(
        ("样地", "层", "经度", "纬度", "首次调查", "离抽取位置"),
        [
            (
                one.code, one.stratum, f"{one.longitude:.7f}", f"{one.latitude:.7f}",
                one.visited_on, None if one.distance_m is None else f"{one.distance_m:.1f} m",
            )
            for one in line.points
        ],
        empty="没有样地。",
    )  # fmt: skip


@app.command()
def gpx(
    project: ProjectArgument,
    out: Annotated[Path, typer.Option(help="GPX 写到这个文件")],
    number: NumberOption = None,
    as_json: Json = False,
) -> None:
    """把一次抽样的位置写成 GPX 航点，供手持机使用。"""
    with _database.acting() as (session, _):
        project_id = _names.project_id(session, project)
        line = _chosen(session, project_id, number)
        content = sample_views.gpx(
            line, project_code=session.get_one(projects.Project, project_id).code
        )
    _out.write_file(out, content)
    _out.give(
        {"project_id": project_id, "number": line.number, "points": len(line.points), "out": out},
        f"第 {line.number} 次抽样的 {len(line.points)} 个位置已写到 {out}。", as_json=as_json,
    )  # fmt: skip


@app.command()
def redraw(project: ProjectArgument, number: NumberOption = None, as_json: Json = False) -> None:
    """用存档的设计、随机数和轮廓重抽一遍，与存档比较；不改任何东西。不一致时退出状态为 1。"""
    with _database.acting() as (session, _):
        line = _chosen(session, _names.project_id(session, project), number)
        same = sample_designs.redrawn(session, line.id)
    document = {"number": line.number, "seed": line.seed, "same": same}
    if not same:
        message = f"第 {line.number} 次抽样重抽的结果与存档不一致，请告知登记机构。"
        raise _out.fail(_out.refused("not_reproduced", message, document), message, as_json=as_json)
    _out.give(document, f"第 {line.number} 次抽样重抽一致 ✓", as_json=as_json)


@app.command()
def findings(project: ProjectArgument, as_json: Json = False) -> None:
    """登记簿对样地的自动发现：未抽取、未调查、偏离位置、复测差异。"""
    with _database.acting() as (session, _):
        project_id = _names.project_id(session, project)
        found = plot_findings.of_project(session, project_id)
    _out.give(
        {"project_id": project_id, "findings": [asdict(one) for one in found]},
        "\n".join(f"· {one.message}" for one in found) or "没有发现。", as_json=as_json,
    )  # fmt: skip


def _chosen(session: Session, project_id: int, number: int | None) -> DesignLine:
    lines = sample_views.listing(session, project_id)
    if not lines:
        raise NotFound("本项目还没有抽样，请先用 sinks plots design 抽取。", code="design")
    if number is None:
        return lines[-1]
    if not 1 <= number <= len(lines):
        raise NotFound(f"本项目没有第 {number} 次抽样。", code="design")
    return lines[number - 1]


def _shown(session: Session, project_id: int, line: DesignLine) -> dict[str, Any]:
    code = session.get_one(projects.Project, project_id).code
    return {
        "project_id": project_id,
        "id": line.id,
        "number": line.number,
        "kind": line.kind,
        "drawn_on": line.drawn_on,
        "drawn_by": line.drawn_by,
        "plot_area_m2": line.plot_area_m2,
        "design": line.design_json,
        "nonce": line.nonce,
        "seed": line.seed,
        "superseded": line.superseded,
        "strata": [asdict(one) for one in line.strata],
        "points": [asdict(one) for one in line.points],
        "statement": sample_views.statement(line, project_code=code),
    }

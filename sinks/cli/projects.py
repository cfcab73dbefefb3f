"""`sinks project`: parcels put together under a method, published, validated, registered."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from methodologies import catalogue, statements
from sinks.cli import _database, _input, _names, _out
from sinks.cli._options import ParcelArgument
from sinks.cli._out import Json
from sinks.core.errors import Invalid
from sinks.core.people import Party
from sinks.crediting import exits, projects, stated_facts
from sinks.crediting.projects import Project, Status

app = typer.Typer()

STATUS_ZH = {
    Status.DRAFT: "草稿",
    Status.PUBLIC_NOTICE: "公示",
    Status.UNDER_VALIDATION: "审定",
    Status.REGISTERED: "项目备案",
    Status.CREDITING: "计入期",
    Status.REJECTED: "未通过",
}
ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="项目编码或 id")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="项目名称")],
    parcel: Annotated[
        list[str],
        typer.Option(
            metavar="PARCEL[=STRATUM]", help="地块编码或 id，等号后为层名（不写为 A）；可多次"
        ),
    ],
    method: Annotated[str, typer.Option(help="方法编号")] = "moso-mgmt/1",
    baseline: Annotated[
        str, typer.Option(help="基准线依据：" + "、".join(projects.BASELINE_BASES))
    ] = "steady_state",
    baseline_co2_t_ha_year: Annotated[
        float, typer.Option(help="基准线年碳汇量（吨/公顷·年）")
    ] = 0.0,
    baseline_u90: Annotated[float, typer.Option(help="其 90% 相对不确定性（份额）")] = 0.0,
    practice_from: Annotated[
        int | None, typer.Option(help="措施开始的年份（按活动记录核算的方法）")
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(help="项目事实（造林方法）：JSON 文件，- 为标准输入")
    ] = None,
    as_json: Json = False,
) -> None:
    """以本单位名义建立项目。"""
    stated = None if facts is None else _input.json_object(facts)
    with _database.acting() as (session, actor):
        row = projects.create(
            session, actor, name=name, method_id=method, strata=_strata(session, parcel),
            baseline_basis=baseline, baseline_co2_t_ha_year=baseline_co2_t_ha_year,
            baseline_u90=baseline_u90, practice_from_year=practice_from, facts=stated,
        )  # fmt: skip
        document = _shown(row)
    _give(document, as_json=as_json)


def _strata(session: Session, words: list[str]) -> dict[int, str]:
    """Parcel id -> stratum from words like ``330523-ZL-000012=A``."""
    strata: dict[int, str] = {}
    for word in words:
        parcel, _, stratum = word.partition("=")
        parcel_id = _names.parcel_id(session, parcel)
        if parcel_id in strata:
            raise Invalid(f"地块 {parcel} 写了两次。", code="parcel_twice")
        strata[parcel_id] = stratum or "A"
    return strata


@app.command()
def facts(
    project: ProjectArgument,
    restate: Annotated[
        Path | None, typer.Option(help="改填（草稿时）：JSON 文件，- 为标准输入")
    ] = None,
    as_json: Json = False,
) -> None:
    """造林项目的项目事实和依据材料；草稿时可以改填，原来的也保留。"""
    with _database.acting() as (session, actor):
        project_id = _names.project_id(session, project)
        if restate is not None:
            projects.restate(session, actor, project_id, _input.json_object(restate))
        row = stated_facts.of_project(session, project_id)
        if row is None:
            raise Invalid("这个项目的方法不填项目事实。", code="facts")
        filed = stated_facts.evidence_of(session, stated_facts.PROJECT_SUBJECT, project_id)
        evidence = [{"id": one.id, "name": one.name, "sha256": one.sha256} for one in filed]
        document = {"project": project_id, "facts": row.values, "evidence": evidence}
        titles = statements.titles(
            catalogue.STATEMENTS[session.get_one(Project, project_id).method_id]
        )
        lines = [f"{title}：{row.values[name]}" for name, title in titles.items()]
    lines += [f"依据：{one['name']}" for one in evidence]
    _out.give(document, "\n".join(lines), as_json=as_json)


@app.command()
def evidence(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="依据材料")],
    as_json: Json = False,
) -> None:
    """为造林项目的项目事实补交一份依据材料。"""
    name, content = _input.named_file(file)
    with _database.acting() as (session, actor):
        project_id = _names.project_id(session, project)
        filed = projects.add_evidence(session, actor, project_id, name=name, content=content)
        document = {"project": project_id, "document": filed.id, "sha256": filed.sha256}
    _out.give(document, f"已存档：{name}。", as_json=as_json)


@app.command()
def publish(project: ProjectArgument, as_json: Json = False) -> None:
    """公示项目。"""
    with _database.acting() as (session, actor):
        row = projects.publish(session, actor, _names.project_id(session, project))
        document = _shown(row)
    _give(document, as_json=as_json)


@app.command()
def validate(
    project: ProjectArgument,
    statement: Annotated[str, typer.Option(help="审定意见")],
    as_json: Json = False,
) -> None:
    """核证机构审定已公示的项目。"""
    with _database.acting() as (session, actor):
        row = projects.validate(session, actor, _names.project_id(session, project), statement)
        document = _shown(row)
    _give(document, as_json=as_json)


@app.command()
def register(
    project: ProjectArgument,
    filing_no: Annotated[str, typer.Option(help="备案号")],
    as_json: Json = False,
) -> None:
    """主管部门备案已审定的项目。"""
    with _database.acting() as (session, actor):
        row = projects.register(session, actor, _names.project_id(session, project), filing_no)
        document = _shown(row)
    _give(document, as_json=as_json)


@app.command()
def leave(
    project: ProjectArgument,
    parcel: ParcelArgument,
    reason: Annotated[str, typer.Option(help="原因")],
    as_json: Json = False,
) -> None:
    """地块退出项目：合同已到期，或地块已不在库；尚未签发的监测期含有它的，不能退出。"""
    with _database.acting() as (session, actor):
        project_id = _names.project_id(session, project)
        parcel_id = _names.parcel_id(session, parcel)
        exits.leave(session, actor, project_id, parcel_id, reason=reason)
        gone = exits.of_project(session, project_id)[-1]
    document = {
        "project": project_id, "parcel": parcel_id, "code": gone.code, "left_at": gone.left_at,
        "reason": gone.reason,
    }  # fmt: skip
    _out.give(document, f"{gone.code} 已退出项目，此后的监测期不含它。", as_json=as_json)


@app.command("list")
def list_projects(as_json: Json = False) -> None:
    """列出项目，新的在前。"""
    with _database.reading() as (session, _):
        rows = [_shown(row, owner) for row, owner in projects.listing(session)]
    text = _out.table(
        ("编码", "名称", "业主", "方法", "状态", "公示至", "备案号"),
        [
            (
                row["code"], row["name"], row["owner"], row["method"], STATUS_ZH[Status(row["status"])],
                row["notice_ends_on"], row["filing_no"],
            )
            for row in rows
        ],
        empty="没有项目。",
    )  # fmt: skip
    _out.give({"projects": rows}, text, as_json=as_json)


def _shown(row: Project, owner: Party | None = None) -> dict[str, Any]:
    document = {
        "id": row.id,
        "code": row.code,
        "name": row.name,
        "method": row.method_id,
        "status": row.status,
        "notice_ends_on": row.notice_ends_on,
        "filing_no": row.filing_no,
        "demonstration": row.demonstration,
    }
    return {**document, "owner": owner.name} if owner else document


def _give(document: dict[str, Any], *, as_json: bool) -> None:
    status = Status(document["status"])
    notice = f"至 {document['notice_ends_on']}" if status == Status.PUBLIC_NOTICE else ""
    text = f"{document['code']}  {document['name']}：{STATUS_ZH[status]}{notice}"
    _out.give(document, text, as_json=as_json)

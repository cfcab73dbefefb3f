"""`sinks land overlaps` and `sinks land programme-claims`: land that two have claimed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gis_data import check as checks
from gis_data import vectors
from sinks.cli import _database, _input, _out
from sinks.cli._out import Json
from sinks.cli.land_check import CrsOption, EncodingOption, FileArgument, LayerOption
from sinks.core import documents
from sinks.core.documents import Document
from sinks.core.errors import NotFound
from sinks.land import case_papers, overlap_cases, programme_claims, programme_imports

overlaps_app = typer.Typer(help="重叠争议：列出、查看、提出处理意见、决定", no_args_is_help=True)
programmes_app = typer.Typer(help="其他机制（浙林碳普惠、CCER 等）占用的土地", no_args_is_help=True)

CaseArgument = Annotated[int, typer.Argument(metavar="CASE", help="争议编号")]


@overlaps_app.command("list")
def list_cases(
    everything: Annotated[bool, typer.Option("--all", help="连同已了结的")] = False,
    as_json: Json = False,
) -> None:
    """列出重叠争议。"""
    with _database.acting() as (session, _):
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "kind": row.kind,
                "parcel": code,
                "shared_m2": row.shared_m2,
                "status": row.status,
                "outcome": row.outcome,
                "opened_at": row.recorded_at,
            }
            for row, code in overlap_cases.listing(session, open_only=not everything)
        ]
    text = _out.table(
        ("编号", "种类", "后报地块", "重叠", "状态", "处理意见"),
        [
            (
                row["id"], overlap_cases.KIND_ZH[row["kind"]], row["parcel"],
                f"{row['shared_m2']:,.1f} 平方米", overlap_cases.STATUS_ZH[row["status"]],
                overlap_cases.OUTCOME_ZH.get(row["outcome"] or ""),
            )
            for row in rows
        ],
        empty="没有重叠争议。",
    )  # fmt: skip
    _out.give({"cases": rows}, text, as_json=as_json)


@overlaps_app.command("show")
def show_case(case: CaseArgument, as_json: Json = False) -> None:
    """一个争议的两方轮廓、重叠部分（GeoJSON）和经过。"""
    with _database.acting() as (session, actor):
        found = overlap_cases.view(session, case)
        papers = case_papers.of_case(session, actor, case)
        row = found.case
        document = {
            "id": row.id,
            "kind": row.kind,
            "status": row.status,
            "shared_m2": row.shared_m2,
            "outcome": row.outcome,
            "may": list(overlap_cases.OUTCOMES[row.kind]),
            "proposal_reason": row.proposal_reason,
            "decision_reason": row.decision_reason,
            "parcel": _side(found.parcel),
            "others": [_side(side) for side in found.others],
            "shared": found.shared,
            "documents": [
                {
                    "id": one.document_id,
                    "kind": one.kind,
                    "name": one.name,
                    "sha256": one.sha256,
                    "size_bytes": one.size_bytes,
                    "filed_by": one.filed_by,
                    "recorded_at": one.recorded_at,
                }
                for one in papers
            ],
        }
        lines = [
            f"第 {row.id} 号  {overlap_cases.KIND_ZH[row.kind]}  {overlap_cases.STATUS_ZH[row.status]}",
            f"后报 {found.parcel.code}  {_out.mu(found.parcel.area_m2)}",
            *(f"先有 {one.code}  重叠 {one.shared_m2:,.1f} 平方米" for one in found.others),
        ]
        if row.outcome:
            lines.append(
                f"处理意见：{overlap_cases.OUTCOME_ZH[row.outcome]}（{row.proposal_reason}）"
            )
        lines += [
            f"文件 {one.document_id}  {case_papers.KIND_ZH[one.kind]}  {one.name}  SHA-256 {one.sha256}"
            for one in papers
        ]
    _out.give(document, "\n".join(lines), as_json=as_json)


@overlaps_app.command("attach")
def attach(
    case: CaseArgument,
    file: FileArgument,
    kind: Annotated[str, typer.Option(help="种类：" + "、".join(case_papers.KIND_ZH))] = "other",
    as_json: Json = False,
) -> None:
    """把一份文件（照片、旧证书、测绘成果）附在未了结的争议上。"""
    name, content = _input.named_file(file)
    with _database.acting() as (session, actor):
        row = case_papers.attach(session, actor, case, kind=kind, name=name, content=content)
        document = {"case": case, "document": row.id, "name": row.name, "sha256": row.sha256}
    said = f"已附在第 {case} 号争议上，文件 {document['document']}，SHA-256 {document['sha256']}。"
    _out.give(document, said, as_json=as_json)


@overlaps_app.command("file")
def take_file(
    document: Annotated[int, typer.Argument(metavar="DOCUMENT", help="文件编号，见 show")],
    out: Annotated[Path, typer.Option(help="写到哪里")],
    as_json: Json = False,
) -> None:
    """取出争议的一份文件。"""
    with _database.acting() as (session, _):
        row = session.get(Document, document)
        if row is None or not row.subject.startswith("overlap:"):
            raise NotFound("没有这份文件，或您无权查看。", code="document")
        content, sha256 = documents.content_of(row), row.sha256
    out.write_bytes(content)
    shown = {"document": document, "out": str(out), "sha256": sha256}
    _out.give(shown, f"已写到 {out}，SHA-256 {sha256}。", as_json=as_json)


def _side(side: overlap_cases.Side) -> dict[str, Any]:
    return {
        "id": side.parcel_id,
        "code": side.code,
        "status": side.status,
        "area_m2": side.area_m2,
        "shared_m2": side.shared_m2,
        "boundary": json.loads(json.dumps(side.boundary)),
    }


@overlaps_app.command("propose")
def propose(
    case: CaseArgument,
    outcome: Annotated[str, typer.Option(help="处理意见，见 show 的 may")],
    reason: Annotated[str, typer.Option(help="依据")],
    as_json: Json = False,
) -> None:
    """提出处理意见，待登记机构的另一人决定。"""
    with _database.acting() as (session, actor):
        overlap_cases.propose(session, actor, case, outcome=outcome, reason=reason)
    _out.give(
        {"id": case, "status": "proposed"}, f"第 {case} 号的处理意见待决定。", as_json=as_json
    )


@overlaps_app.command("decide")
def decide(
    case: CaseArgument,
    reason: Annotated[str, typer.Option(help="理由")],
    send_back: Annotated[bool, typer.Option("--send-back", help="不同意，退回重提")] = False,
    as_json: Json = False,
) -> None:
    """登记机构决定；同意即生效。"""
    with _database.acting() as (session, actor):
        row = overlap_cases.decide(session, actor, case, accept=not send_back, reason=reason)
        status = row.status
    said = f"第 {case} 号已{'退回' if send_back else '决定，立即生效'}。"
    _out.give({"id": case, "status": status}, said, as_json=as_json)


@programmes_app.command("import")
def import_claims(
    file: FileArgument,
    programme: Annotated[str, typer.Option(help="机制，如 浙林碳普惠、CCER、VCS")],
    starts_on: Annotated[
        Any, typer.Option("--from", parser=_input.day, metavar="YYYY-MM-DD", help="计入期起")
    ],
    ends_on: Annotated[
        Any, typer.Option("--to", parser=_input.day, metavar="YYYY-MM-DD", help="计入期止（不含）")
    ] = None,
    external_id: Annotated[str, typer.Option(help="项目编号，所有行共用")] = "",
    external_id_field: Annotated[str, typer.Option(help="项目编号所在的字段")] = "",
    pool: Annotated[str, typer.Option(help="碳库，如 biomass、soil；不清楚写 all")] = "all",
    crs: CrsOption = None,
    encoding: EncodingOption = None,
    layer: LayerOption = None,
    as_json: Json = False,
) -> None:
    """导入其他机制的项目边界：此后这些土地在其计入期内不能再入库；与已入库的重叠，开立争议。"""
    read = vectors.read(file, crs=crs, encoding=encoding, layer=layer)
    report = checks.check_rows(read, sink_type="other")
    name, content = _input.named_file(Path(file))
    with _database.acting() as (session, actor):
        done = programme_imports.commit(
            session, actor, report=report, file_name=name, content=content, sha256=read.sha256,
            programme=programme, starts_on=starts_on, ends_on=ends_on, pool=pool,
            external_id=external_id, external_id_field=external_id_field,
        )  # fmt: skip
    document = {
        "rows": report.rows,
        "claims": done.claim_ids,
        "known": done.known,
        "cases": done.case_ids,
        "refused": report.to_json()["refused"],
    }
    said = (
        f"共 {report.rows} 行：新占用 {len(done.claim_ids)} 块，已有 {done.known} 块，"
        f"不可用 {len(report.refused)} 行；开立争议 {len(done.case_ids)} 个。"
    )
    _out.give(document, said, as_json=as_json)


@programmes_app.command("list")
def list_claims(
    programme: Annotated[str | None, typer.Option(help="只列这个机制")] = None,
    as_json: Json = False,
) -> None:
    """列出其他机制占用的土地。"""
    with _database.acting() as (session, _):
        rows = programme_claims.listing(session, programme=programme)
    document = {
        "claims": [
            {
                "id": row.id,
                "programme": row.programme,
                "external_id": row.external_id,
                "pool": row.pool,
                "name": row.name,
                "from": row.starts_on,
                "to": row.ends_on,
                "area_m2": row.area_m2,
                "status": row.status,
            }
            for row in rows
        ]
    }
    text = _out.table(
        ("编号", "机制", "项目编号", "碳库", "自", "至", "面积", "状态"),
        [
            (
                row.id, row.programme, row.external_id, row.pool, row.starts_on, row.ends_on,
                _out.mu(row.area_m2), programme_claims.STATUS_ZH[row.status],
            )
            for row in rows
        ],
        empty="没有其他机制的占用。",
    )  # fmt: skip
    _out.give(document, text, as_json=as_json)


@programmes_app.command("end")
def end_claim(
    claim: Annotated[int, typer.Argument(metavar="CLAIM", help="编号，见 list")],
    reason: Annotated[str, typer.Option(help="依据")],
    as_json: Json = False,
) -> None:
    """由导入人以外的一人终止一条占用。"""
    with _database.acting() as (session, actor):
        programme_claims.end(session, actor, claim, reason)
    _out.give({"claim": claim, "status": "ended"}, f"第 {claim} 条占用已终止。", as_json=as_json)

"""`sinks round`: a monitoring round from its opening to the issuance of its credits."""

import json
import math
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cli import _database, _input, _names, _out, plots
from sinks.cli._out import Json
from sinks.cooperative import contracts
from sinks.core import people
from sinks.core.errors import Invalid
from sinks.crediting import issuance, ledger, openings, rounds, run_report, verification, what_if
from sinks.crediting.ledger import Block
from sinks.crediting.rounds import MonitoringRound, Status
from sinks.measurement import runs
from sinks.measurement.runs import Run

app = typer.Typer()
app.add_typer(plots.app, name="plots")

RoundArgument = Annotated[int, typer.Argument(metavar="ROUND", help="监测期编号")]
RESULT_KEYS = (
    "gross_co2_t", "stderr_co2_t", "deduction_share", "net_co2_t", "buffer_co2_t", "issuable_kg",
    "warnings", "refusals",
)  # fmt: skip


@app.command("open")
def open_round(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="项目编码或 id")],
    start_layer: Annotated[int | None, typer.Option(help="期初图层编号")] = None,
    end_layer: Annotated[int | None, typer.Option(help="期末图层编号")] = None,
    start: Annotated[
        date | None,
        typer.Option(parser=_input.day, help="按活动记录或只用样地：起始日，如 2025-01-01"),
    ] = None,
    end: Annotated[
        date | None,
        typer.Option(parser=_input.day, help="按活动记录或只用样地：终止日（不含当日）"),
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(help="本期填报（按样地核算的方法）：JSON 文件，- 为标准输入")
    ] = None,
    as_json: Json = False,
) -> None:
    """开启监测期：地块、图层和样地（或活动记录）就此固定；按样地核算的还固定本期填报。"""
    stated = None if facts is None else _input.json_object(facts)
    with _database.acting() as (session, actor):
        project_id = _names.project_id(session, project)
        match start_layer, end_layer, start, end:
            case int(), int(), None, None if stated is not None:
                row = openings.by_layers(
                    session, actor, project_id, layer_start_id=start_layer,
                    layer_end_id=end_layer, facts=stated,
                )  # fmt: skip
            case None, None, date(), date() if stated is not None:
                row = openings.by_plots(
                    session, actor, project_id, period_start=start, period_end=end, facts=stated
                )
            case None, None, date(), date():
                row = openings.by_records(
                    session, actor, project_id, period_start=start, period_end=end
                )
            case _:
                raise Invalid(
                    "请给出 --start-layer、--end-layer 与 --facts，或只用样地的 --start、--end 与 --facts，"
                    "或按活动记录的 --start 与 --end。",
                    code="period_or_layers",
                )
        document = _shown(row)
    _give(document, as_json=as_json)


@app.command()
def evidence(
    round_id: RoundArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="依据材料")],
    as_json: Json = False,
) -> None:
    """为造林监测期的本期填报补交一份依据材料。"""
    name, content = _input.named_file(file)
    with _database.acting() as (session, actor):
        filed = rounds.add_evidence(session, actor, round_id, name=name, content=content)
        document = {"round": round_id, "document": filed.id, "sha256": filed.sha256}
    _out.give(document, f"已存档：{name}。", as_json=as_json)


@app.command()
def measure(round_id: RoundArgument, as_json: Json = False) -> None:
    """核算。用到尚未生效的政策建议值时，结果只供查看，不能公示。"""
    with _database.acting() as (session, actor):
        run = rounds.measure(session, actor, round_id)
        document = {**_shown(rounds.get(session, round_id)), "run": _shown_run(run)}
    _give(document, as_json=as_json)


@app.command()
def remeasure(
    round_id: RoundArgument,
    run: Annotated[int | None, typer.Option(help="核算编号；不给则为申报的那次")] = None,
    as_json: Json = False,
) -> None:
    """用固定的输入再算一遍，与存档逐字节比较；不改任何东西。不一致时退出状态为 1。"""
    with _database.reading() as (session, _):
        again = rounds.remeasure(session, round_id, run)
    document = {
        "run": again.run_id,
        "same_input": again.same_input,
        "same_result": again.same_result,
        "stored_sha256": again.stored_sha256,
        "now_sha256": again.now_sha256,
        "stored_code": again.stored_code,
        "now_code": again.now_code,
        "stored_issuable_kg": again.stored_issuable_kg,
        "now_issuable_kg": again.now_issuable_kg,
        "largest_difference": again.largest_difference
        if math.isfinite(again.largest_difference)
        else None,
    }
    if again.same_input and again.same_result:
        _out.give(document, f"第 {again.run_id} 次核算复算一致 ✓", as_json=as_json)
        return
    code = "相同" if again.stored_code == again.now_code else "不同"
    message = (
        f"第 {again.run_id} 次核算复算结果与存档不一致：程序版本{code}，各数最大相对差 "
        f"{again.largest_difference:.1e}，可签发量存档 {again.stored_issuable_kg} 千克、现在 "
        f"{again.now_issuable_kg} 千克。请勿据此签发并告知登记机构。"
    )
    raise _out.fail(_out.refused("not_reproduced", message, document), message, as_json=as_json)


@app.command("what-if")
def what_if_(
    round_id: RoundArgument,
    policy: Annotated[
        list[str],
        typer.Option(help="一种做法，如 deduction=flat,buffer_share=0.2；可多次给出"),
    ],
    run: Annotated[int | None, typer.Option(help="核算编号；不给则为申报的那次")] = None,
    as_json: Json = False,
) -> None:
    """同一份输入在别的政策下会怎样，并排列出；不存档，不改任何东西。"""
    alternatives = [_decisions(text) for text in policy]
    with _database.acting() as (session, actor):
        stored, found = what_if.under_policies(session, actor, round_id, alternatives, run)
        document = {
            "run": stored.id,
            "stored": {key: stored.result[key] for key in RESULT_KEYS},
            "alternatives": [
                {
                    "changes": one.changes,
                    "refusal": one.refusal,
                    **({key: one.result[key] for key in RESULT_KEYS} if one.result else {}),
                }
                for one in found
            ],
        }
        lines = [f"第 {stored.id} 次核算：可签发 {stored.result['issuable_kg']:,} kg"] + [
            f"{text}：" + (one.refusal or f"可签发 {(one.result or {})['issuable_kg']:,} kg")
            for text, one in zip(policy, found, strict=True)
        ]
    _out.give(document, "\n".join(lines), as_json=as_json)


def _decisions(text: str) -> dict[str, Any]:
    """`deduction=flat,buffer_share=0.2` as names and values: numbers where they read as numbers."""
    found: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not (name.strip() and equals):
            raise Invalid(
                "请按 名称=值 给出，如 deduction=flat,buffer_share=0.2。", code="policy_name"
            )
        try:
            found[name.strip()] = json.loads(value)
        except json.JSONDecodeError:
            found[name.strip()] = value.strip()
    return found


@app.command()
def report(
    round_id: RoundArgument,
    out: Annotated[Path, typer.Option(help="写到这个文件；名称以 .html 结尾为网页，否则为 PDF")],
    run: Annotated[int | None, typer.Option(help="核算编号；不给则为申报的那次")] = None,
    as_json: Json = False,
) -> None:
    """核算报告（PDF 或网页）：全部输入、因子、方程、中间结果和地块。"""
    form: Literal["pdf", "html"] = "html" if out.suffix == ".html" else "pdf"
    with _database.acting() as (session, actor):
        content = run_report.report(session, actor, round_id, run, form)
    _out.write_file(out, content)
    _out.give({"round": round_id, "out": out}, f"核算报告已写到 {out}。", as_json=as_json)


@app.command()
def publish(round_id: RoundArgument, as_json: Json = False) -> None:
    """申报并公示核算结果。"""
    with _database.acting() as (session, actor):
        document = _shown(rounds.publish(session, actor, round_id))
    _give(document, as_json=as_json)


@app.command()
def begin(round_id: RoundArgument, as_json: Json = False) -> None:
    """核证机构在公示期满后开始核证。"""
    with _database.acting() as (session, actor):
        document = _shown(verification.begin(session, actor, round_id))
    _give(document, as_json=as_json)


@app.command()
def finding(
    round_id: RoundArgument,
    field: Annotated[str, typer.Option(help="针对申报的哪一部分")],
    text: Annotated[str, typer.Option(help="发现的问题")],
    as_json: Json = False,
) -> None:
    """核证机构提出整改项。"""
    with _database.acting() as (session, actor):
        row = verification.raise_finding(session, actor, round_id, field=field, words=text)
        session.flush()
        document = {**_shown(rounds.get(session, round_id)), "finding": row.id}
    _give(document, as_json=as_json)


@app.command()
def answer(
    finding_id: Annotated[int, typer.Argument(metavar="FINDING", help="整改项编号")],
    text: Annotated[str, typer.Option(help="整改情况")],
    as_json: Json = False,
) -> None:
    """业主答复整改项；全部答复后回到核证。"""
    with _database.acting() as (session, actor):
        row = verification.answer_finding(session, actor, finding_id, text)
        document = {**_shown(rounds.get(session, row.round_id)), "finding": finding_id}
    _give(document, as_json=as_json)


@app.command()
def verify(
    round_id: RoundArgument,
    statement: Annotated[str, typer.Option(help="核证意见")],
    as_json: Json = False,
) -> None:
    """核证：核证员声明这个数量成立。"""
    with _database.acting() as (session, actor):
        document = _shown(verification.verify(session, actor, round_id, statement))
    _give(document, as_json=as_json)


@app.command()
def record(
    round_id: RoundArgument,
    filing_no: Annotated[str, typer.Option(help="备案号")],
    as_json: Json = False,
) -> None:
    """碳汇量备案：主管部门备案已核证的数量。"""
    with _database.acting() as (session, actor):
        document = _shown(rounds.record(session, actor, round_id, filing_no))
    _give(document, as_json=as_json)


@app.command()
def issue(round_id: RoundArgument, as_json: Json = False) -> None:
    """登记签发：已备案的数量成为有序列号的碳汇量，只有一次。"""
    with _database.acting() as (session, actor):
        issued = issuance.issue(
            session, actor, round_id, contract_of=contracts.holders(session, round_id)
        )
        document = {
            **_shown(rounds.get(session, round_id)),
            "holders_kg": issued.holders_kg,
            "buffer_kg": issued.buffer_kg,
            "remainder_kg": issued.remainder_kg,
            "batches": _batches(session, round_id),
        }
    text = (
        f"已签发 {_out.kg(issued.holders_kg)}，缓冲 {_out.kg(issued.buffer_kg)}，"
        f"不足一个单位的 {_out.kg(issued.remainder_kg)} 记入余量账户。"
    )
    _out.give(document, text, as_json=as_json)


def _batches(session: Session, round_id: int) -> list[dict[str, Any]]:
    return [
        {
            "vintage": batch.vintage,
            "sequence": batch.sequence,
            "units": batch.units,
            "unit_kg": batch.unit_kg,
            "serials": [
                {"serial": ledger.serial_of(session, block), "state": block.state}
                for block in session.scalars(
                    select(Block).where(Block.batch_id == batch.id, Block.live).order_by(Block.id)
                )
            ],
        }
        for batch in issuance.batches_of_round(session, round_id)
    ]


@app.command()
def show(round_id: RoundArgument, as_json: Json = False) -> None:
    """一个监测期：状态、四个人、每次核算、整改项。"""
    with _database.acting() as (session, _):
        row = rounds.get(session, round_id)
        document = _shown(row) | {
            "people": {
                step: people.name_of(session, person_id)
                for step, person_id in (
                    ("proposed", row.proposed_by_id),
                    ("verified", row.verified_by_id),
                    ("recorded", row.recorded_by_id),
                    ("issued", row.issued_by_id),
                )
            },
            "runs": [_shown_run(run) for run in runs.of_round(session, round_id)],
            "findings": [
                {"id": item.id, "field": item.field, "text": item.text, "answer": item.answer}
                for item in verification.findings(session, round_id)
            ],
            "parcels": len(rounds.round_parcels(session, round_id)),
        }
    _out.give(document, _show_text(document), as_json=as_json)


def _show_text(document: dict[str, Any]) -> str:
    people_ = document["people"]
    lines = [
        _sentence(document),
        f"地块 {document['parcels']} 块",
        f"申报 {people_['proposed']}，核证 {people_['verified']}，备案 {people_['recorded']}，"
        f"签发 {people_['issued']}",
    ]
    for run in document["runs"]:
        mine = "（申报）" if run["id"] == document["run_id"] else ""
        lines.append(
            f"核算 {run['id']}{mine}：净 {run['net_co2_t']:,.3f} tCO2e，可签发 {_out.kg(run['issuable_kg'])}"
        )
    for item in document["findings"]:
        lines.append(
            f"整改 {item['id']}（{item['field']}）：{item['text']} → {item['answer'] or '待答复'}"
        )
    return "\n".join(lines)


def _shown(row: MonitoringRound) -> dict[str, Any]:
    return {
        "id": row.id,
        "project_id": row.project_id,
        "period_start": row.period_start,
        "period_end": row.period_end,
        "status": row.status,
        "run_id": row.run_id,
        "notice_ends_on": row.notice_ends_on,
        "filing_no": row.filing_no,
    }


def _shown_run(run: Run) -> dict[str, Any]:
    result = run.result
    return {
        "id": run.id,
        "method": run.method_id,
        "policies_in_force": run.policies_in_force,
        "result_sha256": runs.sha256_of_text(run.result_json),
        **{key: result[key] for key in RESULT_KEYS},
    }


def _sentence(document: dict[str, Any]) -> str:
    notice = (
        f"，公示至 {document['notice_ends_on']}" if document["status"] == "public_notice" else ""
    )
    return (
        f"监测期 {document['id']}（{document['period_start']} 至 {document['period_end']}）："
        f"{rounds.STATUS_ZH[Status(document['status'])]}{notice}"
    )


def _give(document: dict[str, Any], *, as_json: bool) -> None:
    lines = [_sentence(document)]
    if run := document.get("run"):
        lines.append(
            f"核算 {run['id']}：净 {run['net_co2_t']:,.3f} tCO2e，可签发 {_out.kg(run['issuable_kg'])}"
        )
        if not run["policies_in_force"]:
            lines.append("用到了尚未生效的政策建议值，不能公示；政策生效后请重新核算。")
        lines += [f"提示：{item['message']}" for item in (*run["warnings"], *run["refusals"])]
    if finding_id := document.get("finding"):
        lines.append(f"整改项 {finding_id}")
    _out.give(document, "\n".join(lines), as_json=as_json)

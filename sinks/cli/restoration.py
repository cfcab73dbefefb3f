"""`sinks restoration open … confirm`: the steps of a court case, each taken by whose part it is."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from shapely import MultiPolygon

from sinks.cli import _database, _input, _names, _out
from sinks.cli._out import Json
from sinks.cli.land_check import CrsOption, examined
from sinks.cli.loss import steps_text
from sinks.core.errors import Invalid, NotFound
from sinks.crediting import certificates, ledger
from sinks.restoration import case_measurement, case_units, cases
from sinks.restoration.cases import CourtCase, Status

app = typer.Typer()

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="案号或案件 id")]


@app.command("open")
def open_case(
    case_no: Annotated[
        str, typer.Argument(metavar="CASE_NO", help="案号，如 （2026）浙0591刑初12号")
    ],
    defendant: Annotated[str, typer.Option(help="被告人")],
    cause: Annotated[str, typer.Option(help="案由")],
    damage: Annotated[Literal["forest", "wetland", "other"], typer.Option(help="损害类型")],
    prosecutor: Annotated[
        str | None, typer.Option(metavar="ID", help="参加诉讼的检察院的编号或全名")
    ] = None,
    as_json: Json = False,
) -> None:
    """法院立案。"""
    with _database.acting() as (session, actor):
        row, warnings = cases.open_case(
            session, actor, case_no=case_no, defendant=defendant, cause=cause, damage=damage,
            prosecutor_id=_names.party_id(session, prosecutor) if prosecutor else None,
        )  # fmt: skip
        document = {**_shown(row), "warnings": warnings}
    text = "\n".join([_sentence(document), *(f"提示：{warning}" for warning in warnings)])
    _out.give(document, text, as_json=as_json)


@app.command()
def request(
    case: CaseArgument,
    appraiser: Annotated[str, typer.Option(metavar="ID", help="林业调查机构的编号或全名")],
    letter: Annotated[Path, typer.Option(help="委托测算函（UTF-8 文本）")],
    as_json: Json = False,
) -> None:
    """法院委托林业调查机构测算。"""
    try:
        words = _input.file_bytes(letter).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"{letter} 不是 UTF-8 文本。", code="bad_text") from error
    with _database.acting() as (session, actor):
        row = cases.request_measurement(
            session, actor, _names.case_id(session, case),
            appraiser_id=_names.party_id(session, appraiser), letter=words,
        )  # fmt: skip
        document = _shown(row)
    _out.give(document, _sentence(document), as_json=as_json)


@app.command()
def site(
    case: CaseArgument,
    file: Annotated[Path, typer.Option(help="受损地范围，一行的矢量文件")],
    crs: CrsOption = None,
    as_json: Json = False,
) -> None:
    """林业调查机构交受损地范围；以最后一次为准。"""
    boundary = _outline(file, crs)
    with _database.acting() as (session, actor):
        case_id = _names.case_id(session, case)
        row = case_measurement.draw_site(session, actor, case_id, boundary)
        document = {"case": case_id, "site": row.id, "area_m2": row.area_m2}
    text = f"受损地 {_out.mu(document['area_m2'])}（{document['area_m2']:,.1f} 平方米）。"
    _out.give(document, text, as_json=as_json)


def _outline(file: Path, crs: str | None) -> MultiPolygon:
    """The one outline of a file, by the checks that parcels get; the land is claimed by nobody."""
    _, report = examined(file, "other", crs=crs, encoding=None, layer=None, area_field=None)
    if report.file is not None:
        raise Invalid(report.file.message, code=report.file.code)
    if report.refused:
        raise Invalid(report.refused[0].message, code=report.refused[0].code)
    if len(report.accepted) != 1:
        raise Invalid(f"受损地应为一行，文件里有 {report.rows} 行。", code="one_row")
    return report.accepted[0].boundary_4490


@app.command()
def stock(
    case: CaseArgument,
    layer: Annotated[int, typer.Option(help="生物量图层编号")],
    as_json: Json = False,
) -> None:
    """受损地在图层上的碳密度（仅竹林），供填写损失计算的输入；不写任何东西。"""
    with _database.acting() as (session, _):
        drawn = cases.site_of(session, _names.case_id(session, case))
        if drawn is None:
            raise NotFound("还没有受损地范围。", code="no_site")
        figure = case_measurement.stock_under(session, drawn, layer)
        document = {
            "area_m2": drawn.area_m2,
            "delta_c_t_ha": figure.delta_c_t_ha,
            "delta_c_stderr_t_ha": figure.stderr_t_ha,
            "agb_t_ha": figure.agb_t_ha,
            "basis": figure.basis,
            "layer_sha256": figure.layer_sha256,
        }
    text = f"碳密度 {figure.delta_c_t_ha:.3f} 吨碳/公顷，来源：{figure.basis}。"
    _out.give(document, text, as_json=as_json)


@app.command()
def sign(
    case: CaseArgument,
    input_path: Annotated[
        Path, typer.Option("--input", help="损失计算的输入，同 restoration loss；面积以范围为准")
    ],
    basis: Annotated[str, typer.Option(help="存量数据的来源：图层或实测")],
    layer: Annotated[int | None, typer.Option(help="来源为图层时的编号")] = None,
    as_json: Json = False,
) -> None:
    """林业调查机构签署测算意见。"""
    facts = _input.json_object(input_path)
    with _database.acting() as (session, actor):
        case_id = _names.case_id(session, case)
        sha256 = None if layer is None else case_measurement.layers.get(session, layer).sha256
        row = case_measurement.sign_assessment(
            session, actor, case_id, facts=facts, basis=basis, layer_sha256=sha256
        )
        document = {"case": case_id, "assessment": row.id, "basis": row.basis, **row.result}
    _out.give(document, steps_text(document), as_json=as_json)


@app.command()
def consent(
    case: CaseArgument,
    request_file: Annotated[Path, typer.Option("--request", help="当事人的申请")],
    consent_file: Annotated[Path, typer.Option("--consent", help="对方的同意")],
    as_json: Json = False,
) -> None:
    """法院归档申请与同意。"""
    papers = _input.named_file(request_file), _input.named_file(consent_file)
    with _database.acting() as (session, actor):
        row = cases.file_consent(
            session, actor, _names.case_id(session, case), request=papers[0], consent=papers[1]
        )
        document = _shown(row)
    _out.give(document, _sentence(document), as_json=as_json)


@app.command()
def order(
    case: CaseArgument,
    kind: Annotated[str, typer.Option(help="文书种类：" + "、".join(cases.DECISION_KINDS))],
    decided: Annotated[Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="作出日期")],
    effective: Annotated[
        Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="生效日期")
    ],
    basis: Annotated[str, typer.Option(help="法律依据")],
    quantity_kg: Annotated[int, typer.Option(help="认购数量（千克）")],
    seller: Annotated[str, typer.Option(metavar="ID", help="出让的合作社，编号或全名")],
    duty: Annotated[str, typer.Option(help="修复义务；没有则写“无”")],
    price_fen_t: Annotated[int | None, typer.Option(help="单价（分/吨）")] = None,
    exception: Annotated[str | None, typer.Option(help="不同质时法院的理由")] = None,
    as_json: Json = False,
) -> None:
    """法院录入决定。数量由法院定。"""
    with _database.acting() as (session, actor):
        case_id = _names.case_id(session, case)
        cases.record_order(
            session, actor, case_id, decision_kind=kind, decided_on=decided,
            effective_on=effective, legal_basis=basis, quantity_kg=quantity_kg,
            seller_id=_names.party_id(session, seller), restoration_duty=duty,
            price_fen_t=price_fen_t, kind_exception=exception,
        )  # fmt: skip
        document = _shown(cases.locked(session, case_id))
    _out.give(document, _sentence(document), as_json=as_json)


@app.command()
def lock(
    case: CaseArgument,
    account: Annotated[int, typer.Option(help="出让的账户编号")],
    as_json: Json = False,
) -> None:
    """合作社为案件锁定碳汇量。"""
    with _database.acting() as (session, actor):
        case_id = _names.case_id(session, case)
        row = case_units.lock_units(session, actor, case_id, account_id=account)
        document = _shown(cases.locked(session, case_id)) | {
            "units": row.units, "unit_kg": row.unit_kg, "amount_kg": row.units * row.unit_kg,
        }  # fmt: skip
    _out.give(
        document, f"{_sentence(document)}（{_out.kg(document['amount_kg'])}）", as_json=as_json
    )


@app.command()
def pay(
    case: CaseArgument,
    voucher: Annotated[Path, typer.Option(help="付款凭证")],
    as_json: Json = False,
) -> None:
    """合作社归档付款凭证。"""
    paper = _input.named_file(voucher)
    with _database.acting() as (session, actor):
        row = case_units.record_payment(
            session, actor, _names.case_id(session, case), voucher=paper
        )
        document = _shown(row)
    _out.give(document, _sentence(document), as_json=as_json)


@app.command()
def retire(case: CaseArgument, as_json: Json = False) -> None:
    """登记机构注销锁定的碳汇量，不可撤回。"""
    with _database.acting() as (session, actor):
        case_id = _names.case_id(session, case)
        blocks = case_units.retire(session, actor, case_id)
        serials = [ledger.serial_of(session, block) for block in blocks]
        document = {**_shown(cases.locked(session, case_id)), "serials": serials}
    _out.give(document, "\n".join([_sentence(document), *serials]), as_json=as_json)


@app.command()
def certify(
    case: CaseArgument,
    out: Annotated[Path | None, typer.Option(help="PDF 写到这个文件")] = None,
    as_json: Json = False,
) -> None:
    """登记机构出具注销证书。"""
    with _database.acting() as (session, actor):
        case_id = _names.case_id(session, case)
        row = case_units.certify(session, actor, case_id)
        content = certificates.pdf_of(session, actor, row.number)
        document = _shown(cases.locked(session, case_id)) | {
            "number": row.number, "pdf_sha256": row.pdf_sha256, "out": out,
        }  # fmt: skip
    if out is not None:
        _out.write_file(out, content)
    _out.give(document, f"{_sentence(document)}：{document['number']}", as_json=as_json)


@app.command()
def confirm(case: CaseArgument, as_json: Json = False) -> None:
    """法院确认履行；修复义务不因此免除。"""
    with _database.acting() as (session, actor):
        document = _shown(cases.confirm(session, actor, _names.case_id(session, case)))
    _out.give(document, _sentence(document), as_json=as_json)


@app.command("list")
def list_cases(as_json: Json = False) -> None:
    """列出本单位参与的案件。"""
    with _database.acting() as (session, _):
        rows = [_shown(row) for row in cases.listing(session)]
    text = "\n".join(_sentence(row) for row in rows) or "没有案件。"
    _out.give({"cases": rows}, text, as_json=as_json)


@app.command()
def show(case: CaseArgument, as_json: Json = False) -> None:
    """一个案件：当事人、范围、测算、决定、证书。"""
    with _database.acting() as (session, _):
        case_id = _names.case_id(session, case)
        row = session.get_one(CourtCase, case_id)
        drawn, assessment = cases.site_of(session, case_id), cases.assessment_of(session, case_id)
        decision, paper = cases.order_of(session, case_id), cases.certificate_of(session, case_id)
        document = _shown(row) | {
            "defendant": row.defendant,
            "cause": row.cause,
            "site_area_m2": drawn.area_m2 if drawn else None,
            "assessment": {"basis": assessment.basis, **assessment.result} if assessment else None,
            "order": _shown_order(decision) if decision else None,
            "certificate": paper.number if paper else None,
        }
    _out.give(document, _show_text(document), as_json=as_json)


def _shown_order(order_: cases.CourtOrder) -> dict[str, Any]:
    return {
        "decision_kind": order_.decision_kind,
        "decided_on": order_.decided_on,
        "effective_on": order_.effective_on,
        "legal_basis": order_.legal_basis,
        "quantity_kg": order_.quantity_kg,
        "price_fen_t": order_.price_fen_t,
        "restoration_duty": order_.restoration_duty,
        "restoration_done": order_.restoration_done,
        "kind_exception": order_.kind_exception,
    }


def _show_text(document: dict[str, Any]) -> str:
    lines = [_sentence(document), f"被告人 {document['defendant']}，{document['cause']}"]
    if document["site_area_m2"] is not None:
        lines.append(f"受损地 {_out.mu(document['site_area_m2'])}")
    if document["assessment"]:
        lines.append(steps_text(document["assessment"]))
    if decided := document["order"]:
        lines.append(
            f"{decided['decision_kind']}（{decided['effective_on']} 起生效）："
            f"认购 {_out.kg(decided['quantity_kg'])}；修复义务：{decided['restoration_duty']}"
        )
    if document["certificate"]:
        lines.append(f"证书 {document['certificate']}")
    return "\n".join(lines)


def _shown(row: CourtCase) -> dict[str, Any]:
    return {"id": row.id, "case_no": row.case_no, "damage": row.damage, "status": row.status}


def _sentence(document: dict[str, Any]) -> str:
    return f"案件 {document['id']} {document['case_no']}：{cases.STATUS_ZH[Status(document['status'])]}"

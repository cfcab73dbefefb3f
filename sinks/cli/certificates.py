"""`sinks certificate`: check a paper against the ledger, or have one written."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sinks.cli import _database, _input, _out
from sinks.cli._out import Json
from sinks.core.errors import NotFound
from sinks.crediting import certificates, serials
from sinks.crediting.certificates import Answer

app = typer.Typer()

KIND_ZH = {"holding": "持有证书", "retirement": "注销证书"}


@app.command()
def check(
    paper: Annotated[
        str, typer.Argument(metavar="FILE_OR_NUMBER", help="证书 PDF，或编号、扫码文本")
    ],
    as_json: Json = False,
) -> None:
    """查验证书：PDF 逐字节核对，编号对台账查。不真实时退出状态为 1。无需登录。"""
    file = Path(paper)
    is_file = file.is_file()
    if not is_file and file.suffix.lower() == ".pdf":
        raise NotFound(f"没有文件 {paper}。", code="not_found")
    content = _input.file_bytes(file) if is_file else b""
    with _database.public() as session:
        answer = (
            certificates.check_file(session, content) if is_file
            else certificates.check(session, paper)
        )  # fmt: skip
    document = _shown(answer)
    if not answer.genuine:
        reason = answer.reason or "登记簿中没有这份证书。"
        raise _out.fail(
            _out.refused("not_genuine", reason, document),
            f"✗ 不能确认真实：{reason}",
            as_json=as_json,
        )
    _out.give(document, _text(answer), as_json=as_json)


def _shown(answer: Answer) -> dict[str, Any]:
    return {
        "genuine": answer.genuine,
        "number": answer.number,
        "reason": answer.reason,
        "kind": answer.kind,
        "issued_at": answer.issued_at,
        "pdf_sha256": answer.pdf_sha256,
        "amount_kg": answer.amount_kg,
        "held_kg": answer.held_kg,
        "reserved_kg": answer.reserved_kg,
        "retired_kg": answer.retired_kg,
        "public": answer.public,
    }


def _text(answer: Answer) -> str:
    kind = KIND_ZH[answer.kind or "holding"]
    return (
        f"✓ 证书真实：{answer.number}（{kind}），证书所载 {_out.kg(answer.amount_kg)}。\n"
        f"现在：持有 {_out.kg(answer.held_kg)}，锁定 {_out.kg(answer.reserved_kg)}，"
        f"已注销 {_out.kg(answer.retired_kg)}。"
    )


@app.command()
def holding(
    account_id: Annotated[int, typer.Argument(metavar="ACCOUNT", help="账户编号")],
    out: Annotated[Path, typer.Option(help="PDF 写到这个文件")],
    as_json: Json = False,
) -> None:
    """为一个账户现在持有的碳汇量出具证书。"""
    with _database.acting() as (session, actor):
        row = certificates.certify_holding(session, actor, account_id)
        content = certificates.pdf_of(session, actor, row.number)
        document = {
            "number": row.number, "pdf_sha256": row.pdf_sha256,
            "amount_kg": row.public["amount_kg"], "out": out,
        }  # fmt: skip
    _out.write_file(out, content)
    _out.give(document, f"证书 {document['number']} 已写到 {out}。", as_json=as_json)


@app.command()
def save(
    number: Annotated[str, typer.Argument(help="证书编号")],
    out: Annotated[Path, typer.Option(help="PDF 写到这个文件")],
    as_json: Json = False,
) -> None:
    """把已出具的证书原件再存一份。"""
    with _database.acting() as (session, actor):
        content = certificates.pdf_of(session, actor, serials.check_certificate_number(number))
    _out.write_file(out, content)
    _out.give({"number": number, "out": out}, f"证书 {number} 已写到 {out}。", as_json=as_json)

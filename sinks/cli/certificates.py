"""`sinks certificate`: check a paper against the ledger, or have one written."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from sinks.cli import _database, _input, _out
from sinks.cli._out import Json
from sinks.core.errors import Invalid, NotFound
from sinks.crediting import certificates, serials, signatures
from sinks.crediting.certificates import Answer

app = typer.Typer()

KIND_ZH = {"holding": "持有证书", "retirement": "注销证书"}


@app.command()
def check(
    paper: Annotated[
        str, typer.Argument(metavar="FILE_OR_NUMBER", help="证书 PDF，或编号、扫码文本")
    ],
    scanned: Annotated[
        str, typer.Option(help="证书上二维码的扫码文本：一并核对它是不是这份证书的")
    ] = "",
    keys: Annotated[
        Path | None,
        typer.Option(help="公钥文件（公开页面“签名公钥”）：只核对签名，不用网络和数据库"),
    ] = None,
    as_json: Json = False,
) -> None:
    """查验证书：核对签名和原件，并对台账查现状。不真实时退出状态为 1。无需登录。"""
    file = Path(paper)
    is_file = file.is_file()
    if not is_file and file.suffix.lower() == ".pdf":
        raise NotFound(f"没有文件 {paper}。", code="not_found")
    content = _input.file_bytes(file) if is_file else b""
    if keys is not None:
        _check_offline(content, paper, scanned, keys, as_json=as_json)
        return
    with _database.public() as session:
        answer = _answer(session, content, paper, scanned)
    document = _shown(answer)
    if not answer.genuine:
        raise _not_genuine(answer.reason or "登记簿中没有这份证书。", document, as_json)
    _out.give(document, _text(answer), as_json=as_json)


def _answer(session: Session, content: bytes, paper: str, scanned: str) -> Answer:
    if not content:
        return certificates.check(session, f"{paper} {scanned}".strip())
    answer = certificates.check_file(session, content)
    return certificates.check(session, f"{answer.number} {scanned}") if scanned else answer


def _check_offline(content: bytes, paper: str, scanned: str, keys: Path, *, as_json: bool) -> None:
    """What the signatures alone say: genuine as issued, nothing about what became of it since."""
    known = signatures.keys_of_list(_input.json_object(keys).get("keys"))
    try:
        payload = signatures.read_file(content, known) if content else {}
        token, number = certificates.read_typed(f"{paper} {scanned}" if not content else scanned)
        if token is not None:
            said = signatures.read(token, known)
            number = payload.get("number", number)
            if reason := certificates.another_paper(said, number):
                raise signatures.BadSignature(reason, code="another_paper")
            payload = said | payload
    except signatures.BadSignature as error:
        raise _not_genuine(error.message, {"genuine": False}, as_json) from error
    if not payload:
        raise Invalid("不连登记簿时，请给出证书 PDF 或扫码文本。", code="nothing_signed")
    _out.give(
        {"genuine": True, "ledger_checked": False, **payload},
        f"✓ 签名成立：{payload['number']}，{_out.kg(payload['amount_kg'])}，"
        f"{payload['issued_on']} 出具。未对台账查现状，可能此后已划转或注销。",
        as_json=as_json,
    )


def _not_genuine(reason: str, document: dict[str, Any], as_json: bool) -> typer.Exit:
    return _out.fail(
        _out.refused("not_genuine", reason, document),
        f"✗ 不能确认真实：{reason}",
        as_json=as_json,
    )


def _shown(answer: Answer) -> dict[str, Any]:
    return {
        "genuine": answer.genuine,
        "number": answer.number,
        "reason": answer.reason,
        "code": answer.code,
        "signed": answer.signed,
        "ended": answer.ended,
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
        + ("\n这份持有证书已终止：所载碳汇量此后有过变动。" if answer.ended else "")
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


@app.command("keys")
def list_keys(
    out: Annotated[Path | None, typer.Option(help="公钥文件写到这里")] = None, as_json: Json = False
) -> None:
    """签名公钥，已吊销的也在内；存成文件可供不联网查验。无需登录。"""
    with _database.public() as session:
        document = {"keys": signatures.published(session)}
    if out is not None:
        _out.write_file(out, _out.indented(document).encode())
    text = _out.table(
        ("密钥", "启用", "吊销", "公钥"),
        [
            (row["id"], row["since"][:10], (row["revoked_at"] or "")[:10] or "—", row["public_key"])
            for row in document["keys"]
        ],
        empty="还没有密钥；出具第一份证书时生成。",
    )
    _out.give(document, text, as_json=as_json)


@app.command("revoke-key")
def revoke_key(
    key: Annotated[str, typer.Argument(help="密钥编号，见 certificate keys")],
    reason: Annotated[str, typer.Option(help="吊销原因，公开可见")],
    as_json: Json = False,
) -> None:
    """吊销一把可能外泄的签名密钥（登记机构、管理员）；下一份证书用新密钥。"""
    with _database.acting() as (session, actor):
        row = signatures.revoke(session, actor, key, reason)
        document = {"id": row.id, "revoked_at": row.revoked_at, "reason": row.revoked_reason}
    _out.give(document, f"密钥 {key} 已吊销。", as_json=as_json)

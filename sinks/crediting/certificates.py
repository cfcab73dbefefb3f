"""Certificates: papers that say what the ledger says, each with a number that can be checked.

An issued certificate is stored as PDF and never rendered again; its SHA-256 stands in the record,
so that a changed byte shows. The state a check answers with is read from the ledger, not from the
paper: units on an old paper may have been retired since. Its QR code carries what it says with the
registry's signature, so that a forged paper cannot lead to a forged site; the file carries a
second signature over its own bytes, which needs no network to be checked.

One certificate of holding lives over a block at a time, and ends when one of its blocks moves.
"""

import dataclasses
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, documents, papers, policies, settings
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, refused_in_words
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.core.people import Party, PartyKind, masked
from sinks.crediting import ledger, serials, signatures
from sinks.crediting.ledger import Account, Batch, Block, BlockState
from sinks.crediting.projects import Project
from sinks.crediting.signatures import TOKEN_LENGTH_MAX, BadSignature

# Left out of a QR code, longest first, when it would not scan; their hash stands for them.
LONG_FACTS = ("serials", "holder", "court", "case_no")
# No certificate number has so many of these in a row, and no signed text has fewer.
TOKEN = re.compile(r"[A-Za-z0-9_-]{120,}")
NUMBER_LIKE = re.compile(r"HZC[0-9A-Z-]{10,}", re.IGNORECASE)


class CertificateKind(StrEnum):
    HOLDING = "holding"
    RETIREMENT = "retirement"


class Certificate(Base):
    """A paper: its number, the blocks it speaks of, and the hash of its PDF. Never changed."""

    __tablename__ = "certificate"

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    # What may be read by anybody: no personal name.
    public: Mapped[dict[str, Any]]
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    pdf_sha256: Mapped[str] = mapped_column(unique=True)
    # What the QR code carries; None on papers printed before certificates were signed.
    token: Mapped[str | None]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("court_case.id", use_alter=True))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class CertificateBlock(Base):
    """A range of units that a certificate speaks of."""

    __tablename__ = "certificate_block"

    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"), primary_key=True)
    block_id: Mapped[int] = mapped_column(ForeignKey("block.id"), primary_key=True)


class HoldingPaper(Base):
    """The certificate of holding that lives over a block; the database ends it."""

    __tablename__ = "holding_paper"

    block_id: Mapped[int] = mapped_column(
        ForeignKey("block.id"), primary_key=True, autoincrement=False
    )
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"), index=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a public check says. ``genuine`` False: no such certificate, with the reason and its
    code.

    amount_kg is what the paper says; the other amounts are what the ledger says now about the
    same serials. ``ended``: a certificate of holding whose units have moved since. ``signed``: a
    signature was shown and stands.
    """

    genuine: bool
    number: str
    reason: str | None = None
    code: str | None = None
    kind: str | None = None
    public: dict[str, Any] | None = None
    issued_at: datetime | None = None
    pdf_sha256: str | None = None
    amount_kg: int = 0
    held_kg: int = 0
    reserved_kg: int = 0
    retired_kg: int = 0
    ended: bool = False
    signed: bool = False


def certify_holding(session: Session, actor: Actor, account_id: int) -> Certificate:
    """A certificate of what an account holds now, for its own party or the registrar.

    Blocks over which another certificate lives are left out: two papers over the same units could
    be shown to two people.

    Raises
    ------
    Conflict
        Nothing is held, or all of it has its certificate, which is named.
    """
    actor.require(Role.COOPERATIVE, Role.DEVELOPER, Role.REGISTRAR)
    account = session.get(Account, account_id)
    if account is None or (
        account.party_id != actor.party_id and Role.REGISTRAR not in actor.roles
    ):
        raise NotFound("没有这个账户，或不是本单位的账户。", code="account")
    # Nothing of the account moves while the paper is printed, and nobody prints another.
    ledger.hold_accounts(session, account_id)
    held = [
        block for block, _ in ledger.blocks_of(session, account_id)
        if block.state == BlockState.HELD
    ]  # fmt: skip
    if not held:
        raise Conflict("这个账户没有持有的碳汇量，不能出具证书。", code="nothing_held")
    papers_over = _living_papers(session, held)
    blocks = [block for block in held if block.id not in papers_over]
    if not blocks:
        numbers = "、".join(sorted(set(papers_over.values())))
        raise Conflict(
            f"这个账户持有的碳汇量已出具证书 {numbers}，同一碳汇量不能有两份持有证书。"
            "需要时可再下载原件；碳汇量划转、预留或注销后原证书终止。",
            code="certified",
        )
    owner = session.get_one(Party, account.party_id) if account.party_id else None
    row = write(
        session, actor, kind=CertificateKind.HOLDING, blocks=blocks,
        public={"holder": _public_name(owner)}, private={},
    )  # fmt: skip
    moved = Conflict("碳汇量刚刚有了变动，证书没有出具，请重新办理。", code="moved")
    with refused_in_words(session, {"holding_paper_pkey": moved, "block_not_held": moved}):
        session.add_all(HoldingPaper(block_id=block.id, certificate_id=row.id) for block in blocks)
    return row


def _living_papers(session: Session, blocks: list[Block]) -> dict[int, str]:
    """Block id -> number of the certificate of holding that lives over it."""
    query = (
        select(HoldingPaper.block_id, Certificate.number)
        .join(Certificate, Certificate.id == HoldingPaper.certificate_id)
        .where(HoldingPaper.block_id.in_([block.id for block in blocks]))
    )
    return {block_id: number for block_id, number in session.execute(query)}


def _public_name(party: Party | None) -> str:
    """A holder's name as anybody may read it: a household's is masked."""
    if party is None:
        return ""
    return masked(party.name) if party.kind == PartyKind.HOUSEHOLD else party.name


def write(
    session: Session,
    actor: Actor,
    *,
    kind: CertificateKind,
    blocks: list[Block],
    public: dict[str, Any],
    private: dict[str, Any],
    case_id: int | None = None,
) -> Certificate:
    """Number, print and file a certificate over blocks.

    public : stored and shown to anybody; private : printed only.
    """
    sequence = session.execute(text("SELECT nextval('certificate_seq')")).scalar_one()
    issued_at = now(session)
    number = serials.certificate_number(issued_at.year, sequence)
    lines = [_line(session, block) for block in blocks]
    demonstration = policies.demonstration_in_force(session) or any(
        line["demonstration"] for line in lines
    )
    facts = {
        **public,
        "lines": [{k: v for k, v in line.items() if k != "demonstration"} for line in lines],
        "amount_kg": sum(line["amount_kg"] for line in lines),
        "demonstration": demonstration,
    }
    brief = _brief(number, kind, issued_at, facts)
    token = signatures.sign(session, actor, _short_enough({**brief, **_named(facts)}))
    content = signatures.seal_file(
        session, actor, brief,
        papers.pdf(
            f"certificate_{kind}.html",
            {
                **facts, **private, "number": number, "issued_at": issued_at,
                "check_url": check_url(number), "qr": papers.qr_svg(scan_url(token)),
                "key_id": signatures.key_of(token),
            },
        ),
    )  # fmt: skip
    document = documents.file(
        session, actor, kind="certificate", name=f"{number}.pdf", content=content,
        subject=f"certificate:{number}",
    )  # fmt: skip
    row = Certificate(
        number=number,
        kind=kind,
        public=facts,
        document_id=document.id,
        pdf_sha256=document.sha256,
        token=token,
        case_id=case_id,
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    session.add_all(CertificateBlock(certificate_id=row.id, block_id=block.id) for block in blocks)
    session.flush()
    audit.record(session, actor, "certificate.write", f"certificate:{number}", {"kind": kind})
    return row


def _brief(number: str, kind: str, issued_at: datetime, facts: dict[str, Any]) -> dict[str, Any]:
    """What both signatures of a certificate say."""
    return {
        "number": number,
        "kind": str(kind),
        "issued_on": f"{issued_at:%Y-%m-%d}",
        "amount_kg": facts["amount_kg"],
        "demonstration": facts["demonstration"],
    }


def _named(facts: dict[str, Any]) -> dict[str, Any]:
    """What the QR code says besides: whose, for what, and the serials. No personal name."""
    named = {name: facts[name] for name in ("holder", "case_no", "court") if facts.get(name)}
    return {**named, "serials": [line["serial"] for line in facts["lines"]]}


def _short_enough(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload, with as many of its long facts put as hashes as a QR code needs."""
    # Base64 makes four characters of three bytes; signature and key id are signed to the end.
    room = TOKEN_LENGTH_MAX * 3 // 4 - signatures.SIGNATURE_BYTES - signatures.KEY_ID_BYTES
    for name in LONG_FACTS:
        if len(signatures.canonical(payload)) <= room:
            break
        if name in payload:
            content = signatures.canonical({name: payload.pop(name)})
            payload[f"{name}_sha256"] = hashlib.sha256(content).hexdigest()
    return payload


def _line(session: Session, block: Block) -> dict[str, Any]:
    batch = session.get_one(Batch, block.batch_id)
    project = session.get_one(Project, batch.project_id)
    return {
        "serial": ledger.serial_of(session, block),
        "vintage": batch.vintage,
        "units": block.count,
        "unit_kg": batch.unit_kg,
        "amount_kg": block.count * batch.unit_kg,
        "method_id": project.method_id,
        "project": project.name,
        "project_code": project.code,
        "filing_no": project.filing_no,
        "sink_type": project.sink_type,
        "district_code": project.district_code,
        "demonstration": project.demonstration,
    }


def check_url(number: str) -> str:
    """The address of the public check of a number."""
    return f"{_site()}/public/check?number={number}"


def scan_url(token: str) -> str:
    """What the QR code holds: the public check with the signed text in it, so that a telephone
    opens it and a program reads it without any network."""
    return f"{_site()}/public/check?c={token}"


def _site() -> str:
    office = settings.load()
    return office.public_url or f"http://localhost:{office.port}"


def check(session: Session, typed: str) -> Answer:
    """Check what somebody typed or scanned, a number or a signed text or both, against signature
    and ledger. Never raises for a forged one: that is an answer."""
    token, number = read_typed(typed)
    if token is None:
        return _check_number(session, number)
    try:
        payload = signatures.read(token, signatures.keys(session))
    except BadSignature as error:
        return Answer(False, "", reason=error.message, code=error.code)
    if reason := another_paper(payload, number):
        return Answer(False, str(payload["number"]), reason=reason, code="another_paper")
    answer = _check_number(session, str(payload.get("number")))
    row = session.scalar(select(Certificate).where(Certificate.number == answer.number))
    if row is None or row.token != token:
        return Answer(
            False, str(payload.get("number")), code="not_in_ledger",
            reason="签名成立，但登记簿没有出具过这样内容的证书。请立即告知登记机构。",
        )  # fmt: skip
    return dataclasses.replace(answer, signed=True)


def read_typed(typed: str) -> tuple[str | None, str]:
    """The signed text and the number in what somebody typed or scanned; the number is what was
    typed, less any address, when it holds no signed text."""
    token = TOKEN.search(typed)
    if token is None:
        return None, typed.split("number=")[-1].strip()
    rest = typed[: token.start()] + " " + typed[token.end() :]
    number = NUMBER_LIKE.search(rest)
    return token[0], number[0] if number else ""


def another_paper(payload: dict[str, Any], number: str) -> str | None:
    """Why a signed text does not belong to the paper of this number; None when it does, or when
    no number was given."""
    if not number or serials.same_number(number, str(payload.get("number"))):
        return None
    return f"二维码是另一份证书 {payload.get('number')} 的，与编号 {number} 不符。"


def _check_number(session: Session, wanted: str) -> Answer:
    try:
        number = serials.check_certificate_number(wanted)
    except Invalid as error:
        return Answer(False, wanted[:60], reason=error.message, code=error.code)
    row = session.scalar(select(Certificate).where(Certificate.number == number))
    if row is None:
        return Answer(
            False, number, reason="编号格式正确，但登记簿中没有这份证书。", code="no_certificate"
        )
    amounts = _state_now(session, row.id)
    return Answer(
        genuine=True,
        number=number,
        kind=row.kind,
        public=row.public,
        issued_at=row.recorded_at,
        pdf_sha256=row.pdf_sha256,
        amount_kg=int(row.public["amount_kg"]),
        held_kg=amounts.get(BlockState.HELD, 0),
        reserved_kg=amounts.get(BlockState.RESERVED, 0),
        retired_kg=amounts.get(BlockState.RETIRED, 0),
        ended=row.kind == CertificateKind.HOLDING and not _lives(session, row.id),
    )


def _lives(session: Session, certificate_id: int) -> bool:
    """Whether a certificate of holding still speaks for every block on it."""
    over = select(HoldingPaper.block_id).where(HoldingPaper.certificate_id == certificate_id)
    gone = select(CertificateBlock).where(
        CertificateBlock.certificate_id == certificate_id, CertificateBlock.block_id.not_in(over)
    )
    return not session.scalar(select(gone.exists()))


def _state_now(session: Session, certificate_id: int) -> dict[str, int]:
    """Kilograms of the certificate's serials by the state they are in now."""
    rows = session.execute(
        text(
            """
            SELECT b.state, sum((upper(b.units * o.units) - lower(b.units * o.units)) * t.unit_kg)
            FROM certificate_block c JOIN block o ON o.id = c.block_id
                 JOIN block b ON b.batch_id = o.batch_id AND b.live AND b.units && o.units
                 JOIN batch t ON t.id = b.batch_id
            WHERE c.certificate_id = :id GROUP BY b.state
            """
        ),
        {"id": certificate_id},
    )
    return {state: int(amount_kg) for state, amount_kg in rows}


def check_file(session: Session, content: bytes) -> Answer:
    """Check a PDF: genuine only when it is, byte for byte, one that was issued."""
    sha256 = hashlib.sha256(content).hexdigest()
    row = session.scalar(select(Certificate).where(Certificate.pdf_sha256 == sha256))
    if row is not None:
        signed = row.token is not None and signatures.stands(session, row.token)
        return dataclasses.replace(_check_number(session, row.number), signed=signed)
    try:
        signatures.read_file(content, signatures.keys(session))
    except BadSignature as error:
        return Answer(
            False, "", reason=f"这个文件不是登记簿签发的原件：{error.message}", code=error.code
        )
    return Answer(
        False, "", reason="签名成立，但登记簿没有出具过这个文件。请立即告知登记机构。",
        code="not_in_ledger",
    )  # fmt: skip


def pdf_of(session: Session, actor: Actor, number: str) -> bytes:
    """The stored PDF, for a signed-in person; the public reads the check page."""
    actor.require(Role.COOPERATIVE, Role.DEVELOPER, Role.REGISTRAR, Role.COURT, Role.PROSECUTOR,
                  Role.AUDITOR)  # fmt: skip
    row = session.scalar(select(Certificate).where(Certificate.number == number))
    if row is None:
        raise NotFound("没有这份证书。", code="certificate")
    return documents.content_of(session.get_one(documents.Document, row.document_id))


def listing(session: Session) -> list[Certificate]:
    """Certificates, newest first."""
    return list(session.scalars(select(Certificate).order_by(Certificate.id.desc())))

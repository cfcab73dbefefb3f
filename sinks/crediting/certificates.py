"""Certificates: papers that say what the ledger says, each with a number that can be checked.

An issued certificate is stored as PDF and never rendered again; its SHA-256 stands in the record,
so that a changed byte shows. The state a check answers with is read from the ledger, not from the
paper: units on an old paper may have been retired since.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, documents, papers, policies, settings
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.core.people import Party, PartyKind, masked
from sinks.crediting import ledger, serials
from sinks.crediting.ledger import Account, Batch, Block, BlockState
from sinks.crediting.projects import Project


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
    case_id: Mapped[int | None] = mapped_column(ForeignKey("court_case.id", use_alter=True))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class CertificateBlock(Base):
    """A range of units that a certificate speaks of."""

    __tablename__ = "certificate_block"

    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"), primary_key=True)
    block_id: Mapped[int] = mapped_column(ForeignKey("block.id"), primary_key=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a public check says. ``genuine`` False: no such certificate, with the reason.

    amount_kg is what the paper says; the other amounts are what the ledger says now about the
    same serials.
    """

    genuine: bool
    number: str
    reason: str | None = None
    kind: str | None = None
    public: dict[str, Any] | None = None
    issued_at: datetime | None = None
    pdf_sha256: str | None = None
    amount_kg: int = 0
    held_kg: int = 0
    reserved_kg: int = 0
    retired_kg: int = 0


def certify_holding(session: Session, actor: Actor, account_id: int) -> Certificate:
    """A certificate of what an account holds now, for its own party or the registrar."""
    actor.require(Role.COOPERATIVE, Role.DEVELOPER, Role.REGISTRAR)
    account = session.get(Account, account_id)
    if account is None or (
        account.party_id != actor.party_id and Role.REGISTRAR not in actor.roles
    ):
        raise NotFound("没有这个账户，或不是本单位的账户。", code="account")
    blocks = [
        block for block, _ in ledger.blocks_of(session, account_id)
        if block.state == BlockState.HELD
    ]  # fmt: skip
    if not blocks:
        raise Conflict("这个账户没有持有的碳汇量，不能出具证书。", code="nothing_held")
    owner = session.get_one(Party, account.party_id) if account.party_id else None
    return write(
        session, actor, kind=CertificateKind.HOLDING, blocks=blocks,
        public={"holder": _public_name(owner)}, private={},
    )  # fmt: skip


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
    content = papers.pdf(
        f"certificate_{kind}.html",
        {
            **facts, **private, "number": number, "issued_at": issued_at,
            "check_url": check_url(number), "qr": papers.qr_svg(check_url(number)),
        },
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
        case_id=case_id,
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    session.add_all(CertificateBlock(certificate_id=row.id, block_id=block.id) for block in blocks)
    session.flush()
    audit.record(session, actor, "certificate.write", f"certificate:{number}", {"kind": kind})
    return row


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
    """The address of the public check of a number, in the QR code."""
    office = settings.load()
    return f"{office.public_url or f'http://localhost:{office.port}'}/public/check?number={number}"


def check(session: Session, typed: str) -> Answer:
    """Check a number as somebody typed or scanned it against the ledger. Never raises for a
    forged one: that is an answer."""
    wanted = typed.split("number=")[-1].strip()
    try:
        number = serials.check_certificate_number(wanted)
    except Invalid as error:
        return Answer(False, wanted[:60], reason=error.message)
    row = session.scalar(select(Certificate).where(Certificate.number == number))
    if row is None:
        return Answer(False, number, reason="编号格式正确，但登记簿中没有这份证书。")
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
    )


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
    if row is None:
        return Answer(False, "", reason="这个文件不是登记簿签发的原件，或已被改动。")
    return check(session, row.number)


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

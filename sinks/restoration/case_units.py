"""The units of a court case: the seller locks them and is paid, the registrar retires and certifies.

Retired units answer for damages (民法典 1235), never for the duty to restore (1234): that line of
the order stays open whatever is retired.
"""

from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.core import documents
from sinks.core.actor import Actor, Role
from sinks.core.db import today
from sinks.core.errors import Conflict, NotFound, NotPermitted
from sinks.core.people import Party, masked
from sinks.crediting import certificates, ledger
from sinks.crediting.certificates import Certificate, CertificateKind
from sinks.crediting.ledger import Account, AccountKind, Block, BlockState
from sinks.crediting.projects import Project
from sinks.restoration import cases
from sinks.restoration.cases import CaseLock, CourtCase, Damage, Status

NAMESPACE = UUID("0d7b8a62-55cd-4a0f-8a0e-3a4f5d6c1e22")


def lock_units(session: Session, actor: Actor, case_id: int, *, account_id: int) -> CaseLock:
    """The seller locks units for the case: whole units, never fewer than ordered.

    Raises
    ------
    Conflict
        Too few units, or units of another kind without the court's exception.
    """
    actor.require(Role.COOPERATIVE)
    row = cases.locked(session, case_id)
    order = cases.order_of(session, case_id)
    account = session.get(Account, account_id)
    if (
        order is None
        or account is None
        or row.seller_id != actor.party_id
        or account.party_id != actor.party_id
        or account.kind != AccountKind.HOLDING
    ):
        raise NotFound("没有指定给本合作社的这个案件，或不是本社的账户。", code="case")
    held = [
        item for item in ledger.blocks_of(session, account_id) if item[0].state == BlockState.HELD
    ]
    if not held:
        raise Conflict("这个账户没有持有的碳汇量。", code="nothing_held")
    kinds = {session.get_one(Project, batch.project_id).sink_type for _, batch in held}
    if not kinds <= set(cases.SAME_KIND[Damage(row.damage)]) and not order.kind_exception:
        raise Conflict("碳汇类型与受损类型不同质，须由法院写明例外理由。", code="kind")
    unit_kg = held[0][1].unit_kg
    if any(batch.unit_kg != unit_kg for _, batch in held):
        raise Conflict("账户内登记单位不一，请登记机构处理。", code="unit")
    units = -(-order.quantity_kg // unit_kg)
    cases.move(row, Status.LOCKED)
    ledger.change_state(
        session, account_id=account_id, units=units, from_state=BlockState.HELD,
        to_state=BlockState.RESERVED, case_id=case_id,
    )  # fmt: skip
    lock = CaseLock(
        case_id=case_id,
        account_id=account_id,
        units=units,
        unit_kg=unit_kg,
        person_id=actor.person_id,
    )
    session.add(lock)
    cases.note(session, actor, row, "lock", {"units": units, "unit_kg": unit_kg})
    return lock


def record_payment(
    session: Session, actor: Actor, case_id: int, *, voucher: tuple[str, bytes]
) -> CourtCase:
    """The seller puts the payment voucher on file (file name, content)."""
    actor.require(Role.COOPERATIVE)
    row = cases.locked(session, case_id)
    if row.seller_id != actor.party_id:
        raise NotFound("没有指定给本合作社的这个案件。", code="case")
    cases.move(row, Status.PAID)
    documents.file(
        session, actor, kind="payment", name=voucher[0], content=voucher[1],
        subject=f"case:{case_id}",
    )  # fmt: skip
    cases.note(session, actor, row, "paid", {})
    return row


def retire(session: Session, actor: Actor, case_id: int) -> list[Block]:
    """The registrar retires the locked units for the case, once and for good.

    Raises
    ------
    Conflict
        Not paid, or the decision is not in effect yet: retirement cannot be undone.
    """
    actor.require(Role.REGISTRAR)
    row = cases.locked(session, case_id)
    order, lock = cases.order_of(session, case_id), session.get(CaseLock, case_id)
    if order is None or lock is None:
        raise Conflict("尚无决定或尚未锁定碳汇量。", code="step")
    if order.effective_on > today(session):
        raise Conflict(
            f"决定自 {order.effective_on} 起生效，生效前不能注销。", code="not_effective"
        )
    if actor.person_id == lock.person_id:
        raise NotPermitted("锁定与注销须由不同的人办理。", code="two_people")
    cases.move(row, Status.RETIRED)
    target = ledger.account(session, AccountKind.RETIRED)
    blocks = ledger.move_units(
        session, actor, id=uuid5(NAMESPACE, f"case/{case_id}"), from_id=lock.account_id,
        to_id=target.id, units=lock.units, from_state=BlockState.RESERVED,
        to_state=BlockState.RETIRED, reason=f"court case {case_id}", case_id=case_id,
    )  # fmt: skip
    cases.note(session, actor, row, "retire", {"units": lock.units})
    return blocks


def certify(session: Session, actor: Actor, case_id: int) -> Certificate:
    """The certificate of retirement. It proves retirement, not restoration."""
    actor.require(Role.REGISTRAR)
    row = cases.locked(session, case_id)
    cases.move(row, Status.CERTIFIED)
    blocks = list(
        session.scalars(
            select(Block)
            .where(Block.case_id == case_id, Block.state == BlockState.RETIRED, Block.live)
            .order_by(Block.id)
        )
    )
    court = session.get_one(Party, row.court_id)
    order = cases.order_of(session, case_id)
    site = cases.site_of(session, case_id)
    certificate = certificates.write(
        session, actor, kind=CertificateKind.RETIREMENT, blocks=blocks, case_id=case_id,
        public={
            "case_no": row.case_no,
            "court": court.name,
            "defendant_masked": masked(row.defendant),
            "purpose": "替代履行生态环境损害赔偿责任",
            "legal_basis": order.legal_basis if order else "",
            "site_area_m2": site.area_m2 if site else 0.0,
            "ordered_kg": order.quantity_kg if order else 0,
            "price_fen_t": order.price_fen_t if order else None,
            "retired_at": _retired_at(session, blocks),
            "transfer_id": str(blocks[0].transfer_id),
        },
        private={},
    )  # fmt: skip
    cases.note(session, actor, row, "certify", {"number": certificate.number})
    return certificate


def _retired_at(session: Session, blocks: list[Block]) -> str:
    """When the ledger retired these blocks, by the database's clock, to the minute."""
    transfer = session.get_one(ledger.Transfer, blocks[0].transfer_id)
    return transfer.recorded_at.strftime("%Y-%m-%d %H:%M")

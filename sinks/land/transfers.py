"""Transfers: a right on a parcel passes to another holder, by a new certificate, from a date on.

One officer files it with the paper, another accepts it. The old right is ended on that date and
kept; the new one stands beside it in the parcel's history. Contracts and projects on the parcel are
told (`sinks.cooperative.land_changes`): what they agreed was agreed with the holder before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party, PartyKind, masked
from sinks.land import parcels, rights
from sinks.land.parcels import Status
from sinks.land.rights import CertificateKind, ParcelRight


class RightTransfer(Base):
    """One right on its way to another holder. ``accepted`` is None until a second officer decides."""

    __tablename__ = "right_transfer"
    __table_args__ = (
        CheckConstraint("decided_by_id <> proposed_by_id", name="two_people"),
        CheckConstraint("(accepted is null) = (decided_by_id is null)", name="decided"),
        CheckConstraint("share > 0 and share <= 1", name="share"),
        Index(
            "right_transfer_one_open", "right_id",
            unique=True, postgresql_where=text("accepted is null"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    right_id: Mapped[int] = mapped_column(ForeignKey("parcel_right.id"))
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    share: Mapped[Decimal] = mapped_column(Numeric(9, 8))
    certificate_kind: Mapped[str]
    certificate_no: Mapped[str]
    term_from: Mapped[date | None]
    term_to: Mapped[date | None]
    transferred_on: Mapped[date]
    reason: Mapped[str]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    accepted: Mapped[bool | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]


class RightTransferTold(Base):
    """A party whose contract or project stands on the parcel, and who of it has taken note."""

    __tablename__ = "right_transfer_told"

    transfer_id: Mapped[int] = mapped_column(ForeignKey("right_transfer.id"), primary_key=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)  # contract:3, project:1
    recorded_at: Mapped[RecordedAt]
    seen_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    seen_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Passed:
    """A transfer as a person reads it, with the names of the holders before and after."""

    transfer_id: int
    kind: str
    before: str
    after: str
    share: Decimal
    certificate_no: str
    transferred_on: date
    accepted: bool | None
    proposed_by_id: int


def propose(
    session: Session,
    actor: Actor,
    *,
    right_id: int,
    party_id: int,
    certificate_kind: str,
    certificate_no: str,
    transferred_on: date,
    reason: str,
    share: Decimal | None = None,
    term_from: date | None = None,
    term_to: date | None = None,
) -> RightTransfer:
    """File the passing of a reviewed right, or of a share of it, to another holder.

    share : of the whole right (not of the holder's part); the holder's whole part when not given

    Raises
    ------
    Invalid, Conflict
        The right is not reviewed or has ended, the same holder, a share above what he holds, a day
        to come, a transfer of this right waiting already.
    """
    actor.require(Role.OFFICER)
    held = session.get(ParcelRight, right_id, with_for_update=True, populate_existing=True)
    if held is None or held.ended_on is not None or held.reviewed_at is None:
        raise Conflict("只有已审、未终止的权利可以转移。", code="right")
    parcel = parcels.locked(session, held.parcel_id)
    if parcel.status == Status.WITHDRAWN:
        raise Conflict(f"地块 {parcel.code} 已退出。", code="step")
    if certificate_kind not in list(CertificateKind) or not certificate_no.strip():
        raise Invalid("请填写新权利人的证书种类和编号。", code="certificate_no")
    if not reason.strip():
        raise Invalid("请写明转移的依据（流转合同、继承、判决等）。", code="reason")
    if party_id == held.party_id:
        raise Invalid("新权利人与原权利人相同。", code="same_holder")
    if session.get(Party, party_id) is None:
        raise Invalid("请选择新权利人。", code="owner")
    if not 0 < (share or held.share) <= held.share:
        raise Invalid(f"转移的份额应大于 0、不超过原权利人持有的 {held.share:g}。", code="share")
    if term_to and term_to <= (term_from or transferred_on):
        raise Invalid("期限的终止日应晚于起始日。", code="term")
    if transferred_on > today(session):
        raise Invalid("转移日期不能晚于今天，届时再办。", code="transferred_on")
    if _waiting(session, right_id):
        raise Conflict("这项权利已有一笔转移等待复核。", code="waiting")
    row = RightTransfer(
        parcel_id=parcel.id,
        right_id=right_id,
        party_id=party_id,
        share=share or held.share,
        certificate_kind=certificate_kind,
        certificate_no=certificate_no.strip()[:100],
        term_from=term_from,
        term_to=term_to,
        transferred_on=transferred_on,
        reason=reason.strip(),
        proposed_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, actor, "transfer.propose", f"parcel:{parcel.id}",
        {"transfer": row.id, "kind": held.kind},
    )  # fmt: skip
    return row


def _waiting(session: Session, right_id: int) -> int | None:
    return session.scalar(
        select(RightTransfer.id).where(
            RightTransfer.right_id == right_id, RightTransfer.accepted.is_(None)
        )
    )


def accept(session: Session, actor: Actor, transfer_id: int) -> RightTransfer:
    """A second officer accepts: the old right ends on the day, the new one stands from then on.

    What the holder keeps of a right he gave a part of stands on, by the same certificate.
    """
    row = _undecided(session, actor, transfer_id)
    held = session.get_one(ParcelRight, row.right_id, with_for_update=True, populate_existing=True)
    if held.ended_on is not None:
        raise Conflict("原权利已经终止。", code="right")
    at = now(session)
    held.ended_on = row.transferred_on
    reviewed = {"reviewed_by_id": actor.person_id, "reviewed_at": at}
    new = rights.copied(
        held, party_id=row.party_id, share=row.share, certificate_kind=row.certificate_kind,
        certificate_no=row.certificate_no, term_from=row.term_from or row.transferred_on,
        term_to=row.term_to, added_by_id=row.proposed_by_id, **reviewed,
    )  # fmt: skip
    session.add(new)
    if held.share > row.share:
        session.add(
            rights.copied(
                held, share=held.share - row.share, added_by_id=row.proposed_by_id, **reviewed
            )
        )
    _decide(session, actor, row, accepted=True, reason="")
    return row


def refuse(session: Session, actor: Actor, transfer_id: int, reason: str) -> RightTransfer:
    """A second officer refuses: nothing changes, and the ground stays on file."""
    if not reason.strip():
        raise Invalid("请写明不同意的原因。", code="reason")
    row = _undecided(session, actor, transfer_id)
    _decide(session, actor, row, accepted=False, reason=reason.strip())
    return row


def _undecided(session: Session, actor: Actor, transfer_id: int) -> RightTransfer:
    actor.require(Role.OFFICER)
    row = session.get(RightTransfer, transfer_id, with_for_update=True, populate_existing=True)
    if row is None or row.accepted is not None:
        raise NotFound("没有这笔待复核的权属转移。", code="transfer")
    if row.proposed_by_id == actor.person_id:
        raise NotPermitted("录入转移的人不能复核，须由另一位林业员办理。", code="two_people")
    return row


def _decide(
    session: Session, actor: Actor, row: RightTransfer, *, accepted: bool, reason: str
) -> None:
    at = now(
        session
    )  # Asked first: a query sends what was changed, and the row would be half a step.
    row.accepted, row.decision_reason = accepted, reason or None
    row.decided_by_id, row.decided_at = actor.person_id, at
    session.flush()
    audit.record(
        session, actor, "transfer.accept" if accepted else "transfer.refuse",
        f"parcel:{row.parcel_id}", {"transfer": row.id, **({"reason": reason} if reason else {})},
    )  # fmt: skip


def tell(
    session: Session, actor: Actor, row: RightTransfer, told: Iterable[tuple[int, str]]
) -> None:
    """Write down who has to know of an accepted transfer: (party id, ``contract:n``/``project:n``)."""
    for party_id, subject in told:
        session.add(RightTransferTold(transfer_id=row.id, party_id=party_id, subject=subject))
        audit.record(
            session, actor, "transfer.told", subject,
            {"transfer": row.id, "parcel": row.parcel_id},
        )  # fmt: skip
    session.flush()


def unseen(session: Session, actor: Actor, transfer_id: int) -> bool:
    """Whether this person's party was told of a transfer and nobody of it has taken note."""
    row = session.scalar(
        select(RightTransferTold.transfer_id).where(
            RightTransferTold.transfer_id == transfer_id,
            RightTransferTold.party_id == actor.party_id,
            RightTransferTold.seen_at.is_(None),
        )
    )
    return row is not None


def take_note(session: Session, actor: Actor, transfer_id: int) -> None:
    """A person of a party that was told has read it."""
    rows = list(
        session.scalars(
            select(RightTransferTold)
            .where(
                RightTransferTold.transfer_id == transfer_id,
                RightTransferTold.party_id == actor.party_id,
                RightTransferTold.seen_at.is_(None),
            )
            .with_for_update()
        )
    )
    if not rows:
        raise NotFound("没有待知悉的权属转移。", code="transfer")
    for row in rows:
        row.seen_by_id, row.seen_at = actor.person_id, now(session)
        audit.record(session, actor, "transfer.seen", row.subject, {"transfer": transfer_id})


def of_parcel(session: Session, parcel_id: int, *, names: bool) -> list[Passed]:
    """The transfers on a parcel, newest first, as far as this person may see them.

    names : whether this person reads the names of households
    """
    found = session.execute(
        select(RightTransfer, ParcelRight)
        .join(ParcelRight, ParcelRight.id == RightTransfer.right_id)
        .where(RightTransfer.parcel_id == parcel_id)
        .order_by(RightTransfer.id.desc())
    )
    return [
        Passed(
            row.id, held.kind, _name(session, held.party_id, names),
            _name(session, row.party_id, names), row.share, row.certificate_no, row.transferred_on,
            row.accepted, row.proposed_by_id,
        )
        for row, held in found
    ]  # fmt: skip


def _name(session: Session, party_id: int, names: bool) -> str:
    party = session.get_one(Party, party_id)
    return party.name if names or party.kind != PartyKind.HOUSEHOLD else masked(party.name)


def awaiting(session: Session) -> list[RightTransfer]:
    """Transfers that a second officer has still to decide, oldest first."""
    query = select(RightTransfer).where(RightTransfer.accepted.is_(None))
    return list(session.scalars(query.order_by(RightTransfer.id)))

"""Rights: who holds what on a parcel, by which certificate, until when; reviewed by a second officer.

Several parties, several rights and several certificates a parcel. The rows name households, so
row-level security keeps them from the public.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party
from sinks.land import parcels
from sinks.land.parcels import Status


class RightKind(StrEnum):
    LAND_OWNERSHIP = "land_ownership"
    LAND_USE = "land_use"
    TREE_OWNERSHIP = "tree_ownership"
    TREE_USE = "tree_use"
    MANAGEMENT = "management"
    SINK_INCOME = "sink_income"


RIGHT_ZH = {
    RightKind.LAND_OWNERSHIP: "林地所有权",
    RightKind.LAND_USE: "林地使用权",
    RightKind.TREE_OWNERSHIP: "林木所有权",
    RightKind.TREE_USE: "林木使用权",
    RightKind.MANAGEMENT: "经营权",
    RightKind.SINK_INCOME: "碳汇收益权",
}


class CertificateKind(StrEnum):
    REAL_ESTATE = "real_estate"
    FOREST_RIGHT = "forest_right"
    CONTRACT = "contract"
    RESOLUTION = "resolution"


CERTIFICATE_ZH = {
    CertificateKind.REAL_ESTATE: "不动产权证书",
    CertificateKind.FOREST_RIGHT: "林权证",
    CertificateKind.CONTRACT: "承包或流转合同",
    CertificateKind.RESOLUTION: "集体决议及附图",
}
# An imported file may name the owner and no certificate; such a right is never accepted.
CERTIFICATE_PENDING = "待补"
# Soft: real certificates are written in many ways; a number that looks different is questioned.
USUAL_FORMS = {
    CertificateKind.REAL_ESTATE: re.compile(r"^.{1,3}[（(]20\d{2}[）)].+不动产权第\d+号$"),
    CertificateKind.FOREST_RIGHT: re.compile(r"^.*林证字[（(].+[）)]第.+号$"),
}


class ParcelRight(Base):
    """One right of one party on one parcel, with its share and its paper."""

    __tablename__ = "parcel_right"
    __table_args__ = (
        CheckConstraint("share > 0 and share <= 1", name="share"),
        CheckConstraint("reviewed_by_id <> added_by_id", name="second_officer"),
        CheckConstraint("term_to is null or term_to > term_from", name="term"),
    )

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    kind: Mapped[str]
    share: Mapped[Decimal] = mapped_column(Numeric(9, 8))
    certificate_kind: Mapped[str]
    certificate_no: Mapped[str]
    term_from: Mapped[date | None]
    term_to: Mapped[date | None]
    added_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[datetime | None]


def add(
    session: Session,
    actor: Actor,
    *,
    parcel_id: int,
    party_id: int,
    kind: str,
    certificate_kind: str,
    certificate_no: str,
    share: Decimal = Decimal(1),
    term_from: date | None = None,
    term_to: date | None = None,
) -> ParcelRight:
    """Add a right to a parcel that is not enrolled yet.

    Raises
    ------
    Invalid, Conflict
        No such kind, no certificate, shares of one kind above the whole, parcel already enrolled.
    """
    actor.require(Role.OFFICER)
    if kind not in list(RightKind) or certificate_kind not in list(CertificateKind):
        raise Invalid("请选择权利种类和证书种类。", code="right_kind")
    if not certificate_no.strip():
        raise Invalid("请填写证书或合同编号。", code="certificate_no")
    if not 0 < share <= 1:
        raise Invalid("份额应大于 0、不超过 1。", code="share")
    if term_to and term_from and term_to <= term_from:
        raise Invalid("期限的终止日应晚于起始日。", code="term")
    parcel = parcels.locked(session, parcel_id)
    if parcel.status not in (Status.DRAFT, Status.SUBMITTED):
        raise Conflict("权属材料已审，不能再增改。", code="reviewed")
    held = sum(
        (row.share for row, _ in of_parcel(session, parcel_id) if row.kind == kind), Decimal(0)
    )
    if held + share > 1:
        raise Conflict(
            f"{RIGHT_ZH[RightKind(kind)]}的份额合计将为 {held + share}，超过 1。", code="shares"
        )
    row = ParcelRight(
        parcel_id=parcel_id,
        party_id=party_id,
        kind=kind,
        share=share,
        certificate_kind=certificate_kind,
        certificate_no=certificate_no.strip()[:100],
        term_from=term_from,
        term_to=term_to,
        added_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "right.add", f"parcel:{parcel_id}", {"kind": kind, "id": row.id})
    return row


def review(session: Session, actor: Actor, parcel_id: int) -> None:
    """A second officer accepts the papers of a submitted parcel.

    Raises
    ------
    NotPermitted
        The officer drew the parcel or added one of the rights.
    Conflict
        No right on file, or one that has run out.
    """
    actor.require(Role.OFFICER)
    parcel = parcels.locked(session, parcel_id)
    rows = [row for row, _ in of_parcel(session, parcel_id)]
    if not rows:
        raise Conflict("没有任何权属材料，不能通过审查。", code="no_rights")
    drew_id = parcels.present_version(session, parcel_id).created_by_id
    if actor.person_id in {parcel.created_by_id, drew_id, *(row.added_by_id for row in rows)}:
        raise NotPermitted("勾绘或录入权属的人不能审查，须由另一位林业员办理。", code="two_people")
    if pending := [row for row in rows if row.certificate_no == CERTIFICATE_PENDING]:
        raise Conflict(
            f"{len(pending)} 项权利的证书编号{CERTIFICATE_PENDING}，请补录后再审。",
            code="no_certificate",
        )
    ran_out = [row for row in rows if row.term_to and row.term_to <= now(session).date()]
    if ran_out:
        raise Conflict(f"{ran_out[0].certificate_no} 的期限已过。", code="term_over")
    parcels.step(session, actor, parcel_id, Status.RIGHTS_REVIEWED)
    for row in rows:
        row.reviewed_by_id, row.reviewed_at = actor.person_id, now(session)


def remove(session: Session, actor: Actor, right_id: int) -> None:
    """Take back a right that was entered by mistake, before it is reviewed."""
    actor.require(Role.OFFICER)
    row = session.get(ParcelRight, right_id, with_for_update=True, populate_existing=True)
    if row is None or row.reviewed_at:
        raise NotFound("没有这条未审的权属记录。", code="right")
    audit.record(session, actor, "right.remove", f"parcel:{row.parcel_id}", {"kind": row.kind})
    session.delete(row)


def of_parcel(session: Session, parcel_id: int) -> list[tuple[ParcelRight, Party]]:
    """The rights on a parcel with their holders, as far as this person may see them."""
    query = (
        select(ParcelRight, Party)
        .join(Party, Party.id == ParcelRight.party_id)
        .where(ParcelRight.parcel_id == parcel_id)
        .order_by(ParcelRight.id)
    )
    return [(row, party) for row, party in session.execute(query)]


def looks_unusual(certificate_kind: str, certificate_no: str) -> bool:
    """Whether the number is not in the usual form of its kind; a question, not a refusal."""
    usual = USUAL_FORMS.get(CertificateKind(certificate_kind))
    return usual is not None and not usual.match(certificate_no)

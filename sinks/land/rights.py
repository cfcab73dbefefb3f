"""Rights: who holds what on a parcel, by which certificate, until when; reviewed by a second officer.

Several parties, several rights and several certificates a parcel. The rows name households, so
row-level security keeps them from the public. Where papers disagree, the order of evidence
(`EVIDENCE`) says which one is followed.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party, PartyKind
from sinks.land import consents, parcels
from sinks.land.parcels import Parcel, Status


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
    TOWNSHIP = "township"


CERTIFICATE_ZH = {
    CertificateKind.REAL_ESTATE: "不动产权证书",
    CertificateKind.FOREST_RIGHT: "林权证",
    CertificateKind.CONTRACT: "承包或流转合同",
    CertificateKind.RESOLUTION: "集体决议及附图",
    CertificateKind.TOWNSHIP: "乡镇证明（暂用）",
}
# Which paper is followed, the strongest first (law and practice notes 3.3). Under 民法典 216-217
# the register decides and the certificate proves it, so a contract or a resolution yields to one;
# what a township writes is provisional and carries no parcel through the review.
EVIDENCE = (
    CertificateKind.REAL_ESTATE,
    CertificateKind.FOREST_RIGHT,
    CertificateKind.CONTRACT,
    CertificateKind.RESOLUTION,
    CertificateKind.TOWNSHIP,
)
OWNERSHIP = (RightKind.LAND_OWNERSHIP, RightKind.TREE_OWNERSHIP)
# An imported file may name the owner and no certificate; such a right is never accepted.
CERTIFICATE_PENDING = "待补"
# Soft: real certificates are written in many ways; a number that looks different is questioned.
USUAL_FORMS = {
    CertificateKind.REAL_ESTATE: re.compile(r"^.{1,3}[（(]20\d{2}[）)].+不动产权第\d+号$"),
    CertificateKind.FOREST_RIGHT: re.compile(r"^.*林证字[（(].+[）)]第.+号$"),
}
# 不动产单元代码, 28 characters (GB/T 37346-2019, 8.1): county 6, 地籍区 3, 地籍子区 3, 宗地特征码 2
# (who owns the land, which right), 宗地顺序号 5, 定着物特征码 1 (F houses, L trees, Q other, W none),
# 定着物单元号 8. It holds no check digit.
UNIT_NO = re.compile(r"\d{6}\d{3}\d{3}[GJZ][A-Z]\d{5}[FLQW]\d{8}")


class ParcelRight(Base):
    """One right of one party on one parcel, with its share and its paper."""

    __tablename__ = "parcel_right"
    __table_args__ = (
        CheckConstraint("share > 0 and share <= 1", name="share"),
        CheckConstraint("reviewed_by_id <> added_by_id", name="second_officer"),
        CheckConstraint("term_to is null or term_to > term_from", name="term"),
        CheckConstraint("unit_no is null or length(unit_no) = 28", name="unit_no"),
    )

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    kind: Mapped[str]
    share: Mapped[Decimal] = mapped_column(Numeric(9, 8))
    certificate_kind: Mapped[str]
    certificate_no: Mapped[str]
    unit_no: Mapped[str | None]
    term_from: Mapped[date | None]
    term_to: Mapped[date | None]
    added_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[datetime | None]
    # The day it passed to somebody else (`transfers.py`); a right is ended, never deleted.
    ended_on: Mapped[date | None]


def add(
    session: Session,
    actor: Actor,
    *,
    parcel_id: int,
    party_id: int,
    kind: str,
    certificate_kind: str,
    certificate_no: str,
    unit_no: str | None = None,
    share: Decimal = Decimal(1),
    term_from: date | None = None,
    term_to: date | None = None,
) -> ParcelRight:
    """Add a right to a parcel that is not enrolled yet.

    unit_no : 不动产单元号 as it stands on the certificate, spaces and wide characters allowed

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
    _refuse_beyond_the_whole(session, parcel_id, kind, CertificateKind(certificate_kind), share)
    row = ParcelRight(
        parcel_id=parcel_id,
        party_id=party_id,
        kind=kind,
        share=share,
        certificate_kind=certificate_kind,
        certificate_no=certificate_no.strip()[:100],
        unit_no=normalised_unit_no(unit_no) if unit_no and unit_no.strip() else None,
        term_from=term_from,
        term_to=term_to,
        added_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "right.add", f"parcel:{parcel_id}", {"kind": kind, "id": row.id})
    return row


def _refuse_beyond_the_whole(
    session: Session, parcel_id: int, kind: str, paper: CertificateKind, share: Decimal
) -> None:
    """Refuse more than the whole of one right, saying which of the papers is followed."""
    held = [row for row, _ in of_parcel(session, parcel_id) if row.kind == kind]
    total = sum((row.share for row in held), share)
    if total <= 1:
        return
    strongest = min((CertificateKind(row.certificate_kind) for row in held), key=EVIDENCE.index)
    followed = ""
    if EVIDENCE.index(paper) < EVIDENCE.index(strongest):
        followed = (
            f"{CERTIFICATE_ZH[paper]}优先于已录的{CERTIFICATE_ZH[strongest]}："
            "请先撤回与它不符的那一项，再录入。"
        )
    elif EVIDENCE.index(paper) > EVIDENCE.index(strongest):
        followed = f"已录的{CERTIFICATE_ZH[strongest]}优先于{CERTIFICATE_ZH[paper]}，以前者为准。"
    raise Conflict(
        f"{RIGHT_ZH[RightKind(kind)]}的份额合计将为 {total}，超过 1。{followed}", code="shares"
    )


def review(session: Session, actor: Actor, parcel_id: int) -> None:
    """A second officer accepts the papers of a submitted parcel.

    Raises
    ------
    NotPermitted
        The officer drew the parcel, added one of the rights or recorded the collective's consent.
    Conflict
        No right on file, one that has run out, provisional papers alone, or collective land that
        nobody has contracted without the consent that 森林法 18 demands.
    PolicyMissing
        That consent is on file, and how long it has to be published is not decided.
    """
    actor.require(Role.OFFICER)
    parcel = parcels.locked(session, parcel_id)
    held = of_parcel(session, parcel_id)
    rows = [row for row, _ in held]
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
    if all(row.certificate_kind == CertificateKind.TOWNSHIP for row in rows):
        raise Conflict(
            "只有乡镇证明，属暂用材料，不能通过审查。请补充证书、合同或集体决议。",
            code="provisional",
        )
    if needs_consent(held):
        consents.refuse_without(
            session, actor, parcel_id, collective_ids={party.id for _, party in held}
        )
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
    """The rights that stand on a parcel with their holders, as far as this person may see them."""
    return [(row, party) for row, party in ever_on(session, parcel_id) if row.ended_on is None]


def ever_on(session: Session, parcel_id: int) -> list[tuple[ParcelRight, Party]]:
    """The same with those that have passed to somebody else, oldest first."""
    query = (
        select(ParcelRight, Party)
        .join(Party, Party.id == ParcelRight.party_id)
        .where(ParcelRight.parcel_id == parcel_id)
        .order_by(ParcelRight.id)
    )
    return [(row, party) for row, party in session.execute(query)]


def needs_consent(held: list[tuple[ParcelRight, Party]]) -> bool:
    """Whether the land is the collective's own and nobody has contracted its use.

    森林法 18: forest land that is not contracted is managed by the collective as a whole, and its
    use passes on only with the consent of two thirds. That is so when nothing but the collective's
    ownership or its resolution speaks for the parcel.
    """
    return bool(held) and all(
        party.kind == PartyKind.VILLAGE
        and (row.kind in OWNERSHIP or row.certificate_kind == CertificateKind.RESOLUTION)
        for row, party in held
    )


@dataclass(frozen=True, slots=True)
class Followed:
    """The paper that is followed for one kind of right, and the weaker ones beside it."""

    kind: RightKind
    paper: CertificateKind
    weaker: tuple[CertificateKind, ...]


def followed(held: list[tuple[ParcelRight, Party]]) -> list[Followed]:
    """For each kind of right on a parcel, which paper is followed where they disagree."""
    found = []
    for kind in RightKind:
        papers = {CertificateKind(row.certificate_kind) for row, _ in held if row.kind == kind}
        if papers:
            first, *rest = sorted(papers, key=EVIDENCE.index)
            found.append(Followed(kind, first, tuple(rest)))
    return found


@dataclass(frozen=True, slots=True)
class Expiring:
    """A right whose term ends; ``term_to`` is the first day it no longer holds."""

    right_id: int
    parcel_id: int
    code: str
    parcel_name: str
    kind: RightKind
    party_id: int
    party_name: str
    party_kind: str
    certificate_no: str
    term_to: date


def expiring(session: Session, until: date) -> list[Expiring]:
    """Rights on parcels not withdrawn whose term ends by a day, the soonest first.

    What has run out already is among them, for as long as nobody has renewed it.
    """
    query = (
        select(ParcelRight, Party, Parcel)
        .join(Party, Party.id == ParcelRight.party_id)
        .join(Parcel, Parcel.id == ParcelRight.parcel_id)
        .where(
            ParcelRight.term_to <= until,
            ParcelRight.ended_on.is_(None),
            Parcel.status != Status.WITHDRAWN,
        )
        .order_by(ParcelRight.term_to, Parcel.code, ParcelRight.id)
    )
    return [
        Expiring(
            row.id, parcel.id, parcel.code, parcel.name, RightKind(row.kind), party.id,
            party.name, party.kind, row.certificate_no, row.term_to,
        )
        for row, party, parcel in session.execute(query)
        if row.term_to is not None
    ]  # fmt: skip


def normalised_unit_no(typed: str) -> str:
    """A 不动产单元号 without its spaces, in plain characters.

    Raises
    ------
    Invalid
        It is not built as GB/T 37346-2019 says; the sentence tells where.
    """
    text = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", typed)).upper()
    if len(text) != 28:
        raise Invalid(
            f"不动产单元号应为 28 位，现有 {len(text)} 位。请照证书抄录，例如 "
            "330523 001002 JE00012 L00010001。",
            code="unit_no",
        )
    if not UNIT_NO.fullmatch(text):
        raise Invalid(
            "不动产单元号的结构不对：前 12 位是数字，第 13 位是 G、J 或 Z，第 14 位是字母，其后 5 位数字，"
            "第 20 位是 F、L、Q 或 W，最后 8 位数字。",
            code="unit_no",
        )
    return text


def unit_no_question(unit_no: str, district_code: str) -> str | None:
    """What is odd about a well-built 不动产单元号 on a parcel; a question, not a refusal."""
    if unit_no[:6] != district_code:
        return f"不动产单元号属于行政区 {unit_no[:6]}，地块在 {district_code}，请核对。"
    if unit_no[12] != "J":
        return "不动产单元号第 13 位不是 J：这宗地不登记为集体所有，请核对。"
    return None


def copied(row: ParcelRight, **changes: Any) -> ParcelRight:
    """The same right as a new row, not reviewed yet, with some columns changed."""
    left_out = ("id", "recorded_at", "reviewed_by_id", "reviewed_at", "ended_on")
    names = [item.key for item in ParcelRight.__table__.columns if item.key not in left_out]
    return ParcelRight(**{name: getattr(row, name) for name in names} | changes)


def looks_unusual(certificate_kind: str, certificate_no: str) -> bool:
    """Whether the number is not in the usual form of its kind; a question, not a refusal."""
    usual = USUAL_FORMS.get(CertificateKind(certificate_kind))
    return usual is not None and not usual.match(certificate_no)

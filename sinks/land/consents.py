"""Consent of a collective to pass on the use of its uncontracted land, with the papers that show it.

森林法 18: 经本集体经济组织成员的村民会议三分之二以上成员或者三分之二以上村民代表同意并公示. Two thirds of
all members (or representatives), not of those who came: 农村集体经济组织法 27-28 count the whole body,
and have a meeting called ten days ahead. For how long the resolution is published the law leaves
open; that is a policy. Rows are never changed; a record made by mistake is retracted, with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, documents, policies
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party, PartyKind
from sinks.land.lineage import Succession
from sinks.land.parcels import Parcel

# 森林法 (2019 revision) art. 18; 农村集体经济组织法 (2024) art. 27-28.
IN_FAVOUR_SHARE_MIN = Fraction(2, 3)
# 农村集体经济组织法 (2024) art. 27: the meeting is announced ten days before it.
MEETING_NOTICE_DAYS_MIN = 10
PUBLICITY_POLICY = "consent_publicity_days"


class Body(StrEnum):
    MEMBERS = "members"
    REPRESENTATIVES = "representatives"


BODY_ZH = {Body.MEMBERS: "成员大会", Body.REPRESENTATIVES: "村民（成员）代表会议"}


class CollectiveConsent(Base):
    """One resolution: who was entitled, who came, who agreed, and how long it hung out.

    published_from, published_to : [from, to)
    """

    __tablename__ = "collective_consent"
    __table_args__ = (
        CheckConstraint(
            "in_favour_count > 0 and in_favour_count <= present_count"
            " and present_count <= entitled_count",
            name="counts",
        ),
        CheckConstraint("3 * in_favour_count >= 2 * entitled_count", name="two_thirds"),
        CheckConstraint(
            "meeting_notice_on <= met_on and met_on <= published_from"
            " and published_from < published_to",
            name="days",
        ),
        CheckConstraint("body in ('members','representatives')", name="body"),
        CheckConstraint(
            "(retracted_at is null) = (retracted_by_id is null)"
            " and (retracted_at is null) = (retracted_reason is null)",
            name="retracted",
        ),
    )

    id: Mapped[Key]
    collective_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    body: Mapped[str]
    entitled_count: Mapped[int]
    present_count: Mapped[int]
    in_favour_count: Mapped[int]
    meeting_notice_on: Mapped[date]
    met_on: Mapped[date]
    published_from: Mapped[date]
    published_to: Mapped[date]
    published_where: Mapped[str]
    resolution_document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    vote_document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    notice_document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    retracted_at: Mapped[datetime | None]
    retracted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    retracted_reason: Mapped[str | None]


class ConsentParcel(Base):
    """A parcel that the resolution speaks of."""

    __tablename__ = "consent_parcel"

    consent_id: Mapped[int] = mapped_column(ForeignKey("collective_consent.id"), primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True, index=True)
    # The split or merge by which the parcel took the resolution over from its parents.
    succession_id: Mapped[int | None] = mapped_column(ForeignKey(Succession.id))


@dataclass(frozen=True, slots=True)
class Paper:
    """A file as somebody hands it in."""

    name: str
    content: bytes


def record(
    session: Session,
    actor: Actor,
    *,
    collective_id: int,
    parcel_ids: Sequence[int],
    body: str,
    entitled_count: int,
    present_count: int,
    in_favour_count: int,
    meeting_notice_on: date,
    met_on: date,
    published_from: date,
    published_to: date,
    published_where: str,
    resolution: Paper,
    vote: Paper,
    notice: Paper,
) -> CollectiveConsent:
    """Put the consent of a collective on file, for one or several of its parcels.

    published_to : the first day on which it no longer hung out
    resolution, vote, notice : the resolution, the count of votes, and the proof of publication

    Raises
    ------
    Invalid
        Less than two thirds of the whole body, a meeting called less than ten days ahead, days out
        of order, a paper missing, a party that is no collective.
    """
    actor.require(Role.OFFICER)
    party = session.get(Party, collective_id)
    if party is None or party.kind != PartyKind.VILLAGE:
        raise Invalid("请选择作出决议的村集体。", code="collective")
    if body not in list(Body):
        raise Invalid("请选择由成员大会还是代表会议表决。", code="body")
    _refuse_counts(entitled_count, present_count, in_favour_count, Body(body))
    _refuse_days(meeting_notice_on, met_on, published_from, published_to)
    if not published_where.strip():
        raise Invalid("请写明公示的地点或方式。", code="published_where")
    wanted = _registered(session, parcel_ids)

    def filed(kind: str, paper: Paper) -> int:
        return documents.file(
            session, actor, kind=f"consent_{kind}", name=paper.name, content=paper.content,
            subject=f"consent:{collective_id}",
        ).id  # fmt: skip

    row = CollectiveConsent(
        collective_id=collective_id,
        body=body,
        entitled_count=entitled_count,
        present_count=present_count,
        in_favour_count=in_favour_count,
        meeting_notice_on=meeting_notice_on,
        met_on=met_on,
        published_from=published_from,
        published_to=published_to,
        published_where=published_where.strip()[:200],
        resolution_document_id=filed("resolution", resolution),
        vote_document_id=filed("vote", vote),
        notice_document_id=filed("notice", notice),
        recorded_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    _put_on_parcels(session, actor, row, wanted)
    return row


def _registered(session: Session, parcel_ids: Sequence[int]) -> list[int]:
    """The parcels, each once, after looking that every one of them exists."""
    wanted = sorted(set(parcel_ids))
    found = session.scalars(select(Parcel.id).where(Parcel.id.in_(wanted))).all()
    if not wanted or len(found) != len(wanted):
        raise Invalid("请选择决议所涉的地块。", code="parcels")
    return wanted


def _put_on_parcels(
    session: Session, actor: Actor, row: CollectiveConsent, parcel_ids: Sequence[int]
) -> None:
    session.add_all(
        ConsentParcel(consent_id=row.id, parcel_id=parcel_id) for parcel_id in parcel_ids
    )
    session.flush()
    for parcel_id in parcel_ids:
        audit.record(
            session, actor, "consent.record", f"parcel:{parcel_id}",
            {"id": row.id, "in_favour": row.in_favour_count, "entitled": row.entitled_count},
        )  # fmt: skip


def _refuse_counts(entitled: int, present: int, in_favour: int, body: Body) -> None:
    if not 0 < in_favour <= present <= entitled:
        raise Invalid(
            "人数不合：同意人数不超过到会人数，到会人数不超过应到人数，且都大于零。", code="counts"
        )
    if Fraction(in_favour, entitled) < IN_FAVOUR_SHARE_MIN:
        needed = -(-2 * entitled // 3)
        raise Invalid(
            f"{BODY_ZH[body]}应到 {entitled} 人，同意 {in_favour} 人，不足三分之二（至少 {needed} 人）。"
            "森林法第十八条要求全体成员或代表的三分之二以上同意，不是到会者的三分之二。",
            code="two_thirds",
        )


def _refuse_days(
    meeting_notice_on: date, met_on: date, published_from: date, published_to: date
) -> None:
    if not meeting_notice_on <= met_on <= published_from < published_to:
        raise Invalid("日期次序应为：会议通知、开会、开始公示、公示结束。", code="days")
    if met_on - meeting_notice_on < timedelta(days=MEETING_NOTICE_DAYS_MIN):
        raise Invalid(
            f"会议通知到开会只有 {(met_on - meeting_notice_on).days} 天。农村集体经济组织法第二十七条要求"
            f"会议召开 {MEETING_NOTICE_DAYS_MIN} 日前通知全体成员。",
            code="meeting_notice",
        )


def retract(session: Session, actor: Actor, consent_id: int, reason: str) -> None:
    """Take back a record made by mistake; it is kept, and supports no review any more.

    Raises
    ------
    Conflict
        A parcel has passed its review on it: what was decided on it is not undone from here.
    """
    actor.require(Role.OFFICER)
    row = session.get(CollectiveConsent, consent_id, with_for_update=True, populate_existing=True)
    if row is None or row.retracted_at:
        raise NotFound("没有这份有效的集体同意记录。", code="consent")
    if not reason.strip():
        raise Invalid("请写明撤回的原因。", code="reason")
    parcel_ids = list(
        session.scalars(
            select(ConsentParcel.parcel_id).where(ConsentParcel.consent_id == consent_id)
        )
    )
    passed = session.scalars(
        select(Parcel.code).where(
            Parcel.id.in_(parcel_ids), Parcel.status.not_in(("draft", "submitted", "withdrawn"))
        )
    ).all()
    if passed:
        raise Conflict(
            f"地块 {'、'.join(passed)} 已凭这份同意通过审查，不能撤回。请先退回或退出这些地块。",
            code="consent_used",
        )
    row.retracted_at, row.retracted_by_id = now(session), actor.person_id
    row.retracted_reason = reason.strip()
    session.flush()
    for parcel_id in parcel_ids:
        audit.record(
            session, actor, "consent.retract", f"parcel:{parcel_id}",
            {"id": consent_id, "reason": reason.strip()},
        )  # fmt: skip


def of_parcel(session: Session, parcel_id: int) -> list[tuple[CollectiveConsent, Party]]:
    """The consents on file for a parcel, newest first, the retracted ones too."""
    query = (
        select(CollectiveConsent, Party)
        .join(ConsentParcel, ConsentParcel.consent_id == CollectiveConsent.id)
        .join(Party, Party.id == CollectiveConsent.collective_id)
        .where(ConsentParcel.parcel_id == parcel_id)
        .order_by(CollectiveConsent.id.desc())
    )
    return [(row, party) for row, party in session.execute(query)]


def taken_over(session: Session, parcel_id: int) -> set[int]:
    """The ids of the consents that came to a parcel from its parents, by a split or a merge."""
    query = select(ConsentParcel.consent_id).where(
        ConsentParcel.parcel_id == parcel_id, ConsentParcel.succession_id.is_not(None)
    )
    return set(session.scalars(query))


def refuse_without(
    session: Session, actor: Actor, parcel_id: int, *, collective_ids: set[int]
) -> None:
    """Refuse a parcel of uncontracted collective land without a consent that holds.

    collective_ids : the collectives that hold the parcel; the consent must be of one of them

    Raises
    ------
    NotPermitted
        Whoever reviews has recorded the consent himself.
    """
    standing = [
        row for row, _ in of_parcel(session, parcel_id)
        if row.retracted_at is None and row.collective_id in collective_ids
    ]  # fmt: skip
    if not standing:
        raise Conflict(
            "这块地只有集体所有的证据、未实行承包经营：须有成员或代表三分之二以上同意并公示的记录"
            "（森林法第十八条）。请录入集体同意后再审。",
            code="no_consent",
        )
    row = standing[0]
    if row.recorded_by_id == actor.person_id:
        raise NotPermitted("录入集体同意的人不能审查，须由另一位林业员办理。", code="two_people")
    policy = policies.in_force(session, PUBLICITY_POLICY)[PUBLICITY_POLICY]
    days = (row.published_to - row.published_from).days
    if days < policy.value:
        raise Conflict(
            f"集体决议公示了 {days} 天，登记机构规定至少 {policy.value} 天"
            f"（{policy.legal_basis}）。请补足公示后重新录入。",
            code="publicity_short",
        )
    if row.published_to > today(session):
        raise Conflict(f"公示要到 {row.published_to} 才满，届时再审。", code="publicity_running")

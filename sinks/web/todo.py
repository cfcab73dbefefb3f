"""What waits for a person: one entry for each kind of work, with how much and since when.

An entry is shown only to somebody who may do the work: a parcel I drew does not wait for my
review, a contract I drafted does not wait for my signature. The functions that do the work check
all of that again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, func, literal, or_, select
from sqlalchemy.orm import Session

from sinks.cooperative.contracts import Contract
from sinks.cooperative.contracts import Status as ContractStatus
from sinks.cooperative.expiring import MONTHS, months_after
from sinks.core.actor import Actor, Role
from sinks.core.audit import AuditEvent
from sinks.core.db import now, today
from sinks.core.people import Party, Person, RoleGrant
from sinks.core.policies import Policy
from sinks.crediting.objections import Objection
from sinks.crediting.projects import Project
from sinks.crediting.projects import Status as ProjectStatus
from sinks.crediting.rounds import MonitoringRound
from sinks.crediting.rounds import Status as RoundStatus
from sinks.crediting.verification import Finding
from sinks.land import staging
from sinks.land.attributes import ParcelAttribute
from sinks.land.imports import LandImport
from sinks.land.marks import ParcelMark
from sinks.land.parcels import CLAIMING, Parcel
from sinks.land.parcels import Status as ParcelStatus
from sinks.land.rights import ParcelRight
from sinks.land.staging import ImportBatch
from sinks.restoration.cases import CourtCase
from sinks.restoration.cases import Status as CaseStatus
from sinks.web import collection, todo_land

# A refused row is mended in the file and imported anew; nothing ties the new file to the old one,
# so an import is shown for as long as somebody may still be at it.
IMPORT_DAYS = 30
CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work of one kind.

    kind : names the words on the page, e.g. ``rights_review``
    count : of parcels, rounds, cases ...; never 0
    oldest_at : since when the oldest waits; None where nothing tells
    page, query : the page that does the work, and what it should open with
    """

    kind: str
    count: int
    oldest_at: datetime | None
    page: str
    query: dict[str, str] = field(default_factory=dict)


def waiting(session: Session, actor: Actor) -> list[Waiting]:
    """What waits for this person, in the order of the life of a credit."""
    found: list[Waiting] = []
    if Role.OFFICER in actor.roles:
        found += _officer(session, actor)
    found += [Waiting(*entry) for entry in todo_land.waiting(session, actor)]
    if actor.roles & {Role.COOPERATIVE, Role.DEVELOPER}:
        found += _owner(session, actor)
    if Role.VERIFIER in actor.roles:
        found += _verifier(session, actor)
    if Role.AUTHORITY in actor.roles:
        found += _authority(session, actor)
    if Role.REGISTRAR in actor.roles:
        found += _registrar(session, actor)
    if actor.roles & {Role.AUTHORITY, Role.REGISTRAR}:
        found += _objections(session)
    if actor.roles & {Role.REGISTRAR, Role.ADMIN}:
        found += _policies(session, actor)
    if Role.ADMIN in actor.roles:
        found += _grants(session, actor)
    if actor.roles & {Role.COURT, Role.APPRAISER, Role.COOPERATIVE, Role.REGISTRAR}:
        found += _cases(session, actor)
    return found


def parcel_ids(session: Session, actor: Actor, kind: str) -> list[int] | None:
    """The parcels behind an entry of this kind; None if it is not one about parcels."""
    chosen = _parcel_kinds(actor).get(kind) if Role.OFFICER in actor.roles else None
    if chosen is None:
        return None
    return list(session.scalars(select(Parcel.id).where(*chosen[1]).order_by(Parcel.id)))


def _parcel_kinds(actor: Actor) -> dict[str, tuple[Any, tuple[ColumnElement[bool], ...]]]:
    """Kind -> (since when a parcel waits, which parcels wait for this officer)."""
    mine = Parcel.created_by_id == actor.person_id
    entered_by_me = (
        select(ParcelRight.id)
        .where(ParcelRight.parcel_id == Parcel.id, ParcelRight.added_by_id == actor.person_id)
        .exists()
    )
    open_marks = select(ParcelMark.id).where(
        ParcelMark.parcel_id == Parcel.id, ParcelMark.closed_at.is_(None)
    )
    standing = Parcel.status != ParcelStatus.WITHDRAWN
    overlap = ParcelMark.code == "overlap"
    to_decide = (
        ParcelAttribute.parcel_id == Parcel.id,
        ParcelAttribute.reviewed_at.is_(None),
        ParcelAttribute.refused_at.is_(None),
        ParcelAttribute.recorded_by_id != actor.person_id,
    )
    return {
        "parcel_draft": (Parcel.recorded_at, (Parcel.status == ParcelStatus.DRAFT, mine)),
        "rights_review": (
            _since("parcel.submitted", "parcel:", Parcel.id),
            (Parcel.status == ParcelStatus.SUBMITTED, ~mine, ~entered_by_me),
        ),
        "enrol": (
            _since("parcel.rights_reviewed", "parcel:", Parcel.id),
            (Parcel.status == ParcelStatus.RIGHTS_REVIEWED, ~open_marks.exists()),
        ),
        "overlap": (_marked_at(overlap), (standing, mine, open_marks.where(overlap).exists())),
        "mark": (_marked_at(~overlap), (standing, ~mine, open_marks.where(~overlap).exists())),
        "attribute_review": (
            select(func.min(ParcelAttribute.recorded_at)).where(*to_decide).scalar_subquery(),
            (standing, select(ParcelAttribute.id).where(*to_decide).exists()),
        ),
    }


def _marked_at(code: ColumnElement[bool]) -> Any:
    return (
        select(func.min(ParcelMark.recorded_at))
        .where(ParcelMark.parcel_id == Parcel.id, ParcelMark.closed_at.is_(None), code)
        .scalar_subquery()
    )


def _officer(session: Session, actor: Actor) -> Iterator[Waiting]:
    for kind, (since, where) in _parcel_kinds(actor).items():
        query = select(func.count(), func.min(since)).select_from(Parcel).where(*where)
        yield from _one(session, kind, query, "parcels", {"todo": kind})
    yield from _one(
        session, "expiring",
        select(func.count(), literal(None)).select_from(ParcelRight).join(
            Parcel, Parcel.id == ParcelRight.parcel_id
        ).where(
            ParcelRight.term_to <= months_after(today(session), MONTHS),
            ParcelRight.ended_on.is_(None),
            Parcel.status.in_(CLAIMING),
        ),
        "expiring",
    )  # fmt: skip
    yield from _one(
        session, "import_staged",
        select(func.count(), func.min(ImportBatch.recorded_at)).where(
            ImportBatch.person_id == actor.person_id,
            ImportBatch.state == staging.State.STAGED,
        ),
        "imports",
    )  # fmt: skip
    yield from _one(
        session, "import_mend",
        select(
            func.coalesce(func.sum(func.jsonb_array_length(LandImport.refused)), 0),
            func.min(LandImport.recorded_at),
        ).where(
            LandImport.person_id == actor.person_id,
            func.jsonb_array_length(LandImport.refused) > 0,
            LandImport.recorded_at > now(session) - timedelta(days=IMPORT_DAYS),
        ),
        "imports",
    )  # fmt: skip


def _since(action: str, prefix: str, key: Any) -> Any:
    """When this last happened to the thing, from the audit log."""
    return (
        select(func.max(AuditEvent.at))
        .where(AuditEvent.subject == func.concat(prefix, key), AuditEvent.action == action)
        .scalar_subquery()
    )


def _contracts(session: Session, actor: Actor) -> Iterator[Waiting]:
    count, since = collection.waiting(session)
    if count:
        yield Waiting("contract_draft", count, since, "contracts")
    yield from _one(
        session, "contract_sign",
        select(func.count(), func.min(Contract.recorded_at)).where(
            Contract.cooperative_id == actor.party_id,
            Contract.status == ContractStatus.DRAFTED,
            Contract.drafted_by_id != actor.person_id,
        ),
        "contracts",
    )  # fmt: skip
    yield from _one(
        session, "contract_expiring",
        select(func.count(), literal(None)).select_from(Contract).where(
            Contract.cooperative_id == actor.party_id,
            Contract.status == ContractStatus.SIGNED,
            Contract.term_to <= months_after(today(session), MONTHS),
        ),
        "expiring",
    )  # fmt: skip


def _owner(session: Session, actor: Actor) -> Iterator[Waiting]:
    if Role.COOPERATIVE in actor.roles:
        yield from _contracts(session, actor)
    own = Project.owner_id == actor.party_id
    yield from _one(
        session, "project_publish",
        select(func.count(), func.min(Project.recorded_at)).where(
            own, Project.status == ProjectStatus.DRAFT
        ),
        "projects",
    )  # fmt: skip
    measured_before = (
        select(MonitoringRound.id).where(MonitoringRound.project_id == Project.id).exists()
    )
    yield from _one(
        session, "round_open",
        select(func.count(), func.min(Project.recorded_at)).where(
            own, Project.status != ProjectStatus.REJECTED, ~measured_before
        ),
        "projects",
    )  # fmt: skip
    yield from _one(session, "round_measure", _rounds(RoundStatus.OPEN).where(own), "projects")
    # A project may measure before it is registered, and publishes only after.
    yield from _one(
        session, "round_publish",
        _rounds(RoundStatus.MEASURED).where(
            own, Project.status.in_((ProjectStatus.REGISTERED, ProjectStatus.CREDITING))
        ),
        "projects",
    )  # fmt: skip
    yield from _one(
        session, "finding_answer",
        select(func.count(), func.min(Finding.recorded_at))
        .join(MonitoringRound, MonitoringRound.id == Finding.round_id)
        .join(Project, Project.id == MonitoringRound.project_id)
        .where(own, Finding.answer.is_(None)),
        "projects",
    )  # fmt: skip


def _rounds(*statuses: RoundStatus, since: Any = MonitoringRound.recorded_at) -> Select[Any]:
    return (
        select(func.count(), func.min(since))
        .select_from(MonitoringRound)
        .join(Project, Project.id == MonitoringRound.project_id)
        .where(MonitoringRound.status.in_(statuses))
    )


def _verifier(session: Session, actor: Actor) -> Iterator[Waiting]:
    day = today(session)
    mine = session.get_one(Party, actor.party_id)
    houses = {mine.id} | ({mine.controlled_by_id} if mine.controlled_by_id else set())
    # The same test as projects.refuse_connected, over all owners at once.
    independent = Project.owner_id.in_(
        select(Party.id).where(
            Party.id.not_in(houses),
            or_(Party.controlled_by_id.is_(None), Party.controlled_by_id.not_in(houses)),
        )
    )
    yield from _one(
        session, "project_validate",
        select(func.count(), func.min(Project.published_at)).where(
            independent, Project.status == ProjectStatus.PUBLIC_NOTICE,
            Project.notice_ends_on <= day,
        ),
        "verification",
    )  # fmt: skip
    not_mine = or_(
        MonitoringRound.proposed_by_id.is_(None),
        MonitoringRound.proposed_by_id != actor.person_id,
    )
    yield from _one(
        session, "round_take_up",
        _rounds(RoundStatus.PUBLIC_NOTICE, since=MonitoringRound.published_at).where(
            independent, not_mine, MonitoringRound.notice_ends_on <= day
        ),
        "verification",
    )  # fmt: skip
    yield from _one(
        session, "round_verify",
        _rounds(
            RoundStatus.UNDER_VERIFICATION,
            since=_since("round.begin_verification", "round:", MonitoringRound.id),
        ).where(independent, not_mine),
        "verification",
    )  # fmt: skip


def _authority(session: Session, actor: Actor) -> Iterator[Waiting]:
    yield from _one(
        session, "project_register",
        select(func.count(), func.min(_since("project.validate", "project:", Project.id)))
        .select_from(Project)
        .where(
            Project.status == ProjectStatus.UNDER_VALIDATION,
            Project.proposed_by_id != actor.person_id,
            Project.validated_by_id != actor.person_id,
        ),
        "filing",
    )  # fmt: skip
    yield from _one(
        session, "round_record",
        _rounds(
            RoundStatus.VERIFIED, since=_since("round.verify", "round:", MonitoringRound.id)
        ).where(
            MonitoringRound.proposed_by_id != actor.person_id,
            MonitoringRound.verified_by_id != actor.person_id,
        ),
        "filing",
    )  # fmt: skip


def _registrar(session: Session, actor: Actor) -> Iterator[Waiting]:
    yield from _one(
        session, "round_issue",
        _rounds(
            RoundStatus.RECORDED, since=_since("round.record", "round:", MonitoringRound.id)
        ).where(
            MonitoringRound.proposed_by_id != actor.person_id,
            MonitoringRound.verified_by_id != actor.person_id,
            MonitoringRound.recorded_by_id != actor.person_id,
        ),
        "filing",
    )  # fmt: skip


def _objections(session: Session) -> Iterator[Waiting]:
    yield from _one(
        session, "objection_answer",
        select(func.count(), func.min(Objection.recorded_at)).where(
            Objection.answered_at.is_(None)
        ),
        "filing",
    )  # fmt: skip


def _policies(session: Session, actor: Actor) -> Iterator[Waiting]:
    # A key is open while no value of it is in force and nobody has proposed one under his name.
    taken_up = select(Policy.key).where(
        or_(Policy.valid_from.is_not(None), Policy.proposed_by_id.is_not(None))
    )
    yield from _one(
        session, "policy_propose",
        select(func.count(func.distinct(Policy.key)), func.min(Policy.recorded_at)).where(
            Policy.key.not_in(taken_up)
        ),
        "settings",
    )  # fmt: skip
    yield from _one(
        session, "policy_approve",
        select(func.count(), func.min(Policy.recorded_at)).where(
            Policy.approved_by_id.is_(None),
            Policy.proposed_by_id.is_not(None),
            Policy.proposed_by_id != actor.person_id,
        ),
        "settings",
    )  # fmt: skip


def _grants(session: Session, actor: Actor) -> Iterator[Waiting]:
    yield from _one(
        session, "grant_approve",
        select(func.count(), func.min(RoleGrant.recorded_at))
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            ~RoleGrant.in_force,
            RoleGrant.revoked_at.is_(None),
            RoleGrant.granted_by_id != actor.person_id,
            RoleGrant.person_id != actor.person_id,
        ),
        "settings",
    )  # fmt: skip


def _cases(session: Session, actor: Actor) -> Iterator[Waiting]:
    """Cases at a step that one of this person's roles takes, for this person's own party."""
    court = CourtCase.court_id == actor.party_id
    steps: Sequence[tuple[Role, str, tuple[CaseStatus, ...], ColumnElement[bool] | None]] = (
        (
            Role.COURT, "case_court",
            (CaseStatus.OPENED, CaseStatus.APPRAISED, CaseStatus.CONSENTED, CaseStatus.CERTIFIED),
            court,
        ),
        (
            Role.APPRAISER, "case_appraise", (CaseStatus.REQUESTED,),
            CourtCase.appraiser_id == actor.party_id,
        ),
        (
            Role.COOPERATIVE, "case_lock", (CaseStatus.ORDERED, CaseStatus.LOCKED),
            CourtCase.seller_id == actor.party_id,
        ),
        (Role.REGISTRAR, "case_retire", (CaseStatus.PAID, CaseStatus.RETIRED), None),
    )  # fmt: skip
    for role, kind, statuses, mine in steps:
        if role in actor.roles:
            query = select(func.count(), func.min(_last_step_at(CourtCase.id))).select_from(
                CourtCase
            )
            query = query.where(CourtCase.status.in_(statuses))
            yield from _one(
                session, kind, query.where(mine) if mine is not None else query, "restoration"
            )


def _last_step_at(case_id: Any) -> Any:
    return (
        select(func.max(AuditEvent.at))
        .where(AuditEvent.subject == func.concat("case:", case_id))
        .scalar_subquery()
    )


def _one(
    session: Session,
    kind: str,
    query: Executable,
    page: str,
    opens_with: dict[str, str] | None = None,
) -> Iterator[Waiting]:
    """The entry of a query for (count, oldest), unless nothing waits."""
    count, oldest_at = session.execute(query).one()
    if count:
        yield Waiting(kind, int(count), oldest_at, page, opens_with or {})


def age_days(item: Waiting, on: date) -> int | None:
    """For how many days the oldest has waited on a date, in the time of China."""
    if item.oldest_at is None:
        return None
    return max((on - item.oldest_at.astimezone(CHINA).date()).days, 0)

"""Projects: parcels put together under one method, published, validated and registered."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from shapely import MultiPolygon
from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from methodologies import catalogue
from methodologies.base import Method
from sinks.core import audit, policies, workdays
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, refused_in_words, today
from sinks.core.documents import Document
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party
from sinks.crediting import objections, stated_facts
from sinks.land import parcels
from sinks.land.parcels import Status as ParcelStatus


class Status(StrEnum):
    DRAFT = "draft"
    PUBLIC_NOTICE = "public_notice"
    UNDER_VALIDATION = "under_validation"
    REGISTERED = "registered"
    CREDITING = "crediting"
    REJECTED = "rejected"


NEXT = MappingProxyType(
    {
        Status.DRAFT: {Status.PUBLIC_NOTICE},
        # Back when an objection is upheld.
        Status.PUBLIC_NOTICE: {Status.UNDER_VALIDATION, Status.DRAFT},
        Status.UNDER_VALIDATION: {Status.REGISTERED, Status.REJECTED},
        Status.REGISTERED: {Status.CREDITING},
        Status.CREDITING: set(),
        Status.REJECTED: set(),
    }
)


# The days of a notice are those of the office, wherever the database server stands.
OFFICE_TIME = ZoneInfo("Asia/Shanghai")
# From the weakest to the strongest; the policy names the weakest that is admitted.
BASELINE_BASES = MappingProxyType(
    {
        "steady_state": "林分处于稳定状态（零变化）",
        "trend": "项目前六年以上的样地或图层趋势",
        "control_plots": "项目外固定对照样地",
    }
)
# Who decides which basis is too weak; a baseline by records is what was done, and has none.
BASELINE_POLICIES = MappingProxyType(
    {
        "moso-mgmt/1": "baseline.moso-mgmt",
        "moso-aff/1": "baseline.forest",
        "forest-aff/1": "baseline.forest",
        "tea-perennial/1": "baseline.tea",
    }
)
# The baseline of a method by records: what was done on the same land before the project.
RECORDS = "records"
BASIS_ZH = MappingProxyType({**BASELINE_BASES, RECORDS: "项目开始以前各年的活动记录"})


class Project(Base):
    """Parcels of one sink type in one county under one method version."""

    __tablename__ = "project"
    __table_args__ = (
        CheckConstraint("validated_by_id <> proposed_by_id", name="validated_by_another"),
        CheckConstraint("registered_by_id <> validated_by_id", name="registered_by_another"),
        CheckConstraint("registered_by_id <> proposed_by_id", name="registered_not_by_proposer"),
        UniqueConstraint("district_code", "sink_type", "sequence"),
    )

    id: Mapped[Key]
    name: Mapped[str]
    sink_type: Mapped[str]
    district_code: Mapped[str]
    sequence: Mapped[int]
    method_id: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    status: Mapped[str] = mapped_column(server_default=Status.DRAFT.value)
    demonstration: Mapped[bool] = mapped_column(server_default=text("false"))
    # What the land would have taken up without the project, and what that figure rests on.
    baseline_basis: Mapped[str]
    baseline_co2_t_ha_year: Mapped[float]
    baseline_u90: Mapped[float]
    # The first year of the practice, in a method by records; the years before are the look-back.
    practice_from_year: Mapped[int | None]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    published_at: Mapped[datetime | None]
    notice_ends_on: Mapped[date | None]
    validated_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    validation_statement: Mapped[str | None]
    registered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    filing_no: Mapped[str | None] = mapped_column(unique=True)

    @property
    def code(self) -> str:
        """The public number, e.g. HZ-330523-ZL-000007."""
        kind = parcels.TYPE_CODES[parcels.SinkType(self.sink_type)]
        return f"HZ-{self.district_code}-{kind}-{self.sequence:06d}"


class ProjectParcel(Base):
    """A parcel in a project, in one stratum (层); ``left_at`` when it is no more (`exits.py`)."""

    __tablename__ = "project_parcel"
    __table_args__ = (
        CheckConstraint(
            "(left_at is null) = (left_by_id is null) and (left_at is null) = (left_reason is null)",
            name="left",
        ),
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    stratum: Mapped[str]
    left_at: Mapped[datetime | None]
    left_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    left_reason: Mapped[str | None]


def create(
    session: Session,
    actor: Actor,
    *,
    name: str,
    method_id: str,
    strata: dict[int, str],
    baseline_basis: str = "steady_state",
    baseline_co2_t_ha_year: float = 0.0,
    baseline_u90: float = 0.0,
    practice_from_year: int | None = None,
    facts: Mapping[str, Any] | None = None,
    demonstration: bool = False,
) -> Project:
    """Put parcels together into a project of the actor's own party.

    strata : parcel id -> stratum name
    baseline_co2_t_ha_year, baseline_u90 : uptake without the project with its relative 90 %
        half-width; nought only in a steady state, and the method then says so on every result
    practice_from_year : of a method by records, the first year of the new practice: its baseline
        are the records of the years before, and the three above are not asked for
    facts : what the project states, where its method asks for it (`catalogue.STATEMENTS`)

    Raises
    ------
    MethodInputInvalid
        What is stated is not complete, or not as it has to be.
    Conflict
        A parcel is not enrolled, is of another type or county, is in another project, or the
        actor's party holds it by no contract and no whole right of its own.
    """
    actor.require(Role.DEVELOPER, Role.COOPERATIVE)
    method = _method_of_rounds(method_id, facts)
    if not strata or not name.strip():
        raise Invalid("请填写项目名称并选择地块。", code="project")
    if method.by_round == "records":
        baseline_basis, baseline_co2_t_ha_year, baseline_u90 = RECORDS, 0.0, 0.0
    else:
        _check_baseline(baseline_basis, baseline_co2_t_ha_year, baseline_u90)
    _check_practice_year(session, method, practice_from_year)
    members = [parcels.locked(session, parcel_id) for parcel_id in sorted(strata)]
    _refuse_unfit(session, members, method)
    day = today(session)
    refuse_unheld(session, actor.party_id, list(strata), day, day + timedelta(days=1))
    district_code = members[0].district_code
    row = Project(
        name=name.strip()[:100],
        sink_type=method.sink_type,
        district_code=district_code,
        sequence=_next_sequence(session, district_code, method.sink_type),
        method_id=method_id,
        owner_id=actor.party_id,
        baseline_basis=baseline_basis,
        baseline_co2_t_ha_year=baseline_co2_t_ha_year,
        baseline_u90=baseline_u90,
        practice_from_year=practice_from_year,
        demonstration=demonstration or any(parcel.demonstration for parcel in members),
        proposed_by_id=actor.person_id,
    )
    _keep(session, row, strata)
    audit.record(
        session, actor, "project.create", f"project:{row.id}",
        {"method": method_id, "parcels": len(strata)},
    )  # fmt: skip
    if facts is not None:
        _state(session, actor, row, facts)
    return row


def _keep(session: Session, row: Project, strata: Mapping[int, str]) -> None:
    session.add(row)
    session.flush()
    session.add_all(
        ProjectParcel(project_id=row.id, parcel_id=parcel_id, stratum=stratum.strip() or "A")
        for parcel_id, stratum in strata.items()
    )
    session.flush()


def _method_of_rounds(method_id: str, facts: Mapping[str, Any] | None) -> Method:
    method = catalogue.method(method_id)
    if method.by_round is None:
        raise Invalid(
            f"方法 {method_id} 还不能按监测期核算，不能据以立项；目前请用 `sinks methods run` 单独计算。",
            code="method",
        )
    if (facts is not None) != (method_id in catalogue.STATEMENTS):
        raise Invalid("按样地核算的造林、茶园须填报项目事实，其他方法不填。", code="facts")
    return method


def _check_practice_year(session: Session, method: Method, year: int | None) -> None:
    if method.by_round != "records":
        if year is not None:
            raise Invalid("措施开始的年份只用于按活动记录核算的方法。", code="practice_from_year")
        return
    if year is None or not 1990 <= year <= today(session).year:
        raise Invalid("请填写措施开始的年份（1990 年至今年）。", code="practice_from_year")


def _state(session: Session, actor: Actor, project: Project, facts: Mapping[str, Any]) -> None:
    stated = stated_facts.state(
        session, actor, project.id, facts, method_id=project.method_id,
        strata=[member.stratum for member in members(session, project.id)],
    )  # fmt: skip
    _note(session, actor, project, "facts", {"facts": stated.id, **stated.values})


def restate(session: Session, actor: Actor, project_id: int, facts: Mapping[str, Any]) -> Project:
    """State the facts of a project anew, while it is a draft; the earlier ones are kept.

    Raises
    ------
    MethodInputInvalid, Conflict
        As `create`; or the project has been published.
    """
    project = _owned(session, actor, project_id)
    if project.status != Status.DRAFT or stated_facts.of_project(session, project_id) is None:
        raise Conflict("只有填报过项目事实的项目，在草稿时可以改填。", code="step")
    _state(session, actor, project, facts)
    return project


def add_evidence(
    session: Session, actor: Actor, project_id: int, *, name: str, content: bytes
) -> Document:
    """Put a document on file as evidence of what a project states."""
    _owned(session, actor, project_id)
    return stated_facts.file_evidence(
        session, actor, stated_facts.PROJECT_SUBJECT, project_id, name=name, content=content
    )


def _check_baseline(
    baseline_basis: str, baseline_co2_t_ha_year: float, baseline_u90: float
) -> None:
    if baseline_basis not in BASELINE_BASES or not 0.0 <= baseline_u90 < 10.0:
        raise Invalid("请选择基准线依据，其不确定性为 0 到 10 之间的份额。", code="baseline")
    if baseline_basis == "steady_state" and baseline_co2_t_ha_year != 0.0:
        raise Invalid("稳定状态的基准线为零；有变化时请选择其他依据。", code="baseline")


def _refuse_unfit(session: Session, members: list[parcels.Parcel], method: Method) -> None:
    """Refuse parcels that cannot be in one project of the method."""
    districts = {parcel.district_code for parcel in members}
    if len(districts) > 1:
        raise Conflict("一个项目的地块须在同一县区。", code="districts")
    for parcel in members:
        if parcel.sink_type != method.sink_type:
            raise Conflict(f"{parcel.code} 的类型不适用方法 {method.id}。", code="sink_type")
        if parcel.status not in (ParcelStatus.ENROLLED, ParcelStatus.UNDER_CONTRACT):
            raise Conflict(f"{parcel.code} 尚未入库，不能加入项目。", code="not_enrolled")
        if taken := _project_of(session, parcel.id):
            raise Conflict(f"{parcel.code} 已在项目“{taken.name}”中。", code="in_project")


def refuse_unheld(
    session: Session, owner_id: int, parcel_ids: list[int], start: date, end: date
) -> None:
    """Refuse parcels whose sink is not the owner's for all of [start, end).

    It is by a signed collection contract that stands over the parcel; where none does, by one
    whole reviewed right of use, management or income. The database asks the same when a parcel
    joins a project or a round (`parcel_held_by`).
    """
    codes = list(
        session.scalars(
            select(parcels.Parcel.code)
            .where(
                parcels.Parcel.id.in_(parcel_ids),
                ~func.parcel_held_by(parcels.Parcel.id, owner_id, start, end),
            )
            .order_by(parcels.Parcel.code)
        )
    )
    if codes:
        named = "、".join(codes[:5]) + (f" 等 {len(codes)} 块" if len(codes) > 5 else "")
        raise Conflict(
            f"项目业主在 {start} 至 {end} 之间不掌握地块 {named} 的碳汇：须有覆盖整个期间、由业主签订的"
            "碳汇收储合同；没有收储合同的，须有业主自己经审查、份额完整的碳汇收益权、经营权或使用权。"
            "请先签订合同，或由林业员补录权利并经审查。",
            code="not_held",
        )


def held_today(session: Session, owner_id: int, parcel_ids: list[int]) -> set[int]:
    """Those of the parcels whose sink is the owner's today."""
    day = today(session)
    return set(
        session.scalars(
            select(parcels.Parcel.id).where(
                parcels.Parcel.id.in_(parcel_ids),
                func.parcel_held_by(parcels.Parcel.id, owner_id, day, day + timedelta(days=1)),
            )
        )
    )


def _project_of(session: Session, parcel_id: int) -> Project | None:
    return session.scalar(
        select(Project)
        .join(ProjectParcel, ProjectParcel.project_id == Project.id)
        .where(
            ProjectParcel.parcel_id == parcel_id,
            ProjectParcel.left_at.is_(None),
            Project.status != Status.REJECTED,
        )
    )


def _next_sequence(session: Session, district_code: str, sink_type: str) -> int:
    # Held to the end of the transaction, so that two new projects do not take one number.
    session.execute(text("SELECT pg_advisory_xact_lock(7300)"))
    last = session.scalar(
        select(func.max(Project.sequence)).where(
            Project.district_code == district_code, Project.sink_type == sink_type
        )
    )
    return (last or 0) + 1


def publish(session: Session, actor: Actor, project_id: int) -> Project:
    """Put the project up for public notice, for the working days of the policy in force."""
    project = _owned(session, actor, project_id)
    baseline_key = BASELINE_POLICIES.get(project.method_id)
    keys = ["notice_days.project", *([baseline_key] if baseline_key else [])]
    decided = policies.in_force(session, *keys)
    days = decided["notice_days.project"].value
    if baseline_key:
        _refuse_weaker_baseline(project, decided[baseline_key].value)
    if project.method_id in catalogue.STATEMENTS:
        stated_facts.refuse_without_evidence(session, stated_facts.PROJECT_SUBJECT, project.id)
    _move(project, Status.PUBLIC_NOTICE)
    project.published_at = now(session)
    project.notice_ends_on = workdays.after(session, today(session), int(days))
    _note(session, actor, project, "publish", {"notice_ends_on": str(project.notice_ends_on)})
    return project


def _refuse_weaker_baseline(project: Project, weakest: str) -> None:
    if list(BASELINE_BASES).index(project.baseline_basis) < list(BASELINE_BASES).index(weakest):
        raise Conflict(
            f"现行政策要求基准线至少依据“{BASELINE_BASES[weakest]}”，"
            f"本项目依据“{BASELINE_BASES[project.baseline_basis]}”。",
            code="baseline",
        )


def validate(session: Session, actor: Actor, project_id: int, statement: str) -> Project:
    """A verifier of an unconnected organisation validates the project after its notice.

    Raises
    ------
    Conflict
        The notice has not run out, or an objection to it waits for its answer.
    NotPermitted
        The verifier's organisation is the owner's, or connected with it.
    """
    actor.require(Role.VERIFIER)
    project = locked(session, project_id)
    refuse_running_notice(session, project.notice_ends_on)
    objections.refuse_open(session, project_id=project_id)
    refuse_connected(session, actor, project)
    if not statement.strip():
        raise Invalid("请填写审定意见。", code="statement")
    _move(project, Status.UNDER_VALIDATION)
    project.validated_by_id = actor.person_id
    project.validation_statement = statement.strip()
    _note(session, actor, project, "validate", {})
    return project


def register(session: Session, actor: Actor, project_id: int, filing_no: str) -> Project:
    """The authority files a validated project under its number (项目备案)."""
    actor.require(Role.AUTHORITY)
    project = locked(session, project_id)
    if actor.person_id in (project.proposed_by_id, project.validated_by_id):
        raise NotPermitted("申报、审定与备案须由不同的人办理。", code="four_people")
    if not filing_no.strip():
        raise Invalid("请填写备案号。", code="filing_no")
    used = Conflict(f"备案号 {filing_no.strip()} 已被使用。", code="filing_no")
    with refused_in_words(session, {"project_filing_no_key": used}):
        _move(project, Status.REGISTERED)
        project.registered_by_id, project.filing_no = actor.person_id, filing_no.strip()
    _note(session, actor, project, "register", {"filing_no": project.filing_no})
    return project


def begin_crediting(session: Session, actor: Actor, project: Project) -> None:
    """The first monitoring round opens the crediting of a registered project."""
    if project.status == Status.REGISTERED:
        _move(project, Status.CREDITING)
        _note(session, actor, project, "crediting", {})
    elif project.status != Status.CREDITING:
        raise Conflict("项目尚未备案，不能开展监测。", code="not_registered")


def object_to(
    session: Session, project_id: int, *, name: str, contact: str, words: str, origin_hash: str
) -> int:
    """Anybody's objection to a project under notice; its number."""
    project = locked(session, project_id)
    refuse_no_notice(
        session, project.status == Status.PUBLIC_NOTICE, project.published_at,
        project.notice_ends_on,
    )  # fmt: skip
    return objections.file(
        session, project_id=project_id, name=name, contact=contact, words=words,
        origin_hash=origin_hash,
    )  # fmt: skip


def answer_objection(
    session: Session, actor: Actor, row: objections.Objection, *, words: str, outcome: str
) -> None:
    """Answer an objection to a project; one that is upheld ends the notice."""
    project = locked(session, row.project_id or 0)
    objections.answer(session, actor, row, words=words, outcome=outcome, owner_id=project.owner_id)
    if outcome == objections.Outcome.UPHELD and project.status == Status.PUBLIC_NOTICE:
        _move(project, Status.DRAFT)
        _note(session, actor, project, "notice_ended", {"objection": row.id})


def refuse_no_notice(
    session: Session, is_public: bool, published_at: datetime | None, ends_on: date | None
) -> None:
    """Refuse an objection to what is not before the public now. A notice of no days is open on
    the day it was made."""
    last = None if ends_on is None or published_at is None else max(
        ends_on - timedelta(days=1), published_at.astimezone(OFFICE_TIME).date()
    )  # fmt: skip
    if not is_public or last is None or today(session) > last:
        raise Conflict("公示已经届满或没有在公示，不能再提出异议。", code="no_notice")


def refuse_running_notice(session: Session, ends_on: date | None) -> None:
    """Refuse while a public notice still runs."""
    if ends_on is None:
        raise Conflict("尚未公示。", code="not_published")
    if today(session) < ends_on:
        raise Conflict(f"公示期至 {ends_on} 届满，在此之前不能办理。", code="notice_running")


def refuse_connected(session: Session, actor: Actor, project: Project) -> None:
    """Refuse a verifier whose organisation owns the project or is under common control with it."""
    owner = session.get_one(Party, project.owner_id)
    mine = session.get_one(Party, actor.party_id)
    if _controllers(owner) & _controllers(mine):
        raise NotPermitted(
            "核证机构与项目业主为同一主体或受同一控制，不能核证本项目。", code="not_independent"
        )


def _controllers(party: Party) -> set[int]:
    return {party.id} | ({party.controlled_by_id} if party.controlled_by_id else set())


def _owned(session: Session, actor: Actor, project_id: int) -> Project:
    actor.require(Role.DEVELOPER, Role.COOPERATIVE)
    project = locked(session, project_id)
    if project.owner_id != actor.party_id:
        raise NotPermitted("只有项目业主可以办理。", code="not_owner")
    return project


def owned(session: Session, actor: Actor, project_id: int) -> Project:
    """The project, locked, if it belongs to the actor's party."""
    return _owned(session, actor, project_id)


def _move(project: Project, to: Status) -> None:
    if to not in NEXT[Status(project.status)]:
        raise Conflict(f"项目“{project.name}”现在不能办理这一步。", code="step")
    project.status = to


def _note(
    session: Session, actor: Actor, project: Project, action: str, detail: dict[str, Any]
) -> None:
    session.flush()
    audit.record(session, actor, f"project.{action}", f"project:{project.id}", detail)


def locked(session: Session, project_id: int) -> Project:
    """The project, held until the transaction ends."""
    row = session.get(Project, project_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("没有这个项目。", code="project")
    return row


def members(session: Session, project_id: int) -> list[ProjectParcel]:
    """The parcels of a project, without those that have left it."""
    query = select(ProjectParcel).where(
        ProjectParcel.project_id == project_id, ProjectParcel.left_at.is_(None)
    )
    return list(session.scalars(query.order_by(ProjectParcel.parcel_id)))


def land_by_stratum(session: Session, project_id: int) -> list[tuple[str, MultiPolygon]]:
    """Stratum and present outline (EPSG:4490) of each parcel, where its plots have to lie."""
    return [
        (member.stratum, parcels.boundary_of(parcels.present_version(session, member.parcel_id)))
        for member in members(session, project_id)
    ]


def listing(session: Session) -> list[tuple[Project, Party]]:
    """Projects with their owners, newest first."""
    query = select(Project, Party).join(Party, Party.id == Project.owner_id)
    return [(row, owner) for row, owner in session.execute(query.order_by(Project.id.desc()))]

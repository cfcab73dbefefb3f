"""What a project and its rounds state, with evidence, and what the register says of the land.

A project states its facts when it is made and may state them anew while it is a draft; each
statement is kept. A round freezes the statement that stands, what was spread, burnt or displaced in
its period, and what the register says of its parcels on the day it opens. Evidence is any number
of documents; without one neither project nor round goes on notice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from shapely import MultiPolygon
from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import geometry
from methodologies import catalogue, inputs
from methodologies.eligibility import Check
from methodologies.statements import LandFacts, PeriodFacts, ProjectFacts
from sinks.core import documents
from sinks.core.actor import Actor
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.documents import Document
from sinks.core.errors import Conflict
from sinks.land import parcels
from sinks.land.attributes import LAND_CLASSES, AttributeKind, ParcelAttribute, Wetness
from sinks.land.rights import ParcelRight
from sinks.measurement import activity_records

PROJECT_SUBJECT, ROUND_SUBJECT = "project_facts", "round_facts"
NAMED_MAX = 5


class ProjectStatement(Base):
    """What a project states of itself; the newest statement stands."""

    __tablename__ = "project_facts"

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]

    def facts(self, method_id: str) -> ProjectFacts:
        """What it says, by the statement that the project's method asks for."""
        return inputs.parse(catalogue.STATEMENTS[method_id], self.values)


class RoundStatement(Base):
    """What a round has frozen beside parcels and plots."""

    __tablename__ = "round_facts"

    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"), primary_key=True)
    # None where projects by the method state nothing.
    project_facts_id: Mapped[int | None] = mapped_column(ForeignKey("project_facts.id"))
    period: Mapped[dict[str, Any]] = mapped_column(JSONB)
    land: Mapped[dict[str, Any]] = mapped_column(JSONB)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]

    def period_facts(self, method_id: str) -> PeriodFacts:
        """What it says, by the statement that the project's method asks for."""
        return inputs.parse(catalogue.PERIODS[method_id], self.period)

    @property
    def land_facts(self) -> LandFacts:
        return LandFacts(**self.land)


def state(
    session: Session,
    actor: Actor,
    project_id: int,
    values: Mapping[str, Any],
    *,
    method_id: str,
    strata: Iterable[str],
) -> ProjectStatement:
    """Keep what a project states; whoever calls has checked that it is the actor's own.

    strata : those of the project's parcels

    Raises
    ------
    MethodInputInvalid
        A value is missing or wrong.
    Conflict
        The method does not apply to what is stated, or it speaks of other strata.
    """
    facts = inputs.parse(catalogue.STATEMENTS[method_id], values)
    _refuse_other_strata(facts, set(strata))
    _refuse_ineligible(facts.stated_against())
    row = ProjectStatement(
        project_id=project_id, values=facts.model_dump(mode="json"), person_id=actor.person_id
    )
    session.add(row)
    session.flush()
    return row


def of_project(session: Session, project_id: int) -> ProjectStatement | None:
    """The statement of a project that stands; None where its method asks for none."""
    return session.scalar(
        select(ProjectStatement)
        .where(ProjectStatement.project_id == project_id)
        .order_by(ProjectStatement.id.desc())
        .limit(1)
    )


def of_round(
    session: Session, round_id: int
) -> tuple[ProjectStatement | None, RoundStatement] | None:
    """What a round has frozen, of its project and of its period; None where nothing is stated."""
    row = session.get(RoundStatement, round_id)
    if row is None:
        return None
    if row.project_facts_id is None:
        return None, row
    return session.get_one(ProjectStatement, row.project_facts_id), row


def freeze(
    session: Session,
    actor: Actor,
    round_id: int,
    project_id: int,
    *,
    method_id: str,
    period: tuple[date, date],
    land: Mapping[int, MultiPolygon],
    values: Mapping[str, Any],
) -> RoundStatement:
    """Freeze statement, period and land of a round.

    period : [start, end)
    land : parcel id -> outline, as the round froze it
    values : what is stated of the period

    Raises
    ------
    MethodInputInvalid
        A value is missing or wrong.
    Conflict
        Nothing was planted by then; a parcel has no reviewed land class; the method does not apply;
        or the activity records tell of a fire or of fertiliser that is not stated.
    """
    stated = inputs.parse(catalogue.PERIODS[method_id], values)
    found = land_facts(session, land, period)
    project = of_project(session, project_id)
    if project is not None:
        _refuse_unfit(session, project.facts(method_id), list(land), found, period[1])
    _refuse_ineligible(stated.against(found))
    _refuse_unstated(session, list(land), period, stated)
    row = RoundStatement(
        round_id=round_id,
        project_facts_id=None if project is None else project.id,
        period=stated.model_dump(mode="json"),
        land=asdict(found),
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    return row


def _refuse_unfit(
    session: Session, facts: ProjectFacts, parcel_ids: Sequence[int], land: LandFacts, end: date
) -> None:
    """Refuse a round before there is anything to measure, or on land the method is not for."""
    if end <= date(facts.first_year, 1, 1):
        raise Conflict(
            f"{facts.first_year} 年才开工或种植，监测期 {end} 即止，没有可核算的。",
            code="before_planting",
        )
    if facts.ASKS_LAND and land.wetland is None:
        unknown = sorted(set(parcel_ids) - _classed(session, parcel_ids))
        raise Conflict(
            f"地块 {_named(session, unknown)} 没有经复核的地类（国土三调），不知道原来是不是湿地。"
            "请由林业员录入并复核后再开启监测期。",
            code="land_class_missing",
        )
    _refuse_ineligible(facts.against(land))


def land_facts(
    session: Session, land: Mapping[int, MultiPolygon], period: tuple[date, date]
) -> LandFacts:
    """What the register says of parcels in a period [start, end).

    Documented tenure: each has a reviewed right at the start and on the last day. Wetland: any of
    them was ever of a wetland class, or on a list of wetlands; unknown while one has no class.
    """
    pieces = [piece for outline in land.values() for piece in outline.geoms]
    days = (period[0], period[1] - timedelta(days=1))
    return LandFacts(
        tenure_documented=all(_documented(session, land, day) for day in days),
        wetland=_was_wetland(session, land),
        smallest_parcel_m2=float(min(geometry.areas_m2(pieces))),
    )


def _documented(session: Session, parcel_ids: Iterable[int], day: date) -> bool:
    documented = select(ParcelRight.parcel_id).where(
        ParcelRight.parcel_id.in_(list(parcel_ids)),
        ParcelRight.reviewed_at.is_not(None),
        ParcelRight.ended_on.is_(None) | (ParcelRight.ended_on > day),
        ParcelRight.term_from.is_(None) | (ParcelRight.term_from <= day),
        ParcelRight.term_to.is_(None) | (ParcelRight.term_to > day),
    )
    return set(parcel_ids) <= set(session.scalars(documented))


def _was_wetland(session: Session, parcel_ids: Iterable[int]) -> bool | None:
    reviewed = _reviewed(session, parcel_ids)
    if any(
        row.value["legal_wetland"]
        if row.kind == AttributeKind.WETLAND
        else LAND_CLASSES[row.value["code"]].wetness != Wetness.NEVER
        for row in reviewed
    ):
        return True
    return False if set(parcel_ids) <= _classed(session, parcel_ids) else None


def _classed(session: Session, parcel_ids: Iterable[int]) -> set[int]:
    rows = _reviewed(session, parcel_ids)
    return {row.parcel_id for row in rows if row.kind == AttributeKind.LAND_CLASS}


def _reviewed(session: Session, parcel_ids: Iterable[int]) -> list[ParcelAttribute]:
    query = select(ParcelAttribute).where(
        ParcelAttribute.parcel_id.in_(list(parcel_ids)),
        ParcelAttribute.reviewed_at.is_not(None),
        ParcelAttribute.kind.in_((AttributeKind.LAND_CLASS, AttributeKind.WETLAND)),
    )
    return list(session.scalars(query))


def _refuse_other_strata(facts: ProjectFacts, strata: set[str]) -> None:
    named = facts.strata_named
    if named is not None and set(named) != strata:
        raise Conflict(
            f"项目事实写的层是 {'、'.join(sorted(named))}，地块所在的层是 {'、'.join(sorted(strata))}；"
            "请逐层填写，一层不多、一层不少。",
            code="strata",
        )


def _refuse_ineligible(broken: Sequence[Check]) -> None:
    if broken:
        said = "；".join(f"{one.rule}（{one.source}），现为：{one.found}" for one in broken)
        raise Conflict(f"不符合方法的适用条件：{said}。", code="ineligible")


def _refuse_unstated(
    session: Session, parcel_ids: Sequence[int], period: tuple[date, date], stated: PeriodFacts
) -> None:
    """Refuse a statement of nothing where the activity records tell of something."""
    start, end = (day.isoformat() for day in period)

    told = {
        kind: [
            row.values or {}
            for row in activity_records.standing(session, parcel_ids, kind)
            if start <= (row.values or {})["on"] < end
        ]
        for kind in ("fire", "tending", "felling")
    }
    if lacking := stated.unstated(told):
        raise Conflict(f"{'；'.join(lacking)}；请核对。", code="unstated")


def file_evidence(
    session: Session, actor: Actor, subject: str, key: int, *, name: str, content: bytes
) -> Document:
    """Put a document on file for a project's or a round's statement."""
    return documents.file(
        session,
        actor,
        kind="facts_evidence",
        name=name,
        content=content,
        subject=f"{subject}:{key}",
    )


def evidence_of(session: Session, subject: str, key: int) -> list[Document]:
    """The evidence on file for a project's or a round's statement, oldest first."""
    query = select(Document).where(Document.subject == f"{subject}:{key}").order_by(Document.id)
    return list(session.scalars(query))


def refuse_without_evidence(session: Session, subject: str, key: int) -> None:
    """Refuse while no document is on file for a statement."""
    if not evidence_of(session, subject, key):
        what = "项目事实" if subject == PROJECT_SUBJECT else "本期填报"
        raise Conflict(
            f"{what}没有依据材料（没有施肥、没有过火也须有记录为证）。请补交后再公示。",
            code="evidence_missing",
        )


def _named(session: Session, parcel_ids: Sequence[int]) -> str:
    codes = list(parcels.codes_of(session, parcel_ids).values())
    more = f" 等 {len(codes)} 块" if len(codes) > NAMED_MAX else ""
    return "、".join(codes[:NAMED_MAX]) + more

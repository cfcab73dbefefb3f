"""Verification of a round (核证): a verifier's findings, the owner's answers, the statement.

Who verifies belongs to no house that is connected to the project, and has proposed nothing of it.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.crediting import objections, projects, rounds, second_measurements
from sinks.crediting.rounds import MonitoringRound


class Finding(Base):
    """A verifier's finding, pinned to a part of the claim, and the proposer's answer."""

    __tablename__ = "finding"

    id: Mapped[Key]
    round_id: Mapped[int] = mapped_column(ForeignKey("monitoring_round.id"), index=True)
    field: Mapped[str]
    text: Mapped[str]
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    answer: Mapped[str | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]


def begin(session: Session, actor: Actor, round_id: int) -> MonitoringRound:
    """A verifier of an unconnected organisation takes the round up, after its notice and when
    every objection to it is answered."""
    row = _for_verifier(session, actor, round_id)
    projects.refuse_running_notice(session, row.notice_ends_on)
    objections.refuse_open(session, round_id=round_id)
    rounds.move(row, rounds.Status.UNDER_VERIFICATION)
    rounds.note(session, actor, row, "begin_verification", {})
    return row


def raise_finding(
    session: Session, actor: Actor, round_id: int, *, field: str, words: str
) -> Finding:
    """Pin a finding to a part of the claim; the round goes back to the proposer."""
    row = _for_verifier(session, actor, round_id)
    if row.status not in (rounds.Status.UNDER_VERIFICATION, rounds.Status.FINDINGS):
        raise Conflict("这个监测期不在核证中。", code="step")
    if not words.strip():
        raise Invalid("请写明发现的问题。", code="finding")
    if row.status == rounds.Status.UNDER_VERIFICATION:
        rounds.move(row, rounds.Status.FINDINGS)
    finding = Finding(
        round_id=round_id, field=field, text=words.strip(), raised_by_id=actor.person_id
    )
    session.add(finding)
    rounds.note(session, actor, row, "finding", {"field": field})
    return finding


def answer_finding(session: Session, actor: Actor, finding_id: int, answer: str) -> Finding:
    """The owner answers a finding; when every one is answered, verification goes on."""
    finding = session.get(Finding, finding_id, with_for_update=True, populate_existing=True)
    if finding is None or finding.answer:
        raise NotFound("没有这条待答复的整改项。", code="finding")
    row = rounds.locked(session, finding.round_id)
    projects.owned(session, actor, row.project_id)
    if not answer.strip():
        raise Invalid("请写明整改情况。", code="answer")
    finding.answer, finding.answered_by_id = answer.strip(), actor.person_id
    session.flush()
    if not [item for item in findings(session, row.id) if item.answer is None]:
        rounds.move(row, rounds.Status.UNDER_VERIFICATION)
    rounds.note(session, actor, row, "answer", {"finding": finding_id})
    return finding


def verify(
    session: Session, actor: Actor, round_id: int, statement: str, *, run_id: int | None = None
) -> MonitoringRound:
    """The verifier's statement that the quantity of the round's run stands (核证).

    run_id : the run that was looked at; Conflict when the round has been measured again since

    Raises
    ------
    Conflict
        Also while a second measurement that the drawn sample asks for is missing.
    """
    row = _for_verifier(session, actor, round_id)
    if run_id is not None and run_id != row.run_id:
        raise Conflict("您查看之后业主又重新核算过，请重新查看再提交。", code="measured_again")
    if not statement.strip():
        raise Invalid("请填写核证意见。", code="statement")
    second_measurements.refuse_missing(session, row.id, row.project_id)
    rounds.move(
        row, rounds.Status.VERIFIED
    )  # First: a refused step leaves nothing, even if it is caught.
    row.verified_by_id, row.verification_statement = actor.person_id, statement.strip()
    for finding in findings(session, round_id):
        finding.closed_at = finding.closed_at or now(session)
    rounds.note(session, actor, row, "verify", {"run": row.run_id})
    return row


def _for_verifier(session: Session, actor: Actor, round_id: int) -> MonitoringRound:
    actor.require(Role.VERIFIER)
    row = rounds.locked(session, round_id)
    project = session.get_one(projects.Project, row.project_id)
    projects.refuse_connected(session, actor, project)
    if actor.person_id == row.proposed_by_id:
        raise NotPermitted("申报人不能核证自己的申报。", code="four_people")
    return row


def findings(session: Session, round_id: int) -> list[Finding]:
    """Findings of a round, oldest first."""
    query = select(Finding).where(Finding.round_id == round_id).order_by(Finding.id)
    return list(session.scalars(query))

"""Changes of land that somebody has built on: splits, merges and transfers with what stands above.

`sinks.land` knows neither rounds nor contracts. Here the days that were credited stay with the
parcel that earned them, the contract that covers a parent names its children, the project takes them
up in the parent's stratum once their papers are reviewed, and whoever has agreed something with the old holder is told of the new one.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from shapely import MultiPolygon
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sinks.cooperative import contracts
from sinks.cooperative.contracts import ContractParcel
from sinks.core import audit
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.crediting import projects
from sinks.crediting.issuance import ParcelCredit
from sinks.crediting.projects import Project, ProjectParcel
from sinks.crediting.rounds import MonitoringRound
from sinks.land import parcels, succession, transfers
from sinks.land.parcels import Status as ParcelStatus
from sinks.land.succession import Succession
from sinks.land.transfers import RightTransfer


def split(
    session: Session,
    actor: Actor,
    parcel_id: int,
    outlines: Sequence[MultiPolygon],
    *,
    reason: str,
    names: Sequence[str] = (),
) -> Succession:
    """Put several parcels in the place of one, with its contract and its project.

    Raises as `sinks.land.succession.split`.
    """
    row = succession.split(
        session, actor, parcel_id, outlines, reason=reason, names=names,
        credited_until=_credited_until(session, [parcel_id]),
    )  # fmt: skip
    _follow(session, actor, row)
    return row


def merge(
    session: Session, actor: Actor, parcel_ids: Sequence[int], *, reason: str, name: str
) -> Succession:
    """Put one parcel in the place of several, with their contract and project.

    Raises
    ------
    Unlike, Conflict
        As `sinks.land.succession.merge`; also when they stand under different contracts, or in
        different projects or strata.
    """
    _refuse_unlike(session, parcel_ids)
    row = succession.merge(
        session, actor, parcel_ids, reason=reason, name=name,
        credited_until=_credited_until(session, parcel_ids),
    )  # fmt: skip
    _follow(session, actor, row)
    return row


def _credited_until(session: Session, parcel_ids: Sequence[int]) -> date | None:
    return session.scalar(
        select(func.max(MonitoringRound.period_end))
        .join(ParcelCredit, ParcelCredit.round_id == MonitoringRound.id)
        .where(ParcelCredit.parcel_id.in_(parcel_ids))
    )


def _refuse_unlike(session: Session, parcel_ids: Sequence[int]) -> None:
    standing = [contracts.of_parcel(session, one) for one in parcel_ids]
    if len({contract.id if contract else None for contract in standing}) > 1:
        raise succession.Unlike("这些地块的收储合同不同，不能合并。", code="contracts")
    if len({_membership(session, one) for one in parcel_ids}) > 1:
        raise succession.Unlike("这些地块不在同一项目的同一层，不能合并。", code="projects")


def _membership(session: Session, parcel_id: int) -> tuple[int, str] | None:
    found = session.execute(
        select(ProjectParcel.project_id, ProjectParcel.stratum)
        .join(Project, Project.id == ProjectParcel.project_id)
        .where(
            ProjectParcel.parcel_id == parcel_id, ProjectParcel.left_at.is_(None),
            Project.status != projects.Status.REJECTED,
        )
    ).one_or_none()  # fmt: skip
    return (found[0], found[1]) if found else None


def _follow(session: Session, actor: Actor, row: Succession) -> None:
    """Let the contract of the parents name the children; then have it all checked."""
    parent_ids = succession.of_side(session, row.id, "parent")
    child_ids = succession.of_side(session, row.id, "child")
    contract = contracts.of_parcel(session, parent_ids[0])
    if contract is not None:
        for member in contracts.members(session, contract.id):
            if member.parcel_id in parent_ids:
                member.standing = False
        session.flush()
        for child_id in child_ids:
            session.add(ContractParcel(contract_id=contract.id, parcel_id=child_id, standing=True))
            parcels.step(
                session, actor, child_id, ParcelStatus.UNDER_CONTRACT,
                {"contract": contract.number, "succession": row.id},
            )  # fmt: skip
        audit.record(
            session, actor, "contract.follow", f"contract:{contract.id}",
            {"parents": parent_ids, "children": child_ids},
        )  # fmt: skip
    succession.settle(session)


def review(session: Session, actor: Actor, succession_id: int) -> None:
    """A second officer accepts what was copied to the children; then the project takes them up.

    Not before: a project takes only land whose sink is its owner's by reviewed papers. A child that
    is not its owner's to credit stays outside.

    Raises as `sinks.land.succession.review`.
    """
    succession.review(session, actor, succession_id)
    membership = _membership(session, succession.of_side(session, succession_id, "parent")[0])
    if membership is None:
        return
    project_id, stratum = membership
    owner_id = session.get_one(Project, project_id).owner_id
    day = today(session)
    child_ids = succession.of_side(session, succession_id, "child")
    held = [
        child_id for child_id in child_ids
        if session.scalar(func.parcel_held_by(child_id, owner_id, day, day + timedelta(days=1)))
    ]  # fmt: skip
    session.add_all(
        ProjectParcel(project_id=project_id, parcel_id=child_id, stratum=stratum)
        for child_id in held
    )
    session.flush()
    audit.record(
        session, actor, "project.follow", f"project:{project_id}",
        {"succession": succession_id, "children": held,
         "left_out": [one for one in child_ids if one not in held]},
    )  # fmt: skip


def accept_transfer(session: Session, actor: Actor, transfer_id: int) -> RightTransfer:
    """A second officer accepts a transfer; the parties of contracts and projects on it are told.

    Raises as `sinks.land.transfers.accept`.
    """
    row = transfers.accept(session, actor, transfer_id)
    told: list[tuple[int, str]] = []
    contract = contracts.of_parcel(session, row.parcel_id)
    if contract is not None:
        told.append((contract.cooperative_id, f"contract:{contract.id}"))
    if membership := _membership(session, row.parcel_id):
        project = session.get_one(Project, membership[0])
        told.append((project.owner_id, f"project:{project.id}"))
    transfers.tell(session, actor, row, told)
    return row

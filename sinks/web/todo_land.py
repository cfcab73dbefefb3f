"""What waits for a person about land once: cases, splits, transfers, enrolments about to end."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from sinks.core.actor import Actor, Role
from sinks.crediting import enrolment_expiry
from sinks.land import succession, transfers
from sinks.land.overlap_cases import OverlapCase
from sinks.land.transfers import RightTransfer, RightTransferTold

# kind, count, since when, page, what it opens with
Entry = tuple[str, int, datetime | None, str, dict[str, str]]


def waiting(session: Session, actor: Actor) -> Iterator[Entry]:
    """The entries for this person, in the order of the life of a parcel."""
    if actor.roles & {Role.OFFICER, Role.REGISTRAR}:
        yield from _cases(session, "overlap_propose", OverlapCase.status == "open")
    if Role.REGISTRAR in actor.roles:
        yield from _cases(
            session, "overlap_decide", OverlapCase.status == "proposed",
            OverlapCase.proposed_by_id != actor.person_id,
        )  # fmt: skip
    if Role.OFFICER in actor.roles:
        yield from _officer(session, actor)
    told = session.execute(
        select(
            func.count(), func.min(RightTransferTold.recorded_at), func.min(RightTransfer.parcel_id)
        )
        .join(RightTransfer, RightTransfer.id == RightTransferTold.transfer_id)
        .where(RightTransferTold.party_id == actor.party_id, RightTransferTold.seen_at.is_(None))
    ).one()
    if told[0]:
        yield "transfer_seen", int(told[0]), told[1], "parcels", {"id": str(told[2])}


def _cases(session: Session, kind: str, *where: ColumnElement[bool]) -> Iterator[Entry]:
    count, oldest_at = session.execute(
        select(func.count(), func.min(OverlapCase.recorded_at)).where(*where)
    ).one()
    if count:
        yield kind, int(count), oldest_at, "overlaps", {}


def _officer(session: Session, actor: Actor) -> Iterator[Entry]:
    splits = [
        row for row in succession.awaiting_review(session) if row.person_id != actor.person_id
    ]
    if splits:
        child_id = succession.of_side(session, splits[0].id, "child")[0]
        yield (
            "succession_review", len(splits), splits[0].recorded_at, "parcels",
            {"id": str(child_id)},
        )  # fmt: skip
    moves = [row for row in transfers.awaiting(session) if row.proposed_by_id != actor.person_id]
    if moves:
        yield (
            "transfer_review", len(moves), moves[0].recorded_at, "parcels",
            {"id": str(moves[0].parcel_id)},
        )  # fmt: skip
    ending = enrolment_expiry.unproven(session)
    if ending:
        yield (
            "enrolment_expiring", len(ending), None, "parcels", {"id": str(ending[0].parcel_id)},
        )  # fmt: skip

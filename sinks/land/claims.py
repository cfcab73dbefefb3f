"""Claims: the land of an enrolled parcel, which nobody else can claim for the same days.

The database refuses it, for any two people at the same instant: each claim is cut into pieces,
eroded by half the tolerance, and an exclusion constraint forbids two pieces of different parcels
to overlap in place and period (`no_double_land`). Only a trigger writes the pieces.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, RecordedAt, constraint_of, today
from sinks.core.errors import Conflict
from sinks.land import eligibility, parcels
from sinks.land.parcels import Neighbour, ParcelVersion, Status

# Slivers with all neighbours together, beyond which two people would have to look.
SLIVERS_SHARE_MAX = 0.005
SLIVERS_M2_MAX = 200.0


class LandClaim(Base):
    """The land of a parcel version, claimed for [starts_on, ends_on); no end while it stands."""

    __tablename__ = "land_claim"

    parcel_id: Mapped[int] = mapped_column(
        ForeignKey("parcel.id"), primary_key=True, autoincrement=False
    )
    version_id: Mapped[int] = mapped_column(ForeignKey("parcel_version.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    recorded_at: Mapped[RecordedAt]


class LandTaken(Conflict):
    """Part of the land is claimed by another parcel for the same days."""

    def __init__(self, code: str, in_the_way: list[Neighbour]) -> None:
        named = "；".join(f"{item.code}（{item.shared_m2:,.1f} 平方米）" for item in in_the_way)
        super().__init__(
            f"地块 {code} 不能入库：与已入库的 {named or '另一地块'} 重叠，最宽处超过 1 米。"
            "请修正其中一块的边界，或由两人处理争议。",
            code="land_taken",
        )
        self.in_the_way = in_the_way


def enrol(session: Session, actor: Actor, parcel_id: int) -> None:
    """Take a reviewed parcel into the register: its land is claimed from today on.

    Raises
    ------
    LandTaken
        Names the parcels in the way.
    Conflict
        Not reviewed yet, a doubt still open, less than one mu, or nothing left after erosion.
    NotEligible
        Land that may not be this sink: permanent basic farmland under a forest, paddy as wetland.
    """
    actor.require(Role.OFFICER)
    parcel = parcels.locked(session, parcel_id)
    if parcel.status != Status.RIGHTS_REVIEWED:
        raise Conflict(
            f"地块 {parcel.code} 现为“{parcels.STATUS_ZH[Status(parcel.status)]}”，"
            "权属材料审查通过后才能入库。",
            code="step",
        )
    blocking = [
        mark for mark in parcels.open_marks(session, parcel_id)
        if mark.code in parcels.BLOCKING_MARKS
    ]  # fmt: skip
    if blocking:
        reasons = "；".join(mark.message for mark in blocking)
        raise Conflict(f"地块 {parcel.code} 有存疑未处理：{reasons}。", code="marked")
    eligibility.refuse(session, parcel_id, eligibility.Step.ENROL)
    parcels.step(session, actor, parcel_id, Status.ENROLLED)
    version = parcels.present_version(session, parcel_id)
    _refuse_slivers(session, parcel.code, version)
    with _refusals_in_words(session, parcel_id):
        session.add(LandClaim(parcel_id=parcel_id, version_id=version.id, starts_on=today(session)))


def _refuse_slivers(session: Session, code: str, version: ParcelVersion) -> None:
    """Each sliver is within accuracy; together they are land that somebody else has claimed."""
    boundary = parcels.boundary_of(version)
    shared_m2 = sum(
        other.shared_m2
        for other in _claimed(
            session, parcels.neighbours(session, boundary, but_not=version.parcel_id)
        )
        if not other.deep
    )
    if shared_m2 > min(SLIVERS_M2_MAX, SLIVERS_SHARE_MAX * version.area_m2):
        raise Conflict(
            f"地块 {code} 与已入库的邻地块相接处合计重叠 {shared_m2:,.1f} 平方米，超过本地块面积的 0.5% "
            "或 200 平方米。请贴合邻界后再入库。",
            code="slivers",
        )


def cover(session: Session, actor: Actor, parcel_id: int, starts_on: date) -> None:
    """Carry a claim back to the start of a period that is to be credited.

    A parcel enrolled today may be credited for years that are over; another parcel on the same
    land may have been credited for them.
    """
    claim = session.get(LandClaim, parcel_id, with_for_update=True, populate_existing=True)
    if claim is None:
        code = parcels.locked(session, parcel_id).code
        raise Conflict(f"地块 {code} 尚未入库，不能计入监测期。", code="not_enrolled")
    if claim.starts_on > starts_on:
        with _refusals_in_words(session, parcel_id):
            claim.starts_on = starts_on
        audit.record(
            session, actor, "claim.cover", f"parcel:{parcel_id}",
            {"starts_on": starts_on.isoformat()},
        )  # fmt: skip


def withdraw(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Take a parcel out of the register from today on. What was credited stays claimed."""
    actor.require(Role.OFFICER, Role.REGISTRAR)
    parcels.step(session, actor, parcel_id, Status.WITHDRAWN, {"reason": reason})
    claim = session.get(LandClaim, parcel_id, with_for_update=True, populate_existing=True)
    if claim is not None:
        # A claim made and withdrawn on one day has claimed that day.
        claim.ends_on = max(today(session), claim.starts_on)
        session.flush()


@contextmanager
def _refusals_in_words(session: Session, parcel_id: int) -> Iterator[None]:
    """Send a change of a claim to the database, and turn its refusal into words."""
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        code = parcels.locked(session, parcel_id).code
        match constraint_of(error):
            case "no_double_land":
                raise LandTaken(code, _claimed_neighbours(session, parcel_id)) from error
            case "land_claim_too_thin":
                raise Conflict(
                    f"地块 {code} 太窄：两侧各收进 0.5 米后不足原面积的一半，不能入库。",
                    code="too_thin",
                ) from error
            case "land_claim_too_small":
                raise Conflict(
                    f"地块 {code} 不足 1 亩（666.67 平方米），不能入库。", code="too_small"
                ) from error
            case _:
                raise


def _claimed_neighbours(session: Session, parcel_id: int) -> list[Neighbour]:
    """The neighbours that hold a claim and share more than the tolerance."""
    boundary = parcels.boundary_of(parcels.present_version(session, parcel_id))
    found = parcels.neighbours(session, boundary, but_not=parcel_id)
    return [other for other in _claimed(session, found) if other.deep]


def _claimed(session: Session, found: list[Neighbour]) -> list[Neighbour]:
    """Those of the neighbours whose land is claimed."""
    claimed = set(session.scalars(select(LandClaim.parcel_id)))
    return [other for other in found if other.parcel_id in claimed]


def double_counted_m2(session: Session) -> float:
    """Area that present claims hold twice, by the whole set; slivers below the tolerance only.

    An audit of the constraint by another way of counting: sum of areas less area of the union.
    """
    total = session.scalar(
        text(
            "SELECT coalesce(sum(ST_Area(v.boundary_m)) - ST_Area(ST_Union(v.boundary_m)), 0)"
            " FROM land_claim c JOIN parcel_version v ON v.id = c.version_id"
            " WHERE c.ends_on IS NULL"
        )
    )
    return float(total or 0.0)

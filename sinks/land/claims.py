"""Claims: the land of an enrolled parcel, which nobody else can claim for the same days.

The database refuses it, for any two people at the same instant: each claim is cut into pieces,
eroded by half the tolerance, and an exclusion constraint forbids two pieces of different parcels
to overlap in place and period (`no_double_land`). Only a trigger writes the pieces. Land that other
programmes have claimed stands in the same constraint (`programme_claims.py`). What the constraint
lets through, slivers that add up and the outline of a parcel that was here before, two people
decide (`overlap_cases.py`); the database keeps it out until they have.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, RecordedAt, constraint_of, now, today
from sinks.core.errors import Conflict
from sinks.land import eligibility, marks, parcels
from sinks.land.parcels import Status

# The constraints by which the database refuses a claim.
REFUSALS = (
    "no_double_land", "land_slivers", "land_duplicate", "land_in_doubt", "land_claim_too_thin",
    "land_claim_too_small",
)  # fmt: skip


class LandClaim(Base):
    """The land of a parcel version, claimed for [starts_on, ends_on); no end while it stands."""

    __tablename__ = "land_claim"
    __table_args__ = (CheckConstraint("creditable_area_m2 > 0", name="creditable"),)

    parcel_id: Mapped[int] = mapped_column(
        ForeignKey("parcel.id"), primary_key=True, autoincrement=False
    )
    version_id: Mapped[int] = mapped_column(ForeignKey("parcel_version.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    recorded_at: Mapped[RecordedAt]
    # The area of the outline less the slivers that an earlier claim has; the database counts it.
    creditable_area_m2: Mapped[float] = mapped_column(FetchedValue(for_update=True))
    # Slivers go to the earlier of two claims; successors of a parcel keep its place.
    precedence_at: Mapped[RecordedAt]


@dataclass(frozen=True, slots=True)
class InTheWay:
    """A claim that shares land with an outline: of a parcel, or of another programme.

    code : the parcel's, or programme and number; deep : wider than the tolerance somewhere
    """

    parcel_id: int | None
    programme_claim_id: int | None
    version_id: int | None
    code: str
    shared_m2: float
    deep: bool


class NeedsDecision(Conflict):
    """Enrolment waits for two people (`overlap_cases.py`). Nothing was claimed."""

    def __init__(self, message: str, *, code: str, parcel_id: int) -> None:
        super().__init__(message, code=code)
        self.parcel_id = parcel_id


class LandTaken(NeedsDecision):
    """Part of the land is claimed by another parcel or programme for the same days."""

    def __init__(self, code: str, in_the_way: list[InTheWay], parcel_id: int) -> None:
        named = "；".join(f"{item.code}（{item.shared_m2:,.1f} 平方米）" for item in in_the_way)
        super().__init__(
            f"地块 {code} 不能入库：与已入库的 {named or '另一地块'} 重叠，最宽处超过 1 米。"
            "请修正其中一块的边界，或由两人处理争议。",
            code="land_taken",
            parcel_id=parcel_id,
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
    marks.refuse_in_doubt(session, parcel_id)
    eligibility.refuse(session, parcel_id, eligibility.Step.ENROL)
    version_id = parcels.present_version(session, parcel_id).id
    earlier = session.get(LandClaim, parcel_id, with_for_update=True, populate_existing=True)
    # The step is inside: whoever catches the refusal and goes on has no parcel without its land.
    with _refusals_in_words(session, parcel_id):
        parcels.step(session, actor, parcel_id, Status.ENROLLED)
        if earlier is None:
            session.add(
                LandClaim(parcel_id=parcel_id, version_id=version_id, starts_on=today(session))
            )
        else:  # Its enrolment has expired once; the land was free in between.
            earlier.version_id, earlier.starts_on = version_id, today(session)
            earlier.ends_on, earlier.precedence_at = None, now(session)


def cover(session: Session, actor: Actor, parcel_id: int, starts_on: date) -> LandClaim:
    """Carry a claim back to the start of a period that is to be credited, and give it.

    A parcel enrolled today may be credited for years that are over; another parcel on the same
    land may have been credited for them.
    """
    claim = session.get(LandClaim, parcel_id, with_for_update=True, populate_existing=True)
    if claim is None:
        code = parcels.locked(session, parcel_id).code
        raise Conflict(f"地块 {code} 尚未入库，不能计入监测期。", code="not_enrolled")
    if claim.starts_on > starts_on:
        with _refusals_in_words(session, parcel_id, since=starts_on):
            claim.starts_on = starts_on
        audit.record(
            session, actor, "claim.cover", f"parcel:{parcel_id}",
            {"starts_on": starts_on.isoformat()},
        )  # fmt: skip
    return claim


def withdraw(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Take a parcel out of the register from today on. What was credited stays claimed."""
    actor.require(Role.OFFICER, Role.REGISTRAR)
    parcels.step(session, actor, parcel_id, Status.WITHDRAWN, {"reason": reason})
    end(session, parcel_id)


def end(session: Session, parcel_id: int, on: date | None = None) -> None:
    """End the claim of a parcel on a day (today if none is given), if it has one that stands.

    Raises
    ------
    Conflict
        Days after it have been credited already.
    """
    claim = session.get(LandClaim, parcel_id, with_for_update=True, populate_existing=True)
    if claim is not None and claim.ends_on is None:
        with _refusals_in_words(session, parcel_id):
            # A claim made and ended on one day has claimed that day.
            claim.ends_on = max(on or today(session), claim.starts_on)


def hand_over(
    session: Session, parent_ids: list[int], child_ids: list[int], *, credited_until: date | None
) -> None:
    """Give the claims of parcels that leave to those that take their place.

    The parents keep the days that were credited (and, of two that are merged, those before the
    younger claim); the children have all others, and the parents' place among their neighbours.
    Nothing is claimed that was not claimed before.

    credited_until : end of the last period that a parent was credited for; None for never
    """
    held = [
        session.get_one(LandClaim, one, with_for_update=True, populate_existing=True)
        for one in sorted(parent_ids)
    ]
    since = max([claim.starts_on for claim in held] + ([credited_until] if credited_until else []))
    precedence_at = max(claim.precedence_at for claim in held)
    for claim in held:
        end(session, claim.parcel_id, on=since)
    for child_id in child_ids:
        with _refusals_in_words(session, child_id):
            session.add(
                LandClaim(
                    parcel_id=child_id,
                    version_id=parcels.present_version(session, child_id).id,
                    starts_on=since,
                    precedence_at=precedence_at,
                )
            )


@contextmanager
def _refusals_in_words(
    session: Session, parcel_id: int, *, since: date | None = None
) -> Iterator[None]:
    """Send a change of a claim to the database, and turn its refusal into words.

    since : the day it goes back to; today when not given
    """
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        code = parcels.locked(session, parcel_id).code
        match constraint_of(error):
            case "no_double_land":
                found = sharing(session, parcel_id, since=since)
                in_the_way = [one for one in found if one.deep]
                raise LandTaken(code, in_the_way, parcel_id) from error
            case "land_slivers":
                raise NeedsDecision(
                    f"地块 {code} 与已入库的邻地块相接处合计重叠"
                    f" {sum(one.shared_m2 for one in sharing(session, parcel_id, since=since)):,.1f} 平方米，"
                    "超过本地块面积的 0.5% 或 200 平方米。请贴合邻界后再入库，或由两人处理。",
                    code="slivers", parcel_id=parcel_id,
                ) from error  # fmt: skip
            case "land_duplicate":
                raise NeedsDecision(
                    f"地块 {code} 与曾经入库的 {'、'.join(one.code for one in shaped_like(session, parcel_id))}"
                    " 轮廓相同（重合 95% 以上）。同一块地重新登记须由两人确认。",
                    code="duplicate", parcel_id=parcel_id,
                ) from error  # fmt: skip
            case "land_in_doubt":
                raise marks.InDoubt(code, marks.doubts(session, parcel_id)) from error
            case "credited_stays_claimed":
                raise Conflict(
                    f"地块 {code} 已计入的监测期仍须占用，占用不能在此之前结束。", code="credited"
                ) from error
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


SHARING = """
    WITH mine AS (SELECT v.parcel_id, v.boundary, v.boundary_m FROM parcel_version v
                  WHERE v.parcel_id = :parcel_id AND v.valid_to IS NULL),
    near AS (
      SELECT c.parcel_id, NULL::bigint AS programme_claim_id, v.id AS version_id, p.code, v.boundary
      FROM mine, parcel_version v JOIN land_claim c ON c.version_id = v.id AND c.parcel_id = v.parcel_id
      JOIN parcel p ON p.id = c.parcel_id
      WHERE c.parcel_id <> mine.parcel_id AND ST_Intersects(v.boundary_m, mine.boundary_m)
        AND daterange(c.starts_on, c.ends_on) && daterange(:since, NULL)
      UNION ALL
      SELECT NULL, g.id, NULL, g.programme || ' ' || g.external_id, g.boundary
      FROM mine, programme_claim g
      WHERE g.status <> 'ended' AND ST_Intersects(g.boundary_m, mine.boundary_m)
        AND daterange(g.starts_on, g.ends_on) && daterange(:since, NULL))
    SELECT near.parcel_id, near.programme_claim_id, near.version_id, near.code, s.m2,
           NOT ST_IsEmpty(ST_Buffer(ST_Transform(i.shape, :srid), -:half_width))
    FROM mine, near,
    LATERAL (SELECT ST_CollectionExtract(ST_Intersection(near.boundary, mine.boundary), 3) AS shape) i,
    LATERAL (SELECT ST_Area(i.shape::geography) AS m2) s
    WHERE s.m2 > 0.01 ORDER BY s.m2 DESC
"""


def sharing(session: Session, parcel_id: int, *, since: date | None = None) -> list[InTheWay]:
    """Claims of days from one on (today) that share land with a parcel's outline, largest first."""
    rows = session.execute(
        text(SHARING),
        {
            "parcel_id": parcel_id,
            "since": since or today(session),
            "srid": parcels.METRIC_SRID,
            "half_width": parcels.OVERLAP_WIDTH_M_MAX / 2,
        },
    )
    return [InTheWay(*row) for row in rows]


def shaped_like(session: Session, parcel_id: int) -> list[InTheWay]:
    """Parcels that have been in the register and are not, with this outline (IoU above 0.95)."""
    rows = session.execute(
        text(
            """
            SELECT c.parcel_id, NULL, v.id, p.code, v.area_m2, true
            FROM parcel_version mine
            JOIN parcel_version v ON v.boundary_m && mine.boundary_m AND v.parcel_id <> mine.parcel_id
            JOIN land_claim c ON c.version_id = v.id JOIN parcel p ON p.id = c.parcel_id,
            LATERAL (SELECT ST_Area(ST_Intersection(v.boundary_m, mine.boundary_m)) AS m2) i
            WHERE mine.parcel_id = :parcel_id AND mine.valid_to IS NULL AND c.ends_on IS NOT NULL
              AND i.m2 > 0.95 * (ST_Area(v.boundary_m) + ST_Area(mine.boundary_m) - i.m2)
            ORDER BY v.valid_from DESC
            """
        ),
        {"parcel_id": parcel_id},
    )
    return [InTheWay(*row) for row in rows]

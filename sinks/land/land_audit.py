"""The nightly audit of the land: the whole set counted by another way than the constraint.

The constraint works on eroded pieces; this looks at the outlines themselves, pair by pair, for all
days, also those of claims that have ended. What it finds the constraint has let through, or somebody
has taken the constraint away.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.land import parcels

# G5: the union of the claimed land is at least this share of its sum. The pairs' sum bounds what the
# union loses, so no union of a hundred thousand outlines is needed.
UNION_SHARE_MIN = 0.999


@dataclass(frozen=True, slots=True)
class DoubleCounted:
    """Land wider than the tolerance that two claims hold for the same days [m2, on the map plane]."""

    code: str
    other_code: str
    shared_m2: float


@dataclass(frozen=True, slots=True)
class LandAudit:
    """What the audit found.

    slivers_m2 : shared by pairs within the tolerance; it is credited once, to the earlier one
    double_counted : pairs beyond it; there must be none
    without_pieces : claims that stand and hold no piece: nothing protects them
    disputed : land of the register that another programme claims as well; cases are open
    """

    claims: int
    area_m2: float
    slivers_m2: float
    double_counted: list[DoubleCounted]
    without_pieces: list[str]
    disputed: int

    @property
    def ok(self) -> bool:
        """Whether no land is counted twice and every claim is held."""
        shared_m2 = self.slivers_m2 + sum(pair.shared_m2 for pair in self.double_counted)
        return (
            not self.double_counted
            and not self.without_pieces
            and shared_m2 <= (1 - UNION_SHARE_MIN) * self.area_m2
        )


PAIRS = """
    SELECT a.parcel_id, b.parcel_id, s.m2,
           NOT ST_IsEmpty(ST_Buffer(s.shape, -:half_width)) AS deep
    FROM land_claim a
    JOIN parcel_version va ON va.id = a.version_id
    JOIN parcel_version vb ON va.boundary_m && vb.boundary_m AND va.parcel_id < vb.parcel_id
    JOIN land_claim b ON b.version_id = vb.id AND b.parcel_id = vb.parcel_id
    CROSS JOIN LATERAL (
        SELECT shape, ST_Area(shape) AS m2
        FROM (SELECT ST_CollectionExtract(ST_Intersection(va.boundary_m, vb.boundary_m), 3) AS shape
              OFFSET 0) i OFFSET 0
    ) s
    -- Most neighbours only touch; to see that costs a third of cutting them.
    WHERE ST_Relate(va.boundary_m, vb.boundary_m, 'T********')
      AND daterange(a.starts_on, a.ends_on) && daterange(b.starts_on, b.ends_on) AND s.m2 > 0
"""


def audit(session: Session) -> LandAudit:
    """Look at every pair of claims that meet in place and days."""
    pairs = session.execute(
        text(
            "SELECT pa.code, pb.code, q.m2, q.deep"
            f" FROM ({PAIRS}) AS q(a_id, b_id, m2, deep)"
            " JOIN parcel pa ON pa.id = q.a_id JOIN parcel pb ON pb.id = q.b_id ORDER BY q.m2 DESC"
        ),
        {"half_width": parcels.OVERLAP_WIDTH_M_MAX / 2},
    ).all()
    claims, area_m2 = session.execute(
        text(
            "SELECT count(*), coalesce(sum(ST_Area(v.boundary_m)), 0) FROM land_claim c"
            " JOIN parcel_version v ON v.id = c.version_id WHERE c.ends_on IS NULL"
        )
    ).one()
    bare = session.scalars(
        text(
            "SELECT p.code FROM land_claim c JOIN parcel p ON p.id = c.parcel_id"
            " WHERE (c.ends_on IS NULL OR c.ends_on > c.starts_on)"
            " AND NOT EXISTS (SELECT FROM land_claim_piece q WHERE q.parcel_id = c.parcel_id)"
            " ORDER BY p.code"
        )
    )
    disputed = session.scalar(
        text("SELECT count(*) FROM programme_claim WHERE status = 'disputed'")
    )
    return LandAudit(
        claims=claims,
        area_m2=float(area_m2),
        slivers_m2=float(sum(m2 for _, _, m2, deep in pairs if not deep)),
        double_counted=[DoubleCounted(a, b, float(m2)) for a, b, m2, deep in pairs if deep],
        without_pieces=list(bare),
        disputed=disputed or 0,
    )


def double_counted_m2(session: Session) -> float:
    """Area that two claims hold for the same days, slivers within the tolerance included [m2]."""
    found = audit(session)
    return found.slivers_m2 + sum(pair.shared_m2 for pair in found.double_counted)

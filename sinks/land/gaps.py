"""Gaps: a strip of nobody's land between two parcels that were meant to meet.

Two surveys of one boundary leave a gap as easily as a sliver. A gap narrower than a metre along more
than twenty is a question, never a refusal; the outline that would close it is offered with its area,
and whoever drew the parcel may save it as a new outline.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.land import parcels

# Registry rules for neighbours (reliability notes, 3.1).
GAP_WIDTH_M_MAX = 1.0
GAP_LENGTH_M_MIN = 20.0
TOUCHING_M = 0.02  # Closer than this is one line, written twice.


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap to a neighbour: how long it is, its area, and the outline that would close it."""

    parcel_id: int
    code: str
    length_m: float
    area_m2: float
    snapped: MultiPolygon


def gaps(session: Session, parcel_id: int) -> list[Gap]:
    """Gaps between a parcel and its neighbours, not withdrawn, the longest first."""
    crs = geometry.metric_crs(anywhere=False)
    outline = parcels.boundary_of(parcels.present_version(session, parcel_id))
    near = _near(session, parcel_id)
    if not near:
        return []
    metric = geometry.to_metric(
        np.array([outline, *(shape for _, _, shape in near)], dtype=object), crs
    )
    mine, others = metric[0], metric[1:]
    taken = shapely.union_all(others)
    found = []
    for (other_id, code, _), theirs in zip(near, others, strict=True):
        length_m = _length_m(mine, theirs)
        if length_m <= GAP_LENGTH_M_MIN:
            continue
        strip = _strip(mine, theirs, taken)
        if not strip.is_empty:
            snapped = shapely.union(mine, strip)
            back = geometry.to_4490(np.array([geometry.as_multipolygon(snapped)]), crs)[0]
            added_m2 = geometry.area_m2(back) - geometry.area_m2(outline)
            if shapely.is_valid(back) and added_m2 > 0:
                found.append(Gap(other_id, code, length_m, added_m2, back))
    return sorted(found, key=lambda gap: -gap.length_m)


def _near(session: Session, parcel_id: int) -> list[tuple[int, str, MultiPolygon]]:
    rows = session.execute(
        text(
            """
            SELECT p.id, p.code, ST_AsBinary(v.boundary)
            FROM parcel_version mine
            JOIN parcel_version v ON ST_DWithin(v.boundary_m, mine.boundary_m, :width)
            JOIN parcel p ON p.id = v.parcel_id
            WHERE mine.parcel_id = :parcel_id AND mine.valid_to IS NULL AND v.valid_to IS NULL
              AND p.id <> mine.parcel_id AND p.status <> 'withdrawn' ORDER BY p.id
            """
        ),
        {"parcel_id": parcel_id, "width": GAP_WIDTH_M_MAX},
    )
    return [(other_id, code, shapely.from_wkb(bytes(wkb))) for other_id, code, wkb in rows]


def _length_m(mine: shapely.Geometry, theirs: shapely.Geometry) -> float:
    """Length of my boundary that runs beside theirs without meeting it [m]."""
    close = shapely.intersection(mine.boundary, shapely.buffer(theirs, GAP_WIDTH_M_MAX))
    return float(shapely.difference(close, shapely.buffer(theirs, TOUCHING_M)).length)


def _strip(
    mine: shapely.Geometry, theirs: shapely.Geometry, taken: shapely.Geometry
) -> shapely.Geometry:
    """The land between the two that is nobody's: what closing by half a metre would fill."""
    both = shapely.union(mine, theirs)
    half = GAP_WIDTH_M_MAX / 2 + 0.001
    closed = shapely.buffer(
        shapely.buffer(both, half, join_style="mitre"), -half, join_style="mitre"
    )
    strip = shapely.difference(closed, shapely.union(mine, taken))
    parts = [
        one for one in shapely.get_parts(strip)
        if one.geom_type == "Polygon" and one.area > 0.01
        and shapely.dwithin(one, mine, TOUCHING_M) and shapely.dwithin(one, theirs, TOUCHING_M)
    ]  # fmt: skip
    return shapely.union_all(parts) if parts else shapely.MultiPolygon()

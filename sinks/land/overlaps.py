"""Overlaps of outlines: with the register, of one or of a whole file, and among the rows of a file.

Land that two outlines share counts where it is wider than the tolerance somewhere: one rule for one
outline (`neighbours`) and for a whole file in one question to the database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.land import parcels

HALF_WIDTH_M = parcels.OVERLAP_WIDTH_M_MAX / 2
# Outlines sent with one question; more would only make the question larger.
CHUNK = 2_000

WITH_REGISTER = f"""
WITH drawn AS MATERIALIZED (
  SELECT number, ST_Transform(ST_GeomFromWKB(wkb, 4490), {parcels.METRIC_SRID}) AS g
  FROM unnest(CAST(:numbers AS bigint[]), CAST(:wkbs AS bytea[])) AS sent(number, wkb))
SELECT d.number, p.code, ST_Area(ST_Transform(s.g, 4490)::geography) AS shared_m2
FROM drawn d
JOIN parcel_version v ON v.boundary_m && d.g AND v.valid_to IS NULL
  AND ST_Relate(v.boundary_m, d.g, 'T********')
JOIN parcel p ON p.id = v.parcel_id AND p.status <> 'withdrawn',
LATERAL (SELECT ST_CollectionExtract(ST_Intersection(v.boundary_m, d.g), 3) AS g OFFSET 0) s
WHERE NOT ST_IsEmpty(s.g) AND NOT ST_IsEmpty(ST_Buffer(s.g, -:half_width))
ORDER BY d.number, shared_m2 DESC
"""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Land shared with another parcel. ``deep``: wider than the tolerance somewhere."""

    parcel_id: int
    code: str
    shared_m2: float
    deep: bool


def neighbours(
    session: Session, boundary: MultiPolygon, *, but_not: int | None = None
) -> list[Neighbour]:
    """Parcels, not withdrawn, that share land with the outline, largest share first."""
    rows = session.execute(
        text(
            """
            WITH drawn AS (SELECT ST_Transform(ST_GeomFromWKB(:wkb, 4490), :srid) AS g)
            SELECT p.id, p.code, ST_Area(ST_Transform(s.g, 4490)::geography) AS shared_m2,
                   NOT ST_IsEmpty(ST_Buffer(s.g, -:half_width)) AS deep
            FROM drawn, parcel_version v JOIN parcel p ON p.id = v.parcel_id,
                 LATERAL (SELECT ST_CollectionExtract(
                     ST_Intersection(v.boundary_m, drawn.g), 3) AS g OFFSET 0) s
            WHERE v.valid_to IS NULL AND p.status <> 'withdrawn' AND p.id <> :but_not
              AND ST_Intersects(v.boundary_m, drawn.g) AND NOT ST_IsEmpty(s.g)
            ORDER BY shared_m2 DESC
            """
        ),
        {
            "wkb": shapely.to_wkb(boundary),
            "srid": parcels.METRIC_SRID,
            "half_width": HALF_WIDTH_M,
            "but_not": but_not or 0,
        },
    )
    return [Neighbour(*row) for row in rows]


def with_register(
    session: Session, rows: Sequence[int], outlines_4490: NDArray[np.object_]
) -> Iterator[tuple[int, str, float]]:
    """Row, code of a parcel (not withdrawn), and the land [m2] they share deeper than the tolerance."""
    for first in range(0, len(rows), CHUNK):
        part = slice(first, first + CHUNK)
        found = session.execute(
            text(WITH_REGISTER),
            {
                "numbers": list(rows[part]),
                "wkbs": list(shapely.to_wkb(outlines_4490[part])),
                "half_width": HALF_WIDTH_M,
            },
        )
        yield from found


def among_themselves(outlines_4490: NDArray[np.object_]) -> Iterator[tuple[int, int, float]]:
    """Places of two outlines that share land deeper than the tolerance, and the land [m2], said of
    both; the land is measured in the registry's metric system."""
    if len(outlines_4490) < 2:
        return
    outlines: NDArray[Any] = geometry.to_metric(outlines_4490, geometry.metric_crs(anywhere=False))
    # What is shared deeper than the tolerance still meets when both are taken in by half of it; of
    # neighbours that touch, which most are, nothing is left to be looked at.
    eroded = shapely.buffer(outlines, -0.9 * HALF_WIDTH_M, join_style="mitre", mitre_limit=2.0)
    pairs = shapely.STRtree(eroded).query(eroded, predicate="intersects").T
    for first, second in pairs[pairs[:, 0] != pairs[:, 1]]:
        shared = shapely.intersection(outlines[first], outlines[second])
        if not shapely.buffer(shared, -HALF_WIDTH_M).is_empty:
            yield int(first), int(second), float(shapely.area(shared))

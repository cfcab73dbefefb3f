"""Looking for parcels among a hundred thousand: counts, pages of a list, tiles of a map, neighbours.

Every question goes to the database and comes back small. Names of holders and numbers of their
papers are searched as far as row-level security shows them to the person who asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.land.parcels import Status

Bounds = tuple[float, float, float, float]
# Units of a tile's own grid; a screen tile has 256 pixels.
TILE_UNITS = 512
SEARCH_CHARS_MAX = 100
# What a parcel is drawn as: its status, or that a doubt about it is open.
DOUBT = "doubt"
KINDS = (*Status, DOUBT)
# A finger on a map that shows a whole county does not hit a parcel: the nearest within this counts.
CLICK_DEGREES_MAX = 0.001  # About 100 m.


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which parcels somebody looks for. What is empty asks for nothing.

    search : in code, name, township, holder, or number of a paper
    ids : none but these, where it is not None
    """

    sink_type: str = ""
    status: str = ""
    district_code: str = ""
    township: str = ""
    search: str = ""
    doubtful: bool = False
    ids: tuple[int, ...] | None = None


# Asked once and looked up, not once a parcel.
_DOUBTFUL = "p.id IN (SELECT m.parcel_id FROM parcel_mark m WHERE m.closed_at IS NULL)"
_KIND = (
    f"CASE WHEN {_DOUBTFUL} THEN {len(Status)}"
    " ELSE array_position(CAST(:statuses AS text[]), p.status) - 1 END"
)
_FOUND = """(p.code {like} :search OR p.name {like} :search OR p.township {like} :search
  OR p.id IN (SELECT r.parcel_id FROM parcel_right r WHERE r.certificate_no {like} :search
              OR r.party_id IN (SELECT h.id FROM party h WHERE h.name {like} :search)))"""


def condition_of(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """The condition on ``parcel p`` with its values."""
    like = wanted.search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    # Without letters there is no case to fold, which costs eight times the comparison.
    operator = "LIKE" if like.lower() == like.upper() else "ILIKE"
    asked: list[tuple[bool, str]] = [
        (bool(wanted.sink_type), "p.sink_type = :sink_type"),
        (bool(wanted.status), "p.status = :status"),
        (bool(wanted.district_code), "p.district_code = :district_code"),
        (bool(wanted.township), "p.township = :township"),
        (bool(like), _FOUND.format(like=operator)),
        (wanted.doubtful, _DOUBTFUL),
        (wanted.ids is not None, "p.id = ANY(:ids)"),
    ]
    condition = " AND ".join(sql for wants, sql in asked if wants) or "true"
    return condition, {
        "sink_type": wanted.sink_type, "status": wanted.status, "search": f"%{like}%",
        "district_code": wanted.district_code, "township": wanted.township,
        "ids": list(wanted.ids or ()), "statuses": list(Status),
    }  # fmt: skip


def counts(session: Session, wanted: Wanted) -> dict[str, int]:
    """How many there are by what they are drawn as (`KINDS`)."""
    condition, values = condition_of(wanted)
    found = session.execute(
        text(
            f"SELECT kind, count(*) FROM (SELECT {_KIND} AS kind FROM parcel p WHERE {condition}) k"
            " GROUP BY kind"
        ),
        values,
    )
    return {KINDS[kind]: count for kind, count in found}


def ids(
    session: Session, wanted: Wanted, *, limit: int, offset: int = 0, after: str = ""
) -> list[int]:
    """The ids of one page of them, by code; from the first code behind ``after`` on."""
    condition, values = condition_of(wanted)
    return list(
        session.scalars(
            text(
                f"SELECT p.id FROM parcel p WHERE p.code > :after AND {condition} ORDER BY p.code"
                " LIMIT :limit OFFSET :offset"
            ),
            values | {"limit": limit, "offset": offset, "after": after},
        )
    )


def townships(session: Session, district_code: str = "") -> list[str]:
    """The townships that parcels lie in, of one county if it is named."""
    return list(
        session.scalars(
            text(
                "SELECT DISTINCT township FROM parcel WHERE township <> ''"
                " AND (:district = '' OR district_code = :district) ORDER BY township"
            ),
            {"district": district_code},
        )
    )


def bounds(session: Session, wanted: Wanted) -> Bounds | None:
    """West, south, east, north of them; None if there is none."""
    condition, values = condition_of(wanted)
    found = session.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM ("
            " SELECT ST_Extent(v.boundary) AS e FROM parcel p JOIN parcel_version v"
            f" ON v.parcel_id = p.id AND v.valid_to IS NULL WHERE {condition}) whole"
        ),
        values,
    ).one()
    return None if found[0] is None else (found[0], found[1], found[2], found[3])


def at(session: Session, wanted: Wanted, longitude: float, latitude: float) -> int | None:
    """The one under a point, or the nearest within `CLICK_DEGREES_MAX`; None if there is none."""
    condition, values = condition_of(wanted)
    return session.scalar(
        text(
            "SELECT p.id FROM parcel_version v JOIN parcel p ON p.id = v.parcel_id,"
            " (SELECT ST_SetSRID(ST_MakePoint(:x, :y), 4490) AS g) place"
            " WHERE v.valid_to IS NULL AND ST_DWithin(v.boundary, place.g, :reach)"
            f" AND {condition} ORDER BY ST_Distance(v.boundary, place.g), p.id LIMIT 1"
        ),
        values | {"x": longitude, "y": latitude, "reach": CLICK_DEGREES_MAX},
    )


def nearest(
    session: Session, place: Bounds, *, limit: int, wanted: Wanted | None = None,
    but_not: Sequence[int] = (),
) -> list[int]:  # fmt: skip
    """Ids of those, not withdrawn, that lie nearest to the middle of a box; the nearest first."""
    condition, values = condition_of(wanted or Wanted())
    return list(
        session.scalars(
            text(
                "SELECT p.id FROM parcel_version v JOIN parcel p ON p.id = v.parcel_id"
                " WHERE v.valid_to IS NULL AND p.status <> 'withdrawn' AND p.id <> ALL(:but_not)"
                f" AND {condition}"
                " ORDER BY v.boundary <-> ST_SetSRID(ST_MakePoint(:x, :y), 4490) LIMIT :limit"
            ),
            values
            | {"x": (place[0] + place[2]) / 2, "y": (place[1] + place[3]) / 2, "limit": limit,
               "but_not": list(but_not)},
        )
    )  # fmt: skip


# What is smaller than two pixels of a screen is drawn as a point of two pixels, each place once a kind: a
# county on one screen is some thousand points and not a hundred thousand. Thinned out before it is
# moved to Web Mercator: most of the work is the moving.
TILE = f"""
WITH place AS (
  SELECT merc, ST_Transform(merc, 4490) AS land,
    (ST_XMax(merc) - ST_XMin(merc)) / {TILE_UNITS} AS unit_m,
    (ST_XMax(merc) - ST_XMin(merc)) / {TILE_UNITS} / 111320.0 AS unit_deg
  FROM (SELECT ST_TileEnvelope(:zoom, :column, :line) AS merc) frame),
seen AS (
  SELECT {_KIND} AS kind, p.id, v.boundary, place.unit_deg,
    greatest(ST_XMax(v.boundary) - ST_XMin(v.boundary),
             ST_YMax(v.boundary) - ST_YMin(v.boundary)) > 4 * place.unit_deg AS large
  FROM place JOIN parcel_version v ON v.boundary && place.land AND v.valid_to IS NULL
  JOIN parcel p ON p.id = v.parcel_id WHERE {{condition}} OFFSET 0),
outlines AS (
  SELECT kind, id, ST_AsMVTGeom(
    ST_Transform(ST_Simplify(boundary, seen.unit_deg, true), 3857), place.merc, {TILE_UNITS}, 8, true
  ) AS shape FROM seen, place WHERE large OFFSET 0),
spots AS (
  SELECT kind, min(id) AS id, spot FROM (
    SELECT kind, id, ST_SnapToGrid(ST_Centroid(ST_Envelope(boundary)), 4 * unit_deg) AS spot
    FROM seen WHERE NOT large) small GROUP BY kind, spot OFFSET 0),
points AS (SELECT kind, id, ST_Transform(spot, 3857) AS shape FROM spots OFFSET 0),
drawn AS (
  SELECT kind, id, ST_AsGeoJSON(shape, 0)::json->'coordinates' AS coordinates
  FROM outlines WHERE NOT ST_IsEmpty(shape)
  UNION ALL
  SELECT kind, id, json_build_array(floor((ST_X(shape) - ST_XMin(merc)) / unit_m),
    floor((ST_YMax(merc) - ST_Y(shape)) / unit_m)) FROM points, place)
SELECT coalesce(json_agg(json_build_array(kind, id, coordinates)), '[]')::text FROM drawn
"""


def tile(session: Session, wanted: Wanted, zoom: int, column: int, line: int) -> str:
    """Those in a Web Mercator tile as JSON: [index in `KINDS`, id, coordinates] in units of the tile, 0
    at its north-west corner, TILE_UNITS across."""
    condition, values = condition_of(wanted)
    return session.execute(
        text(TILE.format(condition=condition)),
        values | {"zoom": zoom, "column": column, "line": line},
    ).scalar_one()

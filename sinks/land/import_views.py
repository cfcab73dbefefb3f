"""What a staged import looks like: its rows for lists, for the map, and under a finger."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.land.staging import RowState

Bounds = tuple[float, float, float, float]
# Units of a tile's own grid; a screen tile has 256 pixels.
TILE_UNITS = 512
STATE_ZH = {
    RowState.ACCEPTED: "可以导入",
    RowState.QUESTIONED: "有疑问",
    RowState.REFUSED: "不能导入",
}


@dataclass(frozen=True, slots=True)
class RowView:
    """A row as lists show it. ``row`` counts from 0; ``taken`` is None while a question is open."""

    row: int
    name: str
    state: str
    taken: bool | None
    area_m2: float | None
    declared_area_m2: float | None
    messages: list[dict[str, str]]
    attributes: dict[str, Any]
    repair: dict[str, Any] | None
    decided_reason: str | None


_COLUMNS = (
    "row_no, name, state, taken, area_m2, declared_area_m2, messages, attributes, repair,"
    " decided_reason"
)


def rows(
    session: Session,
    batch_id: int,
    *,
    states: tuple[str, ...] = (RowState.REFUSED, RowState.QUESTIONED),
    code: str | None = None,
    limit: int = 200,
) -> list[RowView]:
    """Rows in these states, with a message of this code if one is named; refused first."""
    found = session.execute(
        text(
            f"SELECT {_COLUMNS} FROM import_row"
            " WHERE batch_id = :id AND state = ANY(:states)"
            "   AND (CAST(:code AS text) IS NULL"
            "        OR messages @> jsonb_build_array(jsonb_build_object('code', CAST(:code AS text))))"
            " ORDER BY (state = 'refused') DESC, row_no LIMIT :limit"
        ),
        {"id": batch_id, "states": [str(one) for one in states], "code": code, "limit": limit},
    )
    return [RowView(*row) for row in found]


def first_rows(session: Session, batch_id: int, limit: int = 8) -> list[RowView]:
    """The first rows of the file, whatever their state."""
    found = session.execute(
        text(
            f"SELECT {_COLUMNS} FROM import_row WHERE batch_id = :id ORDER BY row_no LIMIT :limit"
        ),
        {"id": batch_id, "limit": limit},
    )
    return [RowView(*row) for row in found]


def repairs(session: Session, batch_id: int, limit: int = 50) -> list[RowView]:
    """Rows for which a repair is offered or was accepted."""
    found = session.execute(
        text(
            f"SELECT {_COLUMNS} FROM import_row"
            " WHERE batch_id = :id AND repair IS NOT NULL ORDER BY row_no LIMIT :limit"
        ),
        {"id": batch_id, "limit": limit},
    )
    return [RowView(*row) for row in found]


def row_at(session: Session, batch_id: int, longitude: float, latitude: float) -> RowView | None:
    """The row whose outline lies under a point; of several the one that needs a look most."""
    found = session.execute(
        text(
            f"SELECT {_COLUMNS} FROM import_row"
            " WHERE batch_id = :id AND boundary && ST_SetSRID(ST_MakePoint(:x, :y), 4490)"
            "   AND ST_Intersects(ST_MakeValid(boundary), ST_SetSRID(ST_MakePoint(:x, :y), 4490))"
            " ORDER BY state DESC, row_no LIMIT 1"
        ),
        {"id": batch_id, "x": longitude, "y": latitude},
    ).one_or_none()
    return RowView(*found) if found else None


def bounds(session: Session, batch_id: int) -> Bounds | None:
    """West, south, east, north of the rows that can be taken; None if there is none."""
    found = session.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)"
            " FROM (SELECT ST_Extent(boundary) AS e FROM import_row"
            "       WHERE batch_id = :id AND state <> 'refused') whole"
        ),
        {"id": batch_id},
    ).one()
    return None if found[0] is None else (found[0], found[1], found[2], found[3])


# 0 accepted, 1 questioned, 2 refused, 3 left out. What is smaller than a pixel is drawn as a point, so
# that no row vanishes from the map. Thinned out before it is moved: most of the work is the moving.
TILE = f"""
WITH frame AS (
  SELECT ST_TileEnvelope(:zoom, :column, :line) AS merc),
place AS (
  SELECT merc, ST_Transform(merc, 4490) AS land,
    (ST_XMax(merc) - ST_XMin(merc)) / {TILE_UNITS} / 111320.0 AS unit_deg FROM frame),
seen AS (
  SELECT r.row_no, r.boundary, p.merc,
    CASE WHEN r.state = 'refused' THEN 2 WHEN r.taken IS FALSE THEN 3
         WHEN r.state = 'questioned' THEN 1 ELSE 0 END AS kind,
    ST_AsMVTGeom(ST_Transform(ST_Simplify(r.boundary, p.unit_deg, true), 3857), p.merc,
      {TILE_UNITS}, 8, true) AS g
  FROM place p JOIN import_row r ON r.batch_id = :batch AND r.boundary && p.land OFFSET 0),
drawn AS (
  SELECT kind, row_no, CASE WHEN ST_Dimension(g) = 2 THEN g ELSE
    ST_AsMVTGeom(ST_Transform(ST_Centroid(ST_Envelope(boundary)), 3857), merc,
      {TILE_UNITS}, 8, true) END AS shape FROM seen OFFSET 0)
SELECT coalesce(json_agg(json_build_array(kind, row_no,
  ST_AsGeoJSON(shape, 0)::json->'coordinates')), '[]')::text
FROM drawn WHERE shape IS NOT NULL
"""


def tile(session: Session, batch_id: int, zoom: int, column: int, line: int) -> str:
    """The rows in a Web Mercator tile as JSON: [state, row, coordinates] in units of the tile, 0 at
    its north-west corner, TILE_UNITS across."""
    return session.execute(
        text(TILE), {"zoom": zoom, "column": column, "line": line, "batch": batch_id}
    ).scalar_one()


def problems_csv(session: Session, batch_id: int) -> bytes:
    """Every row that somebody has to look at, as CSV for Excel; row numbers from 1, as it counts."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["行", "名称", "结果", "代码", "原因"])
    for row in rows(session, batch_id, limit=1_000_000):
        for one in row.messages:
            cells = [row.name, STATE_ZH[RowState(row.state)], one["code"], one["message"]]
            writer.writerow([row.row + 1, *map(_plain_cell, cells)])
    # The mark at the start makes Excel read it as UTF-8.
    return ("\ufeff" + out.getvalue()).encode()


def _plain_cell(said: str) -> str:
    # A spreadsheet would take a cell that begins so for a formula.
    return f"'{said}" if said[:1] in ("=", "+", "-", "@", "\t", "\r", "＝") else said

"""Which parcels a party can put together to a project, looked for among a hundred thousand."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.land import parcel_search
from sinks.land.parcel_search import Wanted
from sinks.web.collection import LISTED_MAX, Extent

# In the register, in no standing project, and the sink is the party's today: by its own contract, which
# needs no look at each parcel, else as `parcel_held_by` says.
_FREE = """
    SELECT p.id FROM parcel p WHERE p.sink_type = :kind AND p.district_code = :county
      AND p.status IN ('enrolled', 'under_contract')
      AND NOT EXISTS (SELECT FROM project_parcel q JOIN project j ON j.id = q.project_id
                      WHERE q.parcel_id = p.id AND q.left_at IS NULL AND j.status <> 'rejected')
      AND (p.id IN (SELECT m.parcel_id FROM contract_parcel m JOIN contract c ON c.id = m.contract_id
                    WHERE c.cooperative_id = :party AND m.standing AND m.period @> current_date)
           OR p.id IN (SELECT r.parcel_id FROM parcel_right r
                       WHERE r.party_id = :party AND r.reviewed_at IS NOT NULL)
              AND parcel_held_by(p.id, :party, current_date, current_date + 1))
"""


@dataclass(frozen=True, slots=True)
class Free:
    """A parcel that can be put into a project."""

    parcel_id: int
    code: str
    name: str
    township: str
    area_m2: float


def _values(party_id: int, kind: str, county: str, search: str) -> tuple[str, dict[str, Any]]:
    condition, values = parcel_search.condition_of(
        Wanted(search=search[: parcel_search.SEARCH_CHARS_MAX])
    )
    return f"{_FREE} AND {condition}", values | {
        "party": party_id, "kind": kind, "county": county,
    }  # fmt: skip


def counties(session: Session, party_id: int, kind: str) -> list[str]:
    """Codes of the counties where the party has a free parcel of the kind."""
    found = session.scalars(
        text("SELECT DISTINCT district_code FROM parcel WHERE sink_type = :kind"), {"kind": kind}
    )
    return [code for code in sorted(found) if extent(session, party_id, kind, code).count]


def extent(session: Session, party_id: int, kind: str, county: str, search: str = "") -> Extent:
    """How many are free, and their land."""
    free, values = _values(party_id, kind, county, search)
    count, area_m2 = session.execute(
        text(
            "SELECT count(*), coalesce(sum(v.area_m2), 0) FROM parcel_version v"
            f" WHERE v.valid_to IS NULL AND v.parcel_id IN ({free})"
        ),
        values,
    ).one()
    return Extent(count, float(area_m2))


def parcel_ids(
    session: Session, party_id: int, kind: str, county: str, search: str = ""
) -> list[int]:
    """The ids of those that are free, by code."""
    free, values = _values(party_id, kind, county, search)
    return list(
        session.scalars(
            text(f"SELECT p.id FROM parcel p WHERE p.id IN ({free}) ORDER BY p.code"), values
        )
    )


def listed(
    session: Session, party_id: int, kind: str, county: str, search: str = "", *,
    limit: int = LISTED_MAX,
) -> list[Free]:  # fmt: skip
    """The first of those that are free, by code."""
    free, values = _values(party_id, kind, county, search)
    rows = session.execute(
        text(
            "SELECT p.id, p.code, p.name, p.township, v.area_m2 FROM parcel p"
            " JOIN parcel_version v ON v.parcel_id = p.id AND v.valid_to IS NULL"
            f" WHERE p.id IN ({free}) ORDER BY p.code LIMIT :limit"
        ),
        values | {"limit": limit},
    )
    return [Free(*row) for row in rows]


def area_m2(session: Session, ids: list[int]) -> float:
    """The land of parcels as they stand now."""
    found = session.scalar(
        text(
            "SELECT coalesce(sum(area_m2), 0) FROM parcel_version"
            " WHERE valid_to IS NULL AND parcel_id = ANY(:ids)"
        ),
        {"ids": ids},
    )
    return float(found or 0.0)


def areas_m2(session: Session) -> dict[int, float]:
    """Project id -> the land of its parcels as it is drawn now; without those that have left."""
    rows = session.execute(
        text(
            "SELECT q.project_id, sum(v.area_m2) FROM project_parcel q JOIN parcel_version v"
            " ON v.parcel_id = q.parcel_id AND v.valid_to IS NULL WHERE q.left_at IS NULL"
            " GROUP BY q.project_id"
        )
    )
    return {project_id: float(area) for project_id, area in rows}

"""Which enrolled parcels a cooperative can collect, and from whom.

A county has a hundred thousand: every question goes to the database and comes back small.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.land import parcel_search
from sinks.land.parcel_search import Wanted

# What a screen lists at once; there is more only to be found by typing.
LISTED_MAX = 50

# An enrolled parcel of a party with a reviewed right, not named by a contract that is being drafted.
_COLLECTABLE = """
    parcel p JOIN parcel_right r ON r.parcel_id = p.id AND r.reviewed_at IS NOT NULL
      AND r.ended_on IS NULL AND p.status = 'enrolled'
"""
_UNDRAFTED = """NOT EXISTS (SELECT FROM contract_parcel m JOIN contract c ON c.id = m.contract_id
                            WHERE m.parcel_id = p.id AND c.status = 'drafted')"""


@dataclass(frozen=True, slots=True)
class Counterparty:
    """A party that can bring so many parcels into a contract."""

    party_id: int
    name: str
    parcels: int


@dataclass(frozen=True, slots=True)
class Collectable:
    """An enrolled parcel that a counterparty with a reviewed right can bring into a contract.

    ``drafted_in`` is the number of a drafted contract that names it already, or None.
    """

    parcel_id: int
    code: str
    name: str
    township: str
    area_m2: float
    drafted_in: str | None


@dataclass(frozen=True, slots=True)
class Extent:
    """So many parcels with so much land [m2]."""

    count: int
    area_m2: float


def _wanted(search: str) -> tuple[str, dict[str, Any]]:
    return parcel_search.condition_of(Wanted(search=search[: parcel_search.SEARCH_CHARS_MAX]))


def counterparties(
    session: Session, search: str = "", *, limit: int = LISTED_MAX
) -> tuple[int, list[Counterparty]]:
    """How many parties could bring something in, and the first of them by name.

    search : in the party's name, or in the code, name, township or paper of its parcels
    """
    condition, values = _wanted(search)
    found = session.execute(
        text(
            "SELECT h.id, h.name, count(DISTINCT p.id), count(*) OVER ()"
            f" FROM {_COLLECTABLE} JOIN party h ON h.id = r.party_id WHERE {condition}"
            " GROUP BY h.id, h.name ORDER BY h.name, h.id LIMIT :limit"
        ),
        values | {"limit": limit},
    ).all()
    return (found[0][3] if found else 0), [Counterparty(*row[:3]) for row in found]


def extent(session: Session, party_id: int, search: str = "", *, undrafted: bool = False) -> Extent:
    """How much of a party's land could be collected; without what a draft names, if asked so."""
    condition, values = _wanted(search)
    count, area_m2 = session.execute(
        text(
            "SELECT count(*), coalesce(sum(v.area_m2), 0) FROM parcel_version v WHERE"
            " v.valid_to IS NULL AND v.parcel_id IN"
            f" (SELECT p.id FROM {_COLLECTABLE} WHERE r.party_id = :party AND {condition}"
            f" AND ({'false' if undrafted else 'true'} OR {_UNDRAFTED}))"
        ),
        values | {"party": party_id},
    ).one()
    return Extent(count, float(area_m2))


def parcel_ids(session: Session, party_id: int, search: str = "") -> list[int]:
    """The ids of a party's parcels that could be collected and that no draft names, by code."""
    condition, values = _wanted(search)
    return list(
        session.scalars(
            text(
                "SELECT p.id FROM parcel p WHERE p.id IN"
                f" (SELECT p.id FROM {_COLLECTABLE} WHERE r.party_id = :party AND {condition}"
                f" AND {_UNDRAFTED}) ORDER BY p.code"
            ),
            values | {"party": party_id},
        )
    )


def listed(
    session: Session, party_id: int, search: str = "", *, limit: int = LISTED_MAX
) -> list[Collectable]:
    """The first of a party's parcels that could be collected, by code."""
    condition, values = _wanted(search)
    rows = session.execute(
        text(
            "SELECT p.id, p.code, p.name, p.township, v.area_m2, (SELECT min(c.number)"
            "  FROM contract_parcel m JOIN contract c ON c.id = m.contract_id"
            "  WHERE m.parcel_id = p.id AND c.status = 'drafted')"
            " FROM parcel p JOIN parcel_version v ON v.parcel_id = p.id AND v.valid_to IS NULL"
            f" WHERE p.id IN (SELECT p.id FROM {_COLLECTABLE}"
            f"  WHERE r.party_id = :party AND {condition}) ORDER BY p.code LIMIT :limit"
        ),
        values | {"party": party_id, "limit": limit},
    )
    return [Collectable(*row) for row in rows]


def waiting(session: Session) -> tuple[int, Any]:
    """How many parcels could be collected and are in no draft, and when the oldest was enrolled."""
    count, since = session.execute(
        text(
            "SELECT count(*), min(k.precedence_at) FROM land_claim k WHERE k.parcel_id IN"
            f" (SELECT p.id FROM {_COLLECTABLE} WHERE {_UNDRAFTED})"
        )
    ).one()
    return count, since

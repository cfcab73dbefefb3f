"""Parcels as lists and maps show them: the present outline, the area, the doubts that are open."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, column, func, select, text
from sqlalchemy.orm import Session

from sinks.land.marks import ParcelMark
from sinks.land.parcels import Parcel, ParcelVersion


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """A parcel as lists and maps show it; ``boundary`` is GeoJSON."""

    id: int
    code: str
    name: str
    sink_type: str
    status: str
    township: str
    district_code: str
    area_m2: float
    declared_area_m2: float | None
    open_marks: int
    demonstration: bool
    boundary: dict[str, Any]


def rows(
    session: Session,
    *,
    sink_type: str | None = None,
    status: str | None = None,
    search: str | None = None,
    ids: list[int] | None = None,
    simplify_degrees: float = 0.0,
) -> list[ParcelRow]:
    """Parcels with their present outline, for lists and maps, by code."""
    outline = (
        func.ST_SimplifyPreserveTopology(ParcelVersion.boundary, simplify_degrees)
        if simplify_degrees
        else ParcelVersion.boundary
    )
    open_marks = (
        select(func.count())
        .where(ParcelMark.parcel_id == Parcel.id, ParcelMark.closed_at.is_(None))
        .scalar_subquery()
    )
    query = (
        select(
            Parcel.id, Parcel.code, Parcel.name, Parcel.sink_type, Parcel.status,
            Parcel.township, Parcel.district_code, ParcelVersion.area_m2,
            ParcelVersion.declared_area_m2, open_marks, Parcel.demonstration,
            func.ST_AsGeoJSON(outline, 7).cast(JSON),
        )
        .join(ParcelVersion, ParcelVersion.parcel_id == Parcel.id)
        .where(ParcelVersion.valid_to.is_(None))
        .order_by(Parcel.code)
    )  # fmt: skip
    if sink_type:
        query = query.where(Parcel.sink_type == sink_type)
    if status:
        query = query.where(Parcel.status == status)
    if search:
        wanted = f"%{_like(search)}%"
        # Holders and certificates as far as row-level security shows them to this person.
        by_right = select(column("parcel_id", BigInteger)).select_from(
            text(
                "parcel_right r JOIN party p ON p.id = r.party_id"
                " AND (r.certificate_no ILIKE :wanted OR p.name ILIKE :wanted)"
            ).bindparams(wanted=wanted)
        )
        query = query.where(
            Parcel.code.ilike(wanted)
            | Parcel.name.ilike(wanted)
            | Parcel.township.ilike(wanted)
            | Parcel.id.in_(by_right)
        )
    if ids is not None:
        query = query.where(Parcel.id.in_(ids))
    return [ParcelRow(*row) for row in session.execute(query)]


def _like(search: str) -> str:
    """The text with LIKE's own wildcards taken literally."""
    return search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

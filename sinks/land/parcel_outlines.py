"""How a parcel gets its outline: a new parcel with its first one, and an outline drawn anew.

Outlines are stored as drawn or read (EPSG:4490), with the hash of that geometry; nothing is repaired.
Every doubt that an outline raises is written down with it (`marks`).
"""

import json
from types import MappingProxyType
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from shapely import MultiPolygon
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis_data import check, geometry, vectors
from gis_data.check import CheckedRow
from gis_data.refusals import FileRefused
from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import now, refused_in_words
from sinks.core.errors import Conflict, Invalid
from sinks.land import marks, overlaps, parcels
from sinks.land.marks import ParcelMark
from sinks.land.parcels import Parcel, ParcelVersion, SinkType, Status

# Files and drawings are refused for it before; a transformation that rounds otherwise is met here.
CROSSED = MappingProxyType(
    {
        "parcel_version_boundary_valid_in_metres_check": Invalid(
            check.CROSSED_IN_METRES.message, code=check.CROSSED_IN_METRES.code
        )
    }
)


def parse_boundary(geojson: dict[str, Any]) -> MultiPolygon:
    """Turn a drawn GeoJSON geometry into an outline the registry accepts.

    Longitude and latitude; WGS 84 as drawn on the map is taken as CGCS2000 (they agree within
    decimetres). Broken geometry is refused, not repaired: a repaired ring may claim land that
    nobody drew.

    Raises
    ------
    Invalid
        Not an area, self-crossing, outside the registry's districts, with the reason.
    """
    return _examined(geojson).boundary_4490


def _examined(geojson: dict[str, Any]) -> CheckedRow:
    """The outline with its district and the questions it raises, by the checks that files get."""
    try:
        report = check.check_rows(vectors.drawn(geojson), sink_type=SinkType.OTHER)
    except FileRefused as error:
        raise Invalid(error.message, code=error.code) from error
    if report.refused:
        raise Invalid(report.refused[0].message, code=report.refused[0].code)
    return report.accepted[0]


def create(
    session: Session,
    actor: Actor,
    *,
    boundary: MultiPolygon,
    sink_type: str,
    name: str,
    township: str = "",
    declared_area_m2: float | None = None,
    source_name: str,
    source_sha256: str | None = None,
    source_row: int | None = None,
    demonstration: bool = False,
) -> Parcel:
    """Add a parcel as a draft, with its marks.

    Raises
    ------
    Invalid
        No name, no such sink type, an outline outside the districts.
    """
    actor.require(Role.OFFICER)
    if sink_type not in list(SinkType):
        raise Invalid(f"没有这种类型：{sink_type}。", code="sink_type")
    if not name.strip():
        raise Invalid("请填写地块名称（小班号或小地名）。", code="name")
    district_code = _examined(json.loads(shapely.to_geojson(boundary))).district_code
    number = session.scalar(text("SELECT nextval('parcel_code_seq')"))
    parcel = Parcel(
        code=f"{district_code}-{parcels.TYPE_CODES[SinkType(sink_type)]}-{number:06d}",
        sink_type=sink_type,
        name=name.strip()[:100],
        township=township.strip()[:50],
        district_code=district_code,
        demonstration=demonstration,
        created_by_id=actor.person_id,
    )
    session.add(parcel)
    session.flush()
    _add_version(
        session, actor, parcel, boundary, declared_area_m2, source_name, source_sha256, source_row
    )
    audit.record(
        session, actor, "parcel.create", f"parcel:{parcel.id}",
        {"code": parcel.code, "source": source_name},
    )  # fmt: skip
    return parcel


def redraw(
    session: Session,
    actor: Actor,
    parcel_id: int,
    *,
    boundary: MultiPolygon,
    declared_area_m2: float | None = None,
) -> ParcelVersion:
    """Give a parcel a new outline; the old one is kept with its dates.

    Raises
    ------
    Conflict
        The parcel is enrolled: its land is claimed, and what was credited stands on its outline.
    """
    actor.require(Role.OFFICER)
    parcel = parcels.locked(session, parcel_id)
    if parcel.status not in (Status.DRAFT, Status.SUBMITTED, Status.RIGHTS_REVIEWED):
        raise Conflict("已入库的地块不能改图，请先办理退出后重新申报。", code="enrolled")
    before = parcels.present_version(session, parcel_id)
    if before.declared_area_m2 and declared_area_m2 not in (None, before.declared_area_m2):
        raise Conflict(
            "申报面积以首次申报为准，不随重新勾绘改变；确需更正的，退出后重新申报。",
            code="declared_area_fixed",
        )
    before.valid_to = now(session)
    session.flush()
    marks.close_with_outline(session, actor, parcel_id, "重新勾绘")
    version = _add_version(
        session, actor, parcel, boundary,
        before.declared_area_m2 or declared_area_m2,
        "勾绘", None, None,
    )  # fmt: skip
    if parcel.status != Status.DRAFT:
        parcels.move(parcel, Status.DRAFT)  # What was reviewed was another outline.
    audit.record(
        session, actor, "parcel.redraw", f"parcel:{parcel_id}",
        {"before": before.geometry_sha256, "after": version.geometry_sha256},
    )  # fmt: skip
    return version


def _add_version(
    session: Session,
    actor: Actor,
    parcel: Parcel,
    boundary: MultiPolygon,
    declared_area_m2: float | None,
    source_name: str,
    source_sha256: str | None,
    source_row: int | None,
) -> ParcelVersion:
    version = ParcelVersion(
        parcel_id=parcel.id,
        boundary=from_shape(boundary, srid=4490),
        area_m2=geometry.area_m2(boundary),
        declared_area_m2=declared_area_m2,
        geometry_sha256=geometry.geometry_sha256(boundary),
        source_name=source_name[:200],
        source_sha256=source_sha256,
        source_row=source_row,
        valid_from=now(session),
        created_by_id=actor.person_id,
    )
    with refused_in_words(session, CROSSED):
        session.add(version)
    _mark(session, parcel, version, boundary)
    return version


def _mark(session: Session, parcel: Parcel, version: ParcelVersion, boundary: MultiPolygon) -> None:
    """Write down every doubt about the new outline, on both parcels where two are concerned."""
    for other in overlaps.neighbours(session, boundary, but_not=parcel.id):
        if other.deep:
            mine = marks.overlap_mark(parcel.id, other.parcel_id, other.code, other.shared_m2)
            theirs = marks.overlap_mark(other.parcel_id, parcel.id, parcel.code, other.shared_m2)
            session.add_all([ParcelMark(**mine), ParcelMark(**theirs)])
    if mark := marks.declared_area_mark(parcel.id, version.area_m2, version.declared_area_m2):
        session.add(ParcelMark(**mark))
    for question in _examined(json.loads(shapely.to_geojson(boundary))).questions:
        session.add(ParcelMark(parcel_id=parcel.id, code=question.code, message=question.message))
    session.flush()

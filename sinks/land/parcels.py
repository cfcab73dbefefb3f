"""Parcels: a piece of land with its outline, its versions and its life cycle.

Storable is not creditable: a parcel that overlaps another, or differs from its certificate, is
kept and marked (`ParcelMark`) and earns nothing until the mark is closed. Outlines are stored as
drawn or read (EPSG:4490), with the hash of that geometry; nothing is repaired.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import shapely
from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely import MultiPolygon
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    column,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import check, geometry, vectors
from gis_data.check import CheckedRow
from gis_data.refusals import FileRefused
from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted

METRIC_SRID = 4549  # CGCS2000, Gauss-Krueger zone of 120 E: one metric CRS for the whole registry.
# Two independent surveys of one boundary may lawfully differ by 2 x 20 cm (urban cadastral survey
# rules); shared land narrower than this is a matter of accuracy, wider is land counted twice.
OVERLAP_WIDTH_M_MAX = 1.0
DECLARED_AREA_DIFFERENCE_SHARE_MAX = 0.05  # 森林资源规划设计调查: area error of a 小班, 5 %.


class SinkType(StrEnum):
    BAMBOO = "bamboo"
    WETLAND = "wetland"
    FARMLAND = "farmland"
    TEA = "tea"
    OTHER = "other"


TYPE_CODES = MappingProxyType(
    {
        SinkType.BAMBOO: "ZL",
        SinkType.WETLAND: "SD",
        SinkType.FARMLAND: "NT",
        SinkType.TEA: "CY",
        SinkType.OTHER: "QT",
    }
)


class Status(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RIGHTS_REVIEWED = "rights_reviewed"
    ENROLLED = "enrolled"
    UNDER_CONTRACT = "under_contract"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


NEXT = MappingProxyType(
    {
        Status.DRAFT: {Status.SUBMITTED, Status.WITHDRAWN},
        Status.SUBMITTED: {Status.DRAFT, Status.RIGHTS_REVIEWED, Status.WITHDRAWN},
        Status.RIGHTS_REVIEWED: {Status.DRAFT, Status.ENROLLED, Status.WITHDRAWN},
        Status.ENROLLED: {
            Status.UNDER_CONTRACT,
            Status.SUSPENDED,
            Status.WITHDRAWN,
            Status.RIGHTS_REVIEWED,  # When the enrolment expires unproven.
        },
        Status.UNDER_CONTRACT: {Status.SUSPENDED, Status.WITHDRAWN},
        Status.SUSPENDED: {Status.ENROLLED, Status.UNDER_CONTRACT, Status.WITHDRAWN},
        Status.WITHDRAWN: set(),
    }
)
CLAIMING = (Status.ENROLLED, Status.UNDER_CONTRACT, Status.SUSPENDED)


class Parcel(Base):
    """A piece of land. Its outline is in the versions; its rights in ``parcel_right``."""

    __tablename__ = "parcel"
    __table_args__ = (
        CheckConstraint(
            "sink_type in ('bamboo','wetland','farmland','tea','other')", name="sink_type"
        ),
        CheckConstraint(
            "status in ('draft','submitted','rights_reviewed','enrolled','under_contract',"
            "'suspended','withdrawn')",
            name="status",
        ),
    )

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    sink_type: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=Status.DRAFT.value, index=True)
    name: Mapped[str]
    township: Mapped[str]
    district_code: Mapped[str]
    demonstration: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class ParcelVersion(Base):
    """The outline of a parcel between two dates. The present one has no ``valid_to``."""

    __tablename__ = "parcel_version"
    __table_args__ = (
        CheckConstraint("st_isvalid(boundary)", name="boundary_valid"),
        CheckConstraint("area_m2 > 0", name="area_positive"),
        Index(
            "parcel_version_one_present", "parcel_id",
            unique=True, postgresql_where=text("valid_to is null"),
        ),
        Index("parcel_version_source_idx", "source_sha256", "source_row"),
    )  # fmt: skip

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    boundary: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4490, spatial_index=True), nullable=False
    )
    boundary_m: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=METRIC_SRID, spatial_index=True),
        Computed(f"st_transform(boundary, {METRIC_SRID})", persisted=True),
    )
    # Ellipsoidal (GRS80); the ledger's area, whatever a certificate declares.
    area_m2: Mapped[float]
    declared_area_m2: Mapped[float | None]
    geometry_sha256: Mapped[str]
    source_name: Mapped[str]  # The file, or that it was drawn.
    source_sha256: Mapped[str | None]
    source_row: Mapped[int | None]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class ParcelMark(Base):
    """A doubt about a parcel. While it is open the parcel earns nothing."""

    __tablename__ = "parcel_mark"

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    code: Mapped[str]  # overlap, declared_area, near_outside, small, thin
    other_parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    area_m2: Mapped[float | None]
    message: Mapped[str]
    recorded_at: Mapped[RecordedAt]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_reason: Mapped[str | None]


# Marks that forbid enrolment and credit. An overlap is refused by the database itself (`claims.py`);
# the database holds the same list (`land_in_doubt`).
BLOCKING_MARKS = ("declared_area", "small", "succession")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Land shared with another parcel. ``deep``: wider than the tolerance somewhere."""

    parcel_id: int
    code: str
    shared_m2: float
    deep: bool


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
        code=f"{district_code}-{TYPE_CODES[SinkType(sink_type)]}-{number:06d}",
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
    parcel = locked(session, parcel_id)
    if parcel.status not in (Status.DRAFT, Status.SUBMITTED, Status.RIGHTS_REVIEWED):
        raise Conflict("已入库的地块不能改图，请先办理退出后重新申报。", code="enrolled")
    before = present_version(session, parcel_id)
    if before.declared_area_m2 and declared_area_m2 not in (None, before.declared_area_m2):
        raise Conflict(
            "申报面积以首次申报为准，不随重新勾绘改变；确需更正的，退出后重新申报。",
            code="declared_area_fixed",
        )
    before.valid_to = now(session)
    session.flush()
    _close_marks(session, actor, parcel_id, "重新勾绘")
    version = _add_version(
        session, actor, parcel, boundary,
        before.declared_area_m2 or declared_area_m2,
        "勾绘", None, None,
    )  # fmt: skip
    if parcel.status != Status.DRAFT:
        _move(parcel, Status.DRAFT)  # What was reviewed was another outline.
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
    session.add(version)
    session.flush()
    _mark(session, parcel, version, boundary)
    return version


def _mark(session: Session, parcel: Parcel, version: ParcelVersion, boundary: MultiPolygon) -> None:
    """Write down every doubt about the new outline, on both parcels where two are concerned."""
    for other in neighbours(session, boundary, but_not=parcel.id):
        if other.deep:
            mine = overlap_mark(parcel.id, other.parcel_id, other.code, other.shared_m2)
            theirs = overlap_mark(other.parcel_id, parcel.id, parcel.code, other.shared_m2)
            session.add_all([ParcelMark(**mine), ParcelMark(**theirs)])
    if mark := declared_area_mark(parcel.id, version.area_m2, version.declared_area_m2):
        session.add(ParcelMark(**mark))
    for question in _examined(json.loads(shapely.to_geojson(boundary))).questions:
        session.add(ParcelMark(parcel_id=parcel.id, code=question.code, message=question.message))
    session.flush()


def overlap_mark(
    parcel_id: int, other_parcel_id: int, other_code: str, shared_m2: float
) -> dict[str, Any]:
    """The mark on a parcel that shares land with another, deeper than the tolerance."""
    return {
        "parcel_id": parcel_id,
        "code": "overlap",
        "other_parcel_id": other_parcel_id,
        "area_m2": shared_m2,
        "message": f"与 {other_code} 重叠 {shared_m2:,.1f} 平方米",
    }


def declared_area_mark(
    parcel_id: int, area_m2: float, declared_area_m2: float | None
) -> dict[str, Any] | None:
    """The mark on a parcel whose papers say another area than its outline has; None within 5 %."""
    if not declared_area_m2 or (
        abs(area_m2 - declared_area_m2) <= DECLARED_AREA_DIFFERENCE_SHARE_MAX * declared_area_m2
    ):
        return None
    return {
        "parcel_id": parcel_id,
        "code": "declared_area",
        "area_m2": area_m2 - declared_area_m2,
        "message": (
            f"图上面积 {area_m2:,.0f} 平方米与申报 {declared_area_m2:,.0f} 平方米"
            f"相差 {abs(area_m2 / declared_area_m2 - 1):.1%}，超过 5%"
        ),
    }


def _close_marks(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Close the doubts about an outline that is no more, on the neighbours' side too."""
    query = select(ParcelMark).where(
        ParcelMark.closed_at.is_(None),
        (ParcelMark.parcel_id == parcel_id) | (ParcelMark.other_parcel_id == parcel_id),
    )
    for mark in session.scalars(query):
        mark.closed_at, mark.closed_by_id, mark.closed_reason = (
            now(session), actor.person_id, reason,
        )  # fmt: skip


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
            "srid": METRIC_SRID,
            "half_width": OVERLAP_WIDTH_M_MAX / 2,
            "but_not": but_not or 0,
        },
    )
    return [Neighbour(*row) for row in rows]


def submit(session: Session, actor: Actor, parcel_id: int) -> None:
    """Hand a draft in, for the review of its rights by another officer."""
    actor.require(Role.OFFICER)
    _step(session, actor, parcel_id, Status.SUBMITTED)


def return_to_draft(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Send a submitted parcel back with what has to be mended."""
    actor.require(Role.OFFICER)
    if not reason.strip():
        raise Invalid("请写明退回原因。", code="reason")
    _step(session, actor, parcel_id, Status.DRAFT, {"reason": reason})


def suspend(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Stop crediting a parcel, for a dispute or damage. Its land stays claimed."""
    actor.require(Role.OFFICER, Role.REGISTRAR)
    _step(session, actor, parcel_id, Status.SUSPENDED, {"reason": reason})


# A decision by two people that this parcel has to give way is not undone by one.
GIVES_WAY = text(
    """
    SELECT c.id FROM overlap_case c JOIN overlap_case_other o ON o.case_id = c.id
    WHERE o.parcel_id = :parcel_id AND c.status = 'decided'
      AND c.outcome IN ('parcel_stands', 'both_redrawn')
    UNION ALL
    SELECT c.id FROM overlap_case c WHERE c.parcel_id = :parcel_id AND c.kind = 'programme'
      AND c.status = 'decided' AND c.outcome = 'other_stands' LIMIT 1
    """
)


def resume(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Take a suspended parcel up again, in the state it had before."""
    actor.require(Role.OFFICER, Role.REGISTRAR)
    if not reason.strip():
        raise Invalid("请写明恢复的依据。", code="reason")
    parcel = locked(session, parcel_id)
    if parcel.status != Status.SUSPENDED:
        raise Conflict(f"地块 {parcel.code} 没有暂停。", code="step")
    if case_id := session.scalar(GIVES_WAY, {"parcel_id": parcel_id}):
        raise Conflict(
            f"第 {case_id} 号重叠争议决定 {parcel.code} 须让出重叠的土地，不能原样恢复。"
            "请办理退出，按新边界重新申报。",
            code="gives_way",
        )
    held = [
        event.action.removeprefix("parcel.")
        for event in audit.history(session, f"parcel:{parcel_id}")
        if event.action in (f"parcel.{Status.ENROLLED}", f"parcel.{Status.UNDER_CONTRACT}")
    ]
    _step(session, actor, parcel_id, Status(held[-1]), {"reason": reason})


def _step(
    session: Session,
    actor: Actor,
    parcel_id: int,
    to: Status,
    detail: dict[str, Any] | None = None,
) -> Parcel:
    parcel = locked(session, parcel_id)
    _move(parcel, to)
    audit.record(session, actor, f"parcel.{to}", f"parcel:{parcel_id}", detail or {})
    return parcel


def _move(parcel: Parcel, to: Status) -> None:
    """Take one step. NEXT is the whole truth about which steps exist."""
    if to not in NEXT[Status(parcel.status)]:
        raise Conflict(
            f"地块 {parcel.code} 现为“{STATUS_ZH[Status(parcel.status)]}”，"
            f"不能变为“{STATUS_ZH[to]}”。",
            code="step",
        )
    parcel.status = to


STATUS_ZH = MappingProxyType(
    {
        Status.DRAFT: "草稿",
        Status.SUBMITTED: "已报",
        Status.RIGHTS_REVIEWED: "权属材料已审",
        Status.ENROLLED: "已入库",
        Status.UNDER_CONTRACT: "已签碳汇收储合同",
        Status.SUSPENDED: "暂停",
        Status.WITHDRAWN: "退出",
    }
)


def step(
    session: Session, actor: Actor, parcel_id: int, to: Status, detail: dict[str, Any] | None = None
) -> Parcel:
    """Take a step of the life cycle on behalf of a neighbouring concept (rights, claims,
    contracts), which has checked the role."""
    return _step(session, actor, parcel_id, to, detail)


def expire_enrolment(
    session: Session, actor: Actor | None, parcel: Parcel, detail: dict[str, Any]
) -> None:
    """Take an enrolment back that nothing was built on; its reviewed papers stand."""
    _move(parcel, Status.RIGHTS_REVIEWED)
    audit.record(session, actor, "parcel.expired", f"parcel:{parcel.id}", detail)


def inherit_status(
    session: Session, actor: Actor, parcel: Parcel, status: Status, detail: dict[str, Any]
) -> None:
    """Let a parcel that succeeds others start where they stood, whatever NEXT allows a draft."""
    parcel.status = status
    audit.record(session, actor, f"parcel.{status}", f"parcel:{parcel.id}", detail)


def locked(session: Session, parcel_id: int) -> Parcel:
    """The parcel, held until the transaction ends."""
    parcel = session.get(Parcel, parcel_id, with_for_update=True, populate_existing=True)
    if parcel is None:
        raise NotFound("没有这个地块。", code="parcel")
    return parcel


def present_version(session: Session, parcel_id: int) -> ParcelVersion:
    """The outline in force."""
    version = session.scalar(
        select(ParcelVersion).where(
            ParcelVersion.parcel_id == parcel_id, ParcelVersion.valid_to.is_(None)
        )
    )
    if version is None:
        raise NotFound("没有这个地块。", code="parcel")
    return version


def boundary_of(version: ParcelVersion) -> MultiPolygon:
    """The outline as a shapely geometry in EPSG:4490."""
    return to_shape(version.boundary)


def open_marks(session: Session, parcel_id: int) -> list[ParcelMark]:
    """The doubts that still stand."""
    query = select(ParcelMark).where(
        ParcelMark.parcel_id == parcel_id, ParcelMark.closed_at.is_(None)
    )
    return list(session.scalars(query.order_by(ParcelMark.id)))


def close_mark(session: Session, actor: Actor, mark_id: int, reason: str) -> None:
    """Settle a doubt. An overlap is settled only by redrawing or withdrawing one of the two.

    Raises
    ------
    NotPermitted
        The officer who drew the parcel may not settle the doubt about it.
    """
    actor.require(Role.OFFICER)
    mark = session.get(ParcelMark, mark_id, with_for_update=True, populate_existing=True)
    if mark is None or mark.closed_at:
        raise NotFound("没有这条待处理的标记。", code="mark")
    if mark.code == "overlap":
        raise Conflict("重叠须通过重新勾绘或退出其中一块来解决。", code="overlap")
    if mark.code == "succession":
        raise Conflict("拆分、合并后的权属须整体复核，请在“复核拆并”中办理。", code="succession")
    drew_id = present_version(session, mark.parcel_id).created_by_id
    if actor.person_id in (session.get_one(Parcel, mark.parcel_id).created_by_id, drew_id):
        raise NotPermitted("勾绘人不能自行消除存疑标记，须由另一位林业员办理。", code="two_people")
    if not reason.strip():
        raise Invalid("请写明依据。", code="reason")
    mark.closed_at, mark.closed_by_id, mark.closed_reason = (
        now(session), actor.person_id, reason.strip(),
    )  # fmt: skip
    audit.record(
        session, actor, "parcel.mark_closed", f"parcel:{mark.parcel_id}",
        {"mark": mark.code, "reason": reason},
    )  # fmt: skip


def listing(
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
    marks = (
        select(func.count())
        .where(ParcelMark.parcel_id == Parcel.id, ParcelMark.closed_at.is_(None))
        .scalar_subquery()
    )
    query = (
        select(
            Parcel.id, Parcel.code, Parcel.name, Parcel.sink_type, Parcel.status,
            Parcel.township, Parcel.district_code, ParcelVersion.area_m2,
            ParcelVersion.declared_area_m2, marks, Parcel.demonstration,
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


def at_point(session: Session, longitude: float, latitude: float) -> int | None:
    """The id of the parcel under a point, or None."""
    point = func.ST_SetSRID(func.ST_MakePoint(longitude, latitude), 4490)
    return session.scalar(
        select(ParcelVersion.parcel_id)
        .where(ParcelVersion.valid_to.is_(None), func.ST_Contains(ParcelVersion.boundary, point))
        .limit(1)
    )

"""Parcels: a piece of land with its versions and its life cycle.

How a parcel gets its outline is in `parcel_outlines`, what stands in its way in `marks`, how lists
show it in `parcel_list`.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import to_shape
from shapely import MultiPolygon
from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Conflict, Invalid, NotFound

METRIC_SRID = 4549  # CGCS2000, Gauss-Krueger zone of 120 E: one metric CRS for the whole registry.
# Two independent surveys of one boundary may lawfully differ by 2 x 20 cm (urban cadastral survey
# rules); shared land narrower than this is a matter of accuracy, wider is land counted twice.
OVERLAP_WIDTH_M_MAX = 1.0


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
        # To enrolled when the contract has ended.
        Status.UNDER_CONTRACT: {Status.ENROLLED, Status.SUSPENDED, Status.WITHDRAWN},
        Status.SUSPENDED: {Status.ENROLLED, Status.UNDER_CONTRACT, Status.WITHDRAWN},
        Status.WITHDRAWN: set(),
    }
)
# The contract of a suspended parcel has ended: it is enrolled when it is taken up again.
CONTRACT_LEFT = "parcel.contract_left"
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
        CheckConstraint("st_isvalid(boundary_m)", name="boundary_valid_in_metres"),
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


def submit(session: Session, actor: Actor, parcel_id: int) -> None:
    """Hand a draft in, for the review of its rights by another officer."""
    actor.require(Role.OFFICER)
    step(session, actor, parcel_id, Status.SUBMITTED)


def return_to_draft(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Send a submitted parcel back with what has to be mended."""
    actor.require(Role.OFFICER)
    if not reason.strip():
        raise Invalid("请写明退回原因。", code="reason")
    step(session, actor, parcel_id, Status.DRAFT, {"reason": reason})


def suspend(session: Session, actor: Actor, parcel_id: int, reason: str) -> None:
    """Stop crediting a parcel, for a dispute or damage. Its land stays claimed."""
    actor.require(Role.OFFICER, Role.REGISTRAR)
    step(session, actor, parcel_id, Status.SUSPENDED, {"reason": reason})


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
    before = {
        f"parcel.{Status.ENROLLED}": Status.ENROLLED,
        f"parcel.{Status.UNDER_CONTRACT}": Status.UNDER_CONTRACT,
        CONTRACT_LEFT: Status.ENROLLED,
    }
    held = [
        before[event.action]
        for event in audit.history(session, f"parcel:{parcel_id}")
        if event.action in before
    ]
    step(session, actor, parcel_id, held[-1], {"reason": reason})


def leave_contract(session: Session, actor: Actor, parcel_id: int, detail: dict[str, Any]) -> None:
    """Take a parcel out of the contract that stood over it; one that is suspended stays so."""
    parcel = locked(session, parcel_id)
    if parcel.status == Status.UNDER_CONTRACT:
        step(session, actor, parcel_id, Status.ENROLLED, detail)
    else:
        audit.record(session, actor, CONTRACT_LEFT, f"parcel:{parcel_id}", detail)


def move(parcel: Parcel, to: Status) -> None:
    """Take one step. NEXT is the whole truth about which steps exist."""
    if to not in NEXT[Status(parcel.status)]:
        raise Conflict(
            f"地块 {parcel.code} 现为“{STATUS_ZH[Status(parcel.status)]}”，"
            f"不能变为“{STATUS_ZH[to]}”。",
            code="step",
        )
    parcel.status = to


def step(
    session: Session,
    actor: Actor,
    parcel_id: int,
    to: Status,
    detail: dict[str, Any] | None = None,
) -> Parcel:
    """Take a step of the life cycle and write it down. The caller has checked the role."""
    parcel = locked(session, parcel_id)
    move(parcel, to)
    audit.record(session, actor, f"parcel.{to}", f"parcel:{parcel_id}", detail or {})
    return parcel


def expire_enrolment(
    session: Session, actor: Actor | None, parcel: Parcel, detail: dict[str, Any]
) -> None:
    """Take an enrolment back that nothing was built on; its reviewed papers stand."""
    move(parcel, Status.RIGHTS_REVIEWED)
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


def codes_of(session: Session, parcel_ids: Iterable[int]) -> dict[int, str]:
    """Parcel id -> its public code."""
    query = select(Parcel.id, Parcel.code).where(Parcel.id.in_(list(parcel_ids)))
    return {parcel_id: code for parcel_id, code in session.execute(query)}


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

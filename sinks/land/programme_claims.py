"""Claims of other programmes (浙林碳普惠, CCER, VCS …) on land here: imported, and never credited twice.

They stand in the same constraint as the parcels (`no_double_land`), with their period. By default
land that another programme has claimed for a day is not claimed here for that day, whatever pool
either counts: one quantity per parcel, pool and year across all programmes leaves no room for a
guess about pools. Only when the registrar's policy ``programme_pools`` says ``differ`` may a claim on
another pool (soil beside biomass, say) lie on the same land.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy import CheckConstraint, Computed, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Invalid, NotFound, NotPermitted
from sinks.land.parcels import METRIC_SRID

# The carbon pools of the IPCC 2006 Guidelines (Vol. 4, Table 1.1), gases other than CO2, or all.
POOLS = ("all", "biomass", "dead_wood", "litter", "soil", "wood_products", "non_co2")
STATUS_ZH = {"standing": "占用中", "disputed": "有争议", "ended": "已终止"}


class ProgrammeClaim(Base):
    """Land of a project elsewhere, claimed for [starts_on, ends_on) and one pool, or all.

    status : standing, disputed (land of the register lies below it), ended
    """

    __tablename__ = "programme_claim"
    __table_args__ = (
        CheckConstraint("status in ('standing','disputed','ended')", name="status"),
        CheckConstraint("ends_on is null or ends_on > starts_on", name="period"),
        CheckConstraint("ended_by_id <> imported_by_id", name="two_people"),
        CheckConstraint("st_isvalid(boundary)", name="boundary_valid"),
        UniqueConstraint(
            "programme", "external_id", "pool", "geometry_sha256", "starts_on",
            name="programme_claim_once",
        ),
    )  # fmt: skip

    id: Mapped[Key]
    programme: Mapped[str]
    external_id: Mapped[str]
    pool: Mapped[str]
    name: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    boundary: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4490, spatial_index=True), nullable=False
    )
    boundary_m: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=METRIC_SRID, spatial_index=True),
        Computed(f"st_transform(boundary, {METRIC_SRID})", persisted=True),
    )
    area_m2: Mapped[float]
    geometry_sha256: Mapped[str]
    source_name: Mapped[str]
    source_sha256: Mapped[str]
    source_row: Mapped[int]
    status: Mapped[str]
    imported_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_reason: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim as lists and maps show it; ``boundary`` is GeoJSON."""

    id: int
    programme: str
    external_id: str
    pool: str
    name: str
    starts_on: date
    ends_on: date | None
    area_m2: float
    status: str
    source_name: str
    boundary: dict[str, Any]


def end(session: Session, actor: Actor, claim_id: int, reason: str) -> ProgrammeClaim:
    """Another person than the importer ends a claim that is wrong or over; its land is free then.

    The row stays, with the reason.
    """
    actor.require(Role.OFFICER, Role.REGISTRAR)
    row = session.get(ProgrammeClaim, claim_id, with_for_update=True, populate_existing=True)
    if row is None or row.status == "ended":
        raise NotFound("没有这条仍占用的其他机制项目。", code="programme_claim")
    if row.imported_by_id == actor.person_id:
        raise NotPermitted("导入的人不能终止，须由另一人办理。", code="two_people")
    if not reason.strip():
        raise Invalid("请写明终止的依据。", code="reason")
    row.status, row.ended_by_id, row.ended_reason = "ended", actor.person_id, reason.strip()
    session.flush()
    audit.record(
        session, actor, "programme_claim.end", f"programme_claim:{claim_id}",
        {"reason": row.ended_reason},
    )  # fmt: skip
    return row


def listing(session: Session, *, programme: str | None = None) -> list[ClaimRow]:
    """Claims of other programmes, newest first."""
    query = select(ProgrammeClaim).order_by(ProgrammeClaim.id.desc())
    if programme:
        query = query.where(ProgrammeClaim.programme == programme)
    return [
        ClaimRow(
            row.id, row.programme, row.external_id, row.pool, row.name, row.starts_on, row.ends_on,
            row.area_m2, row.status, row.source_name, mapping(to_shape(row.boundary)),
        )
        for row in session.scalars(query)
    ]  # fmt: skip

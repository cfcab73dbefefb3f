"""Imports: a file of outlines becomes draft parcels, in one transaction, once.

The file is read and checked by `gis_data` first (a dry run that writes nothing); the person sees
which rows are accepted, questioned and refused; then the accepted rows are committed together.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data.check import CheckReport
from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt
from sinks.core.errors import Invalid
from sinks.core.people import Party
from sinks.land import parcels, rights

NAME_FIELDS = ("小班号", "小班", "XIAO_BAN", "name", "NAME", "名称", "地块名称", "xbh", "XBH")
TOWNSHIP_FIELDS = ("乡镇", "XIANG", "township")


class LandImport(Base):
    """A file that was imported, and what became of its rows."""

    __tablename__ = "land_import"

    id: Mapped[Key]
    file_name: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)
    sink_type: Mapped[str]
    rows: Mapped[int]
    accepted: Mapped[int]
    questioned: Mapped[int]
    refused: Mapped[list[Any]]  # row, code, message
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


def commit(
    session: Session,
    actor: Actor,
    *,
    report: CheckReport,
    file_name: str,
    content: bytes,
    sha256: str,
    sink_type: str,
    owner_id: int,
    name_field: str | None = None,
) -> LandImport:
    """Store the accepted rows as draft parcels, each with the owner's right to be reviewed.

    The same file a second time changes nothing and gives the first import.

    Raises
    ------
    Invalid
        No row was accepted, or the owner is unknown.
    """
    actor.require(Role.OFFICER)
    # Two people with one file at one instant: the second waits and finds the first one's import.
    session.execute(
        text("SELECT pg_advisory_xact_lock(7400, hashtext(:sha256))"), {"sha256": sha256}
    )
    earlier = session.scalar(select(LandImport).where(LandImport.sha256 == sha256))
    if earlier is not None:
        return earlier
    if session.get(Party, owner_id) is None:
        raise Invalid("请选择权利人。", code="owner")
    if not report.accepted:
        raise Invalid("没有一行可以导入，请按提示修正后再试。", code="nothing_accepted")
    documents.file(
        session, actor, kind="land_import", name=file_name, content=content,
        subject=f"import:{sha256[:12]}",
    )  # fmt: skip
    for checked in report.accepted:
        parcel = parcels.create(
            session,
            actor,
            boundary=checked.boundary_4490,
            sink_type=sink_type,
            name=_name(checked.attributes, name_field) or f"{file_name} 第 {checked.row + 1} 行",
            township=_first(checked.attributes, TOWNSHIP_FIELDS),
            declared_area_m2=checked.declared_area_m2,
            source_name=file_name,
            source_sha256=sha256,
            source_row=checked.row,
        )
        certificate = _first(checked.attributes, ("权证号", "林权证号", "不动产权证号"))
        rights.add(
            session,
            actor,
            parcel_id=parcel.id,
            party_id=owner_id,
            kind=rights.RightKind.LAND_USE,
            certificate_kind=rights.CertificateKind.FOREST_RIGHT
            if "林证" in certificate
            else rights.CertificateKind.REAL_ESTATE,
            certificate_no=certificate or rights.CERTIFICATE_PENDING,
        )
    row = LandImport(
        file_name=file_name[:200],
        sha256=sha256,
        sink_type=sink_type,
        rows=report.rows,
        accepted=len(report.accepted),
        questioned=sum(bool(checked.questions) for checked in report.accepted),
        refused=[
            {"row": item.row, "code": item.code, "message": item.message} for item in report.refused
        ],
        person_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, actor, "land.import", f"import:{row.id}",
        {"sha256": sha256, "accepted": row.accepted, "refused": len(row.refused)},
    )  # fmt: skip
    return row


def _name(attributes: Mapping[str, object], name_field: str | None) -> str:
    if name_field:
        return str(attributes.get(name_field) or "")
    return _first(attributes, NAME_FIELDS)


def _first(attributes: Mapping[str, object], fields: tuple[str, ...]) -> str:
    """The first of these attributes that says something; codes stay text."""
    for field in fields:
        if value := attributes.get(field):
            return str(value)
    return ""


def listing(session: Session) -> list[LandImport]:
    """Imports, newest first."""
    return list(session.scalars(select(LandImport).order_by(LandImport.id.desc())))

"""A file of another programme's polygons becomes claims (`programme_claims.py`), in one transaction.

Land of the register that lies below one of them is not taken from anybody: a case opens and nothing
of that land is credited until two people have decided (`overlap_cases.py`).
"""

from dataclasses import dataclass
from datetime import date

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gis_data import geometry
from gis_data.check import CheckedRow, CheckReport
from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import refused_in_words
from sinks.core.errors import Conflict, Invalid
from sinks.land import overlap_cases, overlaps
from sinks.land.claims import InTheWay
from sinks.land.programme_claims import POOLS, ProgrammeClaim


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: claims written now, rows that were here already, cases opened (ids)."""

    claim_ids: list[int]
    known: int
    case_ids: list[int]


def commit(
    session: Session,
    actor: Actor,
    *,
    report: CheckReport,
    file_name: str,
    content: bytes,
    sha256: str,
    programme: str,
    starts_on: date,
    ends_on: date | None,
    pool: str = "all",
    external_id: str = "",
    external_id_field: str = "",
) -> Imported:
    """Store the accepted rows of a file as claims of a programme.

    external_id, external_id_field : the programme's number of the project, for all rows or by a field
    The same rows a second time change nothing.

    Raises
    ------
    Invalid
        No programme, number, or such pool; a period that runs backwards; no row to take.
    """
    actor.require(Role.OFFICER, Role.REGISTRAR)
    _check(report, programme, starts_on, ends_on, pool)
    documents.file(
        session, actor, kind="programme_claims", name=file_name, content=content,
        subject=f"programme:{programme.strip()}",
    )  # fmt: skip
    made, cases, known = [], [], 0
    for checked in report.accepted:
        row = ProgrammeClaim(
            programme=programme.strip()[:100],
            external_id=_number(checked, external_id, external_id_field),
            pool=pool,
            name=_name(checked),
            starts_on=starts_on,
            ends_on=ends_on,
            boundary=from_shape(checked.boundary_4490, srid=4490),
            area_m2=checked.area_m2,
            geometry_sha256=geometry.geometry_sha256(checked.boundary_4490),
            source_name=file_name[:200],
            source_sha256=sha256,
            source_row=checked.row,
            status="standing",
            imported_by_id=actor.person_id,
        )
        if _known(session, row):
            known += 1
            continue
        _store(session, row)
        made.append(row.id)
        cases += _disputes(session, actor, row, checked.boundary_4490)
    audit.record(
        session, actor, "programme_claim.import", f"programme:{programme.strip()}",
        {"sha256": sha256, "claims": made, "known": known, "cases": cases, "pool": pool},
    )  # fmt: skip
    return Imported(made, known, cases)


def _check(
    report: CheckReport, programme: str, starts_on: date, ends_on: date | None, pool: str
) -> None:
    """What is said of the whole file."""
    if not programme.strip():
        raise Invalid("请填写机制名称，如 浙林碳普惠、CCER、VCS。", code="programme")
    if pool not in POOLS:
        raise Invalid(f"碳库只能是：{'、'.join(POOLS)}。", code="pool")
    if ends_on is not None and ends_on <= starts_on:
        raise Invalid("计入期的终止日应晚于起始日。", code="period")
    if not report.accepted:
        raise Invalid("没有一行可以导入，请按提示修正后再试。", code="nothing_accepted")


def _number(checked: CheckedRow, external_id: str, external_id_field: str) -> str:
    """The programme's number of the project: the file's, else the row's own."""
    number = external_id.strip() or str(checked.attributes.get(external_id_field) or "").strip()
    if not number:
        raise Invalid(
            f"第 {checked.row + 1} 行没有项目编号：请给出编号，或写明编号所在的字段。",
            code="external_id",
        )
    return number[:100]


def _store(session: Session, row: ProgrammeClaim) -> None:
    busy = Conflict(
        f"{row.external_id} 的这块占用刚由另一人导入。请重新导入，已有的不会重复。",
        code="claim_known",
    )
    with refused_in_words(session, {"programme_claim_once": busy}):
        session.add(row)


def _name(checked: CheckedRow) -> str:
    for field in ("name", "NAME", "名称", "项目名称"):
        if value := checked.attributes.get(field):
            return str(value)[:100]
    return ""


def _known(session: Session, row: ProgrammeClaim) -> bool:
    """Whether the same claim was stored before."""
    query = select(ProgrammeClaim.id).where(
        ProgrammeClaim.programme == row.programme, ProgrammeClaim.external_id == row.external_id,
        ProgrammeClaim.pool == row.pool, ProgrammeClaim.geometry_sha256 == row.geometry_sha256,
        ProgrammeClaim.starts_on == row.starts_on,
    )  # fmt: skip
    return session.scalar(query) is not None


def _disputes(
    session: Session, actor: Actor, row: ProgrammeClaim, outline: shapely.MultiPolygon
) -> list[int]:
    """Open a case for each parcel of the register whose claimed days and pools the claim meets."""
    met = session.execute(
        text(
            """
            SELECT DISTINCT q.parcel_id FROM programme_claim g
            JOIN parcel_version v ON ST_Intersects(v.boundary_m, g.boundary_m)
            JOIN land_claim c ON c.version_id = v.id AND c.parcel_id = v.parcel_id
            JOIN land_claim_piece q ON q.parcel_id = c.parcel_id
            WHERE g.id = :claim_id AND q.period && daterange(g.starts_on, g.ends_on)
              AND q.pools && land_pools(g.pool) ORDER BY 1
            """
        ),
        {"claim_id": row.id},
    ).scalars().all()  # fmt: skip
    found = []
    for other in overlaps.neighbours(session, outline):
        if other.deep and other.parcel_id in met:
            row.status = "disputed"
            session.flush()
            side = InTheWay(
                None, row.id, None, f"{row.programme} {row.external_id}", other.shared_m2, True
            )
            found.append(
                overlap_cases.opened(session, actor, "programme", other.parcel_id, [side]).id
            )
    return found

"""Overlap of the rows of a file with the register and with one another: questions, never refusals,
because land that overlaps may be stored and earns nothing until that is settled."""

from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gis_data.check import CheckedRow, CheckReport
from sinks.core import db, migrate, settings
from sinks.core.cluster import Cluster
from sinks.core.errors import Conflict
from sinks.land import overlaps, parcels

CODE = "overlap"
CONNECT_SECONDS_MAX = 2


def add_questions(document: dict[str, Any], report: CheckReport) -> None:
    """Add the overlaps to a report's JSON, if this registry's database answers at once."""
    engine = _answering()
    if engine is None:
        return
    with db.transaction(bind=engine) as session:
        ask(session, document, report)
    engine.dispose()


def ask(session: Session, document: dict[str, Any], report: CheckReport) -> None:
    """Add the overlaps to a report's JSON, in the order of the rows."""
    document["questioned"] += _with_register(session, report.accepted)
    document["questioned"] += _with_one_another(report.accepted)
    document["questioned"].sort(key=lambda item: item["row"])
    document["overlap_checked"] = True


def _answering() -> sa.Engine | None:
    """An engine on the registry's database; None when there is none, or it is not ready."""
    office = settings.load()
    url = sa.make_url(office.database_url or Cluster(office.data_dir).app_url)
    url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS_MAX)})
    engine = db.connect(url.render_as_string(hide_password=False))
    try:
        with engine.connect() as connection:
            migrate.refuse_other_revision(connection)
    except (sa.exc.DBAPIError, Conflict):
        return None
    return engine


def _with_register(session: Session, rows: list[CheckedRow]) -> list[dict[str, Any]]:
    found = overlaps.with_register(session, [row.row for row in rows], _outlines(rows))
    return [
        _question(row, f"与已登记的地块 {code} 重叠 {shared_m2:,.1f} 平方米")
        for row, code, shared_m2 in found
    ]


def _with_one_another(rows: list[CheckedRow]) -> list[dict[str, Any]]:
    """Pairs of rows that share land wider than the tolerance, said of both."""
    return [
        _question(
            rows[first].row, f"与本文件第 {rows[second].row + 1} 行重叠约 {shared_m2:,.1f} 平方米"
        )
        for first, second, shared_m2 in overlaps.among_themselves(_outlines(rows))
    ]


def _outlines(rows: list[CheckedRow]) -> NDArray[np.object_]:
    return np.array([row.boundary_4490 for row in rows], dtype=object)


def _question(row: int, text: str) -> dict[str, Any]:
    return {
        "row": row,
        "code": CODE,
        "message": f"{text}，最宽处超过 {parcels.OVERLAP_WIDTH_M_MAX:g} 米。",
    }

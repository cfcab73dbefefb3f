"""Repairs of outlines that were refused: offered, never made.

A ring that crosses itself over a hand's breadth is a slip of the digitiser; one that was walked twice
is twice the land. What tells them apart is the area: the ring's own area and that of every way of
repairing it have to agree within a thousandth, or nothing is offered. An offer shows both areas and
both hashes, so that the decision of a person can be kept beside them. Source of the limit: the
registry's reader rules; a hole outside its shell moves credit by 24 % with the method alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from gis_data import geometry
from gis_data.check import CheckReport
from gis_data.refusals import FileRefused, Refusal
from gis_data.vectors import Row, VectorFile

AREA_SHARE_MAX = 0.001
# A tangle crosses itself as often as the square of its points: 2,000 take about a second.
POINTS_MAX = 2_000
WORK_MAX = 40_000_000
CLOSE, LINEWORK, STRUCTURE = "close", "linework", "structure"


@dataclass(frozen=True, slots=True)
class Repair:
    """One way to make an outline of what was read.

    method : ``close`` adds the missing last edge; ``linework`` and ``structure`` are those of GEOS
    polygon : MultiPolygon in the file's own coordinates, two-dimensional
    boundary_4490 : the same land in EPSG:4490
    """

    method: str
    polygon: Any
    boundary_4490: Any
    area_m2: float
    geometry_sha256: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What could be done about one refused row.

    source_sha256 : of the outline as it was read, broken as it is
    source_area_m2 : what its rings measure, holes taken out; where a ring crosses itself, the
        difference of its lobes [m2]
    repairs : the ways that differ; empty where nothing comes out of it
    refusal : why it may not be offered; None if it may
    """

    row: int
    source_sha256: str
    source_area_m2: float
    repairs: list[Repair]
    refusal: Refusal | None

    def to_json(self) -> dict[str, Any]:
        """Return the shape that ``land check --json`` prints beside the report."""
        return {
            "row": self.row,
            "source_sha256": self.source_sha256,
            "source_area_m2": self.source_area_m2,
            "offered": self.refusal is None,
            "code": self.refusal.code if self.refusal else None,
            "message": self.refusal.message if self.refusal else None,
            "repairs": [
                {"method": r.method, "area_m2": r.area_m2, "geometry_sha256": r.geometry_sha256}
                for r in self.repairs
            ],
        }


def offers(vector_file: VectorFile, report: CheckReport) -> list[Offer]:
    """Return what could be done about the rows refused for their form, in the order of the file.

    No further than ``WORK_MAX`` goes; ``offer`` answers for each of the rest when it is asked.
    """
    rows = {row.row: row for row in vector_file.rows}
    found = []
    work = 0
    for refused in report.refused:
        row = rows[refused.row]
        if refused.code != "invalid":
            continue
        work += min(_points(row), POINTS_MAX) ** 2
        if work > WORK_MAX:
            break
        if one := offer(vector_file, row):
            found.append(one)
    return found


def offer(vector_file: VectorFile, row: Row) -> Offer | None:
    """Return what could be done about one row; None if there is nothing to begin from, or too much."""
    drawn = row.polygon if row.polygon is not None else row.unclosed
    if drawn is None or drawn.geom_type not in ("Polygon", "MultiPolygon") or drawn.is_empty:
        return None
    if _points(row) > POINTS_MAX:
        return None
    source_sha256 = (
        geometry.geometry_sha256(drawn) if row.polygon is not None else row.unclosed_sha256
    )
    on_map = _moved(vector_file, drawn)
    if not np.isfinite(shapely.get_coordinates(on_map)).all():
        return None
    source_m2 = geometry.area_m2(on_map)
    closed = CLOSE if row.polygon is None else ""
    repairs = []
    for method, polygon in _ways(drawn):
        land = _moved(vector_file, polygon)
        repairs.append(
            Repair(
                method="+".join(filter(None, (closed, method))),
                polygon=polygon,
                boundary_4490=land,
                area_m2=geometry.area_m2(land),
                geometry_sha256=geometry.geometry_sha256(polygon),
            )
        )
    return Offer(row.row, source_sha256, source_m2, repairs, _refusal(source_m2, repairs))


def repaired(vector_file: VectorFile, chosen: Mapping[int, str]) -> VectorFile:
    """Return the file with the chosen repairs in place, to be checked as any other.

    Parameters
    ----------
    chosen : number of the row -> method of the repair that a person took

    Raises
    ------
    FileRefused
        ``repair``: no such repair, or one that may not be offered.
    """
    rows = []
    for row in vector_file.rows:
        if row.row in chosen:
            one = offer(vector_file, row)
            ways = {repair.method: repair for repair in one.repairs} if one else {}
            if one is None or one.refusal is not None or chosen[row.row] not in ways:
                raise FileRefused("repair", f"第 {row.row + 1} 行没有这种可以接受的修补。")
            row = replace(row, polygon=ways[chosen[row.row]].polygon, problem=None)
        rows.append(row)
    return replace(vector_file, rows=rows)


def _points(row: Row) -> int:
    drawn = row.polygon if row.polygon is not None else row.unclosed
    return int(shapely.get_num_coordinates(drawn))


def _moved(vector_file: VectorFile, polygon: Any) -> Any:
    return vector_file.to_4490(np.array([geometry.as_multipolygon(polygon)], dtype=object))[0]


def _ways(drawn: Any) -> list[tuple[str, Any]]:
    """Return the repairs by their method, each outline once; a valid one needs none."""
    if shapely.is_valid(drawn):
        return [("", geometry.as_multipolygon(drawn))]
    ways: list[tuple[str, Any]] = []
    for method in (LINEWORK, STRUCTURE):
        options = {} if method == LINEWORK else {"keep_collapsed": False}
        made = shapely.make_valid(shapely.force_2d(drawn), method=method, **options)
        parts = shapely.get_parts(made)
        areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
        inner = [p for many in parts if many.geom_type == "MultiPolygon" for p in many.geoms]
        polygon = shapely.MultiPolygon([*areas, *inner])
        if polygon.is_empty or not shapely.is_valid(polygon):
            continue
        if not any(polygon.normalize().equals(other.normalize()) for _, other in ways):
            ways.append((method, polygon))
    return ways


def _refusal(source_m2: float, repairs: list[Repair]) -> Refusal | None:
    if not repairs:
        return Refusal("no_repair", "修补后不成面。请在原软件里改正。")
    for repair in repairs:
        share = abs(repair.area_m2 - source_m2) / max(repair.area_m2, source_m2)
        if not share <= AREA_SHARE_MAX:
            return Refusal(
                "area_changes",
                f"修补会改变面积：原图形 {source_m2:,.1f} m²，修补后 {repair.area_m2:,.1f} m²，"
                f"相差超过 {AREA_SHARE_MAX:.1%}。不能由系统修补，请在原软件里改正。",
            )
    return None

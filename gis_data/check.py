"""Whether the rows of a file can be taken as land: accepted, refused with a reason, or questioned.

The same checks for a file, for one drawn outline and for the dry run of the command line. Overlap with
land that is already registered is not looked at here: that is a matter of the database.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gis_data import columns, districts, geometry, map_offsets
from gis_data.refusals import FileRefused, Question, Refusal
from gis_data.vectors import Row, VectorFile

SINK_TYPES = ("bamboo", "wetland", "farmland", "tea", "other")

SMALL_M2 = geometry.M2_PER_MU
EROSION_M = 0.5
ERODED_SHARE_MIN = 0.5
# A comb of hundreds of thousands of teeth keeps a buffer busy for minutes. Its cost grows with the
# square of the points: 20 outlines of 5,000, or 400,000 of 35.
EROSION_POINTS_MAX = 5_000
EROSION_WORK_MAX = 5e8
# Even whether an outline crosses itself takes the square of its points where they are a star of spikes:
# 2 s for one of 50,000. Four of these may come in a file, or 400 of 5,000.
VALIDITY_POINTS = 2_000
VALIDITY_WORK_MAX = 1e10
BEYOND_SHARE_MAX = 0.5
DECLARED_SHARE_QUESTIONED = 0.01
DECLARED_SHARE_OVER = 0.05
# Local metric systems are laid about the centre of squares of this size, so that none is stretched.
SQUARE_DEGREES = 5.0


CROSSED_IN_METRES = Refusal(
    "crossed_in_metres",
    "边界有两段几乎贴在一起（相距不到一毫米），换算成米后互相交叉。请在原软件里把相接的部分合并成一个面，"
    "或者把它们拉开。",
)


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row that is taken.

    boundary_4490 : MultiPolygon, two-dimensional, as read or moved vertex by vertex to EPSG:4490
    geometry_sha256 : of the outline as it was read, before any change of coordinates
    declared_area_m2 : what the file says the area is; None if it says nothing
    """

    row: int
    boundary_4490: Any
    area_m2: float
    attributes: dict[str, str | int | float | None]
    questions: list[Question]
    geometry_sha256: str
    declared_area_m2: float | None = None
    district_code: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not taken, and why."""

    row: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome for a file. accepted + refused = rows; questioned rows are among the accepted."""

    rows: int
    accepted: list[CheckedRow] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    file: Refusal | None = None
    overlap_checked: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the shape that ``land check --json`` prints."""
        return {
            "rows": self.rows,
            "accepted": [{"row": row.row, "area_m2": row.area_m2} for row in self.accepted],
            "refused": [
                {"row": row.row, "code": row.code, "message": row.message} for row in self.refused
            ],
            "questioned": [
                {"row": row.row, "code": question.code, "message": question.message}
                for row in self.accepted
                for question in row.questions
            ],
            "file": {"code": self.file.code, "message": self.file.message} if self.file else None,
            "overlap_checked": self.overlap_checked,
        }


def refused_file(error: FileRefused) -> CheckReport:
    """Return the report on a file that could not be read at all."""
    return CheckReport(rows=0, file=Refusal(error.code, error.message))


def check_rows(
    vector_file: VectorFile,
    *,
    sink_type: str,
    anywhere: bool = False,
    declared_area_field: str | None = None,
    neighbours_4490: geometry.Polygons | None = None,
) -> CheckReport:
    """Return which rows can be taken as land.

    Parameters
    ----------
    anywhere : leave out where the land lies, and measure tolerances in a local metric system
    declared_area_field : field that holds the area on paper, its unit behind a colon where the name
        does not tell it: ``面积:mu``, ``AREA:ha``, ``A:m2``
    neighbours_4490 : outlines already registered around the file, to see whether the file would meet
        them if it were on a web map's offset

    Raises
    ------
    FileRefused
        ``declared_area_field``: no such field, or its unit is not known. ``too_large``: outlines so
        fine that looking whether they are whole would take minutes.
    """
    if sink_type not in SINK_TYPES:
        raise ValueError(f"sink type {sink_type!r} is none of {', '.join(SINK_TYPES)}")
    declared = columns.declared_area(vector_file.fields, declared_area_field)
    refused: dict[int, Refusal] = {}
    taken = _areas_on_the_map(vector_file, refused)
    polygons = np.array([polygon for _, polygon in taken], dtype=object)
    area_m2 = geometry.areas_m2(polygons)
    placement = None if anywhere else districts.place(polygons)
    for index, (row, polygon) in enumerate(taken):
        if area_m2[index] < geometry.AREA_M2_MIN:
            refused[row.row] = Refusal("zero_area", f"面积只有 {area_m2[index]:.4g} m²，不成地块。")
        elif placement is not None and placement.beyond_share[index] > BEYOND_SHARE_MAX:
            refused[row.row] = _outside_refusal(float(placement.distance_m[index]), polygon)
    keep = [index for index, (row, _) in enumerate(taken) if row.row not in refused]
    if not anywhere:
        for place in _crossed_in_metres(polygons[keep]):
            refused[taken[keep[place]][0].row] = CROSSED_IN_METRES
        keep = [index for index in keep if taken[index][0].row not in refused]
    questions: list[list[Question]] = [list(row.questions) for row, _ in taken]
    _ask_about_shape(keep, polygons, area_m2, questions, anywhere=anywhere)
    if placement is not None:
        for index in keep:
            questions[index] += _near_outside(placement, index)
        if not vector_file.offset:
            _ask_about_offset(keep, polygons, placement, questions, neighbours_4490)
    if not geometry.datum_is_known(vector_file.crs):
        for index in keep:
            questions[index].append(
                Question("datum_unknown", "坐标系没有写明大地基准，位置可能差几百米。请核对。")
            )
    first_with: dict[str, int] = {}
    kept = np.array([taken[i][0].polygon for i in keep], dtype=object)
    hashes = geometry.geometry_sha256s(kept)
    accepted = [
        _checked(
            *taken[i], float(area_m2[i]), questions[i], declared, sha256, first_with,
            placement.codes[i] if placement is not None else None,
        )
        for i, sha256 in zip(keep, hashes, strict=True)
    ]  # fmt: skip
    return CheckReport(
        rows=len(vector_file.rows),
        accepted=accepted,
        refused=[RefusedRow(row, r.code, r.message) for row, r in sorted(refused.items())],
    )


def _checked(
    row: Row,
    polygon: Any,
    area_m2: float,
    questions: list[Question],
    declared: tuple[str, str] | None,
    sha256: str,
    first_with: dict[str, int],
    district_code: str | None,
) -> CheckedRow:
    """Return the row that is taken, after asking about its area on paper and about its likes."""
    declared_m2 = _ask_about_declared(row, declared, area_m2, questions)
    if sha256 in first_with:
        text = f"图形与第 {first_with[sha256] + 1} 行完全相同。"
        questions.append(Question("duplicate", text))
    first_with.setdefault(sha256, row.row)
    return CheckedRow(
        row=row.row,
        boundary_4490=polygon,
        area_m2=area_m2,
        attributes=row.attributes,
        questions=questions,
        geometry_sha256=sha256,
        declared_area_m2=declared_m2,
        district_code=district_code,
    )


def _areas_on_the_map(
    vector_file: VectorFile, refused: dict[int, Refusal]
) -> list[tuple[Row, Any]]:
    """Return the rows that are areas, with their MultiPolygon in EPSG:4490; refuse the others."""
    outlines = np.array([row.polygon for row in vector_file.rows], dtype=object)
    _refuse_endless(outlines)
    rows: list[Row] = []
    for row, problem in zip(vector_file.rows, geometry.outline_refusals(outlines), strict=True):
        if problem := row.problem or problem:
            refused[row.row] = problem
        else:
            rows.append(row)
    flat = np.array([geometry.as_multipolygon(row.polygon) for row in rows], dtype=object)
    moved = vector_file.to_4490(flat)
    problems = geometry.range_refusals(moved, shapely.bounds(flat))
    if not geometry.is_land_crs(vector_file.crs) or vector_file.offset:
        # An outline may collapse when it is moved; one that has no place any more is named first.
        on_map = [index for index, problem in enumerate(problems) if problem is None]
        for index, problem in zip(on_map, geometry.outline_refusals(moved[on_map]), strict=True):
            problems[index] = problem
    taken: list[tuple[Row, Any]] = []
    for row, polygon, problem in zip(rows, moved, problems, strict=True):
        if problem:
            refused[row.row] = problem
        else:
            taken.append((row, polygon))
    return taken


def _crossed_in_metres(polygons_4490: geometry.Polygons) -> NDArray[np.intp]:
    """Return which outlines are none any more in metres, in which the register measures overlaps: an
    edge that is straight in degrees is not there, and what a hair keeps apart may cross."""
    metric = geometry.to_metric(polygons_4490, geometry.metric_crs(anywhere=False))
    return np.flatnonzero(~shapely.is_valid(metric))


def _refuse_endless(outlines: geometry.Polygons) -> None:
    points = shapely.get_num_coordinates(outlines).astype(float)
    if (points[points > VALIDITY_POINTS] ** 2).sum() > VALIDITY_WORK_MAX:
        raise FileRefused(
            "too_large", "边界极细密的地块太多，检查不完。请分成几份，或在原软件里简化边界。"
        )


def _outside_refusal(distance_m: float, polygon: Any) -> Refusal:
    point = polygon.representative_point()
    far = f"最近处相距 {distance_m / 1000:.1f} 公里" if np.isfinite(distance_m) else "相距很远"
    swapped = "看来经度和纬度写反了。" if 27 <= point.x <= 32 and 118 <= point.y <= 123 else ""
    return Refusal(
        "outside_districts",
        f"地块在 ({point.x:.4f}, {point.y:.4f})，大半在湖州市各区县 {districts.NEAR_M / 1000:g} 公里"
        f"之外，{far}。{swapped}请核对坐标系和位置。",
    )


def _near_outside(placement: districts.Placement, index: int) -> list[Question]:
    distance_m, share = placement.distance_m[index], placement.outside_share[index]
    if distance_m > 0.0:
        text = f"地块在湖州市各区县之外 {distance_m:.0f} 米。区县界线是概略的，请核对位置。"
    elif share > 0.0:
        text = f"地块有 {share:.1%} 在湖州市各区县之外。区县界线是概略的，请核对位置。"
    else:
        return []
    return [Question("near_outside", text)]


def _ask_about_offset(
    keep: list[int],
    polygons: geometry.Polygons,
    placement: districts.Placement,
    questions: list[list[Question]],
    neighbours_4490: geometry.Polygons | None,
) -> None:
    chosen = polygons[np.array(keep, dtype=np.intp)]
    suspicion = map_offsets.suspected(
        chosen, lambda moved: districts.place(moved).outside_share, neighbours_4490
    )
    if suspicion is not None:
        for index in keep:
            if suspicion.every_row or placement.outside_share[index] > 0.0:
                questions[index].append(suspicion.question)


def _ask_about_shape(
    keep: list[int],
    polygons: geometry.Polygons,
    area_m2: NDArray[np.float64],
    questions: list[list[Question]],
    *,
    anywhere: bool,
) -> None:
    for index in keep:
        if area_m2[index] < SMALL_M2:
            questions[index].append(
                Question("small", f"面积 {area_m2[index]:.1f} m²，不足 1 亩（{SMALL_M2:.2f} m²）。")
            )
    chosen = np.array(keep, dtype=np.intp)
    share = eroded_share(polygons[chosen], anywhere=anywhere)
    for index, left in zip(keep, share, strict=True):
        if left >= ERODED_SHARE_MIN:
            continue
        text = f"只剩 {left:.0%} 的面积，少于 {ERODED_SHARE_MIN:.0%}"
        if np.isnan(left):
            text = "能剩多少，因边界又长又密（像梳齿或毛边）而没有量"
        questions[index].append(
            Question("thin", f"地块太窄：四周各收进 {EROSION_M} 米后{text}。请核对。")
        )


def eroded_share(polygons_4490: geometry.Polygons, *, anywhere: bool) -> NDArray[np.float64]:
    """Return the share of the planar area left after taking 0.5 m off all around, mitred.

    Where area less 0.5 m of the perimeter is enough, that is given: no less is left. NaN where neither
    that is enough nor the outline simple enough to be measured in the time a file may take.
    """
    share = np.ones(len(polygons_4490))
    if len(polygons_4490) == 0:
        return share
    if not anywhere:
        groups = np.zeros(len(polygons_4490))
        centres = {0.0: geometry.metric_crs(anywhere=False)}
    else:
        bounds = shapely.bounds(polygons_4490)
        column = np.floor((bounds[:, 0] + bounds[:, 2]) / 2 / SQUARE_DEGREES)
        line = np.floor((bounds[:, 1] + bounds[:, 3]) / 2 / SQUARE_DEGREES)
        groups = column * 1000 + line
        centres = _local_systems(groups, column, line)
    for group, crs in centres.items():
        members = np.flatnonzero(groups == group)
        moved = geometry.to_metric(polygons_4490[members], crs)
        area = shapely.area(moved)
        share[members] = 1.0 - EROSION_M * shapely.length(moved) / area
        doubted = np.flatnonzero(share[members] < ERODED_SHARE_MIN)
        points = shapely.get_num_coordinates(moved[doubted]).astype(float)
        work = np.cumsum(np.where(points > EROSION_POINTS_MAX, 0.0, points**2))
        measured = (points <= EROSION_POINTS_MAX) & (work <= EROSION_WORK_MAX)
        chosen = doubted[measured]
        eroded = shapely.buffer(moved[chosen], -EROSION_M, join_style="mitre", mitre_limit=2.0)
        share[members[doubted]] = np.nan
        share[members[chosen]] = shapely.area(eroded) / area[chosen]
    return share


def _local_systems(
    groups: NDArray[np.float64], column: NDArray[np.float64], line: NDArray[np.float64]
) -> dict[float, pyproj.CRS]:
    _, first = np.unique(groups, return_index=True)
    return {
        float(groups[i]): geometry.metric_crs(
            anywhere=True,
            longitude=float((column[i] + 0.5) * SQUARE_DEGREES),
            latitude=float(np.clip((line[i] + 0.5) * SQUARE_DEGREES, -90, 90)),
        )
        for i in first
    }


def _ask_about_declared(
    row: Row, declared: tuple[str, str] | None, area_m2: float, asked: list[Question]
) -> float | None:
    """Add what is to be asked about the declared area, and return it [m2]."""
    if declared is None or row.attributes.get(declared[0]) in (None, ""):
        return None
    name, unit = declared
    try:
        declared_m2 = columns.area_m2(row.attributes[name], unit)
    except ValueError as error:
        asked.append(Question("declared_area", f"“{name}”{error}"))
        return None
    share = abs(declared_m2 - area_m2) / area_m2
    if share > DECLARED_SHARE_QUESTIONED:
        over = share > DECLARED_SHARE_OVER
        asked.append(
            Question(
                "declared_area_over_5" if over else "declared_area",
                f"申报面积 {declared_m2 / geometry.M2_PER_MU:.2f} 亩，图形面积 "
                f"{area_m2 / geometry.M2_PER_MU:.2f} 亩，相差 {share:.1%}。"
                f"{'超过 5%，须由登记机构处理。' if over else '以图形面积为准，请核对。'}",
            )
        )
    return declared_m2

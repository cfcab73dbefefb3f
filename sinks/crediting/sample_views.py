"""A project's sample designs as people read them: with what has become of each place, and in words."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from shapely import Point
from sqlalchemy.orm import Session

from gis_data import sample_points, way_points
from sinks.core import people
from sinks.crediting import sample_designs
from sinks.crediting.sample_designs import KIND_ZH, Kind, SampleDesign
from sinks.measurement import plot_table, plots


@dataclass(frozen=True, slots=True)
class PointLine:
    """A drawn place, and the plot that was measured for it.

    visited_on : of its first visit; None while nobody has been there
    distance_m : from the drawn place to where the plot was measured; None while there is no plot
    """

    code: str
    stratum: str
    longitude: float
    latitude: float
    visited_on: date | None
    distance_m: float | None


@dataclass(frozen=True, slots=True)
class DesignLine:
    """A design with its places.

    superseded : nobody has visited it and a further one followed, because the land has changed
    """

    id: int
    number: int
    kind: Kind
    drawn_on: date
    drawn_by: str
    plot_area_m2: float
    nonce: str
    seed: str
    design_json: str
    superseded: bool
    strata: tuple["StratumLine", ...]
    basis: dict[str, Any]
    points: tuple[PointLine, ...]


@dataclass(frozen=True, slots=True)
class StratumLine:
    """A stratum of a design: plots wanted and drawn, and the share of its land within reach."""

    stratum: str
    parcels: int
    wanted: int
    drawn: int
    land_m2: float
    reach_share: float
    spacing_m: float | None


def listing(session: Session, project_id: int) -> list[DesignLine]:
    """The designs of a project, oldest first."""
    found = sample_designs.of_project(session, project_id)
    visited_on = sample_designs.first_visits(session, project_id)
    standing = {line.code: line for line in plot_table.listing(session, project_id)}
    lines = []
    for row in found:
        points = tuple(
            _point(point, standing.get(point.code), visited_on.get(point.code))
            for point in sample_designs.points(session, row.id)
        )
        unvisited = not any(point.visited_on for point in points)
        lines.append(_line(session, row, points, superseded=unvisited and row is not found[-1]))
    return lines


def _point(
    point: sample_designs.SamplePoint, plot: plot_table.PlotLine | None, visited_on: date | None
) -> PointLine:
    return PointLine(
        point.code, point.stratum, point.longitude, point.latitude, visited_on,
        None if plot is None
        else sample_points.distance_m(point.place, (plot.longitude, plot.latitude)),
    )  # fmt: skip


def _line(
    session: Session, row: SampleDesign, points: tuple[PointLine, ...], *, superseded: bool
) -> DesignLine:
    design = row.design
    return DesignLine(
        id=row.id,
        number=row.number,
        kind=Kind(row.kind),
        drawn_on=row.drawn_on,
        drawn_by=people.name_of(session, row.person_id),
        plot_area_m2=design["plot_area_m2"],
        nonce=row.nonce,
        seed=row.seed,
        design_json=row.design_json,
        superseded=superseded,
        strata=tuple(
            _stratum(session, row, stratum, wanted, points)
            for stratum, wanted in sorted(design["plots"].items())
        ),
        basis=design["basis"],
        points=points,
    )


def _stratum(
    session: Session, row: SampleDesign, stratum: str, wanted: int, points: tuple[PointLine, ...]
) -> StratumLine:
    within = sample_designs.frame_of(session, row.design, stratum)
    return StratumLine(
        stratum,
        sum(member["stratum"] == stratum for member in row.design["land"]),
        wanted,
        sum(point.stratum == stratum for point in points),
        within.land_m2,
        within.reach_m2 / within.land_m2,
        None if row.spacing_m is None else row.spacing_m[stratum],
    )


def square(point: PointLine, plot_area_m2: float) -> dict[str, Any]:
    """The land of a drawn plot as GeoJSON (EPSG:4490), for a map."""
    place = Point(point.longitude, point.latitude)
    return dict(plots.square(place, plot_area_m2).__geo_interface__)


def gpx(design: DesignLine, *, project_code: str) -> bytes:
    """The places of a design for a receiver, named by their codes."""
    return way_points.gpx(
        [
            way_points.WayPoint(
                point.code, point.longitude, point.latitude,
                f"层 {point.stratum}，样地 {design.plot_area_m2:g} 平方米",
            )
            for point in design.points
        ],
        title=f"{project_code} 第 {design.number} 次抽样 {design.drawn_on}",
    )  # fmt: skip


def statement(design: DesignLine, *, project_code: str) -> list[str]:
    """The design in words, for the verifier: a paragraph each."""
    strata = "；".join(
        f"层“{one.stratum}”{one.parcels} 块地、{one.land_m2 / 10_000:.2f} 公顷，应抽 {one.wanted} 个、"
        f"抽出 {one.drawn} 个"
        + ("" if one.spacing_m is None else f"，格网间距 {one.spacing_m:g} 米")
        + f"，{1 - one.reach_share:.1%} 的面积离边界太近、不会被抽到"
        for one in design.strata
    )
    return [
        f"项目 {project_code} 第 {design.number} 次抽样，{design.drawn_on} 由{design.drawn_by}启动、"
        f"登记簿抽取。方式：{KIND_ZH[design.kind]}；样地为 {design.plot_area_m2:g} 平方米的正方形，"
        "整块落在一个地块之内，互不重叠。",
        f"{strata}。",
        _basis_zh(design.basis),
        "怎样复算：种子是“设计文本 + 换行 + 随机数”的 SHA-256；第 k 个随机数是“种子/层/k”的 SHA-256 的前"
        " 53 位除以 2 的 53 次方（k 从 0 起）。随机抽样每个样地依次用一个数按面积选地块（内缩后的各部分按"
        "地块次序排列），再用两个数在其外接矩形内定东、北坐标（EPSG:4549），落在外面或与已有样地不足一个"
        "对角线的重取；系统抽样头两个数乘间距是格网起点，间距由面积与样地数得出，不足时每次缩小二十分之一。",
        f"随机数 {design.nonce}，种子 {design.seed}。",
    ]


def _basis_zh(basis: dict[str, Any]) -> str:
    if basis.get("stated"):
        return "样地数由抽样人给定，不少于政策的最小数。"
    given = "；".join(
        f"层“{stratum}”均值 {basis['mean_t_ha'][stratum]:g}、标准差 {basis['sd_t_ha'][stratum]:g} 吨/公顷"
        for stratum in sorted(basis["mean_t_ha"])
    )
    return (
        f"样地数按 90% 置信、相对精度 {basis['precision']:.0%} 计算，共需 {basis['n']} 个，按内曼分配"
        f"到各层，每层不少于 {basis['minimum']} 个（{given}）。"
    )

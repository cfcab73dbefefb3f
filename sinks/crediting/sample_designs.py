"""Sample designs: where the plots of a project stand, drawn by the registry before anybody goes out.

A design is the text of what was drawn from (parcels with the hashes of their outlines, strata,
numbers, plot area), a random nonce of the day, and the SHA-256 of both: the seed. From these
anybody computes the same places again (`redrawn`). The nonce comes into being in the moment of the
draw, so nobody chooses the sample; and while a design waits to be visited it is not drawn again,
so nobody draws until a sample suits. Designs are never changed or replaced: a further one stands
beside those before it.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import sample_points
from gis_data.sample_points import NoRoom
from methodologies import statistics
from sinks.core import audit, policies
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, today
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.crediting import projects
from sinks.land import parcels
from sinks.land.parcels import ParcelVersion
from sinks.measurement import plots
from sinks.measurement.plots import Plot, PlotVisit

# The way from seed to places; another way would be another name.
RECIPE = "sha256-counter/1"
# A county lays out some hundreds; more is a slip of the finger.
POINTS_MAX = 5_000


class Kind(StrEnum):
    RANDOM = "random"
    SYSTEMATIC = "systematic"


KIND_ZH = {Kind.RANDOM: "分层简单随机抽样", Kind.SYSTEMATIC: "分层系统抽样（随机起点方格网）"}


class SampleDesign(Base):
    """One draw of a project's plots."""

    __tablename__ = "sample_design"
    __table_args__ = (
        UniqueConstraint("project_id", "number"),
        CheckConstraint("kind in ('random', 'systematic')", name="kind"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    number: Mapped[int]
    kind: Mapped[str]
    design_json: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str]
    seed: Mapped[str]
    # Stratum -> spacing of its grid [m]; None: drawn at random.
    spacing_m: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    drawn_on: Mapped[date]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]

    @property
    def design(self) -> dict[str, Any]:
        return json.loads(self.design_json)


class SamplePoint(Base):
    """A place that was drawn; a plot of the same code is the one measured there."""

    __tablename__ = "sample_point"

    design_id: Mapped[int] = mapped_column(ForeignKey("sample_design.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    stratum: Mapped[str]
    longitude: Mapped[float]
    latitude: Mapped[float]

    @property
    def place(self) -> sample_points.Place:
        return self.longitude, self.latitude


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many plots each stratum gets, and what that rests on."""

    plots: Mapping[str, int]
    basis: Mapping[str, Any]


def stated(plots_by_stratum: Mapping[str, int]) -> Numbers:
    """Numbers that the person who draws has decided."""
    return Numbers(dict(plots_by_stratum), {"stated": True})


def needed(
    session: Session,
    project_id: int,
    *,
    mean_t_ha: Mapping[str, float],
    sd_t_ha: Mapping[str, float],
    plot_area_m2: float,
    precision: float,
) -> Numbers:
    """Numbers that reach a precision, by Neyman's allocation, from what is known beforehand.

    mean_t_ha, sd_t_ha : biomass of each stratum from earlier plots or a map
    precision : half-width of the 90 % interval over the mean, e.g. 0.10
    """
    area_m2: dict[str, float] = {}
    for stratum, version in _land(session, project_id):
        area_m2[stratum] = area_m2.get(stratum, 0.0) + version.area_m2
    strata = sorted(area_m2)
    if set(mean_t_ha) != set(strata) or set(sd_t_ha) != set(strata):
        raise Invalid(
            f"每一层都要给出均值和标准差；项目的层是：{'、'.join(strata)}。", code="strata"
        )
    if not 0.01 <= precision <= 1.0:
        raise Invalid("相对精度应在 0.01 到 1 之间（例如 0.10）。", code="precision")
    minimum, _ = policies.value_or_suggestion(session, "min_plots_per_stratum")
    plan = statistics.plots_needed(
        [area_m2[name] / 10_000 for name in strata],
        [mean_t_ha[name] for name in strata],
        [sd_t_ha[name] for name in strata],
        plot_area_m2 / 10_000,
        precision=precision,
        minimum=int(minimum),
    )
    return Numbers(
        dict(zip(strata, plan.allocation, strict=True)),
        {
            "precision": precision, "mean_t_ha": dict(mean_t_ha), "sd_t_ha": dict(sd_t_ha),
            "minimum": int(minimum), "n": plan.n,
        },
    )  # fmt: skip


def draw(
    session: Session,
    actor: Actor,
    project_id: int,
    *,
    kind: Kind,
    plot_area_m2: float,
    numbers: Numbers,
) -> SampleDesign:
    """Draw the plots of a project, and keep the draw for good.

    Raises
    ------
    Conflict
        Plots were visited before any draw; the standing design has not been visited yet; or the
        land has no room for so many plots.
    Invalid
        A stratum is missing or gets fewer plots than the policy's minimum.
    """
    actor.require(Role.DEVELOPER, Role.COOPERATIVE, Role.OFFICER)
    project = projects.locked(session, project_id)
    plots.refuse_anothers(session, actor, project_id)
    if project.status == projects.Status.REJECTED:
        raise Conflict("项目已被否决。", code="project_rejected")
    if not plots.AREA_M2_MIN <= plot_area_m2 <= plots.AREA_M2_MAX:
        raise Invalid("样地面积应为 25–10000 平方米。", code="plot")
    land = _land(session, project_id)
    _refuse_numbers(session, {stratum for stratum, _ in land}, numbers)
    earlier = of_project(session, project_id)
    _refuse_draw(session, project_id, earlier, land)
    row = SampleDesign(
        project_id=project_id,
        number=len(earlier) + 1,
        kind=kind.value,
        design_json=_design_json(project, len(earlier) + 1, kind, plot_area_m2, land, numbers),
        nonce=secrets.token_hex(32),
        drawn_on=today(session),
        person_id=actor.person_id,
    )
    row.seed = seed_of(row.design_json, row.nonce)
    found, row.spacing_m = _places(session, row)
    session.add(row)
    session.flush()
    session.add_all(
        SamplePoint(design_id=row.id, code=code, stratum=stratum, longitude=x, latitude=y)
        for code, stratum, (x, y) in found
    )
    session.flush()
    audit.record(
        session, actor, "sample.draw", f"project:{project_id}",
        {"design": row.id, "number": row.number, "seed": row.seed, "points": len(found)},
    )  # fmt: skip
    return row


def _land(session: Session, project_id: int) -> list[tuple[str, ParcelVersion]]:
    """Stratum and present outline of each parcel, in the order of the parcels' ids."""
    return [
        (member.stratum, parcels.present_version(session, member.parcel_id))
        for member in projects.members(session, project_id)
    ]


def _refuse_numbers(session: Session, strata: set[str], numbers: Numbers) -> None:
    if set(numbers.plots) != strata:
        raise Invalid(
            f"每一层都要给出样地数；项目的层是：{'、'.join(sorted(strata))}。", code="strata"
        )
    if sum(numbers.plots.values()) > POINTS_MAX:
        raise Invalid(f"一次最多抽取 {POINTS_MAX:,} 个样地。", code="too_many_plots")
    minimum, in_force = policies.value_or_suggestion(session, "min_plots_per_stratum")
    for stratum, count in sorted(numbers.plots.items()):
        if count < minimum:
            decided = "现行政策" if in_force else "政策建议值（尚未生效）"
            raise Invalid(
                f"层“{stratum}”只有 {count} 个样地，{decided}要求每层至少 {minimum} 个。",
                code="min_plots",
            )


def _refuse_draw(
    session: Session,
    project_id: int,
    earlier: list[SampleDesign],
    land: list[tuple[str, ParcelVersion]],
) -> None:
    visited = set(first_visits(session, project_id))
    if not earlier and visited:
        named = "、".join(sorted(visited)[:5]) + (" 等" if len(visited) > 5 else "")
        raise Conflict(
            f"本项目已有 {len(visited)} 个样地（{named}）在抽样之前调查过，系统不再事后抽样。"
            "这些样地照旧参与核算，但逐一列为“不是系统抽取的样地”，由核证员判断其代表性；"
            "要有系统抽取的样本，请另立项目，先抽样、后调查。",
            code="visited_before_draw",
        )
    if not earlier:
        return
    last = earlier[-1]
    same_land = _land_of(last.design) == [_member(stratum, version) for stratum, version in land]
    if same_land and not visited & {point.code for point in points(session, last.id)}:
        raise Conflict(
            f"第 {last.number} 次抽样（{last.drawn_on}）还没有一个样地被调查，抽样结果不能挑选：请先按其位置"
            "外业调查；地块边界或分层改变后可以再抽。",
            code="draw_stands",
        )


def _design_json(
    project: projects.Project,
    number: int,
    kind: Kind,
    plot_area_m2: float,
    land: list[tuple[str, ParcelVersion]],
    numbers: Numbers,
) -> str:
    return json.dumps(
        {
            "recipe": RECIPE,
            "project_id": project.id,
            "project": project.code,
            "number": number,
            "kind": kind.value,
            "plot_area_m2": float(plot_area_m2),
            "plots": dict(numbers.plots),
            "basis": dict(numbers.basis),
            "land": [_member(stratum, version) for stratum, version in land],
        },
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
        allow_nan=False,
    )


def _member(stratum: str, version: ParcelVersion) -> dict[str, Any]:
    return {
        "parcel_id": version.parcel_id,
        "version_id": version.id,
        "stratum": stratum,
        "geometry_sha256": version.geometry_sha256,
    }


def _land_of(design: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(design["land"])


def seed_of(text: str, nonce: str) -> str:
    """The seed: SHA-256 of the text, a line feed and the nonce, in hexadecimal."""
    return hashlib.sha256(f"{text}\n{nonce}".encode()).hexdigest()


def frame_of(session: Session, design: Mapping[str, Any], stratum: str) -> sample_points.Frame:
    """The land of a stratum as the design was drawn from, whatever has become of it since."""
    outlines = [
        parcels.boundary_of(session.get_one(ParcelVersion, member["version_id"]))
        for member in _land_of(design)
        if member["stratum"] == stratum
    ]
    return sample_points.frame(outlines, design["plot_area_m2"])


def _places(
    session: Session, row: SampleDesign
) -> tuple[list[tuple[str, str, sample_points.Place]], dict[str, Any] | None]:
    """Code, stratum and place of every plot, and the spacings of the grids."""
    design = row.design
    found, spacing_m = [], {}
    for index, (stratum, count) in enumerate(sorted(design["plots"].items())):
        within = frame_of(session, design, stratum)
        way = sample_points.on_a_grid if row.kind == Kind.SYSTEMATIC else sample_points.at_random
        try:
            drawn = way(within, count, seed=row.seed, stream=stratum)
        except NoRoom as error:
            raise Conflict(
                f"层“{stratum}”：{error}请减少样地数、缩小样地面积，或换一种抽样方式。",
                code=error.code,
            ) from error
        if drawn.spacing_m is not None:
            spacing_m[stratum] = drawn.spacing_m
        found += [
            (f"{row.number}{_letters(index)}{place_number:03d}", stratum, place)
            for place_number, place in enumerate(drawn.places, start=1)
        ]
    return found, spacing_m or None


def _letters(index: int) -> str:
    """A, B, ... Z, AA, AB, ...: short enough for the screen of a receiver."""
    above, own = divmod(index, 26)
    return (_letters(above - 1) if above else "") + chr(ord("A") + own)


def redrawn(session: Session, design_id: int) -> bool:
    """Whether the seed and the places come out again from what is stored. Changes nothing."""
    row = get(session, design_id)
    stored = [(point.code, point.stratum, point.place) for point in points(session, row.id)]
    again, spacing_m = _places(session, row)
    return (
        row.seed == seed_of(row.design_json, row.nonce)
        and sorted(again) == sorted(stored)
        and spacing_m == row.spacing_m
    )


def get(session: Session, design_id: int) -> SampleDesign:
    """One design, or NotFound."""
    row = session.get(SampleDesign, design_id)
    if row is None:
        raise NotFound("没有这次抽样。", code="design")
    return row


def of_project(session: Session, project_id: int) -> list[SampleDesign]:
    """Every design of a project, oldest first."""
    query = select(SampleDesign).where(SampleDesign.project_id == project_id)
    return list(session.scalars(query.order_by(SampleDesign.number)))


def points(session: Session, design_id: int) -> list[SamplePoint]:
    """The places of a design, by code."""
    query = select(SamplePoint).where(SamplePoint.design_id == design_id)
    return list(session.scalars(query.order_by(SamplePoint.code)))


def first_visits(session: Session, project_id: int) -> dict[str, date]:
    """Plot code -> date of its first visit."""
    query = (
        select(Plot.code, func.min(PlotVisit.measured_on))
        .join(PlotVisit, PlotVisit.plot_id == Plot.id)
        .where(Plot.project_id == project_id)
        .group_by(Plot.code)
    )
    return {code: day for code, day in session.execute(query)}

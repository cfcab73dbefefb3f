"""Parcels from the county's own shapes: a 小班 or 宗地 that is clicked, or split by a line and clicked.

The outline is taken exactly as the county drew it. A split shares the line: both parts hold the very
same vertices along it, and nothing is lost or counted twice.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon
from sqlalchemy import CheckConstraint, ForeignKey, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import geometry
from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, RecordedAt
from sinks.core.errors import Invalid, NotFound
from sinks.land import constraint_layers, parcel_outlines
from sinks.land.constraint_layers import BASE_MAPS, ConstraintLayer, ConstraintShape
from sinks.land.parcels import Parcel, Status

# More than a browser of a county office draws at ease.
IN_VIEW_MAX = 1_500
# Rounding of coordinates alone; the parts have all of the whole [m2].
SPLIT_AREA_M2_TOLERANCE = 0.01
# A split that leaves less than this was a slip of the hand [m2].
PART_M2_MIN = 1.0

Position = tuple[float, ...]


class ShapeParcel(Base):
    """A parcel whose outline came from a county's shape, whole or one part of it."""

    __tablename__ = "shape_parcel"
    __table_args__ = (CheckConstraint("part in ('whole','a','b')", name="part"),)

    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    shape_id: Mapped[int] = mapped_column(ForeignKey("constraint_shape.id"), index=True)
    part: Mapped[str]
    # The line that split it, as it was drawn: longitude and latitude.
    line: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]


@dataclass(frozen=True, slots=True)
class BaseShape:
    """A shape of the county as a screen shows it; ``boundary`` is GeoJSON.

    taken_by : codes of parcels, not withdrawn, that were made from it
    """

    id: int
    layer_id: int
    layer_name: str
    shape_no: str
    attributes: dict[str, Any]
    area_m2: float
    declared_area_m2: float | None
    geometry_sha256: str
    boundary: dict[str, Any]
    taken_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InView:
    """Shapes in a box. ``more``: there are others, and one has to look closer."""

    features: dict[str, Any]
    more: bool


def layers(session: Session) -> list[ConstraintLayer]:
    """The maps in force that shapes can be taken from."""
    return [
        row for row in constraint_layers.listing(session)
        if row.superseded_by_id is None and row.kind in BASE_MAPS
    ]  # fmt: skip


def in_view(
    session: Session,
    layer_id: int,
    bounds: tuple[float, float, float, float],
    *,
    limit: int = IN_VIEW_MAX,
    simplify_degrees: float = 0.0,
) -> InView:
    """The shapes of a map in a box (west, south, east, north), simplified for looking only."""
    west, south, east, north = bounds
    rows = session.execute(
        text(
            """
            SELECT s.id, s.shape_no, ST_AsGeoJSON(CASE WHEN :simplify > 0
                     THEN ST_SimplifyPreserveTopology(s.boundary, :simplify) ELSE s.boundary END, 6),
                   EXISTS (SELECT FROM shape_parcel t JOIN parcel p ON p.id = t.parcel_id
                           WHERE t.shape_id = s.id AND p.status <> 'withdrawn')
            FROM constraint_shapes_near(ST_MakeEnvelope(:west, :south, :east, :north, 4490)) s
            WHERE s.layer_id = :layer
            ORDER BY s.id LIMIT :limit
            """
        ),
        {
            "layer": layer_id, "west": west, "south": south, "east": east, "north": north,
            "simplify": simplify_degrees, "limit": limit + 1,
        },
    ).all()  # fmt: skip
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(outline),
            "properties": {"id": shape_id, "label": shape_no, "taken": taken},
        }
        for shape_id, shape_no, outline, taken in rows[:limit]
    ]
    return InView({"type": "FeatureCollection", "features": features}, len(rows) > limit)


def at_point(session: Session, layer_id: int, longitude: float, latitude: float) -> int | None:
    """The id of the shape under a point, the smallest where several lie on each other; or None."""
    return session.scalar(
        text(
            """
            SELECT s.id FROM (SELECT ST_SetSRID(ST_MakePoint(:x, :y), 4490) AS point) p
                   JOIN LATERAL constraint_shapes_near(p.point) s ON ST_Contains(s.boundary, p.point)
            WHERE s.layer_id = :layer ORDER BY s.area_m2 LIMIT 1
            """
        ),
        {"x": longitude, "y": latitude, "layer": layer_id},
    )


def search(
    session: Session, layer_id: int, shape_no: str, limit: int = 20
) -> list[tuple[int, str]]:
    """Shapes whose number holds the text: (id, number)."""
    wanted = shape_no.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    query = (
        select(ConstraintShape.id, ConstraintShape.shape_no)
        .where(ConstraintShape.layer_id == layer_id, ConstraintShape.shape_no.ilike(f"%{wanted}%"))
        .order_by(func.length(ConstraintShape.shape_no), ConstraintShape.shape_no)
        .limit(limit)
    )
    return [(shape_id, number) for shape_id, number in session.execute(query)]


def extent(session: Session, layer_id: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a map."""
    row = session.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(boundary)"
            " AS e FROM constraint_shape WHERE layer_id = :layer) x"
        ),
        {"layer": layer_id},
    ).one()
    if row[0] is None:
        raise NotFound("没有这个图层。", code="constraint_layer")
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def get(session: Session, shape_id: int) -> BaseShape:
    """A shape with everything about it, or NotFound."""
    row = _row(session, shape_id)
    layer = constraint_layers.get(session, row.layer_id)
    taken = session.scalars(
        select(Parcel.code)
        .join(ShapeParcel, ShapeParcel.parcel_id == Parcel.id)
        .where(ShapeParcel.shape_id == shape_id, Parcel.status != Status.WITHDRAWN)
        .order_by(Parcel.code)
    ).all()
    return BaseShape(
        row.id, layer.id, layer.name, row.shape_no, row.attributes, row.area_m2,
        row.declared_area_m2, row.geometry_sha256,
        json.loads(shapely.to_geojson(constraint_layers.outline(row))), tuple(taken),
    )  # fmt: skip


def _row(session: Session, shape_id: int) -> ConstraintShape:
    row = session.get(ConstraintShape, shape_id)
    if row is None or constraint_layers.get(session, row.layer_id).kind not in BASE_MAPS:
        raise NotFound("没有这个小班或宗地图形。", code="shape")
    return row


def line_of(positions: Sequence[Sequence[float]]) -> LineString:
    """A drawn line of longitudes and latitudes.

    Raises
    ------
    Invalid
        Fewer than two different points, or not numbers.
    """
    try:
        line = LineString([(float(x), float(y)) for x, y, *_ in positions])
    except (TypeError, ValueError, shapely.GEOSException) as error:
        raise Invalid("分割线读不成坐标，请重新画。", code="split_line") from error
    if line.length == 0 or not line.is_valid:
        raise Invalid("分割线至少要有两个不同的点。", code="split_line")
    return line


def split(outline: MultiPolygon, line: LineString) -> tuple[MultiPolygon, MultiPolygon]:
    """The two parts of an outline on either side of a line, the western one first.

    Both hold the same vertices along the line; vertices of the outline are untouched. Of an outline
    of several pieces those that the line leaves whole go to the side of it on which they lie.

    Raises
    ------
    Invalid
        The line does not cross from one side to the other, or cuts more than two parts; a piece that
        it leaves whole lies on both sides of it.
    """
    if not line.is_simple:
        raise Invalid("分割线与自身相交，请重新画。", code="split_line")
    faces = [face for piece in outline.geoms for face in _faces(piece, line)]
    if len(faces) == len(outline.geoms):
        raise Invalid(
            "分割线要从图形外画起、穿过图形、画到另一侧的外面，把它分成两部分；现在没有分开。",
            code="split_line",
        )
    sides = _sides(outline, line, faces) if len(outline.geoms) > 1 else ([faces[0]], [faces[1]])
    first, second = sorted(
        (MultiPolygon(shapely.orient_polygons(np.array(side)).tolist()) for side in sides),
        key=lambda part: part.centroid.x,
    )
    parts_m2 = geometry.area_m2(first), geometry.area_m2(second)
    if min(parts_m2) < PART_M2_MIN:
        raise Invalid("分出的一部分不足 1 平方米，请重新画。", code="split_sliver")
    if not (first.is_valid and second.is_valid) or (
        abs(sum(parts_m2) - geometry.area_m2(outline)) > SPLIT_AREA_M2_TOLERANCE
    ):
        raise Invalid("分割后的面积与原图形不合，请换一条线。", code="split_area")
    return first, second


def _faces(piece: Polygon, line: LineString) -> list[Polygon]:
    """A piece of an outline, or the two faces that the line cuts it into."""
    # The ends that hang over are no edge of a face, and fall away.
    edges = shapely.unary_union([piece.boundary, line])
    faces = [
        face for face in shapely.get_parts(shapely.polygonize([edges]))
        if piece.contains(face.representative_point())
    ]  # fmt: skip
    if len(faces) == 1:
        return [piece]
    if len(faces) != 2:
        raise Invalid(
            "分割线要从图形外画起、穿过图形、画到另一侧的外面，"
            f"把它分成两部分；现在是 {len(faces)} 部分。",
            code="split_line",
        )
    moved = _on_geodesics(piece, line, faces)
    return [_with(face, moved) for face in faces]


def _sides(
    outline: MultiPolygon, line: LineString, faces: list[Polygon]
) -> tuple[list[Polygon], list[Polygon]]:
    """The faces on one side and on the other of the line, prolonged straight on at both ends."""
    places = shapely.get_coordinates(line)
    west, south, east, north = shapely.union(outline, line).bounds
    reach = 2 * max(east - west, north - south)
    ahead, back = places[-1] - places[-2], places[0] - places[1]
    prolonged = LineString(
        [
            places[0] + back / np.hypot(*back) * reach,
            *places,
            places[-1] + ahead / np.hypot(*ahead) * reach,
        ]
    )
    frame = shapely.box(west, south, east, north).buffer(reach / 4)
    halves = shapely.get_parts(
        shapely.polygonize([shapely.unary_union([frame.boundary, prolonged])])
    )
    whole = [piece for piece in outline.geoms if len(_faces(piece, line)) == 1]
    if len(halves) != 2 or any(prolonged.crosses(piece) for piece in whole):
        raise Invalid(
            "这个图形由几部分组成，分割线的延长线穿过了没有切到的部分，分不清它归哪一边。"
            "请把线画长，明确切开它，或从它旁边绕过。",
            code="split_parts",
        )
    one = [face for face in faces if halves[0].contains(face.representative_point())]
    return one, [face for face in faces if face not in one]


def _on_geodesics(
    whole: Polygon, line: LineString, faces: list[Polygon]
) -> dict[Position, Position]:
    """The new ends of the line -> the same on the geodesic of the edge that they cut.

    An edge of the outline is a geodesic where area is counted, and a straight line on the map where
    the cut was found: some millimetres apart, which along an edge of 400 m are a third of a square
    metre that neither part would have.
    """
    rings = [[*ring.coords] for ring in (whole.exterior, *whole.interiors)]
    known = {position for ring in rings for position in ring} | set(line.coords)
    edges = [edge for ring in rings for edge in itertools.pairwise(ring)]
    lines = shapely.linestrings(edges)
    moved: dict[Position, Position] = {}
    for face in faces:
        for position in {tuple(one) for one in shapely.get_coordinates(face)} - known:
            (x0, y0), (x1, y1) = edges[int(shapely.distance(lines, Point(position)).argmin())]
            azimuth, _, _ = geometry.GRS80.inv(x0, y0, x1, y1)
            _, _, distance_m = geometry.GRS80.inv(x0, y0, *position)
            x, y, _ = geometry.GRS80.fwd(x0, y0, azimuth, distance_m)
            moved[position] = (x, y)
    return moved


def _with(face: Polygon, moved: dict[Position, Position]) -> Polygon:
    rings = [
        [moved.get(position, position) for position in ring.coords]
        for ring in (face.exterior, *face.interiors)
    ]
    return Polygon(rings[0], rings[1:])


def take(
    session: Session,
    actor: Actor,
    shape_id: int,
    *,
    sink_type: str,
    name: str = "",
    township: str = "",
    part: str = "whole",
    line: LineString | None = None,
) -> Parcel:
    """Make a draft parcel from a shape, or from the part of it on one side of a line.

    name : the county's number of the shape where none is given
    part : ``whole``; or ``a`` (western), ``b`` (eastern) with the ``line``

    Raises
    ------
    Invalid
        A part without a line, a line that does not split, an outline outside the districts.
    """
    actor.require(Role.OFFICER)
    row = _row(session, shape_id)
    layer = constraint_layers.get(session, row.layer_id)
    whole = constraint_layers.outline(row)
    if part not in ("whole", "a", "b") or (part == "whole") != (line is None):
        raise Invalid("请选择整个图形，或画一条分割线并选择其中一部分。", code="split_part")
    boundary = whole if line is None else split(whole, line)["ab".index(part)]
    suffix = "" if line is None else f"（{'西' if part == 'a' else '东'}部）"
    parcel = parcel_outlines.create(
        session, actor, boundary=boundary, sink_type=sink_type,
        name=name.strip() or f"{row.shape_no}{suffix}", township=township,
        declared_area_m2=row.declared_area_m2 if line is None else None,
        source_name=f"{layer.name} {row.shape_no}{suffix}", source_sha256=layer.sha256,
        source_row=row.row, demonstration=layer.demonstration,
    )  # fmt: skip
    session.add(
        ShapeParcel(
            parcel_id=parcel.id, shape_id=row.id, part=part, line=line.wkt if line else None
        )
    )
    session.flush()
    audit.record(
        session, actor, "shape.take", f"parcel:{parcel.id}",
        {"shape": row.id, "shape_no": row.shape_no, "part": part,
         "geometry_sha256": row.geometry_sha256, "layer_sha256": layer.sha256},
    )  # fmt: skip
    return parcel


def source_of(session: Session, parcel_id: int) -> BaseShape | None:
    """The county's shape a parcel was made from, with its attributes; None for others."""
    link = session.get(ShapeParcel, parcel_id)
    return get(session, link.shape_id) if link else None

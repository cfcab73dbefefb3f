"""宗地图: an A4 paper of one parcel, drawn to a round scale, with its corner points and neighbours.

Drawn as SVG from metric coordinates (EPSG:4549), so a ruler on the paper measures the land. Holders
are not named: the paper goes to the neighbours for their signatures. Certificate numbers stand on it
as far as row-level security shows them to whoever prints it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, ceil, degrees, hypot, inf
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, MultiPolygon, Point
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.core import papers
from sinks.core.actor import Actor, Role
from sinks.core.db import now
from sinks.core.errors import Conflict, NotFound
from sinks.land import constraint_layers, parcels, rights
from sinks.land.parcels import METRIC_SRID, OVERLAP_WIDTH_M_MAX, Parcel, SinkType

READERS = (
    Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR,
    Role.AUDITOR,
)  # fmt: skip
SCALES = (500, 1000, 2000, 5000, 10_000, 25_000, 50_000)
WIDTH_MM, HEIGHT_MM = 182.0, 158.0
MARGIN_MM = 13.0  # Around the outline, for the numbers of its corners.
LABELS_MAX = 40
LABEL_MM = (5.2, 2.6)  # Room of one corner number.
# As far as this from the boundary a parcel is a neighbour: across a path, not across a valley [m].
NEIGHBOUR_M = 30.0
# Of a side a neighbour borders at least so much, or it is only met at the corner.
SIDE_SHARE_MIN = 0.08
# A dense map of a village has fewer within reach; more would not be read on the paper.
COUNTY_SHAPES_MAX = 200
SIDES = (("东", 0.0), ("北", 90.0), ("西", 180.0), ("南", 270.0))
ZONE_40_M = 40_000_000.0  # EPSG:4528 is EPSG:4549 with the number of the zone before the easting.
SINK_ZH = {
    SinkType.BAMBOO: "竹林",
    SinkType.WETLAND: "湿地",
    SinkType.FARMLAND: "农田",
    SinkType.TEA: "茶园",
    SinkType.OTHER: "其他林地",
}

Points = NDArray[np.float64]  # shape (n, 2)


@dataclass(frozen=True, slots=True)
class Corner:
    """A corner point 界址点. x_m is northing and y_m easting, as surveyors write them (EPSG:4549).

    side_m : on the ellipsoid, to the next corner of the ring
    """

    number: str
    longitude: float
    latitude: float
    x_m: float
    y_m: float
    side_m: float

    @property
    def y_zone_m(self) -> float:
        """The easting with the number of its zone (EPSG:4528)."""
        return self.y_m + ZONE_40_M


@dataclass(frozen=True, slots=True)
class Around:
    """Other land near this parcel; ``outline_m`` in EPSG:4549.

    of_county : a shape of the county's own map, where no parcel of ours lies
    """

    code: str
    name: str
    outline_m: Any
    of_county: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One of the four sides and who borders it, as (code, name)."""

    word: str
    neighbours: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where the paper lies on the land: millimetres from its upper left corner, at 1:scale."""

    scale: int
    west_m: float
    north_m: float

    def mm(self, points_m: Points) -> Points:
        """Places on the paper of eastings and northings."""
        per_m = 1000.0 / self.scale
        return np.column_stack(
            [(points_m[:, 0] - self.west_m) * per_m, (self.north_m - points_m[:, 1]) * per_m]
        )


def pdf(session: Session, actor: Actor, parcel_id: int) -> bytes:
    """The map of a parcel as it is now, as PDF.

    Raises
    ------
    Conflict
        The parcel does not fit an A4 sheet at 1:50,000.
    """
    return papers.pdf("parcel_map.html", values(session, actor, parcel_id))


def values(session: Session, actor: Actor, parcel_id: int) -> dict[str, Any]:
    """What the template is filled in with."""
    actor.require(*READERS)
    parcel = session.get(Parcel, parcel_id)
    if parcel is None:
        raise NotFound("没有这个地块。", code="parcel")
    version = parcels.present_version(session, parcel_id)
    boundary = parcels.boundary_of(version)
    outline_m = _metric(boundary)
    sheet = sheet_of(outline_m.bounds)
    corners = corners_of(boundary, outline_m)
    near = _around(session, parcel_id, outline_m)
    drawing, labelled = draw(sheet, outline_m, near)
    printed_at = now(session)
    certificates = sorted(
        {
            (rights.CERTIFICATE_ZH[rights.CertificateKind(row.certificate_kind)],
             row.certificate_no, row.unit_no or "")
            for row, _ in rights.of_parcel(session, parcel_id)
        }
    )  # fmt: skip
    content = (
        f"{parcel.code}\nsha256 {version.geometry_sha256}\n{version.area_m2:.2f} m2\n"
        f"{printed_at:%Y-%m-%d}"
    )
    return {
        "code": parcel.code,
        "name": parcel.name,
        "township": parcel.township,
        "district_code": parcel.district_code,
        "sink": SINK_ZH[SinkType(parcel.sink_type)],
        "status": parcels.STATUS_ZH[parcels.Status(parcel.status)],
        "demonstration": parcel.demonstration,
        "area_mu": version.area_m2 / geometry.M2_PER_MU,
        "area_ha": version.area_m2 / geometry.M2_PER_HA,
        "declared_mu": version.declared_area_m2 / geometry.M2_PER_MU
        if version.declared_area_m2
        else None,
        "certificates": certificates,
        "source": version.source_name,
        "valid_from": version.valid_from,
        "printed_at": printed_at,
        "geometry_sha256": version.geometry_sha256,
        "sides": sides(outline_m, near),
        "scale": sheet.scale,
        "drawing": drawing,
        "labelled": labelled,
        "corners": corners,
        "qr": papers.qr_svg(content),
    }


def _metric(boundary: MultiPolygon) -> MultiPolygon:
    moved = geometry.to_metric(
        np.array([boundary], dtype=object), geometry.metric_crs(anywhere=False)
    )
    found = moved[0]
    assert isinstance(found, MultiPolygon)
    return found


def sheet_of(bounds_m: tuple[float, float, float, float]) -> Sheet:
    """The largest round scale at which the land fits the sheet, with the land in its middle."""
    west, south, east, north = bounds_m
    for scale in SCALES:
        room_m = [(side - 2 * MARGIN_MM) * scale / 1000 for side in (WIDTH_MM, HEIGHT_MM)]
        if east - west <= room_m[0] and north - south <= room_m[1]:
            return Sheet(
                scale,
                (west + east) / 2 - WIDTH_MM * scale / 2000,
                (south + north) / 2 + HEIGHT_MM * scale / 2000,
            )
    raise Conflict(
        f"地块东西 {(east - west) / 1000:.1f} 公里、南北 {(north - south) / 1000:.1f} 公里，"
        f"1:{SCALES[-1]:,} 的 A4 纸放不下。请拆分地块，或用大幅面图。",
        code="map_too_large",
    )


def corners_of(boundary: MultiPolygon, outline_m: MultiPolygon) -> list[Corner]:
    """Every corner of every ring, clockwise from the north-western one, numbered J1, J2, ..."""
    found: list[Corner] = []
    for ring, ring_m in zip(_rings(boundary), _rings(outline_m), strict=True):
        order = _clockwise_from_north_west(ring_m)
        lengths_m = _sides_m(ring[order])
        found += [
            Corner(
                number=f"J{len(found) + place + 1}",
                longitude=float(ring[at, 0]),
                latitude=float(ring[at, 1]),
                x_m=float(ring_m[at, 1]),
                y_m=float(ring_m[at, 0]),
                side_m=float(lengths_m[place]),
            )
            for place, at in enumerate(order)
        ]
    return found


def _rings(polygon: MultiPolygon) -> list[Points]:
    """The positions of every ring, the last one, which repeats the first, left out."""
    rings = shapely.get_rings(shapely.get_parts(polygon))
    return [shapely.get_coordinates(ring)[:-1] for ring in rings]


def _clockwise_from_north_west(ring_m: Points) -> list[int]:
    count = len(ring_m)
    first = int(np.argmax(ring_m[:, 1] - ring_m[:, 0]))
    step = -1 if shapely.is_ccw(shapely.linearrings(ring_m)) else 1
    return [(first + step * place) % count for place in range(count)]


def _sides_m(ring: Points) -> Points:
    after = np.roll(ring, -1, axis=0)
    lengths = geometry.GRS80.inv(ring[:, 0], ring[:, 1], after[:, 0], after[:, 1])[2]
    return np.asarray(lengths, dtype=np.float64)


def _around(session: Session, parcel_id: int, outline_m: MultiPolygon) -> list[Around]:
    """The parcels, not withdrawn, whose land comes near."""
    rows = session.execute(
        text(
            "SELECT p.code, p.name, ST_AsBinary(v.boundary_m) FROM parcel_version v"
            " JOIN parcel p ON p.id = v.parcel_id WHERE v.valid_to IS NULL"
            " AND p.status <> 'withdrawn' AND p.id <> :id"
            " AND ST_DWithin(v.boundary_m, ST_GeomFromWKB(:wkb, :srid), :near) ORDER BY p.code"
        ),
        {
            "id": parcel_id, "wkb": shapely.to_wkb(outline_m), "srid": METRIC_SRID,
            "near": NEIGHBOUR_M,
        },
    )  # fmt: skip
    near = [Around(code, name, shapely.from_wkb(bytes(wkb))) for code, name, wkb in rows]
    return near + _of_county(session, outline_m, near)


def _of_county(session: Session, outline_m: MultiPolygon, near: Sequence[Around]) -> list[Around]:
    """Shapes of the county's maps in force near the parcel, without the land of any parcel."""
    rows = session.execute(
        text(
            "SELECT l.kind, s.shape_no, ST_AsBinary(s.boundary_m)"
            " FROM constraint_shapes_near(ST_Expand(ST_GeomFromWKB(:wkb, :srid), :near)) s"
            " JOIN constraint_layer l ON l.id = s.layer_id AND l.superseded_by_id IS NULL"
            " WHERE l.kind IN ('cadastre', 'compartment')"
            " AND ST_DWithin(s.boundary_m, ST_GeomFromWKB(:wkb, :srid), :near)"
            " ORDER BY l.kind, s.shape_no, s.id LIMIT :limit"
        ),
        {
            "wkb": shapely.to_wkb(outline_m), "srid": METRIC_SRID, "near": NEIGHBOUR_M,
            "limit": COUNTY_SHAPES_MAX,
        },
    ).all()  # fmt: skip
    ours = shapely.union_all([outline_m, *(one.outline_m for one in near)])
    found = []
    for kind, number, wkb in rows:
        rest = shapely.from_wkb(bytes(wkb)).difference(ours)
        # What is left along a shared boundary is accuracy, and no neighbour.
        if not rest.buffer(-OVERLAP_WIDTH_M_MAX / 2).is_empty:
            word = constraint_layers.KIND_ZH[constraint_layers.LayerKind(kind)]
            found.append(Around(f"{word} {number}", "", rest, of_county=True))
    return found


def sides(outline_m: MultiPolygon, near: Sequence[Around]) -> list[Side]:
    """Who borders the parcel on its eastern, southern, western and northern side 四至.

    The boundary is walked. Each place on it belongs to the side on which it lies within the box
    round the parcel, and to the first other land straight outwards from it: a parcel, or where none
    is a shape of the county's map.
    """
    west, south, east, north = outline_m.bounds
    rays = _rays(outline_m)
    counted: dict[str, dict[int | None, int]] = {word: {} for word, _ in SIDES}
    for ray in rays:
        x, y = ray.coords[0]
        angle = degrees(
            atan2((2 * y - south - north) / (north - south), (2 * x - west - east) / (east - west))
        )
        word = SIDES[int(((angle + 45) % 360) // 90)][0]
        met = [ray.intersection(one.outline_m) for one in near]
        # Where a parcel lies it is the neighbour; what the county's map has between two boundaries
        # that were surveyed apart is accuracy.
        ways_m = [
            Point(x, y).distance(part) + OVERLAP_WIDTH_M_MAX * one.of_county
            if not part.is_empty else inf
            for part, one in zip(met, near, strict=True)
        ]  # fmt: skip
        first = int(np.argmin(ways_m)) if ways_m and min(ways_m) < inf else None
        counted[word][first] = counted[word].get(first, 0) + 1
    found = []
    for word in ("东", "南", "西", "北"):
        total = sum(counted[word].values())
        bordering = sorted(
            ((count, who) for who, count in counted[word].items()
             if who is not None and count >= SIDE_SHARE_MIN * total),
            reverse=True,
        )  # fmt: skip
        found.append(Side(word, tuple((near[who].code, near[who].name) for _, who in bordering)))
    return found


def _rays(outline_m: MultiPolygon) -> list[LineString]:
    """Lines from places all along the outer boundary straight outwards, as far as a neighbour is."""
    found = []
    for ring in (part.exterior for part in outline_m.geoms):
        count = max(12, round(360 * ring.length / outline_m.length))
        # From the middle of each step: a corner looks nowhere in particular.
        at_m = (np.arange(count) + 0.5) * ring.length / count
        places = shapely.get_coordinates(shapely.line_interpolate_point(ring, at_m))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(ring, at_m + 0.05))
        outwards = 1.0 if ring.is_ccw else -1.0
        for place, after in zip(places, ahead, strict=True):
            along = _unit(after - place)
            tip = place + outwards * NEIGHBOUR_M * np.array([along[1], -along[0]])
            found.append(LineString([place, tip]))
    return found


def draw(sheet: Sheet, outline_m: MultiPolygon, near: Sequence[Around]) -> tuple[str, int]:
    """The drawing as SVG, in millimetres, and how many corners are numbered on it."""
    labels = _labels(sheet, outline_m)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{HEIGHT_MM}mm" '
        f'viewBox="0 0 {WIDTH_MM} {HEIGHT_MM}">',
        f'<defs><clipPath id="frame"><rect width="{WIDTH_MM}" height="{HEIGHT_MM}"/></clipPath></defs>',
        '<g clip-path="url(#frame)">',
        *_grid(sheet),
        *(line for one in near for line in _neighbour(sheet, one, outline_m)),
        f'<path d="{_path(sheet, outline_m)}" fill="#1f7a4d" fill-opacity="0.10" '
        'fill-rule="evenodd" stroke="#b3261e" stroke-width="0.45" stroke-linejoin="round"/>',
        *_dots(sheet, outline_m),
        *(
            _words(x, y, number, 2.3, "#7a1a14", anchor="middle")
            for number, x, y in labels
        ),
        "</g>",
        f'<rect x="0.2" y="0.2" width="{WIDTH_MM - 0.4}" height="{HEIGHT_MM - 0.4}" fill="none" '
        'stroke="#16211d" stroke-width="0.4"/>',
        *_north_arrow(),
        *_scale_bar(sheet.scale),
        "</svg>",
    ]  # fmt: skip
    return "".join(parts), len(labels)


def _path(sheet: Sheet, outline_m: Any) -> str:
    """All rings as one path, to a hundredth of a millimetre."""
    return " ".join(
        "M" + " L".join(f"{x:.2f},{y:.2f}" for x, y in sheet.mm(ring)) + " Z"
        for ring in _rings(outline_m)
    )


def _words(
    x: float, y: float, said: str, size: float, colour: str, *, anchor: str = "start"
) -> str:
    escaped = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size}" fill="{colour}" '
        f'text-anchor="{anchor}" font-family="{papers.FONT}">{escaped}</text>'
    )


def _dots(sheet: Sheet, outline_m: MultiPolygon) -> list[str]:
    radius = 0.55 if shapely.get_num_coordinates(outline_m) <= 150 else 0.28
    return [
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius}" fill="#fff" stroke="#b3261e" stroke-width="0.25"/>'
        for ring in _rings(outline_m)
        for x, y in sheet.mm(ring)
    ]


def _labels(sheet: Sheet, outline_m: MultiPolygon) -> list[tuple[str, float, float]]:
    """(number, x, y) of the corners that are numbered on the drawing.

    The ones that shape the outline most come first; one whose number would lie on another is left
    to the table.
    """
    wanted: list[tuple[float, str, float, float]] = []
    number = 0
    for ring_m in _rings(outline_m):
        order = _clockwise_from_north_west(ring_m)
        ring = sheet.mm(ring_m)[order]
        before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
        (dx0, dy0), (dx1, dy1) = (ring - before).T, (after - ring).T
        weight = np.abs(dx0 * dy1 - dy0 * dx1) / 2  # Of the triangle that the corner makes [mm2].
        for at, place in enumerate(ring):
            number += 1
            x, y = _beside(sheet, outline_m, before[at], place, after[at])
            wanted.append((float(weight[at]), f"J{number}", x, y))
    first = max(wanted, key=lambda one: one[1] == "J1")
    taken: list[tuple[str, float, float]] = []
    for _, name, x, y in [first, *sorted(wanted, reverse=True)]:
        free = all(
            abs(x - other_x) > LABEL_MM[0] or abs(y - other_y) > LABEL_MM[1]
            for _, other_x, other_y in taken
        )
        if free and len(taken) < LABELS_MAX:
            taken.append((name, x, y))
    return taken


def _beside(
    sheet: Sheet, outline_m: MultiPolygon, before: Points, place: Points, after: Points
) -> tuple[float, float]:
    """Where the number of a corner stands: outside the parcel, in the middle of the corner."""
    inward = _unit(before - place) + _unit(after - place)
    if hypot(*inward) < 0.1:
        along = _unit(after - before)
        inward = np.array([-along[1], along[0]])
    away = -_unit(inward)
    for direction in (away, -away):
        tip = place + direction * 0.6
        east_m = sheet.west_m + tip[0] * sheet.scale / 1000
        north_m = sheet.north_m - tip[1] * sheet.scale / 1000
        if not shapely.contains_xy(outline_m, east_m, north_m):
            away = direction
            break
    x, y = place + away * 2.6
    return float(x), float(y) + 0.8


def _unit(vector: Points) -> Points:
    length = hypot(*vector)
    return vector / length if length > 0 else vector


def _neighbour(sheet: Sheet, one: Around, outline_m: MultiPolygon) -> list[str]:
    """Other land, thin and grey, with its code where there is room beside the outline."""
    drawn = [
        f'<path d="{_path(sheet, shapely.multipolygons(shapely.get_parts(one.outline_m)))}" '
        'fill="#66736d" fill-opacity="0.06" stroke="#66736d" stroke-width="0.25" '
        'stroke-dasharray="1.6 1"/>'
    ]
    frame = shapely.box(
        sheet.west_m, sheet.north_m - HEIGHT_MM * sheet.scale / 1000,
        sheet.west_m + WIDTH_MM * sheet.scale / 1000, sheet.north_m,
    ).buffer(-4 * sheet.scale / 1000)  # fmt: skip
    seen = one.outline_m.intersection(frame).difference(outline_m)
    if seen.area > 0:
        spot = shapely.get_coordinates(shapely.point_on_surface(seen))
        x, y = sheet.mm(spot)[0]
        x = min(max(float(x), 16.0), WIDTH_MM - 16.0)
        size_mm = 1.9 if one.of_county else 2.2
        drawn.append(_words(x, float(y), one.code, size_mm, "#40504a", anchor="middle"))
    return drawn


def _grid(sheet: Sheet) -> list[str]:
    """Crosses at round kilometres and hundreds, with the numbers along the frame."""
    step_m = next(
        step for step in (20, 50, 100, 200, 500, 1000, 2000) if step * 1000 / sheet.scale >= 35
    )
    width_m, height_m = WIDTH_MM * sheet.scale / 1000, HEIGHT_MM * sheet.scale / 1000
    easts = np.arange(ceil(sheet.west_m / step_m), (sheet.west_m + width_m) // step_m + 1) * step_m
    south_m = sheet.north_m - height_m
    norths = np.arange(ceil(south_m / step_m), sheet.north_m // step_m + 1) * step_m
    lines = []
    for x, y in sheet.mm(np.array([(east, north) for east in easts for north in norths])):
        lines.append(
            f'<path d="M{x - 1.2:.2f},{y:.2f}H{x + 1.2:.2f}M{x:.2f},{y - 1.2:.2f}V{y + 1.2:.2f}" '
            'stroke="#9db0a7" stroke-width="0.15" fill="none"/>'
        )
    for east in easts:
        x = (east - sheet.west_m) * 1000 / sheet.scale
        if 10 < x < WIDTH_MM - 95:  # The scale bar stands at the right.
            lines.append(_words(x, HEIGHT_MM - 1.0, f"{east:.0f}", 1.9, "#66736d", anchor="middle"))
    for north in norths:
        y = (sheet.north_m - north) * 1000 / sheet.scale
        if 8 < y < HEIGHT_MM - 10:
            lines.append(
                f'<g transform="translate(2.4,{y:.2f}) rotate(-90)">'
                f"{_words(0, 0, f'{north:.0f}', 1.9, '#66736d', anchor='middle')}</g>"
            )
    return lines


def _north_arrow() -> list[str]:
    """North of the grid; true north differs by the convergence, below a degree in Huzhou."""
    x, y = WIDTH_MM - 9.0, 6.5
    return [
        f'<path d="M{x},{y} l2.4,9 l-2.4,-2.2 l-2.4,2.2 Z" fill="#16211d"/>',
        _words(x, y - 1.2, "北", 3.4, "#16211d", anchor="middle"),
    ]


def _scale_bar(scale: int) -> list[str]:
    """Two black and two white parts of a round length."""
    part_m = next(
        length for length in (5, 10, 20, 50, 100, 200, 500)
        if 8 <= length * 1000 / scale <= 20.5
    )  # fmt: skip
    part_mm = part_m * 1000 / scale
    x, y = WIDTH_MM - 4 * part_mm - 7.0, HEIGHT_MM - 7.0
    lines = [
        f'<rect x="{x - 5:.2f}" y="{y - 4.4:.2f}" width="{4 * part_mm + 11:.2f}" height="10.6" '
        'fill="#fff" fill-opacity="0.88"/>'
    ]
    for number in range(4):
        fill = "#16211d" if number % 2 == 0 else "#fff"
        lines.append(
            f'<rect x="{x + number * part_mm:.3f}" y="{y:.2f}" width="{part_mm:.3f}" height="1.6" '
            f'fill="{fill}" stroke="#16211d" stroke-width="0.2"/>'
        )
    for number in range(0, 5, 2):
        unit = " m" if number == 4 else ""
        lines.append(
            _words(x + number * part_mm, y - 1.0, f"{number * part_m}{unit}", 2.3, "#16211d",
                   anchor="middle")
        )  # fmt: skip
    lines.append(_words(x + 2 * part_mm, y + 4.6, f"1:{scale:,}", 2.7, "#16211d", anchor="middle"))
    return lines

"""The map of a parcel on paper: true to its scale, with every corner, and nobody's name."""

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pypdf.generic import ContentStream
from shapely import MultiPolygon, Polygon
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, NotPermitted
from sinks.core.people import Party
from sinks.land import constraint_layers, parcel_map, parcel_outlines, parcels, rights
from tests import world

POINTS_PER_MM = 72 / 25.4


def crooked(corners: int = 90) -> MultiPolygon:
    """A parcel with many corners and a hole."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radii = 180 + 40 * np.sin(5 * angles)
    ring = np.column_stack([radii * np.cos(angles), 0.7 * radii * np.sin(angles)])
    hole = 25 * np.column_stack([np.cos(angles[::9]), np.sin(angles[::9])])
    place = np.array([world.EAST_M, world.NORTH_M])
    polygon = Polygon(ring + place, [hole + place])
    moved = shapely.transform(polygon, world.TO_4490.transform, interleaved=False)
    return MultiPolygon([moved])


def read(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def outline_on_paper_mm(page: pypdf.PageObject) -> float:
    """Length of the parcel's outline as a ruler on the paper would measure it.

    It is the one path of the page that is filled by the even-odd rule, for its holes.
    """
    matrices = [np.eye(3)]
    lines: list[list[Any]] = []
    found: list[float] = []
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        match operator:
            case b"q":
                matrices.append(matrices[-1])
            case b"Q":
                matrices.pop()
            case b"cm":
                a, b, c, d, e, f = map(float, operands)
                matrices[-1] = np.array([[a, b, 0], [c, d, 0], [e, f, 1]]) @ matrices[-1]
            case b"m":
                lines.append([np.array([*map(float, operands), 1.0]) @ matrices[-1]])
            case b"l":
                lines[-1].append(np.array([*map(float, operands), 1.0]) @ matrices[-1])
            case b"h":
                lines[-1].append(lines[-1][0])
            case b"B*":
                found.append(
                    sum(shapely.LineString(line).length for line in lines if len(line) > 1)
                )
                lines = []
            case b"n" | b"f" | b"S" | b"B":
                lines = []
    [length] = found
    return length / POINTS_PER_MM


def test_the_paper_is_true_to_its_scale_and_holds_every_corner(
    session: Session, people: dict[str, Actor]
) -> None:
    boundary = crooked()
    parcel_id = world.draft(session, people, boundary, declared_area_m2=90_000)
    found = parcel_map.values(session, people["officer"], parcel_id)
    paper = read(parcel_map.pdf(session, people["officer"], parcel_id))
    to_metric = pyproj.Transformer.from_crs(4490, 4549, always_xy=True)
    outline_m = shapely.transform(boundary, to_metric.transform, interleaved=False)
    on_paper_m = outline_on_paper_mm(paper.pages[0]) * found["scale"] / 1000
    assert on_paper_m == pytest.approx(outline_m.length, rel=0.005)
    text = "\n".join(page.extract_text() for page in paper.pages)
    code = parcels.locked(session, parcel_id).code
    assert code in text and f"1:{found['scale']:,}" in text
    assert len(found["corners"]) == 100 and found["labelled"] <= parcel_map.LABELS_MAX
    assert f"图上只标注 {found['labelled']} 个界址点" in text.replace("\n", "")
    flat = text.replace("\n", " ")
    for corner in found["corners"]:
        assert f"{corner.x_m:.3f}" in flat and f"{corner.longitude:.8f}" in flat
        assert f"{corner.y_zone_m:.3f}" in flat
    size = paper.pages[0].mediabox
    assert (float(size.width), float(size.height)) == pytest.approx((595.3, 841.9), abs=0.5)
    assert len(paper.pages) >= 2


def test_corners_are_numbered_clockwise_from_the_north_west_with_true_sides() -> None:
    boundary = world.land(0, 0, 300, 100)
    outline_m = parcel_map._metric(boundary)
    found = parcel_map.corners_of(boundary, outline_m)
    assert [corner.number for corner in found] == ["J1", "J2", "J3", "J4"]
    places = [(round(c.y_m - world.EAST_M), round(c.x_m - world.NORTH_M)) for c in found]
    assert places == [(0, 100), (300, 100), (300, 0), (0, 0)]
    # 32 km from the meridian the plane is 1.3e-5 longer than the ellipsoid.
    assert [corner.side_m for corner in found] == pytest.approx([300, 100, 300, 100], rel=2e-5)
    assert found[0].y_zone_m == found[0].y_m + 40_000_000
    # EPSG:4528 itself agrees.
    zone = pyproj.Transformer.from_crs(4490, 4528, always_xy=True)
    east, north = zone.transform(found[2].longitude, found[2].latitude)
    assert (found[2].y_zone_m, found[2].x_m) == pytest.approx((east, north), abs=0.001)


@given(st.floats(20, 5500), st.floats(20, 4000))
def test_the_scale_is_round_and_the_largest_that_fits(width_m: float, height_m: float) -> None:
    sheet = parcel_map.sheet_of((1000.0, 2000.0, 1000.0 + width_m, 2000.0 + height_m))
    corners = sheet.mm(np.array([[1000.0, 2000.0], [1000.0 + width_m, 2000.0 + height_m]]))
    margin = parcel_map.MARGIN_MM - 1e-6
    assert corners.min() >= margin
    assert corners[:, 0].max() <= parcel_map.WIDTH_MM - margin
    assert corners[:, 1].max() <= parcel_map.HEIGHT_MM - margin
    smaller = [one for one in parcel_map.SCALES if one < sheet.scale]
    if smaller:
        room = (parcel_map.WIDTH_MM - 2 * parcel_map.MARGIN_MM) * smaller[-1] / 1000
        high = (parcel_map.HEIGHT_MM - 2 * parcel_map.MARGIN_MM) * smaller[-1] / 1000
        assert width_m > room or height_m > high


def test_land_too_large_for_the_sheet_is_refused_in_words() -> None:
    with pytest.raises(Conflict, match="放不下") as refusal:
        parcel_map.sheet_of((0.0, 0.0, 9000.0, 100.0))
    assert refusal.value.code == "map_too_large"


def test_each_side_names_who_borders_it_and_nobody_across_the_valley(
    session: Session, people: dict[str, Actor]
) -> None:
    middle = world.draft(session, people, world.land(0, 0, 200, 200), name="中 00")
    world.draft(session, people, world.land(200, 0, 200, 200), name="东 01")
    world.draft(session, people, world.land(0, -190, 200, 180), name="南 02")
    world.draft(session, people, world.land(-300, 0, 100, 200), name="远 03")
    found = parcel_map.values(session, people["officer"], middle)["sides"]
    named = {side.word: [name for _, name in side.neighbours] for side in found}
    assert named == {"东": ["东 01"], "南": ["南 02"], "西": [], "北": []}


def test_where_no_parcel_lies_the_countys_shape_is_named_and_never_between_two_parcels(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    shapes = {
        "0001": world.land(0, 0, 200, 200), "0002": world.land(200, 0, 300, 200),
        "0003": world.land(-300, -50, 300, 300), "0004": world.land(0, 200, 200, 200),
    }  # fmt: skip
    path = tmp_path / "xb.geojson"
    features = [
        {"type": "Feature", "properties": {"XIAO_BAN": number},
         "geometry": json.loads(shapely.to_geojson(outline))}
        for number, outline in shapes.items()
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    constraint_layers.add(
        session, people["officer"], path, kind="compartment", name="小班", source="县局",
        as_of=date(2025, 1, 1), licence="内部", district_codes=["330523"],
    )  # fmt: skip
    middle = world.draft(session, people, world.land(0, 0, 200, 200), name="中 00")
    world.draft(session, people, world.land(200.4, 0, 200, 200), name="东 01")
    found = parcel_map.values(session, people["officer"], middle)
    named = {side.word: [" ".join(one).strip() for one in side.neighbours]
             for side in found["sides"]}  # fmt: skip
    assert [one.split()[-1] for one in named["东"]] == ["01"]
    assert named == {"东": named["东"], "西": ["县小班 0003"], "北": ["县小班 0004"], "南": []}
    assert "县小班 0003" in found["drawing"] and "县小班 0001" not in found["drawing"]


def test_no_holder_is_named_and_certificates_only_to_those_who_may_read_them(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    household = session.query(Party).filter(Party.name == world.HOUSEHOLD).one()
    rights.add(
        session, people["officer"], parcel_id=parcel_id, party_id=household.id, kind="management",
        certificate_kind="contract", certificate_no="流转-77",
    )  # fmt: skip
    text = "".join(
        page.extract_text()
        for page in read(parcel_map.pdf(session, people["officer"], parcel_id)).pages
    )
    assert "流转-77" in text and world.HOUSEHOLD not in text and world.VILLAGE not in text
    with pytest.raises(NotPermitted):
        parcel_map.pdf(session, people["court"], parcel_id)
    session.flush()
    db.act_as(session, None)
    assert parcel_map.values(session, people["auditor"], parcel_id)["certificates"] == []


def test_a_demonstration_says_so_on_every_page(session: Session, people: dict[str, Actor]) -> None:
    parcel = parcel_outlines.create(
        session, people["officer"], boundary=crooked(), sink_type="bamboo", name="演示",
        source_name="勾绘", demonstration=True,
    )  # fmt: skip
    paper = read(parcel_map.pdf(session, people["officer"], parcel.id))
    assert all("不具法律效力" in page.extract_text() for page in paper.pages)
    area_mu = geometry.area_m2(crooked()) * 15 / 10_000
    assert f"{area_mu:.2f} 亩" in paper.pages[0].extract_text()

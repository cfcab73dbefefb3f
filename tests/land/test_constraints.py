"""Constraint layers, what they bar, attributes, and parcels taken from the county's own shapes."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Polygon
from shapely.geometry import box
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.core import db, policies
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.crediting import openings
from sinks.land import (
    attributes,
    base_shapes,
    claims,
    constraint_layers,
    eligibility,
    marks,
    parcels,
)
from sinks.land.attributes import AttributeKind
from sinks.land.constraint_layers import ConstraintLayer, LayerKind
from sinks.land.eligibility import NotEligible, Step, Verdict
from tests import world

ANJI = "330523"


def geojson(path: Path, outlines: list[tuple[MultiPolygon, dict[str, Any]]]) -> Path:
    """A file of shapes with their attributes."""
    features = [
        {"type": "Feature", "properties": own, "geometry": json.loads(shapely.to_geojson(outline))}
        for outline, own in outlines
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def added(
    session: Session,
    people: dict[str, Actor],
    path: Path,
    kind: str,
    outlines: list[tuple[MultiPolygon, dict[str, Any]]],
    **other: Any,
) -> ConstraintLayer:
    facts: dict[str, Any] = {
        "name": "测试图层", "source": "安吉县林业局", "as_of": date(2025, 12, 31), "licence": "内部使用",
        "district_codes": [ANJI],
    }  # fmt: skip
    return constraint_layers.add(
        session, people["officer"], geojson(path, outlines), kind=kind, **(facts | other)
    )


def decide(session: Session, people: dict[str, Actor], key: str, value: str) -> None:
    row = policies.propose(
        session, people["registrar"], key=key, value=value, legal_basis="会议纪要"
    )
    policies.approve(session, people["registrar2"], row.id, valid_from=db.today(session))


def verdicts(session: Session, parcel_id: int) -> dict[str, Verdict]:
    return {one.code: one.verdict for one in eligibility.findings(session, [parcel_id])[parcel_id]}


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises((Invalid, Conflict, NotPermitted)) as refusal:
        call(*arguments, **named)
    return refusal.value.code


def test_a_county_without_a_layer_is_unchecked_and_never_nought(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.reviewed(session, people, world.land(0, 0, 200, 200))
    found = eligibility.findings(session, [parcel_id])[parcel_id]
    assert {one.verdict for one in found} == {Verdict.UNCHECKED}
    assert all("未导入，未核查" in one.message for one in found)
    # A layer of the neighbouring county does not check land here.
    added(session, people, tmp_path / "d.geojson", "basic_farmland",
          [(world.land(5000, 0, 100, 100), {})], district_codes=["330521"])  # fmt: skip
    assert verdicts(session, parcel_id)["basic_farmland"] == Verdict.UNCHECKED
    added(session, people, tmp_path / "a.geojson", "basic_farmland",
          [(world.land(5000, 0, 100, 100), {})])  # fmt: skip
    assert verdicts(session, parcel_id)["basic_farmland"] == Verdict.CLEAR


def test_a_shape_that_could_not_be_read_leaves_the_county_unchecked(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    lon, lat = world.TO_4490.transform(world.EAST_M, world.NORTH_M)
    bow = MultiPolygon(
        [Polygon([(lon, lat), (lon + 0.01, lat + 0.01), (lon + 0.01, lat), (lon, lat + 0.01)])]
    )
    layer = added(session, people, tmp_path / "b.geojson", "natural_forest",
                  [(world.land(5000, 0, 100, 100), {}), (bow, {})])  # fmt: skip
    assert len(layer.refused) == 1
    assert verdicts(session, parcel_id)["natural_forest"] == Verdict.UNCHECKED


def test_the_share_under_a_parcel_counts_overlapping_shapes_once(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    added(
        session, people, tmp_path / "g.geojson", "public_welfare_forest",
        [
            (world.land(-50, -50, 150, 300), {"小班号": "0012"}),
            (world.land(80, -50, 40, 300), {"小班号": "0013"}),
            (world.land(400, 0, 50, 50), {"小班号": "0014"}),
        ],
    )  # fmt: skip
    [one] = constraint_layers.under(session, [parcel_id])[parcel_id]
    # 0..100 and 80..120 of 200: 120 of 200 metres, the 20 they share counted once.
    assert one.share == pytest.approx(0.6, abs=1e-6)
    assert one.shared_m2 == pytest.approx(120 * 200, rel=5e-5)
    assert one.shape_nos == ("0012", "0013") and one.deep


def test_permanent_farmland_bars_a_forest_and_a_wetland_and_not_a_field(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    ids = {
        sink_type: world.reviewed(
            session, people, world.land(300 * n, 0, 200, 200), sink_type=sink_type
        )
        for n, sink_type in enumerate(("bamboo", "other", "wetland", "farmland", "tea"))
    }
    added(session, people, tmp_path / "f.geojson", "basic_farmland",
          [(world.land(-10, -10, 3000, 100), {})])  # fmt: skip
    for sink_type in ("bamboo", "other", "wetland"):
        with pytest.raises(NotEligible, match="基本农田保护条例第十七条") as refusal:
            claims.enrol(session, people["officer2"], ids[sink_type])
        assert refusal.value.code == "barred"
    claims.enrol(session, people["officer2"], ids["farmland"])
    assert refused(claims.enrol, session, people["officer2"], ids["tea"]) == "undecided"
    decide(session, people, "constraint.basic_farmland_tea", "allow")
    claims.enrol(session, people["officer2"], ids["tea"])


def test_public_forest_may_be_enrolled_and_is_credited_only_as_the_registrar_decided(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    added(session, people, tmp_path / "p.geojson", "public_welfare_forest",
          [(world.land(100, 0, 200, 200), {})])  # fmt: skip
    assert refused(eligibility.refuse, session, parcel_id, Step.CREDIT) == "undecided"
    decide(session, people, "constraint.public_welfare_forest", "refuse")
    assert refused(eligibility.refuse, session, parcel_id, Step.CREDIT) == "barred"


def test_the_registrars_leave_lets_it_through_and_is_named(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    added(session, people, tmp_path / "p.geojson", "public_welfare_forest",
          [(world.land(100, 0, 200, 200), {})])  # fmt: skip
    decide(session, people, "constraint.public_welfare_forest", "allow")
    eligibility.refuse(session, parcel_id, Step.CREDIT)
    [one] = [
        one for one in eligibility.findings(session, [parcel_id])[parcel_id]
        if one.code == "public_welfare_forest"
    ]  # fmt: skip
    assert one.verdict == Verdict.ALLOWED and "会议纪要" in one.message


def test_a_round_does_not_open_over_land_that_may_not_be_credited(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_ids = [world.enrolled(session, people, world.land(0, 0, 400, 400))]
    world.contracted(session, people, parcel_ids)
    world.policies_in_force(session, people, constraint__natural_forest="refuse")
    project_id = world.registered_project(session, people, parcel_ids)
    found = world.two_layers(session, people, tmp_path)
    added(session, people, tmp_path / "n.geojson", "natural_forest",
          [(world.land(0, 0, 100, 100), {})])  # fmt: skip
    with pytest.raises(NotEligible, match="天然林"):
        openings.by_layers(
            session, people["clerk"], project_id, layer_start_id=found.start_id,
            layer_end_id=found.end_id, facts=world.MANAGED,
        )  # fmt: skip


def test_a_sliver_within_accuracy_bars_nothing(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.reviewed(session, people, world.land(0, 0, 200, 200))
    added(session, people, tmp_path / "s.geojson", "basic_farmland",
          [(world.land(199.2, 0, 200, 200), {})])  # fmt: skip
    [one] = eligibility.findings(session, [parcel_id])[parcel_id][-1:]
    assert one.code == "basic_farmland" and one.verdict == Verdict.CLEAR
    assert one.under is not None and one.under.shared_m2 == pytest.approx(160, rel=1e-2)
    claims.enrol(session, people["officer2"], parcel_id)


def test_a_newer_layer_takes_the_place_and_the_older_is_kept(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    first = added(session, people, tmp_path / "1.geojson", "natural_forest",
                  [(world.land(0, 0, 200, 200), {})])  # fmt: skip
    again = [(world.land(0, 0, 200, 200), {})]
    assert refused(
        added, session, people, tmp_path / "1.geojson", "natural_forest", again
    ) == "already_imported"  # fmt: skip
    assert refused(
        added, session, people, tmp_path / "0.geojson", "natural_forest",
        [(world.land(0, 0, 10, 10), {})], as_of=date(2020, 1, 1),
    ) == "older"  # fmt: skip
    second = added(session, people, tmp_path / "2.geojson", "natural_forest",
                   [(world.land(900, 0, 200, 200), {})], as_of=date(2026, 1, 1))  # fmt: skip
    session.refresh(first)
    assert first.superseded_by_id == second.id and first.superseded_at is not None
    assert verdicts(session, parcel_id)["natural_forest"] == Verdict.CLEAR
    kept = session.execute(
        sa.text("SELECT count(*) FROM constraint_shape WHERE layer_id = :id"), {"id": first.id}
    )
    assert kept.scalar_one() == 1
    with pytest.raises(sa.exc.DBAPIError), session.begin_nested():
        session.execute(sa.text("DELETE FROM constraint_shape"))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"licence": " "}, "layer_described"), ({"source": ""}, "layer_described"),
        ({"kind": "golf"}, "layer_kind"), ({"district_codes": []}, "districts"),
        ({"district_codes": ["330100"]}, "districts"), ({"as_of": date(2999, 1, 1)}, "as_of"),
    ],
)  # fmt: skip
def test_a_layer_says_what_it_is_or_is_not_taken(
    session: Session, people: dict[str, Actor], tmp_path: Path, changed: dict[str, Any], code: str
) -> None:
    facts = {"kind": "natural_forest"} | changed
    kind = facts.pop("kind")
    assert refused(
        added, session, people, tmp_path / "x.geojson", kind, [(world.land(0, 0, 9, 9), {})], **facts
    ) == code  # fmt: skip


def test_names_of_holders_in_a_county_table_are_not_stored(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    own = {"XIAO_BAN": "0012", "LQ_QLR": world.HOUSEHOLD, "YOU_SHI_SZ": "毛竹", "权利人": "王小竹"}
    layer = added(session, people, tmp_path / "x.geojson", "compartment",
                  [(world.land(0, 0, 100, 100), own)])  # fmt: skip
    stored = session.execute(sa.text("SELECT attributes::text, shape_no FROM constraint_shape"))
    [(text, shape_no)] = stored.all()
    assert "毛竹" in text and "王小竹" not in text and shape_no == "0012"
    assert set(layer.fields_left_out) == {"LQ_QLR", "权利人"}
    db.act_as(session, None)
    assert session.execute(sa.text("SELECT count(*) FROM constraint_shape")).scalar_one() == 0


def test_of_ten_thousand_shapes_the_sixteen_below_a_parcel_answer_for_it(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    parcel_id = world.draft(session, people, world.land(3000, 3000, 400, 400))
    grid = [
        (world.land(100 * (n % 100), 100 * (n // 100), 100, 100), {"小班号": f"{n:05d}"})
        for n in range(10_000)
    ]
    layer = added(session, people, tmp_path / "k.geojson", "ecological_redline", grid)
    assert layer.shapes == 10_000
    read = sa.text(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
        " WHERE relname = 'constraint_shape'"
    )
    before = session.execute(read).scalar_one()
    [one] = constraint_layers.under(session, [parcel_id])[parcel_id]
    assert session.execute(read).scalar_one() - before < 100
    assert len(one.shape_ids) == 16 and one.share == pytest.approx(1.0, abs=1e-6)
    below = {f"{n:05d}" for n in range(10_000) if 30 <= n % 100 < 34 and 30 <= n // 100 < 34}
    assert set(one.shape_nos) == below


def filed(
    session: Session, actor: Actor, parcel_id: int, kind: str, value: dict[str, Any], **other: Any
) -> attributes.ParcelAttribute:
    facts: dict[str, Any] = {"valid_from": date(2025, 1, 1), "document_name": "证书.pdf",
                             "document": b"evidence"}  # fmt: skip
    return attributes.record(
        session, actor, parcel_id=parcel_id, kind=kind, value=value, **(facts | other)
    )


@pytest.mark.parametrize(
    ("code", "why"), [("0101", "水田不是湿地"), ("1104", "坑塘"), ("QH", "滨海")]
)
def test_paddy_and_pond_are_never_wetland(
    session: Session, people: dict[str, Actor], code: str, why: str
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200), sink_type="wetland")
    with pytest.raises(Invalid, match=why) as refusal:
        filed(session, people["officer"], parcel_id, "land_class", {"code": code})
    assert refusal.value.code == "not_wetland"


def test_land_whose_class_is_paddy_is_not_recorded_as_a_listed_wetland(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200), sink_type="farmland")
    row = filed(session, people["officer"], parcel_id, "land_class", {"code": "0101"})
    attributes.review(session, people["officer2"], row.id)
    assert refused(
        filed, session, people["officer"], parcel_id, "wetland",
        {"legal_wetland": True, "tier": "general", "list_no": "1"},
    ) == "not_wetland"  # fmt: skip


def test_a_wetland_is_credited_only_with_an_accepted_class(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200), sink_type="wetland")
    assert refused(eligibility.refuse, session, parcel_id, Step.CREDIT) == "undecided"
    row = filed(session, people["officer"], parcel_id, "land_class", {"code": "1106"})
    assert refused(eligibility.refuse, session, parcel_id, Step.CREDIT) == "undecided"
    assert refused(attributes.review, session, people["officer"], row.id) == "two_people"
    attributes.review(session, people["officer2"], row.id)
    eligibility.refuse(session, parcel_id, Step.CREDIT)


def test_the_tiers_of_the_wetland_law_and_its_thirteen_types() -> None:
    assert set(attributes.TIERS) == {"national", "provincial", "general"}
    assert len(attributes.WETLAND_TYPES) == 13
    assert {attributes.LAND_CLASSES[code].name for code in attributes.WETLAND_TYPES} == {
        "红树林地", "森林沼泽", "灌丛沼泽", "沼泽草地", "沿海滩涂", "内陆滩涂", "沼泽地", "河流水面",
        "湖泊水面", "水库水面", "坑塘水面", "沟渠", "浅海水域",
    }  # fmt: skip


def test_a_wetland_has_a_tier_and_the_number_of_its_list(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200), sink_type="wetland")
    officer = people["officer"]
    for value, code in (
        ({"tier": "general"}, "legal_wetland"),
        ({"legal_wetland": True, "tier": "regional", "list_no": "1"}, "tier"),
        ({"legal_wetland": True, "tier": "national", "list_no": ""}, "list_no"),
        ({"legal_wetland": False, "tier": "national"}, "tier"),
    ):
        assert refused(filed, session, officer, parcel_id, "wetland", value) == code
    row = filed(session, officer, parcel_id, "wetland",
                {"legal_wetland": True, "tier": "national", "list_no": "国家重要湿地名录 12"})  # fmt: skip
    assert row.value["tier"] == "national"


def test_a_tea_certificate_has_number_body_and_term_and_ends_the_one_before(
    session: Session, people: dict[str, Actor]
) -> None:
    bamboo = world.draft(session, people, world.land(0, 0, 200, 200))
    tea = world.draft(session, people, world.land(300, 0, 200, 200), sink_type="tea")
    officer, second = people["officer"], people["officer2"]
    value = {"number": "DTC-2025-001", "body": "杭州中农质量认证中心"}
    term = {"valid_to": date(2028, 1, 1)}
    kind = "tea_certification"
    assert refused(filed, session, officer, bamboo, kind, value, **term) == "not_tea"
    assert refused(filed, session, officer, tea, kind, value) == "term"
    assert refused(filed, session, officer, tea, kind, {"number": "1"}, **term) == "certification"
    first = filed(session, officer, tea, kind, value, **term)
    assert refused(filed, session, officer, tea, kind, value, **term) == "attribute_waiting"
    assert attributes.present(session, tea) == {}
    attributes.review(session, second, first.id)
    assert attributes.present(session, tea)[AttributeKind.TEA_CERTIFICATION].id == first.id
    renewed = filed(session, officer, tea, kind, value | {"number": "DTC-2026-009"},
                    valid_from=date(2026, 6, 1), valid_to=date(2029, 6, 1))  # fmt: skip
    attributes.review(session, second, renewed.id)
    assert first.valid_to == date(2026, 6, 1)
    before = attributes.present(session, tea, date(2026, 5, 31))
    assert before[AttributeKind.TEA_CERTIFICATION].id == first.id


def test_what_was_recorded_of_an_attribute_is_never_changed(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200), sink_type="farmland")
    row = filed(session, people["officer"], parcel_id, "land_class", {"code": "0101"})
    attributes.refuse(session, people["officer2"], row.id, "与三调图斑不符")
    assert attributes.present(session, parcel_id) == {}
    for change in ("refused_reason = '别的'", "reviewed_at = now(), refused_at = NULL"):
        with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
            session.execute(sa.text(f"UPDATE parcel_attribute SET {change} WHERE id = {row.id}"))
    with pytest.raises(sa.exc.ProgrammingError), session.begin_nested():
        session.execute(sa.text("UPDATE parcel_attribute SET value = '{}'"))


def wavy(seed: int) -> MultiPolygon:
    """An outline with many corners in Anji."""
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, 40))
    radii = random.uniform(120, 260, 40)
    ring = [
        (world.EAST_M + r * np.cos(a), world.NORTH_M + r * np.sin(a))
        for r, a in zip(radii, angles, strict=True)
    ]
    return world.to_4490(Polygon(ring))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-60, 60), st.floats(-60, 60), st.floats(0, 3.14))
def test_a_split_shares_its_line_and_adds_up(seed: int, dx: float, dy: float, turn: float) -> None:
    outline = wavy(seed)
    lon, lat = world.TO_4490.transform(world.EAST_M + dx, world.NORTH_M + dy)
    step = np.array([np.cos(turn), np.sin(turn)]) * 0.006
    line = LineString(
        [(lon - step[0], lat - step[1]), (lon + 1e-5, lat), (lon + step[0], lat + step[1])]
    )
    try:
        first, second = base_shapes.split(outline, line)
    except Invalid as refusal:
        assert refusal.code in ("split_line", "split_sliver")
        return
    whole_m2 = geometry.area_m2(outline)
    assert geometry.area_m2(first) + geometry.area_m2(second) == pytest.approx(whole_m2, abs=0.01)
    assert first.intersection(second).area == 0.0
    corners = set(shapely.get_coordinates(outline).view("c16").ravel())
    parts = [set(shapely.get_coordinates(part).view("c16").ravel()) for part in (first, second)]
    assert corners <= parts[0] | parts[1]
    # What is on both sides is the line itself: at least its two ends, and the corner drawn in it.
    assert len(parts[0] & parts[1]) >= 2
    shared = first.geoms[0].exterior.intersection(second.geoms[0].exterior)
    assert shared.length > 0


@pytest.mark.parametrize(
    "line",
    [
        [(0, 100), (100, 100)],  # Ends inside.
        [(-50, 300), (500, 300)],  # Passes by.
        [(-50, 100), (250, 100), (250, 50), (-50, 50)],  # Three parts.
    ],
)
def test_a_line_that_does_not_make_two_parts_is_refused(line: list[tuple[float, float]]) -> None:
    points = [world.TO_4490.transform(world.EAST_M + x, world.NORTH_M + y) for x, y in line]
    with pytest.raises(Invalid) as refusal:
        base_shapes.split(world.land(0, 0, 200, 200), LineString(points))
    assert refusal.value.code == "split_line"


def several() -> MultiPolygon:
    """A piece of 200 x 200 m with one of 50 x 50 m west of it and one east of it."""
    boxes = (world.land(0, 0, 200, 200), world.land(-100, 0, 50, 50), world.land(250, 0, 50, 50))
    return MultiPolygon([piece for one in boxes for piece in one.geoms])


def drawn(*points_m: tuple[float, float]) -> LineString:
    return LineString(
        [world.TO_4490.transform(world.EAST_M + x, world.NORTH_M + y) for x, y in points_m]
    )


def test_pieces_that_the_line_leaves_whole_go_to_its_side() -> None:
    west, east = base_shapes.split(several(), drawn((100, -20), (100, 220)))
    areas_m2 = [geometry.area_m2(part) for part in (west, east)]
    assert areas_m2 == pytest.approx([22_500, 22_500], rel=1e-3)
    assert sum(areas_m2) == pytest.approx(geometry.area_m2(several()), abs=0.01)
    assert (len(west.geoms), len(east.geoms)) == (2, 2) and shapely.intersection(
        west, east
    ).area == 0


def test_one_line_may_cut_two_pieces_and_one_that_would_be_on_both_sides_is_refused() -> None:
    north_south = base_shapes.split(several(), drawn((-120, 25), (320, 25)))
    assert sorted(len(part.geoms) for part in north_south) == [3, 3]
    for line in (drawn((-20, 25), (220, 25)), drawn((-20, 100), (100, 100), (100, 220), (-80, 20))):
        with pytest.raises(Invalid) as refusal:
            base_shapes.split(several(), line)
        assert refusal.value.code in ("split_parts", "split_line")
    with pytest.raises(Invalid) as refusal:
        base_shapes.split(several(), drawn((220, -20), (220, 220)))
    assert refusal.value.code == "split_line"


def compartments(session: Session, people: dict[str, Actor], path: Path) -> ConstraintLayer:
    return added(
        session, people, path / "xb.geojson", "compartment",
        [
            (world.land(200 * (n % 10), 200 * (n // 10), 200, 200),
             {"XIAO_BAN": f"{n:04d}", "YOU_SHI_SZ": "毛竹", "MIAN_JI": 4.0})
            for n in range(40)
        ],
        name="安吉县小班 2025",
    )  # fmt: skip


def test_a_shape_that_is_clicked_becomes_a_draft_exactly_as_the_county_drew_it(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    layer = compartments(session, people, tmp_path)
    lon, lat = world.TO_4490.transform(world.EAST_M + 250, world.NORTH_M + 250)
    shape_id = base_shapes.at_point(session, layer.id, lon, lat)
    assert shape_id is not None
    parcel = base_shapes.take(session, people["officer"], shape_id, sink_type="bamboo")
    version = parcels.present_version(session, parcel.id)
    assert parcel.name == "0011" and parcel.status == "draft"
    assert version.source_sha256 == layer.sha256 and version.source_row == 11
    assert version.declared_area_m2 == pytest.approx(40_000)
    shape = base_shapes.get(session, shape_id)
    assert version.geometry_sha256 == shape.geometry_sha256 and shape.taken_by == (parcel.code,)
    source = base_shapes.source_of(session, parcel.id)
    assert source is not None and source.attributes["YOU_SHI_SZ"] == "毛竹"


def test_both_halves_of_a_split_shape_lie_beside_each_other_and_may_be_enrolled(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    layer = compartments(session, people, tmp_path)
    points = [world.TO_4490.transform(world.EAST_M + x, world.NORTH_M + y)
              for x, y in ((90, -20), (110, 90), (95, 220))]  # fmt: skip
    [(shape_id, _)] = base_shapes.search(session, layer.id, "0000")
    line = base_shapes.line_of(points)
    made = [
        base_shapes.take(
            session, people["officer"], shape_id, sink_type="bamboo", part=part, line=line
        )
        for part in ("a", "b")
    ]
    assert [parcel.name for parcel in made] == ["0000（西部）", "0000（东部）"]
    assert all(marks.open_marks(session, parcel.id) == [] for parcel in made)
    areas = [parcels.present_version(session, parcel.id).area_m2 for parcel in made]
    whole = base_shapes.get(session, shape_id)
    assert sum(areas) == pytest.approx(whole.area_m2, abs=0.01) and len(whole.taken_by) == 2


def test_only_what_is_in_view_is_sent_and_it_says_when_there_is_more(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    layer = compartments(session, people, tmp_path)
    west, south, _, _ = base_shapes.extent(session, layer.id)
    found = base_shapes.in_view(session, layer.id, (west, south, west + 0.003, south + 0.003))
    assert 1 < len(found.features["features"]) < 40 and not found.more
    bounds = base_shapes.extent(session, layer.id)
    assert len(base_shapes.in_view(session, layer.id, bounds, limit=10).features["features"]) == 10
    assert base_shapes.in_view(session, layer.id, bounds, limit=10).more


def test_a_constraint_is_no_base_map(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    added(session, people, tmp_path / "r.geojson", "ecological_redline",
          [(world.to_4490(box(world.EAST_M, world.NORTH_M, world.EAST_M + 99, world.NORTH_M + 99)), {})])  # fmt: skip
    shape_id = session.execute(sa.text("SELECT max(id) FROM constraint_shape")).scalar_one()
    with pytest.raises(Exception, match="没有这个小班"):
        base_shapes.take(session, people["officer"], shape_id, sink_type="bamboo")
    assert (
        base_shapes.layers(session) == [] and LayerKind.COMPARTMENT in constraint_layers.BASE_MAPS
    )


def test_days_ahead_are_no_present(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200), sink_type="farmland")
    later = db.today(session) + timedelta(days=3)
    row = filed(session, people["officer"], parcel_id, "land_class", {"code": "0102"},
                valid_from=later)  # fmt: skip
    attributes.review(session, people["officer2"], row.id)
    assert attributes.present(session, parcel_id) == {}
    assert attributes.present(session, parcel_id, later)[AttributeKind.LAND_CLASS].id == row.id

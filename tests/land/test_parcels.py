"""Parcels, their life cycle, marks and rights."""

from decimal import Decimal

import pytest
from shapely import MultiPolygon, Polygon
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.land import claims, marks, parcel_list, parcel_outlines, parcels, rights
from sinks.land.parcels import NEXT, Parcel, Status
from tests import world


def ring(*points: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


@pytest.mark.parametrize(
    ("drawn", "code"),
    [
        (ring((119.6, 30.6), (119.61, 30.61), (119.61, 30.6), (119.6, 30.61), (119.6, 30.6)), "invalid"),
        (ring((10.0, 50.0), (10.01, 50.0), (10.01, 50.01), (10.0, 50.0)), "outside_districts"),
        (ring((30.6, 119.6), (30.6, 119.61), (30.61, 119.61), (30.6, 119.6)), "out_of_range"),
        ({"type": "Point", "coordinates": [119.6, 30.6]}, "not_an_area"),
    ],
)  # fmt: skip
def test_an_outline_that_is_no_land_of_huzhou_is_refused(
    drawn: dict[str, object], code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        parcel_outlines.parse_boundary(drawn)
    assert refusal.value.code == code


def test_the_area_is_ellipsoidal_not_projected(session: Session, people: dict[str, Actor]) -> None:
    # 400 m x 400 m on the Gauss-Krueger plane, 32 km from its meridian, is 1.3e-5 larger there
    # than on the ellipsoid (scale factor squared).
    parcel_id = world.draft(session, people, world.land(0, 0, 400, 400))
    area_m2 = parcels.present_version(session, parcel_id).area_m2
    scale = 1 + ((world.EAST_M + 200 - 500_000) ** 2) / (2 * 6_371_000**2)
    assert area_m2 == pytest.approx(160_000 / scale**2, rel=2e-6)


def test_a_certificate_that_differs_by_more_than_five_percent_keeps_the_parcel_out(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.reviewed(
        session, people, world.land(0, 0, 200, 200), declared_area_m2=40_000 * 1.06
    )
    with pytest.raises(Conflict) as refusal:
        claims.enrol(session, people["officer2"], parcel_id)
    assert refusal.value.code == "marked"
    [mark] = marks.open_marks(session, parcel_id)
    with pytest.raises(NotPermitted):
        marks.close_mark(session, people["officer"], mark.id, "现场复核")
    marks.close_mark(session, people["officer2"], mark.id, "现场复核，以图上面积为准")
    assert marks.open_marks(session, parcel_id) == []
    assert mark.closed_by_id == people["officer2"].person_id
    claims.enrol(session, people["officer2"], parcel_id)


def test_one_percent_is_no_obstacle(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = world.enrolled(
        session, people, world.land(0, 0, 200, 200), declared_area_m2=40_400.0
    )
    assert session.get_one(Parcel, parcel_id).status == Status.ENROLLED
    assert marks.open_marks(session, parcel_id) == []


def test_redrawing_keeps_the_old_outline_and_closes_its_marks_on_both_sides(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.draft(session, people, world.land(0, 0, 200, 200))
    second = world.draft(session, people, world.land(100, 0, 200, 200))
    before = parcels.present_version(session, second)
    parcel_outlines.redraw(
        session, people["officer"], second, boundary=world.land(200, 0, 200, 200)
    )
    assert marks.open_marks(session, first) == marks.open_marks(session, second) == []
    assert before.valid_to is not None
    after = parcels.present_version(session, second)
    assert after.geometry_sha256 != before.geometry_sha256


def test_an_enrolled_parcel_is_not_redrawn(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    with pytest.raises(Conflict):
        parcel_outlines.redraw(
            session, people["officer"], parcel_id, boundary=world.land(0, 0, 300, 200)
        )


def test_who_drew_or_entered_the_rights_does_not_review_them(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    parcels.submit(session, people["officer"], parcel_id)
    with pytest.raises(NotPermitted):
        rights.review(session, people["officer"], parcel_id)
    rights.review(session, people["officer2"], parcel_id)


def test_shares_of_one_kind_never_exceed_the_whole(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    with pytest.raises(Conflict) as refusal:
        rights.add(
            session, people["officer"], parcel_id=parcel_id, party_id=world.village_id(session),
            kind="land_use", certificate_kind="forest_right", certificate_no="安林证字（2010）第1号",
            share=Decimal("0.00000001"),
        )  # fmt: skip
    assert refusal.value.code == "shares"


def test_a_parcel_without_papers_is_not_accepted(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel = parcel_outlines.create(
        session, people["officer"], boundary=world.land(0, 0, 200, 200), sink_type="bamboo",
        name="x", source_name="勾绘",
    )  # fmt: skip
    parcels.submit(session, people["officer"], parcel.id)
    with pytest.raises(Conflict) as refusal:
        rights.review(session, people["officer2"], parcel.id)
    assert refusal.value.code == "no_rights"


def test_every_step_that_is_not_in_the_table_is_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    for to in Status:
        if to not in NEXT[Status.DRAFT]:
            with pytest.raises(Conflict):
                parcels.step(session, people["officer"], parcel_id, to)


def test_a_search_takes_wildcards_literally(session: Session, people: dict[str, Actor]) -> None:
    world.draft(session, people, world.land(0, 0, 200, 200), name="百分之%")
    world.draft(session, people, world.land(300, 0, 200, 200), name="其他")
    assert [row.name for row in parcel_list.rows(session, search="%")] == ["百分之%"]
    assert parcel_list.rows(session, search="'; DROP TABLE parcel; --") == []


def test_the_outline_is_kept_as_drawn_to_the_last_bit(
    session: Session, people: dict[str, Actor]
) -> None:
    outline = MultiPolygon(
        [Polygon([(119.6123456, 30.6123456), (119.6143456, 30.6123456), (119.6143456, 30.6143456)])]
    )
    parcel_id = world.draft(session, people, outline)
    version = parcels.present_version(session, parcel_id)
    session.expire(version)
    assert parcels.boundary_of(version).equals_exact(outline, 0.0)


def test_holders_and_certificates_are_found_and_the_public_finds_none(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    for wanted in (world.VILLAGE[:3], "0012345"):
        assert [row.id for row in parcel_list.rows(session, search=wanted)] == [parcel_id]
    db.act_as(session, None)
    assert parcel_list.rows(session, search="0012345") == []


def test_a_suspended_parcel_is_resumed_in_the_state_it_had(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [parcel_id])
    parcels.suspend(session, people["officer"], parcel_id, "争议")
    parcels.resume(session, people["officer"], parcel_id, "争议已解决")
    assert parcels.locked(session, parcel_id).status == Status.UNDER_CONTRACT
    with pytest.raises(Conflict):
        parcels.resume(session, people["officer"], parcel_id, "再来一次")


def test_who_redrew_the_outline_does_not_review_it_and_the_declared_area_stays(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200), declared_area_m2=40_000.0)
    with pytest.raises(Conflict) as refusal:
        parcel_outlines.redraw(
            session, people["officer2"], parcel_id, boundary=world.land(0, 0, 260, 200),
            declared_area_m2=52_000.0,
        )  # fmt: skip
    assert refusal.value.code == "declared_area_fixed"
    parcel_outlines.redraw(
        session, people["officer2"], parcel_id, boundary=world.land(0, 0, 260, 200)
    )
    [mark] = marks.open_marks(session, parcel_id)
    assert mark.code == "declared_area"
    with pytest.raises(NotPermitted):
        marks.close_mark(session, people["officer2"], mark.id, "我画的没错")
    parcels.submit(session, people["officer2"], parcel_id)
    with pytest.raises(NotPermitted):
        rights.review(session, people["officer2"], parcel_id)


def test_land_just_beyond_the_line_belongs_to_the_county_beside_it(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.draft(session, people, world.land(0, 60_000, 100, 100))
    assert session.get_one(parcels.Parcel, parcel_id).district_code == "330522"
    assert [mark.code for mark in marks.open_marks(session, parcel_id)] == ["near_outside"]

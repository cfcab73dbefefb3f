"""Splits and merges: the children cover the parent, and nothing is claimed that was not before."""

import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Polygon
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.land import claims, land_audit, marks, overlap_cases, parcels, rights, succession
from tests import world


def line(*points_m: tuple[float, float]) -> LineString:
    """A line in metres from the corner, in EPSG:4490."""
    return LineString(
        [world.TO_4490.transform(world.EAST_M + x, world.NORTH_M + y) for x, y in points_m]
    )


def halves(session: Session, parcel_id: int, at_m: float = 200) -> list[MultiPolygon]:
    outline = parcels.boundary_of(parcels.present_version(session, parcel_id))
    return succession.cut(outline, line((at_m, -50), (at_m, 450)))


def test_a_cut_gives_pieces_that_share_the_line_and_add_up() -> None:
    outline = world.land(0, 0, 400, 400)
    pieces = succession.cut(outline, line((150, -10), (160, 200), (150, 410)))
    assert len(pieces) == 2
    whole = geometry.area_m2(outline)
    assert sum(map(geometry.area_m2, pieces)) == pytest.approx(whole, rel=1e-5)
    assert shapely.intersection(*pieces).area == 0.0
    assert shapely.intersection(*pieces).length == pytest.approx(
        shapely.intersection(outline, line((150, -10), (160, 200), (150, 410))).length
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-50, 450), st.floats(20, 380)), min_size=1, max_size=3,
             unique_by=lambda point: round(point[1])),
    st.floats(10, 390), st.floats(10, 390),
)  # fmt: skip
def test_whatever_the_line_the_pieces_add_up_and_do_not_overlap(
    bends: list[tuple[float, float]], start: float, end: float
) -> None:
    ring = world.land(0, 0, 400, 400).geoms[0].exterior
    hole = world.land(180, 180, 60, 60).geoms[0].exterior
    outline = MultiPolygon([Polygon(ring, [hole])])
    drawn = line((start, -60), *sorted(bends, key=lambda point: point[1]), (end, 460))
    pieces = succession.cut(outline, drawn)
    assert sum(map(geometry.area_m2, pieces)) == pytest.approx(geometry.area_m2(outline), rel=1e-5)
    apart = shapely.symmetric_difference(shapely.union_all(pieces), outline)
    assert apart.area <= 1e-9 * outline.area


def test_a_line_that_does_not_go_through_is_refused() -> None:
    with pytest.raises(Invalid, match="穿到另一侧"):
        succession.cut(world.land(0, 0, 400, 400), line((100, -10), (100, 200)))


def test_children_stand_where_the_parent_stood_and_wait_for_a_second_officer(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400))
    before = session.get_one(claims.LandClaim, parent).starts_on
    row = succession.split(
        session, people["officer"], parent, halves(session, parent), reason="分户"
    )
    succession.settle(session)
    children = succession.of_side(session, row.id, "child")
    assert session.get_one(parcels.Parcel, parent).status == "withdrawn"
    for child in children:
        assert session.get_one(parcels.Parcel, child).status == "enrolled"
        assert session.get_one(claims.LandClaim, child).starts_on == before
        [(right, _)] = rights.of_parcel(session, child)
        assert right.reviewed_at is None and right.certificate_no.startswith("浙（2023）")
        assert marks.doubts(session, child)
    with pytest.raises(NotPermitted):
        succession.review(session, people["officer"], row.id)
    succession.review(session, people["officer2"], row.id)
    assert [marks.doubts(session, child) for child in children] == [[], []]
    assert all(
        right.reviewed_at for child in children for right, _ in rights.of_parcel(session, child)
    )
    assert land_audit.double_counted_m2(session) < 1.0
    assert {kin.parcel_id for kin in succession.children(session, parent)} == set(children)


def test_a_child_can_be_suspended_and_resumed(session: Session, people: dict[str, Actor]) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400))
    row = succession.split(
        session, people["officer"], parent, halves(session, parent), reason="分户"
    )
    child = succession.of_side(session, row.id, "child")[0]
    parcels.suspend(session, people["officer"], child, "受灾")
    parcels.resume(session, people["officer"], child, "恢复")
    assert session.get_one(parcels.Parcel, child).status == "enrolled"


def test_a_merge_undoes_a_split(session: Session, people: dict[str, Actor]) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400))
    whole = parcels.boundary_of(parcels.present_version(session, parent))
    row = succession.split(
        session, people["officer"], parent, halves(session, parent), reason="分户"
    )
    children = succession.of_side(session, row.id, "child")
    with pytest.raises(marks.InDoubt):
        succession.merge(session, people["officer"], children, reason="并回", name="01-001")
    succession.review(session, people["officer2"], row.id)
    again = succession.merge(session, people["officer"], children, reason="并回", name="01-001")
    succession.settle(session)
    [merged] = succession.of_side(session, again.id, "child")
    outline = parcels.boundary_of(parcels.present_version(session, merged))
    assert outline.symmetric_difference(whole).area < 1e-9 * whole.area
    assert session.get_one(parcels.Parcel, merged).status == "enrolled"


def test_holders_that_differ_are_not_merged(session: Session, people: dict[str, Actor]) -> None:
    first = world.enrolled(session, people, world.land(0, 0, 200, 200))
    second = world.draft(session, people, world.land(200, 0, 200, 200))
    with pytest.raises(succession.Unlike, match="状态不同"):
        succession.merge(session, people["officer"], [first, second], reason="x", name="合")
    other = world.enrolled(session, people, world.land(400, 0, 200, 200))
    session.execute(
        text("UPDATE parcel_right SET share = 0.5 WHERE parcel_id = :other"), {"other": other}
    )
    session.expire_all()
    with pytest.raises(succession.Unlike, match="权利人或份额不同"):
        succession.merge(session, people["officer"], [first, other], reason="x", name="合")


def test_pieces_below_one_mu_or_beside_the_parent_are_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = world.enrolled(session, people, world.land(0, 0, 400, 400))
    with pytest.raises(Conflict) as refusal:
        succession.split(
            session, people["officer"], parent, halves(session, parent, at_m=1.2), reason="x"
        )
    assert refusal.value.code in ("too_small", "too_thin", "marked")
    assert session.get_one(parcels.Parcel, parent).status == "enrolled"  # Nothing half done.


def test_a_suspended_or_disputed_parcel_is_not_split(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.enrolled(session, people, world.land(0, 0, 400, 400))
    later = world.reviewed(session, people, world.land(300, 0, 400, 400))
    overlap_cases.open_for(session, people["officer2"], later)
    with pytest.raises(marks.InDoubt):
        succession.split(session, people["officer"], first, halves(session, first), reason="x")
    parcels.suspend(session, people["officer"], first, "争议")
    with pytest.raises(Conflict, match="暂停"):
        succession.split(session, people["officer"], first, halves(session, first), reason="x")


CHEATS = {
    "a strip is left out": lambda: [world.land(5_000, 0, 190, 400), world.land(5_200, 0, 200, 400)],
    "more than the parent": lambda: [
        world.land(5_000, 0, 200, 400),
        world.land(5_200, 0, 220, 400),
    ],
    "one over the other": lambda: [world.land(5_000, 0, 200, 400), world.land(5_150, 0, 250, 400)],
}


@pytest.fixture(scope="module")
def committed_parent(engine: sa.Engine, people: dict[str, Actor]) -> int:
    with db.transaction(people["officer"], bind=engine) as session:
        return world.reviewed(session, people, world.land(5_000, 0, 400, 400))


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_is_caught_at_commit(
    engine: sa.Engine, people: dict[str, Actor], committed_parent: int, cheat: str
) -> None:
    """Drafts claim nothing, so only the check at COMMIT stands in the way."""
    with (
        pytest.raises(sa.exc.IntegrityError, match="do not cover"),
        db.transaction(people["officer"], bind=engine) as session,
    ):
        succession.split(session, people["officer"], committed_parent, CHEATS[cheat](), reason="x")
    with db.transaction(bind=engine) as session:
        assert session.get_one(parcels.Parcel, committed_parent).status == "rights_reviewed"


def test_a_parent_that_stays_is_caught_at_commit(
    engine: sa.Engine, people: dict[str, Actor], committed_parent: int
) -> None:
    with (
        pytest.raises(sa.exc.IntegrityError, match="still stands"),
        db.transaction(people["officer"], bind=engine) as session,
    ):
        succession.split(
            session, people["officer"], committed_parent,
            [world.land(5_000, 0, 200, 400), world.land(5_200, 0, 200, 400)], reason="x",
        )  # fmt: skip
        session.execute(
            text("UPDATE parcel SET status = 'rights_reviewed' WHERE id = :id"),
            {"id": committed_parent},
        )


def test_a_parcel_that_left_before_has_no_children(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"], bind=engine) as session:
        gone = world.draft(session, people, world.land(6_000, 0, 400, 400))
        version_id = parcels.present_version(session, gone).id
        claims.withdraw(session, people["officer"], gone, "退出")
    with (
        pytest.raises(sa.exc.IntegrityError, match="left already"),
        db.transaction(people["officer"], bind=engine) as session,
    ):
        row = succession.Succession(kind="split", reason="x", person_id=people["officer"].person_id)
        session.add(row)
        session.flush()
        session.add(
            succession.SuccessionParcel(
                succession_id=row.id, parcel_id=gone, version_id=version_id, side="parent"
            )
        )
        session.flush()

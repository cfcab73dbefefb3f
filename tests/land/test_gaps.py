"""A gap to a neighbour is asked about, and the outline that would close it is offered."""

import pytest
import shapely
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.land import gaps, parcel_outlines, parcels
from tests import world


def test_a_gap_of_half_a_metre_is_found_and_closed_to_the_earlier_boundary(
    session: Session, people: dict[str, Actor]
) -> None:
    first = world.enrolled(session, people, world.land(0, 0, 200, 200))
    later = world.draft(session, people, world.land(200.5, 0, 200, 200))
    [gap] = gaps.gaps(session, later)
    assert gap.parcel_id == first
    assert gap.length_m == pytest.approx(200, rel=0.01)
    assert gap.area_m2 == pytest.approx(100, rel=0.01)
    parcel_outlines.redraw(session, people["officer"], later, boundary=gap.snapped)
    assert gaps.gaps(session, later) == []
    before = parcels.boundary_of(parcels.present_version(session, first))
    after = parcels.boundary_of(parcels.present_version(session, later))
    assert shapely.intersection(before, after).area < 1e-13  # In square degrees: no overlap.


@pytest.mark.parametrize(("apart_m", "height_m"), [(0.0, 200), (1.5, 200), (0.5, 15)])
def test_touching_far_and_short_is_no_gap(
    session: Session, people: dict[str, Actor], apart_m: float, height_m: float
) -> None:
    world.enrolled(session, people, world.land(0, 0, 200, 200))
    later = world.draft(session, people, world.land(200 + apart_m, 0, 200, height_m))
    assert gaps.gaps(session, later) == []

"""Random lives of land: whatever the order of steps, no land is counted twice and nothing is lost.

A small area, many steps; after each of them the claims are counted by shapely, outside the database.
"""

import itertools
from datetime import date
from typing import ClassVar

import shapely
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from shapely import LineString
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.cooperative import land_changes, parcel_history
from sinks.core import audit, db
from sinks.core.errors import Conflict, Invalid
from sinks.core.people import Party
from sinks.land import (
    claims,
    marks,
    overlap_cases,
    parcel_outlines,
    parcels,
    rights,
    succession,
    transfers,
)
from sinks.land.claims import LandClaim
from sinks.land.parcels import Parcel, Status
from tests import world

# On a grid of 40 m, so that neighbours touch, overlap, and repeat one another.
CORNER = st.integers(0, 6).map(lambda step: 40.0 * step)
SIZE = st.integers(2, 5).map(lambda step: 40.0 * step)
PICK = st.integers(0, 1_000)
SHARED_M2_MAX = 0.05  # Of two outlines that touch: rounding of coordinates.


class LandStates(RuleBasedStateMachine):
    engine: sa.Engine
    people: dict
    done: ClassVar[set[str]] = set()  # What the audit says of the parcels of every run.

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint")
        db.act_as(self.session, self.people["registrar"])
        self.ids: list[int] = []

    def teardown(self) -> None:
        self.session.close()
        self.outer.rollback()
        self.connection.close()

    def of_status(self, *statuses: Status) -> list[int]:
        return [
            one for one in self.ids
            if self.session.get_one(Parcel, one).status in statuses
        ]  # fmt: skip

    def pick(self, number: int, *statuses: Status) -> int | None:
        found = self.of_status(*statuses)
        return found[number % len(found)] if found else None

    @rule(x=CORNER, y=CORNER, width=SIZE, height=SIZE)
    def draw(self, x: float, y: float, width: float, height: float) -> None:
        if len(self.ids) < 14:
            self.ids.append(
                world.reviewed(self.session, self.people, world.land(x, y, width, height))
            )

    @rule(number=PICK)
    def enrol(self, number: int) -> None:
        parcel_id = self.pick(number, Status.RIGHTS_REVIEWED)
        if parcel_id is None:
            return
        doubtful = bool(marks.doubts(self.session, parcel_id))
        try:
            claims.enrol(self.session, self.people["officer2"], parcel_id)
            assert not doubtful
        except claims.NeedsDecision:
            overlap_cases.open_for(self.session, self.people["officer2"], parcel_id)
        except marks.InDoubt:
            assert doubtful

    @rule(number=PICK, outcome=PICK)
    def settle_a_case(self, number: int, outcome: int) -> None:
        cases = [row for row, _ in overlap_cases.listing(self.session, open_only=True)]
        if cases:
            case = cases[number % len(cases)]
            may = overlap_cases.OUTCOMES[case.kind]
            overlap_cases.propose(
                self.session, self.people["officer"], case.id, outcome=may[outcome % len(may)],
                reason="x",
            )  # fmt: skip
            overlap_cases.decide(
                self.session, self.people["registrar"], case.id, accept=True, reason="x"
            )

    @rule(number=PICK, x=CORNER, y=CORNER, size=SIZE)
    def redraw(self, number: int, x: float, y: float, size: float) -> None:
        parcel_id = self.pick(number, Status.DRAFT)
        if parcel_id is not None:
            parcel_outlines.redraw(
                self.session,
                self.people["officer"],
                parcel_id,
                boundary=world.land(x, y, size, size),
            )
            parcels.submit(self.session, self.people["officer"], parcel_id)
            rights.review(self.session, self.people["officer2"], parcel_id)

    @rule(number=PICK, at=st.floats(0.1, 0.9))
    def split(self, number: int, at: float) -> None:
        parcel_id = self.pick(number, Status.ENROLLED, Status.RIGHTS_REVIEWED)
        if parcel_id is None:
            return
        outline = parcels.boundary_of(parcels.present_version(self.session, parcel_id))
        west, south, east, north = outline.bounds
        x = west + at * (east - west)
        try:
            pieces = succession.cut(outline, LineString([(x, south - 1e-3), (x, north + 1e-3)]))
            with self.session.begin_nested():
                row = land_changes.split(
                    self.session, self.people["officer"], parcel_id, pieces, reason="x"
                )
        except (Conflict, Invalid):
            return
        self.successors(row)

    @rule(first=PICK, second=PICK)
    def merge(self, first: int, second: int) -> None:
        ids = {self.pick(first, Status.ENROLLED), self.pick(second, Status.ENROLLED)} - {None}
        if len(ids) == 2:
            try:
                with self.session.begin_nested():
                    row = land_changes.merge(
                        self.session, self.people["officer"], sorted(ids), reason="x", name="合"
                    )
            except (Conflict, Invalid):  # Not neighbours, or hardly touching: said in words.
                return
            self.successors(row)

    def successors(self, row: succession.Succession) -> None:
        """Areas of the children are those of the parents."""
        children = succession.of_side(self.session, row.id, "child")
        self.ids += children
        areas = [
            sum(parcels.present_version(self.session, one).area_m2 for one in side)
            for side in (succession.of_side(self.session, row.id, "parent"), children)
        ]
        assert abs(areas[0] - areas[1]) <= max(1.0, 1e-4 * areas[0])

    @rule(number=PICK)
    def review_successors(self, number: int) -> None:
        waiting = succession.awaiting_review(self.session)
        if waiting:
            row = waiting[number % len(waiting)]
            land_changes.review(self.session, self.people["officer2"], row.id)

    @rule(number=PICK)
    def withdraw(self, number: int) -> None:
        parcel_id = self.pick(number, Status.ENROLLED, Status.SUSPENDED, Status.RIGHTS_REVIEWED)
        if parcel_id is not None:
            claims.withdraw(self.session, self.people["officer"], parcel_id, "x")

    @rule(number=PICK)
    def transfer(self, number: int) -> None:
        parcel_id = self.pick(number, Status.ENROLLED)
        held = rights.of_parcel(self.session, parcel_id) if parcel_id else []
        if held and held[0][0].reviewed_at:
            names = {world.HOUSEHOLD, world.VILLAGE} - {held[0][1].name}
            party_id = self.session.scalars(
                sa.select(Party.id).where(Party.name == names.pop())
            ).one()
            row = transfers.propose(
                self.session, self.people["officer"], right_id=held[0][0].id, party_id=party_id,
                certificate_kind="contract", certificate_no="流转 1", reason="x",
                transferred_on=date(2026, 1, 1),
            )  # fmt: skip
            land_changes.accept_transfer(self.session, self.people["officer2"], row.id)

    @rule(number=PICK, years=st.integers(1, 5))
    def cover(self, number: int, years: int) -> None:
        parcel_id = self.pick(number, Status.ENROLLED)
        if parcel_id is not None:
            try:
                claims.cover(
                    self.session, self.people["clerk"], parcel_id, date(2026 - years, 1, 1)
                )
            except Conflict:
                return

    @invariant()
    def no_land_is_claimed_twice_for_a_day(self) -> None:
        self.session.expire_all()
        held = [
            (
                claim,
                parcels.boundary_of(self.session.get_one(parcels.ParcelVersion, claim.version_id)),
            )
            for claim in self.session.scalars(sa.select(LandClaim))
            if claim.parcel_id in self.ids and claim.ends_on != claim.starts_on
        ]
        for (one, mine), (other, theirs) in itertools.combinations(held, 2):
            days_meet = (one.ends_on is None or other.starts_on < one.ends_on) and (
                other.ends_on is None or one.starts_on < other.ends_on
            )
            shared = shapely.intersection(mine, theirs)
            if days_meet and shared.area > 0:
                assert geometry.area_m2(_areal(shared)) < SHARED_M2_MAX, (one, other)

    @invariant()
    def claims_and_steps_agree(self) -> None:
        for parcel_id in self.ids:
            status = self.session.get_one(Parcel, parcel_id).status
            claim = self.session.get(LandClaim, parcel_id)
            assert (status in parcels.CLAIMING) == (claim is not None and claim.ends_on is None)

    @precondition(lambda self: self.ids)
    @invariant()
    def the_history_begins_with_the_outline_and_has_every_version(self) -> None:
        parcel_id = self.ids[-1]
        told = parcel_history.history(self.session, parcel_id, names=True)
        versions = self.session.scalar(
            sa.select(sa.func.count()).where(parcels.ParcelVersion.parcel_id == parcel_id)
        )
        assert sum(event.kind == "outline" for event in told) == versions
        assert told[0].kind in ("outline", "succession")
        status = Status(self.session.get_one(Parcel, parcel_id).status)
        assert status == Status.DRAFT or any(
            event.kind == "step" and event.text.startswith(parcels.STATUS_ZH[status])
            for event in told
        )

    @invariant()
    def every_parcel_has_its_beginning_in_the_audit(self) -> None:
        for parcel_id in self.ids:
            actions = {event.action for event in audit.history(self.session, f"parcel:{parcel_id}")}
            assert "parcel.create" in actions
            self.done.update(actions)

    @invariant()
    def the_database_and_the_words_agree_on_what_is_in_doubt(self) -> None:
        for parcel_id in self.ids:
            held = self.session.scalar(sa.text("SELECT land_in_doubt(:id)"), {"id": parcel_id})
            assert held == bool(marks.doubts(self.session, parcel_id))


def _areal(shape: shapely.Geometry) -> shapely.Geometry:
    parts = [one for one in shapely.get_parts(shape) if one.geom_type == "Polygon"]
    return geometry.as_multipolygon(shapely.union_all(parts)) if parts else shapely.MultiPolygon()


def test_no_order_of_steps_counts_land_twice(
    shared_engine: sa.Engine, people: dict, data_dir: object
) -> None:
    LandStates.engine, LandStates.people = shared_engine, people
    run_state_machine_as_test(
        LandStates,
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert LandStates.done >= {"parcel.create", "parcel.enrolled", "parcel.withdrawn"}

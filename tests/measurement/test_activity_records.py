"""Two people who write the same record at one instant: one stands, the other is told."""

import threading

import pytest
import sqlalchemy as sa

from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.measurement import activity_records
from tests import world


@pytest.mark.parametrize("correcting", [False, True])
def test_of_two_who_write_the_same_record_one_waits_and_reads_a_sentence(
    engine: sa.Engine, people: dict[str, Actor], correcting: bool
) -> None:
    year = 2023 if correcting else 2022
    with db.transaction(people["registrar"]) as session:
        outline = world.land(0, 600 * correcting, 200, 200)
        parcel_id = world.enrolled(session, people, outline, sink_type="farmland")
        if correcting:
            world.paddy_season(session, {"clerk": people["officer"]}, parcel_id, year)
    refused: list[str] = []

    def second() -> None:
        try:
            with db.transaction(people["officer2"]) as other:
                world.paddy_season(
                    other, {"clerk": people["officer2"]}, parcel_id, year, correcting=correcting
                )
        except Conflict as refusal:
            refused.append(refusal.code)

    thread = threading.Thread(target=second)
    with db.transaction(people["officer"]) as session:
        world.paddy_season(
            session, {"clerk": people["officer"]}, parcel_id, year, correcting=correcting
        )
        thread.start()
        world.wait_until_blocked(engine)
    thread.join()
    assert refused == ["record_held"]
    with db.transaction(people["officer"]) as session:
        assert len(activity_records.standing(session, [parcel_id], "paddy_season")) == 1

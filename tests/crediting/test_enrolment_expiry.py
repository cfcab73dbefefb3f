"""An enrolment that nothing is built on ends; a proven one does not."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from sinks.core import db, policies
from sinks.core.actor import Actor
from sinks.core.cluster import Cluster
from sinks.core.errors import NotPermitted
from sinks.crediting import enrolment_expiry
from sinks.land import claims, parcels
from tests import world


def test_without_the_policy_nothing_expires(session: Session, people: dict[str, Actor]) -> None:
    world.enrolled(session, people, world.land(0, 0, 200, 200))
    assert enrolment_expiry.unproven(session) == []
    with pytest.raises(policies.PolicyMissing):
        enrolment_expiry.expire(session, people["officer"])


def test_those_about_to_expire_are_listed_before(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, enrolment_expiry_days=30)
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    [item] = enrolment_expiry.unproven(session)
    assert item.parcel_id == parcel_id
    assert (item.expires_on - item.enrolled_on).days == 30
    assert enrolment_expiry.expire(session, people["officer"]) == []
    with pytest.raises(NotPermitted):
        enrolment_expiry.expire(session, people["clerk"])


@pytest.fixture
def a_month_later(engine: sa.Engine, cluster: Cluster, people: dict[str, Actor]) -> dict[str, int]:
    """Four parcels that were enrolled 31 days ago: idle, under contract, suspended, and enrolled
    anew yesterday. Only the superuser can move a day in the log."""
    with db.transaction(people["officer"], bind=engine) as session:
        world.policies_in_force(session, people, enrolment_expiry_days=30)
        found = {
            name: world.enrolled(session, people, world.land(300 * n, 0, 200, 200))
            for n, name in enumerate(("idle", "contract", "suspended", "fresh"))
        }
        db.act_as(session, people["clerk"])
        world.contracted(session, people, [found["contract"]])
        parcels.suspend(session, people["officer"], found["suspended"], "争议")
    old = ",".join(f"'parcel:{parcel_id}'" for name, parcel_id in found.items() if name != "fresh")
    name = engine.url.database
    cluster.sql(
        name,
        "ALTER TABLE audit_event DISABLE TRIGGER append_only;"
        f"UPDATE audit_event SET at = at - interval '31 days' WHERE subject IN ({old});"
        "ALTER TABLE audit_event ENABLE TRIGGER append_only;",
    )
    return found


def test_only_idle_land_is_set_free_and_can_be_enrolled_again(
    engine: sa.Engine, people: dict[str, Actor], a_month_later: dict[str, int]
) -> None:
    with db.transaction(people["officer"], bind=engine) as session:
        ended = enrolment_expiry.expire(session, people["officer"])
        assert [item.parcel_id for item in ended] == [a_month_later["idle"]]
    with db.transaction(people["officer2"], bind=engine) as session:
        status = {
            name: session.get_one(parcels.Parcel, parcel_id).status
            for name, parcel_id in a_month_later.items()
        }
        assert status == {
            "idle": "rights_reviewed", "contract": "under_contract", "suspended": "suspended",
            "fresh": "enrolled",
        }  # fmt: skip
        assert session.get_one(claims.LandClaim, a_month_later["idle"]).ends_on is not None
        other = world.reviewed(session, people, world.land(50, 0, 200, 200))
        claims.enrol(session, people["officer2"], other)
        with pytest.raises(claims.LandTaken):
            claims.enrol(session, people["officer2"], a_month_later["idle"])
        claims.withdraw(session, people["officer2"], other, "让出")
        claims.enrol(session, people["officer2"], a_month_later["idle"])
        assert session.get_one(claims.LandClaim, a_month_later["idle"]).ends_on is None
        assert enrolment_expiry.expire(session, None) == []

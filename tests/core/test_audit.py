"""The audit log: every row sealed into one chain, and a changed row shows."""

import sqlalchemy as sa
from sqlalchemy import text

from sinks.core import audit, db
from sinks.core.actor import Actor
from sinks.core.cluster import Cluster


def test_a_changed_row_breaks_the_chain_and_verify_names_it(
    engine: sa.Engine, people: dict[str, Actor], cluster: Cluster
) -> None:
    with db.transaction(people["officer"], bind=engine) as session:
        for number in range(3):
            audit.record(session, people["officer"], "test", f"thing:{number}", {"n": number})
    with db.transaction(bind=engine) as session:
        assert audit.seal(session) >= 3
    with db.transaction(bind=engine) as session:
        assert audit.seal(session) == 0
        state = audit.verify(session)
        assert (state.broken, state.unsealed) == (None, 0)
        victim = session.execute(
            text("SELECT s.seq, e.id FROM audit_seal s JOIN audit_event e ON e.id = s.event_id"
                 " WHERE e.subject = 'thing:1'")
        ).one()  # fmt: skip
    # Only the database's own superuser can do this, with the trigger off.
    cluster.sql(
        engine.url.database or "",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL;"
        f" UPDATE audit_event SET detail = '{{\"n\": 9}}' WHERE id = {victim.id};"
        " ALTER TABLE audit_event ENABLE TRIGGER ALL;",
    )
    with db.transaction(bind=engine) as session:
        assert audit.verify(session).broken == victim.seq


def test_an_event_of_an_open_transaction_is_left_for_the_next_sealing(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"], bind=engine) as slow:
        audit.record(slow, people["officer"], "slow", "thing:slow", {})
        with db.transaction(bind=engine) as session:
            audit.record(session, None, "fast", "thing:fast", {})
        with db.transaction(bind=engine) as session:
            audit.seal(session)
            sealed = session.execute(
                text("SELECT count(*) FROM audit_seal s JOIN audit_event e ON e.id = s.event_id"
                     " WHERE e.subject = 'thing:slow'")
            ).scalar_one()  # fmt: skip
            assert sealed == 0
    with db.transaction(bind=engine) as session:
        audit.seal(session)
        assert audit.verify(session).unsealed == 0


def test_the_time_and_the_hash_are_the_databases_own(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"], bind=engine) as session:
        row = audit.AuditEvent(
            person_id=people["officer"].person_id, action="x", subject="thing:y", detail={},
            leaf_hash="forged", at=sa.func.to_timestamp(0),
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.refresh(row)
        assert row.leaf_hash != "forged" and row.at.year > 2000

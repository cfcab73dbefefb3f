"""Policies: proposed by one, approved by another, dated, never backwards."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from sinks.core import policies
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.core.policies import KINDS, PolicyMissing


def proposed(session: Session, people: dict[str, Actor], value: object = 0.1) -> policies.Policy:
    return policies.propose(
        session, people["registrar"], key="buffer_share.moso-mgmt", value=value, legal_basis="测试"
    )


def test_a_fresh_registry_holds_every_suggestion_and_none_in_force(session: Session) -> None:
    rows = policies.listing(session)
    assert {row.key for row in rows} == {
        k for k, kind in KINDS.items() if kind.suggested is not None
    }
    assert all(row.valid_from is None and row.approved_by_id is None for row in rows)
    with pytest.raises(PolicyMissing) as refusal:
        policies.in_force(session, *KINDS)
    assert refusal.value.keys == tuple(KINDS)


def test_where_nothing_is_suggested_there_is_no_value_to_calculate_with(session: Session) -> None:
    unknown = {"baseline_n_cap_kg_ha.tea-n2o", "market_leakage_share.moso-mgmt"}
    assert {key for key, kind in KINDS.items() if kind.suggested is None} == unknown
    for key in unknown:
        assert policies.value_or_suggestion(session, key) == (None, False)


def test_nobody_approves_his_own_proposal(session: Session, people: dict[str, Actor]) -> None:
    row = proposed(session, people)
    with pytest.raises(NotPermitted) as refusal:
        policies.approve(session, people["registrar"], row.id, valid_from=today(session))
    assert refusal.value.code == "two_people"


def test_the_suggestion_itself_is_not_approved_before_somebody_proposes_it(
    session: Session, people: dict[str, Actor]
) -> None:
    [row] = [r for r in policies.listing(session) if r.key == "unit_kg"]
    with pytest.raises(NotPermitted) as refusal:
        policies.approve(session, people["registrar"], row.id, valid_from=today(session))
    assert refusal.value.code == "not_proposed"


def test_a_policy_never_reaches_backwards(session: Session, people: dict[str, Actor]) -> None:
    row = proposed(session, people)
    with pytest.raises(Conflict) as refusal:
        yesterday = today(session) - timedelta(days=1)
        policies.approve(session, people["registrar2"], row.id, valid_from=yesterday)
    assert refusal.value.code == "backwards"


def test_a_new_value_ends_the_one_before_it_on_its_day(
    session: Session, people: dict[str, Actor]
) -> None:
    day = today(session)
    first = policies.approve(
        session, people["registrar2"], proposed(session, people).id, valid_from=day
    )
    later = day + timedelta(days=30)
    second = policies.approve(
        session, people["registrar2"], proposed(session, people, 0.2).id, valid_from=later
    )
    assert (first.valid_to, second.valid_to) == (later, None)
    key = "buffer_share.moso-mgmt"
    assert policies.in_force(session, key, on=day)[key].value == 0.1
    assert policies.in_force(session, key, on=later - timedelta(days=1))[key].value == 0.1
    assert policies.in_force(session, key, on=later)[key].value == 0.2


@pytest.mark.parametrize("value", [-0.1, 0.6, True, "ten", None])
def test_a_value_that_cannot_be_is_refused(
    session: Session, people: dict[str, Actor], value: object
) -> None:
    with pytest.raises(Invalid):
        proposed(session, people, value)


def test_an_officer_decides_no_policy(session: Session, people: dict[str, Actor]) -> None:
    with pytest.raises(NotPermitted):
        policies.propose(session, people["officer"], key="unit_kg", value=10, legal_basis="x")

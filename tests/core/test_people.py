"""Accounts, roles that take two administrators, and signing in and out."""

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core import people as book
from sinks.core.actor import Actor, Role
from sinks.core.errors import Conflict, Invalid, NotPermitted
from tests import world


def new(session: Session, actors: dict[str, Actor], **given: str) -> book.Person:
    wanted = {"login": "newcomer", "name": "新人", "password": "long enough 1"} | given
    return book.add_person(session, actors["admin"], party_id=actors["officer"].party_id, **wanted)


def test_a_deciding_role_waits_for_a_second_administrator(
    session: Session, people: dict[str, Actor]
) -> None:
    person = new(session, people)
    row = book.grant(session, people["admin"], person.id, Role.REGISTRAR)
    assert Role.REGISTRAR not in book.actor_of(session, person.id).roles
    with pytest.raises(NotPermitted):
        book.approve_grant(session, people["admin"], row.id)
    book.approve_grant(session, people["admin2"], row.id)
    assert Role.REGISTRAR in book.actor_of(session, person.id).roles


def test_nobody_grants_himself_a_role(session: Session, people: dict[str, Actor]) -> None:
    with pytest.raises(NotPermitted):
        book.grant(session, people["admin"], people["admin"].person_id, Role.REGISTRAR)


def test_one_natural_person_has_one_account(session: Session, people: dict[str, Actor]) -> None:
    new(session, people, identity_number="330523199001011234")
    with pytest.raises(Conflict) as refusal:
        new(session, people, login="second", identity_number="330523199001011234 ")
    assert refusal.value.code == "person_taken"
    stored = session.execute(text("SELECT string_agg(identity_hash, '') FROM person")).scalar_one()
    assert "33052319900101" not in stored


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_a_password_too_short_or_endless_is_refused(
    session: Session, people: dict[str, Actor], password: str
) -> None:
    with pytest.raises(Invalid):
        new(session, people, password=password)


def test_signing_out_ends_every_session_of_the_person(
    session: Session, people: dict[str, Actor]
) -> None:
    person = book.check_password(session, "officer", world.PASSWORD)
    web, cli = (book.open_session(session, person, kind) for kind in ("web", "cli"))
    assert web != cli
    for token in (web, cli):
        found = book.actor_of_token(session, token)
        assert found is not None and found.person_id == person.id
    book.close_session(session, web)
    assert book.actor_of_token(session, web) is None
    assert book.actor_of_token(session, cli) is None


def test_a_token_is_not_stored(session: Session) -> None:
    token = book.open_session(
        session, book.check_password(session, "officer", world.PASSWORD), "web"
    )
    rows = session.execute(
        text("SELECT string_agg(s::text, ' ') FROM login_session s")
    ).scalar_one()
    assert token not in rows


def test_guessing_is_slowed_down(session: Session) -> None:
    for _ in range(book.LOGIN_TRIES_MAX):
        with pytest.raises(NotPermitted) as wrong:
            book.check_password(session, "clerk", "not the password")
        assert wrong.value.code == "login"
        book.note_failure(session, "clerk")
    with pytest.raises(NotPermitted) as refusal:
        book.check_password(session, "clerk", world.PASSWORD)
    assert refusal.value.code == "too_many_tries"


def test_the_public_sees_no_household_no_right_and_no_contract(
    session: Session, people: dict[str, Actor]
) -> None:
    world.enrolled(session, people, world.land(0, 0, 200, 200))
    counts = "SELECT (SELECT count(*) FROM party WHERE kind = 'household'), (SELECT count(*) FROM parcel_right)"
    assert tuple(session.execute(text(counts)).one()) == (1, 1)
    db.act_as(session, None)
    assert tuple(session.execute(text(counts)).one()) == (0, 0)


def test_a_new_password_ends_every_session(session: Session, people: dict[str, Actor]) -> None:
    person = book.check_password(session, "officer", world.PASSWORD)
    token = book.open_session(session, person, "web")
    with pytest.raises(NotPermitted):
        book.change_password(session, "officer", "wrong", "another long one")
    with pytest.raises(Invalid) as refusal:
        book.change_password(session, "officer", world.PASSWORD, world.PASSWORD)
    assert refusal.value.code == "password_same"
    book.change_password(session, "officer", world.PASSWORD, "another long one")
    assert book.actor_of_token(session, token) is None
    assert book.check_password(session, "officer", "another long one").id == person.id


def test_a_password_of_the_administrators_opens_no_session_until_it_is_replaced(
    session: Session, people: dict[str, Actor]
) -> None:
    person = new(session, people, password="given by the office")
    with pytest.raises(NotPermitted) as refusal:
        book.open_session(session, person, "web")
    assert refusal.value.code == "password_one_time"
    book.change_password(session, person.login, "given by the office", "chosen by myself")
    assert book.open_session(session, person, "web")


def test_a_forgotten_password_costs_the_roles_that_decide_until_a_second_administrator_agrees(
    session: Session, people: dict[str, Actor]
) -> None:
    registrar = people["registrar"].person_id
    person = session.get_one(book.Person, registrar)
    token = book.open_session(session, person, "web")
    with pytest.raises(NotPermitted):
        book.reset_password(session, people["clerk"], registrar, "one-time password")
    with pytest.raises(NotPermitted):
        book.reset_password(session, people["admin"], people["admin"].person_id, "one-time pass")
    book.reset_password(session, people["admin"], registrar, "one-time password")
    assert book.actor_of_token(session, token) is None
    assert person.password_one_time and book.actor_of(session, registrar).roles == frozenset()
    [waiting] = session.scalars(
        sa.select(book.RoleGrant).where(
            book.RoleGrant.person_id == registrar, book.RoleGrant.revoked_at.is_(None)
        )
    )
    with pytest.raises(NotPermitted):
        book.approve_grant(session, people["admin"], waiting.id)
    book.approve_grant(session, people["admin2"], waiting.id)
    assert book.actor_of(session, registrar).roles == {Role.REGISTRAR}


def test_an_officer_with_a_new_password_keeps_what_decides_nothing(
    session: Session, people: dict[str, Actor]
) -> None:
    officer = people["officer"].person_id
    book.reset_password(session, people["admin"], officer, "one-time password")
    assert book.actor_of(session, officer).roles == {Role.OFFICER}


def test_one_administrator_cannot_make_a_second_and_decide_alone(
    session: Session, people: dict[str, Actor]
) -> None:
    person = new(session, people)
    row = book.grant(session, people["admin"], person.id, Role.ADMIN)
    assert Role.ADMIN not in book.actor_of(session, person.id).roles
    with pytest.raises(NotPermitted):
        book.approve_grant(session, people["admin"], row.id)
    with pytest.raises(NotPermitted):
        book.grant(session, None, person.id, Role.REGISTRAR)


def test_only_an_administrator_adds_an_office(session: Session, people: dict[str, Actor]) -> None:
    with pytest.raises(NotPermitted):
        book.add_party(session, people["clerk"], kind="verifier", name="自家核证公司")

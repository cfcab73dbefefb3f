"""Certificates of holding: one over a unit at a time; signatures that a changed byte breaks."""

import threading
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from sinks.core import db, settings
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.crediting import certificates, ledger, signatures
from sinks.crediting.certificates import Certificate
from sinks.crediting.ledger import AccountKind, BlockState
from sinks.crediting.signatures import BadSignature
from tests import world


@dataclass(frozen=True)
class Held:
    account_id: int
    paper: Certificate
    pdf: bytes


@pytest.fixture
def held(session: Session, people: dict[str, Actor], tmp_path: Path) -> Held:
    account_id = world.account_with_units(session, people, tmp_path)
    paper = certificates.certify_holding(session, people["clerk"], account_id)
    return Held(account_id, paper, certificates.pdf_of(session, people["clerk"], paper.number))


def retire(session: Session, people: dict[str, Actor], account_id: int, units: int) -> None:
    retired = ledger.account(session, AccountKind.RETIRED)
    ledger.move_units(
        session, people["registrar"], id=uuid4(), from_id=account_id, to_id=retired.id,
        units=units, from_state=BlockState.HELD, to_state=BlockState.RETIRED, reason="测试",
    )  # fmt: skip


def test_the_same_units_get_no_second_certificate_and_the_first_is_named(
    session: Session, people: dict[str, Actor], held: Held
) -> None:
    with pytest.raises(Conflict) as refusal:
        certificates.certify_holding(session, people["clerk2"], held.account_id)
    assert refusal.value.code == "certified" and held.paper.number in refusal.value.message


def test_a_certificate_ends_when_one_of_its_units_moves_and_the_rest_can_be_certified(
    session: Session, people: dict[str, Actor], held: Held
) -> None:
    assert not certificates.check(session, held.paper.number).ended
    retire(session, people, held.account_id, 1)
    answer = certificates.check(session, held.paper.number)
    assert answer.genuine and answer.ended and answer.retired_kg == 10
    rest = certificates.certify_holding(session, people["clerk"], held.account_id)
    assert rest.public["amount_kg"] == held.paper.public["amount_kg"] - 10
    assert not certificates.check(session, rest.number).ended


def test_the_database_takes_no_paper_over_units_that_are_not_held(
    session: Session, people: dict[str, Actor], held: Held
) -> None:
    block = session.scalars(
        sa.select(ledger.Block).where(ledger.Block.state == BlockState.BUFFER)
    ).first()
    assert block is not None
    with pytest.raises(sa.exc.IntegrityError, match="not held"), session.begin_nested():
        session.add(certificates.HoldingPaper(block_id=block.id, certificate_id=held.paper.id))
        session.flush()


def test_of_two_clerks_at_once_the_second_waits_and_reads_the_number_of_the_first(
    engine: sa.Engine, people: dict[str, Actor], tmp_path: Path
) -> None:
    with db.transaction(people["registrar"]) as session:
        account_id = world.account_with_units(session, people, tmp_path)
    told: list[str] = []

    def second() -> None:
        with pytest.raises(Conflict) as refusal, db.transaction(people["clerk2"]) as session:
            certificates.certify_holding(session, people["clerk2"], account_id)
        told.append(refusal.value.message)

    rival = threading.Thread(target=second)
    with db.transaction(people["clerk"]) as session:
        number = certificates.certify_holding(session, people["clerk"], account_id).number
        rival.start()
        world.wait_until_blocked(engine)
        assert told == []
    rival.join(30)
    assert number in told[0]


def test_the_scanned_text_is_short_enough_says_what_the_paper_says_and_is_checked(
    session: Session, held: Held
) -> None:
    token = held.paper.token or ""
    assert len(token) < 700
    payload = signatures.read(token, signatures.keys(session))
    assert payload["number"] == held.paper.number
    assert payload["amount_kg"] == held.paper.public["amount_kg"]
    assert payload["holder"] == "安吉县两山合作社"
    assert payload["serials"] == [line["serial"] for line in held.paper.public["lines"]]
    answer = certificates.check(session, certificates.scan_url(token))
    assert answer.genuine and answer.signed and answer.number == held.paper.number
    both = certificates.check(session, f"{held.paper.number.lower()} {token}")
    assert both.genuine and both.signed


def test_a_long_list_of_serials_is_signed_as_its_hash() -> None:
    payload = {"number": "x", "serials": ["HZ-330523-ZL-000007-2024-01-000000001-000002000-2X"] * 9}
    short = certificates._short_enough(dict(payload))
    assert set(short) == {"number", "serials_sha256"}


def test_the_code_of_another_certificate_is_told_from_its_paper(
    session: Session, people: dict[str, Actor], held: Held
) -> None:
    retire(session, people, held.account_id, 1)
    other = certificates.certify_holding(session, people["clerk"], held.account_id)
    answer = certificates.check(session, f"{other.number} {held.paper.token}")
    assert not answer.genuine and answer.code == "another_paper"
    assert other.number in (answer.reason or "")


def test_a_changed_byte_an_unknown_key_and_a_revoked_one_are_told_apart(
    session: Session, people: dict[str, Actor], held: Held
) -> None:
    keys = signatures.keys(session)
    token = held.paper.token or ""
    assert (
        code_of(token[:50] + ("A" if token[50] != "A" else "B") + token[51:], keys) == "signature"
    )
    assert code_of(token[:80], keys) == "signature_form"
    assert code_of(token[:-1], keys) in ("signature_form", "key_unknown")
    assert code_of(token, {}) == "key_unknown"
    [key] = signatures.listing(session)
    with pytest.raises(NotPermitted):
        signatures.revoke(session, people["clerk"], key.id, "失窃")
    signatures.revoke(session, people["registrar"], key.id, "密钥外泄")
    answer = certificates.check(session, token)
    assert not answer.genuine and answer.code == "key_revoked"
    assert "密钥外泄" in (answer.reason or "")
    # The ledger's own record of the paper stands, by number and by file.
    assert certificates.check(session, held.paper.number).genuine
    by_file = certificates.check_file(session, held.pdf)
    assert by_file.genuine and not by_file.signed
    retire(session, people, held.account_id, 1)
    again = certificates.certify_holding(session, people["clerk"], held.account_id)
    assert signatures.key_of(again.token or "") != key.id


def code_of(token: str, keys: dict[str, signatures.Key]) -> str:
    with pytest.raises(BadSignature) as refusal:
        signatures.read(token, keys)
    return refusal.value.code


def test_a_file_is_proved_without_the_database_and_every_changed_byte_shows(
    session: Session, held: Held
) -> None:
    keys = signatures.keys_of_list(signatures.published(session))
    assert held.pdf.startswith(b"%PDF-")
    assert signatures.read_file(held.pdf, keys)["number"] == held.paper.number
    for place in range(0, len(held.pdf), len(held.pdf) // 60):
        changed = bytearray(held.pdf)
        changed[place] ^= 1
        with pytest.raises(BadSignature):
            signatures.read_file(bytes(changed), keys)
        assert not certificates.check_file(session, bytes(changed)).genuine
    for more in (b" ", b"\n", b"%%EOF"):
        with pytest.raises(BadSignature):
            signatures.read_file(held.pdf + more, keys)


def test_the_private_key_is_the_owners_alone_and_not_in_the_database(
    session: Session, held: Held
) -> None:
    [path] = (settings.load().data_dir / "signing").glob(
        f"{signatures.key_of(held.paper.token or '')}.key"
    )
    assert path.stat().st_mode & 0o077 == 0
    stored = session.execute(sa.text("SELECT to_jsonb(k)::text FROM signing_key k")).scalars().all()
    assert all(path.read_text() not in row for row in stored)


def test_a_key_is_only_ever_revoked(session: Session, held: Held) -> None:
    for change in ("UPDATE signing_key SET public_key = 'x'", "DELETE FROM signing_key"):
        with pytest.raises(sa.exc.DBAPIError), session.begin_nested():
            session.execute(sa.text(change))


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Mn")), max_size=5)
VALUES = st.one_of(st.integers(-(2**60), 2**60), st.booleans(), NAMES, st.lists(NAMES, max_size=3))


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_a_payload_is_written_in_one_way_whatever_the_order_of_its_keys(
    payload: dict[str, object],
) -> None:
    backwards = dict(reversed(list(payload.items())))
    assert signatures.canonical(payload) == signatures.canonical(backwards)


def test_composed_and_decomposed_letters_are_one_and_fractions_are_none() -> None:
    assert signatures.canonical({"a": "e\u0301"}) == signatures.canonical({"a": "\u00e9"})
    with pytest.raises(Invalid):
        signatures.canonical({"a": 0.5})

"""A court case: who does what, and that nobody else can."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core import people as book
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.crediting import certificates, ledger
from sinks.restoration import case_measurement, case_units, cases
from sinks.restoration.cases import FOREST_BASIS
from tests import world

FACTS = {
    "method": "M1", "delta_c_t_ha": 40.0, "annual_t_ha": 5.85, "recovery_years": 5,
    "recovery": "linear", "discount": 0.03, "phi": 0.0, "k": 1.0, "unit_kg": 10,
}  # fmt: skip


def opened(session: Session, people: dict[str, Actor], number: str = "(2026)浙0591刑初12号") -> int:
    db.act_as(session, people["court"])
    case, _ = cases.open_case(
        session, people["court"], case_no=number, defendant="李某某", cause="非法占用农用地罪",
        damage="forest",
    )  # fmt: skip
    return case.id


def appraised(session: Session, people: dict[str, Actor]) -> int:
    case_id = opened(session, people)
    cases.request_measurement(
        session,
        people["court"],
        case_id,
        appraiser_id=people["appraiser"].party_id,
        letter="请测算",
    )
    db.act_as(session, people["appraiser"])
    # 40 m x 50 m: 2,000 m2, the three mu of the worked example.
    case_measurement.draw_site(
        session, people["appraiser"], case_id, world.land(1000, 1000, 40, 50)
    )
    case_measurement.sign_assessment(
        session, people["appraiser"], case_id, facts=FACTS, basis="实测样地"
    )
    return case_id


def ordered(session: Session, people: dict[str, Actor], *, in_days: int = 0) -> int:
    case_id = appraised(session, people)
    db.act_as(session, people["court"])
    cases.file_consent(
        session,
        people["court"],
        case_id,
        request=("申请书.txt", b"1"),
        consent=("同意书.txt", b"2"),
    )
    day = today(session)
    cases.record_order(
        session, people["court"], case_id, decision_kind="判决书", decided_on=day,
        effective_on=day + timedelta(days=in_days), legal_basis=FOREST_BASIS, quantity_kg=32_120,
        seller_id=people["clerk"].party_id, restoration_duty="补植三年，单独履行",
    )  # fmt: skip
    return case_id


@pytest.fixture
def account_id(session: Session, people: dict[str, Actor], tmp_path: Path) -> int:
    """The cooperative's account with issued units."""
    return world.account_with_units(session, people, tmp_path)


def test_the_signed_loss_is_that_of_the_drawn_site(
    session: Session, people: dict[str, Actor]
) -> None:
    assessment = cases.assessment_of(session, appraised(session, people))
    assert assessment is not None
    # S = 0.2 ha x 40 t/ha x 44/12 = 29.33 t; the drawn site is 2,000 m2 within a per mille.
    assert assessment.result["stock_t"] == pytest.approx(29.3333, rel=2e-3)
    assert assessment.input["area_m2"] == pytest.approx(2000, rel=2e-3)


def test_the_whole_way_of_a_case(
    session: Session, people: dict[str, Actor], account_id: int
) -> None:
    case_id = ordered(session, people)
    db.act_as(session, people["clerk"])
    lock = case_units.lock_units(session, people["clerk"], case_id, account_id=account_id)
    assert (lock.units, lock.unit_kg) == (3212, 10)
    assert ledger.units_by_state(session, account_id)["reserved"] == 32_120
    case_units.record_payment(session, people["clerk"], case_id, voucher=("回单.pdf", b"%PDF"))
    db.act_as(session, people["registrar"])
    case_units.retire(session, people["registrar"], case_id)
    with pytest.raises(Conflict):
        case_units.retire(session, people["registrar"], case_id)
    paper = case_units.certify(session, people["registrar"], case_id)
    assert paper.public["amount_kg"] == 32_120
    assert paper.public["defendant_masked"] == "李*" and "李某某" not in str(paper.public)
    answer = certificates.check(session, paper.number)
    assert (answer.retired_kg, answer.held_kg) == (32_120, 0)
    order = cases.order_of(session, case_id)
    assert order is not None and not order.restoration_done
    assert ledger.verify_ledger(session).broken == []


def test_units_are_locked_but_not_retired_before_the_decision_takes_effect(
    session: Session, people: dict[str, Actor], account_id: int
) -> None:
    case_id = ordered(session, people, in_days=10)
    db.act_as(session, people["clerk"])
    case_units.lock_units(session, people["clerk"], case_id, account_id=account_id)
    case_units.record_payment(session, people["clerk"], case_id, voucher=("回单.pdf", b"1"))
    db.act_as(session, people["registrar"])
    with pytest.raises(Conflict) as refusal:
        case_units.retire(session, people["registrar"], case_id)
    assert refusal.value.code == "not_effective"


def test_locked_units_are_not_on_a_holding_certificate_and_not_locked_twice(
    session: Session, people: dict[str, Actor], account_id: int
) -> None:
    before = ledger.units_by_state(session, account_id)["held"]
    case_id = ordered(session, people)
    db.act_as(session, people["clerk"])
    case_units.lock_units(session, people["clerk"], case_id, account_id=account_id)
    with pytest.raises(Conflict):
        case_units.lock_units(session, people["clerk"], case_id, account_id=account_id)
    assert ledger.units_by_state(session, account_id)["held"] == before - 32_120


def test_a_court_does_not_see_anothers_case_and_the_cooperative_not_before_the_order(
    session: Session, people: dict[str, Actor]
) -> None:
    case_id = appraised(session, people)
    for name in ("clerk", "officer", "verifier"):
        db.act_as(session, people[name])
        session.expire_all()
        assert cases.listing(session) == []
        with pytest.raises(NotFound):
            cases.locked(session, case_id)
    db.act_as(session, None)
    assert cases.listing(session) == []


def test_the_procuratorate_of_the_case_reads_it_and_does_nothing_in_it(
    session: Session, people: dict[str, Actor]
) -> None:
    party = book.add_party(session, people["admin"], kind="procuratorate", name="湖州市人民检察院")
    db.act_as(session, people["court"])
    case, _ = cases.open_case(
        session, people["court"], case_no="(2026)浙0591刑初14号", defendant="李某某",
        cause="滥伐林木罪", damage="forest", prosecutor_id=party.id,
    )  # fmt: skip
    prosecutor = Actor(
        people["auditor"].person_id, "检察官", party.id, party.name, frozenset({"prosecutor"})
    )
    db.act_as(session, prosecutor)
    assert [row.id for row in cases.listing(session)] == [case.id]
    with pytest.raises(NotPermitted):
        cases.confirm(session, prosecutor, case.id)


def test_the_forest_article_does_not_carry_a_wetland_case(
    session: Session, people: dict[str, Actor]
) -> None:
    assert FOREST_BASIS not in cases.LEGAL_BASES[cases.Damage.WETLAND]


def test_nobody_does_anothers_part(session: Session, people: dict[str, Actor]) -> None:
    case_id = opened(session, people)
    with pytest.raises(NotPermitted):
        case_measurement.draw_site(session, people["court"], case_id, world.land(0, 0, 40, 50))
    with pytest.raises(NotPermitted):
        case_units.retire(session, people["court"], case_id)
    with pytest.raises(NotPermitted):
        cases.open_case(
            session, people["registrar"], case_no="(2026)浙0591刑初13号", defendant="x", cause="y",
            damage="forest",
        )  # fmt: skip


def test_phi_has_no_default(session: Session, people: dict[str, Actor]) -> None:
    case_id = opened(session, people)
    cases.request_measurement(
        session, people["court"], case_id, appraiser_id=people["appraiser"].party_id, letter="x"
    )
    db.act_as(session, people["appraiser"])
    case_measurement.draw_site(
        session, people["appraiser"], case_id, world.land(1000, 1000, 40, 50)
    )
    facts = {key: value for key, value in FACTS.items() if key != "phi"}
    with pytest.raises(Invalid):
        case_measurement.sign_assessment(
            session, people["appraiser"], case_id, facts=facts, basis="实测"
        )
    assert session.get_one(cases.CourtCase, case_id).status == "requested"

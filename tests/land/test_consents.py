"""Tenure: the order of evidence, 不动产单元号, consent for uncontracted collective land, what runs out."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from sinks.core import db, policies
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotPermitted
from sinks.core.policies import PolicyMissing
from sinks.land import consents, parcel_outlines, parcels, rights
from sinks.land.consents import Paper
from sinks.land.rights import EVIDENCE, CertificateKind
from tests import world

UNIT_NO = "330523001002JE00012L00010001"


def collective_land(session: Session, people: dict[str, Actor], **right: Any) -> int:
    """A submitted parcel for which nothing but the collective's ownership speaks; its id."""
    parcel = parcel_outlines.create(
        session, people["officer"], boundary=world.land(0, 0, 200, 200), sink_type="bamboo",
        name="统管山 01-001", source_name="勾绘",
    )  # fmt: skip
    filed = {"kind": "land_ownership", "certificate_kind": "forest_right",
             "certificate_no": "安林证字（2010）第1号"} | right  # fmt: skip
    rights.add(
        session, people["officer"], parcel_id=parcel.id, party_id=world.village_id(session), **filed
    )
    parcels.submit(session, people["officer"], parcel.id)
    return parcel.id


def consent(session: Session, actor: Actor, parcel_ids: list[int], **other: Any) -> Any:
    day = db.today(session)
    facts: dict[str, Any] = {
        "collective_id": world.village_id(session), "parcel_ids": parcel_ids, "body": "members",
        "entitled_count": 90, "present_count": 70, "in_favour_count": 60,
        "meeting_notice_on": day - timedelta(days=40), "met_on": day - timedelta(days=30),
        "published_from": day - timedelta(days=29), "published_to": day - timedelta(days=22),
        "published_where": "村务公开栏", "resolution": Paper("决议.pdf", b"resolution"),
        "vote": Paper("表决票.pdf", b"vote"), "notice": Paper("公示照片.jpg", b"notice"),
    }  # fmt: skip
    return consents.record(session, actor, **(facts | other))


def decide_publicity(session: Session, people: dict[str, Actor], days: int = 7) -> None:
    row = policies.propose(
        session, people["registrar"], key="consent_publicity_days", value=days, legal_basis="测试"
    )
    policies.approve(session, people["registrar2"], row.id, valid_from=db.today(session))


def refused(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises((Invalid, Conflict, NotPermitted)) as refusal:
        call(*arguments, **named)
    return refusal.value.code


def test_collective_land_that_nobody_contracted_needs_the_consent_of_two_thirds(
    session: Session, people: dict[str, Actor]
) -> None:
    decide_publicity(session, people)
    parcel_id = collective_land(session, people)
    assert refused(rights.review, session, people["officer2"], parcel_id) == "no_consent"
    consent(session, people["officer"], [parcel_id])
    rights.review(session, people["officer2"], parcel_id)
    assert parcels.locked(session, parcel_id).status == "rights_reviewed"


def test_a_resolution_alone_needs_the_consent_too_and_a_contract_does_not(
    session: Session, people: dict[str, Actor]
) -> None:
    bare = collective_land(
        session,
        people,
        kind="management",
        certificate_kind="resolution",
        certificate_no="决议 3 号",
    )
    assert refused(rights.review, session, people["officer2"], bare) == "no_consent"
    rights.add(
        session, people["officer"], parcel_id=bare, party_id=world.village_id(session),
        kind="land_use", certificate_kind="contract", certificate_no="流转-7",
    )  # fmt: skip
    rights.review(session, people["officer2"], bare)


@pytest.mark.parametrize(("entitled", "needed"), [(90, 60), (91, 61), (92, 62), (3, 2), (1, 1)])
def test_two_thirds_are_counted_over_the_whole_body_not_over_those_who_came(
    session: Session, people: dict[str, Actor], entitled: int, needed: int
) -> None:
    parcel_id = collective_land(session, people)
    few = {"entitled_count": entitled, "present_count": max(needed - 1, 1)}
    if needed > 1:
        code = refused(
            consent, session, people["officer"], [parcel_id], **few, in_favour_count=needed - 1
        )
        assert code == "two_thirds"
    consent(
        session, people["officer"], [parcel_id], entitled_count=entitled, present_count=needed,
        in_favour_count=needed,
    )  # fmt: skip


def test_the_database_itself_refuses_less_than_two_thirds(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = collective_land(session, people)
    row = consent(session, people["officer"], [parcel_id])
    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        session.execute(
            sa.text(
                "INSERT INTO collective_consent (collective_id, body, entitled_count, present_count,"
                " in_favour_count, meeting_notice_on, met_on, published_from, published_to,"
                " published_where, resolution_document_id, vote_document_id, notice_document_id,"
                " recorded_by_id) SELECT collective_id, body, 91, 91, 60, meeting_notice_on, met_on,"
                " published_from, published_to, published_where, resolution_document_id,"
                " vote_document_id, notice_document_id, recorded_by_id FROM collective_consent"
                " WHERE id = :id"
            ),
            {"id": row.id},
        )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"meeting_notice_on": timedelta(days=39)}, "meeting_notice"),
        ({"published_from": timedelta(days=31)}, "days"),
        ({"present_count": 59}, "counts"),
        ({"published_where": " "}, "published_where"),
    ],
)
def test_a_consent_that_the_law_does_not_carry_is_not_recorded(
    session: Session, people: dict[str, Actor], changed: dict[str, Any], code: str
) -> None:
    day = db.today(session)
    values = {k: day - v if isinstance(v, timedelta) else v for k, v in changed.items()}
    parcel_id = collective_land(session, people)
    assert refused(consent, session, people["officer"], [parcel_id], **values) == code
    assert consents.of_parcel(session, parcel_id) == []


def test_how_long_it_hangs_out_is_the_registrars_decision_and_has_to_be_over(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = collective_land(session, people)
    row = consent(session, people["officer"], [parcel_id])
    with pytest.raises(PolicyMissing):
        rights.review(session, people["officer2"], parcel_id)
    decide_publicity(session, people, days=8)
    assert refused(rights.review, session, people["officer2"], parcel_id) == "publicity_short"
    day = db.today(session)
    consents.retract(session, people["officer"], row.id, "公示天数录错")
    consent(session, people["officer"], [parcel_id], published_to=day + timedelta(days=1))
    assert refused(rights.review, session, people["officer2"], parcel_id) == "publicity_running"


def test_whoever_recorded_the_consent_does_not_review_on_it(
    session: Session, people: dict[str, Actor]
) -> None:
    decide_publicity(session, people)
    parcel_id = collective_land(session, people)
    consent(session, people["officer2"], [parcel_id])
    assert refused(rights.review, session, people["officer2"], parcel_id) == "two_people"


def test_a_retracted_consent_is_kept_and_supports_nothing(
    session: Session, people: dict[str, Actor]
) -> None:
    decide_publicity(session, people)
    parcel_id = collective_land(session, people)
    row = consent(session, people["officer"], [parcel_id])
    consents.retract(session, people["officer"], row.id, "录到别的村了")
    assert refused(rights.review, session, people["officer2"], parcel_id) == "no_consent"
    [(kept, _)] = consents.of_parcel(session, parcel_id)
    assert kept.retracted_reason == "录到别的村了"
    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        session.execute(
            sa.text("UPDATE collective_consent SET retracted_reason = '别的' WHERE id = :id"),
            {"id": row.id},
        )


def test_a_consent_on_which_a_parcel_passed_is_not_retracted(
    session: Session, people: dict[str, Actor]
) -> None:
    decide_publicity(session, people)
    parcel_id = collective_land(session, people)
    row = consent(session, people["officer"], [parcel_id])
    rights.review(session, people["officer2"], parcel_id)
    assert refused(consents.retract, session, people["officer"], row.id, "想撤") == "consent_used"


def test_the_public_reads_no_consent(session: Session, people: dict[str, Actor]) -> None:
    parcel_id = collective_land(session, people)
    consent(session, people["officer"], [parcel_id])
    session.flush()
    db.act_as(session, None)
    assert session.execute(sa.text("SELECT count(*) FROM collective_consent")).scalar_one() == 0
    db.act_as(session, replace(people["court"]))
    assert session.execute(sa.text("SELECT count(*) FROM consent_parcel")).scalar_one() == 0


def test_a_township_certificate_alone_carries_no_parcel_through(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = collective_land(
        session, people, kind="land_use", certificate_kind="township", certificate_no="镇证 1"
    )
    assert refused(rights.review, session, people["officer2"], parcel_id) == "provisional"


def test_the_stronger_paper_is_followed_and_named_when_two_claim_the_whole(
    session: Session, people: dict[str, Actor]
) -> None:
    assert EVIDENCE[:3] == (
        CertificateKind.REAL_ESTATE, CertificateKind.FOREST_RIGHT, CertificateKind.CONTRACT,
    )  # fmt: skip
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    with pytest.raises(Conflict, match="已录的不动产权证书优先于林权证"):
        rights.add(
            session, people["officer"], parcel_id=parcel_id, party_id=world.village_id(session),
            kind="land_use", certificate_kind="forest_right", certificate_no="安林证字（2010）第1号",
        )  # fmt: skip
    rights.add(
        session, people["officer"], parcel_id=parcel_id, party_id=world.village_id(session),
        kind="management", certificate_kind="contract", certificate_no="流转-1",
        share=Decimal("0.5"),
    )  # fmt: skip
    rights.add(
        session, people["officer"], parcel_id=parcel_id, party_id=world.village_id(session),
        kind="management", certificate_kind="resolution", certificate_no="决议-1",
        share=Decimal("0.5"),
    )  # fmt: skip
    found = {one.kind: one for one in rights.followed(rights.of_parcel(session, parcel_id))}
    assert found[rights.RightKind.MANAGEMENT].paper == CertificateKind.CONTRACT
    assert found[rights.RightKind.MANAGEMENT].weaker == (CertificateKind.RESOLUTION,)


@pytest.mark.parametrize(
    "typed",
    [
        UNIT_NO,
        "330523 001002 JE00012 L00010001",
        "３３０５２３００１００２ｊｅ０００１２ L0001-0001",
    ],
)
def test_a_unit_number_is_kept_without_its_spaces_in_plain_characters(typed: str) -> None:
    assert rights.normalised_unit_no(typed) == UNIT_NO


@given(st.integers(0, 27), st.sampled_from("0A*一"))
def test_a_unit_number_with_a_wrong_character_or_length_is_refused(at: int, wrong: str) -> None:
    changed = UNIT_NO[:at] + wrong + UNIT_NO[at + 1 :]
    if rights.UNIT_NO.fullmatch(changed):
        return
    with pytest.raises(Invalid) as refusal:
        rights.normalised_unit_no(changed)
    assert refusal.value.code == "unit_no"
    with pytest.raises(Invalid):
        rights.normalised_unit_no(UNIT_NO[:at] + UNIT_NO[at + 1 :])


def test_a_unit_number_of_another_county_is_questioned_not_refused(
    session: Session, people: dict[str, Actor]
) -> None:
    assert rights.unit_no_question(UNIT_NO, "330523") is None
    assert "330521" in (rights.unit_no_question(UNIT_NO, "330521") or "")
    assert "集体" in (rights.unit_no_question(UNIT_NO.replace("J", "G", 1), "330523") or "")
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    row = rights.add(
        session, people["officer"], parcel_id=parcel_id, party_id=world.village_id(session),
        kind="management", certificate_kind="real_estate", unit_no=" 330523 001002 JE00012 L00010001",
        certificate_no="浙（2023）安吉县不动产权第0012345号",
    )  # fmt: skip
    assert row.unit_no == UNIT_NO


def test_what_runs_out_is_listed_by_its_day_and_a_withdrawn_parcel_is_not(
    session: Session, people: dict[str, Actor]
) -> None:
    day = db.today(session)
    ids = [world.draft(session, people, world.land(300 * n, 0, 200, 200)) for n in range(4)]
    for parcel_id, days in zip(ids, (400, 30, 30, -5), strict=True):
        rights.add(
            session, people["officer"], parcel_id=parcel_id, party_id=world.village_id(session),
            kind="management", certificate_kind="contract", certificate_no=f"流转-{parcel_id}",
            term_from=date(2000, 1, 1), term_to=day + timedelta(days=days),
        )  # fmt: skip
    parcels.step(session, people["officer"], ids[2], parcels.Status.WITHDRAWN)
    session.flush()
    found = rights.expiring(session, day + timedelta(days=365))
    assert [row.parcel_id for row in found if row.parcel_id in ids] == [ids[3], ids[1]]

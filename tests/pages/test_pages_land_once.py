"""The screens of overlap cases, splits, merges and transfers, run against the database."""

# ruff: noqa: F811 (a fixture is imported by its name and asked for by it)

from datetime import date

import pytest

from pages import _parcel_split
from sinks.core import db, people
from sinks.core.actor import Actor
from sinks.core.errors import NotFound
from sinks.land import (
    case_papers,
    overlap_cases,
    parcel_list,
    parcels,
    rights,
    succession,
    transfers,
)
from sinks.web import files
from tests import world
from tests.land.test_succession import line
from tests.pages.test_pages_a import screen, tokens  # noqa: F401 (its fixtures)
from tests.pages_help import calm, confirmed, press, said


def test_a_refused_enrolment_leads_to_its_case_and_two_people_close_it(
    screen,
    who: dict[str, Actor],
) -> None:
    with db.transaction(who["officer"]) as session:
        first = world.enrolled(session, who, world.land(0, 30_000, 200, 200))
        later = world.reviewed(session, who, world.land(100, 30_000, 200, 200))
        code = session.get_one(parcels.Parcel, first).code
    at = screen("parcels", "officer2", parcels__choice=later)
    confirmed(at, f"enrol.{later}")
    assert "号重叠争议" in said(at) and code in said(at)
    with db.transaction(who["officer"]) as session:
        [case] = overlap_cases.of_parcel(session, later)
        case_id = case.id
    at = screen("overlaps", "officer", overlaps__choice=case_id)
    assert code in said(at) and "重叠超过 1 米宽" in said(at)
    at.radio(key=f"outcome.{case_id}").set_value("other_stands")
    at.text_area(key=f"ground.{case_id}").set_value("先登记，现场复测一致")
    press(at, f"propose.{case_id}")
    assert "已提出" in said(at)
    at = screen("overlaps", "registrar", overlaps__choice=case_id)
    calm(at.text_area(key=f"reason.{case_id}").set_value("同意").run())
    confirmed(at, f"decide.{case_id}")
    with db.transaction(who["officer"]) as session:
        assert overlap_cases.view(session, case_id).case.status == "decided"
        assert session.get_one(parcels.Parcel, later).status == "draft"


def test_the_files_of_a_case_are_on_its_page_for_those_who_decide(
    screen,
    who: dict[str, Actor],
) -> None:
    with db.transaction(who["officer"]) as session:
        world.enrolled(session, who, world.land(0, 33_000, 200, 200))
        later = world.reviewed(session, who, world.land(100, 33_000, 200, 200))
        case_id = overlap_cases.open_for(session, who["officer2"], later).id
        filed = case_papers.attach(
            session, who["officer"], case_id, kind="certificate", name="王大山林权证.jpg",
            content=b"scan",
        )  # fmt: skip
        document_id, sha256 = filed.id, filed.sha256
    for login in ("officer", "registrar"):
        shown = said(screen("overlaps", login, overlaps__choice=case_id))
        assert sha256 in shown and f"/documents/{document_id}" in shown and "旧证书" in shown
    shown = said(screen("overlaps", "verifier", overlaps__choice=case_id))
    assert sha256 not in shown and "王大山" not in shown
    with db.transaction(who["verifier"]) as session, pytest.raises(NotFound):
        files.readable(session, who["verifier"], document_id)
    with db.transaction(who["registrar"]) as session:
        assert files.readable(session, who["registrar"], document_id).sha256 == sha256


def test_a_drawn_line_splits_and_another_officer_reviews(
    screen,
    who: dict[str, Actor],
) -> None:
    with db.transaction(who["officer"]) as session:
        parent = world.enrolled(session, who, world.land(0, 31_000, 400, 400))
        [row] = parcel_list.rows(session, ids=[parent])
    drawn = [list(place) for place in line((200, 30_950), (200, 31_450)).coords]
    cutting = _parcel_split.Cutting(row.id, row.code, row.name, row.boundary, line=drawn)
    at = screen("parcels", "officer", split=cutting)
    assert "第 2 块" in said(at)
    at.text_input(key="split.reason").set_value("分户")
    calm(at.run())
    confirmed(at, "split.do")
    assert "已拆为 2 块" in said(at)
    with db.transaction(who["officer"]) as session:
        made = succession.ended_by(session, parent)
        assert made is not None
        child = succession.of_side(session, made.id, "child")[0]
        made_id = made.id
    at = screen("parcels", "officer2", parcels__choice=child)
    assert "由此而来" in said(at)
    confirmed(at, f"succession.{made_id}")
    assert "已复核" in said(at)
    assert "经过" in "".join(one.label for one in at.expander)


def test_a_transfer_is_accepted_on_the_card_by_another_officer(
    screen,
    who: dict[str, Actor],
) -> None:
    with db.transaction(who["officer"]) as session:
        parcel_id = world.enrolled(session, who, world.land(0, 32_000, 200, 200))
        [(held, _)] = rights.of_parcel(session, parcel_id)
        [other] = [party.id for party in people.parties(session) if party.name == world.HOUSEHOLD]
        transfer_id = transfers.propose(
            session, who["officer"], right_id=held.id, party_id=other,
            certificate_kind="contract", certificate_no="流转 9", transferred_on=date(2026, 5, 1),
            reason="流转",
        ).id  # fmt: skip
    at = screen("parcels", "officer2", parcels__choice=parcel_id)
    assert world.HOUSEHOLD in said(at)
    confirmed(at, f"transfer.accept.{transfer_id}")
    assert "转移已生效" in said(at)
    at = screen("parcels", "authority", parcels__choice=parcel_id)
    assert world.HOUSEHOLD not in said(at)

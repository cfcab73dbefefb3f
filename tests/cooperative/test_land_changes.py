"""Splits, merges and transfers of land that contracts, projects and rounds stand on."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from shapely import MultiPolygon
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.cooperative import contracts, land_changes, parcel_history
from sinks.core import people as parties
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.crediting import issuance, projects, rounds
from sinks.land import claims, marks, overlap_cases, parcels, rights, succession, transfers
from sinks.measurement import runs
from tests import world
from tests.land.test_succession import line


def cut(session: Session, parcel_id: int, at_m: float = 200) -> list[MultiPolygon]:
    outline = parcels.boundary_of(parcels.present_version(session, parcel_id))
    return succession.cut(outline, line((at_m, -50), (at_m, 450)))


def issued(session: Session, people: dict[str, Actor], folder: Path) -> world.Story:
    return world.issued_round(session, people, folder)[0]


def test_a_parcel_frozen_in_an_open_round_is_not_split_until_it_is_issued(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    parcel_id = story.parcel_ids[0]
    with pytest.raises(Conflict) as refusal:
        land_changes.split(
            session, people["officer"], parcel_id, cut(session, parcel_id), reason="分户"
        )
    assert refusal.value.code == "in_open_round"
    assert session.get_one(parcels.Parcel, parcel_id).status == "under_contract"


def test_the_contract_and_the_project_follow_and_credited_days_stay_with_the_parent(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = issued(session, people, tmp_path)
    parent = story.parcel_ids[0]
    row = land_changes.split(
        session, people["officer"], parent, cut(session, parent), reason="分户"
    )
    children = succession.of_side(session, row.id, "child")
    for child in children:
        assert session.get_one(parcels.Parcel, child).status == "under_contract"
        assert contracts.of_parcel(session, child).id == story.contract_id
        assert session.get_one(claims.LandClaim, child).starts_on == date(2025, 1, 1)
    assert session.get_one(claims.LandClaim, parent).ends_on == date(2025, 1, 1)
    assert contracts.of_parcel(session, parent) is None
    # The days that were credited cannot be claimed by a child.
    with pytest.raises(claims.LandTaken):
        claims.cover(session, people["clerk"], children[0], date(2024, 1, 1))
    # In the project only when their papers are reviewed.
    members = {item.parcel_id for item in projects.members(session, story.project_id)}
    assert not members & set(children)
    with pytest.raises(NotPermitted):
        land_changes.review(session, people["officer"], row.id)
    land_changes.review(session, people["officer2"], row.id)
    members = {item.parcel_id for item in projects.members(session, story.project_id)}
    assert set(children) <= members
    # And what the parent was issued is untouched.
    assert sum(item.amount_kg for item in issuance.credits_of_parcel(session, parent)) > 0


def test_credited_days_cannot_be_given_up(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = issued(session, people, tmp_path)
    with (
        pytest.raises(sa.exc.IntegrityError, match="credited days stay claimed"),
        session.begin_nested(),
    ):
        session.execute(
            text("UPDATE land_claim SET ends_on = '2024-06-01' WHERE parcel_id = :id"),
            {"id": story.parcel_ids[0]},
        )


def test_a_split_that_leaves_the_contract_behind_is_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = issued(session, people, tmp_path)
    parent = story.parcel_ids[0]
    succession.split(
        session, people["officer"], parent, cut(session, parent), reason="x",
        credited_until=date(2025, 1, 1),
    )  # fmt: skip
    with pytest.raises(Conflict) as refusal:
        succession.settle(session)
    assert refusal.value.code == "contract_left"


def test_nothing_of_a_round_is_issued_while_a_case_about_a_parcel_is_open(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    later = world.reviewed(session, people, world.land(350, 0, 200, 200))
    with pytest.raises(claims.LandTaken):
        claims.enrol(session, people["officer2"], later)
    case_id = overlap_cases.open_for(session, people["officer2"], later).id
    holders = contracts.holders(session, story.round_id)
    with pytest.raises(marks.InDoubt):
        issuance.issue(session, people["registrar"], story.round_id, contract_of=holders)
    assert issuance.batches_of_round(session, story.round_id) == []
    overlap_cases.propose(
        session, people["officer2"], case_id, outcome="other_stands", reason="先登记"
    )
    overlap_cases.decide(session, people["registrar2"], case_id, accept=True, reason="同意")
    issuance.issue(session, people["registrar"], story.round_id, contract_of=holders)
    assert issuance.batches_of_round(session, story.round_id)


def test_a_sliver_lessens_the_area_that_is_measured(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    world.enrolled(session, people, world.land(0, 399.6, 400, 300), name="先")
    story = world.measured_round(session, people, tmp_path)
    frozen = {item.parcel_id: item for item in rounds.round_parcels(session, story.round_id)}
    first, second = story.parcel_ids
    outline_m2 = parcels.present_version(session, first).area_m2
    assert outline_m2 - frozen[first].creditable_area_m2 == pytest.approx(160, rel=0.01)
    whole_m2 = parcels.present_version(session, second).area_m2
    assert frozen[second].creditable_area_m2 == whole_m2
    run = runs.of_round(session, story.round_id)[0]
    measured = {item.parcel_id: item.area_ha for item in runs.parcels_of(session, run.id)}
    assert measured[first] == frozen[first].creditable_area_m2 / 10_000
    assert measured[second] == whole_m2 / 10_000
    assert rounds.remeasure(session, story.round_id).same_result


def household(session: Session) -> int:
    return session.scalars(
        sa.select(parties.Party.id).where(parties.Party.name == world.HOUSEHOLD)
    ).one()


def proposed(session: Session, people: dict[str, Actor], parcel_id: int, **more: object) -> int:
    [(held, _), *_] = rights.of_parcel(session, parcel_id)
    return transfers.propose(
        session, people["officer"], right_id=held.id, party_id=household(session),
        certificate_kind="real_estate", certificate_no="浙（2026）安吉县不动产权第0099999号",
        transferred_on=date(2026, 3, 1), reason="流转合同 2026-17", **more,
    ).id  # fmt: skip


def test_a_transfer_ends_the_old_right_and_tells_contract_and_project(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = issued(session, people, tmp_path)
    parcel_id = story.parcel_ids[0]
    transfer_id = proposed(session, people, parcel_id)
    with pytest.raises(Conflict, match="等待复核"):
        proposed(session, people, parcel_id)
    with pytest.raises(NotPermitted):
        land_changes.accept_transfer(session, people["officer"], transfer_id)
    land_changes.accept_transfer(session, people["officer2"], transfer_id)
    [(new, holder)] = rights.of_parcel(session, parcel_id)
    assert holder.name == world.HOUSEHOLD and new.reviewed_at is not None
    assert new.term_from == date(2026, 3, 1)
    [(old, _), _] = rights.ever_on(session, parcel_id)
    assert old.ended_on == date(2026, 3, 1)
    told = session.scalars(
        sa.select(transfers.RightTransferTold.subject).where(
            transfers.RightTransferTold.transfer_id == transfer_id
        )
    ).all()
    assert sorted(told) == [f"contract:{story.contract_id}", f"project:{story.project_id}"]
    transfers.take_note(session, people["clerk"], transfer_id)
    with pytest.raises(NotFound):
        transfers.take_note(session, people["clerk2"], transfer_id)


def test_a_part_of_a_right_is_transferred_and_the_rest_stays(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    with pytest.raises(Invalid, match="份额"):
        proposed(session, people, parcel_id, share=Decimal("1.5"))
    transfer_id = proposed(session, people, parcel_id, share=Decimal("0.25"))
    land_changes.accept_transfer(session, people["officer2"], transfer_id)
    shares = {party.name: row.share for row, party in rights.of_parcel(session, parcel_id)}
    assert shares == {world.HOUSEHOLD: Decimal("0.25"), world.VILLAGE: Decimal("0.75")}


def test_who_held_it_before_brings_the_parcel_into_no_contract(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    land_changes.accept_transfer(session, people["officer2"], proposed(session, people, parcel_id))
    with pytest.raises(Conflict, match="没有已审的权利"):
        world.contracted(session, people, [parcel_id])


def test_the_history_tells_everything_and_masks_households(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = issued(session, people, tmp_path)
    parent = story.parcel_ids[0]
    land_changes.accept_transfer(session, people["officer2"], proposed(session, people, parent))
    row = land_changes.split(
        session, people["officer"], parent, cut(session, parent), reason="分户"
    )
    told = parcel_history.history(session, parent, names=False)
    assert {event.kind for event in told} == {
        "outline", "step", "right", "claim", "contract", "round", "credit", "succession",
    }  # fmt: skip
    assert [event.at for event in told] == sorted(event.at for event in told)
    text_ = "\n".join(event.text for event in told)
    assert world.HOUSEHOLD not in text_ and "王*" in text_
    assert "拆分为" in text_ and "签发" in text_
    open_ = parcel_history.history(session, parent, names=True)
    assert any(world.HOUSEHOLD in event.text for event in open_)
    child = succession.of_side(session, row.id, "child")[0]
    kinds = {event.kind for event in parcel_history.history(session, child, names=True)}
    assert {"succession", "mark", "contract", "claim"} <= kinds

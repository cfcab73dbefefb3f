"""Land to collect and to put together, looked for where there is more than a screen lists."""

from datetime import timedelta

from sqlalchemy.orm import Session

from sinks.cooperative import contracts
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.web import collection, project_land
from tests import world

COUNTY = "330523"


def three(session: Session, people: dict[str, Actor]) -> list[int]:
    return [
        world.enrolled(session, people, world.land(300 * n, 0, 200, 200), name=name)
        for n, name in enumerate(("东山-1", "东山-2", "西山-1"))
    ]


def test_what_is_typed_finds_counterparties_and_their_parcels(
    session: Session, people: dict[str, Actor]
) -> None:
    ids, village = three(session, people), world.village_id(session)
    count, [one] = collection.counterparties(session, "东山")
    assert (count, one.party_id, one.name, one.parcels) == (1, village, world.VILLAGE, 2)
    assert collection.counterparties(session, world.VILLAGE)[1][0].parcels == 3
    assert collection.counterparties(session, "没有") == (0, [])
    assert collection.counterparties(session, "%") == (0, [])
    assert [row.name for row in collection.listed(session, village, limit=2)] == [
        "东山-1",
        "东山-2",
    ]
    extent = collection.extent(session, village, "西山")
    assert extent.count == 1 and abs(extent.area_m2 - 40_000) < 40
    assert collection.parcel_ids(session, village) == ids
    assert collection.waiting(session)[0] == 3


def test_what_a_draft_names_is_told_and_not_taken_up_twice(
    session: Session, people: dict[str, Actor]
) -> None:
    ids, village = three(session, people), world.village_id(session)
    contracted = world.contracted(session, people, ids[:1])
    row = session.get_one(contracts.Contract, contracted)
    assert collection.parcel_ids(session, village) == ids[1:]
    contracts.end(session, people["clerk"], row.id, reason="协商")
    assert collection.parcel_ids(session, village) == ids
    row = contracts.draft(
        session, people["clerk"], number="再-1", counterparty_id=village, parcel_ids=ids[:1],
        term_from=today(session), term_to=row.term_to, fee_fen_mu_year=1, net_share=row.net_share,
        estimate_kg=1, exit_clause="x",
    )  # fmt: skip
    assert collection.parcel_ids(session, village) == ids[1:]
    assert [one.drafted_in for one in collection.listed(session, village)] == ["再-1", None, None]
    assert collection.extent(session, village).count == 3
    assert collection.extent(session, village, undrafted=True).count == 2
    assert collection.waiting(session)[0] == 2


def test_free_for_a_project_is_what_the_database_would_take(
    session: Session, people: dict[str, Actor]
) -> None:
    ids, owner = three(session, people), people["clerk"].party_id
    assert project_land.counties(session, owner, "bamboo") == []
    contract_id = world.contracted(session, people, ids[:2])
    assert project_land.counties(session, owner, "bamboo") == [COUNTY]
    assert project_land.counties(session, owner, "tea") == []
    assert project_land.parcel_ids(session, owner, "bamboo", COUNTY) == ids[:2]
    # The village holds the third itself, by a whole reviewed right.
    village = world.village_id(session)
    assert project_land.parcel_ids(session, village, "bamboo", COUNTY) == ids[2:]
    [only] = project_land.listed(session, owner, "bamboo", COUNTY, "东山-2")
    assert only.parcel_id == ids[1]
    world.policies_in_force(session, people)
    project_id = world.registered_project(session, people, ids[:1])
    assert project_land.extent(session, owner, "bamboo", COUNTY).count == 1
    assert abs(project_land.areas_m2(session)[project_id] - 40_000) < 40
    session.get_one(contracts.Contract, contract_id).term_to = today(session) - timedelta(days=1)
    session.flush()
    assert project_land.counties(session, owner, "bamboo") == []

"""Whose land a project may take: its owner's by contract or by a whole right of its own."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid
from sinks.crediting import openings, projects
from sinks.crediting.projects import ProjectParcel
from sinks.land import claims, parcels, rights
from tests import world
from tests.world import Layers


def create(session: Session, people: dict[str, Actor], parcel_id: int) -> projects.Project:
    return projects.create(
        session, people["clerk"], name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
    )


def managed(session: Session, people: dict[str, Actor], *held: tuple[str, str, str]) -> int:
    """An enrolled parcel with further reviewed rights: (actor's name, kind, share)."""
    parcel_id = world.draft(session, people, world.land(0, 0, 200, 200))
    for name, kind, share in held:
        rights.add(
            session, people["officer"], parcel_id=parcel_id, party_id=people[name].party_id,
            kind=kind, share=Decimal(share), certificate_kind="contract", certificate_no="流转-1",
            term_from=date(2024, 1, 1), term_to=date(2044, 1, 1),
        )  # fmt: skip
    parcels.submit(session, people["officer"], parcel_id)
    rights.review(session, people["officer2"], parcel_id)
    claims.enrol(session, people["officer2"], parcel_id)
    return parcel_id


def test_land_without_a_contract_or_right_of_the_owner_is_refused_by_its_code(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    with pytest.raises(Conflict) as refusal:
        create(session, people, parcel_id)
    assert refusal.value.code == "not_held"
    assert session.get_one(parcels.Parcel, parcel_id).code in refusal.value.message


def test_a_method_that_rounds_cannot_measure_founds_no_project(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [parcel_id])
    with pytest.raises(Invalid, match="监测期") as refusal:
        projects.create(
            session, people["clerk"], name="x", method_id="wetland-price/1", strata={parcel_id: "A"}
        )
    assert refusal.value.code == "method"


def test_a_signed_contract_of_the_owner_carries_the_sink(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [parcel_id])
    assert create(session, people, parcel_id).owner_id == people["clerk"].party_id


@pytest.mark.parametrize(
    ("held", "ok"),
    [
        ((("clerk", "management", "1"),), True),
        ((("clerk", "sink_income", "1"),), True),
        ((("clerk", "management", "0.5"),), False),
        ((("clerk", "land_ownership", "1"),), False),
        ((("verifier", "management", "1"),), False),
        ((("clerk", "management", "1"), ("verifier", "sink_income", "0.2")), False),
    ],
)
def test_a_right_of_the_owners_own_carries_the_sink_when_it_is_whole(
    session: Session, people: dict[str, Actor], held: tuple[tuple[str, str, str], ...], ok: bool
) -> None:
    parcel_id = managed(session, people, *held)
    if ok:
        assert create(session, people, parcel_id).id
    else:
        with pytest.raises(Conflict) as refusal:
            create(session, people, parcel_id)
        assert refusal.value.code == "not_held"


def test_anothers_contract_takes_the_sink_from_the_holder_of_a_right(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = managed(session, people, ("verifier", "management", "1"))
    world.contracted(session, people, [parcel_id])
    other = people["verifier"]
    developer = Actor(other.person_id, "x", other.party_id, "x", frozenset({"developer"}))
    with pytest.raises(Conflict) as refusal:
        projects.create(
            session, developer, name="x", method_id="moso-mgmt/1", strata={parcel_id: "A"}
        )
    assert refusal.value.code == "not_held"


def test_a_round_before_the_right_began_is_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    parcel_id = managed(session, people, ("clerk", "management", "1"))  # From 2024 on.
    project = create(session, people, parcel_id)
    found: Layers = world.two_layers(session, people, tmp_path)  # From 2023 on.
    with pytest.raises(Conflict) as refusal:
        openings.by_layers(
            session, people["clerk"], project.id, layer_start_id=found.start_id,
            layer_end_id=found.end_id, facts=world.MANAGED,
        )  # fmt: skip
    assert refusal.value.code == "not_held" and "2023-01-01" in refusal.value.message


def test_the_database_itself_refuses_anothers_land(
    session: Session, people: dict[str, Actor]
) -> None:
    mine = world.enrolled(session, people, world.land(0, 0, 200, 200))
    world.contracted(session, people, [mine])
    project = create(session, people, mine)
    free = world.enrolled(session, people, world.land(300, 0, 200, 200))
    with pytest.raises(sa.exc.IntegrityError, match="not the owner's"), session.begin_nested():
        session.add(ProjectParcel(project_id=project.id, parcel_id=free, stratum="A"))
        session.flush()
    assert [member.parcel_id for member in projects.members(session, project.id)] == [mine]

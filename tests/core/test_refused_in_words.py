"""The same number typed by two people at one instant: the second waits, and reads a sentence."""

import json
import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis_data import geometry
from gis_data.check import CheckedRow, CheckReport
from sinks.cooperative import contracts
from sinks.core import db
from sinks.core import people as book
from sinks.core.actor import Actor, Role
from sinks.core.errors import Conflict
from sinks.crediting import projects
from sinks.land import import_reading, imports, parcels, programme_imports
from sinks.land.staging import Options
from sinks.restoration import cases
from tests import world
from tests.cli.cli_help import geojson

Act = Callable[[Session, dict[str, Actor]], object]


def case(session: Session, people: dict[str, Actor]) -> object:
    return cases.open_case(
        session, people["court"], case_no="（2026）浙0591刑初77号", defendant="李小四",
        cause="失火罪", damage="forest",
    )  # fmt: skip


def person(session: Session, people: dict[str, Actor]) -> object:
    return book.add_person(
        session, people["admin"], login="same.login", name="新人",
        party_id=people["officer"].party_id, password=world.PASSWORD,
    )  # fmt: skip


def grant(session: Session, people: dict[str, Actor]) -> object:
    return book.grant(session, people["admin"], people["auditor"].person_id, Role.OFFICER)


def contract(session: Session, people: dict[str, Actor]) -> object:
    free = session.scalars(
        sa.select(parcels.Parcel.id).where(parcels.Parcel.status == "enrolled")
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()  # fmt: skip
    assert free
    return contracts.draft(
        session, people["clerk"], number="同号-1", counterparty_id=world.village_id(session),
        parcel_ids=[free], term_from=date(2023, 1, 1), term_to=date(2043, 1, 1),
        fee_fen_mu_year=1, net_share=Decimal("0.8"), estimate_kg=1, exit_clause="可退出",
    )  # fmt: skip


def filing(session: Session, people: dict[str, Actor]) -> object:
    waiting = session.scalars(
        sa.select(projects.Project.id)
        .where(projects.Project.status == "under_validation")
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    assert waiting
    return projects.register(session, people["authority"], waiting, "同号-2")


def programme_claim(session: Session, people: dict[str, Actor]) -> object:
    outline = world.land(5_000, 0, 100, 100)
    row = CheckedRow(0, outline, geometry.area_m2(outline), {}, [], "0" * 64)
    return programme_imports.commit(
        session, people["officer"], report=CheckReport(1, [row]),
        file_name="vcs.geojson", content=b"{}", sha256="0" * 64, programme="VCS",
        starts_on=date(2024, 1, 1), ends_on=None, pool="all", external_id="VCS-1",
    )  # fmt: skip


@pytest.fixture(scope="module")
def land(engine: sa.Engine, people: dict[str, Actor]) -> None:
    """Two free parcels, and two projects that wait for their filing number."""
    with db.transaction(people["registrar"]) as session:
        world.policies_in_force(session, people)
        for number in range(4):
            parcel_id = world.enrolled(session, people, world.land(300 * number, 0, 200, 200))
            if number < 2:
                continue
            world.contracted(session, people, [parcel_id])
            project = projects.create(
                session, people["clerk"], name="x", method_id="moso-mgmt/1",
                strata={parcel_id: "A"},
            )  # fmt: skip
            projects.publish(session, people["clerk"], project.id)
            projects.validate(session, people["verifier"], project.id, "符合")


@pytest.mark.parametrize(
    ("act", "by", "code"),
    [
        (case, "court", "case_held"), (person, "admin", "login_taken"),
        (grant, "admin", "role_held"), (contract, "clerk", "contract_number"),
        (filing, "authority", "filing_no"), (programme_claim, "officer", "claim_known"),
    ],
)  # fmt: skip
def test_the_second_of_two_at_one_instant_waits_and_is_told(
    engine: sa.Engine, people: dict[str, Actor], land: None, act: Act, by: str, code: str
) -> None:
    told: list[str] = []

    def second() -> None:
        with pytest.raises(Conflict) as refusal, db.transaction(people[by]) as session:
            act(session, people)
        told.append(refusal.value.code)

    rival = threading.Thread(target=second)
    with db.transaction(people[by]) as session:
        act(session, people)
        rival.start()
        world.wait_until_blocked(engine)
        assert told == []
    rival.join(30)
    assert told == [code]


def test_one_file_committed_by_two_at_one_instant_is_imported_once(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    content = json.dumps(geojson(world.land(9_000, 0, 100, 100))).encode()
    batches = []
    for name in ("officer", "officer2"):
        with db.transaction(people[name]) as session:
            batches.append(
                import_reading.stage(
                    session, people[name], file_name="x.geojson", content=content,
                    options=Options("bamboo"),
                ).id
            )  # fmt: skip

    def commit(session: Session, number: int) -> int:
        actor = people[("officer", "officer2")[number]]
        return imports.commit(
            session, actor, batches[number], owner_id=world.village_id(session)
        ).id  # fmt: skip

    found: list[int] = []

    def second() -> None:
        with db.transaction(people["officer2"]) as session:
            found.append(commit(session, 1))

    rival = threading.Thread(target=second)
    with db.transaction(people["officer"]) as session:
        first = commit(session, 0)
        rival.start()
        world.wait_until_blocked(engine)
        assert found == []
    rival.join(30)
    assert found == [first]
    with db.transaction(people["officer"]) as session:
        assert len(imports.parcel_ids(session, first)) == 1

"""Land that another programme has claimed is not claimed here for the same days."""

import threading
from datetime import date

import pytest
import sqlalchemy as sa
from shapely import MultiPolygon
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis_data import check, geometry, vectors
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Invalid, NotPermitted
from sinks.land import (
    claims,
    land_audit,
    marks,
    overlap_cases,
    parcels,
    programme_claims,
    programme_imports,
)
from sinks.land.programme_imports import Imported
from tests import world
from tests.land.test_claims import _enrol, _wait_for_a_waiter
from tests.land.test_overlap_cases import refused


def imported(
    session: Session, people: dict[str, Actor], *outlines: MultiPolygon, **more: object
) -> Imported:
    """Outlines of project ZP-7 of 浙林碳普惠, claimed from 2024 on for all pools."""
    rows = [
        vectors.Row(number, outline, {"name": f"小班 {number}"})
        for number, outline in enumerate(outlines)
    ]
    read = vectors.VectorFile(
        rows, geometry.crs_of("EPSG:4490"), "file", "UTF-8", ["name"], "GeoJSON", "ab" * 32, "-"
    )
    asked = {
        "programme": "浙林碳普惠", "starts_on": date(2024, 1, 1), "ends_on": None,
        "external_id": "ZP-7",
    } | more  # fmt: skip
    return programme_imports.commit(
        session, people["officer"], report=check.check_rows(read, sink_type="other"),
        file_name="ZP-7.geojson", content=b"{}", sha256="ab" * 32, **asked,
    )  # fmt: skip


def test_enrolment_on_it_is_refused_by_programme_and_number(
    session: Session, people: dict[str, Actor]
) -> None:
    done = imported(session, people, world.land(0, 0, 200, 200))
    assert len(done.claim_ids) == 1 and done.case_ids == []
    parcel_id = world.reviewed(session, people, world.land(100, 0, 200, 200))
    refusal = refused(session, people, parcel_id)
    assert refusal.code == "land_taken" and "浙林碳普惠 ZP-7" in refusal.message
    case = overlap_cases.view(
        session, overlap_cases.open_for(session, people["officer2"], parcel_id).id
    )
    assert [side.code for side in case.others] == ["浙林碳普惠 ZP-7"]


def test_beside_it_and_before_it_the_land_is_free(
    session: Session, people: dict[str, Actor]
) -> None:
    imported(session, people, world.land(0, 0, 200, 200))
    world.enrolled(session, people, world.land(200, 0, 200, 200))
    imported(
        session, people, world.land(0, 400, 200, 200), starts_on=date(2020, 1, 1),
        ends_on=date(2024, 1, 1), external_id="ZP-6",
    )  # fmt: skip
    parcel_id = world.enrolled(session, people, world.land(0, 400, 200, 200))
    claims.cover(session, people["clerk"], parcel_id, date(2024, 1, 1))
    with pytest.raises(claims.LandTaken, match="ZP-6"):
        claims.cover(session, people["clerk"], parcel_id, date(2023, 1, 1))


def test_the_same_file_again_changes_nothing(session: Session, people: dict[str, Actor]) -> None:
    imported(session, people, world.land(0, 0, 200, 200))
    again = imported(session, people, world.land(0, 0, 200, 200))
    assert (again.claim_ids, again.known) == ([], 1)
    for wrong in ({"pool": "trees"}, {"external_id": ""}, {"ends_on": date(2023, 1, 1)}):
        with pytest.raises(Invalid):
            imported(session, people, world.land(0, 0, 200, 200), **wrong)


def test_over_land_of_the_register_a_case_opens_and_nothing_is_taken(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    done = imported(session, people, world.land(100, 0, 300, 200))
    [case_id] = done.case_ids
    [row] = programme_claims.listing(session)
    assert row.status == "disputed"
    assert marks.doubts(session, parcel_id) == [f"第 {case_id} 号重叠争议尚待两人处理"]
    assert session.get_one(claims.LandClaim, parcel_id).ends_on is None
    # What lies outside the parcel is the programme's from now on.
    beside = world.reviewed(session, people, world.land(220, 0, 100, 100))
    assert "ZP-7" in refused(session, people, beside).message
    assert land_audit.audit(session).disputed == 1


def test_the_programme_stands_so_the_parcel_is_suspended_and_its_land_passes_on(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200))
    [case_id] = imported(session, people, world.land(0, 0, 200, 200)).case_ids
    overlap_cases.propose(
        session, people["officer"], case_id, outcome="other_stands", reason="已在该机制签发"
    )
    overlap_cases.decide(session, people["registrar"], case_id, accept=True, reason="属实")
    assert session.get_one(parcels.Parcel, parcel_id).status == "suspended"
    claims.withdraw(session, people["officer2"], parcel_id, "按决定退出")
    later = world.reviewed(session, people, world.land(0, 0, 260, 200))
    assert "ZP-7" in refused(session, people, later).message


def test_a_claim_that_proves_wrong_is_ended_by_another_person_and_frees_the_land(
    session: Session, people: dict[str, Actor]
) -> None:
    [claim_id] = imported(session, people, world.land(0, 0, 200, 200)).claim_ids
    with pytest.raises(NotPermitted):
        programme_claims.end(session, people["officer"], claim_id, "错了")
    programme_claims.end(session, people["registrar"], claim_id, "该机制已注销此项目")
    world.enrolled(session, people, world.land(0, 0, 200, 200))
    with pytest.raises(sa.exc.IntegrityError, match="only ever ended"), session.begin_nested():
        session.execute(text("UPDATE programme_claim SET status = 'standing'"))


def test_another_pool_is_refused_unless_the_policy_tells_pools_apart(
    session: Session, people: dict[str, Actor]
) -> None:
    imported(session, people, world.land(0, 0, 200, 200), pool="soil")
    parcel_id = world.reviewed(session, people, world.land(0, 0, 200, 200))
    refused(session, people, parcel_id)
    world.policies_in_force(session, people, programme_pools="differ")
    imported(session, people, world.land(400, 0, 200, 200), pool="soil", external_id="ZP-8")
    imported(session, people, world.land(800, 0, 200, 200), pool="biomass", external_id="ZP-9")
    world.enrolled(session, people, world.land(400, 0, 200, 200))
    same_pool = world.reviewed(session, people, world.land(800, 0, 200, 200))
    assert "ZP-9" in refused(session, people, same_pool).message
    # Two parcels never share land, whatever they are credited for.
    rival = world.reviewed(session, people, world.land(450, 0, 200, 200))
    assert refused(session, people, rival).code == "land_taken"


def test_an_import_and_an_enrolment_at_one_instant_meet(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"], bind=engine) as session:
        parcel_id = world.reviewed(session, people, world.land(15_000, 0, 200, 200))
    outcome: list[str] = []
    with db.transaction(people["officer"], bind=engine) as holder:
        imported(holder, people, world.land(15_100, 0, 200, 200))
        rival = threading.Thread(target=_enrol, args=(engine, people, parcel_id, outcome))
        rival.start()
        _wait_for_a_waiter(engine)
        assert not outcome
    rival.join()
    assert outcome == ["land_taken"]

"""The demonstration, filled once into an empty database of its own (about half a minute)."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import func, select

from gis_data import rasters
from sinks.cli import demo, demo_land, demo_layers, demo_register
from sinks.cli.demo_people import MARK, NOT_APPROVED
from sinks.cooperative import contracts
from sinks.core import cluster as clusters
from sinks.core import db, migrate, people, policies
from sinks.core.actor import Actor, Role
from sinks.core.errors import Conflict, NotPermitted
from sinks.crediting import (
    certificates,
    ledger,
    projects,
    round_records,
    rounds,
    verification,
)
from sinks.land import claims, land_audit, marks, parcel_list, parcels
from sinks.measurement import activity_records, layers, plots, runs
from sinks.restoration import cases

# Neither the specifications nor a worked example give a figure; it is asked for where harvest fell.
UNDECIDED = {"market_leakage_share.moso-mgmt"}


@dataclass(frozen=True)
class Filled:
    """A database with the demonstration, who is in it, and the first administrator."""

    engine: sa.Engine
    shown: demo.DemoPeople
    admin_id: int

    def actor(self, login: str) -> Actor:
        with db.transaction(bind=self.engine) as session:
            found = {person.login: person.id for person, _, _ in people.people(session)}
            return people.actor_of(session, found[login])


@pytest.fixture(scope="module")
def filled(cluster: clusters.Cluster, data_dir: Path) -> Iterator[Filled]:
    cluster.sql("postgres", "DROP DATABASE IF EXISTS demo;")
    cluster.sql("postgres", "CREATE DATABASE demo OWNER sinks_owner;")
    cluster.sql("demo", "CREATE EXTENSION postgis; CREATE EXTENSION btree_gist;"
                         "ALTER SCHEMA public OWNER TO sinks_owner;")  # fmt: skip
    migrate.upgrade(cluster.migration_url.replace("@/sinks?", "@/demo?"))
    engine = db.connect(cluster.app_url.replace("@/sinks?", "@/demo?"))
    with db.transaction(bind=engine) as session:
        party = people.add_party(session, None, kind="registry", name="登记机构")
        admin = people.add_person(
            session, None, login="admin", name="管理员", party_id=party.id,
            password="a password of ten",
        )  # fmt: skip
        people.grant(session, None, admin.id, Role.ADMIN)
        policies.seed_suggestions(session)
        admin_id = admin.id
    yield Filled(engine, demo.fill(admin_id, bind=engine), admin_id)
    engine.dispose()


def test_three_hundred_parcels_of_four_types_stand_at_every_step(filled: Filled) -> None:
    with db.transaction(filled.actor("officer1"), bind=filled.engine) as session:
        rows = parcel_list.rows(session)
    assert len(rows) == 300
    assert set(Counter(row.sink_type for row in rows)) == {"bamboo", "wetland", "farmland", "tea"}
    assert {row.status for row in rows} == set(parcels.Status)
    assert {row.district_code for row in rows} == set(demo_register.DISTRICT_ZH)
    assert all(row.demonstration for row in rows)


def test_some_parcels_overlap_and_some_differ_from_their_certificate(filled: Filled) -> None:
    with db.transaction(filled.actor("officer1"), bind=filled.engine) as session:
        counted = session.execute(
            select(marks.ParcelMark.code, func.count())
            .where(marks.ParcelMark.closed_at.is_(None))
            .group_by(marks.ParcelMark.code)
        ).all()
    found = {code: count for code, count in counted}
    assert found["declared_area"] == len(demo_register.DECLARED_SHARE)
    assert found["overlap"] >= 2 * len(demo_register.OVERLAPPING)


def test_a_reviewed_parcel_that_overlaps_is_refused_when_somebody_enrols_it(
    filled: Filled,
) -> None:
    officer = filled.actor("officer1")
    with db.transaction(officer, bind=filled.engine) as session:
        wide = next(
            row for row in parcel_list.rows(session, status=parcels.Status.RIGHTS_REVIEWED)
            if row.township == "上墅乡" and row.open_marks
        )  # fmt: skip
        with pytest.raises(claims.LandTaken):
            claims.enrol(session, officer, wide.id)


def test_no_land_is_counted_twice(filled: Filled) -> None:
    with db.transaction(filled.actor("auditor1"), bind=filled.engine) as session:
        assert land_audit.double_counted_m2(session) < 1.0


def test_the_ledger_holds(filled: Filled) -> None:
    with db.transaction(filled.actor("registrar1"), bind=filled.engine) as session:
        check = ledger.verify_ledger(session)
    assert check.broken == [] and check.transfers > 10


def test_every_step_of_a_project_and_of_a_round_has_one_that_waits_there(filled: Filled) -> None:
    with db.transaction(filled.actor("registrar1"), bind=filled.engine) as session:
        listed = [project for project, _ in projects.listing(session)]
        held = [row for project in listed for row in rounds.of_project(session, project.id)]
        open_findings = [
            finding for row in held for finding in verification.findings(session, row.id)
            if finding.answer is None
        ]  # fmt: skip
        assert {row.status for row in listed} == set(projects.Status) - {projects.Status.REJECTED}
        # A round under verification is one whose finding is open: it waits for the answer.
        assert {row.status for row in held} == set(rounds.Status) - {
            rounds.Status.UNDER_VERIFICATION
        }
        assert len(open_findings) == 1
        assert all(project.demonstration and MARK in project.name for project in listed)


def test_the_plots_agree_with_the_map_and_the_map_alone_earns_nothing(filled: Filled) -> None:
    with db.transaction(filled.actor("registrar1"), bind=filled.engine) as session:
        results = {
            project.name: runs.get(session, row.run_id).result
            for project, _ in projects.listing(session)
            for row in rounds.of_project(session, project.id)
            if row.run_id and row.layer_start_id
        }
    by_map = next(result for name, result in results.items() if name.startswith("石岭村"))
    assert by_map["issuable_kg"] == 0
    assert "RASTER_ONLY" in [notice["code"] for notice in by_map["warnings"]]
    for name, result in results.items():
        assert result["refusals"] == []
        if result is not by_map:
            assert 0.08 < result["intermediate"]["u90"] < 0.25, name
            assert result["issuable_kg"] > 100_000


def test_a_restored_wetland_gives_off_less_than_its_ponds_and_still_gives_off(
    filled: Filled,
) -> None:
    with db.transaction(filled.actor("verifier1"), bind=filled.engine) as session:
        [project] = [
            one for one, _ in projects.listing(session) if one.method_id == "wetland-balance/1"
        ]
        [row] = rounds.of_project(session, project.id)
        result = runs.get(session, row.run_id or 0).result
        assert row.status == rounds.Status.PUBLIC_NOTICE and result["refusals"] == []
        balance = result["intermediate"]["abs_co2e_t"]["total"]
        before = result["intermediate"]["baseline_abs_co2e_t"]["total"]
        assert before < balance < 0 < result["issuable_kg"] < 1000 * (balance - before)
        assert rounds.remeasure(session, row.id).same_result


def test_three_paddies_are_measured_by_their_records_and_before_the_public(filled: Filled) -> None:
    with db.transaction(filled.actor("verifier1"), bind=filled.engine) as session:
        [row] = [
            row for row in rounds.in_status(session, rounds.Status.PUBLIC_NOTICE)
            if rounds.method_of(session, row) == "paddy-ch4/1"
        ]  # fmt: skip
        result = rounds.run_of(session, row).result
        frozen = round_records.of_round(session, row.id)
        filed = activity_records.evidence_of(session, [one.id for one in frozen])
        assert len(rounds.round_parcels(session, row.id)) == 3 and len(frozen) == len(filed) == 12
        assert rounds.remeasure(session, row.id).same_result
    assert result["refusals"] == [] and 5_000 < result["issuable_kg"] < 20_000


def test_measuring_the_issued_round_again_gives_the_same_bytes(filled: Filled) -> None:
    with db.transaction(filled.actor("verifier1"), bind=filled.engine) as session:
        issued = rounds.in_status(session, rounds.Status.ISSUED)[0]
        again = rounds.remeasure(session, issued.id)
    assert again.same_input and again.same_result


def test_a_court_case_stands_at_every_step(filled: Filled) -> None:
    with db.transaction(filled.actor("court1"), bind=filled.engine) as session:
        listed = [(case.status, case.defendant) for case in cases.listing(session)]
    assert {status for status, _ in listed} == set(cases.Status)
    assert all(MARK in defendant for _, defendant in listed)


def test_every_certificate_says_that_it_is_a_demonstration(filled: Filled) -> None:
    with db.transaction(filled.actor("registrar1"), bind=filled.engine) as session:
        listed = certificates.listing(session)
        kinds = Counter(row.kind for row in listed)
        assert kinds == {"retirement": 2, "holding": 1}
        for row in listed:
            assert row.public["demonstration"] is True
            assert certificates.check(session, row.number).genuine


def test_layers_policies_and_names_say_that_they_are_invented(filled: Filled) -> None:
    with db.transaction(filled.actor("registrar1"), bind=filled.engine) as session:
        covers = layers.listing(session, variable="land_cover")
        assert [row.epoch for row in covers] == sorted(demo_layers.COVER_EPOCHS, reverse=True)
        assert all(row.demonstration and demo_layers.LABEL in row.name for row in covers)
        maps = layers.listing(session, variable="agb")
        assert [row.epoch for row in maps] == sorted(demo_layers.EPOCHS, reverse=True)
        assert all(row.demonstration and demo_layers.LABEL in row.name for row in maps)
        assert all(row.stderr_layer_id for row in maps)
        in_force = policies.in_force(session, *(set(policies.KINDS) - UNDECIDED))
        assert all(row.demonstration for row in in_force.values())
        assert in_force["unit_kg"].value == 10 and in_force["notice_days.round"].value == 0
        parties = people.parties(session)
        assert all("演示" in party.name for party in parties if party.name != "登记机构")


def test_the_public_sees_no_household(filled: Filled) -> None:
    with db.transaction(bind=filled.engine) as session:
        assert people.parties(session, "household") == []
    with db.transaction(filled.actor("officer1"), bind=filled.engine) as session:
        names = [party.name for party in people.parties(session, "household")]
    assert len(set(names)) == demo_register.HOUSEHOLDS
    assert people.masked(names[0]) == f"{names[0][0]}*"


def test_something_waits_for_each_second_person(filled: Filled) -> None:
    with db.transaction(filled.actor("admin2"), bind=filled.engine) as session:
        waiting = [
            person.login for person, _, grants in people.people(session)
            for grant in grants if not grant.in_force
        ]  # fmt: skip
        drafted = [
            row for row, _ in contracts.listing(session) if row.status == contracts.Status.DRAFTED
        ]
        proposed = [
            row for row in policies.listing(session)
            if row.proposed_by_id is not None and row.approved_by_id is None
        ]  # fmt: skip
    with db.transaction(filled.actor("auditor1"), bind=filled.engine) as session:
        drafted = [
            row for row, _ in contracts.listing(session) if row.status == contracts.Status.DRAFTED
        ]  # fmt: skip
    assert waiting == [NOT_APPROVED]
    assert len(drafted) == 2 and len(proposed) == 1


def test_everybody_shown_signs_in_with_the_one_password_and_no_other(filled: Filled) -> None:
    shown = filled.shown
    assert {row.login for row in shown.people} >= {"officer2", "clerk2", "registrar2", "admin2"}
    login = shown.people[0].login
    with db.transaction(bind=filled.engine) as session:
        assert people.check_password(session, login, shown.password).login == login
        with pytest.raises(NotPermitted):
            people.check_password(session, login, shown.password + "x")


def test_a_registry_that_holds_parcels_is_not_filled_again(filled: Filled) -> None:
    with pytest.raises(Conflict, match="300 个地块"):
        demo.fill(filled.admin_id, bind=filled.engine)


def test_the_maps_are_the_same_bytes_each_time_and_say_what_they_are(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        written = demo_layers.write(folder)
        files = [path for item in written.values() for path in (item.agb, item.stderr)]
        assert all(path.stat().st_size < 3_000_000 for path in files)
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    assert digests[0] == digests[1]
    info = rasters.inspect(files[0])
    assert demo_layers.LABEL in info.description and info.unit == "Mg/ha"
    assert info.crs == "EPSG:4549" and info.mean == pytest.approx(60.0, abs=1.0)


def test_most_of_the_land_is_bamboo_and_some_fields_turned_to_it(tmp_path: Path) -> None:
    earlier, later = demo_layers.land_cover().values()
    assert set(np.unique(earlier)) == set(demo_layers.COVER_LEGEND)
    assert 0.5 < (earlier == 1).mean() < 0.9
    turned = earlier != later
    assert set(earlier[turned]) == {4} and set(later[turned]) == {1} and turned.sum() > 100
    for path in demo_layers.write_land_cover(tmp_path).values():
        info = rasters.inspect(path)
        assert info.whole_numbers and demo_layers.LABEL in info.description


def test_the_standard_error_is_fifteen_to_eighteen_percent_of_the_map() -> None:
    found = demo_layers.maps()
    for epoch in demo_layers.EPOCHS:
        share = found.stderr[epoch].mean() / found.agb[epoch].mean()
        assert 0.15 < share < 0.18
    change = found.agb[demo_layers.EPOCHS[1]] - found.agb[demo_layers.EPOCHS[0]]
    assert np.mean(change) == pytest.approx(5.3, abs=0.3)


@pytest.mark.parametrize("key", ["daxi", "hemu", "morong", "huangdu"])
def test_neighbours_touch_and_do_not_overlap(key: str) -> None:
    outlines = demo_land.outlines(key)
    for place, one in enumerate(outlines):
        assert one.boundary.is_valid
        for other in outlines[place + 1 :]:
            # In square degrees: 0.01 m2, the rounding of a shared border.
            assert one.boundary.intersection(other.boundary).area < 1e-12


def test_culms_of_a_plot_come_to_the_biomass_that_was_asked_for() -> None:
    for agb_t_ha in (35.0, 60.0, 82.5):
        rows, found_t_ha = demo_land.culms(agb_t_ha, slope_deg=18.0, dbh_mean_cm=9.4)
        assert found_t_ha == pytest.approx(agb_t_ha, rel=0.01)
        assert all(isinstance(row, plots.CulmCount) and row.count > 0 for row in rows)

"""Records of land that was split or merged: they hold for the children, and are copied nowhere."""

import pytest
from shapely import LineString
from sqlalchemy.orm import Session

from sinks.cooperative import land_changes
from sinks.core.actor import Actor
from sinks.crediting import round_policies, round_records, rounds
from sinks.land import parcels, succession
from sinks.land.succession import Succession
from sinks.measurement import activity_lineage, activity_records, runs
from sinks.measurement.record_runs import RecordsRefused
from tests import world

YEARS = (2022, 2023, 2024, 2025)
# R-2, 294.475 - 228.114 kg CH4/ha at 28.
GROSS_T_HA = (294.475 - 228.114) * 28 / 1000


def code_of(session: Session, parcel_id: int) -> str:
    return session.get_one(parcels.Parcel, parcel_id).code


def field(
    session: Session, people: dict[str, Actor], x_m: float, width_m: float, **values: object
) -> int:
    """A paddy with four years of records, of R-2 but for what is given."""
    parcel_id = world.enrolled(
        session, people, world.land(x_m, 1200, width_m, 200), name=f"田-{x_m:g}",
        sink_type="farmland",
    )  # fmt: skip
    for year in YEARS:
        world.paddy_season(session, {"clerk": people["officer"]}, parcel_id, year, **values)
    return parcel_id


def project_of(session: Session, people: dict[str, Actor], parcel_ids: list[int]) -> world.Farm:
    world.policies_in_force(session, people, gwp_set="ar5", unit_kg=1)
    world.contracted(session, people, parcel_ids)
    project_id = world.record_project(session, people, parcel_ids, "paddy-ch4/1", 2025)
    return world.Farm(project_id, parcel_ids)


def halved(session: Session, people: dict[str, Actor], parcel_id: int) -> list[int]:
    """The western and the eastern half of a parcel, reviewed and in the project."""
    outline = parcels.boundary_of(parcels.present_version(session, parcel_id))
    middle = outline.centroid.x
    line = LineString([(middle, 0), (middle, 60)])
    row = land_changes.split(
        session, people["officer"], parcel_id, succession.cut(outline, line), reason="分户"
    )
    land_changes.review(session, people["officer2"], row.id)
    return succession.of_side(session, row.id, "child")


def merged(session: Session, people: dict[str, Actor], farm: world.Farm) -> int:
    row: Succession = land_changes.merge(
        session, people["officer"], farm.parcel_ids, reason="并田", name="大田"
    )
    land_changes.review(session, people["officer2"], row.id)
    return succession.of_side(session, row.id, "child")[0]


def test_the_pieces_of_a_split_are_measured_by_the_records_of_the_whole(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = field(session, people, 0, 400)
    farm = project_of(session, people, [parent])
    children = halved(session, people, parent)
    row = world.open_2025(session, people, farm)
    # Nothing was copied: the round counts the four records that were written down.
    frozen = round_records.of_round(session, row.id)
    assert {one.parcel_id for one in frozen} == {parent} and len(frozen) == len(YEARS)
    run = rounds.measure(session, people["clerk"], row.id)
    pieces = runs.parcels_of(session, run.id)
    assert {one.parcel_id for one in pieces} == set(children)
    area_ha = sum(one.area_ha for one in pieces)
    assert run.result["gross_co2_t"] == pytest.approx(GROSS_T_HA * area_ha, rel=1e-4)
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result


def test_what_is_written_for_a_piece_itself_takes_the_place_of_that_year(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = field(session, people, 0, 400)
    farm = project_of(session, people, [parent])
    first, second = halved(session, people, parent)
    own = world.paddy_season(session, people, first, 2025, yield_t_ha=7.8)
    counting = activity_lineage.standing(
        session, [first, second], ["paddy_season"], before_year=2026
    )
    of_2025 = {
        parcel_id: [one.record.id for one in rows if one.record.year == 2025]
        for parcel_id, rows in counting.items()
    }
    assert of_2025[first] == [own.id] and own.id not in of_2025[second]
    run = rounds.measure(session, people["clerk"], world.open_2025(session, people, farm).id)
    change = run.input["strata"][0]["input"]["gates"]["yield_change_share"]
    assert change == pytest.approx(-0.1 / 8.0, rel=1e-3)


def test_a_record_of_a_later_year_than_the_split_does_not_hold_for_the_pieces(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = field(session, people, 0, 400)
    project_of(session, people, [parent])
    children = halved(session, people, parent)
    ended = activity_lineage.lineage.lineage(session, children)[children[0]][0].until_year
    late = activity_records.ActivityRecord(
        parcel_id=parent, year=ended + 1, kind="paddy_season", slot="single", values={},
        person_id=people["officer"].person_id,
    )  # fmt: skip
    counting = activity_lineage.counted(session, children, [late])
    assert counting == {children[0]: [], children[1]: []}


def test_a_merge_of_fields_farmed_alike_weighs_their_yields_by_area(
    session: Session, people: dict[str, Actor]
) -> None:
    wide = field(session, people, 0, 300, yield_t_ha=8.0)
    narrow = field(session, people, 300, 100, yield_t_ha=6.0)
    farm = project_of(session, people, [wide, narrow])
    child = merged(session, people, farm)
    row = world.open_2025(session, people, farm)
    frozen = rounds.frozen_by_records(
        session, row, round_policies.calculating(session, "paddy-ch4/1")[0]
    )
    [parcel] = frozen.parcels
    assert parcel.parcel_id == child
    shares = {one.parcel_code: one.area_share for one in parcel.records}
    assert shares[code_of(session, wide)] == pytest.approx(0.75, abs=1e-4)
    run = rounds.measure(session, people["clerk"], row.id)
    assert run.input["strata"][0]["input"]["gates"]["yield_change_share"] == pytest.approx(0.0)
    [measured] = runs.parcels_of(session, run.id)
    assert run.result["gross_co2_t"] == pytest.approx(GROSS_T_HA * measured.area_ha, rel=1e-4)


def test_where_the_fields_of_a_merge_differ_they_are_named_until_the_child_has_its_own_record(
    session: Session, people: dict[str, Actor]
) -> None:
    one, other = field(session, people, 0, 200), field(session, people, 200, 200)
    farm = project_of(session, people, [one, other])
    world.paddy_season(session, people, other, 2023, correcting=True, n_kg_ha=150.0)
    child = merged(session, people, farm)
    with pytest.raises(RecordsRefused) as refusal, session.begin_nested():
        world.open_2025(session, people, farm)
    said = refusal.value.message
    assert code_of(session, other) in said and code_of(session, one) in said
    assert "2023 年" in said and code_of(session, child) in said
    world.paddy_season(session, people, child, 2023)
    row = world.open_2025(session, people, farm)
    assert len(round_records.of_round(session, row.id)) == 1 + 2 * (len(YEARS) - 1)


def test_a_year_that_only_one_field_of_a_merge_has_is_not_taken_over(
    session: Session, people: dict[str, Actor]
) -> None:
    one, other = field(session, people, 0, 200), field(session, people, 200, 200)
    farm = project_of(session, people, [one, other])
    world.paddy_season(session, people, one, 2021)
    merged(session, people, farm)
    with pytest.raises(RecordsRefused) as refusal:
        world.open_2025(session, people, farm)
    said = refusal.value.message
    assert "2021 年只有" in said and code_of(session, one) in said
    assert code_of(session, other) not in said


def test_pieces_that_are_merged_again_have_the_records_of_the_whole_once(
    session: Session, people: dict[str, Actor]
) -> None:
    parent = field(session, people, 0, 400)
    farm = project_of(session, people, [parent])
    pieces = halved(session, people, parent)
    child = merged(session, people, world.Farm(farm.project_id, pieces))
    counting = activity_lineage.standing(session, [child], ["paddy_season"], before_year=2026)
    assert [one.area_share for one in counting[child]] == pytest.approx([1.0] * len(YEARS))
    assert activity_lineage.ancestors(session, [child]) == sorted([parent, *pieces])
    run = rounds.measure(session, people["clerk"], world.open_2025(session, people, farm).id)
    assert run.result["gross_co2_t"] > 0

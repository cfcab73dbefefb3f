"""Char by records: a batch lies on several parcels and is counted once."""

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.crediting import issuance, rounds, run_report
from sinks.crediting.rounds import MonitoringRound
from sinks.measurement import activity_records, runs
from tests import world
from tests.crediting.test_record_rounds import words_of
from tests.crediting.test_records_through_lineage import halved

# B-1: 0.49 x 0.80 x 44/12 t CO2 a tonne of rice straw char made at 500 degrees.
CO2_T_PER_T = 0.49 * 0.80 * 44 / 12


def write(
    session: Session, people: dict[str, Actor], parcel_id: int, *, correcting: bool = False,
    **other: object,
) -> activity_records.ActivityRecord:  # fmt: skip
    values = {
        "batch": "炭-01", "feedstock": "rice_husk_straw", "process": "pyrolysis",
        "temperature_c": 500.0, "h_corg": None, "c_share": None, "delivered_t_dm": 20.0,
        "applied_t_dm_ha": 1.0, "production_co2e_t": 2.0, "delivery_record": True,
        "producer_certificate": True, "mineral_soil": True, "paddy": False,
        "paddy_ch4_measured": False,
    }  # fmt: skip
    row = activity_records.add(
        session, people["officer"], parcel_id=parcel_id, year=2025, kind="biochar_batch",
        values={**values, **other}, correcting=correcting,
    )  # fmt: skip
    activity_records.add_evidence(
        session, people["officer"], row.id, name="交付单.pdf", content=f"{row.id}".encode()
    )
    return row


def fields(session: Session, people: dict[str, Actor], count: int) -> list[int]:
    """Fields of 7.6 ha."""
    world.policies_in_force(session, people, unit_kg=1, gwp_set="ar5")
    found = [
        world.enrolled(
            session, people, world.land(400 * number, 1200, 380, 200), name=f"地-{number}",
            sink_type="farmland",
        )
        for number in range(count)
    ]  # fmt: skip
    world.contracted(session, people, found)
    return found


def opened(session: Session, people: dict[str, Actor], parcel_ids: list[int]) -> MonitoringRound:
    project_id = world.record_project(session, people, parcel_ids, "biochar/1", 2025)
    return world.open_2025(session, people, world.Farm(project_id, parcel_ids))


def test_char_goes_from_its_delivery_to_issued_kilograms_through_four_people(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_ids = fields(session, people, 2)
    for parcel_id in parcel_ids:
        write(session, people, parcel_id)
    row = opened(session, people, parcel_ids)
    run = rounds.measure(session, people["clerk"], row.id)
    mass_t = sum(one.area_ha for one in runs.parcels_of(session, run.id))
    result = run.result
    assert result["gross_co2_t"] == pytest.approx(CO2_T_PER_T * mass_t, rel=1e-6)
    assert result["refusals"] == []
    # The part of the batch that lies here bears that part of its emissions, in full.
    kept = result["gross_co2_t"] * (1 - result["deduction_share"]) - 2.0 * mass_t / 20.0
    assert result["net_co2_t"] == pytest.approx(kept, rel=1e-9)
    world.recorded(session, people, row.id, "湖炭碳备〔2026〕1号")
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    assert issued.holders_kg + issued.remainder_kg == result["issuable_kg"] > 0
    assert issued.buffer_kg == pytest.approx(1000 * result["buffer_co2_t"], abs=1)
    credits = issuance.credits_of_parcel(session, parcel_ids[0])
    assert {(one.vintage, one.pool) for one in credits} == {(2025, "soil")}
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result


def test_the_report_says_everything_of_the_batch_in_chinese(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_ids = fields(session, people, 1)
    write(session, people, parcel_ids[0])
    row = opened(session, people, parcel_ids)
    rounds.measure(session, people["clerk"], row.id)
    document = words_of(run_report.report(session, people["auditor"], row.id))
    assert "炭-01" in document and "稻壳、稻秆" in document and "None" not in document
    for name in ("mass_t_dm", "temperature_c", "delivery_record", "batches"):
        assert name not in document, name


def test_more_of_a_batch_than_was_delivered_is_refused_across_projects(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second, third = fields(session, people, 3)
    write(session, people, first)
    opened(session, people, [first])
    write(session, people, second)
    opened(session, people, [second])
    # Three times 7.6 t are more than 20; another spelling is the same batch.
    write(session, people, third, batch="炭－０１ ")
    with pytest.raises(Conflict) as refused, session.begin_nested():
        opened(session, people, [third])
    assert refused.value.code == "char_batch"
    assert "交付 20 吨" in refused.value.message and "22.7994" in refused.value.message


def test_what_a_round_has_frozen_stays_counted_when_its_record_is_withdrawn(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second = fields(session, people, 2)
    row = write(session, people, first, applied_t_dm_ha=2.0)
    opened(session, people, [first])
    activity_records.withdraw(session, people["officer"], row.id)
    write(session, people, second)
    with pytest.raises(Conflict) as refused, session.begin_nested():
        opened(session, people, [second])
    assert refused.value.code == "char_batch"


def test_a_batch_is_written_down_alike_on_every_parcel(
    session: Session, people: dict[str, Actor]
) -> None:
    first, second = fields(session, people, 2)
    write(session, people, first)
    write(session, people, second, delivered_t_dm=200.0)
    with pytest.raises(Conflict) as refused, session.begin_nested():
        opened(session, people, [first])
    assert refused.value.code == "char_batch" and "不一样" in refused.value.message
    write(session, people, second, correcting=True)
    assert opened(session, people, [first]).id


def test_one_batch_spelt_in_two_ways_on_one_parcel_is_not_two(
    session: Session, people: dict[str, Actor]
) -> None:
    [parcel_id] = fields(session, people, 1)
    write(session, people, parcel_id, applied_t_dm_ha=2.0)
    write(session, people, parcel_id, applied_t_dm_ha=2.0, batch="炭－01")
    with pytest.raises(Conflict) as refused, session.begin_nested():
        opened(session, people, [parcel_id])
    assert refused.value.code == "char_batch"


def test_the_pieces_of_a_split_bear_the_char_of_the_whole_and_no_more(
    session: Session, people: dict[str, Actor]
) -> None:
    [parcel_id] = fields(session, people, 1)
    # 2.6 t on each of 7.6 ha: all but some of the 20 t.
    write(session, people, parcel_id, applied_t_dm_ha=2.6)
    project_id = world.record_project(session, people, [parcel_id], "biochar/1", 2025)
    children = halved(session, people, parcel_id)
    row = world.open_2025(session, people, world.Farm(project_id, children))
    run = rounds.measure(session, people["clerk"], row.id)
    area_ha = sum(one.area_ha for one in runs.parcels_of(session, run.id))
    assert area_ha == pytest.approx(7.6, rel=1e-3)
    assert run.result["gross_co2_t"] == pytest.approx(CO2_T_PER_T * 2.6 * area_ha, rel=1e-6)


def test_of_two_rounds_opened_at_once_one_waits_and_sees_what_the_other_took(
    engine: sa.Engine, people: dict[str, Actor]
) -> None:
    with db.transaction(people["registrar"]) as session:
        parcel_ids = fields(session, people, 2)
        projects = [
            world.record_project(session, people, [parcel_id], "biochar/1", 2025)
            for parcel_id in parcel_ids
        ]
    farms = [world.Farm(key, [one]) for key, one in zip(projects, parcel_ids, strict=True)]
    refused: list[str] = []

    def second() -> None:
        try:
            with db.transaction(people["clerk2"]) as other:
                write(other, people, parcel_ids[1], applied_t_dm_ha=2.0)
                world.open_2025(other, people, farms[1])
        except Conflict as refusal:
            refused.append(refusal.code)

    with db.transaction(people["clerk"]) as session:
        write(session, people, parcel_ids[0], applied_t_dm_ha=2.0)
        world.open_2025(session, people, farms[0])
        thread = threading.Thread(target=second)
        thread.start()
        world.wait_until_blocked(engine)
        assert not refused
    thread.join()
    assert refused == ["char_batch"]

"""Rounds by records: a paddy from its records to issued kilograms, and records that no longer count."""

import io
from datetime import date

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid
from sinks.crediting import (
    issuance,
    ledger,
    openings,
    projects,
    round_records,
    rounds,
    run_report,
)
from sinks.measurement import activity_records, runs
from sinks.measurement.record_runs import RecordsRefused
from tests import world

farm = world.paddy_farm


def words_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def test_a_paddy_goes_from_its_records_to_issued_kilograms_through_four_people(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, gwp_set="ar5", unit_kg=1)
    story = farm(session, people)
    row = openings.by_records(
        session, people["clerk"], story.project_id,
        period_start=date(2025, 1, 1), period_end=date(2026, 1, 1),
    )  # fmt: skip
    run = rounds.measure(session, people["clerk"], row.id)
    result = run.result
    area_ha = sum(one.area_ha for one in runs.parcels_of(session, run.id))
    # 294.475 - 228.114 kg CH4/ha, 28 t CO2e; less 0.150 t N2O, taken in full.
    gross = (294.475 - 228.114) * 28 / 1000 * area_ha
    assert result["gross_co2_t"] == pytest.approx(gross, rel=1e-4)
    kept = gross * (1 - result["deduction_share"]) - 0.150 * area_ha
    assert result["net_co2_t"] == pytest.approx(kept, rel=1e-3)
    assert result["buffer_co2_t"] == 0.0 and result["refusals"] == []
    assert sum(one.issuable_kg for one in runs.parcels_of(session, run.id)) == result["issuable_kg"]
    assert {one.map_agb_t_ha_start for one in runs.parcels_of(session, run.id)} == {None}

    world.recorded(session, people, row.id, "湖农碳备〔2026〕1号")
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    total_kg = issued.holders_kg + issued.buffer_kg + issued.remainder_kg
    assert total_kg == result["issuable_kg"] and issued.withheld_kg == 0
    credits = [
        one for parcel_id in story.parcel_ids
        for one in issuance.credits_of_parcel(session, parcel_id)
    ]  # fmt: skip
    assert {(one.vintage, one.pool) for one in credits} == {(2025, "non_co2")}
    assert sum(one.amount_kg for one in credits) == result["issuable_kg"]
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result


def test_a_record_changed_after_the_opening_changes_nothing_in_the_run(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    story = farm(session, people)
    row = world.open_2025(session, people, story)
    before = rounds.measure(session, people["clerk"], row.id)
    world.paddy_season(
        session, people, story.parcel_ids[0], 2025, correcting=True, straw_lt30d_t_ha=0.0
    )
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result
    anew = rounds.measure(session, people["clerk"], row.id)
    assert (anew.input_json, anew.result_json) == (before.input_json, before.result_json)


def test_a_corrected_or_withdrawn_record_is_kept_and_not_counted(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    story = farm(session, people, count=1)
    [parcel_id] = story.parcel_ids
    old = activity_records.standing(session, [parcel_id], "paddy_season")[-1]
    new = world.paddy_season(session, people, parcel_id, 2025, correcting=True, n_kg_ha=150.0)
    early = world.paddy_season(session, people, parcel_id, 2025, crop="early")
    activity_records.withdraw(session, people["clerk"], early.id)
    counted = activity_records.standing(session, [parcel_id], "paddy_season")
    assert new.id in {one.id for one in counted}
    assert not {old.id, early.id} & {one.id for one in counted}
    lines = activity_records.listing(session, [parcel_id])
    assert {one.record.id: one.superseded for one in lines}[old.id] is True
    row = world.open_2025(session, people, story)
    frozen = {one.id for one in round_records.of_round(session, row.id)}
    assert frozen == {one.id for one in counted}
    run = rounds.measure(session, people["clerk"], row.id)
    assert run.input["strata"][0]["input"]["project"][0]["n_kg_ha"] == 150.0


def test_a_record_without_evidence_bars_publishing_until_it_has_some(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    story = farm(session, people, count=1, evidence=False)
    row = world.open_2025(session, people, story)
    rounds.measure(session, people["clerk"], row.id)
    with pytest.raises(Conflict) as refusal:
        rounds.publish(session, people["clerk"], row.id)
    assert refusal.value.code == "evidence_missing" and "4 条" in refusal.value.message
    for one in round_records.of_round(session, row.id):
        activity_records.add_evidence(
            session, people["clerk"], one.id, name="农事记录.pdf", content=b"x"
        )
    assert rounds.publish(session, people["clerk"], row.id).status == rounds.Status.PUBLIC_NOTICE


def test_a_second_round_over_the_same_year_is_refused_by_its_period(
    session: Session, people: dict[str, Actor]
) -> None:
    story = farm(session, people, count=1)
    world.open_2025(session, people, story)
    with pytest.raises(Conflict) as refusal:
        world.open_2025(session, people, story)
    assert refusal.value.code == "period"


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (date(2025, 3, 1), date(2026, 1, 1), "records"),
        (date(2024, 1, 1), date(2026, 1, 1), "records"),
        (date(2025, 1, 1), date(2099, 1, 1), "period"),
        (date(2026, 1, 1), date(2025, 1, 1), "period"),
    ],
)
def test_a_round_is_of_whole_years_within_the_project_and_over(
    session: Session, people: dict[str, Actor], start: date, end: date, code: str
) -> None:
    story = farm(session, people, count=1)
    with pytest.raises((Conflict, Invalid)) as refusal:
        openings.by_records(
            session, people["clerk"], story.project_id, period_start=start, period_end=end
        )
    assert refusal.value.code == code


def test_parcels_of_a_stratum_that_farm_otherwise_are_named_and_nothing_is_opened(
    session: Session, people: dict[str, Actor]
) -> None:
    story = farm(session, people)
    world.paddy_season(
        session, people, story.parcel_ids[1], 2025, correcting=True, straw_lt30d_t_ha=3.0
    )
    with pytest.raises(RecordsRefused) as refusal, session.begin_nested():
        world.open_2025(session, people, story)
    code = session.get_one(world.parcels.Parcel, story.parcel_ids[1]).code
    assert code in refusal.value.message and "另一层" in refusal.value.message
    assert rounds.of_project(session, story.project_id) == []


def test_a_negative_year_is_taken_from_the_next_round(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, gwp_set="ar5", unit_kg=1)
    story = world.burning_farm(session, people, {2023: 9.0, 2024: 0.0})
    first, second = (
        openings.by_records(
            session, people["clerk"], story.project_id,
            period_start=date(year, 1, 1), period_end=date(year + 1, 1, 1),
        )
        for year in (2023, 2024)
    )  # fmt: skip
    loss = rounds.measure(session, people["clerk"], first.id).result
    assert loss["net_co2_t"] < 0 and loss["issuable_kg"] == 0
    run = rounds.measure(session, people["clerk"], second.id)
    debit_kg = loss["intermediate"]["debit_carried_forward_kg"]
    assert run.input["policy"]["carried_debit_kg"] == debit_kg > 0
    middle = run.result["intermediate"]
    assert run.result["net_co2_t"] == pytest.approx(
        middle["net_before_debit_co2_t"] - debit_kg / 1000
    )
    again = rounds.remeasure(session, second.id)
    assert again.same_input and again.same_result


def test_the_database_lets_one_record_stand_in_a_place_and_nobody_change_one(
    session: Session, people: dict[str, Actor]
) -> None:
    story = farm(session, people, count=1)
    [parcel_id] = story.parcel_ids
    row = activity_records.standing(session, [parcel_id], "paddy_season")[0]
    with pytest.raises(Conflict) as refusal:
        world.paddy_season(session, people, parcel_id, row.year)
    assert refusal.value.code == "record_held"
    for statement in (
        "UPDATE activity_record SET year = 2001 WHERE id = :id",
        "DELETE FROM activity_record WHERE id = :id",
        "INSERT INTO activity_record (parcel_id, year, kind, slot, values, person_id)"
        " SELECT parcel_id, year, kind, slot, values, person_id FROM activity_record WHERE id = :id",
        "INSERT INTO activity_record (parcel_id, year, kind, slot, values, supersedes_id, person_id)"
        " SELECT parcel_id, year + 1, kind, slot, values, id, person_id FROM activity_record"
        " WHERE id = :id",
    ):
        refused = pytest.raises((sa.exc.IntegrityError, sa.exc.ProgrammingError))
        with refused, session.begin_nested():
            session.execute(text(statement), {"id": row.id})


def test_only_officers_and_whoever_holds_the_sink_write_records(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200), sink_type="farmland")
    assert world.paddy_season(session, {"clerk": people["officer"]}, parcel_id, 2024).id
    for name in ("clerk", "verifier", "auditor"):
        with pytest.raises(Exception) as refusal:
            world.paddy_season(session, {"clerk": people[name]}, parcel_id, 2023)
        assert refusal.value.code in ("not_held", "role")  # type: ignore[attr-defined]


def test_a_project_by_records_names_the_year_its_practice_began(
    session: Session, people: dict[str, Actor]
) -> None:
    parcel_id = world.enrolled(session, people, world.land(0, 0, 200, 200), sink_type="farmland")
    world.contracted(session, people, [parcel_id])
    with pytest.raises(Invalid) as refusal:
        projects.create(
            session, people["clerk"], name="x", method_id="paddy-ch4/1", strata={parcel_id: "A"}
        )
    assert refusal.value.code == "practice_from_year"


def test_the_report_shows_the_records_and_no_map(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people)
    story = farm(session, people, count=1)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    document = words_of(run_report.report(session, people["auditor"], row.id))
    assert "None" not in document and "期初图" not in document
    assert "单次晒田" in document and "多次落干" in document
    for one in round_records.of_round(session, row.id):
        [filed] = activity_records.evidence_of(session, [one.id])[one.id]
        assert filed.sha256[:16] in document
    assert run.factor_hash in document


def test_the_ledger_adds_up_after_an_issue_by_records(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, unit_kg=1)
    story = farm(session, people, count=1)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    world.recorded(session, people, row.id, "湖农碳备〔2026〕2号")
    issuance.issue(session, people["registrar"], row.id, contract_of={})
    posted = session.scalar(
        sa.select(sa.func.sum(ledger.Transfer.amount_kg)).where(
            ledger.Transfer.reason.startswith(f"round {row.id}:")
        )
    )
    assert posted == run.result["issuable_kg"]

"""Rounds that meet within a year: every day of a parcel is credited once, every kilogram kept."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from sinks.cooperative import contracts
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.crediting import issuance, ledger, openings, rounds
from sinks.crediting.issuance import ParcelCredit
from sinks.crediting.ledger import Batch
from sinks.measurement import layers, plots, runs
from tests import world

EPOCHS = (date(2021, 7, 1), date(2023, 7, 1), date(2025, 7, 1))


def three_layers(session: Session, people: dict[str, Actor], folder: Path) -> list[int]:
    return [
        layers.add(
            session, people["officer"],
            world.biomass(folder / f"agb{number}.tif", 55.0 + 8 * number, seed=number),
            stderr_path=world.biomass(folder / f"se{number}.tif", 9.0, seed=9 + number, noise=0.5),
            name=f"{epoch}", variable="agb", unit="Mg/ha", epoch=epoch, phase="on",
            licence="CC0", source="测试合成",
        ).id
        for number, epoch in enumerate(EPOCHS)
    ]  # fmt: skip


def thrice_visited(session: Session, people: dict[str, Actor], project_id: int) -> None:
    random = np.random.default_rng(7)
    for number in range(24):
        longitude, latitude = world.TO_4490.transform(
            world.EAST_M + 60 + 55 * (number % 8), world.NORTH_M + 60 + 55 * (number // 8)
        )
        plot = plots.add_plot(
            session, people["clerk"], project_id=project_id, stratum="A", code=f"P{number:02d}",
            longitude=longitude, latitude=latitude, area_m2=400,
        )  # fmt: skip
        for year, day in enumerate(EPOCHS):
            plots.add_visit(
                session, people["clerk"], plot.id, measured_on=day, phase="on",
                culms=world.culms_of_agb(55 + 8 * year + random.normal(0, 0.5), 400),
            )  # fmt: skip


def issued_round(
    session: Session, people: dict[str, Actor], project_id: int, start_id: int, end_id: int
) -> tuple[int, issuance.Issued]:
    row = openings.by_layers(
        session,
        people["clerk"],
        project_id,
        layer_start_id=start_id,
        layer_end_id=end_id,
        facts=world.MANAGED,
    )
    rounds.measure(session, people["clerk"], row.id)
    world.recorded(session, people, row.id, f"备案-{row.id}")
    done = issuance.issue(
        session, people["registrar"], row.id, contract_of=contracts.holders(session, row.id)
    )
    return row.id, done


def test_two_rounds_that_meet_in_the_middle_of_a_year_are_both_issued(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    parcel_id = world.enrolled(session, people, world.land(0, 0, 400, 400))
    world.contracted(session, people, [parcel_id], term_from=date(2021, 1, 1))
    project_id = world.registered_project(session, people, [parcel_id])
    thrice_visited(session, people, project_id)
    first, second, third = three_layers(session, people, tmp_path)
    told = [
        issued_round(session, people, project_id, first, second),
        issued_round(session, people, project_id, second, third),
    ]
    credits = issuance.credits_of_parcel(session, parcel_id)
    one, two = (round_id for round_id, _ in told)
    assert [(row.round_id, row.vintage) for row in credits] == [
        (one, 2021), (one, 2022), (one, 2023), (two, 2023), (two, 2024), (two, 2025),
    ]  # fmt: skip
    assert credits[2].period == Range(date(2023, 1, 1), date(2023, 7, 1))
    assert credits[3].period == Range(date(2023, 7, 1), date(2024, 1, 1))
    for round_id, done in told:
        run = runs.get(session, rounds.get(session, round_id).run_id or 0)
        mine_kg = sum(row.amount_kg for row in credits if row.round_id == round_id)
        assert mine_kg == run.result["issuable_kg"] > 0
        assert done.holders_kg + done.buffer_kg + done.remainder_kg == issuance.whole_kg(
            run.result["net_co2_t"]
        )
    batches = session.execute(
        sa.select(Batch.vintage, Batch.sequence).order_by(Batch.vintage, Batch.sequence)
    ).all()
    assert [tuple(row) for row in batches] == [
        (2021, 1), (2022, 1), (2023, 1), (2023, 2), (2024, 1), (2025, 1),
    ]  # fmt: skip
    assert ledger.verify_ledger(session).broken == []


def credit(parcel_id: int, round_id: int, start: date, end: date) -> ParcelCredit:
    return ParcelCredit(
        parcel_id=parcel_id, pool="biomass", round_id=round_id, vintage=start.year,
        period=Range(start, end), programme="HZ", amount_kg=1,
    )  # fmt: skip


def test_a_day_of_a_parcel_is_credited_once_whatever_the_round(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.policies_in_force(session, people)
    story = world.recorded_round(session, people, tmp_path)
    parcel_id = story.parcel_ids[0]
    # As if another project had been credited for the last day of 2024 alone.
    other = rounds.MonitoringRound(
        project_id=story.project_id, period_start=date(2024, 12, 31), period_end=date(2025, 1, 1),
        layer_start_id=1, layer_end_id=1, opened_by_id=people["clerk"].person_id,
    )  # fmt: skip
    row = rounds.get(session, story.round_id)
    other.layer_start_id, other.layer_end_id = row.layer_start_id, row.layer_end_id
    session.add(other)
    session.flush()
    session.add(credit(parcel_id, other.id, date(2024, 12, 31), date(2025, 1, 1)))
    session.flush()
    with pytest.raises(Conflict) as refusal, session.begin_nested():
        issuance.issue(
            session, people["registrar"], story.round_id,
            contract_of=contracts.holders(session, story.round_id),
        )  # fmt: skip
    assert refusal.value.code == "credited_twice"


def test_a_credit_lies_within_the_year_of_its_vintage(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    story = world.measured_round(session, people, tmp_path, registered=False)
    with pytest.raises(sa.exc.IntegrityError, match="within_vintage"), session.begin_nested():
        session.add(
            credit(story.parcel_ids[0], story.round_id, date(2023, 12, 31), date(2024, 1, 2))
        )
        session.flush()


DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(start=DAYS, end=DAYS, amount_kg=st.integers(0, 10**9))
def test_the_parts_of_a_round_tile_its_days_and_add_up_to_its_kilograms(
    start: date, end: date, amount_kg: int
) -> None:
    if end <= start:
        return
    periods = issuance.vintages(start, end)
    tiles = list(periods.values())
    assert tiles[0][0] == start and tiles[-1][1] == end
    assert all(one[1] == two[0] for one, two in pairwise(tiles))
    shares = issuance.shares_of(periods)
    parts = issuance._split(amount_kg, shares)
    assert sum(shares.values()) == 1 and sum(parts.values()) == amount_kg
    assert all(abs(parts[year] - amount_kg * shares[year]) < 1 for year in parts)

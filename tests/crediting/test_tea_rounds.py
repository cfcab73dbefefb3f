"""Tea gardens by records: from what was spread to issued kilograms, and what the registrar has to say."""

import pytest
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.policies import PolicyMissing
from sinks.crediting import issuance, rounds
from sinks.measurement import runs
from tests import world

# T4: 1500 kg of nitrogen less are 12.9858 t CO2e by the wet factors, AR6.
CO2E_T_PER_KG_N = 12.9858 / 1500


def test_a_tea_garden_goes_from_its_records_to_issued_kilograms_through_four_people(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, unit_kg=1)
    story = world.tea_garden(session, people)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    result = run.result
    area_ha = sum(one.area_ha for one in runs.parcels_of(session, run.id))
    assert result["gross_co2_t"] == pytest.approx(150 * CO2E_T_PER_KG_N * area_ha, rel=1e-5)
    assert result["refusals"] == [] and result["buffer_co2_t"] == 0.0
    # The larger of Verra's rule and 15 %.
    assert result["deduction_share"] == pytest.approx(0.15)
    kept = result["gross_co2_t"] * (1 - result["deduction_share"])
    assert result["net_co2_t"] == pytest.approx(kept, rel=1e-9)
    assert result["issuable_kg"] == int(kept * 1000)

    world.recorded(session, people, row.id, "湖茶碳备〔2026〕1号")
    issued = issuance.issue(session, people["registrar"], row.id, contract_of={})
    assert issued.holders_kg + issued.remainder_kg == result["issuable_kg"]
    assert issued.buffer_kg == issued.withheld_kg == 0
    credits = [
        one for parcel_id in story.parcel_ids
        for one in issuance.credits_of_parcel(session, parcel_id)
    ]  # fmt: skip
    assert {(one.vintage, one.pool) for one in credits} == {(2025, "non_co2")}
    assert sum(one.amount_kg for one in credits) == result["issuable_kg"]
    again = rounds.remeasure(session, row.id)
    assert again.same_input and again.same_result


def test_without_the_registrars_cap_a_garden_is_measured_shown_and_not_published(
    session: Session, people: dict[str, Actor]
) -> None:
    world.policies_in_force(session, people, **{"baseline_n_cap_kg_ha.tea-n2o": None})
    story = world.tea_garden(session, people, count=1)
    row = world.open_2025(session, people, story)
    run = rounds.measure(session, people["clerk"], row.id)
    assert run.result["gross_co2_t"] > 0 and run.result["issuable_kg"] == 0
    [refusal] = run.result["refusals"]
    assert refusal["code"] == "FACTOR_MISSING" and "tea.baseline_N_cap" in refusal["message"]
    with pytest.raises(PolicyMissing) as refused:
        rounds.publish(session, people["clerk"], row.id)
    assert refused.value.keys == ("baseline_n_cap_kg_ha.tea-n2o",)

"""What a round of managed bamboo states of its period: conditions, what was spread, what was cut."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from methodologies import catalogue, inputs
from methodologies.base import MethodInputInvalid
from sinks.core import policies
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.crediting import issuance, openings, rounds
from sinks.crediting.rounds import MonitoringRound
from sinks.land import attributes
from sinks.measurement import activity_records
from tests import world

# Method text 2.5, T4: 1,500 kg N are 12.9858 t CO2e (IPCC 2019, wet, AR6).
N2O_T_PER_KG_N = 12.9858 / 1500
LEAKAGE = "market_leakage_share.moso-mgmt"


@pytest.fixture
def bamboo(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> tuple[int, list[int], world.Layers]:
    """A registered project with plots and two layers, its parcels; no round yet."""
    world.policies_in_force(session, people, unit_kg=1)
    parcel_ids = [world.enrolled(session, people, world.land(0, 0, 400, 400))]
    world.contracted(session, people, parcel_ids)
    project_id = world.registered_project(session, people, parcel_ids)
    world.add_plots(session, people, project_id, 20)
    return project_id, parcel_ids, world.two_layers(session, people, tmp_path)


def opened(
    session: Session,
    people: dict[str, Actor],
    bamboo: tuple[int, list[int], world.Layers],
    **facts: object,
) -> MonitoringRound:
    project_id, _, layers = bamboo
    return openings.by_layers(
        session, people["clerk"], project_id, layer_start_id=layers.start_id,
        layer_end_id=layers.end_id, facts={**world.MANAGED, **facts},
    )  # fmt: skip


def decided(session: Session, people: dict[str, Actor], value: float) -> None:
    row = policies.propose(
        session, people["registrar"], key=LEAKAGE, value=value, legal_basis="测试",
        demonstration=True,
    )  # fmt: skip
    policies.approve(session, people["registrar2"], row.id, valid_from=policies.today(session))


def test_what_was_spread_and_lost_is_taken_from_what_grew(
    session: Session, people: dict[str, Actor], bamboo: tuple[int, list[int], world.Layers]
) -> None:
    row = opened(session, people, bamboo, fertiliser_n_kg_project=1500.0, tree_loss_co2_t=3.0)
    result = rounds.measure(session, people["clerk"], row.id).result
    steps = result["intermediate"]
    assert result["refusals"] == []
    assert steps["emissions_co2e_t"] == pytest.approx(1500 * N2O_T_PER_KG_N, rel=1e-4)
    assert result["net_co2_t"] == pytest.approx(
        steps["conservative_co2_t"] - 1500 * N2O_T_PER_KG_N - 3.0, rel=1e-4
    )
    assert {check["passed"] for check in steps["eligibility"]} == {True}


def test_harvest_made_up_elsewhere_is_not_issued_until_the_registrar_has_decided_its_share(
    session: Session, people: dict[str, Actor], bamboo: tuple[int, list[int], world.Layers]
) -> None:
    cut: dict[str, object] = {"culms_t_project": 10.0, "culms_t_baseline": 30.0}
    row = opened(session, people, bamboo, **cut)
    first = rounds.measure(session, people["clerk"], row.id)
    assert "leakage.market_factor" in " ".join(one["message"] for one in first.result["refusals"])
    decided(session, people, 0.25)
    second = rounds.measure(session, people["clerk"], row.id)
    assert second.result["refusals"] == []
    # Of 20 t that are not cut here 5 t are cut elsewhere.
    [moved] = [c for c in second.result["components"] if c["pool"] == "market_leakage"]
    assert moved["co2e_t"] == pytest.approx(-5.0 * 0.47 * 44 / 12)
    # Neither run is changed by what was decided after it.
    for run in (first, second):
        again = rounds.remeasure(session, row.id, run.id)
        assert again.same_input and again.same_result


def test_a_share_decided_after_the_measurement_asks_for_a_new_one(
    session: Session, people: dict[str, Actor], bamboo: tuple[int, list[int], world.Layers]
) -> None:
    row = opened(session, people, bamboo)
    rounds.measure(session, people["clerk"], row.id)
    world.recorded(session, people, row.id, "备案-1")
    decided(session, people, 0.25)
    with pytest.raises(Conflict) as refusal:
        issuance.issue(session, people["registrar"], row.id, contract_of={})
    assert refusal.value.code == "remeasure" and "市场泄漏" in str(refusal.value)


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"crown_closure": 0.1}, "郁闭度"),
        ({"tree_closure": 0.6}, "散生乔木"),
        ({"culm_dbh_cm": 1.0}, "胸径"),
        ({"wetland": True}, "湿地"),
        ({"law_breached": True}, "法规"),
        ({"management_measure": False}, "经营措施"),
    ],
)
def test_bamboo_that_breaks_a_condition_is_not_measured(
    session: Session,
    people: dict[str, Actor],
    bamboo: tuple[int, list[int], world.Layers],
    facts: dict[str, object],
    rule: str,
) -> None:
    with pytest.raises(Conflict, match=rule) as refusal:
        opened(session, people, bamboo, **facts)
    assert refusal.value.code == "ineligible"


def test_a_wetland_by_the_register_is_one_whatever_is_stated(
    session: Session, people: dict[str, Actor], bamboo: tuple[int, list[int], world.Layers]
) -> None:
    row = attributes.record(
        session, people["officer"], parcel_id=bamboo[1][0], kind="land_class",
        value={"code": "1106"}, valid_from=date(2019, 12, 31), document_name="三调.pdf",
        document=b"x",
    )  # fmt: skip
    attributes.review(session, people["officer2"], row.id)
    with pytest.raises(Conflict, match="湿地"):
        opened(session, people, bamboo)


def test_felling_on_record_that_is_not_stated_is_refused(
    session: Session, people: dict[str, Actor], bamboo: tuple[int, list[int], world.Layers]
) -> None:
    activity_records.add(
        session, people["clerk"], parcel_id=bamboo[1][0], year=2024, kind="felling",
        values={"on": "2024-11-05", "note": "择伐老竹", "stems": 400, "volume_m3": None},
    )  # fmt: skip
    with pytest.raises(Conflict, match="采伐") as refusal, session.begin_nested():
        opened(session, people, bamboo)
    assert refusal.value.code == "unstated"
    opened(session, people, bamboo, culms_t_project=8.0, culms_t_baseline=8.0)


@pytest.mark.parametrize("name", list(world.MANAGED))
def test_nothing_is_taken_for_nought(name: str) -> None:
    facts = {key: value for key, value in world.MANAGED.items() if key != name}
    with pytest.raises(MethodInputInvalid, match=name):
        inputs.parse(catalogue.PERIODS["moso-mgmt/1"], facts)

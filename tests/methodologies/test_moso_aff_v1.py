"""moso-aff/1 and its tools: projection E9, products E8, plot E3 with Monte Carlo, conditions."""

import copy
import json

import pytest

from methodologies import catalogue, moso_mgmt_v1, moso_projection_v1
from methodologies.base import MethodInputInvalid

AFF = catalogue.method("moso-aff/1")
PLOT = catalogue.method("moso-plot/1")


def changed(**parts):
    """The example with parts merged one level deep."""
    data = AFF.example()
    for key, value in parts.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) else value
    return data


def run(data):
    found = AFF.run(data)
    json.dumps(found, allow_nan=False)
    return found


def codes(notices):
    return [notice["code"] for notice in notices]


def test_the_example_runs_and_repeats_to_the_last_bit():
    found = run(AFF.example())
    assert found["refusals"] == []
    assert found == run(AFF.example())
    assert found["issuable_kg"] == pytest.approx(
        1000 * (found["net_co2_t"] - found["buffer_co2_t"]), abs=1
    )


def test_measuring_is_that_of_moso_mgmt_1():
    data = AFF.example()
    planted = run(data)
    for key in ("eligibility", "projection", "products", "leakage_co2e_t"):
        data.pop(key)
    data["policy"].pop("product_pool")
    managed = moso_mgmt_v1.run(data)
    for key in ("gross_co2_t", "stderr_co2_t", "net_co2_t", "issuable_kg", "allocation"):
        assert planted[key] == managed[key]


def test_projection_e9_is_credited_once():
    found = run(AFF.example())["intermediate"]["projection"]
    assert found["initial_agb_t_ha"] == pytest.approx(22.5198, abs=5e-5)
    assert found["target_agb_t_ha"] == pytest.approx(41.3959, abs=5e-5)
    assert found["target_change_agb_t_ha"] == pytest.approx(18.8760, abs=5e-4)
    assert found["target_change_co2_t_ha"] == pytest.approx(44.5657, abs=5e-4)


def test_a_stand_that_keeps_its_structure_gains_nothing():
    steps = moso_projection_v1.cohorts(
        [750.0] * 4, [10.0] * 4, [750.0] * 5, [0.0, 0.0, 0.0, 1.0], [0.0] * 4
    )
    assert {step.agb_t_ha for step in steps} == {steps[0].agb_t_ha}


def test_cohorts_age_are_cut_and_die_by_hand():
    steps = moso_projection_v1.cohorts(
        [100.0, 80.0, 60.0], [10.0] * 3, [50.0], [0.0, 0.5, 1.0], [0.1, 0.0, 0.0]
    )
    assert steps[1].culms_per_ha == pytest.approx((50.0, 90.0, 40.0))


def test_products_e8():
    stocks = moso_projection_v1.product_stocks_c_t([1.0] * 10, 25.0)
    assert [stocks[y - 1] for y in (1, 2, 5, 10)] == pytest.approx(
        [0.98626, 1.94556, 4.66890, 8.73342], abs=5e-6
    )


def test_the_product_pool_is_off_by_default_and_bears_the_deduction_when_on():
    off = run(AFF.example())
    assert "PRODUCTS_NOT_COUNTED" in codes(off["warnings"])
    on = run(changed(policy={"product_pool": True}))
    products = on["intermediate"]["products_co2_t"]
    assert products > 0
    assert on["gross_co2_t"] == pytest.approx(off["gross_co2_t"] + products)
    assert on["net_co2_t"] - off["net_co2_t"] == pytest.approx(
        products * (1 - off["deduction_share"])
    )


def test_a_bamboo_half_life_that_nobody_set_refuses_by_name():
    flow = {"product": "bamboo", "culm_biomass_t": [5.0]}
    found = run(changed(products=[flow], policy={"product_pool": True}))
    assert found["issuable_kg"] == 0
    told = " ".join(notice["message"] for notice in found["refusals"])
    assert "hwp.bamboo.halflife" in told and "hwp.bamboo.waste_fraction" in told
    assert run(changed(products=[flow]))["refusals"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"forest_category": "economic"}, "INELIGIBLE_FOREST_CATEGORY"),
        ({"nonforest_years": 2.9}, "INELIGIBLE_NONFOREST_YEARS"),
        ({"tenure_documented": False}, "INELIGIBLE_TENURE"),
        ({"smallest_parcel_m2": 399.0}, "INELIGIBLE_PARCEL_AREA"),
        ({"smallest_parcel_m2": 500.0, "start_year": 2019}, "INELIGIBLE_PARCEL_AREA"),
        ({"wetland": True}, "INELIGIBLE_WETLAND"),
        ({"scattered_trees_removed": True}, "INELIGIBLE_TREES_KEPT"),
        ({"shrub_removal_share": 0.21}, "INELIGIBLE_SHRUB_REMOVAL"),
    ],
)
def test_each_condition_of_ccer_14_001_refuses_by_rule_and_source(change, code):
    found = run(changed(eligibility=change))
    assert codes(found["refusals"]) == [code]
    assert "CCER-14-001" in found["refusals"][0]["message"]
    assert found["issuable_kg"] == 0
    assert found["net_co2_t"] > 0


def test_conditions_of_managed_bamboo_are_checked_where_given_and_missed_where_not():
    """The least that passes; what is not given is said to be unchecked, and no number changes."""
    data = moso_mgmt_v1.example()
    given = {
        **data.pop("eligibility"), "crown_closure": 0.20, "smallest_parcel_ha": 1 / 15,
        "culm_height_m": 2.0, "culm_dbh_cm": 2.0,
    }  # fmt: skip
    plain, checked = moso_mgmt_v1.run(data), moso_mgmt_v1.run({**data, "eligibility": given})
    assert len(checked["intermediate"].pop("eligibility")) == 10
    missed = plain["warnings"].pop(0)
    assert missed["code"] == "ELIGIBILITY_NOT_GIVEN" and "AR-CM-005" in missed["message"]
    assert checked == plain
    for change, code in (
        ({"deep_tillage": True}, "INELIGIBLE_SOIL_WORK"),
        ({"crown_closure": 0.19}, "INELIGIBLE_CROWN_CLOSURE"),
        ({"tree_closure": 0.20}, "INELIGIBLE_TREE_CLOSURE"),
        ({"organic_soil": True}, "INELIGIBLE_SOIL"),
    ):
        refused = moso_mgmt_v1.run({**data, "eligibility": {**given, **change}})
        assert codes(refused["refusals"]) == [code]
        assert refused["issuable_kg"] == 0


def test_on_and_off_year_saturation_and_leakage_hold_here_too():
    assert codes(run(changed(phase_end="on"))["refusals"]) == ["PHASE_MISMATCH"]
    full = run(changed(saturation={"credited_before_co2_t": 3909.7608 - 0.5}))
    assert full["net_co2_t"] == pytest.approx(0.5, abs=1e-3)
    leaking = run(changed(leakage_co2e_t=10.0))
    assert leaking["net_co2_t"] == pytest.approx(run(AFF.example())["net_co2_t"] - 10.0)


def test_the_draws_agree_with_the_analytic_error():
    found = run(AFF.example())
    drawn = found["intermediate"]["monte_carlo"]
    assert drawn["mean"] == pytest.approx(found["gross_co2_t"], rel=0.01)
    assert drawn["sd"] == pytest.approx(found["stderr_co2_t"], rel=0.02)
    assert drawn["disagrees"] is False


def test_plot_e3_and_the_wrong_shortcut():
    found = PLOT.run(PLOT.example())["intermediate"]
    assert found["plot_agb_kg"] == pytest.approx(1349.0441, abs=5e-4)
    assert found["agb_t_ha"] == pytest.approx(33.7261, abs=5e-5)
    assert found["bgb_t_ha"] == pytest.approx(12.4787, abs=5e-5)
    assert found["c_t_ha"] == pytest.approx(21.7162, abs=5e-5)
    assert found["co2_t_ha"] == pytest.approx(79.6262, abs=5e-5)
    assert found["agb_c_t_ha"] == pytest.approx(15.8513, abs=5e-5)
    assert found["wrong_agb_t_ha_from_means"] == pytest.approx(32.9820, abs=5e-3)
    zhou = {**PLOT.example(), "policy": {"carbon_fraction": 0.5042}}
    assert PLOT.run(zhou)["intermediate"]["agb_c_t_ha"] == pytest.approx(17.0047, abs=5e-5)


@pytest.mark.parametrize(
    ("culm_cv", "shared_cv", "cv", "tolerance"), [(0.12, 0.0, 1.35, 0.1), (0.0, 0.10, 10.0, 0.2)]
)
def test_culm_errors_average_out_and_a_shared_one_does_not(culm_cv, shared_cv, cv, tolerance):
    data = copy.deepcopy(PLOT.example())
    data["monte_carlo"] = {
        "dbh_cv": 0.02, "culm_cv": culm_cv, "shared_cv": shared_cv, "seed": 20260101, "draws": 20000
    }  # fmt: skip
    found = PLOT.run(data)["intermediate"]["monte_carlo"]
    assert 100 * found["cv"] == pytest.approx(cv, abs=tolerance)


def test_a_misspelt_field_is_refused():
    with pytest.raises(MethodInputInvalid, match="不认识"):
        AFF.run({**AFF.example(), "planting": {}})

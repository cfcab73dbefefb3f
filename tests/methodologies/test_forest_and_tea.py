"""forest-aff/1, chestnut-inventory/1, tea-perennial/1, tea-n2o/1: worked examples, laws, refusals."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import catalogue, soil_v1, tea_n2o_v1, tea_stand_v1, trees_v1
from methodologies.base import FactorMissing, OutOfDomain
from methodologies.remarks import Remarks

FOREST, CHESTNUT, TEA, N2O = (
    catalogue.method(i)
    for i in ("forest-aff/1", "chestnut-inventory/1", "tea-perennial/1", "tea-n2o/1")
)


def run(method, data):
    found = method.run(data)
    json.dumps(found, allow_nan=False)
    assert found == method.run(copy.deepcopy(data))
    return found


def codes(notices):
    return [notice["code"] for notice in notices]


def merged(data, **parts):
    for key, value in parts.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) else value
    return data


# ---- trees


def test_chinese_fir_f2_by_expansion_factors():
    found = trees_v1.by_volume(120.0, trees_v1.expansion("chinese_fir", Remarks()))
    assert found.agb_t_ha == pytest.approx(60.1966, abs=5e-5)
    assert found.total_t_ha == pytest.approx(75.0049, abs=5e-5)
    assert found.c_t_ha == pytest.approx(39.0026, abs=5e-5)
    assert found.co2_t_ha == pytest.approx(143.0094, abs=5e-5)


@pytest.mark.parametrize(
    ("stand_type", "volume", "biomass"),
    [
        ("chinese_fir", 120.0, 74.9650), ("masson_pine", 80.0, 60.8190), ("oak", 60.0, 77.2653),
        ("hardwood", 60.0, 73.2565), ("mixed_broadleaf", 90.0, 93.4684),
    ],
)  # fmt: skip
def test_stand_equations_f1(stand_type, volume, biomass):
    found = trees_v1.by_stand_equation(volume, stand_type, 10.0, 0.47)
    assert found.total_t_ha == pytest.approx(biomass, abs=5e-5)
    if stand_type == "chinese_fir":
        assert found.co2_t_ha == pytest.approx(129.1897, abs=5e-5)


def test_a_stand_equation_is_not_believed_near_zero_volume():
    assert trees_v1.by_stand_equation(0.0, "oak", 10.0, 0.47).co2_t_ha == 0.0
    with pytest.raises(OutOfDomain, match="截距"):
        trees_v1.by_stand_equation(9.9, "oak", 10.0, 0.47)


def test_root_function_and_single_trees():
    assert trees_v1.root_ratio(60.0) == pytest.approx(0.249170, abs=5e-7)
    assert trees_v1.root_ratio(100.0) == pytest.approx(0.239878, abs=5e-7)
    for density, dbh, kilograms in (
        (0.45, 15, 74.9112),
        (0.307, 18, 78.2040),
        (0.598, 20, 194.7866),
    ):
        assert trees_v1.tree_agb_kg(dbh, density) == pytest.approx(kilograms, abs=5e-5)


def test_forest_runs_and_names_recalled_parameters():
    found = run(FOREST, FOREST.example())
    assert found["refusals"] == []
    assert "MEMORY_FACTOR" in codes(found["warnings"])
    fir = found["intermediate"]["plots"][0]
    assert fir["end"]["agb_t_ha"] == pytest.approx(60.1966, abs=5e-5)
    assert fir["co2_t_ha_end"] == pytest.approx(143.0094, abs=5e-5)


def test_orchards_and_greening_are_no_afforestation():
    data = merged(FOREST.example(), eligibility={"forest_category": "economic"})
    assert codes(run(FOREST, data)["refusals"]) == ["INELIGIBLE_FOREST_CATEGORY"]


def reversed_in_time(data):
    data = copy.deepcopy(data)
    for stratum in data["strata"]:
        for plot in stratum["plots"]:
            for key in [k for k in plot if k.endswith("_start")]:
                other = key.replace("_start", "_end")
                plot[key], plot[other] = plot[other], plot[key]
    return data


def test_running_time_backwards_changes_only_the_sign_of_the_gross():
    forward, backward = (
        run(FOREST, data) for data in (FOREST.example(), reversed_in_time(FOREST.example()))
    )
    assert backward["gross_co2_t"] == pytest.approx(-forward["gross_co2_t"], rel=1e-12)
    assert backward["issuable_kg"] == 0
    assert backward["intermediate"]["debit_carried_forward_kg"] > 0
    assert backward["net_co2_t"] <= backward["gross_co2_t"]


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100.0))
def test_a_forest_is_proportional_to_area(scale):
    data = FOREST.example()
    for stratum in data["strata"]:
        stratum["area_ha"] *= scale
    one, scaled = FOREST.run(FOREST.example()), FOREST.run(data)
    assert scaled["net_co2_t"] == pytest.approx(one["net_co2_t"] * scale, rel=1e-9)


def test_chestnut_is_never_credited_and_needs_a_density():
    found = run(CHESTNUT, CHESTNUT.example())
    assert found["gross_co2_t"] > 0
    assert (found["issuable_kg"], codes(found["refusals"])) == (0, ["INVENTORY_ONLY"])
    assert CHESTNUT.credit_class == "inventory_only"
    with pytest.raises(FactorMissing, match=r"chestnut\.wood_density"):
        CHESTNUT.run(merged(CHESTNUT.example(), policy={"wood_density_g_cm3": None}))


# ---- tea


@pytest.mark.parametrize(
    ("shoots", "age", "roots"),
    [
        (1, 2, 0.448),
        (2, 2, 1.113),
        (10, 8, 3.699),
        (20, 8, 6.729),
        (30, 20, 12.359),
        (40, 20, 20.589),
    ],
)
def test_tea_roots_from_shoots(shoots, age, roots):
    assert tea_stand_v1.roots_t_ha(shoots, age) == pytest.approx(roots, abs=5e-4)


def test_tea_roots_are_clamped_when_young_and_guarded_when_old():
    assert tea_stand_v1.roots_t_ha(0.1, 1) == 0.0
    with pytest.raises(OutOfDomain, match="根系方程"):
        tea_stand_v1.roots_t_ha(4.9, 3)


@pytest.mark.parametrize(
    ("age", "carbon"),
    [
        (0, 0.0),
        (4, 18.0),
        (5, 18.95),
        (10, 23.70),
        (15, 28.45),
        (20, 29.525),
        (25, 30.6),
        (40, 30.6),
    ],
)
def test_tea_age_curve(age, carbon):
    assert tea_stand_v1.curve_c_t_ha(age, realised=False) == pytest.approx(carbon)
    assert tea_stand_v1.curve_c_t_ha(age) == pytest.approx(carbon * 0.2974)


def test_tea_tier_1():
    biomass, carbon = tea_stand_v1.shrub_stock(0.80)
    assert biomass == pytest.approx(4.88)
    assert carbon == pytest.approx(3.2110, abs=5e-5)
    assert carbon * 44 / 12 == pytest.approx(11.7738, abs=5e-5)


def test_bush_allometry_units_forms_and_log_correction():
    equation = tea_stand_v1.Allometry(form="d0_squared_h", a=0.001, b=0.9, d0_unit="cm", source="-")
    bush = tea_stand_v1.Bushes(d0_mm=30.0, height_cm=80.0)
    plain = tea_stand_v1.bush_agb_kg(bush, equation)
    assert plain == pytest.approx(0.001 * (3.0**2 * 80.0) ** 0.9)
    corrected = equation.model_copy(update={"log_residual_sd": 0.2})
    assert tea_stand_v1.bush_agb_kg(bush, corrected) == pytest.approx(plain * 2.718281828**0.02)
    with pytest.raises(OutOfDomain, match="尺寸不全"):
        tea_stand_v1.bush_agb_kg(tea_stand_v1.Bushes(d0_mm=3.0), equation)


def test_tea_credits_the_frame_and_the_roots_only():
    found = run(TEA, TEA.example())
    assert found["refusals"] == []
    plot = found["intermediate"]["plots"][0]
    assert plot["end"]["creditable_c_t_ha"] == pytest.approx(
        0.47 * (15.95 * 0.75 + tea_stand_v1.roots_t_ha(15.95, 13))
    )
    # Heavy pruning of 5 ha: 5 x 4 x 0.47 x 44/12; light pruning of the whole: nothing.
    losses = [c["co2e_t"] for c in found["components"] if c["pool"] == "pruning"]
    assert losses == [pytest.approx(-5 * 4 * 0.47 * 44 / 12)]


def test_a_pruning_that_the_plots_have_seen_is_not_taken_twice():
    data = TEA.example()
    data["prunings"][1]["seen_by_plots"] = True
    assert [c["pool"] for c in run(TEA, data)["components"]] == ["frame_plus_roots"]


def test_soil_t5_at_equal_mass_is_shown_beside_and_not_added():
    found = run(TEA, TEA.example())
    soil = found["intermediate"]["soil"]
    assert soil["soc_t_ha_start"] == pytest.approx(45.36)
    assert soil["soc_t_ha_end_fixed_depth"] == pytest.approx(47.196)
    assert (soil["mass_t_ha_start"], soil["mass_t_ha_end"]) == (3240.0, pytest.approx(3105.0))
    assert soil["soc_t_ha_end"] == pytest.approx(48.816)
    assert run(TEA, merged(TEA.example(), soil=None))["net_co2_t"] == found["net_co2_t"]


def test_soil_that_was_not_sampled_deep_enough_is_refused():
    layer = soil_v1.Layer(oc_g_kg=15.2, bd_g_cm3=1.15, thickness_cm=30.0, coarse_share=0.1)
    with pytest.raises(OutOfDomain, match="等质量"):
        soil_v1.to_mass([layer], 3240.0)
    with pytest.raises(OutOfDomain, match="补采"):
        soil_v1.to_depth([layer], 40.0)


def test_tea_growth_ends_at_the_greatest_age_and_losses_do_not():
    def aged(start, end, data=None):
        data = data or TEA.example()
        data["strata"][0].update(age_years_start=start, age_years_end=end)
        return run(TEA, data)["gross_co2_t"]

    whole = aged(8, 13)
    assert aged(23, 28) == pytest.approx(whole * 2 / 5)
    assert aged(25, 30) == 0.0
    assert aged(25, 30, reversed_in_time(TEA.example())) == pytest.approx(-whole, rel=0.2)


def test_tea_without_plots_or_decisions_is_an_inventory():
    data = TEA.example()
    data["strata"][0]["plots"] = []
    found = run(TEA, data)
    assert codes(found["refusals"]) == ["NO_PLOTS", "STDERR_MISSING"]
    assert found["intermediate"]["default_strata"][0]["rung"] == "age_curve"
    undecided = merged(
        TEA.example(),
        policy={"credit_age_max_years": None, "pruning_plane_m": None, "buffer_share": None},
    )
    told = " ".join(n["message"] for n in run(TEA, undecided)["refusals"])
    for factor_id in ("tea.credit_age_max", "tea.pruning_plane", "risk.registry"):
        assert factor_id in told


def test_tea_on_cleared_land_books_the_whole_prior_stock():
    data = merged(TEA.example(), conversion=None)
    data["conversion"] = {"area_ha": 3.0, "prior_c_t_ha": 40.0}
    assert run(TEA, data)["net_co2_t"] == pytest.approx(
        run(TEA, TEA.example())["net_co2_t"] - 3 * 40 * 44 / 12
    )


def test_a_baseline_of_nought_is_for_old_gardens():
    data = merged(
        TEA.example(), baseline_basis="mature_zero", baseline_co2_t={"co2_t": 0.0, "u90": 0.0}
    )
    assert codes(run(TEA, data)["refusals"]) == ["BASELINE_NOT_ZERO"]


def test_tea_n2o_t4_by_three_sets_of_factors():
    found = run(N2O, N2O.example())
    sets = found["intermediate"]["co2e_t_by_factor_set"]
    assert sets["wet"] == pytest.approx(12.9858, abs=5e-5)
    assert sets["aggregate"] == pytest.approx(8.8417, abs=5e-5)
    assert sets["tea"] == pytest.approx(17.5547, abs=5e-5)
    assert found["gross_co2_t"] == pytest.approx(12.9858, abs=5e-5)
    # A reduction bears no buffer, and its pool is its own.
    assert (found["buffer_co2_t"], found["intermediate"]["ledger"]) == (0.0, "tea_n2o")


def test_replacing_synthetic_by_organic_nitrogen_brings_a_debit_and_no_credit():
    data = N2O.example()
    data["project_records"][0].update(synthetic_n_kg_ha=300.0, organic_n_kg_ha=150.0)
    found = run(N2O, data)
    assert found["gross_co2_t"] == 0.0
    assert found["net_co2_t"] < 0


def test_over_fertilising_is_not_rewarded_beyond_the_cap():
    assert tea_n2o_v1.cuts_and_increases((600.0, 0.0), (300.0, 0.0), 450.0) == (
        (150.0, 0.0),
        (0.0, 0.0),
    )
    # Between cap and old practice there is neither cut nor increase.
    assert tea_n2o_v1.cuts_and_increases((600.0, 0.0), (500.0, 0.0), 450.0) == (
        (0.0, 0.0),
        (0.0, 0.0),
    )


def test_tea_n2o_refuses_short_records_a_yield_drop_and_a_missing_cap():
    data = merged(N2O.example(), policy={"baseline_n_cap_kg_ha": None}, yield_project_t_ha=0.42)
    data["baseline_records"] = data["baseline_records"][:2]
    assert codes(run(N2O, data)["refusals"]) == [
        "RECORDS_TOO_SHORT",
        "YIELD_DROP",
        "FACTOR_MISSING",
    ]


def test_tea_n2o_is_proportional_to_area_draws_included():
    one, ten = (run(N2O, merged(N2O.example(), area_ha=a)) for a in (10.0, 100.0))
    assert ten["net_co2_t"] == pytest.approx(10 * one["net_co2_t"], rel=1e-12)

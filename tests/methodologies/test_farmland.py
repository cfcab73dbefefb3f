"""Farmland methods: worked examples, independent vectors of the factor file, laws, refusals."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import (
    biochar_v1,
    catalogue,
    farmland_soc_v1,
    farmland_soc_v1_input,
    paddy_ch4_v1,
)
from methodologies.base import MethodInputInvalid, OutOfDomain

SOC, MEASURED, PADDY, N2O, BURN, CHAR = (
    catalogue.method(i)
    for i in (
        "farmland-soc/1", "farmland-soc-measured/1", "paddy-ch4/1", "n2o/1", "residue-burning/1",
        "biochar/1",
    )
)  # fmt: skip
VECTORS = {
    row["id"]: row
    for row in yaml.safe_load(
        (Path(__file__).parent / "data" / "wetland_farmland_vectors.yaml").read_text("utf-8")
    )["test_vectors"]
}


def run(method, data):
    found = method.run(copy.deepcopy(data))
    json.dumps(found, allow_nan=False)
    return found


def codes(notices):
    return [notice["code"] for notice in notices]


def merged(data, **parts):
    for key, value in parts.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) else value
    return data


def dry(**changes):
    return {"from_year": 2000, "land_use": "long_term_cultivated", **changes}


def soc(before, after, **parts):
    """The example with one regime before and one after, from 2024."""
    data = merged(SOC.example(), **parts)
    data["baseline"] = [before]
    data["project"] = [before, {**after, "from_year": 2024}]
    return data


# ---- soil carbon by default factors


@pytest.mark.parametrize("unit", [1, 2, 3])
def test_stock_path_of_the_ipcc_box(unit):
    """A new regime counts from the last inventory year of the earlier one."""
    row = VECTORS[f"tv.soc.ipcc_box_unit{unit}"]
    years, starts = row["inputs"]["years"], row["inputs"]["regime_start"]
    equilibria = row["inputs"]["equilibria_tC_ha"]
    regimes = [(years[0] - 20.0, equilibria[0])]
    for i in range(1, len(years)):
        if starts[i] != starts[i - 1]:
            regimes.append((years[i - 1], equilibria[i]))
    found = [farmland_soc_v1.soc_at(year, regimes, 20.0) for year in years]
    assert found == pytest.approx(row["expected"], abs=row["tolerance"])


def test_the_stock_path_through_run_with_a_local_reference():
    native = {"land_use": "native", "from_year": 1970}
    data = SOC.example()
    data["classes"] = [{"area_ha": 1.0, "soil": "HAC", "soc_ref_t_ha": 77.0}]
    data["years"] = {"start": 1990, "end": 1995}
    data["baseline"] = [native]
    data["project"] = [native, {"land_use": "native", "flu": 0.92, "from_year": 1990}]
    data["report_years"] = [1990, 1995, 2000, 2005, 2010, 2015]
    found = run(SOC, data)
    path = [row["soc_t_ha"] for row in found["intermediate"]["soc_t_ha"]["project"]]
    assert path == pytest.approx([77.0, 75.46, 73.92, 72.38, 70.84, 70.84])
    # A local factor has no published spread.
    assert codes(found["refusals"]) == ["STDERR_MISSING"]


def test_f1_dry_farmland():
    found = run(SOC, SOC.example())
    steps, row = found["intermediate"], found["intermediate"]["classes"][0]
    expected = VECTORS["tv.W_F1"]["expected"]
    assert row["soc_eq_t_ha_baseline"] == pytest.approx(expected["SOC0"], abs=1e-5)
    assert row["soc_eq_t_ha_project"] == pytest.approx(expected["SOC1"], abs=1e-5)
    assert steps["co2_t_ha_year"] == pytest.approx(expected["tCO2_ha_yr"], abs=1e-6)
    assert 100 * steps["u95"] == pytest.approx(expected["U95_approach1_pct"], abs=1e-3)
    assert found["gross_co2_t"] == pytest.approx(50.88, abs=5e-3)


@pytest.mark.parametrize(
    ("policy", "per_ha"), [("poe", 1.659), ("ar_tool14", 0.734), ("flat", 1.689)]
)
def test_f1_by_three_policies(policy, per_ha):
    found = run(SOC, merged(SOC.example(), policy={"deduction": policy}))
    assert found["net_co2_t"] / 25.6 == pytest.approx(per_ha, abs=6e-4)


@pytest.mark.parametrize(
    ("before", "after", "co2_t_ha"),
    [
        (
            dry(tillage="full", input_level="medium"),
            dry(tillage="reduced", input_level="high_without_manure"),
            1.33989,
        ),
        (
            dry(tillage="full", input_level="medium"),
            dry(tillage="reduced", input_level="high_with_manure"),
            4.14515,
        ),
    ],
)
def test_f1b_and_f1c(before, after, co2_t_ha):
    found = run(SOC, soc(before, after))["intermediate"]
    assert found["co2_t_ha_year"] == pytest.approx(co2_t_ha, abs=5e-6)
    if co2_t_ha < 2:
        assert 100 * found["u95"] == pytest.approx(77.68, abs=5e-3)


def test_f1_monte_carlo_reference():
    drawn = run(SOC, SOC.example())["intermediate"]["monte_carlo"]
    assert drawn["mean"] / 25.6 == pytest.approx(1.985, rel=0.01)
    assert drawn["sd"] / 25.6 == pytest.approx(0.749, rel=0.02)
    assert drawn["p2_5"] / 25.6 == pytest.approx(0.56, abs=0.03)
    assert drawn["p97_5"] / 25.6 == pytest.approx(3.50, abs=0.03)


def test_rs1_classes_are_computed_apart_and_averaging_first_is_the_known_wrong_number():
    data = SOC.example()
    data["classes"] = [
        {"area_ha": a, "soil": s} for a, s in ((0.55, "HAC"), (0.25, "LAC"), (0.15, "WET"))
    ]
    data["parcel_area_ha"] = 1.0
    steps = run(SOC, data)["intermediate"]
    expected = VECTORS["tv.W_raster"]["expected"]
    assert steps["valid_share"] == pytest.approx(0.95)
    assert steps["co2_t_ha_year"] == pytest.approx(expected["tCO2_ha_yr"], abs=1e-5)
    assert steps["soc_t_ha"]["baseline"][0]["soc_t_ha"] == pytest.approx(expected["SOC0"], abs=1e-5)
    # 2044: the new equilibrium.
    assert steps["soc_t_ha"]["project"][3]["soc_t_ha"] == pytest.approx(expected["SOC1"], abs=1e-5)
    naive = merged(SOC.example(), parcel_area_ha=1.0)
    reference = (0.55 * 64 + 0.25 * 55 + 0.15 * 135) / 0.95
    naive["classes"] = [{"area_ha": 0.95, "soil": "HAC", "soc_ref_t_ha": reference}]
    wrong = run(SOC, naive)["intermediate"]["co2_t_ha_year"]
    assert wrong == pytest.approx(expected["naive_wrong"], abs=1e-5)
    assert wrong != pytest.approx(steps["co2_t_ha_year"], abs=1e-3)


def test_the_class_split_of_a_parcel_equals_the_sum_of_its_parts():
    cells = [{"area_ha": 3.0, "soil": "HAC"}, {"area_ha": 2.0, "soil": "LAC"}]
    whole = run(SOC, merged(SOC.example(), classes=cells))["gross_co2_t"]
    parts = [run(SOC, merged(SOC.example(), classes=[cell]))["gross_co2_t"] for cell in cells]
    assert whole == pytest.approx(sum(parts), rel=1e-12)


def test_a_paddy_gains_nothing_from_management_and_is_never_of_wetland_soil():
    paddy = dry(land_use="paddy")
    managed = dry(land_use="paddy", tillage="reduced", input_level="high_with_manure")
    assert run(SOC, soc(paddy, managed))["gross_co2_t"] == 0.0
    with pytest.raises(OutOfDomain, match="水稻土"):
        run(SOC, soc(paddy, managed, classes=[{"area_ha": 1.0, "soil": "WET"}]))


def test_after_twenty_years_the_gain_is_nought():
    data = merged(SOC.example(), years={"start": 2044, "end": 2050})
    assert run(SOC, data)["gross_co2_t"] == 0.0


def test_no_change_of_management_is_no_gain():
    same = dry(tillage="full", input_level="medium")
    assert run(SOC, soc(same, same))["gross_co2_t"] == 0.0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"policy": {"issue_tier1": None}}, "TIER1_ESTIMATE"),
        ({"committed_years": 4}, "AREA_NOT_KEPT"),
        ({"gates": {"yield_change_share": -0.06}}, "YIELD_FALL"),
        ({"gates": {"practice_change_share": 0.04}}, "PRACTICE_UNCHANGED"),
        ({"gates": {"lookback_years": 2}}, "LOOKBACK_TOO_SHORT"),
        ({"gates": {"mineral_soil": False}}, "ORGANIC_SOIL"),
        ({"parcel_area_ha": 40.0}, "UNCOVERED"),
    ],
)
def test_soil_carbon_is_refused_by_rule(change, code):
    found = run(SOC, merged(SOC.example(), **change))
    assert codes(found["refusals"]) == [code]
    assert found["issuable_kg"] == 0


def test_dry_land_turned_into_paddy_is_refused():
    found = run(SOC, soc(dry(tillage="full", input_level="low"), dry(land_use="paddy")))
    assert "PADDY_CONVERSION" in codes(found["refusals"])


def practices(**true):
    names = (
        "residue_removed", "animal_manure", "low_residue_crop", "bare_fallow", "nitrogen",
        "carbon_raising",
    )  # fmt: skip
    return farmland_soc_v1_input.Practices(**{name: name in true for name in names})


@pytest.mark.parametrize(
    ("true", "level"),
    [
        ("nitrogen animal_manure", "high_with_manure"),
        ("nitrogen carbon_raising", "high_without_manure"),
        ("nitrogen", "medium"),
        ("residue_removed animal_manure", "medium"),
        ("bare_fallow carbon_raising", "medium"),
        ("carbon_raising", "medium"),
        ("residue_removed nitrogen carbon_raising", "low"),
        ("low_residue_crop nitrogen", "low"),
        ("", "low"),
        # The gap named in the method text.
        ("animal_manure", "low"),
    ],
)
def test_input_level_by_the_decision_tree(true, level):
    assert (
        farmland_soc_v1_input.input_level(practices(**dict.fromkeys(true.split(), True))) == level
    )


@settings(max_examples=64)
@given(st.lists(st.booleans(), min_size=6, max_size=6))
def test_every_combination_of_practices_has_a_level(flags):
    names = farmland_soc_v1_input.Practices.model_fields
    found = farmland_soc_v1_input.Practices(**dict(zip(names, flags, strict=True)))
    assert farmland_soc_v1_input.input_level(found) in {
        "low", "medium", "high_without_manure", "high_with_manure"
    }  # fmt: skip


def test_imported_manure_leaks():
    plain = run(SOC, SOC.example())["net_co2_t"]
    found = run(SOC, merged(SOC.example(), imported=[{"mass_t": 10.0, "c_share": 0.3}]))
    assert found["net_co2_t"] == pytest.approx(plain - 10 * 0.3 * 0.12 * 44 / 12)


# ---- measured


def test_measured_soil_subtracts_the_control_and_adds_both_variances():
    found = run(MEASURED, MEASURED.example())
    row = found["intermediate"]["strata"][0]
    assert row["delta_soc_t_ha"] == pytest.approx(
        row["project_change_t_ha"] - row["baseline_change_t_ha"]
    )
    assert row["df"] == 5 + 3
    zero = merged(MEASURED.example(), policy={"baseline_basis": "zero"})
    assert run(MEASURED, zero)["gross_co2_t"] == pytest.approx(
        row["project_change_t_ha"] * 40 * 44 / 12
    )


def test_measured_soil_wants_the_same_laboratory_month_and_five_years():
    data = merged(MEASURED.example(), same_laboratory=False, period={"end": "2027-06-01"})
    assert codes(run(MEASURED, data)["refusals"]) == ["LABORATORY", "SEASON", "INTERVAL"]


# ---- paddy methane


def season(water, straw="straw_lt30d", **more):
    return {
        "water_regime": water, "preseason": "nonflooded_gt180d", "days": 112.0,
        "amendments": [{"kind": straw, "t_ha": 6.0}], "n_kg_ha": 180.0, **more,
    }  # fmt: skip


def paddy(baseline, project, **parts):
    data = merged(PADDY.example(), lookback_water_regimes=[], **parts)
    data["baseline"], data["project"] = [baseline], [project]
    return data


def test_r1_and_r2():
    r1 = run(PADDY, paddy(season("continuous"), season("multiple_drainage_awd", "straw_gt30d")))
    steps = r1["intermediate"]
    assert steps["ch4_kg_ha"]["baseline"] == pytest.approx(414.753, abs=1e-3)
    assert steps["ch4_kg_ha"]["project"] == pytest.approx(113.368, abs=1e-3)
    assert steps["reduction_co2e_t_ha"] == pytest.approx(8.4388, abs=1e-3)
    assert steps["n2o_penalty_co2e_t_ha"] == pytest.approx(0.150, abs=5e-4)
    assert steps["net_gross_co2e_t_ha"] == pytest.approx(8.289, abs=1e-3)
    assert "CONTINUOUS_BASELINE" in codes(r1["warnings"])
    r2 = run(PADDY, PADDY.example())["intermediate"]
    assert r2["ch4_kg_ha"]["baseline"] == pytest.approx(294.475, abs=1e-3)
    assert r2["ch4_kg_ha"]["project"] == pytest.approx(228.114, abs=1e-3)
    assert r2["reduction_co2e_t_ha"] == pytest.approx(1.858095, abs=1e-3)
    assert r2["net_gross_co2e_t_ha"] == pytest.approx(1.708, abs=1e-3)


def test_r1_at_the_ar6_value_of_biogenic_methane():
    data = paddy(season("continuous"), season("multiple_drainage_awd", "straw_gt30d"))
    data["policy"]["gwp_set"] = "ar6"
    found = run(PADDY, data)["intermediate"]
    assert (found["gwp_ch4"], found["gwp_n2o"]) == (27.0, 273.0)
    assert found["reduction_co2e_t_ha"] == pytest.approx(8.137, abs=1e-3)
    with pytest.raises(MethodInputInvalid, match="gwp_set"):
        run(PADDY, merged(data, policy={"gwp_set": "ar6_fossil"}))


def test_r2_draws_independent_and_comonotonic_and_the_gate():
    independent = run(
        PADDY,
        merged(PADDY.example(), policy={"water_draws": "independent", "deduction": "poe"}),
    )
    drawn = independent["intermediate"]["monte_carlo"]
    assert drawn["mean"] / 20 == pytest.approx(1.927, rel=0.01)
    assert drawn["sd"] / 20 == pytest.approx(1.673, rel=0.02)
    assert codes(independent["refusals"]) == ["NOT_ISSUABLE"]
    together = run(PADDY, PADDY.example())["intermediate"]["monte_carlo"]
    assert together["sd"] / 20 == pytest.approx(0.526, rel=0.02)
    flat = run(
        PADDY,
        merged(PADDY.example(), policy={"water_draws": "independent", "deduction": "flat"}),
    )
    # 1.579 is the gross less 15 %; the N2O penalty is taken in full beside it.
    group = flat["intermediate"]["groups"][0]
    assert group["conservative_co2e_t"] / 20 == pytest.approx(1.579, abs=1e-3)


@pytest.mark.parametrize(("kind", "sfo"), [("straw_lt30d", 2.88), ("straw_gt30d", 1.48)])
def test_published_straw_factors(kind, sfo):
    one = season("continuous", n_kg_ha=0.0)
    one["amendments"] = [{"kind": kind, "t_ha": 5.0}]
    row = run(PADDY, paddy(one, one))["intermediate"]["seasons"]["baseline"][0]
    assert row["sfo"] == pytest.approx(sfo, abs=0.005)


def test_published_multiples_by_water_regime():
    waters = ("continuous", "single_drainage", "multiple_drainage_awd")
    for water, expected in zip(waters, VECTORS["tv.rice.table6_double"]["expected"], strict=True):
        one = season(water, n_kg_ha=0.0, preseason="nonflooded_lt180d")
        one["amendments"] = [{"kind": "straw_lt30d", "t_ha": 5.0}]
        row = run(PADDY, paddy(one, one))["intermediate"]["seasons"]["baseline"][0]
        assert row["ef_kg_ha_day"] / 1.32 == pytest.approx(expected, abs=0.006)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_more_straw_is_never_less_methane(one, other):
    low, high = sorted((one, other))
    found = [
        paddy_ch4_v1.season_ch4_kg_ha(1.32, 0.71, 0.89, [(rate, 1.0)], 0.59, 112.0)
        for rate in (low, high)
    ]
    assert 1.32 * 0.71 * 0.89 * 112 * (1 - 1e-12) <= found[0] <= found[1]


def test_a_look_back_year_with_drainage_makes_the_baseline_drained():
    data = paddy(season("continuous"), season("multiple_drainage_awd"))
    data["lookback_water_regimes"] = ["continuous", "single_drainage", "continuous"]
    found = run(PADDY, data)
    assert found["intermediate"]["ch4_kg_ha"]["baseline"] == pytest.approx(294.475, abs=1e-3)
    assert codes(found["warnings"]) == ["BASELINE_DRAINED"]


def test_a_short_drying_is_no_drainage_and_dates_come_before_the_default_length():
    data = paddy(season("single_drainage"), season("multiple_drainage_awd", aeration_days=3.0))
    assert codes(run(PADDY, data)["refusals"]) == ["AERATION_TOO_SHORT"]
    dated = season("single_drainage", sow_date="2025-06-10", harvest_date="2025-10-08")
    assert run(PADDY, paddy(dated, dated))["intermediate"]["seasons"]["baseline"][0]["days"] == 120


def test_two_seasons_add_up():
    data = paddy(season("single_drainage"), season("multiple_drainage_awd"))
    one = run(PADDY, data)["intermediate"]["ch4_kg_ha"]
    data["baseline"] *= 2
    data["project"] *= 2
    two = run(PADDY, data)["intermediate"]["ch4_kg_ha"]
    assert {key: 2 * value for key, value in one.items()} == pytest.approx(two)


# ---- nitrous oxide, burning, biochar


def test_n1_nitrous_oxide_by_path():
    found = run(N2O, N2O.example())["intermediate"]
    expected = VECTORS["tv.W_N1"]["expected"]
    parts = found["n2o_kg_ha"]["baseline"]
    assert parts["direct"] == pytest.approx(expected["direct_kgN2O"], abs=1e-5)
    assert parts["deposition"] == pytest.approx(expected["atd"], abs=1e-5)
    assert parts["leaching"] == pytest.approx(expected["leach"], abs=1e-5)
    assert -found["abs_co2e_t_ha"]["baseline"] == pytest.approx(expected["tCO2e_ha_265"], abs=1e-5)


def test_aggregate_nitrogen_agrees_with_public_implementations():
    data = merged(N2O.example(), policy={"gwp_set": "ar6"})
    one = {"synthetic_n_kg_ha": 1.0, "land": "aggregate"}
    data["baseline"], data["project"] = one, {**one, "synthetic_n_kg_ha": 0.0}
    found = run(N2O, data)["intermediate"]
    assert 1000 * found["delta_co2e_t_ha"] == pytest.approx(5.8945, abs=5e-4)
    assert 1e6 * 1000 * found["n2o_kg_ha"]["baseline"]["direct"] * 273 / 1e3 == pytest.approx(
        4_290_000, abs=1
    )


def test_more_nitrogen_is_a_penalty_in_full_and_swapped_sides_change_the_sign():
    data = N2O.example()
    gain = run(N2O, data)
    data["baseline"], data["project"] = data["project"], data["baseline"]
    loss = run(N2O, data)
    assert loss["gross_co2_t"] == 0.0
    assert loss["net_co2_t"] == pytest.approx(-gain["gross_co2_t"])


def test_burning_avoided():
    found = run(BURN, BURN.example())["intermediate"]
    assert found["avoided_ch4_kg_ha"] == pytest.approx(12.96)
    assert found["avoided_n2o_kg_ha"] == pytest.approx(0.336)
    assert found["avoided_co2e_t_ha"] == pytest.approx(0.452, abs=5e-4)
    without = run(BURN, merged(BURN.example(), policy={"deduction": "poe"}))
    assert codes(without["refusals"]) == ["STDERR_MISSING"]


def test_biochar_b1_and_its_draws():
    found = run(CHAR, CHAR.example())
    assert found["gross_co2_t"] == pytest.approx(7.187, abs=5e-4)
    drawn = found["intermediate"]["monte_carlo"]
    assert drawn["mean"] / 5 == pytest.approx(1.438, rel=0.01)
    assert drawn["sd"] / 5 == pytest.approx(0.312, rel=0.02)
    assert biochar_v1.permanence_by_h_corg(0.4) == pytest.approx(0.7905, abs=5e-5)


def test_biochar_is_refused_by_rule():
    data = CHAR.example()
    data["batches"][0].update(
        temperature_c=349.0,
        h_corg=0.71,
        delivery_record=False,
        producer_certificate=False,
        paddy=True,
    )
    data.update(mineral_soil=False, production_emissions_co2e_t=None)
    assert codes(run(CHAR, data)["refusals"]) == [
        "ORGANIC_SOIL", "TEMPERATURE", "H_CORG", "NO_RECORD", "NO_CERTIFICATE", "PADDY_CH4",
        "FACTOR_MISSING",
    ]  # fmt: skip


@pytest.mark.parametrize("method", [PADDY, N2O, BURN], ids=lambda m: m.id)
def test_farmland_is_proportional_to_area(method):
    data = method.example()
    one = run(method, data)
    scaled = run(method, merged(data, area_ha=data["area_ha"] * 7.0))
    assert scaled["net_co2_t"] == pytest.approx(7.0 * one["net_co2_t"], rel=1e-9)

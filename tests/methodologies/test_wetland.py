"""wetland-balance/1 and wetland-price/1: worked examples W-1 to W-3, laws, refusals, money."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import catalogue, wetland_balance_v1
from methodologies.base import MethodInputInvalid, OutOfDomain

BALANCE = catalogue.method("wetland-balance/1")
PRICE = catalogue.method("wetland-price/1")


def run(method, data):
    found = method.run(copy.deepcopy(data))
    json.dumps(found, allow_nan=False)
    return found


def codes(notices):
    return [notice["code"] for notice in notices]


def marsh(year, gwp_set="ar5", **more):
    """One hectare rewetted from cropland, so many years ago; its balance."""
    unit = {
        "id": "M", "area_ha": 1.0, "land_class": "marsh", "origin": "rewetted",
        "rewetted": {"year_since_rewetting": year, "former_use": "cultivated"}, **more,
    }  # fmt: skip
    data = {**BALANCE.example(), "units": [unit], "baseline_units": None}
    data["policy"] = {**data["policy"], "gwp_set": gwp_set}
    return run(BALANCE, data)["intermediate"]["abs_co2e_t"]


def test_w1_a_mosaic_is_a_net_source():
    found = run(BALANCE, wetland_balance_v1.mosaic())
    steps = found["intermediate"]
    assert steps["abs_co2e_t"]["burial"] == pytest.approx(67.32, abs=1e-3)
    assert steps["abs_co2e_t"]["wood"] == pytest.approx(57.8952, abs=1e-3)
    assert steps["ch4_kg"] == pytest.approx(14731.5)
    assert steps["abs_co2e_t"]["total"] == pytest.approx(-287.2668, abs=1e-3)
    assert 100 * steps["abs_u95"] == pytest.approx(87.2, abs=0.05)
    assert (steps["mode"], found["gross_co2_t"], found["issuable_kg"]) == ("ABS", 0.0, 0)
    ar6 = wetland_balance_v1.mosaic()
    ar6["policy"] = {**ar6["policy"], "gwp_set": "ar6"}
    assert run(BALANCE, ar6)["intermediate"]["abs_co2e_t"]["total"] == pytest.approx(
        -272.54, abs=5e-3
    )


@pytest.mark.parametrize(
    ("year", "gwp_set", "soil", "net"),
    [
        (1, "ar5", 2.2275, -4.3525), (20, "ar5", 2.2275, -4.3525), (21, "ar5", 4.95, -1.63),
        (40, "ar5", 4.95, -1.63), (41, "ar5", 0.0, -6.58),
        (1, "ar6", 2.2275, -4.1175), (21, "ar6", 4.95, -1.395),
    ],
)  # fmt: skip
def test_w2_rewetting_stays_a_source(year, gwp_set, soil, net):
    found = marsh(year, gwp_set)
    assert found["soil"] == pytest.approx(soil)
    assert found["total"] == pytest.approx(net)


def test_w3_pond_to_marsh_depends_on_the_measured_baseline():
    found = run(BALANCE, BALANCE.example())
    assert found["gross_co2_t"] / 20 == pytest.approx(10.165, abs=5e-4)
    data = BALANCE.example()
    del data["baseline_units"][0]["ch4_measured"]
    default = run(BALANCE, data)
    assert default["intermediate"]["delta_co2e_t"]["ch4"] / 20 == pytest.approx(-1.456, abs=5e-4)
    assert default["net_co2_t"] / 20 == pytest.approx(-1.456, abs=5e-4)
    assert default["issuable_kg"] == 0


def test_a_former_pond_gets_no_default_soil_gain():
    data = BALANCE.example()
    data["units"][0]["rewetted"] = {"year_since_rewetting": 3, "former_use": "pond"}
    found = run(BALANCE, data)
    assert "SOIL_GAIN_UNSUPPORTED" in codes(found["refusals"])
    assert found["intermediate"]["abs_co2e_t"]["soil"] == 0.0


def test_paddy_to_marsh_takes_the_methane_given_and_refuses_the_soil():
    data = BALANCE.example()
    data["baseline_units"] = [
        {
            "id": "R", "area_ha": 20.0, "land_class": "paddy",
            "ch4_measured": {"kg_ha_year": 294.5, "campaigns": 12, "ebullition": True},
        }
    ]  # fmt: skip
    assert run(BALANCE, data)["gross_co2_t"] / 20 == pytest.approx(1.666, abs=5e-4)
    del data["baseline_units"][0]["ch4_measured"]
    with pytest.raises(OutOfDomain, match="稻田"):
        run(BALANCE, data)


def test_burial_example_break_even_and_its_limits():
    unit = {
        "id": "L", "area_ha": 1.0, "land_class": "natural_lake",
        "burial": {"mar_g_cm2_year": 0.30, "toc_share": 0.012, "allochthonous_share": 0.0, "cores": 3},
    }  # fmt: skip
    data = {**BALANCE.example(), "units": [unit], "baseline_units": None}
    assert run(BALANCE, data)["intermediate"]["abs_co2e_t"]["burial"] == pytest.approx(1.320)
    # 59.1 gC/m2 a year outweighs the methane of open water at GWP 27.
    unit["burial"]["toc_share"] = 59.1 / 3000
    data["policy"] = {**data["policy"], "gwp_set": "ar6"}
    assert run(BALANCE, data)["intermediate"]["abs_co2e_t"]["total"] == pytest.approx(0.0, abs=2e-3)
    unit["burial"]["toc_share"] = 0.03
    assert "BURIAL_HIGH" in codes(run(BALANCE, data)["warnings"])
    unit["burial"]["toc_share"] = 0.09
    with pytest.raises(OutOfDomain, match="复核"):
        run(BALANCE, data)
    unit["burial"].update(toc_share=0.012, allochthonous_share=None, cores=2)
    refused = run(BALANCE, data)
    assert codes(refused["refusals"]) == ["TOO_FEW_CORES", "FACTOR_MISSING"]
    assert "wet.burial.allochthonous_fraction" in refused["refusals"][1]["message"]


def test_burial_and_soil_gain_never_stand_on_the_same_area():
    burial = {"mar_g_cm2_year": 0.3, "toc_share": 0.01, "allochthonous_share": 0.4, "cores": 3}
    with pytest.raises(MethodInputInvalid, match="同一碳库"):
        marsh(3, burial=burial)


def test_coastal_land_is_refused_and_weak_measurements_are_not_taken():
    data = BALANCE.example()
    data["units"][0]["land_class"] = "coastal"
    with pytest.raises(OutOfDomain, match="滨海"):
        run(BALANCE, data)
    data = BALANCE.example()
    data["baseline_units"][0]["ch4_measured"].update(campaigns=11, ebullition=False)
    assert codes(run(BALANCE, data)["refusals"]) == ["DIFFUSION_ONLY", "TOO_FEW_CAMPAIGNS"]


def test_reservoirs_by_age_dam_and_trophic_state():
    def ch4(**more):
        unit = {"id": "R", "area_ha": 1.0, "land_class": "reservoir", **more}
        data = {**BALANCE.example(), "units": [unit], "baseline_units": None}
        return run(BALANCE, data)["intermediate"]["units"][0]

    assert ch4(flooded_years=30.0)["ch4_kg_ha"] == pytest.approx(80.3)
    assert ch4(flooded_years=30.0, dam_outlet=True)["ch4_kg_ha"] == pytest.approx(80.3 * 1.09)
    young = ch4(flooded_years=20.0)
    assert young["ch4_kg_ha"] == pytest.approx(127.5)
    assert young["flood_co2_t"] == pytest.approx(1.46 * 44 / 12)
    assert ch4(flooded_years=30.0, trophic_state="eutrophic")["ch4_kg_ha"] == pytest.approx(803.0)


def test_owed_area_protection_and_permits_bring_nothing():
    data = BALANCE.example()
    data["owed_area_ha"] = 5.0
    assert run(BALANCE, data)["gross_co2_t"] == pytest.approx(
        run(BALANCE, BALANCE.example())["gross_co2_t"] * 0.75
    )
    data["activity"]["required_by_permit"] = True
    assert "INELIGIBLE_NOT_ADDITIONAL" in codes(run(BALANCE, data)["refusals"])
    data["activity"]["kind"] = "protection"
    protected = run(BALANCE, data)
    assert (protected["gross_co2_t"], codes(protected["warnings"])) == (0.0, ["ABS_ONLY"])


def test_herbs_count_once_or_never_and_losses_always():
    def herb(delta_ha, policy):
        data = BALANCE.example()
        data["units"][0]["herb"] = {
            "delta_area_ha": delta_ha, "agb_t_ha": 7.5, "bgb_t_ha": 14.7, "species": "zizania",
        }  # fmt: skip
        data["policy"]["herb_gain"] = policy
        return run(BALANCE, data)["intermediate"]["abs_co2e_t"]["herb"]

    gain = 2 * (7.5 + 14.7) * 0.44 / 5 * 44 / 12
    assert herb(2.0, "never") == 0.0
    assert herb(2.0, "once_5_years") == pytest.approx(gain)
    assert herb(-2.0, "never") == pytest.approx(-gain)


def test_dissolved_carbon_is_reported_only():
    plain = marsh(50)
    unit_doc = {"mg_l": 6.0, "depth_m": 1.5}
    data = {**BALANCE.example(), "baseline_units": None}
    data["units"] = [
        {"id": "L", "area_ha": 1.0, "land_class": "marsh", "origin": "created", "doc": unit_doc}
    ]
    found = run(BALANCE, data)["intermediate"]
    assert found["doc_stock_c_t"] == pytest.approx(0.09)
    assert found["abs_co2e_t"]["total"] == pytest.approx(plain["total"])


def test_running_time_backwards_changes_only_the_sign():
    data = BALANCE.example()
    data["units"], data["baseline_units"] = data["baseline_units"], data["units"]
    backward = run(BALANCE, data)["intermediate"]["delta_co2e_t"]["total"]
    assert backward == pytest.approx(
        -run(BALANCE, BALANCE.example())["intermediate"]["delta_co2e_t"]["total"]
    )


# ---- price


def test_without_coefficients_the_price_is_the_reference():
    found = run(PRICE, PRICE.example())["intermediate"]
    assert found["price_fen_t"] == 5883
    assert found["amount_fen"] == 588_300_00
    assert found["fee_fen"] == 2_400_200_00


@pytest.mark.parametrize(
    ("area_m2", "tiers", "yuan"),
    [
        (12000.0, ["provincial"], 2_400_000), (12000.0, ["national"], 3_600_000),
        (12000.3, ["provincial"], 2_400_200),
        (100.0, ["national", "mangrove_peat_coastal"], 60_000),
    ],
)  # fmt: skip
def test_restoration_fee(area_m2, tiers, yuan):
    data = {**PRICE.example(), "fee": {"area_m2": area_m2, "tiers": tiers}}
    assert run(PRICE, data)["intermediate"]["fee_fen"] == yuan * 100


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 3), st.floats(0, 3), st.floats(1, 5))
def test_a_premium_changes_the_price_within_its_bounds_and_never_the_tonnes(bio, gep, cap):
    data = PRICE.example()
    data["policy"] = {"alpha_bio": bio, "alpha_gep": gep, "cap_multiplier": cap}
    found = run(PRICE, data)["intermediate"]
    assert 5883 <= found["price_fen_t"] <= 5883 * cap
    assert found["quantity_kg"] == data["price"]["quantity_kg"]


def test_a_premium_without_a_cap_and_a_negative_balance_are_refused():
    data = {**PRICE.example(), "policy": {"alpha_bio": 0.2}, "occupied_m2": [20000.0]}
    found = run(PRICE, data)
    assert codes(found["refusals"]) == ["FACTOR_MISSING", "BALANCE_NEGATIVE"]
    assert "price.cap_multiplier" in found["refusals"][0]["message"]

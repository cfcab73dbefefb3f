"""Loss methods: the worked examples of the court specification, refusals, laws; the wetland fee."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.core.errors import Invalid
from sinks.restoration import loss, loss_formulas, loss_input, wetland_fee

BAMBOO = {
    "method": "M1",
    "area_m2": 2000,
    "delta_c_t_ha": 40,
    "annual_t_ha": 5.85,
    "recovery_years": 5,
    "recovery": "linear",
    "discount": 0.03,
    "phi": 0,
    "unit_kg": 1000,
    "price_fen_t": 7341,
}
WETLAND = BAMBOO | {
    "area_m2": 5000,
    "delta_c_t_ha": 25,
    "annual_t_ha": 5.0,
    "recovery_years": 10,
    "price_fen_t": 5883,
}
EQUIVALENT = {
    "method": "M2",
    "area_m2": 2000,
    "delta_c_t_ha": 40,
    "recovery_years": 20,
    "recovery": "linear",
    "discount": 0.03,
    "horizon_years": 100,
    "unit_kg": 10,
}
MONEY = {"method": "M3", "amount_fen": 2_400_000, "price_fen_t": 5883, "unit_kg": 1000}
HABITAT = {
    "method": "HEA",
    "area_m2": 5000,
    "recovery_years": 10,
    "recovery": "linear",
    "discount": 0.03,
    "gain_service": 0.6,
    "gain_years": 5,
    "gain_life_years": 30,
}

areas_m2 = st.integers(1, 10**7)
densities = st.integers(0, 5000).map(lambda n: n / 10)
years = st.integers(1, 40)
discounts = st.sampled_from([0.0, 0.02, 0.03, 0.05])


def refused(facts: dict[str, Any]) -> Invalid:
    with pytest.raises(Invalid) as caught:
        loss.assess(facts)
    return caught.value


def test_example_1_bamboo_tonnage_order() -> None:
    found = loss.assess(BAMBOO)
    assert found["stock_t"] == pytest.approx(29.3333, abs=5e-5)
    assert found["flow_t"] == pytest.approx(2.7833, abs=5e-5)
    assert found["loss_t"] == pytest.approx(32.1166, abs=5e-5)
    assert (found["quantity_kg"], found["amount_fen"]) == (33_000, 242_253)
    assert found["residue_fen"] is None and found["habitat_ha"] is None


def test_example_1_in_hundredths_of_a_tonne_and_doubled_by_the_court() -> None:
    fine = loss.assess(BAMBOO | {"unit_kg": 10})
    assert (fine["quantity_kg"], fine["amount_fen"]) == (32_120, 235_793)
    double = loss.assess(BAMBOO | {"k": 2})
    assert (double["quantity_kg"], double["amount_fen"]) == (65_000, 477_165)


def test_example_1_shows_every_year_of_lost_growth() -> None:
    steps = {step["name"]: step for step in loss.assess(BAMBOO)["steps"]}
    terms = "1.0376 + 0.7835 + 0.5433 + 0.3165 + 0.1024 = 2.7833"
    assert terms in steps["期间流量损失 F"]["text"]
    assert "0.2 × 40 × 44/12 = 29.3333" in steps["存量损失 S"]["text"]
    assert "33 吨 × 73.41 元/吨 = 2,422.53 元" in steps["金额"]["text"]
    assert all(set(step) == {"name", "text", "value", "unit"} for step in steps.values())


def test_example_2_wetland() -> None:
    found = loss.assess(WETLAND)
    assert found["stock_t"] == pytest.approx(45.8333, abs=5e-5)
    assert found["flow_t"] == pytest.approx(11.3485, abs=5e-5)
    assert found["loss_t"] == pytest.approx(57.1819, abs=5e-5)
    assert (found["quantity_kg"], found["amount_fen"]) == (58_000, 341_214)
    fine = loss.assess(WETLAND | {"unit_kg": 10})
    assert (fine["quantity_kg"], fine["amount_fen"]) == (57_190, 336_449)


def test_example_3_methods_differ_four_times_on_one_site() -> None:
    found = loss.assess(EQUIVALENT)
    values = [step["value"] for step in found["steps"]]
    assert values[3] == pytest.approx(243.0907, abs=5e-5)
    assert values[4] == pytest.approx(32.0694, abs=5e-5)
    assert round(found["loss_t"], 2) == 7.58
    assert round(found["stock_t"], 2) == 29.33
    assert found["quantity_kg"] == 7_590 and found["amount_fen"] is None
    assert round(loss.assess(EQUIVALENT | {"recovery_years": 5})["loss_t"], 2) == 2.18


def test_example_4_money_order_leaves_its_residue() -> None:
    tonnes = loss.assess(MONEY)
    assert (tonnes["quantity_kg"], tonnes["amount_fen"]) == (407_000, 2_394_381)
    assert tonnes["residue_fen"] == 5_619
    kilograms = loss.assess(MONEY | {"unit_kg": 1})
    assert (kilograms["quantity_kg"], kilograms["amount_fen"]) == (407_955, 2_399_999)
    assert kilograms["residue_fen"] == 1


def test_example_5_habitat_to_restore() -> None:
    found = loss.assess(HABITAT)
    values = [step["value"] for step in found["steps"]]
    assert values[2] == pytest.approx(2.26971, abs=5e-6)
    assert values[3] == pytest.approx(10.50804, abs=5e-6)
    assert found["habitat_ha"] == pytest.approx(0.2160, abs=5e-5)
    assert found["quantity_kg"] is None and found["loss_t"] is None


def test_example_6_a_sum_of_money_becomes_1024_tonnes() -> None:
    found = loss.assess(MONEY | {"amount_fen": 7_300_000, "price_fen_t": 7128})
    assert found["quantity_kg"] == 1_024_000
    assert found["amount_fen"] + found["residue_fen"] == 7_300_000


def test_replanting_the_site_takes_the_stock_out_of_the_loss() -> None:
    found = loss.assess(BAMBOO | {"phi": 1})
    assert found["loss_t"] == found["flow_t"]
    half = loss.assess(BAMBOO | {"phi": 0.5})
    assert half["loss_t"] == pytest.approx(29.3333 / 2 + 2.7833, abs=1e-4)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (f, n)
        for f in (BAMBOO, EQUIVALENT, MONEY, HABITAT)
        for n in loss_input.NEEDED[str(f["method"])]
    ],
)
def test_a_method_refuses_to_guess_what_it_needs(facts: dict[str, Any], name: str) -> None:
    for without in ({n: v for n, v in facts.items() if n != name}, facts | {name: None}):
        refusal = refused(without)
        assert refusal.code == "loss_missing_field"
        assert name in refusal.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"area_mu": 3}, "loss_unknown_field"),
        ({"method": "m1"}, "loss_bad_value"),
        ({"method": None}, "loss_bad_value"),
        ({"area_m2": 0}, "loss_bad_value"),
        ({"area_m2": "2000"}, "loss_bad_value"),
        ({"area_m2": True}, "loss_bad_value"),
        ({"area_m2": float("nan")}, "loss_bad_value"),
        ({"area_m2": float("inf")}, "loss_bad_value"),
        ({"discount": 3}, "loss_bad_value"),
        ({"discount": -0.01}, "loss_bad_value"),
        ({"phi": 1.01}, "loss_bad_value"),
        ({"k": 0}, "loss_bad_value"),
        ({"annual_t_ha": -1}, "loss_bad_value"),
        ({"recovery_years": 2.5}, "loss_bad_value"),
        ({"unit_kg": 0}, "loss_bad_value"),
        ({"price_fen_t": 73.41}, "loss_bad_value"),
        ({"recovery": "quick"}, "loss_bad_value"),
        ({"recovery": [[n, 1] for n in range(502)]}, "loss_bad_value"),
        ({"recovery": []}, "loss_recovery_table"),
        ({"recovery": [[1, 0.5, 3]]}, "loss_recovery_table"),
        ({"recovery": [[2, 0.5], [1, 0.7], [5, 1]]}, "loss_recovery_table"),
        ({"recovery": [[1, 0.5], [2, 0.4], [5, 1]]}, "loss_recovery_table"),
        ({"recovery": [[1, 0.5], [5, 0.9]]}, "loss_recovery_table"),
        ({"recovery": [[1, 0.5], [4, 1]]}, "loss_recovery_table"),
        ({"recovery": [[1, 0.5], [5, 1.2]]}, "loss_recovery_table"),
    ],
)
def test_wrong_input_is_refused(change: dict[str, Any], code: str) -> None:
    assert refused(BAMBOO | change).code == code


def test_a_missing_method_is_refused_and_never_chosen() -> None:
    refusal = refused({n: v for n, v in BAMBOO.items() if n != "method"})
    assert refusal.code == "loss_missing_field" and "没有默认值" in refusal.message


@pytest.mark.parametrize("facts", [MONEY, HABITAT])
def test_a_multiplier_is_refused_where_the_method_has_none(facts: dict[str, Any]) -> None:
    assert refused(facts | {"k": 2}).code == "loss_multiplier"
    assert loss.assess(facts | {"k": 1})["warnings"] == []


def test_input_that_a_method_does_not_use_is_named() -> None:
    assert loss.assess(BAMBOO)["warnings"] == []
    (warning,) = loss.assess(MONEY | {"phi": 0.5})["warnings"]
    assert "phi" in warning


def test_an_annual_sink_of_24_5_tonnes_a_mu_is_questioned() -> None:
    (warning,) = loss.assess(BAMBOO | {"annual_t_ha": 24.5 * 15})["warnings"]
    assert "24.5 吨/亩" in warning


def test_a_whole_quantity_is_not_rounded_up_by_noise() -> None:
    # 0.3 ha × 10 t C/ha × 44/12 = 11 t; 1.1 × 11 t is 12100.000000000002 kg in binary floats.
    exactly = BAMBOO | {"area_m2": 3000, "delta_c_t_ha": 10, "annual_t_ha": 0}
    assert loss.assess(exactly)["quantity_kg"] == 11_000
    assert loss.assess(exactly | {"area_m2": 3000.0000000000005})["quantity_kg"] == 11_000
    assert loss.assess(exactly | {"k": 1.1, "unit_kg": 100})["quantity_kg"] == 12_100
    assert loss.assess(exactly | {"area_m2": 3000.001})["quantity_kg"] == 12_000


def test_a_table_that_is_a_straight_line_is_the_linear_recovery() -> None:
    straight = loss.assess(BAMBOO | {"recovery": [[0, 0], [2, 0.4], [5, 1]]})
    assert straight["flow_t"] == loss.assess(BAMBOO)["flow_t"]


def test_a_table_may_recover_part_at_once() -> None:
    undiscounted = BAMBOO | {"discount": 0, "recovery": [[0, 0.5], [5, 1]]}
    assert loss.assess(undiscounted)["flow_t"] == pytest.approx(1.17 * 5 / 4)


def test_habitat_that_is_mature_at_once_gains_from_the_first_year() -> None:
    found = loss.assess(HABITAT | {"discount": 0, "gain_years": 0, "gain_life_years": 10})
    # 0.5 ha × 5 years lost, 0.6 × 10 years gained a hectare.
    assert found["habitat_ha"] == pytest.approx(2.5 / 6)


def test_a_step_recovery_loses_every_year_in_full() -> None:
    undiscounted = loss.assess(BAMBOO | {"discount": 0, "recovery": "step"})
    assert undiscounted["flow_t"] == pytest.approx(1.17 * 5)


def test_rea_asks_for_the_whole_stock_when_it_is_gone_for_the_whole_horizon() -> None:
    gone = EQUIVALENT | {"recovery": "step", "recovery_years": 100}
    found = loss.assess(gone)
    assert found["loss_t"] == found["stock_t"]


@given(areas_m2, densities, years)
def test_linear_undiscounted_flow_is_half_of_all_growth(area: int, annual: float, n: int) -> None:
    missing = loss_formulas.missing_years("linear", n, Fraction(0))
    found = loss_formulas.flow_t(Fraction(area), loss_formulas.exact(annual), missing)
    assert found == Fraction(area, 10_000) * loss_formulas.exact(annual) * n / 2


@given(years, discounts, st.sampled_from(["linear", "step"]))
def test_a_slower_recovery_never_loses_less(n: int, discount: float, recovery: Any) -> None:
    rate = loss_formulas.exact(discount)
    shorter = sum(loss_formulas.missing_years(recovery, n, rate))
    longer = sum(loss_formulas.missing_years(recovery, n + 1, rate))
    assert longer > shorter > 0


@given(areas_m2, densities, st.sampled_from([1, 10, 1000]), st.sampled_from([0.5, 1, 2, 2.5]))
def test_the_quantity_covers_the_loss_by_less_than_a_unit(
    area: int, delta_c: float, unit_kg: int, k: float
) -> None:
    stock = loss_formulas.stock_t(Fraction(area), loss_formulas.exact(delta_c))
    quantity = loss_formulas.quantity_kg(stock, k=loss_formulas.exact(k), unit_kg=unit_kg)
    wanted = 1000 * loss_formulas.exact(k) * stock
    assert quantity % unit_kg == 0
    assert -Fraction(1, 10**6) < quantity - wanted < unit_kg


@given(st.integers(1, 10**11), st.integers(1, 10**6), st.sampled_from([1, 10, 1000]))
def test_a_money_order_spends_the_sum_to_the_fen(amount: int, price: int, unit_kg: int) -> None:
    bought = loss_formulas.money_quantity(amount, price_fen_t=price, unit_kg=unit_kg)
    assert bought.cost_fen + bought.residue_fen == amount
    assert bought.residue_fen >= 0
    assert bought.quantity_kg % unit_kg == 0
    # One unit more would cost more than the sum.
    assert (bought.quantity_kg + unit_kg) * price > amount * 1000


@given(st.integers(1, 9), st.integers(1, 5))
@settings(max_examples=20)
def test_habitat_grows_with_the_damage_and_shrinks_with_the_gain(area_ha: int, tenth: int) -> None:
    small = HABITAT | {"area_m2": area_ha * 10_000, "gain_service": tenth / 10}
    base = loss.assess(small)["habitat_ha"]
    twice_hurt = loss.assess(small | {"area_m2": area_ha * 20_000})["habitat_ha"]
    twice_good = loss.assess(small | {"gain_service": tenth / 5})["habitat_ha"]
    assert twice_hurt == pytest.approx(2 * base)
    assert twice_good == pytest.approx(base / 2)


def test_the_interval_follows_both_standard_errors() -> None:
    found = loss.assess(BAMBOO | {"delta_c_stderr_t_ha": 6, "annual_stderr_t_ha": 1.17})
    # 0.2 × 6 × 44/12 = 4.4 t, and 20 % of a flow of 2.7833 t.
    assert found["loss_stderr_t"] == pytest.approx((4.4**2 + 0.55666**2) ** 0.5, abs=1e-4)
    assert found["loss_high_t"] - found["loss_t"] == pytest.approx(1.645 * found["loss_stderr_t"])
    assert found["loss_t"] - found["loss_low_t"] == pytest.approx(1.645 * found["loss_stderr_t"])
    assert found["quantity_kg"] == 33_000
    assert found["steps"][-1]["name"] == "损失量的不确定性"


def test_regrowth_on_the_site_takes_the_error_of_the_stock_with_it() -> None:
    found = loss.assess(BAMBOO | {"phi": 1, "delta_c_stderr_t_ha": 6, "annual_stderr_t_ha": 0})
    assert found["loss_stderr_t"] == 0


def test_the_interval_of_rea_scales_with_the_stock() -> None:
    found = loss.assess(EQUIVALENT | {"delta_c_stderr_t_ha": 4})
    assert found["loss_stderr_t"] == pytest.approx(found["loss_t"] / 10)


def test_an_interval_never_goes_below_zero_and_one_error_alone_is_said() -> None:
    found = loss.assess(BAMBOO | {"delta_c_stderr_t_ha": 100})
    assert found["loss_low_t"] == 0
    assert "只给了一个标准误" in found["warnings"][0]
    assert "loss_stderr_t" not in loss.assess(BAMBOO)


def test_wetland_fee_example_12_is_600_000_yuan() -> None:
    found = wetland_fee.fee(3000, "provincial")
    assert (found["fee_fen"], found["rate_fen_m2"]) == (60_000_000, 20_000)
    assert "浙江省的具体标准尚未" in str(found["basis"])


@pytest.mark.parametrize("tier", ["mangrove", "peat", "coastal"])
def test_three_kinds_of_wetland_cost_three_times(tier: str) -> None:
    assert wetland_fee.fee(1, tier)["fee_fen"] == 60_000


def test_a_provincial_table_may_be_dearer_and_count_whole_metres() -> None:
    found = wetland_fee.fee(Decimal("10.2"), "national", wetland_fee.ZHEJIANG_2025)
    assert (found["fee_fen"], found["rate_fen_m2"]) == (11 * 30_000, 30_000)
    assert wetland_fee.fee(Decimal("10.2"), "national")["fee_fen"] == 204_000


def test_a_table_below_the_national_floor_is_refused() -> None:
    cheap = wetland_fee.RateTable({"provincial": 19_999}, "试", whole_m2=False)
    with pytest.raises(Invalid) as caught:
        wetland_fee.fee(10, "provincial", cheap)
    assert caught.value.code == "wetland_rate_below_floor"


@pytest.mark.parametrize(
    ("area_m2", "tier", "code"),
    [
        (10, "general", "wetland_tier"),
        (10, "", "wetland_tier"),
        (0, "national", "wetland_area"),
        (-1, "national", "wetland_area"),
        (float("nan"), "national", "wetland_area"),
        (Decimal("NaN"), "national", "wetland_area"),
        (True, "national", "wetland_area"),
    ],
)
def test_a_fee_is_refused_without_a_tier_or_an_area(area_m2: Any, tier: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        wetland_fee.fee(area_m2, tier)
    assert caught.value.code == code

"""Culm, plot and stand of moso bamboo: golden table E1, plausibility E2, plots E3, stands E9."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methodologies import moso_stand_v1
from methodologies.base import CO2_PER_C, OutOfDomain
from methodologies.moso_mgmt_v1_explain import EXAMPLE_CULMS, EXAMPLE_PLOT_M2
from methodologies.moso_stand_v1 import Culms

E1 = {
    6: (6.0326, 6.2115, 6.2748, 6.3072, 6.3269),
    8: (8.7887, 9.1858, 9.3263, 9.3982, 9.4419),
    9: (10.7249, 11.2752, 11.4700, 11.5696, 11.6301),
    10: (13.0822, 13.8191, 14.0799, 14.2133, 14.2943),
    12: (19.2022, 20.4235, 20.8557, 21.0767, 21.2110),
    14: (27.4247, 29.2968, 29.9593, 30.2981, 30.5039),
}


@pytest.mark.parametrize("dbh_cm", E1)
def test_golden_values_of_the_culm_equation(dbh_cm):
    found = [moso_stand_v1.culm_agb_kg(dbh_cm, du) for du in range(1, 6)]
    assert found == pytest.approx(E1[dbh_cm], abs=1e-4)


@pytest.mark.parametrize(
    ("age_years", "dbh_cm", "measured_kg", "formula_kg", "percent"),
    [
        (1, 11.06, 14.230, 16.080, 13.0),
        (3, 9.13, 17.045, 11.579, -32.1),
        (5, 9.80, 19.393, 13.519, -30.3),
    ],
)
def test_felled_culms_of_taojiang_are_of_the_same_order(
    age_years, dbh_cm, measured_kg, formula_kg, percent
):
    found = moso_stand_v1.culm_agb_kg(dbh_cm, moso_stand_v1.age_du(age_years))
    # The text cuts the third decimal of the first one (16.0805).
    assert found == pytest.approx(formula_kg, abs=6e-4)
    assert 100 * (found / measured_kg - 1) == pytest.approx(percent, abs=0.06)
    assert abs(found / measured_kg - 1) < 0.40


def test_a_culm_of_zhejiang_weighs_what_the_inventory_says():
    assert moso_stand_v1.culm_agb_kg(8.6, 2) == pytest.approx(10.44, abs=0.1)


@pytest.mark.parametrize(
    ("dbh_cm", "elasticity"), [(6, 1.09), (8, 1.63), (10, 2.01), (12, 2.26), (14, 2.41)]
)
def test_a_diameter_one_percent_off_costs_what_the_text_says(dbh_cm, elasticity):
    one = moso_stand_v1.culm_agb_kg(dbh_cm, 2)
    other = moso_stand_v1.culm_agb_kg(dbh_cm * 1.0001, 2)
    assert (other / one - 1) / 1e-4 == pytest.approx(elasticity, abs=0.01)


@pytest.mark.parametrize(
    ("years", "du"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4), (8, 5), (9, 5)]
)
def test_years_turn_into_du(years, du):
    assert moso_stand_v1.age_du(years) == du


@pytest.mark.parametrize("years", [0, -2, 2.5, math.nan, math.inf])
def test_an_age_that_is_no_whole_year_is_refused(years):
    with pytest.raises(OutOfDomain, match="竹龄"):
        moso_stand_v1.age_du(years)


@pytest.mark.parametrize(
    ("dbh_cm", "du"), [(1.99, 2), (0, 2), (-5, 2), (math.nan, 2), (10, 0), (10, math.nan)]
)
def test_what_is_no_culm_is_refused(dbh_cm, du):
    with pytest.raises(OutOfDomain):
        moso_stand_v1.culm_agb_kg(dbh_cm, du)


def test_a_culm_of_just_two_centimetres_counts():
    assert moso_stand_v1.culm_agb_kg(2.0, 1) > 3.772


def test_culms_outside_the_guard_rails_are_pointed_out():
    culms = [Culms(4.9, 2, 3), Culms(18.1, 2, 1), Culms(10, 6, 2), Culms(10, 5, 7)]
    notices = {n.code: n.message for n in moso_stand_v1.guard_notices(culms, "P1")}
    assert set(notices) == {"CULM_DBH_OUT_OF_GUARD", "CULM_AGE_OUT_OF_GUARD"}
    assert "P1：4 株" in notices["CULM_DBH_OUT_OF_GUARD"]
    assert "P1：2 株" in notices["CULM_AGE_OUT_OF_GUARD"]
    assert moso_stand_v1.guard_notices([Culms(5, 1), Culms(18, 5)], "P1") == []


def test_plot_e3_and_what_it_holds():
    agb = moso_stand_v1.plot_agb_t_ha(EXAMPLE_CULMS, EXAMPLE_PLOT_M2)
    assert sum(c.count for c in EXAMPLE_CULMS) == 100
    assert agb * 0.04 * 1000 == pytest.approx(1349.0441, abs=5e-5)
    assert agb == pytest.approx(33.7261, abs=5e-5)
    assert agb * 0.37 == pytest.approx(12.4787, abs=5e-5)
    assert agb * 1.37 * 0.47 == pytest.approx(21.7162, abs=5e-5)
    assert agb * moso_stand_v1.co2_t_per_agb_t() == pytest.approx(79.6262, abs=5e-5)
    assert agb * moso_stand_v1.co2_t_per_agb_t(with_bgb=False) / CO2_PER_C == pytest.approx(
        15.8513, abs=5e-5
    )
    assert agb * 0.5042 == pytest.approx(17.0047, abs=5e-5)


def test_the_mean_culm_is_not_the_plot():
    mean_dbh = sum(c.count * c.dbh_cm for c in EXAMPLE_CULMS) / 100
    mean_du = sum(c.count * c.age_du for c in EXAMPLE_CULMS) / 100
    assert (mean_dbh, mean_du) == pytest.approx((9.76, 2.08))
    shortcut = 2500 * moso_stand_v1.culm_agb_kg(mean_dbh, mean_du) / 1000
    assert shortcut == pytest.approx(32.9820, abs=5e-5)
    true = moso_stand_v1.plot_agb_t_ha(EXAMPLE_CULMS, EXAMPLE_PLOT_M2)
    assert 100 * (shortcut / true - 1) == pytest.approx(-2.2, abs=0.05)


def test_a_steep_plot_covers_less_horizontal_ground():
    flat = moso_stand_v1.plot_agb_t_ha(EXAMPLE_CULMS, 400, slope_deg=0)
    steep = moso_stand_v1.plot_agb_t_ha(EXAMPLE_CULMS, 400, slope_deg=30)
    assert steep == pytest.approx(flat / math.cos(math.radians(30)))


def test_slopes_up_to_ten_percent_are_left_as_they_are():
    ten_percent = math.degrees(math.atan(0.10))
    assert moso_stand_v1.horizontal_area_ha(400, ten_percent - 1e-9) == 0.04
    assert moso_stand_v1.horizontal_area_ha(400, ten_percent + 1e-6) < 0.0399


@given(st.floats(2, 25), st.integers(1, 8), st.integers(1, 50), st.floats(1.1, 10))
def test_biomass_per_hectare_falls_with_plot_area_and_adds_over_culms(dbh, du, count, scale):
    one = moso_stand_v1.plot_agb_t_ha([Culms(dbh, du, count)], 400)
    wide = moso_stand_v1.plot_agb_t_ha([Culms(dbh, du, count)], 400 * scale)
    split = moso_stand_v1.plot_agb_t_ha([Culms(dbh, du, 1)] * count, 400)
    assert wide == pytest.approx(one / scale)
    assert split == pytest.approx(one)


def test_a_denser_stand_of_thicker_culms_e9():
    def stand(culms_per_ha, dbh_cm):
        return moso_stand_v1.stand_agb_t_ha(
            Culms(dbh_cm, du, culms_per_ha / 4) for du in (1, 2, 3, 4)
        )

    start, target = stand(2000, 9), stand(3000, 10)
    assert start == pytest.approx(22.5198, abs=5e-5)
    assert target == pytest.approx(41.3959, abs=6e-5)
    assert target - start == pytest.approx(18.8760, abs=6e-5)
    assert (target - start) * moso_stand_v1.co2_t_per_agb_t() == pytest.approx(44.5657, abs=5e-5)

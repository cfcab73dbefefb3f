"""Emissions: values of the method text and of an independent public test suite."""

import pytest

from methodologies import emissions


@pytest.mark.parametrize(
    ("synthetic", "organic", "climate", "kg_co2e"),
    [(1, 0, "wet", 8.6572), (0, 1, "wet", 4.9678), (1, 0, "aggregate", 5.8945)],
)
def test_co2e_of_one_kilogram_of_nitrogen(synthetic, organic, climate, kg_co2e):
    found = emissions.n2o_kg(synthetic, organic, climate) * emissions.n2o_gwp("ar6")
    assert found == pytest.approx(kg_co2e, abs=5e-5)


def test_150_kg_of_nitrogen_on_20_hectares():
    found = emissions.n2o_kg(150 * 20, 0) * emissions.n2o_gwp("ar6")
    assert found == pytest.approx(25_971.7, abs=0.05)


def test_urea_gives_off_its_carbon():
    assert emissions.urea_co2_t(1.0) == pytest.approx(0.7333, abs=5e-5)


@pytest.mark.parametrize(("gwp_set", "co2e_t"), [("ar6", 9.795), ("ar5", 9.925)])
def test_fire_on_two_hectares(gwp_set, co2e_t):
    ch4 = emissions.fire_gas_t(2, 55, 0.45, "ch4")
    n2o = emissions.fire_gas_t(2, 55, 0.45, "n2o")
    assert (ch4, n2o) == pytest.approx((0.23265, 0.01287))
    total = ch4 * emissions.ch4_gwp(gwp_set) + n2o * emissions.n2o_gwp(gwp_set)
    assert total == pytest.approx(co2e_t, abs=5e-4)

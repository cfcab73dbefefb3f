"""First order and Monte Carlo: they agree where both hold, and shared factors are drawn once."""

import math
import time

import numpy as np
import pytest

from methodologies import propagation
from methodologies.base import CO2_PER_C, FactorMissing, OutOfDomain
from methodologies.propagation import Spread


def removal(v):
    return v["delta"] * (1 + v["r"]) * v["cf"] * 100.0 * CO2_PER_C


SPREADS = {
    "delta": Spread(4.4, 0.55, "normal"),
    "r": Spread(0.37, 0.07, "normal", 0.0),
    "cf": Spread(0.47, 0.0094, "normal", 0.0, 1.0),
}


def test_first_order_is_approach_1_for_a_product():
    found = propagation.first_order(removal, SPREADS)
    expected = math.hypot(0.55 / 4.4, 0.07 / 1.37, 0.0094 / 0.47)
    assert found.stderr / found.value == pytest.approx(expected, rel=1e-6)
    assert math.fsum(found.variance_shares.values()) == pytest.approx(1.0)


def test_100_000_draws_agree_with_the_analytic_interval_in_under_two_seconds():
    begun = time.process_time()
    drawn = propagation.simulate(removal, SPREADS, seed=7)
    assert time.process_time() - begun < 2.0
    analytic = propagation.first_order(removal, SPREADS)
    assert drawn.mean == pytest.approx(analytic.value, rel=0.01)
    assert drawn.sd == pytest.approx(analytic.stderr, rel=0.02)
    assert (drawn.p95 - drawn.p5) / 2 == pytest.approx(1.645 * analytic.stderr, rel=0.02)


def test_a_factor_on_both_sides_of_a_difference_cancels():
    spreads = {"shared": Spread(10.0, 3.0, "normal"), "own": Spread(1.0, 0.1, "normal")}

    def difference(v):
        return (v["shared"] + v["own"]) - v["shared"]

    assert propagation.first_order(difference, spreads).stderr == pytest.approx(0.1)
    assert propagation.simulate(difference, spreads, seed=1).sd == pytest.approx(0.1, rel=0.02)


def test_names_of_one_group_move_together():
    spreads = {"a": Spread(5.0, 1.0, "normal"), "b": Spread(4.0, 1.0, "normal")}

    def difference(v):
        return v["a"] - v["b"]

    together = {"a": "field", "b": "field"}
    assert propagation.simulate(difference, spreads, seed=1, groups=together).sd < 1e-9
    assert propagation.first_order(difference, spreads, together).stderr == pytest.approx(
        0, abs=1e-9
    )
    assert propagation.simulate(difference, spreads, seed=1).sd == pytest.approx(2**0.5, rel=0.02)


def test_the_same_seed_gives_the_same_draws_and_a_further_name_moves_no_other():
    one = propagation.simulate(removal, SPREADS, seed=3, draws=10_000)
    again = propagation.simulate(
        removal, {"extra": Spread(1.0, 0.5, "normal"), **SPREADS}, seed=3, draws=10_000
    )
    assert one == again
    assert one != propagation.simulate(removal, SPREADS, seed=4, draws=10_000)


def test_shapes_follow_what_is_published():
    rice = propagation.spread("rice.efc.east_asia")
    assert rice.shape == "lognormal"
    assert rice.sd == pytest.approx(math.log(1.96 / 0.89) / 3.92)
    n2o = propagation.spread("n2o.ef1fr.continuous_flooding")
    assert (n2o.shape, n2o.sd) == ("normal", pytest.approx(0.010 / 3.92))
    drawn = propagation.simulate(lambda v: v["x"], {"x": n2o}, seed=1)
    assert drawn.p2_5 > 0.0
    with pytest.raises(FactorMissing, match=r"burn\.ch4_crop_residue"):
        propagation.spread("burn.ch4_crop_residue")


def test_too_few_draws_are_refused():
    with pytest.raises(OutOfDomain, match="至少"):
        propagation.simulate(removal, SPREADS, seed=1, draws=100)


@pytest.mark.parametrize("own_draws", [False, True])
def test_a_practice_is_calculated_once_and_scaled_to_its_land_and_another_practice_anew(own_draws):
    calls = []

    def per_hectare(v):
        calls.append(len(v["r"]))
        return v["delta"] * (1 + v["r"])

    one, again, other = (
        propagation.simulate_practice(
            per_hectare, SPREADS, practice, "hash of factors", own_draws=own_draws
        )
        for practice in (
            {"kind": "a", "area_ha": 1.0, "policy": {"unit_kg": 1}},
            {"kind": "a", "area_ha": 9.0, "policy": {"unit_kg": 1000}},
            {"kind": "b", "area_ha": 1.0, "policy": {"unit_kg": 1}},
        )
    )
    assert one == again
    assert (one != other) is own_draws, "published factors are drawn once for all practices"
    assert sum(calls) == 2 * propagation.DRAWS
    whole = one.times(9.0)
    assert (whole.mean, whole.sd, whole.p95) == (9 * one.mean, 9 * one.sd, 9 * one.p95)
    assert (whole.seed, whole.draws, whole.u90) == (one.seed, one.draws, pytest.approx(one.u90))
    # Another value of a factor is another practice, whatever its hash.
    moved = {**SPREADS, "r": Spread(0.40, 0.07, "normal", 0.0)}
    assert (
        propagation.simulate_practice(
            per_hectare, moved, {"kind": "a"}, "hash of factors", own_draws=own_draws
        )
        != one
    )


def test_practices_under_the_same_factors_add_up_draw_by_draw():
    """What a factor is off by, it is off by on every field: twice the nitrogen is twice the error."""

    def simulated(kg_ha):
        return propagation.simulate_practice(
            lambda v: v["delta"] * kg_ha, SPREADS, {"kg_ha": kg_ha}, "hash of factors"
        )

    one, three = simulated(1.0), simulated(3.0)
    for name in ("mean", "sd", "p2_5", "p33_3", "p97_5"):
        assert getattr(three, name) == pytest.approx(3.0 * getattr(one, name), rel=1e-12)


def test_percentiles_are_those_of_numpy():
    asked = np.array((2.5, 5.0, 100.0 / 3.0, 50.0, 95.0, 97.5))
    for draws in (10_000, 12_345, 100_000):
        drawn = np.random.default_rng(draws).lognormal(size=draws)
        assert propagation._percentiles(drawn) == np.percentile(drawn, asked).tolist()


def test_a_calculation_cannot_change_the_draws_that_others_read():
    def careless(v):
        v["r"] += 1.0
        return v["r"]

    with pytest.raises(ValueError, match="read-only"):
        propagation.simulate(careless, SPREADS, seed=1)

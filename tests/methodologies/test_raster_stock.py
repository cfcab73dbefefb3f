"""Raster stock: the full parcel example R1 of the method text."""

import numpy as np
import pytest

from methodologies import catalogue, factors, raster_stock
from methodologies.base import OutOfDomain

START = np.array([58.0, 62, 55, 60, 65, 59, 57, 61, 63])
END = np.array([63.0, 66, 58, 66, 71, 62, 60, 66, 69])
COVER_HA = np.array([0.25, 0.5, 0.25, 0.5, 1.0, 0.5, 0.25, 0.5, 0.25])
X_M, Y_M = (grid.ravel() for grid in np.meshgrid([0.0, 100, 200], [0.0, 100, 200]))


def r1(**changes):
    given = {
        "root_ratio": factors.factor("moso.R"),
        "carbon_fraction": factors.factor("moso.CF"),
        "x_m": X_M,
        "y_m": Y_M,
        "correlation_length_m": 100.0,
    }
    given.update(changes)
    return raster_stock.quantify(START, END, 0.18 * START, 0.18 * END, COVER_HA, **given)


def test_totals_and_means():
    found = r1()
    assert found.area_ha == pytest.approx(4.0)
    assert (found.agb_t_start, found.agb_t_end, found.delta_agb_t) == pytest.approx(
        (244.25, 263.50, 19.25)
    )
    assert (found.agb_t_ha_start, found.agb_t_ha_end) == pytest.approx((61.0625, 65.8750))


def test_stock_errors_under_three_assumptions():
    found = r1()
    for assumption, start, end in (
        ("independent", 16.8249, 18.2235),
        ("exponential", 26.8584, 29.0254),
        ("full", 43.9650, 47.4300),
    ):
        assert found.stderr_t_start[assumption] == pytest.approx(start, abs=6e-5)
        assert found.stderr_t_end[assumption] == pytest.approx(end, abs=6e-5)


@pytest.mark.parametrize(
    ("time_correlation", "expected"),
    [(0.0, (24.8027, 39.5456, 64.6725)), (0.7, (13.6353, 21.7357, 35.5410))],
)
def test_change_errors(time_correlation, expected):
    found = r1(time_correlation=time_correlation).stderr_delta_t
    values = tuple(found[key] for key in ("independent", "exponential", "full"))
    assert values == pytest.approx(expected, abs=6e-5)


def test_change_in_carbon_and_co2():
    found = r1()
    assert found.delta_c_t == pytest.approx(12.3951, abs=5e-5)
    assert found.co2_t == pytest.approx(45.4486, abs=5e-5)


@pytest.mark.parametrize(
    ("assumption", "time_correlation", "percent"),
    [("exponential", 0.0, 338), ("exponential", 0.7, 186), ("independent", 0.0, 212)],
)
def test_relative_half_width_of_the_change(assumption, time_correlation, percent):
    found = r1(time_correlation=time_correlation)
    assert 100 * found.u90[assumption] == pytest.approx(percent, abs=0.5)


def test_nothing_is_left_after_the_deduction_in_any_case():
    for time_correlation in (0.0, 0.7):
        found = r1(time_correlation=time_correlation)
        assert set(found.conservative_co2_t.values()) == {0.0}


def test_stock_at_the_start():
    found = r1()
    assert found.stock_c_t_start == pytest.approx(157.2726, abs=5e-5)
    assert found.stock_co2_t_start == pytest.approx(576.6661, abs=5e-5)
    assert 100 * found.stock_u90_start["exponential"] == pytest.approx(20.2, abs=0.05)


def test_without_a_variogram_full_correlation_governs():
    found = r1(correlation_length_m=None, x_m=None, y_m=None)
    assert found.governing == "full"
    assert set(found.u90) == {"independent", "full"}
    assert r1().governing == "exponential"


def test_running_time_backwards_changes_only_the_sign():
    forward = r1()
    backward = raster_stock.quantify(
        END,
        START,
        0.18 * END,
        0.18 * START,
        COVER_HA,
        root_ratio=factors.factor("moso.R"),
        carbon_fraction=factors.factor("moso.CF"),
    )
    assert backward.co2_t == pytest.approx(-forward.co2_t)
    assert backward.u90["full"] == pytest.approx(forward.u90["full"])
    assert backward.conservative_co2_t["full"] < backward.co2_t


@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_a_cell_without_a_valid_value_is_refused(bad):
    broken = START.copy()
    broken[3] = bad
    with pytest.raises(OutOfDomain, match="1 个像元"):
        raster_stock.quantify(
            broken,
            END,
            START,
            END,
            COVER_HA,
            root_ratio=factors.factor("moso.R"),
            carbon_fraction=factors.factor("moso.CF"),
        )


def test_r1_through_its_method_and_one_more_cell_by_hand():
    method = catalogue.method("stat-raster/1")
    found = method.run(method.example())["intermediate"]
    assert found["delta_agb_t"] == pytest.approx(19.25)
    assert found["co2_t"] == pytest.approx(45.4486, abs=5e-5)
    assert found["stderr_delta_t"] == pytest.approx(
        {"independent": 24.8027, "exponential": 39.5456, "full": 64.6725}, abs=6e-5
    )
    assert (found["governing"], found["governing_conservative_co2_t"]) == ("exponential", 0.0)
    # 2 ha of 40 to 70 t/ha, 1 t/ha error each: sd 2 sqrt(2) t on 60 t, U90 of the map 7.75 %.
    cell = {
        "area_ha": 2.0, "agb_t_ha_start": 40.0, "agb_t_ha_end": 70.0, "stderr_t_ha_start": 1.0,
        "stderr_t_ha_end": 1.0,
    }  # fmt: skip
    one = method.run({"cells": [cell], "policy": {}})["intermediate"]
    assert one["stderr_delta_t"]["full"] == pytest.approx(8**0.5)
    relative = np.hypot(np.hypot(8**0.5 / 60, 0.07 / 1.37), 0.0094 / 0.47)
    assert one["u90"]["full"] == pytest.approx(1.6448536 * relative, rel=1e-6)
    assert one["co2_t"] == pytest.approx(60 * 1.37 * 0.47 * 44 / 12)

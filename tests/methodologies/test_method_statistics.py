"""Statistics: published vectors, the worked examples of the method text, and bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from methodologies import statistics
from methodologies.base import MethodInputInvalid, OutOfDomain

positive = st.floats(0.1, 100.0)


@pytest.mark.parametrize("df", [1, 2, 24, 29, 33, 500])
def test_the_quantile_is_that_of_student(df):
    assert statistics.t_quantile(df) == pytest.approx(stats.t.ppf(0.95, df), rel=1e-12)


def test_without_degrees_of_freedom_the_normal_quantile_is_used():
    assert statistics.t_quantile(None) == pytest.approx(1.6448536, abs=1e-7)


def test_no_degree_of_freedom_is_refused():
    with pytest.raises(OutOfDomain, match="自由度"):
        statistics.t_quantile(0)


def test_published_example_of_ar_tool14_gives_8_18_percent():
    found = statistics.stratified_mean([1.0], [45.328], [12.776], [34])
    assert found.stderr == pytest.approx(2.191, abs=5e-4)
    assert found.t90 == pytest.approx(1.692, abs=5e-4)
    assert found.half_width == pytest.approx(3.708, abs=5e-4)
    assert 100 * found.u90 == pytest.approx(8.18, abs=5e-3)


def test_two_strata_remeasured_e10():
    found = statistics.stratified_mean([0.6, 0.4], [4.0, 6.0], [3.0, 4.0], [14, 12])
    assert found.mean == pytest.approx(4.8)
    assert found.df == 24
    assert found.t90 == pytest.approx(1.7109, abs=5e-5)
    assert found.half_width == pytest.approx(1.1410, abs=5e-5)
    assert 100 * found.u90 == pytest.approx(23.77, abs=5e-3)


def test_remeasured_plots_are_paired_before_the_variance_is_taken():
    starts, ends = [[50.0, 70.0, 90.0]], [[51.0, 72.0, 93.0]]
    found = statistics.remeasured_change([1.0], starts, ends)
    assert found.mean == pytest.approx(2.0)
    assert found.stderr == pytest.approx(1.0 / math.sqrt(3))


def test_a_single_plot_has_no_variance():
    with pytest.raises(OutOfDomain, match="无法估计方差"):
        statistics.stratified_mean([1.0], [4.0], [0.0], [1])


def test_weights_that_do_not_sum_to_one_are_refused():
    with pytest.raises(MethodInputInvalid, match="权重之和"):
        statistics.stratified_mean([0.6, 0.6], [1.0, 1.0], [1.0, 1.0], [3, 3])


def test_the_difference_of_two_good_stocks_is_a_bad_change_e11():
    change, u = statistics.independent_change(5000, 0.08, 5600, 0.07)
    assert change == 600
    assert 100 * u == pytest.approx(93.34, abs=5e-3)


def test_a_stock_is_updated_by_a_change_e11():
    stock, u = statistics.updated_stock(5000, 0.08, 600, 0.25)
    assert stock == 5600
    assert 100 * u == pytest.approx(7.63, abs=5e-3)


def test_number_of_plots_and_allocation_e4():
    plan = statistics.plots_needed([60, 40], [50, 70], [15, 20], plot_area_ha=0.04)
    assert [n for _, _, n in plan.passes] == [24, 26, 25, 25]
    assert [exact for _, exact, _ in plan.passes] == pytest.approx(
        [23.02, 25.07, 24.89, 24.98], abs=0.006
    )
    assert [t for t, _, _ in plan.passes] == pytest.approx(
        [1.6449, 1.7171, 1.7109, 1.7139], abs=6e-5
    )
    assert (plan.n, plan.allocation, plan.total) == (25, (14, 12), 26)


@given(
    st.lists(st.tuples(positive, positive, st.floats(0.0, 60.0)), min_size=1, max_size=4),
    st.integers(3, 6),
)
def test_every_stratum_gets_at_least_the_minimum_and_the_plan_covers_n(strata, minimum):
    areas, means, sds = zip(*strata, strict=True)
    plan = statistics.plots_needed(areas, means, sds, plot_area_ha=0.0004, minimum=minimum)
    assert min(plan.allocation) >= minimum
    assert plan.total >= plan.n


def test_the_plan_reaches_the_precision_it_was_made_for():
    plan = statistics.plots_needed([60, 40], [50, 70], [15, 20], plot_area_ha=0.04)
    reached = statistics.stratified_mean([0.6, 0.4], [50, 70], [15, 20], plan.allocation)
    # The plan has the finite population correction, the estimate hasn't: half a percent apart.
    assert reached.u90 == pytest.approx(0.10, abs=0.005)


def test_map_corrected_by_plots_r4():
    errors = [-0.4 + s * 3.0 * math.sqrt(29 / 30) for s in (1, -1)] * 15
    found = statistics.difference_estimator(4.8125, errors, [0.0] * 30)
    assert found.mean_error == pytest.approx(-0.4)
    assert found.sd_error == pytest.approx(3.0)
    assert found.estimate.mean == pytest.approx(4.4125)
    assert found.estimate.stderr == pytest.approx(0.5477, abs=5e-5)
    assert found.estimate.t90 == pytest.approx(1.6991, abs=5e-5)
    assert 100 * found.estimate.u90 == pytest.approx(21.09, abs=5e-3)


def test_a_map_without_error_at_the_plots_is_kept_and_exact():
    found = statistics.difference_estimator(4.0, [1.0, 5.0], [1.0, 5.0])
    assert (found.estimate.mean, found.estimate.stderr, found.estimate.u90) == (4.0, 0.0, 0.0)


def test_approach_1_product_and_sum():
    ratio = 100 * 1.96 * 0.07 / 1.37
    assert ratio == pytest.approx(10.0146, abs=5e-5)
    assert statistics.approach1_product(15, ratio, 4) == pytest.approx(18.4741, abs=5e-5)
    assert statistics.approach1_sum([1000, 500], [0.20, 0.30]) == pytest.approx(0.166667, abs=5e-7)


def test_a_sum_of_zero_has_no_relative_uncertainty():
    assert statistics.approach1_sum([1.0, -1.0], [0.1, 0.1]) == math.inf


CELLS = (np.full(4, 0.25), np.full(4, 8.0))


def test_mean_of_four_cells_under_three_correlations():
    area, stderr = CELLS
    corners = {"x_m": np.array([0.0, 1, 0, 1]), "y_m": np.array([0.0, 0, 1, 1])}
    assert math.sqrt(statistics.independent_sum_variance(area, stderr)) == pytest.approx(4.0)
    assert math.sqrt(statistics.zonal_sum_variance(area, stderr)) == pytest.approx(8.0)
    # Half of the correlation taken by the nugget, none by distance.
    half = statistics.zonal_sum_variance(
        area, stderr, correlation_length_m=1e9, nugget=0.5, **corners
    )
    assert math.sqrt(half) == pytest.approx(6.325, abs=5e-4)


@given(
    st.lists(st.tuples(positive, positive, positive, positive), min_size=1, max_size=12),
    st.floats(0.1, 1e4),
    st.floats(0.0, 1.0),
)
def test_any_correlation_lies_between_independent_and_full(rows, length, nugget):
    area, stderr, x, y = (np.array(column) for column in zip(*rows, strict=True))
    some = statistics.zonal_sum_variance(
        area, stderr, x_m=x, y_m=y, correlation_length_m=length, nugget=nugget
    )
    low = statistics.independent_sum_variance(area, stderr)
    high = statistics.zonal_sum_variance(area, stderr)
    assert low * (1 - 1e-9) <= some <= high * (1 + 1e-9)


def test_pairs_are_summed_the_same_in_blocks_of_rows(monkeypatch):
    draw = np.random.default_rng(20261122)
    area, stderr, x, y = draw.uniform(1, 100, (4, 40))
    whole = statistics.zonal_sum_variance(area, stderr, x_m=x, y_m=y, correlation_length_m=30)
    monkeypatch.setattr(statistics, "_ROWS_AT_ONCE", 7)
    parts = statistics.zonal_sum_variance(area, stderr, x_m=x, y_m=y, correlation_length_m=30)
    assert parts == pytest.approx(whole, rel=1e-12)


def test_a_shared_bias_is_added_to_the_variance():
    area, stderr = CELLS
    found = statistics.zonal_sum_variance(area, stderr, shared_bias_share=0.1, total_t=60.0)
    assert found == pytest.approx(64.0 + 36.0)


def test_a_correlation_length_without_coordinates_is_refused():
    with pytest.raises(MethodInputInvalid, match="坐标"):
        statistics.zonal_sum_variance(*CELLS, correlation_length_m=100.0)


def test_too_many_cells_for_pairs_are_refused(monkeypatch):
    monkeypatch.setattr(statistics, "PAIRWISE_CELLS_MAX", 3)
    zeros = np.zeros(4)
    with pytest.raises(OutOfDomain, match="像元 4 个"):
        statistics.zonal_sum_variance(*CELLS, x_m=zeros, y_m=zeros, correlation_length_m=100.0)


def test_equal_errors_that_move_together_cancel_in_a_difference():
    assert statistics.difference_variance(9.0, 9.0, 1.0) == 0.0
    assert statistics.difference_variance(9.0, 16.0) == 25.0


def residuals(plots, lost):
    """Plots of which so many lost 15 t/ha, the others went up and down by one."""
    return [-15.0] * lost + [(-1.0) ** i for i in range(plots - lost)]


@given(st.lists(st.floats(-50.0, 50.0), min_size=3, max_size=40))
def test_skewness_is_the_adjusted_one_of_fisher_and_pearson(values):
    if np.std(values) > 1e-6:
        expected = float(stats.skew(values, bias=False))
        assert statistics.skewness(values) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_skewed_residuals_add_to_t_what_the_edgeworth_expansion_says():
    errors = residuals(30, 2)
    found = statistics.difference_estimator(4.0, errors, [0.0] * 30)
    t, z = stats.t.ppf(0.95, 29), stats.norm.ppf(0.95)
    of_mean = stats.skew(errors, bias=False) / math.sqrt(30)
    assert found.estimate.t_added == pytest.approx(z * (z**4 + 2 * z**2 - 3) / 18 * of_mean**2)
    assert found.estimate.t_added > 0.3
    assert found.estimate.t90 == pytest.approx(t + found.estimate.t_added)
    assert found.estimate.half_width == found.estimate.t90 * found.estimate.stderr
    gained = statistics.difference_estimator(4.0, [-e for e in errors], [0.0] * 30)
    assert gained.estimate.t_added == pytest.approx(found.estimate.t_added)


@pytest.mark.parametrize(
    ("errors", "why"),
    [
        (residuals(30, 0), "even"),
        (residuals(19, 2), "too few to tell"),
        (residuals(600, 60), "many: t does"),
        ([2.0] * 30, "all equal"),
    ],
)
def test_students_t_stays_to_the_last_bit_where_it_does(errors, why):
    found = statistics.difference_estimator(4.0, errors, [0.0] * len(errors)).estimate
    assert (found.t_added, found.t90) == (0.0, statistics.t_quantile(len(errors) - 1)), why


def test_the_skewness_of_strata_is_that_of_their_weighted_mean():
    one = statistics.stratified_mean([1.0], [4.0], [3.0], [40], skewnesses=[-2.0])
    assert one.t_added == pytest.approx(statistics.skew_t(-2.0 / math.sqrt(40), 40))
    # A stratum of little land says little; opposite ones of the same land cancel.
    small = statistics.stratified_mean(
        [0.9, 0.1], [4.0] * 2, [3.0] * 2, [20] * 2, skewnesses=[0, -3]
    )
    even = statistics.stratified_mean(
        [0.5, 0.5], [4.0] * 2, [3.0] * 2, [20] * 2, skewnesses=[3, -3]
    )
    assert (small.t_added, even.t_added) == (0.0, 0.0)

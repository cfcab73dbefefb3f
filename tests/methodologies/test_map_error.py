"""The variance of a total with correlated errors, against sums over all pairs and against its laws."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import map_error, statistics
from methodologies.base import OutOfDomain
from methodologies.map_error import CellErrors, Variogram


def errors_of(cells: list[tuple[int, int, float]], width_m: float = 30.0) -> CellErrors:
    row, col, spread = zip(*cells, strict=True)
    return CellErrors(
        np.array(row), np.array(col), np.array(spread, dtype=float), width_m, 1.25 * width_m
    )


def brute_force(one: CellErrors, other: CellErrors, variogram: Variogram) -> float:
    """Every pair by itself, in plain Python."""
    found = []
    for r, c, s in zip(one.row, one.col, one.spread, strict=True):
        for r2, c2, s2 in zip(other.row, other.col, other.spread, strict=True):
            apart = math.hypot((r - r2) * one.cell_height_m, (c - c2) * one.cell_width_m)
            rho = (1 - variogram.nugget_share) * math.exp(-apart / variogram.range_m)
            found.append(s * s2 * (1.0 if apart == 0 else rho))
    return math.fsum(found)


def scattered(count: int, side: int, seed: int, patch: int = 40) -> CellErrors:
    """Cells in patches, as the parcels of a project lie."""
    random = np.random.default_rng(seed)
    centres = random.integers(patch, side - patch, (max(1, count // 400), 2))
    place = centres[random.integers(0, len(centres), count)]
    place = place + random.integers(-patch // 2, patch // 2, (count, 2))
    return CellErrors(place[:, 0], place[:, 1], random.uniform(0, 2, count), 10.0, 10.0)


cells = st.lists(
    st.tuples(st.integers(-20, 40), st.integers(-5, 60), st.floats(0, 10)), min_size=1, max_size=25
)
variograms = st.builds(Variogram, st.floats(5, 5_000), st.floats(0, 1))


@given(cells, variograms)
def test_a_variance_is_the_sum_over_all_pairs(cells, variogram) -> None:
    errors = errors_of(cells)
    expected = brute_force(errors, errors, variogram)
    assert map_error.total_variance(errors, variogram) == pytest.approx(expected, rel=1e-9)


@given(cells, variograms)
def test_it_lies_between_independent_and_fully_correlated(cells, variogram) -> None:
    errors = errors_of(list({(r, c): (r, c, s) for r, c, s in cells}.values()))
    found = map_error.total_variance(errors, variogram)
    independent = math.fsum(np.square(errors.spread))
    full = map_error.total_variance(errors, None)
    assert full == pytest.approx(math.fsum(errors.spread) ** 2)
    assert independent * (1 - 1e-9) <= found <= full * (1 + 1e-9)


@given(cells, cells, variograms)
def test_the_covariance_of_two_parcels_is_that_of_their_pairs(one, other, variogram) -> None:
    a, b = errors_of(one), errors_of(other)
    expected = brute_force(a, b, variogram)
    whole = map_error.total_variance(map_error.joined([a, b]), variogram)
    found = map_error.total_covariance(a, b, variogram)
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-9 * whole)
    apart = brute_force(a, a, variogram) + brute_force(b, b, variogram)
    assert whole == pytest.approx(apart + 2 * expected, rel=1e-9)


@given(cells, st.floats(0, 1))
def test_without_end_the_range_gives_full_correlation_but_for_the_nugget(cells, nugget) -> None:
    errors = errors_of(list({(r, c): (r, c, s) for r, c, s in cells}.values()))
    independent = math.fsum(np.square(errors.spread))
    full = map_error.total_variance(errors, None)
    far = map_error.total_variance(errors, Variogram(1e12, nugget))
    assert far == pytest.approx((1 - nugget) * full + nugget * independent, rel=1e-6)
    near = map_error.total_variance(errors, Variogram(0.01, nugget))
    assert near == pytest.approx(independent, rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(20, 3_000), st.floats(0, 0.9))
def test_the_transform_of_the_grid_is_the_sum_over_pairs(seed, range_m, nugget) -> None:
    errors = scattered(1_800, 300, seed)
    variogram = Variogram(range_m, nugget)
    once = map_error._each_once(errors)
    assert once.spread.size > map_error.PAIRWISE_CELLS_MAX
    expected = statistics.zonal_sum_variance(
        once.spread, np.ones(once.spread.size), x_m=once.col * 10.0, y_m=once.row * 10.0,
        correlation_length_m=range_m, nugget=nugget,
    )  # fmt: skip
    assert map_error.total_variance(errors, variogram) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("range_m", [30.0, 200.0, 1_500.0, 20_000.0])
def test_scattered_cells_come_to_the_sum_over_pairs(range_m: float) -> None:
    errors = scattered(4_000, 4_000, 7)
    once = map_error._each_once(errors)
    assert (once.row.max() + 1) * (once.col.max() + 1) > map_error.BOX_CELLS_MAX
    expected = statistics.zonal_sum_variance(
        once.spread, np.ones(once.spread.size), x_m=once.col * 10.0, y_m=once.row * 10.0,
        correlation_length_m=range_m, nugget=0.2,
    )  # fmt: skip
    found = map_error.total_variance(errors, Variogram(range_m, 0.2))
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_nine_cells_of_the_published_example() -> None:
    """R1 of the method's paper: 3 x 3 cells of 100 m, 18 % error, exponential over 100 m."""
    start = np.array([58, 62, 55, 60, 65, 59, 57, 61, 63], dtype=float)
    covered = np.array([0.25, 0.5, 0.25, 0.5, 1.0, 0.5, 0.25, 0.5, 0.25])
    row, col = np.divmod(np.arange(9), 3)
    errors = CellErrors(row, col, covered * 0.18 * start, 100.0, 100.0)
    stderr = map_error.total_variance(errors, Variogram(100.0, 0.0)) ** 0.5
    assert stderr == pytest.approx(26.8584, abs=1e-4)
    assert map_error.total_variance(errors, None) ** 0.5 == pytest.approx(43.9650, abs=1e-4)


def test_a_cell_under_two_parcels_has_one_error() -> None:
    half = errors_of([(3, 4, 0.5)])
    nugget_alone = Variogram(100.0, 1.0)
    assert map_error.total_covariance(half, half, nugget_alone) == pytest.approx(0.25)
    assert map_error.total_variance(map_error.joined([half, half]), nugget_alone) == 1.0


def test_a_million_cells_take_seconds() -> None:
    row, col = np.divmod(np.arange(1_000_000), 1_000)
    errors = CellErrors(row, col, np.ones(1_000_000), 10.0, 10.0)
    before = time.process_time()
    found = map_error.total_variance(errors, Variogram(150.0, 0.1))
    assert time.process_time() - before < 10.0
    # Far from the edge each cell sees the whole plane: the integral of exp(-d/L) is 2 pi L2.
    plane = 1e6 * 0.9 * 2 * math.pi * 150.0**2 / 100.0
    assert 0.9 * plane < found < plane


@pytest.mark.parametrize("range_m, nugget", [(0.0, 0.1), (-5.0, 0.1), (math.inf, 0.1), (100.0, 1.1),
                                             (100.0, -0.1), (math.nan, 0.1)])  # fmt: skip
def test_a_variogram_outside_reason_is_refused(range_m: float, nugget: float) -> None:
    with pytest.raises(OutOfDomain):
        Variogram(range_m, nugget)


def test_a_negative_or_unknown_error_is_refused() -> None:
    for wrong in (-1.0, math.nan):
        with pytest.raises(OutOfDomain):
            map_error.total_variance(errors_of([(0, 0, wrong)]), Variogram(100.0, 0.0))


def test_nothing_has_no_variance() -> None:
    empty = CellErrors(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 10.0, 10.0)
    assert map_error.total_variance(empty, Variogram(100.0, 0.0)) == 0.0

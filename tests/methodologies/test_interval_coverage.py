"""How often the 90 % interval of the model-assisted estimator holds the truth: 1,000 strata a shape.

Each stratum has 2,000 cells with a known change and a map that is biased, noisy, skewed or blind; plots
are drawn at random. `python -m tests.methodologies.test_interval_coverage` prints the figures.
"""

import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from methodologies import statistics

STRATA, CELLS, SEED = 1_000, 2_000, 20260101
Floats = NDArray[np.float64]
Shape = Callable[[Generator], tuple[Floats, Floats]]


def normal(random: Generator) -> tuple[Floats, Floats]:
    """A map that damps the change and has noise of its own."""
    truth = random.normal(4.0, 3.0, CELLS)
    return truth, 0.6 * truth + random.normal(1.5, 1.5, CELLS)


def skewed(random: Generator) -> tuple[Floats, Floats]:
    """Few cells grew much, which the map does not see: residuals of skewness 1.4."""
    truth = random.gamma(2.0, 2.0, CELLS)
    return truth, np.full(CELLS, 3.0) + random.normal(0.0, 0.3, CELLS)


def heavy(random: Generator) -> tuple[Floats, Floats]:
    """Residuals with tails: Student's t of 4 degrees of freedom."""
    truth = random.normal(4.0, 2.0, CELLS)
    return truth, truth + 0.5 + random.standard_t(4, CELLS)


def uneven(random: Generator) -> tuple[Floats, Floats]:
    """The denser the stand, the worse the map."""
    truth = random.uniform(0.0, 10.0, CELLS)
    return truth, truth + random.normal(0.0, 0.2 + 0.4 * truth)


def felled(random: Generator) -> tuple[Floats, Floats]:
    """A twelfth of the cells was felled, seen by the map two times in three."""
    truth = random.normal(5.0, 2.0, CELLS)
    gone = random.random(CELLS) < 1 / 12
    seen = gone & (random.random(CELLS) < 2 / 3)
    truth[gone] = -10.0
    return truth, np.where(seen, -8.0, 4.0) + random.normal(0.0, 1.0, CELLS)


def unseen(random: Generator) -> tuple[Floats, Floats]:
    """A tenth of the cells was felled, and the map saw none of it."""
    truth = random.normal(5.0, 2.0, CELLS)
    truth[random.random(CELLS) < 0.1] = -10.0
    return truth, random.normal(4.0, 1.0, CELLS)


def bare(random: Generator) -> tuple[Floats, Floats]:
    """A tenth of the cells lost nearly all that stood there, and the map saw none of it."""
    truth, mapped = unseen(random)
    return np.where(truth == -10.0, random.normal(-40.0, 4.0, CELLS), truth), mapped


SHAPES: dict[str, Shape] = {
    f.__name__: f for f in (normal, skewed, heavy, uneven, felled, unseen, bare)
}


def coverage(shape: Shape, plots: int, strata: int = 1, *, seed: int = SEED) -> float:
    """Return the share of areas whose truth lies within the interval; `plots` in each stratum."""
    random, held = np.random.default_rng(seed), 0
    weights = [(i + 1) * 2 / (strata * (strata + 1)) for i in range(strata)]
    for _ in range(STRATA):
        rows, true = [], 0.0
        for weight in weights:
            truth, mapped = shape(random)
            at = random.choice(CELLS, plots, replace=False)
            rows.append(
                statistics.difference_estimator(
                    float(mapped.mean()), truth[at].tolist(), mapped[at].tolist()
                )
            )
            true += weight * float(truth.mean())
        found = statistics.stratified_mean(
            weights,
            [r.estimate.mean for r in rows],
            [r.sd_error for r in rows],
            [plots] * strata,
            skewnesses=[r.skewness for r in rows],
        )
        held += abs(found.mean - true) <= found.half_width
    return held / STRATA


@pytest.mark.parametrize(
    ("name", "plots", "strata"),
    [
        ("normal", 20, 1), ("normal", 40, 1), ("skewed", 20, 1), ("heavy", 20, 1),
        ("uneven", 20, 1), ("normal", 20, 3), ("skewed", 20, 3), ("skewed", 7, 3),
        ("felled", 20, 1), ("felled", 40, 1), ("unseen", 20, 1), ("unseen", 30, 1),
        ("bare", 20, 1), ("bare", 30, 1), ("bare", 40, 1), ("bare", 20, 3),
    ],
)  # fmt: skip
def test_the_90_percent_interval_holds_the_truth_87_to_93_times_of_100(name, plots, strata):
    assert 0.87 <= coverage(SHAPES[name], plots, strata) <= 0.93


def test_seven_plots_a_stratum_miss_a_tenth_that_was_felled_and_the_interval_is_short():
    """None of seven plots meets it in half the strata; the figure stands here so that nobody
    believes otherwise."""
    assert 0.80 <= coverage(unseen, 7, 3) < 0.87


def test_by_students_t_alone_the_interval_would_be_short_where_the_map_missed_felling():
    held, random = 0, np.random.default_rng(SEED)
    for _ in range(STRATA):
        truth, mapped = bare(random)
        at = random.choice(CELLS, 30, replace=False)
        found = statistics.difference_estimator(
            float(mapped.mean()), truth[at].tolist(), mapped[at].tolist()
        ).estimate
        t = statistics.t_quantile(found.df)
        assert found.t90 >= t
        held += abs(found.mean - float(truth.mean())) <= t * found.stderr
    assert held / STRATA < 0.87


if __name__ == "__main__":
    for name, shape in SHAPES.items():
        for plots, strata in ((20, 1), (30, 1), (40, 1), (60, 1), (20, 3), (7, 3)):
            found = [coverage(shape, plots, strata, seed=SEED + i) for i in range(5)]
            each = " ".join(f"{share:.3f}" for share in found)
            sys.stdout.write(f"{name:8} {plots} x {strata}: {np.mean(found):.3f} ({each})\n")

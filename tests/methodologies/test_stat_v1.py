"""The statistics through `run`, as the command line gives them: published vectors and laws."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import catalogue, sampling, statistics
from methodologies.base import MethodInputInvalid, OutOfDomain


def steps(method_id, **changes):
    method = catalogue.method(method_id)
    found = method.run({**method.example(), **changes})
    json.dumps(found, allow_nan=False)
    return found["intermediate"]


def test_plots_needed_e4_with_every_pass():
    found = steps("stat-plots-needed/1")
    assert (found["mean"], found["plots_possible"]) == (58.0, 2500.0)
    assert found["error"] == pytest.approx(5.8)
    assert [p["n"] for p in found["passes"]] == [24, 26, 25, 25]
    assert [p["n_exact"] for p in found["passes"]] == pytest.approx(
        [23.02, 25.07, 24.89, 24.98], abs=0.005
    )
    assert [row["n"] for row in found["allocation"]] == [14, 12]
    assert [row["n_exact"] for row in found["allocation"]] == pytest.approx(
        [13.24, 11.76], abs=0.005
    )
    assert (found["plots_needed"], found["total_plots"]) == (25, 26)


@pytest.mark.parametrize(
    ("u90", "kept"),
    [
        (0.08, 100), (0.10, 100), (0.12, 97), (0.15, 96.25), (0.18, 91), (0.20, 90),
        (0.25, 81.25), (0.30, 77.5), (0.35, 65), (0.60, 40), (1.20, 0),
    ],
)  # fmt: skip
def test_ar_tool14_leaves_of_100(u90, kept):
    found = steps("stat-deduction/1", estimate=100.0, u90=u90, half_width=None)
    assert found["conservative"] == pytest.approx(kept)


def test_ar_tool14_published_pair_of_60_and_9():
    assert steps("stat-deduction/1")["conservative"] == pytest.approx(57.75)
    assert steps("stat-deduction/1", scenario="baseline")["conservative"] == pytest.approx(62.25)


def test_a_half_width_on_the_bound_of_a_class_stays_in_it_whatever_the_binary_noise():
    for estimate in range(1, 400):
        found = steps("stat-deduction/1", estimate=float(estimate), half_width=estimate * 0.15)
        assert found["deduction_of_half_width"] == 0.25, estimate


@pytest.mark.parametrize(("policy", "kept"), [("gs403", 97.0), ("flat", 85.0), ("ar_cm", 89.0)])
def test_other_policies_at_23_percent(policy, kept):
    found = steps(
        "stat-deduction/1", estimate=100.0, u90=0.23, half_width=None, policy={"deduction": policy}
    )
    assert found["conservative"] == pytest.approx(kept)


def test_poe_has_an_exemption_and_a_gate_and_poe_flat_a_minimum():
    def kept(u90, policy):
        method = catalogue.method("stat-deduction/1")
        return method.run({"estimate": 100.0, "u90": u90, "policy": {"deduction": policy}})

    assert kept(0.10, "poe")["intermediate"]["conservative"] == 100.0
    assert kept(0.50, "poe")["intermediate"]["conservative"] == pytest.approx(
        100 * (1 - 0.4307 * 0.5 / 1.645)
    )
    assert kept(1.00001, "poe")["refusals"][0]["code"] == "NOT_ISSUABLE"
    assert kept(0.10, "poe_flat")["intermediate"]["conservative"] == pytest.approx(85.0)
    assert kept(0.90, "poe_flat")["intermediate"]["conservative"] == pytest.approx(
        100 * (1 - 0.4307 * 0.9 / 1.645)
    )
    assert kept(1.2, "poe_flat")["refusals"][0]["code"] == "NOT_ISSUABLE"


@settings(max_examples=200)
@given(
    st.sampled_from(["ar_tool14", "gs403", "flat", "poe_flat"]),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_a_wider_interval_never_leaves_more(policy, one, other):
    low, high = sorted((one, other))
    narrow, wide = (
        steps(
            "stat-deduction/1", estimate=100.0, u90=u, half_width=None, policy={"deduction": policy}
        )["conservative"]
        for u in (low, high)
    )
    assert wide <= narrow + 1e-9


def test_stratified_e10_and_the_published_mean_of_34_plots():
    found = steps("stat-stratified/1")
    assert found["mean"] == pytest.approx(4.8)
    assert found["half_width"] == pytest.approx(1.1410, abs=5e-5)
    assert found["u90"] == pytest.approx(0.2377, abs=5e-5)
    one = steps(
        "stat-stratified/1",
        strata=[{"id": "A", "area_ha": 1.0, "mean": 45.328, "sd": 12.776, "n": 34}],
    )
    assert one["stderr"] == pytest.approx(2.191, abs=5e-4)
    assert one["u90"] == pytest.approx(0.0818, abs=5e-5)


def test_stratified_takes_pairs_and_says_when_two_forms_are_mixed():
    pairs = {
        "id": "A",
        "area_ha": 2.0,
        "values_start": [1.0, 2.0, 3.0],
        "values_end": [2.0, 4.0, 6.0],
    }
    assert steps("stat-stratified/1", strata=[pairs])["mean"] == pytest.approx(2.0)
    with pytest.raises(MethodInputInvalid, match="只能用一种"):
        steps("stat-stratified/1", strata=[{**pairs, "values": [1.0, 2.0]}])


def test_change_of_two_good_stocks_is_badly_known_e11():
    assert steps("stat-change/1")["u90"] == pytest.approx(0.9334, abs=5e-5)
    method = catalogue.method("stat-change/1")
    found = method.run(
        {"stock_start": 5000.0, "u_start": 0.08, "change": 600.0, "u_change": 0.25, "policy": {}}
    )
    assert found["intermediate"]["u90"] == pytest.approx(0.0763, abs=5e-5)


def test_approach_1_of_products_and_sums():
    product = steps("stat-approach1/1", rule="product", relative=[15.0, 10.0146, 4.0], values=None)
    assert product["relative"] == pytest.approx(18.4741, abs=5e-5)
    assert steps("stat-approach1/1")["relative"] == pytest.approx(1 / 6)


def test_clusters_of_alike_plots_count_as_clusters_not_as_plots():
    clusters = [[10.0, 10.0, 10.0], [20.0, 20.0, 20.0], [30.0, 30.0, 30.0]]
    found = steps("stat-sampling/1", design="cluster", clusters=clusters)
    assert found["mean"] == pytest.approx(20.0)
    # As three independent values: sd 10, n 3.
    assert found["stderr"] == pytest.approx(10 / 3**0.5)
    assert found["df"] == 2


def test_two_phases_worked_by_hand():
    pairs = [(1.0, 2.0), (2.0, 5.0), (3.0, 5.0), (4.0, 8.0)]
    found = sampling.two_phase_mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], pairs)
    # slope 9/5; y 5 + 1.8 (3.5 - 2.5); s2_y 6; residual SS 18 - 1.8 x 9 = 1.8, over 2.
    assert found.slope == pytest.approx(1.8)
    assert found.estimate.mean == pytest.approx(6.8)
    assert found.estimate.stderr == pytest.approx((0.9 / 4 + (6 - 0.9) / 6) ** 0.5)


def test_a_trend_makes_successive_differences_smaller_than_the_random_error():
    estimate, successive = sampling.systematic_mean([float(i) for i in range(20)])
    assert successive < 0.3 * estimate.stderr
    with pytest.raises(OutOfDomain):
        sampling.cluster_mean([[1.0, 2.0]])


def test_the_90_percent_interval_holds_in_87_to_93_of_100_strata():
    """1,000 strata of 2,000 cells with a biased, noisy map; 24 plots each."""
    generator = np.random.default_rng(20260101)
    held = 0
    for _ in range(1000):
        truth = generator.normal(4.0, 3.0, 2000)
        mapped = 0.6 * truth + generator.normal(1.5, 1.5, 2000)
        at = generator.choice(2000, 24, replace=False)
        found = statistics.difference_estimator(
            float(mapped.mean()), truth[at].tolist(), mapped[at].tolist()
        ).estimate
        held += abs(found.mean - truth.mean()) <= found.half_width
    assert 870 <= held <= 930

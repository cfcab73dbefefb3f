"""Deductions: the published vectors, each policy's bounds, and that more error never earns more."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methodologies import deductions
from methodologies.base import NotIssuable, OutOfDomain, UnknownMethod

ESTIMATES = st.floats(-1e6, 1e6)
U90 = st.floats(0.0, 5.0)
ALWAYS_ANSWER = st.sampled_from(["ar_tool14", "gs403", "flat"])


@pytest.mark.parametrize(
    ("u90", "left"),
    [
        (0.08, 100),
        (0.10, 100),
        (0.12, 97),
        (0.15, 96.25),
        (0.18, 91),
        (0.20, 90),
        (0.25, 81.25),
        (0.30, 77.5),
        (0.35, 65),
        (0.60, 40),
        (1.20, 0),
    ],
)
def test_table_a_on_one_hundred(u90, left):
    conservative, share = deductions.deduct(100.0, u90, "ar_tool14")
    assert conservative == pytest.approx(left)
    assert share == pytest.approx(1 - left / 100)


def test_published_60_plus_minus_9_for_project_and_baseline():
    assert deductions.deduct(60, 0.15, "ar_tool14")[0] == pytest.approx(57.75)
    assert deductions.deduct(60, 0.15, "ar_tool14", scenario="baseline")[0] == pytest.approx(62.25)


def test_published_100_at_23_percent_is_97_under_gold_standard():
    assert deductions.deduct(100, 0.23, "gs403")[0] == pytest.approx(97)
    assert deductions.deduct(100, 0.20, "gs403") == (100, 0.0)


def test_two_strata_e10_keep_3_9443():
    assert deductions.deduct(4.8, 1.14099 / 4.8, "ar_tool14")[0] == pytest.approx(3.9443, abs=5e-5)


@pytest.mark.parametrize(
    ("u90", "share"), [(0.10, 0.0), (0.1001, 0.06), (0.1999, 0.06), (0.20, 0.11), (0.2999, 0.11)]
)
def test_ar_cm_takes_a_share_of_the_mean(u90, share):
    assert deductions.deduct(200.0, u90, "ar_cm") == pytest.approx((200 * (1 - share), share))


@pytest.mark.parametrize("u90", [0.30, 0.31, math.inf])
def test_ar_cm_issues_nothing_from_30_percent_on(u90):
    with pytest.raises(NotIssuable, match="增设样地"):
        deductions.deduct(200.0, u90, "ar_cm")


@pytest.mark.parametrize(
    ("u95", "poe", "tool14"),
    [
        (5, 0.0, 0.0),
        # The text prints 3.2 %; 0.25 x 15 x 1.645/1.96 is 3.147 %.
        (15, 3.3, 3.147),
        (20, 4.4, 8.4),
        (25, 5.5, 15.7),
        (50, 11.0, 42.0),
        (75.15, 16.5, 63.1),
        (100, 22.0, 83.9),
    ],
)
def test_shares_of_the_wetland_table(u95, poe, tool14):
    u90 = u95 / 100 * 1.645 / 1.96
    assert 100 * deductions.deduct(1.0, u90, "poe")[1] == pytest.approx(poe, abs=0.051)
    assert 100 * deductions.deduct(1.0, u90, "ar_tool14")[1] == pytest.approx(tool14, abs=0.051)


@pytest.mark.parametrize(
    ("policy", "left"), [("poe", 1.659), ("ar_tool14", 0.734), ("flat", 1.689)]
)
def test_example_f1_under_three_policies(policy, left):
    found = deductions.deduct(1.98757, 0.7515 * 1.645 / 1.96, policy)[0]
    assert found == pytest.approx(left, abs=5e-4)


def test_probability_of_exceedance_refuses_above_100_percent():
    assert deductions.deduct(1.0, 1.0, "poe")[1] == pytest.approx(0.4307 / 1.645)
    with pytest.raises(NotIssuable, match="142"):
        deductions.deduct(1.858, 1.428, "poe")
    assert deductions.deduct(1.858, 1.428, "flat")[0] == pytest.approx(1.579, abs=5e-4)


def test_a_loss_is_enlarged_and_a_negative_baseline_raised():
    assert deductions.deduct(-60, 0.15, "ar_tool14") == pytest.approx((-62.25, 0.0375))
    assert deductions.deduct(-60, 0.15, "ar_tool14", scenario="baseline")[0] == pytest.approx(
        -57.75
    )


def test_zero_known_badly_stays_zero():
    assert deductions.deduct(0.0, math.inf, "ar_tool14") == (0.0, 0.0)


@given(ESTIMATES, U90, ALWAYS_ANSWER)
def test_a_project_is_never_raised_and_a_baseline_never_lowered(estimate, u90, policy):
    assert deductions.deduct(estimate, u90, policy)[0] <= estimate
    assert deductions.deduct(estimate, u90, policy, scenario="baseline")[0] >= estimate


@given(ESTIMATES, U90, ALWAYS_ANSWER)
def test_a_gain_is_never_turned_into_a_debit(estimate, u90, policy):
    conservative, share = deductions.deduct(estimate, u90, policy)
    assert conservative >= 0 if estimate >= 0 else conservative <= estimate
    assert share >= 0.0
    assert conservative == pytest.approx(estimate - abs(estimate) * share, rel=1e-12, abs=1e-9)


@given(ESTIMATES, U90, U90, st.sampled_from(["ar_tool14", "ar_cm", "gs403", "flat", "poe"]))
def test_more_error_never_leaves_more(estimate, one, other, policy):
    small, large = sorted((one, other))
    try:
        worse = deductions.deduct(estimate, large, policy)[0]
    except NotIssuable:
        return
    assert worse <= deductions.deduct(estimate, small, policy)[0] + 1e-9


@pytest.mark.parametrize("u90", [-0.01, math.nan])
def test_an_impossible_uncertainty_is_refused(u90):
    with pytest.raises(OutOfDomain, match="不确定性"):
        deductions.deduct(100.0, u90, "ar_tool14")


def test_an_unknown_policy_is_refused_with_the_known_ones():
    with pytest.raises(UnknownMethod, match="ar_tool14"):
        deductions.deduct(100.0, 0.1, "ccer14")

"""Sharing kilograms: nothing lost, nothing made, order of no matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methodologies import allocation
from methodologies.base import MethodInputInvalid

WEIGHTS = st.dictionaries(st.text(min_size=1), st.floats(0.0, 1e9), min_size=1, max_size=20)


@given(st.integers(0, 10**15), WEIGHTS)
def test_shares_sum_to_the_total_and_stay_within_one_of_their_quota(total, weights):
    if not any(weights.values()):
        return
    shares = allocation.largest_remainder(total, weights)
    assert sum(shares.values()) == total
    whole = sum(weights.values())
    for key, share in shares.items():
        assert share == pytest.approx(total * weights[key] / whole, abs=1.5, rel=1e-9)


@given(st.integers(0, 10**9), WEIGHTS)
def test_the_order_of_parcels_does_not_matter(total, weights):
    if not any(weights.values()):
        return
    backwards = dict(reversed(weights.items()))
    assert allocation.largest_remainder(total, weights) == allocation.largest_remainder(
        total, backwards
    )


def test_a_tie_goes_to_the_lower_id():
    shares = allocation.largest_remainder(10, {"c": 1.0, "a": 1.0, "b": 1.0})
    assert shares == {"a": 4, "b": 3, "c": 3}


def test_something_to_share_and_nobody_to_take_it_is_refused():
    with pytest.raises(MethodInputInvalid, match="权重为零"):
        allocation.largest_remainder(5, {"a": 0.0})
    assert allocation.largest_remainder(0, {"a": 0.0}) == {"a": 0}


def test_a_negative_weight_is_refused():
    with pytest.raises(MethodInputInvalid, match="不得为负"):
        allocation.largest_remainder(5, {"a": 2.0, "b": -1.0})

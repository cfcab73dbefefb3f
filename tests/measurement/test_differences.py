"""How far two results stand apart."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.measurement.differences import largest_relative

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(json_values)
def test_a_result_does_not_differ_from_itself(value) -> None:
    assert largest_relative(value, value) == 0.0


@given(json_values, json_values)
def test_it_is_the_same_from_both_sides_and_nought_for_the_same_alone(one, other) -> None:
    assert largest_relative(one, other) == largest_relative(other, one)
    if largest_relative(one, other) == 0.0:
        assert one == other


@pytest.mark.parametrize(
    "one, other, expected",
    [
        ({"a": [1.0, {"b": 100.0}]}, {"a": [1.0, {"b": 101.0}]}, 1 / 101),
        ({"a": 0.0}, {"a": 1e-300}, 1.0),
        ({"a": 1}, {"a": 1.0}, 0.0),
        ({"a": 1}, {"b": 1}, math.inf),
        ([1.0], [1.0, 2.0], math.inf),
        ("网", "网上", math.inf),
        (1.0, None, math.inf),
    ],
)
def test_the_largest_difference_is_found_wherever_it_stands(one, other, expected) -> None:
    assert largest_relative(one, other) == pytest.approx(expected)

"""Gain-loss beside the stock difference: it flags, and never changes the amount."""

import math
from typing import Any

import pytest

from methodologies import moso_mgmt_v1
from methodologies.base import MethodInputInvalid

GIVEN = moso_mgmt_v1.example()
BARE = moso_mgmt_v1.run(GIVEN)
NAMES = ("gross_co2_t", "net_co2_t", "buffer_co2_t", "issuable_kg", "factor_hash", "allocation")


def with_gain(gain: float, loss: float = 100.0, stderr: float = 30.0) -> dict[str, Any]:
    other = {"gain_co2_t": gain, "loss_co2_t": loss, "stderr_co2_t": stderr}
    return moso_mgmt_v1.run({**GIVEN, "gain_loss": other})


@pytest.mark.parametrize(("of_allowed", "agrees"), [(0.0, True), (0.99, True), (-1.01, False)])
def test_a_difference_is_flagged_beyond_what_chance_allows_and_changes_no_amount(
    of_allowed: float, agrees: bool
) -> None:
    allowed = 1.96 * math.hypot(BARE["stderr_co2_t"], 30.0)
    result = with_gain(BARE["gross_co2_t"] + 100.0 - of_allowed * allowed)
    found = result["intermediate"]["gain_loss"]
    assert found["allowed_co2_t"] == pytest.approx(allowed)
    assert found["difference_co2_t"] == pytest.approx(of_allowed * allowed, abs=1e-9)
    assert found["agrees"] is agrees
    codes = {warning["code"] for warning in result["warnings"]}
    assert ("GAIN_LOSS_DISAGREES" in codes) is not agrees
    assert {name: result[name] for name in NAMES} == {name: BARE[name] for name in NAMES}


def test_without_it_nothing_is_said_and_an_unknown_error_cannot_be_judged() -> None:
    assert "gain_loss" not in BARE["intermediate"]
    strata = [
        {**row, "plots": [], "map_stderr_t_ha_start": None, "map_stderr_t_ha_end": None}
        for row in GIVEN["strata"]
    ]
    other = {"gain_co2_t": 5.0, "loss_co2_t": 1.0, "stderr_co2_t": 1.0}
    result = moso_mgmt_v1.run({**GIVEN, "strata": strata, "gain_loss": other})
    assert result["stderr_co2_t"] is None
    assert result["intermediate"]["gain_loss"]["agrees"] is None
    assert "GAIN_LOSS_NOT_JUDGED" in {warning["code"] for warning in result["warnings"]}


def test_a_loss_is_stated_as_a_positive_amount() -> None:
    with pytest.raises(MethodInputInvalid, match="loss_co2_t"):
        with_gain(100.0, loss=-1.0)

"""Other decisions on the same input, and how far each number moves the result."""

import pytest

from methodologies import catalogue, factors, what_if

BURNING = catalogue.method("residue-burning/1")
BAMBOO = catalogue.method("moso-mgmt/1")
MEASURING = [
    m for m in catalogue.METHODS.values() if not m.id.startswith(("stat-", "wetland-price"))
]


def test_other_policies_are_those_of_a_run_with_them() -> None:
    given = BAMBOO.example()
    flat, buffered = what_if.under_policies(
        BAMBOO, given, [{"deduction": "flat"}, {"deduction": "flat", "buffer_share": 0.25}]
    )
    assert flat.result is not None and buffered.result is not None
    assert flat.result["deduction_share"] == pytest.approx(0.15)
    # 15 % off the gross of the example, nothing else taken: worked by hand.
    assert flat.result["net_co2_t"] == pytest.approx(0.85 * 5208.882, rel=1e-6)
    assert buffered.result["buffer_co2_t"] == pytest.approx(flat.result["net_co2_t"] / 4)
    assert given == BAMBOO.example()


def test_a_decision_that_the_method_does_not_know_is_a_refusal_in_words() -> None:
    [found] = what_if.under_policies(BAMBOO, BAMBOO.example(), [{"deduction": "none_such"}])
    assert found.result is None and found.refusal is not None
    assert "policy.deduction" in found.refusal


def test_area_moves_the_net_amount_in_proportion() -> None:
    net = BURNING.run(BURNING.example())["net_co2_t"]
    [area] = [s for s in what_if.swings(BURNING, BURNING.example()) if s.name == "area_ha"]
    assert area.kind == "input"
    assert area.low_co2_t == pytest.approx(0.9 * net)
    assert area.high_co2_t == pytest.approx(1.1 * net)


def test_a_factor_is_moved_by_its_published_deviation_and_is_itself_again() -> None:
    given = BAMBOO.example()
    ratio = factors.factor("moso.R")
    [swing] = [s for s in what_if.swings(BAMBOO, given) if s.name == "moso.R"]
    with factors.moved("moso.R", ratio.number + ratio.stderr):
        moved = BAMBOO.run(given)["net_co2_t"]
    assert swing.kind == "factor" and swing.high_co2_t == pytest.approx(moved)
    # Net goes with 1 + R: from 1.37 to 1.44.
    net = BAMBOO.run(given)["net_co2_t"]
    assert moved / net == pytest.approx(1.44 / 1.37, rel=1e-9)
    assert factors.factor("moso.R") == ratio


def test_rows_of_a_list_are_moved_together_and_decisions_not_at_all() -> None:
    found = what_if.swings(BAMBOO, BAMBOO.example())
    names = [swing.name for swing in found]
    assert names.count("strata[].plots[].agb_t_ha_end") == 1
    assert not any(name.startswith(("policy", "period")) for name in names)


def test_what_leaves_the_domain_has_no_end_and_is_no_nought() -> None:
    given = {**BURNING.example(), "combustion_share": 0.95}
    [share] = [s for s in what_if.swings(BURNING, given) if s.name == "combustion_share"]
    assert share.low_co2_t is not None and share.high_co2_t is None


@pytest.mark.parametrize("method", MEASURING, ids=lambda method: method.id)
def test_the_widest_swing_comes_first(method) -> None:
    net = method.run(method.example())["net_co2_t"]
    widths = [s.width_co2_t(net) for s in what_if.swings(method, method.example())]
    assert widths == sorted(widths, reverse=True)
    assert widths or net == 0.0

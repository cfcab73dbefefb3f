"""Strata joined: what each brings adds up, one stratum keeps the method's own numbers."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import by_stratum, catalogue
from methodologies.base import MethodInputInvalid

BURNING = catalogue.method("residue-burning/1")
PADDY = catalogue.method("paddy-ch4/1")
AMOUNTS = (
    "gross_co2_t", "stderr_co2_t", "deduction_share", "net_co2_t", "buffer_co2_t", "issuable_kg",
    "components", "warnings", "refusals",
)  # fmt: skip
FIELD = st.tuples(
    st.floats(0.1, 500.0), st.floats(0.0, 12.0), st.floats(0.0, 12.0)
)  # area, burnt before, burnt after


def burnt(area_ha: float, before: float, after: float, **gates: Any) -> dict[str, Any]:
    data = BURNING.example()
    data |= {"area_ha": area_ha, "burnt_t_dm_ha_baseline": before, "burnt_t_dm_ha_project": after}
    data["gates"] = {**data["gates"], **gates}
    return data


@given(st.lists(FIELD, min_size=1, max_size=6), st.integers(0, 3_000_000))
def test_amounts_add_over_strata_and_are_floored_once(
    fields: list[tuple[float, float, float]], debit_kg: int
) -> None:
    results = {f"S{n}": BURNING.run(burnt(*field)) for n, field in enumerate(fields)}
    joined = by_stratum.join(results, carried_debit_kg=debit_kg)
    for name in ("gross_co2_t", "buffer_co2_t"):
        assert joined[name] == pytest.approx(sum(r[name] for r in results.values()), abs=1e-9)
    net = sum(r["net_co2_t"] for r in results.values()) - debit_kg / 1000
    assert joined["net_co2_t"] == pytest.approx(net, abs=1e-6)
    exact_kg = max(0.0, 1000 * (joined["net_co2_t"] - joined["buffer_co2_t"]))
    assert -1e-6 <= exact_kg - joined["issuable_kg"] < 1 + 1e-6
    # Flooring every stratum by itself would lose up to a kilogram each.
    if net > 0 and min(r["net_co2_t"] for r in results.values()) >= 0 and not debit_kg:
        assert joined["issuable_kg"] >= sum(r["issuable_kg"] for r in results.values())
    carried = joined["intermediate"]["debit_carried_forward_kg"]
    assert (
        carried == 0 if joined["net_co2_t"] >= 0 else carried >= -1000 * joined["net_co2_t"] - 1e-6
    )


@given(FIELD)
def test_one_stratum_keeps_the_numbers_of_the_method(field: tuple[float, float, float]) -> None:
    own = BURNING.run(burnt(*field))
    joined = by_stratum.join({"A": own})
    assert {name: joined[name] for name in AMOUNTS} == {name: own[name] for name in AMOUNTS}


def test_one_stratum_of_paddy_keeps_its_numbers_too() -> None:
    own = PADDY.run(PADDY.example())
    joined = by_stratum.join({"A": own})
    assert {name: joined[name] for name in AMOUNTS} == {name: own[name] for name in AMOUNTS}


def test_a_debit_gives_one_stratum_what_the_method_gives_with_it() -> None:
    data = burnt(100.0, 6.0, 0.0)
    with_debit = deepcopy(data)
    with_debit["policy"]["carried_debit_kg"] = 12_345
    own = BURNING.run(with_debit)
    joined = by_stratum.join({"A": BURNING.run(data)}, carried_debit_kg=12_345)
    assert joined["net_co2_t"] == own["net_co2_t"] and joined["issuable_kg"] == own["issuable_kg"]


@settings(max_examples=50)
@given(
    st.lists(FIELD, min_size=1, max_size=4),
    st.lists(st.floats(0.01, 5.0), min_size=4, max_size=12),
)
def test_the_parcels_get_every_kilogram_and_none_of_a_stratum_at_loss(
    fields: list[tuple[float, float, float]], shares: list[float]
) -> None:
    results = {f"S{n}": BURNING.run(burnt(*field)) for n, field in enumerate(fields)}
    parcels = [
        {"id": str(n), "stratum": f"S{n % len(fields)}", "area_ha": share}
        for n, share in enumerate(shares)
    ]
    joined = by_stratum.join(results)
    rows = by_stratum.allocate(joined, parcels)
    assert sum(row["issuable_kg"] for row in rows) == joined["issuable_kg"]
    assert sum(row["co2_t"] for row in rows) == pytest.approx(joined["net_co2_t"], abs=1e-6)
    if joined["net_co2_t"] > 0:
        at_loss = {key for key, r in results.items() if r["net_co2_t"] <= 0}
        given_kg = [r["issuable_kg"] for r, p in zip(rows, parcels, strict=True)
                    if p["stratum"] in at_loss]  # fmt: skip
        assert sum(given_kg) == 0


def test_a_refusal_of_one_stratum_names_it_and_stops_the_whole() -> None:
    joined = by_stratum.join(
        {
            "东": BURNING.run(burnt(10, 6, 0)),
            "西": BURNING.run(burnt(10, 6, 0, yield_change_share=-0.2)),
        }
    )
    assert joined["issuable_kg"] == 0
    assert [row["code"] for row in joined["refusals"]] == ["YIELD_FALL"]
    assert joined["refusals"][0]["message"].startswith("层 西：")


def test_a_loss_of_one_stratum_is_no_debit_while_the_others_make_up_for_it() -> None:
    joined = by_stratum.join(
        {"A": BURNING.run(burnt(100, 6, 0)), "B": BURNING.run(burnt(10, 0, 6))}
    )
    assert joined["net_co2_t"] > 0 and joined["intermediate"]["debit_carried_forward_kg"] == 0
    assert "NEGATIVE_NET" not in {row["code"] for row in joined["warnings"]}


def test_errors_of_strata_are_added_since_they_have_the_same_factors() -> None:
    one = PADDY.run(PADDY.example())
    joined = by_stratum.join({"A": one, "B": one})
    assert joined["stderr_co2_t"] == pytest.approx(2 * one["stderr_co2_t"])
    assert joined["deduction_share"] == pytest.approx(one["deduction_share"])


def test_a_debit_inside_a_stratum_is_refused() -> None:
    data = burnt(10, 6, 0)
    data["policy"]["carried_debit_kg"] = 5
    with pytest.raises(MethodInputInvalid, match="整个项目"):
        by_stratum.join({"A": BURNING.run(data)})
    with pytest.raises(MethodInputInvalid):
        by_stratum.join({})

"""Every released method: its example runs and repeats, its schema is its own, its text has its sources."""

import json

import pytest

from methodologies import catalogue, factors

CREDIT_CLASSES = {"CCER_eligible", "local_scheme", "inventory_only"}
KEYS = {
    "method", "factor_hash", "gross_co2_t", "stderr_co2_t", "deduction_share", "net_co2_t",
    "buffer_co2_t", "issuable_kg", "components", "intermediate", "warnings", "refusals",
}  # fmt: skip

every = pytest.mark.parametrize("method", catalogue.METHODS.values(), ids=catalogue.METHODS)


@every
def test_the_example_runs_repeats_and_obeys_the_arithmetic_of_issuance(method):
    found = method.run(method.example())
    assert set(found) >= KEYS
    assert found["method"] == method.id
    assert json.dumps(found, allow_nan=False) == json.dumps(method.run(method.example()))
    if found["refusals"]:
        assert found["issuable_kg"] == 0
    else:
        left = found["net_co2_t"] - found["buffer_co2_t"]
        assert 0 <= max(0.0, 1000 * left) - found["issuable_kg"] < 1.000001
    assert "policy" in method.example()


@every
def test_schema_class_and_factors_are_named(method):
    schema = method.schema()
    assert schema["title"] == method.id
    assert schema["type"] == "object" and "policy" in schema["properties"]
    assert method.credit_class in CREDIT_CLASSES
    assert all(factors.factor(i).source for i in method.factor_ids)
    assert method.title_zh and method.title_en


@every
def test_the_text_tells_equations_and_shows_its_factors(method):
    sections = method.explain()
    assert all(heading and text.strip() for heading, text in sections)
    tables = " ".join(text for _, text in sections)
    headings = " ".join(heading for heading, _ in sections)
    if method.credit_class != "inventory_only" or method is catalogue.method(
        "chestnut-inventory/1"
    ):
        assert all(word in headings for word in ("适用", "计入与不计入", "算例", "参数表"))
    assert "公式" in headings or "方程" in headings
    assert "算例" in headings
    if method.credit_class != "inventory_only":
        assert "| 参数 | 数值 | 单位 | 不确定性 | 可信度 | 来源 |" in tables


@every
def test_a_reader_cannot_change_the_example_of_the_next_one(method):
    method.example().clear()
    assert method.example()


def test_components_add_up_to_the_gross_and_what_is_emitted():
    for method in catalogue.METHODS.values():
        found = method.run(method.example())
        added = [c["co2e_t"] for c in found["components"]]
        penalties = found["intermediate"].get(
            "penalties_co2e_t", found["intermediate"].get("emissions_co2e_t", 0.0)
        )
        assert sum(added) == pytest.approx(found["gross_co2_t"] - penalties, abs=1e-6)

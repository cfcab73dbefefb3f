"""Records of char become the input of biochar/1: the chars of a year, each with its part of its batch."""

from typing import Any

import pytest

from methodologies import activity, by_stratum, catalogue, from_records
from methodologies.activity_record import Practice
from methodologies.base import MethodInputInvalid
from methodologies.schedules import Field

CHAR = catalogue.method("biochar/1")
POLICY: dict[str, Any] = {
    "deduction": "poe_flat", "gwp_set": "ar5", "unit_kg": 1, "buffer_share": 0.1,
    "carried_debit_kg": 0,
}  # fmt: skip


def batch(name: str = "B-1", **other: Any) -> dict[str, Any]:
    """Example B-1 on 10 ha: 5 t of rice straw char of 500 degrees."""
    return {
        "batch": name, "feedstock": "rice_husk_straw", "process": "pyrolysis",
        "temperature_c": 500.0, "h_corg": None, "c_share": None, "delivered_t_dm": 10.0,
        "applied_t_dm_ha": 0.5, "production_co2e_t": 1.6, "delivery_record": True,
        "producer_certificate": True, "mineral_soil": True, "paddy": False,
        "paddy_ch4_measured": False, **other,
    }  # fmt: skip


def field(years: dict[int, list[dict[str, Any]]], code: str = "F1", area_ha: float = 10.0) -> Field:
    found: dict[int, dict[str, Practice]] = {}
    for year, rows in years.items():
        for values in rows:
            row = activity.parse("biochar_batch", year, values)
            assert isinstance(row, Practice)
            found.setdefault(year, {})[row.slot] = row
    return Field(code, area_ha, found)


def measured(*fields: Field, years: range = range(2025, 2026), **policy: Any) -> dict[str, Any]:
    used = {**POLICY, **policy}
    stratum = from_records.stratum_document(
        "biochar/1", "A", fields, practice_from_year=2025, years=years, policy=used
    )
    parcels = [{"id": f.code, "stratum": "A", "area_ha": f.area_ha} for f in fields]
    document = {"strata": [stratum], "parcels": parcels, "policy": used}
    return by_stratum.of_round("biochar/1").run(document)


def test_b1_on_a_field_is_the_methods_own_result_on_the_same_input() -> None:
    """B-1: 5 t x 0.49 x 0.80 x 44/12 = 7.187 t CO2; half the batch bears half its emissions."""
    result = measured(field({2025: [batch()]}))
    assert result["gross_co2_t"] == pytest.approx(7.187, abs=5e-4) and result["refusals"] == []
    example = CHAR.example()
    own = CHAR.run({**example, "policy": POLICY})
    for name in ("gross_co2_t", "stderr_co2_t", "net_co2_t", "buffer_co2_t", "issuable_kg"):
        assert result[name] == own[name]
    assert result["components"][-1] == {
        "pool": "production", "gas": "CO2e", "co2e_t": -0.8, "stderr_co2e_t": None
    }  # fmt: skip


def test_two_years_are_the_sum_and_each_year_needs_its_char() -> None:
    one = field({2025: [batch()], 2026: [batch("B-2", temperature_c=650.0)]})
    both = measured(one, years=range(2025, 2027))
    apart = [measured(one, years=range(y, y + 1)) for y in (2025, 2026)]
    for name in ("gross_co2_t", "stderr_co2_t", "net_co2_t"):
        assert both[name] == pytest.approx(sum(row[name] for row in apart))
    with pytest.raises(MethodInputInvalid, match=r"F1（2027 年）"):
        measured(one, years=range(2025, 2028))


def test_fields_of_a_stratum_got_the_same_and_their_sum_is_that_of_the_whole() -> None:
    whole = measured(field({2025: [batch()]}))
    halves = measured(field({2025: [batch()]}, "F1", 4.0), field({2025: [batch()]}, "F2", 6.0))
    assert halves["net_co2_t"] == pytest.approx(whole["net_co2_t"])
    with pytest.raises(MethodInputInvalid, match="F2 在 2025 年的记录与 F1 不同"):
        measured(field({2025: [batch()]}), field({2025: [batch("B-2")]}, "F2"))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"production_co2e_t": None}, "FACTOR_MISSING"),
        ({"temperature_c": 300.0}, "TEMPERATURE"),
        ({"h_corg": 0.8}, "H_CORG"),
        ({"delivery_record": False}, "NO_RECORD"),
        ({"producer_certificate": False}, "NO_CERTIFICATE"),
        ({"mineral_soil": False}, "ORGANIC_SOIL"),
        ({"paddy": True}, "PADDY_CH4"),
    ],
)
def test_what_a_record_says_decides_whether_it_is_issued(
    changed: dict[str, Any], code: str
) -> None:
    result = measured(field({2025: [batch(**changed)]}))
    assert code in {row["code"] for row in result["refusals"]} and result["issuable_kg"] == 0


def test_a_char_without_a_factor_is_no_record() -> None:
    with pytest.raises(MethodInputInvalid, match="没有气化炭的含碳因子"):
        activity.parse("biochar_batch", 2025, batch(process="gasification", feedstock="biosolids"))

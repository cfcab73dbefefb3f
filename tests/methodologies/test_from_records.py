"""Records become a method's input: the baseline is the look-back repeated, nothing is averaged away."""

from datetime import date
from typing import Any

import pytest

from methodologies import activity, catalogue, from_records
from methodologies.base import MethodInputInvalid
from methodologies.from_records import Field

POLICY: dict[str, Any] = {
    "deduction": "poe_flat", "gwp_set": "ar5", "unit_kg": 1, "water_draws": "comonotonic",
}  # fmt: skip


def season(year: int, **other: Any) -> dict[str, Any]:
    return {
        "mineral_soil": True, "yield_t_ha": 8.0, "crop": "single",
        "water_regime": "single_drainage", "preseason": "nonflooded_gt180d",
        "sow_date": f"{year}-06-10", "harvest_date": f"{year}-09-30", "aeration_days": 6.0,
        "irrigation_log": True, "straw_lt30d_t_ha": 6.0, "straw_gt30d_t_ha": 0.0,
        "compost_t_ha": 0.0, "farmyard_manure_t_ha": 0.0, "green_manure_t_ha": 0.0,
        "n_kg_ha": 180.0, **other,
    }  # fmt: skip


def nitrogen(synthetic: float, **other: Any) -> dict[str, Any]:
    return {
        "mineral_soil": True, "yield_t_ha": 8.0, "synthetic_n_kg_ha": synthetic, "urea_share": 0.0,
        "organic_n_kg_ha": 60.0, "residue_n_kg_ha": 40.0, "land": "wet", **other,
    }  # fmt: skip


def burning(burnt: float, **other: Any) -> dict[str, Any]:
    return {"mineral_soil": True, "yield_t_ha": 6.0, "burnt_t_dm_ha": burnt, **other}


def field(
    kind: str, by_year: dict[int, dict[str, Any]], code: str = "F1", area_ha: float = 20.0
) -> Field:
    found: dict[int, dict[str, activity.Record]] = {}
    for year, values in by_year.items():
        row = activity.parse(kind, year, values)
        found.setdefault(year, {})[row.slot] = row
    return Field(code, area_ha, found)


def paddy_years(first: int, last: int, **project: Any) -> dict[int, dict[str, Any]]:
    """Single drainage up to 2024, then what `project` says."""
    return {
        year: season(year, **(project if year >= 2025 else {})) for year in range(first, last + 1)
    }


def build(method_id: str, fields: list[Field], first: int = 2025, after: int = 2026, **kw: Any):
    return from_records.stratum_input(
        method_id, "A", fields, practice_from_year=2025, years=range(first, after),
        policy={**POLICY, **kw},
    )  # fmt: skip


def test_records_of_the_worked_example_give_the_worked_number() -> None:
    """R-2: single drainage to AWD, 6 t of straw within 30 days, 112 days: 294.475 to 228.114."""
    given = build(
        "paddy-ch4/1",
        [field("paddy_season", paddy_years(2022, 2025, water_regime="multiple_drainage_awd"))],
    )
    result = catalogue.method("paddy-ch4/1").run(given)
    ch4 = result["intermediate"]["ch4_kg_ha"]
    assert ch4["baseline"] == pytest.approx(294.475, abs=5e-4)
    assert ch4["project"] == pytest.approx(228.114, abs=5e-4)
    assert result["intermediate"]["net_gross_co2e_t_ha"] == pytest.approx(1.708, abs=5e-4)
    assert result["refusals"] == [] and given["gates"]["lookback_years"] == 3


def test_two_years_are_the_sum_of_each_and_the_lookback_is_repeated_in_its_order() -> None:
    years = {2022: burning(6.0), 2023: burning(3.0), 2024: burning(0.0)}
    years |= {year: burning(0.0) for year in range(2025, 2030)}
    one = field("residue_burning", years)
    single = [
        build("residue-burning/1", [one], year, year + 1)["burnt_t_dm_ha_baseline"]
        for year in range(2025, 2029)
    ]
    assert single == [6.0, 3.0, 0.0, 6.0]
    both = build("residue-burning/1", [one], 2025, 2029)
    assert both["burnt_t_dm_ha_baseline"] == sum(single)


def test_one_drained_year_of_the_lookback_drains_the_baseline() -> None:
    years = paddy_years(2022, 2025, water_regime="multiple_drainage_awd")
    years[2022] = season(2022, water_regime="continuous", aeration_days=None)
    result = catalogue.method("paddy-ch4/1").run(
        build("paddy-ch4/1", [field("paddy_season", years)])
    )
    assert "BASELINE_DRAINED" in {row["code"] for row in result["warnings"]}
    assert result["intermediate"]["ch4_kg_ha"]["baseline"] == pytest.approx(294.475, abs=5e-4)


def test_nitrogen_of_the_records_gives_the_worked_example_n1() -> None:
    years = {year: nitrogen(200.0) for year in (2022, 2023, 2024)} | {2025: nitrogen(150.0)}
    given = build("n2o/1", [field("nitrogen", years)])
    given["policy"].pop("water_draws")
    found = catalogue.method("n2o/1").run(given)["intermediate"]["n2o_kg_ha"]["baseline"]
    assert found["total"] == pytest.approx(7.9772, abs=5e-5)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"yield_t_ha": 7.0}, "YIELD_FALL"),
        ({"mineral_soil": False}, "ORGANIC_SOIL"),
        ({"aeration_days": 3.0}, "AERATION_TOO_SHORT"),
    ],
)
def test_gates_are_read_from_the_records(changed: dict[str, Any], code: str) -> None:
    years = paddy_years(2022, 2025, water_regime="multiple_drainage_awd", **changed)
    result = catalogue.method("paddy-ch4/1").run(
        build("paddy-ch4/1", [field("paddy_season", years)])
    )
    assert code in {row["code"] for row in result["refusals"]} and result["issuable_kg"] == 0


def test_what_has_not_changed_earns_nothing_and_two_years_are_no_lookback() -> None:
    unchanged = build("paddy-ch4/1", [field("paddy_season", paddy_years(2023, 2025))])
    codes = {row["code"] for row in catalogue.method("paddy-ch4/1").run(unchanged)["refusals"]}
    assert codes == {"PRACTICE_UNCHANGED", "LOOKBACK_TOO_SHORT"}


def test_parcels_that_farm_otherwise_are_named_and_sent_to_another_stratum() -> None:
    one = field("paddy_season", paddy_years(2022, 2025), "田-1")
    two = field("paddy_season", paddy_years(2022, 2025, n_kg_ha=150.0), "田-2")
    with pytest.raises(MethodInputInvalid, match=r"田-2 在 2025 年的记录与 田-1 不同.*另一层"):
        build("paddy-ch4/1", [one, two])


def test_yields_may_differ_and_are_weighted_by_area() -> None:
    one = field("residue_burning", {y: burning(6.0, yield_t_ha=4.0) for y in range(2022, 2026)})
    two = field(
        "residue_burning",
        {y: burning(6.0, yield_t_ha=8.0 if y < 2025 else 6.0) for y in range(2022, 2026)},
        "F2",
        60.0,
    )
    given = build("residue-burning/1", [one, two])
    assert given["gates"]["yield_change_share"] == pytest.approx((5.5 - 7.0) / 7.0)
    assert given["area_ha"] == 80.0


def test_a_missing_year_is_named_with_its_parcel() -> None:
    years = paddy_years(2021, 2025)
    del years[2023]
    with pytest.raises(MethodInputInvalid, match=r"F1（2023 年）"):
        build("paddy-ch4/1", [field("paddy_season", years)])
    with pytest.raises(MethodInputInvalid, match=r"F1（2026 年）"):
        build("paddy-ch4/1", [field("paddy_season", paddy_years(2022, 2025))], 2025, 2027)
    with pytest.raises(MethodInputInvalid, match="没有 2025 年以前的记录"):
        build("paddy-ch4/1", [field("paddy_season", {2025: season(2025)})])


def test_a_round_by_records_is_of_whole_years() -> None:
    assert list(from_records.years_of(date(2024, 1, 1), date(2026, 1, 1))) == [2024, 2025]
    for start, end in ((date(2024, 3, 1), date(2025, 3, 1)), (date(2025, 1, 1), date(2025, 1, 1))):
        with pytest.raises(MethodInputInvalid, match="整年"):
            from_records.years_of(start, end)


@pytest.mark.parametrize(
    ("kind", "year", "values", "said"),
    [
        ("paddy_season", 2024, season(2025), "不在记录的年份"),
        ("paddy_season", 2025, season(2025, aeration_days=None), "落干天数"),
        ("paddy_season", 2025, season(2025, harvest_date="2025-05-01"), "晚于"),
        ("nitrogen", 2025, {**nitrogen(1.0), "urea_share": 1.2}, "不大于 1"),
        ("nitrogen", 2025, {k: v for k, v in nitrogen(1.0).items() if k != "land"}, "缺少该项"),
        ("fire", 2025, {"on": "2024-05-01", "note": "x", "burnt_share": 0.2}, "不在记录的年份"),
        ("rain", 2025, {}, "没有 rain 这种记录"),
        ("fire", 1850, {}, "年份 1850"),
    ],
)
def test_a_record_that_says_too_little_or_too_much_is_refused(
    kind: str, year: int, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(MethodInputInvalid, match=said):
        activity.parse(kind, year, values)


def test_every_method_that_measures_by_records_has_its_assembly() -> None:
    by_records = {m.id for m in catalogue.METHODS.values() if m.by_round == "records"}
    assert by_records == set(from_records.ASSEMBLIES)

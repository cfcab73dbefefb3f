"""Records become a method's input: the baseline is the look-back repeated, nothing is averaged away."""

from datetime import date
from typing import Any

import pytest

from methodologies import activity, catalogue, from_records, schedules
from methodologies.activity_record import Practice, Record
from methodologies.base import MethodInputInvalid
from methodologies.schedules import Field, Statement

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


def tea(synthetic: float, **other: Any) -> dict[str, Any]:
    return {
        "made_tea_t_ha": 0.45, "synthetic_n_kg_ha": synthetic, "organic_n_kg_ha": 0.0,
        "urea_t_ha": 0.0, **other,
    }  # fmt: skip


def soil(**other: Any) -> dict[str, Any]:
    """Of example F-1 before the project: full tillage, residues taken away, mineral nitrogen."""
    return {
        "mineral_soil": True, "yield_t_ha": 6.0, "land_use": "long_term_cultivated",
        "tillage": "full", "residue_removed": True, "animal_manure": False,
        "low_residue_crop": False, "bare_fallow": False, "nitrogen": True, "carbon_raising": False,
        "imported_t_ha": 0.0, "imported_c_share": None, **other,
    }  # fmt: skip


# And with it: reduced tillage, residues kept, a cover crop.
BETTER: dict[str, Any] = {"tillage": "reduced", "residue_removed": False, "carbon_raising": True}


def soil_class(kind: str = "HAC", area_share: float = 1.0, **other: Any) -> activity.SoilClass:
    row = activity.parse(
        "soil_class", 2024,
        {"climate": "warm_temperate_moist", "soil": kind, "area_share": area_share,
         "kept_years": 5, **other},
    )  # fmt: skip
    assert isinstance(row, activity.SoilClass)
    return row


def statements(*rows: Record, from_year: int = 1990) -> tuple[Statement, ...]:
    """What is stated of the whole of field F1."""
    return tuple(Statement("F1", 1.0, from_year, row) for row in rows)


def burning(burnt: float, **other: Any) -> dict[str, Any]:
    return {"mineral_soil": True, "yield_t_ha": 6.0, "burnt_t_dm_ha": burnt, **other}


def field(
    kind: str, by_year: dict[int, dict[str, Any]], code: str = "F1", area_ha: float = 20.0
) -> Field:
    found: dict[int, dict[str, Practice]] = {}
    for year, values in by_year.items():
        row = activity.parse(kind, year, values)
        assert isinstance(row, Practice)
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


TEA_POLICY: dict[str, Any] = {
    "deduction": "poe_flat", "gwp_set": "ar6", "unit_kg": 1, "baseline_n_cap_kg_ha": 450.0,
    "min_record_years": 3, "yield_drop_max_share": 0.05,
}  # fmt: skip


def tea_result(years: dict[int, dict[str, Any]], **policy: Any) -> dict[str, Any]:
    given = from_records.stratum_input(
        "tea-n2o/1", "A", [field("tea_nitrogen", years, area_ha=10.0)], practice_from_year=2025,
        years=range(2025, max(years) + 1), policy={**TEA_POLICY, **policy},
    )  # fmt: skip
    return catalogue.method("tea-n2o/1").run(given)


def test_tea_records_of_the_worked_example_give_t4_and_the_mean_of_the_lookback() -> None:
    """T4: 450 to 300 kg N/ha on 10 ha, 12.9858 t CO2e a year by the wet factors."""
    before = {2022: tea(440.0), 2023: tea(460.0), 2024: tea(450.0)}
    one = tea_result(before | {2025: tea(300.0)})
    assert one["gross_co2_t"] == pytest.approx(12.9858, abs=5e-5) and one["refusals"] == []
    two = tea_result(before | {2025: tea(300.0), 2026: tea(300.0)})
    assert two["gross_co2_t"] == pytest.approx(2 * 12.9858, abs=1e-4)
    assert two["intermediate"]["years"] == 2


def test_tea_nitrogen_is_capped_short_records_and_a_fallen_yield_refuse() -> None:
    before = {2022: tea(600.0), 2023: tea(600.0), 2024: tea(600.0)}
    capped = tea_result(before | {2025: tea(300.0)})
    assert capped["gross_co2_t"] == pytest.approx(12.9858, abs=5e-5)
    fallen = tea_result(before | {2025: tea(300.0, made_tea_t_ha=0.40)})
    assert {row["code"] for row in fallen["refusals"]} == {"YIELD_DROP"}
    short = tea_result({2024: tea(450.0), 2025: tea(300.0)})
    assert {row["code"] for row in short["refusals"]} == {"RECORDS_TOO_SHORT"}


def test_more_urea_costs_its_carbon_even_where_nitrogen_falls() -> None:
    before = {2022: tea(450.0), 2023: tea(450.0), 2024: tea(450.0)}
    urea = tea_result(before | {2025: tea(300.0, urea_t_ha=0.5)})
    # 0.20 t C a tonne of urea (IPCC 2006 Vol. 4 eq 11.13).
    carbon = 0.5 * 10 * 0.20 * 44 / 12
    assert urea["intermediate"]["penalties_co2e_t"] == pytest.approx(carbon)
    kept = urea["intermediate"]["conservative_co2_t"] - carbon
    assert urea["net_co2_t"] == pytest.approx(kept) and urea["gross_co2_t"] > carbon


SOIL_POLICY: dict[str, Any] = {
    "deduction": "poe_flat", "gwp_set": "ar5", "unit_kg": 1, "buffer_share": 0.1,
    "issue_tier1": "yes",
}  # fmt: skip


def soil_years(since: int = 2025, last: int = 2025, first: int = 2022) -> dict[int, Any]:
    return {y: soil(**(BETTER if y >= since else {})) for y in range(first, last + 1)}


def soil_result(
    years: dict[int, dict[str, Any]],
    *,
    since: int = 2025,
    first: int = 2025,
    soils: tuple[activity.SoilClass, ...] | None = None,
    **policy: Any,
) -> dict[str, Any]:
    one = field("soil_management", years, area_ha=25.6)
    stated = (soil_class(),) if soils is None else soils
    given = from_records.stratum_input(
        "farmland-soc/1", "A",
        [Field(one.code, one.area_ha, one.records, statements(*stated))],
        practice_from_year=since, years=range(first, max(years) + 1),
        policy={**SOIL_POLICY, **policy},
    )  # fmt: skip
    return catalogue.method("farmland-soc/1").run(given)


def test_soil_records_of_the_worked_example_give_f1() -> None:
    """F-1: 1.98757 t CO2/ha and year on 25.6 ha, 1.659 after the deduction."""
    result = soil_result(soil_years())
    assert result["gross_co2_t"] == pytest.approx(50.88, abs=5e-3) and result["refusals"] == []
    kept = result["gross_co2_t"] * (1 - result["deduction_share"]) / 25.6
    assert kept == pytest.approx(1.659, abs=5e-4)
    assert result["buffer_co2_t"] == pytest.approx(0.1 * result["net_co2_t"])


def test_by_default_soil_carbon_is_an_estimate_and_says_so() -> None:
    result = soil_result(soil_years(), issue_tier1="no")
    assert result["gross_co2_t"] == pytest.approx(50.88, abs=5e-3) and result["issuable_kg"] == 0
    [refusal] = result["refusals"]
    assert refusal["code"] == "TIER1_ESTIMATE" and "估计" in refusal["message"]


def test_soil_moves_on_from_where_it_stands_and_stops_after_twenty_years() -> None:
    one, both = soil_result(soil_years(last=2025)), soil_result(soil_years(last=2026))
    second = soil_result(soil_years(last=2026), first=2026)
    assert both["gross_co2_t"] == pytest.approx(one["gross_co2_t"] + second["gross_co2_t"])
    assert second["gross_co2_t"] == pytest.approx(one["gross_co2_t"])
    long_ago = soil_years(since=2001, last=2021, first=1998)
    last = soil_result(long_ago, since=2001, first=2021)
    assert last["gross_co2_t"] == pytest.approx(0.0, abs=1e-9)
    before = soil_result(
        {year: row for year, row in long_ago.items() if year <= 2020}, since=2001, first=2020
    )
    assert before["gross_co2_t"] == pytest.approx(50.88, abs=5e-3)


def test_a_year_back_to_the_old_way_is_not_left_out_because_it_lies_before_the_round() -> None:
    lapse = soil_years(last=2026) | {2025: soil()}
    result = soil_result(lapse, first=2026)
    assert [row["from_year"] for row in lapse_input(lapse)["project"]] == [2022, 2026]
    assert result["gross_co2_t"] == pytest.approx(50.88, abs=5e-3)
    missing = {year: row for year, row in soil_years(last=2026).items() if year != 2025}
    with pytest.raises(MethodInputInvalid, match=r"F1（2025 年）"):
        soil_result(missing, first=2026)


def lapse_input(years: dict[int, dict[str, Any]]) -> dict[str, Any]:
    one = field("soil_management", years, area_ha=25.6)
    return from_records.stratum_input(
        "farmland-soc/1", "A", [Field(one.code, 25.6, one.records, statements(soil_class()))],
        practice_from_year=2025, years=range(2026, 2027), policy=SOIL_POLICY,
    )  # fmt: skip


def test_classes_of_soil_are_each_computed_and_added_up() -> None:
    both = soil_result(soil_years(), soils=(soil_class("HAC", 0.6), soil_class("LAC", 0.4)))
    apart = [soil_result(soil_years(), soils=(soil_class(kind),)) for kind in ("HAC", "LAC")]
    expected = 0.6 * apart[0]["gross_co2_t"] + 0.4 * apart[1]["gross_co2_t"]
    assert both["gross_co2_t"] == pytest.approx(expected, rel=1e-12)
    for soils in ((), (soil_class("HAC", 0.6),), (soil_class(), soil_class("LAC", 0.1))):
        with pytest.raises(MethodInputInvalid, match="份额合计"):
            soil_result(soil_years(), soils=soils)


def test_what_soil_gains_on_paper_is_refused_where_the_method_says_so() -> None:
    codes = {
        "PRACTICE_UNCHANGED": soil_result({y: soil() for y in range(2022, 2026)}),
        "AREA_NOT_KEPT": soil_result(soil_years(), soils=(soil_class(kept_years=4),)),
        "PADDY_CONVERSION": soil_result(
            soil_years() | {2025: soil(land_use="paddy", tillage=None)}
        ),
    }
    for code, result in codes.items():
        assert code in {row["code"] for row in result["refusals"]} and result["issuable_kg"] == 0
    with pytest.raises(MethodInputInvalid, match="不得用湿地土类"):
        soil_result(
            {y: soil(land_use="paddy", tillage=None) for y in range(2022, 2026)},
            soils=(soil_class("WET"),),
        )


def test_tillage_of_a_paddy_is_no_other_way_of_farming() -> None:
    years = {
        y: soil(land_use="paddy", tillage="full" if y < 2025 else "none") for y in range(2022, 2026)
    }
    result = soil_result(years)
    assert result["gross_co2_t"] == 0.0
    assert "PRACTICE_UNCHANGED" in {row["code"] for row in result["refusals"]}


def test_organic_matter_from_elsewhere_is_leakage() -> None:
    """M x C x 0.12 x 44/12 (VM0051 eq 26)."""
    brought = soil(**BETTER, imported_t_ha=2.0, imported_c_share=0.1)
    less = (
        soil_result(soil_years())["net_co2_t"]
        - soil_result(soil_years() | {2025: brought})["net_co2_t"]
    )
    assert less == pytest.approx(2.0 * 25.6 * 0.1 * 0.12 * 44 / 12)


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
    assert list(schedules.years_of(date(2024, 1, 1), date(2026, 1, 1))) == [2024, 2025]
    for start, end in ((date(2024, 3, 1), date(2025, 3, 1)), (date(2025, 1, 1), date(2025, 1, 1))):
        with pytest.raises(MethodInputInvalid, match="整年"):
            schedules.years_of(start, end)


@pytest.mark.parametrize(
    ("kind", "year", "values", "said"),
    [
        ("paddy_season", 2024, season(2025), "不在记录的年份"),
        ("paddy_season", 2025, season(2025, aeration_days=None), "落干天数"),
        ("paddy_season", 2025, season(2025, harvest_date="2025-05-01"), "晚于"),
        ("nitrogen", 2025, {**nitrogen(1.0), "urea_share": 1.2}, "不大于 1"),
        ("nitrogen", 2025, {k: v for k, v in nitrogen(1.0).items() if k != "land"}, "缺少该项"),
        ("fire", 2025, {"on": "2024-05-01", "note": "x", "burnt_share": 0.2}, "不在记录的年份"),
        ("tea_nitrogen", 2025, tea(200.0, urea_t_ha=0.5), "尿素的氮须计入化肥氮"),
        ("soil_management", 2025, soil(tillage=None), "耕作方式"),
        ("soil_management", 2025, soil(imported_t_ha=1.0), "含碳比例"),
        (
            "soil_class",
            2025,
            {"climate": "tropical_moist", "soil": "HAC", "area_share": 1.0, "kept_years": 5},
            "没有这一气候区的因子",
        ),
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

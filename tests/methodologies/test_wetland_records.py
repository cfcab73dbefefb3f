"""Records of a wetland become the input of wetland-balance/1: one a year, against what the land was."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import activity, by_stratum, catalogue, from_records
from methodologies.activity_record import Practice, Record
from methodologies.base import MethodInputInvalid
from methodologies.schedules import Field, Statement

BALANCE = catalogue.method("wetland-balance/1")
POLICY: dict[str, Any] = {
    "deduction": "poe_flat", "gwp_set": "ar5", "unit_kg": 1, "buffer_share": 0.1,
    "herb_gain": "never",
}  # fmt: skip
Values = dict[str, Any]
Years = dict[int, list[tuple[str, Values]]]


def land(land_class: str = "marsh", area_share: float = 1.0, **other: Any) -> tuple[str, Values]:
    return "wetland_land", {
        "land_class": land_class, "area_share": area_share, "climate": "warm_temperate_moist",
        "origin": "created", "flooded_years": None, "dam_outlet": False, "trophic_state": None,
        "organic_soil": None, "aquaculture": False, "rewetted_in_year": None, "former_use": None,
        "soc_ref_t_ha": None, **other,
    }  # fmt: skip


def gas(land_class: str, ch4: float | None, n2o: float | None = 0.0) -> tuple[str, Values]:
    has = ch4 is not None
    return "wetland_gas", {
        "land_class": land_class, "ch4_kg_ha": ch4, "ch4_campaigns": 12 if has else None,
        "ch4_ebullition": True if has else None, "n2o_kg_ha": n2o, "doc_mg_l": None,
        "water_depth_m": None,
    }  # fmt: skip


def burial(land_class: str, mar: float = 0.30) -> tuple[str, Values]:
    return "wetland_burial", {
        "land_class": land_class, "mar_g_cm2_year": mar, "toc_share": 0.012,
        "allochthonous_share": 0.4, "cores": 3, "reviewed": False,
    }  # fmt: skip


def wood(land_class: str) -> tuple[str, Values]:
    return "wetland_wood", {
        "land_class": land_class, "wood_year_start": 2020, "wood_agb_t_ha_start": 120.0,
        "wood_year_end": 2025, "wood_agb_t_ha_end": 132.0, "root_ratio": None,
        "carbon_fraction": None,
    }  # fmt: skip


def herb(land_class: str, share: float) -> tuple[str, Values]:
    return "wetland_herb", {
        "land_class": land_class, "stand_change_share": share, "herb_agb_t_ha": 7.5,
        "herb_bgb_t_ha": 14.7, "species": "zizania",
    }  # fmt: skip


def doing(kind: str = "restoration", **other: Any) -> Record:
    return activity.parse("wetland_activity", 2025, {
        "activity": kind, "hydrology_monitored": True, "required_by_permit": False,
        "owed_area_share": 0.0, "peat_extraction": False, "drains_other_wetland": False,
        "invasive_species": False, **other,
    })  # fmt: skip


def errors(**shares: float) -> Record:
    terms = ("wood", "herb", "burial", "soil", "ch4", "n2o", "flood_co2")
    return activity.parse(
        "wetland_errors", 2025, {f"{term}_u95_share": shares.get(term) for term in terms}
    )


def field(
    years: Years,
    *statements: Record,
    code: str = "F1",
    area_ha: float = 20.0,
    later: tuple[tuple[int, Record], ...] = (),
) -> Field:
    found: dict[int, dict[str, Practice]] = {}
    for year, records in years.items():
        for kind, values in records:
            row = activity.parse(kind, year, values)
            assert isinstance(row, Practice)
            found.setdefault(year, {})[f"{kind} {row.slot}"] = row
    said = statements or (doing(), errors(ch4=0.6))
    dated = [*((2000, row) for row in said), *later]
    return Field(code, area_ha, found, tuple(Statement(code, 1.0, y, row) for y, row in dated))


POND = [land("pond", aquaculture=True), gas("pond", 598.05)]
MARSH = [land(), gas("marsh", None)]


def w3(last: int = 2025) -> Years:
    """Example W-3: three years a fish pond, measured, then a marsh by the default."""
    return {year: POND if year < 2025 else MARSH for year in range(2022, last + 1)}


def document(strata: dict[str, list[Field]], years: range = range(2025, 2026), **policy: Any):
    used = {**POLICY, **policy, "carried_debit_kg": 0}
    return {
        "strata": [
            from_records.stratum_document(
                "wetland-balance/1", name, fields, practice_from_year=2025, years=years,
                policy=used,
            )
            for name, fields in strata.items()
        ],
        "parcels": [
            {"id": f.code, "stratum": name, "area_ha": f.area_ha}
            for name, fields in strata.items() for f in fields
        ],
        "policy": used,
    }  # fmt: skip


def measured(*fields: Field, years: range = range(2025, 2026), **policy: Any) -> dict[str, Any]:
    return by_stratum.of_round("wetland-balance/1").run(
        document({"A": list(fields)}, years, **policy)
    )


def one_year(*fields: Field) -> dict[str, Any]:
    [row] = document({"A": list(fields)})["strata"][0]["by_year"]
    return row["input"]


def test_a_pond_given_back_to_marsh_is_w3_and_equals_the_method_on_the_same_input() -> None:
    """W-3: (598.05 - 235) kg at 28 on 20 ha, 10.165 t CO2e a hectare and year."""
    result = measured(field(w3()))
    assert result["gross_co2_t"] / 20 == pytest.approx(10.165, abs=5e-4)
    assert result["refusals"] == [] and result["buffer_co2_t"] == 0.0
    own = BALANCE.run(one_year(field(w3())))
    for name in ("gross_co2_t", "stderr_co2_t", "net_co2_t", "issuable_kg", "components"):
        assert result[name] == own[name]
    balance = result["intermediate"]
    assert balance["mode"] == "DELTA"
    own_balance = own["intermediate"]["abs_co2e_t"]["total"]
    assert balance["abs_co2e_t"]["total"] == pytest.approx(own_balance) and own_balance < 0
    assert balance["abs_co2e_t"]["ch4"] == pytest.approx(-235 * 28 / 1000 * 20)


def test_without_years_before_there_is_a_balance_and_never_a_credit() -> None:
    """W-1, 100 ha: -287.27 t CO2e a year, 87.2 % uncertain."""
    mosaic = [
        land("natural_lake", 0.55, origin="natural"), burial("natural_lake"),
        land("marsh", 0.30), burial("marsh"), land("swamp", 0.10), wood("swamp"),
        land("pond", 0.05, origin="natural"),
        # Where a pool is counted, every class that may have it says so.
        burial("swamp", 0.0), burial("pond", 0.0), wood_of_nothing("marsh"),
    ]  # fmt: skip
    result = measured(
        field({2025: mosaic}, doing(), errors(burial=0.5, wood=0.3, ch4=0.6), area_ha=100.0)
    )
    assert result["intermediate"]["abs_co2e_t"]["total"] == pytest.approx(-287.2668, abs=1e-3)
    [year] = result["intermediate"]["strata"][0]["result"]["by_year"]
    assert 100 * year["result"]["abs_u95"] == pytest.approx(87.2, abs=0.05)
    assert result["intermediate"]["mode"] == "ABS"
    assert (result["gross_co2_t"], result["net_co2_t"], result["issuable_kg"]) == (0.0, 0.0, 0)
    assert "baseline_abs_co2e_t" not in result["intermediate"]
    assert [row["code"] for row in result["warnings"]].count("ABS_ONLY") == 1


def wood_of_nothing(land_class: str) -> tuple[str, Values]:
    kind, values = wood(land_class)
    return kind, {**values, "wood_agb_t_ha_start": 0.0, "wood_agb_t_ha_end": 0.0}


def test_several_years_are_the_sum_of_each_floored_once() -> None:
    years = w3(2027)
    years[2026] = [land(), gas("marsh", 700.0)]
    one = field(years)
    apart = [measured(one, years=range(y, y + 1)) for y in (2025, 2026, 2027)]
    together = measured(one, years=range(2025, 2028))
    for name in ("gross_co2_t", "stderr_co2_t", "net_co2_t", "buffer_co2_t"):
        assert together[name] == pytest.approx(sum(row[name] for row in apart), rel=1e-12)
    assert apart[1]["net_co2_t"] < 0  # More methane than the pond, taken in full from the others.
    assert together["issuable_kg"] == int(1000 * together["net_co2_t"] + 1e-6)
    years_of = together["intermediate"]["strata"][0]["result"]["by_year"]
    assert [row["id"] for row in years_of] == ["2025", "2026", "2027"]


def test_the_lookback_is_repeated_year_by_year() -> None:
    years = w3(2027)
    for year, ch4 in zip((2022, 2023, 2024), (300.0, 400.0, 500.0), strict=True):
        years[year] = [land("pond"), gas("pond", ch4)]
    result = measured(field(years), years=range(2025, 2028))
    expected = [(ch4 - 235) * 28 / 1000 * 20 for ch4 in (300.0, 400.0, 500.0)]
    parts = result["intermediate"]["strata"][0]["result"]["by_year"]
    assert [row["gross_co2_t"] for row in parts] == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 50.0), min_size=2, max_size=6))
def test_cutting_the_land_of_a_stratum_leaves_the_projects_sum_unchanged(
    areas: list[float],
) -> None:
    whole = measured(field(w3(2026), area_ha=sum(areas)), years=range(2025, 2027))
    cut = measured(
        *(field(w3(2026), code=f"F{n}", area_ha=area) for n, area in enumerate(areas)),
        years=range(2025, 2027),
    )
    for name in ("gross_co2_t", "net_co2_t", "stderr_co2_t"):
        assert cut[name] == pytest.approx(whole[name], rel=1e-9)
    assert abs(cut["issuable_kg"] - whole["issuable_kg"]) <= 1
    assert sum(row["issuable_kg"] for row in cut["allocation"]) == cut["issuable_kg"]


def test_soil_gains_by_the_year_since_it_was_wetted() -> None:
    """W-2: 2.2275 t CO2/ha in the years 1-20, 4.95 in 21-40."""
    for wetted, expected in ((2025, 2.2275), (2006, 2.2275), (2005, 4.95), (1985, 0.0)):
        wet = land(origin="rewetted", rewetted_in_year=wetted, former_use="cultivated")
        result = measured(field({2025: [wet]}, area_ha=1.0))
        assert result["intermediate"]["abs_co2e_t"]["soil"] == pytest.approx(expected)


def test_a_stand_of_herbs_counts_its_loss_always_and_its_gain_as_decided() -> None:
    years: Years = {
        year: [land(), herb("marsh", 0.0 if year < 2025 else 0.5)] for year in range(2022, 2026)
    }
    # 0.5 of 20 ha, 22.2 t/ha of which 44 % are carbon, over five years.
    gain = 10 * 22.2 * 0.44 / 5 * 44 / 12
    one = field(years, doing(), errors(herb=0.3))
    assert measured(one)["gross_co2_t"] == 0.0
    assert measured(one, herb_gain="once_5_years")["gross_co2_t"] == pytest.approx(gain)
    years[2025] = [land(), herb("marsh", -0.5)]
    lost = measured(field(years, doing(), errors(herb=0.3)))
    assert lost["gross_co2_t"] == pytest.approx(-gain) and lost["net_co2_t"] < -gain


def test_a_change_of_herbs_is_spread_over_five_years_and_counted_once() -> None:
    def years(before: float, after: float) -> Years:
        return {
            year: [land(), herb("marsh", before if year < 2025 else after)]
            for year in range(2022, 2031)
        }

    once: dict[str, Any] = {"herb_gain": "once_5_years"}
    gaining = field(years(0.0, 0.5), doing(), errors(herb=0.3))
    first = measured(gaining, years=range(2025, 2030), **once)
    # 0.5 of 20 ha, 22.2 t/ha of which 44 % are carbon: all of it after five years.
    assert first["gross_co2_t"] == pytest.approx(10 * 22.2 * 0.44 * 44 / 12)
    losing = field(years(-0.5, 0.0), doing(), errors(herb=0.3))
    for one in (gaining, losing):
        with pytest.raises(MethodInputInvalid, match="只分 5 年计入一次"):
            measured(one, years=range(2025, 2031), **once)
    lost = measured(field(years(0.0, -0.5), doing(), errors(herb=0.3)), years=range(2025, 2031))
    assert lost["net_co2_t"] < 0


def test_strata_with_and_without_a_baseline_show_one_balance_and_the_difference_there_is() -> None:
    document_ = document({"A": [field(w3())], "B": [field({2025: MARSH}, code="F2")]})
    joined = by_stratum.of_round("wetland-balance/1").run(document_)["intermediate"]
    alone = measured(field(w3()))["intermediate"]
    assert joined["mode"] == "DELTA" and "baseline_abs_co2e_t" not in joined
    assert joined["delta_co2e_t"] == alone["delta_co2e_t"]
    assert joined["abs_co2e_t"]["ch4"] == pytest.approx(2 * alone["abs_co2e_t"]["ch4"])


def test_land_that_is_owed_earns_nothing() -> None:
    owing = field(w3(), doing(owed_area_share=0.25), errors(ch4=0.6))
    full = measured(field(w3()))["gross_co2_t"]
    assert one_year(owing)["owed_area_ha"] == 5.0
    assert measured(owing)["gross_co2_t"] == pytest.approx(0.75 * full)
    # Shared out by area, a neighbour's kilograms would come to lie on land that is owed.
    with pytest.raises(MethodInputInvalid, match="F2 在 2025 年的“湿地措施与条件”与 F1 不同"):
        one_year(owing, field(w3(), code="F2"))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"required_by_permit": True}, "INELIGIBLE_NOT_ADDITIONAL"),
        ({"hydrology_monitored": False}, "INELIGIBLE_HYDROLOGY"),
        ({"peat_extraction": True}, "INELIGIBLE_PEAT"),
        ({"drains_other_wetland": True}, "INELIGIBLE_DRAINAGE"),
        ({"invasive_species": True}, "INELIGIBLE_INVASIVE"),
    ],
)
def test_what_is_stated_of_the_activity_decides_from_the_year_it_is_stated(
    changed: dict[str, Any], code: str
) -> None:
    later = ((2026, doing(**changed)),)
    one = field(w3(2026), later=later)
    assert measured(one)["refusals"] == []
    both = measured(one, years=range(2025, 2027))
    [refusal] = both["refusals"]
    assert refusal["code"] == code and refusal["message"].startswith("2026 年：")
    assert both["issuable_kg"] == 0


def test_protection_alone_has_a_balance_whatever_was_before() -> None:
    found = measured(field(w3(), doing("protection"), errors(ch4=0.6)))
    assert found["intermediate"]["mode"] == "ABS" and found["issuable_kg"] == 0


def test_a_term_that_nobody_assessed_is_refused_by_its_name() -> None:
    [refusal] = measured(field(w3(), doing(), errors()))["refusals"]
    assert refusal["code"] == "STDERR_MISSING" and "ch4" in refusal["message"]
    assert measured(field(w3(), doing(), errors()), deduction="flat")["issuable_kg"] > 0


@pytest.mark.parametrize(
    ("years", "said"),
    [
        ({2025: [land("marsh", 0.6)]}, "合计为 0.6"),
        ({2025: [land(), gas("pond", 5.0)]}, "“坑塘水面”的实测记录"),
        ({2025: [gas("marsh", 5.0)]}, "合计为 0"),
        ({2024: POND, 2025: MARSH}, "只有 1 年"),
        ({2022: POND, 2024: POND, 2025: MARSH}, r"F1（2023 年）"),
        (w3() | {2025: [land(), gas("marsh", 5.0, None)]}, "“湿地气体实测”的“氧化亚氮”，2025 年却没有"),
        (w3() | {2025: [*MARSH, burial("marsh")]}, "“湿地沉积埋藏”，2022、2023、2024 年却没有"),
        (w3() | {2025: [*MARSH, herb("marsh", 0.1)]}, "“湿地草本”，2022"),
        (w3() | {2023: [*POND, burial("pond")]}, "2025 年却没有"),
        (
            {2025: [land(rewetted_in_year=2020, former_use="cultivated"), burial("marsh")]},
            "同一碳库",
        ),
        ({2025: [land("pond"), wood("pond")]}, "开阔水面没有木本"),
        (
            w3() | {2025: [
                land(rewetted_in_year=2025, former_use="cultivated"), gas("marsh", None)
            ]},
            "由旱作耕地复湿，回溯期的地类却是坑塘水面",
        ),
    ],
)  # fmt: skip
def test_records_that_lack_or_contradict_are_named(years: Years, said: str) -> None:
    with pytest.raises(MethodInputInvalid, match=said):
        measured(field(years))


def test_wood_on_land_that_was_water_needs_no_wood_before() -> None:
    years = w3() | {2025: [*MARSH, wood_of_nothing("marsh")]}
    assert measured(field(years))["refusals"] == []


def test_statements_lack_or_differ_by_name() -> None:
    unstated = Field("F2", 1.0, field(w3()).records)
    with pytest.raises(MethodInputInvalid, match="F2 没有 2025 年的“湿地措施与条件”"):
        measured(field(w3()), unstated)
    other = field(w3(), doing("planting"), errors(ch4=0.6), code="F2")
    with pytest.raises(MethodInputInvalid, match="F2 在 2025 年的“湿地措施与条件”与 F1 不同"):
        measured(field(w3()), other)
    unsure = field(w3(), doing(), errors(ch4=0.9), code="F2")
    with pytest.raises(MethodInputInvalid, match="F2 在 2025 年的“湿地误差评定”与 F1 不同"):
        measured(field(w3()), unsure)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("wetland_land", land("reservoir")[1], "蓄水年数"),
        ("wetland_land", land(flooded_years=3.0)[1], "蓄水年数"),
        ("wetland_land", land(rewetted_in_year=2020)[1], "复湿年份与原用途"),
        ("wetland_land", land(rewetted_in_year=2026, former_use="pond")[1], "复湿年份 2026 晚于"),
        ("wetland_land", land(soc_ref_t_ha=99.0)[1], "参照储量"),
        ("wetland_land", land("coastal")[1], "须为"),
        ("wetland_gas", {**gas("pond", 5.0)[1], "ch4_ebullition": None}, "甲烷的实测值"),
        ("wetland_gas", {**gas("pond", 5.0)[1], "doc_mg_l": 6.0}, "水深"),
        ("wetland_herb", herb("marsh", -1.5)[1], "不小于 -1"),
        ("wetland_wood", {**wood("swamp")[1], "wood_year_end": 2024}, "不是 2025 年"),
        ("wetland_wood", {**wood("swamp")[1], "wood_year_start": 2025}, "不是 2025 年"),
    ],
)
def test_a_record_of_a_wetland_that_says_too_little_is_refused(
    kind: str, values: Values, said: str
) -> None:
    with pytest.raises(MethodInputInvalid, match=said):
        activity.parse(kind, 2025, values)

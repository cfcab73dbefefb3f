"""Laws that hold whatever the numbers: of time, area, parts and penalties, over all methods."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methodologies import catalogue, farmland_soc_v1
from methodologies.factors import number

SOC, MEASURED, PADDY, N2O, BURN, CHAR, WETLAND, FOREST, TEA, TEA_N2O, CHESTNUT = (
    catalogue.method(i)
    for i in (
        "farmland-soc/1", "farmland-soc-measured/1", "paddy-ch4/1", "n2o/1", "residue-burning/1",
        "biochar/1", "wetland-balance/1", "forest-aff/1", "tea-perennial/1", "tea-n2o/1",
        "chestnut-inventory/1",
    )
)  # fmt: skip
# A practice drawn for the first time costs 100,000 draws.
few = settings(max_examples=12, deadline=None)
some = settings(max_examples=40, deadline=None)


def net(method: Any, data: dict[str, Any]) -> float:
    return float(method.run(data)["net_co2_t"])


def scaled(data: Any, by: float) -> Any:
    """The same input on so many times the land: areas, masses and amounts of the whole."""
    whole = {"area_ha", "parcel_area_ha", "owed_area_ha", "mass_t", "mass_t_dm", "delta_area_ha"}
    whole |= {"co2_t", "production_emissions_co2e_t", "leakage_co2e_t"}
    whole |= {f"{kind}_{side}" for side in ("project", "baseline") for kind in (
        "fertiliser_n_kg", "organic_n_kg", "urea_t"
    )}  # fmt: skip
    match data:
        case dict():
            return {
                key: item * by if key in whole and item is not None else scaled(item, by)
                for key, item in data.items()
            }
        case list():
            return [scaled(item, by) for item in data]
    return data


OF_LAND = [SOC, MEASURED, PADDY, N2O, BURN, CHAR, WETLAND, FOREST, TEA, TEA_N2O, CHESTNUT]


@pytest.mark.parametrize("method", OF_LAND, ids=lambda m: m.id)
@settings(max_examples=15, deadline=None)
@given(st.floats(1e-6, 1e5))
def test_every_result_is_proportional_to_area(method, by):
    once = method.run(method.example())
    more = method.run(scaled(method.example(), by))
    for key in ("gross_co2_t", "stderr_co2_t", "net_co2_t", "buffer_co2_t"):
        if once[key] is not None:
            assert more[key] == pytest.approx(once[key] * by, rel=1e-9, abs=1e-12)
    assert more["deduction_share"] == pytest.approx(once["deduction_share"], rel=1e-9)


@pytest.mark.parametrize("method", [PADDY, N2O, BURN, TEA_N2O, SOC], ids=lambda m: m.id)
@settings(max_examples=15, deadline=None)
@given(st.floats(0.001, 0.999))
def test_the_parts_of_a_parcel_bring_what_the_whole_brings(method, cut):
    """None of these examples has a debit or a fee of its own, which would be taken twice."""
    parts = [scaled(method.example(), share) for share in (cut, 1.0 - cut)]
    assert sum(net(method, part) for part in parts) == pytest.approx(
        net(method, method.example()), rel=1e-9
    )


@some
@given(st.floats(0.01, 0.99))
def test_a_wetland_cut_in_two_units_brings_the_same(cut):
    data = WETLAND.example()
    (unit,) = data["units"]
    data["units"] = [
        {**unit, "id": name, "area_ha": unit["area_ha"] * share}
        for name, share in (("a", cut), ("b", 1.0 - cut))
    ]
    assert net(WETLAND, data) == pytest.approx(net(WETLAND, WETLAND.example()), rel=1e-9)


volumes = st.lists(
    st.tuples(st.floats(12, 300), st.floats(12, 300)), min_size=3, max_size=6, unique=True
)


@some
@given(volumes, st.sampled_from(["chinese_fir", "masson_pine", "oak", "softwood"]))
def test_a_forest_run_backwards_changes_only_the_sign_of_the_gross(pairs, species):
    def of(rows):
        data = FOREST.example()
        data["strata"] = [
            {
                "id": "A", "area_ha": 7.0, "route": "bef", "species": species,
                "plots": [
                    {"id": f"P{i}", "volume_m3_ha_start": a, "volume_m3_ha_end": b}
                    for i, (a, b) in enumerate(rows)
                ],
            }
        ]  # fmt: skip
        return FOREST.run(data)

    forward, backward = of(pairs), of([(b, a) for a, b in pairs])
    assert backward["gross_co2_t"] == pytest.approx(-forward["gross_co2_t"], abs=1e-7)
    assert backward["stderr_co2_t"] == pytest.approx(forward["stderr_co2_t"], abs=1e-7)
    for result in (forward, backward):
        assert result["net_co2_t"] <= result["gross_co2_t"] + 1e-9


@some
@given(st.lists(st.tuples(st.floats(5, 40), st.floats(5, 40)), min_size=3, max_size=6))
def test_a_tea_garden_run_backwards_changes_only_the_sign_of_the_gross(pairs):
    """Within the greatest age, where gains count like losses."""

    def of(rows):
        data = TEA.example()
        data["prunings"] = []
        data["strata"][0]["plots"] = [
            {
                "id": f"P{i}", "agb_t_ha_start": a, "agb_t_ha_end": b,
                "above_plane_share_start": 0.25, "above_plane_share_end": 0.25,
            }
            for i, (a, b) in enumerate(rows)
        ]  # fmt: skip
        return TEA.run(data)["gross_co2_t"]

    assert of([(b, a) for a, b in pairs]) == pytest.approx(-of(pairs), abs=1e-7)


nitrogen = st.fixed_dictionaries(
    {
        "synthetic_n_kg_ha": st.floats(0, 500),
        "organic_n_kg_ha": st.floats(0, 300),
        "residue_n_kg_ha": st.floats(0, 100),
        "urea_share": st.sampled_from([0.0, 0.4, 1.0]),
        "land": st.sampled_from(["wet", "dry", "aggregate", "paddy_drained"]),
    }
)


@few
@given(nitrogen, nitrogen)
def test_nitrogen_the_other_way_round_is_the_same_amount_with_the_other_sign(one, other):
    def delta(before, after):
        data = {**N2O.example(), "baseline": before, "project": after}
        return N2O.run(data)["intermediate"]["delta_co2e_t_ha"]

    assert delta(one, other) == pytest.approx(-delta(other, one), abs=1e-9)
    assert delta(one, one) == 0.0


WATERS = st.sampled_from(
    ["continuous", "single_drainage", "multiple_drainage_awd", "rainfed_regular", "upland"]
)
AMENDED = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["straw_lt30d", "straw_gt30d", "compost", "green_manure"]),
            "t_ha": st.floats(0, 30),
        }
    ),
    max_size=3,
)


def paddy(before, after, **more):
    data = {**PADDY.example(), "lookback_water_regimes": [], **more}
    return PADDY.run({**data, "baseline": [before], "project": [after]})["intermediate"]


def season(water, amendments, n_kg_ha=0.0):
    return {
        "water_regime": water, "preseason": "nonflooded_gt180d", "days": 112.0,
        "amendments": amendments, "n_kg_ha": n_kg_ha,
    }  # fmt: skip


@few
@given(WATERS, AMENDED, WATERS, AMENDED)
def test_organic_matter_never_lowers_methane_and_sides_exchanged_change_the_sign(w, a, w2, a2):
    one, other = season(w, a), season(w2, a2)
    found = paddy(one, other)
    for rows in found["seasons"].values():
        assert rows[0]["sfo"] >= 1.0
    bare = paddy(season(w, []), other)
    assert bare["ch4_kg_ha"]["baseline"] <= found["ch4_kg_ha"]["baseline"] * (1 + 1e-12)
    back = paddy(other, one)
    assert back["ch4_kg_ha"]["reduction"] == pytest.approx(
        -found["ch4_kg_ha"]["reduction"], abs=1e-9
    )


@few
@given(AMENDED, st.floats(1, 400))
def test_alternate_wetting_lowers_methane_and_raises_nitrous_oxide(amendments, n_kg_ha):
    for before in ("continuous", "single_drainage"):
        found = paddy(
            season(before, amendments, n_kg_ha),
            season("multiple_drainage_awd", amendments, n_kg_ha),
        )
        assert found["ch4_kg_ha"]["reduction"] > 0.0
        assert found["n2o_kg_ha"]["increase"] == pytest.approx(n_kg_ha * 0.002 * 44 / 28)


def regime(year, use="long_term_cultivated", tillage="full", level="low"):
    return {"from_year": year, "land_use": use, "tillage": tillage, "input_level": level}


def soc(before, after, **more):
    data = {**SOC.example(), "report_years": [], **more}
    return SOC.run({**data, "baseline": [before], "project": [before, after]})


TILLAGE = st.sampled_from(["full", "reduced", "none"])
LEVEL = st.sampled_from(["low", "medium", "high_without_manure", "high_with_manure"])
SOILS = st.sampled_from(["HAC", "LAC", "SAN", "POD", "VOL"])


@few
@given(TILLAGE, LEVEL, TILLAGE, LEVEL, SOILS, st.integers(1, 40))
def test_a_paddy_is_indifferent_to_tillage_and_input(t1, l1, t2, l2, soil, years):
    found = soc(
        regime(2000, "paddy", t1, l1),
        regime(2024, "paddy", t2, l2),
        classes=[{"area_ha": 3.0, "soil": soil}],
        years={"start": 2024, "end": 2024 + years},
    )
    assert found["gross_co2_t"] == 0.0
    assert found["stderr_co2_t"] == 0.0


@few
@given(TILLAGE, LEVEL, SOILS, st.integers(0, 40), st.integers(1, 40))
def test_twenty_years_after_a_change_nothing_more_is_gained(tillage, level, soil, late, years):
    classes = [{"area_ha": 2.0, "soil": soil}]
    end = 2044 + late + years
    gone = soc(
        regime(2000), regime(2024, tillage=tillage, level=level), classes=classes,
        years={"start": 2044 + late, "end": end},
    )  # fmt: skip
    assert gone["gross_co2_t"] == pytest.approx(0.0, abs=1e-9)
    # Nor does it matter how long after the twentieth year one looks.
    whole, longer = (
        soc(
            regime(2000), regime(2024, tillage=tillage, level=level), classes=classes,
            years={"start": 2024, "end": last},
        )["gross_co2_t"]
        for last in (2044, end)
    )  # fmt: skip
    assert longer == pytest.approx(whole, abs=1e-9)


@few
@given(TILLAGE, LEVEL, st.integers(1, 19), st.integers(1, 30))
def test_the_years_of_a_gain_add_up(tillage, level, first, second):
    """Two periods one after the other hold what one long period holds."""
    after = regime(2024, tillage=tillage, level=level)
    spans = [(2024, 2024 + first), (2024 + first, 2024 + first + second)]
    parts = [
        soc(regime(2000), after, years={"start": a, "end": b})["gross_co2_t"] for a, b in spans
    ]
    whole = soc(regime(2000), after, years={"start": 2024, "end": spans[1][1]})["gross_co2_t"]
    assert sum(parts) == pytest.approx(whole, abs=1e-8)


@few
@given(
    st.lists(st.tuples(st.floats(0.01, 50), SOILS), min_size=1, max_size=5),
    TILLAGE, LEVEL,
)  # fmt: skip
def test_a_parcel_of_many_soils_is_the_sum_of_its_soils(cells, tillage, level):
    after = regime(2024, tillage=tillage, level=level)
    classes = [{"area_ha": a, "soil": s} for a, s in cells]
    whole = soc(regime(2000), after, classes=classes)["gross_co2_t"]
    parts = sum(soc(regime(2000), after, classes=[one])["gross_co2_t"] for one in classes)
    assert whole == pytest.approx(parts, rel=1e-9, abs=1e-12)


@few
@given(st.floats(0.05, 0.9))
def test_averaging_the_reference_first_is_wrong_wherever_wetland_soil_takes_part(wet):
    """Its land use factor is another (0.71 for 0.69), so the mean of references misses it."""
    after = regime(2024, tillage="reduced", level="high_without_manure")
    apart = [{"area_ha": 1.0 - wet, "soil": "HAC"}, {"area_ha": wet, "soil": "WET"}]
    mean = (1.0 - wet) * 64.0 + wet * 135.0
    naive = [{"area_ha": 1.0, "soil": "HAC", "soc_ref_t_ha": mean}]
    right, wrong = (
        soc(regime(2000), after, classes=classes)["gross_co2_t"] for classes in (apart, naive)
    )
    # Short by the share of the wetland soil times 135 x 0.02 of the change of FMG FI.
    short = wet * 135.0 * 0.02 * (1.05 * 1.11 - 0.92) / 20 * 44 / 12
    assert right - wrong == pytest.approx(short, rel=1e-9)


@some
@given(st.integers(1900, 2100), st.floats(10, 200), st.floats(10, 200), st.floats(10, 200))
def test_a_stock_path_never_leaves_the_span_of_its_equilibria(year, one, two, three):
    regimes = [(1950.0, one), (1990.0, two), (2003.0, three)]
    found = farmland_soc_v1.soc_at(year, regimes, 20.0)
    low, high = min(one, two, three), max(one, two, three)
    assert low - 1e-9 <= found <= high + 1e-9
    assert farmland_soc_v1.soc_at(2023.0, regimes, 20.0) == pytest.approx(three)


@few
@given(st.floats(0, 1), st.floats(0.01, 0.7))
def test_char_keeps_no_more_carbon_than_it_has(c_share, h_corg):
    data = CHAR.example()
    data["batches"][0].update(c_share=c_share, h_corg=h_corg)
    row = CHAR.run(data)["intermediate"]["batches"][0]
    assert 0.0 <= row["fperm"] <= 1.0
    assert row["co2_t"] <= 5.0 * c_share * number("const.c_to_co2") + 1e-9


@pytest.mark.parametrize("policy", ["ar_tool14", "ar_cm", "gs403", "flat", "poe", "poe_flat"])
@some
@given(one=st.floats(0, 0.299), other=st.floats(0, 0.299), estimate=st.floats(0.001, 1e6))
def test_a_wider_interval_never_leaves_more_under_any_policy(policy, one, other, estimate):
    def left(u90):
        found = catalogue.method("stat-deduction/1").run(
            {"estimate": estimate, "u90": u90, "policy": {"deduction": policy}}
        )
        return found["intermediate"]["conservative"]

    narrow, wide = (left(u) for u in sorted((one, other)))
    assert wide <= narrow * (1 + 1e-12)


def test_a_penalty_is_never_made_smaller_by_a_deduction():
    data = N2O.example()
    data["baseline"], data["project"] = data["project"], data["baseline"]
    nets = set()
    for policy in ("ar_tool14", "ar_cm", "gs403", "flat", "poe", "poe_flat"):
        tried = copy.deepcopy(data)
        tried["policy"]["deduction"] = policy
        nets.add(net(N2O, tried))
    assert len(nets) == 1
    assert nets.pop() < 0.0

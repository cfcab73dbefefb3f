"""Every test vector of the factor file of wetland and farmland, by its id and its own tolerance.

Each is computed by the released methods. A vector nobody asserts makes the last test fail.
"""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from methodologies import catalogue, farmland_soc_v1, wetland_balance_v1

VECTORS: dict[str, dict[str, Any]] = {
    row["id"]: row
    for row in yaml.safe_load(
        (Path(__file__).parent / "data" / "wetland_farmland_vectors.yaml").read_text("utf-8")
    )["test_vectors"]
}


def run(method_id: str, **changes: Any) -> dict[str, Any]:
    method = catalogue.method(method_id)
    return method.run({**copy.deepcopy(method.example()), **changes})


def steps(method_id: str, **changes: Any) -> dict[str, Any]:
    return run(method_id, **changes)["intermediate"]


def soc_path(row: Mapping[str, Any]) -> list[float]:
    years, starts = row["inputs"]["years"], row["inputs"]["regime_start"]
    equilibria = row["inputs"]["equilibria_tC_ha"]
    regimes = [(years[0] - 20.0, equilibria[0])]
    for i in range(1, len(years)):
        if starts[i] != starts[i - 1]:
            regimes.append((years[i - 1], equilibria[i]))
    return [farmland_soc_v1.soc_at(year, regimes, 20.0) for year in years]


def ipcc2006(row: Mapping[str, Any]) -> dict[str, float]:
    """SOCref 88, FLU 0.69; tillage 1, 1.08, 1.15; input 0.92, 1. One run per side, classes as land."""
    tillage = {"FT": 1.0, "RT": 1.08, "NT": 1.15}
    level = {"low": 0.92, "med": 1.0}

    def stock(areas: Mapping[str, float]) -> float:
        found = 0.0
        for name, area_ha in areas.items():
            worked, fed = name.split("_")
            regime = {"from_year": 1970, "land_use": "long_term_cultivated", "flu": 0.69}
            regime |= {"fmg": tillage[worked], "fi": level[fed]}
            path = steps(
                "farmland-soc/1",
                classes=[{"area_ha": area_ha, "soil": "HAC", "soc_ref_t_ha": 88.0}],
                baseline=[regime],
                project=[regime],
                years={"start": 1990, "end": 2010},
                report_years=[],
            )["soc_t_ha"]["baseline"]
            found += area_ha * path[0]["soc_t_ha"]
        return found / 1e6

    before, now = (stock(row["inputs"][key]) for key in ("areas_1990_ha", "areas_now_ha"))
    return {"SOC0_MtC": before, "SOC1_MtC": now, "annual_MtC": (now - before) / 20.0}


def season(water: str, straw: str, rate: float, **more: Any) -> dict[str, Any]:
    return {
        "water_regime": water, "preseason": "nonflooded_gt180d", "days": 112.0,
        "amendments": [{"kind": straw, "t_ha": rate}], "n_kg_ha": 0.0, **more,
    }  # fmt: skip


def paddy(baseline: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    return steps(
        "paddy-ch4/1", baseline=[baseline], project=[project], lookback_water_regimes=[]
    )  # fmt: skip


def sfo(row: Mapping[str, Any]) -> float:
    kind = {1.0: "straw_lt30d", 0.19: "straw_gt30d"}[row["inputs"]["cfoa"]]
    one = season("continuous", kind, row["inputs"]["rate"])
    return float(paddy(one, one)["seasons"]["baseline"][0]["sfo"])


def table6(_: Mapping[str, Any]) -> list[float]:
    found = []
    for water in ("continuous", "single_drainage", "multiple_drainage_awd"):
        one = season(water, "straw_lt30d", 5.0, preseason="nonflooded_lt180d")
        row = paddy(one, one)["seasons"]["baseline"][0]
        found.append(row["ef_kg_ha_day"] / row["efc"])
    return found


def rice(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    found = paddy(before, after)
    return {
        "base_kgCH4_ha": found["ch4_kg_ha"]["baseline"],
        "proj_kgCH4_ha": found["ch4_kg_ha"]["project"],
        "red_tCO2e_ha_gwp28": found["reduction_co2e_t_ha"],
    }


def nitrogen(land: str, gwp_set: str, **amounts: float) -> dict[str, Any]:
    policy = {**catalogue.method("n2o/1").example()["policy"], "gwp_set": gwp_set}
    none = {"synthetic_n_kg_ha": 0.0, "land": land}
    return steps(
        "n2o/1", area_ha=1.0, baseline={**amounts, "land": land}, project=none, policy=policy
    )


def n1(_: Mapping[str, Any]) -> dict[str, float]:
    found = nitrogen(
        "wet", "ar5", synthetic_n_kg_ha=200.0, organic_n_kg_ha=60.0, residue_n_kg_ha=40.0
    )
    parts = found["n2o_kg_ha"]["baseline"]
    return {
        "direct_kgN2O": parts["direct"], "atd": parts["deposition"], "leach": parts["leaching"],
        "tCO2e_ha_265": -found["abs_co2e_t_ha"]["baseline"],
    }  # fmt: skip


def awd_step(_: Mapping[str, Any]) -> float:
    """AWD in place of continuous flooding, with one kilogram of nitrogen."""
    one = season("continuous", "straw_lt30d", 0.0, n_kg_ha=1.0)
    return float(
        paddy(one, {**one, "water_regime": "multiple_drainage_awd"})["n2o_kg_ha"]["increase"]
    )


def marsh(
    year: int, gwp_set: str = "ar5", climate: str = "warm_temperate_moist"
) -> dict[str, float]:
    unit = {
        "id": "M", "area_ha": 1.0, "land_class": "marsh", "origin": "rewetted", "climate": climate,
        "rewetted": {"year_since_rewetting": year, "former_use": "cultivated"},
    }  # fmt: skip
    policy = {**catalogue.method("wetland-balance/1").example()["policy"], "gwp_set": gwp_set}
    return steps("wetland-balance/1", units=[unit], baseline_units=None, policy=policy)[
        "abs_co2e_t"
    ]


def sign_pattern(_: Mapping[str, Any]) -> dict[str, int]:
    climates = (
        "boreal", "cool_temperate_moist", "cool_temperate_dry", "warm_temperate_moist",
        "warm_temperate_dry", "tropical_moist",
    )  # fmt: skip
    first, second = (
        sum(marsh(year, "ar6", climate)["total"] < 0.0 for climate in climates) for year in (1, 21)
    )
    return {"sources_y1_20": first, "sources_y21_40": second}


def deducted(row: Mapping[str, Any]) -> dict[str, float]:
    return {
        scenario: steps(
            "stat-deduction/1", estimate=float(row["inputs"]["mean"]),
            half_width=float(row["inputs"]["half_width90"]), scenario=scenario,
        )["conservative"]
        for scenario in ("project", "baseline")
    }  # fmt: skip


def doc(row: Mapping[str, Any]) -> float:
    # A lake of the volume, 2 m deep.
    area_ha = row["inputs"]["volume_m3"] / 2.0 / 1e4
    unit = {
        "id": "H", "area_ha": area_ha, "land_class": "natural_lake",
        "doc": {"mg_l": float(row["inputs"]["mg_L"]), "depth_m": 2.0},
    }  # fmt: skip
    return float(steps("wetland-balance/1", units=[unit], baseline_units=None)["doc_stock_c_t"])


def fee(row: Mapping[str, Any]) -> float:
    asked = {"area_m2": row["inputs"]["area_m2"], "tiers": [row["inputs"]["level"]]}
    return float(steps("wetland-price/1", fee=asked)["fee_fen"] / 100)


def f1(_: Mapping[str, Any]) -> dict[str, float]:
    found = steps("farmland-soc/1")
    return {
        "SOC0": found["classes"][0]["soc_eq_t_ha_baseline"],
        "SOC1": found["classes"][0]["soc_eq_t_ha_project"],
        "tCO2_ha_yr": found["co2_t_ha_year"],
        "U95_approach1_pct": 100 * found["u95"],
    }


def raster(_: Mapping[str, Any]) -> dict[str, float]:
    areas = {"HAC": (0.55, 64.0), "LAC": (0.25, 55.0), "WET": (0.15, 135.0)}
    apart = [{"area_ha": a, "soil": soil} for soil, (a, _) in areas.items()]
    found = steps("farmland-soc/1", classes=apart, parcel_area_ha=1.0)
    mean = sum(a * reference for a, reference in areas.values()) / 0.95
    one = [{"area_ha": 0.95, "soil": "HAC", "soc_ref_t_ha": mean}]
    rows = found["classes"]
    return {
        "SOC0": sum(row["weight"] * row["soc_eq_t_ha_baseline"] for row in rows),
        "SOC1": sum(row["weight"] * row["soc_eq_t_ha_project"] for row in rows),
        "tCO2_ha_yr": found["co2_t_ha_year"],
        "naive_wrong": steps("farmland-soc/1", classes=one, parcel_area_ha=1.0)["co2_t_ha_year"],
    }


def w1(_: Mapping[str, Any]) -> dict[str, float]:
    found = catalogue.method("wetland-balance/1").run(wetland_balance_v1.mosaic())["intermediate"]
    pools = found["abs_co2e_t"]
    return {
        "burial_tCO2": pools["burial"], "wood_tCO2": pools["wood"], "ch4_kg": found["ch4_kg"],
        "net_tCO2e_gwp28": pools["total"],
    }  # fmt: skip


def w2(_: Mapping[str, Any]) -> dict[str, float]:
    first, second = marsh(20), marsh(21)
    return {
        "y1_20_tCO2": first["soil"], "y21_40_tCO2": second["soil"], "ch4_gwp28": -first["ch4"],
        "net_y1_20": first["total"], "net_y21_40": second["total"],
    }  # fmt: skip


def char_t(_: Mapping[str, Any]) -> float:
    batch = {**catalogue.method("biochar/1").example()["batches"][0], "mass_t_dm": 1.0}
    return float(run("biochar/1", batches=[batch])["gross_co2_t"])


def measured_soc(_: Mapping[str, Any]) -> float:
    layer = {"oc_g_kg": 18.5, "bd_g_cm3": 1.25, "thickness_cm": 30.0, "coarse_share": 0.03}
    points = [{"id": f"P{i}", "start": [layer], "end": [layer]} for i in range(3)]
    policy = catalogue.method("farmland-soc-measured/1").example()["policy"]
    found = steps(
        "farmland-soc-measured/1",
        strata=[{"id": "A", "area_ha": 1.0, "points": points}],
        policy={**policy, "baseline_basis": "zero"},
    )
    return float(found["strata"][0]["points"][0]["soc_t_ha_start"])


ASSERTED: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "tv.soc.ipcc_box_unit1": soc_path,
    "tv.soc.ipcc_box_unit2": soc_path,
    "tv.soc.ipcc_box_unit3": soc_path,
    "tv.soc.ipcc2006_ch5": ipcc2006,
    "tv.rice.sfo_straw_short": sfo,
    "tv.rice.sfo_straw_long": sfo,
    "tv.rice.table6_double": table6,
    # kg N2O per kg N, then g CO2e per t N.
    "tv.n2o.climateview_ef1": lambda _: (
        1e6 * 273 * nitrogen("aggregate", "ar6", synthetic_n_kg_ha=1.0)["n2o_kg_ha"]["baseline"]["direct"]
    ),
    "tv.n2o.vm0051_cf": awd_step,
    "tv.n2o.per_kgN_wet_aggregated": lambda _: (
        1000 * nitrogen("aggregate", "ar6", synthetic_n_kg_ha=1.0)["delta_co2e_t_ha"]
    ),
    "tv.biochar.straw_medium": char_t,
    "tv.iwms.sign_pattern": sign_pattern,
    "tv.ar_tool14": deducted,
    "tv.doc.honghu_doc": doc,
    "tv.doc.honghu_toc": doc,
    "tv.price.deqing": lambda _: steps("wetland-price/1")["amount_fen"] / 100,
    "tv.fee.provincial_ceil": fee,
    "tv.W_F1": f1,
    "tv.W_raster": raster,
    "tv.W_R1": lambda _: rice(
        season("continuous", "straw_lt30d", 6.0), season("multiple_drainage_awd", "straw_gt30d", 6.0)
    ),
    "tv.W_R2": lambda _: rice(
        season("single_drainage", "straw_lt30d", 6.0),
        season("multiple_drainage_awd", "straw_lt30d", 6.0),
    ),
    "tv.W_N1": n1,
    "tv.W_W1": w1,
    "tv.W_W2": w2,
    "tv.W_SOC": measured_soc,
}  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS)
def test_the_methods_give_the_number_of_the_vector(vector):
    row = VECTORS[vector]
    found = ASSERTED[vector](row)
    # A tolerance of nought means the very number; money and counts are whole.
    assert found == pytest.approx(row["expected"], abs=row["tolerance"] or 1e-9, rel=0.0)


def test_the_vectors_are_those_of_the_factor_file(shared):
    theirs = yaml.safe_load((shared / "spec/factors/wetland_farmland.yaml").read_text("utf-8"))
    assert {row["id"]: row for row in theirs["test_vectors"]} == VECTORS
    assert set(ASSERTED) == set(VECTORS)

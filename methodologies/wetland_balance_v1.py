"""Greenhouse gas balance of freshwater wetland (湿地温室气体收支), version 1.

ABS is the yearly balance of the land, often a source: methane outweighs what is buried. DELTA is the
project's land minus what it was before; only DELTA can be issued. Burial and soil gain are two ways
to count one pool and never stand on the same area. Yearly shoots of herbs are no removal, dissolved
carbon is reported only. Coastal wetland is refused. Protection alone has ABS and no DELTA.

Sources: method text 3.1-3.7; IPCC 2013 Wetlands Supplement Ch. 5, IPCC 2019 Vol. 4 Ch. 7 (second-hand,
see the factor table). Released 2026-11. Frozen: a change is `wetland_balance_v2`.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from methodologies import factors, farmland_v1, inputs, settlement, statistics
from methodologies.base import CO2_PER_C, Component, Method, OutOfDomain
from methodologies.explaining import deduction_text, factor_table
from methodologies.paddy_ch4_v1 import CH4_GWP_IDS, N2O_GWP_IDS
from methodologies.remarks import Remarks
from methodologies.wetland_balance_v1_input import (
    Activity,
    Climate,
    Herb,
    Policy,
    Pool,
    Unit,
    Wetland,
    Wood,
    example,
    mosaic,
)

METHOD_ID = "wetland-balance/1"
REMOVALS: tuple[Pool, ...] = ("wood", "herb", "burial", "soil")
# The zones of flooded land (Table 7.9 and 7.15) and of created marsh (Wetlands Supplement 5.4).
FLOODED_ZONES: Mapping[Climate, str] = {
    "boreal": "boreal",
    "cool_temperate_dry": "cool_temperate",
    "cool_temperate_moist": "cool_temperate",
    "warm_temperate_dry": "warm_temperate_dry",
    "warm_temperate_moist": "warm_temperate_moist",
    "tropical_dry": "tropical_dry_montane",
    "tropical_moist": "tropical_moist_wet",
}
SOIL_CLIMATES = tuple(c for c in FLOODED_ZONES if c != "tropical_dry")
CO2_ZONES = ("warm_temperate_dry", "warm_temperate_moist", "tropical_moist_wet")
TROPHIC = "wet.flooded.trophic_adjustment"
ALLOCHTHONOUS = "wet.burial.allochthonous_fraction"
FACTOR_IDS = (
    *(f"wet.flooded.ch4_gt20.{zone}" for zone in dict.fromkeys(FLOODED_ZONES.values())),
    *(f"wet.flooded.ch4_le20.{zone}" for zone in dict.fromkeys(FLOODED_ZONES.values())),
    *(f"wet.flooded.co2c_le20.{zone}" for zone in CO2_ZONES),
    *(f"wet.iwms.ch4.{zone}" for zone in ("boreal", "temperate", "tropical")),
    *(f"soc_ref.{climate}.WET" for climate in SOIL_CLIMATES),
    TROPHIC,
    ALLOCHTHONOUS,
    "wet.flooded.downstream_ratio",
    "wet.pond.ch4.freshwater",
    "wet.ditch.ch4",
    "wet.organic.ch4_rewetted.temperate_rich",
    "wet.organic.ch4_rewetted.temperate_poor",
    "wet.organic.co2_rewetted.temperate_rich",
    "wet.organic.co2_rewetted.temperate_poor",
    "wet.organic.doc.rewetted_temperate",
    "wet.burial.china_lakes",
    "wet.burial.chaohu_70yr",
    "wet.cf.herbaceous_default",
    "wet.cf.zizania_honghu",
    "wood.cf.conifer_temperate",
    "wood.root_shoot.conifer_temperate_50_150",
    "flu.long_term_cultivated_iwms.temperate",
    "flu.iwms_rewetting_y1_20",
    "flu.iwms_rewetting_y21_40",
    "soc.transition_period",
    "const.c_to_co2",
    "gwp.set",
    *CH4_GWP_IDS.values(),
    *N2O_GWP_IDS.values(),
    *farmland_v1.DEDUCTION_FACTOR_IDS,
)
CAMPAIGNS_MIN, CORES_MIN = 12, 3
# A standing gain of herbs is counted over so many years, where the policy counts it at all.
HERB_YEARS = 5
# kg CH4 per kg of its carbon.
CH4_PER_C = 16.0 / 12.0


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one year, shaped as `methods run` prints it.

    Raises
    ------
    OutOfDomain
        Coastal wetland, or burial beyond anything published that nobody reviewed.
    """
    given = inputs.parse(Wetland, data)
    remarks = Remarks()
    gwp_set = remarks.decided(given.policy.gwp_set, "gwp.set", "gwp_set", "ar5")
    gwp = {
        "ch4": remarks.number(CH4_GWP_IDS[gwp_set]),
        "n2o": remarks.number(N2O_GWP_IDS[gwp_set]),
    }
    rows = [_unit(u, given.policy, remarks) for u in given.units]
    total = _balance(rows, gwp)
    area_ha = math.fsum(u.area_ha for u in given.units)
    intermediate: dict[str, Any] = {
        "area_ha": area_ha,
        "units": rows,
        "abs_co2e_t": {**total, "total": math.fsum(total.values())},
        "abs_u95": _total_u95(total, given.u95_share),
        "ch4_kg": math.fsum(r["ch4_kg"] for r in rows),
        "n2o_kg": math.fsum(r["n2o_kg"] for r in rows),
        "doc_stock_c_t": math.fsum(r["doc_c_t"] for r in rows),
        **gwp_numbers(gwp),
    }
    groups, penalties = _delta(given, total, gwp, intermediate, remarks)
    claim = settlement.Claim(
        METHOD_ID, FACTOR_IDS, groups, intermediate, penalties, buffer_on="removals"
    )
    return settlement.settle(claim, given.policy, remarks)


def gwp_numbers(gwp: Mapping[str, float]) -> dict[str, float]:
    """Return the warming potentials as they stand in `intermediate`."""
    return {"gwp_ch4": gwp["ch4"], "gwp_n2o": gwp["n2o"]}


def _delta(
    given: Wetland,
    now: Mapping[str, float],
    gwp: Mapping[str, float],
    intermediate: dict[str, Any],
    remarks: Remarks,
) -> tuple[tuple[settlement.Group, ...], tuple[Component, ...]]:
    """Return what may be settled: project minus baseline on the land that owes nothing."""
    if given.baseline_units is None or given.activity.kind == "protection":
        intermediate.update({"mode": "ABS", "delta_co2e_t": None})
        remarks.warn(
            "ABS_ONLY",
            "没有基线或只是保护现有湿地，只给出收支（ABS），没有可签发的增量（DELTA 为零）。",
        )
        return (), ()
    _check_activity(given.activity, remarks)
    before_rows = [_unit(u, given.policy, remarks) for u in given.baseline_units]
    before = _balance(before_rows, gwp)
    eligible_ha = max(0.0, intermediate["area_ha"] - given.owed_area_ha)
    share = eligible_ha / intermediate["area_ha"]
    delta: dict[str, float] = {pool: (now[pool] - before[pool]) * share for pool in now}
    assessed: Mapping[str, float] = {str(pool): u for pool, u in given.u95_share.items()}
    intermediate.update(
        {
            "mode": "DELTA",
            "baseline_units": before_rows,
            "baseline_abs_co2e_t": {**before, "total": math.fsum(before.values())},
            "eligible_area_ha": eligible_ha,
            "delta_co2e_t": {**delta, "total": math.fsum(delta.values())},
        }
    )
    groups, penalties = [], []
    for pool, amount in delta.items():
        gas = {"ch4": "CH4", "n2o": "N2O"}.get(pool, "CO2")
        u95 = assessed.get(pool)
        stderr = None if u95 is None else abs(amount) * u95 / 1.96
        component = Component(pool, gas, amount, stderr)
        if amount == 0.0:
            continue
        if pool in REMOVALS or amount > 0.0:
            u90 = None if u95 is None else u95 * 1.645 / 1.96
            kind: Literal["removal", "reduction"] = "removal" if pool in REMOVALS else "reduction"
            groups.append(settlement.Group(pool, kind, (component,), stderr, u90))
        else:
            penalties.append(component)
    return tuple(groups), tuple(penalties)


def _check_activity(activity: Activity, remarks: Remarks) -> None:
    rows = (
        (activity.title_clear, "TITLE", "权属须清晰"),
        (activity.hydrology_monitored, "HYDROLOGY", "须有水文监测"),
        (
            not activity.required_by_permit,
            "NOT_ADDITIONAL",
            "占用许可要求的补建不具额外性（占补平衡）",
        ),
        (not activity.peat_extraction, "PEAT", "不得采泥炭"),
        (not activity.drains_other_wetland, "DRAINAGE", "不得排干其他湿地"),
        (not activity.invasive_species, "INVASIVE", "不得使用入侵物种"),
    )
    for passed, code, text in rows:
        if not passed:
            remarks.refuse(f"INELIGIBLE_{code}", f"{text}（湿地方法 3.1）；不得签发。")


def _unit(unit: Unit, policy: Policy, remarks: Remarks) -> dict[str, Any]:
    """Return one unit's yearly terms, each with its own name."""
    if unit.land_class == "coastal":
        raise OutOfDomain(f"{unit.id}：滨海湿地不在本方法范围（CCER-14-002 至 004 另有方法）。")
    carbon = {
        "wood": _wood_c_t_ha(unit.wood, remarks) * unit.area_ha,
        "herb": _herb_c_t(unit.herb, policy, remarks),
        "burial": _burial_c_t_ha(unit, remarks) * unit.area_ha,
        "soil": _soil_c_t_ha(unit, remarks) * unit.area_ha,
    }
    ch4 = _ch4_kg_ha(unit, remarks)
    return {
        "id": unit.id,
        "land_class": unit.land_class,
        "area_ha": unit.area_ha,
        **{f"{pool}_c_t": value for pool, value in carbon.items()},
        **{f"{pool}_co2_t": value * CO2_PER_C for pool, value in carbon.items()},
        "ch4_kg_ha": ch4,
        "ch4_kg": ch4 * unit.area_ha,
        "n2o_kg": _n2o_kg_ha(unit, remarks) * unit.area_ha,
        "flood_co2_t": _flood_co2_t_ha(unit, remarks) * unit.area_ha,
        # mg/l is g/m3; over a depth in metres and 1e4 m2 per ha: 0.01 t/ha.
        "doc_c_t": 0.0
        if unit.doc is None
        else unit.doc.mg_l * unit.doc.depth_m * 0.01 * unit.area_ha,
    }


def _balance(rows: Iterable[Mapping[str, Any]], gwp: Mapping[str, float]) -> dict[str, float]:
    """Return the balance by pool [tCO2e a year], removal positive."""
    listed = list(rows)
    found = {pool: math.fsum(r[f"{pool}_co2_t"] for r in listed) for pool in REMOVALS}
    found_gas = {
        "ch4": 0.0 - math.fsum(r["ch4_kg"] for r in listed) * gwp["ch4"] / 1000.0,
        "n2o": 0.0 - math.fsum(r["n2o_kg"] for r in listed) * gwp["n2o"] / 1000.0,
        "flood_co2": 0.0 - math.fsum(r["flood_co2_t"] for r in listed),
    }
    return {**{str(pool): value for pool, value in found.items()}, **found_gas}


def _total_u95(total: Mapping[str, float], u95_share: Mapping[Pool, float]) -> float | None:
    """Return the 95 % uncertainty of the ABS total by approach 1; None if a term has none."""
    known: Mapping[str, float] = {str(pool): u for pool, u in u95_share.items()}
    terms = {pool: value for pool, value in total.items() if value}
    if not terms or any(pool not in known for pool in terms):
        return None
    found = statistics.approach1_sum(list(terms.values()), [known[p] for p in terms])
    return found if math.isfinite(found) else None


def _wood_c_t_ha(wood: Wood | None, remarks: Remarks) -> float:
    if wood is None:
        return 0.0
    ratio, fraction = wood.root_ratio, wood.carbon_fraction
    if ratio is None:
        ratio = remarks.number("wood.root_shoot.conifer_temperate_50_150")
    if fraction is None:
        fraction = remarks.number("wood.cf.conifer_temperate")
    return (wood.agb_t_ha_end - wood.agb_t_ha_start) / wood.years * (1.0 + ratio) * fraction


def _herb_c_t(herb: Herb | None, policy: Policy, remarks: Remarks) -> float:
    """Return the yearly part of a lasting change of herbs; a loss counts whatever the policy."""
    if herb is None or (policy.herb_gain == "never" and herb.delta_area_ha > 0.0):
        return 0.0
    kind = "zizania_honghu" if herb.species == "zizania" else "herbaceous_default"
    fraction = remarks.number(f"wet.cf.{kind}")
    return herb.delta_area_ha * (herb.agb_t_ha + herb.bgb_t_ha) * fraction / HERB_YEARS


def _burial_c_t_ha(unit: Unit, remarks: Remarks) -> float:
    """Return buried carbon of the place itself [tC/ha a year]."""
    burial = unit.burial
    if burial is None:
        return 0.0
    # g/cm2 x 1e4 cm2/m2 is g/m2; 100 g/m2 is 1 t/ha.
    grams_m2 = burial.mar_g_cm2_year * 1e4 * burial.toc_share
    _, usual = factors.factor("wet.burial.chaohu_70yr").value_range or (0.0, math.inf)
    _, greatest = factors.factor("wet.burial.china_lakes").value_range or (0.0, math.inf)
    if grams_m2 > greatest and not burial.reviewed:
        raise OutOfDomain(
            f"{unit.id}：埋藏 {grams_m2:.1f} gC/m²/年超过全国湖泊最高值 {greatest:g}，须经复核。"
        )
    if grams_m2 > usual:
        remarks.warn(
            "BURIAL_HIGH", f"{unit.id}：埋藏 {grams_m2:.1f} gC/m²/年高于巢湖实测上限 {usual:g}。"
        )
    if burial.cores < CORES_MIN:
        remarks.refuse(
            "TOO_FEW_CORES", f"{unit.id}：定年柱样 {burial.cores} 根，须至少 {CORES_MIN} 根。"
        )
    foreign = remarks.decided(burial.allochthonous_share, ALLOCHTHONOUS, "allochthonous_share", 1.0)
    return grams_m2 / 100.0 * (1.0 - foreign)


def _soil_c_t_ha(unit: Unit, remarks: Remarks) -> float:
    """Return the yearly soil gain of a rewetted marsh: two linear steps of 20 years."""
    given = unit.rewetted
    if given is None:
        return 0.0
    if given.former_use != "cultivated":
        remarks.refuse(
            "SOIL_GAIN_UNSUPPORTED",
            "原为鱼塘或稻田的湿地，缺省的土壤增益不适用（起点不是旱作土壤）；须实测。",
        )
        return 0.0
    years = remarks.number("soc.transition_period")
    reference = given.soc_ref_t_ha
    if reference is None:
        if unit.climate not in SOIL_CLIMATES:
            raise OutOfDomain(f"{unit.id}：气候区 {unit.climate} 没有公布的湿地土参照储量。")
        reference = remarks.number(f"soc_ref.{unit.climate}.WET")
    start = remarks.number("flu.long_term_cultivated_iwms.temperate")
    first = remarks.number("flu.iwms_rewetting_y1_20")
    second = remarks.number("flu.iwms_rewetting_y21_40")
    if given.year_since_rewetting <= years:
        return reference * (first - start) / years
    if given.year_since_rewetting <= 2 * years:
        return reference * (second - first) / years
    return 0.0


def _ch4_kg_ha(unit: Unit, remarks: Remarks) -> float:
    """Return methane [kg/ha a year]: measured where it counts, else the class's default."""
    if unit.ch4_measured is not None:
        if not unit.ch4_measured.ebullition:
            remarks.refuse("DIFFUSION_ONLY", f"{unit.id}：只测扩散会漏掉一半以上的甲烷，不予采用。")
        if unit.ch4_measured.campaigns < CAMPAIGNS_MIN:
            remarks.refuse(
                "TOO_FEW_CAMPAIGNS",
                f"{unit.id}：甲烷只测 {unit.ch4_measured.campaigns} 次，须至少 {CAMPAIGNS_MIN} 次。",
            )
        return unit.ch4_measured.kg_ha_year
    if unit.organic_soil is not None:
        kind = f"wet.organic.ch4_rewetted.temperate_{unit.organic_soil}"
        return remarks.number(kind) * CH4_PER_C
    if unit.land_class in ("marsh", "swamp"):
        if unit.origin == "natural":
            remarks.warn(
                "CH4_PROXY", f"{unit.id}：天然沼泽的甲烷须实测，这里借用恢复湿地的缺省值。"
            )
        zone = "temperate" if "temperate" in unit.climate else unit.climate.partition("_")[0]
        return remarks.number(f"wet.iwms.ch4.{zone}")
    if unit.land_class == "pond":
        return remarks.number("wet.pond.ch4.freshwater")
    if unit.land_class == "paddy":
        raise OutOfDomain(
            f"{unit.id}：稻田须填甲烷 ch4_measured（实测，或按 paddy-ch4/1 的记录计算）；稻田在法律上不是湿地。"
        )
    if unit.land_class == "ditch":
        return remarks.number("wet.ditch.ch4")
    return _flooded_ch4_kg_ha(unit, remarks)


def _flooded_ch4_kg_ha(unit: Unit, remarks: Remarks) -> float:
    if unit.land_class != "reservoir":
        remarks.warn(
            "CH4_PROXY", f"{unit.id}：天然湖泊、河流没有 IPCC 缺省值，借用蓄水 20 年以上的值。"
        )
        return remarks.number(f"wet.flooded.ch4_gt20.{FLOODED_ZONES[unit.climate]}")
    if unit.flooded_years is None:
        raise OutOfDomain(f"{unit.id}：水库须填蓄水年数 flooded_years。")
    age = "gt20" if unit.flooded_years > 20.0 else "le20"
    found = remarks.number(f"wet.flooded.ch4_{age}.{FLOODED_ZONES[unit.climate]}")
    if unit.trophic_state is not None:
        remarks.used.add(TROPHIC)
        found *= factors.required(TROPHIC)[unit.trophic_state]
    # Only behind a dam with an outlet; never on a natural lake.
    return found * (
        1.0 + (remarks.number("wet.flooded.downstream_ratio") if unit.dam_outlet else 0.0)
    )


def _n2o_kg_ha(unit: Unit, remarks: Remarks) -> float:
    if unit.n2o_kg_ha is not None:
        return unit.n2o_kg_ha
    if unit.aquaculture:
        remarks.refuse(
            "FACTOR_MISSING",
            f"{unit.id}：养殖水面的氧化亚氮因子尚待登记机构确定，须实测 n2o_kg_ha。",
        )
    return 0.0


def _flood_co2_t_ha(unit: Unit, remarks: Remarks) -> float:
    """Return CO2 emitted by young reservoirs and organic soil [t/ha a year]."""
    carbon = 0.0
    if (
        unit.land_class == "reservoir"
        and unit.flooded_years is not None
        and unit.flooded_years <= 20.0
    ):
        zone = FLOODED_ZONES[unit.climate]
        if zone not in CO2_ZONES:
            raise OutOfDomain(f"{unit.id}：气候区 {unit.climate} 没有公布的新库 CO₂ 因子。")
        carbon += remarks.number(f"wet.flooded.co2c_le20.{zone}")
    if unit.organic_soil is not None:
        carbon += remarks.number(f"wet.organic.co2_rewetted.temperate_{unit.organic_soil}")
        carbon += remarks.number("wet.organic.doc.rewetted_temperate")
    return carbon * CO2_PER_C


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(Wetland, METHOD_ID, "湿地温室气体收支一年的输入")


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the examples are computed here and now."""
    steps = run(mosaic())["intermediate"]
    delta = run(example())["intermediate"]["delta_co2e_t"]
    return [
        (
            "先要知道的",
            "淡水湿地按缺省因子往往是**净排放**：甲烷超过固碳。年固碳量、净初级生产力不是净碳汇，不得如此宣传。"
            "没有淡水湿地的 CCER 方法学；滨海湿地不在本方法范围。稻田和养殖水面在法律上不是湿地。",
        ),
        (
            "适用范围",
            "恢复、复湿、种植或调控水位的项目；权属清晰、有水文监测；不采泥炭、不排干其他湿地、不用入侵物种；"
            "占用许可要求补建的面积不具额外性，须扣除。单纯保护只有收支，没有增量。",
        ),
        (
            "公式",
            "ABS = [木本 + 草本（长期）+ 埋藏 + 土壤]·44/12 − CH₄·GWP/1000 − N₂O·GWP/1000 − 淹没 CO₂；DELTA = 项目 − 基线。\n\n"
            "埋藏 = MAR·10⁴·TOC ×（1 − 外来比例）；恢复湿地土壤分两步：FLU 0.71 → 0.80（1–20 年）→ 1.0（21–40 年）；"
            "木本 =（AGB₂ − AGB₁）/年数·(1 + R)·CF。水体溶解碳只报告。",
        ),
        (
            "计入与不计入",
            "同一面积的埋藏与土壤增益只能取一；草本当年枝叶不计；木本若已按林地登记，由林业方法计；"
            "甲烷增加全额扣除。",
        ),
        (
            "算例一：100 公顷镶嵌湿地的收支（ABS）",
            f"埋藏 {steps['abs_co2e_t']['burial']:.2f}、木本 {steps['abs_co2e_t']['wood']:.2f}、"
            f"甲烷 {steps['abs_co2e_t']['ch4']:.2f}，合计 **{steps['abs_co2e_t']['total']:.2f} tCO₂e/年**（净排放），"
            f"不确定性 {100 * steps['abs_u95']:.1f} %。",
        ),
        (
            "算例二：鱼塘改沼泽的增量（DELTA）",
            f"20 公顷，原塘实测 598.05 kg CH₄/ha/年：{delta['total']:.2f} tCO₂e/年。若用缺省 183，则为负值。",
        ),
        (
            "不确定性与扣减",
            deduction_text("poe_flat")
            + "各分量按评定的不确定性分别扣减；没有评定的只能用固定扣减。",
        ),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="湿地温室气体收支",
    title_en="Wetland greenhouse gas balance",
    sink_type="wetland",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="records",
    pool="all",
)

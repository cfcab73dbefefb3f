"""The words of activity records: kinds, fields with their units, and choices, in two languages."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from methodologies import activity
from methodologies.base import MethodInputInvalid
from methodologies.wetland_from_records import CLASS_ZH

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "paddy_season": ("水稻季", "Rice season"),
        "nitrogen": ("施氮（农田）", "Nitrogen (farmland)"),
        "tea_nitrogen": ("施氮（茶园）", "Nitrogen (tea)"),
        "residue_burning": ("秸秆焚烧", "Residue burning"),
        "soil_management": ("土壤管理", "Soil management"),
        "soil_class": ("土壤类别", "Soil class"),
        "biochar_batch": ("生物炭施用", "Biochar"),
        "wetland_land": ("湿地地类", "Wetland: land"),
        "wetland_gas": ("湿地气体实测", "Wetland: gases measured"),
        "wetland_burial": ("湿地沉积埋藏", "Wetland: burial"),
        "wetland_wood": ("湿地木本", "Wetland: wood"),
        "wetland_herb": ("湿地草本", "Wetland: herbs"),
        "wetland_activity": ("湿地措施与条件", "Wetland: activity and conditions"),
        "wetland_errors": ("湿地误差评定", "Wetland: assessed uncertainties"),
        "tending": ("抚育", "Tending"),
        "felling": ("采伐", "Felling"),
        "pest": ("病虫害", "Pests"),
        "fire": ("火灾", "Fire"),
    }
)
# The terms of a wetland's balance.
BALANCE_TERMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "wood": ("木本", "Wood"),
        "herb": ("草本（长期）", "Herbs (lasting)"),
        "burial": ("沉积埋藏", "Burial"),
        "soil": ("土壤", "Soil"),
        "ch4": ("甲烷", "CH₄"),
        "n2o": ("氧化亚氮", "N₂O"),
        "flood_co2": ("淹没排放的 CO₂", "CO₂ of flooding"),
    }
)
FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "mineral_soil": ("矿质土", "Mineral soil"),
        "yield_t_ha": ("产量（吨/公顷）", "Yield (t/ha)"),
        "crop": ("稻季", "Season"),
        "water_regime": ("水分管理", "Water"),
        "preseason": ("季前水分", "Before the season"),
        "sow_date": ("播种（移栽）日", "Sown or transplanted"),
        "harvest_date": ("收获日", "Harvested"),
        "aeration_days": ("最长一次落干（天）", "Longest drying (days)"),
        "irrigation_log": ("有逐次灌排记录", "Irrigation log kept"),
        "straw_lt30d_t_ha": ("秸秆还田，种前 30 天内（吨干重/公顷）", "Straw < 30 d before (t dm/ha)"),
        "straw_gt30d_t_ha": ("秸秆还田，种前 30 天以上（吨干重/公顷）", "Straw > 30 d before (t dm/ha)"),
        "compost_t_ha": ("堆肥（吨鲜重/公顷）", "Compost (t fresh/ha)"),
        "farmyard_manure_t_ha": ("厩肥（吨鲜重/公顷）", "Farmyard manure (t fresh/ha)"),
        "green_manure_t_ha": ("绿肥（吨鲜重/公顷）", "Green manure (t fresh/ha)"),
        "n_kg_ha": ("施氮（千克氮/公顷）", "Nitrogen (kg N/ha)"),
        "synthetic_n_kg_ha": ("化肥氮（千克氮/公顷）", "Synthetic N (kg N/ha)"),
        "urea_share": ("其中尿素份额（0–1）", "of it urea (share)"),
        "organic_n_kg_ha": ("有机肥氮（千克氮/公顷）", "Organic N (kg N/ha)"),
        "residue_n_kg_ha": ("秸秆、绿肥氮（千克氮/公顷）", "Residue N (kg N/ha)"),
        "land": ("土地水分类别", "Land"),
        "made_tea_t_ha": ("干毛茶产量（吨/公顷）", "Made tea (t/ha)"),
        "urea_t_ha": ("其中尿素，实物（吨/公顷）", "of it urea, as sold (t/ha)"),
        "burnt_t_dm_ha": ("焚烧秸秆（吨干重/公顷）", "Burnt (t dm/ha)"),
        "land_use": ("土地利用", "Land use"),
        "tillage": ("耕作", "Tillage"),
        "residue_removed": ("秸秆移走或焚烧", "Residue removed or burnt"),
        "animal_manure": ("经常施畜禽粪肥", "Animal manure"),
        "low_residue_crop": ("低残茬作物", "Low-residue crop"),
        "bare_fallow": ("裸地休闲", "Bare fallow"),
        "nitrogen": ("施矿质氮或种固氮作物", "Mineral N or N-fixing crop"),
        "carbon_raising": ("灌溉、覆盖作物、绿肥等", "Irrigation, cover crop, green manure"),
        "imported_t_ha": ("外运来的有机肥（吨鲜重/公顷）", "Organic matter from elsewhere (t fresh/ha)"),
        "imported_c_share": ("其含碳比例（0–1）", "its carbon (share)"),
        "climate": ("气候区（IPCC）", "Climate zone (IPCC)"),
        "soil": ("土壤类别（IPCC）", "Soil class (IPCC)"),
        "area_share": ("占地块面积的份额（0–1）", "Share of the parcel"),
        "kept_years": ("承诺此后保持种植面积（年）", "Crops kept, promised (years)"),
        "batch": ("批次编号（生产方）", "Batch (of the producer)"),
        "feedstock": ("原料", "Feedstock"),
        "process": ("工艺", "Process"),
        "temperature_c": ("制备温度（℃）", "Temperature (°C)"),
        "h_corg": ("实验室 H/Corg 摩尔比", "H/Corg, laboratory"),
        "c_share": ("实验室有机碳含量（0–1）", "Organic carbon, laboratory (share)"),
        "delivered_t_dm": ("整批交付量（吨干重，不止本地块）", "Whole batch delivered (t dm)"),
        "applied_t_dm_ha": ("本地块施用量（吨干重/公顷）", "Applied here (t dm/ha)"),
        "production_co2e_t": ("整批制备与运输排放（吨 CO₂e）", "Emissions of making and carrying the batch (t CO₂e)"),
        "delivery_record": ("有交付与施用记录", "Delivery and application recorded"),
        "producer_certificate": ("有生产方不另行申报的声明", "Producer declares no claim of its own"),
        "paddy": ("施入稻田", "Brought to a paddy"),
        "paddy_ch4_measured": ("已实测稻田甲烷的变化", "Change of the paddy's CH₄ measured"),
        "land_class": ("湿地地类", "Class of land"),
        "origin": ("来历", "Origin"),
        "flooded_years": ("水库蓄水年数", "Reservoir filled for (years)"),
        "dam_outlet": ("有大坝泄水口", "Dam with an outlet"),
        "trophic_state": ("营养状态（据实测叶绿素 a）", "Trophic state (by chlorophyll-a only)"),
        "organic_soil": ("有机土", "Organic soil"),
        "aquaculture": ("养殖水面", "Aquaculture"),
        "rewetted_in_year": ("复湿（新建）年份，用于缺省的土壤增益", "Rewetted in, for the default soil gain"),
        "former_use": ("复湿前的用途", "Use before it"),
        "soc_ref_t_ha": ("土壤碳参照储量（吨碳/公顷）", "Reference soil carbon (t C/ha)"),
        "ch4_kg_ha": ("实测甲烷（千克/公顷·年）", "CH₄ measured (kg/ha·yr)"),
        "ch4_campaigns": ("甲烷测次", "CH₄ campaigns"),
        "ch4_ebullition": ("实测含冒泡排放", "Ebullition measured"),
        "n2o_kg_ha": ("实测氧化亚氮（千克/公顷·年）", "N₂O measured (kg/ha·yr)"),
        "doc_mg_l": ("水中溶解有机碳（毫克/升，只报告）", "Dissolved organic carbon (mg/l, reported)"),
        "water_depth_m": ("水深（米）", "Water depth (m)"),
        "mar_g_cm2_year": ("沉积质量堆积速率（克/平方厘米·年）", "Mass accumulation (g/cm²·yr)"),
        "toc_share": ("沉积有机碳含量（0–1）", "Organic carbon of the sediment (share)"),
        "allochthonous_share": ("外来碳份额（0–1）", "Carbon from elsewhere (share)"),
        "cores": ("定年柱样（根）", "Dated cores"),
        "reviewed": ("超常值已经专家复核", "Unusual value reviewed"),
        "wood_year_start": ("前次测定（哪年年末）", "First measured at the end of"),
        "wood_agb_t_ha_start": ("前次木本地上生物量（吨/公顷）", "Wood above ground, first (t/ha)"),
        "wood_year_end": ("后次测定（哪年年末）", "Measured again at the end of"),
        "wood_agb_t_ha_end": ("后次木本地上生物量（吨/公顷）", "Wood above ground, again (t/ha)"),
        "root_ratio": ("根茎比", "Root ratio"),
        "carbon_fraction": ("含碳率", "Carbon fraction"),
        "stand_change_share": ("草丛面积的持久变化，占该地类面积（−1–1，减少为负）", "Lasting change of the stand (share, loss negative)"),
        "herb_agb_t_ha": ("草丛地上生物量（吨/公顷）", "Stand above ground (t/ha)"),
        "herb_bgb_t_ha": ("草丛地下生物量（吨/公顷）", "Stand below ground (t/ha)"),
        "species": ("植物", "Species"),
        "activity": ("措施", "Activity"),
        "hydrology_monitored": ("有水文监测", "Hydrology monitored"),
        "required_by_permit": ("为占用许可所要求", "Required by a permit"),
        "owed_area_share": ("履行补建义务的面积份额（0–1）", "Fulfils an obligation (share of area)"),
        "peat_extraction": ("采泥炭", "Peat extraction"),
        "drains_other_wetland": ("排干其他湿地", "Drains another wetland"),
        "invasive_species": ("使用入侵物种", "Invasive species used"),
        **{
            f"{pool}_u95_share": (f"{zh}的 95 % 相对不确定性（份额）",
                                  f"{en}, 95 % uncertainty (share)")
            for pool, (zh, en) in BALANCE_TERMS.items()
        },
        "on": ("日期", "Date"),
        "note": ("说明", "Note"),
        "work": ("作业", "Work"),
        "stems": ("株数", "Stems"),
        "volume_m3": ("蓄积（立方米）", "Volume (m³)"),
        "affected_share": ("受害面积份额（0–1）", "Affected (share)"),
        "burnt_share": ("过火面积份额（0–1）", "Burnt (share)"),
    }
)  # fmt: skip
CHOICES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "early": ("早稻", "early"),
        "late": ("晚稻", "late"),
        "single": ("单季稻", "single"),
        "continuous": ("长期淹水", "continuous flooding"),
        "single_drainage": ("单次晒田", "single drainage"),
        "multiple_drainage_awd": ("多次落干（间歇灌溉）", "multiple drainage, AWD"),
        "rainfed_regular": ("雨养", "rainfed"),
        "drought_prone": ("易旱雨养", "drought-prone"),
        "deep_water": ("深水", "deep water"),
        "upland": ("旱作", "upland"),
        "irrigated_aggregated": ("灌溉，水分不详", "irrigated, not known"),
        "nonflooded_lt180d": ("季前不淹水，少于 180 天", "not flooded < 180 d"),
        "nonflooded_gt180d": ("季前不淹水，多于 180 天", "not flooded > 180 d"),
        "flooded_gt30d": ("季前淹水，多于 30 天", "flooded > 30 d"),
        "nonflooded_gt365d": ("季前不淹水，多于 365 天", "not flooded > 365 d"),
        "aggregated": ("不详", "not known"),
        "wet": ("湿润区旱地", "dry land, wet climate"),
        "dry": ("干旱区旱地", "dry land, dry climate"),
        "aggregate": ("旱地，气候不详", "dry land, climate not known"),
        "paddy_continuous": ("稻田，长期淹水", "paddy, flooded"),
        "paddy_drained": ("稻田，有落干", "paddy, drained"),
        "paddy_unknown": ("稻田，水分不详", "paddy, not known"),
        "long_term_cultivated": ("长期耕作", "long-term cultivated"),
        "paddy": ("水田", "paddy"),
        "set_aside": ("休耕", "set aside"),
        "perennial": ("多年生作物", "perennial"),
        "native": ("自然植被", "native"),
        "warm_temperate_moist": ("暖温带湿润", "warm temperate moist"),
        "warm_temperate_dry": ("暖温带干旱", "warm temperate dry"),
        "cool_temperate_moist": ("冷温带湿润", "cool temperate moist"),
        "tropical_moist": ("热带湿润", "tropical moist"),
        **{code: (zh, code.replace("_", " ")) for code, zh in CLASS_ZH.items()},
        "rice_husk_straw": ("稻壳、稻秆", "rice husk or straw"),
        "herbaceous": ("其他草本秸秆", "herbaceous"),
        "wood": ("木材", "wood"),
        "nut_shells": ("果壳", "nut shells"),
        "animal_manure": ("畜禽粪便", "animal manure"),
        "biosolids": ("污泥", "biosolids"),
        "pyrolysis": ("热解", "pyrolysis"),
        "gasification": ("气化", "gasification"),
        "boreal": ("寒温带", "boreal"),
        "cool_temperate_dry": ("冷温带干旱", "cool temperate dry"),
        "tropical_dry": ("热带干旱", "tropical dry"),
        "natural": ("天然", "natural"),
        "rewetted": ("复湿", "rewetted"),
        "created": ("新建", "created"),
        "oligotrophic": ("贫营养", "oligotrophic"),
        "mesotrophic": ("中营养", "mesotrophic"),
        "eutrophic": ("富营养", "eutrophic"),
        "hypereutrophic": ("超富营养", "hypereutrophic"),
        "rich": ("富养有机土", "rich"),
        "poor": ("贫养有机土", "poor"),
        "cultivated": ("旱作耕地", "cropland"),
        "restoration": ("修复", "restoration"),
        "rewetting": ("复湿", "rewetting"),
        "planting": ("种植", "planting"),
        "water_level": ("调控水位", "water level"),
        "protection": ("只保护现状", "protection only"),
        "zizania": ("菰（茭草）", "Zizania"),
        "HAC": ("高活性黏土", "HAC"),
        "LAC": ("低活性黏土", "LAC"),
        "SAN": ("砂质土", "sandy"),
        "POD": ("灰化土", "spodic"),
        "VOL": ("火山灰土", "volcanic"),
        "WET": ("湿地土", "wetland soil"),
        "low": ("低", "low"),
        "medium": ("中", "medium"),
        "high_without_manure": ("高，无畜禽粪肥", "high, no manure"),
        "high_with_manure": ("高，有畜禽粪肥", "high, with manure"),
        "full": ("翻耕", "full"),
        "reduced": ("少耕", "reduced"),
        "none": ("免耕", "none"),
        "weeding": ("除草", "weeding"),
        "loosening": ("垦复松土", "loosening"),
        "fertilising": ("施肥", "fertilising"),
        "thinning": ("疏伐", "thinning"),
        "shoots": ("挖笋", "shoots"),
        "pruning": ("修剪", "pruning"),
        "other": ("其他", "other"),
    }
)


def value_words(value: Any, *, english: bool = False) -> str:
    """A value as a person reads it; a dash for none."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return ("yes" if value else "no") if english else ("是" if value else "否")
    if isinstance(value, float | int):
        return f"{value:g}"
    return CHOICES[value][english] if value in CHOICES else str(value)


def values_words(
    kind: str, values: Mapping[str, Any], *, english: bool = False, short: bool = False
) -> str:
    """The values of a record on one line, each with its name; the kind first.

    short : amounts of nought are said together, at the end
    """
    # The database keeps the names in an order of its own.
    order = [name for name in activity.KINDS[kind].model_fields if name in values]
    nought = [name for name in order if short and type(values[name]) is float and not values[name]]
    said = [
        f"{FIELDS[name][english]} {value_words(values[name], english=english)}"
        for name in order
        if name not in nought and not (short and values[name] is None)
    ]
    if nought:
        said.append("all other amounts 0" if english else "其余数量为 0")
    return f"{KINDS[kind][english]}：{'；'.join(said)}"


def refusal_words(error: MethodInputInvalid) -> str:
    """Why a record is refused, with the fields as screens name them."""
    said = re.sub(r"^输入有 \d+ 处不符合要求：|请按 `methods schema` 修改后重试。$", "", str(error))
    said = said.removeprefix("输入：")
    return re.sub(
        r"\b([a-z_0-9]+)：", lambda m: f"{FIELDS[m[1]][0]}：" if m[1] in FIELDS else m[0], said
    )

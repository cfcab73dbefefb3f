"""The words of activity records: kinds, fields with their units, and choices, in two languages."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from methodologies import activity
from methodologies.base import MethodInputInvalid

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "paddy_season": ("水稻季", "Rice season"),
        "nitrogen": ("施氮（农田）", "Nitrogen (farmland)"),
        "tea_nitrogen": ("施氮（茶园）", "Nitrogen (tea)"),
        "residue_burning": ("秸秆焚烧", "Residue burning"),
        "soil_management": ("土壤管理", "Soil management"),
        "soil_class": ("土壤类别", "Soil class"),
        "tending": ("抚育", "Tending"),
        "felling": ("采伐", "Felling"),
        "pest": ("病虫害", "Pests"),
        "fire": ("火灾", "Fire"),
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

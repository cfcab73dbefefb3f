"""The fee (湿地恢复费) owed when an important wetland is occupied and cannot be restored elsewhere.

Law: Wetland Protection Law art. 21; Interim Measures for the wetland restoration fee, Cai Shui
(2024) 15, art. 5 and 7: at least 200 yuan/m2 on important wetland (national, with international,
and provincial), three times that for mangrove, peat bog and coastal wetland. General wetland is
outside the measures. A province fixes its own rate at or above this floor.

A rate table is data. `NATIONAL_FLOOR` is what the national measures themselves say. `ZHEJIANG_2025`
was read in one third-party copy of Zhe Cai Zong (2025) 4 (13 March 2025), whose last day in force
could not be read: it takes effect here only when the registrar has compared it with the official
text and hands it to `fee`. Not here: who must pay, and whether restoring was possible.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from sinks.core.errors import Invalid

TIERS = MappingProxyType(
    {
        "national": "国家重要湿地（含国际重要湿地）",
        "provincial": "省级重要湿地",
        "mangrove": "重要湿地中的红树林湿地",
        "peat": "重要湿地中的泥炭沼泽湿地",
        "coastal": "重要湿地中的滨海湿地",
    }
)
AREA_M2_MAX = 10**10


@dataclass(frozen=True)
class RateTable:
    """Rates of one rule.

    rate_fen_m2 : fen per square metre for every tier of `TIERS`; basis : the rule, in a sentence;
    whole_m2 : the rule counts a part of a square metre as a whole one.
    """

    rate_fen_m2: Mapping[str, int]
    basis: str
    whole_m2: bool


NATIONAL_FLOOR = RateTable(
    MappingProxyType(
        {
            "national": 20_000,
            "provincial": 20_000,
            "mangrove": 60_000,
            "peat": 60_000,
            "coastal": 60_000,
        }
    ),
    "《湿地保护法》第二十一条、《湿地恢复费缴纳和使用管理暂行办法》（财税〔2024〕15号）第七条："
    "重要湿地每平方米不低于200元，红树林、泥炭沼泽、滨海湿地按3倍执行。此为全国下限；"
    "浙江省的具体标准尚未据官方文本核实，实际应缴不低于本数，以主管部门的缴纳通知单为准",
    whole_m2=False,
)
ZHEJIANG_2025 = RateTable(
    MappingProxyType(
        {
            "national": 30_000,
            "provincial": 20_000,
            "mangrove": 60_000,
            "peat": 60_000,
            "coastal": 60_000,
        }
    ),
    "浙财综〔2025〕4号：省级重要湿地每平方米200元，国家重要湿地按1.5倍，红树林、泥炭沼泽、"
    "滨海湿地按3倍，不足1平方米的按1平方米计。以主管部门的缴纳通知单为准",
    whole_m2=True,
)


def fee(
    area_m2: int | float | Decimal, tier: str, rates: RateTable = NATIONAL_FLOOR
) -> dict[str, int | str]:
    """The restoration fee: {"fee_fen", "rate_fen_m2", "basis"}; half a fen goes up.

    area_m2 : the occupied area that is neither restored nor rebuilt; tier : a key of `TIERS`.

    Raises
    ------
    Invalid
        ``wetland_tier`` (unknown, or general wetland, which owes none under the measures),
        ``wetland_area`` (not a positive number), ``wetland_rate_below_floor``
    """
    if tier not in TIERS:
        raise Invalid(
            f"湿地类别“{tier}”没有湿地恢复费标准：该费只对重要湿地征收，一般湿地不在其内。"
            f"可填 {'、'.join(f'{key}（{name}）' for key, name in TIERS.items())}。",
            code="wetland_tier",
        )
    if isinstance(area_m2, bool) or not math.isfinite(area_m2) or not 0 < area_m2 <= AREA_M2_MAX:
        raise Invalid(
            f"占用面积 {area_m2} 平方米不是大于 0 且不超过 {AREA_M2_MAX:,} 的数，请核对面积与单位。",
            code="wetland_area",
        )
    rate_fen_m2 = rates.rate_fen_m2[tier]
    floor_fen_m2 = NATIONAL_FLOOR.rate_fen_m2[tier]
    if rate_fen_m2 < floor_fen_m2:
        raise Invalid(
            f"{TIERS[tier]}的标准 {rate_fen_m2} 分/平方米低于全国下限 {floor_fen_m2} 分/平方米，"
            "请核对标准表。",
            code="wetland_rate_below_floor",
        )
    charged_m2 = Fraction(str(area_m2))
    if rates.whole_m2:
        charged_m2 = Fraction(math.ceil(charged_m2))
    return {
        "fee_fen": math.floor(charged_m2 * rate_fen_m2 + Fraction(1, 2)),
        "rate_fen_m2": rate_fen_m2,
        "basis": f"{TIERS[tier]}。{rates.basis}。",
    }

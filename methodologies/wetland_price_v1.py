"""Price of a wetland sink, restoration fee and area balance (湿地碳汇价格), version 1.

P = clamp(P_ref (1 + a_bio I_bio)(1 + a_gep I_gep) q, floor, cap P_ref). The premium changes the price,
never the tonnes; its carbon item is left out of GEP, or carbon would be paid twice. Without any
coefficient set, P = P_ref. Money is whole fen; a price is rounded down to the fen.

Sources: method text 5.1-5.2 (structure proposed there, coefficients the registrar's); Zhejiang
浙财综〔2025〕4号 with 财税〔2024〕15号 (fee). Released 2026-11. Frozen: a change is a new module.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from methodologies import calculation
from methodologies.explaining import factor_table
from methodologies.factors import number
from methodologies.inputs import Identifier, Model, Share
from methodologies.remarks import Remarks

METHOD_ID = "wetland-price/1"
FACTOR_IDS = (
    "price.alpha_bio",
    "price.alpha_gep",
    "price.cap_multiplier",
    "price.deqing.first_wetland_trade",
    "price.deqing.first_wetland_volume",
    "price.judicial.marine_comparator",
    "fee.wetland_restoration.zj.provincial",
    "fee.wetland_restoration.zj.national_multiplier",
    "fee.wetland_restoration.zj.mangrove_peat_coastal_multiplier",
)
FEN_PER_YUAN = 100


class Indicator(Model):
    """A monitored indicator of biodiversity at the start, now and as aimed at."""

    id: Identifier
    start: float
    now: float
    target: float


class Gep(Model):
    """Regulating services per hectare without their carbon item, with the edition of the standard."""

    start_yuan_ha: Annotated[float, Field(gt=0)]
    now_yuan_ha: Annotated[float, Field(ge=0)]
    standard: Annotated[str, Field(min_length=1, description="如 DB33/T 2274-2025")]


class Price(Model):
    """What a price is made of."""

    reference_fen_t: Annotated[int, Field(gt=0, description="参考价，分/吨")]
    floor_fen_t: Annotated[int, Field(ge=0)] = 0
    quantity_kg: Annotated[int, Field(ge=0)] = 0
    indicators: list[Indicator] = Field(default_factory=list)
    gep: Gep | None = None


class Fee(Model):
    """Occupied wetland; part of a square metre counts as one."""

    area_m2: Annotated[float, Field(gt=0)]
    tiers: Annotated[
        list[Literal["provincial", "national", "mangrove_peat_coastal"]],
        Field(min_length=1, description="所属类别；同属两类取较高者"),
    ]


class Accepted(Model):
    """Replacement wetland that was accepted, with its quality coefficient."""

    area_m2: Annotated[float, Field(ge=0)]
    quality: Share


class Policy(Model):
    """The registrar's coefficients; null leaves the premium out."""

    alpha_bio: Annotated[float, Field(ge=0)] | None = None
    alpha_gep: Annotated[float, Field(ge=0)] | None = None
    cap_multiplier: Annotated[float, Field(ge=1)] | None = None
    quality: Annotated[float, Field(gt=0)] | None = None


class WetlandPrice(Model):
    """A price, and beside it a fee and an area balance where they are asked for."""

    price: Price
    fee: Fee | None = None
    accepted: list[Accepted] = Field(default_factory=list)
    occupied_m2: list[Annotated[float, Field(ge=0)]] = Field(default_factory=list)
    policy: Policy


def biodiversity_index(indicators: list[Indicator]) -> float:
    """Return the mean progress of the indicators from start to target, each between 0 and 1."""
    if not indicators:
        return 0.0
    return math.fsum(
        min(1.0, max(0.0, (i.now - i.start) / (i.target - i.start))) if i.target != i.start else 0.0
        for i in indicators
    ) / len(indicators)


def gep_index(gep: Gep | None) -> float:
    """Return the growth of regulating services, between 0 and 1."""
    if gep is None:
        return 0.0
    return min(1.0, max(0.0, (gep.now_yuan_ha - gep.start_yuan_ha) / gep.start_yuan_ha))


def restoration_fee_fen(fee: Fee) -> int:
    """Return the fee [fen]: whole square metres x 200 yuan x the largest multiplier."""
    multipliers = {
        "provincial": 1.0,
        "national": number("fee.wetland_restoration.zj.national_multiplier"),
        "mangrove_peat_coastal": number(
            "fee.wetland_restoration.zj.mangrove_peat_coastal_multiplier"
        ),
    }
    rate = number("fee.wetland_restoration.zj.provincial") * FEN_PER_YUAN
    # 1e-9: a whole number of square metres must not become one more by rounding noise.
    return round(math.ceil(fee.area_m2 - 1e-9) * rate * max(multipliers[t] for t in fee.tiers))


def _calculate(given: WetlandPrice, remarks: Remarks) -> dict[str, Any]:
    policy, price = given.policy, given.price
    i_bio, i_gep = biodiversity_index(price.indicators), gep_index(price.gep)
    premium = (1.0 + (policy.alpha_bio or 0.0) * i_bio) * (1.0 + (policy.alpha_gep or 0.0) * i_gep)
    wanted = price.reference_fen_t * premium * (1.0 if policy.quality is None else policy.quality)
    cap = math.inf
    if policy.cap_multiplier is not None:
        cap = policy.cap_multiplier * price.reference_fen_t
    elif policy.alpha_bio is not None or policy.alpha_gep is not None:
        remarks.decided(None, "price.cap_multiplier", "cap_multiplier", None)
    price_fen_t = math.floor(round(max(price.floor_fen_t, min(wanted, cap)), 6))
    replaced = math.fsum(a.area_m2 * a.quality for a in given.accepted)
    balance = replaced - math.fsum(given.occupied_m2)
    if balance < 0.0:
        remarks.refuse(
            "BALANCE_NEGATIVE",
            f"占补平衡为 {balance:g} m²（负）：补建面积不足，须先补建验收或缴纳恢复费。",
        )
    return {
        "biodiversity_index": i_bio,
        "gep_index": i_gep,
        "premium": premium,
        "price_fen_t": price_fen_t,
        # kg x fen/t / 1000; whole fen, rounded down once for the whole amount.
        "amount_fen": price.quantity_kg * price_fen_t // 1000,
        "quantity_kg": price.quantity_kg,
        "gep_standard": None if price.gep is None else price.gep.standard,
        "fee_fen": None if given.fee is None else restoration_fee_fen(given.fee),
        "replaced_m2": replaced,
        "occupied_m2": math.fsum(given.occupied_m2),
        "balance_m2": balance,
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the examples are computed here and now."""
    fee = restoration_fee_fen(Fee(area_m2=12_000.3, tiers=["provincial"])) / FEN_PER_YUAN
    trade = number("price.deqing.first_wetland_trade") * number("price.deqing.first_wetland_volume")
    return [
        (
            "公式",
            "P = clamp(P参考·(1 + α生物·I生物)(1 + α生态·I生态)·q, 下限, κ·P参考)。系数均由登记机构确定，未定时 P = P参考。"
            "溢价只改变价格，不改变吨数；生态产品总值须剔除固碳一项，并记明标准版本。",
        ),
        (
            "恢复费与占补平衡",
            "费 = 面积（不足 1 m² 按 1 m²）× 200 元 × 倍数（国家重要湿地 1.5，红树林、泥炭、滨海 3，同属两类取较高者）。"
            "一般湿地的费率待定。补建面积 × 质量系数 − 占用面积须不小于零；用于履行义务的面积不产生碳汇量。",
        ),
        (
            "算例",
            f"德清首笔湿地碳汇：10 000 吨 × 58.83 元 = {trade:,.0f} 元；占用省重要湿地 12 000.3 m²：{fee:,.0f} 元。",
        ),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = calculation.method(
    METHOD_ID,
    ("湿地碳汇价格与占补平衡", "Wetland price and area balance"),
    WetlandPrice,
    _calculate,
    {
        "price": {
            "reference_fen_t": 5883,
            "floor_fen_t": 0,
            "quantity_kg": 10_000_000,
            "indicators": [{"id": "waterbirds", "start": 40.0, "now": 55.0, "target": 70.0}],
            "gep": {
                "start_yuan_ha": 50000.0,
                "now_yuan_ha": 55000.0,
                "standard": "DB33/T 2274-2025",
            },
        },
        "fee": {"area_m2": 12000.3, "tiers": ["provincial"]},
        "accepted": [{"area_m2": 15000.0, "quality": 0.9}],
        "occupied_m2": [12000.3],
        "policy": {"alpha_bio": None, "alpha_gep": None, "cap_multiplier": None, "quality": None},
    },
    explain,
    FACTOR_IDS,
    "wetland",
)

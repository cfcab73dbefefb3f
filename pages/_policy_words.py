"""The values of policies in words."""

from collections.abc import Mapping
from typing import Any

from pages._words import t

# The values of policies that are words and not numbers.
VALUES: Mapping[str, tuple[str, str]] = {
    "ar_tool14": ("AR-TOOL14 分级扣减", "AR-TOOL14"),
    "ar_cm": ("AR-CM 分级扣减", "AR-CM"),
    "gs403": ("GS 403 扣减", "GS 403"),
    "proportional": ("随地上部分按比例", "proportional"),
    "none": ("增加不计、减少照计", "gains not counted"),
    "area": ("按面积", "by area"),
    "map_change": ("按图上变化", "by map change"),
    "ar5": ("IPCC AR5", "IPCC AR5"),
    "ar6": ("IPCC AR6", "IPCC AR6"),
    "steady_state": ("稳定状态", "steady state"),
    "trend": ("趋势", "trend"),
    "control_plots": ("对照样地", "control plots"),
    "poe": ("按超越概率扣减", "probability of exceedance"),
    "poe_flat": ("按超越概率、不少于 15 %", "exceedance, at least 15 %"),
    "flat": ("固定扣减 15 %", "flat 15 %"),
    "on": ("计入", "on"),
    "off": ("不计入", "off"),
    "yes": ("签发", "yes"),
    "no": ("不签发", "no"),
    "allow": ("可以", "allowed"),
    "refuse": ("不可以", "refused"),
    "differ": ("碳库不同的可以", "where the pools differ"),
    "control": ("对照样点", "control points"),
    "zero": ("取零", "nought"),
    "comonotonic": ("同田同向", "together"),
    "independent": ("相互独立", "independent"),
    "never": ("不计", "never"),
    "once_5_years": ("五年内计一次", "once over 5 years"),
}


def value_words(value: Any) -> str:
    """A policy's value as a person reads it; that there is none, where nothing is suggested."""
    if value is None:
        return t("没有建议值", "none suggested")
    if isinstance(value, str):
        return t(*VALUES[value]) if value in VALUES else value
    return f"{value:g}"

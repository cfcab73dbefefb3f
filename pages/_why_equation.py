"""The result of a run as an equation, as steps, and as the reason why nothing is left."""

import math
from collections.abc import Mapping
from typing import Any

from pages import _policy_words, _words
from pages._words import t

MODES: Mapping[str, tuple[str, str]] = {
    "model_assisted": ("图上差 + 样地校正", "map change corrected by plots"),
    "plots": ("只用样地", "plots alone"),
    "raster": ("只用两期图", "maps alone"),
}


def equation(result: Mapping[str, Any]) -> str:
    """The removal on one line with its own numbers, as architecture and paper write it."""
    middle = result["intermediate"]
    whole = f"{_words.number(result['gross_co2_t'], 1)} t = ( {_change_words(middle)} )"
    whole += f" × (1 + {middle['r']:g}) × {middle['cf']:g} × 44/12 × {_words.number(middle['area_ha'], 2)} ha"
    taken = middle["deduction_of_half_width"]
    if middle["u90"] is not None and taken is not None:
        whole += t(
            f"；不确定性扣减 = 半宽的 {_words.share(taken)} × U {_words.share(middle['u90'])}",
            f"; deduction = {_words.share(taken)} of the half-width × U {_words.share(middle['u90'])}",
        )
    return whole


def _change_words(middle: Mapping[str, Any]) -> str:
    strata = middle["strata"]
    if all(row["mode"] == "model_assisted" for row in strata):
        mapped = math.fsum(row["weight"] * row["map_delta_t_ha"] for row in strata)
        error = math.fsum(row["weight"] * row["mean_e_t_ha"] for row in strata)
        sign = "−" if error < 0 else "+"
        return (
            f"{_words.number(mapped, 4)} {t('图上差', 'map change')} {sign} "
            f"{_words.number(abs(error), 4)} {t('样地校正', 'plot correction')}"
        )
    if len({row["mode"] for row in strata}) == 1:
        return f"{_words.number(middle['delta_agb_t_ha'], 4)} {t(*MODES[strata[0]['mode']])}"
    return f"{_words.number(middle['delta_agb_t_ha'], 4)} {t('各层加权', 'strata, weighted')}"


def steps(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """From the change per hectare to whole kilograms, one row a step."""
    middle = result["intermediate"]
    rows = [*_removed(result, middle), *_subtracted(middle), *_issued(result, middle)]
    return [
        {"name": name, "formula": formula, "value": value, "unit": unit}
        for name, formula, value, unit in rows
    ]


def _removed(result: Mapping[str, Any], m: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    delta, hw = m["delta_agb_t_ha"], m["half_width_t_ha"]
    return [
        (t("每公顷变化 ΔAGB", "Change ΔAGB"), _change_words(m), _words.number(delta, 4), "t/ha"),
        (
            t("估计的碳汇量", "Estimated removal"),
            f"{_words.number(delta, 4)} × (1 + {m['r']:g}) × {m['cf']:g} × 44/12 × {_words.number(m['area_ha'], 4)}",
            _words.number(result["gross_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("90% 置信半宽", "Half-width at 90 %"),
            t("误差无从估计", "error unknown")
            if hw is None
            else f"t = {_words.number(m['t90'], 3)} × {t('标准误', 'standard error')} {_words.number(m['se_t_ha'], 4)}",
            _words.number(hw, 4),
            "t/ha",
        ),
        (
            t("扣减不确定性后", "After the deduction"),
            _deduction_words(m),
            _words.number(m["conservative_co2_t"], 3),
            "tCO₂e",
        ),
    ]


def _subtracted(m: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (
            t("减基线", "Less baseline"),
            _if_any(m["baseline_co2_t"], t("基线取零", "baseline of nought")),
            _words.number(-m["baseline_conservative_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("减排放", "Less emissions"),
            _policy_words.value_words(m["gwp_set"])
            if m["emissions_co2e_t"]
            else t("没有申报排放", "none declared"),
            _words.number(-m["emissions_co2e_t"], 3),
            "tCO₂e",
        ),
        (
            t("减泄漏", "Less leakage"),
            _if_any(m["leakage_co2e_t"], _no_leakage(m)),
            _words.number(-m["leakage_co2e_t"], 3),
            "tCO₂e",
        ),
        *_capped(m),
        (
            t("减上期结转", "Less debit carried"),
            _if_any(m["carried_debit_kg"], t("没有结转", "none carried")),
            _words.number(-m["carried_debit_kg"] / 1000, 3),
            "tCO₂e",
        ),
    ]


def _no_leakage(m: Mapping[str, Any]) -> str:
    if "eligibility" in m:
        return t("填报为零", "stated as nought")
    return t("方法取零", "nought in this method")


def _capped(m: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The cap of a stand with a target: what comes before is at most this."""
    remaining = m["saturation_remaining_co2_t"]
    if remaining is None:
        return []
    return [
        (
            t("封顶：到目标结构的余量", "At most what is left to the target stand"),
            t("(目标 − 初始) × 面积 − 已计入", "(target − initial) × area − credited before"),
            _words.number(remaining, 3),
            "tCO₂e",
        )
    ]


def _issued(result: Mapping[str, Any], m: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (t("净碳汇量", "Net removal"), "", _words.number(result["net_co2_t"], 3), "tCO₂e"),
        (
            t("存入缓冲池", "To the buffer"),
            f"× {_words.share(m['buffer_share'])}",
            _words.number(result["buffer_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("可签发", "Issuable"),
            t("向下取整到千克，只在这里取整一次", "rounded down to kilograms, once"),
            f"{result['issuable_kg']:,}",
            "kg CO₂e",
        ),
    ]


def _if_any(value: float, nought: str) -> str:
    return f"{value:,.3f}" if value else nought


def _deduction_words(middle: Mapping[str, Any]) -> str:
    taken, hw = middle["deduction_of_half_width"], middle["half_width_t_ha"]
    if taken is None or hw is None:
        return _policy_words.value_words(middle["deduction_policy"])
    delta, kept = middle["delta_agb_t_ha"], middle["conservative_delta_agb_t_ha"]
    words = (
        f"{_policy_words.value_words(middle['deduction_policy'])}：{_words.number(delta, 4)} − {_words.share(taken)} × "
        f"{_words.number(hw, 4)} = {_words.number(delta - taken * hw, 4)} t/ha"
    )
    if delta > 0 and delta - taken * hw < kept:
        words += t(f"，取 {_words.number(kept, 4)}", f", taken as {_words.number(kept, 4)}")
    return words


def why_nothing(result: Mapping[str, Any]) -> str:
    """Why a measured change leaves nothing to issue; empty where the refusals say it."""
    m = result["intermediate"]
    delta, hw = m["delta_agb_t_ha"], m["half_width_t_ha"]
    if delta <= 0:
        return t(
            f"两期之间每公顷地上生物量变化为 {_words.number(delta, 2)} 吨，没有增加，所以没有可签发的量。",
            f"Biomass changed by {_words.number(delta, 2)} t/ha between the dates: nothing was gained.",
        )
    said = ""
    if hw is not None and m["conservative_delta_agb_t_ha"] <= 0:
        said = t(
            f"每公顷增加 {_words.number(delta, 2)} 吨，而它的 90% 置信半宽是 {_words.number(hw, 2)} 吨：增加的量与误差分不开，"
            "扣减后取零。",
            f"The gain is {_words.number(delta, 2)} t/ha and its 90 % half-width {_words.number(hw, 2)} t/ha: the gain "
            "cannot be told from the error, and nothing is left after the deduction.",
        )
    if all(row["mode"] == "raster" for row in m["strata"]):
        said += t(
            "这里只有两期图、没有样地。同一张图上的误差往往一起偏高或偏低，地块再大也不会互相抵消，"
            "所以单凭两期图，一块地几乎总是得不到碳汇量。按层布设样地后，误差由样地的离散程度决定，"
            "样地越多越小。",
            " Only two maps and no plots: errors of one map lean the same way and do not cancel "
            "under a parcel, however large, so maps alone almost never earn anything on one parcel. "
            "With plots in each stratum the error is that of the plots, and shrinks with their number.",
        )
    return said

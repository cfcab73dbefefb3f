"""Why this number, in a round of trees or tea: plots measured twice, stratum by stratum."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pages import _kit, _words
from pages._kit import Column
from pages._words import t

# What the crew found, from the keys that a plot of the input has at both dates.
FOUND: Mapping[str, str] = {"volume_m3_ha": "m³/ha", "agb_t_ha": "t/ha"}


def equation(result: Mapping[str, Any]) -> str:
    """The removal on one line: each stratum's mean change by its area."""
    strata = result["intermediate"]["strata"]
    parts = " + ".join(
        f"{row['delta_co2_t_ha']:,.4f} × {row['area_ha']:,.4f} ha（{t('层', 'stratum')} {row['id']}）"
        for row in strata
    )
    return f"{result['gross_co2_t']:,.3f} tCO₂ = {parts}"


def steps(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """From the change per hectare to whole kilograms, one row a step."""
    rows = [*_changed(result), *_subtracted(result)]
    return [
        {"name": name, "formula": said, "value": value, "unit": unit}
        for name, said, value, unit in rows
    ]


def _changed(result: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    m = result["intermediate"]
    return [
        (
            t("每公顷变化", "Change per hectare"),
            t("各层均值按面积加权", "means of the strata, weighted by area"),
            _words.number(m["delta_co2_t_ha"], 4),
            "tCO₂/ha",
        ),
        (
            t("90% 置信半宽", "Half-width at 90 %"),
            f"t = {_words.number(m['t90'], 3)} × {t('标准误', 'standard error')} "
            f"{_words.number(m['se_co2_t_ha'], 4)}",
            _words.number(m["half_width_co2_t_ha"], 4),
            "tCO₂/ha",
        ),
        (
            t("估计的碳汇量", "Estimated removal"),
            f"{_words.number(m['delta_co2_t_ha'], 4)} × {_words.number(m['area_ha'], 4)} ha",
            _words.number(result["gross_co2_t"], 3),
            "tCO₂e",
        ),
        (
            t("扣减不确定性后", "After the deduction"),
            t("相对不确定性", "relative uncertainty")
            + f" U {t('无穷大', 'infinite') if m['u90'] is None else _words.share(m['u90'])}"
            + f"，{t('扣', 'less')} {_words.share(result['deduction_share'])}",
            _words.number(m["conservative_co2_t"], 3),
            "tCO₂e",
        ),
    ]


def _subtracted(result: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    m = result["intermediate"]
    taken = [
        (t("减基线", "Less baseline"), "", -m["baseline_conservative_co2_t"]),
        (
            t("减排放、泄漏、修剪和开垦的损失", "Less emissions, leakage, and what was cut or cleared"),
            t("按均值全额扣除", "taken in full"),
            -m["penalties_co2e_t"],
        ),
        (
            t("减上期结转", "Less debit carried"),
            "" if m["carried_debit_kg"] else t("没有结转", "none carried"),
            -m["carried_debit_kg"] / 1000,
        ),
        (t("净量", "Net"), "", result["net_co2_t"]),
        (t("减缓冲", "Less buffer"), _words.share(m["buffer_share"]), -result["buffer_co2_t"]),
    ]  # fmt: skip
    return [
        *((name, said, _words.number(value or 0.0, 3), "tCO₂e") for name, said, value in taken),
        (
            t("可签发", "Issuable"),
            t("向下取整到千克", "rounded down to kg"),
            f"{result['issuable_kg']:,}",
            "kg CO₂e",
        ),
    ]


def why_nothing(result: Mapping[str, Any]) -> str:
    """Why a measured change leaves nothing to issue; empty where the refusals say it."""
    m = result["intermediate"]
    gain = m["delta_co2_t_ha"]
    if gain <= 0.0:
        return t(
            f"两期之间每公顷变化 {_words.number(gain, 3)} tCO₂，没有增加，所以没有可签发的量。",
            f"The change is {_words.number(gain, 3)} tCO₂/ha: nothing was gained.",
        )
    if m["conservative_co2_t"] <= 0.0:
        return t(
            f"每公顷增加 {_words.number(gain, 3)} tCO₂，90% 置信半宽 "
            f"{_words.number(m['half_width_co2_t_ha'], 3)} tCO₂：增加的量与误差分不开，扣减后取零。",
            "The gain cannot be told from its error, and nothing is left after the deduction.",
        )
    if result["net_co2_t"] <= 0.0:
        return t(
            "增加的量不多于基线、排放、损失和上期结转之和，所以没有可签发的量。",
            "The gain is no more than baseline, emissions, losses and the debit carried.",
        )
    return ""


def show_strata(result: Mapping[str, Any]) -> None:
    """Each stratum: its plots, its mean change, and its part of the variance."""
    strata = result["intermediate"]["strata"]
    variances = [
        (row["weight"] * row["sd_co2_t_ha"]) ** 2 / row["n"] for row in strata
    ]  # fmt: skip
    whole = math.fsum(variances)
    _kit.table(
        [
            {
                "id": row["id"],
                "n": row["n"],
                "area": _words.number(row["area_ha"], 2),
                "delta": _words.number(row["delta_co2_t_ha"], 3),
                "sd": _words.number(row["sd_co2_t_ha"], 3),
                "share": _words.share(variance / whole) if whole else None,
            }
            for row, variance in zip(strata, variances, strict=True)
        ],
        [
            Column("id", t("层", "Stratum")),
            Column("n", t("样地", "Plots"), number=True),
            Column("area", t("面积", "Area"), "ha", number=True),
            Column("delta", t("变化", "Change"), "tCO₂/ha", number=True),
            Column("sd", t("样地标准差", "SD of plots"), "tCO₂/ha", number=True),
            Column("share", t("占方差", "Of the variance"), number=True),
        ],
    )


def show_plots(result: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Each plot: what was found at both dates, and what it comes to."""
    found = {
        (stratum["id"], plot["id"]): plot
        for stratum in given["strata"]
        for plot in stratum["plots"]
    }
    _kit.table(
        [
            {
                "id": row["id"],
                "stratum": row["stratum"],
                "found": "，".join(_found_words(found[(row["stratum"], row["id"])])),
                "start": _words.number(row["co2_t_ha_start"], 3),
                "end": _words.number(row["co2_t_ha_end"], 3),
                "change": _words.number(row["co2_t_ha_end"] - row["co2_t_ha_start"], 3),
            }
            for row in result["intermediate"]["plots"]
        ],
        [
            Column("id", t("样地", "Plot")),
            Column("stratum", t("层", "Stratum")),
            Column("found", t("实测（期初 → 期末）", "Found, start → end")),
            Column("start", t("期初", "Start"), "tCO₂/ha", number=True),
            Column("end", t("期末", "End"), "tCO₂/ha", number=True),
            Column("change", t("变化", "Change"), "tCO₂/ha", number=True),
        ],
    )


def _found_words(plot: Mapping[str, Any]) -> Iterator[str]:
    if "trees_start" in plot:
        first, last = (
            sum(row["count"] for row in plot[f"trees_{when}"]) for when in ("start", "end")
        )
        yield t(f"{first:,} → {last:,} 株", f"{first:,} → {last:,} trees")
    for name, unit in FOUND.items():
        if f"{name}_start" in plot:
            yield f"{plot[f'{name}_start']:g} → {plot[f'{name}_end']:g} {unit}"
    if "above_plane_share_start" in plot:
        shares = [_words.share(plot[f"above_plane_share_{when}"]) for when in ("start", "end")]
        yield t("修剪面以上 ", "above the plane ") + " → ".join(shares)

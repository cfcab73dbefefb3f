"""The charts of a run: what each pool brings, where its error comes from, what it hangs on."""

from collections.abc import Mapping
from typing import Any

from methodologies import what_if
from methodologies.base import Method
from methodologies.what_if import Swing
from sinks.core.bars import Bar
from sinks.crediting.run_words import LABELS, VALUES

SWINGS_SHOWN = 12  # The widest; what comes after moves the amount by little.


def parts(result: Mapping[str, Any]) -> list[Bar]:
    """What each pool and gas brings [tCO2e], with its standard error."""
    return [
        Bar(
            f"{VALUES.get(part['pool'], part['pool'])} · {part['gas']}",
            0.0,
            part["co2e_t"],
            f"{part['co2e_t']:,.3f} tCO₂e"
            + ("" if part["stderr_co2e_t"] is None else f" ± {part['stderr_co2e_t']:,.3f}"),
        )
        for part in result["components"]
    ]


def errors(result: Mapping[str, Any]) -> list[Bar]:
    """The standard error that each source brings [tCO2e]; of each pool where sources are not apart."""
    middle = result["intermediate"]
    sources = [
        (LABELS.get(name, name), value)
        for name, value in middle.items()
        if name.startswith("stderr_") and name.endswith("_co2_t") and value is not None
    ] or [
        (f"{VALUES.get(part['pool'], part['pool'])} · {part['gas']}", part["stderr_co2e_t"])
        for part in result["components"]
        if part["stderr_co2e_t"] is not None
    ]
    return [Bar(name, 0.0, value, f"{value:,.3f} tCO₂e") for name, value in sources]


def swings(method: Method, given: Mapping[str, Any], result: Mapping[str, Any]) -> list[Bar]:
    """How far factors and measured numbers, lowered and raised, move the net amount [tCO2e]."""
    net = result["net_co2_t"]
    return [
        bar
        for swing in what_if.swings(method, given)[:SWINGS_SHOWN]
        for bar in (
            _swing(_swing_words(swing), "−", swing.low_co2_t, net),
            _swing("", "+", swing.high_co2_t, net),
        )
    ]


def _swing_words(swing: Swing) -> str:
    if swing.kind == "factor":
        return f"因子 {swing.name} ± 1 标准差"
    names = [part.removesuffix("[]") for part in swing.name.split(".")]
    words = " · ".join(LABELS.get(name, name) for name in names if name)
    return f"{words} ± {what_if.INPUT_STEP_SHARE:.0%}"


def _swing(name: str, sign: str, found: float | None, net: float) -> Bar:
    if found is None:
        return Bar(name, net, net, f"{sign} 超出方法适用范围")
    return Bar(name, net, found, f"{sign} → {found:,.3f} tCO₂e（{found - net:+,.3f}）")

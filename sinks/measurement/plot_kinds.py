"""How plots are measured: culm by culm, or by one reading; which way a method asks for, in words.

A kind is ``culms`` or one of `methodologies.plot_readings.KINDS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from methodologies import plot_readings
from methodologies.plot_readings import Reading, StandVolume, TeaShoots, Trees
from sinks.core.errors import Conflict

CULMS = "culms"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of measuring.

    stems_en : what is counted; None where nothing is
    compared_zh, compared_en, unit : what a second measurement is held against the first by
    """

    zh: str
    en: str
    stems_en: str | None
    compared_zh: str
    compared_en: str
    unit: str


_BIOMASS = ("地上生物量", "above-ground biomass")
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        CULMS: Kind("竹株", "culm by culm", "culms", *_BIOMASS, "t/ha"),
        Trees.KIND: Kind("每木检尺", "tree by tree", "trees", *_BIOMASS, Trees.UNIT),
        StandVolume.KIND: Kind(
            "蓄积", "stand volume", None, "蓄积", "stand volume", StandVolume.UNIT
        ),
        TeaShoots.KIND: Kind(
            "茶树地上生物量", "above-ground biomass of tea", None, *_BIOMASS, TeaShoots.UNIT
        ),
    }
)
UNITS_ZH: Mapping[str, str] = MappingProxyType({"t/ha": "吨/公顷", "m³/ha": "立方米/公顷"})


@dataclass(frozen=True, slots=True)
class Amount:
    """What a visit found, as lists show it: living stems, or an amount per hectare."""

    kind: str
    value: float

    @property
    def unit(self) -> str:
        return KINDS[self.kind].unit if KINDS[self.kind].stems_en is None else "株"

    @property
    def zh(self) -> str:
        return f"{self.value:.0f} 株" if self.unit == "株" else f"{self.value:.1f} {self.unit}"

    @property
    def en(self) -> str:
        stems = KINDS[self.kind].stems_en
        return self.zh if stems is None else f"{self.value:.0f} {stems}"


def amount(reading: Reading) -> Amount:
    """What was read, as lists show it."""
    if isinstance(reading, Trees):
        return Amount(reading.KIND, sum(row.count for row in reading.trees))
    # Neither depends on the plot's area.
    return Amount(reading.KIND, reading.compared(area_m2=1.0, slope_deg=0.0))


def counted(kind: str, count: int) -> tuple[str, str]:
    """How much a table holds, in Chinese and English: culms, or lines of another kind."""
    if kind == CULMS:
        return f"{count:,} 株竹", f"{count:,} culms"
    return f"{count:,} 行{KINDS[kind].zh}", f"{count:,} lines ({KINDS[kind].en})"


def of_method(method_id: str) -> tuple[str, ...]:
    """The kinds that a method measures by; the first is offered first."""
    return plot_readings.KINDS_OF.get(method_id, (CULMS,))


def refuse(method_id: str, kind: str) -> None:
    """Refuse what a method does not measure by.

    Raises
    ------
    Conflict
        Says by what the method measures.
    """
    wanted = of_method(method_id)
    if kind not in wanted:
        raise Conflict(
            f"本项目的方法 {method_id} 的样地按{named(wanted)}测量，不能登记{KINDS[kind].zh}。",
            code="plot_kind",
        )


def named(kinds: Sequence[str]) -> str:
    """Kinds in Chinese, as a choice."""
    return "或".join(f"“{KINDS[kind].zh}”" for kind in kinds)

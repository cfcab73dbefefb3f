"""What a crew reads on a plot that is no bamboo's: trees, a stand's volume, the shoots of tea.

A reading is what was found; no factor stands in it. Two readings of a plot, at the start and at the
end, are a plot of the method's input; a second measurement is held against the first by one number.
Bamboo is counted culm by culm and is no reading. Sources: method text 1.4 (plots), 2.3 (tea), 4
(trees).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from methodologies import moso_stand_v1, trees_v1
from methodologies.base import MethodInputInvalid
from methodologies.forest_aff_v1 import TreeRow
from methodologies.inputs import Model, Share, invalid, parse

TREE_ROWS_MAX = 2000
MILLIMETRE_CM = Decimal("0.1")


class Reading(Model, ABC):
    """What was found on a plot on a day.

    KIND : its name on file; UNIT : of what a second measurement is compared by
    """

    KIND: ClassVar[str]
    UNIT: ClassVar[str]

    def sides(self, when: str) -> dict[str, Any]:
        """Return the fields of a plot of the method's input; `when` is "start" or "end"."""
        return {f"{name}_{when}": value for name, value in self.model_dump().items()}

    @abstractmethod
    def compared(self, area_m2: float, slope_deg: float) -> float:
        """Return the number that a second measurement is held against [UNIT]."""


class TreeGroup(TreeRow):
    """Living trees of one kind and diameter, to the millimetre; the density is of their species."""

    species: Annotated[str, Field(min_length=1, max_length=50, description="树种")]
    # No stem of the county is 3 m thick: such a number is in millimetres.
    dbh_cm: Annotated[float, Field(gt=0, lt=300, description="胸径，厘米")]

    @model_validator(mode="after")
    def _to_the_millimetre(self) -> "TreeGroup":
        if Decimal(str(self.dbh_cm)) % MILLIMETRE_CM:
            raise invalid(f"胸径 {self.dbh_cm:g} 厘米应保留一位小数")
        return self


class Trees(Reading):
    """Every living tree; none before anything is planted."""

    KIND, UNIT = "trees", "t/ha"

    trees: Annotated[list[TreeGroup], Field(max_length=TREE_ROWS_MAX)]

    def sides(self, when: str) -> dict[str, Any]:
        """Return the trees as the method takes them, without their names."""
        return {f"trees_{when}": [row.model_dump(exclude={"species"}) for row in self.trees]}

    def compared(self, area_m2: float, slope_deg: float) -> float:
        """Return above-ground biomass [t/ha]."""
        kilograms = sum(
            row.count * trees_v1.tree_agb_kg(row.dbh_cm, row.wood_density_g_cm3)
            for row in self.trees
        )
        return kilograms / 1000.0 / moso_stand_v1.horizontal_area_ha(area_m2, slope_deg)


class StandVolume(Reading):
    """Volume over bark per horizontal hectare, by the volume tables of the survey."""

    KIND, UNIT = "volume", "m³/ha"

    volume_m3_ha: Annotated[float, Field(ge=0, le=2000, description="带皮蓄积，立方米/公顷")]

    def compared(self, area_m2: float, slope_deg: float) -> float:
        """Return the volume [m3/ha]."""
        return self.volume_m3_ha


class TeaShoots(Reading):
    """Dry above-ground biomass per horizontal hectare, and how much of it stands above the plane
    that the garden is pruned to."""

    KIND, UNIT = "tea_shoots", "t/ha"

    agb_t_ha: Annotated[float, Field(ge=0, le=200, description="地上生物量，吨干物质/公顷")]
    above_plane_share: Annotated[Share, Field(description="修剪面以上占地上生物量的比例")]

    def compared(self, area_m2: float, slope_deg: float) -> float:
        """Return above-ground biomass [t/ha]."""
        return self.agb_t_ha


KINDS: Mapping[str, type[Reading]] = {one.KIND: one for one in (Trees, StandVolume, TeaShoots)}
# The readings that a method measures by; the others count culms.
KINDS_OF: Mapping[str, tuple[str, ...]] = {
    "forest-aff/1": ("trees", "volume"),
    "tea-perennial/1": ("tea_shoots",),
}


def reading(kind: str, values: Mapping[str, Any]) -> Reading:
    """Return the checked reading of a kind.

    Raises
    ------
    MethodInputInvalid
        There is no such kind, or a value is missing or wrong.
    """
    if kind not in KINDS:
        raise MethodInputInvalid(f"没有 {kind} 这种样地测量；可用：{'、'.join(KINDS)}。")
    return parse(KINDS[kind], values)

"""What a method fed by plots needs to be told: once by the project, and by each round of its period.

Which statement a method asks for is in `catalogue.STATEMENTS`. Nothing has a default: a field left
out would be taken for nought, and nought is an answer that somebody has to give.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from methodologies.eligibility import Check
from methodologies.inputs import Model

# Kind of activity record -> what the records of the period's land say.
Told = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class LandFacts:
    """What the register says of the round's land.

    wetland : None where no class of the land survey is on file for some of it
    smallest_parcel_m2 : the smallest contiguous piece of any parcel
    """

    tenure_documented: bool
    wetland: bool | None
    smallest_parcel_m2: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What the register knows when a round is measured.

    credited_before_co2_t : what counts already, in this registry and elsewhere [tCO2]
    baseline_basis : what the project's baseline rests on
    """

    land: LandFacts
    credited_before_co2_t: float
    baseline_basis: str


class PeriodFacts(Model, ABC):
    """What a round states of its period, with evidence."""

    def against(self, land: LandFacts) -> list[Check]:
        """Return the method's conditions that statement and land break."""
        return []

    @abstractmethod
    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return what it adds to the method's input."""

    @abstractmethod
    def unstated(self, told: Told) -> list[str]:
        """Return what activity records of the period tell and the statement does not."""


class ProjectFacts(Model, ABC):
    """What a project states once, with evidence.

    ASKS_LAND : the register has to know the class of its land
    """

    ASKS_LAND: ClassVar[bool] = False

    @property
    def strata_named(self) -> list[str] | None:
        """Return the strata that it speaks of; None where it speaks of the whole."""
        return None

    @property
    @abstractmethod
    def first_year(self) -> int:
        """Return the year before which there is nothing to measure."""

    def stated_against(self) -> list[Check]:
        """Return the method's conditions that the statement alone already breaks."""
        return []

    def against(self, land: LandFacts) -> list[Check]:
        """Return the method's conditions that statement and land break."""
        return []

    @abstractmethod
    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return what it adds to the method's input."""

    def of_stratum(self, stratum: str, start: date, end: date) -> dict[str, Any]:
        """Return what it adds to a stratum of the input, for a period [start, end)."""
        return {}


def titles(model: type[Model]) -> dict[str, str]:
    """Return the fields of a statement with their words, in the order they are asked in."""
    return {name: field.description or name for name, field in model.model_fields.items()}

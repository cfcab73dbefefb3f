"""What projects of tea gardens and their rounds state: how old each stratum is, what was cut, what
was cleared.

Fields: method text 2.2 (age), 2.3 (baseline, pruning events), 2.6 (conversion).
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies.base import MethodInputInvalid
from methodologies.inputs import Amount, Area, Day, Identifier, Model, unique
from methodologies.statements import PeriodFacts, ProjectFacts, Standing, Told


class GardenAge(Model):
    """A stratum of gardens that were planted in one year."""

    id: Identifier
    planted_year: Annotated[int, Field(ge=1900, le=2100)]


class StatedPruning(Model):
    """A pruning or replanting; seen_by_plots: the plots were measured again after it."""

    day: Day
    kind: Literal["light", "medium", "heavy", "collar", "replant"]
    area_ha: Area
    agb_removed_t_ha: Amount
    seen_by_plots: bool


class GardenPeriod(PeriodFacts):
    """What was cut and cleared in the period."""

    prunings: Annotated[list[StatedPruning], Field(description="修剪、台刈、改植")]
    cleared_area_ha: Annotated[Amount, Field(description="本期开垦为茶园的面积（公顷）")]
    cleared_c_t_ha: Annotated[Amount, Field(description="开垦前的碳储量（tC/公顷）")]

    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return prunings and conversion."""
        return {
            "prunings": [row.model_dump(mode="json") for row in self.prunings],
            "conversion": {"area_ha": self.cleared_area_ha, "prior_c_t_ha": self.cleared_c_t_ha}
            if self.cleared_area_ha
            else None,
        }

    def unstated(self, told: Told) -> list[str]:
        """Return pruning and fire on record that are not stated."""
        if self.prunings:
            return []
        found = []
        if any(row["work"] == "pruning" for row in told["tending"]):
            found.append("活动记录中本期有修剪，填报却没有修剪")
        if told["fire"]:
            found.append("活动记录中本期有林火，填报却没有改植或台刈")
        return found


class TeaGardens(ProjectFacts):
    """The gardens of a project, by the year they were planted in."""

    strata: Annotated[list[GardenAge], Field(min_length=1, description="各层的种植年份")]

    @model_validator(mode="after")
    def _each_once(self) -> "TeaGardens":
        unique("层", (row.id for row in self.strata))
        return self

    @property
    def strata_named(self) -> list[str]:
        """Return every stratum."""
        return [row.id for row in self.strata]

    @property
    def first_year(self) -> int:
        """Return the year of the youngest garden: a garden not yet planted has no age."""
        return max(row.planted_year for row in self.strata)

    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return what the baseline rests on: a garden at rest, or control gardens of its age."""
        at_rest = standing.baseline_basis == "steady_state"
        return {"baseline_basis": "mature_zero" if at_rest else "same_age_control"}

    def of_stratum(self, stratum: str, start: date, end: date) -> dict[str, Any]:
        """Return the ages at both dates, in whole years since planting."""
        [row] = [row for row in self.strata if row.id == stratum]
        ages = [day.year - row.planted_year for day in (start, end)]
        if ages[0] < 0:
            raise MethodInputInvalid(
                f"层 {stratum} {row.planted_year} 年才种植，晚于监测期的开始；请把它分到另一个项目或监测期。"
            )
        return {"age_years_start": ages[0], "age_years_end": ages[1]}

"""What a round of a planting method needs beside plots and maps, from three sources kept apart.

The project states once what it plants and where growth ends; each round states what was spread,
burnt or displaced in its period; the register says what it knows of the land. Nothing has a
default: a field left out would be taken for nought, and nought is an answer that somebody has to
give. Fields: method text 1.2 (conditions of CCER-14-001), 1.3, 1.8 (saturation), 1.11 (emissions).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import eligibility, inputs
from methodologies.eligibility import Ccer14, Check
from methodologies.inputs import Amount, Area, Model, Share, invalid
from methodologies.moso_mgmt_v1_input import Agb

# Huzhou has more rain than evaporation (IPCC 2019 Vol. 4 Table 11.1, footnote: wet climate).
CLIMATE = "wet"
# The conditions that the project itself states; the others are the register's to say.
STATED_CHECKS = ("FOREST_CATEGORY", "NONFOREST_YEARS", "TREES_KEPT", "SHRUB_REMOVAL")
Category = Literal[
    "protection", "special_purpose", "timber", "economic", "roadside_greening", "urban_greening"
]


class ProjectFacts(Model):
    """What the project states once, with evidence."""

    forest_category: Annotated[Category, Field(description="林种")]
    start_year: Annotated[int, Field(ge=2000, le=2100, description="开工年份")]
    nonforest_years: Annotated[float, Field(ge=0, le=200, description="开工前不是森林的年数")]
    scattered_trees_removed: Annotated[bool, Field(description="伐除了原有散生木竹")]
    shrub_removal_share: Annotated[Share, Field(description="清除灌木和小径竹的面积份额")]
    initial_agb_t_ha: Annotated[Agb, Field(description="项目开始时的地上生物量（t/ha）")]
    target_agb_t_ha: Annotated[Agb, Field(description="目标结构的地上生物量（t/ha）")]
    credited_elsewhere_co2_t: Annotated[
        Amount, Field(description="登记簿以外已计入的碳汇量（tCO₂）")
    ]

    @model_validator(mode="after")
    def _grows(self) -> "ProjectFacts":
        if self.target_agb_t_ha <= self.initial_agb_t_ha:
            raise invalid("目标结构的地上生物量须大于项目开始时的")
        return self


class StatedFire(Model):
    """A burn in the period; how much of it burnt is a factor, not a statement."""

    area_ha: Area
    agb_t_ha: Agb


class PeriodFacts(Model):
    """What a round states of its period, with evidence: totals over the period and all its land."""

    fertiliser_n_kg_project: Annotated[Amount, Field(description="项目施用化肥氮（kg N）")]
    fertiliser_n_kg_baseline: Annotated[Amount, Field(description="基线施用化肥氮（kg N）")]
    organic_n_kg_project: Annotated[Amount, Field(description="项目施用有机肥氮（kg N）")]
    organic_n_kg_baseline: Annotated[Amount, Field(description="基线施用有机肥氮（kg N）")]
    urea_t_project: Annotated[Amount, Field(description="项目施用尿素（t）")]
    urea_t_baseline: Annotated[Amount, Field(description="基线施用尿素（t）")]
    leakage_co2e_t: Annotated[Amount, Field(description="边界外增加的排放（tCO₂e）")]
    fires: Annotated[list[StatedFire], Field(description="过火")]

    @property
    def fertilised(self) -> bool:
        """Return whether the project has spread any nitrogen."""
        spread = (self.fertiliser_n_kg_project, self.organic_n_kg_project, self.urea_t_project)
        return any(spread)


@dataclass(frozen=True, slots=True)
class LandFacts:
    """What the register says of the round's land.

    smallest_parcel_m2 : the smallest contiguous piece of any parcel
    """

    tenure_documented: bool
    wetland: bool
    smallest_parcel_m2: float


def project_facts(values: Mapping[str, Any]) -> ProjectFacts:
    """Return the checked statement; MethodInputInvalid, naming each faulty field, if it is not."""
    return inputs.parse(ProjectFacts, values)


def period_facts(values: Mapping[str, Any]) -> PeriodFacts:
    """Return the checked statement; MethodInputInvalid, naming each faulty field, if it is not."""
    return inputs.parse(PeriodFacts, values)


def titles(model: type[Model]) -> dict[str, str]:
    """Return the fields of a statement with their words, in the order they are asked in."""
    return {name: field.description or name for name, field in model.model_fields.items()}


def stated_against(facts: ProjectFacts) -> list[Check]:
    """Return the conditions of CCER-14-001 that the project's own statement already breaks."""
    unknown = LandFacts(tenure_documented=True, wetland=False, smallest_parcel_m2=1.0)
    return [
        check
        for check in eligibility.ccer14(_conditions(facts, unknown))
        if check.code in STATED_CHECKS and not check.passed
    ]


def against(facts: ProjectFacts, land: LandFacts) -> list[Check]:
    """Return the conditions of CCER-14-001 that statement and land break."""
    return [one for one in eligibility.ccer14(_conditions(facts, land)) if not one.passed]


def document_parts(
    facts: ProjectFacts, period: PeriodFacts, land: LandFacts, *, credited_before_co2_t: float
) -> dict[str, Any]:
    """Return the parts of a planting method's input that are neither plots, maps nor policy.

    credited_before_co2_t : what counts towards the target structure already [tCO2]
    """
    stated = period.model_dump(exclude={"leakage_co2e_t", "fires"})
    return {
        "eligibility": _conditions(facts, land).model_dump(),
        "saturation": {
            "target_agb_t_ha": facts.target_agb_t_ha,
            "initial_agb_t_ha": facts.initial_agb_t_ha,
            "credited_before_co2_t": credited_before_co2_t,
        },
        "emissions": {
            **stated,
            "n2o_factors": CLIMATE,
            "fires": [fire.model_dump() for fire in period.fires],
        },
        "leakage_co2e_t": period.leakage_co2e_t,
    }


def _conditions(facts: ProjectFacts, land: LandFacts) -> Ccer14:
    return Ccer14(
        forest_category=facts.forest_category,
        nonforest_years=facts.nonforest_years,
        tenure_documented=land.tenure_documented,
        smallest_parcel_m2=land.smallest_parcel_m2,
        start_year=facts.start_year,
        wetland=land.wetland,
        scattered_trees_removed=facts.scattered_trees_removed,
        shrub_removal_share=facts.shrub_removal_share,
    )

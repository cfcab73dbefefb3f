"""What rounds of forest and bamboo state of the period: what was spread and what burnt.

Totals over the period and all its land. Fields: method text 1.11 (emissions).
"""

from typing import Annotated, Any

from pydantic import Field

from methodologies.inputs import Amount, Area, Model
from methodologies.moso_mgmt_v1_input import Agb
from methodologies.statements import PeriodFacts, Standing, Told

# Huzhou has more rain than evaporation (IPCC 2019 Vol. 4 Table 11.1, footnote: wet climate).
CLIMATE = "wet"
SPREAD = (
    "fertiliser_n_kg_project", "fertiliser_n_kg_baseline", "organic_n_kg_project",
    "organic_n_kg_baseline", "urea_t_project", "urea_t_baseline",
)  # fmt: skip


class StatedFire(Model):
    """A burn in the period; how much of it burnt is a factor, not a statement."""

    area_ha: Area
    agb_t_ha: Agb


class EmissionsPeriod(PeriodFacts):
    """Nitrogen, urea and fires."""

    fertiliser_n_kg_project: Annotated[Amount, Field(description="项目施用化肥氮（kg N）")]
    fertiliser_n_kg_baseline: Annotated[Amount, Field(description="基线施用化肥氮（kg N）")]
    organic_n_kg_project: Annotated[Amount, Field(description="项目施用有机肥氮（kg N）")]
    organic_n_kg_baseline: Annotated[Amount, Field(description="基线施用有机肥氮（kg N）")]
    urea_t_project: Annotated[Amount, Field(description="项目施用尿素（t）")]
    urea_t_baseline: Annotated[Amount, Field(description="基线施用尿素（t）")]
    fires: Annotated[list[StatedFire], Field(description="过火")]

    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return the emissions."""
        return {
            "emissions": {
                **{name: getattr(self, name) for name in SPREAD},
                "n2o_factors": CLIMATE,
                "fires": [fire.model_dump() for fire in self.fires],
            }
        }

    def unstated(self, told: Told) -> list[str]:
        """Return fires and fertiliser on record that are not stated."""
        found = []
        if told["fire"] and not self.fires:
            found.append("活动记录中本期有林火，填报却没有过火")
        spread = (self.fertiliser_n_kg_project, self.organic_n_kg_project, self.urea_t_project)
        if any(row["work"] == "fertilising" for row in told["tending"]) and not any(spread):
            found.append("活动记录中本期有施肥，填报却没有施肥")
        return found

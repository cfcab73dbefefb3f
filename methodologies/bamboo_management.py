"""What a round of managed bamboo states of its period: the stand, the practice, what was spread and
cut.

The conditions are those of AR-CM-005 as far as they were read; the register says how large the
smallest piece is and whether land is a wetland. Fields: method text 1.2 (conditions), 1.11
(emissions), 1.12 (scattered trees, harvest moved elsewhere).
"""

from typing import Annotated, Any

from pydantic import Field

from methodologies import eligibility
from methodologies.base import ha_from_m2
from methodologies.eligibility import BambooManagement, Check
from methodologies.inputs import Amount, Share
from methodologies.stated_emissions import EmissionsPeriod
from methodologies.statements import LandFacts, Standing, Told

STAND = ("crown_closure", "tree_closure", "culm_height_m", "culm_dbh_cm")
PRACTICE = (
    "organic_soil", "law_breached", "litter_removed", "scattered_trees_removed", "deep_tillage",
    "fertiliser_covered", "management_measure",
)  # fmt: skip


class ManagementPeriod(EmissionsPeriod):
    """Conditions, emissions and losses of the period; totals over all its land."""

    crown_closure: Annotated[Share, Field(description="竹林郁闭度（%）")]
    tree_closure: Annotated[Share, Field(description="散生乔木郁闭度（%）")]
    culm_height_m: Annotated[Amount, Field(description="平均竹高（m）")]
    culm_dbh_cm: Annotated[Amount, Field(description="平均胸径（cm）")]
    wetland: Annotated[bool, Field(description="湿地")]
    organic_soil: Annotated[bool, Field(description="有机土")]
    law_breached: Annotated[bool, Field(description="违反林业法规或强制性标准")]
    litter_removed: Annotated[bool, Field(description="清走了枯落物")]
    scattered_trees_removed: Annotated[bool, Field(description="伐除了散生木")]
    deep_tillage: Annotated[bool, Field(description="深翻垦复")]
    fertiliser_covered: Annotated[bool, Field(description="沟施或穴施并覆土，或没有施肥")]
    management_measure: Annotated[bool, Field(description="采取了至少一项科学经营措施")]
    culms_t_project: Annotated[Amount, Field(description="项目采伐竹秆（t 干重）")]
    culms_t_baseline: Annotated[Amount, Field(description="基线采伐竹秆（t 干重）")]
    tree_loss_co2_t: Annotated[Amount, Field(description="散生乔木的损失（tCO₂）")]

    def against(self, land: LandFacts) -> list[Check]:
        """Return the conditions of AR-CM-005 that statement and land break."""
        checks = eligibility.bamboo_management(self._conditions(land))
        return [one for one in checks if not one.passed]

    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return conditions, emissions, harvest and losses."""
        return {
            **super().parts(standing),
            "eligibility": self._conditions(standing.land).model_dump(),
            "harvest": {
                "culms_t_project": self.culms_t_project,
                "culms_t_baseline": self.culms_t_baseline,
            },
            "tree_loss_co2_t": self.tree_loss_co2_t,
        }

    def unstated(self, told: Told) -> list[str]:
        """Return fires, fertiliser and felling on record that are not stated."""
        found = super().unstated(told)
        if told["felling"] and not self.culms_t_project:
            found.append("活动记录中本期有采伐，填报却没有采伐竹秆")
        return found

    def _conditions(self, land: LandFacts) -> BambooManagement:
        return BambooManagement(
            **{name: getattr(self, name) for name in (*STAND, *PRACTICE)},
            smallest_parcel_ha=ha_from_m2(land.smallest_parcel_m2),
            # Either suffices to exclude it.
            wetland=self.wetland or land.wetland is True,
        )

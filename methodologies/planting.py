"""What planting projects and their rounds state: of bamboo, and of other trees.

The project states once what it plants and where; each round states what was spread, burnt or
displaced in its period; the register says what it knows of the land. Fields: method text 1.2
(conditions of CCER-14-001), 1.3, 1.8 (saturation), 1.11 (emissions); trees: AR-TOOL14, Li et al. 2016.
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from methodologies import eligibility, trees_v1
from methodologies.eligibility import Ccer14, Check
from methodologies.factors import required
from methodologies.inputs import Amount, Identifier, Model, Share, invalid, unique
from methodologies.moso_mgmt_v1_input import Agb
from methodologies.stated_emissions import EmissionsPeriod
from methodologies.statements import LandFacts, ProjectFacts, Standing

# The conditions that the project itself states; the others are the register's to say.
STATED_CHECKS = ("FOREST_CATEGORY", "NONFOREST_YEARS", "TREES_KEPT", "SHRUB_REMOVAL")
Category = Literal[
    "protection", "special_purpose", "timber", "economic", "roadside_greening", "urban_greening"
]
Route = Literal["bef", "stand_equation", "allometry"]
# The table of species or stand types that a route reads.
TABLES = {"bef": trees_v1.SPECIES_TABLE, "stand_equation": trees_v1.STAND_TABLE}


class PlantingPeriod(EmissionsPeriod):
    """Emissions, and what was displaced."""

    leakage_co2e_t: Annotated[Amount, Field(description="边界外增加的排放（tCO₂e）")]

    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return emissions and leakage."""
        return {**super().parts(standing), "leakage_co2e_t": self.leakage_co2e_t}


class Planting(ProjectFacts):
    """What every planting project states: the conditions of CCER-14-001."""

    ASKS_LAND: ClassVar[bool] = True

    forest_category: Annotated[Category, Field(description="林种")]
    start_year: Annotated[int, Field(ge=2000, le=2100, description="开工年份")]
    nonforest_years: Annotated[float, Field(ge=0, le=200, description="开工前不是森林的年数")]
    scattered_trees_removed: Annotated[bool, Field(description="伐除了原有散生木竹")]
    shrub_removal_share: Annotated[Share, Field(description="清除灌木和小径竹的面积份额")]

    @property
    def first_year(self) -> int:
        """Return the year planting began."""
        return self.start_year

    def stated_against(self) -> list[Check]:
        """Return the conditions of CCER-14-001 that the project's own statement already breaks."""
        unknown = LandFacts(tenure_documented=True, wetland=False, smallest_parcel_m2=1.0)
        return [check for check in self.against(unknown) if check.code in STATED_CHECKS]

    def against(self, land: LandFacts) -> list[Check]:
        """Return the conditions of CCER-14-001 that statement and land break."""
        return [one for one in eligibility.ccer14(self._conditions(land)) if not one.passed]

    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return what the conditions are checked by."""
        return {"eligibility": self._conditions(standing.land).model_dump()}

    def _conditions(self, land: LandFacts) -> Ccer14:
        return Ccer14(
            forest_category=self.forest_category,
            nonforest_years=self.nonforest_years,
            tenure_documented=land.tenure_documented,
            smallest_parcel_m2=land.smallest_parcel_m2,
            start_year=self.start_year,
            # A round without a class for every parcel was refused.
            wetland=bool(land.wetland),
            scattered_trees_removed=self.scattered_trees_removed,
            shrub_removal_share=self.shrub_removal_share,
        )


class BambooPlanting(Planting):
    """Of bamboo: also where its growth ends."""

    initial_agb_t_ha: Annotated[Agb, Field(description="项目开始时的地上生物量（t/ha）")]
    target_agb_t_ha: Annotated[Agb, Field(description="目标结构的地上生物量（t/ha）")]
    credited_elsewhere_co2_t: Annotated[
        Amount, Field(description="登记簿以外已计入的碳汇量（tCO₂）")
    ]

    @model_validator(mode="after")
    def _grows(self) -> "BambooPlanting":
        if self.target_agb_t_ha <= self.initial_agb_t_ha:
            raise invalid("目标结构的地上生物量须大于项目开始时的")
        return self

    def parts(self, standing: Standing) -> dict[str, Any]:
        """Return the conditions, and the target with what counts towards it already."""
        return {
            **super().parts(standing),
            "saturation": {
                "target_agb_t_ha": self.target_agb_t_ha,
                "initial_agb_t_ha": self.initial_agb_t_ha,
                "credited_before_co2_t": standing.credited_before_co2_t,
            },
        }


class TreeRoute(Model):
    """How a stratum's trees are reckoned, and its numbers where they are not the table's.

    species : of expansion factors the species, of stand equations the stand type, of single trees
        nothing: each tree has its own density
    """

    id: Identifier
    route: Route
    species: str | None
    wood_density_t_m3: Annotated[float, Field(gt=0, lt=2)] | None
    bef: Annotated[float, Field(ge=1, le=10)] | None
    root_ratio: Annotated[float, Field(gt=0, le=5)] | None
    carbon_fraction: Annotated[float, Field(gt=0, le=1)] | None

    @model_validator(mode="after")
    def _fits_route(self) -> "TreeRoute":
        own = {
            name for name in ("wood_density_t_m3", "bef", "root_ratio", "carbon_fraction")
            if getattr(self, name) is not None
        }  # fmt: skip
        if self.route != "bef" and own & {"wood_density_t_m3", "bef"}:
            raise invalid(f"层 {self.id}：木材密度和扩展因子只用于蓄积扩展法")
        if self.route == "stand_equation" and "root_ratio" in own:
            raise invalid(f"层 {self.id}：林分方程已含地下部分，不填根茎比")
        if self.route == "allometry" and self.species is not None:
            raise invalid(f"层 {self.id}：逐木法的树种写在每木检尺表中，此处不填")
        if self.route == "stand_equation" and self.species is None:
            raise invalid(f"层 {self.id}：林分方程须选择林分类型")
        if self.route == "bef" and self.species is None and "wood_density_t_m3" not in own:
            raise invalid(f"层 {self.id}：蓄积扩展法须选择树种，或自填木材密度")
        if self.species is not None and self.species not in species_of(self.route):
            raise invalid(f"层 {self.id}：参数表中没有 {self.species}")
        return self


class ForestPlanting(Planting):
    """Of trees: also how each stratum is reckoned."""

    strata: Annotated[list[TreeRoute], Field(min_length=1, description="各层的核算方法")]

    @model_validator(mode="after")
    def _each_once(self) -> "ForestPlanting":
        unique("层", (row.id for row in self.strata))
        return self

    @property
    def strata_named(self) -> list[str]:
        """Return every stratum."""
        return [row.id for row in self.strata]

    def of_stratum(self, stratum: str, start: date, end: date) -> dict[str, Any]:
        """Return its route with its numbers."""
        [row] = [row for row in self.strata if row.id == stratum]
        return row.model_dump(exclude={"id"}, exclude_none=True)


def species_of(route: Route) -> tuple[str, ...]:
    """Return the species or stand types that a route has numbers for; none for single trees."""
    return tuple(required(TABLES[route])) if route in TABLES else ()

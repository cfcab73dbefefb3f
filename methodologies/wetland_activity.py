"""Records of a wetland: what the land is by class, what was measured on it, and what is stated of it.

Like all records they hold no default. Sources of the fields: method text 3.1-3.6.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from methodologies.activity_record import Practice, Record
from methodologies.inputs import Amount, Share, invalid
from methodologies.wetland_balance_v1_input import Climate

# Half-width over the term; a term near nought may be known to several times itself.
Assessed = Annotated[float, Field(ge=0, le=10)] | None


class OnWetland(Record):
    """Of one class of land within a parcel; several classes of a parcel stand side by side."""

    # Coastal wetland has methods of its own (CCER-14-002 to 004) and no record here.
    land_class: Literal[
        "natural_lake", "river", "reservoir", "pond", "ditch", "marsh", "swamp", "paddy"
    ]

    @property
    def slot(self) -> str:
        """Return the class of land."""
        return self.land_class


class WetlandLand(OnWetland, Practice):
    """What the land is: one class of it, by its share of the parcel.

    flooded_years : of a reservoir, since it was filled; organic_soil : None on mineral soil
    rewetted_in_year, former_use : of a marsh on mineral soil whose soil gains by default factors
    """

    area_share: Annotated[float, Field(gt=0, le=1)]
    climate: Climate
    origin: Literal["natural", "rewetted", "created"]
    flooded_years: Amount | None
    dam_outlet: bool
    trophic_state: Literal["oligotrophic", "mesotrophic", "eutrophic", "hypereutrophic"] | None
    organic_soil: Literal["rich", "poor"] | None
    aquaculture: bool
    rewetted_in_year: Annotated[int, Field(ge=1900, le=2100)] | None
    former_use: Literal["cultivated", "pond", "paddy"] | None
    soc_ref_t_ha: Annotated[float, Field(gt=0)] | None

    @model_validator(mode="after")
    def _consistent(self) -> "WetlandLand":
        if (self.land_class == "reservoir") != (self.flooded_years is not None):
            raise invalid("水库须填蓄水年数，其他地类不填")
        if (self.rewetted_in_year is None) != (self.former_use is None):
            raise invalid("复湿年份与原用途须同时填写，或都不填")
        if self.soc_ref_t_ha is not None and self.rewetted_in_year is None:
            raise invalid("土壤碳参照储量只用于复湿的土壤，须同时填复湿年份与原用途")
        return self

    def fault_of_year(self, year: int) -> str | None:
        """Return that the land was rewetted later, where it was."""
        if self.rewetted_in_year is not None and self.rewetted_in_year > year:
            return f"复湿年份 {self.rewetted_in_year} 晚于记录的年份 {year}"
        return None


class WetlandGas(OnWetland, Practice):
    """Gases and dissolved carbon measured in a year; None where it was not measured."""

    ch4_kg_ha: Amount | None
    ch4_campaigns: Annotated[int, Field(ge=1)] | None
    ch4_ebullition: bool | None
    n2o_kg_ha: Amount | None
    doc_mg_l: Amount | None
    water_depth_m: Amount | None

    @model_validator(mode="after")
    def _consistent(self) -> "WetlandGas":
        measured = (self.ch4_kg_ha, self.ch4_campaigns, self.ch4_ebullition)
        if len({value is None for value in measured}) > 1:
            raise invalid("甲烷的实测值、测次和是否含冒泡须同时填写，或都不填")
        if (self.doc_mg_l is None) != (self.water_depth_m is None):
            raise invalid("溶解有机碳与水深须同时填写，或都不填")
        return self


class WetlandBurial(OnWetland, Practice):
    """Carbon buried in sediment, from dated cores (210Pb, 137Cs)."""

    mar_g_cm2_year: Amount
    toc_share: Share
    allochthonous_share: Share | None
    cores: Annotated[int, Field(ge=0)]
    reviewed: bool


class WetlandWood(OnWetland, Practice):
    """Woody biomass of the class of land at the end of two years.

    The difference is that of the years after the first up to the last, an equal part in each, so
    that a record is of one of them and their parts make the whole.
    """

    wood_year_start: Annotated[int, Field(ge=1900, le=2100)]
    wood_agb_t_ha_start: Amount
    wood_year_end: Annotated[int, Field(ge=1900, le=2100)]
    wood_agb_t_ha_end: Amount
    root_ratio: Amount | None
    carbon_fraction: Annotated[float, Field(gt=0, le=1)] | None

    def fault_of_year(self, year: int) -> str | None:
        """Return that the year is none of those between the measurements, where it is not."""
        if self.wood_year_start < year <= self.wood_year_end:
            return None
        return (
            f"两次测定在 {self.wood_year_start}、{self.wood_year_end} 年末，其差只属于其间各年，"
            f"不是 {year} 年"
        )


class WetlandHerb(OnWetland, Practice):
    """A lasting change of a herb stand, as a share of the area of its class of land, below nought
    where it shrank; and its standing stock by quadrats."""

    stand_change_share: Annotated[float, Field(ge=-1, le=1)]
    herb_agb_t_ha: Amount
    herb_bgb_t_ha: Amount
    species: Literal["zizania", "other"]


class WetlandActivity(Record):
    """What the project does on the land, and under which conditions.

    owed_area_share : of the parcel, what fulfils an obligation to restore (占补平衡)
    """

    IS_YEARLY = False

    activity: Literal["restoration", "rewetting", "planting", "water_level", "protection"]
    hydrology_monitored: bool
    required_by_permit: bool
    owed_area_share: Share
    peat_extraction: bool
    drains_other_wetland: bool
    invasive_species: bool


class WetlandErrors(Record):
    """The 95 % uncertainty assessed for each term of the balance, relative to it; None where nobody
    has assessed it."""

    IS_YEARLY = False

    wood_u95_share: Assessed
    herb_u95_share: Assessed
    burial_u95_share: Assessed
    soil_u95_share: Assessed
    ch4_u95_share: Assessed
    n2o_u95_share: Assessed
    flood_co2_u95_share: Assessed

"""The input of wetland-balance/1: units of land, the activity, the policy, and two that run."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import farmland_v1
from methodologies.inputs import Amount, Area, Identifier, Model, Share, invalid, unique

LandClass = Literal[
    "natural_lake", "river", "reservoir", "pond", "ditch", "marsh", "swamp", "paddy", "coastal"
]


# Where the surface is water: nothing woody stands on it.
OPEN_WATER = ("natural_lake", "river", "reservoir", "pond")
Climate = Literal[
    "boreal",
    "cool_temperate_dry",
    "cool_temperate_moist",
    "warm_temperate_dry",
    "warm_temperate_moist",
    "tropical_dry",
    "tropical_moist",
]
Pool = Literal["wood", "herb", "burial", "soil", "ch4", "n2o", "flood_co2"]


class Measured(Model):
    """Methane measured on the land."""

    kg_ha_year: Annotated[float, Field(ge=0, description="千克甲烷/公顷/年")]
    campaigns: Annotated[int, Field(ge=1, description="测次，须不少于 12（逐月）")]
    ebullition: Annotated[bool, Field(description="是否含冒泡排放；只测扩散的不予采用")]


class Burial(Model):
    """Sediment dated by 210Pb or 137Cs; carbon after acid removal of carbonate."""

    mar_g_cm2_year: Annotated[float, Field(ge=0, description="质量堆积速率")]
    toc_share: Annotated[Share, Field(description="有机碳含量，0.012 为 1.2 %")]
    allochthonous_share: Annotated[Share, Field(description="外来碳比例")] | None = None
    cores: Annotated[int, Field(ge=0)]
    reviewed: Annotated[bool, Field(description="超常值已经专家复核")] = False


class Rewetted(Model):
    """Rewetted or created wetland on mineral soil; its year counts from 1."""

    year_since_rewetting: Annotated[int, Field(ge=1, le=200)]
    soc_ref_t_ha: Annotated[float, Field(gt=0)] | None = None
    former_use: Annotated[
        Literal["cultivated", "pond", "paddy"],
        Field(description="原用途；原为鱼塘或稻田的不计缺省土壤增益"),
    ]


class Wood(Model):
    """Woody biomass at two dates."""

    agb_t_ha_start: Amount
    agb_t_ha_end: Amount
    years: Annotated[float, Field(gt=0)]
    root_ratio: Annotated[float, Field(ge=0)] | None = None
    carbon_fraction: Annotated[float, Field(gt=0, le=1)] | None = None


class Herb(Model):
    """A lasting change of the area of a herb stand, with its standing stock by quadrats."""

    delta_area_ha: float
    agb_t_ha: Amount
    bgb_t_ha: Amount
    species: Literal["zizania", "other"] = "other"


class Doc(Model):
    """Dissolved organic carbon of the water."""

    mg_l: Amount
    depth_m: Amount


class Unit(Model):
    """A piece of land of one class."""

    id: Identifier
    area_ha: Area
    land_class: LandClass
    climate: Annotated[Climate, Field(description="IPCC 气候区；缺省为湖州所在的暖温带湿润区")] = (
        "warm_temperate_moist"
    )
    origin: Literal["natural", "rewetted", "created"] = "natural"
    ch4_measured: Measured | None = None
    flooded_years: Annotated[float, Field(ge=0, description="水库蓄水年数")] | None = None
    dam_outlet: bool = False
    trophic_state: (
        Annotated[
            Literal["oligotrophic", "mesotrophic", "eutrophic", "hypereutrophic"],
            Field(description="只有实测叶绿素 a 时才填"),
        ]
        | None
    ) = None
    organic_soil: Literal["rich", "poor"] | None = None
    aquaculture: bool = False
    n2o_kg_ha: Amount | None = None
    burial: Burial | None = None
    rewetted: Rewetted | None = None
    wood: Wood | None = None
    herb: Herb | None = None
    doc: Doc | None = None

    @model_validator(mode="after")
    def _one_pool_once(self) -> "Unit":
        if self.burial is not None and self.rewetted is not None:
            raise invalid(f"{self.id}：沉积埋藏与土壤增益是同一碳库的两种算法，同一面积只能用一种")
        if self.rewetted is not None and self.organic_soil is not None:
            raise invalid(f"{self.id}：rewetted 是矿质土的土壤增益，不得与有机土 organic_soil 同填")
        return self

    @model_validator(mode="after")
    def _pools_fit_the_land(self) -> "Unit":
        """Method text 3.1 (which soil), 6 item 7 (no woody biomass on open water)."""
        if self.wood is not None and self.land_class in OPEN_WATER:
            raise invalid(f"{self.id}：开阔水面没有木本生物量；请把林木所在的沼泽另列一个单元")
        if self.rewetted is not None and self.land_class not in ("marsh", "swamp"):
            raise invalid(f"{self.id}：rewetted 只用于恢复或新建的沼泽（marsh、swamp）")
        if self.burial is not None and self.land_class == "paddy":
            raise invalid(f"{self.id}：稻田不是长期淹水的沉积环境，不计沉积埋藏")
        return self


class Activity(Model):
    """What was done, and the conditions of DELTA."""

    kind: Literal["restoration", "rewetting", "planting", "water_level", "protection"]
    title_clear: bool
    hydrology_monitored: bool
    required_by_permit: Annotated[bool, Field(description="是否占用湿地许可要求的补建")] = False
    peat_extraction: bool = False
    drains_other_wetland: bool = False
    invasive_species: bool = False


class Policy(farmland_v1.Policy):
    """The registrar's decisions."""

    herb_gain: Literal["never", "once_5_years"] = "never"


class Wetland(Model):
    """One year of a wetland; without baseline units there is no DELTA."""

    units: Annotated[list[Unit], Field(min_length=1)]
    baseline_units: list[Unit] | None = None
    activity: Activity
    owed_area_ha: Annotated[float, Field(ge=0, description="用于履行补建义务的面积")] = 0.0
    u95_share: Annotated[
        dict[Pool, Annotated[float, Field(ge=0)]],
        Field(description="各分量评定的 95 % 相对不确定性，0.5 表示 50 %"),
    ] = Field(default_factory=dict)
    policy: Policy

    @model_validator(mode="after")
    def _same_land(self) -> "Wetland":
        for name, units in (("units", self.units), ("baseline_units", self.baseline_units or ())):
            unique(name, (u.id for u in units))
        if self.baseline_units:
            now, before = (
                math.fsum(u.area_ha for u in units) for units in (self.units, self.baseline_units)
            )
            if abs(now - before) > 0.001 * now:
                raise invalid(f"基线面积 {before:g} 公顷与项目面积 {now:g} 公顷不同，须是同一块地")
        return self


def example() -> dict[str, Any]:
    """Return an input that runs: 20 ha from an eutrophic fish pond to marsh (W-3, measured before)."""
    return {
        "units": [
            {"id": "M-1", "area_ha": 20.0, "land_class": "marsh", "origin": "created"},
        ],
        "baseline_units": [
            {
                "id": "P-1",
                "area_ha": 20.0,
                "land_class": "pond",
                "ch4_measured": {"kg_ha_year": 598.05, "campaigns": 12, "ebullition": True},
                "n2o_kg_ha": 0.0,
            }
        ],
        "activity": {
            "kind": "restoration",
            "title_clear": True,
            "hydrology_monitored": True,
            "required_by_permit": False,
        },
        "owed_area_ha": 0.0,
        "u95_share": {"ch4": 0.6},
        "policy": {
            "deduction": "poe_flat",
            "buffer_share": 0.10,
            "gwp_set": "ar5",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "herb_gain": "never",
        },
    }


def mosaic() -> dict[str, Any]:
    """Return the 100 ha of example W-1: open water, reed, swamp and pond; balance only."""
    burial = {
        "mar_g_cm2_year": 0.30,
        "toc_share": 0.012,
        "allochthonous_share": 0.4,
        "cores": 3,
    }
    wood = {"agb_t_ha_start": 120.0, "agb_t_ha_end": 132.0, "years": 5.0}
    return {
        **example(),
        "units": [
            {"id": "water", "area_ha": 55.0, "land_class": "natural_lake", "burial": burial},
            {
                "id": "reed",
                "area_ha": 30.0,
                "land_class": "marsh",
                "origin": "created",
                "burial": burial,
            },
            {
                "id": "metasequoia",
                "area_ha": 10.0,
                "land_class": "swamp",
                "origin": "created",
                "wood": wood,
            },
            {"id": "pond", "area_ha": 5.0, "land_class": "pond"},
        ],
        "baseline_units": None,
        "u95_share": {"burial": 0.5, "wood": 0.3, "ch4": 0.6},
    }

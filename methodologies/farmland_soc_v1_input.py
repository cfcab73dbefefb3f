"""The input of farmland-soc/1: soils, ways of farming year by year, policy; the tree of input levels."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import farmland_v1
from methodologies.base import MethodInputInvalid
from methodologies.farmland_v1 import Gates, Imported
from methodologies.inputs import Area, Model, invalid

WARM_MOIST, WARM_DRY, COOL_MOIST, TROPICAL = (
    "warm_temperate_moist",
    "warm_temperate_dry",
    "cool_temperate_moist",
    "tropical_moist",
)
Climate = Literal[
    "warm_temperate_moist", "warm_temperate_dry", "cool_temperate_moist", "tropical_moist"
]
Soil = Literal["HAC", "LAC", "SAN", "POD", "VOL", "WET"]
LandUse = Literal["long_term_cultivated", "paddy", "set_aside", "perennial", "native"]
InputLevel = Literal["low", "medium", "high_without_manure", "high_with_manure"]
Number = Annotated[float, Field(gt=0)]


class Practices(Model):
    """What decides the input level; a practice counts on more than 30 % of the area."""

    residue_removed: Annotated[bool, Field(description="秸秆移走或焚烧")]
    animal_manure: Annotated[bool, Field(description="经常施用畜禽粪肥")]
    low_residue_crop: Annotated[bool, Field(description="低残茬作物（占 70 % 以上）")]
    bare_fallow: bool
    nitrogen: Annotated[bool, Field(description="施矿质氮或种固氮作物")]
    carbon_raising: Annotated[bool, Field(description="灌溉、覆盖作物、绿肥、非畜禽有机肥等")]


class Management(Model):
    """A way of farming. Local factors take precedence over the table; they have no spread."""

    land_use: LandUse
    tillage: Literal["full", "reduced", "none"] | None = None
    input_level: InputLevel | None = None
    practices: Practices | None = None
    flu: Number | None = None
    fmg: Number | None = None
    fi: Number | None = None

    @model_validator(mode="after")
    def _managed(self) -> "Management":
        if self.input_level is not None and self.practices is not None:
            raise invalid("input_level 与 practices 只能填一个")
        if self.land_use == "long_term_cultivated":
            if self.tillage is None and self.fmg is None:
                raise invalid("旱地须填耕作方式 tillage（或本地因子 fmg）")
            if self.input_level is None and self.practices is None and self.fi is None:
                raise invalid("旱地须填 input_level 或 practices（或本地因子 fi）")
        return self


class Regime(Management):
    """A way of farming from a year on; the stock of that year is still that of the regime before."""

    from_year: Annotated[int, Field(ge=1900, le=2200)]


class SoilClass(Model):
    """Area of one combination of climate and soil."""

    area_ha: Area
    climate: Climate = "warm_temperate_moist"
    soil: Soil
    soc_ref_t_ha: Annotated[float, Field(gt=0, description="本地参照碳储量")] | None = None


class Years(Model):
    """[start, end): the stock of the end year minus that of the start year."""

    start: Annotated[int, Field(ge=1900, le=2200)]
    end: Annotated[int, Field(ge=1900, le=2200)]

    @model_validator(mode="after")
    def _forward(self) -> "Years":
        if self.end <= self.start:
            raise invalid("终止年须晚于起始年")
        return self


class Policy(farmland_v1.Policy):
    """The registrar's decisions."""

    issue_tier1: Annotated[bool, Field(description="缺省因子的土壤碳是否签发（建议否）")] | None = (
        None
    )


class FarmlandSoc(Model):
    """A parcel, its soils, and how it was, would have been and is farmed."""

    classes: Annotated[list[SoilClass], Field(min_length=1)]
    parcel_area_ha: Area | None = None
    years: Years
    baseline: Annotated[list[Regime], Field(min_length=1)]
    project: Annotated[list[Regime], Field(min_length=1)]
    report_years: list[int] = Field(default_factory=list)
    committed_years: Annotated[int, Field(ge=0, description="此后保持同一种植面积的年数")] = 5
    gates: Gates = Gates()
    imported: list[Imported] = Field(default_factory=list)
    policy: Policy

    @model_validator(mode="after")
    def _ordered(self) -> "FarmlandSoc":
        for name, regimes in (("baseline", self.baseline), ("project", self.project)):
            years = [r.from_year for r in regimes]
            if years != sorted(set(years)):
                raise invalid(f"{name} 的 from_year 须逐个递增")
            if years[0] > self.years.start:
                raise invalid(f"{name} 的第一个做法须早于或等于核算起始年")
        return self


def input_level(p: Practices) -> InputLevel:
    """Return the input level by the decision tree of IPCC 2019 as HESTIA writes it."""
    kept = not p.residue_removed
    poor = p.low_residue_crop or p.bare_fallow
    rich = kept and not poor and p.nitrogen
    if rich and p.animal_manure:
        return "high_with_manure"
    if rich and p.carbon_raising:
        return "high_without_manure"
    if (
        (p.residue_removed and p.animal_manure)
        or (kept and poor and p.carbon_raising)
        or (kept and not poor and not p.nitrogen and p.carbon_raising)
        or rich
    ):
        return "medium"
    if p.residue_removed or (poor and not p.carbon_raising) or not (p.nitrogen or p.carbon_raising):
        return "low"
    raise MethodInputInvalid("无法判定有机物投入水平；请直接填写 input_level。")


def example() -> dict[str, Any]:
    """Return an input that runs: 25.6 ha of dry land, one year, the example F-1 of the method text.

    issue_tier1 is on so that every step can be seen; the suggestion is off.
    """
    before = {
        "from_year": 2000,
        "land_use": "long_term_cultivated",
        "tillage": "full",
        "input_level": "low",
    }
    return {
        "classes": [{"area_ha": 25.6, "climate": WARM_MOIST, "soil": "HAC"}],
        "parcel_area_ha": None,
        "years": {"start": 2024, "end": 2025},
        "baseline": [dict(before)],
        "project": [
            dict(before),
            {
                "from_year": 2024,
                "land_use": "long_term_cultivated",
                "tillage": "reduced",
                "practices": {
                    "residue_removed": False,
                    "animal_manure": False,
                    "low_residue_crop": False,
                    "bare_fallow": False,
                    "nitrogen": True,
                    "carbon_raising": True,
                },
            },
        ],
        "report_years": [2034, 2044, 2045],
        "committed_years": 5,
        "gates": {
            "mineral_soil": True,
            "lookback_years": 3,
            "yield_change_share": 0.0,
            "practice_change_share": 1.0,
        },
        "imported": [],
        "policy": {
            "deduction": "poe_flat",
            "buffer_share": 0.10,
            "gwp_set": "ar5",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "issue_tier1": True,
        },
    }

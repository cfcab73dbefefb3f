"""The input of `moso-mgmt/1`: what a monitoring round hands over, checked before any arithmetic.

Unknown keys are refused, so that a misspelt field can't be taken for an absent one. Numbers are
numbers (no text, no bool, no NaN). Biomass is above-ground dry matter in t/ha; uncertainty given
for maps is one standard deviation of the mean of the stratum or parcel.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import inputs, moso_stand_v1
from methodologies.eligibility import BambooManagement
from methodologies.emissions import Climate, GwpSet
from methodologies.inputs import Amount, Area, Baseline, Identifier, Model, Period, invalid, unique

Phase = Literal["on", "off", "mixed", "unknown"]
BgbMode = Literal["proportional", "none"]
Agb = Annotated[float, Field(ge=0, description="地上生物量，吨干物质/公顷")]
Stderr = Annotated[float, Field(ge=0, description="均值的一倍标准差，吨干物质/公顷")]


class CulmRow(Model):
    """Culms of one diameter and age. Exactly one of age_du and age_years."""

    dbh_cm: Annotated[float, Field(gt=0, description="胸径，厘米")]
    age_du: Annotated[int, Field(ge=1, description="竹龄，度")] | None = None
    age_years: Annotated[int, Field(ge=1, description="竹龄，年")] | None = None
    count: Annotated[int, Field(ge=1, description="株数")] = 1

    @model_validator(mode="after")
    def _one_age(self) -> "CulmRow":
        if (self.age_du is None) == (self.age_years is None):
            raise invalid("age_du（度）与 age_years（年）须且只能填一个")
        return self

    def culms(self) -> moso_stand_v1.Culms:
        """Return the row with its age in du."""
        if self.age_du is not None:
            return moso_stand_v1.Culms(self.dbh_cm, self.age_du, self.count)
        assert self.age_years is not None
        return moso_stand_v1.Culms(self.dbh_cm, moso_stand_v1.age_du(self.age_years), self.count)


class Plot(Model):
    """A permanent plot measured at both dates: biomass, or its culms with area and slope."""

    id: Identifier
    agb_t_ha_start: Agb | None = None
    agb_t_ha_end: Agb | None = None
    culms_start: list[CulmRow] | None = None
    culms_end: list[CulmRow] | None = None
    area_m2: Annotated[float, Field(gt=0, description="样地面积（沿坡面量），平方米")] | None = None
    slope_deg: Annotated[float, Field(ge=0, le=60, description="坡度，度")] = 0.0
    map_agb_t_ha_start: Agb | None = None
    map_agb_t_ha_end: Agb | None = None

    @model_validator(mode="after")
    def _one_measurement(self) -> "Plot":
        agb = (self.agb_t_ha_start is not None, self.agb_t_ha_end is not None)
        culms = (self.culms_start is not None, self.culms_end is not None)
        if agb not in ((True, True), (False, False)) or culms not in ((True, True), (False, False)):
            raise invalid(f"样地 {self.id}：期初与期末须同时填写")
        if agb[0] == culms[0]:
            raise invalid(f"样地 {self.id}：地上生物量与每木检尺须且只能填一种")
        if culms[0] and self.area_m2 is None:
            raise invalid(f"样地 {self.id}：每木检尺须填样地面积 area_m2")
        if (self.map_agb_t_ha_start is None) != (self.map_agb_t_ha_end is None):
            raise invalid(f"样地 {self.id}：图上期初与期末生物量须同时填写")
        return self

    @property
    def has_map(self) -> bool:
        """Return whether the map was read at this plot."""
        return self.map_agb_t_ha_start is not None


class Stratum(Model):
    """A stratum: area, mean of the map on it at both dates, and its plots."""

    id: Identifier
    area_ha: Area
    map_agb_t_ha_start: Agb | None = None
    map_agb_t_ha_end: Agb | None = None
    map_stderr_t_ha_start: Stderr | None = None
    map_stderr_t_ha_end: Stderr | None = None
    plots: list[Plot] = Field(default_factory=list)

    @model_validator(mode="after")
    def _map_whole(self) -> "Stratum":
        if (self.map_agb_t_ha_start is None) != (self.map_agb_t_ha_end is None):
            raise invalid(f"层 {self.id}：图上期初与期末生物量须同时填写")
        if (self.map_stderr_t_ha_start is None) != (self.map_stderr_t_ha_end is None):
            raise invalid(f"层 {self.id}：图上期初与期末标准差须同时填写或同时为空")
        with_map = sum(plot.has_map for plot in self.plots)
        if with_map not in (0, len(self.plots)):
            raise invalid(
                f"层 {self.id}：{len(self.plots)} 个样地中只有 {with_map} 个有图上值，须全有或全无"
            )
        if with_map and not self.has_map:
            raise invalid(f"层 {self.id}：样地有图上值，而层没有图上均值")
        return self

    @property
    def has_map(self) -> bool:
        """Return whether the mean of the map over the stratum is known."""
        return self.map_agb_t_ha_start is not None


class Parcel(Model):
    """A parcel of a stratum that takes its share of the result."""

    id: Identifier
    stratum: Identifier
    area_ha: Area
    map_agb_t_ha_start: Agb | None = None
    map_agb_t_ha_end: Agb | None = None
    map_stderr_t_ha_start: Stderr | None = None
    map_stderr_t_ha_end: Stderr | None = None

    @model_validator(mode="after")
    def _map_whole(self) -> "Parcel":
        if (self.map_agb_t_ha_start is None) != (self.map_agb_t_ha_end is None):
            raise invalid(f"地块 {self.id}：图上期初与期末生物量须同时填写")
        if (self.map_stderr_t_ha_start is None) != (self.map_stderr_t_ha_end is None):
            raise invalid(f"地块 {self.id}：图上期初与期末标准差须同时填写或同时为空")
        return self


class Fire(Model):
    """A burn. combustion_factor null: the registrar's factor is needed."""

    area_ha: Area
    agb_t_ha: Agb
    combustion_factor: Annotated[float, Field(ge=0, le=1, description="燃烧系数")] | None = None


class Emissions(Model):
    """Fertiliser over the whole period and area, with and without the project, and fires."""

    fertiliser_n_kg_project: Amount = 0.0
    fertiliser_n_kg_baseline: Amount = 0.0
    organic_n_kg_project: Amount = 0.0
    organic_n_kg_baseline: Amount = 0.0
    urea_t_project: Amount = 0.0
    urea_t_baseline: Amount = 0.0
    n2o_factors: Climate = "wet"
    fires: list[Fire] = Field(default_factory=list)


class Harvest(Model):
    """Culms taken over the whole period and area, dry matter [t], with and without the project."""

    culms_t_project: Annotated[float, Field(ge=0, description="项目实际采伐竹秆，吨干物质")]
    culms_t_baseline: Annotated[float, Field(ge=0, description="基线采伐竹秆，吨干物质")]


class GainLoss(Model):
    """The other way to the same change: culms recruited and grown, less culms harvested and dead."""

    gain_co2_t: Annotated[float, Field(ge=0, description="新竹与生长，吨二氧化碳")]
    loss_co2_t: Annotated[float, Field(ge=0, description="采伐与枯死，吨二氧化碳")]
    stderr_co2_t: Annotated[float, Field(ge=0, description="增减量之差的标准误，吨二氧化碳")]


class Saturation(Model):
    """The target structure of the stand: credits stop when it is reached."""

    target_agb_t_ha: Agb
    initial_agb_t_ha: Annotated[float, Field(ge=0, description="项目开始时的地上生物量，吨/公顷")]
    credited_before_co2_t: Annotated[float, Field(ge=0, description="以往各期已计入量，吨")] = 0.0


class Policy(Model):
    """The registrar's decisions. A null one is looked up in the factor table, and missed there."""

    deduction: Literal["ar_tool14", "ar_cm", "gs403", "flat", "poe"]
    buffer_share: Annotated[float, Field(ge=0, lt=1, description="缓冲池比例")] | None = None
    gwp_set: GwpSet | None = None
    bgb_change_mode: BgbMode | None = None
    unit_kg: Annotated[int, Field(ge=1, description="最小签发单位，千克")] = 1000
    allocation: Literal["area", "map_change"] = "area"
    min_plots_per_stratum: Annotated[int, Field(ge=2)] = 3
    carried_debit_kg: Annotated[int, Field(ge=0, description="上期结转的负碳汇量，千克")] = 0
    map_strata_correlation: Annotated[float, Field(ge=0, le=1)] = 1.0
    market_leakage_share: (
        Annotated[float, Field(ge=0, le=1, description="少采的竹材由别处补上的比例")] | None
    ) = None


class Round(Model):
    """One monitoring round of one project."""

    period: Period
    phase_start: Phase
    phase_end: Phase
    strata: Annotated[list[Stratum], Field(min_length=1)]
    parcels: list[Parcel] = Field(default_factory=list)
    baseline_co2_t: Baseline
    emissions: Emissions | None = None
    saturation: Saturation | None = None
    tree_loss_co2_t: Annotated[
        float, Field(ge=0, description="散生乔木的损失，吨二氧化碳；增长不计")
    ] = 0.0
    harvest: Harvest | None = None
    gain_loss: Annotated[GainLoss | None, Field(description="增减量法，只用来核对，不计入结果")] = (
        None
    )
    policy: Policy

    @model_validator(mode="after")
    def _ids_and_references(self) -> "Round":
        unique("层", (stratum.id for stratum in self.strata))
        unique("样地", (plot.id for stratum in self.strata for plot in stratum.plots))
        unique("地块", (parcel.id for parcel in self.parcels))
        known = {stratum.id for stratum in self.strata}
        for parcel in self.parcels:
            if parcel.stratum not in known:
                raise invalid(f"地块 {parcel.id} 所属的层 {parcel.stratum} 不存在")
            if self.policy.allocation == "map_change" and parcel.map_agb_t_ha_start is None:
                raise invalid(f"按图上变化量分配时，地块 {parcel.id} 须有两期图上生物量")
        return self


class ManagementRound(Round):
    """A round of managed bamboo; its conditions are checked where they are given."""

    eligibility: BambooManagement | None = None


def parse(data: Mapping[str, Any]) -> ManagementRound:
    """Return the checked input; MethodInputInvalid, naming each faulty field, if it is not."""
    return inputs.parse(ManagementRound, data)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(
        ManagementRound, "moso-mgmt/1", "毛竹林经营碳汇（moso-mgmt/1）一个监测期的输入"
    )


def example() -> dict[str, Any]:
    """Return an input that runs: 500 ha in one stratum, 30 plots, map corrected by the plots.

    The numbers are invented; they describe no real forest.
    """
    # Their area-weighted means are those of the stratum.
    parcels = [
        ("A-1", 200.0, 52.0, 57.0),
        ("A-2", 200.0, 54.0, 58.5),
        ("A-3", 100.0, 54.25, 59.3125),
    ]
    return {
        "period": {"start": "2023-01-01", "end": "2025-01-01"},
        "phase_start": "on",
        "phase_end": "on",
        "eligibility": {
            "crown_closure": 0.80,
            "tree_closure": 0.05,
            "smallest_parcel_ha": 1.2,
            "culm_height_m": 12.0,
            "culm_dbh_cm": 9.5,
            "wetland": False,
            "organic_soil": False,
            "law_breached": False,
            "litter_removed": False,
            "scattered_trees_removed": False,
            "deep_tillage": False,
            "fertiliser_covered": True,
            "management_measure": True,
        },
        "strata": [
            {
                "id": "A",
                "area_ha": 500.0,
                "map_agb_t_ha_start": 53.25,
                "map_agb_t_ha_end": 58.0625,
                "map_stderr_t_ha_start": 4.1,
                "map_stderr_t_ha_end": 4.4,
                "plots": _example_plots(),
            }
        ],
        "parcels": [
            {
                "id": name,
                "stratum": "A",
                "area_ha": area_ha,
                "map_agb_t_ha_start": start,
                "map_agb_t_ha_end": end,
            }
            for name, area_ha, start, end in parcels
        ],
        "baseline_co2_t": {"co2_t": 0.0, "u90": 0.0},
        "emissions": {"fertiliser_n_kg_project": 0.0, "fertiliser_n_kg_baseline": 0.0},
        "policy": {
            "deduction": "ar_tool14",
            "buffer_share": 0.10,
            "gwp_set": "ar6",
            "unit_kg": 1000,
            "bgb_change_mode": "proportional",
            "allocation": "area",
            "min_plots_per_stratum": 3,
            "carried_debit_kg": 0,
        },
    }


def _example_plots() -> list[dict[str, Any]]:
    """Return plots at which the mean error of the map is -0.4 and its standard deviation 3.0 t/ha."""
    n = 30
    spread = math.sqrt(math.fsum((i - (n - 1) / 2) ** 2 for i in range(n)) / (n - 1))
    plots = []
    for place in range(n):
        rank = place * 7 % n
        error = -0.4 + 3.0 * (rank - (n - 1) / 2) / spread
        map_start = 44.0 + place * 11 % 19
        map_change = 4.0 + 0.5 * (place % 4)
        agb_start = map_start + 1.5 - 0.25 * (place % 9)
        plots.append(
            {
                "id": f"P{place + 1:02d}",
                "agb_t_ha_start": agb_start,
                "agb_t_ha_end": round(agb_start + map_change + error, 6),
                "map_agb_t_ha_start": map_start,
                "map_agb_t_ha_end": map_start + map_change,
            }
        )
    return plots

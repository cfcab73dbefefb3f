"""The input of `moso-mgmt/1`: what a monitoring round hands over, checked before any arithmetic.

Unknown keys are refused, so that a misspelt field can't be taken for an absent one. Numbers are
numbers (no text, no bool, no NaN). Biomass is above-ground dry matter in t/ha; uncertainty given
for maps is one standard deviation of the mean of the stratum or parcel.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from methodologies import moso_stand_v1
from methodologies.base import MethodInputInvalid
from methodologies.emissions import Climate, GwpSet

Phase = Literal["on", "off", "mixed", "unknown"]
BgbMode = Literal["proportional", "none"]
Identifier = Annotated[str, Field(min_length=1, max_length=200)]
Area = Annotated[float, Field(gt=0, description="面积，公顷")]
Agb = Annotated[float, Field(ge=0, description="地上生物量，吨干物质/公顷")]
Stderr = Annotated[float, Field(ge=0, description="均值的一倍标准差，吨干物质/公顷")]
Amount = Annotated[float, Field(ge=0)]
Day = Annotated[date, Field(strict=False)]


def _invalid(message: str) -> PydanticCustomError:
    return PydanticCustomError("registry", "{text}", {"text": message})


class Model(BaseModel):
    """Strict, closed and frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Period(Model):
    """Half-open: the end day is the first that no longer belongs."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _runs_forward(self) -> "Period":
        if self.end <= self.start:
            raise _invalid(f"监测期终止日 {self.end} 须晚于起始日 {self.start}")
        return self


class CulmRow(Model):
    """Culms of one diameter and age. Exactly one of age_du and age_years."""

    dbh_cm: Annotated[float, Field(gt=0, description="胸径，厘米")]
    age_du: Annotated[int, Field(ge=1, description="竹龄，度")] | None = None
    age_years: Annotated[int, Field(ge=1, description="竹龄，年")] | None = None
    count: Annotated[int, Field(ge=1, description="株数")] = 1

    @model_validator(mode="after")
    def _one_age(self) -> "CulmRow":
        if (self.age_du is None) == (self.age_years is None):
            raise _invalid("age_du（度）与 age_years（年）须且只能填一个")
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
            raise _invalid(f"样地 {self.id}：期初与期末须同时填写")
        if agb[0] == culms[0]:
            raise _invalid(f"样地 {self.id}：地上生物量与每木检尺须且只能填一种")
        if culms[0] and self.area_m2 is None:
            raise _invalid(f"样地 {self.id}：每木检尺须填样地面积 area_m2")
        if (self.map_agb_t_ha_start is None) != (self.map_agb_t_ha_end is None):
            raise _invalid(f"样地 {self.id}：图上期初与期末生物量须同时填写")
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
    plots: list[Plot] = []

    @model_validator(mode="after")
    def _map_whole(self) -> "Stratum":
        if (self.map_agb_t_ha_start is None) != (self.map_agb_t_ha_end is None):
            raise _invalid(f"层 {self.id}：图上期初与期末生物量须同时填写")
        if (self.map_stderr_t_ha_start is None) != (self.map_stderr_t_ha_end is None):
            raise _invalid(f"层 {self.id}：图上期初与期末标准差须同时填写或同时为空")
        with_map = sum(plot.has_map for plot in self.plots)
        if with_map not in (0, len(self.plots)):
            raise _invalid(
                f"层 {self.id}：{len(self.plots)} 个样地中只有 {with_map} 个有图上值，须全有或全无"
            )
        if with_map and not self.has_map:
            raise _invalid(f"层 {self.id}：样地有图上值，而层没有图上均值")
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
            raise _invalid(f"地块 {self.id}：图上期初与期末生物量须同时填写")
        if (self.map_stderr_t_ha_start is None) != (self.map_stderr_t_ha_end is None):
            raise _invalid(f"地块 {self.id}：图上期初与期末标准差须同时填写或同时为空")
        return self


class Baseline(Model):
    """Removal without the project over the whole period [tCO2], and its relative half-width."""

    co2_t: Annotated[float, Field(description="基线情景下的碳汇量，吨二氧化碳，全监测期")]
    u90: Annotated[float, Field(ge=0, description="90 % 置信度相对不确定性，0.12 表示 12 %")]


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
    fires: list[Fire] = []


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


class Round(Model):
    """One monitoring round of one project."""

    period: Period
    phase_start: Phase
    phase_end: Phase
    strata: Annotated[list[Stratum], Field(min_length=1)]
    parcels: list[Parcel] = []
    baseline_co2_t: Baseline
    emissions: Emissions | None = None
    saturation: Saturation | None = None
    policy: Policy

    @model_validator(mode="after")
    def _ids_and_references(self) -> "Round":
        _unique("层", (stratum.id for stratum in self.strata))
        _unique("样地", (plot.id for stratum in self.strata for plot in stratum.plots))
        _unique("地块", (parcel.id for parcel in self.parcels))
        known = {stratum.id for stratum in self.strata}
        for parcel in self.parcels:
            if parcel.stratum not in known:
                raise _invalid(f"地块 {parcel.id} 所属的层 {parcel.stratum} 不存在")
            if self.policy.allocation == "map_change" and parcel.map_agb_t_ha_start is None:
                raise _invalid(f"按图上变化量分配时，地块 {parcel.id} 须有两期图上生物量")
        return self


def parse(data: Mapping[str, Any]) -> Round:
    """Return the checked input; MethodInputInvalid, naming each faulty field, if it is not."""
    try:
        return Round.model_validate(dict(data) if isinstance(data, Mapping) else data)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or '输入'}：{_in_chinese(fault)}"
            for fault in error.errors(include_url=False)
        ]
        raise MethodInputInvalid(
            f"输入有 {len(faults)} 处不符合要求：{'；'.join(faults)}。请按 `methods schema` 修改后重试。"
        ) from None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    found = Round.model_json_schema()
    found["title"] = "moso-mgmt/1"
    found["description"] = "毛竹林经营碳汇（moso-mgmt/1）一个监测期的输入"
    return found


def example() -> dict[str, Any]:
    """Return an input that runs: 500 ha in one stratum, 30 plots, map corrected by the plots.

    The numbers are invented so that the mean error of the map is -0.4 and its standard deviation
    3.0 t/ha; they describe no real forest.
    """
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
        "strata": [
            {
                "id": "A",
                "area_ha": 500.0,
                "map_agb_t_ha_start": 53.25,
                "map_agb_t_ha_end": 58.0625,
                "map_stderr_t_ha_start": 4.1,
                "map_stderr_t_ha_end": 4.4,
                "plots": plots,
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


def _unique(what: str, ids: Iterable[str]) -> None:
    if repeated := sorted(key for key, count in Counter(ids).items() if count > 1):
        raise _invalid(f"{what}编号重复：{'、'.join(repeated)}")


_SAYINGS = {
    "missing": "缺少该项",
    "extra_forbidden": "不认识的字段",
    "float_type": "须为数字",
    "int_type": "须为整数",
    "int_from_float": "须为整数",
    "bool_type": "须为真或假",
    "string_type": "须为文字",
    "string_too_short": "不得为空",
    "list_type": "须为列表",
    "model_type": "须为一个对象",
    "model_attributes_type": "须为一个对象",
    "dict_type": "须为一个对象",
    "finite_number": "须为有限的数字",
    "date_type": "须为日期，如 2023-01-01",
    "date_parsing": "须为日期，如 2023-01-01",
    "date_from_datetime_parsing": "须为日期，如 2023-01-01",
    "too_short": "至少须有一项",
}


def _in_chinese(fault: Mapping[str, Any]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "registry":
        return str(context["text"])
    if kind in _SAYINGS:
        return _SAYINGS[kind]
    if kind == "literal_error":
        return f"须为 {context['expected']} 之一，现为 {fault['input']!r}"
    for name, word in (("gt", "大于"), ("ge", "不小于"), ("lt", "小于"), ("le", "不大于")):
        if name in context:
            return f"须{word} {context[name]:g}，现为 {fault['input']!r}"
    return str(fault["msg"])

"""Methane of paddies under another water and straw management (稻田甲烷减排), version 1.

CH4 = sum over seasons of EFc SFw SFp SFo days area; SFo = (1 + sum ROA CFOA)^0.59, straw dry, others
fresh. Drainage raises N2O by EF1FR; that penalty is taken in full, never reduced by a deduction.
A reduction: no buffer. The baseline is at least as drained as any look-back year was.

Sources: IPCC 2019 Vol. 4 eq 5.1-5.3, Tables 5.11-5.14, 11.1; Verra VM0051 v1.1 as transcribed.
Released 2026-11. Frozen: a change is `paddy_ch4_v2`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from methodologies import factors, farmland_v1, inputs, propagation, settlement
from methodologies.base import Component, Method
from methodologies.explaining import deduction_text, factor_table
from methodologies.farmland_v1 import Gates
from methodologies.inputs import Area, Day, Model, invalid
from methodologies.remarks import Remarks

METHOD_ID = "paddy-ch4/1"
Water = Literal[
    "continuous",
    "single_drainage",
    "multiple_drainage_awd",
    "rainfed_regular",
    "drought_prone",
    "deep_water",
    "upland",
    "irrigated_aggregated",
]
Preseason = Literal[
    "nonflooded_lt180d", "nonflooded_gt180d", "flooded_gt30d", "nonflooded_gt365d", "aggregated"
]
Amendment = Literal["straw_lt30d", "straw_gt30d", "compost", "farmyard_manure", "green_manure"]
Region = Literal["east_asia", "southeast_asia", "south_asia", "world"]
FACTOR_IDS = (
    *(f"rice.efc.{r}" for r in get_args(Region)),
    *(f"rice.cultivation_days.{r}" for r in get_args(Region)),
    *(f"rice.sfw.{w}" for w in get_args(Water)),
    *(f"rice.sfp.{p}" for p in get_args(Preseason)),
    *(f"rice.cfoa.{a}" for a in get_args(Amendment)),
    "rice.sfo_exponent",
    "n2o.ef1fr.aggregated",
    "n2o.ef1fr.continuous_flooding",
    "n2o.ef1fr.single_multiple_drainage",
    "const.n2on_to_n2o",
    "gwp.set",
    "gwp100.ch4.ar5",
    "gwp100.ch4.ar6_nonfossil",
    "gwp100.n2o.ar5",
    "gwp100.n2o.ar6",
    *farmland_v1.DEDUCTION_FACTOR_IDS,
)
# Biogenic methane only; the fossil value 29.8 and the 27.9 without carbon adjustment are not offered.
CH4_GWP_IDS = {"ar5": "gwp100.ch4.ar5", "ar6": "gwp100.ch4.ar6_nonfossil"}
N2O_GWP_IDS = {"ar5": "gwp100.n2o.ar5", "ar6": "gwp100.n2o.ar6"}
# The field is really drained only when it dries for longer than this (AG04.002).
AERATION_DAYS_MIN = 3
SEASON_DAYS_MAX = 365
AWD = "multiple_drainage_awd"


class Organic(Model):
    """Organic matter incorporated; straw left on the surface or burnt does not count."""

    kind: Amendment
    t_ha: Annotated[float, Field(ge=0, description="秸秆为干重，其余为鲜重，吨/公顷")]


class Season(Model):
    """One rice season; days from the dates, else as given, else the regional default."""

    water_regime: Water
    preseason: Preseason
    sow_date: Day | None = None
    harvest_date: Day | None = None
    days: Annotated[float, Field(gt=0, le=SEASON_DAYS_MAX)] | None = None
    amendments: list[Organic] = Field(default_factory=list)
    n_kg_ha: Annotated[float, Field(ge=0, description="施氮量，千克/公顷")] = 0.0
    aeration_days: Annotated[float, Field(ge=0, description="最长一次落干天数")] | None = None

    @model_validator(mode="after")
    def _dates(self) -> "Season":
        if (self.sow_date is None) != (self.harvest_date is None):
            raise invalid("sow_date 与 harvest_date 须同时填写")
        if self.sow_date and self.harvest_date:
            if self.harvest_date <= self.sow_date:
                raise invalid("收获日须晚于播种（移栽）日")
            if (self.harvest_date - self.sow_date).days > SEASON_DAYS_MAX:
                raise invalid(f"一季水稻不得超过 {SEASON_DAYS_MAX} 天；请核对播种（移栽）与收获日")
        return self

    def length_days(self, region: Region, remarks: Remarks) -> float:
        """Return the days under rice; real dates first."""
        if self.sow_date is not None and self.harvest_date is not None:
            return float((self.harvest_date - self.sow_date).days)
        if self.days is not None:
            return self.days
        return remarks.number(f"rice.cultivation_days.{region}")


class Policy(farmland_v1.Policy):
    """The registrar's decisions."""

    water_draws: Annotated[
        Literal["comonotonic", "independent"],
        Field(description="两情景水分因子的抽样：同田同向（建议）或相互独立"),
    ] = "comonotonic"


class Paddy(Model):
    """One year of a paddy: every season without and with the project."""

    area_ha: Area
    region: Region = "east_asia"
    baseline: Annotated[list[Season], Field(min_length=1)]
    project: Annotated[list[Season], Field(min_length=1)]
    lookback_water_regimes: list[Water] = Field(default_factory=list)
    continuous_evidence: Annotated[bool, Field(description="有记录证明基线为长期淹水")] = False
    gates: Gates = Gates()
    policy: Policy


def season_ch4_kg_ha(
    efc: Any, sfw: Any, sfp: Any, loads: Sequence[tuple[float, Any]], exponent: Any, days: float
) -> Any:
    """Return CH4 of one season [kg/ha]. loads : (rate [t/ha], CFOA); numbers or arrays."""
    organic: Any = 1.0
    for rate, conversion in loads:
        organic = organic + rate * conversion
    return efc * sfw * sfp * organic**exponent * days


@dataclass(frozen=True)
class _Sides:
    """The seasons of both scenarios with their days."""

    region: Region
    seasons: Mapping[str, Sequence[tuple[Season, float]]]

    def ch4_kg_ha(self, v: Mapping[str, Any], side: str) -> Any:
        return sum(_season(v, self.region, s, d) for s, d in self.seasons[side])

    def saved_ch4_kg_ha(self, v: Mapping[str, Any]) -> Any:
        return self.ch4_kg_ha(v, "baseline") - self.ch4_kg_ha(v, "project")

    def rows(self, v: Mapping[str, float]) -> dict[str, Any]:
        return {
            side: [_season_row(v, self.region, s, d) for s, d in seasons]
            for side, seasons in self.seasons.items()
        }


@dataclass(frozen=True)
class _MoreN2o:
    """Direct N2O of both scenarios and the penalty for what the project has more of it."""

    kg_ha: Mapping[str, float]
    increase_kg_ha: float
    penalty_t: float


def run(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one year, shaped as `methods run` prints it."""
    given = inputs.parse(Paddy, data)
    remarks = Remarks()
    farmland_v1.check_gates(given.gates, remarks)
    baseline = _as_drained(given, remarks)
    _check_aeration(given.project, remarks)
    gwp_set = remarks.decided(given.policy.gwp_set, "gwp.set", "gwp_set", "ar5")
    gwp_ch4, gwp_n2o = remarks.number(CH4_GWP_IDS[gwp_set]), remarks.number(N2O_GWP_IDS[gwp_set])
    seasons = {"baseline": baseline, "project": list(given.project)}
    sides = _Sides(
        given.region,
        {
            side: [(s, s.length_days(given.region, remarks)) for s in many]
            for side, many in seasons.items()
        },
    )
    ids = _factor_ids(given.region, seasons)
    remarks.used.update(ids)
    spreads = farmland_v1.spreads(ids)
    values = {name: s.value for name, s in spreads.items()}
    co2e_t_per_kg_ha = given.area_ha * gwp_ch4 / 1000.0
    value = float(sides.saved_ch4_kg_ha(values)) * co2e_t_per_kg_ha
    drawn = propagation.simulate_practice(
        sides.saved_ch4_kg_ha,
        spreads,
        data,
        factors.factor_hash(FACTOR_IDS),
        groups=_drawn_together(given, ids),
    ).times(co2e_t_per_kg_ha)
    group = _group(value, drawn, farmland_v1.unpublished(ids), remarks)
    n2o = _more_n2o(given, baseline, gwp_n2o, remarks)
    intermediate = {
        **_per_hectare(given, sides, values, value, n2o, {"ch4": gwp_ch4, "n2o": gwp_n2o}),
        "gwp_ch4": gwp_ch4,
        "gwp_n2o": gwp_n2o,
        "seasons": sides.rows(values),
        "water_draws": given.policy.water_draws,
        "u90": group.u90 if group.u90 is None or math.isfinite(group.u90) else None,
        "monte_carlo": drawn.as_dict(),
    }
    penalties = (Component("soil", "N2O", -n2o.penalty_t, None),) if n2o.penalty_t else ()
    claim = settlement.Claim(
        METHOD_ID, FACTOR_IDS, (group,), intermediate, penalties, buffer_on="removals"
    )
    return settlement.settle(claim, given.policy, remarks)


def _group(
    value: float, drawn: propagation.Simulated, unknown: Sequence[str], remarks: Remarks
) -> settlement.Group:
    """Return the reduction; its interval is known only if that of every factor is."""
    sd, u90 = (None, None) if unknown else (drawn.sd, drawn.u90)
    if unknown:
        remarks.warn("SPREAD_UNPUBLISHED", f"以下因子没有公布区间：{'、'.join(unknown)}。")
    return settlement.Group("ch4", "reduction", (Component("paddy", "CH4", value, sd),), sd, u90)


def _drawn_together(given: Paddy, ids: Sequence[str]) -> dict[str, str]:
    """Return the factors that move as one: whatever both sides share is one name and so one number
    anyway; the water classes by the policy."""
    if given.policy.water_draws != "comonotonic":
        return {}
    return {i: "water" for i in ids if i.startswith("rice.sfw.")}


def _more_n2o(
    given: Paddy, baseline: Sequence[Season], gwp_n2o: float, remarks: Remarks
) -> _MoreN2o:
    kg_ha = {
        "baseline": _n2o_kg_ha(baseline, remarks),
        "project": _n2o_kg_ha(given.project, remarks),
    }
    before_awd = _before_awd(baseline, given.project)
    increase_kg_ha = kg_ha["project"] - _n2o_kg_ha(baseline, remarks, before_awd)
    penalty_t = max(0.0, increase_kg_ha) * given.area_ha * gwp_n2o / 1000.0
    return _MoreN2o(kg_ha, increase_kg_ha, penalty_t)


def _per_hectare(
    given: Paddy,
    sides: _Sides,
    values: Mapping[str, float],
    reduction_co2e_t: float,
    n2o: _MoreN2o,
    gwp: Mapping[str, float],
) -> dict[str, Any]:
    ch4 = {side: float(sides.ch4_kg_ha(values, side)) for side in sides.seasons}
    return {
        "mode": "DELTA",
        "area_ha": given.area_ha,
        "ch4_kg_ha": {**ch4, "reduction": ch4["baseline"] - ch4["project"]},
        "n2o_kg_ha": {**n2o.kg_ha, "increase": n2o.increase_kg_ha},
        "n2o_kg": n2o.increase_kg_ha * given.area_ha,
        "reduction_co2e_t_ha": reduction_co2e_t / given.area_ha,
        "n2o_penalty_co2e_t_ha": n2o.penalty_t / given.area_ha,
        "net_gross_co2e_t_ha": (reduction_co2e_t - n2o.penalty_t) / given.area_ha,
        # ABS: what the field emits under each scenario; never issued.
        "abs_co2e_t_ha": {
            side: 0.0 - (ch4[side] * gwp["ch4"] + n2o.kg_ha[side] * gwp["n2o"]) / 1000.0
            for side in sides.seasons
        },
    }


def _as_drained(given: Paddy, remarks: Remarks) -> list[Season]:
    """Return the baseline seasons, drained at least as much as the most drained look-back year."""
    seasons = list(given.baseline)
    if given.lookback_water_regimes:
        driest = min(given.lookback_water_regimes, key=lambda w: factors.number(f"rice.sfw.{w}"))
        wetter = [
            factors.number(f"rice.sfw.{s.water_regime}") > factors.number(f"rice.sfw.{driest}")
            for s in seasons
        ]
        if any(wetter):
            remarks.warn(
                "BASELINE_DRAINED",
                f"回溯期内有 {driest} 的年份，基线各年都按此水分管理计算（VM0051）。",
            )
            seasons = [
                s.model_copy(update={"water_regime": driest}) if wet else s
                for s, wet in zip(seasons, wetter, strict=True)
            ]
    if not given.continuous_evidence and any(s.water_regime == "continuous" for s in seasons):
        remarks.warn(
            "CONTINUOUS_BASELINE",
            "中期晒田在本地已是常规做法，长期淹水作基线须有逐年灌溉记录。",
        )
    return seasons


def _check_aeration(seasons: Sequence[Season], remarks: Remarks) -> None:
    for season in seasons:
        drained = season.water_regime in ("single_drainage", "multiple_drainage_awd")
        if (
            drained
            and season.aeration_days is not None
            and season.aeration_days <= AERATION_DAYS_MIN
        ):
            remarks.refuse(
                "AERATION_TOO_SHORT",
                f"落干只有 {season.aeration_days:g} 天，须超过 {AERATION_DAYS_MIN} 天才算一次排水（AG04.002）。",
            )


def _factor_ids(region: Region, sides: Mapping[str, Sequence[Season]]) -> list[str]:
    ids = {f"rice.efc.{region}", "rice.sfo_exponent"}
    for season in (s for seasons in sides.values() for s in seasons):
        ids |= {f"rice.sfw.{season.water_regime}", f"rice.sfp.{season.preseason}"}
        ids |= {f"rice.cfoa.{a.kind}" for a in season.amendments}
    return sorted(ids)


def _season(v: Mapping[str, Any], region: Region, season: Season, days: float) -> Any:
    return season_ch4_kg_ha(
        v[f"rice.efc.{region}"],
        v[f"rice.sfw.{season.water_regime}"],
        v[f"rice.sfp.{season.preseason}"],
        [(a.t_ha, v[f"rice.cfoa.{a.kind}"]) for a in season.amendments],
        v["rice.sfo_exponent"],
        days,
    )


def _season_row(
    v: Mapping[str, float], region: Region, season: Season, days: float
) -> dict[str, Any]:
    loads = math.fsum(a.t_ha * v[f"rice.cfoa.{a.kind}"] for a in season.amendments)
    total = float(_season(v, region, season, days))
    return {
        "water_regime": season.water_regime,
        "preseason": season.preseason,
        "days": days,
        "efc": v[f"rice.efc.{region}"],
        "sfw": v[f"rice.sfw.{season.water_regime}"],
        "sfp": v[f"rice.sfp.{season.preseason}"],
        "sfo": (1.0 + loads) ** v["rice.sfo_exponent"],
        "ef_kg_ha_day": total / days,
        "ch4_kg_ha": total,
    }


def _before_awd(baseline: Sequence[Season], project: Sequence[Season]) -> list[bool]:
    """Return which baseline seasons AWD takes the place of: season by season, or, where their
    numbers differ, all of them."""
    if len(baseline) != len(project):
        return [any(s.water_regime == AWD for s in project)] * len(baseline)
    return [s.water_regime == AWD for s in project]


def _n2o_kg_ha(
    seasons: Sequence[Season], remarks: Remarks, before_awd: Sequence[bool] | None = None
) -> float:
    """Return direct N2O of applied nitrogen by water regime [kg/ha].

    before_awd : per season, whether AWD takes its place. That always brings the step from 0.003 to
        0.005 (VM0051 CF_N2O), so that a single drainage counts here as flooded
    """
    to_n2o = factors.number("const.n2on_to_n2o")
    return math.fsum(
        s.n_kg_ha * remarks.number(f"n2o.ef1fr.{_n2o_kind(s.water_regime, awd)}") * to_n2o
        for s, awd in zip(seasons, before_awd or [False] * len(seasons), strict=True)
        if s.n_kg_ha
    )


def _n2o_kind(water: Water, before_awd: bool) -> str:
    if water in ("continuous", "deep_water") or (before_awd and water == "single_drainage"):
        return "continuous_flooding"
    return "single_multiple_drainage" if water in ("single_drainage", AWD) else "aggregated"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    return inputs.schema(Paddy, METHOD_ID, "稻田甲烷减排一年的输入")


def example() -> dict[str, Any]:
    """Return an input that runs: single drainage to alternate wetting and drying (R-2), 20 ha."""

    def season(water: Water) -> dict[str, Any]:
        return {
            "water_regime": water,
            "preseason": "nonflooded_gt180d",
            "days": 112.0,
            "amendments": [{"kind": "straw_lt30d", "t_ha": 6.0}],
            "n_kg_ha": 180.0,
        }

    return {
        "area_ha": 20.0,
        "region": "east_asia",
        "baseline": [season("single_drainage")],
        "project": [{**season("multiple_drainage_awd"), "aeration_days": 6.0}],
        "lookback_water_regimes": ["single_drainage", "single_drainage", "single_drainage"],
        "continuous_evidence": False,
        "gates": {"mineral_soil": True, "lookback_years": 3},
        "policy": {
            "deduction": "poe_flat",
            "buffer_share": None,
            "gwp_set": "ar5",
            "unit_kg": 1000,
            "carried_debit_kg": 0,
            "water_draws": "comonotonic",
        },
    }


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese; the example is computed here and now."""
    found = run(example())["intermediate"]["ch4_kg_ha"]
    return [
        (
            "适用范围",
            "矿质土稻田改变水分或秸秆管理所减少的甲烷。属**减排**，不计缓冲。落干须超过 3 天才算排水，收获前排水不算；"
            "回溯期内有过晒田的，基线每年都按晒田计（VM0051）。",
        ),
        (
            "公式",
            "CH₄ = Σ EFc·SFw·SFp·SFo·天数·面积，SFo =（1 + Σ ROA·CFOA）^0.59（秸秆干重，其余鲜重）。逐季计算再相加。"
            "排水使氧化亚氮增加（EF1FR 0.003 → 0.005），按均值全额扣除。",
        ),
        (
            "计入与不计入",
            "计入甲烷和氧化亚氮的变化；土壤碳另有方法。ABS 为各情景的排放，DELTA 为基线减项目，只有 DELTA 可签发。"
            "增温潜势用生物源甲烷：AR5 28 或 AR6 27.0，不得用化石源 29.8。",
        ),
        (
            "算例",
            f"单次晒田改间歇灌溉，6 t 秸秆、112 天：{found['baseline']:.3f} → {found['project']:.3f} kg CH₄/ha，"
            f"减少 {found['reduction']:.3f} kg/ha。",
        ),
        (
            "不确定性与扣减",
            deduction_text("poe_flat")
            + "抽样时两情景共用的因子只抽一次；水分因子按政策同向（建议）或独立，可两种都算。",
        ),
        ("参数表", factor_table(FACTOR_IDS)),
    ]


METHOD = Method(
    id=METHOD_ID,
    title_zh="稻田甲烷减排",
    title_en="Paddy methane",
    sink_type="farmland",
    credit_class="local_scheme",
    factor_ids=FACTOR_IDS,
    schema=schema,
    example=example,
    run=run,
    explain=explain,
    by_round="records",
    pool="non_co2",
)

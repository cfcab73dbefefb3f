"""The shared statistics as methods of their own, so that each can be tried alone; version 1.

They remove nothing: every amount of CO2 in their results is 0, the numbers are in `intermediate`.
Sources: as in `statistics`, `sampling` and `deductions`.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from methodologies import calculation, deductions, sampling, statistics
from methodologies.base import MethodInputInvalid, NotIssuable
from methodologies.inputs import Area, Deduction, Identifier, Model, invalid, unique
from methodologies.remarks import Remarks

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Confidence = Annotated[float, Field(gt=0, lt=1, description="双侧置信度，0–1")]
Count = Annotated[int, Field(ge=1)]


class PlotsPolicy(Model):
    """Wanted precision."""

    precision: Annotated[float, Field(gt=0, description="半宽与均值之比")] = 0.10
    confidence: Confidence = 0.90
    min_plots_per_stratum: Annotated[int, Field(ge=2)] = 3


class PlannedStratum(Model):
    """A stratum before the survey: area and what is known of its mean and deviation."""

    id: Identifier
    area_ha: Area
    mean: Annotated[float, Field(description="均值，如吨/公顷")]
    sd: Annotated[float, Field(ge=0, description="样地间标准差，单位同均值")]


class PlotsNeeded(Model):
    """Input of stat-plots-needed/1."""

    strata: Annotated[list[PlannedStratum], Field(min_length=1)]
    plot_area_ha: Annotated[float, Field(gt=0, description="样地面积，公顷")]
    policy: PlotsPolicy

    @model_validator(mode="after")
    def _ids(self) -> "PlotsNeeded":
        unique("层", (s.id for s in self.strata))
        return self


class DeductionPolicy(Model):
    """The policy tried."""

    deduction: Deduction


class Deducted(Model):
    """Input of stat-deduction/1. Exactly one of u90 and half_width."""

    estimate: Annotated[float, Field(description="估计值，移除为正")]
    u90: Annotated[float, Field(ge=0, description="90 % 相对半宽，0.15 表示 15 %")] | None = None
    half_width: Annotated[float, Field(ge=0, description="90 % 半宽，单位同估计值")] | None = None
    scenario: Literal["project", "baseline"] = "project"
    policy: DeductionPolicy

    @model_validator(mode="after")
    def _one_uncertainty(self) -> "Deducted":
        if (self.u90 is None) == (self.half_width is None):
            raise invalid("u90 与 half_width 须且只能填一个")
        return self


class StatPolicy(Model):
    """The confidence of the interval."""

    confidence: Confidence = 0.90


class SampledStratum(Model):
    """A measured stratum: values, or pairs of values, or their mean, deviation and number."""

    id: Identifier
    area_ha: Area
    values: list[float] | None = None
    values_start: list[float] | None = None
    values_end: list[float] | None = None
    mean: float | None = None
    sd: NotNegative | None = None
    n: Annotated[int, Field(ge=2)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "SampledStratum":
        forms = (
            (self.values,),
            (self.values_start, self.values_end),
            (self.mean, self.sd, self.n),
        )
        whole = [all(part is not None for part in form) for form in forms]
        begun = [any(part is not None for part in form) for form in forms]
        if whole != begun or sum(whole) != 1:
            raise invalid(
                f"层 {self.id}：values、values_start 与 values_end、mean 与 sd 与 n 三种写法须且只能用一种"
            )
        if whole[1] and len(self.values_start or ()) != len(self.values_end or ()):
            raise invalid(f"层 {self.id}：期初与期末的样地数不同")
        return self

    def summary(self) -> tuple[float, float, int]:
        """Return mean, standard deviation and number; of the changes if measured twice."""
        if self.mean is not None and self.sd is not None and self.n is not None:
            return self.mean, self.sd, self.n
        values = self.values
        if self.values_start is not None and self.values_end is not None:
            values = [e - s for s, e in zip(self.values_start, self.values_end, strict=True)]
        assert values is not None
        return *statistics.mean_and_sd(values), len(values)


class Stratified(Model):
    """Input of stat-stratified/1."""

    strata: Annotated[list[SampledStratum], Field(min_length=1)]
    policy: StatPolicy

    @model_validator(mode="after")
    def _ids(self) -> "Stratified":
        unique("层", (s.id for s in self.strata))
        return self


class AssistedStratum(Model):
    """A stratum with the map's mean change and, at each plot, measured and mapped change."""

    id: Identifier
    area_ha: Area
    map_change: Annotated[float, Field(description="图上全层平均变化")]
    plot_changes: Annotated[list[float], Field(min_length=2)]
    map_changes_at_plots: Annotated[list[float], Field(min_length=2)]

    @model_validator(mode="after")
    def _pairs(self) -> "AssistedStratum":
        if len(self.plot_changes) != len(self.map_changes_at_plots):
            raise invalid(f"层 {self.id}：样地变化与图上变化的个数不同")
        return self


class ModelAssisted(Model):
    """Input of stat-model-assisted/1."""

    strata: Annotated[list[AssistedStratum], Field(min_length=1)]
    policy: StatPolicy

    @model_validator(mode="after")
    def _ids(self) -> "ModelAssisted":
        unique("层", (s.id for s in self.strata))
        return self


class Sampled(Model):
    """Input of stat-sampling/1: values for simple and systematic, lists for cluster, pairs for two
    phases."""

    design: Literal["simple", "systematic", "cluster", "two_phase"]
    values: list[float] | None = None
    clusters: list[list[float]] | None = None
    auxiliary: list[float] | None = None
    pairs: list[Annotated[list[float], Field(min_length=2, max_length=2)]] | None = None
    policy: StatPolicy


class TwoStocks(Model):
    """Input of stat-change/1: two independent stocks; or, with change, the stock brought forward."""

    stock_start: float
    u_start: NotNegative
    stock_end: float | None = None
    u_end: NotNegative | None = None
    change: float | None = None
    u_change: NotNegative | None = None
    policy: StatPolicy

    @model_validator(mode="after")
    def _one_form(self) -> "TwoStocks":
        ends = (self.stock_end is not None, self.u_end is not None)
        changes = (self.change is not None, self.u_change is not None)
        if (
            ends == changes
            or ends not in ((True, True), (False, False))
            or any(ends) == any(changes)
        ):
            raise invalid("stock_end 与 u_end、change 与 u_change 须成对填写，且只填一对")
        return self


class Combined(Model):
    """Input of stat-approach1/1: relative uncertainties of one basis; values for a sum."""

    rule: Literal["product", "sum"]
    relative: Annotated[list[NotNegative], Field(min_length=1)]
    values: list[float] | None = None
    policy: StatPolicy


def _plots_needed(given: PlotsNeeded, _: Remarks) -> dict[str, Any]:
    areas = [s.area_ha for s in given.strata]
    rule = given.policy
    plan = statistics.plots_needed(
        areas,
        [s.mean for s in given.strata],
        [s.sd for s in given.strata],
        given.plot_area_ha,
        precision=rule.precision,
        minimum=rule.min_plots_per_stratum,
        confidence=rule.confidence,
    )
    whole = math.fsum(areas)
    mean = math.fsum(s.area_ha / whole * s.mean for s in given.strata)
    weighted = [s.area_ha / whole * s.sd for s in given.strata]
    spread = math.fsum(weighted)
    return {
        "mean": mean,
        "error": rule.precision * abs(mean),
        "plots_possible": whole / given.plot_area_ha,
        "passes": [{"t": t, "n_exact": exact, "n": n} for t, exact, n in plan.passes],
        "plots_needed": plan.n,
        "total_plots": plan.total,
        "allocation": [
            {
                "id": s.id,
                "n_exact": plan.n * w / spread if spread else 0.0,
                "n": n,
            }
            for s, w, n in zip(given.strata, weighted, plan.allocation, strict=True)
        ],
    }


def _deduction(given: Deducted, remarks: Remarks) -> dict[str, Any]:
    policy = given.policy.deduction
    u90 = given.u90
    if u90 is None:
        assert given.half_width is not None
        # Rounded, or 8.7 of 58 would be a hair above the 15 % it is.
        u90 = round(statistics.relative_half_width(given.estimate, given.half_width), 12)
    found: dict[str, Any] = {
        "estimate": given.estimate,
        "u90": u90 if math.isfinite(u90) else None,
        "scenario": given.scenario,
        "deduction_policy": policy,
    }
    remarks.used.update(deductions.find(policy).factor_ids)
    try:
        conservative, taken = deductions.deduct(given.estimate, u90, policy, given.scenario)
        of_half_width = deductions.share_of_half_width(u90, policy)
    except NotIssuable as refusal:
        remarks.refuse(refusal.code, str(refusal))
        return {**found, "conservative": None, "taken_share": None, "deduction_of_half_width": None}
    return {
        **found,
        "conservative": conservative,
        "taken_share": taken,
        "deduction_of_half_width": of_half_width if math.isfinite(of_half_width) else None,
    }


def _interval(estimate: statistics.Estimate) -> dict[str, Any]:
    return {
        "mean": estimate.mean,
        "stderr": estimate.stderr,
        "df": estimate.df,
        "t": estimate.t90,
        "half_width": estimate.half_width,
        "u90": estimate.u90 if math.isfinite(estimate.u90) else None,
    }


def _stratified(given: Stratified, _: Remarks) -> dict[str, Any]:
    whole = math.fsum(s.area_ha for s in given.strata)
    rows = [s.summary() for s in given.strata]
    weights = [s.area_ha / whole for s in given.strata]
    means, sds, ns = ([row[i] for row in rows] for i in range(3))
    estimate = statistics.stratified_mean(
        weights, means, sds, [int(n) for n in ns], given.policy.confidence
    )
    return {
        **_interval(estimate),
        "total": estimate.mean * whole,
        "area_ha": whole,
        "strata": [
            {"id": s.id, "weight": w, "mean": m, "sd": sd, "n": n}
            for s, w, (m, sd, n) in zip(given.strata, weights, rows, strict=True)
        ],
    }


def _model_assisted(given: ModelAssisted, remarks: Remarks) -> dict[str, Any]:
    whole = math.fsum(s.area_ha for s in given.strata)
    found = [
        statistics.difference_estimator(
            s.map_change, s.plot_changes, s.map_changes_at_plots, given.policy.confidence
        )
        for s in given.strata
    ]
    weights = [s.area_ha / whole for s in given.strata]
    estimate = statistics.stratified_mean(
        weights,
        [f.estimate.mean for f in found],
        [f.sd_error for f in found],
        [f.n for f in found],
        given.policy.confidence,
        skewnesses=[f.skewness for f in found],
    )
    remarks.warn_of_skewness(estimate)
    return {
        **_interval(estimate),
        "t_added_by_skewness": estimate.t_added,
        "total": estimate.mean * whole,
        "area_ha": whole,
        "strata": [
            {
                "id": s.id,
                "weight": w,
                "map_change": s.map_change,
                "mean_error": f.mean_error,
                "sd_error": f.sd_error,
                "skewness": f.skewness,
                "n": f.n,
                "mean": f.estimate.mean,
                "stderr": f.estimate.stderr,
            }
            for s, w, f in zip(given.strata, weights, found, strict=True)
        ],
    }


def _sampled(given: Sampled, _: Remarks) -> dict[str, Any]:
    confidence = given.policy.confidence
    if given.design == "cluster":
        return _interval(sampling.cluster_mean(_given(given.clusters, "clusters"), confidence))
    if given.design == "two_phase":
        pairs = [(x, y) for x, y in _given(given.pairs, "pairs")]
        auxiliary = _given(given.auxiliary, "auxiliary")
        found = sampling.two_phase_mean(auxiliary, pairs, confidence)
        return {
            **_interval(found.estimate),
            "slope": found.slope,
            "correlation": found.correlation,
            "mean_first_phase": found.mean_first_phase,
        }
    values = _given(given.values, "values")
    if given.design == "simple":
        return _interval(sampling.simple_mean(values, confidence))
    estimate, successive = sampling.systematic_mean(values, confidence)
    return {**_interval(estimate), "stderr_successive_differences": successive}


def _given(value: list[Any] | None, key: str) -> list[Any]:
    if value is None:
        raise MethodInputInvalid(f"该抽样设计须填 {key}；请补充后重试。")
    return value


def _two_stocks(given: TwoStocks, _: Remarks) -> dict[str, Any]:
    if given.stock_end is not None and given.u_end is not None:
        change, u = statistics.independent_change(
            given.stock_start, given.u_start, given.stock_end, given.u_end
        )
        return {"change": change, "u90": u if math.isfinite(u) else None}
    assert given.change is not None and given.u_change is not None
    end, u = statistics.updated_stock(
        given.stock_start, given.u_start, given.change, given.u_change
    )
    return {"stock_end": end, "u90": u if math.isfinite(u) else None}


def _combined(given: Combined, _: Remarks) -> dict[str, Any]:
    if given.rule == "product":
        return {"relative": statistics.approach1_product(*given.relative)}
    values = _given(given.values, "values")
    if len(values) != len(given.relative):
        raise MethodInputInvalid("values 与 relative 的个数不同；请逐项核对。")
    found = statistics.approach1_sum(values, given.relative)
    return {"relative": found if math.isfinite(found) else None, "sum": math.fsum(values)}


_DEDUCTION_IDS = ("ded.ar_tool14", "ded.ar_cm", "ded.gs403.threshold")

METHODS = (
    calculation.method(
        "stat-plots-needed/1",
        ("所需样地数与奈曼分配", "Plots needed and Neyman allocation"),
        PlotsNeeded,
        _plots_needed,
        {
            "strata": [
                {"id": "A", "area_ha": 60.0, "mean": 50.0, "sd": 15.0},
                {"id": "B", "area_ha": 40.0, "mean": 70.0, "sd": 20.0},
            ],
            "plot_area_ha": 0.04,
            "policy": {"precision": 0.10, "confidence": 0.90, "min_plots_per_stratum": 3},
        },
        "n = N·t²·(Σ wᵢsᵢ)² / (N·E² + t²·Σ wᵢsᵢ²)，E 为允许误差，N 为可布设样地数；t 先取正态分位数，"
        "再按自由度 n − 层数迭代到 n 不变。各层 nᵢ = n·wᵢsᵢ/Σ wᵢsᵢ，逐层进一。来源：CDM AR-TOOL03。",
    ),
    calculation.method(
        "stat-deduction/1",
        ("不确定性扣减", "Deduction for uncertainty"),
        Deducted,
        _deduction,
        {
            "estimate": 60.0,
            "half_width": 9.0,
            "scenario": "project",
            "policy": {"deduction": "ar_tool14"},
        },
        "\n\n".join(
            f"`{policy.id}`：{policy.title_zh}（{policy.source}）"
            for policy in deductions.policies().values()
        ),
        _DEDUCTION_IDS,
    ),
    calculation.method(
        "stat-stratified/1",
        ("分层抽样均值", "Stratified mean"),
        Stratified,
        _stratified,
        {
            "strata": [
                {"id": "A", "area_ha": 60.0, "mean": 4.0, "sd": 3.0, "n": 14},
                {"id": "B", "area_ha": 40.0, "mean": 6.0, "sd": 4.0, "n": 12},
            ],
            "policy": {"confidence": 0.90},
        },
        "b = Σ wᵢbᵢ；U = t(90 %, n − 层数)·√(Σ wᵢ²sᵢ²/nᵢ)/b。复测样地以变化量代入。来源：AR-TOOL14 v04.2 式 5–8、14、15。",
    ),
    calculation.method(
        "stat-model-assisted/1",
        ("模型辅助差值估计", "Model-assisted difference estimator"),
        ModelAssisted,
        _model_assisted,
        {
            "strata": [
                {
                    "id": "A",
                    "area_ha": 500.0,
                    "map_change": 4.8,
                    "plot_changes": [4.0, 5.5, 3.1, 4.9, 5.2, 3.8],
                    "map_changes_at_plots": [4.5, 5.0, 4.0, 5.1, 5.0, 4.4],
                }
            ],
            "policy": {"confidence": 0.90},
        },
        "Δ̂ = 图上平均变化 + 样地误差的平均；误差 = 样地实测变化 − 图上变化；标准误 = s/√n。"
        "无论图层误差如何相关，按设计都是无偏的。多层按面积加权，自由度为样地数减层数。"
        "样地误差偏斜（如图上没有看到的采伐）、样地数 n ≤ 25·G²（Cochran 1977，G 为偏度，满 20 个样地起）时，"
        "t 加上 z(z⁴ + 2z² − 3)/18·G²/n（Edgeworth 展开，Hall 1992），区间随之加宽。",
    ),
    calculation.method(
        "stat-sampling/1",
        ("简单、系统、整群与二阶段抽样", "Simple, systematic, cluster and two-phase sampling"),
        Sampled,
        _sampled,
        {
            "design": "two_phase",
            "auxiliary": [40.0, 44.0, 47.0, 50.0, 52.0, 55.0, 58.0, 60.0],
            "pairs": [[40.0, 42.5], [47.0, 47.0], [52.0, 53.5], [60.0, 59.0]],
            "policy": {"confidence": 0.90},
        },
        "系统抽样按随机抽样估计方差，另列逐差法；整群以群为单元、按大小作比估计；二阶段用回归估计"
        "ȳ + b(x̄₁ − x̄₂)。来源：AR-TOOL14 v04.2；Cochran《Sampling Techniques》第三版。",
    ),
    calculation.method(
        "stat-change/1",
        ("两期独立储量之差与储量更新", "Change of two independent stocks"),
        TwoStocks,
        _two_stocks,
        {
            "stock_start": 5000.0,
            "u_start": 0.08,
            "stock_end": 5600.0,
            "u_end": 0.07,
            "policy": {"confidence": 0.90},
        },
        "U = √((u₁C₁)² + (u₂C₂)²)/|C₂ − C₁|；更新 C₂ = C₁ + ΔC，u₂ = √((u₁C₁)² + (uΔ·ΔC)²)/C₂，C₁ 取扣减前的值。"
        "来源：AR-TOOL14 v04.2 式 2、22、23。",
    ),
    calculation.method(
        "stat-approach1/1",
        ("误差传递（IPCC 方法一）", "Error propagation, IPCC approach 1"),
        Combined,
        _combined,
        {
            "rule": "sum",
            "values": [1000.0, 500.0],
            "relative": [0.20, 0.30],
            "policy": {"confidence": 0.90},
        },
        "积：U = √ΣUᵢ²；和：U = √Σ(Uᵢxᵢ)²/|Σxᵢ|。各项须同一置信度且相互独立；共用的因子不得重复计入。来源：IPCC 2006 第 1 卷式 3.1、3.2。",
    ),
)

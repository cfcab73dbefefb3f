"""How much carbon sink a damaged site lost, and what an order has to retire or restore for it.

Four methods, never mixed and never a default, because they differ by a factor of four on one site:

* ``M1`` additive: the stock that stays lost, plus the growth lost until recovery.
* ``M2`` resource equivalency: tonne-years lost, over the tonne-years one permanent credit supplies.
* ``M3`` money: what a sum of money buys at a fixed price.
* ``HEA`` habitat equivalency: hectares of comparable habitat to restore.

Symbols in the steps: A area [ha]; ΔC loss of carbon density [t C/ha]; a net annual sink
[t CO2e/ha/yr]; N whole years to recovery; ρ(t) recovered share; r annual discount rate; φ share of
the stock that the same order makes the debtor regrow on the site; k the court's multiplier; p price.
Each year counts at its middle (t − ½), because counting at its beginning understates the loss.

All arithmetic is exact (`Fraction`); only the discount factors are irrational, and they carry 50
digits. So a quantity of exactly 30 t asks for 30 t and never for 31. A float appears only in the
answer. Sources: Fa Shi (2022) 16 art. 19-20, Civil Code art. 1234-1235; NOAA habitat and resource
equivalency analysis. Not here: who may set k, price and method (see the order).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sinks.core.errors import Invalid

CO2_PER_C = Fraction(44, 12)
M2_PER_HA = 10_000
MU_PER_HA = 15
DISCOUNT_DIGITS = 50
# Below a milligram a difference is noise of the input (3.00 mu typed as 1999.9999999999998 m2).
NOISE_DIGITS_KG = 6
# Two-sided 90 % of a normal distribution.
Z_90 = 1.645
# 2 t CO2e per mu and year; the largest measured bamboo stands are near 0.4. Reported, not refused,
# because the input does not name the kind of land.
ANNUAL_T_HA_PLAUSIBLE = 30

RecoveryName = Literal["linear", "step"]
Recovery = RecoveryName | Sequence[Sequence[float]]


class LossInput(BaseModel):
    """The facts of one loss assessment; which of them a method needs is in `NEEDED`.

    ``recovery`` is "linear", "step" (nothing until the last year is over) or a table of
    [year, share] that ends at [recovery_years, 1] and is read with straight lines between rows.
    Money is fen, a price is fen per tonne, ``discount`` 0.03 means 3 %, the two standard errors are
    one standard deviation.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    method: Literal["M1", "M2", "M3", "HEA"]
    area_m2: float | None = Field(None, gt=0, le=1e10)
    delta_c_t_ha: float | None = Field(None, ge=0, le=1e4)
    annual_t_ha: float | None = Field(None, ge=0, le=1e3)
    recovery_years: int | None = Field(None, ge=1, le=500)
    recovery: RecoveryName | Annotated[list[list[float]], Field(max_length=501)] | None = None
    discount: float | None = Field(None, ge=0, lt=1)
    phi: float | None = Field(None, ge=0, le=1)
    k: float | None = Field(None, gt=0, le=100)
    unit_kg: int | None = Field(None, ge=1, le=1_000_000)
    price_fen_t: int | None = Field(None, ge=1, le=10**9)
    horizon_years: int | None = Field(None, ge=1, le=1000)
    amount_fen: int | None = Field(None, ge=1, le=10**15)
    gain_service: float | None = Field(None, gt=0, le=1)
    gain_years: int | None = Field(None, ge=0, le=500)
    gain_life_years: int | None = Field(None, ge=1, le=1000)
    delta_c_stderr_t_ha: float | None = Field(None, ge=0, le=1e4)
    annual_stderr_t_ha: float | None = Field(None, ge=0, le=1e3)


NEEDED: dict[str, tuple[str, ...]] = {
    "M1": (
        "area_m2",
        "delta_c_t_ha",
        "annual_t_ha",
        "recovery_years",
        "recovery",
        "discount",
        "phi",
        "unit_kg",
    ),
    "M2": (
        "area_m2",
        "delta_c_t_ha",
        "recovery_years",
        "recovery",
        "discount",
        "horizon_years",
        "unit_kg",
    ),
    "M3": ("amount_fen", "price_fen_t", "unit_kg"),
    "HEA": (
        "area_m2",
        "recovery_years",
        "recovery",
        "discount",
        "gain_service",
        "gain_years",
        "gain_life_years",
    ),
}
ALSO_USED: dict[str, tuple[str, ...]] = {
    "M1": ("k", "price_fen_t", "delta_c_stderr_t_ha", "annual_stderr_t_ha"),
    "M2": ("k", "price_fen_t", "delta_c_stderr_t_ha"),
    "M3": (),
    "HEA": (),
}
LABELS = {
    "method": "计算方法",
    "area_m2": "受损面积（平方米）",
    "delta_c_t_ha": "单位面积碳储量损失（吨碳/公顷）",
    "annual_t_ha": "年净碳汇量（吨CO2当量/公顷·年）",
    "recovery_years": "恢复年数",
    "recovery": "恢复过程",
    "discount": "年折现率",
    "phi": "同一裁判责令原地恢复的存量份额 φ",
    "k": "裁判倍数 k",
    "unit_kg": "碳汇单位（千克）",
    "price_fen_t": "单价（分/吨）",
    "horizon_years": "一吨碳汇的有效年数 H",
    "amount_fen": "金额（分）",
    "gain_service": "修复地增加的服务份额",
    "gain_years": "修复地成熟年数",
    "gain_life_years": "修复地有效年数",
    "delta_c_stderr_t_ha": "碳储量损失的标准误",
    "annual_stderr_t_ha": "年净碳汇量的标准误",
}
WHY_REFUSED = {
    "extra_forbidden": "没有这个输入项，请核对拼写",
    "float_type": "须是数字",
    "int_type": "须是整数",
    "int_from_float": "须是整数",
    "finite_number": "须是有限的数",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "missing": "必须写明，没有默认值",
    "literal_error": "须是 M1、M2、M3、HEA 之一",
}


@dataclass(frozen=True)
class Interval:
    """A loss with one standard deviation and its two-sided 90 % interval [t CO2e]."""

    stderr_t: float
    low_t: float
    high_t: float


class Purchase(NamedTuple):
    """What a sum of money buys: whole units [kg], their cost [fen], the rest [fen]."""

    quantity_kg: int
    cost_fen: int
    residue_fen: int


def exact(number: float | int) -> Fraction:
    """The number as it was written: 0.1 is one tenth, not its nearest binary float."""
    return Fraction(str(number))


def stock_t(area_m2: Fraction, delta_c_t_ha: Fraction) -> Fraction:
    """Stock lost, S = A × ΔC × 44/12 [t CO2e]."""
    return area_m2 / M2_PER_HA * delta_c_t_ha * CO2_PER_C


def recovered_share(recovery: Recovery, recovery_years: int, year: Fraction) -> Fraction:
    """Share (0..1) of what was lost that is back ``year`` years after the damage.

    recovery : "linear", "step", or rows [year, share] that `checked_table` accepts.
    """
    if recovery == "linear":
        return min(Fraction(1), year / recovery_years)
    if recovery == "step":
        return Fraction(1 if year >= recovery_years else 0)
    before_year, before_share = Fraction(0), Fraction(0)
    for row in recovery:
        row_year, row_share = exact(row[0]), exact(row[1])
        if row_year > year:
            run = (year - before_year) / (row_year - before_year)
            return before_share + run * (row_share - before_share)
        before_year, before_share = row_year, row_share
    return before_share


def discount_factors(discount: Fraction, years: int) -> list[Fraction]:
    """(1 + r)^−(t − ½) for t = 1..years: the weight of the middle of each year."""
    if discount == 0:
        return [Fraction(1)] * years
    with localcontext() as context:
        context.prec = DISCOUNT_DIGITS
        growth = 1 + Decimal(discount.numerator) / Decimal(discount.denominator)
        return [Fraction(growth ** (Decimal("0.5") - t)) for t in range(1, years + 1)]


def missing_years(recovery: Recovery, recovery_years: int, discount: Fraction) -> list[Fraction]:
    """(1 − ρ(t−½)) (1+r)^−(t−½) for t = 1..N: what each year of the interim weighs [years]."""
    return [
        (1 - recovered_share(recovery, recovery_years, Fraction(2 * t - 1, 2))) * factor
        for t, factor in enumerate(discount_factors(discount, recovery_years), start=1)
    ]


def flow_t(area_m2: Fraction, annual_t_ha: Fraction, missing: Sequence[Fraction]) -> Fraction:
    """Growth lost until recovery, F = Σ A × a × missing share [t CO2e].

    missing : the terms that `missing_years` gives.
    """
    return area_m2 / M2_PER_HA * annual_t_ha * sum(missing, Fraction(0))


def additive_loss_t(stock: Fraction, flow: Fraction, phi: Fraction) -> Fraction:
    """M1, L = S × (1 − φ) + F [t CO2e].

    phi : share of the stock that the same order makes the debtor regrow on the site; without it
        the stock is charged as gone for ever and grown back at the debtor's cost as well.
    """
    return stock * (1 - phi) + flow


def equivalent_loss_t(
    stock: Fraction, missing: Sequence[Fraction], *, horizon_years: int, discount: Fraction
) -> Fraction:
    """M2 (REA), tonne-years lost over the tonne-years one credit supplies in H years [t CO2e]."""
    supplied_years = sum(discount_factors(discount, horizon_years), Fraction(0))
    return stock * sum(missing, Fraction(0)) / supplied_years


def habitat_ha(area_m2: Fraction, missing: Sequence[Fraction], gained: Fraction) -> Fraction:
    """HEA, hectares of comparable habitat to restore, R = Σ A (1 − x) v ÷ Σ (y − y0) v [ha].

    missing : the terms of `missing_years`; gained : `gained_years` of one restored hectare.
    """
    return area_m2 / M2_PER_HA * sum(missing, Fraction(0)) / gained


def gained_years(service: Fraction, *, years: int, life_years: int, discount: Fraction) -> Fraction:
    """Discounted service-years that one restored hectare adds over its life.

    service : share gained at maturity; years : to maturity, in a straight line (0: at once).
    Restoration begins when the damage was done.
    """
    return sum(
        (
            service * (Fraction(min(2 * t - 1, 2 * years), 2 * years) if years else 1) * factor
            for t, factor in enumerate(discount_factors(discount, life_years), start=1)
        ),
        Fraction(0),
    )


def quantity_kg(loss: Fraction, *, k: Fraction, unit_kg: int) -> int:
    """Whole units that cover k × L [kg], rounded up to the unit; ``loss`` is t CO2e."""
    wanted_kg = round(1000 * k * loss, NOISE_DIGITS_KG)
    return math.ceil(wanted_kg / unit_kg) * unit_kg


def cost_fen(quantity: int, price_fen_t: int) -> int:
    """Price of a quantity [kg] at fen per tonne, half a fen up."""
    return math.floor(Fraction(quantity * price_fen_t, 1000) + Fraction(1, 2))


def money_quantity(amount_fen: int, *, price_fen_t: int, unit_kg: int) -> Purchase:
    """M3, the whole units that a sum buys, rounded down, their cost and what is left over.

    cost + residue is the sum, to the fen; nothing is spent that the sum does not cover.
    """
    bought_kg = amount_fen * 1000 // (price_fen_t * unit_kg) * unit_kg
    cost = cost_fen(bought_kg, price_fen_t)
    return Purchase(bought_kg, cost, amount_fen - cost)


def interval(
    *,
    loss_t: float,
    loss_per_delta_c: float,
    loss_per_annual: float,
    delta_c_stderr_t_ha: float,
    annual_stderr_t_ha: float,
) -> Interval:
    """Standard error and 90 % interval of a loss from the errors of its two measured densities.

    The loss is linear in both, so its standard error is exact when they are independent:
    sqrt((∂L/∂ΔC σ_ΔC)² + (∂L/∂a σ_a)²). The interval is L ± 1.645 standard errors, cut at zero.
    Errors of area, years, discount, φ and k are outside it.

    loss_per_delta_c : t CO2e of loss for one t C/ha; loss_per_annual : for one t CO2e/ha/yr.
    """
    stderr_t = math.hypot(
        loss_per_delta_c * delta_c_stderr_t_ha, loss_per_annual * annual_stderr_t_ha
    )
    return Interval(
        stderr_t, max(0.0, loss_t - Z_90 * stderr_t), max(0.0, loss_t + Z_90 * stderr_t)
    )


def checked_table(rows: Sequence[Sequence[float]], recovery_years: int) -> None:
    """Refuse a recovery table that goes back, or does not end at [recovery_years, 1].

    Raises
    ------
    Invalid
        ``loss_recovery_table``
    """

    def refuse(why: str) -> Invalid:
        return Invalid(
            f"恢复过程表有误：{why}。请按 [[年, 份额], …] 逐行填写，年份递增，份额在 0 与 1 之间"
            f"且不减少，末行为 [{recovery_years}, 1]。",
            code="loss_recovery_table",
        )

    if not rows:
        raise refuse("表是空的")
    year_before, share_before = -1.0, 0.0
    for row in rows:
        if len(row) != 2:
            raise refuse(f"{list(row)} 不是一个年份和一个份额")
        year, share = row
        if year < 0 or year <= year_before:
            raise refuse(f"第 {year:g} 年没有排在第 {year_before:g} 年之后")
        if not share_before <= share <= 1:
            raise refuse(f"第 {year:g} 年的份额 {share:g} 减少了或不在 0 与 1 之间")
        year_before, share_before = year, share
    if year_before != recovery_years or share_before != 1:
        raise refuse(
            f"末行为 [{year_before:g}, {share_before:g}]，其后的损失会漏算或与恢复年数不符"
        )


def checked_input(given: Mapping[str, Any]) -> LossInput:
    """The input, complete for its method.

    Raises
    ------
    Invalid
        ``loss_unknown_field``, ``loss_bad_value``, ``loss_missing_field``,
        ``loss_recovery_table``, ``loss_multiplier``
    """
    try:
        facts = LossInput.model_validate(given)
    except ValidationError as refusal:
        raise _readable(refusal) from refusal
    missing = [name for name in NEEDED[facts.method] if getattr(facts, name) is None]
    if missing:
        raise Invalid(
            f"方法 {facts.method} 缺少：" + "；".join(f"{LABELS[n]}（{n}）" for n in missing) + "。"
            "这些数由鉴定人或法院写明，系统不代填。",
            code="loss_missing_field",
        )
    if facts.method in ("M3", "HEA") and facts.k not in (None, 1):
        raise Invalid(
            f"方法 {facts.method} 不用裁判倍数，却给了 k = {facts.k:g}。金额或面积本身即为裁判结果，"
            "请去掉 k，或改用 M1、M2。",
            code="loss_multiplier",
        )
    if isinstance(facts.recovery, list) and facts.recovery_years is not None:
        checked_table(facts.recovery, facts.recovery_years)
    return facts


def _readable(refusal: ValidationError) -> Invalid:
    sentences = []
    codes = []
    for error in refusal.errors():
        name = str(error["loc"][0]) if error["loc"] else ""
        label = f"{LABELS[name]}（{name}）" if name in LABELS else f"{name or '输入'}"
        if name == "recovery":
            why = "须是 linear、step 或 [[年, 份额], …]（至多 501 行）"
        elif not name:
            why = "须是一组键和值"
        else:
            known = WHY_REFUSED.get(error["type"])
            why = known.format(**error.get("ctx", {})) if known else error["msg"]
        sentence = f"{label}：{why}"
        if sentence not in sentences:
            sentences.append(sentence)
        codes.append(
            {"extra_forbidden": "loss_unknown_field", "missing": "loss_missing_field"}.get(
                error["type"], "loss_bad_value"
            )
        )
    return Invalid("损失计算的输入有误。" + "；".join(sentences) + "。", code=codes[0])


def assess(given: Mapping[str, Any]) -> dict[str, Any]:
    """The loss, what to retire or restore for it, and the steps a judge can follow.

    Keys: stock_t, flow_t, loss_t [t CO2e], quantity_kg, amount_fen (the price of the quantity),
    residue_fen (M3: what is left of the sum), habitat_ha (HEA), steps, warnings; None where the
    method has no such number. With standard errors also loss_stderr_t, loss_low_t, loss_high_t.
    Each step is {"name", "text", "value", "unit"}.

    Raises
    ------
    Invalid
        See `checked_input`.
    """
    facts = checked_input(given)
    method = {"M1": _assess_m1, "M2": _assess_m2, "M3": _assess_m3, "HEA": _assess_hea}
    answer: dict[str, Any] = {
        "stock_t": None,
        "flow_t": None,
        "loss_t": None,
        "quantity_kg": None,
        "amount_fen": None,
        "residue_fen": None,
        "habitat_ha": None,
        "steps": [],
        "warnings": _warnings(facts),
    }
    answer.update(method[facts.method](facts))
    return answer


def _warnings(facts: LossInput) -> list[str]:
    used = {"method", "k", *NEEDED[facts.method], *ALSO_USED[facts.method]}
    idle = [n for n, v in facts.model_dump().items() if v is not None and n not in used]
    warnings = []
    if idle:
        names = "、".join(f"{LABELS[n]}（{n}）" for n in idle)
        warnings.append(f"方法 {facts.method} 不使用下列输入，结果与其无关：{names}。")
    annual_t_ha = facts.annual_t_ha if facts.method == "M1" else None
    if annual_t_ha is not None and annual_t_ha > ANNUAL_T_HA_PLAUSIBLE:
        warnings.append(
            f"年净碳汇量 {annual_t_ha:g} 吨/公顷·年（即 {annual_t_ha / MU_PER_HA:g} 吨/亩·年）"
            f"高于 {ANNUAL_T_HA_PLAUSIBLE} 吨/公顷·年，请核对单位。"
        )
    one_of_two = (facts.delta_c_stderr_t_ha is None) != (facts.annual_stderr_t_ha is None)
    if facts.method == "M1" and one_of_two:
        warnings.append("只给了一个标准误，另一个按 0 计，损失量的区间因此偏窄。")
    return warnings


def _of(facts: LossInput, name: str) -> Fraction:
    """The exact value of a field that `checked_input` found present."""
    return exact(getattr(facts, name))


def _missing_of(facts: LossInput) -> list[Fraction]:
    assert facts.recovery is not None and facts.recovery_years is not None
    return missing_years(facts.recovery, facts.recovery_years, _of(facts, "discount"))


def _show(value: Fraction | float | int, places: int = 4) -> str:
    """The number for reading, rounded to ``places`` and without idle zeros."""
    text = f"{float(value):,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(value: Fraction) -> str:
    """An input as it was given, so that a step repeats it and does not round it."""
    return _show(value, 10)


def _step(name: str, text: str, value: float | int | None, unit: str) -> dict[str, Any]:
    return {"name": name, "text": text, "value": value, "unit": unit}


def _area_step(facts: LossInput) -> dict[str, Any]:
    area_m2 = _of(facts, "area_m2")
    area_ha = area_m2 / M2_PER_HA
    return _step(
        "受损面积 A",
        f"A = {_plain(area_m2)} 平方米 ÷ 10000 = {_show(area_ha, 6)} 公顷"
        f"（{_show(area_ha * MU_PER_HA, 2)} 亩）",
        float(area_ha),
        "公顷",
    )


def _stock_step(facts: LossInput, stock: Fraction) -> dict[str, Any]:
    area_ha = _of(facts, "area_m2") / M2_PER_HA
    return _step(
        "存量损失 S",
        f"S = A × ΔC × 44/12 = {_show(area_ha, 6)} × {_plain(_of(facts, 'delta_c_t_ha'))} × 44/12"
        f" = {_show(stock)} 吨CO2当量",
        float(stock),
        "吨CO2当量",
    )


def _recovery_step(facts: LossInput, missing: Sequence[Fraction]) -> dict[str, Any]:
    years = facts.recovery_years
    course = {
        "linear": f"{years} 年内匀速恢复，ρ(t) = t/{years}",
        "step": f"第 {years} 年末一次恢复，此前 ρ(t) = 0",
    }
    if isinstance(facts.recovery, str):
        text = course[facts.recovery]
    else:
        rows = "，".join(f"第 {year:g} 年 {share:g}" for year, share in facts.recovery or [])
        text = f"按恢复过程表（{rows}），两行之间取直线"
    total = sum(missing, Fraction(0))
    return _step(
        "恢复过程",
        f"{text}；逐年取年中 t−½，按年折现率 r = {_plain(_of(facts, 'discount'))} 折现，"
        f"Σ(1−ρ(t−½))×(1+r)^−(t−½) = {' + '.join(_show(m) for m in missing)} = {_show(total)} 年",
        float(total),
        "年",
    )


def _quantity_part(facts: LossInput, loss: Fraction) -> dict[str, Any]:
    """Quantity, and its price when a price is given, with their steps."""
    k = Fraction(1) if facts.k is None else exact(facts.k)
    unit_kg = int(_of(facts, "unit_kg"))
    quantity = quantity_kg(loss, k=k, unit_kg=unit_kg)
    steps = [
        _step(
            "应注销量 Q",
            f"Q = k × L 按 {unit_kg:,} 千克为一个单位向上取整：{_plain(k)} × {_show(loss)} 吨"
            f" = {_show(1000 * k * loss, NOISE_DIGITS_KG)} 千克，取 {quantity:,} 千克",
            quantity,
            "千克CO2当量",
        )
    ]
    amount = None
    if facts.price_fen_t is not None:
        amount = cost_fen(quantity, facts.price_fen_t)
        steps.append(
            _step(
                "金额",
                f"Q × p = {_show(Fraction(quantity, 1000), 3)} 吨 × {_yuan(facts.price_fen_t)} 元/吨"
                f" = {_yuan(amount)} 元（四舍五入到分）",
                amount,
                "分",
            )
        )
    return {"quantity_kg": quantity, "amount_fen": amount, "steps": steps}


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _interval_part(
    facts: LossInput, loss: Fraction, *, per_delta_c: Fraction, per_annual: Fraction
) -> dict[str, Any]:
    """The keys and the step of the interval, or nothing when no standard error is given."""
    annual_stderr_t_ha = facts.annual_stderr_t_ha if facts.method == "M1" else None
    if facts.delta_c_stderr_t_ha is None and annual_stderr_t_ha is None:
        return {"steps": []}
    found = interval(
        loss_t=float(loss),
        loss_per_delta_c=float(per_delta_c),
        loss_per_annual=float(per_annual),
        delta_c_stderr_t_ha=facts.delta_c_stderr_t_ha or 0.0,
        annual_stderr_t_ha=annual_stderr_t_ha or 0.0,
    )
    step = _step(
        "损失量的不确定性",
        f"标准误 = {_show(found.stderr_t)} 吨；90% 区间 L ± {Z_90} × 标准误 = "
        f"{_show(found.low_t)} 至 {_show(found.high_t)} 吨CO2当量。只含碳储量损失与年净碳汇量的误差，"
        "两者按独立计；不含面积、年数、折现率的误差；应注销量按 L 本身计算",
        found.stderr_t,
        "吨CO2当量",
    )
    return {
        "loss_stderr_t": found.stderr_t,
        "loss_low_t": found.low_t,
        "loss_high_t": found.high_t,
        "steps": [step],
    }


def _assess_m1(facts: LossInput) -> dict[str, Any]:
    area_m2, annual_t_ha = _of(facts, "area_m2"), _of(facts, "annual_t_ha")
    phi = _of(facts, "phi")
    missing = _missing_of(facts)
    stock = stock_t(area_m2, _of(facts, "delta_c_t_ha"))
    flow = flow_t(area_m2, annual_t_ha, missing)
    loss = additive_loss_t(stock, flow, phi)
    yearly_t = area_m2 / M2_PER_HA * annual_t_ha
    steps = [
        _area_step(facts),
        _stock_step(facts, stock),
        _recovery_step(facts, missing),
        _step(
            "期间流量损失 F",
            f"F = Σ A×a×(1−ρ(t−½))×(1+r)^−(t−½)，A×a = {_show(yearly_t)} 吨/年；"
            f"逐年 {' + '.join(_show(yearly_t * m) for m in missing)} = {_show(flow)} 吨CO2当量",
            float(flow),
            "吨CO2当量",
        ),
        _step(
            "损失量 L（M1 加和法）",
            f"L = S × (1−φ) + F = {_show(stock)} × (1−{_plain(phi)}) + {_show(flow)}"
            f" = {_show(loss)} 吨CO2当量",
            float(loss),
            "吨CO2当量",
        ),
    ]
    quantity = _quantity_part(facts, loss)
    spread = _interval_part(
        facts,
        loss,
        per_delta_c=stock_t(area_m2, Fraction(1)) * (1 - phi),
        per_annual=flow_t(area_m2, Fraction(1), missing),
    )
    return {
        "stock_t": float(stock),
        "flow_t": float(flow),
        "loss_t": float(loss),
        **quantity,
        **spread,
        "steps": [*steps, *quantity["steps"], *spread["steps"]],
    }


def _assess_m2(facts: LossInput) -> dict[str, Any]:
    area_m2, discount = _of(facts, "area_m2"), _of(facts, "discount")
    horizon_years = int(_of(facts, "horizon_years"))
    missing = _missing_of(facts)
    stock = stock_t(area_m2, _of(facts, "delta_c_t_ha"))
    loss = equivalent_loss_t(stock, missing, horizon_years=horizon_years, discount=discount)
    lost_years = sum(missing, Fraction(0))
    supplied = sum(discount_factors(discount, horizon_years), Fraction(0))
    steps = [
        _area_step(facts),
        _stock_step(facts, stock),
        _recovery_step(facts, missing),
        _step(
            "损失的吨年",
            f"S × Σ = {_show(stock)} × {_show(lost_years)} = {_show(stock * lost_years)} 吨·年",
            float(stock * lost_years),
            "吨·年",
        ),
        _step(
            "一吨碳汇提供的吨年",
            f"H = {horizon_years} 年，Σ(1+r)^−(t−½) = {_show(supplied)} 吨·年",
            float(supplied),
            "吨·年",
        ),
        _step(
            "损失量 L（M2 资源等值法）",
            f"L = {_show(stock * lost_years)} ÷ {_show(supplied)} = {_show(loss)} 吨CO2当量",
            float(loss),
            "吨CO2当量",
        ),
    ]
    quantity = _quantity_part(facts, loss)
    spread = _interval_part(
        facts,
        loss,
        per_delta_c=stock_t(area_m2, Fraction(1)) * lost_years / supplied,
        per_annual=Fraction(0),
    )
    return {
        "stock_t": float(stock),
        "loss_t": float(loss),
        **quantity,
        **spread,
        "steps": [*steps, *quantity["steps"], *spread["steps"]],
    }


def _assess_m3(facts: LossInput) -> dict[str, Any]:
    amount, price = int(_of(facts, "amount_fen")), int(_of(facts, "price_fen_t"))
    unit_kg = int(_of(facts, "unit_kg"))
    loss = Fraction(amount, price)
    bought = money_quantity(amount, price_fen_t=price, unit_kg=unit_kg)
    steps = [
        _step(
            "损失量 L（M3 金额法）",
            f"L = 金额 ÷ 单价 = {_yuan(amount)} 元 ÷ {_yuan(price)} 元/吨 = {_show(loss)} 吨CO2当量",
            float(loss),
            "吨CO2当量",
        ),
        _step(
            "应注销量 Q",
            f"按 {unit_kg:,} 千克为一个单位向下取整：{_show(1000 * loss, 3)} 千克，"
            f"取 {bought.quantity_kg:,} 千克",
            bought.quantity_kg,
            "千克CO2当量",
        ),
        _step(
            "金额",
            f"Q × p = {_show(Fraction(bought.quantity_kg, 1000), 3)} 吨 × {_yuan(price)} 元/吨"
            f" = {_yuan(bought.cost_fen)} 元（四舍五入到分）",
            bought.cost_fen,
            "分",
        ),
        _step(
            "余款",
            f"{_yuan(amount)} − {_yuan(bought.cost_fen)} = {_yuan(bought.residue_fen)} 元，"
            "留在裁判指定的账户",
            bought.residue_fen,
            "分",
        ),
    ]
    return {
        "loss_t": float(loss),
        "quantity_kg": bought.quantity_kg,
        "amount_fen": bought.cost_fen,
        "residue_fen": bought.residue_fen,
        "steps": steps,
    }


def _assess_hea(facts: LossInput) -> dict[str, Any]:
    area_m2, discount = _of(facts, "area_m2"), _of(facts, "discount")
    service = _of(facts, "gain_service")
    gain_years, life_years = int(_of(facts, "gain_years")), int(_of(facts, "gain_life_years"))
    missing = _missing_of(facts)
    gained = gained_years(service, years=gain_years, life_years=life_years, discount=discount)
    restore_ha = habitat_ha(area_m2, missing, gained)
    lost = area_m2 / M2_PER_HA * sum(missing, Fraction(0))
    maturing = f"{gain_years} 年匀速成熟" if gain_years else "当即成熟"
    steps = [
        _area_step(facts),
        _recovery_step(facts, missing),
        _step(
            "损失的服务量",
            f"A × Σ = {_show(area_m2 / M2_PER_HA, 6)} × {_show(sum(missing, Fraction(0)), 5)}"
            f" = {_show(lost, 5)} 公顷·年（折现）",
            float(lost),
            "公顷·年",
        ),
        _step(
            "每修复一公顷得到的服务量",
            f"自损害发生之年起修复，增加服务份额 {_plain(service)}，{maturing}，"
            f"维持至第 {life_years} 年，折现合计 {_show(gained, 5)} 年",
            float(gained),
            "年",
        ),
        _step(
            "应修复面积 R（HEA 生境等值法）",
            f"R = {_show(lost, 5)} ÷ {_show(gained, 5)} = {_show(restore_ha)} 公顷"
            f"（{_show(restore_ha * MU_PER_HA, 2)} 亩）的同类生境",
            float(restore_ha),
            "公顷",
        ),
    ]
    return {"habitat_ha": float(restore_ha), "steps": steps}

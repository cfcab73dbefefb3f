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

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sinks.restoration import loss_formulas, loss_input
from sinks.restoration.loss_input import LossInput

MU_PER_HA = 15
# 2 t CO2e per mu and year; the largest measured bamboo stands are near 0.4. Reported, not refused,
# because the input does not name the kind of land.
ANNUAL_T_HA_PLAUSIBLE = 30


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
    facts = loss_input.checked_input(given)
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
    used = {"method", "k", *loss_input.NEEDED[facts.method], *loss_input.ALSO_USED[facts.method]}
    idle = [n for n, v in facts.model_dump().items() if v is not None and n not in used]
    warnings = []
    if idle:
        names = "、".join(f"{loss_input.LABELS[n]}（{n}）" for n in idle)
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
    return loss_formulas.exact(getattr(facts, name))


def _missing_of(facts: LossInput) -> list[Fraction]:
    assert facts.recovery is not None and facts.recovery_years is not None
    return loss_formulas.missing_years(facts.recovery, facts.recovery_years, _of(facts, "discount"))


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
    area_ha = area_m2 / loss_formulas.M2_PER_HA
    return _step(
        "受损面积 A",
        f"A = {_plain(area_m2)} 平方米 ÷ 10000 = {_show(area_ha, 6)} 公顷"
        f"（{_show(area_ha * MU_PER_HA, 2)} 亩）",
        float(area_ha),
        "公顷",
    )


def _stock_step(facts: LossInput, stock: Fraction) -> dict[str, Any]:
    area_ha = _of(facts, "area_m2") / loss_formulas.M2_PER_HA
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
    k = Fraction(1) if facts.k is None else loss_formulas.exact(facts.k)
    unit_kg = int(_of(facts, "unit_kg"))
    quantity = loss_formulas.quantity_kg(loss, k=k, unit_kg=unit_kg)
    steps = [
        _step(
            "应注销量 Q",
            f"Q = k × L 按 {unit_kg:,} 千克为一个单位向上取整：{_plain(k)} × {_show(loss)} 吨"
            f" = {_show(1000 * k * loss, loss_formulas.NOISE_DIGITS_KG)} 千克，取 {quantity:,} 千克",
            quantity,
            "千克CO2当量",
        )
    ]
    amount = None
    if facts.price_fen_t is not None:
        amount = loss_formulas.cost_fen(quantity, facts.price_fen_t)
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
    found = loss_formulas.interval(
        loss_t=float(loss),
        loss_per_delta_c=float(per_delta_c),
        loss_per_annual=float(per_annual),
        delta_c_stderr_t_ha=facts.delta_c_stderr_t_ha or 0.0,
        annual_stderr_t_ha=annual_stderr_t_ha or 0.0,
    )
    step = _step(
        "损失量的不确定性",
        f"标准误 = {_show(found.stderr_t)} 吨；90% 区间 L ± {loss_formulas.Z_90} × 标准误 = "
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
    stock = loss_formulas.stock_t(area_m2, _of(facts, "delta_c_t_ha"))
    flow = loss_formulas.flow_t(area_m2, annual_t_ha, missing)
    loss = loss_formulas.additive_loss_t(stock, flow, phi)
    yearly_t = area_m2 / loss_formulas.M2_PER_HA * annual_t_ha
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
        per_delta_c=loss_formulas.stock_t(area_m2, Fraction(1)) * (1 - phi),
        per_annual=loss_formulas.flow_t(area_m2, Fraction(1), missing),
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
    stock = loss_formulas.stock_t(area_m2, _of(facts, "delta_c_t_ha"))
    loss = loss_formulas.equivalent_loss_t(
        stock, missing, horizon_years=horizon_years, discount=discount
    )
    lost_years = sum(missing, Fraction(0))
    supplied = sum(loss_formulas.discount_factors(discount, horizon_years), Fraction(0))
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
        per_delta_c=loss_formulas.stock_t(area_m2, Fraction(1)) * lost_years / supplied,
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
    bought = loss_formulas.money_quantity(amount, price_fen_t=price, unit_kg=unit_kg)
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
    gained = loss_formulas.gained_years(
        service, years=gain_years, life_years=life_years, discount=discount
    )
    restore_ha = loss_formulas.habitat_ha(area_m2, missing, gained)
    lost = area_m2 / loss_formulas.M2_PER_HA * sum(missing, Fraction(0))
    maturing = f"{gain_years} 年匀速成熟" if gain_years else "当即成熟"
    steps = [
        _area_step(facts),
        _recovery_step(facts, missing),
        _step(
            "损失的服务量",
            f"A × Σ = {_show(area_m2 / loss_formulas.M2_PER_HA, 6)} × {_show(sum(missing, Fraction(0)), 5)}"
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

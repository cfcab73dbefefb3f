"""The facts of a loss assessment: which there are, which a method needs, and what is refused."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sinks.core.errors import Invalid

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

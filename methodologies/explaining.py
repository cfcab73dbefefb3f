"""What the texts of all methods share: the table of factors and the table of a deduction policy."""

from collections.abc import Iterable, Mapping

from methodologies import deductions, factors


def factor_table(factor_ids: Iterable[str]) -> str:
    """Return the factors as a markdown table: value, unit, uncertainty, confidence, source."""
    rows = []
    for factor_id in dict.fromkeys(factor_ids):
        found = factors.factor(factor_id)
        shown = "" if found.uncertainty in (None, 0) else str(found.uncertainty)
        if not shown and found.value_range is not None:
            shown = f"{found.value_range[0]:g}–{found.value_range[1]:g}"
        recalled = found.confidence == factors.MEMORY
        trust = "凭记忆，须核对" if recalled else "已核对"
        # A bar inside a cell would split it.
        source = found.source.replace("|", "\\|")
        cells = (f"`{found.id}`", _value(found), found.unit, shown, trust, source)
        rows.append("| " + " | ".join(cells) + " |")
    body = "\n".join(rows)
    return f"| 参数 | 数值 | 单位 | 不确定性 | 可信度 | 来源 |\n|---|---|---|---|---|---|\n{body}"


def deduction_text(policy: str) -> str:
    """Return what the policy takes off, in one sentence."""
    rule = deductions.find(policy)
    return f"建议的扣减规则为 `{policy}`（{rule.title_zh}）；出处：{rule.source}。"


def _value(found: factors.Factor) -> str:
    if found.value is None:
        text = "待登记机构确定"
        return text if found.suggested is None else f"{text}（建议 {found.suggested}）"
    if isinstance(found.value, Mapping):
        return "；".join(f"{key}：{_short(value)}" for key, value in found.value.items())
    return _short(found.value)


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "（" + "，".join(_short(item) for item in value) + "）"
    return f"{value:.6g}" if isinstance(value, float) else str(value)

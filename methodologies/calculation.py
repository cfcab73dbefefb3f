"""Methods that compute but remove nothing: statistics, one plot, a price. No amount of CO2 is theirs;
all their numbers are in `intermediate`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from methodologies import factors, inputs
from methodologies.base import Method
from methodologies.explaining import factor_table
from methodologies.inputs import Model
from methodologies.remarks import Remarks

Calculate = Callable[[Any, Remarks], dict[str, Any]]


def method(
    method_id: str,
    titles: tuple[str, str],
    model: type[Model],
    calculate: Calculate,
    example: Mapping[str, Any],
    explain: Callable[[], list[tuple[str, str]]] | str,
    factor_ids: Sequence[str] = (),
    sink_type: str = "any",
) -> Method:
    """Return the method whose `intermediate` is what `calculate` gives for a checked input.

    titles : Chinese and English; a `taken_share` in the numbers becomes the deduction_share
    explain : sections, or the text of equations and sources, to which the others are added
    """

    def run(data: Mapping[str, Any]) -> dict[str, Any]:
        remarks = Remarks()
        intermediate = calculate(inputs.parse(model, data), remarks)
        remarks.warn_of_recalled()
        assert remarks.used <= set(factor_ids), remarks.used - set(factor_ids)
        return {
            "method": method_id,
            "factor_hash": factors.factor_hash(factor_ids),
            "gross_co2_t": 0.0,
            "stderr_co2_t": 0.0,
            "deduction_share": intermediate.get("taken_share") or 0.0,
            "net_co2_t": 0.0,
            "buffer_co2_t": 0.0,
            "issuable_kg": 0,
            "components": [],
            "intermediate": intermediate,
            "warnings": [notice.as_dict() for notice in remarks.warnings],
            "refusals": [notice.as_dict() for notice in remarks.refusals],
        }

    def told(text: str) -> list[tuple[str, str]]:
        found = [
            ("公式与来源", text),
            (
                "计入与不计入",
                "只作计算，不产生碳汇量或减排量：结果中的吨数均为 0，所有数值在 `intermediate` 中。",
            ),
            ("算例（由程序现算，输入见下方示例）", _numbers(run(copied(example))["intermediate"])),
        ]
        return [*found, ("参数表", factor_table(factor_ids))] if factor_ids else found

    return Method(
        id=method_id,
        title_zh=titles[0],
        title_en=titles[1],
        sink_type=sink_type,
        credit_class="inventory_only",
        factor_ids=tuple(factor_ids),
        schema=lambda: inputs.schema(model, method_id, titles[0]),
        example=lambda: copied(example),
        run=run,
        explain=(lambda: told(explain)) if isinstance(explain, str) else explain,
    )


def _numbers(intermediate: Mapping[str, Any]) -> str:
    """Return the single numbers of a result as a markdown list."""
    return "\n".join(
        f"- `{name}` = {value:.6g}"
        for name, value in intermediate.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )


def copied(value: Any) -> Any:
    """Return a deep copy in plain dicts and lists, so that no reader can change the original."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list | tuple) else value

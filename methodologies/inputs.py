"""What the inputs of all methods share: strict records, and faults told in Chinese.

Unknown keys are refused, so that a misspelt field can't be taken for an absent one. Numbers are
numbers (no text, no bool, no NaN).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from methodologies.base import MethodInputInvalid
from methodologies.emissions import GwpSet

Identifier = Annotated[str, Field(min_length=1, max_length=200)]
Area = Annotated[float, Field(gt=0, description="面积，公顷")]
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1, description="份额，0–1")]
Deduction = Literal["ar_tool14", "ar_cm", "gs403", "flat", "poe", "poe_flat"]
# No area, mass or count of this world is larger; beyond it products leave the range of numbers.
MAGNITUDE_MAX = 1e15
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def invalid(message: str) -> PydanticCustomError:
    """Return the error that a record raises about itself."""
    return PydanticCustomError("registry", "{text}", {"text": message})


def _written_as_a_day(value: object) -> object:
    """Let no number pass for a date: it would be read as seconds since 1970."""
    if type(value) is date or (isinstance(value, str) and _ISO_DAY.fullmatch(value)):
        return value
    raise invalid("须为日期，如 2023-01-01")


Day = Annotated[date, BeforeValidator(_written_as_a_day), Field(strict=False)]


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
            raise invalid(f"监测期终止日 {self.end} 须晚于起始日 {self.start}")
        return self

    @property
    def years(self) -> float:
        """Return the length in Julian years of 365.25 days."""
        return (self.end - self.start).days / 365.25


class Settlement(Model):
    """The registrar's decisions that every balance needs; a null one refuses issuance by name."""

    deduction: Annotated[Deduction, Field(description="不确定性扣减规则")]
    buffer_share: Annotated[float, Field(ge=0, lt=1, description="缓冲池比例")] | None = None
    gwp_set: Annotated[GwpSet, Field(description="全球增温潜势取值")] | None = None
    unit_kg: Annotated[int, Field(ge=1, description="最小签发单位，千克")] = 1000
    carried_debit_kg: Annotated[int, Field(ge=0, description="上期结转的负碳汇量，千克")] = 0


class Baseline(Model):
    """Removal without the project over the whole period [tCO2], and its relative half-width."""

    co2_t: Annotated[float, Field(description="基线情景下的碳汇量，吨二氧化碳，全监测期")]
    u90: Annotated[float, Field(ge=0, description="90 % 置信度相对不确定性，0.12 表示 12 %")]


ModelT = TypeVar("ModelT", bound=Model)


def parse(model: type[ModelT], data: Mapping[str, Any]) -> ModelT:
    """Return the checked input; MethodInputInvalid, naming each faulty field, if it is not."""
    if _too_large(data):
        raise MethodInputInvalid(
            f"数值过大：{'、'.join(list(_places_too_large(data))[:5])}；"
            f"绝对值不得超过 {MAGNITUDE_MAX:g}，请核对单位。"
        )
    try:
        return model.model_validate(dict(data) if isinstance(data, Mapping) else data)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or '输入'}：{_in_chinese(fault)}"
            for fault in error.errors(include_url=False)
        ]
        raise MethodInputInvalid(
            f"输入有 {len(faults)} 处不符合要求：{'；'.join(faults)}。请按 `methods schema` 修改后重试。"
        ) from None


def schema(model: type[Model], method_id: str, description: str) -> dict[str, Any]:
    """Return the JSON Schema of the input."""
    found = model.model_json_schema()
    found["title"] = method_id
    found["description"] = description
    return found


def unique(what: str, ids: Iterable[str]) -> None:
    """Refuse an id that is used twice."""
    if repeated := sorted(key for key, count in Counter(ids).items() if count > 1):
        raise invalid(f"{what}编号重复：{'、'.join(repeated)}")


def _too_large(value: object) -> bool:
    if isinstance(value, (int, float)):
        return abs(value) > MAGNITUDE_MAX
    if isinstance(value, (list, tuple)):
        return any(map(_too_large, value))
    return isinstance(value, Mapping) and any(map(_too_large, value.values()))


def _places_too_large(value: object, place: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _places_too_large(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _places_too_large(item, f"{place}.{number}")
    elif _too_large(value):
        yield place


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

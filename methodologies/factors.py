"""Published numbers with unit, uncertainty and the place each was read from.

The tables are YAML files in `methodologies/factors/`. A factor whose value is null waits for the
registrar: `required` refuses it by name, so that nothing is issued on an invented number.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

from methodologies.base import FactorMissing, UnknownFactor

FILES = ("bamboo_tea_forest.yaml", "wetland_farmland.yaml")
MEMORY = "memory"
UNSET = "unset"
TO_BE_SET = "to_be_set_by_registrar"
# Fields that came later stay out of the hash of a factor that has none: older hashes still hold.
_LATER = frozenset({"distribution", "note", "memory_level"})

_SD = re.compile(r"sd\s+([0-9]*\.?[0-9]+)")
_PERCENT = re.compile(r"\+-([0-9.]+)%(?: \((2 sd|90% CI))?")
# Half-widths as published, in standard deviations; where nothing is said, 95 % (IPCC convention).
_HALF_WIDTH_SD = MappingProxyType({"2 sd": 2.0, "90% CI": 1.645})
_HALF_WIDTH_95_SD = 1.96


@dataclass(frozen=True, slots=True)
class Factor:
    """One number, table or rule.

    value : number, text, bool, tuple or mapping; None while the registrar has not set it
    uncertainty : as published; `stderr` reads one standard deviation out of it
    confidence : "verified" (read in text) or "memory" (recalled, not read)
    via : how it was read: full_text, abstract, transcription, quoted, code, front_matter, recall,
        derived; empty where the table says it in the source
    value_range : lowest and highest published value, or a guard rail; see source
    basis : for deduction tables, what the share is a share of
    distribution : as published, where it is; memory_level : how sure a recalled number is
    """

    id: str
    value: Any
    unit: str
    uncertainty: float | str | None
    source: str
    confidence: str
    via: str
    status: str | None = None
    suggested: Any = None
    value_range: tuple[float, float] | None = None
    basis: str | None = None
    distribution: str | None = None
    note: str | None = None
    memory_level: str | None = None

    @property
    def number(self) -> float:
        """Return the value as a float; FactorMissing while it is null."""
        if self.value is None:
            raise FactorMissing(self.id, self.source)
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise UnknownFactor(f"因子 {self.id} 不是单个数值，而是 {self.unit}。")
        return float(self.value)

    @property
    def stderr(self) -> float:
        """Return one standard deviation in the factor's unit; FactorMissing if none is published."""
        if self.uncertainty == 0:
            return 0.0
        if isinstance(self.uncertainty, int | float):
            return float(self.uncertainty)
        if match := _SD.match(self.uncertainty or ""):
            return float(match.group(1))
        if match := _PERCENT.match(self.uncertainty or ""):
            widths = _HALF_WIDTH_SD.get(match.group(2), _HALF_WIDTH_95_SD)
            return abs(self.number) * float(match.group(1)) / 100.0 / widths
        raise FactorMissing(self.id, "未公布标准差")

    @property
    def half_width_95(self) -> float:
        """Return the 95 % half-width: a published percentage as it stands, else 1.96 deviations.

        Approach 1 takes 2 standard deviations for the 95 % half-width, as the tables mean it.
        """
        text = self.uncertainty if isinstance(self.uncertainty, str) else ""
        match = _PERCENT.match(text)
        if match and match.group(2) != "90% CI":
            return abs(self.number) * float(match.group(1)) / 100.0
        return _HALF_WIDTH_95_SD * self.stderr


@cache
def table() -> Mapping[str, Factor]:
    """Return all factors by id, read once."""
    factors: dict[str, Factor] = {}
    for name in FILES:
        text = (resources.files("methodologies") / "factors" / name).read_text(encoding="utf-8")
        for row in yaml.safe_load(text)["factors"]:
            if row["id"] in factors:
                raise UnknownFactor(f"因子表 {name} 中 {row['id']} 重复，无法确定采用哪一个。")
            factors[row["id"]] = _factor(row)
    return MappingProxyType(factors)


# Values tried out in place of the table's, by factor, for as long as `moved` lasts.
_tried: ContextVar[Mapping[str, float]] = ContextVar("tried", default=MappingProxyType({}))


@contextmanager
def moved(factor_id: str, value: float) -> Iterator[None]:
    """Let calculations within take another value of the factor, to see what hangs on it."""
    token = _tried.set({**_tried.get(), factor_id: value})
    try:
        yield
    finally:
        _tried.reset(token)


def factor(factor_id: str) -> Factor:
    """Return the factor, its value may be None; UnknownFactor if there is none of this id."""
    try:
        found = table()[factor_id]
    except KeyError:
        raise UnknownFactor(f"没有名为 {factor_id} 的因子；请查因子表中的 id。") from None
    tried = _tried.get()
    return replace(found, value=tried[factor_id]) if factor_id in tried else found


def required(factor_id: str) -> Any:
    """Return the value of the factor; FactorMissing, naming it, while it is null."""
    found = factor(factor_id)
    if found.value is None:
        raise FactorMissing(factor_id, found.source)
    return found.value


def number(factor_id: str) -> float:
    """Return the value as a float; FactorMissing while it is null."""
    return factor(factor_id).number if _tried.get() else _number(factor_id)


@cache
def _number(factor_id: str) -> float:
    return factor(factor_id).number


def factor_hash(ids: Iterable[str]) -> str:
    """Return the SHA-256 [hex] of the named factors, order and repetition of ids not mattering.

    Hashed is the canonical JSON of every field, so a changed source or confidence shows as well.
    """
    return _hash_of(tuple(sorted(set(ids))), tuple(sorted(_tried.get().items())))


@lru_cache(maxsize=256)
def _hash_of(ids: tuple[str, ...], tried: tuple[tuple[str, float], ...]) -> str:
    # `tried` is what `factor` answers by for now: it only keeps the hashes apart.
    rows = [_plain(factor(factor_id)) for factor_id in ids]
    text = json.dumps(
        rows, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _factor(row: Mapping[str, Any]) -> Factor:
    known = {"id", "value", "unit", "uncertainty", "source", "confidence", "via"}
    known.remove("via")
    optional = {"status", "suggested", "range", "basis", "via"} | _LATER
    if unknown := set(row) - known - optional:
        raise UnknownFactor(f"因子 {row['id']} 含有不认识的字段：{sorted(unknown)}。")
    limits = row.get("range")
    unset = row["value"] is None
    # A table that says "unset" means: the registrar's, not read and not recalled.
    confidence = MEMORY if row["confidence"] == UNSET else row["confidence"]
    return Factor(
        id=row["id"],
        value=_frozen(row["value"]),
        unit=row["unit"],
        uncertainty=row.get("uncertainty"),
        source=row["source"],
        confidence=confidence,
        via=row.get("via", ""),
        status=TO_BE_SET if unset else row.get("status"),
        suggested=_frozen(row.get("suggested")),
        value_range=None if limits is None else (float(limits[0]), float(limits[1])),
        basis=row.get("basis"),
        distribution=row.get("distribution"),
        note=row.get("note"),
        memory_level=row.get("memory_level"),
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    return value


def _thawed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_thawed(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    return value


def _plain(found: Factor) -> dict[str, Any]:
    row = {name: _thawed(getattr(found, name)) for name in Factor.__slots__}
    return {name: value for name, value in row.items() if name not in _LATER or value is not None}

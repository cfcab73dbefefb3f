"""What the same input would give under other decisions, and how far each number moves the result.

Nothing here is stored or issued from: it is shown to people before anything is submitted.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from methodologies import factors
from methodologies.base import FactorMissing, Method, MethodError, UnknownFactor

# By how much a number of the input is moved to see what hangs on it.
INPUT_STEP_SHARE = 0.10

Step = str | int
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One set of decisions and what they lead to: a result, or why there is none.

    changes : the decisions that differ from those of the input, by their names in its `policy`
    """

    changes: Mapping[str, Any]
    result: Mapping[str, Any] | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Swing:
    """How far one number moves the net amount; None where the method refuses the moved number.

    kind : a `factor` is moved by one standard deviation, an `input` by INPUT_STEP_SHARE of itself
    name : id of the factor, or the place in the input, `[]` for every row of a list
    low_co2_t, high_co2_t : net amount with the number lowered and raised [tCO2e]
    """

    kind: Literal["factor", "input"]
    name: str
    low_co2_t: float | None
    high_co2_t: float | None

    def width_co2_t(self, net_co2_t: float) -> float:
        """Return the larger of the two movements away from the net amount [tCO2e]."""
        ends = (end for end in (self.low_co2_t, self.high_co2_t) if end is not None)
        return max((abs(end - net_co2_t) for end in ends), default=0.0)


def under_policies(
    method: Method, data: Mapping[str, Any], alternatives: Sequence[Mapping[str, Any]]
) -> list[Outcome]:
    """Return what the method gives with each set of decisions put into the input's `policy`."""
    return [_outcome(method, data, changes) for changes in alternatives]


def _outcome(method: Method, data: Mapping[str, Any], changes: Mapping[str, Any]) -> Outcome:
    try:
        result = method.run({**data, "policy": {**data["policy"], **changes}})
    except MethodError as refusal:
        return Outcome(dict(changes), None, str(refusal))
    return Outcome(dict(changes), result, None)


def swings(method: Method, data: Mapping[str, Any]) -> list[Swing]:
    """Return how far factors and inputs move the net amount, the widest first; those that do
    nothing are left out.

    Every row of a list is moved together. Decisions and dates stay as they are.
    """
    net = method.run(data)["net_co2_t"]
    found = [*_factor_swings(method, data), *_input_swings(method, data)]
    moving = [swing for swing in found if swing.width_co2_t(net) > 1e-9 * max(1.0, abs(net))]
    return sorted(moving, key=lambda swing: (-swing.width_co2_t(net), swing.name))


def _factor_swings(method: Method, data: Mapping[str, Any]) -> Iterator[Swing]:
    for factor_id in dict.fromkeys(method.factor_ids):
        try:
            value, stderr = factors.factor(factor_id).number, factors.factor(factor_id).stderr
        except (FactorMissing, UnknownFactor):
            continue  # No single value, or no published spread to move it by.
        ends = []
        for moved in (value - stderr, value + stderr):
            with factors.moved(factor_id, moved):
                ends.append(_net(method, data))
        yield Swing("factor", factor_id, *ends)


def _input_swings(method: Method, data: Mapping[str, Any]) -> Iterator[Swing]:
    places: dict[str, list[Path]] = {}
    for path in _numbers(data):
        if path[0] != "policy":
            name = ".".join("[]" if isinstance(step, int) else step for step in path)
            places.setdefault(name.replace(".[]", "[]"), []).append(path)
    for name, paths in places.items():
        ends = [
            _net(method, _scaled(data, paths, 1.0 + sign * INPUT_STEP_SHARE))
            for sign in (-1.0, 1.0)
        ]
        yield Swing("input", name, *ends)


def _net(method: Method, data: Mapping[str, Any]) -> float | None:
    try:
        net = float(method.run(data)["net_co2_t"])
    except MethodError:
        return None
    return net if math.isfinite(net) else None


def _numbers(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the places of the numbers that may be moved: measured ones, never counts or years."""
    match value:
        case float() if value != 0.0:
            yield path
        case Mapping():
            for key, item in value.items():
                yield from _numbers(item, (*path, key))
        case list() | tuple():
            for number, item in enumerate(value):
                yield from _numbers(item, (*path, number))


def _scaled(data: Any, paths: Sequence[Path], by: float) -> Any:
    if () in paths:
        return data * by
    inner: dict[Step, list[Path]] = {}
    for path in paths:
        inner.setdefault(path[0], []).append(path[1:])
    if isinstance(data, Mapping):
        return {
            key: _scaled(item, inner[key], by) if key in inner else item
            for key, item in data.items()
        }
    return [
        _scaled(item, inner[number], by) if number in inner else item
        for number, item in enumerate(data)
    ]

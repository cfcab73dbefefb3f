"""What no method may answer with a number: every place of every example, spoilt in every way."""

import copy
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from methodologies import catalogue
from methodologies.base import MethodError, MethodInputInvalid, OutOfDomain

every = pytest.mark.parametrize("method", catalogue.METHODS.values(), ids=catalogue.METHODS)
CHINESE = re.compile(r"[一-鿿]")
Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf and every container, of lists the first row only."""
    if path:
        yield path, value
    match value:
        case dict():
            for key, item in value.items():
                yield from places(item, (*path, key))
        case [first, *_]:
            yield from places(first, (*path, 0))


def spoilt(data: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(data)
    inner: Any = found
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return found


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@every
@pytest.mark.parametrize(
    "wrong", [math.nan, math.inf, -math.inf, "12", True, [], {}, "一公顷"], ids=repr
)
def test_what_is_no_number_is_refused_wherever_a_number_belongs(method, wrong):
    example = method.example()
    for path, value in places(example):
        if is_number(value):
            with pytest.raises(MethodInputInvalid, match=CHINESE):
                method.run(spoilt(example, path, wrong))


@every
def test_a_number_out_of_this_world_is_refused(method):
    example = method.example()
    for path, value in places(example):
        if is_number(value):
            for wrong in (1e300, -1e300, 10**40):
                with pytest.raises(MethodInputInvalid, match="数值过大"):
                    method.run(spoilt(example, path, wrong))


@every
def test_tiny_and_large_numbers_give_a_finite_result_or_a_refusal(method):
    """1e-300 of a divisor leaves the range of numbers; an unguarded result would be infinite."""
    example = method.example()
    for path, value in places(example):
        if is_number(value) and path[-1] != "seed":
            for odd in (1e-300, 1e14, 0 if isinstance(value, int) else 0.0):
                try:
                    found = method.run(spoilt(example, path, odd))
                except MethodError as refusal:
                    assert CHINESE.search(str(refusal))
                else:
                    assert math.isfinite(found["net_co2_t"])


def test_a_result_that_is_not_finite_leaves_no_method():
    """1e14 culms on 1e-300 m2: each number keeps its rule, their quotient leaves the range."""
    method = catalogue.method("moso-plot/1")
    data = spoilt(spoilt(method.example(), ("area_m2",), 1e-300), ("culms", 0, "count"), 10**14)
    data["monte_carlo"] = None
    with pytest.raises(OutOfDomain, match="有限"):
        method.run(data)


@every
def test_an_unknown_field_is_refused_in_every_object(method):
    example = method.example()
    for path, value in [((), example), *places(example)]:
        if isinstance(value, dict) and path[-1:] != ("u95_share",):
            data = copy.deepcopy(example)
            inner: Any = data
            for step in path:
                inner = inner[step]
            inner["area_hectares"] = 1.0
            with pytest.raises(MethodInputInvalid, match="area_hectares：不认识的字段"):
                method.run(data)


@every
def test_what_is_empty_or_of_another_shape_is_refused(method):
    for data in ({}, [], None, "x", 3, [method.example()]):
        with pytest.raises(MethodInputInvalid, match=CHINESE):
            method.run(data)
    example = method.example()
    for path, value in places(example):
        if isinstance(value, dict | list):
            for wrong in ("x", 3):
                with pytest.raises(MethodInputInvalid, match=CHINESE):
                    method.run(spoilt(example, path, wrong))


@every
def test_every_refusal_of_a_missing_field_names_it(method):
    example = method.example()
    required = method.schema().get("required", [])
    assert required
    for name in required:
        data = {key: value for key, value in example.items() if key != name}
        with pytest.raises(MethodInputInvalid, match=f"{name}：缺少该项"):
            method.run(data)


AREAS = {
    "area_ha", "area_m2", "mass_t_dm", "parcel_area_ha", "plot_area_ha", "dbh_cm", "count", "n",
    "agb_t_ha_start", "agb_t_ha_end", "thickness_cm", "bd_g_cm3", "days", "t_ha", "buffer_share",
    "burnt_t_dm_ha_baseline", "synthetic_n_kg_ha", "carried_debit_kg", "unit_kg", "u90",
    "volume_m3_ha_start", "yield_baseline_t_ha", "quantity_kg", "reference_fen_t", "temperature_c",
}  # fmt: skip


@every
def test_negative_areas_masses_and_shares_are_refused(method):
    example = method.example()
    for path, value in places(example):
        if is_number(value) and path[-1] in AREAS:
            wrong = -1 if isinstance(value, int) else -0.5
            with pytest.raises(MethodInputInvalid, match=r"须(大于|不小于)"):
                method.run(spoilt(example, path, wrong))


@every
def test_lists_that_hold_the_land_may_not_be_empty_nor_name_a_row_twice(method):
    example = method.example()
    for path, value in places(example):
        if isinstance(value, list) and path[-1] in {"strata", "classes", "units", "batches"}:
            with pytest.raises(MethodInputInvalid, match="至少须有一项"):
                method.run(spoilt(example, path, []))
        if isinstance(value, list) and value and isinstance(value[0], dict) and "id" in value[0]:
            if path[-1] == "indicators":
                continue
            with pytest.raises(MethodInputInvalid, match="编号重复"):
                method.run(spoilt(example, path, [*value, copy.deepcopy(value[0])]))


DATED = [m for m in catalogue.METHODS.values() if "period" in m.example()]


@pytest.mark.parametrize("method", DATED, ids=lambda m: m.id)
@pytest.mark.parametrize(
    "wrong",
    [
        1672531200, 0, 1672531200.5, "1672531200", "2023", "2023-13-01", "2023-02-30", "今年",
        "2023-01-01T00:00:00", None, True,
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_day_is_no_date_of_a_period(method, wrong):
    data = method.example()
    data["period"]["start"] = wrong
    with pytest.raises(MethodInputInvalid, match=r"period\.start：须为日期"):
        method.run(data)


@pytest.mark.parametrize("method", DATED, ids=lambda m: m.id)
def test_a_period_that_runs_backwards_or_not_at_all_is_refused(method):
    for data in (method.example(), method.example()):
        data["period"]["end"] = data["period"]["start"]
        with pytest.raises(MethodInputInvalid, match="须晚于起始日"):
            method.run(data)


def test_a_season_longer_than_a_year_is_a_slip_of_the_pen():
    method = catalogue.method("paddy-ch4/1")
    data = method.example()
    data["baseline"][0].update(sow_date="2020-06-01", harvest_date="2025-10-01")
    with pytest.raises(MethodInputInvalid, match="不得超过 365 天"):
        method.run(data)


def test_fertiliser_of_a_year_counts_once_and_in_its_period():
    method = catalogue.method("tea-n2o/1")
    twice = method.example()
    twice["project_records"] *= 2
    with pytest.raises(MethodInputInvalid, match="project_records 的年份编号重复：2025"):
        method.run(twice)
    more = method.example()
    more["project_records"] += [{**more["project_records"][0], "year": 2026}]
    found = method.run(more)
    assert [r["code"] for r in found["refusals"]] == ["RECORDS_NOT_OF_PERIOD"]
    assert found["issuable_kg"] == 0
    late = method.example()
    late["baseline_records"][0]["year"] = 2025
    with pytest.raises(MethodInputInvalid, match="基线记录 2025 年不早于"):
        method.run(late)

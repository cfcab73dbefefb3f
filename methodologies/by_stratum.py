"""Methods as a monitoring round runs them: over strata, with each parcel's share.

A method by records is run once a stratum, or once a stratum and year, and the results are joined
into one.

Strata are added as they are: a loss in one is taken from the gain of another, and nothing is
rounded before the sum. The factors of all strata are the same, so their errors are taken as fully
correlated: standard errors add up linearly, which is never too little. So are the years of a
stratum where the method's input is of one year. Kilograms are floored once, at the end, and shared
out by what each stratum brings and, within it, by area.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from methodologies import allocation, catalogue, from_records
from methodologies.base import Method, MethodInputInvalid, floor_kg


def of_round(method_id: str) -> Method:
    """Return the method as a monitoring round runs it: itself, over strata where it is fed by
    records, or with its result shared out where it knows strata and no parcels."""
    method = catalogue.method(method_id)
    if method.by_round == "records":
        return replace(method, run=lambda document: _run(method, document))
    if method.by_round == "plots":
        return replace(method, run=lambda document: _run_plots(method, document))
    return method


def _run_plots(method: Method, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the method's result, with its allocation to `parcels` [{id, stratum, area_ha}].

    Each stratum has the part of the net that its change is of all changes in the same sense:
    deduction, baseline and losses are the whole project's.
    """
    result = method.run({key: value for key, value in document.items() if key != "parcels"})
    changes = {
        row["id"]: row["delta_co2_t_ha"] * row["area_ha"]
        for row in result["intermediate"].get("strata", ())
    }
    brings = {row["id"]: changes.get(row["id"], 0.0) for row in document["strata"]}
    return {**result, "allocation": _shared_out(result, brings, document["parcels"])}


def _run(method: Method, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the joined result of a round, with its allocation to parcels.

    document : `strata` [{id, input}] or [{id, by_year: [{year, input}]}], each input one of the
        method's own; `parcels` [{id, stratum, area_ha}]; `policy`, which holds for every stratum,
        with `carried_debit_kg`, the debit of earlier rounds, taken once
    """
    policy = {**from_records.method_policy(document["policy"]), "carried_debit_kg": 0}
    results = {row["id"]: _stratum_result(method, row, policy) for row in document["strata"]}
    joined = join(
        results,
        carried_debit_kg=document["policy"]["carried_debit_kg"],
        unit_kg=policy["unit_kg"],
    )
    return {**joined, "allocation": allocate(joined, document["parcels"])}


def _stratum_result(
    method: Method, row: Mapping[str, Any], policy: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a stratum brings, its years added up where it is run year by year."""

    def of(given: Mapping[str, Any]) -> dict[str, Any]:
        return method.run({**given, "policy": {**given["policy"], **policy}})

    if "input" in row:
        return of(row["input"])
    results = {year: of(given) for year, given in inputs_of(row).items()}
    return join(results, unit_kg=policy["unit_kg"], of="by_year")


def inputs_of(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the method's inputs of a stratum of a round's document, by year where there is one a
    year, else the one under no name."""
    if "input" in row:
        return {"": row["input"]}
    return {str(one["year"]): one["input"] for one in row["by_year"]}


def join(
    results: Mapping[str, Mapping[str, Any]],
    *,
    carried_debit_kg: int = 0,
    unit_kg: int = 1000,
    of: Literal["strata", "by_year"] = "strata",
) -> dict[str, Any]:
    """Return the sum of results by stratum (or year), shaped as one result; one stratum keeps its
    numbers.

    Raises
    ------
    MethodInputInvalid
        No stratum, or a stratum has a debit of its own: it would be taken once a stratum.
    """
    if not results:
        raise MethodInputInvalid("没有任何一层可以合并。")
    if any(row["intermediate"]["carried_debit_kg"] for row in results.values()):
        raise MethodInputInvalid("结转的负值属于整个项目，不能写在某一层里。")
    rows = list(results.values())
    gross = math.fsum(row["gross_co2_t"] for row in rows)
    conservative = math.fsum(row["intermediate"]["conservative_co2_t"] for row in rows)
    before_debit = math.fsum(row["net_co2_t"] for row in rows)
    net = before_debit - carried_debit_kg / 1000.0
    # What the strata would put aside, and never more than there is.
    buffer = min(math.fsum(row["buffer_co2_t"] for row in rows), max(0.0, net))
    warnings = _notices(results, "warnings", of)
    refusals = _notices(results, "refusals", of)
    if net < 0.0:
        message = f"本期净量为 {net:.3f} 吨（负值），须结转抵减以后各期。"
        warnings.append({"code": "NEGATIVE_NET", "message": message})
    issuable_kg = 0 if refusals else floor_kg(net, buffer)
    return {
        "method": rows[0]["method"],
        "factor_hash": rows[0]["factor_hash"],
        "gross_co2_t": gross,
        "stderr_co2_t": _sum_or_none([row["stderr_co2_t"] for row in rows]),
        "deduction_share": (gross - conservative) / abs(gross) if gross else 0.0,
        "net_co2_t": net,
        "buffer_co2_t": buffer,
        "issuable_kg": issuable_kg,
        "components": _components(rows),
        "intermediate": {
            "mode": _mode(rows),
            **_balances(rows),
            of: [_part(key, row) for key, row in results.items()],
            "conservative_co2_t": conservative,
            "net_before_debit_co2_t": before_debit,
            "carried_debit_kg": carried_debit_kg,
            "debit_carried_forward_kg": max(0, math.ceil(round(-1000.0 * net, 6))),
            "unit_kg": unit_kg,
            "issuable_units": issuable_kg // unit_kg,
            "unit_residue_kg": issuable_kg % unit_kg,
        },
        "warnings": warnings,
        "refusals": refusals,
    }


def allocate(
    joined: Mapping[str, Any], parcels: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return each parcel's share: strata by their net in the sense of the whole, parcels by area."""
    brings = {row["id"]: row["net_co2_t"] for row in joined["intermediate"]["strata"]}
    return _shared_out(joined, brings, parcels)


def _shared_out(
    result: Mapping[str, Any], brings: Mapping[str, float], parcels: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return each parcel's share by what its stratum brings [tCO2], and within it by area."""
    net, issuable_kg = result["net_co2_t"], result["issuable_kg"]
    sign = -1.0 if net < 0.0 else 1.0
    sizes: dict[str, list[float]] = {key: [] for key in brings}
    for parcel in parcels:
        sizes[parcel["stratum"]].append(parcel["area_ha"])
    areas = {key: math.fsum(those) for key, those in sizes.items()}
    same_sense = {key: max(0.0, sign * co2_t) for key, co2_t in brings.items()}
    chosen = same_sense if any(same_sense.values()) else areas
    whole = math.fsum(chosen.values())
    weights = {
        p["id"]: chosen[p["stratum"]] / whole * (p["area_ha"] / areas[p["stratum"]])
        for p in parcels
    }
    kilograms = allocation.largest_remainder(issuable_kg, weights)
    return [
        {
            "id": p["id"],
            "area_ha": p["area_ha"],
            "co2_t": net * weights[p["id"]],
            "issuable_kg": kilograms[p["id"]],
        }
        for p in parcels
    ]


def _mode(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return "ABS" where no part has a baseline to differ from."""
    return "ABS" if all(row["intermediate"].get("mode") == "ABS" for row in rows) else "DELTA"


def _balances(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the balances by pool, of a method that has them, summed over all parts. A part without
    a baseline has no difference, so that the baseline is left out and the difference is of the
    others."""
    found = {}
    for name in ("abs_co2e_t", "baseline_abs_co2e_t", "delta_co2e_t"):
        parts = [part for row in rows if isinstance(part := row["intermediate"].get(name), Mapping)]
        if parts and (len(parts) == len(rows) or name == "delta_co2e_t"):
            pools = dict.fromkeys(pool for part in parts for pool in part)
            found[name] = {pool: math.fsum(part.get(pool, 0.0) for part in parts) for pool in pools}
    return found


def _part(key: str, row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("gross_co2_t", "stderr_co2_t", "deduction_share", "net_co2_t", "buffer_co2_t")
    return {"id": key, **{name: row[name] for name in names}, "result": row["intermediate"]}


def _components(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the components by pool and gas, summed over the strata, in the order they come."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for component in (one for row in rows for one in row["components"]):
        found.setdefault((component["pool"], component["gas"]), []).append(component)
    return [
        {
            "pool": pool,
            "gas": gas,
            "co2e_t": math.fsum(one["co2e_t"] for one in same),
            "stderr_co2e_t": _sum_or_none([one["stderr_co2e_t"] for one in same]),
        }
        for (pool, gas), same in found.items()
    ]


def _sum_or_none(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _notices(
    results: Mapping[str, Mapping[str, Any]], key: str, of: Literal["strata", "by_year"]
) -> list[dict[str, str]]:
    """Return the notices of all parts, each naming those it is about; the same one once."""
    about: dict[tuple[str, str], list[str]] = {}
    for stratum, row in results.items():
        for notice in row[key]:
            if notice["code"] == "NEGATIVE_NET":
                continue  # A loss of one stratum is taken from the others; only the sum is carried.
            about.setdefault((notice["code"], notice["message"]), []).append(stratum)
    return [
        {
            "code": code,
            "message": message
            if len(strata) == len(results)
            else f"{_named(strata, of)}：{message}",
        }
        for (code, message), strata in about.items()
    ]


def _named(parts: Sequence[str], of: Literal["strata", "by_year"]) -> str:
    return f"层 {'、'.join(parts)}" if of == "strata" else f"{'、'.join(parts)} 年"

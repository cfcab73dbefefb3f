"""Every released method: CPU seconds of 100,000 draws, and of 10,000 parcels without any raster.

Parcels come in three ways. As the method takes them: rows of one document where it has rows
(parcels, strata, classes, batches, units), strata of a round where it is fed by records, else one run
a parcel; sizes differ, and those who farm alike are a hundred groups. As so many runs, each with
an area and a practice of its own, in more than one number where there are several. And, by records,
as a round of so many strata, again each with a practice of its own: no two share anything but the
factors.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from methodologies import by_stratum, catalogue, propagation
from methodologies.propagation import DRAWS
from tests.bench import report

PARCELS = 10_000
PRACTICES = 100
Document = dict[str, Any]


def areas(count: int) -> list[float]:
    """Return areas [ha] as of parcels of a county: a tenth of a hectare to some dozens."""
    return [float(a) for a in np.random.default_rng(20261123).lognormal(0.0, 1.2, count)]


def with_parcels(method_id: str, count: int) -> Iterator[Document]:
    """One round of a bamboo method, its parcels in five strata."""
    method = catalogue.method(method_id)
    whole, strata = method.example(), 5
    first = whole["strata"][0]
    sizes = areas(count)
    parcels = [
        {
            "id": f"p{i:05d}", "stratum": str(i % strata), "area_ha": size,
            "map_agb_t_ha_start": 50.0, "map_agb_t_ha_end": 54.0 + i % 7,
        }
        for i, size in enumerate(sizes)
    ]  # fmt: skip
    whole["parcels"] = parcels
    whole["strata"] = [
        {
            **first, "id": str(s), "area_ha": sum(sizes[s::strata]),
            "plots": [{**plot, "id": f"{s}-{plot['id']}"} for plot in first["plots"]],
        }
        for s in range(strata)
    ]  # fmt: skip
    yield whole


def with_strata(method_id: str, count: int) -> Iterator[Document]:
    """One document in which every parcel is a stratum of its own with three plots or points."""
    whole = catalogue.method(method_id).example()
    first = whole["strata"][0]
    kept = {"plots": 3, "points": 3, "control_points": 2}

    def renamed(rows: list[Document], i: int) -> list[Document]:
        return [{**row, "id": f"{i}-{row['id']}"} for row in rows]

    whole["strata"] = [
        {
            **first, "id": str(i), "area_ha": size,
            **{key: renamed(first[key][:n], i) for key, n in kept.items() if key in first},
        }
        for i, size in enumerate(areas(count))
    ]  # fmt: skip
    yield whole


def with_rows(method_id: str, count: int, key: str, size: str) -> Iterator[Document]:
    """One document in which every parcel is a row of `key`."""
    whole = catalogue.method(method_id).example()
    for name in (key, f"baseline_{key}"):
        if whole.get(name):
            whole[name] = [
                {**whole[name][i % len(whole[name])], "id": str(i), size: area}
                for i, area in enumerate(areas(count))
            ]
    yield whole


def with_classes(count: int) -> Iterator[Document]:
    """Ten thousand parcels of dry farmland, as areas of six soils."""
    whole = catalogue.method("farmland-soc/1").example()
    soils = ("HAC", "LAC", "SAN", "POD", "VOL", "WET")
    whole["classes"] = [
        {"area_ha": area, "soil": soils[i % 6]} for i, area in enumerate(areas(count))
    ]
    yield whole


def one_by_one(method_id: str, count: int) -> Iterator[Document]:
    """A document for every parcel, its area its own."""
    whole = catalogue.method(method_id).example()
    for i, area in enumerate(areas(count)):
        yield of_area(practised(method_id, whole, i % PRACTICES), area)


def practised(method_id: str, whole: Document, i: int) -> Document:
    """The example with a practice of its own: the i-th, of 10,000, of those who farm differently."""
    part = i / PARCELS
    change: Callable[[Document], Document] | None = {
        "paddy-ch4/1": lambda d: {
            "baseline": [strawed(d["baseline"][0], part, 100.0 + 100.0 * part)],
            "project": [strawed(d["project"][0], part, 112.0)],
        },
        "n2o/1": lambda d: {
            "project": {
                **d["project"],
                "synthetic_n_kg_ha": 100.0 + 100.0 * part,
                "organic_n_kg_ha": 40.0 + 10.0 * part,
            },
        },
        "tea-n2o/1": lambda d: {
            "baseline_records": [{**r, "organic_n_kg_ha": 60.0} for r in d["baseline_records"]],
            "project_records": [
                {
                    **d["project_records"][0],
                    "synthetic_n_kg_ha": 200.0 + 100.0 * part,
                    "organic_n_kg_ha": 40.0 + 10.0 * part,
                }
            ],
        },
        "residue-burning/1": lambda d: {"burnt_t_dm_ha_baseline": 4.0 + 4.0 * part},
        "farmland-soc/1": lambda d: {
            "classes": [
                {**d["classes"][0], "soil": "HAC", "area_ha": 10.0},
                {**d["classes"][0], "soil": "LAC", "area_ha": 1.0 + 10.0 * part},
            ],
        },
        "biochar/1": lambda d: {"batches": [{**d["batches"][0], "c_share": 0.40 + 0.4 * part}]},
        "moso-mgmt/1": lambda d: {"strata": [grown(d["strata"][0], part)]},
        "moso-aff/1": lambda d: {"strata": [grown(d["strata"][0], part)]},
        "moso-plot/1": lambda d: {"monte_carlo": {**d["monte_carlo"], "seed": i, "draws": DRAWS}},
    }.get(method_id)
    return whole if change is None else {**whole, **change(whole)}


def strawed(season: Document, more_t_ha: float, days: float) -> Document:
    """The season with so much more straw, over so many days."""
    first, *others = season["amendments"]
    amendments = [{**first, "t_ha": first["t_ha"] + more_t_ha}, *others]
    return {**season, "days": days, "amendments": amendments}


def grown(stratum: Document, more_t_ha: float) -> Document:
    """The stratum with so much more biomass on its first plot at the end."""
    first, *others = stratum["plots"]
    return {
        **stratum,
        "plots": [{**first, "agb_t_ha_end": first["agb_t_ha_end"] + more_t_ha}, *others],
    }


def of_area(document: Document, area_ha: float) -> Document:
    """The document for so much land, where it is of land: every area in proportion."""
    if "area_ha" in document:
        return {**document, "area_ha": area_ha}
    scaled = dict(document)
    for key in ("classes", "strata", "parcels", "units", "baseline_units"):
        rows = document.get(key)
        if rows and isinstance(rows[0], dict) and "area_ha" in rows[0]:
            scaled[key] = [{**row, "area_ha": row["area_ha"] * area_ha / 10.0} for row in rows]
    return scaled


def as_a_round(method_id: str, count: int, practices: int = PRACTICES) -> Document:
    """A round by records: so many strata, each of parcels that farm alike."""
    whole = catalogue.method(method_id).example()
    sizes = areas(count)
    policy = whole["policy"]
    step = PARCELS // practices if practices < PARCELS else 1
    strata = [
        {
            "id": str(s),
            "input": of_area(practised(method_id, whole, s * step), sum(sizes[s::practices])),
        }
        for s in range(practices)
    ]
    parcels = [
        {"id": f"p{i:05d}", "stratum": str(i % practices), "area_ha": size}
        for i, size in enumerate(sizes)
    ]
    return {"strata": strata, "parcels": parcels, "policy": policy}


def documents(method_id: str, count: int) -> Iterator[Document]:
    """Return the inputs that hold so many parcels."""
    if method_id in ("moso-mgmt/1", "moso-aff/1"):
        return with_parcels(method_id, count)
    if method_id == "farmland-soc/1":
        return with_classes(count)
    if method_id == "biochar/1":
        return with_rows(method_id, count, "batches", "mass_t_dm")
    if method_id == "wetland-balance/1":
        return with_rows(method_id, count, "units", "area_ha")
    if "strata" in catalogue.method(method_id).example():
        return with_strata(method_id, count)
    return one_by_one(method_id, count)


def cpu_s(run: Callable[[Mapping[str, Any]], object], inputs: list[Document]) -> float:
    """Return the CPU seconds of running all inputs, one after the other."""
    begun = time.process_time()
    for document in inputs:
        run(document)
    return time.process_time() - begun


def parcels_cpu_s(method_id: str, count: int = PARCELS) -> float:
    """Return the CPU seconds of so many parcels, the inputs at hand."""
    found = 0.0
    if catalogue.method(method_id).by_round == "records":
        found = cpu_s(by_stratum.of_round(method_id).run, [as_a_round(method_id, count)])
        if method_id not in ("farmland-soc/1", "biochar/1", "wetland-balance/1"):
            return found
    # These take parcels both ways: in strata that farm alike, and as soils, batches or units of one
    # input.
    inputs = list(documents(method_id, count))
    if method_id == "moso-plot/1":
        inputs = [{**document, "monte_carlo": None} for document in inputs]
    return max(found, cpu_s(catalogue.method(method_id).run, inputs))


def runs_cpu_s(method_id: str, count: int = PARCELS) -> float:
    """Return the CPU seconds of so many runs, area and practice of each its own."""
    method = catalogue.method(method_id)
    whole, step = method.example(), max(1, PARCELS // count)
    inputs = [
        of_area(practised(method_id, whole, i * step), area) for i, area in enumerate(areas(count))
    ]
    if method_id == "moso-plot/1":
        # One plot's check by culms, drawn by a seed of its own: ten thousand of them are no round.
        inputs = [{**document, "monte_carlo": None} for document in inputs]
    return cpu_s(method.run, inputs)


def strata_cpu_s(method_id: str, count: int = PARCELS) -> float | None:
    """Return the CPU seconds of a round of so many strata, each with a practice of its own; None if
    the method is not fed by records."""
    if catalogue.method(method_id).by_round != "records":
        return None
    forget_draws()
    return cpu_s(by_stratum.of_round(method_id).run, [as_a_round(method_id, count, count)])


def forget_draws() -> None:
    """Let nothing that was drawn before be at hand."""
    propagation._values.cache_clear()
    propagation._kept.clear()


def draws_cpu_s(method_id: str) -> float | None:
    """Return the CPU seconds of one run with 100,000 fresh draws; None if the method draws none."""
    method = catalogue.method(method_id)
    if "monte_carlo" not in method.run(method.example())["intermediate"]:
        return None
    forget_draws()
    return cpu_s(method.run, [practised(method_id, method.example(), PRACTICES)])


def main() -> None:
    """All methods: eight minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=PARCELS)
    asked = parser.parse_args()
    found: dict[str, dict[str, float | None]] = {}
    for method_id in catalogue.METHODS:
        draws = [draws_cpu_s(method_id) for _ in range(3)]
        forget_draws()
        found[method_id] = {
            "draws_cpu_s": None if draws[0] is None else max(d for d in draws if d is not None),
            "parcels_cpu_s": parcels_cpu_s(method_id, asked.parcels),
            "runs_cpu_s": runs_cpu_s(method_id, asked.parcels),
            "strata_cpu_s": strata_cpu_s(method_id, asked.parcels),
        }
    headers = (
        "method",
        "100,000 draws, CPU s",
        f"{asked.parcels} parcels, CPU s",
        f"{asked.parcels} runs of its own each",
        f"{asked.parcels} strata of its own each",
    )
    rows = [[name, *figures.values()] for name, figures in found.items()]
    report.table("Methods (targets: 2 s of draws, 10 s of parcels)", headers, rows)
    report.document("methods", {"parcels": asked.parcels, "methods": found})


if __name__ == "__main__":
    main()

"""Zonal sums against reading the raster once, exactextract and rasterstats: `make bench`.

What counts is the ratio of CPU seconds within one run: methods take turns, each in a process of its
own, and the median of the rounds is taken. The page cache is warm and compiled code is there.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gis_data import geometry
from tests.bench import report, zonal_data
from tests.bench.zonal_data import DEGREES, UTM, Place

ROOT = Path(__file__).parents[2]
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """A raster and parcels; ``parcels_crs`` is what these are given in."""

    name: str
    place: Place
    parcels: Path
    layers: list[Path]
    crs: str

    def once(self, method: str, out: Path | None = None) -> Figures:
        """Run a method in a process of its own."""
        command = [
            sys.executable, "-m", "tests.bench.zonal_methods", method,
            "--layers", *map(str, self.layers), "--parcels", str(self.parcels), "--crs", self.crs,
            *(["--out", str(out)] if out else []),
        ]  # fmt: skip
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return dict(json.loads(said.stdout.splitlines()[-1]))

    def rounds(self, methods: Sequence[str], count: int) -> dict[str, Figures]:
        """Return the median of each figure of methods that take turns."""
        held: dict[str, list[Figures]] = {method: [] for method in methods}
        for _ in range(count):
            for method in methods:
                held[method].append(self.once(method))
        return {
            method: {key: statistics.median(line[key] for line in lines) for key in lines[0]}
            for method, lines in held.items()
        }


def save(parcels: Any, path: Path) -> Path:
    """Leave the outlines for the methods' processes."""
    np.save(path, np.array(shapely.to_wkb(parcels).tolist(), dtype=object), allow_pickle=True)
    return path


def agreement(case: Case, folder: Path) -> float:
    """Return the largest relative difference of a sum from exactextract, same cells and weights."""
    one, other = folder / "ours.npy", folder / "exactextract.npy"
    case.once("ours_planar", one)
    case.once("exactextract_tuned", other)
    own, theirs = np.load(one), np.nan_to_num(np.load(other))
    assert ((own == 0.0) == (theirs == 0.0)).all()
    held = theirs != 0.0
    return float(np.abs(own[held] / theirs[held] - 1.0).max())


def show(case: Case, found: dict[str, Figures], difference: float | None) -> None:
    """Print a case as ratios to reading the raster once: whole in one call, and strip by strip."""
    read, strips = found["read_once"]["cpu_s"], found["read_strips"]["cpu_s"]
    tuned = found.get("exactextract_tuned", {}).get("cpu_s")
    rows: list[list[object]] = []
    for method, figures in found.items():
        lines = [(method, figures["cpu_s"])]
        if method == "ours_kept":
            lines = [
                (f"{method}, first layer", figures["first_layer"]),
                (f"{method}, further layer", figures["further_layer"]),
            ]
        for name, cpu_s in lines:
            against = tuned / cpu_s if tuned and name.startswith("ours") else None
            ratios = [cpu_s / read, cpu_s / strips, against]
            rows.append([name, cpu_s, *ratios, figures["wall_s"], figures["peak_mb"]])
    headers = ("method", "CPU s", "x read", "x strips", "less than ee", "wall s", "peak MB")
    words = "" if difference is None else f"; largest difference of a sum {difference:.1e}"
    report.table(f"{case.name}{words}", headers, rows)


def cases(folder: Path, counts: Sequence[int]) -> list[Case]:
    """Make the layers and the parcels, those of the largest number first."""
    layers = [
        zonal_data.write_layer(folder / f"utm-{seed}.tif", UTM, seed=seed)
        for seed in (zonal_data.SEED, zonal_data.SEED + 1)
    ]
    most = max(counts)
    land = zonal_data.scattered(most, UTM)
    found = []
    for count in sorted(counts, reverse=True):
        parcels = save(land[:count], folder / f"{count}.npy")
        found.append(Case(f"{count} scattered parcels", UTM, parcels, layers, UTM.crs))
    lonlat = save(geometry.to_4490(land, geometry.crs_of(UTM.crs)), folder / "lonlat.npy")
    found.append(Case(f"{most} in EPSG:4490, moved to the layer", UTM, lonlat, layers, "EPSG:4490"))
    shared = zonal_data.tessellation(most, UTM)
    parcels = save(shared, folder / "shared.npy")
    found.append(
        Case(f"{len(shared)} neighbours on a tenth of the layer", UTM, parcels, layers, UTM.crs)
    )
    degrees = [zonal_data.write_layer(folder / "degrees.tif", DEGREES)]
    parcels = save(zonal_data.scattered(most, DEGREES), folder / "degrees.npy")
    found.append(Case(f"{most} on a layer in degrees", DEGREES, parcels, degrees, DEGREES.crs))
    return found


def measured(folder: Path, counts: Sequence[int], rounds: int) -> dict[str, Any]:
    """Measure every case, print it, and return all figures."""
    everything: dict[str, Any] = {}
    for case in cases(folder, counts):
        methods = ["read_once", "read_strips", "ours"]
        same_crs = case.crs == case.place.crs
        if same_crs:
            methods.append("exactextract_tuned")
        if len(case.layers) > 1 and same_crs:
            methods.append("ours_kept")
        found = case.rounds(methods, rounds)
        if case.name.startswith("10000 "):
            found |= {name: case.once(name) for name in ("exactextract_default", "rasterstats")}
        difference = agreement(case, folder) if same_crs else None
        show(case, found, difference)
        everything[case.name] = {"methods": found, "largest_difference": difference}
    return everything


def main() -> None:
    """The whole bench: about 25 minutes of CPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-zonal-", dir=asked.folder) as folder:
        found = measured(Path(folder), asked.counts, asked.rounds)
    report.document("zonal", {"cases": found})


if __name__ == "__main__":
    main()

"""One way of measuring, alone in its process: `python -m tests.bench.zonal_methods METHOD ...`.

Prints a line of JSON: CPU seconds (user and system, children included) and wall seconds from polygons
in an array and a file on disk to sums, the greatest memory, and where the sums were left. Imports,
reading of the outlines and compilation are outside.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from numpy.typing import NDArray
from rasterio.windows import Window

from gis_data import geometry, outlines, strips, weights, zonal

Polygons = NDArray[np.object_]
Floats = NDArray[np.float64]
CLOSE_CPU_S = {"first_layer": 0.0, "further_layer": 0.0}


def read_strips(layers: list[Path], polygons: Polygons, crs: str) -> None:
    """Decode every tile once, a strip at a time into the same memory: the least a measuring can cost."""
    with (
        rasterio.Env(GDAL_CACHEMAX=strips.CACHE_BYTES, GDAL_NUM_THREADS="1"),
        rasterio.open(layers[0]) as layer,
    ):
        held = np.empty((512, layer.width), dtype=layer.dtypes[0])
        for top in range(0, layer.height, 512):
            rows = min(512, layer.height - top)
            layer.read(1, window=Window(0, top, layer.width, rows), out=held[:rows])


def read_once(layers: list[Path], polygons: Polygons, crs: str) -> None:
    """Read the whole layer into one array, every tile decoded once."""
    with rasterio.open(layers[0]) as layer:
        layer.read(1)


def ours(layers: list[Path], polygons: Polygons, crs: str) -> Floats:
    """Return the sums by strips."""
    return zonal.sums(layers[0], polygons, polygon_crs=crs).total


def ours_kept(layers: list[Path], polygons: Polygons, crs: str) -> Floats:
    """Return the sums of the first of many layers, noting what the first and a further one took."""
    start = _cpu_s()
    kept = zonal.kept_weights(layers[0], polygons, polygon_crs=crs)
    found = zonal.further_sums(kept, layers[0])
    middle = _cpu_s()
    for layer in layers[1:]:
        zonal.further_sums(kept, layer)
    CLOSE_CPU_S["first_layer"] = middle - start
    CLOSE_CPU_S["further_layer"] = (_cpu_s() - middle) / len(layers[1:])
    return found.total


def ours_planar(layers: list[Path], polygons: Polygons, crs: str) -> Floats:
    """Return sums of covered part x value, as exactextract's ``sum`` has them: to compare, not to time."""
    with zonal.opened(layers[0], 1, None, None, 1) as opened:
        parcels = outlines.in_layer(polygons, geometry.crs_of(crs), opened[0])
        work = weights.chunks(opened[0], parcels)
        builder = weights.Builder(opened[0], parcels, "own")
        total = np.zeros(len(polygons))
        for chunk, strip in zip(work, strips.ahead(opened, [c.area for c in work]), strict=True):
            table = builder.table(chunk)
            for pieces in chunk.batches:
                cells = builder.cells(pieces, table)
                assert strip is not None
                values = strip[0].gathered(builder.places(cells, chunk.area))
                parcel = np.repeat(pieces[:, 0], np.diff(cells.start))
                held = np.where(np.isfinite(values), values, 0.0) * cells.share
                total += np.bincount(parcel, held, minlength=len(polygons))
    return total


class _Wkb(Feature):
    """A feature that hands its outline over as WKB, not as GeoJSON."""

    def __init__(self, number: int, wkb: bytes) -> None:
        Feature.__init__(self)
        self._held = {"id": number}
        self._wkb = wkb

    def get(self, name: str) -> Any:
        return self._held[name]

    def set(self, name: str, value: Any) -> None:
        self._held[name] = value

    def geometry(self) -> bytes:
        return self._wkb

    def fields(self) -> list[str]:
        return list(self._held)


class _WkbSource(FeatureSource):
    def __init__(self, polygons: Polygons) -> None:
        super().__init__()
        self._wkb = shapely.to_wkb(polygons)

    def count(self) -> int:
        return len(self._wkb)

    def __iter__(self) -> Iterator[_Wkb]:
        return (_Wkb(number, wkb) for number, wkb in enumerate(self._wkb))

    def srs_wkt(self) -> None:
        return None


def exactextract_tuned(layers: list[Path], polygons: Polygons, crs: str) -> Floats:
    """Return exactextract's sums by its fastest way from Python: raster-sequential, outlines as WKB."""
    found = exact_extract(
        str(layers[0]), _WkbSource(polygons), ["sum"], include_cols=["id"], output="pandas",
        strategy="raster-sequential",
    )  # fmt: skip
    return _in_order(found)


def exactextract_default(layers: list[Path], polygons: Polygons, crs: str) -> Floats:
    """Return exactextract's sums as its first example has it."""
    import geopandas

    frame = geopandas.GeoDataFrame({"id": range(len(polygons))}, geometry=polygons, crs=crs)
    found = exact_extract(str(layers[0]), frame, ["sum"], include_cols=["id"], output="pandas")
    return _in_order(found)


def _in_order(found: Any) -> Floats:
    total = np.zeros(len(found))
    total[found["id"].to_numpy(dtype=np.int64)] = found["sum"].to_numpy(dtype=np.float64)
    return total


def rasterstats_sums(layers: list[Path], polygons: Polygons, crs: str) -> Floats:
    """Return rasterstats' sums, by cell centres."""
    import rasterstats

    found = rasterstats.zonal_stats(list(polygons), str(layers[0]), stats=["sum"])
    return np.array([line["sum"] or 0.0 for line in found])


METHODS: dict[str, Callable[[list[Path], Polygons, str], Floats | None]] = {
    "read_once": read_once,
    "read_strips": read_strips,
    "ours": ours,
    "ours_kept": ours_kept,
    "ours_planar": ours_planar,
    "exactextract_tuned": exactextract_tuned,
    "exactextract_default": exactextract_default,
    "rasterstats": rasterstats_sums,
}


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_mb() -> float:
    # ru_maxrss would be at least that of the process that started this one.
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not say how much memory was used")


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--layers", nargs="+", type=Path, required=True)
    parser.add_argument("--parcels", type=Path, required=True)
    parser.add_argument("--crs", required=True)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    polygons = shapely.from_wkb(np.load(asked.parcels, allow_pickle=True))
    if asked.method.startswith("ours"):
        zonal.sums(asked.layers[0], polygons[:20], polygon_crs=asked.crs)
        zonal.further_sums(
            zonal.kept_weights(asked.layers[0], polygons[:20], polygon_crs=asked.crs),
            asked.layers[0],
        )
    wall, cpu = time.perf_counter(), _cpu_s()
    found = METHODS[asked.method](asked.layers, polygons, asked.crs)
    measured = {
        "cpu_s": _cpu_s() - cpu,
        "wall_s": time.perf_counter() - wall,
        "peak_mb": _peak_mb(),
    }
    if asked.method == "ours_kept":
        measured |= CLOSE_CPU_S
    if asked.out is not None and found is not None:
        np.save(asked.out, found)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()

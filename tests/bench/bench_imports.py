"""How long a file of parcels takes from the file to the register, and an overlap answer beside it.

    python -m tests.bench.bench_imports [--parcels 10000] [--parcels 100000] [--json OUT]

A throw-away cluster with the durable settings of a real one. The file is a tessellation: parcels of
one hectare with 40 vertices and shared wavy borders, as survey files have them. Figures to stay below:
10,000 parcels in 60 s, 100,000 in 10 min, an overlap answer in 300 ms (95th percentile).
"""

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely
from shapely.geometry import box

from gis_data import districts, geometry
from sinks.core import db, migrate
from sinks.core.actor import Actor
from sinks.core.cluster import Cluster
from sinks.land import bulk, import_decisions, import_reading, imports, overlaps, staging
from sinks.land.bulk import Step
from sinks.land.staging import Options
from tests import world

SIDE_M = 100.0
VERTICES_A_SIDE = 10
WAVE_M = 3.0
ANSWERS = 200
SEED = 20261123


def tessellation(count: int) -> geopandas.GeoDataFrame:
    """Parcels that touch and do not overlap, inside the city, in EPSG:4549."""
    columns = int(np.ceil(np.sqrt(count)))
    east_m, north_m = _corner(columns * SIDE_M)
    steps = np.arange(columns * VERTICES_A_SIDE + 1) * (SIDE_M / VERTICES_A_SIDE)
    east, north = np.meshgrid(steps, steps)
    # A smooth field moves every point, those of a shared border the same way for both neighbours.
    east, north = (
        east + east_m + WAVE_M * np.sin(north / 17.0) * np.cos(east / 41.0),
        north + north_m + WAVE_M * np.sin(east / 19.0) * np.cos(north / 37.0),
    )
    grid = np.stack((east, north), axis=-1)
    n = VERTICES_A_SIDE
    rings = []
    for number in range(count):
        row, column = divmod(number, columns)
        block = grid[row * n : (row + 1) * n + 1, column * n : (column + 1) * n + 1]
        rings.append(
            np.concatenate((block[0, :-1], block[:-1, -1], block[-1, :0:-1], block[::-1, 0]))
        )
    outlines = [shapely.Polygon(ring) for ring in rings]
    area_mu = shapely.area(outlines) / geometry.M2_PER_MU
    return geopandas.GeoDataFrame(
        {
            "林班": [f"{number // 1000:04d}" for number in range(count)],
            "小班": [f"{number % 1000:05d}" for number in range(count)],
            "乡镇": ["天荒坪镇"] * count,
            "亩数": [f"{area:.1f}" for area in area_mu],
            "权证号": [f"浙（2024）安吉县不动产权第{number:07d}号" for number in range(count)],
            "权利人": ["某村股份经济合作社"] * count,
        },
        geometry=outlines,
        crs=4549,
    )


def _corner(side_m: float) -> tuple[float, float]:
    """South-west corner of a square of this side that lies inside the city."""
    city = shapely.union_all([one.polygon for one in districts.DISTRICTS])
    metric = geometry.to_metric(np.array([city]), geometry.metric_crs(anywhere=False))[0]
    inner = metric.buffer(-2000)
    west, south, east, north = inner.bounds
    for y in np.arange(south, north - side_m, 1000.0):
        for x in np.arange(west, east - side_m, 1000.0):
            if inner.contains(box(x, y, x + side_m + 100, y + side_m + 100)):
                return float(x), float(y)
    raise AssertionError("the city has no such square")


@contextmanager
def registry() -> Iterator[dict[str, Actor]]:
    """A durable registry of its own with the people of the tests; the program's engine points at it."""
    folder = Path(tempfile.mkdtemp(prefix="sinks-b", dir="/tmp"))
    folder.chmod(0o755)
    before = os.environ.get("SINKS_DATA_DIR")
    os.environ["SINKS_DATA_DIR"] = str(folder)
    db.engine.cache_clear()
    cluster = Cluster(folder)
    cluster.start()
    try:
        migrate.upgrade(cluster.migration_url)
        with db.transaction() as session:
            world.seed(session)
            people = world.actors(session)
        yield people
    finally:
        db.engine().dispose()
        db.engine.cache_clear()
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
        if before is None:
            del os.environ["SINKS_DATA_DIR"]
        else:
            os.environ["SINKS_DATA_DIR"] = before


def run(people: dict[str, Actor], content: bytes, *, say: Callable[[str], None]) -> dict[str, Any]:
    """From the bytes of a file to enrolled parcels; seconds of each part."""
    officer, second = people["officer"], people["officer2"]
    figures: dict[str, Any] = {}

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        figures[part] = round(time.perf_counter() - start, 2)
        say(f"  {part:<24} {figures[part]:>8.2f} s")

    with timed("upload"), db.transaction(officer) as session:
        batch_id = staging.upload(
            session, officer, file_name="小班.gpkg", content=content, options=Options("bamboo")
        ).id
        owner_id = world.village_id(session)
    with timed("read and check"):
        found = import_reading.examine_apart(officer, batch_id)
    with timed("stage"), db.transaction(officer) as session:
        batch = import_reading.fill(session, officer, batch_id, found)
        questions = list(batch.counts["questions"])
    del found
    with timed("commit"), db.transaction(officer) as session:
        if questions:
            import_decisions.answer(
                session, officer, batch_id, questions, take=True, reason="bench"
            )
        row = imports.commit(session, officer, batch_id, owner_id=owner_id)
        figures["parcels"], import_id = row.accepted, row.id
    for step, actor in ((Step.SUBMIT, officer), (Step.REVIEW, second), (Step.ENROL, second)):
        with timed(step.value):
            outcome = bulk.take(actor, import_id, step)
        assert outcome.taken == figures["parcels"], outcome.refused[:3]
    figures["total"] = round(sum(value for key, value in figures.items() if key != "parcels"), 2)
    return figures


def overlap_answers(people: dict[str, Actor], outlines_m: list[Any]) -> dict[str, float]:
    """Milliseconds of `overlaps.neighbours` for outlines that lie across the registered ones."""
    rng = np.random.default_rng(SEED)
    taken_ms = []
    with db.transaction(people["officer"]) as session:
        for number in rng.integers(0, len(outlines_m), ANSWERS):
            moved = shapely.transform(outlines_m[number], lambda points: points + 50.0)
            outline = world.to_4490(moved)
            start = time.perf_counter()
            found = overlaps.neighbours(session, outline)
            taken_ms.append(1000 * (time.perf_counter() - start))
            assert found
    return {
        "median_ms": round(float(np.median(taken_ms)), 1),
        "p95_ms": round(float(np.percentile(taken_ms, 95)), 1),
    }


def main() -> None:
    """Run for each size named and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--parcels", type=int, action="append")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    everything = {}
    for count in chosen.parcels or (10_000, 100_000):
        frame = tessellation(count)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "land.gpkg"
            frame.to_file(path, driver="GPKG")
            content = path.read_bytes()
        print(f"{count:,} parcels, {len(content) / 2**20:.0f} MB, load {os.getloadavg()[0]:.1f}")
        with registry() as people:
            figures = run(people, content, say=print)
            figures |= overlap_answers(people, list(frame.geometry))
        figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"  total {figures['total']} s; overlap answer p95 {figures['p95_ms']} ms;"
            f" peak memory {figures['peak_rss_mb']} MB"
        )
        everything[str(count)] = figures
    if chosen.json:
        chosen.json.write_text(json.dumps(everything, indent=2))


if __name__ == "__main__":
    main()

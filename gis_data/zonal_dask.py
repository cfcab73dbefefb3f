"""The sums of a layer over a Dask cluster: for layers larger than one machine.

The strips are shared out in runs; a worker opens the layer itself, so it must lie where every worker
can read it, and gets only the outlines that its strips touch. What comes back are the sums of the
pieces in the order of the strips, and they are added up here as in one process: the numbers are the
same to the last bit.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_data import geometry, outlines, weights, zonal
from gis_data.outlines import Outlines
from gis_data.piece_sums import PieceSums
from gis_data.weights import Chunk, Engine
from gis_data.zonal import ZonalSums

if TYPE_CHECKING:
    from distributed import Client

TASKS_PER_THREAD = 4  # so that a slow worker holds up a quarter of its work


class ClusterRefused(Exception):
    """The cluster cannot do the work."""

    code = "cluster_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def sums(
    scheduler: str,
    raster_path: str | Path,
    polygons: Sequence[Any] | geometry.Polygons,
    *,
    polygon_crs: str = geometry.CRS_LAND,
    band: int = 1,
    crs: str | None = None,
    stderr_path: str | Path | None = None,
    stderr_band: int = 1,
    engine: Engine = "own",
) -> ZonalSums:
    """Return what ``zonal.sums`` does, from the workers of a cluster.

    Parameters
    ----------
    scheduler : address, as in ``SINKS_DASK_SCHEDULER``: ``tcp://host:8786``

    Raises
    ------
    ClusterRefused
        The scheduler does not answer, or it has no workers.
    RasterRefused, ParcelRefused, StderrMissing, TooManyCells, CoverageDiffers
        As in ``zonal.sums``, also from a worker.
    """
    array = np.asarray(polygons, dtype=object)
    place = (Path(raster_path).absolute(), band, crs)
    errors = (stderr_path and Path(stderr_path).absolute(), stderr_band)
    with zonal.opened(*place, *errors) as layers, _client(scheduler) as client:
        parcels = outlines.in_layer(array, geometry.crs_of(polygon_crs), layers[0])
        threads = sum(client.nthreads().values())
        if threads == 0:
            raise ClusterRefused(f"Dask 集群 {scheduler} 没有工作进程。请先启动 dask worker。")
        work = weights.chunks(layers[0], parcels)
        runs = np.array_split(np.arange(len(work)), min(len(work), threads * TASKS_PER_THREAD) or 1)
        futures = [
            client.submit(
                _run, place, errors, *_part(parcels, [work[n] for n in run]), engine, pure=False
            )
            for run in runs
        ]

        def in_order() -> Iterator[PieceSums]:
            for future in futures:
                yield from future.result()
                future.release()

        return zonal.added_up(in_order(), parcels, engine, has_stderr=stderr_path is not None)


def _client(scheduler: str) -> "Client":
    # It takes a second to load: who has no cluster does not wait for it.
    from distributed import Client

    try:
        return Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterRefused(
            f"Dask 调度器 {scheduler} 没有应答。请核对 SINKS_DASK_SCHEDULER，或不设置它而在本机计算。"
        ) from error


def _part(parcels: Outlines, work: list[Chunk]) -> tuple[Outlines, Any, list[Chunk]]:
    """Return the outlines that the work touches, their numbers among all, and the work on these."""
    touched = [pieces[:, 0] for chunk in work for pieces in chunk.batches]
    chosen = np.unique(np.concatenate(touched or [np.empty(0, dtype=np.int64)]))
    moved = []
    for chunk in work:
        batches = [pieces.copy() for pieces in chunk.batches]
        for pieces in batches:
            pieces[:, 0] = np.searchsorted(chosen, pieces[:, 0])
        moved.append(Chunk(chunk.area, batches))
    return parcels.chosen(chosen), chosen, moved


def _run(
    place: tuple[Path, int, str | None],
    errors: tuple[Path | None, int],
    parcels: Outlines,
    numbers: Any,
    work: list[Chunk],
    engine: Engine,
) -> list[PieceSums]:
    """Return the sums of the pieces of some strips; this is what a worker does."""
    with zonal.opened(*place, *errors) as layers:
        return [
            PieceSums(numbers[part.parcel], part.numbers)
            for part in zonal.sums_of_pieces(layers, parcels, work, engine)
        ]

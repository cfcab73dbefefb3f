"""`sinks zonal` without its screen: the sums of a layer under each parcel of a file, as CSV."""

import csv
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis_data import class_areas, rasters, vectors, zonal, zonal_dask
from gis_data.refusals import FileRefused
from gis_data.zonal import Engine, ParcelRefused, ZonalCells, ZonalSums

# From the cells of a parcel and their width and height [m] to the standard error of its total.
ErrorOfTotal = Callable[[ZonalCells, tuple[float, float]], float]
FIXED = ("id", "area_ha", "valid_share", "mean", "total", "stderr")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read: a layer, its errors, layers of classes, and the parcels.

    id_column : field that names the parcels; the number of the row from 0 if None
    crs : coordinate system of the layer if it names none, and of the parcels if they name none
    stderr : ``FILE``, ``FILE:band``, or ``:band`` for a band of the layer itself
    classes : layers of classes on the layer's grid, each ``FILE``, ``FILE:band`` or ``:band``
    """

    layer: str | Path
    parcels: str | Path
    id_column: str | None = None
    crs: str | None = None
    band: int = 1
    stderr: str | None = None
    classes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the file."""

    rows: int
    columns: list[str]


def write(
    sources: Sources,
    out: str | Path,
    *,
    stats: Sequence[str] = (),
    engine: Engine = "own",
    weights_dir: Path | None = None,
    scheduler: str | None = None,
    error_of_total: ErrorOfTotal | None = None,
) -> Written:
    """Write ``id,area_ha,valid_share,mean,total,stderr`` of every parcel.

    Then come the columns of ``stats``: ``min``, ``max``, and ``q10`` for the value below which a tenth
    of the valid area lies (see ``zonal.quantiles``). With layers of classes every line is followed by
    ``class_A_ha`` for each class, or ``class_A_B_ha`` for each combination, that occurs at all; a class
    that has no value is ``none``. A number that does not exist is left empty. The file appears whole or
    not at all.

    Parameters
    ----------
    weights_dir : folder in which the cells of the parcels are kept for further layers
    scheduler : address of a Dask cluster that takes the sums and can read the layer; quantiles and
        classes are taken here
    error_of_total : gives the standard error of a total instead of full correlation; the cells of each
        parcel are read once more for it, in this process

    Raises
    ------
    FileRefused, RasterRefused, ParcelRefused, StderrMissing, TooManyCells, CoverageDiffers
    ClusterRefused
        The cluster does not answer.
    """
    quantile_shares = _quantile_shares(stats)
    parcels = _parcels(sources)
    polygons = np.empty(len(parcels.rows), dtype=object)
    polygons[:] = [row.polygon for row in parcels.rows]
    polygon_crs = rasters.crs_name(parcels.crs)
    found = _sums(sources, polygons, polygon_crs, engine, weights_dir, scheduler)
    columns = _columns(found)
    if error_of_total is not None:
        columns["stderr"] = _errors(sources, polygons, polygon_crs, engine, error_of_total)
    if quantile_shares:
        held = zonal.quantiles(
            sources.layer, polygons, list(quantile_shares.values()),
            polygon_crs=polygon_crs, band=sources.band, crs=sources.crs, engine=engine,
        )  # fmt: skip
        columns |= dict(zip(quantile_shares, held.T, strict=True))
    chosen = {name: columns[name] for name in (*FIXED[1:], *stats)}
    if sources.classes:
        chosen |= _class_columns(sources, polygons, polygon_crs, engine)
    ids = [
        row.attributes[sources.id_column] if sources.id_column else row.row for row in parcels.rows
    ]
    _write(Path(out), ids, chosen)
    return Written(len(ids), ["id", *chosen])


def _parcels(sources: Sources) -> vectors.VectorFile:
    parcels = _read(sources.parcels, sources.crs)
    if sources.id_column is not None and sources.id_column not in parcels.fields:
        raise FileRefused(
            "id_column", f"没有字段“{sources.id_column}”。有：{'、'.join(parcels.fields)[:200]}。"
        )
    for row in parcels.rows:
        if row.problem:
            raise ParcelRefused(f"第 {row.row} 行（行号从 0 起）：{row.problem.message}")
    return parcels


def _read(path: str | Path, crs: str | None) -> vectors.VectorFile:
    """Return the parcels; ``crs`` is used only where the file leaves their coordinates open."""
    try:
        parcels = vectors.read(path)
    except FileRefused as error:
        if error.code != "crs_missing" or crs is None:
            raise
        return vectors.read(path, crs=crs)
    # GeoJSON that names no system is longitude and latitude, unless its numbers cannot be that.
    west, south, east, north = vectors.bounds_of(parcels.rows)
    on_globe = west >= -180 and east <= 180 and south >= -90 and north <= 90
    if parcels.crs_source == "default" and crs is not None and not on_globe:
        return vectors.read(path, crs=crs)
    return parcels


def _quantile_shares(stats: Sequence[str]) -> dict[str, float]:
    found = {}
    for name in stats:
        percent = re.fullmatch(r"q(\d{1,2}(?:\.\d+)?|100)", name, re.ASCII)
        if percent:
            found[name] = float(percent[1]) / 100
        elif name not in ("min", "max"):
            raise FileRefused(
                "stats",
                f"没有统计量“{name[:20]}”。可用 min、max、q10、q50、q90 等（q 后为百分数）。",
            )
    return found


def _sums(
    sources: Sources,
    polygons: Any,
    polygon_crs: str,
    engine: Engine,
    weights_dir: Path | None,
    scheduler: str | None,
) -> ZonalSums:
    stderr_path, stderr_band = _source(sources.stderr, sources.layer)
    stderr: dict[str, Any] = {"stderr_path": stderr_path, "stderr_band": stderr_band}
    where: dict[str, Any] = {"band": sources.band, "crs": sources.crs}
    if weights_dir is not None:
        kept = zonal.kept_weights(
            sources.layer, polygons, polygon_crs=polygon_crs, engine=engine, folder=weights_dir,
            **where,
        )  # fmt: skip
        return zonal.further_sums(kept, sources.layer, **where, **stderr)
    if scheduler is not None:
        return zonal_dask.sums(
            scheduler, sources.layer, polygons, polygon_crs=polygon_crs, engine=engine,
            **where, **stderr,
        )  # fmt: skip
    return zonal.sums(
        sources.layer, polygons, polygon_crs=polygon_crs, engine=engine, **where, **stderr
    )


def _errors(
    sources: Sources, polygons: Any, polygon_crs: str, engine: Engine, error_of_total: ErrorOfTotal
) -> Floats:
    path, band = _source(sources.stderr, sources.layer)
    if path is None:
        raise FileRefused("stderr", "变差函数说的是误差；请用 --stderr 给出标准误图层。")
    found = np.full(len(polygons), np.nan)
    with rasters.opened(sources.layer, crs=sources.crs, band=sources.band) as layer:
        for number, polygon in enumerate(polygons):
            cells = zonal.cells(
                sources.layer, polygon, polygon_crs=polygon_crs, band=sources.band,
                crs=sources.crs, stderr_path=path, stderr_band=band, engine=engine,
            )  # fmt: skip
            if cells.valid.any():
                size_m = layer.cell_size_m(float(np.median(cells.row)))
                found[number] = error_of_total(cells, size_m)
    return found


def _source(words: str | None, layer: str | Path) -> tuple[str | Path | None, int]:
    if words is None:
        return None, 1
    name, colon, band = words.rpartition(":")
    if colon and band.isascii() and band.isdigit():
        return name or layer, int(band)
    return words, 1


def _columns(found: ZonalSums) -> dict[str, Floats]:
    none = np.full(len(found.total), np.nan)
    return {
        "area_ha": found.area_ha,
        "valid_share": found.valid_share,
        "mean": found.mean,
        "total": found.total,
        "stderr": none if found.stderr is None else found.stderr,
        "min": found.minimum,
        "max": found.maximum,
    }


def _class_columns(
    sources: Sources, polygons: Any, polygon_crs: str, engine: Engine
) -> dict[str, Floats]:
    layers = []
    for words in sources.classes:
        path, band = _source(words, sources.layer)
        assert path is not None
        layers.append((path, band))
    found = class_areas.class_areas(
        layers, polygons, polygon_crs=polygon_crs, crs=sources.crs, engine=engine
    )
    return {
        f"class_{'_'.join('none' if c is None else f'{c:g}' for c in combination)}_ha": area_ha
        for combination, area_ha in zip(found.combinations, found.table().T, strict=True)
    }


def _write(out: Path, ids: Sequence[Any], columns: dict[str, Floats]) -> None:
    handle, staged = tempfile.mkstemp(dir=out.absolute().parent, prefix=".zonal-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["id", *columns])
            held = [column.tolist() for column in columns.values()]
            for name, *numbers in zip(ids, *held, strict=True):
                writer.writerow([_no_formula(name), *("" if n != n else repr(n) for n in numbers)])
        os.chmod(staged, 0o644)
        os.replace(staged, out)
    finally:
        Path(staged).unlink(missing_ok=True)  # Gone by its new name, unless something failed.


def _no_formula(name: Any) -> Any:
    """Return the name so that a spreadsheet does not run it."""
    if isinstance(name, str) and name[:1] in tuple("=+-@\t\r\n＝＋－＠"):
        return "'" + name
    return name

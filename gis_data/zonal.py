"""The cells of a raster layer under a parcel, and their sums.

A cell counts by the part of it inside the parcel, exactly, so neighbours share no area and the parts
of a parcel add up to the whole. The area of a cell is that on the GRS80 ellipsoid; the area of a cell
under a parcel is its covered part times that. The layer is never warped: the parcel is moved into the
layer's coordinates, vertex by vertex (``gis_data.outlines``).

The covered part of a boundary cell is planar, as exactextract has it: within one cell the ellipsoidal
area per degree changes by tan(latitude) x cell height, 1e-5 for 90 m cells and half of that of single
boundary cells is what the sum of the cells may differ from the geodesic area of the parcel.

Two engines give the covered parts: ``own``, an accumulation of signed areas along the edges in float64,
and ``exactextract``. Values, areas and sums are the same code for both. A layer is read in strips, each
block once; what is kept for further layers of the same grid is in ``gis_data.weights``, and the same
sums over a Dask cluster in ``gis_data.zonal_dask``.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray

from gis_data import geometry, outlines, piece_sums, rasters, strips, weights
from gis_data.compiled import compiled
from gis_data.outlines import Outlines, TooManyCells
from gis_data.outlines import ParcelRefused as ParcelRefused
from gis_data.piece_sums import PieceSums
from gis_data.piece_sums import StderrMissing as StderrMissing
from gis_data.rasters import Layer, RasterRefused
from gis_data.strips import Strip
from gis_data.weights import Chunk, Engine, Weights
from gis_data.weights import CoverageDiffers as CoverageDiffers

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

CELLS_HELD_MAX = 50_000_000  # under one parcel, where every cell is handed out
QUANTILE_CELLS = 20_000_000  # in the boxes of the parcels whose cells are held together


@dataclass(frozen=True, slots=True)
class ZonalCells:
    """The n cells under one parcel, also those without a value or outside the layer.

    values : (n,) NaN where there is none
    area_ha : (n,) ellipsoidal area of the cell inside the parcel [ha]
    share : (n,) part of the cell inside the parcel
    stderr : (n,) one standard deviation, in the unit of the values; None if no layer of it was given
    row, col : (n,) place in the layer; below 0 or past its size where the parcel leaves the layer
    x, y : (n,) centre of the cell in the layer's coordinates
    valid : (n,) whether the cell holds a value
    """

    values: Floats
    area_ha: Floats
    share: Floats
    stderr: Floats | None
    row: Indices
    col: Indices
    x: Floats
    y: Floats
    valid: NDArray[np.bool_]

    @property
    def parcel_area_ha(self) -> float:
        """Return the area of all cells, with a value or not [ha]."""
        return float(self.area_ha.sum())

    @property
    def valid_share(self) -> float:
        """Return the part of the parcel's area that holds values."""
        whole = self.area_ha.sum()
        return float(self.area_ha[self.valid].sum() / whole) if whole else 0.0


@dataclass(frozen=True, slots=True)
class ParcelSummary:
    """The sums of one parcel.

    mean : area-weighted mean of the cells that hold a value; None if none does
    total : sum of value x ha over those cells, so that of the covered part alone
    stderr : standard error of ``total``, the errors of all cells taken as fully correlated; None if
        no layer of standard errors was given or no cell holds a value
    """

    area_ha: float
    valid_share: float
    mean: float | None
    total: float | None
    stderr: float | None


@dataclass(frozen=True, slots=True)
class ZonalSums:
    """The sums of n parcels, each (n,); NaN where a parcel has no valid cell.

    area_ha : area of all cells under the parcel [ha]
    valid_ha : area of those that hold a value [ha]
    total : sum of value x ha
    minimum, maximum : of the values of cells that are covered at all
    stderr : standard error of ``total``, errors fully correlated; None if no layer of it was given
    """

    area_ha: Floats
    valid_ha: Floats
    total: Floats
    minimum: Floats
    maximum: Floats
    stderr: Floats | None

    @property
    def mean(self) -> Floats:
        """Return the area-weighted mean of the cells that hold a value."""
        return self.total / np.where(self.valid_ha > 0.0, self.valid_ha, np.nan)

    @property
    def valid_share(self) -> Floats:
        """Return the part of each parcel's area that holds values."""
        return self.valid_ha / self.area_ha


def cells(
    raster_path: str | Path,
    polygon: Any,
    *,
    polygon_crs: str = geometry.CRS_LAND,
    band: int = 1,
    crs: str | None = None,
    stderr_path: str | Path | None = None,
    stderr_band: int = 1,
    engine: Engine = "own",
) -> ZonalCells:
    """Return the cells of the layer under one valid Polygon or MultiPolygon, row by row.

    Parameters
    ----------
    crs : coordinate system of a layer that names none

    Raises
    ------
    RasterRefused
        The layer cannot be used, or the layer of standard errors has another grid.
    ParcelRefused
        The outline is no area, or has no place in the layer's coordinates.
    StderrMissing
        A cell under the parcel holds a value and no standard error.
    TooManyCells
        More than ``CELLS_HELD_MAX`` cells.
    """
    array = np.array([polygon], dtype=object)
    with opened(raster_path, band, crs, stderr_path, stderr_band) as layers:
        parcels = outlines.in_layer(array, geometry.crs_of(polygon_crs), layers[0])
        builder = weights.Builder(layers[0], parcels, engine)
        work = weights.chunks(layers[0], parcels)
        found: list[ZonalCells] = []
        held = 0
        for chunk, strip in zip(work, strips.ahead(layers, [c.area for c in work]), strict=True):
            table = builder.table(chunk)
            for pieces in chunk.batches:
                batch = builder.cells(pieces, table)
                held += len(batch.row)
                if held > CELLS_HELD_MAX:
                    raise TooManyCells(
                        f"地块下超过 {CELLS_HELD_MAX} 个像元，一次放不下。请拆分地块。"
                    )
                found.append(_cells(layers[0], batch, builder.places(batch, chunk.area), strip))
    return _joined(found)


def _cells(
    layer: Layer, batch: weights.BatchCells, index: NDArray[np.int32], strip: list[Strip] | None
) -> ZonalCells:
    values, stderr = piece_sums.gathered(index, strip)
    row, col = batch.row.astype(np.int64), batch.col.astype(np.int64)
    return ZonalCells(
        values=values,
        area_ha=batch.area_ha,
        share=batch.share.copy(),
        stderr=stderr,
        row=row,
        col=col,
        x=np.asarray(layer.left + (col + 0.5) * layer.cell_width),
        y=np.asarray(layer.top - (row + 0.5) * layer.cell_height),
        valid=np.isfinite(values),
    )


def _joined(found: list[ZonalCells]) -> ZonalCells:
    row = np.concatenate([part.row for part in found])
    col = np.concatenate([part.col for part in found])
    order = np.lexsort((col, row))

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in found])[order]

    stderr = None if any(part.stderr is None for part in found) else column("stderr")
    names = ("values", "area_ha", "share", "x", "y", "valid")
    return ZonalCells(
        row=row[order], col=col[order], stderr=stderr, **{name: column(name) for name in names}
    )


def summaries(
    raster_path: str | Path,
    polygons: Sequence[Any] | geometry.Polygons,
    *,
    polygon_crs: str = geometry.CRS_LAND,
    band: int = 1,
    crs: str | None = None,
    stderr_path: str | Path | None = None,
    stderr_band: int = 1,
    engine: Engine = "own",
) -> list[ParcelSummary]:
    """Return the sums of each of n valid polygons, in their order. Errors as in ``sums``."""
    return summaries_of(
        sums(
            raster_path,
            polygons,
            polygon_crs=polygon_crs,
            band=band,
            crs=crs,
            stderr_path=stderr_path,
            stderr_band=stderr_band,
            engine=engine,
        )
    )


def summaries_of(found: ZonalSums) -> list[ParcelSummary]:
    """Return the sums as one object a parcel."""
    stderr = found.stderr if found.stderr is not None else np.full(len(found.total), np.nan)
    columns = (found.area_ha, found.valid_share, found.mean, found.total, stderr)
    return [
        ParcelSummary(area_ha, valid_share, *(None if n != n else n for n in numbers))
        for area_ha, valid_share, *numbers in zip(*(c.tolist() for c in columns), strict=True)
    ]


def sums(
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
    """Return the sums of n valid polygons, the layer read once in strips.

    Raises
    ------
    RasterRefused
        The layer cannot be used, or the layer of standard errors has another grid.
    ParcelRefused
        An outline is no area, or has no place in the layer's coordinates.
    StderrMissing
        A cell under a parcel holds a value and no standard error.
    TooManyCells
        A parcel is too large for cells this small.
    CoverageDiffers
        The covered parts of the cells do not add up to the area of an outline.
    """
    array = np.asarray(polygons, dtype=object)
    with opened(raster_path, band, crs, stderr_path, stderr_band) as layers:
        parcels = outlines.in_layer(array, geometry.crs_of(polygon_crs), layers[0])
        pieces = sums_of_pieces(layers, parcels, weights.chunks(layers[0], parcels), engine)
        return added_up(pieces, parcels, engine, has_stderr=stderr_path is not None)


def sums_of_pieces(
    layers: list[Layer], parcels: Outlines, work: list[Chunk], engine: Engine
) -> Iterator[PieceSums]:
    """Yield the sums of the pieces, batch after batch, in their order.

    layers : that of the values, then that of the standard errors if there is one
    """
    builder = weights.Builder(layers[0], parcels, engine)
    for chunk, strip in zip(work, strips.ahead(layers, [c.area for c in work]), strict=True):
        yield from piece_sums.of_chunk(builder, chunk, strip)


def added_up(
    pieces: Iterator[PieceSums], parcels: Outlines, engine: Engine, *, has_stderr: bool
) -> ZonalSums:
    """Return the sums of the parcels from those of their pieces.

    Raises
    ------
    CoverageDiffers
    """
    covered_cells, found = _totals(pieces, len(parcels.boxes), has_stderr=has_stderr)
    weights.check_coverage(parcels, covered_cells, engine)
    return found


def _totals(
    pieces: Iterator[PieceSums], count: int, *, has_stderr: bool
) -> tuple[Floats, ZonalSums]:
    total = np.zeros((5, count))
    least, greatest = np.full(count, np.inf), np.full(count, -np.inf)
    for part in pieces:
        _add(part.parcel, part.numbers, total, least, greatest)
    valid = total[2] > 0.0  # No value is not a value of nought.
    value, low, high, error = (
        np.where(valid, numbers, np.nan) for numbers in (total[3], least, greatest, total[4])
    )
    return total[0], ZonalSums(total[1], total[2], value, low, high, error if has_stderr else None)


@compiled
def _add(parcel: Indices, numbers: Floats, total: Floats, least: Floats, greatest: Floats) -> None:
    for piece in range(len(parcel)):
        at = parcel[piece]
        for line in range(5):
            total[line, at] += numbers[piece, line]
        least[at] = min(least[at], numbers[piece, 5])
        greatest[at] = max(greatest[at], numbers[piece, 6])


def kept_weights(
    raster_path: str | Path,
    polygons: Sequence[Any] | geometry.Polygons,
    *,
    polygon_crs: str = geometry.CRS_LAND,
    band: int = 1,
    crs: str | None = None,
    engine: Engine = "own",
    folder: Path | None = None,
) -> Weights:
    """Return what every cell of the layer's grid counts for every polygon, for ``further_sums``.

    With a folder they are read from there if they were made before, and else left there. A cell that
    is covered takes 12 bytes. Errors as in ``sums``.
    """
    array = np.asarray(polygons, dtype=object)
    with rasters.opened(raster_path, crs=crs, band=band) as layer:
        parcels = outlines.in_layer(array, geometry.crs_of(polygon_crs), layer)
        if folder is None:
            return weights.built(layer, parcels, engine)
        return weights.kept(layer, parcels, engine, folder)


def further_sums(
    kept: Weights,
    raster_path: str | Path,
    *,
    band: int = 1,
    crs: str | None = None,
    stderr_path: str | Path | None = None,
    stderr_band: int = 1,
) -> ZonalSums:
    """Return the sums of the parcels under another layer with the cells the weights were made for.

    Raises
    ------
    RasterRefused
        ``other_grid``: its cells are others; or the layer cannot be used.
    StderrMissing
    """
    with opened(raster_path, band, crs, stderr_path, stderr_band) as layers:
        weights.refuse_other_grid(kept, layers[0])
        found = strips.ahead(layers, kept.areas)
        pieces = (
            piece_sums.of_block(block, strip)
            for strip, blocks in zip(found, kept.blocks, strict=True)
            for block in blocks
        )
        return _totals(pieces, kept.count, has_stderr=stderr_path is not None)[1]


def quantiles(
    raster_path: str | Path,
    polygons: Sequence[Any] | geometry.Polygons,
    shares: Sequence[float],
    *,
    polygon_crs: str = geometry.CRS_LAND,
    band: int = 1,
    crs: str | None = None,
    engine: Engine = "own",
) -> Floats:
    """Return the (n, q) area-weighted quantiles of the values under n polygons; NaN without a value.

    The quantile of a share is the least value such that cells with it or less make up at least that
    share of the valid area: the inverse of the distribution, with no interpolation, so always a value
    of the layer, and the same however the parcel is cut into cells (Hyndman & Fan 1996, definition 1,
    with areas for counts). Cells of one parcel are held together, of many parcels in turn.

    Errors as in ``sums``; TooManyCells also where a parcel covers more than ``CELLS_HELD_MAX``.
    """
    wanted = np.asarray(shares, dtype=np.float64)
    assert ((wanted >= 0.0) & (wanted <= 1.0)).all()
    array = np.asarray(polygons, dtype=object)
    found = np.full((len(array), len(wanted)), np.nan)
    with opened(raster_path, band, crs, None, 1) as layers:
        parcels = outlines.in_layer(array, geometry.crs_of(polygon_crs), layers[0])
        for group in _groups(parcels):
            found[group] = _quantiles(layers, parcels.chosen(group), wanted, engine)
    return found


def _groups(parcels: Outlines) -> Iterator[Indices]:
    """Yield parcels near each other, as many as may be held with all their cells."""
    west, north, east, south = parcels.boxes.T
    order = np.lexsort((west, north // strips.STRIP_ROWS))
    group = np.cumsum(((east - west) * (south - north))[order]) // QUANTILE_CELLS
    yield from np.split(order, np.flatnonzero(np.diff(group)) + 1)


def _quantiles(layers: list[Layer], parcels: Outlines, wanted: Floats, engine: Engine) -> Floats:
    builder = weights.Builder(layers[0], parcels, engine)
    work = weights.chunks(layers[0], parcels)
    held: list[tuple[Indices, Floats, Floats]] = []
    count = 0
    for chunk, strip in zip(work, strips.ahead(layers, [c.area for c in work]), strict=True):
        for block in builder.blocks(chunk):
            values, _ = piece_sums.gathered(block.index, strip)
            parcel = np.repeat(block.parcel, np.diff(block.start))
            valid = np.isfinite(values)
            count += int(valid.sum())
            if count > max(CELLS_HELD_MAX, QUANTILE_CELLS):
                raise TooManyCells(
                    f"地块下超过 {CELLS_HELD_MAX} 个像元，分位数算不了。请拆分地块。"
                )
            held.append((parcel[valid], values[valid], block.area_ha[valid]))
    if not held:
        return np.full((len(parcels.boxes), len(wanted)), np.nan)
    parcel, values, area_ha = (np.concatenate(column) for column in zip(*held, strict=True))
    order = np.lexsort((values, parcel))
    start = np.searchsorted(parcel[order], np.arange(len(parcels.boxes) + 1))
    return _inverse(start, values[order], area_ha[order], wanted)


def warm() -> None:
    """Compile what sums need, or load it where that was done before (20 s, or 1 s)."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        for crs, cell, west, north in (
            ("EPSG:4490", 1e-4, 120.0, 30.001),
            ("EPSG:4549", 10.0, 500_000.0, 3_400_100.0),
        ):
            path = Path(folder) / "layer.tif"
            with rasterio.open(
                path, "w", driver="GTiff", width=10, height=10, count=1, dtype="float32", crs=crs,
                transform=rasterio.Affine(cell, 0.0, west, 0.0, -cell, north), nodata=-1.0,
            ) as layer:  # fmt: skip
                layer.write(np.ones((10, 10), dtype=np.float32), 1)
            side = 4.5 * cell
            square = shapely.box(west + cell, north - side, west + side, north - cell)
            land = geometry.to_4490([square], geometry.crs_of(crs))
            sums(path, land)


@contextmanager
def opened(
    path: str | Path,
    band: int,
    crs: str | None,
    stderr_path: str | Path | None,
    stderr_band: int,
) -> Iterator[list[Layer]]:
    """Give the layer and that of its standard errors, which must have the same cells."""
    with ExitStack() as stack:
        layer = stack.enter_context(rasters.opened(path, crs=crs, band=band))
        if stderr_path is None:
            yield [layer]
            return
        stderr_layer = stack.enter_context(rasters.opened(stderr_path, crs=crs, band=stderr_band))
        if not rasters.same_grid(layer, stderr_layer):
            raise RasterRefused("other_grid", "标准误影像与数值影像的格网不同，无法逐像元对应。")
        yield [layer, stderr_layer]


@compiled
def _inverse(start: Indices, values: Floats, area_ha: Floats, shares: Floats) -> Floats:
    """Return quantiles of values that rise within each parcel."""
    found = np.full((len(start) - 1, len(shares)), np.nan)
    for parcel in range(len(found)):
        first, past = start[parcel], start[parcel + 1]
        if first == past:
            continue
        whole = 0.0
        for k in range(first, past):
            whole += area_ha[k]
        for q in range(len(shares)):
            below, k = area_ha[first], first
            # What rounding adds to the sum must not push a share of 1/2 past the middle.
            while below < shares[q] * whole * (1 - 1e-12) and k < past - 1:
                k += 1
                below += area_ha[k]
            found[parcel, q] = values[k]
    return found

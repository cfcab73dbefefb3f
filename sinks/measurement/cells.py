"""The cells of a layer under one parcel, or all of it, as a picture on longitude and latitude.

For looking only. The quantity is computed from the cells where they lie (`gis_data.zonal`); a layer
in a metric system is turned here by the little that its grid differs from north.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.enums import TransformDirection
from shapely import MultiPolygon
from sqlalchemy.orm import Session

from gis_data import rasters, zonal
from sinks.core.errors import Conflict
from sinks.measurement import layers
from sinks.measurement.layers import Layer

Floats = NDArray[np.float64]
Bounds = tuple[float, float, float, float]
# A picture of more cells than this is no use on a screen, and heavy in the browser.
CELLS_SHOWN_MAX = 250_000
# Cells a side of the picture of a whole layer: every so many-th cell is shown.
PREVIEW_SIDE_MAX = 400
# Where north of the layer and of the map differ by more than half a cell across the parcel, the
# picture is finer than the cells, so that they stand where they are.
FINER = 3


@dataclass(frozen=True, slots=True)
class CellGrid:
    """Values under a parcel on a grid of longitude and latitude, northernmost row first.

    values : (rows, columns), NaN outside the parcel and where the layer has no value
    bounds : west, south, east, north of the outer edges [degrees]
    cells : cells of the layer that the parcel touches; valid_share : part of its area on valid ones
    """

    values: Floats
    bounds: Bounds
    cells: int
    valid_share: float


@dataclass(frozen=True, slots=True)
class _Window:
    """Cells under a parcel in the layer's own rows and columns, and where these lie."""

    values: Floats
    left: float
    top: float
    cell_width: float
    cell_height: float
    to_degrees: pyproj.Transformer
    cells: int
    valid_share: float


def cells_under(
    session: Session, layer_start_id: int, layer_end_id: int, boundary: MultiPolygon
) -> Mapping[str, CellGrid]:
    """The cells of two dates under an outline (EPSG:4490) and what lies between them.

    Keys ``start``, ``end``, ``difference`` (end less start, on the grid of the end; NaN where
    either has no value), in the layers' unit.

    Raises
    ------
    Conflict
        The outline is too large for a picture, or a layer has no value under it.
    """
    first = _window(layers.get(session, layer_start_id), boundary)
    last = _window(layers.get(session, layer_end_id), boundary)
    change = _picture(last)
    change = replace(
        change,
        values=change.values - _sampled(first, *_centres(last)[0]),
        valid_share=min(first.valid_share, last.valid_share),
    )
    return {"start": _picture(first), "end": _picture(last), "difference": change}


def preview(layer: Layer) -> CellGrid:
    """A whole layer, thinned out to what a screen shows; ``cells`` counts those of the picture."""
    with rasters.opened(layers.path_of(layer), crs=layers.given_crs(layer)) as opened:
        values = opened.overview(PREVIEW_SIDE_MAX)
        window = _Window(
            values,
            opened.left,
            opened.top,
            opened.cell_width * opened.width / values.shape[1],
            opened.cell_height * opened.height / values.shape[0],
            pyproj.Transformer.from_crs(opened.crs, "EPSG:4490", always_xy=True),
            values.size,
            float(np.isfinite(values).mean()),
        )
    return _picture(window)


def _window(layer: Layer, boundary: MultiPolygon) -> _Window:
    path, crs = layers.path_of(layer), layers.given_crs(layer)
    with rasters.opened(path, crs=crs) as opened:
        left, top = opened.left, opened.top
        cell_width, cell_height = opened.cell_width, opened.cell_height
        # Longitude and latitude of the layer's own datum are taken as the map's (decimetres).
        to_degrees = pyproj.Transformer.from_crs(opened.crs, "EPSG:4490", always_xy=True)
    try:
        found = zonal.cells(path, boundary, crs=crs)
    except (zonal.TooManyCells, zonal.ParcelRefused) as error:
        raise Conflict(error.message, code=error.code) from error
    if found.row.size == 0 or not found.valid.any():
        raise Conflict(f"图层“{layer.name}”在这块地下没有值。", code="uncovered")
    row, col = found.row - found.row.min(), found.col - found.col.min()
    shape = (int(row.max()) + 1, int(col.max()) + 1)
    if shape[0] * shape[1] > CELLS_SHOWN_MAX:
        raise Conflict("这块地的像元太多，屏幕上显示不下。", code="too_many_cells")
    values = np.full(shape, np.nan)
    values[row, col] = np.where(found.valid, found.values, np.nan)
    return _Window(
        values,
        left + float(found.col.min()) * cell_width,
        top - float(found.row.min()) * cell_height,
        cell_width,
        cell_height,
        to_degrees,
        int(found.row.size),
        found.valid_share,
    )


def _picture(window: _Window) -> CellGrid:
    places, bounds = _centres(window)
    return CellGrid(_sampled(window, *places), bounds, window.cells, window.valid_share)


def _centres(window: _Window) -> tuple[tuple[Floats, Floats], Bounds]:
    """Longitude and latitude at the middle of each cell of the picture, and its outer edges.

    As good as always the layer's own cells, one for one.
    """
    rows, columns = window.values.shape
    longitude, latitude = window.to_degrees.transform(
        window.left + np.array([0, columns, columns, 0]) * window.cell_width,
        window.top - np.array([0, 0, rows, rows]) * window.cell_height,
    )
    west, south, east, north = edges = (
        float(min(longitude)), float(min(latitude)), float(max(longitude)), float(max(latitude)),
    )  # fmt: skip
    turned_cells = max(
        abs(longitude[0] - longitude[3]) * columns / (east - west),
        abs(latitude[0] - latitude[1]) * rows / (north - south),
    )
    if turned_cells <= 0.5:
        x = window.left + (np.arange(columns) + 0.5) * window.cell_width
        y = window.top - (np.arange(rows) + 0.5) * window.cell_height
        return window.to_degrees.transform(*np.meshgrid(x, y)), edges
    rows, columns = rows * FINER, columns * FINER
    longitude = west + (np.arange(columns) + 0.5) * (east - west) / columns
    latitude = north - (np.arange(rows) + 0.5) * (north - south) / rows
    x, y = np.meshgrid(longitude, latitude)
    return (x, y), edges


def _sampled(window: _Window, longitude: Floats, latitude: Floats) -> Floats:
    """The value of the cell in which each point lies; NaN outside the window."""
    x, y = window.to_degrees.transform(longitude, latitude, direction=TransformDirection.INVERSE)
    row = np.floor((window.top - np.asarray(y)) / window.cell_height).astype(int)
    col = np.floor((np.asarray(x) - window.left) / window.cell_width).astype(int)
    rows, columns = window.values.shape
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < columns)
    values = np.full(np.shape(x), np.nan)
    values[inside] = window.values[row[inside], col[inside]]
    return values

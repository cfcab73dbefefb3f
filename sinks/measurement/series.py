"""The layers of one variable under one outline, oldest first: what the land looked like and when.

Layers on one grid are read together: the cells under the outline are found once, and every further
layer costs its own tiles alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPolygon
from sqlalchemy.orm import Session

from gis_data import rasters, stacks, zonal
from sinks.core.errors import Conflict
from sinks.measurement import cells, layers
from sinks.measurement.layers import Layer

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassArea:
    """How much of the outline is of one class; ``share`` of the area that has a value."""

    code: int
    zh: str
    en: str
    area_ha: float
    share: float


@dataclass(frozen=True, slots=True)
class Moment:
    """One layer under the outline.

    mean : area-weighted, over the cells that hold a value; None for classes, or where none does
    valid_share : part of the outline's area that holds values
    classes : largest first; empty for a quantity
    legend_codes : every code of the layer's legend, also those not under the outline
    values : (rows, columns) of the layer's own cells, NaN outside the outline, for a small picture
    cell_shape : width of a cell over its height, on the ground
    """

    layer_id: int
    name: str
    variable: str
    unit: str | None
    epoch: date
    phase: str
    demonstration: bool
    area_ha: float
    valid_share: float
    mean: float | None
    classes: tuple[ClassArea, ...]
    legend_codes: tuple[int, ...]
    values: Floats
    cell_shape: float


def under(session: Session, boundary: MultiPolygon, variable: str) -> list[Moment]:
    """Every layer of a variable under an outline (EPSG:4490), oldest first.

    Raises
    ------
    Conflict
        ``no_layers``: none is registered. ``too_many_cells``: the outline is too large for pictures.
    """
    rows = sorted(layers.listing(session, variable=variable), key=lambda row: (row.epoch, row.id))
    if not rows:
        raise Conflict("还没有登记这个变量的图层。", code="no_layers")
    paths = {row.id: layers.path_of(row) for row in rows}
    moments: dict[int, Moment] = {}
    for group in _on_one_grid(rows, paths):
        for moment in _moments(group, [paths[row.id] for row in group], boundary):
            moments[moment.layer_id] = moment
    return [moments[row.id] for row in rows]


def _on_one_grid(rows: Sequence[Layer], paths: Mapping[int, Path]) -> list[list[Layer]]:
    groups: list[list[Layer]] = []
    for row in rows:
        for group in groups:
            first = group[0]
            with (
                rasters.opened(paths[row.id], crs=layers.given_crs(row)) as one,
                rasters.opened(paths[first.id], crs=layers.given_crs(first)) as other,
            ):
                same = rasters.same_grid(one, other)
            if same:
                group.append(row)
                break
        else:
            groups.append([row])
    return groups


def _moments(group: Sequence[Layer], paths: Sequence[Path], boundary: MultiPolygon) -> list[Moment]:
    crs = layers.given_crs(group[0])
    try:
        found = zonal.cells(paths[0], boundary, crs=crs)
    except (zonal.TooManyCells, zonal.ParcelRefused) as error:
        raise Conflict(error.message, code=error.code) from error
    row, col = found.row - found.row.min(), found.col - found.col.min()
    shape = int(row.max()) + 1, int(col.max()) + 1
    if shape[0] * shape[1] > cells.CELLS_SHOWN_MAX:
        raise Conflict("这块地的像元太多，屏幕上显示不下。", code="too_many_cells")
    with rasters.opened(paths[0], crs=crs) as layer:
        width_m, height_m = layer.cell_size_m(float(np.median(found.row)))
    moments = []
    values = stacks.values_under(paths, found.row, found.col)
    for number, layer_row in enumerate(group):
        picture = np.full(shape, np.nan)
        picture[row, col] = values[number]
        moments.append(
            _moment(layer_row, values[number], found.area_ha, picture, width_m / height_m)
        )
    return moments


def _moment(
    row: Layer, values: Floats, area_ha: Floats, picture: Floats, cell_shape: float
) -> Moment:
    valid = np.isfinite(values)
    whole_ha, valid_ha = float(area_ha.sum()), float(area_ha[valid].sum())
    mean = None
    if row.classes is None and valid_ha:
        mean = float(values[valid] @ area_ha[valid]) / valid_ha
    return Moment(
        layer_id=row.id,
        name=row.name,
        variable=row.variable,
        unit=row.unit,
        epoch=row.epoch,
        phase=row.phase,
        demonstration=row.demonstration,
        area_ha=whole_ha,
        valid_share=valid_ha / whole_ha,
        mean=mean,
        classes=_class_areas(row, values[valid], area_ha[valid]),
        legend_codes=tuple(row.classes or ()),
        values=picture,
        cell_shape=cell_shape,
    )


def _class_areas(row: Layer, codes: Floats, area_ha: Floats) -> tuple[ClassArea, ...]:
    if row.classes is None or not codes.size:
        return ()
    present, which = np.unique(codes.astype(np.int64), return_inverse=True)
    held = np.bincount(which, area_ha)
    found = [
        ClassArea(int(code), *row.classes[int(code)], float(ha), float(ha) / float(held.sum()))
        for code, ha in zip(present, held, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -one.area_ha))

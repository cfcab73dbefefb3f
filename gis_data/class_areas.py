"""The area of every class of a layer, or of every combination of classes of several, under parcels."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis_data import geometry, outlines, rasters, strips, weights
from gis_data.rasters import Layer, RasterRefused
from gis_data.weights import Block, Engine

COMBINATIONS_MAX = 4_096

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Combination = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ClassAreas:
    """Areas of combinations under n parcels, only those that occur, in the order of the parcels.

    combinations : one class for each layer; None where a layer has no value
    parcel, combination : (m,) number of the parcel, number of the combination
    area_ha : (m,) ellipsoidal area [ha]; of all combinations of a parcel together that of the parcel
    """

    count: int
    combinations: list[Combination]
    parcel: Indices
    combination: Indices
    area_ha: Floats

    def table(self) -> Floats:
        """Return (n, combinations) areas, 0 where a combination does not occur [ha]."""
        table = np.zeros((self.count, len(self.combinations)))
        table[self.parcel, self.combination] = self.area_ha
        return table


def class_areas(
    layers: Sequence[tuple[str | Path, int]],
    polygons: Sequence[Any] | geometry.Polygons,
    *,
    polygon_crs: str = geometry.CRS_LAND,
    crs: str | None = None,
    engine: Engine = "own",
) -> ClassAreas:
    """Return the area of every combination of the classes of (file, band) layers on one grid.

    Raises
    ------
    RasterRefused
        ``not_classes``: a layer's values are no whole numbers, or there are more than
        ``COMBINATIONS_MAX`` combinations. ``other_grid``: the layers have not the same cells.
    ParcelRefused, TooManyCells, CoverageDiffers
    """
    array = np.asarray(polygons, dtype=object)
    with ExitStack() as stack:
        held = [
            stack.enter_context(rasters.opened(path, crs=crs, band=band)) for path, band in layers
        ]
        if not all(rasters.same_grid(held[0], other) for other in held[1:]):
            raise RasterRefused("other_grid", "几个分类图层的格网不同，无法逐像元组合。")
        return _areas(held, outlines.in_layer(array, geometry.crs_of(polygon_crs), held[0]), engine)


def _areas(layers: list[Layer], parcels: outlines.Outlines, engine: Engine) -> ClassAreas:
    builder = weights.Builder(layers[0], parcels, engine)
    work = weights.chunks(layers[0], parcels)
    numbers: dict[Combination, int] = {}
    covered_cells = np.zeros(len(parcels.boxes))
    found: list[tuple[Indices, Indices, Floats]] = []
    for chunk, strip in zip(work, strips.ahead(layers, [c.area for c in work]), strict=True):
        for block in builder.blocks(chunk):
            np.add.at(covered_cells, block.parcel, block.covered_cells)
            if strip is None:
                values = np.full((len(layers), len(block.index)), np.nan)
            else:
                values = np.stack([part.gathered(block.index) for part in strip])
            found.append(_of_block(block, values, numbers))
    weights.check_coverage(parcels, covered_cells, engine)
    return _added_up(len(parcels.boxes), found, numbers)


def _of_block(
    block: Block, values: Floats, numbers: dict[Combination, int]
) -> tuple[Indices, Indices, Floats]:
    """Return (parcel, combination, area) of the pieces, numbering the combinations that are new."""
    if (values != np.rint(values))[np.isfinite(values)].any():
        raise RasterRefused("not_classes", "分类图层的值不都是整数，不是分类。")
    combined = np.zeros(values.shape[1], dtype=np.int64)
    classes: list[Floats] = []
    for line in values:
        own, which = np.unique(line, return_inverse=True)  # NaN last, and once.
        combined = combined * len(own) + which
        classes.append(own)
    local, which = np.unique(combined, return_inverse=True)
    parts = np.unravel_index(local, [len(own) for own in classes])
    names = [
        tuple(None if c != c else float(c) for c in line)
        for line in zip(*(own[part] for own, part in zip(classes, parts, strict=True)), strict=True)
    ]
    for name in names:
        numbers.setdefault(name, len(numbers))
    if len(numbers) > COMBINATIONS_MAX:
        raise RasterRefused("not_classes", f"分类组合超过 {COMBINATIONS_MAX} 种，不是分类图层。")
    piece = np.repeat(np.arange(len(block.parcel)), np.diff(block.start))
    area_ha: Floats = np.asarray(
        np.bincount(
            piece * len(local) + which, block.area_ha, minlength=len(block.parcel) * len(local)
        ),
        dtype=np.float64,
    )
    held = np.flatnonzero(area_ha)
    own_number = np.array([numbers[name] for name in names], dtype=np.int64)
    return block.parcel[held // len(local)], own_number[held % len(local)], area_ha[held]


def _added_up(
    count: int, found: list[tuple[Indices, Indices, Floats]], numbers: dict[Combination, int]
) -> ClassAreas:
    """Return the areas with combinations in the order of their classes, None last."""
    names = sorted(numbers, key=lambda name: [(c is None, c or 0.0) for c in name])
    place = np.empty(len(names), dtype=np.int64)
    place[[numbers[name] for name in names]] = np.arange(len(names))
    if not found:
        none = np.empty(0, dtype=np.int64)
        return ClassAreas(count, [], none, none, np.empty(0))
    parcel, number, area_ha = (np.concatenate(column) for column in zip(*found, strict=True))
    keys, which = np.unique(parcel * len(names) + place[number], return_inverse=True)
    total = np.asarray(np.bincount(which, area_ha, minlength=len(keys)), dtype=np.float64)
    return ClassAreas(count, names, keys // len(names), keys % len(names), total)

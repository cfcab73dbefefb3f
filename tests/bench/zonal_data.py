"""Layers and parcels for timing: made from a seed, the same on every machine.

The layer is 12,000 x 9,000 cells of 10 m, float32, in DEFLATE tiles of 512 with predictor 3, about 9 % of
it without data. Parcels are irregular, 0.2 to 5.8 ha, 33 vertices in the mean, one in twenty with a
hole, three in a hundred of two parts, in random order. The tessellation has neighbours that share
wavy borders vertex for vertex. A place is (west, north, width, height of a cell) in the layer's unit.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine
from rasterio.windows import Window

SEED = 330500
NODATA = -9999.0
STRIP_ROWS = 512
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a layer lies; ``metre_x``, ``metre_y`` are its units for one metre on the ground."""

    crs: str
    west: float
    north: float
    cell: float
    metre_x: float
    metre_y: float
    width: int = 12_000
    height: int = 9_000

    def from_metres(self, xy: Floats) -> Floats:
        """Return coordinates from metres east and south of the upper left corner."""
        return np.array([self.west, self.north]) + xy * [self.metre_x, -self.metre_y]

    @property
    def size_m(self) -> Floats:
        return np.array(
            [self.width * self.cell / self.metre_x, self.height * self.cell / self.metre_y]
        )


UTM = Place("EPSG:32650", 700_000.0, 3_450_000.0, 10.0, 1.0, 1.0)
DEGREES = Place("EPSG:4490", 119.3, 31.2, 1e-4, 1 / 95_700, 1 / 110_870)


def write_layer(path: Path, place: Place, *, seed: int = SEED, classes: int = 0) -> Path:
    """Write a layer of biomass [Mg/ha], or of classes from 1 up, with about 9 % of nodata in patches."""
    random = np.random.default_rng(seed)
    waves = random.uniform(0.0008, 0.006, size=(6, 2)) * random.choice([-1, 1], size=(6, 2))
    phases = random.uniform(0, 2 * np.pi, size=6)
    profile = {
        "driver": "GTiff", "width": place.width, "height": place.height, "count": 1,
        "dtype": "uint8" if classes else "float32", "crs": place.crs,
        "nodata": 0 if classes else NODATA,
        "transform": Affine(place.cell, 0, place.west, 0, -place.cell, place.north),
        "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate",
        "predictor": 1 if classes else 3,
    }  # fmt: skip
    col = np.arange(place.width)
    with rasterio.open(path, "w", **profile) as layer:
        for top in range(0, place.height, STRIP_ROWS):
            row = np.arange(top, min(top + STRIP_ROWS, place.height))[:, None]
            field = sum(
                np.sin(col * u + row * v + phase)
                for (u, v), phase in zip(waves, phases, strict=True)
            )
            if classes:
                values = (np.floor((field + 6) / 12 * classes) + 1).astype(np.uint8)
                values[field < -2.35] = 0
            else:
                noise = random.normal(0.0, 6.0, size=field.shape)
                values = np.maximum(60.0 + 18.0 * field + noise, 0.0)
                values = (np.rint(values * 512.0) / 512.0).astype(np.float32)
                values[field < -2.35] = NODATA
            layer.write(values, 1, window=Window(0, top, place.width, len(row)))
    return path


def scattered(count: int, place: Place, *, seed: int = SEED) -> NDArray[np.object_]:
    """Return irregular parcels in random order over the whole layer, in its coordinates."""
    random = np.random.default_rng(seed)
    area_m2 = np.clip(random.lognormal(np.log(8_700), 0.52, count), 2_000, 58_000)
    centres = random.uniform(300.0, place.size_m - 300.0, size=(count, 2))
    vertices = random.integers(12, 55, count)
    kinds = random.uniform(size=count)
    parcels = np.empty(count, dtype=object)
    for number in range(count):
        ring = _ring(random, int(vertices[number]), float(area_m2[number]))
        here = centres[number]
        holes = [place.from_metres(ring * 0.3 + here)] if kinds[number] < 0.05 else []
        parcel = shapely.Polygon(place.from_metres(ring + here), holes)
        if kinds[number] > 0.97:
            reach = np.ptp(ring[:, 0]) + 5.0
            other = shapely.Polygon(place.from_metres(ring * 0.6 + here + [reach, 3.0]))
            parcel = shapely.MultiPolygon([parcel, other])
        parcels[number] = parcel
    return parcels


def _ring(random: np.random.Generator, vertices: int, area_m2: float) -> Floats:
    angle = np.linspace(0.0, 2 * np.pi, vertices, endpoint=False)
    turns = random.uniform(0, 2 * np.pi, 3)
    radius = 1.0 + 0.25 * np.sin(2 * angle + turns[0]) + 0.15 * np.sin(3 * angle + turns[1])
    radius = radius * (1.0 + random.uniform(-0.08, 0.08, vertices))
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
    turned = np.roll(ring, -1, axis=0)
    unit_area = 0.5 * np.abs(np.sum(ring[:, 0] * turned[:, 1] - turned[:, 0] * ring[:, 1]))
    return np.asarray(ring * np.sqrt(area_m2 / unit_area))


def tessellation(count: int, place: Place, *, seed: int = SEED) -> NDArray[np.object_]:
    """Return about ``count`` parcels of 1 ha that fill a square; borders are shared and wavy."""
    random = np.random.default_rng(seed)
    side = round(np.sqrt(count))
    spacing, pieces = 100.0, 8
    start = (place.size_m - spacing * side) / 2
    nodes = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1)), axis=-1) * spacing
    nodes = nodes + start + random.uniform(-18.0, 18.0, nodes.shape)
    level = _wavy(random, nodes[:, :-1], nodes[:, 1:], pieces)
    upright = _wavy(random, nodes[:-1], nodes[1:], pieces)
    rings = np.concatenate(
        [level[:-1], upright[:, 1:], level[1:, :, ::-1], upright[:, :-1, ::-1]], axis=2
    ).reshape(side * side, -1, 2)
    # Where two borders meet the corner stands twice.
    keep = np.ones(rings.shape[1], dtype=bool)
    keep[pieces + 1 :: pieces + 1] = False
    rings = place.from_metres(rings[:, keep])
    return np.asarray(shapely.polygons(random.permutation(rings)))


def _wavy(random: np.random.Generator, start: Floats, end: Floats, pieces: int) -> Floats:
    """Return the points of borders between nodes, both nodes included."""
    along = np.linspace(0.0, 1.0, pieces + 1)[:, None]
    step = (end - start)[..., None, :]
    across = step[..., ::-1] * [-1.0, 1.0]
    sway = random.uniform(-0.05, 0.05, (*start.shape[:-1], pieces + 1, 1))
    sway[..., [0, -1], :] = 0.0
    return np.asarray(start[..., None, :] + along * step + sway * across)

"""Two dated biomass maps over part of Anji that nobody measured: 演示数据 synthetic.

Above-ground biomass of moso bamboo [Mg/ha] on 1 January 2023 and 2025 with one standard error for
each, on 30 m cells in EPSG:4549. Fields are sums of smoothed noise from one seed, so that every
demonstration shows the same maps. The numbers are like those of managed stands (about 60 Mg/ha,
about 5 Mg/ha more after two years) and describe no real forest. Land cover of two summers over the
same land is made in the same way: five classes, most of it bamboo, a few fields turned to bamboo.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio import Affine
from scipy import ndimage

from gis_data import geometry

SEED = 330523
LABEL = "演示数据 synthetic"
EPOCHS = (date(2023, 1, 1), date(2025, 1, 1))
# The same phase of the two-year cycle at both dates, as the method demands.
PHASE = "on"
UNIT = "Mg/ha"
CRS = geometry.CRS_METRIC
CELL_M = 30.0
CELLS = 700
# Upper left corner: the south of the county, from 报福 to 天荒坪, 21 km each way.
LEFT_M, TOP_M = 447_600.0, 3_391_200.0
NODATA = -9999.0
# Sixteenths are exact in binary, and repeated last bits compress well; a map is not finer.
STEP = 16.0
STDERR_SHARE = 0.165

COVER_EPOCHS = (date(2019, 7, 1), date(2024, 7, 1))
COVER_LEGEND = {
    1: ("竹林", "bamboo"),
    2: ("乔木林", "trees"),
    3: ("茶园", "tea"),
    4: ("耕地", "cropland"),
    5: ("水面", "water"),
}
# Cropland became bamboo between the two summers where the noise of change is above this.
TURNED = -0.5

Field = NDArray[np.float64]  # shape (CELLS, CELLS), north first.
Classes = NDArray[np.uint8]  # the same, codes of ``COVER_LEGEND``


@dataclass(frozen=True, slots=True)
class Maps:
    """The four fields [Mg/ha]; ``agb`` and ``stderr`` by epoch."""

    agb: dict[date, Field]
    stderr: dict[date, Field]

    def agb_at(self, longitude: float, latitude: float) -> tuple[float, float]:
        """The map at both dates [Mg/ha] in the cell under a point (EPSG:4490)."""
        east_m, north_m = _to_metric().transform(longitude, latitude)
        row, col = int((TOP_M - north_m) // CELL_M), int((east_m - LEFT_M) // CELL_M)
        start, end = (float(self.agb[epoch][row, col]) for epoch in EPOCHS)
        return start, end


@dataclass(frozen=True, slots=True)
class Written:
    """The two files of one date."""

    epoch: date
    agb: Path
    stderr: Path


@cache
def maps() -> Maps:
    """The fields; the same at every call and on every machine with this numpy and scipy."""
    random = np.random.default_rng(SEED)
    stand = 60.0 + 5.0 * _smooth(random, 28.0) + 2.5 * _smooth(random, 7.0)
    growth = 5.3 + 0.5 * _smooth(random, 40.0) + 0.3 * _smooth(random, 9.0)
    agb: dict[date, Field] = {}
    stderr: dict[date, Field] = {}
    for epoch, truth in zip(EPOCHS, (stand, stand + growth), strict=True):
        mapped = truth + 0.4 * _smooth(random, 3.0)
        share = STDERR_SHARE + 0.008 * _smooth(random, 15.0)
        for fields, values in ((agb, mapped), (stderr, share * mapped)):
            fields[epoch] = np.round(np.maximum(values, 0.0) * STEP) / STEP
    return Maps(agb, stderr)


def write(folder: Path) -> dict[date, Written]:
    """Write the four GeoTIFFs into a folder; give their paths by epoch, earlier first."""
    found = maps()
    written = {}
    for epoch in EPOCHS:
        paths = Written(
            epoch,
            folder / f"demo_agb_{epoch:%Y%m%d}.tif",
            folder / f"demo_agb_{epoch:%Y%m%d}_stderr.tif",
        )
        _write_one(paths.agb, found.agb[epoch], f"地上生物量 {epoch}（{LABEL}）")
        _write_one(paths.stderr, found.stderr[epoch], f"地上生物量标准误 {epoch}（{LABEL}）")
        written[epoch] = paths
    return written


def land_cover() -> dict[date, Classes]:
    """The classes of each cell at both dates."""
    random = np.random.default_rng(SEED + 1)
    height, wetness = _smooth(random, 5.0), _smooth(random, 9.0)
    earlier = np.ones((CELLS, CELLS), dtype=np.uint8)
    earlier[height > 1.6] = 2
    earlier[height < -1.9] = 3
    earlier[wetness < -1.6] = 4
    earlier[wetness < -2.9] = 5
    later = earlier.copy()
    later[(earlier == 4) & (_smooth(random, 4.0) > TURNED)] = 1
    return dict(zip(COVER_EPOCHS, (earlier, later), strict=True))


def write_land_cover(folder: Path) -> dict[date, Path]:
    """Write the two GeoTIFFs of land cover into a folder; their paths by date, earlier first."""
    written = {}
    for epoch, classes in land_cover().items():
        written[epoch] = folder / f"demo_land_cover_{epoch:%Y%m%d}.tif"
        _write_one(written[epoch], classes, f"土地覆被 {epoch}（{LABEL}）", unit="")
    return written


def _write_one(path: Path, values: Field | Classes, description: str, unit: str = UNIT) -> None:
    whole = values.dtype == np.uint8
    profile = {
        "driver": "GTiff",
        "width": CELLS,
        "height": CELLS,
        "count": 1,
        "dtype": "uint8" if whole else "float32",
        "crs": CRS,
        "transform": Affine(CELL_M, 0.0, LEFT_M, 0.0, -CELL_M, TOP_M),
        "nodata": 0 if whole else NODATA,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "predictor": 1 if whole else 3,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(values if whole else values.astype(np.float32), 1)
        target.set_band_description(1, description)
        target.set_band_unit(1, unit)
        # No time of writing: the same maps are the same bytes.
        target.update_tags(synthetic="true", note=LABEL, seed=str(SEED))
        target.update_tags(1, note=LABEL)


def _smooth(random: np.random.Generator, cells: float) -> Field:
    """Noise smoothed over a distance [cells], with mean 0 and standard deviation 1."""
    field = ndimage.gaussian_filter(random.standard_normal((CELLS, CELLS)), cells, mode="wrap")
    return np.asarray((field - field.mean()) / field.std())


@cache
def _to_metric() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(geometry.CRS_LAND, CRS, always_xy=True)

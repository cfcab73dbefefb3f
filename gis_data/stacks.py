"""Several layers on one grid, opened lazily and read together under one window.

For looking back over many dates: only the tiles that the window touches are read and unpacked.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
import rioxarray
import xarray
from numpy.typing import NDArray

from gis_data import rasters

TILE_CELLS = 512  # as `rasters.to_cog` writes them


def values_under(
    paths: Sequence[Path],
    row: NDArray[np.int64],
    col: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the first band of each layer at the cells, (layers, n), as `rasters.Layer.values` would.

    row, col : (n,) place of the cells, as `zonal.cells` gives them; NaN where that is beside the layer

    Raises
    ------
    rasters.RasterRefused
        ``other_grid``: the layers do not share their cells.
    """
    with rasterio.Env(**rasters.GDAL_OPTIONS):
        opened = [_lazy(path) for path in paths]
        if any(one.shape != opened[0].shape for one in opened):
            raise rasters.RasterRefused("other_grid", "图层的格网不同，无法并排查看。")
        stack = xarray.concat(opened, dim="layer", join="override", combine_attrs="drop")
        rows, columns = stack.sizes["y"], stack.sizes["x"]
        inside = (row >= 0) & (row < rows) & (col >= 0) & (col < columns)
        found = np.full((len(paths), row.size), np.nan)
        if inside.any():
            top, left = int(row[inside].min()), int(col[inside].min())
            window = stack.isel(
                y=slice(top, int(row[inside].max()) + 1),
                x=slice(left, int(col[inside].max()) + 1),
            )
            # One thread: GDAL datasets are not shared between threads here.
            values = window.compute(scheduler="synchronous").to_numpy()
            found[:, inside] = values[:, row[inside] - top, col[inside] - left]
    return found


def _lazy(path: Path) -> xarray.DataArray:
    bands = rioxarray.open_rasterio(
        path, chunks={"x": TILE_CELLS, "y": TILE_CELLS}, masked=True, lock=False, driver="GTiff"
    )
    assert isinstance(bands, xarray.DataArray)
    band = bands.isel(band=0, drop=True)
    scale, offset = band.attrs.get("scale_factor", 1.0), band.attrs.get("add_offset", 0.0)
    values = band.astype(np.float64)
    if scale != 1.0 or offset != 0.0:
        values = values * scale + offset
    return values.where(np.isfinite(values))

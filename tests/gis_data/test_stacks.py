"""Layers on one grid, read together, hold what each holds by itself."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from gis_data import rasters, stacks
from gis_data.rasters import RasterRefused
from tests.gis_data.test_rasters import write


def test_what_is_read_together_is_what_each_layer_holds(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    real = random.normal(60, 5, (700, 600)).astype(np.float32)
    real[3, 5], real[4, 4] = -9999, np.inf
    whole = random.integers(0, 900, (700, 600)).astype(np.int16)
    paths = [write(tmp_path / "a.tif", real, nodata=-9999), write(tmp_path / "b.tif", whole)]
    with rasterio.open(paths[1], "r+") as layer:
        layer.scales, layer.offsets = (0.1,), (3.0,)
    for path in paths:
        rasters.to_cog(path, path)
    row, col = np.divmod(np.arange(700 * 600), 600)
    beside = np.array([[-1, 3], [5, 600], [700, 0]])
    found = stacks.values_under(paths, np.append(row, beside[:, 0]), np.append(col, beside[:, 1]))
    for number, path in enumerate(paths):
        with rasters.opened(path) as layer:
            alone = layer.values(0, 0, 700, 600).ravel()
        assert found[number, :-3].tobytes() == alone.tobytes()
    assert np.isnan(found[:, -3:]).all()


def test_layers_of_another_size_are_refused(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{side}.tif", np.ones((side, side), np.float32)) for side in (20, 21)
    ]
    with pytest.raises(RasterRefused) as refusal:
        stacks.values_under(paths, np.array([1]), np.array([1]))
    assert refusal.value.code == "other_grid"

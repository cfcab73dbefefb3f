"""Rasters of strangers are read in a child: what it refuses, and what is left when it dies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gis_data import _raster_reader, raster_intake, rasters
from gis_data.rasters import RasterRefused
from tests.gis_data.test_hostile_rasters import HOSTILE, ONES, write

ROOT = Path(__file__).parents[2]


def refused(paths: list[Path], folder: Path, **given: object) -> RasterRefused:
    with (
        pytest.raises(RasterRefused) as refusal,
        raster_intake.received(paths, folder, **given),  # type: ignore[arg-type]
    ):
        pass
    assert refusal.value.message.endswith("。") and "Traceback" not in refusal.value.message
    assert list(folder.iterdir()) == []
    return refusal.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "layers"
    made.mkdir()
    return made


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_layer_is_refused_by_the_child_and_leaves_nothing(
    name: str, folder: Path, tmp_path: Path
) -> None:
    code, make = HOSTILE[name]
    given = tmp_path / "given"
    given.mkdir()
    path = make(given / "a.tif")
    before, bytes_before = sorted(os.listdir(given)), path.read_bytes()
    assert refused([path], folder).code == code
    assert sorted(os.listdir(given)) == before and path.read_bytes() == bytes_before


@pytest.mark.parametrize(
    "way, code",
    [
        ("segfault", "broken"), ("abort", "broken"), ("memory", "broken"), ("babbling", "broken"),
        ("killed", "too_slow"), ("endless", "too_slow"), ("waiting", "too_slow"),
        ("endless_file", "too_slow"),
    ],
)  # fmt: skip
def test_a_reader_that_dies_is_a_refusal_in_words_and_leaves_nothing(
    way: str, code: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raster_intake, "READER", "tests.gis_data.dying")
    assert refused([write(tmp_path / f"{way}.tif", ONES)], folder).code == code


def test_what_comes_back_is_the_layer_and_a_copy_that_holds_the_same(
    folder: Path, tmp_path: Path
) -> None:
    values = np.arange(64, dtype=np.float32).reshape(8, 8)
    path = write(tmp_path / "a.tif", values, nodata=float("nan"))
    with raster_intake.received([path, path], folder) as reading:
        one, other = reading.layers
        assert repr(one.info) == repr(rasters.inspect(path)) == repr(other.info)
        assert one.codes is None and one.copy_differs is None and one.copy != other.copy
        assert rasters.difference(path, one.copy) is None
        assert rasters.sha256_of(one.copy) == one.copy_sha256
        assert reading.network in ("cut", "driver list only")
    assert list(folder.iterdir()) == []


def test_codes_and_a_given_system_go_the_same_way(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.array([[3, 1], [2, 1]], np.uint8), crs=None)
    assert refused([path], folder).code == "crs_missing"
    with raster_intake.received([path], folder, crs="EPSG:4549", codes_most=2) as reading:
        assert reading.layers[0].codes == [1.0, 2.0, 3.0]
        assert reading.layers[0].info.crs == "EPSG:4549"


def test_nothing_beside_a_layer_is_read(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((512, 512), 50.0, np.float32))
    for beside in ("a.tif.ovr", "a.tif.msk"):
        write(tmp_path / beside, np.full((256, 256), 9.0, np.float32))
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><NoDataValue>50</NoDataValue></PAMRasterBand></PAMDataset>"
    )
    with raster_intake.received([path], folder) as reading:
        info = reading.layers[0].info
    assert (info.mean, info.valid_share, info.nodata) == (50.0, 1.0, None)


def test_the_child_opens_geotiff_and_nothing_else_within_its_limits(tmp_path: Path) -> None:
    vrt = tmp_path / "a.vrt"
    vrt.write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>")
    code = (
        "import json, os, resource, sys; from gis_data import _raster_reader as r; r._limit();"
        "os.environ.update(r._SETTINGS); import rasterio\n"
        "with rasterio.Env() as e: found = sorted(e.drivers())\n"
        "try: rasterio.open(sys.argv[1]); opened = True\n"
        "except rasterio.errors.RasterioIOError: opened = False\n"
        "print(json.dumps([found, opened, resource.getrlimit(resource.RLIMIT_AS)[1],"
        " resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_FSIZE)[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(vrt)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    found, opened, space, seconds, size = json.loads(done.stdout)
    assert set(found) == _raster_reader.DRIVERS and not opened
    assert space == 2 * 2**30 and seconds == [10, 2400] and size == 3 * 2**30

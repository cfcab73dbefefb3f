"""Layers: what is read from them, and what is refused before it is read."""

import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from gis_data import rasters
from gis_data.rasters import RasterRefused
from tests import cpu

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def from_origin(west: float, north: float, width: float, height: float) -> Affine:
    return Affine(width, 0.0, west, 0.0, -height, north)


GRID = from_origin(461_000.0, 3_390_000.0, 10.0, 10.0)


def write(path: Path, values: np.ndarray, **profile: Any) -> Path:
    bands = values if values.ndim == 3 else values[None]
    options: dict[str, Any] = {"crs": "EPSG:4549", "transform": GRID, **profile}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=bands.shape[0],
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype.name,
        **options,
    ) as layer:
        layer.write(bands)
    return path


def code_of(path: str | Path, **options: Any) -> str:
    before_s = cpu.spent_s()
    with pytest.raises(RasterRefused) as refused:
        rasters.inspect(path, **options)
    assert cpu.spent_s() - before_s < 10.0
    assert refused.value.message
    return refused.value.code


def test_a_layer_is_described_by_its_valid_cells(tmp_path: Path) -> None:
    values = np.array([[1.0, 2.0, -9999.0], [3.0, np.nan, 6.0]], dtype=np.float32)
    path = write(tmp_path / "a.tif", values, nodata=-9999.0)
    info = rasters.inspect(path)
    assert (info.width, info.height, info.bands, info.dtype) == (3, 2, 1, "float32")
    assert (info.minimum, info.maximum, info.mean) == (1.0, 6.0, 3.0)
    assert info.valid_share == pytest.approx(4 / 6)
    assert info.crs == "EPSG:4549" and info.nodata == -9999.0
    assert info.sha256 == rasters.sha256_of(path)


def test_a_layer_without_a_value_has_no_mean(tmp_path: Path) -> None:
    info = rasters.inspect(write(tmp_path / "a.tif", np.full((4, 4), np.nan)))
    assert (info.minimum, info.maximum, info.mean, info.valid_share) == (None, None, None, 0.0)


def test_scale_and_offset_in_the_file_are_applied(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.array([[0, 10], [20, -1]], dtype=np.int16), nodata=-1)
    with rasterio.open(path, "r+") as layer:
        layer.scales, layer.offsets = (0.1,), (5.0,)
    info = rasters.inspect(path)
    assert (info.minimum, info.maximum, info.mean) == pytest.approx((5.0, 7.0, 6.0))


def test_nothing_is_written_beside_the_layer_and_nothing_is_read_from_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.ones((4, 4)), crs=None)
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:4326</SRS></PAMDataset>")
    (tmp_path / "a.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    assert code_of(path) == "crs_missing"
    assert rasters.inspect(path, crs="EPSG:4549").crs == "EPSG:4549"
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("crs_missing", {"crs": None}),
        ("crs_refused", {"crs": "EPSG:2384"}),
        ("south_up", {"transform": Affine(10, 0, 461_000, 0, 10, 3_390_000)}),
        ("south_up", {"transform": Affine(-10, 0, 461_000, 0, -10, 3_390_000)}),
        ("rotated", {"transform": Affine(10, 1, 461_000, 1, -10, 3_390_000)}),
        ("no_georeference", {"transform": None}),
    ],
)
def test_a_layer_that_lies_otherwise_is_refused_and_not_warped(
    code: str, options: dict[str, Any], tmp_path: Path
) -> None:
    assert code_of(write(tmp_path / "a.tif", np.ones((8, 8)), **options)) == code


def test_what_is_no_quantity_is_refused(tmp_path: Path) -> None:
    assert (
        code_of(write(tmp_path / "a.tif", np.ones((2, 2), dtype=np.complex64))) == "not_a_quantity"
    )
    assert code_of(write(tmp_path / "b.tif", np.ones((2, 2))), band=2) == "no_band"
    many = write(tmp_path / "c.tif", np.ones((33, 2, 2), dtype=np.uint8))
    assert code_of(many) == "too_many_bands"


def test_descriptions_renamed_tif_open_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.tif"
        raw = (
            '<VRTDataset rasterXSize="64" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1" '
            'subClass="VRTRawRasterBand"><SourceFilename>/etc/passwd</SourceFilename></VRTRasterBand></VRTDataset>'
        )
        curl = f"<VRTDataset><VRTRasterBand><SimpleSource><SourceFilename>/vsicurl/{url}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
        texts = (
            raw,
            curl,
            f"<GDAL_WMS><ServerUrl>{url}</ServerUrl></GDAL_WMS>",
            '{"stac_version":"1.0.0"}',
        )
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.tif"
            path.write_text(text)
            assert code_of(path) == "unknown_format"
        for name in (f"/vsicurl/{url}", f"GTIFF_DIR:1:{tmp_path}/a.tif", "a\0.tif", "x" * 300):
            assert code_of(name) == "not_found"
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_folder_and_a_torn_layer_are_refused(tmp_path: Path) -> None:
    assert code_of(tmp_path) == "not_a_file"
    path = write(tmp_path / "a.tif", np.random.default_rng(1).random((256, 256)))
    path.write_bytes(path.read_bytes()[: 100 * 1024])
    assert code_of(path) == "broken"
    (tmp_path / "b.tif").write_bytes(b"II*\0" + b"\xff" * 60)
    assert code_of(tmp_path / "b.tif") == "broken"


def test_a_layer_of_a_million_million_cells_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    side = 1_000_000
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=1, dtype="uint8",
        crs="EPSG:4549", transform=GRID, sparse_ok=True, tiled=True,
        blockxsize=16384, blockysize=16384, compress="deflate",
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 10**6
    assert code_of(path) == "too_large"


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_sixty_thousand_bands_are_refused(tmp_path: Path) -> None:
    """A header written by hand: one cell of 60,000 samples."""
    tags = [
        (256, 3, 1, 1), (257, 3, 1, 1), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 60_000), (278, 3, 1, 1), (279, 4, 1, 60_000),
    ]  # fmt: skip
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    content = b"II*\0" + struct.pack("<I", 8 + 60_000) + b"\0" * 60_000 + body + b"\0" * 4
    (tmp_path / "bands.tif").write_bytes(content)
    assert code_of(tmp_path / "bands.tif") in ("too_many_bands", "broken")


def test_the_tiled_copy_holds_the_same_cells(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(3, 700, 900)).astype(np.float32)
    values[0, :50] = -1.0
    path = write(tmp_path / "a.tif", values, nodata=-1.0, crs=None)
    digest = rasters.to_cog(path, tmp_path / "cog.tif", crs="EPSG:4549")
    assert digest == rasters.sha256_of(tmp_path / "cog.tif")
    with rasterio.open(tmp_path / "cog.tif") as copy:
        assert np.array_equal(copy.read(), values)
        assert copy.crs.to_epsg() == 4549 and copy.transform == GRID and copy.nodata == -1.0
        assert copy.profile["tiled"] and copy.profile["compress"] == "deflate"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "cog.tif"]


def test_grids_are_the_same_only_cell_for_cell(tmp_path: Path) -> None:
    base = write(tmp_path / "a.tif", np.ones((50, 50)))
    others = {
        "same": (True, {}),
        "moved": (False, {"transform": from_origin(461_000.1, 3_390_000, 10, 10)}),
        "stretched": (False, {"transform": from_origin(461_000, 3_390_000, 10, 10.0001)}),
        "elsewhere": (False, {"crs": "EPSG:4548"}),
    }
    for name, (same, options) in others.items():
        other = write(tmp_path / f"{name}.tif", np.ones((50, 50)), **options)
        with rasters.opened(base) as one, rasters.opened(other) as two:
            assert rasters.same_grid(one, two) is same, name


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample data is not here")
def test_every_shared_layer_is_described_or_refused() -> None:
    found = {}
    for path in sorted(SHARED.rglob("*.tif*")):
        try:
            found[path.name] = rasters.inspect(path).crs
        except RasterRefused as refused:
            found[path.name] = refused.code
    assert found["nouragues_map_pred.tif"] == found["NouraguesRaster.tif"] == "crs_missing"
    assert found["eu_dem_v11.tif"] == found["gfw-azores.tif"] == "EPSG:4326"
    assert found["clc2018_v2020_20u1.tif.vat.dbf"] == "unknown_format"


def kinds_of_layer() -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    random = np.random.default_rng(4)
    real = random.normal(60, 9, (600, 530)).astype(np.float32)
    holes = real.copy()
    holes[:40] = np.nan
    whole = random.integers(-300, 900, (600, 530)).astype(np.int16)
    return {
        "float": (real, {"nodata": -9999.0}),
        "nan_is_nodata": (holes, {"nodata": float("nan")}),
        "nan_without_nodata": (holes, {}),
        "scaled": (whole, {"nodata": -300}),
        "masked": (whole.astype(np.uint8), {}),
        "three_bands": (np.stack([real, real * 2, real * 3]), {"nodata": -1.0}),
        "degrees": (real, {"crs": "EPSG:4490", "transform": from_origin(119.5, 30.7, 9e-5, 9e-5)}),
        "big_endian_stripes": (real.astype(np.float64), {"ENDIANNESS": "BIG"}),
    }


@pytest.mark.parametrize("kind", kinds_of_layer())
def test_the_copy_of_any_layer_is_the_layer(kind: str, tmp_path: Path) -> None:
    values, profile = kinds_of_layer()[kind]
    path = write(tmp_path / "a.tif", values, **profile)
    with rasterio.open(path, "r+") as layer:
        if kind == "scaled":
            layer.scales, layer.offsets = (0.1,), (30.0,)
    if kind == "masked":
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as layer:
            layer.write_mask(np.arange(values.size).reshape(values.shape) % 5 > 0)
    rasters.to_cog(path, tmp_path / "cog.tif")
    assert rasters.difference(path, tmp_path / "cog.tif") is None
    one, other = rasters.inspect(path), rasters.inspect(tmp_path / "cog.tif")
    assert (one.mean, one.valid_share, one.scale, one.offset) == (
        other.mean, other.valid_share, other.scale, other.offset,
    )  # fmt: skip
    with rasters.opened(path) as layer, rasters.opened(tmp_path / "cog.tif") as copy:
        first, second = layer.values(0, 0, 600, 530), copy.values(0, 0, 600, 530)
        assert first.tobytes() == second.tobytes()
        assert np.isnan(first).any() == (kind not in ("float", "three_bands", "degrees",
                                                      "big_endian_stripes"))  # fmt: skip


@pytest.mark.parametrize("what", ["values", "nodata", "scales", "transform", "crs", "mask"])
def test_a_copy_that_differs_is_told_by_what_differs(what: str, tmp_path: Path) -> None:
    values = np.arange(400, dtype=np.uint8).reshape(20, 20)
    path = write(tmp_path / "a.tif", values)
    changed = {
        "nodata": {"nodata": 7},
        "transform": {"transform": from_origin(461_010, 3_390_000, 10, 10)},
        "crs": {"crs": "EPSG:4548"},
    }
    values = values.copy()
    if what == "values":
        values[19, 19] += 1
    copy = write(tmp_path / "b.tif", values, **changed.get(what, {}))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(copy, "r+") as layer:
        if what == "scales":
            layer.scales = (0.1,)
        if what == "mask":
            layer.write_mask(values > 3)
    assert rasters.difference(path, copy) == what


def test_infinite_cells_are_counted_and_hold_no_value(tmp_path: Path) -> None:
    values = np.array([[1.0, np.inf], [-np.inf, -9999.0]], dtype=np.float32)
    info = rasters.inspect(write(tmp_path / "a.tif", values, nodata=-9999.0))
    assert info.infinite == 2 and info.valid_share == 0.25 and info.maximum == 1.0


def test_an_overview_shows_the_whole_layer(tmp_path: Path) -> None:
    values = np.repeat(np.repeat(np.arange(100.0), 50).reshape(10, 500), 50, axis=0)
    path = write(tmp_path / "a.tif", values.astype(np.float32))
    with rasters.opened(path) as layer:
        small = layer.overview(100)
    assert small.shape == (100, 100)
    assert np.array_equal(small[::10, ::10], np.arange(100.0).reshape(10, 10))


def test_a_cell_has_its_size_on_the_ground(tmp_path: Path) -> None:
    cell = 1 / 3600
    path = write(
        tmp_path / "a.tif", np.ones((36, 36), np.float32), crs="EPSG:4490",
        transform=from_origin(119.5, 30.0 + 18 * cell, cell, cell),
    )  # fmt: skip
    with rasters.opened(path) as layer:
        width_m, height_m = layer.cell_size_m(17.5)
    # One second of arc at 30 N on GRS80: 96,486.28 m and 110,852.4 m a degree.
    assert width_m == pytest.approx(96_486.28 / 3600, rel=1e-5)
    assert height_m == pytest.approx(110_852.4 / 3600, rel=1e-4)


def test_the_values_of_a_layer_are_listed_up_to_a_limit(tmp_path: Path) -> None:
    values = np.array([[3, 1, 0], [1, 3, 9]], dtype=np.uint8)
    path = write(tmp_path / "a.tif", values, nodata=0)
    assert rasters.distinct_values(path) == [1.0, 3.0, 9.0]
    many = write(tmp_path / "b.tif", np.random.default_rng(1).random((50, 50)))
    assert len(rasters.distinct_values(many, most=10)) == 11

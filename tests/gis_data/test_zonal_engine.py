"""Strips, kept weights, statistics and clusters: however the work is cut, the numbers are the same."""

import contextlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from distributed import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from gis_data import (
    class_areas,
    coverage,
    geometry,
    outlines,
    patches,
    rasters,
    strips,
    weights,
    zonal,
    zonal_dask,
)
from gis_data.rasters import RasterRefused
from tests.bench import zonal_data
from tests.bench.zonal_data import Place

SMALL = Place("EPSG:32650", 700_000.0, 3_450_000.0, 10.0, 1.0, 1.0, width=1500, height=1100)
SUMS = ("area_ha", "valid_ha", "total", "minimum", "maximum")


def write(path: Path, values: np.ndarray, place: Place, **profile: Any) -> Path:
    options = {
        "driver": "GTiff", "width": values.shape[1], "height": values.shape[0], "count": 1,
        "dtype": values.dtype, "crs": place.crs, "nodata": -9999.0,
        "transform": Affine(place.cell, 0, place.west, 0, -place.cell, place.north), **profile,
    }  # fmt: skip
    with rasterio.open(path, "w", **options) as layer:
        layer.write(values, 1)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def layer(folder: Path) -> Path:
    return zonal_data.write_layer(folder / "agb.tif", SMALL)


@pytest.fixture(scope="module")
def parcels() -> Any:
    """Scattered parcels, one over several strips, one that leaves the layer, and one outside it."""
    found = zonal_data.scattered(300, SMALL)
    (large,) = zonal_data.scattered(1, SMALL, seed=2)
    x, y = shapely.get_coordinates(shapely.centroid(large))[0]
    large = shapely.transform(large, lambda xy: (xy - [x, y]) * 45 + [707_000, 3_444_600])
    leaving = shapely.box(699_950, 3_449_000, 700_055, 3_450_123)
    return np.concatenate([found, [large, leaving, shapely.box(600_000, 3e6, 600_090, 3e6 + 70)]])


def given_sums(layer: Path, parcels: Any, **more: Any) -> zonal.ZonalSums:
    return zonal.sums(layer, parcels, polygon_crs=SMALL.crs, **more)


def assert_same(one: zonal.ZonalSums, other: zonal.ZonalSums, rel: float = 0.0) -> None:
    for name in SUMS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rel, err_msg=name)


def test_sums_of_strips_are_those_of_the_cells(layer: Path, parcels: Any) -> None:
    found = given_sums(layer, parcels)
    for number in (0, 7, 300, 301, 302):
        held = zonal.cells(layer, parcels[number], polygon_crs=SMALL.crs)
        values, area = held.values[held.valid], held.area_ha[held.valid]
        assert found.area_ha[number] == pytest.approx(held.area_ha.sum(), rel=1e-12)
        assert found.valid_ha[number] == pytest.approx(area.sum(), rel=1e-12)
        if len(values) == 0:
            assert number == 302 and math.isnan(found.total[number])
            assert math.isnan(found.minimum[number])
            continue
        assert found.total[number] == pytest.approx(values @ area, rel=1e-12)
        assert (found.minimum[number], found.maximum[number]) == (values.min(), values.max())
    assert held.area_ha.sum() == pytest.approx(geometry.area_m2(
        geometry.to_4490([parcels[302]], geometry.crs_of(SMALL.crs))[0]) / 1e4, rel=1e-6)  # fmt: skip


@pytest.mark.parametrize("strip_cells", [1, 100_000])
def test_the_cut_of_a_layer_does_not_move_a_sum(
    strip_cells: int, layer: Path, parcels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = given_sums(layer, parcels)
    with rasters.opened(layer) as opened:
        held = outlines.in_layer(parcels, geometry.crs_of(SMALL.crs), opened)
        before = len(weights.chunks(opened, held))
        monkeypatch.setattr(strips, "STRIP_CELLS", strip_cells)
        assert len(weights.chunks(opened, held)) > before
    assert_same(given_sums(layer, parcels), whole, 1e-12)
    monkeypatch.setattr(weights, "BATCH_CELLS", 700)
    assert_same(given_sums(layer, parcels), whole, 1e-12)


def test_layers_of_every_shape_of_block_give_the_same(
    folder: Path, layer: Path, parcels: Any
) -> None:
    with rasterio.open(layer) as opened:
        values = opened.read(1)
    whole = given_sums(layer, parcels)
    for name, profile in {
        "rows": {"tiled": False},
        "one": {"tiled": False, "blockysize": values.shape[0]},
        "small": {"tiled": True, "blockxsize": 64, "blockysize": 32, "compress": "lzw"},
    }.items():
        path = write(folder / f"{name}.tif", values, SMALL, **profile)
        assert_same(given_sums(path, parcels), whole, 1e-12)
    path = write(folder / "double.tif", values.astype(np.float64), SMALL)
    assert_same(given_sums(path, parcels), whole, 1e-12)


def test_a_parcel_has_the_same_bits_in_whatever_company(layer: Path, parcels: Any) -> None:
    chosen = np.array([3, 300, 12])
    for crs in (SMALL.crs, geometry.CRS_LAND):
        land = parcels
        if crs == geometry.CRS_LAND:
            land = geometry.to_4490(parcels, geometry.crs_of(SMALL.crs))
        together = zonal.sums(layer, land, polygon_crs=crs)
        alone = zonal.sums(layer, land[chosen], polygon_crs=crs)
        for name in SUMS:
            assert getattr(together, name)[chosen].tolist() == getattr(alone, name).tolist()


def test_no_parcels_have_no_sums(layer: Path) -> None:
    assert len(zonal.sums(layer, []).total) == 0
    assert zonal.quantiles(layer, [], [0.5]).shape == (0, 1)
    assert class_areas.class_areas([(layer, 1)], []).combinations == []


# What is kept


def test_kept_weights_give_the_sums_of_a_further_layer(
    folder: Path, layer: Path, parcels: Any
) -> None:
    later = zonal_data.write_layer(folder / "later.tif", SMALL, seed=7)
    for _ in range(2):  # made, then read from the folder
        kept = zonal.kept_weights(layer, parcels, polygon_crs=SMALL.crs, folder=folder / "weights")
        assert_same(zonal.further_sums(kept, layer), given_sums(layer, parcels), 1e-12)
        assert_same(zonal.further_sums(kept, later), given_sums(later, parcels), 1e-12)
    assert len(list((folder / "weights").iterdir())) == 1
    zonal.kept_weights(layer, parcels[:5], polygon_crs=SMALL.crs, folder=folder / "weights")
    assert len(list((folder / "weights").iterdir())) == 2


def test_kept_weights_refuse_other_cells_and_a_torn_file_is_made_again(
    folder: Path, layer: Path, parcels: Any
) -> None:
    kept = zonal.kept_weights(layer, parcels, polygon_crs=SMALL.crs, folder=folder / "torn")
    shifted = Place("EPSG:32650", 700_000.001, 3_450_000.0, 10.0, 1, 1, 1500, 1100)
    other = write(folder / "shifted.tif", np.ones((1100, 1500), np.float32), shifted)
    with pytest.raises(RasterRefused) as refused:
        zonal.further_sums(kept, other)
    assert refused.value.code == "other_grid"
    (path,) = (folder / "torn").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    again = zonal.kept_weights(layer, parcels, polygon_crs=SMALL.crs, folder=folder / "torn")
    assert_same(zonal.further_sums(again, layer), zonal.further_sums(kept, layer))


# Statistics


def test_quantiles_are_those_of_numpy_with_areas_as_weights(layer: Path, parcels: Any) -> None:
    shares = [0.0, 0.1, 0.5, 0.9, 1.0]
    found = zonal.quantiles(layer, parcels, shares, polygon_crs=SMALL.crs)
    for number in (0, 5, 300):
        held = zonal.cells(layer, parcels[number], polygon_crs=SMALL.crs)
        expected = np.quantile(
            held.values[held.valid], shares, weights=held.area_ha[held.valid],
            method="inverted_cdf",
        )  # fmt: skip
        assert found[number].tolist() == expected.tolist()
    assert np.isnan(found[302]).all()


def test_quantiles_in_groups_are_the_same(
    layer: Path, parcels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = zonal.quantiles(layer, parcels, [0.1, 0.5], polygon_crs=SMALL.crs)
    monkeypatch.setattr(zonal, "QUANTILE_CELLS", 5_000)
    again = zonal.quantiles(layer, parcels, [0.1, 0.5], polygon_crs=SMALL.crs)
    np.testing.assert_array_equal(whole, again)
    monkeypatch.setattr(zonal, "CELLS_HELD_MAX", 5_000)
    with pytest.raises(zonal.TooManyCells):
        zonal.quantiles(layer, parcels, [0.5], polygon_crs=SMALL.crs)


def test_quantiles_of_four_cells_are_worked_by_hand(tmp_path: Path) -> None:
    """Worked by hand: 1, 2, 3, 4 on cells of one area."""
    path = write(tmp_path / "a.tif", np.array([[4.0, 1.0], [2.0, 3.0]]), SMALL)
    square = shapely.box(700_000, 3_449_980, 700_020, 3_450_000)
    found = zonal.quantiles(path, [square], [0.2, 0.4, 0.6, 0.7], polygon_crs=SMALL.crs)
    assert found.tolist() == [[1.0, 2.0, 3.0, 3.0]]


def test_areas_of_combinations_add_up_to_the_parcel(
    folder: Path, layer: Path, parcels: Any
) -> None:
    one = zonal_data.write_layer(folder / "forest.tif", SMALL, classes=3)
    other = zonal_data.write_layer(folder / "soil.tif", SMALL, classes=4, seed=9)
    found = class_areas.class_areas([(one, 1), (other, 1)], parcels, polygon_crs=SMALL.crs)
    whole = given_sums(layer, parcels).area_ha
    assert found.table().sum(axis=1) == pytest.approx(whole, rel=1e-12)
    held = zonal.cells(one, parcels[300], polygon_crs=SMALL.crs)
    soil = zonal.cells(other, parcels[300], polygon_crs=SMALL.crs).values
    for combination, area_ha in zip(found.combinations, found.table()[300], strict=True):
        forest_, soil_ = (np.nan if c is None else c for c in combination)
        here = _equal(held.values, forest_) & _equal(soil, soil_)
        assert area_ha == pytest.approx(held.area_ha[here].sum(), rel=1e-12, abs=1e-15)
    alone = class_areas.class_areas([(one, 1)], parcels, polygon_crs=SMALL.crs)
    assert [name for (name,) in alone.combinations] == [1.0, 2.0, 3.0, None]
    assert alone.table()[302].tolist() == [0.0, 0.0, 0.0, pytest.approx(whole[302])]


def _equal(values: np.ndarray, number: float) -> Any:
    return np.isnan(values) if math.isnan(number) else values == number


def test_a_layer_of_quantities_is_not_one_of_classes(layer: Path, parcels: Any) -> None:
    with pytest.raises(RasterRefused) as refused:
        class_areas.class_areas([(layer, 1)], parcels, polygon_crs=SMALL.crs)
    assert refused.value.code == "not_classes"


# Values


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("float32", -9999.0), ("float32", -3.4e38), ("float64", -9999.0), ("float32", math.nan),
     ("float32", 0.0), ("int16", -9999), ("uint8", 255), ("uint8", None), ("float32", None)],
)  # fmt: skip
def test_a_cell_has_a_value_where_gdal_says_so(
    dtype: str, nodata: float | None, tmp_path: Path
) -> None:
    kind = np.dtype(dtype).type
    numbers = [kind(nodata if nodata is not None else 3), kind(7), kind(0), kind(100)]
    if np.dtype(dtype).kind == "f":
        numbers += [kind(math.nan), kind(math.inf), kind(-1e-30)]
        near = numbers[0]
        for _ in range(6):
            near = np.nextafter(near, kind(0))
            numbers.append(near)
    values = np.array([numbers], dtype=dtype)
    path = write(tmp_path / "a.tif", values, SMALL, nodata=nodata)
    with rasterio.open(path, "r+") as opened:
        opened.scales, opened.offsets = [2.0], [1.0]
    row = shapely.box(700_000, 3_449_990, 700_000 + 10 * len(numbers), 3_450_000)
    found = zonal.cells(path, row, polygon_crs=SMALL.crs).values
    with rasters.opened(path) as layer:
        expected = layer.values(0, 0, 1, len(numbers))[0]
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found[0]) == (nodata is not None)


def test_a_mask_beside_the_values_is_heeded(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(path, np.full((4, 4), 5.0, np.float32), SMALL, nodata=None)
        with rasterio.open(path, "r+") as opened:
            mask = np.full((4, 4), 255, np.uint8)
            mask[0, :2] = 0
            opened.write_mask(mask)
    square = shapely.box(700_000, 3_449_960, 700_040, 3_450_000)
    (line,) = zonal.summaries(path, [square], polygon_crs=SMALL.crs)
    assert line.valid_share == pytest.approx(14 / 16, rel=1e-6) and line.mean == pytest.approx(5.0)


def test_only_blocks_under_parcels_are_read(layer: Path) -> None:
    with rasters.opened(layer) as opened:
        area = strips.area_of(opened, (3, 9), np.array([20, 1100]), np.array([40, 1120]))
        assert area == strips.Area(0, 0, 512, 1500, ((0, 512), (1024, 1500)))
        assert strips.area_of(opened, (-90, -3), np.array([5]), np.array([9])) is None
        assert strips.area_of(opened, (3, 9), np.array([-50]), np.array([0])) is None


# Outlines


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_seen_to_be_valid_is_valid(data: st.DataObject) -> None:
    """Random rings on a coarse lattice cross, touch and fold back often."""
    number = st.integers(0, 6).map(float)
    corners = st.lists(st.tuples(number, number), min_size=3, max_size=7)
    shell = data.draw(corners)
    holes = data.draw(st.lists(corners, max_size=2))
    polygon = shapely.Polygon(shell, holes)
    if data.draw(st.booleans()):
        other = data.draw(corners)
        polygon = shapely.MultiPolygon([polygon, shapely.Polygon(other)])
    array = np.array([polygon], dtype=object)
    xy, ring_start, parcel_ring, ring_part, is_hole = outlines._rings(
        array, shapely.get_type_id(array)
    )
    *_, area, seen = outlines._examined(xy, ring_start, parcel_ring, ring_part, is_hole, 200)
    if seen[0]:
        assert shapely.is_valid(polygon)
        assert area[0] == pytest.approx(polygon.area, rel=1e-12)


def test_ordinary_outlines_need_no_geos(parcels: Any) -> None:
    xy, ring_start, parcel_ring, ring_part, is_hole = outlines._rings(
        parcels, shapely.get_type_id(parcels)
    )
    *_, seen = outlines._examined(xy, ring_start, parcel_ring, ring_part, is_hole, 200)
    assert seen.all() and is_hole.sum() > 5 and (ring_part > 0).sum() > 5


@pytest.mark.parametrize(
    ("source", "target"),
    [("EPSG:4490", "EPSG:32650"), ("EPSG:4549", "EPSG:4490"), ("EPSG:4549", "EPSG:32651"),
     ("EPSG:4326", "EPSG:3857"), ("EPSG:4490", "ESRI:102025")],
)  # fmt: skip
def test_patches_put_vertices_where_proj_does(source: str, target: str) -> None:
    random = np.random.default_rng(3)
    lonlat = random.uniform([119.2, 30.2], [120.9, 31.3], size=(20_000, 2))
    there = pyproj.Transformer.from_crs(4490, source, always_xy=True)
    xy = np.column_stack(there.transform(*lonlat.T))
    way = pyproj.Transformer.from_crs(source, target, always_xy=True).transform
    geographic = source in ("EPSG:4490", "EPSG:4326")
    cell = 1e-4 if target == "EPSG:4490" else 10.0

    def to_cells(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = way(x, y)
        return x / cell, y / cell

    patch = patches.PATCH_DEGREES if geographic else patches.PATCH_M
    found = patches.moved(xy, to_cells, patch)
    assert np.abs(found - np.column_stack(to_cells(*xy.T))).max() < 1e-8  # 0.1 um of 10 m cells


def test_a_transformation_with_a_seam_is_left_to_proj() -> None:
    xy = np.random.default_rng(4).uniform([119.0, 30.0], [119.1, 30.1], size=(5_000, 2))

    def torn(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x * 1e4 + np.where(x > 119.05, 3.0, 0.0), np.where(y > 30.05, np.inf, y)

    found = patches.moved(xy, torn, patches.PATCH_DEGREES)
    expected = np.column_stack(torn(*xy.T))
    finite = np.isfinite(expected)
    assert (np.isfinite(found) == finite).all()
    assert np.abs(found[finite] - expected[finite]).max() < 1e-6


def test_cover_that_does_not_add_up_is_refused(layer: Path, parcels: Any) -> None:
    with rasters.opened(layer) as opened:
        held = outlines.in_layer(parcels, geometry.crs_of(SMALL.crs), opened)
    covered = held.area_cells.copy()
    weights.check_coverage(held, covered, "own")
    covered[4] *= 1 + 1e-6
    with pytest.raises(zonal.CoverageDiffers, match="第 4 行"):
        weights.check_coverage(held, covered, "own")


def test_neighbours_share_every_cell_of_a_tessellation_out(layer: Path) -> None:
    """No cell is lost between parcels that share wavy borders, and none is counted twice."""
    land = zonal_data.tessellation(2_500, SMALL)
    with rasters.opened(layer) as opened:
        held = outlines.in_layer(land, geometry.crs_of(SMALL.crs), opened)
        builder = weights.Builder(opened, held, "own")
        total = np.zeros((opened.height, opened.width))
        for chunk in weights.chunks(opened, held):
            table = builder.table(chunk)
            for pieces in chunk.batches:
                cells = builder.cells(pieces, table)
                np.add.at(total, (cells.row, cells.col), cells.share)
    union = shapely.union_all(held.moved_polygons())
    assert total.max() < 1 + 1e-9
    assert total.sum() == pytest.approx(union.area, rel=1e-12)


# Clusters


@pytest.fixture(scope="module")
def scheduler(folder: Path) -> Iterator[str]:
    """The address of a scheduler with two workers, started as an office would start them."""
    told = folder / "scheduler.json"
    common = ["--scheduler-file", str(told), "--no-dashboard"]
    commands = [["scheduler", "--host", "127.0.0.1", "--port", "0", *common]]
    commands += [["worker", "--no-nanny", "--nthreads", "1", *common]] * 2
    with contextlib.ExitStack() as stack:
        for number, words in enumerate(commands):
            said = stack.enter_context((folder / f"dask-{number}.log").open("wb"))
            started = subprocess.Popen(
                [sys.executable, "-m", "dask", *words], cwd=folder, stdout=said, stderr=said
            )
            stack.callback(started.wait)
            stack.callback(started.terminate)
            while not told.exists():
                assert started.poll() is None, (folder / "dask-0.log").read_text()
                time.sleep(0.05)
        address = json.loads(told.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
        yield address


def test_two_processes_say_what_one_does(scheduler: str, layer: Path, parcels: Any) -> None:
    found = zonal_dask.sums(scheduler, layer, parcels, polygon_crs=SMALL.crs)
    assert_same(found, given_sums(layer, parcels))


def test_a_refusal_comes_back_from_the_workers(
    scheduler: str, folder: Path, layer: Path, parcels: Any
) -> None:
    errors = write(folder / "errors.tif", np.full((1100, 1500), -1.0, np.float32), SMALL)
    with pytest.raises(zonal.StderrMissing):
        zonal_dask.sums(scheduler, layer, parcels, polygon_crs=SMALL.crs, stderr_path=errors)


def test_a_scheduler_that_does_not_answer_is_named(layer: Path, parcels: Any) -> None:
    with pytest.raises(zonal_dask.ClusterRefused, match="SINKS_DASK_SCHEDULER"):
        zonal_dask.sums("no-address", layer, parcels, polygon_crs=SMALL.crs)


# Compiled code


def test_a_folder_that_cannot_be_written_does_not_stop_the_program(tmp_path: Path) -> None:
    """Another user's program files: the compiled code goes to a folder of this user alone."""
    code = (
        "import os; os.access = lambda *_: False\n"
        "from gis_data import compiled\n"
        "import numba; print(numba.config.CACHE_DIR)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    (folder,) = tmp_path.iterdir()
    assert said == [str(folder)] * 2 and folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)  # Somebody else could have put code there.
    other = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert other != str(folder) and Path(other).stat().st_mode & 0o077 == 0


def test_exactextract_covers_the_same_cells(layer: Path, parcels: Any) -> None:
    with rasters.opened(layer) as opened:
        held = outlines.in_layer(parcels[295:], geometry.crs_of(SMALL.crs), opened)
        (pieces, *_), *_ = (chunk.batches for chunk in weights.chunks(opened, held))
        own = coverage.covered(
            held.xy, held.ring_start, held.parcel_ring, held.ring_sign, pieces,
            coverage.Workspace(),
        )  # fmt: skip
        other = coverage.covered_by_exactextract(held.moved_polygons(), pieces)
    for mine, theirs in zip(own[:3], other[:3], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert own[3] == pytest.approx(other[3], abs=1e-6)

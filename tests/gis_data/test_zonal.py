"""Cells under parcels against exactextract, against the ellipsoid, and against the laws of areas."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from gis_data import geometry, rasters, weights, zonal, zonal_csv
from gis_data.refusals import FileRefused
from gis_data.zonal import Engine
from gis_data.zonal_csv import Sources

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample data is not here")
ENGINES: list[Engine] = ["own", "exactextract"]
STEP = 1 / 1125
WEST, NORTH = 119.6, 30.9


def from_origin(west: float, north: float, width: float, height: float) -> Affine:
    return Affine(width, 0.0, west, 0.0, -height, north)


def write(path: Path, values: np.ndarray, **profile: Any) -> Path:
    bands = values if values.ndim == 3 else values[None]
    options: dict[str, Any] = {
        "crs": "EPSG:4490",
        "transform": from_origin(WEST, NORTH, STEP, STEP),
        "nodata": -9999.0,
        **profile,
    }
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=bands.shape[1],
        width=bands.shape[2], dtype=bands.dtype.name, **options,
    ) as layer:  # fmt: skip
        layer.write(bands)
    return path


@pytest.fixture(scope="module")
def geographic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    values = np.random.default_rng(5).gamma(3.0, 30.0, size=(60, 80))
    values[20:25, 30:41] = -9999.0
    return write(tmp_path_factory.mktemp("layers") / "geographic.tif", values)


@pytest.fixture(scope="module")
def projected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    values = np.random.default_rng(6).gamma(3.0, 30.0, size=(400, 500))
    path = tmp_path_factory.mktemp("layers") / "projected.tif"
    grid = from_origin(461_000.0, 3_390_000.0, 10.0, 10.0)
    return write(path, values, crs="EPSG:4549", transform=grid)


def outlines(x: float, y: float, size: float) -> st.SearchStrategy[shapely.Polygon]:
    """Return stars about (x, y), every other one with a hole, corners on grid lines among them."""

    def make(radii: list[float], turn: float, hole: bool, shift: tuple[float, float]) -> Any:
        angle = turn + np.linspace(0.0, 2.0 * math.pi, len(radii), endpoint=False)
        ring = np.column_stack([np.cos(angle), np.sin(angle)]) * np.array(radii)[:, None] * size
        centre = np.array([x + shift[0] * size, y + shift[1] * size])
        holes = [(ring * 0.3 + centre)[::-1]] if hole else []
        return shapely.Polygon(ring + centre, holes)

    part = st.floats(0.3, 1.0) | st.sampled_from([0.5, 1.0])
    shift = st.tuples(st.floats(-1, 1), st.floats(-1, 1)) | st.just((0.0, 0.0))
    turn = st.floats(0, 6.3) | st.sampled_from([0.0, math.pi / 4, math.pi / 2])
    return st.builds(make, st.lists(part, min_size=3, max_size=40), turn, st.booleans(), shift)


few = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
IN_DEGREES = outlines(WEST + 40 * STEP, NORTH - 30 * STEP, 12 * STEP)
IN_METRES = outlines(463_500.0, 3_388_000.0, 500.0)


def test_a_whole_cell_of_the_court_map_has_its_area(tmp_path: Path) -> None:
    layer = write(
        tmp_path / "a.tif",
        np.full((3, 3), 7.0),
        transform=from_origin(119.9, 30.9 + STEP, STEP, STEP),
    )
    cell = shapely.box(119.9, 30.9, 119.9 + STEP, 30.9 + STEP)
    found = zonal.cells(layer, cell)
    assert found.area_ha.tolist() == pytest.approx([0.8374777], abs=1e-7)
    assert (found.row.tolist(), found.col.tolist()) == ([0], [0])
    assert (found.x[0], found.y[0]) == pytest.approx((119.9 + STEP / 2, 30.9 + STEP / 2))
    (line,) = zonal.summaries(layer, [cell])
    assert line.total == pytest.approx(7 * 0.8374777, rel=1e-7) and line.stderr is None


def test_quarters_of_four_cells_are_worked_by_hand(tmp_path: Path) -> None:
    layer = write(tmp_path / "a.tif", np.array([[1.0, 2.0], [3.0, 4.0]]))
    middle = shapely.box(WEST + STEP / 2, NORTH - 1.5 * STEP, WEST + 1.5 * STEP, NORTH - STEP / 2)
    found = zonal.cells(layer, middle)
    assert found.share == pytest.approx([0.25] * 4, abs=1e-9)
    assert found.values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.area_ha.sum() * 1e4 == pytest.approx(geometry.area_m2(middle), rel=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@few
@given(polygon=IN_DEGREES)
def test_cells_of_a_geographic_layer_add_up_to_the_geodesic_area(
    engine: Engine, geographic: Path, polygon: shapely.Polygon
) -> None:
    """Edges here are up to 2 km long; what straight and geodesic edges differ by is 1e-5 of that."""
    dense = shapely.segmentize(polygon, STEP / 4)
    (line,) = zonal.summaries(geographic, [dense], engine=engine)
    assert line.area_ha * 1e4 == pytest.approx(geometry.area_m2(dense), rel=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@few
@given(polygon=IN_METRES)
def test_cells_of_a_projected_layer_add_up_to_the_geodesic_area(
    engine: Engine, projected: Path, polygon: shapely.Polygon
) -> None:
    (land,) = geometry.to_4490([polygon], geometry.crs_of("EPSG:4549"))
    (line,) = zonal.summaries(projected, [land], engine=engine)
    assert line.area_ha * 1e4 == pytest.approx(geometry.area_m2(land), rel=3e-7)


@few
@given(polygon=IN_DEGREES)
def test_both_engines_say_the_same(geographic: Path, polygon: shapely.Polygon) -> None:
    own, other = (zonal.summaries(geographic, [polygon], engine=engine)[0] for engine in ENGINES)
    assert own.area_ha == pytest.approx(other.area_ha, rel=1e-6)
    assert own.valid_share == pytest.approx(other.valid_share, abs=1e-6)
    assert own.mean == pytest.approx(other.mean, rel=1e-6)
    assert own.total == pytest.approx(other.total, rel=1e-6)


@few
@given(polygon=IN_DEGREES, column=st.floats(35, 45), row=st.integers(25, 35))
def test_the_parts_of_a_parcel_add_up_to_the_whole(
    geographic: Path, polygon: shapely.Polygon, column: float, row: int
) -> None:
    x, y = WEST + column * STEP, NORTH - row * STEP
    quarters = [
        shapely.intersection(polygon, shapely.box(*box))
        for box in ((0, 0, x, y), (x, 0, 180, y), (0, y, x, 90), (x, y, 180, 90))
    ]
    parts = [part for part in quarters if part.area > 0 and "Polygon" in part.geom_type]
    whole, *lines = zonal.summaries(geographic, [polygon, *parts])
    assert sum(line.area_ha for line in lines) == pytest.approx(whole.area_ha, rel=1e-9)
    assert sum(line.total or 0.0 for line in lines) == pytest.approx(whole.total, rel=1e-9)


@few
@given(polygon=IN_METRES)
def test_every_cell_is_covered_by_the_part_that_shapely_cuts(
    projected: Path, polygon: shapely.Polygon
) -> None:
    found = zonal.cells(projected, polygon, polygon_crs="EPSG:4549")
    boxes = shapely.box(found.x - 5, found.y - 5, found.x + 5, found.y + 5)
    assert found.share == pytest.approx(
        shapely.area(shapely.intersection(boxes, polygon)) / 100, abs=1e-9
    )
    assert found.share.sum() * 100 == pytest.approx(polygon.area, rel=1e-9)


def test_level_and_upright_edges_inside_and_on_grid_lines_are_exact(projected: Path) -> None:
    """A level edge adds no signed area and yet leaves the cells it runs through partly covered."""
    x, y = 461_000.0, 3_390_000.0
    for box in ((103, 47, 398, 92), (100, 50, 400, 90), (100, 47, 400, 90), (103, 50, 103.5, 90)):
        polygon = shapely.box(x + box[0], y - box[3], x + box[2], y - box[1])
        own = zonal.cells(projected, polygon, polygon_crs="EPSG:4549")
        assert own.share.sum() * 100 == pytest.approx(polygon.area, rel=1e-10)
        other = zonal.cells(projected, polygon, polygon_crs="EPSG:4549", engine="exactextract")
        assert own.share == pytest.approx(other.share[np.lexsort((other.col, other.row))], abs=1e-6)


def test_a_parcel_larger_than_a_piece_is_the_same_in_pieces(
    projected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = np.linspace(0, 40 * math.pi, 400, endpoint=False)
    ring = (
        np.column_stack([np.cos(turn / 20), np.sin(turn / 20)])
        * (1400 + 300 * np.sin(turn))[:, None]
    )
    polygon = shapely.Polygon(
        ring + np.array([463_500, 3_388_000]),
        [shapely.box(463_000, 3_387_900, 463_777, 3_388_012).exterior.coords],
    )
    many = [polygon, shapely.box(463_000, 3_387_900, 463_777, 3_388_012)]
    whole = zonal.summaries(projected, many, polygon_crs="EPSG:4549")
    monkeypatch.setattr(weights, "BATCH_CELLS", 1000)
    pieces = zonal.summaries(projected, many, polygon_crs="EPSG:4549")
    for one, other in zip(whole, pieces, strict=True):
        assert (one.area_ha, one.total, one.mean) == pytest.approx(
            (other.area_ha, other.total, other.mean), rel=1e-11
        )


def test_parcels_come_back_in_the_order_they_went(projected: Path) -> None:
    boxes = [
        shapely.box(
            461_000 + 40 * i, 3_390_000 - 60 * j - 31, 461_000 + 40 * i + 23, 3_390_000 - 60 * j
        )
        for j in (50, 3, 27, 44)
        for i in (90, 1, 50)
    ]
    together = zonal.summaries(projected, boxes, polygon_crs="EPSG:4549")
    alone = [zonal.summaries(projected, [box], polygon_crs="EPSG:4549")[0] for box in boxes]
    assert [line.total for line in together] == pytest.approx(
        [line.total for line in alone], rel=1e-13
    )


def test_cells_without_a_value_are_not_counted_as_nought(geographic: Path) -> None:
    block = shapely.box(WEST + 28 * STEP, NORTH - 24 * STEP, WEST + 32 * STEP, NORTH - 22 * STEP)
    found = zonal.cells(geographic, block)
    assert found.valid_share == pytest.approx(0.5, abs=1e-9)
    (line,) = zonal.summaries(geographic, [block])
    with rasters.opened(geographic) as layer:
        values = layer.values(22, 28, 2, 2)
    assert line.valid_share == pytest.approx(0.5, abs=1e-9)
    assert line.mean == pytest.approx(values.mean(), rel=1e-5)
    assert line.total == pytest.approx(line.mean * line.area_ha * 0.5, rel=1e-9)


def test_a_parcel_that_leaves_the_layer_says_so(geographic: Path) -> None:
    half = shapely.box(WEST - 2 * STEP, NORTH - 5 * STEP, WEST + 2 * STEP, NORTH - 3 * STEP)
    outside = shapely.box(WEST - 9 * STEP, NORTH - 5 * STEP, WEST - 8 * STEP, NORTH - 3 * STEP)
    line, nothing = zonal.summaries(geographic, [half, outside])
    assert line.area_ha * 1e4 == pytest.approx(geometry.area_m2(half), rel=1e-8)
    assert line.valid_share == pytest.approx(0.5, abs=1e-9)
    assert nothing.area_ha * 1e4 == pytest.approx(geometry.area_m2(outside), rel=1e-8)
    assert (nothing.valid_share, nothing.mean, nothing.total, nothing.stderr) == (
        0.0,
        None,
        None,
        None,
    )


def test_the_error_of_a_total_adds_up_as_if_all_cells_erred_together(tmp_path: Path) -> None:
    value, error = np.full((4, 4), 100.0), np.full((4, 4), 20.0)
    error[:, 2:] = 40.0
    layer = write(tmp_path / "a.tif", np.stack([value, error]))
    parcel = shapely.box(WEST + STEP, NORTH - 2 * STEP, WEST + 3 * STEP, NORTH - STEP)
    (line,) = zonal.summaries(layer, [parcel], stderr_path=layer, stderr_band=2)
    assert line.total == pytest.approx(100 * line.area_ha, rel=1e-12)
    assert line.stderr == pytest.approx(30 * line.area_ha, rel=1e-9)


def test_a_value_without_its_error_is_refused(tmp_path: Path) -> None:
    value, error = np.full((4, 4), 100.0), np.full((4, 4), 20.0)
    error[1, 1] = -9999.0
    layer = write(tmp_path / "a.tif", np.stack([value, error]))
    parcel = shapely.box(WEST, NORTH - 3 * STEP, WEST + 3 * STEP, NORTH)
    with pytest.raises(zonal.StderrMissing):
        zonal.summaries(layer, [parcel], stderr_path=layer, stderr_band=2)
    negative = write(tmp_path / "b.tif", np.stack([value, -error]))
    with pytest.raises(zonal.StderrMissing):
        zonal.summaries(negative, [parcel], stderr_path=negative, stderr_band=2)


def test_errors_on_another_grid_are_refused(tmp_path: Path) -> None:
    layer = write(tmp_path / "a.tif", np.ones((4, 4)))
    other = write(
        tmp_path / "b.tif",
        np.ones((4, 4)),
        transform=from_origin(WEST + STEP / 9, NORTH, STEP, STEP),
    )
    with pytest.raises(rasters.RasterRefused) as refused:
        zonal.cells(layer, shapely.box(WEST, NORTH - STEP, WEST + STEP, NORTH), stderr_path=other)
    assert refused.value.code == "other_grid"


def test_a_broken_parcel_is_refused_before_anything_is_summed(geographic: Path) -> None:
    bowtie = shapely.Polygon([(119.6, 30.8), (119.61, 30.81), (119.61, 30.8), (119.6, 30.81)])
    with pytest.raises(zonal.ParcelRefused):
        zonal.summaries(geographic, [bowtie])


def test_no_parcels_give_no_lines(geographic: Path) -> None:
    assert zonal.summaries(geographic, []) == []


def test_a_parcel_of_too_many_cells_is_refused(tmp_path: Path) -> None:
    layer = write(
        tmp_path / "a.tif", np.ones((4, 4)), transform=from_origin(WEST, NORTH, 1e-7, 1e-7)
    )
    with pytest.raises(zonal.TooManyCells):
        zonal.cells(layer, shapely.box(119.0, 30.0, 120.0, 31.0))


def test_a_long_edge_keeps_its_land_when_it_is_moved(tmp_path: Path) -> None:
    """A box 50 km wide in degrees: its level edges are arcs in Gauss-Kruger coordinates."""
    grid = from_origin(450_000.0, 3_420_000.0, 1000.0, 1000.0)
    layer = write(tmp_path / "a.tif", np.ones((80, 80)), crs="EPSG:4549", transform=grid)
    box = shapely.box(119.5, 30.5, 120.0, 30.8)
    found = zonal.cells(layer, box)
    dense = shapely.segmentize(box, 0.0005)  # straight in degrees, to the millimetre
    assert found.parcel_area_ha * 1e4 == pytest.approx(geometry.area_m2(dense), rel=1e-7)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32651", "EPSG:28992", "EPSG:4214"])
def test_the_area_of_a_cell_does_not_depend_on_the_projection(crs: str, tmp_path: Path) -> None:
    """Also of a layer on another datum; Beijing 54 has none that may be guessed and is refused."""
    lon, lat = (5.38, 52.15) if crs == "EPSG:28992" else (119.8, 30.6)
    land = shapely.box(lon, lat, lon + 0.004, lat + 0.003)
    frame = gpd.GeoDataFrame(geometry=[shapely.segmentize(land, 0.0001)], crs=4326).to_crs(crs)
    west, _, _, north = frame.total_bounds
    step = 0.0001 if crs == "EPSG:4214" else 10.0
    grid = from_origin(west - 3 * step, north + 3 * step, step, step)
    layer = write(tmp_path / "a.tif", np.ones((60, 90)), crs=crs, transform=grid)
    if crs == "EPSG:4214":
        with pytest.raises(rasters.RasterRefused):
            zonal.cells(layer, land)
        return
    found = zonal.cells(layer, shapely.segmentize(land, 0.0001))
    assert found.parcel_area_ha * 1e4 == pytest.approx(geometry.area_m2(land), rel=2e-7)


# Real layers


def ellipsoidal_weights(layer: rasters.Layer) -> NumPyRasterSource:
    """Return the geodesic area of every cell by pyproj, which our own formula has no part in."""
    row_m2 = []
    for row in range(layer.height):
        top = layer.top - row * layer.cell_height
        cell = shapely.box(0.0, top - layer.cell_height, layer.cell_width, top)
        row_m2.append(geometry.area_m2(shapely.segmentize(cell, layer.cell_width / 16)))
    bounds = layer.dataset.bounds
    grid = np.repeat(np.array(row_m2)[:, None], layer.width, axis=1)
    return NumPyRasterSource(
        grid, xmin=bounds.left, ymin=bounds.bottom, xmax=bounds.right, ymax=bounds.top
    )


@needs_shared
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "name", ["eu_dem_v11.tif", "gpw_v411_2020_density_2020.tif", "gpw_v411_2020_count_2020.tif"]
)
def test_the_municipalities_of_sao_miguel_agree_with_exactextract(
    name: str, engine: Engine
) -> None:
    folder = SHARED / "sao_miguel"
    land = gpd.read_file(folder / "concelhos.gpkg")
    with rasters.opened(folder / name) as layer:
        weights = ellipsoidal_weights(layer)
    expected = exact_extract(
        str(folder / name),
        land,
        ["weighted_mean", "weighted_sum"],
        weights=weights,
        output="pandas",
    )
    lines = zonal.summaries(folder / name, list(land.geometry), engine=engine)
    assert [line.mean for line in lines] == pytest.approx(list(expected["weighted_mean"]), rel=1e-7)
    totals = [line.total * 1e4 for line in lines if line.total is not None]
    assert totals == pytest.approx(list(expected["weighted_sum"]), rel=1e-7)
    areas = [line.area_ha * 1e4 for line in lines]
    assert areas == pytest.approx(list(geometry.areas_m2(list(land.geometry))), rel=1e-6)


@needs_shared
@pytest.mark.parametrize("engine", ENGINES)
def test_the_biomass_of_nouragues_agrees_with_exactextract(engine: Engine, tmp_path: Path) -> None:
    path = SHARED / "nouragues_biomass" / "nouragues_map_pred.tif"
    random = np.random.default_rng(11)
    turn = np.linspace(0, 2 * math.pi, 12, endpoint=False)
    plots = [
        shapely.Polygon(
            np.column_stack([np.cos(turn), np.sin(turn)]) * random.uniform(20, 90, (12, 1))
            + random.uniform((312_950, 451_340), (313_290, 451_630))
        )
        for _ in range(40)
    ]
    plots.append(shapely.box(312_850, 451_240, 313_390, 451_730))
    land = gpd.GeoDataFrame({"code": [f"P{i:02}" for i in range(41)]}, geometry=plots, crs=32622)
    land.to_file(tmp_path / "plots.gpkg")
    with rasterio.open(path) as layer:
        grid, box = layer.read(2), layer.bounds
    source = NumPyRasterSource(
        grid, xmin=box.left, ymin=box.bottom, xmax=box.right, ymax=box.top, nodata=np.nan
    )
    expected = exact_extract(source, land, ["mean"], output="pandas")["mean"].to_numpy()
    with pytest.raises(rasters.RasterRefused) as refused:
        zonal_csv.write(Sources(path, tmp_path / "plots.gpkg", band=2), tmp_path / "out.csv")
    assert refused.value.code == "crs_missing" and not (tmp_path / "out.csv").exists()
    sources = Sources(
        path, tmp_path / "plots.gpkg", id_column="code", crs="EPSG:32622", band=2, stderr=":3"
    )
    written = zonal_csv.write(sources, tmp_path / "out.csv", engine=engine)
    with (tmp_path / "out.csv").open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert written.rows == len(lines) == 41 and [line["id"] for line in lines] == list(land["code"])
    for line, mean in zip(lines, expected, strict=True):
        if not line["mean"]:
            assert math.isnan(mean) and line["valid_share"] == "0.0" and not line["total"]
            continue
        assert float(line["mean"]) == pytest.approx(mean, rel=1e-6)
        assert float(line["total"]) == pytest.approx(
            float(line["mean"]) * float(line["area_ha"]) * float(line["valid_share"]), rel=1e-9
        )
        assert 0.0 < float(line["stderr"]) < float(line["total"])
    for name in ("plots.geojson", "lonlat.geojson"):
        frame = land if name == "plots.geojson" else land.to_crs(4326)
        frame.to_file(tmp_path / name)
        if name == "plots.geojson":  # without the member that names the system
            document = json.loads((tmp_path / name).read_text())
            document.pop("crs")
            (tmp_path / name).write_text(json.dumps(document))
        sources = Sources(path, tmp_path / name, crs="EPSG:32622", band=2)
        zonal_csv.write(sources, tmp_path / "again.csv")
        with (tmp_path / "again.csv").open(encoding="utf-8") as stream:
            again = list(csv.DictReader(stream))
        assert [line["id"] for line in again] == [str(i) for i in range(41)]
        assert {line["stderr"] for line in again} == {""}
        for one, other in zip(lines, again, strict=True):
            if one["total"]:
                assert float(one["total"]) == pytest.approx(float(other["total"]), rel=1e-6)


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless(
    geographic: Path, tmp_path: Path
) -> None:
    box = shapely.box(WEST, NORTH - STEP, WEST + STEP, NORTH)
    names = ["=cmd|'/c calc'!A1", "+1", "余村,1"]
    gpd.GeoDataFrame({"n": names}, geometry=[box] * 3, crs=4490).to_file(tmp_path / "p.gpkg")
    zonal_csv.write(Sources(geographic, tmp_path / "p.gpkg", id_column="n"), tmp_path / "o.csv")
    with (tmp_path / "o.csv").open(encoding="utf-8") as stream:
        assert [line["id"] for line in csv.DictReader(stream)] == ["'" + names[0], "'+1", names[2]]


def test_an_unknown_id_column_or_a_broken_parcel_leaves_no_file(
    geographic: Path, tmp_path: Path
) -> None:
    box = shapely.box(WEST, NORTH - STEP, WEST + STEP, NORTH)
    gpd.GeoDataFrame({"n": ["a", "b"]}, geometry=[box, None], crs=4490).to_file(tmp_path / "p.gpkg")
    with pytest.raises(FileRefused):
        zonal_csv.write(Sources(geographic, tmp_path / "p.gpkg", id_column="m"), tmp_path / "o.csv")
    with pytest.raises(zonal.ParcelRefused):
        zonal_csv.write(Sources(geographic, tmp_path / "p.gpkg"), tmp_path / "o.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.gpkg"]

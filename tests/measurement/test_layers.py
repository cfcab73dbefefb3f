"""Layers: registered with unit, date, CRS and hash, or refused with the reason."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import sqlalchemy as sa
from rasterio.transform import Affine, from_origin
from sqlalchemy.orm import Session

from gis_data import rasters
from gis_data.rasters import RasterRefused
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.measurement import cells, layers, variograms
from sinks.measurement.variograms import Given
from tests import world

COVER = {1: ("竹林", "bamboo"), 2: ("茶园", "tea")}


def add(session: Session, people: dict[str, Actor], path: Path, **given: Any) -> layers.Layer:
    wanted = {
        "name": "生物量", "variable": "agb", "unit": "Mg/ha", "epoch": date(2023, 1, 1),
        "phase": "on", "licence": "CC0", "source": "测试",
    }  # fmt: skip
    return layers.add(session, people["officer"], path, **(wanted | given))


def add_classes(
    session: Session, people: dict[str, Actor], path: Path, **given: Any
) -> layers.Layer:
    wanted = {"variable": "land_cover", "unit": None, "legend": COVER, "phase": "unknown"}
    return add(session, people, path, **(wanted | given))


def write(path: Path, values: np.ndarray, **profile: Any) -> Path:
    options = {
        "crs": "EPSG:4549", "transform": from_origin(world.EAST_M, world.NORTH_M, 20, 20),
    } | profile  # fmt: skip
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype=values.dtype.name, **options,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return path


def kept_files() -> set[str]:
    folder = layers.path_of_sha256("x").parent
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_what_is_kept_is_a_tiled_copy_with_every_cell_as_it_came(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = world.biomass(tmp_path / "a.tif", 50, seed=21)
    row = add(session, people, path, stderr_path=world.biomass(tmp_path / "b.tif", 9, seed=22))
    stored = layers.path_of(row)
    assert row.sha256 == rasters.sha256_of(path)
    assert row.cog_sha256 == rasters.sha256_of(stored) != row.sha256
    assert stored.name == f"{row.cog_sha256}.tif"
    assert rasters.difference(path, stored) is None
    with rasterio.open(stored) as copy:
        assert copy.profile["tiled"] and copy.nodata == -9999
    info = rasters.inspect(path)
    assert (row.minimum, row.maximum, row.valid_share) == (info.minimum, info.maximum, 1.0)
    assert (row.scale, row.scale_offset, row.nodata) == (1.0, 0.0, "-9999.0")
    assert layers.stderr_of(session, row).kind == "stderr"
    assert not any(name.endswith(".part") for name in kept_files())


def test_a_layer_without_crs_is_refused_unless_it_is_given(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = world.biomass(tmp_path / "a.tif", 50, seed=1, crs=None)
    with pytest.raises(RasterRefused) as refusal:
        add(session, people, path)
    assert "crs" in refusal.value.code
    row = add(session, people, path, crs="EPSG:4549")
    assert row.crs_given and row.crs == "EPSG:4549"


def test_another_unit_is_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    with pytest.raises(Invalid):
        add(session, people, world.biomass(tmp_path / "a.tif", 50, seed=1), unit="kg/m2")


REAL = np.full((8, 8), 50.0, "float32")
WHOLE = np.full((8, 8), 600, "int16")
HOLES = np.full((8, 8), np.nan, "float32")


@pytest.mark.parametrize(
    "values, profile, code",
    [
        (-REAL, {}, "values"),
        (REAL * 30.01, {}, "values"),
        (WHOLE, {}, "scale"),
        (HOLES, {}, "empty"),
        (REAL, {"nodata": 50.0}, "empty"),
        (np.where(np.eye(8) > 0, np.inf, REAL).astype("float32"), {}, "infinite"),
        (REAL, {"transform": Affine.rotation(5) @ Affine.scale(20, -20)}, "rotated"),
        (REAL, {"transform": Affine(20, 0, world.EAST_M, 0, 20, world.NORTH_M)}, "south_up"),
    ],
)
def test_a_raster_that_cannot_be_right_is_refused_by_name(
    session: Session, people: dict[str, Actor], tmp_path: Path, values, profile, code
) -> None:
    before = kept_files()
    with pytest.raises((Invalid, RasterRefused)) as refusal:
        add(session, people, write(tmp_path / "a.tif", values, **profile))
    assert refusal.value.code == code
    assert kept_files() == before


def test_a_scale_in_the_file_is_applied_and_kept(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.tif", WHOLE)
    with rasterio.open(path, "r+") as raster:
        raster.scales = (0.1,)
    row = add(session, people, path)
    assert (row.scale, row.minimum, row.maximum) == (0.1, 60.0, 60.0)
    assert rasters.inspect(layers.path_of(row)).mean == 60.0


@pytest.mark.parametrize(
    "given, code",
    [
        ({"licence": " "}, "licence"),
        ({"source": ""}, "licence"),
        ({"phase": "summer"}, "phase"),
        ({"variable": "gold"}, "variable"),
        ({"unit": None}, "unit"),
        ({"legend": COVER}, "legend"),
        ({"variogram": Given(300.0, 0.1, "x")}, "variogram"),
    ],
)
def test_what_is_not_said_or_said_wrongly_is_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path, given, code
) -> None:
    path = world.biomass(tmp_path / "a.tif", 50, seed=31)
    with pytest.raises(Invalid) as refusal:
        add(session, people, path, **given)
    assert refusal.value.code == code
    tomorrow = session.scalar(sa.select(sa.func.current_date())) + timedelta(days=2)
    with pytest.raises(Invalid) as refusal:
        add(session, people, path, epoch=tomorrow)
    assert refusal.value.code == "future"


def test_an_error_layer_on_another_grid_is_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = world.biomass(tmp_path / "a.tif", 50, seed=1)
    other = tmp_path / "b.tif"
    with rasterio.open(path) as source:
        profile = source.profile | {"transform": from_origin(world.EAST_M, world.NORTH_M, 20, 20)}
        with rasterio.open(other, "w", **profile) as raster:
            raster.write(source.read())
    with pytest.raises(Invalid) as refusal:
        add(session, people, path, stderr_path=other)
    assert refusal.value.code == "grid"


def test_negative_errors_are_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path, stderr = write(tmp_path / "a.tif", REAL), write(tmp_path / "b.tif", -REAL)
    with pytest.raises(Invalid) as refusal:
        add(session, people, path, stderr_path=stderr)
    assert refusal.value.code == "values"


def test_the_same_file_is_one_layer(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = world.biomass(tmp_path / "a.tif", 50, seed=2)
    add(session, people, path)
    with pytest.raises(Conflict):
        add(session, people, path, name="又一次")


def test_of_two_people_with_one_file_the_second_waits_and_is_told(
    engine: sa.Engine, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = world.biomass(tmp_path / "a.tif", 50, seed=41)

    def second() -> str:
        with pytest.raises(Conflict) as refusal, db.transaction(people["officer"]) as session:
            add(session, people, path, name="又一次")
        return refusal.value.code

    with ThreadPoolExecutor(1) as pool:
        with db.transaction(people["officer"]) as session:
            add(session, people, path)
            told = pool.submit(second)
            world.wait_until_blocked(engine)
        assert told.result(60) == "layer_held"


def test_several_bands_are_no_layer(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = tmp_path / "two.tif"
    with rasterio.open(world.biomass(tmp_path / "a.tif", 50, seed=42)) as source:
        profile, values = source.profile | {"count": 2}, source.read()
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(np.repeat(values, 2, axis=0))
    with pytest.raises(Invalid) as refusal:
        add(session, people, path)
    assert refusal.value.code == "bands"


def test_a_changed_file_is_not_measured_from(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    row = add(session, people, world.biomass(tmp_path / "a.tif", 50, seed=3))
    stored = layers.path_of(row)
    stored.write_bytes(stored.read_bytes() + b"x")
    with pytest.raises(NotFound) as refusal:
        layers.path_of(row)
    assert refusal.value.code == "layer_lost"
    stored.unlink()


def test_a_layer_of_classes_has_names_and_no_unit(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    codes = np.array([[0, 1], [2, 1]], dtype="uint8").repeat(8, 0).repeat(8, 1)
    row = add_classes(session, people, write(tmp_path / "a.tif", codes, nodata=0))
    session.refresh(row)
    assert row.classes == COVER and row.unit is None
    grid = cells.preview(row)
    assert grid.valid_share == 0.75 and set(np.unique(grid.values[np.isfinite(grid.values)])) == {
        1.0, 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "values, given, code",
    [
        (np.array([[1, 3]], "uint8"), {}, "legend_code"),
        (np.array([[1.0, 1.5]], "float32"), {}, "legend_code"),
        (np.array([[1, 2]], "uint8"), {"legend": None}, "legend"),
        (np.array([[1, 2]], "uint8"), {"unit": "Mg/ha"}, "unit"),
        (np.array([[1, 2]], "uint8"), {"stderr_path": Path("x.tif")}, "classes"),
    ],
)
def test_classes_that_nobody_can_name_are_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path, values, given, code
) -> None:
    with pytest.raises(Invalid) as refusal:
        add_classes(session, people, write(tmp_path / "a.tif", values), **given)
    assert refusal.value.code == code


def test_the_database_holds_a_layer_to_a_unit_or_a_legend(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    row = add(session, people, world.biomass(tmp_path / "a.tif", 50, seed=4))
    for unit, legend in ((None, None), ("Mg/ha", {"1": ["竹林", "bamboo"]})):
        with pytest.raises(sa.exc.IntegrityError, match="unit_or_legend"), session.begin_nested():
            session.add(
                layers.Layer(
                    name="x", variable="agb", kind="value", unit=unit, legend=legend,
                    epoch=row.epoch, phase="on", crs="x", crs_given=False, resolution="x",
                    sha256=f"{unit}", licence="x", source="x", person_id=row.person_id,
                )
            )  # fmt: skip
            session.flush()


def test_a_variogram_belongs_to_the_error_layer_and_the_newest_holds(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path, stderr = (
        world.biomass(tmp_path / "a.tif", 50, seed=5), world.biomass(tmp_path / "b.tif", 9, seed=6),
    )  # fmt: skip
    row = add(session, people, path, stderr_path=stderr, variogram=Given(300.0, 0.2, " 样地残差 "))
    said = variograms.given_of(variograms.newest(session, row.stderr_layer_id))
    assert said == Given(300.0, 0.2, "样地残差")
    layers.give_variogram(session, people["officer"], row.id, Given(250.0, 0.1, "重新拟合"))
    assert variograms.newest(session, row.stderr_layer_id).range_m == 250.0
    with pytest.raises(NotPermitted):
        layers.give_variogram(session, people["verifier"], row.id, Given(1.0, 0.9, "x"))
    with pytest.raises(sa.exc.ProgrammingError, match="denied"), session.begin_nested():
        session.execute(sa.text("UPDATE layer_variogram SET range_m = 1"))
    bare = add(session, people, world.biomass(tmp_path / "c.tif", 50, seed=7))
    with pytest.raises(Conflict) as refusal:
        layers.give_variogram(session, people["officer"], bare.id, Given(250.0, 0.1, "x"))
    assert refusal.value.code == "no_stderr"


@pytest.mark.parametrize(
    "text, source", [("300", "x"), ("a,b", "x"), ("300,0.1", " "), ("0,0.1", "x"), ("-1,0", "x"),
                     ("300,1.2", "x"), ("nan,0.1", "x"), ("inf,0.1", "x"), ("1,2,3", "x")],
)  # fmt: skip
def test_a_variogram_out_of_reason_is_refused(text: str, source: str) -> None:
    with pytest.raises(Invalid) as refusal:
        variograms.parsed(text, source)
    assert refusal.value.code == "variogram"

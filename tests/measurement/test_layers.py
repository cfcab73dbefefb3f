"""Layers: registered with unit, date, CRS and hash, or refused with the reason."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from sqlalchemy.orm import Session

from gis_data.rasters import RasterRefused
from sinks.core.actor import Actor
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.measurement import layers
from tests import world


def add(session: Session, people: dict[str, Actor], path: Path, **given: object) -> layers.Layer:
    wanted = {
        "name": "生物量", "variable": "agb", "unit": "Mg/ha", "epoch": date(2023, 1, 1),
        "phase": "on", "licence": "CC0", "source": "测试",
    }  # fmt: skip
    return layers.add(session, people["officer"], path, **(wanted | given))


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


def test_negative_biomass_is_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=8, height=8, count=1, dtype="float32", crs="EPSG:4549",
        transform=from_origin(world.EAST_M, world.NORTH_M, 20, 20),
    ) as raster:  # fmt: skip
        raster.write(np.full((8, 8), -5.0, "float32"), 1)
    with pytest.raises(Invalid) as refusal:
        add(session, people, path)
    assert refusal.value.code == "values"


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


def test_the_same_file_is_one_layer(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    path = world.biomass(tmp_path / "a.tif", 50, seed=2)
    add(session, people, path)
    with pytest.raises(Conflict):
        add(session, people, path, name="又一次")


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

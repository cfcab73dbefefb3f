"""A parcel through the layers of every date."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from gis_data import rasters, zonal
from sinks.cli import demo_layers
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.measurement import layers, series
from tests import world
from tests.measurement.test_layers import COVER, add_classes, write


def test_each_date_has_the_mean_that_measuring_gives(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    outline = world.land(37, 61, 333, 212)
    found = world.two_layers(session, people, tmp_path)
    moments = series.under(session, outline, "agb")
    assert [one.layer_id for one in moments] == [found.start_id, found.end_id]
    for one in moments:
        path = layers.path_of(layers.get(session, one.layer_id))
        [alone] = zonal.summaries(path, [outline])
        assert one.mean == pytest.approx(alone.mean, rel=1e-12)
        assert one.area_ha == pytest.approx(alone.area_ha, rel=1e-12)
        assert one.valid_share == pytest.approx(1.0) and one.classes == ()
        assert np.isfinite(one.values).sum() > 150 and one.cell_shape == 1.0
    assert moments[1].mean - moments[0].mean == pytest.approx(8.0, abs=0.5)


def test_the_demonstration_maps_are_shown_with_layers_of_another_grid_between(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    written = demo_layers.write(tmp_path)
    for epoch, paths in written.items():
        layers.add(
            session, people["officer"], paths.agb, name=f"{epoch}", variable="agb", unit="Mg/ha",
            epoch=epoch, phase="on", licence="CC0", source="合成",
        )  # fmt: skip
    layers.add(
        session, people["officer"], world.biomass(tmp_path / "x.tif", 57, seed=8), name="别的格网",
        variable="agb", unit="Mg/ha", epoch=date(2024, 1, 1), phase="off", licence="CC0",
        source="测试",
    )  # fmt: skip
    with rasters.opened(written[demo_layers.EPOCHS[0]].agb) as opened:
        assert opened.cell_width == demo_layers.CELL_M
    moments = series.under(session, world.land(100, 100, 300, 300), "agb")
    assert [one.epoch.year for one in moments] == [2023, 2024, 2025]
    assert [one.phase for one in moments] == ["on", "off", "on"]
    shapes = [one.values.shape for one in moments]
    assert shapes[0] == shapes[2] != shapes[1]
    assert all(one.valid_share == pytest.approx(1.0) for one in moments)
    assert 2.0 < moments[2].mean - moments[0].mean < 9.0


def test_classes_come_with_their_areas_and_no_mean(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    # Three columns of 20 m of class 1, one of class 2, one without a value.
    codes = np.array([[1, 1, 1, 2, 0]] * 5, dtype="uint8")
    add_classes(session, people, write(tmp_path / "a.tif", codes, nodata=0))
    x, y = world.EAST_M, world.NORTH_M
    outline = world.to_4490(world.Polygon([(x, y), (x + 100, y), (x + 100, y - 100), (x, y - 100)]))
    [one] = series.under(session, outline, "land_cover")
    assert one.mean is None and one.unit is None and one.legend_codes == tuple(COVER)
    assert one.valid_share == pytest.approx(0.8, abs=1e-3)
    assert [(held.zh, held.en) for held in one.classes] == [COVER[1], COVER[2]]
    assert [held.share for held in one.classes] == pytest.approx([0.75, 0.25], abs=1e-3)
    # Every cell is 400 m2 on the grid of the projection, 0.03 % off on the ellipsoid here.
    assert [held.area_ha for held in one.classes] == pytest.approx([0.6, 0.2], rel=2e-3)


def test_land_beside_a_layer_has_no_value_there(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    world.two_layers(session, people, tmp_path)
    for one in series.under(session, world.land(50_000, 0, 100, 100), "agb"):
        assert one.mean is None and one.valid_share == 0.0 and np.isnan(one.values).all()


def test_a_variable_without_layers_and_land_too_large_for_pictures_are_refused(
    session: Session, people: dict[str, Actor], tmp_path: Path
) -> None:
    with pytest.raises(Conflict) as refusal:
        series.under(session, world.land(0, 0, 100, 100), "soc")
    assert refusal.value.code == "no_layers"
    world.two_layers(session, people, tmp_path)
    with pytest.raises(Conflict) as refusal:
        series.under(session, world.land(0, 0, 20_000, 20_000), "agb")
    assert refusal.value.code == "too_many_cells"

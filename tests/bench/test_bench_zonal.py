"""The bench in small: it runs, the engines agree, and ours is the cheaper by far."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gis_data import zonal
from tests.bench import bench_zonal, zonal_data, zonal_methods
from tests.bench.zonal_data import Place

SMALL = Place("EPSG:32650", 700_000.0, 3_450_000.0, 10.0, 1.0, 1.0, width=1536, height=1024)
IN_DEGREES = Place("EPSG:4490", 119.3, 31.2, 1e-4, 1 / 95_700, 1 / 110_870, width=1536, height=1024)


@pytest.mark.parametrize("place", [SMALL, IN_DEGREES], ids=["metres", "degrees"])
@pytest.mark.parametrize("shared", [False, True], ids=["scattered", "neighbours"])
def test_every_sum_agrees_with_exactextract_to_a_millionth(
    place: Place, shared: bool, tmp_path: Path
) -> None:
    layer = zonal_data.write_layer(tmp_path / "layer.tif", place)
    make = zonal_data.tessellation if shared else zonal_data.scattered
    parcels = make(2_500, place)
    own = zonal_methods.ours_planar([layer], parcels, place.crs)
    theirs = zonal_methods.exactextract_tuned([layer], parcels, place.crs)
    assert (theirs > 0.0).sum() > 1_000
    assert own == pytest.approx(theirs, rel=1e-6, abs=1e-9, nan_ok=True)


def test_parcels_cost_less_than_half_of_what_they_cost_exactextract(tmp_path: Path) -> None:
    """At 20,000 parcels on a small layer it is a tenth; half of it leaves room for a busy machine."""
    layer = zonal_data.write_layer(tmp_path / "layer.tif", SMALL)
    parcels = zonal_data.scattered(20_000, SMALL)
    zonal.sums(layer, parcels[:50], polygon_crs=SMALL.crs)

    def cpu_s(method: Callable[..., object]) -> float:
        start = time.process_time()
        method([layer], parcels, SMALL.crs)
        return time.process_time() - start

    assert cpu_s(zonal_methods.ours) < 0.5 * cpu_s(zonal_methods.exactextract_tuned)


def test_a_method_runs_alone_in_its_process(tmp_path: Path) -> None:
    layer = zonal_data.write_layer(tmp_path / "layer.tif", SMALL)
    parcels = bench_zonal.save(zonal_data.scattered(50, SMALL), tmp_path / "parcels.npy")
    case = bench_zonal.Case("50", SMALL, parcels, [layer, layer], SMALL.crs)
    found = case.rounds(["read_strips", "ours_kept"], 1)
    assert found["read_strips"]["cpu_s"] > 0.0
    assert 50.0 < found["ours_kept"]["peak_mb"] < 1_200.0
    assert found["ours_kept"]["further_layer"] > 0.0

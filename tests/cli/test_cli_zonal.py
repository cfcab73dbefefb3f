"""`sinks zonal`: more columns, classes, kept weights and a cluster, with the first columns as ever."""

import csv
from pathlib import Path

import numpy as np
import pytest
import rasterio
from distributed import LocalCluster

from tests import world
from tests.cli.test_cli_without_database import geojson

FIXED = ["id", "area_ha", "valid_share", "mean", "total", "stderr"]


@pytest.fixture
def words(write, tmp_path: Path) -> list[object]:
    """The command for two parcels on a layer of biomass, up to its options."""
    layer = world.biomass(tmp_path / "agb.tif", 50.0, seed=1, noise=4.0)
    land = write("land.geojson", geojson(world.land(0, 0, 200, 200), world.land(300, 0, 100, 100)))
    return ["zonal", "--layer", layer, "--parcels", land, "--out", tmp_path / "sums.csv"]


def lines(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "sums.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_further_statistics_stand_behind_the_fixed_columns(cli, words, tmp_path: Path) -> None:
    done = cli.done(*words, "--stats", "min,max,q10,q50,q100")
    assert done["columns"] == [*FIXED, "min", "max", "q10", "q50", "q100"]
    for line in lines(tmp_path):
        low, q10, q50, high = (float(line[name]) for name in ("min", "q10", "q50", "max"))
        assert low <= q10 <= q50 <= high == float(line["q100"])
        assert low < float(line["mean"]) < high


def test_an_unknown_statistic_is_refused_before_anything_is_written(
    cli, words, tmp_path: Path
) -> None:
    for name in ("q101", "median", "q-1"):
        said = cli(*words, "--stats", name, "--json")
        assert said.status == 1 and said.json["refused"]["code"] == "stats"
    assert not (tmp_path / "sums.csv").exists()


def test_areas_of_classes_and_combinations_add_up_to_the_parcel(cli, words, tmp_path: Path) -> None:
    with rasterio.open(words[2]) as layer:
        profile = layer.profile | {"dtype": "uint8", "nodata": 0, "count": 2, "predictor": 1}
    classes = np.random.default_rng(1).integers(0, 3, (2, profile["height"], profile["width"]))
    path = tmp_path / "classes.tif"
    with rasterio.open(path, "w", **profile) as layer:
        layer.write(classes.astype(np.uint8))
    cli.done(*words, "--class-layer", f"{path}:1")
    first = lines(tmp_path)[0]
    assert list(first)[6:] == ["class_1_ha", "class_2_ha", "class_none_ha"]
    cli.done(*words, "--class-layer", f"{path}:1", "--class-layer", f"{path}:2")
    again = lines(tmp_path)[0]
    assert "class_1_2_ha" in again and "class_none_none_ha" in again
    for line in (first, again):
        areas = [float(value) for name, value in line.items() if name.startswith("class_")]
        assert sum(areas) == pytest.approx(float(line["area_ha"]), rel=1e-12)
    ones = sum(float(value) for name, value in again.items() if name.startswith("class_1_"))
    assert ones == pytest.approx(float(first["class_1_ha"]), rel=1e-12)


def test_kept_weights_and_a_cluster_give_the_same_file(
    cli, words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "sums.csv"
    cli.done(*words)
    plain = out.read_bytes()
    for _ in range(2):
        cli.done(*words, "--weights", tmp_path / "weights")
        assert out.read_bytes() == plain
    assert len(list((tmp_path / "weights").iterdir())) == 1
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        monkeypatch.setenv("SINKS_DASK_SCHEDULER", cluster.scheduler_address)
        cli.done(*words)
    assert out.read_bytes() == plain
    monkeypatch.setenv("SINKS_DASK_SCHEDULER", "no-address")
    said = cli(*words, "--json")
    assert said.status == 1 and said.json["refused"]["code"] == "cluster_refused"

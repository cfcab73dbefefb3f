"""`sinks layers` as a program calls it."""

from pathlib import Path

import numpy as np

from sinks.core import db
from tests import world
from tests.measurement.test_layers import write as write_raster


def test_layers_are_added_shown_and_followed_under_a_parcel(
    registry, people, tmp_path: Path
) -> None:
    with db.transaction(people["registrar"]) as session:
        parcel_id = world.enrolled(session, people, world.land(0, 0, 300, 300))
    raster = world.biomass(tmp_path / "agb.tif", 55.0, seed=1)
    errors = world.biomass(tmp_path / "se.tif", 9.0, seed=2, noise=0.5)
    words = ("layers", "add", raster, "--variable", "agb", "--date", "2023-01-01", "--stderr",
             errors, "--phase", "on")  # fmt: skip
    said = ("--licence", "CC0", "--source", "测试")
    assert registry.refused(*words, "--unit", "Mg/ha", "--licence", "", by="officer") == "licence"
    assert registry.refused(*words, *said, by="officer") == "unit"
    assert registry.refused(*words, "--unit", "Mg/ha", *said, by="verifier") == "role"
    fitted = ("--variogram", "300,0.2")
    assert registry.refused(*words, "--unit", "Mg/ha", *said, *fitted, by="officer") == "variogram"
    row = registry.done(
        *words, "--unit", "Mg/ha", *said, *fitted, "--variogram-source", "样地残差", by="officer"
    )
    assert row["variogram"] == {"range_m": 300.0, "nugget_share": 0.2, "source": "样地残差"}
    assert len(row["sha256"]) == len(row["cog_sha256"]) == 64 and row["licence"] == "CC0"

    codes = write_raster(tmp_path / "cover.tif", np.full((200, 200), 2, "uint8"))
    legend = tmp_path / "legend.csv"
    legend.write_bytes("1,竹林,bamboo\r\n2,茶园,tea\r\n".encode("gb18030"))
    cover = registry.done(
        "layers", "add", codes, "--variable", "land_cover", "--date", "2020-07-01", "--legend",
        legend, *said, by="officer",
    )  # fmt: skip
    assert cover["unit"] is None and cover["legend"] == {
        "1": ["竹林", "bamboo"],
        "2": ["茶园", "tea"],
    }

    listed = registry.done("layers", "list")["layers"]
    assert [one["id"] for one in listed] == [row["id"], cover["id"]]
    assert registry.done("layers", "show", row["id"]) == row
    shown = registry.done(
        "layers", "series", "--parcel", parcel_id, "--variable", "agb", by="officer"
    )
    [moment] = shown["layers"]
    assert abs(moment["mean"] - 55.0) < 1.0 and moment["valid_share"] > 0.999
    changed = registry.done(
        "layers", "variogram", row["id"], "250,0.1", "--source", "重新拟合", by="officer"
    )
    assert changed["variogram"]["range_m"] == 250.0
    assert registry.refused("layers", "show", 999) == "layer"
    assert registry.refused("layers", "series", "--parcel", parcel_id, "--variable", "soc") == (
        "no_layers"
    )
    table = registry("layers", "series", "--parcel", parcel_id, by="officer")
    assert table.status == 0 and "2023-01-01" in table.out and "Mg/ha" in table.out

"""Shapes in view and the map of a parcel, over the wire."""

import io
import json
from datetime import date
from pathlib import Path

import pypdf
import pytest
import shapely

from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import base_shapes, constraint_layers
from tests import world
from tests.web.conftest import Site


@pytest.fixture(scope="module")
def layer_id(site: Site, people: dict[str, Actor], tmp_path_factory: pytest.TempPathFactory) -> int:
    """Four compartments beside each other."""
    path: Path = tmp_path_factory.mktemp("county") / "xb.geojson"
    features = [
        {"type": "Feature", "properties": {"XIAO_BAN": f"{n}", "LQ_QLR": world.HOUSEHOLD},
         "geometry": json.loads(shapely.to_geojson(world.land(300 * n, 0, 300, 300)))}
        for n in range(4)
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    with db.transaction(people["officer"]) as session:
        return constraint_layers.add(
            session, people["officer"], path, kind="compartment", name="小班", source="县局",
            as_of=date(2025, 1, 1), licence="内部", district_codes=["330523"],
        ).id  # fmt: skip


def bounds(people: dict[str, Actor], layer_id: int, share: float) -> str:
    """The western share of the layer, as the browser asks for it."""
    with db.transaction(people["officer"]) as session:
        west, south, east, north = base_shapes.extent(session, layer_id)
    return f"{west:.6f},{south:.6f},{west + (east - west) * share:.6f},{north:.6f}"


def test_the_browser_gets_the_shapes_it_looks_at_and_nobody_elses_names(
    site: Site, people: dict[str, Actor], layer_id: int
) -> None:
    officer = site.browser("officer")
    found = officer.get(f"/shapes/{layer_id}.geojson?bounds={bounds(people, layer_id, 0.3)}")
    assert found.status_code == 200 and world.HOUSEHOLD not in found.text
    assert [one["properties"]["label"] for one in found.json()["features"]] == ["0", "1"]
    assert found.json()["more"] is False
    whole = officer.get(f"/shapes/{layer_id}.geojson?bounds={bounds(people, layer_id, 1.0)}")
    assert len(whole.json()["features"]) == 4


@pytest.mark.parametrize(
    "asked", ["", "1,2,3", "119,30,118,31", "a,b,c,d", "1e9,0,2e9,1", "nan,0,1,1"]
)
def test_a_box_that_is_none_is_refused(site: Site, layer_id: int, asked: str) -> None:
    answer = site.browser("officer").get(f"/shapes/{layer_id}.geojson?bounds={asked}")
    assert answer.status_code == 400


def test_the_countys_shapes_are_for_officers(
    site: Site, people: dict[str, Actor], layer_id: int
) -> None:
    path = f"/shapes/{layer_id}.geojson?bounds={bounds(people, layer_id, 1.0)}"
    assert site.browser().get(path).status_code == 401
    assert site.browser("court").get(path).status_code == 401


def test_the_map_of_a_parcel_is_a_pdf_for_those_who_work_with_land(
    site: Site, people: dict[str, Actor]
) -> None:
    with db.transaction(people["officer"]) as session:
        parcel_id = world.draft(session, people, world.land(0, 5000, 300, 300))
    answer = site.browser("officer").get(f"/parcel-map/{parcel_id}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert "地块图" in pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert site.browser("court").get(f"/parcel-map/{parcel_id}.pdf").status_code == 403
    assert site.browser().get(f"/parcel-map/{parcel_id}.pdf").status_code in (302, 303, 307)
    assert site.browser("officer").get("/parcel-map/999999.pdf").status_code == 404

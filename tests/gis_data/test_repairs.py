"""Repairs: what is offered, what never is, and that the area stays what the ring says."""

import hashlib
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gis_data import check, geometry, repairs, vectors
from gis_data.refusals import FileRefused

SQUARE = [[119.60, 30.63], [119.61, 30.63], [119.61, 30.64], [119.60, 30.64], [119.60, 30.63]]
# A corner digitised twice, out of order: the edge crosses itself over a hand's breadth.
SLIP = [*SQUARE[:2], [119.610001, 30.635], [119.610001, 30.6350005], [119.609999, 30.6350003],
        [119.610001, 30.6350001], *SQUARE[2:]]  # fmt: skip


def read(folder: Path, *outlines: list[Any]) -> vectors.VectorFile:
    features = [
        {
            "type": "Feature",
            "properties": {"n": n},
            "geometry": {"type": "Polygon", "coordinates": c},
        }
        for n, c in enumerate(outlines)
    ]
    (folder / "a.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    return vectors.read(folder / "a.geojson")


def offered(folder: Path, *outlines: list[Any]) -> list[repairs.Offer]:
    found = read(folder, *outlines)
    return repairs.offers(found, check.check_rows(found, sink_type="tea"))


NEVER = {
    "bowtie": [[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]],
    "wound twice": [SQUARE[:-1] + SQUARE],
    "hole outside": [SQUARE, [[x + 0.02, y] for x, y in SQUARE]],
    "hole half outside": [SQUARE, [[x + 0.005, y] for x, y in SQUARE]],
    "hole is shell": [SQUARE, SQUARE],
    "line": [[SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[0]]],
}


@pytest.mark.parametrize("name", NEVER)
def test_a_repair_that_moves_the_area_is_never_offered(name: str, tmp_path: Path) -> None:
    (offer,) = offered(tmp_path, NEVER[name])
    assert offer.refusal is not None and offer.refusal.code in ("area_changes", "no_repair")
    found = vectors.read(tmp_path / "a.geojson")
    for method in ("close", "linework", "structure"):
        with pytest.raises(FileRefused):
            repairs.repaired(found, {0: method})


def test_the_two_ways_are_shown_where_they_differ(tmp_path: Path) -> None:
    """A hole outside its shell: 64 + 40 of 1/100 of a square by one way, 64 + 20 by the other."""
    (offer,) = offered(tmp_path, NEVER["hole half outside"])
    assert [repair.method for repair in offer.repairs] == ["linework", "structure"]
    assert offer.repairs[0].area_m2 != pytest.approx(offer.repairs[1].area_m2, rel=0.01)


def test_a_slip_of_the_digitiser_is_offered_and_taken_only_when_chosen(tmp_path: Path) -> None:
    found = read(tmp_path, [SQUARE], [SLIP])
    report = check.check_rows(found, sink_type="tea")
    assert [row.row for row in report.refused] == [1], "nothing is repaired by itself"
    (offer,) = repairs.offers(found, report)
    assert offer.refusal is None and offer.row == 1
    assert offer.source_sha256 == geometry.geometry_sha256(found.rows[1].polygon)
    for repair in offer.repairs:
        assert repair.area_m2 == pytest.approx(offer.source_area_m2, rel=repairs.AREA_SHARE_MAX)
        assert repair.geometry_sha256 != offer.source_sha256
        mended = repairs.repaired(found, {1: repair.method})
        accepted = check.check_rows(mended, sink_type="tea").accepted
        assert [row.row for row in accepted] == [0, 1]
        assert accepted[1].geometry_sha256 == repair.geometry_sha256
        assert accepted[1].area_m2 == repair.area_m2
    assert not shapely.is_valid(found.rows[1].polygon), "the file as read is not touched"


def test_a_ring_that_was_not_closed_may_be_closed(tmp_path: Path) -> None:
    (offer,) = offered(tmp_path, [SQUARE[:-1]])
    (repair,) = offer.repairs
    assert offer.refusal is None and repair.method == "close"
    assert repair.polygon.equals(shapely.Polygon(SQUARE))
    assert repair.area_m2 == pytest.approx(geometry.area_m2(shapely.Polygon(SQUARE)))
    assert repair.geometry_sha256 != offer.source_sha256


def test_an_unclosed_bowtie_is_not_offered(tmp_path: Path) -> None:
    (offer,) = offered(tmp_path, [[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]])
    assert offer.refusal is not None


@pytest.mark.parametrize("driver", ["GPKG", "ESRI Shapefile"])
def test_an_unclosed_ring_of_a_binary_format_keeps_its_positions(
    driver: str, tmp_path: Path
) -> None:
    """GEOS makes nothing of it; the hash is of the rings as they stand in the file."""
    path = tmp_path / ("a.gpkg" if driver == "GPKG" else "a.shp")
    outline = shapely.Polygon([*SQUARE[:-1], [119.6, 30.6301], SQUARE[0]])
    gpd.GeoDataFrame({"n": [1]}, geometry=[outline], crs=4490).to_file(path, driver=driver)
    content = path.read_bytes()
    point = shapely.to_wkb(shapely.Point(SQUARE[0]), byte_order=1)[5:]
    second = shapely.to_wkb(shapely.Point(119.60005, 30.63002), byte_order=1)[5:]
    at = content.rindex(point)
    path.write_bytes(content[:at] + second + content[at + 16 :])
    found = vectors.read(path)
    assert found.rows[0].polygon is None and found.rows[0].unclosed is not None
    offer = repairs.offer(found, found.rows[0])
    assert offer is not None and offer.repairs[0].method == "close"
    ring = shapely.get_coordinates(found.rows[0].unclosed)
    assert [list(ring[0]), list(ring[-1])] == [list(ring[0])] * 2 and len(ring) == 7
    assert len(offer.source_sha256) == len(hashlib.sha256().hexdigest())


def test_an_offer_is_plain_json(tmp_path: Path) -> None:
    for offer in offered(tmp_path, [SLIP], NEVER["bowtie"], [SQUARE[:-1]]):
        said = json.loads(json.dumps(offer.to_json()))
        assert said["offered"] is (offer.refusal is None)
        assert (said["message"] is None) is said["offered"]

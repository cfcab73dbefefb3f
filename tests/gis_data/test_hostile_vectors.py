"""Files made to mislead a reader: each is refused with a code, soon, with nothing asked of a network.

The cases are those of the corpus that was measured to work against GDAL as it comes: files of other
formats under a harmless name, archives, XML, numbers that are none, and geometry that steals tonnes.
"""

import io
import json
import math
import socket
import sqlite3
import stat
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gis_data import check, vectors
from gis_data.vectors import FileRefused
from tests import cpu

CPU_SECONDS_MAX = 10.0
SQUARE = [[119.60, 30.63], [119.61, 30.63], [119.61, 30.64], [119.60, 30.64], [119.60, 30.63]]


class Listener:
    """A server that counts who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = self._socket.getsockname()[1]
        self._open = True
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while self._open:
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            self.calls += 1
            connection.close()

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


@pytest.fixture(scope="module", autouse=True)
def nobody_called(listener: Listener) -> Iterator[None]:
    yield
    assert listener.calls == 0, "a file made the reader open a connection"


def refusal_of(path: Path) -> str:
    """Return the code with which the file or its only row is refused, after looking at what it cost."""
    before_s = cpu.spent_s()
    try:
        report = check.check_rows(vectors.read(path), sink_type="bamboo")
    except FileRefused as refused:
        assert refused.message and "Traceback" not in refused.message
        return refused.code
    finally:
        assert cpu.spent_s() - before_s < CPU_SECONDS_MAX
    assert report.rows == len(report.accepted) + len(report.refused)
    assert not report.accepted, "the hostile row was taken"
    return report.refused[0].code


def collection(*coordinates: Any, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    features = [
        {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": c}}
        for c in coordinates
    ]
    return {"type": "FeatureCollection", "features": features}


def put(folder: Path, name: str, content: str | bytes | dict[str, Any]) -> Path:
    path = folder / name
    if isinstance(content, dict):
        content = json.dumps(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


TEXTS = {
    # descriptions that make GDAL read another file or ask a server
    ("vrt.tif", "unknown_format"): '<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>',
    (
        "ogrvrt_curl.geojson",
        "unknown_format",
    ): "<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>"
    "/vsicurl/http://127.0.0.1:{port}/x.geojson</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
    (
        "wfs.kml",
        "unknown_format",
    ): "<OGRWFSDataSource><URL>http://127.0.0.1:{port}/</URL></OGRWFSDataSource>",
    (
        "wms.geojson",
        "unknown_format",
    ): "<GDAL_WMS><Service><ServerUrl>http://127.0.0.1:{port}/</ServerUrl></Service></GDAL_WMS>",
    (
        "gml_xlink.json",
        "unknown_format",
    ): "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml' "
    "xmlns:xlink='http://www.w3.org/1999/xlink'><gml:f xlink:href='http://127.0.0.1:{port}/'/></gml:FeatureCollection>",
    ("url.geojson", "unknown_format"): "http://127.0.0.1:{port}/a.geojson",
    ("esri.geojson", "unknown_format"): '{{"geometryType":"esriGeometryPolygon","features":[]}}',
    ("topo.json", "unknown_format"): '{{"type":"Topology","objects":{{}},"arcs":[]}}',
    ("pdf.geojson", "unknown_format"): "%PDF-1.7\nPK",
    ("html.kml", "unknown_format"): "<html><body>x</body></html>",
    # XML
    (
        "laughs.kml",
        "xml_forbidden",
    ): '<!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">'
    "]><kml><Document><name>&b;</name></Document></kml>",
    ("xxe.kml", "xml_forbidden"): '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>'
    "<Placemark><name>&x;</name></Placemark></kml>",
    ("link.kml", "kml_link"): "<kml><NetworkLink><Link><href>http://127.0.0.1:{port}/</href></Link>"
    "</NetworkLink></kml>",
    ("overlay.kml", "kml_link"): "<kml><GroundOverlay><Icon><href>file:///etc/passwd</href></Icon>"
    "</GroundOverlay></kml>",
    ("utf7.kml", "broken"): '<?xml version="1.0" encoding="utf-7"?><kml></kml>',
    ("cut.kml", "broken"): "<kml><Placemark>",
    # JSON
    ("trailing.geojson", "broken"): '{{"type":"FeatureCollection","features":[],}}',
    (
        "lines.geojson",
        "broken",
    ): '{{"type":"FeatureCollection","features":[]}}\n{{"type":"Feature"}}',
    (
        "dupkeys.geojson",
        "broken",
    ): '{{"type":"Feature","properties":{{"area":1,"area":999999}},"geometry":null}}',
    ("nan.geojson", "broken"): '{{"type":"Polygon","coordinates":[[[NaN,0],[1,0],[1,1],[NaN,0]]]}}',
    (
        "inf.geojson",
        "not_finite",
    ): '{{"type":"Polygon","coordinates":[[[1e400,0],[1,0],[1,1],[1e400,0]]]}}',
    (
        "infinity.geojson",
        "broken",
    ): '{{"type":"Polygon","coordinates":[[[-Infinity,0],[1,0],[1,1]]]}}',
    (
        "crs_link.geojson",
        "crs_refused",
    ): '{{"type":"FeatureCollection","features":[],"crs":{{"type":"link",'
    '"properties":{{"href":"http://127.0.0.1:{port}/crs"}}}}}}',
    (
        "crs_proj.geojson",
        "crs_unknown",
    ): '{{"type":"FeatureCollection","features":[],"crs":{{"type":"name",'
    '"properties":{{"name":"+init=/etc/passwd"}}}}}}',
}


@pytest.mark.parametrize(("name", "code"), TEXTS)
def test_a_text_that_is_not_what_it_is_called_is_refused(
    name: str, code: str, tmp_path: Path, listener: Listener
) -> None:
    text = TEXTS[name, code].format(port=listener.port)
    assert refusal_of(put(tmp_path, name, text)) == code


OUTLINES: dict[str, tuple[str, Any]] = {
    "unclosed": ("invalid", [SQUARE[:-1]]),
    "bowtie": ("invalid", [[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]]),
    "wound_twice": ("invalid", [SQUARE[:-1] + SQUARE]),
    "hole_outside": ("invalid", [SQUARE, [[x + 1, y] for x, y in SQUARE]]),
    "hole_is_shell": ("invalid", [SQUARE, SQUARE]),
    "two_points": ("invalid", [[SQUARE[0], SQUARE[1]]]),
    "line": ("invalid", [[SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[0]]]),
    "text": ("invalid", [[["119.6", "30.6"]] * 4]),
    "booleans": ("invalid", [[[True, False]] * 4]),
    "four_numbers": ("invalid", [[[*p, 0, 0] for p in SQUARE]]),
    "flat": ("invalid", SQUARE),
    "not_a_list": ("invalid", [7]),
    "empty": ("empty", []),
    "swapped": ("out_of_range", [[[y, x] for x, y in SQUARE]]),
    "metres": ("out_of_range", [[[x * 4000, y * 1e5] for x, y in SQUARE]]),
    "date_line": ("out_of_range", [[[179.9, 0], [-179.9, 0], [-179.9, 0.1], [179.9, 0.1], [179.9, 0]]]),
    "elsewhere": ("outside_districts", [[[x - 60, y] for x, y in SQUARE]]),
    "huge_number": ("not_finite", [[[10**400, 0], [1, 0], [1, 1], [10**400, 0]]]),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTLINES)
def test_an_outline_that_would_steal_tonnes_is_refused_and_not_repaired(
    name: str, tmp_path: Path
) -> None:
    code, coordinates = OUTLINES[name]
    assert refusal_of(put(tmp_path, f"{name}.geojson", collection(coordinates))) == code


def test_other_geometries_are_rows_of_their_own_and_refused(tmp_path: Path) -> None:
    document = collection([SQUARE])
    document["features"] += [
        {"type": "Feature", "properties": {}, "geometry": None},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}},
        {"type": "Feature", "properties": {}},
        {"type": "Feature", "properties": {"n": "a\0b"}, "geometry": None},
        {"type": "Feature", "properties": {"n": "\ud800"}, "geometry": None},
        17,
    ]
    report = check.check_rows(
        vectors.read(put(tmp_path, "mixed.geojson", document)), sink_type="tea"
    )
    assert [row.row for row in report.accepted] == [0]
    assert [(row.row, row.code) for row in report.refused] == [
        (1, "empty"),
        (2, "not_an_area"),
        (3, "invalid"),
        (4, "bad_text"),
        (5, "bad_text"),
        (6, "invalid"),
    ]


def test_json_that_is_nothing_but_brackets_is_refused(tmp_path: Path) -> None:
    assert refusal_of(put(tmp_path, "deep.geojson", "[" * 200_000)) == "broken"
    nested = '{"type":"GeometryCollection","geometries":[' * 5000 + "]}" * 5000
    assert refusal_of(put(tmp_path, "deepgc.geojson", nested)) == "broken"


def test_a_parcel_of_a_million_corners_is_refused(tmp_path: Path) -> None:
    ring = [[119.6 + i * 1e-9, 30.6] for i in range(600_000)]
    path = put(tmp_path, "corners.geojson", collection([[*ring, ring[0]]]))
    assert refusal_of(path) == "too_large"


def test_more_rows_than_the_limit_refuse_the_file(tmp_path: Path) -> None:
    path = put(tmp_path, "rows.geojson", collection(*[[SQUARE]] * 11))
    assert len(vectors.read(path, row_limit=11).rows) == 11
    with pytest.raises(FileRefused) as refused:
        vectors.read(path, row_limit=10)
    assert refused.value.code == "too_large"


@pytest.mark.parametrize(
    "name",
    [
        "MEM:::DATAPOINTER=1234,PIXELS=1",
        "/vsicurl/http://127.0.0.1/x.geojson",
        "/vsizip//etc/x.zip",
        "PG:dbname=postgres",
        "CSV:/etc/passwd",
        "../../x.shp",
        "a\0b.geojson",
        "x" * 300,
        "-rf",
        "",
    ],
)
def test_a_name_is_never_anything_but_the_name_of_a_file(name: str) -> None:
    with pytest.raises(FileRefused) as refused:
        vectors.read(name)
    assert refused.value.code in ("not_found", "not_a_file")


def test_devices_and_folders_are_not_read(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(FileRefused) as refused:
            vectors.read(path)
        assert refused.value.code == "not_a_file"


# Archives


def zipped(
    *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


SQUARE_WITH_HOLE = shapely.Polygon(SQUARE, [shapely.box(119.602, 30.632, 119.604, 30.634).exterior])


def shapefile_parts(folder: Path, outline: Any = None) -> dict[str, bytes]:
    outline = outline or shapely.Polygon(SQUARE)
    frame = gpd.GeoDataFrame({"name": ["a"]}, geometry=[outline], crs=4490)
    frame.to_file(folder / "parcels.shp", engine="pyogrio")
    return {path.suffix[1:]: path.read_bytes() for path in folder.glob("parcels.*")}


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


ARCHIVES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "bomb": ("zip_bomb", lambda: zipped(("a.shp", b"\0" * (200 * 2**20)))),
    "slip": ("zip_path", lambda: zipped(("../../etc/a.shp", b"x"))),
    "absolute": ("zip_path", lambda: zipped(("/etc/a.shp", b"x"))),
    "backslash": ("zip_path", lambda: zipped(("..\\a.shp", b"x"))),
    "folder": ("zip_path", lambda: zipped(("parcels/a.shp", b"x"))),
    "link": ("zip_link", lambda: zipped((link("a.shp"), b"/etc/passwd"))),
    "nested": ("zip_extension", lambda: zipped(("b.zip", zipped(("a.shp", b"x"))))),
    "nested_renamed": ("zip_nested", lambda: zipped(("b.gpkg", zipped(("a.shp", b"x"))))),
    "vrt": ("zip_extension", lambda: zipped(("a.vrt", b"<OGRVRTDataSource/>"))),
    "entries": ("zip_entries", lambda: zipped(*[(f"{i}.txt", b"") for i in range(201)])),
    "nothing": ("no_layer", lambda: zipped(("readme.txt", b"x"))),
    "two_docs": ("several_layers", lambda: zipped(("a.kml", b"<kml/>"), ("b.kml", b"<kml/>"))),
    "alone": ("shapefile_part_missing", lambda: zipped(("a.shp", b"\x00\x00\x27\x0a" + b"\0" * 96))),
    "cut": ("zip_broken", lambda: zipped(("a.shp", b"x" * 1000))[:60]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_made_to_harm_is_refused(name: str, tmp_path: Path) -> None:
    code, make = ARCHIVES[name]
    assert refusal_of(put(tmp_path, f"{name}.zip", make())) == code
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    content = zipped(("doc.kml", b"<kml/>"), ("doc.kml", b"<kml><Placemark/></kml>"))
    assert refusal_of(put(tmp_path, "twice.kmz", content)) == "zip_duplicate"


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(("a.shp", b"x")))
    content[6] |= 1  # in the local header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # in the directory
    assert refusal_of(put(tmp_path, "locked.zip", bytes(content))) == "zip_encrypted"


def test_two_shapefiles_in_one_archive_are_a_question_of_which(tmp_path: Path) -> None:
    parts = shapefile_parts(tmp_path)
    both = [(f"{stem}.{part}", data) for stem in ("a", "b") for part, data in parts.items()]
    path = put(tmp_path, "two.zip", zipped(*both))
    assert refusal_of(path) == "several_layers"
    assert len(vectors.read(path, layer="b").rows) == 1


# Shapefiles


def test_a_shapefile_that_lies_about_its_rings_is_refused(tmp_path: Path) -> None:
    parts = shapefile_parts(tmp_path)
    shp = bytearray(parts["shp"])
    struct.pack_into("<i", shp, 100 + 8 + 36, 2**31 - 1)
    (tmp_path / "parcels.shp").write_bytes(bytes(shp))
    assert refusal_of(tmp_path / "parcels.shp") == "broken"


def test_a_shapefile_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    parts = shapefile_parts(tmp_path)
    for part in ("shp", "shx", "dbf"):
        (tmp_path / f"parcels.{part}").write_bytes(parts[part][:-20])
        assert refusal_of(tmp_path / "parcels.shp") == "broken"
        (tmp_path / f"parcels.{part}").write_bytes(parts[part])


def test_a_shapefile_without_its_table_is_refused(tmp_path: Path) -> None:
    shapefile_parts(tmp_path)
    for part in ("dbf", "shx"):
        content = (tmp_path / f"parcels.{part}").read_bytes()
        (tmp_path / f"parcels.{part}").unlink()
        assert refusal_of(tmp_path / "parcels.shp") == "shapefile_part_missing"
        (tmp_path / f"parcels.{part}").write_bytes(content)


def test_a_hole_outside_its_shell_does_not_become_land(tmp_path: Path) -> None:
    """GDAL makes two polygons of these rings. Which of them is land would be a guess."""
    shapefile_parts(tmp_path)
    frame = gpd.GeoDataFrame(
        {"n": [1]},
        geometry=[
            shapely.MultiPolygon(
                [shapely.Polygon(SQUARE), shapely.box(119.7, 30.63, 119.71, 30.64)]
            )
        ],
        crs=4490,
    )
    frame.to_file(tmp_path / "parcels.shp", engine="pyogrio")
    shp = bytearray((tmp_path / "parcels.shp").read_bytes())
    points = 108 + 44 + 8
    ring = [shp[points + 16 * i : points + 16 * (i + 1)] for i in range(5, 10)]
    for i, point in enumerate(reversed(ring), start=5):
        shp[points + 16 * i : points + 16 * (i + 1)] = point
    (tmp_path / "parcels.shp").write_bytes(bytes(shp))
    assert refusal_of(tmp_path / "parcels.shp") == "invalid"


@pytest.mark.parametrize("ring", ["shell", "hole"])
@pytest.mark.parametrize(
    ("number", "code"), [(119.6051, "invalid"), (math.nan, "not_finite"), (math.inf, "not_finite")]
)
def test_an_unclosed_ring_of_a_shapefile_is_refused_and_never_left_out(
    ring: str, number: float, code: str, tmp_path: Path
) -> None:
    """GDAL 3.12 dies of an unclosed hole where it is told not to accept one."""
    shapefile_parts(tmp_path, SQUARE_WITH_HOLE)
    shp = bytearray((tmp_path / "parcels.shp").read_bytes())
    struct.pack_into("<d", shp, 108 + 44 + 8 + 16 * {"shell": 4, "hole": 9}[ring], number)
    (tmp_path / "parcels.shp").write_bytes(bytes(shp))
    assert refusal_of(tmp_path / "parcels.shp") == code


@pytest.mark.parametrize("vertex", [1, 6])
def test_a_corner_that_is_no_number_refuses_the_row_whichever_ring_it_is_in(
    vertex: int, tmp_path: Path
) -> None:
    shapefile_parts(tmp_path, SQUARE_WITH_HOLE)
    shp = bytearray((tmp_path / "parcels.shp").read_bytes())
    struct.pack_into("<d", shp, 108 + 44 + 8 + 16 * vertex, math.nan)
    (tmp_path / "parcels.shp").write_bytes(bytes(shp))
    assert refusal_of(tmp_path / "parcels.shp") == "not_finite"


def test_a_height_that_is_no_number_refuses_the_row(tmp_path: Path) -> None:
    shapefile_parts(tmp_path, shapely.force_3d(shapely.Polygon(SQUARE), 12.0))
    shp = (tmp_path / "parcels.shp").read_bytes()
    assert len(vectors.read(tmp_path / "parcels.shp").rows) == 1
    at = shp.rindex(struct.pack("<5d", *[12.0] * 5))
    broken = shp[:at] + struct.pack("<d", math.nan) + shp[at + 8 :]
    (tmp_path / "parcels.shp").write_bytes(broken)
    assert refusal_of(tmp_path / "parcels.shp") == "not_finite"


def test_a_row_deleted_in_the_table_alone_is_not_left_out_in_silence(tmp_path: Path) -> None:
    parts = shapefile_parts(tmp_path)
    dbf = bytearray(parts["dbf"])
    dbf[struct.unpack_from("<H", dbf, 8)[0]] = ord("*")
    (tmp_path / "parcels.dbf").write_bytes(bytes(dbf))
    assert refusal_of(tmp_path / "parcels.shp") == "deleted"


# GeoPackages


def geopackage(folder: Path) -> tuple[Path, sqlite3.Connection]:
    path = folder / "parcels.gpkg"
    frame = gpd.GeoDataFrame({"name": ["甲"]}, geometry=[shapely.Polygon(SQUARE)], crs=4490)
    frame.to_file(path, layer="parcels", engine="pyogrio")
    return path, sqlite3.connect(path)


def test_a_layer_that_is_an_endless_view_is_refused(tmp_path: Path) -> None:
    path, database = geopackage(tmp_path)
    with database:
        database.execute("ALTER TABLE parcels RENAME TO hidden")
        database.execute(
            "CREATE VIEW parcels AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
            "SELECT i AS fid, geom, name FROM n, hidden"
        )
        database.execute("UPDATE gpkg_contents SET table_name = 'parcels'")
        database.execute("UPDATE gpkg_geometry_columns SET table_name = 'parcels'")
    database.close()
    assert refusal_of(path) == "gpkg_not_a_table"


@pytest.mark.parametrize("name", ["gpkg_extensions", "gpkg_metadata", "rtree_parcels_geom"])
def test_an_endless_view_in_place_of_a_table_that_gdal_looks_at_is_refused(
    name: str, tmp_path: Path
) -> None:
    path, database = geopackage(tmp_path)
    with database:
        database.execute(f"DROP TABLE IF EXISTS {name}")
        database.execute(
            f"CREATE VIEW {name} AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
            "SELECT i AS table_name, i AS column_name, i AS extension_name FROM n"
        )
    database.close()
    assert refusal_of(path) == "gpkg_not_a_table"


@pytest.mark.parametrize("cut", ["unclosed", "cut", "not_a_geometry"])
def test_a_geometry_that_is_not_whole_refuses_its_row(cut: str, tmp_path: Path) -> None:
    path, database = geopackage(tmp_path)
    (blob,) = database.execute("SELECT geom FROM parcels").fetchone()
    made = {"unclosed": blob[:-16] + blob[-32:-16], "cut": blob[:-20], "not_a_geometry": b"GP"}
    with database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'parcels'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE parcels SET geom = ?", (made[cut],))
    database.close()
    assert refusal_of(path) == ("invalid" if cut == "unclosed" else "broken")


def test_a_trigger_of_its_own_refuses_a_geopackage(tmp_path: Path) -> None:
    path, database = geopackage(tmp_path)
    with database:
        database.execute("CREATE TRIGGER mine AFTER INSERT ON parcels BEGIN SELECT 1; END")
    database.close()
    assert refusal_of(path) == "gpkg_trigger"


def test_a_computed_column_refuses_a_geopackage(tmp_path: Path) -> None:
    path, database = geopackage(tmp_path)
    with database:
        database.execute("ALTER TABLE parcels ADD COLUMN bomb AS (hex(zeroblob(400000000)))")
    database.close()
    assert refusal_of(path) == "gpkg_not_a_table"


def test_a_geometry_that_names_another_system_is_refused(tmp_path: Path) -> None:
    path, database = geopackage(tmp_path)
    with database:
        for trigger in ("rtree_parcels_geom_update6", "rtree_parcels_geom_update7"):
            database.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'parcels'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        blob = bytearray(database.execute("SELECT geom FROM parcels").fetchone()[0])
        blob[4:8] = struct.pack("<i" if blob[3] & 1 else ">i", 4214)
        database.execute("UPDATE parcels SET geom = ?", (bytes(blob),))
    database.close()
    assert refusal_of(path) == "crs_mismatch"


def test_sqlite_that_is_no_geopackage_and_one_cut_off_are_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain.gpkg"
    with sqlite3.connect(plain) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    assert refusal_of(plain) == "unknown_format"
    path, database = geopackage(tmp_path)
    database.close()
    path.write_bytes(path.read_bytes()[:8192])
    assert refusal_of(path) in ("broken", "gpkg_not_a_table")


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert (
        refusal_of(put(tmp_path, "bowtie.geojson", collection(OUTLINES["bowtie"][1]))) == "invalid"
    )
    assert refusal_of(put(tmp_path, "bomb.zip", ARCHIVES["bomb"][1]())) == "zip_bomb"
    assert list(scratch.iterdir()) == []


def test_a_reader_that_never_ends_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "WALL_SECONDS", 0.01)
    with pytest.raises(FileRefused) as refused:
        vectors.read(put(tmp_path, "a.geojson", collection([SQUARE])))
    assert refused.value.code == "too_slow"

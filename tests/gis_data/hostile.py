"""The corpus of files made to mislead a reader, each built by code.

Numbers are those of the project's open list; a number with a letter is a sibling of the same kind, for
the formats that were added since. ``taken`` stands for the documented answer where that is no refusal.
"""

import io
import json
import math
import sqlite3
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pyarrow
import pyarrow.parquet
import shapely

TAKEN = "taken"
SQUARE = [[119.60, 30.63], [119.61, 30.63], [119.61, 30.64], [119.60, 30.64], [119.60, 30.63]]
WKT = "POLYGON ((" + ", ".join(f"{x} {y}" for x, y in SQUARE) + "))"
Make = Callable[[Path, str], Path | str]


@dataclass(frozen=True, slots=True)
class Item:
    """One hostile file. ``make`` writes it into a folder, given the address of a listener."""

    number: str
    name: str
    codes: frozenset[str]
    make: Make


ITEMS: list[Item] = []


def item(number: str, codes: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        ITEMS.append(Item(number, make.__name__, frozenset(codes.split()), make))
        return make

    return add


def text(number: str, name: str, codes: str, content: str | bytes) -> None:
    """Add a file of this text; {url} in it is the address of the listener."""

    def make(folder: Path, url: str) -> Path:
        data = content.replace("{url}", url).encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
        return folder / name

    ITEMS.append(Item(number, name, frozenset(codes.split()), make))


def put(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def geojson(*coordinates: Any, kind: str = "Polygon", **more: Any) -> bytes:
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": one}}
        for one in coordinates
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


def shapefile(
    folder: Path, outline: Any = None, crs: Any = 4490, **columns: Any
) -> dict[str, bytes]:
    """Return the parts of a shapefile, written into the folder as a.shp and its fellows."""
    frame = gpd.GeoDataFrame(
        columns or {"name": ["a"]}, geometry=[outline or shapely.Polygon(SQUARE)], crs=crs
    )
    frame.to_file(folder / "a.shp", engine="pyogrio")
    return {path.suffix[1:]: path.read_bytes() for path in folder.glob("a.*")}


def geopackage(folder: Path, *statements: str, outline: Any = None) -> Path:
    """Return a GeoPackage of one row, after these statements, its triggers gone."""
    path = folder / "a.gpkg"
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=[outline or shapely.Polygon(SQUARE)], crs=4490)
    frame.to_file(path, layer="a", engine="pyogrio")
    with sqlite3.connect(path) as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'a'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            database.execute(statement)
    database.close()
    return path


# 1-18 Wrappers and names

VRT = "<VRTDataset rasterXSize='64' rasterYSize='1'><VRTRasterBand dataType='Byte' band='1' subClass='{k}'>{s}</VRTRasterBand></VRTDataset>"
text("1", "vrt_raw_passwd.tif", "unknown_format", VRT.format(k="VRTRawRasterBand", s="<SourceFilename>/etc/passwd</SourceFilename>"))  # fmt: skip
text("2", "vrt_vsicurl.tif", "unknown_format", VRT.format(k="", s="<SourceFilename>/vsicurl/{{url}}</SourceFilename>").replace("{{url}}", "{url}"))  # fmt: skip
text("3", "wms.tif", "unknown_format", "<GDAL_WMS><Service><ServerUrl>{url}</ServerUrl></Service></GDAL_WMS>")  # fmt: skip
text("4", "stacta.json", "unknown_format broken", '{"stac_version":"1.0.0","type":"Feature","geometry":null,"assets":{"a":{"href":"{url}"}}}'.replace('"type":"Feature"', '"type":"Item"'))  # fmt: skip
text("6", "ogrvrt_curl.geojson", "unknown_format", "<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/vsicurl/{url}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>")  # fmt: skip
text("9", "wfs.kml", "unknown_format", "<OGRWFSDataSource><URL>{url}</URL></OGRWFSDataSource>")
text(
    "9a", "oapif.geojson", "unknown_format", '{"links":[{"rel":"data","href":"{url}"}],"title":"x"}'
)
text("9b", "gml_xlink.gml", "unknown_format", "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml' xmlns:xlink='http://www.w3.org/1999/xlink'><gml:f xlink:href='{url}'/></gml:FeatureCollection>")  # fmt: skip
text("10", "vrt_derived_python.tif", "unknown_format", VRT.format(k="VRTDerivedRasterBand", s="<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode>import os; os.system('touch /tmp/pwned')</PixelFunctionCode>"))  # fmt: skip
text("14", "geojson_is_url.geojson", "unknown_format", "{url}a.geojson")
text("14a", "csv_is_url.csv", "no_outlines", "{url},{url}\n")
text("14b", "connection.csv", "no_outlines", "PG:dbname=postgres,host={url}\n")
text("15", "esrijson.geojson", "unknown_format", '{"geometryType":"esriGeometryPolygon","features":[{"geometry":{"rings":[[[1,2]]]}}]}')  # fmt: skip
text("15a", "topo.json", "unknown_format", '{"type":"Topology","objects":{},"arcs":[]}')
text("18a", "pdf_zip.zip", "unknown_format", b"%PDF-1.7\n" + zipped(("a.geojson", b"{}")))
text(
    "18h", "gb_lies.kml", "encoding", b'<?xml version="1.0" encoding="GB2312"?><kml>\xff\xff</kml>'
)
text(
    "18i",
    "gb_dtd.kml",
    "xml_forbidden",
    '<?xml version="1.0" encoding="gbk"?><!DOCTYPE kml SYSTEM "{url}"><kml/>',
)
text("18b", "tiff_zip.zip", "unknown_format", b"II*\0" + zipped(("a.geojson", b"{}")))
text("18c", "gif_html.geojson", "unknown_format", b"GIF89a<html><script>alert(1)</script>")
text("18d", "png_csv.csv", "unknown_format", b"\x89PNG\r\n\x1a\nn,wkt\n1,2\n")
text("18e", "ole.xlsx", "unknown_format", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
text("18f", "zip_behind_csv.csv", "unknown_format no_outlines", b"n,wkt\n" + zipped(("a.geojson", b"{}")))  # fmt: skip
text("18g", "html.csv", "unknown_format", "<html><body><table><tr><td>wkt</td></tr></table></body></html>")  # fmt: skip

for number, odd in enumerate(
    ["MEM:::DATAPOINTER=1234,PIXELS=1", "/vsicurl/{url}", "/vsizip//etc/x.zip", "PG:dbname=postgres",
     "CSV:/etc/passwd", "GPKG:/etc/passwd:x", "../../x.shp", "a\0b.geojson", "x" * 300, "-rf", "CON.shp",
     "\u202efdp.shp", "", "/dev/zero", "/proc/self/mem"]
):  # fmt: skip
    ITEMS.append(
        Item("12" if not number else "13", f"name_{number}", frozenset({"not_found", "not_a_file", "broken"}),
             lambda folder, url, odd=odd: odd.replace("{url}", url))  # type: ignore[misc]
    )  # fmt: skip


# 8, 19-31 Archives


@item("8", "zip_extension")
def vrt_in_a_zip(folder: Path, url: str) -> Path:
    vrt = b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    return put(folder, "a.zip", zipped(("a.vrt", vrt)))


@item("8a", "unknown_format")
def vrt_in_a_zip_under_another_name(folder: Path, url: str) -> Path:
    return put(
        folder, "a.zip", zipped(("a.json", f"<OGRVRTDataSource>{url}</OGRVRTDataSource>".encode()))
    )


@item("19", "zip_bomb")
def zip_bomb(folder: Path, url: str) -> Path:
    path = folder / "a.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.shp", "w", force_zip64=True) as stream,
    ):
        for _ in range(512):
            stream.write(bytes(2**20))
    return path


@item("19a", "zip_bomb zip_broken")
def zip_bomb_that_lies_about_its_size(folder: Path, url: str) -> Path:
    data = bytearray(zipped(("a.shp", b"\0" * (300 * 2**20))))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 100)
    return put(folder, "a.zip", bytes(data))


@item("19b", "zip_bomb zip_broken")
def zip_whose_entries_share_their_bytes(folder: Path, url: str) -> Path:
    """Two hundred entries of the directory over one packed megabyte."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = b"x" * (8 * 2**20)
    body = packed.compress(content) + packed.flush()
    crc = zlib.crc32(content)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(body), len(content), 5, 0) + b"a.shp" + body  # fmt: skip
    entries = b"".join(
        struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, len(body), len(content),
                    len(name), 0, 0, 0, 0, 0, 0) + name
        for name in (f"{n:03d}.shp".encode() for n in range(200))
    )  # fmt: skip
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 200, 200, len(entries), len(local), 0)
    return put(folder, "a.zip", local + entries + end)


@item("20", "zip_extension")
def zip_in_zip_in_zip(folder: Path, url: str) -> Path:
    data = zipped(("a.shp", b"x"))
    for _ in range(5):
        data = zipped(("b.zip", data))
    return put(folder, "a.zip", data)


@item("20a", "zip_nested")
def zip_under_another_name_in_a_zip(folder: Path, url: str) -> Path:
    return put(folder, "a.zip", zipped(("b.gpkg", zipped(("a.shp", b"x")))))


for name in (
    "../../etc/a.shp",
    "/etc/a.shp",
    "..\\a.shp",
    "C:a.shp",
    "parcels/a.shp",
    "a/../../b.shp",
):
    ITEMS.append(
        Item("22", f"zip_slip {name}", frozenset({"zip_path"}),
             lambda folder, url, name=name: put(folder, "a.zip", zipped((name, b"x"))))  # type: ignore[misc]
    )  # fmt: skip


@item("23", "zip_link")
def zip_link(folder: Path, url: str) -> Path:
    info = zipfile.ZipInfo("a.shp")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return put(folder, "a.zip", zipped((info, b"/etc/passwd")))


@item("24", "zip_duplicate")
def zip_of_one_name_twice(folder: Path, url: str) -> Path:
    return put(folder, "a.zip", zipped(("a.json", b"{}"), ("A.JSON", b"[]")))


@item("26", "zip_encrypted")
def zip_with_a_password(folder: Path, url: str) -> Path:
    data = bytearray(zipped(("a.shp", b"x")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return put(folder, "a.zip", bytes(data))


def renamed(data: bytes, before: bytes, after: bytes, *, utf8: bool) -> bytes:
    """Return the archive with a name changed in place and its flag for UTF-8 set or not."""
    data = bytearray(data.replace(before, after))
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags + 1] = 8 if utf8 else 0
            at = data.find(mark, at + 4)
    return bytes(data)


@item("27", TAKEN)
def zip_with_names_in_gbk(folder: Path, url: str) -> Path:
    parts = shapefile(folder)
    data = zipped(*((f"xxxx.{end}", content) for end, content in parts.items()))
    return put(folder, "a.zip", renamed(data, b"xxxx.", "竹林".encode("gbk") + b".", utf8=False))


@item("27a", "zip_broken")
def zip_whose_name_is_not_the_utf8_it_says(folder: Path, url: str) -> Path:
    data = zipped(("xxxx.json", geojson([SQUARE])))
    return put(folder, "a.zip", renamed(data, b"xxxx.", b"\xd6\xf1\xff\xfe.", utf8=True))


@item("29", "several_layers")
def two_shapefiles_in_a_zip(folder: Path, url: str) -> Path:
    parts = shapefile(folder)
    return put(folder, "z.zip", zipped(*((f"{n}.{e}", c) for n in "ab" for e, c in parts.items())))


for missing in ("shx", "dbf"):

    @item("30", "shapefile_part_missing")
    def shapefile_without_a_part(folder: Path, url: str, missing: str = missing) -> Path:
        shapefile(folder)
        (folder / f"a.{missing}").unlink()
        return folder / "a.shp"


@item("31", TAKEN)
def endings_in_both_cases(folder: Path, url: str) -> Path:
    parts = shapefile(folder)
    ends = {"shp": "SHP", "dbf": "Dbf"}
    return put(folder, "z.zip", zipped(*((f"a.{ends.get(e, e)}", c) for e, c in parts.items())))


# 32-40 XML

LAUGHS = '<!DOCTYPE {root} [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE {root} [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
for root in ("kml", "gpx"):
    inner = {
        "kml": "<Placemark><name>{0}</name></Placemark>",
        "gpx": "<trk><name>{0}</name></trk>",
    }[root]
    for number, start, entity in (("32", LAUGHS, "&b;"), ("33", XXE, "&x;")):
        made = (
            start.replace("{root}", root)
            + f"<{root}>"
            + inner.replace("{0}", entity)
            + f"</{root}>"
        )
        text(number, f"{number}.{root}", "xml_forbidden", made)
    text("33a", f"parameter_entity.{root}", "xml_forbidden", f'<!DOCTYPE {root} [<!ENTITY % p SYSTEM "{{url}}"> %p;]><{root}/>')  # fmt: skip
    text("33b", f"dtd.{root}", "xml_forbidden", f'<!DOCTYPE {root} SYSTEM "{{url}}"><{root}/>')
    text("40", f"utf7.{root}", "broken", f'<?xml version="1.0" encoding="utf-7"?><{root}></{root}>')
    text("40a", f"deep.{root}", "broken", f"<{root}>" + "<x>" * 100_000)
    text("40b", f"utf16_laughs.{root}", "xml_forbidden", f'<!DOCTYPE {root} [<!ENTITY a "a">]><{root}/>'.encode("utf-16"))  # fmt: skip
text("35", "kml_networklink.kml", "kml_link", "<kml><NetworkLink><Link><href>{url}</href></Link></NetworkLink></kml>")  # fmt: skip
text("39", "overlay.kml", "kml_link", "<kml><GroundOverlay><Icon><href>file:///etc/passwd</href></Icon></GroundOverlay></kml>")  # fmt: skip
text("39a", "gx_track.kml", "not_an_area", "<kml xmlns:gx='http://x'><Placemark><gx:Track><gx:coord>1 2 3</gx:coord></gx:Track></Placemark></kml>")  # fmt: skip
text("37", "kml_script.kml", TAKEN, "<kml><Placemark><description><![CDATA[<script>alert(1)</script>]]></description><Polygon><outerBoundaryIs><LinearRing><coordinates>" + " ".join(f"{x},{y}" for x, y in SQUARE) + "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></kml>")  # fmt: skip


@item("38", "several_layers")
def kmz_of_two_documents(folder: Path, url: str) -> Path:
    return put(folder, "a.kmz", zipped(("doc.kml", b"<kml/>"), ("other.kml", b"<kml/>")))


@item("38a", "zip_duplicate")
def kmz_of_one_document_twice(folder: Path, url: str) -> Path:
    return put(folder, "a.kmz", zipped(("doc.kml", b"<kml/>"), ("DOC.kml", b"<kml/>")))


# 42-54 GeoJSON and numbers

RING = json.dumps(SQUARE)
text("42", "deep.geojson", "broken", "[" * 200_000)
text("42a", "deep_properties.geojson", "broken", '{"type":"Feature","geometry":null,"properties":' + '{"a":' * 5000 + "1" + "}" * 5001)  # fmt: skip
text("43", "deepgc.geojson", "broken", '{"type":"GeometryCollection","geometries":[' * 5000 + "]}" * 5000)  # fmt: skip
text("44", "inf.geojson", "not_finite", '{"type":"Polygon","coordinates":[[[1e400,0],[1,0],[1,1],[1e400,0]]]}')  # fmt: skip
text("44a", "huge_integer.geojson", "broken not_finite", '{"type":"Polygon","coordinates":[[[1' + "0" * 5000 + ',0],[1,0],[1,1]]]}')  # fmt: skip
text(
    "45",
    "nan.geojson",
    "broken",
    '{"type":"Polygon","coordinates":[[[NaN,0],[1,0],[1,1],[NaN,0]]]}',
)
text(
    "45a",
    "nan_property.geojson",
    "broken",
    '{"type":"Feature","properties":{"a":NaN},"geometry":null}',
)
text("46", "unclosed.geojson", "invalid", geojson([SQUARE[:-1]]))
text("47", "dupkeys.geojson", "broken", '{"type":"Feature","properties":{"area":1,"area":999999},"geometry":null}')  # fmt: skip
text("47a", "dup_features.geojson", "broken", '{"type":"FeatureCollection","features":[],"features":[{}]}')  # fmt: skip
text("48", "bom.geojson", TAKEN, b"\xef\xbb\xbf" + geojson([SQUARE]))
text("48a", "trailing_comma.geojson", "broken", '{"type":"FeatureCollection","features":[],}')
text("48b", "trailing_comma_inside.geojson", "broken", '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":null},]}')  # fmt: skip
text("48c", "ndjson.geojson", "broken", '{"type":"Feature"}\n{"type":"Feature"}\n')
text("48d", "concatenated.geojson", "broken", geojson([SQUARE]) * 2)
text("48e", "record_separators.geojson", "unknown_format broken", b'\x1e{"type":"Feature","properties":null,"geometry":null}\n')  # fmt: skip
text("48f", "cut.geojson", "broken", geojson([SQUARE])[:-30])
text("48g", "comment.geojson", "broken unknown_format no_outlines", b"// land, of ours\n" + geojson([SQUARE]))  # fmt: skip
text("49", "degrees_that_are_metres.geojson", "out_of_range", geojson([[[x * 4000, y * 1e5] for x, y in SQUARE]], crs={"type": "name", "properties": {"name": "EPSG:4326"}}))  # fmt: skip
text("49a", "crs_link.geojson", "crs_refused", '{"type":"FeatureCollection","features":[],"crs":{"type":"link","properties":{"href":"{url}"}}}')  # fmt: skip
text("49b", "crs_init.geojson", "crs_unknown", '{"type":"FeatureCollection","features":[],"crs":{"type":"name","properties":{"name":"+init=/etc/passwd"}}}')  # fmt: skip
text("50", "null_geometry.geojson", "empty", '{"type":"Feature","properties":{},"geometry":null}')
text("50a", "empty_coordinates.geojson", "empty", geojson([]))
text("50b", "point.geojson", "not_an_area", geojson([1, 2], kind="Point"))
for name, ring in {
    "strings": [["119.6", "30.6"]] * 4, "booleans": [[True, False]] * 4, "nested": [[[1, 2]]] * 4,
    "four_numbers": [[*p, 0, 0] for p in SQUARE], "one_number": [[1]] * 4, "nulls": [[None, None]] * 4,
    "objects": [{"x": 1, "y": 2}] * 4, "two_points": SQUARE[:2], "different_first_last": [*SQUARE[:-1], [119.6, 30.6301]],
    "a_number": 7, "text": "119.6 30.6",
}.items():  # fmt: skip
    text("54", f"bad_{name}.geojson", "invalid", geojson([ring]))
for name, document in {
    "no_type": {}, "list": [], "number": 7, "text": "x", "features_object": {"type": "FeatureCollection", "features": {}},
    "features_missing": {"type": "FeatureCollection"}, "kind_of_geometry": {"type": "Circle", "coordinates": []},
    "lower_case": {"type": "featurecollection", "features": []},
}.items():  # fmt: skip
    text("54a", f"bad_{name}.json", "unknown_format broken", json.dumps(document))
for name, document in {
    "bad_crs_number": {"crs": 4326}, "bad_crs_name": {"crs": {"type": "name", "properties": {"name": 4326}}},
    "bad_crs_empty": {"crs": {}},
}.items():  # fmt: skip
    text("54b", f"{name}.geojson", "crs_refused", geojson([SQUARE], **document))


@item("52", "too_large broken")
def one_ring_of_five_million_points(folder: Path, url: str) -> Path:
    ring = ",".join(f"[119.{n:07d},30.6]" for n in range(5_000_000))
    return put(folder, "a.geojson", b'{"type":"Polygon","coordinates":[[' + ring.encode() + b"]]}")


@item("52a", "too_large")
def one_ring_of_sixty_thousand_points_as_text(folder: Path, url: str) -> Path:
    ring = ",".join(f"119.{n:07d} 30.6" for n in range(60_000))
    return put(folder, "a.csv", f'n,wkt\n1,"POLYGON (({ring}))"\n'.encode())


@item("53", "too_large")
def a_million_points(folder: Path, url: str) -> Path:
    one = b'{"type":"Feature","properties":null,"geometry":{"type":"Point","coordinates":[1,2]}},'
    return put(
        folder,
        "a.geojson",
        b'{"type":"FeatureCollection","features":[' + one * 999_999 + one[:-1] + b"]}",
    )


# 55-75 Geometry that steals tonnes

SHIFTED = [[x + 1, y] for x, y in SQUARE]
OUTLINES: dict[tuple[str, str, str], Any] = {
    ("55", "wound_twice", "invalid"): [SQUARE[:-1] + SQUARE],
    ("58", "hole_outside", "invalid"): [SQUARE, SHIFTED],
    ("58a", "hole_half_outside", "invalid"): [SQUARE, [[x + 0.005, y] for x, y in SQUARE]],
    ("59", "bowtie", "invalid"): [[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]],
    ("61", "latlon_swapped", "out_of_range"): [[[y, x] for x, y in SQUARE]],
    ("62", "antimeridian", "out_of_range"): [
        [[179.9, 0], [-179.9, 0], [-179.9, 0.1], [179.9, 0.1], [179.9, 0]]
    ],
    ("64", "line", "invalid"): [[SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[0]]],
    ("64a", "point", "invalid"): [[SQUARE[0]] * 4],
    ("65", "self_touching", "invalid"): [
        [[119.6, 30.6], [119.62, 30.6], [119.62, 30.62], [119.61, 30.6], [119.6, 30.62], [119.6, 30.6]]
    ],
    ("66", "hole_is_shell", "invalid"): [SQUARE, SQUARE],
    ("66a", "hole_twice", "invalid"): [SQUARE] + [[[119.6 + (x - 119.6) / 2 + 0.001, 30.63 + (y - 30.63) / 2 + 0.001] for x, y in SQUARE]] * 2,
    ("67", "reversed", TAKEN): [SQUARE[::-1]],
    ("68", "too_small_to_be_land", "zero_area invalid"): [[[119.6 + (x - 119.6) * 1e-7, 30.63 + (y - 30.63) * 1e-7] for x, y in SQUARE]],
    ("73a", "elsewhere", "outside_districts"): [[[x - 60, y] for x, y in SQUARE]],
    ("73b", "half_a_country", "outside_districts"): [[[115, 28], [125, 28], [125, 35], [115, 35], [115, 28]]],
}  # fmt: skip
for (number, name, codes), coordinates in OUTLINES.items():
    text(number, f"{name}.geojson", codes, geojson(coordinates))
text("65a", "parts_that_share_land.geojson", "invalid", geojson([[SQUARE], [SQUARE]], kind="MultiPolygon"))  # fmt: skip
text("65b", "parts_that_overlap.geojson", "invalid", geojson([[SQUARE], [[[x + 0.005, y] for x, y in SQUARE]]], kind="MultiPolygon"))  # fmt: skip


@item("70", "not_finite")
def height_that_is_no_number(folder: Path, url: str) -> Path:
    outline = shapely.Polygon(
        [(x, y, math.nan if n == 1 else 5.0) for n, (x, y) in enumerate(SQUARE)]
    )
    return geopackage(folder, outline=outline)


@item("70a", "not_finite")
def height_that_is_no_number_in_parquet(folder: Path, url: str) -> Path:
    outline = shapely.Polygon(
        [(x, y, math.inf if n == 1 else 5.0) for n, (x, y) in enumerate(SQUARE)]
    )
    gpd.GeoDataFrame({"n": [1]}, geometry=[outline], crs=4490).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def planar(crs: int, east: float = 0.0) -> dict[str, Any]:
    x, y = 461_000.0 + east, 3_390_000.0
    ring = [[x, y], [x + 100, y], [x + 100, y + 100], [x, y + 100], [x, y]]
    return {"data": geojson([ring], crs={"type": "name", "properties": {"name": f"EPSG:{crs}"}})}


text("72", "zone_in_front_of_a_system_without.geojson", "out_of_range outside_districts zero_area", planar(4549, 40e6)["data"])  # fmt: skip
text("72a", "no_zone_in_front_of_a_system_with.geojson", "out_of_range outside_districts", planar(4528)["data"])  # fmt: skip
text("72b", "zone_39.geojson", "outside_districts", planar(4527, 39e6)["data"])
text("72c", "zone_40.geojson", TAKEN, planar(4528, 40e6)["data"])
for epsg in (2384, 4610, 4214, 2437, 21420):
    text("74", f"old_system_{epsg}.geojson", "crs_refused", planar(epsg)["data"])


@item("74a", "crs_refused")
def beijing_54_in_the_words_of_a_prj(folder: Path, url: str) -> Path:
    shapefile(folder)
    (folder / "a.prj").write_text(
        'PROJCS["x",GEOGCS["GCS_Beijing_1954",DATUM["D_Beijing_1954",SPHEROID["Krasovsky_1940",6378245,298.3]],'
        'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],'
        'PARAMETER["Central_Meridian",120],PARAMETER["False_Easting",500000],UNIT["Meter",1]]'
    )
    return folder / "a.shp"


@item("75", "outside_districts")
def us_feet(folder: Path, url: str) -> Path:
    shapefile(folder, shapely.box(2e6, 6e5, 2.001e6, 6.01e5), crs=2263)
    return folder / "a.shp"


@item("75a", "crs_refused")
def degrees_given_as_radians(folder: Path, url: str) -> Path:
    shapefile(folder)
    (folder / "a.prj").write_text(
        'GEOGCS["x",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["Radian",1.0]]'
    )
    return folder / "a.shp"


# 89-99 Shapefiles and GeoPackages


@item("89", "broken")
def rings_that_lie(folder: Path, url: str) -> Path:
    shp = bytearray(shapefile(folder)["shp"])
    struct.pack_into("<i", shp, 144, 2**31 - 1)
    return put(folder, "a.shp", bytes(shp))


@item("89a", "broken")
def points_that_lie(folder: Path, url: str) -> Path:
    shp = bytearray(shapefile(folder)["shp"])
    struct.pack_into("<i", shp, 148, 2**30)
    return put(folder, "a.shp", bytes(shp))


for part in ("shp", "shx", "dbf"):

    @item("90", "broken")
    def cut_off(folder: Path, url: str, part: str = part) -> Path:
        put(folder, f"a.{part}", shapefile(folder)[part][:-20])
        return folder / "a.shp"


@item("91", f"broken {TAKEN}")
def table_of_as_many_columns_as_fit(folder: Path, url: str) -> Path:
    shapefile(folder)
    count = 2_047
    field = b"F\0\0\0\0\0\0\0\0\0\0C" + bytes(4) + b"\1" + bytes(15)
    head = 33 + 32 * count
    dbf = (
        struct.pack("<B3BIHH20x", 3, 26, 1, 1, 1, min(head, 65535), count + 1)
        + field * count
        + b"\r"
        + b" " * (count + 1)
    )
    put(folder, "a.dbf", dbf)
    return folder / "a.shp"


@item("91a", "broken")
def head_of_a_table_that_lies(folder: Path, url: str) -> Path:
    dbf = bytearray(shapefile(folder)["dbf"])
    struct.pack_into("<H", dbf, 8, 65_535)
    put(folder, "a.dbf", bytes(dbf))
    return folder / "a.shp"


@item("91b", "broken")
def rows_of_a_table_that_lie(folder: Path, url: str) -> Path:
    dbf = bytearray(shapefile(folder)["dbf"])
    struct.pack_into("<I", dbf, 4, 2**32 - 1)
    put(folder, "a.dbf", bytes(dbf))
    return folder / "a.shp"


@item("92", "encoding")
def encoding_that_does_not_exist(folder: Path, url: str) -> Path:
    shapefile(folder)
    (folder / "a.cpg").write_text("../../etc/passwd")
    return folder / "a.shp"


@item("93", TAKEN)
def system_behind_a_byte_order_mark(folder: Path, url: str) -> Path:
    prj = shapefile(folder)["prj"]
    put(folder, "a.prj", b"\xef\xbb\xbf" + prj)
    return folder / "a.shp"


@item("93a", "not_finite")
def corner_that_is_no_number(folder: Path, url: str) -> Path:
    shp = bytearray(shapefile(folder)["shp"])
    struct.pack_into("<d", shp, 108 + 44 + 4 + 16, math.nan)
    return put(folder, "a.shp", bytes(shp))


@item("93b", TAKEN)
def extent_that_is_no_number(folder: Path, url: str) -> Path:
    """The extent in the head is believed by nothing here."""
    shp = bytearray(shapefile(folder)["shp"])
    struct.pack_into("<4d", shp, 36, *[math.nan] * 4)
    return put(folder, "a.shp", bytes(shp))


@item("93c", "broken")
def index_that_points_outside(folder: Path, url: str) -> Path:
    shx = bytearray(shapefile(folder)["shx"])
    struct.pack_into(">i", shx, 100, 2**30)
    put(folder, "a.shx", bytes(shx))
    return folder / "a.shp"


@item("93d", "crs_unknown")
def system_without_end(folder: Path, url: str) -> Path:
    shapefile(folder)
    (folder / "a.prj").write_text("GEOGCS[" * 100_000)
    return folder / "a.shp"


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "


@item("94", "gpkg_not_a_table")
def layer_that_is_an_endless_view(folder: Path, url: str) -> Path:
    return geopackage(folder, "ALTER TABLE a RENAME TO b", f"CREATE VIEW a AS {ENDLESS} SELECT i AS fid, geom, 1 AS n FROM n, b", "UPDATE gpkg_contents SET table_name='a'", "UPDATE gpkg_geometry_columns SET table_name='a'")  # fmt: skip


@item("94a", "gpkg_not_a_table")
def column_that_computes(folder: Path, url: str) -> Path:
    return geopackage(folder, "ALTER TABLE a ADD COLUMN bomb AS (hex(zeroblob(400000000)))")


@item("94b", "gpkg_trigger")
def trigger(folder: Path, url: str) -> Path:
    return geopackage(folder, "CREATE TRIGGER mine AFTER INSERT ON a BEGIN SELECT 1; END")


@item("94c", "gpkg_not_a_table broken")
def view_in_place_of_the_contents(folder: Path, url: str) -> Path:
    return geopackage(folder, "ALTER TABLE gpkg_contents RENAME TO c", f"CREATE VIEW gpkg_contents AS {ENDLESS} SELECT 'a' AS table_name, 'features' AS data_type FROM n, c")  # fmt: skip


@item("94d", "gpkg_not_a_table")
def virtual_table(folder: Path, url: str) -> Path:
    return geopackage(folder, "CREATE VIRTUAL TABLE gpkg_extra USING fts4(x)")


def blob(folder: Path, change: Callable[[bytearray], bytes]) -> Path:
    path = geopackage(folder)
    with sqlite3.connect(path) as database:
        (held,) = database.execute("SELECT geom FROM a").fetchone()
        database.execute("UPDATE a SET geom = ?", (change(bytearray(held)),))
    database.close()
    return path


@item("96", TAKEN)
def envelope_that_lies(folder: Path, url: str) -> Path:
    return blob(
        folder, lambda b: bytes(b[:8]) + struct.pack("<4d", -180, 180, -90, 90) + bytes(b[40:])
    )


@item("96a", "crs_mismatch")
def system_that_lies(folder: Path, url: str) -> Path:
    return blob(folder, lambda b: bytes(b[:4]) + struct.pack("<i", 4214) + bytes(b[8:]))


@item("96b", "too_large broken")
def points_in_a_blob_that_lie(folder: Path, url: str) -> Path:
    return blob(folder, lambda b: bytes(b[:-84]) + struct.pack("<I", 2**31) + bytes(b[-80:]))


@item("96c", "broken")
def points_in_a_blob_that_lie_a_little(folder: Path, url: str) -> Path:
    return blob(folder, lambda b: bytes(b[:-84]) + struct.pack("<I", 9) + bytes(b[-80:]))


@item("96d", "broken not_an_area")
def collections_without_end(folder: Path, url: str) -> Path:
    return blob(folder, lambda b: bytes(b[:40]) + struct.pack("<BII", 1, 7, 1) * 100_000)


@item("96e", "broken")
def multipolygons_without_end(folder: Path, url: str) -> Path:
    return blob(folder, lambda b: bytes(b[:40]) + struct.pack("<BII", 1, 6, 1) * 100_000)


@item("96f", "broken")
def envelope_of_an_unknown_kind(folder: Path, url: str) -> Path:
    return blob(folder, lambda b: bytes(b[:3]) + bytes([b[3] | 0x0E]) + bytes(b[4:]))


@item("98", "unknown_format")
def sqlite_that_loads(folder: Path, url: str) -> Path:
    with sqlite3.connect(folder / "a.gpkg") as database:
        database.execute("CREATE VIEW v AS SELECT load_extension('/tmp/x.so')")
    database.close()
    return folder / "a.gpkg"


@item("98a", "broken gpkg_not_a_table")
def pages_that_were_cut(folder: Path, url: str) -> Path:
    path = geopackage(folder)
    return put(folder, "a.gpkg", path.read_bytes()[:8192])


@item("98b", "gpkg_not_a_table broken layer_missing no_layer")
def layer_named_after_the_systems_table(folder: Path, url: str) -> Path:
    return geopackage(folder, "UPDATE gpkg_contents SET table_name='sqlite_master'", "UPDATE gpkg_geometry_columns SET table_name='sqlite_master'")  # fmt: skip


@item("99", "too_large")
def geopackage_of_two_gigabytes(folder: Path, url: str) -> Path:
    path = geopackage(folder)
    with path.open("r+b") as file:
        file.truncate(2 * 2**30)
    return path


# Siblings for tables, workbooks, tracks and Parquet

text("T1", "nul.csv", "unknown_format broken bad_text", b'n,wkt\n1\0,"POLYGON EMPTY"\n')
text("T2", "columns.csv", "broken", b"wkt," + b"," * 1_000_000 + b"\n")
text("T3", "quote_bomb.csv", "broken", b'n,wkt\n1,"' + b'""' * 12_000_000)
text("T3a", "open_quote.csv", "broken", b'n,wkt\n1,"POLYGON ((' + b"1 2, " * 100_000)
text("T4", "wkt_brackets.csv", "invalid", b'n,wkt\n1,"POLYGON ' + b"(" * 2_000_000 + b'"\n')
text("T4a", "wkt_collections.csv", "not_an_area", b'n,wkt\n1,"' + b"GEOMETRYCOLLECTION (" * 50_000 + b'"\n')  # fmt: skip
text("T4b", "wkt_blanks.csv", "invalid", b'n,wkt\n1,"POLYGON' + b" " * 2_000_000 + b'("\n')
text("T4c", "wkt_rings.csv", "too_large invalid", b'n,wkt\n1,"POLYGON (' + b"(1 2), " * 500_000 + b'(1 2))"\n')  # fmt: skip
text("T5", "vertices.csv", "invalid", b'n,\xe8\xbe\xb9\xe7\x95\x8c\xe5\x9d\x90\xe6\xa0\x87\n1,"' + b"1 2 3 4 5 6 7; " * 100_000 + b'"\n')  # fmt: skip
text("T6", "formula.csv", "invalid", b"n,wkt\n1,=HYPERLINK(1)\n")
text("T7", "not_text.csv", "unknown_format", b"n,wkt\n1,\xff\xff\xff\xfe\n")
text("T8", "lines.csv", "no_outlines too_large too_slow", b"a,b\n" * 3_200_000)
text("T9", "gpx_far.gpx", "track_open", '<gpx><trk><trkseg><trkpt lat="30.6" lon="119.6"/><trkpt lat="30.7" lon="119.6"/><trkpt lat="30.7" lon="119.7"/></trkseg></trk></gpx>')  # fmt: skip
text("T9a", "gpx_nan.gpx", "invalid", '<gpx><trk><trkseg><trkpt lat="NaN" lon="119.6"/><trkpt lat="1" lon="2"/><trkpt lat="1" lon="2"/></trkseg></trk></gpx>')  # fmt: skip
text("T9b", "gpx_link.gpx", "invalid", '<gpx><trk><link href="{url}"/><trkseg/></trk></gpx>')


def workbook(folder: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["n", "wkt"])
    book.active.append(["1", WKT])
    book.save(folder / "b.xlsx")
    with zipfile.ZipFile(folder / "b.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (folder / "b.xlsx").unlink()
    change(parts)
    return put(folder, "a.xlsx", zipped(*parts.items()))


SHEET = "xl/worksheets/sheet1.xml"
BOOK_CHANGES: dict[tuple[str, str, str], Callable[[dict[str, bytes]], Any]] = {
    ("T20", "bomb", "zip_bomb"): lambda p: p.update({SHEET: b"<worksheet>" + b" " * (150 * 2**20)}),
    ("T20a", "strings_bomb", "zip_bomb"): lambda p: p.update({"xl/sharedStrings.xml": b"<sst>" + b"<si/>" * 20_000_000}),
    ("T21", "xxe", "xml_forbidden"): lambda p: p.update({SHEET: XXE.replace("{root}", "worksheet").encode() + p[SHEET].partition(b"?>")[2]}),
    ("T21a", "laughs_in_strings", "xml_forbidden"): lambda p: p.update({"xl/sharedStrings.xml": (LAUGHS.replace("{root}", "sst") + "<sst><si><t>&b;</t></si></sst>").encode()}),
    ("T21b", "dtd_in_relations", "xml_forbidden"): lambda p: p.update({"xl/_rels/workbook.xml.rels": b'<!DOCTYPE x SYSTEM "http://127.0.0.1/"><x/>'}),
    ("T22", "external_link", "xlsx_active"): lambda p: p.update({"xl/externalLinks/externalLink1.xml": b"<x/>"}),
    ("T22a", "macro", "xlsx_active"): lambda p: p.update({"xl/vbaProject.bin": b"x"}),
    ("T22b", "connection", "xlsx_active"): lambda p: p.update({"xl/connections.xml": b"<x/>"}),
    ("T23", "sheet_elsewhere", "no_layer"): lambda p: p.update({"xl/_rels/workbook.xml.rels": p["xl/_rels/workbook.xml.rels"].replace(b"/xl/worksheets/sheet1.xml", b"file:///etc/passwd")}),
    ("T24", "far_column", "broken"): lambda p: p.update({SHEET: b'<worksheet><sheetData><row r="1"><c r="XFD1" t="str"><v>wkt</v></c></row></sheetData></worksheet>'}),
    ("T24a", "far_row", "broken"): lambda p: p.update({SHEET: b'<worksheet><sheetData><row r="99999999"><c r="A1" t="str"><v>wkt</v></c></row></sheetData></worksheet>'}),
    ("T24b", "claimed_size", TAKEN): lambda p: p.update({SHEET: p[SHEET].replace(b"A1:B2", b"A1:XFD1048576")}),
    ("T24c", "string_that_is_not_there", "broken"): lambda p: p.update({SHEET: b'<worksheet><sheetData><row><c t="s"><v>7</v></c></row></sheetData></worksheet>'}),
    ("T24d", "number_that_is_none", "broken no_outlines"): lambda p: p.update({SHEET: b'<worksheet><sheetData><row r="1"><c r="A1"><v>1e999</v></c></row></sheetData></worksheet>'}),
    ("T25", "path", "zip_path"): lambda p: p.update({"xl/../../etc/passwd": b"x"}),
    ("T26", "no_sheets", "no_layer"): lambda p: p.update({"xl/workbook.xml": b"<workbook/>"}),
    ("T26a", "deep", "broken"): lambda p: p.update({SHEET: b"<worksheet>" + b"<x>" * 5_000}),
    ("T27", "formula", "formula"): lambda p: p.update({SHEET: f'<worksheet><sheetData><row r="1"><c t="str"><v>wkt</v></c></row><row r="2"><c t="str"><f>WEBSERVICE("x")</f><v>{WKT}</v></c></row></sheetData></worksheet>'.encode()}),
}  # fmt: skip
for (number, name, codes), change in BOOK_CHANGES.items():
    ITEMS.append(
        Item(number, f"xlsx_{name}", frozenset(codes.split()),
             lambda folder, url, change=change: workbook(folder, change))  # type: ignore[misc]
    )  # fmt: skip


@item("T28", "unknown_format")
def open_document(folder: Path, url: str) -> Path:
    return put(folder, "a.ods", zipped(("mimetype", b"x"), ("content.xml", b"<x/>")))


@item("T29", "zip_extension")
def workbook_in_a_zip(folder: Path, url: str) -> Path:
    return put(folder, "z.zip", zipped(("a.xlsx", workbook(folder, lambda p: None).read_bytes())))


def parquet(
    folder: Path, wkb: list[Any], *, geo: Any = None, rows: int | None = None, **columns: Any
) -> Path:
    described = geo if geo is not None else {
        "version": "1.1.0", "primary_column": "g", "columns": {"g": {"encoding": "WKB", "geometry_types": []}},
    }  # fmt: skip
    table = pyarrow.table({"g": pyarrow.array(wkb, pyarrow.binary()), **columns})
    said = described if isinstance(described, bytes) else json.dumps(described).encode()
    table = table.replace_schema_metadata({b"geo": said})
    pyarrow.parquet.write_table(table, folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


GOOD_WKB = shapely.to_wkb(shapely.Polygon(SQUARE), byte_order=1)
WKBS: dict[tuple[str, str, str], bytes] = {
    ("P1", "points_that_lie", "too_large broken"): GOOD_WKB[:9] + struct.pack("<I", 2**32 - 1) + GOOD_WKB[13:],
    ("P1a", "rings_that_lie", "too_large broken"): GOOD_WKB[:5] + struct.pack("<I", 2**32 - 1) + GOOD_WKB[9:],
    ("P1b", "a_point_too_many", "broken"): GOOD_WKB[:9] + struct.pack("<I", 6) + GOOD_WKB[13:],
    ("P1c", "more_behind", "broken"): GOOD_WKB + b"\0" * 16,
    ("P1d", "collections_without_end", "not_an_area broken"): struct.pack("<BII", 1, 7, 1) * 100_000,
    ("P1e", "not_wkb", "broken"): b"POLYGON((0 0,1 1))",
    ("P1f", "unclosed", "invalid"): GOOD_WKB[:-16] + GOOD_WKB[13:29][:8] + struct.pack("<d", 30.6301),
    ("P1g", "empty", "broken"): b"",
    ("P1h", "point", "not_an_area"): shapely.to_wkb(shapely.Point(1, 2)),
    ("P1i", "curve", "not_an_area"): struct.pack("<BII", 1, 10, 0),
}  # fmt: skip
for (number, name, codes), wkb in WKBS.items():
    ITEMS.append(
        Item(number, f"parquet_{name}", frozenset(codes.split()),
             lambda folder, url, wkb=wkb: parquet(folder, [wkb]))  # type: ignore[misc]
    )  # fmt: skip
for name, (codes, geo) in {
    "no_json": ("broken", b"{"), "deep": ("broken", b"[" * 100_000), "list": ("no_layer", []),
    "no_column": ("no_layer", {"primary_column": "x", "columns": {"x": {}}}),
    "other_encoding": ("unknown_format", {"primary_column": "g", "columns": {"g": {"encoding": "point"}}}),
    "proj_text": ("crs_unknown", {"primary_column": "g", "columns": {"g": {"encoding": "WKB", "crs": "+init=/etc/passwd"}}}),
    "empty_crs": ("crs_unknown", {"primary_column": "g", "columns": {"g": {"encoding": "WKB", "crs": {}}}}),
    "spherical": ("unknown_format", {"primary_column": "g", "columns": {"g": {"encoding": "WKB", "edges": "spherical"}}}),
}.items():  # fmt: skip
    ITEMS.append(
        Item("P2", f"parquet_geo_{name}", frozenset(codes.split()),
             lambda folder, url, geo=geo: parquet(folder, [GOOD_WKB], geo=geo))  # type: ignore[misc]
    )  # fmt: skip


@item("P3", "parquet_bomb too_large")
def parquet_bomb(folder: Path, url: str) -> Path:
    """A column of one long text, packed to next to nothing."""
    long = pyarrow.array(["x" * 10_000] * 20_000)
    return parquet(folder, [GOOD_WKB] * 20_000, t=long)


@item("P3a", "too_large")
def parquet_of_too_many_rows(folder: Path, url: str) -> Path:
    return parquet(folder, [GOOD_WKB] * 200_001)


@item("P4", "broken")
def parquet_cut_off(folder: Path, url: str) -> Path:
    path = parquet(folder, [GOOD_WKB])
    return put(folder, "a.parquet", path.read_bytes()[:-30])


@item("P4a", "broken")
def parquet_footer_that_lies(folder: Path, url: str) -> Path:
    data = parquet(folder, [GOOD_WKB]).read_bytes()
    return put(folder, "a.parquet", data[:-8] + struct.pack("<I", 2**31) + b"PAR1")


@item("P4b", "broken too_large")
def parquet_of_noise(folder: Path, url: str) -> Path:
    data = bytearray(parquet(folder, [GOOD_WKB] * 100).read_bytes())
    noise = np.random.default_rng(1).integers(0, 256, 60, dtype=np.uint8).tobytes()
    data[40:100] = noise
    return put(folder, "a.parquet", bytes(data))


@item("115", "bad_text")
def name_of_sixty_kilobytes(folder: Path, url: str) -> Path:
    return put(folder, "a.csv", f'名称,wkt\n{"长" * 60_000},"{WKT}"\n'.encode())


@item("115a", "bad_text")
def name_with_half_a_character(folder: Path, url: str) -> Path:
    feature = {
        "type": "Feature",
        "properties": {"n": "\ud800"},
        "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
    }
    return put(folder, "a.geojson", json.dumps(feature).encode())


@item("115b", TAKEN)
def name_that_runs_backwards(folder: Path, url: str) -> Path:
    return put(folder, "a.csv", f'名称,wkt\n张\u202e三\u200b🌲,"{WKT}"\n'.encode())

"""What the reader gives for honest files: every row, text as written, outlines as they were."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gis_data import check, children, geometry, vectors
from gis_data.vectors import FileRefused

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample data is not here")
SQUARE = shapely.box(119.60, 30.63, 119.61, 30.64)
DONUT = shapely.difference(SQUARE, shapely.box(119.602, 30.632, 119.604, 30.634))
NAMES = ["龙王山", "余村", "横岭上小流域"]


def frame(crs: Any = 4490, **columns: Any) -> gpd.GeoDataFrame:
    outlines = [
        SQUARE,
        DONUT,
        shapely.MultiPolygon([shapely.box(119.7, 30.6, 119.71, 30.61), DONUT]),
    ]
    table = gpd.GeoDataFrame(columns or {"name": NAMES}, geometry=outlines, crs=4490)
    return table.to_crs(crs) if crs else table.set_crs(None, allow_override=True)


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.geojson", "GeoJSON"), ("a.gpkg", "GPKG"), ("a.shp", "ESRI Shapefile"), ("a.kml", "KML")],
)
def test_each_format_gives_the_same_land(name: str, driver: str, tmp_path: Path) -> None:
    written = frame(4326).rename(columns={"name": "Name"} if driver == "KML" else {})
    written.to_file(
        tmp_path / name, engine="pyogrio", driver="LIBKML" if driver == "KML" else driver
    )
    read = vectors.read(tmp_path / name)
    assert read.driver == driver and read.crs.to_epsg() == 4326
    assert [row.row for row in read.rows] == [0, 1, 2]
    assert [row.attributes["name"] for row in read.rows] == NAMES
    for row, outline in zip(read.rows, written.geometry, strict=True):
        assert row.problem is None and row.polygon is not None
        assert row.polygon.normalize().equals_exact(
            geometry.as_multipolygon(outline).normalize(), 1e-13
        )


def test_a_projected_shapefile_names_its_system(tmp_path: Path) -> None:
    frame(4549).to_file(tmp_path / "a.shp", engine="pyogrio")
    read = vectors.read(tmp_path / "a.shp")
    assert read.crs.to_epsg() == 4549 and read.crs_source == "file"
    with pytest.raises(FileRefused) as refused:
        vectors.read(tmp_path / "a.shp", crs="EPSG:4528")
    assert refused.value.code == "crs_conflict"


@pytest.mark.parametrize(("crs", "advice"), [(4490, "4490"), (4549, "4549"), (4528, "4528")])
def test_a_file_without_a_system_is_refused_and_told_which_to_give(
    crs: int, advice: str, tmp_path: Path
) -> None:
    frame(crs).to_file(tmp_path / "a.shp", engine="pyogrio")
    (tmp_path / "a.prj").unlink()
    with pytest.raises(FileRefused) as refused:
        vectors.read(tmp_path / "a.shp")
    assert refused.value.code == "crs_missing"
    assert f"EPSG:{advice}" in refused.value.message
    assert vectors.read(tmp_path / "a.shp", crs=f"EPSG:{crs}").crs_source == "given"


def test_a_shapefile_on_xian_80_is_refused(tmp_path: Path) -> None:
    frame().set_crs(2384, allow_override=True).to_file(tmp_path / "a.shp", engine="pyogrio")
    with pytest.raises(FileRefused) as refused:
        vectors.read(tmp_path / "a.shp")
    assert refused.value.code == "crs_refused" and "西安 80" in refused.value.message


def test_the_crs_of_old_geojson_is_honoured(tmp_path: Path) -> None:
    frame(4549).to_file(tmp_path / "a.geojson", engine="pyogrio")
    read = vectors.read(tmp_path / "a.geojson")
    assert read.crs.to_epsg() == 4549
    report = check.check_rows(read, sink_type="bamboo")
    assert [row.area_m2 for row in report.accepted] == pytest.approx(
        geometry.areas_m2(list(frame().geometry)), rel=1e-9
    )


# Text of shapefiles


def write_shapefile(folder: Path, encoding: str, **columns: Any) -> Path:
    frame(4490, **columns).to_file(folder / "a.shp", engine="pyogrio", encoding=encoding)
    return folder / "a.shp"


def set_language(path: Path, byte: int) -> None:
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = byte
    path.with_suffix(".dbf").write_bytes(bytes(table))


def fill_first_column(path: Path, text: bytes) -> None:
    """Write the text, cut to the width of the column, into the first row of the table."""
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    at = int.from_bytes(table[8:10], "little") + 1
    width = table[32 + 16]
    table[at : at + width] = text[:width].ljust(width)
    path.with_suffix(".dbf").write_bytes(bytes(table))


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
@pytest.mark.parametrize("hint", ["cpg", "language", "none"])
def test_chinese_text_is_read_whatever_the_file_says_about_it(
    encoding: str, hint: str, tmp_path: Path
) -> None:
    path = write_shapefile(tmp_path, encoding, 村名=NAMES)
    if hint != "cpg":
        path.with_suffix(".cpg").unlink()
    set_language(path, 0x4D if hint == "language" and encoding == "GBK" else 0)
    read = vectors.read(path)
    assert read.fields == ["村名"]
    assert [row.attributes["村名"] for row in read.rows] == NAMES
    assert read.encoding == {"GBK": "GB18030", "UTF-8": "UTF-8"}[encoding]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_chinese_field_name_cut_inside_a_character_is_read(tmp_path: Path) -> None:
    """Ten bytes hold three characters of UTF-8 and a third of the next; GDAL alone fails on it."""
    path = write_shapefile(tmp_path, "UTF-8", 小班面积亩=[1.0, 2.0, 3.0], name=NAMES)
    read = vectors.read(path)
    assert read.fields == ["小班面", "name"]
    assert [row.attributes["小班面"] for row in read.rows] == [1.0, 2.0, 3.0]
    assert [row.attributes["name"] for row in read.rows] == NAMES


def test_the_encoding_that_is_given_wins_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "GBK", name=NAMES)
    path.with_suffix(".cpg").write_text("ISO-8859-1")
    assert vectors.read(path, encoding="GBK").rows[0].attributes["name"] == NAMES[0]
    for wrong in ("UTF-8", "klingon"):
        with pytest.raises(FileRefused) as refused:
            vectors.read(path, encoding=wrong)
        assert refused.value.code == "encoding"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_text_cut_by_the_width_of_its_field_loses_only_the_cut_character(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "UTF-8", name=["竹" * 85, "竹" * 84, "a" + "竹" * 84])
    read = vectors.read(path)
    assert [len(str(row.attributes["name"])) for row in read.rows] == [84, 84, 85]


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8", "Big5"])
def test_text_cut_inside_a_character_by_other_software_is_read(
    encoding: str, tmp_path: Path
) -> None:
    """GDAL's own decoder refuses the whole file for it."""
    path = write_shapefile(tmp_path, encoding, name=["竹" * 20, "竹", "竹"])
    fill_first_column(path, ("a" + "竹" * 60).encode(encoding))
    width = path.with_suffix(".dbf").read_bytes()[32 + 16]
    read = vectors.read(path)
    expected = "a" + "竹" * ((width - 1) // len("竹".encode(encoding)))
    assert [row.attributes["name"] for row in read.rows] == [expected, "竹", "竹"]


def test_numbers_of_a_table_are_those_that_stand_in_it(tmp_path: Path) -> None:
    """GDAL rounds codes of nineteen digits, and reads 10.5 as 10 where no decimals are declared."""
    path = write_shapefile(tmp_path, "UTF-8", n=["x" * 19, "", "12"])
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[32 + 11 : 32 + 12] = b"N"
    path.with_suffix(".dbf").write_bytes(bytes(table))
    for text, value in (
        ("3305230010010001237", 3305230010010001237),
        ("10.5", 10.5),
        ("\0 7", 7),
        ("3 mu", "3 mu"),
    ):
        fill_first_column(path, text.encode())
        values = [row.attributes["n"] for row in vectors.read(path).rows]
        assert values == [value, None, 12] and type(values[0]) is type(value)


def test_endings_in_capitals_and_numbers_that_did_not_fit_are_read(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "UTF-8", MIAN_JI=[10.5, 20.25, 99.0])
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    at = int.from_bytes(table[8:10], "little") + 1
    width = table[32 + 16]
    table[at : at + width] = b"*" * width
    path.with_suffix(".dbf").write_bytes(bytes(table))
    for part in ("shp", "shx", "dbf", "prj", "cpg"):
        (tmp_path / f"a.{part}").rename(tmp_path / f"a.{part.upper()}")
    read = vectors.read(tmp_path / "a.SHP")
    assert [row.attributes["MIAN_JI"] for row in read.rows] == [None, 20.25, 99.0]
    assert read.crs.to_epsg() == 4490


def test_a_shapefile_that_runs_the_wrong_way_round_is_the_same_land(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "UTF-8", name=NAMES)
    honest = vectors.read(path)
    shp = bytearray(path.read_bytes())
    at = 100
    while at < len(shp):
        size = 2 * int.from_bytes(shp[at + 4 : at + 8], "big")
        parts = int.from_bytes(shp[at + 44 : at + 48], "little")
        points = int.from_bytes(shp[at + 48 : at + 52], "little")
        first = [
            int.from_bytes(shp[at + 52 + 4 * i : at + 56 + 4 * i], "little") for i in range(parts)
        ]
        for start, end in zip(first, [*first[1:], points], strict=True):
            a, b = (at + 52 + 4 * parts + 16 * i for i in (start, end))
            ring = [shp[i : i + 16] for i in range(a, b, 16)]
            shp[a:b] = b"".join(reversed(ring))
        at += 8 + size
    path.write_bytes(bytes(shp))
    for before, after in zip(honest.rows, vectors.read(path).rows, strict=True):
        assert before.polygon is not None and after.polygon is not None
        assert before.polygon.equals(after.polygon)


def test_the_hash_of_a_bare_shapefile_covers_all_its_parts(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path, "UTF-8", name=NAMES)
    before = vectors.read(path).sha256
    set_language(path, 0x4D)
    assert vectors.read(path).sha256 != before


def test_a_geopackage_of_two_layers_needs_the_name_of_one(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame().to_file(path, layer="竹林", engine="pyogrio")
    frame().iloc[:1].to_file(path, layer="茶园 2", engine="pyogrio")
    with pytest.raises(FileRefused) as refused:
        vectors.read(path)
    assert refused.value.code == "several_layers" and "竹林" in refused.value.message
    assert len(vectors.read(path, layer="茶园 2").rows) == 1


def test_every_row_and_value_of_a_geopackage_is_read_as_it_is_stored(tmp_path: Path) -> None:
    """GDAL alone stops at the number of rows written in the file, leaves out VARCHAR and DECIMAL,
    makes 0 of text in a column of numbers, and rounds whole numbers beside an empty cell."""
    path = tmp_path / "a.gpkg"
    frame().to_file(path, layer="a", engine="pyogrio")
    with sqlite3.connect(path) as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'a'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        for column in ("code VARCHAR(20)", "mu DECIMAL(10,2)", "big INTEGER", "day DATE"):
            database.execute(f"ALTER TABLE a ADD COLUMN {column}")
        database.execute(
            "UPDATE a SET code = '007', mu = 1.5, big = 330523001001000123, day = '2024-05-01' "
            "WHERE fid = 1"
        )
        database.execute("UPDATE a SET big = 'about 7' WHERE fid = 2")
        database.execute("UPDATE gpkg_ogr_contents SET feature_count = 1")
    database.close()
    read = vectors.read(path)
    assert read.fields == ["fid", "name", "code", "mu", "big", "day"]
    assert [list(row.attributes.values()) for row in read.rows] == [
        [1, "龙王山", "007", 1.5, 330523001001000123, "2024-05-01"],
        [2, "余村", None, None, "about 7", None],
        [3, "横岭上小流域", None, None, None, None],
    ]
    assert all(row.polygon is not None for row in read.rows)


def test_kml_of_many_kinds_gives_a_row_for_each_placemark(tmp_path: Path) -> None:
    ring = " ".join(f"{x},{y},12" for x, y in SQUARE.exterior.coords)
    polygon = f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        "<Style><IconStyle><Icon><href>http://maps.example/pin.png</href></Icon></IconStyle></Style>"
        f"<Folder><Placemark><name>余村</name><description>&lt;script&gt;</description><ExtendedData>"
        f'<Data name="亩"><value>12.5</value></Data></ExtendedData>{polygon}</Placemark></Folder>'
        f"<Placemark><MultiGeometry>{polygon}</MultiGeometry></Placemark>"
        "<Placemark><Point><coordinates>1,2</coordinates></Point></Placemark>"
        "<Placemark/></Document></kml>"
    )
    (tmp_path / "a.kml").write_text(text, encoding="utf-8")
    read = vectors.read(tmp_path / "a.kml")
    assert read.rows[0].attributes == {"name": "余村", "description": "<script>", "亩": "12.5"}
    report = check.check_rows(read, sink_type="bamboo")
    assert [row.row for row in report.accepted] == [0, 1]
    assert [(row.row, row.code) for row in report.refused] == [(2, "not_an_area"), (3, "empty")]


@pytest.mark.parametrize("declared", ["GB2312", "gbk", "GB18030"])
def test_kml_and_gpx_in_the_encoding_of_office_software_are_read(
    tmp_path: Path, declared: str
) -> None:
    ring = " ".join(f"{x},{y}" for x, y in SQUARE.exterior.coords)
    walk = "".join(f'<trkpt lon="{x}" lat="{y}"/>' for x, y in SQUARE.exterior.coords)
    head = f'<?xml version="1.0" encoding="{declared}"?>'
    (tmp_path / "a.kml").write_text(
        f"{head}<kml><Placemark><name>余村</name><Polygon><outerBoundaryIs><LinearRing><coordinates>"
        f"{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></kml>",
        encoding="gb18030",
    )
    (tmp_path / "a.gpx").write_text(
        f"{head}<gpx><trk><name>余村</name><trkseg>{walk}</trkseg></trk></gpx>", encoding="gb18030"
    )
    for name in ("a.kml", "a.gpx"):
        read = vectors.read(tmp_path / name)
        assert [row.attributes["name"] for row in read.rows] == ["余村"]
        assert read.encoding == "GB18030"
        assert read.rows[0].polygon is not None


def test_the_reader_runs_without_a_network_and_says_so(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.geojson", engine="pyogrio")
    assert vectors.read(tmp_path / "a.geojson").network in ("cut", "driver list only")
    command, name = children.isolation()
    if name != "cut":
        pytest.skip("this system does not let a program leave the network")
    code = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    tried = subprocess.run([*command, sys.executable, "-c", code], capture_output=True, check=False)
    assert b"unreachable" in tried.stderr


def in_a_child(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    ).stdout.strip()


def test_gdal_in_the_reader_opens_one_format_and_no_other(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.shp", engine="pyogrio")
    frame().to_file(tmp_path / "a.geojson", engine="pyogrio")
    (tmp_path / "a.vrt").write_text(
        f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{tmp_path / 'a.shp'}"
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    code = f"""
from pathlib import Path
from gis_data import _gdal
from gis_data._rows import Refused
import sys
assert not {{"pyogrio"}} & sys.modules.keys()
for name in ("a.shp", "a.geojson", "a.vrt"):
    try:
        print(len(_gdal.read(Path({str(tmp_path)!r}) / name)[0]))
    except Refused as refused:
        print(refused.code)
import pyogrio
print(sorted(pyogrio.list_drivers()))
"""
    assert in_a_child(code).split("\n") == ["3", "broken", "broken", "['ESRI Shapefile']"]


def test_the_text_formats_are_read_without_gdal() -> None:
    code = (
        "import sys; from gis_data import _reader, _geojson, _kml, _zip; "
        "print({'pyogrio', 'rasterio', 'numpy'} & sys.modules.keys())"
    )
    assert in_a_child(code) == "set()"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_reads_too(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here")
    frame().to_file(tmp_path / "a.geojson", engine="pyogrio")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("test_", "popen-", "pytest-")):
            folder.chmod(0o755)
    code = f"from gis_data import vectors; print(len(vectors.read({str(tmp_path / 'a.geojson')!r}).rows))"
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    done = subprocess.run(
        [*become, sys.executable, "-c", code],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert done.stdout.strip() == "3", done.stderr


# Real files


@needs_shared
def test_the_real_gbk_table_reads_right_with_and_without_its_language_byte(tmp_path: Path) -> None:
    source = SHARED / "shapefile_samples"
    with pytest.raises(FileRefused) as refused:
        vectors.read(source / "chinese_encoding.shp")
    assert refused.value.code == "crs_missing" and "EPSG:4326" in refused.value.message
    for part in ("shp", "shx", "dbf"):
        content = (source / f"chinese_encoding.{part}").read_bytes()
        (tmp_path / f"c.{part}").write_bytes(content)
    for byte in (0x4D, 0x00, 0x57):
        set_language(tmp_path / "c.shp", byte)
        read = vectors.read(tmp_path / "c.shp", crs="EPSG:4326")
        assert len(read.rows) == 78 and read.encoding == "GB18030"
        assert read.rows[0].attributes["NAME99"] == "天长市"
        assert {row.attributes["PRO_NAME"] for row in read.rows} == {"安徽"}


REAL = [
    ("field_parcels/ai4sf/1_vietnam_areas.gpkg", 100, 32648),
    ("field_parcels/at/inspire_schlaege_2025-1_polygon.gpkg.zip", 100, 31287),
    ("field_parcels/ch/lwb_nutzungsflaechen_v2_0_lv95.gpkg", 100, 2056),
    ("field_parcels/fi/LandUse.ExistingLandUse.GSAAAgriculturalParcel.gpkg", 100, 3067),
    ("field_parcels/india_10k/india_10k.zip", 100, 4326),
    ("field_parcels/jecam/BD_JECAM_CIRAD_2023_feb.shp", 100, 4326),
    ("field_parcels/nl/brpgewaspercelen_definitief_2023.gpkg", 100, 28992),
    ("mecklenburg_wetlands/wetlands.geojson", 2015, 4326),
    ("shapefile_samples/olinda1.shp", 470, None),
]


@needs_shared
@pytest.mark.parametrize(("name", "rows", "epsg"), REAL)
def test_real_files_give_the_land_that_gdal_gives(name: str, rows: int, epsg: int | None) -> None:
    read = vectors.read(SHARED / name)
    assert len(read.rows) == rows and read.crs.to_epsg() == epsg
    expected = gpd.read_file(SHARED / name, engine="pyogrio")
    for row, outline in zip(read.rows, expected.geometry, strict=True):
        assert row.polygon is not None
        assert row.polygon.equals(shapely.force_2d(outline))
    for anywhere in (True, False):
        report = check.check_rows(read, sink_type="other", anywhere=anywhere)
        assert len(report.accepted) + len(report.refused) == rows
        assert len(report.accepted) == (rows if anywhere else 0)


@needs_shared
def test_every_shared_file_gives_rows_or_a_refusal() -> None:
    for path in sorted(SHARED.rglob("*")):
        if not path.is_file() or path.suffix in (".csv", ".md", ".txt"):
            continue
        try:
            read = (
                vectors.read(path, crs="EPSG:4326") if path.suffix == ".shp" else vectors.read(path)
            )
        except FileRefused as refused:
            assert refused.code and refused.message
            continue
        report = check.check_rows(read, sink_type="wetland", anywhere=True)
        assert report.rows == len(report.accepted) + len(report.refused) == len(read.rows)

"""GeoPackages, read by SQLite alone, read-only and immutable, from the bytes of each row.

A view or a virtual table can run without end or reach for other files, so a layer must be an ordinary
table without computed columns, and so must every table that a reader of the format looks at. GDAL is
not asked: it was seen to stop at the number of rows written in the file, to leave out columns declared
VARCHAR or DECIMAL, to make 0 of text in a column of numbers, to look past the system that an outline
names, and, through pyogrio, to round whole numbers beside an empty cell.
Source: OGC 12-128r18, clauses 1.1.1 and 2.1.
"""

import re
import sqlite3
import struct
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gis_data._rows import (
    Raw,
    RawRow,
    Refused,
    RowProblem,
    Value,
    multipolygon_wkb,
    plain_text,
    refused_row,
)
from gis_data._wkb import polygons as _wkb_polygons

SECONDS_MAX = 20.0
_TRIGGERS = re.compile(r"(rtree_|trigger_(insert|delete|update)_feature_count_|gpkg_).*", re.I)
_OF_THE_FORMAT = re.compile(r"(gpkg|rtree|ogr|sqlite)_.*", re.I)
_RTREE = re.compile(r"CREATE\s+VIRTUAL\s+TABLE\s.+\sUSING\s+rtree\b.*", re.I | re.S)
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)
_TABLES = ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys")


def read(path: Path, *, layer: str | None, row_limit: int) -> Raw:
    """Return the rows of the one feature table, or of the one named."""
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise Refused("broken", "打不开这份 GeoPackage。") from error
    # The processor's time: on a machine that does much else at once an honest file takes longer.
    deadline = time.process_time() + SECONDS_MAX
    connection.set_progress_handler(lambda: int(time.process_time() > deadline), 10_000)
    connection.text_factory = lambda data: data.decode("utf-8")
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        return _read(connection, layer, row_limit)
    except UnicodeDecodeError as error:
        raise Refused("encoding", "GeoPackage 里有不是 UTF-8 的文字。请重新导出。") from error
    except sqlite3.Error as error:
        raise Refused("broken", f"GeoPackage 已损坏或不合规：{str(error)[:80]}") from error
    finally:
        connection.close()


def _read(connection: sqlite3.Connection, layer: str | None, row_limit: int) -> Raw:
    layers = _layers(connection)
    table = _chosen(layers, layer)
    geometry, srs_id, crs = _geometry_column(connection, table)
    columns = _columns(connection, table, geometry)
    count = connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
    if count > row_limit:
        raise Refused("too_large", f"文件有 {count} 行，一次最多 {row_limit} 行。请分成几份。")
    wanted = ", ".join(map(_quoted, columns))
    g = _quoted(geometry)
    records = connection.execute(
        f"SELECT {g}{', ' * bool(columns)}{wanted} FROM {_quoted(table)} ORDER BY rowid"
    )
    rows = [_row(columns, record, srs_id) for record in records]
    return Raw("GPKG", rows, columns, "UTF-8", crs, False)


def _layers(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the layers, after looking that nothing in the file runs by itself."""
    kinds: dict[str, tuple[str, str]] = {}
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        kinds[name.lower()] = (kind, sql or "")
        if kind == "trigger" and not _TRIGGERS.fullmatch(name):
            raise Refused("gpkg_trigger", f"GeoPackage 里有自带的触发器“{name[:40]}”，不读。")
    for name, (kind, sql) in kinds.items():
        index = _RTREE.fullmatch(sql) and name.startswith("rtree_")
        if kind in ("table", "view") and _OF_THE_FORMAT.fullmatch(name) and not index:
            _must_be_table(kinds, name)
    for table in _TABLES:
        _must_be_table(kinds, table)
    contents = connection.execute(
        "SELECT table_name, data_type FROM gpkg_contents ORDER BY table_name"
    ).fetchall()
    for name, data_type in contents:
        if data_type == "features" or name.lower() in kinds:
            _must_be_table(kinds, name)
    return [name for name, data_type in contents if data_type == "features"]


def _must_be_table(kinds: dict[str, tuple[str, str]], name: str) -> None:
    kind, sql = kinds.get(name.lower(), ("", ""))
    if kind != "table" or not re.match(r"CREATE\s+TABLE\b", sql, re.I):
        raise Refused(
            "gpkg_not_a_table",
            f"GeoPackage 里的“{name[:40]}”{'不存在' if not kind else '是视图或虚拟表'}，不是实在的表，不读。",
        )


def _chosen(layers: list[str], layer: str | None) -> str:
    if layer is not None and layer not in layers:
        raise Refused("layer_missing", f"没有图层“{layer[:40]}”。有：{'、'.join(layers)[:200]}。")
    if not layers:
        raise Refused("no_layer", "GeoPackage 里没有面图层。")
    if layer is None and len(layers) > 1:
        raise Refused(
            "several_layers",
            f"文件有 {len(layers)} 个图层，请在“图层名”里写明读哪一个：{'、'.join(layers)[:200]}。",
        )
    return layer or layers[0]


def _geometry_column(connection: sqlite3.Connection, table: str) -> tuple[str, int, str | None]:
    row = connection.execute(
        "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE lower(table_name) = lower(?)",
        (table,),
    ).fetchone()
    if row is None:
        raise Refused("no_layer", f"图层“{table[:40]}”没有登记图形列。")
    system = connection.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys "
        "WHERE srs_id = ?",
        (row[1],),
    ).fetchone()
    if row[1] in (-1, 0) or system is None:
        return row[0], row[1], None
    organization, number, definition = system
    if str(organization).upper() == "EPSG":
        return row[0], row[1], f"EPSG:{number}"
    return row[0], row[1], definition


def _columns(connection: sqlite3.Connection, table: str, geometry: str) -> list[str]:
    """Return the columns that hold plain values; one computed by the file refuses it."""
    columns = []
    for _, name, declared, _, _, _, hidden in connection.execute(
        f"PRAGMA table_xinfo({_quoted(table)})"
    ):
        if hidden:
            raise Refused("gpkg_not_a_table", f"列“{name[:40]}”是由文件自己计算的，不读。")
        if name.lower() != geometry.lower() and "BLOB" not in (declared or "").upper():
            columns.append(name)
    return columns


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row(columns: list[str], record: tuple[Any, ...], srs_id: int) -> RawRow:
    attributes: dict[str, Value] = {}
    try:
        for name, value in zip(columns, record[1:], strict=True):
            attributes[name] = _value(value)
        return RawRow(_wkb(record[0], srs_id), attributes)
    except RowProblem as problem:
        return refused_row(problem, attributes)


def _value(value: Any) -> Value:
    if isinstance(value, bytes):
        raise RowProblem("bad_text", "文字列里存着二进制内容。")
    if isinstance(value, float) and not -1e308 < value < 1e308:
        raise RowProblem("not_finite", "有一个属性是无穷大。")
    return plain_text(value) if isinstance(value, str) else value


def _wkb(blob: Any, srs_id: int) -> bytes | None:
    """Return the MULTIPOLYGON WKB; None if there is no geometry, or one that says it is empty."""
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        raise RowProblem("broken", "图形不是 GeoPackage 的格式。")
    flags = blob[3]
    said = struct.unpack_from("<i" if flags & 1 else ">i", blob, 4)[0]
    if said != srs_id:
        raise RowProblem("crs_mismatch", f"图形自带的坐标系编号是 {said}，图层的是 {srs_id}。")
    envelope = flags >> 1 & 7
    if flags & 0x20 or envelope >= len(_ENVELOPE_BYTES):
        raise RowProblem("broken", "图形用了 GeoPackage 的扩展格式，不读。")
    # What the envelope says is left aside: it can be anything, and nothing is decided by it.
    polygons = _wkb_polygons(blob[8 + _ENVELOPE_BYTES[envelope] :])
    return multipolygon_wkb(polygons) if polygons else None

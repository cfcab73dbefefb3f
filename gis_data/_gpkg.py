"""GeoPackage, read through SQLite itself: read-only, immutable, and only from real tables.

A view or a virtual table can run without end or reach for other files, so a layer must be an ordinary
table without computed columns. Source: OGC 12-128r18, clauses 1.1.1 and 2.1.
"""

import re
import sqlite3
import struct
import time
from typing import Any
from urllib.parse import quote

import shapely

from gis_data._rows import Raw, RawRow, Refused, RowProblem, Value, plain_text

SECONDS_MAX = 20.0
_TRIGGERS = re.compile(r"(rtree_|trigger_(insert|delete|update)_feature_count_|gpkg_).*", re.I)
_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_TABLES = ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys")


def read(path: str, *, layer: str | None, row_limit: int) -> Raw:
    """Return the rows of the one feature table, or of the one named."""
    try:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise Refused("broken", "打不开这份 GeoPackage。") from error
    deadline = time.monotonic() + SECONDS_MAX
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 10_000)
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
    kinds = {
        name.lower(): (kind, sql or "")
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master")
    }
    for kind, name in ((kind, name) for name, (kind, _) in kinds.items()):
        if kind == "trigger" and not _TRIGGERS.fullmatch(name):
            raise Refused("gpkg_trigger", f"GeoPackage 里有自带的触发器“{name[:40]}”，不读。")
    for table in _TABLES:
        _must_be_table(kinds, table)
    layers = [
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM gpkg_contents WHERE data_type = 'features' ORDER BY table_name"
        )
    ]
    for name in layers:
        _must_be_table(kinds, name)
    table = _chosen(layers, layer)
    geometry, srs_id, crs = _geometry_column(connection, table)
    columns = _columns(connection, table, geometry)
    count = connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
    if count > row_limit:
        raise Refused("too_large", f"文件有 {count} 行，一次最多 {row_limit} 行。请分成几份。")
    wanted = ", ".join(map(_quoted, [geometry, *columns]))
    cursor = connection.execute(f"SELECT {wanted} FROM {_quoted(table)} ORDER BY rowid")
    rows = [_row(columns, record, srs_id) for record in cursor]
    return Raw("GPKG", rows, columns, "UTF-8", crs, False)


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
            "several_layers", f"有 {len(layers)} 个图层，请指明一个：{'、'.join(layers)[:200]}。"
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
        return RawRow(None, attributes, (problem.code, problem.message))


def _value(value: Any) -> Value:
    if isinstance(value, bytes):
        raise RowProblem("bad_text", "文字列里存着二进制内容。")
    if isinstance(value, float) and not -1e308 < value < 1e308:
        raise RowProblem("not_finite", "有一个属性是无穷大。")
    return plain_text(value) if isinstance(value, str) else value


def _wkb(blob: Any, srs_id: int) -> bytes | None:
    """Return the two-dimensional WKB behind the GeoPackage header; None if there is no geometry."""
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        raise RowProblem("broken", "图形不是 GeoPackage 的格式。")
    flags = blob[3]
    order = "<" if flags & 1 else ">"
    said = struct.unpack_from(f"{order}i", blob, 4)[0]
    if said != srs_id:
        raise RowProblem("crs_mismatch", f"图形自带的坐标系编号是 {said}，图层的是 {srs_id}。")
    header = 8 + _ENVELOPE_BYTES.get((flags >> 1) & 7, 0)
    if flags & 0x10:
        return None
    geometry = shapely.from_wkb(blob[header:], on_invalid="ignore")
    if geometry is None:
        raise RowProblem("invalid", "图形不完整，或环没有闭合。")
    if geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise RowProblem("not_an_area", f"图形是 {geometry.geom_type}，不是面。地块必须是面。")
    # Every number, the third one too: force_2d would drop a height that is not a number.
    if not all(map(_is_number, shapely.get_coordinates(geometry, include_z=geometry.has_z).flat)):
        raise RowProblem("not_finite", "坐标里有 NaN 或无穷大。请检查导出这份文件的软件。")
    flat = shapely.force_2d(geometry)
    if flat.geom_type == "Polygon":
        flat = shapely.MultiPolygon([flat])
    return bytes(shapely.to_wkb(flat, byte_order=1, output_dimension=2))


def _is_number(number: float) -> bool:
    return -1e300 < number < 1e300

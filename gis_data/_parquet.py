"""GeoParquet, read by Arrow: plain columns and outlines as well-known binary, a batch at a time.

Arrow reads Parquet and nothing else here. What the footer says about sizes is held to limits before a
page is inflated, and every outline is looked through for counts that lie. A file that names no system
is on longitude and latitude of WGS 84, as the format says. Source: GeoParquet 1.1.0.
"""

import datetime
import decimal
import io
import json
import math
import os
from collections.abc import Iterator
from typing import Any

from gis_data import _wkb
from gis_data._rows import (
    FIELDS_MAX,
    Raw,
    RawRow,
    Refused,
    RowProblem,
    Value,
    multipolygon_wkb,
    plain_text,
    refused_row,
)

BYTES_MAX = 400 * 2**20
RATIO_MAX = 200  # Parquet packs a column of one value to next to nothing.
RATIO_FROM_BYTES = 64 * 2**20
BATCH_ROWS = 1_000
CHARACTERS_MAX = 100_000_000
ROW_GROUPS_MAX = 10_000
META_BYTES_MAX = 2**20


def read(data: bytes, *, layer: str | None, row_limit: int) -> Raw:
    """Return the rows; ``layer`` names the column of outlines where there are several."""
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    import pyarrow
    import pyarrow.parquet

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    try:
        file = pyarrow.parquet.ParquetFile(
            io.BytesIO(data),
            pre_buffer=False,
            thrift_string_size_limit=64 * 2**20,
            thrift_container_size_limit=2**20,
        )
        column, crs, by_default = _geometry(file.metadata.metadata or {}, file.schema_arrow, layer)
        _refuse_large(file.metadata, len(data), row_limit)
        names = _plain(file.schema_arrow, column)
        rows = list(_rows(file, column, names))
    except pyarrow.ArrowMemoryError as error:
        raise Refused("too_large", "文件太大，读它要的内存超过限额。请分成几份。") from error
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Refused("broken", f"Parquet 文件已损坏：{str(error)[:80]}") from error
    if len(rows) != file.metadata.num_rows:
        raise Refused("broken", f"文件有 {file.metadata.num_rows} 行，只读出 {len(rows)} 行。")
    return Raw("GeoParquet", rows, names, "UTF-8", crs, by_default)


def _geometry(metadata: Any, schema: Any, layer: str | None) -> tuple[str, str | None, bool]:
    """Return column and coordinate system of the outlines, and whether it is the one of the format."""
    said = metadata.get(b"geo")
    if said is None:
        raise Refused("no_layer", "是 Parquet，但没有 geo 说明，不是 GeoParquet。")
    if len(said) > META_BYTES_MAX:
        raise Refused("broken", "GeoParquet 的 geo 说明太长。")
    try:
        geo = json.loads(said.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused("broken", "GeoParquet 的 geo 说明不是 JSON。") from error
    columns = geo.get("columns") if isinstance(geo, dict) else None
    name = layer or (geo.get("primary_column") if isinstance(geo, dict) else None)
    about = columns.get(name) if isinstance(columns, dict) and isinstance(name, str) else None
    if not isinstance(name, str) or not isinstance(about, dict) or name not in schema.names:
        raise Refused("no_layer", f"GeoParquet 里没有图形列“{str(name)[:40]}”。")
    if about.get("encoding") != "WKB":
        raise Refused(
            "unknown_format",
            f"图形的编码是“{str(about.get('encoding'))[:40]}”。请用 WKB 编码导出。",
        )
    if about.get("edges", "planar") != "planar":
        raise Refused("unknown_format", "图形的边是球面上的。请用 planar 导出。")
    if "crs" not in about:
        return name, "EPSG:4326", True
    crs = about["crs"]
    if crs is None:
        return name, None, False
    if not isinstance(crs, dict):
        raise Refused("crs_unknown", "GeoParquet 的 crs 不是 PROJJSON。")
    return name, json.dumps(crs, ensure_ascii=True), False


def _refuse_large(metadata: Any, packed: int, row_limit: int) -> None:
    if metadata.num_rows > row_limit:
        raise Refused(
            "too_large", f"文件有 {metadata.num_rows} 行，一次最多 {row_limit} 行。请分成几份。"
        )
    if metadata.num_columns > FIELDS_MAX or metadata.num_row_groups > ROW_GROUPS_MAX:
        raise Refused("too_large", "Parquet 文件的列或行组太多。")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    sizes = [
        group.column(number).total_uncompressed_size
        for group in groups
        for number in range(metadata.num_columns)
    ]
    total = sum(sizes)
    if total > BYTES_MAX or min(sizes, default=0) < 0:
        raise Refused("parquet_bomb", f"Parquet 解开后超过 {BYTES_MAX // 2**20} MB。")
    if total > max(RATIO_FROM_BYTES, RATIO_MAX * packed):
        raise Refused("parquet_bomb", f"Parquet 解开后超过原来的 {RATIO_MAX} 倍，不读。")


def _plain(schema: Any, geometry: str) -> list[str]:
    """Return the columns that hold plain values; binary ones and covering boxes hold none."""
    import pyarrow.types as types

    if len(set(schema.names)) != len(schema.names):
        raise Refused("broken", "Parquet 有两列同名，不知该取哪一个。")
    return [
        field.name
        for field in schema
        if field.name != geometry
        and not (types.is_binary(field.type) or types.is_large_binary(field.type))
        and not (types.is_fixed_size_binary(field.type) or types.is_nested(field.type))
    ]


def _rows(file: Any, geometry: str, names: list[str]) -> Iterator[RawRow]:
    characters = 0
    for batch in file.iter_batches(BATCH_ROWS, columns=[geometry, *names], use_threads=False):
        held = {name: batch.column(name).to_pylist() for name in (geometry, *names)}
        for number in range(batch.num_rows):
            attributes: dict[str, Value] = {}
            try:
                for name in names:
                    value = attributes[name] = _value(held[name][number])
                    characters += len(value) if isinstance(value, str) else 0
                # A column packed as a dictionary may be many times what the footer says.
                if characters > CHARACTERS_MAX:
                    raise Refused("parquet_bomb", f"Parquet 里的文字超过 {CHARACTERS_MAX} 字。")
                wkb = held[geometry][number]
                if wkb is not None and not isinstance(wkb, bytes):
                    raise Refused("broken", "GeoParquet 的图形列不是二进制。")
                polygons = _wkb.polygons(wkb) if wkb is not None else []
                yield RawRow(multipolygon_wkb(polygons) if polygons else None, attributes)
            except RowProblem as problem:
                yield refused_row(problem, attributes)


def _value(value: Any) -> Value:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, float):
        if math.isinf(value):
            raise RowProblem("not_finite", "有一个属性是无穷大。")
        return None if math.isnan(value) else value
    if value is None or isinstance(value, int):
        return int(value) if isinstance(value, bool) else value
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    raise RowProblem("bad_text", f"有一个字段的类型（{type(value).__name__}）不是文字、数或日期。")

"""The child process that reads one file of a stranger and hands back plain rows.

Started by ``gis_data.vectors`` with an empty environment, no network where the system allows it, and
limits of its own. It is given names of files on standard input and answers on standard output with
one line of JSON and the geometries behind it as WKB. GDAL reads shapefiles, from copies in the staging
folder and with this driver only (``_gdal``), so that none could follow a description to another file
or server; SQLite reads GeoPackages and Arrow Parquet. For the other formats neither is loaded.
"""

import hashlib
import json
import math
import re
import resource
import struct
import sys
from pathlib import Path
from typing import Any

from gis_data._rows import Raw, Refused

# Measured: 100,000 parcels need 0.3 GB as GeoPackage, 0.5 GB as shapefile, 0.8 GB as GeoJSON of 168 MB.
ADDRESS_SPACE_BYTES = 900 * 2**20
# What is small has to be quick: a file of a few kilobytes that takes longer was made to.
CPU_SECONDS = 6.0
CPU_SECONDS_MB = 0.15
CPU_SECONDS_MB_PACKED = 2.0
FILE_BYTES = 600 * 2**20
ANSWER_BYTES_MAX = 256 * 2**20

_SIGNATURES = (
    (b"%PDF", "PDF"),
    (b"II*\0", "TIFF 影像"),
    (b"II+\0", "TIFF 影像"),
    (b"MM\0", "TIFF 影像"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8", "图片"),
    (b"GIF8", "图片"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"PARE", "加密的 Parquet"),
    (b"\xd0\xcf\x11\xe0", "带密码的或旧版的 Office 文件（.xls），请另存为不带密码的 .xlsx"),
    (b"ARROW1", "Arrow 文件，请另存为 GeoParquet"),
    (b"fgb", "FlatGeobuf，请另存为 GeoPackage"),
)


def main() -> None:
    """Read the request from standard input and write the answer."""
    request = json.load(sys.stdin)
    _limit([Path(path) for path in request["paths"].values()])
    try:
        _answer(*_packed(_read(request)))
    except Refused as refused:
        _answer({"refused": [refused.code, refused.message]}, [])
    except MemoryError:
        _answer({"refused": ["too_large", "文件太大，读它要的内存超过限额。请分成几份。"]}, [])


def _packed(raw: Raw) -> tuple[dict[str, Any], list[bytes]]:
    blobs = [blob for row in raw.rows for blob in (row.wkb, row.unclosed) if blob]
    header = {
        "driver": raw.driver,
        "encoding": raw.encoding,
        "fields": raw.fields,
        "crs": raw.crs,
        "crs_by_default": raw.crs_by_default,
        "sha256": raw.sha256,
        "rows": [
            [len(r.wkb or b""), len(r.unclosed or b""), r.attributes, r.problem, r.questions]
            for r in raw.rows
        ],
    }
    return header, blobs


def _limit(paths: list[Path]) -> None:
    megabytes = sum(path.stat().st_size for path in paths) / 2**20
    with paths[0].open("rb") as file:
        packed = file.read(4) in (b"PK\x03\x04", b"PAR1")
    each = CPU_SECONDS_MB_PACKED if packed else CPU_SECONDS_MB
    for what, most in (
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_CPU, math.ceil(CPU_SECONDS + each * megabytes)),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _answer(header: dict[str, Any], blobs: list[bytes]) -> None:
    # ASCII, so that a lone surrogate in a message cannot stop the answer.
    line = json.dumps(header, ensure_ascii=True, allow_nan=False).encode("ascii")
    if len(line) + sum(map(len, blobs)) > ANSWER_BYTES_MAX:
        raise Refused("too_large", f"读出的内容超过 {ANSWER_BYTES_MAX // 2**20} MB。请分成几份。")
    sys.stdout.buffer.write(struct.pack("<Q", len(line)) + line)
    for blob in blobs:
        sys.stdout.buffer.write(blob)
    sys.stdout.buffer.flush()


def _read(request: dict[str, Any]) -> Raw:
    paths = {part: Path(path) for part, path in request["paths"].items()}
    digest = hashlib.sha256()
    contents: dict[str, bytes] = {}
    for part in sorted(paths):
        contents[part] = paths[part].read_bytes()
        if len(paths) > 1:
            digest.update(part.encode() + hashlib.sha256(contents[part]).digest())
        else:
            digest.update(contents[part])
    if len(paths) > 1:
        raw = _shapefile(contents, request)
    else:
        raw = _by_content(next(iter(contents.values())), request)
    raw.sha256 = digest.hexdigest()
    return raw


def _by_content(data: bytes, request: dict[str, Any]) -> Raw:
    """Return what the first bytes say the file is; its name is never asked."""
    rows: dict[str, Any] = {"row_limit": request["row_limit"]}
    if data.startswith(b"PK\x03\x04"):
        return _archive(data, request)
    if data.startswith(b"SQLite format 3\0"):
        if data[68:72] not in (b"GPKG", b"GP10", b"GP11"):
            raise Refused("unknown_format", "是 SQLite 数据库，但不是 GeoPackage。")
        from gis_data import _gpkg

        # A copy: what is read is what was hashed, and GDAL is never given a stranger's name.
        copy = Path(request["staging"]) / "land.gpkg"
        copy.write_bytes(data)
        return _gpkg.read(copy, layer=request["layer"], **rows)
    if data.startswith(b"\x00\x00\x27\x0a"):
        return _shapefile({"shp": data}, request)
    for signature, title in _SIGNATURES:
        if data.startswith(signature):
            raise Refused("unknown_format", f"是 {title}，不是地块文件。{_TAKEN}")
    if data.startswith(b"PAR1"):
        from gis_data import _parquet

        return _parquet.read(data, layer=request["layer"], **rows)
    head = _head(data)
    if head.startswith(("{", "[")):
        from gis_data import _geojson

        return _geojson.read(data, **rows)
    if head.startswith("<"):
        return _xml(data, head, rows)
    from gis_data import _csv

    if table := _csv.delimiter_of(data, request["outline"]):
        return _csv.read(data, *table, outline=request["outline"], **rows)
    raise Refused("unknown_format", f"看不出是什么文件。{_TAKEN}")


def _head(data: bytes) -> str:
    """Return the first characters of what may be text, its byte order mark left out."""
    codec = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data[:4096].decode(codec, "replace").lstrip()


def _xml(data: bytes, head: str, rows: dict[str, Any]) -> Raw:
    if re.search(r"<(\w+:)?gpx[\s>]", head):
        from gis_data import _gpx

        return _gpx.read(data, **rows)
    from gis_data import _kml

    return _kml.read(data, **rows)


_TAKEN = (
    "可交：GeoJSON、GeoPackage、shapefile（压缩成 .zip）、KML、KMZ、GPX、GeoParquet、"
    "带边界列的 CSV 或 Excel（.xlsx）。"
)


def _shapefile(parts: dict[str, bytes], request: dict[str, Any]) -> Raw:
    from gis_data import _shapefile

    return _shapefile.read(
        parts,
        encoding=request["encoding"],
        row_limit=request["row_limit"],
        staging=Path(request["staging"]),
    )


def _archive(data: bytes, request: dict[str, Any]) -> Raw:
    """Return the one layer in the archive: a shapefile, or one file of another format."""
    from gis_data import _zip

    members = _zip.members(data)
    if _zip.WORKBOOK in members:
        from gis_data import _xlsx

        return _xlsx.read(
            members,
            layer=request["layer"],
            outline=request["outline"],
            row_limit=request["row_limit"],
        )
    held: dict[str, dict[str, bytes]] = {}
    for name, content in members.items():
        stem, _, ending = name.rpartition(".")
        ending = ending.lower()
        if ending in ("shp", "shx", "dbf", "prj", "cpg"):
            held.setdefault(stem.lower(), {})[ending] = content
        else:
            held[name] = {ending: content}
    beside = {"shx", "dbf", "prj", "cpg"}
    layers = {name: parts for name, parts in held.items() if set(parts) - beside}
    if request["layer"] is not None and len(layers) > 1:
        layers = {n: p for n, p in layers.items() if n == request["layer"].lower()}
    if not layers:
        raise Refused("no_layer", f"压缩包里没有地块文件（.shp 等）。{_TAKEN}")
    if len(layers) > 1:
        raise Refused(
            "several_layers",
            f"压缩包里有 {len(layers)} 份地块文件，请分开交：{'、'.join(layers)[:200]}。",
        )
    parts = next(iter(layers.values()))
    if "shp" in parts:
        return _shapefile(parts, request)
    content = next(iter(parts.values()))
    if content.startswith((b"PK", b"\x00\x00\x27\x0a")):
        raise Refused("zip_nested", "压缩包里又是压缩包或改了名的文件，不读。")
    return _by_content(content, {**request, "layer": None})


if __name__ == "__main__":
    main()

"""Archives: what is inside is listed, measured and taken into memory; nothing is unpacked by name.

At most 200 entries, 500 MB counted while inflating, a hundred times the packed size, names without
folders, no link, no name twice, no password, only the endings that belong to land. A workbook of Excel
is an archive too and is held to the same, its own folders aside.
"""

import io
import lzma
import re
import stat
import struct
import zipfile
import zlib

from gis_data._rows import Refused

ENTRIES_MAX = 200
BYTES_MAX = 500 * 2**20
RATIO_MAX = 100
RATIO_FROM_BYTES = 2**20  # A short table of blanks packs a hundredfold and is harmless.
LAND = {
    "shp", "shx", "dbf", "prj", "cpg", "gpkg", "geojson", "json", "kml", "gpx", "csv", "parquet",
}  # fmt: skip
BESIDE = {"sbn", "sbx", "qix", "qpj", "qmd", "qml", "xml", "txt", "png", "jpg", "jpeg", "gif"}
_PICTURE_OF_KMZ = re.compile(r"[^/\\]+/[^/\\]+\.(png|jpe?g|gif)", re.I)


WORKBOOK = "xl/workbook.xml"
WORKBOOK_ENTRIES_MAX = 1_000
WORKBOOK_BYTES_MAX = 200 * 2**20
_READ_OF_WORKBOOK = re.compile(
    r"xl/(workbook|sharedStrings|styles)\.xml|xl/_rels/workbook\.xml\.rels|xl/worksheets/[^/]+\.xml",
    re.I,
)
_OTHER_OFFICE = {
    "word/document.xml": "Word 文档",
    "ppt/presentation.xml": "幻灯片",
    "xl/workbook.bin": "xlsb 工作簿，请另存为 .xlsx",
    "content.xml": "OpenDocument 文件，请另存为 .xlsx",
}


def members(data: bytes) -> dict[str, bytes]:
    """Return the land files of an archive by their names, and only those.

    Of a workbook, the parts that a reader of tables needs; its other parts are there without content.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            for name, title in _OTHER_OFFICE.items():
                if name in names:
                    raise Refused("unknown_format", f"是 {title}，不是地块文件。")
            if WORKBOOK in names:
                return _workbook(archive, entries)
            _check(entries)
            land = [e for e in entries if name_of(e).lower().rpartition(".")[2] in LAND]
            return _inflate(archive, land, BYTES_MAX)
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError,
        OverflowError, struct.error,
    ) as error:  # fmt: skip
        raise Refused("zip_broken", "压缩包已损坏，或用了不支持的压缩方法。请重新压缩。") from error


def _workbook(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    if len(entries) > WORKBOOK_ENTRIES_MAX:
        raise Refused("zip_entries", f"Excel 文件里有 {len(entries)} 个部分，过多。")
    seen: set[str] = set()
    for entry in entries:
        _refuse_special(entry, entry.filename, seen)
        if re.search(r"[\\:\0]|(^|/)\.\.?(/|$)|^/", entry.filename):
            raise Refused("zip_path", f"Excel 文件里的“{entry.filename[:60]}”指向别处。")
    wanted = [entry for entry in entries if _READ_OF_WORKBOOK.fullmatch(entry.filename)]
    return dict.fromkeys((entry.filename for entry in entries), b"") | _inflate(
        archive, wanted, WORKBOOK_BYTES_MAX
    )


def name_of(entry: zipfile.ZipInfo) -> str:
    """Return the entry's name; one without the UTF-8 flag was written by a Chinese Windows."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.orig_filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return entry.filename


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > ENTRIES_MAX:
        raise Refused("zip_entries", f"压缩包有 {len(entries)} 个文件，最多 {ENTRIES_MAX} 个。")
    kmz = any(entry.filename.lower().endswith(".kml") for entry in entries)
    seen: set[str] = set()
    for entry in entries:
        name = name_of(entry)
        _refuse_special(entry, name, seen)
        # The decoded name: the second byte of a Chinese character may look like a backslash.
        flat = not re.search(r"[/\\:\0]", name) and name not in (".", "..")
        if not flat and not (kmz and _PICTURE_OF_KMZ.fullmatch(name) and ".." not in name):
            raise Refused(
                "zip_path",
                f"压缩包里的“{name[:60]}”带有文件夹。请选中文件直接压缩，不要压缩文件夹。",
            )
        if name.lower().rpartition(".")[2] not in LAND | BESIDE:
            raise Refused(
                "zip_extension",
                f"压缩包里的“{name[:60]}”不是系统能读的文件。请去掉它；它就是地块时，"
                "另存为 GeoPackage、shapefile 或 GeoJSON。",
            )


def _refuse_special(entry: zipfile.ZipInfo, name: str, seen: set[str]) -> None:
    """Refuse what is no plain file of one name; ``seen`` gains its name."""
    if entry.flag_bits & 1:
        raise Refused("zip_encrypted", "压缩包有密码。请去掉密码后再交。")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused("zip_link", f"压缩包里的“{name[:60]}”是链接，不是文件。")
    if name.lower() in seen:
        raise Refused("zip_duplicate", f"压缩包里“{name[:60]}”出现两次，不知该取哪一个。")
    seen.add(name.lower())


def _inflate(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], bytes_max: int
) -> dict[str, bytes]:
    taken: dict[str, bytes] = {}
    total = 0
    for entry in entries:
        name = name_of(entry)
        pieces: list[bytes] = []
        size = 0
        with archive.open(entry) as stream:
            while piece := stream.read(2**20):
                pieces.append(piece)
                size += len(piece)
                total += len(piece)
                if total > bytes_max:
                    raise Refused("zip_bomb", f"压缩包解开后超过 {bytes_max // 2**20} MB。")
                if size > max(RATIO_FROM_BYTES, RATIO_MAX * entry.compress_size):
                    raise Refused(
                        "zip_bomb", f"“{name[:60]}”解开后超过原来的 {RATIO_MAX} 倍，不读。"
                    )
        taken[name] = b"".join(pieces)
    return taken

"""Archives: what is inside is listed, measured and taken into memory; nothing is unpacked by name.

At most 200 entries, 500 MB counted while inflating, a hundred times the packed size, names without
folders, no link, no name twice, no password, only the endings that belong to land.
"""

import io
import re
import stat
import zipfile
import zlib

from gis_data._rows import Refused

ENTRIES_MAX = 200
BYTES_MAX = 500 * 2**20
RATIO_MAX = 100
RATIO_FROM_BYTES = 2**20  # A short table of blanks packs a hundredfold and is harmless.
LAND = {"shp", "shx", "dbf", "prj", "cpg", "gpkg", "geojson", "json", "kml"}
BESIDE = {"sbn", "sbx", "qix", "qpj", "qmd", "qml", "xml", "txt", "png", "jpg", "jpeg", "gif"}
_PICTURE_OF_KMZ = re.compile(r"[^/\\]+/[^/\\]+\.(png|jpe?g|gif)", re.I)


def members(data: bytes) -> dict[str, bytes]:
    """Return the land files of an archive by their names, and only those."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check(entries)
            return _inflate(archive, entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise Refused("zip_broken", "压缩包已损坏，或用了不支持的压缩方法。请重新压缩。") from error


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
        if entry.flag_bits & 1:
            raise Refused("zip_encrypted", "压缩包有密码。请去掉密码后再交。")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Refused("zip_link", f"压缩包里的“{name[:60]}”是链接，不是文件。")
        # The decoded name: the second byte of a Chinese character may look like a backslash.
        flat = not re.search(r"[/\\:\0]", name) and name not in (".", "..")
        if not flat and not (kmz and _PICTURE_OF_KMZ.fullmatch(name) and ".." not in name):
            raise Refused(
                "zip_path",
                f"压缩包里的“{name[:60]}”带有文件夹。请选中文件直接压缩，不要压缩文件夹。",
            )
        if name.lower() in seen:
            raise Refused("zip_duplicate", f"压缩包里“{name[:60]}”出现两次，不知该取哪一个。")
        seen.add(name.lower())
        if name.lower().rpartition(".")[2] not in LAND | BESIDE:
            raise Refused("zip_extension", f"压缩包里的“{name[:60]}”不是地块文件，请去掉。")


def _inflate(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    taken: dict[str, bytes] = {}
    total = 0
    for entry in entries:
        name = name_of(entry)
        if name.lower().rpartition(".")[2] not in LAND:
            continue
        pieces: list[bytes] = []
        size = 0
        with archive.open(entry) as stream:
            while piece := stream.read(2**20):
                pieces.append(piece)
                size += len(piece)
                total += len(piece)
                if total > BYTES_MAX:
                    raise Refused("zip_bomb", f"压缩包解开后超过 {BYTES_MAX // 2**20} MB。")
                if size > max(RATIO_FROM_BYTES, RATIO_MAX * entry.compress_size):
                    raise Refused(
                        "zip_bomb", f"“{name[:60]}”解开后超过原来的 {RATIO_MAX} 倍，不读。"
                    )
        taken[name] = b"".join(pieces)
    return taken

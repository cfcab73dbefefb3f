"""GDAL as the child process may use it: one driver, on files the child itself has written.

Only for ``gis_data._reader``. Loading it narrows the whole process, so nothing else may import this.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from gis_data._rows import Refused

DRIVERS = {"ESRI Shapefile"}
# Every other vector driver of GDAL 3.12 in the wheel of pyogrio 0.13; a new one fails the assertion.
_SKIPPED = (
    "ADBC,AIVector,AVCBin,AVCE00,AmigoCloud,CSV,CSW,Carto,DGN,DXF,EDIGEO,EEDA,ESRIJSON,Elasticsearch,"
    "FlatGeobuf,GDALG,GML,GPKG,GPSBabel,GPX,GTFS,GeoJSON,GeoJSONSeq,GeoRSS,HTTP,Idrisi,JML,JSONFG,KML,"
    "LIBKML,LVBAG,MBTiles,MEM,MVT,MapInfo File,MapML,MiraMonVector,NGW,OAPIF,ODS,OGCAPI,OGR_GMT,"
    "OGR_PDS,OGR_VRT,OSM,OpenFileGDB,PCIDSK,PDF,PDS4,PGDUMP,PLSCENES,PMTiles,S57,SQLite,SXF,Selafin,"
    "TopoJSON,VDV,VFK,VICAR,WAsP,WFS,XLSX"
)
_SETTINGS = {
    "OGR_SKIP": _SKIPPED,
    "GDAL_SKIP": "VRT,GTI,WMS,WCS,WMTS,STACTA,STACIT,DERIVED,EEDAI,PLMOSAIC,DAAS",
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    # Rings are put together by where they lie; by direction, as it would for a shapefile, a file of
    # rings that run the other way throughout gives holes for land.
    "OGR_ORGANIZE_POLYGONS": "DEFAULT",
    # OGR_GEOMETRY_ACCEPT_UNCLOSED_RING stays at its default: with NO, GDAL 3.12.4 turns an unclosed
    # shell into an empty polygon and dies of an unclosed hole. With YES both come as they are, and
    # ``_rows.multipolygon_wkb`` refuses them.
}


def load() -> Any:
    """Return ``pyogrio.raw``, with ``DRIVERS`` and no others."""
    os.environ.update(_SETTINGS)
    # pyogrio would load them if it could; arrays are all that is wanted, and less code is less risk.
    for name in ("geopandas", "pandas", "pyarrow"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyogrio.raw

    opened = set(pyogrio.list_drivers())
    assert opened == DRIVERS, f"GDAL may open {DRIVERS}, and would open {opened}"
    return pyogrio.raw


def read(path: Path, **options: Any) -> tuple[list[int], list[bytes | None], dict[str, list[Any]]]:
    """Return the numbers of the rows, their geometries as WKB, and their columns.

    Raises
    ------
    Refused
        ``broken``: GDAL cannot read the file, or not to its end.
    """
    raw = load()
    try:
        meta, fids, geometries, columns = raw.read(path, return_fids=True, **options)
    except (RuntimeError, ValueError) as error:  # All errors of pyogrio, and of decoding text.
        raise Refused("broken", f"文件已损坏，读不下去：{str(error)[:80]}") from error
    named = zip(meta["fields"], (column.tolist() for column in columns), strict=True)
    return fids.tolist(), geometries.tolist(), dict(named)

"""The child process that reads rasters of a stranger and writes a tiled copy of each.

Started by ``gis_data.raster_intake`` as ``gis_data.children`` says. GDAL is given the child's own copy
of the file, in a folder where nothing lies beside it, and opens GeoTIFF and nothing else. What is
narrowed here is narrowed for the whole process, so nothing else may import this.
"""

import dataclasses
import json
import math
import os
import resource
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

DRIVERS = {"COG", "GTiff"}
# Every other driver of GDAL 3.10 in the wheel of rasterio 1.4; a new one fails the assertion.
_SKIPPED = (
    "AAIGrid,ACE2,ADRG,AIG,AVCBin,AVCE00,AirSAR,BAG,BIGGIF,BLX,BMP,BSB,BT,BYN,CALS,CEOS,COASP,COSAR,CPG,"
    "CTG,CTable2,DAAS,DERIVED,DIMAP,DIPEx,DOQ1,DOQ2,DTED,ECRGTOC,EEDA,EEDAI,EHdr,EIR,ELAS,ENVI,ERS,ESAT,"
    "ESRI Shapefile,ESRIC,ESRIJSON,FAST,FIT,GFF,GIF,GNMDatabase,GNMFile,GPKG,GRASSASCIIGrid,GRIB,GS7BG,"
    "GSAG,GSBG,GSC,GTI,GTX,GXF,GenBin,GeoJSON,GeoJSONSeq,HDF5,HDF5Image,HF2,HFA,HTTP,ILWIS,IRIS,ISCE,ISG,"
    "ISIS2,ISIS3,JAXAPALSAR,JDEM,JP2OpenJPEG,JPEG,KMLSUPEROVERLAY,KRO,L1B,LAN,LCP,LOSLAS,Leveller,MAP,"
    "MBTiles,MEM,MFF,MFF2,MRF,MSGN,MVT,Memory,NDF,NGSGEOID,NITF,NOAA_B,NSIDCbin,NTv2,NWT_GRC,NWT_GRD,OSM,"
    "OZI,PAux,PCIDSK,PCRaster,PDF,PDS,PDS4,PLMOSAIC,PNG,PNM,PRF,R,RIK,RMF,ROI_PAC,RPFTOC,RRASTER,RS2,RST,"
    "Rasterlite,S102,S104,S111,SAFE,SAGA,SAR_CEOS,SDTS,SENTINEL2,SGI,SIGDEM,SNAP_TIFF,SNODAS,SQLite,SRP,"
    "SRTMHGT,STACIT,STACTA,TGA,TIL,TSX,Terragen,TopoJSON,USGSDEM,VICAR,VRT,WCS,WEBP,WMS,WMTS,XPM,XYZ,ZMap,"
    "Zarr,netCDF"
)
_SETTINGS = {
    "GDAL_SKIP": _SKIPPED,
    "OGR_SKIP": _SKIPPED,
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_CACHEMAX": "256",  # MB
}

ADDRESS_SPACE_BYTES = 2 * 2**30
# The unpacked layer has at most 2 GB; with overviews and what cannot be packed, half as much again.
FILE_BYTES = 3 * 2**30
# A file whose header takes longer than this was made to.
OPEN_CPU_SECONDS = 10
# Reading every cell, packing it twice, reading both again, by the unpacked MB.
CPU_SECONDS_MB = 0.5
CPU_SECONDS_MAX = 2_400
# The clock, by CPU seconds allowed: a busy machine is no reason to refuse a file.
WALL_PER_CPU = 4


def main() -> None:
    """Read the request from standard input and write the answer."""
    request = json.load(sys.stdin)
    _limit()
    # After the limits: these load GDAL.
    os.environ.update(_SETTINGS)
    import rasterio

    from gis_data import rasters

    with rasterio.Env() as environment:
        opened = set(environment.drivers())
    assert opened == DRIVERS, f"GDAL may open {DRIVERS}, and would open {opened}"
    try:
        said: dict[str, Any] = {"layers": [_layer(Path(path), number, request)
                           for number, path in enumerate(request["paths"])]}  # fmt: skip
    except rasters.RasterRefused as refused:
        said = {"refused": [refused.code, refused.message]}
    except MemoryError:
        said = {"refused": ["too_large", "影像太大，读它要的内存超过限额。请裁切后再交。"]}
    json.dump(said, sys.stdout)


def _limit() -> None:
    for what, soft, hard in (
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_CPU, OPEN_CPU_SECONDS, CPU_SECONDS_MAX),
        (resource.RLIMIT_FSIZE, FILE_BYTES, FILE_BYTES),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))
    signal.alarm(WALL_PER_CPU * OPEN_CPU_SECONDS)


def _allow(seconds: float) -> None:
    """Let the child use so many more seconds of CPU, and of the clock in proportion."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    until = min(math.ceil(spent.ru_utime + spent.ru_stime + seconds), CPU_SECONDS_MAX)
    resource.setrlimit(resource.RLIMIT_CPU, (until, CPU_SECONDS_MAX))
    signal.alarm(math.ceil(WALL_PER_CPU * seconds))


def _layer(path: Path, number: int, request: dict[str, Any]) -> dict[str, Any]:
    from gis_data import rasters

    crs, held, copy = request["crs"], Path(f"given-{number}.tif"), Path(f"copy-{number}.tif")
    _allow(OPEN_CPU_SECONDS + path.stat().st_size / 2**30 * OPEN_CPU_SECONDS)
    shutil.copyfile(path, held)
    with rasters.opened(held, crs=crs, bytes_max=rasters.BYTES_MAX) as layer:
        unpacked_mb = layer.unpacked_bytes / 2**20
    _allow(OPEN_CPU_SECONDS + CPU_SECONDS_MB * unpacked_mb)
    info = rasters.inspect(held, crs=crs)
    most = request["codes_most"]
    codes = None if most is None else rasters.distinct_values(held, crs=crs, most=most)
    copy_sha256 = rasters.to_cog(held, copy, crs=crs)
    differs = rasters.difference(held, copy, crs=crs)
    held.unlink()
    return {
        "info": dataclasses.asdict(info), "codes": codes, "copy": copy.name,
        "copy_sha256": copy_sha256, "copy_differs": differs,
    }  # fmt: skip

"""Tiles in Web Mercator: the office's own base map, cut from one GeoTIFF when they are asked for, and
the rows of a staged import, as outlines."""

import logging
import math
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.vrt import WarpedVRT
from starlette.requests import Request
from starlette.responses import Response

from sinks.core import db, settings
from sinks.core.errors import NotFound
from sinks.land import import_views
from sinks.web import answers, session

log = logging.getLogger(__name__)

TILE_PIXELS = 256
ZOOM_MAX = 22
# Half the equator of the sphere of EPSG:3857 [m].
HALF_WORLD_M = math.pi * 6378137.0


def base_tile(request: Request) -> Response:
    """GET /tiles/base/{z}/{x}/{y}.png: 204 beside the picture, 404 when the office has none."""
    if session.actor_of_request(request) is None:
        return Response(status_code=401)
    path = settings.load().basemap_cog
    if path is None:
        raise NotFound("没有设置底图（SINKS_BASEMAP_COG）。", code="no_basemap")
    zoom, column, row = place(request)
    content = tile(path, zoom, column, row)
    headers = {"Cache-Control": "private, max-age=86400"}
    if content is None:
        return Response(status_code=204, headers=headers)
    return Response(content, media_type="image/png", headers=headers)


def import_tile(request: Request) -> Response:
    """GET /tiles/import/{id}/{z}/{x}/{y}.json: the rows of a staged import in this tile."""
    actor = session.actor_of_request(request)
    if actor is None:
        return Response(status_code=401)
    # Row security shows an import to those who work with imports; others get an empty map.
    zoom, column, line = place(request)
    with db.transaction(actor) as transaction:
        content = import_views.tile(
            transaction, answers.whole_number(request, "id"), zoom, column, line
        )
    # The page names another address when the rows have changed.
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(content, media_type="application/json", headers=headers)


def place(request: Request) -> tuple[int, int, int]:
    """Zoom, column and row of the tile that is asked for; NotFound where there is none."""
    zoom, column, row = (answers.whole_number(request, name) for name in "zxy")
    if zoom > ZOOM_MAX or column >= 2**zoom or row >= 2**zoom:
        raise NotFound("没有这个瓦片。", code="tile")
    return zoom, column, row


def tile(path: Path, zoom: int, column: int, row: int) -> bytes | None:
    """A tile as PNG with transparency, or None where the picture has nothing.

    Raises
    ------
    NotFound
        The file cannot be read, or is not an 8-bit picture of 1, 3 or 4 bands.
    """
    size_m = 2 * HALF_WORLD_M / 2**zoom
    place = Affine(
        size_m / TILE_PIXELS, 0, column * size_m - HALF_WORLD_M,
        0, -size_m / TILE_PIXELS, HALF_WORLD_M - row * size_m,
    )  # fmt: skip
    try:
        with rasterio.open(path) as source:
            _refuse_no_picture(source)
            # A palette's numbers are names of colours: a mean of two is a third, unrelated one.
            paletted = source.colorinterp[0] == ColorInterp.palette
            has_mask = source.nodata is not None or ColorInterp.alpha in source.colorinterp
            with WarpedVRT(
                source, crs="EPSG:3857", transform=place, width=TILE_PIXELS, height=TILE_PIXELS,
                resampling=Resampling.nearest if paletted else Resampling.bilinear,
                add_alpha=not has_mask,
            ) as view:  # fmt: skip
                opaque = view.dataset_mask()
                if not opaque.any():
                    return None
                bands = view.read(list(range(1, 4)) if source.count >= 3 else [1])
                colours = source.colormap(1) if paletted else None
    except RasterioIOError as error:
        log.exception("the base map cannot be read")
        raise NotFound(
            "底图文件打不开，请管理员检查 SINKS_BASEMAP_COG。", code="basemap"
        ) from error
    return _png(_coloured(bands, colours), opaque, place)


def _refuse_no_picture(source: DatasetReader) -> None:
    if source.count not in (1, 2, 3, 4) or set(source.dtypes) != {"uint8"}:
        raise NotFound(
            f"底图应为 8 位影像（1 至 4 个波段），现在是 {source.count} 个 {source.dtypes[0]} 波段。",
            code="basemap",
        )


def _coloured(
    bands: np.ndarray, colours: dict[int, tuple[int, int, int, int]] | None
) -> np.ndarray:
    if colours is not None:
        table = np.zeros((256, 3), dtype=np.uint8)
        for value, colour in colours.items():
            table[value] = colour[:3]
        return np.moveaxis(table[bands[0]], -1, 0)
    return np.repeat(bands, 3, axis=0) if len(bands) == 1 else bands


def _png(bands: np.ndarray, opaque: np.ndarray, place: Affine) -> bytes:
    with MemoryFile() as file:
        with file.open(
            driver="PNG", width=TILE_PIXELS, height=TILE_PIXELS, count=4, dtype="uint8",
            transform=place,  # Not kept in the PNG; without it rasterio warns at every tile.
        ) as picture:  # fmt: skip
            picture.write(np.concatenate([bands, opaque[None]]).astype(np.uint8))
        return bytes(file.read())

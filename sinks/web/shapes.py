"""The county's shapes for a map that asks for what it looks at, and for no more."""

import math
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sinks.core import db
from sinks.core.actor import Role
from sinks.core.errors import Invalid
from sinks.land import base_shapes
from sinks.web import answers, session

# Whoever draws land takes shapes; others see the parcels made from them.
READERS = frozenset({Role.OFFICER, Role.AUDITOR})
# Outlines are thinned to about a pixel of a map this wide.
MAP_PIXELS = 1200


def in_view(request: Request) -> Response:
    """GET /shapes/{layer}.geojson?bounds=west,south,east,north: the shapes in that box.

    Beside the features ``more`` is true when there are others, and the map has to look closer.
    """
    actor = session.actor_of_request(request)
    if actor is None or not actor.roles & READERS:
        return Response(status_code=401)
    layer_id = answers.whole_number(request, "layer")
    west, south, east, north = _bounds(request.query_params.get("bounds", ""))
    with db.transaction(actor) as transaction:
        found = base_shapes.in_view(
            transaction, layer_id, (west, south, east, north),
            simplify_degrees=(east - west) / MAP_PIXELS,
        )  # fmt: skip
    return JSONResponse(
        {**found.features, "more": found.more}, headers={"Cache-Control": "private, no-store"}
    )


def _bounds(text: str) -> tuple[float, float, float, float]:
    words = text.split(",")
    if len(words) == 4 and all(re.fullmatch(r"-?\d{1,3}(\.\d{1,20})?", word) for word in words):
        west, south, east, north = map(float, words)
        if west < east and south < north and math.isfinite(east - west):
            return west, south, east, north
    raise Invalid("范围应为 西,南,东,北 四个经纬度。", code="bounds")

"""The parcels of the register as tiles, by the same filters as the page that shows them."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from sinks.core import db
from sinks.core.actor import Role
from sinks.land import parcel_search
from sinks.land.parcel_search import SEARCH_CHARS_MAX, Wanted
from sinks.web import session, tiles, todo

# Those who have the page of the parcels.
READERS = frozenset(
    {Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR,
     Role.AUDITOR}
)  # fmt: skip
FIELDS = ("sink_type", "status", "district_code", "township", "search")


def query(wanted: Wanted, kind: str) -> str:
    """What stands behind the question mark of a tile's address.

    kind : of `sinks.web.todo` when the parcels are those that wait for the person, else empty
    """
    said = {name: getattr(wanted, name) for name in FIELDS}
    return urlencode(
        {name: value for name, value in said.items() if value}
        | ({"doubtful": "1"} if wanted.doubtful else {})
        | ({"todo": kind} if kind else {})
    )


def tile(request: Request) -> Response:
    """GET /tiles/parcels/{z}/{x}/{y}.json: the parcels in this tile that the filters leave."""
    actor = session.actor_of_request(request)
    if actor is None or not actor.roles & READERS:
        return Response(status_code=401)
    zoom, column, line = tiles.place(request)
    asked = request.query_params
    with db.transaction(actor) as transaction:
        ids = todo.parcel_ids(transaction, actor, asked["todo"]) if "todo" in asked else None
        wanted = Wanted(
            **{name: asked.get(name, "")[:SEARCH_CHARS_MAX] for name in FIELDS},
            doubtful="doubtful" in asked, ids=None if ids is None else tuple(ids),
        )  # fmt: skip
        content = parcel_search.tile(transaction, wanted, zoom, column, line)
    # The page names another address when what it shows has changed.
    headers = {"Cache-Control": "private, max-age=300"}
    return Response(content, media_type="application/json", headers=headers)

"""Every address of ours beside the screens, in one list, and what wraps all of them."""

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sinks.core import settings
from sinks.web import files, objecting, parcel_tiles, public, service, session, shapes, tiles
from sinks.web.answers import Endpoint, SafeHeaders, form_page, no_page, page


def _get(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["GET"])


def _post(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["POST"])


routes: list[BaseRoute] = [
    _get("/health", page(service.health)),
    _get("/sign-in", page(session.sign_in_form)),
    _post("/sign-in", form_page(session.sign_in, bytes_max=session.FORM_BYTES_MAX)),
    _get("/password", page(session.password_form)),
    _post("/password", form_page(session.change_password, bytes_max=session.FORM_BYTES_MAX)),
    _get("/sign-out", page(session.sign_out_form)),
    _post("/sign-out", form_page(session.sign_out, bytes_max=session.FORM_BYTES_MAX)),
    _get("/public", page(public.home)),
    _get("/public/", page(public.home)),
    _get("/public/check", page(public.check)),
    _post("/public/check", form_page(public.check_file, bytes_max=public.FILE_BYTES_MAX)),
    _get("/public/projects", page(public.project_list)),
    _get("/public/project/{id}", page(public.project_page)),
    _get("/public/notices", page(public.notices)),
    _get("/public/object/{kind}/{id}", page(objecting.object_form)),
    _post(
        "/public/object/{kind}/{id}",
        form_page(objecting.object_to, bytes_max=objecting.FORM_BYTES_MAX),
    ),
    _get("/public/key", page(public.keys)),
    _get("/public/key.json", page(public.keys_file)),
    _get("/public/{rest:path}", page(no_page)),
    _get("/certificates/{number}.pdf", page(files.certificate)),
    _get("/rounds/{id}/report.pdf", page(files.run_report_file)),
    _get("/rounds/{id}/report.html", page(files.run_report_file)),
    _get("/documents/{id}", page(files.document)),
    _get("/parcel-map/{id}.pdf", page(files.map_of_parcel)),
    _get("/shapes/{layer}.geojson", page(shapes.in_view)),
    _get("/tiles/base/{z}/{x}/{y}.png", page(tiles.base_tile)),
    _get("/tiles/parcels/{z}/{x}/{y}.json", page(parcel_tiles.tile)),
    _get("/tiles/import/{id}/{z}/{x}/{y}.json", page(tiles.import_tile)),
    Mount("/assets", StaticFiles(directory=settings.ROOT / "static")),
]
middleware = [Middleware(SafeHeaders)]

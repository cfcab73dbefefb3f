"""Objecting to a notice: a public form, without a login."""

import hashlib
import hmac

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from sinks.core import db, people
from sinks.core.errors import NotFound, SinksError
from sinks.crediting import projects, rounds
from sinks.crediting.objections import TEXT_LENGTH_MAX, TEXT_LENGTH_MIN
from sinks.crediting.projects import Project
from sinks.crediting.rounds import MonitoringRound
from sinks.web import answers
from sinks.web.session import refuse_foreign, text_of, with_form_token

FORM_BYTES_MAX = 32 * 1024
SAID_EN = {
    "objector": "Please give your name and a way to reach you; neither is made public.",
    "objection_text": f"Please give your reason in {TEXT_LENGTH_MIN} to {TEXT_LENGTH_MAX} characters.",
    "too_many": "Too many were sent; this one was not taken. Try again in an hour, or write to the "
    "registry.",
    "no_notice": "The period of notice is over.",
    "foreign_form": "This form was not sent from the registry's own page and was refused.",
    "form_expired": "The page was open too long or cookies are off. Please send it again.",
}


def object_form(request: Request) -> Response:
    """GET /public/object/{kind}/{id}: the form for one notice."""
    kind, number, title = _notice(request)
    return _form(request, kind, number, title)


def object_to(request: Request, form: FormData) -> Response:
    """POST /public/object/{kind}/{id}: put the objection on file and tell its number."""
    kind, number, title = _notice(request)
    typed = {name: text_of(form, name) for name in ("name", "contact", "words")}
    try:
        refuse_foreign(request, form)
        with db.transaction() as session:
            given = (projects.object_to if kind == "project" else rounds.object_to)(
                session, number, origin_hash=_origin(request), **typed
            )
    except SinksError as error:
        return _form(request, kind, number, title, typed=typed, error=error)
    return answers.html(request, "public_objected.html", title=title, number=given)


def _notice(request: Request) -> tuple[str, int, str]:
    """The notice that the address names: its kind, id, and what it is called."""
    kind, number = request.path_params["kind"], answers.whole_number(request, "id")
    with db.transaction() as session:
        row = session.get(MonitoringRound, number) if kind == "round" else None
        project = session.get(Project, row.project_id if row else number)
        if kind not in ("project", "round") or project is None or (kind == "round" and not row):
            raise NotFound("没有这项公示。", code="notice")
        under_notice = "public_notice" in (row.status if row else project.status)
        if not under_notice:
            raise NotFound("这项内容没有在公示。", code="notice")
        period = f" {row.period_start} – {row.period_end}" if row else ""
        return kind, number, f"{project.name} {project.code}{period}"


def _form(
    request: Request,
    kind: str,
    number: int,
    title: str,
    *,
    typed: dict[str, str] | None = None,
    error: SinksError | None = None,
) -> Response:
    said = None
    if error is not None:
        english = answers.language(request) == "en"
        said = SAID_EN.get(error.code, error.message) if english else error.message
    return with_form_token(
        request, "public_object.html", status=200 if error is None else 400, kind=kind,
        number=number, title=title, typed=typed or {"name": "", "contact": "", "words": ""},
        error=said, length_min=TEXT_LENGTH_MIN, length_max=TEXT_LENGTH_MAX,
    )  # fmt: skip


def _origin(request: Request) -> str:
    """A keyed hash of where the request comes from; the address itself is kept nowhere."""
    address = request.client.host if request.client else ""
    # Only our own proxy is on this machine; what it appends is where it was called from.
    if address in ("127.0.0.1", "::1") and (chain := request.headers.get("x-forwarded-for")):
        address = chain.split(",")[-1].strip()
    return hmac.new(people.office_key(), f"origin:{address}".encode(), hashlib.sha256).hexdigest()

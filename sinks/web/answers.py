"""What our own routes answer with: pages of HTML in two languages, refusals, safe headers.

A route is a plain function of a request; `page` runs it off the event loop (it waits for the
database) and turns a refusal, or a database that is away, into a page that says what, why and what
next. A fault is not caught: it goes to the log and answers 500.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sinks.core import papers, settings
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted, SinksError
from sinks.web import words

log = logging.getLogger(__name__)

LANGUAGE_COOKIE = "lang"  # ``pages/_words.py`` reads it too.
LANGUAGE_SECONDS = 365 * 24 * 3600
# Nothing but our own style sheet, pictures and forms: a page of ours has no script at all.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'self'"
)
# The database is away, restarting, or busy beyond the pool. Everything else is a fault.
OUTAGES = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
STATUS = (
    (Invalid, HTTPStatus.BAD_REQUEST),
    (NotFound, HTTPStatus.NOT_FOUND),
    (NotPermitted, HTTPStatus.FORBIDDEN),
    (Conflict, HTTPStatus.CONFLICT),
)

# What anybody can meet without signing in, by code; what is not here is said in Chinese.
REFUSED_EN = {
    "address": "There is no such page. Look at the address, or start from the public pages.",
    "project": "There is no such project, or it has not been published yet.",
    "notice": "There is no such public notice, or it is over.",
    "no_file": "No file arrived. Choose the PDF of the certificate and send it again.",
    "body_size": "What was sent is too large and was not read. Choose a smaller file.",
    "body_form": "The form arrived incomplete. Go back and send it again.",
    "database_away": "The registry's database does not answer just now. Nothing was recorded. "
    "Try again in a minute.",
    "foreign_form": "The form was not sent from a page of the registry and was refused.",
    "form_expired": "The page stood open too long, or the browser keeps no cookies. Send it again.",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class SafeHeaders:
    """ASGI middleware for every answer of the process, Streamlit's included.

    Only what Streamlit's own page bears: it needs inline scripts and a socket, so the strict
    policy stands on our HTML alone. A header that an answer has already set is kept.
    """

    HEADERS = (
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Content-Security-Policy", "frame-ancestors 'self'"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.HEADERS:
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_safely if scope["type"] == "http" else send)


def page(function: Callable[[Request], Response]) -> Endpoint:
    """An endpoint that runs ``function`` in a thread and answers refusals with a page."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answered, request, function, request)

    return endpoint


def form_page(function: Callable[[Request, FormData], Response], *, bytes_max: int) -> Endpoint:
    """Like `page`, for a form that was sent; a body above ``bytes_max`` is not read at all."""

    async def endpoint(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > bytes_max:
            too_large = Invalid(
                f"提交的内容超过 {bytes_max // 1024:,} KB，未作处理。请选择较小的文件。",
                code="body_size",
            )
            return refusal(request, too_large, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            async with request.form(max_files=1, max_fields=10) as form:
                return await run_in_threadpool(_answered, request, function, request, form)
        except HTTPException:  # Starlette's word for a body that is no form.
            broken = Invalid("提交的表单不完整，请返回重试。", code="body_form")
            return refusal(request, broken, HTTPStatus.BAD_REQUEST)

    return endpoint


def _answered(request: Request, function: Callable[..., Response], *arguments: Any) -> Response:
    try:
        return function(*arguments)
    except SinksError as error:
        found = (status for kind, status in STATUS if isinstance(error, kind))
        return refusal(request, error, next(found, HTTPStatus.BAD_REQUEST))
    except OUTAGES:
        log.exception("the database did not answer %s", request.url.path)
        away = SinksError("登记簿的数据库暂时没有应答，您的操作没有被记录。", code="database_away")
        answer = refusal(request, away, HTTPStatus.SERVICE_UNAVAILABLE)
        answer.headers["Retry-After"] = "30"
        return answer


def refusal(request: Request, error: SinksError, status: HTTPStatus) -> Response:
    """A page that says what was refused, why, and what to do next."""
    english = REFUSED_EN.get(error.code) if language(request) == "en" else None
    return html(
        request, "error.html", status=status, message=error.message, english=english,
        code=error.code,
    )  # fmt: skip


def no_page(request: Request) -> Response:
    """An address among the public ones that leads nowhere; the screens would ask to sign in."""
    raise NotFound("没有这个地址。请核对网址，或从公开查询进入。", code="address")


def language(request: Request) -> str:
    """``zh`` or ``en``: what the address says, else what was chosen before, else Chinese."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in words.LANGUAGES:
            return chosen
    return "zh"


def html(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of ours. Templates get ``lang``, ``t(zh, en)``, ``words`` and ``other_language``."""
    lang = language(request)
    text = (
        papers.environment()
        .get_template(template)
        .render(
            lang=lang,
            t=lambda zh, en: en if lang == "en" else zh,
            words=words,
            other_language=_other_language(request, lang),
            path=request.url.path,
            **values,
        )
    )
    # Never from a cache: a state read from the ledger is true at this moment only.
    headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-store"}
    answer = HTMLResponse(text, status_code=status, headers=headers)
    if request.query_params.get("lang") in words.LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, lang, max_age=LANGUAGE_SECONDS, samesite="lax", secure=is_https()
        )
    return answer


def _other_language(request: Request, lang: str) -> str:
    url = request.url.include_query_params(lang="zh" if lang == "en" else "en")
    return f"{url.path}?{url.query}"


def whole_number(request: Request, name: str) -> int:
    """A number in the address.

    Raises
    ------
    NotFound
        It is none, or longer than any key or tile number of ours.
    """
    text = request.path_params[name]
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise NotFound("没有这个地址。", code="address")
    return int(text)


def is_https() -> bool:
    """Whether people reach the registry by https: cookies then never travel without it."""
    return (settings.load().public_url or "").lower().startswith("https://")


def download(content: bytes, name: str, media_type: str) -> Response:
    """A file to be kept, never shown in the page: a stranger's HTML must not run as ours."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return Response(
        content,
        media_type=media_type,
        headers={
            # The first name is for programs that don't know the second, which is the real one.
            "Content-Disposition": (
                f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
            ),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )

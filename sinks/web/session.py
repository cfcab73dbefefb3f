"""Signing in and out: the cookie that screens and routes read alike.

The cookie holds a random token, the database its hash (`sinks.core.people`). A form is taken only
from our own page: its origin is ours, and the token in it is the one in the form's own cookie,
which no other site can read or make a browser send with a post (SameSite).
"""

import hmac
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sinks.core import db, people, settings
from sinks.core.actor import Actor
from sinks.core.errors import Invalid, NotPermitted, SinksError
from sinks.web import answers

COOKIE = "sinks_session"  # ``pages/_session.py`` reads it too.
FORM_COOKIE = "sinks_form"
SIGN_IN, SIGN_OUT, PASSWORD, HOME = "/sign-in", "/sign-out", "/password", "/"
FORM_BYTES_MAX = 16 * 1024
FORM_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
LOGIN = re.compile(r"[a-z][a-z0-9._-]{1,39}")
# A path of this house: no host, and nothing that a browser drops or reads as a slash.
LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")


class ForeignForm(NotPermitted):
    """A form that was not sent from our own page, or whose page is too old."""


def actor_of_request(request: Request) -> Actor | None:
    """The person whose session the request's cookie names; None when nobody is signed in."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    with db.transaction() as session:
        return people.actor_of_token(session, token)


def to_sign_in(request: Request) -> Response:
    """The way to the sign-in form and back to what was asked for."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(
        f"{SIGN_IN}?{urlencode({'next': wanted})}", HTTPStatus.SEE_OTHER,
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip


def sign_in_form(request: Request) -> Response:
    """GET /sign-in: the form; somebody who is signed in is sent on."""
    wanted = local_path(request.query_params.get("next"))
    if actor_of_request(request):
        return _sent_to(wanted)
    return _form(request, wanted)


def sign_in(request: Request, form: FormData) -> Response:
    """POST /sign-in: a new session and its cookie, or the form again with the reason."""
    wanted = local_path(text_of(form, "next"))
    login, password = text_of(form, "login").strip(), text_of(form, "password")
    try:
        refuse_foreign(request, form)
        token = _opened(login, password)
    except NotPermitted as error:
        if error.code == "password_one_time":
            return _password_form(request, wanted, login=login, one_time=True)
        return _form(request, wanted, login=login, error=error)
    return _with_session(wanted, token)


def _with_session(wanted: str, token: str) -> Response:
    answer = _sent_to(wanted)
    # Always a new token, whatever the browser brought: nobody can plant one beforehand. It ends
    # with the browser; the database ends it after people.SESSION_HOURS at the latest.
    answer.set_cookie(
        COOKIE, token, path="/", httponly=True, samesite="lax", secure=answers.is_https()
    )
    return answer


def _opened(login: str, password: str) -> str:
    """A token for a new session.

    Raises
    ------
    NotPermitted
        ``login`` or ``too_many_tries``; the failure is remembered.
    """
    # What can be nobody's login or password costs no hashing and no row.
    if not LOGIN.fullmatch(login) or len(password) > people.PASSWORD_LENGTH_MAX:
        raise NotPermitted("登录名或密码不对。", code="login")
    with _failures_noted(login), db.transaction() as session:
        person = people.check_password(session, login, password)
        return people.open_session(session, person, "web")


@contextmanager
def _failures_noted(login: str) -> Iterator[None]:
    """Remember a wrong password, in a transaction of its own: the one it was typed in is undone."""
    try:
        yield
    except NotPermitted as error:
        if error.code == "login":
            with db.transaction() as session:
                people.note_failure(session, login)
        raise


def password_form(request: Request) -> Response:
    """GET /password: the form that replaces one's own password."""
    wanted = local_path(request.query_params.get("next"))
    token = request.cookies.get(COOKIE)
    login = ""
    if token:
        with db.transaction() as session:
            login = people.login_of_token(session, token) or ""
    return _password_form(request, wanted, login=login)


def change_password(request: Request, form: FormData) -> Response:
    """POST /password: the new password and a session with it; every other session has ended."""
    wanted = local_path(text_of(form, "next"))
    login, old, new = text_of(form, "login").strip(), text_of(form, "old"), text_of(form, "new")
    try:
        refuse_foreign(request, form)
        if new != text_of(form, "again"):
            raise Invalid("两次输入的新密码不同，没有修改。", code="password_again")
        if not LOGIN.fullmatch(login) or len(old) > people.PASSWORD_LENGTH_MAX:
            raise NotPermitted("登录名或密码不对。", code="login")
        with _failures_noted(login), db.transaction() as session:
            person = people.change_password(session, login, old, new)
            token = people.open_session(session, person, "web")
    except (NotPermitted, Invalid) as error:
        return _password_form(request, wanted, login=login, error=error)
    return _with_session(wanted, token)


def _password_form(
    request: Request,
    wanted: str,
    *,
    login: str,
    one_time: bool = False,
    error: SinksError | None = None,
) -> Response:
    return with_form_token(
        request, "password.html", status=_status_of(error), wanted=wanted, login=login[:40],
        one_time=one_time, error=_said(request, error) if error else None,
        length_min=people.PASSWORD_LENGTH_MIN,
    )  # fmt: skip


def sign_out_form(request: Request) -> Response:
    """GET /sign-out: asks once. A mere link must not sign anybody out."""
    actor = actor_of_request(request)
    if actor is None:
        return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
    return with_form_token(request, "sign_out.html", name=actor.name, party=actor.party_name)


def sign_out(request: Request, form: FormData) -> Response:
    """POST /sign-out: every session of this person ends, in every browser and command line."""
    refuse_foreign(request, form)
    if token := request.cookies.get(COOKIE):
        with db.transaction() as session:
            people.close_session(session, token)
    answer = RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=answers.is_https())
    return answer


def local_path(wanted: str | None) -> str:
    """Where to go afterwards: a path of ours, or the home page when it leads elsewhere."""
    if not wanted or not LOCAL_PATH.fullmatch(wanted):
        return HOME
    # Back to these would be a circle.
    return HOME if wanted.split("?")[0] in (SIGN_IN, SIGN_OUT, PASSWORD) else wanted


def refuse_foreign(request: Request, form: FormData) -> None:
    """Refuse a form from another site.

    Raises
    ------
    ForeignForm
        The origin is another, or the form's token is not the cookie's.
    """
    # Every browser names its origin with a post; a program that names none has no person's
    # cookies to abuse, and still has to bring both halves of the token.
    origin = request.headers.get("origin") or request.headers.get("referer")
    if origin and urlsplit(origin).netloc.lower() not in _own_hosts(request):
        raise ForeignForm("这个表单不是从登记簿的页面提交的，已拒绝。", code="foreign_form")
    sent, kept = text_of(form, "token"), request.cookies.get(FORM_COOKIE, "")
    if not kept or not hmac.compare_digest(sent.encode(), kept.encode()):
        raise ForeignForm("页面停留过久或浏览器未保存 Cookie，请重新提交。", code="form_expired")


def _own_hosts(request: Request) -> set[str]:
    # Behind a proxy the host that reaches us may be an inner one; the public one is a setting.
    named = urlsplit(settings.load().public_url or "").netloc.lower()
    return {request.headers.get("host", "").lower(), named} - {""}


def _form(
    request: Request, wanted: str, *, login: str = "", error: SinksError | None = None
) -> Response:
    return with_form_token(
        request, "sign_in.html", status=_status_of(error), wanted=wanted, login=login[:40],
        error=_said(request, error) if error else None,
    )  # fmt: skip


def _status_of(error: SinksError | None) -> HTTPStatus:
    if error is None:
        return HTTPStatus.OK
    if error.code == "too_many_tries":
        return HTTPStatus.TOO_MANY_REQUESTS
    return HTTPStatus.BAD_REQUEST if isinstance(error, Invalid) else HTTPStatus.FORBIDDEN


def _said(request: Request, error: SinksError) -> str:
    if answers.language(request) == "zh":
        return error.message
    return {
        "login": "Wrong login or password.",
        "too_many_tries": f"Too many failures. Try again in {people.LOGIN_WAIT_MINUTES} minutes.",
        "foreign_form": "This form was not sent from the registry's own page and was refused.",
        "password": f"A password has {people.PASSWORD_LENGTH_MIN} to {people.PASSWORD_LENGTH_MAX} "
        "characters.",
        "password_same": "The new password is the old one.",
        "password_again": "The two new passwords differ; nothing was changed.",
        "form_expired": "The page was open too long or cookies are off. Please send it again.",
    }[error.code]


def with_form_token(
    request: Request, template: str, *, status: int = HTTPStatus.OK, **values: object
) -> Response:
    """A page with a form that `refuse_foreign` takes; its template puts ``token`` in the form."""
    # Kept while the browser is open, so that two open forms do not spoil each other.
    kept = request.cookies.get(FORM_COOKIE, "")
    token = kept if FORM_TOKEN.fullmatch(kept) else secrets.token_urlsafe(24)
    answer = answers.html(request, template, status=status, token=token, **values)
    answer.set_cookie(
        FORM_COOKIE, token, path="/", httponly=True, samesite="lax", secure=answers.is_https()
    )
    return answer


def _sent_to(path: str) -> RedirectResponse:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def text_of(form: FormData, name: str) -> str:
    """What was typed into a field; empty when it is missing or is a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""

"""Our routes behind a real server on a port of this machine, and browsers without a screen."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
import sqlalchemy as sa
import uvicorn
from starlette.applications import Starlette

from sinks.web import service
from sinks.web.routes import middleware, routes
from tests import world

STOP_SECONDS_MAX = 20


class Browser(requests.Session):
    """Keeps cookies, names its origin with a post, and does not follow redirects by itself."""

    def __init__(self, home: str) -> None:
        super().__init__()
        self.home = home

    def request(self, method, url, **kw):  # type: ignore[no-untyped-def]
        kw["allow_redirects"] = False
        kw.setdefault("timeout", 60)
        if method.upper() == "POST":
            kw["headers"] = {"Origin": self.home, **kw.get("headers", {})}
        return super().request(method, self.home + url, **kw)

    def token(self, path: str) -> str:
        """The hidden token of the form at a path."""
        found = re.search(r'name="token" value="([^"]+)"', self.get(path).text)
        assert found, f"no form token at {path}"
        return found[1]

    def sign_in(
        self, login: str, password: str = world.PASSWORD, *, next_path: str = "/", **headers: str
    ) -> requests.Response:
        """Fill the form in and send it."""
        fields = {"token": self.token("/sign-in"), "login": login, "password": password,
                  "next": next_path}  # fmt: skip
        return self.post("/sign-in", data=fields, headers=headers)

    def sign_out(self) -> requests.Response:
        return self.post("/sign-out", data={"token": self.token("/sign-out")})


@dataclass(frozen=True)
class Site:
    """The address of the running server."""

    home: str

    def browser(self, login: str | None = None) -> Browser:
        """A fresh browser, signed in when a login is given."""
        browser = Browser(self.home)
        if login:
            assert browser.sign_in(login).status_code == 303
        return browser


@pytest.fixture(scope="module")
def site(engine: sa.Engine) -> Iterator[Site]:
    """The real routes, middleware and lifespan on the module's own database."""
    app = Starlette(routes=routes, middleware=middleware, lifespan=service.lifespan)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive(), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Site(f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(STOP_SECONDS_MAX)

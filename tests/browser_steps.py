"""The real program for the tests with a browser, and what a person does on its screens.

`Program` is `sinks up` in a process of its own. `Visitor` is one browser profile: somebody who is
signed in, or the public. Every address that either of them talks to is remembered.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from playwright.sync_api import (
    Browser,
    Locator,
    Page,
    TimeoutError,
    expect,
    sync_playwright,
)
from sqlalchemy.orm import Session

from sinks.core import db, people
from sinks.core.actor import Actor
from sinks.core.cluster import Cluster
from sinks.core.people import Person
from tests import browser_help as screen

ROOT = Path(__file__).parents[1]
SINKS = Path(sys.executable).with_name("sinks")
ON_THE_LINE = Path(__file__).parent / "browser" / "on_the_line"
UP_SECONDS_MAX = 90
READY = "公开查询"
HERE = {None, "", "localhost", "127.0.0.1", "::1"}
# How long a page has to be at rest: long enough for a click to reach the server and come back.
REST_MS = 350
LIST_MS = 4_000
TRIES = 5
AT_REST = """(rest) => {
    const app = document.querySelector("[data-testid='stApp']");
    const rests = app && app.dataset.testScriptState === "notRunning"
        && app.dataset.testConnectionState === "CONNECTED"
        && !document.querySelector("[data-stale='true']");
    if (!rests) { window.sinksSince = null; return false; }
    window.sinksSince ??= performance.now();
    return performance.now() - window.sinksSince > rest;
}"""


@dataclass(frozen=True)
class Program:
    """`sinks up` as it runs: its process, where its data lie, what it has said so far."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    said: list[str]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does, and wait; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def book_of(folder: Path) -> Path:
    """Where `on_the_line` writes down whom the program's processes talk to."""
    return folder / "on-the-line.jsonl"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium, patient with a busy machine."""
    with sync_playwright() as playwright:
        launched = screen.launch(playwright)
        expect.set_options(timeout=screen.PATIENCE_MS)
        try:
            yield launched
        finally:
            expect.set_options(timeout=5_000)
            launched.close()


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for a registry's data that goes away. In /tmp: a socket's path must stay short."""
    folder = Path(tempfile.mkdtemp(prefix="sinks-b", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        Cluster(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(folder: Path) -> dict[str, str]:
    """The environment of a program that keeps its data in ``folder`` and is listened to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SINKS_")}
    return kept | {
        "SINKS_DATA_DIR": str(folder),
        "SINKS_TEST_BOOK": str(book_of(folder)),
        "PYTHONPATH": str(ON_THE_LINE),
    }


def up(
    folder: Path,
    *,
    port: int | None = None,
    within: Sequence[str] = (),
    wait_s: float = UP_SECONDS_MAX,
) -> Program:
    """Start the program on the data in ``folder`` and wait until it serves.

    within : a command to start it with, such as one that leaves the network
    """
    port = port or free_port()
    process = subprocess.Popen(
        [*within, str(SINKS), "up", "--port", str(port)],
        cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", start_new_session=True,
    )  # fmt: skip
    program = Program(process, folder, port, [])
    ready = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            program.said.append(line.rstrip())
            if READY in line:
                ready.set()
        ready.set()  # It has ended: waiting longer would tell nothing.

    threading.Thread(target=listen, daemon=True).start()
    if not ready.wait(wait_s) or process.poll() is not None:
        process.kill()
        raise AssertionError("the program did not start; it said:\n" + "\n".join(program.said))
    return program


def printed_password(program: Program, login: str) -> str:
    """The password that the program has shown once for a new account."""
    found = [re.match(rf"\s*{login}\s+(\S+)\s", line) for line in program.said]
    [password] = [match[1] for match in found if match]
    return password


@dataclass(frozen=True)
class Call:
    """Something a process asked of the network: what, where, and the command of the process."""

    event: str
    address: str
    program: str


def calls_in(folder: Path) -> list[Call]:
    """Everything the Python processes of the program in ``folder`` have asked of the network."""
    lines = [json.loads(line) for line in book_of(folder).read_text().splitlines()]
    return [Call(line["event"], line["address"] or "", " ".join(line["program"])) for line in lines]


def leaving(calls: Sequence[Call]) -> list[Call]:
    """Those that leave this machine; a path is the socket of the program's own database."""
    return [call for call in calls if call.address not in HERE and not call.address.startswith("/")]


@dataclass
class Registry:
    """What the program has in its database, read by the test beside it, through the core."""

    engine: sa.Engine

    @contextmanager
    def as_(self, login: str) -> Iterator[tuple[Session, Actor]]:
        """A transaction on behalf of this person."""
        with db.transaction(bind=self.engine) as session:
            actor = actor_of(session, login)
        with db.transaction(actor, bind=self.engine) as session:
            yield session, actor


def actor_of(session: Session, login: str) -> Actor:
    found = session.scalar(sa.select(Person).where(Person.login == login))
    assert found is not None, login
    return people.actor_of(session, found.id)


@dataclass
class Visitor:
    """One browser profile on the program; ``asked`` holds every address it has asked."""

    page: Page
    home: str
    asked: list[str] = field(default_factory=list)
    typed: bool = False  # since the screen was last seen at rest
    pressed: bool = False

    def elsewhere(self) -> list[str]:
        """Addresses of other hosts among them."""
        host = urlsplit(self.home).netloc
        return [
            url for url in self.asked
            if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc != host
        ]  # fmt: skip

    def go(self, path: str) -> None:
        """Open a screen by its address."""
        self.page.goto(f"{self.home}{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the screen is at rest."""
        self.typed = self.pressed = False
        self.page.evaluate("window.sinksSince = null")
        self.page.wait_for_function(AT_REST, arg=REST_MS, polling=50)

    def read(self, path: str) -> None:
        """Open a page that is no screen (public pages have no script to wait for)."""
        self.typed = self.pressed = False
        self.page.goto(f"{self.home}{path}")

    def ready(self) -> None:
        """Wait for the answer to what was done last, before the next thing is done or read."""
        if self.typed or self.pressed:
            self.settle()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        """Press the button with this name."""
        self.ready()
        self.button(name).click()
        self.pressed = True

    def decide(self, name: str, *, saying: str | None = None) -> None:
        """Press a button that asks once more, read what it asks, and say yes."""
        self.ready()
        self.button(name).click()
        yes = self.button(f"确认{name}")
        yes.wait_for()
        if saying is not None:
            expect(self.page.locator(".sinks-sentence[role=alert]")).to_contain_text(saying)
        self.settle()
        yes.click()
        self.pressed = True

    def told(self, said: str) -> None:
        """Expect to be told that it is done."""
        toast = self.page.get_by_test_id("stToast").filter(has_text=said)
        expect(toast.first).to_be_visible()
        self.settle()

    def dismiss(self) -> None:
        """Close what has been told, so that it is not taken for the answer to the next step."""
        for close in self.page.get_by_test_id("stToast").get_by_role("button").all():
            close.click()
        expect(self.page.get_by_test_id("stToast")).to_have_count(0)

    def refused(self, *words: str) -> str:
        """Expect a refusal with these words in it; all of what it says."""
        alert = self.page.get_by_test_id("stAlert").filter(has_text="没有办成").first
        for word in words:
            expect(alert).to_contain_text(word)
        return alert.inner_text()

    def type(self, label: str, text: str, *, within: Locator | None = None) -> None:
        """Write into the field with this label, and leave it."""
        if self.pressed:  # Several fields are written one after the other; a new screen is awaited.
            self.settle()
        box = (within or self.page).get_by_label(label, exact=True)
        box.fill(text)
        box.press("Tab")
        self.typed = True

    def tick(self, label: str, *, within: Locator | None = None) -> None:
        """Tick the box with this label, by clicking the word as people do."""
        self.ready()
        where = within or self.page
        where.get_by_test_id("stCheckbox").filter(has_text=label).locator("label").click()
        self.pressed = True

    def choose(self, label: str, option: str) -> None:
        """Choose from a list; an option is named by a part of its words."""
        self.ready()
        box = self.page.get_by_test_id("stSelectbox").filter(
            has=self.page.locator("label").get_by_text(label, exact=True)
        )
        wanted = self.page.get_by_role("option").filter(has_text=option).first
        for _ in range(TRIES):
            box.get_by_role("combobox").click()
            # A run that ends just now (a map has reported) folds an open list up again. Of a long
            # list only what is in view is there; the words that are typed bring the rest.
            with suppress(TimeoutError):
                box.get_by_role("combobox").fill(option, timeout=LIST_MS)
                wanted.click(timeout=LIST_MS)
                self.pressed = True
                return
        raise AssertionError(f"{label}: no choice named {option}")

    def day(self, label: str, day: date) -> None:
        """Write a day into the field with this label."""
        self.ready()
        box = self.page.get_by_test_id("stDateInput").filter(has_text=label)
        # Year, month and day are parts of their own; a full one hands on to the next.
        box.get_by_role("spinbutton").first.click()
        self.page.keyboard.type(f"{day:%Y%m%d}", delay=30)
        self.page.keyboard.press("Tab")
        self.pressed = True
        shown = [part.inner_text() for part in box.get_by_role("spinbutton").all()]
        assert [int(part) for part in shown] == [day.year, day.month, day.day], shown

    def pick(self, name: str) -> None:
        """Press one of a row of choices (a segment or a radio)."""
        self.ready()
        self.page.get_by_test_id("stButtonGroup").get_by_role("radio", name=name).or_(
            self.page.get_by_test_id("stButtonGroup").get_by_role("button", name=name)
        ).first.click()
        self.pressed = True

    def mark(self, question: str, answer: str) -> None:
        """Mark one of the answers that stand below each other or side by side."""
        self.ready()
        self.page.get_by_test_id("stRadio").filter(has_text=question).locator("label").filter(
            has_text=answer
        ).click()
        self.pressed = True

    def unfold(self, title: str) -> Locator:
        """Open the fold with this title; the fold."""
        self.ready()
        fold = self.page.get_by_test_id("stExpander").filter(
            has=self.page.locator("summary").filter(has_text=title)
        )
        if fold.locator("details").get_attribute("open") is None:
            fold.locator("summary").click()
            self.settle()
        return fold

    def hand_in(self, label: str, files: Path | Mapping[str, Any]) -> None:
        """Give a file to the field with this label."""
        self.ready()
        field_ = self.page.get_by_test_id("stFileUploader").filter(has_text=label)
        field_.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
        expect(field_.get_by_role("button", name="Remove ")).to_be_visible()
        self.pressed = True

    def rows(self, heading: str) -> list[dict[str, str]]:
        """The table that has this heading, a row a dict: heading without its unit -> words."""
        self.ready()
        table = self.page.locator("table.sinks-table").filter(
            has=self.page.locator("th").filter(has_text=heading)
        )
        found = table.first.evaluate(
            """table => [...table.rows].map(row => [...row.cells].map(cell => {
                const copy = cell.cloneNode(true);
                if (cell.tagName === "TH") copy.querySelectorAll("small").forEach(x => x.remove());
                return copy.textContent.trim();
            }))"""
        )
        return [dict(zip(found[0], row, strict=True)) for row in found[1:]]

    def fact(self, name: str) -> str:
        """What a card says under this name."""
        self.ready()
        term = self.page.locator("dl.sinks-facts dt").get_by_text(name, exact=True).first
        return term.locator("xpath=following-sibling::dd[1]").inner_text()

    def state(self) -> str:
        """The word on the chip beside the record's title."""
        self.ready()
        return self.page.locator(".sinks-heading .sinks-chip").first.inner_text()


def visit(browser: Browser, program: Program, *, width: int = 1280, height: int = 800) -> Visitor:
    """Somebody in a fresh browser profile, not signed in."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", service_workers="block",
        accept_downloads=True,
    )  # fmt: skip
    visitor = Visitor(context.new_page(), program.url)
    visitor.page.set_default_timeout(screen.PATIENCE_MS)
    context.on("request", lambda request: visitor.asked.append(request.url))
    visitor.page.on("websocket", lambda socket: visitor.asked.append(socket.url))
    return visitor


def sign_in(visitor: Visitor, login: str, password: str) -> str:
    """Go through the sign-in form, to the things that wait, and give the password from then on.

    One that an administrator chose is good once, to set one's own.
    """
    visitor.read("/sign-in")
    visitor.page.get_by_label("登录名").fill(login)
    visitor.page.get_by_label("密码").fill(password)
    enter = visitor.page.get_by_role("button", name="登录", exact=True)
    enter.click()
    enter.wait_for(state="detached")
    visitor.page.wait_for_load_state()
    if visitor.page.get_by_label("再输入一次新密码").count():
        own = f"{password}, my own"
        visitor.page.get_by_label("原密码").fill(password)
        visitor.page.get_by_label("新密码（").fill(own)
        visitor.page.get_by_label("再输入一次新密码").fill(own)
        visitor.page.get_by_role("button", name="换成新密码").click()
        password = own
    visitor.page.wait_for_url(f"{visitor.home}/")
    visitor.settle()
    return password


def places(page: Page, lonlat: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where longitude and latitude lie on the map now, as shares of its width and height."""
    canvas = screen.wait_map(page)
    found = canvas.evaluate(
        """(node, lonlat) => {
            const map = node.ownerDocument.defaultView.map, size = map.getSize();
            return lonlat.map(([x, y]) => {
                const at = map.latLngToContainerPoint([y, x]);
                return [at.x / size.x, at.y / size.y];
            });
        }""",
        list(lonlat),
    )
    return [(x, y) for x, y in found]


def zoom_to(page: Page, lonlat: tuple[float, float], level: int) -> None:
    """Turn the wheel over a place until the map has come near enough."""
    for _ in range(2 * level):
        canvas = screen.wait_map(page)
        zoom = canvas.evaluate("node => node.ownerDocument.defaultView.map.getZoom()")
        if zoom >= level:
            return
        page.mouse.move(*screen.at(page, places(page, [lonlat])[0]))
        page.mouse.wheel(0, -240)
        time.sleep(0.4)
    raise AssertionError(f"the map did not come nearer than zoom {zoom}")

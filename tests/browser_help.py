"""A real Chromium for the tests: open a page, draw on a map with the mouse, wait for Streamlit.

Chromium comes from the system package; playwright's own download is never used.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, FrameLocator, Locator, Page, Playwright, expect

CHROMIUM = Path("/usr/bin/chromium")
# No sandbox: tests run as root in containers. The rest keeps Chromium from calling home, which
# would be counted as requests of ours.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000
MAP_FRAME = "iframe[title^='streamlit_folium']"
# streamlit-folium gathers what happens on a map for this long before it tells the server.
MAP_PAUSE_S = 0.6

_asked: dict[Page, list[str]] = {}


def launch(playwright: Playwright) -> Browser:
    """A headless Chromium."""
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)


def open_page(
    browser: Browser, url: str, *, width: int = 1280, height: int = 800, touch: bool = False
) -> Page:
    """A page in a fresh browser profile, all whose requests are remembered."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        has_touch=touch,
        is_mobile=touch,
        service_workers="block",
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    asked = _asked[page] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(url)
    wait_streamlit_idle(page)
    return page


def requests_elsewhere(page: Page) -> list[str]:
    """Addresses of other hosts that the page, its frames and sockets have asked since it opened."""
    home = urlsplit(page.url).netloc
    return [
        url
        for url in _asked[page]
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc != home
    ]


def wait_streamlit_idle(page: Page) -> None:
    """Wait until the script has run and stays at rest."""
    app = page.locator("[data-testid='stApp']")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=PATIENCE_MS)
    quiet = 0
    # Two looks in a row: a map reports a moment after it was touched and starts another run.
    while quiet < 2:
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE_MS)
        expect(page.locator("[data-stale='true']")).to_have_count(0, timeout=PATIENCE_MS)
        time.sleep(MAP_PAUSE_S)
        still = app.get_attribute("data-test-script-state") == "notRunning"
        quiet = quiet + 1 if still else 0


def map_frame(page: Page) -> FrameLocator:
    """The frame of the last map on the page (during a run the old one is still beside it)."""
    return page.locator(MAP_FRAME).last.content_frame


def wait_map(page: Page) -> Locator:
    """The map itself, once it stands, scrolled into view."""
    canvas = map_frame(page).locator(".leaflet-container")
    canvas.wait_for(state="visible")
    page.locator(MAP_FRAME).last.scroll_into_view_if_needed()
    # The fade and zoom of Leaflet end after a quarter of a second; a click before that misses.
    time.sleep(MAP_PAUSE_S)
    return canvas


def at(page: Page, fraction: tuple[float, float]) -> tuple[float, float]:
    """Where a place on the map, as shares of its width and height, lies on the page [px]."""
    box = wait_map(page).bounding_box()
    assert box is not None, "the map is not on the page"
    return box["x"] + fraction[0] * box["width"], box["y"] + fraction[1] * box["height"]


def click_map(page: Page, fraction: tuple[float, float]) -> None:
    """Click the map at shares of its width and height, and wait for the page's answer."""
    page.mouse.click(*at(page, fraction))
    time.sleep(MAP_PAUSE_S)
    wait_streamlit_idle(page)


def draw_polygon(page: Page, points_fraction: Sequence[tuple[float, float]]) -> None:
    """Draw a polygon with the mouse, corners as shares of the map's width and height.

    Corners lie at least 20 px apart, clear of the toolbar at the left and the boxes in the
    corners. Afterwards the page has run with the outline. Every corner is seen on the map before the
    next is set; a map that lost one, as a busy machine's does, is begun anew, as a person would.
    """
    for _ in range(3):
        try:
            _set_corners(page, points_fraction)
        except AssertionError:
            page.keyboard.press("Escape")
            wait_streamlit_idle(page)
        else:
            break
    time.sleep(MAP_PAUSE_S)
    wait_streamlit_idle(page)


def _set_corners(page: Page, points_fraction: Sequence[tuple[float, float]]) -> None:
    corners = [at(page, point) for point in points_fraction]
    map_frame(page).locator(".leaflet-draw-draw-polygon").click()
    seen = map_frame(page).locator(".leaflet-marker-pane .leaflet-editing-icon")
    for number, (x, y) in enumerate((*corners, corners[0]), start=1):
        # Leaflet.draw puts a corner where the mouse was last seen moving, so it moves first.
        page.mouse.move(x - 3, y - 3)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.up()
        # The last click, on the first corner, ends the outline, and its corners are taken away.
        expect(seen).to_have_count(number if number <= len(corners) else 0, timeout=10_000)
        # Two clicks within a third of a second would be a double click, which ends the outline.
        time.sleep(0.35)

"""Maps on a real screen: drawn on, clicked, read, and nothing asked of any other host."""

import ast
import json
import math
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import folium
import numpy as np
import pyproj
import pytest
from folium import plugins
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pages import _maps, _offline, _pixels
from tests import browser_help as screen

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "static"
ENTRY = """
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
import streamlit as st
app = st.App({gallery!r}, routes=[Mount("/assets", StaticFiles(directory={static!r}))])
"""
SQUARE = {
    "type": "Polygon",
    "coordinates": [
        [[119.6, 30.6], [119.61, 30.6], [119.61, 30.61], [119.6, 30.61], [119.6, 30.6]]
    ],
}


def assets(kind: type) -> list[str]:
    js, css = getattr(kind, "default_js", []), getattr(kind, "default_css", [])
    return [url for _, url in [*js, *css]]


@pytest.mark.parametrize("kind", [*_offline.USED, _maps._Manners], ids=lambda kind: kind.__name__)
def test_every_asset_of_what_our_maps_use_is_a_file_in_static(kind: type) -> None:
    for url in assets(kind):
        assert url.startswith("/assets/")
        assert (STATIC / url.removeprefix("/assets/")).is_file(), url


def test_localizing_twice_changes_nothing() -> None:
    before = {kind: assets(kind) for kind in _offline.USED}
    _offline.localize()
    assert {kind: assets(kind) for kind in _offline.USED} == before


def test_addresses_stand_below_the_path_of_a_proxy() -> None:
    from streamlit import config

    assert _offline.base_url() == "/assets"
    config.set_option("server.baseUrlPath", "/carbon/")
    try:
        assert _offline.base_url() == "/carbon/assets"
    finally:
        config.set_option("server.baseUrlPath", "")


def test_a_base_map_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(_maps.BasemapUnknown, match="xyz"):
        _maps._base("k", None, [{"kind": "wms", "name": "影像", "url": "/wms"}])


def test_a_map_with_a_plugin_of_another_host_is_refused() -> None:
    page_map = folium.Map(tiles=None)
    _offline.assert_local(page_map)
    plugins.MarkerCluster().add_to(folium.FeatureGroup().add_to(page_map))
    with pytest.raises(_offline.AssetNotLocal, match="MarkerCluster loads https://"):
        _offline.assert_local(page_map)


def test_pages_make_maps_only_through_the_page_kit() -> None:
    for path in (ROOT / "pages").glob("*.py"):
        if path.name in ("_maps.py", "_offline.py", "_tile_map.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & {"folium", "streamlit_folium"}, path


def test_our_style_sheets_and_scripts_load_nothing_from_elsewhere() -> None:
    for path in STATIC.rglob("*.css"):
        for address in re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')]+)", path.read_text()):
            assert not address.startswith(("http:", "https:", "//")), f"{path}: {address}"
            if not address.startswith(("data:", "#")):
                assert (path.parent / address.split("?")[0]).is_file(), f"{path}: {address}"


def test_every_vendored_folder_has_its_licence_and_stands_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text()
    folders = [path for path in (STATIC / "vendor").iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert list(folder.glob("LICENSE*")), folder
        assert f"static/vendor/{folder.name} " in notice


def test_every_setting_of_the_screens_is_one_that_streamlit_knows() -> None:
    from streamlit import config

    known = config.get_config_options()
    ours = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    for section, settings in ours.items():
        for name, value in settings.items():
            if isinstance(value, dict):
                assert {f"{section}.{name}.{below}" for below in value} <= known.keys()
            else:
                assert f"{section}.{name}" in known
    # Without these Streamlit asks other hosts, or shows a traceback to a farmer.
    assert ours["browser"] == {"serverAddress": "localhost", "gatherUsageStats": False}
    assert ours["server"]["address"] == "127.0.0.1"
    assert ours["client"]["showErrorDetails"] == "none"
    assert ours["client"]["showErrorLinks"] is False


def test_an_owner_in_a_feature_never_reaches_the_browser() -> None:
    feature = {
        "type": "Feature",
        "geometry": SQUARE,
        "properties": {"id": "p_1", "label": "AJ-1", "state_colour": "#1f7a4d", "owner": "王大山"},
    }
    sent = json.loads(_maps._collection([feature]))
    assert sent["features"][0]["properties"] == {
        "id": "p_1", "label": "AJ-1", "state_colour": "#1f7a4d",
    }  # fmt: skip
    assert sent["features"][0]["geometry"] == SQUARE


def test_a_colour_that_is_not_a_colour_is_refused() -> None:
    feature = {"geometry": SQUARE, "properties": {"id": 1, "state_colour": 'red" onload="x'}}
    with pytest.raises(ValueError, match="#rrggbb"):
        _maps._collection([feature])


@given(st.recursive(st.text() | st.none() | st.integers(), lambda inner: st.lists(inner)))
def test_data_in_a_map_script_reads_back_and_opens_neither_tag_nor_template(value: Any) -> None:
    script = _maps._script_json(value)
    assert json.loads(script) == value
    assert not re.search(r"<|\{\{|\{%|\{#|\u2028|\u2029", script)


@pytest.mark.parametrize("nasty", ["{{{{ 7 * 7 }}", "{% raise %}", "{# x", "</script>", "{{%"])
def test_known_ways_out_of_a_string_are_closed(nasty: str) -> None:
    script = _maps._script_json({"label": nasty})
    assert json.loads(script) == {"label": nasty}
    assert not re.search(r"<|\{\{|\{%|\{#", script)


def test_cells_without_a_value_are_clear_and_the_ends_have_the_ends_of_the_ramp() -> None:
    values = np.array([[0.0, np.nan], [5.0, 10.0]])
    pixels = _pixels.ramp_pixels(values, _pixels.scale_of(values[np.isfinite(values)]))
    assert pixels[0, 1].tolist() == [0, 0, 0, 0]
    assert pixels[0, 0].tolist() == [0xF7, 0xF4, 0xE9, 255]
    assert pixels[1, 1].tolist() == [0x0B, 0x3D, 0x3A, 255]


def test_a_difference_is_white_where_nothing_changed() -> None:
    values = np.array([[-1.0, 0.0, 4.0]])
    scale = _pixels.scale_of(values.ravel())
    assert scale is not None and scale[:2] == (-4.0, 4.0)
    assert _pixels.ramp_pixels(values, scale)[0, 1].tolist() == [255, 255, 255, 255]


def test_a_layer_without_any_value_has_no_scale_and_no_colour() -> None:
    values = np.full((2, 3), np.nan)
    assert _pixels.scale_of(values[np.isfinite(values)]) is None
    assert not _pixels.ramp_pixels(values, None).any()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that shows tests/pages/gallery.py as app.py would."""
    if not screen.CHROMIUM.exists():
        pytest.skip(f"no {screen.CHROMIUM}")
    folder = tmp_path_factory.mktemp("gallery")
    entry = folder / "app.py"
    here = str(Path(__file__).parent / "gallery.py")
    entry.write_text(ENTRY.format(gallery=here, static=str(STATIC)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(entry), "--server.port", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
        )
        try:
            url = f"http://localhost:{port}"
            wait_until_up(url, server, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_until_up(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(240):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{url}/assets/shim.js").close()
            return
        except urllib.error.URLError:
            time.sleep(0.25)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def browser(gallery: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = screen.launch(playwright)
        yield chromium
        chromium.close()


def said(page: Page) -> dict[str, Any]:
    """What the page says it got back."""
    return dict(json.loads(page.locator("pre[data-said]").last.inner_text()))


def centre_of(page: Page, n: int) -> tuple[float, float]:
    box = screen.map_frame(page).locator("path.leaflet-interactive").nth(n).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def settle(page: Page) -> None:
    time.sleep(screen.MAP_PAUSE_S)
    screen.wait_streamlit_idle(page)


@pytest.mark.browser
def test_a_polygon_drawn_with_the_mouse_comes_back_and_a_second_replaces_it(
    gallery: str, browser: Browser
) -> None:
    page = screen.open_page(browser, f"{gallery}/?show=draw")
    assert said(page) == {"geometry": None}
    screen.draw_polygon(page, [(0.3, 0.3), (0.6, 0.3), (0.6, 0.7), (0.3, 0.7)])
    first = said(page)["geometry"]
    assert first["type"] == "Polygon" and len(first["coordinates"][0]) == 5
    west, south, east, north = (119.59, 30.59, 119.64, 30.62)
    assert all(
        west - 0.05 < x < east + 0.05 and south - 0.05 < y < north + 0.05
        for x, y in first["coordinates"][0]
    )
    xs, ys = zip(*first["coordinates"][0], strict=True)
    area_m2, _ = pyproj.Geod(ellps="GRS80").polygon_area_perimeter(xs, ys)
    box = screen.map_frame(page).locator(".sinks-area")
    expect(box).to_contain_text(f"{abs(area_m2) * 15 / 10_000:,.2f} 亩")
    screen.draw_polygon(page, [(0.2, 0.4), (0.28, 0.4), (0.24, 0.6)])
    assert len(said(page)["geometry"]["coordinates"][0]) == 4
    assert screen.requests_elsewhere(page) == []
    page.context.close()


@pytest.mark.browser
def test_moving_one_vertex_leaves_the_others_as_they_were_stored(
    gallery: str, browser: Browser
) -> None:
    page = screen.open_page(browser, f"{gallery}/?show=edit")
    screen.wait_map(page)
    frame = screen.map_frame(page)
    frame.locator(".leaflet-draw-edit-edit").click()
    box = frame.locator(".leaflet-editing-icon").nth(1).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y - 20, steps=6)
    page.mouse.up()
    settle(page)
    # Counts before the toolbar's own button was pressed.
    start, moved = (said(page)[k]["coordinates"][0] for k in ("start", "geometry"))
    assert [i for i in range(5) if start[i] != moved[i]] == [1]
    frame.locator(".leaflet-draw-actions a", has_text="取消").click()
    settle(page)
    assert said(page)["geometry"] is None
    page.context.close()


@pytest.mark.browser
def test_parts_of_a_parcel_are_kept_and_one_more_can_be_drawn(
    gallery: str, browser: Browser
) -> None:
    page = screen.open_page(browser, f"{gallery}/?show=edit&parts=2")
    screen.draw_polygon(page, [(0.2, 0.8), (0.3, 0.8), (0.25, 0.95)])
    geometry = said(page)["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert geometry["coordinates"][:2] == said(page)["start"]["coordinates"]
    assert len(geometry["coordinates"]) == 3
    page.context.close()


@pytest.mark.browser
def test_a_click_on_a_parcel_returns_its_id_once_and_labels_are_text(
    gallery: str, browser: Browser
) -> None:
    page = screen.open_page(browser, f"{gallery}/?show=map")
    screen.wait_map(page)
    for clicks, n in enumerate((1, 7, 20), start=1):
        page.mouse.click(*centre_of(page, n))
        settle(page)
        assert said(page) == {"selected": f"p_{n}", "clicks": clicks}
    page.mouse.move(*centre_of(page, 7))
    tooltip = screen.map_frame(page).locator(".leaflet-tooltip:not(.sinks-label)")
    expect(tooltip).to_have_count(1)
    expect(tooltip).to_have_text("AJ-0523-000007 <b>毛竹</b> {{ 7 * 7 }}")
    assert (
        "王大山"
        not in page.locator(screen.MAP_FRAME).last.content_frame.locator("html").inner_html()
    )
    assert screen.requests_elsewhere(page) == []
    page.context.close()


@pytest.mark.browser
def test_the_value_of_a_cell_is_read_under_the_mouse(gallery: str, browser: Browser) -> None:
    page = screen.open_page(browser, f"{gallery}/?show=cells")
    image = screen.map_frame(page).locator("img.leaflet-image-layer")
    screen.wait_map(page)
    box = image.bounding_box()
    assert box is not None
    # Row 12, column 15 of 24 x 30, values as the gallery makes them.
    x = box["x"] + box["width"] * 15.5 / 30
    y = box["y"] + box["height"] * 12.5 / 24
    page.mouse.move(x, y)
    value = 60 + 40 * math.sin(12 / 5) * math.cos(15 / 7)
    expect(screen.map_frame(page).locator(".sinks-box")).to_have_text(f"{value:.6g} t/ha")
    assert screen.requests_elsewhere(page) == []
    page.context.close()


@pytest.mark.browser
def test_on_a_phone_a_finger_draws_and_the_map_leaves_room_to_scroll(
    gallery: str, browser: Browser
) -> None:
    page = screen.open_page(browser, f"{gallery}/?show=draw", width=390, height=844, touch=True)
    screen.wait_map(page)
    frame = screen.map_frame(page)
    button = frame.locator(".leaflet-draw-draw-polygon")
    box = button.bounding_box()
    assert box is not None and box["width"] >= 44 and box["height"] >= 44
    button.tap()
    for corner in ((0.35, 0.3), (0.8, 0.35), (0.7, 0.7)):
        page.touchscreen.tap(*screen.at(page, corner))
        time.sleep(0.4)
    frame.locator(".leaflet-draw-actions a", has_text="完成").tap()
    settle(page)
    assert len(said(page)["geometry"]["coordinates"][0]) == 4
    canvas = page.locator(screen.MAP_FRAME).bounding_box()
    assert canvas is not None and canvas["height"] <= 0.6 * 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.context.close()


@pytest.mark.browser
def test_what_cannot_be_undone_happens_only_after_the_second_press(
    gallery: str, browser: Browser
) -> None:
    page = screen.open_page(browser, f"{gallery}/?show=kit", width=390, height=844, touch=True)
    page.get_by_role("button", name="注销", exact=True).tap()
    settle(page)
    assert said(page) == {"retired": 0}
    expect(page.locator(".sinks-sentence")).to_contain_text("注销后不可恢复")
    yes = page.get_by_role("button", name="确认注销")
    box = yes.bounding_box()
    assert box is not None and box["height"] >= 44
    yes.tap()
    settle(page)
    assert said(page) == {"retired": 1}
    assert screen.requests_elsewhere(page) == []
    page.context.close()

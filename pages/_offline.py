"""Maps load only what this server serves itself: folium's addresses pointed at ``/assets``.

folium and streamlit-folium name scripts and style sheets on other hosts; one that can't be
reached leaves a blank map without any error. Importing this module rewrites them, once for the
process. ``static/`` is mounted by ``app.py`` at ``/assets``.

A plugin of folium that is not listed here keeps its far address and must not be used:
``assert_local`` is called on every map before it is shown.
"""

import itertools
from collections.abc import Iterator

import folium
from branca.element import Element
from folium import plugins
from folium.elements import JSCSSMixin

from pages._kit import root_url


class AssetNotLocal(RuntimeError):
    """A map would load a script or style sheet that this server does not hold."""


def base_url() -> str:
    """Path of ``static/`` as the browser asks for it, behind a proxy's path too."""
    return f"{root_url()}/assets"


# folium's name of an asset -> our files that take its place. None: our maps don't need it.
LOCAL: dict[str, tuple[str, ...]] = {
    "leaflet": ("vendor/leaflet/leaflet.js", "shim.js"),
    "leaflet_css": ("vendor/leaflet/leaflet.css",),
    "jquery": ("vendor/jquery/jquery.min.js",),
    "bootstrap": (),
    "bootstrap_css": (),
    "glyphicons_css": (),
    "awesome_markers": ("vendor/awesome-markers/leaflet.awesome-markers.min.js",),
    "awesome_markers_css": ("vendor/awesome-markers/leaflet.awesome-markers.css",),
    "awesome_markers_font_css": (
        "vendor/fontawesome/css/fontawesome.min.css",
        "vendor/fontawesome/css/solid.min.css",
    ),
    "awesome_rotate_css": (),
    "leaflet_draw_js": ("vendor/leaflet.draw/leaflet.draw.js", "draw-zh.js"),
    "leaflet_draw_css": ("vendor/leaflet.draw/leaflet.draw.css",),
    "Control.Fullscreen.js": ("vendor/fullscreen/Control.FullScreen.js",),
    "Control.FullScreen.css": ("vendor/fullscreen/Control.FullScreen.css",),
}
# What of folium our pages may put on a map.
USED: tuple[type, ...] = (
    folium.Map,
    folium.TileLayer,
    folium.LayerControl,
    folium.FeatureGroup,
    folium.GeoJson,
    folium.Marker,
    folium.Icon,
    folium.Popup,
    folium.raster_layers.ImageOverlay,
    plugins.Draw,
    plugins.Fullscreen,
)


def localize() -> None:
    """Point the assets of all loaded folium classes at ``/assets``. Doing it again changes nothing.

    Raises
    ------
    AssetNotLocal
        A class of ``USED`` needs a file that is not in ``static/``: a new release of folium.
    """
    for kind in (JSCSSMixin, *_subclasses(JSCSSMixin)):
        for attribute in ("default_js", "default_css"):
            if attribute in vars(kind):
                setattr(kind, attribute, _local(vars(kind)[attribute]))
    for kind in USED:
        _assert_local(kind.__name__, kind)


def assert_local(page_map: folium.Map) -> None:
    """Refuse a map with anything on it that another host would have to serve.

    Raises
    ------
    AssetNotLocal
        Names the asset.
    """
    waiting: list[Element] = [page_map]
    while waiting:
        element = waiting.pop()
        _assert_local(type(element).__name__, element)
        waiting.extend(element._children.values())


def _local(assets: list[tuple[str, str]]) -> list[tuple[str, str]]:
    local: list[tuple[str, str]] = []
    for name, url in assets:
        if url.startswith("http") and name in LOCAL:
            local.extend((f"{name}/{file}", f"{base_url()}/{file}") for file in LOCAL[name])
        else:
            local.append((name, url))
    return local


def _assert_local(name: str, holder: object) -> None:
    for _, url in itertools.chain(
        getattr(holder, "default_js", []), getattr(holder, "default_css", [])
    ):
        if not url.startswith(f"{base_url()}/"):
            raise AssetNotLocal(
                f"{name} loads {url}, which users' networks can't reach. Put the file in "
                "static/vendor/ and name it in pages/_offline.py, or don't use it."
            )


def _subclasses(kind: type) -> Iterator[type]:
    below: type
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


localize()

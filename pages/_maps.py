"""Maps on the screens: draw an outline, show parcels, show the raster cells below one.

Every map is folium's, from assets of this server only, and byte-identical between two runs of a
page with the same data: streamlit-folium would otherwise build it anew and lose what was drawn.
Only id, label, colour and hatching of a feature reach the browser; whatever else a page's
features carry (owners) stays on the server. Coordinates are longitude and latitude in degrees,
bounds are (west, south, east, north) everywhere.
"""

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import folium
import numpy as np
import streamlit as st
from branca.element import Element, MacroElement
from folium.elements import JSCSSMixin
from folium.plugins import Draw, Fullscreen
from folium.template import Template
from numpy.typing import NDArray
from streamlit_folium import st_folium

from pages import _offline, _pixels
from pages._kit import Html, root_url
from pages._words import lang, t

Bounds = tuple[float, float, float, float]
Feature = Mapping[str, Any]
Basemap = Mapping[str, str]

# The five districts of Huzhou with a margin: where a map looks when it has nothing to look at.
HUZHOU: Bounds = (119.2, 30.35, 120.55, 31.2)
OUTLINE = {"color": "#1f5c4d", "weight": 3, "opacity": 1, "fillOpacity": 0.2}
EDITED = {"dashArray": "8 6", "fill": True, "fillColor": "#1f5c4d", "fillOpacity": 0.15}
# A map of more cells than this is drawn without reading values under the finger.
CELLS_READABLE_MAX = 20_000
LABEL_CHARS_MAX = 80
UNSAFE_IN_SCRIPT = (
    ("<", "\\u003c"),
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
    ("{{", "\\u007b\\u007b"),
    ("{%", "\\u007b%"),
    ("{#", "\\u007b#"),
)
DIGITS_UNSEEN = re.compile(r"(?<=\.\d{6})\d+")


class BasemapUnknown(ValueError):
    """The settings name a kind of base map that the screens can't show."""


def draw_map(
    key: str,
    *,
    start: Mapping[str, Any] | None = None,
    around: Sequence[Feature] = (),
    bounds: Bounds | None = None,
    basemaps: Sequence[Basemap] = (),
    height: int = 520,
    review_number: str | None = None,
) -> dict[str, Any] | None:
    """Show a map to draw one outline on and return what was drawn, as a GeoJSON geometry.

    None means that nothing was drawn, or that ``start`` is as it was. A new outline replaces the
    one before; only a ``start`` of several parts keeps several, and then a MultiPolygon comes
    back. Vertices nobody moved come back exactly as given. Dragging a vertex counts at once.

    ``start`` and ``around`` must be the same on every run while somebody draws: with another
    ``start`` the map begins anew. Hold the result in ``st.session_state`` or a draft, and change
    ``key`` for an empty map. Coordinates are the browser's WGS 84, taken as CGCS2000.
    """
    polygons = _polygons(start)
    page_map = _base(key, bounds, basemaps)
    if around:
        _Layer("around", _collection(around)).add_to(page_map)
    outline = _Outline(polygons, many=len(polygons) > 1)
    outline.add_to(page_map)
    if polygons and bounds is None:
        _Fit(outline).add_to(page_map)
    _drawing_tools(outline).add_to(page_map)
    shown = _show(page_map, key, height, ["all_drawings"])
    st.caption(
        t(
            "浏览器坐标为 WGS 84，按 CGCS2000（EPSG:4490）登记，两者相差在分米级。面积以登记时的椭球面积为准。",
            "Coordinates are WGS 84, registered as CGCS2000 (EPSG:4490); they agree within "
            "decimetres. The area of record is the ellipsoidal one computed when it is saved.",
        )
    )
    _below(review_number)
    if start is not None and shown.get("all_drawings") == []:
        st.warning(
            t(
                "轮廓已从图上删除。画出新的轮廓之前，原来的边界不变。",
                "The outline is deleted from the map. Until a new one is drawn, the boundary stays as it was.",
            )
        )
    return _drawn(shown, polygons)


def _drawn(shown: Mapping[str, Any], before: list[Any]) -> dict[str, Any] | None:
    """What the map came back with, as one geometry; None when nothing is there or nothing changed."""
    drawn = [
        feature["geometry"]["coordinates"]
        for feature in shown.get("all_drawings") or []
        if feature["geometry"]["type"] == "Polygon"
    ]
    if not drawn or drawn == before:
        return None
    if len(drawn) == 1:
        return {"type": "Polygon", "coordinates": drawn[0]}
    return {"type": "MultiPolygon", "coordinates": drawn}


def show_map(
    key: str,
    features: Sequence[Feature],
    *,
    around: Sequence[Feature] = (),
    bounds: Bounds | None = None,
    basemaps: Sequence[Basemap] = (),
    height: int = 520,
    selected: str | int | None = None,
    on_click: bool = False,
    legend: Sequence[tuple[str, str, bool]] = (),
    review_number: str | None = None,
) -> str | int | None:
    """Show features and return the id of the one just clicked, else None.

    The id comes back once a click, in the run that the click caused: store it and pass it as
    ``selected``, which draws it out without building the map anew. It is the feature's own id,
    sent back by the browser with the clicked shape, not looked up by place or by label; the page
    asks the database, with the person's rights, for what it may show about it.

    features
        GeoJSON features, ``properties``: ``id``, ``label``, ``state_colour`` (#rrggbb) and, for
        estimates, ``hatched``. Up to about 400; more belong on the tile map.
    legend
        (word, colour, hatched) of each state on the map.
    """
    page_map = _base(key, bounds, basemaps)
    if around:
        beneath = _Layer("around", _collection(around)).add_to(page_map)
    if features:
        layer = _Layer("features", _collection(features)).add_to(page_map)
    if bounds is None and (features or around):
        _Fit(layer if features else beneath).add_to(page_map)
    shown = _show(
        page_map,
        key,
        height,
        ["last_active_drawing", "last_object_clicked"] if on_click else [],
        marked=next((one for one in features if one["properties"]["id"] == selected), None),
    )
    if legend:
        st.html(legend_html(legend))
    _below(review_number)
    return _clicked(key, shown) if on_click else None


def pick_map(
    key: str,
    url: str,
    bounds: Bounds,
    *,
    marked: Feature | None = None,
    basemaps: Sequence[Basemap] = (),
    height: int = 520,
    review_number: str | None = None,
) -> tuple[float, float] | None:
    """Show shapes that the browser asks ``url`` for as it looks around; return where was clicked.

    The place (longitude, latitude) comes back once a click, in the run that the click caused.

    url
        Path of ours that answers ``?bounds=`` with GeoJSON of the shapes in that box.
    """
    page_map = _base(key, bounds, basemaps)
    _InView(f"{root_url()}{url}").add_to(page_map)
    shown = _show(page_map, key, height, ["last_clicked"], marked=marked)
    _below(review_number)
    click = shown.get("last_clicked")
    seen = f"{key}.clicked"
    if click is None or click == st.session_state.get(seen):
        return None
    st.session_state[seen] = click
    return float(click["lng"]), float(click["lat"])


def line_map(
    key: str,
    outline: Feature,
    *,
    basemaps: Sequence[Basemap] = (),
    height: int = 520,
    review_number: str | None = None,
) -> list[list[float]] | None:
    """Show an outline and let one line be drawn across it; the line's positions, or None.

    A new line takes the place of the one before.
    """
    page_map = _base(key, None, basemaps)
    beneath = _Layer("around", _collection([outline]))
    beneath.add_to(page_map)
    _Fit(beneath).add_to(page_map)
    line = _Line()
    line.add_to(page_map)
    Draw(
        feature_group=line,
        show_geometry_on_click=False,
        draw_options={
            "polyline": {"shapeOptions": {"color": "#b3261e", "weight": 3, "fill": False}},
            "polygon": False, "rectangle": False, "circle": False, "circlemarker": False,
            "marker": False,
        },
        edit_options={"edit": False, "remove": False},
    ).add_to(page_map)  # fmt: skip
    shown = _show(page_map, key, height, ["last_active_drawing"])
    _below(review_number)
    drawn = shown.get("last_active_drawing")
    if drawn is None or drawn["geometry"]["type"] != "LineString":
        return None
    return list(drawn["geometry"]["coordinates"])


def cells_map(
    key: str,
    outline: Mapping[str, Any],
    values: NDArray[np.floating[Any]],
    bounds: Bounds,
    unit: str,
    title: str,
    *,
    basemaps: Sequence[Basemap] = (),
    height: int = 420,
    review_number: str | None = None,
    drawn: tuple[_pixels.Pixels, Html] | None = None,
) -> None:
    """Show raster cells below an outline, with a legend; the value under the finger is written out.

    values : (rows, columns), northernmost row first; NaN is no value and stays clear. On a
        longitude-latitude grid: warp a projected layer before.
    bounds : outer edges of the grid, not centres of cells
    unit : of the values, as shown
    drawn : pixels and legend of the page's own, for codes of classes; no value is written out then
    Values on both sides of zero are a difference: brown is loss, green is gain, white is zero.
    """
    west, south, east, north = bounds
    page_map = _base(key, bounds, basemaps)
    finite = values[np.isfinite(values)]
    scale = _pixels.scale_of(finite)
    pixels = _pixels.ramp_pixels(values, scale) if drawn is None else drawn[0]
    folium.raster_layers.ImageOverlay(
        pixels, bounds=[[south, west], [north, east]], opacity=0.9
    ).add_to(page_map)
    around = {"type": "Feature", "properties": {"label": ""}, "geometry": outline}
    _Outlined(_slim(around)).add_to(page_map)
    if values.size <= CELLS_READABLE_MAX and drawn is None:
        _Cells(values, bounds, unit, title).add_to(page_map)
    _show(page_map, key, height, [], pixelated=True)
    empty = values.size - finite.size
    st.html(
        ramp_html(title, unit, scale, cells=int(finite.size), empty=empty)
        if drawn is None
        else drawn[1]
    )
    _below(review_number)


def legend_html(entries: Sequence[tuple[str, str, bool]]) -> str:
    """A legend of (word, colour, hatched) as HTML."""
    items = "".join(
        f'<span class="sinks-key"><i style="{_swatch(colour, hatched)}"></i>{html.escape(word)}</span>'
        for word, colour, hatched in entries
    )
    return f'<div class="sinks-legend">{items}</div>'


def ramp_html(
    title: str,
    unit: str,
    scale: _pixels.Scale | None,
    *,
    cells: int,
    empty: int,
) -> str:
    """The legend of a cell map as HTML: title with unit, colours between lowest and highest."""
    count = t(f"{cells} 个像元有值，{empty} 个无值", f"{cells} cells with a value, {empty} without")
    return _pixels.ramp_legend(title, unit, scale, count)


class _Part(MacroElement):
    """A part of a map that calls shim.js with data.

    Not rendered into folium's own page, which nobody sees: branca would read the finished script
    as a template again, and braces in a label would run as code on the server.
    """

    def render(self, **kwargs: Any) -> str:
        """Add nothing to folium's page; streamlit-folium takes the script from the template."""
        return ""


class _Layer(_Part):
    """Features drawn by shim.js. Much lighter than folium.GeoJson, which styles each in Python."""

    # The digest changes the script whenever the data does. streamlit-folium names a map by its
    # script with everything after an underscore cut out, so without it the ids p_1 and p_2 would
    # be one map, and the old one would stay on the screen.
    _template = Template(
        "{% macro script(this, kwargs) %}/* {{ this.digest }} */\n"
        "var {{ this.get_name() }} = sinksMap.{{ this.kind }}"
        "({{ this._parent.get_name() }}, {{ this.data }});{% endmacro %}"
    )

    def __init__(self, kind: str, data: str) -> None:
        super().__init__()
        self._name = "Layer"
        self.kind, self.data = kind, data
        self.digest = hashlib.sha256(data.encode()).hexdigest()


class _Outline(_Part):
    """The outline being drawn; folium's Draw edits it."""

    _template = Template(
        "{% macro script(this, kwargs) %}/* {{ this.digest }} */\n"
        "var {{ this.get_name() }} = sinksMap.outline"
        "({{ this._parent.get_name() }}, {{ this.data }}, {{ this.many }});{% endmacro %}"
    )

    def __init__(self, polygons: list[Any], *, many: bool) -> None:
        super().__init__()
        self._name = "Outline"
        self.data, self.many = _script_json(polygons), json.dumps(many)
        self.digest = hashlib.sha256(self.data.encode()).hexdigest()


def _drawing_tools(outline: _Outline) -> Draw:
    """One polygon or rectangle may be drawn; what is there may be edited and removed."""
    return Draw(
        feature_group=outline,
        show_geometry_on_click=False,
        draw_options={
            "polyline": False,
            "circle": False,
            "circlemarker": False,
            "marker": False,
            "rectangle": {"showArea": True, "shapeOptions": OUTLINE},
            "polygon": {"allowIntersection": False, "showArea": True, "shapeOptions": OUTLINE},
        },
        edit_options={"edit": {"selectedPathOptions": EDITED}, "remove": {}},
    )


class _Outlined(_Part):
    """The outline of a parcel over its cells, to look at."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = sinksMap.highlight({{ this._parent.get_name() }}, "
        '{{ this.data }}, "#1d2b26").addTo({{ this._parent.get_name() }});{% endmacro %}'
    )

    def __init__(self, feature: dict[str, Any]) -> None:
        super().__init__()
        self._name = "Outlined"
        self.data = _script_json(feature)


class _Marked(_Outlined):
    """The selected feature, in a group that changes without the map."""

    # streamlit-folium puts such a group on a map that it has named map_div.
    _template = Template(
        "{% macro script(this, kwargs) %}"
        'var {{ this.get_name() }} = sinksMap.highlight(map_div, {{ this.data }}, "#c2410c")'
        ".addTo({{ this._parent.get_name() }});{% endmacro %}"
    )


class _InView(_Part):
    """Shapes that the browser asks for as it looks around."""

    _template = Template(
        "{% macro script(this, kwargs) %}sinksMap.inView"
        "({{ this._parent.get_name() }}, {{ this.url }}, {{ this.said }});{% endmacro %}"
    )

    def __init__(self, url: str) -> None:
        super().__init__()
        self._name = "InView"
        self.url = _script_json(url)
        self.said = _script_json(
            {
                "count": t("图上 {n} 个图形", "{n} shapes in view"),
                "more": t("只画前 {n} 个，请放大", "first {n} only: zoom in"),
                "failed": t("图形没有取到，请移动地图再试", "no answer: move the map to try again"),
            }
        )


class _Line(_Part):
    """The one line being drawn; folium's Draw puts it here."""

    _template = Template(
        "{% macro script(this, kwargs) %}var {{ this.get_name() }} = "
        "sinksMap.line({{ this._parent.get_name() }});{% endmacro %}"
    )

    def __init__(self) -> None:
        super().__init__()
        self._name = "Line"


class _Cells(_Part):
    """Values of the cells, read under the mouse."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "sinksMap.cells({{ this._parent.get_name() }}, {{ this.data }});{% endmacro %}"
    )

    def __init__(
        self, values: NDArray[np.floating[Any]], bounds: Bounds, unit: str, title: str
    ) -> None:
        super().__init__()
        self._name = "Cells"
        west, south, east, north = bounds
        read = [float(f"{v:.6g}") if np.isfinite(v) else None for v in values.ravel().tolist()]
        self.data = _script_json(
            {
                "west": west, "south": south, "east": east, "north": north,
                "rows": values.shape[0], "cols": values.shape[1],
                "values": read, "unit": unit, "title": title,
            }
        )  # fmt: skip


class _Fit(MacroElement):
    """Looks at all of a layer."""

    _template = Template(
        "{% macro script(this, kwargs) %}sinksMap.fit"
        "({{ this._parent.get_name() }}, {{ this.layer.get_name() }});{% endmacro %}"
    )

    def __init__(self, layer: Element) -> None:
        super().__init__()
        self._name = "Fit"
        self.layer = layer


class _Manners(JSCSSMixin, MacroElement):
    """Language and looks of a map."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        'sinksMap.speak({{ this._parent.get_name() }}, "{{ this.language }}");{% endmacro %}'
    )
    default_css = [("sinks_map", f"{_offline.base_url()}/map.css")]  # noqa: RUF012 - folium's way

    def __init__(self, language: str) -> None:
        super().__init__()
        self._name = "Manners"
        self.language = language


def _base(key: str, bounds: Bounds | None, basemaps: Sequence[Basemap]) -> folium.Map:
    page_map = folium.Map(tiles=None, max_zoom=20)
    # Ids are random otherwise, and the whole map would go to the browser again on every run.
    page_map._id = hashlib.sha256(key.encode()).hexdigest()[:32]
    _Manners(lang()).add_to(page_map)
    for basemap in basemaps:
        if basemap["kind"] != "xyz":
            raise BasemapUnknown(
                f"底图“{basemap.get('name', '')}”的类型是 {basemap['kind']!r}，只支持 xyz 瓦片；请改设置。"
            )
        url = basemap["url"]
        folium.TileLayer(
            tiles=f"{root_url()}{url}" if url.startswith("/") else url,
            attr=html.escape(basemap.get("attribution", "")) or " ",
            name=html.escape(basemap["name"]),
            overlay=False,
            max_zoom=20,
            show=basemap is basemaps[0],
        ).add_to(page_map)
    if len(basemaps) > 1:
        folium.LayerControl(position="topright", collapsed=True).add_to(page_map)
    Fullscreen(
        title=t("全屏", "Full screen"), title_cancel=t("退出全屏", "Leave full screen")
    ).add_to(page_map)
    west, south, east, north = bounds or HUZHOU
    page_map.fit_bounds([[south, west], [north, east]])
    return page_map


def _show(
    page_map: folium.Map,
    key: str,
    height: int,
    returned: list[str],
    *,
    marked: Feature | None = None,
    pixelated: bool = False,
) -> dict[str, Any]:
    _offline.assert_local(page_map)
    group = folium.FeatureGroup(name="marked")
    if marked is not None:
        _Marked(_slim(marked)).add_to(group)
    shown = st_folium(
        page_map,
        key=key,
        height=height,
        use_container_width=True,
        returned_objects=returned,
        feature_group_to_add=group,
        pixelated=pixelated,
    )
    return shown or {}


def _clicked(key: str, shown: Mapping[str, Any]) -> str | int | None:
    # What was clicked last stays in the component's answer; a click is news only once. The place
    # of the click tells two clicks on one feature apart.
    feature = shown.get("last_active_drawing")
    click = (feature or {}).get("properties", {}).get("id"), shown.get("last_object_clicked")
    seen = f"{key}.clicked"
    if click == st.session_state.get(seen):
        return None
    st.session_state[seen] = click
    return click[0]


def _below(review_number: str | None) -> None:
    if review_number:
        st.caption(t(f"审图号：{review_number}", f"Map review number: {review_number}"))


def _slim(feature: Feature) -> dict[str, Any]:
    # Text goes into a tooltip as HTML, so it is escaped here, once for all maps.
    own = feature["properties"]
    properties: dict[str, Any] = {"label": html.escape(str(own.get("label", ""))[:LABEL_CHARS_MAX])}
    if "id" in own:
        properties["id"] = own["id"]
    if colour := own.get("state_colour"):
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            raise ValueError(f"a colour is written #rrggbb, not {colour!r}")
        properties["state_colour"] = colour
    if own.get("hatched"):
        properties["hatched"] = True
    return {"type": "Feature", "properties": properties, "geometry": feature["geometry"]}


def _collection(features: Sequence[Feature]) -> str:
    # Looking needs no more than 0.1 m; cutting the digits halves what goes to the browser.
    parts = []
    for feature in features:
        slim = _slim(feature)
        geometry = DIGITS_UNSEEN.sub("", _script_json(slim.pop("geometry")))
        parts.append(f'{_script_json(slim)[:-1]},"geometry":{geometry}}}')
    return f'{{"type":"FeatureCollection","features":[{",".join(parts)}]}}'


def _script_json(value: Any) -> str:
    # "<" can end a script element; the two separators end a line in older browsers; two braces open
    # a template. In JSON all of these stand inside strings only.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for unsafe, safe in UNSAFE_IN_SCRIPT:
        text = text.replace(unsafe, safe)
    return text


def _polygons(geometry: Mapping[str, Any] | None) -> list[Any]:
    """Coordinates of each polygon, as lists, so that they compare with what the browser sends."""
    if geometry is None:
        return []
    plain = json.loads(json.dumps(geometry["coordinates"]))
    if geometry["type"] == "Polygon":
        return [plain]
    if geometry["type"] == "MultiPolygon":
        return list(plain)
    raise ValueError(f"an outline is a Polygon or MultiPolygon, not {geometry['type']}")


def _swatch(colour: str, hatched: bool) -> str:
    if hatched:
        fill = f"repeating-linear-gradient(45deg,{colour}99 0 3px,transparent 3px 6px)"
    else:
        fill = f"{colour}59"
    return f"border-color:{colour};background:{fill}"

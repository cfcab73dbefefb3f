"""A map of more outlines than fit into a page: drawn tile by tile, from an address of this server."""

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st
from folium.template import Template

from pages import _maps
from pages._kit import root_url


class _Tiles(_maps._Part):
    """Outlines by tile; `sinksMap.tiles` in shim.js draws them."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = sinksMap.tiles"
        "({{ this._parent.get_name() }}, {{ this.data }});{% endmacro %}"
    )

    def __init__(self, source: dict[str, Any]) -> None:
        super().__init__()
        self._name = "Tiles"
        self.data = json.dumps(source)


def tile_map(
    key: str,
    path: str,
    units: int,
    colours: Sequence[str],
    *,
    bounds: _maps.Bounds | None,
    around: Sequence[_maps.Feature] = (),
    basemaps: Sequence[_maps.Basemap] = (),
    height: int = 520,
    legend: Sequence[tuple[str, str, bool]] = (),
    marked: _maps.Feature | None = None,
    review_number: str | None = None,
) -> tuple[float, float] | None:
    """Show the outlines and return longitude and latitude of a click, in the run it caused.

    path : of our own route, with {z}, {x} and {y}; it changes whenever what it gives does
    colours : by the kind that the route gives each outline
    marked : drawn out on top, without building the map anew
    """
    page_map = _maps._base(key, bounds, basemaps)
    if around:
        _maps._Layer("around", _maps._collection(around)).add_to(page_map)
    source = {"url": f"{root_url()}{path}", "units": units, "colours": list(colours)}
    _Tiles(source).add_to(page_map)
    shown = _maps._show(page_map, key, height, ["last_clicked"], marked=marked)
    if legend:
        st.html(_maps.legend_html(legend))
    _maps._below(review_number)
    clicked = shown.get("last_clicked")
    seen = f"{key}.clicked"
    if not clicked or clicked == st.session_state.get(seen):
        return None
    st.session_state[seen] = clicked
    return clicked["lng"], clicked["lat"]

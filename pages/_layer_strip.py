"""One parcel through the layers of every date: small pictures of its cells, side by side."""

import html
from typing import Any

import numpy as np
import streamlit as st

from pages import _kit, _pixels, _session, _words
from pages._kit import Html
from pages._layer_card import phase_chip, unit_word, variable_word
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import parcel_list, parcel_search, parcels
from sinks.land.parcel_search import Wanted
from sinks.land.parcels import ParcelVersion
from sinks.measurement import layers, series
from sinks.measurement.series import Moment
from sinks.measurement.variables import VARIABLES

PARCELS_OFFERED = 50
PICTURE_PX = 150


def show(me: Actor) -> None:
    """Choose a parcel and a variable and see every layer of it, oldest first."""
    asked = st.query_params.get("parcel", "")
    search_column, parcel_column, variable_column = st.columns([2, 3, 2])
    search = search_column.text_input(
        t("找地块", "Find a parcel"), key="layers.search",
        placeholder=t("编号、名称、乡镇、权利人", "code, name, township, holder"),
    ).strip()  # fmt: skip
    wanted = int(asked) if asked.isdecimal() and len(asked) < 18 and not search else None
    if not search and wanted is None:
        st.caption(
            t(
                "输入地块编号、名称或乡镇，看它各期图层上的样子：开工以前是什么地，后来怎样。",
                "Type a code, a name or a township to see a parcel on the layers of every date.",
            )
        )
        return
    with db.transaction(me) as session:
        asked_for = Wanted(
            search=search[: parcel_search.SEARCH_CHARS_MAX],
            ids=None if wanted is None else (wanted,),
        )
        total = sum(parcel_search.counts(session, asked_for).values())
        ids = parcel_search.ids(session, asked_for, limit=PARCELS_OFFERED)
        found = {row.id: f"{row.code} {row.name}" for row in parcel_list.rows(session, ids=ids)}
        held = {row.variable for row in layers.listing(session)}
    if not found or not held:
        _kit.empty(t("没有这样的地块，或还没有图层。", "There is no such parcel, or no layer yet."))
        return
    parcel_id = parcel_column.selectbox(
        t(
            f"地块（共 {total:,} 块{f'，列出 {len(found)} 块' if total > len(found) else ''}）",
            f"Parcel (of {total:,}{f', {len(found)} listed' if total > len(found) else ''})",
        ),
        list(found),
        format_func=found.__getitem__,
        key="layers.parcel",
    )
    variable = variable_column.selectbox(
        t("变量", "Variable"), [key for key in VARIABLES if key in held],
        format_func=variable_word, key="layers.series.variable",
    )  # fmt: skip
    with _session.explained():
        with db.transaction(me) as session:
            version = parcels.present_version(session, parcel_id)
            held = tuple(
                (row.id, row.name, row.kept_sha256)
                for row in layers.listing(session, variable=variable)
            )
            moments = _moments(version.geometry_sha256, variable, held, session, version)
        st.html(strip(moments))


@st.cache_data(max_entries=20, show_spinner=False)
def _moments(
    geometry_sha256: str,
    variable: str,
    held: tuple[tuple[int, str, str], ...],
    _session: Any,
    _version: ParcelVersion,
) -> list[Moment]:
    # Outlines and layers never change, so the same ones give the same pictures.
    return series.under(_session, parcels.boundary_of(_version), variable)


def strip(moments: list[Moment]) -> Html:
    """The pictures side by side, with date, mean or classes, and how much of the land has values."""
    finite = np.concatenate([one.values[np.isfinite(one.values)] for one in moments])
    scale = _pixels.scale_of(finite)
    what = VARIABLES[moments[0].variable]
    figures = "".join(_figure(one, scale) for one in moments)
    if what.is_classes:
        named = {
            (t(held.zh, held.en), _colours(one)[held.code]): None
            for one in moments
            for held in one.classes
        }
        legend = _pixels.class_legend(list(named))
    else:
        legend = _pixels.ramp_legend(
            variable_word(moments[0].variable), unit_word(what.unit), scale
        )
    return Html(f'<div class="sinks-strip" tabindex="0">{figures}</div>{legend}')


def _colours(one: Moment) -> dict[int, str]:
    return _pixels.class_colours(one.legend_codes)


def _figure(one: Moment, scale: _pixels.Scale | None) -> str:
    pixels = (
        _pixels.ramp_pixels(one.values, scale)
        if one.unit is not None
        else _pixels.class_pixels(one.values, _colours(one))
    )
    image = _pixels.picture(
        pixels, width_px=PICTURE_PX, cell_shape=one.cell_shape, said=f"{one.name} {one.epoch}"
    )
    if one.unit is None:
        number = "<br>".join(
            f"{html.escape(t(held.zh, held.en))} {_words.share(held.share)}"
            for held in one.classes[:3]
        )
    elif one.mean is not None:
        number = f"<b>{one.mean:,.2f}</b> {html.escape(unit_word(one.unit))}"
    else:
        number = ""
    chips = phase_chip(one.phase) if one.phase != "unknown" else ""
    synthetic = _kit.chip(t("合成", "synthetic"), _words.AMBER) if one.demonstration else ""
    valid = t(f"有值 {_words.share(one.valid_share)}", f"{_words.share(one.valid_share)} valid")
    return (
        f"<figure><figcaption><b>{one.epoch}</b> {chips} {synthetic}</figcaption>{image}"
        f"<p>{number or t('没有值', 'no value')}</p><small>{valid}</small>"
        f"<small>{html.escape(one.name)}</small></figure>"
    )

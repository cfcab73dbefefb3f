"""Every part of the page kit on one screen each, for the browser tests: ``?show=draw`` and so on.

Invented shapes near Anji; run by ``tests/pages/test_offline.py`` in a server of its own.
"""

import json
import math

import numpy as np
import streamlit as st

from pages import _kit, _maps, _words
from pages._words import t

st.set_page_config(page_title="gallery", layout="wide")
_kit.style()
_kit.band()
STEP = 0.004


def square(row: int, column: int) -> dict:
    west, south = 119.60 + column * STEP, 30.60 + row * STEP
    east, north = west + STEP * 0.8, south + STEP * 0.8
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def parcels(count: int, corners: int = 4) -> list[dict]:
    """Parcels of a grid; more corners make heavier outlines."""
    states = list(_words.PARCEL.values())
    made = []
    for n in range(count):
        row, column = divmod(n, 20)
        shape = square(row, column)
        if corners > 4:
            x, y = shape["coordinates"][0][0]
            shape["coordinates"] = [
                [
                    [
                        x + 0.4 * STEP * (1 + math.cos(2 * math.pi * k / corners)),
                        y + 0.4 * STEP * (1 + math.sin(2 * math.pi * k / corners)),
                    ]
                    for k in [*range(corners), 0]
                ]
            ]
        made.append(
            {
                "type": "Feature",
                "geometry": shape,
                "properties": {
                    "id": f"p_{n}",
                    "label": f"AJ-0523-{n:06d} <b>毛竹</b> {{{{ 7 * 7 }}}}",
                    "state_colour": states[n % len(states)].colour,
                    "hatched": n % 5 == 0,
                    "owner": "王大山",
                },
            }
        )
    return made


def district() -> dict:
    ring = [[119.58, 30.58], [119.71, 30.59], [119.70, 30.66], [119.59, 30.65], [119.58, 30.58]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"label": "安吉县"},
    }


def legend() -> list[tuple[str, str, bool]]:
    return [(state.word, state.colour, False) for state in _words.PARCEL.values()] + [
        (t("预估", "Estimate"), _words.GREY, True)
    ]


def show_draw() -> None:
    st.title(t("勾绘地块", "Draw a parcel"))
    geometry = _maps.draw_map(
        "draw", around=[district(), *parcels(3)], bounds=(119.59, 30.59, 119.64, 30.62)
    )
    say({"geometry": geometry})


def show_edit() -> None:
    st.title(t("修改边界", "Edit an outline"))
    whole = square(0, 0)
    whole["coordinates"][0][0] = [119.6000000123456, 30.6000000987654]
    whole["coordinates"][0][4] = whole["coordinates"][0][0]
    start = whole
    if st.query_params.get("parts") == "2":
        start = {
            "type": "MultiPolygon",
            "coordinates": [whole["coordinates"], square(0, 2)["coordinates"]],
        }
    say({"geometry": _maps.draw_map("edit", start=start), "start": start})


def show_map() -> None:
    left, right = st.columns([3, 2])
    with left:
        clicked = _maps.show_map(
            "parcels",
            parcels(int(st.query_params.get("count", "40"))),
            around=[district()],
            selected=st.session_state.get("selected"),
            on_click=True,
            legend=legend(),
            review_number="浙S(2026)00号",
        )
    if clicked is not None:
        st.session_state["clicks"] = st.session_state.get("clicks", 0) + 1
        st.session_state["selected"] = clicked
        st.rerun()
    with right:
        _kit.heading("AJ-0523-000123 毛竹林", _kit.state_chip(_words.PARCEL, "under_contract"))
        _kit.facts(
            [
                (t("面积", "Area"), _words.mu_ha(8307)),
                (t("权利人", "Holder"), "王*"),
                (t("权证", "Certificate"), "浙(2023)安吉县不动产权第0012345号"),
            ]
        )
        _kit.metric_big("+3.10", "tCO₂e", "± 0.62 tCO₂e（95%）", "why", title="最近核算 2024")
        _kit.timeline([("勾绘", "2026-03-01"), ("审权属", "2026-03-09"), ("合同", None)])
        say(
            {"selected": st.session_state.get("selected"), "clicks": st.session_state.get("clicks")}
        )


def show_cells() -> None:
    st.title(t("为什么这个数", "Why this number"))
    rows, columns = np.indices((24, 30))
    values = 60 + 40 * np.sin(rows / 5) * np.cos(columns / 7)
    values[:3, :4] = np.nan
    if st.query_params.get("difference"):
        values = values - 60
    outline = {
        "type": "Polygon",
        "coordinates": [
            [
                [119.602, 30.601],
                [119.606, 30.6015],
                [119.6055, 30.6045],
                [119.6025, 30.604],
                [119.602, 30.601],
            ]
        ],
    }
    _maps.cells_map(
        "cells",
        outline,
        values,
        (119.60, 30.60, 119.6075, 30.606),
        "t/ha",
        t("地上生物量 2024", "Biomass 2024"),
    )


def show_kit() -> None:
    st.title(t("我的待办", "Mine to do"))
    _kit.table(
        [
            {"code": _kit.link("HZ-330523-ZL-000007", "/projects"), "state": _kit.state_chip(_words.BLOCK, state), "kg": 1000 * n, "note": "<script>x</script>"}
            for n, state in enumerate(_words.BLOCK)
        ],
        [
            _kit.Column("code", t("编号", "Serial")),
            _kit.Column("state", t("状态", "State")),
            _kit.Column("kg", t("数量", "Amount"), "kg CO₂e", number=True),
            _kit.Column("price", t("单价", "Price"), t("元/吨", "CNY/t"), number=True),
            _kit.Column("note", t("备注", "Note")),
        ],
    )  # fmt: skip
    left, right = st.columns(2)
    with left:
        _kit.metric_big("4,384.9", "tCO₂e", "区间 3,900–4,870 tCO₂e", title="本期核算")
    with right:
        _kit.metric_big("5,100", "tCO₂e", None, title="合同", estimated=True)
    _kit.empty(
        t(
            "还没有地块。请先勾绘，或导入 shp / GeoPackage。",
            "No parcels yet. Draw one, or import a file.",
        )
    )
    if _kit.confirm(
        "retire", "将注销 1,000 kg CO₂e，用于（2026）浙05刑初12号。注销后不可恢复。", "注销"
    ):
        st.session_state["retired"] = st.session_state.get("retired", 0) + 1
    st.text_input("搜索", placeholder="小班号/权证/权利人")
    st.selectbox("类型", ["竹林", "湿地"])
    say({"retired": st.session_state.get("retired", 0)})


def say(state: dict) -> None:
    """What the tests read back."""
    st.html(f'<pre data-said="1" style="white-space:pre-wrap">{json.dumps(state)}</pre>')


{
    "draw": show_draw,
    "edit": show_edit,
    "map": show_map,
    "cells": show_cells,
    "kit": show_kit,
}[st.query_params.get("show", "kit")]()

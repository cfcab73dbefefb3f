"""Splitting a parcel along a line drawn on the map: the pieces with their areas, then one button."""

from dataclasses import dataclass
from typing import Any

import shapely
import streamlit as st

from gis_data import geometry
from pages import _kit, _land, _maps, _session, _words
from pages._kit import Column
from pages._words import t
from sinks.cooperative import land_changes
from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import parcels, succession
from sinks.land.parcel_list import ParcelRow

KEY = "split"
COLOURS = (_words.BLUE, _words.GREEN, _words.AMBER, _words.VIOLET, _words.RED)


@dataclass
class Cutting:
    """A parcel that somebody is at. ``mount`` counts the maps begun."""

    parcel_id: int
    code: str
    name: str
    boundary: dict[str, Any]
    line: list[list[float]] | None = None
    mount: int = 0


def begin(row: ParcelRow) -> None:
    """Begin to split a parcel."""
    st.session_state[KEY] = Cutting(row.id, row.code, row.name, row.boundary)


def under_way() -> bool:
    """Whether somebody is splitting a parcel in this browser."""
    return KEY in st.session_state


def screen(person: Actor) -> None:
    """The map with the line on the left, the pieces and what to say about them on the right."""
    cutting: Cutting = st.session_state[KEY]
    st.subheader(t(f"拆分 {cutting.code}", f"Split {cutting.code}"))
    left, right = st.columns([3, 2])
    with left:
        _line(cutting)
    with right:
        pieces: list[shapely.MultiPolygon] = []
        if cutting.line is None:
            _kit.empty(
                t(
                    "在图上画一条穿过地块的线：两端画到边界之外，双击结束。各块面积随即显示在这里。",
                    "Draw a line through the parcel, both ends outside it. The areas appear here.",
                )
            )
        else:
            with _session.explained():
                outline = shapely.geometry.shape(cutting.boundary)
                pieces = succession.cut(outline, shapely.LineString(cutting.line))
                _pieces(cutting, pieces)
        _deed(person, cutting, pieces)


def _line(cutting: Cutting) -> None:
    shown = {
        "type": "Feature", "geometry": cutting.boundary,
        "properties": {"id": 0, "label": cutting.code, "state_colour": _words.BLUE},
    }  # fmt: skip
    drawn = _maps.line_map(
        f"split-{cutting.parcel_id}-{cutting.mount}", shown, height=560, basemaps=_land.basemaps(),
        review_number=_land.review_number(),
    )  # fmt: skip
    if drawn is not None:
        cutting.line = drawn


def _pieces(cutting: Cutting, pieces: list[shapely.MultiPolygon]) -> None:
    _maps.show_map(
        f"split-pieces-{cutting.mount}",
        [
            {
                "type": "Feature", "geometry": shapely.geometry.mapping(piece),
                "properties": {
                    "id": number, "label": t(f"第 {number} 块", f"Piece {number}"),
                    "state_colour": COLOURS[(number - 1) % len(COLOURS)],
                },
            }
            for number, piece in enumerate(pieces, 1)
        ],
        height=260,
    )  # fmt: skip
    areas = [geometry.area_m2(piece) for piece in pieces]
    _kit.table(
        [
            {"piece": t(f"第 {number} 块（自西向东）", f"Piece {number}"), "area": _words.mu(area)}
            for number, area in enumerate(areas, 1)
        ],
        [
            Column("piece", t("块", "Piece")),
            Column("area", t("面积", "Area"), unit=t("亩", "mu"), number=True),
        ],
    )


def _deed(person: Actor, cutting: Cutting, pieces: list[shapely.MultiPolygon]) -> None:
    names = [
        st.text_input(
            t(f"第 {number} 块名称", f"Name of piece {number}"), value=f"{cutting.name}-{number}",
            key=f"split.name.{number}", max_chars=100,
        )
        for number in range(1, len(pieces) + 1)
    ]  # fmt: skip
    reason = st.text_input(t("拆分原因", "Reason"), key="split.reason")
    if pieces and _kit.confirm(
        "split.do",
        t(
            f"{cutting.code} 今天起退出，由 {len(pieces)} 块新地块承接它的土地、合同和权属；权属由另一位"
            "林业员复核之前，新地块不计入任何量。",
            f"{cutting.code} leaves today and {len(pieces)} parcels take its place; they earn nothing "
            "until another officer has reviewed their rights.",
        ),
        t("拆分", "Split"),
    ):
        _split(person, cutting, pieces, names, reason)
    if st.button(t("不拆了，返回", "Leave it"), key="split.leave"):
        _forget()
        st.rerun()


def _split(
    person: Actor,
    cutting: Cutting,
    pieces: list[shapely.MultiPolygon],
    names: list[str],
    reason: str,
) -> None:
    with _session.explained():
        with db.transaction(person) as session:
            # The outline may have been changed while somebody drew the line.
            now = parcels.boundary_of(parcels.present_version(session, cutting.parcel_id))
            line = shapely.LineString(cutting.line)
            pieces = succession.cut(now, line)
            row = land_changes.split(
                session, person, cutting.parcel_id, pieces, reason=reason, names=names
            )
            child_id = succession.of_side(session, row.id, "child")[0]
        _forget()
        st.session_state["parcels.wanted"] = child_id
        _session.say_done(
            t(
                f"{cutting.code} 已拆为 {len(pieces)} 块，等另一位林业员复核权属。",
                f"{cutting.code} is split in {len(pieces)}; another officer reviews the rights.",
            )
        )


def _forget() -> None:
    for key in [KEY, *(one for one in st.session_state if str(one).startswith("split."))]:
        st.session_state.pop(key, None)

"""从小班底图点选或分割: a parcel from the county's own shape, clicked instead of drawn again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
import streamlit as st

from gis_data import geometry
from pages import _kit, _land, _maps, _session, _words
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.land import base_shapes
from sinks.land.base_shapes import BaseShape

HERE = Path(__file__).parent
KEY = "pick"
# A county on one screen is a grey blot: the map begins with about this much of it [degrees].
FIRST_VIEW_DEGREES = 0.05
PART_COLOURS = {"a": _words.BLUE, "b": _words.AMBER}


@dataclass
class Pick:
    """A shape that somebody is choosing. mount : counts the maps begun"""

    layer_id: int | None = None
    shape_id: int | None = None
    splitting: bool = False
    line: list[list[float]] | None = None
    mount: int = 0


def begin() -> None:
    """Begin to choose a shape."""
    st.session_state[KEY] = Pick()


def under_way() -> bool:
    """Whether somebody is choosing a shape in this browser."""
    return KEY in st.session_state


def screen(person: Actor) -> None:
    """Show the county's shapes, the one that was clicked, and what can be made of it."""
    pick: Pick = st.session_state[KEY]
    with db.transaction(person) as session:
        layers = {
            row.id: f"{row.name}（{row.as_of}，{row.shapes:,}）"
            for row in base_shapes.layers(session)
        }
    st.subheader(t("从小班底图点选", "Choose from the county's map"))
    if not layers:
        _kit.empty(
            t(
                "还没有导入县小班或宗地底图。请先在“管控图层”页导入。",
                "No map of compartments or cadastre is imported. Import one under Constraint layers.",
            )
        )
        import_, leave = st.columns(2)
        if import_.button(t("去导入底图", "Import one"), key="pick.import", type="primary"):
            del st.session_state[KEY]
            st.switch_page(HERE / "constraints.py")
        _leave(leave)
        return
    left, right = st.columns([3, 2])
    with right:
        chosen = st.selectbox(
            t("底图", "Map"), list(layers), key="pick.layer", format_func=layers.__getitem__
        )
        if chosen != pick.layer_id:
            pick.layer_id, pick.shape_id, pick.splitting = chosen, None, False
            pick.mount += 1
        _search(person, pick)
    with left:
        _map(person, pick)
    with right:
        if pick.shape_id is None:
            _kit.empty(
                t(
                    "点图上的一个小班，或按小班号查找。图很密时先放大。",
                    "Click a shape on the map, or look for its number. Zoom in where it is dense.",
                )
            )
        else:
            _chosen(person, pick)
        _leave(right)


def _leave(place: Any) -> None:
    if place.button(t("不选了", "Leave it"), key="pick.leave", width="stretch"):
        del st.session_state[KEY]
        st.rerun()


def _search(person: Actor, pick: Pick) -> None:
    assert pick.layer_id is not None
    typed = st.text_input(t("按小班号、宗地号查找", "Look for a number"), key="pick.search")
    if not typed.strip():
        return
    with db.transaction(person) as session:
        found = dict(base_shapes.search(session, pick.layer_id, typed))
    if not found:
        st.caption(t("没有这个编号。", "No such number."))
        return
    wanted = st.selectbox(
        t("查到的图形", "Found"), list(found), key=f"pick.found.{typed}", index=None,
        format_func=found.__getitem__, placeholder=t("选择一个", "choose one"),
    )  # fmt: skip
    if wanted is not None and wanted != st.session_state.get("pick.looked"):
        st.session_state["pick.looked"] = wanted
        pick.shape_id, pick.splitting, pick.line = wanted, False, None
        pick.mount += 1


def _map(person: Actor, pick: Pick) -> None:
    assert pick.layer_id is not None
    with db.transaction(person) as session:
        shape = base_shapes.get(session, pick.shape_id) if pick.shape_id else None
        extent = base_shapes.extent(session, pick.layer_id)
    if pick.splitting and shape is not None:
        drawn = _maps.line_map(
            f"pick-line-{pick.mount}", _feature(shape), height=560, basemaps=_land.basemaps(),
            review_number=_land.review_number(),
        )  # fmt: skip
        if drawn is not None:
            pick.line = drawn
        return
    first = f"pick.first.{pick.layer_id}.{pick.mount}"
    if first not in st.session_state:
        # Another place to look at would build the map anew: it is decided once for each map.
        st.session_state[first] = _first_view(shape, extent)
    place = _maps.pick_map(
        f"pick-map-{pick.layer_id}-{pick.mount}", f"/shapes/{pick.layer_id}.geojson",
        st.session_state[first], marked=_feature(shape) if shape else None, height=560,
        basemaps=_land.basemaps(), review_number=_land.review_number(),
    )  # fmt: skip
    st.caption(
        t(
            "蓝色为县图上的图形，紫色已有人取作地块。图形原样取用，不重新勾绘。",
            "Blue: the county's shapes; purple: taken already. Shapes are used exactly as they are.",
        )
    )
    if place is None:
        return
    with db.transaction(person) as session:
        found = base_shapes.at_point(session, pick.layer_id, *place)
    if found is None:
        st.toast(t("那里没有图形。", "Nothing lies there."))
    elif found != pick.shape_id:
        pick.shape_id, pick.line = found, None
        st.rerun()


def _first_view(
    shape: BaseShape | None, extent: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    if shape is not None:
        west, south, east, north = shapely.geometry.shape(shape.boundary).bounds
        margin = max(east - west, north - south)
        return west - margin, south - margin, east + margin, north + margin
    west, south, east, north = extent
    x, y = (west + east) / 2, (south + north) / 2
    half_x = min(east - west, FIRST_VIEW_DEGREES) / 2
    half_y = min(north - south, FIRST_VIEW_DEGREES) / 2
    return x - half_x, y - half_y, x + half_x, y + half_y


def _feature(shape: BaseShape) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": shape.boundary,
        "properties": {"id": shape.id, "label": shape.shape_no, "state_colour": _words.BLUE},
    }


def _chosen(person: Actor, pick: Pick) -> None:
    """What the county's table says about the shape, and the fields of the parcel to be."""
    assert pick.shape_id is not None
    with db.transaction(person) as session:
        shape = base_shapes.get(session, pick.shape_id)
    _kit.heading(shape.shape_no)
    pairs: list[tuple[str, Any]] = [
        (t("面积", "Area"), _words.mu_ha(shape.area_m2)),
        (
            t("图上载明面积", "Area in the table"),
            f"{_words.mu(shape.declared_area_m2)} {t('亩', 'mu')}"
            if shape.declared_area_m2
            else None,
        ),
        (t("底图", "Map"), shape.layer_name),
        *((_land.field_word(name), value) for name, value in list(shape.attributes.items())[:12]),
    ]
    _kit.facts(pairs)
    for code in shape.taken_by:
        st.warning(
            t(
                f"已由 {code} 取用。再取整个图形会与它重叠。",
                f"Taken by {code} already: taken whole again, the two overlap.",
            )
        )
    parts = _split(pick, shape)
    sink_type = st.selectbox(
        t("类型", "Type"), list(_words.SINK_TYPES), key="pick.type",
        format_func=lambda code: _words.word(_words.SINK_TYPES, code),
    )  # fmt: skip
    name = st.text_input(
        t("名称（不填用小班号）", "Name (its number if empty)"), key=f"pick.name.{shape.id}",
        max_chars=100,
    )  # fmt: skip
    township = st.text_input(t("乡镇（街道）", "Township"), key="pick.township", max_chars=50)
    if parts is None:
        if not pick.splitting and st.button(
            t("取作地块草稿", "Make it a draft parcel"), key="pick.take", type="primary",
            width="stretch",
        ):  # fmt: skip
            _take(person, pick, sink_type, name, township, ["whole"])
        return
    west, east = st.columns(2)
    for part, column in (("a", west), ("b", east)):
        side = t("西部", "western part") if part == "a" else t("东部", "eastern part")
        if column.button(
            t(f"只取{side}", f"Take the {side}"), key=f"pick.take.{part}", width="stretch"
        ):
            _take(person, pick, sink_type, name, township, [part])
    if st.button(
        t("两部分各成一块", "Both, one parcel each"), key="pick.take.both", type="primary",
        width="stretch",
    ):  # fmt: skip
        _take(person, pick, sink_type, name, township, ["a", "b"])


def _split(pick: Pick, shape: BaseShape) -> dict[str, shapely.MultiPolygon] | None:
    """The button that begins the splitting, or the two parts the line makes with their areas."""
    if not pick.splitting:
        if st.button(t("画线分割", "Split by a line"), key="pick.split", width="stretch"):
            pick.splitting, pick.line = True, None
            pick.mount += 1
            st.rerun()
        return None
    if st.button(t("不分割，取整个图形", "Do not split"), key="pick.whole", width="stretch"):
        pick.splitting, pick.line = False, None
        pick.mount += 1
        st.rerun()
    if pick.line is None:
        st.info(
            t(
                "在左图点折线工具，从图形外画起、穿过图形、画到另一侧外面，双击结束。",
                "Take the line tool, begin outside, cross the shape, end outside with a double click.",
            )
        )
        return None
    parts = None
    with _session.explained():
        outline = geometry.as_multipolygon(shapely.geometry.shape(shape.boundary))
        first, second = base_shapes.split(outline, base_shapes.line_of(pick.line))
        parts = {"a": first, "b": second}
    if parts is None:
        return None
    _maps.show_map(
        f"pick-parts-{pick.mount}",
        [
            {
                "type": "Feature", "geometry": outline.__geo_interface__,
                "properties": {
                    "id": part, "state_colour": PART_COLOURS[part],
                    "label": t("西部", "west") if part == "a" else t("东部", "east"),
                },
            }
            for part, outline in parts.items()
        ],
        height=220, basemaps=_land.basemaps(), review_number=_land.review_number(),
        legend=[(t("西部", "west"), PART_COLOURS["a"], False), (t("东部", "east"), PART_COLOURS["b"], False)],
    )  # fmt: skip
    areas = {part: geometry.area_m2(outline) for part, outline in parts.items()}
    _kit.facts(
        [
            (t("西部", "Western part"), _words.mu_ha(areas["a"])),
            (t("东部", "Eastern part"), _words.mu_ha(areas["b"])),
            (t("合计", "Together"), _words.mu_ha(sum(areas.values()))),
        ]
    )
    return parts


def _take(
    person: Actor, pick: Pick, sink_type: str, name: str, township: str, parts: list[str]
) -> None:
    assert pick.shape_id is not None
    with _session.explained():
        with db.transaction(person) as session:
            line = base_shapes.line_of(pick.line) if pick.line and parts != ["whole"] else None
            made = [
                base_shapes.take(
                    session, person, pick.shape_id, sink_type=sink_type, township=township,
                    name=name if len(parts) == 1 else _numbered(name, part), part=part, line=line,
                )
                for part in parts
            ]  # fmt: skip
            codes, last_id = [parcel.code for parcel in made], made[-1].id
        del st.session_state[KEY]
        st.session_state["parcels.wanted"] = last_id
        said = "、".join(codes)
        _session.say_done(t(f"{said} 已建为草稿。", f"{said}: drafts are made."))


def _numbered(name: str, part: str) -> str:
    """One name for two parcels tells them apart by their side; without one, the number does."""
    side = "西部" if part == "a" else "东部"
    return f"{name.strip()}（{side}）" if name.strip() else ""

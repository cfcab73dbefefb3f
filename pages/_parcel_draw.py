"""Drawing the outline of a parcel on the map, or typing its corners; saving it as a draft.

What is drawn is kept at every stroke, in the session and in the database, and offered again to whoever
comes back to the page, also after the browser has loaded it anew. While somebody draws, the parcels around stay as they were when they began: another picture
would make the browser's map begin anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from gis_data import geometry
from pages import _kit, _land, _maps, _session, _words
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.land import (
    marks,
    outline_drafts,
    overlaps,
    parcel_list,
    parcel_outlines,
    parcel_search,
    parcels,
)
from sinks.land.overlaps import Neighbour
from sinks.land.parcel_list import ParcelRow
from sinks.land.parcel_search import Wanted
from sinks.web import typed

KEY = "sketch"
NAME = "sketch.name"
TYPE = "sketch.type"
# In the address while somebody draws.
AT_IT = "draw"
FIELDS = (NAME, TYPE, "sketch.township", "sketch.declared", "sketch.corners")
MARGIN_DEGREES = 0.004  # About 400 m around what the map looks at.


@dataclass
class Sketch:
    """An outline that somebody is at. ``parcel_id`` is None for a new parcel.

    start : what the map began with; drawn : what it holds now; mount : counts the maps begun
    fields : what stands in the fields beside the map, by their keys
    kept : what the database holds of all this (`outline_drafts`)
    """

    how: str  # draw or type
    parcel_id: int | None
    title: str
    start: dict[str, Any] | None
    around: list[dict[str, Any]] = field(default_factory=list)
    bounds: _maps.Bounds | None = None
    drawn: dict[str, Any] | None = None
    mount: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] | None = None


def begin(person: Actor, how: str, row: ParcelRow | None = None, near: int | None = None) -> None:
    """Begin an outline: of a new parcel, or anew of ``row``; near the parcel of id ``near``."""
    with db.transaction(person) as session:
        where = row or next(
            iter(parcel_list.rows(session, ids=[] if near is None else [near])), None
        )
        everything = parcel_search.bounds(session, Wanted())
        place = bounds_of([where.boundary]) if where else everything and with_margin(everything)
        _begin(session, how, row, place)


def _begin(
    session: db.Session, how: str, row: ParcelRow | None, place: _maps.Bounds | None
) -> Sketch:
    others = parcel_search.nearest(
        session, place or _maps.HUZHOU, limit=_land.FEATURES_MAX, but_not=[row.id] if row else []
    )
    sketch = Sketch(
        how=how,
        parcel_id=row.id if row else None,
        title=t(f"重新勾绘 {row.code}", f"Redraw {row.code}") if row else t("新地块", "New parcel"),
        start=row.boundary if row else None,
        around=[_land.feature(other) for other in parcel_list.rows(session, ids=others)],
        bounds=place,
    )
    st.session_state[KEY] = sketch
    return sketch


def under_way(person: Actor) -> bool:
    """Whether this person is at an outline; one that the browser has forgotten is taken up again."""
    if KEY in st.session_state:
        return True
    if Role.OFFICER not in person.roles:
        return False
    with db.transaction(person) as session:
        held = outline_drafts.of_person(session, person)
    if held is None:
        return False
    # The address says so when the page is loaded anew in the middle of it; else one may look at
    # parcels first.
    if AT_IT in st.query_params or _wants_to_go_on(person, held):
        return _take_up(person, held)
    return False


def _wants_to_go_on(person: Actor, held: dict[str, Any]) -> bool:
    name = held["fields"].get(NAME) or t("未命名", "no name yet")
    st.info(
        _session.plain(
            t(
                f"您有一个没有保存的轮廓（{name}）。",
                f"You have an outline that is not saved ({name}).",
            )
        )
    )
    go_on, drop, _ = st.columns([1, 1, 3])
    if drop.button(t("丢弃", "Drop it"), key="sketch.drop", width="stretch"):
        with db.transaction(person) as session:
            outline_drafts.discard(session, person)
        st.rerun()
    return go_on.button(t("接着画", "Go on"), key="sketch.resume", width="stretch", type="primary")


def _take_up(person: Actor, held: dict[str, Any]) -> bool:
    with db.transaction(person) as session:
        asked = [] if held["parcel_id"] is None else [held["parcel_id"]]
        row = next(iter(parcel_list.rows(session, ids=asked)), None)
        drawn = held["drawn"]
        place = bounds_of([drawn]) if drawn else bounds_of([row.boundary]) if row else None
        sketch = _begin(session, held["how"], row, place)
    sketch.drawn, sketch.fields, sketch.kept = drawn, held["fields"], held
    return True


def _keep(person: Actor, sketch: Sketch) -> None:
    """Have the database hold what the browser may forget, whenever it has changed."""
    held = {
        "how": sketch.how, "parcel_id": sketch.parcel_id, "drawn": sketch.drawn,
        "fields": sketch.fields,
    }  # fmt: skip
    begun = sketch.drawn != sketch.start or any(
        sketch.fields.get(key) for key in FIELDS if key != TYPE
    )
    if held != sketch.kept and (begun or sketch.kept is not None):
        with db.transaction(person) as session:
            outline_drafts.keep(session, person, held)
        sketch.kept = held


def screen(person: Actor) -> None:
    """Show the map, or the field for the corners, and what to say about the outline."""
    sketch: Sketch = st.session_state[KEY]
    st.query_params[AT_IT] = "1"
    if NAME not in st.session_state and (sketch.drawn is not None or sketch.fields):
        # Streamlit forgets fields when the page is left, and so the map: both begin with what
        # they held.
        if sketch.drawn != sketch.start:
            sketch.start, sketch.mount = sketch.drawn, sketch.mount + 1
        for key, value in sketch.fields.items():
            st.session_state[key] = value
        st.info(t("上次勾绘的轮廓还在，可以接着画。", "Your last outline is still here; go on."))
    st.subheader(sketch.title)
    left, right = st.columns([3, 2])
    with left:
        _outline(sketch)
    with right:
        area_m2 = _said_of(person, sketch) if sketch.drawn is not None else None
        if sketch.drawn is None:
            _kit.empty(
                t(
                    "在图上点出每个拐点，回到第一个点闭合。面积随即显示在这里。",
                    "Click every corner and close on the first. The area appears here.",
                )
                if sketch.how == "draw"
                else t("填好拐点后，面积显示在这里。", "Type the corners; the area appears here.")
            )
        _fields(person, sketch, area_m2)
    sketch.fields = {key: st.session_state[key] for key in FIELDS if key in st.session_state}
    _keep(person, sketch)


def _outline(sketch: Sketch) -> None:
    if sketch.how == "type":
        _corners(sketch)
        return
    drawn = _maps.draw_map(
        f"sketch-{sketch.parcel_id}-{sketch.mount}", start=sketch.start, around=sketch.around,
        bounds=None if sketch.start else sketch.bounds, height=560,
        basemaps=_land.basemaps(), review_number=_land.review_number(),
    )  # fmt: skip
    sketch.drawn = drawn or sketch.start


def _corners(sketch: Sketch) -> None:
    text = st.text_area(
        t("拐点坐标，每行一个：经度, 纬度", "Corners, one a line: longitude, latitude"),
        key="sketch.corners", height=260,
        placeholder="119.680123, 30.638456\n119.681020, 30.638470\n119.681011, 30.637702",
        help=t(
            "CGCS2000 十进制度。末点可以重复首点，也可以不写；空一行表示另一块。",
            "Decimal degrees, CGCS2000. An empty line begins another part.",
        ),
    )  # fmt: skip
    sketch.drawn = None
    if text.strip():
        with _session.explained():
            sketch.drawn = typed.outline(text)
    if sketch.drawn is not None:
        shown = {
            "type": "Feature", "geometry": sketch.drawn,
            "properties": {"id": 0, "label": sketch.title, "state_colour": _words.BLUE},
        }  # fmt: skip
        _maps.show_map(
            "sketch-typed", [shown], around=sketch.around, height=360,
            basemaps=_land.basemaps(), review_number=_land.review_number(),
        )  # fmt: skip


def _said_of(person: Actor, sketch: Sketch) -> float | None:
    """Show the area and whom the outline overlaps; the area [m2], None when it is refused."""
    assert sketch.drawn is not None
    with _session.explained():
        boundary = parcel_outlines.parse_boundary(sketch.drawn)
        area_m2 = geometry.area_m2(boundary)
        with db.transaction(person) as session:
            others = overlaps.neighbours(session, boundary, but_not=sketch.parcel_id)
        _kit.metric_big(
            _words.mu(area_m2), t("亩", "mu"),
            t(f"{area_m2 / 10_000:.4f} 公顷，椭球面积", f"{area_m2 / 10_000:.4f} ha, ellipsoidal"),
            title=t("图上面积", "Area drawn"),
        )  # fmt: skip
        _overlaps(others)
        return area_m2
    return None


def _overlaps(others: Sequence[Neighbour]) -> None:
    for other in others:
        shared = f"{other.shared_m2:,.1f}"
        if other.deep:
            st.warning(
                t(
                    f"与 {other.code} 重叠 {shared} 平方米，最宽处超过 1 米。可以先存为草稿，"
                    "修正之前不能入库。",
                    f"Overlaps {other.code} by {shared} m², wider than 1 m. It can be kept as a "
                    "draft, and not be enrolled before it is mended.",
                )
            )
        elif other.shared_m2 >= 0.1:
            st.caption(
                t(
                    f"与 {other.code} 相接处重叠 {shared} 平方米，宽不到 1 米，在精度之内。",
                    f"Shares {shared} m² along {other.code}, narrower than 1 m: within accuracy.",
                )
            )


def _fields(person: Actor, sketch: Sketch, area_m2: float | None) -> None:
    """What is written down with the outline, and the buttons."""
    new = sketch.parcel_id is None
    name = st.text_input(
        t("名称（小班号或小地名）", "Name"), key=NAME, max_chars=100, disabled=not new,
        placeholder="" if new else t("名称不变", "unchanged"),
    )  # fmt: skip
    sink_type, township = "", ""
    if new:
        sink_type = st.selectbox(
            t("类型", "Type"), list(_words.SINK_TYPES), key="sketch.type",
            format_func=lambda code: _words.word(_words.SINK_TYPES, code),
        )  # fmt: skip
        township = st.text_input(t("乡镇（街道）", "Township"), key="sketch.township", max_chars=50)
    declared_mu = st.number_input(
        t("证载或申报面积（亩，可不填）", "Declared area (mu, if any)"), key="sketch.declared",
        min_value=0.01, max_value=1_000_000.0, value=None, step=0.01, format="%.2f",
    )  # fmt: skip
    declared_m2 = declared_mu * 10_000 / 15 if declared_mu else None
    if area_m2 and declared_m2:
        difference = area_m2 / declared_m2 - 1
        said = t(
            f"图上面积比申报 {difference:+.1%}", f"{difference:+.1%} against the declared area"
        )
        over = abs(difference) > marks.DECLARED_AREA_DIFFERENCE_SHARE_MAX
        st.caption(
            said + (t("，超过 5%，将记为存疑", ", over 5 %: a doubt is noted") if over else "")
        )
    unchanged = not new and sketch.drawn == sketch.start and sketch.mount == 0
    if unchanged:
        st.caption(t("边界还没有改动。", "The outline is unchanged."))
    save, leave = st.columns(2)
    if save.button(
        t("保存为草稿", "Keep as a draft"), key="sketch.save", type="primary", width="stretch",
        disabled=area_m2 is None or unchanged,
    ):  # fmt: skip
        _save(person, sketch, name, sink_type, township, declared_m2)
    if leave.button(t("不画了", "Leave it"), key="sketch.leave", width="stretch"):
        with db.transaction(person) as session:
            outline_drafts.discard(session, person)
        _end()
        st.rerun()


def _end() -> None:
    del st.session_state[KEY]
    st.query_params.pop(AT_IT, None)


def _save(
    person: Actor,
    sketch: Sketch,
    name: str,
    sink_type: str,
    township: str,
    declared_m2: float | None,
) -> None:
    assert sketch.drawn is not None
    with _session.explained():
        boundary = parcel_outlines.parse_boundary(sketch.drawn)
        with db.transaction(person) as session:
            if sketch.parcel_id is None:
                parcel = parcel_outlines.create(
                    session, person, boundary=boundary, sink_type=sink_type, name=name,
                    township=township, declared_area_m2=declared_m2,
                    source_name="勾绘" if sketch.how == "draw" else "坐标输入",
                )  # fmt: skip
                parcel_id, code = parcel.id, parcel.code
            else:
                parcel_outlines.redraw(
                    session, person, sketch.parcel_id, boundary=boundary,
                    declared_area_m2=declared_m2,
                )  # fmt: skip
                parcel_id, code = sketch.parcel_id, parcels.locked(session, sketch.parcel_id).code
            outline_drafts.discard(session, person)
        _end()
        st.session_state["parcels.wanted"] = parcel_id
        _session.say_done(t(f"{code} 已保存为草稿。", f"{code} is kept as a draft."))


def _positions(coordinates: Any) -> Iterator[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
    else:
        for inner in coordinates:
            yield from _positions(inner)


def bounds_of(outlines: Sequence[dict[str, Any]]) -> _maps.Bounds:
    """West, south, east, north of outlines, with a margin."""
    places = [place for one in outlines for place in _positions(one["coordinates"])]
    longitudes, latitudes = zip(*places, strict=True)
    return with_margin((min(longitudes), min(latitudes), max(longitudes), max(latitudes)))


def with_margin(bounds: _maps.Bounds) -> _maps.Bounds:
    """The bounds, and land beside them to draw on."""
    west, south, east, north = bounds
    return (
        west - MARGIN_DEGREES, south - MARGIN_DEGREES, east + MARGIN_DEGREES, north + MARGIN_DEGREES,
    )  # fmt: skip

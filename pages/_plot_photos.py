"""Photos of plot visits on the screen: what is on file, and how one is added."""

from datetime import date, datetime, time
from typing import Any

import streamlit as st

from pages import _kit
from pages._kit import Column
from pages._project_card import Card
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.measurement import plot_photos, plots
from sinks.measurement.plot_photos import OFFICE_TIME, PhotoLine, Taken

SHOWN_AT_ONCE = 12


def show(me: Actor, card: Card) -> None:
    """The photos of the project's plots, a page at a time, and the form for another."""
    with db.transaction(me) as session:
        lines = plot_photos.listing(session, card.id)
    if lines:
        show_table(lines)
        show_pictures(me, lines)
    else:
        _kit.empty(
            t(
                "还没有照片。每次调查拍样地中心桩和四个角：打开相机的定位，位置和时间会随照片存档。",
                "No photos yet. Switch the camera's position on: place and time are kept with it.",
            )
        )
    if card.mine or Role.OFFICER in me.roles:
        photo_form(me, card, len(lines))


def show_table(lines: list[PhotoLine]) -> None:
    """Where and when each was taken, with its fingerprint."""
    _kit.table(
        [
            {
                "plot": one.plot_code, "visit": one.measured_on,
                "at": one.taken.at.astimezone(OFFICE_TIME).strftime("%Y-%m-%d %H:%M"),
                "distance": f"{one.distance_m:,.0f}",
                "source": t("照片文件", "file") if one.read_from_file else t("填写", "typed"),
                "sha": _kit.link(f"{one.sha256[:12]}…", f"/documents/{one.document_id}"),
            }
            for one in lines
        ],
        [
            Column("plot", t("样地", "Plot")),
            Column("visit", t("调查", "Visit")),
            Column("at", t("拍摄", "Taken")),
            Column("distance", t("离样地", "From the plot"), "m", number=True),
            Column("source", t("位置来自", "Place from")),
            Column("sha", t("原件 SHA-256", "Original")),
        ],
    )  # fmt: skip


def show_pictures(me: Actor, lines: list[PhotoLine]) -> None:
    """Small pictures, a dozen at once: a survey's originals would fill the browser."""
    pages = -(-len(lines) // SHOWN_AT_ONCE)
    page = 1
    if pages > 1:
        page = int(st.number_input(t(f"第几页（共 {pages}）", f"Page of {pages}"), 1, pages, 1))
    columns = st.columns(3)
    for place, one in enumerate(lines[(page - 1) * SHOWN_AT_ONCE : page * SHOWN_AT_ONCE]):
        with columns[place % 3], explained():
            st.image(
                _preview(me, one.id, one.sha256),
                caption=plain(f"{one.plot_code} · {one.measured_on}"),
            )


@st.cache_data(ttl=3600, max_entries=200, show_spinner=False)
def _preview(_me: Actor, photo_id: int, sha256: str) -> bytes:
    with db.transaction(_me) as session:
        return plot_photos.preview(plot_photos.content_of(session, _me, photo_id))


def photo_form(me: Actor, card: Card, filed: int) -> None:
    """A photo of a visit; place and time are typed only where the file does not say them."""
    visits = {(plot.code, day): plot for plot in card.plots for day in reversed(plot.visited_on)}
    if not visits:
        return
    st.subheader(t("存照片", "File a photo"))
    code, day = st.selectbox(
        t("样地调查", "Visit"), list(visits), key="photo.visit",
        format_func=lambda one: f"{one[0]} · {one[1]}",
    )  # fmt: skip
    file = st.file_uploader(
        t("照片", "Photo"), type=["jpg", "jpeg", "png", "tif", "tiff", "webp"],
        # A new field once a photo is on file: the same press must not file it twice.
        key=f"photo.file.{card.id}.{filed}",
    )  # fmt: skip
    if file is None:
        return
    read = None
    with explained():
        read = plot_photos.taken_of(file.getvalue())
        typed = None if read else _ask_taken(day)
        if read:
            at = read.at.astimezone(OFFICE_TIME)
            st.success(
                t(
                    f"照片里有位置和时间：{read.longitude:.6f}, {read.latitude:.6f}，{at:%Y-%m-%d %H:%M}。",
                    f"The file says: {read.longitude:.6f}, {read.latitude:.6f}, {at:%Y-%m-%d %H:%M}.",
                )
            )
        if st.button(t("存照片", "File it"), key="photo.send", type="primary"):
            with db.transaction(me) as session:
                plot_photos.add(
                    session, me, plots.visit_on(session, visits[code, day].id, day),
                    name=file.name, content=file.getvalue(), typed=typed,
                )  # fmt: skip
            say_done(t("照片已存档。", "The photo is on file."))


def _ask_taken(day: date) -> Taken | None:
    st.info(
        t(
            "照片文件里没有位置和时间，请填写（会注明是填写的）。",
            "The file says neither place nor time: type them; the record says so.",
        )
    )
    columns: list[Any] = st.columns(4)
    longitude = columns[0].number_input(
        t("经度", "Longitude"), value=None, format="%.6f", key="photo.lon"
    )
    latitude = columns[1].number_input(
        t("纬度", "Latitude"), value=None, format="%.6f", key="photo.lat"
    )
    on = columns[2].date_input(t("拍摄日期", "Day"), value=day, key="photo.day")
    at = columns[3].time_input(t("时间", "Time"), value=time(12), key="photo.time")
    if longitude is None or latitude is None:
        return None
    return Taken(longitude, latitude, datetime.combine(on, at, tzinfo=OFFICE_TIME))

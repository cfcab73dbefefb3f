"""What the pages about land share: the ground under their maps, who holds land, moments in time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import streamlit as st

from gis_data import columns, districts
from pages import _kit, _maps, _words
from pages._words import lang, t
from sinks.core import db, people, settings
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.core.people import PartyKind
from sinks.land import parcel_search
from sinks.land.parcel_list import ParcelRow
from sinks.land.parcels import Status
from sinks.land.rights import CERTIFICATE_ZH, RIGHT_ZH, CertificateKind, RightKind

# A map of more outlines than this is slow in the browsers of county offices.
FEATURES_MAX = 400
CHINA = timezone(timedelta(hours=8))
HOLDERS: dict[str, tuple[str, str]] = {
    PartyKind.HOUSEHOLD: ("农户", "Household"),
    PartyKind.VILLAGE: ("村集体", "Village collective"),
    PartyKind.COOPERATIVE: ("合作社", "Cooperative"),
    PartyKind.ENTERPRISE: ("企业", "Enterprise"),
}
# What stands over the state of a parcel while a doubt about it is open.
DOUBT = ("存疑", "In doubt", _words.RED)


def moment(at: datetime) -> str:
    """A moment in the time of China, to the minute."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def day(at: datetime) -> str:
    """The day of a moment in the time of China."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d")


def review_number() -> str | None:
    """审图号 of the office's maps, if it has one."""
    return settings.load().map_review_number


def basemaps() -> list[_maps.Basemap]:
    """The base maps this office has set up; none is a matter of course.

    The picture of the office itself comes from this server; Tianditu only from the address of a
    mirror that the office's network reaches.
    """
    now = settings.load()
    found: list[_maps.Basemap] = []
    if now.basemap_cog is not None:
        found.append(
            {
                "kind": "xyz",
                "name": t("本地影像", "Own imagery"),
                "url": "/tiles/base/{z}/{x}/{y}.png",
            }
        )
    if now.tianditu_url is not None:
        found.append(
            {
                "kind": "xyz",
                "name": t("天地图", "Tianditu"),
                "url": now.tianditu_url.replace("{key}", now.tianditu_key or ""),
                "attribution": "天地图",
            }
        )
    return found


def county_outlines() -> list[dict[str, Any]]:
    """The five districts as features: what a map without any base map stands on."""
    return [
        {
            "type": "Feature",
            "properties": {"label": one.name_en if lang() == "en" else one.name_zh},
            "geometry": one.polygon.__geo_interface__,
        }
        for one in districts.DISTRICTS
    ]


def feature(row: ParcelRow) -> dict[str, Any]:
    """A parcel for a map: its code, name and state, nothing about its holders."""
    state = _words.PARCEL[row.status]
    word = t(DOUBT[0], DOUBT[1]) if row.open_marks else state.word
    return {
        "type": "Feature",
        "geometry": row.boundary,
        "properties": {
            "id": row.id,
            "label": f"{row.code} {row.name} · {word}",
            "state_colour": DOUBT[2] if row.open_marks else state.colour,
        },
    }


def legend(rows: Iterable[ParcelRow]) -> list[tuple[str, str, bool]]:
    """The states that are on the map, in the order of the life of a parcel."""
    return legend_of({parcel_search.DOUBT if row.open_marks else row.status for row in rows})


def colours() -> list[str]:
    """The colours of a tile of parcels, in the order of `parcel_search.KINDS`."""
    return [*(_words.PARCEL[status].colour for status in Status), DOUBT[2]]


def legend_of(kinds: Iterable[str]) -> list[tuple[str, str, bool]]:
    """The legend of these `parcel_search.KINDS`."""
    present = set(kinds)
    entries = [
        (state.word, state.colour, False)
        for code, state in _words.PARCEL.items()
        if code in present
    ]
    if parcel_search.DOUBT in present:
        entries.append((t(DOUBT[0], DOUBT[1]), DOUBT[2], False))
    # Two states may share a colour; then they share an entry.
    words: dict[str, list[str]] = {}
    for word, colour, _ in entries:
        words.setdefault(colour, []).append(word)
    return [(" / ".join(said), colour, False) for colour, said in words.items()]


def chips(row: ParcelRow) -> list[_kit.Html]:
    """The state of a parcel, and its doubt if one is open."""
    found = [_kit.state_chip(_words.PARCEL, row.status)]
    if row.open_marks:
        found.append(_kit.chip(t(DOUBT[0], DOUBT[1]), DOUBT[2]))
    return found


def right_word(kind: RightKind) -> str:
    """A kind of right as a person reads it."""
    return t(RIGHT_ZH[kind], kind.value.replace("_", " ").capitalize())


def paper_word(kind: CertificateKind) -> str:
    """A kind of certificate as a person reads it."""
    return t(CERTIFICATE_ZH[kind], kind.value.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class PartyChoice:
    """A holder of land that somebody chose, or typed because nobody had it yet.

    Without id and kind nobody was chosen.
    """

    party_id: int | None
    kind: str
    name: str

    def settled(self, session: Any, person: Actor) -> int:
        """The id of the party; a new one is added in this very transaction."""
        if self.party_id is not None:
            return self.party_id
        if not self.kind:
            raise Invalid(t("请选择权利人。", "Please choose the holder."), code="owner")
        return people.add_party(session, person, kind=self.kind, name=self.name).id


def choose_party(person: Actor, key: str, label: str) -> PartyChoice:
    """Fields to choose a holder of land, or to write down a new one."""
    with db.transaction(person) as session:
        known = {
            party.id: f"{party.name}（{t(*HOLDERS[party.kind])}）"
            for party in people.parties(session, *HOLDERS)
        }
    options: Sequence[int] = [0, *known]
    # Nobody stands there by himself: land in the wrong name is worse than one more click.
    chosen = st.selectbox(
        label, options, index=None, key=f"{key}.party",
        placeholder=t("选择，或输入名称查找", "choose, or type a name"),
        format_func=lambda one: known.get(one, t("＋ 新的权利人", "+ somebody new")),
    )  # fmt: skip
    if chosen is None:
        return PartyChoice(None, "", "")
    if chosen:
        return PartyChoice(chosen, "", "")
    kind_column, name_column = st.columns([1, 2])
    kind = kind_column.selectbox(
        t("类别", "Kind"), list(HOLDERS), key=f"{key}.kind",
        format_func=lambda one: t(*HOLDERS[one]),
    )  # fmt: skip
    name = name_column.text_input(
        t("名称或姓名", "Name"), key=f"{key}.name", max_chars=200,
        help=t("与证书上写的一致", "as on the certificate"),
    )  # fmt: skip
    return PartyChoice(None, kind, name)


def field_word(name: str) -> str:
    """What a column of a file holds, with its own name where that says it otherwise."""
    meanings = columns.meanings_of(name)
    if len(meanings) != 1:
        return name
    about = columns.MEANINGS[next(iter(meanings))]
    title = t(about.title_zh, about.title_en)
    return title if title == name else t(f"{title}（{name}）", f"{title} ({name})")

"""地块: the map and the card of a parcel side by side; drawing, rights, enrolment."""

import hashlib
import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages import (
    _kit,
    _land,
    _maps,
    _parcel_draw,
    _parcel_shapes,
    _parcel_split,
    _parcel_steps,
    _parcel_succession,
    _parcel_tenure,
    _session,
    _tile_map,
    _words,
)
from pages._kit import Column
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.land import marks, parcel_list, parcel_search
from sinks.land.parcel_list import ParcelRow
from sinks.land.parcel_search import Wanted
from sinks.land.parcels import Status
from sinks.web import parcel_card, parcel_tiles, todo
from sinks.web.parcel_card import Measurement, ParcelCard

HERE = Path(__file__).parent
CHOICE = "parcels.choice"
PAGE = "parcels.page"
WANTED = "parcels.wanted"
CLICKED = "parcels.clicked"
# The parcel the map is opened on. A click on the map leaves it where it is.
LOOK = "parcels.look"
LIST_HEIGHT = 460
# The steps of a parcel's way, as the audit log calls them and as a person reads them.
EVENTS: dict[str, tuple[str, str]] = {
    "parcel.create": ("勾绘或导入", "Drawn or imported"),
    "parcel.submitted": ("报送", "Submitted"),
    "parcel.rights_reviewed": ("审权属", "Rights reviewed"),
    "parcel.enrolled": ("入库", "Enrolled"),
    "parcel.under_contract": ("签收储合同", "Under contract"),
}
# What a person came from their list for (`sinks.web.todo`): the parcels shown first.
TODO: dict[str, tuple[str, str]] = {
    "parcel_draft": ("补全", "complete"),
    "rights_review": ("审权属", "review"),
    "enrol": ("入库", "enrol"),
    "overlap": ("修正重叠", "mend"),
    "mark": ("核实", "settle"),
    "attribute_review": ("复核属性", "review the attributes of"),
}
# The steps every parcel goes, in order, up to its contract.
STEPS = (
    "parcel.create",
    "parcel.submitted",
    "parcel.rights_reviewed",
    "parcel.enrolled",
    "parcel.under_contract",
)
REACHED = {
    Status.DRAFT: 1,
    Status.SUBMITTED: 2,
    Status.RIGHTS_REVIEWED: 3,
    Status.ENROLLED: 4,
    Status.UNDER_CONTRACT: 5,
}


def toolbar(person: Actor, chosen: int | None) -> None:
    """The ways to bring land in."""
    if Role.OFFICER not in person.roles:
        return
    draw, pick, corners, imported, _ = st.columns([1, 1, 1, 1, 1])
    if draw.button(t("勾绘新地块", "Draw"), key="parcels.draw", type="primary", width="stretch"):
        _parcel_draw.begin(person, "draw", near=chosen)
        st.rerun()
    if pick.button(
        t("从小班底图点选", "From the county's map"), key="parcels.pick", width="stretch"
    ):
        _parcel_shapes.begin()
        st.rerun()
    if corners.button(t("坐标输入", "Type corners"), key="parcels.type", width="stretch"):
        _parcel_draw.begin(person, "type", near=chosen)
        st.rerun()
    if imported.button(t("导入文件", "Import"), key="parcels.import", width="stretch"):
        st.switch_page(HERE / "imports.py")


@dataclass(frozen=True, slots=True)
class Found:
    """The parcels that the filters leave: how many by state, and those of the page of the list.

    bounds : where they lie; None when there is none
    """

    wanted: Wanted
    todo: str
    counts: dict[str, int]
    rows: list[ParcelRow]
    bounds: _maps.Bounds | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def filtered(person: Actor) -> Found:
    """The parcels that the filters leave."""
    asked = st.query_params.get("todo", "")
    kinds, statuses = ["", *_words.SINK_TYPES], ["", *Status]
    columns = st.columns([2, 2, 2, 2, 3, 2], vertical_alignment="bottom")
    kind_column, status_column, district_column, township_column = columns[:4]
    search_column, narrow_column = columns[4:]
    kind = kind_column.selectbox(
        t("类型", "Type"), kinds, key="parcels.kind",
        format_func=lambda one: _words.word(_words.SINK_TYPES, one) if one else t("全部", "All"),
    )  # fmt: skip
    status = status_column.selectbox(
        t("状态", "State"), statuses, key="parcels.status",
        format_func=lambda one: _words.PARCEL[one].word if one else t("全部", "All"),
    )  # fmt: skip
    search = search_column.text_input(
        t("搜索", "Search"), key="parcels.search",
        placeholder=t("编号、名称、权利人、证号", "code, name, holder, paper"),
    )  # fmt: skip
    mine = asked in TODO and narrow_column.toggle(
        t(f"只看待我{TODO[asked][0]}的", f"Mine to {TODO[asked][1]}"), value=True,
        key=f"parcels.todo.{asked}",
    )  # fmt: skip
    doubtful = asked not in TODO and narrow_column.toggle(
        t("只看存疑", "In doubt only"), key="parcels.doubtful"
    )
    with db.transaction(person) as session:
        district = district_column.selectbox(
            t("县区", "County"), ["", *_words.DISTRICTS], key="parcels.district",
            format_func=lambda one: _words.word(_words.DISTRICTS, one) if one else t("全部", "All"),
        )  # fmt: skip
        township = township_column.selectbox(
            t("乡镇", "Township"), ["", *parcel_search.townships(session, district)],
            key="parcels.township", format_func=lambda one: one or t("全部", "All"),
        )  # fmt: skip
        ids = todo.parcel_ids(session, person, asked) if mine else None
        wanted = Wanted(
            kind, status, district, township, search.strip()[: parcel_search.SEARCH_CHARS_MAX],
            bool(doubtful), None if ids is None else tuple(ids),
        )  # fmt: skip
        counts = parcel_search.counts(session, wanted)
        page = _page_of(wanted, sum(counts.values()))
        chosen = parcel_search.ids(
            session, wanted, limit=_land.FEATURES_MAX, offset=page * _land.FEATURES_MAX
        )
        rows = parcel_list.rows(session, ids=chosen)
        bounds = _bounds(session, wanted, counts)
    return Found(wanted, asked if mine else "", counts, rows, bounds)


def _page_of(wanted: Wanted, total: int) -> int:
    """Which page of the list is open, from 0; another question begins at the first."""
    if st.session_state.get("parcels.asked") != wanted:
        st.session_state["parcels.asked"] = wanted
        st.session_state[PAGE] = 1
    pages = max(1, math.ceil(total / _land.FEATURES_MAX))
    return min(max(int(st.session_state.get(PAGE, 1)), 1), pages) - 1


def _bounds(session: db.Session, wanted: Wanted, counts: dict[str, int]) -> _maps.Bounds | None:
    """Where they lie, asked once for a question: a map that is given another place begins anew."""
    held = st.session_state.get("parcels.bounds")
    if held is None or held[0] != (wanted, sum(counts.values())):
        place = parcel_search.bounds(session, wanted)
        held = (wanted, sum(counts.values())), place and _parcel_draw.with_margin(place)
        st.session_state["parcels.bounds"] = held
    return held[1]


def choose(person: Actor, found: Found) -> int | None:
    """The box to choose a parcel from the list; what the map or a link has chosen stands in it."""
    codes = {row.id: f"{row.code} {row.name}" for row in found.rows}
    paged = found.total > len(found.rows)
    held = st.session_state.get(CHOICE)
    if held and held not in codes:
        # The filters have left it out, and the card stays until another is chosen.
        with db.transaction(person) as session:
            codes |= {
                row.id: f"{row.code} {row.name}" for row in parcel_list.rows(session, ids=[held])
            }
    if held not in codes:
        st.session_state[CHOICE] = None
    chosen = st.selectbox(
        t(
            f"选择地块（共 {found.total:,} 块{f'，列出本页 {len(found.rows)} 块' if paged else ''}）",
            f"Choose a parcel (of {found.total:,}{f', {len(found.rows)} on this page' if paged else ''})",
        ),
        list(codes), index=None, key=CHOICE, format_func=codes.__getitem__, on_change=look,
        placeholder=t("点选图上的地块，或在这里输入编号", "click the map, or type a code"),
    )  # fmt: skip
    if chosen:
        st.query_params["id"] = str(chosen)
    return chosen


def look() -> None:
    """Let the map look at the parcel that was chosen elsewhere than on it."""
    st.session_state[LOOK] = st.session_state.get(CHOICE)


def wanted_by_link() -> None:
    """Take over the parcel that the map, the address or the step before asks for."""
    clicked = st.session_state.pop(CLICKED, None)
    if clicked is not None:
        st.session_state[CHOICE] = clicked
        return
    wanted = st.session_state.pop(WANTED, None)
    if wanted is None and CHOICE not in st.session_state:
        asked = st.query_params.get("id", "")
        wanted = int(asked) if asked.isdecimal() and len(asked) < 18 else None
    if wanted is not None:
        st.session_state[CHOICE] = wanted
        look()


def the_map(person: Actor, found: Found) -> None:
    """The parcels on the map; a click chooses one."""
    clicked = _few(found.rows) if found.total <= len(found.rows) else _many(person, found)
    if clicked is not None and clicked != st.session_state.get(CHOICE):
        st.session_state[CLICKED] = int(clicked)
        st.rerun()


def _few(rows: Sequence[ParcelRow]) -> int | str | None:
    """Every outline, with its name under the finger; the id of the one just clicked."""
    shown = list(rows)
    aim = next((row for row in rows if row.id == st.session_state.get(LOOK)), None)
    return _maps.show_map(
        "parcels-map", [_land.feature(row) for row in shown], around=_land.county_outlines(),
        bounds=_parcel_draw.bounds_of([aim.boundary]) if aim else None,
        height=560, selected=st.session_state.get(CHOICE), on_click=True,
        legend=_land.legend(shown), basemaps=_land.basemaps(),
        review_number=_land.review_number(),
    )  # fmt: skip


def _many(person: Actor, found: Found) -> int | None:
    """The outlines tile by tile; the id of the one just clicked."""
    held = {st.session_state.get(LOOK), st.session_state.get(CHOICE)} - {None}
    with db.transaction(person) as session:
        near = {row.id: row for row in parcel_list.rows(session, ids=sorted(held))}
    aim, marked = near.get(st.session_state.get(LOOK)), near.get(st.session_state.get(CHOICE))
    asked = parcel_tiles.query(found.wanted, found.todo)
    # What the tiles show has changed when the counts have.
    version = hashlib.sha256(repr(sorted(found.counts.items())).encode()).hexdigest()[:8]
    clicked = _tile_map.tile_map(
        "parcels-tiles", f"/tiles/parcels/{{z}}/{{x}}/{{y}}.json?{asked}&v={version}",
        parcel_search.TILE_UNITS, _land.colours(),
        bounds=_parcel_draw.bounds_of([aim.boundary]) if aim else found.bounds,
        around=_land.county_outlines(), basemaps=_land.basemaps(), height=560,
        legend=_land.legend_of(found.counts), marked=_land.feature(marked) if marked else None,
        review_number=_land.review_number(),
    )  # fmt: skip
    if clicked is None:
        return None
    with db.transaction(person) as session:
        return parcel_search.at(session, found.wanted, *clicked)


def head(card: ParcelCard) -> None:
    """Code, state, area, doubts: what a person looks for first."""
    row = card.row
    _kit.heading(row.code, *_land.chips(row))
    place = " · ".join(
        word for word in (
            row.name, _words.word(_words.SINK_TYPES, row.sink_type),
            _words.word(_words.DISTRICTS, row.district_code), row.township,
        ) if word
    )  # fmt: skip
    st.caption(_session.plain(place))
    if row.demonstration:
        _kit.band()
    for mark in card.marks:
        st.html(
            f"<p>{_kit.chip(t('重叠', 'Overlap') if mark.code == 'overlap' else t('存疑', 'Doubt'), _words.RED)} "
            f"{html.escape(mark.message)}</p>"
        )
        if mark.other_id and st.button(
            t(f"看 {mark.other_code}", f"See {mark.other_code}"), key=f"other.{mark.mark_id}",
            type="tertiary",
        ):  # fmt: skip
            st.session_state[WANTED] = mark.other_id
            st.rerun()


def declared(row: ParcelRow) -> str:
    """The declared area and how the drawn one differs from it."""
    if not row.declared_area_m2:
        return t("未申报", "none declared")
    difference = row.area_m2 / row.declared_area_m2 - 1
    fits = abs(difference) <= marks.DECLARED_AREA_DIFFERENCE_SHARE_MAX
    said = t(f"图上 {difference:+.1%}", f"drawn {difference:+.1%}")
    return f"{_words.mu(row.declared_area_m2)} {t('亩', 'mu')}（{said}）{'✓' if fits else '✗'}"


def details(card: ParcelCard) -> None:
    """Area, holders, contract, as a list of facts."""
    pairs: list[tuple[str, str]] = [
        (t("面积", "Area"), _words.mu_ha(card.row.area_m2)),
        (t("申报面积", "Declared"), declared(card.row)),
    ]
    for one in card.holders:
        term = (
            f"，{one.term_from or '…'} 至 {one.term_to or '…'}"
            if one.term_from or one.term_to
            else ""
        )
        reviewed = t("已审", "reviewed") if one.reviewed_at else t("未审", "not reviewed")
        part = "" if one.share == 1 else f" {_words.share(one.share)}"
        pairs.append(
            (
                _land.right_word(one.kind),
                f"{one.party_name}{part}，{_land.paper_word(one.certificate_kind)} "
                f"{one.certificate_no}{term}（{reviewed}）",
            )
        )
    if not card.holders:
        pairs.append((t("权利人", "Holders"), t("未录入", "none entered")))
    if card.contract is not None:
        pairs.append(
            (
                t("收储合同", "Contract"),
                t(
                    f"{card.contract.number}，至 {card.contract.term_to}",
                    f"{card.contract.number}, until {card.contract.term_to}",
                ),
            )
        )
    pairs.append(
        (
            t("图层", "Layers"),
            _kit.link(
                t("看各期图层上的这块地", "this parcel through the years"),
                f"/layers?parcel={card.row.id}",
            ),
        )
    )
    pairs.append(
        (
            t("活动记录", "Records"),
            _kit.link(
                t("看、登记这块地的活动记录", "records of this parcel"),
                f"/records?parcel={card.row.id}",
            ),
        )
    )
    for vintage, amount_kg in card.credits_kg.items():
        pairs.append((t(f"{vintage} 年份已签发", f"Issued {vintage}"), _words.tonnes(amount_kg)))
    _kit.facts(pairs)


def measurement(found: Measurement) -> None:
    """What the newest run gave the parcel, and the way to why."""
    uncertainty = ""
    if found.round_stderr_co2_t is not None:
        uncertainty = t(
            f"分得份额；监测期合计 {_words.co2_t(found.round_co2_t, found.round_stderr_co2_t)}"
            f"（一倍标准差，{found.round_parcels} 块，扣减前）",
            f"its share; whole round {_words.co2_t(found.round_co2_t, found.round_stderr_co2_t)}"
            f" (one standard deviation, {found.round_parcels} parcels, before deduction)",
        )
    number, unit = _words.co2_t(found.co2_t).rsplit(" ", 1)
    asked = _kit.metric_big(
        number, unit, uncertainty, f"why.{found.round_id}",
        title=t(
            f"最近核算 {found.period_start} 至 {found.period_end}",
            f"Last measured {found.period_start} to {found.period_end}",
        ),
    )  # fmt: skip
    state = _words.ROUND[found.round_status]
    st.html(f"<p>{_kit.chip(state.word, state.colour)}</p>")
    with st.expander(t("核算用到的数", "What went into it")):
        _kit.facts(
            [
                (t("项目", "Project"), found.project_name),
                (t("层", "Stratum"), found.stratum),
                (t("方法", "Method"), found.method_id),
                *on_the_map(found),
                (
                    t("政策", "Policies"),
                    t("均已生效", "all in force")
                    if found.in_force
                    else t("含未生效的建议值，不能签发", "some only suggested: not issuable"),
                ),
            ]
        )
    if asked:
        st.switch_page(
            HERE / "projects.py",
            query_params={
                "project": str(found.project_id),
                "round": str(found.round_id),
                "why": "1",
            },
        )


def on_the_map(found: Measurement) -> list[tuple[str, str]]:
    """What lay under the parcel on the two maps; nothing where it was measured by records."""
    start, end, valid = found.map_agb_t_ha_start, found.map_agb_t_ha_end, found.valid_share
    if start is None or end is None or valid is None:
        return []
    return [
        (t("图上地上生物量", "Biomass on the map"), f"{start:.2f} → {end:.2f} t/ha"),
        (t("有效像元覆盖", "Valid cells"), _words.share(valid)),
    ]


def steps(card: ParcelCard) -> None:
    """How far the parcel has come."""
    status = Status(card.row.status)
    last = {event.action: _land.day(event.at) for event in card.events}
    done = last | ({"parcel.create": last["parcel.redraw"]} if "parcel.redraw" in last else {})
    reached = REACHED.get(status, len(STEPS))
    shown: list[tuple[str, str | None]] = [
        (t(*EVENTS[action]), done.get(action) if number < reached else None)
        for number, action in enumerate(STEPS)
    ]
    if card.measurement is not None or status != Status.WITHDRAWN:
        measured = _land.day(card.measurement.measured_at) if card.measurement else None
        shown.append((t("核算", "Measured"), measured))
        vintages = t("年份 ", "vintage ") + "、".join(map(str, card.credits_kg))
        shown.append((t("核证签发", "Issued"), vintages if card.credits_kg else None))
    if status in (Status.SUSPENDED, Status.WITHDRAWN):
        shown = [step for step in shown if step[1]]
        shown.append((_words.PARCEL[status].word, last.get(f"parcel.{status}")))
    _kit.timeline(shown)


def past(card: ParcelCard) -> None:
    """Every outline the parcel had."""
    with st.expander(t(f"边界版本（{len(card.versions)}）", f"Outlines ({len(card.versions)})")):
        _kit.table(
            [
                {
                    "from": _land.moment(one.valid_from),
                    "to": _land.moment(one.valid_to) if one.valid_to else t("现行", "present"),
                    "area": _words.mu(one.area_m2),
                    "source": one.source_name,
                    "hash": one.geometry_sha256[:12],
                }
                for one in card.versions
            ],
            [
                Column("from", t("自", "From")),
                Column("to", t("至", "To")),
                Column("area", t("面积", "Area"), unit=t("亩", "mu"), number=True),
                Column("source", t("来源", "Source")),
                Column("hash", t("图形指纹", "Fingerprint")),
            ],
        )


def the_card(person: Actor, parcel_id: int) -> None:
    """One parcel."""
    with _session.explained():
        with db.transaction(person) as session:
            card = parcel_card.card(session, person, parcel_id)
        head(card)
        details(card)
        if card.measurement is not None:
            measurement(card.measurement)
        steps(card)
        _parcel_tenure.show(person, card)
        _parcel_steps.show(person, card)
        _parcel_succession.show(person, card)
        _parcel_succession.history(person, card.row.id)
        past(card)


def the_list(rows: Sequence[ParcelRow]) -> None:
    """The parcels as a table."""
    _kit.table(
        [
            {
                "code": _kit.link(row.code, f"/parcels?id={row.id}"),
                "name": row.name,
                "type": _words.word(_words.SINK_TYPES, row.sink_type),
                "place": _words.word(_words.DISTRICTS, row.district_code)
                + t(row.township, f" {row.township}"),
                "area": _words.mu(row.area_m2),
                "declared": _words.mu(row.declared_area_m2) if row.declared_area_m2 else None,
                "state": _kit.beside(*_land.chips(row)),
            }
            for row in rows
        ],
        [
            Column("code", t("编号", "Code")),
            Column("name", t("名称", "Name")),
            Column("type", t("类型", "Type")),
            Column("place", t("所在", "Place")),
            Column("area", t("面积", "Area"), unit=t("亩", "mu"), number=True),
            Column("declared", t("申报", "Declared"), unit=t("亩", "mu"), number=True),
            Column("state", t("状态", "State")),
        ],
    )


def pager(found: Found) -> None:
    """Which page of the list to show, where there are several."""
    pages = math.ceil(found.total / _land.FEATURES_MAX)
    if pages > 1:
        column, said = st.columns([1, 5], vertical_alignment="bottom")
        column.number_input(t("页", "Page"), min_value=1, max_value=pages, step=1, key=PAGE)
        said.caption(
            t(
                f"共 {found.total:,} 块，{pages:,} 页，每页 {_land.FEATURES_MAX} 块，按编号排列。",
                f"{found.total:,} parcels on {pages:,} pages of {_land.FEATURES_MAX}, by code.",
            )
        )


def main() -> None:
    """Show the outline somebody is at, or the map with the card beside it."""
    person = _session.page(
        t("地块", "Parcels"), Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER, Role.VERIFIER,
        Role.AUTHORITY, Role.REGISTRAR,
    )  # fmt: skip
    if _parcel_draw.under_way(person):
        _parcel_draw.screen(person)
        return
    if _parcel_shapes.under_way() and Role.OFFICER in person.roles:
        _parcel_shapes.screen(person)
        return
    if _parcel_split.under_way() and Role.OFFICER in person.roles:
        _parcel_split.screen(person)
        return
    wanted_by_link()
    found = filtered(person)
    toolbar(person, st.session_state.get(CHOICE))
    left, right = st.columns([3, 2])
    with left:
        the_map(person, found)
    with right:
        chosen = choose(person, found)
        if chosen is not None:
            the_card(person, chosen)
        elif found.rows:
            _kit.empty(t("点选图上的地块，看它的面积、权属和经过。", "Click a parcel on the map."))
        else:
            _kit.empty(
                t(
                    "没有符合条件的地块。放宽上面的条件，或勾绘、导入新的地块。",
                    "No parcel fits. Widen the filters, or draw or import some.",
                )
            )
    if found.rows:
        pager(found)
        with st.container(height=LIST_HEIGHT, border=False):
            the_list(found.rows)


main()

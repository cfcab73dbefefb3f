"""Page: projects, their plots, their monitoring rounds, and why each number is what it is."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from methodologies import catalogue
from methodologies.base import Method
from pages import _basket, _kit, _land, _maps, _plots, _rounds, _session, _statements, _words
from pages._basket import Line
from pages._kit import Column
from pages._project_card import BASELINES_EN, Card, load_card
from pages._session import explained, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.crediting import exits, projects, rounds
from sinks.crediting.projects import BASELINE_BASES
from sinks.measurement.plot_table import PlotLine
from sinks.web import project_land
from sinks.web.collection import LISTED_MAX
from sinks.web.project_land import Free

# What a round can measure; the others are run by hand.
METHODS = [method.id for method in catalogue.METHODS.values() if method.by_round is not None]
# Seven columns beside the menu of a 1280 px screen.
TIGHT = "<style>.st-key-projects .sinks-table :is(th, td) { padding: 7px 8px; }</style>"
READERS = (
    Role.COOPERATIVE, Role.DEVELOPER, Role.OFFICER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR,
)  # fmt: skip


def load_list(me: Actor) -> list[dict[str, Any]]:
    """One row a project for the list."""
    with db.transaction(me) as session:
        listed = projects.listing(session)
        areas_m2 = project_land.areas_m2(session)
        return [
            {
                "code": _kit.link(project.code, f"/projects?project={project.id}"),
                "name": project.name,
                "owner": owner.name,
                "type": _words.word(_words.SINK_TYPES, project.sink_type),
                "state": _kit.state_chip(_words.PROJECT, project.status),
                "area": _words.mu(areas_m2.get(project.id, 0.0)),
                "rounds": len(rounds.of_project(session, project.id)),
            }
            for project, owner in listed
        ]


def show_list(me: Actor) -> None:
    """All projects, and the way to a new one."""
    rows = load_list(me)
    if rows:
        st.html(TIGHT)
        with st.container(key="projects"):
            _kit.table(
                rows,
                [
                    Column("code", t("编号", "Number")),
                    Column("name", t("名称", "Name")),
                    Column("owner", t("项目业主", "Owner")),
                    Column("type", t("类型", "Type")),
                    Column("state", t("状态", "State")),
                    Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
                    Column("rounds", t("监测期", "Rounds"), number=True),
                ],
            )
    else:
        _kit.empty(
            t(
                "还没有项目。由合作社或项目业主把已入库的地块组成项目。",
                "No projects yet. A cooperative or developer puts enrolled parcels together.",
            )
        )
    if me.roles & {Role.COOPERATIVE, Role.DEVELOPER}:
        st.subheader(t("新建项目", "New project"))
        create_form(me)


def create_form(me: Actor) -> None:
    """Choose parcels of one county with their strata, and put them together."""
    method = catalogue.method(
        st.selectbox(
            t("方法", "Method"), METHODS, format_func=method_words, key="new.method"
        )
    )  # fmt: skip
    with db.transaction(me) as session:
        counties = project_land.counties(session, me.party_id, method.sink_type)
    if not counties:
        kind = _words.word(_words.SINK_TYPES, method.sink_type)
        _kit.empty(
            t(
                f"没有可加入项目的{kind}地块：地块须已入库、不在其他项目中，并由本单位签有收储合同（没有收储合同的，"
                "由本单位持有经审查、份额完整的碳汇收益权、经营权或使用权）。",
                f"No {kind} parcel is free: it has to be enrolled, in no other project, and ours by a "
                "collection contract or a whole reviewed right.",
            )
        )
        return
    show_method(method.id)
    county = st.selectbox(
        t("县区", "County"), counties, key="new.county",
        format_func=lambda code: _words.word(_words.DISTRICTS, code),
    )  # fmt: skip
    name = st.text_input(t("项目名称", "Name"), key="new.name", max_chars=100)
    by_records = method.by_round == "records"
    basis, figure, spread = ("records", 0.0, 0.0) if by_records else ask_baseline()
    since = ask_practice_year() if by_records else None
    strata = choose_strata(me, method, county)
    facts = None
    if method.id in catalogue.STATEMENTS:
        named = sorted(set(strata.values()))
        facts = _statements.ask_project_facts("new", method.id, named)
    with db.transaction(me) as session:
        area_m2 = project_land.area_m2(session, list(strata))
    st.write(t(f"已选 {len(strata):,} 块，", f"{len(strata):,} chosen, ") + _words.mu_ha(area_m2))
    ready = bool(strata) and (facts is None or _statements.complete(facts))
    if st.button(t("建立项目", "Create"), key="new.create", type="primary", disabled=not ready):
        with explained():
            with db.transaction(me) as session:
                created = projects.create(
                    session, me, name=name, method_id=method.id, strata=strata,
                    baseline_basis=basis, baseline_co2_t_ha_year=figure,
                    baseline_u90=spread / 100, practice_from_year=since, facts=facts,
                )  # fmt: skip
                code, project_id = created.code, created.id
            st.session_state.pop(_basket_key(county, method.sink_type) + ".held", None)
            st.query_params["project"] = str(project_id)
            say_done(t(f"已建立项目 {code}。", f"Project {code} is created."))


def method_words(method_id: str) -> str:
    """A method by its title and id."""
    method = catalogue.method(method_id)
    return f"{t(method.title_zh, method.title_en)}（{method.id}）"


def ask_practice_year() -> int | None:
    """The first year of the practice: the years before are the baseline."""
    return st.number_input(
        t("措施开始的年份", "First year of the practice"), 1990, date.today().year, value=None,
        step=1, key="new.since",
        help=t("改变做法的第一年。以前各年（至少 3 年）的活动记录就是基线，一年也不能缺；生物炭没有基线，"
               "填第一次施用的年份。",
               "The records of the years before (3 at least) are the baseline; char has none."),
    )  # fmt: skip


def ask_baseline() -> tuple[str, float, float]:
    """What the baseline rests on, its figure, and its relative half-width [%]."""
    basis = st.selectbox(
        t("基准线依据", "Baseline rests on"), list(BASELINE_BASES), key="new.basis",
        format_func=lambda code: t(BASELINE_BASES[code], BASELINES_EN[code]),
        help=t("没有这个项目时，这片竹林每年会吸收多少。依据越强，越容易通过审定。",
               "What the land would take up without the project."),
    )  # fmt: skip
    figure, spread = 0.0, 0.0
    if basis != "steady_state":
        left, right = st.columns(2)
        figure = left.number_input(
            t("基准线年碳汇量（tCO₂/公顷·年）", "Baseline uptake (tCO₂/ha·yr)"), value=0.0,
            format="%.3f", key="new.baseline",
        )  # fmt: skip
        spread = right.number_input(
            t("相对不确定性（90% 半宽，%）", "Relative uncertainty (90 % half-width, %)"),
            min_value=0.0, max_value=900.0, value=0.0, key="new.u90",
        )  # fmt: skip
    return basis, figure, spread


def _basket_key(county: str, kind: str) -> str:
    return f"new.parcels.{kind}.{county}"


def choose_strata(me: Actor, method: Method, county: str) -> dict[int, str]:
    """The parcels of the project: parcel id -> stratum."""
    kind = method.sink_type
    st.caption(
        t(
            "同一层的地块各年做法须相同（产量可以不同）；不同的分到另一层。",
            "Parcels of a stratum are farmed alike in every year; yields may differ.",
        )
        if method.by_round == "records"
        else t(
            "同一层应是同样经营、长势相近的林地或茶园（竹林密度相近，人工林树种林龄相同，茶园种植年份相同）；"
            "每层至少布设政策要求的样地数。",
            "A stratum is land of like growth under like management; each needs its plots.",
        )
    )
    with db.transaction(me) as session:
        free = project_land.extent(session, me.party_id, kind, county)
        rows = project_land.listed(session, me.party_id, kind, county)
    if free.count <= LISTED_MAX:
        return tick_strata(rows)

    def find(search: str) -> tuple[int, float, list[Line]]:
        with db.transaction(me) as session:
            extent = project_land.extent(session, me.party_id, kind, county, search)
            found = project_land.listed(session, me.party_id, kind, county, search)
        return extent.count, extent.area_m2, [
            Line(one.parcel_id, one.code, one.name, one.township, one.area_m2) for one in found
        ]  # fmt: skip

    def ids_of(search: str) -> list[int]:
        with db.transaction(me) as session:
            return project_land.parcel_ids(session, me.party_id, kind, county, search)

    held = _basket.choose(_basket_key(county, kind), find=find, ids_of=ids_of, grouped=True)
    sizes = Counter(held.values())
    st.caption("、".join(f"{t('层', 'stratum')} {one}：{sizes[one]:,}" for one in sorted(sizes)))
    return dict(held)


def tick_strata(rows: Sequence[Free]) -> dict[int, str]:
    """A short table to tick parcels and write their stratum."""
    everything = st.checkbox(t("全选", "All"), key="new.all")
    edited = st.data_editor(
        [
            {
                "chosen": everything, "code": row.code, "name": row.name,
                "township": row.township, "area": float(row.area_m2) * 15 / 10_000,
                "stratum": "A",
            }
            for row in rows
        ],
        key=f"new.parcels.{everything}",
        hide_index=True,
        width="stretch",
        disabled=["code", "name", "township", "area"],
        column_config={
            "chosen": st.column_config.CheckboxColumn(t("加入", "In")),
            "code": t("地块", "Parcel"),
            "name": t("名称", "Name"),
            "township": t("乡镇", "Township"),
            "area": st.column_config.NumberColumn(t("面积（亩）", "Area (mu)"), format="%.2f"),
            "stratum": st.column_config.TextColumn(t("层", "Stratum"), max_chars=20),
        },
    )  # fmt: skip
    return {
        row.parcel_id: str(line["stratum"] or "A")
        for row, line in zip(rows, edited, strict=True)
        if line["chosen"]
    }


def show_method(method_id: str) -> None:
    """The method told in its own words."""
    method = catalogue.method(method_id)
    with st.expander(t(f"方法：{method.title_zh}（{method.id}）", f"Method: {method.title_en}")):
        for heading, text in method.explain():
            st.markdown(f"#### {heading}\n\n{text}")


def show_card(me: Actor, card: Card) -> None:
    """One project: what it is, its plots, its rounds."""
    if st.button(t("← 全部项目", "← All projects"), key="back", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    chips = [_kit.state_chip(_words.PROJECT, card.status)]
    if card.demonstration:
        chips.append(_kit.chip(t("演示", "demonstration"), _words.AMBER))
    _kit.heading(f"{card.code} {card.name}", *chips)
    parts = {
        "about": t("概况", "About"),
        **(
            {}
            if card.by_records
            else {"plots": t(f"样地 {len(card.plots)}", f"Plots {len(card.plots)}")}
        ),
        "rounds": t(f"监测期 {len(card.rounds)}", f"Rounds {len(card.rounds)}"),
    }
    asked = "rounds" if "round" in st.query_params else "about"
    part = st.segmented_control(
        t("内容", "Part"), list(parts), default=asked, format_func=parts.__getitem__,
        key=f"part.{card.id}", label_visibility="collapsed",
    )  # fmt: skip
    if part == "plots":
        _plots.show_plots(me, card)
    elif part == "rounds":
        _rounds.show_rounds(me, card)
    else:
        show_about(me, card)


def show_about(me: Actor, card: Card) -> None:
    """Map and record side by side, and the step that comes next."""
    left, right = st.columns([3, 2])
    with left:
        _maps.show_map(
            f"project-{card.id}",
            [_land.feature(row) for row in card.parcels]
            + [_plot_feature(plot) for plot in card.plots],
            legend=[
                *_land.legend(card.parcels),
                *([(t("样地", "Plot"), _words.VIOLET, False)] if card.plots else []),
            ],
            around=_land.county_outlines(), basemaps=_land.basemaps(),
            review_number=_land.review_number(),
        )  # fmt: skip
    with right:
        _kit.facts(
            [
                (t("项目业主", "Owner"), card.owner),
                (t("类型", "Type"), _words.word(_words.SINK_TYPES, card.sink_type)),
                (t("县区", "County"), _words.word(_words.DISTRICTS, card.district_code)),
                (t("面积", "Area"), _words.mu_ha(card.area_m2)),
                (t("地块", "Parcels"), len(card.parcels)),
                (t("层", "Strata"), "、".join(sorted(set(card.strata.values())))),
                (t("方法", "Method"), card.method_id),
                (t("基准线", "Baseline"), card.baseline),
                *record_facts(card),
                (t("公示至", "Notice until"), card.notice_ends_on),
                (t("审定意见", "Validation"), card.statement),
                (t("项目备案号", "Filing number"), card.filing_no),
            ]
        )
        st.caption(next_words(card))
        if card.mine and card.status == projects.Status.DRAFT:
            publish_project(me, card)
    if card.stated is not None:
        _statements.show_project(
            me,
            card.id,
            card.method_id,
            sorted(set(card.strata.values())),
            card.stated,
            mine=card.mine,
            draft=card.status == projects.Status.DRAFT,
        )
    show_method(card.method_id)
    show_exits(me, card)
    _kit.table(
        [
            {
                "code": row.code, "name": row.name, "stratum": card.strata[row.id],
                "area": _words.mu(row.area_m2),
                "state": _kit.state_chip(_words.PARCEL, row.status),
            }
            for row in card.parcels
        ],
        [
            Column("code", t("地块", "Parcel")),
            Column("name", t("名称", "Name")),
            Column("stratum", t("层", "Stratum")),
            Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
            Column("state", t("状态", "State")),
        ],
    )  # fmt: skip


def show_exits(me: Actor, card: Card) -> None:
    """The parcels that have left, and for the owner the way out of those that may."""
    if card.left:
        _kit.table(
            [
                {"code": one.code, "at": _land.day(one.left_at), "why": one.reason}
                for one in card.left
            ],
            [
                Column("code", t("已退出项目的地块", "Parcels that have left")),
                Column("at", t("退出日期", "Left on")),
                Column("why", t("原因", "Reason"), wraps=True),
            ],
        )  # fmt: skip
    if not card.mine or not card.may_leave:
        return
    st.warning(
        t(
            f"{len(card.may_leave)} 块地的收储合同已到期，或地块已不在库：新的监测期开启前，请续签或办理退出项目。",
            f"The contract of {len(card.may_leave)} parcels has lapsed, or they have left the register.",
        )
    )
    with st.expander(t("地块退出项目", "Take a parcel out of the project")):
        codes = dict(card.may_leave)
        chosen = st.selectbox(
            t("地块", "Parcel"), list(codes), key=f"leave.{card.id}", format_func=codes.__getitem__
        )
        reason = st.text_input(t("原因", "Reason"), key=f"leave.why.{card.id}", max_chars=500)
        if _kit.confirm(
            f"leave.{card.id}",
            t(
                f"{codes[chosen]} 退出项目，此后的监测期不含它，不能撤回；已签发的量不变。",
                f"{codes[chosen]} leaves the project for good; what it was issued stays.",
            ),
            t("退出项目", "Leave"),
        ):
            with explained():
                with db.transaction(me) as session:
                    exits.leave(session, me, card.id, chosen, reason=reason)
                say_done(t("已退出项目。", "It has left the project."))


def record_facts(card: Card) -> list[tuple[str, _kit.Html]]:
    """The way to the activity records, where the method measures by them."""
    if not card.by_records:
        return []
    address = f"/records?project={card.id}"
    return [(t("活动记录", "Records"), _kit.link(t("看、登记活动记录", "read, write"), address))]


def _plot_feature(plot: PlotLine) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": plot.square,
        "properties": {
            "id": f"plot-{plot.id}",
            "label": t(f"样地 {plot.code} · 层 {plot.stratum}", f"Plot {plot.code}"),
            "state_colour": _words.VIOLET,
        },
    }


def next_words(card: Card) -> str:
    """What comes next, and whose turn it is."""
    match card.status:
        case "draft":
            return t("草稿：由项目业主公示。", "Draft: the owner publishes it.")
        case "public_notice":
            return t(
                f"公示至 {card.notice_ends_on}，期满后由无关联的核证机构审定。",
                f"On notice until {card.notice_ends_on}, then an unconnected verifier validates it.",
            )
        case "under_validation":
            return t("已审定，等待主管部门备案。", "Validated; the authority registers it next.")
        case "rejected":
            return t("不予备案。", "Rejected.")
    return t("已备案，可以开展监测。", "Registered; rounds can be published.")


def publish_project(me: Actor, card: Card) -> None:
    """Put the project up for notice, asked once."""
    sentence = t(
        f"将公示项目“{card.name}”：{len(card.parcels)} 块地，{_words.mu_ha(card.area_m2)}。"
        "公示期间任何人可以提出异议；公示后地块和层不能再改。",
        f"“{card.name}” goes on public notice: {len(card.parcels)} parcels, "
        f"{_words.mu_ha(card.area_m2)}. Parcels and strata cannot be changed after that.",
    )
    if _kit.confirm(f"publish.{card.id}", sentence, t("公示项目", "Publish")):
        with explained():
            with db.transaction(me) as session:
                ends_on = projects.publish(session, me, card.id).notice_ends_on
            say_done(t(f"已公示，至 {ends_on}。", f"On notice until {ends_on}."))


def _asked(me: Actor) -> int | None:
    """The project that the address names, by itself or by one of its rounds."""
    named = st.query_params.get("project", "")
    if named.isdigit():
        return int(named)
    by_round = st.query_params.get("round", "")
    if by_round.isdigit():
        with db.transaction(me) as session:
            return next(
                (
                    project.id
                    for project, _ in projects.listing(session)
                    if any(
                        row.id == int(by_round) for row in rounds.of_project(session, project.id)
                    )
                ),
                None,
            )
    return None


def main() -> None:
    """The project that is asked for, or all of them."""
    me = _session.page(t("项目与监测", "Projects and rounds"), *READERS)
    project_id = _asked(me)
    card = load_card(me, project_id) if project_id else None
    if card is not None:
        show_card(me, card)
        return
    if project_id:
        st.warning(t("没有这个项目。", "There is no such project."))
    show_list(me)


main()

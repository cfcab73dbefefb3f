"""What planting projects and their rounds state: asked for field by field, shown with its evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import streamlit as st

from methodologies import planting
from pages import _kit, _why_records, _words
from pages._session import explained, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.core.documents import Document
from sinks.crediting import projects, rounds, stated_facts

CATEGORIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "timber": ("用材林", "timber"),
        "protection": ("防护林", "protection"),
        "special_purpose": ("特种用途林", "special purpose"),
        "economic": ("经济林", "economic"),
        "roadside_greening": ("非林地通道绿化", "roadside greening"),
        "urban_greening": ("城镇绿化", "urban greening"),
    }
)
ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "forest_category": "Forest category",
        "start_year": "Year planting began",
        "nonforest_years": "Years without forest before",
        "scattered_trees_removed": "Scattered trees or bamboo were felled",
        "shrub_removal_share": "Shrubs removed, share of the area",
        "initial_agb_t_ha": "Above-ground biomass at the start (t/ha)",
        "target_agb_t_ha": "Above-ground biomass of the target stand (t/ha)",
        "credited_elsewhere_co2_t": "Credited outside this registry (tCO₂)",
        "fertiliser_n_kg_project": "Mineral N spread by the project (kg N)",
        "fertiliser_n_kg_baseline": "Mineral N in the baseline (kg N)",
        "organic_n_kg_project": "Organic N spread by the project (kg N)",
        "organic_n_kg_baseline": "Organic N in the baseline (kg N)",
        "urea_t_project": "Urea spread by the project (t)",
        "urea_t_baseline": "Urea in the baseline (t)",
        "leakage_co2e_t": "Emissions added elsewhere (tCO₂e)",
        "fires": "Fires",
    }
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement in words, with its evidence on file; no evidence is asked of the register."""

    title: str
    pairs: tuple[tuple[str, str], ...]
    evidence: tuple[tuple[int, str, str], ...] | None


def of_project(session: Any, project_id: int) -> Stated | None:
    """What a project states; None where its method asks for nothing."""
    row = stated_facts.of_project(session, project_id)
    if row is None:
        return None
    return _of_project(session, row)


def of_round(session: Any, round_id: int) -> list[Stated]:
    """What a round has frozen beside plots and maps; nothing where its method asks for nothing."""
    found = stated_facts.of_round(session, round_id)
    if found is None:
        return []
    project, row = found
    land = row.land_facts
    return [
        _of_project(session, project),
        Stated(
            t("本期填报", "Stated of this period"),
            _pairs(row.period, planting.titles(planting.PeriodFacts)),
            _documents(session, stated_facts.ROUND_SUBJECT, round_id),
        ),
        Stated(
            t("登记簿所载（开启时）", "By the register, on opening"),
            (
                (t("权属有证明", "Tenure documented"), _yes(land.tenure_documented)),
                (t("湿地", "Wetland"), _yes(land.wetland)),
                (
                    t("最小连续地块", "Smallest contiguous piece"),
                    f"{land.smallest_parcel_m2:,.0f} m²",
                ),
            ),
            None,
        ),
    ]


def _of_project(session: Any, row: stated_facts.ProjectStatement) -> Stated:
    return Stated(
        t("项目事实", "Facts of the project"),
        _pairs(row.values, planting.titles(planting.ProjectFacts)),
        _documents(session, stated_facts.PROJECT_SUBJECT, row.project_id),
    )


def _documents(session: Any, subject: str, key: int) -> tuple[tuple[int, str, str], ...]:
    filed: Sequence[Document] = stated_facts.evidence_of(session, subject, key)
    return tuple((one.id, one.name, one.sha256) for one in filed)


def _pairs(values: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (t(title, ENGLISH[name]), _said(name, values[name])) for name, title in titles.items()
    )


def _said(name: str, value: Any) -> str:
    match value:
        case bool():
            return _yes(value)
        case str():
            return t(*CATEGORIES[value])
        case []:
            return t("没有", "none")
        case list():
            return "；".join(
                f"{fire['area_ha']:g} ha × {fire['agb_t_ha']:g} t/ha" for fire in value
            )
    if name == "start_year":
        return str(value)
    return _words.share(value) if name.endswith("_share") else f"{value:,g}"


def _yes(value: bool) -> str:
    return t("是", "yes") if value else t("否", "no")


def show(stated: Sequence[Stated]) -> None:
    """The statements, each with its evidence."""
    for one in stated:
        st.markdown(f"**{one.title}**")
        evidence = (
            []
            if one.evidence is None
            else [(t("依据材料", "Evidence"), _why_records.evidence_chip(one.evidence))]
        )
        _kit.facts([*one.pairs, *evidence])


def ask_project_facts(key: str) -> dict[str, Any]:
    """Fields for what a project states; None where nothing is chosen yet."""
    names = planting.titles(planting.ProjectFacts)
    st.markdown(f"**{t('项目事实', 'Facts of the project')}**")
    st.caption(
        t(
            "每一项都要填写，没有的填 0；立项后在项目卡上补交依据材料（规划造林地证明、作业设计、目标林分依据等）。",
            "Every field is needed, 0 for none; evidence is filed on the project's card.",
        )
    )
    left, right = st.columns(2)
    choose = t("请选择", "Choose")
    found: dict[str, Any] = {
        "forest_category": left.selectbox(
            _title(names, "forest_category"), list(CATEGORIES), index=None,
            format_func=lambda code: t(*CATEGORIES[code]), key=f"{key}.category",
            placeholder=choose,
        ),
        "start_year": right.number_input(
            _title(names, "start_year"), 2000, 2100, value=None, step=1, key=f"{key}.start_year"
        ),
        "nonforest_years": left.number_input(
            _title(names, "nonforest_years"), min_value=0.0, value=None, key=f"{key}.nonforest"
        ),
        "scattered_trees_removed": right.selectbox(
            _title(names, "scattered_trees_removed"), [False, True], index=None, format_func=_yes,
            key=f"{key}.trees", placeholder=choose,
        ),
    }  # fmt: skip
    percent = left.number_input(
        t("清除灌木和小径竹的面积（占 %）", "Shrubs removed (% of the area)"), 0.0, 100.0,
        value=None, key=f"{key}.shrubs",
    )  # fmt: skip
    found["shrub_removal_share"] = None if percent is None else percent / 100
    for column, name in (
        (right, "credited_elsewhere_co2_t"),
        (left, "initial_agb_t_ha"),
        (right, "target_agb_t_ha"),
    ):
        found[name] = column.number_input(
            _title(names, name), min_value=0.0, value=None, key=f"{key}.{name}"
        )
    return found


def ask_period_facts(key: str) -> dict[str, Any]:
    """Fields for what a round states of its period; None where nothing is typed yet."""
    names = planting.titles(planting.PeriodFacts)
    st.markdown(f"**{t('本期填报', 'Stated of this period')}**")
    st.caption(
        t(
            "全项目、整个监测期的合计；没有的填 0，不能空着。开启后在监测期中补交依据材料。",
            "Totals of the project over the whole period; write 0 for none. Evidence is filed after "
            "the opening.",
        )
    )
    found: dict[str, Any] = {}
    amounts = [name for name in names if name != "fires"]
    # Two a row, and on a phone still in their order.
    for first in range(0, len(amounts), 2):
        for column, name in zip(st.columns(2), amounts[first : first + 2], strict=False):
            found[name] = column.number_input(
                _title(names, name), min_value=0.0, value=None, key=f"{key}.{name}"
            )
    left, right = st.columns(2)
    burnt = left.selectbox(
        t("本期过火", "Fire in the period"), [False, True], index=None, format_func=_yes,
        key=f"{key}.burnt", placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    if burnt is None:
        found["fires"] = None
    elif not burnt:
        found["fires"] = []
    else:
        found["fires"] = [
            {
                "area_ha": left.number_input(
                    t("过火面积（公顷）", "Area burnt (ha)"), min_value=0.0, value=None,
                    key=f"{key}.fire.area",
                ),
                "agb_t_ha": right.number_input(
                    t("过火前地上生物量（t/ha）", "Biomass before the fire (t/ha)"), min_value=0.0,
                    value=None, key=f"{key}.fire.agb",
                ),
            }
        ]  # fmt: skip
    return found


def complete(values: Mapping[str, Any]) -> bool:
    """Whether every field is filled in, those of a fire too."""
    fires = values.get("fires") or []
    inner = [value for fire in fires for value in fire.values()]
    return all(value is not None for value in (*values.values(), *inner))


def _title(names: Mapping[str, str], name: str) -> str:
    return t(names[name], ENGLISH[name])


def show_project(me: Actor, project_id: int, stated: Stated, *, mine: bool, draft: bool) -> None:
    """A project's statement; its owner files evidence, and states anew while it is a draft."""
    show([stated])
    if not mine:
        return
    _evidence_form(
        me, project_id, f"facts.{project_id}", projects.add_evidence,
        t("项目事实的依据材料", "Evidence of the project's facts"),
    )  # fmt: skip
    if not draft:
        return
    with st.expander(t("改填项目事实", "State the facts anew")):
        values = ask_project_facts(f"restate.{project_id}")
        if st.button(
            t("改填（原来的也保留）", "State anew; the earlier one is kept"),
            key=f"restate.{project_id}", disabled=not complete(values),
        ):  # fmt: skip
            with explained():
                with db.transaction(me) as session:
                    projects.restate(session, me, project_id, values)
                say_done(t("已改填。", "Stated anew."))


def show_round(me: Actor, round_id: int, *, mine: bool) -> None:
    """What a round has frozen; its owner files evidence."""
    with db.transaction(me) as session:
        stated = of_round(session, round_id)
    if not stated:
        return
    lacking = mine and any(one.evidence == () for one in stated)
    with st.expander(t("填报事实与依据", "What is stated, with evidence"), expanded=lacking):
        show(stated)
        if mine:
            _evidence_form(
                me, round_id, f"period-facts.{round_id}", rounds.add_evidence,
                t("本期填报的依据材料", "Evidence of what is stated of this period"),
            )  # fmt: skip


def _evidence_form(me: Actor, key_id: int, key: str, file_it: Any, title: str) -> None:
    file = st.file_uploader(title, key=f"{key}.file")
    if st.button(t("存档", "File"), key=f"{key}.send", disabled=file is None) and file is not None:
        with explained():
            with db.transaction(me) as session:
                file_it(session, me, key_id, name=file.name, content=file.getvalue())
            say_done(t("已存档。", "Filed."))

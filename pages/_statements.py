"""What projects and their rounds state: asked for field by field, shown with its evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import streamlit as st

from methodologies import catalogue, planting, statements
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
        "strata": "Strata",
        "prunings": "Pruning, cutting down, replanting",
        "crown_closure": "Crown closure of the bamboo (%)",
        "tree_closure": "Closure of scattered trees (%)",
        "culm_height_m": "Mean height of culms (m)",
        "culm_dbh_cm": "Mean DBH (cm)",
        "wetland": "It is a wetland",
        "organic_soil": "The soil is organic",
        "law_breached": "Forestry law or binding standards were breached",
        "litter_removed": "Litter was taken away",
        "deep_tillage": "Deep tillage",
        "fertiliser_covered": "Fertiliser in furrows or holes, covered (yes where none is spread)",
        "management_measure": "At least one measure of management was taken",
        "culms_t_project": "Culms cut by the project (t dry)",
        "culms_t_baseline": "Culms cut in the baseline (t dry)",
        "tree_loss_co2_t": "Loss of scattered trees (tCO₂)",
        "cleared_area_ha": "Cleared for gardens in the period (ha)",
        "cleared_c_t_ha": "Carbon stock before clearing (tC/ha)",
    }
)
ROUTES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bef": ("蓄积扩展法", "volume with expansion factors"),
        "stand_equation": ("浙江林分方程", "stand equation of Zhejiang"),
        "allometry": ("逐木法", "tree by tree"),
    }
)
SPECIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "chinese_fir": ("杉木", "Chinese fir"),
        "masson_pine": ("马尾松", "Masson pine"),
        "oak": ("栎类", "oaks"),
        "schima": ("木荷", "Schima"),
        "liquidambar": ("枫香", "Liquidambar"),
        "hardwood": ("硬阔", "hardwoods"),
        "softwood": ("软阔", "softwoods"),
    }
)
PRUNINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "light": ("轻修剪", "light"),
        "medium": ("中修剪", "medium"),
        "heavy": ("重修剪", "heavy"),
        "collar": ("台刈", "to the collar"),
        "replant": ("改植", "replanting"),
    }
)
# What a route may take instead of the table's numbers, by the words that ask for it.
OWN_NUMBERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "wood_density_t_m3": ("木材密度（t/m³）", "Wood density (t/m³)", ("bef",)),
        "bef": ("扩展因子 BEF", "Expansion factor", ("bef",)),
        "root_ratio": ("根茎比", "Root ratio", ("bef", "allometry")),
        "carbon_fraction": ("含碳率", "Carbon fraction", ("bef", "stand_equation", "allometry")),
    }
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement in words, with its evidence on file; no evidence is asked of the register."""

    title: str
    pairs: tuple[tuple[str, str], ...]
    evidence: tuple[tuple[int, str, str], ...] | None


def of_project(session: Any, project: projects.Project) -> Stated | None:
    """What a project states; None where its method asks for nothing."""
    row = stated_facts.of_project(session, project.id)
    return None if row is None else _of_project(session, project.method_id, row)


def of_round(session: Any, round_id: int) -> list[Stated]:
    """What a round has frozen beside plots and maps; nothing where its method asks for nothing."""
    found = stated_facts.of_round(session, round_id)
    if found is None:
        return []
    project, row = found
    method_id = rounds.method_of(session, rounds.get(session, round_id))
    land = row.land_facts
    return [
        *([] if project is None else [_of_project(session, method_id, project)]),
        Stated(
            t("本期填报", "Stated of this period"),
            _pairs(row.period, statements.titles(catalogue.PERIODS[method_id])),
            _documents(session, stated_facts.ROUND_SUBJECT, round_id),
        ),
        Stated(
            t("登记簿所载（开启时）", "By the register, on opening"),
            (
                (t("权属有证明", "Tenure documented"), _yes(land.tenure_documented)),
                (
                    t("湿地", "Wetland"),
                    t("不详（没有经复核的地类）", "unknown, no class on file")
                    if land.wetland is None
                    else _yes(land.wetland),
                ),
                (
                    t("最小连续地块", "Smallest contiguous piece"),
                    f"{land.smallest_parcel_m2:,.0f} m²",
                ),
            ),
            None,
        ),
    ]


def _of_project(session: Any, method_id: str, row: stated_facts.ProjectStatement) -> Stated:
    return Stated(
        t("项目事实", "Facts of the project"),
        _pairs(row.values, statements.titles(catalogue.STATEMENTS[method_id])),
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
            return "；".join(_said_row(row) for row in value)
    if name == "start_year":
        return str(value)
    return _words.share(value) if name.endswith(("_share", "_closure")) else f"{value:,g}"


def _said_row(row: Mapping[str, Any]) -> str:
    """A fire, a pruning, a stratum's route or a garden's age in words."""
    match row:
        case {"day": day, "kind": kind, "area_ha": area_ha, "agb_removed_t_ha": removed}:
            seen = t("（样地已反映）", " (seen by plots)") if row["seen_by_plots"] else ""
            return f"{day} {t(*PRUNINGS[kind])} {area_ha:g} ha × {removed:g} t/ha{seen}"
        case {"area_ha": area_ha, "agb_t_ha": agb_t_ha}:
            return f"{area_ha:g} ha × {agb_t_ha:g} t/ha"
        case {"id": stratum, "planted_year": year}:
            return t(f"层 {stratum}：{year} 年种植", f"stratum {stratum}: planted {year}")
    words = [t(*ROUTES[row["route"]])]
    if row["species"] is not None:
        words.append(species_words(row["species"]))
    words += [
        f"{t(zh, en)} {row[name]:g}"
        for name, (zh, en, _) in OWN_NUMBERS.items()
        if row[name] is not None
    ]
    return f"{t('层', 'stratum')} {row['id']}：{'，'.join(words)}"


def species_words(code: str) -> str:
    """A species or stand type in words; its code where the table has one more."""
    return t(*SPECIES[code]) if code in SPECIES else code


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


def ask_project_facts(key: str, method_id: str, strata: Sequence[str]) -> dict[str, Any]:
    """Fields for what a project states, of its strata too; None where nothing is chosen yet."""
    model = catalogue.STATEMENTS[method_id]
    st.markdown(f"**{t('项目事实', 'Facts of the project')}**")
    st.caption(
        t(
            "每一项都要填写，没有的填 0；立项后在项目卡上补交依据材料（作业设计、规划造林地证明、种植记录等）。",
            "Every field is needed, 0 for none; evidence is filed on the project's card.",
        )
    )
    found: dict[str, Any] = {}
    if issubclass(model, planting.Planting):
        found |= _ask_planting(key, statements.titles(model))
    if issubclass(model, planting.BambooPlanting):
        found |= _ask_amounts(
            key, statements.titles(model),
            ("credited_elsewhere_co2_t", "initial_agb_t_ha", "target_agb_t_ha"),
        )  # fmt: skip
    if "strata" in model.model_fields:
        ask = _ask_route if issubclass(model, planting.Planting) else _ask_age
        found["strata"] = [ask(f"{key}.{stratum}", stratum) for stratum in strata]
    return found


def _ask_planting(key: str, names: Mapping[str, str]) -> dict[str, Any]:
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
    return found


def _ask_amounts(key: str, names: Mapping[str, str], asked: Sequence[str]) -> dict[str, Any]:
    """Amounts of nought or more; two a row, and on a phone still in their order."""
    found: dict[str, Any] = {}
    for first in range(0, len(asked), 2):
        for column, name in zip(st.columns(2), asked[first : first + 2], strict=False):
            found[name] = column.number_input(
                _title(names, name), min_value=0.0, value=None, key=f"{key}.{name}"
            )
    return found


def _ask_route(key: str, stratum: str) -> dict[str, Any]:
    """How a stratum's trees are reckoned; its own numbers only where it has any."""
    left, right = st.columns(2)
    choose = t("请选择", "Choose")
    route = left.selectbox(
        t(f"层 {stratum} 的核算方法", f"Stratum {stratum} is reckoned by"), list(ROUTES), index=None,
        format_func=lambda code: t(*ROUTES[code]), key=f"{key}.route", placeholder=choose,
    )  # fmt: skip
    found: dict[str, Any] = {"id": stratum, "route": route, "species": None}
    found |= dict.fromkeys(OWN_NUMBERS)
    if route is None:
        return found
    if known := planting.species_of(route):
        found["species"] = right.selectbox(
            t("树种或林分类型", "Species or stand type"), known, index=None, key=f"{key}.species",
            format_func=species_words, placeholder=choose,
        )  # fmt: skip
    with st.expander(
        t(f"层 {stratum}：改用自测参数（有依据时）", f"Stratum {stratum}: own numbers")
    ):
        for name, (zh, en, routes) in OWN_NUMBERS.items():
            if route in routes:
                found[name] = st.number_input(
                    t(zh, en), min_value=0.0, value=None, format="%.3f", key=f"{key}.{name}"
                )
    return found


def _ask_age(key: str, stratum: str) -> dict[str, Any]:
    year = st.number_input(
        t(f"层 {stratum} 的种植年份", f"Stratum {stratum} was planted in"), 1900,
        date.today().year, value=None, step=1, key=f"{key}.planted",
    )  # fmt: skip
    return {"id": stratum, "planted_year": year}


def ask_period_facts(key: str, method_id: str) -> dict[str, Any]:
    """Fields for what a round states of its period; None where nothing is typed yet."""
    model = catalogue.PERIODS[method_id]
    names = statements.titles(model)
    st.markdown(f"**{t('本期填报', 'Stated of this period')}**")
    st.caption(
        t(
            "全项目、整个监测期的合计；没有的填 0，不能空着。开启后在监测期中补交依据材料。",
            "Totals of the project over the whole period; write 0 for none. Evidence is filed after "
            "the opening.",
        )
    )
    kinds = {name: model.model_fields[name].annotation for name in names}
    found = _ask_yes_or_no(key, names, [name for name in names if kinds[name] is bool])
    found |= _ask_shares(key, names, [name for name in names if name.endswith("_closure")])
    found |= _ask_amounts(
        key, names, [name for name in names if name not in found and kinds[name] is float]
    )
    for name in set(names) - set(found):
        found[name] = _ask_fires(key) if name == "fires" else _ask_prunings(key)
    return found


def _ask_yes_or_no(key: str, names: Mapping[str, str], asked: Sequence[str]) -> dict[str, Any]:
    """Conditions that hold or not; none is taken for granted."""
    found: dict[str, Any] = {}
    for first in range(0, len(asked), 2):
        for column, name in zip(st.columns(2), asked[first : first + 2], strict=False):
            found[name] = column.radio(
                _title(names, name), [True, False], index=None, horizontal=True,
                format_func=_yes, key=f"{key}.{name}",
            )  # fmt: skip
    return found


def _ask_shares(key: str, names: Mapping[str, str], asked: Sequence[str]) -> dict[str, Any]:
    """Shares, typed as per cent."""
    found: dict[str, Any] = {}
    for column, name in zip(st.columns(2), asked, strict=False):
        percent = column.number_input(
            _title(names, name), 0.0, 100.0, value=None, key=f"{key}.{name}"
        )
        found[name] = None if percent is None else percent / 100
    return found


def _ask_fires(key: str) -> list[dict[str, Any]] | None:
    left, right = st.columns(2)
    burnt = left.selectbox(
        t("本期过火", "Fire in the period"), [False, True], index=None, format_func=_yes,
        key=f"{key}.burnt", placeholder=t("请选择", "Choose"),
    )  # fmt: skip
    if not burnt:
        return None if burnt is None else []
    return [
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


def _ask_prunings(key: str) -> list[dict[str, Any]] | None:
    """Prunings, one after the other."""
    count = st.number_input(
        t("本期修剪、台刈、改植的次数", "Prunings and replantings in the period"), 0, 50, value=None,
        step=1, key=f"{key}.prunings",
    )  # fmt: skip
    if count is None:
        return None
    return [_ask_pruning(f"{key}.pruning.{number}", number + 1) for number in range(count)]


def _ask_pruning(key: str, number: int) -> dict[str, Any]:
    st.caption(t(f"第 {number} 次", f"No. {number}"))
    left, right = st.columns(2)
    choose = t("请选择", "Choose")
    day = left.date_input(t("日期", "Day"), value=None, key=f"{key}.day", format="YYYY-MM-DD")
    return {
        "day": day.isoformat() if isinstance(day, date) else None,
        "kind": right.selectbox(
            t("方式", "Kind"), list(PRUNINGS), index=None, key=f"{key}.kind", placeholder=choose,
            format_func=lambda code: t(*PRUNINGS[code]),
        ),
        "area_ha": left.number_input(
            t("面积（公顷）", "Area (ha)"), min_value=0.0, value=None, key=f"{key}.area"
        ),
        "agb_removed_t_ha": right.number_input(
            t("去除的地上生物量（t/ha）", "Biomass removed (t/ha)"), min_value=0.0, value=None,
            key=f"{key}.removed",
        ),
        "seen_by_plots": left.selectbox(
            t("样地在其后又测过（已反映）", "Plots were measured after it"), [False, True],
            index=None, format_func=_yes, key=f"{key}.seen", placeholder=choose,
        ),
    }  # fmt: skip


def complete(values: Mapping[str, Any]) -> bool:
    """Whether every field is filled in, those of events and strata too.

    Own numbers of a stratum are not asked for, and its species only where its route has a table.
    """
    for name, value in values.items():
        if isinstance(value, list):
            if not all(complete(row) for row in value):
                return False
        elif value is None and name not in (*OWN_NUMBERS, "species"):
            return False
    return True


def _title(names: Mapping[str, str], name: str) -> str:
    return t(names[name], ENGLISH[name])


def show_project(
    me: Actor, project_id: int, method_id: str, strata: Sequence[str], stated: Stated, *,
    mine: bool, draft: bool,
) -> None:  # fmt: skip
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
        values = ask_project_facts(f"restate.{project_id}", method_id, strata)
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

"""Choosing parcels out of more than a screen lists: find by typing, take up what was found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages import _kit, _words
from pages._kit import Column
from pages._words import t


@dataclass(frozen=True, slots=True)
class Line:
    """A parcel as the list shows it."""

    parcel_id: int
    code: str
    name: str
    township: str
    area_m2: float


def choose(
    key: str,
    *,
    find: Callable[[str], tuple[int, float, Sequence[Line]]],
    ids_of: Callable[[str], list[int]],
    grouped: bool,
) -> Mapping[int, str]:
    """Parcel id -> stratum ("" where nothing is grouped) of what the person has taken up so far.

    Parameters
    ----------
    find : for what was typed, how many parcels there are, their land [m2], and the first of them
    ids_of : for what was typed, the ids of all of them; asked when they are taken up
    grouped : ask in which stratum they go
    """
    held: dict[int, str] = st.session_state.setdefault(f"{key}.held", {})
    search_column, stratum_column = st.columns([3, 1]) if grouped else (st.container(), None)
    search = search_column.text_input(
        t("找地块", "Find parcels"), key=f"{key}.search", max_chars=100,
        placeholder=t("编号、名称、乡镇、村、权利人", "code, name, township, village, holder"),
    ).strip()  # fmt: skip
    stratum = ""
    if stratum_column is not None:
        stratum = stratum_column.text_input(
            t("加入层", "Into stratum"), value="A", key=f"{key}.stratum", max_chars=20
        ).strip()
    count, area_m2, lines = find(search)
    if not count:
        _kit.empty(t("没有这样的地块。", "There is no such parcel."))
    add, drop = st.columns(2)
    into = t(f"到层 {stratum}", f" to stratum {stratum}") if grouped else ""
    if add.button(
        t(f"加入找到的 {count:,} 块{into}", f"Add the {count:,} found{into}"), key=f"{key}.add",
        disabled=not count or (grouped and not stratum), width="stretch",
    ):  # fmt: skip
        held |= dict.fromkeys(ids_of(search), stratum)
    if drop.button(
        t("去掉找到的", "Take out those found"), key=f"{key}.drop", disabled=not held,
        width="stretch",
    ):  # fmt: skip
        for parcel_id in ids_of(search):
            held.pop(parcel_id, None)
    if count:
        _listed(lines, held, count, area_m2, grouped=grouped)
    return held


def _listed(
    lines: Sequence[Line], held: Mapping[int, str], count: int, area_m2: float, *, grouped: bool
) -> None:
    _kit.table(
        [
            {
                "code": line.code, "name": line.name, "township": line.township,
                "area": _words.mu(line.area_m2), "held": _held(held.get(line.parcel_id), grouped),
            }
            for line in lines
        ],
        [
            Column("code", t("地块", "Parcel")),
            Column("name", t("名称", "Name")),
            Column("township", t("乡镇", "Township")),
            Column("area", t("面积", "Area"), t("亩", "mu"), number=True),
            Column("held", t("层", "Stratum") if grouped else t("已加入", "Taken up")),
        ],
    )  # fmt: skip
    listed = (
        t(f"，列出 {len(lines)} 块，输入文字缩小范围", f"; {len(lines)} listed, type to narrow")
        if count > len(lines)
        else ""
    )
    st.caption(
        t(
            f"找到 {count:,} 块，合计 {_words.mu_ha(area_m2)}{listed}。",
            f"{count:,} found, {_words.mu_ha(area_m2)}{listed}.",
        )
    )


def _held(stratum: str | None, grouped: bool) -> str:
    if stratum is None:
        return ""
    return stratum if grouped else "✓"

"""方法: every released method in its own words, with factors, sources and an example computed live."""

from collections.abc import Mapping

import streamlit as st

from methodologies import catalogue
from methodologies.base import Method
from pages import _kit, _session, _words
from pages._kit import Column
from pages._words import t

CLASSES: Mapping[str, tuple[str, str, str]] = {
    "CCER_eligible": ("可对照 CCER", "CCER-eligible", _words.GREEN),
    "local_scheme": ("本地机制", "local scheme", _words.BLUE),
    "inventory_only": ("只作清查或计算", "inventory only", _words.GREY),
}
SINKS: Mapping[str, tuple[str, str]] = {
    "bamboo": ("竹林", "Bamboo"),
    "tea": ("茶园", "Tea"),
    "farmland": ("农田", "Farmland"),
    "wetland": ("湿地", "Wetland"),
    "other": ("其他林地", "Other forest"),
    "any": ("通用统计", "Statistics"),
}


def main() -> None:
    """The list of methods, or one of them told in full."""
    _session.page(t("方法", "Methods"))
    chosen = st.query_params.get("id")
    if chosen in catalogue.METHODS:
        show_method(catalogue.METHODS[chosen])
    else:
        show_list()


def show_list() -> None:
    """Every method with its class; a released one never changes."""
    st.caption(
        t(
            "已发布的方法不再改动：改一个数就是新的版本，旧的照样能复算。可对照 CCER 不等于符合该方法学。",
            "A released method never changes: another number is another version, and the old one still "
            "runs. CCER-eligible does not mean compliant with that methodology.",
        )
    )
    _kit.table(
        [
            {
                "title": _kit.link(t(one.title_zh, one.title_en), f"/methods?id={one.id}"),
                "id": one.id,
                "sink": t(*SINKS[one.sink_type]),
                "class": _class_chip(one),
                "how": t("监测期", "rounds") if one.by_round else t("单独计算", "by hand"),
            }
            for one in catalogue.METHODS.values()
        ],
        [
            Column("title", t("方法", "Method")),
            Column("id", t("编号", "Id")),
            Column("sink", t("类型", "Sink")),
            Column("class", t("等级", "Class")),
            Column("how", t("核算方式", "Measured by")),
        ],
    )


def show_method(method: Method) -> None:
    """One method: its text, its factors, and the input and result of its example."""
    if st.button(t("← 全部方法", "← All methods"), key="back", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    _kit.heading(f"{t(method.title_zh, method.title_en)} {method.id}", _class_chip(method))
    for heading, text in method.explain():
        st.markdown(f"#### {heading}\n\n{text}")
    with st.expander(t("示例输入与结果", "Example input and its result")):
        example = method.example()
        st.json(example, expanded=1)
        st.json(method.run(example), expanded=1)


def _class_chip(method: Method) -> _kit.Html:
    zh, en, colour = CLASSES[method.credit_class]
    return _kit.chip(t(zh, en), colour)


main()

"""What was found on a plot, as two forms ask for it: a crew's visit and the second measurement."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from pages._words import t
from sinks.core.errors import Invalid
from sinks.measurement import plot_columns
from sinks.measurement.plot_columns import Found
from sinks.measurement.plot_kinds import CULMS, KINDS

AGES: Mapping[str, tuple[str, str]] = {"age_du": ("度", "du"), "age_years": ("年", "years")}
# What a line of a table holds after the plot and the date.
COLUMNS: Mapping[str, tuple[str, str]] = {
    CULMS: (
        "一组竹株：phase 大小年、dbh_cm 胸径、age_du 度（或 age_years 年）、count 株数。没有竹子的样地写一行，"
        "株数 0，胸径、竹龄空着",
        "culms: phase, dbh_cm, age_du or age_years, count; a plot without bamboo has one line of 0",
    ),
    "trees": (
        "一组树：species 树种、dbh_cm 胸径（一位小数）、wood_density_g_cm3 基本密度（g/cm³）、count 株数。"
        "没有树的样地写一行，株数 0，其余空着",
        "trees: species, dbh_cm, wood_density_g_cm3, count; a plot without trees has one line of 0",
    ),
    "volume": (
        "这次调查的 volume_m3_ha 蓄积（m³/ha，带皮），一次调查一行",
        "the visit's volume_m3_ha over bark; one line a visit",
    ),
    "tea_shoots": (
        "这次调查的 agb_t_ha 地上生物量（干物质 t/ha）和 above_plane_share 修剪面以上比例（0.3 或 30%），"
        "一次调查一行",
        "the visit's agb_t_ha (dry matter) and above_plane_share (0.3 or 30%); one line a visit",
    ),
}  # fmt: skip
# Kind -> what of it a plot may be without, and what a line of it is written like.
STEMS: Mapping[str, tuple[tuple[str, str], tuple[str, str], str]] = {
    CULMS: (
        ("没有胸径 2 cm 以上的竹（如造林前）", "No bamboo of 2 cm or more, as before planting"),
        ("竹株：每行“胸径 竹龄 株数”，可从表格粘贴", "Culms: “DBH age count” a line"),
        "10.2 2 14\n8.5 1 6",
    ),
    "trees": (
        ("没有活立木（如造林前）", "No living tree, as before planting"),
        (
            "树：每行“树种 胸径 密度 株数”，胸径 cm、基本密度 g/cm³，可从表格粘贴",
            "Trees: “species DBH density count” a line (cm, g/cm³)",
        ),
        "杉木 12.2 0.307 14\n木荷 8.0 0.55 6",
    ),
}


def name(kind: str) -> str:
    """A way of measuring, in the language of the screen."""
    return t(KINDS[kind].zh, KINDS[kind].en)


@dataclass(frozen=True, slots=True)
class Entry:
    """What was typed, a group a line; ``bare``: said to be without culms or trees."""

    kind: str
    text: str
    bare: bool = False

    @property
    def typed(self) -> bool:
        """Whether there is something to save: either lines, or the word that there is none."""
        return self.bare != bool(self.text.strip())

    def lines(self, age: str | None) -> list[Found]:
        """What was found; none on a plot without culms or trees.

        Raises
        ------
        Invalid
            Names the line that is wrong; or both lines and that there is none.
        """
        if not self.bare:
            return plot_columns.typed(self.kind, self.text, age=age)
        if self.text.strip():
            raise Invalid(
                f"注明没有的样地又填了{KINDS[self.kind].zh}，请核对。", code=f"no_{self.kind}"
            )
        return []


def ask(kind: str, key: str) -> Entry:
    """The fields of a kind; ``key`` has a place for the field's name."""
    if kind in STEMS:
        without, each, example = STEMS[kind]
        bare = st.checkbox(t(*without), key=key.format("bare"))
        text = st.text_area(
            t(*each), key=key.format(kind), placeholder=example, height=180,
        )  # fmt: skip
        return Entry(kind, text, bare)
    if kind == "volume":
        volume = st.number_input(
            t("带皮蓄积（m³/ha）", "Volume over bark (m³/ha)"), value=None, min_value=0.0,
            key=key.format("volume"),
            help=t("水平面积每公顷；还没有树的样地填 0。",
                   "Per horizontal hectare; 0 where there are no trees yet."),
        )  # fmt: skip
        return Entry(kind, "" if volume is None else f"{volume!r}")
    whole, above = st.columns(2)
    agb_t_ha = whole.number_input(
        t("地上生物量（干物质 t/ha）", "Above-ground biomass (t/ha, dry)"), value=None,
        min_value=0.0, key=key.format("agb"),
    )  # fmt: skip
    above_percent = above.number_input(
        t("其中修剪面以上（%）", "Of it above the pruning plane (%)"), value=None, min_value=0.0,
        max_value=100.0, key=key.format("above"),
    )  # fmt: skip
    if agb_t_ha is None or above_percent is None:
        return Entry(kind, "")
    return Entry(kind, f"{agb_t_ha!r} {above_percent!r}%")

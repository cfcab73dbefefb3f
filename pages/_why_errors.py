"""Where the error of a result comes from, and how the errors of the maps were added up."""

import math

import streamlit as st

from pages import _kit, _why_plots, _why_records, _words
from pages._kit import Column
from pages._layer_card import variogram_words
from pages._why_story import Story
from pages._words import t
from sinks.crediting import run_bars
from sinks.measurement.variograms import Given


def show_errors(story: Story) -> None:
    """How much of the variance each source brings; by records, what each stratum brings."""
    if story.by_records:
        _why_records.show_strata(story.result, story.input)
        return
    _kit.bars(run_bars.errors(story.result))
    if story.by_round == "plots":
        _why_plots.show_strata(story.result)
        return
    middle = story.result["intermediate"]
    sources = [
        (t("抽样与图层", "Sampling and map"), middle["stderr_sampling_co2_t"]),
        (t("根茎比 R", "Root:shoot ratio R"), middle["stderr_r_co2_t"]),
        (t("含碳率 CF", "Carbon fraction CF"), middle["stderr_cf_co2_t"]),
    ]
    total = math.fsum(value * value for _, value in sources if value is not None)
    _kit.table(
        [
            {
                "source": name,
                "stderr": _words.number(value, 3),
                "share": _words.share(value * value / total)
                if value is not None and total
                else None,
            }
            for name, value in sources
        ],
        [
            Column("source", t("误差来自", "Source")),
            Column("stderr", t("标准误", "Standard error"), "tCO₂e", number=True),
            Column("share", t("占方差", "Of the variance"), number=True),
        ],
    )
    if story.start is not None:
        _kit.facts(map_error_facts(story))
    st.caption(
        t(
            "扣减只看抽样误差（90% 置信）。地块边界、竹株方程本身的误差不在其中。",
            "The deduction uses the sampling error (90 %). Errors of boundaries and of the culm "
            "equation itself are not in it.",
        )
    )


def map_error_facts(story: Story) -> list[tuple[str, str]]:
    """How the errors of the cells of the two maps were added up, or why they were not."""
    if all(row["mode"] != "raster" for row in story.result["intermediate"]["strata"]):
        return [
            (
                t("图层误差", "Errors of the maps"),
                t(
                    "有样地校正：误差按样地估计，图层误差不进入结果。",
                    "Corrected by plots: the error is theirs, that of the maps is not in the result.",
                ),
            )
        ]
    said = story.map_error or {}
    facts = [
        (word, variogram_words(Given(**said[date_]) if said.get(date_) else None))
        for date_, word in (
            ("start", t("期初图层误差", "Errors of the map at start")),
            ("end", t("期末图层误差", "Errors of the map at end")),
        )
    ]
    if len(story.result["intermediate"]["strata"]) > 1:
        share = story.input["policy"].get("map_strata_correlation", 1.0)
        facts.append(
            (
                t("层与层之间", "Between strata"),
                t(f"误差相关系数 {share:.3g}", f"errors correlate by {share:.3g}"),
            )
        )
    return facts

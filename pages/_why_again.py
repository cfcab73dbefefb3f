"""The same number again: fingerprints, a new measurement from what was frozen, the files."""

import streamlit as st

from methodologies import by_stratum
from pages import _kit, _land
from pages._session import explained
from pages._why_story import Story
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor
from sinks.crediting import rounds
from sinks.crediting.rounds import Remeasured
from sinks.measurement import runs


def show_again(me: Actor, story: Story) -> None:
    """What was frozen with the run, the button that measures again, and the files to take away."""
    _fingerprints(story)
    if st.button(t("复算", "Measure again"), key=f"why.{story.run_id}.again", type="primary"):
        with explained():
            with (
                st.spinner(t("正在从冻结的输入重新核算……", "Measuring again…")),
                db.transaction(me) as session,
            ):
                again = rounds.remeasure(session, story.round_id, story.run_id)
            _verdict(again)
    _files(story)


def _fingerprints(story: Story) -> None:
    _kit.facts(
        [
            (t("核算于", "Measured"), f"{_land.moment(story.run_at)} · {story.run_by}"),
            (t("程序版本", "Code version"), story.code_version),
            (t("因子指纹", "Factor hash"), story.factor_hash),
            *(
                []
                if story.start is None
                else [
                    (
                        t("图层指纹", "Layer hashes"),
                        "  ".join(item[:16] for item in story.layer_sha256),
                    )
                ]
            ),
            (t("输入指纹", "Input SHA-256"), runs.sha256_of_text(story.input_json)),
            (t("结果指纹", "Result SHA-256"), runs.sha256_of_text(story.result_json)),
            (
                t("命令行复算", "On the command line"),
                f"sinks round remeasure {story.round_id} --run {story.run_id}",
            ),
        ]
    )


def _verdict(again: Remeasured) -> None:
    if again.same_input and again.same_result:
        st.success(
            t(
                f"一致 ✓  从冻结的输入重新核算，结果与存档逐字节相同（{again.now_sha256[:16]}…）。",
                f"Same ✓  Measured again from what was frozen: byte for byte the same ({again.now_sha256[:16]}…).",
            )
        )
    else:
        st.error(
            t(
                f"不一致。输入{'相同' if again.same_input else '不同'}；存档结果 {again.stored_sha256}，"
                f"现在 {again.now_sha256}。各数最大相对差 {again.largest_difference:.1e}，可签发量存档 "
                f"{again.stored_issuable_kg:,} kg、现在 {again.now_issuable_kg:,} kg。程序版本存档 "
                f"{again.stored_code}、现在 {again.now_code}。请停止办理并告知登记机构。",
                f"Not the same. Stored {again.stored_sha256}, now {again.now_sha256}: numbers "
                f"differ by up to {again.largest_difference:.1e}, issuable "
                f"{again.stored_issuable_kg:,} and {again.now_issuable_kg:,} kg; program "
                f"{again.stored_code} and {again.now_code}. Stop here and tell the registrar.",
            )
        )


def say_blind() -> None:
    """Why this person is not shown the plots yet."""
    st.info(
        t(
            "盲测复测完成之前不显示各样地的初测数据、核算报告和输入文件。请在“样地抽样与盲测复测”中办理。",
            "What the first crew found, the report and the input are shown once every plot drawn "
            "for a second measurement has been measured.",
        )
    )


def _method_input(story: Story) -> str:
    """What `sinks methods run` takes: a method that knows no parcels gets none."""
    if story.by_round != "plots":
        return story.input_json
    return runs.canonical({name: part for name, part in story.input.items() if name != "parcels"})


def _files(story: Story) -> None:
    if story.blind:
        say_blind()
        return
    _kit.facts(
        [
            (
                t("核算报告", "Report"),
                _kit.beside(
                    _kit.link(
                        t(
                            "下载 PDF（全部输入、因子、方程和中间结果）",
                            "PDF: inputs, factors, equations, steps",
                        ),
                        f"/rounds/{story.round_id}/report.pdf?run={story.run_id}",
                    ),
                    _kit.link(
                        t("网页", "as a page"),
                        f"/rounds/{story.round_id}/report.html?run={story.run_id}",
                    ),
                ),
            )
        ]
    )
    name = f"{story.project_code}-{story.period_start}-{story.period_end}-run{story.run_id}"
    left, right = st.columns(2)
    left.download_button(
        t("下载方法的输入（JSON）", "The method's input (JSON)"), _method_input(story),
        f"{name}-input.json", "application/json", width="stretch",
    )  # fmt: skip
    right.download_button(
        t("下载结果（JSON）", "The result (JSON)"), story.result_json,
        f"{name}-result.json", "application/json", width="stretch",
    )  # fmt: skip
    if story.by_records:
        for stratum in story.input["strata"]:
            for year, given in by_stratum.inputs_of(stratum).items():
                label = f"{stratum['id']} {year}".strip()
                st.download_button(
                    t(f"下载层 {label} 的输入（JSON）", f"Input of stratum {label} (JSON)"),
                    runs.canonical(given), f"{name}-{label.replace(' ', '-')}.json",
                    "application/json", key=f"why.{story.run_id}.input.{label}",
                )  # fmt: skip
        st.caption(
            t(
                f"任何人可用各层的输入独立复算：sinks methods run {story.method_id} --input 文件名；各层、各年之和即"
                "本监测期的结果，最后一次取整到千克。",
                f"Anybody can run a stratum: sinks methods run {story.method_id} --input FILE; the "
                "round is the sum of its strata and years, rounded down once.",
            )
        )
        return
    st.caption(
        t(
            f"任何人可用下载的输入独立复算：sinks methods run {story.method_id} --input 文件名",
            f"Anybody can run the input: sinks methods run {story.method_id} --input FILE",
        )
    )

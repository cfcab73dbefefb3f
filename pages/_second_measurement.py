"""Plots as the verifier works on them: what the registry finds, and the blind second measurement.

Nothing of the first measurement goes to this screen before the second one is saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages import _kit, _plot_entry
from pages._kit import Column
from pages._plot_entry import AGES
from pages._session import explained, plain, say_done
from pages._words import t
from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.crediting import plot_findings, second_measurements, verification
from sinks.crediting.plot_findings import PlotFinding
from sinks.crediting.second_measurements import SecondLine
from sinks.measurement import plot_columns
from sinks.measurement.plot_kinds import CULMS


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do and to see; ``to_draw``: plots visited since the last finished draw."""

    lines: list[SecondLine]
    found: list[PlotFinding]
    to_draw: int


def load(me: Actor, project_id: int) -> Work:
    """The plots drawn for the second measurement and the findings, in one transaction."""
    with db.transaction(me) as session:
        return Work(
            second_measurements.listing(session, project_id),
            plot_findings.of_project(session, project_id),
            len(second_measurements.unseen(session, project_id)),
        )


def show(me: Actor, project_id: int, round_id: int, *, working: bool) -> None:
    """Findings and second measurements; ``working``: this verifier may raise findings now."""
    work = load(me, project_id)
    show_findings(me, work.found, round_id, working=working)
    if work.lines:
        show_lines(work.lines)
    if Role.VERIFIER not in me.roles:
        return
    waiting = [line for line in work.lines if line.measured_on is None]
    if waiting:
        measure_form(me, project_id, waiting)
    elif work.to_draw:
        draw_button(me, project_id, work.to_draw)


def show_findings(me: Actor, found: Sequence[PlotFinding], round_id: int, *, working: bool) -> None:
    """What the registry itself finds about the plots, each with the way to raise it."""
    if not found:
        st.caption(t("登记簿对样地没有自动发现。", "The registry finds nothing about the plots."))
    for place, one in enumerate(found):
        with st.container(border=True, key=f"plot-finding-{place}"):
            st.write(plain(one.message))
            # What the verifier has still to measure is no fault of the owner's.
            mine = one.code == "second_missing"
            if (
                working
                and not mine
                and st.button(
                    t("作为整改项提出", "Raise it"), key=f"plot-finding.{round_id}.{place}"
                )
            ):
                with explained():
                    with db.transaction(me) as session:
                        verification.raise_finding(
                            session, me, round_id, field="plots", words=one.message
                        )
                    say_done(t("已提出整改，退回业主答复。", "Raised; the owner answers it."))


def show_lines(lines: Sequence[SecondLine]) -> None:
    """The drawn plots; both numbers stand beside each other once the second is saved."""
    _kit.table(
        [
            {
                "code": line.code, "stratum": line.stratum,
                "place": f"{line.longitude:.7f}, {line.latitude:.7f}",
                "plot": f"{line.area_m2:g} m² · {line.slope_deg:g}°",
                "kind": _plot_entry.name(line.kind), "on": line.measured_on,
                "first": _two(line.first, line.unit), "second": _two(line.second, line.unit),
                "difference": None if line.difference_share is None
                else f"{line.difference_share:+.1%}",
            }
            for line in lines
        ],
        [
            Column("code", t("复测样地", "Plot")),
            Column("stratum", t("层", "Stratum")),
            Column("place", t("经纬度", "Longitude, latitude")),
            Column("plot", t("面积、坡度", "Area, slope")),
            Column("kind", t("测什么", "Measured")),
            Column("on", t("复测日期", "Second on")),
            Column("first", t("初测", "First"), number=True),
            Column("second", t("复测", "Second"), number=True),
            Column("difference", t("相差", "Difference"), number=True),
        ],
    )  # fmt: skip


def draw_button(me: Actor, project_id: int, count: int) -> None:
    """Draw the plots to be measured again; asked once."""
    sentence = t(
        f"将从 {count} 个调查过的样地中抽取盲测复测样地并存档，抽取后不能挑选。全部复测录入之前，您看不到初测。",
        f"Plots are drawn from {count} visited ones, for good. You see no first measurement until "
        "every second one is saved.",
    )
    if _kit.confirm(
        f"second.draw.{project_id}", sentence, t("抽取复测样地", "Draw for a second measurement")
    ):
        with explained():
            with db.transaction(me) as session:
                second_measurements.draw(session, me, project_id)
            say_done(t("已抽取复测样地。", "Drawn."))


def measure_form(me: Actor, project_id: int, waiting: Sequence[SecondLine]) -> None:
    """One second measurement, typed; saved once."""
    st.markdown(f"**{t('录入复测（盲测）', 'Second measurement (blind)')}**")
    code = st.selectbox(
        t("复测样地", "Plot"), [line.code for line in waiting], key=f"second.code.{project_id}"
    )
    [kind] = [line.kind for line in waiting if line.code == code]
    fields = st.columns(2 if kind == CULMS else 1)
    measured_on = fields[0].date_input(
        t("复测日期", "Date"), value=None, key=f"second.date.{project_id}", format="YYYY-MM-DD"
    )
    unit = None
    if kind == CULMS:
        unit = fields[1].selectbox(
            t("竹龄单位", "Age in"), list(AGES), index=None, key=f"second.age.{project_id}",
            format_func=lambda one: t(*AGES[one]), placeholder=t("请选择", "Choose"),
        )  # fmt: skip
    entry = _plot_entry.ask(kind, f"second.{{}}.{project_id}.{code}")
    sentence = t(
        f"将存入样地 {code} 的复测。存入后即可看到初测，因此只能录入一次，不能修改。",
        f"The second measurement of plot {code} is saved once; the first is on the screen after it.",
    )
    if _kit.confirm(
        f"second.save.{project_id}", sentence, t("存入复测", "Save"),
        disabled=not (measured_on and entry.typed and (kind != CULMS or entry.bare or unit)),
    ):  # fmt: skip
        with explained():
            culms, reading = plot_columns.measured(kind, entry.lines(unit))
            with db.transaction(me) as session:
                line = second_measurements.measure(
                    session, me, project_id, code, measured_on=measured_on, culms=culms,
                    bare=kind == CULMS and entry.bare, reading=reading,
                )  # fmt: skip
            first, second = (_two(one, line.unit) for one in (line.first, line.second))
            say_done(
                t(
                    f"样地 {code}：初测 {first}，复测 {second}。",
                    f"Plot {code}: first {first}, second {second}.",
                )
            )


def _two(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:.2f} {unit}"

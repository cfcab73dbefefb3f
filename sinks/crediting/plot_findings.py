"""What the registry itself finds about a project's plots, for the verifier to judge.

Nothing here decides: a finding stands on the verifier's page until its cause is gone, and becomes
a finding of the round when the verifier raises it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from sinks.core import policies
from sinks.crediting import sample_designs, sample_views, second_measurements
from sinks.crediting.sample_views import DesignLine
from sinks.crediting.second_measurements import SecondLine
from sinks.measurement.plot_kinds import KINDS, UNITS_ZH

CODES_SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class PlotFinding:
    """One finding: a code for programs, the plots it is about, and a sentence."""

    code: str
    plots: tuple[str, ...]
    message: str


def of_project(session: Session, project_id: int) -> list[PlotFinding]:
    """The findings about the plots of a project as they are now.

    ``not_drawn``, ``not_visited``, ``before_draw``, ``off_position``, and of the
    second measurement ``second_missing``, ``second_differs``.
    """
    first_visits = sample_designs.first_visits(session, project_id)
    designs = [line for line in sample_views.listing(session, project_id) if not line.superseded]
    found = [
        *_of_sample(designs, set(first_visits)),
        *_of_dates(designs),
        *_of_positions(session, designs),
    ]
    if first_visits:
        found += _of_second(session, project_id)
    return found


def _of_sample(designs: Sequence[DesignLine], visited: set[str]) -> Iterator[PlotFinding]:
    drawn = {point.code for design in designs for point in design.points}
    if strange := sorted(visited - drawn):
        why = "编号不在任何一次抽样中" if designs else "本项目没有由登记簿抽取的样本"
        yield PlotFinding(
            "not_drawn", tuple(strange),
            f"{len(strange)} 个调查过的样地不是系统抽取的（{why}）：{_named(strange)}。",
        )  # fmt: skip
    for design in designs:
        codes = [point.code for point in design.points]
        missing = [code for code in codes if code not in visited]
        # Before anybody has been out there is nothing to find.
        if missing and len(missing) < len(codes):
            yield PlotFinding(
                "not_visited", tuple(missing),
                f"第 {design.number} 次抽样抽取 {len(codes)} 个样地，{len(missing)} 个没有调查："
                f"{_named(missing)}。未调查的不能由别处的样地代替，请业主说明。",
            )  # fmt: skip


def _of_dates(designs: Sequence[DesignLine]) -> Iterator[PlotFinding]:
    for design in designs:
        early = [
            point.code
            for point in design.points
            if point.visited_on is not None and point.visited_on < design.drawn_on
        ]
        if early:
            yield PlotFinding(
                "before_draw", tuple(early),
                f"{len(early)} 个样地的首次调查早于第 {design.number} 次抽样的日期 {design.drawn_on}："
                f"{_named(early)}。",
            )  # fmt: skip


def _of_positions(session: Session, designs: Sequence[DesignLine]) -> Iterator[PlotFinding]:
    most_m, in_force = policies.value_or_suggestion(session, "plot_position_max_m")
    decided = "政策" if in_force else "政策建议值（尚未生效）"
    for design in designs:
        for point in design.points:
            if point.distance_m is not None and point.distance_m > most_m:
                yield PlotFinding(
                    "off_position", (point.code,),
                    f"样地 {point.code} 的实测位置离抽取位置 {point.distance_m:.1f} 米，"
                    f"超过{decided}的 {most_m:g} 米。",
                )  # fmt: skip


def _of_second(session: Session, project_id: int) -> Iterator[PlotFinding]:
    waiting = [
        line.code
        for line in second_measurements.listing(session, project_id)
        if line.measured_on is None
    ]
    if waiting:
        yield PlotFinding(
            "second_missing", tuple(waiting),
            f"{len(waiting)} 个抽中的样地还没有录入盲测复测：{_named(waiting)}。",
        )  # fmt: skip
    elif second_measurements.unseen(session, project_id):
        yield PlotFinding("second_missing", (), "还没有为现有的样地调查抽取盲测复测样地。")
    most, in_force = policies.value_or_suggestion(session, "remeasure_tolerance_share")
    decided = "政策" if in_force else "政策建议值（尚未生效）"
    for line in second_measurements.all_measured(session, project_id):
        # 1e-9: rounding noise is no difference.
        if line.difference_share is not None and abs(line.difference_share) > most + 1e-9:
            yield PlotFinding("second_differs", (line.code,), _differs(line, most, decided))


def _differs(line: SecondLine, most: float, decided: str) -> str:
    unit = UNITS_ZH[line.unit]
    return (
        f"样地 {line.code} 的{KINDS[line.kind].compared_zh}：初测（{line.first_on}）{line.first:.2f} {unit}，"
        f"复测（{line.measured_on}）{line.second:.2f} {unit}，相差 "
        f"{line.difference_share:+.1%}，超过{decided}的 {most:.0%}。"
    )


def _named(codes: Sequence[str]) -> str:
    shown = "、".join(codes[:CODES_SHOWN_MAX])
    return shown if len(codes) <= CODES_SHOWN_MAX else f"{shown} 等 {len(codes)} 个"

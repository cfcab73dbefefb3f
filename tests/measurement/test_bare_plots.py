"""Plots without bamboo: said in so many words, never the absence of a record."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.crediting import projects
from sinks.measurement import plot_table, plots
from sinks.measurement.plot_kinds import Amount
from tests import world

HEAD = "样地,层,经度,纬度,面积,坡度,日期,大小年,胸径,度,株数\n"


def table(*lines: str) -> plot_table.PlotTable:
    return plot_table.parse("样地.csv", (HEAD + "\n".join(lines)).encode())


def test_a_line_of_0_culms_without_diameter_and_age_is_a_bare_plot() -> None:
    found = table("N1,A,119.6,30.6,400,0,2023-01-05,未知,,,0")
    assert found.errors == [] and [row.found for row in found.rows] == [None]
    assert (found.visits, found.count) == (1, 0)


@pytest.mark.parametrize(
    "line",
    [
        "N1,A,119.6,30.6,400,0,2023-01-05,未知,,,",
        "N1,A,119.6,30.6,400,0,2023-01-05,未知,6.0,1,0",
        "N1,A,119.6,30.6,400,0,2023-01-05,未知,,1,0",
        "N1,A,119.6,30.6,400,0,2023-01-05,未知,,,3",
    ],
)
def test_half_a_line_of_culms_is_no_bare_plot(line: str) -> None:
    found = table(line)
    assert [error.number for error in found.errors] == [2]


def test_a_visit_cannot_be_bare_and_have_culms() -> None:
    found = table(
        "N1,A,119.6,30.6,400,0,2023-01-05,未知,,,0",
        "N1,A,119.6,30.6,400,0,2023-01-05,未知,6.0,1,3",
    )
    assert [error.number for error in found.errors] == [3]


def test_a_bare_visit_is_stored_listed_and_never_taken_from_an_empty_form(
    session: Session, people: dict[str, Actor]
) -> None:
    story = world.planted(session, people, registered=False)
    x, y = world.TO_4490.transform(world.EAST_M + 100, world.NORTH_M + 100)
    stored = plot_table.commit(
        session, people["clerk"], story.project_id,
        table(f"N1,A,{x:.7f},{y:.7f},400,0,2023-01-05,未知,,,0"),
        land=projects.land_by_stratum(session, story.project_id),
    )  # fmt: skip
    assert (stored.plots, stored.visits, stored.count) == (1, 1, 0)
    [line] = plot_table.listing(session, story.project_id)
    assert (line.visited_on, line.found) == ((date(2023, 1, 5),), (Amount("culms", 0),))
    for culms, bare in (([], False), (world.culms_of_agb(9, 400), True)):
        with pytest.raises(Invalid):
            plots.add_visit(
                session, people["clerk"], line.id, measured_on=date(2024, 1, 5), phase="on",
                culms=culms, bare=bare,
            )  # fmt: skip

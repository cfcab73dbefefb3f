"""Plots come in: what a table or a form holds becomes part of the sample of the actor's project."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.orm import Session

from methodologies.planting import ForestPlanting
from methodologies.plot_readings import StandVolume, Trees
from sinks.core.actor import Actor
from sinks.core.errors import Conflict
from sinks.crediting import projects, stated_facts
from sinks.measurement import plot_kinds, plot_table, plots
from sinks.measurement.plot_kinds import KINDS
from sinks.measurement.plot_table import Committed, PlotTable

KIND_OF_ROUTE: Mapping[str, str] = MappingProxyType(
    {"allometry": Trees.KIND, "bef": StandVolume.KIND, "stand_equation": StandVolume.KIND}
)


def store(
    session: Session,
    actor: Actor,
    project_id: int,
    table: PlotTable,
    *,
    correcting: bool = False,
) -> Committed:
    """Store a table without errors in the actor's own project: all of it or nothing.

    correcting : a visit on a date that the plot was visited already follows it as its correction

    Raises
    ------
    Invalid, Conflict
        As `plot_table.commit`; and what a stratum's trees are reckoned by is not what was measured.
    """
    project = projects.owned(session, actor, project_id)
    plot_kinds.refuse(project.method_id, table.kind)
    wanted = kinds_by_stratum(session, project_id)
    for row in table.rows:
        kind = wanted.get(row.stratum, table.kind)
        if kind != table.kind:
            raise Conflict(
                f"层“{row.stratum}”所填报的核算方法要的是{KINDS[kind].zh}，样地 {row.plot} 测的是"
                f"{KINDS[table.kind].zh}；请按{KINDS[kind].zh}测，期初没有测的以后补不了。",
                code="plot_route",
            )
    return plot_table.commit(
        session, actor, project_id, table, correcting=correcting,
        land=projects.land_by_stratum(session, project_id),
    )  # fmt: skip


def kinds(session: Session, project_id: int) -> list[str]:
    """How plots of a project are measured; several where its method or its strata differ."""
    of_strata = set(kinds_by_stratum(session, project_id).values())
    of_method = plot_kinds.of_method(plots.method_of(session, project_id))
    return [kind for kind in of_method if not of_strata or kind in of_strata]


def kinds_by_stratum(session: Session, project_id: int) -> dict[str, str]:
    """Stratum -> how its plots are measured, where the project has stated what it is reckoned by."""
    stated = stated_facts.of_project(session, project_id)
    if stated is None:
        return {}
    facts = stated.facts(plots.method_of(session, project_id))
    if not isinstance(facts, ForestPlanting):
        return {}
    return {row.id: KIND_OF_ROUTE[row.route] for row in facts.strata}

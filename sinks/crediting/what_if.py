"""A round's run under other decisions, side by side, before anything is submitted. Keeps nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from methodologies import by_stratum, what_if
from methodologies.what_if import Outcome
from sinks.core.actor import Actor
from sinks.core.errors import Invalid
from sinks.crediting import rounds, run_report
from sinks.measurement.runs import Run


def under_policies(
    session: Session,
    actor: Actor,
    round_id: int,
    alternatives: Sequence[Mapping[str, Any]],
    run_id: int | None = None,
) -> tuple[Run, list[Outcome]]:
    """The run as it stands, and what its frozen input gives with each set of decisions.

    Raises
    ------
    Invalid
        A decision that this run's method does not take.
    NotFound, Conflict
        No such round or run, or none yet.
    """
    actor.require(*run_report.READERS)
    run = rounds.run_of(session, rounds.get(session, round_id), run_id)
    known = run.input["policy"]
    for name in {name for changes in alternatives for name in changes}:
        if name not in known:
            raise Invalid(
                f"这次核算没有名为 {name} 的政策；可换的有：{'、'.join(known)}。",
                code="policy_name",
            )
    return run, what_if.under_policies(by_stratum.of_round(run.method_id), run.input, alternatives)

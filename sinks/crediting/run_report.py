"""The report of a run on paper: every input, factor, equation and intermediate number, in Chinese.

It is written from what the run has stored, not measured again, so that a court reads in ten years
what the registry calculated with. Nothing in it names a household: parcels stand by their codes.
"""

import re
from typing import Any, Literal

from markdown_it import MarkdownIt
from sqlalchemy.orm import Session

from methodologies import by_stratum, catalogue, factors
from sinks.core import papers, people, policies
from sinks.core.actor import Actor, Role
from sinks.core.bars import placed
from sinks.core.db import now
from sinks.crediting import (
    projects,
    round_policies,
    round_records,
    rounds,
    run_bars,
    second_measurements,
)
from sinks.crediting.run_words import LABELS, VALUES
from sinks.land import parcels
from sinks.measurement import activity_records, activity_words, runs
from sinks.measurement.runs import Run

READERS = (
    Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR,
    Role.COURT, Role.PROSECUTOR, Role.AUDITOR,
)  # fmt: skip
AMOUNTS = (
    "gross_co2_t", "stderr_co2_t", "deduction_share", "net_co2_t", "buffer_co2_t", "issuable_kg",
)  # fmt: skip
# The worked examples and the factor table of a method's text: the report has the real ones.
LEFT_OUT = ("算例", "参数表")
# Equations are written for a screen that sets TeX; paper gets them in one line.
TEX = (
    (re.compile(r"\$\$(.*?)\$\$", re.DOTALL), r"\1"),
    (re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}"), r"(\1) / (\2)"),
    (re.compile(r"\^\{([^{}]*)\}"), r"^(\1)"),
    (re.compile(r"_\{([^{}]*)\}"), r"_\1"),
    (re.compile(r"\\(?:text|mathrm)\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\left|\\right|\\[,;! ]"), " "),
    (re.compile(r"\\(?:cdot|times)"), "×"),
    (re.compile(r"\\sum"), "Σ"),
    (re.compile(r"\\Delta"), "Δ"),
    (re.compile(r"\\sqrt"), "√"),
    (re.compile(r"\$([^$\n]+)\$"), r"\1"),
)


def report(
    session: Session,
    actor: Actor,
    round_id: int,
    run_id: int | None = None,
    form: Literal["pdf", "html"] = "pdf",
) -> bytes:
    """The report on a round's run, the submitted (newest) one or the one named, as PDF or as a page.

    Raises
    ------
    NotFound, Conflict
        No such round or run, or none yet; or the reader has still to measure plots blind.
    """
    actor.require(*READERS)
    row = rounds.get(session, round_id)
    second_measurements.refuse_blind(session, actor, row.project_id)
    run = rounds.run_of(session, row, run_id)
    project = session.get_one(projects.Project, row.project_id)
    found = run.input["policy"]
    method = catalogue.method(run.method_id)
    factors_changed = factors.factor_hash(method.factor_ids) != run.factor_hash
    # Tried out now, so only with the factors that the run was measured with.
    swings = (
        []
        if factors_changed
        else run_bars.swings(by_stratum.of_round(run.method_id), run.input, run.result)
    )
    values = {
        "run": run,
        "round": row,
        "round_zh": rounds.STATUS_ZH[rounds.Status(row.status)],
        "submitted": run.id == row.run_id,
        "project": project,
        "method": method,
        "demonstration": project.demonstration or policies.demonstration_in_force(session),
        "run_by": people.name_of(session, run.person_id),
        "printed_by": actor.name,
        "printed_at": now(session),
        "result": run.result,
        "amounts": {name: run.result[name] for name in AMOUNTS},
        "input": _compact({name: value for name, value in run.input.items() if name != "policy"}),
        "policies": [
            (policies.KINDS[key].title_zh, found[name], policies.KINDS[key].unit)
            for name, key in round_policies.POLICIES_OF[run.method_id].items()
            if name in found
        ],
        "layers": [] if row.layer_start_id is None else list(rounds.layers_of(session, row)),
        "records": _records(session, row.id),
        "baseline_zh": projects.BASIS_ZH[project.baseline_basis],
        "parcels": _parcels(session, run),
        "sections": _sections(run.method_id),
        "factors": [factors.factor(factor_id) for factor_id in method.factor_ids],
        "factors_changed": factors_changed,
        "input_sha256": runs.sha256_of_text(run.input_json),
        "result_sha256": runs.sha256_of_text(run.result_json),
        "parts": list(placed(run_bars.parts(run.result))),
        "errors": list(placed(run_bars.errors(run.result))),
        "swings": list(placed(swings)),
        "label": lambda name: LABELS.get(str(name), str(name)),
        "shown": shown,
        "is_table": is_table,
    }
    if form == "html":
        return papers.html("run_report.html", values).encode()
    return papers.pdf("run_report.html", values)


def _compact(value: Any) -> Any:
    """The input with each list of culms on one line: a survey counts thousands."""
    match value:
        case [{"dbh_cm": _}, *_]:
            return "；".join(
                " ".join(f"{LABELS.get(name, name)} {shown(item)}" for name, item in row.items())
                for row in value
            )
        case list():
            return [_compact(item) for item in value]
        case dict():
            return {name: _compact(item) for name, item in value.items()}
        case _:
            return value


def _records(session: Session, round_id: int) -> list[dict[str, Any]]:
    """The frozen activity records, each with the fingerprints of its evidence."""
    rows = round_records.of_round(session, round_id)
    codes = parcels.codes_of(session, [row.parcel_id for row in rows])
    filed = activity_records.evidence_of(session, [row.id for row in rows])
    return [
        {
            "code": codes[row.parcel_id],
            "year": row.year,
            "id": row.id,
            "words": activity_words.values_words(row.kind, row.values or {}),
            "evidence": [one.sha256 for one in filed.get(row.id, [])],
        }
        for row in rows
    ]


def _parcels(session: Session, run: Run) -> list[tuple[str, runs.RunParcel]]:
    rows = runs.parcels_of(session, run.id)
    codes = parcels.codes_of(session, [row.parcel_id for row in rows])
    return [(codes[row.parcel_id], row) for row in rows]


def _sections(method_id: str) -> list[tuple[str, str]]:
    """The method's own text as HTML: scope, pools, equations, rules."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return [
        (heading, markdown.render(_plain_equations(text)))
        for heading, text in catalogue.method(method_id).explain()
        if not heading.startswith(LEFT_OUT)
    ]


def _plain_equations(text: str) -> str:
    """Equations written for a screen, in one line that any printer sets."""
    for pattern, plain in TEX:
        text = pattern.sub(plain, text)
    return text


def shown(value: Any) -> str:
    """A number with every digit it was calculated with, a word in Chinese, a dash for nothing."""
    match value:
        case None:
            return "—"
        case bool():
            return "是" if value else "否"
        case float():
            return f"{value:.10g}"
        case int():
            return f"{value:,}"
        case _:
            return VALUES.get(str(value)) or activity_words.value_words(str(value))


def is_table(value: Any) -> bool:
    """Whether a list is rows of plain values, to be printed as a table."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(row, dict)
            and not any(isinstance(cell, dict | list) for cell in row.values())
            for row in value
        )
    )

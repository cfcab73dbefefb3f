"""The parcels of an import taken on their way together: handed in, reviewed, enrolled.

The rules are those of `parcels.submit`, `rights.review` and `claims.enrol`. Parcels about which no
rule could say anything are moved set by set; every other one goes through the same function as a
single parcel, and is listed with its refusal. Each portion is a transaction of its own: what was
stopped half-way goes on with the parcels that are left.
"""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from psycopg import errors as postgres
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sinks.core import db
from sinks.core.actor import Actor, Role
from sinks.core.errors import Conflict, NotFound, SinksError
from sinks.core.jobs import Progress
from sinks.land import claims, eligibility, imports, marks, overlap_cases, parcels, rights
from sinks.land.imports import LandImport
from sinks.land.parcels import Status

PORTION = 500
# Two enrolments side by side may wait for one another's land; one of them is then told to try again.
DEADLOCK_TRIES = 5


class Step(StrEnum):
    SUBMIT = "submit"
    REVIEW = "review"
    ENROL = "enrol"


STEP_ZH = {Step.SUBMIT: "报送", Step.REVIEW: "审查", Step.ENROL: "入库"}
READY = {
    Step.SUBMIT: Status.DRAFT,
    Step.REVIEW: Status.SUBMITTED,
    Step.ENROL: Status.RIGHTS_REVIEWED,
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A parcel that did not take the step, and why."""

    parcel: str
    code: str
    message: str


@dataclass(slots=True)
class Outcome:
    """What became of the parcels that were ready for a step; ``elsewhere``: those in another state."""

    taken: int = 0
    refused: list[Refused] = field(default_factory=list)
    elsewhere: int = 0

    def to_json(self) -> dict[str, Any]:
        """The shape of `sinks land submit|review|enrol --import`."""
        return {
            "taken": self.taken,
            "refused": [
                {"parcel": one.parcel, "code": one.code, "message": one.message}
                for one in self.refused
            ],
            "elsewhere": self.elsewhere,
        }


def waiting(session: Session, import_id: int) -> dict[Step, int]:
    """How many parcels of an import wait for each step."""
    ids = imports.parcel_ids(session, import_id)
    return {step: len(_ready(session, ids, step)) for step in Step}


def take(
    actor: Actor, import_id: int, step: Step, *, progress: Progress | None = None
) -> Outcome:  # fmt: skip
    """Take the step with every parcel of the import that is ready for it.

    Raises
    ------
    NotPermitted
        Not an officer.
    NotFound
        No such import.
    """
    actor.require(Role.OFFICER)
    progress = progress or Progress()
    with db.transaction(actor) as session:
        if session.get(LandImport, import_id) is None:
            raise NotFound(f"没有第 {import_id} 号导入。", code="import")
        everything = imports.parcel_ids(session, import_id)
        ready = _ready(session, everything, step)
    outcome = Outcome(elsewhere=len(everything) - len(ready))
    for first in range(0, len(ready), PORTION):
        progress.step(STEP_ZH[step], first, len(ready))
        portion = ready[first : first + PORTION]
        outcome.refused += _portion(actor, portion, step)
    outcome.taken = len(ready) - len(outcome.refused)
    return outcome


def _portion(actor: Actor, ids: Sequence[int], step: Step) -> list[Refused]:
    for tries in itertools.count(1):
        try:
            with db.transaction(actor) as session:
                return portion(session, actor, ids, step)
        except sa.exc.OperationalError as error:
            if not isinstance(error.orig, postgres.DeadlockDetected) or tries == DEADLOCK_TRIES:
                raise
    raise AssertionError("the loop ends by itself")


def portion(session: Session, actor: Actor, ids: Sequence[int], step: Step) -> list[Refused]:
    """Take the step with these parcels in this transaction; gives those that were refused."""
    actor.require(Role.OFFICER)
    # In the order of their ids, as everybody does who holds several.
    session.execute(
        text(
            "SELECT FROM unnest(CAST(:ids AS bigint[])) chosen(id) JOIN parcel p USING (id)"
            " ORDER BY p.id FOR UPDATE OF p"
        ),
        {"ids": list(ids)},
    )
    ready = _ready(session, ids, step)
    plain = PLAIN[step](session, actor, ready)
    left = [one for one in ready if one not in plain]
    if step is Step.ENROL:
        left += _enrol_together(session, actor, sorted(plain))
    elif plain:
        together = SUBMIT if step is Step.SUBMIT else REVIEW
        session.execute(text(together), {"ids": sorted(plain), "person": actor.person_id})
        session.expire_all()
    return list(_one_by_one(session, actor, sorted(left), step))


def _ready(session: Session, ids: Sequence[int], step: Step) -> list[int]:
    return list(
        session.scalars(
            text(
                "SELECT id FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY chosen(id, place)"
                " JOIN parcel p USING (id) WHERE p.status = :status ORDER BY place"
            ),
            {"ids": list(ids), "status": READY[step].value},
        )
    )


ONE = {Step.SUBMIT: parcels.submit, Step.REVIEW: rights.review, Step.ENROL: claims.enrol}


def _one_by_one(
    session: Session, actor: Actor, ids: Sequence[int], step: Step
) -> Iterator[Refused]:  # fmt: skip
    for parcel_id in ids:
        try:
            with session.begin_nested():
                ONE[step](session, actor, parcel_id)
        except SinksError as refusal:
            code = parcels.locked(session, parcel_id).code
            if isinstance(refusal, claims.NeedsDecision):
                # Nothing in the way any more: then there is no case, and the next try succeeds.
                with contextlib.suppress(Conflict):
                    overlap_cases.open_for(session, actor, parcel_id)
            yield Refused(code, refusal.code, refusal.message)


def _all(_session: Session, _actor: Actor, ids: Sequence[int]) -> set[int]:
    return set(ids)


SUBMIT = """
WITH moved AS (
  UPDATE parcel p SET status = 'submitted' FROM unnest(CAST(:ids AS bigint[])) chosen(id)
  WHERE p.id = chosen.id AND p.status = 'draft' RETURNING p.id)
INSERT INTO audit_event (person_id, action, subject, detail)
SELECT :person, 'parcel.submitted', 'parcel:' || id, '{}' FROM moved ORDER BY id
"""

# One right of one holder, by a certificate that has its number and has not run out, entered and drawn
# by somebody else: nothing that `rights.review` would look at twice.
PLAIN_RIGHTS = """
SELECT p.id FROM unnest(CAST(:ids AS bigint[])) chosen(id) JOIN parcel p USING (id)
JOIN parcel_version v ON v.parcel_id = p.id AND v.valid_to IS NULL
JOIN LATERAL (
  SELECT count(*) AS n, bool_and(certificate_no <> :pending AND share = 1
      AND (term_to IS NULL OR term_to > current_date)
      AND kind = 'land_use' AND certificate_kind IN ('real_estate', 'forest_right')
      AND added_by_id <> :person) AS plain
  FROM parcel_right WHERE parcel_id = p.id) r ON r.n = 1 AND r.plain
WHERE p.created_by_id <> :person AND v.created_by_id <> :person
"""
REVIEW = """
WITH moved AS (
  UPDATE parcel p SET status = 'rights_reviewed' FROM unnest(CAST(:ids AS bigint[])) chosen(id)
  WHERE p.id = chosen.id AND p.status = 'submitted' RETURNING p.id),
reviewed AS (
  UPDATE parcel_right r SET reviewed_by_id = :person, reviewed_at = clock_timestamp()
  FROM moved WHERE r.parcel_id = moved.id)
INSERT INTO audit_event (person_id, action, subject, detail)
SELECT :person, 'parcel.rights_reviewed', 'parcel:' || id, '{}' FROM moved ORDER BY id
"""


def _plain_rights(session: Session, actor: Actor, ids: Sequence[int]) -> set[int]:
    return set(
        session.scalars(
            text(PLAIN_RIGHTS),
            {
                "ids": list(ids),
                "person": actor.person_id,
                "pending": rights.CERTIFICATE_PENDING,
            },
        )
    )


# No doubt that blocks and no overlap marked, never enrolled before. Everything else about the land of
# its neighbours the database asks itself (`land_claim_checks`, `no_double_land`).
PLAIN_LAND = """
SELECT chosen.id FROM unnest(CAST(:ids AS bigint[])) chosen(id)
WHERE NOT EXISTS (SELECT FROM parcel_mark m WHERE m.parcel_id = chosen.id AND m.closed_at IS NULL
                  AND m.code = ANY(:codes))
  AND NOT EXISTS (SELECT FROM land_claim c WHERE c.parcel_id = chosen.id)
"""
ENROL = """
WITH moved AS (
  UPDATE parcel p SET status = 'enrolled' FROM unnest(CAST(:ids AS bigint[])) chosen(id)
  WHERE p.id = chosen.id AND p.status = 'rights_reviewed' RETURNING p.id),
claimed AS (
  INSERT INTO land_claim (parcel_id, version_id, starts_on)
  SELECT moved.id, v.id, CAST(:today AS date)
  FROM moved JOIN parcel_version v ON v.parcel_id = moved.id AND v.valid_to IS NULL
  ORDER BY moved.id)
INSERT INTO audit_event (person_id, action, subject, detail)
SELECT :person, 'parcel.enrolled', 'parcel:' || id, '{}' FROM moved ORDER BY id
"""


def _plain_land(session: Session, _actor: Actor, ids: Sequence[int]) -> set[int]:
    codes = [*marks.BLOCKING_MARKS, "overlap"]
    found = set(session.scalars(text(PLAIN_LAND), {"ids": list(ids), "codes": codes}))
    return found - set(eligibility.obstacles(session, sorted(found), eligibility.Step.ENROL))


def _enrol_together(session: Session, actor: Actor, ids: list[int]) -> list[int]:
    """Claim the land of all of these at once; gives back those that the database refuses, to be asked
    one by one, each with its own words. Which they are is found by halves."""
    if not ids:
        return []
    try:
        with session.begin_nested():
            session.execute(
                text(ENROL),
                {"ids": ids, "person": actor.person_id, "today": db.today(session)},
            )
    except IntegrityError as error:
        if db.constraint_of(error) not in claims.REFUSALS:
            raise
        if len(ids) == 1:
            return ids
        half = len(ids) // 2
        return [
            *_enrol_together(session, actor, ids[:half]),
            *_enrol_together(session, actor, ids[half:]),
        ]
    session.expire_all()
    return []


PLAIN = {Step.SUBMIT: _all, Step.REVIEW: _plain_rights, Step.ENROL: _plain_land}

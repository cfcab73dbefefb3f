"""What the child of a split or a merge takes over from its parents: attributes and consents.

Both speak of a whole parcel, so they hold for every piece of it. They stand on the child with the
parents' evidence, name the succession they came by, and count when a second officer has reviewed it.
Where the parents of a merge differ nothing is guessed: the child is marked, earns nothing, and an
officer states what it is.
"""

import json
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.core import audit
from sinks.core.actor import Actor
from sinks.core.db import today
from sinks.core.errors import Conflict
from sinks.land import attributes, consents
from sinks.land.attributes import AttributeKind, ParcelAttribute
from sinks.land.consents import ConsentParcel
from sinks.land.marks import ParcelMark
from sinks.land.parcels import Parcel


def refuse_waiting(session: Session, parent: Parcel) -> None:
    """Refuse while an attribute of the parent waits for its review: nobody would take it over.

    Raises
    ------
    Conflict
    """
    waiting = [
        attributes.KIND_ZH[AttributeKind(row.kind)]
        for row in attributes.of_parcel(session, parent.id)
        if row.reviewed_at is None and row.refused_at is None
    ]
    if waiting:
        raise Conflict(
            f"地块 {parent.code} 的{'、'.join(waiting)}待另一位林业员复核，请先办结，再拆分或合并。",
            code="attribute_waiting",
        )


def take_over(
    session: Session, actor: Actor, succession_id: int, child: Parcel, parents: Sequence[Parcel]
) -> None:
    """Give the child what all its parents have alike, and mark what they differ in."""
    for kind in AttributeKind:
        _attributes(session, actor, succession_id, child, parents, kind)
    _consents(session, actor, succession_id, child, parents)
    session.flush()


def _attributes(
    session: Session,
    actor: Actor,
    succession_id: int,
    child: Parcel,
    parents: Sequence[Parcel],
    kind: AttributeKind,
) -> None:
    day = today(session)
    held = [_in_force(session, parent.id, kind, day) for parent in parents]
    if len({tuple(_content(row) for row in rows) for rows in held}) > 1:
        said = "；".join(
            f"{parent.code} {'、'.join(attributes.said(kind, row.value) for row in rows) or '没有'}"
            for parent, rows in zip(parents, held, strict=True)
        )
        _mark(session, child, f"inherit_{kind}", attributes.KIND_ZH[kind], said)
        return
    for alike in zip(*held, strict=True):
        row = ParcelAttribute(
            parcel_id=child.id,
            kind=kind,
            value=alike[0].value,
            # It holds for the whole child from the day it holds for each parent.
            valid_from=max(one.valid_from for one in alike),
            valid_to=alike[0].valid_to,
            document_id=alike[0].document_id,
            recorded_by_id=actor.person_id,
            succession_id=succession_id,
        )
        session.add(row)
        session.flush()
        audit.record(
            session, actor, "attribute.take_over", f"parcel:{child.id}",
            {"id": row.id, "kind": kind, "said": attributes.said(kind, row.value),
             "from": [parent.code for parent in parents], "attributes": [one.id for one in alike]},
        )  # fmt: skip


def _in_force(
    session: Session, parcel_id: int, kind: AttributeKind, day: date
) -> list[ParcelAttribute]:
    """The accepted ones of a kind that hold today or will, in the order of their days."""
    return sorted(
        (
            row for row in attributes.of_parcel(session, parcel_id)
            if row.kind == kind and row.reviewed_at and (row.valid_to is None or row.valid_to > day)
        ),
        key=lambda row: row.valid_from,
    )  # fmt: skip


def _content(row: ParcelAttribute) -> tuple[str, date | None]:
    return json.dumps(row.value, sort_keys=True), row.valid_to


def _consents(
    session: Session, actor: Actor, succession_id: int, child: Parcel, parents: Sequence[Parcel]
) -> None:
    held = [
        {row.id for row, _ in consents.of_parcel(session, parent.id) if row.retracted_at is None}
        for parent in parents
    ]
    for consent_id in sorted(set.intersection(*held)):
        session.add(
            ConsentParcel(consent_id=consent_id, parcel_id=child.id, succession_id=succession_id)
        )
        session.flush()
        audit.record(
            session, actor, "consent.take_over", f"parcel:{child.id}",
            {"id": consent_id, "from": [parent.code for parent in parents]},
        )  # fmt: skip
    if not set.intersection(*held) and any(held):
        said = "；".join(
            f"{parent.code} {'有第 ' + '、'.join(map(str, sorted(ids))) + ' 号' if ids else '没有'}"
            for parent, ids in zip(parents, held, strict=True)
        )
        _mark(session, child, "inherit_consent", "集体同意", said)


def _mark(session: Session, child: Parcel, code: str, what: str, said: str) -> None:
    session.add(
        ParcelMark(
            parcel_id=child.id,
            code=code,
            message=f"合并前各块的{what}不同（{said}），未承接，须由林业员写明",
        )
    )


def unreviewed(session: Session, succession_id: int, child_id: int) -> list[ParcelAttribute]:
    """The attributes that a child took over and nobody has decided on, in the order of their days."""
    query = select(ParcelAttribute).where(
        ParcelAttribute.succession_id == succession_id,
        ParcelAttribute.parcel_id == child_id,
        ParcelAttribute.reviewed_at.is_(None),
        ParcelAttribute.refused_at.is_(None),
    )
    return list(session.scalars(query.order_by(ParcelAttribute.valid_from)))

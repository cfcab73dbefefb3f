"""Succession: parcels that take the place of others, by a split or a merge.

The children cover the parents, the parents leave in the same transaction, and nothing is claimed
that was not claimed before: the database holds all three at COMMIT (`succession_covers`). The rights
are copied with their certificates, attributes and consents are taken over (`inheritance.py`), and
nothing is credited until a second officer has reviewed them.
A contract or a project that stands on a parent follows in `sinks.cooperative.land_changes`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import shapely
from shapely import LineString, MultiPolygon, Polygon
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gis_data import geometry
from sinks.core import audit
from sinks.core.actor import Actor, Role
from sinks.core.db import constraint_of, now
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.land import attributes, claims, inheritance, marks, parcel_outlines, parcels, rights
from sinks.land.lineage import KIND_ZH, Kind, Succession, SuccessionParcel
from sinks.land.marks import ParcelMark
from sinks.land.parcels import Parcel, Status

PIECES_MAX = 20
MARK = "succession"


class Unlike(Conflict):
    """The parcels differ in something that one parcel has only once."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A parcel before or after another, by a split or a merge."""

    parcel_id: int
    code: str
    kind: str
    at: datetime


def cut(boundary: MultiPolygon, line: LineString) -> list[MultiPolygon]:
    """The pieces of an outline on the sides of a drawn line, from west to east.

    Neighbouring pieces share the very vertices of the line; parts it does not touch are pieces too.

    Raises
    ------
    Invalid
        The line does not go through from edge to edge, or makes too many pieces.
    """
    if line.is_empty or len(line.coords) < 2 or not line.is_simple:
        raise Invalid("分割线应是一条不自相交的线。", code="line")
    pieces: list[Polygon] = []
    for part in boundary.geoms:
        rings = shapely.union_all([part.boundary, line])
        found = shapely.get_parts(shapely.polygonize([*shapely.get_parts(rings)]))
        inside = [one for one in found if part.contains(one.representative_point())]
        pieces += inside if len(inside) > 1 else [part]
    if len(pieces) == len(boundary.geoms):
        raise Invalid("分割线须从边界的一侧穿到另一侧。请把两端画到地块之外。", code="line")
    if len(pieces) > PIECES_MAX:
        raise Invalid(f"分割线切出 {len(pieces)} 块，一次最多 {PIECES_MAX} 块。", code="line")
    pieces.sort(key=lambda one: (one.centroid.x, one.centroid.y))
    return [geometry.as_multipolygon(one) for one in pieces]


def split(
    session: Session,
    actor: Actor,
    parcel_id: int,
    outlines: Sequence[MultiPolygon],
    *,
    reason: str,
    names: Sequence[str] = (),
    credited_until: date | None = None,
) -> Succession:
    """Put several parcels in the place of one.

    outlines : the children's, which together cover the parent (see `cut`)
    names : of the children; the parent's with -1, -2 ... when none are given
    credited_until : end of the last period the parent was credited for (the room above knows)

    Raises
    ------
    Conflict
        A doubt is open, an attribute waits for its review, an open round has frozen the parcel, the
        pieces do not cover it, or one is too small to be enrolled.
    """
    if len(outlines) < 2:
        raise Invalid("拆分后至少要有两块。", code="pieces")
    parent = parcels.locked(session, parcel_id)
    names = names or [f"{parent.name}-{number + 1}" for number in range(len(outlines))]
    if len(names) != len(outlines):
        raise Invalid("名称的个数与拆分后的块数不同。", code="names")
    return _succeed(
        session, actor, Kind.SPLIT, [parent], list(zip(names, outlines, strict=True)), reason,
        credited_until,
    )  # fmt: skip


def merge(
    session: Session,
    actor: Actor,
    parcel_ids: Sequence[int],
    *,
    reason: str,
    name: str,
    credited_until: date | None = None,
) -> Succession:
    """Put one parcel in the place of several of the same type, county and holders.

    Raises
    ------
    Unlike
        They differ in type, county, state or holders.
    Conflict
        A doubt is open, an attribute waits for its review, or an open round has frozen one of them.
    """
    parents = [parcels.locked(session, one) for one in sorted(set(parcel_ids))]
    if len(parents) < 2:
        raise Invalid("请选择至少两块地合并。", code="pieces")
    _refuse_unlike(session, parents)
    outline = shapely.union_all(
        [parcels.boundary_of(parcels.present_version(session, one.id)) for one in parents]
    )
    return _succeed(
        session, actor, Kind.MERGE, parents, [(name, geometry.as_multipolygon(outline))], reason,
        credited_until,
    )  # fmt: skip


def _refuse_unlike(session: Session, parents: Sequence[Parcel]) -> None:
    first = parents[0]
    for other in parents[1:]:
        both = f"{first.code} 与 {other.code}"
        if (other.sink_type, other.district_code) != (first.sink_type, first.district_code):
            raise Unlike(f"{both} 的类型或县区不同，不能合并。", code="unlike")
        if other.status != first.status:
            raise Unlike(
                f"{first.code}（{parcels.STATUS_ZH[Status(first.status)]}）与 {other.code}"
                f"（{parcels.STATUS_ZH[Status(other.status)]}）状态不同，不能合并。",
                code="unlike",
            )
        if _holders(session, other.id) != _holders(session, first.id):
            raise Unlike(f"{both} 的权利人或份额不同，请先办理权属转移，再合并。", code="holders")


def _holders(session: Session, parcel_id: int) -> set[tuple[int, str, str]]:
    return {
        (row.party_id, row.kind, f"{row.share:f}")
        for row, _ in rights.of_parcel(session, parcel_id)
    }


def _succeed(
    session: Session,
    actor: Actor,
    kind: Kind,
    parents: Sequence[Parcel],
    children: Sequence[tuple[str, MultiPolygon]],
    reason: str,
    credited_until: date | None,
) -> Succession:
    actor.require(Role.OFFICER)
    if not reason.strip():
        raise Invalid("请写明拆分或合并的原因。", code="reason")
    for parent in parents:
        if parent.status in (Status.SUSPENDED, Status.WITHDRAWN):
            raise Conflict(
                f"地块 {parent.code} 现为“{parcels.STATUS_ZH[Status(parent.status)]}”，不能拆分或合并。",
                code="step",
            )
        marks.refuse_in_doubt(session, parent.id)
        inheritance.refuse_waiting(session, parent)
    stood = Status(parents[0].status)
    claimed = stood in parcels.CLAIMING
    with _refusals_in_words(parents), session.begin_nested():
        row = Succession(kind=kind, reason=reason.strip(), person_id=actor.person_id)
        session.add(row)
        session.flush()
        for parent in parents:
            _leave(session, actor, row, parent)
        made = [_child(session, actor, row, parents, *child) for child in children]
        if claimed:
            claims.hand_over(
                session, [one.id for one in parents], [one.id for one in made],
                credited_until=credited_until,
            )  # fmt: skip
            detail = {"from": [one.code for one in parents], "succession": row.id}
            for child in made:
                # Suspending looks up what a parcel was before, so every step it stands on counts.
                parcels.inherit_status(session, actor, child, Status.ENROLLED, detail)
                _mark_for_review(session, row, child, parents)
        for child in made:
            inheritance.take_over(session, actor, row.id, child, parents)
    audit.record(
        session, actor, f"succession.{kind}", f"succession:{row.id}",
        {"parents": [one.code for one in parents], "children": [one.code for one in made]},
    )  # fmt: skip
    return row


def _leave(session: Session, actor: Actor, row: Succession, parent: Parcel) -> None:
    version = parcels.present_version(session, parent.id)
    session.add(
        SuccessionParcel(
            succession_id=row.id, parcel_id=parent.id, version_id=version.id, side="parent"
        )
    )
    session.flush()
    parcels.step(
        session, actor, parent.id, Status.WITHDRAWN, {"reason": row.reason, "succession": row.id}
    )
    session.flush()


def _child(
    session: Session,
    actor: Actor,
    row: Succession,
    parents: Sequence[Parcel],
    name: str,
    outline: MultiPolygon,
) -> Parcel:
    """A draft with the rights of its parents, not reviewed."""
    codes = "、".join(one.code for one in parents)
    child = parcel_outlines.create(
        session, actor, boundary=outline, sink_type=parents[0].sink_type, name=name,
        township=parents[0].township,
        source_name=f"由 {codes} {KIND_ZH[Kind(row.kind)]}",
        demonstration=any(one.demonstration for one in parents),
    )  # fmt: skip
    held = [right for right, _ in rights.of_parcel(session, parents[0].id)]
    session.add_all(
        rights.copied(right, parcel_id=child.id, added_by_id=actor.person_id) for right in held
    )
    version = parcels.present_version(session, child.id)
    session.add(
        SuccessionParcel(
            succession_id=row.id, parcel_id=child.id, version_id=version.id, side="child"
        )
    )
    session.flush()
    return child


def _mark_for_review(
    session: Session, row: Succession, child: Parcel, parents: Sequence[Parcel]
) -> None:
    codes = "、".join(one.code for one in parents)
    session.add(
        ParcelMark(
            parcel_id=child.id,
            code=MARK,
            message=f"由 {codes} {KIND_ZH[Kind(row.kind)]}而来，权属待另一位林业员复核",
        )
    )
    session.flush()


def settle(session: Session) -> None:
    """Have the database check every succession of this transaction now, instead of at COMMIT.

    Raises
    ------
    Conflict
        Says which condition does not hold.
    """
    with _refusals_in_words(()), session.begin_nested():
        session.flush()
        session.execute(
            text("SET CONSTRAINTS succession_covers, succession_parcel_covers IMMEDIATE")
        )
    session.execute(text("SET CONSTRAINTS succession_covers, succession_parcel_covers DEFERRED"))


@contextmanager
def _refusals_in_words(parents: Sequence[Parcel]) -> Iterator[None]:
    """Turn a refusal of the database into words."""
    codes = "、".join(one.code for one in parents) or "原地块"
    try:
        yield
    except IntegrityError as error:
        match constraint_of(error):
            case "succession_round_open":
                raise Conflict(
                    f"{codes} 已冻结在尚未签发的监测期中，签发之后才能拆分或合并。不能等待的，可先办理退出"
                    "（本监测期将扣除它），再重新申报。",
                    code="in_open_round",
                ) from error
            case "succession_covers":
                raise Conflict(
                    "拆分或合并后的地块与原地块不吻合：有漏掉、多出或相互重叠的部分。请从原边界上切分。",
                    code="not_covering",
                ) from error
            case "succession_contract":
                raise Conflict(
                    "原地块的收储合同没有转到新地块上，不能只改地块。", code="contract_left"
                ) from error
            case "succession_parent" | "succession_shape" | "succession_parcel_once":
                raise Conflict("原地块已经退出或已被拆分、合并过。", code="step") from error
            case _:
                raise


def review(session: Session, actor: Actor, succession_id: int) -> None:
    """A second officer accepts the rights and attributes that came to the children.

    Raises
    ------
    NotPermitted
        The officer made the split or merge.
    """
    actor.require(Role.OFFICER)
    row = session.get(Succession, succession_id, with_for_update=True, populate_existing=True)
    if row is None or row.reviewed_at:
        raise NotFound("没有待复核的拆分或合并。", code="succession")
    if row.person_id == actor.person_id:
        raise NotPermitted("办理拆分或合并的人不能复核，须由另一位林业员办理。", code="two_people")
    at = now(session)
    row.reviewed_by_id, row.reviewed_at = actor.person_id, at
    for child_id in of_side(session, succession_id, "child"):
        for right, _ in rights.of_parcel(session, child_id):
            if right.reviewed_at is None and right.added_by_id != actor.person_id:
                right.reviewed_by_id, right.reviewed_at = actor.person_id, at
        for attribute in inheritance.unreviewed(session, succession_id, child_id):
            attributes.review(session, actor, attribute.id)
        marks.settle(session, actor, child_id, MARK, "拆并权属已复核")
    session.flush()
    audit.record(session, actor, "succession.review", f"succession:{succession_id}", {})


def of_side(session: Session, succession_id: int, side: str) -> list[int]:
    """Ids of the parents or the children of a succession."""
    query = select(SuccessionParcel.parcel_id).where(
        SuccessionParcel.succession_id == succession_id, SuccessionParcel.side == side
    )
    return list(session.scalars(query.order_by(SuccessionParcel.parcel_id)))


def made_by(session: Session, parcel_id: int) -> Succession | None:
    """The split or merge a parcel came from."""
    return _of(session, parcel_id, "child")


def ended_by(session: Session, parcel_id: int) -> Succession | None:
    """The split or merge a parcel left by."""
    return _of(session, parcel_id, "parent")


def _of(session: Session, parcel_id: int, side: str) -> Succession | None:
    return session.scalar(
        select(Succession)
        .join(SuccessionParcel, SuccessionParcel.succession_id == Succession.id)
        .where(SuccessionParcel.parcel_id == parcel_id, SuccessionParcel.side == side)
    )


def parents(session: Session, parcel_id: int) -> list[Relative]:
    """The parcels that stood where this one stands."""
    return _relatives(session, made_by(session, parcel_id), "parent")


def children(session: Session, parcel_id: int) -> list[Relative]:
    """The parcels that took its place."""
    return _relatives(session, ended_by(session, parcel_id), "child")


def _relatives(session: Session, row: Succession | None, side: str) -> list[Relative]:
    if row is None:
        return []
    found = session.execute(
        select(Parcel.id, Parcel.code).where(Parcel.id.in_(of_side(session, row.id, side)))
    )
    return [Relative(parcel_id, code, row.kind, row.recorded_at) for parcel_id, code in found]


def awaiting_review(session: Session) -> list[Succession]:
    """Splits and merges of enrolled land whose rights nobody has reviewed yet, oldest first."""
    query = (
        select(Succession)
        .join(SuccessionParcel, SuccessionParcel.succession_id == Succession.id)
        .join(ParcelMark, ParcelMark.parcel_id == SuccessionParcel.parcel_id)
        .where(
            Succession.reviewed_at.is_(None), SuccessionParcel.side == "child",
            ParcelMark.code == MARK, ParcelMark.closed_at.is_(None),
        )
        .order_by(Succession.id).distinct()
    )  # fmt: skip
    return list(session.scalars(query))

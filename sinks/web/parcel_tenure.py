"""What the card of a parcel says beside its holders: maps, attributes, consents, where it came from."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from sinks.core.people import Party, PartyKind
from sinks.land import attributes, base_shapes, consents, eligibility, rights
from sinks.land.attributes import AttributeKind
from sinks.land.base_shapes import BaseShape
from sinks.land.eligibility import Finding
from sinks.land.parcels import Parcel
from sinks.land.rights import Followed


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute as the card shows it. ``state``: waiting, accepted or refused.

    taken_over : it came from the parents of a split or a merge, with their evidence
    """

    attribute_id: int
    kind: AttributeKind
    said: str
    valid_from: date
    valid_to: date | None
    state: str
    refused_reason: str | None
    document_id: int
    recorded_by_id: int
    taken_over: bool


@dataclass(frozen=True, slots=True)
class Consent:
    """A collective's consent as the card shows it; ``taken_over`` as of an `Attribute`."""

    consent_id: int
    collective: str
    body: str
    entitled: int
    present: int
    in_favour: int
    meeting_notice_on: date
    met_on: date
    published_from: date
    published_to: date
    published_where: str
    documents: tuple[tuple[str, int], ...]
    retracted_reason: str | None
    recorded_by_id: int
    recorded_at: datetime
    taken_over: bool


@dataclass(frozen=True, slots=True)
class Tenure:
    """Everything of it for one parcel.

    needs_consent : nothing but the collective's ownership or resolution speaks for the parcel
    collectives : (id, name) of the villages among the holders
    unit_no_questions : what is odd about the 不动产单元号 of its certificates
    """

    findings: list[Finding]
    attributes: list[Attribute]
    consents: list[Consent]
    followed: list[Followed]
    needs_consent: bool
    collectives: tuple[tuple[int, str], ...]
    unit_nos: tuple[tuple[str, str | None], ...]
    source: BaseShape | None


def read(session: Session, parcel_id: int) -> Tenure:
    """The tenure of a parcel, as far as this person's transaction may read it."""
    held = rights.of_parcel(session, parcel_id)
    district_code = session.get_one(Parcel, parcel_id).district_code
    unit_nos = {row.unit_no for row, _ in held if row.unit_no}
    villages: dict[int, Party] = {
        party.id: party for _, party in held if party.kind == PartyKind.VILLAGE
    }
    taken_over = consents.taken_over(session, parcel_id)
    return Tenure(
        findings=eligibility.findings(session, [parcel_id])[parcel_id],
        attributes=[_attribute(row) for row in attributes.of_parcel(session, parcel_id)],
        consents=[
            _consent(row, party, taken_over=row.id in taken_over)
            for row, party in consents.of_parcel(session, parcel_id)
        ],
        followed=rights.followed(held),
        needs_consent=rights.needs_consent(held),
        collectives=tuple((party.id, party.name) for party in villages.values()),
        unit_nos=tuple(
            (unit_no, rights.unit_no_question(unit_no, district_code))
            for unit_no in sorted(unit_nos)
        ),
        source=base_shapes.source_of(session, parcel_id),
    )


def _attribute(row: attributes.ParcelAttribute) -> Attribute:
    kind = AttributeKind(row.kind)
    value: dict[str, Any] = row.value
    state = "accepted" if row.reviewed_at else "refused" if row.refused_at else "waiting"
    return Attribute(
        row.id, kind, attributes.said(kind, value), row.valid_from, row.valid_to, state,
        row.refused_reason, row.document_id, row.recorded_by_id, row.succession_id is not None,
    )  # fmt: skip


def _consent(row: consents.CollectiveConsent, party: Party, *, taken_over: bool) -> Consent:
    return Consent(
        row.id, party.name, row.body, row.entitled_count, row.present_count, row.in_favour_count,
        row.meeting_notice_on, row.met_on, row.published_from, row.published_to,
        row.published_where,
        (("决议", row.resolution_document_id), ("表决记录", row.vote_document_id),
         ("公示证明", row.notice_document_id)),
        row.retracted_reason, row.recorded_by_id, row.recorded_at, taken_over,
    )  # fmt: skip

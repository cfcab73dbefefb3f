"""Court cases: a loss is appraised, units are retired for it, and a paper says so.

The court asks and decides; the appraiser draws the site, measures and signs; the seller locks; the
registrar retires. None does another's part. Retired units answer for damages (民法典 1235), never
for the duty to restore (1234): that line of the order stays open whatever is retired.

Here are the tables, the order of the steps and the court's part; the appraiser's is in
`case_measurement`, the seller's and the registrar's in `case_units`.
"""

import json
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import to_shape
from shapely import MultiPolygon
from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, refused_in_words, today
from sinks.core.errors import Conflict, Invalid, NotFound
from sinks.core.people import Party
from sinks.crediting.certificates import Certificate
from sinks.restoration import case_number


class Status(StrEnum):
    OPENED = "opened"
    REQUESTED = "requested"
    APPRAISED = "appraised"
    CONSENTED = "consented"
    ORDERED = "ordered"
    LOCKED = "locked"
    PAID = "paid"
    RETIRED = "retired"
    CERTIFIED = "certified"
    CONFIRMED = "confirmed"


NEXT = MappingProxyType(
    {
        Status.OPENED: Status.REQUESTED,
        Status.REQUESTED: Status.APPRAISED,
        Status.APPRAISED: Status.CONSENTED,
        Status.CONSENTED: Status.ORDERED,
        Status.ORDERED: Status.LOCKED,
        Status.LOCKED: Status.PAID,
        Status.PAID: Status.RETIRED,
        Status.RETIRED: Status.CERTIFIED,
        Status.CERTIFIED: Status.CONFIRMED,
    }
)
STATUS_ZH = MappingProxyType(
    {
        Status.OPENED: "已立案",
        Status.REQUESTED: "已委托测算",
        Status.APPRAISED: "测算意见已签署",
        Status.CONSENTED: "申请与同意已归档",
        Status.ORDERED: "已作出决定",
        Status.LOCKED: "碳汇量已锁定",
        Status.PAID: "价款已付",
        Status.RETIRED: "碳汇量已注销",
        Status.CERTIFIED: "证书已出具",
        Status.CONFIRMED: "履行已确认",
    }
)


class Damage(StrEnum):
    FOREST = "forest"
    WETLAND = "wetland"
    OTHER = "other"


# 同质: forest for forest, wetland for wetland; another kind needs a reason on record.
SAME_KIND = MappingProxyType(
    {
        Damage.FOREST: ("bamboo", "other"),
        Damage.WETLAND: ("wetland",),
        Damage.OTHER: ("farmland", "tea", "other"),
    }
)
# Art. 20 speaks of forests only; it cannot carry an order about anything else.
FOREST_BASIS = "法释〔2022〕16号第二十条"
LEGAL_BASES = MappingProxyType(
    {
        Damage.FOREST: (FOREST_BASIS, "民法典第一千二百三十四条、第一千二百三十五条"),
        Damage.WETLAND: ("民法典第一千二百三十四条、第一千二百三十五条", "湿地保护法第五十九条、第六十一条"),
        Damage.OTHER: ("民法典第一千二百三十四条、第一千二百三十五条",),
    }
)  # fmt: skip
# A thousand million tonnes: whoever orders more has mistaken a unit.
QUANTITY_KG_MAX = 10**12
DECISION_KINDS = ("判决书", "调解书", "裁定书", "决定书", "磋商协议")


class CourtCase(Base):
    """A case of one court. Row-level security shows it to those who take part, and no others."""

    __tablename__ = "court_case"
    __table_args__ = (
        UniqueConstraint("case_no", "court_id"),
        CheckConstraint("damage in ('forest','wetland','other')", name="damage"),
    )

    id: Mapped[Key]
    case_no: Mapped[str]
    court_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    appraiser_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    # The procuratorate that takes part, in a public-interest case; it reads, and decides nothing.
    prosecutor_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    defendant: Mapped[str]
    cause: Mapped[str]
    damage: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=Status.OPENED.value)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class CaseSite(Base):
    """The damaged site as the appraiser drew it; the last drawing counts."""

    __tablename__ = "case_site"

    id: Mapped[Key]
    case_id: Mapped[int] = mapped_column(ForeignKey("court_case.id"), index=True)
    boundary: Mapped[WKBElement] = mapped_column(
        Geometry("MULTIPOLYGON", srid=4490), nullable=False
    )
    area_m2: Mapped[float]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class LossAssessment(Base):
    """A signed assessment: site, method, whole input and whole result. Never changed."""

    __tablename__ = "loss_assessment"

    id: Mapped[Key]
    case_id: Mapped[int] = mapped_column(ForeignKey("court_case.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("case_site.id"))
    input_json: Mapped[str] = mapped_column(Text)
    result_json: Mapped[str] = mapped_column(Text)
    basis: Mapped[str]  # Where the stock figure is from: a layer or the field.
    layer_sha256: Mapped[str | None]
    signed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]

    @property
    def input(self) -> dict[str, Any]:
        return json.loads(self.input_json)

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.result_json)


class CourtOrder(Base):
    """The court's decision: two lines, the units to retire and the duty to restore."""

    __tablename__ = "court_order"
    __table_args__ = (CheckConstraint("quantity_kg > 0", name="quantity"),)

    id: Mapped[Key]
    case_id: Mapped[int] = mapped_column(ForeignKey("court_case.id"), unique=True)
    decision_kind: Mapped[str]
    decided_on: Mapped[date]
    effective_on: Mapped[date]
    legal_basis: Mapped[str]
    quantity_kg: Mapped[int]
    price_fen_t: Mapped[int | None]
    restoration_duty: Mapped[str]
    restoration_done: Mapped[bool]
    kind_exception: Mapped[str | None]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class CaseLock(Base):
    """The units a seller has locked for a case."""

    __tablename__ = "case_lock"

    case_id: Mapped[int] = mapped_column(
        ForeignKey("court_case.id"), primary_key=True, autoincrement=False
    )
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    units: Mapped[int]
    unit_kg: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


def open_case(
    session: Session,
    actor: Actor,
    *,
    case_no: str,
    defendant: str,
    cause: str,
    damage: str,
    prosecutor_id: int | None = None,
) -> tuple[CourtCase, list[str]]:
    """Open a case file; also gives warnings about the case number (never a refusal for the court).

    prosecutor_id : the procuratorate that takes part and may read the file
    """
    actor.require(Role.COURT)
    number = case_number.parse(case_no)
    if damage not in list(Damage) or not defendant.strip() or not cause.strip():
        raise Invalid("请填写被告人、案由和损害类型。", code="case")
    if prosecutor_id is not None:
        procuratorate = session.get(Party, prosecutor_id)
        if procuratorate is None or procuratorate.kind != "procuratorate":
            raise Invalid("请选择检察院。", code="prosecutor")
    row = CourtCase(
        case_no=number.text,
        court_id=actor.party_id,
        prosecutor_id=prosecutor_id,
        defendant=defendant.strip()[:100],
        cause=cause.strip()[:100],
        damage=damage,
        opened_by_id=actor.person_id,
    )
    held = Conflict(f"案件 {number.text} 已立。", code="case_held")
    with refused_in_words(session, {"court_case_case_no_court_id_key": held}):
        session.add(row)
    note(session, actor, row, "open", {})
    return row, case_number.court_warnings(number)


def request_measurement(
    session: Session, actor: Actor, case_id: int, *, appraiser_id: int, letter: str
) -> CourtCase:
    """Ask a survey institute for a measurement (委托测算函)."""
    row = _of_court(session, actor, case_id)
    party = session.get(Party, appraiser_id)
    if party is None or party.kind != "survey":
        raise Invalid("请选择林业调查机构。", code="appraiser")
    row.appraiser_id = appraiser_id
    move(row, Status.REQUESTED)
    documents.file(
        session, actor, kind="letter", name="委托测算函.txt", content=letter.encode(),
        subject=f"case:{case_id}",
    )  # fmt: skip
    note(session, actor, row, "request", {"appraiser": appraiser_id})
    return row


def file_consent(
    session: Session,
    actor: Actor,
    case_id: int,
    *,
    request: tuple[str, bytes],
    consent: tuple[str, bytes],
) -> CourtCase:
    """Put the party's request and the claimant's consent on file, each (file name, content).

    Substitution must be asked for by a party (法释〔2022〕16号 art. 20); without both nothing is
    ordered.
    """
    row = _of_court(session, actor, case_id)
    move(row, Status.CONSENTED)
    for kind, (name, content) in (("request", request), ("consent", consent)):
        documents.file(
            session, actor, kind=kind, name=name, content=content, subject=f"case:{case_id}"
        )
    note(session, actor, row, "consent", {})
    return row


def record_order(
    session: Session,
    actor: Actor,
    case_id: int,
    *,
    decision_kind: str,
    decided_on: date,
    effective_on: date,
    legal_basis: str,
    quantity_kg: int,
    seller_id: int,
    restoration_duty: str,
    price_fen_t: int | None = None,
    kind_exception: str | None = None,
    document: tuple[str, bytes] | None = None,
) -> CourtOrder:
    """The clerk records the decision. The quantity is the court's, not ours.

    document : the decision itself, (file name, content), for the file

    Raises
    ------
    Invalid
        A basis that does not carry this kind of damage, dates in the wrong order or the future.
    """
    row = _of_court(session, actor, case_id)
    if decision_kind not in DECISION_KINDS:
        raise Invalid("请选择文书种类。", code="decision_kind")
    if legal_basis not in LEGAL_BASES[Damage(row.damage)]:
        raise Invalid(f"“{legal_basis}”不适用于这类损害。", code="legal_basis")
    if effective_on < decided_on or decided_on > today(session):
        raise Invalid("生效日期不能早于作出日期，作出日期不能在将来。", code="dates")
    _check_amounts(quantity_kg, price_fen_t)
    if not restoration_duty.strip():
        raise Invalid("请填写修复义务（没有则写“无”）。", code="order")
    _check_seller(session, seller_id)
    move(row, Status.ORDERED)
    row.seller_id = seller_id
    order = CourtOrder(
        case_id=case_id,
        decision_kind=decision_kind,
        decided_on=decided_on,
        effective_on=effective_on,
        legal_basis=legal_basis,
        quantity_kg=quantity_kg,
        price_fen_t=price_fen_t,
        restoration_duty=restoration_duty.strip(),
        restoration_done=False,
        kind_exception=kind_exception.strip() if kind_exception else None,
        recorded_by_id=actor.person_id,
    )
    session.add(order)
    if document is not None:
        documents.file(
            session, actor, kind="order", name=document[0], content=document[1],
            subject=f"case:{case_id}",
        )  # fmt: skip
    note(session, actor, row, "order", {"quantity_kg": quantity_kg})
    return order


def confirm(session: Session, actor: Actor, case_id: int) -> CourtCase:
    """The court confirms that the retirement was performed. The duty to restore stays open."""
    row = _of_court(session, actor, case_id)
    move(row, Status.CONFIRMED)
    note(session, actor, row, "confirm", {})
    return row


def _check_amounts(quantity_kg: int, price_fen_t: int | None) -> None:
    if quantity_kg > QUANTITY_KG_MAX or (price_fen_t is not None and not 0 < price_fen_t < 10**9):
        raise Invalid("数量或单价超出合理范围，请检查单位（吨、元）。", code="order")
    if quantity_kg <= 0:
        raise Invalid("请填写认购数量。", code="order")


def _check_seller(session: Session, seller_id: int) -> None:
    seller = session.get(Party, seller_id)
    if seller is None or seller.kind != "cooperative":
        raise Invalid("请选择出让碳汇量的合作社。", code="seller")


def _of_court(session: Session, actor: Actor, case_id: int) -> CourtCase:
    actor.require(Role.COURT)
    row = locked(session, case_id)
    if row.court_id != actor.party_id:
        raise NotFound("没有这个案件。", code="case")
    return row


def move(row: CourtCase, to: Status) -> None:
    """Take one step of the case. NEXT is the whole truth about which steps exist."""
    if NEXT.get(Status(row.status)) != to:
        raise Conflict(
            f"案件现为“{STATUS_ZH[Status(row.status)]}”，不能办理“{STATUS_ZH[to]}”。", code="step"
        )
    row.status = to


def note(
    session: Session, actor: Actor, row: CourtCase, action: str, detail: dict[str, Any]
) -> None:
    """Write a step of the case down in the audit."""
    session.flush()
    audit.record(session, actor, f"case.{action}", f"case:{row.id}", detail)


def locked(session: Session, case_id: int) -> CourtCase:
    """The case, held until the transaction ends; NotFound when this person takes no part in it."""
    row = session.get(CourtCase, case_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("没有这个案件。", code="case")
    return row


def site_of(session: Session, case_id: int) -> CaseSite | None:
    """The last drawing of the site."""
    query = select(CaseSite).where(CaseSite.case_id == case_id).order_by(CaseSite.id.desc())
    return session.scalar(query.limit(1))


def site_boundary(site: CaseSite) -> MultiPolygon:
    """The site's outline as a shapely geometry in EPSG:4490."""
    return to_shape(site.boundary)


def assessment_of(session: Session, case_id: int) -> LossAssessment | None:
    """The signed assessment."""
    return session.scalar(select(LossAssessment).where(LossAssessment.case_id == case_id))


def order_of(session: Session, case_id: int) -> CourtOrder | None:
    """The recorded decision."""
    return session.scalar(select(CourtOrder).where(CourtOrder.case_id == case_id))


def certificate_of(session: Session, case_id: int) -> Certificate | None:
    """The certificate of the case's retirement."""
    return session.scalar(select(Certificate).where(Certificate.case_id == case_id))


def listing(session: Session) -> list[CourtCase]:
    """Cases this person takes part in, newest first."""
    return list(session.scalars(select(CourtCase).order_by(CourtCase.id.desc())))

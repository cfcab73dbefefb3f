"""Court cases: a loss is appraised, units are retired for it, and a paper says so.

The court asks and decides; the appraiser draws the site, measures and signs; the seller locks; the
registrar retires. None does another's part. Retired units answer for damages (民法典 1235), never
for the duty to restore (1234): that line of the order stays open whatever is retired. The site may
lie on anybody's land and is no parcel: it claims nothing.
"""

import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely import MultiPolygon
from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gis_data import geometry, zonal
from methodologies import factors, moso_stand_v1, statistics
from methodologies.base import CO2_PER_C
from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, refused_in_words, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.core.people import Party, masked
from sinks.crediting import certificates, ledger
from sinks.crediting.certificates import Certificate, CertificateKind
from sinks.crediting.ledger import Account, AccountKind, Block, BlockState
from sinks.crediting.projects import Project
from sinks.measurement import layers, runs
from sinks.measurement.runs import canonical
from sinks.restoration import case_number, loss

NAMESPACE = UUID("0d7b8a62-55cd-4a0f-8a0e-3a4f5d6c1e22")


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


@dataclass(frozen=True, slots=True)
class StockFigure:
    """Carbon density under a site [t C/ha] with its standard error, and where it is from."""

    delta_c_t_ha: float
    stderr_t_ha: float | None
    agb_t_ha: float
    basis: str
    layer_sha256: str


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
    _note(session, actor, row, "open", {})
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
    _move(row, Status.REQUESTED)
    documents.file(
        session, actor, kind="letter", name="委托测算函.txt", content=letter.encode(),
        subject=f"case:{case_id}",
    )  # fmt: skip
    _note(session, actor, row, "request", {"appraiser": appraiser_id})
    return row


def draw_site(session: Session, actor: Actor, case_id: int, boundary: MultiPolygon) -> CaseSite:
    """The appraiser draws the damaged site, on whosever land it lies."""
    row = _of_appraiser(session, actor, case_id)
    if row.status != Status.REQUESTED:
        raise Conflict("测算意见已签署，不能再改现场范围。", code="step")
    site = CaseSite(
        case_id=case_id,
        boundary=from_shape(boundary, srid=4490),
        area_m2=geometry.area_m2(boundary),
        person_id=actor.person_id,
    )
    session.add(site)
    _note(session, actor, row, "site", {"area_m2": site.area_m2})
    return site


def stock_under(session: Session, site: CaseSite, layer_id: int) -> StockFigure:
    """The carbon density of bamboo under the site, from a biomass layer: C = AGB (1 + R) CF.

    Errors of the map (fully correlated under the site), of R and of CF are added by approach 1.

    Raises
    ------
    Conflict
        Less than 80 % of the site lies on valid cells.
    """
    layer = layers.value_layer(session, layer_id, "agb")
    stderr = layers.stderr_of(session, layer)
    summary = zonal.summaries(
        layers.path_of(layer),
        [to_shape(site.boundary)],
        crs=layers.given_crs(layer),
        stderr_path=layers.path_of(stderr) if stderr else None,
    )[0]
    if summary.mean is None or summary.valid_share < 0.8:
        raise Conflict(
            f"受损地只有 {summary.valid_share:.0%} 落在图层有效像元上，请改用实测数据。",
            code="uncovered",
        )
    carbon_t_ha = summary.mean * moso_stand_v1.co2_t_per_agb_t() / CO2_PER_C
    basis = f"图层“{layer.name}”（{layer.epoch}）"
    return StockFigure(
        carbon_t_ha, _stock_stderr(carbon_t_ha, summary), summary.mean, basis, layer.sha256
    )


def _stock_stderr(carbon_t_ha: float, summary: zonal.ParcelSummary) -> float | None:
    stderr_t_ha = runs.stderr_mean(summary)
    if stderr_t_ha is None or not summary.mean:
        return None
    root_ratio, carbon_fraction = factors.factor("moso.R"), factors.factor("moso.CF")
    return carbon_t_ha * statistics.approach1_product(
        stderr_t_ha / summary.mean,
        root_ratio.stderr / (1 + root_ratio.number),
        carbon_fraction.stderr / carbon_fraction.number,
    )


def sign_assessment(
    session: Session,
    actor: Actor,
    case_id: int,
    *,
    facts: dict[str, Any],
    basis: str,
    layer_sha256: str | None = None,
) -> LossAssessment:
    """The appraiser signs: the loss is computed from ``facts`` (as `loss.assess` takes them) for
    the site on file and kept with every step.

    Raises
    ------
    Conflict
        No site was drawn, or the area is not that of the site.
    """
    row = _of_appraiser(session, actor, case_id)
    site = site_of(session, case_id)
    if site is None:
        raise Conflict("请先勾绘受损地范围。", code="no_site")
    if not basis.strip():
        raise Invalid("请写明存量数据的来源（图层或实测）。", code="basis")
    document = {**facts, "area_m2": site.area_m2}
    result = loss.assess(document)
    _move(row, Status.APPRAISED)
    assessment = LossAssessment(
        case_id=case_id,
        site_id=site.id,
        input_json=canonical(document),
        result_json=canonical(result),
        basis=basis.strip(),
        layer_sha256=layer_sha256,
        signed_by_id=actor.person_id,
    )
    session.add(assessment)
    _note(session, actor, row, "sign", {"quantity_kg": result["quantity_kg"]})
    return assessment


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
    _move(row, Status.CONSENTED)
    for kind, (name, content) in (("request", request), ("consent", consent)):
        documents.file(
            session, actor, kind=kind, name=name, content=content, subject=f"case:{case_id}"
        )
    _note(session, actor, row, "consent", {})
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
    if quantity_kg > QUANTITY_KG_MAX or (price_fen_t is not None and not 0 < price_fen_t < 10**9):
        raise Invalid("数量或单价超出合理范围，请检查单位（吨、元）。", code="order")
    if quantity_kg <= 0 or not restoration_duty.strip():
        raise Invalid("请填写认购数量和修复义务（没有则写“无”）。", code="order")
    seller = session.get(Party, seller_id)
    if seller is None or seller.kind != "cooperative":
        raise Invalid("请选择出让碳汇量的合作社。", code="seller")
    _move(row, Status.ORDERED)
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
    _note(session, actor, row, "order", {"quantity_kg": quantity_kg})
    return order


def lock_units(session: Session, actor: Actor, case_id: int, *, account_id: int) -> CaseLock:
    """The seller locks units for the case: whole units, never fewer than ordered.

    Raises
    ------
    Conflict
        Too few units, or units of another kind without the court's exception.
    """
    actor.require(Role.COOPERATIVE)
    row = locked(session, case_id)
    order = order_of(session, case_id)
    account = session.get(Account, account_id)
    if (
        order is None
        or account is None
        or row.seller_id != actor.party_id
        or account.party_id != actor.party_id
        or account.kind != AccountKind.HOLDING
    ):
        raise NotFound("没有指定给本合作社的这个案件，或不是本社的账户。", code="case")
    held = [
        item for item in ledger.blocks_of(session, account_id) if item[0].state == BlockState.HELD
    ]
    if not held:
        raise Conflict("这个账户没有持有的碳汇量。", code="nothing_held")
    kinds = {session.get_one(Project, batch.project_id).sink_type for _, batch in held}
    if not kinds <= set(SAME_KIND[Damage(row.damage)]) and not order.kind_exception:
        raise Conflict("碳汇类型与受损类型不同质，须由法院写明例外理由。", code="kind")
    unit_kg = held[0][1].unit_kg
    if any(batch.unit_kg != unit_kg for _, batch in held):
        raise Conflict("账户内登记单位不一，请登记机构处理。", code="unit")
    units = -(-order.quantity_kg // unit_kg)
    _move(row, Status.LOCKED)
    ledger.change_state(
        session, account_id=account_id, units=units, from_state=BlockState.HELD,
        to_state=BlockState.RESERVED, case_id=case_id,
    )  # fmt: skip
    lock = CaseLock(
        case_id=case_id,
        account_id=account_id,
        units=units,
        unit_kg=unit_kg,
        person_id=actor.person_id,
    )
    session.add(lock)
    _note(session, actor, row, "lock", {"units": units, "unit_kg": unit_kg})
    return lock


def record_payment(
    session: Session, actor: Actor, case_id: int, *, voucher: tuple[str, bytes]
) -> CourtCase:
    """The seller puts the payment voucher on file (file name, content)."""
    actor.require(Role.COOPERATIVE)
    row = locked(session, case_id)
    if row.seller_id != actor.party_id:
        raise NotFound("没有指定给本合作社的这个案件。", code="case")
    _move(row, Status.PAID)
    documents.file(
        session, actor, kind="payment", name=voucher[0], content=voucher[1],
        subject=f"case:{case_id}",
    )  # fmt: skip
    _note(session, actor, row, "paid", {})
    return row


def retire(session: Session, actor: Actor, case_id: int) -> list[Block]:
    """The registrar retires the locked units for the case, once and for good.

    Raises
    ------
    Conflict
        Not paid, or the decision is not in effect yet: retirement cannot be undone.
    """
    actor.require(Role.REGISTRAR)
    row = locked(session, case_id)
    order, lock = order_of(session, case_id), session.get(CaseLock, case_id)
    if order is None or lock is None:
        raise Conflict("尚无决定或尚未锁定碳汇量。", code="step")
    if order.effective_on > today(session):
        raise Conflict(
            f"决定自 {order.effective_on} 起生效，生效前不能注销。", code="not_effective"
        )
    if actor.person_id == lock.person_id:
        raise NotPermitted("锁定与注销须由不同的人办理。", code="two_people")
    _move(row, Status.RETIRED)
    target = ledger.account(session, AccountKind.RETIRED)
    blocks = ledger.move_units(
        session, actor, id=uuid5(NAMESPACE, f"case/{case_id}"), from_id=lock.account_id,
        to_id=target.id, units=lock.units, from_state=BlockState.RESERVED,
        to_state=BlockState.RETIRED, reason=f"court case {case_id}", case_id=case_id,
    )  # fmt: skip
    _note(session, actor, row, "retire", {"units": lock.units})
    return blocks


def certify(session: Session, actor: Actor, case_id: int) -> Certificate:
    """The certificate of retirement. It proves retirement, not restoration."""
    actor.require(Role.REGISTRAR)
    row = locked(session, case_id)
    _move(row, Status.CERTIFIED)
    blocks = list(
        session.scalars(
            select(Block)
            .where(Block.case_id == case_id, Block.state == BlockState.RETIRED, Block.live)
            .order_by(Block.id)
        )
    )
    court = session.get_one(Party, row.court_id)
    order = order_of(session, case_id)
    site = site_of(session, case_id)
    certificate = certificates.write(
        session, actor, kind=CertificateKind.RETIREMENT, blocks=blocks, case_id=case_id,
        public={
            "case_no": row.case_no,
            "court": court.name,
            "defendant_masked": masked(row.defendant),
            "purpose": "替代履行生态环境损害赔偿责任",
            "legal_basis": order.legal_basis if order else "",
            "site_area_m2": site.area_m2 if site else 0.0,
            "ordered_kg": order.quantity_kg if order else 0,
            "price_fen_t": order.price_fen_t if order else None,
            "retired_at": _retired_at(session, blocks),
            "transfer_id": str(blocks[0].transfer_id),
        },
        private={},
    )  # fmt: skip
    _note(session, actor, row, "certify", {"number": certificate.number})
    return certificate


def _retired_at(session: Session, blocks: list[Block]) -> str:
    """When the ledger retired these blocks, by the database's clock, to the minute."""
    transfer = session.get_one(ledger.Transfer, blocks[0].transfer_id)
    return transfer.recorded_at.strftime("%Y-%m-%d %H:%M")


def confirm(session: Session, actor: Actor, case_id: int) -> CourtCase:
    """The court confirms that the retirement was performed. The duty to restore stays open."""
    row = _of_court(session, actor, case_id)
    _move(row, Status.CONFIRMED)
    _note(session, actor, row, "confirm", {})
    return row


def _of_court(session: Session, actor: Actor, case_id: int) -> CourtCase:
    actor.require(Role.COURT)
    row = locked(session, case_id)
    if row.court_id != actor.party_id:
        raise NotFound("没有这个案件。", code="case")
    return row


def _of_appraiser(session: Session, actor: Actor, case_id: int) -> CourtCase:
    actor.require(Role.APPRAISER)
    row = locked(session, case_id)
    if row.appraiser_id != actor.party_id:
        raise NotFound("没有委托给本机构的这个案件。", code="case")
    return row


def _move(row: CourtCase, to: Status) -> None:
    if NEXT.get(Status(row.status)) != to:
        raise Conflict(
            f"案件现为“{STATUS_ZH[Status(row.status)]}”，不能办理“{STATUS_ZH[to]}”。", code="step"
        )
    row.status = to


def _note(
    session: Session, actor: Actor, row: CourtCase, action: str, detail: dict[str, Any]
) -> None:
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

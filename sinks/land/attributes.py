"""Attributes of a parcel that carry evidence: tea certification, land class, standing of a wetland.

Each is dated, filed with its document by one officer and accepted by another; a new one ends the
one before. They say whether a parcel may be credited (`eligibility.py`), and are never credits
themselves: 生态低碳茶 (T/CTSS 64-2023) is a certificate of the garden, not a tonne.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, documents
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, today
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted
from sinks.land import marks, parcels
from sinks.land.lineage import Succession
from sinks.land.parcels import SinkType

TEA_STANDARD = "T/CTSS 64-2023 生态低碳茶生产技术规范"


class AttributeKind(StrEnum):
    TEA_CERTIFICATION = "tea_certification"
    LAND_CLASS = "land_class"
    WETLAND = "wetland"


KIND_ZH = {
    AttributeKind.TEA_CERTIFICATION: "生态低碳茶认证",
    AttributeKind.LAND_CLASS: "地类（国土三调）",
    AttributeKind.WETLAND: "湿地名录",
}


class Wetness(StrEnum):
    """What a class of land means for a wetland sink."""

    WETLAND = "wetland"
    COASTAL = "coastal"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class LandClass:
    """A class of the third national land survey.

    wetness : whether a wetland sink may lie on it; why : the reason where it may not
    """

    code: str
    name: str
    wetness: Wetness
    why: str = ""


PADDY = "湿地保护法第二条：水田不是湿地。请按农田申报。"
POND = (
    "湿地保护法第二条：用于养殖的人工水域不是湿地；登记簿不把坑塘作为湿地碳汇，也不从耕地和坑塘认定湿地"
    "（占补平衡规则 R8）。"
)
DRY = "不是积水地带，不是湿地（湿地保护法第二条）。"
COAST = "滨海湿地，湖州没有，登记簿没有适用的方法学（CCER-14-002 至 004 另有规定）。"
# The 13 wetland types of 浙江省湿地保护条例 (revised, in force 2026-02-02), with the codes of the
# working classification of the third national land survey (TD/T 1055-2019, table 1), and what lies
# beside them: 水田 and 坑塘 are water to the eye and no wetland to the law.
LAND_CLASSES: Mapping[str, LandClass] = MappingProxyType(
    {
        one.code: one
        for one in (
            LandClass("0303", "红树林地", Wetness.COASTAL, COAST),
            LandClass("0304", "森林沼泽", Wetness.WETLAND),
            LandClass("0306", "灌丛沼泽", Wetness.WETLAND),
            LandClass("0402", "沼泽草地", Wetness.WETLAND),
            LandClass("1105", "沿海滩涂", Wetness.COASTAL, COAST),
            LandClass("1106", "内陆滩涂", Wetness.WETLAND),
            LandClass("1108", "沼泽地", Wetness.WETLAND),
            LandClass("1101", "河流水面", Wetness.WETLAND),
            LandClass("1102", "湖泊水面", Wetness.WETLAND),
            LandClass("1103", "水库水面", Wetness.WETLAND),
            LandClass("1104", "坑塘水面", Wetness.NEVER, POND),
            LandClass("1107", "沟渠", Wetness.WETLAND),
            LandClass("QH", "浅海水域", Wetness.COASTAL, COAST),
            LandClass("0101", "水田", Wetness.NEVER, PADDY),
            LandClass("0102", "水浇地", Wetness.NEVER, DRY),
            LandClass("0103", "旱地", Wetness.NEVER, DRY),
            LandClass("0202", "茶园", Wetness.NEVER, DRY),
            LandClass("0301", "乔木林地", Wetness.NEVER, DRY),
            LandClass("0302", "竹林地", Wetness.NEVER, DRY),
            LandClass("0305", "灌木林地", Wetness.NEVER, DRY),
            LandClass("0307", "其他林地", Wetness.NEVER, DRY),
        )
    }
)
WETLAND_TYPES = tuple(
    code for code, one in LAND_CLASSES.items()
    if one.wetness != Wetness.NEVER or code == "1104"
)  # fmt: skip
# 湿地保护法 14: important wetlands are national (international ones are listed among them) or
# provincial; the rest is general.
TIERS = MappingProxyType(
    {"national": "国家重要湿地", "provincial": "省级重要湿地", "general": "一般湿地"}
)


class ParcelAttribute(Base):
    """One attribute between two days [valid_from, valid_to), with the paper that shows it."""

    __tablename__ = "parcel_attribute"
    __table_args__ = (
        CheckConstraint("kind in ('tea_certification','land_class','wetland')", name="kind"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="period"),
        CheckConstraint("reviewed_by_id <> recorded_by_id", name="second_officer"),
        CheckConstraint("not (reviewed_at is not null and refused_at is not null)", name="decided"),
        Index(
            "parcel_attribute_one_open", "parcel_id", "kind", unique=True,
            postgresql_where=text(
                "reviewed_at is null and refused_at is null and succession_id is null"
            ),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), index=True)
    kind: Mapped[str]
    value: Mapped[dict[str, Any]]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    refused_reason: Mapped[str | None]
    # The split or merge by which it was taken over from the parents, with their evidence.
    succession_id: Mapped[int | None] = mapped_column(ForeignKey(Succession.id))


def record(
    session: Session,
    actor: Actor,
    *,
    parcel_id: int,
    kind: str,
    value: Mapping[str, Any],
    valid_from: date,
    valid_to: date | None = None,
    document_name: str,
    document: bytes,
) -> ParcelAttribute:
    """File an attribute with its evidence; it counts when another officer has accepted it.

    value
        tea_certification: number, body. land_class: code of `LAND_CLASSES`. wetland: legal_wetland
        (bool), tier (`TIERS`, None where it is no legal wetland), list_no (of the list it is on).

    Raises
    ------
    Invalid
        A value that the kind cannot have, or that contradicts the type of the parcel: a paddy or
        a pond is never a wetland.
    Conflict
        One of this kind waits for its review already.
    """
    actor.require(Role.OFFICER)
    if kind not in list(AttributeKind):
        raise Invalid("请选择属性的种类。", code="attribute_kind")
    if valid_to is not None and valid_to <= valid_from:
        raise Invalid("有效期的终止日应晚于起始日。", code="term")
    parcel = parcels.locked(session, parcel_id)
    checked = _checked(session, AttributeKind(kind), value, parcel, valid_to)
    waiting = session.scalar(
        select(ParcelAttribute.id).where(
            ParcelAttribute.parcel_id == parcel_id, ParcelAttribute.kind == kind,
            ParcelAttribute.reviewed_at.is_(None), ParcelAttribute.refused_at.is_(None),
        )
    )  # fmt: skip
    if waiting is not None:
        raise Conflict("已有一条同类属性等待复核，请先办结。", code="attribute_waiting")
    filed = documents.file(
        session, actor, kind=f"attribute_{kind}", name=document_name, content=document,
        subject=f"attribute:{parcel_id}",
    )  # fmt: skip
    row = ParcelAttribute(
        parcel_id=parcel_id,
        kind=kind,
        value=checked,
        valid_from=valid_from,
        valid_to=valid_to,
        document_id=filed.id,
        recorded_by_id=actor.person_id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, actor, "attribute.record", f"parcel:{parcel_id}",
        {"id": row.id, "kind": kind, "value": checked},
    )  # fmt: skip
    return row


def _checked(
    session: Session,
    kind: AttributeKind,
    value: Mapping[str, Any],
    parcel: parcels.Parcel,
    valid_to: date | None,
) -> dict[str, Any]:
    match kind:
        case AttributeKind.TEA_CERTIFICATION:
            return _tea(value, parcel, valid_to)
        case AttributeKind.LAND_CLASS:
            return _land_class(value, parcel)
        case AttributeKind.WETLAND:
            return _wetland(session, value, parcel)


def _tea(value: Mapping[str, Any], parcel: parcels.Parcel, valid_to: date | None) -> dict[str, Any]:
    if parcel.sink_type != SinkType.TEA:
        raise Invalid("生态低碳茶认证只能记在茶园上。", code="not_tea")
    number, body = str(value.get("number") or "").strip(), str(value.get("body") or "").strip()
    if not number or not body:
        raise Invalid("请填写认证证书编号和认证机构。", code="certification")
    if valid_to is None:
        raise Invalid("认证有期限，请填写有效期的终止日。", code="term")
    return {"number": number[:100], "body": body[:100], "standard": TEA_STANDARD}


def _land_class(value: Mapping[str, Any], parcel: parcels.Parcel) -> dict[str, Any]:
    found = LAND_CLASSES.get(str(value.get("code") or "").upper())
    if found is None:
        raise Invalid(
            f"没有这个地类。可选：{'、'.join(f'{c} {o.name}' for c, o in LAND_CLASSES.items())}。",
            code="land_class",
        )
    if parcel.sink_type == SinkType.WETLAND and found.wetness != Wetness.WETLAND:
        raise Invalid(
            f"地块 {parcel.code} 申报为湿地，地类却是{found.name}：{found.why}", code="not_wetland"
        )
    return {"code": found.code, "name": found.name}


def _wetland(session: Session, value: Mapping[str, Any], parcel: parcels.Parcel) -> dict[str, Any]:
    legal, tier = value.get("legal_wetland"), value.get("tier")
    if not isinstance(legal, bool):
        raise Invalid("请写明是否列入湿地名录。", code="legal_wetland")
    if not legal:
        if tier:
            raise Invalid("未列入名录的地块没有湿地等级。", code="tier")
        return {"legal_wetland": False, "tier": None, "list_no": None}
    known = present(session, parcel.id).get(AttributeKind.LAND_CLASS)
    found = LAND_CLASSES[known.value["code"]] if known else None
    if found is not None and found.wetness != Wetness.WETLAND:
        raise Invalid(f"地类是{found.name}，不能记为湿地：{found.why}", code="not_wetland")
    if tier not in TIERS:
        raise Invalid(f"湿地等级只能是：{'、'.join(TIERS.values())}。", code="tier")
    list_no = str(value.get("list_no") or "").strip()
    if not list_no:
        raise Invalid("请填写名录的名称和编号。", code="list_no")
    return {"legal_wetland": True, "tier": tier, "list_no": list_no[:100]}


def said(kind: AttributeKind, value: Mapping[str, Any]) -> str:
    """An attribute in words, for a list."""
    match kind:
        case AttributeKind.TEA_CERTIFICATION:
            return f"{value['number']}，{value['body']}"
        case AttributeKind.LAND_CLASS:
            return f"{value['code']} {value['name']}"
        case AttributeKind.WETLAND:
            if not value["legal_wetland"]:
                return "未列入湿地名录"
            return f"{TIERS[value['tier']]}，{value['list_no']}"


def review(session: Session, actor: Actor, attribute_id: int) -> None:
    """A second officer accepts an attribute; the one in force before ends where it begins.

    Raises
    ------
    NotPermitted
        Whoever filed it.
    """
    row = _waiting(session, actor, attribute_id)
    before = session.scalar(
        select(ParcelAttribute)
        .where(
            ParcelAttribute.parcel_id == row.parcel_id, ParcelAttribute.kind == row.kind,
            ParcelAttribute.reviewed_at.is_not(None),
            ParcelAttribute.valid_to.is_(None) | (ParcelAttribute.valid_to > row.valid_from),
        )
        .order_by(ParcelAttribute.valid_from.desc())
        .limit(1)
        .with_for_update()
    )  # fmt: skip
    if before is not None:
        if before.valid_from >= row.valid_from:
            raise Conflict(
                f"已有一条自 {before.valid_from} 起有效的同类属性，新的须在其后。", code="backwards"
            )
        before.valid_to = row.valid_from
    row.reviewed_by_id, row.reviewed_at = actor.person_id, now(session)
    marks.settle(
        session, actor, row.parcel_id, f"inherit_{row.kind}",
        f"已复核录入：{said(AttributeKind(row.kind), row.value)}",
    )  # fmt: skip
    session.flush()
    audit.record(
        session, actor, "attribute.review", f"parcel:{row.parcel_id}",
        {"id": row.id, "kind": row.kind},
    )  # fmt: skip


def refuse(session: Session, actor: Actor, attribute_id: int, reason: str) -> None:
    """A second officer turns an attribute down, with the reason; it is kept and never counts."""
    row = _waiting(session, actor, attribute_id)
    if not reason.strip():
        raise Invalid("请写明不予认可的原因。", code="reason")
    row.refused_at, row.refused_reason = now(session), reason.strip()
    session.flush()
    audit.record(
        session, actor, "attribute.refuse", f"parcel:{row.parcel_id}",
        {"id": row.id, "kind": row.kind, "reason": reason.strip()},
    )  # fmt: skip


def _waiting(session: Session, actor: Actor, attribute_id: int) -> ParcelAttribute:
    """The attribute that waits, if this person may decide on it."""
    actor.require(Role.OFFICER)
    row = session.get(ParcelAttribute, attribute_id, with_for_update=True, populate_existing=True)
    if row is None or row.reviewed_at or row.refused_at:
        raise NotFound("没有这条待复核的属性。", code="attribute")
    if row.recorded_by_id == actor.person_id:
        raise NotPermitted("录入的人不能复核，须由另一位林业员办理。", code="two_people")
    return row


def of_parcel(session: Session, parcel_id: int) -> list[ParcelAttribute]:
    """Every attribute of a parcel, newest first."""
    query = select(ParcelAttribute).where(ParcelAttribute.parcel_id == parcel_id)
    return list(session.scalars(query.order_by(ParcelAttribute.id.desc())))


def present(
    session: Session, parcel_id: int, on: date | None = None
) -> dict[AttributeKind, ParcelAttribute]:
    """The accepted attributes in force on a day (today if none is given), by kind."""
    return present_of(session, [parcel_id], on).get(parcel_id, {})


def present_of(
    session: Session, parcel_ids: list[int], on: date | None = None
) -> dict[int, dict[AttributeKind, ParcelAttribute]]:
    """The accepted attributes in force on a day, of several parcels."""
    day = on or today(session)
    query = select(ParcelAttribute).where(
        ParcelAttribute.parcel_id.in_(parcel_ids),
        ParcelAttribute.reviewed_at.is_not(None),
        ParcelAttribute.valid_from <= day,
        ParcelAttribute.valid_to.is_(None) | (ParcelAttribute.valid_to > day),
    )
    found: dict[int, dict[AttributeKind, ParcelAttribute]] = {}
    for row in session.scalars(query.order_by(ParcelAttribute.valid_from)):
        found.setdefault(row.parcel_id, {})[AttributeKind(row.kind)] = row
    return found

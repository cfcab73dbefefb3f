"""The history of a parcel: everything that happened to it in one line of time, as plain values.

Put together from the rows themselves (outlines, rights, claims, contracts, rounds, credits, cases,
splits and merges); the steps come from the audit log. Names of holders are masked unless the caller
says that this person works with them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cooperative.contracts import Contract, ContractParcel
from sinks.core import audit
from sinks.core.people import Party, PartyKind, masked
from sinks.crediting import issuance
from sinks.crediting.rounds import STATUS_ZH as ROUND_STATUS_ZH
from sinks.crediting.rounds import MonitoringRound, RoundParcel
from sinks.crediting.rounds import Status as RoundStatus
from sinks.land import overlap_cases, parcels, rights, succession
from sinks.land.claims import LandClaim
from sinks.land.marks import ParcelMark
from sinks.land.parcels import Parcel, ParcelVersion, Status
from sinks.measurement.runs import Run, RunParcel

# The pools that a credit can name, of `programme_claims.POOLS`.
POOL_ZH = MappingProxyType(
    {
        "biomass": "生物质",
        "dead_wood": "枯死木",
        "litter": "枯落物",
        "soil": "土壤",
        "wood_products": "木产品",
        "non_co2": "非二氧化碳气体",
        "all": "各碳库与气体合计",
    }
)
STEPS_ZH = MappingProxyType(
    {
        "parcel.create": "建立地块",
        "parcel.draft": "退回草稿",
        "parcel.expired": "入库失效：未在期限内签合同或核算",
        "transfer.propose": "录入权属转移，待复核",
        "transfer.accept": "权属转移复核通过",
        "transfer.refuse": "权属转移未通过",
        "claim.cover": "占用前移至监测期起始日",
        "right.remove": "删去一项未审的权属",
        "shape.take": "边界取自县图",
        "consent.record": "录入集体同意",
        "consent.retract": "撤回集体同意",
        "attribute.record": "录入属性，待复核",
        "attribute.review": "属性复核通过",
        "attribute.refuse": "属性不予认可",
        "attribute.take_over": "承接属性，待复核",
        "consent.take_over": "承接集体同意",
        "project.leave": "退出项目",
        parcels.CONTRACT_LEFT: "收储合同终止",
        **{
            f"parcel.{status}": parcels.STATUS_ZH[status]
            for status in Status
            if status != Status.DRAFT
        },
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a parcel.

    at : when it was written down; on : the day it is about, where that is another matter
    kind : outline, step, right, claim, contract, round, credit, mark, case, succession
    text : in Chinese; code, values : the same for whoever puts it in other words
    subject : what to look at for more, e.g. ``round:3``
    """

    at: datetime
    kind: str
    text: str
    on: date | None = None
    subject: str | None = None
    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def history(session: Session, parcel_id: int, *, names: bool) -> list[Event]:
    """Everything about a parcel, oldest first.

    names : whether this person reads the names of households
    """
    events = [
        event
        for part in (
            _outlines,
            _steps,
            _claims,
            _contracts,
            _rounds,
            _credits,
            _marks,
            _cases,
            _kin,
        )
        for event in part(session, parcel_id)
    ]
    events += _rights(session, parcel_id, names=names)
    return sorted(events, key=lambda event: event.at)


def _outlines(session: Session, parcel_id: int) -> Iterator[Event]:
    query = select(ParcelVersion).where(ParcelVersion.parcel_id == parcel_id)
    for number, row in enumerate(session.scalars(query.order_by(ParcelVersion.valid_from)), 1):
        yield Event(
            row.valid_from, "outline",
            f"第 {number} 版边界，{row.area_m2:,.1f} 平方米，来源：{row.source_name}，"
            f"指纹 {row.geometry_sha256[:12]}",
            code="outline",
            values={"number": number, "area_m2": row.area_m2, "source": row.source_name,
                    "sha256": row.geometry_sha256[:12]},
        )  # fmt: skip


def _steps(session: Session, parcel_id: int) -> Iterator[Event]:
    for event in audit.history(session, f"parcel:{parcel_id}"):
        if words := STEPS_ZH.get(event.action):
            yield Event(
                event.at, "step", words + _why(event.detail), code=event.action,
                values=event.detail,
            )  # fmt: skip


def _why(detail: dict[str, Any]) -> str:
    said = [str(detail["reason"])] if detail.get("reason") else []
    if detail.get("from"):
        said.append(f"承接 {'、'.join(detail['from'])}")
    if detail.get("said"):
        said.append(str(detail["said"]))
    if detail.get("starts_on"):
        said.append(str(detail["starts_on"]))
    return f"（{'；'.join(said)}）" if said else ""


def _rights(session: Session, parcel_id: int, *, names: bool) -> Iterator[Event]:
    for row, party in rights.ever_on(session, parcel_id):
        holder = _name(party, names)
        kind = rights.RIGHT_ZH[rights.RightKind(row.kind)]
        share = "" if row.share == 1 else f"，份额 {row.share.normalize():f}"
        ended = f"，{row.ended_on} 终止" if row.ended_on else ""
        yield Event(
            row.recorded_at, "right",
            f"{holder} 的{kind}{share}，{row.certificate_no}{ended}", row.term_from, code="right",
            values={"holder": holder, "kind": row.kind, "share": row.share,
                    "certificate_no": row.certificate_no, "ended_on": row.ended_on},
        )  # fmt: skip
        if row.reviewed_at:
            yield Event(
                row.reviewed_at, "right", f"{holder} 的{kind}已审", code="right_reviewed",
                values={"holder": holder, "kind": row.kind},
            )  # fmt: skip


def _name(party: Party, names: bool) -> str:
    return party.name if names or party.kind != PartyKind.HOUSEHOLD else masked(party.name)


def _claims(session: Session, parcel_id: int) -> Iterator[Event]:
    row = session.get(LandClaim, parcel_id)
    if row is not None:
        until = f"至 {row.ends_on}" if row.ends_on else "，持续中"
        yield Event(
            row.recorded_at, "claim",
            f"土地占用自 {row.starts_on} {until}，可计入面积 {row.creditable_area_m2:,.1f} 平方米",
            row.starts_on, code="claim",
            values={"starts_on": row.starts_on, "ends_on": row.ends_on,
                    "area_m2": row.creditable_area_m2},
        )  # fmt: skip


def _contracts(session: Session, parcel_id: int) -> Iterator[Event]:
    found = session.execute(
        select(Contract, ContractParcel.standing)
        .join(ContractParcel, ContractParcel.contract_id == Contract.id)
        .where(ContractParcel.parcel_id == parcel_id)
    )
    for row, standing in found:
        ended = f"已于 {row.ended_on} 终止：{row.end_reason}" if row.ended_on else ""
        state = "有效" if standing else ended or "未签或已不覆盖本地块"
        yield Event(
            row.recorded_at, "contract",
            f"收储合同 {row.number}，{row.term_from} 至 {row.term_to}（{state}）",
            row.signed_on, f"contract:{row.id}", "contract",
            {"number": row.number, "term_from": row.term_from, "term_to": row.term_to,
             "standing": standing, "ended_on": row.ended_on, "end_reason": row.end_reason},
        )  # fmt: skip


def _rounds(session: Session, parcel_id: int) -> Iterator[Event]:
    frozen = session.scalars(
        select(MonitoringRound)
        .join(RoundParcel, RoundParcel.round_id == MonitoringRound.id)
        .where(RoundParcel.parcel_id == parcel_id)
    )
    for row in frozen:
        yield Event(
            row.recorded_at, "round",
            f"计入监测期 {row.period_start} 至 {row.period_end}，现为"
            f"“{ROUND_STATUS_ZH[RoundStatus(row.status)]}”",
            row.period_start, f"round:{row.id}", "round",
            {"start": row.period_start, "end": row.period_end, "status": row.status},
        )  # fmt: skip
    measured = session.execute(
        select(Run.recorded_at, Run.round_id, RunParcel.co2_t)
        .join(RunParcel, RunParcel.run_id == Run.id)
        .where(RunParcel.parcel_id == parcel_id)
    )
    for at, round_id, co2_t in measured:
        yield Event(
            at, "round", f"核算分得 {co2_t:,.3f} 吨 CO2e", subject=f"round:{round_id}",
            code="measured", values={"co2_t": co2_t},
        )  # fmt: skip


def _credits(session: Session, parcel_id: int) -> Iterator[Event]:
    for credit in issuance.credits_of_parcel(session, parcel_id):
        issued = session.get_one(MonitoringRound, credit.round_id)
        if issued.issued_at is not None:
            yield Event(
                issued.issued_at, "credit",
                f"{credit.vintage} 年份签发 {credit.amount_kg:,} 千克 CO2e（{POOL_ZH[credit.pool]}）",
                subject=f"round:{credit.round_id}", code="credit",
                values={"vintage": credit.vintage, "amount_kg": credit.amount_kg,
                        "pool": credit.pool},
            )  # fmt: skip


def _marks(session: Session, parcel_id: int) -> Iterator[Event]:
    for mark in session.scalars(select(ParcelMark).where(ParcelMark.parcel_id == parcel_id)):
        other = session.get(Parcel, mark.other_parcel_id) if mark.other_parcel_id else None
        values = {
            "mark": mark.code, "message": mark.message, "area_m2": mark.area_m2,
            "other": other.code if other else None, "reason": mark.closed_reason,
        }  # fmt: skip
        yield Event(
            mark.recorded_at, "mark", f"存疑：{mark.message}", code="mark", values=values
        )  # fmt: skip
        if mark.closed_at:
            yield Event(
                mark.closed_at, "mark", f"存疑消除：{mark.message}（{mark.closed_reason}）",
                code="mark_closed", values=values,
            )  # fmt: skip


def _cases(session: Session, parcel_id: int) -> Iterator[Event]:
    for case in overlap_cases.of_parcel(session, parcel_id):
        words = f"第 {case.id} 号重叠争议（{overlap_cases.KIND_ZH[case.kind]}）"
        values = {"id": case.id, "kind": case.kind, "outcome": case.outcome,
                  "reason": case.decision_reason}  # fmt: skip
        yield Event(
            case.recorded_at, "case", f"{words}开立", subject=f"overlap:{case.id}", code="case",
            values=values,
        )  # fmt: skip
        if case.decided_at and case.outcome:
            yield Event(
                case.decided_at, "case",
                f"{words}决定：{overlap_cases.OUTCOME_ZH[case.outcome]}（{case.decision_reason}）",
                subject=f"overlap:{case.id}", code="case_decided", values=values,
            )  # fmt: skip


def _kin(session: Session, parcel_id: int) -> Iterator[Event]:
    for row, side, words in (
        (succession.made_by(session, parcel_id), "parent", "由 {codes} {kind}而来"),
        (succession.ended_by(session, parcel_id), "child", "{kind}为 {codes}"),
    ):
        if row is None:
            continue
        ids = succession.of_side(session, row.id, side)
        codes = "、".join(session.scalars(select(Parcel.code).where(Parcel.id.in_(ids))))
        kind = succession.KIND_ZH[succession.Kind(row.kind)]
        yield Event(
            row.recorded_at, "succession", f"{words.format(codes=codes, kind=kind)}：{row.reason}",
            subject=f"succession:{row.id}", code="succession",
            values={"side": side, "codes": codes, "kind": row.kind, "reason": row.reason},
        )  # fmt: skip
        if row.reviewed_at:
            yield Event(
                row.reviewed_at, "succession", f"{kind}后的权属已复核", code="succession_reviewed",
                values={"kind": row.kind},
            )  # fmt: skip

"""The balance of a cooperative: one line a contract, from mu to what is held and retired.

Each line explains its own zero: why there is land and no measurement, a measurement and no credit.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from sinks.cooperative import contracts
from sinks.cooperative.contracts import Contract, ContractParcel
from sinks.core.people import Party
from sinks.crediting.issuance import ParcelCredit
from sinks.crediting.ledger import BLOCK_UNITS, Account, AccountKind, Batch, Block, BlockState
from sinks.crediting.projects import Project
from sinks.crediting.rounds import MonitoringRound, RoundParcel
from sinks.crediting.rounds import Status as RoundStatus
from sinks.land.parcels import ParcelVersion
from sinks.measurement.runs import Run, RunParcel

VERIFIED = (RoundStatus.VERIFIED, RoundStatus.RECORDED, RoundStatus.ISSUED)
RECORDED = (RoundStatus.RECORDED, RoundStatus.ISSUED)


@dataclass(frozen=True, slots=True)
class Line:
    """One contract [m2, kg CO2e]. ``estimate_kg`` is never summed with the others.

    measured, verified, recorded : what the rounds' runs give its parcels after deduction and
    buffer; issued : credited to its parcels; held, reserved, retired : units with its serials;
    remainder : below one unit. ``why`` explains the first zero.
    """

    contract_id: int | None
    number: str
    counterparty: str
    status: str
    area_m2: float
    estimate_kg: int
    measured_kg: int
    verified_kg: int
    recorded_kg: int
    issued_kg: int
    held_kg: int
    reserved_kg: int
    retired_kg: int
    remainder_kg: int
    why: str
    account_id: int | None


def lines(session: Session, party_id: int) -> list[Line]:
    """The balance of a party: its contracts, newest first, then its land without a contract."""
    found = [
        _line(session, contract, counterparty)
        for contract, counterparty in contracts.listing(session, party_id=party_id)
    ]
    own = _own_line(session, party_id)
    return [*found, own] if own else found


def _own_line(session: Session, party_id: int) -> Line | None:
    """What was issued on land of the party's projects that no contract covers; None if nothing."""
    credits = list(
        session.scalars(
            select(ParcelCredit)
            .join(MonitoringRound, MonitoringRound.id == ParcelCredit.round_id)
            .join(Project, Project.id == MonitoringRound.project_id)
            .where(Project.owner_id == party_id, ParcelCredit.contract_id.is_(None))
        )
    )
    if not credits:
        return None
    parcel_ids = sorted({credit.parcel_id for credit in credits})
    area_m2 = _area_m2(session, parcel_ids)
    holding = session.scalar(_uncontracted(AccountKind.HOLDING, party_id))
    states = _kg_by_state(session, holding.id) if holding else {}
    remainders = session.scalars(_uncontracted(AccountKind.REMAINDER, party_id))
    issued_kg = sum(credit.amount_kg for credit in credits)
    return Line(
        contract_id=None,
        number="未签合同的项目地块",
        counterparty="",
        status="",
        area_m2=area_m2,
        estimate_kg=0,
        measured_kg=_run_kg(session, parcel_ids, tuple(RoundStatus)),
        verified_kg=_run_kg(session, parcel_ids, VERIFIED),
        recorded_kg=_run_kg(session, parcel_ids, RECORDED),
        issued_kg=issued_kg,
        held_kg=states.get(BlockState.HELD, 0),
        reserved_kg=states.get(BlockState.RESERVED, 0),
        retired_kg=states.get(BlockState.RETIRED, 0),
        remainder_kg=sum(account.balance_kg for account in remainders),
        why="",
        account_id=holding.id if holding else None,
    )


def _uncontracted(kind: AccountKind, party_id: int) -> Select[Account]:
    """A party's accounts outside every contract."""
    return select(Account).where(
        Account.kind == kind, Account.party_id == party_id, Account.contract_id.is_(None)
    )


def _area_m2(session: Session, parcel_ids: list[int]) -> float:
    total = session.scalar(
        select(func.sum(ParcelVersion.area_m2)).where(
            ParcelVersion.parcel_id.in_(parcel_ids), ParcelVersion.valid_to.is_(None)
        )
    )
    return float(total or 0.0)


def _line(session: Session, contract: Contract, counterparty: Party) -> Line:
    parcel_ids = [member.parcel_id for member in contracts.members(session, contract.id)]
    measured = {
        name: _run_kg(session, parcel_ids, statuses, contract.id)
        for name, statuses in (("any", tuple(RoundStatus)), ("ver", VERIFIED), ("rec", RECORDED))
    }
    issued_kg = session.scalar(
        select(func.sum(ParcelCredit.amount_kg)).where(ParcelCredit.contract_id == contract.id)
    )
    account = session.scalar(
        select(Account).where(
            Account.kind == AccountKind.HOLDING, Account.contract_id == contract.id
        )
    )
    states = _kg_by_state(session, account.id) if account else {}
    remainder_kg = session.scalar(
        select(func.sum(Account.balance_kg)).where(
            Account.kind == AccountKind.REMAINDER, Account.contract_id == contract.id
        )
    )
    return Line(
        contract_id=contract.id,
        number=contract.number,
        counterparty=counterparty.name,
        status=contract.status,
        area_m2=_area_m2(session, parcel_ids),
        estimate_kg=contract.estimate_kg,
        measured_kg=measured["any"],
        verified_kg=measured["ver"],
        recorded_kg=measured["rec"],
        issued_kg=int(issued_kg or 0),
        held_kg=states.get(BlockState.HELD, 0),
        reserved_kg=states.get(BlockState.RESERVED, 0),
        retired_kg=states.get(BlockState.RETIRED, 0),
        remainder_kg=int(remainder_kg or 0),
        why=_why(session, contract, parcel_ids, measured, int(issued_kg or 0)),
        account_id=account.id if account else None,
    )


def _run_kg(
    session: Session,
    parcel_ids: list[int],
    statuses: tuple[RoundStatus, ...],
    contract_id: int | None = None,
) -> int:
    """Kilograms that the submitted (or newest) runs of rounds in these states give the parcels; of
    the days of one contract, if named."""
    query = (
        select(func.sum(RunParcel.issuable_kg))
        .join(MonitoringRound, MonitoringRound.run_id == RunParcel.run_id)
        .where(RunParcel.parcel_id.in_(parcel_ids), MonitoringRound.status.in_(statuses))
    )
    if contract_id is not None:
        query = query.where(_of_contract(RunParcel.parcel_id, contract_id))
    return int(session.scalar(query) or 0)


def _of_contract(parcel_id: InstrumentedAttribute[int], contract_id: int) -> ColumnElement[bool]:
    """Whether the contract held the parcel for all days of the round: a parcel may have been under
    another before it and after it."""
    return (
        select(ContractParcel.parcel_id)
        .where(
            ContractParcel.contract_id == contract_id,
            ContractParcel.parcel_id == parcel_id,
            ContractParcel.period.contains(
                func.daterange(MonitoringRound.period_start, MonitoringRound.period_end)
            ),
        )
        .exists()
    )


def _kg_by_state(session: Session, origin_id: int) -> dict[str, int]:
    """Kilograms by state of every live block that was issued to this account."""
    rows = session.execute(
        select(
            Block.state,
            func.sum(BLOCK_UNITS * Batch.unit_kg),
        )
        .join(Batch, Batch.id == Block.batch_id)
        .where(Block.origin_id == origin_id, Block.live)
        .group_by(Block.state)
    )
    return {state: int(amount_kg) for state, amount_kg in rows}


def _why(
    session: Session,
    contract: Contract,
    parcel_ids: list[int],
    measured: dict[str, int],
    issued_kg: int,
) -> str:
    """The next thing that is missing, in words; empty when units are held."""
    if contract.status == contracts.Status.DRAFTED:
        return "合同尚未签订"
    rounds_seen = list(
        session.scalars(
            select(MonitoringRound)
            .join(RoundParcel, RoundParcel.round_id == MonitoringRound.id)
            .where(
                RoundParcel.parcel_id.in_(parcel_ids),
                _of_contract(RoundParcel.parcel_id, contract.id),
            )
            .distinct()
        )
    )
    if not rounds_seen:
        return "地块尚未进入任何监测期"
    if all(row.run_id is None for row in rounds_seen):
        return "监测期已开启，尚未核算"
    if measured["any"] == 0:
        return _why_nothing(session, rounds_seen)
    if measured["ver"] == 0:
        return "已核算，等待公示和核证"
    if measured["rec"] == 0:
        return "已核证，等待主管部门备案"
    if issued_kg == 0:
        return "已备案，等待登记机构签发"
    return ""


def _why_nothing(session: Session, rounds_seen: list[MonitoringRound]) -> str:
    """Why a measured round gives these parcels nothing, in the method's own words."""
    for row in rounds_seen:
        run = session.get(Run, row.run_id) if row.run_id else None
        if run is not None:
            said = run.result["refusals"] + run.result["warnings"]
            if said:
                return "扣减不确定性后为零：" + said[0]["message"]
    return "扣减不确定性后为零"

"""Which enrolled parcels a cooperative can collect, and from whom."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cooperative.contracts import Contract, ContractParcel
from sinks.core.people import Party
from sinks.land.parcels import Parcel, ParcelVersion, Status
from sinks.land.rights import ParcelRight


@dataclass(frozen=True, slots=True)
class Collectable:
    """An enrolled parcel that a counterparty with a reviewed right can bring into a contract.

    ``drafted_in`` is the number of a drafted contract that names it already, or None.
    """

    party_id: int
    party_name: str
    parcel_id: int
    code: str
    name: str
    area_m2: float
    drafted_in: str | None


def collectable(session: Session) -> list[Collectable]:
    """Every (counterparty, parcel) a contract could be drafted over, by name and code."""
    drafted: dict[int, str] = {
        parcel_id: number
        for parcel_id, number in session.execute(
            select(ContractParcel.parcel_id, Contract.number)
            .join(Contract, Contract.id == ContractParcel.contract_id)
            .where(Contract.status == "drafted")
        )
    }
    rows = session.execute(
        select(Party.id, Party.name, Parcel.id, Parcel.code, Parcel.name, ParcelVersion.area_m2)
        .join(ParcelRight, ParcelRight.party_id == Party.id)
        .join(Parcel, Parcel.id == ParcelRight.parcel_id)
        .join(ParcelVersion, ParcelVersion.parcel_id == Parcel.id)
        .where(
            ParcelRight.reviewed_at.is_not(None),
            ParcelRight.ended_on.is_(None),
            Parcel.status == Status.ENROLLED,
            ParcelVersion.valid_to.is_(None),
        )
        .distinct()
        .order_by(Party.name, Parcel.code)
    )
    return [Collectable(*row, drafted.get(row[2])) for row in rows]

"""What people call a thing: a parcel by its code, a person by the login; the id is taken as well."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.cooperative.contracts import Contract
from sinks.core.errors import Invalid, NotFound
from sinks.core.people import Party, Person
from sinks.crediting import projects
from sinks.land.parcels import Parcel
from sinks.restoration import case_number
from sinks.restoration.cases import CourtCase


def parcel_id(session: Session, name: str) -> int:
    """The id of a parcel from its code (330523-ZL-000012) or its id."""
    wanted = name.strip()
    column = Parcel.id == int(wanted) if _is_id(wanted) else Parcel.code == wanted.upper()
    found = session.scalar(select(Parcel.id).where(column))
    if found is None:
        raise NotFound(f"没有地块 {wanted}。", code="parcel")
    return found


def project_id(session: Session, name: str) -> int:
    """The id of a project from its code (HZ-330523-ZL-000007) or its id."""
    wanted = name.strip()
    for row, _ in projects.listing(session):
        if wanted.upper() == row.code or wanted == str(row.id):
            return row.id
    raise NotFound(f"没有项目 {wanted}。", code="project")


def contract_id(session: Session, name: str) -> int:
    """The id of a contract from its number or its id."""
    wanted = name.strip()
    found = session.scalar(select(Contract.id).where(Contract.number == wanted))
    if found is None and _is_id(wanted):
        found = session.scalar(select(Contract.id).where(Contract.id == int(wanted)))
    if found is None:
        raise NotFound(f"没有合同 {wanted}。", code="contract")
    return found


def case_id(session: Session, name: str) -> int:
    """The id of a court case from its number or its id, among those this person takes part in."""
    wanted = name.strip()
    if _is_id(wanted):
        column = CourtCase.id == int(wanted)
    else:
        column = CourtCase.case_no == case_number.parse(wanted).text
    found = list(session.scalars(select(CourtCase.id).where(column)))
    if not found:
        raise NotFound(f"没有案件 {wanted}。", code="case")
    if len(found) > 1:
        raise Invalid(f"有 {len(found)} 个法院的案件用同一案号，请改用案件编号 id。", code="case")
    return found[0]


def person_id(session: Session, name: str) -> int:
    """The id of a person from the login or the id."""
    wanted = name.strip()
    column = Person.id == int(wanted) if _is_id(wanted) else Person.login == wanted
    found = session.scalar(select(Person.id).where(column))
    if found is None:
        raise NotFound(f"没有账号 {wanted}。", code="person")
    return found


def party_id(session: Session, name: str) -> int:
    """The id of a party from its whole name or its id, among those this person may see.

    Raises
    ------
    Invalid
        Several parties have this name.
    """
    wanted = name.strip()
    column = Party.id == int(wanted) if _is_id(wanted) else Party.name == wanted
    found = list(session.scalars(select(Party.id).where(column)))
    if not found:
        raise NotFound(f"没有主体 {wanted}。", code="party")
    if len(found) > 1:
        raise Invalid(f"有 {len(found)} 个主体叫“{wanted}”，请改用编号。", code="party")
    return found[0]


def _is_id(text: str) -> bool:
    """Whether the text is a plain number that the database can hold as an id."""
    return text.isascii() and text.isdigit() and len(text) <= 18

"""Who appears in the demonstration: parties, one person for each part, and how they act.

Every name says that it is invented. All people share one generated password, which is shown once
and stored nowhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sinks.core import db, people
from sinks.core.actor import ROLE_ZH, Actor, Role
from sinks.core.people import PartyKind

MARK = "（演示）"
# Party: key, kind, name, district.
PARTIES = (
    ("registry", PartyKind.REGISTRY, "湖州市碳汇登记中心", None),
    ("anji_forestry", PartyKind.AGENCY, "安吉县林业局", "330523"),
    ("city_forestry", PartyKind.AGENCY, "湖州市林业主管部门", None),
    ("anji_cooperative", PartyKind.COOPERATIVE, "安吉县两山合作社", "330523"),
    ("deqing_cooperative", PartyKind.COOPERATIVE, "德清县两山合作社", "330521"),
    ("nanxun_cooperative", PartyKind.COOPERATIVE, "南浔区两山合作社", "330503"),
    ("developer", PartyKind.ENTERPRISE, "青岭林业碳汇开发有限公司", "330523"),
    ("verifier", PartyKind.VERIFIER, "之江核证服务有限公司", None),
    ("survey", PartyKind.SURVEY, "湖州市林业调查机构", None),
    ("court", PartyKind.COURT, "湖州南太湖新区人民法院", None),
    ("procuratorate", PartyKind.PROCURATORATE, "湖州市人民检察院", None),
    ("audit", PartyKind.AGENCY, "湖州市审计机构", None),
)
# Login: name, party, role. Two where a second person must check the first.
PEOPLE = {
    "admin2": ("管理员乙", "registry", Role.ADMIN),
    "officer1": ("林业员甲", "anji_forestry", Role.OFFICER),
    "officer2": ("林业员乙", "anji_forestry", Role.OFFICER),
    "clerk1": ("安吉经办甲", "anji_cooperative", Role.COOPERATIVE),
    "clerk2": ("安吉经办乙", "anji_cooperative", Role.COOPERATIVE),
    "clerk3": ("德清经办甲", "deqing_cooperative", Role.COOPERATIVE),
    "clerk4": ("德清经办乙", "deqing_cooperative", Role.COOPERATIVE),
    "clerk5": ("南浔经办", "nanxun_cooperative", Role.COOPERATIVE),
    "developer1": ("业主经办", "developer", Role.DEVELOPER),
    "verifier1": ("核证员甲", "verifier", Role.VERIFIER),
    "verifier2": ("核证员乙", "verifier", Role.VERIFIER),
    "authority1": ("主管部门经办", "city_forestry", Role.AUTHORITY),
    "authority2": ("主管部门新人", "city_forestry", Role.AUTHORITY),
    "registrar1": ("登记员甲", "registry", Role.REGISTRAR),
    "registrar2": ("登记员乙", "registry", Role.REGISTRAR),
    "appraiser1": ("调查工程师", "survey", Role.APPRAISER),
    "court1": ("法院书记员", "court", Role.COURT),
    "prosecutor1": ("检察官助理", "procuratorate", Role.PROSECUTOR),
    "auditor1": ("审计员", "audit", Role.AUDITOR),
}
# Granted by the first administrator; it is the second one's to approve.
NOT_APPROVED = "authority2"
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
STEMS = "甲乙丙丁"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One row of the list that is shown once; ``role`` in the words people read."""

    login: str
    name: str
    role: str
    party: str


@dataclass(frozen=True, slots=True)
class DemoPeople:
    """Everybody who can sign in to the demonstration, and the one password of them all."""

    people: tuple[DemoPerson, ...]
    password: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The database with the actors by login and the ids of parties by key."""

    bind: sa.Engine
    actors: dict[str, Actor]
    parties: dict[str, int]

    @contextmanager
    def acting(self, login: str) -> Iterator[tuple[Session, Actor]]:
        """A transaction of one of the people."""
        actor = self.actors[login]
        with db.transaction(actor, bind=self.bind) as session:
            yield session, actor


def enter(bind: sa.Engine, admin_person_id: int) -> tuple[Stage, DemoPeople]:
    """Create the parties and the people with their roles, by two administrators."""
    password = people.generated_password()
    with db.transaction(bind=bind) as session:
        admin = people.actor_of(session, admin_person_id)
    with db.transaction(admin, bind=bind) as session:
        parties = _add_parties(session, admin)
        for login, (name, party, _) in PEOPLE.items():
            people.add_person(
                session, admin, login=login, name=name + MARK, party_id=parties[party],
                password=password, one_time=False,
            )  # fmt: skip
    waiting = _grant(bind, admin)
    _approve(bind, waiting)
    with db.transaction(admin, bind=bind) as session:
        actors = {
            person.login: people.actor_of(session, person.id)
            for person, _, _ in people.people(session)
            if person.login in PEOPLE
        }
    rows = tuple(
        DemoPerson(
            login,
            actors[login].name,
            ROLE_ZH[role] + ("（待第二位管理员批准）" if login == NOT_APPROVED else ""),
            actors[login].party_name,
        )
        for login, (_, _, role) in PEOPLE.items()
    )
    return Stage(bind, actors, parties), DemoPeople(rows, password)


def _add_parties(session: Session, admin: Actor) -> dict[str, int]:
    return {
        key: people.add_party(
            session, admin, kind=kind, name=name + MARK, district_code=district_code
        ).id
        for key, kind, name, district_code in PARTIES
    }


def _grant(bind: sa.Engine, admin: Actor) -> list[int]:
    """Grant every role by the first administrator; give the grants for the second to approve."""
    with db.transaction(admin, bind=bind) as session:
        ids = {person.login: person.id for person, _, _ in people.people(session)}
        rows = {
            login: people.grant(session, admin, ids[login], role)
            for login, (_, _, role) in PEOPLE.items()
        }
        return [row.id for login, row in rows.items() if not row.in_force and login != NOT_APPROVED]


def _approve(bind: sa.Engine, waiting: list[int]) -> None:
    with db.transaction(bind=bind) as session:
        person_id = next(
            person.id for person, _, _ in people.people(session) if person.login == "admin2"
        )
        admin2 = people.actor_of(session, person_id)
    with db.transaction(admin2, bind=bind) as session:
        for grant_id in waiting:
            people.approve_grant(session, admin2, grant_id)


def household_name(number: int) -> str:
    """An invented household, e.g. 王某甲（演示户）; the family name comes first, to be masked."""
    surname = SURNAMES[number % len(SURNAMES)]
    return f"{surname}某{STEMS[number // len(SURNAMES) % len(STEMS)]}（演示户）"

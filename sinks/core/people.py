"""Parties, persons, what they may do, and their signed-in sessions.

A party is a cooperative, a village collective, a household, an enterprise, a court, an agency. A
person belongs to one party and has one account. A role that verifies, records or issues is in
force only when a second administrator has approved it.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, settings
from sinks.core.actor import DECIDING_ROLES, Actor, Role
from sinks.core.db import Base, Key, RecordedAt, now, refused_in_words
from sinks.core.errors import Conflict, Invalid, NotFound, NotPermitted

# A workday and a night: whoever signs in in the morning is not thrown out at a meeting.
SESSION_HOURS = 12
PASSWORD_LENGTH_MIN = 10
# argon2 hashes any length; a 10 MB password would be a way to keep the server busy.
PASSWORD_LENGTH_MAX = 256
LOGIN_TRIES_MAX = 8
LOGIN_WAIT_MINUTES = 10
HASHER = PasswordHasher()


class PartyKind(StrEnum):
    COOPERATIVE = "cooperative"
    VILLAGE = "village"
    HOUSEHOLD = "household"
    ENTERPRISE = "enterprise"
    AGENCY = "agency"
    VERIFIER = "verifier"
    SURVEY = "survey"
    COURT = "court"
    PROCURATORATE = "procuratorate"
    REGISTRY = "registry"


# Whom those who work with land meet; an office that decides is added by an administrator only.
ADDED_BY_ALL = (PartyKind.HOUSEHOLD, PartyKind.VILLAGE, PartyKind.ENTERPRISE)


class Party(Base):
    """Whoever can hold land, a right, an account or an office."""

    __tablename__ = "party"
    __table_args__ = (CheckConstraint("length(name) between 1 and 200", name="name_length"),)

    id: Mapped[Key]
    kind: Mapped[str]
    name: Mapped[str]
    district_code: Mapped[str | None]
    # Same owner behind two names: a verifier under common control with an owner is not independent.
    controlled_by_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"))
    recorded_at: Mapped[RecordedAt]


class Person(Base):
    """One natural person, one account."""

    __tablename__ = "person"

    id: Mapped[Key]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"))
    password_hash: Mapped[str]
    # Somebody else has chosen it: it opens no session until its owner has replaced it.
    password_one_time: Mapped[bool] = mapped_column(server_default=sa.false())
    # A hash, never the number: it only shows that two accounts are one person.
    identity_hash: Mapped[str | None] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(server_default=sa.true())
    recorded_at: Mapped[RecordedAt]


class RoleGrant(Base):
    """A role of a person; one that decides needs ``approved_by`` to be somebody else."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint("approved_by_id <> granted_by_id", name="two_administrators"),
        CheckConstraint(
            "approved_by_id <> person_id and granted_by_id <> person_id", name="not_to_oneself"
        ),
        Index(
            "role_grant_one_in_force", "person_id", "role",
            unique=True, postgresql_where=text("revoked_at is null"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    # Null: granted by the set-up of the registry, before there was anybody.
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    in_force: Mapped[bool]
    recorded_at: Mapped[RecordedAt]
    revoked_at: Mapped[datetime | None]


class LoginSession(Base):
    """A signed-in browser or command line. Only the hash of the token is stored."""

    __tablename__ = "login_session"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]  # web or cli
    recorded_at: Mapped[RecordedAt]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class LoginFailure(Base):
    """A failed sign-in, kept to slow down whoever guesses passwords."""

    __tablename__ = "login_failure"

    id: Mapped[Key]
    login: Mapped[str] = mapped_column(index=True)
    recorded_at: Mapped[RecordedAt]


def add_party(
    session: Session, actor: Actor | None, *, kind: str, name: str, district_code: str | None = None
) -> Party:
    """Add a party. Officers and cooperatives add the households and villages they work with."""
    if actor:
        actor.require(Role.ADMIN, Role.OFFICER, Role.COOPERATIVE, Role.DEVELOPER)
        if kind not in ADDED_BY_ALL and Role.ADMIN not in actor.roles:
            raise NotPermitted("机构类主体由管理员添加；您可以添加农户、村和企业。", code="role")
    if kind not in list(PartyKind):
        raise Invalid(f"没有这种主体类型：{kind}。", code="party_kind")
    if not name.strip() or len(name) > 200:
        raise Invalid("名称应为 1 到 200 个字。", code="party_name")
    party = Party(kind=kind, name=name.strip(), district_code=district_code)
    session.add(party)
    session.flush()
    audit.record(session, actor, "party.add", f"party:{party.id}", {"kind": kind})
    return party


def parties(session: Session, *kinds: str) -> list[Party]:
    """Parties this person may see, by name."""
    query = select(Party).order_by(Party.name)
    if kinds:
        query = query.where(Party.kind.in_(kinds))
    return list(session.scalars(query))


def add_person(
    session: Session,
    actor: Actor | None,
    *,
    login: str,
    name: str,
    party_id: int,
    password: str,
    identity_number: str | None = None,
    one_time: bool = True,
) -> Person:
    """Add an account. ``actor`` is None only while the registry is being set up.

    one_time : the person has to replace the password before the first session; False only where
        many parts are played by one person, in the demonstration

    Raises
    ------
    Invalid, Conflict
        The password is too short or too long; the login or the natural person has an account.
    """
    if actor:
        actor.require(Role.ADMIN)
    elif session.scalar(select(func.count()).select_from(Person).where(Person.login == "admin")):
        raise NotPermitted("登记簿已经有管理员，请由管理员添加人员。", code="set_up_over")
    _refuse_weak(password)
    party = session.get(Party, party_id)
    if party is None or party.kind == PartyKind.HOUSEHOLD:
        # No role is a household's yet, and before sign-in its name may not be read.
        raise Invalid("账号须属于一个单位；农户没有可办理的角色。", code="person_party")
    if not re.fullmatch(r"[a-z][a-z0-9._-]{1,39}", login):
        raise Invalid("登录名用小写字母开头，2 到 40 个字母、数字、点、横线。", code="login_form")
    identity_hash = _identity_hash(identity_number) if identity_number else None
    person = Person(
        login=login,
        name=name,
        party_id=party_id,
        password_hash=HASHER.hash(password),
        password_one_time=one_time,
        identity_hash=identity_hash,
    )
    taken = {
        "person_login_key": Conflict(f"登录名 {login} 已被使用。", code="login_taken"),
        "person_identity_hash_key": Conflict(
            "这位自然人已有账号，一人只能有一个账号。", code="person_taken"
        ),
    }
    with refused_in_words(session, taken):
        session.add(person)
    audit.record(session, actor, "person.add", f"person:{person.id}", {"login": login})
    return person


def _refuse_weak(password: str) -> None:
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise Invalid(
            f"密码长度应为 {PASSWORD_LENGTH_MIN} 到 {PASSWORD_LENGTH_MAX} 个字符。", code="password"
        )


def _identity_hash(number: str) -> str:
    """A keyed hash: identity numbers are few enough to try them all against a plain one."""
    return hmac.new(office_key(), number.strip().upper().encode(), hashlib.sha256).hexdigest()


def office_key() -> bytes:
    """The office's key for hashes that nobody shall try out, made once, kept outside the database."""
    path = settings.load().data_dir / "identity.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            contextlib.suppress(FileExistsError),
            open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
        ):
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


def grant(session: Session, actor: Actor | None, person_id: int, role: Role) -> RoleGrant:
    """Grant a role. One that verifies, records or issues waits for a second administrator, and so
    does an administrator's own, once there are two who can decide on it."""
    administrators = session.scalar(
        select(func.count())
        .select_from(RoleGrant)
        .where(RoleGrant.role == Role.ADMIN, RoleGrant.in_force, RoleGrant.revoked_at.is_(None))
    )
    if actor is None and administrators:
        raise NotPermitted("登记簿已经有管理员，请由管理员授权。", code="set_up_over")
    if actor:
        actor.require(Role.ADMIN)
        if actor.person_id == person_id:
            raise NotPermitted("不能给自己授权，请另一位管理员办理。", code="own_role")
    row = RoleGrant(
        person_id=person_id,
        role=role,
        granted_by_id=actor.person_id if actor else None,
        in_force=actor is None
        or (role not in DECIDING_ROLES and not (role == Role.ADMIN and (administrators or 0) > 1)),
    )
    held = Conflict("此人已有这个角色（或正等待第二位管理员批准）。", code="role_held")
    with refused_in_words(session, {"role_grant_one_in_force": held}):
        session.add(row)
    audit.record(session, actor, "role.grant", f"person:{person_id}", {"role": role})
    return row


def approve_grant(session: Session, actor: Actor, grant_id: int) -> None:
    """The second administrator's word for a role that decides."""
    actor.require(Role.ADMIN)
    row = session.get(RoleGrant, grant_id, with_for_update=True, populate_existing=True)
    if row is None or row.revoked_at or row.in_force:
        raise NotFound("没有等待批准的这项授权。", code="grant")
    if actor.person_id in (row.granted_by_id, row.person_id):
        raise NotPermitted("须由另一位管理员批准。", code="two_administrators")
    row.approved_by_id, row.in_force = actor.person_id, True
    audit.record(session, actor, "role.approve", f"person:{row.person_id}", {"role": row.role})


def revoke(session: Session, actor: Actor, grant_id: int) -> None:
    """Take a role back, at once."""
    actor.require(Role.ADMIN)
    row = session.get(RoleGrant, grant_id, with_for_update=True, populate_existing=True)
    if row is None or row.revoked_at:
        raise NotFound("没有这项授权。", code="grant")
    row.revoked_at = now(session)
    audit.record(session, actor, "role.revoke", f"person:{row.person_id}", {"role": row.role})


def actor_of(session: Session, person_id: int) -> Actor:
    """The person as an actor, with the roles in force at this moment."""
    person = session.get(Person, person_id)
    if person is None or not person.active:
        raise NotFound("没有这个账号，或已停用。", code="person")
    party = session.get_one(Party, person.party_id)
    roles = session.scalars(
        select(RoleGrant.role).where(
            RoleGrant.person_id == person_id, RoleGrant.in_force, RoleGrant.revoked_at.is_(None)
        )
    )
    return Actor(person.id, person.name, party.id, party.name, frozenset(roles))


def check_password(session: Session, login: str, password: str) -> Person:
    """The person whose password this is.

    Raises
    ------
    NotPermitted
        Wrong login or password (the answer does not say which), or too many failures.
    """
    since = now(session) - timedelta(minutes=LOGIN_WAIT_MINUTES)
    failures = session.scalar(
        select(func.count()).where(LoginFailure.login == login, LoginFailure.recorded_at > since)
    )
    if (failures or 0) >= LOGIN_TRIES_MAX:
        raise NotPermitted(
            f"失败次数过多，请 {LOGIN_WAIT_MINUTES} 分钟后再试。", code="too_many_tries"
        )
    person = session.scalar(select(Person).where(Person.login == login, Person.active))
    # The same work is done for an unknown login, so that the time does not tell who has an account.
    stored = person.password_hash if person else HASHER.hash("nobody has this password")
    if person is None or len(password) > PASSWORD_LENGTH_MAX or not _matches(stored, password):
        raise NotPermitted("登录名或密码不对。", code="login")
    return person


def _matches(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except VerificationError:
        return False


def note_failure(session: Session, login: str) -> None:
    """Remember a failed sign-in, in a transaction of its own that is not rolled back with it."""
    session.add(LoginFailure(login=login[:40]))


def open_session(session: Session, person: Person, kind: str) -> str:
    """A token for this person, good for SESSION_HOURS. Only its hash is stored.

    Raises
    ------
    NotPermitted
        ``password_one_time``: the password was chosen by somebody else and is still that one.
    """
    if person.password_one_time:
        raise NotPermitted(
            "这是管理员给的一次性密码，请先换成自己的密码（网页 /password，或命令 sinks password）。",
            code="password_one_time",
        )
    token = secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_hash=_token_hash(token),
            person_id=person.id,
            kind=kind,
            expires_at=now(session) + timedelta(hours=SESSION_HOURS),
        )
    )
    session.flush()
    audit.record(session, actor_of(session, person.id), "login", f"person:{person.id}", {})
    return token


def actor_of_token(session: Session, token: str) -> Actor | None:
    """The actor of a session that is open now; None when it has ended, expired or never was."""
    row = session.get(LoginSession, _token_hash(token))
    if row is None or row.ended_at or row.expires_at <= now(session):
        return None
    person = session.get(Person, row.person_id)
    return actor_of(session, row.person_id) if person and person.active else None


def login_of_token(session: Session, token: str) -> str | None:
    """The login of whose session it is, while it is open."""
    actor = actor_of_token(session, token)
    return session.get_one(Person, actor.person_id).login if actor else None


def close_session(session: Session, token: str) -> None:
    """Sign out: every session of this person ends, in every browser and command line."""
    row = session.get(LoginSession, _token_hash(token))
    if row is not None:
        _end_sessions(session, row.person_id)


def _end_sessions(session: Session, person_id: int) -> None:
    session.execute(
        sa.update(LoginSession)
        .where(LoginSession.person_id == person_id, LoginSession.ended_at.is_(None))
        .values(ended_at=func.clock_timestamp())
    )


def change_password(session: Session, login: str, old: str, new: str) -> Person:
    """Replace one's own password. Every session of the person ends: whoever knew the old one is
    out.

    Raises
    ------
    NotPermitted
        Wrong login or old password, or too many failures.
    Invalid
        The new password is too short, too long, or the old one again.
    """
    person = check_password(session, login, old)
    _refuse_weak(new)
    if new == old:
        raise Invalid("新密码不能与原密码相同。", code="password_same")
    person.password_hash, person.password_one_time = HASHER.hash(new), False
    _end_sessions(session, person.id)
    actor = actor_of(session, person.id)
    audit.record(session, actor, "person.password", f"person:{person.id}", {})
    return person


def reset_password(session: Session, actor: Actor, person_id: int, password: str) -> Person:
    """Give a person who has forgotten theirs a one-time password; their sessions end.

    Whoever hands it over could use it first. Roles that decide therefore wait for a second
    administrator again, who asks the person.
    """
    actor.require(Role.ADMIN)
    person = session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound("没有这个账号。", code="person")
    if person_id == actor.person_id:
        raise NotPermitted("自己的密码请自行修改。", code="own_password")
    _refuse_weak(password)
    person.password_hash, person.password_one_time = HASHER.hash(password), True
    _end_sessions(session, person_id)
    audit.record(session, actor, "person.password_reset", f"person:{person_id}", {})
    deciding = session.scalars(
        select(RoleGrant).where(
            RoleGrant.person_id == person_id,
            RoleGrant.role.in_((*DECIDING_ROLES, Role.ADMIN)),
            RoleGrant.in_force,
            RoleGrant.revoked_at.is_(None),
        )
    )
    for row in list(deciding):
        revoke(session, actor, row.id)
        session.flush()
        grant(session, actor, person_id, Role(row.role))
    return person


def masked(name: str) -> str:
    """A person's name as the public may read it: the family name and a star."""
    return f"{name[:1]}*" if name else ""


def _token_hash(token: str) -> str:
    return hmac.new(b"sinks-session", token.encode(), hashlib.sha256).hexdigest()


def people(session: Session) -> list[tuple[Person, Party, list[RoleGrant]]]:
    """Every account with its party and its standing grants, for the administrator."""
    rows = session.execute(select(Person, Party).join(Party).order_by(Person.login)).all()
    grants = list(session.scalars(select(RoleGrant).where(RoleGrant.revoked_at.is_(None))))
    return [
        (person, party, [row for row in grants if row.person_id == person.id])
        for person, party in rows
    ]


def name_of(session: Session, person_id: int | None) -> str:
    """The name to show for a person id; a dash when nobody has done it yet."""
    return session.get_one(Person, person_id).name if person_id else "—"


def generated_password() -> str:
    """A password that a person can type once and must not be able to guess (80 bits)."""
    return secrets.token_hex(10)

"""Who acts: a person of a party with roles. Checked in every function that does work."""

from dataclasses import dataclass
from enum import StrEnum

from sinks.core.errors import NotPermitted


class Role(StrEnum):
    """What a person may do. The words a person reads are in ``pages/_words.py``."""

    OFFICER = "officer"
    COOPERATIVE = "cooperative"
    DEVELOPER = "developer"
    VERIFIER = "verifier"
    AUTHORITY = "authority"
    REGISTRAR = "registrar"
    APPRAISER = "appraiser"
    COURT = "court"
    PROSECUTOR = "prosecutor"
    AUDITOR = "auditor"
    ADMIN = "admin"


ROLE_ZH = {
    Role.OFFICER: "林业员",
    Role.COOPERATIVE: "合作社经办",
    Role.DEVELOPER: "项目业主",
    Role.VERIFIER: "核证员",
    Role.AUTHORITY: "主管部门",
    Role.REGISTRAR: "登记机构",
    Role.APPRAISER: "林业调查机构",
    Role.COURT: "法院",
    Role.PROSECUTOR: "检察院",
    Role.AUDITOR: "审计",
    Role.ADMIN: "管理员",
}
# A person who holds one of these decides over other people's tonnes: granting it takes two.
DECIDING_ROLES = frozenset({Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR})


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person. ``roles`` are those in force now."""

    person_id: int
    name: str
    party_id: int
    party_name: str
    roles: frozenset[str]

    def require(self, *roles: Role) -> None:
        """Refuse unless the person holds one of the roles.

        Raises
        ------
        NotPermitted
            Names the roles that may.
        """
        if not self.roles & set(roles):
            may = "、".join(ROLE_ZH[role] for role in roles)
            raise NotPermitted(f"这一步由{may}办理，您的账号没有这个角色。", code="role")

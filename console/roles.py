"""Who may open which page. Pages not named here open to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Groups of the installation."""

    DUTY_OFFICER = "duty_officer"
    DUTY_LEAD = "duty_lead"
    DEPARTMENT = "department"
    LEADER = "leader"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


ROLE_NAMES: Mapping[Role, str] = {
    Role.DUTY_OFFICER: "值班员",
    Role.DUTY_LEAD: "值班长",
    Role.DEPARTMENT: "责任单位",
    Role.LEADER: "领导",
    Role.ADMINISTRATOR: "管理员",
    Role.AUDITOR: "审计员",
}

EVERYONE = frozenset(Role)
DUTY = frozenset({Role.DUTY_OFFICER, Role.DUTY_LEAD})
OFFICE = EVERYONE - {Role.DEPARTMENT}
ADMIN = frozenset({Role.ADMINISTRATOR})


class Page(StrEnum):
    """What a person can ask for; several addresses may be one page."""

    OPEN = "open"
    SELF = "self"
    DESK = "desk"
    ALERT = "alert"
    ACT = "act"
    POSTS = "posts"
    CORRECT = "correct"
    EXPORT = "export"
    INCIDENTS = "incidents"
    INCIDENT_EDIT = "incident_edit"
    TRENDS = "trends"
    SOURCES = "sources"
    RULES = "rules"
    RULE_EDIT = "rule_edit"
    HANDOVER = "handover"
    HANDOVER_SIGN = "handover_sign"
    RECEIPTS = "receipts"
    RECEIPT_RESEND = "receipt_resend"
    ROSTER = "roster"
    ROSTER_EDIT = "roster_edit"
    AUDIT = "audit"
    USERS = "users"
    USER_EDIT = "user_edit"
    WALL = "wall"
    LIVE = "live"


#: OPEN needs no login. Whether one alert may be seen or acted on is decided per alert besides.
ACCESS: Mapping[Page, frozenset[Role]] = {
    Page.SELF: EVERYONE,
    Page.DESK: EVERYONE,
    Page.ALERT: EVERYONE,
    Page.ACT: EVERYONE - {Role.AUDITOR},
    Page.LIVE: EVERYONE,
    Page.POSTS: OFFICE,
    Page.CORRECT: DUTY,
    Page.EXPORT: DUTY | {Role.LEADER},
    Page.INCIDENTS: OFFICE,
    Page.INCIDENT_EDIT: DUTY,
    Page.TRENDS: OFFICE,
    Page.SOURCES: OFFICE - {Role.LEADER},
    Page.RULES: OFFICE - {Role.LEADER},
    Page.RULE_EDIT: ADMIN,
    Page.HANDOVER: OFFICE - {Role.LEADER},
    Page.HANDOVER_SIGN: DUTY,
    Page.RECEIPTS: OFFICE - {Role.LEADER},
    Page.RECEIPT_RESEND: DUTY | ADMIN,
    Page.ROSTER: OFFICE,
    Page.ROSTER_EDIT: ADMIN | {Role.DUTY_LEAD},
    Page.AUDIT: ADMIN | {Role.AUDITOR, Role.DUTY_LEAD},
    Page.USERS: ADMIN | {Role.AUDITOR},
    Page.USER_EDIT: ADMIN,
    Page.WALL: OFFICE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Who is asking."""

    login: str
    name: str
    roles: frozenset[Role]
    #: Department id; empty for the office itself.
    unit: str = ""

    @property
    def only_own(self) -> bool:
        """A department's person sees the alerts of that department and no others."""
        return not self.roles - {Role.DEPARTMENT}


def may_open(page: Page, roles: frozenset[Role]) -> bool:
    """Whether one of the roles opens the page."""
    return page is Page.OPEN or bool(roles & ACCESS.get(page, frozenset()))

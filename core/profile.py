"""A jurisdiction as data: what every package reads of a profile once it has been checked.

The YAML form and its checks stand in `caifeng/profile.py`; here are only the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A place of the jurisdiction's tree."""

    #: Division code (GB/T 2260 or 12-digit statistical code), or any unique text.
    id: str
    name: str
    #: Id of the place above; None at the root.
    parent: str | None = None
    #: Other names: short forms, schools, roads, scenic spots, estates.
    aliases: tuple[str, ...] = ()
    #: Same names elsewhere that do not mean this place.
    exclude: tuple[str, ...] = ()
    #: Department id of the local government that answers for the place (属地).
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One of the profile's topics: any-of AND must-of NOT exclude, longest term first."""

    id: str
    name: str
    owners: tuple[str, ...]
    any: tuple[str, ...]
    must: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    #: 0–10, part of the level suggestion.
    weight: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Someone who can be told. `addresses` maps a channel's name to the address in it."""

    name: str
    #: contact 联络员, head 负责人, deputy_leader 分管领导, office_head, leader.
    role: str
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A unit that can be made responsible."""

    id: str
    name: str
    #: Usual short name, as the briefings write it.
    short: str
    #: local 属地, department 部门, utility 水电气热 (answers directly), police, party, leader.
    kind: str
    #: Office above it in a vertically led line; copied when set.
    superior: str | None = None
    contacts: tuple[Contact, ...] = ()
    #: Terms that name the unit in posts.
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Time a stage may take at a level: clock time or working days, exactly one of them."""

    stage: str
    level: str
    duration: timedelta | None = None
    working_days: int | None = None
    #: Where the figure comes from: `N 国办发〔2016〕80号`, `L 万埠镇`, `OWN`.
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A grade of an alert; the profile says how many there are and what they look like."""

    #: `I`, `II`, …; `rank` 1 is the gravest.
    id: str
    rank: int
    name: str
    colour: str
    #: Lowest suggestion score 0–100 of this level.
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What happens when a share of a window is used up."""

    percent: int
    #: Role told: contact, head, deputy_leader, office_head, circular.
    to: str
    #: reminder 催办, supervision_order 督办单, circular 通报.
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyMember:
    """A person of the roster, by login name."""

    login: str
    name: str
    #: duty_officer, duty_lead.
    role: str
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A recurring turn of duty, local time; `end` ≤ `start` runs into the next day."""

    name: str
    start: time
    end: time
    #: Logins in rotation, one day each, counted from `Roster.anchor`.
    officers: tuple[str, ...]
    leads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who watches when."""

    #: ISO date on which rotation index 0 is on duty.
    anchor: str
    shifts: tuple[Shift, ...]
    members: tuple[DutyMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHead:
    """The head and foot of briefings."""

    title: str
    issuer: str
    signer: str
    secrecy: str
    report_to: tuple[str, ...]
    send_to: tuple[str, ...]
    copies: int
    #: Points between lines; 28.95 gives the norm's 22 lines a page.
    line_points: float = 28.95
    ledger_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One jurisdiction."""

    id: str
    name: str
    short: str
    regions: tuple[Region, ...]
    departments: tuple[Department, ...]
    topics: tuple[Topic, ...]
    levels: tuple[Level, ...]
    windows: tuple[Window, ...]
    escalations: tuple[Escalation, ...]
    roster: Roster
    report: ReportHead
    #: Terms that mean no matter of the county wherever they stand (招聘, 小说 …).
    exclude: tuple[str, ...] = ()
    office_opens: time = time(9)
    office_closes: time = time(18)
    #: Department ids with a part of their own in the procedure: gov_office, cyberspace, publicity, duty_office.
    offices: Mapping[str, str] = field(default_factory=dict)

    def topic(self, topic_id: str) -> Topic | None:
        """The topic of that id."""
        return next((topic for topic in self.topics if topic.id == topic_id), None)

    def department(self, department_id: str) -> Department | None:
        """The department of that id."""
        return next((unit for unit in self.departments if unit.id == department_id), None)

    def level(self, level_id: str) -> Level | None:
        """The level of that id."""
        return next((level for level in self.levels if level.id == level_id), None)

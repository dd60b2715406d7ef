"""Who is told, by which channel, and why – or why not. Pure decisions; `send` writes them to the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from alerts import outbox
from alerts.deadlines import DUTY_STAGES, STAGE_NAMES, Step
from alerts.lifecycle import Action
from alerts.models import Alert
from alerts.outbox import Letter
from alerts.people import Directory, Person, from_member, post_of
from alerts.roster import OnDuty, gap_reason
from alerts.wording import KIND_NAMES, ROLE_NAMES
from core.clock import SHANGHAI
from core.profile import Profile

#: Stages the publicity office accompanies (61号: 政府办会同宣传部门协调).
PUBLICITY_STAGES = frozenset({"authoritative_info", "press_conference"})
#: Who is tried next when nobody holds a role, or nobody in it can be reached.
NEXT_ROLE: Mapping[str, str] = {
    "contact": "head",
    "head": "deputy_leader",
    "deputy_leader": "office_head",
    "office_head": "leader",
    "duty_officer": "duty_lead",
}
#: Level ranks whose messages go out by every channel a person has, not just the preferred one.
LOUD_RANKS = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the notices need to know of an alert."""

    number: str
    rank: int
    lead: str = ""
    co: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One person told by one channel, or not told and why."""

    kind: str
    unit: str
    role: str
    name: str
    channel: str
    address: str
    #: Why this person, in Chinese.
    reason: str
    #: Why not, in Chinese; empty when told.
    skipped: str = ""
    #: Actions offered as buttons.
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Everything needed to say who is told: the jurisdiction, its people, and those on duty."""

    profile: Profile
    directory: Directory
    duty: OnDuty


def case_of(alert: Alert, profile: Profile) -> Case:
    """The alert as the notices see it; before grading the suggested level counts."""
    level = profile.level(alert.level or alert.suggested_level)
    return Case(
        number=alert.number,
        rank=level.rank if level else len(profile.levels),
        lead=alert.lead_unit,
        co=tuple(alert.co_units),
        guidance=tuple(alert.guidance_units),
        flags=tuple(alert.flags),
    )


def for_new(case: Case, telling: Telling, *, kind: str = "new_alert", reason: str = "当班") -> list[Notice]:
    """A new alert goes to the people on duty; with nobody there it goes on at once to the duty office."""
    actions = (Action.CONFIRM, Action.DISMISS)
    told = _tell(
        [from_member(member) for member in telling.duty.people], case, kind, f"{reason}：新告警待确认", actions
    )
    if why := gap_reason(telling.duty):
        told.append(_nobody(kind, "", "duty_officer", why))
        told += _climb(_duty_office(telling.profile), "contact", case, telling, kind, f"{why}，改告值班单位", actions)
    return _once(told)


def for_dispatch(case: Case, telling: Telling) -> list[Notice]:
    """The lead signs for it; co-handling and guiding units and the superior of a vertical line are informed."""
    found = _climb(case.lead, "contact", case, telling, "dispatch", "牵头单位", (Action.ACKNOWLEDGE, Action.RETURN))
    for unit in case.co:
        found += _climb(unit, "contact", case, telling, "co_dispatch", "协办单位", (Action.ACKNOWLEDGE,))
    for unit in case.guidance:
        found += _climb(unit, "contact", case, telling, "co_dispatch", "业务指导单位", ())
    for unit in (case.lead, *case.co, *case.guidance):
        department = telling.profile.department(unit)
        if department is not None and department.superior:
            because = f"{department.short}实行垂直管理，抄送上级"
            found += _climb(department.superior, "contact", case, telling, "copy", because, ())
    return _once(found)


def for_level(case: Case, telling: Telling, *, kind: str = "assessed") -> list[Notice]:
    """Grave levels are reported upwards when confirmed: 政府办会同宣传、网信会商, level I to the head of government."""
    found: list[Notice] = []
    if case.rank == 1:
        found += _role("leader", case, telling, kind, "特别重大：报政府主要负责人")
    if case.rank <= 2:
        found += _role("deputy_leader", case, telling, kind, "重大以上：报分管领导")
        found += _role("office_head", case, telling, kind, "重大以上：政府办牵头会商")
        for office in ("publicity", "cyberspace"):
            if unit := telling.profile.offices.get(office):
                found += _climb(unit, "contact", case, telling, kind, "重大以上：参加会商", ())
    return _once(found)


def for_leaders(case: Case, telling: Telling, *, kind: str) -> list[Notice]:
    """A flash or follow-up report goes to the leaders."""
    roles = ("leader", "deputy_leader", "office_head") if case.rank == 1 else ("deputy_leader", "office_head")
    return _once(
        [notice for role in roles for notice in _role(role, case, telling, kind, f"{KIND_NAMES[kind]}报送对象")]
    )


def for_units(case: Case, telling: Telling, *, kind: str, reason: str) -> list[Notice]:
    """Everyone who works on it hears of an instruction, a consultation, a reminder by hand."""
    units = (case.lead, *case.co, *case.guidance) if kind != "reminder" else (case.lead,)
    found = [
        notice
        for unit in units
        if unit
        for notice in _climb(unit, "contact", case, telling, kind, reason, (Action.HANDLE,))
    ]
    return _once(found) if found else _once(for_duty(case, telling, kind=kind, reason=reason))


def for_duty(case: Case, telling: Telling, *, kind: str, reason: str) -> list[Notice]:
    """The people on duty hear what a department did."""
    return _once(_tell([from_member(member) for member in telling.duty.people], case, kind, reason, ()))


def for_steps(stage: str, steps: Sequence[Step], case: Case, telling: Telling) -> list[Notice]:
    """Everyone the reached steps name, each once and with the gravest kind; a supervision order also goes to the unit."""
    found: list[Notice] = []
    for step in sorted(steps, key=lambda step: -step.percent):
        reason = f"{STAGE_NAMES[stage]}已用 {step.percent}%"
        for role in _roles_of(step):
            found += _owing(stage, role, step.kind, reason, case, telling)
    return _once(found)


def _roles_of(step: Step) -> tuple[str, ...]:
    match step.kind, step.to:
        case "supervision_order", to:
            return (to, "head", "contact")
        case "circular", _:
            return ("office_contact", "head")
        case "overdue", _:
            return ("head", "contact")
    return (step.to,)


def _owing(stage: str, role: str, kind: str, reason: str, case: Case, telling: Telling) -> list[Notice]:
    """People in a role for a stage: of the duty office, or of the responsible unit."""
    office = _duty_office(telling.profile)
    if role == "office_contact":
        return _climb(office, "contact", case, telling, kind, reason, ())
    if role in ("deputy_leader", "office_head"):
        return _role(role, case, telling, kind, reason, prefer=case.lead)
    if stage in DUTY_STAGES or not case.lead:
        people = telling.duty.officers if role == "contact" else telling.duty.leads
        actions = (Action.CONFIRM,) if stage == "confirm" else ()
        told = _tell([from_member(member) for member in people], case, kind, f"{reason}，当班", actions)
        return told or [
            _nobody(
                kind, "", "duty_officer" if role == "contact" else "duty_lead", gap_reason(telling.duty) or "无人当班"
            ),
            *_climb(office, role, case, telling, kind, f"{reason}，无人当班", actions),
        ]
    action = Action.ACKNOWLEDGE if stage == "acknowledge" else Action.HANDLE
    found = _climb(case.lead, role, case, telling, kind, reason, (action,))
    if stage in PUBLICITY_STAGES and role == "contact" and (unit := telling.profile.offices.get("publicity")):
        found += _climb(unit, role, case, telling, kind, reason, ())
    return found


def _climb(
    unit: str, role: str, case: Case, telling: Telling, kind: str, reason: str, actions: tuple[Action, ...]
) -> list[Notice]:
    """Tell the unit's people in the role; where there is nobody, say so and go one role up at once."""
    found: list[Notice] = []
    current: str | None = role
    while current is not None:
        people = (
            telling.directory.of(unit, current) if current in ("contact", "head") else _over(unit, current, telling)
        )
        told = _tell(people, case, kind, reason, actions)
        if told:
            return [*found, *told]
        title = ROLE_NAMES[current]
        why = f"{title}没有登记联系渠道" if people else f"没有登记{title}"
        found.append(_nobody(kind, unit, current, why))
        reason = f"{reason}（{_short(unit, telling.profile)}{why}，上报一级）"
        current = NEXT_ROLE.get(current)
    return found


def _role(role: str, case: Case, telling: Telling, kind: str, reason: str, prefer: str = "") -> list[Notice]:
    """People in a leading role, those of the unit itself first."""
    return _climb(prefer, role, case, telling, kind, reason, ())


def _over(unit: str, role: str, telling: Telling) -> tuple[Person, ...]:
    """Leaders over a unit: its own, else those of the whole jurisdiction."""
    return telling.directory.of(unit, role) or telling.directory.in_role(role)


def _tell(people: Iterable[Person], case: Case, kind: str, reason: str, actions: tuple[Action, ...]) -> list[Notice]:
    return [
        Notice(
            kind=kind,
            unit=person.unit,
            role=person.role,
            name=person.name,
            channel=channel,
            address=address,
            reason=reason,
            actions=actions,
        )
        for person in people
        for channel, address in _channels(person, case)
    ]


def _channels(person: Person, case: Case) -> list[tuple[str, str]]:
    ways = [(channel, address) for channel, address in person.addresses.items() if address]
    return ways if case.rank in LOUD_RANKS else ways[:1]


def _nobody(kind: str, unit: str, role: str, why: str) -> Notice:
    return Notice(
        kind=kind, unit=unit, role=role, name=ROLE_NAMES[role], channel="", address="", reason=why, skipped=why
    )


def _once(notices: Sequence[Notice]) -> list[Notice]:
    """One message per address: people who share one are named together; the first reason counts."""
    kept: dict[tuple[str, str, str], Notice] = {}
    for notice in notices:
        place = (notice.channel, notice.address, f"{notice.unit}/{notice.role}" if notice.skipped else "")
        if place not in kept:
            kept[place] = notice
        elif not notice.skipped and notice.name not in kept[place].name:
            kept[place] = replace(kept[place], name=f"{kept[place].name}、{_beside(kept[place], notice)}")
    return list(kept.values())


def _beside(first: Notice, other: Notice) -> str:
    """The name of somebody who shares the first one's address, with the role where it is another."""
    return other.name if other.role == first.role else f"{ROLE_NAMES.get(other.role, '')} {other.name}".strip()


def _duty_office(profile: Profile) -> str:
    return profile.offices.get("duty_office") or profile.offices.get("gov_office", "")


def _short(unit: str, profile: Profile) -> str:
    department = profile.department(unit)
    return department.short if department else unit


def send(
    alert: Alert,
    notices: Iterable[Notice],
    *,
    cause: int,
    title: str,
    text: str,
    profile: Profile,
    now: datetime,
    stage: str = "",
    round: int = 0,
) -> None:
    """Write the notices of one event (`cause` is its seq) to the outbox; the caller's transaction holds both."""
    level = profile.level(alert.level or alert.suggested_level)
    common = {
        "title": title,
        "text": text,
        "number": alert.number,
        "level": level.id if level else "",
        "level_name": level.name if level else "",
        "state": alert.state,
        "url": f"{settings.PUBLIC_URL}/alerts/{alert.number}/",
        "version": alert.version,
    } | ({"stage": stage, "round": round} if stage else {})
    outbox.enqueue_all(
        Letter(
            dedupe_key=_key(alert, cause, notice),
            kind=notice.kind,
            channel=notice.channel,
            recipient=notice.address,
            recipient_name=_recipient(notice, profile),
            reason=notice.reason,
            payload={
                **common,
                "actions": [action.value for action in notice.actions],
                "unit": notice.unit,
                "role": notice.role,
            },
            urgency=_urgency(notice, level.rank if level else len(profile.levels)),
            now=now,
            alert=alert,
            skipped=notice.skipped,
        )
        for notice in notices
    )


def _key(alert: Alert, cause: int, notice: Notice) -> str:
    place = f"{notice.unit}/{notice.role}" if notice.skipped else f"{notice.channel}/{notice.address}"
    return f"{alert.number}/{cause}/{notice.kind}/{place}"


def _recipient(notice: Notice, profile: Profile) -> str:
    post = post_of(notice.unit, notice.role, profile)
    return (post if notice.skipped else f"{post} {notice.name}").strip()[:128]


def _urgency(notice: Notice, rank: int) -> int:
    """0 goes first: grave levels, then what stops a running clock, then information."""
    informs = notice.kind in ("copy", "co_dispatch", "note", "circular")
    return min(2 * (rank - 1) + informs, 9)


def local(moment: datetime, now: datetime) -> str:
    """`02:23`, or with its date when that is not today's."""
    shown, today = moment.astimezone(SHANGHAI), now.astimezone(SHANGHAI).date()
    return f"{shown:%H:%M}" if shown.date() == today else f"{shown:%m-%d %H:%M}"

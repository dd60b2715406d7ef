"""Why was I (not) told? Who was told what, when, by which channel – and who was not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from alerts import deadlines, desk, notices, owner, people, roster
from alerts.lifecycle import State
from alerts.models import Alert, Notification
from alerts.notices import Case, Notice, Telling
from alerts.people import Directory, Person
from alerts.wording import KIND_NAMES, LEADING_ROLES, ROLE_NAMES
from core.profile import Profile

#: How far back `why PERSON` looks.
LOOK_BACK = timedelta(days=30)
#: Alerts a person's answer lists at most, newest first.
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message, or one that was not sent."""

    number: str
    at: datetime
    kind: str
    who: str
    channel: str
    #: 待发送, 已送达, 失败, 已取消, 未通知.
    state: str
    #: Why they are told, and what went wrong.
    reason: str
    error: str
    sent_at: datetime | None
    attempts: int
    #: The same for every retry.
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTold:
    """Somebody who heard nothing, with the reason in Chinese."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer about one alert."""

    number: str
    told: tuple[Told, ...]
    not_told: tuple[NotTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who would be told at one moment of an alert's way."""

    #: `发现`, `核查初报已用 80%`.
    moment: str
    notice: Notice
    who: str


def why_alert(alert: Alert, profile: Profile) -> Explanation:
    """Everybody told of an alert, and everybody one might have expected."""
    rows = list(Notification.objects.filter(alert=alert).select_related("alert").order_by("created_at", "urgency"))
    telling = desk.telling_at(profile, alert.detected_at)
    heard = {row.recipient for row in rows if row.recipient}
    missing = [
        NotTold(who=_name(person, profile), reason=_why_not(person, alert, telling))
        for person in _expected(alert, telling)
        if heard.isdisjoint(person.addresses.values())
    ]
    return Explanation(number=alert.number, told=tuple(_told(row) for row in rows), not_told=tuple(missing))


def why_person(who: str, profile: Profile, now: datetime) -> tuple[tuple[Told, ...], tuple[NotTold, ...]]:
    """What a person (name, login, address or unit) was told lately, and of which alerts they heard nothing and why."""
    everyone = people.load(profile)
    found = _find(who, everyone, profile)
    addresses = {address for person in found for address in person.addresses.values()}
    wanted = Q(recipient__in=addresses) | Q(recipient=who) | Q(recipient_name__contains=who)
    recent = now - LOOK_BACK
    rows = Notification.objects.filter(wanted, created_at__gte=recent).select_related("alert").order_by("-created_at")
    told = tuple(_told(row) for row in rows[:MOST])
    heard = {row.number for row in told}
    alerts = Alert.objects.filter(detected_at__gte=recent).exclude(number__in=heard).order_by("-detected_at")[:MOST]
    substitutions = people.load_substitutions()
    missing = [
        NotTold(
            who=f"{alert.number} {alert.title}",
            reason=_why_not(person, alert, _then(alert, everyone, substitutions, profile)),
        )
        for alert in alerts
        for person in found[:1]
    ]
    return told, tuple(missing)


def routes(
    level: str, *, topic: str, places: Sequence[str], flags: Iterable[str], telling: Telling, now: datetime
) -> tuple[owner.Owner, tuple[Route, ...]]:
    """Who would be told of an alert of this level, topic and place, step by step. Raises ConfigError."""
    profile = telling.profile
    level_id = deadlines.known_level(level, profile)
    suggested = owner.of_topic(topic, places, profile)
    found = profile.level(level_id)
    case = Case(
        number="",
        rank=found.rank if found else len(profile.levels),
        lead=suggested.lead,
        co=suggested.co,
        guidance=suggested.guidance,
        flags=tuple(flags),
    )
    moments: list[tuple[str, list[Notice]]] = [
        ("发现", notices.for_new(case, telling)),
        ("确认定级", notices.for_level(case, telling)),
        ("指派", notices.for_dispatch(case, telling)),
    ]
    for stage in ("confirm", "acknowledge", "first_feedback"):
        window = deadlines.find_window(stage, level_id, profile)
        if window is None:
            continue
        for step in deadlines.date_window(window, now, profile).steps:
            label = f"{deadlines.STAGE_NAMES[stage]}已用 {step.percent}%"
            moments.append((label, notices.for_steps(stage, [step], case, telling)))
    return suggested, tuple(
        Route(moment=moment, notice=notice, who=who_of(notice, profile)) for moment, told in moments for notice in told
    )


def who_of(notice: Notice, profile: Profile) -> str:
    """`县人社局联络员 苏望舒`."""
    post = people.post_of(notice.unit, notice.role, profile)
    return post if notice.skipped else f"{post} {notice.name}"


def _told(row: Notification) -> Told:
    return Told(
        number=row.alert.number if row.alert else "",
        at=row.created_at,
        kind=KIND_NAMES.get(row.kind, row.kind),
        who=row.recipient_name,
        channel=row.channel,
        state=Notification.Sending(row.state).label,
        reason=row.reason,
        error=row.error,
        sent_at=row.sent_at,
        attempts=row.attempts,
        id=str(row.id),
    )


def _expected(alert: Alert, telling: Telling) -> list[Person]:
    """People one might expect to hear of an alert: the roster, the units it concerns, the leaders, 公安."""
    profile = telling.profile
    topic = profile.topic(alert.topic)
    units = {alert.lead_unit, *alert.co_units, *alert.guidance_units, *(topic.owners if topic else ())}
    units |= {profile.offices[office] for office in ("publicity", "cyberspace", "police") if office in profile.offices}
    units |= {unit.id for unit in profile.departments if unit.kind == "police"}
    listed = [person for person in telling.directory.people if person.unit in units or person.role in LEADING_ROLES]
    return [*(people.from_member(member) for member in profile.roster.members), *listed]


def _why_not(person: Person, alert: Alert, telling: Telling) -> str:
    """The first reason that kept a person from hearing of an alert."""
    if not any(person.addresses.values()):
        return "没有登记联系渠道"
    if person.role in ("duty_officer", "duty_lead"):
        return _why_not_on_duty(person, telling)
    case = notices.case_of(alert, telling.profile)
    if person.role in LEADING_ROLES:
        return _why_not_leader(person.role, case, alert)
    return _why_not_unit(person, case, alert, telling)


def _why_not_on_duty(person: Person, telling: Telling) -> str:
    if person.login in {member.login for member in telling.duty.people}:
        return "当班，但消息已被合并或排除"
    names = "、".join(member.name for member in telling.duty.people) or "无人"
    return f"发现时不当班（当班：{names}）"


def _why_not_leader(role: str, case: Case, alert: Alert) -> str:
    if alert.level is None:
        return "尚未确认定级"
    needed = 1 if role == "leader" else 2
    if case.rank > needed:
        return f"未到条件：{alert.level} 级不报{ROLE_NAMES[role]}，也没有时限升级到此"
    return "级别在确认之后调整，或消息已合并"


def _why_not_unit(person: Person, case: Case, alert: Alert, telling: Telling) -> str:
    assigned = (case.lead, *case.co, *case.guidance)
    unit = telling.profile.department(person.unit)
    if unit is not None and unit.kind == "police" and unit.id not in assigned:
        marked = {"rumor_suspect", "collective"} & set(case.flags)
        return "有谣言或聚集标记，是否转公安由人决定" if marked else "未到条件：无谣言、聚集标记"
    if alert.dispatched_at is None:
        return "尚未指派" if State(alert.state) is not State.DISMISSED else "告警已排除，未指派"
    if person.unit in telling.profile.offices.values() and person.unit not in assigned:
        return f"未到条件：{alert.level} 级不须其参加会商"
    if person.unit not in assigned:
        return "本单位未被指派"
    if person.role == "head":
        return "未到条件：没有时限用到 80%"
    return "与同一地址的他人合并通知"


def _then(alert: Alert, everyone: Directory, substitutions: Sequence[roster.Substitution], profile: Profile) -> Telling:
    duty = roster.on_duty(profile, substitutions, alert.detected_at)
    return Telling(profile=profile, directory=everyone, duty=duty)


def _find(who: str, everyone: Directory, profile: Profile) -> list[Person]:
    members = [people.from_member(member) for member in profile.roster.members]
    units = {unit.id for unit in profile.departments if who in (unit.id, unit.name, unit.short)}
    return [
        person
        for person in (*members, *everyone.people)
        if who in (person.name, person.login, *person.addresses.values()) or person.unit in units
    ]


def _name(person: Person, profile: Profile) -> str:
    return f"{people.post_of(person.unit, person.role, profile)} {person.name}"

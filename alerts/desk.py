"""The desk: the one way an alert comes into being and changes.

Every change is one transaction: the alert's row is locked, the pure machine decides, the row is updated under its
version, clocks start and stop, the event joins the chain, and the messages it causes enter the outbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from alerts import audit, cards, clocks, deadlines, grading, lifecycle, notices, owner, people, roster
from alerts.deadlines import PlannedDeadline
from alerts.lifecycle import OPEN_STATES, Action, Actor, Situation, State
from alerts.models import (
    Alert,
    AlertEvent,
    AlertPost,
    Consultation,
    Deadline,
    Instruction,
    Response,
    Statement,
)
from alerts.notices import Notice, Telling
from core.clock import SHANGHAI, aware
from core.errors import Conflict, Refused
from core.model import Finding, TaggedPost
from core.profile import Profile

__all__ = ["Action", "Command", "act", "actor_named", "allowed", "open_or_join"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody wants done to an alert."""

    alert: int
    action: Action
    #: Login, `unit:<department id>` behind a signed link, `system:<role>`.
    actor: str
    #: The version the actor saw; None acts on whatever stands now.
    version: int | None = None
    note: str = ""
    #: confirm, grade.
    level: str | None = None
    #: dispatch: department ids.
    lead: str | None = None
    co: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    #: merge: id of the alert it goes into.
    into: int | None = None
    #: pause, resume: one stage, or None for all.
    stage: str | None = None
    #: respond, authoritative, press: what was published, where and when (None: now). state: the draft. instruct: the words.
    text: str = ""
    channel: str = ""
    url: str = ""
    published_at: datetime | None = None
    #: instruct: whose words.
    leader: str = ""
    #: consult: who took part, and the findings 性质、走势、风险.
    units: tuple[str, ...] = ()
    nature: str = ""
    trend: str = ""
    risk: str = ""


@dataclass(slots=True)
class _Case:
    """One command under way: what was found, and what is to be written."""

    command: Command
    actor: Actor
    alert: Alert
    profile: Profile
    now: datetime
    situation: Situation
    to: State
    #: Columns to change.
    changes: dict[str, Any] = field(default_factory=dict)
    #: What the event says beside the note.
    said: dict[str, Any] = field(default_factory=dict)
    #: The note the event keeps; what the actor wrote unless an effect words it.
    note: str = ""


def open_or_join(
    finding: Finding,
    *,
    rule_title: str,
    severity: str | None,
    owner_hint: str | None,
    posts: Sequence[TaggedPost],
    profile: Profile,
    now: datetime,
    telling: Callable[[], Telling] | None = None,
) -> Alert:
    """Open an alert for a finding, or let the open one of its rule and key grow. Joins the caller's transaction.

    `posts` are the posts behind the finding; `severity` is the level the rule asks for at least; `telling` gives the
    people of this moment where the caller looks them up once for many findings.
    """
    telling = telling or partial(telling_at, profile, now)
    join = partial(_join, finding=finding, severity=severity, posts=posts, profile=profile, telling=telling, now=now)
    with transaction.atomic(savepoint=False):
        found = _open_one(finding)
        if found is not None:
            return join(found)
        try:
            with transaction.atomic():
                return _open(finding, rule_title, severity, owner_hint, posts, profile, telling, now)
        except IntegrityError:
            # Another worker opened it between our look and our write.
            found = _open_one(finding)
            if found is None:
                raise
            return join(found)


def act(command: Command, profile: Profile, now: datetime) -> Alert:
    """Do what the command says, all of it or nothing.

    Raises Refused with the reason in Chinese; Conflict when the alert changed since the actor saw it.
    """
    command = _cleaned(command)
    with transaction.atomic():
        alert = _locked(command)
        _check_version(command, alert, profile, now)
        actor = actor_named(command.actor)
        situation = situation_of(alert, profile)
        if reason := _refusal(command, situation, actor, profile, now):
            raise Refused(reason)
        case = _Case(
            command=command,
            actor=actor,
            alert=alert,
            profile=profile,
            now=now,
            situation=situation,
            to=lifecycle.target(command.action, situation),
            note=command.note,
        )
        _EFFECTS.get(command.action, _nothing)(case)
        _write(case)
        _run_clocks(case)
        event = _record(case)
        _tell(case, event)
        cards.refresh(alert, event, now)
        return alert


def allowed(
    alert: Alert,
    actor_roles: Collection[str],
    unit: str,
    *,
    profile: Profile | None = None,
    now: datetime | None = None,
) -> dict[Action, str]:
    """For every action the Chinese reason why these people may not do it now; empty when they may.

    Without `now` the end of the return window is not looked at, without `profile` units are not named.
    """
    situation = situation_of(alert, profile)
    actor = Actor(login="", roles=_with_office(frozenset(actor_roles), unit, profile), unit=unit)
    return {action: lifecycle.refusal(action, situation, actor, now) for action in Action}


def actor_named(name: str, profile: Profile | None = None) -> Actor:
    """Who stands behind `login`, `unit:<id>` or `system:<role>`. Raises Refused for an unknown or closed account."""
    if name.startswith("system:"):
        return Actor(login=name)
    if name.startswith("unit:"):
        return Actor(login=name, roles=frozenset({"department"}), unit=name.removeprefix("unit:"))
    user = get_user_model().objects.filter(username=name, is_active=True).first()
    if user is None:
        raise Refused(f"没有账号 {name}，或账号已停用")
    contact = getattr(user, "contact", None)
    roles = frozenset(user.groups.values_list("name", flat=True))
    return Actor(login=name, roles=roles, unit=contact.unit if contact else "")


def situation_of(alert: Alert, profile: Profile | None = None) -> Situation:
    """Gather what the machine must know of an alert."""
    rows = list(Deadline.objects.filter(alert=alert).order_by("round"))
    left = [row for row in rows if row.met_at is None and row.cancelled_at is None]
    returning = [row for row in rows if row.stage == "return_assignment"]
    statement = Statement.objects.filter(alert=alert).order_by("-version").first()
    department = profile.department(alert.lead_unit) if profile else None
    return Situation(
        state=State(alert.state),
        level=alert.level,
        lead=alert.lead_unit if alert.dispatched_at else "",
        others=(*alert.co_units, *alert.guidance_units) if alert.dispatched_at else (),
        lead_name=department.short if department else "",
        acknowledged_at=alert.acknowledged_at,
        return_until=returning[-1].due_at if returning else None,
        running=frozenset(row.stage for row in left if row.paused_at is None),
        paused=frozenset(row.stage for row in left if row.paused_at is not None),
        met=frozenset(row.stage for row in rows if row.met_at is not None),
        responses=Response.objects.filter(alert=alert, published_at__gte=alert.assessed_at).count()
        if alert.assessed_at
        else 0,
        statement=statement.text if statement else None,
        statement_agreed=bool(statement and statement.agreed_at),
        merged_number=alert.merged_into.number if alert.merged_into else "",
    )


def _cleaned(command: Command) -> Command:
    """Strip what a database cannot keep from text typed outside."""
    words = ("note", "text", "channel", "url", "leader", "nature", "trend", "risk")
    plain: dict[str, Any] = {name: _plain(getattr(command, name)) for name in words}
    return replace(command, **plain)


def _plain(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()


def _locked(command: Command) -> Alert:
    """The alert with its row locked, and the one it is to go into as well, in one order for everybody."""
    wanted = [pk for pk in (command.alert, command.into) if pk is not None]
    rows = {alert.pk: alert for alert in Alert.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    if command.alert not in rows:
        raise Refused("没有这条告警")
    return rows[command.alert]


def _check_version(command: Command, alert: Alert, profile: Profile, now: datetime) -> None:
    if command.version is None or command.version == alert.version:
        return
    last = AlertEvent.objects.filter(alert=alert).order_by("-seq").first()
    if last is None:
        raise Conflict("告警已更新，请刷新")
    label = Action(last.kind).label if last.kind in set(Action) else lifecycle.STATE_LABELS[State(alert.state)]
    raise Conflict(f"{people.name_of(last.actor, profile)} {notices.local(last.at, now)} 已{label}，已更新")


def _refusal(command: Command, situation: Situation, actor: Actor, profile: Profile, now: datetime) -> str:
    actor = replace(actor, roles=_with_office(actor.roles, actor.unit, profile))
    action = command.action
    if reason := lifecycle.refusal(action, situation, actor, now):
        return reason
    if action in lifecycle.NEEDS_NOTE and not command.note:
        return lifecycle.NEEDS_NOTE[action]
    if action in lifecycle.NEEDS_TEXT and not command.text:
        return lifecycle.NEEDS_TEXT[action]
    return _CHECKS.get(action, _no_fault)(command, situation, profile)


def _with_office(roles: frozenset[str], unit: str, profile: Profile | None) -> frozenset[str]:
    """The publicity office has a say of its own in the agreed statement."""
    is_publicity = bool(profile and unit and unit == profile.offices.get("publicity"))
    return roles | {"publicity"} if is_publicity and "department" in roles else roles


def _no_fault(command: Command, situation: Situation, profile: Profile) -> str:
    return ""


def _check_level(command: Command, situation: Situation, profile: Profile) -> str:
    if command.level is None or profile.level(command.level) is None:
        return f"级别须为 {'、'.join(level.id for level in profile.levels)} 之一"
    return "级别没有变化" if command.action is Action.GRADE and command.level == situation.level else ""


def _check_units(command: Command, situation: Situation, profile: Profile) -> str:
    if not command.lead:
        return "须指定牵头单位"
    unknown = [unit for unit in (command.lead, *command.co, *command.guidance) if profile.department(unit) is None]
    if unknown:
        return f"没有单位 {'、'.join(unknown)}"
    same = (command.lead, (*command.co, *command.guidance)) == (situation.lead, situation.others)
    return "已指派给同样的单位" if same and situation.state is not State.ASSESSED else ""


def _check_into(command: Command, situation: Situation, profile: Profile) -> str:
    into = Alert.objects.filter(pk=command.into or 0).first()
    if into is None:
        return "须指定并入哪条告警"
    if into.pk == command.alert:
        return "不能并入自身"
    if into.state not in OPEN_STATES:
        return f"{into.number} {State(into.state).label}，不能并入"
    own, other = profile.level(situation.level or ""), profile.level(into.level or "")
    if own is not None and (other is None or other.rank > own.rank):
        # The clocks of this alert end with it: those of the other must be as tight.
        return f"{into.number} 未达 {own.id} 级，请先确认或调整它的级别"
    return ""


def _check_stage(command: Command, situation: Situation, profile: Profile) -> str:
    if command.stage is None:
        return ""
    held = situation.running if command.action is Action.PAUSE else situation.paused
    name = deadlines.STAGE_NAMES.get(command.stage, command.stage)
    if command.stage in held:
        return ""
    return f"{name}没有正在走的时限" if command.action is Action.PAUSE else f"{name}没有暂停"


_CHECKS: Mapping[Action, Callable[[Command, Situation, Profile], str]] = {
    Action.CONFIRM: _check_level,
    Action.GRADE: _check_level,
    Action.DISPATCH: _check_units,
    Action.MERGE: _check_into,
    Action.PAUSE: _check_stage,
    Action.RESUME: _check_stage,
}


def _nothing(case: _Case) -> None:
    """The state and the clocks say it all."""


def _grade(case: _Case) -> None:
    case.changes["level"] = case.command.level
    if case.command.action is Action.CONFIRM:
        case.changes["assessed_at"] = case.now


def _dispatch(case: _Case) -> None:
    command, alert = case.command, case.alert
    lead_stays = case.situation.lead == command.lead and case.situation.state is not State.ASSESSED
    if lead_stays:
        case.to = case.situation.state
    else:
        case.changes["acknowledged_at"] = None
    case.changes |= {
        "lead_unit": command.lead,
        "co_units": list(command.co),
        "guidance_units": list(command.guidance),
        "needs_review": False,
    }
    if not lead_stays or alert.dispatched_at is None:
        case.changes["dispatched_at"] = case.now
    case.said["new_lead"] = not lead_stays


def _acknowledge(case: _Case) -> None:
    others = set(case.situation.others) - {case.situation.lead}
    if case.actor.unit in others:
        # A co-handling unit signs for itself; the alert waits for its lead.
        case.to = case.situation.state
        case.said["unit"] = case.actor.unit
        return
    case.changes["acknowledged_at"] = case.now
    case.said["unit"] = case.situation.lead


def _return(case: _Case) -> None:
    case.said["unit"] = case.situation.lead
    case.changes |= {
        "returned_count": F("returned_count") + 1,
        "dispatched_at": None,
        "acknowledged_at": None,
        "needs_review": True,
    }


def _handle(case: _Case) -> None:
    if case.alert.handling_at is None:
        case.changes["handling_at"] = case.now


def _publish(case: _Case) -> None:
    command = case.command
    if command.text or command.url:
        Response.objects.create(
            alert=case.alert,
            text=command.text,
            channel=command.channel[:64],
            url=command.url[:500],
            published_at=aware(command.published_at) if command.published_at else case.now,
            actor=command.actor,
        )
    case.said |= {"channel": command.channel, "url": command.url}
    case.note = command.note or command.text
    if command.action is Action.RESPOND and case.alert.responded_at is None:
        case.changes["responded_at"] = case.now
        if case.alert.handling_at is None:
            case.changes["handling_at"] = case.now


def _close(case: _Case) -> None:
    case.changes["closed_at"] = case.now


def _reopen(case: _Case) -> None:
    case.changes["reopened_count"] = F("reopened_count") + 1
    fresh = ("closed_at", "responded_at", "handling_at", "acknowledged_at", "dispatched_at")
    case.changes |= dict.fromkeys(fresh)
    if case.to is State.ASSESSED:
        case.changes["assessed_at"] = case.now
    else:
        case.changes |= {"assessed_at": None, "level": None}


def _merge(case: _Case) -> None:
    """Give the evidence to the other alert; both chains tell of it."""
    into = Alert.objects.get(pk=case.command.into or 0)
    case.changes["merged_into_id"] = into.pk
    case.said["into"] = into.number
    posts = AlertPost.objects.filter(alert=case.alert).order_by("id")
    _add_evidence(into, [(row.post, row.source) for row in posts], case.now)
    audit.append(
        into,
        at=case.now,
        actor=case.command.actor,
        kind="absorb",
        note=f"{case.alert.number} 并入本条",
        data={"from": case.alert.number},
    )


def _pause(case: _Case) -> None:
    case.said["stages"] = clocks.pause(case.alert, case.command.stage, case.command.note, case.now)


def _resume(case: _Case) -> None:
    case.said["stages"] = clocks.resume(case.alert, case.command.stage, case.now, case.profile)


def _consult(case: _Case) -> None:
    command = case.command
    Consultation.objects.create(
        alert=case.alert,
        at=case.now,
        convened_by=command.actor,
        units=list(command.units),
        nature=command.nature,
        trend=command.trend,
        risk=command.risk,
    )
    case.said |= {"units": list(command.units)}
    case.note = command.note or f"召集 {len(command.units)} 家单位会商"


def _state(case: _Case) -> None:
    version = Statement.objects.filter(alert=case.alert).count() + 1
    Statement.objects.create(
        alert=case.alert, version=version, text=case.command.text, at=case.now, actor=case.command.actor
    )
    case.said["statement"] = version
    case.note = case.command.note or f"口径第 {version} 稿"


def _agree(case: _Case) -> None:
    newest = Statement.objects.filter(alert=case.alert).order_by("-version")[0]
    Statement.objects.filter(pk=newest.pk).update(agreed_at=case.now, agreed_by=case.command.actor)
    case.said["statement"] = newest.version
    case.note = case.command.note or f"口径第 {newest.version} 稿核定"


def _instruct(case: _Case) -> None:
    Instruction.objects.create(
        alert=case.alert,
        leader=case.command.leader[:64] or case.command.actor,
        text=case.command.text,
        at=case.now,
        entered_by=case.command.actor,
    )
    case.said["leader"] = case.command.leader or case.command.actor
    case.note = case.command.text
    if case.alert.level is None:
        case.changes |= _suggestion_columns(
            _suggest_again(case.alert, (), {}, None, case.profile, case.now, instructed=True)
        )


_EFFECTS: Mapping[Action, Callable[[_Case], None]] = {
    Action.CONFIRM: _grade,
    Action.GRADE: _grade,
    Action.DISPATCH: _dispatch,
    Action.ACKNOWLEDGE: _acknowledge,
    Action.RETURN: _return,
    Action.HANDLE: _handle,
    Action.FEEDBACK: _handle,
    Action.REPORT: _handle,
    Action.AUTHORITATIVE: _publish,
    Action.PRESS: _publish,
    Action.RESPOND: _publish,
    Action.CLOSE: _close,
    Action.REOPEN: _reopen,
    Action.MERGE: _merge,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.CONSULT: _consult,
    Action.STATE: _state,
    Action.AGREE: _agree,
    Action.INSTRUCT: _instruct,
}


def _write(case: _Case) -> None:
    """Update the row if nobody changed it since it was read."""
    alert = case.alert
    columns = {**case.changes, "state": case.to.value, "version": alert.version + 1}
    try:
        # Only reopening can collide with another alert, and only then a savepoint is worth its cost.
        with transaction.atomic() if case.command.action is Action.REOPEN else nullcontext():
            changed = Alert.objects.filter(pk=alert.pk, version=alert.version).update(**columns)
    except IntegrityError as error:
        raise Refused("同一规则、同一对象已有未结告警，请在那一条办理或并入") from error
    if changed != 1:
        raise Conflict("告警已被他人更新，请刷新")
    alert.refresh_from_db()


def _run_clocks(case: _Case) -> None:
    """Stop what the action fulfils, end what lost its meaning, start what begins."""
    action, alert, now = case.command.action, case.alert, case.now
    if not (action is Action.ACKNOWLEDGE and case.to is case.situation.state):
        case.said["met"] = clocks.meet(alert, lifecycle.MEETS.get(action, ()), now)
    ending = lifecycle.ends(action, case.to)
    if ending is None or ending:
        case.said["cancelled"] = clocks.cancel(alert, ending, now)
    match action:
        case Action.CONFIRM:
            _start(case, lambda stage: stage not in deadlines.FROM_DETECTION)
        case Action.GRADE:
            _restart_for_level(case)
        case Action.DISPATCH if case.said.get("new_lead"):
            _restart_for_lead(case)
        case Action.RETURN:
            _start(case, lambda stage: stage == "dispatch")
        case Action.FOLLOW_UP:
            _start(case, lambda stage: stage in deadlines.RECURRING)
        case Action.REOPEN if case.to is State.ASSESSED:
            _start(case, lambda stage: stage in lifecycle.RESTARTED)
        case Action.REOPEN:
            case.said["started"] = clocks.start(alert, _confirmation(alert, case.profile, now))


def _start(case: _Case, wanted: Callable[[str], bool], *, since: datetime | None = None) -> None:
    """Start the stages of the alert's level that are wanted, counted from `since` (now)."""
    since = since or case.now
    planned = deadlines.plan(
        case.alert.level or case.alert.suggested_level,
        detected_at=case.alert.detected_at,
        confirmed_at=since,
        profile=case.profile,
    )
    started = clocks.start(case.alert, [deadline for deadline in planned if wanted(deadline.stage)])
    case.said["started"] = [*case.said.get("started", ()), *started]


def _restart_for_level(case: _Case) -> None:
    """Give what is still owed the windows of the new level, counted from the confirmation."""
    since = case.alert.assessed_at or case.now
    done = case.situation.met | deadlines.FROM_DETECTION | deadlines.RECURRING
    case.said["cancelled"] = clocks.cancel(case.alert, None, case.now)
    past_dispatch = {"dispatch"} if case.situation.lead else set()
    lapsed = {"return_assignment"} if case.alert.acknowledged_at else set()
    _start(case, lambda stage: stage not in done | past_dispatch | lapsed, since=since)
    reported = clocks.last_met(case.alert, deadlines.RECURRING)
    _start(case, lambda stage: stage in deadlines.RECURRING, since=reported or since)


def _restart_for_lead(case: _Case) -> None:
    """A unit told only now gets its own windows for signing and returning, unless the first ones still run."""
    running = set(clocks.running(case.alert).values_list("stage", flat=True))
    changed = bool(case.situation.lead) or case.alert.returned_count > 0
    if changed:
        clocks.cancel(case.alert, lifecycle.FOR_NEW_LEAD, case.now)
        running -= set(lifecycle.FOR_NEW_LEAD)
    _start(case, lambda stage: stage in lifecycle.FOR_NEW_LEAD and stage not in running)


def _confirmation(alert: Alert, profile: Profile, since: datetime) -> list[PlannedDeadline]:
    """The clock of the duty officer."""
    windows = (
        deadlines.find_window(stage, alert.suggested_level, profile) for stage in sorted(deadlines.FROM_DETECTION)
    )
    return [deadlines.date_window(window, since, profile) for window in windows if window is not None]


def _record(case: _Case) -> AlertEvent:
    accounted = {name: getattr(case.alert, name) for name in audit.ACCOUNTED if name in case.changes}
    data = {key: value for key, value in case.said.items() if value not in ([], "", None)}
    if accounted:
        data["changes"] = accounted
    return audit.append(
        case.alert,
        at=case.now,
        actor=case.command.actor,
        kind=case.command.action.value,
        from_state=case.situation.state.value,
        to_state=case.to.value,
        note=case.note,
        data=data,
    )


def _tell(case: _Case, event: AlertEvent) -> None:
    """Put the messages an action causes into the outbox."""
    telling = telling_at(case.profile, case.now)
    found, title, text = _messages(case, telling)
    if found:
        notices.send(case.alert, found, cause=event.seq, title=title, text=text, profile=case.profile, now=case.now)


def telling_at(profile: Profile, now: datetime) -> Telling:
    """The people of this moment."""
    return Telling(
        profile=profile,
        directory=people.load(profile),
        duty=roster.on_duty(profile, people.load_substitutions(), now),
    )


def _messages(case: _Case, telling: Telling) -> tuple[list[Notice], str, str]:
    """Who hears of the action, and in what words."""
    alert, action = case.alert, case.command.action
    facts = notices.case_of(alert, case.profile)
    title = f"{action.label}：{alert.title}"
    match action:
        case Action.CONFIRM | Action.GRADE:
            return notices.for_level(facts, telling), title, _level_text(case)
        case Action.DISPATCH:
            return notices.for_dispatch(facts, telling), title, _dispatch_text(case)
        case Action.RETURN:
            unit = _short(case.situation.lead, case.profile)
            reason = f"{unit}退回，须重新指派"
            return notices.for_new(facts, telling, kind="returned", reason=reason), title, f"{unit}退回：{case.note}"
        case Action.FLASH | Action.FOLLOW_UP:
            kind = "flash_report" if action is Action.FLASH else "follow_up_report"
            return notices.for_leaders(facts, telling, kind=kind), title, case.note or alert.reason
        case Action.INSTRUCT:
            words = f"{case.said['leader']}批示：{case.note}"
            return notices.for_units(facts, telling, kind="instruction", reason="批示转办"), title, words
        case Action.REMIND:
            return (
                notices.for_units(facts, telling, kind="reminder", reason="值班室催办"),
                title,
                case.note or "请抓紧办理。",
            )
        case Action.CLOSE | Action.REOPEN | Action.RESPOND | Action.FEEDBACK | Action.REPORT if case.actor.unit:
            unit = _short(case.actor.unit, case.profile)
            return notices.for_duty(facts, telling, kind="progress", reason="当班"), title, f"{unit}：{case.note}"
    return [], title, ""


def _level_text(case: _Case) -> str:
    level = case.profile.level(case.alert.level or "")
    name = f"{level.id} 级（{level.name}）" if level else ""
    because = f"理由：{case.note}。" if case.note else ""
    return f"定为 {name}。{because}{case.alert.reason}"


def _dispatch_text(case: _Case) -> str:
    alert, profile = case.alert, case.profile
    parts = [f"牵头 {_short(alert.lead_unit, profile)}"]
    for label, units in (("协办", alert.co_units), ("业务指导", alert.guidance_units)):
        if units:
            parts.append(f"{label} {'、'.join(_short(unit, profile) for unit in units)}")
    due = dict(clocks.running(alert).values_list("stage", "due_at"))
    asks = []
    if "acknowledge" in due:
        asks.append(f"请于 {notices.local(due['acknowledge'], case.now)} 前签收")
    if "return_assignment" in due:
        asks.append(f"指派有误的，{notices.local(due['return_assignment'], case.now)} 前写明理由退回")
    return "；".join(parts) + "。" + alert.reason + ("\n" + "；".join(asks) + "。" if asks else "")


def _short(unit_id: str, profile: Profile) -> str:
    unit = profile.department(unit_id)
    return unit.short if unit else unit_id


def _open_one(finding: Finding) -> Alert | None:
    same = Alert.objects.filter(rule=finding.rule, key=finding.key[:256], state__in=OPEN_STATES)
    found = next(iter(same.values_list("pk", flat=True)), None)
    return None if found is None else same.select_for_update().filter(pk=found).first()


def _open(
    finding: Finding,
    rule_title: str,
    severity: str | None,
    owner_hint: str | None,
    posts: Sequence[TaggedPost],
    profile: Profile,
    telling: Callable[[], Telling],
    now: datetime,
) -> Alert:
    topic = _main_topic(posts)
    picture = grading.picture(posts, finding.values, topic=topic, now=now, severity=severity)
    suggestion = grading.suggest(picture, profile)
    suggested = owner.suggest(posts, profile, hint=owner_hint)
    evidence = _evidence(finding, posts)
    alert = Alert(
        number=_next_number(now),
        title=_title(finding, rule_title, posts),
        rule=finding.rule,
        rule_title=rule_title[:200],
        key=finding.key[:256],
        incident=finding.incident,
        reason=finding.reason,
        values=dict(finding.values),
        topic=topic,
        flags=sorted(picture.flags),
        jurisdiction=suggested.jurisdiction[:200],
        lead_unit=suggested.lead,
        co_units=list(suggested.co),
        guidance_units=list(suggested.guidance),
        owner_reasons=list(suggested.reasons),
        needs_review=suggested.needs_review,
        first_post_at=min((tagged.post.published_at for tagged in posts), default=None),
        detected_at=now,
        post_count=len(evidence),
        source_count=len({source for _, source in evidence if source}),
        **_suggestion_columns(suggestion),
    )
    planned = _confirmation(alert, profile, now)
    event = audit.append(
        alert,
        at=now,
        actor="system:rules",
        kind="open",
        to_state=State.DETECTED.value,
        note=f"规则“{rule_title or finding.rule}”，建议 {suggestion.level} 级",
        data={
            "started": [deadline.stage for deadline in planned],
            "suggested": suggestion.level,
            "score": suggestion.score,
            "rule": finding.rule,
        },
    )
    AlertPost.objects.bulk_create(
        AlertPost(alert=alert, post=post, source=source, added_at=now) for post, source in evidence
    )
    clocks.begin(alert, planned)
    _announce(alert, event, "new_alert", planned[0].due_at if planned else None, telling(), now)
    return alert


def _join(
    alert: Alert,
    *,
    finding: Finding,
    severity: str | None,
    posts: Sequence[TaggedPost],
    profile: Profile,
    telling: Callable[[], Telling],
    now: datetime,
) -> Alert:
    """Add the evidence; while nobody has graded the alert, suggest again and say aloud when it got graver."""
    before = profile.level(alert.suggested_level)
    fresh = _add_evidence(alert, _evidence(finding, posts), now)
    suggestion = _suggest_again(alert, posts, finding.values, severity, profile, now)
    flags = sorted({*alert.flags, *(flag for tagged in posts for flag in tagged.tags.flags)})
    news = [grading.FLAG_NAMES.get(flag, flag) for flag in flags if flag not in alert.flags]
    columns: dict[str, Any] = {"flags": flags, "incident": alert.incident or finding.incident}
    after = profile.level(suggestion.level)
    graver = bool(before and after and after.rank < before.rank)
    if alert.level is None and graver:
        columns |= _suggestion_columns(suggestion)
    Alert.objects.filter(pk=alert.pk).update(**columns)
    alert.refresh_from_db()
    marks = f"；新增标记 {'、'.join(news)}" if news else ""
    event = audit.append(
        alert,
        at=now,
        actor="system:rules",
        kind="join",
        note=f"再次命中，新增 {fresh} 帖{marks}",
        data={"posts": fresh, "flags": news, "suggested": suggestion.level},
    )
    if graver and (alert.level is None or _graver_than_graded(alert, suggestion.level, profile)):
        due = clocks.running(alert).filter(stage="confirm").values_list("due_at", flat=True).first()
        _announce(alert, event, "graver", due, telling(), now)
    return alert


def _graver_than_graded(alert: Alert, level_id: str, profile: Profile) -> bool:
    graded, suggested = profile.level(alert.level or ""), profile.level(level_id)
    return bool(graded and suggested and suggested.rank < graded.rank)


def _suggest_again(
    alert: Alert,
    posts: Sequence[TaggedPost],
    values: Mapping[str, Any],
    severity: str | None,
    profile: Profile,
    now: datetime,
    *,
    instructed: bool = False,
) -> grading.Suggestion:
    picture = grading.picture(
        posts,
        values or alert.values,
        topic=alert.topic,
        now=now,
        flags=frozenset(alert.flags),
        severity=severity,
        instructed=instructed or Instruction.objects.filter(alert=alert).exists(),
    )
    return grading.suggest(picture, profile)


def _suggestion_columns(suggestion: grading.Suggestion) -> dict[str, Any]:
    return {
        "suggested_level": suggestion.level,
        "suggested_score": suggestion.score,
        "suggestion": [part.as_row() for part in suggestion.parts],
    }


def _announce(
    alert: Alert, event: AlertEvent, kind: str, due: datetime | None, telling: Telling, now: datetime
) -> None:
    """Tell the people on duty of a new or graver alert."""
    found = notices.for_new(notices.case_of(alert, telling.profile), telling, kind=kind)
    asks = f"请于 {notices.local(due, now)} 前确认。" if due else ""
    title = f"{'新告警' if kind == 'new_alert' else '建议级别升高'}：{alert.title}"
    text = f"规则“{alert.rule_title or alert.rule}”：{alert.reason}\n建议 {alert.suggested_level} 级（{alert.suggested_score} 分）。{asks}"
    notices.send(alert, found, cause=event.seq, title=title, text=text, profile=telling.profile, now=now)


def _next_number(now: datetime) -> str:
    """`2026-0042`; the row of the year is the queue, so numbers have no gaps."""
    year = now.astimezone(SHANGHAI).year
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alerts_alertnumber (year, last) VALUES (%s, 1)"
            " ON CONFLICT (year) DO UPDATE SET last = alerts_alertnumber.last + 1 RETURNING last",
            [year],
        )
        (last,) = cursor.fetchone()
    return f"{year}-{last:04d}"


def _evidence(finding: Finding, posts: Sequence[TaggedPost]) -> list[tuple[str, str]]:
    sources = {tagged.post.id: tagged.post.source for tagged in posts}
    return [(post, sources.get(post, "")) for post in dict.fromkeys((*finding.evidence, *sources))]


def _add_evidence(alert: Alert, posts: Sequence[tuple[str, str]], now: datetime) -> int:
    """Keep each post once and bring the counts up to date; return how many were new."""
    known = set(AlertPost.objects.filter(alert=alert).values_list("post", flat=True))
    fresh = [
        AlertPost(alert=alert, post=post, source=source, added_at=now) for post, source in posts if post not in known
    ]
    AlertPost.objects.bulk_create(fresh)
    rows = AlertPost.objects.filter(alert=alert)
    alert.post_count = rows.count()
    alert.source_count = rows.exclude(source="").values("source").distinct().count()
    Alert.objects.filter(pk=alert.pk).update(post_count=alert.post_count, source_count=alert.source_count)
    return len(fresh)


def _main_topic(posts: Sequence[TaggedPost]) -> str:
    scores: dict[str, float] = {}
    for tagged in posts:
        for topic in tagged.tags.topics[:1]:
            scores[topic.id] = scores.get(topic.id, 0.0) + topic.score
    return max(scores, key=scores.__getitem__, default="")


def _title(finding: Finding, rule_title: str, posts: Sequence[TaggedPost]) -> str:
    """The headline most posts carry, else the rule and its key."""
    headlines = Counter(tagged.post.title for tagged in reversed(posts) if tagged.post.title)
    if headlines:
        return headlines.most_common(1)[0][0][:200]
    return (f"{rule_title or finding.rule}：{finding.key}" if finding.key else rule_title or finding.rule)[:200]

"""Drafts as rows: made once for each period or cause, composed again on demand until they are reviewed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from alerts import people, roster
from alerts.models import Handover
from briefings import cases, gather, notices, periods
from briefings import document as documents
from briefings.compose import case, circular, handover, weekly
from briefings.compose.head import KIND_TITLES, head
from briefings.document import Document, Head
from briefings.models import Briefing, Step
from briefings.periods import Period
from core.clock import SHANGHAI
from core.errors import ConfigError, Refused
from core.ports import PostStore
from core.profile import Profile

log = logging.getLogger(__name__)

PERIODICALS = {"weekly": periods.week, "daily": periods.day, "monthly": periods.month}
SYSTEM = "system:schedule"
#: Mondays from then on the draft of the last week is due, local time.
DUE_HOUR = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What drafting needs of the surroundings."""

    profile: Profile
    store: PostStore
    now: datetime
    actor: str = SYSTEM


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A briefing to be drafted: its name, and how it is composed once its number is known."""

    ref: str
    kind: str
    subject: str
    year: int
    #: None: the next of the year.
    issue: int | None
    compose: Callable[[Head], Document]


def draft(
    kind: str, subject: str, *, profile: Profile, store: PostStore, now: datetime, actor: str = SYSTEM
) -> Briefing:
    """A new draft, the draft composed again, or what is already under review, as it stands.

    `subject`: a week, day or month; an alert's number (flash, follow_up); an incident's id (special); a month
    (circular); `current` (handover). Raises ConfigError.
    """
    if kind not in KIND_TITLES:
        raise ConfigError(f"没有这种简报：{kind}；可用：{'、'.join(KIND_TITLES)}")
    desk = Desk(profile=profile, store=store, now=now, actor=actor)
    plan = _PLANS[kind](kind, subject.strip(), desk)
    found = Briefing.objects.filter(ref=plan.ref).first()
    if found is not None and found.state != Briefing.State.DRAFT:
        return found
    issue = found.issue if found else plan.issue or next_issue(kind, plan.year)
    return _save(plan, plan.compose(head(kind, issue, profile, now)), issue, desk)


def again(briefing: Briefing, *, profile: Profile, store: PostStore, now: datetime, actor: str) -> Briefing:
    """Compose a draft again from what stands now; edits stay."""
    return draft(briefing.kind, briefing.subject, profile=profile, store=store, now=now, actor=actor)


def draft_due(now: datetime, *, profile: Profile, store: PostStore) -> Briefing | None:
    """From Monday 08:00 on draft last week's briefing and tell those on duty, once; None when there is nothing to do."""
    here = now.astimezone(SHANGHAI)
    if here.weekday() == 0 and here.hour < DUE_HOUR:
        return None
    week = periods.week("last", now)
    if Briefing.objects.filter(ref=f"weekly-{week.id}").exists():
        return None
    briefing = draft("weekly", week.id, profile=profile, store=store, now=now)
    with transaction.atomic():
        notices.drafted(briefing, documents.from_json(briefing.body), profile, now)
    log.info("briefing drafted", extra={"briefing": briefing.ref})
    return briefing


def _periodical(kind: str, subject: str, desk: Desk) -> Plan:
    period = PERIODICALS[kind](subject, desk.now)

    def compose(head: Head) -> Document:
        facts = gather.gather(period, profile=desk.profile, store=desk.store, now=desk.now)
        return weekly.compose(kind, facts, head)

    return Plan(
        ref=f"{kind}-{period.id}",
        kind=kind,
        subject=period.id,
        year=_year(period),
        issue=_issue(kind, period),
        compose=compose,
    )


def _flash(kind: str, subject: str, desk: Desk) -> Plan:
    facts = cases.of_alert(subject, profile=desk.profile, store=desk.store, now=desk.now)
    return _plan(f"flash-{subject}", kind, subject, desk, lambda head: case.flash(facts, head))


def _follow_up(kind: str, subject: str, desk: Desk) -> Plan:
    """The next 续报: after the newest report on the alert that is no draft of a follow-up itself."""
    mine = Briefing.objects.filter(kind="follow_up", subject=subject).order_by("pk")
    done = mine.exclude(state=Briefing.State.DRAFT)
    before = Briefing.objects.filter(kind__in=("flash", "follow_up"), subject=subject).exclude(
        kind="follow_up", state=Briefing.State.DRAFT
    )
    since = before.order_by("composed_at").values_list("composed_at", flat=True).last()
    facts = cases.of_alert(subject, profile=desk.profile, store=desk.store, now=desk.now, since=since)
    ref = f"follow_up-{subject}-{done.count() + 1}"
    return _plan(ref, kind, subject, desk, lambda head: case.follow_up(facts, head))


def _special(kind: str, subject: str, desk: Desk) -> Plan:
    facts = cases.of_incident(subject, profile=desk.profile, store=desk.store, now=desk.now)
    return _plan(f"special-{subject}", kind, subject, desk, lambda head: case.special(facts, head))


def _circular(kind: str, subject: str, desk: Desk) -> Plan:
    period = periods.month(subject, desk.now)
    facts = gather.handling(period, profile=desk.profile, store=desk.store, now=desk.now)
    return _plan(f"circular-{period.id}", kind, period.id, desk, lambda head: circular.compose(facts, head))


def _handover(kind: str, subject: str, desk: Desk) -> Plan:
    """The turn that runs (`current`), or the one that began at `20261119T2000`."""
    at = desk.now if subject == "current" else _moment(subject)
    duty = roster.on_duty(desk.profile, people.load_substitutions(), at)
    if duty.start is None or duty.end is None:
        raise ConfigError("排班表上此时无人当班，不能生成交接班摘要")
    period = periods.shift(duty.start, duty.end, desk.now)
    facts = gather.handling(period, profile=desk.profile, store=desk.store, now=desk.now)
    names = [member.name for member in duty.people]
    row = Handover.objects.filter(start=duty.start).order_by("-pk").first()
    notes = row.notes if row else ""
    return _plan(
        f"handover-{period.id}",
        kind,
        period.id,
        desk,
        lambda head: handover.compose(facts, head, people=names, notes=notes),
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise ConfigError(f"不是班次：{text}；写作 current 或 20261119T2000") from error


def _plan(ref: str, kind: str, subject: str, desk: Desk, compose: Callable[[Head], Document]) -> Plan:
    year = desk.now.astimezone(SHANGHAI).year
    return Plan(ref=ref, kind=kind, subject=subject, year=year, issue=None, compose=compose)


_PLANS: dict[str, Callable[[str, str, Desk], Plan]] = {
    **dict.fromkeys(PERIODICALS, _periodical),
    "flash": _flash,
    "follow_up": _follow_up,
    "special": _special,
    "circular": _circular,
    "handover": _handover,
}


def _save(plan: Plan, composed: Document, issue: int, desk: Desk) -> Briefing:
    """Write a draft, new or composed again; edits stay. Raises Refused once it is under review."""
    body = documents.to_json(composed)
    with transaction.atomic():
        briefing, is_new = Briefing.objects.get_or_create(
            ref=plan.ref,
            defaults={
                "kind": plan.kind,
                "subject": plan.subject,
                "year": plan.year,
                "issue": issue,
                "body": body,
                "composed_at": desk.now,
            },
        )
        if not is_new:
            mine = Briefing.objects.filter(pk=briefing.pk, version=briefing.version, state=Briefing.State.DRAFT)
            if mine.update(body=body, composed_at=desk.now, version=briefing.version + 1) != 1:
                raise Refused("简报已送审，不能重新取数")
            briefing.refresh_from_db()
        kind = "draft" if is_new else "recompose"
        Step.objects.create(briefing=briefing, kind=kind, actor=desk.actor, actor_name=_name(desk), at=desk.now)
    return briefing


def _name(desk: Desk) -> str:
    """The actor in words; the system calls itself so."""
    if desk.actor.startswith("system:"):
        return "系统"
    member = next((member for member in desk.profile.roster.members if member.login == desk.actor), None)
    return member.name if member else desk.actor


def next_issue(kind: str, year: int) -> int:
    """The number after the last of the year."""
    last = Briefing.objects.filter(kind=kind, year=year).aggregate(last=Max("issue"))["last"]
    return (last or 0) + 1


def _issue(kind: str, period: Period) -> int:
    """Weeks, days and months are numbered by the calendar, so that a missing one shows."""
    if kind == "weekly":
        return period.first_day.isocalendar().week
    return period.first_day.timetuple().tm_yday if kind == "daily" else period.first_day.month


def _year(period: Period) -> int:
    return period.first_day.isocalendar().year if "W" in period.id else period.first_day.year

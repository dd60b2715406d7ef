"""交接班 and 大屏."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from alerts import statistics
from alerts.deadlines import STAGE_NAMES
from alerts.models import OPEN_STATES, Alert, AlertEvent, Handover, Notification
from console import charts, deps, duty, feed
from console.access import officer, page
from console.context import TROUBLE
from console.feed import Ask, Group, Tab
from console.roles import Officer, Page, may_open
from core.clock import SHANGHAI
from core.errors import CaifengError
from core.profile import Profile
from core.query import Everything
from crawlers.models import SourceState
from storage.models import Incident

LISTED = 20
WALL_CLOCKS, WALL_INCIDENTS = 5, 5
WEEK = timedelta(days=7)
RATES = ("acknowledge", "first_feedback", "public_response", "closure")


@page(Page.HANDOVER)
@require_GET
def handover(request: HttpRequest) -> HttpResponse:
    """The running shift in figures, what is left open, and the record of handovers."""
    who, now, profile = officer(request), deps.now(), deps.profile()
    turn = duty.turn(duty.load(profile, now), now)
    waiting = list(feed.ordered(feed.asked(Ask(), who, turn, now))[:LISTED])
    context = {
        "turn_now": turn,
        "summary": summary(turn, now),
        "rows": feed.rows(waiting, who, profile, turn, now),
        "waiting": Alert.objects.filter(state__in=OPEN_STATES).count(),
        "past": list(Handover.objects.order_by("-end", "-id")[:30]),
        "current": Handover.objects.filter(start=turn.start).order_by("-id").first(),
        "members": profile.roster.members,
        "may_sign": may_open(Page.HANDOVER_SIGN, who.roles),
    }
    return render(request, "console/handover.html", context)


def summary(turn: duty.Turn, now: datetime) -> dict[str, int]:
    """What happened in a shift, counted from the rows."""
    new = Alert.objects.filter(detected_at__gte=turn.start, detected_at__lt=now)
    events = AlertEvent.objects.filter(at__gte=turn.start, at__lt=now)
    told = Notification.objects.filter(created_at__gte=turn.start, created_at__lt=now)
    standing = feed.standing(feed.with_due(Alert.objects.filter(state__in=OPEN_STATES)), turn, now)
    groups = standing.groups
    return {
        "新告警": new.count(),
        "确认": events.filter(kind="confirm").count(),
        "排除": events.filter(kind="dismiss").count(),
        "指派": events.filter(kind="dispatch").count(),
        "退回": events.filter(kind="return").count(),
        "办结": events.filter(kind="close").count(),
        "督办": told.filter(kind="supervision_order").count(),
        "通知失败": told.filter(state=Notification.Sending.FAILED).count(),
        "未结": standing.all,
        "超时": groups[Group.OVER],
        "30 分钟内到时": groups[Group.SOON],
        "本班内到时": groups[Group.SOON] + groups[Group.SHIFT],
    }


@page(Page.HANDOVER_SIGN)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """The outgoing officer signs: the figures are frozen with the notes."""
    who, now = officer(request), deps.now()
    turn = duty.turn(duty.load(deps.profile(), now), now)
    notes = request.POST.get("notes", "").strip()[:5000]
    if Handover.objects.filter(start=turn.start, outgoing_signed_at__isnull=False).exists():
        messages.error(request, "本班已交出，等待接班人签收")
        return redirect("handover")
    Handover.objects.create(
        start=turn.start,
        end=turn.end,
        summary=summary(turn, now),
        notes=notes,
        outgoing=who.login,
        outgoing_signed_at=now,
    )
    messages.success(request, "已交出，等待接班人签收")
    return redirect("handover")


@page(Page.HANDOVER_SIGN)
@require_POST
def sign_in(request: HttpRequest, pk: int) -> HttpResponse:
    """The incoming officer signs; not the one who handed over, and only once."""
    who = officer(request)
    taken = (
        Handover.objects.filter(pk=pk, incoming_signed_at=None, outgoing_signed_at__isnull=False)
        .exclude(outgoing=who.login)
        .update(incoming=who.login, incoming_signed_at=deps.now())
    )
    messages.success(request, "已接班") if taken else messages.error(request, "已有人接班，或须由另一人签收")
    return redirect("handover")


@page(Page.WALL)
@require_GET
def wall(request: HttpRequest) -> HttpResponse:
    """The wallboard: big, dark, renewed by the live feed."""
    return render(request, "console/wall.html", wall_context(officer(request)))


@page(Page.WALL)
@require_GET
def wall_body(request: HttpRequest) -> HttpResponse:
    """The part of the wallboard that is renewed."""
    return render(request, "console/wall_body.html", wall_context(officer(request)))


def wall_context(who: Officer) -> dict[str, Any]:
    """Everything the wallboard shows."""
    now, profile = deps.now(), deps.profile()
    turn = duty.turn(duty.load(profile, now), now)
    opened = feed.asked(Ask(), who, turn, now)
    urgent = list(feed.ordered(opened)[:WALL_CLOCKS])
    return {
        "tabs": feed.counts(feed.standing(feed.opened(who), turn, now), who, turn, now),
        "levels": _wall_levels(who, turn, profile, now),
        "rows": feed.rows(urgent, who, profile, turn, now),
        "incidents": wall_incidents(),
        "rates": rates(now),
        "sources": _sources(),
        **_volume(now),
    }


def _wall_levels(who: Officer, turn: duty.Turn, profile: Profile, now: datetime) -> list[dict[str, Any]]:
    numbers = feed.level_counts(feed.asked(Ask(), who, turn, now))
    over = feed.level_counts(feed.asked(Ask(tab=Tab.OVER), who, turn, now))
    soon = feed.level_counts(feed.asked(Ask(tab=Tab.SOON), who, turn, now))
    return [
        {
            "level": level,
            "count": numbers.get(level.id, 0),
            "over": over.get(level.id, 0),
            "soon": soon.get(level.id, 0),
        }
        for level in sorted(profile.levels, key=lambda level: level.rank)
    ]


def wall_incidents() -> list[dict[str, Any]]:
    """The hottest incidents with their gravest open alert."""
    rows = list(Incident.objects.filter(merged_into=None).order_by("-warmth", "id")[:WALL_INCIDENTS])
    alerts: dict[str, Alert] = {}
    for alert in Alert.objects.filter(incident__in=[row.id for row in rows], state__in=OPEN_STATES).order_by(
        "detected_at"
    ):
        alerts.setdefault(alert.incident or "", alert)
    return [{"row": row, "alert": alerts.get(row.id)} for row in rows]


def rates(now: datetime) -> list[tuple[str, statistics.Rate]]:
    """On-time rates of the last seven days, with numerator and denominator; `—` without a denominator."""
    found = {row.stage: row.on_time for row in statistics.stage_times(now - WEEK, now)}
    nothing = statistics.Rate(part=0, whole=0)
    return [(STAGE_NAMES[stage], found.get(stage, nothing)) for stage in RATES]


def _sources() -> dict[str, int]:
    tally = dict(SourceState.objects.values_list("health").annotate(n=Count("source")).order_by())
    return {
        "all": sum(tally.values()),
        "ok": tally.get(SourceState.Health.OK, 0),
        "silent": tally.get(SourceState.Health.SILENT, 0),
        "trouble": sum(tally.get(name, 0) for name in TROUBLE) - tally.get(SourceState.Health.SILENT, 0),
    }


def _volume(now: datetime) -> dict[str, Any]:
    """Posts by the hour for a day."""
    hour = timedelta(hours=1)
    end = now.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0) + hour
    try:
        found = deps.post_store().histogram(Everything(), start=end - 24 * hour, end=end, step=hour)
    except CaifengError:
        return {"chart": None, "total": None}
    chart = charts.bars(found, start=end - 24 * hour, end=end, step=hour, width=740, height=380)
    return {"chart": chart, "total": sum(chart.totals.values())}

"""值班台: the feed of alerts, its tabs, single rows and the preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alerts import statistics
from alerts.models import Alert
from console import deps, duty, feed
from console.access import alert_or_404, officer, page, visible_alerts
from console.clocks import moment
from console.feed import GROUP_NAMES, TAB_NAMES, Ask, Group, Row, Standing, Tab
from console.roles import Officer, Page
from console.views.alert import peek_context
from core.clock import SHANGHAI


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows under one head; `head` is False when the page before already showed it."""

    id: Group
    name: str
    note: str
    head: bool
    rows: Sequence[Row]


@page(Page.DESK)
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """The whole desk; the first page of rows comes with it."""
    context = _rows_context(request)
    who, ask, now = officer(request), context["ask"], deps.now()
    rows: Sequence[Alert] = context.pop("alerts")
    standing = context.pop("standing") if ask == Ask() else feed.standing(feed.opened(who), context["turn"], now)
    context |= _tabs_context(standing, who, context["turn"], now)
    context["levels"] = _levels(who, context["turn"], ask)
    context["on_time"] = _on_time(who, context["turn"], now)
    if rows:
        context |= {"peek": rows[0], **peek_context(rows[0], who)}
    else:
        context["last_alert"] = _last(who, now)
    return render(request, "console/desk.html", context)


@page(Page.DESK)
@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """A further page of rows."""
    context = _rows_context(request)
    return render(request, "console/desk_rows.html", context)


@page(Page.DESK)
@require_GET
def tabs(request: HttpRequest) -> HttpResponse:
    """The tabs with their counts now."""
    who, now, ask = officer(request), deps.now(), _ask(request)
    turn = duty.turn(duty.load(deps.profile(), now), now)
    return render(
        request,
        "console/desk_tabs.html",
        {"ask": ask, **_tabs_context(feed.standing(feed.opened(who), turn, now), who, turn, now)},
    )


@page(Page.ALERT)
@require_GET
def row(request: HttpRequest, number: str) -> HttpResponse:
    """One row as it is now."""
    alert = alert_or_404(officer(request), number)
    return render(request, "console/row.html", {"row": one_row(alert, officer(request))})


def one_row(alert: Alert, who: Officer) -> Row:
    """The row of one alert."""
    now, profile = deps.now(), deps.profile()
    turn = duty.turn(duty.load(profile, now), now)
    return feed.rows([alert], who, profile, turn, now)[0]


def _ask(request: HttpRequest) -> Ask:
    wanted = request.GET.get("tab", "")
    tab = Tab(wanted) if wanted in set(Tab) else Tab.OPEN
    return Ask(tab=tab, words=request.GET.get("q", "").strip()[:100], level=request.GET.get("level", "")[:8])


def _rows_context(request: HttpRequest) -> dict[str, Any]:
    """One page of rows under their heads."""
    who, now, profile = officer(request), deps.now(), deps.profile()
    turn = duty.turn(duty.load(profile, now), now)
    ask = _ask(request)
    wanted = feed.asked(ask, who, turn, now)
    alerts, following = feed.page(wanted, request.GET.get("after", ""))
    shown = feed.rows(alerts, who, profile, turn, now)
    standing = feed.standing(wanted, turn, now)
    return {
        "ask": ask,
        "ask_query": urlencode({"tab": ask.tab, "q": ask.words, "level": ask.level}),
        "turn": turn,
        "alerts": alerts,
        "standing": standing,
        "rows": shown,
        "groups": _sections(shown, standing.groups, turn, request.GET.get("group", "")),
        "last_group": shown[-1].group if shown else "",
        "next": following,
    }


def _sections(rows: Sequence[Row], numbers: Mapping[Group, int], turn: duty.Turn, shown_before: str) -> list[Section]:
    return [
        Section(
            id=group,
            name=GROUP_NAMES[group],
            note=_note(group, numbers[group], turn),
            head=group != shown_before,
            rows=list(members),
        )
        for group, members in groupby(rows, key=lambda row: row.group)
    ]


def _note(group: Group, number: int, turn: duty.Turn) -> str:
    until = f"，至 {turn.end.astimezone(SHANGHAI):%H:%M}" if group is Group.SHIFT else ""
    return f"{number} 条{until}"


def _tabs_context(standing: Standing, who: Officer, turn: duty.Turn, now: datetime) -> dict[str, Any]:
    numbers = feed.counts(standing, who, turn, now)
    return {"tabs": [{"id": tab, "name": name, "count": numbers[tab]} for tab, name in TAB_NAMES.items()]}


def _levels(who: Officer, turn: duty.Turn, ask: Ask) -> list[dict[str, Any]]:
    numbers = feed.level_counts(feed.asked(Ask(tab=Tab.OPEN, words=ask.words), who, turn, deps.now()))
    return [
        {"id": level.id, "name": level.name, "count": numbers.get(level.id, 0)}
        for level in sorted(deps.profile().levels, key=lambda level: level.rank)
    ]


def _on_time(who: Officer, turn: duty.Turn, now: datetime) -> statistics.Rate:
    """Clocks that came due in this turn and were met in time, of those judged."""
    judged = statistics.judged(turn.start, now)
    return statistics.rate(judged.filter(alert__in=visible_alerts(who)) if who.only_own else judged)


def _last(who: Officer, now: datetime) -> dict[str, str] | None:
    alert = visible_alerts(who).order_by("-detected_at").first()
    return {"number": alert.number, "found": moment(alert.detected_at, now)} if alert else None

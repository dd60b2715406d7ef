"""趋势: volume, sentiment, topics, places, and how punctual each department was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alerts.deadlines import RIGHTS, STAGE_NAMES
from alerts.models import Deadline
from console import charts, deps, wording
from console.access import page
from console.roles import Page
from console.views.posts import value_name
from core.clock import SHANGHAI
from core.errors import CaifengError
from core.profile import Profile
from core.query import Everything, Range

SPANS: tuple[tuple[str, str, timedelta, timedelta], ...] = (
    ("24h", "近 24 小时", timedelta(hours=24), timedelta(hours=1)),
    ("7d", "近 7 天", timedelta(days=7), timedelta(days=1)),
    ("30d", "近 30 天", timedelta(days=30), timedelta(days=1)),
    ("90d", "近 90 天", timedelta(days=90), timedelta(days=1)),
)
#: Stages the responsible unit answers for.
UNIT_STAGES = ("acknowledge", "first_feedback", "public_response", "verification_report", "closure")


@page(Page.TRENDS)
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The trends of a span of days."""
    wanted = request.GET.get("span", "7d")
    span = next((span for span in SPANS if span[0] == wanted), SPANS[1])
    now = deps.now()
    start, end = bounds(now, span[2], span[3])
    context: dict[str, Any] = {"spans": SPANS, "span": span, "departments": punctual(start, now, deps.profile())}
    context["stages"] = [{"id": stage, "name": STAGE_NAMES[stage]} for stage in UNIT_STAGES]
    try:
        context |= _posts(start, end, span[3])
    except CaifengError as fault:
        context["down"] = f"帖文库暂时读不到：{fault}"
    return render(request, "console/trends.html", context)


def bounds(now: datetime, length: timedelta, step: timedelta) -> tuple[datetime, datetime]:
    """Whole local hours or days, the running one included."""
    here = now.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)
    if step >= timedelta(days=1):
        here = here.replace(hour=0)
    end = here + step
    return end - length, end


def _posts(start: datetime, end: datetime, step: timedelta) -> dict[str, Any]:
    store = deps.post_store()
    node = Range("published", low=start, high=end, open_high=True)
    chart = charts.bars(
        store.histogram(Everything(), start=start, end=end, step=step, facet="sentiment"),
        start=start,
        end=end,
        step=step,
    )
    total = sum(chart.totals.values())
    earlier = Range("published", low=start - (end - start), high=start, open_high=True)
    return {
        "chart": chart,
        "total": total,
        "before": store.count(earlier),
        "negative": chart.totals.get("negative", 0),
        "moods": [(wording.MOODS[mood], chart.totals.get(mood, 0)) for mood in wording.MOODS],
        "topics": _shares("topic", node, total),
        "places": _shares("region", node, total),
        "kinds": _shares("kind", node, total),
    }


def _shares(field: str, node: Range, total: int) -> list[charts.Share]:
    counts = deps.post_store().terms(node, field, limit=12)
    return charts.shares([(value_name(field, value), count) for value, count in counts], total)


def punctual(start: datetime, end: datetime, profile: Profile) -> list[dict[str, Any]]:
    """Per lead unit: clocks that ended in the span, and how many were met in time, by stage."""
    rows = (
        Deadline.objects.filter(cancelled_at=None, started_at__lt=end, stage__in=UNIT_STAGES)
        .exclude(stage__in=RIGHTS)
        .exclude(alert__lead_unit="")
        .filter(alert__dispatched_at__isnull=False)
        .values_list("alert__lead_unit", "stage", "due_at", "met_at", "missed_at")
    )
    tally: dict[str, dict[str, list[int]]] = {}
    for unit, stage, due, met, missed in rows:
        ended = met or (due if due <= end else None)
        if ended is None or ended < start:
            continue
        cell = tally.setdefault(unit, {}).setdefault(stage, [0, 0])
        cell[1] += 1
        cell[0] += met is not None and missed is None
    return [_punctual_row(unit, stages, profile) for unit, stages in sorted(tally.items())]


def _punctual_row(unit_id: str, stages: dict[str, list[int]], profile: Profile) -> dict[str, Any]:
    unit = profile.department(unit_id)
    met, whole = sum(cell[0] for cell in stages.values()), sum(cell[1] for cell in stages.values())
    cells = [{"met": stages[stage][0], "all": stages[stage][1]} if stage in stages else None for stage in UNIT_STAGES]
    return {
        "name": unit.short if unit else unit_id,
        "cells": cells,
        "met": met,
        "all": whole,
        "rate": f"{100 * met / whole:.1f}%",
    }

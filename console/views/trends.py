"""趋势: volume, sentiment, topics, places, and how punctual each department was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alerts import statistics
from alerts.deadlines import STAGE_NAMES
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


@page(Page.TRENDS)
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The trends of a span of days."""
    wanted = request.GET.get("span", "7d")
    span = next((span for span in SPANS if span[0] == wanted), SPANS[1])
    now = deps.now()
    start, end = bounds(now, span[2], span[3])
    context: dict[str, Any] = {
        "spans": SPANS,
        "span": span,
        "units": units(start, now, deps.profile()),
        "stages": [(STAGE_NAMES[row.stage], row) for row in statistics.stage_times(start, now)],
        "flow": statistics.flow(start, now),
    }
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


def units(start: datetime, end: datetime, profile: Profile) -> list[dict[str, Any]]:
    """Per lead unit what it got, closed and returned, and how often it was in time."""
    rows = []
    for figures in statistics.by_unit(start, end):
        unit = profile.department(figures.unit)
        rows.append({"name": unit.short if unit else figures.unit, "figures": figures})
    return rows

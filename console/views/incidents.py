"""事件: matters several stories are about."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from alerts.models import OPEN_STATES, Alert, Response
from console import charts, deps, regroup, wording
from console.access import officer, page
from console.roles import Page, may_open
from console.views.posts import value_name
from core.clock import SHANGHAI
from core.errors import CaifengError
from core.query import Field, Node, Or
from pipeline import summary
from storage.incidents import families
from storage.models import Incident, Story

PER_PAGE = 30
#: Longest span drawn by the hour; longer ones are drawn by the day.
HOURLY = timedelta(days=4)
STORIES = 12
#: What joining and splitting offer: so many, last seen no longer before this incident.
CHOICES, CHOICES_SPAN = 100, timedelta(days=30)
#: Longest reason.
WHY = 500


@page(Page.INCIDENTS)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Incidents, hottest first or newest first, with the alerts about them."""
    order = "-last_seen_at" if request.GET.get("order") == "new" else "-warmth"
    words = request.GET.get("q", "").strip()[:100]
    rows = Incident.objects.filter(merged_into=None, title__contains=words).order_by(order, "id")
    found = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    alerts: dict[str, list[Alert]] = {}
    members = families(row.id for row in found)
    for alert in Alert.objects.filter(incident__in=members).order_by("-detected_at"):
        alerts.setdefault(members[alert.incident or ""], []).append(alert)
    listed = [{"row": row, "alerts": alerts.get(row.id, [])} for row in found]
    return render(request, "console/incidents.html", {"found": found, "listed": listed, "order": order, "q": words})


@page(Page.INCIDENTS)
@require_GET
def show(request: HttpRequest, incident_id: str) -> HttpResponse:
    """One incident: its spread over time, sources, places, stories, first post and what its posts say."""
    incident = Incident.objects.filter(id=incident_id).first()
    if incident is None:
        raise Http404("没有这个事件")
    if incident.merged_into:
        return redirect("incident", incident_id=incident.merged_into)
    members = families([incident.id])
    alerts = list(Alert.objects.filter(incident__in=members).order_by("-detected_at"))
    context: dict[str, Any] = {
        "incident": incident,
        "alerts": alerts,
        "open": [alert for alert in alerts if alert.state in OPEN_STATES],
        "stories": list(Story.objects.filter(incident=incident.id).order_by("-size", "id")[:STORIES]),
        "story_count": Story.objects.filter(incident=incident.id).count(),
        "responded": Response.objects.filter(alert__in=alerts).order_by("published_at").first(),
    }
    if may_open(Page.INCIDENT_EDIT, officer(request).roles):
        context |= _choices(incident)
    try:
        node = Or(tuple(Field("incident", member) for member in members))
        context |= _spread(incident, node, alerts, deps.now())
    except CaifengError as fault:
        context["down"] = f"帖文库暂时读不到：{fault}"
    return render(request, "console/incident.html", context)


@page(Page.INCIDENT_EDIT)
@require_POST
def join(request: HttpRequest, incident_id: str) -> HttpResponse:
    """This incident is the same matter as another one."""
    incident = get_object_or_404(Incident, id=incident_id)
    into, why = request.POST.get("into", ""), request.POST.get("why", "").strip()[:WHY]
    if not why:
        messages.error(request, "请写明并入的理由")
        return redirect("incident", incident_id=incident_id)
    try:
        moved = regroup.join(
            incident, into, why=why, login=officer(request).login, store=deps.post_store(), now=deps.now()
        )
    except CaifengError as fault:
        messages.error(request, f"未能并入：{fault}")
        return redirect("incident", incident_id=incident_id)
    messages.success(request, f"已并入，{moved} 帖随之改记")
    return redirect("incident", incident_id=into)


@page(Page.INCIDENT_EDIT)
@require_POST
def split(request: HttpRequest, incident_id: str) -> HttpResponse:
    """One of its stories is a matter of its own."""
    incident = get_object_or_404(Incident, id=incident_id)
    story, why = request.POST.get("story", ""), request.POST.get("why", "").strip()[:WHY]
    if not why or not Story.objects.filter(id=story, incident=incident_id).exists():
        messages.error(request, "请选择要拆出的报道线，并写明理由")
        return redirect("incident", incident_id=incident_id)
    try:
        new = regroup.split(
            incident, story, why=why, login=officer(request).login, store=deps.post_store(), now=deps.now()
        )
    except CaifengError as fault:
        messages.error(request, f"未能拆出：{fault}")
        return redirect("incident", incident_id=incident_id)
    messages.success(request, "已拆出为单独事件；原有告警仍归原事件")
    return redirect("incident", incident_id=new)


def _choices(incident: Incident) -> dict[str, Any]:
    """What the incident may be joined into, newest first, and its stories that may leave it."""
    since = incident.last_seen_at - CHOICES_SPAN
    others = Incident.objects.filter(merged_into=None, last_seen_at__gte=since).exclude(id=incident.id)
    stories = Story.objects.filter(incident=incident.id)
    return {
        "others": others.order_by("-last_seen_at", "id")[:CHOICES],
        "separable": stories.order_by("-size", "id")[:CHOICES],
    }


def _spread(incident: Incident, node: Node, alerts: list[Alert], now: datetime) -> dict[str, Any]:
    store = deps.post_store()
    start, end, step = window(incident.first_seen_at, incident.last_seen_at)
    total = store.count(node)
    notes = [(alert.detected_at, "告警") for alert in alerts[:3]]
    chart = charts.bars(
        store.histogram(node, start=start, end=end, step=step, facet="sentiment"),
        start=start,
        end=end,
        step=step,
        notes=notes,
    )
    posts = list(islice(store.scan(node), summary.POSTS))
    moods = [(wording.MOODS[mood], chart.totals.get(mood, 0)) for mood in wording.MOODS]
    return {
        "chart": chart,
        "spread": charts.spread(
            store.histogram(node, start=start, end=end, step=step, facet="kind"),
            wording.KINDS,
            start=start,
            end=end,
            step=step,
        ),
        "total": total,
        "recent": _recent(node, now),
        "kinds": charts.shares([(value_name("kind", k), n) for k, n in store.terms(node, "kind", limit=8)], total),
        "moods": charts.shares(moods, total, looks={"负面": "neg", "中性": "neu", "正面": "pos"}),
        "places": charts.shares([(value_name("region", k), n) for k, n in store.terms(node, "region", limit=8)], total),
        "sources": len(store.terms(node, "source", limit=1000)),
        "first": posts[0] if posts else None,
        "quotes": summary.quotes([(tagged.post.id, tagged.post.text or tagged.post.title) for tagged in posts]),
        "evidence": {"terms": (), "first": ""},
    }


def window(first: datetime, last: datetime) -> tuple[datetime, datetime, timedelta]:
    """Whole local hours or days around a span, and the step between them."""
    step = timedelta(hours=1) if last - first <= HOURLY else timedelta(days=1)
    here = first.astimezone(SHANGHAI)
    start = here.replace(minute=0, second=0, microsecond=0)
    if step > timedelta(hours=1):
        start = start.replace(hour=0)
    steps = int((last - start) / step) + 1
    return start, start + steps * step, step


def _recent(node: Node, now: datetime) -> tuple[int, int]:
    """Posts of the last whole hour and of the one before."""
    store = deps.post_store()
    end = now.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)
    hour = timedelta(hours=1)
    found = store.histogram(node, start=end - 2 * hour, end=end, step=hour)
    counts = {bucket.start: bucket.count for bucket in found}
    return counts.get(end - hour, 0), counts.get(end - 2 * hour, 0)

"""The page behind a signed link: one alert, one unit, no account."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from alerts import desk, links
from alerts.lifecycle import Action
from alerts.models import Alert
from console import deps, feed, forms
from console.access import page, visible_alerts
from console.roles import Officer, Page, Role
from core.errors import Conflict, Refused


@page(Page.OPEN)
@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is asked of the unit, and take its answer. Looking changes nothing, so that a mail scanner may look."""
    try:
        link = links.read(token, deps.now())
        alert = _alert_of(link)
        if request.method != "POST":
            return render(request, "console/link.html", _context(link, alert))
        return _answer(request, link, alert)
    except Refused as refusal:
        context = {"title": "链接不能使用", "message": str(refusal), "remedy": "如有疑问，请与值班室联系。"}
        return render(request, "console/error.html", context, status=410)


def _alert_of(link: links.Link) -> Alert:
    """The alert, as long as it is still the unit's."""
    alert = visible_alerts(_department(link)).filter(pk=link.alert).first()
    if alert is None:
        raise Refused("此告警已不由本单位办理")
    return alert


def _answer(request: HttpRequest, link: links.Link, alert: Alert) -> HttpResponse:
    filled = forms.filled(request.POST, alert, deps.profile())
    if filled.faults:
        return _again(request, link, alert, filled, "")
    try:
        link.check(filled.action)
        desk.act(filled.command(alert.pk, link.actor), deps.profile(), deps.now())
    except Conflict as conflict:
        return _again(request, link, alert, filled, f"{conflict}。请核对后再提交。", status=409)
    except Refused as refusal:
        return _again(request, link, alert, filled, str(refusal))
    alert.refresh_from_db()
    if not visible_alerts(_department(link)).filter(pk=alert.pk).exists():
        return render(request, "console/error.html", {"title": f"已{filled.action.label}", "message": "值班室已收到。"})
    return render(request, "console/link.html", {**_context(link, alert), "said": f"已{filled.action.label}"})


def _department(link: links.Link) -> Officer:
    return Officer(login=link.actor, name=link.unit, roles=frozenset({Role.DEPARTMENT}), unit=link.unit)


def _again(
    request: HttpRequest, link: links.Link, alert: Alert, filled: forms.Filled, fault: str, status: int = 422
) -> HttpResponse:
    context = {**_context(link, alert), "fault": fault, "open": filled.action, "again": filled.again(alert)}
    return render(request, "console/link.html", context, status=status)


def _context(link: links.Link, alert: Alert) -> dict[str, Any]:
    now, profile = deps.now(), deps.profile()
    possible = desk.allowed(alert, frozenset({"department"}), link.unit, profile=profile, now=now)
    offered = [action for action in Action if action in link.actions and not possible[action]]
    clocks = [feed.clock(row, now) for row in feed.running().filter(alert=alert).order_by("due_at", "id")]
    level = profile.level(alert.level or alert.suggested_level)
    return {
        "alert": alert,
        "unit": profile.department(link.unit),
        "level_name": level.name if level else alert.level,
        "clocks": clocks,
        "forms": [forms.blank(action, alert, profile) for action in offered],
        "expires": link.expires,
    }

"""告警详情 and the preview beside the feed; every change goes through `alerts.desk.act`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from alerts import desk
from alerts.audit import verify_alert
from alerts.explain import why_alert
from alerts.lifecycle import Action, State
from alerts.models import Alert, AlertEvent, Deadline, Notification
from console import actions, course, deps, duty, evidence, feed, forms, track
from console.access import alert_or_404, officer, page, visible_alerts
from console.models import Opened
from console.roles import Officer, Page, may_open
from core.errors import Conflict, Refused

#: Posts and events the preview shows, and the page.
PEEK_POSTS, PEEK_EVENTS, PAGE_POSTS = 3, 5, 8


@page(Page.ALERT)
@require_GET
def show(request: HttpRequest, number: str) -> HttpResponse:
    """The whole story of one alert."""
    who = officer(request)
    alert = alert_or_404(who, number)
    _mark_opened(alert, who)
    context = {"alert": alert, "may_draft": may_open(Page.INCIDENT_EDIT, who.roles), **page_context(alert, who)}
    return render(request, "console/alert.html", context)


@page(Page.ALERT)
@require_GET
def peek(request: HttpRequest, number: str) -> HttpResponse:
    """The preview of one alert."""
    who = officer(request)
    alert = alert_or_404(who, number)
    _mark_opened(alert, who)
    return render(request, "console/peek.html", {"alert": alert, **peek_context(alert, who)})


@page(Page.ALERT)
@require_GET
def form(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """The fields of an action, empty."""
    who = officer(request)
    alert = alert_or_404(who, number)
    wanted = forms.known_action(action)
    refusal = allowed(alert, who).get(wanted, "不可办理")
    blank = forms.blank(wanted, alert, deps.profile())
    return render(request, "console/act_form.html", {"alert": alert, "form": blank, "refusal": refusal})


@page(Page.ACT)
@require_POST
def act(request: HttpRequest, number: str) -> HttpResponse:
    """Do something to an alert and show what became of it."""
    who = officer(request)
    alert = alert_or_404(who, number)
    filled = forms.filled(request.POST, alert, deps.profile())
    if filled.faults:
        return _again(request, alert, filled, "")
    try:
        desk.act(filled.command(alert.pk, who.login), deps.profile(), deps.now())
    except Conflict as refusal:
        return _again(request, alert, filled, f"{refusal}。页面已更新，请核对后再提交。", status=409)
    except Refused as refusal:
        return _again(request, alert, filled, str(refusal))
    alert.refresh_from_db()
    return _done(request, alert, who, filled.action)


def _done(request: HttpRequest, alert: Alert, who: Officer, action: Action) -> HttpResponse:
    said = f"{alert.number} 已{action.label}"
    if not request.headers.get("HX-Request"):
        messages.success(request, said)
        return redirect("alert", number=alert.number)
    if request.headers.get("HX-Target") == "page-body":
        return render(request, "console/alert_body.html", {"alert": alert, "said": said, **page_context(alert, who)})
    context = {"alert": alert, "said": said, "oob": True, **peek_context(alert, who)}
    return render(request, "console/acted.html", context)


def _again(request: HttpRequest, alert: Alert, filled: forms.Filled, refusal: str, status: int = 422) -> HttpResponse:
    """The same form with what was typed, and what is wrong."""
    alert.refresh_from_db()
    context = {"alert": alert, "form": filled.again(alert), "refusal": "", "fault": refusal}
    if request.headers.get("HX-Request"):
        response = render(request, "console/act_form.html", context, status=status)
        response.headers["HX-Retarget"] = "#act-form"
        response.headers["HX-Reswap"] = "innerHTML"
        return response
    who = officer(request)
    return render(request, "console/alert.html", {**page_context(alert, who), **context}, status=status)


@page(Page.ACT)
@require_POST
def act_bulk(request: HttpRequest) -> HttpResponse:
    """Do the same to every ticked alert; the answer counts what went well and names what did not."""
    who = officer(request)
    picked = forms.picked(request.POST.getlist("alert"))
    done, failed = [], []
    for number, version in picked:
        reason = _one_of_many(request, who, number, version)
        (failed.append((number, reason)) if reason else done.append(number))
    context = {"done": done, "failed": failed, "rows": _fresh_rows(done, who)}
    return render(request, "console/bulk_done.html", context)


def _one_of_many(request: HttpRequest, who: Officer, number: str, version: int) -> str:
    """Act on one of the ticked; the reason why not, empty when it was done."""
    alert = visible_alerts(who).filter(number=number).first()
    if alert is None:
        return "不在可见范围"
    filled = forms.filled(request.POST, alert, deps.profile(), version=version)
    if filled.faults:
        return "；".join(filled.faults.values())
    try:
        desk.act(filled.command(alert.pk, who.login), deps.profile(), deps.now())
    except Refused as refusal:
        return str(refusal)
    return ""


def _fresh_rows(numbers: Sequence[str], who: Officer) -> list[feed.Row]:
    now, profile = deps.now(), deps.profile()
    turn = duty.turn(duty.load(profile, now), now)
    return feed.rows(list(visible_alerts(who).filter(number__in=numbers)), who, profile, turn, now)


@page(Page.ACT)
@require_GET
def bulk_form(request: HttpRequest, action: str) -> HttpResponse:
    """The fields of an action on many alerts."""
    wanted = forms.known_action(action)
    return render(request, "console/bulk_form.html", {"form": forms.blank(wanted, None, deps.profile())})


def allowed(alert: Alert, who: Officer) -> Mapping[Action, str]:
    """Every action with the reason why this person may not do it now; empty means they may."""
    return desk.allowed(alert, frozenset(who.roles), who.unit, profile=deps.profile(), now=deps.now())


def _mark_opened(alert: Alert, who: Officer) -> None:
    Opened.objects.get_or_create(login=who.login, alert=alert, defaults={"at": deps.now()})


def _common(alert: Alert, who: Officer) -> dict[str, Any]:
    now, profile = deps.now(), deps.profile()
    clocks = list(feed.running().filter(alert=alert).order_by("due_at", "id"))
    turn = duty.turn(duty.load(profile, now), now)
    possible = allowed(alert, who)
    stages = [deadline.stage for deadline in clocks]
    keyed = actions.buttons(possible, State(alert.state), stages)
    return {
        "row": feed.row(alert, clocks[0] if clocks else None, True, profile, turn, now),
        "clocks": [feed.clock(deadline, now) for deadline in clocks],
        "running": clocks[0] if clocks else None,
        "buttons": keyed,
        "others": actions.others(possible, keyed, stages),
        "facts": track.facts(alert),
        "score": track.score(alert),
    }


def peek_context(alert: Alert, who: Officer) -> dict[str, Any]:
    """What the preview shows."""
    now = deps.now()
    return {
        **_common(alert, who),
        "evidence": evidence.load(alert, PEEK_POSTS, now),
        "events": course.lines(AlertEvent.objects.filter(alert=alert).order_by("-seq")[:PEEK_EVENTS], deps.profile()),
        "event_count": AlertEvent.objects.filter(alert=alert).count(),
    }


def page_context(alert: Alert, who: Officer) -> dict[str, Any]:
    """What the page shows."""
    now = deps.now()
    return {
        **_common(alert, who),
        **_neighbours(alert, who),
        "track": track.stages(list(Deadline.objects.filter(alert=alert)), now),
        "evidence": evidence.load(alert, PAGE_POSTS, now),
        "events": course.lines(AlertEvent.objects.filter(alert=alert).order_by("-seq"), deps.profile()),
        "chain_breaks": verify_alert(alert),
        "notifications": list(Notification.objects.filter(alert=alert).order_by("-created_at", "id")),
        "not_told": why_alert(alert, deps.profile()).not_told,
        "consultations": list(alert.consultations.order_by("-at")),
        "statements": [track.statement(row) for row in alert.statements.order_by("-version")],
        "instructions": list(alert.instructions.order_by("-at")),
        "responses": list(alert.responses.order_by("-published_at")),
        "rule_record": _rule_record(alert),
        "rule": next((rule for rule in deps.rules() if rule.id == alert.rule), None),
    }


def _rule_record(alert: Alert) -> dict[str, int]:
    """How often the rule fired in the 30 days before, and how often in vain."""
    since = deps.now() - track.RECORD_SPAN
    return Alert.objects.filter(rule=alert.rule, detected_at__gte=since).aggregate(
        all=Count("id"), dismissed=Count("id", filter=Q(state=State.DISMISSED))
    )


def _neighbours(alert: Alert, who: Officer) -> dict[str, Any]:
    """The alerts before and after in the order of the feed."""
    now = deps.now()
    turn = duty.turn(duty.load(deps.profile(), now), now)
    waiting = feed.asked(feed.Ask(), who, turn, now)
    numbers = feed.ordered(waiting).values_list("number", flat=True)
    order = list(numbers[: feed.NEIGHBOURS])
    if alert.number not in order:
        return {"place": 0, "waiting": len(order)}
    at = order.index(alert.number)
    return {
        "place": at + 1,
        "waiting": len(order),
        "before": order[at - 1] if at else "",
        "behind": order[at + 1] if at + 1 < len(order) else "",
    }

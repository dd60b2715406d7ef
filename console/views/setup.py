"""配置: sources and their health, rules and their record, the roster, and the profile's sections as text."""

from __future__ import annotations

import difflib
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts.lifecycle import State
from alerts.models import Alert, DutyOverride
from alerts.people import load_substitutions
from alerts.roster import gaps, on_duty
from console import deps, duty, replaying
from console.access import officer, page
from console.context import TROUBLE
from console.roles import Page, may_open
from core.clock import SHANGHAI, parse_instant
from core.errors import CaifengError, ConfigError, Conflict, Fault
from crawlers.models import SourceState
from rules.models import FindingRow, Health
from rules.schema import Rule
from storage import documents
from storage.models import Document

RECORD = timedelta(days=30)
#: Days of the roster shown.
ROSTER_DAYS = 14
REPLAY_DAYS = (1, 7, 30)
SECTION_NAMES = {
    "profile": "单位与简报头",
    "regions": "区划",
    "departments": "责任单位",
    "topics": "话题",
    "levels": "级别与时限",
    "roster": "排班",
    "sources": "信源",
    "rules": "规则",
    "watches": "监测方案",
}


@page(Page.SOURCES)
@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    """Every source with how it stands, trouble first."""
    states = {state.source: state for state in SourceState.objects.all()}
    rows = [{"source": source, "state": states.get(source.id)} for source in deps.sources()]
    rows.sort(key=lambda row: (not _troubled(row["state"]), row["source"].name))  # type: ignore[arg-type,union-attr]  # a row is a mapping of two things
    return render(request, "console/sources.html", {"rows": rows, "counts": _health_counts(rows)})


def _troubled(state: SourceState | None) -> bool:
    return state is not None and state.health in TROUBLE


def _health_counts(rows: list[dict[str, Any]]) -> list[tuple[str, int, bool]]:
    tally: dict[str, int] = {}
    for row in rows:
        health = row["state"].health if row["state"] else SourceState.Health.NEW
        tally[health] = tally.get(health, 0) + 1
    return [(SourceState.Health(name).label, count, name in TROUBLE) for name, count in sorted(tally.items())]


@page(Page.RULES)
@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """Every rule with what it found in 30 days, how much of it was in vain, and whether it is well."""
    since = deps.now() - RECORD
    alerts = {
        row["rule"]: row
        for row in Alert.objects.filter(detected_at__gte=since)
        .values("rule")
        .annotate(all=Count("id"), dismissed=Count("id", filter=Q(state=State.DISMISSED)), last=Max("detected_at"))
    }
    health = {row.rule: row for row in Health.objects.all()}
    rows = [{"rule": rule, "alerts": alerts.get(rule.id), "health": health.get(rule.id)} for rule in deps.rules()]
    rows.sort(key=lambda row: (not _is_ill(row["health"]), row["rule"].id))  # type: ignore[arg-type,union-attr]  # a row is a mapping
    return render(request, "console/rules.html", {"rows": rows})


def _is_ill(health: Health | None) -> bool:
    return health is not None and health.failures > 0


@page(Page.RULES)
@require_GET
def rule(request: HttpRequest, rule_id: str) -> HttpResponse:
    """One rule: what it says, what it found, whether it is well."""
    found = _rule(rule_id)
    return render(request, "console/rule.html", _rule_context(request, found, replaying.as_text(found)))


@page(Page.RULES)
@require_POST
def replay(request: HttpRequest, rule_id: str) -> HttpResponse:
    """Run the rule, or a draft of it, over history; nothing is saved and nobody is told."""
    found = _rule(rule_id)
    text, now = request.POST.get("draft", "").replace("\r\n", "\n"), deps.now()
    days = next((days for days in REPLAY_DAYS if str(days) == request.POST.get("days")), REPLAY_DAYS[1])
    context = {**_rule_context(request, found, text), "days": days}
    try:
        wanted = replaying.draft(text, found)
        context["trial"] = replaying.trial(found, wanted, deps.post_store(), since=now - timedelta(days=days), now=now)
    except CaifengError as error:
        context["faults"] = error.faults if isinstance(error, ConfigError) else [str(error)]
    return render(request, "console/rule.html", context, status=422 if "faults" in context else 200)


def _rule(rule_id: str) -> Rule:
    found = next((rule for rule in deps.rules() if rule.id == rule_id), None)
    if found is None:
        raise Http404("没有这条规则")
    return found


def _rule_context(request: HttpRequest, found: Rule, text: str) -> dict[str, Any]:
    rule_id, since = found.id, deps.now() - RECORD
    return {
        "rule": found,
        "draft": text,
        "days": REPLAY_DAYS[1],
        "day_choices": REPLAY_DAYS,
        "options": found.dump(),
        "health": Health.objects.filter(rule=rule_id).first(),
        "findings": list(FindingRow.objects.filter(rule=rule_id).order_by("-at")[:30]),
        "alerts": list(Alert.objects.filter(rule=rule_id, detected_at__gte=since).order_by("-detected_at")[:30]),
        "may_edit": may_open(Page.RULE_EDIT, officer(request).roles),
    }


@page(Page.ROSTER)
@require_GET
def roster(request: HttpRequest) -> HttpResponse:
    """Who watches when, for two weeks, with substitutions and gaps."""
    now, profile = deps.now(), deps.profile()
    stand_ins = load_substitutions()
    start = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=ROSTER_DAYS)
    context = {
        "days": [_roster_day(start + timedelta(days=day)) for day in range(ROSTER_DAYS)],
        "gaps": gaps(profile, stand_ins, now, end),
        "overrides": DutyOverride.objects.filter(end__gte=now).order_by("start"),
        "members": profile.roster.members,
        "shifts": profile.roster.shifts,
        "may_edit": may_open(Page.ROSTER_EDIT, officer(request).roles),
        "on_duty_now": duty.load(profile, now),
    }
    return render(request, "console/roster.html", context)


def _roster_day(day: datetime) -> dict[str, Any]:
    profile, stand_ins = deps.profile(), load_substitutions()
    cells = []
    for shift in profile.roster.shifts:
        at = day.replace(hour=shift.start.hour, minute=shift.start.minute) + timedelta(minutes=1)
        cells.append({"shift": shift, "duty": on_duty(profile, stand_ins, at)})
    return {"day": day, "cells": cells}


@page(Page.ROSTER_EDIT)
@require_POST
def substitute(request: HttpRequest) -> HttpResponse:
    """Somebody stands in; wrong input is said and nothing is written."""
    logins = {member.login for member in deps.profile().roster.members}
    login, replaces = request.POST.get("login", ""), request.POST.get("replaces", "")
    try:
        start, end = parse_instant(request.POST.get("start", "")), parse_instant(request.POST.get("end", ""))
    except ValueError:
        messages.error(request, "起止时间写法不对，应如 2026-11-22 20:00")
        return redirect("roster")
    if login not in logins or (replaces and replaces not in logins) or login == replaces:
        messages.error(request, "请从值班表选择替班人员")
    elif end <= start:
        messages.error(request, "结束时间须晚于开始时间")
    else:
        reason = request.POST.get("reason", "").strip()[:500]
        DutyOverride.objects.create(start=start, end=end, login=login, replaces=replaces, reason=reason)
        messages.success(request, "已登记替班")
    return redirect("roster")


@page(Page.ROSTER_EDIT)
@require_POST
def drop_substitute(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a substitution back that has not ended."""
    dropped, _ = DutyOverride.objects.filter(pk=pk, end__gte=deps.now()).delete()
    messages.success(request, "已撤销替班") if dropped else messages.error(request, "该替班已结束，不能撤销")
    return redirect("roster")


@page(Page.RULES)
@require_GET
def sections(request: HttpRequest) -> HttpResponse:
    """The sections of the profile with their newest version."""
    rows = [(name, SECTION_NAMES.get(name, name), row) for name, row in documents.everything().items()]
    return render(request, "console/sections.html", {"rows": rows})


@page(Page.RULE_EDIT)
@require_http_methods(["GET", "POST"])
def section(request: HttpRequest, name: str) -> HttpResponse:
    """One section as text: edit, check the whole profile with it, save as the next version."""
    current = documents.newest(name)
    if current is None:
        raise Http404("没有这一节")
    text = request.POST.get("text", "").replace("\r\n", "\n") if request.method == "POST" else str(current.body)
    context: dict[str, Any] = {
        "name": name,
        "title": SECTION_NAMES.get(name, name),
        "current": current,
        "text": text,
        "history": documents.history(name)[:30],
        "note": request.POST.get("note", ""),
    }
    if request.method == "POST":
        context["faults"] = _faults(name, text) or _kept(request, name, text, current)
        if not context["faults"]:
            messages.success(request, f"已保存 {SECTION_NAMES.get(name, name)}第 {current.version + 1} 版，即刻生效")
            return redirect("section", name=name)
    return render(request, "console/section.html", context, status=422 if context.get("faults") else 200)


def _faults(name: str, text: str) -> list[Fault]:
    """Everything wrong with the profile were this section so."""
    try:
        deps.check({**documents.bodies(), name: text})
    except ConfigError as error:
        return error.faults
    return []


def _kept(request: HttpRequest, name: str, text: str, current: Document) -> list[Fault]:
    """Save; a fault when somebody was faster."""
    sent = request.POST.get("version", "")
    try:
        documents.save(
            name,
            text,
            based_on=int(sent) if sent.isdigit() else current.version,
            actor=officer(request).login,
            now=deps.now(),
            note=request.POST.get("note", "").strip()[:500],
        )
    except Conflict as conflict:
        return [Fault(file=name, line=None, reason=str(conflict))]
    return []


@page(Page.RULES)
@require_GET
def section_version(request: HttpRequest, name: str, version: int) -> HttpResponse:
    """What one version changed against the one before."""
    rows = {row.version: row for row in documents.history(name)}
    row = rows.get(version)
    if row is None:
        raise Http404("没有这一版")
    before = rows.get(version - 1)
    lines = difflib.unified_diff(
        str(before.body).splitlines() if before else [],
        str(row.body).splitlines(),
        f"第 {version - 1} 版",
        f"第 {version} 版",
        lineterm="",
    )
    context = {"name": name, "title": SECTION_NAMES.get(name, name), "row": row, "diff": "\n".join(lines)}
    return render(request, "console/section_version.html", context)

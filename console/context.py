"""What the frame around every page shows: who is on duty, where one may go, what needs a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.http import HttpRequest

from alerts.models import OPEN_STATES, Notification
from console import deps, duty
from console.access import cached_officer, visible_alerts
from console.clocks import day
from console.middleware import KNOWN_EVENTS
from console.roles import Officer, Page, may_open
from core.clock import SHANGHAI
from crawlers.models import SourceState

#: Healths of a source a person should look at.
TROUBLE = (SourceState.Health.SILENT, SourceState.Health.BROKEN, SourceState.Health.BLOCKED, SourceState.Health.SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the rail. `note` is a count or a word; `warn` shows it amber."""

    url: str
    label: str
    page: Page
    note: str = ""
    warn: bool = False


RAIL: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "值守",
        (
            Entry(url="/", label="值班台", page=Page.DESK),
            Entry(url="/incidents/", label="事件", page=Page.INCIDENTS),
            Entry(url="/posts/", label="帖文检索", page=Page.POSTS),
            Entry(url="/handover/", label="交接班", page=Page.HANDOVER),
        ),
    ),
    (
        "研判",
        (
            Entry(url="/trends/", label="趋势", page=Page.TRENDS),
            Entry(url="/briefings/", label="周报", page=Page.TRENDS),
            Entry(url="/ledger/", label="台账", page=Page.TRENDS),
        ),
    ),
    (
        "配置",
        (
            Entry(url="/rules/", label="规则", page=Page.RULES),
            Entry(url="/sources/", label="信源健康", page=Page.SOURCES),
            Entry(url="/roster/", label="排班", page=Page.ROSTER),
        ),
    ),
    (
        "管理",
        (
            Entry(url="/receipts/", label="通知回执", page=Page.RECEIPTS),
            Entry(url="/audit/", label="审计", page=Page.AUDIT),
            Entry(url="/users/", label="用户与权限", page=Page.USERS),
        ),
    ),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame; fragments and the login page do without most of it."""
    profile, now = deps.profile(), deps.now()
    base = {"profile": profile, "now": now, "today": day(now), "clock_now": f"{now.astimezone(SHANGHAI):%H:%M:%S}"}
    officer = cached_officer(request)
    if officer is None or request.headers.get("HX-Request"):
        return {**base, "officer": officer}
    on_duty = duty.load(profile, now)
    return {
        **base,
        "officer": officer,
        "rail": rail(officer, request.path),
        "on_duty": on_duty,
        "turn": duty.turn(on_duty, now),
        "session_ends": seconds_left(request, now),
        "known_events": request.META[KNOWN_EVENTS],
        "may_setup": may_open(Page.RULE_EDIT, officer.roles),
        "may_wall": may_open(Page.WALL, officer.roles),
        "may_handover": may_open(Page.HANDOVER, officer.roles),
        "may_incidents": may_open(Page.INCIDENTS, officer.roles),
        "may_posts": may_open(Page.POSTS, officer.roles),
    }


def seconds_left(request: HttpRequest, now: datetime) -> int:
    """How long the login still lasts; the row counts, not the length it was made with."""
    row = Session.objects.filter(session_key=request.session.session_key).first()
    return max(0, int((row.expire_date - now).total_seconds())) if row else 0


def rail(officer: Officer, path: str) -> list[Mapping[str, Any]]:
    """Groups of entries this person may open, with their notes; empty groups are left out."""
    notes = _notes(officer)
    groups: list[Mapping[str, Any]] = []
    for title, entries in RAIL:
        shown = [_line(entry, notes, path) for entry in entries if may_open(entry.page, officer.roles)]
        if shown:
            groups.append({"title": title, "entries": shown})
    return groups


def _line(entry: Entry, notes: Mapping[str, tuple[str, bool]], path: str) -> dict[str, Any]:
    note, warn = notes.get(entry.url, ("", False))
    here = path == "/" or path.startswith("/alerts/") if entry.url == "/" else path.startswith(entry.url)
    return {"url": entry.url, "label": entry.label, "note": note, "warn": warn, "here": here}


def _notes(officer: Officer) -> dict[str, tuple[str, bool]]:
    """Address → (note, needs a look)."""
    notes = {"/": (str(visible_alerts(officer).filter(state__in=OPEN_STATES).count()), False)}
    if may_open(Page.RECEIPTS, officer.roles):
        failed = Notification.objects.filter(state=Notification.Sending.FAILED).count()
        notes["/receipts/"] = (f"失败 {failed}", True) if failed else ("", False)
    if may_open(Page.SOURCES, officer.roles):
        troubled = SourceState.objects.filter(health__in=TROUBLE).count()
        notes["/sources/"] = (f"异常 {troubled}", True) if troubled else ("", False)
    return notes

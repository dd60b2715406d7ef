"""台账 in the web: a stretch of days, its rates, its rows, and the files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from alerts import statistics
from alerts.deadlines import STAGE_NAMES
from briefings import ledger, parts, periods
from briefings.access import readers_only
from briefings.office import Person
from briefings.periods import Period
from briefings.views import as_file
from core.clock import SHANGHAI
from core.errors import CaifengError, ConfigError

_SHOWN = 100
_PREVIEW = ("编号", "级别", "标题", "责任单位", "发现时间", "签收时间", "办结时间", "状态", "是否超时")


@require_GET
@readers_only
def show(request: HttpRequest, person: Person) -> HttpResponse:
    """The ledger of a stretch of days, and how it went."""
    try:
        period = _period(request)
    except ConfigError as error:
        messages.error(request, str(error))
        return redirect("ledger")
    profile = parts.profile()
    alerts = ledger.of_period(period.start, period.end)
    context: dict[str, Any] = {
        "period": period,
        "total": alerts.count(),
        "shown": _SHOWN,
        "titles": _PREVIEW,
        "flow": statistics.flow(period.start, period.end),
        "stages": [(STAGE_NAMES[row.stage], row) for row in statistics.stage_times(period.start, period.end)],
        "units": [
            (found.short if (found := profile.department(row.unit)) else row.unit, row)
            for row in statistics.by_unit(period.start, period.end)
        ],
    }
    try:
        rows = ledger.entries(
            alerts[:_SHOWN], profile=profile, store=parts.post_store(), public_url=settings.PUBLIC_URL
        )
        context["rows"] = [(row.alert.number, [ledger.COLUMNS[title](row) for title in _PREVIEW]) for row in rows]
    except CaifengError as error:
        context["down"] = f"帖文库暂时读不到：{error}"
    return render(request, "briefings/ledger.html", context)


@require_GET
@readers_only
def download(request: HttpRequest, person: Person, *, form: str) -> HttpResponse:
    """The ledger as a file."""
    if form not in {"xlsx", "csv"}:
        raise Http404(form)
    try:
        period = _period(request)
        profile = parts.profile()
        rows = ledger.entries(
            ledger.of_period(period.start, period.end),
            profile=profile,
            store=parts.post_store(),
            public_url=settings.PUBLIC_URL,
        )
        if form == "csv":
            body = ledger.csv_text(rows, profile).encode()
        else:
            body = ledger.xlsx(rows, profile, title=ledger.title(period))
    except CaifengError as error:
        messages.error(request, str(error))
        return redirect("ledger")
    return as_file(body, f"ledger-{period.id}.{form}", form)


def _period(request: HttpRequest) -> Period:
    """The days asked for; without any, this month so far."""
    now = parts.now()
    today = now.astimezone(SHANGHAI).date()
    first = _day(request.GET.get("from", ""), today - timedelta(days=29))
    return periods.between(first, _day(request.GET.get("to", ""), max(today, first)), now)


def _day(text: str, otherwise: date) -> date:
    if not text:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"不是日期：{text}；写作 2026-11-22") from error

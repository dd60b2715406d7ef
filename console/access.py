"""The door: every view of the console names its page, and one that does not is closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from alerts.models import Alert, State
from console.roles import Officer, Page, Role, may_open

View = TypeVar("View", bound=Callable[..., Any])

#: A department meets an alert when it is dispatched, not before.
BEFORE_DISPATCH = (State.DETECTED, State.ASSESSED, State.DISMISSED)


def page(name: Page) -> Callable[[View], View]:
    """Mark a view with the page it belongs to; `CloseByDefault` reads the mark."""

    def mark(view: View) -> View:
        view.page = name  # type: ignore[attr-defined]  # a mark on a function, read in process_view
        return view

    return mark


def officer_of(user: User | AnonymousUser) -> Officer | None:
    """The person behind a login; None when nobody is logged in."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return None
    known = set(Role)
    roles = {Role(name) for name in user.groups.values_list("name", flat=True) if name in known}
    if user.is_superuser:
        roles.add(Role.ADMINISTRATOR)
    contact = getattr(user, "contact", None)
    return Officer(
        login=user.username,
        name=user.first_name or (contact.name if contact else user.username),
        roles=frozenset(roles),
        unit=contact.unit if contact else "",
    )


def visible_alerts(officer: Officer) -> QuerySet[Alert]:
    """The alerts this person may know of; everything else answers as if it were not there."""
    if not officer.only_own:
        return Alert.objects.all()
    if not officer.unit:
        return Alert.objects.none()
    return (
        Alert.objects.annotate(
            co_text=Cast("co_units", TextField()),
            guidance_text=Cast("guidance_units", TextField()),
        )
        .filter(Q(lead_unit=officer.unit) | _names("co_text", officer.unit) | _names("guidance_text", officer.unit))
        .exclude(state__in=BEFORE_DISPATCH)
    )


def _names(column: str, unit: str) -> Q:
    """The unit stands in a JSON list; SQLite escapes Chinese there, PostgreSQL does not."""
    return Q(**{f"{column}__contains": json.dumps(unit)}) | Q(
        **{f"{column}__contains": json.dumps(unit, ensure_ascii=False)}
    )


def alert_or_404(officer: Officer, number: str) -> Alert:
    """The alert, if this person may know of it."""
    alert = visible_alerts(officer).filter(number=number).first()
    if alert is None:
        raise Http404(f"没有编号 {number} 的告警，或不在可见范围")
    return alert


class CloseByDefault:
    """Middleware: a console view without a page mark answers 404, others ask for login and role."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Let through, or answer instead of the view."""
        if not view.__module__.startswith("console."):
            return None
        name = getattr(view, "page", None)
        if name is None:
            raise Http404(request.path)
        return None if name is Page.OPEN else _ask(request, name)


def _ask(request: HttpRequest, name: Page) -> HttpResponseBase | None:
    officer = officer_of(request.user)
    if officer is None:
        return _to_login(request)
    if not may_open(name, officer.roles):
        return render(request, "console/error.html", _forbidden(officer), status=403)
    request.officer = officer  # type: ignore[attr-defined]  # Django's way to hand a value on
    return None


def _to_login(request: HttpRequest) -> HttpResponse:
    """A fragment must not be replaced by a login page: the script keeps what was typed and says so."""
    if request.headers.get("HX-Request") or request.headers.get("X-Fragment"):
        return HttpResponse("登录已到期", status=401, content_type="text/plain; charset=utf-8")
    if request.method != "GET":
        return redirect_to_login(reverse("desk"), reverse("login"))
    return redirect_to_login(request.get_full_path(), reverse("login"))


def _forbidden(officer: Officer) -> dict[str, Any]:
    return {
        "title": "无权查看",
        "message": "本页不对当前角色开放。",
        "remedy": "如需开通，请联系管理员。",
        "officer": officer,
    }


def officer(request: HttpRequest) -> Officer:
    """The person the door let in."""
    found: Officer = request.officer  # type: ignore[attr-defined]  # set by _ask
    return found


def cached_officer(request: HttpRequest) -> Officer | None:
    """The person, also on pages the door left open."""
    known: Officer | None = getattr(request, "officer", None)
    return known or officer_of(request.user)

"""The door of the briefings' pages: login and a reading role, then the view."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from briefings.office import Person
from briefings.review import READERS

View = Callable[..., HttpResponse]


def readers_only(view: Callable[..., HttpResponse]) -> View:
    """Hand the person on as the view's second argument, or answer instead of it."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, **arguments: str) -> HttpResponse:
        person = person_of(request.user)
        if person is None:
            target = request.get_full_path() if request.method == "GET" else reverse("briefings")
            return redirect_to_login(target, reverse("login"))
        if not person.roles & READERS:
            return render(request, "console/error.html", _FORBIDDEN, status=403)
        return view(request, person, **arguments)

    return guarded


def person_of(user: User | AnonymousUser) -> Person | None:
    """The person behind a login; None when nobody is logged in."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return None
    roles = set(user.groups.values_list("name", flat=True))
    if user.is_superuser:
        roles.add("administrator")
    contact = getattr(user, "contact", None)
    name = user.first_name or (contact.name if contact else user.username)
    return Person(login=user.username, name=name, roles=frozenset(roles))


_FORBIDDEN = {"title": "无权查看", "message": "本页不对当前角色开放。", "remedy": "如需开通，请联系管理员。"}

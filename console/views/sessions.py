"""Coming and going: login, logout, second factor, the session's end."""

from __future__ import annotations

from typing import Any

from axes.decorators import axes_dispatch
from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from console import deps
from console.access import page
from console.context import seconds_left
from console.roles import Page
from console.totp import accepts, confirmed


class LoginForm(forms.Form):
    """Login, password, and the code of the second factor where one is set up."""

    username = forms.CharField(label="用户名", max_length=150)
    password = forms.CharField(label="密码", widget=forms.PasswordInput, strip=False, max_length=256)
    code = forms.CharField(label="动态口令", required=False, max_length=8)


@page(Page.OPEN)
@sensitive_post_parameters("password", "code")
@axes_dispatch  # type: ignore[untyped-decorator]  # axes has no types
def enter(request: HttpRequest) -> HttpResponse:
    """Log in; the answer to a wrong name and to a wrong password is the same."""
    form = LoginForm(request.POST or None)
    if request.method != "POST":
        return _form(request, form)
    if not form.is_valid():
        return _form(request, form, "请填写用户名和密码。")
    user = authenticate(request, username=form.cleaned_data["username"], password=form.cleaned_data["password"])
    if not isinstance(user, User):
        return _form(request, form, "用户名或密码不对。连续 5 次失败将锁定 15 分钟。")
    if confirmed(user) and not accepts(user, form.cleaned_data["code"], deps.now()):
        return _form(request, form, "请填写动态口令。" if not form.cleaned_data["code"] else "动态口令不对或已用过。")
    login(request, user)
    return redirect(target(request))


def _form(request: HttpRequest, form: LoginForm, fault: str = "") -> HttpResponse:
    context = {"form": form, "fault": fault, "next": target(request), "secure": request.is_secure()}
    context |= {"sso": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}
    return render(request, "console/login.html", context, status=422 if fault else 200)


def target(request: HttpRequest) -> str:
    """Where to go after the login; only addresses of this console."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("desk")


def locked(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """What axes shows once a login is locked."""
    context = {
        "title": "登录已锁定",
        "message": "该用户名连续 5 次登录失败，已锁定 15 分钟。",
        "remedy": "到时可再试；急用请管理员解锁。",
    }
    return render(request, "console/error.html", context, status=429)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What a form without a valid token gets: most often it was opened before a login that has ended."""
    if request.headers.get("HX-Request") or request.headers.get("X-Fragment"):
        return HttpResponse("登录已到期", status=401, content_type="text/plain; charset=utf-8")
    context = {
        "title": "页面已过期",
        "message": "提交没有生效：页面打开太久，或登录已到期。",
        "remedy": "请返回刷新后再提交。",
    }
    return render(request, "console/error.html", context, status=403)


@page(Page.OPEN)
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Log out."""
    logout(request)
    return redirect("login")


@page(Page.SELF)
@require_GET
def remaining(request: HttpRequest) -> JsonResponse:
    """Seconds the session still lasts, and the server's time in milliseconds."""
    now = deps.now()
    return JsonResponse({"seconds": seconds_left(request, now), "now": int(now.timestamp() * 1000)})


@page(Page.SELF)
@require_POST
def extend(request: HttpRequest) -> JsonResponse:
    """Let the session last its full length again from now."""
    request.session.save()
    return JsonResponse({"seconds": seconds_left(request, deps.now())})

"""Optional login by the house's OpenID Connect provider; accounts and roles stay what the administrator gave."""

from __future__ import annotations

from types import ModuleType

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from console.access import page
from console.roles import Page
from console.views.sessions import target

_NEXT = "oidc_next"


def _oidc() -> ModuleType:
    if not settings.OIDC_ISSUER:
        raise Http404("没有配置统一身份认证")
    from console import oidc  # its library is large, and few houses have a provider

    return oidc


@page(Page.OPEN)
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    oidc = _oidc()
    request.session[_NEXT] = target(request)
    try:
        answer: HttpResponse = oidc.send_there(request, f"{settings.PUBLIC_URL}{reverse('oidc_back')}")
    except oidc.Failed:
        return _failed(request, "统一身份认证暂时连不上。")
    return answer


@page(Page.OPEN)
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """Check what the provider says and log in the account of that name; none is made."""
    oidc = _oidc()
    try:
        name = oidc.name_of(request)
    except oidc.Failed:
        return _failed(request, "统一身份认证没有确认本次登录。")
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        return _failed(request, f"账号 {name} 在采风中没有开通。")
    way = request.session.pop(_NEXT, reverse("desk"))
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(way)


def _failed(request: HttpRequest, message: str) -> HttpResponse:
    context = {"title": "未能登录", "message": message, "remedy": "可用采风的用户名和密码登录，或联系管理员。"}
    return render(request, "console/error.html", context, status=403)

"""Optional login by the house's OpenID Connect provider; accounts and roles stay what the administrator gave."""

from __future__ import annotations

import functools
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET
from joserfc.errors import JoseError

from console.access import page
from console.roles import Page
from console.views.sessions import target

_NEXT = "oidc_next"
#: Seconds; every other page waits behind these calls.
_PATIENCE = 5
_FAULTS = (OAuthError, JoseError, OSError, ValueError, RuntimeError, KeyError)


@functools.lru_cache(maxsize=1)
def _provider(issuer: str, client_id: str, secret: str) -> Any:
    """The provider as its discovery document describes it; asked for at the first login."""
    return OAuth().register(
        "house",
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "default_timeout": _PATIENCE},
    )


def _house() -> Any:
    if not settings.OIDC_ISSUER:
        raise Http404("没有配置统一身份认证")
    return _provider(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)


@page(Page.OPEN)
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider, with state, nonce and PKCE kept in the session."""
    house = _house()
    request.session[_NEXT] = target(request)
    try:
        answer: HttpResponse = house.authorize_redirect(request, f"{settings.PUBLIC_URL}{reverse('oidc_back')}")
    except _FAULTS:
        return _failed(request, "统一身份认证暂时连不上。")
    return answer


@page(Page.OPEN)
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """Check what the provider says and log in the account of that name; none is made."""
    house = _house()
    wanted = {"iss": {"essential": True, "value": settings.OIDC_ISSUER}}
    wanted["aud"] = {"essential": True, "value": settings.OIDC_CLIENT_ID}
    try:
        said = house.authorize_access_token(request, claims_options=wanted)["userinfo"]
        name = said[settings.OIDC_CLAIM]
    except _FAULTS:
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

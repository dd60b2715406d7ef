"""The house's OpenID Connect provider, spoken to by authlib: loaded only where a house has one."""

from __future__ import annotations

import functools
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from joserfc.errors import JoseError

#: Seconds; every other page waits behind these calls.
_PATIENCE = 5
_FAULTS = (OAuthError, JoseError, OSError, ValueError, RuntimeError, KeyError)


class Failed(Exception):
    """The provider cannot be reached, or did not confirm the login."""


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
    return _provider(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)


def send_there(request: HttpRequest, back: str) -> HttpResponse:
    """Send the browser to the provider, with state, nonce and PKCE kept in the session. Raises Failed."""
    try:
        answer: HttpResponse = _house().authorize_redirect(request, back)
    except _FAULTS as error:
        raise Failed from error
    return answer


def name_of(request: HttpRequest) -> str:
    """The account name the provider confirms to a browser that came back. Raises Failed."""
    wanted = {"iss": {"essential": True, "value": settings.OIDC_ISSUER}}
    wanted["aud"] = {"essential": True, "value": settings.OIDC_CLIENT_ID}
    try:
        said = _house().authorize_access_token(request, claims_options=wanted)["userinfo"]
        return str(said[settings.OIDC_CLAIM])
    except _FAULTS as error:
        raise Failed from error

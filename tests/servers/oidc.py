"""A small OpenID Connect provider: discovery, keys, code flow with PKCE; everybody is already logged in to it."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.servers.strict import Answer, Request, said

CLIENT, SECRET = "caifeng", "provider-secret"


@dataclass(slots=True)
class Provider:
    """`claims` and `key` are what the next token says and is signed with."""

    person: str
    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256"}))
    published: RSAKey | None = None
    _codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def __call__(self, request: Request) -> Answer:
        """Answer one request."""
        match request.path:
            case "/.well-known/openid-configuration":
                return said(self._discovery())
            case "/keys":
                return said({"keys": [(self.published or self.key).as_dict(private=False)]})
            case "/authorize":
                return self._authorize(request.query)
            case "/token":
                return self._token(dict(parse_qsl(request.body.decode())), request.headers)
        return Answer(status=404)

    def _discovery(self) -> dict[str, Any]:
        places = {name: f"{self.url}/{path}" for name, path in _PLACES.items()}
        return {"issuer": self.url, "id_token_signing_alg_values_supported": ["RS256"], **places}

    def _authorize(self, asked: Mapping[str, str]) -> Answer:
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        return Answer(status=302, headers={"Location": back})

    def _token(self, sent: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """A code counts once, for who knows the secret and the verifier of its challenge."""
        asked = self._codes.pop(sent.get("code", ""), None)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        known = asked and asked["code_challenge"] == challenge and asked["redirect_uri"] == sent["redirect_uri"]
        if not asked or not known or headers.get("authorization") != basic:
            return said({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims |= {"preferred_username": self.person} | self.claims
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return said({"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})


_PLACES = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}

"""Login by an OpenID Connect provider: whoever it names and nobody else, and only with everything checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client
from joserfc.jwk import RSAKey
from pytest_django import Settings

from tests.fixtures.console_client import wire
from tests.fixtures.console_night import people
from tests.servers.oidc import CLIENT, SECRET, Provider
from tests.servers.strict import Server

pytestmark = [pytest.mark.django_db, pytest.mark.workflow]


@pytest.fixture
def provider(tmp_path: Path, settings: Settings) -> Iterator[Provider]:
    """A provider that knows 沈知禾, and a console that trusts it."""
    people()
    wire(tmp_path)
    provider = Provider(person="shenzhihe")
    with Server(provider) as server:
        provider.url = server.url
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = server.url, CLIENT, SECRET
        yield provider


def come_back(client: Client, path: str = "/") -> HttpResponse:
    """From the login page to the provider and back, as a browser goes."""
    away = client.get("/login/oidc", {"next": path}).headers["Location"]
    back = urlsplit(httpx.get(away, trust_env=False).headers["Location"])
    return client.get(f"{back.path}?{back.query}")


def test_whom_the_provider_names_is_logged_in_and_led_on(provider: Provider) -> None:
    client = Client()

    answer = come_back(client, "/posts/")

    assert answer.headers["Location"] == "/posts/"
    assert "沈知禾" in client.get("/").content.decode()


def test_the_login_page_offers_it_only_where_it_is_configured(provider: Provider, settings: Settings) -> None:
    offered = Client().get("/login").content.decode()
    settings.OIDC_ISSUER = ""

    assert "统一身份认证登录" in offered
    assert "统一身份认证" not in Client().get("/login").content.decode()
    assert Client().get("/login/oidc").status_code == 404


@pytest.mark.parametrize("person", ["nobody-here", ""])
def test_an_account_nobody_opened_stays_out(person: str, provider: Provider) -> None:
    provider.person = person
    client = Client()

    answer = come_back(client)

    assert (answer.status_code, client.get("/").status_code) == (403, 302)
    assert "没有开通" in answer.content.decode()


@pytest.mark.parametrize(
    "claims",
    [{"aud": "another-client"}, {"iss": "https://elsewhere.example"}, {"nonce": "stale"}, {"exp": 1}],
    ids=["audience", "issuer", "nonce", "expired"],
)
def test_a_token_that_is_not_for_this_login_is_refused(claims: dict[str, object], provider: Provider) -> None:
    provider.claims = claims

    assert come_back(Client()).status_code == 403


def test_a_token_signed_by_another_key_is_refused(provider: Provider) -> None:
    provider.published = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256"})

    assert come_back(Client()).status_code == 403


def test_an_answer_nobody_asked_for_is_refused(provider: Provider) -> None:
    assert Client().get("/login/oidc/back", {"code": "code-0", "state": "made-up"}).status_code == 403


def test_it_leads_to_no_other_house(provider: Provider) -> None:
    assert come_back(Client(), "https://elsewhere.example/").headers["Location"] == "/"

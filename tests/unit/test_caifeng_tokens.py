"""`caifeng tokens`: keys to the API from the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from django.contrib.auth.models import User

from alerts.api import digest
from alerts.models import ApiToken
from caifeng import bootstrap
from caifeng.commands.tokens import tokens
from core.errors import ConfigError

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command meets the test database, in which there is one account."""
    monkeypatch.setattr(bootstrap, "ready", lambda: None)
    User.objects.create_user("portal")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tokens, arguments, catch_exceptions=True)


def issued(name: str = "门户") -> str:
    result = run("issue", name, "--user", "portal", "--scope", "alerts:read")
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_token_is_printed_once_and_only_its_digest_kept() -> None:
    token = issued()

    row = ApiToken.objects.get()
    assert row.digest == digest(token)
    assert token not in run("list").stdout


def test_the_list_names_user_and_scopes() -> None:
    issued()

    assert run("list").stdout.split("\t")[:3] == ["门户", "portal", "alerts:read"]


def test_a_revoked_token_is_closed_for_good() -> None:
    issued()

    run("revoke", "门户")

    assert ApiToken.objects.get().revoked_at is not None
    assert isinstance(run("revoke", "门户").exception, ConfigError)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("issue", "二", "--user", "nobody", "--scope", "alerts:read"), "没有账号 nobody"),
        (("issue", "二", "--user", "portal", "--scope", "alerts:all"), "没有权限 alerts:all"),
        (("issue", "门户", "--user", "portal", "--scope", "alerts:read"), "已有令牌 门户"),
    ],
)
def test_what_cannot_be_issued_is_refused_with_the_reason(arguments: tuple[str, ...], reason: str) -> None:
    issued()

    assert reason in str(run(*arguments).exception)

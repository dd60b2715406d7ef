"""`caifeng tokens`: keys to the API."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from caifeng import bootstrap


@click.group()
def tokens() -> None:
    """Keys to the API: issue, list, revoke."""
    bootstrap.ready()


@tokens.command()
@click.argument("name")
@click.option("--user", "login", required=True, help="login in whose name it acts")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="alerts:read, alerts:act, posts:push, health:read"
)
def issue(name: str, login: str, scopes: tuple[str, ...]) -> None:
    """Print a new token, this once; only its digest is kept."""
    from alerts import api
    from caifeng import accounts

    click.echo(api.issue(name, accounts.find(login), scopes, datetime.now(UTC)))


@tokens.command("list")
def list_tokens() -> None:
    """Name, login, scopes, day of issue and day of revocation, one token a line."""
    from alerts.models import ApiToken
    from core.clock import SHANGHAI

    for row in ApiToken.objects.order_by("created_at").select_related("user"):
        days = [f"{at.astimezone(SHANGHAI):%Y-%m-%d}" if at else "" for at in (row.created_at, row.revoked_at)]
        click.echo("\t".join((row.name, row.user.get_username(), ",".join(row.scopes), *days)))


@tokens.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Close a token for good."""
    from alerts import api

    api.revoke(name, datetime.now(UTC))
    click.echo(f"令牌 {name} 已吊销", err=True)

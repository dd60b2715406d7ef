"""`caifeng user`: accounts from the command line."""

from __future__ import annotations

import click

from caifeng import bootstrap

PASSWORD = click.password_option(help="asked for when left out, so that it stays out of the shell's history")


@click.group()
def user() -> None:
    """Accounts: add, change a password, list."""
    bootstrap.ready()


@user.command()
@click.argument("login")
@click.option("--name", required=True, help="as pages show it")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    help="duty_officer, duty_lead, department, leader, administrator, auditor",
)
@click.option("--unit", default="", help="department id, for the role department")
@PASSWORD
def add(login: str, name: str, roles: tuple[str, ...], unit: str, password: str) -> None:
    """Make an account."""
    from django.contrib.auth.hashers import make_password

    from caifeng import accounts

    accounts.add(login, name, roles, make_password(password), unit=unit)
    click.echo(f"{login} 已建立", err=True)


@user.command()
@click.argument("login")
@PASSWORD
def password(login: str, password: str) -> None:
    """Set a new password."""
    from caifeng import accounts

    accounts.change_password(login, password)
    click.echo(f"{login} 的密码已更改", err=True)


@user.command("list")
def list_accounts() -> None:
    """Login, name, roles and unit, one account a line."""
    from django.contrib.auth import get_user_model

    for row in get_user_model().objects.order_by("username").prefetch_related("groups").select_related("contact"):
        roles = ",".join(group.name for group in row.groups.all())
        contact = getattr(row, "contact", None)
        click.echo("\t".join((row.username, row.first_name, roles, contact.unit if contact else "")))

"""Accounts: who may log in, in which role, for which unit."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import Group, User
from django.db import transaction

from alerts.models import Contact
from core.errors import ConfigError
from core.profile import Profile

ROLES = ("duty_officer", "duty_lead", "department", "leader", "administrator", "auditor")


def add(
    login: str,
    name: str,
    roles: Sequence[str],
    password_hash: str,
    *,
    unit: str = "",
    addresses: dict[str, str] | None = None,
) -> None:
    """Make an account, or bring it to these roles; an existing password stays.

    `password_hash` comes from Django's `make_password`. Raises ConfigError.
    """
    if unknown := set(roles) - set(ROLES):
        raise ConfigError(f"没有角色 {'、'.join(sorted(unknown))}；可用：{'、'.join(ROLES)}")
    with transaction.atomic():
        user, _ = User.objects.get_or_create(username=login, defaults={"first_name": name, "password": password_hash})
        user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
        Contact.objects.update_or_create(
            user=user,
            defaults={"name": name, "unit": unit, "role": roles[0], "addresses": addresses or {}},
        )


def from_profile(profile: Profile, password_hash: str) -> None:
    """Accounts of everybody on the roster, one per department, one leader and one auditor."""
    for member in profile.roster.members:
        add(member.login, member.name, [member.role], password_hash, addresses=dict(member.addresses))
    for unit in profile.departments:
        add(unit.id, unit.short, ["department"], password_hash, unit=unit.id)
    add("leader", "县领导", ["leader"], password_hash)
    add("auditor", "审计员", ["auditor"], password_hash)


def find(login: str) -> User:
    """An account. Raises ConfigError for an unknown login."""
    user = User.objects.filter(username=login).first()
    if user is None:
        raise ConfigError(f"没有账号 {login}")
    return user


def change_password(login: str, password: str) -> None:
    """Set a new password. Raises ConfigError for an unknown login."""
    user = find(login)
    user.set_password(password)
    user.save()

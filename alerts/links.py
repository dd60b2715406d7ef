"""Signed, expiring links by which a department without an account acts: pure but for the installation's key.

A link names one alert, one unit and what may be done; the desk still decides whether it may be done now.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing

from alerts.lifecycle import ACTION_LABELS, Action
from core.clock import aware
from core.errors import Refused

#: Longer than any window that ends with an answer of the unit.
LASTS = timedelta(days=14)
#: What a link may carry at most; the rest needs an account.
OFFERED = frozenset(
    {Action.ACKNOWLEDGE, Action.RETURN, Action.HANDLE, Action.FEEDBACK, Action.REPORT, Action.RESPOND, Action.NOTE}
)
PATH = "/act/"
_SALT = "alerts.links"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a token says."""

    alert: int
    unit: str
    actions: frozenset[Action]
    expires: datetime

    @property
    def actor(self) -> str:
        """The desk's name for whoever holds the link."""
        return f"unit:{self.unit}"

    def check(self, action: Action) -> None:
        """Raises Refused when the link does not carry the action."""
        if action not in self.actions:
            raise Refused(f"此链接不能用于{ACTION_LABELS[action]}，请登录办理")


def sign(alert_id: int, unit: str, actions: Collection[Action], expires: datetime) -> str:
    """A token for `read`; safe in a URL path. Only actions of OFFERED can be signed."""
    if not unit or not (chosen := sorted(set(actions))) or not OFFERED.issuperset(chosen):
        raise ValueError("a link needs a unit and actions that links may carry")
    return signing.dumps([alert_id, unit, chosen, int(aware(expires).timestamp())], salt=_SALT)


def read(token: str, now: datetime) -> Link:
    """The link behind a token. Raises Refused when it was changed, is of another installation, or has expired."""
    try:
        alert, unit, actions, expires = signing.loads(token, salt=_SALT)
        link = Link(
            alert=int(alert),
            unit=str(unit),
            actions=frozenset(Action(action) for action in actions),
            expires=datetime.fromtimestamp(expires, UTC),
        )
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Refused("链接无效，请使用最新通知中的链接或登录办理") from error
    if now >= link.expires:
        raise Refused("链接已过期，请使用最新通知中的链接或登录办理")
    return link


def url(alert_id: int, unit: str, now: datetime) -> str:
    """The whole address of a fresh link with everything a unit may do through one."""
    return f"{settings.PUBLIC_URL}{PATH}{sign(alert_id, unit, OFFERED, now + LASTS)}"

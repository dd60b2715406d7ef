"""Where messages are put in: one row each, in the transaction that causes it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict, Unpack

from alerts.models import Alert, Notification


class Letter(TypedDict):
    """A message to be written. `payload` holds title, text, number, level, state, url, actions, version; with `stage`
    (and `round`) it is dropped once that deadline is settled. `skipped` is the Chinese reason why nobody is told: the
    row is only kept."""

    dedupe_key: str
    kind: str
    channel: str
    recipient: str
    recipient_name: str
    reason: str
    payload: Mapping[str, Any]
    urgency: int
    now: datetime
    due_at: NotRequired[datetime | None]
    alert: NotRequired[Alert | None]
    skipped: NotRequired[str]


def enqueue(**letter: Unpack[Letter]) -> bool:
    """Write a message in the caller's transaction; False if this cause has already written one."""
    (row,) = enqueue_all([letter])
    return Notification.objects.filter(pk=row.pk).exists()


def enqueue_all(letters: Iterable[Letter]) -> list[Notification]:
    """Write messages in the caller's transaction, in one statement; one whose cause has written it already is left."""
    rows = [
        Notification(
            dedupe_key=_fitting(letter["dedupe_key"]),
            kind=letter["kind"],
            channel=letter["channel"],
            recipient=letter["recipient"],
            recipient_name=letter["recipient_name"],
            reason=letter["reason"][:200],
            payload=dict(letter["payload"]),
            urgency=letter["urgency"],
            created_at=letter["now"],
            due_at=letter.get("due_at") or letter["now"],
            alert=letter.get("alert"),
            state=Notification.Sending.SKIPPED if letter.get("skipped") else Notification.Sending.PENDING,
            error=letter.get("skipped", ""),
        )
        for letter in letters
    ]
    return Notification.objects.bulk_create(rows, ignore_conflicts=True)


def _fitting(key: str) -> str:
    """A key that is too long for its column, still different from every other one."""
    return key if len(key) <= 256 else f"{key[:190]}/{hashlib.sha256(key.encode()).hexdigest()}"

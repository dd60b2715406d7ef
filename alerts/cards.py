"""Cards that stay: a message of a channel that can change what it sent follows its alert."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from alerts.letterbox import enqueue
from alerts.lifecycle import Action
from alerts.models import Alert, AlertEvent, Notification
from core.clock import SHANGHAI

#: A provider's id that begins so names a card its channel can change and answer below.
CARD = "card:"
#: Kind of the rows that only bring a card up to date.
KIND = "card"
#: Buttons a card may come to offer; which of them show depends on the state.
_DUTY = (Action.CONFIRM, Action.DISMISS, Action.DISPATCH, Action.ACKNOWLEDGE, Action.RETURN, Action.HANDLE)
_UNIT = (Action.ACKNOWLEDGE, Action.RETURN, Action.HANDLE)


def of(alerts: Collection[int]) -> QuerySet[Notification]:
    """The cards that stand somewhere for these alerts."""
    sent = Notification.objects.filter(alert__in=alerts, state=Notification.Sending.SENT)
    return sent.filter(provider_id__startswith=CARD)


def refresh(alert: Alert, event: AlertEvent, now: datetime) -> int:
    """Write a row for every place that shows the alert's card: new state, and what happened as a line below it.

    Joins the caller's transaction, after the messages of the event: a place that gets one of those needs no other.
    """
    places = {(row.channel, row.recipient): row for row in of([alert.pk]).order_by("-sent_at")}
    for told in Notification.objects.filter(alert=alert, created_at=now).exclude(kind=KIND) if places else ():
        places.pop((told.channel, told.recipient), None)
    return sum(
        enqueue(
            dedupe_key=f"card/{alert.number}/{alert.version}/{channel}/{recipient}",
            kind=KIND,
            channel=channel,
            recipient=recipient,
            recipient_name=first.recipient_name,
            reason="告警有变化，更新卡片",
            payload={**standing(first), "note": line(event)},
            urgency=4,
            now=now,
            alert=alert,
        )
        for (channel, recipient), first in places.items()
    )


def standing(first: Notification) -> dict[str, Any]:
    """What the card of a place says whatever comes later, with every button it may come to offer."""
    buttons = _DUTY if str(first.payload.get("role", "")).startswith("duty") else _UNIT
    return {**first.payload, "reason": first.reason, "actions": [action.value for action in buttons]}


def line(event: AlertEvent) -> str:
    """`09:12 guhuaiqing 签收：已派人到场`."""
    label = Action(event.kind).label if event.kind in set(Action) else event.kind
    words = f"：{event.note}" if event.note else ""
    return f"{event.at.astimezone(SHANGHAI):%m-%d %H:%M} {event.actor} {label}{words}"

"""The light roles: sweep, send, serve. Nothing here loads a model, so that they stay small."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from alerts import channels, sweep
from alerts import heartbeat as alive
from alerts.models import Alert, Notification
from alerts.outbox import Sender
from caifeng import bootstrap
from caifeng.roles import utc_now
from core.ports import Notifier


@dataclass(slots=True)
class Sweeper:
    """Acts on deadlines; any number may run."""

    name: str = "sweep"
    rest: float = 0.8
    acted: int = 0

    def step(self, now: datetime) -> int:
        """Claim what is due and act on it. An idle look asks one thing."""
        soonest = sweep.next_at()
        if soonest is None or soonest > now:
            return 0
        done = sweep.sweep(bootstrap.profile(), now)
        self.acted += done
        return done

    def detail(self) -> Mapping[str, Any]:
        """Counters, and the soonest clock."""
        soonest = sweep.next_at()
        return {
            "acted": self.acted,
            "open": Alert.objects.filter(closed_at__isnull=True).count(),
            "next": soonest.isoformat() if soonest else None,
        }


@dataclass(slots=True)
class Sending:
    """Sends what the outbox holds; any number may run."""

    sender: Sender
    name: str = "send"
    rest: float = 2.0
    sent: int = 0

    def step(self, now: datetime) -> int:
        """Claim what is due and send it."""
        done = self.sender.step(now)
        self.sent += done
        return done

    def close(self, now: datetime) -> None:
        """Record what channels still take, or it would be sent again when its lease ends."""
        self.sender.close(now)

    def detail(self) -> Mapping[str, Any]:
        """Counters, and what waits or failed."""
        rows = Notification.objects
        return {
            "sent": self.sent,
            "waiting": rows.filter(state=Notification.Sending.PENDING).count(),
            "failed": rows.filter(state=Notification.Sending.FAILED).count(),
        }


def sender(owner: str) -> Sending:
    """The sending role with the channels of the channels file; Slack's Socket Mode is answered from here."""
    opened = channels.load_file(settings.CHANNELS_FILE)
    for channel in opened.values():
        if getattr(channel, "app_token", ""):
            _listen(channel)
    return Sending(sender=Sender(opened, owner))


def _listen(channel: Notifier) -> None:
    """Answer a Slack channel's buttons; Slack's library loads only where an office has it."""
    from alerts.channels.slack import Slack
    from alerts.slack_app import SlackApp

    if isinstance(channel, Slack):
        app = SlackApp(channel, bootstrap.profile)
        threading.Thread(target=app.listen, args=(threading.Event(), utc_now), daemon=True).start()


class Watch:
    """Every looping role looks after the others, and tells the outside that the house lives."""

    def __init__(self) -> None:
        self._outside = alive.read(settings.CHANNELS_FILE)
        self._channels = channels.load_file(settings.CHANNELS_FILE)

    def __call__(self, now: datetime) -> int:
        """Write what is due; return how many messages."""
        return alive.step(self._outside, self._channels, now)


@dataclass(slots=True)
class Serving:
    """The console's sign of life."""

    name: str = "serve"
    rest: float = 5.0

    def step(self, now: datetime) -> int:
        """Nothing to do: uvicorn serves."""
        return 0

    def detail(self) -> Mapping[str, Any]:
        """Where it listens."""
        return {"url": settings.PUBLIC_URL}

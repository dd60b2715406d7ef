"""The light roles: sweep, send, serve. Nothing here loads a model, so that they stay small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from alerts import channels, sweep
from alerts.models import Alert, Deadline, Notification
from alerts.outbox import Sender
from caifeng import bootstrap


@dataclass(slots=True)
class Sweeper:
    """Acts on deadlines; any number may run."""

    name: str = "sweep"
    rest: float = 0.5
    acted: int = 0

    def step(self, now: datetime) -> int:
        """Claim what is due and act on it."""
        done = sweep.sweep(bootstrap.profile(), now)
        self.acted += done
        return done

    def detail(self) -> Mapping[str, Any]:
        """Counters, and the soonest clock."""
        soonest = Deadline.objects.filter(next_step_at__isnull=False).order_by("next_step_at").first()
        return {
            "acted": self.acted,
            "open": Alert.objects.filter(closed_at__isnull=True).count(),
            "next": soonest.next_step_at.isoformat() if soonest and soonest.next_step_at else None,
        }


@dataclass(slots=True)
class Sending:
    """Sends what the outbox holds; any number may run."""

    sender: Sender
    name: str = "send"
    rest: float = 0.3
    sent: int = 0

    def step(self, now: datetime) -> int:
        """Claim what is due and send it."""
        done = self.sender.step(now)
        self.sent += done
        return done

    def detail(self) -> Mapping[str, Any]:
        """Counters, and what waits or failed."""
        rows = Notification.objects
        return {
            "sent": self.sent,
            "waiting": rows.filter(state=Notification.Sending.PENDING).count(),
            "failed": rows.filter(state=Notification.Sending.FAILED).count(),
        }


def sender(owner: str) -> Sending:
    """The sending role with the channels of the channels file."""
    return Sending(sender=Sender(channels.load_file(settings.CHANNELS_FILE), owner))


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

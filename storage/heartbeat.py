"""Roles say that they live; whoever looks sees who fell silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from storage.models import Heartbeat

#: A role that said nothing for so long is shown as silent on every page.
SILENT_AFTER = timedelta(seconds=60)
#: Rows of instances that are long gone.
FORGET_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The newest sign of life of a role; `silent` when it is too old."""

    role: str
    instance: str
    at: datetime
    started_at: datetime
    silent: bool
    detail: Mapping[str, Any]
    last_error: str


def beat(role: str, instance: str, started_at: datetime, now: datetime, detail: Mapping[str, Any], error: str) -> None:
    """Write the role's sign of life."""
    Heartbeat.objects.update_or_create(
        role=role,
        instance=instance,
        defaults={"started_at": started_at, "at": now, "detail": dict(detail), "last_error": error},
    )


def leave(role: str, instance: str) -> None:
    """A role that stops in good order is not silent, it is gone."""
    Heartbeat.objects.filter(role=role, instance=instance).delete()


def processes(now: datetime) -> list[Pulse]:
    """Newest sign of life of every process of the last day, in order of time."""
    rows = Heartbeat.objects.filter(at__gt=now - FORGET_AFTER).order_by("at")
    return [
        Pulse(
            role=row.role,
            instance=row.instance,
            at=row.at,
            started_at=row.started_at,
            silent=now - row.at > SILENT_AFTER,
            detail=row.detail,
            last_error=row.last_error,
        )
        for row in rows
    ]


def pulses(now: datetime) -> list[Pulse]:
    """Newest sign of life per role, silent ones included, in order of name."""
    newest = {pulse.role: pulse for pulse in processes(now)}
    return [pulse for _, pulse in sorted(newest.items())]

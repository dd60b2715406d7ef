"""Signs of life to the outside, and a word when a role falls silent. The decisions are pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alerts import undelivered
from alerts.models import Notification
from alerts.outbox import Sender, enqueue
from core.clock import SHANGHAI, parse_duration
from core.errors import ConfigError
from core.ports import Notifier
from storage.heartbeat import SILENT_AFTER, Pulse, pulses

KIND = "heartbeat"
#: Roles without which a deadline or a message would pass unseen.
WATCHED: Mapping[str, str] = {"sweep": "时限巡查", "send": "通知发送"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Who expects a sign of life, by which channel, how often; when it stays away they call."""

    channel: str
    recipient: str
    every: timedelta


def read(path: str) -> Outside | None:
    """The `heartbeat` of the channels file; None without one. Raises ConfigError."""
    if not path:
        return None
    settings = json.loads(Path(path).read_text(encoding="utf-8")).get(KIND)
    if settings is None:
        return None
    try:
        outside = Outside(
            channel=settings["channel"], recipient=settings["recipient"], every=parse_duration(settings["every"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: heartbeat needs channel, recipient and every (like 10m): {error}") from error
    if outside.every < timedelta(minutes=1):
        raise ConfigError(f"{path}: heartbeat.every must be at least a minute")
    return outside


def turn(every: timedelta, now: datetime) -> int:
    """The number of the period `now` lies in; one sign of life belongs to each."""
    return int(now.timestamp() // every.total_seconds())


def silent(seen: Sequence[Pulse], now: datetime) -> list[Pulse]:
    """The watched roles that fell silent while another one was there to hear it.

    After a halt of the whole house a role gets as long to speak up as the first of the others has been running.
    """
    living = [pulse.started_at for pulse in seen if not pulse.silent]
    if not living:
        return []
    heard_since = min(living)
    return [
        pulse
        for pulse in seen
        if pulse.role in WATCHED and pulse.silent and now - max(pulse.at, heard_since) > SILENT_AFTER
    ]


def step(outside: Outside | None, channels: Mapping[str, Notifier], now: datetime) -> int:
    """Write what is due; return how many messages. Called by every role that loops, so that one lives to tell.

    When the sending role itself is silent, its messages are sent from here.
    """
    seen = pulses(now)
    written = _beat(outside, seen, now) if outside else 0
    missing = silent(seen, now)
    for pulse in missing:
        written += undelivered.warn(
            cause=f"silent:{pulse.role}:{pulse.instance}:{pulse.at.isoformat()}",
            title=f"{WATCHED[pulse.role]}没有运行",
            text=f"{WATCHED[pulse.role]}（{pulse.instance}）自 {pulse.at.astimezone(SHANGHAI):%m-%d %H:%M:%S} 起没有动静，请检查。",
            channels=list(channels),
            now=now,
        )
    if any(pulse.role == "send" for pulse in missing):
        stand_in = Sender(channels, "stand-in")
        stand_in.step(now)
        stand_in.close(now)
    return written


def _beat(outside: Outside, seen: Sequence[Pulse], now: datetime) -> int:
    """One row each period; its key is the period, so several roles write it once."""
    key = f"{KIND}:{outside.channel}:{outside.recipient}:{turn(outside.every, now)}"
    if Notification.objects.filter(dedupe_key=key).exists():
        return 0
    missing = "、".join(WATCHED[pulse.role] for pulse in silent(seen, now))
    return enqueue(
        dedupe_key=key,
        kind=KIND,
        channel=outside.channel,
        recipient=outside.recipient,
        recipient_name="外部看护",
        reason=f"每 {outside.every} 报一次平安，没有收到即为异常",
        payload={
            "title": f"采风{'部分停止：' + missing if missing else '运行正常'}",
            "text": f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        },
        urgency=3,
        now=now,
    )

"""A message that did not arrive: a person is told of it through another way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts import delivery
from alerts.letterbox import enqueue
from alerts.models import Alert, Contact, Notification

KIND = "undelivered"
#: Always there; the notice then stands on the console only.
LAST_RESORT = "console"


def tell(row: Notification, error: str, final: bool, channels: Sequence[str], now: datetime) -> None:
    """Write a notice about the row to each duty lead, in the caller's transaction.

    A notice that fails itself is tried over the lead's remaining channels, and ends on the console.
    """
    tried = [*row.payload.get("tried", []), row.channel]
    if row.channel == LAST_RESORT:
        return
    cause = f"{row.payload.get('cause', row.pk)}:{'final' if final else 'late'}"
    payload = row.payload if row.kind == KIND else _payload(row, error, final)
    _write(cause, {**payload, "cause": cause, "tried": tried}, channels, tried, now, row.alert)


def warn(*, cause: str, title: str, text: str, channels: Sequence[str], now: datetime) -> int:
    """Tell the duty leads of a fault of the house, once for each cause; return how many notices were written."""
    return _write(cause, {"title": title, "text": text, "cause": cause, "tried": []}, channels, [], now, None)


def _write(
    cause: str,
    payload: dict[str, object],
    channels: Sequence[str],
    tried: Sequence[str],
    now: datetime,
    alert: Alert | None,
) -> int:
    return sum(
        enqueue(
            dedupe_key=f"{KIND}:{cause}:{channel}:{address}",
            kind=KIND,
            channel=channel,
            recipient=address,
            recipient_name=name,
            reason="值班长：系统异常须人工处理",
            payload=payload,
            urgency=0,
            now=now,
            alert=alert,
        )
        for name, channel, address in _leads(channels, tried)
    )


def _leads(channels: Sequence[str], tried: Sequence[str]) -> list[tuple[str, str, str]]:
    """(name, channel, address) of every duty lead; the console once when nobody else can be reached."""
    found = []
    for lead in Contact.objects.filter(role="duty_lead").order_by("pk"):
        channel = delivery.way(lead.addresses, open_channels=channels, tried=tried)
        if channel:
            found.append((lead.name, channel, lead.addresses[channel]))
    return found or [("值班室", LAST_RESORT, "duty_lead")]


def _payload(row: Notification, error: str, final: bool) -> dict[str, object]:
    whom = row.recipient_name or row.recipient
    state = "未能送达" if final else "暂未送达，仍在重试"
    return {
        "title": f"通知{state}：{row.payload.get('title', '')}"[:120],
        "text": f"发给{whom}的通知（{row.channel}）{state}。原因：{error}。请用其他方式联系。",
        **{field: row.payload[field] for field in ("number", "level", "url") if field in row.payload},
    }

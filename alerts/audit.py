"""The chain of events: each row is sealed with the hash of the one before, the alert keeps the newest hash.

Changing, inserting or deleting any row breaks the chain where it was done; cutting off its end shows at the alert,
deleting an alert shows as a gap in the numbers, and a changed alert contradicts its events.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from alerts.models import Alert, AlertEvent, AlertNumber

#: Columns of an alert whose value its events account for.
ACCOUNTED = ("level", "lead_unit", "co_units", "guidance_units", "merged_into_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A place where the record does not hold."""

    number: str
    #: 0 when the alert itself is meant.
    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check of the whole record found."""

    alerts: int
    events: int
    broken: tuple[Broken, ...]
    #: Hash over all chains; written down elsewhere (a printed briefing) it anchors everything up to now.
    head: str


def append(
    alert: Alert,
    *,
    at: datetime,
    actor: str,
    kind: str,
    from_state: str = "",
    to_state: str = "",
    note: str = "",
    data: Mapping[str, Any] | None = None,
) -> AlertEvent:
    """Write the next event of an alert whose row the caller's transaction has locked, and read after locking it.

    The first event of a new alert is written before the alert has a row, and both are saved here.
    """
    event = AlertEvent(
        alert=alert,
        seq=alert.chain_length + 1,
        at=at,
        actor=actor,
        kind=kind,
        from_state=from_state,
        to_state=to_state,
        note=note,
        data=dict(data or {}),
        previous_hash=alert.chain_head,
    )
    event.hash = seal(alert.number, event)
    alert.chain_length, alert.chain_head = event.seq, event.hash
    if alert.pk is None:
        alert.save(force_insert=True)
    else:
        Alert.objects.filter(pk=alert.pk).update(chain_length=event.seq, chain_head=event.hash)
    event.save(force_insert=True)
    return event


def seal(number: str, event: AlertEvent) -> str:
    """SHA-256 over everything an event says, its place and the hash before it."""
    said = [
        number,
        event.seq,
        event.at.astimezone(UTC).isoformat(),
        event.actor,
        event.kind,
        event.from_state,
        event.to_state,
        event.note,
        event.data,
        event.previous_hash,
    ]
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def verify() -> Verdict:
    """Check every alert against its chain, and the numbers for gaps."""
    alerts = {alert.pk: alert for alert in Alert.objects.iterator(chunk_size=2000)}
    broken = list(_gaps(alerts.values()))
    seen: set[int] = set()
    total = 0
    rows = AlertEvent.objects.order_by("alert_id", "seq").iterator(chunk_size=2000)
    for alert_id, group in groupby(rows, key=lambda event: event.alert_id):
        events = list(group)
        seen.add(alert_id)
        total += len(events)
        if alert_id in alerts:
            broken += _broken_links(alerts[alert_id], events)
        else:
            broken.append(Broken(number=f"（内部编号 {alert_id}）", seq=0, reason="有记录而无告警，告警被删除"))
    broken += [
        Broken(number=alert.number, seq=0, reason="没有任何记录") for pk, alert in alerts.items() if pk not in seen
    ]
    heads = sorted((alert.number, alert.chain_head) for alert in alerts.values())
    head = hashlib.sha256(json.dumps(heads).encode()).hexdigest()
    return Verdict(alerts=len(alerts), events=total, broken=tuple(broken), head=head)


def verify_alert(alert: Alert) -> tuple[Broken, ...]:
    """Check one alert against its chain."""
    return tuple(_broken_links(alert, list(AlertEvent.objects.filter(alert=alert).order_by("seq"))))


def _broken_links(alert: Alert, events: list[AlertEvent]) -> Iterator[Broken]:
    previous = ""
    for place, event in enumerate(events, start=1):
        if event.seq != place:
            yield Broken(number=alert.number, seq=event.seq, reason=f"序号不连续，应为 {place}")
            return
        if event.previous_hash != previous:
            yield Broken(number=alert.number, seq=event.seq, reason="与上一条不衔接")
        if not _holds(alert.number, event):
            yield Broken(number=alert.number, seq=event.seq, reason="内容与校验值不符")
        previous = event.hash
    if (len(events), previous) != (alert.chain_length, alert.chain_head):
        yield Broken(number=alert.number, seq=len(events), reason="末条与告警所记不符，可能被截断")
    yield from _contradictions(alert, events)


def _holds(number: str, event: AlertEvent) -> bool:
    try:
        return event.hash == seal(number, event)
    except (AttributeError, TypeError, ValueError):
        # A column holds what only a hand in the database could have written.
        return False


def _contradictions(alert: Alert, events: list[AlertEvent]) -> Iterator[Broken]:
    """Compare what the alert says now with what its events say it became."""
    state = next((event.to_state for event in reversed(events) if event.to_state), "")
    if state and state != alert.state:
        yield Broken(number=alert.number, seq=0, reason=f"状态为 {alert.state}，记录为 {state}")
    said: dict[str, Any] = {}
    for event in events:
        said.update(event.data.get("changes", {}))
    for column in ACCOUNTED:
        if column in said and said[column] != getattr(alert, column):
            yield Broken(
                number=alert.number, seq=0, reason=f"{column} 为 {getattr(alert, column)}，记录为 {said[column]}"
            )


def _gaps(alerts: Any) -> Iterator[Broken]:
    known = {alert.number for alert in alerts}
    for series in AlertNumber.objects.order_by("year"):
        for running in range(1, series.last + 1):
            number = f"{series.year}-{running:04d}"
            if number not in known:
                yield Broken(number=number, seq=0, reason="告警缺失，可能被删除")

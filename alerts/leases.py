"""The outbox's rows as senders see them: claim under a lease, record results. Each call is one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from alerts import cards, delivery, links, pace
from alerts.lifecycle import State
from alerts.models import Alert, Deadline, Lane, Notification
from alerts.undelivered import tell
from core.errors import CaifengError
from core.ports import Message, Notifier

Channels = Mapping[str, Notifier]
#: Alert → its state, version and level of this moment, as messages name them.
Live = Mapping[int, Mapping[str, Any]]
Sending = Notification.Sending
#: Roles who may have no account and get a link to act by.
_OF_UNIT = ("contact", "head")

#: Longer than any send begun under it; a sender that died is replaced after this time.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message under our lease."""

    row: Notification
    lane: str
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a try ended: with a provider's id, with an error, or (`untried`) it was not begun."""

    parcel: Parcel
    provider_id: str = ""
    error: CaifengError | None = None
    untried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a sender took: messages to send, and how many it cancelled because their reason fell away."""

    parcels: tuple[Parcel, ...]
    cancelled: int


def claim(channels: Channels, *, owner: str, room: int, busy: Collection[str], now: datetime) -> Claim:
    """Lease up to `room` due messages, urgent first. An idle look takes no lock."""
    waiting = Q(state=Sending.PENDING, due_at__lte=now)
    left = Q(state=Sending.SENDING, lease_until__lte=now)
    if not any(Notification.objects.filter(which).exists() for which in (waiting, left)):
        return Claim(parcels=(), cancelled=0)
    return _claim(channels, owner, room, busy, now)


@transaction.atomic
def _claim(channels: Channels, owner: str, room: int, busy: Collection[str], now: datetime) -> Claim:
    """One transaction.

    1. Leases that expired fall back to pending.
    2. Due rows are locked (PostgreSQL skips those another sender holds; SQLite lets one writer in at a time).
    3. Rows whose alert moved on are cancelled with the reason.
    4. Each lane gives as many as its limit allows; the others stay as they are.
    """
    _release_expired(now, room)
    rows = _due(now, room, {*busy, *_closed_lanes(channels, now)})
    live = _live(rows)
    reasons = _moot(rows, live)
    for key, reason in reasons.items():
        Notification.objects.filter(pk=key).update(state=Sending.CANCELLED, error=reason)
    ready = _admitted([row for row in rows if row.pk not in reasons], channels, now)
    Notification.objects.filter(pk__in=[row.pk for row in ready]).update(
        state=Sending.SENDING, lease_owner=owner, lease_until=now + LEASE, attempts=F("attempts") + 1
    )
    return Claim(parcels=_parcels(ready, live, channels, now), cancelled=len(reasons))


def _release_expired(now: datetime, room: int) -> None:
    expired = Notification.objects.filter(state=Sending.SENDING, lease_until__lte=now)
    keys = list(expired.select_for_update(skip_locked=True).values_list("pk", flat=True)[:room])
    if keys:
        Notification.objects.filter(pk__in=keys).update(state=Sending.PENDING, lease_owner="", lease_until=None)


def _due(now: datetime, room: int, closed: Collection[str]) -> list[Notification]:
    """Due rows, urgent first, but for those of closed lanes."""
    due: QuerySet[Notification] = Notification.objects.filter(state=Sending.PENDING, due_at__lte=now)
    for lane in closed:
        channel, _, recipient = lane.partition(":")
        due = due.exclude(Q(channel=channel, recipient=recipient) if recipient else Q(channel=channel))
    return list(due.order_by("urgency", "due_at").select_for_update(skip_locked=True)[:room])


def _closed_lanes(channels: Channels, now: datetime) -> list[str]:
    ahead = Lane.objects.filter(free_at__gt=now).values_list("name", "free_at")
    return [name for name, free_at in ahead if pace.closed(free_at, now, _limit(channels, name.partition(":")[0]))]


def _limit(channels: Channels, channel: str) -> pace.Limit | None:
    return pace.limit_of(channels.get(channel))


def _lane(channels: Channels, row: Notification) -> str:
    return pace.lane_of(row.channel, row.recipient, _limit(channels, row.channel))


def _live(rows: Sequence[Notification]) -> Live:
    about = {row.alert_id for row in rows if row.alert_id is not None}
    found = Alert.objects.filter(pk__in=about).values("pk", "state", "version", "level", "suggested_level")
    return {
        row["pk"]: {
            "alert": row["pk"],
            "state": row["state"],
            "version": row["version"],
            "level": row["level"] or row["suggested_level"],
        }
        for row in (found if about else ())
    }


def _moot(rows: Sequence[Notification], live: Live) -> dict[UUID, str]:
    """Key → why it is not worth sending any more."""
    settled = _settled_stages(rows)
    reasons = {
        row.pk: delivery.moot(row.kind, State(live[row.alert_id]["state"]), stage_settled=_stage(row) in settled)
        for row in rows
        if row.alert_id is not None
    }
    return {key: reason for key, reason in reasons.items() if reason}


def _stage(row: Notification) -> tuple[int | None, str, int]:
    return row.alert_id, row.payload.get("stage", ""), row.payload.get("round", 1)


def _settled_stages(rows: Sequence[Notification]) -> set[tuple[int | None, str, int]]:
    about = {row.alert_id for row in rows if row.payload.get("stage")}
    if not about:
        return set()
    over = Q(met_at__isnull=False) | Q(cancelled_at__isnull=False) | Q(paused_at__isnull=False)
    return set(Deadline.objects.filter(over, alert__in=about).values_list("alert", "stage", "round"))


def _admitted(rows: Sequence[Notification], channels: Channels, now: datetime) -> list[Notification]:
    """Keep the first rows of each limited lane, as many as it may take now, and move its clock."""
    wanted = Counter(_lane(channels, row) for row in rows if _limit(channels, row.channel))
    if not wanted:
        return list(rows)
    Lane.objects.bulk_create([Lane(name=name, free_at=now) for name in sorted(wanted)], ignore_conflicts=True)
    left: dict[str, int] = {}
    for lane in Lane.objects.filter(name__in=wanted).order_by("name").select_for_update():
        limit = _limit(channels, lane.name.partition(":")[0])
        assert limit is not None  # noqa: S101 -- only limited lanes were asked for
        allowed = pace.share(wanted[lane.name], lane.free_at, now, limit)
        Lane.objects.filter(pk=lane.pk).update(free_at=allowed.free_at)
        left[lane.name] = allowed.count
    return [row for row in rows if _takes_place(_lane(channels, row), left)]


def _takes_place(lane: str, left: dict[str, int]) -> bool:
    if lane not in left:
        return True
    left[lane] -= 1
    return left[lane] >= 0


def _parcels(rows: Sequence[Notification], live: Live, channels: Channels, now: datetime) -> tuple[Parcel, ...]:
    first = _first_cards(rows)
    return tuple(
        Parcel(row=row, lane=_lane(channels, row), message=_message(row, live, first.get(_place(row)), now))
        for row in rows
    )


def _message(row: Notification, live: Live, first: Notification | None, now: datetime) -> Message:
    """The row as its channel gets it; state and version are those of now, so that its buttons work."""
    facts = live[row.alert_id] if row.alert_id is not None else {"alert": None}
    data = {**row.payload, "kind": row.kind, "reason": row.reason, **facts}
    if first is not None:
        data |= {"thread": first.provider_id, "first": {**cards.standing(first), **facts}}
    if row.alert_id and row.payload.get("role") in _OF_UNIT and row.payload.get("unit") and row.payload.get("actions"):
        data["action_url"] = links.url(row.alert_id, row.payload["unit"], now)
    title, text = str(data.pop("title", "")), str(data.pop("text", ""))
    return Message(id=str(row.pk), recipient=row.recipient, title=title, text=text, data=data)


def _place(row: Notification) -> tuple[int | None, str, str]:
    return row.alert_id, row.channel, row.recipient


def _first_cards(rows: Sequence[Notification]) -> dict[tuple[int | None, str, str], Notification]:
    """(alert, channel, recipient) → the first message there, under the provider's id of the card that stands now."""
    about = {row.alert_id for row in rows if row.alert_id is not None}
    found: dict[tuple[int | None, str, str], Notification] = {}
    for row in cards.of(about).order_by("-sent_at") if about else ():
        if newer := found.get(_place(row)):
            row.provider_id = newer.provider_id
        found[_place(row)] = row
    return found


@transaction.atomic
def record(channels: Channels, results: Sequence[Result], *, owner: str, now: datetime) -> int:
    """Write how the tries ended; return how many messages are settled for now (sent, failed or postponed).

    That a message was sent is a fact and is kept even if the lease had passed to another sender meanwhile;
    a failure counts only while the lease is ours.
    """
    gave_up = {result.parcel.lane for result in results if result.untried}
    closed_until: dict[str, datetime] = {}
    _sent([result for result in results if result.error is None and not result.untried], now)
    for result in results:
        if result.untried:
            _give_back(result.parcel, owner)
        elif result.error is not None:
            _failed(result.parcel, result.error, channels, owner, now)
            if rest := delivery.lane_rest(result.error, gave_up=result.parcel.lane in gave_up):
                closed_until[result.parcel.lane] = now + rest
    for lane, until in sorted(closed_until.items()):
        free_at = pace.held(until, _limit(channels, lane.partition(":")[0]))
        Lane.objects.update_or_create(name=lane, defaults={"free_at": free_at})
    return sum(not result.untried for result in results)


def _ours(parcel: Parcel, owner: str) -> QuerySet[Notification]:
    """The row while it is under the very lease the parcel was claimed with."""
    return Notification.objects.filter(
        pk=parcel.row.pk, state=Sending.SENDING, lease_owner=owner, attempts=parcel.row.attempts + 1
    )


def _give_back(parcel: Parcel, owner: str) -> None:
    _ours(parcel, owner).update(state=Sending.PENDING, lease_owner="", lease_until=None, attempts=F("attempts") - 1)


def _sent(results: Sequence[Result], now: datetime) -> None:
    """One statement for all: through the ORM each row would cost four times the rest of its way."""
    if not results:
        return
    key, at = Notification._meta.get_field("id"), connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE alerts_notification SET state = 'sent', sent_at = %s, provider_id = %s, error = '',"
            " lease_owner = '', lease_until = NULL WHERE id = %s AND state IN ('pending', 'sending')",
            [
                (at, result.provider_id[:128], key.get_db_prep_value(result.parcel.row.pk, connection))
                for result in results
            ],
        )


def _failed(parcel: Parcel, error: CaifengError, channels: Channels, owner: str, now: datetime) -> None:
    """Postpone or give up the message."""
    row = parcel.row
    verdict = delivery.after_failure(
        error, seed=str(row.pk), failures=row.attempts + 1, created_at=row.created_at, now=now
    )
    changed = _ours(parcel, owner).update(
        state=verdict.state, due_at=verdict.due_at, error=str(error), lease_owner="", lease_until=None
    )
    if changed and verdict.tell:
        tell(row, str(error), verdict.state == Sending.FAILED, list(channels), now)

"""The live feed: what happened, read from the database in order, to every open tab.

One reader per process polls the events and hands each to all clients, encoded once. A client that comes back says
the last id it saw and gets everything after it. On PostgreSQL a lower id may become visible after a higher one,
so the reader looks back over the last seconds; receivers drop an id they already had.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import close_old_connections

from alerts.models import AlertEvent
from console.access import BEFORE_DISPATCH
from console.roles import Officer

POLL_SECONDS = 0.05
HEARTBEAT_SECONDS = 5.0
#: A transaction that took its id may commit this much later.
LATE = timedelta(seconds=20)
#: More than this was missed: the page is told to load itself again.
REPLAY_LIMIT = 1000
#: So many of the newest events a page names as known; a flood's older ones are told twice rather than not at all.
KNOWN_LIMIT = 200
#: A client that reads slower than this many events is cut off; it comes back and replays.
QUEUE_LIMIT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event as it goes over the wire, with what decides who may have it."""

    id: int
    wire: bytes
    state: str
    units: frozenset[str]


def is_for(happening: Happening, who: Officer) -> bool:
    """Whether this person may know of it: the same rule as `access.visible_alerts`."""
    if not who.only_own:
        return True
    return bool(who.unit) and who.unit in happening.units and happening.state not in BEFORE_DISPATCH


def read_after(last: int, limit: int) -> list[Happening]:
    """Events after an id, in order."""
    rows = AlertEvent.objects.filter(id__gt=last).select_related("alert").order_by("id")[:limit]
    return [_happening(row) for row in rows]


def read_late(since: datetime, upto: int) -> list[Happening]:
    """Events up to an id that happened since: one of them may have become visible late."""
    rows = AlertEvent.objects.filter(id__lte=upto, at__gte=since).select_related("alert").order_by("id")
    return [_happening(row) for row in rows]


def newest() -> int:
    """Id of the newest event; 0 when there is none."""
    return AlertEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0


def known(now: datetime) -> list[int]:
    """Ids of what a page made from now on shows already: the newest event first, and what a replay would repeat."""
    rows = AlertEvent.objects.order_by("-id").values_list("id", "at")[:KNOWN_LIMIT]
    return [event for place, (event, at) in enumerate(rows) if place == 0 or at >= now - LATE]


def _happening(event: AlertEvent) -> Happening:
    alert = event.alert
    data = {
        "id": event.pk,
        "kind": event.kind,
        "actor": event.actor,
        "alert": alert.pk,
        "number": alert.number,
        "title": alert.title,
        "level": alert.level or alert.suggested_level,
        "suggested": alert.level is None,
        "state": alert.state,
        "version": alert.version,
        "at": event.at.timestamp(),
    }
    return Happening(
        id=event.pk,
        wire=encode("alert", data, event.pk),
        state=alert.state,
        units=frozenset({alert.lead_unit, *alert.co_units, *alert.guidance_units} - {""}),
    )


def encode(name: str, data: Mapping[str, Any], event_id: int | None = None) -> bytes:
    """A server-sent event; JSON has no raw line breaks, so no text can forge another one."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class Hub:
    """Hands new events to every connected client of this process. Lives on one event loop."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._queues: set[asyncio.Queue[Happening | None]] = set()
        self._reader: asyncio.Task[None] | None = None
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live")
        self._last = 0
        self._seen: OrderedDict[int, None] = OrderedDict()

    async def run_in_thread(self, work: Callable[[], Any]) -> Any:
        """Ask the database off the loop, always in the same thread, so that its connection stays."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _fresh, work)

    async def join(self) -> asyncio.Queue[Happening | None]:
        """A queue that gets every event from now on; `leave` it."""
        queue: asyncio.Queue[Happening | None] = asyncio.Queue(maxsize=QUEUE_LIMIT)
        if self._reader is None or self._reader.done():
            await self._begin()
        self._queues.add(queue)
        return queue

    async def _begin(self) -> None:
        """Start after what is there already: that is no news."""
        self._last = await self.run_in_thread(newest)
        since, last = self._clock() - LATE, self._last
        self._seen.update(dict.fromkeys(row.id for row in await self.run_in_thread(partial(read_late, since, last))))
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())

    def leave(self, queue: asyncio.Queue[Happening | None]) -> None:
        """Forget a client; without clients nothing is read."""
        self._queues.discard(queue)
        if not self._queues and self._reader:
            self._reader.cancel()
            self._reader = None

    async def _read(self) -> None:
        looked_back = self._clock()
        while True:
            found = await self.run_in_thread(partial(read_after, self._last, REPLAY_LIMIT))
            now = self._clock()
            if now - looked_back >= timedelta(seconds=1):
                looked_back = now
                found = [*await self.run_in_thread(partial(read_late, now - LATE, self._last)), *found]
            self._hand_out([happening for happening in found if happening.id not in self._seen])
            await asyncio.sleep(POLL_SECONDS)

    def _hand_out(self, found: Sequence[Happening]) -> None:
        for happening in found:
            self._seen[happening.id] = None
            self._last = max(self._last, happening.id)
            for queue in tuple(self._queues):
                _offer(queue, happening)
        while len(self._seen) > 10 * REPLAY_LIMIT:
            self._seen.popitem(last=False)


def _offer(queue: asyncio.Queue[Happening | None], happening: Happening) -> None:
    """Put, or cut the client off when its queue is full."""
    try:
        queue.put_nowait(happening)
    except asyncio.QueueFull:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)


def _fresh(work: Callable[[], Any]) -> Any:
    close_old_connections()
    return work()


async def stream(hub: Hub, who: Officer, last: int | None, now: Callable[[], datetime]) -> AsyncIterator[bytes]:
    """What one client gets: greeting, what it missed, then everything new, with heartbeats between.

    1. Join the hub first, so that nothing falls between replay and live.
    2. Replay after `last`; when too much was missed, tell the page to load again.
    3. Hand on what the hub brings, leaving out what the replay already gave.
    """
    queue = await hub.join()
    try:
        yield b"retry: 1000\n\n" + encode("hello", {"now": _milliseconds(now())})
        given: set[int] = set()
        if last is not None:
            missed = await hub.run_in_thread(lambda: [*read_late(now() - LATE, last), *read_after(last, REPLAY_LIMIT)])
            if len(missed) >= REPLAY_LIMIT:
                yield encode("reload", {})
            for happening in missed:
                given.add(happening.id)
                if is_for(happening, who):
                    yield happening.wire
        async for happening in _live(queue):
            if happening is None:
                yield encode("beat", {"now": _milliseconds(now())})
            elif happening.id not in given and is_for(happening, who):
                yield happening.wire
    finally:
        hub.leave(queue)


async def _live(queue: asyncio.Queue[Happening | None]) -> AsyncIterator[Happening | None]:
    """Events as they come, None for a heartbeat; ends when the hub cut this client off."""
    while True:
        try:
            happening = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            yield None
            continue
        if happening is None:
            return
        yield happening


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)

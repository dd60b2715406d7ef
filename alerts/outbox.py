"""The outbox: every message is a row written with its cause, sent at least once, with the same id each time.

A row's way: pending → sending (leased) → sent | pending again (later) | failed (a person is told) | cancelled.
A sender that dies leaves its lease; when that expires anybody sends the row again with the same id.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from alerts import leases
from alerts.leases import Parcel, Result
from alerts.letterbox import Letter, enqueue, enqueue_all
from core.errors import CaifengError, Permanent, Retry
from core.ports import Notifier

__all__ = ["Letter", "Sender", "enqueue", "enqueue_all"]

log = logging.getLogger(__name__)

#: No send is begun so late in a lease that it could outlive it.
LONGEST_SEND = timedelta(seconds=20)
#: A lane whose sends fail so often in a row gives its other messages back untried.
FAILURES_IN_A_ROW = 2


class Sender:
    """Claims due messages, hands them to their channels, records the results. Any number may run side by side.

    A lane is one recipient of one channel (or a whole channel, where the limit is the channel's): messages of a lane
    go one after the other. A step waits for channels no longer than `patience`; what comes back later is recorded by
    a later step, so a slow lane does not hold up the others.
    """

    def __init__(
        self,
        channels: Mapping[str, Notifier],
        owner: str,
        *,
        batch: int = 200,
        workers: int = 16,
        patience: timedelta = timedelta(seconds=1),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channels = channels
        self._owner = owner
        self._batch = batch
        self._patience = patience.total_seconds()
        self._clock = clock
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="send")
        self._came_back: SimpleQueue[list[Result]] = SimpleQueue()
        self._unrecorded: list[Result] = []
        #: Messages handed out and not yet back, by lane.
        self._out: Counter[str] = Counter()

    def step(self, now: datetime) -> int:
        """Record, claim, hand out, wait a little, record; return how many messages were settled."""
        settled, new = self._record(now), set[str]()
        room = self._batch - self._out.total()
        if room > 0:
            claim = leases.claim(self._channels, owner=self._owner, room=room, busy=self._out.keys(), now=now)
            settled += claim.cancelled
            new = {parcel.lane for parcel in claim.parcels}
            self._hand_out(claim.parcels)
        self._collect(new, self._patience)
        return settled + self._record(now)

    def close(self, now: datetime) -> None:
        """Let the sends that began come to an end, and record them."""
        self._threads.shutdown(wait=True)
        self._collect(self._out.keys(), 0)
        self._record(now)

    def _hand_out(self, parcels: Sequence[Parcel]) -> None:
        deadline = self._clock() + (leases.LEASE - LONGEST_SEND).total_seconds()
        self._out.update(parcel.lane for parcel in parcels)
        lanes: dict[str, list[Parcel]] = {}
        for parcel in parcels:
            lanes.setdefault(parcel.lane, []).append(parcel)
        for lane in lanes.values():
            self._threads.submit(self._send_lane, lane, deadline)

    def _send_lane(self, parcels: Sequence[Parcel], deadline: float) -> None:
        """In a thread, without the database: send one after the other until the lane seems dead or time is up."""
        failures = 0
        for position, parcel in enumerate(parcels):
            if self._clock() > deadline:
                self._came_back.put([Result(parcel=late, untried=True) for late in parcels[position:]])
                return
            result = self._send(parcel)
            failures = failures + 1 if isinstance(result.error, Retry) else 0
            if failures and (failures == FAILURES_IN_A_ROW or _silence_asked(result)):
                rest = [Result(parcel=after, untried=True) for after in parcels[position + 1 :]]
                self._came_back.put([result, *rest])
                return
            self._came_back.put([result])

    def _send(self, parcel: Parcel) -> Result:
        channel = self._channels.get(parcel.row.channel)
        if channel is None:
            return Result(parcel=parcel, error=Permanent(f"没有配置渠道 {parcel.row.channel}"))
        try:
            return Result(parcel=parcel, provider_id=channel.send(parcel.message))
        except CaifengError as error:
            return Result(parcel=parcel, error=error)
        except Exception as error:  # noqa: BLE001 -- a fault of one channel must not stop the others
            return Result(parcel=parcel, error=_broken(parcel.row.channel, error))

    def _collect(self, awaited: Collection[str], patience: float) -> None:
        """Take in what came back; wait for the awaited lanes only, not for one that has been slow for long."""
        until = self._clock() + patience
        while self._out:
            left = until - self._clock() if any(lane in self._out for lane in awaited) else 0
            try:
                results = self._came_back.get(timeout=max(left, 0))
            except Empty:
                return
            self._unrecorded += results
            self._out -= Counter(result.parcel.lane for result in results)

    def _record(self, now: datetime) -> int:
        if not self._unrecorded:
            return 0
        settled = leases.record(self._channels, self._unrecorded, owner=self._owner, now=now)
        self._unrecorded = []
        return settled


def _silence_asked(result: Result) -> bool:
    return isinstance(result.error, Retry) and result.error.after is not None


def _broken(channel: str, error: Exception) -> Retry:
    """Log where a channel broke, not the error's text: that may hold an address with its secret."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("channel %s broke: %s in %s, line %s", channel, type(error).__name__, place.name, place.lineno)
    return Retry(f"渠道程序出错：{type(error).__name__}")

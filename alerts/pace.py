"""How fast a channel may be fed, and when a failed message is tried again: pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Waits grow from the first to the last and stay there.
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
#: A lane that seems dead is tried again after this, with whatever is most urgent then.
LANE_REST = timedelta(seconds=10)
#: A message that nobody took for so long is given up, and a person is told.
PATIENCE = timedelta(hours=24)
#: From this failure on a person hears of the delay through another way (about two minutes).
TELL_AFTER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `burst` at once, then one `every`; so any window w holds at most burst + w / every."""

    burst: int
    every: timedelta
    #: The limit is the whole channel's, not each recipient's.
    shared: bool = False

    @property
    def slack(self) -> timedelta:
        """How far the lane's clock may run ahead."""
        return (self.burst - 1) * self.every


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What may go now, the lane's new clock, and when the next one may go."""

    count: int
    free_at: datetime
    next_at: datetime


def share(wanted: int, free_at: datetime, now: datetime, limit: Limit) -> Share:
    """Admit as many of `wanted` messages as the limit allows at `now` (generic cell rate algorithm)."""
    room = now + limit.slack - max(free_at, now)
    count = min(wanted, room // limit.every + 1) if room >= timedelta() else 0
    clock = max(free_at, now) + count * limit.every if count else free_at
    return Share(count=count, free_at=clock, next_at=max(now, clock - limit.slack))


def closed(free_at: datetime, now: datetime, limit: Limit | None) -> bool:
    """Whether a lane with that clock takes nothing now."""
    return share(1, free_at, now, limit).count == 0 if limit else free_at > now


def held(until: datetime, limit: Limit | None) -> datetime:
    """The clock of a lane whose other side asked for silence until then."""
    return until + limit.slack if limit else until


def backoff(failures: int, seed: str) -> timedelta:
    """Wait after the n-th failure, doubling, ±20 % by the seed so that a crowd does not return at once."""
    wait: timedelta = min(FIRST_WAIT * 2 ** min(failures - 1, 16), LONGEST_WAIT)
    draw = hashlib.sha256(f"{seed}/{failures}".encode()).digest()[0] / 255
    return wait * (0.8 + 0.4 * draw)


def asked(seconds: float) -> timedelta:
    """The silence another side asked for, kept within reason."""
    return min(timedelta(seconds=max(seconds, 0)), timedelta(hours=1))


def limit_of(channel: object) -> Limit | None:
    """The channel's `limit`; None when it has none."""
    return getattr(channel, "limit", None)


def lane_of(channel: str, recipient: str, limit: Limit | None) -> str:
    """The queue a message stands in: its recipient's, or the whole channel's where the limit is."""
    return channel if limit and limit.shared else f"{channel}:{recipient}"

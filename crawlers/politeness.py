"""Manners towards hosts: one request at a time, pauses that grow with the host's trouble, robots.txt.

The laws are pure; `Gates` and `RobotsBook` keep what one process knows of hosts across crawls, because a
pause that ends with the crawl is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from protego import Protego

from core.clock import aware
from core.errors import Retry

#: A host in trouble is asked this seldom at most; a Crawl-delay above it makes the source unusable and is said so.
LONGEST_DELAY = 60.0
#: RFC 9309 §2.4: a robots.txt may be kept for a day.
ROBOTS_KEPT = timedelta(hours=24)
#: After a failure it is asked again sooner.
ROBOTS_RETRY = timedelta(minutes=30)
#: RFC 9309 §2.5: at least 500 KiB have to be read.
ROBOTS_SIZE = 512_000
#: Beyond this a Retry-After is taken for a mistake or a refusal.
LONGEST_RETRY_AFTER = timedelta(hours=24)


def next_delay(delay: float, *, floor: float, latency: float, status: int) -> float:
    """The pause after an answer, in seconds: as AutoThrottle does it, plus what the status says.

    1. Aim at a pause as long as the host took to answer, approached by halves.
    2. An error never shortens the pause: failing hosts often answer fast.
    3. 429 and 503 double it.
    """
    if status in (429, 503):
        return min(max(delay, floor, 1.0) * 2, LONGEST_DELAY)
    aimed = max((delay + latency) / 2, floor)
    if status >= 400 or status == 0:
        aimed = max(aimed, delay)
    return max(min(aimed, LONGEST_DELAY), floor)


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Seconds or a date; None when it cannot be read. At most a day."""
    value = value.strip()
    if value.isdigit():
        wait = timedelta(seconds=min(int(value), 86_400 * 365))
    else:
        try:
            wait = aware(parsedate_to_datetime(value)) - now
        except (ValueError, TypeError):
            return None
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """What one robots.txt says, and until when that counts."""

    rules: Protego | None
    #: Why the file itself could not be had, so that nothing may be fetched; empty when it could.
    closed: str
    until: datetime

    def refusal(self, url: str, agent: str) -> str:
        """Why a URL may not be fetched, in Chinese; empty when it may."""
        if self.closed:
            return f"robots.txt 暂时取不到（{self.closed}），按规矩先不采集"
        if self.rules is not None and not self.rules.can_fetch(url, agent):
            return "robots.txt 不允许采集这个地址"
        return ""

    def delay(self, agent: str) -> float:
        """Crawl-delay in seconds; the larger of that and what a Request-rate asks for."""
        if self.rules is None:
            return 0.0
        rate = self.rules.request_rate(agent)
        return max(float(self.rules.crawl_delay(agent) or 0), rate.seconds / rate.requests if rate else 0.0)


def read_robots(status: int, body: bytes, now: datetime, why: str = "") -> Robots:
    """RFC 9309 §2.3.1: a file that is not there allows everything, one that cannot be had forbids everything."""
    if status == 200:
        return Robots(
            rules=Protego.parse(body[:ROBOTS_SIZE].decode("utf-8", "replace")), closed="", until=now + ROBOTS_KEPT
        )
    if 400 <= status < 500 and status != 429:
        return Robots(rules=None, closed="", until=now + ROBOTS_KEPT)
    return Robots(rules=None, closed=why or f"对方返回 {status}", until=now + ROBOTS_RETRY)


@dataclass(slots=True)
class _Gate:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: Loop time of the last answer, and until when the host asked to be left alone.
    left_at: float = float("-inf")
    closed_until: float = float("-inf")
    delay: float = 0.0


class Gates:
    """One gate per host: a request goes in when the one before has been answered and the pause is over."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._gates: dict[str, _Gate] = {}

    async def enter(self, host: str, floor: float) -> None:
        """Wait for the host's turn; `floor` is the least pause the source or robots.txt asks for.

        Raises Retry when the host asked for more time than a crawl should wait.
        """
        gate = self._gates.setdefault(host, _Gate())
        await gate.lock.acquire()
        try:
            pause = max(gate.left_at + max(floor, gate.delay), gate.closed_until) - self._clock()
            if pause > LONGEST_DELAY:
                raise Retry(f"对方要求 {round(pause)} 秒后再来", after=pause)
            if pause > 0:
                await asyncio.sleep(pause)
        except BaseException:
            gate.lock.release()
            raise

    def leave(self, host: str, *, floor: float, latency: float, status: int, wait: float = 0.0) -> None:
        """The answer is in (status 0: there was none); `wait` is what Retry-After asked for."""
        gate = self._gates[host]
        gate.left_at = self._clock()
        gate.closed_until = gate.left_at + wait
        gate.delay = next_delay(gate.delay, floor=floor, latency=latency, status=status)
        gate.lock.release()

    def forget_idle(self, before: float) -> None:
        """Drop hosts nobody asked since, so that the table does not grow for ever."""
        for host, gate in list(self._gates.items()):
            if max(gate.left_at, gate.closed_until) < before and not gate.lock.locked():
                del self._gates[host]


class RobotsBook:
    """robots.txt per scheme and host, kept across crawls."""

    def __init__(self) -> None:
        self._known: dict[str, Robots] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def known(self, origin: str, now: datetime) -> Robots | None:
        """What is known and still counts."""
        robots = self._known.get(origin)
        return robots if robots is not None and robots.until > now else None

    def lock(self, origin: str) -> asyncio.Lock:
        """One asks, the others wait for the answer."""
        return self._asking.setdefault(origin, asyncio.Lock())

    def keep(self, origin: str, robots: Robots, now: datetime) -> Robots:
        """Remember; a file that cannot be had now does not take away what was known for its day."""
        before = self._known.get(origin)
        if robots.closed and before is not None and not before.closed:
            robots = replace(before, until=robots.until)
        self._known[origin] = robots
        for stale in [name for name, one in self._known.items() if one.until < now - ROBOTS_KEPT]:
            self._known.pop(stale)
            self._asking.pop(stale, None)
        return robots

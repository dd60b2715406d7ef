"""One crawl of one source while it runs: what it took in, what it saw, and how that is written down."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.model import RawItem
from crawlers import states
from crawlers.politeness import Gates, RobotsBook
from crawlers.schedule import Poll
from crawlers.sources import Source
from crawlers.states import Page
from crawlers.validators import Validator, from_json

log = logging.getLogger(__name__)

#: Items written in one transaction: enough to make commits cheap, few enough to lose nothing worth a word.
BATCH = 50
#: Seconds a page waits for others: polite crawls bring one a second, and an alert must not wait for fifty.
LONGEST_WAIT = 2.0

Result = TypeVar("Result")
#: Runs a function of the database in the worker's database thread.
InDatabase = Callable[..., Awaitable[Any]]


@dataclass(slots=True)
class Crawl:
    """Counters and buffers of one crawl; lives in the worker's event loop only."""

    source: Source
    gates: Gates
    robots: RobotsBook
    in_database: InDatabase
    clock: Callable[[], datetime]
    agent: str
    validators: dict[str, Validator] = field(default_factory=dict)
    cursor: dict[str, Any] = field(default_factory=dict)
    #: Hosts whose gate this crawl is in.
    held: dict[str, float] = field(default_factory=dict)

    pages: int = 0
    shown: int = 0
    new: int = 0
    rejected: int = 0
    status: int = 0
    #: Why it failed or was refused, in Chinese; empty when all went well.
    reason: str = ""
    failed: bool = False
    blocked: bool = False
    stale: str = ""
    lied: bool = False
    retry_after: timedelta | None = None
    refused: list[str] = field(default_factory=list)
    #: False when pages were left for the next crawl: then the index must be read in full again.
    complete: bool = True

    _items: list[RawItem] = field(default_factory=list)
    _seen: list[Page] = field(default_factory=list)
    _cursor_moved: bool = False
    #: When the oldest item of the batch came, by the monotonic clock.
    _since: float = 0.0
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add(self, items: Iterable[RawItem] = (), page: Page | None = None) -> None:
        """Take items and the page they make complete into the next batch."""
        if not self._items:
            self._since = time.monotonic()
        self._items += items
        if page is not None:
            self._seen.append(page)

    def move(self, cursor: Mapping[str, Any]) -> None:
        """Go on from here next time; counts when the batch is written."""
        self.cursor = dict(cursor)
        self._cursor_moved = True

    async def flush(self, *, all_of_it: bool = False) -> None:
        """Write the batch when it is full or has waited, or whatever there is."""
        waited = bool(self._items) and time.monotonic() - self._since >= LONGEST_WAIT
        if not (all_of_it or waited or len(self._items) >= BATCH):
            return
        async with self._writing:
            items, self._items = self._items, []
            seen, self._seen = self._seen, []
            cursor = self.cursor if self._cursor_moved else None
            self._cursor_moved = False
            if items or seen or cursor is not None:
                self.new += await self.in_database(states.take_in, self.source.id, items, seen, cursor, self.clock())

    def fail(self, reason: str, *, blocked: bool = False) -> None:
        """The source as a whole could not be read; the first reason counts."""
        self.failed = True
        self.blocked = self.blocked or blocked
        self.reason = self.reason or reason

    def crash(self, error: BaseException) -> None:
        """A fault of ours; the index has to be read again in full."""
        self.complete = False
        self.fail(f"程序出错（{type(error).__name__}：{str(error)[:160]}）")

    def refuse(self, reason: str) -> None:
        """One address was not asked for."""
        self.refused.append(reason)
        del self.refused[20:]

    def later(self, wait: timedelta) -> None:
        """The server asked for a pause; the longest counts."""
        self.retry_after = max(wait, self.retry_after or timedelta())

    def release_gates(self) -> None:
        """Let other crawls in after an abrupt end."""
        for host, floor in self.held.items():
            self.gates.leave(host, floor=floor, latency=0.0, status=0)
        self.held.clear()

    @property
    def poll(self) -> Poll:
        """What the schedule wants to know."""
        return Poll(failed=self.failed, shown=self.shown, new=self.new, retry_after=self.retry_after)

    @property
    def outcome(self) -> dict[str, Any]:
        """For the row; empty fields left out."""
        values = {
            "pages": self.pages,
            "shown": self.shown,
            "new": self.new,
            "rejected": self.rejected,
            "status": self.status,
            "reason": self.reason,
            "blocked": self.blocked,
            "stale": self.stale,
            "lied": self.lied,
            "retry_after": self.retry_after.total_seconds() if self.retry_after else 0,
            "refused": self.refused[:5],
            "incomplete": not self.complete,
        }
        return {name: value for name, value in values.items() if value}


def validators_of(values: Mapping[str, Mapping[str, str]]) -> dict[str, Validator]:
    """From the row."""
    return {url: from_json(one) for url, one in values.items()}

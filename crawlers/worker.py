"""The crawl worker: one long-lived process, one short crawl per due source, at most eight at a time.

It keeps nothing that matters in memory. Killed at any moment, its leases run out, the index is read
again, and what was taken in is known; so nothing is lost and nothing doubled.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import close_old_connections, connections
from scrapy.crawler import AsyncCrawlerRunner

from core.errors import CaifengError
from crawlers import guards, health, history, states
from crawlers.crawl import Crawl, validators_of
from crawlers.folders import take_folder
from crawlers.models import SourceState
from crawlers.politeness import Gates, RobotsBook
from crawlers.safety import borders, parse_networks
from crawlers.schedule import FIRST_PERIOD, plan
from crawlers.scrapy_settings import scrapy_settings, user_agent
from crawlers.sources import Kind, Source
from crawlers.spider import SourceSpider
from storage import heartbeat

log = logging.getLogger(__name__)

#: Crawls at once; with one request per host at a time this keeps one core far from full.
MOST_CRAWLS = 8
#: A crawl that takes longer is stopped, and abandoned when it does not stop.
WALL_LIMIT = timedelta(minutes=10)
STOP_LIMIT = 10.0
#: Seconds for crawls to end after a stop was asked for; supervisors kill after 30.
DRAIN_LIMIT = 20.0
#: The process ends by itself and is started afresh: whatever leaks, leaks for a day at most.
LONGEST_LIFE = timedelta(hours=24)
MOST_MEMORY = 400 * 1024 * 1024
#: Seconds between looks at the sources and at the database when nothing is known to be due.
RELOAD, IDLE = 10.0, 5.0
#: Seconds between signs of life; a role silent for a minute is shown as such.
BEAT = 15.0

SourcesLoader = Callable[[], Iterable[Source]]
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The worker is a loop at the rim; everything below it gets the time as an argument."""
    return datetime.now(UTC)


def run(sources_loader: SourcesLoader, *, once: bool, stop: threading.Event, clock: Clock = utc_now) -> None:
    """Crawl what is due until `stop` is set, or, with `once`, until nothing due is left.

    Takes over the process: installs Twisted's asyncio reactor, which cannot start twice, and the
    guards, which stay. Returns after a drain of at most 20 s; also by itself after a day or when memory
    grew, so that a supervisor starts it afresh.
    """
    # Ten lines a crawl; ours is the one that counts.
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    watch = guards.Watch(borders((), parse_networks(settings.ALLOWED_NETWORKS)))
    reactor = guards.guarded_reactor(watch)
    worker = Worker(sources_loader, once=once, stop=stop, clock=clock, watch=watch)
    failures: list[BaseException] = []

    def finished(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failures.append(error)
        reactor.stop()

    def start() -> None:
        asyncio.get_event_loop().create_task(worker.work()).add_done_callback(finished)

    reactor.callWhenRunning(start)
    reactor.run(installSignalHandlers=False)
    if failures:
        raise failures[0]


@dataclass(slots=True)
class _Running:
    source: Source
    hosts: frozenset[str]


class Worker:
    """Leases due sources and runs their crawls in one event loop."""

    def __init__(
        self, sources_loader: SourcesLoader, *, once: bool, stop: threading.Event, clock: Clock, watch: guards.Watch
    ) -> None:
        self._load, self._once, self._stop, self._clock, self._watch = sources_loader, once, stop, clock, watch
        self._host = socket.gethostname()[:50]
        self._owner = f"{self._host}:{os.getpid()}"
        self._sources: dict[str, Source] = {}
        self._loaded_at = float("-inf")
        self._running: dict[asyncio.Task[None], _Running] = {}
        self._gates = Gates(time.monotonic)
        self._robots = RobotsBook()
        self._agent = user_agent(settings.CONTACT)
        self._runners = {
            verify: AsyncCrawlerRunner(scrapy_settings(self._agent, verify_tls=verify)) for verify in (True, False)
        }
        # One thread, one connection: Django's ORM must not run in the loop, and SQLite has one writer anyway.
        self._database = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._spoiled = self._draining = False
        self._started_at, self._beat_at = clock(), float("-inf")
        self._counts = {"crawls": 0, "pages": 0, "new": 0, "failed": 0}
        self._last_error = ""

    async def work(self) -> None:
        """The loop: load, lease, wait until something is due, done or to be stopped."""
        stopped = self._stopped()
        await self._in_database(states.release_orphans, self._host, _lives_beside_us)
        try:
            while not self._stop.is_set() and not self._worn_out():
                await self._beat()
                await self._reload()
                await self._start_due()
                if self._once and not self._running and not await self._is_due():
                    break
                pause = await self._pause()
                await asyncio.wait({stopped, *self._running}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._drain()
            await self._in_database(heartbeat.leave, "crawl", self._owner)
            await self._in_database(connections.close_all)
            self._database.shutdown()

    def _stopped(self) -> asyncio.Future[None]:
        """Done when `stop` is set, so that the loop sleeps and still wakes at once."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def resolve() -> None:
            if not future.done():
                future.set_result(None)

        def wait() -> None:
            self._stop.wait()
            if not loop.is_closed():
                loop.call_soon_threadsafe(resolve)

        threading.Thread(target=wait, name="stop", daemon=True).start()
        return future

    def _in_database(self, function: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._database, _with_fresh_connection, function, arguments)

    async def _beat(self) -> None:
        if time.monotonic() - self._beat_at < BEAT:
            return
        detail = {**self._counts, "running": len(self._running), "sources": len(self._sources)}
        now = self._clock()
        await self._in_database(heartbeat.beat, "crawl", self._owner, self._started_at, now, detail, self._last_error)
        self._beat_at = time.monotonic()

    async def _reload(self) -> None:
        if time.monotonic() - self._loaded_at < RELOAD:
            return
        self._loaded_at = time.monotonic()
        try:
            loaded = tuple(await self._in_database(self._load))
        except CaifengError as error:
            # Somebody saved sources that cannot be read: go on with those that could.
            self._last_error = str(error)[:500]
            log.warning("sources cannot be read", extra={"reason": str(error)})
            return
        self._sources = {source.id: source for source in loaded if states.crawlable(source)}
        self._watch.borders = borders(tuple(self._sources.values()), self._watch.borders.networks)
        await self._in_database(states.ensure, loaded, self._clock())
        self._gates.forget_idle(time.monotonic() - 3600)

    async def _start_due(self) -> None:
        """Start crawls of due sources whose hosts nobody is at, as far as there is room."""
        if len(self._running) >= MOST_CRAWLS:
            return
        for name in await self._in_database(states.due, list(self._sources), self._clock()):
            source = self._sources[name]
            hosts = frozenset(host for host, _ in source.origins)
            busy = any(hosts & other.hosts or other.source.id == name for other in self._running.values())
            if busy or len(self._running) >= MOST_CRAWLS:
                continue
            row = await self._in_database(states.lease, name, self._owner, self._clock())
            if row is not None:
                task = asyncio.get_running_loop().create_task(self._visit(source, row))
                self._running[task] = _Running(source=source, hosts=hosts)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        running = self._running.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._last_error = f"{running.source.id}: {error!r}"[:500]
            log.error("crawl failed", extra={"source": running.source.id}, exc_info=error)

    async def _is_due(self) -> bool:
        return bool(await self._in_database(states.due, list(self._sources), self._clock()))

    async def _pause(self) -> float:
        """Seconds until there may be something to do; running crawls wake the loop themselves."""
        if self._running and len(self._running) >= MOST_CRAWLS:
            return IDLE
        at: datetime | None = await self._in_database(states.next_due, list(self._sources), self._clock())
        if at is None:
            return IDLE
        wait = (at - self._clock()).total_seconds()
        # Due but not started: its host is busy, and the end of that crawl wakes us.
        return min(max(wait, 0.0 if not self._running else 0.5), IDLE)

    async def _visit(self, source: Source, row: SourceState) -> None:
        """Crawl one source and write down how it went; whatever happens, the lease ends."""
        crawl = Crawl(
            source=source,
            gates=self._gates,
            robots=self._robots,
            in_database=self._in_database,
            clock=self._clock,
            agent=self._agent,
            validators=validators_of(row.validators),
            cursor=dict(row.cursor),
        )
        try:
            await self._collect(crawl)
            if self._draining:
                # What is in stays in; the rest of this crawl comes when the source is taken up again.
                await self._in_database(states.give_back, source.id, self._owner)
                return
            await self._in_database(finish_crawl, crawl, row, self._owner, self._clock())
        except BaseException:
            await self._in_database(states.give_back, source.id, self._owner)
            raise
        finally:
            crawl.release_gates()
        self._count(crawl)
        log.info("crawled", extra={"source": source.id, **{f"crawl_{k}": v for k, v in crawl.outcome.items()}})

    async def _collect(self, crawl: Crawl) -> None:
        """Fetch and take in; a fault of ours is a failed crawl, which waits longer each time, not a hot loop."""
        try:
            if crawl.source.kind is Kind.FILE:
                await self._take_folder(crawl)
            else:
                await self._fetch(crawl)
            await crawl.flush(all_of_it=True)
        except Exception as error:
            self._last_error = f"{crawl.source.id}: {error!r}"[:500]
            log.exception("crawl failed", extra={"source": crawl.source.id})
            crawl.crash(error)

    def _count(self, crawl: Crawl) -> None:
        seen = {"crawls": 1, "pages": crawl.pages, "new": crawl.new, "failed": int(crawl.failed)}
        self._counts = {name: count + seen[name] for name, count in self._counts.items()}

    async def _take_folder(self, crawl: Crawl) -> None:
        folder = Path(settings.HOME) / crawl.source.url
        # A thread of its own: a long file must not keep the crawls' rows waiting.
        taken = await asyncio.to_thread(_with_own_connection, take_folder, folder, crawl.source, self._clock())
        crawl.pages, crawl.shown, crawl.new, crawl.rejected = taken.files, taken.shown, taken.new, taken.rejected
        if taken.reason:
            crawl.fail(taken.reason)

    async def _fetch(self, crawl: Crawl) -> None:
        runner = self._runners[crawl.source.verify_tls]
        crawler = runner.create_crawler(SourceSpider)
        task = runner.crawl(crawler, crawl=crawl)
        done, _ = await asyncio.wait({task}, timeout=WALL_LIMIT.total_seconds())
        if not done:
            crawl.complete = False
            crawl.fail(f"超过 {round(WALL_LIMIT.total_seconds() / 60)} 分钟，已停止")
            await self._end(crawler, task)
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error

    async def _end(self, crawler: Any, task: asyncio.Task[None]) -> None:
        """Stop a crawl; one that does not stop is left behind, and the process ends after the others."""
        stopping = asyncio.get_running_loop().create_task(crawler.stop_async())
        done, _ = await asyncio.wait({stopping, task}, timeout=STOP_LIMIT, return_when=asyncio.ALL_COMPLETED)
        if len(done) < 2:
            self._spoiled = True
            stopping.cancel()
            task.cancel()

    async def _drain(self) -> None:
        """Let running crawls end; what is not in by then comes with the next crawl."""
        if not self._running:
            return
        self._draining = True
        stopping = {asyncio.ensure_future(runner.stop()) for runner in self._runners.values()}
        await asyncio.wait(stopping, timeout=DRAIN_LIMIT / 2)
        if self._running:
            await asyncio.wait(set(self._running), timeout=DRAIN_LIMIT / 2)
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running), timeout=2.0)

    def _worn_out(self) -> bool:
        process = psutil.Process()
        age = time.time() - process.create_time()
        return self._spoiled or age > LONGEST_LIFE.total_seconds() or process.memory_info().rss > MOST_MEMORY


def _lives_beside_us(pid: int) -> bool:
    """A worker that begins holds nothing: what stands under its own number, always 1 in a container, is an orphan."""
    return pid != os.getpid() and psutil.pid_exists(pid)


def _with_fresh_connection(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    close_old_connections()
    return function(*arguments)


def _with_own_connection(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    finally:
        connections.close_all()


def finish_crawl(crawl: Crawl, row: SourceState, owner: str, now: datetime) -> None:
    """Decide by what the crawl saw, and write it down in one UPDATE."""
    period = timedelta(seconds=row.period) if row.period else FIRST_PERIOD
    next_time = plan(crawl.source, period=period, failures=row.failures, poll=crawl.poll, now=now)
    rhythm, new_at = _rhythm(crawl, row, now)
    ok = not crawl.failed
    changes: dict[str, Any] = {
        "next_fetch_at": next_time.at,
        "period": next_time.period.total_seconds(),
        "failures": next_time.failures,
        "finished_at": now,
        "last_ok_at": now if ok else row.last_ok_at,
        "last_new_at": now if crawl.new else row.last_new_at,
        "polls": row.polls + 1,
        "unchanged": row.unchanged + (ok and crawl.new == 0),
        "items": row.items + crawl.new,
        "outcome": crawl.outcome,
        "new_at": [at.isoformat() for at in new_at],
        # Pages were left out: the index has to be read again, so it must not count as unchanged.
        "validators": {url: one.as_json() for url, one in crawl.validators.items()} if ok and crawl.complete else {},
    }
    if rhythm.until != history.until_of(row.history or {}):
        # Ten kilobytes that change once an hour.
        changes["history"] = rhythm.as_json()
    read, unreadable = health.readings([crawl.source.id], now).get(crawl.source.id, (0, 0))
    facts = health.Facts(
        read=read,
        unreadable=unreadable,
        failures=next_time.failures,
        last_ok_at=changes["last_ok_at"],
        last_new_at=changes["last_new_at"],
        history=rhythm,
        outcome=crawl.outcome,
    )
    judgement = health.judge(crawl.source, facts, now)
    changes |= {
        "health": judgement.health,
        "health_reason": judgement.reason,
        "health_since": row.health_since if row.health == judgement.health else now,
    }
    states.finish(crawl.source.id, owner, changes)


def _rhythm(crawl: Crawl, row: SourceState, now: datetime) -> tuple[history.History, list[datetime]]:
    """The history up to now, and the times of news the running hour still holds."""
    rhythm = history.from_json(row.history or {})
    new_at = [datetime.fromisoformat(at) for at in row.new_at]
    if crawl.failed:
        return rhythm, new_at
    new_at += [now] if crawl.new else []
    if row.failures and crawl.new:
        # It came while we were blind, who knows when.
        rhythm = history.skip(rhythm, now)
    rhythm = history.observe(rhythm, new_at=new_at, now=now)
    return rhythm, [at for at in new_at if rhythm.until and at >= rhythm.until]

"""Run as a process of its own by `bench_crawl`: a crawl measured from inside, printed as one JSON object.

`python -m bench.crawl_child bare URL…` fetches with Scrapy as it comes and keeps nothing;
`storing SOURCES.json` and `many SOURCES.json COUNT` run the crawl worker over sources.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil


class Lag:
    """How late an event loop comes to what is due every ten milliseconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def watch(self) -> None:
        """Measure for ever."""
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            self.seconds.append(time.perf_counter() - due)

    @property
    def p99(self) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds) or [0.0]
        return 1000 * ordered[int(len(ordered) * 0.99) - 1]


def bare(urls: list[str]) -> dict[str, float]:
    """Scrapy's defaults, robots.txt on, no pauses; index pages and every link on them."""
    import scrapy
    from scrapy.crawler import AsyncCrawlerProcess

    lag, pages = Lag(), [0]

    class Bare(scrapy.Spider):
        name = "bare"

        async def start(self) -> Any:
            self.watching = asyncio.ensure_future(lag.watch())
            for url in urls:
                yield scrapy.Request(url, callback=self.index)

        def index(self, response: Any) -> Any:
            for link in response.css("a::attr(href)").getall():
                yield response.follow(link, callback=self.page)

        def page(self, response: Any) -> None:
            pages[0] += 1

        def closed(self, reason: str) -> None:
            self.watching.cancel()

    process = AsyncCrawlerProcess(
        {
            "ROBOTSTXT_OBEY": True,
            "LOG_ENABLED": False,
            "CONCURRENT_REQUESTS": 16,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "REMOTE_CONTROL_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    began, wall = time.process_time(), time.perf_counter()
    process.crawl(Bare)
    process.start()
    return {
        "pages": pages[0],
        "cpu": time.process_time() - began,
        "wall": time.perf_counter() - wall,
        "lag_p99_ms": lag.p99,
    }


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caifeng.settings")
    os.environ.setdefault("CAIFENG_LOG_LEVEL", "WARNING")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def storing(path: str) -> dict[str, float]:
    """The crawl worker, once over everything, storing raw pages."""
    _django()
    from crawlers import worker
    from crawlers.sources import parse
    from storage.models import InboxItem

    lag = Lag()
    work = worker.Worker.work

    async def watched(self: worker.Worker) -> None:
        watching = asyncio.ensure_future(lag.watch())
        await work(self)
        watching.cancel()

    worker.Worker.work = watched  # type: ignore[method-assign]  # measured, not changed
    sources = [parse(entry) for entry in json.loads(Path(path).read_text("utf-8"))]
    began, wall = time.process_time(), time.perf_counter()
    worker.run(lambda: sources, once=True, stop=threading.Event())
    used = time.process_time() - began
    return {"pages": InboxItem.objects.count(), "cpu": used, "wall": time.perf_counter() - wall, "lag_p99_ms": lag.p99}


def many(path: str, count: int) -> dict[str, float]:
    """The worker until it has done `count` crawls; memory after the 200th and at the end."""
    _django()
    from crawlers import worker
    from crawlers.sources import parse

    stop, process = threading.Event(), psutil.Process()
    found: dict[str, float] = {}
    finish = worker.finish_crawl
    done = [0]

    def counted(*arguments: Any) -> None:
        finish(*arguments)
        done[0] += 1
        if done[0] in (200, count):
            found[f"rss_{done[0]}"] = process.memory_info().rss / 1e6
            found[f"cpu_{done[0]}"] = time.process_time()
        if done[0] == count:
            stop.set()

    worker.finish_crawl = counted
    sources = [parse(entry) for entry in json.loads(Path(path).read_text("utf-8"))]
    worker.run(lambda: sources, once=False, stop=stop)
    return found


def main(mode: str, *arguments: str) -> None:
    """Measure and print."""
    if mode == "bare":
        result = bare(list(arguments))
    elif mode == "storing":
        result = storing(arguments[0])
    else:
        result = many(arguments[0], int(arguments[1]))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A crawl that stores nothing: what a source would bring, from the live site or from stored documents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from scrapy import Request
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.http import Response

from core.errors import ConfigError, Fault, Rejected
from core.model import Draft, RawItem
from crawlers import guards, reading, states
from crawlers.crawl import Crawl
from crawlers.files import RejectedRow, read_rows
from crawlers.politeness import Gates, RobotsBook
from crawlers.safety import Network, borders
from crawlers.scrapy_settings import scrapy_settings
from crawlers.sources import FETCHED, Source, parse
from crawlers.spider import SourceSpider


@dataclass(slots=True)
class Preview:
    """What came: drafts with where they stood, and what could not be read."""

    drafts: list[tuple[Draft, str]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    #: What the crawl saw, as it would stand in the source's row.
    outcome: dict[str, Any] = field(default_factory=dict)
    #: Pages the index pointed to.
    links: list[str] = field(default_factory=list)
    failed: bool = False


class _Shelf:
    """Stands for the database: nothing was seen before, and what is taken in is only kept."""

    def __init__(self) -> None:
        self.items: list[RawItem] = []

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if function is states.seen_pages:
            return {}
        if function is states.take_in:
            self.items += arguments[1]
            return len(arguments[1])
        raise AssertionError(f"a preview asks the database for {function.__name__}")


def live(source: Source, *, networks: Sequence[Network], agent: str, clock: Callable[[], datetime]) -> Preview:
    """Crawl the live site under the guards. Starts the process's reactor, so once per process."""
    shelf, crawl = _crawl(source, agent, clock)
    _run(SourceSpider, crawl, networks)
    return _preview(shelf.items, crawl, clock())


def fetch(url: str, *, networks: Sequence[Network], agent: str, clock: Callable[[], datetime]) -> Response:
    """One page, as politely and safely as a crawl. Raises Rejected with the reason when it cannot be had."""
    source = parse({"id": "page", "name": "page", "kind": "list", "url": url})
    _, crawl = _crawl(source, agent, clock)
    found: list[Response] = []

    class PageSpider(SourceSpider):
        async def read_index(self, response: Response, template: str, page: int) -> AsyncIterator[Request]:
            if self._usable(response):
                found.append(response)
            return
            yield  # an asynchronous generator, as its base is

    _run(PageSpider, crawl, networks)
    if not found:
        raise Rejected(crawl.reason or "、".join(crawl.refused) or "没有应答")
    return found[0]


def _run(spider: type[SourceSpider], crawl: Crawl, networks: Sequence[Network]) -> None:
    reactor = guards.guarded_reactor(guards.Watch(borders((crawl.source,), tuple(networks))))
    errors: list[BaseException] = []

    async def work() -> None:
        try:
            settings = scrapy_settings(crawl.agent, verify_tls=crawl.source.verify_tls)
            await AsyncCrawlerRunner(settings).crawl(spider, crawl=crawl)
            await crawl.flush(all_of_it=True)
        except Exception as error:  # noqa: BLE001 - raised again below, outside the reactor
            errors.append(error)
        reactor.stop()

    reactor.callWhenRunning(lambda: asyncio.get_event_loop().create_task(work()))
    reactor.run(installSignalHandlers=True)
    if errors:
        raise errors[0]


def stored(source: Source, folder: Path, now: datetime) -> Preview:
    """Read the source's fixtures as if the site had sent them. Raises ConfigError when there are none."""
    if not source.fixtures:
        raise ConfigError(f"source {source.id} has no fixtures")
    paths = [folder / name for name in source.fixtures]
    missing = [Fault(file=str(path), line=None, reason="fixture is missing") for path in paths if not path.is_file()]
    if missing:
        raise ConfigError(missing)
    if source.kind not in FETCHED:
        return _rows(paths[0], source, now)
    shelf, crawl = _crawl(source, "Caifeng", lambda: now)
    links = asyncio.run(_replay(SourceSpider(crawl=crawl), [path.read_bytes() for path in paths]))
    preview = _preview(shelf.items, crawl, now)
    preview.links = links
    return preview


def _crawl(source: Source, agent: str, clock: Callable[[], datetime]) -> tuple[_Shelf, Crawl]:
    shelf = _Shelf()
    crawl = Crawl(
        source=source, gates=Gates(time.monotonic), robots=RobotsBook(), in_database=shelf, clock=clock, agent=agent
    )
    return shelf, crawl


async def _replay(spider: SourceSpider, bodies: list[bytes]) -> list[str]:
    """The index gets the first document, the first page it points to the second, and so on."""
    index = await anext(aiter(spider.start()))
    requests = [request async for request in spider.read_index(_response(index, bodies[0]), **index.cb_kwargs)]
    pages = [request for request in requests if request.callback != spider.read_index]
    for request, body in zip(pages, bodies[1:], strict=False):
        callback: Any = request.callback
        answer = callback(_response(request, body), **request.cb_kwargs)
        if hasattr(answer, "__aiter__"):
            [_ async for _ in answer]
        else:
            await answer
    await spider.crawl.flush(all_of_it=True)
    return [request.url for request in pages]


def _response(request: Request, body: bytes) -> Response:
    kind = (
        b"application/json"
        if body.lstrip()[:1] in b"[{"
        else b"text/xml"
        if body.lstrip()[:5] == b"<?xml"
        else b"text/html"
    )
    return Response(request.url, body=body, headers={"Content-Type": kind}, request=request)


def _rows(path: Path, source: Source, now: datetime) -> Preview:
    preview = Preview()
    for row in read_rows(path, source, now):
        if isinstance(row, RejectedRow):
            preview.rejected.append(str(row))
        else:
            _read(row, source, now, preview)
    return preview


def _preview(items: list[RawItem], crawl: Crawl, now: datetime) -> Preview:
    preview = Preview(outcome=crawl.outcome, failed=crawl.failed)
    for item in items:
        _read(item, crawl.source, now, preview)
    return preview


def _read(item: RawItem, source: Source, now: datetime, preview: Preview) -> None:
    try:
        preview.drafts += [(draft, item.trace or item.url) for draft in reading.drafts(item, source, now)]
    except Rejected as error:
        preview.rejected.append(f"{item.trace or item.url}: {error}")

"""Scrapy's hooks for borders and manners; the decisions stand in `safety` and `politeness`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from core.errors import Retry
from crawlers.crawl import Crawl
from crawlers.politeness import Robots, read_robots, retry_after
from crawlers.safety import url_refusal

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.spider import SourceSpider

_ASKS_ROBOTS = "asks_robots"
_GATE = "gate"


class NotNow(IgnoreRequest):
    """Refused for the time being: the next crawl may ask again."""


def failure_words(error: BaseException | None) -> str:
    """A failure of the network in Chinese for people, with the technical word behind it."""
    if isinstance(error, IgnoreRequest):
        refusal = str(error) or "请求被拒绝"
        return "应答解压后太大，已停止" if "DOWNLOAD_MAXSIZE" in refusal else refusal
    name = type(error).__name__
    if name == "DownloadCancelledError":
        return "应答太大，已停止"
    words = {
        "CannotResolveHostError": "域名解析不到，或是没有列入 CAIFENG_ALLOWED_NETWORKS 的内网地址",
        "DownloadConnectionRefusedError": "对方拒绝连接",
        "DownloadTimeoutError": "超时",
        "ResponseDataLossError": "应答不完整",
    }
    return f"{words.get(name, '连接失败')}（{name}：{str(error)[:160]}）"


class _OfCrawl:
    """Knows the crawl its crawler runs."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> _OfCrawl:
        """Scrapy's constructor."""
        return cls(crawler)

    @property
    def _crawl(self) -> Crawl:
        return cast("SourceSpider", self._crawler.spider).crawl


class Border(_OfCrawl):
    """Refuses addresses outside the source; every redirect and meta refresh passes here again."""

    def process_request(self, request: Request) -> None:
        """Raise IgnoreRequest for an address the source may not ask for."""
        if reason := url_refusal(request.url, self._crawl.source):
            self._crawl.refuse(reason)
            raise IgnoreRequest(reason)


class Manners(_OfCrawl):
    """Asks robots.txt, waits for the host's turn, and notes what the host answers. Stands next to the network."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Manners:
        """Let go of gates when a crawl is closed with requests under way."""
        manners = cls(crawler)
        crawler.signals.connect(manners._closed, signal=signals.spider_closed)
        return manners

    def _closed(self) -> None:
        self._crawl.release_gates()

    async def process_request(self, request: Request) -> None:
        """Wait for the turn. Raises IgnoreRequest when robots.txt or the host says no."""
        crawl = self._crawl
        floor = crawl.source.delay.total_seconds()
        if not request.meta.get(_ASKS_ROBOTS):
            robots = await self._robots(request.url)
            if reason := robots.refusal(request.url, crawl.agent):
                crawl.refuse(reason)
                raise NotNow(reason) if robots.closed else IgnoreRequest(reason)
            floor = max(floor, robots.delay(crawl.agent))
        host = urlsplit(request.url).netloc
        try:
            await crawl.gates.enter(host, floor)
        except Retry as error:
            crawl.later(timedelta(seconds=error.after or 0))
            raise NotNow(str(error)) from error
        crawl.held[host] = floor
        request.meta[_GATE] = host

    def process_response(self, request: Request, response: Response) -> Response:
        """Leave the gate; a Retry-After closes the host for everybody."""
        wait = None
        if response.status in (429, 503) and (value := response.headers.get("Retry-After")):
            wait = retry_after(value.decode("latin-1"), self._crawl.clock())
        if wait is not None:
            self._crawl.later(wait)
        self._leave(request, response.status, wait.total_seconds() if wait else 0.0)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Leave the gate without an answer."""
        self._leave(request, 0, 0.0)

    def _leave(self, request: Request, status: int, wait: float) -> None:
        host = request.meta.pop(_GATE, None)
        floor = self._crawl.held.pop(host, None) if host else None
        if host and floor is not None:
            latency = float(request.meta.get("download_latency", 0.0))
            self._crawl.gates.leave(host, floor=floor, latency=latency, status=status, wait=wait)

    async def _robots(self, url: str) -> Robots:
        crawl = self._crawl
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        async with crawl.robots.lock(origin):
            known = crawl.robots.known(origin, crawl.clock())
            if known is not None:
                return known
            return crawl.robots.keep(origin, await self._ask(origin), crawl.clock())

    async def _ask(self, origin: str) -> Robots:
        request = Request(
            f"{origin}/robots.txt",
            callback=NO_CALLBACK,
            meta={_ASKS_ROBOTS: True, "download_maxsize": 2_000_000, "max_retry_times": 0},
        )
        try:
            response = await self._crawler.engine.download_async(request)
        except IgnoreRequest:
            # It redirects to where this source may not go: as good as not there.
            return read_robots(404, b"", self._crawl.clock())
        except Exception as error:  # noqa: BLE001 - whatever the network did, the file could not be had
            return read_robots(0, b"", self._crawl.clock(), why=failure_words(error))
        return read_robots(response.status, response.body, self._crawl.clock())

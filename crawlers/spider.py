"""The one spider: reads a source's index and fetches the pages behind it, whatever its kind."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Self

import scrapy
from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from core.clock import SHANGHAI
from core.errors import Rejected
from core.model import RawItem
from crawlers import states
from crawlers.crawl import Crawl
from crawlers.extraction import decode
from crawlers.feeds import read_feed
from crawlers.interfaces import Answer, page_url, read_api, read_hotlist
from crawlers.markup import absolute
from crawlers.middlewares import NotNow, failure_words
from crawlers.pages import Link, login_wall, read_index, read_thread
from crawlers.reading import FORM
from crawlers.records import fields
from crawlers.sitemaps import read_sitemap
from crawlers.sources import Kind, Source
from crawlers.states import Page
from crawlers.times import parse_time
from crawlers.validators import Validator, Verdict, headers, judge

log = logging.getLogger(__name__)

#: Statuses with which a site shows us the door.
_DOORS = {401, 403, 407, 412, 418, 429, 451, 521}
#: A sitemap names pages of many years; older ones than this are not news.
_SITEMAP_REACH = timedelta(days=7)

Requests = AsyncIterator[Request]


class SourceSpider(scrapy.Spider):
    """Runs one `Crawl`; ends when the index and the new pages behind it are in."""

    name = "source"

    def __init__(self, crawl: Crawl, **named: Any) -> None:
        super().__init__(**named)
        self.crawl = crawl

    @classmethod
    def from_crawler(cls, crawler: Crawler, *arguments: Any, **named: Any) -> Self:
        """Scrapy's constructor; an error in a callback must not pass for an empty page."""
        spider = super().from_crawler(crawler, *arguments, **named)
        crawler.signals.connect(spider.crashed, signal=signals.spider_error)
        return spider

    def crashed(self, failure: Failure) -> None:
        """A callback raised what nobody expected."""
        log.error("spider error", extra={"source": self.crawl.source.id, "error": failure.getTraceback()})
        self.crawl.crash(failure.value or RuntimeError("unknown"))

    async def start(self) -> AsyncIterator[Any]:
        """The source's index pages, asked conditionally."""
        for url in self.crawl.source.index_urls:
            yield self._index_request(url, page=1)

    def _index_request(self, url: str, page: int) -> Request:
        source, crawl = self.crawl.source, self.crawl
        address = (
            page_url(url, cursor=str(crawl.cursor.get("cursor", "")), page=page) if source.kind is Kind.API else url
        )
        own = {name: os.path.expandvars(value) for name, value in source.headers.items()}
        asked_before = crawl.validators.get(address, Validator()) if page == 1 and not self._revisits else Validator()
        return Request(
            address,
            callback=self.read_index,
            errback=self.index_failed,
            headers={**own, **headers(asked_before, crawl.clock())},
            cb_kwargs={"template": url, "page": page},
            dont_filter=True,
            priority=10,
        )

    @property
    def _revisits(self) -> bool:
        """Without a mark on its rows, an index that did not change says nothing of the pages behind it."""
        source = self.crawl.source
        return source.kind in (Kind.FORUM, Kind.BOARD) and source.selectors.changed is None

    async def read_index(self, response: Response, template: str, page: int) -> Requests:
        """Read an index page by the source's kind and ask for what is new behind it."""
        crawl = self.crawl
        if not self._usable(response) or self._unchanged(response):
            return
        try:
            for request in await _READERS[crawl.source.kind](self, response, template, page):
                yield request
        except Rejected as error:
            crawl.complete = False
            crawl.fail(str(error))
        await crawl.flush()

    def _usable(self, response: Response) -> bool:
        crawl = self.crawl
        crawl.pages += 1
        crawl.status = response.status
        if response.status in _DOORS:
            crawl.fail(f"对方返回 {response.status}，不让采集", blocked=response.status != 429)
        elif response.status >= 400:
            crawl.fail(f"对方返回 {response.status}")
        elif response.status != 304 and (wall := _wall(response)):
            crawl.fail(wall, blocked=True)
        else:
            return True
        return False

    def _unchanged(self, response: Response) -> bool:
        crawl = self.crawl
        asked = _asked(response)
        verdict, validator = judge(
            crawl.validators.get(asked, Validator()),
            status=response.status,
            etag=_header(response, "ETag"),
            modified=_header(response, "Last-Modified"),
            body=response.body,
            now=crawl.clock(),
        )
        crawl.validators[asked] = validator
        crawl.lied = crawl.lied or verdict is Verdict.LIED
        return verdict is Verdict.UNCHANGED and not self._revisits

    def index_failed(self, failure: Failure) -> None:
        """An index page could not be had."""
        self.crawl.complete = False
        words = _words(failure)
        self.crawl.fail(words, blocked="robots.txt 不允许" in words)

    async def _feed(self, response: Response, template: str, page: int) -> list[Request]:
        source = self.crawl.source
        entries = read_feed(response.body)
        self.crawl.shown += len(entries)
        if source.follow:
            links = [
                Link(url=url, title=entry.get("title", ""), published=entry.get("published", ""))
                for entry in entries
                if (url := absolute(entry.get("url", ""), response.url))
            ]
            return await self._wanted(links)
        for entry in entries:
            url = absolute(entry.get("url", ""), response.url) or ""
            self.crawl.add([self._item(url, {FORM: "entry", **entry}, key=entry.get("id"), trace=response.url)])
        return []

    async def _pages(self, response: Response, template: str, page: int) -> list[Request]:
        source = self.crawl.source
        index = read_index(_text(response, source), response.url, source)
        self.crawl.shown += len(index.links)
        wanted = await self._wanted(index.links)
        further = index.next and page < source.pages and (wanted or page == 1)
        return [*wanted, self._index_request(str(index.next), page + 1)] if further else wanted

    async def _api(self, response: Response, template: str, page: int) -> list[Request]:
        source, crawl = self.crawl.source, self.crawl
        answer = read_api(response.body, source)
        before = crawl.new
        self._take_records(answer, response.url)
        if answer.cursor and answer.cursor != crawl.cursor.get("cursor"):
            crawl.move({"cursor": answer.cursor})
        await crawl.flush(all_of_it=True)
        further = "{page}" in template or ("{cursor}" in template and answer.cursor)
        if further and answer.records and crawl.new > before and page < source.pages:
            return [self._index_request(template, page + 1)]
        return []

    async def _hotlist(self, response: Response, template: str, page: int) -> list[Request]:
        crawl = self.crawl
        answer = read_hotlist(response.body, crawl.source)
        self._take_records(answer, response.url)
        crawl.rejected += len(answer.dropped)
        for reason in answer.dropped[:5]:
            crawl.refuse(reason)
        crawl.stale = _staleness(answer, crawl.source, crawl.clock())
        return []

    def _take_records(self, answer: Answer, url: str) -> None:
        self.crawl.shown += len(answer.records)
        for record in answer.records:
            found = fields(record, self.crawl.source)
            address = absolute(found.get("url", ""), url) or ""
            self.crawl.add([self._item(address, dict(record), key=found.get("id"), trace=url)])

    async def _sitemap(self, response: Response, template: str, page: int) -> list[Request]:
        source, crawl = self.crawl.source, self.crawl
        found = read_sitemap(response.body, response.url)
        pattern = re.compile(source.link_pattern or "")
        fresh = [link for link in found.links if self._fresh(link) and pattern.search(link.url)]
        crawl.shown += len(fresh)
        further = found.sitemaps[: source.pages] if page == 1 else ()
        return [*await self._wanted(fresh), *(self._index_request(url, page=2) for url in further)]

    def _fresh(self, link: Link) -> bool:
        now = self.crawl.clock()
        moment = parse_time(link.published, now)
        return moment is None or now - moment.at < _SITEMAP_REACH

    async def _wanted(self, links: Iterable[Link]) -> list[Request]:
        """Requests for pages that are new or have news, as far as the crawl's limit goes."""
        crawl, source = self.crawl, self.crawl.source
        listed = list(links)
        seen = await crawl.in_database(states.seen_pages, source.id, [link.url for link in listed])
        wanted = [link for link in listed if _wants(link, seen.get(link.url), source, crawl.clock())]
        room = source.limit - crawl.pages
        crawl.complete = crawl.complete and len(wanted) <= room
        return [self._page_request(link) for link in wanted[: max(room, 0)]]

    def _page_request(self, link: Link, url: str | None = None) -> Request:
        # Without a selector for contributions a thread is read as one text.
        thread = self.crawl.source.kind is Kind.FORUM and self.crawl.source.selectors.post is not None
        return Request(
            url or link.url,
            callback=self.read_thread if thread else self.read_page,
            errback=self.page_failed,
            cb_kwargs={"link": link},
            priority=0 if url is None else 5,
        )

    async def read_page(self, response: Response, link: Link) -> None:
        """Keep an article's or message's page as it is, with what the index said of it."""
        if not self._page_usable(response, link):
            return
        self.crawl.add([self._page_item(response, link)], page=Page(url=link.url, mark=link.mark))
        await self.crawl.flush()

    async def read_thread(self, response: Response, link: Link) -> Requests:
        """Cut a thread's page into contributions; the thread counts as seen when its last page is in."""
        crawl = self.crawl
        if not self._page_usable(response, link):
            return
        try:
            thread = read_thread(_text(response, crawl.source), response.url, crawl.source)
        except Rejected as error:
            crawl.rejected += 1
            crawl.refuse(str(error))
            crawl.add([self._page_item(response, link)], page=Page(url=link.url, mark=link.mark))
            return
        items = [
            self._item(
                f"{response.url}#{one.key.rsplit('#', 1)[-1]}",
                {FORM: "post", "title": thread.title or link.title, "html": one.html},
                key=one.key,
                trace=link.url,
            )
            for one in thread.contributions
        ]
        if thread.next and crawl.pages < crawl.source.limit:
            crawl.add(items)
            yield self._page_request(link, thread.next)
        else:
            crawl.complete = crawl.complete and not thread.next
            crawl.add(items, page=None if thread.next else Page(url=link.url, mark=link.mark))
        await crawl.flush()

    def _page_usable(self, response: Response, link: Link) -> bool:
        crawl = self.crawl
        crawl.pages += 1
        if response.status in (404, 410):
            crawl.rejected += 1
            crawl.add(page=Page(url=link.url, mark=link.mark))
            return False
        if response.status >= 400:
            crawl.complete = False
            crawl.refuse(f"对方返回 {response.status}：{link.url[:200]}")
            if response.status in _DOORS:
                crawl.fail(f"对方返回 {response.status}，不让采集", blocked=response.status != 429)
            return False
        if wall := _wall(response):
            crawl.complete = False
            crawl.fail(wall, blocked=True)
            return False
        return True

    def page_failed(self, failure: Failure) -> None:
        """One page could not be had: refused ones are done with, the others come again with the next crawl."""
        crawl = self.crawl
        if isinstance(failure.value, IgnoreRequest) and not isinstance(failure.value, NotNow):
            return
        crawl.complete = False
        crawl.refuse(_words(failure))

    def _page_item(self, response: Response, link: Link) -> RawItem:
        if not (link.title or link.published):
            return self._item(response.url, response.body, trace=_asked(response), content_type=_content_type(response))
        text = _text(response, self.crawl.source)
        payload = {FORM: "page", "html": text, "title": link.title, "published": link.published}
        return self._item(link.url, payload, trace=_asked(response))

    def _item(
        self,
        url: str,
        payload: bytes | dict[str, Any],
        *,
        key: str | None = None,
        trace: str = "",
        content_type: str = "application/json",
    ) -> RawItem:
        now = self.crawl.clock()
        return RawItem(
            source=self.crawl.source.id,
            url=url,
            fetched_at=now,
            first_seen_at=now,
            content_type=content_type,
            payload=payload,
            external_id=key[:256] if key else None,
            trace=trace[:512],
        )


_Reader = Callable[[SourceSpider, Response, str, int], Awaitable[list[Request]]]
_READERS: dict[Kind, _Reader] = {
    Kind.FEED: SourceSpider._feed,
    Kind.LIST: SourceSpider._pages,
    Kind.FORUM: SourceSpider._pages,
    Kind.BOARD: SourceSpider._pages,
    Kind.HOTLIST: SourceSpider._hotlist,
    Kind.API: SourceSpider._api,
    Kind.SITEMAP: SourceSpider._sitemap,
}


def _words(failure: Failure) -> str:
    """Why a request failed. The failure lets go of its frames: they hold what was refused, megabytes of it."""
    words = failure_words(failure.value)
    if failure.value is not None:
        failure.value.__cause__ = failure.value.__context__ = None
    failure.cleanFailure()  # type: ignore[no-untyped-call]  # of Twisted
    return words


def _wants(link: Link, seen: tuple[str, datetime] | None, source: Source, now: datetime) -> bool:
    """New pages; on forums and boards also those whose row changed, or, without a mark, after `revisit`."""
    if seen is None:
        return True
    mark, fetched_at = seen
    if link.mark:
        return mark != link.mark
    return source.kind in (Kind.FORUM, Kind.BOARD) and now - fetched_at >= source.revisit


def _staleness(answer: Answer, source: Source, now: datetime) -> str:
    """Why an aggregator's answer is an old copy, in Chinese; empty when nothing says so."""
    if answer.stale:
        return "聚合服务说自己给的是旧副本（cache），平台那边可能断了"
    if answer.updated_at is not None and now - answer.updated_at > 2 * max(
        source.every or source.every_min, source.every_min
    ):
        return f"聚合服务上一次更新是 {answer.updated_at.astimezone(SHANGHAI):%m月%d日 %H:%M}，已超过两个周期"
    return ""


def _text(response: Response, source: Source) -> str:
    if source.encoding:
        return response.body.decode(source.encoding, "replace")
    return _decoded(response.body, _content_type(response))


@lru_cache(maxsize=1)
def _decoded(body: bytes, content_type: str) -> str:
    """A page is looked at for a login wall and then read, one right after the other."""
    return decode(body, content_type).text


def _content_type(response: Response) -> str:
    return _header(response, "Content-Type") or "text/html"


def _header(response: Response, name: str) -> str:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else ""


def _asked(response: Response) -> str:
    """The address first asked for, before redirects."""
    hops: list[str] = response.meta.get("redirect_urls", [])
    return hops[0] if hops else str(response.request.url if response.request else response.url)


def _wall(response: Response) -> str:
    if not _content_type(response).startswith("text/html"):
        return ""
    return login_wall(_decoded(response.body, _content_type(response)), url=response.url, asked=_asked(response))

"""How Scrapy is set: everything off that we do ourselves or that opens a door."""

from __future__ import annotations

from typing import Any, Self

from scrapy.settings import Settings


class SharedSettings(Settings):
    """Settings of all crawls: Scrapy copies them to the last leaf for each one and lays them over the copy again, a fifth
    of a short crawl's cost. Nobody may change a copy; what differs is a `SharedSettings` of its own.
    """

    def copy(self) -> Self:
        """One that can be frozen by itself."""
        twin = type(self).__new__(type(self))
        twin.frozen, twin.attributes = False, self.attributes
        return twin

    def update(self, values: Any, priority: int | str = "project") -> None:  # type: ignore[override]  # as Scrapy's
        """As any settings, unless they are the same."""
        if not isinstance(values, SharedSettings) or values.attributes is not self.attributes:
            super().update(values, priority)


def user_agent(contact: str) -> str:
    """Who we are and how to reach the people behind it."""
    return f"Caifeng/0.1 (+{contact})"


def scrapy_settings(agent: str, *, verify_tls: bool) -> SharedSettings:
    """The settings of every crawl; sources differ in certificate checks alone."""
    return SharedSettings(_values(agent) | {"DOWNLOAD_VERIFY_CERTIFICATES": verify_tls})


def _values(agent: str) -> dict[str, Any]:
    return {
        "USER_AGENT": agent,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
        },
        # Robots and pauses are kept across crawls by our own middleware; Scrapy forgets them with each crawl.
        "DOWNLOAD_DELAY": 0,
        "CONCURRENT_REQUESTS": 8,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 2,
        # In the order of the index: newest first.
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        # For every answer Scrapy starts this many tasks to handle items; ours go another way.
        "CONCURRENT_ITEMS": 1,
        # Reads and compiles the source of each callback, for a mistake mypy finds.
        "WARN_ON_GENERATOR_RETURN_VALUE": False,
        "RETRY_TIMES": 1,
        # 429 and 503 are answered by waiting, not by asking again.
        "RETRY_HTTP_CODES": [408, 500, 502, 504, 522, 524],
        "REDIRECT_MAX_TIMES": 5,
        "METAREFRESH_MAXDELAY": 5,
        "DOWNLOAD_TIMEOUT": 20,
        "DOWNLOAD_MAXSIZE": 3 * 1024 * 1024,
        "DOWNLOAD_WARNSIZE": 1024 * 1024,
        "DOWNLOAD_HANDLERS": {"data": None, "file": None, "ftp": None, "s3": None},
        # Components are named one by one: of those that are only switched off Scrapy still loads the modules, with
        # aiohttp and requests behind them, for fifteen megabytes.
        "EXTENSIONS_BASE": {},
        "SPIDER_MIDDLEWARES_BASE": {},
        "SPIDER_MIDDLEWARES": {
            "scrapy.spidermiddlewares.start.StartSpiderMiddleware": 25,
            "scrapy.spidermiddlewares.referer.RefererMiddleware": 700,
            "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": 800,
        },
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "DOWNLOADER_MIDDLEWARES": {
            "crawlers.middlewares.Border": 60,
            "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
            "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
            "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": 550,
            "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": 580,
            "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": 590,
            # No HttpProxyMiddleware: a proxy from the environment would hide the true target from the guards.
            "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
            "crawlers.middlewares.Manners": 990,
        },
        "LOG_ENABLED": False,
        "STATS_DUMP": False,
        "RETRY_GIVE_UP_LOG_LEVEL": "DEBUG",
    }

"""Run as a process of its own: ask for every target in four ways, with the guards given, and print what was refused.

`python -m tests.servers.ssrf_probe GUARDS PUBLIC_PORT PRIVATE_PORT`. 127.0.0.2 stands for the public network.
Without `border` Scrapy's own machinery follows whatever it is told, so that a guard is tried alone.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import scrapy
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.utils.reactor import install_reactor
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHostnameResolver
from zope.interface import implementer

from crawlers import guards
from crawlers.safety import Borders, parse_networks
from crawlers.scrapy_settings import scrapy_settings
from tests.fixtures.targets import TARGETS


@implementer(IHostnameResolver)
class Rebinding:
    """Names under .rebind are public at first and private from then on."""

    def __init__(self, resolver: Any) -> None:
        self._resolver, self._asked = resolver, set[str]()

    def resolveHostName(self, receiver: Any, hostName: str, portNumber: int = 0, *rest: Any, **named: Any) -> Any:  # noqa: N802, N803
        if not hostName.endswith(".rebind"):
            return self._resolver.resolveHostName(receiver, hostName, portNumber, *rest, **named)
        address = "127.0.0.1" if hostName in self._asked else "127.0.0.2"
        self._asked.add(hostName)
        receiver.resolutionBegan(self)
        receiver.addressResolved(IPv4Address("TCP", address, portNumber))
        receiver.resolutionComplete()
        return self


class Probe(scrapy.Spider):
    name = "probe"

    def __init__(self, public: int, private: int) -> None:
        super().__init__()
        self.public, self.private = public, private
        self.outcomes: dict[str, str] = {}

    async def start(self) -> AsyncIterator[Any]:
        for number, target in enumerate(TARGETS):
            address = target.replace("{p}", str(self.private))
            there = f"http://127.0.0.2:{self.public}"
            ways = {
                "direct": address,
                "redirect": f"{there}/302?{quote(address)}",
                "refresh": f"{there}/refresh?{quote(address)}",
            }
            for way, url in ways.items():
                try:
                    yield self._ask(url, f"{way} {target}")
                except ValueError as error:
                    self.outcomes[f"{way} {target}"] = f"refused: {error}"
            name = f"http://r{number}.rebind:{self.private}/"
            yield self._ask(name, f"rebinding {number}")
            yield self._ask(name, f"rebinding again {number}")

    def _ask(self, url: str, name: str) -> scrapy.Request:
        return scrapy.Request(
            url,
            callback=self.reached,
            errback=self.refused,
            cb_kwargs={"label": name},
            meta={"label": name},
            dont_filter=True,
        )

    def reached(self, response: Any, label: str) -> None:
        inside = response.body == b"inside" or (response.url.startswith("file:") and response.body)
        self.outcomes[label] = "REACHED" if inside else f"answered {response.status}"

    def refused(self, failure: Any) -> None:
        self.outcomes[failure.request.meta["label"]] = f"refused: {failure.type.__name__}"


def main(chosen: str, public: int, private: int) -> None:
    """Probe with the guards named, comma-separated."""
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    installed: Any = reactor
    installed.installNameResolver(Rebinding(installed.nameResolver))
    hosts = frozenset({"127.0.0.2", *(f"r{number}.rebind" for number in range(len(TARGETS)))})
    watch = guards.Watch(Borders(networks=parse_networks("127.0.0.2/32"), internal_hosts=hosts))
    guards.install(installed, watch, [name for name in chosen.split(",") if name])
    settings = scrapy_settings("Caifeng/0.1 (+https://example.gov.cn)", verify_tls=True)
    settings.update(
        {
            "RETRY_ENABLED": False,
            "DOWNLOAD_TIMEOUT": 3,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
            "CONCURRENT_REQUESTS": 32,
        }
    )
    # The probe runs no crawl, and is to go wherever it is sent.
    for own in ("Border", "Manners"):
        settings["DOWNLOADER_MIDDLEWARES"].pop(f"crawlers.middlewares.{own}")
    if not chosen:
        settings["DOWNLOAD_HANDLERS"] = {"ftp": None, "s3": None}
    runner = AsyncCrawlerRunner(settings)
    crawler = runner.create_crawler(Probe)

    async def work() -> None:
        await runner.crawl(crawler, public=public, private=private)
        print(json.dumps(crawler.spider.outcomes, ensure_ascii=False))
        installed.stop()

    installed.callWhenRunning(lambda: asyncio.get_event_loop().create_task(work()))
    installed.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""Bars of collecting: speed against bare Scrapy, kill -9, politeness, unchanged sources, a thousand crawls, bombs.

`python -m bench.bench_crawl [part …]`; sites run on 127.0.0.11 and up, so that hosts are many.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import brotli

from tests.fixtures.collect import an_article
from tests.fixtures.crawling import ROOT, Home, a_worker
from tests.servers.site import Reply, Seen, Site, serve

PLAIN = {"Content-Type": "text/plain"}


def bar(name: str, wanted: str, measured: str) -> None:
    """One line of the table."""
    print(f"{name:<58} | {wanted:<32} | {measured}", flush=True)


@contextmanager
def sites(count: int) -> Iterator[list[Site]]:
    """Sites on as many loopback hosts."""
    with ExitStack() as stack:
        yield [stack.enter_context(serve(f"127.0.0.{11 + number}")) for number in range(count)]


@contextmanager
def a_home(sources: Sequence[dict[str, Any]]) -> Iterator[Home]:
    """A fresh installation."""
    with tempfile.TemporaryDirectory(prefix="caifeng-bench-") as path:
        yield Home(Path(path), sources)


def listing(paths: Sequence[str]) -> str:
    """An index page with those links."""
    return "<ul>" + "".join(f'<li><a href="{path}">关于城区供水检修的通知 {path}</a></li>' for path in paths) + "</ul>"


def a_list(site: Site, number: int, **changes: Any) -> dict[str, Any]:
    """A list source on a site."""
    entry = {
        "id": f"s{number}",
        "name": f"站 {number}",
        "kind": "list",
        "url": f"{site.url}/list",
        "delay": "0s",
        "limit": 1000,
    }
    return entry | {"selectors": {"item": "li"}} | changes


def child(*arguments: str, home: Home | None = None) -> dict[str, float]:
    """Run `bench.crawl_child` and read what it measured."""
    environment = dict(os.environ, CAIFENG_ALLOWED_NETWORKS="127.0.0.0/8", CAIFENG_LOG_LEVEL="WARNING")
    if home is not None:
        environment["CAIFENG_HOME"] = str(home.path)
    done = subprocess.run(
        [sys.executable, "-m", "bench.crawl_child", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def throughput(hosts: int = 8, pages: int = 100) -> None:
    """Pages per CPU second of the crawler process, ours storing raw pages, Scrapy keeping nothing."""
    filler = "<p>供水检修期间，沿线居民请提前储水，恢复时间另行通知。</p>" * 60
    with sites(hosts) as found:
        for site in found:
            site.pages["/list"] = listing([f"/n/{number}" for number in range(pages)])
            site.pages.update({f"/n/{number}": an_article(f"通知 {number}") + filler for number in range(pages)})
        rates: dict[str, list[float]] = {"bare": [], "storing": []}
        lags: dict[str, list[float]] = {"bare": [], "storing": []}
        for _ in range(3):
            plain = child("bare", *(f"{site.url}/list" for site in found))
            rates["bare"].append(plain["pages"] / plain["cpu"])
            lags["bare"].append(plain["lag_p99_ms"])
            with a_home([a_list(site, number) for number, site in enumerate(found)]) as home:
                ours = child("storing", str(home.sources_file), home=home)
            rates["storing"].append(ours["pages"] / ours["cpu"])
            lags["storing"].append(ours["lag_p99_ms"])
    best = {name: max(values) for name, values in rates.items()}
    bar(
        "crawler storing raw vs bare Scrapy, same run (best of 3)",
        "≥ 0.85×",
        f"{best['storing'] / best['bare']:.2f}× ({best['storing']:.0f} against {best['bare']:.0f} pages/CPU-s)",
    )
    words = {name: f"{min(values):.0f}–{max(values):.0f} ms" for name, values in lags.items()}
    bar("event loop lag p99 while storing", "< 100 ms", f"{words['storing']} (bare Scrapy {words['bare']})")


def kills(times: int = 20, pages: int = 400) -> None:
    """kill -9 at random moments of one crawl, then one run to the end."""
    dice = random.Random(5)
    with sites(1) as (site,):
        site.pages["/list"] = listing([f"/n/{number}" for number in range(pages)])
        site.pages.update({f"/n/{number}": an_article(f"通知 {number}") for number in range(pages)})
        with a_home([a_list(site, 0)]) as home:
            for _ in range(times):
                with a_worker(home) as worker:
                    target = len(site.log) + dice.randint(1, pages // 10)
                    while (
                        len(site.log) < target
                        and worker.poll() is None
                        and len(home.rows("select id from storage_inboxitem")) < pages
                    ):
                        time.sleep(0.003)
                    time.sleep(dice.random() * 0.05)
                    worker.send_signal(signal.SIGKILL)
                    worker.wait()
            home.run(600)
            keys = [row["key"] for row in home.rows("select key from storage_inboxitem")]
    bar(
        f"kill -9 at {times} random moments of a {pages}-page crawl",
        "0 lost, 0 doubled",
        f"{pages - len(set(keys))} lost, {len(keys) - len(set(keys))} doubled",
    )


def politeness(hosts: int = 8, pages: int = 160, delay: float = 0.1) -> None:
    """A Crawl-delay and a closed folder on each host; the servers' own logs are judged."""
    with sites(hosts) as found:
        for site in found:
            site.pages["/robots.txt"] = Reply(
                body=f"User-agent: *\nDisallow: /closed/\nCrawl-delay: {delay}\n".encode(), headers=PLAIN
            )
            paths = [f"/closed/{number}" if number % 5 == 0 else f"/n/{number}" for number in range(pages)]
            site.pages["/list"] = listing(paths)
            site.pages.update({path: an_article(path) for path in paths})
        with a_home([a_list(site, number) for number, site in enumerate(found)]) as home:
            home.run(600)
        asked = sum(len(site.log) for site in found)
        closed = sum(seen.path.startswith("/closed/") for site in found for seen in site.log)
        gaps = [later.at - earlier.at for site in found for earlier, later in zip(site.log, site.log[1:], strict=False)]
    close = sum(gap < delay for gap in gaps)
    bar(
        f"logging test server, {asked} requests",
        "0 disallowed, 0 too close",
        f"{closed} disallowed, {close} too close (least gap {min(gaps) * 1000:.0f} ms of {delay * 1000:.0f})",
    )


def unchanged(rounds: int = 40) -> None:
    """Sources that do not change, asked again and again: one with an ETag, one without, one that shows the time."""
    with sites(3) as found:
        feed = Reply(
            body=b"<rss><item><title>a</title><guid>1</guid></item></rss>",
            headers={"ETag": '"1"', "Content-Type": "text/xml"},
        )
        found[0].pages["/list"] = lambda seen: Reply(status=304) if seen.headers.get("If-None-Match") else feed
        found[1].pages["/list"] = listing(["/n/1", "/n/2"])
        found[2].pages["/list"] = lambda seen: listing(["/n/1", "/n/2"]) + f"<p>现在是 {seen.at}</p>"
        for site in found[1:]:
            site.pages.update({f"/n/{number}": an_article(f"通知 {number}") for number in (1, 2)})
        sources = [a_list(site, number, every="0.3s") for number, site in enumerate(found)]
        sources[0] = {**sources[0], "kind": "feed", "selectors": {}}
        with a_home(sources) as home, a_worker(home) as worker:
            polls = "select sum(polls) as polls, sum(unchanged) as unchanged from crawlers_sourcestate"
            while not (row := home.rows(polls)) or (row[0]["polls"] or 0) < rounds * 3:
                time.sleep(0.2)
            worker.terminate()
            worker.wait()
            row = home.rows(polls)
            items = len(home.items())
    share = row[0]["unchanged"] / row[0]["polls"]
    bar(
        f"unchanged sources, {row[0]['polls']} polls",
        "≥ 95 % write nothing",
        f"{share:.1%} wrote nothing; {items} items in all, none twice",
    )


def thousand(count: int = 1000) -> None:
    """Short crawls of five new pages and robots.txt each, in one worker."""
    with sites(10) as found:
        for site in found:
            site.pages["/list"] = _ever_new(site)
        with a_home([a_list(site, number, every="0.05s") for number, site in enumerate(found)]) as home:
            result = child("many", str(home.sources_file), str(count), home=home)
    growth = result[f"rss_{count}"] - result["rss_200"]
    cpu = (result[f"cpu_{count}"] - result["cpu_200"]) / (count - 200)
    bar(
        f"{count} crawls in one worker: memory after the 200th",
        "growth < 5 MB",
        f"{growth:+.1f} MB (at {result['rss_200']:.0f} MB)",
    )
    bar(f"{count} crawls in one worker: CPU a crawl (6 pages)", "≤ 0.05 CPU-s", f"{cpu:.3f} CPU-s")


def _ever_new(site: Site) -> Any:
    counter = [0]

    def index(seen: Seen) -> str:
        paths = [f"/n/{counter[0] + number}" for number in range(5)]
        counter[0] += 5
        site.pages.update({path: an_article(path) for path in paths})
        del site.log[:-10]
        return listing(paths)

    return index


def _endless() -> Iterator[bytes]:
    while True:
        yield b"<li>x</li>" * 1000


def _bombs() -> dict[str, Reply]:
    zeros = gzip.compress(b"0" * 200_000_000, 6)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return {
        "gzip": Reply(body=zeros, headers={"Content-Encoding": "gzip", "Content-Type": "text/html"}),
        "brotli": Reply(
            body=brotli.compress(b"0" * 200_000_000, quality=5),
            headers={"Content-Encoding": "br", "Content-Type": "text/html"},
        ),
        "gzip in gzip": Reply(
            body=gzip.compress(zeros), headers={"Content-Encoding": "gzip, gzip", "Content-Type": "text/html"}
        ),
        "30 MB body": Reply(body=b"0" * 30_000_000),
        "endless chunks": Reply(body=_endless),
        "billion laughs": Reply(
            body=f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "lol">{laughs}]><rss><item><title>&l9;</title></item></rss>'.encode()
        ),
        "deep json": Reply(body=b"[" * 4_000_000),
        "sitemap.gz": Reply(body=zeros, headers={"Content-Type": "application/gzip"}),
        "deep html": Reply(body=b"<div>" * 900_000),
    }


def bombs() -> None:
    """Answers made to burst a crawler, all in one worker; its greatest memory ever is judged."""
    kinds = {"billion laughs": "feed", "deep json": "api", "sitemap.gz": "sitemap"}
    found = _bombs()
    with sites(len(found)) as hosts:
        sources = []
        for number, (site, (name, reply)) in enumerate(zip(hosts, found.items(), strict=True)):
            site.pages["/list"] = reply
            kind = kinds.get(name, "list")
            sources.append(a_list(site, number, kind=kind, selectors={"item": "li"} if kind == "list" else {}))
        with a_home([]) as quiet:
            quiet.run()
            base = quiet.peak()
        with a_home(sources) as home:
            home.run(300)
            peak = home.peak()
            reasons = {name: home.state(f"s{number}")["outcome"].get("reason", "") for number, name in enumerate(found)}
    bar(
        f"{len(found)} bombs in one worker: greatest RSS",
        "< 120 MB",
        f"{peak:.0f} MB (an idle worker: {base:.0f} MB)",
    )
    for name, reason in reasons.items():
        bar(f"  {name}", "refused with a reason", reason or "NOT REFUSED")


PARTS = {
    "bombs": bombs,
    "throughput": throughput,
    "thousand": thousand,
    "unchanged": unchanged,
    "politeness": politeness,
    "kills": kills,
}


def main(names: Sequence[str]) -> None:
    """Run the parts named, all by default."""
    for name in names or list(PARTS):
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])

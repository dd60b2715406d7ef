"""The crawl worker as a process against a site on loopback."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fixtures.collect import an_article
from tests.fixtures.crawling import Home, a_worker
from tests.servers.site import Reply, Seen, Site, serve

TEXT = {"Content-Type": "text/plain"}


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


def wait_until(condition: object, seconds: float = 120.0) -> None:
    """Poll a condition of another process."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "never became true"
        time.sleep(0.05)


def a_town(site: Site) -> list[dict[str, object]]:
    """The kinds a county begins with, all on one site."""
    site.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /secret\n", headers=TEXT)
    links = "".join(
        f'<li><a href="/n/{n}.html">城区第{n}号路灯故障情况通报</a><span>2026-11-2{n}</span></li>' for n in range(3)
    )
    site.pages["/news"] = f'<ul>{links}<li><a href="/secret/x.html">这一条按规矩不能看的新闻</a></li></ul>'
    for n in range(3):
        site.pages[f"/n/{n}.html"] = an_article(f"城区第{n}号路灯故障情况通报")
    items = "".join(f"<item><title>条目{n}</title><link>/f/{n}</link><guid>g{n}</guid></item>" for n in range(4))
    site.pages["/feed"] = Reply(
        body=f'<rss version="2.0">{items}</rss>'.encode(), headers={"ETag": '"1"', "Content-Type": "text/xml"}
    )
    site.pages["/bbs"] = '<table><tr><td><a href="/t/1">井盖</a></td><td class=n>2</td></tr></table>'
    site.pages["/t/1"] = (
        '<title>井盖坏了</title><div class=post id=p1><p>坏了</p></div><a class=pg href="/t/1?page=2">2</a>'
    )
    site.pages["/t/1?page=2"] = "<title>井盖坏了</title><div class=post id=p2><p>顶</p></div>"
    site.pages["/letters"] = '<ul><li><a href="/l/1">小区停水三天无人处理</a></li></ul>'
    site.pages["/l/1"] = an_article("小区停水三天无人处理")
    site.pages["/export.json"] = Reply(
        body=json.dumps({"rows": [{"ticket": "G1", "title": "噪音"}, {"ticket": "G2", "title": "异味"}]}).encode()
    )
    site.pages["/hot"] = Reply(
        body=json.dumps({"status": "success", "items": [{"id": "h1", "title": "暴雨"}]}).encode()
    )
    site.pages["/map.xml"] = Reply(
        body=f"<urlset><url><loc>{site.url}/n/0.html</loc></url></urlset>".encode(),
        headers={"Content-Type": "text/xml"},
    )
    common = {"delay": "0s", "every": "1s"}
    return [
        {"id": "news", "name": "新闻", "kind": "list", "url": f"{site.url}/news", "selectors": {"item": "li"}, **common},
        {"id": "feed", "name": "订阅", "kind": "feed", "url": f"{site.url}/feed", **common},
        {"id": "bbs", "name": "论坛", "kind": "forum", "url": f"{site.url}/bbs", "selectors": {"item": "tr", "changed": ".n", "post": ".post", "next_posts": "a.pg"}, **common},
        {"id": "letters", "name": "留言", "kind": "board", "url": f"{site.url}/letters", "selectors": {"item": "li"}, **common},
        {"id": "hotline", "name": "热线", "kind": "api", "url": f"{site.url}/export.json", "paths": {"items": "rows", "id": "ticket"}, **common},
        {"id": "hot", "name": "热榜", "kind": "hotlist", "url": f"{site.url}/hot", **common},
        {"id": "map", "name": "地图", "kind": "sitemap", "url": f"{site.url}/map.xml", **common},
    ]  # fmt: skip


def test_every_kind_comes_in_once_and_again_only_when_it_changed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.csv").write_text("编号,标题\n1,噪音\n2,\n", "utf-8")
    os.utime(tmp_path / "drop" / "a.csv", (0, 0))
    home = Home(tmp_path, [*a_town(site), {"id": "file", "name": "文件", "kind": "file", "url": "drop", "every": "1s"}])

    home.run()
    first = {
        name: len(home.items(name)) for name in ("news", "feed", "bbs", "letters", "hotline", "hot", "map", "file")
    }
    asked = len(site.log)
    site.pages["/bbs"] = '<table><tr><td><a href="/t/1">井盖</a></td><td class=n>3</td></tr></table>'
    site.pages["/t/1?page=2"] = (
        "<title>井盖坏了</title><div class=post id=p2><p>顶</p></div><div class=post id=p3><p>修好了</p></div>"
    )
    time.sleep(1.2)
    home.run()

    assert first == {"news": 3, "feed": 4, "bbs": 2, "letters": 1, "hotline": 2, "hot": 1, "map": 1, "file": 1}
    assert {name: len(home.items(name)) for name in first} == {**first, "bbs": 3}
    assert "/secret/x.html" not in site.paths()
    assert sorted(site.paths()[asked:]).count("/n/0.html") == 0
    assert site.log[0].headers["User-Agent"].endswith("(+https://example.gov.cn/bot)")
    assert sorted(path.name.split("-", 1)[1] for path in (tmp_path / "drop" / "done").iterdir()) == [
        "a.csv",
        "a.csv.rejected.jsonl",
    ]


@pytest.mark.slow
def test_a_worker_killed_at_any_moment_loses_and_doubles_nothing(site: Site, tmp_path: Path) -> None:
    pages = 60
    site.pages["/news"] = (
        "<ul>" + "".join(f'<li><a href="/n/{n}">第{n}条关于城区供水的通知</a></li>' for n in range(pages)) + "</ul>"
    )
    for n in range(pages):
        site.pages[f"/n/{n}"] = an_article(f"第{n}条关于城区供水的通知")
    home = Home(
        tmp_path,
        [
            {
                "id": "news",
                "name": "新闻",
                "kind": "list",
                "url": f"{site.url}/news",
                "selectors": {"item": "li"},
                "delay": "0.01s",
                "limit": 100,
            }
        ],
    )
    dice = random.Random(7)

    for _ in range(3):
        with a_worker(home) as worker:
            target = len(site.log) + dice.randint(3, pages // 3)
            wait_until(lambda target=target: len(site.log) >= target)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    home.run()

    keys = [item["key"] for item in home.items()]
    assert len(keys) == len(set(keys)) == pages


def test_sigterm_ends_crawls_in_time_and_the_rest_comes_with_the_next(site: Site, tmp_path: Path) -> None:
    def slow(seen: Seen) -> str:
        time.sleep(0.3)
        return an_article(seen.path)

    site.pages["/news"] = (
        "<ul>" + "".join(f'<li><a href="/n/{n}">第{n}条关于城区供水的通知</a></li>' for n in range(60)) + "</ul>"
    )
    site.pages.update({f"/n/{n}": slow for n in range(60)})
    home = Home(
        tmp_path,
        [
            {
                "id": "news",
                "name": "新闻",
                "kind": "list",
                "url": f"{site.url}/news",
                "selectors": {"item": "li"},
                "delay": "0s",
                "limit": 300,
            }
        ],
    )

    with a_worker(home) as worker:
        wait_until(lambda: len(site.log) >= 5)
        asked = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0

    assert time.monotonic() - asked < 25
    assert home.rows("select lease_owner from crawlers_sourcestate")[0]["lease_owner"] == ""
    assert len(home.items()) >= 3
    site.pages.update({f"/n/{n}": an_article(f"/n/{n}") for n in range(60)})
    home.run()
    assert len(home.items()) == 60


def test_an_idle_worker_takes_next_to_no_time(site: Site, tmp_path: Path) -> None:
    site.pages["/feed"] = Reply(body=b"<rss><item><title>a</title></item></rss>")
    home = Home(
        tmp_path,
        [{"id": "feed", "name": "订阅", "kind": "feed", "url": f"{site.url}/feed", "every": "1h", "delay": "0s"}],
    )

    with a_worker(home) as worker:
        wait_until(lambda: bool(home.items()))
        process = psutil.Process(worker.pid)
        time.sleep(1)
        before = sum(process.cpu_times()[:2])
        time.sleep(6)
        used = sum(process.cpu_times()[:2]) - before

    assert used / 6 < 0.05


def test_a_site_in_trouble_is_left_alone_and_said_so(site: Site, tmp_path: Path) -> None:
    site.pages["/busy"] = Reply(status=503, headers={"Retry-After": "1800"})
    site.pages["/door"] = Reply(status=403)
    site.pages["/down"] = Reply(status=500)
    site.pages["/html"] = "<html><body>系统维护中</body></html>"
    with serve("127.0.0.2") as other, serve("127.0.0.3") as third:
        third.pages["/robots.txt"] = Reply(status=500)
        third.pages["/feed"] = b"<rss/>"
        other.pages.update(site.pages)
        home = Home(
            tmp_path,
            [
                {"id": "busy", "name": "忙", "kind": "feed", "url": f"{site.url}/busy", "delay": "0s"},
                {"id": "door", "name": "拒", "kind": "feed", "url": f"{other.url}/door", "delay": "0s"},
                {"id": "html", "name": "维护", "kind": "feed", "url": f"{other.url}/html", "delay": "0s"},
                {"id": "norobots", "name": "无规矩", "kind": "feed", "url": f"{third.url}/feed", "delay": "0s"},
            ],
        )
        home.run()

    states = {name: home.state(name) for name in ("busy", "door", "html", "norobots")}
    assert site.paths() == ["/busy"]
    assert third.paths() == []
    assert states["busy"]["outcome"]["retry_after"] == 1800
    assert (states["door"]["health"], states["door"]["health_reason"]) == ("blocked", "对方返回 403，不让采集")
    assert "不是订阅源" in states["html"]["outcome"]["reason"]
    assert "robots.txt 暂时取不到" in states["norobots"]["outcome"]["reason"]

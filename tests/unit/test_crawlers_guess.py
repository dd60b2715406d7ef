from __future__ import annotations

import json

import pytest

from core.errors import Rejected
from crawlers.guess import guess
from crawlers.sources import parse

URL = "https://www.example.gov.cn/xwzx/index.html"
ROWS = "".join(
    f'<li><a href="/n/{n}.html">关于城区第{n}次停水的通知</a><span>2026-11-1{n}</span></li>' for n in range(6)
)
PAGE = f'<title>新闻中心_县政府网</title><ul class="nav"><li><a href="/">首页</a></li></ul><ul class="news-list">{ROWS}</ul>'


def test_a_news_page_becomes_a_list_with_its_rows() -> None:
    entry, remarks = guess(URL, PAGE.encode(), "text/html")

    assert (entry["kind"], entry["name"], entry["selectors"]) == ("list", "新闻中心", {"item": "ul.news-list > li"})
    assert any("6 个链接" in remark for remark in remarks)
    assert parse(entry).id == "example-gov-xwzx"


def test_a_page_that_offers_a_feed_says_so() -> None:
    page = '<link rel="alternate" type="application/rss+xml" href="/rss.xml">' + PAGE

    assert any("https://www.example.gov.cn/rss.xml" in remark for remark in guess(URL, page.encode(), "text/html")[1])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'<?xml version="1.0"?><rss><channel><title>x</title><item><title>a</title></item></channel></rss>', "feed"),
        (b'<?xml version="1.0"?><urlset><url><loc>https://a.cn/1</loc></url></urlset>', "sitemap"),
        (json.dumps({"version": "https://jsonfeed.org/version/1", "items": []}).encode(), "feed"),
        (json.dumps({"updatedTime": 1, "items": [{"id": 1}]}).encode(), "hotlist"),
        (json.dumps({"data": {"rows": [{"a": 1}, {"a": 2}]}}).encode(), "api"),
        (("<title>书记信箱</title>" + PAGE).encode(), "board"),
        (("<p>楼主</p>" + PAGE).encode(), "forum"),
    ],
)
def test_the_kind_is_told_by_what_stands_there(body: bytes, kind: str) -> None:
    entry, _ = guess(URL, body, "text/html")

    assert entry["kind"] == kind
    assert parse(entry)


def test_where_nothing_of_use_stands_nothing_is_guessed() -> None:
    with pytest.raises(Rejected):
        guess(URL, b"<html><body>404</body></html>", "text/html")

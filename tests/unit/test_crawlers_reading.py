from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import Rejected
from core.model import Precision
from crawlers.interfaces import page_url, read_api, read_hotlist
from crawlers.reading import FORM, drafts
from crawlers.records import count, fields
from crawlers.sitemaps import read_sitemap
from tests.fixtures.collect import NOW, a_raw, a_source, an_article


def test_a_page_is_read_by_extraction() -> None:
    (draft,) = drafts(a_raw(an_article().encode()), a_source(), NOW)

    assert draft.title == "城东水厂检修停水通知"
    assert draft.published_at == datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
    assert "提前储水" in draft.text


def test_the_index_fills_what_the_page_does_not_say() -> None:
    page = an_article(when="").replace("发布时间：", "")
    raw = a_raw({FORM: "page", "html": page, "title": "城东水厂检修停水通知", "published": "2026-11-19"})

    (draft,) = drafts(raw, a_source(), NOW)

    assert (draft.published_at, draft.precision) == (datetime(2026, 11, 18, 16, tzinfo=UTC), Precision.DAY)


def test_a_board_page_brings_the_reply_as_facts() -> None:
    source = a_source(kind="board", selectors={
        "item": "li", "title": "h1", "text": ".q", "time": ".t", "author": ".u::text", "reply": ".a", "replied_at": ".at", "status": ".s",
    })  # fmt: skip
    page = (
        "<h1>小区停水</h1><i class=t>2026-11-18 09:00</i><b class=u>王某</b><div class=q>已停水三天，无人处理，请尽快解决。</div>"
        "<p class=s>已办结</p><div class=a>已抢修恢复。</div><i class=at>2026-11-19 10:00</i>"
    )

    (draft,) = drafts(a_raw(page.encode()), source, NOW)

    assert (draft.title, draft.author) == ("小区停水", "王某")
    assert draft.extra == {"status": "已办结", "reply": "已抢修恢复。", "replied_at": "2026-11-19T02:00:00+00:00"}
    assert "抢修" not in draft.text


def test_a_contribution_takes_its_threads_title() -> None:
    source = a_source(kind="forum", selectors={"item": "tr", "post": ".p", "author": "b", "time": "i", "text": "p"})
    raw = a_raw(
        {FORM: "post", "title": "井盖坏了", "html": "<div class=p><b>甲</b><i>2026-11-20 10:00</i><p>三天了</p></div>"}
    )

    (draft,) = drafts(raw, source, NOW)

    assert (draft.title, draft.text, draft.author, draft.precision) == ("井盖坏了", "三天了", "甲", Precision.MINUTE)


def test_a_feed_entry_without_zone_means_beijing() -> None:
    raw = a_raw({FORM: "entry", "title": "停水", "text": "<p>明天</p>", "published": "2026-11-20 08:30:00"})

    (draft,) = drafts(raw, a_source(kind="feed"), NOW)

    assert (draft.text, draft.published_at) == ("明天", datetime(2026, 11, 20, 0, 30, tzinfo=UTC))


def test_a_hotline_record_passes_facts_but_no_phone_number() -> None:
    record = {
        "工单编号": "G1",
        "标题": "噪音",
        "诉求内容": "夜间施工",
        "来电号码": "13800000000",
        "办理状态": "处理中",
        "受理时间": "2026-11-20 23:10",
    }

    (draft,) = drafts(a_raw(record, url=""), a_source(kind="push", url=""), NOW)

    assert draft.external_id == "G1"
    assert draft.extra == {"status": "处理中"}


def test_a_pushed_record_cannot_pretend_to_be_a_page_of_ours() -> None:
    raw = a_raw({FORM: "page", "html": an_article(), "title": "自己写的"})

    (draft,) = drafts(raw, a_source(kind="push", url=""), NOW)

    assert draft.text == "自己写的"


@pytest.mark.parametrize("payload", [b"<html></html>", {FORM: "entry", "url": "x"}, {"a": 1}])
def test_an_item_with_nothing_to_read_is_rejected(payload: Any) -> None:
    with pytest.raises(Rejected):
        drafts(a_raw(payload), a_source(kind="feed"), NOW)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,234", 1234), ("1.2万", 12000), ("阅读 56", 56), ("３亿", 300000000), ("—", None), (None, None)],
)
def test_counts_are_read_as_pages_write_them(text: str | None, number: int | None) -> None:
    assert count(text) == number


def test_columns_named_by_the_administrator_win() -> None:
    source = a_source(kind="file", url="drop", columns={"text": "诉求"})

    assert fields({"诉求": "真正的内容", "内容": "别的"}, source)["text"] == "真正的内容"


def test_an_interface_is_read_by_paths() -> None:
    source = a_source(kind="api", url="https://a.cn/?c={cursor}", paths={"items": "data.rows", "cursor": "data.next"})

    answer = read_api(json.dumps({"data": {"rows": [{"id": 1}, 2], "next": 77}}).encode(), source)

    assert (answer.records, answer.cursor) == (({"id": 1},), "77")
    assert page_url(source.url, cursor="7 7", page=2) == "https://a.cn/?c=7%207"


def test_an_interface_that_changed_is_an_error() -> None:
    with pytest.raises(Rejected, match="接口可能变了"):
        read_api(b'{"error": 1}', a_source(kind="api", paths={"items": "data.rows"}))


def test_a_hot_list_keeps_its_entries_and_drops_links_that_leave_the_platform() -> None:
    source = a_source(kind="hotlist", allowed_domains=["weibo.com"])
    items = [
        {"id": 1, "title": "暴雨", "url": "https://s.weibo.com/1", "extra": {"info": "1万"}},
        {"id": 2, "title": "钓鱼", "url": "https://weibo.com@evil.cn/"},
        {"id": 3, "title": ""},
    ]

    answer = read_hotlist(
        json.dumps({"status": "cache", "updatedTime": 1795000000000, "items": items}).encode(), source
    )

    assert answer.records == ({"id": 1, "title": "暴雨", "url": "https://s.weibo.com/1"},)
    assert answer.stale
    assert answer.dropped == ("链接不在平台的域名下：evil.cn", "一条没有标题")


def test_a_sitemap_gives_newest_first_and_names_further_ones() -> None:
    one = b"<urlset><url><loc>https://a.cn/1</loc><lastmod>2026-11-01</lastmod></url><url><loc>https://a.cn/2</loc><lastmod>2026-11-20</lastmod></url></urlset>"
    index = b"<sitemapindex><sitemap><loc>https://a.cn/s1.xml</loc></sitemap></sitemapindex>"

    assert [link.url for link in read_sitemap(one, "https://a.cn/s.xml").links] == ["https://a.cn/2", "https://a.cn/1"]
    assert read_sitemap(index, "https://a.cn/s.xml").sitemaps == ("https://a.cn/s1.xml",)


@pytest.mark.parametrize("body", [b"<html/>", b"x", b'<!DOCTYPE a [<!ENTITY b "c">]><urlset/>'])
def test_what_is_no_sitemap_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected):
        read_sitemap(body, "https://a.cn/s.xml")

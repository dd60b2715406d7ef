from __future__ import annotations

import pytest

from core.errors import Rejected
from crawlers.markup import absolute, base_of, plain_text
from crawlers.pages import login_wall, read_index, read_thread
from tests.fixtures.collect import a_source

LIST = """<body><div class="nav"><a href="/">首页</a></div><ul class="list">
<li><a href="/n/1.html" title="城东水厂检修停水通知">城东水厂检修…</a><span>2026-11-20</span></li>
<li><a href="n/2.html">关于调整公交线路的公告</a><span>11-19</span></li>
<li><a href="javascript:void(0)">更多</a></li></ul><a class="next" href="/news/?page=2">下一页</a></body>"""
URL = "https://www.example.gov.cn/news/"


def test_a_list_gives_links_with_title_and_date_in_page_order() -> None:
    index = read_index(LIST, URL, a_source(selectors={"item": "ul.list li", "next": "a.next"}))

    assert [(link.url, link.title, link.published) for link in index.links] == [
        ("https://www.example.gov.cn/n/1.html", "城东水厂检修停水通知", "2026-11-20"),
        ("https://www.example.gov.cn/news/n/2.html", "关于调整公交线路的公告", "11-19"),
    ]
    assert index.next == "https://www.example.gov.cn/news/?page=2"


def test_without_selectors_headlines_are_found() -> None:
    index = read_index(LIST, URL, a_source())

    assert [link.published for link in index.links] == ["2026-11-20", "11-19"]


def test_a_list_that_shows_nothing_is_an_error_not_an_empty_day() -> None:
    with pytest.raises(Rejected, match="页面结构可能变了"):
        read_index("<body><p>改版了</p></body>", URL, a_source(selectors={"item": "ul.list li"}))


def test_a_row_with_news_behind_it_has_another_mark() -> None:
    source = a_source(kind="forum", selectors={"item": "tr", "changed": ".n"})
    page = "<table><tr><td><a href='/t/1'>帖子</a></td><td class=n>{}</td><td>阅读 {}</td></tr></table>"

    marks = [read_index(page.format(*counts), URL, source).links[0].mark for counts in ((3, 10), (3, 99), (4, 99))]

    assert marks[0] == marks[1] != marks[2]


def test_links_outside_the_pattern_are_left_alone() -> None:
    index = read_index(LIST, URL, a_source(link_pattern=r"/n/1\.html$"))

    assert len(index.links) == 1


THREAD = """<title>井盖坏了 - 本地论坛</title>
<div class=post id=p31><b>甲</b><p>井盖坏了很久</p></div><div class=post><b>乙</b><p>顶</p></div><a class=pg href="?page=2">2</a>"""
FORUM = a_source(kind="forum", selectors={"item": "tr", "post": "div.post", "next_posts": "a.pg"})


def test_a_thread_is_cut_into_contributions_with_lasting_names() -> None:
    thread = read_thread(THREAD, "https://www.example.gov.cn/t/5", FORUM)

    assert thread.title == "井盖坏了"
    assert thread.contributions[0].key == "/t/5#p31"
    assert thread.contributions[1].key.startswith("/t/5#2-")
    assert thread.next == "https://www.example.gov.cn/t/5?page=2"


def test_a_thread_without_contributions_is_told() -> None:
    with pytest.raises(Rejected, match="没有找到发言"):
        read_thread("<p>请登录</p>", "https://www.example.gov.cn/t/5", FORUM)


@pytest.mark.parametrize(
    ("text", "url", "wall"),
    [
        ("<p>请先登录后查看本帖</p>", "https://a.cn/t/1", True),
        ("<p>访问过于频繁，请输入验证码</p>", "https://a.cn/t/1", True),
        ("<p>ok</p>", "https://a.cn/user/login?from=/t/1", True),
        ("<p>登录后可以评论</p>" + "<p>正文很长。</p>" * 200, "https://a.cn/t/1", False),
        ("<p>城区停水通知</p>", "https://a.cn/t/1", False),
    ],
)
def test_login_pages_are_told_from_articles_that_offer_a_login(text: str, url: str, wall: bool) -> None:
    assert bool(login_wall(text, url=url, asked="https://a.cn/t/1")) is wall


@pytest.mark.parametrize(
    "link", ["mailto:a@b.cn", "javascript:x()", "#top", "file:///etc/passwd", "data:text/html,x", "", "http://["]
)
def test_links_that_lead_nowhere_are_no_links(link: str) -> None:
    assert absolute(link, URL) is None


def test_a_base_on_another_host_is_not_believed() -> None:
    assert base_of('<base href="https://evil.cn/">', URL) == URL
    assert base_of('<base href="/sub/">', URL) == "https://www.example.gov.cn/sub/"


def test_text_of_markup_keeps_paragraphs_and_drops_scripts() -> None:
    assert plain_text("<p>一<b>二</b></p><script>x</script><p>三&amp;四</p>") == "一二\n三&四"


def test_markup_nested_without_measure_does_not_exhaust_the_stack() -> None:
    assert isinstance(plain_text("<div>" * 50_000 + "底"), str)

"""Pages of the families we meet, written by us, through the whole cascade."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import SHANGHAI
from core.errors import Rejected
from core.model import Precision
from crawlers.extraction import Article, Selectors, article

NOW = datetime(2026, 3, 2, 2, 20, tzinfo=UTC)
FIRST = "本报讯（记者 林晓）连日来，石禾镇东河桥维修进展顺利，预计下月恢复通车，附近居民出行将更加方便。"
SECOND = "县交通局工作人员介绍，施工期间设置了临时便道，并安排专人疏导，请过往车辆减速慢行，注意安全。"
TITLE = "东河桥维修预计下月恢复通车"


def read(markup: str | bytes, *, url: str = "", content_type: str = "", selectors: Selectors | None = None) -> Article:
    body = markup if isinstance(markup, bytes) else markup.encode()
    return article(body, url=url, content_type=content_type, now=NOW, selectors=selectors)


def a_page(body: str, *, title: str = f"{TITLE}_石禾县人民政府网", head: str = "") -> str:
    return f"<html><head><title>{title}</title>{head}</head><body>{body}</body></html>"


PORTAL = a_page(
    '<div class="nav"><a href="/">首页</a><a href="/n">新闻</a></div>'
    f"<h1>{TITLE}</h1><div class='info'>2025-11-03 08:30 来源：石禾日报 作者：林晓</div>"
    f"<div class='article-content'><p>{FIRST}</p><p>{SECOND}</p></div>"
    "<h3>相关阅读</h3><ul><li><a href='1'>县城公交线路调整，市民出行更方便了。</a></li></ul>"
    "<div class='footer'>版权所有 2009-2026 石禾县人民政府</div>"
)
TABLES = a_page(
    "<table><tr><td width=160><a href=1>县情概况</a><br><a href=2>政务公开</a><br>通知公告，请各单位认真学习。</td>"
    f"<td><table><tr><td align=center><font size=4>{TITLE}</font></td></tr>"
    "<tr><td align=center>发布日期：2011-11-3 8:30:00 点击：120 次</td></tr>"
    f"<tr><td>　　{FIRST}<br><br>　　{SECOND}</td></tr></table></td></tr></table>"
    "<table><tr><td>主办：石禾县人民政府办公室 电话：0571-12345678</td></tr></table>"
)
PAPER = a_page(
    f"<div id='Title'>{TITLE}</div><div id='zoom'>　　{FIRST}<br/>　　{SECOND}<br/></div>"
    "<div>上一篇：无</div><div>下一篇：春耕备耕忙</div>"
)
FORUM = a_page(
    f"<div id='postlist'><div id='post_1'><div class='t_f'>{FIRST}</div></div>"
    f"<div id='post_2'><div class='t_f'>{SECOND}</div></div>"
    "<div id='post_3'><div class='t_f'>支持楼主，希望早点修好，谢谢大家的关心。</div></div></div>"
)
NOTICE = a_page(
    "<table align=center><tr><td class=menu><a href=1>首页</a>|<a href=2>政务</a></td></tr>"
    "<tr><td><table><tr><td width=200><a href=3>工作动态：全县春耕备耕工作会议召开，县长出席</a></td><td><table>"
    "<tr><td>您的位置：<a href=4>首页</a> &gt;&gt; <a href=5>公示公告</a> &gt;&gt; 正文</td></tr>"
    f"<tr><td class=bt>{TITLE}</td></tr><tr><td>索引号：003-2011-04 发布日期：2011年11月3日 浏览次数：12</td></tr>"
    f"<tr><td class=nr><p>{FIRST}</p><p>{SECOND}</p></td></tr>"
    "<tr><td>【<a href=6>打印本页</a>】【<a href=7>关闭窗口</a>】</td></tr></table></td></tr></table></td></tr>"
    "<tr><td>主办：石禾县人民政府办公室 联系电话：0571-1234567</td></tr></table>",
    title="石禾县人民政府 政务公开",
)


def a_post(number: int, text: str) -> str:
    return (
        f"<div id='post_{number}'><table id='pid{number}'><tr><td class='postauthor'><p>新手上路</p><dl class='profile'>"
        f"<dt>积分</dt><dd>12{number}</dd><dt>注册时间</dt><dd>2009-1-{number}</dd></dl></td><td class='postcontent'>"
        f"<em>发表于 2011-3-{number} 12:30</em> | <a href='1'>只看该作者</a>"
        f"<table><tr><td class='t_f' id='postmessage_{number}'>{text}</td></tr></table></td></tr></table></div>"
    )


BOARD = a_page(
    f"<div id='ct'><h1>{TITLE}</h1>{a_post(1, FIRST)}{a_post(2, SECOND)}{a_post(3, '顶楼主')}"
    f"{a_post(4, '支持楼主，希望早点修好，谢谢大家的关心。')}</div><div id='ft'>Powered by Discuz!</div>",
    title=f"{TITLE} - 石禾论坛 - Powered by Discuz!",
)
WECHAT = (
    f"<html><head><title></title><meta property='og:title' content='{TITLE}'></head><body>"
    f"<h2 id='activity-name'>{TITLE}</h2><div id='js_content' style='visibility: hidden'><section><section>"
    f"<p>{FIRST}</p></section><section><p>{SECOND}</p></section></section></div>"
    '<script>var ct = "1762129800";</script></body></html>'
)


@pytest.mark.parametrize(
    "page",
    [PORTAL, TABLES, NOTICE, PAPER, FORUM, BOARD, WECHAT],
    ids=["portal", "tables", "notice", "paper", "forum", "board", "wechat"],
)
def test_the_paragraphs_of_an_article_are_found_in_every_family(page: str) -> None:
    found = read(page)

    assert found.text.split("\n")[:2] == [FIRST, SECOND]
    assert found.title == TITLE


@pytest.mark.parametrize(
    "page", [PORTAL, TABLES, NOTICE, PAPER, WECHAT], ids=["portal", "tables", "notice", "paper", "wechat"]
)
def test_nothing_around_an_article_is_taken_for_it(page: str) -> None:
    assert read(page).text.split("\n") == [FIRST, SECOND]


def test_the_other_posts_of_a_thread_are_kept() -> None:
    assert read(FORUM).text.split("\n")[2].startswith("支持楼主")


def test_what_a_forum_says_of_its_members_is_left_out() -> None:
    replies = ["顶楼主", "支持楼主，希望早点修好，谢谢大家的关心。"]

    assert read(BOARD).text.split("\n") == [FIRST, SECOND, *replies]
    assert published(BOARD) == "03-01 12:30 minute"


@pytest.mark.parametrize(
    ("page", "expected", "precision"),
    [
        (PORTAL, "2025-11-03 08:30", Precision.MINUTE),
        (TABLES, "2011-11-03 08:30", Precision.SECOND),
        (WECHAT, "2025-11-03 08:30", Precision.SECOND),
    ],
    ids=["portal", "tables", "wechat"],
)
def test_the_publish_time_is_found_with_its_precision(page: str, expected: str, precision: Precision) -> None:
    moment = read(page).published

    assert moment is not None
    assert (f"{moment.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}", moment.precision) == (expected, precision)


def published(page: str, url: str = "") -> str | None:
    moment = read(page, url=url).published
    return f"{moment.at.astimezone(SHANGHAI):%m-%d %H:%M} {moment.precision}" if moment else None


def test_a_date_in_running_text_is_no_publish_time_when_metadata_know_better() -> None:
    page = a_page(
        f"<h1>{TITLE}</h1><p>{FIRST}该桥于2025年10月1日开工，2025年12月31日前完工。{SECOND}</p>",
        head="<meta name='PubDate' content='2025-11-03 08:30'>",
    )

    assert published(page) == "11-03 08:30 minute"


def test_a_day_takes_the_minute_from_another_time_of_that_day() -> None:
    page = a_page(f"<h1>{TITLE}</h1><p>日期：2025-11-03</p><p>{FIRST}</p><p>{SECOND}</p><p>石禾县 2025-11-03 08:30</p>")

    assert published(page) == "11-03 08:30 minute"


def test_a_clock_in_the_next_cell_belongs_to_the_date() -> None:
    page = a_page(
        f"<h1>{TITLE}</h1><table><tr><td>2025-11-03</td><td>08:30</td></tr></table><p>{FIRST}</p><p>{SECOND}</p>"
    )

    assert published(page) == "11-03 08:30 minute"


def test_the_address_tells_the_day_of_a_silent_page() -> None:
    page = a_page(f"<h1>{TITLE}</h1><p>{FIRST}</p><p>{SECOND}</p>")

    assert published(page, "http://paper.example/html/2025-11/03/content_12.htm") == "11-03 00:00 day"
    assert published(page) is None


def test_a_relative_time_behind_a_label_counts_from_now() -> None:
    page = a_page(f"<h1>{TITLE}</h1><p>发表于 3分钟前</p><p>{FIRST}</p><p>{SECOND}</p>")

    assert published(page) == "03-02 10:17 minute"


def test_the_author_comes_from_metadata_or_a_signature() -> None:
    assert read(PORTAL).author == "林晓"
    assert read(a_page(f"<p>{FIRST}</p>", head="<meta name='author' content='石禾日报'>")).author == "石禾日报"
    assert read(PAPER).author is None


def test_a_headline_with_a_hyphen_between_numbers_stays_whole() -> None:
    page = a_page(f"<p>{FIRST}</p>", title="1-10月固定资产投资平稳增长-石禾县统计局")

    assert read(page).title == "1-10月固定资产投资平稳增长"


def test_a_title_that_only_names_the_site_gives_way_to_the_heading() -> None:
    page = a_page(f"<h5>{TITLE}</h5><div><p>{FIRST}</p><p>{SECOND}</p></div>", title="石禾县人民政府网")

    assert read(page).title == TITLE


def test_an_end_of_page_within_a_pasted_header_does_not_hide_the_article() -> None:
    page = a_page(f"<div>首页</div></body></html><h1>{TITLE}</h1><div><p>{FIRST}</p><p>{SECOND}</p></div>")

    assert read(page).text.split("\n") == [FIRST, SECOND]


@pytest.mark.parametrize(
    "sentence",
    [
        "2025年11月1日，有网友在评论中说桥面已经铺好，期待通车。",
        "返回家乡的农民工也参加了施工，收入比外出打工还高。",
        "县政府2025年10月9日发布通告，要求过往车辆减速慢行。",
    ],
)
def test_a_sentence_that_begins_like_a_byline_is_kept(sentence: str) -> None:
    page = a_page(f"<h1>{TITLE}</h1><div><p>{FIRST}</p><p>{sentence}</p><p>{SECOND}</p></div>")

    assert read(page).text.split("\n") == [FIRST, sentence, SECOND]


def test_a_short_post_is_not_lost() -> None:
    assert "停水三天了" in read(a_page("<div class='post'><p>求助，老街停水三天了，打电话没人接。</p></div>")).text


def test_an_english_page_is_read() -> None:
    text = "The bridge over the eastern river will be open again next month, the county said on Monday. " * 4
    page = f"<html><head><title>Bridge opens again</title></head><body><h1>Bridge opens again</h1><article><p>{text}</p></article></body></html>"

    assert "eastern river" in read(page).text


def test_selectors_decide_before_anything_is_guessed() -> None:
    selectors = Selectors(
        title=".info", text="//div[@class='article-content']/p[2]", published="h1 + .info", author="h3", remove=("ul",)
    )

    found = read(PORTAL, selectors=selectors)

    assert (found.text, found.author) == (SECOND, "相关阅读")
    assert found.title.startswith("2025-11-03")


def test_selectors_that_find_nothing_leave_the_guess() -> None:
    found = read(PORTAL, selectors=Selectors(title=".none", text="#none", published="//time/@datetime"))

    assert found.title == TITLE
    assert found.published is not None


def test_a_selector_that_cannot_be_read_is_named() -> None:
    with pytest.raises(Rejected, match="div >>> p"):
        read(PORTAL, selectors=Selectors(text="div >>> p"))


DEEP = b"<div>" * 30_000 + FIRST.encode()
HOSTILE = {
    "empty": (b"", "empty"),
    "only spaces and NULs": (b" \x00\n" * 1000, "empty"),
    "pdf": (b"%PDF-1.7 ...", "PDF"),
    "picture": (b"\x89PNG\r\n", "picture"),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip"),
    "office file": (b"PK\x03\x04", "ZIP"),
    "binary": (bytes(range(256)) * 40, "binary"),
    "too many bytes": (b"a" * (8 * 1024 * 1024 + 1), "8,388,609 bytes"),
    "too many tags": (b"<p>" * 200_000, "200,000 tags"),
    "deep divs": (DEEP, "too deeply"),
    "deep tables": (b"<table><tr><td>" * 10_000 + FIRST.encode(), "too deeply"),
    "no text": (b"<html><body><img src=x></body></html>", "neither"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_page_is_refused_with_its_reason(case: str) -> None:
    body, reason = HOSTILE[case]

    with pytest.raises(Rejected, match=reason):
        read(body)


@pytest.mark.parametrize(
    "noise",
    [
        b"<img src='data:image/png;base64," + b"A" * 4_000_000 + b"'>",
        b"<div class='" + b"a " * 500_000 + b"'></div>",
        b"<div " + b" ".join(b"a%d=1" % number for number in range(50_000)) + b"></div>",
        b"<script>" + b"var a = '<p>'; " * 200_000 + b"</script>",
        b"\x00" * 1000,
        b"\xff\xfe\xfa",
    ],
    ids=["inline picture", "huge class", "many attributes", "long script", "nuls", "invalid bytes"],
)
def test_an_article_among_rubbish_is_still_read(noise: bytes) -> None:
    page = a_page(f"<h1>{TITLE}</h1>@@<div class='content'><p>{FIRST}</p><p>{SECOND}</p></div>").encode()

    assert read(page.replace(b"@@", noise)).text.split("\n") == [FIRST, SECOND]


FRAGMENTS = [
    *b"<div> </div> <p> <table><tr><td> </a> <!-- --> <![CDATA[ <?xml &#0; &#x110000; <title> <br> <script> </script>".split(),
    *b"<body> </html> <svg><style> <o:p> <h1> \x00 \xff\xfe \xd6\xd0".split(),
    b"<a href=x>",
    b"<meta charset=utf-7>",
    b"<meta charset=hex>",
    b"<time datetime=2022>",
    b"<link rel=canonical>",
    b"<meta name=date content=99999999999>",
    b"2025-11-03 08:30",
    FIRST.encode(),
    FIRST.encode("gb18030"),
]
RUBBISH = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=8)), max_size=40).map(b"".join)


@given(st.one_of(st.binary(max_size=400), RUBBISH))
@settings(max_examples=300, deadline=None, database=None)
def test_arbitrary_bytes_give_an_article_or_a_reason(body: bytes) -> None:
    reason = ""
    try:
        found = read(body)
        reason = found.title or found.text
    except Rejected as refusal:
        reason = str(refusal)

    assert reason

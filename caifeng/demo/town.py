"""The town's web site on loopback: news list, forum, message board, RSS feed and a 12345 export.

Run by `caifeng up --demo`; the pages look like those of small local sites.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from xml.sax.saxutils import escape as xml_escape

from caifeng.demo.chronicle import TownPost, posts
from core.clock import SHANGHAI

#: Entries on an index page, as small sites show them.
SHOWN = 20


class Town(ThreadingHTTPServer):
    """The server; `began` fixes what was and will be published."""

    daemon_threads = True

    def __init__(self, port: int, began: datetime, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(("127.0.0.1", port), _Page)
        self.began = began
        self.clock = clock

    @property
    def address(self) -> str:
        """Root of the site."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def published(self, site: str) -> list[TownPost]:
        """Posts of one site up to now, newest first."""
        return [post for post in reversed(posts(self.began, self.clock())) if post.site == site]


class _Page(BaseHTTPRequestHandler):
    server: Town
    server_version = "TownHall/1.0"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        page = self._page(path)
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind, body = page
        payload = body.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the demo's log is for Caifeng's roles."""

    def _page(self, path: str) -> tuple[str, str] | None:
        if path == "/robots.txt":
            return "text/plain", "User-agent: *\nDisallow: /admin/\n"
        if path == "/":
            return "text/html", _html("采川在线", _index_of_sites())
        if path == "/feed.xml":
            return "application/rss+xml", _rss(self.server.address, self.server.published("feed")[:SHOWN])
        if path == "/hotline/export.json":
            return "application/json", _export(self.server.published("hotline")[:SHOWN])
        site, _, rest = path.strip("/").partition("/")
        if site not in ("news", "forum", "board", "feed"):
            return None
        if not rest:
            return "text/html", _html(_SITES[site], _index(site, self.server.published(site)[:SHOWN]))
        number = rest.removesuffix(".html")
        post = next((post for post in self.server.published(site) if str(post.number) == number), None)
        return ("text/html", _html(f"{post.title}_{_SITES[site]}", _article(site, post))) if post else None


_SITES = {"news": "采川新闻网", "forum": "采川论坛", "board": "采川县领导留言板", "feed": "采川发布"}


def _local(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _html(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head><body>{body}</body></html>"
    )


def _index_of_sites() -> str:
    links = "".join(f'<li><a href="/{site}/">{name}</a></li>' for site, name in _SITES.items() if site != "feed")
    return f'<h1>采川在线</h1><ul>{links}<li><a href="/feed.xml">采川发布（RSS）</a></li></ul>'


def _index(site: str, shown: list[TownPost]) -> str:
    rows = "".join(
        f'<li class="item"><a href="/{site}/{post.number}.html">{escape(post.title)}</a>'
        f'<span class="time">{_local(post.at)}</span></li>'
        for post in shown
    )
    return f'<div class="nav"><a href="/">首页</a></div><h1>{_SITES[site]}</h1><ul class="list">{rows}</ul>'


def _article(site: str, post: TownPost) -> str:
    replies = "".join(
        f'<div class="reply"><span class="floor">{floor}楼</span><p>{escape(text)}</p></div>'
        for floor, text in enumerate(post.replies, 2)
    )
    state = '<div class="status">状态：受理中</div>' if site == "board" else ""
    return (
        f'<div class="nav"><a href="/{site}/">返回</a></div><div class="article"><h1 class="title">{escape(post.title)}</h1>'
        f'<div class="meta"><span class="author">{escape(post.author)}</span> '
        f'<span class="time">发布时间：{_local(post.at)}</span></div>'
        f'<div class="content"><p>{escape(post.text)}</p></div>{state}</div>{replies}'
    )


def _rss(address: str, shown: list[TownPost]) -> str:
    items = "".join(
        f"<item><title>{xml_escape(post.title)}</title><link>{address}/feed/{post.number}.html</link>"
        f'<guid isPermaLink="false">feed-{post.number}</guid><description>{xml_escape(post.text)}</description>'
        f"<pubDate>{post.at.astimezone(SHANGHAI).strftime('%a, %d %b %Y %H:%M:%S +0800')}</pubDate></item>"
        for post in shown
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>采川发布</title>'
        f"<link>{address}/</link><description>采川县融媒体中心</description>{items}</channel></rss>"
    )


def _export(shown: list[TownPost]) -> str:
    rows = [
        {
            "ticket": f"CC{post.number}",
            "title": post.title,
            "content": post.text,
            "caller": "来电人",
            "accepted_at": _local(post.at),
            "status": "受理中",
        }
        for post in shown
    ]
    return json.dumps({"total": len(rows), "rows": rows}, ensure_ascii=False)

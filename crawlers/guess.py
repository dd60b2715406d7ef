"""A draft entry for an address: what kind of source stands there, and where its rows are. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from parsel import Selector

from core.errors import Rejected
from crawlers.extraction import decode
from crawlers.feeds import read_feed, read_json
from crawlers.markup import absolute, parse_page, plain_text
from crawlers.pages import read_index
from crawlers.sources import Source, parse

#: Rows a guessed selector has to give, or it is no list.
_FEWEST = 4
_TITLE_LENGTH = 8


def guess(url: str, body: bytes, content_type: str) -> tuple[dict[str, Any], list[str]]:
    """A draft entry and remarks on it, in Chinese. Raises Rejected when nothing of use stands there."""
    start = body.lstrip()[:200]
    entry: dict[str, Any] = {"id": _id(url), "name": urlsplit(url).hostname or url, "url": url}
    if start[:1] in (b"{", b"["):
        return {**entry, **_json_kind(body)}, ["接口：请核对 paths"]
    if b"<urlset" in body[:2000] or b"<sitemapindex" in body[:2000]:
        return {**entry, "kind": "sitemap"}, ["站点地图：可用 link_pattern 只取要的栏目"]
    if re.search(rb"<(?:rss|feed|rdf:RDF)[\s>]", body[:2000]):
        return {**entry, **_feed(body, entry["name"])}, []
    return _page(url, decode(body, content_type).text, entry)


def _id(url: str) -> str:
    parts = urlsplit(url)
    words = re.findall(r"[a-z0-9]+", f"{parts.hostname} {parts.path}".lower())
    plain = "-".join(word for word in words if word not in {"www", "com", "cn", "html", "htm", "index"})[:40].strip("-")
    return plain or hashlib.sha256(url.encode()).hexdigest()[:12]


def _feed(body: bytes, name: str) -> dict[str, Any]:
    entries = read_feed(body)
    title = re.search(rb"<title[^>]*>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</title>", body, re.DOTALL)
    texts = [len(plain_text(entry.get("text", ""))) for entry in entries]
    short = bool(texts) and sorted(texts)[len(texts) // 2] < 120
    return {
        "kind": "feed",
        "name": plain_text(title[1].decode("utf-8", "replace"))[:80] if title else name,
        # A feed of teasers is worth the pages behind it.
        **({"follow": True} if short else {}),
    }


def _json_kind(body: bytes) -> dict[str, Any]:
    answer = read_json(body)
    if isinstance(answer, Mapping) and "jsonfeed.org" in str(answer.get("version", "")):
        return {"kind": "feed"}
    if isinstance(answer, Mapping) and isinstance(answer.get("items"), list) and "updatedTime" in answer:
        return {"kind": "hotlist", "channel": "microblog"}
    path = _longest_list(answer)
    if path is None:
        raise Rejected("应答里没有记录列表")
    return {"kind": "api", "paths": {"items": path}}


def _longest_list(answer: Any) -> str | None:
    """JMESPath of the longest list of objects, three levels deep at most."""
    best: tuple[int, str] | None = None
    queue: list[tuple[str, Any]] = [("", answer)]
    while queue:
        path, value = queue.pop(0)
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            best = max(best or (0, ""), (len(value), path or "@"), key=lambda found: found[0])
        elif isinstance(value, Mapping) and path.count(".") < 2:
            queue += [(f"{path}.{json.dumps(name)}".lstrip("."), one) for name, one in value.items()]
    return best[1] if best else None


def _page(url: str, text: str, entry: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    page = parse_page(text)
    remarks: list[str] = []
    title = page.css("title::text").get("").strip()
    feed = page.css('link[rel=alternate][type*="rss"]::attr(href), link[rel=alternate][type*="atom"]::attr(href)').get()
    if feed and (address := absolute(feed, url)):
        remarks.append(f"这个页面有订阅源，用它更省事：kind: feed, url: {address}")
    kind = _kind(url, plain_text(text)[:4000])
    entry |= {"kind": kind, "name": re.split(r"\s*[_|]\s*|\s+-\s+", title)[0][:80] or entry["name"]}
    if item := _row_selector(page):
        entry["selectors"] = {"item": item}
    else:
        remarks.append("没有认出一行一行的列表，会按标题链接采集；最好写上 selectors.item")
    source: Source = parse({**entry, "id": "guess"})
    links = read_index(text, url, source).links
    remarks.append(f"目录页里有 {len(links)} 个链接，例如：{links[0].title}")
    return entry, remarks


def _kind(url: str, text: str) -> str:
    if re.search(r"留言板|领导信箱|书记信箱|县长信箱|市长信箱|问政|来信选登|网上信访", text[:600]):
        return "board"
    if re.search(r"(?i)forum|bbs|thread|/t/", url) or re.search(r"回帖|楼主|主题帖|版块", text):
        return "forum"
    return "list"


def _row_selector(page: Selector) -> str | None:
    """The commonest way down to an element with one headline in it, as CSS."""
    ways: Counter[str] = Counter()
    for anchor in page.css("a[href]"):
        if len(" ".join(plain_text(anchor.get()).split())) >= _TITLE_LENGTH:
            row = next(
                iter(anchor.xpath("ancestor::li[1] | ancestor::tr[1] | ancestor::dd[1] | ancestor::div[1]")[-1:]), None
            )
            if row is not None and isinstance(row.root, etree._Element):
                ways[_way(row.root)] += 1
    best = ways.most_common(1)
    return best[0][0] if best and best[0][1] >= _FEWEST else None


def _way(element: Any) -> str:
    parent = element.getparent()
    own = _step(element)
    return f"{_step(parent)} > {own}" if parent is not None and parent.tag not in ("html", "body") else own


def _step(element: Any) -> str:
    name = str(element.tag)
    if (marked := element.get("id")) and re.fullmatch(r"[A-Za-z][\w-]*", marked):
        return f"{name}#{marked}"
    classes = [one for one in (element.get("class") or "").split() if re.fullmatch(r"[A-Za-z][\w-]*", one)]
    return f"{name}.{classes[0]}" if classes else name

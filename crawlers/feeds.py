"""RSS, Atom, RDF and JSON Feed: the entries with their texts as written. Pure.

Times are left as text: feed libraries take a time without a zone for UTC, and Chinese feeds mean Beijing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lxml import etree

from core.errors import Rejected

Entry = dict[str, str]
_ROOTS = {"rss", "feed", "RDF"}
#: Our name → local names of elements, in order of trust.
_ELEMENTS = {
    "id": ("guid", "id"),
    "title": ("title",),
    "published": ("pubDate", "published", "issued", "date", "updated"),
    "author": ("creator", "author"),
    "text": ("encoded", "content", "description", "summary"),
}


def read_feed(body: bytes) -> tuple[Entry, ...]:
    """Entries with id, url, title, published, author, text as far as stated; markup kept.

    Raises Rejected when the bytes are no feed (a page that says 维护中, an empty answer) or want to expand.
    """
    start = body.lstrip()[:1]
    if start == b"{":
        return _json_feed(body)
    refuse_entities(body)
    try:
        root = etree.fromstring(body, parser=_parser())
    except (etree.XMLSyntaxError, ValueError):
        return _broken_feed(body)
    if etree.QName(root).localname not in _ROOTS:
        raise Rejected(f"不是订阅源：根元素是 <{etree.QName(root).localname}>")
    items = [element for element in root.iter() if _local(element) in ("item", "entry")]
    return tuple(filter(None, map(_entry, items)))


def refuse_entities(body: bytes) -> None:
    """Feeds and sitemaps have no use for entity declarations; bombs and file readers have. Raises Rejected."""
    if (
        b"<!ENTITY" in body
        or b"<\x00!\x00E\x00N\x00T\x00I\x00T\x00Y" in body
        or b"\x00<\x00!\x00E\x00N\x00T\x00I\x00T\x00Y" in body
    ):
        raise Rejected("XML 里声明了实体，可能是炸弹或读取本机文件，已拒绝")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _local(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _entry(item: Any) -> Entry | None:
    by_name: dict[str, list[Any]] = {}
    for child in item:
        by_name.setdefault(_local(child), []).append(child)
    entry = {
        ours: next(filter(None, (_content(one) for name in theirs for one in by_name.get(name, []))), "")
        for ours, theirs in _ELEMENTS.items()
    }
    entry["url"] = _link(by_name.get("link", []), entry["id"])
    return _filled(entry)


def _content(element: Any) -> str:
    """Text of an element; of an Atom author the name, of XHTML content the markup."""
    name = next((child for child in element if _local(child) == "name"), None)
    if name is not None:
        return str(name.text or "").strip()
    if len(element):
        return "".join(etree.tostring(child, encoding="unicode") for child in element)
    return str(element.text or "").strip()


def _link(links: list[Any], guid: str) -> str:
    for link in links:
        if link.get("rel", "alternate") == "alternate" and (address := (link.get("href") or link.text or "").strip()):
            return str(address)
    return guid if guid.startswith(("http://", "https://")) else ""


def _filled(entry: Entry) -> Entry | None:
    found = {name: value for name, value in entry.items() if value}
    return found if found.get("title") or found.get("text") else None


def _broken_feed(body: bytes) -> tuple[Entry, ...]:
    """Feeds with an unescaped `&` or worse: slow and forgiving."""
    import feedparser  # 12 MB that few feeds need

    parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    if not parsed.get("version"):
        raise Rejected("不是订阅源，也不是完整的 XML")
    return tuple(filter(None, (_lenient_entry(entry) for entry in parsed.entries)))


def _lenient_entry(entry: Mapping[str, Any]) -> Entry | None:
    contents = entry.get("content") or []
    return _filled(
        {
            "id": str(entry.get("id", "")),
            "url": str(entry.get("link", "")),
            "title": str(entry.get("title", "")),
            "published": str(entry.get("published") or entry.get("updated") or ""),
            "author": str(entry.get("author", "")),
            "text": str(contents[0].get("value", "")) if contents else str(entry.get("summary", "")),
        }
    )


def _json_feed(body: bytes) -> tuple[Entry, ...]:
    answer = read_json(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
        raise Rejected("不是 JSON Feed：没有 items")
    return tuple(filter(None, (_json_entry(item) for item in answer["items"] if isinstance(item, dict))))


def _json_entry(item: Mapping[str, Any]) -> Entry | None:
    authors = item.get("authors") or ([item["author"]] if isinstance(item.get("author"), dict) else [])
    names = [str(author.get("name", "")) for author in authors if isinstance(author, dict)]
    return _filled(
        {
            "id": str(item.get("id") or ""),
            "url": str(item.get("url") or item.get("external_url") or ""),
            "title": str(item.get("title") or ""),
            "published": str(item.get("date_published") or item.get("date_modified") or ""),
            "author": names[0] if names else "",
            "text": str(item.get("content_html") or item.get("content_text") or item.get("summary") or ""),
        }
    )


def read_json(body: bytes) -> Any:
    """A JSON answer. Raises Rejected when it is none, or nested without measure."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise Rejected("JSON 嵌套太深") from error
    except ValueError as error:
        raise Rejected(f"应答不是 JSON：{error}") from error
